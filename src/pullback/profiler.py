"""Labels for stretches of a program, as `torch.profiler`; nothing measures them."""

from __future__ import annotations

from typing import Any

from pullback.autograd.profiler import record_function
from pullback.missing import missing_attribute

__all__ = ["record_function"]


def __getattr__(name: str) -> Any:
    raise missing_attribute(__name__, name, __all__)
