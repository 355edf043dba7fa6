"""Special functions, as `torch.special`."""

from typing import TYPE_CHECKING

from pullback.namespaces import lazy

if TYPE_CHECKING:
    from pullback.signatures.special import *  # noqa: F403  # every operation
else:
    __getattr__, __dir__, __all__ = lazy(__name__, globals())
