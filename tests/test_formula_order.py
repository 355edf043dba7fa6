"""Orders, moments and running sums of formulas: the numbers that arrays give, to the second
derivative; and nothing of the size of all pairs is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as torch
from kernel_matrix import Case, derivatives, kernel, points
from pullback.backends.ordering import argpartition_array, argsort_array
from pullback.errors import OutOfMemoryError

TABLE = torch.tensor(np.random.default_rng(5).normal(size=(20, 2)))
EMBEDDED = torch.nn.functional.embedding
CASES: dict[str, Case] = {
    "var": lambda k: k.var(1),
    "var of columns": lambda k: k.var(0, correction=0),
    "std of all": lambda k: k.std(),
    "logsumexp of all": lambda k: k.logsumexp((0, 1)),
    "softmax": lambda k: k.softmax(1),
    "log_softmax": lambda k: k.log_softmax(0),
    "argmax of all": lambda k: k.flatten()[k.argmax()],
    "argmin of all, kept": lambda k: k.reshape(-1)[k.argmin(keepdim=True).reshape(())],
    "topk": lambda k: k.topk(3, 1).values,
    "smallest of columns": lambda k: k.topk(2, 0, largest=False).values,
    "topk, summed": lambda k: (k.topk(3, 1).values ** 2).sum(1),
    "sort, cut": lambda k: k.sort(1).values[:, :3],
    "sort": lambda k: k.sort(0, descending=True).values,
    "front of a sort": lambda k: k.sort(1).values[:, :1],
    "second of a sort": lambda k: k.sort(0, descending=True).values[1],
    "front of an argsort": lambda k: k.gather(0, k.argsort(0)[:2]),
    "prod": lambda k: (k + 1).prod(1),
    "prod of all": lambda k: k.prod(),
    "argsort": lambda k: k.gather(1, k.argsort(1)[:, 1:3]),
    "cumsum": lambda k: k.cumsum(1)[:, 2:5],
    "cumsum of columns, reduced": lambda k: k.cumsum(0).amax(0),
    "kthvalue": lambda k: k.kthvalue(3, 1).values,
    "kthvalue of columns, kept": lambda k: k.kthvalue(2, 0, keepdim=True).values,
    "median": lambda k: k.median(1).values,
    "nanmedian": lambda k: torch.where(k > 1, torch.nan, k).nanmedian(0).values,
    "mode": lambda k: (k + 0 * k.detach().round()).mode(1).values,
    "median of all": lambda k: k.median(),
    "nanmedian of all": lambda k: torch.where(k > 1, torch.nan, k).nanmedian(),
    "kthvalue of all": lambda k: k.flatten().kthvalue(17).values,
    "topk of all": lambda k: k.flatten().topk(5, largest=False).values,
    "embedding": lambda k: (
        EMBEDDED(((k * 3).long() + 9), k[:, :2].mean(0, True) * TABLE) * k[..., None]
    ),
    "quantile": lambda k: k.quantile(0.3, 1),
    "quantiles of columns": lambda k: k.quantile(torch.tensor([0.2, 0.9]).to(k.dtype), 0),
    "aminmax": lambda k: torch.stack(k.aminmax(dim=1)),
    "aminmax of all": lambda k: torch.stack(k.aminmax()),
    "cummax": lambda k: k.cummax(1).values[:, 3:],
    "cumprod": lambda k: (k + 0.5).cumprod(1).sum(1),
    "logcumsumexp of columns": lambda k: k.logcumsumexp(0).sum(0),
    "cummin of columns, reduced": lambda k: k.cummin(0).values.sum(0),
}


@pytest.mark.parametrize("name", CASES)
def test_orders_and_moments(name: str) -> None:
    with torch.config(tile_bytes=200):  # several slabs
        lazy = derivatives(CASES[name], 1)
    for a, b in zip(lazy, derivatives(CASES[name], 10**9), strict=True):
        np.testing.assert_allclose(a, b, 1e-10, 1e-10)


LARGE = 2000
STREAMED: dict[str, tuple[Case, Callable[[Any], Any]]] = {
    "var": (lambda k: k.var(1), lambda k: k.var(1, ddof=1)),
    "std": (lambda k: k.std(), lambda k: k.std(ddof=1)),
    "logsumexp": (lambda k: k.logsumexp((0, 1)), lambda k: np.log(np.exp(k).sum())),
    "argmax": (lambda k: k.argmax(), np.argmax),
    "topk": (lambda k: k.topk(5, 1).values, lambda k: -np.sort(-k, 1)[:, :5]),
    "indices": (lambda k: k.topk(5, 0).indices, lambda k: np.argsort(-k, 0)[:5]),
    "sort": (lambda k: k.sort(1).values[:, :4], lambda k: np.sort(k, 1)[:, :4]),
    "front": (lambda k: k.sort(0).values[3], lambda k: np.sort(k, 0)[3]),
    "prod": (lambda k: (1 + 1e-3 * k).prod(1), lambda k: (1 + 1e-3 * k).prod(1)),
    "pieces": (
        lambda k: k.split(700, 1)[1].sum(1) * k.chunk(3, 0)[2].sum(),
        lambda k: k[:, 700:1400].sum(1) * k[1334:].sum(),
    ),
    "cumsum": (lambda k: k.cumsum(1).amax(1), lambda k: np.cumsum(k, 1).max(1)),
    "kthvalue": (lambda k: k.kthvalue(7, 1).values, lambda k: np.sort(k, 1)[:, 6]),
    "median": (lambda k: k.median(0).values, lambda k: np.sort(k, 0)[999]),
    "median of all": (lambda k: k.median(), lambda k: np.sort(k.ravel())[(k.size - 1) // 2]),
    "nanmedian of all": (
        lambda k: torch.where(k > 0.9, torch.nan, k).nanmedian(),
        lambda k: np.sort(k[~(k > 0.9)])[((k <= 0.9).sum() - 1) // 2],
    ),
    "kthvalue of all": (lambda k: k.flatten().kthvalue(3).values, lambda k: np.sort(k.ravel())[2]),
    "topk of all": (
        lambda k: k.flatten().topk(9).values, lambda k: -np.sort(-k.ravel())[:9],
    ),
    "mode": (
        lambda k: k.detach().round().mode(1).values,
        lambda k: np.array([np.unique(r)[np.unique(r, return_counts=True)[1].argmax()]
                            for r in np.round(k)]),
    ),
    "quantile": (lambda k: k.quantile(0.3, 1), lambda k: np.quantile(k, 0.3, 1)),
    "quantile of columns": (lambda k: k.quantile(0.3, 0), lambda k: np.quantile(k, 0.3, 0)),
    "aminmax": (lambda k: torch.stack(k.aminmax(dim=0)), lambda k: np.stack([k.min(0), k.max(0)])),
    "cummax": (
        lambda k: k.cummax(1).values.mean(1),
        lambda k: np.maximum.accumulate(k, 1).mean(1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STREAMED)
def test_orders_and_moments_are_not_stored(name: str) -> None:
    """32 MB of pairs, within 4."""
    f, expected = STREAMED[name]
    with torch.config(memory_budget=4 << 20):
        x, y = points(LARGE, 1), points(LARGE, 2)
        result = f(kernel(x, y))
        if result.requires_grad:
            gradient = torch.autograd.grad(result.sum(), x)[0].numpy()
            assert np.isfinite(gradient).all() and gradient.any()
        found = result.detach().numpy()
        with pytest.raises(OutOfMemoryError):
            kernel(x, y).detach().numpy()
    x, y = x.detach().numpy(), y.detach().numpy()
    k = np.exp(-((x[:, None] - y) ** 2)) + 0.3 * np.sin(x[:, None] * y)
    np.testing.assert_allclose(found, expected(k), 1e-11)


@pytest.mark.parametrize("fold", [
    lambda k: k.cumsum(1)[:, ::7], lambda k: k.quantile(0.3, 1), lambda k: k.cummax(0).values[3],
    lambda k: k.kthvalue(5, 0).values,
])  # fmt: skip
def test_slabs_of_points_in_several_dimensions(fold: Case) -> None:
    """Distances are sums over features, so that slabs are taken of three axes and their views."""

    def gradient(**settings: Any) -> list[Any]:
        rng = np.random.default_rng(0)
        x = torch.tensor(rng.normal(size=(120, 3)), requires_grad=True)
        y = torch.tensor(rng.normal(size=(90, 3)))
        with torch.config(**settings):
            r = fold((-((x[:, None] - y[None]) ** 2).sum(-1)).exp())
            (g,) = torch.autograd.grad((r * r).sum(), x)
            return [r.detach().numpy(), g.numpy()]

    found = gradient(defer_elements=64, tile_bytes=400_000)
    for a, b in zip(found, gradient(defer_elements=10**9), strict=True):
        np.testing.assert_allclose(a, b, 1e-11, 1e-12)


@pytest.mark.parametrize("dim", [0, 1])
def test_the_front_of_a_sort_and_its_gradient_sort_nothing(
    dim: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pullback.backends.arrays import ARRAYS

    def refuse(x: Any, *args: Any) -> Any:
        assert x.size < 1000, "a full sort"
        return argsort_array(x, *args)

    monkeypatch.setattr(ARRAYS, "argsort_array", refuse)
    with torch.config(defer_elements=1):
        x, y = points(300, 1), points(400, 2)
        values = kernel(x, y).sort(dim).values
        front = (values[:5] if dim == 0 else values[:, 1:5]).square().sum()
        (gradient,) = torch.autograd.grad(front, x)
    with torch.config(defer_elements=10**9):
        values = kernel(x, y).topk(5, dim, largest=False).values
        expected = (values if dim == 0 else values[:, 1:]).square().sum()
        (exact,) = torch.autograd.grad(expected, x)
    np.testing.assert_allclose(front.item(), expected.item(), 1e-11)
    np.testing.assert_allclose(gradient.numpy(), exact.numpy(), 1e-9, 1e-12)


def test_a_product_with_zeros() -> None:
    def run(elements: int) -> list[Any]:
        with torch.config(defer_elements=elements):
            x, y = points(40, 1), points(50, 2)
            with torch.no_grad():
                x[3] = y[7]
                x[5] = y[8]
                x[6] = x[5]
            k = x[:, None] - y
            rows, columns = k.prod(1), k.prod(0)
            return [*torch.autograd.grad((rows * 1e-3).sum() + (columns * 1e-3).sum(), (x, y))]

    for a, b in zip(run(1), run(10**9), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), 1e-10)
    assert run(1)[0].numpy()[3] != 0


@pytest.mark.parametrize("largest", [False, True])
@pytest.mark.parametrize("k", [0, 1, 3, 20])
def test_places_of_extremes_are_those_of_a_stable_sort(k: int, largest: bool) -> None:
    """Among equals and NaNs as well."""
    draw = np.random.default_rng(0)
    for x in (
        draw.normal(size=(4, 40)),
        draw.integers(0, 5, (4, 40)),
        np.where(draw.random((4, 40)) < 0.3, np.nan, draw.integers(0, 5, (4, 40))),
        np.full((2, 40), np.nan),
        draw.normal(size=(3, 700)),
        draw.integers(0, 40, (3, 700)),
        draw.integers(0, 900, (3, 700)),
        np.where(draw.random((3, 700)) < 0.01, np.nan, draw.normal(size=(3, 700))),
    ):
        for dim in (0, 1):
            a = x if dim else x.T
            expected = np.take(argsort_array(a, dim, largest), range(k), dim)
            np.testing.assert_array_equal(argpartition_array(a, k, dim, largest), expected)


def test_one_element() -> None:
    """A number out of a matrix that is never stored, and its gradient."""
    with torch.config(memory_budget=4 << 20):
        x, y = points(LARGE, 1), points(LARGE, 2)
        k = kernel(x, y)
        place = k.argmax()
        element = k.flatten()[place]
        assert float(k[3, 5]) == float(k[3][5])
        (gradient,) = torch.autograd.grad(element, x)
        assert float(element) == float(kernel(x, y).max())
    i, j = divmod(int(place), LARGE)
    x, y = x.detach().numpy()[i], y.detach().numpy()[j]
    expected = np.zeros(LARGE)
    expected[i] = -2 * (x - y) * np.exp(-((x - y) ** 2)) + 0.3 * y * np.cos(x * y)
    np.testing.assert_allclose(gradient.numpy(), expected, 1e-9, 1e-12)


def test_half_precision_is_for_storage() -> None:
    """Numbers are read and written in 16 bits, and computed with in 32."""

    def run(elements: int, dtype: Any) -> list[Any]:
        with torch.config(defer_elements=elements):
            x, y, v = (points(n, n).detach().to(dtype).requires_grad_() for n in (60, 50, 50))
            k = kernel(x, y)
            results = [k @ v, k.mean(1), k.amax(0), k.logsumexp(1), k.var(0), k[3:9, 2], 0.3 * k]
            loss = (k @ v).sum() + k.softmax(0).sum(1).sin().sum()
            gradients = torch.autograd.grad(loss, (x, y, v))
            assert {t.dtype for t in (*results, *gradients)} == {dtype}
            return [t.detach().double().numpy() for t in (*results, *gradients)]

    pairs = zip(run(1, torch.float16), run(10**9, torch.float64), strict=True)
    for lazy, exact in pairs:
        np.testing.assert_allclose(lazy, exact, 4e-3, 4e-3 * np.abs(exact).max())
