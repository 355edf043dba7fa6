"""Linear algebra, as `torch.linalg`."""

from pullback.errors import LinAlgError as LinAlgError
from pullback.namespaces import lazy

__getattr__, __dir__, __all__ = lazy(__name__, globals())
