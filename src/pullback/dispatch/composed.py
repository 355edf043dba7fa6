"""Bodies of composites, written down as a straight line: each operation as tensors would have it.

A composite is read with tensors first, and a tensor's `2 / x` or `x.sum()` is an operation, which
has a body of its own and its roundings. So here operators and names mean operations as well, whose
bodies are written down as those of arrays: a line has the roundings that the first call had. What
the door does to operands that are not of one dtype is not done here: such bodies are no line.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.autograd import graph
from pullback.dispatch.promotion import number_array
from pullback.dispatch.straight import (
    MAX_BYTES,
    Line,
    NotStraight,
    Standin,
    real,
    short_creation,
    straightened,
)
from pullback.formula import narrow
from pullback.op import REGISTRY, Composite, Creation, Op, Pointwise, Reduction

ndarray = np.ndarray

# Python's operators: the operation, and the one for the operands in the other order; "" means the
# same operation with its arguments exchanged.
OPERATORS = {
    "add": ("add", "add"), "sub": ("sub", "rsub"), "mul": ("mul", "mul"),
    "truediv": ("div", "rdiv"),
    "floordiv": ("floor_divide", ""), "mod": ("remainder", ""), "pow": ("pow", ""),
    "and": ("bitwise_and", "bitwise_and"), "or": ("bitwise_or", "bitwise_or"),
    "xor": ("bitwise_xor", "bitwise_xor"),
    "lshift": ("bitwise_left_shift", ""), "rshift": ("bitwise_right_shift", ""),
    "eq": ("eq", ""), "ne": ("ne", ""), "lt": ("lt", ""), "le": ("le", ""), "gt": ("gt", ""),
    "ge": ("ge", ""),
}  # fmt: skip
ONE = {"neg": "neg", "abs": "abs", "invert": "bitwise_not", "matmul": "matmul"}
# What the vocabulary of tensors has besides operations, and what is the same for arrays.
BESIDES = frozenset(("broadcast_shape", "filled", "first_outside", "first_where"))


class Composed:
    """The vocabulary of tensors, for stand-ins of a line."""

    is_eager = False
    records = False

    def __init__(self, line: Line) -> None:
        self.line = line
        line.composed = self
        self.largest = 0  # elements that something pointwise sees: formulas would be larger

    def __getattr__(self, name: str) -> Any:
        op = REGISTRY.get(name)
        if op is None:
            if name not in BESIDES:
                raise NotStraight
            return getattr(self.line, name)
        if isinstance(op, Creation):
            return functools.partial(self.created, op)
        return lambda *args, **keywords: self.apply(op, op.arguments(args, keywords))

    def contiguous(self, x: Any, *, memory_format: Any = None) -> Any:
        """The operation asks how elements lie in memory, which a line is not told; NumPy does."""
        return self.line.contiguous(x, memory_format=memory_format)

    def operator(self, name: str, operands: Sequence[Any], swap: bool) -> Any:
        """An operator of Python's, with a stand-in for the first operand, or for the second one."""
        if name == "pos":
            return operands[0]
        if name in ONE:
            return getattr(self, ONE[name])(*(reversed(operands) if swap else operands))
        plain, reflected = OPERATORS[name]
        if swap and (not reflected or isinstance(operands[1], ndarray)):  # it is a tensor's
            return getattr(self, plain)(*reversed(operands))
        return getattr(self, reflected if swap else plain)(*operands)

    def apply(self, op: Op, args: Sequence[Any]) -> Any:
        """What an operation gives, as a call of the public function with tensors would."""
        if op.random:
            raise NotStraight
        if isinstance(op, Composite) and not op.rules:
            if op.promote:
                common_dtype(args[k] for k in op.tensors)
            result = op.compute(self, args)
        else:
            result = self._of_arrays(op, self._prepared(op, args))
        if op.outputs and type(result) is tuple:
            if op.tuple_class is tuple:  # nobody has called it yet
                raise NotStraight
            return op.tuple_class(*result)
        return result

    def _prepared(self, op: Op, args: Sequence[Any]) -> list[Any]:
        """The operands as the door gives them to a body of arrays."""
        values = list(args)
        if isinstance(op, Pointwise):
            places = [k for k in op.tensors if op.parameters[k].name not in op.keep_dtype]
            given = [values[k] for k in places if values[k] is not None]
            if not given:  # a conversion
                return values
            dtype = common_dtype(given)
            if op.floating and dtypes.kind(dtype) not in "fc":
                raise NotStraight
            exact = narrow.FLOAT32 if op.exact_numbers and dtypes.is_narrow(dtype) else dtype
            for k in places:
                if values[k] is not None and not isinstance(values[k], (Standin, ndarray)):
                    values[k] = number_array(values[k], exact)
        elif isinstance(op, Reduction):
            if op.dtype_argument and values[-1] is not None:
                raise NotStraight
            sums = op.accumulate == "integer" and dtypes.kind(values[0].dtype) in "bui"
            if sums and values[0].dtype != np.int64:
                values[0] = self.line.cast(values[0], np.dtype(np.int64))
        elif getattr(op, "promote", False):
            common_dtype(x for k in op.tensors for x in _several(values[k]) if x is not None)
        return values

    def _of_arrays(self, op: Op, values: list[Any]) -> Any:
        """The body of an operation on arrays; numbers of 16 bits are computed with in float32."""
        line = self.line
        dtype = narrow.narrow_type(op, [_real(v) for v in values])
        line.composed = None
        try:
            if dtype is None:
                result = op.compute(line, values)
            else:
                if op.kinds:
                    op.check_dtype(values)
                found = op.compute(line, narrow.widened(op, values, self._wide))
                goal = narrow.goal(op, values, dtype)
                result = _each(found, lambda r: self._cast(r, narrow.FLOAT32, goal))
        finally:
            line.composed = self
        if isinstance(op, Pointwise):
            sizes = [x.size for x in (*values, result) if isinstance(x, (Standin, ndarray))]
            self.largest = max(self.largest, *sizes)
        if getattr(op, "in_order", False):
            result = _each(result, lambda r: line.called(np.asarray, (r,), {"order": "C"}))
        return result

    def _wide(self, value: Any) -> Any:
        if type(value) is list:
            return [self._wide(v) for v in value]
        narrow_dtype = isinstance(value, (Standin, ndarray)) and dtypes.is_narrow(value.dtype)
        return self.line.cast(value, narrow.FLOAT32) if narrow_dtype else value

    def _cast(self, value: Any, dtype: Any, goal: Any) -> Any:
        return self.line.cast(value, goal) if getattr(value, "dtype", None) == dtype else value

    def created(self, op: Creation, *args: Any, **keywords: Any) -> Any:
        """The array of a creation in the body of a composite."""
        if op.random:
            raise NotStraight
        dtype = keywords.get("dtype")
        if isinstance(dtype, np.dtype):
            keywords["dtype"] = dtypes.from_numpy(dtype)
        made = getattr(graph.TENSORS, op.key)(*args, **keywords)._value
        if dtype is None and dtypes.kind(made.dtype) in "fc":  # the default dtype may change
            raise NotStraight
        found = None if made.nbytes <= MAX_BYTES else short_creation(made, False)
        if found is None:
            return made
        function, argument = found
        line = self.line
        return line.write(f"{line.constant(function)}({line.text(argument)})", made)


def composed(
    op: Composite, values: Sequence[Any], places: Sequence[int], expected: Any
) -> tuple[Callable[..., Any], int] | None:
    """(a function of the list of arguments, the most elements of what is pointwise in it).

    The operands, at these places, are arrays and lists of them; `expected` is what the body gives
    for these with tensors. None if it is no straight line, or does not give the same so.
    """
    readers: list[Composed] = []

    def body(line: Line, given: Sequence[Any]) -> Any:
        if op.asks_order:
            line.ordered = f"a{op.tensors[0]}"
        readers.append(Composed(line))
        return op.compute(readers[0], given)

    found = straightened(op.qualified_name, body, values, places, expected, packed=True)
    return None if found is None else (found, readers[0].largest)


def common_dtype(operands: Any) -> np.dtype[Any]:
    """The dtype of operands; NotStraight if they have several, or with numbers that change it."""
    given = list(operands)
    found = {x.dtype for x in given if isinstance(x, (Standin, ndarray))}
    if len(found) != 1:
        raise NotStraight
    dtype: np.dtype[Any] = found.pop()
    numbers = {"f": (int, float), "c": (int, float), "i": (int,)}.get(dtypes.kind(dtype), ())
    if not all(isinstance(x, (Standin, ndarray)) or type(x) in numbers for x in given):
        raise NotStraight
    return dtype


def _several(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else (value,)


def _real(value: Any) -> Any:
    return [real(v) for v in value] if isinstance(value, (list, tuple)) else real(value)


def _each(result: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(result, (tuple, list)):
        parts = [_each(r, change) for r in result]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    return change(result)
