"""Partial results of outer reductions: per task, and for columns per group of tasks.

They lie in memory as slots of 8 bytes. Each is written by one thread, and they are combined in the
order of the tasks, so that results do not depend on the number of threads.
"""

from __future__ import annotations

from .accumulate import Accumulator
from .frame import Frame
from .scope import Scope
from .vector import Vectors


class Partials(Frame):
    """Slots of outer reductions."""

    def _column_slots(self, acc: Accumulator, group: str, column: str) -> list[str]:
        """Pointers to a column's partial result of a group: [component][group][column], 8 bytes."""
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
        pointers = []
        for k in range(len(acc.wide)):
            line = w.add(f"add i64 {w.add(f'mul i64 {groups}, {first + k}')}, {group}")
            at = w.add(f"add i64 {w.add(f'mul i64 {line}, {size}')}, {column}")
            pointers.append(w.add(f"getelementptr i64, ptr {self.arguments['columns']}, i64 {at}"))
        return pointers

    def _clear_columns(self, acc: Accumulator, group: str) -> None:
        one = Vectors(self.w, 1, self.target)
        size = self.arguments[f"size:{self.kernel.inner[-1]}"]
        with self.w.loop("clear", "0", size, "1") as loop:
            slots = self._column_slots(acc, group, loop.counter)
            self._write_slots(slots, acc.wide, acc.identity(one, wide=True))

    def _add_columns(self, acc: Accumulator, group: str, base: str, count: str) -> None:
        """The tile's column results, over lanes, join those of the task."""
        w = self.w
        one = Vectors(w, 1, self.target)
        with w.loop("column", "0", count, "1", nonempty=True) as loop:
            part = acc.across(self.v, self._get_column(acc, loop.counter))
            slots = self._column_slots(acc, group, w.add(f"add i64 {base}, {loop.counter}"))
            old = self._read_slots(slots, acc.wide)
            self._write_slots(slots, acc.wide, acc.merge(one, old, part, wide=True))

    def _clear_tile(self, acc: Accumulator, count: str) -> None:
        with self.w.loop("clear", "0", count, "1", nonempty=True) as loop:
            self._put_column(acc, loop.counter, acc.identity(self.v))

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
        self, scope: Scope, acc: Accumulator, begin: str, end: str, column: str | None
    ) -> None:
        w, one = self.w, self.v
        start = list(
            zip([one.type(d) for d in acc.wide], acc.identity(one, wide=True), strict=True)
        )
        with w.loop("part", begin, end, "1", start) as part:
            if column is None:
                slots = self._partial_slots(acc, part.counter)
            else:
                slots = self._column_slots(acc, part.counter, column)
            new = self._read_slots(slots, acc.wide)
            part.next = acc.merge(one, part.carried, new, wide=True)
        for n in acc.nodes:
            scope.bind(n, acc.finish(one, n, part.results, wide=True))
