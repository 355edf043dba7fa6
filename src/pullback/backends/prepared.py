"""Functions of arrays that are found for shapes and dtypes first.

Where an operation is called over and over, on arrays of the same shapes, what depends on these
alone is asked once: `dispatch.straight` keeps the function of the arrays that a primitive such as
these has for them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any


class Prepared:
    """A function of so many arrays, and plain arguments behind them."""

    def __init__(self, plan: Callable[..., Callable[..., Any]], arrays: int):
        functools.update_wrapper(self, plan)
        self.plan, self.arrays = plan, arrays

    def __call__(self, *args: Any) -> Any:
        return self.plan(*args)(*args[: self.arrays])

    def split(self, args: Sequence[Any]) -> tuple[Callable[..., Any], Sequence[Any]]:
        """The function for arrays such as these, and the arrays."""
        return self.plan(*args), args[: self.arrays]


def prepared(arrays: int = 1) -> Callable[[Callable[..., Callable[..., Any]]], Prepared]:
    """Decorates what gives, for arrays and plain arguments, the function of arrays such as these.

    It may ask arrays for their shape and dtype and no more; an array may be None.
    """
    return lambda plan: Prepared(plan, arrays)
