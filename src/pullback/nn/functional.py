"""Functions of models, as `torch.nn.functional`."""

from pullback import namespaces
from pullback.dispatch import bind

_own, __dir__, __all__ = namespaces.lazy(__name__, globals())
# PyTorch has some of its plain functions here as well.
_SHARED = ("relu", "sigmoid", "tanh", "softmax", "log_softmax")
__all__ = [*__all__, *_SHARED]


def __getattr__(name: str) -> object:
    if name in _SHARED:
        return bind(namespaces.functions("")[name])
    return _own(name)
