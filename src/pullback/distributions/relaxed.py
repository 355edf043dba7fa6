"""Continuous relaxations of discrete distributions, at a temperature: C. Maddison, A. Mnih and
Y. W. Teh, "The Concrete distribution", 2017; E. Jang, S. Gu and B. Poole, "Categorical
reparameterization with Gumbel-softmax", 2017."""

from __future__ import annotations

from typing import Any, ClassVar

import pullback as torch
from pullback.distributions import constraints
from pullback.distributions.combined import TransformedDistribution
from pullback.distributions.discrete import Binary, OfCategories
from pullback.distributions.transforms import ExpTransform, SigmoidTransform
from pullback.distributions.utils import clamp_probs

__all__ = [
    "ExpRelaxedCategorical", "LogitRelaxedBernoulli", "RelaxedBernoulli",
    "RelaxedOneHotCategorical",
]  # fmt: skip


def _uniform(shape: Any, dtype: Any) -> Any:
    return clamp_probs(torch.rand(shape, dtype=dtype))


class LogitRelaxedBernoulli(Binary):
    """The logits of `RelaxedBernoulli`."""

    support = constraints.real

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
        return (u.log() - torch.log1p(-u) + self.logits) / self.temperature

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        gap = self.logits - value * self.temperature
        return self.temperature.log() + gap - 2 * torch.nn.functional.softplus(gap)


class ExpRelaxedCategorical(OfCategories):
    """The logarithms of `RelaxedOneHotCategorical`."""

    support = constraints.real_vector
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
        return torch.log_softmax((self.logits + gumbels) / self.temperature, -1)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        count = self._event_shape[0]
        score = torch.log_softmax(self.logits - self.temperature * value, -1).sum(-1)
        of_count = torch.lgamma(torch.tensor(float(count), dtype=score.dtype))
        return score + (count - 1) * self.temperature.log() + of_count


class _Relaxed(TransformedDistribution):
    """The image of its logarithms, or logits."""

    has_rsample = True
    base_dist: Any
    _logarithmic: ClassVar[Any]
    _back: ClassVar[Any]

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None,
        validate_args: bool | None = None,
    ):  # fmt: skip
        base = self._logarithmic(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, self._back(), validate_args=validate_args)

    @property
    def temperature(self) -> Any:
        """How far from discrete the draws are."""
        return self.base_dist.temperature

    @property
    def probs(self) -> Any:
        """The probabilities of the discrete distribution."""
        return self.base_dist.probs

    @property
    def logits(self) -> Any:
        """Their logits, or logarithms."""
        return self.base_dist.logits


class RelaxedBernoulli(_Relaxed):
    """Numbers of (0, 1) that tend to 0 or 1 as the temperature falls."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "probs": constraints.unit_interval, "logits": constraints.real,
    }  # fmt: skip
    support = constraints.unit_interval
    _logarithmic, _back = LogitRelaxedBernoulli, SigmoidTransform


class RelaxedOneHotCategorical(_Relaxed):
    """Points of the simplex that tend to its corners as the temperature falls."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "probs": constraints.simplex, "logits": constraints.real_vector,
    }  # fmt: skip
    support = constraints.simplex
    _logarithmic, _back = ExpRelaxedCategorical, ExpTransform
