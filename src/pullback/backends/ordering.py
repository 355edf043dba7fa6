"""Places of elements in order.

NumPy sorts numbers ten times faster than it finds where they came from. Of numbers of 32 bits, the
order of equals included, both are one number of 64: its high half is in their order, and its low
half is the place.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.backends.along import move_axis, take_along

__all__ = ["argpartition_array", "argsort_array", "elements_at"]

FULL, BACKWARDS = slice(None), slice(None, None, -1)
NARROW = (np.float32, np.int32)
KEYED = 1 << 10  # elements from which it pays
LOW = (1 << 32) - 1


def _keys(x: Any, dim: int, descending: bool) -> Any:
    """Numbers in the order of the elements along an axis, which becomes the last; of equal ones,
    the first is less. NaN is largest."""
    x = move_axis(x, dim, -1)
    order = x
    if x.dtype == np.float32:
        bits = np.add(x, np.float32(0)).view(np.int32)  # 0 for -0
        order = bits ^ ((bits >> 31) & np.int32((1 << 31) - 1))  # those below 0 the other way round
        nan = x != x
        if nan.any():
            order[nan] = (1 << 31) - 1
    keys = order.astype(np.int64, order="C")
    if descending:
        np.invert(keys, out=keys)
    keys <<= 32
    keys |= np.arange(x.shape[-1])
    return keys


def _places(keys: Any) -> Any:
    return np.bitwise_and(keys, LOW, out=keys)


def elements_at(x: Any, dim: int, places: Any) -> Any:
    """The elements at places along an axis that were found there: `gather_array` unchecked."""
    return take_along(x, places, dim) if x.ndim else x.reshape(-1)[places]


def argsort_array(x: Any, dim: int, descending: bool) -> Any:
    """Stable order along one axis; NaN is largest."""
    if not x.ndim:
        return np.zeros((), np.int64)
    if x.size >= KEYED and x.dtype in NARROW:
        keys = _keys(x, dim, descending)
        keys.sort(-1)
        return move_axis(_places(keys), -1, dim)
    if not descending:
        return x.argsort(dim, "stable")
    # The reverse of a stable ascending sort of the reversed array keeps equals in order.
    dim %= x.ndim
    turned = (*[FULL] * dim, BACKWARDS)
    return x.shape[dim] - 1 - x[turned].argsort(dim, "stable")[turned]


def argpartition_array(x: Any, k: int, dim: int, largest: bool) -> Any:
    """The places of the k largest or smallest elements along one axis, in the order of a stable
    sort: the first ones among equals. NaN is largest."""
    x = move_axis(x, dim, -1)
    size = x.shape[-1]
    if 4 * k > size:
        return move_axis(argsort_array(x, -1, largest)[..., :k], -1, dim)
    if not k or not x.size:
        return move_axis(np.zeros((*x.shape[:-1], k), np.int64), -1, dim)
    found = _places_by_groups(np.ascontiguousarray(x).reshape(-1, size), k, largest)
    if found is not None:
        return move_axis(found.reshape(*x.shape[:-1], k), -1, dim)
    if x.dtype in NARROW:
        keys = _keys(x, -1, largest)
        keys.partition(k - 1, -1)
        keys = keys[..., :k]
        keys.sort(-1)
        return move_axis(_places(keys), -1, dim)
    last = size - k if largest else k - 1
    edge = np.partition(x, last, -1)[..., last, None]
    better, equal = (x > edge if largest else x < edge), x == edge
    if x.dtype.kind == "f":
        nan, edge_nan = np.isnan(x), np.isnan(edge)
        equal |= nan & edge_nan
        better |= (nan & ~edge_nan) if largest else (~nan & edge_nan)
    room = k - np.count_nonzero(better, -1)[..., None]
    chosen = better | (equal & (np.cumsum(equal, -1) <= room))
    places = np.nonzero(chosen)[-1].reshape(*x.shape[:-1], k)
    order = argsort_array(take_along(x, places, -1), -1, largest)
    return move_axis(take_along(places, order, -1), -1, dim)


def _places_by_groups(x: Any, k: int, largest: bool) -> Any:
    """`argpartition_array` of long rows, by looking twice at most elements; None to do otherwise.

    Of groups of elements, the k best have a best one each: nothing behind the worst of those is
    among the k best. What is left is sorted.
    """
    rows, size = x.shape
    if size < 32 * k or size < 256:
        return None
    width = int((size / k) ** 0.5)
    groups = size // width
    cut = x[:, : groups * width].reshape(rows, width, groups)
    best = cut.max(1) if largest else cut.min(1)
    rest = x[:, groups * width :]
    if x.dtype.kind == "f" and (np.isnan(best).any() or np.isnan(rest).any()):
        return None
    last = groups - k if largest else k - 1
    edge = np.partition(best, last, -1)[:, last, None]
    chosen = np.flatnonzero(x >= edge if largest else x <= edge)
    row, place = np.divmod(chosen, size)
    counts = np.bincount(row, minlength=rows)
    most = int(counts.max())
    if most > 8 * k + 64:  # many equal ones
        return None
    column = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    places = np.zeros((rows, most), np.int64)
    places[row, column] = place
    # Behind those of a short row stands its worst element again: every row has k of its own.
    numbers = np.repeat(edge, most, 1)
    numbers[row, column] = x.reshape(-1)[chosen]
    order = argsort_array(numbers, -1, largest)[:, :k]
    return take_along(places, order, -1)
