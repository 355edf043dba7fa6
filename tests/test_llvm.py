"""The LLVM backend against the interpreter of the loop language, and its cache and threads."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from loop_kernels import PAIRS, b, compare, i, j, numbers, stops_within_a_second, sum_kernel, sums
from pullback.backends.interpret import interpret
from pullback.backends.llvm import compile, run as run_module, threads
from pullback.backends.llvm.compile import program
from pullback.backends.llvm.run import BadArguments, Geometry, run
from pullback.backends.llvm.target import host
from pullback.backends.loops import Buffer, Kernel, Loop, Output, State, index, load, reduce
from pullback.backends.scalar import PRIMITIVES, Scalar, apply, cast, const, scalar_input

LANES = (1, 2, 4, 8, 16)
SIZES = st.sampled_from([0, 1, 2, 3, 7, 16, 17, 33, 67])

pytestmark = pytest.mark.usefixtures("own_cache")


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


# -------------------------------------------------------------------- primitives and dtypes

SPECIAL = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, -7.25, 1e-3, 20.0, -20.0, 1e30, -1e30,
     np.inf, -np.inf, np.nan, 2.0, 88.0, 0.1, -0.1, 5.0]
)  # fmt: skip
# compared loosely: accuracy is the business of the tests of the elementary functions
LOOSE = {"rtol": 4e-6, "atol": 1e-30}
FLOAT_ONLY = {
    "div", "sqrt", "rsqrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos",
    "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sigmoid",
    "erf", "erfc", "lgamma", "atan2", "copysign", "floor", "ceil", "trunc", "round", "isnan",
    "isinf", "isfinite", "signbit", "digamma", "erfcx", "erfinv", "i0", "i0e", "i1", "i1e",
    "log_ndtr", "ndtri", "nextafter", "zeta",
}  # fmt: skip
INTEGER_ONLY = {
    "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not", "bitwise_left_shift",
    "bitwise_right_shift", "gcd", "lcm",
}  # fmt: skip
COMPLEX_ONLY = {"conj", "real", "imag"}


def map_kernel(value: Scalar) -> Kernel:
    out = Output(Buffer("out", value.dtype, 1, unit=True), (i,), value)
    return Kernel("map", (Loop("i", "outer"),), (out,))


@pytest.mark.parametrize("name", sorted(set(PRIMITIVES) - COMPLEX_ONLY))
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8", "u1", "b1"])
def test_primitives(name: str, dtype: str) -> None:
    kind = np.dtype(dtype).kind
    arity = PRIMITIVES[name].arity
    logical = name.startswith("logical")
    applies = {
        "f": name not in INTEGER_ONLY,
        "i": name not in FLOAT_ONLY,
        "u": name not in FLOAT_ONLY | {"neg", "sign"},
        "b": logical or name in ("where", "eq", "ne", "bitwise_and", "bitwise_or", "bitwise_xor"),
    }[kind]
    if not applies:
        return  # not an operation of this type: dispatch casts first
    if kind == "f":
        values = SPECIAL.astype(dtype)
        if name == "lgamma":  # inf at -inf, as in C; the reference says -inf
            values = values[values != -np.inf]
        if name == "zeta":  # poles before NaN or after; SciPy does not end at 1e30
            values = values[np.abs(values) < 1e30]
    elif kind == "b":
        values = np.array([True, False])
    else:
        values = np.array([0, 1, 2, 3, 5, 7, 30, 100], dtype)
        if kind == "i":
            values = np.concatenate([values, -values, [np.iinfo(dtype).min]]).astype(dtype)
    grid = [g.ravel() for g in np.meshgrid(*[values] * min(arity, 2))]
    if name in ("pow", "bitwise_left_shift", "bitwise_right_shift") and kind == "i":
        grid = [g[grid[1] >= 0] for g in grid]
    if name in ("floor_divide", "remainder", "fmod") and kind in "iu":
        grid = [g[grid[1] != 0] for g in grid]  # an error, so that formulas leave it to NumPy
    x, y = Buffer("x", dtype, 1, unit=True), Buffer("y", dtype, 1, unit=True)
    args: list[Scalar] = [load(x, i), load(y, i)][: min(arity, 2)]
    if name == "where":
        args = [apply("eq", args[0], args[1]), *args]
    kernel = map_kernel(apply(name, *args))
    arrays = {"x": grid[0], "out": np.zeros(len(grid[0]), kernel.outputs[0].buffer.dtype)}
    if arity > 1:
        arrays["y"] = grid[1]
    for lanes in (1, None):
        expected, found = dict(arrays), dict(arrays)
        expected["out"], found["out"] = arrays["out"].copy(), arrays["out"].copy()
        interpret(kernel, {"i": len(grid[0])}, expected)
        run(kernel, {"i": len(grid[0])}, found, target=host(lanes))
        e, f = expected["out"], found["out"]
        where = f"{name} of {[g[:8].tolist() for g in grid]}"
        if e.dtype.kind == "f":
            if name == "lgamma":  # near its zeros only the absolute error is small
                np.testing.assert_allclose(f, e, rtol=1e-5, atol=1e-6, err_msg=where)
            else:
                np.testing.assert_allclose(f, e, err_msg=where, **LOOSE)
        else:
            np.testing.assert_array_equal(f, e, err_msg=where)


@pytest.mark.parametrize("old", ["f2", "f4", "f8", "i1", "i4", "i8", "u1", "b1"])
@pytest.mark.parametrize("new", ["f2", "f4", "f8", "i1", "i4", "i8", "u1", "b1"])
def test_casts(old: str, new: str) -> None:
    values = np.array([0, 1, 2, 5, 100, 0, 1, 3, 7]).astype(old)
    if np.dtype(old).kind == "f":
        values[-3:] = [-1.5, 2.75, 0.0] if new not in ("u1", "b1") else [1.5, 2.75, 0.0]
    kernel = map_kernel(cast(load(Buffer("x", old, 1, unit=True), i), new))
    for lanes in (1, 4, None):
        compare(kernel, {"i": 9}, {"x": values, "out": np.zeros(9, new)}, lanes=lanes)


@pytest.mark.parametrize("lanes", [1, 4, 16])
def test_bfloat16_storage(lanes: int) -> None:
    x = Buffer("x", "f4", 1, unit=True, storage="bfloat16")
    out = Buffer("out", "f4", 1, unit=True, storage="bfloat16")
    kernel = Kernel("k", (Loop("i", "outer"),), (Output(out, (i,), load(x, i) * 3.0),))
    values = np.array([1.0, 1.0078125, -2.5, np.inf, -np.inf, np.nan, 0.0, -0.0, 1e-40, 3e38], "f4")
    bits = (values.view(np.uint32) >> 16).astype(np.uint16)
    compare(kernel, {"i": 10}, {"x": bits, "out": np.zeros(10, np.uint16)}, lanes=lanes)


@pytest.mark.parametrize("lanes", LANES)
def test_half_precision_storage(lanes: int) -> None:
    x = load(Buffer("x", "f2", 1, unit=True), i) - load(Buffer("x", "f2", 1, unit=True), j)
    row = cast(reduce("sum", "j", cast(x, "f4") * cast(x, "f4")), "f2")
    kernel = Kernel("k", PAIRS, (Output(Buffer("out", "f2", 1), (i,), row),))
    arrays = {"x": numbers(37, "f2"), "out": np.zeros(37, "f2")}
    compare(kernel, {"i": 37, "j": 37}, arrays, lanes=lanes)


@pytest.mark.parametrize("lanes", LANES)
def test_index_arithmetic(lanes: int) -> None:
    """Slices, flips, padding, look-ups, a mask of indices, and values made of indices."""
    x, t = Buffer("x", "f4", 1, unit=True), Buffer("t", "i8", 1, unit=True)
    n, start = scalar_input("n", "i8"), scalar_input("start", "i8")
    flipped = load(x, n - i - 1)
    sliced = load(x, i * 2 + start)
    inside = (i >= 3) & (i < n)
    before = load(x, apply("maximum", i - 3, const(0, "i8")))
    padded = apply("where", inside, before, const(0, "f4"))
    looked_up = load(x, load(t, i))
    upper = reduce("sum", "j", apply("where", j > i, load(x, j), const(0, "f4")))
    band = reduce("sum", "j", load(x, i + j))
    outputs = [flipped, sliced, padded, looked_up, upper, band, cast(i * 2, "f4")]
    kernel = Kernel("k", PAIRS, tuple(
        Output(Buffer(f"o{k}", v.dtype, 1, unit=True), (i,), v) for k, v in enumerate(outputs)
    ))  # fmt: skip
    size = 21
    arrays: dict[str, Any] = {"x": numbers(64, "f4"), "t": np.arange(size)[::-1].copy() * 2}
    arrays |= {f"o{k}": np.zeros(size, "f4") for k in range(len(outputs))}
    scalars = {"n": size, "start": 1}
    found = compare(kernel, {"i": size, "j": 33}, arrays, scalars, lanes=lanes)
    np.testing.assert_array_equal(found["o0"], arrays["x"][:size][::-1])
    np.testing.assert_array_equal(found["o3"], arrays["x"][arrays["t"]])


# -------------------------------------------------------------------- reductions


@pytest.mark.parametrize("lanes", LANES)
def test_logsumexp_of_infinities(lanes: int) -> None:
    """Rows of -inf, with +inf, with NaN, and rows whose reference must be raised many times."""
    s = Buffer("s", "f4", 2, unit=True)
    a = load(s, i, j)
    lse = reduce("logsumexp", "j", a)
    safe = apply("where", apply("isfinite", lse), lse, const(0, "f4"))
    p = apply("exp", a - safe)
    outputs = (
        Output(Buffer("lse", "f4", 1), (i,), lse),
        Output(Buffer("mass", "f4", 1), (i,), reduce("sum", "j", p)),
        Output(Buffer("mean", "f4", 1), (i,), reduce("sum", "j", p * load(s, i, j * 0))),
    )
    kernel = Kernel("k", PAIRS, outputs)
    m = 3000
    scores = numbers((9, m), "f4")
    scores[0] = -np.inf
    scores[1, 5] = np.inf
    scores[2, 2500] = np.nan
    scores[3] = np.linspace(-1000, 5000, m)  # the reference of each tile is too low for the next
    scores[4] = np.linspace(5000, -1000, m)
    scores[5, :2900] = -np.inf
    scores[6] = -3e38
    scores[7, ::2] = -np.inf
    arrays = {"s": scores, **{n: np.zeros(9, "f4") for n in ("lse", "mass", "mean")}}
    expected = {k: a.copy() for k, a in arrays.items()}
    interpret(kernel, {"i": 9, "j": m}, expected)
    run(kernel, {"i": 9, "j": m}, arrays, target=host(lanes))
    assert arrays["lse"][0] == -np.inf and arrays["lse"][1] == np.inf and np.isnan(arrays["lse"][2])
    np.testing.assert_allclose(arrays["lse"], expected["lse"], rtol=1e-6)
    np.testing.assert_allclose(arrays["mass"][3:], expected["mass"][3:], rtol=1e-3)
    assert arrays["mass"][0] == 0.0


@pytest.mark.parametrize("lanes", [1, 4, 16, None])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_extremes_with_nans_and_ties(lanes: int | None, dtype: str) -> None:
    s = Buffer("s", dtype, 2)
    outputs = [
        Output(Buffer(kind, "i8" if kind.startswith("arg") else dtype, 1), (i,),
               reduce(kind, "j", load(s, i, j)))
        for kind in ("max", "min", "argmax", "argmin")
    ]  # fmt: skip
    kernel = Kernel("k", PAIRS, tuple(outputs))
    values = numbers((21, 77), dtype)
    values[0, 40] = values[1, 3] = values[1, 70] = np.nan
    values[2] = np.inf
    values[3] = -np.inf
    values[4, 10], values[4, 12] = np.inf, -np.inf  # their sum is NaN, no value is
    values[5] = np.round(values[5])
    values[6] = 1.0
    for m in (77, 1, 32, 33):
        arrays = {"s": values[:, :m].copy()}
        arrays |= {o.buffer.name: np.zeros(21, o.buffer.dtype) for o in outputs}
        compare(kernel, {"i": 21, "j": m}, arrays, lanes=lanes)


@pytest.mark.parametrize("lanes", [1, 4, 16])
def test_every_kind_beside_every_other(lanes: int) -> None:
    x, y = Buffer("x", "i8", 1), Buffer("y", "i8", 1)
    body = load(x, i) * load(y, j)
    outputs = []
    for kind in ("sum", "prod", "max", "min", "any", "all", "argmax", "argmin"):
        arg = body > 0 if kind in ("any", "all") else body
        for over, at in (("j", (i,)), ("i", (j,)), (("i", "j"), ())):
            if at == () and kind.startswith("arg"):
                continue
            value = reduce(kind, over, arg)
            name = f"{kind}{len(outputs)}"
            outputs.append(Output(Buffer(name, value.dtype, len(at)), at, value))
    kernel = Kernel("k", PAIRS, tuple(outputs))
    arrays: dict[str, Any] = {"x": numbers(37, "i8"), "y": numbers(41, "i8", 1)}
    for o in outputs:
        arrays[o.buffer.name] = np.zeros(
            {(i,): (37,), (j,): (41,), (): ()}[o.indices], o.buffer.dtype
        )
    compare(kernel, {"i": 37, "j": 41}, arrays, lanes=lanes)


def two_smallest(dtype: str) -> tuple[State, State]:
    """The smallest and the second smallest value, as two reductions with one state."""
    a0, a1, b0, b1 = (scalar_input(n, dtype) for n in ("a0", "a1", "b0", "b1"))
    low, high = apply("minimum", a0, b0), apply("maximum", a0, b0)
    rest = apply("minimum", apply("minimum", a1, b1), high)
    identity = (const(np.inf, dtype), const(np.inf, dtype))
    first = State("two smallest", identity, (low, rest), a0)
    return first, State("two smallest", identity, (low, rest), a1)


@pytest.mark.parametrize("lanes", LANES)
def test_general_states(lanes: int) -> None:
    first, second = two_smallest("f4")
    d = apply("abs", load(Buffer("x", "f4", 1), i) - load(Buffer("y", "f4", 1), j))
    infinity = const(np.inf, "f4")
    outputs = tuple(
        Output(Buffer(f"o{k}", "f4", len(at)), at, reduce(state, over, d, infinity))
        for k, (state, over, at) in enumerate(
            [(first, "j", (i,)), (second, "j", (i,)), (second, "i", (j,))]
        )
    )
    kernel = Kernel("k", PAIRS, outputs)
    arrays = {"x": numbers(35, "f4"), "y": numbers(50, "f4", 1)}
    arrays |= {"o0": np.zeros(35, "f4"), "o1": np.zeros(35, "f4"), "o2": np.zeros(50, "f4")}
    found = compare(kernel, {"i": 35, "j": 50}, arrays, lanes=lanes)
    distances = np.sort(np.abs(arrays["x"][:, None] - arrays["y"]), axis=1)
    np.testing.assert_array_equal(found["o1"], distances[:, 1])


@pytest.mark.parametrize("lanes", [1, 8, 16])
def test_three_bodies(lanes: int) -> None:
    k = index("k")
    x = Buffer("x", "f4", 1, unit=True)
    side = apply("exp", -apply("abs", load(x, i) - load(x, j)))
    far = load(x, j) * load(x, k) + load(x, i)
    outputs = (
        Output(Buffer("rows", "f4", 1), (i,), reduce("sum", ("j", "k"), side * far)),
        Output(Buffer("top", "f4", 1), (i,), reduce("max", ("j", "k"), far)),
        Output(Buffer("all", "f4", 0), (), reduce("sum", ("i", "j", "k"), side * far)),
    )
    kernel = Kernel("k", (*PAIRS, Loop("k", "inner")), outputs)
    arrays = {"x": numbers(20, "f4"), "rows": np.zeros(20, "f4"), "top": np.zeros(20, "f4")}
    arrays["all"] = np.zeros((), "f4")
    compare(kernel, {"i": 20, "j": 20, "k": 20}, arrays, lanes=lanes)


def test_a_reduction_inside_another() -> None:
    """The variance in two passes over the pairs of one kernel."""
    n = scalar_input("n", "f4")
    a = load(Buffer("x", "f4", 1), i) * load(Buffer("y", "f4", 1), j)
    mean = reduce("sum", "j", a) / n
    variance = reduce("sum", "j", (a - mean) * (a - mean)) / n
    column = reduce("sum", "i", a * mean)
    outputs = (
        Output(Buffer("v", "f4", 1), (i,), variance),
        Output(Buffer("c", "f4", 1), (j,), column),
    )
    arrays = {"x": numbers(19, "f4"), "y": numbers(300, "f4", 1)}
    arrays |= {"v": np.zeros(19, "f4"), "c": np.zeros(300, "f4")}
    compare(Kernel("k", PAIRS, outputs), {"i": 19, "j": 300}, arrays, {"n": 300.0})


# -------------------------------------------------------------------- accuracy, order, threads


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    results = []
    try:
        for workers in (1, 2, 3, 7):
            threads.set_num_threads(workers)
            results += [sums(1500, 1100) for _ in range(2)]
    finally:
        threads.set_num_threads(threads.available())
    for other in results[1:]:
        for name in ("row", "column", "total"):
            np.testing.assert_array_equal(other[name], results[0][name])


@pytest.mark.parametrize(("summation", "bound"), [("blocked", 2e-6), ("kahan", 1.2e-7)])
def test_error_of_long_sums(summation: str, bound: float) -> None:
    """One float32 after the other, 200,000 terms would lose three digits."""
    n, m = 20, 200_000
    a = sums(n, m, summation)
    low = np.minimum(a["x"][:, None].astype("f8"), a["y"])
    assert np.max(np.abs(a["row"] / low.sum(1) - 1)) <= bound
    assert abs(a["total"] / low.sum() - 1) <= bound


def test_geometry_is_decided_by_sizes() -> None:
    p = program(sum_kernel())
    small, large = (Geometry(p, {"i": n, "j": n}) for n in (1000, 1_000_000))
    assert small.tasks * small.vectors * p.facts.lanes >= 1000
    assert large.groups <= 16
    assert large.pairs <= 1 << 28


def test_long_maps() -> None:
    """A chain over 1-D data, with its sum; lengths around the vector and the block."""
    x = load(Buffer("x", "f4", 1, unit=True), i)
    y = apply("sin", x) * apply("exp", -x * x)
    outputs = (
        Output(Buffer("y", "f4", 1, unit=True), (i,), y),
        Output(Buffer("sum", "f4", 0), (), reduce("sum", "i", y)),
    )
    kernel = Kernel("chain", (Loop("i", "outer"),), outputs)
    for n in (0, 1, 15, 16, 17, 4095, 4097, 100_003):
        arrays = {"x": numbers(n, "f4"), "y": np.zeros(n, "f4"), "sum": np.zeros((), "f4")}
        compare(kernel, {"i": n}, arrays)


def test_arguments_are_checked() -> None:
    kernel = map_kernel(load(Buffer("x", "f4", 1, unit=True), i))
    out = np.zeros(4, "f4")
    with pytest.raises(BadArguments, match="float64"):
        run(kernel, {"i": 4}, {"x": np.zeros(4), "out": out})
    with pytest.raises(BadArguments, match="contiguous"):
        run(kernel, {"i": 4}, {"x": np.zeros(8, "f4")[::2], "out": out})


def test_one_exponential_per_pair() -> None:
    """Value and gradient of a kernel sum: the source shows one exp2 in the loop over pairs."""
    x, c = Buffer("x", "f4", 1), scalar_input("c", "f4")
    d = load(x, i) - load(x, j)
    k = apply("exp", -(d * d) / c)
    outputs = (
        Output(Buffer("value", "f4", 0), (), reduce("sum", ("i", "j"), k)),
        Output(Buffer("slope", "f4", 1), (i,), reduce("sum", "j", -(k * (2.0 * d)) / c)),
    )
    text = compile.source(Kernel("sums", PAIRS, outputs))
    header = text[: text.index("define")]
    assert "; sums: " in header and header.count("exp2(") == 1
    assert "x[i] - x[j]" in header or "x[j] - x[i]" in header
    loop = text[text.index("\npair.loop") :]
    assert loop[: loop.index("\npair.done")].count("@pb.exp2") == 1


# -------------------------------------------------------------------- interruption, progress


def slow_kernel() -> tuple[Kernel, dict[str, int], dict[str, Any]]:
    """About a minute of work."""
    x = Buffer("x", "f4", 1, unit=True)
    body = apply("tanh", load(x, i) * load(x, j))
    kernel = Kernel("slow", PAIRS, (Output(Buffer("o", "f4", 1), (i,), reduce("sum", "j", body)),))
    n = 700_000
    return kernel, {"i": n, "j": n}, {"x": numbers(n, "f4"), "o": np.zeros(n, "f4")}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("long_tasks", [False, True])
def test_interruption(workers: int, long_tasks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C stops within a second, and everything works afterwards."""
    kernel, sizes, arrays = slow_kernel()
    if long_tasks:  # then the calling thread only waits, and tasks are told to stop
        monkeypatch.setattr(run_module, "PAIRS_AT_ONCE", 1 << 40)
        monkeypatch.setattr(run_module, "takes_part", lambda geometry: False)
    program(kernel)
    stops_within_a_second(lambda: run(kernel, sizes, arrays), workers)
    sums(300, 300)


def test_progress_and_its_errors() -> None:
    seen: list[tuple[int, int]] = []
    arrays = {"x": numbers(5000, "f4"), "y": numbers(5000, "f4")}
    arrays |= {"row": np.zeros(5000, "f4"), "column": np.zeros(5000, "f4")}
    arrays["total"] = np.zeros((), "f4")
    sizes = {"i": 5000, "j": 5000}
    run(sum_kernel(), sizes, arrays, progress=lambda done, total: seen.append((done, total)))
    assert seen and all(0 < done <= total for done, total in seen)

    def fail(done: int, total: int) -> None:
        raise RuntimeError("from the callback")

    with pytest.raises(RuntimeError, match="from the callback"):
        run(sum_kernel(), sizes, arrays, progress=fail)
    run(sum_kernel(), sizes, arrays)


def test_kernels_from_several_threads() -> None:
    results: list[Any] = []
    callers = [
        threading.Thread(target=lambda: results.append(sums(900, 800)["row"])) for _ in range(6)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(results) == 6
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_fork() -> None:
    """A forked child has no pool yet: it makes its own."""
    sums(900, 800)
    code = (
        "import os, sys\n"
        "sys.path.insert(0, 'tests')\n"
        "from loop_kernels import sums\n"
        "sums(900, 800)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    sums(900, 800)\n"
        "    os._exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60,
        cwd=Path(__file__).parent.parent, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "7"
