"""Short runs of kernels on threads that stay in machine code."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest

import pullback as torch
from concurrently import in_threads
from pullback.backends.llvm.team import team
from pullback.config import config

pytestmark = pytest.mark.skipif(team() is None, reason="threads here are not POSIX's")
N = 200_000


def values(k: int) -> tuple[torch.Tensor, np.ndarray]:
    """Numbers of which a kernel makes several chunks, and what they are when one is added."""
    x = np.arange(N, dtype=np.float64) * (k + 1)
    return torch.from_numpy(x), x + 1


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_chunk_is_run_once(threads: int) -> None:
    x, expected = values(0)
    with config(num_threads=threads):
        for _ in range(200):
            np.testing.assert_array_equal((x + 1).numpy(), expected)


def test_chunks_that_wait_for_others_begin_in_order() -> None:
    """Of smaller ones, only those that the other threads have just taken have not begun."""
    chunks, threads = 60, 3
    begun: list[int] = []
    missing: list[int] = []

    def main(where: Any, first: int, last: int) -> None:
        missing.append(first - sum(k < first for k in begun))
        begun.append(first)
        time.sleep(0.001)  # for the others to come

    call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(main)
    where = ctypes.cast(call, ctypes.c_void_p).value or 0
    workers = team()
    assert workers is not None
    with config(num_threads=threads):
        for in_order in (True, False):
            begun.clear()
            missing.clear()
            assert workers.run(where, 0, chunks, chunks, 1, chunks, in_order)
            assert sorted(begun) == list(range(chunks))
            assert (max(missing) < threads) is in_order


def test_fewer_threads_than_before() -> None:
    x, expected = values(3)
    for threads in (4, 2, 1, 3):
        with config(num_threads=threads):
            np.testing.assert_array_equal((x + 1).numpy(), expected)


def test_callers_in_several_threads() -> None:
    """One of them has the workers; the others do all of their own."""

    def work(k: int) -> None:
        x, expected = values(k)
        for _ in range(50):
            np.testing.assert_array_equal((x + 1).numpy(), expected)

    with config(num_threads=3):
        in_threads(4, work)


PROGRAM = """
import os, time
import numpy as np
import pullback as torch
torch.config.num_threads = 3
x = torch.ones(200_000)
assert (x + 1).sum().item() == 400_000
{then}
assert (x + 2).sum().item() == 600_000
"""


def run(then: str) -> int:
    code = PROGRAM.format(then=then)
    return subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode


def test_the_interpreter_ends_while_workers_look_for_work() -> None:
    assert run("") == 0


def test_sleeping_workers_wake_up() -> None:
    assert run("time.sleep(0.05)") == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_forked_child_has_workers_of_its_own() -> None:
    then = "child = os.fork()\nif child: assert os.waitpid(child, 0)[1] == 0"
    assert run(then) == 0
