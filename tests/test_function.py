"""Custom functions: `autograd.Function`."""

from __future__ import annotations

import gc
import warnings
import weakref
from typing import Any, ClassVar

import numpy as np
import pytest

import pullback as torch
from custom_functions import (
    Double,
    DoubleSaved,
    Exp,
    Flat,
    Halves,
    Once,
    Product,
    Same,
    Scale,
    Sorted,
)
from pullback.autograd import Function, gradcheck, gradgradcheck
from pullback.autograd.function import FunctionCtx
from pullback.config import config


def leaf(*shape: int, seed: int = 0) -> Any:
    values = np.random.default_rng(seed).normal(size=shape)
    return torch.tensor(values).requires_grad_()


# ------------------------------------------------------------------------------- derivatives


@pytest.mark.parametrize(
    ("function", "count"),
    [
        (Exp.apply, 1),
        (lambda x: Scale.apply(x, 3.0, shift=1.0), 1),
        (Product.apply, 2),
        (lambda x: Product.apply(x, x), 1),
        (lambda x: Halves.apply(x)[2], 1),
        (lambda x: Flat.apply(x) ** 2, 1),
        (lambda x: DoubleSaved.apply(x * x), 1),
        (lambda x: Sorted.apply(x.view(-1))[0] ** 2, 1),
        (lambda x: Product.apply(Exp.apply(x), x.sum(0)), 1),
    ],
)
def test_derivatives_of_both_orders(function: Any, count: int) -> None:
    inputs = [leaf(2, 3, seed=k) for k in range(count)]
    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


def test_the_node() -> None:
    x = leaf(3)
    y = Exp.apply(x)
    node = y.grad_fn
    assert node.name() == type(node).__name__ == "ExpBackward"
    assert isinstance(node, Exp._backward_cls)
    assert [n for n, _ in node.next_functions] == [x._edge[0]]
    assert node.saved_tensors[0] is y
    z = Scale.apply(y)
    assert z.grad_fn.factor == 2.0
    assert z.grad_fn.next_functions == ((node, 0),)
    assert z.grad_fn.attributes() == {"factor": 2.0}
    assert z.grad_fn.needs_input_grad == (True, False)
    z.grad_fn.note = "set on the node"
    assert z.grad_fn.context.note == z.grad_fn.note == "set on the node"
    z.grad_fn.metadata["mine"] = 1
    assert z.grad_fn.metadata == {"mine": 1}
    with pytest.raises(AttributeError, match="ScaleBackward has no attribute 'other'"):
        _ = z.grad_fn.other


def test_nothing_is_recorded_where_nothing_needs_a_gradient() -> None:
    x = torch.ones(3)
    assert not Exp.apply(x).requires_grad
    x.requires_grad_()
    with torch.no_grad():
        y = Exp.apply(x)
        same = Same.apply(x)
    assert not y.requires_grad and not same.requires_grad
    same.mul_(2)
    assert x.tolist() == [2, 2, 2]
    assert torch.is_grad_enabled()


def test_the_forward_is_not_recorded_and_gets_the_tensors_themselves() -> None:
    seen = []

    class Look(Function):
        @staticmethod
        def forward(ctx, x, numbers):
            seen.append((x, torch.is_grad_enabled(), (x * 2).requires_grad, numbers))
            assert isinstance(ctx, FunctionCtx)
            return x * 1

        @staticmethod
        def backward(ctx, g):
            seen.append(torch.is_grad_enabled())
            return g, None

    x = leaf(2)
    numbers = {"a": 1}
    y = Look.apply(x, numbers)
    assert seen[0][0] is x and seen[0][1:] == (False, False, numbers)
    torch.autograd.grad(y.sum(), x, create_graph=True)
    torch.autograd.grad(y.sum(), x)
    assert seen[1:] == [True, False]


def test_none_for_unused_outputs_without_materialization() -> None:
    x = leaf(2)
    for materialize, unused in ((True, 0), (False, None)):
        Halves.materialize, Halves.given = materialize, []
        y, text, _ = Halves.apply(x)
        assert text == "no tensor"
        (g,) = torch.autograd.grad(y.sum(), x)
        assert g.tolist() == [2, 2]
        ((a, none, b),) = Halves.given
        assert a.tolist() == [1, 1] and none is None
        assert (b is None) if unused is None else b.tolist() == [0, 0]
    Halves.materialize = True


def test_indices_are_no_part_of_the_graph() -> None:
    x = leaf(5)
    values, places = Sorted.apply(x)
    assert values.requires_grad and not places.requires_grad and places.grad_fn is None
    (values * torch.arange(5.0)).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy()[places.numpy()], np.arange(5.0))


def test_floats_marked_as_constants() -> None:
    class Two(Function):
        @staticmethod
        def forward(ctx, x):
            y = x.floor()
            ctx.mark_non_differentiable(y)
            return x - y, y

        @staticmethod
        def backward(ctx, g, zero):
            assert zero.abs().sum() == 0
            return g

    x = leaf(4)
    rest, whole = Two.apply(x)
    assert rest.requires_grad and not whole.requires_grad
    (rest + whole).sum().backward()
    assert x.grad.tolist() == [1, 1, 1, 1]


def test_once_differentiable() -> None:
    x = leaf(3)
    y = Once.apply(x).sum()
    (g,) = torch.autograd.grad(y, x, create_graph=True)
    np.testing.assert_allclose(g.detach(), 2 * x.detach().numpy())
    assert not g.requires_grad  # nothing that it was computed from requires a gradient
    weights = leaf(3, seed=1)
    (g,) = torch.autograd.grad((Once.apply(x) * weights).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice"):
        g.sum().backward()


def test_gradients_are_brought_to_shape_and_dtype() -> None:
    class Outer(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            return g, g.double()

    x = torch.ones(3, 1, requires_grad=True)
    y = torch.ones(4, requires_grad=True)
    z = Outer.apply(x, y)
    for record in (False, True):
        gx, gy = torch.autograd.grad(z.sum(), [x, y], create_graph=record, retain_graph=True)
        assert gx.tolist() == [[4], [4], [4]] and gy.tolist() == [3, 3, 3, 3]
        assert gx.dtype is gy.dtype is torch.float32


def test_complex_gradients_follow_the_convention() -> None:
    class Square(Function):
        @staticmethod
        def forward(ctx, z):
            ctx.save_for_backward(z)
            return z * z

        @staticmethod
        def backward(ctx, g):
            return g * (2 * ctx.saved_tensors[0]).conj()

    z = torch.tensor([1 + 2j, 3 - 1j], dtype=torch.complex128).requires_grad_()
    assert gradcheck(Square.apply, [z])


def test_vjp_is_another_name_of_backward() -> None:
    class New(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def vjp(ctx, g):
            return g * 2

    x = leaf(2)
    New.apply(x).sum().backward()
    assert x.grad.tolist() == [2, 2]

    class Both(New):
        @staticmethod
        def backward(ctx, g):
            return g

    with pytest.raises(RuntimeError, match="Implementing both 'backward' and 'vjp'"):
        Both.apply(x).sum().backward()


def test_the_methods_of_transforms_are_there() -> None:
    assert Function.generate_vmap_rule is False
    for name in ("jvp", "vmap"):
        assert getattr(Exp, name) is getattr(Function, name)
    with pytest.raises(NotImplementedError, match="implement the jvp function"):
        Exp.jvp(None, None)
    with pytest.raises(NotImplementedError, match="generate_vmap_rule=True"):
        Exp.vmap(None, (), None)

    class Forward(Exp):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_forward(x)
            assert ctx.saved_for_forward[0] is x
            return x * 2

    assert Forward.apply(torch.ones(1)).tolist() == [2]


def test_a_function_in_a_function() -> None:
    class Outer(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            with torch.enable_grad():
                inner = x.detach().requires_grad_()
                y = Exp.apply(inner).sum()
            (ctx.slope,) = torch.autograd.grad(y, inner)
            return y.detach()

        @staticmethod
        def backward(ctx, g):
            return g * ctx.slope

    x = leaf(3)
    assert gradcheck(Outer.apply, [x])


# ------------------------------------------------------------------------------- memory


def test_saved_values_are_freed_and_can_be_kept() -> None:
    x = leaf(3)
    y = Exp.apply(x).sum()
    y.backward(retain_graph=True)
    y.backward()
    node = y.grad_fn.next_functions[0][0]
    assert node.released
    with pytest.raises(RuntimeError, match=r"ExpBackward saved were freed.*retain_graph=True"):
        y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        _ = node.saved_tensors
    same = Same.apply(x).sum()  # saves nothing
    same.backward()
    same.backward()


def test_no_circles() -> None:
    gc.collect()
    gc.disable()
    try:
        x = leaf(3)
        nodes = []
        for y in (Exp.apply(x), DoubleSaved.apply(x * 1), Product.apply(x, x * 1)):
            nodes.append(weakref.ref(y.grad_fn))
        del y
        assert [n() for n in nodes] == [None] * 3
    finally:
        gc.enable()


def test_overwritten_saved_tensors_are_noticed() -> None:
    x = leaf(3)
    a = x * 1
    y = Product.apply(a, x)
    a.mul_(2)
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation.*ProductBackward"):
        y.sum().backward()
    y = Exp.apply(x)
    y.mul_(2)
    with pytest.raises(RuntimeError, match=r"shape \[3\], which ExpBackward had saved"):
        y.sum().backward()


def test_gradients_are_the_leaf_s_own() -> None:
    constant = torch.ones(3, dtype=torch.float64)

    class Constant(Function):
        @staticmethod
        def forward(ctx, x):
            return x.sum()

        @staticmethod
        def backward(ctx, g):
            return constant

    x = leaf(3)
    for _ in range(3):
        Constant.apply(x).backward()
    assert x.grad.tolist() == [3, 3, 3]
    assert constant.tolist() == [1, 1, 1]


# ------------------------------------------------------------------------------- formulas


class Gauss(Function):
    """exp(-d²) and its derivatives, written with operations."""

    seen: ClassVar[list[Any]] = []

    @staticmethod
    def forward(ctx, d):
        Gauss.seen.append(d._is_formula)
        k = (-d).exp()
        ctx.save_for_backward(k)
        return k

    @staticmethod
    def backward(ctx, g):
        (k,) = ctx.saved_tensors
        Gauss.seen += [k._is_formula, (g * k)._is_formula]
        return -g * k


def test_large_tensors_stay_formulas() -> None:
    n = 300
    with config(defer_elements=1_000):
        x, y = leaf(n, 2), leaf(n, 2, seed=1)
        results = []
        for function in (Gauss.apply, lambda d: (-d).exp()):
            d = ((x[:, None] - y[None]) ** 2).sum(-1)
            loss = function(d).sum(1).square().sum()
            results.append(torch.autograd.grad(loss, [x, y], create_graph=True))
            results.append(torch.autograd.grad(loss, [x, y], retain_graph=True))
        assert all(Gauss.seen[:3])
        first, plain, expected, _ = results
        for a, b, c in zip(first, plain, expected, strict=True):
            np.testing.assert_allclose(a.detach(), c.detach(), rtol=1e-10)
            np.testing.assert_allclose(b, c.detach(), rtol=1e-10)
        second = torch.autograd.grad(first[0].square().sum(), [x, y])
        wanted = torch.autograd.grad(expected[0].square().sum(), [x, y])
        for a, b in zip(second, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9)


@pytest.mark.parametrize("function", [Same, Flat])
def test_views_of_formulas(function: Any) -> None:
    with config(defer_elements=10):
        x = leaf(4, 5)
        a = x * 2
        assert a._is_formula
        view = function.apply(a)
        assert view._is_view()
        with pytest.raises(RuntimeError, match="is a view and is being modified inplace"):
            view.mul_(2)
        (g,) = torch.autograd.grad(view.sum(), x)
        assert g.tolist() == (x.detach() * 0 + (-2 if function is Same else 2)).tolist()


def test_formulas_are_overwritten() -> None:
    with config(defer_elements=10):
        x = leaf(4, 5)
        assert gradcheck(lambda x: Double.apply(x * x), [x])
        assert gradcheck(lambda x: DoubleSaved.apply(x * x) * x, [x])


def test_no_warning_in_common_use() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Exp.apply(leaf(2)).sum().backward()


def test_cotangents_in_a_box() -> None:
    class Both(Function):
        boxed_grads_call = True

        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            ctx.save_for_backward(x)
            return x * 2, y * 3

        @staticmethod
        def backward(ctx: Any, grads: list[Any]) -> Any:
            with pytest.warns(DeprecationWarning, match="saved_tensors"):
                assert len(ctx.saved_variables) == 1
            a, b = grads
            grads.clear()
            return a * 2, b * 3

    x, y = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    a, b = Both.apply(x, y)
    (a * b).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([6, 6], [6, 6])


def test_old_functions() -> None:
    with pytest.warns(DeprecationWarning, match="static"):
        assert torch.autograd.function.InplaceFunction(inplace=True).inplace
