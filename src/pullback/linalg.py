"""Linear algebra, as `torch.linalg`."""

from typing import TYPE_CHECKING

from pullback.errors import LinAlgError as LinAlgError
from pullback.namespaces import lazy

if TYPE_CHECKING:
    from pullback.signatures.linalg import *  # noqa: F403  # every operation
else:
    __getattr__, __dir__, __all__ = lazy(__name__, globals())
