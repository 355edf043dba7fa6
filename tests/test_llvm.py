"""The LLVM backend against the interpreter of the loop language, and its cache and threads."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pullback.backends.interpret import interpret
from pullback.backends.llvm import cache, compile, threads
from pullback.backends.llvm.compile import program
from pullback.backends.llvm.run import BadArguments, Geometry, run
from pullback.backends.llvm.target import host
from pullback.backends.loops import Buffer, Kernel, Loop, Output, State, index, load, reduce
from pullback.backends.scalar import Scalar, apply, cast, const, scalar_input

i, j, b = index("i"), index("j"), index("b")
PAIRS = (Loop("i", "outer"), Loop("j", "inner"))
LANES = (1, 2, 4, 8, 16)
SIZES = st.sampled_from([0, 1, 2, 3, 7, 16, 17, 33, 67])


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The tests compile into a directory of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULLBACK_CACHE_DIR", str(tmp_path_factory.mktemp("cache") / "objects"))
        yield


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


def numbers(shape: Any, dtype: str, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype).kind
    if kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    if kind == "b":
        return rng.random(shape) < 0.5
    return rng.integers(0 if kind == "u" else -9, 10, shape).astype(dtype)


# -------------------------------------------------------------------- random kernels

UNARY = ["neg", "abs", "sign", "floor", "ceil", "trunc", "round"]
SMOOTH = ["exp", "tanh", "sin", "cos", "sigmoid"]


@st.composite
def bodies(draw: Any, leaves: tuple[Scalar, ...], depth: int = 3) -> Scalar:
    """A random expression of some leaves, of their dtype."""
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        return draw(st.sampled_from(leaves))
    sub = bodies(leaves, depth - 1)
    kind = draw(st.integers(0, 9))
    dtype = leaves[0].dtype
    if kind <= 5:
        name = draw(st.sampled_from(["add", "sub", "mul", "maximum", "minimum"]))
        return apply(name, draw(sub), draw(sub))
    if kind == 6 and dtype.kind == "f":
        return apply(draw(st.sampled_from(SMOOTH)), draw(sub))
    if kind == 7:
        return apply(draw(st.sampled_from(UNARY)), draw(sub))
    if kind == 8:
        name = draw(st.sampled_from(["lt", "le", "gt", "ge", "eq", "ne"]))
        return apply("where", apply(name, draw(sub), draw(sub)), draw(sub), draw(sub))
    x = draw(sub)
    if dtype.kind == "f":
        return apply("exp", -(x * x) / 2.0)
    return apply("bitwise_and", x, draw(sub))


@st.composite
def kernels(draw: Any) -> tuple[Kernel, dict[str, int], dict[str, Any], int]:
    """A kernel with rows, totals and columns of one random body, its sizes and arrays."""
    dtype = draw(st.sampled_from(["f4", "f4", "f8", "i8", "i4"]))
    batched, unit = draw(st.booleans()), draw(st.booleans())
    lead = (b,) if batched else ()
    rank = 1 + batched
    x, y = Buffer("x", dtype, rank, unit), Buffer("y", dtype, rank, unit)
    z = Buffer("z", dtype, rank + 1, unit)
    leaves = (load(x, *lead, i), load(y, *lead, j), load(z, *lead, i, j), const(2, dtype))
    body = draw(bodies(leaves))
    kinds = ["sum", "max", "min", "argmax", "argmin"]
    kinds += ["logsumexp"] if dtype[0] == "f" else []
    outputs = []
    for k, kind in enumerate(draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3))):
        row = reduce(kind, "j", body)
        outputs.append(Output(Buffer(f"r{k}", row.dtype, rank, unit), (*lead, i), row))
    if draw(st.booleans()):
        total = reduce("sum", ("i", "j"), body)
        outputs.append(Output(Buffer("t", dtype, rank - 1), lead, total))
    if draw(st.booleans()):
        column = reduce(draw(st.sampled_from(["sum", "max", "argmin"])), "i", body)
        outputs.append(Output(Buffer("c", column.dtype, rank, unit), (*lead, j), column))
    loops = (*((Loop("b", "batch"),) if batched else ()), *PAIRS)
    sizes = {"i": draw(SIZES), "j": draw(SIZES), "b": draw(st.integers(0, 3)) if batched else 1}
    n, m = sizes["i"], sizes["j"]
    front = (sizes["b"],) if batched else ()
    seed = draw(st.integers(0, 99))
    arrays = {
        "x": numbers((*front, n), dtype, seed),
        "y": numbers((*front, m), dtype, seed + 1),
        "z": numbers((*front, n, m), dtype, seed + 2),
    }
    for o in outputs:
        shape = {"t": front, "c": (*front, m)}.get(o.buffer.name, (*front, n))
        arrays[o.buffer.name] = np.zeros(shape, o.buffer.dtype)
    if not unit and draw(st.booleans()):  # strides of every sort
        arrays = {k: strided(a) for k, a in arrays.items()}
    return Kernel("random", loops, tuple(outputs)), sizes, arrays, draw(st.sampled_from(LANES))


def strided(a: Any) -> Any:
    """The same numbers with other strides, some of them negative."""
    if a.ndim == 0:
        return a
    wide = np.zeros([2 * s + 1 for s in a.shape], a.dtype)
    view = wide[tuple(slice(2 * s - 1 if s else 0, None, -2) for s in a.shape)]
    view = view[tuple(slice(0, s) for s in a.shape)]
    view[...] = a
    return view


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=kernels(), workers=st.integers(1, 3))
def test_random_kernels(case: Any, workers: int) -> None:
    kernel, sizes, arrays, lanes = case
    threads.set_num_threads(workers)
    try:
        compare(kernel, sizes, arrays, lanes=lanes, tolerance=None)
    finally:
        threads.set_num_threads(threads.available())
