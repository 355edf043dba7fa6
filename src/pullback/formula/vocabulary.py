"""The vocabulary of formulas: operations that are written down instead of computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.backends.array_functions import broadcast_shape
from pullback.backends.arrays import ARRAYS
from pullback.backends.scalar import scalar_input
from pullback.backends.symbols import SYMBOLS
from pullback.formula.maps import MAPS, Mapped
from pullback.formula.node import Formula, Value, formula, source
from pullback.op import REGISTRY, Composite, Op, Opaque, Pointwise, Reduction, View


class NotLowerable(Exception):
    """An operation, or arguments of one, that loops cannot express: it is computed from arrays."""


DIVISIONS = {"floor_divide", "remainder", "fmod", "div"}

# Reductions that loops have, by the operations they come from.
REDUCTIONS = {
    "sum": "sum", "mean": "sum", "prod": "prod", "amax": "max", "amin": "min", "max_all": "max",
    "min_all": "min", "any": "any", "all": "all", "argmax": "argmax", "argmin": "argmin",
    "logsumexp": "logsumexp", "norm2": "sum", "count_nonzero": "sum",
}  # fmt: skip


class FormulaVocabulary:
    """`xp` for formulas."""

    is_eager = False

    def __getattr__(self, name: str) -> Callable[..., Any]:
        op = REGISTRY.get(name)
        if op is None:
            raise AttributeError(f"no operation {name!r} is registered")

        def function(*args: Any, **keywords: Any) -> Any:
            values = op.bind(args, keywords)
            first = values[op.tensors[0]] if op.tensors else None
            op.normalise(values, getattr(first, "ndim", 0))
            return build(op, values)

        setattr(self, name, function)
        return function

    broadcast_shape = staticmethod(broadcast_shape)

    @staticmethod
    def positions(count: int) -> Value:
        """0, 1, … count - 1."""
        return source(np.arange(count))

    @staticmethod
    def not_lowerable(why: str) -> Any:
        """For formulas that only exist for some arguments."""
        raise NotLowerable(why)


class CheckVocabulary:
    """`xp` for the checks that a library call's declaration begins with: it computes nothing."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args, **keywords: None


FORMULAS = FormulaVocabulary()
CHECKS = CheckVocabulary()


def build(op: Op, values: Sequence[Any]) -> Any:
    """The formula of an operation on values, arrays and numbers; plain arguments are normalised."""
    if isinstance(op, Composite):
        return op.compute(FORMULAS, values)
    given = list(values)
    for k in op.tensors:
        given[k] = _value(given[k])
    for v in _values(given):
        if v.dtype.kind not in "fbiu" or v.dtype == np.float16:
            raise NotLowerable(f"dtype {v.dtype}")
        if v.size == 0:
            raise NotLowerable("nothing to compute")
    if isinstance(op, Pointwise):
        return _pointwise(op, given)
    if isinstance(op, Reduction):
        return _reduction(op, given)
    if isinstance(op, View) and not op.many:
        return _view(op, given)
    if isinstance(op, Opaque) and op.formula_function is not None:
        op.compute(CHECKS, given)  # the same checks, with the same messages, as on arrays
        return op.formula_function(FORMULAS, *given)
    raise NotLowerable(op.name)


def _value(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        return source(x)
    if isinstance(x, list):
        return [_value(e) for e in x]
    return x


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
    return _pointwise(REGISTRY["cast"], [x, np.dtype(dtype)])  # type: ignore[arg-type]


def _pointwise(op: Pointwise, given: list[Any]) -> Formula:
    values = _values(given)
    if op.name in DIVISIONS and all(v.dtype.kind != "f" for v in values):
        raise NotLowerable("an integer division may be one by zero, which is an error at the call")
    shape = broadcast_shape(*(v.shape for v in values))
    dtype = _result_dtype(op, given)
    return formula(op, tuple(given), shape, dtype, None)


def _result_dtype(op: Pointwise, given: Sequence[Any]) -> Any:
    """The dtype of the traced body."""
    inputs = []
    for p, x in zip(op.parameters, given, strict=True):
        inputs.append(scalar_input(p.name, x.dtype) if isinstance(x, Value) else x)
    try:
        traced = op.compute(SYMBOLS, inputs)
    except (TypeError, AttributeError) as error:
        raise NotLowerable(f"{op.name}: {error}") from error
    return traced.dtype


# Named tuples of results, each a reduction of its own: they share their loop.
TUPLES = {"max_dim": ("amax", "argmax"), "min_dim": ("amin", "argmin")}


def _reduction(op: Reduction, given: list[Any]) -> Any:
    if op.name in TUPLES:
        return tuple(build(REGISTRY[name], given) for name in TUPLES[op.name])
    if op.name not in REDUCTIONS:
        raise NotLowerable(op.name)
    x, dims, keepdim = given[:3]
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
    return formula(op, tuple(given), shape, dtype, None)


def _view(op: View, given: list[Any]) -> Formula:
    x = given[0]
    try:
        mapped = op.compute(MAPS, (Mapped(x.shape, lambda i: i), *given[1:]))
    except AttributeError as error:
        raise NotLowerable(f"{op.name}: {error}") from error
    return formula(op, tuple(given), mapped.shape, x.dtype, None)


def constant(shape: Sequence[int], value: Any, dtype: Any) -> Any:
    """One number everywhere, without memory."""
    return ARRAYS.expand(np.full((), value, dtype), *shape)


def _operator(name: str, swap: bool = False) -> Callable[[Any, Any], Any]:
    def apply(self: Any, other: Any) -> Any:
        both = (other, self) if swap else (self, other)
        return getattr(FORMULAS, name)(*both)

    return apply


for _name, _op in {"add": "add", "sub": "sub", "mul": "mul", "truediv": "div"}.items():
    setattr(Value, f"__{_name}__", _operator(_op))
    setattr(Value, f"__r{_name}__", _operator(_op, swap=True))
