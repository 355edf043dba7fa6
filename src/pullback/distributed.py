"""Several processes, as `torch.distributed`: there are none, and scripts that ask are told so."""

from __future__ import annotations

from typing import Any

from pullback.missing import missing_attribute

__all__ = ["is_available", "is_initialized", "is_torchelastic_launched"]


def is_available() -> bool:
    """Whether processes can compute together: they cannot."""
    return False


def is_initialized() -> bool:
    """Whether processes compute together: they never do."""
    return False


def is_torchelastic_launched() -> bool:
    """Whether a launcher started the process: none does."""
    return False


def __getattr__(name: str) -> Any:
    raise missing_attribute(__name__, name, __all__)
