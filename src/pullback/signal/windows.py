"""Windows, as `torch.signal.windows`."""

from pullback.namespaces import lazy

__getattr__, __dir__, __all__ = lazy(__name__, globals())
