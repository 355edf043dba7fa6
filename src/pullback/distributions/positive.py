"""Distributions of positive numbers."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import pullback as torch
from pullback.distributions import constraints
from pullback.distributions.distribution import Distribution, broadcast_all
from pullback.distributions.exp_family import ExponentialFamily

__all__ = [
    "Chi2", "Exponential", "FisherSnedecor", "Gamma", "GeneralizedPareto", "InverseGamma", "Pareto",
    "Weibull",
]  # fmt: skip


class Exponential(ExponentialFamily):
    r"""$\lambda e^{-\lambda x}$."""

    arg_constraints: ClassVar[dict[str, Any]] = {"rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, rate: Any, validate_args: bool | None = None):
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.rate.reciprocal()

    @property
    def mode(self) -> Any:
        return torch.zeros_like(self.rate)

    @property
    def stddev(self) -> Any:
        return self.rate.reciprocal()

    @property
    def variance(self) -> Any:
        return self.rate.pow(-2)

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = torch.rand(self._extended_shape(sample_shape), dtype=self.rate.dtype)
        return -torch.log1p(-u) / self.rate

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        return self.rate.log() - self.rate * value

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        return -torch.expm1(-self.rate * value)

    def icdf(self, value: Any) -> Any:
        return -torch.log1p(-value) / self.rate

    def entropy(self) -> Any:
        return 1 - self.rate.log()

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return (-self.rate,)

    def _log_normalizer(self, x: Any) -> Any:
        return -torch.log(-x)


class Gamma(ExponentialFamily):
    r"""$\frac{\beta^\alpha}{\Gamma(\alpha)} x^{\alpha-1} e^{-\beta x}$ with concentration α."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "concentration": constraints.positive,
        "rate": constraints.positive,
    }
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None):
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.concentration / self.rate

    @property
    def mode(self) -> Any:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Any:
        return self.concentration / self.rate.square()

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        return torch._standard_gamma(self.concentration.expand(shape)) / self.rate

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        a, b = self.concentration, self.rate
        return torch.xlogy(a, b) + torch.xlogy(a - 1, value) - b * value - torch.lgamma(a)

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        return torch.special.gammainc(self.concentration, self.rate * value)

    def entropy(self) -> Any:
        a = self.concentration
        return a - self.rate.log() + torch.lgamma(a) + (1 - a) * torch.digamma(a)

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, x: Any, y: Any) -> Any:
        return torch.lgamma(x + 1) - (x + 1) * torch.log(-y)


class Chi2(Gamma):
    """The sum of `df` squares of standard normal numbers."""

    arg_constraints: ClassVar[dict[str, Any]] = {"df": constraints.positive}

    def __init__(self, df: Any, validate_args: bool | None = None):
        (df,) = broadcast_all(df)
        super().__init__(0.5 * df, torch.full_like(df, 0.5), validate_args=validate_args)

    @property
    def df(self) -> Any:
        """Degrees of freedom."""
        return self.concentration * 2


class InverseGamma(Distribution):
    """The reciprocal of a gamma number."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "concentration": constraints.positive,
        "rate": constraints.positive,
    }
    support = constraints.positive
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None):
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    def _inverse(self) -> Gamma:
        return Gamma(self.concentration, self.rate, validate_args=False)

    @property
    def mean(self) -> Any:
        found = self.rate / (self.concentration - 1)
        return torch.where(self.concentration > 1, found, math.inf)

    @property
    def mode(self) -> Any:
        return self.rate / (self.concentration + 1)

    @property
    def variance(self) -> Any:
        a = self.concentration
        found = self.rate.square() / ((a - 1).square() * (a - 2))
        return torch.where(a > 2, found, math.inf)

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self._inverse().rsample(sample_shape).reciprocal()

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        return self._inverse().log_prob(value.reciprocal()) - 2 * value.log()

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        return torch.special.gammaincc(self.concentration, self.rate / value)

    def entropy(self) -> Any:
        a = self.concentration
        return a + self.rate.log() + torch.lgamma(a) - (1 + a) * torch.digamma(a)


class Weibull(Distribution):
    r"""$\frac{k}{s} (x/s)^{k-1} e^{-(x/s)^k}$ for scale s and concentration k."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "scale": constraints.positive,
        "concentration": constraints.positive,
    }
    support = constraints.positive
    has_rsample = True

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None):
        self.scale, self.concentration = broadcast_all(scale, concentration)
        super().__init__(self.scale.shape, validate_args=validate_args)

    def _moment(self, n: int) -> Any:
        return torch.exp(torch.lgamma(1 + n / self.concentration))

    @property
    def mean(self) -> Any:
        return self.scale * self._moment(1)

    @property
    def mode(self) -> Any:
        k = self.concentration
        return self.scale * ((k - 1).clamp(min=0) / k).pow(k.reciprocal())

    @property
    def variance(self) -> Any:
        return self.scale.square() * (self._moment(2) - self._moment(1).square())

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = torch.rand(self._extended_shape(sample_shape), dtype=self.scale.dtype)
        tiny = torch.finfo(self.scale.dtype).tiny
        return self.scale * (-torch.log1p(-u)).clamp(min=tiny).pow(self.concentration.reciprocal())

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        k, z = self.concentration, value / self.scale
        return (k / self.scale).log() + (k - 1) * z.log() - z.pow(k)

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        return -torch.expm1(-(value / self.scale).pow(self.concentration))

    def icdf(self, value: Any) -> Any:
        return self.scale * (-torch.log1p(-value)).pow(self.concentration.reciprocal())

    def entropy(self) -> Any:
        from pullback.distributions.line import EULER

        k = self.concentration
        return EULER * (1 - k.reciprocal()) + (self.scale / k).log() + 1


class Pareto(Distribution):
    r"""$\alpha s^\alpha / x^{\alpha+1}$ for x ≥ s."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "alpha": constraints.positive,
        "scale": constraints.positive,
    }
    has_rsample = True

    def __init__(self, scale: Any, alpha: Any, validate_args: bool | None = None):
        self.scale, self.alpha = broadcast_all(scale, alpha)
        super().__init__(self.scale.shape, validate_args=validate_args)

    @constraints.dependent_property
    def support(self) -> Any:
        """From the scale on."""
        return constraints.greater_than_eq(self.scale)

    @property
    def mean(self) -> Any:
        found = self.alpha * self.scale / (self.alpha - 1)
        return torch.where(self.alpha > 1, found, math.inf)

    @property
    def mode(self) -> Any:
        return self.scale

    @property
    def variance(self) -> Any:
        a = self.alpha
        found = self.scale.square() * a / ((a - 1).square() * (a - 2))
        return torch.where(a > 2, found, math.inf)

    def rsample(self, sample_shape: Any = ()) -> Any:
        u = torch.rand(self._extended_shape(sample_shape), dtype=self.scale.dtype)
        return self.icdf(u)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        return self.alpha.log() + self.alpha * self.scale.log() - (self.alpha + 1) * value.log()

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        return 1 - (self.scale / value).pow(self.alpha)

    def icdf(self, value: Any) -> Any:
        return self.scale * torch.exp(-torch.log1p(-value) / self.alpha)

    def entropy(self) -> Any:
        return (self.scale / self.alpha).log() + 1 + self.alpha.reciprocal()


class FisherSnedecor(Distribution):
    """The ratio of two chi-squared numbers, each over its degrees of freedom."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "df1": constraints.positive,
        "df2": constraints.positive,
    }
    support = constraints.positive
    has_rsample = True

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None):
        self.df1, self.df2 = broadcast_all(df1, df2)
        super().__init__(self.df1.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return torch.where(self.df2 > 2, self.df2 / (self.df2 - 2), math.nan)

    @property
    def mode(self) -> Any:
        found = (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2)
        return torch.where(self.df1 > 2, found, math.nan)

    @property
    def variance(self) -> Any:
        a, b = self.df1, self.df2
        found = 2 * b.square() * (a + b - 2) / (a * (b - 2).square() * (b - 4))
        return torch.where(b > 4, found, math.nan)

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        first, second = (
            torch._standard_gamma((df / 2).expand(shape)) / df for df in (self.df1, self.df2)
        )
        return first / second

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        a, b = self.df1 / 2, self.df2 / 2
        ratio = self.df1 / self.df2
        beta = torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)
        return a * ratio.log() + (a - 1) * value.log() - (a + b) * torch.log1p(ratio * value) - beta


class GeneralizedPareto(Distribution):
    r"""What exceeds a high threshold: $\frac{1}{s}(1 + k z)^{-1/k - 1}$ with $z = (x - \mu) / s
    \ge 0$, exponential for k = 0, and with an end at z = -1/k for negative k (J. Pickands,
    "Statistical inference using extreme order statistics", 1975). k is the `concentration`."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real,
    }  # fmt: skip
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None):
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @constraints.dependent_property
    def support(self) -> Any:
        """From loc to its end, or to infinity."""
        end = self.loc - self.scale / torch.where(self.concentration < 0, self.concentration, -1.0)
        return constraints.interval(self.loc, torch.where(self.concentration < 0, end, math.inf))

    def _shape(self) -> tuple[Any, Any]:
        """Where k is 0, and k with 1 in its place."""
        zero = self.concentration == 0
        return zero, torch.where(zero, 1.0, self.concentration)

    def _finite(self, below: float, power: Any) -> Any:
        """The function of k where k is small enough, NaN elsewhere."""
        valid = self.concentration < below
        return torch.where(valid, power(torch.where(valid, self.concentration, 0.0)), math.nan)

    @property
    def mean(self) -> Any:
        return self._finite(1, lambda k: self.loc + self.scale / (1 - k))

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        return self._finite(0.5, lambda k: (self.scale / (1 - k)).square() / (1 - 2 * k))

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.icdf(torch.rand(self._extended_shape(sample_shape), dtype=self.loc.dtype))

    def log_survival_function(self, value: Any) -> Any:
        """log P(X > value)."""
        self._validate_sample(value)
        z = (value - self.loc) / self.scale
        zero, k = self._shape()
        return torch.where(zero, -z, -torch.log1p(k * z) / k)

    def log_cdf(self, value: Any) -> Any:
        """log P(X ≤ value)."""
        return torch.log1p(-self.log_survival_function(value).exp())

    def log_prob(self, value: Any) -> Any:
        # The density is that power of the survival function.
        power = 1 + self.concentration
        return torch.where(power == 0, 0.0, power * self.log_survival_function(value)) - (
            self.scale.log()
        )

    def cdf(self, value: Any) -> Any:
        return -torch.expm1(self.log_survival_function(value))

    def icdf(self, value: Any) -> Any:
        zero, k = self._shape()
        exponential = -torch.log1p(-value)
        return self.loc + self.scale * torch.where(
            zero, exponential, torch.expm1(k * exponential) / k
        )

    def entropy(self) -> Any:
        return self.scale.log() + self.concentration + 1
