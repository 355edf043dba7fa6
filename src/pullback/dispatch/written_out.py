"""Primitives that are several calls of NumPy's, as these calls.

A primitive is one call in a straight line, with what Python does in its body done again each time.
Those on single elements ask for no more than shapes and dtypes, as a rule: they are called once
with these stand-ins, which NumPy's functions take, and write down what comes of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import FunctionType
from typing import Any

import numpy as np

from pullback.backends.along import without_protocol
from pullback.backends.scalar import PRIMITIVES

# Those that are written in Python.
WRITTEN_OUT = frozenset(
    p.compute for p in PRIMITIVES.values() if isinstance(p.compute, FunctionType)
) - {without_protocol(np.where)}


class NotWrittenOut(Exception):
    """A body that asks for more."""


class Inside(np.lib.mixins.NDArrayOperatorsMixin):
    """A stand-in of a line, as an argument of NumPy's functions."""

    def __init__(self, standin: Any) -> None:
        self.standin = standin

    dtype = property(lambda self: self.standin.dtype)
    shape = property(lambda self: self.standin.shape)
    ndim = property(lambda self: self.standin.ndim)
    size = property(lambda self: self.standin.size)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        if method != "__call__" or keywords:
            raise NotWrittenOut
        return self._called(ufunc, inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, keywords: Any) -> Any:
        if function is not np.where or keywords:
            raise NotWrittenOut
        return self._called(without_protocol(np.where), args)

    def _called(self, function: Any, args: Sequence[Any]) -> Any:
        return Inside(self.standin.line.called(function, [_outside(a) for a in args]))

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """The numbers in another dtype."""
        if self.dtype == dtype and not copy:
            return self
        return Inside(self.standin.line.method("astype", self.standin, np.dtype(dtype)))

    def view(self, dtype: Any) -> Any:
        """The bits as numbers of another dtype."""
        return Inside(self.standin.line.method("view", self.standin, np.dtype(dtype)))

    def __bool__(self) -> bool:
        raise NotWrittenOut

    __array__ = __float__ = __int__ = __iter__ = __len__ = __bool__


def _outside(value: Any) -> Any:
    return value.standin if type(value) is Inside else value


def written_out(primitive: Any, args: Sequence[Any], standin: type) -> Any:
    """What a primitive gives, its body among the lines; an exception if it asks its arguments for
    more than can be known."""
    return _outside(primitive(*[Inside(a) if type(a) is standin else a for a in args]))
