"""The modules, as `torch.nn.modules`."""

from pullback.nn.modules.container import (
    ModuleDict,
    ModuleList,
    ParameterDict,
    ParameterList,
    Sequential,
)
from pullback.nn.modules.linear import Bilinear, Identity, Linear
from pullback.nn.modules.module import Module

__all__ = [
    "Bilinear",
    "Identity",
    "Linear",
    "Module",
    "ModuleDict",
    "ModuleList",
    "ParameterDict",
    "ParameterList",
    "Sequential",
]
