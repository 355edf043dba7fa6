"""What custom functions must not return or do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as torch
from custom_functions import (
    Exp,
)
from pullback.autograd import Function


def leaf(*shape: int, seed: int = 0) -> Any:
    values = np.random.default_rng(seed).normal(size=shape)
    return torch.tensor(values).requires_grad_()


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ((torch.ones(3), None), r"at index 0 - got \[3\] but expected shape compatible with \[2\]"),
        ((None, torch.ones(2)), "different than None at position 2"),
        (torch.ones(2), r"incorrect number of gradients \(expected 2, got 1\)"),
        ((None, None, torch.ones(1)), r"expected 2, got 3"),
        (("text", None), r"expected Variable or None \(got str\)"),
    ],
)
def test_bad_gradients(returned: Any, message: str) -> None:
    class Bad(Function):
        @staticmethod
        def forward(ctx, x, n):
            return x * n

        @staticmethod
        def backward(ctx, g):
            return returned

    x = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=message):
        Bad.apply(x, 2).sum().backward()


def test_more_nones_than_arguments_are_fine() -> None:
    class More(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2, None, None

    x = leaf(2)
    More.apply(x).sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_no_gradient_at_all() -> None:
    class Nothing(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return None

    x = leaf(2)
    (Nothing.apply(x) + x).sum().backward()
    assert x.grad.tolist() == [1, 1]
    (g,) = torch.autograd.grad(Nothing.apply(x).sum(), x, allow_unused=True)
    assert g is None


@pytest.mark.parametrize(
    ("act", "kind", "message"),
    [
        (lambda ctx: ctx.save_for_backward(3), TypeError, "can only save variables, but argument"),
        (lambda ctx: ctx.save_for_forward(3), TypeError, "expects all arguments to be tensors"),
        (lambda ctx: ctx.mark_dirty("x"), RuntimeError, "mark_dirty can only accept variables"),
        (lambda ctx: ctx.mark_non_differentiable(2), RuntimeError, "can only accept variables"),
        (lambda ctx: ctx.missing, AttributeError, "set it in forward, or in setup_context"),
    ],
)
def test_bad_contexts(act: Any, kind: type[Exception], message: str) -> None:
    class Bad(Function):
        @staticmethod
        def forward(ctx, x):
            act(ctx)
            return x * 2

    with pytest.raises(kind, match=message):
        Bad.apply(leaf(2))


def test_what_is_not_written() -> None:
    class Empty(Function):
        pass

    x = leaf(2)
    with pytest.raises(NotImplementedError, match="implement the forward function"):
        Empty.apply(x)

    class NoBackward(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    with pytest.raises(NotImplementedError, match="either the backward or vjp method"):
        NoBackward.apply(x).sum().backward()
    with pytest.warns(DeprecationWarning, match="should not be instantiated"):
        instance = Exp()
    with pytest.raises(RuntimeError, match="Legacy autograd function"):
        instance(x)
