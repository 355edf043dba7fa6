"""Losses of classes on arrays: scores looked up at the class of each, times its weight.

Compiled loops (`llvm.class_losses`) go through those of floating-point numbers.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.backends.along import take_along
from pullback.backends.prepared import prepared

__all__ = ["class_losses"]

WORTH = 1 << 6  # scores from which compiled loops are looked for


@functools.cache
def _machine() -> Any:
    """The machine code; None without LLVM."""
    try:
        from .llvm import class_losses
    except ImportError:
        return None
    return class_losses


@prepared(3)
def class_losses(
    x: Any, target: Any, weight: Any, reduction: str, ignored: int
) -> Callable[[Any, Any, Any], Any]:
    """-w[t] x[i, t, …] for x of (n, c, …) and classes t of (n, …), which are looked up unchecked;
    or the sum, or the mean over the weights."""
    dtype, shape = x.dtype, target.shape
    if dtype not in (np.float32, np.float64) or x.size < WORTH or _machine() is None:
        return lambda x, target, weight: _on_numpy(x, target, weight, reduction, ignored)
    rows, classes, *others = x.shape
    each = reduction == "none"
    function = _machine().losses(dtype, weight is not None, each)
    words = (rows, classes, math.prod(others), ignored)

    def compiled(x: Any, target: Any, weight: Any) -> Any:
        x = np.ascontiguousarray(x)
        total, made = np.empty(2, dtype), np.zeros(shape, dtype) if each else x
        w = x if weight is None else np.ascontiguousarray(weight, dtype)
        function(x, np.ascontiguousarray(target, np.int64), w, made, total, *words)
        if each:
            return made
        return total[0] / total[1] if reduction == "mean" else total[0]

    return compiled


def _on_numpy(x: Any, target: Any, weight: Any, reduction: str, ignored: int) -> Any:
    counts = target != ignored
    place = np.where(counts, target, 0)
    w = counts.astype(x.dtype) if weight is None else np.where(counts, weight[place], 0)
    found = take_along(x, np.expand_dims(place, 1), 1).squeeze(1)
    loss = np.where(w == 0, 0, -found * w)
    if reduction == "none":
        return loss
    return np.sum(loss) / np.sum(w) if reduction == "mean" else np.sum(loss)
