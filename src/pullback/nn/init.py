"""How parameters begin, as `torch.nn.init`: functions that fill a tensor in place.

Sources: X. Glorot and Y. Bengio, AISTATS 2010 (xavier); K. He et al., ICCV 2015 (kaiming);
A. Saxe et al., arXiv 1312.6120 (orthogonal); J. Martens, ICML 2010 (sparse).
"""

from __future__ import annotations

import functools
import math
import warnings
from typing import Any

from pullback.autograd import no_grad
from pullback.dispatch import TENSORS
from pullback.tensor import Tensor


def _fan(tensor: Tensor) -> tuple[int, int]:
    """How many inputs and outputs each output and input of a layer's weight has."""
    if tensor.dim() < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"
        )
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


_calculate_fan_in_and_fan_out = _fan


def _one_fan(tensor: Tensor, mode: str) -> int:
    if mode.lower() not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    return _fan(tensor)[mode.lower() == "fan_out"]


def calculate_gain(nonlinearity: str, param: Any = None) -> float:
    """What a nonlinearity takes from the standard deviation, to be given back."""
    linear = ("linear", "sigmoid", *(f"conv{t}{n}d" for t in ("", "_transpose") for n in (1, 2, 3)))
    if nonlinearity in linear:
        return 1.0
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "selu":
        return 3.0 / 4
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


@no_grad()
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform on [a, b)."""
    return tensor.uniform_(a, b, generator=generator)


@no_grad()
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Normal."""
    return tensor.normal_(mean, std, generator=generator)


@no_grad()
def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0,
    generator: Any = None,
) -> Tensor:  # fmt: skip
    """Normal, conditioned on [a, b], by the inverse of its distribution function."""
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of "
            "values may be incorrect.",
            stacklevel=2,
        )
    import numpy as np
    from scipy.special import ndtr, ndtri

    low, high = ndtr((a - mean) / std), ndtr((b - mean) / std)
    drawn = np.asarray(TENSORS.rand(*tensor.shape, generator=generator, dtype=float).numpy())
    values = ndtri(low + (high - low) * drawn.astype(np.float64)) * std + mean
    from pullback.construct import from_numpy

    return tensor.copy_(from_numpy(np.clip(values, a, b)))


@no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value."""
    return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros."""
    return constant_(tensor, 0.0)


@no_grad()
def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix."""
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return tensor.copy_(TENSORS.eye(*tensor.shape))


@no_grad()
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Convolutions that leave as many channels as they can as they are."""
    if tensor.dim() not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    outputs = tensor.shape[0]
    if outputs % groups:
        raise ValueError("dim 0 must be divisible by groups")
    per_group = outputs // groups
    tensor.zero_()
    middle = tuple(n // 2 for n in tensor.shape[2:])
    for g in range(groups):
        for d in range(min(per_group, tensor.shape[1])):
            tensor[(g * per_group + d, d, *middle)] = 1
    return tensor


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    r"""Uniform with standard deviation gain √(2 / (fan_in + fan_out))."""
    bound = gain * math.sqrt(6.0 / sum(_fan(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    r"""Normal with standard deviation gain √(2 / (fan_in + fan_out))."""
    deviation = gain * math.sqrt(2.0 / sum(_fan(tensor)))
    return normal_(tensor, 0.0, deviation, generator)


def _deviation(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    return calculate_gain(nonlinearity, a) / math.sqrt(_one_fan(tensor, mode))


def _is_empty(tensor: Tensor) -> bool:
    """Whether there is nothing to draw, which is warned of."""
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return True
    return False


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:  # fmt: skip
    """Uniform with standard deviation gain / √fan."""
    if _is_empty(tensor):
        return tensor
    bound = math.sqrt(3.0) * _deviation(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:  # fmt: skip
    """Normal with standard deviation gain / √fan."""
    if _is_empty(tensor):
        return tensor
    deviation = _deviation(tensor, a, mode, nonlinearity)
    return normal_(tensor, 0.0, deviation, generator)


@no_grad()
def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """Rows or columns that are orthonormal, times the gain; uniformly distributed."""
    if tensor.dim() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if not tensor.numel():
        return tensor
    import numpy as np

    from pullback.construct import from_numpy

    rows = tensor.shape[0]
    columns = tensor.numel() // rows
    drawn = TENSORS.randn(rows, columns, generator=generator).double().numpy()
    q, r = np.linalg.qr(drawn.T if rows < columns else drawn)
    q = q * np.sign(np.diagonal(r))
    q = np.ascontiguousarray(q.T if rows < columns else q) * gain
    return tensor.copy_(from_numpy(q).reshape(tensor.shape))


@no_grad()
def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Normal, with this part of each column set to zero."""
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    tensor.normal_(0, std, generator=generator)
    for c in range(columns):
        tensor[TENSORS.randperm(rows, generator=generator)[:zeros], c] = 0
    return tensor


def _older(name: str) -> Any:
    """The function under the name that it had before: with a FutureWarning."""
    function = globals()[f"{name}_"]

    @functools.wraps(function)
    def renamed(*args: Any, **keywords: Any) -> Any:
        warnings.warn(
            f"`nn.init.{name}` is now deprecated in favor of `nn.init.{name}_`.",
            FutureWarning, stacklevel=2,
        )  # fmt: skip
        return function(*args, **keywords)

    renamed.__name__ = renamed.__qualname__ = name
    return renamed


globals().update({name: _older(name) for name in (
    "constant", "dirac", "eye", "kaiming_normal", "kaiming_uniform", "normal", "orthogonal",
    "sparse", "uniform", "xavier_normal", "xavier_uniform",
)})  # fmt: skip
