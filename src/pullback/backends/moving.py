"""Large arrays copied, converted and filled: by all threads, as they lie in memory.

NumPy does it on one, which waits for the memory most of the time, and one by one where the elements
of a row do not lie side by side in both arrays.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from .memory import owner

WORTH = 1 << 18  # bytes from which others are asked to help: 10 µs of one thread
ROW = 256  # bytes of a row that is worth a call
_CONVERTED = frozenset(("fd", "df", "lf", "ld", "?f", "?d", "?l"))
LINE = 64  # bytes that a cache reads at once


def copy_into(to: Any, source: Any) -> None:
    """Write an array over another one, to whose shape it is broadcast."""
    if not (
        to.nbytes >= WORTH and to.dtype == source.dtype and to.dtype.kind in "biufc"
        and to.shape == source.shape and owner(to) is not owner(source) and _moved(to, source)
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
    if array.strides[1] % 1024 or array.size < 1 << 14 or (
        array.nbytes >= WORTH and array.itemsize in (4, 8)
    ):  # fmt: skip
        return copy(array)
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


def converted(array: Any, dtype: Any) -> Any:
    """The numbers in a dtype; the array itself, if it has that."""
    if array.nbytes >= WORTH and array.flags.c_contiguous:
        pair = array.dtype.char + np.dtype(dtype).char
        if pair in _CONVERTED and (moves := _moves()) is not None:
            made = np.empty(array.shape, dtype)
            moves.convert(pair, _start(made), _start(array), array.size)
            return made
    return array.astype(dtype, copy=False)


def fill(array: Any, value: Any) -> None:
    """Write one value everywhere."""
    size = array.itemsize
    if not (
        array.nbytes >= WORTH and array.flags.c_contiguous and array.dtype.kind in "biufc"
        and size <= 8 and (moves := _moves()) is not None
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
    if len(axes) > 2 or (moves := _moves()) is None:
        return False
    there, here = _start(to), _start(source)
    if axes and run < ROW:
        return _was_mirrored(moves, there, here, axes) or _was_turned(moves, there, here, run, axes)
    (outer, *outers), (inner, *inners) = [(1, 0, 0)] * (2 - len(axes)) + axes
    if run < WORTH:
        moves.rows(there, here, run, inner, outer, (*inners, *outers))
        return True
    for k in range(outer * inner):  # rows to be cut themselves
        a, b = divmod(k, inner)
        to_row, from_row = (a * out + b * of for out, of in zip(outers, inners, strict=True))
        moves.flat(there + to_row, here + from_row, run)
    return True


def _was_mirrored(moves: Any, there: int, here: int, axes: Sequence[tuple[int, int, int]]) -> bool:
    """Rows that are read backwards."""
    *before, (count, size, back) = axes
    if len(before) > 1 or size not in (4, 8) or back != -size:
        return False
    ((rows, to_row, from_row),) = before or [(1, 0, 0)]
    moves.mirror(there, here, size, count, rows, 1, (to_row, from_row, 0, 0))
    return True


def _was_turned(
    moves: Any, there: int, here: int, size: int, axes: Sequence[tuple[int, int, int]]
) -> bool:
    """A transposed matrix; one whose columns are upside down is read from the end."""
    if len(axes) != 2 or size not in (4, 8):
        return False
    (rows, to_row, from_row), (columns, to_column, from_column) = axes
    if abs(from_row) != size or to_column != size:
        return False
    if from_row < 0:  # the last row first: rows of the result from the last one, likewise
        here += (rows - 1) * from_row
        there, to_row = there + (rows - 1) * to_row, -to_row
    moves.turn(there, here, size, rows, columns, (to_row, from_column))
    return True


def _start(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


def _axes(
    shape: Sequence[int], to: Sequence[int], source: Sequence[int]
) -> list[tuple[int, int, int]]:
    """(size, stride of one, stride of the other), from the largest stride of one to the smallest;
    axes joined that lie so in both."""
    found: list[tuple[int, int, int]] = []
    for size, a, b in sorted(zip(shape, to, source, strict=True), key=lambda axis: -abs(axis[1])):
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
