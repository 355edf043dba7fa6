"""Python's operators, with NumPy's arrays and numbers on either side; containers' protocols."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.construct import as_tensor
from pullback.dispatch import OPERATORS, TENSORS, bind, bind_in_place, operator
from pullback.formula import is_stored
from pullback.indexing import delitem, getitem, setitem
from pullback.methods.attach import attach, method
from pullback.op import REGISTRY, Op
from pullback.tensor import Tensor

_NUMBERS = (int, float, complex)  # bool is an int


def _in_place(op: Op) -> Callable[[Tensor, Any], Any]:
    """`x += y`: written over x; NotImplemented for what pullback does not know."""
    write = bind_in_place(op)

    def operate(x: Tensor, y: Any) -> Any:
        if not isinstance(y, (Tensor, *_NUMBERS)):
            if isinstance(y, np.generic):
                y = y.item()
            elif isinstance(y, np.ndarray):
                y = as_tensor(y)
            else:
                return NotImplemented
        return write(x, y)

    return operate


def _install_operators() -> None:
    for name, (function, reflected) in OPERATORS.items():
        op = REGISTRY.get(function)
        if op is None:
            continue
        setattr(Tensor, f"__{name}__", operator(op))
        if op.inplace_name and op.result == "same":
            setattr(Tensor, f"__i{name}__", _in_place(op))
        if reflected:
            setattr(Tensor, f"__r{name}__", operator(REGISTRY[reflected]))
        elif op.result != "bool":
            setattr(Tensor, f"__r{name}__", operator(op, swap=True))
    attach("__rdiv__", Tensor.__rtruediv__)  # a name of Python 2's
    for name, function in {"neg": "neg", "abs": "abs"}.items():
        setattr(Tensor, f"__{name}__", bind(REGISTRY[function]))


_install_operators()


@method
def __matmul__(self: Tensor, other: Any) -> Any:
    if not isinstance(other, Tensor):
        if not isinstance(other, np.ndarray):
            return NotImplemented
        other = as_tensor(other)
    return TENSORS.matmul(self, other)


@method
def __rmatmul__(self: Tensor, other: Any) -> Any:
    if not isinstance(other, (Tensor, np.ndarray)):
        return NotImplemented
    return TENSORS.matmul(as_tensor(other), self)


@method
def __invert__(self: Tensor) -> Any:
    if dtypes.kind(self._value.dtype) in "fc":
        raise TypeError(
            f"~ (operator.invert) is only implemented on integer and Boolean-type tensors, not on "
            f"{self.dtype}"
        )
    return TENSORS.bitwise_not(self)


@method
def __pos__(self: Tensor) -> Any:
    if self._value.dtype.kind == "b":
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return self


# ------------------------------------------------------------------------------- containers

for _name, _function in {
    "__getitem__": getitem, "__setitem__": setitem, "__delitem__": delitem,
    "__hash__": object.__hash__,  # tensors are told apart by `is`
}.items():  # fmt: skip
    setattr(Tensor, _name, _function)


@method
def __len__(self: Tensor) -> int:
    if not self._value.ndim:
        raise TypeError("len() of a 0-d tensor")
    return int(self._value.shape[0])


@method
def __iter__(self: Tensor) -> Iterator[Tensor]:
    if not self._value.ndim:
        raise TypeError("iteration over a 0-d tensor")
    if not is_stored(self._value):  # the rows one by one: the matrix may never be
        return (TENSORS.select(self, 0, k) for k in range(self._value.shape[0]))
    return iter(TENSORS.unbind(self, 0))


@method
def __reversed__(self: Tensor) -> Tensor:
    return TENSORS.flip(self, 0) if self._value.ndim else self


@method
def __contains__(self: Tensor, element: Any) -> bool:
    if isinstance(element, Tensor):
        element = element._array
    elif not isinstance(element, (*_NUMBERS, np.generic)):
        raise RuntimeError(
            f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a "
            f"{type(element)}."
        )
    return bool((self._array == element).any())
