"""Views and writes in place: histories that stay true when memory is shared.

A view knows the tensor that owns its memory and the view operations that lead from there to it.
Writing through a view changes the owner: the owner's history becomes "what it was, with the view's
part replaced", and every living view of it gets the history of being cut out of the new owner.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from pullback.autograd import graph
from pullback.autograd.graph import Edge, Node, OperationNode
from pullback.autograd.modes import mode
from pullback.backends.arrays import ARRAYS
from pullback.backends.memory import shares_memory
from pullback.op import Op
from pullback.tensor import Tensor, wrap

# One view operation with its plain arguments, and the number of its output if it has several.
Step = tuple[Op, tuple[Any, ...], int | None]


def note_view(view: Tensor, source: Tensor, step: Step) -> None:
    """Remember how a view was made."""
    base = source if source._base is None else source._base
    view._base = base
    view._made_by = (*source._made_by, step)
    views = base._views
    if views is None:
        views = base._views = []
    elif len(views) >= 32 and len(views) & (len(views) - 1) == 0:  # at powers of two
        views[:] = [r for r in views if r() is not None]
    views.append(weakref.ref(view))


def cut_out(vocabulary: Any, value: Any, steps: tuple[Step, ...]) -> Any:
    """The view operations again, on another array or tensor of the owner's shape."""
    for op, plain, number in steps:
        if vocabulary is ARRAYS:
            value = op.compute(ARRAYS, (value, *plain))
        else:
            value = vocabulary.apply(op, (value, *plain))
        if number is not None:
            value = value[number]
    return value


class CopySlices(Node):
    """The history of a tensor that was written through a view: owner with one part replaced."""

    def __init__(self, edges: tuple[Edge, Edge], steps: tuple[Step, ...], shape: tuple[int, ...]):
        super().__init__(edges)
        self.steps = steps
        self.shape = shape

    def name(self) -> str:
        return "torch::autograd::CopySlices"

    def run(self, cotangents: tuple[Any, ...], tensors: bool) -> tuple[Any, Any]:
        (g,) = cotangents
        to_owner, to_part = self.edges
        part = owner = None
        if tensors:
            from_owner = cut_out(graph.TENSORS, g, self.steps)
            if to_part is not None:
                part = from_owner
            if to_owner is not None:
                mask = wrap(self._outside(g._value.dtype))
                owner = graph.TENSORS.mul(g, mask)
            return owner, part
        if to_part is not None:
            part = np.array(cut_out(ARRAYS, g, self.steps))
        if to_owner is not None:
            owner = np.where(self._outside(np.dtype(np.bool_)), g, g.dtype.type(0))
        return owner, part

    def _outside(self, dtype: np.dtype[Any]) -> Any:
        """1 where the owner was not overwritten, 0 in the view."""
        outside = np.ones(self.shape, dtype)
        view = cut_out(ARRAYS, outside, self.steps)
        if shares_memory(view, outside):
            view[...] = 0
        else:  # a reshape that copies in this memory order: by the elements' numbers
            numbers = np.arange(outside.size).reshape(self.shape)
            outside.reshape(-1)[cut_out(ARRAYS, numbers, self.steps).reshape(-1)] = 0
        return outside


def check_writable(tensor: Tensor, name: str) -> None:
    """Refuse to write in place where PyTorch refuses."""
    if not mode.enabled:
        return
    for owner, what in ((tensor, "a leaf Variable"), (tensor._base, "a view of a leaf Variable")):
        if owner is not None and owner._edge is not None and owner._edge[0].accumulates:
            raise RuntimeError(
                f"{what} that requires grad is being used in an in-place operation: {name} on a "
                f"tensor of shape {list(tensor.shape)}. Write inside `with torch.no_grad():`, or "
                f"use the operation without the underscore"
            )
    if tensor._base is not None and any(number is not None for _, _, number in tensor._made_by):
        raise RuntimeError(
            f"Output of a function that returns multiple views is being modified inplace by "
            f"{name}. Such functions do not allow the output views to be modified inplace: "
            f"replace the in-place operation by an out-of-place one, or index the tensor"
        )


def rebase(tensor: Tensor, node: OperationNode | None) -> None:
    """Give a tensor that was written in place its new history, and all that share its memory."""
    if not mode.enabled:
        return
    edge = None if node is None else (node, 0)
    base = tensor._base
    if base is None:
        base = tensor
        tensor._edge = edge
    elif edge is not None or base._edge is not None:
        base._edge = (CopySlices((base._edge, edge), tensor._made_by, base._value.shape), 0)
    for reference in base._views or ():
        view = reference()
        if view is not None:
            stem = wrap(base._value, base._edge)
            view._edge = cut_out(graph.TENSORS, stem, view._made_by)._edge


