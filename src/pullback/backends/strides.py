"""Arrays by steps in memory, and lists of positions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.backends.memory import address, owner

__all__ = [
    "combination_rows", "repeated_array", "restrided_array", "strided_scatter_array",
    "strided_view", "trace_array", "triangle_indices", "uninitialised_strided",
]  # fmt: skip


def _places(shape: Sequence[int], stride: Sequence[int]) -> Any:
    """Where elements are, counted from the first one."""
    places = np.zeros((), np.int64)
    for size, step in zip(shape, stride, strict=True):
        places = np.add.outer(places, np.arange(size) * step)
    return places


def _memory(first: Any, second: Any) -> tuple[Any, Any, int]:
    """Two sets of places counted from the first of them, and how many there are."""
    low = min(first.min(), second.min())
    return first - low, second - low, int(max(first.max(), second.max()) - low + 1)


def strided_view(
    x: Any, size: Sequence[int], stride: Sequence[int], offset: int, own_stride: Sequence[int],
    storage: tuple[int, int] | None,
) -> Any:  # fmt: skip
    """A view by steps in memory; a copy, where x does not lie there as it is said to.

    `storage`: the place of the first element of x in its memory, and how many places that has.
    """
    steps = [t * x.itemsize for t in stride]
    memory = owner(x)
    start = address(x) - address(memory)
    known = storage is not None and x.size and (start, memory.nbytes) == (
        storage[0] * x.itemsize, storage[1] * x.itemsize
    )  # fmt: skip
    lies = known and all(s == 1 or t == o * x.itemsize
               for s, t, o in zip(x.shape, x.strides, own_stride, strict=True))  # fmt: skip
    if lies:
        raw = memory.ravel("K").view(np.uint8)
        view: Any = np.ndarray(size, x.dtype, raw, start + offset * x.itemsize, steps)
        return view
    if not x.size or 0 in size:
        return np.zeros(size, x.dtype)
    source, target, count = _memory(_places(x.shape, own_stride), _places(size, stride) + offset)
    memory = np.zeros(count, x.dtype)
    memory[source] = x
    return memory[target]


def restrided_array(
    x: Any, stride: Sequence[int], offset: int, shape: Sequence[int], new_stride: Sequence[int],
    shared: bool,
) -> Any:  # fmt: skip
    """Elements added to zeros at steps in memory, and read by other steps."""
    if not x.size or 0 in shape:
        return np.zeros(shape, x.dtype)
    source, target, count = _memory(_places(x.shape, stride) + offset, _places(shape, new_stride))
    memory = np.zeros(count, x.dtype)
    np.add.at(memory, source.reshape(-1), x.reshape(-1))
    counts = np.bincount((target if shared else source).reshape(-1), minlength=count)
    if counts.max() > 1:
        memory /= np.maximum(counts, 1).astype(x.real.dtype)
    return memory[target]


def strided_scatter_array(
    x: Any, values: Any, size: Sequence[int], stride: Sequence[int], offset: int,
    own_stride: Sequence[int],
) -> Any:  # fmt: skip
    """A copy of x with values written by steps in its memory."""
    if not x.size or not values.size:
        return x.copy()
    source, target, count = _memory(_places(x.shape, own_stride), _places(size, stride) + offset)
    memory = np.zeros(count, x.dtype)
    memory[source] = x
    memory[target] = values
    return memory[source]


def uninitialised_strided(shape: Sequence[int], stride: Sequence[int], dtype: Any) -> Any:
    """Memory that is not set, seen by steps."""
    if min((*shape, *stride), default=0) < 0:
        raise RuntimeError(
            f"Trying to create tensor with negative dimension or stride: {list(shape)}, "
            f"{list(stride)}"
        )
    last = sum((s - 1) * t for s, t in zip(shape, stride, strict=True)) if 0 not in shape else -1
    memory = np.empty(last + 1, dtype)
    steps = [t * memory.itemsize for t in stride]
    view: Any = (
        np.ndarray(shape, dtype, memory, 0, steps) if memory.size else np.empty(shape, dtype)
    )
    return view


def trace_array(x: Any) -> Any:
    """The sum of the diagonal; integers in int64."""
    return np.trace(x, dtype=np.int64 if x.dtype.kind in "bui" else x.dtype)


def triangle_indices(rows: int, columns: int, offset: int, lower: bool, dtype: Any) -> Any:
    """Rows above columns of the places of a triangle."""
    inside = np.tri(rows, columns, offset if lower else offset - 1, bool)
    return np.stack(np.nonzero(inside if lower else ~inside)).astype(dtype)


def combination_rows(n: int, r: int, with_replacement: bool, dtype: Any) -> Any:
    """Increasing sequences of r of the numbers below n, a row each."""
    chosen: Any = itertools.combinations
    if with_replacement:
        chosen = itertools.combinations_with_replacement
    flat = np.fromiter(itertools.chain.from_iterable(chosen(range(n), r)), dtype)
    return flat.reshape(-1, r)


def repeated_array(repeats: Any) -> Any:
    """Positions, each as often as it says."""
    if repeats.ndim != 1 or repeats.dtype not in (np.int32, np.int64):
        raise RuntimeError(
            f"repeat_interleave only accept 1D vectors of int32 or int64 as repeat, not "
            f"{repeats.dtype} of shape {list(repeats.shape)}"
        )
    if repeats.size and repeats.min() < 0:
        raise RuntimeError("repeats can not be negative")
    return np.repeat(np.arange(repeats.size, dtype=repeats.dtype), repeats)
