"""Distributions made of others."""

from __future__ import annotations

from typing import Any

import pullback as torch
from pullback.distributions import constraints
from pullback.distributions.distribution import Distribution, sum_last
from pullback.distributions.transform import ComposeTransform, Transform, raised

__all__ = ["Independent", "MixtureSameFamily", "TransformedDistribution"]


class Independent(Distribution):
    """The last `reinterpreted_batch_ndims` axes of the batch as axes of one event."""

    def __init__(
        self, base_distribution: Any, reinterpreted_batch_ndims: int,
        validate_args: bool | None = None,
    ):  # fmt: skip
        batch = base_distribution.batch_shape
        if reinterpreted_batch_ndims > len(batch):
            raise ValueError(
                f"Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), "
                f"actual {reinterpreted_batch_ndims} vs {len(batch)}"
            )
        cut = len(batch) - reinterpreted_batch_ndims
        self.base_dist = base_distribution
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        super().__init__(batch[:cut], batch[cut:] + base_distribution.event_shape,
                         validate_args=validate_args)  # fmt: skip

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        made = self._copy(_instance)
        batch = torch.Size(batch_shape)
        more = self._event_shape[: self.reinterpreted_batch_ndims]
        made.base_dist = self.base_dist.expand(batch + more)
        made._batch_shape = batch
        return made

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]  # that of the base
        return bool(self.base_dist.has_rsample)

    @property
    def has_enumerate_support(self) -> bool:  # type: ignore[override]  # that of the base
        return not self.reinterpreted_batch_ndims and bool(self.base_dist.has_enumerate_support)

    @constraints.dependent_property
    def support(self) -> Any:
        """Events all of whose elements are in the base's support."""
        return raised(
            self.base_dist.support,
            self.base_dist.support.event_dim + self.reinterpreted_batch_ndims,
        )

    @property
    def mean(self) -> Any:
        return self.base_dist.mean

    @property
    def mode(self) -> Any:
        return self.base_dist.mode

    @property
    def variance(self) -> Any:
        return self.base_dist.variance

    def sample(self, sample_shape: Any = ()) -> Any:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Any) -> Any:
        return sum_last(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self) -> Any:
        return sum_last(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def enumerate_support(self, expand: bool = True) -> Any:
        if self.reinterpreted_batch_ndims > 0:
            raise NotImplementedError("Enumeration over cartesian product is not implemented")
        return self.base_dist.enumerate_support(expand)

    def __repr__(self) -> str:
        return f"Independent({self.base_dist!r}, {self.reinterpreted_batch_ndims})"


class TransformedDistribution(Distribution):
    r"""The image of a distribution under maps: $\log p(y) = \log p(x) - \log|\det \partial y /
    \partial x|$."""

    def __init__(self, base_distribution: Any, transforms: Any, validate_args: bool | None = None):
        given = [transforms] if isinstance(transforms, Transform) else list(transforms)
        if not all(isinstance(t, Transform) for t in given):
            raise ValueError(f"transforms must be a Transform or list, but was {transforms!r}")
        self.transforms = given
        whole = ComposeTransform(given)
        shape = base_distribution.batch_shape + base_distribution.event_shape
        rank = len(base_distribution.event_shape)
        if len(shape) < whole.domain.event_dim:
            raise ValueError(
                f"base_distribution needs to have shape with size at least "
                f"{whole.domain.event_dim}, but got {tuple(shape)}."
            )
        image = whole.forward_shape(shape)
        base = base_distribution.expand(
            whole.inverse_shape(image)[: len(image) - rank + _change(whole)]
            if whole.bijective else base_distribution.batch_shape
        )  # fmt: skip
        extra = whole.domain.event_dim - rank
        self.base_dist = Independent(base, extra) if extra > 0 else base
        cut = len(image) - max(rank + (whole.codomain.event_dim - whole.domain.event_dim),
                               whole.codomain.event_dim)  # fmt: skip
        super().__init__(image[:cut], image[cut:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        made = self._copy(_instance)
        shape = ComposeTransform(self.transforms).inverse_shape(
            torch.Size(batch_shape) + self._event_shape
        )
        cut = len(shape) - len(self.base_dist.event_shape)
        made.base_dist = self.base_dist.expand(shape[:cut])
        made._batch_shape = torch.Size(batch_shape)
        return made

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]  # that of the base
        return bool(self.base_dist.has_rsample)

    @constraints.dependent_property
    def support(self) -> Any:
        """The last map's codomain."""
        if not self.transforms:
            return self.base_dist.support
        return raised(self.transforms[-1].codomain, len(self._event_shape))

    def sample(self, sample_shape: Any = ()) -> Any:
        with torch.no_grad():
            return self._image(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self._image(self.base_dist.rsample(sample_shape))

    def _image(self, x: Any) -> Any:
        for t in self.transforms:
            x = t(x)
        return x

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        rank = len(self._event_shape)
        total: Any = 0.0
        y = value
        for t in reversed(self.transforms):
            x = t._inv_call(y)
            rank += t.domain.event_dim - t.codomain.event_dim
            jacobian = t.log_abs_det_jacobian(x, y)
            total = total - sum_last(jacobian, rank - t.domain.event_dim)
            y = x
        base = self.base_dist.log_prob(y)
        return total + sum_last(base, rank - len(self.base_dist.event_shape))

    def _sign(self) -> Any:
        sign: Any = 1
        for t in self.transforms:
            sign = sign * t.sign
        return sign

    def cdf(self, value: Any) -> Any:
        for t in reversed(self.transforms):
            value = t._inv_call(value)
        found = self.base_dist.cdf(value)
        sign = self._sign()
        return sign * (found - 0.5) + 0.5

    def icdf(self, value: Any) -> Any:
        sign = self._sign()
        return self._image(self.base_dist.icdf(sign * (value - 0.5) + 0.5))


def _change(transform: Transform) -> int:
    """By how many axes a map changes the rank of events."""
    return int(transform.domain.event_dim - transform.codomain.event_dim)


class MixtureSameFamily(Distribution):
    """A mixture: `mixture_distribution` is a Categorical over the last batch axis of the
    components."""

    def __init__(
        self, mixture_distribution: Any, component_distribution: Any,
        validate_args: bool | None = None,
    ):  # fmt: skip
        from pullback.distributions.discrete import Categorical

        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(
                "The Mixture distribution needs to be an instance of distributions.Categorical"
            )
        if not isinstance(component_distribution, Distribution):
            raise ValueError("The Component distribution needs to be a Distribution")
        batch = component_distribution.batch_shape
        count = mixture_distribution.param_shape[-1]
        if not batch or batch[-1] != count:
            raise ValueError(
                f"mixture_distribution component ({count}) does not equal "
                f"component_distribution.batch_shape[-1] ({batch[-1] if batch else None})"
            )
        torch.broadcast_shapes(mixture_distribution.batch_shape, batch[:-1])
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        self._num_component = count
        super().__init__(batch[:-1], component_distribution.event_shape,
                         validate_args=validate_args)  # fmt: skip

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        made = self._copy(_instance)
        batch = torch.Size(batch_shape)
        made._component_distribution = self._component_distribution.expand(
            (*batch, self._num_component)
        )
        made._mixture_distribution = self._mixture_distribution.expand(batch)
        made._batch_shape = batch
        return made

    @property
    def mixture_distribution(self) -> Any:
        """The weights."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Any:
        """The components."""
        return self._component_distribution

    @constraints.dependent_property
    def support(self) -> Any:
        """That of the components."""
        return self._component_distribution.support

    def _weights(self) -> Any:
        rank = len(self._event_shape)
        probs = self._mixture_distribution.probs
        return probs.reshape(*probs.shape, *(1,) * rank)

    def _axis(self) -> int:
        return -1 - len(self._event_shape)

    @property
    def mean(self) -> Any:
        return (self._weights() * self._component_distribution.mean).sum(self._axis())

    @property
    def variance(self) -> Any:
        """Law of total variance."""
        weights, parts, axis = self._weights(), self._component_distribution, self._axis()
        inside = (weights * parts.variance).sum(axis)
        gaps = parts.mean - self.mean.unsqueeze(axis)
        return inside + (weights * gaps.square()).sum(axis)

    def sample(self, sample_shape: Any = ()) -> Any:
        with torch.no_grad():
            which = self._mixture_distribution.expand(self._batch_shape).sample(sample_shape)
            drawn = self._component_distribution.sample(sample_shape)
            rank = len(self._event_shape)
            places = which.reshape(*which.shape, 1, *(1,) * rank)
            places = places.expand(*which.shape, 1, *self._event_shape)
            return drawn.gather(self._axis(), places).squeeze(self._axis())

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        spread = value.unsqueeze(self._axis())
        logs = self._component_distribution.log_prob(spread)
        return torch.logsumexp(logs + torch.log_softmax(self._mixture_distribution.logits, -1), -1)

    def cdf(self, value: Any) -> Any:
        parts = self._component_distribution.cdf(value.unsqueeze(self._axis()))
        return (parts * self._mixture_distribution.probs).sum(-1)

    def __repr__(self) -> str:
        return (
            f"MixtureSameFamily(\n  {self._mixture_distribution!r},\n  "
            f"{self._component_distribution!r})"
        )
