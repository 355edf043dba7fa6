"""Images (b, c, …) read at the points of grids, and what is made of their derivatives.

An image is a function of the plane by what is between its elements; at a point, it is a sum of few
elements, with weights that are products of one for each axis. Derivatives along axes have other
weights: `orders` says of which order they are, axis by axis. Coordinates are those of PyTorch: -1
and 1 are the edges of the image, or the centres of its first and last elements (`align`), and the
last coordinate is that of the first axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from pullback.backends.resampling import keys_piece

__all__ = ["grid_read", "grid_slopes_array", "grid_spread_array"]

LINEAR, NEAREST, CUBIC = 0, 1, 2
ZEROS, BORDER, REFLECTION = 0, 1, 2
SMALL = 4096  # products; below, SciPy's sparse matrices cost more than they save

How = tuple[int, int, bool]  # mode, padding, align


class Taps(NamedTuple):
    """For each point, its elements along one axis: their numbers, and whether they are inside."""

    places: Any
    inside: Any
    part: Any  # how far the point is behind the first one, or NaN
    slope: Any  # of the place, by the coordinate


def _reflected(at: Any, n: int, align: bool) -> tuple[Any, Any]:
    """(places brought back into the image by reflections at its edges, the slope)."""
    low, span = (0.0, n - 1.0) if align else (-0.5, float(n))
    if not span:
        return np.zeros_like(at), np.zeros_like(at)
    distance = np.abs(at - low)
    turns = np.floor(distance / span)
    rest = np.fmod(distance, span)
    even = turns % 2 == 0
    slope = np.where((at < low) == even, -1, 1).astype(at.dtype)
    return np.where(even, rest, span - rest) + at.dtype.type(low), slope


def _clipped(at: Any, n: int) -> Any:
    return np.fmin(np.fmax(at, 0), n - 1)  # NaN becomes 0


def _taps(coordinate: Any, n: int, how: How) -> Taps:
    """The elements of one axis that points are made of."""
    mode, padding, align = how
    real = coordinate.dtype.type
    scale = real((n - 1) / 2 if align else n / 2)
    at = (coordinate + 1) * scale - real(0 if align else 0.5)
    slope = np.broadcast_to(scale, at.shape)
    if mode != CUBIC and padding != ZEROS:
        if padding == REFLECTION:
            at, turned = _reflected(at, n, align)
            slope = slope * turned
        slope = np.where((at > 0) & (at < n - 1), slope, 0)
        at = _clipped(at, n)
    first = np.rint(at) if mode == NEAREST else np.floor(at)
    part = at - first
    shifts = np.arange(*{LINEAR: (0, 2), NEAREST: (0, 1), CUBIC: (-1, 3)}[mode], dtype=real)
    places = first[..., None] + shifts
    if mode == CUBIC and padding != ZEROS:
        if padding == REFLECTION:
            places, _ = _reflected(places, n, align)
        places = _clipped(places, n)
    inside = (places >= 0) & (places < n)
    return Taps(_clipped(places, n).astype(np.intp), inside, part, slope)


def _weights(taps: Taps, mode: int, order: int) -> Any:
    """The weights of the elements along one axis, in a derivative of some order."""
    part = taps.part
    if mode == NEAREST:
        made = np.full(taps.places.shape, float(order == 0), part.dtype)
    elif mode == LINEAR:
        made = np.stack(
            [1 - part, part] if not order else [-np.ones_like(part), np.ones_like(part)], -1
        )
        made = made * (order < 2)
    else:
        # The kernel's pieces by their number: at an element, the derivatives are those behind it.
        made = np.stack(
            [
                keys_piece(1 + part, -0.75, order, False),
                keys_piece(part, -0.75, order, True),
                keys_piece(1 - part, -0.75, order, True) * (-1) ** order,
                keys_piece(2 - part, -0.75, order, False) * (-1) ** order,
            ],
            -1,
        )
    # Not `where`: what is at no place, NaN, stays NaN.
    return made * taps.inside * (taps.slope**order)[..., None]


class Points(NamedTuple):
    """The elements of images that points are made of."""

    places: Any  # (points, elements): rows of the images' elements; the last row is nothing's
    axes: Sequence[Taps]
    mode: int
    shape: tuple[int, ...]  # of the images

    def weights(self, orders: Sequence[int]) -> Any:
        """(points, elements), in a derivative."""
        made: Any = None
        for taps, order in zip(self.axes, orders, strict=True):
            own = _weights(taps, self.mode, order)
            made = own if made is None else made[..., None] * own[..., None, :]
            made = made.reshape(*own.shape[:-1], math.prod(made.shape[own.ndim - 1 :]))
        return made.reshape(self.places.shape)


def _points(grid: Any, shape: Sequence[int], how: How) -> Points:
    batch, _, *size = shape
    rank = len(size)
    flat = grid.reshape(batch, math.prod(grid.shape[1:-1]), rank)
    axes = [_taps(flat[..., rank - 1 - k], n, how) for k, n in enumerate(size)]
    places: Any = np.arange(batch)[:, None, None]
    inside: Any = np.ones((1, 1, 1), bool)
    for taps, n in zip(axes, size, strict=True):
        places = places[..., None] * n + taps.places[..., None, :]
        inside = inside[..., None] & taps.inside[..., None, :]
        places, inside = (
            p.reshape(*p.shape[:-2], p.shape[-2] * p.shape[-1]) for p in (places, inside)
        )
    places = np.where(inside, places, batch * math.prod(size))
    return Points(
        places.reshape(math.prod(places.shape[:2]), places.shape[2]), axes, how[0], tuple(shape)
    )


def _rows(x: Any, more: int = 0) -> Any:
    """Images (b, c, …) as rows (b …, c), and rows of zeros after them."""
    batch, channels = x.shape[:2]
    size = math.prod(x.shape[2:])
    made = np.zeros((batch * size + more, channels), x.dtype)
    made[: batch * size].reshape(batch, size, channels)[...] = np.moveaxis(
        x.reshape(batch, channels, size), 1, 2
    )
    return made


def _images(rows: Any, batch: int, size: Sequence[int]) -> Any:
    """Rows (b …, c) as images (b, c, …)."""
    channels = rows.shape[1]
    made = np.moveaxis(rows.reshape(batch, math.prod(size), channels), 1, 2)
    return np.ascontiguousarray(made).reshape(batch, channels, *size)


def _matrix(points: Points, weights: Any, transposed: bool) -> Any:
    from scipy.sparse import csc_array, csr_array

    count, taps = points.places.shape
    rows = points.shape[0] * math.prod(points.shape[2:]) + 1
    starts = np.arange(0, count * taps + 1, taps)
    parts = (weights.reshape(-1), points.places.reshape(-1), starts)
    if transposed:
        return csc_array(parts, shape=(rows, count))
    return csr_array(parts, shape=(count, rows))


def _precision(x: Any) -> Any:
    return np.float64 if x.dtype == np.float64 else np.float32


def grid_read(x: Any, grid: Any, how: How, orders: Sequence[int]) -> Any:
    """Images, or derivatives of them, at the points of grids (b, …, rank), as (b, c, …)."""
    real = _precision(x)
    points = _points(grid.astype(real, copy=False), x.shape, how)
    weights = points.weights(orders)
    rows = _rows(x.astype(real, copy=False), 1)
    if weights.size * x.shape[1] < SMALL:
        made = np.einsum("pt,ptc->pc", weights, rows[points.places])
    else:
        made = _matrix(points, weights, False) @ rows
    return _images(made, x.shape[0], grid.shape[1:-1]).astype(x.dtype, copy=False)


def grid_spread_array(
    y: Any, grid: Any, shape: Sequence[int], how: How, orders: Sequence[int]
) -> Any:
    """The transpose of `grid_read`: what was read is added to images of zeros."""
    real = _precision(y)
    points = _points(grid.astype(real, copy=False), shape, how)
    weights = points.weights(orders)
    rows = _rows(y.astype(real, copy=False))
    made: Any
    if weights.size * y.shape[1] < SMALL:
        made = np.zeros((shape[0] * math.prod(shape[2:]) + 1, y.shape[1]), real)
        np.add.at(made, points.places, weights[..., None] * rows[:, None])
    else:
        made = _matrix(points, weights, True) @ rows
    return _images(made[:-1], shape[0], shape[2:]).astype(y.dtype, copy=False)


def grid_slopes_array(y: Any, x: Any, grid: Any, how: How, orders: Sequence[int]) -> Any:
    """The derivatives of sums of `y * grid_read(x, …)` in the grid's coordinates."""
    real = _precision(x)
    points = _points(grid.astype(real, copy=False), x.shape, how)
    elements = _rows(x.astype(real, copy=False), 1)
    rows = _rows(y.astype(real, copy=False))
    products = np.empty(points.places.shape, real)
    for k in range(products.shape[1]):
        np.einsum("pc,pc->p", rows, elements[points.places[:, k]], out=products[:, k])
    made = np.empty(grid.shape, real)
    flat = made.reshape(len(products), len(orders))
    for k in range(len(orders)):
        more = tuple(o + (j == k) for j, o in enumerate(orders))
        np.einsum("pt,pt->p", products, points.weights(more), out=flat[:, len(orders) - 1 - k])
    return made.astype(grid.dtype, copy=False)
