"""Kernels run by NumPy, a tile of the outer index at a time: for machines without LLVM.

The same definition as `interpret.py`, with bounded memory: what is kept of a tile is its rows of
the results, and the state of the reductions over the outer index.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .interpret import FOLDS, load_elements, reduce_axes, round_to_bfloat16 as to_bfloat16
from .loops import Kernel, free_indices
from .scalar import Scalar, definition, walk

Array = np.ndarray[Any, Any]


def run(
    kernel: Kernel,
    sizes: Mapping[str, int],
    arrays: Mapping[str, Array],
    scalars: Mapping[str, Any],
    tile_bytes: int,
) -> None:
    """Run a kernel; the results are written in the output arrays."""
    job = _Job(kernel, sizes, arrays, scalars)
    n = sizes[kernel.outer]
    rows = max(1, tile_bytes // max(1, job.bytes_of_a_row()))
    with np.errstate(all="ignore"):
        for start in range(0, n, rows):
            job.tile(start, min(start + rows, n))
        if not n:
            job.tile(0, 0)
        job.finish()


class _Job:
    """One run of a kernel."""

    def __init__(
        self,
        kernel: Kernel,
        sizes: Mapping[str, int],
        arrays: Mapping[str, Array],
        scalars: Mapping[str, Any],
    ):
        self.kernel, self.arrays, self.scalars = kernel, arrays, scalars
        self.extents = {
            loop.name: loop.extent or 0 if loop.role == "unrolled" else sizes[loop.name]
            for loop in kernel.loops
        }
        self.names = list(self.extents)
        self.order = list(walk(*kernel.roots()))
        self.free = free_indices(*kernel.roots())
        self.first = 0
        self.totals: dict[int, tuple[Array, ...]] = {}  # states of reductions over the outer index
        late: set[int] = set()
        for n in self.order:
            outer = n.op == "reduce" and kernel.outer in n.data.over
            if outer or any(id(a) in late for a in n.args):
                late.add(id(n))
        self.late = late
        # How often each value is used within a tile: it is dropped after the last time.
        self.uses: dict[int, int] = {}
        for n in self.order:
            for a in n.args:
                self.uses[id(a)] = self.uses.get(id(a), 0) + 1

    def bytes_of_a_row(self) -> int:
        """What the values that are alive at once take, for one value of the outer index."""
        outer = self.kernel.outer
        widest = 0
        for n in self.order:
            inside = self.free[id(n)] | (set(n.data.over) if n.op == "reduce" else set())
            widest = max(widest, math.prod(self.extents[k] for k in inside if k != outer))
        return 8 * 6 * widest

    def tile(self, start: int, stop: int) -> None:
        """Everything for outer indices from start to stop."""
        outer = self.kernel.outer
        values: dict[int, Array] = {}
        left = dict(self.uses)
        extents = {**self.extents, outer: stop - start}
        kept = {id(r) for r in self.kernel.roots()}
        for n in self.order:
            if id(n) in self.late:
                if n.op == "reduce" and outer in n.data.over:
                    self.add(n, [values[id(a)] for a in n.args], extents, start)
            else:
                values[id(n)] = self.value(n, [values[id(a)] for a in n.args], extents, start)
            for a in n.args:
                left[id(a)] -= 1
                if not left[id(a)] and id(a) not in kept:
                    values.pop(id(a), None)
        self.write(values, lambda o: id(o.value) not in self.late)

    def finish(self) -> None:
        """What depends on complete reductions over the outer index."""
        values: dict[int, Array] = {}
        needed = {id(n) for o in self.kernel.outputs if id(o.value) in self.late
                  for n in walk(*o.indices)}  # fmt: skip
        for n in self.order:
            if id(n) in self.totals:
                values[id(n)] = self.result(n)
            elif (
                id(n) in self.late or id(n) in needed or self.kernel.outer not in self.free[id(n)]
            ) and all(id(a) in values for a in n.args):
                values[id(n)] = self.value(n, [values[id(a)] for a in n.args], self.extents, 0)
        self.write(values, lambda o: id(o.value) in self.late)

    def value(self, n: Scalar, args: list[Array], extents: Mapping[str, int], start: int) -> Array:
        """A node for all values of the indices."""
        ones = (1,) * len(self.names)
        if n.op == "const":
            return np.full(ones, n.data.value, n.dtype)
        if n.op == "input":
            return np.full(ones, self.scalars[n.data], n.dtype)
        if n.op == "extent":
            return np.full(ones, self.extents[n.data], n.dtype)
        if n.op == "index":
            k = self.names.index(n.data)
            first = start if n.data == self.kernel.outer else 0
            shape = (*ones[:k], extents[n.data], *ones[k + 1 :])
            return np.arange(first, first + extents[n.data]).reshape(shape)
        if n.op == "load":
            return load_elements(n.data, args, self.arrays[n.data.name], ones)
        if n.op == "reduce":
            return self.reduced(n, args, extents)
        if n.op == "cast":
            return args[0].astype(n.dtype)
        return np.asarray(definition(n)(*args)).astype(n.dtype, copy=False)

    def reduced(self, n: Scalar, args: list[Array], extents: Mapping[str, int]) -> Array:
        axes = tuple(self.names.index(name) for name in n.data.over)
        full = list(np.broadcast_shapes((1,) * len(self.names), *(a.shape for a in args)))
        for k in axes:
            full[k] = extents[self.names[k]]
        return reduce_axes(n, [np.broadcast_to(a, full) for a in args], axes)

    def add(self, n: Scalar, args: list[Array], extents: Mapping[str, int], start: int) -> None:
        """A tile's part of a reduction over the outer index."""
        kind = n.data.kind
        state: tuple[Array, ...]
        if kind in ("argmax", "argmin"):
            place = self.reduced(n, args, extents)
            k = self.names.index(self.kernel.outer)
            wide = np.broadcast_to(
                args[0], np.broadcast_shapes(args[0].shape, self._only(k, extents))
            )
            best = np.take_along_axis(wide, place, k)
            state = (best, place + start)
        else:
            state = (self.reduced(n, args, extents),)
            if kind == "sum" and n.dtype.kind == "f":  # the error does not grow with the tiles
                state = (state[0].astype(np.float64),)
        have = self.totals.get(id(n))
        self.totals[id(n)] = state if have is None else _combine(str(kind), have, state)

    def _only(self, k: int, extents: Mapping[str, int]) -> tuple[int, ...]:
        return tuple(extents[name] if i == k else 1 for i, name in enumerate(self.names))

    def result(self, n: Scalar) -> Array:
        """The finished value of a reduction over the outer index."""
        return self.totals[id(n)][-1].astype(n.dtype, copy=False)

    def write(self, values: Mapping[int, Array], chosen: Callable[[Any], bool]) -> None:
        """Outputs into their buffers."""
        for o in filter(chosen, self.kernel.outputs):
            a = self.arrays[o.buffer.name]
            if not o.indices:
                a[()] = values[id(o.value)].reshape(())
                continue
            where = np.broadcast_arrays(*(values[id(i)] for i in o.indices))
            value = np.broadcast_to(values[id(o.value)], where[0].shape)
            a[tuple(where)] = to_bfloat16(value) if o.buffer.storage else value


def _combine(kind: str, a: tuple[Array, ...], b: tuple[Array, ...]) -> tuple[Array, ...]:
    if kind in FOLDS:
        return (np.asarray(FOLDS[kind](a[0], b[0])),)
    if kind == "logsumexp":
        return (np.logaddexp(a[0], b[0]),)
    if kind in ("argmax", "argmin"):  # the first of the extremes; NaN is more extreme than numbers
        better = b[0] > a[0] if kind == "argmax" else b[0] < a[0]
        if a[0].dtype.kind == "f":
            better = (better & ~np.isnan(a[0])) | (np.isnan(b[0]) & ~np.isnan(a[0]))
        return np.where(better, b[0], a[0]), np.where(better, b[1], a[1])
    raise NotImplementedError(f"{kind} in tiles")
