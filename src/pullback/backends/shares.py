"""Softmax and its logarithm on arrays, and their transposes, along one axis.

Compiled loops (`llvm.exponentials`) go through large arrays.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

__all__ = ["log_softmax_array", "log_softmax_back_array", "softmax_array", "softmax_back_array"]

WORTH = 1 << 13  # numbers from which compiled loops are looked for
TASK = 1 << 14  # numbers that are worth a task


@functools.cache
def _functions(dtype: Any) -> Any:
    """The machine code; None without LLVM."""
    try:
        from .llvm.exponentials import exponentials
    except ImportError:
        return None
    return exponentials(np.dtype(dtype)).functions


def _compiled(name: str, dim: int, *arrays: Any) -> Any:
    """The result of a compiled loop; None where it is not worth one."""
    x = arrays[0]
    if x.size < WORTH or x.dtype not in (np.float32, np.float64) or _functions(x.dtype) is None:
        return None
    if any(a.dtype != x.dtype or a.shape != x.shape for a in arrays):
        return None
    arrays = tuple(np.ascontiguousarray(a) for a in arrays)
    made = np.empty(x.shape, x.dtype)
    count = x.shape[dim]
    inner = math.prod(x.shape[dim + 1 :])
    blocks = x.size // (count * inner)
    function = _functions(x.dtype)[name, inner > 1]
    pointers = [a.ctypes.data for a in (*arrays, made)]
    tasks = max(1, x.size // TASK)
    if inner == 1:
        _divided(lambda a, b: function(*pointers, count, a, b), blocks, tasks)
    elif blocks >= tasks:
        _divided(lambda a, b: function(*pointers, count, inner, 0, inner, a, b), blocks, tasks)
    else:  # columns in whole vectors, however many threads there are
        parts = min(-(-inner // 64), -(-tasks // blocks))
        width = 64 * -(-inner // (64 * parts))

        def columns(first: int, last: int) -> None:
            for task in range(first, last):
                block, part = divmod(task, parts)
                start, end = part * width, min(inner, (part + 1) * width)
                if start < end:
                    function(*pointers, count, inner, start, end, block, block + 1)

        _divided(columns, blocks * parts, blocks * parts)
    return made


def _divided(function: Any, count: int, tasks: int) -> None:
    """A range of things to do, on some threads."""
    tasks = min(count, tasks)
    if tasks == 1:
        function(0, count)
        return
    from .llvm.threads import pool

    pool.run(
        lambda part: function(count * part // tasks, count * (part + 1) // tasks),
        tasks, lambda: None,
    )  # fmt: skip


def softmax_array(x: Any, dim: Any) -> Any:
    """e**x over its sum along an axis, in one new array."""
    made = _compiled("share", dim, x)
    if made is not None:
        return made
    y = x - np.maximum.reduce(x, axis=dim, keepdims=True, initial=-np.inf)
    y = np.asarray(y)
    np.exp(y, out=y)
    y /= np.add.reduce(y, axis=dim, keepdims=True)
    return y


def log_softmax_array(x: Any, dim: Any) -> Any:
    """x minus the logarithm of the sum of its exponentials along an axis."""
    made = _compiled("log", dim, x)
    if made is not None:
        return made
    y = np.asarray(x - np.maximum.reduce(x, axis=dim, keepdims=True, initial=-np.inf))
    y -= np.log(np.add.reduce(np.exp(y), axis=dim, keepdims=True))
    return y


def softmax_back_array(g: Any, y: Any, dim: Any) -> Any:
    """The transpose of the derivative of softmax, of its result y."""
    made = _compiled("share_back", dim, g, y)
    if made is not None:
        return made
    product = g * y
    return product - y * np.add.reduce(product, axis=dim, keepdims=True)


def log_softmax_back_array(g: Any, y: Any, dim: Any) -> Any:
    """The same of log-softmax."""
    made = _compiled("log_back", dim, g, y)
    return made if made is not None else g - np.exp(y) * np.add.reduce(g, axis=dim, keepdims=True)
