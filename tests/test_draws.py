"""Numbers drawn with given probabilities: their distributions; limits of number types."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import pullback as torch


def test_multinomial_has_its_weights() -> None:
    torch.manual_seed(3)
    weights = torch.tensor([1.0, 2.0, 0.0, 5.0])
    counts = np.bincount(torch.multinomial(weights, 8000, True).numpy(), minlength=4)
    assert counts[2] == 0
    expected = np.array([1, 2, 5]) * 1000
    assert stats.chisquare(counts[[0, 1, 3]], expected).pvalue > 1e-3


def test_multinomial_without_replacement_repeats_nothing() -> None:
    torch.manual_seed(4)
    drawn = torch.multinomial(torch.tensor([[1.0, 3.0]] * 6000), 2).numpy()
    assert (np.sort(drawn, 1) == [0, 1]).all()
    first = np.bincount(drawn[:, 0])
    assert stats.chisquare(first, [1500, 4500]).pvalue > 1e-3
    with pytest.raises(RuntimeError, match="cannot sample"):
        torch.multinomial(torch.ones(2), 3)


def test_poisson_and_binomial() -> None:
    torch.manual_seed(5)
    drawn = torch.poisson(torch.full((20000,), 4.0)).numpy()
    observed = np.bincount(drawn.astype(int), minlength=9)[:9]
    expected = stats.poisson(4).pmf(np.arange(9))
    assert stats.chisquare(observed, expected / expected.sum() * observed.sum()).pvalue > 1e-3
    drawn = torch.binomial(torch.full((20000,), 3.0), torch.full((20000,), 0.3)).numpy()
    observed = np.bincount(drawn.astype(int), minlength=4)
    assert stats.chisquare(observed, stats.binom(3, 0.3).pmf(np.arange(4)) * 20000).pvalue > 1e-3


def test_fork_rng_goes_back() -> None:
    torch.manual_seed(6)
    with torch.random.fork_rng():
        inside = torch.rand(3)
    assert torch.equal(torch.rand(3), inside)


def test_limits() -> None:
    assert torch.finfo(torch.float32).eps == np.finfo(np.float32).eps
    assert torch.finfo().dtype == "float32"
    assert torch.finfo(torch.complex128).max == np.finfo(np.float64).max
    assert (torch.iinfo(torch.int8).min, torch.iinfo(torch.uint8).max) == (-128, 255)
    for wrong in (lambda: torch.finfo(torch.int32), lambda: torch.finfo(float),
                  lambda: torch.iinfo(torch.float32), lambda: torch.iinfo(torch.bool),
                  lambda: torch.iinfo(int)):  # fmt: skip
        with pytest.raises(TypeError):
            wrong()
