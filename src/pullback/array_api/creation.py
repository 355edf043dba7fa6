"""Arrays from data and from numbers."""

from __future__ import annotations

from typing import Any

import pullback as torch
from pullback import dtypes
from pullback.array_api.promotion import named, promoted
from pullback.tensor import Tensor

__all__ = [
    "arange", "asarray", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like",
    "linspace", "meshgrid", "ones", "ones_like", "tril", "triu", "zeros", "zeros_like",
]  # fmt: skip


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Any:
    """An object as an array: arrays, numbers, nested sequences, buffers.

    In memory of its own if `copy`; ValueError if it would have to be copied and `copy` is False.
    """
    if copy is False and isinstance(obj, (bool, int, float, complex)):
        raise ValueError("asarray(): a number has no memory that an array could share: copy=None")
    return torch.asarray(obj, dtype=dtype, device=device, copy=copy)


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    """An array that shares the memory of another library's, by DLPack."""
    return torch.from_dlpack(x, device=device, copy=copy)


def arange(
    start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None
) -> Any:
    """The numbers from start to stop, without stop, in steps; none if the step leads away."""
    if stop is None:
        start, stop = 0, start
    if step and (stop - start) / step <= 0:
        if dtype is None:
            whole = all(isinstance(x, int) for x in (start, stop, step))
            dtype = dtypes.int64 if whole else dtypes.get_default_dtype()
        return torch.empty(0, dtype=dtype, device=device)
    return torch.arange(start, stop, step, dtype=dtype, device=device)


def linspace(
    start: Any, stop: Any, /, num: int, *, dtype: Any = None, device: Any = None,
    endpoint: bool = True,
) -> Any:  # fmt: skip
    """Numbers at equal distances from start to stop; without stop itself if not `endpoint`."""
    if endpoint:
        return torch.linspace(start, stop, num, dtype=dtype, device=device)
    return torch.linspace(start, stop, num + 1, dtype=dtype, device=device)[:num]


def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None, device: Any = None
) -> Any:
    """Ones on a diagonal: the main one, the k-th above it, or the -k-th below."""
    n_cols = n_rows if n_cols is None else n_cols
    made = torch.zeros((n_rows, n_cols), dtype=dtype, device=device)
    if -n_rows < k < n_cols:
        made.diagonal(k).fill_(1)
    return made


def _filled(name: str) -> Any:
    def function(shape: Any, *, dtype: Any = None, device: Any = None) -> Any:
        return operation(_sizes(shape), dtype=dtype, device=device)

    operation = getattr(torch, name)
    return named(function, operation, name)


def _filled_like(name: str) -> Any:
    def function(x: Any, /, *, dtype: Any = None, device: Any = None) -> Any:
        return operation(x, dtype=dtype, device=device)

    operation = getattr(torch, name)
    return named(function, operation, name)


def _sizes(shape: Any) -> tuple[int, ...]:
    return (shape,) if isinstance(shape, int) else tuple(shape)


empty = _filled("empty")
ones = _filled("ones")
zeros = _filled("zeros")
empty_like = _filled_like("empty_like")
ones_like = _filled_like("ones_like")
zeros_like = _filled_like("zeros_like")


def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """One number everywhere, in the default dtype of its kind unless another is given."""
    return torch.full(_sizes(shape), fill_value, dtype=dtype, device=device)


def full_like(x: Any, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """One number everywhere, in the shape and dtype of x."""
    return torch.full_like(x, fill_value, dtype=dtype, device=device)


def tril(x: Any, /, *, k: int = 0) -> Any:
    """Matrices with zeros above the k-th diagonal."""
    return torch.tril(x, k)


def triu(x: Any, /, *, k: int = 0) -> Any:
    """Matrices with zeros below the k-th diagonal."""
    return torch.triu(x, k)


def meshgrid(*arrays: Tensor, indexing: str = "xy") -> tuple[Any, ...]:
    """The coordinates of a grid, from those of its axes (1-D arrays of one dtype).

    With "xy" the first two axes of the results are exchanged: (n₂, n₁, n₃, …).
    """
    return tuple(torch.meshgrid(*promoted(arrays), indexing=indexing))
