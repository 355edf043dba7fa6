"""Building blocks of models, as `torch.nn`."""

from pullback.nn import functional, init, modules, parameter, utils
from pullback.nn.modules import *  # noqa: F403  # what its __all__ lists
from pullback.nn.modules import __all__ as _modules
from pullback.nn.parameter import (
    Buffer,
    Parameter,
    UninitializedBuffer,
    UninitializedParameter,
)

__all__ = [
    "Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter",
    "functional", "init", "modules", "parameter", "utils", *_modules,
]  # fmt: skip


def __getattr__(name: str) -> object:
    from pullback.missing import missing_attribute

    raise missing_attribute(__name__, name, [*__all__, *functional.__all__])
