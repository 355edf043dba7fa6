"""Random numbers: streams that repeat, states that can be saved, and the right distributions.

The statistics are of fixed seeds. Tolerances are five standard errors: a correct generator fails
one such check in two million seeds, a wrong mean or variance fails all of them.
"""

from __future__ import annotations

import copy
import math
import pickle
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import numpy as np
import pytest

import pullback as torch

N = 200_000


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    torch.manual_seed(1234)
    yield
    torch.manual_seed(0)


DRAWS: dict[str, Callable[[Any], Any]] = {
    "rand": lambda g: torch.rand(5, generator=g),
    "rand64": lambda g: torch.rand(3, 2, generator=g, dtype=torch.float64),
    "randn": lambda g: torch.randn(5, generator=g),
    "randint": lambda g: torch.randint(0, 1000, (5,), generator=g),
    "randperm": lambda g: torch.randperm(100, generator=g),
    "rand_like": lambda g: torch.rand_like(torch.empty(2, 3), generator=g),
    "randn_like": lambda g: torch.randn_like(torch.empty(5).double(), generator=g),
    "randint_like": lambda g: torch.randint_like(torch.empty(5), 1000, generator=g),
    "normal": lambda g: torch.normal(torch.zeros(3), 1.0, generator=g),
    "normal of numbers": lambda g: torch.normal(0.0, 1.0, (3,), generator=g),
    "multinomial": lambda g: torch.multinomial(torch.ones(50), 5, generator=g),
    "poisson": lambda g: torch.poisson(torch.full((9,), 20.0), g),
    "binomial": lambda g: torch.binomial(torch.full((9,), 50.0), torch.tensor(0.5), generator=g),
    "bernoulli p": lambda g: torch.zeros(50).long().bernoulli(0.5, generator=g),
    "kaiming_normal_": lambda g: torch.nn.init.kaiming_normal_(torch.empty(3, 2), generator=g),
    "trunc_normal_": lambda g: torch.nn.init.trunc_normal_(torch.empty(5), generator=g),
    "bernoulli": lambda g: torch.bernoulli(torch.full((50,), 0.5), generator=g),
    "uniform_": lambda g: torch.empty(5).uniform_(2, 3, generator=g),
    "normal_": lambda g: torch.empty(5).normal_(2, 3, generator=g),
    "random_": lambda g: torch.empty(5, dtype=torch.int64).random_(generator=g),
    "exponential_": lambda g: torch.empty(5).exponential_(generator=g),
    "bernoulli_": lambda g: torch.empty(50).bernoulli_(generator=g),
    "geometric_": lambda g: torch.empty(5).geometric_(0.01, generator=g),
    "cauchy_": lambda g: torch.empty(5).cauchy_(generator=g),
    "log_normal_": lambda g: torch.empty(5).log_normal_(generator=g),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=list(DRAWS))
def test_a_seed_fixes_the_stream(draw: Callable[[Any], Any]) -> None:
    torch.manual_seed(3)
    first, second = draw(None).tolist(), draw(None).tolist()
    assert first != second
    torch.manual_seed(3)
    assert draw(None).tolist() == first
    # A generator of the same seed gives the same numbers, and leaves the default one alone.
    state = torch.get_rng_state()
    assert draw(torch.Generator().manual_seed(3)).tolist() == first
    assert torch.get_rng_state().tolist() == state.tolist()
    torch.manual_seed(4)
    assert draw(None).tolist() != first


@pytest.mark.parametrize("before", [0, 1, 2, 3, 5])
def test_states_are_places_in_the_stream(before: int) -> None:
    for _ in range(before):  # single-precision numbers take half of what the source gives
        torch.rand(1)
    state = torch.get_rng_state()
    numbers = [draw(None).tolist() for draw in DRAWS.values()]
    torch.manual_seed(77)
    torch.set_rng_state(state)
    assert [draw(None).tolist() for draw in DRAWS.values()] == numbers
    assert torch.initial_seed() == 1234


def test_states_are_bytes() -> None:
    state = torch.get_rng_state()
    assert isinstance(state, torch.Tensor)
    assert (state.dtype, state.dim()) == (torch.uint8, 1)
    for wrong in (torch.zeros(3), [1, 2], None):
        with pytest.raises(TypeError, match="ByteTensor"):
            torch.set_rng_state(wrong)
    with pytest.raises(RuntimeError, match="state size to be 3"):
        torch.set_rng_state(torch.zeros(3, dtype=torch.uint8))
    assert torch.get_rng_state().tolist() == state.tolist()


def test_generators_are_copied_with_their_place() -> None:
    g = torch.Generator().manual_seed(5)
    torch.rand(3, generator=g)
    copies = [g.clone_state(), copy.deepcopy(g), pickle.loads(pickle.dumps(g))]
    numbers = torch.rand(4, generator=g).tolist()
    for h in copies:
        assert torch.rand(4, generator=h).tolist() == numbers
        assert h.initial_seed() == 5
    g.set_state(copies[0].get_state())
    assert torch.rand(4, generator=g).tolist() == torch.rand(4, generator=copies[0]).tolist()


def test_the_number_of_threads_changes_no_number() -> None:
    def numbers() -> Any:
        torch.manual_seed(11)
        drawn = [draw(None).tolist() for draw in DRAWS.values()]
        x = torch.linspace(0, 1, 2000)
        k = torch.exp(-((x[:, None] - x[None]) ** 2))  # formulas, whose loops have threads
        kept = torch.nn.functional.dropout(k, 0.3).sum(1)
        noise = (k * torch.randn(2000)).sum(1)
        return drawn, kept.tolist(), noise.tolist()

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        drawn, kept, noise = numbers()
        torch.set_num_threads(4)
        again = numbers()
    finally:
        torch.set_num_threads(before)
    assert drawn == again[0]
    # The order of a sum may depend on the threads, its terms do not.
    np.testing.assert_allclose(kept, again[1], rtol=1e-4)
    np.testing.assert_allclose(noise, again[2], rtol=1e-4, atol=1e-3)


def test_threads_share_one_stream() -> None:
    """No number is drawn twice, even if all threads are the first to ask for one."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for seed in range(30):
                g = torch.Generator().manual_seed(seed)
                start = Barrier(8)

                def draw(_: int, g: Any = g, start: Any = start) -> list[float]:
                    start.wait()
                    numbers: list[float] = torch.rand(5, dtype=torch.float64, generator=g).tolist()
                    return numbers

                drawn = [x for numbers in pool.map(draw, range(8)) for x in numbers]
                assert len(set(drawn)) == 40
                g.manual_seed(seed)
                one = torch.rand(40, dtype=torch.float64, generator=g).tolist()
                assert sorted(drawn) == sorted(one)
    finally:
        sys.setswitchinterval(interval)


def test_fork_rng() -> None:
    state = torch.get_rng_state()
    with pytest.raises(ValueError, match="inside"), torch.random.fork_rng():
        torch.manual_seed(5)
        raise ValueError("inside")
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.initial_seed() == 1234
    with torch.random.fork_rng(devices=[], enabled=False):
        torch.rand(1)
    assert not torch.equal(torch.get_rng_state(), state)


def test_generators() -> None:
    g = torch.Generator()
    assert g.device == torch.device("cpu")
    assert g.manual_seed(-1).initial_seed() == 2**64 - 1
    assert g.manual_seed(torch.tensor(3)).initial_seed() == 3
    assert torch.default_generator.initial_seed() == 1234
    assert torch.seed() == torch.initial_seed()
    assert torch.seed() != torch.seed()
    for wrong in (2**64, -(2**63) - 1, "a"):
        with pytest.raises(ValueError):
            torch.manual_seed(wrong)
    with pytest.raises(RuntimeError, match="no generator for the device cuda"):
        torch.Generator(device="cuda")


def check(x: torch.Tensor, mean: float, variance: float, kurtosis: float) -> None:
    """Mean and variance of N independent draws, within five standard errors.

    The variance of the estimated variance is (κ - 1) σ⁴ / N, with κ the fourth central moment
    over σ⁴.
    """
    assert x.numel() == N
    values = x.double().numpy().ravel()
    assert values.mean() == pytest.approx(mean, abs=5 * math.sqrt(variance / N))
    spread = 5 * math.sqrt((kurtosis - 1) / N) * variance
    assert values.var() == pytest.approx(variance, abs=spread)
    # Neighbours are independent: their correlation is 0 ± 1/√N.
    neighbours = np.corrcoef(values[1:], values[:-1])[0, 1]
    assert abs(neighbours) < 5 / math.sqrt(N)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_continuous_distributions(dtype: torch.dtype) -> None:
    check(torch.rand(N, dtype=dtype), 1 / 2, 1 / 12, 9 / 5)
    check(torch.randn(N // 2, 2, dtype=dtype), 0, 1, 3)
    check(torch.empty(N, dtype=dtype).uniform_(2, 5), 3.5, 9 / 12, 9 / 5)
    check(torch.empty(N, dtype=dtype).normal_(2, 3), 2, 9, 3)
    check(torch.empty(N, dtype=dtype).exponential_(2), 1 / 2, 1 / 4, 9)
    check(torch.normal(torch.full((N,), 2.0, dtype=dtype), 3.0), 2, 9, 3)
    check(torch.empty(N, dtype=dtype).log_normal_(0, 0.5).log(), 0, 0.25, 3)


def test_discrete_distributions() -> None:
    p = 0.3
    bernoulli = (p * (1 - p), (1 - 3 * p * (1 - p)) / (p * (1 - p)))
    check(torch.bernoulli(torch.full((N,), p)), p, *bernoulli)
    check(torch.empty(N).bernoulli_(p), p, *bernoulli)
    check(torch.empty(N, dtype=torch.int64).bernoulli_(torch.tensor(p)), p, *bernoulli)
    # Uniform on n integers: variance (n² - 1)/12, kurtosis (3 - 6/5 (n² + 1)/(n² - 1)).
    n = 7
    uniform = ((n**2 - 1) / 12, 3 - 1.2 * (n**2 + 1) / (n**2 - 1))
    check(torch.randint(-2, 5, (N,)), 1, *uniform)
    check(torch.empty(N).random_(-2, 5), 1, *uniform)
    assert sorted(set(torch.randint(-2, 5, (N,)).tolist())) == [-2, -1, 0, 1, 2, 3, 4]
    # Trials until a success: mean 1/p, variance (1-p)/p², kurtosis 9 + p²/(1-p).
    geometric = torch.empty(N).geometric_(p)
    check(geometric, 1 / p, (1 - p) / p**2, 9 + p**2 / (1 - p))
    assert geometric.min() == 1


def test_cauchy_by_its_quartiles() -> None:
    x = np.sort(torch.empty(N, dtype=torch.float64).cauchy_(2, 3).numpy())
    # A quantile q has standard error √(q(1-q)/N) / density; the density is 1/(2πσ) at quartiles.
    error = 5 * math.sqrt(3 / 16 / N) * 2 * math.pi * 3
    for k, quartile in ((N // 4, -1), (N // 2, 2), (3 * N // 4, 5)):
        assert x[k] == pytest.approx(quartile, abs=error)


def test_complex_normal_numbers() -> None:
    z = torch.randn(N, dtype=torch.complex64)
    w = torch.empty(N, dtype=torch.complex128).normal_(2, 4)
    check(w.real, 2, 8, 3)
    check(w.imag, 2, 8, 3)
    check(z.real, 0, 1 / 2, 3)
    check(z.imag, 0, 1 / 2, 3)
    re, im = z.real.numpy(), z.imag.numpy()
    assert abs(np.corrcoef(re, im)[0, 1]) < 5 / math.sqrt(N)


def test_permutations() -> None:
    assert sorted(torch.randperm(100).tolist()) == list(range(100))
    assert torch.randperm(0).shape == (0,)
    first = torch.tensor([torch.randperm(5)[0].item() for _ in range(5000)])
    counts = np.bincount(first.numpy(), minlength=5)
    assert np.abs(counts - 1000).max() < 5 * math.sqrt(5000 * 0.2 * 0.8)


def test_intervals_are_half_open() -> None:
    for dtype in (torch.float16, torch.float32, torch.float64):
        x = torch.rand(N, dtype=dtype)
        assert x.min() >= 0
        assert x.max() < 1
        y = torch.empty(N, dtype=dtype).uniform_(100, 101)
        assert y.min() >= 100
        assert y.max() < 101
    assert torch.empty(3).uniform_(2, 2).tolist() == [2, 2, 2]


def test_dtypes_and_shapes() -> None:
    assert torch.rand(2, 3).dtype is torch.float32
    assert torch.rand((2, 3)).shape == torch.rand(2, 3).shape
    assert torch.rand(()).shape == ()
    assert torch.randn(2, dtype=torch.complex128).dtype is torch.complex128
    assert torch.randint(5, (3,)).dtype is torch.int64
    assert torch.randint(5, (3,), dtype=torch.float32).dtype is torch.float32
    assert torch.randint(high=5, size=(3,)).shape == torch.randint(5, size=(3,)).shape == (3,)
    assert torch.randint(0, 2, (3,), dtype=torch.bool).dtype is torch.bool
    assert torch.randperm(256, dtype=torch.uint8).max() == 255
    assert torch.rand_like(torch.ones(2, 3).mT).stride() == (1, 3)
    assert torch.binomial(torch.tensor([-1.0]), torch.tensor([0.5])).tolist() == [0]
    assert torch.randperm(5, dtype=torch.int32).dtype is torch.int32
    assert torch.rand_like(torch.ones(2, 3, dtype=torch.float64)).dtype is torch.float64
    assert torch.rand(2, requires_grad=True).is_leaf
    assert torch.normal(0.0, 1.0, (2, 3)).shape == (2, 3)
    assert torch.normal(torch.zeros(3), torch.zeros(3)).tolist() == [0, 0, 0]
    assert torch.bernoulli(torch.tensor([0.0, 1.0])).tolist() == [0, 1]
    full = torch.empty(N, dtype=torch.uint8).random_()
    assert sorted(set(full.tolist())) == list(range(256))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: torch.empty(3).uniform_(3, 2), RuntimeError, "from=3 > to=2"),
        (lambda: torch.empty(3).normal_(0, -1), RuntimeError, "expects std >= 0.0"),
        (lambda: torch.empty(3).exponential_(-1), RuntimeError, "lambda > 0.0"),
        (lambda: torch.empty(3).cauchy_(0, 0), RuntimeError, "sigma > 0.0"),
        (lambda: torch.empty(3).log_normal_(0, -1), RuntimeError, "std > 0.0"),
        (lambda: torch.empty(3).geometric_(0.0), RuntimeError, r"p to be in \(0, 1\)"),
        (lambda: torch.empty(3).bernoulli_(1.5), RuntimeError, r"p to be in \[0, 1\]"),
        (lambda: torch.empty(3).random_(5, 5), RuntimeError, "from=5 >= to=5"),
        (lambda: torch.ones(3).byte().random_(300), RuntimeError, "out of bounds for Byte"),
        (lambda: torch.ones(3).long().uniform_(), NotImplementedError, "for 'Long'"),
        (lambda: torch.ones(3).bool().geometric_(0.5), NotImplementedError, "for 'Bool'"),
        (lambda: torch.ones(3).cfloat().log_normal_(), NotImplementedError, "'ComplexFloat'"),
        (lambda: torch.ones(3).cfloat().bernoulli_(), NotImplementedError, "'ComplexFloat'"),
        (lambda: torch.ones(3).cfloat().random_(), NotImplementedError, "'ComplexFloat'"),
        (lambda: torch.ones(3).long().exponential_(), RuntimeError, "Exponential .* Long"),
        (lambda: torch.ones(3).cfloat().cauchy_(), RuntimeError, "Cauchy .* ComplexFloat"),
        (lambda: torch.empty(3).half().uniform_(-1e5, 0), RuntimeError, "from is out .* Half"),
        (lambda: torch.empty(3).uniform_(0, math.nan), RuntimeError, "to is out .* Float"),
        (lambda: torch.empty(3).uniform_(-3e38, 3e38), RuntimeError, "half the interval"),
        (lambda: torch.bernoulli(torch.ones(3), 1.5), RuntimeError, r"p to be in \[0, 1\]"),
        (lambda: torch.bernoulli(torch.ones(3).long()), NotImplementedError, "real numbers"),
        (lambda: torch.rand(2, generator=3), TypeError, "must be torch.Generator, not int"),
        (lambda: torch.randint(5), TypeError, "needs `high`"),
        (lambda: torch.randint(low=0, size=(2,)), RuntimeError, "'from' to be less than 'to'"),
        (lambda: torch.randint(2, (3,), dtype=torch.cfloat), RuntimeError, "for 'ComplexFloat'"),
        (lambda: torch.randint(3, (3,), dtype=torch.bool), RuntimeError, "out of bounds for bool"),
        (lambda: torch.randint(70000, (3,), dtype=torch.half), RuntimeError, "bounds for float16"),
        (lambda: torch.randperm(2050, dtype=torch.half), RuntimeError, "exact up to 2048"),
        (lambda: torch.randperm(257, dtype=torch.uint8), RuntimeError, "n = 257 is too large"),
        (lambda: torch.randperm(2, dtype=torch.bool), NotImplementedError, "for 'Bool'"),
        (lambda: torch.ones(3).long().normal_(), NotImplementedError, "for 'Long'"),
        (lambda: torch.bernoulli(torch.tensor([1.5])), RuntimeError, "p_in"),
        (lambda: torch.randint(5, 2, (3,)), RuntimeError, "'from' to be less than 'to'"),
        (lambda: torch.ones(3, requires_grad=True).uniform_(), RuntimeError, "a leaf Variable"),
        (lambda: torch.empty(3).uniform_(0, 1, 2), TypeError, r"uniform_\(\) takes"),
        (lambda: torch.empty(3).uniform_(0, low=1), TypeError, r"uniform_\(\) takes"),
    ],
)
def test_refusals(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_random_writes_are_writes() -> None:
    x = torch.ones(3)
    view = x[1:]
    assert view.uniform_() is view
    assert x[0] == 1
    assert x[1] != 1
    assert x._version == 1
    assert torch.empty(2).uniform_(**{"from": 3, "to": 3}).tolist() == [3, 3]
    leaf = torch.ones(3, requires_grad=True)
    y = leaf * 2
    y.normal_()
    y.sum().backward()
    assert leaf.grad is None or leaf.grad.tolist() == [0, 0, 0]


def test_numbers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(RuntimeError, match="0 to 299 are out of bounds for uint8"):
        torch.randint(0, 300, (3,), dtype=torch.uint8)
    assert torch.randint(0, 256, (100,), dtype=torch.uint8).dtype is torch.uint8
    with pytest.raises(RuntimeError, match="non-negative"):
        torch.randperm(-1)


def test_numpys_numbers_are_numbers() -> None:
    assert torch.full((2,), np.float32(2)).dtype is torch.float32
    assert torch.equal(torch.mul(torch.ones(2), np.float32(2)), torch.full((2,), 2.0))


def test_uniform_of_complex_numbers_fills_both_parts() -> None:
    parts = torch.view_as_real(torch.empty(2000, dtype=torch.complex64).uniform_(-1, 2))
    for part in (parts[:, 0], parts[:, 1]):
        assert -1 <= part.min() < -0.9
        assert 1.9 < part.max() < 2
        assert abs(part.mean().item() - 0.5) < 0.1
    assert torch.empty((), dtype=torch.complex128).uniform_().shape == ()
