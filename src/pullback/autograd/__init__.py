"""The graph engine: recording modes, the backward pass, numerical checks of derivatives."""

from pullback.autograd import forward_ad as forward_ad
from pullback.autograd.engine import backward, grad
from pullback.autograd.function import Function
from pullback.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from pullback.autograd.graph import Node
from pullback.autograd.modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from pullback.tensor import Tensor

Variable = Tensor

__all__ = [
    "Function",
    "GradcheckError",
    "Node",
    "Variable",
    "backward",
    "enable_grad",
    "forward_ad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
]
