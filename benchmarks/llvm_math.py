"""Nanoseconds per element of the vector elementary functions, beside NumPy's ufuncs.

Arrays of 4096 elements, which stay in the first-level cache, one thread, the widest vector of the
machine; the best of several runs.  SciPy stands in where NumPy has no ufunc.

    python benchmarks/llvm_math.py [names …] [--portable]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.backends.llvm.math import FUNCTIONS
from pullback.backends.llvm.math.arrays import ArrayFunction, host_features

SIZE = 4096
RANGES: dict[str, tuple[float, float]] = {
    "log": (0.01, 100), "log2": (0.01, 100), "log10": (0.01, 100), "log1p": (-0.9, 10),
    "asin": (-1, 1), "acos": (-1, 1), "acosh": (1, 10), "atanh": (-1, 1), "sqrt": (0, 10),
    "rsqrt": (0, 10), "lgamma": (0.1, 20), "pow": (0.1, 5),
    "digamma": (0.1, 20), "erfinv": (-1, 1), "ndtri": (0, 1),
}  # fmt: skip
NUMPY = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "asinh": "arcsinh",
    "acosh": "arccosh", "atanh": "arctanh", "pow": "power",
}  # fmt: skip
SCIPY = {"lgamma": "gammaln", "sigmoid": "expit", "digamma": "psi"}
SCIPY |= {
    name: name
    for name in ("erf", "erfc", "erfcx", "erfinv", "ndtri", "log_ndtr", "i0", "i1", "i0e", "i1e")
}


def peer(name: str) -> Callable[..., Any] | None:
    """NumPy's or SciPy's function."""
    if name == "rsqrt":
        return lambda x, out: np.divide(1, np.sqrt(x, out=out), out=out)
    if name in SCIPY:
        try:
            import scipy.special
        except ImportError:
            return None
        found: Callable[..., Any] = getattr(scipy.special, SCIPY[name])
    else:
        found = getattr(np, NUMPY.get(name, name))
    return found


def nanoseconds(call: Callable[[], Any]) -> float:
    """Per element, the best of seven."""
    best, repeat = float("inf"), 50
    for _ in range(7):
        start = time.perf_counter()
        for _ in range(repeat):
            call()
        best = min(best, time.perf_counter() - start)
    return best / (repeat * SIZE) * 1e9


def measure(name: str, dtype: str, features: frozenset[str], width: int) -> tuple[float, float]:
    """Ours and the peer's."""
    rng = np.random.default_rng(0)
    low, high = RANGES.get(name, (-5.0, 5.0))
    xs = [rng.uniform(low, high, SIZE).astype(dtype)]
    if FUNCTIONS[name] == 2:
        xs.append(rng.uniform(-3, 3, SIZE).astype(dtype))
    y = np.empty(SIZE, dtype)
    function = ArrayFunction.compile(name, dtype, width // xs[0].itemsize // 8, features)
    other = peer(name)
    ours = nanoseconds(function.bind(y, *xs))
    return ours, nanoseconds(lambda: other(*xs, out=y)) if other else float("nan")


def main(arguments: list[str]) -> None:
    """Print the table."""
    features = host_features()
    width = 512 if "avx512f" in features else 256 if "avx2" in features else 128
    if "--portable" in arguments:
        features = frozenset()
    names = [name for name in arguments if name in FUNCTIONS] or list(FUNCTIONS)
    print(f"{width}-bit vectors; ns per element: ours, NumPy's or SciPy's, ratio")
    print(f"{'':9}{'float32':^24}{'float64':^24}")
    for name in names:
        row = f"{name:9}"
        for dtype in ("float32", "float64"):
            ours, other = measure(name, dtype, features, width)
            row += f"{ours:8.3f}{other:8.3f}{other / ours:6.1f}x "
        print(row, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
