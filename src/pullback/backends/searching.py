"""Where values belong among sorted ones, and the first places that are not zero."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pullback.backends.array_functions import nonzero_array
from pullback.config import config

__all__ = ["first_nonzero", "first_rows", "nonzero_of_pieces", "search_sorted"]


def first_nonzero(x: Any, size: int, otherwise: int) -> Any:
    """The first positions of non-zero elements, a row each; the missing rows are one number."""
    return first_rows(nonzero_array(x), size, otherwise)


def first_rows(found: Any, size: int, otherwise: int) -> Any:
    """So many rows, in order; the missing ones are one number."""
    rows = np.full((size, found.shape[1]), otherwise, np.int64)
    rows[: len(found)] = found[:size]
    return rows


def nonzero_of_pieces(pieces: Iterable[Any], shape: Sequence[int]) -> Any:
    """Positions of non-zero elements, a row each, of what is cut along one axis.

    OutOfMemoryError if they are too many.
    """
    found, begin, count, axis = [], 0, 0, 0
    for x in pieces:
        axis = next((k for k, s in enumerate(shape) if x.shape[k] != s), 0)
        rows = nonzero_array(x)
        rows[:, axis] += begin
        begin += x.shape[axis]
        count += len(rows)
        config.check_memory((count, len(shape)), 8 * count * len(shape))
        found.append(rows)
    rows = np.concatenate(found)
    return rows[np.lexsort(rows.T[::-1])] if axis else rows


def search_sorted(x: Any, values: Any, right: bool) -> Any:
    """How many numbers of x's last axis are less than each value; with `right`, not greater.

    One axis is for values of any shape; several are those of the values, but for the last. A
    number is less than NaN, which is less than NaN where `right` says so.
    """
    if not hasattr(values, "dtype"):
        values = np.asarray(values, np.result_type(x.dtype, values))
    if x.ndim == 1 and (x.dtype.kind != "f" or not np.isnan(x).any()):
        return np.asarray(np.searchsorted(x, values, "right" if right else "left"), np.int64)
    # All at once: the place is in [low, high), of which each step keeps a half.
    x = np.broadcast_to(x, (*values.shape[:-1], x.shape[-1])) if values.ndim else x
    target = values if values.ndim else values.reshape(1)
    low = np.zeros(target.shape, np.int64)
    high = np.full(target.shape, x.shape[-1], np.int64)
    for _ in range(int(x.shape[-1]).bit_length()):
        middle = (low + high) >> 1
        found = np.take_along_axis(x, np.minimum(middle, x.shape[-1] - 1), -1)
        before = ~((found > target) if right else (found >= target)) & (low < high)
        low = np.where(before, middle + 1, low)
        high = np.where(before, high, middle)
    return low.reshape(values.shape)
