"""Several threads at once: on shared leaves, shared graphs, with hooks and modes of their own."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import pullback as torch
from concurrently import in_threads
from pullback.autograd import Function
from pullback.autograd.graph import saved_tensors_hooks
from pullback.config import config
from pullback.formula import waiting
from pullback.op import REGISTRY
from pullback.utils.checkpoint import checkpoint

ROUNDS = 20
THREADS = 6


@pytest.fixture(autouse=True)
def hasty() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def together(work: Callable[[int], None]) -> None:
    """Run in all threads, started at the same time; the first error of any is raised."""
    in_threads(THREADS, work)


class Scale(Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x * w

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return g * w, g * x


def small(x: Any, w: Any) -> Any:
    return (x * w).sum() + (x[1:] * 2).sum()


def custom(x: Any, w: Any) -> Any:
    return Scale.apply(x, w).sum() + Scale.apply(w, x).sum()


def written(x: Any, w: Any) -> Any:
    y = x * 1
    y[1:].mul_(w[1:])
    y += w
    return (y * w).sum()


def checkpointed(x: Any, w: Any) -> Any:
    return checkpoint(lambda x, w: (x * w).square(), x, w, use_reentrant=False).sum()


def reduced(x: Any, w: Any) -> Any:
    return torch.stack([x, w]).prod(0).cumsum(0).sum()


PROGRAMS = [small, custom, written, checkpointed, reduced]


def leaves(n: int) -> tuple[Any, Any]:
    # Halves and small integers: sums are exact in any order.
    x = torch.tensor(np.arange(n) % 5 * 0.5).requires_grad_()
    w = torch.tensor(np.arange(n) % 3 - 1.0).requires_grad_()
    return x, w


@pytest.mark.parametrize("n", [7, 50_000])
@pytest.mark.parametrize("program", PROGRAMS)
def test_shared_leaves_accumulate(program: Any, n: int) -> None:
    x, w = leaves(n)
    expected = torch.autograd.grad(program(x, w), [x, w])
    rounds = ROUNDS if n < 100 else 4

    def work(k: int) -> None:
        for _ in range(rounds):
            program(x, w).backward()

    for _ in range(2):
        x.grad = w.grad = None  # the first gradient of all is a race as well
        together(work)
        for leaf, g in zip((x, w), expected, strict=True):
            np.testing.assert_array_equal(leaf.grad, rounds * THREADS * g.numpy())


@pytest.mark.parametrize("program", PROGRAMS)
def test_one_graph_is_walked_by_all(program: Any) -> None:
    x, w = leaves(100)
    loss = program(x, w)
    expected = torch.autograd.grad(program(x, w), [x, w])

    def work(k: int) -> None:
        for _ in range(ROUNDS):
            for a, b in zip(
                torch.autograd.grad(loss, [x, w], retain_graph=True), expected, strict=True
            ):
                np.testing.assert_array_equal(a, b)

    together(work)


def test_formulas_are_computed_by_all() -> None:
    def loss(x: Any, y: Any) -> Any:
        return ((x[:, None] * y - y * y).sum(-1) + 1).square().sum()

    with config(defer_elements=1_000):
        x, y = (torch.tensor(np.arange(60.0).reshape(30, 2) % 4).requires_grad_() for _ in range(2))
        many = torch.ones(40, 1, 1, dtype=torch.float64)
        shared = (x * many + y).square()  # a formula that all threads ask for
        assert shared._is_formula
        expected = torch.autograd.grad(loss(x, y), [x, y])
        wanted = (x.detach() + y.detach()).square().numpy()

        def work(k: int) -> None:
            for _ in range(5):
                loss(x, y).backward()
            np.testing.assert_array_equal(shared.detach()[k % 40], wanted)

        together(work)
        for leaf, g in zip((x, y), expected, strict=True):
            np.testing.assert_array_equal(leaf.grad, 5 * THREADS * g.numpy())


def test_no_formula_is_given_numbers_while_another_thread_plans(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    evaluate = sys.modules["pullback.formula.evaluate"]
    x = torch.ones(200, dtype=torch.float64)
    with config(defer_elements=1_000):
        first, second = ((x[:, None] * x * scale).sum(1) for scale in (2, 3))
        other = second._value
        sharing = waiting.sharing
        threads = []

        def interrupted(*arguments: Any) -> Any:
            found = sharing(*arguments)
            assert found == [other]
            give = (other, np.full(200, 600.0))
            threads.append(threading.Thread(target=evaluate._give, args=give))
            threads[0].start()
            threads[0].join(0.2)
            assert other.array is None
            return found

        monkeypatch.setattr(waiting, "sharing", interrupted)
        order, _, _ = evaluate.planned([first._value])
        threads[0].join()
        assert other in order  # it comes out of the same loop
        assert other.array is not None


def test_signatures_are_read_by_two_threads_at_once() -> None:
    op = type(REGISTRY["exp"])(lambda xp, x: x, name="twice", registered=False)
    assert op.positions == {"x": 0}
    # A thread that did not find it is told of what another one has read meanwhile.
    assert op.__getattr__("positions") is op.positions
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        op.absent  # noqa: B018


def test_recorded_gradients_accumulate() -> None:
    x, w = leaves(20)

    def work(k: int) -> None:
        for _ in range(ROUNDS):
            (x * w).sum().backward(create_graph=True)

    together(work)
    np.testing.assert_array_equal(x.grad.detach(), ROUNDS * THREADS * w.detach().numpy())
    (g,) = torch.autograd.grad(x.grad.sum(), w)
    assert set(g.tolist()) == {ROUNDS * THREADS}


def test_hooks_are_called_for_each() -> None:
    x, w = leaves(20)
    lock = threading.Lock()
    counts = {"leaf": 0, "after": 0, "middle": 0}

    def count(name: str) -> Callable[[Any], None]:
        def hook(_: Any) -> None:
            with lock:
                counts[name] += 1

        return hook

    x.register_hook(count("leaf"))
    x.register_post_accumulate_grad_hook(count("after"))

    def work(k: int) -> None:
        for _ in range(ROUNDS):
            y = x * w
            y.register_hook(count("middle"))
            y.sum().backward()

    together(work)
    assert set(counts.values()) == {ROUNDS * THREADS}


def test_modes_and_hooks_are_of_the_thread() -> None:
    x, _ = leaves(5)

    @torch.no_grad()
    def numbers() -> Iterator[bool]:
        for _ in range(3):
            yield (x * 2).requires_grad

    def work(k: int) -> None:
        packed = []
        hooks = saved_tensors_hooks(lambda t: packed.append(k) or t, lambda t: t)
        for n in range(ROUNDS):
            with torch.set_grad_enabled(k % 2 == 0):
                assert (x * x).requires_grad is (k % 2 == 0)
            for found in numbers():
                assert found is False and torch.is_grad_enabled()
            with hooks if k % 3 == 0 else torch.enable_grad():
                y = x.exp()
            assert len(packed) == (n + 1 if k % 3 == 0 else 0)
            y.sum().backward()
            with pytest.raises(ZeroDivisionError), torch.no_grad(), hooks:
                raise ZeroDivisionError
            assert torch.is_grad_enabled()

    together(work)


def test_a_generator_may_go_on_in_another_thread() -> None:
    """The mode is that of whoever runs the body, while it runs."""

    @torch.no_grad()
    def numbers() -> Iterator[bool]:
        while True:
            yield torch.is_grad_enabled()

    made = numbers()
    found = [next(made)]

    def work() -> None:
        found.append(next(made))
        found.append(torch.is_grad_enabled())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False, False, True] and torch.is_grad_enabled()


def test_writes_in_place_are_counted_by_all() -> None:
    x = torch.zeros(10, dtype=torch.float64)
    before = x._version

    def work(k: int) -> None:
        for _ in range(ROUNDS):
            x[k].add_(1)

    together(work)
    assert x._version == before + ROUNDS * THREADS
    assert x[:THREADS].tolist() == [ROUNDS] * THREADS
