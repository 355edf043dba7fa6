"""The vocabulary of formulas: operations that are written down instead of computed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.backends.array_functions import broadcast_shape
from pullback.backends.arrays import ARRAYS
from pullback.backends.scalar import scalar_input
from pullback.backends.symbols import SYMBOLS
from pullback.formula.macro import Macro
from pullback.formula.maps import MAPS, Mapped
from pullback.formula.node import Formula, Source, Template, Value, source
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
        return Source(np.arange(count), fixed=True)

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

# How to build an operation on operands of some kinds, with some plain arguments: a template, a
# macro, a function of the arguments, or in words why it cannot be built.
Maker = Template | Macro | Callable[[list[Any]], Any] | str
_makers: dict[Any, Maker] = {}
MAX_MAKERS = 10_000


def build(op: Op, values: Sequence[Any]) -> Any:
    """The formula of an operation on values, arrays and numbers; plain arguments are normalised."""
    given = list(values)
    operands: list[Value] = []
    key: list[Any] = [op]
    for k, v in enumerate(given):
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
    found = tuple(key)
    maker = _makers.get(found)
    if maker is None:
        maker = _maker(op, given)
        if len(_makers) > MAX_MAKERS:
            _makers.clear()
        _makers[found] = maker
    if isinstance(maker, Template):
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
    except NotLowerable as reason:
        return str(reason)
    if isinstance(op, Opaque) and op.formula_function is not None:
        return functools.partial(_opened, op, op.formula_function)
    return op.name


def _opened(op: Opaque, function: Callable[..., Any], given: list[Any]) -> Any:
    """A library call written with other operations."""
    op.compute(CHECKS, given)  # the same checks, with the same messages, as on arrays
    return function(FORMULAS, *given)


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
    return build(REGISTRY["cast"], [x, np.dtype(dtype)])  # type: ignore[no-any-return]


def _template(op: Op, given: Sequence[Any], shape: Sequence[int], dtype: Any) -> Template:
    plain = tuple(None if isinstance(v, (Value, list)) else v for v in given)
    return Template(op, plain, shape, dtype)


def _pointwise(op: Pointwise, given: list[Any]) -> Maker:
    values = _values(given)
    mixed = [
        k for k, v in enumerate(given)
        if isinstance(v, Value) and op.parameters[k].name not in op.keep_dtype
    ]  # fmt: skip
    if len({given[k].dtype for k in mixed}) > 1:  # in a rule: the door converts what it is given
        dtype = functools.reduce(
            dtypes.promote_types, (dtypes.from_numpy(given[k].dtype) for k in mixed)
        ).numpy
        return lambda given: build(
            op, [cast(v, dtype) if k in mixed else v for k, v in enumerate(given)]
        )
    if op.name in DIVISIONS and all(v.dtype.kind != "f" for v in values):
        raise NotLowerable("an integer division may be one by zero, which is an error at the call")
    shape = broadcast_shape(*(v.shape for v in values))
    return _template(op, given, shape, _result_dtype(op, given))


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


def _reduction(op: Reduction, given: list[Any]) -> Maker:
    if op.name in TUPLES:
        parts = [REGISTRY[name] for name in TUPLES[op.name]]
        return lambda given: tuple(build(part, given) for part in parts)
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
    return _template(op, given, shape, dtype)


def _view(op: View, given: list[Any]) -> Template:
    x = given[0]
    try:
        mapped = op.compute(MAPS, (Mapped(x.shape, lambda i: i), *given[1:]))
    except AttributeError as error:
        raise NotLowerable(f"{op.name}: {error}") from error
    return _template(op, given, mapped.shape, x.dtype)


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
