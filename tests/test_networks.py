"""Layers together: their nodes, their statistics, and a small network that learns."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as torch
from pullback import nn


@pytest.mark.parametrize("bias", [True, False])
def test_the_node_of_a_convolution(bias: bool) -> None:
    """Three edges as in PyTorch: the last one is None without a bias."""
    layer = nn.Conv2d(2, 3, 3, bias=bias)
    node = layer(torch.ones(1, 2, 5, 5)).grad_fn
    assert node.name() == "ConvolutionBackward0"
    edges = [edge[0] for edge in node.next_functions]
    assert [e is not None for e in edges] == [False, True, bias]


def test_nodes_of_losses() -> None:
    x, t = torch.ones(2, 3).requires_grad_(), torch.zeros(2, 3)
    assert nn.MSELoss()(x, t).grad_fn.name() == "MseLossBackward0"
    entropy = nn.CrossEntropyLoss()(x, torch.tensor([0, 2]))
    assert entropy.grad_fn.name() == "NllLossBackward0"
    assert entropy.item() == pytest.approx(np.log(3))


def test_running_statistics() -> None:
    torch.manual_seed(0)
    layer = nn.BatchNorm1d(2, momentum=None)
    batches = [torch.randn(50, 2) * 3 + 1 for _ in range(4)]
    for batch in batches:
        layer(batch)
    mean = sum(b.mean(0) for b in batches) / 4
    np.testing.assert_allclose(layer.running_mean.numpy(), mean.numpy(), 1e-4, 1e-5)
    variance = sum(b.var(0) for b in batches) / 4
    np.testing.assert_allclose(layer.running_var.numpy(), variance.numpy(), 1e-4)
    assert layer.num_batches_tracked.item() == 4
    layer.eval()
    y = layer(batches[0])
    expected = (batches[0] - mean) / (variance + 1e-5) ** 0.5
    np.testing.assert_allclose(y.detach().numpy(), expected.numpy(), 1e-3, 1e-4)


def test_a_convolutional_network_learns() -> None:
    torch.manual_seed(0)
    lines = torch.zeros(32, 1, 8, 8)
    classes = torch.arange(32) % 2
    for k in range(32):  # horizontal or vertical ones
        if k % 2:
            lines[k, 0, k % 8] = 1
        else:
            lines[k, 0, :, k % 8] = 1
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 2)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(lines), classes)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
    assert (model(lines).argmax(1) == classes).all()


def test_dropout_is_for_training() -> None:
    torch.manual_seed(0)
    layer = nn.Dropout(0.25)
    x = torch.ones(10_000)
    y = layer(x)
    assert y.mean().item() == pytest.approx(1, abs=0.03)
    assert (y == 0).float().mean().item() == pytest.approx(0.25, abs=0.03)
    assert torch.equal(layer.eval()(x), x)


def test_surroundings_of_every_mode():
    for mode, numpy_mode in (("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")):
        for left, right, top, bottom in ((1, 2, 2, 1), (3, 0, 0, 0), (0, 4, 1, 3), (0, 0, 0, 0)):
            x = torch.rand(2, 3, 4, 5)
            found = torch.nn.functional.pad(x, (left, right, top, bottom), mode)
            margins = ((0, 0), (0, 0), (top, bottom), (left, right))
            assert np.array_equal(found, np.pad(x, margins, mode=numpy_mode))


def test_rows_of_tables_are_added_whatever_their_width():
    places = torch.tensor([[3, 0, 3], [1, 3, 0]])
    for width in (1, 2, 200):
        table = torch.rand(5, width, requires_grad=True)
        cotangent = torch.rand(2, 3, width)
        (found,) = torch.autograd.grad(
            torch.nn.functional.embedding(places, table), table, cotangent
        )
        expected = np.zeros((5, width), np.float32)
        np.add.at(expected, places.numpy(), cotangent.numpy())
        assert np.allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_large_normalisations_are_those_of_their_definition(dtype: torch.dtype) -> None:
    """In compiled loops, with rows of one segment and of several, weights of segments and each."""
    functional = nn.functional
    for shape in ((4, 6, 24, 16), (32, 6, 40), (3, 4, 5001), (2, 4, 3, 2)):
        x = torch.randn(*shape, dtype=dtype).requires_grad_()
        w, b = (torch.rand(shape[1], dtype=dtype).requires_grad_() for _ in range(2))
        rows, columns = (torch.rand(*shape[1:], dtype=dtype).requires_grad_() for _ in range(2))
        along = (-1, *(1,) * (len(shape) - 2))
        axes = tuple(range(len(shape)))
        groups = (shape[0], 2, -1)
        cases = [
            (functional.batch_norm(x, None, None, w, b, True), (0, *axes[2:]), shape, along, w, b),
            (functional.instance_norm(x, None, None, w, b), axes[2:], shape, along, w, b),
            (functional.group_norm(x, 2, w, b), (2,), groups, along, w, b),
            (functional.layer_norm(x, shape[1:], rows, columns), axes[1:], shape, shape[1:], rows,
             columns),
        ]  # fmt: skip
        for found, dims, seen, like, weight, bias in cases:
            wide = x.detach().double().requires_grad_()
            parts = wide.reshape(seen)
            gap = parts - parts.mean(dims, keepdim=True)
            y = gap * (gap.square().mean(dims, keepdim=True) + 1e-5).rsqrt()
            expected = y.reshape(shape) * weight.reshape(like) + bias.reshape(like)
            g = torch.rand(*shape, dtype=dtype)
            tolerance = {"rtol": 1e-3, "atol": 1e-4} if dtype is torch.float32 else {}
            assert torch.allclose(found.double(), expected, **tolerance)
            got = torch.autograd.grad(found, (x, weight, bias), g)
            wanted = torch.autograd.grad(expected, (wide, weight, bias), g.double())
            for a, e in zip(got, wanted, strict=True):
                assert torch.allclose(a.double(), e.double(), **tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_large_shares_of_exponentials_are_those_of_their_definition(dtype: torch.dtype) -> None:
    """In compiled loops: along memory, across it, and in columns that several threads share."""
    tolerance = 1e-5 if dtype is torch.float32 else 1e-13
    for shape, dim in (((300, 37), 1), ((300, 37), 0), ((2, 8, 40, 40), 1), ((9001,), 0)):
        x = (3 * torch.randn(*shape, dtype=dtype)).requires_grad_()
        g = torch.randn(*shape, dtype=dtype)
        wide, rise = x.detach().numpy().astype(np.float64), g.numpy().astype(np.float64)
        powers = np.exp(wide - wide.max(dim, keepdims=True))
        share = powers / powers.sum(dim, keepdims=True)
        y, log = x.softmax(dim), x.log_softmax(dim)
        assert np.allclose(y.detach(), share, atol=tolerance)
        assert np.allclose(log.detach(), np.log(share), atol=tolerance)
        (found,) = torch.autograd.grad(y, x, g)
        expected = share * (rise - (rise * share).sum(dim, keepdims=True))
        assert np.allclose(found, expected, atol=tolerance)
        (found,) = torch.autograd.grad(log, x, g)
        expected = rise - share * rise.sum(dim, keepdims=True)
        assert np.allclose(found, expected, atol=10 * tolerance)
    x = torch.zeros(200, 100, dtype=dtype)
    x[3, 4], x[5] = float("nan"), -float("inf")
    assert x.softmax(1).isnan().any(1).nonzero().flatten().tolist() == [3, 5]


def test_distances_of_many_pairs() -> None:
    """Of all pairs at once, and of some rows at a time."""
    for n, d in ((9, 3), (150, 2), (400, 20)):
        x = torch.rand(n, d, dtype=torch.float64).requires_grad_()
        i, j = np.triu_indices(n, 1)
        y = torch.pdist(x)
        gap = x.detach().numpy()[i] - x.detach().numpy()[j]
        assert np.allclose(y.detach(), np.linalg.norm(gap, axis=1))
        g = torch.rand(len(i), dtype=torch.float64)
        (found,) = torch.autograd.grad(y, x, g)
        part = gap * (g / y.detach()).numpy()[:, None]
        expected = np.zeros((n, d))
        np.add.at(expected, i, part)
        np.subtract.at(expected, j, part)
        assert np.allclose(found, expected)
    x = torch.zeros(100, 2).requires_grad_()
    torch.pdist(x).sum().backward()
    assert not x.grad.any()
