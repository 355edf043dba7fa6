"""Values added, multiplied, compared or written at positions of an array, which may repeat."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.backends.along import expand
from pullback.backends.array_functions import check_index, check_position, ends
from pullback.dtypes import check_number

__all__ = ["add_line", "add_positions", "fill_line", "scatter_array", "write_line"]

UFUNCS: dict[str, Any] = {
    "sum": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum,
}  # fmt: skip
SMALL = 4096  # numbers; below, SciPy's sparse matrices cost more than they save


def add_positions(x: Any, key: Sequence[Any], values: Any) -> None:
    """`x[key] += values` in place, repeated positions several times."""
    given = [k for k, i in enumerate(key) if not isinstance(i, slice)]
    if len(key) == len(given) == 1 and x.flags.c_contiguous:  # along the first axis
        (index,) = key
        if type(index) is np.ndarray and index.dtype.kind == "i" and index.ndim == 1 and index.size:
            size = x.shape[0]
            shape = (index.size, *x.shape[1:])
            low, high = ends(index)
            if not -size <= low <= high < size:
                raise IndexError(f"index out of bounds: the shape is {list(x.shape)}")
            places = index if low >= 0 else np.where(index < 0, index + size, index)
            _add_along(x, 0, places, values if values.shape == shape else expand(values, shape))
            return
    arrays = [np.asarray(key[k]) for k in given]
    # Side by side, so that NumPy leaves what they index where it was.
    together = given and given[-1] - given[0] == len(given) - 1
    if not together or any(i.dtype.kind not in "iu" for i in arrays) or not x.flags.c_contiguous:
        np.add.at(x, tuple(key), values)
        return
    first, last = given[0], given[-1]
    sizes = x.shape[first : last + 1]
    try:
        flat = np.ravel_multi_index([np.where(i < 0, i + s, i) for i, s in
                                     zip(arrays, sizes, strict=True)], sizes)  # fmt: skip
    except ValueError:
        raise IndexError(f"index out of bounds: the shape is {list(x.shape)}") from None
    flat = np.asarray(flat)
    shape = (*x.shape[:first], *flat.shape, *x.shape[last + 1 :])
    rows = (*x.shape[:first], math.prod(sizes), *x.shape[last + 1 :])
    cells = (*x.shape[:first], flat.size, *x.shape[last + 1 :])
    if np.shape(values) != tuple(shape):
        values = expand(np.asarray(values), shape)
    _add_along(x.reshape(rows), first, flat.reshape(-1), values.reshape(cells))


def _add_along(x: Any, dim: int, index: Any, values: Any) -> None:
    """Values added at positions of one axis, in place; x is contiguous."""
    inner = math.prod(x.shape[dim + 1 :])
    outer = math.prod(x.shape[:dim])
    if not values.size:
        return
    rows = index
    if outer > 1:
        rows = (np.arange(outer)[:, None] * x.shape[dim] + index).reshape(-1)
    flat, values = x.reshape(outer * x.shape[dim], inner), values.reshape(-1, inner)
    if inner > 1 and values.size > SMALL and x.dtype.char in "fdFDlqi":
        _add_rows(flat, rows, values)
    elif inner == 1:
        np.add.at(flat.reshape(-1), rows, np.ascontiguousarray(values).reshape(-1))
    else:
        places = (rows[:, None] * inner + np.arange(inner)).reshape(-1)
        np.add.at(flat.reshape(-1), places, np.ascontiguousarray(values).reshape(-1))


def _add_rows(x: Any, index: Any, values: Any) -> None:
    """Rows added to rows: the product with a sparse matrix that has a one in each column."""
    from scipy.sparse import csc_array

    if x.dtype.kind == "c":  # (1 + 0i) times infinity would not be infinity
        part = x.real.dtype
        x, values = x.view(part), np.ascontiguousarray(values).view(part)
    count = len(index)
    small = max(count, len(x)) < 2**31
    kind = np.int32 if small else np.int64
    matrix = csc_array(
        (np.ones(count, x.dtype), index.astype(kind), np.arange(count + 1, dtype=kind)),
        shape=(len(x), count),
    )
    x += matrix @ np.ascontiguousarray(values)


def scatter_array(x: Any, dim: int, index: Any, values: Any, how: str, fresh: bool = False) -> Any:
    """A copy of x with values put where `gather_array` would read.

    `how`: "" to write them, or by which of UFUNCS they meet what is there. `fresh`: what is written
    to counts as nothing before.
    """
    check_index("scatter", x, dim, index)
    x = result = np.array(x, order="C")
    if not index.size:
        return x
    if not x.ndim or not index.ndim or not getattr(values, "ndim", 0):
        x = x.reshape(-1)
        index, values = index.reshape(-1), np.asarray(values).reshape(-1)
        dim = 0
    if index.shape != values.shape or index.shape != x.shape:
        for k, size in enumerate(index.shape):
            if size > values.shape[k] or (k != dim and size > x.shape[k]):
                raise RuntimeError(
                    f"scatter(): Expected index {list(index.shape)} to be no larger than src "
                    f"{list(values.shape)}, nor than self {list(x.shape)} apart from dimension "
                    f"{dim}"
                )
        values = values[tuple(slice(s) for s in index.shape)]
    if how == "sum" and not fresh and (0 in index.strides or 1 in index.shape):
        others = [k for k in range(x.ndim) if k != dim]
        if all(
            index.shape[k] == x.shape[k] and (index.strides[k] == 0 or index.shape[k] == 1)
            for k in others
        ):  # one position for whole rows
            line = index[tuple(slice(None) if k == dim else 0 for k in range(x.ndim))]
            _add_along(x, dim, line, values)
            return result
    places = _places(x.shape, dim, index)
    flat, values = x.reshape(-1), np.ascontiguousarray(values).reshape(-1)
    if not how:
        flat[places] = values
        return result
    if fresh:
        flat[places] = _nothing(how, x.dtype)
    UFUNCS[how].at(flat, places, values)
    return result


def add_line(x: Any, dim: int, index: Any, values: Any) -> Any:
    """A copy of x with values added at places of an axis, none of which is out of range."""
    result = np.array(x, order="C")
    shape = x.shape or (1,)
    if values.size > SMALL:
        whole = (*shape[:dim], index.size, *shape[dim + 1 :])
        _add_along(result.reshape(shape), dim, index.reshape(-1), values.reshape(whole))
        return result
    outer, inner = math.prod(shape[:dim]), math.prod(shape[dim + 1 :])
    places = index.reshape(-1, 1)
    if inner > 1:
        places = places * inner
    if outer > 1 or inner > 1:
        places = places + _kept_line(outer, shape[dim] * inner, inner)
    np.add.at(result.reshape(-1), places.reshape(-1), values.reshape(-1))
    return result


@functools.lru_cache(512)
def _kept_line(outer: int, step: int, inner: int) -> Any:
    """What the positions along the other axes, before and behind, add to those of a place."""
    return (np.arange(outer) * step)[:, None, None] + np.arange(inner)


def fill_line(x: Any, dim: int, index: Any, value: Any) -> Any:
    """A copy of x with one value, an array or a number that its dtype can hold, at places of an
    axis, counted from the end as well. IndexError for places that it has not."""
    if not isinstance(value, np.ndarray):
        value = check_number(value, x.dtype)
    try:
        return write_line(x, dim, index, value)
    except IndexError:
        size = x.shape[dim] if x.ndim else 1
        check_position("index_fill", x, dim, np.where(index < 0, index + size, index))
        raise


def write_line(x: Any, dim: int, index: Any, values: Any) -> Any:
    """A copy of x with values written at places of an axis; those of a place are side by side."""
    shape = x.shape
    x = np.array(x, order="C").reshape(shape or (1,))
    x[(slice(None),) * dim + (index.reshape(-1),)] = values
    return x.reshape(shape)


def _places(shape: Sequence[int], dim: int, index: Any) -> Any:
    """Positions along one axis as positions in the flattened array."""
    if len(shape) == 1:
        return np.ascontiguousarray(index).reshape(-1)
    small = index.size <= SMALL
    others = (_kept_others if small else _others)(tuple(shape), dim, index.shape)
    places = index * math.prod(shape[dim + 1 :])
    for part in others:
        places += part
    return places.reshape(-1)


def _others(shape: tuple[int, ...], dim: int, used: tuple[int, ...]) -> list[Any]:
    """What the positions along each other axis add to those in the flattened array."""
    return [
        (np.arange(size) * math.prod(shape[k + 1 :])).reshape(
            [size if j == k else 1 for j in range(len(shape))]
        )
        for k, size in enumerate(used) if k != dim and size > 1
    ]  # fmt: skip


_kept_others = functools.lru_cache(512)(_others)


def _nothing(how: str, dtype: Any) -> Any:
    """What changes nothing when it meets another number."""
    if how in ("sum", "prod"):
        return int(how == "prod")
    if dtype.kind == "f":
        return -np.inf if how == "amax" else np.inf
    if dtype.kind == "b":
        return how == "amin"
    info = np.iinfo(dtype)
    return info.min if how == "amax" else info.max
