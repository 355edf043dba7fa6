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
    found, expected = CASES[name](torch), PYTORCH[name]
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
