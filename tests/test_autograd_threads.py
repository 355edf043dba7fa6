"""Backward passes of several threads on shared leaves and graphs."""

from __future__ import annotations

import sys
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import pullback as torch
from concurrently import in_threads

grad = torch.autograd.grad


def leaf(n: int = 4, **options: Any) -> Any:
    return torch.arange(1.0, n + 1, **options).requires_grad_()


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
                assert (leaf() * 2).requires_grad is (k % 2 == 0)
            assert (leaf() * 2).requires_grad

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


def test_multithreading_is_remembered() -> None:
    assert torch.autograd.is_multithreading_enabled()
    with torch.autograd.set_multithreading_enabled(False):
        assert not torch.autograd.is_multithreading_enabled()
        with torch.autograd.set_multithreading_enabled(True):
            assert torch.autograd.is_multithreading_enabled()
        assert not torch.autograd.is_multithreading_enabled()
    assert torch.autograd.is_multithreading_enabled()
