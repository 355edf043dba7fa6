"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pullback.dispatch import TENSORS
from pullback.tensor import Tensor


def parameters_to_vector(parameters: Iterable[Any]) -> Tensor:
    """The elements of all parameters in one vector; differentiable."""
    return TENSORS.cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Any, parameters: Iterable[Any]) -> None:
    """Give parameters the parts of a vector as values, sharing its memory."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    values: Any = vec
    start = 0
    for p in parameters:
        count = p.numel()
        p.data = values[start : start + count].view_as(p).data
        start += count
