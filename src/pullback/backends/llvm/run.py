"""Running kernels: arguments, blocks of rows on threads, outer reductions at the end."""

from __future__ import annotations

import ctypes
import struct
from array import array
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from pullback.config import config

from ..loops import Buffer, Kernel
from ..memory import address
from . import threads
from .compile import Program, program
from .target import Target
from .team import team
from .threads import Progress

PAIRS_AT_ONCE = 1 << 28  # of one call into machine code: a fraction of a second
PAIRS_UNHEARD = 1 << 22  # of one call by the thread that hears Ctrl-C: less than half a second
PAIRS_WORTH_A_THREAD = 1 << 15
PAIRS_WORTH_A_TEAM = 1 << 14  # of one run: to have others help takes more than a microsecond
COLUMN_BYTES = 64 << 20  # of partial results of column sums
MAP_VECTORS = 1024
MIRRORED_BLOCKS = 16  # of rows, of which the pairs are visited: as many as eight threads can use
LONG_BYTES = 1 << 20  # of what a block keeps for all values of long indices
Quick = Callable[[int, int], bool]  # does rows first … last - 1 in another way; whether it did


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
    launch = Launch(program(kernel, target), sizes, {n: Placed.of(a) for n, a in arrays.items()})
    launch({n: address(a) for n, a in arrays.items()}, scalars or {}, progress)


class Placed(NamedTuple):
    """What a kernel is told of an array beside its address."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @classmethod
    def of(cls, a: np.ndarray[Any, Any]) -> Placed:
        return cls(a.dtype, a.shape, a.strides)


class Prepared(NamedTuple):
    """A short run that needs no memory of its own: a copy of the block gets addresses and numbers,
    and `run` its address."""

    block: Any
    data: dict[str, int]  # the place in the block of each array's address
    scalars: dict[str, tuple[Callable[[Any], int], int]]  # a number's bits, and their place
    run: Callable[[int], None]


class Geometry:
    """How the rows of each batch are cut: decided by sizes alone, never by the machine."""

    __slots__ = ("batches", "groups", "pairs", "tasks", "tasks_per_group", "vectors")

    def __init__(self, p: Program, sizes: Mapping[str, int]):
        facts, kernel = p.facts, p.kernel
        self.batches = 1
        for name in kernel.batch:
            self.batches *= sizes[name]
        vectors = -(-sizes[kernel.outer] // facts.lanes)
        inner = 1
        for name in kernel.inner:
            inner *= sizes[name]
        if facts.pairs:
            self.vectors = max(4, min(facts.block, -(-vectors * self.batches // 24)))
            self.vectors = max(1, min(self.vectors, PAIRS_AT_ONCE // (facts.lanes * max(1, inner))))
            if facts.mirrored:
                self.vectors = min(facts.block, max(8, -(-vectors // MIRRORED_BLOCKS)))
            if long := sum(size * sizes[name] for name, size in facts.long):
                self.vectors = max(1, min(self.vectors, LONG_BYTES // long))
        else:
            self.vectors = max(16, min(MAP_VECTORS, -(-vectors * self.batches // 24)))
        self.tasks = -(-vectors // self.vectors)
        self.pairs = min(self.vectors, vectors) * facts.lanes * max(1, inner)
        self.tasks_per_group = 1
        if words := facts.words(sizes):
            width = 8 * words * max(1, inner) * max(1, self.batches)
            least = 2 if self.batches < 8 else 1
            groups = max(least, min(16, COLUMN_BYTES // width))
            self.tasks_per_group = max(1, -(-self.tasks // groups))
        self.groups = -(-self.tasks // self.tasks_per_group)
        if facts.mirrored:  # pairs of blocks, of which there is an even number
            self.groups = max(2, self.tasks + self.tasks % 2)
            self.tasks = self.groups * (self.groups + 1) // 2
            self.pairs = (self.vectors * facts.lanes) ** 2


class Launch:
    """A program for arrays of known sizes: only addresses and numbers are missing.

    It can be called by several threads at once.
    """

    def __init__(self, p: Program, sizes: Mapping[str, int], arrays: Mapping[str, Placed]):
        self.program = p
        self.geometry = g = Geometry(p, sizes)
        facts = p.facts
        self._partials = g.batches * g.tasks * facts.totals
        words = facts.words(sizes)
        inner = sizes[p.kernel.inner[-1]] if words else 0
        self._columns = g.batches * g.groups * words * inner
        self._turns = 0
        if facts.mirrored:
            self._partials = g.batches * g.groups * facts.totals
            self._columns = g.batches * g.groups * g.vectors * facts.lanes * facts.mirrored
            self._turns = g.batches * g.groups
        self._by_groups = words > 0
        values = {
            "vectors_per_task": g.vectors,
            "tasks_per_batch": g.tasks,
            "tasks_per_group": g.tasks_per_group,
            "groups_per_batch": g.groups,
        }
        for loop in p.kernel.loops:
            if loop.role != "unrolled":
                values[f"size:{loop.name}"] = sizes[loop.name]
        for buffer in facts.buffers:
            placed = arrays[buffer.name]
            _check(buffer, placed)
            for k, stride in enumerate(placed.strides):
                values[f"stride:{buffer.name}:{k}"] = stride
        slots = {name: k for k, name in enumerate(facts.names)}
        self._block = array("q", [values.get(name, 0) for name in facts.names])
        self._data = [(buffer.name, slots[f"data:{buffer.name}"]) for buffer in facts.buffers]
        self._scalars = [(n, _packer(d), slots[f"scalar:{n}"]) for n, d in facts.scalars]
        self._quick = None
        if facts.search is not None:
            from . import nearest  # which few kernels need

            loops = p.kernel.outer, *p.kernel.inner, *p.kernel.named("contracted")
            rows, columns, terms = (sizes[name] for name in loops)
            self._quick = nearest.quick(facts.search, (rows, columns, terms), arrays, p.target)
            self._rows = rows
        total = g.batches * g.tasks
        self._at_once = max(1, min(PAIRS_WORTH_A_THREAD // max(1, g.pairs), -(-total // 4)))
        self.is_short = total * g.pairs <= PAIRS_UNHEARD
        # chunks; of a batch, the chunks, the tasks of a chunk, and all tasks
        if self._by_groups:
            self._cut = g.batches * g.groups, g.groups, g.tasks_per_group, g.tasks
        else:
            chunks = -(-total // self._at_once)
            self._cut = chunks, max(1, chunks), self._at_once, total
        main: Any = p.main
        self._main = ctypes.cast(main, ctypes.c_void_p).value or 0
        self._scratch = slots["partials"], slots["columns"], slots["stop"], slots.get("turns", 0)
        self._total = total
        self._shared = self._cut[0] > 1 and total * g.pairs > PAIRS_WORTH_A_TEAM
        # Nobody stops what is short.
        self._never = array("q", [0])
        self._block[slots["stop"]] = self._never.buffer_info()[0]
        self._plain = not (self._quick or self._partials or self._columns) and self.is_short

    def __call__(
        self,
        addresses: Mapping[str, int],
        scalars: Mapping[str, Any],
        progress: Progress | None = None,
    ) -> None:
        """Run the program on arrays at these addresses."""
        p = self.program
        block = self._block[:]
        for name, slot in self._data:
            block[slot] = addresses[name]
        for name, pack, slot in self._scalars:
            block[slot] = pack(scalars[name])
        if self._plain:
            where = block.buffer_info()[0]
            self._run_shortly(where)
            if p.finish is not None:
                p.finish(where)
            return
        partials = np.empty(self._partials, np.int64) if self._partials else None
        columns = np.empty(self._columns, np.int64) if self._columns else None
        flag = array("q", [0])
        where = block.buffer_info()[0]
        block[self._scratch[0]] = 0 if partials is None else address(partials)
        block[self._scratch[1]] = 0 if columns is None else address(columns)
        block[self._scratch[2]] = flag.buffer_info()[0]
        if self._turns:
            turns = np.zeros(self._turns, np.int64)
            block[self._scratch[3]] = address(turns)
        quick = None
        if self._quick is not None:
            quick = self._quick.prepared(addresses, flag.buffer_info()[0])
        if self.is_short and quick is None:
            self._run_shortly(where)
        else:
            self._run_long(where, flag, progress, quick)
        if p.finish is not None:
            p.finish(where)

    def prepared(self, together: bool) -> Prepared | None:
        """For who calls it over and over; None if it is long or needs memory of its own.

        On the threads there are, or on the caller's alone.
        """
        if not self._plain or self.program.finish is not None:
            return None
        main, total = self.program.main, self._total

        def alone(where: int, owner: Launch = self) -> None:  # which keeps the code
            main(where, 0, total)

        return Prepared(
            self._block,
            dict(self._data),
            {name: (pack, slot) for name, pack, slot in self._scalars},
            self._run_shortly if together else alone,
        )

    def _run_shortly(self, where: int) -> None:
        """A run that need not hear Ctrl-C."""
        if self._shared and config.num_threads > 1:
            workers = team()
            in_order = self._turns > 0
            if workers is not None and workers.run(self._main, where, *self._cut, in_order):
                return
        self.program.main(where, 0, self._total)

    def _run_long(
        self, where: int, flag: Any, progress: Progress | None, quick: Quick | None
    ) -> None:
        g, main = self.geometry, self.program.main
        total = g.batches * g.tasks
        if quick is not None:
            main = self._unless(quick)

        # a chunk: a group of tasks in order (column sums), or a few tasks worth a call
        if self._by_groups:
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
            at_once = self._at_once

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

    def _unless(self, quick: Quick) -> Callable[[int, int, int], None]:
        """The program for the tasks whose rows are not done otherwise."""
        main, rows = self.program.main, self.geometry.vectors * self.program.facts.lanes

        def run(where: int, first: int, last: int) -> None:
            if not quick(first * rows, min(last * rows, self._rows)):
                main(where, first, last)

        return run


def _check(buffer: Buffer, placed: Placed) -> None:
    dtype, shape, strides = placed
    if dtype != buffer.stored or len(shape) != buffer.rank:
        raise BadArguments(f"{buffer} is not an array of {dtype} with {len(shape)} axes")
    if buffer.unit and strides[-1] != buffer.itemsize and shape[-1] > 1 and 0 not in shape:
        raise BadArguments(f"the last axis of {buffer} must be contiguous")
    if buffer.paired and (shape[-1] != 2 or strides[-2] != 2 * buffer.itemsize) and shape[-2] > 1:
        raise BadArguments(f"the last two axes of {buffer} must be pairs side by side")


def _packer(dtype: np.dtype[Any]) -> Callable[[Any], int]:
    """A number as the bits of a 64-bit slot."""
    # In standard sizes "l" has four bytes.
    code = {"l": "q", "L": "Q"}.get(dtype.char, dtype.char)
    pack = struct.Struct("<" + code).pack
    fill = bytes(8 - struct.calcsize("<" + code))
    unpack = struct.Struct("<q").unpack
    return lambda number: int(unpack(pack(number) + fill)[0])


def takes_part(g: Geometry) -> bool:
    """Whether the calling thread may run tasks: while it does, it does not hear Ctrl-C."""
    return g.pairs <= PAIRS_UNHEARD
