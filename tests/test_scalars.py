"""Functions of numbers as pointwise operations: `pullback.elementwise`."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.autograd import gradcheck, gradgradcheck
from pullback.config import config


def leaf(*shape: int, seed: int = 0) -> Any:
    values = np.random.default_rng(seed).normal(size=shape)
    return torch.tensor(values).requires_grad_()


@torch.elementwise
def softsign(x):
    """Smooth sign."""
    return x / (1 + abs(x))


@torch.elementwise
def student(x, y, scale=2.0, *, shift=0.0):
    d = (x - y) / scale
    return 1 / (1 + d * d) + shift


@torch.elementwise
def pieces(x, y):
    inside = (x > -1) & (x < 1)
    return torch.where(inside, torch.exp(x * y), x.sin() + torch.minimum(y, x * 0.1)) ** 2


@torch.elementwise
def composed(x):
    """With functions that are themselves composed of others."""
    return torch.sigmoid(x) * torch.nn.functional.softplus(x) + x.clamp(-0.5, 0.5) + softsign(x)


@torch.elementwise
def names(g, y, xp, x_shape):
    return g * y + xp * x_shape


FUNCTIONS = [
    (softsign, lambda x: x / (1 + np.abs(x)), 1),
    (student, lambda x, y: 1 / (1 + ((x - y) / 2) ** 2), 2),
    (
        pieces,
        lambda x, y: np.where(
            np.abs(x) < 1, np.exp(x * y), np.sin(x) + np.minimum(y, x * 0.1)
        ) ** 2,
        2,
    ),
    (
        composed,
        lambda x: 1 / (1 + np.exp(-x)) * np.log1p(np.exp(x)) + np.clip(x, -0.5, 0.5)
        + x / (1 + np.abs(x)),
        1,
    ),
    (names, lambda a, b, c, d: a * b + c * d, 4),
]  # fmt: skip


@pytest.mark.parametrize(("function", "reference", "count"), FUNCTIONS)
def test_values_and_derivatives(function: Any, reference: Any, count: int) -> None:
    inputs = [leaf(3, 4, seed=k) for k in range(count)]
    arrays = [x.detach().numpy() for x in inputs]
    np.testing.assert_allclose(function(*inputs).detach(), reference(*arrays), rtol=1e-12)
    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


@pytest.mark.parametrize(("function", "reference", "count"), FUNCTIONS)
def test_formulas(function: Any, reference: Any, count: int) -> None:
    """In loops: the same numbers, and the same gradients, without storing anything."""
    inputs = [leaf(*((1,) * k), 30, *((1,) * (1 - k)), seed=k) for k in (0, 1)] * 2
    inputs = inputs[:count]
    stored = function(*inputs)
    expected = torch.autograd.grad(stored.square().sum(), inputs, create_graph=True)
    wanted = torch.autograd.grad(sum(g.sin().sum() for g in expected), inputs)
    with config(defer_elements=10):
        value = function(*inputs)
        assert value._is_formula
        found = torch.autograd.grad(value.square().sum(), inputs, create_graph=True)
        second = torch.autograd.grad(sum(g.sin().sum() for g in found), inputs)
        first = torch.autograd.grad(function(*inputs).square().sum(), inputs)
        np.testing.assert_allclose(value.detach(), stored.detach(), rtol=1e-12)
    for a, b, c in zip(found, first, expected, strict=True):
        np.testing.assert_allclose(a.detach(), c.detach(), rtol=1e-9)
        np.testing.assert_allclose(b, c.detach(), rtol=1e-9)
    for a, b in zip(second, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9)


def test_it_joins_a_loop_that_stores_nothing() -> None:
    n = 2_000
    x = torch.linspace(0, 1, n).requires_grad_()
    with config(memory_budget=1_000_000):  # a sixteenth of one matrix
        k = student(x[:, None], x[None])
        assert k._value.is_large
        loss = (k @ torch.ones(n, 1)).sum()
        (g,) = torch.autograd.grad(loss, x)
    dense = x.detach().numpy()[:, None] - x.detach().numpy()
    np.testing.assert_allclose(loss.item(), (1 / (1 + (dense / 2) ** 2)).sum(), rtol=1e-5)
    slope = -2 * (dense / 4) / (1 + (dense / 2) ** 2) ** 2
    np.testing.assert_allclose(g, 2 * slope.sum(1), rtol=1e-3, atol=0.05)


# ------------------------------------------------------------------------------ like any other


def test_the_node_and_the_function() -> None:
    x = leaf(3)
    y = softsign(x)
    assert y.grad_fn.name() == "SoftsignBackward0"
    assert [n for n, _ in y.grad_fn.next_functions] == [x._edge[0]]
    assert softsign.__name__ == "softsign" and softsign.__doc__ == "Smooth sign."
    assert repr(student) == "<elementwise function student(x, y, scale=2.0, *, shift=0.0)>"
    assert "softsign" not in dir(torch)  # it belongs to who made it
    square = torch.elementwise(lambda x: x * x)
    assert square(x).grad_fn.name() == "ElementwiseBackward0"


def test_types_broadcast_and_promote() -> None:
    for dtype in (torch.float16, torch.float32, torch.float64):
        x = torch.tensor([-1.0, 0.5], dtype=dtype).requires_grad_()
        y = softsign(x)
        assert y.dtype is dtype
        y.sum().backward()
        assert x.grad.dtype is dtype
        np.testing.assert_allclose(x.grad, 1 / (1 + np.abs([-1, 0.5])) ** 2, rtol=1e-3)
    assert softsign(torch.tensor([1, 3])).tolist() == [0.5, 0.75]
    assert softsign(torch.tensor([True])).dtype is torch.float32
    x, y = torch.ones(3, 1, dtype=torch.float64), torch.zeros(2)
    assert student(x, y).shape == (3, 2) and student(x, y).dtype is torch.float64
    assert student(x, y, 1).tolist() == [[0.5, 0.5]] * 3
    assert student(x, y, scale=torch.ones(2), shift=1).tolist() == [[1.5, 1.5]] * 3
    assert student(0.0, y).tolist() == [1, 1]
    gx, gy = leaf(3, 1), leaf(2)
    assert gradcheck(student, [gx, gy, leaf(3, 2, seed=2)])


def test_special_values_pass_through() -> None:
    x = torch.tensor([math.inf, -math.inf, math.nan, 0.0, -0.0], dtype=torch.float64)
    twice = torch.elementwise(lambda x: 2 * x + 0.1)
    np.testing.assert_array_equal(twice(x), 2 * x.numpy() + 0.1)
    steps = torch.elementwise(lambda x: torch.where(x < 0, -math.inf, x))
    assert steps(torch.tensor([-1.0, 2.0])).tolist() == [-math.inf, 2]


def test_comparisons_and_constants() -> None:
    near = torch.elementwise(lambda x, y: (x - y).abs() < 0.5)
    found = near(leaf(3), leaf(3))
    assert found.dtype is torch.bool and found.all() and not found.requires_grad
    first = torch.elementwise(lambda x, y: x * 2)
    x, y = leaf(3), leaf(3)
    (gx, gy) = torch.autograd.grad(first(x, y).sum(), [x, y], allow_unused=True)
    assert gx.tolist() == [2, 2, 2] and gy is None
    assert gradcheck(first, [x, y])


def test_a_closure_s_numbers_are_kept_as_they_were() -> None:
    factor = 3.0
    scaled = torch.elementwise(lambda x: x * factor)
    assert scaled(torch.ones(1)).item() == 3
    factor = 4.0
    assert scaled(torch.ones(1)).item() == 3
    factor = 0.1
    double = torch.elementwise(lambda x: x * factor)
    assert double(torch.ones(1, dtype=torch.float64)).item() == 0.1


def test_transforms() -> None:
    x, y = leaf(5).detach(), leaf(5, seed=1).detach()
    func = torch.func
    by_rows, by_columns = func.jacrev(pieces)(x, y), func.jacfwd(pieces)(x, y)
    np.testing.assert_allclose(by_rows, by_columns, rtol=1e-12)
    slopes = func.vmap(func.grad(pieces))(x, y)
    np.testing.assert_allclose(slopes, by_rows.diagonal(), rtol=1e-12)
    declared = torch.elementwise(lambda x, y: x * y, grad=lambda x, y: (y, None))
    _, tangent = func.jvp(declared, (x, y), (torch.ones_like(x), torch.ones_like(y)))
    np.testing.assert_allclose(tangent, y)


def test_threads() -> None:
    cube = torch.elementwise(lambda x: x * x * x)
    x = leaf(10)
    threads = [threading.Thread(target=lambda: cube(x).sum().backward()) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    np.testing.assert_allclose(x.grad, 8 * 3 * x.detach().numpy() ** 2)


# ------------------------------------------------------------------------------ declared


def test_declared_derivatives() -> None:
    xlogy = torch.elementwise(
        lambda x, y: x * torch.log(y), grad=lambda x, y: (torch.log(y), x / y)
    )
    x, y = leaf(4), leaf(4).detach().exp().requires_grad_()
    assert gradcheck(xlogy, [x, y])
    assert gradgradcheck(xlogy, [x, y])
    with config(defer_elements=2):
        assert gradcheck(xlogy, [x, y])

    @torch.elementwise(grad=lambda x: 1)
    def straight_through(x):
        """Rounds; differentiated as if it did not."""
        return x.round()

    x = torch.tensor([0.3, 1.7], requires_grad=True)
    y = straight_through(x)
    assert y.tolist() == [0, 2]
    (y * torch.tensor([2.0, 3.0])).sum().backward()
    assert x.grad.tolist() == [2, 3]
    partly = torch.elementwise(lambda x, y: x * y, grad=lambda x, y: (y, None))
    a, b = leaf(2), leaf(2)
    ga, gb = torch.autograd.grad(partly(a, b).sum(), [a, b], allow_unused=True)
    assert ga.tolist() == b.tolist() and gb is None


# ------------------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (lambda x: x if x > 0 else -x, r"no value that `if`.*torch.where\(condition, a, b\)"),
        (lambda x: max(x, 0), "no value that `if`"),
        (lambda x: math.exp(x), "the functions of math and NumPy.*torch.exp"),
        (lambda x: np.exp(x), "the functions of math and NumPy"),
        (lambda x: x.item(), "no value"),
        (lambda x: x.sum(), r"sum\(\) is not an operation on single numbers"),
        (lambda x: x[None], r"must return a number, not a tensor of shape \[1\]"),
        (lambda x: x + torch.ones(3), "of shape"),
        (lambda x: 3.0, "must return a number that is computed from its arguments, not float"),
        (lambda x: None, "not NoneType"),
    ],
)
def test_bodies_that_are_not_of_numbers(body: Any, message: str) -> None:
    function = torch.elementwise(body)
    with pytest.raises(TypeError, match=message):
        function(torch.ones(2))
    assert (torch.ones(2) * 2).tolist() == [2, 2]  # nothing is left behind
    assert torch.ones(()).item() == 1


@pytest.mark.parametrize(
    ("act", "kind", "message"),
    [
        (lambda: torch.elementwise(3), TypeError, "takes a function, not int"),
        (lambda: torch.elementwise(lambda *a: 1), TypeError, "any number of arguments"),
        (lambda: torch.elementwise(lambda: 1), TypeError, "takes no arguments"),
        (lambda: softsign(), TypeError, r"softsign\(\): missing a required argument: 'x'"),
        (lambda: softsign(1.0), TypeError, "at least one argument must be a Tensor, not float"),
        (lambda: softsign(torch.ones(1), 2), TypeError, "too many positional arguments"),
        (lambda: student(torch.ones(1), "a"), TypeError,
         r"student\(\): argument 'y' must be Tensor or a number, not str"),
        (lambda: student(torch.ones(3), torch.ones(2)), RuntimeError, "must match the size"),
        (lambda: softsign(torch.ones(1, dtype=torch.complex64)), NotImplementedError,
         "function of real numbers, and not defined for torch.complex64"),
        (lambda: torch.elementwise(lambda x, y: x * y, grad=lambda x, y: y)(
            torch.ones(1), torch.ones(1)), TypeError, "grad must give 2 partial derivatives"),
    ],
)  # fmt: skip
def test_what_is_refused(act: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        act()
