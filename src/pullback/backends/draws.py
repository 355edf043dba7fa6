"""Numbers drawn with given probabilities, by NumPy's generator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.backends.array_functions import stream


def indices(weights: Any, count: int, replacement: bool, generator: Any) -> Any:
    """Places drawn with probabilities in proportion to weights along the last axis."""
    wide = weights.astype(np.float64)
    if not np.isfinite(wide).all() or (wide < 0).any():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if (wide.sum(-1) <= 0).any():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    source = stream(generator)
    if replacement:
        ends = np.cumsum(wide, -1)
        drawn = source.random((*wide.shape[:-1], count)) * ends[..., -1:]
        return (drawn[..., None] >= ends[..., None, :]).sum(-1)
    if ((wide > 0).sum(-1) < count).any():
        raise RuntimeError(
            "invalid multinomial distribution (with replacement=False, not enough non-negative "
            "category to sample)"
        )
    clocks = source.standard_exponential(wide.shape) / wide
    return np.argsort(clocks, -1, kind="stable")[..., :count]


def poisson(means: Any, generator: Any) -> Any:
    """Poisson numbers."""
    return np.asarray(stream(generator).poisson(means.astype(np.float64))).astype(means.dtype)


def binomial(count: Any, probability: Any, generator: Any) -> Any:
    """Binomial numbers; none of less than no trials."""
    trials = np.maximum(count, 0).astype(np.int64)
    drawn = stream(generator).binomial(trials, probability.astype(np.float64))
    return np.asarray(drawn).astype(count.dtype)


def gamma(concentration: Any, generator: Any) -> Any:
    """Gamma numbers of scale 1; those that underflow are the smallest normal number."""
    drawn = np.asarray(stream(generator).standard_gamma(concentration.astype(np.float64)))
    return np.maximum(drawn, np.finfo(concentration.dtype).tiny).astype(concentration.dtype)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    f.__name__: f for f in (indices, poisson, binomial, gamma)
}
