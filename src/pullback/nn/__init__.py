"""Building blocks of models, as `torch.nn`."""

from pullback.nn import functional, init, modules, parameter, utils
from pullback.nn.modules import *  # noqa: F403
from pullback.nn.modules import __all__ as _modules
from pullback.nn.parameter import Buffer, Parameter

__all__ = [
    "Buffer", "Parameter", "functional", "init", "modules", "parameter", "utils", *_modules,
]  # fmt: skip


def __getattr__(name: str) -> object:
    from pullback.missing import missing_attribute

    raise missing_attribute(__name__, name, [*__all__, *functional.__all__])
