"""Sobol sequences, as `torch.quasirandom`: points that fill a cube more evenly than random ones."""

from __future__ import annotations

from typing import Any

import numpy as np

import pullback as torch
from pullback.tensor import Tensor

__all__ = ["SobolEngine"]


class SobolEngine:
    """A Sobol sequence of points of [0, 1)^dimension.

    The points are SciPy's (`scipy.stats.qmc.Sobol`), with the direction numbers of S. Joe and
    F. Kuo, "Constructing Sobol sequences with better two-dimensional projections", 2008: those of
    PyTorch without `scramble`; with it, the sequence is PyTorch's by its law, not by its numbers.
    """

    MAXBIT = 30
    MAXDIM = 21201

    def __init__(self, dimension: int, scramble: bool = False, seed: int | None = None):
        if not 1 <= dimension <= self.MAXDIM:
            raise ValueError(
                f"Supported range of dimensionality for SobolEngine is [1, {self.MAXDIM}], not "
                f"{dimension}"
            )
        self.dimension, self.scramble, self.seed = dimension, scramble, seed
        if seed is None and scramble:  # drawn from the default stream, as all random numbers
            seed = int(torch.randint(2**31, ()).item())
        self._scrambling = seed
        self.reset()

    def reset(self) -> SobolEngine:
        """Start the sequence again."""
        from scipy.stats import qmc

        self._engine = qmc.Sobol(
            self.dimension, scramble=self.scramble, bits=self.MAXBIT,
            rng=np.random.default_rng(self._scrambling),
        )  # fmt: skip
        self.num_generated = 0
        return self

    def draw(self, n: int = 1, out: Any = None, dtype: Any = None) -> Tensor:
        """The next n points, of shape (n, dimension) and the default dtype."""
        import warnings

        with warnings.catch_warnings():  # numbers of points that are no powers of two are all right
            warnings.simplefilter("ignore", UserWarning)
            numbers = self._engine.random(n)
        self.num_generated += n
        points: Tensor = torch.from_numpy(numbers).to(dtype or torch.get_default_dtype())
        return points if out is None else out.resize_(points.shape).copy_(points)

    def draw_base2(self, m: int, out: Any = None, dtype: Any = None) -> Tensor:
        """The next 2^m points; ValueError unless they make a power of two in all."""
        n = 2**m
        total = self.num_generated + n
        if total & (total - 1):
            raise ValueError(
                f"The balance properties of Sobol' points require n to be a power of 2. "
                f"{self.num_generated} points have been previously generated, then: n="
                f"{self.num_generated}+2**{m}={total}. If you still want to do this, please use "
                f"'SobolEngine.draw()' instead."
            )
        return self.draw(n, out, dtype)

    def fast_forward(self, n: int) -> SobolEngine:
        """Skip the next n points."""
        self._engine.fast_forward(n)
        self.num_generated += n
        return self

    def __repr__(self) -> str:
        parts = [f"dimension={self.dimension}"]
        if self.scramble:
            parts.append("scramble=True")
        if self.seed is not None:
            parts.append(f"seed={self.seed}")
        return f"SobolEngine({', '.join(parts)})"
