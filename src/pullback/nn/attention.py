"""Which kernel attention is computed with, as `torch.nn.attention`: there is one, for all."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(enum.Enum):
    """What PyTorch chooses from."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextmanager
def sdpa_kernel(
    backends: SDPBackend | Sequence[SDPBackend], set_priority: bool = False
) -> Iterator[None]:
    """A block, or a function, in which `scaled_dot_product_attention` is computed as everywhere.

    AssertionError for what is no `SDPBackend`.
    """
    given = [backends] if isinstance(backends, SDPBackend) else list(backends)
    if not given or not all(isinstance(b, SDPBackend) for b in given):
        raise AssertionError(f"sdpa_kernel: expected SDPBackends, but got {backends!r}")
    yield


def __getattr__(name: str) -> object:
    from pullback.missing import missing_attribute

    raise missing_attribute(__name__, name, __all__)
