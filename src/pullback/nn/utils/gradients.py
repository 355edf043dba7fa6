"""Gradients that are too large, made smaller."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pullback.autograd import no_grad
from pullback.construct import from_numpy
from pullback.tensor import Tensor


def _list(tensors: Any) -> list[Any]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def get_total_norm(
    tensors: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: Any = None
) -> Tensor:
    """The norm of all tensors as one vector, a 0-d tensor."""
    norm_type = float(norm_type)
    arrays = [t._array for t in _list(tensors)]
    norms = [float(np.linalg.norm(a.reshape(-1), norm_type)) if a.size else 0.0 for a in arrays]
    total = float(np.linalg.norm(norms, norm_type)) if norms else 0.0
    if error_if_nonfinite and not math.isfinite(total):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, "
            f"so it cannot be clipped. To disable this error and scale the gradients by the "
            f"non-finite norm anyway, set `error_if_nonfinite=False`"
        )
    return from_numpy(np.array(total, arrays[0].dtype if arrays else np.float32))


@no_grad()
def clip_grads_with_norm_(
    parameters: Any, max_norm: float, total_norm: Any, foreach: Any = None
) -> None:
    """Scale the gradients in place so that a total norm becomes at most `max_norm`."""
    factor = float(max_norm) / (float(total_norm) + 1e-6)
    for p in _list(parameters):
        if p.grad is not None and not factor >= 1:  # NaN spreads, as in PyTorch
            p.grad.mul_(factor)


def clip_grad_norm_(
    parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False,
    foreach: Any = None,
) -> Tensor:  # fmt: skip
    """Scale the gradients in place so that their norm is at most `max_norm`; the norm before."""
    parameters = _list(parameters)
    gradients = [p.grad for p in parameters if p.grad is not None]
    total = get_total_norm(gradients, norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


clip_grad_norm = clip_grad_norm_


@no_grad()
def clip_grad_value_(parameters: Any, clip_value: float, foreach: Any = None) -> None:
    """Clamp the gradients in place to ±`clip_value`."""
    bound = float(clip_value)
    for p in _list(parameters):
        if p.grad is not None:
            p.grad.clamp_(-bound, bound)
