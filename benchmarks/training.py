"""A training step of small networks: milliseconds, beside PyTorch's.

    python benchmarks/training.py                                  # pullback
    python benchmarks/training.py --torch ~/torch/bin/python       # and PyTorch, in turns

A convolutional network (3 x 3, 16 to 32 channels, on 32 images of 28 x 28; relu; maxima of 2 x 2; a
linear layer; cross entropy; SGD), and a perceptron of three layers of width 512 on 1,024 samples
(relu, mean squared error, Adam). `--profile` shows where pullback's time goes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from typing import Any

ROUNDS = 5
STEPS = 10


def networks(torch: Any) -> dict[str, Any]:
    """Functions that make one training step."""
    nn = torch.nn
    torch.manual_seed(0)
    pictures = torch.randn(32, 16, 28, 28)
    classes = torch.arange(32) % 10
    cnn = nn.Sequential(
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(32 * 14 * 14, 10),
    )  # fmt: skip
    x, y = torch.randn(1024, 512), torch.randn(1024, 512)
    mlp = nn.Sequential(
        nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 512)
    )
    entropy, square = nn.CrossEntropyLoss(), nn.MSELoss()
    sgd = torch.optim.SGD(cnn.parameters(), lr=0.01)
    adam = torch.optim.Adam(mlp.parameters(), lr=1e-4)

    def step(model: Any, optimizer: Any, loss: Any, data: Any, target: Any) -> Any:
        def run() -> float:
            optimizer.zero_grad()
            value = loss(model(data), target)
            value.backward()
            optimizer.step()
            return float(value)

        return run

    return {
        "cnn": step(cnn, sgd, entropy, pictures, classes),
        "mlp": step(mlp, adam, square, x, y),
    }


def measure(torch: Any, one_thread: bool) -> dict[str, float]:
    """Milliseconds of each step, the fastest of some."""
    clock = time.perf_counter
    if one_thread:
        torch.set_num_threads(1)
        clock = time.process_time
    found = {}
    for name, run in networks(torch).items():
        for _ in range(3):
            run()
        times = []
        for _ in range(STEPS):
            start = clock()
            run()
            times.append(clock() - start)
        found[name] = 1e3 * min(times)
    return found


def child(interpreter: str, module: str, one_thread: bool) -> dict[str, float]:
    """The figures of a library, in a process of its own."""
    command = [interpreter, __file__, "--child", module] + ["--one-thread"] * one_thread
    single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"} if one_thread else {}
    environment = {**os.environ, **single}
    answer = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment
    ).stdout
    figures: dict[str, float] = json.loads(answer.splitlines()[-1])
    return figures


def profile() -> None:
    """Where pullback's time goes."""
    import cProfile
    import pstats

    import pullback

    for name, run in networks(pullback).items():
        for _ in range(3):
            run()
        profiler = cProfile.Profile()
        profiler.enable()
        for _ in range(STEPS):
            run()
        profiler.disable()
        print(name)
        pstats.Stats(profiler).sort_stats("tottime").print_stats(14)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch", help="a Python that has PyTorch")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument(
        "--one-thread", action="store_true",
        help="processor time of one thread: for machines that have other things to do",
    )  # fmt: skip
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(__import__(options.child), options.one_thread)))
        return
    if options.profile:
        profile()
        return
    ours: dict[str, float] = {}
    theirs: dict[str, float] = {}
    for _ in range(ROUNDS):  # in turns: what else the machine does meets both
        for best, interpreter, module in (
            (ours, sys.executable, "pullback"), (theirs, options.torch, "torch"),
        ):  # fmt: skip
            if interpreter:
                for name, value in child(interpreter, module, options.one_thread).items():
                    best[name] = min(value, best.get(name, value))
    for name, value in ours.items():
        line = f"{name}  {value:8.2f} ms"
        if theirs:
            line += f"   PyTorch {theirs[name]:8.2f} ms   ratio {value / theirs[name]:.2f}"
        print(line)


if __name__ == "__main__":
    main()
