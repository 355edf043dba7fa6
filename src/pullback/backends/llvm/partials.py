"""Partial results of outer reductions: per task, and for columns per group of tasks.

They lie in memory as slots of 8 bytes. Each is written by one thread, and they are combined in the
order of the tasks, so that results do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

from .accumulate import Accumulator
from .frame import Frame
from .scope import Scope
from .vector import Vectors

APART = 5  # vectors between arrays of sums: at powers of 2, they would be in each other's way


class Partials(Frame):
    """Slots of outer reductions."""

    def _alike(self, columns: Sequence[Accumulator]) -> list[list[Accumulator]]:
        """Neighbours whose states are kept in the same way: what is done to them is a loop."""
        return [list(alike) for _, alike in groupby(columns, lambda acc: acc.keeping)]

    def _allocate_columns(self, alike: Sequence[Accumulator], tile: int) -> None:
        """Memory for the columns of a tile, the lines of each component side by side."""
        line = tile + APART
        arrays = [self._array(d, len(alike) * line, True) for d in alike[0].dtypes]
        for k, acc in enumerate(alike):
            self.column_sums[id(acc)] = [(array, k * line) for array in arrays]

    @contextmanager
    def _each(self, alike: Sequence[Accumulator]) -> Iterator[str]:
        """A loop over the numbers of such accumulators."""
        if len(alike) == 1:
            yield "0"
            return
        with self.w.loop("number", "0", str(len(alike)), "1", nonempty=True) as loop:
            yield loop.counter

    def _column_slots(
        self, acc: Accumulator, group: str, column: str, number: str = "0"
    ) -> list[str]:
        """Pointers to a column's partial result of a group: [component][group][column], 8 bytes.

        Of an accumulator, or the one that is a number of places further on and is kept like it.
        """
        w = self.w
        size = self.arguments[f"size:{self.kernel.inner[-1]}"]
        groups = self.arguments["groups_per_batch"]
        for name in self.kernel.batch:
            groups = w.add(f"mul i64 {groups}, {self.arguments[f'size:{name}']}")
        first = 0
        for other in self.plan.columns:
            if other is acc:
                break
            first += len(other.wide)
        further = w.add(f"mul i64 {number}, {len(acc.wide)}") if number != "0" else "0"
        pointers = []
        for k in range(len(acc.wide)):
            place = w.add(f"add i64 {further}, {first + k}") if number != "0" else str(first + k)
            line = w.add(f"add i64 {w.add(f'mul i64 {groups}, {place}')}, {group}")
            at = w.add(f"add i64 {w.add(f'mul i64 {line}, {size}')}, {column}")
            pointers.append(w.add(f"getelementptr i64, ptr {self.arguments['columns']}, i64 {at}"))
        return pointers

    def _clear_columns(self, alike: Sequence[Accumulator], group: str) -> None:
        one, first = Vectors(self.w, 1, self.target), alike[0]
        size = self.arguments[f"size:{self.kernel.inner[-1]}"]
        with self._each(alike) as number, self.w.loop("clear", "0", size, "1") as loop:
            slots = self._column_slots(first, group, loop.counter, number)
            self._write_slots(slots, first.wide, first.identity(one, wide=True))

    def _add_columns(self, alike: Sequence[Accumulator], group: str, base: str, count: str) -> None:
        """The tile's column results, over lanes, join those of the task."""
        w, first = self.w, alike[0]
        one = Vectors(w, 1, self.target)
        with (
            self._each(alike) as number,
            w.loop("column", "0", count, "1", nonempty=True) as loop,
        ):
            at = self._in_lines(alike, number, loop.counter)
            part = first.across(self.v, self._get_column(first, at))
            column = w.add(f"add i64 {base}, {loop.counter}")
            slots = self._column_slots(first, group, column, number)
            old = self._read_slots(slots, first.wide)
            self._write_slots(slots, first.wide, first.merge(one, old, part, wide=True))

    def _clear_tile(self, alike: Sequence[Accumulator], count: str) -> None:
        first = alike[0]
        with (
            self._each(alike) as number,
            self.w.loop("clear", "0", count, "1", nonempty=True) as loop,
        ):
            at = self._in_lines(alike, number, loop.counter)
            self._put_column(first, at, first.identity(self.v))

    def _in_lines(self, alike: Sequence[Accumulator], number: str, column: str) -> str:
        """The place of a column of the one with a number, from that of the first one."""
        if len(alike) == 1:
            return column
        (_, first), (_, second) = (self.column_sums[id(acc)][0] for acc in alike[:2])
        start = self.w.add(f"mul i64 {number}, {second - first}")
        return self.w.add(f"add i64 {start}, {column}")

    def _partial_slots(self, acc: Accumulator, task: str) -> list[str]:
        w = self.w
        per_task = sum(len(a.wide) for a in self.plan.totals)
        first = 0
        for other in self.plan.totals:
            if other is acc:
                break
            first += len(other.wide)
        line = w.add(f"mul i64 {task}, {per_task}")
        return [
            w.add(
                f"getelementptr i64, ptr {self.arguments['partials']}, "
                f"i64 {w.add(f'add i64 {line}, {first + k}')}"
            )
            for k in range(len(acc.wide))
        ]

    def _store_partials(self, task: str, results: list[str]) -> None:
        states = iter(results)
        for acc in self.plan.totals:
            part = acc.across(self.v, [next(states) for _ in acc.dtypes])
            self._write_slots(self._partial_slots(acc, task), acc.wide, part)

    def _combine(
        self, scope: Scope, parts: Sequence[Accumulator], begin: str, end: str, column: str | None
    ) -> None:
        """The partial results of tasks, or of groups for a column."""
        if not parts:
            return
        w, one = self.w, self.v
        start = [
            (one.type(d), s)
            for acc in parts
            for d, s in zip(acc.wide, acc.identity(one, wide=True), strict=True)
        ]
        with w.loop("part", begin, end, "1", start) as part:
            carried = iter(part.carried)
            for acc in parts:
                if column is None:
                    slots = self._partial_slots(acc, part.counter)
                else:
                    slots = self._column_slots(acc, part.counter, column)
                old, new = [next(carried) for _ in acc.wide], self._read_slots(slots, acc.wide)
                part.next += acc.merge(one, old, new, wide=True)
        results = iter(part.results)
        for acc in parts:
            state = [next(results) for _ in acc.wide]
            for n in acc.nodes:
                scope.bind(n, acc.finish(one, n, state, wide=True))
