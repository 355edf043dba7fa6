"""Common dtypes by the standard's rules, which do not ask how many axes an operand has.

PyTorch's operators let a 0-d tensor follow the others: float32 (n,) with float64 () is float32. The
standard's functions give float64. Python numbers follow the tensors in both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from pullback import dtypes
from pullback.tensor import Tensor

NUMBERS = (bool, int, float, complex)


def result_type(*arrays_and_dtypes: Any) -> dtypes.dtype:
    """The dtype that all of these promote to: tensors, dtypes, and Python numbers beside them.

    TypeError without a tensor or dtype, or for anything else; RuntimeError for pairs that have no
    common dtype (uint64 with signed integers).
    """
    found: list[dtypes.dtype] = []
    number: dtypes.dtype | None = None
    for x in arrays_and_dtypes:
        if isinstance(x, Tensor):
            found.append(x.dtype)
        elif isinstance(x, dtypes.dtype):
            found.append(x)
        elif isinstance(x, NUMBERS):
            kind = dtypes.of_number(x)
            number = kind if number is None else dtypes.promote_types(number, kind)
        else:
            raise TypeError(
                f"result_type() takes tensors, dtypes and numbers, not {type(x).__name__}"
            )
    if not found:
        raise TypeError("result_type() needs at least one tensor or dtype")
    return dtypes.combine(reduce(promote_types, found), None, number)


def promote_types(a: dtypes.dtype, b: dtypes.dtype) -> dtypes.dtype:
    """The smallest dtype to which both convert. RuntimeError for uint64 with signed integers.

    PyTorch's table, and what it leaves out: uint16 and wider unsigned integers with others.
    """
    if {a.kind, b.kind} <= {"u", "i"}:
        narrow, wide = sorted((a, b), key=lambda d: (d.itemsize, d.kind == "i"))
        if narrow.kind == wide.kind or (wide.kind == "i" and wide.itemsize > narrow.itemsize):
            return wide
        signed = f"int{16 * (wide.itemsize if wide.kind == 'u' else narrow.itemsize)}"
        if signed in dtypes.NAMES:
            return dtypes.NAMES[signed]
    elif dtypes.bool_ in (a, b):
        return b if a is dtypes.bool_ else a
    return dtypes.promote_types(a, b)


def promoted(arrays: Sequence[Any]) -> list[Any]:
    """The tensors in their common dtype; numbers are left to follow them."""
    kinds = {x.dtype for x in arrays if isinstance(x, Tensor)}
    if len(kinds) < 2:
        return list(arrays)
    common = result_type(*arrays)
    return [x.to(common) if isinstance(x, Tensor) else x for x in arrays]


def unary(operation: Callable[..., Any], name: str) -> Any:
    """The standard's function of one array: an operation whose argument has no name."""

    def function(x: Any, /) -> Any:
        return operation(x)

    return named(function, operation, name)


def binary(operation: Callable[..., Any], name: str) -> Any:
    """The standard's function of two arrays, or of an array and a number."""

    def function(x1: Any, x2: Any, /) -> Any:
        if isinstance(x1, Tensor) and isinstance(x2, Tensor) and x1.dtype is not x2.dtype:
            x1, x2 = promoted((x1, x2))
        return operation(x1, x2)

    return named(function, operation, name)


def named(function: Any, operation: Callable[..., Any], name: str) -> Any:
    """A function that stands for an operation: under its name, with its documentation."""
    function.__name__ = function.__qualname__ = name
    function.__module__ = "pullback.array_api"
    function.__doc__ = operation.__doc__
    return function
