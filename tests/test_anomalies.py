"""Anomaly detection: errors show the line of the forward pass."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback as torch
from custom_functions import EXPRESSIONS, Square
from pullback.config import config

grad = torch.autograd.grad


def leaf(*shape: int, seed: int = 0) -> Any:
    values = np.random.default_rng(seed).normal(size=shape)
    return torch.tensor(values).requires_grad_()


@pytest.fixture
def quiet() -> Any:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught
    assert not torch.autograd.is_anomaly_enabled()


def test_nan_is_an_anomaly(quiet: Any) -> None:
    x = torch.tensor([-1.0, 4.0], requires_grad=True)
    with torch.autograd.detect_anomaly():
        y = x.sqrt()  # the line that made the node
        with pytest.raises(RuntimeError) as caught:
            y.sum().backward()
    message = str(caught.value)
    assert message.startswith("Function 'SqrtBackward0' returned nan values in its 0th output.")
    assert Path(__file__).name in message and "the line that made the node" in message
    texts = [str(w.message) for w in quiet]
    assert texts[0].startswith("Anomaly Detection has been enabled.")
    assert texts[1].startswith("Error detected in SqrtBackward0. Traceback of forward call")
    assert "the line that made the node" in texts[1]
    assert "pullback/dispatch" not in texts[1]


@pytest.mark.parametrize("check_nan", [False, True])
def test_nan_need_not_be_looked_for(check_nan: bool, quiet: Any) -> None:
    x = torch.tensor([-1.0], requires_grad=True)
    with torch.autograd.detect_anomaly(check_nan=check_nan):
        assert torch.autograd.is_anomaly_check_nan_enabled() is check_nan
        y = x.sqrt().sum()
        if check_nan:
            with pytest.raises(RuntimeError, match="returned nan values"):
                y.backward()
        else:
            y.backward()
            assert x.grad.isnan().all()


def test_errors_show_the_line_of_the_forward(quiet: Any) -> None:
    class Fails(Square):
        @staticmethod
        def backward(ctx, g):
            raise ValueError("in the backward")

    x = leaf(2)
    with torch.autograd.detect_anomaly():
        y = Fails.apply(x).sum()  # made here, and here
        with pytest.raises(ValueError, match="in the backward") as caught:
            y.backward()
    (note,) = caught.value.__notes__
    assert "FailsBackward was made here" in note and "made here, and here" in note
    assert "Error detected in FailsBackward" in str(quiet[-1].message)


def test_overwritten_values_show_their_line(quiet: Any) -> None:
    x = leaf(2)
    with torch.autograd.detect_anomaly():
        a = x * 1
        y = a[0] * a[1:]  # whose inputs are overwritten
        a.zero_()
        with pytest.raises(RuntimeError, match="inplace operation") as caught:
            y.sum().backward()
    assert "whose inputs are overwritten" in caught.value.__notes__[0]


def test_nodes_that_a_backward_pass_made(quiet: Any) -> None:
    x = torch.tensor([0.0], requires_grad=True)
    with torch.autograd.detect_anomaly():
        y = (x**1.5).sum()  # the first derivative is fine
        (g,) = grad(y, x, create_graph=True)
        node = g.grad_fn
        assert node.metadata["parent_"].name() == "PowBackward0"
        with pytest.raises(RuntimeError, match="nan values"):
            (g * 0).sum().backward()
    assert any("the first derivative" in str(w.message) for w in quiet)


def test_nodes_from_before(quiet: Any) -> None:
    y = torch.tensor([-1.0], requires_grad=True).sqrt()
    with torch.autograd.detect_anomaly(), pytest.raises(RuntimeError, match="was made before"):
        y.sum().backward()
    assert "No forward pass information available" in str(quiet[-1].message)


def test_set_detect_anomaly(quiet: Any) -> None:
    seen = []
    x = leaf(2)
    with torch.autograd.set_detect_anomaly(True):
        assert torch.autograd.is_anomaly_enabled()
        seen.append(x.exp().grad_fn.metadata)
        thread = threading.Thread(target=lambda: seen.append(x.exp().grad_fn.metadata))
        thread.start()
        thread.join()
        with torch.autograd.set_detect_anomaly(False):
            seen.append(x.exp().grad_fn.metadata)
        with torch.no_grad(), torch.enable_grad():
            seen.append(x.exp().grad_fn.metadata)
    assert ["traceback_" in m for m in seen] == [True, True, False, True]
    torch.autograd.set_detect_anomaly(True)
    torch.autograd.set_detect_anomaly(False)
    assert "traceback_" not in x.exp().grad_fn.metadata
    assert not quiet


def test_large_formulas_are_looked_through(quiet: Any) -> None:
    with config(defer_elements=100), torch.autograd.detect_anomaly():
        x = torch.linspace(0, 1, 50, dtype=torch.float64).requires_grad_()
        d = (x[:, None] - x).abs()
        loss = (d * d).sqrt().sum()
        with pytest.raises(RuntimeError, match=r"'(Sqrt|Mul)Backward0' returned nan"):
            loss.backward()


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_nothing_else_changes(expression: Any, quiet: Any) -> None:
    x, y = leaf(3, 4), leaf(3, 4, seed=1)
    expected = grad(expression(x, y).sum(), [x, y])
    with torch.autograd.detect_anomaly():
        found = grad(expression(x, y).sum(), [x, y])
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
