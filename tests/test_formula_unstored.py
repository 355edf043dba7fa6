"""Nothing of the pairs that a function, a count or a running fold is applied to is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback import config
from pullback.backends import tiles
from pullback.dispatch import creations

EAGER = 2**62


def run(program: Callable[[], list[Any]], elements: int) -> list[Any]:
    with config(defer_elements=elements):
        return [np.array(r.detach().numpy()) for r in program()]


SPECIAL = torch.special


def of_products(name: str) -> Callable[[Any, Any], Any]:
    return lambda x, y: getattr(SPECIAL, name)(x * y)


FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    **{name: of_products(name) for name in (
        "i0", "i1", "i0e", "i1e", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1",
        "modified_bessel_k0", "modified_bessel_k1", "scaled_modified_bessel_k0",
        "scaled_modified_bessel_k1", "spherical_bessel_j0", "airy_ai", "digamma", "gammaln",
        "erfinv", "erfcx", "ndtr", "ndtri", "log_ndtr",
    )},
    "polygamma": lambda x, y: SPECIAL.polygamma(3, x * y),
    "igamma": lambda x, y: torch.igamma(x.detach(), y),
    "igammac": lambda x, y: torch.igammac(x.detach(), y),
    "zeta": lambda x, y: SPECIAL.zeta(1 + x.detach(), y),
    "legendre": lambda x, y: SPECIAL.legendre_polynomial_p(x * y, 3),
    "shifted chebyshev": lambda x, y: SPECIAL.shifted_chebyshev_polynomial_u(x * y, 5),
    "hermite": lambda x, y: SPECIAL.hermite_polynomial_he(x - y, 4),
    "lcm": lambda x, y: x * y * torch.lcm((x * 10).long(), (y * 10).long()),
    "complex acosh": lambda x, y: torch.acosh(torch.complex(x, x) * y).abs(),
    "complex atan": lambda x, y: torch.atan(torch.complex(x, x) * y).angle(),
    "nextafter": lambda x, y: torch.nextafter(x, y) * y,
    "gcd": lambda x, y: x * y * torch.gcd((x * 100).long(), (y * 100).long()),
    "complex asin": lambda x, y: torch.asin(torch.complex(x, x) * y).abs(),
    "xlogy": lambda x, y: torch.xlogy(x * y, 2.5),
    "add": lambda x, y: torch.add(x * y, 3, alpha=0.5),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_function_stores_what_it_is_applied_to(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sums of pointwise functions of pairs, and two derivatives; all of them in machine code."""
    monkeypatch.setattr(tiles, "run", lambda *_: pytest.fail("NumPy computes in tiles"))

    def program() -> list[Any]:
        rng = np.random.default_rng(0)
        x = torch.tensor(rng.uniform(0.3, 2, 60), requires_grad=True)
        y = torch.tensor(rng.uniform(0.3, 0.45, 50), requires_grad=True)
        total = (FUNCTIONS[name](x[:, None], y) * y).sum()
        first = torch.autograd.grad(total, (x, y), create_graph=True, allow_unused=True)
        given = [g for g in first if g is not None]
        second = torch.autograd.grad(sum((g * g).sum() for g in given), (x, y), allow_unused=True)
        return [total, *given, *(g for g in second if g is not None)]

    with config(memory_budget=60 * 50 * 4):  # half of what the pairs would take
        lazy = run(program, 0)
    for k, (a, b) in enumerate(zip(lazy, run(program, EAGER), strict=True)):
        np.testing.assert_allclose(a, b, 1e-10, 1e-10, err_msg=f"result {k}")


EDGES = torch.tensor([0.0, 0.05, 0.2, 0.5, 0.75, 1.0], dtype=torch.float64)
STREAMED: dict[str, Callable[[Any, Any], Any]] = {
    "histc": lambda k, i: torch.histc(k, 7),
    "histc of a range": lambda k, i: torch.histc(k, 5, 0.1, 0.8),
    "bincount": lambda k, i: torch.bincount(i.flatten()),
    "bincount of weights": lambda k, i: torch.bincount(i.flatten(), k.flatten(), 30),
    "unique": lambda k, i: torch.unique(i),
    "unique, counted": lambda k, i: torch.cat(torch.unique(i, return_counts=True)),
    "histogram": lambda k, i: torch.cat([*torch.histogram(k, 7)]),
    "histogram of a range": lambda k, i: torch.histogram(k, 5, range=(0.1, 0.8), density=True).hist,
    "histogram between edges": lambda k, i: torch.histogram(k, EDGES, weight=k + 1).hist,
    "histogramdd": lambda k, i: torch.histogramdd(torch.stack([k, k * k], -1), [4, 5]).hist,
    "bucketize": lambda k, i: torch.bucketize(k, EDGES).sum(1),
    "bucketize, to the right": lambda k, i: torch.bucketize(i / 20, EDGES, right=True).sum(0),
    "searchsorted in rows": lambda k, i: torch.searchsorted(
        torch.arange(0, 90, 3).double() / 90 + torch.arange(90)[:, None] / 900, k
    ).sum(1),
    "isin": lambda k, i: torch.isin(i, torch.tensor([3, 1, 9, 20])).sum(1),
    "isin, inverted": lambda k, i: torch.isin(i, torch.tensor([7]), invert=True).sum(0),
    "one_hot": lambda k, i: torch.nn.functional.one_hot(i).sum(1),
    "embedding": lambda k, i: torch.nn.functional.embedding(i, EDGES[:, None].repeat(4, 3)).sum(1),
    "median of integers": lambda k, i: i.median(),
    "median, with NaN": lambda k, i: torch.where(k > 0.5, torch.nan, k).median(),
    "kthvalue of 8 bits": lambda k, i: i.to(torch.int8).flatten().kthvalue(5000).values,
    "quantile": lambda k, i: k.quantile(0.3),
    "quantiles, with the lower ones": lambda k, i: k.quantile(
        torch.tensor([0.9, 0.02, 1.0], dtype=torch.float64), interpolation="lower", keepdim=True
    ),
    "quantile of NaN": lambda k, i: torch.where(k > 0.5, torch.nan, k).quantile(0.2),
    "nanquantile": lambda k, i: torch.where(k > 0.5, torch.nan, k).nanquantile(0.2),
    "nonzero": lambda k, i: (k > 0.98).nonzero(),
    "nonzero of what is wide": lambda k, i: (k.T > 0.98).nonzero(),
    "nonzero in three axes": lambda k, i: (k.T.view(8, 10, 90) * 2 - 1.95).relu().nonzero(),
    "nonzero, the first": lambda k, i: (i == 3).nonzero_static(size=9),
    "nonzero, nowhere": lambda k, i: (k > 2).nonzero_static(size=3, fill_value=7),
    "where": lambda k, i: torch.stack(torch.where(k > 0.98)),
    "histc of rows' sorts": lambda k, i: torch.histc(k.sort(1).values[:, ::2], 7),
}


@pytest.mark.parametrize("name", STREAMED)
def test_what_counts_elements_sees_them_part_by_part(name: str) -> None:
    def program() -> list[Any]:
        rng = np.random.default_rng(0)
        x, y = torch.tensor(rng.normal(size=90)), torch.tensor(rng.normal(size=80))
        k = torch.exp(-((x[:, None] - y) ** 2))
        return [STREAMED[name](k, (k * 20).long())]

    with config(memory_budget=90 * 80 * 4):  # half of what the pairs would take
        (lazy,) = run(program, 100)
    np.testing.assert_allclose(lazy, run(program, EAGER)[0], 1e-12)


CHOSEN: dict[str, Callable[[Any], Any]] = {
    "a mask": lambda k: k[k > 0.97],
    "a mask of two axes": lambda k: (k[:, None, :] * EDGES[:, None])[k.detach()[:, :6] < 0.001],
    "masked_select": lambda k: k.masked_select((k > 0.97) & (k < 0.99)),
    "masked_select, of all": lambda k: (
        torch.arange(80.0).double().masked_select(k > 0.99) * k[3, 3]
    ),
    "quantiles": lambda k: k.quantile(torch.tensor([0.1, 0.77], dtype=torch.float64)),
    "nanquantile": lambda k: k.nanquantile(0.5, interpolation="midpoint"),
}


@pytest.mark.parametrize("name", CHOSEN)
def test_elements_of_pairs_that_their_numbers_choose(name: str) -> None:
    def program() -> list[Any]:
        rng = np.random.default_rng(2)
        x, y = torch.tensor(rng.normal(size=90)), torch.tensor(rng.normal(size=80))
        x.requires_grad_(), y.requires_grad_()
        found = CHOSEN[name](torch.exp(-((x[:, None] - y) ** 2)))
        total = (found * torch.arange(1, 1 + found.numel()).view(found.shape)).sum()
        first = torch.autograd.grad(total, (x, y), create_graph=True)
        second = torch.autograd.grad(sum((g * g).sum() for g in first), (x, y))
        return [found, *first, *second]

    with config(memory_budget=90 * 80 * 4):  # half of what the pairs would take
        lazy = run(program, 100)
    for k, (a, b) in enumerate(zip(lazy, run(program, EAGER), strict=True)):
        np.testing.assert_allclose(a, b, 1e-10, 1e-10, err_msg=f"result {k}")


def test_places_that_do_not_fit() -> None:
    x = torch.arange(300.0)
    pairs = (x[:, None] + x) % 2
    refused = pytest.raises(torch.OutOfMemoryError, match="may be used")
    with config(memory_budget=300 * 300), refused:
        pairs.nonzero()


def test_what_counts_elements_refuses_what_it_refuses_of_arrays() -> None:
    with config(defer_elements=100):
        x = torch.arange(20.0, dtype=torch.float64)
        k = x[:, None] * x - 50
        with pytest.raises(RuntimeError, match="non-negative"):
            torch.bincount(k.long().flatten())
        with pytest.raises(RuntimeError, match="not finite"):
            torch.histc(k / 0, 5)
        with pytest.raises(RuntimeError, match="bins must be > 0"):
            torch.histc(k, 0)


RUNNING: dict[str, Callable[[Any], Any]] = {
    "cummax": lambda k: k.cummax(1).values,
    "cummin of columns": lambda k: k.cummin(0).values,
    "logcumsumexp": lambda k: k.logcumsumexp(1),
    "cumprod": lambda k: (k + 0.5).cumprod(1),
    "sort": lambda k: k.sort(1).values * torch.arange(80),
    "top 30": lambda k: torch.cat([k.topk(30, 1).values, k[:, 30:]], 1),
    "many places of some rows": lambda k: torch.cat([k.gather(0, PLACES), k[30:]]),
}
PLACES = torch.tensor(np.random.default_rng(4).integers(0, 90, (20, 70)))
PLACES = torch.cat([PLACES, PLACES[:, :10]], 1)


@pytest.mark.parametrize("name", RUNNING)
def test_derivatives_of_what_runs_along_an_axis_are_not_stored(name: str) -> None:
    def program() -> list[Any]:
        x = torch.tensor(np.linspace(-1, 1, 90) + 0.1 * np.sin(1.7 * np.arange(90)))
        y = torch.tensor(np.cos(2.1 * np.arange(80)))
        x.requires_grad_(), y.requires_grad_()
        total = (RUNNING[name](torch.exp(-((x[:, None] - y) ** 2))) * y.detach()).sum()
        first = torch.autograd.grad(total, (x, y), create_graph=True)
        second = torch.autograd.grad(sum((g * g).sum() for g in first), (x, y))
        return [total, *first, *second]

    with config(memory_budget=90 * 80 * 6):  # less than the pairs would take
        lazy = run(program, 100)
    for k, (a, b) in enumerate(zip(lazy, run(program, EAGER), strict=True)):
        np.testing.assert_allclose(a, b, 1e-10, 1e-10, err_msg=f"result {k}")


@pytest.mark.parametrize("dtype", [
    torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int8, torch.int64,
    torch.bool, torch.complex64,
])  # fmt: skip
@pytest.mark.parametrize("shape", [(7,), (7, 3), (3, 7), (1, 9), (5, 0), (0,)])
def test_identities_as_formulas(shape: Any, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What reads them sees the numbers, and they can be written."""
    expected = torch.eye(*shape, dtype=dtype)
    monkeypatch.setattr(creations, "LARGE", 0)
    for _ in range(3):  # a call that was met before, too
        found = torch.eye(*shape, dtype=dtype)
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert bool((found == expected).all())
        assert bool((found.t() == expected.t()).all())
        found += found
        assert bool((found == expected + expected).all())
    if dtype.is_floating_point:
        leaf = torch.eye(*shape, dtype=dtype, requires_grad=True)
        (leaf * leaf).sum().backward()
        assert bool((leaf.grad == 2 * expected).all())
        assert leaf.is_leaf


def test_large_identities_are_not_stored() -> None:
    """K + s I for more points than could be stored, with gradients."""
    n = 12_000
    x, b = torch.linspace(0, 1, n).requires_grad_(), torch.ones(n) / n
    noise = torch.tensor(0.5, requires_grad=True)
    with config(memory_budget=10**8):
        for _ in range(4):  # calls that were met before, too
            identity = torch.eye(n)
            assert identity._is_formula
        kernel = (-((x[:, None] - x[None, :]) ** 2)).exp()
        plain = kernel @ b
        shifted = (kernel + noise * identity) @ b
        torch.testing.assert_close(shifted, plain + noise * b)
        (gradient,) = torch.autograd.grad(b @ shifted, noise)
        torch.testing.assert_close(gradient, b @ b)
        with pytest.raises(torch.OutOfMemoryError):
            identity.numpy()
    with pytest.raises(RuntimeError, match="greater or equal to 0"):
        torch.eye(-n, -n)
