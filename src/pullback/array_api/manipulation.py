"""Arrays in other shapes and orders, and joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pullback as torch
from pullback.arguments import wrap_dim
from pullback.array_api.promotion import promoted

__all__ = [
    "broadcast_arrays", "broadcast_shapes", "broadcast_to", "concat", "expand_dims", "flip",
    "moveaxis", "permute_dims", "repeat", "reshape", "roll", "squeeze", "stack", "tile", "unstack",
]  # fmt: skip

Axes = int | tuple[int, ...] | None


def broadcast_arrays(*arrays: Any) -> tuple[Any, ...]:
    """The arrays as views of one shape."""
    return tuple(torch.broadcast_tensors(*arrays))


def broadcast_shapes(*shapes: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """The shape that shapes broadcast to; sizes that are not known, None, fit any other.

    ValueError for shapes that do not broadcast.
    """
    ndim = max(map(len, shapes), default=0)
    found: list[int | None] = []
    for sizes in zip(*((1,) * (ndim - len(s)) + tuple(s) for s in shapes), strict=True):
        known = {n for n in sizes if n is not None and n != 1}
        if len(known) > 1:
            raise ValueError(f"shapes do not broadcast: {', '.join(str(tuple(s)) for s in shapes)}")
        found.append(known.pop() if known else None if None in sizes else 1)
    return tuple(found)


def broadcast_to(x: Any, /, shape: tuple[int, ...]) -> Any:
    """A view of a larger shape, in which elements appear again and again."""
    return torch.broadcast_to(x, tuple(shape))


def concat(arrays: Sequence[Any], /, *, axis: int | None = 0) -> Any:
    """Arrays one after the other along an axis; flattened first for None."""
    arrays = promoted(arrays)
    if axis is None:
        return torch.cat([x.reshape(-1) for x in arrays])
    wrap_dim(axis, arrays[0].ndim)
    return torch.cat(arrays, axis)


def stack(arrays: Sequence[Any], /, *, axis: int = 0) -> Any:
    """Arrays of one shape beside each other along a new axis."""
    return torch.stack(promoted(arrays), axis)


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The parts along an axis, which they do not have any more: views."""
    return tuple(torch.unbind(x, axis))


def expand_dims(x: Any, /, axis: int | tuple[int, ...] = 0) -> Any:
    """New axes of size 1, at places counted in the result: a view. IndexError for other places."""
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    ndim = x.ndim + len(axes)
    places = {wrap_dim(a, ndim) for a in axes}
    if len(places) < len(axes):
        raise ValueError(f"expand_dims(): repeated axis in {axes}")
    for place in sorted(places):
        x = torch.unsqueeze(x, place)
    return x


def squeeze(x: Any, /, axis: int | tuple[int, ...]) -> Any:
    """Without axes of size 1: a view. ValueError for axes of another size."""
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    for a in axes:
        if x.shape[wrap_dim(a, x.ndim)] != 1:
            raise ValueError(
                f"squeeze(): axis {a} of an array of shape {list(x.shape)} has a size other than 1"
            )
    return torch.squeeze(x, axes)


def flip(x: Any, /, *, axis: Axes = None) -> Any:
    """Reversed along axes, by default along all."""
    if axis is None:
        axis = tuple(range(x.ndim))
    return torch.flip(x, (axis,) if isinstance(axis, int) else tuple(axis))


def moveaxis(x: Any, source: Any, destination: Any, /) -> Any:
    """With axes moved to other places: a view."""
    return torch.movedim(x, source, destination)


def permute_dims(x: Any, /, axes: tuple[int, ...]) -> Any:
    """With the axes in another order: a view."""
    return torch.permute(x, tuple(axes))


def repeat(x: Any, repeats: Any, /, *, axis: int | None = None) -> Any:
    """Each element, or part along an axis, as often as `repeats` says; flattened for None."""
    if isinstance(repeats, torch.Tensor):
        repeats = repeats.to(torch.int64)
    return torch.repeat_interleave(x, repeats, axis)


def reshape(x: Any, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Any:
    """In another shape, one of whose sizes may be -1: a view where that is possible.

    In memory of its own if `copy`; RuntimeError if it would have to be copied and `copy` is False.
    """
    shape = tuple(shape)
    if copy:
        return torch.reshape(x.clone(), shape)
    return torch.reshape(x, shape) if copy is None else x.view(shape)


def roll(x: Any, /, shift: Any, *, axis: Axes = None) -> Any:
    """Moved along axes, what leaves at one end coming in at the other; flattened for None."""
    return torch.roll(x, shift, axis)


def tile(x: Any, repetitions: tuple[int, ...], /) -> Any:
    """The array beside itself, so many times along each axis; axes of size 1 are added in front."""
    return torch.tile(x, tuple(repetitions))
