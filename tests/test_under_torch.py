"""Functions of models under `torch`: what `nn.functional` gives, in torch's order."""

from __future__ import annotations

from typing import Any

import pytest

import pullback as torch
from pullback.nn import functional as F, under_torch

X = torch.linspace(-2, 2, 24, dtype=torch.float64).reshape(2, 3, 4)
W, B = torch.tensor([1.0, 2.0, 3.0]).double(), torch.tensor([0.5, 0.0, -0.5]).double()
TARGET = torch.rand(2, 3, 4, dtype=torch.float64)
SIGNS = torch.tensor([1.0, -1.0]).double()

CASES: dict[str, Any] = {
    "layer_norm": lambda: (torch.layer_norm(X, [4]), F.layer_norm(X, [4])),
    "group_norm": lambda: (torch.group_norm(X, 3, W, B), F.group_norm(X, 3, W, B)),
    "batch_norm": lambda: (
        torch.batch_norm(X, W, B, None, None, True, 0.1, 1e-3, True),
        F.batch_norm(X, None, None, W, B, True, 0.1, 1e-3),
    ),
    "instance_norm": lambda: (
        torch.instance_norm(X, W, B, None, None, True, 0.1, 1e-3, True),
        F.instance_norm(X, None, None, W, B, True, 0.1, 1e-3),
    ),
    "embedding": lambda: (
        torch.embedding(X[0], torch.tensor([2, 0])),
        F.embedding(torch.tensor([2, 0]), X[0]),
    ),
    "max_pool1d": lambda: (torch.max_pool1d(X, 2), F.max_pool1d(X, 2)),
    "max_pool2d": lambda: (torch.max_pool2d(X, 2, 1), F.max_pool2d(X, 2, 1)),
    "max_pool3d": lambda: (torch.max_pool3d(X[None], 2, 1), F.max_pool3d(X[None], 2, 1)),
    "adaptive_max_pool1d": lambda: (
        torch.adaptive_max_pool1d(X, 2)[1],
        F.adaptive_max_pool1d(X, 2, return_indices=True)[1],
    ),
    "convolution": lambda: (
        torch.convolution(X, X[:, :, :2], None, [1], [1], [1], False, [0], 1),
        F.conv1d(X, X[:, :, :2], padding=1),
    ),
    "convolution transposed": lambda: (
        torch.convolution(X, TARGET[0][:, None], None, [2], [0], [1], True, [1], 3),
        F.conv_transpose1d(X, TARGET[0][:, None], stride=2, output_padding=1, groups=3),
    ),
    "conv_tbc": lambda: (
        torch.conv_tbc(X, TARGET.mT[:, :, :2].reshape(2, 4, 2), W[:2], 1),
        F.conv1d(
            X.permute(1, 2, 0), TARGET.mT[:, :, :2].permute(2, 1, 0), W[:2], padding=1
        ).permute(2, 0, 1),
    ),
    "norm_except_dim": lambda: (
        torch.norm_except_dim(X, 2, 1),
        (X * X).sum((0, 2), keepdim=True).sqrt(),
    ),
    "norm_except_dim of all": lambda: (torch.norm_except_dim(X, 2, -1), X.norm()),
    "kl_div": lambda: (torch.kl_div(X, TARGET, 2), F.kl_div(X, TARGET, reduction="sum")),
    "binary_cross_entropy_with_logits": lambda: (
        torch.binary_cross_entropy_with_logits(X, TARGET, None, W[0], 0),
        F.binary_cross_entropy_with_logits(X, TARGET, reduction="none", pos_weight=W[0]),
    ),
    "cosine_embedding_loss": lambda: (
        torch.cosine_embedding_loss(X[0, :2], X[1, :2], SIGNS),
        F.cosine_embedding_loss(X[0, :2], X[1, :2], SIGNS),
    ),
    "hinge_embedding_loss": lambda: (
        torch.hinge_embedding_loss(X, SIGNS[:, None, None].expand(X.shape), 0.5),
        F.hinge_embedding_loss(X, SIGNS[:, None, None].expand(X.shape), 0.5),
    ),
    "margin_ranking_loss": lambda: (
        torch.margin_ranking_loss(W[:2], B[:2], SIGNS, 0.1),
        F.margin_ranking_loss(W[:2], B[:2], SIGNS, 0.1),
    ),
    "triplet_margin_loss": lambda: (
        torch.triplet_margin_loss(X[0], X[1], TARGET[0], 2.0, swap=True),
        F.triplet_margin_loss(X[0], X[1], TARGET[0], 2.0, swap=True),
    ),
    "poisson_nll_loss": lambda: (
        torch.poisson_nll_loss(X, TARGET, True, False, 1e-8, 1),
        F.poisson_nll_loss(X, TARGET),
    ),
    "celu_": lambda: (torch.celu_(X.clone(), 2.0), F.celu(X, 2.0)),
    "selu_": lambda: (torch.selu_(X.clone()), F.selu(X)),
    "rrelu_": lambda: (torch.rrelu_(X.clone()), F.rrelu(X)),
    "threshold_": lambda: (torch.threshold_(X.clone(), 0.1, 20), F.threshold(X, 0.1, 20)),
}


@pytest.mark.parametrize("name", CASES)
def test_they_are_those_of_nn_functional(name: str) -> None:
    found, expected = CASES[name]()
    assert torch.equal(found, expected)


@pytest.mark.parametrize(
    "name", ["dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout"]
)
def test_dropout(name: str) -> None:
    function, in_place = getattr(torch, name), getattr(torch, f"{name}_")
    assert torch.equal(function(X, 0.5, False), X)
    torch.manual_seed(1)
    made = function(X, 0.5, True)
    torch.manual_seed(1)
    y = X.clone()
    assert in_place(y, 0.5, True) is y
    assert torch.allclose(y, made)
    assert not torch.equal(made, X)
    if name.startswith("feature"):  # the same for all elements of a channel
        ratio = (made - made[..., :1]) / (X - X[..., :1])
        assert torch.allclose(ratio[..., 1], ratio[..., 3])
    with pytest.raises(ValueError, match="between 0 and 1"):
        function(X, 1.5, True)


def test_every_one_is_tested() -> None:
    tested = {n.split()[0] for n in CASES}
    recurrent = {"gru", "lstm", "rnn_relu", "rnn_tanh"}  # in test_sequences.py
    rest = {n for n in under_torch.__all__ if "dropout" not in n} - recurrent
    assert tested == rest


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: torch.kl_div(X, TARGET, "sum"), ValueError, r"nn\.functional\.kl_div"),
        (lambda: torch.feature_dropout(W, 0.5, True), RuntimeError, r"\[3\]"),
        (lambda: torch.convolution(X, W, None, [1], [0], [1], False, [0], 1), RuntimeError, "axes"),
        (lambda: torch.conv_tbc(X, W, W), RuntimeError, "three axes"),
        (lambda: torch.rrelu_(X, generator=torch.Generator()), NotImplementedError, "manual_seed"),
    ],
)
def test_refusals(act: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        act()


def test_pooling_with_indices_under_names_of_its_own() -> None:
    x = torch.rand(1, 2, 4, 4)
    found = F.adaptive_max_pool2d_with_indices(x, 2)
    expected = F.adaptive_max_pool2d(x, 2, return_indices=True)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    values, places = F.fractional_max_pool2d_with_indices(x, 2, output_size=2)
    assert torch.equal(x.flatten(2).gather(2, places.flatten(2)), values.flatten(2))


def test_a_recurrent_layer_of_rectified_units() -> None:
    torch.manual_seed(3)
    layer = torch.nn.RNN(3, 4, nonlinearity="relu")
    x = torch.randn(5, 2, 3)
    states, last = torch.rnn_relu(
        x, torch.zeros(1, 2, 4), layer._flat_weights, True, 1, 0.0, False, False, False
    )
    expected, expected_last = layer(x)
    torch.testing.assert_close(states, expected)
    torch.testing.assert_close(last, expected_last)
