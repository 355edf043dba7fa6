"""Operations on the elements that a mask leaves, as `torch.masked`."""

from pullback.namespaces import lazy

__getattr__, __dir__, __all__ = lazy(__name__, globals())
