"""How fast this machine is: measured once, with one compiled loop and one of NumPy's additions."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

POINTS, FEW = 3000, 30
CALL_FLOPS = 8
"""An elementary function costs about as much as this many other operations (`backends.llvm`)."""


@dataclass(frozen=True)
class Speed:
    """Seconds for a start, for a floating-point operation and for a byte."""

    start: float
    operation: float
    numpy_start: float
    byte: float

    def of_kernel(self, flops: float, calls: float) -> float:
        """The seconds that a compiled kernel would take."""
        return self.start + self.operation * (flops + CALL_FLOPS * calls)

    def of_numpy(self, operations: int, moved: int) -> float:
        """The seconds that NumPy would take."""
        return self.numpy_start * operations + self.byte * moved


def speed() -> Speed:
    """That of this machine, with the threads that are set now."""
    from pullback.config import config

    return _measured(config.num_threads)


@lru_cache(8)
def _measured(threads: int) -> Speed:
    from pullback.autograd.modes import no_grad
    from pullback.config import config
    from pullback.dispatch import TENSORS
    from pullback.graph.explaining import explain
    from pullback.tensor import wrap

    points = wrap(np.linspace(-1, 1, 3 * POINTS, dtype=np.float32).reshape(POINTS, 3))

    def kernel(n: int) -> Any:
        x = TENSORS.reshape(points, POINTS, 1, 3)
        y = TENSORS.reshape(TENSORS.narrow(points, 0, 0, n), 1, n, 3)
        difference = TENSORS.sub(x, y)
        square = TENSORS.sum(TENSORS.mul(difference, difference), 2)
        return TENSORS.sum(TENSORS.exp(TENSORS.neg(square)), 1)

    def timed(n: int) -> tuple[float, float]:
        """The operations of a kernel, and the seconds that it takes."""
        (work,) = explain(kernel(n)).kernels
        calls = sum(work.calls.values())
        return work.flops + CALL_FLOPS * calls, _best(lambda: kernel(n)._array)

    # Pairs that stay a formula by themselves: settings are the whole process's, and are not touched
    # unless they have been changed already.
    usual = config.defer_elements < FEW * POINTS
    with no_grad(), nullcontext() if usual else config(defer_elements=FEW * POINTS - 1):
        few, short = timed(FEW)
        many, long = timed(POINTS)
    per_operation = max(long - short, long / 10) / (many - few)
    start = max(short - per_operation * few, short / 4)
    a = np.ones(1 << 18, np.float32)
    little = np.ones(1, np.float32)
    out = np.empty_like(a)
    small = _best(lambda: np.add(little, little), 50)
    large = _best(lambda: np.add(a, a, out=out))
    return Speed(start, per_operation, small, large / (3 * a.nbytes))


def _best(call: Callable[[], object], times: int = 5) -> float:
    call()
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best
