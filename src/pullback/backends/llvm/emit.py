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

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import numpy as np

from ..loops import INT, Kernel, Output
from ..rewrite import substitute
from ..scalar import Scalar, walk
from .accumulate import Accumulator, Values
from .layout import layout
from .plan import Pass, Plan, plan
from .extreme import TILE, Extreme
from .rescale import Rescaled
from .scope import Each, Lanes, Scope
from .target import Target
from .text import LoopHandle, Writer, scalar_type, vector_type
from .vector import BOOL, DType, Vectors

BYTE = np.dtype(np.uint8)
UNROLL = 2  # pairs per turn of the innermost loop: more independent work in flight


def emit(kernel: Kernel, target: Target) -> str:
    """The text of a module for a simplified kernel."""
    return Emitter(kernel, target).module()


def inline(v: Vectors, roots: Sequence[Scalar], values: dict[Scalar, str]) -> Values:
    """Print expressions of free variables that stand for values: the bodies of `State`s."""
    scope = Scope(v, None, {}, {id(n): frozenset() for n in walk(*roots)})
    for n, value in values.items():
        scope.bind(n, value)
    return [scope.value(root) for root in roots]


class Emitter:
    """Prints one kernel."""

    def __init__(self, kernel: Kernel, target: Target):
        self.kernel = kernel
        self.target = target
        self.plan: Plan = plan(kernel, target, inline)
        self.layout = layout(kernel)
        self.functions: set[tuple[str, str, int]] = set()
        self.arguments: dict[str, str] = {}

    # -------------------------------------------------------------- module

    def module(self) -> str:
        """Header, elementary functions, kernel."""
        from .math import definitions

        bodies = self._kernel_function()
        if self.plan.has_finish:
            bodies += self._finish_function()
        groups: dict[tuple[str, int], set[str]] = {}
        for name, dtype, lanes in self.functions:
            groups.setdefault((dtype, lanes), set()).add(name)
        texts = [
            definitions(names, dtype, lanes, self.target.features)
            for (dtype, lanes), names in sorted(groups.items())
        ]
        head = [f"; {self.kernel.name}: {self.plan.lanes} lanes, {self.plan.block} vectors a block"]
        head += [f"; {describe_output(o)}" for o in self.kernel.outputs]
        return "\n".join([*head, "", *bodies, "", *texts])

    def _begin(self) -> tuple[Writer, Vectors]:
        writer = Writer()
        v = Vectors(writer, self.plan.lanes, self.target)
        writer.begin("entry")
        self.arguments = {}
        for name, slot in self.layout.slots.items():
            kind = "i64"
            if name.startswith("data:") or name in ("partials", "columns", "stop"):
                kind = "ptr"
            elif name.startswith("scalar:"):
                dtype = next(n.dtype for n in self.kernel.scalars if f"scalar:{n.data}" == name)
                kind = scalar_type(dtype)
            where = writer.add(f"getelementptr i64, ptr %arguments, i64 {slot}", "a")
            if kind == "i1":
                byte = writer.add(f"load i8, ptr {where}, align 8")
                self.arguments[name] = writer.add(f"icmp ne i8 {byte}, 0")
            else:
                hint = "".join(c if c.isalnum() else "_" for c in name)
                self.arguments[name] = writer.add(f"load {kind}, ptr {where}, align 8", hint)
        return writer, v

    def _collect(self, v: Vectors) -> None:
        for name, dtype in v.functions:
            self.functions.add((name, dtype, v.lanes))

    # -------------------------------------------------------------- the kernel

    def _kernel_function(self) -> list[str]:
        w, v = self._begin()
        self.w, self.v = w, v
        lanes = self.plan.lanes
        self._allocate()
        top = Scope(v, None, self.arguments, self.plan.free)
        self._uniforms(top)
        rows = self.arguments[f"size:{self.kernel.outer}"]
        self.vectors = w.add(f"sdiv i64 {w.add(f'add i64 {rows}, {lanes - 1}')}, {lanes}", "vectors")
        self.full = w.add(f"sdiv i64 {rows}, {lanes}", "full")
        self.last_row = w.add(f"sub i64 {rows}, 1", "last")
        with w.loop("task", "%first", "%last", "1") as task:
            self._task(top, task.counter)
        w.do("ret void")
        self._collect(v)
        name = f"define void @kernel(ptr %arguments, i64 %first, i64 %last) nounwind {{"
        return [name, *w.lines, "}"]

    def _allocate(self) -> None:
        """Memory of one block and one tile, on the stack."""
        self.scratch: dict[int, list[str]] = {}
        self.pack: dict[int, str] = {}
        self.column_sums: dict[int, list[str]] = {}
        for p in self.plan.passes:
            for acc in p.rows:
                self.scratch[id(acc)] = [self._array(d, self.plan.block, True) for d in acc.dtypes]
            for n in p.packed:
                if id(n) not in self.pack:  # rounded up to whole vectors, and off the powers of 2
                    self.pack[id(n)] = self._array(n.dtype, p.tile + 16 + self.plan.lanes, False)
            for acc in p.columns:
                self.column_sums[id(acc)] = [self._array(d, p.tile, True) for d in acc.dtypes]

    def _array(self, dtype: DType, length: int, vectors: bool) -> str:
        element = _in_memory(dtype)
        kind = vector_type(element, self.plan.lanes) if vectors else element
        return self.w.add(f"alloca [{length} x {kind}], align 64", "memory")

    def _uniforms(self, top: Scope) -> None:
        """What depends on no index at all is computed once."""
        for n in walk(*self.kernel.roots()):
            if n.op not in ("const", "reduce") and not self.plan.free[id(n)]:
                if all(m.op != "reduce" for m in walk(n)):
                    top.value(n)

    def _task(self, top: Scope, task: str) -> None:
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
        if not self.plan.columns:
            return ""
        in_group = w.add(f"srem i64 {in_batch}, {a['tasks_per_group']}")
        local = w.add(f"sdiv i64 {in_batch}, {a['tasks_per_group']}")
        first = w.add(f"mul i64 {batch}, {a['groups_per_batch']}")
        group = w.add(f"add i64 {first}, {local}", "group")
        with w.when(w.add(f"icmp eq i64 {in_group}, 0"), "first"):
            for acc in self.plan.columns:
                self._clear_columns(acc, group)
        return group

    def _smaller(self, a: str, b: str) -> str:
        return self.w.add(f"call i64 @llvm.smin.i64(i64 {a}, i64 {b})")

    def _batch_indices(self, linear: str) -> dict[str, str]:
        """The batch indices from a linear one, the last running fastest."""
        found: dict[str, str] = {}
        for name in reversed(self.kernel.batch):
            size = self.arguments[f"size:{name}"]
            found[name] = self.w.add(f"srem i64 {linear}, {size}", name)
            linear = self.w.add(f"sdiv i64 {linear}, {size}")
        return found

    # -------------------------------------------------------------- passes over the pairs

    def _pass(self, scope: Scope, p: Pass, group: str, begin: str, end: str) -> None:
        w, v = self.w, self.v
        with w.loop("clear", "0", w.add(f"sub i64 {end}, {begin}"), "1") as row:
            for acc in p.rows:
                self._put(acc, row.counter, acc.identity(v))
        *serial, last = self.kernel.inner
        indices: dict[str, str] = {}
        with self._nest(serial, indices):
            size = self.arguments[f"size:{last}"]
            with w.loop("tile", "0", size, str(p.tile)) as tile:
                flag = w.add(f"load volatile i64, ptr {self.arguments['stop']}, align 8")
                with w.when(w.add(f"icmp eq i64 {flag}, 0"), "go"):
                    self._tile(scope.inner(indices), p, group, begin, end, tile.counter)

    def _tile(
        self, scope: Scope, p: Pass, group: str, begin: str, end: str, tile: str
    ) -> None:
        w = self.w
        left = w.add(f"sub i64 {self.arguments[f'size:{self.kernel.inner[-1]}']}, {tile}")
        count = self._smaller(left, str(p.tile))
        self._pack(scope, p, tile, count)
        for acc in p.columns:
            self._clear_tile(acc, count)
        with w.loop("row", begin, end, "1") as row:
            self._row(scope, p, row.counter, begin, tile, count)
        for acc in p.columns:
            self._add_columns(acc, group, tile, count)

    @contextmanager
    def _nest(self, names: Sequence[str], indices: dict[str, str]) -> Iterator[None]:
        if not names:
            yield
            return
        with self.w.loop(names[0], "0", self.arguments[f"size:{names[0]}"], "1") as loop:
            indices[names[0]] = loop.counter
            with self._nest(names[1:], indices):
                yield

    def _pack(self, scope: Scope, p: Pass, base: str, count: str) -> None:
        """Evaluate what depends on the inner index only for a tile, as vectors along it."""
        if not p.packed:
            return
        w, v = self.w, self.v
        name = self.kernel.inner[-1]
        last = w.add(f"sub i64 {self.arguments[f'size:{name}']}, 1")
        for n in (m for q in p.packed for m in walk(q)):
            if not self.plan.free[id(n)] & {name, self.kernel.outer} and n.op != "const":
                if self.plan.free[id(n)]:
                    scope.value(n)
        whole = w.add(f"and i64 {count}, {-v.lanes}")
        for start, stop, limit in (("0", whole, None), (whole, count, last)):
            with w.loop("pack", start, stop, str(v.lanes)) as loop:
                index = w.add(f"add i64 {base}, {loop.counter}")
                inside = scope.inner({name: Lanes(index, limit)})
                for n in p.packed:
                    value = self._memory_form(inside.value(n), n.dtype)
                    element = _in_memory(n.dtype)
                    where = w.add(f"getelementptr {element}, ptr {self.pack[id(n)]}, i64 {loop.counter}")
                    kind = vector_type(element, v.lanes)
                    w.do(f"store {kind} {value}, ptr {where}, align {max(1, n.dtype.itemsize)}")
            if v.lanes == 1:
                break

    def _row(self, scope: Scope, p: Pass, row: str, begin: str, base: str, count: str) -> None:
        """One vector of rows against one tile."""
        w, v = self.w, self.v
        rows = self._row_scope(scope, row)
        local = w.add(f"sub i64 {row}, {begin}", "local")
        self._bind_finished(rows, local, before=p)
        references = [group.reference for group in p.rescaled]
        for n in p.hoisted:
            if not any(m is r for m in walk(n) for r in references):
                rows.value(n)
        if p.extremes:
            self._extreme_tiles(rows, p, base, count, local)
            return
        plain = [acc for acc in p.rows if not isinstance(acc, Rescaled)]
        if not p.rescaled:
            sums = self._pairs(rows, p, plain, base, count, row)
        else:
            sums = self._rescaled_pairs(rows, p, plain, base, count, row, local)
        states = iter(sums)
        for acc in plain:
            part = [next(states) for _ in acc.dtypes]
            self._put(acc, local, acc.merge(v, self._get(acc, local), part))
        for group in p.rescaled:
            state = self._get(group, local)
            added = [v.binary("fadd", group.dtypes[0], s, next(states)) for s in state[1:]]
            self._put(group, local, [state[0], *added])

    def _pairs(
        self, rows: Scope, p: Pass, plain: list[Accumulator], base: str, count: str, row: str
    ) -> list[str]:
        """The innermost loop; gives the tile's states."""
        w, v = self.w, self.v
        carried = [
            (v.type(d), s)
            for acc in plain
            for d, s in zip(acc.dtypes, acc.identity(v), strict=True)
        ]
        carried += [
            (v.type(d), v.constant(0, d)) for group in p.rescaled for d in group.dtypes[1:]
        ]
        mask = self._inside(row) if p.columns else None
        if not carried:  # columns only: no chain of additions to hide
            with w.loop("pair", "0", count, "1", nonempty=True) as pair:
                self._pair(rows, p, plain, pair, base, mask, row)
            return []
        whole = w.add(f"and i64 {count}, {-UNROLL}")
        with w.loop("pairs", "0", whole, str(UNROLL), carried) as pair:
            states = list(pair.carried)
            for k in range(UNROLL):
                counter = w.add(f"add i64 {pair.counter}, {k}") if k else pair.counter
                one = LoopHandle(counter, states)
                self._pair(rows, p, plain, one, base, mask, row)
                states = one.next
            pair.next = states
        kinds = [k for k, _ in carried]
        rest = list(zip(kinds, pair.results, strict=True))
        with w.loop("pair", whole, count, "1", rest) as pair:
            self._pair(rows, p, plain, pair, base, mask, row)
        return pair.results

    def _rescaled_pairs(
        self,
        rows: Scope,
        p: Pass,
        plain: list[Accumulator],
        base: str,
        count: str,
        row: str,
        local: str,
    ) -> list[str]:
        """The innermost loop, a second time if a reference was too low."""
        w, v = self.w, self.v
        needs = [g.wants_reference(v, self._get(g, local)) for g in p.rescaled]
        need = needs[0]
        for other in needs[1:]:
            need = w.add(f"or i1 {need}, {other}")
        with w.repeat("attempt", "i1", need) as attempt:
            with w.when(attempt.carried, "raise"):
                for group in p.rescaled:
                    self._raise(rows, p, group, base, count, local)
            inside = rows.inner()
            for group in p.rescaled:
                inside.bind(group.reference, self._get(group, local)[0])
            for n in p.hoisted:
                inside.value(n)
            sums = self._pairs(inside, p, plain, base, count, row)
            over = "false"
            first = sum(len(acc.dtypes) for acc in plain)
            for group in p.rescaled:
                over = w.add(f"or i1 {over}, {group.overflows(v, sums[first])}")
                first += len(group.weights)
            fresh = w.add(f"xor i1 {attempt.carried}, true")
            attempt.again = w.add(f"and i1 {over}, {fresh}")
            attempt.next = "true"
        return sums

    def _raise(
        self, rows: Scope, p: Pass, group: Rescaled, base: str, count: str, local: str
    ) -> None:
        """Raise a reference to the largest exponent of the tile."""
        w, v = self.w, self.v
        dtype = group.dtypes[0]
        outside = rows.inner()
        for n in walk(group.exponent):
            if self.kernel.inner[-1] not in self.plan.free[id(n)]:
                outside.value(n)
        start = [(v.type(dtype), v.constant(-np.inf, dtype))]
        with w.loop("top", "0", count, "1", start, nonempty=True) as pair:
            scope = self._pair_scope(outside, p, pair.counter, base)
            top = v.intrinsic("maxnum", dtype, pair.carried[0], scope.value(group.exponent))
            pair.next = [top]
        self._put(group, local, group.raised(v, self._get(group, local), pair.results[0]))

    # -------------------------------------------------------------- maxima and minima

    def _extreme_tiles(self, rows: Scope, p: Pass, base: str, count: str, local: str) -> None:
        """Short tiles, so that the index of an extreme is found again quickly."""
        w, v = self.w, self.v
        carried = []
        for acc in p.extremes:
            state = self._get(acc, local)
            carried += [(v.type(d), s) for d, s in zip(acc.dtypes, state, strict=True)]
        with w.loop("short", "0", count, str(TILE), carried, nonempty=True) as short:
            end = self._smaller(w.add(f"add i64 {short.counter}, {TILE}"), count)
            start = v.splat(w.add(f"add i64 {base}, {short.counter}"), INT)
            found = self._extreme_pairs(rows, p, base, short.counter, end)
            states = iter(short.carried)
            for acc, value in zip(p.extremes, found, strict=True):
                old = [next(states) for _ in acc.dtypes]
                short.next += acc.merge(v, old, [value, start])
        states = iter(short.results)
        for acc in p.extremes:
            self._put(acc, local, [next(states) for _ in acc.dtypes])

    def _extreme_pairs(self, rows: Scope, p: Pass, base: str, begin: str, end: str) -> list[str]:
        """The most extreme values of a short tile."""
        w, v = self.w, self.v
        quick = []
        for acc in p.extremes:
            kind = v.type(acc.dtypes[0])
            quick += [(kind, acc.identity(v)[0]), (kind, v.constant(0, acc.dtypes[0]))]
        with w.loop("pair", begin, end, "1", quick, nonempty=True) as pair:
            scope = self._pair_scope(rows, p, pair.counter, base)
            states = iter(pair.carried)
            for acc in p.extremes:
                state = [next(states), next(states)]
                pair.next += acc.quick(v, state, scope.value(acc.args[0]))
        values = pair.results[::2]
        doubt = "false"
        for acc, total in zip(p.extremes, pair.results[1::2], strict=True):
            nan = v.any(v.binary("fcmp uno", acc.dtypes[0], total, total))
            doubt = w.add(f"or i1 {doubt}, {nan}")
        with w.when(doubt, "nan") as branch:
            careful = [(v.type(acc.dtypes[0]), acc.identity(v)[0]) for acc in p.extremes]
            with w.loop("pair", begin, end, "1", careful, nonempty=True) as pair:
                scope = self._pair_scope(rows, p, pair.counter, base)
                pair.next = [
                    acc.exact(v, old, scope.value(acc.args[0]))
                    for acc, old in zip(p.extremes, pair.carried, strict=True)
                ]
        return [
            w.either(branch, v.type(acc.dtypes[0]), slow, fast)
            for acc, slow, fast in zip(p.extremes, pair.results, values, strict=True)
        ]

    def _look_up(self, rows: Scope, acc: Extreme, tile: str) -> str:
        """The index of the extreme: the tile's pairs once more, each lane in its own tile."""
        w, v = self.w, self.v
        dtype, name = acc.dtypes[0], self.kernel.inner[-1]
        body = acc.args[0]
        for n in walk(body):
            if name not in self.plan.free[id(n)]:
                rows.value(n)
        size = self.arguments[f"size:{name}"]
        last = v.splat(w.add(f"sub i64 {size}, 1"), INT)
        start = [(v.type(dtype), acc.identity(v)[0]), (v.type(INT), tile)]
        with w.loop("look", "0", self._smaller(size, str(TILE)), "1", start) as look:
            index = v.binary("add", INT, tile, v.splat(look.counter, INT))
            index = v.intrinsic("smin", INT, index, last)
            x = rows.inner({name: Each(index)}).value(body)
            take = acc.better(v, x, look.carried[0])
            look.next = [
                v.select(take, dtype, x, look.carried[0]),
                v.select(take, INT, index, look.carried[1]),
            ]
        return look.results[1]

    def _row_scope(self, scope: Scope, row: str, full: bool = False) -> Scope:
        base = self.w.add(f"mul i64 {row}, {self.v.lanes}", "base")
        always = full or self.v.lanes == 1
        return scope.inner({self.kernel.outer: Lanes(base, None if always else self.last_row)})

    def _inside(self, row: str) -> str | None:
        """The lanes that hold a row."""
        v, w = self.v, self.w
        if v.lanes == 1:
            return None
        base = w.add(f"mul i64 {row}, {v.lanes}")
        index = v.binary("add", INT, v.splat(base, INT), w.iota(v.lanes))
        return v.compare("le", INT, index, v.splat(self.last_row, INT))

    def _pair_scope(self, rows: Scope, p: Pass, counter: str, base: str) -> Scope:
        """The scope of one pair: what is packed is read and put in every lane."""
        w, v = self.w, self.v
        index = w.add(f"add i64 {base}, {counter}", "j")
        scope = rows.inner({self.kernel.inner[-1]: index})
        one = Vectors(w, 1, self.target)
        for n in p.packed:
            element = _in_memory(n.dtype)
            where = w.add(f"getelementptr {element}, ptr {self.pack[id(n)]}, i64 {counter}")
            raw = w.add(f"load {element}, ptr {where}, align {max(1, n.dtype.itemsize)}")
            scope.bind(n, v.splat(one.cast(raw, BYTE, BOOL) if n.dtype == BOOL else raw, n.dtype))
        return scope

    def _pair(
        self,
        rows: Scope,
        p: Pass,
        plain: list[Accumulator],
        pair: LoopHandle,
        base: str,
        mask: str | None,
        row: str,
    ) -> None:
        """The innermost loop's body."""
        w, v = self.w, self.v
        scope = self._pair_scope(rows, p, pair.counter, base)
        states = iter(pair.carried)
        position = ""
        if any(map(_positional, plain)):
            index = scope.indices[self.kernel.inner[-1]]
            assert isinstance(index, str)
            position = v.splat(index, INT)
        for acc in plain:
            state = [next(states) for _ in acc.dtypes]
            pair.next += acc.update(v, state, [scope.value(a) for a in acc.args], position)
        for group in p.rescaled:
            for body, dtype in zip(group.relative, group.dtypes[1:], strict=True):
                pair.next.append(
                    v.binary("fadd contract", dtype, next(states), scope.value(body))
                )
        for acc in p.columns:
            args = [scope.value(a) for a in acc.args]
            where = ""
            if _positional(acc):
                first = w.add(f"mul i64 {row}, {v.lanes}")
                where = v.binary("add", INT, v.splat(first, INT), w.iota(v.lanes))
            old = self._get_column(acc, pair.counter)
            new = acc.update(v, old, args, where)
            if mask is not None:
                new = acc.masked(v, mask, new, old)
            self._put_column(acc, pair.counter, new)

    # -------------------------------------------------------------- accumulators in memory

    def _memory_form(self, value: str, dtype: DType) -> str:
        return self.v.cast(value, BOOL, BYTE) if dtype == BOOL else value

    def _slot(self, arrays: list[str], dtypes: list[DType], at: str) -> list[tuple[str, str]]:
        kinds = [vector_type(_in_memory(d), self.plan.lanes) for d in dtypes]
        return [
            (k, self.w.add(f"getelementptr {k}, ptr {a}, i64 {at}"))
            for a, k in zip(arrays, kinds, strict=True)
        ]

    def _read(self, arrays: list[str], dtypes: list[DType], at: str) -> Values:
        raw = [self.w.add(f"load {k}, ptr {where}") for k, where in self._slot(arrays, dtypes, at)]
        return [
            self.v.cast(r, BYTE, BOOL) if d == BOOL else r for r, d in zip(raw, dtypes, strict=True)
        ]

    def _write(self, arrays: list[str], dtypes: list[DType], at: str, values: Values) -> None:
        for (k, where), value, d in zip(self._slot(arrays, dtypes, at), values, dtypes, strict=True):
            self.w.do(f"store {k} {self._memory_form(value, d)}, ptr {where}")

    def _get(self, acc: Accumulator, local: str) -> Values:
        return self._read(self.scratch[id(acc)], acc.dtypes, local)

    def _put(self, acc: Accumulator, local: str, values: Values) -> None:
        self._write(self.scratch[id(acc)], acc.dtypes, local, values)

    def _get_column(self, acc: Accumulator, at: str) -> Values:
        return self._read(self.column_sums[id(acc)], acc.dtypes, at)

    def _put_column(self, acc: Accumulator, at: str, values: Values) -> None:
        self._write(self.column_sums[id(acc)], acc.dtypes, at, values)

    def _clear_tile(self, acc: Accumulator, count: str) -> None:
        with self.w.loop("clear", "0", count, "1", nonempty=True) as loop:
            self._put_column(acc, loop.counter, acc.identity(self.v))

    # -------------------------------------------------------------- columns, over tasks

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

    def _read_slots(self, slots: list[str], dtypes: list[DType]) -> Values:
        one = Vectors(self.w, 1, self.target)
        values = []
        for where, d in zip(slots, dtypes, strict=True):
            raw = self.w.add(f"load {_in_memory(d)}, ptr {where}, align 8")
            values.append(one.cast(raw, BYTE, BOOL) if d == BOOL else raw)
        return values

    def _write_slots(self, slots: list[str], dtypes: list[DType], values: Values) -> None:
        one = Vectors(self.w, 1, self.target)
        for where, d, value in zip(slots, dtypes, values, strict=True):
            raw = one.cast(value, BOOL, BYTE) if d == BOOL else value
            self.w.do(f"store {_in_memory(d)} {raw}, ptr {where}, align 8")

    # -------------------------------------------------------------- after the pairs

    def _bind_finished(self, rows: Scope, local: str, before: Pass | None) -> None:
        """The results of the passes that are over."""
        for p in self.plan.passes:
            if p is before:
                break
            for acc in p.rows:
                state = self._get(acc, local)
                if isinstance(acc, Extreme) and acc.positions:
                    index = self._look_up(rows, acc, state[1])
                    for n in acc.positions:
                        rows.bind(n, index)
                for n in acc.nodes:
                    if rows.find(n) is None:
                        rows.bind(n, acc.finish(self.v, n, state))

    def _epilogue(self, scope: Scope, block: LoopHandle, stop: str) -> list[str]:
        """Row outputs of a block, and its share of the totals."""
        w, v = self.w, self.v
        carried = [(v.type(d), s) for (d, s) in zip(self._total_dtypes(), block.carried, strict=True)]
        with w.loop("finish", block.counter, stop, "1", carried) as row:
            rows = self._row_scope(scope, row.counter)
            local = w.add(f"sub i64 {row.counter}, {block.counter}", "local")
            self._bind_finished(rows, local, before=None)
            self._finish_rows(rows, row, self._inside(row.counter))
        return row.results

    def _map(
        self, scope: Scope, begin: str, end: str, totals: list[tuple[str, str]]
    ) -> list[str]:
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

    def _total_dtypes(self) -> list[DType]:
        return [d for acc in self.plan.totals for d in acc.dtypes]

    def _finish_rows(self, rows: Scope, row: LoopHandle, mask: str | None) -> None:
        v, w = self.v, self.w
        for o in self.plan.row_outputs:
            rows.store(o.buffer, o.indices, rows.value(o.value), mask)
        states = iter(row.carried)
        for acc in self.plan.totals:
            old = [next(states) for _ in acc.dtypes]
            position = ""
            if _positional(acc):
                base = w.add(f"mul i64 {row.counter}, {v.lanes}")
                position = v.binary("add", INT, v.splat(base, INT), w.iota(v.lanes))
            new = acc.update(v, old, [rows.value(a) for a in acc.args], position)
            row.next += new if mask is None else acc.masked(v, mask, new, old)

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

    # -------------------------------------------------------------- finish

    def _finish_function(self) -> list[str]:
        """Combine the partial results in the order of the tasks, and write what depends on them."""
        w, _ = self._begin()
        one = Vectors(w, 1, self.target)
        self.w, self.v = w, one
        top = Scope(one, None, self.arguments, self.plan.free)
        batches = "1"
        for name in self.kernel.batch:
            batches = w.add(f"mul i64 {batches}, {self.arguments[f'size:{name}']}")
        tasks = self.arguments["tasks_per_batch"]
        with w.loop("batch", "0", batches, "1") as batch:
            scope = top.inner(self._batch_indices(batch.counter))
            begin = w.add(f"mul i64 {batch.counter}, {tasks}")
            end = w.add(f"add i64 {begin}, {tasks}")
            for acc in self.plan.totals:
                self._combine(scope, acc, begin, end, None)
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
                    for acc in self.plan.columns:
                        self._combine(here, acc, first, last, column.counter)
                    for o in by_column:
                        here.store(o.buffer, o.indices, here.value(o.value), None)
        w.do("ret void")
        self._collect(one)
        return ["define void @kernel.finish(ptr %arguments) nounwind {", *w.lines, "}"]

    def _runs_over_columns(self, o: Output) -> bool:
        inner = frozenset(self.kernel.inner)
        return any(self.plan.free[id(i)] & inner for i in o.indices)

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


def _positional(acc: Accumulator) -> bool:
    return acc.kind in ("argmax", "argmin")


def _in_memory(dtype: DType) -> str:
    return "i8" if dtype == BOOL else scalar_type(dtype)


def describe_output(o: Output) -> str:
    """An output as a line of text."""
    return f"{o.buffer.name}[{', '.join(map(repr, o.indices))}] = {o.value!r}"


__all__ = ["emit", "nullcontext", "substitute"]
