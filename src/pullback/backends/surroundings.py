"""More elements around arrays, made of those inside, and the transpose of that.

Axes are counted from the end, and each is a part (axis, before, after, sources): how many elements
more, and where they come from, as runs of neighbours (place, source, count, step).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from pullback.backends.prepared import prepared

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


@prepared()
def surrounded_array(x: Any, axes: Sequence[Axis]) -> Callable[[Any], Any]:
    """The array with more elements around it."""
    shape, dtype, inside = _shape(x.shape, axes, 1), x.dtype, _inside(x.ndim, axes)
    parts = [(there, source) for there, source, _, _ in _parts(x.ndim, axes)]

    def surrounded(x: Any) -> Any:
        made = np.empty(shape, dtype)
        made[inside] = x
        for there, source in parts:
            made[there] = made[source]
        return made

    return surrounded


@prepared()
def surrounded_back_array(y: Any, axes: Sequence[Axis]) -> Callable[[Any], Any]:
    """Its transpose: what is outside is added to where it came from."""
    inside, parts = _inside(y.ndim, axes), list(_parts(y.ndim, axes))[::-1]

    def back(y: Any) -> Any:
        made = np.array(y, order="C")
        for there, source, axis, step in parts:
            part = made[there]
            made[source] += part if step else part.sum(axis, keepdims=True, dtype=y.dtype)
        return np.ascontiguousarray(made[inside])

    return back


def _inside(rank: int, axes: Sequence[Axis]) -> Any:
    key: list[Any] = [slice(None)] * rank
    for axis, before, after, _ in axes:
        key[axis] = slice(before, -after if after else None)
    return tuple(key)
