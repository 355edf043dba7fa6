"""Probability distributions, as `torch.distributions`.

A distribution is a batch of independent ones: `batch_shape` is the shape of their parameters, and
`event_shape` that of one draw. `sample((n,))` and `rsample((n,))` give tensors of shape
`(n, *batch_shape, *event_shape)`, `log_prob` takes such tensors and gives one number per draw.
Everything is written with differentiable operations; `rsample` is differentiable in the parameters
where `has_rsample` is True.
"""

from pullback.distributions import constraints, transforms
from pullback.distributions.bounded import Beta, ContinuousBernoulli, Dirichlet, Kumaraswamy
from pullback.distributions.combined import (
    Independent,
    MixtureSameFamily,
    TransformedDistribution,
)
from pullback.distributions.counts import (
    Binomial,
    Geometric,
    Multinomial,
    NegativeBinomial,
    Poisson,
)
from pullback.distributions.discrete import Bernoulli, Categorical, OneHotCategorical
from pullback.distributions.distribution import Distribution
from pullback.distributions.divergence import kl_divergence, register_kl
from pullback.distributions.gaussian import (
    HalfNormal,
    LogNormal,
    LowRankMultivariateNormal,
    MultivariateNormal,
    Normal,
)
from pullback.distributions.line import Cauchy, Gumbel, HalfCauchy, Laplace, StudentT, Uniform
from pullback.distributions.positive import (
    Chi2,
    Exponential,
    FisherSnedecor,
    Gamma,
    InverseGamma,
    Pareto,
    Weibull,
)
from pullback.distributions.relaxed import RelaxedBernoulli, RelaxedOneHotCategorical
from pullback.distributions.transforms import (
    AbsTransform,
    AffineTransform,
    CatTransform,
    ComposeTransform,
    CumulativeDistributionTransform,
    ExpTransform,
    IndependentTransform,
    LowerCholeskyTransform,
    PowerTransform,
    ReshapeTransform,
    SigmoidTransform,
    SoftmaxTransform,
    SoftplusTransform,
    StackTransform,
    StickBreakingTransform,
    TanhTransform,
    Transform,
    identity_transform,
)

__all__ = [
    "AbsTransform", "AffineTransform", "Bernoulli", "Beta", "Binomial", "CatTransform",
    "Categorical", "Cauchy", "Chi2", "ComposeTransform", "ContinuousBernoulli",
    "CumulativeDistributionTransform", "Dirichlet", "Distribution", "ExpTransform", "Exponential",
    "FisherSnedecor", "Gamma", "Geometric", "Gumbel", "HalfCauchy", "HalfNormal", "Independent",
    "IndependentTransform", "InverseGamma", "Kumaraswamy", "Laplace", "LogNormal",
    "LowRankMultivariateNormal", "LowerCholeskyTransform", "MixtureSameFamily", "Multinomial",
    "MultivariateNormal", "NegativeBinomial", "Normal", "OneHotCategorical", "Pareto", "Poisson",
    "PowerTransform", "RelaxedBernoulli", "RelaxedOneHotCategorical", "ReshapeTransform",
    "SigmoidTransform", "SoftmaxTransform", "SoftplusTransform", "StackTransform",
    "StickBreakingTransform", "StudentT", "TanhTransform", "Transform", "TransformedDistribution",
    "Uniform", "Weibull", "constraints", "identity_transform", "kl_divergence", "register_kl",
    "transforms",
]  # fmt: skip


def __getattr__(name: str) -> object:
    from pullback.missing import missing_attribute

    raise missing_attribute(__name__, name, __all__)
