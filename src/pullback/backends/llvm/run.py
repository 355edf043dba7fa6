"""Running kernels: arguments, blocks of rows on threads, outer reductions at the end."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..loops import Kernel
from . import threads
from .compile import Program, program
from .target import Target
from .threads import Progress

PAIRS_AT_ONCE = 1 << 28  # of one call into machine code: a fraction of a second
PAIRS_WORTH_A_THREAD = 1 << 15
COLUMN_BYTES = 64 << 20  # of partial results of column sums
MAP_VECTORS = 1024


class BadArguments(ValueError):
    """Arguments that do not fit the kernel."""


def run(
    kernel: Kernel,
    sizes: Mapping[str, int],
    arrays: Mapping[str, np.ndarray[Any, Any]],
    scalars: Mapping[str, Any] | None = None,
    *,
    target: Target | None = None,
    progress: Progress | None = None,
) -> None:
    """Compile a kernel if need be and run it; the results are written in the output arrays."""
    call(program(kernel, target), sizes, arrays, scalars or {}, progress)


class Geometry:
    """How the rows of each batch are cut: decided by sizes alone, never by the machine."""

    __slots__ = ("batches", "groups", "pairs", "tasks", "tasks_per_group", "vectors")

    def __init__(self, p: Program, sizes: Mapping[str, int]):
        plan, kernel = p.plan, p.kernel
        self.batches = 1
        for name in kernel.batch:
            self.batches *= sizes[name]
        vectors = -(-sizes[kernel.outer] // plan.lanes)
        inner = 1
        for name in kernel.inner:
            inner *= sizes[name]
        if plan.passes:
            self.vectors = max(4, min(plan.block, -(-vectors * self.batches // 24)))
            self.vectors = max(1, min(self.vectors, PAIRS_AT_ONCE // (plan.lanes * max(1, inner))))
        else:
            self.vectors = max(16, min(MAP_VECTORS, -(-vectors * self.batches // 24)))
        self.tasks = -(-vectors // self.vectors)
        self.pairs = min(self.vectors, vectors) * plan.lanes * max(1, inner)
        self.tasks_per_group = 1
        if plan.columns:
            width = (
                8 * sum(len(c.wide) for c in plan.columns) * max(1, inner) * max(1, self.batches)
            )
            groups = max(2, min(16, COLUMN_BYTES // width))
            self.tasks_per_group = max(1, -(-self.tasks // groups))
        self.groups = -(-self.tasks // self.tasks_per_group)


def call(
    p: Program,
    sizes: Mapping[str, int],
    arrays: Mapping[str, np.ndarray[Any, Any]],
    scalars: Mapping[str, Any],
    progress: Progress | None = None,
) -> None:
    """Run a compiled kernel."""
    g = Geometry(p, sizes)
    plan = p.plan
    partials = np.empty(g.batches * g.tasks * sum(len(t.wide) for t in plan.totals), np.int64)
    inner = sizes[p.kernel.inner[-1]] if plan.columns else 0
    width = sum(len(c.wide) for c in plan.columns) * inner
    columns = np.empty(g.batches * g.groups * width, np.int64)
    flag = array("q", [0])
    values = {
        "vectors_per_task": g.vectors,
        "tasks_per_batch": g.tasks,
        "tasks_per_group": g.tasks_per_group,
        "groups_per_batch": g.groups,
        "partials": address(partials),
        "columns": address(columns),
        "stop": flag.buffer_info()[0],
    }
    arguments = array("q", marshal(p, sizes, arrays, scalars, values))
    where = arguments.buffer_info()[0]
    main = p.main
    total = g.batches * g.tasks

    # a chunk: a group of tasks in order (column sums), or a few tasks worth a call
    if plan.columns:
        per_batch, size, last = g.groups, g.tasks_per_group, g.tasks

        def work(chunk: int) -> None:
            batch, group = divmod(chunk, per_batch)
            first = batch * last + group * size
            for task in range(first, min(first + size, (batch + 1) * last)):
                if flag[0]:
                    return
                main(where, task, task + 1)

        chunks = g.batches * g.groups
    else:
        at_once = max(1, min(PAIRS_WORTH_A_THREAD // max(1, g.pairs), -(-total // 4)))

        def work(chunk: int) -> None:
            first = chunk * at_once
            main(where, first, min(first + at_once, total))

        chunks = -(-total // at_once)

    def stop() -> None:
        flag[0] = 1

    if chunks == 1 and takes_part(g):
        work(0)
    elif chunks:
        threads.pool.run(work, chunks, stop, takes_part(g), progress)
    if p.finish is not None:
        p.finish(where)


def takes_part(g: Geometry) -> bool:
    """Whether the calling thread may run tasks: while it does, it does not hear Ctrl-C."""
    return g.pairs <= PAIRS_AT_ONCE


def address(a: np.ndarray[Any, Any]) -> int:
    return int(a.__array_interface__["data"][0])


def marshal(
    p: Program,
    sizes: Mapping[str, int],
    arrays: Mapping[str, np.ndarray[Any, Any]],
    scalars: Mapping[str, Any],
    values: dict[str, int],
) -> list[int]:
    """The argument block; checks the arrays."""
    kernel = p.kernel
    for loop in kernel.loops:
        if loop.role != "unrolled":
            values[f"size:{loop.name}"] = sizes[loop.name]
    for buffer in p.plan.kernel.buffers:
        a = arrays[buffer.name]
        if a.dtype != buffer.stored or a.ndim != buffer.rank:
            raise BadArguments(f"{buffer} is not an array of {a.dtype} with {a.ndim} axes")
        strides = a.strides
        if buffer.unit and strides[-1] != buffer.itemsize and a.shape[-1] > 1 and a.size:
            raise BadArguments(f"the last axis of {buffer} must be contiguous")
        interface = a.__array_interface__
        values["data:" + buffer.name] = interface["data"][0]
        for k, stride in enumerate(strides):
            values[f"stride:{buffer.name}:{k}"] = stride
    for n in p.plan.kernel.scalars:
        code = "?" if n.dtype.kind == "b" else n.dtype.char
        values[f"scalar:{n.data}"] = int.from_bytes(
            struct.pack("<" + code, scalars[n.data]), "little"
        )
    return [_signed(values[name]) for name in p.layout.names]


def _signed(bits: int) -> int:
    return bits - (1 << 64) if bits >= 1 << 63 else bits
