"""Batch normalisation in evaluation, computed into the weights of the layer before it."""

from __future__ import annotations

import copy
from typing import Any

from pullback.autograd import no_grad
from pullback.nn.parameter import Parameter
from pullback.tensor import Tensor

__all__ = [
    "fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights",
]  # fmt: skip


def _fused(
    weight: Any, bias: Any, mean: Any, variance: Any, eps: float, bn_weight: Any,
    bn_bias: Any, axis: int,
) -> tuple[Parameter, Parameter]:  # fmt: skip
    with no_grad():
        scale = (variance + eps).rsqrt()
        if bn_weight is not None:
            scale = scale * bn_weight
        shape = [1] * weight.ndim
        shape[axis] = -1
        new_weight = (weight * scale.reshape(shape)).to(weight.dtype)
        new_bias = (-mean if bias is None else bias - mean) * scale
        if bn_bias is not None:
            new_bias = new_bias + bn_bias
        dtype = weight.dtype if bias is None else bias.dtype
    wants = weight.requires_grad, weight.requires_grad if bias is None else bias.requires_grad
    return Parameter(new_weight, wants[0]), Parameter(new_bias.to(dtype), wants[1])


def fuse_conv_bn_weights(
    conv_w: Tensor, conv_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float,
    bn_w: Tensor | None, bn_b: Tensor | None, transpose: bool = False,
) -> tuple[Parameter, Parameter]:  # fmt: skip
    """(weight, bias) of a convolution that does the batch normalisation after it as well."""
    return _fused(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 1 if transpose else 0)


def fuse_linear_bn_weights(
    linear_w: Tensor, linear_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float,
    bn_w: Tensor | None, bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:  # fmt: skip
    """(weight, bias) of a linear layer that does the batch normalisation after it as well."""
    return _fused(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 0)


def _module(layer: Any, bn: Any, axis: int) -> Any:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    made = copy.deepcopy(layer)
    made.weight, made.bias = _fused(
        made.weight, made.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, axis
    )
    return made


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """A copy of a convolution that does the batch normalisation after it, in evaluation, too."""
    return _module(conv, bn, 1 if transpose else 0)


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """A copy of a linear layer that does the batch normalisation after it, in evaluation, too.

    The normalisation has as many features as the layer gives, or one. AssertionError otherwise.
    """
    if bn.num_features not in (linear.out_features, 1):
        raise AssertionError(
            f"To fuse, linear.out_features == bn.num_features or bn.num_features == 1, not "
            f"{linear.out_features} and {bn.num_features}"
        )
    return _module(linear, bn, 0)
