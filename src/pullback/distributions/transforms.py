"""Invertible maps with their Jacobians: what distributions are transformed with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import pullback as torch
from pullback.distributions import constraints
from pullback.distributions.distribution import sum_last
from pullback.distributions.transform import (
    CatTransform,
    ComposeTransform,
    IndependentTransform,
    ReshapeTransform,
    StackTransform,
    Transform,
    _InverseTransform as _InverseTransform,
    identity_transform,
    raised,
)
from pullback.distributions.utils import tril_matrix_to_vec, vec_to_tril_matrix

__all__ = [
    "AbsTransform", "AffineTransform", "CatTransform", "ComposeTransform", "CorrCholeskyTransform",
    "CumulativeDistributionTransform", "ExpTransform", "IndependentTransform",
    "LowerCholeskyTransform", "PositiveDefiniteTransform", "PowerTransform", "ReshapeTransform",
    "SigmoidTransform", "SoftmaxTransform", "SoftplusTransform", "StackTransform",
    "StickBreakingTransform", "TanhTransform", "Transform", "identity_transform",
]  # fmt: skip


class _OfTheLine(Transform):
    """An increasing map of real numbers, element by element."""

    bijective = True
    sign: ClassVar[Any] = 1
    domain = constraints.real

    def _same(self, other: Any) -> bool:
        return True


class ExpTransform(_OfTheLine):
    r"""$y = e^x$."""

    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return x.exp()

    def _inverse(self, y: Any) -> Any:
        return y.log()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return x


class PowerTransform(Transform):
    r"""$y = x^\text{exponent}$ of positive numbers."""

    bijective = True
    domain = constraints.positive
    codomain = constraints.positive

    def __init__(self, exponent: Any, cache_size: int = 0):
        super().__init__(cache_size)
        self.exponent = torch.as_tensor(exponent)

    @property
    def sign(self) -> Any:
        return self.exponent.sign()

    def _call(self, x: Any) -> Any:
        return x.pow(self.exponent)

    def _inverse(self, y: Any) -> Any:
        return y.pow(self.exponent.reciprocal())

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return (self.exponent * y / x).abs().log()

    def _same(self, other: Any) -> bool:
        return bool(torch.equal(self.exponent, other.exponent))

    def forward_shape(self, shape: Sequence[int]) -> Any:
        return torch.broadcast_shapes(shape, self.exponent.shape)

    inverse_shape = forward_shape


class SigmoidTransform(_OfTheLine):
    r"""$y = 1/(1 + e^{-x})$."""

    codomain = constraints.unit_interval

    def _call(self, x: Any) -> Any:
        info = torch.finfo(x.dtype)
        return torch.sigmoid(x).clamp(info.tiny, 1 - info.eps)

    def _inverse(self, y: Any) -> Any:
        info = torch.finfo(y.dtype)
        y = y.clamp(info.tiny, 1 - info.eps)
        return y.log() - torch.log1p(-y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        softplus = torch.nn.functional.softplus
        return -softplus(-x) - softplus(x)


class SoftplusTransform(_OfTheLine):
    r"""$y = \log(1 + e^x)$."""

    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return torch.nn.functional.softplus(x)

    def _inverse(self, y: Any) -> Any:
        return (-y).expm1().neg().log() + y

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -torch.nn.functional.softplus(-x)


class TanhTransform(_OfTheLine):
    r"""$y = \tanh x$."""

    codomain = constraints.interval(-1.0, 1.0)

    def _call(self, x: Any) -> Any:
        return x.tanh()

    def _inverse(self, y: Any) -> Any:
        return torch.atanh(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        # log(1 - tanh²) without cancelling.
        return 2.0 * (math.log(2.0) - x - torch.nn.functional.softplus(-2.0 * x))


class AbsTransform(Transform):
    r"""$y = |x|$; its inverse is the positive one."""

    domain = constraints.real
    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return x.abs()

    def _inverse(self, y: Any) -> Any:
        return y

    def _same(self, other: Any) -> bool:
        return True


class AffineTransform(Transform):
    r"""$y = \text{loc} + \text{scale} \cdot x$; with `event_dim` axes of the event."""

    bijective = True

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0):
        super().__init__(cache_size)
        self.loc, self.scale, self._event_dim = loc, scale, event_dim

    @property
    def event_dim(self) -> int:
        """How many axes an event has."""
        return self._event_dim

    @property
    def domain(self) -> Any:
        return raised(constraints.real, self._event_dim)

    codomain = domain

    @property
    def sign(self) -> Any:
        if isinstance(self.scale, torch.Tensor):
            return self.scale.sign()
        return (self.scale > 0) - (self.scale < 0)

    def _call(self, x: Any) -> Any:
        return self.loc + self.scale * x

    def _inverse(self, y: Any) -> Any:
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        scale = torch.as_tensor(self.scale, dtype=x.dtype).abs().log()
        return sum_last(scale.expand_as(x), self._event_dim)

    def _same(self, other: Any) -> bool:
        pairs = ((self.loc, other.loc), (self.scale, other.scale))
        return all(torch.equal(torch.as_tensor(a), torch.as_tensor(b)) for a, b in pairs)

    def forward_shape(self, shape: Sequence[int]) -> Any:
        return torch.broadcast_shapes(
            shape, getattr(self.loc, "shape", ()), getattr(self.scale, "shape", ())
        )

    inverse_shape = forward_shape


class SoftmaxTransform(Transform):
    r"""$y = \text{softmax}(x)$ along the last axis: onto the simplex, not one to one."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Any) -> Any:
        return torch.softmax(x, -1)

    def _inverse(self, y: Any) -> Any:
        return y.log()

    def _same(self, other: Any) -> bool:
        return True


class StickBreakingTransform(Transform):
    """K - 1 real numbers to the K-simplex, by breaking a stick: the zero vector gives its centre.

    B. Carpenter et al., "Stan: a probabilistic programming language", 2017, and its manual.
    """

    bijective = True
    domain = constraints.real_vector
    codomain = constraints.simplex

    def _offset(self, x: Any) -> Any:
        """log K, log (K - 1), …, 0 for the pieces that are left."""
        count = x.shape[-1]
        return torch.arange(count, 0, -1, dtype=x.dtype).log()

    def _call(self, x: Any) -> Any:
        z = SigmoidTransform()._call(x - self._offset(x))
        left = (1 - z).cumprod(-1)
        pad = torch.nn.functional.pad
        return pad(z, (0, 1), value=1.0) * pad(left, (1, 0), value=1.0)

    def _inverse(self, y: Any) -> Any:
        crop = y[..., :-1]
        tiny = torch.finfo(y.dtype).tiny
        left = (1 - crop.cumsum(-1)).clamp(min=tiny)
        return crop.log() - left.log() + self._offset(crop)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        shifted = x - self._offset(x)
        logsigmoid = torch.nn.functional.logsigmoid
        return (-shifted + logsigmoid(shifted) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Sequence[int]) -> Any:
        return torch.Size((*shape[:-1], shape[-1] + 1))

    def inverse_shape(self, shape: Sequence[int]) -> Any:
        return torch.Size((*shape[:-1], shape[-1] - 1))

    def _same(self, other: Any) -> bool:
        return True


class LowerCholeskyTransform(Transform):
    """Square matrices to lower triangular ones with a positive diagonal, its exponential."""

    bijective = True
    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Any) -> Any:
        diagonal = x.diagonal(dim1=-2, dim2=-1).exp()
        return x.tril(-1) + torch.diag_embed(diagonal)

    def _inverse(self, y: Any) -> Any:
        diagonal = y.diagonal(dim1=-2, dim2=-1).log()
        return y.tril(-1) + torch.diag_embed(diagonal)

    def _same(self, other: Any) -> bool:
        return True


class PositiveDefiniteTransform(Transform):
    """Square matrices to positive definite ones: L Lᵀ of `LowerCholeskyTransform`."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Any) -> Any:
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y: Any) -> Any:
        return LowerCholeskyTransform().inv(torch.linalg.cholesky(y))

    def _same(self, other: Any) -> bool:
        return True


class CorrCholeskyTransform(Transform):
    r"""D(D - 1)/2 real numbers to the Cholesky factor of a D × D correlation matrix.

    Their hyperbolic tangents are partial correlations: in each row, an element takes that part of
    what the elements to its left have left over of the row's norm 1. D. Lewandowski, D. Kurowicka
    and H. Joe, "Generating random correlation matrices based on vines and extended onion method",
    2009; the manual of Stan.
    """

    bijective = True
    domain = constraints.real_vector
    codomain = constraints.corr_cholesky

    def _call(self, x: Any) -> Any:
        eps = torch.finfo(x.dtype).eps
        part = vec_to_tril_matrix(x.tanh().clamp(-1 + eps, 1 - eps), -1)
        left = (1 - part.square()).sqrt().cumprod(-1)
        share = part + torch.eye(part.shape[-1], dtype=x.dtype)
        return share * torch.nn.functional.pad(left[..., :-1], (1, 0), value=1.0)

    def _inverse(self, y: Any) -> Any:
        left = torch.nn.functional.pad(1 - y.square().cumsum(-1)[..., :-1], (1, 0), value=1.0)
        part = tril_matrix_to_vec(y, -1) / tril_matrix_to_vec(left, -1).sqrt()
        return (torch.log1p(part) - torch.log1p(-part)) / 2

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        left = tril_matrix_to_vec(1 - y.square().cumsum(-1), -2)
        slopes = TanhTransform().log_abs_det_jacobian(x, y).sum(-1)
        return left.log().sum(-1) / 2 + slopes

    def forward_shape(self, shape: Sequence[int]) -> Any:
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        size = round(0.5 + (0.25 + 2 * shape[-1]) ** 0.5)
        if size * (size - 1) // 2 != shape[-1]:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return torch.Size((*shape[:-1], size, size))

    def inverse_shape(self, shape: Sequence[int]) -> Any:
        if len(shape) < 2:
            raise ValueError("Too few dimensions on input")
        if shape[-2] != shape[-1]:
            raise ValueError("Input is not square")
        return torch.Size((*shape[:-2], shape[-1] * (shape[-1] - 1) // 2))

    def _same(self, other: Any) -> bool:
        return True


class CumulativeDistributionTransform(Transform):
    """The distribution function of a distribution, onto the unit interval."""

    bijective = True
    sign = 1
    codomain = constraints.unit_interval

    def __init__(self, distribution: Any, cache_size: int = 0):
        super().__init__(cache_size)
        self.distribution = distribution

    @property
    def domain(self) -> Any:
        return self.distribution.support

    def _call(self, x: Any) -> Any:
        return self.distribution.cdf(x)

    def _inverse(self, y: Any) -> Any:
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return self.distribution.log_prob(x)
