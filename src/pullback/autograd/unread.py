"""Writes into formulas that nobody has asked for the numbers of: nothing is stored.

The tensor takes the formula of what it becomes. Where a part is written, that is the whole with the
part in its place, and the views of it are made again.
"""

from __future__ import annotations

import itertools
from typing import Any

from pullback.autograd import graph
from pullback.autograd.graph import move_edge
from pullback.autograd.views import line_of, set_apart
from pullback.formula import Formula
from pullback.tensor import Tensor

# Operations that write what a view operation reads, with the same arguments behind the values.
_SCATTERS = {"select": "select_scatter", "slice": "slice_scatter", "diagonal": "diagonal_scatter"}


def unstored(tensor: Tensor) -> list[Tensor]:
    """A tensor, what it is a view of, and so on to the one that owns a formula, if a write into it
    needs no numbers; an empty list otherwise."""
    line = [tensor]
    for apart in line_of(tensor):
        if apart.step.op.key not in _SCATTERS:
            return []
        line.append(apart.source)
    whole = line[-1]
    heavy = type(whole._value) is Formula and whole._value.heavy
    return line if heavy and None not in views_of(whole) else []


def views_of(whole: Tensor) -> list[Tensor | None]:
    """The tensors that see a write into one of a formula: itself, its views, views of these.

    With a None among them, it is seen by others as well, or one has numbers already.
    """
    family: list[Tensor | None] = [whole]
    for tensor in family:  # which grows
        if tensor is None:
            break
        value = tensor._value
        if type(value) is not Formula or not value.is_pending or value.shared or (
            tensor._base is not None or any(r() is not None for r in tensor._views or ())
        ):  # fmt: skip
            family.append(None)
            break
        for reference in value.views or ():
            view = reference()
            if view is not None:
                apart = view._apart
                followed = apart is not None and apart.source is tensor and apart.whole is value
                whole_step = followed and apart.step.number is None and apart.step.function is None
                family.append(view if whole_step else None)
    return family


def written_through(line: list[Tensor], part: Tensor) -> Tensor:
    """What the last of a line of views becomes, if the first one becomes `part`."""
    for view, source in itertools.pairwise(line):
        step = view._apart.step
        part = getattr(graph.TENSORS, _SCATTERS[step.op.key])(source, part, *step.plain)
    return part


def view_again(views: list[Any]) -> None:
    """Make views anew of what their tensors are now, each after the one that it is a view of."""
    for view in views:
        step = view._apart.step
        made = getattr(graph.TENSORS, step.op.key)(view._apart.source, *step.plain)
        apart, made._apart = made._apart, None
        view._value, view._apart = made._value, None
        set_apart(view, apart)
        move_edge(view, made._edge)
