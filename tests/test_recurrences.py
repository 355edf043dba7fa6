"""Recursions in machine code, steps of recurrent layers and sums over alignments: as NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.backends import alignment, recurrence

CLOSE = {"f4": {"rtol": 2e-5, "atol": 1e-5}, "f8": {"rtol": 1e-11, "atol": 1e-12}}
# Five sequences, of which some end, and backwards, where they begin.
STEPS = [[(0, 5, 0), (5, 9, 4), (9, 11, 2)], [(9, 11, 0), (5, 9, 2), (0, 5, 4)]]


def all_close(found: Any, expected: Any, dtype: str) -> None:
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, **CLOSE[dtype])


@pytest.mark.parametrize("steps", STEPS, ids=["forwards", "backwards"])
@pytest.mark.parametrize("size", [3, 21, 32])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_steps_of_layers(
    dtype: str, size: int, steps: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(size)

    def r(*shape: int) -> Any:
        return rng.standard_normal(shape).astype(dtype)

    lstm, gru = recurrence.lstm_array, recurrence.gru_array
    calls: list[tuple[Any, ...]] = [
        (lstm, r(11, 4 * size), r(5, size), r(5, size), r(4 * size, size), None),
        (lstm, r(11, 4 * size), r(5, 2), r(size, 5).T, r(4 * size, 2), r(2, size)),
        (gru, r(11, 3 * size), r(5, size), r(3 * size, size), None),
        (gru, r(3 * size, 11).T, r(5, size), r(3 * size, size), r(3 * size)),
    ]
    for function, *args in calls:
        monkeypatch.setattr(recurrence, "WORTH", 0)
        found = function(*args, steps)
        monkeypatch.setattr(recurrence, "WORTH", 1 << 40)
        all_close(found, function(*args, steps), dtype)


@pytest.mark.parametrize("lengths", [[5, 5, 5, 5], [5, 3, 3, 1]], ids=["alike", "some end"])
@pytest.mark.parametrize("size", [3, 21])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_gradients_of_layers(
    dtype: str, size: int, lengths: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In both directions, of states and cells as well: the loop is the rule, written out."""
    torch.manual_seed(0)
    kind = {"dtype": torch.float32 if dtype == "f4" else torch.float64}
    layer = torch.nn.LSTM(7, size, 2, bidirectional=True, **kind)
    x, h, c = (torch.randn(*shape, **kind).requires_grad_()
               for shape in ((5, 4, 7), (4, 4, size), (4, 4, size)))  # fmt: skip

    def gradients(worth: int) -> list[Any]:
        monkeypatch.setattr(recurrence, "WORTH", worth)
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths)
        made, (last, cells) = layer(packed, (h, c))
        loss = made.data.square().sum() + last.sin().sum() + (cells * cells).sum()
        return [g.numpy() for g in torch.autograd.grad(loss, [x, h, c, *layer.parameters()])]

    calls = []
    monkeypatch.setattr(
        recurrence, "_step", lambda *a, found=recurrence._step: calls.append(a) or found(*a)
    )
    found = gradients(0)
    assert any(kind == "lstm_back" for kind, _ in calls)
    for a, b in zip(found, gradients(1 << 40), strict=True):
        scale = np.abs(b).max()
        np.testing.assert_allclose(a / scale, b / scale, **CLOSE[dtype])


@pytest.mark.parametrize("shape", [(16, 4, 32, 5), (7, 3, 3, 1), (30, 5, 6, 11), (1, 2, 4, 3)])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_sums_over_alignments(dtype: str, shape: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Targets that do not fit in their time, and no time at all, among them."""
    times, count, classes, longest = shape
    rng = np.random.default_rng(times)
    scores = rng.standard_normal((times, count, classes))
    x = (scores - np.log(np.exp(scores).sum(-1, keepdims=True))).astype(dtype)
    durations = [times, *rng.integers(0, times + 1, count - 1).tolist()]
    lengths = rng.integers(0, longest + 1, count).tolist()
    lengths[-1] = durations[-1] = 0
    if count > 2:  # a target and no time for it
        lengths[1], durations[1] = longest, 0
    targets = rng.integers(1, classes, (count, longest))
    *states, _ = alignment.alignment_states(targets, durations, lengths, 0, times, classes)
    y, *weights = (rng.standard_normal((times, *states[0].shape)).astype(dtype) for _ in range(4))

    def results() -> list[Any]:
        with np.errstate(all="ignore"):
            made = list(alignment.alignment_losses(x, *states))
        return made + [alignment.alignment_sums(y, weights, back) for back in (False, True)]

    found = results()
    assert found[0][-1] == 0 and (count == 2 or found[0][1] == np.inf)
    monkeypatch.setattr(alignment, "_compiles", lambda dtype: False)
    expected = results()
    all_close(found[:2], expected[:2], dtype)
    for a, b in zip(found[2:], expected[2:], strict=True):
        scale = np.abs(b).max()  # terms of many sizes cancel
        np.testing.assert_allclose(a / scale, b / scale, **CLOSE[dtype])


def test_sums_with_weights_of_another_dtype(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not read as if they were of the same one."""
    rng = np.random.default_rng(0)
    x, *weights = (rng.standard_normal((5, 3, 7)) for _ in range(4))
    for dtypes in (("f4", "f8"), ("f8", "f4")):
        given = x.astype(dtypes[0]), [w.astype(dtypes[1]) for w in weights]
        for back in (False, True):
            found = alignment.alignment_sums(*given, back)
            with monkeypatch.context() as patch:
                patch.setattr(alignment, "_compiles", lambda dtype: False)
                expected = alignment.alignment_sums(*given, back)
            all_close([found], [expected], dtypes[0])
