"""PyTorch's paths to what lies elsewhere here: `torch.nn.modules.batchnorm`, `torch.optim.adamw`.

PyTorch's files are part of its interface: libraries import from them, `_BatchNorm` for instance.
Where pullback's files are cut otherwise, a path of PyTorch's is a module that has every name of the
package around it, and of that package's modules.
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
        home = self.__dict__["_home"]
        try:
            return getattr(home, name)
        except AttributeError:
            for inside in vars(home).values():
                ours = isinstance(inside, ModuleType) and inside.__name__.startswith(home.__name__)
                if ours and name in vars(inside):
                    return vars(inside)[name]
            raise

    def __dir__(self) -> list[str]:
        return dir(self.__dict__["_home"])


def lead_here(package: str, names: str) -> None:
    """Let `package.name`, for each of some names, lead to the package itself.

    They can be imported, and are attributes of the package where it has no others of these names.
    """
    home = sys.modules[package]
    for name in names.split():
        path = f"{package}.{name}"
        module = sys.modules.setdefault(path, _Elsewhere(path, home))
        vars(home).setdefault(name, module)
