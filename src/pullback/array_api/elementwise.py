"""Functions of single elements: PyTorch's, under the standard's names."""

from __future__ import annotations

from typing import Any

import pullback as torch
from pullback.array_api.promotion import binary, promoted, unary
from pullback.tensor import Tensor


def _unary(name: str, torch_name: str = "") -> Any:
    return unary(getattr(torch, torch_name or name), name)


def _binary(name: str, torch_name: str = "") -> Any:
    return binary(getattr(torch, torch_name or name), name)


abs = _unary("abs")
acos = _unary("acos")
acosh = _unary("acosh")
asin = _unary("asin")
asinh = _unary("asinh")
atan = _unary("atan")
atanh = _unary("atanh")
bitwise_invert = _unary("bitwise_invert", "bitwise_not")
ceil = _unary("ceil")
conj = _unary("conj")
cos = _unary("cos")
cosh = _unary("cosh")
exp = _unary("exp")
floor = _unary("floor")
imag = _unary("imag")
isfinite = _unary("isfinite")
isinf = _unary("isinf")
isnan = _unary("isnan")
log = _unary("log")
log10 = _unary("log10")
log1p = _unary("log1p")
log2 = _unary("log2")
logical_not = _unary("logical_not")
negative = _unary("negative")
positive = _unary("positive")
real = _unary("real")
reciprocal = _unary("reciprocal")
signbit = _unary("signbit")
sin = _unary("sin")
sinh = _unary("sinh")
sqrt = _unary("sqrt")
square = _unary("square")
tan = _unary("tan")
tanh = _unary("tanh")
trunc = _unary("trunc")

add = _binary("add")
atan2 = _binary("atan2")
bitwise_and = _binary("bitwise_and")
bitwise_left_shift = _binary("bitwise_left_shift")
bitwise_or = _binary("bitwise_or")
bitwise_right_shift = _binary("bitwise_right_shift")
bitwise_xor = _binary("bitwise_xor")
copysign = _binary("copysign")
divide = _binary("divide")
equal = _binary("equal", "eq")
greater = _binary("greater")
greater_equal = _binary("greater_equal")
hypot = _binary("hypot")
less = _binary("less")
less_equal = _binary("less_equal")
logaddexp = _binary("logaddexp")
logical_and = _binary("logical_and")
logical_or = _binary("logical_or")
logical_xor = _binary("logical_xor")
maximum = _binary("maximum")
minimum = _binary("minimum")
multiply = _binary("multiply")
nextafter = _binary("nextafter")
not_equal = _binary("not_equal")
pow = _binary("pow")
subtract = _binary("subtract")


def expm1(x: Any, /) -> Any:
    """exp(x) - 1, accurately near 0; at complex infinities what exp gives there, less 1."""
    if not x.dtype.is_complex:
        return torch.expm1(x)
    near = torch.isfinite(x) & (x != 0)
    return torch.where(near, torch.expm1(x), torch.exp(x) - 1)


def round(x: Any, /) -> Any:
    """The nearest whole numbers, the even one of two as near; of complex numbers, of both parts."""
    if x.dtype.is_complex:
        return torch.complex(torch.round(x.real), torch.round(x.imag))
    return torch.round(x)


def sign(x: Any, /) -> Any:
    """-1, 0 or 1; z / |z| of complex numbers. NaN for NaN, where PyTorch's has 0."""
    if x.dtype.is_floating_point:
        return torch.where(torch.isnan(x), x, torch.sign(x))
    return torch.sgn(x)


def floor_divide(x1: Any, x2: Any, /) -> Any:
    """The quotient rounded down; an infinite operand makes it the quotient, as the standard wants.

    PyTorch and Python have NaN for infinity // 2, and -1 for 2 // -infinity.
    """
    x1, x2 = promoted((x1, x2))
    rounded = torch.floor_divide(x1, x2)
    if not rounded.dtype.is_floating_point:
        return rounded
    infinite = torch.isinf(torch.as_tensor(x1)) | torch.isinf(torch.as_tensor(x2))
    return torch.where(infinite, torch.true_divide(x1, x2), rounded)


def remainder(x1: Any, x2: Any, /) -> Any:
    """What floor division leaves over, with the sign of x2 even if it is 0."""
    x1, x2 = promoted((x1, x2))
    left = torch.remainder(x1, x2)
    if not left.dtype.is_floating_point:
        return left
    return torch.where(left == 0, torch.copysign(torch.zeros_like(left), x2), left)


def clip(x: Any, /, min: Any = None, max: Any = None) -> Any:
    """The elements cut off at two bounds, in the dtype of x: numbers or tensors that broadcast.

    A copy of x without bounds.
    """
    if min is None and max is None:
        return x.clone()
    return torch.clamp(x, min, max).to(x.dtype)


def where(condition: Any, x1: Any, x2: Any, /) -> Any:
    """Elements of x1 where the condition is true, of x2 elsewhere; one of them may be a number."""
    if isinstance(x1, Tensor) and isinstance(x2, Tensor):
        x1, x2 = promoted((x1, x2))
    return torch.where(condition, x1, x2)
