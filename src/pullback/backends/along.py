"""Look-ups along one axis, axes moved and repeated: as NumPy's, at a fraction of the cost a call.

`np.take_along_axis`, `np.moveaxis` and `np.broadcast_to` are written in Python, for any arguments;
a call takes 4 to 8 µs, as much as a dozen additions of small arrays.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def without_protocol(function: Any) -> Any:
    """One of NumPy's functions, for arrays alone: the protocol of other libraries' arrays costs
    0.15 µs a call. The function itself if NumPy keeps it elsewhere."""
    return getattr(function, "_implementation", function)


KEPT = 1024  # positions of a grid that is kept


def _open_grid(shape: tuple[int, ...], dim: int) -> tuple[Any, ...]:
    """The positions of an array's elements along each axis but one, to be broadcast."""
    rank = len(shape)
    return tuple(
        np.arange(size).reshape([-1 if j == k else 1 for j in range(rank)])
        for k, size in enumerate(shape) if k != dim
    )  # fmt: skip


_kept_grid = functools.lru_cache(512)(_open_grid)


def take_along(x: Any, index: Any, dim: int) -> Any:
    """`np.take_along_axis`, of arrays with as many axes each: x[index[i, j], j] along axis 0."""
    if x.ndim == 1:
        return x[index]
    dim %= x.ndim
    shape = x.shape
    others = math.prod(shape) // shape[dim] if shape[dim] else 0
    grid = (_kept_grid if others <= KEPT else _open_grid)(shape, dim)
    return x[(*grid[:dim], index, *grid[dim:])]


def move_axis(x: Any, source: int, target: int) -> Any:
    """`np.moveaxis` of one axis."""
    rank = x.ndim
    source, target = source % rank, target % rank
    if source == target:
        return x
    order = list(range(rank))
    order.insert(target, order.pop(source))
    return x.transpose(order)


def expand(x: Any, shape: Sequence[int]) -> Any:
    """`np.broadcast_to`, which may be written where x may."""
    if x.flags.c_contiguous and x.size:
        steps = _expanded(x.shape, x.itemsize, tuple(shape))
        if steps is not None:
            try:
                return np.ndarray(shape, x.dtype, x, 0, steps)
            except ValueError:  # elements that no buffer has, such as bfloat16
                pass
    view = np.broadcast_to(x, shape)
    if x.flags.writeable:
        view.flags.writeable = True
    return view


@functools.lru_cache(1024)
def _expanded(
    old: tuple[int, ...], itemsize: int, shape: tuple[int, ...]
) -> tuple[int, ...] | None:
    """The steps in memory of an array in order that is expanded; None if it cannot be."""
    new = len(shape) - len(old)
    if new < 0:
        return None
    steps: list[int] = []
    step = itemsize
    for size, wanted in zip(reversed(old), reversed(shape), strict=False):
        if size not in (1, wanted):
            return None
        steps.append(step if size == wanted else 0)
        step *= size
    return (*(0,) * new, *reversed(steps))
