"""The loop backend against hand-written kernels: `python benchmarks/loops.py [pattern]`.

The kernels are the expressions that differentiation gives, not better ones: what is fast here is
what the passes make of them. With a directory that holds limit.py and limit.cpp (--limit), every
row shows the ratio of the limit's best time to ours; without it, times only.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # else the limit's threads spin on our time

import numpy as np
from turns import in_turns

from pullback.backends.llvm import threads
from pullback.backends.llvm.compile import program
from pullback.backends.llvm.run import run
from pullback.backends.loops import Buffer, Kernel, Loop, Output, index, load, reduce
from pullback.backends.scalar import Scalar, apply, const, scalar_input

PAIRS = (Loop("i", "outer"), Loop("j", "inner"))
i, j = index("i"), index("j")
Task = tuple[Callable[[], Any], Callable[[], Any] | None]


def at(k: int) -> Scalar:
    return const(k, "i8")


def dot(a: list[Scalar], b: list[Scalar]) -> Scalar:
    total = a[0] * b[0]
    for x, y in zip(a[1:], b[1:], strict=True):
        total = total + x * y
    return total


def row(buffer: Buffer, *where: Scalar, dimension: int = 3) -> list[Scalar]:
    return [load(buffer, *where, k) for k in range(dimension)]


def difference(a: list[Scalar], b: list[Scalar]) -> list[Scalar]:
    return [x - y for x, y in zip(a, b, strict=True)]


def squared(d: list[Scalar]) -> Scalar:
    total = apply("pow", d[0], 2.0)
    for x in d[1:]:
        total = total + apply("pow", x, 2.0)
    return total


# -------------------------------------------------------------------- kernels


def kernel_norm(dtype: str, gradient: bool) -> Kernel:
    """H = 1/2 Σ_ij exp(-|q_i - q_j|² / 2σ²) <p_i, p_j>, by PyTorch's rules.

    dH/dp = p/2-weighted rows and columns of K; dH/dq from both ends of q_i - q_j, the columns
    renamed to run over the same indices as the rows.
    """
    q, p = Buffer("q", dtype, 2, unit=True), Buffer("p", dtype, 2, unit=True)
    gq, gp = Buffer("gq", dtype, 2, unit=True), Buffer("gp", dtype, 2, unit=True)
    c = 2.0 * apply("pow", scalar_input("sigma", dtype), 2.0)

    def pair(a: Scalar, b: Scalar) -> tuple[list[Scalar], Scalar]:
        d = difference(row(q, a), row(q, b))
        return d, apply("exp", -squared(d) / c)

    def slope(a: Scalar, b: Scalar, k: int) -> Scalar:
        d, weight = pair(a, b)
        half = [0.5 * x for x in row(p, a)]  # the gradient in v = K p
        return -((dot(half, row(p, b)) * weight) / c) * (2.0 * d[k])

    _, weight = pair(i, j)
    v = [reduce("sum", "j", weight * load(p, j, k)) for k in range(3)]
    outputs = [Output(Buffer("H", dtype, 0), (), 0.5 * reduce("sum", "i", dot(row(p, i), v)))]
    for k in range(3) if gradient else ():
        column = reduce("sum", "j", pair(j, i)[1] * (0.5 * load(p, j, k)))
        outputs.append(Output(gp, (i, at(k)), 0.5 * v[k] + column))
        both = reduce("sum", "j", slope(i, j, k)) + -reduce("sum", "j", slope(j, i, k))
        outputs.append(Output(gq, (i, at(k)), both))
    return Kernel("kernel_norm", PAIRS, tuple(outputs))


def logsumexp(eps: float) -> tuple[Kernel, Kernel, Kernel]:
    """log Σ_j exp(b_j - |x_i - y_j|² / 2ε): value, value and rows' gradient, columns' gradient."""
    x, y = Buffer("x", "f4", 2, unit=True), Buffer("y", "f4", 2, unit=True)
    b, w = Buffer("b", "f4", 1, unit=True), Buffer("w", "f4", 1, unit=True)

    def score(a: Scalar, c: Scalar) -> tuple[list[Scalar], Scalar]:
        d = difference(row(x, a), row(y, c))
        return d, load(b, c) - squared(d) / (2 * eps)

    def softmax(s: Scalar, value: Scalar) -> Scalar:
        finite = apply("where", apply("isfinite", value), value, const(0, "f4"))
        return apply("exp", s - finite)

    d, s = score(i, j)
    value = reduce("logsumexp", "j", s)
    out = Output(Buffer("out", "f4", 1, unit=True), (i,), value)
    outputs = [out]
    for k in range(3):
        g = -((load(w, i) * softmax(s, value)) / (2 * eps)) * (2.0 * d[k])
        outputs.append(Output(Buffer("gx", "f4", 2, unit=True), (i, at(k)), reduce("sum", "j", g)))
    lse = load(Buffer("lse", "f4", 1, unit=True), j)
    columns = reduce("sum", "j", load(w, j) * softmax(score(j, i)[1], lse))
    gb = Output(Buffer("gb", "f4", 1, unit=True), (i,), columns)
    return (
        Kernel("logsumexp", PAIRS, (out,)),
        Kernel("logsumexp_rows", PAIRS, tuple(outputs)),
        Kernel("logsumexp_columns", PAIRS, (gb,)),
    )


def matvec(kind: str, sigma: float) -> Kernel:
    """Σ_j k(x_i, y_j) b_j, and its gradients in x and b for weights w."""
    x, y = Buffer("x", "f4", 2, unit=True), Buffer("y", "f4", 2, unit=True)
    b, w = Buffer("b", "f4", 1, unit=True), Buffer("w", "f4", 1, unit=True)
    d = difference(row(x, i), row(y, j))
    s = squared(d)
    r, t = apply("sqrt", s), 1.0 + s
    k = {
        "gaussian": lambda: apply("exp", -s / (2 * sigma**2)),
        "laplacian": lambda: apply("exp", -r / sigma),
        "energy": lambda: -r,
        "cauchy": lambda: 1.0 / t,
    }[kind]()
    g = load(w, i) * load(b, j)
    slope = {
        "gaussian": lambda: -((g * k) / (2 * sigma**2)),
        "laplacian": lambda: -((g * k) / sigma) / (2.0 * r),
        "energy": lambda: -g / (2.0 * r),
        "cauchy": lambda: -(g * k) / t,
    }[kind]()
    rows = [Output(Buffer("out", "f4", 1, unit=True), (i,), reduce("sum", "j", k * load(b, j)))]
    for n in range(3):
        gradient = reduce("sum", "j", slope * (2.0 * d[n]))
        rows.append(Output(Buffer("gx", "f4", 2, unit=True), (i, at(n)), gradient))
    columns = reduce("sum", "i", k * load(w, i))
    return Kernel(kind, PAIRS, (*rows, Output(Buffer("gb", "f4", 1, unit=True), (j,), columns)))


def nearest() -> Kernel:
    """The smallest squared distance of each row, and where it is."""
    x, y = Buffer("x", "f4", 2, unit=True), Buffer("y", "f4", 2, unit=True)
    s = squared(difference(row(x, i), row(y, j)))
    distance, where = reduce("min", "j", s), reduce("argmin", "j", s)
    return Kernel("nearest", PAIRS, (
        Output(Buffer("distance", "f4", 1, unit=True), (i,), distance),
        Output(Buffer("index", "i8", 1, unit=True), (i,), where),
    ))  # fmt: skip


def fusion(gradient: bool) -> Kernel:
    """Σ sin(x) exp(-x²) + tanh(x), and its gradient."""
    x = load(Buffer("x", "f4", 1, unit=True), i)
    s, e, t = apply("sin", x), apply("exp", -x * x), apply("tanh", x)
    outputs = [Output(Buffer("total", "f4", 0), (), reduce("sum", "i", s * e + t))]
    if gradient:
        slope = e * apply("cos", x) + (-((s * e) * x) + -((s * e) * x)) + (1.0 - t * t)
        outputs.append(Output(Buffer("g", "f4", 1, unit=True), (i,), slope))
    return Kernel("fusion", (Loop("i", "outer"),), tuple(outputs))


# -------------------------------------------------------------------- tasks


def norm_task(limit: Any, n: int, dtype: str, gradient: bool) -> Task:
    rng = np.random.default_rng(0)
    a: dict[str, Any] = {
        "q": rng.random((n, 3)).astype(dtype),
        "p": rng.random((n, 3)).astype(dtype),
    }
    a["H"] = np.empty((), dtype)
    if gradient:
        a |= {"gq": np.empty_like(a["q"]), "gp": np.empty_like(a["p"])}
    kernel, sizes = kernel_norm(dtype, gradient), {"i": n, "j": n}
    return (
        lambda: run(kernel, sizes, a, {"sigma": 2.5}),
        limit and (lambda: limit.kernel_norm(a["q"], a["p"], 2.5, gradient)),
    )


def clouds(n: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    a: dict[str, Any] = {k: rng.random((n, 3), "f4") for k in ("x", "y")}
    a |= {k: rng.standard_normal(n).astype("f4") for k in ("b", "w")}
    a |= {"out": np.empty(n, "f4"), "gx": np.empty((n, 3), "f4"), "gb": np.empty(n, "f4")}
    return a


def logsumexp_task(limit: Any, n: int, gradient: bool) -> Task:
    a, sizes = clouds(n), {"i": n, "j": n}
    a["lse"] = a["out"]
    value, rows, columns = logsumexp(0.05)

    def ours() -> None:
        run(rows if gradient else value, sizes, a)
        if gradient:
            run(columns, sizes, a)

    w = a["w"] if gradient else None
    return ours, limit and (lambda: limit.logsumexp(a["x"], a["y"], a["b"], 0.05, w))


def sinkhorn_task(limit: Any, n: int) -> Task:
    a, sizes, shift = clouds(n), {"i": n, "j": n}, np.float32(math.log(n))
    kernel = logsumexp(0.05)[0]

    def loop(half: Callable[[Any, Any, Any], Any]) -> Callable[[], None]:
        def iterations() -> None:
            g = np.zeros(n, "f4")
            for _ in range(20):
                f = half(a["x"], a["y"], g)
                g = half(a["y"], a["x"], f)

        return iterations

    def ours(x: Any, y: Any, h: Any) -> Any:
        out = np.empty(n, "f4")
        run(kernel, sizes, {"x": x, "y": y, "b": h - shift, "out": out})
        return -out

    theirs = limit and loop(lambda x, y, h: -limit.logsumexp(x, y, h - shift, 0.05))
    return loop(ours), theirs


def matvec_task(limit: Any, n: int, kind: str, sigma: float) -> Task:
    a, kernel, sizes = clouds(n), matvec(kind, sigma), {"i": n, "j": n}
    return (
        lambda: run(kernel, sizes, a),
        limit and (lambda: limit.matvec(kind, a["x"], a["y"], a["b"], a["w"], sigma)),
    )


def nearest_task(limit: Any, n: int) -> Task:
    a, kernel = clouds(n), nearest()
    a |= {"distance": np.empty(n, "f4"), "index": np.empty(n, "i8")}
    return (
        lambda: run(kernel, {"i": n, "j": n}, a),
        limit and (lambda: limit.nearest(a["x"], a["y"])),
    )


def fusion_task(limit: Any, n: int, gradient: bool) -> Task:
    x = 3 * np.random.default_rng(0).random(n, "f4")
    a, kernel = {"x": x, "total": np.empty((), "f4"), "g": np.empty_like(x)}, fusion(gradient)
    return lambda: run(kernel, {"i": n}, a), limit and (lambda: limit.fusion_sum(x, gradient))


TASKS: dict[str, Callable[[Any], Task]] = {
    "kernel-norm-grad@1000": lambda t: norm_task(t, 1000, "f4", True),
    "kernel-norm-grad@10000": lambda t: norm_task(t, 10_000, "f4", True),
    "kernel-norm-grad@50000": lambda t: norm_task(t, 50_000, "f4", True),
    "kernel-norm@1000": lambda t: norm_task(t, 1000, "f4", False),
    "kernel-norm@10000": lambda t: norm_task(t, 10_000, "f4", False),
    "kernel-norm-grad-f64@10000": lambda t: norm_task(t, 10_000, "f8", True),
    "kernel-norm-f64@10000": lambda t: norm_task(t, 10_000, "f8", False),
    "logsumexp-grad@10000": lambda t: logsumexp_task(t, 10_000, True),
    "logsumexp@10000": lambda t: logsumexp_task(t, 10_000, False),
    "sinkhorn-20@10000": lambda t: sinkhorn_task(t, 10_000),
    "laplacian@10000": lambda t: matvec_task(t, 10_000, "laplacian", 0.5),
    "energy@10000": lambda t: matvec_task(t, 10_000, "energy", 1.0),
    "cauchy@10000": lambda t: matvec_task(t, 10_000, "cauchy", 1.0),
    "gaussian@10000": lambda t: matvec_task(t, 10_000, "gaussian", 0.5),
    "nearest@10000": lambda t: nearest_task(t, 10_000),
    "fusion@2e7": lambda t: fusion_task(t, 20_000_000, False),
    "fusion-grad@2e7": lambda t: fusion_task(t, 20_000_000, True),
}


# -------------------------------------------------------------------- measuring


def measure(task: Task, seconds: float) -> list[list[float]]:
    """Times of ours and of the limit, in turns."""
    functions = [f for f in task if f]
    for f in functions:
        f()
    return in_turns(functions, seconds)


def compile_times() -> None:
    """Milliseconds from a kernel to code that can be called: no cache, then the disk's."""
    from pullback.backends.llvm import cache, compile

    program(nearest())  # LLVM is loaded
    for name, make in (
        ("kernel-norm-grad", lambda: kernel_norm("f4", True)),
        ("laplacian", lambda: matvec("laplacian", 0.5)),
        ("logsumexp-grad", lambda: logsumexp(0.05)[1]),
        ("fusion-grad", lambda: fusion(True)),
    ):
        cold: list[float] = []
        warm: list[float] = []
        for _ in range(5):
            for clear, found in ((True, cold), (False, warm)):
                compile.forget()
                if clear:
                    cache.clear()
                kernel = make()
                start = time.perf_counter()
                program(kernel)
                found.append(time.perf_counter() - start)
        print(f"compile {name:20} cold {1e3 * min(cold):6.1f} ms   warm {1e3 * min(warm):6.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pattern", nargs="?", default="")
    parser.add_argument("--limit", type=Path, help="directory of limit.py")
    parser.add_argument("--seconds", type=float, default=2.0, help="per task")
    parser.add_argument("--threads", type=int, help="for ours and, before it starts, the limit")
    options = parser.parse_args()
    if options.threads:
        threads.set_num_threads(options.threads)
        os.environ["OMP_NUM_THREADS"] = str(options.threads)
    limit = None
    if options.limit:
        sys.path.append(str(options.limit))
        from limit import Limit

        limit = Limit()
    if not options.pattern:
        compile_times()
    for name, make in TASKS.items():
        if not re.search(options.pattern, name):
            continue
        times = measure(make(limit), options.seconds)
        best = [1e3 * min(t) for t in times]
        middle = [1e3 * float(np.median(t)) for t in times]
        line = f"{name:28} {best[0]:9.3f} ms (median {middle[0]:9.3f})"
        if len(best) > 1:
            line += f"   limit {best[1]:9.3f} ({middle[1]:9.3f})"
            line += f"   {best[1] / best[0]:5.2f} of the limit ({middle[1] / middle[0]:5.2f})"
        print(line, flush=True)


if __name__ == "__main__":
    main()
