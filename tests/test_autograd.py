"""The graph engine: backward passes, what they accept, what they refuse, what they leave behind."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.dispatch import bind
from pullback.nn import functional as F
from pullback.op import REGISTRY, pointwise

grad = torch.autograd.grad


def leaf(n: int = 4, **options: Any) -> Any:
    return torch.arange(1.0, n + 1, **options).requires_grad_()


# ------------------------------------------------------------------------------------ grad


def test_one_gradient_per_input_in_order() -> None:
    x, y = leaf(3), leaf(3)
    gx, gy = grad((x * y * y).sum(), [x, y])
    assert gx.tolist() == [1, 4, 9]
    assert gy.tolist() == [2, 8, 18]
    assert x.grad is None and y.grad is None
    assert not gx.requires_grad


def test_grad_outputs_weight_the_outputs() -> None:
    x = leaf(3)
    (g,) = grad(x * 2, x, torch.tensor([1.0, 10.0, 100.0]))
    assert g.tolist() == [2, 20, 200]
    (g,) = grad([x.sum(), x * x], x, [None, torch.ones(3)])
    assert g.tolist() == [3, 5, 7]
    (g,) = grad((x.sum(), x.sum()), (x,))
    assert g.tolist() == [2, 2, 2]


def test_grad_outputs_are_converted_to_the_output() -> None:
    x = leaf(3)
    (g,) = grad(x * 2, x, torch.ones(3, dtype=torch.float64))
    assert g.dtype is torch.float32


def test_the_same_tensor_twice() -> None:
    x = leaf()
    a, b = grad((x * 3).sum(), [x, x])
    assert a.tolist() == b.tolist() == [3, 3, 3, 3]
    a.zero_()
    assert b.tolist() == [3, 3, 3, 3]
    y = x * 2
    a, b = grad([y.sum(), y.sum()], [y, x])
    assert (a.tolist(), b.tolist()) == ([2] * 4, [4] * 4)


def test_an_input_that_is_an_output() -> None:
    x = leaf()
    g = torch.full((4,), 5.0)
    (found,) = grad(x, x, g)
    assert found.tolist() == [5] * 4
    x.backward(g)
    assert x.grad is not None
    x.grad.zero_()
    assert g.tolist() == [5] * 4
    y = x * 2
    a, b = grad([(y * y).sum(), y], [y, x], [torch.tensor(1.0), torch.ones(4)])
    assert a.tolist() == [5, 9, 13, 17]
    assert b.tolist() == [10, 18, 26, 34]


def test_gradients_that_are_the_cotangent() -> None:
    """`grad` gives it as it is, as PyTorch does, and what is added to it is an array of its own."""
    x, y, g = leaf(), leaf(), torch.full((4,), 5.0)
    assert [r.data_ptr() == g.data_ptr() for r in grad(x + y, [x, y], g)] == [True, True]
    assert [r.data_ptr() == g.data_ptr() for r in grad(x - y, [x, y], g)] == [True, False]
    (twice,) = grad(x + x, x, g)
    assert twice.tolist() == [10] * 4
    one, both = grad(x + (x.clone() + y), [y, x], g)
    assert (one.tolist(), both.tolist(), g.tolist()) == ([5] * 4, [10] * 4, [5] * 4)
    (spread,) = grad(x, x, torch.tensor(5.0).expand(4))
    spread[0] = 1
    assert spread.tolist() == [1, 5, 5, 5]


def test_inputs_that_are_not_leaves() -> None:
    x = leaf()
    y = x.exp()
    z = y * y
    gz, gy, gx = grad((z * 3).sum(), [z, y, x])
    assert gz.tolist() == [3] * 4
    np.testing.assert_allclose(gy.tolist(), 6 * np.exp([1, 2, 3, 4]), rtol=1e-5)
    np.testing.assert_allclose(gx.tolist(), 6 * np.exp([2, 4, 6, 8]), rtol=1e-5)


def test_gradients_that_are_asked_for_share_no_memory() -> None:
    x = leaf()
    y = x.clone()
    g = torch.ones(4)
    gy, gx = grad(y, [y, x], g)
    gy.zero_()
    assert gx.tolist() == g.tolist() == [1] * 4


def test_several_outputs_of_which_one_is_used() -> None:
    x = torch.tensor([[1.0, 5.0, 2.0], [7.0, 3.0, 4.0]], requires_grad=True)
    values, indices = x.max(1)
    assert not indices.requires_grad and indices.grad_fn is None
    assert grad(values.sum(), x)[0].tolist() == [[0, 1, 0], [1, 0, 0]]
    a, b, c = x.unbind(1)
    (g,) = grad((b * 2).sum(), x, retain_graph=True)
    assert g.tolist() == [[0, 2, 0], [0, 2, 0]]
    (g,) = grad((a + 3 * c).sum(), x, create_graph=True)
    assert g.tolist() == [[1, 0, 3], [1, 0, 3]]
    assert (a.output_nr, b.output_nr, c.output_nr) == (0, 1, 2)


def test_one_output_of_several_is_an_input() -> None:
    x = leaf(6)
    parts = (x * 1).split(2)
    second = parts[1]
    (g,) = grad((second * second).sum() + parts[0].sum(), second)
    assert g.tolist() == [6, 8]


def test_allow_unused_and_materialize_grads() -> None:
    x, unused = leaf(), leaf(3, dtype=torch.float64)
    y = (x * 2).sum()
    g, nothing = grad(y, [x, unused], allow_unused=True, retain_graph=True)
    assert g.tolist() == [2] * 4 and nothing is None
    _, zeros = grad(y, [x, unused], materialize_grads=True, retain_graph=True)
    assert zeros.tolist() == [0, 0, 0] and zeros.dtype is torch.float64


def test_batched_cotangents() -> None:
    x = leaf(3, dtype=torch.float64)
    y = x**2
    (jacobian,) = grad(y, x, torch.eye(3, dtype=torch.float64), is_grads_batched=True,
                       retain_graph=True)  # fmt: skip
    assert jacobian.tolist() == np.diag([2.0, 4, 6]).tolist()
    (jacobian,) = grad(y, x, torch.eye(3, dtype=torch.float64), is_grads_batched=True,
                       create_graph=True)  # fmt: skip
    assert grad(jacobian.sum(), x)[0].tolist() == [2, 2, 2]
    unused = leaf()
    _, none = grad(x**2, [x, unused], torch.eye(3, dtype=torch.float64), is_grads_batched=True,
                   allow_unused=True)  # fmt: skip
    assert none is None


def test_create_graph_keeps_the_graph_and_can_be_told_not_to() -> None:
    x = leaf()
    y = (x**3).sum()
    (g,) = grad(y, x, create_graph=True)
    assert g.requires_grad and g.grad_fn is not None
    assert grad(g.sum(), x)[0].tolist() == [6, 12, 18, 24]
    z = (x**3).sum()
    grad(z, x, create_graph=True, retain_graph=False)
    with pytest.raises(RuntimeError, match="second time"):
        z.backward()


def test_only_what_is_asked_for_is_computed() -> None:
    """The path to other inputs is not walked: its freed values are not missed."""
    x, w = leaf(), leaf()
    p = w.exp()
    y = x * p
    grad(p.sum(), w)  # frees what exp saved
    (g,) = grad(y.sum(), x, retain_graph=True)
    np.testing.assert_allclose(g.tolist(), np.exp([1, 2, 3, 4]), rtol=1e-6)
    with pytest.raises(RuntimeError, match="ExpBackward0"):
        grad(y.sum(), [x, w])


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
def test_rules_of_arguments_that_nobody_asks_for_do_not_run(dtype: Any) -> None:
    calls: list[str] = []

    @pointwise()
    def counting(xp, a, b):  # type: ignore[no-untyped-def]  # a declaration
        return xp.mul(a, b)

    @counting.backward("a")
    def _(xp, g, b):  # type: ignore[no-untyped-def]  # a declaration
        calls.append("a")
        return g * b

    @counting.backward("b")
    def _(xp, g, a):  # type: ignore[no-untyped-def]  # a declaration
        calls.append("b")
        return g * a

    try:
        x, w = (torch.ones(3, dtype=dtype).requires_grad_() for _ in range(2))
        y = bind(counting)(x, w)
        g = torch.ones(3, dtype=dtype)
        grad(y, w, g, retain_graph=True)
        assert calls == ["b"]
        y.backward(g, inputs=[x], retain_graph=True)
        assert calls == ["b", "a"]
        grad(y, w, g, create_graph=True)
        assert calls == ["b", "a", "b"]
        y.backward(g)
        assert calls == ["b", "a", "b", "a", "b"]
    finally:
        del REGISTRY["counting"]


# -------------------------------------------------------------------------------- backward


def test_backward_accumulates_in_place() -> None:
    x = leaf()
    (x * 2).sum().backward()
    first = x.grad
    assert first.tolist() == [2] * 4
    (x * 3).sum().backward()
    assert x.grad is first and first.tolist() == [5] * 4
    assert first._version == 1
    x.grad = None
    x.sum().backward()
    assert x.grad.tolist() == [1] * 4 and first.tolist() == [5] * 4


def test_a_gradient_that_the_user_set_is_added_to() -> None:
    x = leaf()
    mine = torch.ones(4)
    x.grad = mine
    (2 * x).sum().backward()
    assert x.grad is mine and mine.tolist() == [3] * 4


def test_gradients_share_no_memory() -> None:
    a, b = leaf(), leaf()
    g = torch.ones(4)
    (a + b).backward(g)
    a.clone().backward(g)
    b.reshape(2, 2).t().backward(g.reshape(2, 2))
    arrays = [a.grad.numpy(), b.grad.numpy(), g.numpy()]
    for k, one in enumerate(arrays):
        for other in arrays[k + 1 :]:
            assert not np.shares_memory(one, other)
    a.sum().backward()
    a.sum().backward()
    assert (a.grad.tolist(), b.grad.tolist(), g.tolist()) == ([4] * 4, [2] * 4, [1] * 4)


def test_gradients_share_no_memory_with_saved_values() -> None:
    y = torch.full((4,), 3.0)
    x = leaf()
    for _ in range(2):
        torch.dot(x, y).backward()
    assert x.grad.tolist() == [6] * 4 and y.tolist() == [3] * 4


def test_gradients_of_a_sequence_share_no_memory() -> None:
    a, b = leaf(2), leaf(2)
    for _ in range(2):
        torch.stack([a, b, a]).sum().backward()
    assert a.grad.tolist() == [4, 4] and b.grad.tolist() == [2, 2]
    assert not np.shares_memory(a.grad.numpy(), b.grad.numpy())


def test_recorded_gradients_are_the_leaf_s_own() -> None:
    x = leaf()
    g = torch.ones(4)
    x.clone().backward(g, create_graph=True)
    assert x.grad is not g
    x.clone().backward(g)
    assert g.tolist() == [1] * 4 and x.grad.tolist() == [2] * 4


def test_backward_with_create_graph_gives_a_gradient_with_history() -> None:
    x = leaf()
    (x * x).sum().backward(create_graph=True)
    assert x.grad.grad_fn.name() == "CloneBackward0"
    g = x.grad
    x.grad = None
    (g * g).sum().backward()
    assert x.grad.tolist() == [8, 16, 24, 32]


def test_backward_of_several_tensors() -> None:
    x = leaf()
    torch.autograd.backward([x.sum(), x * 2], [None, torch.ones(4)])
    assert x.grad.tolist() == [3] * 4
    torch.autograd.backward((x * 2).sum())
    assert x.grad.tolist() == [5] * 4


def test_backward_with_inputs() -> None:
    x, w = leaf(), leaf()
    y = x * w
    y.sum().backward(inputs=[x], retain_graph=True)
    assert x.grad.tolist() == [1, 2, 3, 4] and w.grad is None
    y.sum().backward(inputs=[w, w], retain_graph=True)
    assert w.grad.tolist() == [1, 2, 3, 4]
    y.sum().backward(inputs=w)
    assert w.grad.tolist() == [2, 4, 6, 8]


def test_backward_with_inputs_that_are_not_leaves() -> None:
    x = leaf()
    y = x * 2
    (y * 3).sum().backward(inputs=[y])
    assert y.grad.tolist() == [3] * 4 and x.grad is None
    assert y.retains_grad


def test_a_leaf_can_be_the_root() -> None:
    x = torch.tensor(2.0, requires_grad=True)
    g = torch.tensor(3.0)
    x.backward(g)
    x.backward(g)
    assert x.grad.item() == 6 and g.item() == 3


def test_nodes_that_saved_no_tensor_can_run_again() -> None:
    """As in PyTorch, where a sum can be pulled back twice and a product cannot."""
    x = leaf()
    y = (x.reshape(2, 2).t()[0] + 1).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [2, 0, 2, 0]
    x.grad = None
    z = torch.stack([x, x]).unbind(0)[1].sum()
    z.backward()
    z.backward()
    assert x.grad.tolist() == [2] * 4


@pytest.mark.parametrize("count", [1, 2, 5])
def test_retain_graph(count: int) -> None:
    x = leaf()
    y = (x * x).sum()
    for _ in range(count):
        y.backward(retain_graph=True)
    assert x.grad.tolist() == [2.0 * count * k for k in (1, 2, 3, 4)]


def test_zero_dimensional_and_empty_tensors() -> None:
    x = torch.tensor(3.0, requires_grad=True)
    y = x * x + x
    y.backward()
    assert x.grad.shape == () and x.grad.item() == 7
    e = torch.zeros(0, 3).requires_grad_()
    (e * 2).sum().backward()
    assert e.grad.shape == (0, 3)


def test_broadcast_and_mixed_types_come_back() -> None:
    a = torch.ones(3, 1, dtype=torch.float64).requires_grad_()
    b = torch.ones(4).requires_grad_()
    (a * b).sum().backward()
    assert a.grad.shape == (3, 1) and a.grad.dtype is torch.float64
    assert b.grad.shape == (4,) and b.grad.dtype is torch.float32
    assert a.grad.tolist() == [[4]] * 3 and b.grad.tolist() == [3] * 4


# ---------------------------------------------------------------------------- higher orders

CLOSED_FORMS: dict[str, tuple[Callable[[Any], Any], Callable[[float, int], float]]] = {
    "exp": (lambda x: x.exp(), lambda x, n: math.exp(x)),
    "sin": (lambda x: x.sin(), lambda x, n: math.sin(x + n * math.pi / 2)),
    "reciprocal": (lambda x: 1 / x, lambda x, n: (-1) ** n * math.factorial(n) / x ** (n + 1)),
    "log": (lambda x: x.log(), lambda x, n: -((-1) ** n) * math.factorial(n - 1) / x**n),
    "power": (lambda x: x**5, lambda x, n: math.perm(5, n) * x ** (5 - n)),
    "gauss": (
        lambda x: (-x * x / 2).exp(),
        lambda x, n: (-1) ** n * math.exp(-x * x / 2)
        * (x, x * x - 1, x**3 - 3 * x, x**4 - 6 * x * x + 3)[n - 1],
    ),
    "product": (lambda x: x.exp() * x, lambda x, n: math.exp(x) * (x + n)),
    "matrix": (
        lambda x: (x.reshape(3, 1) @ x.reshape(1, 3)).diagonal() * x**2,
        lambda x, n: math.perm(4, n) * x ** (4 - n),
    ),
    "overwritten": (
        lambda x: (x * 1).mul_(x).mul_(x).add_(1).mul_(x),
        lambda x, n: (4 * x**3 + 1, 12 * x * x, 24 * x, 24.0)[n - 1],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_derivatives_to_order_four(name: str) -> None:
    function, expected = CLOSED_FORMS[name]
    points = [0.4, 1.1, 2.3]
    x = torch.tensor(np.array(points), requires_grad=True)
    y = function(x)
    for order in range(1, 5):
        (y,) = grad(y.sum(), x, create_graph=True)
        np.testing.assert_allclose(
            y.tolist(), [expected(p, order) for p in points], rtol=1e-9, atol=1e-9
        )


def kernel_norm(q: Any, p: Any, s: Any) -> Any:
    """The reference scenario's H(q, p), as it writes it."""
    q_i = q[:, None, :]
    q_j = q[None, :, :]
    distances = ((q_i - q_j) ** 2).sum(dim=2)
    kernel = (-distances / (2 * s**2)).exp()
    v = kernel @ p
    return 0.5 * torch.dot(p.view(-1), v.view(-1))


def kernel_norm_by_hand(q: Any, p: Any, s: float) -> tuple[Any, Any, Any]:
    """H and both gradients, in float64."""
    difference = q[:, None] - q[None]
    kernel = np.exp(-(difference**2).sum(2) / (2 * s * s))
    weights = kernel * (p @ p.T)
    return 0.5 * weights.sum(), -(weights[..., None] * difference).sum(1) / s**2, kernel @ p


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_the_kernel_norm_and_its_gradients(dtype: Any, tolerance: float) -> None:
    source = np.random.default_rng(0)
    points, momenta = source.random((2, 1000, 3)).astype(dtype.numpy)
    q, p = (torch.from_numpy(a).requires_grad_() for a in (points, momenta))
    h = kernel_norm(q, p, torch.tensor([2.5], dtype=dtype))
    expected = kernel_norm_by_hand(points.astype(float), momenta.astype(float), 2.5)
    for found, exact in zip((h, *grad(h, [q, p])), expected, strict=True):
        error = np.linalg.norm(found.detach().numpy() - exact) / np.linalg.norm(exact)
        assert error <= tolerance


def test_hessian_vector_product_of_the_kernel_norm() -> None:
    source = np.random.default_rng(1)
    points, momenta, along_q, along_p = source.standard_normal((4, 50, 3))
    q, p = (torch.tensor(a, requires_grad=True) for a in (points, momenta))
    h = kernel_norm(q, p, torch.tensor([1.5], dtype=torch.float64))
    gq, gp = grad(h, [q, p], create_graph=True)
    along = (gq * torch.tensor(along_q)).sum() + (gp * torch.tensor(along_p)).sum()
    found = grad(along, [q, p])
    e = 1e-5
    above = kernel_norm_by_hand(points + e * along_q, momenta + e * along_p, 1.5)[1:]
    below = kernel_norm_by_hand(points - e * along_q, momenta - e * along_p, 1.5)[1:]
    for exact, a, b in zip(found, above, below, strict=True):
        np.testing.assert_allclose(exact.numpy(), (a - b) / (2 * e), rtol=1e-7, atol=1e-8)


# --------------------------------------------------------------------------------- complex


@pytest.mark.parametrize(
    ("function", "expected"),
    [  # PyTorch's convention: the conjugate of ∂/∂z for holomorphic functions, 2 ∂/∂z̄ for real ones
        (lambda z: (z * z).imag, lambda z: np.conj(-2j * z)),
        (lambda z: z.abs(), lambda z: z / np.abs(z)),
        (lambda z: (z * z).abs(), lambda z: 2 * z),
        (lambda z: (1 / z).abs(), lambda z: -z / np.abs(z) ** 3),
    ],
)
def test_complex_gradients(function: Any, expected: Any) -> None:
    points = np.array([1 + 2j, -0.5 + 0.3j, 2 - 1j])
    z = torch.tensor(points, requires_grad=True)
    y = function(z)
    y = y() if callable(y) else y
    np.testing.assert_allclose(grad(y.sum(), z)[0].numpy(), expected(points), rtol=1e-12)


def test_complex_outputs_with_a_cotangent() -> None:
    points = np.array([1 + 2j, -0.5 + 0.3j])
    z = torch.tensor(points, requires_grad=True)
    g = np.array([1 - 1j, 2j])
    (found,) = grad(z.sin(), z, torch.tensor(g))
    np.testing.assert_allclose(found.numpy(), g * np.conj(np.cos(points)), rtol=1e-12)


def test_the_gradient_of_a_real_input_is_real() -> None:
    x = leaf(3, dtype=torch.float64)
    y = (x * (1 + 2j)) * torch.tensor([1j, 2.0, 3.0])
    (g,) = grad(y, x, torch.ones(3, dtype=torch.complex128))
    assert g.dtype is torch.float64
    np.testing.assert_allclose(g.tolist(), [-2, 2, 3])


def test_old_arguments() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with pytest.warns(FutureWarning, match="grad_variables"):
        torch.autograd.backward(x * 2, grad_variables=torch.ones(2))
    assert x.grad.tolist() == [2, 2]
    with pytest.warns(FutureWarning), pytest.raises(RuntimeError, match="both passed"):
        torch.autograd.backward(x * 2, torch.ones(2), grad_variables=torch.ones(2))
    with pytest.warns(FutureWarning, match="only_inputs"):
        assert torch.autograd.grad(x.sum(), x, only_inputs=False)[0].tolist() == [1, 1]
    found = torch.autograd.grad((x * x).sum(), {"x": x, "y": x})
    assert {name: g.tolist() for name, g in found.items()} == {"x": [2, 4], "y": [2, 4]}


FLAT: dict[str, Any] = {
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "hardtanh": F.hardtanh,
    "relu6": F.relu6,
    "prelu": lambda x: F.prelu(x, torch.tensor([0.1])),
    "threshold": lambda x: F.threshold(x, 0.1, 0.2),
    "softshrink": F.softshrink,
    "hardshrink": F.hardshrink,
    "avg_pool1d": lambda x: F.avg_pool1d(x, 2),
    "max_pool2d": lambda x: F.max_pool2d(x, (1, 2)),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, (1, 2)),
    "adaptive_max_pool1d": lambda x: F.adaptive_max_pool1d(x, 2),
}


@pytest.mark.parametrize("name", FLAT)
def test_second_derivatives_of_flat_functions_are_zeros(name: str) -> None:
    x = torch.tensor([[[-1.5, 0.3, 0.7, -0.2, 2.0, 7.0]]], requires_grad=True)
    (g,) = torch.autograd.grad(FLAT[name](x).sum(), x, create_graph=True)
    assert g.any()
    (again,) = torch.autograd.grad(g.sum(), x)
    assert torch.equal(again, torch.zeros_like(x))


def test_a_penalty_gives_all_biases_before_a_flat_function_a_gradient() -> None:
    model = torch.nn.Sequential(
        torch.nn.Linear(3, 3), torch.nn.LeakyReLU(0.2), torch.nn.Linear(3, 1)
    )
    x = torch.ones(2, 3, requires_grad=True)
    (g,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
    g.pow(2).sum().backward()
    first, _, last = model
    assert first.bias.grad is not None
    assert not first.bias.grad.any()
    assert last.bias.grad is None
    assert not x.grad.any()
