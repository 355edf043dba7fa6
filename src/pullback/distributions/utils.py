"""What distributions of one's own are written with, as `torch.distributions.utils`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pullback as torch
from pullback.distributions.distribution import broadcast_all, sum_last

__all__ = [
    "broadcast_all", "clamp_probs", "euler_constant", "lazy_property", "logits_to_probs",
    "probs_to_logits", "tril_matrix_to_vec", "vec_to_tril_matrix",
]  # fmt: skip

_sum_rightmost = sum_last  # PyTorch's name: libraries take it from here
euler_constant = 0.57721566490153286060


def _standard_normal(shape: Any, dtype: Any, device: Any = None) -> Any:
    """Standard normal numbers, as libraries draw them for `rsample`."""
    return torch.randn(shape, dtype=dtype, device=device)


def clamp_probs(probs: Any) -> Any:
    """Probabilities away from 0 and 1 by the precision of their dtype."""
    eps = torch.finfo(probs.dtype).eps
    return probs.clamp(eps, 1 - eps)


def probs_to_logits(probs: Any, is_binary: bool = False) -> Any:
    """The logarithms of probabilities; of probabilities of a one, log p - log(1 - p)."""
    inside = clamp_probs(probs)
    return inside.log() - torch.log1p(-inside) if is_binary else inside.log()


def logits_to_probs(logits: Any, is_binary: bool = False) -> Any:
    """The probabilities of logits along the last axis, or of ones."""
    return torch.sigmoid(logits) if is_binary else torch.softmax(logits, -1)


class lazy_property:  # PyTorch's name
    """Decorator: a property that is computed once, and is an attribute of the object then."""

    def __init__(self, wrapped: Callable[[Any], Any]):
        self.wrapped = wrapped
        self.__doc__ = wrapped.__doc__

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self  # in the class: a descriptor, as properties are
        with torch.enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


def vec_to_tril_matrix(vec: Any, diag: int = 0) -> Any:
    """Lower triangular matrices (…, n, n) of vectors (…, D), row by row.

    `diag`: below which diagonal the matrix is zero-free, 0 for D = n(n + 1)/2, -1 for n(n - 1)/2.
    """
    count = vec.shape[-1]
    size = round(((1 + 8 * count) ** 0.5 - 1) / 2) - diag
    if len(torch.tril_indices(size, size, diag)[0]) != count:
        raise ValueError(
            f"The size of last dimension is {count} which cannot be expressed as the lower "
            f"triangular part of a square D x D matrix."
        )
    rows, columns = torch.tril_indices(size, size, diag)
    places = (rows * size + columns).expand(*vec.shape[:-1], count)
    empty = vec.new_zeros((*vec.shape[:-1], size * size))
    return empty.scatter(-1, places, vec).reshape(*vec.shape[:-1], size, size)


def tril_matrix_to_vec(mat: Any, diag: int = 0) -> Any:
    """The lower triangular parts of matrices (…, n, n) as vectors, row by row."""
    size = mat.shape[-1]
    if not -size < diag < size:
        raise ValueError(f"diag ({diag}) provided is outside [{-size}, {size - 1}].")
    rows, columns = torch.tril_indices(size, size, diag)
    return mat[..., rows, columns]
