"""What scripts say to PyTorch's compiler by its older path: as `compiler`, Python runs as it is."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from pullback.compiler import (
    allow_in_graph,
    assume_constant_result,
    disable,
    is_compiling,
    list_backends,
    reset,
)
from pullback.missing import missing_attribute

__all__ = [
    "allow_in_graph", "assume_constant_result", "config", "disable", "graph_break", "is_compiling",
    "list_backends", "mark_dynamic", "mark_static", "maybe_mark_dynamic", "optimize", "reset",
]  # fmt: skip

# Settings of a compiler that is not there: they are noted, and can be asked for again.
config = SimpleNamespace(
    cache_size_limit=8, recompile_limit=8, suppress_errors=False, verbose=False,
    capture_scalar_outputs=False, assume_static_by_default=True, optimize_ddp=True,
)  # fmt: skip


def optimize(*options: Any, **named: Any) -> Callable[[Any], Any]:
    """A decorator that gives the function itself."""
    return lambda f: f


def mark_dynamic(t: Any, index: Any, **bounds: Any) -> None:
    """Say that sizes will change: no code depends on them."""


maybe_mark_dynamic = mark_static = mark_dynamic


def graph_break(msg: str = "") -> None:
    """Say that a compiled graph ends: none has begun."""


def __getattr__(name: str) -> Any:
    raise missing_attribute(__name__, name, __all__)
