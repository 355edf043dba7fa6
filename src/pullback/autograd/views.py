"""Views: who shares whose memory, and how each view was made.

A view knows the tensor that owns its memory, the base, and the view operations that lead from
there to it. What a write does to the histories of all of these is in `rebase`.
"""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

import numpy as np

from pullback.autograd import graph, versions
from pullback.autograd.graph import move_edge
from pullback.autograd.modes import mode, no_grad
from pullback.backends.arrays import ARRAYS
from pullback.backends.memory import shares_memory
from pullback.formula import Formula, array_of, before_give, node
from pullback.locks import LOCK
from pullback.op import REGISTRY, Op
from pullback.tensor import Tensor, wrap


class Step(NamedTuple):
    """How a view was made of another tensor."""

    op: Op
    plain: tuple[Any, ...]  # the operation's arguments besides the tensor
    number: int | None  # which output, if the operation has several
    recorded: bool  # whether gradients were recorded then
    # If it was made within, or returned by, a custom function: "Output 0 of MyFnBackward", and
    # whether that has several outputs.
    function: tuple[str, bool] | None = None


def note_view(view: Tensor, source: Tensor, step: tuple[Op, tuple[Any, ...], int | None]) -> None:
    """Remember how a view was made."""
    made = tuple.__new__(Step, (*step, mode.enabled, None))  # Step(…) takes 0.15 µs longer
    note_made(view, source, made)


def note_made(view: Tensor, source: Tensor, made: Step) -> None:
    """`note_view` of a step that nobody else has."""
    base = source._base
    if base is None:
        base = source
        view._made_by = (made,)
    else:
        view._made_by = (*source._made_by, made)
    view._base = base
    reference = weakref.ref(view)
    with LOCK:  # a view noted while another thread clears the list must not be lost
        views = base._views
        if views is None:
            views = base._views = []
        elif len(views) >= 32 and len(views) & (len(views) - 1) == 0:  # at powers of two
            views[:] = [r for r in views if r() is not None]
        views.append(reference)
    if (
        base._edge is not None and (made.number is not None or not made.recorded)
        and not base._is_lifted  # what it is made of hears of writes itself
        and base._heard is not base._value
    ):  # fmt: skip
        hear(base, view._value)


def note_parts(
    views: list[tuple[int, Tensor]], source: Tensor, op: Op, plain: tuple[Any, ...]
) -> None:
    """`note_view` of results, with their numbers, that one operation gives together."""
    base = source._base
    if base is None:
        base = source
    before, recorded = source._made_by, mode.enabled
    references = []
    for k, view in views:
        view._made_by = (*before, tuple.__new__(Step, (op, plain, k, recorded, None)))
        view._base = base
        references.append(weakref.ref(view))
    with LOCK:
        known = base._views
        if known is None:
            base._views = references
        else:
            count = len(known)
            if count >= 32 and count.bit_length() < (count + len(references)).bit_length():
                known[:] = [r for r in known if r() is not None]
            known += references
    if views and base._edge is not None and base._heard is not base._value:
        hear(base, views[0][1]._value)


def hear(base: Tensor, array: Any) -> None:
    """From now on, writes into the memory of a base concern the views that do not follow it."""
    if base._heard is not base._value:
        base._heard = base._value
        versions.watch_writes(array, base)


class Apart(NamedTuple):
    """What a view of a formula is of. It has no memory, or that of numbers of its own."""

    source: Tensor
    whole: Formula  # of the source
    part: Formula  # of the view
    step: Step
    noted: bool  # whether it is a view in the eyes of the graph as well


def note_apart(
    view: Tensor, source: Tensor, whole: Formula, step: tuple[Op, tuple[Any, ...], int | None]
) -> None:
    """Remember that a formula is a view of another one, until somebody wants to see that."""
    made = Step(*step, mode.enabled)
    set_apart(view, Apart(source, whole, view._value, made, True))


def alias(tensor: Tensor) -> Tensor:
    """A tensor with the same memory, without history and tangents."""
    if tensor._is_lifted:
        return tensor._without_history()
    made = wrap(shared(tensor._value))
    if tensor._apart is not None:
        set_apart(made, tensor._apart._replace(noted=False))
    return made


def shared(value: Any) -> Any:
    """A value that a second tensor is about to hold."""
    if type(value) is Formula:
        value.shared = True
    return value


def is_view(tensor: Tensor) -> bool:
    """Whether a tensor shares the memory of another one that it was made of."""
    return tensor._base is not None or tensor._apart is not None


@no_grad()
def view_as_self(tensor: Tensor) -> Tensor:
    """All of a tensor as a view that is not recorded."""
    view: Tensor = graph.TENSORS.view_as_shape(tensor, *tensor._value.shape)
    return view


def before(tensor: Tensor) -> Tensor:
    """What a tensor is now, in a tensor of its own: the first is about to become a view of it."""
    value = tensor._value
    if tensor._apart is not None or (type(value) is Formula and value.views):
        join(tensor)
    old = wrap(shared(tensor._value), tensor._edge)
    old._base, old._made_by = tensor._base, tensor._made_by
    return old


def become(tensor: Tensor, old: Tensor, view: Tensor) -> None:
    """Make a tensor the view of what it was (`before`); its own views become views of that."""
    inherit(tensor, old, view)
    tensor._value = view._value
    apart, tensor._apart, view._apart = view._apart, None, None
    if apart is not None:
        set_apart(tensor, apart)
    edge = tensor._edge
    if edge is not None and edge[0].accumulates:  # a leaf stays one
        edge[0].shape = tuple(view._value.shape)
    else:
        move_edge(tensor, view._edge)


def is_fixed(view: Tensor) -> bool:
    """Whether a view does not follow its base: no history could tell of a write through it."""
    return not all(step.recorded and step.number is None for step in view._made_by)


def inherit(tensor: Tensor, old: Tensor, view: Tensor) -> None:
    """What `become` does to what is known of the tensors that share memory."""
    if tensor._base is not None:
        tensor._made_by = view._made_by
        return
    views = [v for v in (r() for r in tensor._views or ()) if v is not None]
    if not views or view._base is not old:
        return
    for v in views:
        v._base = old
    with LOCK:
        old._views, tensor._views = [weakref.ref(v) for v in (*views, tensor)], None
    tensor._base, tensor._made_by = old, view._made_by
    if old._edge is not None and any(map(is_fixed, views)):
        hear(old, views[0]._value)


def made_in_function(view: Tensor, node: str, number: int, several: bool) -> None:
    """Note that a custom function gave a view: its own backward is the view's history."""
    function = (f"Output {number} of {node}", several)
    apart = view._apart
    if apart is not None:
        step = apart.step._replace(recorded=False, function=function)
        view._apart = apart._replace(step=step)
    else:
        *steps, last = view._made_by
        view._made_by = (*steps, last._replace(recorded=False, function=function))
        if view._edge is not None:
            assert view._base is not None
            hear(view._base, view._value)


def set_apart(view: Tensor, apart: Apart) -> None:
    whole = apart.whole
    with LOCK:
        view._apart = apart
        views = whole.views
        if views is None:
            views = whole.views = []
        elif len(views) >= 32 and len(views) & (len(views) - 1) == 0:
            views[:] = [r for r in views if r() is not None]
        views.append(weakref.ref(view))


def join(tensor: Tensor) -> Any:
    """The array of a tensor in the memory of what it is a view of: to be written, or given away.

    OutOfMemoryError if that cannot be stored.
    """
    while line := line_of(tensor):
        whole = line[-1].whole  # of the tensor that owns the memory
        array_of(whole)
        whole.take()
        settle(whole)
    return tensor._array


def line_of(tensor: Tensor) -> list[Apart]:
    """What a tensor is a view of, what that is a view of, and so on. Another thread may cut one of
    them out meanwhile: then it is one of the memory from there on."""
    found: list[Apart] = []
    apart = tensor._apart
    while apart is not None:
        found.append(apart)
        apart = apart.source._apart
    return found


def given(tensor: Tensor) -> Any:
    """The array of a tensor, for others to hold: they may write there unseen from then on.

    A part of what is never stored has memory of its own.
    """
    if tensor._apart is None and type(tensor._value) is np.ndarray:
        before_give(tensor._value)
        return tensor._value
    unstored = any(a.whole.is_pending and a.whole.is_large for a in line_of(tensor))
    array = tensor._array if unstored else join(tensor)
    before_give(array)
    return array


def settle(whole: Formula) -> None:
    """Cut the views that were made of a formula out of its memory."""
    waiting = [whole]
    with LOCK:  # nobody is planning, nor looks at a view that is half cut out
        while waiting:
            whole = waiting.pop()
            references, whole.views = whole.views or (), None
            for reference in references:
                view = reference()
                apart = None if view is None else view._apart
                if apart is not None and apart.whole is whole and _cut(view, apart):
                    waiting.append(apart.part)


def _cut(view: Any, apart: Apart) -> bool:
    """Cut one view out of the memory; False for a reshape that copies in this memory order."""
    source, whole, part, step, noted = apart
    array = cut_out(ARRAYS, whole.memory, (step,))
    shares = shares_memory(array, whole.memory)
    if shares:
        if part.memory is None or not shares_memory(part.memory, array):
            part.give(array)
            part.forget()
        view._value = array
        if source._value is whole:
            source._value = whole.memory
        if noted:
            note_made(view, source, step)
    view._apart = None
    return shares


node.settle = settle


def cut_out(vocabulary: Any, value: Any, steps: tuple[Step, ...]) -> Any:
    """The view operations again, on another array or tensor of the base's shape."""
    for op, plain, number, *_ in steps:
        if op.name == "view_as_shape":  # another memory order may need a copy
            op = REGISTRY["reshape"]
        if vocabulary is ARRAYS:
            value = op.compute(ARRAYS, (value, *plain))
        else:
            value = vocabulary.apply(op, (value, *plain))
        if number is not None:
            value = value[number]
    return value


def positions(shape: tuple[int, ...], steps: tuple[Step, ...]) -> Any:
    """Where the elements of a view lie among those of the base, in row-major order."""
    return cut_out(ARRAYS, np.arange(int(np.prod(shape))).reshape(shape), steps)
