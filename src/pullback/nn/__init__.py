"""Building blocks of models, as `torch.nn`."""

from importlib import import_module

from pullback.nn import functional, init, modules, parallel, parameter, utils
from pullback.nn.modules import *  # noqa: F403  # what its __all__ lists
from pullback.nn.modules import __all__ as _modules
from pullback.nn.parallel import DataParallel
from pullback.nn.parameter import (
    Buffer,
    Parameter,
    UninitializedBuffer,
    UninitializedParameter,
)

__all__ = [
    "Buffer", "DataParallel", "Parameter", "UninitializedBuffer", "UninitializedParameter",
    "functional", "init", "modules", "parallel", "parameter", "utils", *_modules,
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name == "attention":
        return import_module("pullback.nn.attention")
    from pullback.missing import missing_attribute

    raise missing_attribute(__name__, name, [*__all__, *functional.__all__])
