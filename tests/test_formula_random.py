"""Formulas whose shapes, dtypes, vector widths and numbers of threads a machine chooses.

Against the same computation on arrays; and by finite differences, to the second derivative.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import pullback as torch
from pullback.backends.llvm import compile
from pullback.backends.llvm.target import host

evaluation = importlib.import_module("pullback.formula.evaluate")

FULL = 10**12
check = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@contextmanager
def width(lanes: int | None) -> Iterator[None]:
    """Kernels are made for so many lanes."""
    evaluation.forget()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compile, "host", lambda: host(lanes))
        yield
    evaluation.forget()


# ------------------------------------------------------------------------- random computations

UNARY: dict[str, Any] = {
    "sin": torch.sin, "tanh": torch.tanh, "exp": lambda x: (-x * x).exp(), "abs": torch.abs,
    "sigmoid": torch.sigmoid, "log": lambda x: (x * x + 1).log(), "neg": lambda x: -x,
    "clamp": lambda x: x.clamp(-0.5, 0.75), "half": lambda x: 0.5 * x + 0.25,
}  # fmt: skip
BINARY: dict[str, Any] = {
    "add": lambda x, y: x + y, "sub": lambda x, y: x - y, "mul": lambda x, y: x * y,
    "div": lambda x, y: x / (y * y + 1), "max": torch.maximum,
    "where": lambda x, y: torch.where(x > y, x * 0.5, y),
}  # fmt: skip
FOLD: dict[str, Any] = {
    "sum": lambda x, d: x.sum(d), "mean": lambda x, d: x.mean(d), "amax": lambda x, d: x.amax(d),
    "logsumexp": lambda x, d: x.logsumexp(d), "var": lambda x, d: x.var(d, correction=0),
    "softmax": lambda x, d: x.softmax(d), "norm": lambda x, d: (x + 3).norm(dim=d),
    "min": lambda x, d: x.min(d).values, "prod": lambda x, d: (1 + 0.01 * x).prod(d),
    "cut": lambda x, d: x.narrow(d, 0, 1 + x.shape[d] // 2), "flip": lambda x, d: x.flip(d),
    "move": lambda x, d: x.transpose(d, 0), "cat": lambda x, d: torch.cat([x, x * 2], d),
    "cumsum": lambda x, d: x.cumsum(d), "cummax": lambda x, d: x.cummax(d).values,
    "logcumsumexp": lambda x, d: x.logcumsumexp(d), "roll": lambda x, d: x.roll(2, d),
    "cumprod": lambda x, d: (1 + 0.01 * x).cumprod(d), "sort": lambda x, d: x.sort(d).values,
    "median": lambda x, d: x.median(d, True).values, "diff": lambda x, d: x.diff(dim=d),
    "put": lambda x, d: x.index_fill(d, torch.tensor([0]), 0.5),
    "gather": lambda x, d: x.index_select(d, torch.arange(0, x.shape[d], 2)),
}  # fmt: skip
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(sorted(UNARY)), st.integers(0, 9)),
        st.tuples(st.sampled_from(sorted(BINARY)), st.integers(0, 9), st.integers(0, 9)),
        st.tuples(st.sampled_from(sorted(FOLD)), st.integers(0, 9), st.integers(0, 2)),
    ),
    min_size=1, max_size=5,
)  # fmt: skip
AXIS = st.sampled_from([1, 2, 5, 16, 17, 35, 70])


@st.composite
def shapes(draw: Any) -> list[tuple[int, ...]]:
    """Two or three shapes that broadcast with each other, in any arrangement."""
    full = [draw(AXIS) for _ in range(draw(st.integers(1, 3)))]
    while np.prod(full) > 30_000:
        full[full.index(max(full))] = 2
    found = []
    for _ in range(draw(st.integers(2, 3))):
        begin = draw(st.integers(0, len(full) - 1))
        found.append(tuple(draw(st.sampled_from([s, s, 1])) for s in full[begin:]))
    return found


def execute(steps: Any, arrays: list[Any], elements: int, twice: bool) -> list[Any]:
    """The last values and the gradients of their sum, and those of a sum of the gradients."""
    with torch.config(defer_elements=elements):
        leaves = [torch.tensor(a) for a in arrays]
        for x in leaves:
            x.requires_grad_(x.is_floating_point())
        live: list[Any] = list(leaves)
        for name, i, *rest in steps:
            x = live[i % len(live)]
            if name in UNARY:
                made = UNARY[name](x if x.is_floating_point() else x.float())
            elif name in BINARY:
                y = live[rest[0] % len(live)]
                try:
                    np.broadcast_shapes(tuple(x.shape), tuple(y.shape))
                except ValueError:
                    continue
                made = BINARY[name](x, y)
            elif x.ndim and x.is_floating_point():
                made = FOLD[name](x, rest[0] % x.ndim)
            else:
                continue
            if made.numel() <= 60_000:
                live.append(made)
        results = live[-2:]
        total: Any = sum((r.double() * 0.37).sin().sum() for r in results)
        found = list(results)
        if total.requires_grad:
            wanted = [x for x in leaves if x.requires_grad]
            gradients = torch.autograd.grad(total, wanted, create_graph=twice, allow_unused=True)
            found += [g for g in gradients if g is not None]
            again = sum((g * g.detach().sin()).sum() for g in gradients if g is not None)
            if twice and again.requires_grad:
                second = torch.autograd.grad(again, wanted, allow_unused=True)
                found += [g for g in second if g is not None]
        return [r.detach().numpy() for r in found]


@given(
    shapes(), STEPS, st.sampled_from([np.float32, np.float64]),
    st.sampled_from([np.float32, np.float64, np.float16, np.int32]),
    st.sampled_from([None, 1, 2, 4, 8, 16]), st.integers(1, 3), st.integers(0, 2**32 - 1),
    st.booleans(),
)  # fmt: skip
@settings(check, max_examples=10)
def test_random_computations(
    sizes: Any, steps: Any, dtype: Any, other: Any, lanes: int | None, threads: int, seed: int,
    twice: bool,
) -> None:  # fmt: skip
    draw = np.random.default_rng(seed)
    # Few digits: no two of them are closer than rounding, and no tie is decided by it.
    numbers = [draw.normal(size=s).round(3) * 1.5 for s in sizes]
    arrays = [a.astype(other if k else dtype) for k, a in enumerate(numbers)]
    with width(lanes), torch.config(num_threads=threads):
        lazy = execute(steps, arrays, 0, twice)
    eager = execute(steps, arrays, FULL, twice)
    assert len(lazy) == len(eager)
    coarse = any(a.dtype == np.float16 for a in (*arrays, *eager))
    single = any(a.dtype in (np.float32, np.int32) for a in (*arrays, *eager))
    for k, (a, b) in enumerate(zip(lazy, eager, strict=True)):
        assert (a.shape, a.dtype) == (b.shape, b.dtype), k
        if b.dtype.kind in "biu":
            np.testing.assert_array_equal(a, b)
            continue
        digits = 2e-2 if coarse else 3e-4 if single else 1e-9
        size = max(1e-2, np.abs(b[np.isfinite(b)]).max(initial=0))
        np.testing.assert_allclose(a, b, digits, digits * size, err_msg=f"result {k}")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16])
def test_widths_and_threads(lanes: int, dtype: Any) -> None:
    """The reference scenario at sizes around the vectors; and the same bits for any threads."""
    for n, m in ((1, 1), (3, 70), (33, 17), (100, 129)):
        draw = np.random.default_rng(n)
        x, y = (draw.normal(size=(s, 3)).astype(dtype) for s in (n, m))
        p = draw.normal(size=(m, 2)).astype(dtype)

        def run(elements: int, threads: int, of: Any = (x, y, p)) -> list[Any]:
            with torch.config(defer_elements=elements, num_threads=threads):
                a, b, c = (torch.tensor(t, requires_grad=True) for t in of)
                k = (-((a[:, None] - b) ** 2).sum(-1)).exp()
                loss = ((k @ c) ** 2).sum() + k.logsumexp(1).sum() + k.amax(0).sum()
                first = torch.autograd.grad(loss, (a, b, c), create_graph=True)
                second = torch.autograd.grad(sum((g * g).sum() for g in first), (a, b, c))
                return [t.detach().numpy() for t in (loss, *first, *second)]

        with width(lanes):
            lazy, again = run(0, 1), run(0, 2)
        digits = 2e-4 if dtype == np.float32 else 1e-11
        for a, b, c in zip(lazy, again, run(FULL, 1), strict=True):
            np.testing.assert_array_equal(a, b)
            np.testing.assert_allclose(a, c, digits, digits * np.abs(c).max())


# ------------------------------------------------------------------------- finite differences

FUNCTIONS: dict[str, Any] = {
    "gauss": lambda k, p: k @ p,
    "weighted": lambda k, p: (p * (k @ p)).sum(),
    "log": lambda k, p: k.logsumexp(1),
    "softmax": lambda k, p: k.softmax(1) @ p,
    "moments": lambda k, p: k.var(0) + k.mean(0),
    "largest": lambda k, p: k.amax(1) + k.min(0).values.sum(),
    "front": lambda k, p: k.sort(1).values[:, :1] * k.topk(2, 1).values,
    "product": lambda k, p: (k + 0.5).prod(1),
    "norms": lambda k, p: k.norm(dim=1) + (k[:, 1:] - k[:, :-1]).square().sum(1),
    "pieces": lambda k, p: k.chunk(2, 1)[1].sum(1) * k.unbind(1)[0],
    "running": lambda k, p: k.cumsum(1)[:, 2:],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_by_finite_differences(name: str) -> None:
    draw = np.random.default_rng(0)

    def f(x: Any, y: Any, p: Any) -> Any:
        return FUNCTIONS[name]((-((x[:, None] - y) ** 2).sum(-1)).exp(), p)

    with torch.config(defer_elements=0):
        given = [torch.tensor(draw.normal(size=s), requires_grad=True)
                 for s in ((5, 2), (6, 2), (6, 1))]  # fmt: skip
        if name == "weighted":
            given[1] = given[0].detach().clone().requires_grad_()
            given[2] = given[2].detach()[:5].clone().requires_grad_()
        # What is computed together with a gradient decides how its sums are rounded.
        assert torch.autograd.gradcheck(f, given, nondet_tol=1e-12)
        assert torch.autograd.gradgradcheck(f, given, nondet_tol=1e-12)


# --------------------------------------------------------------------------- limits and faults


def test_a_formula_past_the_limit_of_operations_is_computed() -> None:
    with torch.config(defer_elements=10, max_formula_nodes=8):
        x = torch.tensor(np.random.default_rng(0).normal(size=50), requires_grad=True)
        y, expected = x, x.detach().numpy()
        most = 0
        for _ in range(12):
            y = (y * 0.9).sin() + x
            expected = np.sin(expected * 0.9) + x.detach().numpy()
            most = max(most, y._value.nodes if y._is_formula else 0)
        assert most <= 8
        np.testing.assert_allclose(y.detach().numpy(), expected, 1e-12)
        (g,) = torch.autograd.grad(y.sum(), x)
    with torch.config(defer_elements=FULL):
        y = x
        for _ in range(12):
            y = (y * 0.9).sin() + x
        (exact,) = torch.autograd.grad(y.sum(), x)
    np.testing.assert_allclose(g.numpy(), exact.numpy(), 1e-10)


def test_past_the_limit_what_does_not_fit_stays_a_formula() -> None:
    with torch.config(defer_elements=10, max_formula_nodes=5, memory_budget=10_000):
        x = torch.tensor(np.random.default_rng(0).normal(size=300))
        k = x[:, None] - x
        for _ in range(8):
            k = (k * 0.5).sin()
        assert k._is_formula
        a = x.numpy()
        d = a[:, None] - a
        for _ in range(8):
            d = np.sin(d * 0.5)
        np.testing.assert_allclose(k.sum(1).numpy(), d.sum(1), 1e-9, 1e-12)


def test_second_order_within_a_small_budget() -> None:
    """A Hessian times a vector of a million pairs, of which 50 kB may be stored."""
    n = 1000
    with torch.config(memory_budget=50_000):
        x = torch.tensor(np.random.default_rng(0).normal(size=(n, 3)), requires_grad=True)
        v = torch.tensor(np.random.default_rng(1).normal(size=(n, 3)))

        def energy(x: Any) -> Any:
            return (-((x[:, None] - x) ** 2).sum(-1) / 2).exp().sum()

        (g,) = torch.autograd.grad(energy(x), x, create_graph=True)
        (product,) = torch.autograd.grad((g * v).sum(), x)
        with pytest.raises(torch.OutOfMemoryError, match=r"\[1000, 1000\].*7\.6 MiB.*reduce it"):
            (x[:, None, 0] - x[:, 0]).detach().numpy()
    eps = 1e-5

    def gradient(at: Any) -> Any:
        d = at[:, None] - at
        return -2 * (np.exp(-(d**2).sum(-1) / 2)[..., None] * d).sum(1)

    a, b = x.detach().numpy(), v.numpy()
    exact = (gradient(a + eps * b) - gradient(a - eps * b)) / (2 * eps)
    np.testing.assert_allclose(product.numpy(), exact, 1e-5, 1e-5 * np.abs(exact).max())


def test_long_axes_that_are_the_only_loop(recwarn: pytest.WarningsRecorder) -> None:
    """log Σ exp over everything, or beside short axes: compiled, with infinite elements too."""
    draw = np.random.default_rng(0)
    with warnings.catch_warnings(), torch.config(defer_elements=3):
        warnings.simplefilter("error")
        evaluation._warned = False
        for shape, dims in (
            ((500,), (0,)), ((300, 5), (0, 1)), ((300, 5), (0,)), ((7, 400), (1,)),
            ((40, 30), (0, 1)), ((3, 200, 2), (1,)), ((200, 1), (0, 1)),
            ((1, 4), (1,)), ((7, 1), (0,)),
        ):  # fmt: skip
            for special in (None, np.inf, -np.inf, np.nan):
                a = draw.normal(size=shape) * 50
                if special is not None:
                    a.flat[3] = special
                if special == -np.inf:
                    a[...] = special
                x = torch.tensor(a)
                exact = torch.logsumexp(x, dims).numpy()
                np.testing.assert_allclose((x * 1).logsumexp(dims).numpy(), exact, 1e-12)


def test_kernels_that_would_take_long_to_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    """What can be stored is then computed by its definition, which is fast."""
    plan = importlib.import_module("pullback.formula.plan")

    def values(limit: int) -> list[Any]:
        torch.manual_seed(0)
        x, y = torch.randn(30, 1).requires_grad_(), torch.randn(40)
        evaluation.forget()
        monkeypatch.setattr(plan, "MAX_UNROLLED", limit)
        monkeypatch.setattr(plan, "MAX_COMPILED", limit)
        with torch.config(defer_elements=1):
            total = (x * y).sin().logsumexp(1)
            (g,) = torch.autograd.grad(total.square().sum(), x, create_graph=True)
            return [total.detach().numpy(), g.detach().numpy()]

    compiled = values(10_000)
    monkeypatch.setattr(compile, "compile_text", lambda *_: pytest.fail("a kernel was compiled"))
    monkeypatch.setattr(compile, "program", lambda *_: pytest.fail("a kernel was asked for"))
    for a, b in zip(values(1), compiled, strict=True):
        np.testing.assert_allclose(a, b, 1e-5, 1e-6)
    evaluation.forget()


NO_COMPILER = """
import sys, warnings
sys.modules["llvmlite"] = None
import numpy as np
import pullback as torch

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    x = torch.tensor(np.random.default_rng(0).normal(size=(1000, 2)), requires_grad=True)
    with torch.config(memory_budget=1 << 22, tile_bytes=1 << 22):
        k = (-((x[:, None] - x) ** 2).sum(-1)).exp()
        h = (k @ x).square().sum() + k.logsumexp(1).sum()
        (g,) = torch.autograd.grad(h, x, create_graph=True)
        (second,) = torch.autograd.grad((g * g).sum(), x)
        values = [float(h), g.detach().numpy(), second.numpy()]
assert [w.category for w in caught] == [RuntimeWarning], [str(w.message) for w in caught]
assert "llvmlite" in str(caught[0].message)
a = x.detach().numpy()
d = a[:, None] - a
e = np.exp(-(d**2).sum(-1))
exact = ((e @ a) ** 2).sum() + np.log(np.exp(e).sum(1)).sum()
assert abs(values[0] - exact) <= 1e-10 * abs(exact)
s = e @ a
w = np.exp(e) / np.exp(e).sum(1, keepdims=True)
c = 2 * s @ a.T + w  # dh/dk
g = 2 * e @ s - 2 * (((c + c.T) * e)[..., None] * d).sum(1)
assert np.abs(values[1] - g).max() <= 1e-9 * np.abs(g).max()
assert np.isfinite(values[2]).all()
print("the same numbers")
"""


def test_without_a_compiler() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_COMPILER], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "the same numbers\n"
