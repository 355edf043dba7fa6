"""Formulas against the same computation on arrays: values, and derivatives to second order."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import pullback as torch
from pullback import config
from pullback.dispatch import again
from pullback.dispatch.recipes import OFTEN

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
        digits = 2e-4 if b.dtype in (np.float32, np.complex64) else 1e-10
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


@given(product=st.sampled_from(list(PRODUCTS)), given_pairs=pairs(), kernel=KERNELS)
@check
def test_products_of_kernels(product: str, given_pairs: Any, kernel: Build) -> None:
    x, y, p = given_pairs

    def build(x: Any, y: Any, p: Any) -> Any:
        return PRODUCTS[product](kernel(x, y), p, x)

    same(build, x, y, p, scale=5)


def test_three_body_sums() -> None:
    def build(x: Any, y: Any, z: Any) -> Any:
        a = x[:, None, None] * y[None, :, None] + z[None, None, :]
        b = (x[:, None, None] - z[None, None, :]) ** 2
        return (a.sin() * (-b).exp()).sum((1, 2)), (a * b).sum((0, 2)), (a.cos() * b).sum()

    for sizes in ((20, 17, 33), (3, 17, 2), (1, 5, 18)):
        same(build, *(uniform(k, (n,), np.float64) for k, n in enumerate(sizes)))


# ------------------------------------------------------------------------------ reductions

REDUCTIONS: dict[str, Build] = {
    "sum": lambda k, d: k.sum(d),
    "sum keepdim": lambda k, d: k.sum(d, keepdim=True),
    "mean": lambda k, d: k.mean(d),
    "prod": lambda k, d: k.prod(d) if isinstance(d, int) else k.prod(),
    "amax": lambda k, d: k.amax(d),
    "amin": lambda k, d: k.amin(d),
    "max": lambda k, d: k.max(d) if isinstance(d, int) else k.max(),
    "min": lambda k, d: k.min(d) if isinstance(d, int) else k.min(),
    "argmax": lambda k, d: k.argmax(d) if isinstance(d, int) else k.argmax(),
    "argmin": lambda k, d: k.argmin(d) if isinstance(d, int) else k.argmin(),
    "any": lambda k, d: (k > 0.9).any(d) if isinstance(d, int) else (k > 0.9).any(),
    "all": lambda k, d: (k > -0.9).all(d) if isinstance(d, int) else (k > -0.9).all(),
    "count_nonzero": lambda k, d: (k > 0).count_nonzero(d),
    "softmax": lambda k, d: k.softmax(d if isinstance(d, int) else -1) * k,
    "log_softmax": lambda k, d: k.log_softmax(d if isinstance(d, int) else -1),
    "norm": lambda k, d: (2 + k).norm(dim=d),
    "1-norm": lambda k, d: (2 + k).norm(1, dim=d),
    "var": lambda k, d: k.var(d),
    "std": lambda k, d: k.std(d, correction=0),
    "cumsum": lambda k, d: k.cumsum(d if isinstance(d, int) else 0),
    "sort": lambda k, d: k.sort(d if isinstance(d, int) else 0),
}
DIMS = st.sampled_from([0, 1, -1, (0, 1)])


@pytest.mark.parametrize("name", REDUCTIONS)
def test_every_reduction(name: str) -> None:
    x, y = uniform(5, (17,), np.float64), uniform(6, (20,), np.float64)
    for dim in (0, (0, 1)):
        same(lambda x, y: REDUCTIONS[name]((x[:, None] - y).sin(), dim), x, y, order=1)  # noqa: B023


# -------------------------------------------------------------------------------- movement

MOVEMENT: dict[str, Build] = {
    "t": lambda k: k.t(),
    "permute": lambda k: k.unsqueeze(0).permute(2, 0, 1),
    "reshape": lambda k: k.reshape(-1),
    "reshape cut": lambda k: k.reshape(4, k.shape[0] // 2, -1),
    "view of t": lambda k: k.t().reshape(2, -1),
    "slice": lambda k: k[1:-1, ::2],
    "row": lambda k: k[3],
    "columns": lambda k: k[:, 2:5],
    "column": lambda k: k[:, -1],
    "element": lambda k: k[2, 3],
    "new axis": lambda k: k[:, None, :, None],
    "flip": lambda k: k.flip(0),
    "flip both": lambda k: k.flip(0, 1),
    "roll": lambda k: k.roll(3, 1),
    "expand": lambda k: k.unsqueeze(0).expand(3, *k.shape),
    "cat": lambda k: torch.cat([k, 2 * k, k[:3]], 0),
    "cat columns": lambda k: torch.cat([k, k * k], 1),
    "stack": lambda k: torch.stack([k, -k], 1),
    "diagonal": lambda k: k.diagonal(1),
    "chunk": lambda k: k.chunk(3, 1),
    "unbind": lambda k: k.unbind(0)[2:4],
    "narrow": lambda k: k.narrow(1, 2, 6),
    "take rows": lambda k: k[torch.tensor([3, 0, 3, -1])],
    "look up": lambda k: k[torch.tensor([[0], [2]]), torch.tensor([1, 1, 4])],
    "index_select": lambda k: k.index_select(1, torch.tensor([5, 5, 0])),
    "gather": lambda k: k.gather(1, torch.arange(k.shape[0]).reshape(-1, 1) % k.shape[1]),
    "mask": lambda k: k[k > 0.2],
    "triangle": lambda k: k.tril() + k.triu(1) * 2,
    "repeat": lambda k: k.repeat(2, 1),
    "windows": lambda k: k.unfold(1, 3, 2),
}


@pytest.mark.parametrize("name", MOVEMENT)
@pytest.mark.parametrize("shape", [(8, 10), (20, 18)])
def test_movement(name: str, shape: tuple[int, int]) -> None:
    def build(x: Any, y: Any) -> Any:
        k = (x[:, None] - y).sin()
        moved = MOVEMENT[name](k)
        parts = moved if isinstance(moved, (tuple, list)) else [moved]
        return [part * part for part in parts] + [part.sum(-1) for part in parts if part.ndim]

    x, y = uniform(1, shape[:1], np.float64), uniform(2, shape[1:], np.float64)
    same(build, x, y)


# ------------------------------------------------------------------- elements, dtypes, masks

ELEMENTS: dict[str, Build] = {
    "arithmetic": lambda a, b: (a + b * 2 - a / (b.abs() + 1), -a, a**3, (a - 0.5) ** 2),
    "exponentials": lambda a, b: ((a * b).exp(), (a + b).tanh(), (a.abs() + 1).log() * b),
    "trigonometry": lambda a, b: (torch.sin(a - b), torch.atan2(a, b + 3), torch.cos(a) * b),
    "special": lambda a, b: ((a + b).sigmoid(), torch.erf(a * b), torch.expm1(a - b)),
    "roots": lambda a, b: ((a * a + b * b + 1).sqrt(), (a * a + b * b + 1).rsqrt()),
    "extremes": lambda a, b: (
        torch.maximum(a, b), torch.minimum(a, b), (a + b).clamp(-0.5, 0.5), (a - b).relu()
    ),
    "where": lambda a, b: (torch.where(a > b, a * b, a - b), (a + b).masked_fill(a > b, 0.0)),
    "comparisons": lambda a, b: (a > b, a <= b, (a > 0) & (b > 0), (a > 0) | (b < 0), ~(a > b)),
    "casts": lambda a, b: ((a + b).double(), (a * b).float(), (a * 3 + b).long(), (a + b).bool()),
    "powers": lambda a, b: ((a.abs() + 0.5) ** b, 2.0**a * b),
    "rounding": lambda a, b: ((a + b).floor(), (3 * a + b).round(), (a * b).sign(), (a - b).abs()),
    "numbers": lambda a, b: (1 / (a * a + b * b + 1), 3 - a * b, (a + b) * True, (a + b) / 3),
}  # fmt: skip
# Arrangements of two operands: (n, 1) with (m), (n, m) with a number, batches in front, …
SHAPES = st.sampled_from([
    ((20, 1), (17,)), ((3, 1), (5,)), ((17, 20), ()), ((2, 17, 1), (2, 1, 18)), ((1, 1), (1,)),
    ((17, 1, 3), (18, 1)), ((4, 1, 1, 20), (3, 1, 1)), ((33,), (33,)), ((1, 17), (5, 1, 1)),
])  # fmt: skip


INTEGERS: dict[str, Build] = {
    "arithmetic": lambda a, b: (a + b, a * b - a, -a, a // (b.abs() + 1), a % (b.abs() + 1)),
    "division": lambda a, b: (a / (b.abs() + 1), (a + b).float() * 0.5),
    "comparisons": lambda a, b: (a == b, a < b, (a == b).sum(0), (a != b).any(), (a >= b).all()),
    "sums": lambda a, b: ((a * b).sum(), (a * b).sum(-1), (a - b).amax(-1), (a - b).amin()),
    "where": lambda a, b: (torch.where(a > b, a, b), torch.maximum(a, b), (a - b).abs()),
    "bits": lambda a, b: (a & b, a | b, a ^ b, ~a),
    "extremes": lambda a, b: ((a * b).argmax(-1), (a * b).min(-1), (a - b).max()),
}


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128, np.bool_])
def test_dtypes_that_are_no_real_numbers(dtype: Any) -> None:
    a = uniform(1, (20, 1), np.float32).astype(dtype)
    b = uniform(2, (17,), np.float32).astype(dtype)
    if np.dtype(dtype).kind == "c":
        a, b = (a + 0.5j).astype(dtype), (b - 0.25j).astype(dtype)
    same(lambda a, b: (a * b, (a * b).sum(0), (a * b).any()), a, b, order=0)
    if dtype is not np.bool_:
        same(lambda a, b: ((a * b).sum(0), (a - b).abs().sum()), a, b, order=1, scale=20)


def test_truth_of_bytes_is_bytes() -> None:
    a, b = np.arange(20, dtype=np.uint8)[:, None], np.arange(17, dtype=np.uint8)
    same(lambda a, b: ((a * b).any(1), (a * b).all(0, keepdim=True), (a * b).any()), a, b, order=0)


SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-40, 3e38] * 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_infinities_and_nan_propagate(dtype: Any) -> None:
    def build(x: Any, y: Any) -> Any:
        total, product = x[:, None] + y, x[:, None] * y
        parts = [total, product, total.exp(), torch.maximum(x[:, None], y), product > total]
        folds = [total.sum(1), total.amax(0), total.amin(1), product.max(), *total.max(0)]
        return [*parts, *folds, product.argmax(1), total.argmin(0), (product > 0).any(1)]

    same(build, SPECIAL.astype(dtype), SPECIAL[:9].astype(dtype), order=0)


@pytest.mark.parametrize("shapes", [((0, 1), (17,)), ((20, 1), (0,)), ((0, 1), (0,))])
def test_empty_axes(shapes: Any) -> None:
    a, b = (np.zeros(s, np.float32) for s in shapes)
    same(lambda a, b: ((a - b).exp().sum(0), (a * b).sum(1), (a * b).sum(), a + b), a, b)


@pytest.mark.parametrize("features", [0, 1])
@pytest.mark.parametrize("count", [0, 17])
def test_nothing_beside_something(features: int, count: int) -> None:
    """No features, or no points, next to formulas that have elements; to the second derivative."""

    def build(x: Any, y: Any) -> Any:
        k = (-((x[:, None] - y[None]) ** 2).sum(-1)).exp()
        parts = [k.sum(1), k @ (y.sum(1, keepdim=True) + 1), (x[:, None] * y).sum(-1).tanh().sum(0)]
        return [*parts, k.logsumexp(1), k[:0].sum(0), k[:, :0].exp().sum(1), (k[:0] * 2).mean(1)]

    same(build, np.ones((20, features)), np.ones((count, features)) / 2)


def test_no_elements_of_what_is_never_stored() -> None:
    with defer(0):
        x = torch.ones(300, 1, requires_grad=True)
        pairs = x - torch.ones(400)
        nothing = pairs[5:5]
        assert pairs._value.is_pending and nothing.shape == (0, 400)
        assert torch.cat([nothing, pairs]).sum().item() == 0
        assert pairs._value.is_pending and nothing.requires_grad


# ---- calls such as were met before: dispatch/again.py, formula/macro.py --------------------------


def test_repeated_calls_have_their_own_numbers() -> None:
    """The outcome of a call is repeated with other tensors, numbers and places in the graph."""
    with defer(0):
        for factor in (2.5, -0.75, 3, True):
            for needs in ((False, False), (True, False), (False, True), (True, True)):
                a = np.random.default_rng(0).normal(size=(7, 1, 3))
                b = np.random.default_rng(1).normal(size=(1, 5, 3)).astype("f4")
                x = torch.tensor(a, requires_grad=needs[0])
                y = torch.tensor(b, requires_grad=needs[1])
                result = ((x - y) ** 2 * factor).sum(2) @ torch.ones(5, 2, dtype=torch.float64)
                wanted = (((a - b) ** 2).sum(2) * factor) @ np.ones((5, 2))
                np.testing.assert_allclose(result.detach().numpy(), wanted, rtol=1e-6)
                assert result.requires_grad is any(needs)
                if not any(needs):
                    continue
                leaves = [t for t in (x, y) if t.requires_grad]
                grads = dict(zip(leaves, torch.autograd.grad(result.sum(), leaves), strict=True))
                if needs[0]:
                    np.testing.assert_allclose(
                        grads[x].numpy(), (4.0 * factor * (a - b)).sum(1, keepdims=True), rtol=1e-5
                    )
                if needs[1]:
                    np.testing.assert_allclose(
                        grads[y].numpy(), (-4.0 * factor * (a - b)).sum(0, keepdims=True), rtol=1e-5
                    )


CALLS: dict[str, Callable[..., Any]] = {
    "one operation": lambda x, y, k: x - y,
    "a number": lambda x, y, k: x * (0.1 + k),
    "a number that belongs": lambda x, y, k: (x * 2) ** 2,
    "another dtype": lambda x, y, k: x + y.float(),
    "an integer": lambda x, y, k: x * torch.tensor([k]),
    "a macro": lambda x, y, k: x @ y.mT,
    "twice the same": lambda x, y, k: (x * 2) @ (x * 2).mT,
    "views": lambda x, y, k: (x * 1.5).view(-1)[1:].view(7, 1),
    "a reduction": lambda x, y, k: (x * y).sum(1) + (x * y).amax(0).sum(),
    "some results": lambda x, y, k: (x * y).max(1).values,
    "a list": lambda x, y, k: torch.cat([x * 2, y * 3]),
    "a condition": lambda x, y, k: torch.where(x > 0.1 * k, x * y, y),
    "places": lambda x, y, k: (x * 2)[torch.tensor([k % 4, 1])],
    "places in rows": lambda x, y, k: (x * 2).gather(0, torch.tensor([[k % 4, 1]])),
    "bounds": lambda x, y, k: (x * y).clamp(-0.1 * k, 0.5),
    "narrow numbers": lambda x, y, k: (x.half() * y.half()).exp(),
    "complex numbers": lambda x, y, k: (x * 1j * (k + 0.5)).exp(),
    "a chain": lambda x, y, k: torch.dot((x / y.abs()).sin().view(-1), y.view(-1) * k),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("needs", [(False, False), (True, True)])
def test_calls_that_are_made_over_and_over(name: str, needs: tuple[bool, bool]) -> None:
    """With other numbers each time, and other nodes: compiled they give the same."""
    for k in range(8):
        draw = np.random.default_rng(k)
        a, b = draw.normal(size=(4, 2)), draw.normal(size=(4, 2))
        found: list[list[Any]] = []
        for elements in (0, 10**9):
            with defer(elements):
                x, y = torch.tensor(a), torch.tensor(b)
                x.requires_grad_(needs[0]), y.requires_grad_(needs[1])
                result = CALLS[name](x, y, k)
                assert result.requires_grad == any(needs)
                leaves = [t for t in (x, y) if t.requires_grad]
                gradients = ()
                if leaves:
                    total = result.abs().square().double().sum()
                    gradients = torch.autograd.grad(total, leaves, allow_unused=True)
                nodes = None if result.grad_fn is None else result.grad_fn.name()
                found.append([result, *gradients])
                found[-1] = [None if t is None else t.detach().numpy() for t in found[-1]]
                found[-1].append(nodes)
        lazy, eager = found
        assert lazy.pop() == eager.pop()
        for got, wanted in zip(lazy, eager, strict=True):
            assert (got is None) == (wanted is None)
            if got is not None:
                assert got.dtype == wanted.dtype
                digits = 2e-3 if name == "narrow numbers" else 1e-6
                np.testing.assert_allclose(got, wanted, digits, digits)


def test_recipes_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(again, "_recipes", {})
    with defer(0):
        for k in range(OFTEN + 2):
            x = torch.rand(3, requires_grad=True)
            np.testing.assert_array_equal(
                (x * (k + 0.3)).tolist(), (x.detach() * (k + 0.3)).tolist()
            )
    assert [r.function is not None for r in again._recipes.values()] == [True, True]


def test_special_numbers_are_told_apart() -> None:
    """0.0 and -0.0 are equal, as keys they are not; nor are 1, 1.0 and True."""
    with defer(0):
        x = torch.tensor([1.0, 2.0])
        assert (x / 0.0)[0].item() == np.inf and (x / -0.0)[0].item() == -np.inf
        assert (x / 0.0)[0].item() == np.inf
        i = torch.tensor([1, 2])
        assert (i * 1).dtype == torch.int64 and (i * 1.0).dtype == torch.float32
        assert (i * True).dtype == torch.int64
        torch.set_default_dtype(torch.float64)
        try:
            assert (i * 1.0).dtype == torch.float64
        finally:
            torch.set_default_dtype(torch.float32)
        assert torch.isnan(x * float("nan")).all() and (x * 2).tolist() == [2.0, 4.0]


def test_equal_operands_of_a_macro() -> None:
    """A definition met with two operands, then with one twice, and the other way round."""
    with defer(0):
        a, b = torch.rand(4, 4, dtype=torch.float64), torch.rand(4, 4, dtype=torch.float64)
        for x, y in ((a, a), (a, b), (b, b), (b, a)):
            lazy = (x * 1.0) @ (x * 1.0) + torch.dot((x * 2.0)[0], (y * 2.0)[0])
            u, v = x.numpy(), y.numpy()
            np.testing.assert_allclose(lazy.numpy(), u @ u + 4 * u[0] @ v[0])
            z = x * 1.0
            np.testing.assert_allclose((z @ z).numpy(), u @ u)


@pytest.mark.parametrize("n, m", [(40, 40), (40, 57)])
@pytest.mark.parametrize("flipped", [False, True])
def test_rows_and_columns_share_their_pairs(n: int, m: int, flipped: bool) -> None:
    """K b and Kᵀ w of points x and y need one exponential per pair, and few sums by columns."""
    from pullback.backends.scalar import walk
    from pullback.backends.simplify import simplify
    from pullback.formula.evaluate import planned

    rng = np.random.default_rng(n + m)
    x, y, b, w = (rng.random(s) for s in ((n, 3), (m, 3), (m, 2 if flipped else 1), (n, 1)))

    def products(x: Any, y: Any, b: Any, w: Any) -> list[Any]:
        K = gauss(x, y)
        return [K.mT @ w, K @ b]

    with defer(0):
        results = products(*map(torch.tensor, (x, y, b, w)))
        _, _, steps = planned([r._value for r in results])
        (step,) = [s for s in steps if s.call is not None]
        kernel = simplify(step.call.kernel)
        nodes = list(walk(*kernel.roots()))
        assert sum(n.op in ("exp", "exp2") for n in nodes) == 1
        columns = [n for n in nodes if n.op == "reduce" and n.data.over == (kernel.outer,)]
        assert len(columns) == 1 or n != m
        found = [r.numpy() for r in results]
    for have, want in zip(found, products(*map(torch.tensor, (x, y, b, w))), strict=True):
        np.testing.assert_allclose(have, want.numpy(), rtol=1e-12)


def test_results_of_one_call_are_computed_together() -> None:
    """The smallest element and its place come out of one loop, unless nobody has the other."""
    x = np.random.default_rng(0).random((30, 3))
    with defer(0):
        found = distances(torch.tensor(x), torch.tensor(x[::-1].copy())).min(dim=1)
        values, indices = found
        np.testing.assert_array_equal(values.numpy().shape, (30,))
        assert not indices._value.is_pending
        alone = distances(torch.tensor(x), torch.tensor(x)).min(dim=1).indices
        assert alone._value.company() == []
        np.testing.assert_array_equal(alone.numpy(), np.arange(30))


@pytest.mark.parametrize("name", ["amax", "amin"])
@pytest.mark.parametrize("dim", [-1, 0, (0, 1), None])
@pytest.mark.parametrize("dimension", [3, 19])
def test_gradients_of_extremes(name: str, dim: Any, dimension: int) -> None:
    """Where the extreme is found does not depend on how a loop rounds the elements."""
    r = np.random.default_rng(0)
    a, b = r.normal(size=(40, dimension)), r.normal(size=(40, dimension))

    def build(x: Any, y: Any) -> Any:
        k = (-((x[:, None] - y[None]) ** 2).sum(-1) / 20).exp()
        return getattr(k, name)(*(() if dim is None else (dim,)))

    same(build, a, b)


def test_saved_formulas_that_were_written_over_are_refused() -> None:
    """As arrays are: nothing is read of what a node saved, and whose tensor is written over."""
    with defer(0):
        for write in (lambda y: y.mul_(3.0), lambda y: y.zero_()):
            x = torch.tensor([0.5, 1.0, 2.0], requires_grad=True)
            y = (x * 2.0).exp()
            z = y.sum()
            with torch.no_grad():
                write(y)
            with pytest.raises(RuntimeError, match="modified by an inplace operation"):
                z.backward()
            np.testing.assert_allclose(z.item(), np.exp([1.0, 2.0, 4.0]).sum(), rtol=1e-6)


def test_writes_into_formulas_and_their_views() -> None:
    """They are done as on arrays: all that share the memory see them."""
    with defer(0):
        x = torch.ones(3, requires_grad=True)
        y = x * 3.0
        y[0] = 7.0
        (y * y).sum().backward()
        assert y.tolist() == [7.0, 3.0, 3.0] and x.grad.tolist() == [0.0, 18.0, 18.0]
        for view in (lambda k: k.detach(), lambda k: k[0], lambda k: k.view(-1), lambda k: k.t()):
            k = torch.ones(2, 3) * 2.0
            v = view(k)
            v.add_(1.0)
            k[0] += 1.0
            assert v.reshape(-1)[0].item() == k[0, 0].item() == 4.0
            k.zero_()
            assert not v.any()
        v = torch.ones(2, 3) * 2.0
        v = v[0]  # the only one left
        v.mul_(5.0)
        assert v.tolist() == [10.0] * 3


def test_what_is_repeated_keeps_no_numbers_alive() -> None:
    """Templates, macros, recipes and plans hold no array and no formula of a call."""
    gc.disable()
    try:
        with defer(0):
            array = np.ones((5, 7))  # a shape that no other test has met before
            memory = weakref.ref(array)
            x = torch.from_numpy(array).requires_grad_()
            y = (x * 2.0).exp() + x
            value = weakref.ref(y._value)
            total = y.sum()
            total.backward()
            del array, x, y, total
            assert value() is None and memory() is None
    finally:
        gc.enable()
