"""`utils.checkpoint`: memory for time."""

from __future__ import annotations

import contextlib
import threading
import weakref
from typing import Any

import numpy as np
import pytest

import pullback as torch
from custom_functions import Square
from pullback.autograd import gradcheck
from pullback.autograd.graph import saved_tensors_hooks
from pullback.config import config
from pullback.utils.checkpoint import (
    CheckpointError,
    checkpoint,
    checkpoint_sequential,
    set_checkpoint_debug_enabled,
    set_checkpoint_early_stop,
)

grad = torch.autograd.grad
BOTH = pytest.mark.parametrize("reentrant", [False, True])


def leaf(*shape: int, seed: int = 0) -> Any:
    values = np.random.default_rng(seed).normal(size=shape)
    return torch.tensor(values).requires_grad_()


class Counted:
    def __init__(self, function: Any):
        self.function, self.runs, self.ends = function, 0, 0

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        self.runs += 1
        result = self.function(*args, **keywords)
        self.ends += 1
        return result


def body(x: Any, y: Any, scale: float = 1.0) -> Any:
    z = (x * y).exp() * scale
    z = (z + x).tanh()
    return Square.apply(z) / (1 + y * y), z * 2


@BOTH
def test_gradients_are_the_same(reentrant: bool) -> None:
    x, y = leaf(3, 4), leaf(3, 4, seed=1)

    def loss(function: Any) -> Any:
        a, b = function(x, y, 0.5)
        return (a.sin() * b).sum()

    loss(body).backward()
    expected = [x.grad, y.grad]
    x.grad = y.grad = None
    counted = Counted(body)
    result = loss(lambda *args: checkpoint(counted, *args, use_reentrant=reentrant))
    assert counted.runs == 1
    result.backward()
    assert counted.runs == 2
    for g, e in zip((x.grad, y.grad), expected, strict=True):
        np.testing.assert_array_equal(g, e)


def test_derivatives_by_gradcheck_and_grad() -> None:
    x, y = leaf(2, 3), leaf(2, 3, seed=1)

    def function(x: Any, y: Any) -> Any:
        a, b = checkpoint(body, x, y=y, use_reentrant=False)
        return a * b

    assert gradcheck(function, [x, y])
    (g,) = grad(function(x, y).sum(), x, create_graph=True)
    a, b = body(x, y)
    (expected,) = grad((a * b).sum(), x, create_graph=True)
    np.testing.assert_array_equal(g.detach(), expected.detach())
    np.testing.assert_allclose(grad(g.sum(), y)[0], grad(expected.sum(), y)[0])


def test_nothing_is_kept_and_only_for_a_while() -> None:
    alive: list[Any] = []

    def function(x: Any) -> Any:
        for _ in range(5):
            x = x.exp() * 0.5
            alive.append(weakref.ref(x._value))
        return x.sum()

    x = leaf(100)
    y = checkpoint(function, x, use_reentrant=False)
    assert [r() for r in alive] == [None] * 5
    y.backward()
    assert len(alive) == 10 or len(alive) == 9
    assert [r() for r in alive] == [None] * len(alive)


def test_the_second_run_ends_early() -> None:
    def function(x: Any) -> Any:
        y = x.exp()
        return (y + 1) * 2

    x = leaf(3)
    for stop, ends in ((True, 1), (False, 2)):
        counted = Counted(function)
        checkpoint(counted, x, use_reentrant=False, early_stop=stop).sum().backward()
        assert (counted.runs, counted.ends) == (2, ends)
    with set_checkpoint_early_stop(False):
        counted = Counted(function)
        checkpoint(counted, x, use_reentrant=False).sum().backward()
        assert counted.ends == 2


def test_several_passes() -> None:
    x, y = leaf(3), leaf(3, seed=1)
    counted = Counted(lambda x, y: body(x, y)[0])
    z = checkpoint(counted, x, y, use_reentrant=False).sum()
    first = grad(z, [x, y], retain_graph=True)
    second = grad(z, [x, y])
    assert counted.runs == 3
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(RuntimeError, match="second time"):
        z.backward()


@BOTH
@pytest.mark.filterwarnings("ignore:None of the inputs")  # within the outer one, as in PyTorch
def test_nested(reentrant: bool) -> None:
    inner, outer = Counted(lambda x: (x * x).sin()), Counted(None)

    def function(x: Any) -> Any:
        y = checkpoint(inner, x.exp(), use_reentrant=reentrant)
        return y * checkpoint(inner, y, use_reentrant=reentrant)

    outer.function = function
    x = leaf(4)
    function(x).sum().backward()
    expected = x.grad
    x.grad = None
    saved = []
    with saved_tensors_hooks(lambda t: saved.append(t.shape) or t, lambda t: t):
        y = checkpoint(outer, x, use_reentrant=reentrant).sum()
    assert saved == [(4,)]  # the argument of the outer one
    y.backward()
    np.testing.assert_array_equal(x.grad, expected)


@BOTH
def test_random_numbers_are_drawn_again(reentrant: bool) -> None:
    def noisy(x: Any) -> Any:
        mask = torch.rand(x.shape, dtype=x.dtype) > 0.5
        return x * x * mask

    x = leaf(20)
    torch.manual_seed(0)
    y = checkpoint(noisy, x, use_reentrant=reentrant)
    after = torch.rand(3)
    y.sum().backward()
    expected = np.where(y.detach().numpy() != 0, 2 * x.detach().numpy(), 0)
    np.testing.assert_array_equal(x.grad, expected)
    torch.manual_seed(0)
    torch.rand(20, dtype=torch.float64)
    assert torch.rand(3).tolist() == after.tolist()


def test_random_numbers_need_not_be_kept() -> None:
    x = leaf(3)
    torch.manual_seed(0)
    y = checkpoint(
        lambda x: x * torch.rand(3).sum() * x, x, use_reentrant=False, preserve_rng_state=False
    )
    before = torch.get_rng_state().tolist()
    y.sum().backward()
    assert torch.get_rng_state().tolist() != before


def test_contexts_of_both_runs() -> None:
    log: list[str] = []

    @contextlib.contextmanager
    def note(name: str) -> Any:
        log.append(name)
        yield

    x = leaf(3)
    y = checkpoint(
        lambda x: x.exp(), x, use_reentrant=False, context_fn=lambda: (note("one"), note("two"))
    )
    assert log == ["one"]
    y.sum().backward()
    assert log == ["one", "two"]


def test_without_recording() -> None:
    counted = Counted(lambda x: x.exp())
    with torch.no_grad():
        y = checkpoint(counted, leaf(2), use_reentrant=False)
    assert not y.requires_grad and counted.runs == 1
    assert not checkpoint(counted, torch.ones(2), use_reentrant=False).requires_grad


def test_formulas() -> None:
    def gauss(x: Any, y: Any) -> Any:
        return (-((x[:, None] - y) ** 2).sum(-1)).exp().sum(1).square()

    with config(defer_elements=100):
        x, y = leaf(30, 2), leaf(25, 2, seed=1)
        expected = grad(gauss(x * 2, y).sum(), [x, y])
        z = checkpoint(gauss, x * 2, y, use_reentrant=False)
        for a, b in zip(grad(z.sum(), [x, y]), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


def test_threads() -> None:
    x = leaf(50)
    counted = Counted(lambda x: (x.exp() * x).sin())
    z = checkpoint(counted, x, use_reentrant=False).sum()
    (expected,) = grad((x.exp() * x).sin().sum(), x)
    found: list[Any] = []

    def work() -> None:
        found.append(grad(z, x, retain_graph=True)[0])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(found) == 8
    for g in found:
        np.testing.assert_array_equal(g, expected)


# ------------------------------------------------------------------------------ sequences


@BOTH
@pytest.mark.parametrize("segments", [1, 2, 3, 5])
def test_sequences(segments: int, reentrant: bool) -> None:
    steps = [Counted(f) for f in (torch.exp, torch.sin, torch.tanh, torch.square, torch.cos)]
    x = leaf(3)
    checkpoint_sequential(steps, segments, x, use_reentrant=reentrant).sum().backward()
    found, x.grad = x.grad, None
    x.exp().sin().tanh().square().cos().sum().backward()
    np.testing.assert_array_equal(found, x.grad)
    last = 5 - (segments - 1) * (5 // segments)
    assert [s.runs for s in steps] == [2] * (5 - last) + [1] * last


# ------------------------------------------------------------------------------ what is refused


def test_a_second_run_that_differs() -> None:
    x = leaf(3)
    runs: list[int] = []

    def more(x: Any) -> Any:
        runs.append(1)
        return x.exp().sin() if len(runs) > 1 else x.exp()

    def fewer(x: Any) -> Any:
        runs.append(1)
        return x.exp() if len(runs) > 1 else x.exp().sin()

    def other(x: Any) -> Any:
        runs.append(1)
        return (x[:2] if len(runs) > 1 else x).exp()  # where it is saved

    with pytest.raises(CheckpointError, match=r"forward: 2\nNumber of tensors.*recomputation: 1"):
        checkpoint(fewer, x, use_reentrant=False).sum().backward()
    runs.clear()
    with pytest.raises(CheckpointError, match=r"more tensors during recomputation.*2 instead of 1"):
        checkpoint(more, x, use_reentrant=False, early_stop=False).sum().backward()
    runs.clear()
    with pytest.raises(CheckpointError, match=r"position 0: shape \[3\] .* \[2\]") as caught:
        checkpoint(other, x, use_reentrant=False, debug=True).sum().backward()
    assert str(caught.value).count("# where it is saved") == 2
    for enabled, given, count in ((True, False, 2), (False, True, 0), (None, True, 2)):
        runs.clear()
        with pytest.raises(CheckpointError) as caught, set_checkpoint_debug_enabled(enabled):
            checkpoint(other, x, use_reentrant=False, debug=given).sum().backward()
        assert str(caught.value).count("# where it is saved") == count
    runs.clear()
    with pytest.raises(RuntimeError, match="unpack hook gave a tensor of shape"):
        checkpoint(other, x, use_reentrant=False, determinism_check="none").sum().backward()


def test_overwritten_values_are_noticed() -> None:
    def within(x: Any) -> Any:
        y = x * 2
        z = y * y
        y.zero_()
        return z * 1

    x = leaf(3)
    z = checkpoint(within, x, use_reentrant=False, early_stop=False)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()
    a = x * 1
    z = checkpoint(lambda a: a.exp(), a, use_reentrant=False)
    a.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_the_reentrant_one_is_for_backward() -> None:
    x = leaf(3)
    y = checkpoint(torch.exp, x, use_reentrant=True).sum()
    with pytest.raises(RuntimeError, match=r"incompatible with \.grad\(\)"):
        grad(y, x, retain_graph=True)
    with pytest.raises(RuntimeError, match=r"incompatible with \.grad\(\)"):
        y.backward(inputs=[x], retain_graph=True)
    y.backward()
    with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True"):
        checkpoint(torch.exp, torch.ones(2), use_reentrant=True)


def test_arguments() -> None:
    x = leaf(3)
    for call in (
        lambda: checkpoint(torch.exp, x),
        lambda: checkpoint_sequential([torch.exp], 1, x),
    ):
        with pytest.warns(UserWarning, match="use_reentrant parameter should be passed"):
            call().sum().backward()
    with pytest.raises(ValueError, match="Unexpected keyword arguments: y"):
        checkpoint(torch.mul, x, y=2, use_reentrant=True)
    with pytest.raises(ValueError, match="Unexpected keyword arguments: y"):
        checkpoint_sequential([torch.exp], 1, x, use_reentrant=False, y=2)
    with pytest.raises(ValueError, match="only supported when use_reentrant=False"):
        checkpoint(torch.exp, x, use_reentrant=True, debug=True)
    with pytest.raises(ValueError, match="determinism_check should be one of"):
        checkpoint(torch.exp, x, use_reentrant=False, determinism_check="maybe")


def test_the_module_is_found_under_its_name() -> None:
    assert torch.utils.checkpoint.checkpoint is checkpoint
    with pytest.raises(AttributeError, match="Nearest name: 'checkpoint'"):
        _ = torch.utils.checkpoints
