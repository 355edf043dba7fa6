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


# --------------------------------------------------------------------------- recurrent layers


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_layers_are_cells_one_after_the_other(kind: str) -> None:
    torch.manual_seed(0)
    layer, cell = getattr(nn, kind)(3, 4), getattr(nn, f"{kind}Cell")(3, 4)
    cell.load_state_dict({n.removesuffix("_l0"): p for n, p in layer.state_dict().items()})
    x = torch.randn(5, 2, 3)
    state, outputs = None, []
    for row in x:
        state = cell(row, state)
        outputs.append(state[0] if kind == "LSTM" else state)
    y, ends = layer(x)
    np.testing.assert_allclose(y.detach(), torch.stack(outputs).detach(), 1e-5, 1e-6)
    assert torch.equal((ends[0] if kind == "LSTM" else ends)[0], y[-1])


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_packed_sequences_are_apart(kind: str) -> None:
    """Each sequence of a packed batch gives what it gives alone, backwards as well."""
    torch.manual_seed(0)
    layer = getattr(nn, kind)(3, 4, num_layers=2, bidirectional=True).double()
    sequences = [torch.randn(n, 3, dtype=torch.float64) for n in (2, 5, 1, 5)]
    packed = nn.utils.rnn.pack_sequence(sequences, enforce_sorted=False)
    y, ends = layer(packed)
    ends = ends if kind == "LSTM" else (ends,)
    for k, (x, own) in enumerate(zip(sequences, nn.utils.rnn.unpack_sequence(y), strict=True)):
        alone, last = layer(x)
        np.testing.assert_allclose(own.detach(), alone.detach(), 1e-10, 1e-12)
        for a, b in zip(ends, last if kind == "LSTM" else (last,), strict=True):
            np.testing.assert_allclose(a[:, k].detach(), b.detach(), 1e-10, 1e-12)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_second_derivatives_of_layers(kind: str) -> None:
    torch.manual_seed(0)
    layer = getattr(nn, kind)(2, 3, bidirectional=True).double()
    x = torch.randn(3, 2, 2, dtype=torch.float64).requires_grad_()
    names = [n for n, _ in layer.named_parameters()]

    def function(x: Any, *parameters: Any) -> Any:
        return torch.func.functional_call(layer, dict(zip(names, parameters, strict=True)), (x,))[0]

    inputs = [x, *layer.parameters()]
    assert gradcheck(function, inputs, fast_mode=True)
    assert gradgradcheck(function, inputs, fast_mode=True)


def test_dropout_is_between_layers_in_training() -> None:
    torch.manual_seed(0)
    layer = nn.GRU(3, 8, num_layers=2, dropout=0.5)
    x = torch.randn(4, 2, 3)
    assert not torch.equal(layer(x)[0], layer(x)[0])
    layer.eval()
    assert torch.equal(layer(x)[0], layer(x)[0])
    with pytest.warns(UserWarning, match="num_layers greater than 1"):
        nn.GRU(3, 8, dropout=0.5)


def test_an_lstm_learns_to_remember() -> None:
    """The sign of the first of some numbers."""
    torch.manual_seed(0)
    layer, read = nn.LSTM(1, 8), nn.Linear(8, 1)
    optimizer = torch.optim.Adam([*layer.parameters(), *read.parameters()], lr=0.01)
    x = torch.randn(12, 64, 1)
    y = (x[0] > 0).float()
    for _ in range(200):  # in steps so small that rounding decides nothing
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(read(layer(x)[1][0][0]), y)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


def test_layers_begin_as_in_pytorch() -> None:
    torch.manual_seed(0)
    layer = nn.LSTM(30, 25, num_layers=2, bidirectional=True, proj_size=5)
    for p in layer.parameters():
        assert 0.15 < p.abs().max().item() <= 0.2
    assert [len(w) for w in layer.all_weights] == [5] * 4
    assert layer.flatten_parameters() is None


def _shapes(kind: str) -> list[tuple[int, ...]]:
    """Of the input, the states, and the parameters of one layer: 16 sequences of 5 numbers."""
    gates = 8 * {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}[kind]
    states = [(1, 16, 8)] * (2 if kind == "lstm" else 1)
    return [(3, 16, 5), *states, (gates, 5), (gates, 8), (gates,), (gates,)]


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
def test_compiled_steps_are_given_what_they_read(kind: str) -> None:
    """States, weights and biases of other shapes and dtypes are refused, not read as they are."""

    def outcome(tensors: list[Any]) -> Any:
        x, *states = tensors[:-4]
        hx = states if kind == "lstm" else states[0]
        return getattr(torch, kind)(x, hx, tensors[-4:], True, 1, 0.0, False, False, False)

    shapes = _shapes(kind)
    assert outcome([torch.ones(s) for s in shapes])[0].shape == (3, 16, 8)
    for k in range(1, len(shapes) - 4):
        for width in (4, 16):
            tensors = [torch.ones(s) for s in shapes]
            tensors[k] = torch.ones(1, 16, width)
            with pytest.raises(RuntimeError, match=r"expected (states|cells) of shape \[16, 8\]"):
                outcome(tensors)
        for double in (False, True):
            tensors = [torch.ones(s, dtype=(torch.float32, torch.float64)[double]) for s in shapes]
            tensors[k] = tensors[k].to((torch.float64, torch.float32)[double])
            with pytest.raises(RuntimeError, match=r"expected (states|cells) of shape"):
                outcome(tensors)
    for rows in (shapes[-4][0] // 2, shapes[-4][0] * 2):
        tensors = [torch.ones(s) for s in shapes]
        tensors[-4:-3] = [torch.ones(rows, 5)]
        tensors[-2] = torch.ones(rows)
        if kind != "gru":
            tensors[-1] = torch.ones(rows)
        with pytest.raises(RuntimeError, match="expected gates of shape"):
            outcome(tensors)


def test_biases_of_gru_and_projections_of_lstm_have_their_shapes() -> None:
    cell = [torch.ones(s) for s in ((16, 5), (16, 8), (24, 5), (24, 8), (24,))]
    for bias in (torch.ones(1), torch.ones(24).double()):
        with pytest.raises(RuntimeError, match=r"gru: expected a bias of shape \[24\]"):
            torch.gru_cell(*cell, bias)
    h, c = torch.ones(1, 16, 3), torch.ones(1, 16, 8)
    params = [torch.ones(s) for s in ((32, 5), (32, 3))]
    for projection in (torch.ones(3, 9), torch.ones(4, 8), torch.ones(3, 8).double()):
        given = [*params, projection]
        with pytest.raises(RuntimeError, match=r"lstm: expected a projection of shape \[3, 8\]"):
            torch.lstm(torch.ones(3, 16, 5), (h, c), given, False, 1, 0.0, False, False, False)


def test_no_sequences_at_all() -> None:
    layer = nn.LSTM(3, 4, bidirectional=True)
    y, (h, c) = layer(torch.zeros(5, 0, 3).requires_grad_())
    assert y.shape == (5, 0, 8) and h.shape == c.shape == (2, 0, 4)
    (y.sum() + h.sum()).backward()
    assert (layer.weight_hh_l0.grad == 0).all()


ZEROS = torch.zeros(5, 2, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.LSTM(3, 4, dropout=2), ValueError, r"range \[0, 1\]"),
        (lambda: nn.LSTM(3, 0), ValueError, "hidden_size must be greater than zero"),
        (lambda: nn.LSTM(3, 2.5), TypeError, "hidden_size should be of type int, got: float"),
        (lambda: nn.LSTM(3, 4, proj_size=4), ValueError, "smaller than hidden_size"),
        (lambda: nn.GRU(3, 4, proj_size=2), ValueError, "only supported for LSTM"),
        (lambda: nn.RNN(3, 4, nonlinearity="elu"), ValueError, "Unknown nonlinearity 'elu'"),
        (lambda: nn.LSTM(3, 4)(ZEROS[None]), ValueError, "LSTM: Expected input to be 2D or 3D"),
        (lambda: nn.LSTM(2, 4)(ZEROS), RuntimeError, "Expected 2, got 3"),
        (lambda: nn.LSTM(3, 4)(ZEROS, ZEROS), RuntimeError, "a pair of tensors"),
        (lambda: nn.GRU(3, 4)(ZEROS, torch.zeros(1, 3, 4)), RuntimeError,
         r"Expected hidden size \(1, 2, 4\), got \[1, 3, 4\]"),
        (lambda: nn.GRU(3, 4)(ZEROS, torch.zeros(2, 4)), RuntimeError, "should also be 3-D"),
        (lambda: nn.GRU(3, 4)(ZEROS.double()), ValueError, "does not match weight dtype"),
        (lambda: nn.GRU(3, 4)(ZEROS[:0]), RuntimeError, "larger than 0"),
        (lambda: nn.LSTMCell(3, 4)(ZEROS), ValueError, "Expected input to be 1D or 2D, got 3D"),
        (lambda: nn.LSTMCell(2, 4)(ZEROS[0]), RuntimeError, "got 3 expected 2"),
        (lambda: nn.LSTMCell(3, 4)(ZEROS[0], ZEROS[0]), TypeError, "must be tuple of Tensors"),
        (lambda: nn.GRUCell(3, 4)(ZEROS[0], torch.zeros(3, 4)), RuntimeError,
         "Input batch size 2 doesn't match hidden0 batch size 3"),
        (lambda: nn.RNNCell(3, 4)(ZEROS[0], torch.zeros(2, 3)), RuntimeError,
         "hidden0 has inconsistent hidden_size: got 3, expected 4"),
    ],
)  # fmt: skip
def test_recurrent_layers_refuse(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call()


# --------------------------------------------------------------------------- packed sequences


def test_packing_and_padding() -> None:
    x = torch.arange(12.0).reshape(4, 3).requires_grad_()
    packed = nn.utils.rnn.pack_padded_sequence(x, [2, 4, 1], enforce_sorted=False)
    assert packed.data.tolist() == [1, 0, 2, 4, 3, 7, 10]
    assert packed.batch_sizes.tolist() == [3, 2, 1, 1]
    assert packed.sorted_indices.tolist() == packed.unsorted_indices.tolist() == [1, 0, 2]
    padded, lengths = nn.utils.rnn.pad_packed_sequence(packed, True, -1.0, 5)
    assert padded.tolist() == [[0, 3, -1, -1, -1], [1, 4, 7, 10, -1], [2, -1, -1, -1, -1]]
    assert lengths.tolist() == [2, 4, 1]
    padded.sum().backward()
    assert x.grad.tolist() == [[1, 1, 1], [1, 1, 0], [0, 1, 0], [0, 1, 0]]
    assert [s.tolist() for s in nn.utils.rnn.unpack_sequence(packed)] == [
        [0, 3],
        [1, 4, 7, 10],
        [2],
    ]
    order = torch.tensor([2, 0, 3, 1])
    assert nn.utils.rnn.invert_permutation(order)[order].tolist() == [0, 1, 2, 3]
    assert packed.double().data.dtype is torch.float64 and packed.float() is packed
    assert packed.to(torch.int64).data.tolist() == packed.long().data.tolist()


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([2, 4], "sorted in decreasing order"),
        ([4, 0], "greater than 0"),
        ([5, 2], "a length of 5, but the input has 4 times"),
        ([4], r"but got 1 \(batch_size=2\)"),
        (torch.tensor([[4, 2]]), "1D CPU int64 tensor"),
    ],
)
def test_packing_refuses(lengths: Any, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        nn.utils.rnn.pack_padded_sequence(torch.zeros(4, 2), lengths)


def test_padding_refuses_what_is_too_short() -> None:
    packed = nn.utils.rnn.pack_sequence([torch.zeros(4), torch.zeros(2)])
    with pytest.raises(ValueError, match="total_length=3 and max sequence length being 4"):
        nn.utils.rnn.pad_packed_sequence(packed, total_length=3)
    with pytest.raises(AssertionError, match="list or tuple of length 2"):
        nn.utils.rnn.PackedSequence(torch.zeros(4))
