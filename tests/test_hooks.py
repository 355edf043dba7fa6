"""Hooks around the graph: saved tensors, several gradients, edges, anomalies."""

from __future__ import annotations

import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback as torch
from custom_functions import EXPRESSIONS, Square
from pullback.autograd import Function, gradcheck
from pullback.autograd.graph import (
    GradientEdge,
    Node,
    allow_mutation_on_saved_tensors,
    disable_saved_tensors_hooks,
    get_gradient_edge,
    increment_version,
    register_multi_grad_hook,
    save_on_cpu,
    saved_tensors_hooks,
)
from pullback.config import config

grad = torch.autograd.grad


def leaf(*shape: int, seed: int = 0) -> Any:
    values = np.random.default_rng(seed).normal(size=shape)
    return torch.tensor(values).requires_grad_()


# --------------------------------------------------------------------------- saved tensors


class Log:
    """Hooks that keep copies as bytes, and count."""

    def __init__(self) -> None:
        self.packed: list[tuple[int, ...]] = []
        self.unpacked = 0
        self.modes: set[bool] = set()

    def pack(self, x: Any) -> Any:
        assert isinstance(x, torch.Tensor) and not x.requires_grad
        self.packed.append(tuple(x.shape))
        self.modes.add(torch.is_grad_enabled())
        return x.numpy().tobytes(), x.dtype, x.shape

    def unpack(self, packed: Any) -> Any:
        self.unpacked += 1
        data, dtype, shape = packed
        return torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape)

    def hooks(self) -> saved_tensors_hooks:
        return saved_tensors_hooks(self.pack, self.unpack)


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize("create_graph", [False, True])
def test_saved_tensors_come_back(expression: Any, create_graph: bool) -> None:
    x, y = leaf(3, 4), leaf(3, 4, seed=1)
    expected = grad(expression(x, y).sum(), [x, y])
    log = Log()
    with log.hooks():
        z = expression(x, y).sum()
    packed = len(log.packed)
    assert packed and not log.unpacked and log.modes == {False}
    found = grad(z, [x, y], create_graph=create_graph)
    assert log.unpacked == packed == len(log.packed)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a.detach(), b)
    if create_graph:
        wanted = grad(expression(x, y).sum(), [x, y], create_graph=True)
        second = grad(found[0].square().sum(), y)[0]
        np.testing.assert_allclose(second, grad(wanted[0].square().sum(), y)[0])


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_hooks_that_do_nothing(expression: Any) -> None:
    x, y = leaf(3, 4), leaf(3, 4, seed=1)
    with saved_tensors_hooks(lambda t: t, lambda t: t):
        assert gradcheck(expression, [x, y])


def test_formulas_are_packed_as_formulas() -> None:
    seen = []

    def pack(t: Any) -> Any:
        seen.append(t._is_formula)
        return t

    with config(defer_elements=100):
        x, y = leaf(20, 3), leaf(20, 3, seed=1)

        def loss() -> Any:
            return (-((x[:, None] - y) ** 2).sum(-1)).exp().sum(1).square().sum()

        expected = grad(loss(), [x, y])
        with saved_tensors_hooks(pack, lambda t: t):
            z = loss()
        assert any(seen)
        for a, b in zip(grad(z, [x, y]), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


def test_the_innermost_hooks_count() -> None:
    outer, inner = Log(), Log()
    x = leaf(2)
    with outer.hooks():
        x.exp()
        with inner.hooks():
            x.exp()
        x.exp()
    x.exp()
    assert (len(outer.packed), len(inner.packed)) == (2, 1)


def test_hooks_and_modes() -> None:
    log = Log()
    x = leaf(2)
    with log.hooks():
        with torch.no_grad():
            x.exp()
            with torch.enable_grad():
                x.exp()
        assert torch.is_grad_enabled() is True
        torch.set_grad_enabled(False)
        x.exp()
        torch.set_grad_enabled(True)
        x.exp()
    x.exp()
    with torch.no_grad(), log.hooks():
        pass
    x.exp()
    assert len(log.packed) == 2
    assert torch.is_grad_enabled() is True


def test_hooks_are_per_thread() -> None:
    log = Log()
    x = leaf(2)
    with log.hooks():
        thread = threading.Thread(target=lambda: x.exp())
        thread.start()
        thread.join()
    assert not log.packed


def test_saved_attributes_unpack() -> None:
    log = Log()
    x = leaf(2)
    with log.hooks():
        y = x.exp() * x
        z = Square.apply(x)
    node = y.grad_fn
    assert node._saved_self.tolist() == x.exp().tolist()
    assert z.grad_fn.saved_tensors[0].tolist() == x.tolist()
    assert z.grad_fn.saved() == []  # a picture does not unpack
    y.sum().backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.sum().backward()


def test_an_overwritten_value_that_a_hook_kept_where_it_was() -> None:
    x = leaf(3)
    with saved_tensors_hooks(lambda t: t, lambda t: t):
        a = x * 1
        y = a * a
        z = Square.apply(a)
    a.zero_()
    for loss in (y.sum(), z.sum()):
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()
    with saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        a = x * 1
        y = a * a
    a.zero_()
    y.sum().backward()
    np.testing.assert_allclose(x.grad, 2 * x.detach().numpy())


def test_compressed_values_come_back_in_their_dtype() -> None:
    x = torch.tensor([0.5, 0.25]).requires_grad_()
    with saved_tensors_hooks(lambda t: t.to(torch.float16), lambda t: t):
        y = x.exp().sum()
    (g,) = grad(y, x)
    assert g.dtype is torch.float32
    np.testing.assert_allclose(g, np.exp([0.5, 0.25]), rtol=1e-3)


@pytest.mark.parametrize(
    ("pack", "unpack", "kind", "message"),
    [
        (lambda t: t.mul_(2), lambda t: t, RuntimeError, "pack hook is modifying its input in pla"),
        (lambda t: t, lambda t: 3, TypeError, "expected to be a Tensor but got result of type int"),
        (
            lambda t: t,
            lambda t: t[0],
            RuntimeError,
            r"shape \[\] for one of shape \[2\], which Exp",
        ),
        (lambda t: 1 / 0, lambda t: t, ZeroDivisionError, "division"),
    ],
)
def test_bad_hooks(pack: Any, unpack: Any, kind: type[Exception], message: str) -> None:
    x = leaf(2)
    with pytest.raises(kind, match=message):
        with saved_tensors_hooks(pack, unpack):
            y = x.exp().sum()
        y.backward()
    x.exp().sum().backward()
    assert x.grad.tolist() == x.exp().tolist()


def test_disabled_hooks() -> None:
    with disable_saved_tensors_hooks("not here, please"):
        with pytest.raises(RuntimeError, match="not here, please"), Log().hooks():
            pass
        leaf(2).exp()
    with (
        Log().hooks(),
        pytest.raises(RuntimeError, match="nor there"),
        disable_saved_tensors_hooks("nor there"),
    ):
        pass
    with Log().hooks():
        pass


def test_save_on_cpu() -> None:
    x = leaf(3)
    for options in ({}, {"pin_memory": True}, {"device_type": "cpu"}):
        with save_on_cpu(**options):
            assert gradcheck(lambda x: x.exp() * x, [x])


def test_what_hooks_drop_is_freed() -> None:
    x = leaf(3)
    with Log().hooks():
        a = x * 2
        y = (a * a).sum()
    memory = weakref.ref(a)
    del a
    assert memory() is None
    y.backward()
    np.testing.assert_allclose(x.grad, 8 * x.detach().numpy())


def test_mutation_can_be_allowed() -> None:
    x = leaf(2, 3)
    with allow_mutation_on_saved_tensors():
        a = x * 1
        y, z = (a * a).sum(), Square.apply(a[0]).sum()
        w = a.exp()
        v = w.sum()
        a.zero_()
        a[0] = 5.0
        w.mul_(0)
        old = w.detach().clone()
    for loss, expected in (
        (y, 2 * x.detach().numpy()),
        (v, np.exp(x.detach().numpy())),
    ):
        np.testing.assert_allclose(grad(loss, x, retain_graph=True)[0], expected)
    (g,) = grad(z, x)
    np.testing.assert_allclose(g[0], 2 * x.detach().numpy()[0])
    assert old.abs().sum() == 0 and g[1].abs().sum() == 0


def test_increment_version() -> None:
    x = leaf(3)
    a, b = x * 1, x * 2
    y = (a * a).sum() + (b * b).sum()
    before = a._version, b._version
    increment_version(a)
    increment_version([a, b])
    assert (a._version, b._version) == (before[0] + 2, before[1] + 1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


# --------------------------------------------------------------------------- several gradients


def test_multi_grad_hooks_with_all() -> None:
    x, y, z = leaf(2), leaf(2, seed=1), leaf(2, seed=2)
    calls: list[Any] = []
    handle = register_multi_grad_hook([x, y, z], calls.append)
    (x * y).sum().backward()
    assert [None if g is None else g.tolist() for g in calls.pop()] == [
        y.tolist(), x.tolist(), None,
    ]  # fmt: skip
    grad((x * y).sum(), [y])
    assert [g is None for g in calls.pop()] == [True, False, True]
    (x * y * z).sum().backward(inputs=[z])
    assert [g is None for g in calls.pop()] == [True, True, False]
    handle.remove()
    (x * y).sum().backward()
    assert not calls


def test_multi_grad_hooks_with_tensors_in_between() -> None:
    x = leaf(2)
    a, b = x * 2, x * 3
    calls: list[Any] = []
    with register_multi_grad_hook((a, b), calls.append):
        y = (a * b).sum()
        for _ in range(2):
            y.backward(retain_graph=True)
    assert len(calls) == 2 and calls[0][0].tolist() == b.tolist()
    y.backward()
    assert len(calls) == 2


def test_a_gradient_that_never_arrives() -> None:
    class Nothing(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return None

    x, y = leaf(2), leaf(2)
    calls: list[Any] = []
    register_multi_grad_hook([x, y], calls.append)
    (Nothing.apply(x) + y).sum().backward()
    ((a, b),) = calls
    assert a is None and b.tolist() == [1, 1]


def test_multi_grad_hooks_with_any() -> None:
    x, y = leaf(2), leaf(2, seed=1)
    calls: list[Any] = []
    handle = register_multi_grad_hook([x, y], calls.append, mode="any")
    for n in (1, 2):
        (x * y).sum().backward()
        assert len(calls) == n
    assert calls[0].tolist() in (x.tolist(), y.tolist())
    handle.remove()
    with pytest.raises(ValueError, match="mode to be one of"):
        register_multi_grad_hook([x], calls.append, mode="some")  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match=r"tensors\[1\], of shape \[3\], does not require"):
        register_multi_grad_hook([x, torch.ones(3)], calls.append)


def test_multi_grad_hooks_in_threads() -> None:
    x, y = leaf(2), leaf(2, seed=1)
    calls: list[Any] = []
    register_multi_grad_hook([x, y], calls.append)

    def work() -> None:
        for _ in range(50):
            grad((x * y).sum(), [x, y])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(calls) == 200 and all(None not in c for c in calls)


# --------------------------------------------------------------------------- edges


def test_edges_stand_for_tensors() -> None:
    x = leaf(3)
    a = x * 2
    y = (a * a).sum()
    edge, leaf_edge, root = map(get_gradient_edge, (a, x, y))
    assert isinstance(edge, GradientEdge) and isinstance(edge.node, Node)
    assert edge.node is a.grad_fn and edge.output_nr == 0
    expected = 4 * a.detach().numpy()
    value = a.detach().numpy().copy()
    del a
    ga, gx = grad(root, [edge, leaf_edge], retain_graph=True)
    np.testing.assert_allclose(ga, 2 * value)
    np.testing.assert_allclose(gx, expected)
    (gx,) = grad([root], leaf_edge, torch.tensor(2.0, dtype=torch.float64), retain_graph=True)
    np.testing.assert_allclose(gx, 2 * expected)
    torch.autograd.backward(root, inputs=[leaf_edge], retain_graph=True)
    np.testing.assert_allclose(x.grad, expected)
    torch.autograd.backward((root,), retain_graph=True)
    np.testing.assert_allclose(x.grad, 2 * expected)
    unused = get_gradient_edge(leaf(2, 5) * 1)
    (zeros,) = grad(root, unused, materialize_grads=True, retain_graph=True)
    assert zeros.shape == (2, 5) and zeros.dtype is torch.float64
    with pytest.raises(RuntimeError, match=r"not have been used in the graph: inputs\[0\]\. Set"):
        grad(root, unused)


def test_edges_made_by_hand() -> None:
    x = leaf(3)
    y = x * 2
    edge = GradientEdge(y.grad_fn, 0)
    (g,) = grad(edge, x, torch.ones(3, dtype=torch.float64), retain_graph=True)
    assert g.tolist() == [2, 2, 2]
    with pytest.raises(RuntimeError, match="made by hand: use get_gradient_edge"):
        grad(edge, x)
    with pytest.raises(RuntimeError, match=r"Mismatch in shape"):
        grad(get_gradient_edge(y), x, torch.ones(2, dtype=torch.float64))
    with pytest.raises(RuntimeError, match=r"only for scalar outputs, not for shape \[3\]"):
        grad(get_gradient_edge(y), x)


def test_edges_of_constants() -> None:
    with pytest.raises(RuntimeError, match="does not require gradients"):
        get_gradient_edge(torch.ones(2))
    with pytest.raises(TypeError, match="expects a Tensor, not int"):
        get_gradient_edge(3)  # type: ignore[arg-type]


def test_an_edge_keeps_its_leaf() -> None:
    edge = get_gradient_edge(leaf(2))
    assert edge.node.variable is not None


# --------------------------------------------------------------------------- the example


def test_save_on_disk(capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "examples"))
    import save_on_disk

    save_on_disk.main(3, 2_000)
    assert capsys.readouterr().out.splitlines() == [
        "5 saved tensors on disk, 0.1 MB",  # of three sines, and twice of the square
        "0 files after the backward pass",
        "largest difference of the gradients: 0.0",
    ]


def test_hooks_of_one_saved_tensor() -> None:
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * x.detach()
    saved = y.grad_fn._raw_saved_other
    seen = []
    saved.register_hooks(lambda t: seen.append(tuple(t.shape)) or t * 2, lambda t: t + 1)
    assert seen == [(3,)]
    with pytest.raises(RuntimeError, match="already been set"):
        saved.register_hooks(lambda t: t, lambda t: t)
    y.sum().backward()
    assert x.grad.tolist() == [3, 5, 7]
    for ask in (lambda: y.grad_fn._saved_other, lambda: saved.register_hooks(print, print)):
        with pytest.raises(RuntimeError, match="backward through the graph a second time"):
            ask()
    with pytest.raises(RuntimeError, match="is no tensor"):
        (x.sum(0)).grad_fn._raw_saved_self_sym_sizes.register_hooks(print, print)


def test_saved_tensors_have_their_history() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp() * x
    exp = y.grad_fn.next_functions[0][0]
    assert y.grad_fn._saved_other.requires_grad
    assert exp._saved_result.grad_fn is exp
    assert not (x * torch.ones(2)).grad_fn._saved_other.requires_grad


def test_disabled_in_a_function() -> None:
    @disable_saved_tensors_hooks("not here")
    def function() -> None:
        with saved_tensors_hooks(lambda t: t, lambda t: t):
            pass

    for _ in range(2):
        with pytest.raises(RuntimeError, match="not here"):
            function()
    with saved_tensors_hooks(lambda t: t, lambda t: t):
        pass


def test_what_was_saved_is_let_go_of() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with allow_mutation_on_saved_tensors() as context:
        b = x.clone()
        y, z = (b**2).sum(), (x**2).sum()
        b.sin_()
        y.backward()
        assert x.grad.tolist() == [2, 4]
        context.clear()
        with pytest.raises(RuntimeError, match="clear"):
            z.backward()
    with pytest.raises(RuntimeError, match="Iterable"):
        increment_version(3)
