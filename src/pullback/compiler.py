"""What scripts say about compilation, as `torch.compiler`: Python runs as it is.

What is large is compiled anyway, while it runs: values that stay formulas (`config`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = [
    "allow_in_graph", "assume_constant_result", "compile", "cudagraph_mark_step_begin", "disable",
    "is_compiling", "is_dynamo_compiling", "is_exporting", "list_backends", "reset",
]  # fmt: skip


def compile(model: Any = None, **options: Any) -> Any:
    """The module or function itself; without one, a decorator that gives it."""
    return (lambda f: f) if model is None else model


def disable(
    fn: Callable[..., Any] | None = None, recursive: bool = True, *, reason: Any = None
) -> Any:
    """The function itself, or a decorator that gives it."""
    return (lambda f: f) if fn is None else fn


def allow_in_graph(fn: Any) -> Any:
    """The function itself."""
    return fn


def assume_constant_result(fn: Any) -> Any:
    """The function itself."""
    return fn


def is_compiling() -> bool:
    """Whether a script is being written down instead of run: it never is."""
    return False


def is_dynamo_compiling() -> bool:
    """The same under its older name."""
    return False


def is_exporting() -> bool:
    """Whether a model is being exported: it never is."""
    return False


def list_backends(exclude_tags: Any = ()) -> list[str]:
    """The names of compilers to choose from: none."""
    return []


def reset() -> None:
    """Forget what was compiled: nothing is kept by this module."""


def cudagraph_mark_step_begin() -> None:
    """Say that a step begins: nothing is recorded."""
