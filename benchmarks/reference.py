"""The reference scenario: the Gaussian kernel norm of N points in 3-D, and its two gradients.

    python benchmarks/reference.py [--sizes 1000,10000] [--dtypes float32] [--million] [--first]

Every row is measured in processes of its own. The first one has no compiled code to start from:
`cold` is its first call, `warm` that of a second process, which finds the code on disk. `best` and
`median` are of the calls after that. `error` is against float64: for the value NumPy's up to
N = 20,000 and pullback's own beyond; for the gradients the largest difference on 200 rows, over the
largest entry, from NumPy. `peak` is the peak memory of the process, `+` its growth since before the
first call. Nothing but NumPy and pullback is needed.

These first calls are the first thing that their process computes. `--first` tells what a formula
costs in a process that has computed another one, for this and five others: `first_calls.py`.

`--million` takes N = 1,000,000: one call of the value and both gradients, its peak memory, and its
time over that of N = 100,000, which is 100 if time grows with the number of pairs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

import first_calls
import numpy as np

SIGMA = 2.5
SIZES = (1_000, 10_000, 50_000, 100_000)
NUMPY_UP_TO = 20_000
SECONDS = 2.0  # of repeated calls, at least three of them
HEADER = ("N", "dtype", "what", "best ms", "median", "cold ms", "warm ms", "error H", "error ∇",
          "peak MB", "+ MB")  # fmt: skip
WIDTHS = (9, 8, 10, 10, 10, 8, 8, 9, 9, 8, 7)


def points(n: int, dtype: str) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.random((n, 3)).astype(dtype), rng.random((n, 3)).astype(dtype)


# ---- in a process of its own ---------------------------------------------------------------------


def worker(n: int, dtype: str, gradients: bool, repeat: bool, errors: bool) -> dict[str, Any]:
    import pullback as torch

    q_, p_ = points(n, dtype)
    q = torch.from_numpy(q_).requires_grad_(gradients)
    p = torch.from_numpy(p_).requires_grad_(gradients)
    s = torch.tensor([SIGMA], dtype=q.dtype)

    def norm(q: Any, p: Any, s: Any) -> Any:
        q_i, q_j = q[:, None, :], q[None, :, :]
        D = ((q_i - q_j) ** 2).sum(dim=2)
        K = (-D / (2 * s**2)).exp()
        v = K @ p
        return 0.5 * torch.dot(p.view(-1), v.view(-1))

    def call() -> list[Any]:
        h = norm(q, p, s)
        found: Any = torch.autograd.grad(h, [q, p]) if gradients else ()
        return [h.item(), *(g.numpy() for g in found)]

    before = memory("VmRSS")
    start = time.perf_counter()
    results = call()
    first = time.perf_counter() - start
    times: list[float] = []
    begin = time.perf_counter()
    while repeat and (len(times) < 3 or time.perf_counter() - begin < SECONDS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    peak = memory("VmHWM")
    found = {"first": first, "times": times, "peak": peak, "growth": peak - before}
    if errors:
        if n <= NUMPY_UP_TO:
            exact = numpy_value(q_, p_)
        else:
            q64, p64 = (torch.from_numpy(a.astype(np.float64)) for a in (q_, p_))
            exact = norm(q64, p64, torch.tensor([SIGMA], dtype=torch.float64)).item()
        found["error"] = abs(results[0] / exact - 1)
        found["gradient error"] = gradient_error(q_, p_, *results[1:]) if gradients else None
    return found


def numpy_value(q: Any, p: Any) -> float:
    """H in float64, in blocks of rows."""
    q, p = q.astype(np.float64), p.astype(np.float64)
    squares = (q**2).sum(1)
    total = 0.0
    for rows in np.array_split(np.arange(len(q)), max(1, len(q) ** 2 // 5_000_000)):
        D = squares[rows, None] + squares[None, :] - 2 * q[rows] @ q.T
        total += float((p[rows] * (np.exp(D / (-2 * SIGMA**2)) @ p)).sum())
    return 0.5 * total


def gradient_error(q_: Any, p_: Any, gq: Any, gp: Any) -> float:
    rows = np.random.default_rng(1).choice(len(q_), min(200, len(q_)), replace=False)
    q, p = q_.astype(np.float64), p_.astype(np.float64)
    D = ((q[rows, None, :] - q[None, :, :]) ** 2).sum(2)
    K = np.exp(D / (-2 * SIGMA**2))
    W = K * (p[rows] @ p.T)
    exact_p = K @ p
    exact_q = -(W.sum(1)[:, None] * q[rows] - W @ q) / SIGMA**2
    errors = (
        np.abs(found[rows] - exact).max() / np.abs(exact).max()
        for found, exact in ((gq, exact_q), (gp, exact_p))
    )
    return float(max(errors))


def memory(name: str) -> int:
    """Bytes, as Linux tells: VmRSS now, VmHWM at the most; elsewhere the peak for both."""
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


# ---- the table -----------------------------------------------------------------------------------


def measure(cache: str, **options: Any) -> dict[str, Any]:
    """Run a worker in a new process, with a directory of compiled code."""
    command = [sys.executable, __file__, "--worker", json.dumps(options)]
    environment = {**os.environ, "PULLBACK_CACHE_DIR": cache}
    ran = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def show(*cells: Any) -> None:
    texts = (f"{c:{w}}" if k in (1, 2) else f"{c:>{w}}" for k, (c, w) in
             enumerate(zip(cells, WIDTHS, strict=True)))  # fmt: skip
    print(" ".join(texts), flush=True)


def row(n: int, dtype: str, gradients: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cache = os.path.join(folder, "objects")
        same = {"n": n, "dtype": dtype, "gradients": gradients}
        cold = measure(cache, **same, repeat=True, errors=True)
        warm = measure(cache, **same, repeat=False, errors=False)
    error = "" if cold["gradient error"] is None else f"{cold['gradient error']:.1e}"
    show(
        f"{n:,}", dtype, "value+grad" if gradients else "value", f"{1e3 * min(cold['times']):.2f}",
        f"{1e3 * statistics.median(cold['times']):.2f}", f"{1e3 * cold['first']:.0f}",
        f"{1e3 * warm['first']:.0f}", f"{cold['error']:.1e}", error,
        f"{cold['peak'] / 1e6:.0f}", f"{cold['growth'] / 1e6:.0f}",
    )  # fmt: skip


def million() -> None:
    with tempfile.TemporaryDirectory() as folder:
        same = {"dtype": "float32", "gradients": True, "errors": False}
        cache = os.path.join(folder, "objects")
        small = measure(cache, n=100_000, repeat=True, **same)
        large = measure(cache, n=1_000_000, repeat=False, **same)
    seconds = statistics.median(small["times"])
    print(
        f"\nN = 1,000,000, value and both gradients, float32: {large['first']:.1f} s, "
        f"{large['first'] / seconds:.1f} times N = 100,000 ({seconds:.2f} s); "
        f"peak memory {large['peak'] / 1e6:.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--dtypes", default="float32,float64")
    parser.add_argument("--million", action="store_true", help="N = 1,000,000 as well: minutes")
    parser.add_argument("--first", action="store_true", help="first calls of six formulas as well")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker is not None:
        print(json.dumps(worker(**json.loads(options.worker))))
        return
    show(*HEADER)
    for dtype in filter(None, options.dtypes.split(",")):
        for n in map(int, filter(None, options.sizes.split(","))):
            for gradients in (False, True):
                row(n, dtype, gradients)
    if options.million:
        million()
    if options.first:
        print()
        first_calls.table([f.__name__ for f in first_calls.FORMULAS], first_calls.N, 5)


if __name__ == "__main__":
    main()
