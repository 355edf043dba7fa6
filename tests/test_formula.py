"""Formulas against the same computation on arrays: values, gradients, and gradients of gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pullback as torch
from pullback import config
from pullback.formula.node import Formula

Array = Any
Build = Callable[..., Any]
EAGER = 10**12

check = settings(
    max_examples=20, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


class defer:
    """Everything above this number of elements stays a formula, for a while."""

    def __init__(self, elements: int):
        self.elements = elements

    def __enter__(self) -> None:
        self.before = config.defer_elements
        config.defer_elements = self.elements

    def __exit__(self, *error: object) -> None:
        config.defer_elements = self.before


def as_list(results: Any) -> list[Any]:
    return list(results) if isinstance(results, (tuple, list)) else [results]


def compute(build: Build, arrays: Sequence[Array], elements: int, order: int) -> list[Array]:
    """The results for arrays, and their derivatives up to an order, with a deferral limit."""
    with defer(elements):
        leaves = [torch.tensor(a.copy()) for a in arrays]
        floating = [x for x in leaves if x.is_floating_point()]
        if order:
            for x in floating:
                x.requires_grad_()
        results = as_list(build(*leaves))
        found = list(results)
        current = [r for r in results if r.requires_grad]
        for level in range(order):
            current = [r for r in current if r.requires_grad]
            if not current:
                break
            # Different weights for all elements, so that transposed gradients cannot agree.
            total = sum(
                (r * torch.tensor(_weights(r.shape, r.detach().numpy().dtype, level))).sum()
                for r in current
            )
            if not total.requires_grad:
                break
            gradients = torch.autograd.grad(
                total, floating, create_graph=level + 1 < order, allow_unused=True
            )
            current = [g for g in gradients if g is not None]
            found += current
        return [r.detach().numpy() for r in found]


def _weights(shape: Sequence[int], dtype: Any, seed: int) -> Array:
    return np.random.default_rng(seed).uniform(0.5, 1.5, tuple(shape)).astype(dtype)


def same(build: Build, *arrays: Array, order: int = 2, elements: int = 0, scale: float = 1) -> None:
    """Deferred and eager results agree: shapes, dtypes, and numbers to rounding."""
    lazy = compute(build, arrays, elements, order)
    eager = compute(build, arrays, EAGER, order)
    assert len(lazy) == len(eager)
    for k, (a, b) in enumerate(zip(lazy, eager, strict=True)):
        assert a.shape == b.shape, (k, a.shape, b.shape)
        assert a.dtype == b.dtype, (k, a.dtype, b.dtype)
        if b.dtype.kind in "biu":
            np.testing.assert_array_equal(a, b, f"result {k}")
            continue
        digits = 2e-4 if b.dtype == np.float32 else 1e-10
        size = np.abs(b[np.isfinite(b)]).max(initial=1e-3)
        np.testing.assert_allclose(a, b, digits * scale, digits * scale * size, err_msg=f"{k}")


# -------------------------------------------------------------------------------- strategies

SIZES = st.sampled_from([1, 2, 3, 5, 16, 17, 20, 33])
FLOATS = st.sampled_from([np.float32, np.float64])
SEEDS = st.integers(0, 2**32 - 1)


def uniform(
    seed: int, shape: Sequence[int], dtype: Any, low: float = -1.5, high: float = 1.5
) -> Array:
    return np.random.default_rng(seed).uniform(low, high, tuple(shape)).astype(dtype)


@st.composite
def pairs(draw: Any) -> tuple[Array, Array, Array]:
    """x (b…, n, 1, d), y (b…, 1, m, d) and weights p (b…, m, e), batch axes in front of some."""
    n, m = draw(SIZES), draw(SIZES)
    d, e = draw(st.sampled_from([1, 2, 3, 18])), draw(st.sampled_from([1, 2, 3, 17]))
    batch = draw(st.sampled_from([(), (), (1,), (2,), (2, 3), (17,)]))
    own = draw(st.booleans())
    dtype, seed = draw(FLOATS), draw(SEEDS)
    scale = d**-0.5
    x = uniform(seed, (*batch, n, d), dtype) * dtype(scale)
    y = uniform(seed + 1, (*(batch if own else ()), m, d), dtype) * dtype(scale)
    p = uniform(seed + 2, (*(batch if own else ()), m, e), dtype)
    return x, y, p


def distances(x: Any, y: Any) -> Any:
    return ((x.unsqueeze(-2) - y.unsqueeze(-3)) ** 2).sum(-1)


def gauss(x: Any, y: Any) -> Any:
    return (-distances(x, y) / 2).exp()


def laplace(x: Any, y: Any) -> Any:
    return (-(distances(x, y) + 0.1).sqrt()).exp()


def cauchy(x: Any, y: Any) -> Any:
    return 1 / (1 + distances(x, y))


def inner(x: Any, y: Any) -> Any:
    return x @ y.transpose(-1, -2)


KERNELS = st.sampled_from([gauss, laplace, cauchy, inner])

# ------------------------------------------------------------------------- sums over pairs

PRODUCTS: dict[str, Build] = {
    "K p": lambda k, p, r: k @ p,
    "K.T r": lambda k, p, r: k.transpose(-1, -2) @ r,
    "(K W) p": lambda k, p, r: (k * torch.sin(k)) @ p,
    "r (K p)": lambda k, p, r: (r * (k @ p.sum(-1, keepdim=True))).sum(),
    "sum over rows": lambda k, p, r: k.sum(-2),
    "sum over columns": lambda k, p, r: (k * p.sum(-1).unsqueeze(-2)).sum(-1),
    "sum": lambda k, p, r: k.sum(),
    "mean": lambda k, p, r: k.mean((-2, -1)),
    "einsum": lambda k, p, r: torch.einsum("...ij,...je,...if->...ef", k, p, r),
    "both ways": lambda k, p, r: (k @ p, k.transpose(-1, -2) @ r, (k * k).sum()),
    "normalised": lambda k, p, r: (k * k / (1 + (k * k).sum(-1, keepdim=True))) @ p,
    "twice": lambda k, p, r: k.transpose(-1, -2) @ (k @ p),
}


@pytest.mark.parametrize("product", PRODUCTS)
@given(given_pairs=pairs(), kernel=KERNELS)
@check
def test_products_of_kernels(product: str, given_pairs: Any, kernel: Build) -> None:
    x, y, p = given_pairs

    def build(x: Any, y: Any, p: Any) -> Any:
        return PRODUCTS[product](kernel(x, y), p, x)

    same(build, x, y, p, scale=5)
