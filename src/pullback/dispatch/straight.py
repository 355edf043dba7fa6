"""What is left of an operation's body for operands of known shapes and dtypes: calls of NumPy.

Bodies are read with a vocabulary, and may only ask their operands for shapes and dtypes. So reading
one with stand-ins, which know no more, gives a straight line of calls, the same for every call
such as this one: checks, axes in their normal form and shapes are computed once. `known` does this
for calls that are made over and over. What asks for numbers all the same (`if`, `.item()`) is left
as it is, except for checks of the kind "nothing is out of range", which stay among the calls.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback import layouts
from pullback.backends.along import expand
from pullback.backends.arrays import ARRAYS, ArrayVocabulary
from pullback.backends.memory import shares_memory
from pullback.backends.moving import full
from pullback.backends.prepared import Prepared
from pullback.backends.scalar import PRIMITIVES
from pullback.dispatch.promotion import number_array
from pullback.dispatch.written_out import WRITTEN_OUT, written_out
from pullback.op import REGISTRY, Op

ndarray = np.ndarray
MAX_BYTES = 4096  # of a constant that is kept
MAX_KEPT = 1 << 14  # bytes of a creation that is kept, to be copied
MAX_CALLS = 64  # of a straight line

# Primitives that are no functions of their arguments: random numbers, memory that is not set.
UNSTEADY = frozenset(
    n for n in dir(ArrayVocabulary) if n.startswith("draw") or n in ("stream", "uninitialised")
) | {"memory_of"}
REDUCTIONS = {
    "sum": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum,
    "any": np.logical_or, "all": np.logical_and,
}  # fmt: skip


# What operators of arrays call; `**` looks at the exponent first.
UFUNCS: dict[Any, Any] = {
    operator.add: np.add, operator.sub: np.subtract, operator.mul: np.multiply,
    operator.truediv: np.true_divide, operator.neg: np.negative, operator.abs: np.absolute,
    operator.and_: np.bitwise_and, operator.or_: np.bitwise_or, operator.xor: np.bitwise_xor,
    operator.invert: np.invert,
}  # fmt: skip


# Functions for which an array of no axes is the same as a number, and takes half the time: NumPy
# finds out anew at each call what dtype the number is to have.
TAKE_NUMBERS = frozenset((
    *UFUNCS, *UFUNCS.values(), operator.lt, operator.le, operator.gt, operator.ge, operator.eq,
    operator.ne, np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal,
    np.maximum, np.minimum, np.fmax, np.fmin, np.power, np.copysign, np.arctan2, np.remainder,
    np.fmod, np.floor_divide,
))  # fmt: skip
WHERE = PRIMITIVES["where"].compute
FEW = 256  # elements up to which a choice is better written over one of its operands


class NotStraight(Exception):
    """A body that is more than a straight line of calls."""


class Missed(Exception):
    """Numbers that a check among the calls does not pass."""


class Standin:
    """An array of which only shape and dtype are to be asked."""

    __slots__ = ("line", "name", "value")
    __array_ufunc__ = None  # NumPy's scalars and arrays leave operators to the stand-in

    def __init__(self, line: Line, name: str, value: np.ndarray[Any, Any]):
        self.line = line
        self.name = name
        self.value = value

    @property
    def shape(self) -> tuple[int, ...]:
        shape: tuple[int, ...] = self.value.shape
        return shape

    @property
    def ndim(self) -> int:
        return self.value.ndim

    @property
    def size(self) -> int:
        return self.value.size

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = self.value.dtype
        return dtype

    def __len__(self) -> int:
        return len(self.value)

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether the elements lie in order, where that is in the key of the call."""
        usual = memory_format in (None, layouts.contiguous_format)
        if self.line.ordered != self.name or not usual:
            raise NotStraight
        return bool(self.value.flags.c_contiguous)

    def __getitem__(self, key: Any) -> Any:
        return self.line.called(operator.getitem, (self, key))

    def __bool__(self) -> bool:
        raise NotStraight

    __float__ = __int__ = __index__ = __complex__ = __iter__ = __array__ = __bool__


def _operator(name: str, swap: bool = False) -> Callable[..., Any]:
    function = getattr(operator, name)

    def method(self: Standin, *other: Any) -> Any:
        operands = (*other, self) if swap else (self, *other)
        if self.line.composed is not None:
            return self.line.composed.operator(name.rstrip("_"), (self, *other), swap)
        return self.line.called(function, operands)

    return method


for _name in (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "matmul",
    "and_",
    "or_",
    "xor",
):
    _plain = _name.rstrip("_")
    setattr(Standin, f"__{_plain}__", _operator(_name))
    setattr(Standin, f"__r{_plain}__", _operator(_name, swap=True))
for _name in ("lt", "le", "gt", "ge", "eq", "ne", "neg", "pos", "abs", "invert"):
    setattr(Standin, f"__{_name}__", _operator(_name))


def short_creation(result: Any, unset: bool) -> tuple[Callable[[Any], Any], Any] | None:
    """(a function of NumPy's, its argument) for an array such as this one; None without any."""
    if unset:
        in_order = result.flags.c_contiguous
        return (functools.partial(np.empty, dtype=result.dtype), result.shape) if in_order else None
    if result.nbytes <= MAX_KEPT:
        return np.array, result.copy()
    first = result.flat[0]
    if not result.flags.c_contiguous or result.tobytes() != first.tobytes() * result.size:
        return None
    if not any(first.tobytes()):
        return functools.partial(np.zeros, dtype=result.dtype), result.shape
    return functools.partial(full, value=first, dtype=result.dtype), result.shape


class Line:
    """A vocabulary that writes down what is called with stand-ins."""

    is_eager = True
    records = False

    def __init__(self) -> None:
        self.composed: Any = None  # what reads the body, while it is one for tensors (`composed`)
        self.ordered = ""  # the operand that may be asked whether its elements lie in order
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"Missed": Missed}
        self.last: tuple[str, Any, str] = "", None, ""  # result, function and call of the last one
        self.fresh: set[str] = set()  # results in memory of their own
        self.choices: list[tuple[int, list[str]]] = []  # lines of `where`, which may write over one

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in UNSTEADY:
            raise NotStraight
        if name in REDUCTIONS:
            return functools.partial(self.reduction, name)
        primitive = getattr(ArrayVocabulary, name, None)
        if primitive is not None:
            return lambda *args, **keywords: self.called(primitive, args, keywords)
        op = REGISTRY.get(name)
        if op is None or op.random:
            raise NotStraight
        return lambda *args, **keywords: self.apply(op, op.arguments(args, keywords))

    def apply(self, op: Op, args: Sequence[Any]) -> Any:
        """The body of an operation."""
        if op.random:
            raise NotStraight
        return op.compute(self, args)

    # ---------------------------------------------------- primitives that are one call of NumPy

    def cast(self, x: Any, dtype: Any) -> Any:
        same = isinstance(x, Standin) and x.dtype == dtype
        return x if same else self.called(ArrayVocabulary.cast, (x, dtype))

    def conj(self, x: Any) -> Any:
        real = x.dtype.kind != "c"
        return x if real else self.called(np.conjugate, (x,))

    def permute(self, x: Any, *dims: int) -> Any:
        return self.method("transpose", x, dims)

    def reshape(self, x: Any, *shape: Any) -> Any:
        return self.method("reshape", x, tuple(shape))

    def expand(self, x: Any, *shape: Any) -> Any:
        return self.called(expand, (x, tuple(shape)))

    def reduction(self, name: str, x: Any, dim: Any = None, keepdim: bool = False) -> Any:
        """One of NumPy's own, for arrays that no other way is better for."""
        if not isinstance(x, Standin) or x.size > MAX_BYTES:
            return self.called(getattr(ArrayVocabulary, name), (x, dim, keepdim))
        return self.called(REDUCTIONS[name].reduce, (x,), {"axis": dim, "keepdims": keepdim})

    def drop(self, x: Any, dim: tuple[int, ...]) -> Any:
        return self.method("reshape", x, tuple(s for k, s in enumerate(x.shape) if k not in dim))

    def filled(self, shape: Sequence[int], value: Any, like: Any) -> Any:
        made = ARRAYS.filled(shape, value, like)  # of which the dtype is asked
        if made.nbytes <= MAX_BYTES:
            return made
        function, parts = (full, (value, made.dtype)) if value else (np.zeros, (made.dtype,))
        rest = ", ".join(map(self.text, parts))
        return self.write(f"{self.constant(function)}({self.text(made.shape)}, {rest})", made)

    def contiguous(self, x: Any, *, memory_format: Any = None) -> Any:
        if memory_format is not None:
            raise NotStraight
        return self.called(np.asarray, (x,), {"order": "C"})

    def matmul(self, a: Any, b: Any) -> Any:
        return self.called(np.matmul, (a, b))

    def lapack(self, name: str, *args: Any) -> Any:
        from pullback.backends.lapack import FUNCTIONS

        return self.called(FUNCTIONS[name], args)

    def fourier(self, name: str, *args: Any) -> Any:
        from pullback.backends.fourier import FUNCTIONS

        return self.called(FUNCTIONS[name], args)

    # ------------------------------------------------------------------------------ the lines

    def standin(self, name: str, value: Any) -> Standin:
        return Standin(self, name, value)

    def method(self, name: str, x: Any, *args: Any) -> Any:
        """A method of an array."""
        if not isinstance(x, Standin):
            return getattr(np.asarray(x), name)(*args)
        return self.write(
            f"{x.name}.{name}({', '.join(map(self.text, args))})", getattr(x.value, name)(*args)
        )

    def called(self, function: Any, args: Sequence[Any], keywords: Any = None) -> Any:
        """The result of a call, which is written down if one of the arguments is a stand-in."""
        keywords = keywords or {}
        if type(function) is Prepared and not keywords:
            function, args = function.split([real(a) for a in args])[0], args[: function.arrays]
        elif function in WRITTEN_OUT and any(map(has_standin, args)):
            known = len(self.lines), self.fresh.copy(), self.choices[:], self.last
            try:
                return written_out(function, args, Standin)
            except Exception:  # whatever it asks a stand-in for: it stays one call
                count, self.fresh, self.choices, self.last = known
                del self.lines[count:]
        if function in TAKE_NUMBERS or function is WHERE:
            args = as_arrays(function, args)
        result = function(*map(real, args), **{n: real(v) for n, v in keywords.items()})
        if not (any(map(has_standin, args)) or any(map(has_standin, keywords.values()))):
            return result
        parts = [*map(self.text, args), *(f"{n}={self.text(v)}" for n, v in keywords.items())]
        inner = ", ".join(parts)
        written = self.write(f"{self.constant(function)}({inner})", result)
        if type(written) is Standin:
            self.last = written.name, function, inner
            if function is WHERE and _writes_over(self, args[2], result):
                self.choices.append((len(self.lines) - 1, parts))
            makes = function in TAKE_NUMBERS or function is WHERE or isinstance(function, np.ufunc)
            if written.value.ndim and makes:
                self.fresh.add(written.name)
        return written

    def chosen(self, lines: Sequence[str], returned: str) -> list[str]:
        """The lines, with choices among few elements written over what nobody asks for again: that
        takes half the time."""
        found = list(lines)
        for place, (condition, x, y) in self.choices:
            uses = sum(line.count(y) for line in [*map(_words, lines), _words(returned)])
            if uses == 2:  # where it is made, and here
                name = lines[place].split(" = ")[0]
                copy = f"{self.constant(np.copyto)}({y}, {x}, where={condition})"
                found[place] = f"{copy}; {name} = {y}"
        return found

    def over(self, name: str, result: Any) -> list[str]:
        """The lines, with the result written over an operand: by the last call, if it can."""
        last, function, inner = self.last
        function = UFUNCS.get(function, function)
        ends = type(result) is Standin and result.name == last
        if isinstance(function, np.ufunc) and ends and self.lines[-1].startswith(f"{last} = "):
            return [*self.lines[:-1], f"{self.constant(function)}({inner}, out={name})"]
        return [*self.lines, f"{self.constant(np.copyto)}({name}, {_returned(self, result)})"]

    def write(self, text: str, result: Any) -> Any:
        if len(self.lines) == MAX_CALLS:
            raise NotStraight
        if result is None or result is False or result is True:
            self.lines.append(f"if {text} is not {result}: raise Missed")
            return result
        name = f"v{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        if isinstance(result, (ndarray, np.generic)):
            return self.standin(name, result)
        if isinstance(result, (tuple, list)):
            parts: list[Any] = []
            for k, part in enumerate(result):
                if not isinstance(part, (ndarray, np.generic)):
                    raise NotStraight
                parts.append(self.standin(f"{name}[{k}]", part))
            return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
        raise NotStraight

    def text(self, value: Any) -> str:
        """Source of an argument."""
        kind = type(value)
        if kind is Standin:
            return str(value.name)
        if kind in (int, bool, type(None), str):
            return repr(value)
        if kind is tuple or kind is list:
            inner = "".join(f"{self.text(v)}, " for v in value)
            return f"({inner})" if kind is tuple else f"[{inner}]"
        if kind is ndarray and value.nbytes > MAX_BYTES:
            raise NotStraight
        if isinstance(value, Sequence) and has_standin(value):
            raise NotStraight
        return self.constant(value)

    def constant(self, value: Any) -> str:
        if type(value) is ndarray:
            value = value.copy()
            value.flags.writeable = False
        for name, known in self.names.items():
            if known is value:
                return name
        name = f"c{len(self.names)}"
        self.names[name] = value
        return name


def as_arrays(function: Any, args: Sequence[Any]) -> Sequence[Any]:
    """Operands with arrays of no axes for Python's numbers, beside real ones of one dtype."""
    own = args[1:] if function is WHERE else args
    found = {a.dtype for a in own if isinstance(a, (Standin, ndarray))}
    if len(found) != 1 or next(iter(found)).kind != "f":
        return args
    (dtype,) = found
    return [
        number_array(a, dtype) if type(a) in (int, float) and _is_held(a) else a
        for a in args
    ]  # fmt: skip


def _is_held(number: Any) -> bool:
    return type(number) is float or abs(number) < 2**53


def _writes_over(line: Line, operand: Any, result: Any) -> bool:
    """Whether the second choice may be overwritten with the first one where that is to be."""
    return (
        type(operand) is Standin and operand.name in line.fresh and result.size <= FEW
        and operand.shape == result.shape and operand.dtype == result.dtype
    )  # fmt: skip


def _words(line: str) -> list[str]:
    return re.findall(r"\w+", line)


def has_standin(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return any(map(has_standin, value))
    return type(value) is Standin


def real(value: Any) -> Any:
    """An argument with arrays for stand-ins."""
    if type(value) is Standin:
        return value.value
    if isinstance(value, (tuple, list)) and has_standin(value):
        parts = [real(v) for v in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def straight(
    op: Op, values: Sequence[Any], places: Sequence[int], expected: Any,
    *, packed: bool = False, over: bool = False,
) -> Callable[..., Any] | None:  # fmt: skip
    """A function of the operands at these places.

    The operands are arrays and lists of them; `expected` is what the body gives for these. With
    `packed`, the function takes the list of all arguments; with `over`, it writes the result over
    the first operand. None if the body is no straight line of calls, or does not give the same so.
    """

    def body(line: Line, given: Sequence[Any]) -> Any:
        return op.compute(line, given)

    return straightened(op.qualified_name, body, values, places, expected, packed=packed, over=over)


def straightened(
    title: str, body: Callable[[Line, list[Any]], Any],
    values: Sequence[Any], places: Sequence[int], expected: Any,
    *, packed: bool = False, shapes: Sequence[int] | None = None,
    over: bool = False,
) -> Callable[..., Any] | None:  # fmt: skip
    """`straight` of anything that is read with a vocabulary.

    With `shapes`, the function takes all values, and raises Missed if shapes are others at these
    places.
    """
    line = Line()
    given = list(values)
    for k in places:
        if type(values[k]) is list:
            given[k] = [
                v if v is None else line.standin(f"a{k}[{i}]", v) for i, v in enumerate(values[k])
            ]
        else:
            given[k] = line.standin(f"a{k}", values[k])
    try:
        result = body(line, given)
        several = isinstance(result, (tuple, list))
        returned = "".join(f"{_returned(line, r)}, " for r in (result if several else [result]))
        called = line.over(f"a{places[0]}", result) if over else line.lines
        called = line.chosen(called, returned)
    except Exception:  # whatever a stand-in cannot be asked for
        return None
    taken = places if shapes is None else range(len(values))
    operands = "".join(f"a{k}, " for k in taken)
    lines = [f"{operands} = {''.join(f'values[{k}], ' for k in places)}"] if packed else []
    lines += [f"if a{k}.shape != {values[k].shape}: raise Missed" for k in shapes or ()]
    lines += called
    if not over:
        lines.append(f"return {f'({returned})' if several else returned[:-2]}")
    source = "\n    ".join([f"def line({'values' if packed else operands}):", *lines])
    made: dict[str, Any] = {}
    exec(compile(source, f"<NumPy calls of {title}>", "exec"), line.names, made)
    function: Callable[..., Any] = made["line"]
    arrays = [values[k] for k in places]
    tried = [values[k] for k in taken]
    if over:
        tried[0] = tried[0].copy("K")
    try:
        found = function(values) if packed else function(*tried)
        if over:
            found = tried[0]
    except Exception:  # numbers that a check does not pass, or a constant that is written to
        return None
    return function if _same(found, expected, arrays) else None


def _returned(line: Line, value: Any) -> str:
    """Source of a result; a new array if it depends on no number of the operands."""
    if type(value) is Standin:
        return line.text(value)
    if type(value) is not ndarray:
        raise NotStraight
    return f"{line.text(value)}.copy()"


def _same(found: Any, expected: Any, operands: Sequence[Any]) -> bool:
    """Whether two results are equal to the last bit, and lie in memory alike."""
    if isinstance(expected, (tuple, list)):
        return (
            isinstance(found, tuple) and len(found) == len(expected)
            and all(_same(f, e, operands) for f, e in zip(found, expected, strict=True))
        )  # fmt: skip
    found, expected = np.asarray(found), np.asarray(expected)
    return (
        found.dtype == expected.dtype
        and found.shape == expected.shape
        and (found.strides == expected.strides or found.size <= 1)
        and found.tobytes() == expected.tobytes()
        and all(
            shares_memory(found, x) == shares_memory(expected, x)
            for x in flat(operands)
        )
    )  # fmt: skip


def flat(values: Sequence[Any]) -> list[Any]:
    """Arrays, and those in lists among them."""
    parts = [x for v in values for x in (v if type(v) is list else (v,))]
    return [x for x in parts if x is not None]
