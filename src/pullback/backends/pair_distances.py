"""Euclidean distances of all pairs of rows, i < j, and the way back: some rows at a time."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["pair_distances_array", "pair_distances_back_array"]

FEW = 64  # rows whose pairs are written down
BLOCK = 1 << 15  # pairs at a time: they stay in the cache


@functools.lru_cache(64)
def _pairs(n: int) -> Any:
    return np.triu_indices(n, 1)


def _blocks(n: int) -> Iterator[tuple[int, int, int]]:
    """(first row, row after the last, first pair) of blocks; they meet the rows from first + 1."""
    first = pair = 0
    while first < n - 1:
        last = min(n - 1, first + max(1, BLOCK // (n - 1 - first)))
        yield first, last, pair
        pair += sum(n - 1 - i for i in range(first, last))
        first = last


def _gaps(columns: Any, first: int, last: int) -> Iterator[Any]:
    """The differences of a block, coordinate by coordinate."""
    for x in columns:
        yield x[first:last, None] - x[None, first + 1 :]


def pair_distances_array(x: Any) -> Any:
    """The distances of the rows of x, in one vector."""
    n = len(x)
    if n <= FEW:
        i, j = _pairs(n)
        gap = x[i] - x[j]
        return np.sqrt(np.einsum("pk,pk->p", gap, gap))
    made = np.empty(n * (n - 1) // 2, x.dtype)
    columns = np.ascontiguousarray(x.T)
    for first, last, pair in _blocks(n):
        total = np.zeros((last - first, n - 1 - first), x.dtype)
        for gap in _gaps(columns, first, last):
            gap *= gap
            total += gap
        np.sqrt(total, out=total)
        for k in range(last - first):
            count = n - 1 - first - k
            made[pair : pair + count] = total[k, k:]
            pair += count
    return made


def pair_distances_back_array(g: Any, x: Any, y: Any) -> Any:
    """The cotangent of x, from the distances y; it is 0 where they are."""
    n = len(x)
    with_zeros = np.zeros_like(y)
    np.divide(g, y, out=with_zeros, where=y != 0)
    made = np.zeros_like(x)
    if n <= FEW:
        i, j = _pairs(n)
        part = (x[i] - x[j]) * with_zeros[:, None]
        np.add.at(made, i, part)
        np.subtract.at(made, j, part)
        return made
    columns, back = np.ascontiguousarray(x.T), np.zeros((x.shape[1], n), x.dtype)
    for first, last, pair in _blocks(n):
        slopes = np.zeros((last - first, n - 1 - first), x.dtype)
        for k in range(last - first):
            count = n - 1 - first - k
            slopes[k, k:] = with_zeros[pair : pair + count]
            pair += count
        for gap, own in zip(_gaps(columns, first, last), back, strict=True):
            gap *= slopes
            own[first:last] += np.add.reduce(gap, 1)
            own[first + 1 :] -= np.add.reduce(gap, 0)
    made[...] = back.T
    return made
