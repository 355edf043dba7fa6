"""Where elements are: what the samples of the declarations do not show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.backends.arrays import ARRAYS
from pullback.dispatch import TENSORS
from pullback.formula import Formula

NAN = float("nan")


# PyTorch 2.13's answers.
@pytest.mark.parametrize(
    ("sequence", "value", "left", "right"),
    [
        ([1.0, 2.0, NAN], NAN, 3, 3),
        ([1.0, 2.0, NAN, NAN], NAN, 4, 4),
        ([1.0, 2.0, NAN], 1.5, 1, 1),
        ([1.0, NAN, 3.0], 0.0, 2, 2),
        ([1.0, 2.0], NAN, 2, 2),
        ([NAN, NAN], 1.0, 2, 2),
    ],
)
def test_searchsorted_among_nan(sequence: Any, value: float, left: int, right: int) -> None:
    sorted_sequence = torch.tensor(sequence)
    assert torch.searchsorted(sorted_sequence, value).item() == left
    assert torch.searchsorted(sorted_sequence, value, right=True).item() == right
    rows = torch.stack([sorted_sequence] * 2)
    values = torch.full((2, 3), value)
    assert torch.searchsorted(rows, values).tolist() == [[left] * 3] * 2


def test_searchsorted_rounds_a_number_as_the_sequence() -> None:
    sequence = torch.tensor([0.1])
    assert torch.searchsorted(sequence, 0.1, right=True).item() == 1


def test_searchsorted_in_rows_is_that_of_each_row() -> None:
    torch.manual_seed(0)
    rows = torch.randint(0, 20, (5, 4, 17)).sort(-1).values
    values = torch.randint(-2, 22, (5, 4, 9))
    for right in (False, True):
        found = torch.searchsorted(rows, values, right=right)
        for k in range(5):
            for n in range(4):
                expected = torch.searchsorted(rows[k, n], values[k, n], right=right)
                assert torch.equal(found[k, n], expected)


def test_searchsorted_inside_vmap() -> None:
    rows = torch.tensor([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]])
    values = torch.tensor([3.0, 4.0])
    assert torch.vmap(torch.searchsorted)(rows, values).tolist() == [1, 1]
    assert torch.vmap(torch.searchsorted, (0, None))(rows, values).tolist() == [[1, 2], [1, 1]]
    assert torch.vmap(torch.bucketize, (0, None))(rows, rows[0]).tolist() == [[0, 1, 2], [1, 2, 3]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda s, x: torch.searchsorted(s, x, side="middle"), RuntimeError, "middle"),
        (lambda s, x: torch.searchsorted(s, x, side="left", right=True), RuntimeError, "opposites"),
        (lambda s, x: torch.searchsorted(s[0], x), RuntimeError, "0-d"),
        (lambda s, x: torch.searchsorted(s.reshape(1, 3), x), RuntimeError, r"\[1, 3\] and \[2\]"),
        (lambda s, x: torch.searchsorted(s, x, sorter=torch.arange(2)), RuntimeError, "sorter"),
        (lambda s, x: torch.searchsorted(s, x, sorter=torch.ones(3)), RuntimeError, "int64"),
        (lambda s, x: torch.searchsorted(s, 2j), NotImplementedError, "complex"),
        (lambda s, x: torch.searchsorted([1.0], x), TypeError, "sorted_sequence"),
        (lambda s, x: torch.bucketize(x, s.reshape(1, 3)), RuntimeError, r"\[1, 3\]"),
        (lambda s, x: torch.nonzero_static(x, size=-1), RuntimeError, "non-negative"),
        (lambda s, x: torch.unravel_index(x, (3, 2)), TypeError, "integer"),
        (lambda s, x: torch.unravel_index(x.long(), (3, 2.0)), TypeError, "only contain ints"),
        (lambda s, x: torch.unravel_index(x.long(), x), TypeError, "sequence of ints"),
        (lambda s, x: torch.unravel_index(x.long(), (3, -2)), ValueError, "negative"),
        (lambda s, x: torch.unravel_index(x.long(), (3, 0)), ZeroDivisionError, "no elements"),
    ],
)
def test_what_makes_no_sense_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0]))


def test_broadcast_shapes() -> None:
    assert torch.any(torch.tensor([True]))  # names of this module are not Python's
    assert torch.broadcast_shapes((2, 1), (3,), 1) == (2, 3)
    assert torch.broadcast_shapes([2, 1], torch.Size([2, 4])) == (2, 4)
    assert torch.broadcast_shapes((0,), 1) == (0,)
    made = torch.broadcast_shapes()
    assert made == ()
    assert isinstance(made, torch.Size)
    with pytest.raises(RuntimeError, match=r"\[2\], \[3\]"):
        torch.broadcast_shapes((2,), (3,))
    with pytest.raises(ValueError, match=r"\[-1\]"):
        torch.broadcast_shapes((-1,))
    with pytest.raises(RuntimeError, match="integers, or tuples"):
        torch.broadcast_shapes(torch.tensor([2]))
    with pytest.raises(TypeError, match="float"):
        torch.broadcast_shapes((2.5,))


def test_cross_of_all_pairs_is_never_stored() -> None:
    """One node with rules of its own, also of a formula."""
    torch.manual_seed(0)
    x = torch.randn(40, 1, 3, dtype=torch.float64, requires_grad=True)
    y = torch.randn(1, 50, 3, dtype=torch.float64, requires_grad=True)

    def gradients() -> Any:
        pairs = torch.linalg.cross(torch.sin(x - y), x + y)
        value = (pairs * pairs).sum()
        return [value, *torch.autograd.grad(value, (x, y))]

    expected = gradients()
    with torch.config(defer_elements=100):
        made = torch.linalg.cross(torch.sin(x - y), x + y)
        assert type(made._value) is Formula
        assert type(made.grad_fn).__name__ == "LinalgCrossBackward0"
        for a, b in zip(gradients(), expected, strict=True):
            assert torch.allclose(a, b)


def test_the_first_number_outside_of_a_range() -> None:
    for xp, made in ((ARRAYS, np.asarray), (TENSORS, torch.tensor)):
        assert xp.first_outside(made([0, 3, 2]), 0, 4) is None
        assert xp.first_outside(made([0, 4, -1]), 0, 4) == 4
        assert xp.first_outside(made([[2, -5], [-7, 9]]), 0, 4, -5) == -7
        assert xp.first_outside(made([1, -5]), 0, 4, -5) is None
        assert xp.first_outside(made(np.zeros(0, np.int64)), 0, 4) is None
        assert xp.first_outside(made(np.array([3, 200], np.uint8)), 0, 4, -100) == 200
        assert xp.first_outside(made(-3), -3, 3) is None


def test_numbers_of_all_examples_are_looked_at() -> None:
    x, good = torch.randn(3, 2, 4), torch.tensor([[0, 1], [2, 3], [3, -100]])
    loss = torch.vmap(torch.nn.functional.nll_loss)
    assert loss(x, good).shape == (3,)
    bad = good.clone()
    bad[2, 0] = 4
    with pytest.raises(IndexError, match="Target 4 is out of bounds"):
        loss(x, bad)
