"""Normal distributions, of numbers and of vectors, and what is made of them."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import pullback as torch
from pullback.distributions import constraints
from pullback.distributions.combined import TransformedDistribution
from pullback.distributions.exp_family import ExponentialFamily
from pullback.distributions.location import Around, LocationScale
from pullback.distributions.transforms import (
    AbsTransform,
    ExpTransform,
    StickBreakingTransform,
)

__all__ = [
    "HalfNormal", "LogNormal", "LogisticNormal", "LowRankMultivariateNormal",
    "MultivariateNormal", "Normal",
]  # fmt: skip

LOG_2PI = math.log(2 * math.pi)


class Normal(LocationScale, ExponentialFamily):
    r"""$\frac{1}{\sigma\sqrt{2\pi}} \exp\left(-\frac{(x-\mu)^2}{2\sigma^2}\right)$."""

    @property
    def stddev(self) -> Any:
        return self.scale

    @property
    def variance(self) -> Any:
        return self.scale.square()

    def rsample(self, sample_shape: Any = ()) -> Any:
        noise = torch.randn(self._extended_shape(sample_shape), dtype=self.loc.dtype)
        return self.loc + noise * self.scale

    def log_prob(self, value: Any) -> Any:
        return -0.5 * self._standard(value).square() - self.scale.log() - 0.5 * LOG_2PI

    def cdf(self, value: Any) -> Any:
        return 0.5 * (1 + torch.erf(self._standard(value) / math.sqrt(2)))

    def icdf(self, value: Any) -> Any:
        return self.loc + self.scale * torch.erfinv(2 * value - 1) * math.sqrt(2)

    def entropy(self) -> Any:
        return 0.5 + 0.5 * LOG_2PI + self.scale.log()

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        precision = self.scale.pow(-2)
        return self.loc * precision, -0.5 * precision

    def _log_normalizer(self, x: Any, y: Any) -> Any:
        return -0.25 * x.square() / y + 0.5 * torch.log(-math.pi / y)


class LogNormal(TransformedDistribution):
    """The exponential of a normal number."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    support = constraints.positive
    has_rsample = True
    base_dist: Normal

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None):
        base = Normal(loc, scale, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)

    @property
    def loc(self) -> Any:
        """The mean of the logarithm."""
        return self.base_dist.loc

    @property
    def scale(self) -> Any:
        """The standard deviation of the logarithm."""
        return self.base_dist.scale

    @property
    def mean(self) -> Any:
        return (self.loc + self.scale.square() / 2).exp()

    @property
    def mode(self) -> Any:
        return (self.loc - self.scale.square()).exp()

    @property
    def variance(self) -> Any:
        square = self.scale.square()
        return square.expm1() * (2 * self.loc + square).exp()

    def entropy(self) -> Any:
        return self.base_dist.entropy() + self.loc


class LogisticNormal(TransformedDistribution):
    """Points of the (K + 1)-simplex, broken off a stick by K normal numbers."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    support = constraints.simplex
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None):
        base = Normal(loc, scale, validate_args=validate_args)
        if not base.batch_shape:
            base = base.expand((1,))
        super().__init__(base, StickBreakingTransform(), validate_args=validate_args)

    @property
    def loc(self) -> Any:
        """The means of the normal numbers."""
        return self.base_dist.base_dist.loc

    @property
    def scale(self) -> Any:
        """Their standard deviations."""
        return self.base_dist.base_dist.scale


class HalfNormal(TransformedDistribution):
    """The absolute value of a normal number around 0."""

    arg_constraints: ClassVar[dict[str, Any]] = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    base_dist: Normal

    def __init__(self, scale: Any, validate_args: bool | None = None):
        super().__init__(Normal(0.0, scale, validate_args=False), AbsTransform(),
                         validate_args=validate_args)  # fmt: skip

    @property
    def scale(self) -> Any:
        """The scale of the normal number."""
        return self.base_dist.scale

    @property
    def mean(self) -> Any:
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def mode(self) -> Any:
        return torch.zeros_like(self.scale)

    @property
    def variance(self) -> Any:
        return self.scale.square() * (1 - 2 / math.pi)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        found = self.base_dist.log_prob(value) + math.log(2)
        return torch.where(value >= 0, found, -math.inf)

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, value: Any) -> Any:
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self) -> Any:
        return self.base_dist.entropy() - math.log(2)


def solve_lower(factor: Any, vectors: Any) -> Any:
    """L⁻¹ v for lower triangular matrices and vectors along the last axis, both batched.

    Many vectors for each matrix are multiplied by its inverse: pairs of points and components stay
    a formula.
    """
    size = factor.shape[-1]
    batch = torch.broadcast_shapes(factor.shape[:-2], vectors.shape[:-1])
    if batch.numel() > size * factor.shape[:-2].numel():
        eye = torch.eye(size, dtype=factor.dtype)
        factor = torch.linalg.solve_triangular(factor, eye, upper=False)
        return (factor @ vectors.unsqueeze(-1)).squeeze(-1)
    wide = vectors.expand(*batch, size).unsqueeze(-1)
    factor = factor.expand(*batch, size, size)
    return torch.linalg.solve_triangular(factor, wide, upper=False).squeeze(-1)


def _precision_to_scale_tril(matrix: Any) -> Any:  # PyTorch's name: libraries call it
    """The Cholesky factors of the inverses of positive definite matrices."""
    upper = torch.linalg.cholesky(matrix.flip((-2, -1))).flip((-2, -1)).mT
    eye = torch.eye(matrix.shape[-1], dtype=matrix.dtype)
    return torch.linalg.solve_triangular(upper, eye, upper=False)


def one_of(matrices: dict[str, Any]) -> tuple[str, Any]:
    """The name of the one matrix that is not None, and the matrix; ValueError otherwise."""
    given = [(name, matrix) for name, matrix in matrices.items() if matrix is not None]
    if len(given) != 1:
        raise ValueError(
            "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
        )
    ((name, matrix),) = given
    if matrix.dim() < 2:
        raise ValueError(f"{name} must be at least two-dimensional, not {list(matrix.shape)}")
    return name, matrix


class _OfVectors(Around):
    """Normal vectors around `loc`."""

    support = constraints.real_vector
    has_rsample = True


class MultivariateNormal(_OfVectors):
    r"""Vectors of mean μ and covariance Σ, given as `covariance_matrix`, as its inverse
    `precision_matrix`, or as its Cholesky factor `scale_tril`."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "loc": constraints.real_vector, "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }  # fmt: skip

    def __init__(
        self, loc: Any, covariance_matrix: Any = None, precision_matrix: Any = None,
        scale_tril: Any = None, validate_args: bool | None = None,
    ):  # fmt: skip
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        name, matrix = one_of({
            "covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        })  # fmt: skip
        batch = torch.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        matrix = matrix.expand(*batch, *matrix.shape[-2:])
        self.loc = loc.expand(*batch, loc.shape[-1])
        setattr(self, name, matrix)
        super().__init__(batch, self.loc.shape[-1:], validate_args=validate_args)
        if name == "scale_tril":
            self._unbroadcasted_scale_tril = matrix
        elif name == "covariance_matrix":
            self._unbroadcasted_scale_tril = torch.linalg.cholesky(matrix)
        else:  # the Cholesky factor of the inverse, from that of the reversed matrix
            self._unbroadcasted_scale_tril = _precision_to_scale_tril(matrix)

    def _event_rank(self, name: str) -> int:
        return 1 if name == "loc" else 2

    def __getattr__(self, name: str) -> Any:
        """The matrices that were not given."""
        if name not in ("covariance_matrix", "precision_matrix", "scale_tril"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        factor = self._unbroadcasted_scale_tril
        if name == "scale_tril":
            return factor
        if name == "covariance_matrix":
            return factor @ factor.mT
        return torch.cholesky_inverse(factor)

    @property
    def variance(self) -> Any:
        return (
            self._unbroadcasted_scale_tril.square()
            .sum(-1)
            .expand(self._batch_shape + self._event_shape)
        )

    def rsample(self, sample_shape: Any = ()) -> Any:
        noise = torch.randn(self._extended_shape(sample_shape), dtype=self.loc.dtype)
        return self.loc + (self._unbroadcasted_scale_tril @ noise.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        gap = solve_lower(self._unbroadcasted_scale_tril, value - self.loc)
        size = self._event_shape[0]
        return -0.5 * (size * LOG_2PI + gap.square().sum(-1)) - self._half_log_det()

    def _half_log_det(self) -> Any:
        return self._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def entropy(self) -> Any:
        return 0.5 * self._event_shape[0] * (1 + LOG_2PI) + self._half_log_det()


class LowRankMultivariateNormal(_OfVectors):
    r"""Vectors of covariance $W W^\top + \mathrm{diag}(d)$, W of shape (…, n, k) with k ≪ n.

    Inverses and determinants are of k × k matrices (M. Woodbury, "Inverting modified matrices",
    1950).
    """

    arg_constraints: ClassVar[dict[str, Any]] = {
        "loc": constraints.real_vector, "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }  # fmt: skip

    def __init__(self, loc: Any, cov_factor: Any, cov_diag: Any, validate_args: bool | None = None):
        if loc.dim() < 1 or cov_factor.dim() < 2 or cov_diag.dim() < 1:
            raise ValueError(
                f"loc and cov_diag are batches of vectors, cov_factor of matrices: the shapes are "
                f"{list(loc.shape)}, {list(cov_diag.shape)} and {list(cov_factor.shape)}"
            )
        event = loc.shape[-1:]
        if cov_factor.shape[-2:-1] != event or cov_diag.shape[-1:] != event:
            raise ValueError(
                f"cov_factor must be a batch of matrices with shape {event[0]} x m, and cov_diag "
                f"of vectors of {event[0]}: the shapes are {list(cov_factor.shape)} and "
                f"{list(cov_diag.shape)}"
            )
        batch = torch.broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])
        self.loc = loc.expand(*batch, *event)
        self.cov_diag = cov_diag.expand(*batch, *event)
        self.cov_factor = cov_factor.expand(*batch, *cov_factor.shape[-2:])
        super().__init__(batch, event, validate_args=validate_args)

    @property
    def variance(self) -> Any:
        return self.cov_factor.square().sum(-1) + self.cov_diag

    @property
    def covariance_matrix(self) -> Any:
        """The whole matrix."""
        return self.cov_factor @ self.cov_factor.mT + torch.diag_embed(self.cov_diag)

    @property
    def precision_matrix(self) -> Any:
        """Its inverse."""
        inverse = torch.diag_embed(self.cov_diag.reciprocal())
        part = torch.linalg.solve_triangular(self._capacity(), self._weighted(), upper=False)
        return inverse - part.mT @ part

    @property
    def scale_tril(self) -> Any:
        """Its Cholesky factor."""
        return torch.linalg.cholesky(self.covariance_matrix)

    def _weighted(self) -> Any:
        """Wᵀ D⁻¹."""
        return self.cov_factor.mT / self.cov_diag.unsqueeze(-2)

    def _capacity(self) -> Any:
        """The Cholesky factor of I + Wᵀ D⁻¹ W."""
        k = self.cov_factor.shape[-1]
        eye = torch.eye(k, dtype=self.cov_factor.dtype)
        return torch.linalg.cholesky(eye + self._weighted() @ self.cov_factor)

    def _half_log_det(self, factor: Any) -> Any:
        inner = factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return inner + 0.5 * self.cov_diag.log().sum(-1)

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        dtype = self.loc.dtype
        low = torch.randn((*shape[:-1], self.cov_factor.shape[-1]), dtype=dtype)
        along = (self.cov_factor @ low.unsqueeze(-1)).squeeze(-1)
        return self.loc + along + self.cov_diag.sqrt() * torch.randn(shape, dtype=dtype)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        gap = value - self.loc
        factor = self._capacity()
        inner = solve_lower(factor, (self._weighted() @ gap.unsqueeze(-1)).squeeze(-1))
        distance = (gap.square() / self.cov_diag).sum(-1) - inner.square().sum(-1)
        size = self._event_shape[0]
        return -0.5 * (size * LOG_2PI + distance) - self._half_log_det(factor)

    def entropy(self) -> Any:
        return 0.5 * self._event_shape[0] * (1 + LOG_2PI) + self._half_log_det(self._capacity())
