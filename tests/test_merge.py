"""Loops over whole arrays are one loop, and vectors go along memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.backends.loops import INT, Loop
from pullback.backends.scalar import walk
from pullback.formula.evaluate import planned


def kernel(result: Any) -> tuple[dict[str, tuple[str, int]], Any]:
    """(role and size of each loop, the kernel) of the only step that gives a tensor's numbers."""
    _, _, steps = planned([result._value])
    (step,) = steps
    loops: tuple[Loop, ...] = step.call.kernel.loops
    return {k.name: (k.role, step.call.sizes[k.name]) for k in loops}, step.call.kernel


def lazily(*shape: int) -> Any:
    return torch.randn(*shape)


@pytest.fixture(autouse=True)
def formulas() -> Any:
    with torch.config(defer_elements=100):
        yield


def test_whole_arrays_are_one_loop() -> None:
    x, y = lazily(30, 4, 50, 3), lazily(30, 4, 50, 3)
    found = torch.exp(x) + 2 * y
    loops, _ = kernel(found)
    assert loops == {"o": ("outer", 30 * 4 * 50 * 3)}
    np.testing.assert_allclose(found.numpy(), np.exp(x.numpy()) + 2 * y.numpy(), atol=1e-5)


def test_a_bias_keeps_its_loop_and_vectors_lie_along_it() -> None:
    x, bias = lazily(300, 40), lazily(40)
    found = x + bias
    loops, made = kernel(found)
    assert sorted(loops.values()) == [("batch", 300), ("outer", 40)]
    assert made.outputs[0].indices[-1].data == made.outer
    np.testing.assert_array_equal(found.numpy(), x.numpy() + bias.numpy())


def test_a_bias_for_each_channel() -> None:
    x, bias = lazily(20, 30, 17, 18), lazily(30, 1, 1)
    found = x * bias
    assert sorted(kernel(found)[0].values()) == [("batch", 20), ("batch", 30), ("outer", 17 * 18)]
    np.testing.assert_array_equal(found.numpy(), x.numpy() * bias.numpy())


@pytest.mark.parametrize("name", ["sum", "amax", "any", "prod"])
def test_reductions_of_whole_arrays(name: str) -> None:
    x = lazily(40, 50, 20)
    function = getattr(torch, name)
    found = function(x.exp() > 1.5) if name == "any" else function(1 + 1e-3 * x)
    assert kernel(found)[0] == {"o": ("outer", 40 * 50 * 20)}
    values = x.numpy().astype("f8")
    expected = {
        "sum": (1 + 1e-3 * values).sum(), "amax": (1 + 1e-3 * values).max(),
        "prod": (1 + 1e-3 * values).prod(), "any": True,
    }  # fmt: skip
    np.testing.assert_allclose(found.numpy(), expected[name], rtol=1e-3)


@pytest.mark.parametrize("name", ["sum", "mean", "amax", "amin", "prod", "any", "argmax"])
@pytest.mark.parametrize("keepdim", [False, True])
def test_long_rows_are_reduced_along_memory(name: str, keepdim: bool) -> None:
    x = 1 + 1e-3 * lazily(50, 700)
    body = x > 1.003 if name == "any" else x * x
    found = getattr(body, name)(1, keepdim)
    loops, _ = kernel(found)
    assert sorted(loops.values()) == [("batch", 50), ("outer", 700)]
    values = body.detach().clone().numpy()
    expected = getattr(np, name)(values.astype("f8"), axis=1, keepdims=keepdim)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4)


def test_sums_over_pairs_keep_lanes_along_the_results() -> None:
    a, b = lazily(300), lazily(400)
    loops, _ = kernel((a[:, None] - b).square().sum(1))
    assert sorted(loops.values()) == [("inner", 400), ("outer", 300)]


def test_logsumexp_of_rows() -> None:
    x = 2 * lazily(60, 500)
    expected = np.log(np.exp(x.detach().clone().numpy().astype("f8")).sum(1))
    np.testing.assert_allclose(torch.logsumexp(x * 1, 1).numpy(), expected, rtol=1e-5)


def test_what_does_not_lie_in_order_keeps_its_loops() -> None:
    x, y = lazily(60, 70), lazily(70, 60)
    found = x + y.t()
    assert sorted(size for _, size in kernel(found)[0].values()) == [60, 70]
    np.testing.assert_array_equal(found.numpy(), x.numpy() + y.numpy().T)
    both = x.t() * y  # the first is read across memory, the second and the result along it
    assert both._value.shape == (70, 60)
    np.testing.assert_array_equal(both.numpy(), x.numpy().T * y.numpy())
    turned = x.t() + 1
    np.testing.assert_array_equal(turned.numpy(), x.numpy().T + 1)
    part = lazily(60, 80)[:, 5:75] + x  # rows with gaps
    assert sorted(size for _, size in kernel(part)[0].values()) == [60, 70]


def test_indices_that_are_numbers_keep_their_loops() -> None:
    x = lazily(40, 50)
    a, b = torch.randn(40), torch.randn(50)
    found = (a[:, None] - b).flip(0) + x  # the difference is read at 39 - i
    loops, made = kernel(found)
    assert len(loops) == 2
    assert any(n.op == "sub" and n.dtype == INT for n in walk(*made.roots()))
    expected = (a.numpy()[:, None] - b.numpy())[::-1] + x.numpy()
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_numbers_of_all_widths() -> None:
    for dtype in (torch.float16, torch.bfloat16, torch.complex64, torch.int64):
        with torch.config(defer_elements=10_000):
            x = (10 * torch.randn(40, 50)).to(dtype)
        found = x + x
        assert torch.equal(found, torch.stack([a + a for a in x]))


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_an_array_at_two_places_keeps_its_axes(dtype: Any) -> None:
    """Two loops of one reading of it are not joined where another one goes through it apart."""
    x = torch.randn(3, 3, 8, dtype=dtype)
    with torch.config(defer_elements=0):
        y = x + 0
        found = (y[:, :, :, None, None] * y[:, None, None]).sum(0)
        assert found._is_formula
        a = found.numpy()
    np.testing.assert_allclose(a, np.tensordot(x.numpy(), x.numpy(), ([0], [0])), 1e-12)
