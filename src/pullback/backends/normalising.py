"""Arrays brought to mean 0 and variance 1 over some axes, times weights, plus a bias; and back.

Compiled loops (`llvm.rows`) go through rows that lie in memory as they are summed.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pullback.backends.array_functions import arranged
from pullback.backends.prepared import prepared

__all__ = ["normalised_array", "normalised_back_array"]

WORTH = 1 << 8  # numbers from which compiled loops are looked for
SHORT = 8  # numbers that follow each other in memory: fewer are no vector
SHARED = 1 << 18  # numbers from which threads share rows
TASK = 1 << 14  # numbers that are worth a task


class _Plan(NamedTuple):
    """Rows in memory, and what the weights have to do with them."""

    rows: int
    segments: int
    geometry: Any
    each: bool  # whether weights belong to the numbers of a row, not to its segments
    parts: tuple[int, ...]  # sizes of the axes that tell segments of rows apart
    order: tuple[int, ...]  # which axes of the array these are
    tasks: int


@functools.lru_cache(512)
def _planned(shape: tuple[int, ...], dims: tuple[int, ...], varies: tuple[int, ...]) -> Any:
    """The plan for an array with weights that vary along some axes; None if there is none."""
    rank = len(shape)
    reduced = [k for k in range(rank) if k in dims and shape[k] > 1]
    kept = [k for k in range(rank) if k not in dims and shape[k] > 1]

    def size(axes: Sequence[int]) -> int:
        return math.prod(shape[k] for k in axes)

    inner = [k for k in reduced if not kept or k > kept[-1]]
    outer = [k for k in reduced if k not in inner]
    if size(kept) * size(reduced) < WORTH or (outer and outer[-1] > kept[0]):
        return None
    own = [k for k in varies if k in inner]
    each = False
    if outer:
        if any(k not in kept for k in varies):
            return None
        segments, length = size(outer), size(inner)
        words = (segments, length, length, size(kept) * length, segments)
        order = (*kept, *outer)
    else:
        first = inner.index(own[-1]) + 1 if own else 0
        each = bool(own) and first == len(inner)
        if each and (own != inner or any(k in kept for k in varies)):
            return None
        parts = [] if each else inner[:first]
        segments, length = size(parts), size(inner) // size(parts)
        words = (segments, length, segments * length, length, 0 if each else segments)
        order = (*kept, *parts)
    if length < SHORT:
        return None
    rows = size(kept)
    numbers = rows * segments * length
    tasks = 1 if numbers < SHARED else min(rows, numbers // TASK)
    sizes = tuple(shape[k] for k in order)
    return _Plan(rows, segments, np.array(words, np.int64), each, sizes, order, tasks)


@functools.cache
def _functions(dtype: Any, each: bool) -> Any:
    """The machine code; None without LLVM."""
    try:
        from .llvm.rows import rows
    except ImportError:
        return None
    return rows(np.dtype(dtype), each)


def _plan(x: Any, dims: tuple[int, ...], *affine: Any) -> tuple[Any, Any]:
    """(the plan, the functions) for an array such as this one, or None."""
    if x.dtype not in (np.float32, np.float64) or x.size < WORTH:
        return None, None
    varies = {k for a in affine if a is not None for k, n in enumerate(a) if n > 1}
    plan = _planned(x.shape, dims, tuple(sorted(varies)))
    functions = None if plan is None else _functions(x.dtype, plan.each)
    return (None, None) if functions is None else (plan, functions)


def _spreading(
    plan: _Plan, shape: Sequence[int] | None, dtype: Any, otherwise: float
) -> Callable[[Any], Any]:
    """What lays weights out, as many as there are segments of rows, or numbers in a row."""
    if shape is None:
        count = plan.geometry[1] if plan.each else plan.rows * plan.segments
        same = np.full(count, otherwise, dtype)
        return lambda a: same
    places = np.arange(math.prod(shape)).reshape(shape)
    if not plan.each:
        places = places.transpose(
            *plan.order, *(k for k in range(len(shape)) if k not in plan.order)
        )
        places = np.broadcast_to(places.reshape(places.shape[: len(plan.order)]), plan.parts)
    places = places.reshape(-1)
    if np.array_equal(places, np.arange(math.prod(shape))):
        return lambda a: np.ascontiguousarray(a, dtype)
    return lambda a: a.astype(dtype, copy=False).reshape(-1)[places]


def _with_rank(a: Any, shape: Sequence[int], rank: int) -> tuple[int, ...] | None:
    """The shape of weights, with as many axes as the array."""
    if a is None:
        return None
    sizes: tuple[int, ...] = a.reshape(shape).shape
    return (1,) * (rank - len(sizes)) + sizes


def _over_rows(plan: _Plan, function: Any, *given: Any) -> None:
    if plan.tasks == 1:
        function(*given, 0, plan.rows)
        return
    from .llvm.threads import pool

    def work(part: int) -> None:
        function(*given, plan.rows * part // plan.tasks, plan.rows * (part + 1) // plan.tasks)

    pool.run(work, plan.tasks, lambda: None)


def _kept(shape: Sequence[int], dims: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(1 if k in dims else n for k, n in enumerate(shape))


Three = tuple[Any, Any, Any]


@prepared(3)
def normalised_array(
    x: Any, weight: Any, bias: Any, dims: tuple[int, ...], shape: Sequence[int], eps: float,
    ordered: bool,
) -> Callable[..., Three]:  # fmt: skip
    """(w (x - mean) / deviation + b, the means, one over the deviations)."""
    dtype, sizes, kept = x.dtype, x.shape, _kept(x.shape, dims)
    w_shape, b_shape = (_with_rank(a, shape, x.ndim) for a in (weight, bias))
    plan, functions = _plan(x, dims, w_shape, b_shape)
    if plan is None:

        def rows(x: Any, weight: Any, bias: Any) -> Three:
            mean = _mean(x, dims)
            y = x - mean
            rstd = np.reciprocal(np.sqrt(_mean(y * y, dims) + dtype.type(eps)))
            y *= rstd
            if weight is not None:
                y *= weight.reshape(w_shape)
            if bias is not None:
                y += bias.reshape(b_shape)
            return y, mean, rstd
    else:
        w_of = _spreading(plan, w_shape, dtype, 1)
        b_of = _spreading(plan, b_shape, dtype, 0)
        geometry, standard = plan.geometry, functions.standard

        def rows(x: Any, weight: Any, bias: Any) -> Three:
            y, mean, rstd = np.empty(sizes, dtype), np.empty(kept, dtype), np.empty(kept, dtype)
            _over_rows(plan, standard, x, y, w_of(weight), b_of(bias), mean, rstd, geometry, eps)
            return y, mean, rstd

    def standard_rows(x: Any, weight: Any, bias: Any) -> Three:
        if x.flags.c_contiguous:
            return rows(x, weight, bias)
        y, mean, rstd = rows(np.ascontiguousarray(x), weight, bias)
        return y if ordered else arranged(y, x), mean, rstd

    return standard_rows


@prepared(6)
def normalised_back_array(
    g: Any, x: Any, weight: Any, bias: Any, mean: Any, rstd: Any, dims: tuple[int, ...],
    shape: Sequence[int],
) -> Callable[..., Three]:  # fmt: skip
    """The cotangents of x, of the weights, and of the bias."""
    dtype, none = x.dtype, np.zeros((), x.dtype)
    w_shape, b_shape = (_with_rank(a, shape, x.ndim) for a in (weight, bias))
    plan, functions = _plan(x, dims, w_shape, b_shape)

    def on_numpy(g: Any, x: Any, weight: Any, bias: Any, mean: Any, rstd: Any) -> Three:
        y = (x - mean) * rstd
        of_weight = none if weight is None else _summed(g * y, w_shape).reshape(weight.shape)
        of_bias = none if bias is None else _summed(g, b_shape).reshape(bias.shape)
        g = g if weight is None else g * weight.reshape(w_shape)
        slant = _mean(g * y, dims)
        return (g - _mean(g, dims) - y * slant) * rstd, of_weight, of_bias

    rows = on_numpy if plan is None else _rows_back(
        plan, functions.back, dtype, (w_shape, b_shape), none
    )  # fmt: skip

    def back(g: Any, x: Any, weight: Any, bias: Any, mean: Any, rstd: Any) -> Three:
        g, x = np.ascontiguousarray(g, dtype), np.ascontiguousarray(x)
        return rows(g, x, weight, bias, mean, rstd)

    return back


def _rows_back(
    plan: _Plan, function: Any, dtype: Any, affine: Sequence[Any], none: Any
) -> Callable[..., Three]:
    """The compiled way back, and what is left for NumPy to sum: of segments, or along rows."""
    spread = _spreading(plan, affine[0], dtype, 1)
    count, length = plan.rows * plan.segments, int(plan.geometry[1])
    axes = [
        None if a is None else tuple(n for n, k in enumerate(plan.order) if a[k] == 1)
        for a in affine
    ]

    def back(g: Any, x: Any, weight: Any, bias: Any, mean: Any, rstd: Any) -> Three:
        to, sums, slopes = np.empty(x.shape, dtype), np.empty(count, dtype), np.empty(count, dtype)
        w = spread(weight)
        mean, rstd = np.ascontiguousarray(mean), np.ascontiguousarray(rstd)
        _over_rows(plan, function, g, x, to, w, mean, rstd, sums, slopes, plan.geometry)
        found = [none, none]
        for k, (a, parts) in enumerate(((weight, slopes), (bias, sums))):
            if a is None:
                continue
            if plan.each:
                rows = g.reshape(plan.rows, length)
                if k:
                    made = np.add.reduce(rows, 0)
                else:
                    y = (x.reshape(plan.rows, length) - mean.reshape(-1, 1)) * rstd.reshape(-1, 1)
                    made = np.einsum("rc,rc->c", rows, y)
            else:
                made = np.add.reduce(parts.reshape(plan.parts), axes[k])
            found[k] = made.reshape(a.shape)
        return to, found[0], found[1]

    return back


def _mean(x: Any, dims: tuple[int, ...]) -> Any:
    """`numpy.mean` of real numbers, without what it asks first."""
    total = np.add.reduce(x, dims, keepdims=True)
    return total / x.dtype.type(x.size // max(total.size, 1))


def _summed(g: Any, shape: Any) -> Any:
    """A sum over the axes along which weights of a shape are the same."""
    return np.add.reduce(g, tuple(k for k, n in enumerate(shape) if n == 1), keepdims=True)
