"""Arrays brought to mean 0 and variance 1 over some axes, times weights, plus a bias; and back.

Compiled loops (`llvm.rows`) go through rows that lie in memory as they are summed.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from pullback.backends.array_functions import arranged

__all__ = ["normalised_array", "normalised_back_array"]

WORTH = 1 << 12  # numbers from which compiled loops are looked for
SHORT = 8  # numbers that follow each other in memory: fewer are no vector
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
    tasks = min(rows, max(1, rows * segments * length // TASK))
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


def _plan(x: Any, dims: tuple[int, ...], affine: Sequence[Any]) -> tuple[Any, Any]:
    """(the plan, the functions) for an array in order in memory, or None."""
    if x.dtype not in (np.float32, np.float64) or x.size < WORTH:
        return None, None
    varies = {k for a in affine if a is not None for k in range(x.ndim) if a.shape[k] > 1}
    plan = _planned(x.shape, dims, tuple(sorted(varies)))
    functions = None if plan is None else _functions(x.dtype, plan.each)
    return (None, None) if functions is None else (plan, functions)


def _spread(plan: _Plan, a: Any, x: Any, otherwise: float) -> Any:
    """Weights, as many as there are segments of rows, or numbers in a row."""
    if a is None:
        count = plan.geometry[1] if plan.each else plan.rows * plan.segments
        return np.full(count, otherwise, x.dtype)
    if plan.each:
        return np.ascontiguousarray(a, x.dtype).reshape(-1)
    a = a.transpose(*plan.order, *(k for k in range(a.ndim) if k not in plan.order))
    a = a.reshape(a.shape[: len(plan.order)])
    return np.ascontiguousarray(np.broadcast_to(a, plan.parts), x.dtype).reshape(-1)


def _with_rank(a: Any, shape: Sequence[int], rank: int) -> Any:
    """Weights with as many axes as the array."""
    if a is None:
        return None
    a = a.reshape(shape)
    return a.reshape((1,) * (rank - a.ndim) + a.shape)


def _over_rows(plan: _Plan, function: Any, *given: Any) -> None:
    from .llvm.threads import pool

    pointers = [a.ctypes.data if isinstance(a, np.ndarray) else a for a in given]
    if plan.tasks == 1:
        function(*pointers, 0, plan.rows)
        return

    def work(part: int) -> None:
        function(*pointers, plan.rows * part // plan.tasks, plan.rows * (part + 1) // plan.tasks)

    pool.run(work, plan.tasks, lambda: None)


def _kept(shape: Sequence[int], dims: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(1 if k in dims else n for k, n in enumerate(shape))


def normalised_array(
    x: Any, weight: Any, bias: Any, dims: tuple[int, ...], shape: Sequence[int], eps: float,
    ordered: bool,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """(w (x - mean) / deviation + b, the means, one over the deviations)."""
    like, x = x, np.ascontiguousarray(x)
    weight, bias = (_with_rank(a, shape, x.ndim) for a in (weight, bias))
    plan, functions = _plan(x, dims, (weight, bias))
    if plan is None:
        mean = _mean(x, dims)
        y = x - mean
        rstd = np.reciprocal(np.sqrt(_mean(y * y, dims) + x.dtype.type(eps)))
        y *= rstd
        if weight is not None:
            y *= weight
        if bias is not None:
            y += bias
    else:
        y = np.empty_like(x)
        mean, rstd = (np.empty(_kept(x.shape, dims), x.dtype) for _ in range(2))
        w, b = _spread(plan, weight, x, 1), _spread(plan, bias, x, 0)
        _over_rows(plan, functions.standard, x, y, w, b, mean, rstd, plan.geometry, eps)
    return y if ordered or like.flags.c_contiguous else arranged(y, like), mean, rstd


def normalised_back_array(
    g: Any, x: Any, weight: Any, bias: Any, mean: Any, rstd: Any, dims: tuple[int, ...],
    shape: Sequence[int],
) -> tuple[Any, Any, Any]:  # fmt: skip
    """The cotangents of x, of the weights, and of the bias."""
    x, g = np.ascontiguousarray(x), np.ascontiguousarray(g, x.dtype)
    w, b = (_with_rank(a, shape, x.ndim) for a in (weight, bias))
    plan, functions = _plan(x, dims, (w, b))
    none = np.zeros((), x.dtype)
    if plan is None:
        y = (x - mean) * rstd
        of_weight = none if w is None else _summed(g * y, w).reshape(weight.shape)
        of_bias = none if b is None else _summed(g, b).reshape(bias.shape)
        g = g if w is None else g * w
        slant = _mean(g * y, dims)
        return (g - _mean(g, dims) - y * slant) * rstd, of_weight, of_bias
    to = np.empty_like(x)
    sums, slopes = (np.empty(plan.rows * plan.segments, x.dtype) for _ in range(2))
    spread = _spread(plan, w, x, 1)
    _over_rows(plan, functions.back, g, x, to, spread, mean, rstd, sums, slopes, plan.geometry)
    if plan.each:
        length = int(plan.geometry[1])
        rows = g.reshape(plan.rows, length)
        if w is not None:
            y = (x.reshape(plan.rows, length) - mean.reshape(-1, 1)) * rstd.reshape(-1, 1)
            slopes = np.einsum("rc,rc->c", rows, y)
        if b is not None:
            sums = np.add.reduce(rows, 0)
        return (to, none if w is None else slopes.reshape(weight.shape),
                none if b is None else sums.reshape(bias.shape))  # fmt: skip
    found = []
    for a, given, parts in ((w, weight, slopes), (b, bias, sums)):
        if a is None:
            found.append(none)
            continue
        axes = tuple(n for n, k in enumerate(plan.order) if a.shape[k] == 1)
        found.append(np.add.reduce(parts.reshape(plan.parts), axes).reshape(given.shape))
    return to, found[0], found[1]


def _mean(x: Any, dims: tuple[int, ...]) -> Any:
    """`numpy.mean` of real numbers, without what it asks first."""
    total = np.add.reduce(x, dims, keepdims=True)
    return total / x.dtype.type(x.size // max(total.size, 1))


def _summed(g: Any, a: Any) -> Any:
    """A sum over the axes along which `a` is the same."""
    return np.add.reduce(g, tuple(k for k, n in enumerate(a.shape) if n == 1), keepdims=True)
