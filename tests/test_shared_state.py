"""What threads share: formulas and their views, locks in forked processes, interrupted calls."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

import numpy as np
import pytest

import pullback as torch
from concurrently import in_threads
from interruptions import interrupted
from pullback.autograd import versions
from pullback.autograd.modes import mode
from pullback.config import config
from pullback.dispatch import again
from pullback.formula import turns
from pullback.locks import LOCK, lasting_lock
from pullback.op import REGISTRY

POINTS = np.arange(90.0).reshape(30, 3) % 7 / 4
KERNEL = np.exp(-np.square(POINTS[:, None] - POINTS[None]).sum(-1))


@pytest.fixture(autouse=True)
def formulas() -> Iterator[None]:
    with config(defer_elements=100):
        yield


def kernel(x: Any) -> Any:
    return (-(x[:, None] - x[None]).square().sum(-1)).exp()


def hastily(work: Any, rounds: int = 12) -> None:
    """Rounds of six threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(rounds):
            shared = kernel(torch.tensor(POINTS))
            in_threads(6, lambda k, shared=shared: work(k, shared))
    finally:
        sys.setswitchinterval(before)


# ---------------------------------------------------------------------------- formulas and views


def test_views_of_a_formula_are_read_while_it_is_computed() -> None:
    def work(k: int, shared: Any) -> None:
        parts = [shared[i:] for i in range(5)]
        np.testing.assert_allclose(shared.T[k], KERNEL[k])
        np.testing.assert_allclose(parts[k % 5], KERNEL[k % 5 :])
        np.testing.assert_allclose(shared.detach().diagonal(), np.ones(30))
        np.testing.assert_allclose(shared[k].sum(), KERNEL[k].sum())

    hastily(work, 6)


def test_a_formula_is_computed_copied_and_written_by_all() -> None:
    def work(k: int, shared: Any) -> None:
        mine = [shared.clone, shared.detach, lambda: shared * 1, lambda: shared[:]][k % 4]()
        if k % 4 in (0, 2):
            mine.mul_(2)
            np.testing.assert_allclose(mine, 2 * KERNEL)
        np.testing.assert_allclose(shared.sort(1).values[:, :3], np.sort(KERNEL, 1)[:, :3])
        np.testing.assert_allclose(shared.numpy(), KERNEL)

    hastily(work)


def test_a_formula_is_explained_while_it_is_computed() -> None:
    def work(k: int, shared: Any) -> None:
        if k % 2:
            assert str(torch.explain(shared))
        else:
            np.testing.assert_allclose(shared, KERNEL)

    hastily(work)


def test_a_view_of_what_was_computed_meanwhile_is_none_of_a_formula() -> None:
    """The numbers are there after the call was recognised, and before it is repeated."""
    op = REGISTRY["select"]
    _ = kernel(torch.tensor(POINTS))[2]
    shared = kernel(torch.tensor(POINTS))
    args = [shared, 0, 2]
    recipe = again.find(again.key_of(op, args))
    assert recipe is not None
    _ = shared.numpy()
    assert recipe.repeat(args) is None
    shared[2].zero_()
    assert not shared[2].any()


# -------------------------------------------------------------------------------------- the lock


def test_a_finalizer_writes_while_a_write_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The garbage collector may come when memory is allocated inside of the lock."""
    made = versions._Memory
    other = torch.zeros(3)
    x = torch.zeros(3)

    def collected(array: Any) -> Any:
        monkeypatch.setattr(versions, "_Memory", made)
        other.add_(1)
        return made(array)

    monkeypatch.setattr(versions, "_Memory", collected)
    thread = threading.Thread(target=lambda: x.add_(1), daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    assert x._version == other._version == 1


def child(work: Any) -> int:
    """The exit status of a forked child that works, and is killed if it takes too long."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_no_lock_of_another_thread() -> None:
    taken, own = threading.Event(), lasting_lock()

    def hold() -> None:
        with LOCK, own:
            taken.set()
            time.sleep(0.2)

    def work() -> None:
        with own:
            x = torch.tensor(POINTS).requires_grad_()
            kernel(x).sum(1).square().sum().backward()
            x.detach()[1:].mul_(2)
            assert x.grad.shape == (30, 3)

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()
    assert child(work) == 0
    thread.join()


# ---------------------------------------------------------------------------------- interruptions


def is_safe(frame: FrameType) -> bool:
    """Not finalizers, generators and what they call, where errors are dropped; nor context
    managers."""
    above = frame.f_back.f_code.co_name if frame.f_back else ""
    return not (frame.f_code.co_name.startswith(("<", "__")) or above == "<lambda>")


def is_free() -> bool:
    """Whether no other thread has the lock."""
    found: bool = LOCK.acquire(blocking=False)
    if found:
        LOCK.release()
    return found


def backward_of_formulas() -> list[float]:
    x = torch.tensor(POINTS).requires_grad_()
    total = kernel(x).sum(1).square().sum()
    total.backward()
    return [total.item(), x.grad.square().sum().item()]


def backward_of_arrays() -> list[float]:
    x = torch.tensor(POINTS[:4]).requires_grad_()
    y = torch.softmax(x, 1) * 2
    y[1:].mul_(2)
    (g,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
    g.square().sum().backward()
    return [y.sum().item(), x.grad.square().sum().item()]


@pytest.mark.parametrize("program", [backward_of_formulas, backward_of_arrays])
def test_an_interrupted_pass_leaves_nothing_behind(program: Any) -> None:
    for _ in range(12):  # the short ways are learned
        expected = program()
    calls = interrupted(program, 0, is_safe)
    assert calls > 100
    for number in range(1, calls, max(1, calls // 60)):
        interrupted(program, number, is_safe)
        assert mode.enabled is True and mode.running is None
        assert gc.isenabled()
        assert not turns.running
        free: list[bool] = []
        in_threads(1, lambda _, free=free: free.append(is_free()))
        assert free == [True]
        np.testing.assert_allclose(program(), expected)
