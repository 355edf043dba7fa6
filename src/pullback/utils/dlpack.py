"""Tensors shared with other libraries, as `torch.utils.dlpack`."""

from __future__ import annotations

from typing import Any

from pullback.construct import from_dlpack as from_dlpack
from pullback.tensor import Tensor

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tensor: Tensor) -> Any:
    """A capsule of the tensor's memory, which can be taken once: prefer the other's from_dlpack."""
    return tensor.__dlpack__()
