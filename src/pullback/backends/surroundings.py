"""More elements around arrays, made of those inside, and the transpose of that.

Axes are counted from the end, and each is a part (axis, before, after, sources): how many elements
more, and where they come from, as runs of neighbours (place, source, count, step).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

__all__ = ["surrounded_array", "surrounded_back_array"]

Run = tuple[int, int, int, int]
Axis = tuple[int, int, int, Sequence[Run]]


def _along(rank: int, axes: Sequence[Axis], done: int, axis: int, own: slice) -> Any:
    """A key: one axis's own part, all of those before it in `axes`, the inside of the others."""
    key: list[Any] = [slice(None)] * rank
    for k, (other, before, after, _) in enumerate(axes):
        if k >= done:
            key[other] = slice(before, -after if after else None)
    key[axis] = own
    return tuple(key)


def _parts(rank: int, axes: Sequence[Axis]) -> Iterator[tuple[Any, Any, int, int]]:
    """Of each run: where it is, where it comes from, its axis, and its step."""
    for done, (axis, before, _, runs) in enumerate(axes):
        for place, source, count, step in runs:
            first = before + source
            if step:
                last = first + step * count
                own = slice(first, last if last >= 0 else None, step)
            else:
                own = slice(first, first + 1)
            there = _along(rank, axes, done, axis, slice(place, place + count))
            yield there, _along(rank, axes, done, axis, own), axis, step


def _shape(shape: Sequence[int], axes: Sequence[Axis], sign: int) -> list[int]:
    sizes = list(shape)
    for axis, before, after, _ in axes:
        sizes[axis] += sign * (before + after)
    return sizes


def surrounded_array(x: Any, axes: Sequence[Axis]) -> Any:
    """The array with more elements around it."""
    made = np.empty(_shape(x.shape, axes, 1), x.dtype)
    made[_inside(x.ndim, axes)] = x
    for there, source, _, _ in _parts(x.ndim, axes):
        made[there] = made[source]
    return made


def surrounded_back_array(y: Any, axes: Sequence[Axis]) -> Any:
    """Its transpose: what is outside is added to where it came from."""
    made = np.array(y, order="C")
    for there, source, axis, step in reversed(list(_parts(y.ndim, axes))):
        part = made[there]
        made[source] += part if step else part.sum(axis, keepdims=True, dtype=y.dtype)
    return np.ascontiguousarray(made[_inside(y.ndim, axes)])


def _inside(rank: int, axes: Sequence[Axis]) -> Any:
    key: list[Any] = [slice(None)] * rank
    for axis, before, after, _ in axes:
        key[axis] = slice(before, -after if after else None)
    return tuple(key)
