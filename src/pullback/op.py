"""How operations are declared, and with what.

An operation is declared once, in a file of `ops/`, as a documented plain function whose first
argument is a vocabulary `xp`, with one rule per differentiable argument beside it::

    @pointwise(floating=True)
    def exp(xp, input):
        "Element-wise exponential."
        return xp.exp(input)

    @exp.backward("input")
    def _(xp, g, y):
        return g * y

The rule's parameter names are its save-list: `g` is the cotangent, `y` the output, an argument's
name its value, `input_shape` and `input_dtype` metadata that keep no value alive. What nobody asks
for is not saved. The same function is read with arrays (eager forward and backward), with tensors
(composites and `create_graph`) and with symbols (formulas): a vocabulary has every registered
operation under its own name, and the arrays' and symbols' ones bottom out in primitives.

A rule is the transpose of the derivative, without conjugates: for complex tensors the engine
conjugates the cotangent before and the result after, which is PyTorch's convention for every
holomorphic function. Un-broadcasting, casts to the input's dtype and real parts are the engine's
work as well.

The kinds are in `kinds.py`, and what they have in common in `operation.py`. Declarations import
this module only; `dispatch` turns them into functions and methods.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pullback import matrices, meeting
from pullback.arguments import (
    Array,
    Arrays,
    Dim,
    Dims,
    DimSet,
    Dtype,
    Format,
    Ints,
    MaybeArray,
    NewDim,
    Number,
    Plain,
    SomeArrays,
    as_ints,
    loss_reduction,
    per_axis,
    wrap_dim,
)
from pullback.kinds import Composite, Creation, Opaque, Pointwise, Reduction, View
from pullback.layouts import contiguous_format
from pullback.operation import REGISTRY, Function, Op, Vocabulary
from pullback.view_functions import ViewCopy, ViewScatter

__all__ = [
    "REGISTRY", "Array", "Arrays", "Composite", "Creation", "Dim", "DimSet", "Dims", "Dtype",
    "Format", "Ints", "MaybeArray", "NewDim", "Number", "Op", "Opaque", "Plain", "Pointwise",
    "Reduction", "SomeArrays", "View", "ViewCopy", "ViewScatter",
    "Vocabulary", "all_examples", "along_axis",
    "as_ints", "call", "composite", "contiguous_format", "copied", "creation", "loss_reduction",
    "matrices", "meeting", "opaque", "per_axis", "pointwise", "reduction", "scattered", "view",
    "visible_axes", "wrap_dim",
]  # fmt: skip


def call(*args: Any, **keywords: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """One call among an operation's samples."""
    return args, keywords


def visible_axes(xp: Any, x: Any, rank: int) -> Any:
    """Examples with that many axes each: axes of size 1 are put before the others they have."""
    missing = rank - len(x.shape) + 1
    return xp.reshape(x, x.shape[0], *(1,) * missing, *x.shape[1:]) if missing > 0 else x


def all_examples(xp: Any, tensors: Sequence[Any], size: int = 1) -> list[Any]:
    """Tensors with as many examples each."""
    size = max(size, *(x.shape[0] for x in tensors))
    return [x if x.shape[0] == size else xp.expand(x, size, *x.shape[1:]) for x in tensors]


def along_axis(xp: Any, function: Function, x: Any, dim: int) -> Any:
    """`function(x, axis)` of examples, for an axis of one of them; numbers count as vectors."""
    if len(x.shape) > 1:
        return function(x, dim + 1)
    made = function(xp.unsqueeze(x, 1), 1)
    if not isinstance(made, tuple):
        return xp.reshape(made, x.shape[0])
    return type(made)(*(xp.reshape(m, x.shape[0]) for m in made))


def _decorator(kind: type[Op]) -> Callable[..., Any]:
    def decorate(forward: Function | None = None, /, **options: Any) -> Any:
        if forward is not None:
            return kind(forward)
        return lambda f: kind(f, **options)

    decorate.__name__ = kind.kind
    decorate.__doc__ = kind.__doc__
    return decorate


pointwise = _decorator(Pointwise)
reduction = _decorator(Reduction)
view = _decorator(View)
opaque = _decorator(Opaque)
composite = _decorator(Composite)
creation = _decorator(Creation)
copied = ViewCopy  # functions of a declared view
scattered = ViewScatter
