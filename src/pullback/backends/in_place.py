"""Steps that write over arrays, in one pass: the updates of optimisers.

A step is a function of elements that gives their new values,

    @in_place("x velocity")
    def momentum(xp, x, velocity, g, decay, rate):
        velocity = decay * velocity + g
        return x - rate * velocity, velocity

read with symbols for large arrays, a loop that LLVM compiles, and with NumPy for others. In a loop
an element is read before it is written, and no other one is: every array that is written is one of
those that its own new value is made of.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.backends.arrays import ARRAYS, QUIET, quiet_reset, quiet_set
from pullback.backends.loops import Buffer, Kernel, Loop, Output, index, load
from pullback.backends.scalar import scalar_input
from pullback.backends.symbols import SYMBOLS

WORTH = 1 << 13  # elements from which a loop is looked for
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class Step:
    """A step: called with arrays of one shape and dtype, then numbers, in declared order."""

    def __init__(self, function: Callable[..., Any], written: str):
        self.function = function
        self.written = written.split()
        _, *self.names = inspect.signature(function).parameters
        self._launches: dict[Any, Any] = {}
        functools.update_wrapper(self, function)

    def __call__(self, *values: Any) -> None:
        arrays = [v for v in values if isinstance(v, np.ndarray)]
        first = arrays[0]
        if first.size >= WORTH and first.dtype in FLOATS and all(map(_in_order, arrays)):
            launch = self._launch(len(arrays), first.size, first.dtype)
            if launch is not None:
                self._run(launch, arrays, values[len(arrays) :])
                return
        token = quiet_set(QUIET)
        try:
            results = self.function(ARRAYS, *values)
            many = results if isinstance(results, tuple) else (results,)
            places = dict(zip(self.names, values, strict=True))
            for name, result in zip(self.written, many, strict=True):
                places[name][...] = result
        finally:
            quiet_reset(token)

    def _run(self, launch: Any, arrays: list[Any], numbers: tuple[Any, ...]) -> None:
        addresses = {
            name: a.__array_interface__["data"][0]
            for name, a in zip(self.names, arrays, strict=False)
        }
        addresses |= {f"new {name}": addresses[name] for name in self.written}
        with np.errstate(over="ignore"):
            given = [arrays[0].dtype.type(number) for number in numbers]
        launch(addresses, dict(zip(self.names[len(arrays) :], given, strict=True)))

    def _launch(self, arrays: int, size: int, dtype: np.dtype[Any]) -> Any:
        """The loop for arrays of a size; None without LLVM."""
        key = (size, dtype)
        found = self._launches.get(key)
        if found is None:
            try:
                from pullback.backends.llvm.compile import program
                from pullback.backends.llvm.run import Launch, Placed
            except ImportError:
                return None
            kernel = self.kernel(arrays, dtype)
            placed = Placed(dtype, (size,), (dtype.itemsize,))
            where = {buffer.name: placed for buffer in kernel.buffers}
            found = Launch(program(kernel), {"i": size}, where)
            self._launches[key] = found
        return found

    def kernel(self, arrays: int, dtype: np.dtype[Any]) -> Kernel:
        """The loop: what is written has buffers of its own, at the same addresses."""
        i = index("i")
        elements = [load(Buffer(n, dtype, 1, unit=True), i) for n in self.names[:arrays]]
        numbers = [scalar_input(n, dtype) for n in self.names[arrays:]]
        results = self.function(SYMBOLS, *elements, *numbers)
        many = results if isinstance(results, tuple) else (results,)
        outputs = tuple(
            Output(Buffer(f"new {name}", dtype, 1, unit=True), (i,), value)
            for name, value in zip(self.written, many, strict=True)
        )
        return Kernel(self.function.__name__, (Loop("i", "outer"),), outputs)


def in_place(written: str) -> Callable[[Callable[..., Any]], Step]:
    """Decorator of a function `(xp, arrays…, numbers…)`: the arrays that get its results."""
    return lambda function: Step(function, written)


def _in_order(array: Any) -> bool:
    return bool(array.flags.c_contiguous)
