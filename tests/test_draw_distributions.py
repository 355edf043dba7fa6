"""Whatever draws numbers, against the distribution function that it should have.

Continuous numbers by A. Kolmogorov's and N. Smirnov's test, whole ones by the chi-square test. The
seeds are fixed, so that a test that passes always does: a p-value below 0.001 would mean another
distribution, or a seed in a thousand.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

import pullback as torch

N = 20_000
LEAST = 1e-3
GENERATOR = torch.Generator()
F64 = torch.float64


@pytest.fixture(autouse=True)
def _seeded() -> Any:
    GENERATOR.manual_seed(2026)
    with torch.random.fork_rng():
        torch.manual_seed(2027)
        yield


def check_continuous(numbers: Any, distribution: Any) -> None:
    assert stats.kstest(numbers.double().numpy().ravel(), distribution.cdf).pvalue > LEAST


def check_whole(numbers: Any, distribution: Any) -> None:
    """Counts against probabilities; numbers with less than 10 expected are counted together."""
    drawn = numbers.double().numpy().ravel()
    assert np.array_equal(drawn, np.round(drawn))
    low, high = int(drawn.min()), int(drawn.max())
    support = np.arange(low, high + 1)
    wanted = distribution.pmf(support) * len(drawn)
    seen = np.bincount((drawn - low).astype(int), minlength=len(support))
    assert (wanted[seen > 0] > 0).all(), "numbers that should never be drawn"
    common = wanted >= 10
    wanted = np.append(wanted[common], max(len(drawn) - wanted[common].sum(), 0))
    seen = np.append(seen[common], seen[~common].sum())
    if wanted[-1] < 10:  # too few to be tested, then together with the last ones
        wanted = np.append(wanted[:-2], wanted[-2:].sum())
        seen = np.append(seen[:-2], seen[-2:].sum())
    assert stats.chisquare(seen, wanted * (seen.sum() / wanted.sum())).pvalue > LEAST


def check_places(places: Any, probabilities: Any) -> None:
    """How often each of some places is drawn."""
    seen = np.bincount(places.numpy().ravel(), minlength=len(probabilities))
    possible = np.asarray(probabilities) > 0
    assert not seen[~possible].any()
    wanted = np.asarray(probabilities)[possible] * seen.sum()
    assert stats.chisquare(seen[possible], wanted).pvalue > LEAST


def normal(mean: float, deviation: float) -> Any:
    return stats.norm(mean, deviation)


G: dict[str, Any] = {"generator": GENERATOR}
CONTINUOUS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "rand": (lambda d: torch.rand(N, dtype=d, **G), stats.uniform()),
    "rand_like": (lambda d: torch.rand_like(torch.empty(N, dtype=d), **G), stats.uniform()),
    "randn": (lambda d: torch.randn(N, dtype=d, **G), normal(0, 1)),
    "randn_like": (lambda d: torch.randn_like(torch.empty(N, dtype=d), **G), normal(0, 1)),
    "normal": (
        lambda d: torch.normal(torch.full((N,), -2.0, dtype=d), 0.5, **G), normal(-2, 0.5)
    ),
    "normal of deviations": (
        lambda d: torch.normal(3.0, torch.full((N,), 2.0, dtype=d), **G), normal(3, 2)
    ),
    "uniform_": (lambda d: torch.empty(N, dtype=d).uniform_(-3, 5, **G), stats.uniform(-3, 8)),
    "normal_": (lambda d: torch.empty(N, dtype=d).normal_(1, 4, **G), normal(1, 4)),
    "log_normal_": (
        lambda d: torch.empty(N, dtype=d).log_normal_(0.5, 0.7, **G),
        stats.lognorm(0.7, scale=math.exp(0.5)),
    ),
    "exponential_": (
        lambda d: torch.empty(N, dtype=d).exponential_(2.5, **G), stats.expon(scale=1 / 2.5)
    ),
    "cauchy_": (lambda d: torch.empty(N, dtype=d).cauchy_(1, 3, **G), stats.cauchy(1, 3)),
    "complex randn": (
        lambda d: torch.view_as_real(torch.randn(N // 2, dtype=d.to_complex(), **G)),
        normal(0, math.sqrt(0.5)),
    ),
    "complex rand": (
        lambda d: torch.view_as_real(torch.rand(N // 2, dtype=d.to_complex(), **G)),
        stats.uniform(),
    ),
    "complex uniform_": (
        lambda d: torch.view_as_real(
            torch.empty(N // 2, dtype=d.to_complex()).uniform_(-1, 1, **G)
        ),
        stats.uniform(-1, 2),
    ),
    "random_ of a wide range": (
        lambda d: torch.empty(N, dtype=d).random_(0, 2**24, **G) / 2**24, stats.uniform()
    ),
    "randint of a wide range": (
        lambda d: torch.randint(-(2**62), 2**62, (N,), **G).to(d) / 2.0**62, stats.uniform(-1, 2)
    ),
    "init.trunc_normal_": (
        lambda d: torch.nn.init.trunc_normal_(torch.empty(N, dtype=d), 1, 2, -1, 4, **G),
        stats.truncnorm(-1, 1.5, 1, 2),
    ),
    "init.xavier_uniform_": (
        lambda d: torch.nn.init.xavier_uniform_(torch.empty(200, 100, dtype=d), **G),
        stats.uniform(-math.sqrt(6 / 300), 2 * math.sqrt(6 / 300)),
    ),
    "init.kaiming_normal_": (
        lambda d: torch.nn.init.kaiming_normal_(torch.empty(200, 100, dtype=d), **G),
        normal(0, math.sqrt(2 / 100)),
    ),
    "rrelu": (
        lambda d: -torch.nn.functional.rrelu(-torch.ones(N, dtype=d), 0.1, 0.4, True),
        stats.uniform(0.1, 0.3),
    ),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", list(CONTINUOUS))
def test_continuous(name: str, dtype: Any) -> None:
    draw, distribution = CONTINUOUS[name]
    check_continuous(draw(dtype), distribution)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_numbers_of_16_bits_are_those_of_more(dtype: Any) -> None:
    """Rounded, so their distribution functions have steps: no larger ones than the roundings."""
    largest = float(torch.finfo(dtype).eps) + 1.63 / math.sqrt(N)  # its 1 % quantile
    for numbers, distribution in (
        (torch.rand(N, dtype=dtype, **G), stats.uniform()),
        (torch.randn(N, dtype=dtype, **G), normal(0, 1)),
        (torch.empty(N, dtype=dtype).exponential_(**G), stats.expon()),
        (torch.empty(N, dtype=dtype).uniform_(-1, 3, **G), stats.uniform(-1, 4)),
    ):
        assert stats.kstest(numbers.double().numpy(), distribution.cdf).statistic < largest


def filled(value: float, dtype: Any = torch.float32) -> Any:
    return torch.full((N,), value, dtype=dtype)


WHOLE: dict[str, tuple[Callable[[], Any], Any]] = {
    "randint": (lambda: torch.randint(-3, 9, (N,), **G), stats.randint(-3, 9)),
    "randint_like": (lambda: torch.randint_like(filled(0), 5, **G), stats.randint(0, 5)),
    "random_": (lambda: filled(0).random_(2, 7, **G), stats.randint(2, 7)),
    "random_ of uint8": (lambda: filled(0).byte().random_(**G), stats.randint(0, 256)),
    "random_ of bool": (lambda: filled(0).bool().random_(**G), stats.bernoulli(0.5)),
    "bernoulli": (lambda: torch.bernoulli(filled(0.3), **G), stats.bernoulli(0.3)),
    "bernoulli of float16": (
        lambda: torch.bernoulli(filled(0.25, torch.float16), **G), stats.bernoulli(0.25)
    ),
    "bernoulli p": (lambda: torch.bernoulli(filled(0).long(), 0.7, **G), stats.bernoulli(0.7)),
    "bernoulli_": (lambda: filled(0).bernoulli_(0.05, **G), stats.bernoulli(0.05)),
    "bernoulli_ of a tensor": (
        lambda: filled(0).int().bernoulli_(torch.tensor(0.6), **G), stats.bernoulli(0.6)
    ),
    "geometric_": (lambda: filled(0).geometric_(0.2, **G), stats.geom(0.2)),
    "geometric_, often at once": (lambda: filled(0).long().geometric_(0.9, **G), stats.geom(0.9)),
    "poisson, few": (lambda: torch.poisson(filled(0.7), **G), stats.poisson(0.7)),
    "poisson, many": (lambda: torch.poisson(filled(150, F64), **G), stats.poisson(150)),
    "binomial, few": (
        lambda: torch.binomial(filled(5), torch.tensor(0.3), **G), stats.binom(5, 0.3)
    ),
    "binomial, many": (
        lambda: torch.binomial(filled(200, F64), filled(0.9, F64), **G), stats.binom(200, 0.9)
    ),
    "dropout": (
        lambda: torch.nn.functional.dropout(torch.ones(N), 0.75) / 4, stats.bernoulli(0.25)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(WHOLE))
def test_whole_numbers(name: str) -> None:
    draw, distribution = WHOLE[name]
    check_whole(draw(), distribution)


def test_every_permutation_is_as_likely() -> None:
    number = {p: k for k, p in enumerate(itertools.permutations(range(4)))}
    drawn = [number[tuple(torch.randperm(4, **G).tolist())] for _ in range(6000)]
    check_places(torch.tensor(drawn), [1 / 24] * 24)


def test_multinomial() -> None:
    weights = torch.tensor([4.0, 0.0, 1.0, 5.0], dtype=F64)
    check_places(torch.multinomial(weights, N, True, **G), [0.4, 0, 0.1, 0.5])
    # Without replacement: the pair (i, j) has probability wᵢ wⱼ / (1 - wᵢ).
    pairs = torch.multinomial(weights.expand(N, 4), 2, **G)
    w = np.array([0.4, 0, 0.1, 0.5])
    chance = np.outer(w, w) / (1 - w)[:, None]
    np.fill_diagonal(chance, 0)
    check_places(pairs[:, 0] * 4 + pairs[:, 1], chance.ravel())


def test_gumbel_softmax_draws_from_the_softmax() -> None:
    logits = torch.tensor([0.0, 1.0, -1.0])
    drawn = torch.nn.functional.gumbel_softmax(logits.expand(N, 3), hard=True)
    check_places(drawn.argmax(1), torch.softmax(logits.double(), 0).numpy())


def test_the_tests_can_tell_distributions_apart() -> None:
    x = torch.randn(N, **G)
    with pytest.raises(AssertionError):
        check_continuous(x, normal(0.03, 1))
    with pytest.raises(AssertionError):
        check_continuous(x, normal(0, 1.05))
    with pytest.raises(AssertionError):
        check_whole(torch.poisson(filled(4.1), **G), stats.poisson(4))
    with pytest.raises(AssertionError, match="never"):
        check_whole(torch.randint(0, 6, (N,), **G), stats.randint(0, 5))
