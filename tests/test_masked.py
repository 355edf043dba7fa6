"""`masked`: what is left out does not count, and what is left of nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback import masked

INF, NAN = float("inf"), float("nan")
X = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
MASK = [[True, False, True], [False, False, False]]

# Of the rows of X, with the second one masked out as a whole.
ROWS: dict[str, list[float]] = {
    "sum": [4, 0], "prod": [3, 1], "amax": [3, -INF], "amin": [1, INF], "mean": [2, NAN],
    "var": [2, NAN], "std": [2**0.5, NAN], "median": [1, NAN], "argmax": [2, 0],
    "argmin": [0, 0], "logsumexp": [3.126928, -INF],
}  # fmt: skip


def same(found: Any, wanted: Any) -> None:
    np.testing.assert_allclose(found.detach().numpy(), wanted, rtol=1e-6)


@pytest.mark.parametrize("name", ROWS)
def test_rows_without_elements(name: str) -> None:
    same(getattr(masked, name)(torch.tensor(X), 1, mask=torch.tensor(MASK)), ROWS[name])


def test_masks_of_softmax() -> None:
    x, mask = torch.tensor(X), torch.tensor([True, False, True])
    two = torch.log_softmax(x[:, [0, 2]], 1)
    found = masked.log_softmax(x, 1, mask=mask)
    same(found[:, [0, 2]], two.numpy())
    assert found[:, 1].tolist() == [-INF, -INF]
    assert masked.softmax(x, 1, mask=torch.tensor(MASK))[1].isnan().all()


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "var", "logsumexp", "amax"])
def test_what_is_left_out_has_no_gradient(name: str) -> None:
    x = torch.tensor([[1.0, 9.0, 3.0]], requires_grad=True)
    mask = torch.tensor([[True, False, True]])
    (found,) = torch.autograd.grad(getattr(masked, name)(x, mask=mask), x)
    y = torch.tensor([[1.0, 3.0]], requires_grad=True)
    (wanted,) = torch.autograd.grad(getattr(masked, name)(y), y)
    assert found[0, 1] == 0
    same(found[:, [0, 2]], wanted.numpy())


def test_norms_of_any_order() -> None:
    x, mask = torch.tensor(X), torch.tensor(MASK)
    for order, wanted in {2: 10**0.5, 1: 4, 0: 2, INF: 3, -INF: 1}.items():
        same(masked.norm(x, order, 1, mask=mask)[0], wanted)
    assert masked.norm(x, -INF, 1, mask=mask)[1] == INF
    same(masked.normalize(x, 1.0, 1, mask=mask), [[0.25, 0, 0.75], [0, 0, 0]])


def test_integers() -> None:
    x, mask = torch.tensor([[1, 2, 3], [4, 5, 6]]), torch.tensor(MASK)
    assert masked.amax(x, 1, mask=mask).tolist() == [3, -(2**63)]
    assert masked.amin(x.to(torch.uint8), 1, mask=mask).tolist() == [1, 255]
    assert masked.sum(x.to(torch.int8), 1, mask=mask).dtype is torch.int64
    assert masked.cumsum(x.to(torch.int8), 1, mask=mask).tolist() == [[1, 1, 4], [0, 0, 0]]
    with pytest.raises(ValueError, match="infer output dtype"):
        masked.mean(x, 1)
    with pytest.raises(ValueError, match="fully masked out"):
        masked.median(x, 1, mask=mask)
    with pytest.raises(IndexError, match="dimensionality higher"):
        masked.sum(x, 1, mask=mask[None])
