"""Steps along the gradient: SGD, averaged SGD, Rprop."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.backends.in_place import in_place
from pullback.construct import from_numpy
from pullback.optim.optimizer import (
    Optimizer,
    check_flags,
    check_numbers,
    count,
    decayed,
    number,
    stored,
)


@in_place("x")
def _descend(xp: Any, x: Any, g: Any, rate: Any) -> Any:
    return x - g * rate


@in_place("velocity")
def _momentum(xp: Any, velocity: Any, g: Any, momentum: Any, rest: Any) -> Any:
    return velocity * momentum + g * rest


class SGD(Optimizer):
    r"""$p \leftarrow p - \eta\,(\nabla + \lambda p)$, with momentum if asked for.

    Momentum as in I. Sutskever et al., ICML 2013, without their factor $\eta$ inside.
    """

    def __init__(
        self, params: Any, lr: Any = 1e-3, momentum: float = 0, dampening: float = 0,
        weight_decay: float = 0, nesterov: bool = False, *, maximize: bool = False,
        foreach: Any = None, differentiable: bool = False, fused: Any = None,
    ) -> None:  # fmt: skip
        check_numbers(learning_rate=lr, momentum=momentum, weight_decay=weight_decay)
        check_flags(differentiable)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
            "nesterov": nesterov, "maximize": maximize, "foreach": foreach,
            "differentiable": differentiable, "fused": fused,
        })  # fmt: skip

    def _update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        g = decayed(x, g, group)
        momentum = group["momentum"]
        if momentum:
            buffer = state.get("momentum_buffer")
            if buffer is None:
                state["momentum_buffer"] = from_numpy(np.array(g))
                velocity = state["momentum_buffer"]._array
            else:
                velocity = buffer._array
                _momentum(velocity, g, float(momentum), 1.0 - group["dampening"])
            g = g + momentum * velocity if group["nesterov"] else velocity
        _descend(x, g, float(group["lr"]))


class ASGD(Optimizer):
    """SGD whose iterates are averaged (B. Polyak and A. Juditsky, SIAM J. Control, 1992).

    The average of a parameter is `state[p]["ax"]`.
    """

    def __init__(
        self, params: Any, lr: Any = 1e-2, lambd: float = 1e-4, alpha: float = 0.75,
        t0: float = 1e6, weight_decay: float = 0, foreach: Any = None, maximize: bool = False,
        differentiable: bool = False, capturable: bool = False,
    ) -> None:  # fmt: skip
        check_numbers(learning_rate=lr, weight_decay=weight_decay)
        check_flags(differentiable)
        super().__init__(params, {
            "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay,
            "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
            "capturable": capturable,
        })  # fmt: skip

    def _update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        lr, lambd = float(group["lr"]), group["lambd"]
        eta, weight = number(state, "eta", lr), number(state, "mu", 1.0)
        average = stored(state, "ax", x)
        steps = count(state)
        g = decayed(x, g, group)
        x *= 1 - lambd * float(eta)
        x -= float(eta) * g
        if float(weight) == 1:
            average[...] = x
        else:
            average += (x - average) * float(weight)
        eta[...] = lr / (1 + lambd * lr * steps) ** group["alpha"]
        weight[...] = 1 / max(1, steps - group["t0"])


class Rprop(Optimizer):
    """Step sizes of their own for all elements, from the signs of the gradient alone.

    M. Riedmiller and H. Braun, IEEE ICNN 1993: longer while the sign stays, shorter after a change,
    when the element also pauses for a step.
    """

    def __init__(
        self, params: Any, lr: Any = 1e-2, etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50), *, capturable: bool = False,
        foreach: Any = None, maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        check_numbers(learning_rate=lr)
        check_flags(differentiable)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(params, {
            "lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        })  # fmt: skip

    def _update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        count(state)
        before = stored(state, "prev", x)
        size = stored(state, "step_size", x, float(group["lr"]))
        (shorter, longer), (least, most) = group["etas"], group["step_sizes"]
        sign = np.sign(g * before)
        size *= np.where(sign > 0, longer, np.where(sign < 0, shorter, 1)).astype(x.dtype)
        np.clip(size, least, most, out=size)
        g = np.where(sign < 0, 0, g)
        x -= np.sign(g) * size
        before[...] = g
