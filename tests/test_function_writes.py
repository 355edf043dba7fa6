"""Custom functions that return views of their inputs, or write over them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as torch
from custom_functions import (
    Double,
    DoubleSaved,
    Flat,
    Same,
)
from pullback.autograd import Function, gradcheck


def leaf(*shape: int, seed: int = 0) -> Any:
    values = np.random.default_rng(seed).normal(size=shape)
    return torch.tensor(values).requires_grad_()


def test_an_input_that_is_returned_is_a_view() -> None:
    x = leaf(3)
    y = Same.apply(x)
    assert y is not x and x.is_leaf and y._is_view()
    y.sum().backward()
    assert x.grad.tolist() == [-1, -1, -1]


def test_an_input_that_is_overwritten_is_the_output() -> None:
    x = leaf(3)
    a = x * 1
    version = a._version
    b = Double.apply(a)
    assert b is a and a._version > version
    assert a.grad_fn.name() == "DoubleBackward"
    a.sum().backward()
    assert x.grad.tolist() == [2, 2, 2]


def test_writing_through_a_view_changes_the_base() -> None:
    x = leaf(2, 3)
    base = x * 1
    other = base[1]
    DoubleSaved.apply(base[0])
    weights = torch.arange(6.0, dtype=torch.float64).view(2, 3)
    assert base.grad_fn.name() == "torch::autograd::CopySlices"
    (base * weights).sum().backward()
    expected = weights.numpy().copy()
    expected[0] *= np.exp(x.detach().numpy()[0])
    np.testing.assert_allclose(x.grad, expected)
    assert other.tolist() == x[1].tolist()


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda x: Double.apply(x), "a leaf Variable that requires grad.*in-place operation"),
        (lambda x: Double.apply(x[0]), "a view of a leaf Variable that requires grad"),
        (lambda x: Same.apply(x).mul_(2), "input was returned as-is.*cloning the output"),
        (lambda x: Flat.apply(x).mul_(2), "FlatBackward is a view and is being modified"),
        (lambda x: Same.apply(x)[0].mul_(2), "SameBackward is a view and is being modified"),
        (lambda x: Double.apply((x * 1).unbind()[0]), "returns multiple views"),
    ],
)
def test_what_is_refused(act: Any, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        act(leaf(2, 2))


@pytest.mark.parametrize("function", [Same, Flat])
def test_a_view_of_a_function_whose_base_was_written(function: Any) -> None:
    x = leaf(2, 2)
    a = x * 1
    view = function.apply(a)
    a.mul_(2)
    a.sum().backward()
    assert x.grad.tolist() == [[2, 2], [2, 2]]
    with pytest.raises(RuntimeError, match="its base or another view of its base has been mod"):
        view.sum().backward()


def test_one_of_several_outputs_is_a_view() -> None:
    class Parts(Function):
        @staticmethod
        def forward(ctx, x):
            return x[0], x[1]

        @staticmethod
        def backward(ctx, a, b):
            return torch.stack([a, b])

    x = leaf(2, 3)
    a, b = Parts.apply(x)
    assert gradcheck(Parts.apply, [x])
    with pytest.raises(RuntimeError, match=r"Output 1 of PartsBackward.*multiple views"):
        b.mul_(2)
    with torch.no_grad():
        a.zero_()
    assert x[0].tolist() == [0, 0, 0]


def test_overwriting_a_view_needs_a_single_output() -> None:
    class Two(Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            return x, x + 1

        @staticmethod
        def backward(ctx, a, b):
            return (a + b) * 2

    x = leaf(2, 3)
    assert gradcheck(lambda x: Two.apply(x * 1), [x])
    with pytest.raises(RuntimeError, match="cannot return more than one Tensor: Two returns 2"):
        Two.apply((x * 1)[0])


def test_dirty_tensors_are_outputs_and_inputs() -> None:
    class Lost(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x.mul_(2))
            return x + 1

        @staticmethod
        def backward(ctx, g):
            return g

    with pytest.raises(RuntimeError, match="must all be outputs of the Function"):
        Lost.apply(leaf(2) * 1)

    class Other(Lost):
        @staticmethod
        def forward(ctx, x):
            y = x + 1
            ctx.mark_dirty(y)
            return y

    with pytest.warns(UserWarning, match="Only input Tensors should be given to ctx.mark_dirty"):
        Other.apply(leaf(2))
