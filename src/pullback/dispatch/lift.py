"""Operations on tensors with tangents or hidden axes: read for the youngest level, then again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from pullback.autograd import graph
from pullback.autograd.levels import BatchLevel, Level, has_axis, with_axis
from pullback.autograd.modes import mode
from pullback.dispatch import batch, door, forward, inplace
from pullback.op import Composite, Op
from pullback.tensor import Tensor


def apply(level: Level | None, op: Op, args: Sequence[Any]) -> Any:
    """The result of an operation whose youngest tensors are of a level; None for no such tensor."""
    if isinstance(op, Composite):
        values = list(args)
        first = next((args[k] for k in op.tensors if isinstance(args[k], Tensor)), None)
        op.normalise(values, first.ndim if first is not None else 0)
        return _with_axes(args, op.compute(graph.TENSORS, values))
    if op.draws and batch.is_inside():
        return batch.apply_random(op, args)
    if level is None:
        return door.compute_now(op, args)
    if isinstance(level, BatchLevel):
        return batch.apply_examples(level, op, args)
    return forward.apply_forward(level, op, args)


def _with_axes(args: Sequence[Any], made: Any) -> Any:
    """What was made like a tensor with hidden axes has them too, as `zeros_like`."""
    if isinstance(made, tuple):
        parts = [_with_axes(args, y) for y in made]
        return type(made)(*parts) if hasattr(made, "_fields") else tuple(parts)
    if not isinstance(made, Tensor):
        return made
    for level in mode.levels:
        if (
            isinstance(level, BatchLevel)
            and not has_axis(made, level)
            and any(isinstance(a, Tensor) and has_axis(a, level) for a in args)
        ):
            made = graph.TENSORS.clone(with_axis(made, level))
    return made


def apply_in_place(level: Level | None, op: Op, args: Sequence[Any]) -> Tensor:
    """The same, written over the first argument."""
    if op.draws and batch.is_inside():
        batch.levels_that_differ(op.inplace_name, args[0])
    if isinstance(level, BatchLevel):
        return batch.apply_examples_in_place(level, op, args)
    if level is None:
        return inplace.write_now(op, args)
    return forward.apply_in_place_forward(level, op, args)


door.transforms = sys.modules[__name__]
