"""Formulas with long feature axes: attention and distances in many dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.backends.llvm.run import Launch
from pullback.backends.scalar import walk
from pullback.formula.evaluate import planned
from test_formula import same, uniform

SHAPES = [(1, 40, 17, 20), (40, 1, 33, 17), (33, 50, 17, 64), (70, 37, 64, 18), (20, 19, 512, 17)]


def gauss(x: Any, y: Any, b: Any) -> Any:
    d = ((x[..., :, None, :] - y[..., None, :, :]) ** 2).sum(-1)
    return (-d / x.shape[-1]).exp() @ b


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "m", "depth", "width"), SHAPES)
@pytest.mark.parametrize("batch", [(), (2,)])
def test_gaussian(batch: Any, n: int, m: int, depth: int, width: int, dtype: Any) -> None:
    """Values for wide right-hand sides, and gradients in all three."""
    x, y = uniform(0, (*batch, n, depth), dtype), uniform(1, (*batch, m, depth), dtype)
    same(gauss, x, y, uniform(2, (*batch, m, width), dtype), order=1)


def test_close_points_far_from_the_origin() -> None:
    """Distances lose nothing, and those of equal points are 0."""
    rng = np.random.default_rng(3)
    x = (1e4 + rng.standard_normal((90, 64))).astype(np.float32)
    y = np.concatenate([x[:50] * np.float32(1 + 2**-20), x[50:], x[:7]])
    gaps = x[:, None].astype(np.float64) - y
    distances = ((torch.tensor(x)[:, None] - torch.tensor(y)) ** 2).sum(-1)
    np.testing.assert_allclose(distances.min(1).values, (gaps**2).sum(-1).min(1), 1e-5)
    np.testing.assert_allclose(distances.sum(1), (gaps**2).sum((-1, 1)), 1e-5)
    assert (distances.argmin(1).numpy() == (gaps**2).sum(-1).argmin(1)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "m", "depth", "width"), SHAPES)
@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"scale": 0.3}])
def test_attention(n: int, m: int, depth: int, width: int, options: Any, dtype: Any) -> None:
    """Attention in two heads, with gradients."""
    if n == 1 and "is_causal" in options:
        n = 20  # a row that sees one column has no gradient to compare
    q, k = uniform(0, (2, n, depth), dtype), uniform(1, (2, m, depth), dtype)

    def attention(q: Any, k: Any, v: Any) -> Any:
        return torch.nn.functional.scaled_dot_product_attention(q, k, v, **options)

    same(attention, q, k, uniform(2, (2, m, width), dtype), order=1)


def test_masked_rows_are_zero() -> None:
    q, mask = torch.ones(3, 2), torch.tensor([[True, False, True]] * 3)
    mask[1] = False
    out = torch.nn.functional.scaled_dot_product_attention(q, q, q, mask)
    np.testing.assert_allclose(out.numpy(), [[1, 1], [0, 0], [1, 1]], 1e-6)


def test_dropout_keeps_the_expectation() -> None:
    q, v = torch.zeros(4, 2), torch.ones(5000, 1)
    keys = torch.zeros(5000, 2)
    out = torch.nn.functional.scaled_dot_product_attention(q, keys, v, dropout_p=0.4)
    assert ((out - 1).abs() < 0.1).all() and not (out == 1).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": (5, 3)}, r"key \(…, S, d\)"), ({"value": (4, 4)}, r"value \(…, S, e\)"),
        ({"query": (4,)}, "at least two axes"),
    ],
)  # fmt: skip
def test_attention_says_what_does_not_fit(change: Any, message: str) -> None:
    shapes = {"query": (3, 4), "key": (5, 4), "value": (5, 2)} | change
    with pytest.raises(RuntimeError, match=message):
        torch.nn.functional.scaled_dot_product_attention(
            **{name: torch.ones(*shape) for name, shape in shapes.items()}
        )


def test_a_gradient_in_many_dimensions_shares_the_pairs() -> None:
    """Value and gradients of a Gaussian in 20-D: one kernel, the gradient's axis a feature."""
    n = 3000
    x, y, b = torch.rand(n, 20), torch.rand(n, 20), torch.rand(n, 1)
    x.requires_grad_()
    b.requires_grad_()
    out = gauss(x, y, b)
    gradients = torch.autograd.grad(out, [x, b], torch.ones(n, 1), create_graph=True)
    _, _, steps = planned([t._value for t in (out, *gradients)])
    (call,) = [s.call for s in steps if s.call is not None]
    assert len(call.kernel.named("feature")) == 1
    over = sorted(r.data.over[0] for r in walk(*call.kernel.roots()) if r.op == "reduce")
    assert over[:3] == ["o", "r0", "r0"] and len(over) == 4  # and one distance


@pytest.mark.parametrize(("n", "m"), [(3000, 3000), (3000, 2000)])
def test_a_transposed_product_shares_the_pairs(n: int, m: int) -> None:
    """K b and Kᵀ a for a Gaussian in 40-D: one kernel with one distance per pair."""
    x, y, a, b = torch.rand(n, 40), torch.rand(m, 40), torch.rand(n, 1), torch.rand(m, 1)
    k = (-((x[:, None, :] - y[None, :, :]) ** 2).sum(-1)).exp()
    _, _, steps = planned([(k @ b)._value, (k.transpose(0, 1) @ a)._value])
    (call,) = [s.call for s in steps if s.call is not None]
    over = sorted(r.data.over[0] for r in walk(*call.kernel.roots()) if r.op == "reduce")
    assert over[:2] == ["o", "r0"] and len(over) == 3


ONCE = {
    "places": lambda k, a: k.argmin(1), "smallest": lambda k, a: k.min(1)[0],
    "columns": lambda k, a: k.argmax(0), "sums": lambda k, a: (-k / 100).exp().sum(1),
    "a product": lambda k, a: k @ a, "all": lambda k, a: k.mean(),
}  # fmt: skip
AGAIN = {
    "centred": lambda k, a: (k - k.mean()).abs().sum(1), "asked for": lambda k, a: k * 2,
    "twice": lambda k, a: k.sum(0) + k.sum(1)[0],
    "wide": lambda k, a: (k[:, :, None] * a[:5]).sum(1),
}  # fmt: skip


@pytest.mark.parametrize("name", [*ONCE, *AGAIN])
def test_distances_are_stored_if_they_are_needed_again(name: str) -> None:
    """Not if one pass over the pairs uses them up, even where they would fit."""
    x, y, a = uniform(0, (600, 200), "f4"), uniform(1, (300, 200), "f4"), uniform(2, (300,), "f4")
    distances = ((torch.tensor(x)[:, None] - torch.tensor(y)) ** 2).sum(-1)
    result = (ONCE | AGAIN)[name](distances, torch.tensor(a))
    _, _, steps = planned([result._value])
    kernels = [s.call.kernel for s in steps if s.call is not None]
    assert any(k.named("contracted") for k in kernels) == (name in ONCE)
    exact = ((x[:, None].astype("f8") - y) ** 2).sum(-1)
    expected = (ONCE | AGAIN)[name](torch.tensor(exact), torch.tensor(a.astype("f8")))
    np.testing.assert_allclose(result.numpy(), expected.numpy(), 2e-4, 1e-3)


def test_sums_of_rows_are_stored() -> None:
    """They are many, but none is the sum of a pair: blocks of the pairs can be interrupted."""
    x = torch.rand(100_000, 3)
    rows = (-((x[:, None] - x) ** 2).sum(-1)).exp().sum(1)
    _, _, steps = planned([rows.log().sum()._value])
    assert not any(s.call.kernel.named("contracted") for s in steps if s.call is not None)


REDUCED = [
    lambda k, a, b: (k @ b, k.mT @ a), lambda k, a, b: (k.mean(-2), k.logsumexp(-1)),
    lambda k, a, b: (k.logsumexp(-2), k.sum(-1)), lambda k, a, b: (k @ b, k.norm(dim=-2)),
]  # fmt: skip
EXTREMES = [
    lambda k, a, b: (k.sum(-1), k.amax(-2)), lambda k, a, b: (k @ b, k.argmax(-2), k.mT @ a),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reduced", "order"), [*((r, 1) for r in REDUCED), *((r, 0) for r in EXTREMES)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("batch", "n", "m", "width"),
    [((), 40, 40, 1), ((), 70, 33, 1), ((2,), 37, 300, 20), ((17,), 40, 40, 1), ((), 20, 300, 1)],
)
def test_rows_and_columns(
    reduced: Any, order: int, batch: Any, n: int, m: int, width: int, dtype: Any
) -> None:
    """Reductions over both sides of the same pairs."""

    def build(x: Any, y: Any, a: Any, b: Any) -> Any:
        d = ((x[..., :, None, :] - y[..., None, :, :]) ** 2).sum(-1)
        return reduced((-d / 20).exp(), a, b)

    x, y = uniform(0, (*batch, n, 19), dtype), uniform(1, (*batch, m, 19), dtype)
    a, b = uniform(2, (*batch, n, width), dtype), uniform(3, (*batch, m, width), dtype)
    same(build, x, y, a, b, order=order)


def test_attention_is_two_kernels() -> None:
    """The result and what its gradients need of it in one pass, all gradients in another."""
    q, k, v = (torch.rand(2, 600, 20, requires_grad=True) for _ in range(3))
    out = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    gradients = torch.autograd.grad(out, [q, k, v], torch.ones(out.shape), create_graph=True)
    _, _, steps = planned([t._value for t in (out, *gradients)])
    first, second = (s.call.kernel for s in steps if s.call is not None)
    longs = [sum(r.op == "reduce" and r.data.over[0] in kernel.named("contracted")
                 for r in walk(*kernel.roots())) for kernel in (first, second)]  # fmt: skip
    assert longs == [2, 2]  # q·k and the cotangent's product with v, in each


def test_a_number_shown_as_an_array_is_no_side_of_a_pair(monkeypatch: Any) -> None:
    """The gradient of a total comes in as one number, expanded beyond what is left unstored."""
    found: list[Any] = []

    def run(self: Any, *arguments: Any) -> None:
        found.append(self.program.kernel)
        real(self, *arguments)

    real = Launch.__call__
    monkeypatch.setattr(Launch, "__call__", run)
    q, k, v = (torch.rand(1100, 64, requires_grad=True) for _ in range(3))
    out = (q @ k.T).softmax(1) @ v
    torch.autograd.grad((out * out).sum(), [q, k, v])
    wide = [kernel for kernel in found if kernel.inner and kernel.named("contracted")]
    assert wide and all(not kernel.batch for kernel in wide)
