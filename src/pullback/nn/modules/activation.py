"""Activations as modules."""

from __future__ import annotations

from typing import Any

from pullback.dispatch import TENSORS
from pullback.nn import functional
from pullback.nn.modules.module import Module
from pullback.nn.parameter import Parameter

F: Any = functional


class _Function(Module):
    """A function whose options are attributes: `_name` in `functional`, `_options` in order."""

    _name = ""
    _options: tuple[str, ...] = ()
    _shown: tuple[str, ...] | None = None  # in the text, unless it is all of them

    def forward(self, input: Any) -> Any:
        """The function of the input."""
        function = getattr(F, self._name)
        return function(input, *(getattr(self, name) for name in self._options))

    def extra_repr(self) -> str:
        """The options; `inplace` only if it is true."""
        shown = self._options if self._shown is None else self._shown
        parts = [f"{n}={getattr(self, n)}" for n in shown if n != "inplace"]
        if getattr(self, "inplace", False):
            parts.append("inplace=True")
        return ", ".join(parts)


def _plain(name: str, function: str, doc: str) -> Any:
    """A module without options."""
    return type(name, (_Function,), {"_name": function, "__doc__": doc, "__module__": __name__})


def _in_place(name: str, function: str, doc: str) -> Any:
    """A module whose only option is whether it writes over its input."""

    def __init__(self: Any, inplace: bool = False) -> None:
        Module.__init__(self)
        self.inplace = inplace

    members = {"_name": function, "_options": ("inplace",), "__init__": __init__}
    return type(name, (_Function,), {**members, "__doc__": doc, "__module__": __name__})


Sigmoid = _plain("Sigmoid", "sigmoid", "Logistic function.")
Tanh = _plain("Tanh", "tanh", "Hyperbolic tangent.")
LogSigmoid = _plain("LogSigmoid", "logsigmoid", "Logarithm of the logistic function.")
Softsign = _plain("Softsign", "softsign", "x / (1 + |x|).")
Tanhshrink = _plain("Tanhshrink", "tanhshrink", "x - tanh x.")
ReLU = _in_place("ReLU", "relu", "Positive part.")
ReLU6 = _in_place("ReLU6", "relu6", "The input between 0 and 6.")
ReLU6.min_val, ReLU6.max_val = 0.0, 6.0
SELU = _in_place("SELU", "selu", "Scaled exponential unit.")
SiLU = _in_place("SiLU", "silu", "x times its logistic function.")
Mish = _in_place("Mish", "mish", "x tanh(softplus x).")
Hardswish = _in_place("Hardswish", "hardswish", "x relu6(x + 3) / 6.")
Hardsigmoid = _in_place("Hardsigmoid", "hardsigmoid", "relu6(x + 3) / 6.")


class ELU(_Function):
    """Exponential unit."""

    _name, _options = "elu", ("alpha", "inplace")

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace


class CELU(ELU):
    """Exponential unit with a continuous slope."""

    _name = "celu"


class LeakyReLU(_Function):
    """A small slope below 0."""

    _name, _options = "leaky_relu", ("negative_slope", "inplace")

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace


class Hardtanh(_Function):
    """The input cut off at two values."""

    _name, _options = "hardtanh", ("min_val", "max_val", "inplace")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        if max_val <= min_val:
            raise AssertionError(f"max_val ({max_val}) must exceed min_val ({min_val})")
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace


class Threshold(_Function):
    """The input above a threshold, a value below."""

    _name, _options = "threshold", ("threshold", "value", "inplace")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold, self.value, self.inplace = threshold, value, inplace


class RReLU(_Function):
    """A random slope below 0 in training."""

    _name, _options = "rrelu", ("lower", "upper", "training", "inplace")
    _shown = ("lower", "upper")

    def __init__(
        self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False
    ) -> None:
        super().__init__()
        self.lower, self.upper, self.inplace = lower, upper, inplace


class Softplus(_Function):
    """log(1 + exp(beta x)) / beta."""

    _name, _options = "softplus", ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold


class Softshrink(_Function):
    """The input moved towards 0."""

    _name, _options = "softshrink", ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        """The number, as PyTorch shows it."""
        return str(self.lambd)


class Hardshrink(Softshrink):
    """0 near 0."""

    _name = "hardshrink"


class GELU(_Function):
    """x times the normal distribution function."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Any) -> Any:
        """The function of the input."""
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        """The approximation."""
        return f"approximate={self.approximate!r}"


class GLU(_Function):
    """One half of an axis gated by the other."""

    _name, _options = "glu", ("dim",)

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim


class PReLU(Module):
    """A learned slope below 0: one, or one for each channel."""

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(TENSORS.full((num_parameters,), float(init), dtype=dtype))

    def reset_parameters(self) -> None:
        """The slopes that it began with."""
        self.weight.detach().fill_(self.init)

    def forward(self, input: Any) -> Any:
        """The function of the input."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """The number of slopes."""
        return f"num_parameters={self.num_parameters}"


class Softmax(Module):
    """Softmax along an axis."""

    _name = "softmax"

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """The function of the input."""
        return getattr(F, self._name)(input, self.dim)

    def extra_repr(self) -> str:
        """The axis."""
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """Logarithm of softmax along an axis."""

    _name = "log_softmax"


class Softmin(Softmax):
    """Softmax of minus the input."""

    _name = "softmin"


class Softmax2d(Module):
    """Softmax over the channels of images."""

    def forward(self, input: Any) -> Any:
        """The function of (b, c, h, w) or (c, h, w)."""
        if input.dim() not in (3, 4):
            raise ValueError(
                f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead"
            )
        return F.softmax(input, -3)
