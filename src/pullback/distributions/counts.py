"""Distributions of counts."""

from __future__ import annotations

from typing import Any, ClassVar

import pullback as torch
from pullback.distributions import constraints
from pullback.distributions.discrete import Binary, OfCategories, binary
from pullback.distributions.distribution import broadcast_all
from pullback.distributions.exp_family import ExponentialFamily

__all__ = ["Binomial", "Geometric", "Multinomial", "NegativeBinomial", "Poisson"]


class Poisson(ExponentialFamily):
    r"""$\lambda^k e^{-\lambda} / k!$."""

    arg_constraints: ClassVar[dict[str, Any]] = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    def __init__(self, rate: Any, validate_args: bool | None = None):
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.rate

    @property
    def mode(self) -> Any:
        return self.rate.floor()

    @property
    def variance(self) -> Any:
        return self.rate

    def sample(self, sample_shape: Any = ()) -> Any:
        with torch.no_grad():
            return torch.poisson(self.rate.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        return torch.xlogy(value, self.rate) - self.rate - torch.lgamma(value + 1)

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return (self.rate.log(),)

    def _log_normalizer(self, x: Any) -> Any:
        return x.exp()

    def entropy(self) -> Any:
        raise NotImplementedError("Poisson has no entropy in closed form")


class Geometric(Binary):
    """How often a trial of probability p fails before it succeeds."""

    support = constraints.nonnegative_integer

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None):
        super().__init__(probs, logits, validate_args)
        if self._validate_args and not (self.probs > 0).all():
            raise ValueError("Geometric: the probability of success is positive")

    @property
    def mean(self) -> Any:
        return 1 / self.probs - 1

    @property
    def mode(self) -> Any:
        return torch.zeros_like(self.probs)

    @property
    def variance(self) -> Any:
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Any = ()) -> Any:
        with torch.no_grad():
            p = self.probs
            u = torch.rand(self._extended_shape(sample_shape), dtype=p.dtype)
            tiny = torch.finfo(p.dtype).tiny
            return (u.clamp(min=tiny).log() / torch.log1p(-p)).floor()

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        p = self.probs
        return torch.special.xlog1py(value, -p) + p.log()

    def entropy(self) -> Any:
        p = self.probs
        return -(torch.special.xlog1py(1 - p, -p) + torch.xlogy(p, p)) / p


class _Trials(Binary):
    """Of independent trials, `total_count` of which are asked for."""

    def __init__(
        self, total_count: Any, probs: Any = None, logits: Any = None,
        validate_args: bool | None = None,
    ):  # fmt: skip
        binary(type(self).__name__, probs, logits)
        total_count, given = broadcast_all(total_count, logits if probs is None else probs)
        self.total_count = total_count.to(given.dtype)
        if probs is None:
            super().__init__(logits=given, validate_args=validate_args)
        else:
            super().__init__(probs=given, validate_args=validate_args)


class Binomial(_Trials):
    """How many of `total_count` trials succeed."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval, "logits": constraints.real,
    }  # fmt: skip
    has_enumerate_support = True

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None,
        validate_args: bool | None = None,
    ):  # fmt: skip
        super().__init__(total_count, probs, logits, validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        """0, …, total_count."""
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Any:
        return self.total_count * self.probs

    @property
    def mode(self) -> Any:
        return ((self.total_count + 1) * self.probs).floor().minimum(self.total_count)

    @property
    def variance(self) -> Any:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            return torch.binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        n, logits = self.total_count, self.logits
        ways = torch.lgamma(n + 1) - torch.lgamma(value + 1) - torch.lgamma(n - value + 1)
        return ways + value * logits - n * torch.nn.functional.softplus(logits)

    def entropy(self) -> Any:
        """By enumeration; all counts are the same."""
        logs = self.log_prob(self.enumerate_support(False))
        return -(logs.exp() * logs).sum(0)

    def enumerate_support(self, expand: bool = True) -> Any:
        most = int(self.total_count.max())
        if not (self.total_count == most).all():
            raise NotImplementedError("Inhomogeneous total count not supported by enumeration")
        values = torch.arange(1 + most, dtype=self._given().dtype)
        values = values.reshape(-1, *(1,) * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values


class NegativeBinomial(_Trials):
    """How often a trial of probability p succeeds before `total_count` failures."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0), "logits": constraints.real,
    }  # fmt: skip
    support = constraints.nonnegative_integer

    @property
    def mean(self) -> Any:
        return self.total_count * torch.exp(self.logits)

    @property
    def mode(self) -> Any:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0)

    @property
    def variance(self) -> Any:
        return self.mean / torch.sigmoid(-self.logits)

    def sample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            rate = torch._standard_gamma(self.total_count.expand(shape)) * self.logits.exp()
            return torch.poisson(rate)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        n, logits = self.total_count, self.logits
        logsigmoid = torch.nn.functional.logsigmoid
        ways = torch.lgamma(n + value) - torch.lgamma(1 + value) - torch.lgamma(n)
        ways = torch.where(n + value == 0, 0.0, ways)
        return n * logsigmoid(-logits) + value * logsigmoid(logits) + ways


class Multinomial(OfCategories):
    """How often each of K categories is met in `total_count` draws."""

    def __init__(
        self, total_count: int = 1, probs: Any = None, logits: Any = None,
        validate_args: bool | None = None,
    ):  # fmt: skip
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        super().__init__(probs, logits, validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        """Counts that add up to total_count."""
        return constraints.multinomial(self.total_count)

    @property
    def mean(self) -> Any:
        return self.probs * self.total_count

    @property
    def variance(self) -> Any:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        shape = (*torch.Size(sample_shape), self.total_count)
        drawn = self._categorical.sample(shape).movedim(len(shape) - 1, -1)
        counts = torch.zeros(self._extended_shape(sample_shape), dtype=self.probs.dtype)
        return counts.scatter_add_(-1, drawn, torch.ones(drawn.shape, dtype=counts.dtype))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        ways = torch.lgamma(value.sum(-1) + 1) - torch.lgamma(value + 1).sum(-1)
        return ways + torch.xlogy(value, self.logits.exp()).sum(-1)

    def entropy(self) -> Any:
        """By the marginal binomial distributions."""
        n = self.total_count
        marginal = Binomial(n, probs=self.probs, validate_args=False)
        counts = marginal.enumerate_support(True)[1:]
        expected = torch.exp(marginal.log_prob(counts)) * torch.lgamma(counts + 1)
        own = n * self._categorical.entropy() - torch.lgamma(torch.tensor(float(n + 1)))
        return own + expected.sum((0, -1))
