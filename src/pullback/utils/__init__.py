"""Tools around tensors: data sets, checkpoints, extensions in C++."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pullback.missing import missing_attribute

# Imported when they are first used.
_SUBMODULES = ("_pytree", "benchmark", "checkpoint", "cpp_extension", "data", "dlpack", "hooks")


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    raise missing_attribute(__name__, name, _SUBMODULES)


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES})
