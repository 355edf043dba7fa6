"""Distributions of matrices: covariances, and the Cholesky factors of correlations."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import pullback as torch
from pullback.distributions import constraints
from pullback.distributions.bounded import Beta
from pullback.distributions.distribution import Distribution, broadcast_all
from pullback.distributions.exp_family import ExponentialFamily
from pullback.distributions.gaussian import _precision_to_scale_tril, one_of, solve_lower
from pullback.distributions.positive import Chi2

__all__ = ["LKJCholesky", "Wishart"]


class LKJCholesky(Distribution):
    r"""Cholesky factors of correlation matrices C of density in proportion to
    $\det(C)^{\text{concentration} - 1}$.

    Draws grow by a row at a time, a point within a ball: D. Lewandowski, D. Kurowicka and H. Joe,
    "Generating random correlation matrices based on vines and extended onion method", 2009,
    section 3.2. The density is that of the factors, as in the manual of Stan.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None):
        if dim < 2:
            raise ValueError(
                f"Expected dim to be an integer greater than or equal to 2. Found {dim}."
            )
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args=validate_args)

    def _event_rank(self, name: str) -> int:
        return 0

    def sample(self, sample_shape: Any = ()) -> Any:
        rows = torch.arange(1, self.dim, dtype=self.concentration.dtype)
        with torch.no_grad():
            rest = self.concentration.unsqueeze(-1) + (self.dim - 1 - rows) / 2
            square = Beta(rows / 2, rest, validate_args=False).sample(sample_shape)
            shape = self._extended_shape(sample_shape)
            way = torch.randn(shape, dtype=self.concentration.dtype).tril(-1)[..., 1:, :]
            way = way / way.norm(dim=-1, keepdim=True)
            lower = torch.nn.functional.pad(square.sqrt().unsqueeze(-1) * way, (0, 0, 1, 0))
            tiny = torch.finfo(lower.dtype).tiny
            return lower + torch.diag_embed((1 - lower.square().sum(-1)).clamp(min=tiny).sqrt())

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        rows = torch.arange(2, self.dim + 1, dtype=self.concentration.dtype)
        power = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - rows
        found = (power * value.diagonal(dim1=-2, dim2=-1)[..., 1:].log()).sum(-1)
        free = self.dim - 1
        shape = self.concentration + free / 2
        size = torch.mvlgamma(shape - 0.5, free) - torch.lgamma(shape) * free
        return found - size - free / 2 * math.log(math.pi)


def _multivariate_digamma(x: Any, size: int) -> Any:
    steps = torch.arange(size, dtype=x.dtype) / 2
    return torch.digamma(x.unsqueeze(-1) - steps).sum(-1)


class Wishart(ExponentialFamily):
    """Scatter matrices: sums of x xᵀ over `df` normal vectors x of covariance Σ, which is given as
    `covariance_matrix`, as its inverse `precision_matrix`, or as its Cholesky factor `scale_tril`.

    Draws are M. Bartlett's, "On the theory of statistical regression", 1933.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky, "df": constraints.greater_than(0),
    }  # fmt: skip
    support = constraints.positive_definite
    has_rsample = True

    def __init__(
        self, df: Any, covariance_matrix: Any = None, precision_matrix: Any = None,
        scale_tril: Any = None, validate_args: bool | None = None,
    ):  # fmt: skip
        name, matrix = one_of({
            "covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        })  # fmt: skip
        if not isinstance(df, torch.Tensor):
            df = torch.tensor(df, dtype=matrix.dtype)
        size = matrix.shape[-1]
        if bool((df <= size - 1).any()):
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {size - 1}.")
        batch = torch.broadcast_shapes(matrix.shape[:-2], df.shape)
        self.df = df.expand(batch)
        setattr(self, name, matrix.expand(*batch, size, size))
        super().__init__(batch, matrix.shape[-2:], validate_args=validate_args)
        if name == "covariance_matrix":
            matrix = torch.linalg.cholesky(matrix)
        elif name == "precision_matrix":
            matrix = _precision_to_scale_tril(matrix)
        self._unbroadcasted_scale_tril = matrix

    def _event_rank(self, name: str) -> int:
        return 0 if name == "df" else 2

    def __getattr__(self, name: str) -> Any:
        """The matrices that were not given."""
        if name not in ("covariance_matrix", "precision_matrix", "scale_tril"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        factor = self._unbroadcasted_scale_tril.expand(self._batch_shape + self._event_shape)
        if name == "scale_tril":
            return factor
        return factor @ factor.mT if name == "covariance_matrix" else torch.cholesky_inverse(factor)

    @property
    def mean(self) -> Any:
        return self.df[..., None, None] * self.covariance_matrix

    @property
    def mode(self) -> Any:
        factor = self.df - self._event_shape[-1] - 1
        factor = torch.where(factor > 0, factor, math.nan)
        return factor[..., None, None] * self.covariance_matrix

    @property
    def variance(self) -> Any:
        matrix = self.covariance_matrix
        diagonal = matrix.diagonal(dim1=-2, dim2=-1)
        products = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self.df[..., None, None] * (matrix.square() + products)

    def rsample(self, sample_shape: Any = ()) -> Any:
        size = self._event_shape[-1]
        shape = self._extended_shape(sample_shape)
        degrees = self.df.unsqueeze(-1) - torch.arange(size, dtype=self.df.dtype)
        diagonal = Chi2(degrees, validate_args=False).rsample(sample_shape).sqrt()
        normal = torch.randn(shape, dtype=self.df.dtype).tril(-1) + torch.diag_embed(diagonal)
        factor = self._unbroadcasted_scale_tril @ normal
        return factor @ factor.mT

    def _half_log_det(self) -> Any:
        factor = self._unbroadcasted_scale_tril
        return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        size = self._event_shape[-1]
        inner = torch.linalg.cholesky(value)
        whitened = solve_lower(self._unbroadcasted_scale_tril.unsqueeze(-3), inner.mT)
        log_det = 2 * inner.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return (
            (self.df - size - 1) / 2 * log_det - whitened.square().sum((-2, -1)) / 2
            - self.df * (size / 2 * math.log(2) + self._half_log_det())
            - torch.mvlgamma(self.df / 2, size)
        )  # fmt: skip

    def entropy(self) -> Any:
        size = self._event_shape[-1]
        half = self._half_log_det()
        log_det = _multivariate_digamma(self.df / 2, size) + size * math.log(2) + 2 * half
        return (
            self.df * (size / 2 * math.log(2) + half) + torch.mvlgamma(self.df / 2, size)
            - (self.df - size - 1) / 2 * log_det + self.df * size / 2
        )  # fmt: skip

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x: Any, y: Any) -> Any:
        size = self._event_shape[-1]
        half = y + (size + 1) / 2
        inverse = torch.linalg.slogdet(-2 * x).logabsdet
        return half * (size * math.log(2) - inverse) + torch.mvlgamma(half, size)
