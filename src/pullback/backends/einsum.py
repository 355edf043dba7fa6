"""Einstein's sums of arrays: two at a time are products of matrices, or of numbers."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["einsum_array"]


def einsum_array(equation: str, arrays: Sequence[Any]) -> Any:
    """Σ over the letters that are not in the output; no letter is repeated within an operand."""
    if len(arrays) != 2:
        return np.asarray(np.einsum(equation, *arrays, optimize=len(arrays) > 1))
    plan = _planned(equation)
    if plan is None:  # a number for each batch: NumPy's own loop is the best
        return np.asarray(np.einsum(equation, *arrays))
    a, b = (_summed(x, axes) for x, axes in zip(arrays, plan.alone, strict=True))
    if not plan.common:
        return np.asarray(_spread(a, plan.places[0]) * _spread(b, plan.places[1]))
    a, b = a.transpose(plan.orders[0]), b.transpose(plan.orders[1])
    batch, left, right = plan.counts
    shape = (*a.shape[: batch + left], *b.shape[b.ndim - right :])
    y = np.matmul(_grouped(a, (batch, left, plan.common)), _grouped(b, (batch, plan.common, right)))
    return y.reshape(shape).transpose(plan.result)


class _Plan(NamedTuple):
    """How two operands meet. The letters in both: of the batch, if they are in the output too, or
    common, if they are summed."""

    alone: tuple[tuple[int, ...], tuple[int, ...]]  # axes that are summed before
    orders: tuple[list[int], list[int]]  # as (batch, left, common) and (batch, common, right)
    counts: tuple[int, int, int]  # of letters: batch, left, right
    common: int
    result: list[int]  # the output's axes among (batch, left, right)
    places: tuple[list[int | None], list[int | None]]  # each output axis's in an operand


@functools.lru_cache(1000)
def _planned(equation: str) -> _Plan | None:
    """The plan of an equation of two operands; None if it is a sum for each place of the batch."""
    inputs, output = equation.split("->")
    first, second = inputs.split(",")
    batch = [c for c in output if c in first and c in second]
    common = [c for c in first if c in second and c not in output]
    left = [c for c in output if c in first and c not in second]
    right = [c for c in output if c in second and c not in first]
    if common and not left and not right:
        return None
    kept = [[c for c in s if c in (*batch, *common, *output)] for s in (first, second)]
    alone = tuple(
        tuple(k for k, c in enumerate(s) if c not in own)
        for s, own in zip((first, second), kept, strict=True)
    )
    orders = (
        [kept[0].index(c) for c in (*batch, *left, *common)],
        [kept[1].index(c) for c in (*batch, *common, *right)],
    )
    letters = [*batch, *left, *right]
    places = tuple([own.index(c) if c in own else None for c in output] for own in kept)
    return _Plan(
        (alone[0], alone[1]), orders, (len(batch), len(left), len(right)), len(common),
        [letters.index(c) for c in output], (places[0], places[1]),
    )  # fmt: skip


def _summed(x: Any, axes: tuple[int, ...]) -> Any:
    return np.add.reduce(x, axis=axes, dtype=x.dtype) if axes else x


def _spread(x: Any, places: Sequence[int | None]) -> Any:
    """Axes in the output's order, of size 1 where an operand has none."""
    x = x.transpose([k for k in places if k is not None])
    return x[tuple(None if k is None else slice(None) for k in places)]


def _grouped(x: Any, counts: tuple[int, int, int]) -> Any:
    """The axes as (batch…, one, one): a matrix for each place of the batch."""
    batch = counts[0]
    middle = batch + counts[1]
    shape = x.shape
    return x.reshape(*shape[:batch], math.prod(shape[batch:middle]), math.prod(shape[middle:]))
