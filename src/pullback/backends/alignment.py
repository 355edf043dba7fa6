"""Sums over the alignments of sequences with labels: the recursions of CTC, on arrays.

States are the labels with blanks between and around them. A path stays where it is, or goes on by
one state, or by two where that skips a blank between two different labels. All sequences and all
states are computed at once, one time after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["alignment_scores", "alignment_states", "alignment_sums"]


def alignment_states(
    targets: Any, input_lengths: Sequence[int], target_lengths: Sequence[int], blank: int,
    times: int, classes: int,
) -> tuple[Any, ...]:  # fmt: skip
    """The label of each state, where two states can be passed at once, where paths end: (n, k).

    Of targets (n, s), or one after the other. And which times count (t, n, 1), the place of the
    last one for each state (1, n, k), and the lengths of the targets, as an array.
    """
    lengths = np.asarray(target_lengths, np.int64)
    count, longest = len(lengths), max(1, max(target_lengths))
    counts = np.arange(longest) < lengths[:, None]
    labels = np.full((count, 2 * longest + 1), blank, np.int64)
    found = targets if targets.ndim == 1 else targets[:, :longest][counts[:, : targets.shape[1]]]
    if found.size and not (found.min() >= 0 and found.max() < classes):
        raise IndexError(
            f"ctc_loss: targets are {found.min()} to {found.max()}, and classes 0 to {classes - 1}"
        )
    labels[:, 1::2][counts] = found
    passes = np.zeros(labels.shape, bool)
    passes[:, 3::2] = labels[:, 3::2] != labels[:, 1:-2:2]
    place = np.arange(2 * longest + 1)
    last = 2 * lengths[:, None]
    ends = (place == last) | (place == last - 1)
    duration = np.asarray(input_lengths, np.int64)
    within = (np.arange(times)[:, None] < duration)[:, :, None]
    last_time = np.repeat(np.maximum(duration - 1, 0)[None, :, None], len(place), 2)
    return labels, passes, ends, within, last_time, lengths


def alignment_scores(scores: Any, passes: Any) -> Any:
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
