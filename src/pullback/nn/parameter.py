"""Parameters: the tensors that a module learns."""

from __future__ import annotations

from typing import Any

from pullback.autograd.views import alias
from pullback.construct import make_leaf, tensor
from pullback.tensor import Tensor


class _ParameterType(type):
    """A parameter is a plain tensor with a mark: operations know only one class of tensors.

    That keeps their short ways short, and `isinstance(x, Parameter)` is the mark's look-up.
    """

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.__dict__.get("_is_parameter", False)


class Parameter(Tensor, metaclass=_ParameterType):
    """A leaf tensor that a `Module` registers when it is assigned as an attribute.

    It shares the memory of `data`. RuntimeError for integers that would require gradients.
    """

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        """The marked tensor. `data` is a tensor; None makes one without elements."""
        if data is None:
            data = tensor([])
        if not isinstance(data, Tensor):
            raise TypeError(
                f"Parameter(): argument 'data' must be Tensor, not {type(data).__name__}: write "
                f"Parameter(torch.tensor(...))"
            )
        made = alias(data)
        made._base, made._made_by = None, ()  # a leaf of its own, not a view of `data`
        if requires_grad:
            if not (made.dtype.is_floating_point or made.dtype.is_complex):
                raise RuntimeError(
                    f"Only Tensors of floating point and complex dtype can require gradients, not "
                    f"{made.dtype}: say requires_grad=False"
                )
            make_leaf(made)
        made.__dict__["_is_parameter"] = True
        return made


class _BufferType(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and "_is_buffer" in instance.__dict__


class Buffer(Tensor, metaclass=_BufferType):
    """A tensor that belongs to a module's state and is not learned; registered by assignment."""

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        """The marked tensor, sharing the memory of `data`."""
        made = alias(tensor([]) if data is None else data)
        made.__dict__["_is_buffer"] = persistent
        return made


def is_lazy(parameter: Any) -> bool:
    """Whether a parameter has no shape yet: none is here, as there are no lazy modules."""
    return False
