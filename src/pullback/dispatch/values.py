"""The vocabulary of values: arrays and formulas, computed or kept, not recorded.

Rules are read with it where a backward pass meets formulas and nobody asks for a graph of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.autograd import graph
from pullback.backends.arrays import ARRAYS
from pullback.config import config
from pullback.dispatch.door import keep
from pullback.formula import Formula, build
from pullback.op import REGISTRY, Composite, Op


class ValueVocabulary:
    """`xp` for arrays and formulas."""

    is_eager = False

    def __getattr__(self, name: str) -> Callable[..., Any]:
        op = REGISTRY.get(name)
        if op is None:
            raise AttributeError(f"no operation {name!r} is registered")

        def function(*args: Any, **keywords: Any) -> Any:
            values = op.bind(args, keywords)
            op.normalise(values, getattr(values[op.tensors[0]], "ndim", 0) if op.tensors else 0)
            return compute(op, values)

        setattr(self, name, function)
        return function

    broadcast_shape = staticmethod(ARRAYS.broadcast_shape)

    @staticmethod
    def filled(shape: Sequence[int], value: Any, like: Any) -> Any:
        """A constant with the dtype of another: a formula, if it is large."""
        if math.prod(shape) <= config.defer_elements:
            return ARRAYS.filled(shape, value, like)
        return build(REGISTRY["expand"], [np.full((), value, like.dtype), tuple(shape)])

    @staticmethod
    def apply(op: Op, args: Sequence[Any]) -> Any:
        """An operation given by its declaration, arguments normalised."""
        return compute(op, list(args))


def compute(op: Op, values: list[Any]) -> Any:
    """The result as an array or a formula; plain arguments are normalised already."""
    if isinstance(op, Composite):
        return op.compute(VALUES, values)
    for k in op.tensors:
        values[k] = _current(values[k])
    kept = keep(op, values, values, small=True)
    if kept is not None:
        return kept
    result = op.compute(ARRAYS, values)
    return result if isinstance(result, tuple) else np.asarray(result)


def _current(value: Any) -> Any:
    """The array, or a formula that is still one."""
    if type(value) is Formula:
        return value if value.array is None else value.array
    return [_current(v) for v in value] if isinstance(value, (list, tuple)) else value


VALUES = graph.VALUES = ValueVocabulary()
