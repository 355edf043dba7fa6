"""Means of models over a training run, as `torch.optim.swa_utils`.

P. Izmailov and others, Averaging weights leads to wider optima and better generalization (2018);
B. T. Polyak and A. B. Juditsky, Acceleration of stochastic approximation by averaging (1992).
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pullback.autograd.modes import no_grad
from pullback.dispatch import TENSORS
from pullback.nn.modules.module import Module
from pullback.nn.modules.normalization import _BatchNorm
from pullback.optim.lr_scheduler import LRScheduler
from pullback.optim.optimizer import Optimizer

__all__ = [
    "SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn",
    "get_swa_multi_avg_fn", "update_bn",
]  # fmt: skip

Mean = Callable[[Any, Any, Any], Any]
Means = Callable[[Sequence[Any], Sequence[Any], Any], None]


def _check_decay(decay: float) -> None:
    if not 0 <= decay <= 1:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1].")


def get_ema_avg_fn(decay: float = 0.999) -> Mean:
    """The mean in which the past counts `decay`: (mean, parameter, number) to the new mean."""
    _check_decay(decay)

    @no_grad()
    def mean(average: Any, current: Any, count: Any) -> Any:
        return decay * average + (1 - decay) * current

    return mean


def get_swa_avg_fn() -> Mean:
    """The mean of all so far, with equal weights: (mean, parameter, number) to the new mean."""

    @no_grad()
    def mean(average: Any, current: Any, count: Any) -> Any:
        return average + (current - average) / (count + 1)

    return mean


def _in_place(mean: Mean) -> Means:
    @no_grad()
    def update(averages: Sequence[Any], currents: Sequence[Any], count: Any) -> None:
        for average, current in zip(averages, currents, strict=True):
            average.copy_(mean(average, current, count))

    return update


def get_ema_multi_avg_fn(decay: float = 0.999) -> Means:
    """`get_ema_avg_fn` for lists of parameters, written over the means."""
    return _in_place(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> Means:
    """`get_swa_avg_fn` for lists of parameters, written over the means."""
    return _in_place(get_swa_avg_fn())


class AveragedModel(Module):
    """A copy of a model whose parameters are means of those that `update_parameters` has seen.

    With equal weights, or as `avg_fn(mean, parameter, number)` says for one parameter, or
    `multi_avg_fn(means, parameters, number)` for all, in place. Buffers are means with
    `use_buffers`, and the model's latest otherwise.
    """

    n_averaged: Any

    def __init__(
        self, model: Module, device: Any = None, avg_fn: Mean | None = None,
        multi_avg_fn: Means | None = None, use_buffers: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", TENSORS.zeros((), dtype=int))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **keywords: Any) -> Any:
        """What the model with the means gives."""
        return self.module(*args, **keywords)

    def _averaged(self, model: Module) -> list[Any]:
        buffers = model.buffers() if self.use_buffers else ()
        return [p.detach() for p in itertools.chain(model.parameters(), buffers)]

    def update_parameters(self, model: Module) -> None:
        """Take a model's present parameters into the means."""
        averages, currents = self._averaged(self.module), self._averaged(model)
        if int(self.n_averaged) == 0:
            for average, current in zip(averages, currents, strict=True):
                average.copy_(current)
        else:
            whole = [not p.dtype.is_floating_point and not p.dtype.is_complex for p in averages]
            for k in itertools.compress(range(len(averages)), whole):  # counters: the latest
                averages[k].copy_(currents[k])
            means = [a for a, w in zip(averages, whole, strict=True) if not w]
            news = [c for c, w in zip(currents, whole, strict=True) if not w]
            update = self.multi_avg_fn or _in_place(self.avg_fn or get_swa_avg_fn())
            update(means, news, self.n_averaged)
        if not self.use_buffers:
            for mine, latest in zip(self.module.buffers(), model.buffers(), strict=True):
                mine.detach().copy_(latest.detach())
        self.n_averaged += 1


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """The running statistics of a model's batch normalisation, anew from the loader's batches.

    Of a batch that is a list or a tuple, the model is given the first.
    """
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    if not norms:
        return
    momenta = [m.momentum for m in norms]
    was_training = model.training
    model.train()
    for m in norms:
        m.reset_running_stats()
        m.momentum = None  # the mean over all batches
    for batch in loader:
        input = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(input if device is None else input.to(device))
    for m, momentum in zip(norms, momenta, strict=True):
        m.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """The rate moved to `swa_lr` in `anneal_epochs` epochs, along a cosine or a line, then kept.

    It moves whatever the rate is now: another scheduler may have changed it.
    """

    def __init__(
        self, optimizer: Optimizer, swa_lr: Any, anneal_epochs: int = 10,
        anneal_strategy: str = "cos", last_epoch: int = -1,
    ) -> None:  # fmt: skip
        groups = optimizer.param_groups
        rates = list(swa_lr) if isinstance(swa_lr, (list, tuple)) else [swa_lr] * len(groups)
        if len(rates) != len(groups):
            raise ValueError(
                f"swa_lr must have the same length as optimizer.param_groups: swa_lr has "
                f"{len(rates)}, optimizer.param_groups has {len(groups)}"
            )
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must by one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        for rate, group in zip(rates, groups, strict=True):
            group["swa_lr"] = rate
        self.anneal_epochs, self._strategy = anneal_epochs, anneal_strategy
        super().__init__(optimizer, last_epoch)

    def _share(self, epoch: int) -> float:
        """How far the rate has come after so many epochs: from 0 to 1."""
        t = max(0.0, min(1.0, epoch / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * t)) / 2 if self._strategy == "cos" else t

    def get_lr(self) -> list[float]:
        """The rates of this epoch."""
        epoch = self._step_count - 1
        if self.anneal_epochs == 0:
            epoch = max(1, epoch)
        before, now = self._share(epoch - 1), self._share(epoch)
        rates = []
        for group in self.optimizer.param_groups:
            goal, rate = group["swa_lr"], group["lr"]
            start = goal if before == 1 else (rate - before * goal) / (1 - before)
            rates.append(goal * now + start * (1 - now))
        return rates
