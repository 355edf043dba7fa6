"""Scalar expressions: what a rule becomes when it is read with symbols instead of numbers.

A `Scalar` is a node of a hash-consed DAG: equal expressions are the same object, so that common
subexpressions cost nothing and a structure can be compared with `is`. Its operations are the
primitives of the table below, each with the NumPy function that defines it: `evaluate` is the
slow, obvious interpreter that every compiler is held against.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from pullback.backends.along import without_protocol
from pullback.locks import LOCK


@dataclass(frozen=True)
class Primitive:
    """A scalar operation that every backend implements itself."""

    name: str
    arity: int
    compute: Callable[..., Any]
    result: str = "same"  # dtype of the result: that of the last argument, or "bool", or "real"


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _sign(x: Any) -> Any:
    if x.dtype.kind == "b":
        return x.copy()
    if x.dtype.kind == "c":  # NaN is nowhere on the circle; PyTorch's real ones have sign 0
        size = np.abs(x)
        return np.where(size == 0, 0, x / np.where(size == 0, 1, size)).astype(x.dtype)
    if x.dtype.kind == "f":  # NumPy's own is no vector loop, and the sign of NaN there is NaN
        above, below = np.greater(x, 0).view(np.int8), np.less(x, 0).view(np.int8)
        return np.subtract(above, below).astype(x.dtype)
    return np.sign(x)


def _of_integers(name: str) -> Callable[..., Any]:
    """Bitwise functions; NumPy's TypeError for other numbers is none of PyTorch's."""
    function = getattr(np, name)

    def compute(*args: Any) -> Any:
        if args[0].dtype.kind not in "bui":
            raise NotImplementedError(f"{name} is defined for integers, not for {args[0].dtype}")
        return function(*args)

    return compute


def _divided(function: Callable[..., Any]) -> Callable[..., Any]:
    """Integer division; by zero it is PyTorch's error, not a number."""

    def compute(x: Any, y: Any) -> Any:
        if y.dtype.kind in "iu" and not np.all(y):
            raise RuntimeError(
                f"ZeroDivisionError: integers of shape {list(x.shape)} are divided by zero in "
                f"those of shape {list(y.shape)}"
            )
        return function(x, y)

    return compute


def _remainder(x: Any, y: Any) -> Any:
    """What floor division leaves over; a zero has the sign of x, as PyTorch's."""
    if x.dtype.kind != "f":
        return np.remainder(x, y)
    rest = np.fmod(x, y)
    return np.where((rest != 0) & ((rest < 0) != (y < 0)), rest + y, rest)


def _power(x: Any, y: Any) -> Any:
    """x**y; integers to negative powers are rounded towards zero."""
    if y.dtype.kind != "i" or not y.ndim or np.all(y >= 0):
        return np.power(x, y)
    inverse = np.where(x == 1, 1, np.where(x == -1, 1 - 2 * (y & 1), 0))
    return np.where(y < 0, inverse, np.power(x, np.where(y < 0, 0, y))).astype(x.dtype)


def _round(x: Any) -> Any:
    return np.rint(x) if x.dtype.kind in "fc" else np.trunc(x)  # integers stay what they are


def _part(name: str) -> Callable[..., Any]:
    """A view of the real or imaginary parts."""
    return lambda x: getattr(np.asarray(x), name)


def _rsqrt(x: Any) -> Any:
    return 1 / np.sqrt(x)


LARGE = 1 << 13  # elements from which a compiled loop is looked for


def _special(
    name: str, otherwise: Callable[[float], float] | None = None, scipy_name: str = ""
) -> Callable[..., Any]:
    """Of large arrays the compiled loop; of others SciPy's function. Without SciPy, Python's own
    on each element, if it has one: slow, and as accurate."""

    def compute(x: Any) -> Any:
        if x.size >= LARGE:
            from pullback.backends.elementwise import applied

            found = applied(name, x)
            if found is not None:
                return found
        function: Callable[..., Any]
        try:
            import scipy.special

            function = getattr(scipy.special, scipy_name or name)
        except ImportError:
            if otherwise is None:
                raise
            function = np.vectorize(otherwise, otypes=[np.float64])
        return function(x).astype(x.dtype, copy=False)

    return compute


def _lgamma(x: float) -> float:
    try:
        return math.lgamma(x)
    except (OverflowError, ValueError):  # beyond the range, and at the poles
        return math.inf


_gammaln = _special("lgamma", _lgamma, "gammaln")
_inverse_of_erf = _special("erfinv")


def _erfinv(x: Any) -> Any:
    return np.where(x == 0, x, _inverse_of_erf(x))  # -0.0 at -0.0


def _zeta(s: Any, q: Any) -> Any:
    """SciPy's Hurwitz zeta function."""
    from scipy.special import zeta

    return np.asarray(zeta(s, q)).astype(np.result_type(s, q), copy=False)


_multiple = _of_integers("lcm")


def _lcm(a: Any, b: Any) -> Any:
    return np.abs(_multiple(a, b))  # of one that overflows too


def _log_gamma(x: Any) -> Any:
    size = np.abs(x)
    y = np.where(size < 1e-30, -np.log(size), _gammaln(x))  # SciPy's overflows there
    return np.where(np.isinf(x), size, y)  # and is -inf at -inf


_TABLE: list[Any] = [
    # name, arity, NumPy's function, dtype of the result
    ("add", 2, np.add), ("sub", 2, np.subtract), ("mul", 2, np.multiply),
    ("div", 2, np.true_divide), ("floor_divide", 2, _divided(np.floor_divide)),
    ("remainder", 2, _divided(_remainder)), ("fmod", 2, _divided(np.fmod)), ("pow", 2, _power),
    ("maximum", 2, np.maximum), ("minimum", 2, np.minimum), ("atan2", 2, np.arctan2),
    ("copysign", 2, np.copysign), ("nextafter", 2, np.nextafter), ("zeta", 2, _zeta),
    ("gcd", 2, _of_integers("gcd")), ("lcm", 2, _lcm),
    ("neg", 1, np.negative), ("abs", 1, np.absolute, "real"), ("sign", 1, _sign),
    ("sqrt", 1, np.sqrt), ("rsqrt", 1, _rsqrt),
    ("exp", 1, np.exp), ("exp2", 1, np.exp2), ("expm1", 1, np.expm1),
    ("log", 1, np.log), ("log2", 1, np.log2), ("log10", 1, np.log10), ("log1p", 1, np.log1p),
    ("sin", 1, np.sin), ("cos", 1, np.cos), ("tan", 1, np.tan),
    ("asin", 1, np.arcsin), ("acos", 1, np.arccos), ("atan", 1, np.arctan),
    ("sinh", 1, np.sinh), ("cosh", 1, np.cosh), ("tanh", 1, np.tanh),
    ("asinh", 1, np.arcsinh), ("acosh", 1, np.arccosh), ("atanh", 1, np.arctanh),
    ("sigmoid", 1, _sigmoid),
    ("erf", 1, _special("erf", math.erf)), ("erfc", 1, _special("erfc", math.erfc)),
    ("lgamma", 1, _log_gamma), ("digamma", 1, _special("digamma", scipy_name="psi")),
    ("erfinv", 1, _erfinv), ("erfcx", 1, _special("erfcx")),
    ("ndtri", 1, _special("ndtri")), ("log_ndtr", 1, _special("log_ndtr")),
    ("i0", 1, _special("i0")), ("i1", 1, _special("i1")),
    ("i0e", 1, _special("i0e")), ("i1e", 1, _special("i1e")),
    ("floor", 1, np.floor), ("ceil", 1, np.ceil), ("trunc", 1, np.trunc), ("round", 1, _round),
    ("eq", 2, np.equal, "bool"), ("ne", 2, np.not_equal, "bool"), ("lt", 2, np.less, "bool"),
    ("le", 2, np.less_equal, "bool"), ("gt", 2, np.greater, "bool"),
    ("ge", 2, np.greater_equal, "bool"),
    ("isnan", 1, np.isnan, "bool"), ("isinf", 1, np.isinf, "bool"),
    ("isfinite", 1, np.isfinite, "bool"), ("signbit", 1, np.signbit, "bool"),
    ("logical_not", 1, np.logical_not, "bool"), ("logical_and", 2, np.logical_and, "bool"),
    ("logical_or", 2, np.logical_or, "bool"), ("logical_xor", 2, np.logical_xor, "bool"),
    ("bitwise_and", 2, _of_integers("bitwise_and")), ("bitwise_or", 2, _of_integers("bitwise_or")),
    ("bitwise_xor", 2, _of_integers("bitwise_xor")), ("bitwise_not", 1, _of_integers("invert")),
    ("bitwise_left_shift", 2, _of_integers("left_shift")),
    ("bitwise_right_shift", 2, _of_integers("right_shift")),
    ("where", 3, without_protocol(np.where)),
    ("conj", 1, np.conjugate), ("real", 1, _part("real"), "real"),
    ("imag", 1, _part("imag"), "real"),
]  # fmt: skip

PRIMITIVES: Mapping[str, Primitive] = {row[0]: Primitive(*row) for row in _TABLE}


class Scalar:
    """One node: an operation on scalars, `"input"` (its name in `data`) or `"const"` (its value).

    Arithmetic follows dispatch's contract: operands have one dtype (casts are explicit), and
    Python literals take the dtype of the other operand.
    """

    __slots__ = ("__weakref__", "_fingerprint", "args", "data", "dtype", "op")

    op: str
    args: tuple[Scalar, ...]
    dtype: np.dtype[Any]
    data: Any
    _fingerprint: bytes | None

    def __bool__(self) -> bool:
        raise TypeError(
            "a symbolic scalar has no truth value: `if`, `and`, `or`, `min` and `max` cannot "
            "branch on it. Use xp.where(condition, a, b), xp.maximum or xp.minimum"
        )

    def __repr__(self) -> str:
        if self.op in ("input", "const"):
            return str(self.data)
        return f"{self.op}({', '.join(map(repr, self.args))})"

    def __add__(self, other: Any) -> Scalar:
        return apply("add", self, other)

    def __radd__(self, other: Any) -> Scalar:
        return apply("add", other, self)

    def __sub__(self, other: Any) -> Scalar:
        return apply("sub", self, other)

    def __rsub__(self, other: Any) -> Scalar:
        return apply("sub", other, self)

    def __mul__(self, other: Any) -> Scalar:
        return apply("mul", self, other)

    def __rmul__(self, other: Any) -> Scalar:
        return apply("mul", other, self)

    def __truediv__(self, other: Any) -> Scalar:
        return apply("div", self, other)

    def __rtruediv__(self, other: Any) -> Scalar:
        return apply("div", other, self)

    def __pow__(self, other: Any) -> Scalar:
        return apply("pow", self, other)

    def __rpow__(self, other: Any) -> Scalar:
        return apply("pow", other, self)

    def __neg__(self) -> Scalar:
        return apply("neg", self)

    def __invert__(self) -> Scalar:
        return apply("logical_not" if self.dtype == np.bool_ else "bitwise_not", self)

    def __and__(self, other: Any) -> Scalar:
        return apply("logical_and" if self.dtype == np.bool_ else "bitwise_and", self, other)

    def __or__(self, other: Any) -> Scalar:
        return apply("logical_or" if self.dtype == np.bool_ else "bitwise_or", self, other)

    def __lt__(self, other: Any) -> Scalar:
        return apply("lt", self, other)

    def __le__(self, other: Any) -> Scalar:
        return apply("le", self, other)

    def __gt__(self, other: Any) -> Scalar:
        return apply("gt", self, other)

    def __ge__(self, other: Any) -> Scalar:
        return apply("ge", self, other)

    # `==` stays identity: the DAG is hash-consed. Rules write xp.eq and xp.ne.


class Function(Protocol):
    """What a "call" node calls, its `data`: a function of arrays that is no primitive.

    Its repr is the same in every process.
    """

    def __call__(self, *arrays: Any) -> Any:
        """Of arrays that broadcast."""


def called(function: Function, dtype: Any, *args: Scalar) -> Scalar:
    """A function that is no primitive, applied to scalars; `dtype` is that of the result."""
    return node("call", args, np.dtype(dtype), function)


def definition(n: Scalar) -> Callable[..., Any]:
    """The NumPy function that defines a primitive's node, or one that calls a function."""
    found: Callable[..., Any] = n.data if n.op == "call" else PRIMITIVES[n.op].compute
    return found


_nodes: weakref.WeakValueDictionary[Any, Scalar] = weakref.WeakValueDictionary()


def node(op: str, args: tuple[Scalar, ...], dtype: np.dtype[Any], data: Any = None) -> Scalar:
    """The one node with this operation, these arguments, this dtype and this data."""
    key = (op, tuple(map(id, args)), dtype, data)
    with LOCK:
        found = _nodes.get(key)
        if found is None:
            found = Scalar()
            found.op, found.args, found.dtype, found.data = op, args, dtype, data
            found._fingerprint = None
            _nodes[key] = found
    return found


def scalar_input(name: str, dtype: Any) -> Scalar:
    """A free variable."""
    return node("input", (), np.dtype(dtype), name)


class Literal:
    """The value of a constant, compared by its bits: -0.0 is not 0.0, and NaN equals itself."""

    __slots__ = ("bits", "value")

    def __init__(self, value: np.generic):
        self.value = value
        self.bits = value.tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and self.bits == other.bits

    def __hash__(self) -> int:
        return hash(self.bits)

    def __str__(self) -> str:
        return str(self.value)

    def __repr__(self) -> str:
        return f"Literal({self.bits.hex()})"


def const(value: Any, dtype: Any) -> Scalar:
    """A constant of the given dtype; integers that it does not hold wrap around."""
    dtype = np.dtype(dtype)
    if dtype.kind in "iu" and type(value) is int:
        value = np.array(value).astype(dtype)
    return node("const", (), dtype, Literal(dtype.type(value)))


def cast(x: Scalar, dtype: Any) -> Scalar:
    """The value converted to another dtype (`data` is None; the node's dtype says which)."""
    dtype = np.dtype(dtype)
    return x if x.dtype == dtype else node("cast", (x,), dtype)


def apply(name: str, *args: Any) -> Scalar:
    """A primitive applied to scalars and Python literals."""
    primitive = PRIMITIVES[name]
    if len(args) != primitive.arity:
        raise TypeError(f"{name} takes {primitive.arity} scalars, not {len(args)}")
    values = args[1:] if name == "where" else args
    dtypes = {a.dtype for a in values if isinstance(a, Scalar)}
    if len(dtypes) != 1:
        raise TypeError(f"{name} needs operands of one dtype, got {sorted(map(str, dtypes))}")
    (dtype,) = dtypes
    scalars = tuple(a if isinstance(a, Scalar) else const(a, dtype) for a in values)
    if name == "where":
        scalars = (args[0], *scalars)
    if primitive.result == "bool":
        dtype = np.dtype(np.bool_)
    elif primitive.result == "real" and dtype.kind == "c":
        dtype = np.dtype(f"f{dtype.itemsize // 2}")
    return node(name, scalars, dtype)


def remake(n: Scalar, args: tuple[Scalar, ...]) -> Scalar:
    """The same operation on other arguments."""
    unchanged = all(a is b for a, b in zip(n.args, args, strict=True))
    return n if unchanged else node(n.op, args, n.dtype, n.data)


def fingerprint(root: Scalar) -> bytes:
    """A digest of the structure, the same in every process (`data` must have a stable repr)."""
    if root._fingerprint is None:
        import hashlib  # 3 ms, which eager computations do without

        for n in walk(root):
            if n._fingerprint is None:
                head = f"{n.op}|{n.dtype.str}|{n.data!r}"
                digest = hashlib.blake2b(head.encode(), digest_size=16)
                for a in n.args:
                    assert a._fingerprint is not None
                    digest.update(a._fingerprint)
                n._fingerprint = digest.digest()
        assert root._fingerprint is not None
    return root._fingerprint


def walk(*roots: Scalar) -> list[Scalar]:
    """Every node below the roots once, arguments before the nodes that use them."""
    found: list[Scalar] = []
    seen: set[int] = set()
    stack: list[Any] = list(reversed(roots))
    while stack:
        current = stack.pop()
        if current is None:  # below this are a node, and arguments of it that were gone through
            found.append(stack.pop())
            continue
        key = id(current)
        if key not in seen:
            seen.add(key)
            if current.args:
                stack += (current, None, *reversed(current.args))
            else:
                found.append(current)
    return found


def evaluate(root: Scalar, inputs: Mapping[str, Any]) -> Any:
    """The value of an expression for NumPy inputs: the definition of every node."""
    values: dict[int, Any] = {}
    with np.errstate(all="ignore"):
        for n in walk(root):
            args = [values[id(a)] for a in n.args]
            if n.op == "input":
                value = inputs[n.data]
            elif n.op == "const":
                value = n.data.value
            elif n.op == "cast":
                value = np.asarray(args[0]).astype(n.dtype)
            else:
                value = definition(n)(*args)
            values[id(n)] = value
    return values[id(root)]
