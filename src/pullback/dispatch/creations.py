"""Creations such as were met before: calls without tensors.

Their plain arguments are kept in their normal form, what they give is copied if it is small, and
what does nothing but draw random numbers draws again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.autograd.modes import mode
from pullback.backends.arrays import ARRAYS
from pullback.dispatch.known import MAX_CALLS, OFTEN, Apply
from pullback.dispatch.straight import short_creation
from pullback.op import Creation
from pullback.tensor import Tensor

new = object.__new__


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
