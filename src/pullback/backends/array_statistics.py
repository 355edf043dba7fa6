"""What the array vocabulary has for statistics: running extremes, ranks, counts, sets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.backends import axiswise
from pullback.backends.along import move_axis, take_along
from pullback.backends.ordering import argsort_array

__all__ = [
    "bin_edges_array", "bincount_array", "count_ties", "cumulative_extreme",
    "cumulative_logsumexp", "densities", "histc_array", "histogram_array", "middle_places",
    "mode_places", "nonzeros", "quotients_of_few", "rank_places", "unique_arrays", "unique_runs",
    "value_counts_array",
]  # fmt: skip


def cumulative_extreme(x: Any, dim: int, largest: bool) -> Any:
    """Running extremes along one axis, and their places: the last among equals, NaN wins."""
    if not x.ndim:
        return x.copy(), np.zeros((), np.int64)
    if x.size >= axiswise.SCAN_WORTH:
        found = axiswise.scanned("max" if largest else "min", [x], dim, [x.dtype, np.int64])
        if found is not None:
            return tuple(found)
    values = (np.maximum if largest else np.minimum).accumulate(x, axis=dim)
    if not x.size:
        return values, np.zeros(x.shape, np.int64)
    places = np.arange(x.shape[dim]).reshape([-1 if k == dim else 1 for k in range(x.ndim)])
    found = x == values
    if x.dtype.kind == "f":
        found |= x != x
    return values, np.maximum.accumulate(np.where(found, places, 0), axis=dim)


def cumulative_logsumexp(x: Any, dim: int) -> Any:
    """Running logarithms of sums of exponentials along one axis."""
    if not x.ndim:
        return x.copy()
    if x.dtype.kind != "c":
        found = _logsumexp_scan(x, dim) if x.size >= axiswise.SCAN_WORTH else None
        return np.logaddexp.accumulate(x, axis=dim) if found is None else found
    x = move_axis(x, dim, 0)
    result = np.empty_like(x)
    for k, row in enumerate(x):  # NumPy has no logaddexp of complex numbers
        if k:
            last = result[k - 1]
            first = last.real >= row.real
            top, low = np.where(first, last, row), np.where(first, row, last)
            row = np.where(np.isneginf(low.real), top, top + np.log1p(np.exp(low - top)))
        result[k] = row
    return move_axis(result, 0, dim)


def _logsumexp_scan(x: Any, dim: int) -> Any:
    """The same with sums relative to the running maximum, which are a linear recurrence.

    None without compiled loops.
    """
    top = cumulative_extreme(x, dim, True)[0]
    base = np.where(np.isfinite(top), top, 0)
    scale = np.zeros_like(x)  # of what was summed before
    later, earlier = (move_axis(y, dim, 0) for y in (base, top))
    move_axis(scale, dim, 0)[1:] = np.exp(earlier[:-1] - later[1:])
    turned = [np.ascontiguousarray(np.flip(y, dim)) for y in (np.exp(x - base), scale)]
    found = axiswise.scanned("recurrence", turned, dim, [x.dtype])
    return None if found is None else np.log(np.flip(found[0], dim)) + base


def nonzeros(x: Any, dim: Sequence[int]) -> Any:
    """How many elements are not zero along some axes, kept."""
    if len(dim) == x.ndim:
        return np.full((1,) * x.ndim, np.count_nonzero(x), np.int64)
    found = x if x.dtype.kind == "b" else x != 0
    return np.add.reduce(found, axis=dim, dtype=np.int64, keepdims=True)


def count_ties(x: Any, extreme: Any, dim: Sequence[int]) -> Any:
    """How many elements along some axes are equal to the extreme there, at each of them; else 0."""
    ties = x == extreme
    nan = np.isnan(extreme)
    if nan.any():
        ties |= np.isnan(x) & nan
    result = np.zeros(x.shape, x.dtype)
    places = np.flatnonzero(ties)
    if places.size == extreme.size:  # each has one, at least
        result.reshape(-1)[places] = 1
        return result
    count = np.count_nonzero(ties, axis=tuple(dim), keepdims=True).astype(x.dtype)
    np.copyto(result, count, where=ties)
    return result


def quotients_of_few(x: Any, y: Any) -> Any:
    """x / y where y is not zero, and zero elsewhere: most elements are not looked at twice."""
    shape = np.broadcast_shapes(x.shape, y.shape)
    y = np.broadcast_to(y, shape)
    places = np.flatnonzero(y > 0)
    result = np.zeros(shape, np.result_type(x, y))
    if shape:
        axes = np.unravel_index(places, shape)
        result.reshape(-1)[places] = np.broadcast_to(x, shape)[axes] / y[axes]
    elif places.size:
        result[...] = x / y
    return result


def rank_places(x: Any, k: int, dim: int) -> Any:
    """Where the k-th smallest element (from 0) is along one axis, kept; NaN is largest.

    The first place of several. NumPy finds values several times faster than places.
    """
    if not x.ndim:
        return np.zeros((), np.int64)
    value = _ranked(x, k, dim)
    found = x == value
    if x.dtype.kind == "f" and np.logical_or.reduce(np.isnan(value), axis=None):
        found |= np.isnan(x) & np.isnan(value)
    return found.argmax(dim, keepdims=True)


def _ranked(x: Any, k: int, dim: int) -> Any:
    """The k-th smallest element along one axis, kept."""
    ranked = x.copy("K")
    ranked.partition(k, dim)
    return ranked[(slice(None),) * dim + (slice(k, k + 1),)]


def middle_places(x: Any, dim: int, skip_nan: bool) -> Any:
    """Where the median is along one axis, kept: the lower of two.

    A NaN where there is one; or the median of the others, if there are any.
    """
    if not x.ndim:
        return np.zeros((), np.int64)
    middle = (x.shape[dim] - 1) // 2
    if x.dtype.kind != "f" or not math.isnan(np.maximum.reduce(x, axis=None, initial=-np.inf)):
        return (x == _ranked(x, middle, dim)).argmax(dim, keepdims=True)
    nan = np.isnan(x)
    if not skip_nan:
        first = np.argmax(nan, axis=dim, keepdims=True)
        return np.where(nan.any(dim, keepdims=True), first, rank_places(x, middle, dim))
    order = np.argsort(x, axis=dim, kind="stable")
    count = np.count_nonzero(~nan, axis=dim, keepdims=True)
    return take_along(order, np.maximum(count - 1, 0) // 2, dim)


def mode_places(x: Any, dim: int) -> Any:
    """Where the most frequent value is along one axis, kept: the smallest among equals, the last
    place of it."""
    if not x.ndim:
        return np.zeros((), np.int64)
    x = move_axis(x, dim, -1)
    order = argsort_array(x, -1, False)
    ordered = take_along(x, order, -1)
    begins = np.ones(ordered.shape, bool)
    begins[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    places = np.arange(x.shape[-1])
    length = places - np.maximum.accumulate(np.where(begins, places, 0), axis=-1)
    last = np.argmax(length, axis=-1, keepdims=True)
    return move_axis(take_along(order, last, -1), -1, dim)


def _as_rows(x: Any, dim: int) -> Any:
    """The slices of an axis as rows of a matrix, by its positions."""
    count = x.shape[dim]
    return move_axis(x, dim, 0).reshape(count, x.size // count if count else 0)


def value_counts_array(x: Any) -> tuple[Any, Any]:
    """The different values in order, every NaN of its own, and how many there are of each."""
    if x.dtype.kind != "b":
        values, counts = np.unique(x, return_counts=True, equal_nan=False)
        return values, counts
    true = int(np.count_nonzero(x))
    both = np.array([x.size - true, true])
    found = both > 0
    return np.array([False, True])[found], both[found]


def unique_arrays(x: Any, dim: int | None) -> tuple[Any, Any, Any]:
    """The different values, or slices, in order; for each element which it is; how many of each.

    Every NaN is different from all others.
    """
    if dim is None and x.dtype.kind == "b":
        values, counts = value_counts_array(x)
        inverse = np.zeros(x.shape, np.int64) if values.size < 2 else x.astype(np.int64)
        return values, inverse, counts
    if dim is None:
        values, inverse, counts = np.unique(
            x, return_inverse=True, return_counts=True, equal_nan=False
        )
        return values, inverse.reshape(x.shape), counts
    rows = _as_rows(x, dim)
    order = np.lexsort(rows.T[::-1]) if rows.shape[1] else np.arange(len(rows))
    ordered = rows[order]
    new = np.ones(len(rows), bool)
    new[1:] = (ordered[1:] != ordered[:-1]).any(1)
    which = np.cumsum(new) - 1
    inverse = np.empty(len(rows), np.int64)
    inverse[order] = which
    counts = np.bincount(which, minlength=0)
    return np.take(x, order[new], dim), inverse, counts.astype(np.int64)


def unique_runs(x: Any, dim: int | None) -> tuple[Any, Any, Any]:
    """The same of neighbours: runs of equal values, or slices."""
    rows = x.reshape(-1, 1) if dim is None else _as_rows(x, dim)
    new = np.ones(len(rows), bool)
    new[1:] = (rows[1:] != rows[:-1]).any(1)
    inverse = np.cumsum(new) - 1
    counts = np.bincount(inverse, minlength=0).astype(np.int64)
    if dim is None:
        return x.reshape(-1)[new], inverse.reshape(x.shape), counts
    return np.take(x, np.flatnonzero(new), dim), inverse, counts


# -------------------------------------------------------------------------------------- counts


def _extent(x: Any, low: float, high: float, given: bool, what: str) -> tuple[float, float]:
    """A range to divide, of the elements if none is given; one around a single number."""
    if not given and x.size:
        low, high = x.min().item(), x.max().item()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"torch.{what}: range of [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError(f"torch.{what}: max must be larger than min, not [{low}, {high}]")
    return (low - 1, high + 1) if low == high and what == "histc" else (low, high)


def histc_array(x: Any, bins: int, low: Any, high: Any) -> Any:
    """Counts in equal parts of a closed range."""
    low, high = _extent(x, low, high, low != 0 or high != 0 or low != high, "histc")
    x = x[(x >= low) & (x <= high)]
    # As PyTorch places them: by division, not by comparison with edges.
    place = ((x - low) / (high - low) * bins).astype(np.int64)
    count = np.bincount(np.minimum(place, bins - 1), minlength=bins)
    return count.astype(x.dtype)


def bin_edges_array(x: Any, bins: int, extent: Any) -> Any:
    """Evenly spaced numbers over a range, or over the elements' range."""
    if bins <= 0:
        raise RuntimeError(f"torch.histogramdd(): bins must be > 0, but got {bins}")
    if extent is None and not x.size:
        extent = (0, 1)
    low, high = (0, 0) if extent is None else extent
    low, high = _extent(x, low, high, extent is not None, "histogram")
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, bins + 1, dtype=x.dtype)


def histogram_array(points: Any, edges: Sequence[Any], weight: Any, density: bool) -> Any:
    """The weight of points, which are rows, between edges; the last bins are closed."""
    shape = [max(len(e) - 1, 0) for e in edges]
    inside = np.ones(len(points), bool)
    place = np.zeros(len(points), np.int64)
    for k, (e, size) in enumerate(zip(edges, shape, strict=True)):
        e, x = np.asarray(e), points[:, k]
        p = np.searchsorted(e, x, "right") - 1
        p[x == e[-1]] = size - 1
        inside &= (p >= 0) & (p < size)
        place = place * size + p
    kept = None if weight is None else weight[inside]
    total = int(np.prod(shape))
    hist = np.bincount(place[inside], kept, total).reshape(shape).astype(points.dtype)
    return densities(hist, edges) if density else hist


def densities(hist: Any, edges: Sequence[Any]) -> Any:
    """A histogram whose integral is 1."""
    density = hist / hist.sum()
    for k, e in enumerate(edges):
        width = np.diff(np.asarray(e)).reshape([-1 if j == k else 1 for j in range(hist.ndim)])
        density = density / width
    return density.astype(hist.dtype, copy=False)


def bincount_array(x: Any, weights: Any, minlength: int) -> Any:
    """How often each of 0, 1, … occurs, or the sums of its weights."""
    if x.size and x.min() < 0:
        raise RuntimeError(f"bincount only supports 1-d non-negative integral inputs: {x.min()}")
    if weights is not None and weights.dtype.kind == "c":
        weights = weights.real
    count = np.bincount(x.astype(np.int64), weights, minlength)
    if weights is None:
        return count.astype(np.int64, copy=False)
    return count.astype(np.float32 if weights.dtype == np.float32 else np.float64, copy=False)
