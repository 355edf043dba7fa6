"""Sums over the alignments of sequences with labels: the recursions of CTC, on arrays.

States are the labels with blanks between and around them. A path stays where it is, or goes on by
one state, or by two where that skips a blank between two different labels. All sequences and all
states are computed at once, one time after the other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.backends.along import take_along
from pullback.backends.array_functions import ends as ends_of
from pullback.backends.prepared import prepared

__all__ = ["alignment_losses", "alignment_states", "alignment_sums"]


@prepared()
def alignment_states(
    targets: Any, input_lengths: Sequence[int], target_lengths: Sequence[int], blank: int,
    times: int, classes: int,
) -> Callable[[Any], tuple[Any, ...]]:  # fmt: skip
    """The label of each state, where two states can be passed at once, where paths end: (n, k).

    Of targets (n, s), or one after the other. And which times count (t, n, 1), the place of the
    last one for each state (1, n, k), and the lengths of the targets, as an array, at least 1.
    """
    lengths = np.asarray(target_lengths, np.int64)
    count, longest = len(lengths), max(1, max(target_lengths))
    counts = np.arange(longest) < lengths[:, None]
    blanks = np.full((count, 2 * longest + 1), blank, np.int64)
    place = np.arange(2 * longest + 1)
    last = 2 * lengths[:, None]
    ends = (place == last) | (place == last - 1)
    duration = np.asarray(input_lengths, np.int64)
    within = (np.arange(times)[:, None] < duration)[:, :, None]
    last_time = np.repeat(np.maximum(duration - 1, 0)[None, :, None], len(place), 2)
    divisors = np.maximum(lengths, 1)
    flat = targets.ndim == 1
    taken = None if flat else counts[:, : targets.shape[1]]

    def of_targets(targets: Any) -> tuple[Any, ...]:
        found = targets if flat else targets[:, :longest][taken]
        if found.size:
            least, most = ends_of(found)
            if least < 0 or most >= classes:
                raise IndexError(
                    f"ctc_loss: targets are {found.min()} to {found.max()}, and classes 0 to "
                    f"{classes - 1}"
                )
        labels = blanks.copy()
        labels[:, 1::2][counts] = found
        passes = np.zeros(labels.shape, bool)
        np.not_equal(labels[:, 3::2], labels[:, 1:-2:2], out=passes[:, 3::2])
        return labels, passes, ends, within, last_time, divisors

    return of_targets


@functools.cache
def _machine() -> Any:
    """The machine code; None without LLVM."""
    try:
        from .llvm import alignments
    except ImportError:
        return None
    return alignments


def _compiles(dtype: Any) -> bool:
    return dtype in (np.float32, np.float64) and _machine() is not None


@prepared(6)
def alignment_losses(
    x: Any, labels: Any, passes: Any, ends: Any, within: Any, last_time: Any
) -> Callable[..., tuple[Any, Any]]:
    """Minus the logarithm of the sum over all paths (n), and those of all paths to each state.

    The latter for each time, (t, n, k). `x` has the logarithms of classes, (t, n, c); the rest is
    what `alignment_states` gives.
    """
    if not _compiles(x.dtype):
        return _losses
    function, more = _machine().losses(x.dtype)
    times, count, classes = x.shape
    states, dtype = labels.shape[1], x.dtype
    width = states + more
    words = (times, count, classes, states, width)

    def compiled(x: Any, *given: Any) -> tuple[Any, Any]:
        losses, alpha = np.empty(count, dtype), np.empty((times, count, states), dtype)
        memory = np.empty(_machine().ROWS * width, dtype)
        function(*map(np.ascontiguousarray, (x, *given)), losses, alpha, memory, *words)
        return losses, alpha

    return compiled


def _losses(
    x: Any, labels: Any, passes: Any, ends: Any, within: Any, last_time: Any
) -> tuple[Any, Any]:
    """The same by NumPy."""
    scores = take_along(x, np.broadcast_to(labels, (len(x), *labels.shape)), 2)
    alpha = _scores(np.where(within, scores, -np.inf), passes)
    last = np.where(ends, take_along(alpha, last_time, 0)[0], -np.inf)
    top = last.max(1, keepdims=True)
    top = np.where(np.isneginf(top), 0, top)
    losses = -(np.log(np.exp(last - top).sum(1)) + top[:, 0])
    # Without any time, there is the one path of no label.
    return np.where(ends[:, 0] & ~within[0, :, 0], 0, losses).astype(x.dtype), alpha


def _scores(scores: Any, passes: Any) -> Any:
    """The logarithm of the sum over all paths to each state, at each time: (t, n, k).

    `scores` are the logarithms of what each state contributes at each time.
    """
    times, count, states = scores.shape
    result = np.full(scores.shape, -np.inf, scores.dtype)
    result[:1, :, :2] = scores[:1, :, :2]
    closed = np.where(passes[:, 2:], 0, -np.inf).astype(scores.dtype)
    ways = np.full((3, count, states), -np.inf, scores.dtype)
    largest, total = np.empty((2, count, states), scores.dtype)
    for t in range(1, times):
        before = result[t - 1]
        ways[0] = before
        ways[1, :, 1:] = before[:, :-1]
        np.add(before[:, :-2], closed, out=ways[2, :, 2:])
        np.maximum(ways[0], ways[1], out=largest)
        np.maximum(largest, ways[2], out=largest)
        largest[largest == -np.inf] = 0
        np.exp(np.subtract(ways, largest, out=ways), out=ways)
        np.add(ways[0], ways[1], out=total)
        total += ways[2]
        np.log(total, out=total)
        total += largest
        np.add(total, scores[t], out=result[t])
        ways[1:, :, 0] = ways[2, :, 1] = -np.inf
    return result


def alignment_sums(x: Any, weights: Sequence[Any], backwards: bool) -> Any:
    """$y_t = x_t + A_t y_{t-1}$ (t, n, k), or the transpose, $y_t = x_t + A_{t+1}^T y_{t+1}$.

    The weights are those of coming to a state from itself, from the one before it, and from the
    one before that.
    """
    result = np.array(x, order="C")
    if _compiles(x.dtype) and all(w.dtype == x.dtype for w in weights):
        given = map(np.ascontiguousarray, weights)
        _machine().sums(x.dtype)(result, *given, *x.shape, int(backwards))
        return result
    part = np.empty(x.shape[1:], x.dtype)
    times = range(len(x) - 1, 0, -1) if backwards else range(1, len(x))
    for t in times:
        old, new = (result[t], result[t - 1]) if backwards else (result[t - 1], result[t])
        new += np.multiply(weights[0][t], old, out=part)
        for k in (1, 2):
            w = weights[k][t, :, k:]
            source, target = (k, 0) if backwards else (0, k)
            end = x.shape[2] - k
            moved = np.multiply(w, old[:, source : source + end], out=part[:, k:])
            new[:, target : target + end] += moved
    return result
