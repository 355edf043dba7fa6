"""Steps scaled by the gradients met so far: Adagrad, Adadelta, RMSprop."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.optim.optimizer import (
    Optimizer,
    _checked,
    check_flags,
    check_numbers,
    count,
    decayed,
    mix,
    stored,
)


class Adagrad(Optimizer):
    """J. Duchi, E. Hazan and Y. Singer, JMLR 2011."""

    def __init__(
        self, params: Any, lr: Any = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
        initial_accumulator_value: float = 0, eps: float = 1e-10, foreach: Any = None, *,
        maximize: bool = False, differentiable: bool = False, fused: Any = None,
    ) -> None:  # fmt: skip
        check_numbers(learning_rate=lr, lr_decay_value=lr_decay, weight_decay=weight_decay)
        check_numbers(initial_accumulator_value=initial_accumulator_value, epsilon_value=eps)
        check_flags(differentiable)
        super().__init__(params, {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "fused": fused,
        })  # fmt: skip

    def _update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        total = stored(state, "sum", x, group["initial_accumulator_value"])
        steps = count(state)
        g = decayed(x, g, group)
        total += g * g
        rate = float(group["lr"]) / (1 + (steps - 1) * group["lr_decay"])
        x -= rate * g / (np.sqrt(total) + group["eps"])


class Adadelta(Optimizer):
    """M. Zeiler, arXiv 1212.5701."""

    def __init__(
        self, params: Any, lr: Any = 1.0, rho: float = 0.9, eps: float = 1e-6,
        weight_decay: float = 0, foreach: Any = None, *, capturable: bool = False,
        maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        check_numbers(learning_rate=lr, epsilon_value=eps, weight_decay=weight_decay)
        _checked("rho value", rho, 0, 1 + 1e-15)
        check_flags(differentiable)
        super().__init__(params, {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "capturable": capturable, "foreach": foreach, "differentiable": differentiable,
        })  # fmt: skip

    def _update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        count(state)
        g = decayed(x, g, group)
        square, moved = stored(state, "square_avg", x), stored(state, "acc_delta", x)
        rho, eps = group["rho"], group["eps"]
        mix(square, g * g, rho)
        step = np.sqrt(moved + eps) / np.sqrt(square + eps) * g
        mix(moved, step * step, rho)
        x -= float(group["lr"]) * step


class RMSprop(Optimizer):
    """G. Hinton, lecture 6 of Neural Networks for Machine Learning, 2012.

    `centered`: the mean square about the mean (A. Graves, arXiv 1308.0850).
    """

    def __init__(
        self, params: Any, lr: Any = 1e-2, alpha: float = 0.99, eps: float = 1e-8,
        weight_decay: float = 0, momentum: float = 0, centered: bool = False,
        capturable: bool = False, foreach: Any = None, maximize: bool = False,
        differentiable: bool = False,
    ) -> None:  # fmt: skip
        check_numbers(learning_rate=lr, epsilon_value=eps, momentum_value=momentum)
        check_numbers(weight_decay=weight_decay, alpha_value=alpha)
        check_flags(differentiable)
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable,
        })  # fmt: skip

    def _update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        count(state)
        g = decayed(x, g, group)
        alpha, lr = group["alpha"], float(group["lr"])
        square = stored(state, "square_avg", x)
        mix(square, g * g, alpha)
        variance = square
        if group["centered"]:
            mean = stored(state, "grad_avg", x)
            mix(mean, g, alpha)
            variance = square - mean * mean
        step = g / (np.sqrt(variance) + group["eps"])
        if group["momentum"] > 0:
            velocity = stored(state, "momentum_buffer", x)
            velocity *= group["momentum"]
            velocity += step
            step = velocity
        x -= lr * step
