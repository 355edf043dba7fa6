"""Saved values that were overwritten are noticed."""

from __future__ import annotations

from typing import Any

import pytest

import pullback as torch


def leaf(n: int = 4, **options: Any) -> Any:
    return torch.arange(1.0, n + 1, **options).requires_grad_()


def gradient(y: Any, x: Any) -> list[Any]:
    found: list[Any] = torch.autograd.grad(y.sum(), x, retain_graph=True)[0].tolist()
    return found


def overwrite_result(x: Any) -> Any:
    y = x.exp()
    z = y * 2
    y.add_(1)
    return z


def overwrite_through_a_view(x: Any) -> Any:
    y = x.exp()
    y[0].add_(1)
    return y


def overwrite_through_the_base(x: Any) -> Any:
    base = x * 1
    v = base[1:]
    z = v * v
    base.add_(1)
    return z


def overwrite_data_that_was_used(x: Any) -> Any:
    factor = x.data
    y = x * factor[:4]
    factor[0] = 5
    return y


def overwrite_detached(x: Any) -> Any:
    y = x.exp()
    y.detach().add_(1)
    return y


def overwrite_leaf(x: Any) -> Any:
    y = x * x
    with torch.no_grad():
        x.add_(1)
    return y


def overwrite_factor(x: Any) -> Any:
    factor = torch.full((4,), 2.0)
    y = x * factor
    factor[0] = 5
    return y


def overwrite_with_out(x: Any) -> Any:
    factor = torch.full((4,), 2.0)
    y = x * factor
    torch.add(torch.ones(4), 1, out=factor)
    return y


def overwrite_factor_of_an_in_place_product(x: Any) -> Any:
    factor = torch.full((4,), 2.0)
    y = (x * 1).mul_(factor)
    factor.zero_()
    return y


def overwrite_index(x: Any) -> Any:
    index = torch.tensor([0, 1])
    y = x[index]
    index.add_(1)
    return y


def overwrite_mask(x: Any) -> Any:
    mask = torch.tensor([True, False, True, False])
    y = x.masked_fill(mask, 0.0)
    mask[0] = False
    return y


OVERWRITES = [
    overwrite_result, overwrite_through_a_view, overwrite_through_the_base,
    overwrite_data_that_was_used, overwrite_detached, overwrite_leaf, overwrite_factor,
    overwrite_with_out, overwrite_factor_of_an_in_place_product, overwrite_index, overwrite_mask,
]  # fmt: skip


@pytest.mark.parametrize("act", OVERWRITES)
@pytest.mark.parametrize("create_graph", [False, True])
def test_overwritten_saved_values(act: Any, create_graph: bool) -> None:
    x = leaf()
    y = act(x)
    message = r"modified by an inplace operation: '\w+', of shape \[\d\], which \w+Backward0 had"
    with pytest.raises(RuntimeError, match=message):
        torch.autograd.grad(y.sum(), x, create_graph=create_graph)


@pytest.mark.parametrize("create_graph", [False, True])
def test_writes_through_data_are_not_seen(create_graph: bool) -> None:
    """PyTorch's way past its own check: torchdiffeq fills a tensor so, piece by piece."""
    x = leaf()
    y = x.exp()
    version = y._version
    y.data[1:].mul_(2)
    y.data[0] = 7
    assert y._version == version and y.data._version == 0
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=create_graph)
    assert g.tolist() == y.tolist() and g[0] == 7
    half = torch.ones(3, dtype=torch.bfloat16)
    half.data[1] = 2
    assert half.tolist() == [1, 2, 1]


def test_a_formula_has_the_numbers_that_it_was_made_of_whatever_is_written() -> None:
    with torch.config(defer_elements=4):
        x = torch.zeros(3)
        total = (x[:, None] + x).exp().sum()
        x.data.add_(1)
        assert total == 9 and (x[:, None] + x).sum() == 18


def test_what_is_not_saved_may_be_overwritten() -> None:
    x = leaf()
    factor = torch.full((4,), 2.0)
    y = x + factor
    z = y * factor.clone()
    factor.zero_()
    y.zero_()
    assert gradient(z, x) == [2, 2, 2, 2]


def test_versions_count_the_writes_of_all_views() -> None:
    x = torch.zeros(3)
    v = x[0]
    v.add_(1)
    x.add_(1)
    x.detach().add_(1)
    assert x._version == v._version == 3
    assert torch.zeros(3)._version == 0


def test_many_live_views_cost_no_more_than_their_number() -> None:
    """Writing a base with n views makes n histories, and views that are gone are forgotten."""
    x = leaf()
    y = x * 1
    for _ in range(5000):
        y[0].mul_(1.0)
    assert len(y._views) < 70
    assert gradient(y, x) == [1, 1, 1, 1]


@pytest.mark.parametrize("create_graph", [False, True])
def test_views_of_another_memory_order(create_graph: bool) -> None:
    """A base whose memory is not in row-major order: `.view` fits it, but not its cotangent."""
    x = leaf(6)
    y = x.view(2, 3).t() * 1  # in memory, as NumPy lays results out, still a transpose
    v = y.t().view(-1)
    v[:2].mul_(2)
    w = y.t().view(3, 2)
    y.mul_(3)
    for z, expected in (
        (y, [6, 6, 3, 3, 3, 3]),
        (v, [6, 6, 3, 3, 3, 3]),
        (w[0], [6, 6, 0, 0, 0, 0]),
    ):
        (g,) = torch.autograd.grad(z.sum(), x, create_graph=create_graph, retain_graph=True)
        assert g.tolist() == expected


@pytest.mark.parametrize("write", [lambda y: y.copy_(torch.zeros(2)), lambda y: y.fill_(3.0)])
def test_an_overwritten_value_has_a_zero_gradient(write: object) -> None:
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    write(y)  # type: ignore[operator]  # one of the two above
    y.sum().backward()
    assert torch.equal(x.grad, torch.zeros(2))
