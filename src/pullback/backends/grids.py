"""Images (b, c, …) read at the points of grids, and what is made of their derivatives.

An image is a function of the plane by what is between its elements; at a point, it is a sum of few
elements, with weights that are products of one for each axis. Derivatives along axes have other
weights: `orders` says of which order they are, axis by axis. Coordinates are those of PyTorch: -1
and 1 are the edges of the image, or the centres of its first and last elements (`align`), and the
last coordinate is that of the first axis. Compiled loops (`llvm.sampling`) go through all but the
fewest points.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pullback.backends.prepared import prepared
from pullback.backends.resampling import keys_piece

__all__ = [
    "affine_points", "affine_points_back", "grid_read", "grid_slopes_array", "grid_spread_array",
]  # fmt: skip

LINEAR, NEAREST, CUBIC = 0, 1, 2
ZEROS, BORDER, REFLECTION = 0, 1, 2
CUBIC_FACTOR = -0.75
WORTH = 1 << 6  # numbers that are read, from which compiled loops are looked for
SHARED = 1 << 15  # … from which threads share them
TASKS = 16

How = tuple[int, int, bool]  # mode, padding, align


class Taps(NamedTuple):
    """For each point, its elements along one axis, one row for each of them."""

    places: Any  # (elements, points)
    inside: Any  # whether that element is in the image
    part: Any  # (points): how far the point is behind the first one, or NaN
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


def _integers(largest: int) -> Any:
    return np.int32 if largest < 2**30 else np.int64  # what is rounded to float32 may be larger


SHIFTS = {LINEAR: (0, 1), NEAREST: (0,), CUBIC: (-1, 0, 1, 2)}


def _taps(coordinate: Any, n: int, how: How) -> Taps:
    """The elements of one axis that points are made of."""
    mode, padding, align = how
    real = coordinate.dtype.type
    scale = real((n - 1) / 2 if align else n / 2)
    at = (coordinate + 1) * scale
    if not align:
        at -= real(0.5)
    slope: Any = scale
    if mode != CUBIC and padding != ZEROS:
        if padding == REFLECTION:
            at, turned = _reflected(at, n, align)
            slope = slope * turned
        slope = np.where((at > 0) & (at < n - 1), slope, 0)
        at = _clipped(at, n)
    first = np.rint(at) if mode == NEAREST else np.floor(at)
    part = at - first
    shifts, kind = np.array(SHIFTS[mode])[:, None], _integers(n + len(SHIFTS[mode]))
    if mode == CUBIC and padding != ZEROS:
        numbers = first + shifts.astype(real)
        if padding == REFLECTION:
            numbers, _ = _reflected(numbers, n, align)
        # A float32 may round the last place of a long axis up, to one that is none.
        places = np.minimum(_clipped(numbers, n).astype(kind), n - 1)
        return Taps(places, np.ones((1, 1), bool), part, slope)
    # What is far outside, NaN as well, is just outside.
    near = np.fmin(np.fmax(first, -len(shifts)), n + 1).astype(kind)
    places = near + shifts.astype(kind)
    return Taps(places, (places >= 0) & (places < n), part, slope)


def _weights(taps: Taps, mode: int, order: int) -> Any:
    """The weights of the elements along one axis, in a derivative of some order."""
    part = taps.part
    made = np.zeros((len(SHIFTS[mode]), len(part)), part.dtype)
    if mode == NEAREST:
        made[:] = order == 0
    elif mode == LINEAR:
        if order == 0:
            np.subtract(1, part, out=made[0])
            made[1] = part
        elif order == 1:
            made[0], made[1] = -1, 1
    else:
        # The kernel's pieces by their number: at an element, the derivatives are those behind it.
        sign = (-1) ** order
        made[0] = keys_piece(1 + part, CUBIC_FACTOR, order, False)
        made[1] = keys_piece(part, CUBIC_FACTOR, order, True)
        made[2] = sign * keys_piece(1 - part, CUBIC_FACTOR, order, True)
        made[3] = sign * keys_piece(2 - part, CUBIC_FACTOR, order, False)
    for _ in range(order):
        made *= taps.slope
    made *= taps.inside  # not `where`: what is at no place, NaN, stays NaN
    return made


class Points(NamedTuple):
    """The elements of images that points are made of."""

    places: Any  # (elements, points): rows of the images' elements; the last row is nothing's
    axes: Sequence[Taps]
    mode: int
    shape: tuple[int, ...]  # of the images

    def weights(self, orders: Sequence[int]) -> Any:
        """(elements, points), in a derivative."""
        made: Any = None
        for taps, order in zip(self.axes, orders, strict=True):
            own = _weights(taps, self.mode, order)
            if made is not None:
                own = (made[:, None] * own).reshape(len(made) * len(own), own.shape[1])
            made = own
        return made


def _points(grid: Any, shape: Sequence[int], how: How) -> Points:
    batch, _, *size = shape
    rank, count = len(size), math.prod(grid.shape[1:-1])
    flat = grid.reshape(batch * count, rank)
    axes = [_taps(flat[:, rank - 1 - k], n, how) for k, n in enumerate(size)]
    last = batch * math.prod(size)
    places: Any = np.repeat(np.arange(batch, dtype=_integers(last)), count)[None]
    inside: Any = np.ones((1, 1), bool)
    for taps, n in zip(axes, size, strict=True):
        more = len(places) * len(taps.places)
        places = (places[:, None] * n + taps.places).reshape(more, batch * count)
        both = inside[:, None] & taps.inside
        inside = both.reshape(both.shape[0] * both.shape[1], both.shape[2])
    np.copyto(places, last, where=~inside)
    return Points(places, axes, how[0], tuple(shape))


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


def _precision(x: Any) -> Any:
    return np.float64 if x.dtype == np.float64 else np.float32


@functools.cache
def _machine() -> Any:
    """The machine code; None without LLVM."""
    try:
        from .llvm import sampling
    except ImportError:
        return None
    return sampling


def _compiled(
    what: str, grid: Any, shape: Sequence[int], how: How, orders: Sequence[int], dtypes: Any
) -> Any:
    """A compiled function of arrays in order in memory, for all images; None if there is none.

    Of (x, grid, y), and slopes, if any. What is spread over an image is one thread's work.
    """
    machine, dtype = _machine(), grid.dtype
    batch, channels, *size = shape
    points = math.prod(grid.shape[1:-1])
    if machine is None or dtype not in (np.float32, np.float64) or any(d != dtype for d in dtypes):
        return None
    if batch * points * channels < WORTH:
        return None
    function = machine.sampling(what, dtype, how, tuple(orders), CUBIC_FACTOR)
    geometry = np.array([channels, points, *size], np.int64)
    if batch * points * channels < SHARED:
        return lambda *arrays: function(*arrays, geometry, 0, batch, 0, points)
    parts = 1 if what == "spread" else -(-TASKS // batch)

    def run(*arrays: Any) -> None:
        from .llvm.threads import pool

        def work(task: int) -> None:
            image, part = divmod(task, parts)
            first, last = points * part // parts, points * (part + 1) // parts
            function(*arrays, geometry, image, image + 1, first, last)

        pool.run(work, batch * parts, lambda: None)

    return run


@prepared(2)
def grid_read(
    x: Any, grid: Any, how: How, orders: Sequence[int]
) -> Callable[[Any, Any], Any]:  # fmt: skip
    """Images, or derivatives of them, at the points of grids (b, …, rank), as (b, c, …)."""
    shape, dtype = (*x.shape[:2], *grid.shape[1:-1]), x.dtype
    run = _compiled("read", grid, x.shape, how, orders, [dtype])

    def compiled(x: Any, grid: Any) -> Any:
        made = np.empty(shape, dtype)
        run(np.ascontiguousarray(x), np.ascontiguousarray(grid), made)
        return made

    def on_numpy(x: Any, grid: Any) -> Any:
        real = _precision(x)
        points = _points(grid.astype(real, copy=False), x.shape, how)
        rows = _rows(x.astype(real, copy=False), 1)
        made = np.einsum("tp,tpc->pc", points.weights(orders), rows[points.places])
        return _images(made, x.shape[0], grid.shape[1:-1]).astype(x.dtype, copy=False)

    return on_numpy if run is None else compiled


@prepared(2)
def grid_spread_array(
    y: Any, grid: Any, shape: Sequence[int], how: How, orders: Sequence[int]
) -> Callable[[Any, Any], Any]:
    """The transpose of `grid_read`: what was read is added to images of zeros."""
    dtype = y.dtype
    run = _compiled("spread", grid, shape, how, orders, [dtype])

    def compiled(y: Any, grid: Any) -> Any:
        made = np.zeros(shape, dtype)
        run(made, np.ascontiguousarray(grid), np.ascontiguousarray(y))
        return made

    def on_numpy(y: Any, grid: Any) -> Any:
        real = _precision(y)
        points = _points(grid.astype(real, copy=False), shape, how)
        rows = _rows(y.astype(real, copy=False))
        made = np.zeros((shape[0] * math.prod(shape[2:]) + 1, y.shape[1]), real)
        np.add.at(made, points.places, points.weights(orders)[..., None] * rows)
        return _images(made[:-1], shape[0], shape[2:]).astype(y.dtype, copy=False)

    return on_numpy if run is None else compiled


@prepared(3)
def grid_slopes_array(
    y: Any, x: Any, grid: Any, how: How, orders: Sequence[int]
) -> Callable[[Any, Any, Any], Any]:
    """The derivatives of sums of `y * grid_read(x, …)` in the grid's coordinates."""
    shape, dtype = grid.shape, grid.dtype
    run = _compiled("slopes", grid, x.shape, how, orders, [x.dtype, y.dtype])

    def compiled(y: Any, x: Any, grid: Any) -> Any:
        made = np.empty(shape, dtype)
        run(*map(np.ascontiguousarray, (x, grid, y)), made)
        return made

    def on_numpy(y: Any, x: Any, grid: Any) -> Any:
        real = _precision(x)
        points = _points(grid.astype(real, copy=False), x.shape, how)
        elements = _rows(x.astype(real, copy=False), 1)
        rows = _rows(y.astype(real, copy=False))
        products = np.empty(points.places.shape, real)
        for place, product in zip(points.places, products, strict=True):
            np.einsum("pc,pc->p", rows, np.take(elements, place, 0), out=product)
        made = np.empty(grid.shape, real)
        flat = made.reshape(products.shape[1], len(orders))
        for k in range(len(orders)):
            more = tuple(o + (j == k) for j, o in enumerate(orders))
            flat[:, len(orders) - 1 - k] = np.einsum("tp,tp->p", products, points.weights(more))
        return made.astype(grid.dtype, copy=False)

    return on_numpy if run is None else compiled


# ---------------------------------------------------------------------------------- affine maps


@functools.lru_cache(maxsize=64)
def _regular(size: tuple[int, ...], align: bool, real: Any) -> Any:
    """The points of a regular grid, with a last coordinate of 1: (points, rank + 1)."""
    rank = len(size)
    made = np.ones((*size, rank + 1), real)
    for k, n in enumerate(size):
        steps = np.linspace(-1, 1, n) if n > 1 else np.zeros(1)
        if not align:
            steps *= (n - 1) / n
        made[..., rank - 1 - k] = steps.reshape(-1, *(1,) * (rank - 1 - k))
    return made.reshape(-1, rank + 1)


def _at_least_single(dtype: Any) -> Any:
    narrow = dtype.itemsize == 2 and dtype.kind not in "iu"  # float16, and bfloat16
    return np.float32 if narrow else dtype.type


def affine_points(theta: Any, size: Sequence[int], align: bool) -> Any:
    """The points of regular grids, mapped by (b, rank, rank + 1): (b, …, rank)."""
    batch, _, *image = size
    points = _regular(tuple(image), align, _at_least_single(theta.dtype))
    made = np.matmul(points, theta.astype(points.dtype, copy=False).swapaxes(1, 2))
    return made.reshape(batch, *image, len(image)).astype(theta.dtype, copy=False)


def affine_points_back(y: Any, size: Sequence[int], align: bool) -> Any:
    """The transpose of `affine_points`."""
    batch, _, *image = size
    points = _regular(tuple(image), align, _at_least_single(y.dtype))
    rows = y.astype(points.dtype, copy=False).reshape(batch, len(points), len(image))
    return np.matmul(rows.swapaxes(1, 2), points).astype(y.dtype, copy=False)
