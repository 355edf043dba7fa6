"""Steps that know a parameter to be a matrix: Adafactor, Muon."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pullback.construct import from_numpy
from pullback.optim.optimizer import Optimizer, _checked, check_numbers, count, mix, stored
from pullback.tensor import Tensor


def _refuse_complex(name: str, p: Tensor) -> None:
    if p.dtype.is_complex:
        raise RuntimeError(f"{name} does not support complex parameters")


def _means(state: dict[str, Any], name: str, values: Any, share: float) -> Any:
    """A running mean in the state, that moves by `share` towards values."""
    if name not in state:
        state[name] = from_numpy(np.zeros_like(values))
    mean = state[name]._array
    mean += share * (values - mean)
    return mean


class Adafactor(Optimizer):
    """Adam with mean squares of rows and columns alone: N. Shazeer and M. Stern, ICML 2018.

    Steps are relative to the size of a parameter, at least `eps[1]`, and clipped at `d`.
    """

    def __init__(
        self, params: Any, lr: Any = 1e-2, beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3), d: float = 1.0, weight_decay: float = 0.0,
        *, foreach: bool | None = None, maximize: bool = False,
    ) -> None:  # fmt: skip
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        check_numbers(learning_rate=lr, weight_decay=weight_decay, epsilon2=eps[1])
        check_numbers(epsilon1=eps[0] or 0.0)
        if beta2_decay > 0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        _checked("clipping threshold d", d, 1)
        super().__init__(params, {
            "lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d,
            "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize,
        })  # fmt: skip

    def _step_one(self, p: Tensor, group: dict[str, Any]) -> None:
        _refuse_complex("Adafactor", p)
        super()._step_one(p, group)

    def _update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        steps, lr = count(state), float(group["lr"])
        least, smallest = group["eps"]
        least = np.finfo(x.dtype).eps if least is None else least
        share = float(steps) ** group["beta2_decay"]
        size = max(smallest, float(np.linalg.norm(x)) / math.sqrt(x.size))
        rate = size * min(lr, 1 / math.sqrt(steps))
        if group["weight_decay"]:
            x *= 1 - lr * group["weight_decay"]
        square = g * g
        if g.ndim > 1:
            rows = _means(state, "row_var", square.mean(-1, keepdims=True), share)
            columns = _means(state, "col_var", square.mean(-2, keepdims=True), share)
            variance = rows * columns / np.maximum(rows.mean(-2, keepdims=True), least)
        else:
            variance = _means(state, "variance", square, share)
        step = g / np.sqrt(np.maximum(variance, least * least))
        length = float(np.linalg.norm(step)) / (math.sqrt(step.size) * group["d"])
        x -= rate / max(1.0, length) * step


class Muon(Optimizer):
    """Momentum whose matrices are made about orthogonal: K. Jordan, "Muon", 2024.

    A step is $a M + (b M M^T + c (M M^T)^2) M$, `ns_steps` times, of the momentum M over its norm,
    which brings its singular values near 1. That is done in float32, where PyTorch has bfloat16.
    ValueError for parameters that are no matrices: use another optimiser for them.
    """

    def __init__(
        self, params: Any, lr: Any = 1e-3, weight_decay: float = 0.1, momentum: float = 0.95,
        nesterov: bool = True, ns_coefficients: tuple[float, float, float] = (
            3.4445, -4.7750, 2.0315,
        ),
        eps: float = 1e-7, ns_steps: int = 5, adjust_lr_fn: str | None = None,
    ) -> None:  # fmt: skip
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        check_numbers(learning_rate=lr, momentum=momentum, weight_decay=weight_decay)
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        if len(ns_coefficients) != 3:
            raise ValueError("Coefficients must be a tuple of exactly 3 values")
        if ns_steps >= 100:
            raise ValueError("Number of steps must be less than 100 for computational efficiency")
        super().__init__(params, {
            "lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
            "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        })  # fmt: skip

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """More matrices to optimise."""
        super().add_param_group(param_group)
        for p in self.param_groups[-1]["params"]:
            if p.ndim != 2:
                raise ValueError(
                    f"Muon only supports 2D parameters whereas we found a parameter with size: "
                    f"{p.size()}"
                )

    def _step_one(self, p: Tensor, group: dict[str, Any]) -> None:
        _refuse_complex("Muon", p)
        super()._step_one(p, group)

    def _update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        momentum, lr = group["momentum"], float(group["lr"])
        average = stored(state, "momentum_buffer", x)
        mix(average, g, momentum)
        aim = g + momentum * (average - g) if group["nesterov"] else average
        rows, columns = x.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            rate = lr * 0.2 * math.sqrt(max(rows, columns))
        else:
            rate = lr * math.sqrt(max(1, rows / columns))
        x *= 1 - lr * group["weight_decay"]
        x -= rate * _orthogonal(aim, group["ns_coefficients"], group["ns_steps"], group["eps"])


def _orthogonal(matrix: Any, coefficients: Any, steps: int, eps: float) -> Any:
    """A matrix with about the same singular vectors, and singular values about 1."""
    a, b, c = coefficients
    wide = matrix.shape[0] <= matrix.shape[1]
    m = (matrix if wide else matrix.T).astype(np.float32)
    m /= max(float(np.linalg.norm(m)), eps)
    for _ in range(steps):
        gram = m @ m.T
        m = a * m + (b * gram + c * (gram @ gram)) @ m
    return m if wide else m.T
