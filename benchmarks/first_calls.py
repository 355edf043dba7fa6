"""What the first call of a formula costs: planning, compiling, and what Python does once.

    python benchmarks/first_calls.py [--repeat 5] [--only laplacian] [--n 1000]

Each row is a formula with its gradients (the Sinkhorn step has none), on float32 points. `in a new
process`: the first thing that the process computes, after `import pullback`. `after another`: in a
process that has computed a different formula with its gradients, so that this is what one more
kernel costs. `cold` has no compiled code to start from, `warm` finds it on disk. `kernels` are
those that the formula is compiled to. Milliseconds, the least of several processes; in brackets the
processor time of the calling thread, which other programs on the machine do not change much.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

N = 1000
Formula = Callable[[Any, int], list[Any]]


def leaf(torch: Any, *shape: int, gradient: bool = True) -> Any:
    numbers = np.random.default_rng(len(shape)).random(shape, np.float32)
    return torch.from_numpy(numbers).requires_grad_(gradient)


def squared_distances(x: Any, y: Any) -> Any:
    return ((x[:, None, :] - y[None, :, :]) ** 2).sum(dim=2)


def with_gradients(torch: Any, value: Any, *leaves: Any) -> list[Any]:
    gradients = torch.autograd.grad(value, leaves)
    return [value.item(), *(g.numpy() for g in gradients)]


def reference(torch: Any, n: int) -> list[Any]:
    q, p = leaf(torch, n, 3), leaf(torch, n, 3)
    v = (-squared_distances(q, p) / (2 * torch.tensor([2.5]) ** 2)).exp() @ p
    return with_gradients(torch, 0.5 * torch.dot(p.view(-1), v.view(-1)), q, p)


def laplacian(torch: Any, n: int) -> list[Any]:
    x, y, b = leaf(torch, n, 3), leaf(torch, n, 3), leaf(torch, n, 2)
    v = (-squared_distances(x, y).sqrt() / 0.5).exp() @ b
    return with_gradients(torch, v.sum(), x, y, b)


def logsumexp(torch: Any, n: int) -> list[Any]:
    x, y = leaf(torch, n, 3), leaf(torch, n, 3)
    return with_gradients(torch, (-squared_distances(x, y)).logsumexp(1).sum(), x, y)


def sinkhorn_step(torch: Any, n: int) -> list[Any]:
    x, y, f = (leaf(torch, *shape, gradient=False) for shape in ((n, 3), (n, 3), (n,)))
    cost = squared_distances(x, y) / 2
    return [(-0.1 * ((f[None, :] - cost) / 0.1).logsumexp(1)).numpy()]


def gaussian_64d(torch: Any, n: int) -> list[Any]:
    x, y, b = leaf(torch, n, 64), leaf(torch, n, 64), leaf(torch, n, 2)
    return with_gradients(torch, ((-squared_distances(x, y) / 8).exp() @ b).sum(), x, y, b)


def attention(torch: Any, n: int) -> list[Any]:
    q, k, v = (leaf(torch, n, 64) for _ in range(3))
    out = ((q @ k.T) / 8).softmax(1) @ v
    return with_gradients(torch, (out * out).sum(), q, k, v)


def another(torch: Any, n: int) -> list[Any]:
    x, y = leaf(torch, n, 2), leaf(torch, n, 2)
    return with_gradients(torch, (1 / (1 + squared_distances(x, y))).sum(), x, y)


FORMULAS: tuple[Formula, ...] = (
    reference, laplacian, logsumexp, sinkhorn_step, gaussian_64d, attention,
)  # fmt: skip


def worker(name: str, after: bool, n: int) -> dict[str, float]:
    """In a process of its own: the first call of a formula."""
    import pullback as torch

    if after:
        another(torch, n)
    from pullback.backends.llvm import compile

    before = len(compile._programs)
    formula = globals()[name]
    start, busy = time.perf_counter(), time.thread_time()
    formula(torch, n)
    wall, busy = time.perf_counter() - start, time.thread_time() - busy
    return {"wall": wall, "busy": busy, "kernels": len(compile._programs) - before}


def measure(name: str, n: int, repeat: int) -> dict[str, dict[str, float]]:
    """The least of some processes, for each kind of them."""
    best: dict[str, dict[str, float]] = {}
    for _ in range(repeat):
        for after in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                environment = {**os.environ, "PULLBACK_CACHE_DIR": os.path.join(folder, "objects")}
                for state in ("cold", "warm"):
                    options = json.dumps({"name": name, "after": after, "n": n})
                    command = [sys.executable, __file__, "--worker", options]
                    ran = subprocess.run(
                        command, env=environment, stdout=subprocess.PIPE, check=True, text=True
                    )
                    found = json.loads(ran.stdout.splitlines()[-1])
                    have = best.setdefault(f"{state} {'after' if after else 'new'}", found)
                    for figure in found:
                        have[figure] = min(have[figure], found[figure])
    return best


def table(names: list[str], n: int, repeat: int) -> None:
    """A row per formula."""
    print(f"{'first call, ms':16} {'kernels':>7} {'in a new process':^32} {'after another':^32}")
    print(f"{'':24} {'cold':>15} {'warm':>16} {'cold':>15} {'warm':>16}")
    for name in names:
        found = measure(name, n, repeat)
        cells = (
            f"{1e3 * found[kind]['wall']:8.1f} ({1e3 * found[kind]['busy']:5.1f})"
            for kind in ("cold new", "warm new", "cold after", "warm after")
        )
        print(f"{name:16} {found['cold after']['kernels']:7.0f} " + " ".join(cells), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--n", type=int, default=N)
    parser.add_argument("--only", choices=[f.__name__ for f in FORMULAS])
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker is not None:
        print(json.dumps(worker(**json.loads(options.worker))))
        return
    names = [options.only] if options.only else [f.__name__ for f in FORMULAS]
    table(names, options.n, options.repeat)


if __name__ == "__main__":
    main()
