"""Creations: calls without tensors, as formulas and such as were met before.

What is large and follows from a few numbers is not stored. Where a call was met before, its plain
arguments are kept in their normal form, what it gives is copied if it is small, and what does
nothing but draw random numbers draws again.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.autograd.modes import mode
from pullback.backends.arrays import ARRAYS
from pullback.dispatch.known import MAX_CALLS, OFTEN, Apply
from pullback.dispatch.straight import short_creation
from pullback.formula import FORMULAS, Formula
from pullback.op import Creation
from pullback.tensor import Tensor

new = object.__new__
LARGE = 1 << 24  # elements that take longer to write than a loop that has them takes to compile


def formula_of(op: Creation, values: Sequence[Any]) -> Formula | None:
    """The result as a formula, if it has one and is large; `values` are normalised."""
    if op.formula_function is None or op.grows_function is None:
        return None
    shape = op.grows_function(ARRAYS, *values)
    if min(shape) < 0 or math.prod(shape) <= LARGE:
        return None
    made: Formula = op.formula_function(FORMULAS, *values)
    return made


class Drawing:
    """The vocabulary of arrays, which remembers what was drawn."""

    is_eager = True

    def __init__(self) -> None:
        self.calls: list[tuple[Callable[[], Any], Any]] = []

    def __getattr__(self, name: str) -> Any:
        function = getattr(ARRAYS, name)

        def called(*args: Any, **keywords: Any) -> Any:
            result = function(*args, **keywords)
            self.calls.append((functools.partial(function, *args, **keywords), result))
            return result

        return called

    def again(self, result: Any) -> Callable[[Any], Any] | None:
        """What gives another result like this, if a body does nothing else but to draw it: a
        function of its arguments, which are not looked at again."""
        if len(self.calls) != 1 or self.calls[0][1] is not result:
            return None
        draw = self.calls[0][0]
        return lambda known: draw()


def learn(key: Any, op: Creation, values: Sequence[Any], goal: np.dtype[Any], apply: Apply) -> None:
    """Keep the numbers of a creation in their normal form; its result is of the dtype `goal`.

    A small result is kept itself, to be copied; of one value, only that.
    """
    call_of: Callable[..., Any] = functools.partial(op.call, ARRAYS)
    known: Any = list(values)
    if len(op.calls) >= MAX_CALLS:
        op.calls.clear()
    calls = 0

    def call(*args: Any) -> Any:
        nonlocal calls, call_of, known
        calls += 1
        drawing = Drawing() if calls == OFTEN and op.draws else None
        try:
            given = call_of if drawing is None else functools.partial(op.call, drawing)
            drawn = mode.quietly(given, known)
            result = np.asarray(drawn, goal)
        except Exception:  # the door says it in full
            return apply(op, args)
        if drawing is not None:
            call_of = drawing.again(drawn) or call_of
        if calls == OFTEN and not op.draws:
            call_of, known = short_creation(result, op.unset) or (call_of, known)
        tensor = new(Tensor)
        tensor._value = result
        return tensor

    op.calls[key] = call
