"""The transpose of a view: zeros with the elements in their places, as index arithmetic.

The body of a view operation is read with a vocabulary that notes its steps. Each has a transpose
that says what an element of its input is: an element of what the step gave, or zero, or a sum of
several. Together, from the last to the first, they are the transpose of the view.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pullback.formula.maps import MAPS, Mapped
from pullback.formula.node import Value
from pullback.op import View

# The vocabulary of formulas and a cotangent to the cotangent of a step's input.
Step = Callable[[Any, Value], Value]


class Viewed:
    """What has become of a value: its shape, and the steps that led there."""

    def __init__(self, shape: Sequence[int], steps: tuple[Step, ...] = ()):
        self.shape = tuple(shape)
        self.ndim = len(self.shape)
        self.steps = steps


def transposed(xp: Any, g: Value, view: View, plain: Sequence[Any], shape: Sequence[int]) -> Value:
    """Zeros of a shape with g added where a view of it looks."""
    for step in reversed(view.compute(TRANSPOSES, (Viewed(shape), *plain)).steps):
        g = step(xp, g)
    return g


class TransposeVocabulary:
    """`xp` for views that are to be transposed."""

    def permute(self, x: Viewed, *dims: int) -> Viewed:
        """Axes in the order that they had."""
        back = sorted(range(len(dims)), key=dims.__getitem__)
        return _after(x, "permute", dims, lambda xp, g: xp.permute(g, *back))

    def expand(self, x: Viewed, *shape: int) -> Viewed:
        """A sum of what was repeated."""
        return _after(x, "expand", shape, lambda xp, g: xp.sum_to(g, x.shape))

    def reshape(self, x: Viewed, *shape: int) -> Viewed:
        """The shape that it was."""
        return _after(x, "reshape", shape, lambda xp, g: xp.reshape(g, *x.shape))

    reshape_view = reshape

    def drop(self, x: Viewed, dims: Sequence[int]) -> Viewed:
        """Axes of size 1 again."""
        return _after(x, "drop", (dims,), lambda xp, g: xp.reshape(g, *x.shape))

    def slice(self, x: Viewed, dim: int, start: int, end: int, step: int) -> Viewed:
        """Zeros between and around."""

        def back(xp: Any, g: Value) -> Any:
            at = xp.positions(x.shape[dim], dim, x.ndim) - xp.number(start)
            inside = None
            if step != 1:
                inside = xp.eq(xp.remainder(at, xp.number(step)), 0)
                at = xp.floor_divide(at, xp.number(step))
            return _inside(xp, g, dim, at, inside)

        return _after(x, "slice", (dim, start, end, step), back)

    def diagonal_view(self, x: Viewed, offset: int, dim1: int, dim2: int) -> Viewed:
        """Zeros off the diagonal."""
        down = max(0, -offset)

        def back(xp: Any, g: Value) -> Any:
            row = xp.positions(x.shape[dim1], dim1, x.ndim)
            column = xp.positions(x.shape[dim2], dim2, x.ndim)
            on = xp.eq(column - row, xp.number(offset))
            at = _clamped(xp, row - xp.number(down), g.shape[-1])
            rest = [k for k in range(x.ndim) if k not in (dim1, dim2)]
            places = [xp.positions(x.shape[k], k, x.ndim) for k in rest]
            return xp.where(on, xp.elements(g, [*places, at]), 0)

        return _after(x, "diagonal_view", (offset, dim1, dim2), back)

    def windows(self, x: Viewed, dim: int, size: int, step: int) -> Viewed:
        """The sum over the windows that an element is in, by its place in them."""

        def back(xp: Any, g: Value) -> Any:
            rank = x.ndim + 1
            within = xp.positions(size, x.ndim, rank)
            first = xp.positions(x.shape[dim], dim, rank) - within
            inside = None
            if step != 1:
                inside = xp.eq(xp.remainder(first, xp.number(step)), 0)
                first = xp.floor_divide(first, xp.number(step))
            count = g.shape[dim]
            known = xp.logical_and(xp.ge(first, 0), xp.lt(first, xp.number(count)))
            inside = known if inside is None else xp.logical_and(known, inside)
            axes = [
                _clamped(xp, first, count) if k == dim else xp.positions(s, k, rank)
                for k, s in enumerate(x.shape)
            ]
            spread = xp.where(inside, xp.elements(g, [*axes, within]), 0)
            return xp.sum(spread, x.ndim)

        return _after(x, "windows", (dim, size, step), back)


def _after(x: Viewed, name: str, plain: Sequence[Any], step: Step) -> Viewed:
    """What one more step gives."""
    mapped = getattr(MAPS, name)(Mapped(x.shape, lambda i: i), *plain)
    return Viewed(mapped.shape, (*x.steps, step))


def _inside(xp: Any, g: Value, dim: int, at: Value, also: Value | None) -> Any:
    """g at these places of one axis, zero where there is none."""
    count = g.shape[dim]
    inside = xp.logical_and(xp.ge(at, 0), xp.lt(at, xp.number(count)))
    if also is not None:
        inside = xp.logical_and(inside, also)
    return xp.where(inside, xp.moved(g, dim, _clamped(xp, at, count)), 0)


def _clamped(xp: Any, at: Value, count: int) -> Any:
    """Places that can be read, whatever they stand for."""
    return xp.minimum(xp.maximum(at, 0), xp.number(count - 1))


TRANSPOSES = TransposeVocabulary()
