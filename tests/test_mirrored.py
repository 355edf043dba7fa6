"""Sums over the pairs of a set with itself, from half of the pairs."""

from __future__ import annotations

import ctypes
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

import pullback as torch
from loop_kernels import PAIRS, b, compare, i, j, numbers, stops_within_a_second
from pullback.backends.interpret import interpret
from pullback.backends.llvm import compile, run as run_module, threads
from pullback.backends.llvm.compile import program
from pullback.backends.llvm.run import Geometry, Launch, Placed, run
from pullback.backends.loops import Buffer, Kernel, Loop, Output, index, load, reduce
from pullback.backends.memory import address
from pullback.backends.passes.mirror import Images
from pullback.backends.scalar import Scalar, apply, cast, walk
from pullback.backends.simplify import simplify
from pullback.config import config

d = index("d")
LANES = (1, 2, 4, 8, 16)
SIZES = [0, 1, 2, 15, 16, 17, 63, 64, 65, 130, 700, 1500]

pytestmark = pytest.mark.usefixtures("own_cache")


def gauss(dtype: str = "f4", batched: bool = False, square: bool = True) -> Kernel:
    """Symmetric, antisymmetric and other sums with one exponential, and a total of one of them."""
    rank = 1 + batched
    x, w = (Buffer(n, dtype, rank, unit=True) for n in "xw")
    first = (b,) if batched else ()
    difference = load(x, *first, i) - load(x, *first, j)
    k = apply("exp", -(difference * difference))
    product = load(w, *first, i) * load(w, *first, j)
    apart = apply("ne", i, j)
    later = apply("where", apply("lt", i, j), load(w, *first, j), load(w, *first, i) * 2.0)
    bodies = {
        "even": k * product,
        "odd": k * (product * difference),
        "other": k * load(w, *first, j),
        "apart": apply("where", apart, apply("rsqrt", difference * difference), 0.0 * product),
        "order": k * later,
    }
    outputs = [
        Output(Buffer(n, dtype, rank, unit=True), (*first, i), reduce("sum", "j", body))
        for n, body in bodies.items()
    ]
    row = reduce("sum", "j", k * load(w, *first, j))
    total = reduce("sum", "i", row * load(w, *first, i))
    outputs.append(Output(Buffer("total", dtype, rank - 1), first, total))
    loops = (Loop("b", "batch"), *PAIRS) if batched else PAIRS
    return Kernel("gauss", loops, tuple(outputs), square=square)


def arrays_for(kernel: Kernel, n: int, dtype: str = "f4", batch: int | None = None) -> Any:
    first = () if batch is None else (batch,)
    found = {name: numbers((*first, n), dtype, seed) for seed, name in enumerate("xw")}
    for o in kernel.outputs:
        found[o.buffer.name] = np.zeros((*first, n)[: o.buffer.rank], dtype)
    return found


def is_mirrored(kernel: Kernel) -> bool:
    kinds = {n.data.kind for n in walk(*simplify(kernel).roots()) if n.op == "reduce"}
    return "mirrored" in kinds


@pytest.mark.parametrize("lanes", [*LANES, None])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_against_the_interpreter(dtype: str, lanes: int | None) -> None:
    kernel = gauss(dtype)
    assert is_mirrored(kernel)
    for n in SIZES if lanes in (4, None) else SIZES[:-2]:
        compare(kernel, {"i": n, "j": n}, arrays_for(kernel, n, dtype), lanes=lanes,
                tolerance=3e-5 if dtype == "f4" else 1e-12)  # fmt: skip


def in_many_dimensions(dtype: str) -> Kernel:
    """Distances and products along a contracted axis: the same for a pair either way round."""
    x, w = Buffer("x", dtype, 2, unit=True), Buffer("w", dtype, 1, unit=True)
    gap = load(x, i, d) - load(x, j, d)
    k = apply("exp", -reduce("sum", "d", gap * gap) / 8.0)
    p = reduce("sum", "d", load(x, i, d) * load(x, j, d))
    bodies = {"near": k * load(w, j), "like": apply("tanh", p) * (load(w, j) - load(w, i)) * k}
    outputs = tuple(
        Output(Buffer(name, dtype, 1, unit=True), (i,), reduce("sum", "j", body))
        for name, body in bodies.items()
    )
    return Kernel("deep", (*PAIRS, Loop("d", "contracted")), outputs, square=True)


@pytest.mark.parametrize("lanes", [1, 4, None])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_long_sums_inside_of_the_pairs(dtype: str, lanes: int | None) -> None:
    kernel = in_many_dimensions(dtype)
    assert is_mirrored(kernel)
    for n, depth in ((0, 3), (1, 17), (15, 0), (40, 1), (63, 33), (64, 64), (130, 20), (700, 17)):
        arrays = {"x": numbers((n, depth), dtype, 0), "w": numbers(n, dtype, 1)}
        arrays |= {o.buffer.name: np.zeros(n, dtype) for o in kernel.outputs}
        compare(kernel, {"i": n, "j": n, "d": depth}, arrays, lanes=lanes,
                tolerance=1e-4 if dtype == "f4" else 1e-12)  # fmt: skip


def test_batches() -> None:
    kernel = gauss("f8", batched=True)
    assert is_mirrored(kernel)
    for n, batch in ((1, 5), (40, 3), (300, 2), (50, 0)):
        sizes = {"i": n, "j": n, "b": batch}
        compare(kernel, sizes, arrays_for(kernel, n, "f8", batch), lanes=4)


def test_numbers_of_several_dtypes() -> None:
    x = Buffer("x", "f4", 1, unit=True)
    difference = load(x, i) - load(x, j)
    k = apply("exp", -(difference * difference))
    outputs = (
        Output(Buffer("short", "f4", 1), (i,), reduce("sum", "j", k * load(x, j))),
        Output(Buffer("long", "f8", 1), (i,), reduce("sum", "j", cast(k, np.dtype("f8")))),
    )
    kernel = Kernel("both", PAIRS, outputs, square=True)
    assert is_mirrored(kernel)
    n = 333
    arrays = {"x": numbers(n, "f4"), "short": np.zeros(n, "f4"), "long": np.zeros(n)}
    compare(kernel, {"i": n, "j": n}, arrays, tolerance=3e-5)


def test_what_is_not_mirrored() -> None:
    """Rectangles, what is cheap, what has an image as costly as itself, compensated sums."""
    kernel = gauss()
    assert not is_mirrored(replace(kernel, square=False))
    assert not is_mirrored(replace(kernel, summation="kahan"))
    x, y, out = (Buffer(n, "f4", 1, unit=True) for n in ("x", "y", "out"))

    def of(*sums: Scalar) -> Kernel:
        outputs = (Output(replace_name(out, k), (i,), s) for k, s in enumerate(sums))
        return Kernel("k", PAIRS, tuple(outputs), square=True)

    assert not is_mirrored(of(reduce("sum", "j", load(x, i) * load(x, j))))
    one_sided = apply("exp", load(x, i) * load(y, j))
    assert not is_mirrored(of(reduce("sum", "j", one_sided)))
    even = apply("exp", load(x, i) * load(x, j))
    assert is_mirrored(of(reduce("sum", "j", even)))
    assert not is_mirrored(of(reduce("sum", "j", even), reduce("max", "j", even)))
    assert not is_mirrored(of(reduce("sum", "i", even)))


def replace_name(buffer: Buffer, k: int) -> Buffer:
    return Buffer(f"{buffer.name}{k}", buffer.dtype, buffer.rank, buffer.unit)


X, Y = Buffer("x", "f8", 1, unit=True), Buffer("y", "f8", 1, unit=True)


@st.composite
def pair_bodies(draw: Any, depth: int = 4) -> Scalar:
    leaves = [load(X, i), load(X, j), load(Y, i), load(Y, j)]
    if depth == 0 or draw(st.integers(0, 6)) == 0:
        return draw(st.sampled_from(leaves))
    sub = pair_bodies(depth - 1)
    kind = draw(st.integers(0, 6))
    if kind <= 3:
        name = ("add", "sub", "mul", "maximum")[kind]
        return apply(name, draw(sub), draw(sub))
    if kind == 4:
        return apply(draw(st.sampled_from(["tanh", "exp", "neg", "abs", "cos"])), -draw(sub))
    if kind == 5:
        return apply("where", apply("lt", draw(sub), draw(sub)), draw(sub), draw(sub))
    return apply("where", apply(draw(st.sampled_from(["lt", "ne"])), i, j), draw(sub), draw(sub))


@settings(max_examples=60, deadline=None)
@given(pair_bodies())
@example(load(X, i) * (load(X, i) - load(X, j)) * load(X, j))  # minus itself, factors in disorder
@example(load(X, i) * (load(X, j) - load(X, i)) * load(X, j))
@example((load(X, i) + load(Y, i) * load(Y, j)) + load(X, j))  # itself, in another order
@example((load(X, i) - load(Y, i) * load(Y, j)) - load(X, j))  # neither
@example((load(Y, i) - load(Y, j)) - (load(X, j) - load(X, i)))  # minus itself
def test_images_are_the_pairs_the_other_way_round(body: Scalar) -> None:
    n = 6
    out = Buffer("out", "f8", 2, unit=True)
    loops = (Loop("i", "outer"), Loop("j", "batch"))
    arrays = {"x": numbers(n, "f8", 1), "y": numbers(n, "f8", 2)}
    tables = []
    for value in (body, Images("i", "j").of(body)):
        found = arrays | {"out": np.zeros((n, n))}
        interpret(Kernel("t", loops, (Output(out, (i, j), value),)), {"i": n, "j": n}, found)
        tables.append(found["out"])
    np.testing.assert_allclose(tables[1], tables[0].T, rtol=1e-13)


def test_sums_in_another_order_are_one() -> None:
    """Also their negatives, and what is symmetric only then is mirrored."""
    x, y = (Buffer(n, "f8", 1, unit=True) for n in "xy")
    one, other = apply("cos", load(x, i) * load(y, j)), apply("cos", load(x, j) * load(y, i))
    middle = apply("cos", load(x, i) * load(x, j))
    forms = [(one + middle) + other, one + (other + middle), (-middle - other) - one,
             (one + middle) - other]  # fmt: skip
    outputs = [Output(Buffer(f"o{k}", "f8", 1, unit=True), (i,), reduce("sum", "j", form))
               for k, form in enumerate(forms)]  # fmt: skip
    kernel = Kernel("k", PAIRS, tuple(outputs), square=True)
    roots = simplify(kernel).roots()
    sums = {id(n): n.data.kind for n in walk(*roots) if n.op == "reduce"}
    assert list(sums.values()) == ["mirrored", "mirrored"]
    n = 70
    arrays = {"x": numbers(n, "f8", 1), "y": numbers(n, "f8", 2)}
    arrays |= {f"o{k}": np.zeros(n) for k in range(len(forms))}
    compare(kernel, {"i": n, "j": n}, arrays)


class Workers:
    """A team that is busy, and how it was asked."""

    def __init__(self) -> None:
        self.in_order: list[bool] = []

    def run(self, *given: Any) -> bool:
        self.in_order.append(given[-1])
        return False


def test_short_runs_begin_in_the_order_of_the_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads with shares of their own would wait for each other."""
    workers = Workers()
    monkeypatch.setattr(run_module, "team", lambda: workers)
    n = 900
    with config(num_threads=2):
        for square in (True, False):
            kernel = gauss(square=square)
            run(kernel, {"i": n, "j": n}, arrays_for(kernel, n))
    assert workers.in_order == [True, False]


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    kernel = gauss()
    for n in (900, 6000):  # a run in machine code, and one that hears Ctrl-C
        results = []
        try:
            for workers in (1, 2, 3, 7, 16):
                threads.set_num_threads(workers)
                for _ in range(2):
                    results.append(arrays_for(kernel, n))
                    run(kernel, {"i": n, "j": n}, results[-1])
        finally:
            threads.set_num_threads(threads.available())
        for other in results[1:]:
            for o in kernel.outputs:
                np.testing.assert_array_equal(other[o.buffer.name], results[0][o.buffer.name])


def test_half_of_the_pairs_are_visited() -> None:
    p = program(gauss())
    for n in (10, 1000, 100_000):
        g = Geometry(p, {"i": n, "j": n})
        assert g.groups % 2 == 0
        assert g.tasks == g.groups * (g.groups + 1) // 2
        assert g.groups * g.vectors * p.facts.lanes >= n
        if n > 10_000:
            assert g.tasks * g.pairs < 0.52 * n * n


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_interruption(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C stops within a second, also threads that wait for others."""
    kernel, n = gauss(), 400_000
    arrays = arrays_for(kernel, n)
    program(kernel)
    monkeypatch.setattr(run_module, "takes_part", lambda geometry: False)
    stops_within_a_second(lambda: run(kernel, {"i": n, "j": n}, arrays), workers)
    compare(kernel, {"i": 300, "j": 300}, arrays_for(kernel, 300), tolerance=3e-5)


def test_a_task_that_waits_in_vain_is_stopped() -> None:
    """Whoever took the task before it was interrupted, and will not run it."""
    kernel, n = gauss(), 900
    arrays = arrays_for(kernel, n)
    p = program(kernel)
    launch = Launch(p, {"i": n, "j": n}, {name: Placed.of(a) for name, a in arrays.items()})
    main, called = p.main, []

    def late(where: int, first: int, last: int) -> None:
        stop = ctypes.c_int64.from_address(
            ctypes.c_int64.from_address(where + 8 * p.facts.names.index("stop")).value
        )
        stop.value = 1
        main(where, launch.geometry.groups, launch.geometry.groups + 1)  # of the second turn
        called.append(stop.value)

    launch.is_short = False
    launch.program = replace(p, main=late, finish=None)
    addresses = {name: address(a) for name, a in arrays.items()}
    runner = threading.Thread(target=launch, args=(addresses, {}), daemon=True)
    runner.start()
    runner.join(10)
    assert called and not runner.is_alive()


def test_nan_and_infinity_reach_the_sums_they_are_in() -> None:
    kernel = gauss("f8")
    n = 200
    arrays = arrays_for(kernel, n, "f8")
    arrays["x"][[3, 150]] = np.nan, np.inf
    compare(kernel, {"i": n, "j": n}, arrays)


# -------------------------------------------------------------------- formulas


def hamiltonian(q: Any, p: Any, other: Any) -> Any:
    k = torch.exp(-((q[:, None] - other[None]) ** 2).sum(-1) / 0.7)
    return (p * (k @ p)).sum()


def test_formulas_of_a_set_with_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    kernels: list[Kernel] = []

    def compiled(kernel: Kernel, *rest: Any) -> Any:
        kernels.append(kernel)
        return program(kernel, *rest)

    # five dimensions: no other test has compiled it
    q, p, other = (torch.tensor(numbers((300, 5), "f8", k)) for k in range(3))
    for t in (q, p):
        t.requires_grad_()

    def gradients(points: Any) -> Any:
        return [g.numpy() for g in torch.autograd.grad(hamiltonian(q, p, points), [q, p])]

    expected = gradients(q)
    monkeypatch.setattr(compile, "program", compiled)
    with config(defer_elements=1_000):
        found = gradients(q)
        assert any(map(is_mirrored, kernels))
        kernels.clear()
        gradients(other)
        assert kernels and not any(map(is_mirrored, kernels))
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(f, e, rtol=1e-11, atol=1e-11)


def test_second_derivatives() -> None:
    q, p, v = (torch.tensor(numbers((120, 2), "f8", k)) for k in range(3))

    def product() -> Any:
        x = q.detach().requires_grad_()
        (g,) = torch.autograd.grad(hamiltonian(x, p, x), x, create_graph=True)
        return torch.autograd.grad((g * v).sum(), x)[0].numpy()

    expected = product()
    with config(defer_elements=1_000):
        np.testing.assert_allclose(product(), expected, rtol=1e-10, atol=1e-10)
