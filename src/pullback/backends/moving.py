"""Large arrays copied and filled: by all threads, where whole rows lie side by side.

NumPy does it on one, which waits for the memory most of the time.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.config import config

from .memory import owner

WORTH = 1 << 18  # bytes from which others are asked to help: 10 µs of one thread
ROW = 256  # bytes of a row that is worth a call
LINE = 64  # bytes that a cache reads at once


def copy_into(to: Any, source: Any) -> None:
    """Write an array over another one, to whose shape it is broadcast."""
    if not (
        to.nbytes >= WORTH and to.dtype == source.dtype and to.dtype.kind in "biufc"
        and to.shape == source.shape and config.num_threads > 1
        and owner(to) is not owner(source) and _moved(to, source)
    ):  # fmt: skip
        to[...] = source


def copy(array: Any) -> Any:
    """A copy with its elements in order."""
    if array.nbytes < WORTH:
        return array.copy()
    made = np.empty(array.shape, array.dtype)
    copy_into(made, array)
    return made


def copied(array: Any) -> Any:
    """`copy`; of a transposed matrix whose rows are a power of two apart, a few columns at a time:
    all of a row's elements fall in a few places of the cache, and would push each other out."""
    if array.ndim != 2 or array.flags.c_contiguous or not array.flags.f_contiguous:
        return copy(array)
    if array.strides[1] % 1024 or array.size < 1 << 14:
        return array.copy()
    result = np.empty(array.shape, array.dtype)
    step = max(1, LINE // array.itemsize)
    for k in range(0, array.shape[1], step):
        result[:, k : k + step] = array[:, k : k + step]
    return result


def joined(arrays: Sequence[Any], axis: int) -> Any:
    """`np.concatenate`."""
    first = arrays[0]
    rank, axis = first.ndim, axis % max(1, first.ndim)
    around = [(*a.shape[:axis], *a.shape[axis + 1 :]) for a in arrays]
    if sum(a.nbytes for a in arrays) < WORTH or any(
        a.dtype != first.dtype or a.ndim != rank or shape != around[0]
        for a, shape in zip(arrays, around, strict=True)
    ):
        return np.concatenate(arrays, axis)
    shape = [*around[0][:axis], sum(a.shape[axis] for a in arrays), *around[0][axis:]]
    made = np.empty(shape, first.dtype)
    at = 0
    for a in arrays:
        size = a.shape[axis]
        copy_into(made[(slice(None),) * axis + (slice(at, at + size),)], a)
        at += size
    return made


def fill(array: Any, value: Any) -> None:
    """Write one value everywhere."""
    size = array.itemsize
    if not (
        array.nbytes >= WORTH and array.flags.c_contiguous and array.dtype.kind in "biufc"
        and size <= 8 and config.num_threads > 1 and (moves := _moves()) is not None
    ):  # fmt: skip
        array.fill(value)
        return
    pattern = np.full(8 // size, value, array.dtype).tobytes()
    moves.fill(_start(array), pattern, array.nbytes)


def full(shape: Any, value: Any, dtype: Any) -> Any:
    """A new array of one value."""
    made = np.empty(shape, dtype)
    fill(made, value)
    return made


def _moved(to: Any, source: Any) -> bool:
    """Whether it was done here: rows of one or two axes, each in one piece."""
    axes = _axes(to.shape, to.strides, source.strides)
    run = to.itemsize
    if axes and axes[-1][1] == run and axes[-1][2] == run:
        run *= axes.pop()[0]
    if (axes and run < ROW) or len(axes) > 2 or (moves := _moves()) is None:
        return False
    there, here = _start(to), _start(source)
    (outer, *outers), (inner, *inners) = [(1, 0, 0)] * (2 - len(axes)) + axes
    if run < WORTH:
        moves.rows(there, here, run, inner, outer, (*inners, *outers))
        return True
    for k in range(outer * inner):  # rows to be cut themselves
        a, b = divmod(k, inner)
        to_row, from_row = (a * out + b * of for out, of in zip(outers, inners, strict=True))
        moves.flat(there + to_row, here + from_row, run)
    return True


def _start(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


def _axes(
    shape: Sequence[int], to: Sequence[int], source: Sequence[int]
) -> list[tuple[int, int, int]]:
    """(size, stride of one, stride of the other), axes joined that lie so in both."""
    found: list[tuple[int, int, int]] = []
    for size, a, b in zip(shape, to, source, strict=True):
        if size == 1:
            continue
        if found and found[-1][1] == a * size and found[-1][2] == b * size:
            size *= found.pop()[0]
        found.append((size, a, b))
    return found


@functools.cache
def _moves() -> Any:
    """The machine code; None where there is no LLVM."""
    try:
        from .llvm.moving import moves
    except ImportError:
        return None
    return moves()
