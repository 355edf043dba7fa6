"""The graph engine: backward passes, what they accept, what they refuse, what they leave behind."""

from __future__ import annotations

import math
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.autograd.graph import RemovableHandle, retain_grad
from pullback.dispatch import bind
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
    found.zero_()
    assert g.tolist() == [5] * 4
    y = x * 2
    a, b = grad([(y * y).sum(), y], [y, x], [torch.tensor(1.0), torch.ones(4)])
    assert a.tolist() == [5, 9, 13, 17]
    assert b.tolist() == [10, 18, 26, 34]


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
    def counting(xp, a, b):  # type: ignore[no-untyped-def]
        return xp.mul(a, b)

    @counting.backward("a")
    def _(xp, g, b):  # type: ignore[no-untyped-def]
        calls.append("a")
        return g * b

    @counting.backward("b")
    def _(xp, g, a):  # type: ignore[no-untyped-def]
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


# ----------------------------------------------------------------------------------- modes


def recording() -> bool:
    found = (leaf() * 2).requires_grad
    assert found is torch.is_grad_enabled()
    return bool(found)


def test_modes_as_context_managers() -> None:
    assert recording()
    with torch.no_grad():
        assert not recording()
        with torch.enable_grad():
            assert recording()
            with torch.set_grad_enabled(False):
                assert not recording()
            assert recording()
        assert not recording()
    assert recording()


def test_modes_survive_exceptions() -> None:
    with pytest.raises(ZeroDivisionError), torch.no_grad():
        raise ZeroDivisionError
    assert recording()
    with torch.no_grad():
        with pytest.raises(ZeroDivisionError), torch.enable_grad():
            raise ZeroDivisionError
        assert not recording()


def test_modes_can_be_entered_again() -> None:
    for mode in (torch.no_grad(), torch.set_grad_enabled(False)):
        torch.set_grad_enabled(True)
        for _ in range(2):
            with mode:
                assert not recording()
            assert recording()
    mode = torch.no_grad()
    with mode, torch.enable_grad(), mode:
        assert not recording()
    assert recording()


def test_set_grad_enabled_as_a_function() -> None:
    torch.set_grad_enabled(False)
    try:
        assert not recording()
    finally:
        torch.set_grad_enabled(True)
    assert recording()


def test_modes_as_decorators() -> None:
    @torch.no_grad()
    def off(a: int, b: int = 2) -> tuple[int, int, bool]:
        """Documented."""
        return a, b, recording()

    @torch.no_grad
    def bare() -> bool:
        return recording()

    @torch.enable_grad()
    def on() -> bool:
        return recording()

    @torch.set_grad_enabled(False)
    def set_off() -> bool:
        return recording()

    @torch.no_grad()
    def recursive(n: int) -> bool:
        return recording() if n == 0 else recursive(n - 1) or recording()

    @torch.no_grad()
    def fails() -> None:
        raise ZeroDivisionError

    assert recording()  # the decorators have not switched anything
    assert off(1, b=3) == (1, 3, False)
    assert off.__name__ == "off" and off.__doc__ == "Documented."
    assert not bare() and not set_off() and not recursive(3)
    with torch.no_grad():
        assert on()
        assert not recording()
    with pytest.raises(ZeroDivisionError):
        fails()
    assert recording()


def test_modes_decorate_generators() -> None:
    log: list[Any] = []

    @torch.no_grad()
    def numbers() -> Iterator[Any]:
        try:
            sent = yield recording()
            log.append((sent, recording()))
            try:
                yield recording()
            except KeyError as error:
                log.append((type(error), recording()))
            with torch.enable_grad():
                yield recording()
            yield recording()
            return "done"  # StopIteration carries it
        finally:
            log.append(("closed", recording()))

    made = numbers()
    assert next(made) is False and recording()
    assert made.send("hello") is False and recording()
    assert made.throw(KeyError()) is True and recording()
    assert log == [("hello", False), (KeyError, False)]
    assert next(made) is False and recording()
    with pytest.raises(StopIteration) as stop:
        next(made)
    assert stop.value.value == "done" and recording()

    made = numbers()
    next(made)
    made.close()
    assert log[-1] == ("closed", False) and recording()

    made = numbers()
    next(made)
    with pytest.raises(OSError):
        made.throw(OSError())
    assert log[-1] == ("closed", False) and recording()


def test_inference_mode() -> None:
    @torch.inference_mode()
    def off() -> bool:
        return recording()

    @torch.inference_mode
    def bare() -> bool:
        return recording()

    @torch.inference_mode()
    def numbers() -> Iterator[bool]:
        yield recording()

    assert not off() and not bare() and list(numbers()) == [False] and recording()
    with torch.inference_mode():
        assert torch.is_inference_mode_enabled()
        with torch.enable_grad():
            assert not recording()
        with torch.inference_mode(mode=False):
            assert recording() and not torch.is_inference_mode_enabled()
        x = leaf() * 2
        assert not recording()
    with torch.inference_mode(False):
        assert recording()
    with torch.no_grad():
        with torch.inference_mode():
            pass
        assert not recording()
    assert recording() and not torch.is_inference_mode_enabled()
    (leaf() * x).sum().backward()
    with pytest.raises(ZeroDivisionError), torch.inference_mode():
        raise ZeroDivisionError
    assert recording()


def test_modes_are_per_thread() -> None:
    found: list[bool] = []
    with torch.no_grad():
        thread = threading.Thread(target=lambda: found.append(recording()))
        thread.start()
        thread.join()
        assert found == [True]
        assert not recording()


def test_a_backward_pass_leaves_the_mode_alone() -> None:
    x = leaf()
    y = (x * x).sum()
    with torch.no_grad():
        y.backward()
        assert not torch.is_grad_enabled()
    with pytest.raises(RuntimeError):
        y.backward()
    assert recording()


# ----------------------------------------------------------------------------------- hooks


def test_tensor_hooks_see_and_replace_gradients() -> None:
    x = leaf()
    seen: list[Any] = []
    y = x * 2
    first = y.register_hook(lambda g: seen.append(g.tolist()))
    second = y.register_hook(lambda g: g * 10)
    y.sum().backward(retain_graph=True)
    assert seen == [[1] * 4]
    assert x.grad.tolist() == [20] * 4
    second.remove()
    second.remove()
    y.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [22] * 4
    with first:
        pass
    y.sum().backward()
    assert len(seen) == 2


def test_tensor_hooks_get_the_whole_gradient_once() -> None:
    x = leaf()
    seen: list[Any] = []
    x.register_hook(lambda g: seen.append(g.tolist()))
    (x + x * 2 + x.sum()).sum().backward()
    assert seen == [[7] * 4]


def test_hooks_on_leaves_run_for_grad_too() -> None:
    x = leaf()
    x.register_hook(lambda g: g * 3)
    assert grad(x.sum(), x)[0].tolist() == [3] * 4


def test_arrays_that_hooks_hold_are_theirs() -> None:
    x = leaf()
    mine, kept = torch.full((4,), 7.0), []
    handle = x.register_hook(lambda g: mine)
    x.sum().backward()
    x.sum().backward()
    assert mine.tolist() == [7] * 4 and x.grad.tolist() == [14] * 4
    handle.remove()
    x.grad = None
    x.register_hook(kept.append)
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    assert [g.tolist() for g in kept] == [[2] * 4] * 2 and x.grad.tolist() == [4] * 4


def test_arrays_that_node_hooks_hold_are_theirs() -> None:
    x = leaf()
    kept: list[Any] = []
    for _ in range(2):
        y = x * 2
        y.grad_fn.register_hook(lambda inputs, outputs: kept.append(inputs[0]))
        y.sum().backward()
    assert [g.tolist() for g in kept] == [[2] * 4] * 2 and x.grad.tolist() == [4] * 4


def test_node_hooks() -> None:
    x = leaf()
    log: list[Any] = []
    y = x * 2
    y.register_hook(lambda g: log.append("tensor"))
    y.grad_fn.register_prehook(lambda outputs: log.append(("pre", outputs[0].tolist())))
    y.grad_fn.register_hook(
        lambda inputs, outputs: log.append(
            ("post", inputs[0].tolist(), inputs[1], outputs[0].tolist())
        )
    )
    y.sum().backward()
    assert log == ["tensor", ("pre", [1] * 4), ("post", [2] * 4, None, [1] * 4)]


def test_node_hooks_replace_gradients() -> None:
    x = leaf()
    y = x * 2
    y.grad_fn.register_prehook(lambda outputs: (outputs[0] * 10,))
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] + 1, None))
    y.sum().backward()
    assert x.grad.tolist() == [21] * 4


def test_hooks_of_a_node_that_is_only_an_input() -> None:
    """Tensor hooks change the gradient that is asked for; the node's own do not run."""
    log: list[str] = []
    y = leaf() * 2
    y.grad_fn.register_prehook(lambda g: log.append("pre"))
    y.grad_fn.register_hook(lambda i, o: log.append("post"))
    y.register_hook(lambda g: g * 2)
    assert grad((y * 3).sum(), y)[0].tolist() == [6] * 4
    assert log == []


def test_hooks_can_be_recorded() -> None:
    x = leaf(3, dtype=torch.float64)
    y = x * x
    with y.register_hook(lambda g: g * y):
        (g,) = grad(y.sum(), x, create_graph=True)  # x² · 2x
    assert g.tolist() == [2, 16, 54]
    assert grad(g.sum(), x)[0].tolist() == [6, 24, 54]


def test_post_accumulate_hooks() -> None:
    x = leaf()
    seen: list[Any] = []
    handle = x.register_post_accumulate_grad_hook(lambda t: seen.append((t is x, t.grad.tolist())))
    grad(x.sum(), x)
    assert seen == []
    x.sum().backward()
    x.sum().backward()
    assert seen == [(True, [1] * 4), (True, [2] * 4)]
    handle.remove()
    x.sum().backward()
    assert len(seen) == 2


def test_a_hook_can_run_a_backward_pass() -> None:
    x, w = leaf(), leaf()
    y = x * 2

    def hook(g: Any) -> None:
        with torch.enable_grad():
            (w * g).sum().backward()

    y.register_hook(hook)
    y.sum().backward()
    assert x.grad.tolist() == [2] * 4 and w.grad.tolist() == [1] * 4


def test_retain_grad() -> None:
    x = leaf()
    y = x * 2
    y.retain_grad()
    y.retain_grad()
    z = y * y
    z.sum().backward(retain_graph=True)
    assert y.grad.tolist() == [4, 8, 12, 16]
    z.sum().backward()
    assert y.grad.tolist() == [8, 16, 24, 32]
    x.retain_grad()  # nothing to do
    assert (x * 1).grad is None


def test_kept_gradients_see_all_hooks_and_follow_writes() -> None:
    """As in PyTorch: they come after all tensor hooks, and move on with the tensor."""
    x = leaf()
    y = x * 2
    retain_grad(y)
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert y.grad.tolist() == [10] * 4
    z = x * 2
    retain_grad(z)
    old = z.grad_fn
    z.mul_(3)
    assert old.hooks.retained == {}
    z.sum().backward()
    assert z.grad.tolist() == [1] * 4


def test_hooks_before_an_in_place_write_belong_to_the_old_value() -> None:
    x = leaf()
    seen: list[Any] = []
    y = x * 2
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.mul_(3)
    y.sum().backward()
    assert seen == [[3] * 4]


def test_handles() -> None:
    hooks: dict[int, Any] = {}
    first, second = RemovableHandle(hooks, 1), RemovableHandle(hooks, 2)
    assert first.id != second.id and len(hooks) == 2
    first.remove()
    assert hooks == {second.id: 2}


# --------------------------------------------------------------------------- nodes, by name

A = ("torch::autograd::AccumulateGrad", 0)
N = (None, 0)
# What PyTorch 2.13 answers for these expressions in x (4, 3), that requires grad, and a (3).
NODES: dict[str, tuple[str, list[Any]]] = {
    "x*2": ("MulBackward0", [A, N]),
    "x*a": ("MulBackward0", [A, N]),
    "a*x": ("MulBackward0", [N, A]),
    "2*x": ("MulBackward0", [A, N]),
    "x*x": ("MulBackward0", [A, A]),
    "x+1": ("AddBackward0", [A, N]),
    "x-1": ("SubBackward0", [A, N]),
    "x-x": ("SubBackward0", [A, A]),
    "x/2": ("DivBackward0", [A, N]),
    "2/x": ("MulBackward0", [("ReciprocalBackward0", 0), N]),
    "x/a": ("DivBackward0", [A, N]),
    "-x": ("NegBackward0", [A]),
    "x**a": ("PowBackward1", [A, N]),
    "x.exp()": ("ExpBackward0", [A]),
    "x.log()": ("LogBackward0", [A]),
    "x.sin()": ("SinBackward0", [A]),
    "x.tanh()": ("TanhBackward0", [A]),
    "x.sum()": ("SumBackward0", [A]),
    "x.sum(1)": ("SumBackward1", [A]),
    "x.mean()": ("MeanBackward0", [A]),
    "x.mean(0)": ("MeanBackward1", [A]),
    "x.max()": ("MaxBackward1", [A]),
    "x.max(1)[0]": ("MaxBackward0", [A]),
    "x.amax(1)": ("AmaxBackward0", [A]),
    "x.min(1)[0]": ("MinBackward0", [A]),
    "x[:,None]": ("UnsqueezeBackward0", [A]),
    "x[None]": ("UnsqueezeBackward0", [A]),
    "x[0]": ("SelectBackward0", [A]),
    "x[0:2]": ("SliceBackward0", [A]),
    "x[:,0]": ("SelectBackward0", [A]),
    "x[:,1:]": ("SliceBackward0", [A]),
    "x[torch.tensor([0,1])]": ("IndexBackward0", [A]),
    "x[x>0.5]": ("IndexBackward0", [A]),
    "x[...,None,0]": ("SelectBackward0", [("UnsqueezeBackward0", 0)]),
    "x.view(-1)": ("ViewBackward0", [A]),
    "x.reshape(3,4)": ("ViewBackward0", [A]),
    "x.t()": ("TBackward0", [A]),
    "x.T": ("PermuteBackward0", [A]),
    "x.mT": ("TransposeBackward0", [A]),
    "x.transpose(0,1)": ("TransposeBackward0", [A]),
    "x.permute(1,0)": ("PermuteBackward0", [A]),
    "x.expand(2,4,3)": ("ExpandBackward0", [A]),
    "x.squeeze()": ("SqueezeBackward0", [A]),
    "x.squeeze(0)": ("SqueezeBackward1", [A]),
    "x.unsqueeze(1)": ("UnsqueezeBackward0", [A]),
    "x.flatten()": ("ViewBackward0", [A]),
    "x@x.t()": ("MmBackward0", [A, ("TBackward0", 0)]),
    "x@a": ("MvBackward0", [A, N]),
    "torch.dot(x[0],a)": ("DotBackward0", [("SelectBackward0", 0), N]),
    "torch.cat([x,x])": ("CatBackward0", [A, A]),
    "torch.stack([x,x])": ("StackBackward0", [A, A]),
    "torch.where(x>0,x,a)": ("WhereBackward0", [A, N]),
    "x.abs()": ("AbsBackward0", [A]),
    "x.sqrt()": ("SqrtBackward0", [A]),
    "x.rsqrt()": ("RsqrtBackward0", [A]),
    "x.clone()": ("CloneBackward0", [A]),
    "x.double()": ("ToCopyBackward0", [A]),
    "x.t().contiguous()": ("CloneBackward0", [("TBackward0", 0)]),
    "x.logsumexp(1)": ("LogsumexpBackward0", [A]),
    "x.prod(1)": ("ProdBackward1", [A]),
    "torch.maximum(x,a)": ("MaximumBackward0", [A, N]),
    "x.unbind()[1]": ("UnbindBackward0", [A]),
    "x.split(2)[1]": ("SplitBackward0", [A]),
    "x.chunk(2)[0]": ("SplitBackward0", [A]),
    "x.flip(0)": ("FlipBackward0", [A]),
    "x.cumsum(0)": ("CumsumBackward0", [A]),
    "x.sort()[0]": ("SortBackward0", [A]),
    "x.topk(2)[0]": ("TopkBackward0", [A]),
    "x.tril()": ("TrilBackward0", [A]),
    "x.diagonal()": ("DiagonalBackward0", [A]),
    "x.repeat(2,1)": ("RepeatBackward0", [A]),
    "x.atan2(a)": ("Atan2Backward0", [A, N]),
    "x.mul(2).add_(1)": ("AddBackward0", [("MulBackward0", 0), N]),
    "x.mul(1)[0].mul_(2)": ("AsStridedBackward0", [("torch::autograd::CopySlices", 0)]),
    "x.view(12)[None,:]": ("UnsqueezeBackward0", [("ViewBackward0", 0)]),
    "x.prod()": ("ProdBackward0", [A]),
    "x**2": ("PowBackward0", [A]),
    "2**x": ("PowBackward2", [A]),
    "x[0]**a": ("PowBackward1", [("SelectBackward0", 0), N]),
    "1-x": ("RsubBackward1", [A]),
    "x%2": ("RemainderBackward0", [A]),
    "x.fmod(a)": ("FmodBackward1", [A, N]),
    "x.clamp(0,1)": ("ClampBackward1", [A]),
    "x.clamp_min(0)": ("ClampMinBackward0", [A]),
    "x.clamp_max(a)": ("ClampMaxBackward1", [A, N]),
    "x.std(0)": ("StdBackward0", [A]),
    "x.round(decimals=1)": ("RoundBackward1", [A]),
    "x.clamp(max=a)": ("ClampBackward0", [A, N, N]),
    "x.masked_fill(x>1,0)": ("MaskedFillBackward0", [A]),
    "torch.lerp(x,x,0.5)": ("LerpBackward0", [A, A]),
    "x.log1p()": ("Log1PBackward0", [A]),
    "x.softmax(1)": ("SoftmaxBackward0", [A]),
    "x.log_softmax(1)": ("LogSoftmaxBackward0", [A]),
    "x.mul(1).fill_(2)": ("FillBackward2", [("MulBackward0", 0)]),
    "x.mul(1).zero_()": ("ZeroBackward0", [("MulBackward0", 0)]),
    "torch.einsum('ij->ji',x)": ("PermuteBackward0", [A]),
    "x.detach().requires_grad_().reciprocal()": ("ReciprocalBackward0", [A]),
}


@pytest.mark.parametrize("expression", NODES)
def test_names_and_next_functions(expression: str) -> None:
    x, a = torch.rand(4, 3).requires_grad_(), torch.rand(3)
    node = eval(expression, {"torch": torch, "x": x, "a": a}).grad_fn
    name, following = NODES[expression]
    assert node.name() == name
    found = [(n and n.name(), number) for n, number in node.next_functions]
    assert found == following


def test_the_ends_of_paths() -> None:
    x = leaf()
    node = (x * 2).grad_fn
    end = node.next_functions[0][0]
    assert end.variable is x and end.next_functions == ()
    assert x.grad_fn is None and x.is_leaf
    assert (x + 1).grad_fn.next_functions[0][0] is end
    assert "MulBackward0" in repr(node)


def test_outputs_are_numbered_in_next_functions() -> None:
    parts = (leaf(6) * 1).split(2)
    assert (parts[2] * 1).grad_fn.next_functions[0] == (parts[0].grad_fn, 2)


def test_saved_values() -> None:
    x, a = leaf(3), torch.tensor([2.0, 3.0, 4.0])
    y = x.exp()
    assert y.grad_fn._saved_result.tolist() == y.tolist()
    assert y.grad_fn._saved_result.requires_grad
    product = (x * a).grad_fn
    assert product._saved_other.tolist() == [2, 3, 4]
    with pytest.raises(AttributeError, match="_saved_self"):
        _ = product._saved_self  # a needs no gradient
    assert (x * 3).grad_fn._saved_other == 3
    assert tuple(x.reshape(3, 1).grad_fn._saved_self_sym_sizes) == (3,)
    assert "_saved_result" in dir(y.grad_fn)
    y.sum().backward()
    with pytest.raises(RuntimeError, match="ExpBackward0"):
        _ = y.grad_fn._saved_result


def test_metadata() -> None:
    node = (leaf() * 2).grad_fn
    node.metadata["note"] = 1
    assert node.metadata == {"note": 1}
    assert (leaf() * 2).grad_fn.metadata == {}


# ------------------------------------------------------------------------------- bad input


def second_pass() -> None:
    x = leaf()
    y = (x * x).sum()
    y.backward()
    y.backward()


def second_pass_with_a_record() -> None:
    x = leaf()
    y = (x * x).sum()
    y.backward()
    grad(y, x, create_graph=True)


def second_pass_through_a_part() -> None:
    x = leaf()
    y = x.reshape(2, 2) @ x.reshape(2, 2)
    y.sum().backward()
    y[0].sum().backward()


def two_gradients_for_one_tensor() -> None:
    x = leaf()
    torch.autograd.backward([x.sum()], [torch.tensor(1.0), torch.tensor(1.0)])


def a_pre_hook_that_loses_a_gradient() -> None:
    y = leaf() * 2
    y.grad_fn.register_prehook(lambda g: ())
    y.sum().backward()


def a_hook_that_loses_a_gradient() -> None:
    y = leaf() * leaf()
    y.grad_fn.register_hook(lambda i, o: i[:1])
    y.sum().backward()


def hooked(result: Any) -> None:
    x = leaf()
    x.register_hook(lambda g: result)
    x.sum().backward()


BAD: list[tuple[Any, type[Exception], str]] = [
    (second_pass, RuntimeError, "second time.* MulBackward0 .*retain_graph=True"),
    (second_pass_with_a_record, RuntimeError, "second time.* MulBackward0 .*retain_graph=True"),
    (second_pass_through_a_part, RuntimeError, "second time.* MmBackward0 .*retain_graph=True"),
    (
        lambda: (leaf() * 2).backward(), RuntimeError,
        r"implicitly created only for scalar outputs.*\[4\].*\.sum\(\)",
    ),
    (
        lambda: (leaf() * 1j).sum().backward(), RuntimeError,
        "implicitly created only for real scalar outputs but got torch.complex64",
    ),
    (
        lambda: (leaf() * 2).backward(torch.ones(3)), RuntimeError,
        r"Mismatch in shape: grad_output\[0\] has a shape of torch.Size\(\[3\]\) and output\[0\] "
        r"has a shape of torch.Size\(\[4\]\)",
    ),
    (
        lambda: grad([leaf().sum(), leaf() * 2], leaf(), [None, torch.ones(2, 2)]), RuntimeError,
        r"grad_output\[1\] has a shape of torch.Size\(\[2, 2\]\)",
    ),
    (
        lambda: (leaf() * 2).sum().backward(torch.tensor(1j)), RuntimeError,
        r"grad_output\[0\].*torch.complex64.*torch.float32",
    ),
    (two_gradients_for_one_tensor, RuntimeError, "got 1 tensors and 2 gradients"),
    (
        lambda: (leaf() * 2).sum().backward(1.0), TypeError, "either Tensors or Nones, not float"
    ),
    (
        lambda: torch.ones(3).sum().backward(), RuntimeError,
        "element 0 of tensors does not require grad and does not have a grad_fn",
    ),
    (
        lambda: torch.autograd.backward([leaf().sum(), leaf().argmax()]), RuntimeError,
        "element 1 of tensors does not require grad",
    ),
    (lambda: grad([3.0], leaf()), TypeError, "element 0 .*must be a Tensor, not float"),
    (lambda: grad(leaf().sum(), [3.0]), TypeError, r"inputs\[0\] must be a Tensor, not float"),
    (
        lambda: grad((leaf() * 2).sum(), [torch.ones(3)]), RuntimeError,
        r"differentiated Tensors does not require grad: inputs\[0\].*\[3\].*requires_grad_",
    ),
    (
        lambda: grad((leaf() * 2).sum(), leaf(3)), RuntimeError,
        r"not have been used in the graph.*inputs\[0\].*\[3\].*allow_unused=True",
    ),
    (
        lambda: grad(leaf().sum(), leaf(), materialize_grads=True, allow_unused=False), ValueError,
        "allow_unused to be True or not passed when materialize_grads=True",
    ),
    (lambda: grad(leaf().sum(), []), RuntimeError, "cannot be empty"),
    (lambda: leaf().sum().backward(inputs=[]), RuntimeError, "cannot be empty"),
    (
        lambda: grad(leaf() * 2, leaf(), [torch.ones(0, 4)], is_grads_batched=True), RuntimeError,
        "at least one cotangent",
    ),
    (
        lambda: torch.arange(3).requires_grad_(), RuntimeError,
        r"floating point and complex dtype can require gradients, not torch.int64 .*\.float\(\)",
    ),
    (
        lambda: torch.tensor([1, 2], requires_grad=True), RuntimeError,
        "floating point and complex dtype can require gradients",
    ),
    (
        lambda: setattr(torch.tensor([True]), "requires_grad", True), RuntimeError,
        "floating point and complex dtype can require gradients",
    ),
    (
        lambda: setattr(leaf() * 2, "requires_grad", False), RuntimeError,
        r"only change requires_grad flags of leaf variables.*var\.detach\(\)",
    ),
    (
        lambda: leaf()[0].requires_grad_(False), RuntimeError,
        "only change requires_grad flags of leaf variables",
    ),
    (lambda: torch.ones(3).register_hook(print), RuntimeError, "doesn't require gradient"),
    (lambda: torch.ones(3).retain_grad(), RuntimeError, "requires_grad=False"),
    (
        lambda: (leaf() * 2).register_post_accumulate_grad_hook(print), RuntimeError,
        "cannot be registered on non-leaf tensors",
    ),
    (lambda: hooked(3), TypeError, "expected Variable, but hook returned 'int'"),
    (lambda: hooked(torch.ones(3)), RuntimeError, r"has changed the size of value.*\[4\].*\[3\]"),
    (a_pre_hook_that_loses_a_gradient, RuntimeError, "must give 1 gradients or None, .* gave 0"),
    (a_hook_that_loses_a_gradient, RuntimeError, "must give 2 gradients or None, .* gave 1"),
    (lambda: setattr(leaf(), "grad", torch.ones(3)), RuntimeError, r"size.*\[3\].*\[4\]"),
    (
        lambda: setattr(leaf(), "grad", torch.ones(4, dtype=torch.float64)), RuntimeError,
        "torch.float64 for torch.float32",
    ),
    (lambda: leaf().numpy(), RuntimeError, r"requires grad. Use tensor.detach\(\).numpy\(\)"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "kind", "message"), BAD)
def test_bad_input(act: Any, kind: type[Exception], message: str) -> None:
    """PyTorch's exception, with the operation or the place, the shapes, and what to do."""
    with pytest.raises(kind, match=f"(?s){message}"):
        act()


def test_a_refused_pass_accumulates_nothing() -> None:
    """All or nothing: no leaf has its gradient when another's cannot be computed."""
    x, w = leaf(), leaf()
    p = w.exp()
    p.sum().backward()
    w.grad = None
    with pytest.raises(RuntimeError, match="second time"):
        (x * 2 + p).sum().backward()
    assert x.grad is None and w.grad is None


# --------------------------------------------------------------------------------- threads


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Run a function in threads that start together; raise what one of them raised."""
    errors: list[BaseException] = []
    start = threading.Barrier(count)

    def run(k: int) -> None:
        start.wait()
        try:
            work(k)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty")
def test_threads_accumulate_in_shared_leaves() -> None:
    # So large that NumPy lets other threads run while it adds.
    n = 200_000
    x, w = (torch.ones(n, dtype=torch.float64).requires_grad_() for _ in range(2))

    def work(k: int) -> None:
        for _ in range(25):
            ((x * w).sum() * 2 + w.sum()).backward()

    for _ in range(3):
        x.grad = w.grad = None  # the first gradient of all is a race as well
        in_threads(8, work)
        assert np.unique(x.grad.numpy()).tolist() == [400]
        assert np.unique(w.grad.numpy()).tolist() == [600]


@pytest.mark.usefixtures("hasty")
def test_threads_walk_one_graph() -> None:
    x = leaf(100, dtype=torch.float64)
    y = x
    for _ in range(50):
        y = y * 1.0 + 0.0

    def work(k: int) -> None:
        for _ in range(10):
            y.sum().backward(retain_graph=True)
            assert grad(y.sum(), x, retain_graph=True)[0].tolist() == [1.0] * 100

    in_threads(4, work)
    assert x.grad.tolist() == [40.0] * 100


@pytest.mark.usefixtures("hasty")
def test_threads_have_modes_of_their_own() -> None:
    def work(k: int) -> None:
        for _ in range(300):
            with torch.set_grad_enabled(k % 2 == 0):
                assert recording() is (k % 2 == 0)
            assert recording()

    in_threads(4, work)


def test_views_made_while_the_list_of_views_is_cleared() -> None:
    """Every view of a base is known to it, in whichever thread it was made."""
    x = leaf(8)
    y = x * 1
    made: list[Any] = []
    clearing = threading.Event()

    class Slow(list[Any]):
        def __iter__(self) -> Any:
            found = tuple(super().__iter__())
            clearing.set()
            time.sleep(0.05)
            return iter(found)

    y._views = Slow([weakref.ref(y[0]) for _ in range(32)])  # all gone: due to be cleared

    def other() -> None:
        clearing.wait()
        made.append(y[2:4])

    thread = threading.Thread(target=other)
    thread.start()
    made.append(y[1:3])
    thread.join()
    y.mul_(3)
    assert [v.grad_fn.name() for v in made] == ["AsStridedBackward0"] * 2


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


def test_multithreading_is_remembered() -> None:
    assert torch.autograd.is_multithreading_enabled()
    with torch.autograd.set_multithreading_enabled(False):
        assert not torch.autograd.is_multithreading_enabled()
        with torch.autograd.set_multithreading_enabled(True):
            assert torch.autograd.is_multithreading_enabled()
        assert not torch.autograd.is_multithreading_enabled()
    assert torch.autograd.is_multithreading_enabled()
