"""Functions of models, as `torch.nn.functional`."""

from __future__ import annotations

import functools
from typing import Any

from pullback import namespaces
from pullback.dispatch import bind

_own, __dir__, __all__ = namespaces.lazy(__name__, globals())
# PyTorch has some of its plain functions here as well.
_SHARED = ("relu", "sigmoid", "tanh")
# Those that have `inplace=True` under a name of its own.
_IN_PLACE = (
    "celu_", "elu_", "hardtanh_", "leaky_relu_", "relu_", "rrelu_", "selu_", "threshold_",
)  # fmt: skip
__all__ = [*__all__, *_SHARED, *_IN_PLACE]


def __getattr__(name: str) -> Any:
    if name in _SHARED:
        return bind(namespaces.functions("")[name])
    if name == "conv_tbc":  # which is written with what is here
        from pullback.nn.under_torch import conv_tbc

        return conv_tbc
    if name in _IN_PLACE:
        function = functools.partial(__getattr__(name[:-1]), inplace=True)
        function.__doc__ = f"`{name[:-1]}` with inplace=True."
        return function
    return _own(name)
