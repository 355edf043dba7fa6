"""Adam and its kin: steps by running means of the gradient and of its square."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pullback.backends.in_place import in_place
from pullback.optim.optimizer import (
    Optimizer,
    check_betas,
    check_flags,
    check_numbers,
    count,
    decayed,
    mix,
    number,
    stored,
)


@in_place("x mean square")
def _adam(
    xp: Any, x: Any, mean: Any, square: Any, g: Any, beta1: Any, rest1: Any, beta2: Any, rest2: Any,
    scale: Any, eps: Any, rate: Any,
) -> Any:  # fmt: skip
    mean = mean * beta1 + g * rest1
    square = square * beta2 + g * g * rest2
    return x - mean / (xp.sqrt(square) * scale + eps) * rate, mean, square


@in_place("x mean square largest")
def _amsgrad(
    xp: Any, x: Any, mean: Any, square: Any, largest: Any, g: Any, beta1: Any, rest1: Any,
    beta2: Any, rest2: Any, scale: Any, eps: Any, rate: Any,
) -> Any:  # fmt: skip
    mean = mean * beta1 + g * rest1
    square = square * beta2 + g * g * rest2
    largest = xp.maximum(largest, square)
    return x - mean / (xp.sqrt(largest) * scale + eps) * rate, mean, square, largest


class Adam(Optimizer):
    """D. Kingma and J. Ba, ICLR 2015; `amsgrad`: S. Reddi, S. Kale and S. Kumar, ICLR 2018."""

    _decoupled = False

    def __init__(
        self, params: Any, lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 0, amsgrad: bool = False, *,
        foreach: Any = None, maximize: bool = False, capturable: bool = False,
        differentiable: bool = False, fused: Any = None, decoupled_weight_decay: bool = False,
    ) -> None:  # fmt: skip
        check_numbers(learning_rate=lr, epsilon_value=eps, weight_decay=weight_decay)
        check_betas(betas)
        check_flags(differentiable)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "amsgrad": amsgrad, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "differentiable": differentiable, "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        })  # fmt: skip

    def _update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        lr, (beta1, beta2) = float(group["lr"]), map(float, group["betas"])
        steps = count(state)
        g = decayed(x, g, group)
        arrays = [x, stored(state, "exp_avg", x), stored(state, "exp_avg_sq", x)]
        if group["amsgrad"]:
            arrays.append(stored(state, "max_exp_avg_sq", x))
        step = _amsgrad if group["amsgrad"] else _adam
        step(
            *arrays, g, beta1, 1 - beta1, beta2, 1 - beta2, 1 / math.sqrt(1 - beta2**steps),
            float(group["eps"]), lr / (1 - beta1**steps),
        )  # fmt: skip


class AdamW(Adam):
    """Adam with weights that decay apart from the gradient: I. Loshchilov and F. Hutter, 2019."""

    def __init__(
        self, params: Any, lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 1e-2, amsgrad: bool = False, *,
        maximize: bool = False, foreach: Any = None, capturable: bool = False,
        differentiable: bool = False, fused: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize,
            capturable=capturable, differentiable=differentiable, fused=fused,
            decoupled_weight_decay=True,
        )  # fmt: skip


class Adamax(Optimizer):
    """Adam with the largest gradient in place of the mean square (same paper, section 7)."""

    def __init__(
        self, params: Any, lr: Any = 2e-3, betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 0, foreach: Any = None, *,
        maximize: bool = False, differentiable: bool = False, capturable: bool = False,
    ) -> None:  # fmt: skip
        check_numbers(learning_rate=lr, epsilon_value=eps, weight_decay=weight_decay)
        check_betas(betas)
        check_flags(differentiable)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
            "capturable": capturable,
        })  # fmt: skip

    def _update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        beta1, beta2 = map(float, group["betas"])
        steps = count(state)
        g = decayed(x, g, group)
        mean, largest = stored(state, "exp_avg", x), stored(state, "exp_inf", x)
        mix(mean, g, beta1)
        np.maximum(beta2 * largest, np.abs(g) + group["eps"], out=largest)
        x -= float(group["lr"]) / (1 - beta1**steps) * (mean / largest)


class NAdam(Optimizer):
    """Adam with Nesterov's momentum: T. Dozat, ICLR workshop 2016."""

    def __init__(
        self, params: Any, lr: Any = 2e-3, betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 0, momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False, *, foreach: Any = None, maximize: bool = False,
        capturable: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        check_numbers(learning_rate=lr, epsilon_value=eps, weight_decay=weight_decay)
        check_numbers(momentum_decay_value=momentum_decay)
        check_betas(betas)
        check_flags(differentiable)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize, "foreach": foreach, "capturable": capturable,
            "differentiable": differentiable,
        })  # fmt: skip

    def _update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        lr, (beta1, beta2) = float(group["lr"]), map(float, group["betas"])
        steps = count(state)
        product = number(state, "mu_product", 1.0)
        g = decayed(x, g, group)
        mean, square = stored(state, "exp_avg", x), stored(state, "exp_avg_sq", x)
        mix(mean, g, beta1)
        mix(square, g * g, beta2)
        now, then = (
            beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (steps, steps + 1)
        )
        product *= now
        scale = np.sqrt(square / (1 - beta2**steps)) + group["eps"]
        x -= lr * (1 - now) / (1 - float(product)) * (g / scale)
        x -= lr * then / (1 - float(product) * then) * (mean / scale)


class RAdam(Optimizer):
    """Adam that trusts the mean square only once its variance is known: L. Liu et al., 2020."""

    def __init__(
        self, params: Any, lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 0, decoupled_weight_decay: bool = False, *,
        foreach: Any = None, maximize: bool = False, capturable: bool = False,
        differentiable: bool = False,
    ) -> None:  # fmt: skip
        check_numbers(learning_rate=lr, epsilon_value=eps, weight_decay=weight_decay)
        check_betas(betas)
        check_flags(differentiable)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "maximize": maximize, "foreach": foreach, "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay, "differentiable": differentiable,
        })  # fmt: skip

    def _update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        lr, (beta1, beta2) = float(group["lr"]), map(float, group["betas"])
        steps = count(state)
        g = decayed(x, g, group)
        mean, square = stored(state, "exp_avg", x), stored(state, "exp_avg_sq", x)
        mix(mean, g, beta1)
        mix(square, g * g, beta2)
        direction = mean / (1 - beta1**steps)
        bias = 1 - beta2**steps
        most = 2 / (1 - beta2) - 1
        length = most - 2 * steps * beta2**steps / bias  # of the average that is approximated
        if length > 5:
            variance = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)
            direction *= math.sqrt(variance * bias) / (np.sqrt(square) + group["eps"])
        x -= lr * direction
