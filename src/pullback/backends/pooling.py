"""Pooling of arrays: maxima and means of windows, and their transposes, in any dimension.

Compiled loops (`llvm.pools`) go through many windows. For others, and other dtypes, a window's
elements are met one after the other, each for all windows at once.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from pullback.backends.along import take_along
from pullback.backends.prepared import prepared

__all__ = [
    "maximum_by_table", "maximum_of_places", "pool_counts", "pool_max", "pool_pick", "pool_places",
    "pool_spread", "pool_sum", "pool_sum_back", "put_last",
]  # fmt: skip

WORTH = 1 << 8  # numbers of windows from which compiled loops are looked for
MANY_NUMBERS = 1 << 17  # of windows, from which threads share them
TASKS = 16
MANY = 64  # places of a window
FEW = 1 << 14  # numbers of windows up to which they are met without a look at each place's part
BESIDE = 1 << 11  # numbers of an image up to which those of a window are laid beside each other

# Geometry: for each axis (kernel, stride, padding before, dilation, count of windows).
Windows = Sequence[tuple[int, int, int, int, int]]


def _parts(size: Sequence[int], windows: Windows) -> Iterable[tuple[int, Any, Any]]:
    """Each place in a window: (its number, where in the results, where in the image).

    Windows that have it outside the image are left out.
    """
    size, windows = tuple(size), tuple((*w,) for w in windows)
    few = math.prod(w[0] for w in windows) <= MANY
    return _kept_parts(size, windows) if few else _made_parts(size, windows)


@functools.lru_cache(512)
def _kept_parts(size: Sequence[int], windows: Windows) -> list[tuple[int, Any, Any]]:
    return list(_made_parts(size, windows))


def _images(size: Sequence[int], windows: Windows) -> list[Any] | None:
    """Where in the image each place in a window is, if windows are few, small, and inside."""
    if math.prod(w[0] for w in windows) > MANY or any(
        p or (k - 1) * d + (count - 1) * s >= n
        for n, (k, s, p, d, count) in zip(size, windows, strict=True)
    ):
        return None
    return [image for _, _, image in _parts(size, windows)]


def _made_parts(size: Sequence[int], windows: Windows) -> Iterator[tuple[int, Any, Any]]:
    axes = []
    for n, (k, s, p, d, count) in zip(size, windows, strict=True):
        axis = []
        for place in range(k):
            at = place * d - p  # in the image, for the first window
            first = max(0, -(at // s)) if at < 0 else 0
            last = min(count, (n - 1 - at) // s + 1)
            start = at + first * s
            axis.append(
                (slice(first, max(first, last)),
                 slice(start, start + max(0, last - first - 1) * s + 1, s) if last > first
                 else slice(0, 0))
            )  # fmt: skip
        axes.append(axis)
    for number, choice in enumerate(itertools.product(*axes)):
        yield number, (..., *(c[0] for c in choice)), (..., *(c[1] for c in choice))


@functools.cache
def _has_compiler() -> bool:
    try:
        from .llvm import pools  # noqa: F401  # whether LLVM is there
    except ImportError:
        return False
    return True


def _compiled(dtype: Any, products: int) -> bool:
    """Whether windows are gone through by compiled loops: these have so many numbers in all."""
    return products >= WORTH and dtype in (np.float32, np.float64) and _has_compiler()


def _offsets(size: Sequence[int], windows: Windows) -> Any:
    """Where the places of a window are in a plane, from where it starts."""
    steps = [math.prod(size[k + 1 :]) for k in range(len(size))]
    axes = (
        np.arange(k, dtype=np.int64) * d * step
        for (k, _, _, d, _), step in zip(windows, steps, strict=True)
    )
    return functools.reduce(np.add.outer, axes).reshape(-1)


def _over_planes(
    function: Any, outputs: int, windows: Windows, size: Sequence[int]
) -> Callable[..., None]:
    """A function of arrays that calls one of `llvm.pools` for all planes, on some threads."""
    axes = [(*w, n) for w, n in zip(windows, size, strict=True)]
    geometry = np.array([*((1, 1, 0, 1, 1, 1),) * (3 - len(axes)), *axes], np.int64)
    planes = outputs // math.prod(w[-1] for w in windows)
    parts = min(planes, TASKS)
    if outputs * math.prod(w[0] for w in windows) < MANY_NUMBERS or parts < 2:
        return lambda *arrays: function(*arrays, geometry, 0, planes)

    def run(*arrays: Any) -> None:
        from .llvm.threads import pool

        def work(part: int) -> None:
            function(*arrays, geometry, planes * part // parts, planes * (part + 1) // parts)

        pool.run(work, parts, lambda: None)

    return run


@prepared()
def pool_max(x: Any, windows: Windows) -> Callable[[Any], tuple[Any, Any]]:
    """(the largest elements of windows, the number of each in its window). NaN is largest."""
    rank = len(windows)
    counts = [w[-1] for w in windows]
    places = math.prod(w[0] for w in windows)
    dtype, size = x.dtype, x.shape[x.ndim - rank :]
    shape = (*x.shape[: x.ndim - rank], *counts)
    width = np.dtype(np.uint8 if places < 255 else np.int32)
    if _compiled(dtype, math.prod(shape) * places):
        from .llvm.pools import maxima

        find = maxima(dtype, min(3, windows[-1][1]), width.itemsize)
        run = _over_planes(find, math.prod(shape), windows, size)

        def compiled(x: Any) -> tuple[Any, Any]:
            best, code = np.empty(shape, dtype), np.empty(shape, width)
            run(x if x.flags.c_contiguous else np.ascontiguousarray(x), best, code)
            return best, code

        return compiled
    images = _images(size, windows) if x.size <= FEW and 0 not in shape else None
    if images is None:
        return lambda x: _maxima_of_parts(x, windows, shape, width)
    beside = x.size <= BESIDE

    def few(x: Any) -> tuple[Any, Any]:
        if beside:
            rows = np.array([x[image] for image in images])
            best, code = np.maximum.reduce(rows, axis=0), rows.argmax(0).astype(width)
        else:
            best, code = x[images[0]].copy(), np.zeros(shape, width)
            for number, image in enumerate(images[1:], 1):
                new = x[image]
                # The first of equals counts: a later one has the larger number.
                np.maximum(code, (new > best) * width.type(number), out=code)
                np.maximum(best, new, out=best)
        # Of several NaN, the last counts.
        if dtype.kind != "f" or not np.isnan(np.add.reduce(best, axis=None)):
            return best, code
        return _maxima_of_parts(x, windows, shape, width)

    return few


def _maxima_of_parts(x: Any, windows: Windows, shape: Sequence[int], width: Any) -> tuple[Any, Any]:
    """`pool_max`, one place of a window after the other, each where it is in the image."""
    places = math.prod(w[0] for w in windows)
    floating = x.dtype.kind == "f"
    best = np.full(shape, -np.inf if floating else np.iinfo(x.dtype).min, x.dtype)
    code = np.full(shape, places, width)
    for number, where, image in _parts(x.shape[x.ndim - len(windows) :], windows):
        new, old = x[image], best[where]
        better = new > old
        if floating:
            better |= np.isnan(new)
        unset = code[where] == places  # -inf is found too
        better |= unset
        np.copyto(old, new, where=better)
        np.copyto(code[where], number, where=better)
    return best, code


def pool_pick(x: Any, code: Any, windows: Windows) -> Any:
    """The elements that `pool_max` found in another image: of the image of a gradient."""
    rank = len(windows)
    result = np.zeros(code.shape, x.dtype)
    for number, where, image in _parts(x.shape[x.ndim - rank :], windows):
        np.copyto(result[where], x[image], where=code[where] == number)
    return result


@prepared(2)
def pool_spread(
    y: Any, code: Any, shape: Sequence[int], windows: Windows
) -> Callable[[Any, Any], Any]:
    """The transpose of `pool_pick`: elements added where they were found."""
    shape, dtype = tuple(shape), y.dtype
    size = shape[len(shape) - len(windows) :]
    if _compiled(dtype, y.size * math.prod(w[0] for w in windows)):
        from .llvm.pools import spread

        run = _over_planes(spread(dtype, code.dtype.itemsize), y.size, windows, size)
        offsets = _offsets(size, windows)

        def compiled(y: Any, code: Any) -> Any:
            result = np.zeros(shape, dtype)
            run(np.ascontiguousarray(y), np.ascontiguousarray(code), result, offsets)
            return result

        return compiled
    apart = all(s >= (k - 1) * d + 1 for k, s, _, d, _ in windows)

    def spread_parts(y: Any, code: Any) -> Any:
        result = np.zeros(shape, dtype)
        for number, where, image in _parts(size, windows):
            if apart:
                np.copyto(result[image], y[where], where=code[where] == number)
            else:
                result[image] += np.where(code[where] == number, y[where], 0)
        return result

    return spread_parts


def pool_places(code: Any, size: Sequence[int], windows: Windows) -> Any:
    """The positions in the flattened images of what `pool_max` found, from its numbers."""
    inside = [w[0] for w in windows]
    numbers = np.unravel_index(code, inside)
    flat = np.zeros(code.shape, np.int64)
    rank = len(windows)
    for axis, (n, (_, s, p, d, count)) in enumerate(zip(size, windows, strict=True)):
        first = (np.arange(count) * s - p).reshape(-1, *(1,) * (rank - 1 - axis))
        flat = flat * n + first + numbers[axis] * d
    return flat


@prepared()
def pool_sum(x: Any, windows: Windows) -> Callable[[Any], Any]:
    """The sums of windows."""
    size = x.shape[x.ndim - len(windows) :]
    dtype = np.dtype(np.float32) if x.dtype == np.float16 else x.dtype
    shape = (*x.shape[: x.ndim - len(windows)], *(w[-1] for w in windows))
    if _compiled(dtype, math.prod(shape) * math.prod(w[0] for w in windows)):
        from .llvm.pools import totals

        add = totals(dtype, min(3, windows[-1][1]))
        run = _over_planes(add, math.prod(shape), windows, size)

        def compiled(x: Any) -> Any:
            total = np.empty(shape, dtype)
            run(np.ascontiguousarray(x, dtype), total)
            return total.astype(x.dtype, copy=False)

        return compiled
    images = _images(size, windows)
    if images is not None and len(images) > 1 and dtype == x.dtype:
        first, second, *others = images

        def inside(x: Any) -> Any:
            total = x[first] + x[second]
            for image in others:
                total += x[image]
            return total

        return inside

    def parts(x: Any) -> Any:
        total = np.zeros(shape, dtype)
        for _, where, image in _parts(size, windows):
            total[where] += x[image]
        return total.astype(x.dtype, copy=False)

    return parts


@prepared()
def pool_sum_back(y: Any, shape: Sequence[int], windows: Windows) -> Callable[[Any], Any]:
    """The transpose of `pool_sum`."""
    shape, dtype = tuple(shape), y.dtype
    size = shape[len(shape) - len(windows) :]
    # Windows that are beside each other: each number of the image is written, or stays 0.
    apart = all(s >= (k - 1) * d + 1 for k, s, _, d, _ in windows)

    def spread(y: Any) -> Any:
        result = np.zeros(shape, dtype)
        for _, where, image in _parts(size, windows):
            if apart:
                result[image] = y[where]
            else:
                result[image] += y[where]
        return result

    return spread


def pool_counts(size: Sequence[int], windows: Windows, pads: bool, dtype: Any) -> Any:
    """How many elements the windows have, inside the image, or the padded image."""
    counts: Any = np.ones((), np.int64)
    for n, (k, s, p, _, count) in zip(size, windows, strict=True):
        start = np.arange(count) * s - p
        end = np.minimum(start + k, n + p)
        if not pads:
            start, end = np.maximum(start, 0), np.minimum(end, n)
        counts = counts[..., None] * (end - start)
    return counts.astype(dtype)


def put_last(x: Any, place: Any, shape: Sequence[int]) -> Any:
    """Zeros with elements written at places along the last axis."""
    result = np.zeros(tuple(shape), x.dtype)
    np.put_along_axis(result, place, x, -1)
    return result


def maximum_of_places(x: Any, places: Any) -> tuple[Any, Any]:
    """(the largest of the elements at places (…, m, k) along the last axis, its place)."""
    flat = places.reshape(*x.shape[:-1], places.shape[-2] * places.shape[-1])  # even of no images
    candidates = take_along(x, flat, -1).reshape(places.shape)
    best = np.argmax(candidates, -1)[..., None]  # the first one; NaN is largest
    return (
        take_along(candidates, best, -1)[..., 0],
        take_along(places, best, -1)[..., 0],
    )


def maximum_by_table(x: Any, table: Sequence[Sequence[int]]) -> tuple[Any, Any]:
    """(the largest of the elements that each row names along the last axis, its place)."""
    places = np.array(table, np.int64).reshape(len(table), -1)
    candidates = x[..., places]
    best = np.argmax(candidates, -1)  # the first one; NaN is largest
    return (
        take_along(candidates, best[..., None], -1)[..., 0],
        take_along(np.broadcast_to(places, candidates.shape), best[..., None], -1)[..., 0],
    )
