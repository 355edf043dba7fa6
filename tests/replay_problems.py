"""Losses of points, whose gradients go through formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import pullback as torch

FULL = 10**12  # elements: nothing is deferred
Build = Callable[..., Any]


def points(*shape: int, seed: int = 0, dtype: Any = np.float64) -> Any:
    return torch.tensor(np.random.default_rng(seed).normal(size=shape).astype(dtype))


def leaf(*shape: int, seed: int = 0, dtype: Any = np.float64) -> Any:
    return points(*shape, seed=seed, dtype=dtype).requires_grad_()


def kernel(x: Any, y: Any) -> Any:
    return (-((x[:, None] - y[None]) ** 2).sum(2) / 2).exp()


def norm(q: Any, p: Any) -> Any:
    return 0.5 * torch.dot(p.view(-1), (kernel(q, q) @ p).view(-1))


def energies(q: Any, p: Any) -> Any:
    return (kernel(q, q).sum(1) + 1).log().sum() + (p * 3).square().sum()


def softened(q: Any, p: Any) -> Any:
    d = ((q[:, None] - p[None]) ** 2).sum(2)
    return ((d + 0.1).rsqrt().sum(1) * q[:, 0].exp()).mean()


def upstream(q: Any, p: Any) -> Any:
    """What the kernel is made of is computed from the leaves, by other kinds of nodes."""
    moved = torch.tanh(q @ torch.eye(3, dtype=q.dtype) + 0.1 * q.mean(0))
    return (kernel(moved, p) @ p.detach()).square().sum() + 0.01 * (q**2).sum()


def transport(q: Any, p: Any) -> Any:
    cost = ((q[:, None] - p[None]) ** 2).sum(2)
    f = torch.zeros(len(q), dtype=q.dtype)
    for _ in range(2):
        g = -torch.logsumexp(f[:, None] - cost, 0)
        f = -torch.logsumexp(g[None] - cost, 1)
    return f.sum() + g.sum()


PROBLEMS = [norm, energies, softened, upstream, transport]


def numbers(build: Build, q: Any, p: Any, elements: int | None = None) -> list[Any]:
    """The value and the gradients."""
    with torch.config(defer_elements=200 if elements is None else elements):
        value = build(q, p)
        return [value.item(), *(g.numpy() for g in torch.autograd.grad(value, [q, p]))]
