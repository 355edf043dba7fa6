"""Operations on tensors with tangents or hidden axes: read for the youngest level, then again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from pullback.autograd import graph
from pullback.autograd.levels import BatchLevel, Level
from pullback.dispatch import batch, door, forward, inplace
from pullback.op import Composite, Op
from pullback.tensor import Tensor


def apply(level: Level | None, op: Op, args: Sequence[Any]) -> Any:
    """The result of an operation whose youngest tensors are of a level; None for no such tensor."""
    if op.random and batch.is_inside():
        return batch.apply_random(op, args)
    if isinstance(op, Composite):
        values = list(args)
        first = next((args[k] for k in op.tensors if isinstance(args[k], Tensor)), None)
        op.normalise(values, first.ndim if first is not None else 0)
        return op.compute(graph.TENSORS, values)
    if level is None:
        return door.compute_now(op, args)
    if isinstance(level, BatchLevel):
        return batch.apply_examples(level, op, args)
    return forward.apply_forward(level, op, args)


def apply_in_place(level: Level | None, op: Op, args: Sequence[Any]) -> Tensor:
    """The same, written over the first argument."""
    if op.random and batch.is_inside():
        batch.check_same(op.inplace_name)
    if isinstance(level, BatchLevel):
        return batch.apply_examples_in_place(level, op, args)
    if level is None:
        return inplace.write_now(op, args)
    return forward.apply_in_place_forward(level, op, args)


door.transforms = sys.modules[__name__]
