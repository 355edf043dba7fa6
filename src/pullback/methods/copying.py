"""Tensors pickled and copied: tensors that share memory do so afterwards, as PyTorch's do."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from pullback.backends.memory import address, owner
from pullback.construct import make_leaf
from pullback.methods.attach import method
from pullback.methods.history import INTERNAL
from pullback.tensor import Tensor, wrap

# (the array that owns the memory, and where in it the values are; None if they are all of it)
Stored = tuple[Any, tuple[int, tuple[int, ...], tuple[int, ...], Any] | None]


def _stored(array: Any) -> Stored:
    """An array as its owner and a place: the owner is what copies and pickles know again."""
    base = owner(array)
    if base is array or type(base) is not np.ndarray or not base.flags.forc:
        return array, None
    offset = address(array) - address(base)
    if array.nbytes and not 0 <= offset < base.nbytes:
        return array, None  # not in the owner's memory, as far as NumPy tells
    return base, (offset if array.nbytes else 0, array.shape, array.strides, array.dtype)


def _restore(stored: Stored) -> Any:
    base, place = stored
    if place is None:
        return base
    offset, shape, strides, dtype = place
    memory = base.ravel("K").view(np.uint8)  # a view: the owner is contiguous
    return np.ndarray(shape, dtype, memory, offset, strides)


def _rebuild(stored: Stored, requires_grad: bool, state: dict[str, Any]) -> Tensor:
    made = wrap(_restore(stored))
    made.__dict__.update(state)
    return make_leaf(made) if requires_grad else made


def _own_attributes(self: Tensor) -> dict[str, Any]:
    return {k: v for k, v in self.__dict__.items() if k not in INTERNAL}


@method
def __reduce_ex__(self: Tensor, protocol: Any) -> Any:
    """The values, the user's own attributes and whether gradients are asked for; no history."""
    return _rebuild, (_stored(self._array), self._edge is not None, _own_attributes(self))


@method
def __deepcopy__(self: Tensor, memo: dict[int, Any]) -> Tensor:
    """A leaf with memory of its own, with its gradient. RuntimeError for results."""
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
            "protocol at the moment: call .detach() first"
        )
    known: Tensor | None = memo.get(id(self))
    if known is not None:
        return known
    base, place = _stored(self._array)
    made = wrap(_restore((copy.deepcopy(base, memo), place)))
    memo[id(self)] = made
    if self._edge is not None:
        make_leaf(made)
    if self._grad is not None:
        made._grad = copy.deepcopy(self._grad, memo)
    made.__dict__.update(copy.deepcopy(_own_attributes(self), memo))
    return made
