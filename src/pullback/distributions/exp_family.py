r"""Exponential families: $p(x) = \exp(\langle t(x), \theta \rangle - F(\theta) + k(x))$."""

from __future__ import annotations

from typing import Any

import pullback as torch
from pullback.distributions.distribution import Distribution, sum_last

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    r"""A distribution that gives its natural parameters θ and log normaliser F, and whose entropy
    and divergences follow from these: F. Nielsen and R. Nock, "Entropies and cross-entropies of
    exponential families", 2010.

    `_mean_carrier_measure` is the expectation of k(x).
    """

    _mean_carrier_measure: Any = 0

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        """θ: tensors of shape batch_shape (+ event_shape)."""
        raise NotImplementedError(f"{type(self).__name__} gives no _natural_params")

    def _log_normalizer(self, *natural_params: Any) -> Any:
        """F(θ), of shape batch_shape."""
        raise NotImplementedError(f"{type(self).__name__} gives no _log_normalizer")

    def _normalizer_and_slopes(self) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
        """F, θ and the gradient of F, which is the expectation of t(x)."""
        with torch.enable_grad():
            theta = tuple(
                p if p.requires_grad else p.detach().requires_grad_() for p in self._natural_params
            )
            value = self._log_normalizer(*theta)
            slopes = torch.autograd.grad(value.sum(), theta, create_graph=True)
        return value, theta, slopes

    def _inner(self, factors: tuple[Any, ...], slopes: tuple[Any, ...]) -> Any:
        """The sum of products, over all but the batch."""
        rank = len(self._batch_shape)
        products = (a * b for a, b in zip(factors, slopes, strict=True))
        return sum(sum_last(product, product.dim() - rank) for product in products)

    def entropy(self) -> Any:
        value, theta, slopes = self._normalizer_and_slopes()
        return value - self._inner(theta, slopes) - self._mean_carrier_measure
