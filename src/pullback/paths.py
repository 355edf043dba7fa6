"""PyTorch's paths to what lies elsewhere here: `torch.nn.modules.batchnorm`, `torch.optim.adamw`.

PyTorch's files are part of its interface: libraries import from them. Where pullback's files are
cut otherwise, a path of PyTorch's is a module that has every name of the package around it.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Elsewhere(ModuleType):
    """A module without names of its own."""

    def __init__(self, name: str, home: ModuleType):
        super().__init__(name, f"What is here is in {home.__name__}.")
        self.__dict__["_home"] = home

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what is asked of modules, such as __path__: not the home's
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(self.__dict__["_home"], name)

    def __dir__(self) -> list[str]:
        return dir(self.__dict__["_home"])


def lead_here(package: str, names: str, home: str | None = None) -> None:
    """Let `package.name`, for each of some names, lead to the package itself, or to a `home`.

    They can be imported, and are attributes of the package where it has no others of these names.
    """
    parent = sys.modules[package]
    for name in names.split():
        path = f"{package}.{name}"
        module = sys.modules.setdefault(path, _Elsewhere(path, sys.modules[home or package]))
        vars(parent).setdefault(name, module)
