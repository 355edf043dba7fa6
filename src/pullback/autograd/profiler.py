"""Labels for stretches of a program, as `torch.autograd.profiler`; nothing measures them."""

from __future__ import annotations

from contextlib import ContextDecorator
from typing import Any

from pullback.missing import missing_attribute

__all__ = ["record_function"]


class record_function(ContextDecorator):
    """A block, or a function, with a name, of which nobody takes notice."""

    def __init__(self, name: str, args: str | None = None):
        self.name, self.args = name, args

    def __enter__(self) -> record_function:
        return self

    def __exit__(self, *error: object) -> None:
        pass


def __getattr__(name: str) -> Any:
    raise missing_attribute(__name__, name, __all__)
