"""Models of sequences: PyTorch's numbers, and what holds whatever the numbers."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback import nn
from pullback.autograd import gradcheck, gradgradcheck
from sequence_cases import CASES

F: Any = nn.functional
PYTORCH = json.loads((Path(__file__).parent / "data" / "sequences.json").read_text())


def test_all_cases_have_answers() -> None:
    assert list(CASES) == list(PYTORCH)


@pytest.mark.parametrize("name", CASES)
def test_numbers_are_those_of_pytorch(name: str) -> None:
    tolerance = 1e-4 if "float32" in name else 1e-8
    found, expected = CASES[name](torch), list(PYTORCH[name])
    if isinstance(expected[0][0], str):  # a module: its text, and the names and shapes of its state
        assert found.pop(0) == expected.pop(0)
    assert [f[0] for f in found] == [e[0] for e in expected]
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(f[1:], e[1:], tolerance, tolerance)


# --------------------------------------------------------------------------------------- CTC


@pytest.mark.parametrize("labels", [[1, 2], [1, 1], [2], []])
def test_ctc_counts_every_alignment(labels: list[int]) -> None:
    """The probability of a target is that of all paths that say it."""
    torch.manual_seed(0)
    times, classes = 5, 3
    p = torch.randn(times, classes, dtype=torch.float64).softmax(1)
    total = 0.0
    for path in itertools.product(range(classes), repeat=times):
        said = [c for c, _ in itertools.groupby(path) if c != 0]
        if said == labels:
            total += float(np.prod([p[t, c].item() for t, c in enumerate(path)]))
    target = torch.tensor([*labels, 0])  # more than is used
    loss = F.ctc_loss(p.log(), target[None], (times,), (len(labels),), reduction="sum")
    assert loss.item() == pytest.approx(-np.log(total), rel=1e-12)


def test_ctc_has_derivatives_of_every_order() -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 2, 3, dtype=torch.float64).requires_grad_()
    targets = torch.tensor([[1, 2], [1, 1]])

    def loss(x: Any) -> Any:
        return F.ctc_loss(x.log_softmax(2), targets, (4, 3), (2, 1), reduction="none")

    def gradient(x: Any) -> Any:
        return torch.autograd.grad((loss(x) ** 2).sum(), x, create_graph=True)[0]

    assert gradcheck(loss, [x]) and gradgradcheck(loss, [x]) and gradgradcheck(gradient, [x])


def test_ctc_of_what_does_not_fit() -> None:
    """The loss is infinite, and its gradient nan, or both are 0; others are not concerned."""
    x = torch.randn(4, 2, 3, dtype=torch.float64).log_softmax(2).requires_grad_()
    targets, lengths = torch.tensor([[1, 1, 1], [1, 2, 0]]), ((4, 4), (3, 2))
    loss = F.ctc_loss(x, targets, *lengths, reduction="none")
    assert loss[0].item() == np.inf and np.isfinite(loss[1].item())
    (g,) = torch.autograd.grad(loss.sum(), x)
    assert g[:, 0].isnan().all() and g[:, 1].isfinite().all()
    loss = nn.CTCLoss(reduction="none", zero_infinity=True)(x, targets, *lengths)
    (zero,) = torch.autograd.grad(loss.sum(), x)
    assert loss[0].item() == 0 and (zero[:, 0] == 0).all() and torch.equal(zero[:, 1], g[:, 1])


def test_ctc_does_not_look_after_the_end() -> None:
    x = torch.randn(6, 2, 4, dtype=torch.float64).log_softmax(2)
    targets = torch.tensor([[1, 2, 3], [1, 3, -1]])
    expected = F.ctc_loss(x, targets, (6, 4), (3, 2), reduction="none")
    x[4:, 1] = float("nan")
    x.requires_grad_()
    loss = F.ctc_loss(x, targets, torch.tensor([6, 4]), torch.tensor([3, 2]), reduction="none")
    assert torch.equal(loss, expected)
    (g,) = torch.autograd.grad(loss.sum(), x)
    assert g.isfinite().all() and (g[4:, 1] == 0).all()
    assert loss.grad_fn.name() == "CtcLossBackward0"


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"input_lengths": (7, 5)}, RuntimeError, "at most 6, but got value 7"),
        ({"input_lengths": (6,)}, RuntimeError, "must be of size batch_size"),
        ({"input_lengths": 6}, TypeError, "must be tuple of ints"),
        ({"input_lengths": torch.tensor([6.0, 5.0])}, RuntimeError, "must be integral"),
        ({"target_lengths": (4, 2)}, RuntimeError, r"\[2, 3\].*expected \[2, 4\]"),
        ({"target_lengths": (-1, 2)}, RuntimeError, "at least 0"),
        ({"targets": torch.tensor([1, 2, 3, 1])}, RuntimeError, r"or \[5\]"),
        ({"targets": torch.tensor([[1, 2, 4], [1, 1, 0]])}, IndexError, "0 to 3"),
        ({"blank": 4}, RuntimeError, "blank must be in label range"),
        ({"reduction": "x"}, ValueError, "x is not a valid value for reduction"),
        ({"log_probs": torch.zeros(6, 2, 0)}, RuntimeError, "must not be empty"),
        ({"log_probs": torch.zeros(6)}, RuntimeError, r"\(t, n, c\) or \(t, c\)"),
        ({"log_probs": torch.zeros(6, 2, 4).half()}, NotImplementedError, "float16"),
    ],
)
def test_ctc_refuses(changed: dict[str, Any], error: Any, message: str) -> None:
    given = {"log_probs": torch.zeros(6, 2, 4), "targets": torch.tensor([[1, 2, 3], [1, 1, 0]]),
             "input_lengths": (6, 5), "target_lengths": (3, 2)}  # fmt: skip
    with pytest.raises(error, match=message):
        F.ctc_loss(**{**given, **changed})


# --------------------------------------------------------------------------------- attention


def test_attention_leaves_out_what_masks_say() -> None:
    torch.manual_seed(0)
    layer = nn.MultiheadAttention(4, 2)
    x = torch.randn(3, 2, 4)
    hidden = torch.tensor([[False, True, False], [False, False, True]])
    causal = nn.Transformer.generate_square_subsequent_mask(3)
    y, weights = layer(x, x, x, key_padding_mask=hidden, attn_mask=causal)
    assert weights.shape == (2, 3, 3)
    np.testing.assert_allclose(weights.sum(-1).detach().numpy(), 1, 1e-6)
    assert (weights[hidden[:, None, :].expand(2, 3, 3)] == 0).all()
    assert (weights.triu(1) == 0).all()
    other = x.clone()
    other[1, 0] = other[2, 1] = float("nan")  # nobody looks there
    again, _ = layer(x, torch.where(other.isnan(), 0, other), x, key_padding_mask=hidden,
                     attn_mask=causal)  # fmt: skip
    np.testing.assert_allclose(again.detach().numpy(), y.detach().numpy(), 1e-5, 1e-6)


def test_weights_are_dropped_in_training() -> None:
    torch.manual_seed(0)
    layer = nn.MultiheadAttention(4, 2, dropout=0.5)
    x = torch.randn(50, 1, 4)
    weights = layer(x, x, x, average_attn_weights=False)[1]
    assert (weights == 0).float().mean().item() == pytest.approx(0.5, abs=0.05)
    assert (layer.eval()(x, x, x)[1] > 0).all()


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"query": torch.zeros(3, 2, 6)}, AssertionError, "embedding dimension of 4, but got 6"),
        ({"query": torch.zeros(3)}, AssertionError, "unbatched 2D or batched 3D"),
        ({"key": torch.zeros(5, 4)}, AssertionError, "found 2-D and 3-D"),
        ({"value": torch.zeros(4, 2, 4)}, AssertionError, "does not match value shape"),
        ({"is_causal": True}, RuntimeError, "Need attn_mask"),
        ({"attn_mask": torch.zeros(5, 3)}, RuntimeError, r"\[5, 3\], but should be \(3, 5\)"),
        ({"attn_mask": torch.zeros(2, 3, 5)}, RuntimeError, r"\(4, 3, 5\)"),
        ({"attn_mask": torch.zeros(3, 5).double()}, RuntimeError, r"write attn_mask.to\("),
        ({"attn_mask": torch.zeros(3, 5).long()}, AssertionError, "only bool and floating"),
        ({"key_padding_mask": torch.zeros(5, 2)}, AssertionError, r"\[2, 5\], but got \[5, 2\]"),
        ({"key_padding_mask": torch.zeros(5)}, AssertionError, "or 2-D but found 1-D"),
    ],
)
def test_attention_refuses(changed: dict[str, Any], error: Any, message: str) -> None:
    layer = nn.MultiheadAttention(4, 2)
    given = {"query": torch.zeros(3, 2, 4), "key": torch.zeros(5, 2, 4),
             "value": torch.zeros(5, 2, 4)}  # fmt: skip
    with pytest.raises(error, match=message):
        layer(**{**given, **changed})


def test_attention_begins_as_in_pytorch() -> None:
    torch.manual_seed(0)
    layer = nn.MultiheadAttention(40, 4, kdim=20, add_bias_kv=True)
    assert (layer.in_proj_bias == 0).all() and (layer.out_proj.bias == 0).all()
    for w, bound in ((layer.k_proj_weight, (6 / 60) ** 0.5), (layer.q_proj_weight, (6 / 80) ** 0.5),
                     (layer.out_proj.weight, 40**-0.5)):  # fmt: skip
        assert 0.97 * bound < w.abs().max().item() <= bound
    assert layer.bias_k.std().item() == pytest.approx((2 / 80) ** 0.5, rel=0.5)
    with pytest.raises(AssertionError, match="divisible by num_heads"):
        nn.MultiheadAttention(5, 2)
    with pytest.raises(ValueError, match="greater than 0"):
        nn.MultiheadAttention(4, 0)


# ------------------------------------------------------------------------------- transformers


@pytest.mark.parametrize("batch_first", [False, True])
def test_a_causal_mask_is_found_out(batch_first: bool) -> None:
    """A position does not depend on later ones, whether or not it is said that the mask is so."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=batch_first)
    encoder = nn.TransformerEncoder(layer, 2).eval()
    x = torch.randn(3, 5, 4) if batch_first else torch.randn(5, 3, 4)
    mask = nn.Transformer.generate_square_subsequent_mask(5)
    y = encoder(x, mask=mask)
    np.testing.assert_allclose(
        y.detach().numpy(), encoder(x, mask=mask, is_causal=True).detach().numpy(), 1e-5, 1e-6
    )
    later = x.clone()
    later.transpose(0, int(batch_first))[3:] = 0
    z = encoder(later, mask=mask)
    kept = (slice(None), slice(3)) if batch_first else slice(3)
    np.testing.assert_allclose(y[kept].detach().numpy(), z[kept].detach().numpy(), 1e-5, 1e-6)
    assert not torch.allclose(y, z)


def test_layers_of_a_stack_are_apart() -> None:
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 8), 3, nn.LayerNorm(4))
    assert len({id(p) for p in decoder.parameters()}) == 3 * 18 + 2
    same = [layer.linear1.weight for layer in decoder.layers]
    assert torch.equal(same[0], same[2])


def test_transformers_refuse() -> None:
    model = nn.Transformer(4, 2, 1, 1, 8)
    with pytest.raises(RuntimeError, match="the batch number of src and tgt must be equal"):
        model(torch.zeros(3, 2, 4), torch.zeros(3, 1, 4))
    with pytest.raises(RuntimeError, match="must be equal to d_model, 4, not 4 and 6"):
        model(torch.zeros(3, 2, 4), torch.zeros(3, 2, 6))
    with pytest.raises(RuntimeError, match="should be relu/gelu, not elu"):
        nn.TransformerEncoderLayer(4, 2, activation="elu")
