"""Prints a kernel as LLVM IR.

    void kernel(i64* arguments, i64 first, i64 last)    tasks first … last - 1: blocks of rows
    void kernel.finish(i64* arguments)                  outer reductions: combine, then write

A task is a range of rows of one batch. Its rows go through the pairs in blocks whose accumulators
stay in the first-level cache, and the inner index in tiles:

    for each block of rows
        for each pass
            for each tile of the inner index
                pack what depends on it only, side by side
                for each vector of rows in the block
                    for each inner index of the tile        the innermost loop, all in registers
                        accumulate
                    add the tile's partial results to the row's
        for each vector of rows in the block
            finish the reductions, write outputs, accumulate outer reductions
    write the task's partial results of outer reductions
"""

from __future__ import annotations

from ..describe import describe
from ..loops import INT, Kernel, Output
from ..scalar import walk
from . import calls
from .frame import positional
from .mirrored import Mirrors
from .plan import reduces
from .scope import Lanes, Scope
from .strips import definition
from .target import Target, pause
from .text import LoopHandle
from .vector import DType, Vectors


def emit(kernel: Kernel, target: Target) -> str:
    """The text of a module for a simplified kernel."""
    return Emitter(kernel, target).module()


class Emitter(Mirrors):
    """Prints one kernel."""

    def module(self) -> str:
        """Header, elementary functions, kernel."""
        from .math import definitions

        bodies = self._kernel_function()
        if self.plan.mirrored:
            bodies.append(pause(self.target)[1])
        if any(p.long for p in self.plan.passes):
            bodies += ["declare ptr @malloc(i64)", "declare void @free(ptr)"]
        if self.plan.has_finish:
            bodies += self._finish_function()
        groups: dict[tuple[str, int], set[str]] = {}
        for name, dtype, lanes in self.functions:
            groups.setdefault((dtype, lanes), set()).add(name)
        texts = [
            definitions(names, dtype, lanes, self.target.features)
            for (dtype, lanes), names in sorted(groups.items())
        ]
        texts += [definition(strip) for strip in sorted(self.strips)]
        texts += calls.declarations(function for function, _ in self.calls)
        texts += [calls.definition(*found) for found in sorted(self.calls, key=repr)]
        head = [f"; {self.kernel.name}: {self.plan.lanes} lanes, {self.plan.block} vectors a block"]
        head += [f"; {line}" for line in describe(self.kernel)]
        return "\n".join([*head, "", *bodies, "", *texts])

    def _kernel_function(self) -> list[str]:
        w, v = self._begin()
        self.w, self.v = w, v
        lanes = self.plan.lanes
        self._allocate()
        top = Scope(v, None, self.arguments, self.plan.free)
        memory = self._allocate_long()
        self._allocate_crosswise()
        self._uniforms(top)
        rows = self.arguments[f"size:{self.kernel.outer}"]
        self.vectors = w.add(
            f"sdiv i64 {w.add(f'add i64 {rows}, {lanes - 1}')}, {lanes}", "vectors"
        )
        self.full = w.add(f"sdiv i64 {rows}, {lanes}", "full")
        self.last_row = w.add(f"sub i64 {rows}, 1", "last")
        with w.loop("task", "%first", "%last", "1") as task:
            self._task(top, task.counter)
        if memory:
            w.do(f"call void @free(ptr {memory})")
        w.do("ret void")
        self._collect(v)
        name = "define void @kernel(ptr %arguments, i64 %first, i64 %last) nounwind {"
        return [name, *w.lines, "}"]

    def _allocate(self) -> None:
        """Memory of one block and one tile, on the stack."""
        for p in self.plan.passes:
            for acc in p.rows:
                self.scratch[id(acc)] = [self._array(d, self.plan.block, True) for d in acc.dtypes]
            for n in p.packed:
                if id(n) not in self.pack:  # rounded up to whole vectors, and off the powers of 2
                    self.pack[id(n)] = self._array(n.dtype, p.tile + 16 + self.plan.lanes, False)
            for n in p.contractions:
                self.products[id(n)] = self._array(n.dtype, p.tile, True)
            for n in p.pairwise:
                self.products[id(n)] = self._array(n.dtype, p.tile, True)
            for alike in self._alike(p.columns):
                self._allocate_columns(alike, p.tile)
            if p.mirrored:
                self._allocate_mirrored(p)

    def _uniforms(self, top: Scope) -> None:
        """What depends on no index at all is computed once."""
        for n in walk(*self.kernel.roots()):
            known = n.op != "const" and not reduces(n, self.kernel)
            if known and not self.plan.free[id(n)]:
                top.value(n)

    def _task(self, top: Scope, task: str) -> None:
        if self.plan.mirrored:
            self._mirrored_task(top, task)
            return
        w, a = self.w, self.arguments
        batch = w.add(f"sdiv i64 {task}, {a['tasks_per_batch']}", "batch")
        in_batch = w.add(f"srem i64 {task}, {a['tasks_per_batch']}")
        begin = w.add(f"mul i64 {in_batch}, {a['vectors_per_task']}", "begin")
        end = self._smaller(w.add(f"add i64 {begin}, {a['vectors_per_task']}"), self.vectors)
        scope = top.inner(self._batch_indices(batch))
        group = self._group(batch, in_batch)
        totals = [
            (self.v.type(d), s)
            for acc in self.plan.totals
            for d, s in zip(acc.dtypes, acc.identity(self.v), strict=True)
        ]
        if not self.plan.passes:
            results = self._map(scope, begin, end, totals)
        else:
            step = str(self.plan.block)
            with w.loop("block", begin, end, step, totals) as block:
                stop = self._smaller(w.add(f"add i64 {block.counter}, {step}"), end)
                for p in self.plan.passes:
                    self._pass(scope, p, group, block.counter, stop)
                block.next = self._epilogue(scope, block, stop)
            results = block.results
        self._store_partials(task, results)

    def _group(self, batch: str, in_batch: str) -> str:
        """The group of tasks that share partial results of columns; its first task clears them."""
        w, a = self.w, self.arguments
        if not self.plan.columns and not self.plan.crosswise:
            return ""
        in_group = w.add(f"srem i64 {in_batch}, {a['tasks_per_group']}")
        local = w.add(f"sdiv i64 {in_batch}, {a['tasks_per_group']}")
        first = w.add(f"mul i64 {batch}, {a['groups_per_batch']}")
        group = w.add(f"add i64 {first}, {local}", "group")
        with w.when(w.add(f"icmp eq i64 {in_group}, 0"), "first"):
            for alike in self._alike(self.plan.columns):
                self._clear_columns(alike, group)
            for acc in self.plan.crosswise:
                self._clear_group(acc, group)
        return group

    def _epilogue(self, scope: Scope, block: LoopHandle, stop: str) -> list[str]:
        """Row outputs of a block, and its share of the totals."""
        w, v = self.w, self.v
        carried = [
            (v.type(d), s) for (d, s) in zip(self._total_dtypes(), block.carried, strict=True)
        ]
        with w.loop("finish", block.counter, stop, "1", carried) as row:
            rows = self._row_scope(scope, row.counter)
            local = w.add(f"sub i64 {row.counter}, {block.counter}", "local")
            self._bind_finished(rows, local, before=None)
            mask = self._inside(row.counter)
            self._finish_features(rows, local, mask)
            self._finish_rows(rows, row, mask)
        return row.results

    def _mirrored_task(self, top: Scope, task: str) -> None:
        w, a = self.w, self.arguments
        blocks = a["groups_per_batch"]
        batch = w.add(f"sdiv i64 {task}, {a['tasks_per_batch']}", "batch")
        turn, rows, columns = self._players(w.add(f"srem i64 {task}, {a['tasks_per_batch']}"))
        first = w.add(f"mul i64 {batch}, {blocks}")
        counters = [
            w.add(f"getelementptr i64, ptr {a['turns']}, i64 {w.add(f'add i64 {first}, {block}')}")
            for block in (rows, columns)
        ]
        with w.when(self._wait_for(counters, turn), "turn"):
            scope = top.inner(self._batch_indices(batch))
            self._visit(scope, batch, rows, columns)
            last = w.add(f"sub i64 {blocks}, 1")
            with w.when(w.add(f"icmp eq i64 {turn}, {last}"), "last"):
                self._finish_blocks(scope, batch, rows, columns)
            following = w.add(f"add i64 {turn}, 1")
            for counter in counters:
                w.do(f"store atomic i64 {following}, ptr {counter} release, align 8")

    def _finish_blocks(self, scope: Scope, batch: str, rows: str, columns: str) -> None:
        """Outputs of two blocks whose sums are complete, and their shares of totals."""
        w, v = self.w, self.v
        start = [
            (v.type(d), s)
            for acc in self.plan.totals
            for d, s in zip(acc.dtypes, acc.identity(v), strict=True)
        ]
        with w.loop("side", "0", "2", "1", nonempty=True) as side:
            chosen = w.add(f"icmp eq i64 {side.counter}, 0")
            block = w.add(f"select i1 {chosen}, i64 {rows}, i64 {columns}")
            begin, end = self._range(block)
            with w.loop("finish", begin, end, "1", start) as row:
                here = self._row_scope(scope, row.counter)
                first = w.add(f"mul i64 {row.counter}, {v.lanes}")
                for acc, k in self._numbered():
                    kind, where = self._sums(batch, str(k), first, acc.wide[0])
                    total = w.add(f"load {kind}, ptr {where}, align 8")
                    for n in acc.nodes:
                        here.bind(n, acc.finish(v, n, [total], wide=True))
                self._finish_rows(here, row, self._inside(row.counter))
            number = w.add(f"mul i64 {batch}, {self.arguments['groups_per_batch']}")
            self._store_partials(w.add(f"add i64 {number}, {block}"), row.results)

    def _map(self, scope: Scope, begin: str, end: str, totals: list[tuple[str, str]]) -> list[str]:
        """No pairs: whole vectors first, then the last one with a mask."""
        w = self.w
        full = self._smaller(end, self.full)
        with w.loop("element", begin, full, "1", totals) as row:
            self._finish_rows(self._row_scope(scope, row.counter, full=True), row, None)
        if self.v.lanes == 1:
            return row.results
        kinds = [k for k, _ in totals]
        rest = list(zip(kinds, row.results, strict=True))
        tail = w.add(f"call i64 @llvm.smax.i64(i64 {begin}, i64 {full})")
        with w.loop("rest", tail, end, "1", rest) as row:
            rows = self._row_scope(scope, row.counter)
            self._finish_rows(rows, row, self._inside(row.counter))
        return row.results

    def _feature_of(self, o: Output) -> str | None:
        """The feature index that an output runs over."""
        features = frozenset(self.kernel.named("feature"))
        return next((n for i in o.indices for n in self.plan.free[id(i)] & features), None)

    def _finish_features(self, rows: Scope, local: str, mask: str | None) -> None:
        """Row outputs with a feature index."""
        w = self.w
        for o in self.plan.row_outputs:
            name = self._feature_of(o)
            if name is None:
                continue
            for n in walk(o.value):
                if self._fixed(n, *self.kernel.inner):
                    rows.value(n)
            with w.loop(name, "0", self.arguments[f"size:{name}"], "1") as loop:
                here = rows.inner({name: loop.counter})
                for acc in (acc for p in self.plan.passes for acc in p.wide):
                    if self._feature(acc) == name:
                        value = self._wide_value(acc, local, loop.counter)
                        for n in acc.nodes:
                            here.bind(n, value)
                here.store(o.buffer, o.indices, here.value(o.value), mask)

    def _total_dtypes(self) -> list[DType]:
        return [d for acc in self.plan.totals for d in acc.dtypes]

    def _finish_rows(self, rows: Scope, row: LoopHandle, mask: str | None) -> None:
        v, w = self.v, self.w
        outputs = [o for o in self.plan.row_outputs if self._feature_of(o) is None]
        while outputs:
            o = outputs.pop(0)
            value = rows.value(o.value)
            second = next((p for p in outputs if _are_pairs(o, p)), None)
            if mask is None and second is not None:
                other = rows.value(second.value)
                if rows.store_both(o.buffer, o.indices, value, other):
                    outputs.remove(second)
                    continue
            rows.store(o.buffer, o.indices, value, mask)
        states = iter(row.carried)
        for acc in self.plan.totals:
            old = [next(states) for _ in acc.dtypes]
            position = ""
            if positional(acc):
                base = w.add(f"mul i64 {row.counter}, {v.lanes}")
                position = v.binary("add", INT, v.splat(base, INT), w.iota(v.lanes))
            new = acc.update(v, old, [rows.value(a) for a in acc.args], position)
            row.next += new if mask is None else acc.masked(v, mask, new, old)

    def _finish_function(self) -> list[str]:
        """Combine the partial results in the order of the tasks, and write what depends on them."""
        w, _ = self._begin()
        one = Vectors(w, 1, self.target)
        self.w, self.v = w, one
        top = Scope(one, None, self.arguments, self.plan.free)
        batches = "1"
        for name in self.kernel.batch:
            batches = w.add(f"mul i64 {batches}, {self.arguments[f'size:{name}']}")
        parts = self.arguments["groups_per_batch" if self.plan.mirrored else "tasks_per_batch"]
        with w.loop("batch", "0", batches, "1") as batch:
            scope = top.inner(self._batch_indices(batch.counter))
            begin = w.add(f"mul i64 {batch.counter}, {parts}")
            end = w.add(f"add i64 {begin}, {parts}")
            self._combine(scope, self.plan.totals, begin, end, None)
            by_column: list[Output] = []
            for o in self.plan.late_outputs:
                if self._runs_over_columns(o):
                    by_column.append(o)
                else:
                    scope.store(o.buffer, o.indices, scope.value(o.value), None)
            if by_column:
                groups = self.arguments["groups_per_batch"]
                first = w.add(f"mul i64 {batch.counter}, {groups}")
                last = w.add(f"add i64 {first}, {groups}")
                name = self.kernel.inner[-1]
                with w.loop("column", "0", self.arguments[f"size:{name}"], "1") as column:
                    here = scope.inner({name: Lanes(column.counter, None)})
                    self._combine(here, self.plan.columns, first, last, column.counter)
                    for o in by_column:
                        if self._feature_of(o) is None:
                            here.store(o.buffer, o.indices, here.value(o.value), None)
                    self._finish_crosswise(here, by_column, first, last, column.counter)
        w.do("ret void")
        self._collect(one)
        return ["define void @kernel.finish(ptr %arguments) nounwind {", *w.lines, "}"]

    def _finish_crosswise(
        self, here: Scope, outputs: list[Output], first: str, last: str, column: str
    ) -> None:
        """Outputs of a column for each value of a feature index."""
        for name in self.kernel.named("feature"):
            mine = [o for o in outputs if self._feature_of(o) == name]
            if not mine:
                continue
            with self.w.loop(name, "0", self.arguments[f"size:{name}"], "1") as loop:
                inside = here.inner({name: loop.counter})
                for acc in self.plan.crosswise:
                    if self._feature(acc) == name:
                        self._combine_crosswise(inside, acc, first, last, column, loop.counter)
                for o in mine:
                    inside.store(o.buffer, o.indices, inside.value(o.value), None)

    def _runs_over_columns(self, o: Output) -> bool:
        inner = frozenset(self.kernel.inner)
        return any(self.plan.free[id(i)] & inner for i in o.indices)


def _are_pairs(first: Output, second: Output) -> bool:
    """Whether two outputs are the first and the second numbers of the same pairs."""
    return (
        first.buffer.paired
        and first.buffer == second.buffer
        and first.indices[:-1] == second.indices[:-1]
        and [i.data.value for i in (first.indices[-1], second.indices[-1]) if i.op == "const"]
        == [0, 1]
    )
