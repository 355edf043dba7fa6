"""Functions of models, as `torch.nn.functional`."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from pullback import namespaces
from pullback.dispatch import bind
from pullback.op import REGISTRY

if TYPE_CHECKING:
    from pullback.signatures.nn_functional import *  # noqa: F403  # every operation

_own, __dir__, __all__ = namespaces.lazy(__name__, globals())
# PyTorch has some of its plain functions here as well.
_SHARED = ("relu", "sigmoid", "tanh")
# Those that have `inplace=True` under a name of its own.
_IN_PLACE = (
    "celu_", "elu_", "hardtanh_", "leaky_relu_", "relu_", "rrelu_", "selu_", "threshold_",
)  # fmt: skip
# Those that have `return_indices=True` under a name of its own.
_WITH_INDICES = tuple(
    f"{kind}_max_pool{rank}d_with_indices"
    for kind, ranks in (("adaptive", (1, 2, 3)), ("fractional", (2, 3))) for rank in ranks
)  # fmt: skip
__all__ = [*__all__, *_SHARED, *_IN_PLACE, *_WITH_INDICES]


def __getattr__(name: str) -> Any:
    if name in _SHARED:
        function = globals()[name] = bind(REGISTRY[name])
        return function
    if name == "conv_tbc":  # which is written with what is here
        from pullback.nn.under_torch import conv_tbc

        return conv_tbc
    if name in _IN_PLACE:
        function = functools.partial(__getattr__(name[:-1]), inplace=True)
        function.__doc__ = f"`{name[:-1]}` with inplace=True."
        return function
    if name in _WITH_INDICES:
        plain = name.removesuffix("_with_indices")
        function = functools.partial(__getattr__(plain), return_indices=True)
        function.__doc__ = f"`{plain}` with return_indices=True."
        return function
    return _own(name)
