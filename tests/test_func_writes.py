"""Transforms of functions that write over tensors of the outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import pullback as torch
from pullback.func import grad, grad_and_value, jacrev, jvp, vjp, vmap

ONES = [1.0, 1.0, 1.0]


def gradient(f: Any, x: Any) -> Any:
    return grad(lambda x: f(x).sum())(x)


def value_and_gradient(f: Any, x: Any) -> Any:
    return grad_and_value(lambda x: f(x).sum())(x)[0]


def pulled(f: Any, x: Any) -> Any:
    return vjp(f, x)[1](torch.ones(3))[0]


def from_jacrev(f: Any, x: Any) -> Any:
    return jacrev(f)(x).diagonal()


def pushed(f: Any, x: Any) -> Any:
    return jvp(f, (x,), (torch.ones(3),))[1]


WAYS = [gradient, value_and_gradient, pulled, from_jacrev, pushed]


def add(c: Any, x: Any) -> None:
    c.add_(x)


def assign(c: Any, x: Any) -> None:
    c[0], c[1], c[2] = x[0], x[1], x[2]


def write_a_view(c: Any, x: Any) -> None:
    c[:].copy_(x)


def write_in_two_parts(c: Any, x: Any) -> None:
    c[:1].copy_(x[:1])
    c[1:].copy_(x[1:])


@pytest.mark.parametrize("write", [add, assign, write_a_view, write_in_two_parts])
@pytest.mark.parametrize("way", WAYS)
def test_a_captured_tensor_keeps_numbers_and_no_history(
    way: Callable[[Any, Any], Any], write: Callable[[Any, Any], None]
) -> None:
    c, x = torch.zeros(3), torch.ones(3)
    part = c[1:]

    def f(x: Any) -> Any:
        write(c, x)
        return c * x

    assert way(f, x).tolist() == [2, 2, 2]  # through c as well
    assert c.tolist() == ONES
    assert not c.requires_grad and not part.requires_grad and c.grad_fn is None
    assert type(c) is torch.Tensor
    c.zero_()
    assert way(f, x).tolist() == [2, 2, 2]


def test_a_captured_tensor_that_is_returned() -> None:
    c = torch.zeros(3)
    y, pull = vjp(c.add_, torch.ones(3))
    assert not c.requires_grad
    assert y.tolist() == ONES
    assert pull(torch.tensor([1.0, 2.0, 3.0]))[0].tolist() == [1, 2, 3]


def test_histories_that_lead_outside_are_kept() -> None:
    c, x = torch.zeros(3), torch.ones(3, requires_grad=True)

    def f(x: Any) -> Any:
        c.add_(x * x)
        return (c * x).sum()

    assert grad(f)(x).tolist() == [3, 3, 3]
    assert torch.autograd.grad(c.sum(), x)[0].tolist() == [2, 2, 2]


def test_transforms_in_transforms() -> None:
    c, x = torch.zeros(3), torch.ones(3)

    def f(x: Any) -> Any:
        c.copy_(x)
        return (c * x * x).sum()

    assert jacrev(grad(f))(x).diagonal().tolist() == [6, 6, 6]
    assert not c.requires_grad
    assert grad(lambda x: grad(f)(x).sum())(x).tolist() == [6, 6, 6]
    assert not c.requires_grad


def test_a_function_that_fails_leaves_no_history() -> None:
    c = torch.zeros(3)

    def f(x: Any) -> Any:
        c.add_(x)
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        grad(f)(torch.ones(3))
    assert not c.requires_grad
    assert not (c + 1).requires_grad


@pytest.mark.parametrize("inside", [lambda f: f, grad])
def test_examples_do_not_write_what_they_share(inside: Any) -> None:
    c = torch.zeros(3)

    def f(x: Any) -> Any:
        c.add_(x)
        return x.sum()

    with pytest.raises(RuntimeError, match=r"vmap: inplace arithmetic.*is not possible because"):
        vmap(inside(f))(torch.ones(2, 3))
    assert c.tolist() == [0, 0, 0]
