"""Softmax and its logarithm on arrays, and their transposes, along one axis.

Compiled loops (`llvm.exponentials`) go through all but the smallest arrays.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.backends.prepared import prepared

__all__ = ["log_softmax_array", "log_softmax_back_array", "softmax_array", "softmax_back_array"]

WORTH = 1 << 8  # numbers from which compiled loops are looked for
TASK = 1 << 14  # numbers that are worth a task


@functools.cache
def _functions(dtype: Any) -> Any:
    """The machine code; None without LLVM."""
    try:
        from .llvm.exponentials import exponentials
    except ImportError:
        return None
    return exponentials(np.dtype(dtype))


def _compiled(name: str, dim: int, *arrays: Any) -> Callable[..., Any] | None:
    """A compiled loop for arrays such as these; None where they are not worth one."""
    x = arrays[0]
    dtype, shape = x.dtype, x.shape
    if x.size < WORTH or dtype not in (np.float32, np.float64) or _functions(dtype) is None:
        return None
    if any(a.dtype != dtype or a.shape != shape for a in arrays):
        return None
    count = shape[dim]
    inner = math.prod(shape[dim + 1 :])
    function = _functions(dtype)[name, inner > 1]
    run = _over_blocks(function, count, inner, x.size // (count * inner), x.size)

    def of_one(x: Any) -> Any:
        made = np.empty(shape, dtype)
        run(x if x.flags.c_contiguous else np.ascontiguousarray(x), made)
        return made

    def of_two(x: Any, y: Any) -> Any:
        made = np.empty(shape, dtype)
        run(np.ascontiguousarray(x), np.ascontiguousarray(y), made)
        return made

    return of_one if len(arrays) == 1 else of_two


def _over_blocks(
    function: Callable[..., None], count: int, inner: int, blocks: int, size: int
) -> Callable[..., None]:
    """A function of arrays that goes through all of them, on some threads."""
    tasks = max(1, size // TASK)
    words = (count,) if inner == 1 else (count, inner, 0, inner)
    if inner == 1 or blocks >= tasks:
        tasks = min(blocks, tasks)
        if tasks == 1:
            return lambda *arrays: function(*arrays, *words, 0, blocks)

        def rows(*arrays: Any) -> None:
            _share(
                lambda k: function(
                    *arrays, *words, blocks * k // tasks, blocks * (k + 1) // tasks
                ), tasks,
            )  # fmt: skip

        return rows
    # Columns in whole vectors, however many threads there are.
    parts = min(-(-inner // 64), -(-tasks // blocks))
    width = 64 * -(-inner // (64 * parts))

    def columns(*arrays: Any) -> None:
        def work(task: int) -> None:
            block, part = divmod(task, parts)
            start, end = part * width, min(inner, (part + 1) * width)
            if start < end:
                function(*arrays, count, inner, start, end, block, block + 1)

        _share(work, blocks * parts)

    return columns


def _share(work: Callable[[int], None], tasks: int) -> None:
    from .llvm.threads import pool

    pool.run(work, tasks, lambda: None)


@prepared()
def softmax_array(x: Any, dim: Any) -> Callable[[Any], Any]:
    """e**x over its sum along an axis, in one new array."""

    def on_numpy(x: Any) -> Any:
        y = np.asarray(x - np.maximum.reduce(x, axis=dim, keepdims=True, initial=-np.inf))
        np.exp(y, out=y)
        y /= np.add.reduce(y, axis=dim, keepdims=True)
        return y

    return _compiled("share", dim, x) or on_numpy


@prepared()
def log_softmax_array(x: Any, dim: Any) -> Callable[[Any], Any]:
    """x minus the logarithm of the sum of its exponentials along an axis."""

    def on_numpy(x: Any) -> Any:
        y = np.asarray(x - np.maximum.reduce(x, axis=dim, keepdims=True, initial=-np.inf))
        y -= np.log(np.add.reduce(np.exp(y), axis=dim, keepdims=True))
        return y

    return _compiled("log", dim, x) or on_numpy


@prepared(2)
def softmax_back_array(g: Any, y: Any, dim: Any) -> Callable[[Any, Any], Any]:
    """The transpose of the derivative of softmax, of its result y."""

    def on_numpy(g: Any, y: Any) -> Any:
        product = g * y
        return product - y * np.add.reduce(product, axis=dim, keepdims=True)

    return _compiled("share_back", dim, g, y) or on_numpy


@prepared(2)
def log_softmax_back_array(g: Any, y: Any, dim: Any) -> Callable[[Any, Any], Any]:
    """The same of log-softmax."""

    def on_numpy(g: Any, y: Any) -> Any:
        return g - np.exp(y) * np.add.reduce(g, axis=dim, keepdims=True)

    return _compiled("log_back", dim, g, y) or on_numpy
