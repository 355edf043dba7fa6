"""The kernels that formulas hand over, alone: `python benchmarks/kernels.py [pattern]`.

Each task is written as a user writes it. It runs once, the launches of its kernels are kept, and
they are run again on the same memory: what is timed is machine code and threads, nothing else.
`ops` are the operations per pair as `explain` counts them, an elementary function for one, and the
sums that a pair is added to; `peak` is the time that 7 operations for an exponential and 1 for
everything else would take at two vector operations per cycle (`--ghz`), over the time measured.
With a directory that holds limit.py and limit.cpp (--limit), the time of the hand-written loops
over ours. --show prints the simplified kernels, --assembly the machine code.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # else the limit's threads spin on our time

import numpy as np
from turns import in_turns

import pullback as torch
from pullback.backends.describe import describe
from pullback.backends.llvm import compile, run, threads
from pullback.backends.llvm.outlook import outlook
from pullback.backends.llvm.target import host
from pullback.backends.simplify import simplify
from pullback.formula.evaluate import set_observer

Task = tuple[Callable[[], Any], Callable[[Any], Any] | None]


def squared_distances(x: Any, y: Any) -> Any:
    return ((x[..., :, None, :] - y[..., None, :, :]) ** 2).sum(-1)


def points(*shape: int, dtype: str = "f4") -> Any:
    return np.random.default_rng(len(shape) + shape[0]).random(shape).astype(dtype)


def leaf(a: Any) -> Any:
    return torch.tensor(a, requires_grad=True)


# -------------------------------------------------------------------- tasks


def norm(q: Any, p: Any, sigma: Any) -> Any:
    D = ((q[:, None, :] - q[None, :, :]) ** 2).sum(dim=2)
    v = (-D / (2 * sigma**2)).exp() @ p
    return 0.5 * torch.dot(p.view(-1), v.view(-1))


def norm_task(n: int, dtype: str, gradient: bool) -> Task:
    q_, p_ = points(n, 3, dtype=dtype), points(n, 3, dtype=dtype)[::-1].copy()
    q, p = (leaf(q_), leaf(p_)) if gradient else (torch.tensor(q_), torch.tensor(p_))
    sigma = torch.tensor([2.5], dtype=q.dtype)

    def ours() -> Any:
        h = norm(q, p, sigma)
        return (h, *torch.autograd.grad(h, [q, p])) if gradient else (h.item(),)

    return ours, lambda limit: limit.kernel_norm(q_, p_, 2.5, gradient)


def hessian_task(n: int) -> Task:
    q, p, sigma = leaf(points(n, 3)), leaf(points(n, 3)), torch.tensor([2.5])
    u, v = torch.tensor(points(n, 3)), torch.tensor(points(n, 3))

    def ours() -> Any:
        first = torch.autograd.grad(norm(q, p, sigma), [q, p], create_graph=True)
        return torch.autograd.grad(first, [q, p], [u, v])

    return ours, None


def logsumexp_task(n: int, gradient: bool) -> Task:
    x_, y_, b_, w_ = points(n, 3), points(n, 3) * 0.9, points(n), points(n)
    x, b, y, w = leaf(x_), leaf(b_), torch.tensor(y_), torch.tensor(w_)

    def ours() -> Any:
        if not gradient:
            return torch.logsumexp(b.detach() - squared_distances(x.detach(), y) / 0.1, 1).numpy()
        a = torch.logsumexp(b - squared_distances(x, y) / 0.1, dim=1)
        return torch.autograd.grad(a, [x, b], w)

    return ours, lambda limit: limit.logsumexp(x_, y_, b_, 0.05, w_ if gradient else None)


KERNELS: dict[str, tuple[float, Callable[[Any, float], Any]]] = {
    "gaussian": (0.5, lambda D, s: (-D / (2 * s**2)).exp()),
    "laplacian": (0.5, lambda D, s: (-D.sqrt() / s).exp()),
    "energy": (1.0, lambda D, s: -D.sqrt()),
    "cauchy": (1.0, lambda D, s: 1 / (1 + D)),
}


def matvec_task(kind: str, n: int, *batch: int) -> Task:
    sigma, function = KERNELS[kind]
    x_, y_ = points(*batch, n, 3), points(*batch, n, 3) * 0.9
    b_, w_ = points(*batch, n, 1), points(*batch, n, 1)
    x, b, y, w = leaf(x_), leaf(b_), torch.tensor(y_), torch.tensor(w_)

    def ours() -> Any:
        a = function(squared_distances(x, y), sigma) @ b
        return (a, *torch.autograd.grad(a, [x, b], w))

    return ours, lambda limit: limit.matvec(kind, x_, y_, b_, w_, sigma)


def nearest_task(n: int) -> Task:
    x_, y_ = points(n, 3), points(n, 3) * 0.9
    x, y = torch.tensor(x_), torch.tensor(y_)

    def ours() -> Any:
        found = squared_distances(x, y).min(dim=1)
        return found.values.numpy(), found.indices.numpy()

    return ours, lambda limit: limit.nearest(x_, y_)


def chain_task(n: int, gradient: bool) -> Task:
    x_ = 3 * points(n)
    x = torch.tensor(x_, requires_grad=gradient)

    def ours() -> Any:
        total = (torch.sin(x) * torch.exp(-x * x) + torch.tanh(x)).sum()
        return torch.autograd.grad(total, x) if gradient else total.item()

    return ours, lambda limit: limit.fusion_sum(x_, gradient)


TASKS: dict[str, Callable[[], Task]] = {
    "norm-grad@1000": lambda: norm_task(1000, "f4", True),
    "norm-grad@10000": lambda: norm_task(10_000, "f4", True),
    "norm-grad@50000": lambda: norm_task(50_000, "f4", True),
    "norm@10000": lambda: norm_task(10_000, "f4", False),
    "norm@50000": lambda: norm_task(50_000, "f4", False),
    "norm-grad-f64@10000": lambda: norm_task(10_000, "f8", True),
    "norm-f64@10000": lambda: norm_task(10_000, "f8", False),
    "hessian@5000": lambda: hessian_task(5000),
    "logsumexp-grad@10000": lambda: logsumexp_task(10_000, True),
    "logsumexp@10000": lambda: logsumexp_task(10_000, False),
    "laplacian@10000": lambda: matvec_task("laplacian", 10_000),
    "energy@10000": lambda: matvec_task("energy", 10_000),
    "cauchy@10000": lambda: matvec_task("cauchy", 10_000),
    "gaussian@10000": lambda: matvec_task("gaussian", 10_000),
    "gaussian-batch@32x1000": lambda: matvec_task("gaussian", 1000, 32),
    "nearest@10000": lambda: nearest_task(10_000),
    "chain@2e7": lambda: chain_task(20_000_000, False),
    "chain-grad@2e7": lambda: chain_task(20_000_000, True),
}


# -------------------------------------------------------------------- measuring


def launches(task: Callable[[], Any]) -> list[tuple[Any, Any, Any]]:
    """The launches of a task's kernels with their addresses and numbers, and its results."""
    found: list[tuple[Any, Any, Any]] = []
    call = run.Launch.__call__

    def keep(self: Any, addresses: Any, scalars: Any, progress: Any = None) -> None:
        found.append((self, dict(addresses), dict(scalars)))
        call(self, addresses, scalars, progress)

    set_observer(lambda *evaluation: _memory.append(evaluation))
    try:
        with mock.patch.object(run.Launch, "__call__", keep):  # to see what is launched
            _memory.append(task())
    finally:
        set_observer(None)
    return found


_memory: list[Any] = []  # what owns the arrays that launches read and write


def sizes_of(launch: Any) -> dict[str, int]:
    kernel, names = launch.program.kernel, launch.program.facts.names
    return {k.name: k.extent or launch._block[names.index(f"size:{k.name}")] for k in kernel.loops}


def show(launch: Any, assembly: bool) -> None:
    p = launch.program
    print("\n".join(f"    {line}" for line in describe(simplify(p.kernel))))
    if assembly:
        print(compile.assembly(p.text, host()))


def cost(launch: Any) -> tuple[float, float]:
    """Pairs, and vector operations of all pairs with 7 for an exponential."""
    sizes = sizes_of(launch)
    kernel = launch.program.kernel
    pairs = math.prod(sizes[i] for i in (*kernel.batch, kernel.outer, *kernel.inner))
    view = outlook(kernel)
    operations = view.per_pair(sizes)
    total = sum(v * (7 if k.startswith("exp") else 1) for k, v in operations.items())
    widest = max(b.dtype for b in kernel.buffers if b.dtype.kind == "f")
    return pairs, total * pairs / host().lanes_of(widest)


def measure(name: str, options: Any, limit: Any) -> None:
    task, theirs = TASKS[name]()
    kept = launches(task)
    if options.show or options.assembly:
        for launch, _, _ in kept:
            show(launch, options.assembly)

    def ours() -> None:
        for launch, addresses, scalars in kept:
            launch(addresses, scalars)

    functions: list[Callable[[], Any]] = [ours]
    if limit and theirs:
        functions.append(lambda: theirs(limit))
    times = in_turns(functions, options.seconds)
    best = [min(t) for t in times]
    counts = [cost(launch) for launch, _, _ in kept]
    pairs = max(c[0] for c in counts)
    at_peak = sum(c[1] for c in counts) / (2e9 * options.ghz * threads.get_num_threads())
    line = f"{name:24} {len(kept)} kernel(s) {1e3 * best[0]:9.3f} ms"
    line += f" {pairs / best[0] / 1e9:7.2f} G pairs/s   peak {at_peak / best[0]:5.2f}"
    if len(best) > 1:
        line += f"   limit {1e3 * best[1]:9.3f} ms: {best[1] / best[0]:5.2f} of it"
    print(line, flush=True)
    _memory.clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pattern", nargs="?", default="")
    parser.add_argument("--limit", type=Path, help="directory of limit.py")
    parser.add_argument("--seconds", type=float, default=1.5, help="per task")
    parser.add_argument("--ghz", type=float, default=3.2, help="the clock under vector load")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--assembly", action="store_true")
    options = parser.parse_args()
    limit = None
    if options.limit:
        sys.path.append(str(options.limit))
        from limit import Limit

        limit = Limit()
    for name in TASKS:
        if re.search(options.pattern, name):
            measure(name, options, limit)


if __name__ == "__main__":
    main()
