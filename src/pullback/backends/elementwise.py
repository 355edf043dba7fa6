"""A primitive on the elements of an array, as a compiled loop: where NumPy has none and SciPy's is
slow."""

from __future__ import annotations

from typing import Any

import numpy as np

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))

_launches: dict[Any, Any] = {}
MAX_LAUNCHES = 1000


def applied(name: str, x: Any) -> Any:
    """The primitive of an array; None where there is no loop for it."""
    if x.dtype not in FLOATS or not x.flags.c_contiguous:
        return None
    key = name, x.dtype, x.size
    launch = _launches.get(key)
    if launch is None:
        launch = _launch(*key)
        if launch is None:
            return None
        if len(_launches) > MAX_LAUNCHES:
            _launches.clear()
        _launches[key] = launch
    y = np.empty_like(x)
    launch({"x": x.__array_interface__["data"][0], "y": y.__array_interface__["data"][0]}, {})
    return y


def _launch(name: str, dtype: np.dtype[Any], size: int) -> Any:
    """The loop for arrays of a size; None without LLVM."""
    from pullback.backends.loops import Buffer, Kernel, Loop, Output, index, load
    from pullback.backends.scalar import apply

    try:
        from pullback.backends.llvm.compile import program
        from pullback.backends.llvm.run import Launch, Placed
    except ImportError:
        return None
    i = index("i")
    x, y = (Buffer(n, dtype, 1, unit=True) for n in ("x", "y"))
    kernel = Kernel(name, (Loop("i", "outer"),), (Output(y, (i,), apply(name, load(x, i))),))
    placed = Placed(dtype, (size,), (dtype.itemsize,))
    return Launch(program(kernel), {"i": size}, {"x": placed, "y": placed})
