"""Learning rates that follow a measure, or run in cycles."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pullback.optim.lr_scheduler.curves import LRScheduler
from pullback.optim.optimizer import Optimizer


class ReduceLROnPlateau(LRScheduler):
    """The rate times a factor when a measure, given to `step`, has not improved for a while."""

    def __init__(
        self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10,
        threshold: float = 1e-4, threshold_mode: str = "rel", cooldown: int = 0, min_lr: Any = 0,
        eps: float = 1e-8,
    ) -> None:  # fmt: skip
        if factor >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        groups = len(optimizer.param_groups)
        if isinstance(min_lr, (list, tuple)):
            if len(min_lr) != groups:
                raise ValueError(f"expected {groups} min_lrs, got {len(min_lr)}")
            self.min_lrs = list(min_lr)
        else:
            self.min_lrs = [min_lr] * groups
        self.optimizer = optimizer
        self.mode, self.factor, self.patience = mode, factor, patience
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.cooldown, self.eps = cooldown, eps
        self.cooldown_counter = 0
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = 0
        self.last_epoch = 0
        self._last_lr = self._now()

    def is_better(self, a: float, best: float) -> bool:
        """Whether a measure improves on the best one by the threshold."""
        sign = 1 if self.mode == "min" else -1
        if self.threshold_mode == "rel":
            return sign * a < sign * best * (1 - sign * self.threshold)
        return sign * a < sign * best - self.threshold

    @property
    def in_cooldown(self) -> bool:
        """Whether measures do not count yet, after a reduction."""
        return self.cooldown_counter > 0

    def step(  # type: ignore[override]  # it takes a measure
        self, metrics: Any = None, epoch: Any = None
    ) -> None:
        """Take note of a measure, and lower the rates if it is time."""
        if metrics is None:
            raise TypeError("step() missing 1 required positional argument: 'metrics'")
        current = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self.is_better(current, self.best):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            lower = []
            for rate, least in zip(self._now(), self.min_lrs, strict=True):
                new = max(rate * self.factor, least)
                lower.append(new if rate - new > self.eps else rate)
            self._set(lower)
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = self._now()


def _each(value: Any, optimizer: Optimizer, name: str) -> list[Any]:
    groups = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * groups
    if len(value) != groups:
        raise ValueError(f"expected {groups} values for {name}, got {len(value)}")
    return list(value)


class CyclicLR(LRScheduler):
    """The rate up and down between two values, batch by batch: L. Smith, WACV 2017."""

    def __init__(
        self, optimizer: Optimizer, base_lr: Any, max_lr: Any, step_size_up: int = 2000,
        step_size_down: int | None = None, mode: str = "triangular", gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None, scale_mode: str = "cycle",
        cycle_momentum: bool = True, base_momentum: Any = 0.8, max_momentum: Any = 0.9,
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        bases = _each(base_lr, optimizer, "base_lr")
        if last_epoch == -1:
            for group, base in zip(optimizer.param_groups, bases, strict=True):
                group["lr"] = base
        self.max_lrs = _each(max_lr, optimizer, "max_lr")
        down = step_size_up if step_size_down is None else step_size_down
        self.total_size = float(step_size_up + down)
        self.step_ratio = step_size_up / self.total_size
        self.mode, self.gamma = mode, gamma
        self._scale_fn = scale_fn
        self.scale_mode = "iterations" if mode == "exp_range" and scale_fn is None else scale_mode
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            if not {"momentum", "betas"} & set(optimizer.defaults):
                raise ValueError(
                    "optimizer must support momentum or beta1 with `cycle_momentum` option enabled"
                )
            self.base_momentums = _each(base_momentum, optimizer, "base_momentum")
            self.max_momentums = _each(max_momentum, optimizer, "max_momentum")
            for group, high in zip(optimizer.param_groups, self.max_momentums, strict=True):
                _set_momentum(group, high)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = bases

    def scale_fn(self, x: float) -> float:
        """How high the cycle reaches, by its number or by the number of batches."""
        if self._scale_fn is not None:
            return float(self._scale_fn(x))
        if self.mode == "triangular2":
            return float(1 / 2.0 ** (x - 1))
        return 1.0 if self.mode == "triangular" else float(self.gamma**x)

    def get_lr(self) -> list[float]:
        """The rates of this batch; sets the momenta."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        part = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        part *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            pairs = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, (low, high) in zip(self.optimizer.param_groups, pairs, strict=True):
                _set_momentum(group, high - (high - low) * part)
        bounds = zip(self.base_lrs, self.max_lrs, strict=True)
        return [low + (high - low) * part for low, high in bounds]


def _set_momentum(group: dict[str, Any], value: float) -> None:
    if "betas" in group:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value


class OneCycleLR(LRScheduler):
    """One cycle of the rate, up and far down, over all batches of a training.

    L. Smith and N. Topin, arXiv 1708.07120.
    """

    def __init__(
        self, optimizer: Optimizer, max_lr: Any, total_steps: int | None = None,
        epochs: int | None = None, steps_per_epoch: int | None = None, pct_start: float = 0.3,
        anneal_strategy: str = "cos", cycle_momentum: bool = True, base_momentum: Any = 0.85,
        max_momentum: Any = 0.95, div_factor: float = 25.0, final_div_factor: float = 1e4,
        three_phase: bool = False, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError(
                    "You must define either total_steps OR (epochs AND steps_per_epoch)"
                )
            total_steps = epochs * steps_per_epoch
        if total_steps <= 0 or not isinstance(total_steps, int):
            raise ValueError(f"Expected positive integer total_steps, but got {total_steps}")
        if not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        if cycle_momentum and not {"momentum", "betas"} & set(optimizer.defaults):
            raise ValueError(
                "optimizer must support momentum or beta1 with `cycle_momentum` option enabled"
            )
        self.total_steps, self.anneal_strategy = total_steps, anneal_strategy
        self.cycle_momentum = cycle_momentum
        first = float(pct_start * total_steps) - 1
        if three_phase:
            self.phases = [
                (first, "initial_lr", "max_lr", "max_momentum", "base_momentum"),
                (2 * first, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
                (total_steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
            ]
        else:
            self.phases = [
                (first, "initial_lr", "max_lr", "max_momentum", "base_momentum"),
                (total_steps - 1, "max_lr", "min_lr", "base_momentum", "max_momentum"),
            ]
        if last_epoch == -1:
            highest = _each(max_lr, optimizer, "max_lr")
            momenta = zip(_each(base_momentum, optimizer, "base_momentum"),
                          _each(max_momentum, optimizer, "max_momentum"), strict=True)  # fmt: skip
            groups = zip(optimizer.param_groups, highest, momenta, strict=True)
            for group, high, (low_momentum, high_momentum) in groups:
                group["initial_lr"] = high / div_factor
                group["max_lr"] = high
                group["min_lr"] = group["initial_lr"] / final_div_factor
                if cycle_momentum:
                    _set_momentum(group, high_momentum)
                    group["base_momentum"], group["max_momentum"] = low_momentum, high_momentum
        super().__init__(optimizer, last_epoch)

    def _between(self, start: float, end: float, part: float) -> float:
        if self.anneal_strategy == "linear":
            return start + (end - start) * part
        return end + (start - end) / 2.0 * (1 + math.cos(math.pi * part))

    def get_lr(self) -> list[float]:
        """The rates of this batch; sets the momenta."""
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(
                f"Tried to step {step} times. The specified number of total steps is "
                f"{self.total_steps}"
            )
        rates = []
        for group in self.optimizer.param_groups:
            start = 0.0
            for k, (end, low, high, momentum_low, momentum_high) in enumerate(self.phases):
                if step <= end or k == len(self.phases) - 1:
                    part = (step - start) / (end - start)
                    rates.append(self._between(group[low], group[high], part))
                    if self.cycle_momentum:
                        ends = (group[momentum_low], group[momentum_high])
                        _set_momentum(group, self._between(*ends, part))
                    break
                start = end
        return rates
