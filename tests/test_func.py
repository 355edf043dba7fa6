"""`pullback.func`: derivatives as functions, and their nests."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.func import (
    debug_unwrap,
    functional_call,
    functionalize,
    grad,
    grad_and_value,
    hessian,
    hvp,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    rearrange,
    replace_all_batch_norm_modules_,
    stack_module_state,
    vjp,
    vmap,
)


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def doubles(*shape: int) -> Any:
    return torch.randn(*shape, dtype=torch.float64)


def test_perturbations_are_not_confused() -> None:
    one = torch.tensor(1.0)
    assert grad(lambda x: x * grad(lambda y: x + y)(one))(one) == 1
    assert grad(lambda x: x * grad(lambda y: x * y)(one))(one) == 2

    def forward(f: Any) -> Any:
        return lambda x: jvp(f, (x,), (torch.ones_like(x),))[1]

    def check(inner: Any, outer: Any) -> None:
        assert outer(lambda x: x * inner(lambda y: x + y)(one))(one) == 1
        assert outer(lambda x: x * inner(lambda y: x * y)(one))(one) == 2
        found = outer(lambda x: x * inner(lambda y: (x * y).sin())(x))(one)
        x = np.float32(1)  # of x^2 cos(x^2)
        close(found, 2 * x * np.cos(x * x) - 2 * x**3 * np.sin(x * x))

    for inner, outer in itertools.product((grad, forward), repeat=2):
        check(inner, outer)


def test_gradients() -> None:
    x, y = doubles(3), doubles(3)

    def f(x: Any, y: Any) -> Any:
        return (x * y**2).sum()

    close(grad(f)(x, y), y**2)
    close(grad(f, 1)(x, y), 2 * x * y)
    close(grad(f, -1)(x, y), 2 * x * y)
    both = grad(f, (0, 1))(x, y)
    close(both[0], y**2)
    close(both[1], 2 * x * y)
    g, (value, aux) = grad_and_value(lambda x: (x.sum(), {"twice": 2 * x}), has_aux=True)(x)
    close(g, np.ones(3))
    close(value, x.sum())
    close(aux["twice"], 2 * x)
    tree = grad(lambda t: (t["a"] * t["b"][0]).sum())({"a": x, "b": [y, x]})
    close(tree["a"], y)
    close(tree["b"][0], x)
    close(tree["b"][1], np.zeros(3))
    close(grad(lambda x, *, k: (x * k).sum())(x, k=y), y)
    assert not grad(f)(x, y).requires_grad
    for wrong, match in ((lambda x: x, "scalar tensor"), (lambda x: 1.0, "return a tensor")):
        with pytest.raises(RuntimeError, match=match):
            grad(wrong)(x)
    with pytest.raises(ValueError, match="must be Tensor"):
        grad(f)(1.0, y)
    with pytest.raises(RuntimeError, match="argnum"):
        grad(f, 2)(x, y)
    with pytest.raises(RuntimeError, match="floating point"):
        grad(lambda x: x.sum())(torch.arange(3))


def test_gradients_inside_the_graph() -> None:
    """Gradients are recorded for what is outside: parameters, and inputs that require gradients."""
    w, x = doubles(3).requires_grad_(), doubles(3)
    g = grad(lambda x: (w * x**3).sum())(x)
    (found,) = torch.autograd.grad(g.sum(), w)
    close(found, 3 * x**2)
    z = doubles(3).requires_grad_()
    g = grad(lambda x: (x**3).sum())(z)
    (found,) = torch.autograd.grad(g.sum(), z)
    close(found, 6 * z.detach())
    with torch.no_grad():
        g = grad(lambda x: (w * x**3).sum())(x)
        close(g, 3 * w * x**2)
        assert not g.requires_grad
    g, value = grad_and_value(lambda x: (x**2).sum())(x)
    assert not value.requires_grad
    g, value = grad_and_value(lambda x: (w * x**2).sum())(x)
    assert value.requires_grad
    assert grad(lambda x: (x.detach() * x).sum())(x) is not None
    close(grad(lambda x: (x.detach() * x).sum())(x), x)

    def unrecorded(x: Any) -> Any:
        with torch.no_grad():
            c = x**2
        return (x - c).sum()

    close(grad(unrecorded)(x), np.ones(3))


def test_vjp() -> None:
    x, y, g = doubles(3), doubles(3), doubles(3)
    output, pull = vjp(lambda x, y: {"a": x * y, "b": (x.sum(),)}, x, y)
    close(output["a"], x * y)
    in_x, in_y = pull({"a": g, "b": (torch.tensor(2.0, dtype=torch.float64),)})
    close(in_x, g * y + 2)
    close(in_y, g * x)
    (in_x,) = vjp(torch.sin, x)[1](g)
    close(in_x, g * x.cos())
    *_, aux = vjp(lambda x: (x, 2 * x), x, has_aux=True)
    close(aux, 2 * x)
    with pytest.raises(RuntimeError, match="structure of cotangents"):
        pull(g)
    z = doubles(3).requires_grad_()
    (in_z,) = vjp(torch.sin, z)[1](g)
    (found,) = torch.autograd.grad(in_z.sum(), z)
    close(found, -g * z.detach().sin())


def test_jvp_and_linearize() -> None:
    x, t = doubles(3), doubles(3)
    output, derivative = jvp(lambda x: {"a": x.sin(), "b": x.sum()}, (x,), (t,))
    close(output["a"], x.sin())
    close(derivative["a"], t * x.cos())
    close(derivative["b"], t.sum())
    assert jvp(lambda x: torch.ones(2), (x,), (t,))[1].tolist() == [0, 0]
    with pytest.raises(RuntimeError, match="independent of the inputs"):
        jvp(lambda x: torch.ones(2), (x,), (t,), strict=True)
    with pytest.raises(RuntimeError, match="tuple"):
        jvp(torch.sin, x, t)
    *_, aux = jvp(lambda x: (x, x * 2), (x,), (t,), has_aux=True)
    close(aux, 2 * x)
    calls = []

    def counted(x: Any, y: Any) -> Any:
        calls.append(1)
        return x.exp() * y, y

    y = doubles(3)
    output, push = linearize(counted, x, y)
    for t, s in ((doubles(3), doubles(3)), (doubles(3), doubles(3))):
        a, b = push(t, s)
        close(a, t * x.exp() * y + s * x.exp())
        close(b, s)
    assert len(calls) == 1
    units = torch.eye(3, dtype=torch.float64)
    rows = vmap(lambda t: push(t, torch.zeros(3, dtype=torch.float64))[0])(units)
    close(rows, torch.eye(3) * (x.exp() * y))
    with pytest.raises(RuntimeError, match="shape"):
        push(doubles(2), doubles(3))


def test_jacobians() -> None:
    a, x = doubles(4, 3), doubles(3)

    def f(x: Any) -> Any:
        return (a @ x).sin()

    expected = (a @ x).cos()[:, None] * a
    for transform in (jacrev, jacfwd):
        close(transform(f)(x), expected)
        close(transform(f, chunk_size=2)(x), expected)
        several = transform(lambda x, y: {"p": x * y.sum(), "q": y[0]}, (0, 1))(x, a)
        assert several["p"][0].shape == (3, 3)
        assert several["p"][1].shape == (3, 4, 3)
        assert several["q"][1].shape == (3, 4, 3)
        close(several["p"][1], x[:, None, None].expand(3, 4, 3))
        close(several["q"][0], np.zeros((3, 3)))
        matrix, aux = transform(lambda x: (f(x), x), has_aux=True)(x)
        close(matrix, expected)
        close(aux, x)
        tree = transform(lambda t: t["a"] ** 2)({"a": x})
        close(tree["a"], torch.eye(3) * 2 * x)
        close(transform(lambda x: x.sum())(x), np.ones(3))
        close(transform(torch.sin)(torch.tensor(0.5, dtype=torch.float64)), np.cos(0.5))
        single = transform(f, (0,))(x)
        assert isinstance(single, tuple)
        close(single[0], expected)


def test_hessians() -> None:
    x, v = doubles(4), doubles(4)

    def f(x: Any) -> Any:
        return (x.exp() * x.flip(0)).sum() * x.prod() + x.logsumexp(0)

    expected = torch.autograd.grad
    z = x.clone().requires_grad_()
    (g,) = torch.autograd.grad(f(z), z, create_graph=True)
    expected = torch.stack([torch.autograd.grad(g[k], z, retain_graph=True)[0] for k in range(4)])
    for outer, inner in itertools.product((jacrev, jacfwd), repeat=2):
        close(outer(inner(f))(x), expected)
    close(hessian(f)(x), expected)
    close(hvp(f, (x,), (v,)), expected @ v)
    xs = doubles(5, 4)
    close(vmap(hessian(f))(xs)[2], hessian(f)(xs[2]))
    close(vmap(lambda x, v: hvp(f, (x,), (v,)), (0, None))(xs, v)[3], hessian(f)(xs[3]) @ v)
    third = jacfwd(jacrev(jacfwd(f)))(x)
    close(third, third.permute(2, 0, 1))
    eps = 1e-5
    close((hessian(f)(x + eps * v) - hessian(f)(x - eps * v)) / (2 * eps) / (third @ v),
          np.ones((4, 4)))  # fmt: skip


def test_nests_with_vmap() -> None:
    x, w = doubles(5, 3), doubles(3)
    found = vmap(grad(lambda x, w: (x * w).sin().sum()), (0, None))(x, w)
    close(found, w * (x * w).cos())
    found = grad(lambda w: vmap(lambda x: (x * w).sin().sum())(x).sum())(w)
    close(found, (x * (x * w).cos()).sum(0))
    found = vmap(lambda x: jacrev(lambda w: (x * w).cumsum(0))(w))(x)
    close(found, torch.tril(torch.ones(3, 3)) * x[:, None])
    found = grad(lambda w: vmap(grad(lambda x: (x**2 * w).sum()))(x).pow(2).sum())(w)
    close(found, (8 * x**2 * w).sum(0))
    # A plain gradient in what the examples share would mix them: it is refused.
    shared = w.clone().requires_grad_()
    with pytest.raises(RuntimeError, match="share"):
        vmap(lambda x: torch.autograd.grad((x * shared).sum(), shared)[0])(x)
    # In their own inputs, it is what it is for each.
    z = x.clone().requires_grad_()
    found = vmap(lambda z: torch.autograd.grad((z**3).sum(), z)[0])(z)
    close(found, 3 * x**2)
    assert not found.requires_grad


def test_writes_in_place() -> None:
    def f(x: Any) -> Any:
        y = x * 2
        y[0] = x[1] ** 2
        y[1:].mul_(x[0])
        return y.sum() ** 2

    def pure(x: Any) -> Any:
        return (x[1] ** 2 + (2 * x[1:] * x[0]).sum()) ** 2

    x, t = doubles(3), doubles(3)
    close(grad(f)(x), grad(pure)(x))
    close(jvp(f, (x,), (t,))[1], jvp(pure, (x,), (t,))[1])
    close(hessian(f)(x), hessian(pure)(x))
    close(vmap(grad(f))(doubles(2, 3) * 0 + x)[1], grad(pure)(x))
    close(functionalize(f)(x), pure(x))


def test_formulas() -> None:
    """Derivatives of a kernel sum, to the second order, without a stored matrix."""
    x, v = doubles(400, 2), doubles(400, 2)

    def energy(x: Any) -> Any:
        return (-((x[:, None] - x[None]) ** 2).sum(-1)).exp().sum()

    g = grad(energy)(x)
    found = hvp(energy, (x,), (v,))
    eps = 1e-5
    expected = (grad(energy)(x + eps * v) - grad(energy)(x - eps * v)) / (2 * eps)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(jvp(energy, (x,), (v,))[1], (g * v).sum(), rtol=1e-9, atol=1e-9)


class Layer:
    """As much of a module as `functional_call` asks for."""

    training = True

    def __init__(self, *inner: Layer) -> None:
        self._parameters = {"weight": torch.randn(3).requires_grad_(), "none": None}
        self._buffers = {"shift": torch.ones(3)}
        self._modules = {str(k): m for k, m in enumerate(inner)}

    def named_parameters(self) -> Any:
        return [("weight", self._parameters["weight"])]

    def named_buffers(self) -> Any:
        return list(self._buffers.items())

    def __call__(self, x: Any, scale: float = 1.0) -> Any:
        for m in self._modules.values():
            x = m(x)
        return x * self._parameters["weight"] * scale + self._buffers["shift"]


def test_functional_call() -> None:
    net, x = Layer(Layer()), torch.randn(3)
    before = net._parameters["weight"]
    found = functional_call(net, {"weight": torch.zeros(3)}, x, {"scale": 2.0})
    assert found.tolist() == [1, 1, 1]
    assert net._parameters["weight"] is before
    found = functional_call(
        net,
        ({"weight": torch.ones(3)}, {"0.weight": torch.zeros(3), "shift": -torch.ones(3)}),
        (x,),
    )
    assert found.tolist() == [0, 0, 0]
    found = functional_call(net, {"wait": x, "weight": torch.zeros(3)}, x)
    assert found.tolist() == [1, 1, 1]
    with pytest.raises(RuntimeError, match=r"Unexpected key.*'wait'; Missing key.*'0\.weight'"):
        functional_call(net, {"weight": x, "wait": x}, x, strict=True)
    with pytest.raises(ValueError, match="multiple dictionaries"):
        functional_call(net, ({"weight": x}, {"weight": x}), x)
    with pytest.raises(RuntimeError, match="shape"):
        functional_call(net, {"weight": torch.zeros(4)}, x)
    assert net._parameters["weight"] is before
    net._modules["0"]._parameters["weight"] = before
    found = functional_call(net, {"weight": torch.zeros(3)}, x)
    assert found.tolist() == [1, 1, 1]
    g = grad(lambda p: functional_call(net, p, x).sum())({"shift": torch.zeros(3)})
    assert g["shift"].tolist() == [1, 1, 1]


def test_rearrange() -> None:
    x = torch.arange(24.0).reshape(2, 3, 4)
    for pattern, expected, lengths in (
        ("a b c -> c b a", x.permute(2, 1, 0), {}),
        ("a b c -> (b a) c", x.transpose(0, 1).reshape(6, 4), {}),
        ("a b (c d) -> d a b c", x.reshape(2, 3, 2, 2).permute(3, 0, 1, 2), {"d": 2}),
        ("a b (c d) -> d a b c", x.reshape(2, 3, 4, 1).permute(3, 0, 1, 2), {"c": 4, "d": 1}),
        ("... c -> c ...", x.permute(2, 0, 1), {}),
        ("a ... -> (... a)", x.permute(1, 2, 0).reshape(-1), {}),
        ("a b c->a 1 () (b c)", x.reshape(2, 1, 1, 12), {}),
        ("a ... b c -> b ... c a", x.permute(1, 2, 0), {}),
    ):
        found = rearrange(x, pattern, **lengths)
        np.testing.assert_array_equal(found, expected, err_msg=pattern)
    assert rearrange([x, x], "k a b c -> a b (c k)").shape == (2, 3, 8)
    assert rearrange(x, "a b c -> c b a")._is_view()
    assert rearrange(torch.ones(1, 3), "1 a -> a").shape == (3,)
    assert rearrange(torch.ones(0, 3), "(a b) c -> a b c", a=2).shape == (2, 0, 3)
    rows = vmap(lambda x: rearrange(x, "(a b) c -> c a b", b=1))(x)
    assert rows.shape == (2, 4, 3, 1)
    for pattern, message in (
        ("a b c", "single '->'"), ("a b c -> a b", r"only on one side.*\['c'\]"),
        ("a a b -> a b", "duplicate dimension 'a'"), ("a b -> a b", r"pattern \(2\) must be equal"),
        ("a b c d ... -> a b c d ...", "must be less than or equal"),
        ("(a ...) b -> a b", "Ellipsis in parentheses"), ("a b c -> ... a b c", "not left side"),
        ("2 b c -> b c", "unnamed axes of size 1"), ("a_ b c -> a_ b c", "Invalid axis"),
        ("a .. c -> a c", "dots only inside ellipsis"), ("a (b c -> a b c", "Imbalanced"),
        ("a b) c -> a b c", "not balanced"), ("((a b) c) d -> a b c d", "inside brackets"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            rearrange(x, pattern)
    with pytest.raises(ValueError, match="Identifiers not found"):
        rearrange(x, "a b c -> a b c", d=2)
    for lengths in ({}, {"c": 3}, {"c": 2, "d": 3}, {"c": 0}):
        with pytest.raises(RuntimeError, match=r"\(c d\)|c and d"):
            rearrange(x, "a b (c d) -> a b c d", **lengths)


def test_debug_unwrap() -> None:
    x, seen = torch.ones(2, 3), []

    def look(x: Any) -> Any:
        seen.append((debug_unwrap(x).shape, debug_unwrap(x, recurse=False).shape))
        return x

    vmap(vmap(look))(x)
    vmap(lambda x: jvp(look, (x,), (x,))[1])(x)
    assert seen == [((2, 3), (3,)), ((2, 3), (3,))]
    assert debug_unwrap(x) is x


def test_batch_norms_that_forget() -> None:
    from pullback import nn

    net = nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.BatchNorm1d(3)), nn.LayerNorm(3))
    x = torch.randn(4, 5, 3)
    assert replace_all_batch_norm_modules_(net) is net
    assert (net[1][0].running_mean, net[1][0].track_running_stats) == (None, False)
    rows = vmap(net)(x)
    np.testing.assert_allclose(rows[1].detach(), net(x[1]).detach(), rtol=1e-4, atol=1e-5)


def test_ensembles() -> None:
    nets, x = [Layer(), Layer(), Layer()], torch.randn(3)
    parameters, buffers = stack_module_state(nets)
    assert parameters["weight"].shape == (3, 3)
    assert parameters["weight"].requires_grad
    assert parameters["weight"].is_leaf
    found = vmap(lambda p, b: functional_call(nets[0], (p, b), (x,)))(parameters, buffers)
    np.testing.assert_allclose(
        found.detach(), torch.stack([n(x) for n in nets]).detach(), rtol=1e-6
    )
    with pytest.raises(RuntimeError, match="at least one"):
        stack_module_state([])
