"""Continuous relaxations of discrete distributions, at a temperature: C. Maddison, A. Mnih and
Y. W. Teh, "The Concrete distribution", 2017; E. Jang, S. Gu and B. Poole, "Categorical
reparameterization with Gumbel-softmax", 2017."""

from __future__ import annotations

from typing import Any

import pullback as torch
from pullback.distributions import constraints
from pullback.distributions.discrete import Binary, OfCategories

__all__ = ["RelaxedBernoulli", "RelaxedOneHotCategorical"]


def _uniform(shape: Any, dtype: Any) -> Any:
    info = torch.finfo(dtype)
    return torch.rand(shape, dtype=dtype).clamp(info.tiny, 1 - info.eps)


class RelaxedBernoulli(Binary):
    """Numbers of (0, 1) that tend to 0 or 1 as the temperature falls."""

    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None,
        validate_args: bool | None = None,
    ):  # fmt: skip
        self.temperature = torch.as_tensor(temperature)
        super().__init__(probs, logits, validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        made = self._copy(_instance)
        for name in ("probs", "logits"):
            if name in self.__dict__:
                setattr(made, name, self.__dict__[name].expand(batch_shape))
        made._batch_shape = torch.Size(batch_shape)
        return made

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = _uniform(self._extended_shape(sample_shape), self._given().dtype)
        noise = u.log() - torch.log1p(-u)
        drawn = torch.sigmoid((noise + self.logits) / self.temperature)
        info = torch.finfo(drawn.dtype)
        return drawn.clamp(info.tiny, 1 - info.eps)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        logit = value.log() - torch.log1p(-value)
        gap = self.logits - logit * self.temperature
        inside = self.temperature.log() + gap - 2 * torch.nn.functional.softplus(gap)
        return inside - value.log() - torch.log1p(-value)


class RelaxedOneHotCategorical(OfCategories):
    """Points of the simplex that tend to its corners as the temperature falls."""

    support = constraints.simplex
    has_rsample = True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None,
        validate_args: bool | None = None,
    ):  # fmt: skip
        self.temperature = torch.as_tensor(temperature)
        super().__init__(probs, logits, validate_args)

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        gumbels = -(-_uniform(shape, self.logits.dtype).log()).log()
        return torch.softmax((self.logits + gumbels) / self.temperature, -1)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        count = self._event_shape[0]
        score = self.logits - self.temperature * value.log()
        score = (score - score.logsumexp(-1, keepdim=True)).sum(-1)
        scale = (count - 1) * self.temperature.log() + torch.lgamma(
            torch.tensor(float(count), dtype=score.dtype)
        )
        return score + scale - value.log().sum(-1)
