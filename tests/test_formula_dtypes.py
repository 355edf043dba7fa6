"""Formulas of integers and real numbers: rules see integers as they were given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as torch

INTEGERS: dict[str, Any] = {
    "addcmul": lambda x, i: torch.addcmul(x, i, i, value=0.5),
    "pow": lambda x, i: (i + 1) ** x,
    "zeta": lambda x, i: torch.special.zeta(i + 2, x + 1),
    "remainder": lambda x, i: x * ((i + 1) % 3),
    "floor_divide": lambda x, i: x * (i // 2),
    "mse_loss": torch.nn.functional.mse_loss,
    "smooth_l1_loss": torch.nn.functional.smooth_l1_loss,
}


@pytest.mark.parametrize("size", [1, 12])
@pytest.mark.parametrize("dtype", ["int64", "int8", "uint8"])
@pytest.mark.parametrize("name", INTEGERS)
def test_integers_among_real_numbers(name: str, dtype: str, size: int) -> None:
    """Rules see integers as they were given; two derivatives are those of real numbers."""
    whole = np.arange(size) % 5
    start = np.random.default_rng(0).uniform(0.3, 2, size)

    def derivatives(kind: str, elements: int) -> list[Any]:
        with torch.config(defer_elements=elements):
            x = torch.tensor(start, requires_grad=True)
            y = INTEGERS[name](x, torch.tensor(whole.astype(kind)))
            (g,) = torch.autograd.grad(y.sin().sum(), x, create_graph=True)
            (h,) = torch.autograd.grad(g.sin().sum(), x)
            return [t.detach().numpy() for t in (y, g, h)]

    for a, b in zip(derivatives(dtype, 0), derivatives("float64", 10**9), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, 1e-6, 1e-6 * np.abs(b).max())


def test_numbers_that_a_dtype_does_not_hold() -> None:
    """They wrap around, in loops as in NumPy."""
    for elements in (0, 10**9):
        with torch.config(defer_elements=elements):
            x = torch.tensor([3, 0, 200], dtype=torch.uint8)
            assert (x * -1).tolist() == [253, 0, 56]
            assert (x + 300).tolist() == [47, 44, 244]
            assert torch.add(x, x, alpha=-1).tolist() == [0, 0, 0]


@pytest.mark.parametrize("name", ["mse_loss", "smooth_l1_loss", "huber_loss", "soft_margin_loss",
                                  "binary_cross_entropy_with_logits"])  # fmt: skip
def test_losses_of_integer_targets(name: str) -> None:
    """They have the dtype of the input, as everything that promotes."""
    loss = getattr(torch.nn.functional, name)
    x, target = torch.tensor([0.5, 2.0], requires_grad=True), torch.tensor([1, 0])
    value = loss(x, target)
    assert value.dtype is torch.float32
    (g,) = torch.autograd.grad(value, x)
    (expected,) = torch.autograd.grad(loss(x, target.float()), x)
    np.testing.assert_array_equal(g.numpy(), expected.numpy())
