"""Seconds that a fresh interpreter takes to import pullback, and NumPy alone.

python benchmarks/import_time.py [--repeat 30]
"""

import argparse
import statistics
import subprocess
import sys
import time

STATEMENTS = {"nothing": "pass", "numpy": "import numpy", "pullback": "import pullback"}


def seconds(statement: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=30)
    repeat = parser.parse_args().repeat
    times: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(repeat):  # in turn: the machine's moods hit all alike
        for name, statement in STATEMENTS.items():
            times[name].append(seconds(statement))
    for name, measured in times.items():
        low, middle = min(measured) * 1e3, statistics.median(measured) * 1e3
        print(f"{name:10} {low:6.1f} ms (minimum) {middle:6.1f} ms (median)")


if __name__ == "__main__":
    main()
