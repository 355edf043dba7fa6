"""Operations on the elements that a mask leaves, as `torch.masked`."""

from typing import TYPE_CHECKING

from pullback.namespaces import lazy

if TYPE_CHECKING:
    from pullback.signatures.masked import *  # noqa: F403  # every operation
else:
    __getattr__, __dir__, __all__ = lazy(__name__, globals())
