"""Complex numbers as pairs of real ones: machines, and all other passes, compute real numbers.

A complex node becomes a `Pair` of its real and its imaginary part. A part that is None is zero for
sure: a real number times a complex one is two products, and exp(iθ) is a cosine and a sine. (This
is the arithmetic of C11, annex G. Where numbers are infinite or NaN, PyTorch multiplies them by
these zeros as well, and has more NaNs.)

The elementary functions are those of W. Kahan, "Branch cuts for complex elementary functions", in
A. Iserles and M. Powell (eds.), "The State of the Art in Numerical Analysis", 1987. Absolute values
and quotients are scaled by the larger part, so that they neither overflow nor underflow on the way
(R. Smith, "Algorithm 116: Complex division", Communications of the ACM 5, 1962).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..loops import Reduction, State, reduce
from ..scalar import Scalar, apply, called, cast, const, node, remake, scalar_input, walk

Part = Scalar | None


class Pair(NamedTuple):
    """re + i im; None is zero, and one of the two is not None."""

    re: Part
    im: Part

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the parts."""
        some = self.im if self.re is None else self.re
        assert some is not None
        return some.dtype

    def both(self) -> tuple[Scalar, Scalar]:
        """The parts, zeros written out."""
        zero = const(0, self.dtype)
        return zero if self.re is None else self.re, zero if self.im is None else self.im


def of_parts(re: Scalar, im: Scalar, dtype: Any) -> Scalar:
    """The complex number of these parts, as a scalar."""
    return node("complex", (re, im), np.dtype(dtype))


def part_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of the parts of a complex number; any other dtype is its own."""
    return np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype


def separate(roots: Sequence[Scalar]) -> list[Scalar | Pair]:
    """The same values without complex scalars: real ones are scalars, complex ones pairs.

    NotImplementedError for what is not known of complex numbers.
    """
    found: dict[int, Scalar | Pair] = {}
    for n in walk(*roots):
        args = [found[id(a)] for a in n.args]
        if n.dtype.kind == "c" or any(isinstance(a, Pair) for a in args):
            found[id(n)] = _separated(n, args)
        else:
            found[id(n)] = remake(n, tuple(a for a in args if isinstance(a, Scalar)))
    return [found[id(r)] for r in roots]


def _separated(n: Scalar, args: Sequence[Any]) -> Scalar | Pair:
    """A node that is complex, or has complex arguments."""
    if n.op == "const":
        value, dtype = n.data.value, part_dtype(n.dtype)
        re = const(value.real, dtype) if value.real != 0 or value.imag == 0 else None
        return Pair(re, const(value.imag, dtype) if value.imag != 0 else None)
    if n.op == "complex":
        return Pair(*args)
    if n.op == "input":
        dtype = part_dtype(n.dtype)
        return Pair(scalar_input(f"{n.data}.re", dtype), scalar_input(f"{n.data}.im", dtype))
    if n.op == "cast":
        return _cast(args[0], n.dtype)
    if n.op == "reduce":
        return _reduced(n.data, args[0])
    if n.op == "call":
        return _called(n, args)
    if n.op == "where":
        condition, *branches = args
        (a, b), (c, d) = (_pair(x).both() for x in branches)
        if isinstance(condition, Pair):
            condition = _differs(condition, _ZERO)
        return Pair(apply("where", condition, a, c), apply("where", condition, b, d))
    rule = _RULES.get(n.op)
    if rule is None:
        raise NotImplementedError(f"{n.op} of complex numbers, in loops")
    return rule(*map(_pair, args))


@dataclass(frozen=True)
class OfParts:
    """A function of complex numbers, given and giving real parts."""

    function: Any
    given: tuple[np.dtype[Any] | None, ...]  # for each argument, its dtype if it is complex
    part: str | None  # "real" or "imag" of a complex result

    def __call__(self, *arrays: Any) -> Any:
        parts = iter(arrays)
        whole = []
        for dtype in self.given:
            x = next(parts)
            if dtype is not None:
                re, im = np.broadcast_arrays(x, next(parts))
                x = np.empty(re.shape, dtype)
                x.real, x.imag = re, im
            whole.append(x)
        result = self.function(*whole)
        return result if self.part is None else getattr(result, self.part)

    def __repr__(self) -> str:
        return f"{self.function!r}{[d and d.str for d in self.given]}.{self.part}"


def _called(n: Scalar, args: Sequence[Any]) -> Scalar | Pair:
    """A call of a function, once for each part of its result."""
    given = tuple(a.dtype if a.dtype.kind == "c" else None for a in n.args)
    parts: list[Scalar] = []
    for dtype, a in zip(given, args, strict=True):
        parts += [a] if dtype is None else _pair(a).both()
    if n.dtype.kind != "c":
        return called(OfParts(n.data, given, None), n.dtype, *parts)
    return Pair(*(called(OfParts(n.data, given, p), part_dtype(n.dtype), *parts)
                  for p in ("real", "imag")))  # fmt: skip


def _pair(x: Scalar | Pair) -> Pair:
    return x if isinstance(x, Pair) else Pair(x, None)


def _cast(x: Scalar | Pair, dtype: np.dtype[Any]) -> Scalar | Pair:
    if dtype == np.bool_:
        return _differs(_pair(x), _ZERO)
    if dtype.kind != "c":  # without the imaginary part
        return cast(_pair(x).both()[0], dtype)
    to = part_dtype(dtype)
    re, im = (None if p is None else cast(p, to) for p in _pair(x))
    return Pair(re, im)


def _reduced(data: Reduction, x: Any) -> Pair:
    if data.kind == "sum":
        re, im = (None if p is None else reduce("sum", data.over, p) for p in x)
        return Pair(re, im)
    if data.kind != "prod":
        raise NotImplementedError(f"{data.kind} of complex numbers")
    dtype = x.dtype
    a, b = (Pair(*(scalar_input(f"{s}{k}", dtype) for k in (0, 1))) for s in "ab")
    one = const(1, dtype), const(0, dtype)
    states = (State("product", one, _times(a, b).both(), finish) for finish in a.both())
    re, im = (reduce(s, data.over, *x.both()) for s in states)
    return Pair(re, im)


# ------------------------------------------------------------------------- arithmetic of parts


def _minus(a: Part) -> Part:
    return None if a is None else -a


def _sum(a: Part, b: Part) -> Part:
    if a is None or b is None:
        return a if b is None else b
    return a + b


def _product(a: Part, b: Part) -> Part:
    return None if a is None or b is None else a * b


def _over(a: Part, b: Scalar) -> Part:
    return None if a is None else a / b


# ---------------------------------------------------------------------------------- arithmetic

_ZERO = Pair(None, None)  # of any dtype; only compared with


def _plus(x: Pair, y: Pair) -> Pair:
    return Pair(_sum(x.re, y.re), _sum(x.im, y.im))


def _negative(x: Pair) -> Pair:
    return Pair(_minus(x.re), _minus(x.im))


def _times(x: Pair, y: Pair) -> Pair:
    re = _sum(_product(x.re, y.re), _minus(_product(x.im, y.im)))
    return Pair(re, _sum(_product(x.re, y.im), _product(x.im, y.re)))


def _divided(x: Pair, y: Pair) -> Pair:
    if y.im is None:
        assert y.re is not None
        return Pair(_over(x.re, y.re), _over(x.im, y.re))
    if y.re is None:  # x / (i d) = -i x / d
        return Pair(_over(x.im, y.im), _minus(_over(x.re, y.im)))
    scale = apply("maximum", apply("abs", y.re), apply("abs", y.im))
    c, d = y.re / scale, y.im / scale
    whole = y.re * c + y.im * d
    over = _times(x, Pair(c, -d))
    return Pair(_over(over.re, whole), _over(over.im, whole))


def _conjugate(x: Pair) -> Pair:
    return Pair(x.re, _minus(x.im))


def _size(x: Pair) -> Scalar:
    if x.re is None or x.im is None:
        return apply("abs", x.both()[0] if x.im is None else x.im)
    a, b = apply("abs", x.re), apply("abs", x.im)
    large, ratio = _larger(a, b)
    return large * apply("sqrt", 1 + ratio * ratio)


def _larger(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """The larger one of two sizes, and what the other is divided by it: 0 for two zeros."""
    large, small = apply("maximum", a, b), apply("minimum", a, b)
    infinite = apply("logical_or", apply("eq", small, large), apply("eq", large, 0.0))
    ratio = small / apply("where", infinite, 1.0, large)
    equal = apply("where", apply("eq", large, 0.0), const(0, a.dtype), const(1, a.dtype))
    return large, apply("where", apply("eq", small, large), equal, ratio)


def _differs(x: Pair, y: Pair) -> Scalar:
    some = x if x is not _ZERO else y
    zero = const(0, some.dtype)
    unequal = [
        apply("ne", zero if a is None else a, zero if b is None else b)
        for a, b in zip(x, y, strict=True)
        if not (a is None and b is None)
    ]
    return unequal[0] if len(unequal) == 1 else apply("logical_or", *unequal)


def _equals(x: Pair, y: Pair) -> Scalar:
    return apply("logical_not", _differs(x, y))


def _in_either(name: str) -> Callable[[Pair], Scalar]:
    return lambda x: apply("logical_or", *(apply(name, p) for p in x.both()))


def _of_truths(name: str) -> Callable[[Pair, Pair], Scalar]:
    return lambda x, y: apply(name, _differs(x, _ZERO), _differs(y, _ZERO))


def _sign(x: Pair) -> Pair:
    size = _size(x)
    nothing = apply("eq", size, 0.0)
    scale = apply("where", nothing, const(1, x.dtype), size)
    return Pair(_over(x.re, scale), _over(x.im, scale))


# ------------------------------------------------------------------------- elementary functions


def _turned(size: Part, angle: Part) -> Pair:
    """size · exp(i angle); a size that is None is 1."""
    if angle is None:
        assert size is not None
        return Pair(size, None)
    cos, sin = apply("cos", angle), apply("sin", angle)
    return Pair(cos, sin) if size is None else Pair(size * cos, size * sin)


def _exp(x: Pair) -> Pair:
    return _turned(None if x.re is None else apply("exp", x.re), x.im)


def _exp2(x: Pair) -> Pair:
    angle = None if x.im is None else x.im * math.log(2)
    return _turned(None if x.re is None else apply("exp2", x.re), angle)


def _expm1(x: Pair) -> Pair:
    """exp(a + ib) - 1 = expm1(a) cos b - 2 sin²(b/2) + i exp(a) sin b."""
    if x.im is None:
        assert x.re is not None
        return Pair(apply("expm1", x.re), None)
    half = apply("sin", x.im * 0.5)
    fall = (half * half) * -2.0
    if x.re is None:
        return Pair(fall, apply("sin", x.im))
    re = apply("expm1", x.re) * apply("cos", x.im) + fall
    return Pair(re, apply("exp", x.re) * apply("sin", x.im))


def _log(x: Pair) -> Pair:
    """log|z| without squares that overflow: log of the larger part, and log1p of the ratio's."""
    a, b = x.both()
    large, ratio = _larger(apply("abs", a), apply("abs", b))
    size = apply("log", large) + apply("log1p", ratio * ratio) * 0.5
    return Pair(size, apply("atan2", b, a))


def _log_to(base: float) -> Callable[[Pair], Pair]:
    def function(x: Pair) -> Pair:
        re, im = _log(x).both()
        return Pair(re * (1 / math.log(base)), im * (1 / math.log(base)))

    return function


def _log1p(x: Pair) -> Pair:
    """log(1 + z): |1 + z|² - 1 = a (a + 2) + b² near 0."""
    a, b = x.both()
    near = apply("lt", apply("abs", a) + apply("abs", b), 0.5)
    small = apply("log1p", apply("where", near, a * (a + 2.0) + b * b, const(0, a.dtype))) * 0.5
    re, im = _log(Pair(a + 1.0, b)).both()
    return Pair(apply("where", near, small, re), im)


def _sqrt(x: Pair) -> Pair:
    """With t = sqrt((|z| + |a|) / 2): t + i b/(2t) where a ≥ 0, and |b|/(2t) ± i t elsewhere."""
    a, b = x.both()
    size = apply("abs", a)
    large, ratio = _larger(size, apply("abs", b))
    share = apply("where", apply("eq", size, large), const(1, a.dtype), ratio)
    t = apply("sqrt", large) * apply("sqrt", (apply("sqrt", ratio * ratio + 1.0) + share) * 0.5)
    other = b / (apply("where", apply("eq", t, 0.0), const(1, t.dtype), t) * 2.0)
    right = apply("ge", a, 0.0)
    re = apply("where", right, t, apply("abs", other))
    return Pair(re, apply("where", right, other, apply("copysign", t, b)))


def _inverse(x: Pair) -> Pair:
    return _divided(Pair(const(1, x.dtype), None), x)


def _rsqrt(x: Pair) -> Pair:
    return _inverse(_sqrt(x))


def _pow(x: Pair, y: Pair) -> Pair:
    """Small integers by products, other exponents by exp(y log x)."""
    number = y.re.data.value if y.im is None and y.re is not None and y.re.op == "const" else None
    if number is not None and number == int(number) and abs(number) <= 8:
        power = Pair(const(1, x.dtype), None)
        for _ in range(abs(int(number))):
            power = _times(power, x)
        return _inverse(power) if number < 0 else power
    if number == 0.5:
        return _sqrt(x)
    found = _exp(_times(y, _log(x)))
    nothing = apply("logical_not", _differs(x, _ZERO))
    one = apply("where", apply("logical_not", _differs(y, _ZERO)), 1.0, const(0, x.dtype))
    re, im = found.both()
    return Pair(apply("where", nothing, one, re), apply("where", nothing, const(0, x.dtype), im))


def _sinh(x: Pair) -> Pair:
    """sinh a cos b + i cosh a sin b."""
    a, b = x.both()
    cosh, sinh = apply("cosh", a), apply("sinh", a)
    return Pair(sinh * apply("cos", b), cosh * apply("sin", b))


def _cosh(x: Pair) -> Pair:
    """cosh a cos b + i sinh a sin b."""
    a, b = x.both()
    cosh, sinh = apply("cosh", a), apply("sinh", a)
    return Pair(cosh * apply("cos", b), sinh * apply("sin", b))


def _tanh(x: Pair) -> Pair:
    """With t = tanh a and u = tan b: (t (1 + u²) + i u (1 - t²)) / (1 + t² u²)."""
    a, b = x.both()
    t, u = apply("tanh", a), apply("tan", b)
    inverse = apply("cosh", a)
    whole = 1.0 + (t * u) * (t * u)
    return Pair(t * (1.0 + u * u) / whole, u / (inverse * inverse) / whole)


def _one_less_and_more(x: Pair) -> tuple[Pair, Pair]:
    """√(1 - z) and √(1 + z)."""
    a, b = x.both()
    return _sqrt(Pair(1.0 - a, -b)), _sqrt(Pair(1.0 + a, b))


def _asin(x: Pair) -> Pair:
    less, more = _one_less_and_more(x)
    (p, q), (r, s) = less.both(), more.both()
    return Pair(apply("atan2", x.both()[0], p * r - q * s), apply("asinh", p * s - q * r))


def _acos(x: Pair) -> Pair:
    less, more = _one_less_and_more(x)
    (p, q), (r, s) = less.both(), more.both()
    return Pair(apply("atan2", p, r) * 2.0, apply("asinh", r * q - s * p))


def _acosh(x: Pair) -> Pair:
    a, b = x.both()
    (p, q), (r, s) = _sqrt(Pair(a - 1.0, b)).both(), _sqrt(Pair(a + 1.0, b)).both()
    return Pair(apply("asinh", p * r + q * s), apply("atan2", q, r) * 2.0)


def _atanh(x: Pair) -> Pair:
    """¼ log(|1 + z|² / |1 - z|²), by a difference that keeps small real parts; half the angle of
    (1 + z) / (1 - z). Beyond 1e9 (1e18), z is as good as infinite, and squares overflow later."""
    a, b = x.both()
    far = 1e9 if a.dtype.itemsize == 4 else 1e18
    size, c, d = apply("abs", a), 1.0 - apply("abs", a), apply("abs", b)
    large, ratio = _larger(size, d)
    away = apply("gt", large, far)
    # Re atanh z → Re 1/z = a / |z|², for a = size.
    tail = size / large / large / (1.0 + ratio * ratio)
    tail = apply("where", apply("isinf", large), const(0, a.dtype), tail)
    near_a, near_c, near_b = (apply("where", away, const(0, a.dtype), t) for t in (size, c, b))
    re = apply("log1p", near_a * 4.0 / (near_c * near_c + near_b * near_b)) * 0.25
    angle = apply("atan2", near_b * 2.0, near_c * (1.0 + near_a) - near_b * near_b) * 0.5
    re = apply("copysign", apply("where", away, tail, re), a)
    turn = apply("copysign", const(math.pi / 2, a.dtype), b)
    return Pair(re, apply("where", away, turn, angle))


def _by_turning(function: Callable[[Pair], Pair]) -> Callable[[Pair], Pair]:
    """sin z = -i sinh(iz), and alike."""

    def turned(x: Pair) -> Pair:
        re, im = function(Pair(_minus(x.im), x.re))
        return Pair(im, _minus(re))

    return turned


def _sigmoid(x: Pair) -> Pair:
    """(1 + tanh(z/2)) / 2."""
    re, im = _tanh(Pair(*(None if p is None else p * 0.5 for p in x))).both()
    return Pair(re * 0.5 + 0.5, im * 0.5)


_RULES: dict[str, Callable[..., Scalar | Pair]] = {
    "add": _plus, "sub": lambda x, y: _plus(x, _negative(y)), "neg": _negative, "mul": _times,
    "div": _divided, "conj": _conjugate, "abs": _size, "sign": _sign,
    "real": lambda x: x.both()[0], "imag": lambda x: x.both()[1],
    "eq": _equals, "ne": _differs, "logical_not": lambda x: _equals(x, _ZERO),
    "isnan": _in_either("isnan"), "isinf": _in_either("isinf"),
    "isfinite": lambda x: apply("logical_and", *(apply("isfinite", p) for p in x.both())),
    "exp": _exp, "exp2": _exp2, "expm1": _expm1, "log": _log, "log2": _log_to(2),
    "log10": _log_to(10), "log1p": _log1p, "sqrt": _sqrt, "rsqrt": _rsqrt, "pow": _pow,
    "sinh": _sinh, "cosh": _cosh, "tanh": _tanh, "sigmoid": _sigmoid,
    "sin": _by_turning(_sinh), "cos": lambda x: _cosh(Pair(_minus(x.im), x.re)),
    "tan": _by_turning(_tanh),
    "asin": _asin, "acos": _acos, "acosh": _acosh, "atanh": _atanh,
    "asinh": _by_turning(_asin), "atan": _by_turning(_atanh),
    **{f"logical_{name}": _of_truths(f"logical_{name}") for name in ("and", "or", "xor")},
}  # fmt: skip
