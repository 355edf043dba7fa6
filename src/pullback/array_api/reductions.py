"""Sums, extremes and means along axes; running sums; differences."""

from __future__ import annotations

from typing import Any

import pullback as torch
from pullback import dtypes

__all__ = [
    "all", "any", "count_nonzero", "cumulative_prod", "cumulative_sum", "diff", "max", "mean",
    "min", "prod", "std", "sum", "var",
]  # fmt: skip

Axes = int | tuple[int, ...] | None


def _sum_dtype(x: Any, dtype: Any) -> Any:
    """What sums are computed in: integers in 64 bits with a sign, or without as they are."""
    if dtype is not None:
        return dtype
    return {"u": dtypes.uint64, "i": dtypes.int64, "b": dtypes.int64}.get(x.dtype.kind, x.dtype)


def sum(x: Any, /, *, axis: Axes = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """Sum along axes, by default all. Small integers are summed in 64 bits."""
    dtype = _sum_dtype(x, dtype)
    if axis == ():  # PyTorch takes no axes for all axes
        return x.to(dtype, copy=True)
    return torch.sum(x, axis, keepdims, dtype=dtype)


def prod(x: Any, /, *, axis: Axes = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """Product along axes, by default all. Small integers are multiplied in 64 bits."""
    dtype = _sum_dtype(x, dtype)
    x = x.to(dtype)
    for a in _each(x, axis):
        x = torch.prod(x, a, True, dtype=dtype)
    return _kept(x, axis, keepdims)


def _each(x: Any, axis: Axes) -> tuple[int, ...]:
    """The axes one by one."""
    if axis is None:
        return tuple(range(x.ndim))
    return (axis,) if isinstance(axis, int) else tuple(axis)


def _kept(x: Any, axis: Axes, keepdims: bool) -> Any:
    """A result whose reduced axes have size 1, without them if they are not to be kept."""
    return x if keepdims else torch.squeeze(x, _each(x, axis))


def max(x: Any, /, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Largest elements along axes, by default of all."""
    return x.clone() if axis == () else torch.amax(x, _each(x, axis), keepdims)


def min(x: Any, /, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Smallest elements along axes, by default of all."""
    return x.clone() if axis == () else torch.amin(x, _each(x, axis), keepdims)


def mean(x: Any, /, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Mean along axes, by default of all elements."""
    return x.clone() if axis == () else torch.mean(x, axis, keepdims)


def var(x: Any, /, *, axis: Axes = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    """Variance along axes, by default of all elements: squares over n - correction."""
    if axis == ():
        return torch.var(x.unsqueeze(-1), -1, correction=correction)
    return torch.var(x, axis, correction=correction, keepdim=keepdims)


def std(x: Any, /, *, axis: Axes = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    """Standard deviation along axes, by default of all elements: the root of `var`."""
    if axis == ():
        return torch.std(x.unsqueeze(-1), -1, correction=correction)
    return torch.std(x, axis, correction=correction, keepdim=keepdims)


def all(x: Any, /, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Whether all elements along axes are true."""
    return torch.all(x, axis, keepdims).to(dtypes.bool_) if axis != () else x != 0


def any(x: Any, /, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Whether any element along axes is true."""
    return torch.any(x, axis, keepdims).to(dtypes.bool_) if axis != () else x != 0


def count_nonzero(x: Any, /, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """How many elements along axes are not zero."""
    return sum(x != 0, axis=axis, keepdims=keepdims)


def _running(operation: Any, start: int, x: Any, axis: int | None, dtype: Any, first: bool) -> Any:
    if axis is None:
        if x.ndim > 1:
            raise ValueError(
                f"an array of shape {list(x.shape)} has several axes to run along: say `axis`"
            )
        axis = 0
    made = operation(x, axis, dtype=_sum_dtype(x, dtype))
    if not first:
        return made
    shape = [*made.shape]
    shape[axis] = 1
    return torch.cat([torch.full(shape, start, dtype=made.dtype), made], axis)


def cumulative_sum(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """Running sums along an axis; with a 0 before them if `include_initial`."""
    return _running(torch.cumsum, 0, x, axis, dtype, include_initial)


def cumulative_prod(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """Running products along an axis; with a 1 before them if `include_initial`."""
    return _running(torch.cumprod, 1, x, axis, dtype, include_initial)


def diff(x: Any, /, *, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None) -> Any:
    """n-th differences of neighbours along an axis, of what is joined from the three arrays."""
    return torch.diff(x, n, axis, prepend, append)
