"""Kernels of pairs, and the compiler of loops compared with their interpreter."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pullback.backends.interpret import interpret
from pullback.backends.llvm import threads
from pullback.backends.llvm.run import run
from pullback.backends.llvm.target import host
from pullback.backends.loops import Buffer, Kernel, Loop, Output, index, load, reduce
from pullback.backends.scalar import apply

i, j, b = index("i"), index("j"), index("b")
PAIRS = (Loop("i", "outer"), Loop("j", "inner"))


def compare(
    kernel: Kernel,
    sizes: dict[str, int],
    arrays: dict[str, Any],
    scalars: dict[str, Any] | None = None,
    lanes: int | None = None,
    tolerance: float | None = None,
) -> dict[str, Any]:
    """Run compiler and interpreter on copies of the same output arrays; gives the compiler's."""
    read = {buffer.name for buffer in kernel.buffers} - {o.buffer.name for o in kernel.outputs}
    outputs = {o.buffer.name for o in kernel.outputs}
    expected = {n: a if n in read else a.copy() for n, a in arrays.items()}
    found = {n: a if n in read else a.copy() for n, a in arrays.items()}
    interpret(kernel, sizes, expected, scalars)
    run(kernel, sizes, found, scalars, target=host(lanes))
    for name in outputs:
        e, f = expected[name], found[name]
        if e.dtype.kind == "f":
            rtol = tolerance or {2: 4e-3, 4: 2e-5, 8: 1e-12}[e.dtype.itemsize]
            finite = np.abs(e[np.isfinite(e)])
            scale = float(finite.max(initial=0))
            np.testing.assert_allclose(f, e, rtol=rtol, atol=rtol * scale / 8, err_msg=name)
        else:
            np.testing.assert_array_equal(f, e, err_msg=name)
    return found


def stops_within_a_second(compute: Callable[[], None], workers: int) -> None:
    """Ctrl-C, half a second after the beginning."""
    pressed: list[float] = []

    def press() -> None:
        pressed.append(time.monotonic())
        signal.raise_signal(signal.SIGINT)

    threads.set_num_threads(workers)
    timer = threading.Timer(0.5, press)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            compute()
        assert time.monotonic() - pressed[0] < 1.0
    finally:
        timer.cancel()
        threads.set_num_threads(threads.available())


def numbers(shape: Any, dtype: str, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype).kind
    if kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    if kind == "b":
        return rng.random(shape) < 0.5
    return rng.integers(0 if kind == "u" else -9, 10, shape).astype(dtype)


def sum_kernel(summation: Any = "blocked") -> Kernel:
    x, y = Buffer("x", "f4", 1, unit=True), Buffer("y", "f4", 1, unit=True)
    body = apply("where", load(x, i) > load(y, j), load(y, j), load(x, i))
    outputs = (
        Output(Buffer("row", "f4", 1), (i,), reduce("sum", "j", body)),
        Output(Buffer("column", "f4", 1), (j,), reduce("sum", "i", body)),
        Output(Buffer("total", "f4", 0), (), reduce("sum", ("i", "j"), body)),
    )
    return Kernel("sums", PAIRS, outputs, summation)


def sums(n: int, m: int, summation: str = "blocked") -> dict[str, Any]:
    arrays = {"x": 1 + np.random.default_rng(0).random(n, "f4")}
    arrays["y"] = 1 + np.random.default_rng(1).random(m, "f4")
    arrays |= {"row": np.zeros(n, "f4"), "column": np.zeros(m, "f4"), "total": np.zeros((), "f4")}
    run(sum_kernel(summation), {"i": n, "j": m}, arrays)
    return arrays
