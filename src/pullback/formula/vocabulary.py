"""The vocabulary of formulas: operations that are written down instead of computed."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.backends.array_functions import broadcast_shape, check_index, check_position
from pullback.backends.arrays import ARRAYS
from pullback.backends.passes.cartesian import part_dtype
from pullback.backends.scalar import scalar_input
from pullback.backends.symbols import traced
from pullback.formula import shortcuts
from pullback.formula.macro import Macro
from pullback.formula.maps import MAPS, Mapped
from pullback.formula.node import Formula, Source, Template, Value, source
from pullback.op import (
    REGISTRY,
    Composite,
    Op,
    Opaque,
    Pointwise,
    Reduction,
    View,
    Vocabulary,
)


class NotLowerable(Exception):
    """An operation, or arguments of one, that loops cannot express: it is computed from arrays."""


# Reductions that loops have, by the operations they come from.
REDUCTIONS = {
    "sum": "sum", "mean": "sum", "prod": "prod", "amax": "max", "amin": "min", "max_all": "max",
    "min_all": "min", "any": "any", "all": "all", "argmax": "argmax", "argmin": "argmin",
    "logsumexp": "logsumexp", "norm2": "sum", "count_nonzero": "sum",
}  # fmt: skip

OF_COMPLEX = ("sum", "prod", "any", "all")


class FormulaVocabulary(Vocabulary):
    """`xp` for formulas."""

    def _function(self, op: Op) -> Callable[..., Any]:
        return lambda *args, **keywords: build(op, op.arguments(args, keywords))

    broadcast_shape = staticmethod(broadcast_shape)

    @staticmethod
    def added(fresh: Any, x: Any) -> Any:
        """fresh + x; arrays may do it in the memory of the first one, which nobody else has."""
        return fresh + x

    @staticmethod
    def apply(op: Op, args: Sequence[Any]) -> Any:
        """An operation given by its declaration, arguments normalised."""
        return build(op, list(args))

    @staticmethod
    def number(value: float, like: Value | None = None) -> Value:
        """A number that the code for a formula does not depend on: an integer, or of some dtype."""
        return Source(np.array(value, np.int64 if like is None else like.dtype), fixed=True)

    @staticmethod
    def filled(shape: Sequence[int], value: Any, like: Value) -> Any:
        """A constant with the dtype of another value."""
        return FORMULAS.expand(FORMULAS.number(value, like), *shape)

    @staticmethod
    def positions(count: int, axis: int = 0, rank: int = 1) -> Value:
        """0, 1, … count - 1 along one of so many axes."""
        if count > MAX_COUNTED:  # rows and columns, so that the numbers need no memory
            rows, columns = -(-count // MAX_COUNTED), MAX_COUNTED
            first: Any = FORMULAS.positions(rows, 0, 2)
            first = first * FORMULAS.number(columns)
            all_of_them = FORMULAS.reshape(first + FORMULAS.positions(columns, 1, 2), -1)
            found: Value = FORMULAS.slice(all_of_them, 0, 0, count, 1)
        else:
            found = Source(_counted(count), fixed=True)
        if rank > 1:
            found = FORMULAS.reshape(found, *(count if k == axis else 1 for k in range(rank)))
        return found

    @staticmethod
    def moved(x: Value, dim: int, at: Value) -> Value:
        """The elements of x at other places of one axis: the result has as many as `at`."""
        rank = x.ndim
        axes = [at if k == dim else FORMULAS.positions(s, k, rank) for k, s in enumerate(x.shape)]
        made: Value = FORMULAS.elements(x, axes)
        return made

    @staticmethod
    def drop(x: Value, dims: Sequence[int]) -> Value:
        """Without axes of size 1."""
        made: Value = FORMULAS.reshape(x, *(s for k, s in enumerate(x.shape) if k not in dims))
        return made

    @staticmethod
    def front(x: Value, dim: int) -> tuple[Value, int] | None:
        """What zeros along an axis were put around, and where it begins: the transpose of a cut.

        None for an x that is not one.
        """
        return shortcuts.front(x, dim)

    @staticmethod
    def extremes(x: Value) -> tuple[int, int]:
        """The smallest and the largest of integers."""
        if isinstance(x, Formula) and x.array is None:
            from pullback.formula.evaluate import evaluate

            ends = [build(REGISTRY[name], [x, tuple(range(x.ndim)), False])
                    for name in ("amin", "amax")]  # fmt: skip
            evaluate(ends)
            return int(ends[0].array), int(ends[1].array)
        return int(x.array.min()), int(x.array.max())

    @staticmethod
    def check_index(what: str, x: Value, dim: int, index: Value) -> None:
        """RuntimeError for positions that a look-up cannot read."""
        check_index(what, x, dim, index, FORMULAS.extremes)

    @staticmethod
    def check_position(what: str, x: Value, dim: int, index: Value) -> None:
        """IndexError for positions that an axis does not have."""
        check_position(what, x, dim, index, FORMULAS.extremes)

    @staticmethod
    def check_fits(what: str, x: Value, written: Value, goal: Sequence[int]) -> None:
        """RuntimeError for what does not broadcast to the shape of the place in x it is for."""
        pairs = zip(reversed(goal), reversed(written.shape), strict=False)
        if written.ndim > len(goal) or any(b not in (1, a) for a, b in pairs):
            raise RuntimeError(
                f"{what}: the shapes do not broadcast (shapes {list(x.shape)}, "
                f"{list(written.shape)})"
            )

    @staticmethod
    def check_indices(x: Value, indices: Sequence[Value | None]) -> None:
        """IndexError for positions that axes do not have; None is a whole axis."""
        for k, i in enumerate(indices):
            if i is not None and i.size:
                low, high = FORMULAS.extremes(i)
                size = x.shape[k]
                if low < -size or high >= size:
                    worst = high if high >= size else low
                    raise IndexError(
                        f"index {worst} is out of bounds for dimension {k} with size {size}: the "
                        f"shape is {list(x.shape)}"
                    )

    @staticmethod
    def last_of(indices: Sequence[Value], sizes: Sequence[int]) -> Value:
        """Whether none of the positions behind is the same, for positions along several axes."""
        from pullback.formula.evaluate import array_of

        inside = [np.where(i < 0, i + size, i) for i, size in
                  zip(map(array_of, indices), sizes, strict=True)]  # fmt: skip
        places = np.asarray(np.ravel_multi_index(np.broadcast_arrays(*inside), sizes))
        flat = places.reshape(-1)[::-1]
        last = np.zeros(flat.size, bool)
        last[flat.size - 1 - np.unique(flat, return_index=True)[1]] = True
        return source(last.reshape(places.shape))

    @staticmethod
    def is_pending(x: Value) -> bool:
        """Whether the numbers are not known yet, and not worth knowing for their own sake."""
        return x.array is None and x.heavy

    @staticmethod
    def check_divisor(x: Any, y: Any) -> None:
        """RuntimeError for integers to be divided by zero."""
        if any(dtypes.kind(v.dtype) not in "bui" for v in (x, y) if isinstance(v, Value)):
            return
        if not isinstance(y, Value):
            zero = y == 0
        elif y.array is not None:
            zero = not y.array.all()
        else:
            from pullback.formula.evaluate import array_of

            zero = not array_of(build(REGISTRY["all"], [y, tuple(range(y.ndim)), False]))
        if zero:
            raise RuntimeError(
                f"ZeroDivisionError: integers of shape {list(getattr(x, 'shape', ()))} are divided "
                f"by zero in those of shape {list(getattr(y, 'shape', ()))}"
            )

    @staticmethod
    def buckets(index: Value, size: int) -> tuple[Value, Value, Value, int]:
        """Where each of the numbers 0, 1, … size - 1 occurs in a 1-D array.

        The places in order of the numbers; for each number, where its places begin, and how many
        there are; and the largest of these counts, at least 1.
        """
        from pullback.formula.evaluate import array_of

        array = array_of(index)
        counts = np.bincount(array, minlength=size)
        order = np.argsort(array, kind="stable")
        begin = np.cumsum(counts) - counts
        most = max(1, int(counts.max(initial=0)))
        return source(order), source(begin), source(counts), most

    @staticmethod
    def transposed(x: Value, view: View, plain: Sequence[Any], shape: Sequence[int]) -> Value:
        """Zeros of a shape with x where a view of it looks."""
        from pullback.formula.transposes import transposed

        return transposed(FORMULAS, x, view, plain, shape)

    @staticmethod
    def not_lowerable(why: str) -> Any:
        """For formulas that only exist for some arguments."""
        raise NotLowerable(why)


class CheckVocabulary:
    """`xp` for the checks that a library call's declaration begins with: it computes nothing."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args, **keywords: None


@functools.lru_cache(maxsize=32)
def _counted(count: int) -> Any:
    return np.arange(count)


FORMULAS = FormulaVocabulary()
CHECKS = CheckVocabulary()

# How to build an operation on operands of some kinds, with some plain arguments: a template, a
# macro, a function of the arguments, or in words why it cannot be built.
Maker = Template | Macro | Callable[[list[Any]], Any] | str
_makers: dict[Any, Maker] = {}
MAX_MAKERS = 10_000
MAX_PARTS = 64  # results of one call: its transpose chooses among as many in the loop
MAX_COUNTED = 1 << 20  # positions along an axis that are an array


def _read(op: Op, given: list[Any]) -> tuple[Any, list[Value]]:
    """The key of what makes a formula, and the operands; arrays among them become sources."""
    operands: list[Value] = []
    key: list[Any] = [op]
    for k, v in enumerate(given):
        if isinstance(v, np.generic):  # what NumPy gives for 0-d arrays: no number of the text
            v = given[k] = np.asarray(v)
        if type(v) is Formula:
            operands.append(v)
            key.append(v.kind)
        elif isinstance(v, np.ndarray):
            given[k] = read = source(v)
            operands.append(read)
            key.append(read.kind)
        elif type(v) is Source:
            operands.append(v)
            key.append(v.kind)
        elif type(v) is list:
            v = given[k] = [source(e) if isinstance(e, np.ndarray) else e for e in v]
            operands += [e for e in v if isinstance(e, Value)]
            key.append(tuple(e.kind if isinstance(e, Value) else plain_key(e) for e in v))
        else:
            key.append(plain_key(v))
    return tuple(key), operands


def build(op: Op, values: Sequence[Any]) -> Any:
    """The formula of an operation on values, arrays and numbers; plain arguments are normalised.

    A tuple of formulas, or of some and None, for several results.
    """
    given = list(values)
    found, operands = _read(op, given)
    if op.check_function is not None:
        op.check_function(FORMULAS, *given)
    if op.name in shortcuts.CUTS:
        cut = shortcuts.cut(FORMULAS, op, given)
        if cut is not None:
            return cut
    maker = _makers.get(found)
    if maker is None:
        maker = _maker(op, given)
        if len(_makers) > MAX_MAKERS:
            _makers.clear()
        _makers[found] = maker
    if isinstance(maker, Template):
        if not maker.size:  # nothing to compute, whatever the operands are
            return np.empty(maker.shape, maker.dtype)
        return Formula(maker, tuple(given), operands)
    if isinstance(maker, Macro):
        return maker.expand(operands)
    if isinstance(maker, str):
        raise NotLowerable(maker)
    result = maker(given)
    macro = Macro.of(result, operands)
    if macro is not None:  # what it is made of depends on kinds alone
        _makers[found] = macro
    return result


def lasting_maker(op: Op, given: Sequence[Any]) -> Template | Macro | None:
    """What makes every formula of an operation on operands of these kinds, if that is known.

    None where it depends on what the operands are made of as well.
    """
    if op.name in shortcuts.CUTS:
        return None
    maker = _makers.get(_read(op, list(given))[0])
    if isinstance(maker, Template):
        return maker if maker.size else None
    return maker if isinstance(maker, Macro) else None


def plain_key(value: Any) -> Any:
    """What tells plain arguments apart: 1, 1.0 and True are not the same, nor are 0.0 and -0.0.

    Nor is the number 1 the same as an operand of the kind that has this number.
    """
    if value is None:
        return None
    if type(value) is int:
        return (value,)
    if type(value) is tuple:
        return tuple(map(plain_key, value))
    return type(value), repr(value)


def _maker(op: Op, given: list[Any]) -> Maker:
    """Found once for an operation on operands of some kinds, with some plain arguments."""
    try:
        if isinstance(op, Composite):
            return lambda given: op.compute(FORMULAS, given)
        for v in _values(given):
            if dtypes.kind(v.dtype) not in "fbiuc":
                raise NotLowerable(f"dtype {v.dtype}")
        if not isinstance(op, (Pointwise, View)) and not _has_elements(given):
            raise NotLowerable("nothing to compute")
        if op.formula_function is not None:
            return functools.partial(_opened, op, op.formula_function)
        if isinstance(op, Pointwise):
            return _pointwise(op, given)
        if isinstance(op, Reduction):
            return _reduction(op, given)
        if isinstance(op, View):
            # A tuple of views is what its body makes of it, each of them a view of its own.
            return functools.partial(_parts, op) if op.many else _view(op, given)
        if isinstance(op, Opaque) and op.along:
            return _along(op, given)
        if isinstance(op, Opaque) and op.look_up:
            shape = broadcast_shape(*(v.shape for v in given[1]))
            return Template(op, shape, given[0].dtype)
    except NotLowerable as reason:
        return str(reason)
    return op.name


def _has_elements(given: Sequence[Any]) -> bool:
    """Whether all operands have elements; of a list of them, one is enough."""
    return all(
        any(e.size for e in x if isinstance(e, Value)) if isinstance(x, list) else x.size
        for x in given
        if isinstance(x, Value) or (isinstance(x, list) and _values(x))
    )


def _opened(op: Op, function: Callable[..., Any], given: list[Any]) -> Any:
    """An operation written with others."""
    if isinstance(op, Opaque):
        op.compute(CHECKS, given)  # the same checks, with the same messages, as on arrays
    result = function(FORMULAS, *given)
    if result is None:
        assert isinstance(op, Reduction)
        plain = _reduction(op, given)
        assert isinstance(plain, Template)
        return Formula(plain, tuple(given), [given[0]])
    if type(result) is Formula and any(result is v for v in _values(given)):
        return result.twin()  # results are no views
    return result


def _parts(op: View, given: list[Any]) -> Any:
    result = tuple(op.compute(FORMULAS, given))
    if len(result) > MAX_PARTS:
        raise NotLowerable(f"{len(result)} results of {op.name}")
    return tuple(r.twin() if r is given[0] else r for r in result)


def _values(given: Sequence[Any]) -> list[Value]:
    found: list[Value] = []
    for x in given:
        if isinstance(x, Value):
            found.append(x)
        elif isinstance(x, list):
            found += [e for e in x if isinstance(e, Value)]
    return found


def cast(x: Value, dtype: Any) -> Value:
    """A value in another dtype."""
    if x.dtype == dtype:
        return x
    made: Value = build(REGISTRY["cast"], [x, np.dtype(dtype)])
    return made


def _pointwise(op: Pointwise, given: list[Any]) -> Maker:
    mixed = [
        k for k, v in enumerate(given)
        if isinstance(v, Value) and op.parameters[k].name not in op.keep_dtype
    ]  # fmt: skip
    dtype = _common(op, given, mixed) if mixed else None
    if dtype is not None and any(given[k].dtype != dtype for k in mixed):
        # In a rule: the door converts what it is given.
        return lambda given: build(
            op, [cast(v, dtype) if k in mixed else v for k, v in enumerate(given)]
        )
    shape = broadcast_shape(*(v.shape for v in _values(given)))
    return Template(op, shape, _result_dtype(op, given))


def _common(op: Pointwise, given: list[Any], mixed: list[int]) -> np.dtype[Any]:
    """The dtype in which values meet, and numbers of a higher kind: as arrays do in NumPy."""
    found: set[Any] = {given[k].dtype for k in mixed}
    rank = max(map(_rank, found))
    for k in op.tensors:
        number = _NUMBERS.get(type(given[k]))
        if number is not None and op.parameters[k].name not in op.keep_dtype:
            found |= {number} if _rank(number) > rank else set()
    if op.floating is True and max(map(_rank, found)) < _rank(FLOAT64):
        return FLOAT64
    return functools.reduce(dtypes.promote_types, map(dtypes.from_numpy, found)).numpy


# What numbers are among arrays of a lesser kind, by NumPy's rules.
FLOAT64 = np.dtype(np.float64)
_NUMBERS: dict[type, np.dtype[Any]] = {
    int: np.dtype(np.int64),
    float: FLOAT64,
    complex: np.dtype(np.complex64),
}


def _rank(dtype: np.dtype[Any]) -> int:
    return {"b": 0, "i": 1, "u": 1, "c": 3}.get(dtype.kind, 2)


def _result_dtype(op: Pointwise, given: Sequence[Any]) -> Any:
    """The dtype of the traced body."""
    inputs = []
    for p, x in zip(op.parameters, given, strict=True):
        inputs.append(scalar_input(p.name, x.dtype) if isinstance(x, Value) else x)
    try:
        return traced(op, inputs).dtype
    except (TypeError, AttributeError, NotImplementedError) as error:
        raise NotLowerable(f"{op.name}: {error}") from error


# Named tuples of results, each a reduction of its own: they share their loop.
TUPLES = {"max_dim": ("amax", "argmax"), "min_dim": ("amin", "argmin")}


def _reduction(op: Reduction, given: list[Any]) -> Maker:
    if op.name in TUPLES:
        parts = [REGISTRY[name] for name in TUPLES[op.name]]
        return lambda given: _together(tuple(build(part, given) for part in parts))
    if op.name not in REDUCTIONS:
        raise NotLowerable(op.name)
    x, dims, keepdim = given[:3]
    if x.dtype.kind == "c" and REDUCTIONS[op.name] not in OF_COMPLEX:
        raise NotLowerable(f"{op.name} of complex numbers")
    if x.dtype.kind == "c" and REDUCTIONS[op.name] == "prod" and len(dims) > 1:
        return functools.partial(_one_by_one, op)  # a state of several numbers
    if REDUCTIONS[op.name].startswith("arg") and len(dims) != 1:
        raise NotLowerable("the index into a flattened formula")
    shape = tuple(1 if k in dims else s for k, s in enumerate(x.shape))
    if not keepdim:
        shape = tuple(s for k, s in enumerate(shape) if k not in dims)
    dtype = x.dtype
    if op.result == "bool":
        dtype = np.bool_
    elif op.result == "index":
        dtype = np.int64
    elif op.result == "real":
        dtype = part_dtype(dtype)
    return Template(op, shape, dtype)


def _one_by_one(op: Reduction, given: list[Any]) -> Any:
    """A reduction over several axes, the last one first."""
    x, dims, *rest = given
    for d in sorted(dims, reverse=True):
        x = build(op, [x, (d,), *rest])
    return x


def _together(results: Any) -> Any:
    """Results of one call: when one is computed, so are the others."""
    for result in results:
        result.others = tuple(weakref.ref(other) for other in results if other is not result)
    return results


def _along(op: Opaque, given: list[Any]) -> Template:
    """An operation that needs one axis at once: the result for one place of the others tells.

    Several operands have one shape, but for that axis.
    """
    dim = given[op.positions[op.along]]
    x = given[0]

    def row(v: Value) -> list[int]:
        return [s if k == dim else 1 for k, s in enumerate(v.shape)]

    if len({tuple(s for k, s in enumerate(v.shape) if k != dim) for v in _values(given)}) > 1:
        raise NotLowerable(f"{op.name} of several shapes")
    ones = [np.zeros(row(v), v.dtype) if isinstance(v, Value) else v for v in given]
    result = op.compute(ARRAYS, ones)
    shape = [result.shape[k] if k == dim else s for k, s in enumerate(x.shape)]
    return Template(op, shape, result.dtype)


def _view(op: View, given: list[Any]) -> Template:
    x = given[0]
    if not x.size:  # elements that are nowhere have no places
        empty = np.empty(x.shape, x.dtype)
        return Template(op, op.compute(ARRAYS, [empty, *given[1:]]).shape, x.dtype)
    try:
        mapped = op.compute(MAPS, (Mapped(x.shape, lambda i: i), *given[1:]))
    except AttributeError as error:
        raise NotLowerable(f"{op.name}: {error}") from error
    return Template(op, mapped.shape, x.dtype)


def as_formula(array: Any) -> Formula:
    """The numbers of an array as a formula that is pending."""
    made: Formula = build(REGISTRY["reshape"], [array, array.shape])
    return made


def constant(shape: Sequence[int], value: Any, dtype: Any) -> Any:
    """One number everywhere, without memory."""
    return ARRAYS.expand(np.full((), value, dtype), *shape)


def _operator(name: str, swap: bool = False) -> Callable[[Any, Any], Any]:
    def apply(self: Any, other: Any) -> Any:
        both = (other, self) if swap else (self, other)
        return getattr(FORMULAS, name)(*both)

    return apply


_BINARY = {"add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "pow": "pow"}
_OPERATORS = {
    **{f"__{name}__": _operator(op) for name, op in _BINARY.items()},
    **{f"__r{name}__": _operator(op, swap=True) for name, op in _BINARY.items()},
    "__neg__": lambda self: FORMULAS.neg(self),
}
for _name, _function in _OPERATORS.items():
    setattr(Value, _name, _function)
