"""torch.lobpcg: a few eigenpairs by products alone, and their derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as torch

F64 = torch.float64


def symmetric(size: int, *batch: int, seed: int = 0) -> Any:
    m = np.random.default_rng(seed).normal(size=(*batch, size, size))
    return torch.from_numpy(m + m.swapaxes(-1, -2))


def positive(size: int, seed: int = 1) -> Any:
    m = np.random.default_rng(seed).normal(size=(size, size))
    return torch.from_numpy(m @ m.T / size + np.eye(size))


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("general", [False, True])
def test_pairs(largest: bool, general: bool) -> None:
    from scipy import linalg

    a, b = symmetric(60), positive(60) if general else None
    torch.manual_seed(0)
    values, vectors = torch.lobpcg(a, 4, b, largest=largest, tol=1e-10)
    expected = linalg.eigh(a.numpy(), None if b is None else b.numpy(), eigvals_only=True)
    expected = expected[::-1][:4] if largest else expected[:4]
    np.testing.assert_allclose(values.numpy(), expected, rtol=1e-9)
    weighed = vectors if b is None else b @ vectors
    np.testing.assert_allclose((a @ vectors).numpy(), (weighed * values).numpy(), atol=1e-7)
    np.testing.assert_allclose((vectors.mT @ weighed).numpy(), np.eye(4), atol=1e-12)


def test_batches_first_vectors_and_preconditioners() -> None:
    a = symmetric(30, 2, 3)
    torch.manual_seed(0)
    values, vectors = torch.lobpcg(a, 2, n=5)
    assert values.shape == (2, 3, 2) and vectors.shape == (2, 3, 30, 2)
    np.testing.assert_allclose(
        values.numpy(), torch.linalg.eigvalsh(a).flip(-1)[..., :2].numpy(), rtol=1e-8
    )
    known = torch.linalg.eigh(a[0, 0]).eigenvectors[:, -2:].flip(1)
    values, _ = torch.lobpcg(a[0, 0], X=known, niter=0)
    np.testing.assert_allclose(values.numpy(), torch.linalg.eigvalsh(a[0, 0]).flip(0)[:2].numpy())
    # The inverse as preconditioner: a few steps are enough for a spread spectrum.
    spread = torch.diag(torch.logspace(0, 8, 200, dtype=F64))
    torch.manual_seed(1)
    options: Any = {"largest": False, "niter": 30, "tol": 1e-14, "n": 4}
    good, _ = torch.lobpcg(spread, 2, iK=torch.linalg.inv(spread), **options)
    poor, _ = torch.lobpcg(spread, 2, **options)
    exact = spread.diagonal()[:2]
    assert bool(((good - exact).abs() < 1e-7).all()) and bool(((poor - exact).abs() > 1e-3).any())


def test_derivatives_are_those_of_eigh() -> None:
    a = symmetric(12).requires_grad_()
    weights = torch.from_numpy(np.random.default_rng(2).normal(size=(12, 2)))

    def by_products(m: Any) -> Any:
        torch.manual_seed(0)
        values, vectors = torch.lobpcg((m + m.mT) / 2, 2, tol=1e-13)
        return (values**3).sum() + ((vectors**2) * weights).sum()

    def by_eigh(m: Any) -> Any:
        values, vectors = torch.linalg.eigh((m + m.mT) / 2)
        values, vectors = values.flip(0)[:2], vectors.flip(1)[:, :2]
        return (values**3).sum() + ((vectors**2) * weights).sum()

    found = []
    for function in (by_products, by_eigh):
        (first,) = torch.autograd.grad(function(a), a, create_graph=True)
        (second,) = torch.autograd.grad((first * torch.cos(first.detach())).sum(), a)
        found.append((first.detach(), second))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6, atol=1e-7)


def test_derivatives_in_both_matrices() -> None:
    a, b = symmetric(9), positive(9)
    weights = torch.from_numpy(np.random.default_rng(2).normal(size=(9, 2)))
    first = torch.linalg.eigh(a).eigenvectors[:, -2:]

    def measure(a: Any, b: Any) -> Any:
        values, vectors = torch.lobpcg((a + a.mT) / 2, 2, (b + b.mT) / 2, first, tol=1e-11)
        return values, (vectors**2 * weights).sum()

    inputs = (a.requires_grad_(), b.requires_grad_())
    assert torch.autograd.gradcheck(measure, inputs, fast_mode=True)
    assert torch.autograd.gradcheck(lambda a, b: measure(a, b)[0], inputs, fast_mode=True)


def test_a_kernel_matrix_is_never_stored() -> None:
    n = 1000
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(n, 2))).requires_grad_()
    with torch.config(defer_elements=1 << 14, memory_budget=4_000_000):  # a matrix takes 8 MB
        kernel = torch.exp(-((x[:, None] - x) ** 2).sum(-1))
        torch.manual_seed(0)
        values, _ = torch.lobpcg(kernel)
        (slope,) = torch.autograd.grad(values.sum(), x)
    points = x.detach().numpy()
    full = np.exp(-((points[:, None] - points) ** 2).sum(-1))
    known, vectors = np.linalg.eigh(full)
    np.testing.assert_allclose(values.detach().numpy(), known[-1:], rtol=1e-9)
    weight = -2 * full * np.outer(vectors[:, -1], vectors[:, -1])
    expected = 2 * (weight.sum(1)[:, None] * points - weight @ points)
    np.testing.assert_allclose(slope.numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: torch.lobpcg(torch.eye(5), 2), ValueError, "3 x the number"),
        (lambda: torch.lobpcg(torch.ones(9, 8)), ValueError, "square"),
        (lambda: torch.lobpcg(torch.eye(9), method="other"), ValueError, "method"),
        (lambda: torch.lobpcg(torch.eye(9), tracker=print), NotImplementedError, "tracker"),
    ],
)
def test_what_is_refused(call: Any, kind: Any, words: str) -> None:
    with pytest.raises(kind, match=words):
        call()
