"""A small kernel matrix, and what is computed of it with and without deferral."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import pullback as torch

N, M = 9, 7
Case = Callable[[Any], Any]


def points(n: int, seed: int) -> Any:
    return torch.tensor(np.random.default_rng(seed).normal(size=n), requires_grad=True)


def kernel(x: Any, y: Any) -> Any:
    return torch.exp(-((x[:, None] - y) ** 2)) + 0.3 * torch.sin(x[:, None] * y)


def derivatives(f: Case, elements: int) -> list[Any]:
    """A function of a kernel matrix and its first two derivatives, deferred above a limit."""
    with torch.config(defer_elements=elements):
        x, y = points(N, 1), points(M, 2)
        result = f(kernel(x, y))
        weights = np.random.default_rng(3).normal(size=tuple(result.shape))
        first = torch.autograd.grad(
            (result * torch.tensor(weights)).sum(), (x, y), create_graph=True
        )
        second = torch.autograd.grad((first[0] ** 2).sum() + first[1].sin().sum(), (x, y))
        return [t.detach().numpy() for t in (result, *first, *second)]
