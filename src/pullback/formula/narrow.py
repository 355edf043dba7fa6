"""Numbers of 16 bits, float16 and bfloat16: they are stored, and computed with in float32.

An operation on them is read with float32 operands, and what it gives is rounded once, as PyTorch's
is; so are rules. No body, rule or loop has a case for such types: they see float32. Views move
elements as they are, and the few operations that ask how numbers are stored say `widens=False`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.backends.arrays import ARRAYS
from pullback.config import config
from pullback.formula.node import Formula, source
from pullback.formula.vocabulary import build, cast
from pullback.op import Op, Pointwise

ndarray = np.ndarray
FLOAT32 = np.dtype(np.float32)


def narrow_type(op: Op, values: Sequence[Any]) -> np.dtype[Any] | None:
    """The 16-bit type of an operation's operands; None if it is to see them as they are.

    Operands of several types, where they are not converted to a common one, are left to the
    operation: most refuse them, in words that name the types.
    """
    if not op.widens:
        return None
    found: np.dtype[Any] | None = None
    common = isinstance(op, Pointwise)  # those that keep their own do not count
    for k in op.tensors:
        value = values[k]
        for v in value if type(value) is list else (value,):
            if type(v) is not ndarray and type(v) is not Formula:
                continue
            dtype: np.dtype[Any] = v.dtype
            if not dtypes.is_narrow(dtype):
                if not common and dtypes.kind(dtype) in "fc":
                    return None
            elif found is None:
                found = dtype
            elif found != dtype:
                return None
    if found is None and not isinstance(op, Pointwise) and "dtype" in op.positions:
        asked = _asked(op, values)  # of what the operation computes with from the beginning
        if asked is not None and dtypes.is_narrow(asked.numpy):
            found = asked.numpy
    return found


def _asked(op: Op, values: Sequence[Any]) -> dtypes.dtype | None:
    k = op.positions.get("dtype")
    asked = None if k is None else values[k]
    return asked if isinstance(asked, dtypes.dtype) else None


def wide_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """What numbers of a dtype are computed with."""
    return FLOAT32 if dtypes.is_narrow(dtype) else dtype


def wide(value: Any) -> Any:
    """A value, or a list of them, in float32 if it is one of 16 bits."""
    if type(value) is ndarray:
        return value.astype(FLOAT32) if dtypes.is_narrow(value.dtype) else value
    if type(value) is Formula:
        return cast(value, FLOAT32) if dtypes.is_narrow(value.dtype) else value
    if type(value) is list:
        return [wide(v) for v in value]
    return value


def wide_formula(value: Any) -> Any:
    """`wide` without a copy: a formula that reads an array, where it is one."""
    if type(value) is ndarray:
        return cast(source(value), FLOAT32) if dtypes.is_narrow(value.dtype) else value
    if type(value) is list:
        return [wide_formula(v) for v in value]
    return wide(value)


def wide_value(value: Any) -> Any:
    """`wide`, of arrays that are large enough to be left to loops as a formula."""
    large = type(value) is ndarray and value.size > config.defer_elements
    return wide_formula(value) if large or type(value) is list else wide(value)


def widened(op: Op, values: Sequence[Any], change: Callable[[Any], Any] = wide) -> list[Any]:
    """The operands of an operation, and the type that it is asked for, in float32."""
    found = [change(v) for v in values]
    asked = _asked(op, values)
    if asked is not None and dtypes.is_narrow(asked.numpy):
        found[op.positions["dtype"]] = dtypes.float32
    return found


def rounded(op: Op, values: Sequence[Any], result: Any, dtype: np.dtype[Any]) -> Any:
    """What an operation gave for widened operands, in their type, or in that it was asked for."""
    return _rounded(result, goal(op, values, dtype))


def goal(op: Op, values: Sequence[Any], dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type of the results: that of the operands, or that which was asked for."""
    asked = _asked(op, values)
    return dtype if asked is None else asked.numpy


def _rounded(result: Any, dtype: np.dtype[Any]) -> Any:
    if isinstance(result, (tuple, list)):
        parts = [_rounded(r, dtype) for r in result]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    if getattr(result, "dtype", None) != FLOAT32:
        return result
    return cast(result, dtype) if type(result) is Formula else result.astype(dtype)


def rounding(
    op: Op, values: Sequence[Any], compute: Callable[..., Any], dtype: np.dtype[Any]
) -> Callable[..., Any]:
    """A function of widened operands, of operands such as these."""
    wanted = goal(op, values, dtype)

    def rounded(*operands: Any) -> Any:
        result = compute(
            *[v.astype(FLOAT32) if getattr(v, "dtype", None) is dtype else wide(v)
              for v in operands]
        )  # fmt: skip
        if type(result) is ndarray and result.dtype is FLOAT32:
            return result.astype(wanted)
        return _rounded(result, wanted)

    return rounded


def has_narrow(values: Iterable[Any]) -> bool:
    """Whether there are numbers of 16 bits among values and lists of them."""
    for value in values:
        if type(value) is list:
            if has_narrow(value):
                return True
        elif (type(value) is ndarray or type(value) is Formula) and dtypes.is_narrow(value.dtype):
            return True
    return False


def built(op: Op, values: Sequence[Any]) -> Any:
    """The formula of an operation."""
    dtype = narrow_type(op, values)
    if dtype is None:
        return build(op, values)
    return rounded(op, values, build(op, widened(op, values, wide_formula)), dtype)


def computed(op: Op, values: Sequence[Any]) -> Any:
    """`op.compute` for arrays."""
    dtype = narrow_type(op, values)
    if dtype is None:
        return op.compute(ARRAYS, values)
    if op.kinds:
        op.check_dtype(values)
    return rounded(op, values, op.compute(ARRAYS, widened(op, values)), dtype)
