"""Distributions on the unit interval and on simplices."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import pullback as torch
from pullback.distributions import constraints
from pullback.distributions.distribution import Distribution, broadcast_all
from pullback.distributions.exp_family import ExponentialFamily
from pullback.distributions.line import EULER

__all__ = ["Beta", "ContinuousBernoulli", "Dirichlet", "Kumaraswamy"]


class Dirichlet(ExponentialFamily):
    r"""Points of the simplex: $\propto \prod_k x_k^{\alpha_k - 1}$ for concentrations (…, K)."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "concentration": constraints.independent(constraints.positive, 1)
    }
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Any, validate_args: bool | None = None):
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        shape = concentration.shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Any:
        """The maximum; for concentrations below 1 it is a corner, of the largest of them."""
        above = (self.concentration - 1).clamp(min=0)
        corner = torch.nn.functional.one_hot(
            self.concentration.argmax(-1), self.concentration.shape[-1]
        ).to(above.dtype)
        flat = (self.concentration < 1).all(-1, keepdim=True)
        total = above.sum(-1, True)
        return torch.where(flat, corner, above / torch.where(flat, 1.0, total))

    @property
    def variance(self) -> Any:
        total = self.concentration.sum(-1, True)
        share = self.concentration / total
        return share * (1 - share) / (total + 1)

    def rsample(self, sample_shape: Any = ()) -> Any:
        parts = torch._standard_gamma(self.concentration.expand(self._extended_shape(sample_shape)))
        return parts / parts.sum(-1, True)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        a = self.concentration
        return torch.xlogy(a - 1, value).sum(-1) - self._log_normaliser()

    def _log_normaliser(self) -> Any:
        a = self.concentration
        return torch.lgamma(a).sum(-1) - torch.lgamma(a.sum(-1))

    def entropy(self) -> Any:
        a, total = self.concentration, self.concentration.sum(-1)
        return (
            self._log_normaliser() - (a.shape[-1] - total) * torch.digamma(total)
            - ((a - 1) * torch.digamma(a)).sum(-1)
        )  # fmt: skip

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return (self.concentration,)

    def _log_normalizer(self, x: Any) -> Any:
        return torch.lgamma(x).sum(-1) - torch.lgamma(x.sum(-1))

    @property
    def _mean_carrier_measure(self) -> Any:  # of -Σ log x
        a = self.concentration
        return (torch.digamma(a.sum(-1, True)) - torch.digamma(a)).sum(-1)


class _OfUnitInterval(Distribution):
    """Of numbers between 0 and 1, with two concentrations."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "concentration1": constraints.positive, "concentration0": constraints.positive,
    }  # fmt: skip
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None):
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        super().__init__(self.concentration1.shape, validate_args=validate_args)


class Beta(_OfUnitInterval, ExponentialFamily):
    r"""$\propto x^{a-1} (1-x)^{b-1}$, for concentrations a of 1 and b of 0."""

    def _pair(self) -> Dirichlet:
        both = torch.stack([self.concentration1, self.concentration0], -1)
        return Dirichlet(both, validate_args=False)

    @property
    def mean(self) -> Any:
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def mode(self) -> Any:
        return self._pair().mode[..., 0]

    @property
    def variance(self) -> Any:
        a, b = self.concentration1, self.concentration0
        total = a + b
        return a * b / (total.square() * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self._pair().rsample(sample_shape).select(-1, 0)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        a, b = self.concentration1, self.concentration0
        beta = torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)
        return torch.xlogy(a - 1, value) + torch.special.xlog1py(b - 1, -value) - beta

    def entropy(self) -> Any:
        return self._pair().entropy()

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return self.concentration1, self.concentration0

    def _log_normalizer(self, x: Any, y: Any) -> Any:
        return torch.lgamma(x) + torch.lgamma(y) - torch.lgamma(x + y)

    @property
    def _mean_carrier_measure(self) -> Any:  # of -log x - log(1 - x)
        return self._pair()._mean_carrier_measure


class Kumaraswamy(_OfUnitInterval):
    r"""$a b x^{a-1} (1 - x^a)^{b-1}$: like a beta distribution, with a simple cdf."""

    def _moment(self, n: int) -> Any:
        """b B(1 + n/a, b)."""
        a, b = self.concentration1, self.concentration0
        first = 1 + n / a
        return torch.exp(b.log() + torch.lgamma(first) + torch.lgamma(b) - torch.lgamma(first + b))

    @property
    def mean(self) -> Any:
        return self._moment(1)

    @property
    def mode(self) -> Any:
        a, b = self.concentration1, self.concentration0
        found = ((a - 1) / (a * b - 1)).pow(a.reciprocal())
        return torch.where((a < 1) | (b < 1), math.nan, found)

    @property
    def variance(self) -> Any:
        return self._moment(2) - self._moment(1).square()

    def rsample(self, sample_shape: Any = ()) -> Any:
        dtype = self.concentration1.dtype
        info = torch.finfo(dtype)
        u = torch.rand(self._extended_shape(sample_shape), dtype=dtype)
        return self.icdf(u.clamp(info.tiny, 1 - info.eps / 2))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        a, b = self.concentration1, self.concentration0
        return (
            a.log() + b.log() + torch.xlogy(a - 1, value)
            + torch.special.xlog1py(b - 1, -value.pow(a))
        )  # fmt: skip

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        return -torch.expm1(self.concentration0 * torch.log1p(-value.pow(self.concentration1)))

    def icdf(self, value: Any) -> Any:
        inner = -torch.expm1(torch.log1p(-value) / self.concentration0)
        return inner.pow(self.concentration1.reciprocal())

    def entropy(self) -> Any:
        a, b = self.concentration1, self.concentration0
        harmonic = torch.digamma(b + 1) + EULER
        return 1 - b.reciprocal() + (1 - a.reciprocal()) * harmonic - a.log() - b.log()


class ContinuousBernoulli(ExponentialFamily):
    r"""$C(p)\, p^x (1-p)^{1-x}$ on [0, 1]: G. Loaiza-Ganem and J. Cunningham, 2019.

    Near p = 1/2, within `lims`, Taylor's series stand in for differences that cancel.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self, probs: Any = None, logits: Any = None, lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ):  # fmt: skip
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        if probs is not None:
            (self.probs,) = broadcast_all(probs)
            eps = torch.finfo(self.probs.dtype).eps
            p = self.probs.clamp(eps, 1 - eps)
            self.logits = p.log() - torch.log1p(-p)
        else:
            (self.logits,) = broadcast_all(logits)
            self.probs = torch.sigmoid(self.logits)
        self._lims = lims
        super().__init__(self.probs.shape, validate_args=validate_args)

    @property
    def param_shape(self) -> Any:
        """The shape of the parameters."""
        return self.probs.shape

    def _near_half(self) -> Any:
        return (self.probs > self._lims[0]) & (self.probs < self._lims[1])

    def _apart(self) -> Any:
        """The logits, away from zero where a series is used anyway."""
        return torch.where(self._near_half(), 1.0, self.logits)

    def _log_normaliser(self) -> Any:
        """log C(p) = log(l / tanh(l/2)) with l the logits; a series near 0."""
        wide = self._apart()
        square = self.logits.square()
        series = math.log(2) + square / 12 - 7 * square.square() / 1440
        return torch.where(self._near_half(), series, (wide / torch.tanh(wide / 2)).abs().log())

    @property
    def mean(self) -> Any:
        wide = self._apart()
        found = 0.5 + 0.5 / torch.tanh(wide / 2) - 1 / wide
        series = 0.5 + self.logits / 12 - self.logits.pow(3) / 720
        return torch.where(self._near_half(), series, found)

    @property
    def variance(self) -> Any:
        wide = self._apart()
        found = wide.pow(-2) - 0.25 / torch.sinh(wide / 2).square()
        return torch.where(self._near_half(), 1 / 12 - self.logits.square() / 240, found)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        return self._linear(value)

    def _linear(self, value: Any) -> Any:
        """The log density, which is linear in the value."""
        softplus = torch.nn.functional.softplus(self.logits)
        return value * self.logits - softplus + self._log_normaliser()

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        wide = self._apart()
        found = torch.expm1(wide * value) / torch.expm1(wide)
        return torch.where(self._near_half(), value, found).clamp(0, 1)

    def icdf(self, value: Any) -> Any:
        wide = self._apart()
        found = torch.log1p(value * torch.expm1(wide)) / wide
        return torch.where(self._near_half(), value, found)

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = torch.rand(self._extended_shape(sample_shape), dtype=self.probs.dtype)
        return self.icdf(u)

    def entropy(self) -> Any:
        return (
            torch.nn.functional.softplus(self.logits) - self._log_normaliser()
            - self.mean * self.logits
        )  # fmt: skip

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return (self.logits,)

    def _log_normalizer(self, x: Any) -> Any:
        """log((eˣ - 1)/x); a series near 0."""
        near = x.abs() < 0.01
        wide = torch.where(near, 1.0, x)
        square = x.square()
        series = x / 2 + square / 24 - square.square() / 2880
        return torch.where(near, series, (torch.expm1(wide) / wide).log())
