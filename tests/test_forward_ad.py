"""Forward mode: tangents against finite differences for every operation, and dual tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as torch
from operation_cases import DIFFERENTIABLE, function_of, over, takes_complex
from pullback.autograd import forward_ad as fwAD, grad, gradcheck, gradgradcheck
from sampling import Call


def check(call: Call, dtype: str) -> None:
    function, inputs = function_of(call, dtype)
    results = function(*inputs)
    if not any(r.dtype.is_floating_point or r.dtype.is_complex for r in results):
        return  # positions, as `where(condition)` gives
    assert gradcheck(function, inputs, check_backward_ad=False, check_forward_ad=True,
                     check_batched_forward_grad=True)  # fmt: skip
    assert gradgradcheck(function, inputs, check_rev_over_rev=False, check_fwd_over_rev=True,
                         fast_mode=True)  # fmt: skip


@over(DIFFERENTIABLE)
def test_tangents(call: Call) -> None:
    check(call, "float64")


@over([c for c in DIFFERENTIABLE if takes_complex(c)])
def test_tangents_of_complex_numbers(call: Call) -> None:
    check(call, "complex128")


# ------------------------------------------------------------------------------ dual tensors


def test_dual_tensors() -> None:
    x, t = torch.randn(3), torch.randn(3)
    with fwAD.dual_level() as level:
        assert level == 0
        dual = fwAD.make_dual(x, t)
        assert fwAD.unpack_dual(dual).tangent is not None
        y = dual.sin() * 2
        primal, tangent = fwAD.unpack_dual(y)
        np.testing.assert_allclose(primal, 2 * x.sin())
        np.testing.assert_allclose(tangent, 2 * t * x.cos(), rtol=1e-6)
        assert fwAD.unpack_dual(x) == (x, None)
        assert fwAD.unpack_dual(dual.detach()).tangent is None
        assert y.shape == (3,) and y.numpy().shape == (3,) and "tensor(" in repr(y)
    assert fwAD.unpack_dual(y).tangent is None
    assert type(y) is torch.Tensor
    np.testing.assert_allclose(y + 0, 2 * x.sin())


def test_errors() -> None:
    x = torch.ones(3)
    with pytest.raises(RuntimeError, match="no level exists"):
        fwAD.make_dual(x, x)
    with pytest.raises(RuntimeError, match="not the last one"):
        fwAD.exit_dual_level()
    with fwAD.dual_level():
        with pytest.raises(RuntimeError, match="different size"):
            fwAD.make_dual(x, torch.ones(2))
        with pytest.raises(ValueError, match="Expected primal to be floating point"):
            fwAD.make_dual(torch.ones(3, dtype=torch.int64), x)
        with pytest.raises(ValueError, match="Expected tangent to be floating point"):
            fwAD.make_dual(x, torch.ones(3, dtype=torch.int64))
        with pytest.raises(RuntimeError, match="already"):
            fwAD.make_dual(fwAD.make_dual(x, x), x)
    fwAD.enter_dual_level()
    with pytest.raises(RuntimeError, match="not the last one"):
        fwAD.exit_dual_level(level=3)
    fwAD.exit_dual_level(level=0)


def test_levels_inside_levels() -> None:
    """The second derivative of x ** 4 along ones."""
    x = torch.tensor([1.0, 2.0])
    one = torch.ones(2)
    with fwAD.dual_level():
        outer = fwAD.make_dual(x, one)
        with fwAD.dual_level():
            inner = fwAD.make_dual(outer, one)
            first = fwAD.unpack_dual(inner**4).tangent
            assert first is not None
        second = fwAD.unpack_dual(first).tangent
        np.testing.assert_allclose(first, 4 * x**3)
        np.testing.assert_allclose(second, 12 * x**2)


def test_hessian_vector_product_of_reverse_then_forward() -> None:
    x = torch.randn(4, dtype=torch.float64, requires_grad=True)
    v = torch.randn(4, dtype=torch.float64)
    with fwAD.dual_level():
        dual = fwAD.make_dual(x, v)
        (g,) = grad((dual**3).sum() + (dual[0] * dual[1]).exp(), dual, create_graph=True)
        found = fwAD.unpack_dual(g).tangent
    (g,) = grad((x**3).sum() + (x[0] * x[1]).exp(), x, create_graph=True)
    (expected,) = grad(g, x, v)
    np.testing.assert_allclose(found.detach(), expected)


def test_backward_gives_gradients_with_tangents() -> None:
    x = torch.randn(4, dtype=torch.float64, requires_grad=True)
    v = torch.randn(4, dtype=torch.float64)
    with fwAD.dual_level():
        (fwAD.make_dual(x, v) ** 3).sum().backward()
        g, t = fwAD.unpack_dual(x.grad)
        np.testing.assert_allclose(g, 3 * x.detach() ** 2)
        np.testing.assert_allclose(t, 6 * x.detach() * v)
    np.testing.assert_allclose(x.grad + 0, 3 * x.detach() ** 2)


def test_results_are_not_written_without_their_tangents() -> None:
    x = torch.ones(3)
    with fwAD.dual_level(), pytest.raises(RuntimeError, match="out="):
        torch.exp(fwAD.make_dual(x, x), out=torch.zeros(3))


def test_gradient_of_a_tangent() -> None:
    x = torch.randn(4, dtype=torch.float64, requires_grad=True)
    v = torch.randn(4, dtype=torch.float64, requires_grad=True)
    with fwAD.dual_level():
        t = fwAD.unpack_dual(fwAD.make_dual(x, v).exp().cumsum(0)).tangent
    (in_x, in_v) = grad(t.sum(), (x, v))
    weights = torch.arange(4, 0, -1)
    np.testing.assert_allclose(in_v, weights * x.detach().exp())
    np.testing.assert_allclose(in_x, weights * x.detach().exp() * v.detach())


def replay(program: Any) -> None:
    """A program with writes in place has the tangent that finite differences give."""
    x = torch.randn(6, dtype=torch.float64)
    t = torch.randn(6, dtype=torch.float64)
    with fwAD.dual_level():
        found = fwAD.unpack_dual(program(fwAD.make_dual(x.clone(), t))).tangent
        assert found is not None
    eps = 1e-6
    expected = (program(x + eps * t) - program(x - eps * t)) / (2 * eps)
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_writes_in_place() -> None:
    def plain(x: Any) -> Any:
        y = x * 1
        y.mul_(x).add_(3).sin_()
        return y

    def into_a_constant(x: Any) -> Any:
        y = torch.zeros(6, dtype=torch.float64)
        y[2] = x[0]
        y[3:].copy_(x[:3] ** 2)
        y[0:2] += x[4]
        return y

    def through_views(x: Any) -> Any:
        y = x.clone()
        rows = y.view(2, 3)
        first = rows[0]
        first.mul_(rows[1])
        y[1::2].exp_()
        rows.t()[1].zero_()
        return y * first.sum() + rows.sum(0).repeat(2)

    def view_before_the_first_tangent(x: Any) -> Any:
        y = torch.ones(6, dtype=torch.float64)
        view = y[1:4]
        other = y.view(3, 2)
        y.mul_(x)
        view.add_(x[0])
        return torch.cat([view, other[:, 0] * other[:, 1]])

    def index_put(x: Any) -> Any:
        y = x.sin()
        y[torch.tensor([0, 5])] = x[torch.tensor([1, 1])] * 2
        y[x > 10] = 0
        y.index_put_((torch.tensor([2, 2]),), x[:2], accumulate=True)
        y.masked_fill_(torch.tensor([False] * 4 + [True] * 2), 1.5)
        return y

    def overwritten(x: Any) -> Any:
        y = x * 2
        y.fill_(1.0)
        z = x + y
        z[:3].zero_()
        return z * x

    for program in (plain, into_a_constant, through_views, view_before_the_first_tangent,
                    index_put, overwritten):  # fmt: skip
        replay(program)


def test_tangents_do_not_share_memory_by_accident() -> None:
    x, t = torch.zeros(3), torch.ones(3)
    with fwAD.dual_level():
        dual = fwAD.make_dual(x, t)
        y = dual + 1
        y.mul_(5)
        np.testing.assert_array_equal(fwAD.unpack_dual(dual).tangent, [1, 1, 1])
        np.testing.assert_array_equal(fwAD.unpack_dual(y).tangent, [5, 5, 5])
    np.testing.assert_array_equal(t, [1, 1, 1])


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any, scale: float) -> Any:
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)
        ctx.scale = scale
        return scale * x**3

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * 3 * ctx.scale * x**2, None

    @staticmethod
    def jvp(ctx: Any, t: Any, _: None) -> Any:
        (x,) = ctx.saved_tensors
        return t * 3 * ctx.scale * x**2


def test_custom_functions() -> None:
    x = torch.randn(3, dtype=torch.float64, requires_grad=True)

    def function(x: Any) -> Any:
        return Cube.apply(x, 2.0).sin()

    assert gradcheck(function, x, check_forward_ad=True)
    assert gradgradcheck(function, x, check_fwd_over_rev=True)

    class Plain(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

    with fwAD.dual_level(), pytest.raises(NotImplementedError, match="jvp"):
        Plain.apply(fwAD.make_dual(x, x.detach()))


def test_formulas_stay_formulas() -> None:
    """The tangent of a Gaussian kernel product is computed without storing a kernel matrix."""
    n = 400
    x = torch.randn(n, 3, dtype=torch.float64)
    t = torch.randn(n, 3, dtype=torch.float64)
    b = torch.randn(n, dtype=torch.float64)

    def energy(x: Any) -> Any:
        k = (-((x[:, None] - x[None]) ** 2).sum(-1)).exp()
        return k, k @ b

    with fwAD.dual_level():
        k, s = energy(fwAD.make_dual(x, t))
        dk = fwAD.unpack_dual(k).tangent
        assert dk is not None
        assert dk._is_formula
        found = fwAD.unpack_dual(s).tangent
    eps = 1e-6
    expected = (energy(x + eps * t)[1] - energy(x - eps * t)[1]) / (2 * eps)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


def test_gradcheck_finds_a_wrong_tangent() -> None:
    from pullback.op import REGISTRY, pointwise

    @pointwise()
    def wrong_tangent(xp, input):  # type: ignore[no-untyped-def]  # a declaration
        return xp.exp(input)

    @wrong_tangent.backward("input")
    def _(xp, g, y):  # type: ignore[no-untyped-def]  # a declaration
        return g * y * 1.01

    try:
        from pullback.dispatch import bind

        x = torch.ones(3, dtype=torch.float64, requires_grad=True)
        with pytest.raises(torch.autograd.GradcheckError, match="forward mode"):
            gradcheck(bind(wrong_tangent), x, check_backward_ad=False, check_forward_ad=True)
        with pytest.raises(AssertionError, match="nothing to check"):
            gradcheck(bind(wrong_tangent), x, check_backward_ad=False)
        with pytest.raises(AssertionError, match="requires check_forward_ad"):
            gradcheck(bind(wrong_tangent), x, check_batched_forward_grad=True)
    finally:
        del REGISTRY["wrong_tangent"]


def tangent_of(x: Any) -> Any:
    found = fwAD.unpack_dual(x).tangent
    return None if found is None else found.tolist()


def test_parts_of_dual_tensors_are_written() -> None:
    """Tangents of views are views of the dual tensor's, and not of what that is a view of."""
    ones = torch.ones(4)
    with fwAD.dual_level():
        x = ones.clone()
        d, e = fwAD.make_dual(x, ones), fwAD.make_dual(x, 2 * ones)
        v = e.view(2, 2)[0]
        v.mul_(3)
        assert x.tolist() == [3, 3, 1, 1]
        assert tangent_of(x) is None
        assert tangent_of(d) == [1, 1, 1, 1]
        assert tangent_of(e) == [6, 6, 2, 2]
        assert tangent_of(v) == [6, 6]

        d = fwAD.make_dual(ones.clone(), ones)
        d[1:3] = 5.0
        assert tangent_of(d) == [1, 0, 0, 1]
        d[2:] = d[:2] * 7
        assert tangent_of(d) == [1, 0, 7, 0]
        a, b = d.split(2)
        a.mul_(2)
        assert (tangent_of(d), tangent_of(a), tangent_of(b)) == ([2, 0, 7, 0], [2, 0], [7, 0])

        d = fwAD.make_dual(torch.ones(2, 2), torch.tensor([[1.0, 2.0], [3.0, 4.0]]).t())
        d.view(4)[1:3].mul_(2)
        assert tangent_of(d) == [[1, 6], [4, 4]]

        part = fwAD.make_dual(x[:2], ones[:2])
        part.mul_(2)
        assert (tangent_of(x), tangent_of(part)) == (None, [2, 2])
        x[2:].mul_(part)
        assert (tangent_of(x), tangent_of(x[1:3])) == ([0, 0, 2, 2], [0, 2])
        assert tangent_of(part) == [2, 2]


def test_functions_that_write_into_parts() -> None:
    x, t = torch.randn(2, 3), torch.randn(2, 3)

    def written(x: Any) -> Any:
        x = x.view(6)
        x[1:3] *= x[3:5]
        return x.sum()

    def free(x: Any) -> Any:
        x = x.reshape(6)
        return torch.cat([x[:1], x[1:3] * x[3:5], x[3:]]).sum()

    jvp, vmap = torch.func.jvp, torch.func.vmap
    expected = jvp(free, (x,), (t,))[1]
    np.testing.assert_allclose(jvp(written, (x.clone(),), (t,))[1], expected, rtol=1e-6)
    rows = vmap(lambda t: jvp(lambda x: written(x.clone()), (x,), (t,))[1])(torch.stack([t, 2 * t]))
    np.testing.assert_allclose(rows, torch.stack([expected, 2 * expected]), rtol=1e-6)
    formula = torch.randn(3000, 2).exp()
    found = jvp(lambda x: x[1:].mul_(2).sum() + x.sum(), (formula,), (torch.ones(3000, 2),))[1]
    assert float(found) == 4 * 5998 + 2
