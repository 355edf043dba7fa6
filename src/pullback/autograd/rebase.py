"""Writes in place: histories that stay true when memory is shared.

Writing through a view changes its base: the base's history becomes "what it was, with the view's
part replaced" (`CopySlices`), and every living view of it gets the history of being cut out of the
new base (`AsStrided`). What cannot be told truly is refused, by PyTorch's rules.
"""

from __future__ import annotations

import weakref
from collections.abc import Collection
from typing import Any

import numpy as np

from pullback.autograd import graph, versions
from pullback.autograd.graph import Edge, Node, move_edge
from pullback.autograd.modes import mode
from pullback.autograd.views import Step, cut_out, hear, is_fixed, positions
from pullback.autograd.watch import watch
from pullback.backends.arrays import ARRAYS
from pullback.backends.memory import overlaps, owner, shares_memory
from pullback.formula import Formula, array_of
from pullback.tensor import Tensor, wrap


def _numbers(g: Any) -> Any:
    """The array of a cotangent that is a formula: these nodes stand for memory that is there."""
    return array_of(g) if type(g) is Formula else g


class CopySlices(Node):
    """The history of a tensor that was written through a view: base with one part replaced."""

    def __init__(self, edges: tuple[Edge, Edge], steps: tuple[Step, ...], base: Any):
        super().__init__(edges)
        self.steps = steps
        self.shape = base.shape
        self.strides = base.strides

    def name(self) -> str:
        return "torch::autograd::CopySlices"

    def run(
        self, cotangents: tuple[Any, ...], tensors: bool, reached: Collection[Node] | None = None
    ) -> tuple[Any, Any]:
        g = _numbers(cotangents[0])
        to_base, to_part = self.edges
        part = base = None
        if tensors:
            if to_part is not None:
                part = cut_out(graph.TENSORS, g, self.steps)
            if to_base is not None:
                base = self._emptied(g)
        else:
            if to_part is not None:
                part = np.array(cut_out(ARRAYS, g, self.steps))
            if to_base is not None:
                base = g.copy()
                view = cut_out(ARRAYS, base, self.steps)
                if shares_memory(view, base):
                    view[...] = 0
                else:  # a reshape that copies in this memory order
                    base = self._emptied(wrap(g))._value
        return base, part

    def _emptied(self, g: Tensor) -> Any:
        """Zeros in the view, which may be one of real parts, and the cotangent elsewhere."""
        order = sorted(range(len(self.shape)), key=lambda k: -abs(self.strides[k]))
        one = 1 + 1j if g._value.dtype.kind == "c" else 1
        kept = np.full([self.shape[k] for k in order], one, g._value.dtype)
        kept = kept.transpose(np.argsort(order).astype(int))  # in memory as the base
        cut_out(ARRAYS, kept, self.steps)[...] = 0
        if kept.dtype.kind != "c":
            return graph.TENSORS.masked_fill(g, wrap(kept == 0), 0)
        pairs, dropped = graph.TENSORS.view_as_real(g), wrap(ARRAYS.real_pairs(kept) == 0)
        return graph.TENSORS.join_pairs(graph.TENSORS.masked_fill(pairs, dropped, 0))


class AsStrided(Node):
    """The history of a view whose base was written after the view was made."""

    def __init__(self, edge: Edge, steps: tuple[Step, ...], base: Any, view: Any):
        super().__init__((edge,))
        self.steps = steps
        self.shape = base.shape
        self.geometry = _geometry(base, view)

    def name(self) -> str:
        return "AsStridedBackward0"

    def attributes(self) -> dict[str, Any]:
        return self.geometry

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_saved_"):
            wanted = name.removeprefix("_saved_")
            if wanted in self.geometry:
                return self.geometry[wanted]
        raise AttributeError(f"{self.name()} has no attribute {name!r}")

    def run(
        self, cotangents: tuple[Any, ...], tensors: bool, reached: Collection[Node] | None = None
    ) -> tuple[Any]:
        g = _numbers(cotangents[0])
        if tensors:
            place = wrap(positions(self.shape, self.steps).reshape(-1))
            zeros = wrap(np.zeros(int(np.prod(self.shape)), g._value.dtype))
            flat = graph.TENSORS.index_put(
                zeros, [place], graph.TENSORS.reshape(g, -1), accumulate=True
            )
            return (graph.TENSORS.reshape(flat, *self.shape),)
        result = np.zeros(self.shape, g.dtype)
        view = cut_out(ARRAYS, result, self.steps)
        if shares_memory(view, result) and not overlaps(view):
            view[...] = g
        else:
            np.add.at(result.reshape(-1), positions(self.shape, self.steps), g)
        return (result,)


def _geometry(base: Any, view: Any) -> dict[str, Any]:
    """Size, strides and offset of a view in the memory of its base, in elements."""
    item = base.itemsize
    start = owner(base).__array_interface__["data"][0]
    return {
        "size": view.shape,
        "stride": tuple(s // item for s in view.strides),
        "storage_offset": (view.__array_interface__["data"][0] - start) // item,
    }


class Refused(Node):
    """The history of a view that does not follow its base, which was written.

    It was made under `no_grad`, by a custom function, or together with others (`split`); and then
    the memory was written, wherever and in whatever mode. PyTorch refuses to use such a view,
    here what was made of it is not differentiated.
    """

    def __init__(self, edge: Edge, steps: tuple[Step, ...]):
        super().__init__((edge,))  # on the way to what the base depends on
        self.made_by = [step.function[0] for step in steps if step.function is not None]
        self.advice = FUNCTION_ADVICE
        if not self.made_by and all(step.recorded for step in steps):
            self.made_by = [
                f"Output {step.number} of {step.op.node}Backward0"
                for step in steps
                if step.number is not None
            ]
            self.advice = f"{SEVERAL_ADVICE}, or split() the base after the write"

    def name(self) -> str:
        return "RefusedView"

    def run(
        self, cotangents: tuple[Any, ...], tensors: bool, reached: Collection[Node] | None = None
    ) -> tuple[Any, ...]:
        if self.made_by:
            raise RuntimeError(
                f"{self.made_by[0]} is a view and its base or another view of its base has been "
                f"modified inplace. {self.advice}"
            )
        raise RuntimeError(
            "A view was created in no_grad mode and its base or another view of its base has been "
            "modified inplace with grad mode enabled. " + NO_GRAD_ADVICE
        )


NO_GRAD_ADVICE = (
    "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your "
    "code by moving both the view and the inplace either both inside the no_grad block (if you "
    "don't want the inplace to be tracked) or both outside (if you want the inplace to be "
    "tracked)."
)


FUNCTION_ADVICE = (
    "This view was created inside a custom Function (or because an input was returned as-is) and "
    "the autograd logic to handle view+inplace would override the custom backward associated with "
    "the custom Function, leading to incorrect gradients. This behavior is forbidden. You can fix "
    "this by cloning the output of the custom Function."
)

SEVERAL_ADVICE = (
    "This view is the output of a function that returns multiple views. Such functions do not "
    "allow the output views to be modified inplace. You should replace the inplace operation by an "
    "out-of-place one"
)


# --------------------------------------------------------------------------------- refusals


def check_writable(tensor: Tensor, name: str) -> None:
    """Refuse to write in place where PyTorch refuses whatever is written."""
    base = tensor._base
    if not mode.enabled:
        return
    for of, what in ((tensor, "a leaf Variable"), (base, "a view of a leaf Variable")):
        if of is not None and of._edge is not None and of._edge[0].accumulates:
            if base is not None:
                _check_origin(tensor, name)
            raise RuntimeError(
                f"{what} that requires grad is being used in an in-place operation: {name} on a "
                f"tensor of shape {list(tensor.shape)}. Write inside `with torch.no_grad():`, or "
                f"use the operation without the underscore"
            )
    if tensor._edge is not None or (base is not None and base._edge is not None):
        check_history(tensor, name)


def check_history(tensor: Tensor, name: str) -> None:
    """Refuse to write a value that requires grad where the histories could not tell of it."""
    if tensor._base is not None:
        _check_origin(tensor, name)
    base = tensor if tensor._base is None else tensor._base
    if base._edge is not None:
        return  # its views are no leaves
    for reference in base._views or ():
        view = reference()
        if view is not None and view._edge is not None and view._edge[0].accumulates:
            raise RuntimeError(
                f"{name}: a view of shape {list(view.shape)} of the written-to tensor, of shape "
                f"{list(tensor.shape)}, is a leaf Variable that requires grad, and what is written "
                f"requires grad as well: the view could not stay a leaf. Write into a .clone(), or "
                f"inside `with torch.no_grad():`"
            )


def _check_origin(view: Tensor, name: str) -> None:
    """Refuse views whose base could not be told of the write."""
    base = view._base
    assert base is not None
    if not shares_memory(view._value, base._value):
        raise RuntimeError(
            f"{name}: the written-to tensor, of shape {list(view.shape)}, was a view of another "
            f"whose .data was replaced since: it is not known any more what shares its memory. "
            f"Write into a .clone()"
        )
    if not all(step.op.derivative for step in view._made_by):
        raise RuntimeError(
            f"{name}: the written-to tensor is a view, as {view.dtype}, of a tensor of "
            f"{base.dtype}: gradients cannot be recorded through it. Write inside `with "
            f"torch.no_grad():`, or into a .clone()"
        )
    for step in view._made_by:
        if step.function is not None:
            which, several = step.function
            raise RuntimeError(
                f"{which} is a view and is being modified inplace by {name}. "
                f"{SEVERAL_ADVICE if several else FUNCTION_ADVICE}"
            )
        if step.number is not None:
            raise RuntimeError(
                f"Output {step.number} of {step.op.node}Backward0 is a view and is being modified "
                f"inplace by {name}. {SEVERAL_ADVICE}, or write through an index: tensor[k] = ..."
            )
        if not step.recorded:
            raise RuntimeError(
                f"A view was created in no_grad mode and is being modified inplace with grad mode "
                f"enabled, by {name} on a tensor of shape {list(view.shape)}. {NO_GRAD_ADVICE}"
            )


# -------------------------------------------------------------------------------- histories


def rebase(tensor: Tensor, node: Node | None, number: int = 0) -> None:
    """Give a tensor that was written in place its new history, and all that share its memory."""
    if not mode.enabled:
        return
    edge = None if node is None else (node, number)
    base = tensor if tensor._base is None else tensor._base
    old = base._edge
    if edge is None and old is None:
        return
    if mode.written is not None:
        mode.written.append(weakref.ref(base))
    if base is tensor and edge is not None:
        move_edge(base, edge)
    else:  # a part is new; or everything, and does not depend on the past
        move_edge(base, (CopySlices((old, edge), tensor._made_by, base._value), 0))
    watched = mode.enabled is not True
    if watched and base is not tensor and base._edge is not None:
        watch(base._edge[0])
    for reference in tuple(base._views or ()):
        view = reference()
        if view is None or not shares_memory(view._value, base._value):
            continue  # gone, or given other memory by `.data =`
        if is_fixed(view):
            if base._edge is not None:  # writes without a history are to be heard of as well
                hear(base, view._value)
            move_edge(view, (Refused(base._edge, view._made_by), 0))
        elif all(step.op.holomorphic for step in view._made_by):  # numbers, not parts of them
            cut = AsStrided(base._edge, view._made_by, base._value, view._value)
            move_edge(view, (cut, 0))
        else:  # what their own rules say
            stem = wrap(base._value, base._edge)
            move_edge(view, cut_out(graph.TENSORS, stem, view._made_by)._edge)
        if watched and view._edge is not None:
            watch(view._edge[0])


def _was_written(base: Tensor) -> None:
    """Memory was written, maybe where nothing is recorded: what does not follow it is refused."""
    for reference in tuple(base._views or ()):
        view = reference()
        if view is None or not is_fixed(view) or not shares_memory(view._value, base._value):
            continue
        if base._edge is not None or view._edge is not None:
            move_edge(view, (Refused(base._edge, view._made_by), 0))


versions.Watchers.tell = _was_written
