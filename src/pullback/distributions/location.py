"""Distributions around a place: those of the line that are moved and stretched, and others."""

from __future__ import annotations

from typing import Any, ClassVar

import pullback as torch
from pullback.distributions import constraints
from pullback.distributions.distribution import Distribution, broadcast_all

__all__ = ["Around", "LocationScale"]


class Around(Distribution):
    """A distribution whose mean and mode are `loc`, unless it says else."""

    loc: Any

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc


class LocationScale(Around):
    """A distribution of `loc + scale · standard`."""

    arg_constraints: ClassVar[dict[str, Any]] = {
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None):
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    def _open_uniform(self, sample_shape: Any) -> Any:
        """Numbers strictly between 0 and 1."""
        info = torch.finfo(self.loc.dtype)
        u = torch.rand(self._extended_shape(sample_shape), dtype=self.loc.dtype)
        return u.clamp(info.tiny, 1 - info.eps / 2)

    def _standard(self, value: Any) -> Any:
        self._validate_sample(value)
        return (value - self.loc) / self.scale

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.icdf(self._open_uniform(sample_shape))
