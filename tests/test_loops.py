"""The loop language: what the interpreter, the verifier and the simplifier do."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.backends.interpret import interpret
from pullback.backends.loops import (
    Buffer,
    Kernel,
    Loop,
    MalformedKernel,
    Output,
    State,
    index,
    load,
    reduce,
    verify,
)
from pullback.backends.passes.factors import flatten
from pullback.backends.passes.invariants import Dependence
from pullback.backends.passes.linear import terms
from pullback.backends.scalar import Scalar, apply, cast, const, scalar_input, walk
from pullback.backends.simplify import simplify

F4 = "f4"
i, j = index("i"), index("j")
PAIRS = (Loop("i", "outer"), Loop("j", "inner"))


def gaussian(a: Scalar, b: Scalar, c: Scalar) -> Scalar:
    d = load(Buffer("x", F4, 1), a) - load(Buffer("x", F4, 1), b)
    return apply("exp", -apply("pow", d, 2.0) / c)


def test_interpreter_on_a_sum_over_pairs() -> None:
    c = scalar_input("c", F4)
    out = Output(Buffer("out", F4, 1), (i,), reduce("sum", "j", gaussian(i, j, c)))
    x, result = np.arange(5, dtype=F4), np.empty(5, F4)
    interpret(Kernel("k", PAIRS, (out,)), {"i": 5, "j": 5}, {"x": x, "out": result}, {"c": 2.0})
    np.testing.assert_allclose(result, np.exp(-((x[:, None] - x) ** 2) / 2).sum(1), rtol=1e-6)


def test_symmetric_gradients_become_one_sum() -> None:
    """Σ_j f(i,j) - Σ_j f(j,i) with f(j,i) = -f(i,j): one reduction and one exponential."""
    c = scalar_input("c", F4)

    def slope(a: Scalar, b: Scalar) -> Scalar:
        d = load(Buffer("x", F4, 1), a) - load(Buffer("x", F4, 1), b)
        return -(gaussian(a, b, c) * (2.0 * d)) / c

    value = reduce("sum", "j", slope(i, j)) - reduce("sum", "j", slope(j, i))
    kernel = simplify(Kernel("k", PAIRS, (Output(Buffer("out", F4, 1), (i,), value),)))
    ops = [n.op for n in walk(*kernel.roots())]
    assert ops.count("reduce") == 1
    assert ops.count("exp2") == 1 and "exp" not in ops


def test_uniform_factors_move_outwards() -> None:
    """Σ_d (c p_id) p_jd and Σ_d p_id (c p_jd), with signs and several factors: one sum."""
    c, e = scalar_input("c", F4), scalar_input("e", F4)
    p = Buffer("p", F4, 2)

    def first(a: Scalar, b: Scalar) -> Scalar:
        return sum((c * load(p, a, k)) * load(p, b, k) for k in range(3))  # type: ignore[return-value]

    left = first(i, j) * (e * load(p, j, 0))
    right = -(-(first(j, i) * load(p, j, 0)) * e)
    outputs = tuple(
        Output(Buffer(name, F4, 1), (i,), reduce("sum", "j", body))
        for name, body in (("a", left), ("b", right), ("c", left - right * e))
    )
    plain = Kernel("k", PAIRS, outputs)
    kernel = simplify(plain)
    reductions = {n.args[0] for n in walk(*kernel.roots()) if n.op == "reduce"}
    assert len(reductions) == 1 + 1  # (a and b), and the difference in c
    assert kernel.outputs[0].value is kernel.outputs[1].value
    arrays = {"p": np.random.default_rng(0).normal(size=(6, 3)).astype(F4)}
    results = []
    for k in (plain, kernel):
        arrays |= {name: np.empty(6, F4) for name in "abc"}
        interpret(k, {"i": 6, "j": 6}, arrays, {"c": 1.7, "e": 0.3})
        results.append([arrays[name] for name in "abc"])
    np.testing.assert_allclose(results[0], results[1], rtol=1e-5)


def test_invariant_factors_leave_the_sum() -> None:
    w = load(Buffer("w", F4, 1), i)
    body = w * load(Buffer("x", F4, 1), j) / scalar_input("c", F4)
    out = Output(Buffer("out", F4, 1), (i,), reduce("sum", "j", body))
    kernel = simplify(Kernel("k", PAIRS, (out,)))
    (reduction,) = [n for n in walk(*kernel.roots()) if n.op == "reduce"]
    assert reduction.args[0].op == "load"


def test_uniform_factors_do_not_hide_that_sums_are_equal() -> None:
    """Σ_j K_ij <u p_i, p_j> and Σ_j K_ij <u p_j, p_i> are one sum, times u."""
    u, c = scalar_input("u", F4), scalar_input("c", F4)
    p = Buffer("p", F4, 2)

    def weight(a: Scalar, b: Scalar) -> Scalar:
        products = [(u * load(p, a, k)) * load(p, b, k) for k in range(3)]
        return (products[0] + products[1] + products[2]) * gaussian(a, b, c) / c

    outs = tuple(
        Output(Buffer(name, F4, 1), (i,), reduce("sum", "j", body))
        for name, body in (("rows", weight(i, j)), ("columns", weight(j, i)))
    )
    kernel = Kernel("k", PAIRS, outs)
    simple = simplify(kernel)
    (reduction,) = {n for n in walk(*simple.roots()) if n.op == "reduce"}
    assert not any(n.op == "input" and n.data == "u" for n in walk(reduction))
    rng = np.random.default_rng(0)
    arrays = {"x": rng.random(4).astype(F4), "p": rng.random((4, 3)).astype(F4)}
    results = []
    for k in (kernel, simple):
        found = {name: np.empty(4, F4) for name in ("rows", "columns")}
        interpret(k, {"i": 4, "j": 4}, arrays | found, {"u": 3.0, "c": 2.0})
        results += found.values()
    for r in results[1:]:
        np.testing.assert_allclose(r, results[0], rtol=1e-6)


def doubled(x: Scalar, op: str, steps: int) -> Scalar:
    """x + x/2 (or x·x) over and over: two shared arguments at every step."""
    for _ in range(steps):
        x = x + x * scalar_input("c", F4) if op == "add" else x * x
    return x


@pytest.mark.parametrize("op", ["add", "mul"])
def test_shared_parts_of_sums_and_products_are_not_written_out(op: str) -> None:
    """As the steps of an unrolled recurrence share them: 2^steps terms or factors."""
    d = load(Buffer("x", F4, 1), i) - load(Buffer("x", F4, 1), j)
    body = reduce("logsumexp", "j", doubled(d, op, 12)) + reduce("sum", "j", doubled(d, op, 12))
    kernel = Kernel("k", PAIRS, (Output(Buffer("out", F4, 1), (i,), body),))
    depends = Dependence(kernel)
    assert len(terms(doubled(d, op, 12), depends)) <= 64
    assert len(flatten(doubled(d, op, 12), depends).above) <= 64
    x = (np.arange(5) / 8).astype(F4)
    found = []
    for k in (kernel, simplify(kernel)):
        out = np.empty(5, F4)
        interpret(k, {"i": 5, "j": 5}, {"x": x, "out": out}, {"c": 0.5})
        found.append(out)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-4)


def test_negative_zero_and_nan_are_kept() -> None:
    """x - x is not 0 (it may be NaN), and 1 / (a - b) keeps the sign of its zero."""
    x = load(Buffer("x", F4, 1), i)
    y = load(Buffer("y", F4, 1), i)
    outs = (
        Output(Buffer("p", F4, 1), (i,), x - x),
        Output(Buffer("q", F4, 1), (i,), 1.0 / (x - y)),
        Output(Buffer("r", F4, 1), (i,), 1.0 / (y - x)),
    )
    kernel = Kernel("k", (Loop("i", "outer"),), outs)
    a = np.array([np.inf, 1.0, np.nan], F4)
    results = []
    for k in (kernel, simplify(kernel)):
        arrays = {"x": a, "y": a.copy(), **{n: np.empty(3, F4) for n in "pqr"}}
        interpret(k, {"i": 3}, arrays)
        results.append([arrays[n] for n in "pqr"])
    for expected, found in zip(*results, strict=True):
        np.testing.assert_array_equal(expected, found)
    assert np.isnan(results[1][0][0]) and results[1][1][1] == np.inf == results[1][2][1]


def test_unrolled_loops() -> None:
    k = index("k")
    x, out = Buffer("x", F4, 2), Buffer("out", F4, 2)
    d = load(x, i, k) - load(x, j, k)
    total = reduce("sum", "k", d * d)
    outputs = (
        Output(out, (i, k), reduce("sum", "j", total * d)),
        Output(Buffer("first", np.int64, 1), (i,), reduce("argmin", "k", load(x, i, k))),
        Output(Buffer("all", F4, 0), (), reduce("sum", ("i", "k"), load(x, i, k))),
    )
    kernel = Kernel("k", (*PAIRS, Loop("k", "unrolled", 3)), outputs)
    verify(kernel)
    unrolled = simplify(kernel)
    verify(unrolled)
    assert len(unrolled.outputs) == 5
    rng = np.random.default_rng(0)
    a = rng.standard_normal((6, 3)).astype(F4)
    results = []
    for version in (kernel, unrolled):
        arrays = {"x": a, "out": np.empty((6, 3), F4), "first": np.empty(6, np.int64)}
        arrays["all"] = np.empty((), F4)
        interpret(version, {"i": 6, "j": 6}, arrays)
        results.append(arrays)
    np.testing.assert_allclose(results[0]["out"], results[1]["out"], rtol=1e-5)
    np.testing.assert_array_equal(results[0]["first"], a.argmin(1))
    np.testing.assert_array_equal(results[1]["first"], a.argmin(1))
    np.testing.assert_allclose(results[1]["all"], a.sum(), rtol=1e-5)


def test_keys_depend_on_structure_only() -> None:
    def make(c: str, power: float) -> Kernel:
        d = load(Buffer("x", F4, 1), i) - load(Buffer("x", F4, 1), j)
        body = apply("pow", d, power) * scalar_input(c, F4)
        return Kernel("k", PAIRS, (Output(Buffer("o", F4, 1), (i,), reduce("sum", "j", body)),))

    assert make("c", 2.0).key == make("c", 2.0).key
    assert make("c", 2.0).key != make("c", 3.0).key
    assert make("c", 2.0).key != make("s", 2.0).key


def test_zeros_of_either_sign_are_different_constants() -> None:
    assert const(0.0, F4) is not const(-0.0, F4)
    x = load(Buffer("x", F4, 1), i)
    kernel = Kernel(
        "k", (Loop("i", "outer"),), (Output(Buffer("o", F4, 1), (i,), x * const(-0.0, F4)),)
    )
    arrays = {"x": np.ones(1, F4), "o": np.empty(1, F4)}
    interpret(simplify(kernel), {"i": 1}, arrays)
    assert np.signbit(arrays["o"][0])


def bad_kernels() -> dict[str, Kernel]:
    x, out = Buffer("x", F4, 1), Buffer("o", F4, 1)
    row = reduce("sum", "j", load(x, j) * load(x, i))
    total = reduce("sum", "i", load(x, i))
    return {
        "exactly one loop": Kernel("k", (Loop("j", "inner"),), (Output(out, (j,), load(x, j)),)),
        "same name": Kernel("k", (*PAIRS, Loop("i", "batch")), (Output(out, (i,), row),)),
        "no loop": Kernel("k", PAIRS, (Output(out, (i,), load(x, index("z"))),)),
        "does not mention": Kernel("k", PAIRS, (Output(Buffer("o", F4, 0), (), row),)),
        "with 2 indices": Kernel("k", PAIRS, (Output(out, (i,), load(x, i, i)),)),
        "unknown": Kernel("k", PAIRS, (Output(out, (i,), reduce("sum", "z", load(x, i))),)),
        "inside another": Kernel("k", PAIRS, (Output(out, (i,), reduce("sum", "j", total)),)),
        "read and written": Kernel("k", PAIRS, (Output(x, (i,), row),)),
        "written twice": Kernel("k", PAIRS, (Output(out, (i,), row), Output(out, (i,), row))),
        "wrong dtype": Kernel("k", PAIRS, (Output(Buffer("o", "f8", 1), (i,), row),)),
        "wrong number": Kernel("k", PAIRS, (Output(Buffer("o", F4, 2), (i,), row),)),
        "runs over the outer": Kernel("k", PAIRS, (Output(out, (i,), row + total),)),
        "neither runs over": Kernel("k", PAIRS, (Output(out, (j,), load(x, j)),)),
        "beside an outer": Kernel("k", PAIRS, (Output(Buffer("o", F4, 0), (), total + reduce(
            "sum", "j", load(x, j))),)),
        "at most 16": Kernel("k", (*PAIRS, Loop("u", "unrolled", 17)), (Output(out, (i,), row),)),
        "run-time": Kernel("k", (Loop("i", "outer", 3),), (Output(out, (i,), load(x, i)),)),
        "reduces booleans": Kernel("k", PAIRS, (Output(out, (i,), cast(
            reduce("any", "j", load(x, j) * load(x, i)), F4)),)),
        "floating-point": Kernel("k", PAIRS, (Output(out, (i,), cast(
            reduce("logsumexp", "j", cast(load(x, j), "i4")), F4)),)),
        "one argument and one": Kernel("k", PAIRS, (Output(out, (i,), reduce(
            State("s", (const(0, F4),), (scalar_input("a0", F4),), scalar_input("a0", F4)), "j",
            load(x, j), load(x, i))),)),
        "two descriptions": Kernel("k", PAIRS, (Output(out, (i,), row + load(
            Buffer("x", F4, 1, unit=True), i)),)),
    }  # fmt: skip


@pytest.mark.parametrize("message", bad_kernels())
def test_verifier(message: str) -> None:
    with pytest.raises(MalformedKernel, match=message):
        verify(bad_kernels()[message])
