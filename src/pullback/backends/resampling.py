"""Images at other sizes: linear maps of one axis after the other, and their transposes.

An axis is given as `(kind, n, m, scale, align)`: n elements become m, `scale` times as many if that
was said, the first and last ones of both on each other with `align`. `scale` None means m / n.
Sources: R. Keys, IEEE TASSP 29 (1981), for the cubic kernel; K. Turkowski, Graphics Gems (1990),
for filters that widen with the scale.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pullback.backends.along import move_axis
from pullback.backends.prepared import prepared

__all__ = ["resample"]

Axis = tuple[str, int, int, float | None, bool]
SPAN = 64  # results, or elements, of one product
AT_ONCE = 1 << 11  # numbers of a matrix that maps all axes at once
WASTE = 64  # a product with so many numbers for each that is not 0 is slower than looking them up


class Map(NamedTuple):
    """One axis: result i is the sum of `weights[i, k]` times element `places[i, k]`."""

    places: Any
    weights: Any


class Block(NamedTuple):
    """A part of a map as a dense matrix."""

    results: slice
    elements: slice
    matrix: Any  # (results, elements)

    def whole(self, n: int) -> Any:
        """The matrix of all n elements."""
        made = np.zeros((len(self.matrix), n), self.matrix.dtype)
        made[:, self.elements] = self.matrix
        return made


# -------------------------------------------------------------------------------------- weights


def _step(n: int, m: int, scale: float | None, align: bool, real: Any) -> Any:
    """How far apart the results are, in elements."""
    if align:
        return real(n - 1) / real(m - 1) if m > 1 else real(0)
    return real(1 / scale) if scale else real(n) / real(m)


def _nearest(n: int, m: int, scale: float | None, real: Any, centre: float) -> Map:
    # Neighbours are chosen as PyTorch does, half-way between two as well: it rounds to the image's
    # precision before and after half an element is added, and then to single precision.
    at = (np.arange(m) + centre) * float(_step(n, m, scale, False, real))
    at = (at - centre).astype(real) + real(centre)
    places = np.clip(np.floor(at.astype(np.float32)), 0, n - 1).astype(np.intp)[:, None]
    return Map(places, np.ones((m, 1), real))


def _positions(n: int, m: int, scale: float | None, align: bool, real: Any) -> Any:
    """Where the results are among the elements."""
    step, numbers = _step(n, m, scale, align, real), np.arange(m, dtype=real)
    return numbers * step if align else (numbers + real(0.5)) * step - real(0.5)


def _linear(n: int, m: int, scale: float | None, align: bool, real: Any) -> Map:
    at = np.maximum(_positions(n, m, scale, align, real), 0)
    low = np.minimum(np.floor(at), n - 1)
    part = np.minimum(at - low, 1)
    places = np.minimum(low[:, None].astype(np.intp) + np.arange(2), n - 1)
    return Map(places, np.stack([1 - part, part], 1))


def keys_piece(x: Any, a: float, order: int, near: bool) -> Any:
    """Keys' cubic kernel, or its derivative of some order, for 0 ≤ x ≤ 1 or for 1 ≤ x ≤ 2."""
    factors = [a + 2, -(a + 3), 0.0, 1.0] if near else [a, -5 * a, 8 * a, -4 * a]
    for _ in range(order):
        factors = [f * (len(factors) - 1 - k) for k, f in enumerate(factors[:-1])]
    made = np.zeros_like(x)
    for f in factors:
        made = made * x + x.dtype.type(f)
    return made


def _keys(distance: Any, a: float) -> Any:
    """The whole kernel at some distance."""
    x = np.abs(distance)
    far = np.where(x < 2, keys_piece(x, a, 0, False), 0)
    return np.where(x < 1, keys_piece(x, a, 0, True), far)


def _cubic(n: int, m: int, scale: float | None, align: bool, real: Any) -> Map:
    at = _positions(n, m, scale, align, real)
    low = np.floor(at)
    part = (at - low)[:, None]
    taps = np.arange(-1, 3)
    places = np.clip(low[:, None].astype(np.intp) + taps, 0, n - 1)
    return Map(places, _keys(part - taps.astype(real), -0.75))


def _triangle(x: Any) -> Any:
    return np.maximum(1 - np.abs(x), 0)


def _smooth(x: Any) -> Any:
    return _keys(x, -0.5)


def _lanczos(x: Any) -> Any:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


FILTERS: dict[str, tuple[Callable[[Any], Any], int]] = {
    "filtered linear": (_triangle, 1), "filtered cubic": (_smooth, 2), "lanczos": (_lanczos, 3),
}  # fmt: skip


def _filtered(kind: str, n: int, m: int, scale: float | None, align: bool, real: Any) -> Map:
    """A kernel as wide as the results are apart, normalised where the image ends."""
    kernel, reach = FILTERS[kind]
    step = _step(n, m, scale, align, real)
    width = max(step, real(1))
    support = real(reach) * width
    centre = step * (np.arange(m, dtype=real) + real(0.5))
    first = np.maximum((centre - support + real(0.5)).astype(np.intp), 0)
    end = np.minimum((centre + support + real(0.5)).astype(np.intp), n)
    offsets = np.arange(int((end - first).max(initial=1)))
    places = first[:, None] + offsets
    weights = kernel((places - centre[:, None] + real(0.5)) / width)
    weights = np.where(places < end[:, None], weights, 0)
    total = weights.sum(1, keepdims=True)
    weights = np.divide(weights, total, out=weights, where=total != 0)
    return Map(np.minimum(places, n - 1), weights.astype(real))


def _means(n: int, m: int, real: Any) -> Map:
    """The means of m parts, which overlap where m does not divide n."""
    first, end = np.arange(m) * n // m, -(-np.arange(1, m + 1) * n // m)
    places = first[:, None] + np.arange(int((end - first).max(initial=1)))
    weights = np.where(places < end[:, None], 1 / (end - first)[:, None], 0)
    return Map(np.minimum(places, max(n - 1, 0)), weights.astype(real))


@functools.lru_cache(maxsize=256)
def axis_map(axis: Axis, real: Any) -> Map:
    """The map of an axis, computed with numbers of one precision."""
    kind, n, m, scale, align = axis
    if n == m and kind != "cubic" and not kind.startswith("nearest"):
        scale = None  # nothing is to be done, whatever was said
    if kind == "nearest":
        return _nearest(n, m, scale, real, 0.0)
    if kind == "nearest-exact":
        return _nearest(n, m, scale, real, 0.5)
    if kind == "mean":
        return _means(n, m, real)
    if kind == "linear":
        return _linear(n, m, scale, align, real)
    if kind == "cubic":
        return _cubic(n, m, scale, align, real)
    return _filtered(kind, n, m, scale, align, real)


@functools.lru_cache(maxsize=256)
def blocks(axis: Axis, real: Any, transposed: bool) -> tuple[Block, ...] | None:
    """The map as dense parts that leave out most of its zeros; None if too many would be left."""
    return _dense(axis_map(axis, real), (axis[2], axis[1]), real, transposed)


def _dense(
    made: Map, sizes: tuple[int, int], real: Any, transposed: bool
) -> tuple[Block, ...] | None:
    places, weights = made
    at, part = np.nonzero(weights)
    rows, columns, values = at, places[at, part], weights[at, part]
    if transposed:
        order = np.argsort(columns, kind="stable")
        rows, columns, values, sizes = columns[order], rows[order], values[order], sizes[::-1]
    count, width = sizes
    step = max(8, min(SPAN, SPAN * count // max(width, 1)))
    parts = []
    for start in range(0, count, step):
        own = slice(*np.searchsorted(rows, (start, start + step)))
        used = columns[own]
        first, end = (int(used.min()), int(used.max()) + 1) if used.size else (0, 0)
        matrix = np.zeros((min(step, count - start), end - first), real)
        np.add.at(matrix, (rows[own] - start, used - first), values[own])
        parts.append(Block(slice(start, start + len(matrix)), slice(first, end), matrix))
    wasteful = sum(p.matrix.size for p in parts) > WASTE * max(len(values), 1)
    return None if wasteful else tuple(parts)


class Bytes(NamedTuple):
    """One axis of bytes: weights are integers, and their products are shifted."""

    map: Map
    blocks: tuple[Block, ...] | None
    shift: int


@functools.lru_cache(maxsize=64)
def byte_map(axis: Axis) -> Bytes:
    """The map of an axis for bytes, as PyTorch and Pillow have it: weights of 16 bits.

    They have as many bits behind the point as let the largest of them fit.
    """
    places, weights = axis_map(axis, np.float64)
    weights = np.array(weights)
    for later in range(1, places.shape[1] if axis[0] in ("linear", "cubic") else 0):
        for first in range(later):  # what is clamped to one element is one weight
            same = places[:, later] == places[:, first]
            weights[same, first] += weights[same, later]
            weights[same, later] = 0
    largest, shift = weights.max(initial=0), 0
    while shift < 22 and int(0.5 + largest * (1 << (shift + 1))) < 1 << 15:
        shift += 1
    whole = np.trunc(weights * (1 << shift) + np.copysign(0.5, weights))
    made = Map(places, whole)
    return Bytes(made, _dense(made, (axis[2], axis[1]), np.float64, False), shift)


# ------------------------------------------------------------------------------------- products


@prepared()
def resample(x: Any, axes: Sequence[Axis], transposed: bool) -> Callable[[Any], Any]:
    """The last axes mapped, each by its own linear map, or by the transposes of those."""
    dtype = x.dtype
    real = np.float64 if dtype == np.float64 else np.float32
    picks = all(axis[0].startswith("nearest") for axis in axes)
    if dtype.kind == "u" and not picks:
        return lambda x: _bytes(x, axes)
    if picks and not transposed:
        maps = [axis_map(axis, real) for axis in axes]
        function: Callable[[Any], Any] = functools.partial(_picked, maps=maps)
    else:
        function = _mapped(x.shape, axes, real, transposed)
    if dtype.kind == "u":
        real = dtype

    def of_array(x: Any) -> Any:
        y = np.ascontiguousarray(function(x.astype(real, copy=False))).astype(dtype, copy=False)
        return y.copy() if y is x else y

    return of_array


def _mapped(
    shape: Sequence[int], axes: Sequence[Axis], real: Any, transposed: bool
) -> Callable[[Any], Any]:
    """A function of arrays of a shape that maps their last axes, one after the other.

    Those that become shorter come first: what follows is then less work. Few numbers are mapped
    along all axes at once.
    """
    rank = len(axes)
    order = sorted(range(rank), key=lambda k: _growth(axes[k], transposed))
    dense = [blocks(axis, real, transposed) for axis in axes]
    whole = [parts[0].whole(n) for parts, n in zip(dense, shape[-rank:], strict=True)
             if parts is not None and len(parts) == 1]  # fmt: skip
    entries = math.prod(m.size for m in whole)
    at_once = None
    if rank > 1 and len(whole) == rank and entries <= AT_ONCE:
        at_once = np.ascontiguousarray(functools.reduce(np.kron, whole).T)
        kept = (*shape[:-rank], *(len(m) for m in whole))

    def mapped(y: Any) -> Any:
        finite = math.isfinite(float(np.add.reduce(y, axis=None)))
        if finite and at_once is not None:
            return np.matmul(y.reshape(-1, len(at_once)), at_once).reshape(kept)
        for k in order:
            dim = y.ndim - rank + k
            parts = dense[k] if finite else None
            if parts is None:
                y = _one_by_one(y, dim, axis_map(axes[k], real), axes[k][1], transposed)
            else:
                y = _by_products(y, dim, parts)
        return y

    return mapped


def _bytes(x: Any, axes: Sequence[Axis]) -> Any:
    """Bytes: rounded after each axis, the last one first. Whole numbers in float64 are exact."""
    y = x.astype(np.float64)
    for k in reversed(range(len(axes))):
        dim = y.ndim - len(axes) + k
        made = byte_map(axes[k])
        if made.blocks is None:
            y = _one_by_one(y, dim, made.map, axes[k][1], False)
        else:
            y = _by_products(y, dim, made.blocks)
        y = np.clip(np.floor((y + (1 << made.shift >> 1)) / (1 << made.shift)), 0, 255)
    return np.ascontiguousarray(y).astype(x.dtype)


def _growth(axis: Axis, transposed: bool) -> float:
    _, n, m, _, _ = axis
    return n / max(m, 1) if transposed else m / max(n, 1)


def _picked(x: Any, maps: Sequence[Map]) -> Any:
    """Elements repeated, or left out: the last axis first, so that then whole rows are copied."""
    for back, made in enumerate(reversed(maps), 1):
        places = made.places[:, 0]
        if len(places) != x.shape[-back] or (places != np.arange(len(places))).any():
            x = np.take(x, places, axis=x.ndim - back)
    return x


def _by_products(x: Any, dim: int, parts: Sequence[Block]) -> Any:
    """One axis, by products with dense matrices."""
    size = parts[-1].results.stop if parts else 0
    inner = math.prod(x.shape[dim + 1 :])
    shape = (*x.shape[:dim], size, *x.shape[dim + 1 :])
    outer = math.prod(x.shape[:dim])
    x = np.ascontiguousarray(x)
    if inner == 1:
        flat = x.reshape(outer, x.shape[dim])
        y = np.empty((outer, size), x.dtype)
        for part in parts:
            np.matmul(flat[:, part.elements], part.matrix.T, out=y[:, part.results])
    else:
        flat = x.reshape(outer, x.shape[dim], inner)
        y = np.empty((outer, size, inner), x.dtype)
        for part in parts:
            np.matmul(part.matrix, flat[:, part.elements], out=y[:, part.results])
    return y.reshape(shape)


def _one_by_one(x: Any, dim: int, made: Map, size: int, transposed: bool) -> Any:
    """One axis, weight by weight: infinity and NaN stay where they have a weight."""
    places, weights = made
    x = move_axis(x, dim, 0)
    rest = (slice(None), *(None,) * (x.ndim - 1))
    y: Any = np.zeros((size if transposed else len(places), *x.shape[1:]), x.dtype)
    for place, weight in zip(places.T, weights.T, strict=True):
        used = np.flatnonzero(weight)
        if transposed:
            np.add.at(y, place[used], x[used] * weight[used][rest])
        else:
            y[used] += x[place[used]] * weight[used][rest]
    return move_axis(y, 0, dim)
