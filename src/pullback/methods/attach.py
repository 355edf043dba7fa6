"""How functions become methods of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback.tensor import Tensor


def method(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: attach a function to Tensor under its own name."""
    setattr(Tensor, function.__name__, function)
    function.__qualname__ = f"Tensor.{function.__name__}"
    return function


def attribute(function: Callable[..., Any]) -> property:
    """Decorator: attach a property, read-only unless a setter is given to it."""
    made = property(function)
    setattr(Tensor, function.__name__, made)
    return made


def setter(of: property) -> Callable[[Callable[..., Any]], property]:
    """Decorator: what assigning to an attached property does."""

    def attach(function: Callable[..., Any]) -> property:
        made = of.setter(function)
        setattr(Tensor, of.fget.__name__, made)  # type: ignore[union-attr]  # it has a getter
        return made

    return attach
