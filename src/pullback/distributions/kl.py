r"""The Kullback-Leibler divergence $\int p \log(p/q)$ of pairs of distributions, in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pullback as torch
from pullback.distributions.bounded import Beta, ContinuousBernoulli, Dirichlet
from pullback.distributions.combined import Independent, TransformedDistribution
from pullback.distributions.counts import Binomial, Geometric, Poisson
from pullback.distributions.discrete import Bernoulli, Categorical, OneHotCategorical
from pullback.distributions.distribution import sum_last
from pullback.distributions.exp_family import ExponentialFamily
from pullback.distributions.gaussian import (
    HalfNormal,
    LogNormal,
    LowRankMultivariateNormal,
    MultivariateNormal,
    Normal,
    solve_lower,
)
from pullback.distributions.line import EULER, Cauchy, Gumbel, Laplace, Uniform
from pullback.distributions.positive import Exponential, Gamma, Pareto

__all__ = ["kl_divergence", "register_kl"]

Rule = Callable[[Any, Any], Any]
_rules: dict[tuple[type, type], Rule] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Rule], Rule]:
    """Decorator: the divergence for distributions of these types and their subclasses."""

    def register(function: Rule) -> Rule:
        _rules[type_p, type_q] = function
        return function

    return register


def kl_divergence(p: Any, q: Any) -> Any:
    """KL(p || q), of shape batch_shape. NotImplementedError for pairs without a closed form."""
    best: tuple[int, Rule] | None = None
    for (a, b), rule in _rules.items():
        if isinstance(p, a) and isinstance(q, b):
            far = type(p).__mro__.index(a) + type(q).__mro__.index(b)
            if best is None or far < best[0]:
                best = far, rule
    if best is None:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {type(p).__name__} and q type "
            f"{type(q).__name__}: register_kl adds one"
        )
    return best[1](p, q)


@register_kl(Normal, Normal)
def _(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale).square()
    gap = ((p.loc - q.loc) / q.scale).square()
    return 0.5 * (ratio + gap - 1 - ratio.log())


@register_kl(LogNormal, LogNormal)
@register_kl(HalfNormal, HalfNormal)
def _(p: Any, q: Any) -> Any:
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(TransformedDistribution, TransformedDistribution)
def _(p: Any, q: Any) -> Any:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("KL of distributions transformed by different maps")
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(ExponentialFamily, ExponentialFamily)
def _(p: Any, q: Any) -> Any:
    if type(p) is not type(q):
        raise NotImplementedError("KL of two exponential families: of one kind, or registered")
    value, theta, slopes = p._normalizer_and_slopes()
    other = q._natural_params
    gaps = tuple(a - b for a, b in zip(theta, other, strict=True))
    return q._log_normalizer(*other) - value + p._inner(gaps, slopes)


@register_kl(Independent, Independent)
def _(p: Any, q: Any) -> Any:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("KL of events of different ranks")
    return sum_last(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(MultivariateNormal, MultivariateNormal)
@register_kl(MultivariateNormal, LowRankMultivariateNormal)
@register_kl(LowRankMultivariateNormal, MultivariateNormal)
@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _(p: Any, q: Any) -> Any:
    if p.event_shape != q.event_shape:
        raise ValueError(
            f"KL-divergence between two multivariate normals with different event shapes: "
            f"{tuple(p.event_shape)} and {tuple(q.event_shape)}"
        )
    a, b = p.scale_tril, q.scale_tril
    batch = torch.broadcast_shapes(p.batch_shape, q.batch_shape)
    size = p.event_shape[0]
    wide = (*batch, size, size)
    whitened = torch.linalg.solve_triangular(b.expand(wide), a.expand(wide), upper=False)
    trace = whitened.square().sum((-2, -1))
    gap = solve_lower(b, q.loc - p.loc).square().sum(-1)
    logs = [m.diagonal(dim1=-2, dim2=-1).log().sum(-1) for m in (a, b)]
    return logs[1] - logs[0] + 0.5 * (trace + gap - size)


@register_kl(Bernoulli, Bernoulli)
def _(p: Any, q: Any) -> Any:
    softplus = torch.nn.functional.softplus
    one = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    zero = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    one = torch.where(q.probs == 0, torch.where(p.probs == 0, 0.0, math.inf), one)
    zero = torch.where(q.probs == 1, torch.where(p.probs == 1, 0.0, math.inf), zero)
    return one + zero


@register_kl(Categorical, Categorical)
def _(p: Any, q: Any) -> Any:
    terms = p.probs * (p.logits - q.logits)
    terms = torch.where((q.probs == 0).expand_as(terms), math.inf, terms)
    return torch.where((p.probs == 0).expand_as(terms), 0.0, terms).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _(p: Any, q: Any) -> Any:
    return kl_divergence(p._categorical, q._categorical)


@register_kl(Binomial, Binomial)
def _(p: Any, q: Any) -> Any:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count")
    logsigmoid = torch.nn.functional.logsigmoid
    one = p.probs * (p.logits - q.logits)
    found = p.total_count * (one + logsigmoid(-p.logits) - logsigmoid(-q.logits))
    return torch.where(p.total_count > q.total_count, math.inf, found)


@register_kl(Poisson, Poisson)
def _(p: Any, q: Any) -> Any:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Geometric, Geometric)
def _(p: Any, q: Any) -> Any:
    return -p.entropy() - torch.log1p(-q.probs) / p.probs - q.logits


@register_kl(Exponential, Exponential)
def _(p: Any, q: Any) -> Any:
    ratio = q.rate / p.rate
    return ratio - 1 - ratio.log()


@register_kl(Gamma, Gamma)
def _(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    return (
        b * (p.rate / q.rate).log() + torch.lgamma(b) - torch.lgamma(a)
        + (a - b) * torch.digamma(a) + (q.rate - p.rate) * (a / p.rate)
    )  # fmt: skip


@register_kl(Exponential, Gamma)
def _(p: Any, q: Any) -> Any:
    return kl_divergence(Gamma(torch.ones_like(p.rate), p.rate), q)


@register_kl(Gamma, Exponential)
def _(p: Any, q: Any) -> Any:
    return kl_divergence(p, Gamma(torch.ones_like(q.rate), q.rate))


@register_kl(Dirichlet, Dirichlet)
def _(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    total, other = a.sum(-1), b.sum(-1)
    sizes = torch.lgamma(total) - torch.lgamma(other)
    parts = (torch.lgamma(a) - torch.lgamma(b)).sum(-1)
    slope = torch.digamma(a) - torch.digamma(total).unsqueeze(-1)
    return sizes - parts + ((a - b) * slope).sum(-1)


@register_kl(Beta, Beta)
def _(p: Any, q: Any) -> Any:
    return kl_divergence(p._pair(), q._pair())


@register_kl(Laplace, Laplace)
def _(p: Any, q: Any) -> Any:
    ratio, gap = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + gap / q.scale + ratio * torch.exp(-gap / p.scale) - 1


@register_kl(Cauchy, Cauchy)
def _(p: Any, q: Any) -> Any:
    whole = (p.scale + q.scale).square() + (p.loc - q.loc).square()
    return whole.log() - (4 * p.scale * q.scale).log()


@register_kl(Gumbel, Gumbel)
def _(p: Any, q: Any) -> Any:
    ratio = p.scale / q.scale
    gap = (q.loc - p.loc) / q.scale
    return (
        -ratio.log() - gap + ratio * EULER
        + torch.exp(gap + torch.lgamma(1 + ratio)) - (1 + EULER)
    )  # fmt: skip


@register_kl(Uniform, Uniform)
def _(p: Any, q: Any) -> Any:
    found = ((q.high - q.low) / (p.high - p.low)).log()
    return torch.where((q.low > p.low) | (q.high < p.high), math.inf, found)


@register_kl(Pareto, Pareto)
def _(p: Any, q: Any) -> Any:
    ratio, shapes = p.scale / q.scale, q.alpha / p.alpha
    found = q.alpha * ratio.log() - shapes.log() + shapes - 1
    return torch.where(p.scale < q.scale, math.inf, found)


# ------------------------------------------------------------------- distributions of two kinds
# KL(p || q) = -H(p) - E_p[log q], the last of which needs a few moments of p. Where q is zero and p
# is not, it is infinite.


def _of_pairs(firsts: tuple[type, ...], second: type) -> Callable[[Rule], Rule]:
    """Decorator: from E_p[log q] to the divergences of several p from one kind of q."""

    def register(expected_log: Rule) -> Rule:
        def rule(p: Any, q: Any) -> Any:
            return -p.entropy() - expected_log(p, q)

        for first in firsts:
            register_kl(first, second)(rule)
        return expected_log

    return register


def _infinite_beyond(p: Any, low: Any, high: Any, found: Any) -> Any:
    """`found`, or minus infinity where the support of p is not within [low, high]."""
    inside = (p.support.lower_bound >= low) & (p.support.upper_bound <= high)
    return torch.where(torch.as_tensor(inside), found, -math.inf)


def _mean_log(p: Any) -> Any:
    """E_p[log x]."""
    if isinstance(p, Beta):
        total = torch.digamma(p.concentration1 + p.concentration0)
        return torch.digamma(p.concentration1) - total
    if isinstance(p, Pareto):
        return p.scale.log() + p.alpha.reciprocal()
    low, high = p.low, p.high
    return (torch.xlogy(high, high) - torch.xlogy(low, low)) / (high - low) - 1


def _mean_exp(p: Any, t: Any) -> Any:
    """E_p[exp(-t x)], for positive t."""
    if isinstance(p, Exponential):
        return p.rate / (p.rate + t)
    if isinstance(p, Gamma):
        return (p.rate / (p.rate + t)).pow(p.concentration)
    if isinstance(p, Normal):
        return torch.exp((t * p.scale).square() / 2 - t * p.loc)
    return (torch.exp(-t * p.low) - torch.exp(-t * p.high)) / (t * (p.high - p.low))


@_of_pairs(
    (Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Pareto, Uniform), Normal
)
def _(p: Any, q: Any) -> Any:
    square = p.variance + (p.mean - q.loc).square()
    return -(math.sqrt(2 * math.pi) * q.scale).log() - square / (2 * q.scale.square())


@_of_pairs((Beta, ContinuousBernoulli, Pareto), Exponential)
def _(p: Any, q: Any) -> Any:
    return q.rate.log() - q.rate * p.mean


@_of_pairs((Uniform,), Exponential)
def _(p: Any, q: Any) -> Any:
    return _infinite_beyond(p, 0, math.inf, q.rate.log() - q.rate * p.mean)


def _log_gamma_density(p: Any, q: Any, mean_log: Any) -> Any:
    shape, rate = q.concentration, q.rate
    return shape * rate.log() - torch.lgamma(shape) + (shape - 1) * mean_log - rate * p.mean


@_of_pairs((Beta, Pareto), Gamma)
def _(p: Any, q: Any) -> Any:
    return _log_gamma_density(p, q, _mean_log(p))


@_of_pairs((Uniform,), Gamma)
def _(p: Any, q: Any) -> Any:
    return _infinite_beyond(p, 0, math.inf, _log_gamma_density(p, q, _mean_log(p)))


@_of_pairs((Beta, ContinuousBernoulli), Uniform)
def _(p: Any, q: Any) -> Any:
    return torch.where((q.low <= 0) & (q.high >= 1), -(q.high - q.low).log(), -math.inf)


@_of_pairs((Uniform,), Beta)
def _(p: Any, q: Any) -> Any:
    a, b = q.concentration1, q.concentration0
    size = torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)
    other = Uniform(1 - p.high, 1 - p.low, validate_args=False)
    found = (a - 1) * _mean_log(p) + (b - 1) * _mean_log(other) - size
    return _infinite_beyond(p, 0, 1, found)


@_of_pairs((Beta, ContinuousBernoulli), ContinuousBernoulli)
def _(p: Any, q: Any) -> Any:
    return q._linear(p.mean)


@_of_pairs((Uniform,), ContinuousBernoulli)
def _(p: Any, q: Any) -> Any:
    return _infinite_beyond(p, 0, 1, q._linear(p.mean))


@_of_pairs((Exponential, Gamma, Normal, Uniform), Gumbel)
def _(p: Any, q: Any) -> Any:
    t = q.scale.reciprocal()
    return -q.scale.log() - (p.mean - q.loc) * t - torch.exp(q.loc * t) * _mean_exp(p, t)


@_of_pairs((Normal,), Laplace)
def _(p: Any, q: Any) -> Any:
    gap = (p.loc - q.loc) / p.scale
    far = p.scale * math.sqrt(2 / math.pi) * torch.exp(-gap.square() / 2)
    far = far + (p.loc - q.loc) * torch.erf(gap / math.sqrt(2))
    return -(2 * q.scale).log() - far / q.scale


@_of_pairs((Uniform,), Pareto)
def _(p: Any, q: Any) -> Any:
    found = q.alpha.log() + q.alpha * q.scale.log() - (q.alpha + 1) * _mean_log(p)
    return _infinite_beyond(p, q.scale, math.inf, found)


@_of_pairs((Bernoulli,), Poisson)
def _(p: Any, q: Any) -> Any:
    return p.probs * q.rate.log() - q.rate


def _infinite(p: Any, q: Any) -> Any:
    like = next(v for v in p.__dict__.values() if isinstance(v, torch.Tensor))
    shape = torch.broadcast_shapes(p.batch_shape, q.batch_shape)
    return torch.full(shape, math.inf, dtype=like.dtype)


# What p can draw and q cannot, whatever their parameters.
for _first, _seconds in {
    Beta: (Pareto,),
    ContinuousBernoulli: (Pareto,),
    Exponential: (Beta, ContinuousBernoulli, Pareto, Uniform),
    Gamma: (Beta, ContinuousBernoulli, Pareto, Uniform),
    Gumbel: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
    Laplace: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
    Normal: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
    Pareto: (Beta, ContinuousBernoulli, Uniform),
    Poisson: (Bernoulli, Binomial),
}.items():
    for _second in _seconds:
        register_kl(_first, _second)(_infinite)
