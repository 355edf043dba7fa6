"""What a small operation costs: microseconds per operation, forward and backward.

    python benchmarks/chain.py                       # pullback
    python benchmarks/chain.py --torch ~/torch/bin/python   # and PyTorch, in turns

A chain of 1,000 alternating `*` and `+` on float32 tensors of 10 elements, recorded; the other
operand is a tensor or a number. Then a graph of 10⁶ such nodes: backward per node, the peak of the
process's memory, and the time to release it. `collector` is the part of forward that Python's
garbage collector takes: it goes through all that lives each time that has grown by a quarter, which
is nothing for chains of 1,000 and most of the time for 10⁶ nodes at once. The rounds of the two
libraries alternate, and each figure is shown as its minimum and its median: on a machine that does
other work, compare minima.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

LENGTH = 1_000
GRAPH = 1_000_000
FIGURES = ("forward", "backward")


def chain(x: Any, a: Any, b: Any, length: int) -> Any:
    for _ in range(length // 2):
        x = x * a + b
    return x


def measure_chain(torch: Any, operands: str, repeats: int) -> dict[str, list[float]]:
    """Seconds of each repeat, forward and backward."""
    x = torch.ones(10).requires_grad_()
    g = torch.ones(10)
    a, b = (0.999, 0.1) if operands == "numbers" else (torch.full((10,), 0.999), torch.ones(10))
    found: dict[str, list[float]] = {name: [] for name in FIGURES}
    for _ in range(repeats):
        start = time.perf_counter()
        y = chain(x, a, b, LENGTH)
        middle = time.perf_counter()
        y.backward(g)
        end = time.perf_counter()
        found["forward"].append(middle - start)
        found["backward"].append(end - middle)
    return found


def measure_graph(torch: Any, length: int) -> dict[str, float]:
    """Seconds to build, walk and release one long chain; its memory and the walk's, in bytes."""
    x = torch.ones(10).requires_grad_()
    a, b = torch.full((10,), 0.999), torch.ones(10)
    g = torch.ones(10)
    collections: list[float] = []
    gc.callbacks.append(lambda *_: collections.append(time.perf_counter()))
    base = peak()
    t0 = time.perf_counter()
    y = chain(x, a, b, length)
    t1 = time.perf_counter()
    gc.callbacks.clear()
    collector = sum(collections[1::2]) - sum(collections[::2])  # ends and starts
    built = peak()
    y.backward(g)
    t2 = time.perf_counter()
    walked = peak()
    del y
    t3 = time.perf_counter()
    return {
        "forward": t1 - t0, "collector": collector, "backward": t2 - t1, "release": t3 - t2,
        "graph": built - base, "walk": walked - built,
    }  # fmt: skip


def peak() -> int:
    """The largest memory of this process so far, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def worker(module: str, what: str, repeats: int) -> None:
    """One round in a process of its own; the answer is a line of JSON."""
    if module == "torch":
        import torch

        torch.set_num_threads(1)
    else:
        import pullback as torch
    result: Any
    if what == "graph":
        result = measure_graph(torch, GRAPH)
    else:
        measure_chain(torch, what, 3)
        result = measure_chain(torch, what, repeats)
    print(json.dumps(result))


def ask(python: str, module: str, what: str, repeats: int) -> Any:
    command = [python, __file__, "--worker", module, "--what", what, "--repeats", str(repeats)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)


def micro(seconds: float) -> float:
    """Microseconds per operation of a chain."""
    return seconds / LENGTH * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--torch", metavar="PYTHON", help="an interpreter that has PyTorch")
    parser.add_argument("--repeats", type=int, default=100, help="chains per round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--what", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.worker, options.what, options.repeats)
        return
    libraries = {"pullback": sys.executable}
    if options.torch:
        libraries["torch"] = options.torch

    print(f"{LENGTH} operations on 10 elements, µs per operation: minimum (median)")
    for what in ("tensors", "numbers"):
        times: dict[str, dict[str, list[float]]] = {m: {f: [] for f in FIGURES} for m in libraries}
        for _ in range(options.rounds):
            for module, python in libraries.items():
                for figure, seconds in ask(python, module, what, options.repeats).items():
                    times[module][figure] += seconds
        for module, figures in times.items():
            shown = "   ".join(
                f"{figure} {micro(min(s)):5.2f} ({micro(statistics.median(s)):5.2f})"
                for figure, s in figures.items()
            )
            print(f"  {what:8} {module:9} {shown}")

    print(f"{GRAPH:,} nodes: µs per node, the best of {options.rounds}; memory in MB")
    for module, python in libraries.items():
        rounds = [ask(python, module, "graph", 1) for _ in range(options.rounds)]
        best = {name: min(r[name] for r in rounds) for name in rounds[0]}
        print(
            f"  {module:9} "
            + "   ".join(
                f"{n} {best[n] / GRAPH * 1e6:5.2f}"
                for n in ("forward", "collector", "backward", "release")
            )
            + f"   graph {best['graph'] / 1e6:5.0f}   more for the walk {best['walk'] / 1e6:4.0f}"
        )


if __name__ == "__main__":
    main()
