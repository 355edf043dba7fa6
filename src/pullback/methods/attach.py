"""How functions become methods of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pullback.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])


def attach(name: str, value: Any) -> None:
    """Attach anything to Tensor, under a name."""
    setattr(Tensor, name, value)


def method(function: F) -> F:
    """Decorator: attach a function to Tensor under its own name."""
    attach(function.__name__, function)
    function.__qualname__ = f"Tensor.{function.__name__}"
    return function


def attribute(function: Callable[..., Any]) -> property:
    """Decorator: attach a property, read-only unless a setter is given to it."""
    made = property(function)
    attach(function.__name__, made)
    return made


def setter(of: property) -> Callable[[Callable[..., Any]], property]:
    """Decorator: what assigning to an attached property does."""

    def replace(function: Callable[..., Any]) -> property:
        assert of.fget is not None
        made = of.setter(function)
        attach(of.fget.__name__, made)
        return made

    return replace
