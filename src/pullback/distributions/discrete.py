"""Distributions over a few values, given by probabilities or by logits."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import pullback as torch
from pullback.distributions import constraints
from pullback.distributions.distribution import Distribution, broadcast_all
from pullback.distributions.exp_family import ExponentialFamily
from pullback.distributions.utils import clamp_probs

__all__ = [
    "Bernoulli",
    "Categorical",
    "OneHotCategorical",
    "OneHotCategoricalStraightThrough",
    "binary",
]


def binary(name: str, probs: Any, logits: Any) -> None:
    """ValueError unless exactly one of the two is given."""
    if (probs is None) == (logits is None):
        raise ValueError(f"{name}: Either `probs` or `logits` must be specified, but not both.")


class Binary(Distribution):
    """A probability of success, `probs`, or its `logits`; the other one is computed when needed."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None):
        binary(type(self).__name__, probs, logits)
        if probs is not None:
            (self.probs,) = broadcast_all(probs)
        else:
            (self.logits,) = broadcast_all(logits)
        super().__init__(self._given().shape, validate_args=validate_args)

    def __getattr__(self, name: str) -> Any:
        known = self.__dict__
        if name == "logits" and "probs" in known:
            p = clamp_probs(known["probs"])
            return p.log() - torch.log1p(-p)
        if name == "probs" and "logits" in known:
            return torch.sigmoid(known["logits"])
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _given(self) -> Any:
        return self.__dict__.get("probs", self.__dict__.get("logits"))

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter that was given."""
        return self._given().shape


class Bernoulli(Binary, ExponentialFamily):
    """1 with probability p, else 0."""

    support = constraints.boolean
    has_enumerate_support = True

    @property
    def mean(self) -> Any:
        return self.probs

    @property
    def mode(self) -> Any:
        p = self.probs
        return torch.where(p == 0.5, math.nan, (p >= 0.5).to(p.dtype))

    @property
    def variance(self) -> Any:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        with torch.no_grad():
            return torch.bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -torch.nn.functional.binary_cross_entropy_with_logits(
            logits, value.to(logits.dtype), reduction="none"
        )

    def entropy(self) -> Any:
        return torch.nn.functional.binary_cross_entropy_with_logits(
            self.logits, self.probs, reduction="none"
        )

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return (self.logits,)

    def _log_normalizer(self, x: Any) -> Any:
        return torch.nn.functional.softplus(x)

    def enumerate_support(self, expand: bool = True) -> Any:
        values = torch.arange(2, dtype=self._given().dtype)
        values = values.reshape(-1, *(1,) * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values


class Categorical(Distribution):
    """One of the numbers 0, …, K - 1, with probabilities in proportion to `probs` (…, K), or with
    unnormalised logarithms `logits`."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None):
        binary("Categorical", probs, logits)
        given = probs if probs is not None else logits
        if given.dim() < 1:
            raise ValueError("`probs` and `logits` must be at least one-dimensional.")
        if probs is not None:
            self.probs = probs / probs.sum(-1, keepdim=True)
        else:
            self.logits = logits - logits.logsumexp(-1, keepdim=True)
        self._num_events = given.shape[-1]
        super().__init__(given.shape[:-1], validate_args=validate_args)

    def __getattr__(self, name: str) -> Any:
        known = self.__dict__
        if name == "logits" and "probs" in known:
            return clamp_probs(known["probs"]).log()
        if name == "probs" and "logits" in known:
            return torch.softmax(known["logits"], -1)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _given(self) -> Any:
        return self.__dict__.get("probs", self.__dict__.get("logits"))

    def _event_rank(self, name: str) -> int:
        return 1

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter that was given."""
        return self._given().shape

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        """0, …, K - 1."""
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def mean(self) -> Any:
        return torch.full(self._extended_shape(), math.nan, dtype=self._given().dtype)

    @property
    def mode(self) -> Any:
        return self.probs.argmax(-1)

    @property
    def variance(self) -> Any:
        return self.mean

    def sample(self, sample_shape: Any = ()) -> Any:
        shape = torch.Size(sample_shape)
        with torch.no_grad():
            rows = self.probs.reshape(-1, self._num_events)
            count = shape.numel()
            if not count or not rows.shape[0]:
                return torch.empty(self._extended_shape(shape), dtype=torch.int64)
            drawn = torch.multinomial(rows, count, True).T
            return drawn.reshape(self._extended_shape(shape))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        places, logits = torch.broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, places[..., :1]).squeeze(-1)

    def entropy(self) -> Any:
        floor = torch.finfo(self.logits.dtype).min
        return -(self.logits.clamp(min=floor) * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Any:
        values = torch.arange(self._num_events).reshape(-1, *(1,) * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values


class OfCategories(Distribution):
    """A distribution of vectors with one element for each category of a `Categorical`."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "probs": constraints.simplex, "logits": constraints.real_vector,
    }  # fmt: skip

    def __init__(self, probs: Any, logits: Any, validate_args: bool | None = None):
        self._categorical = Categorical(probs, logits)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        made = self._copy(_instance)
        made._categorical = self._categorical.expand(batch_shape)
        made._batch_shape = torch.Size(batch_shape)
        return made

    @property
    def probs(self) -> Any:
        """The probabilities of the categories."""
        return self._categorical.probs

    @property
    def logits(self) -> Any:
        """Their logarithms."""
        return self._categorical.logits

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter that was given."""
        return self._categorical.param_shape


class OneHotCategorical(OfCategories):
    """A `Categorical` number as a vector of zeros and a one."""

    support = constraints.one_hot
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None):
        super().__init__(probs, logits, validate_args)

    @property
    def mean(self) -> Any:
        return self.probs

    @property
    def mode(self) -> Any:
        return self._one_hot(self._categorical.mode)

    @property
    def variance(self) -> Any:
        return self.probs * (1 - self.probs)

    def _one_hot(self, numbers: Any) -> Any:
        count = self._event_shape[0]
        return torch.nn.functional.one_hot(numbers, count).to(self._categorical._given().dtype)

    def sample(self, sample_shape: Any = ()) -> Any:
        return self._one_hot(self._categorical.sample(sample_shape))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        return self._categorical.log_prob(value.argmax(-1))

    def entropy(self) -> Any:
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Any:
        count = self._event_shape[0]
        values = torch.eye(count, dtype=self._categorical._given().dtype)
        values = values.reshape(count, *(1,) * len(self._batch_shape), count)
        return values.expand(count, *self._batch_shape, count) if expand else values


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """Draws that are one-hot, with the gradient of the probabilities: Y. Bengio, N. Léonard and
    A. Courville, "Estimating or propagating gradients through stochastic neurons", 2013."""

    has_rsample = True

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.sample(sample_shape) + (self.probs - self.probs.detach())
