"""Distributions of angles."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import pullback as torch
from pullback.distributions import constraints
from pullback.distributions.distribution import broadcast_all
from pullback.distributions.location import Around

__all__ = ["VonMises"]


class VonMises(Around):
    r"""Angles x, in radians: $\exp(\kappa \cos(x - \mu)) / (2 \pi I_0(\kappa))$.

    `variance` is the circular one, $1 - I_1(\kappa) / I_0(\kappa)$.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {
        "loc": constraints.real,
        "concentration": constraints.positive,
    }
    support = constraints.real

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None):
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def variance(self) -> Any:
        i0e, i1e = torch.special.i0e, torch.special.i1e
        return 1 - i1e(self.concentration) / i0e(self.concentration)

    def sample(self, sample_shape: Any = ()) -> Any:
        """Draws in [-π, π): D. Best and N. Fisher, "Efficient simulation of the von Mises
        distribution", 1979."""
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            loc, kappa = (v.double().expand(shape).reshape(-1)
                          for v in (self.loc, self.concentration))  # fmt: skip
            tau = 1 + (1 + 4 * kappa.square()).sqrt()
            rho = (tau - (2 * tau).sqrt()) / (2 * kappa)
            # (1 + rho²) / (2 rho), whose first terms are all that is left near kappa = 0.
            envelope = torch.where(kappa < 1e-5, 1 / kappa + kappa, (1 + rho.square()) / (2 * rho))
            cosine = torch.empty_like(loc)
            left = torch.arange(loc.numel())
            while left.numel():
                z = torch.cos(math.pi * torch.rand(left.numel(), dtype=torch.float64))
                r, k = envelope[left], kappa[left]
                proposed = (1 + r * z) / (r + z)
                c = k * (r - proposed)
                u = 1 - torch.rand(left.numel(), dtype=torch.float64)
                accepted = (c * (2 - c) > u) | ((c / u).log() + 1 - c >= 0)
                cosine[left[accepted]] = proposed[accepted]
                left = left[~accepted]
            side = torch.where(torch.rand(loc.numel()) < 0.5, -1.0, 1.0)
            angle = loc + side * torch.acos(cosine.clamp(-1, 1))
            wrapped = torch.remainder(angle + math.pi, 2 * math.pi) - math.pi
            return wrapped.to(self.loc.dtype).reshape(shape)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        size = math.log(2 * math.pi) + torch.special.i0e(self.concentration).log()
        # cos - 1, as i0e is scaled by exp(-kappa); in half angles, exact near the mode.
        fall = -2 * torch.sin((value - self.loc) / 2).square()
        return self.concentration * fall - size

    def entropy(self) -> Any:
        """PyTorch has none: that of the density, whose mean cosine is 1 - `variance`."""
        size = math.log(2 * math.pi) + torch.special.i0e(self.concentration).log()
        return size + self.concentration * self.variance
