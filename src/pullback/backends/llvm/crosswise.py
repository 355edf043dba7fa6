"""Sums over the rows for each inner index and each value of a feature index: Σ_i g_ij w_ie.

They are the transposes of wide sums (`contractions.py`), and share the pairs with them. What is
known of the pairs of one vector of rows and a tile of columns is transposed, so that lanes are
columns: [row][column]. What depends on the row and the feature index is copied once per block,
[features / tile][row][tile] for each vector of rows, and broadcast. The sums of a
tile, [column / lanes][e] vectors along the columns, stay in the cache for all rows of a block; then
they join those of the group of tasks, as float64.
"""

from __future__ import annotations

from ..scalar import Scalar
from .accumulate import Accumulator
from .contractions import Contractions
from .frame import BYTE, in_memory
from .plan import Pass
from .scope import Lanes, Scope
from .strips import strip_lines
from .text import vector_type
from .vector import BOOL, Vectors


class Crosswise(Contractions):
    """Wide sums by columns."""

    def _regions(self) -> list[tuple[dict[int, str], int, str, str]]:
        w, lanes = self.w, self.v.lanes
        regions = super()._regions()
        rows = w.add(f"mul i64 {self.arguments['vectors_per_task']}, {lanes}")
        for p in self.plan.passes:
            for n in p.row_panels:
                count = w.add(f"mul i64 {self._padded(self._long_index(n))}, {rows}")
                regions.append((self.row_panels, id(n), in_memory(n.dtype), count))
            for acc in p.crosswise:
                tiles = -(-p.tile // lanes)
                count = w.add(f"mul i64 {self._padded(self._feature(acc))}, {tiles}")
                regions.append((self.cross_sums, id(acc), self.v.type(acc.dtypes[0]), count))
        return regions

    # -------------------------------------------------------------- operands

    def _pack_rows(self, scope: Scope, p: Pass, begin: str, end: str) -> None:
        """Copy what crosswise sums need of the rows of a block."""
        w, v = self.w, self.v
        one = Vectors(w, 1, self.target)
        for n in p.row_panels:
            name, kind = self._long_index(n), in_memory(n.dtype)
            tile = self.plan.tiles[name]
            size = self.arguments[f"size:{name}"]
            last = w.add(f"sub i64 {size}, 1")
            with w.loop("rows", begin, end, "1") as row:
                base = w.add(f"mul i64 {row.counter}, {v.lanes}")
                local = w.add(f"sub i64 {row.counter}, {begin}")
                with (
                    w.loop("features", "0", size, str(tile)) as panel,
                    w.loop("lane", "0", str(v.lanes), "1", nonempty=True) as lane,
                ):
                    i = self._smaller(w.add(f"add i64 {base}, {lane.counter}"), self.last_row)
                    with w.loop("side", "0", str(tile), "1", nonempty=True) as k:
                        e = self._smaller(w.add(f"add i64 {panel.counter}, {k.counter}"), last)
                        inside = scope.inner({self.kernel.outer: i, name: e})
                        value = inside.scalar(n)
                        value = one.cast(value, BOOL, BYTE) if n.dtype == BOOL else value
                        slot = panel.counter, lane.counter, k.counter
                        where = self._row_panel_slot(n, local, *slot)
                        w.do(f"store {kind} {value}, ptr {where}")

    def _row_panel_slot(self, n: Scalar, local: str, first: str, lane: str, k: str) -> str:
        w, kind, lanes = self.w, in_memory(n.dtype), self.v.lanes
        line = w.add(f"mul i64 {local}, {self._padded(self._long_index(n))}")
        start = w.add(f"mul i64 {w.add(f'add i64 {line}, {first}')}, {lanes}")
        line = w.add(f"mul i64 {lane}, {self.plan.tiles[self._long_index(n)]}")
        at = w.add(f"add i64 {start}, {line}")
        place = w.add(f"getelementptr {kind}, ptr {self.row_panels[id(n)]}, i64 {at}")
        return w.add(f"getelementptr {kind}, ptr {place}, i64 {k}") if k != "0" else place

    def _flip(self, rows: Scope, p: Pass, count: str) -> None:
        """Transpose what is known of the pairs of a vector of rows: [row][column]."""
        w, v = self.w, self.v
        for n in p.flipped:
            element, lines = in_memory(n.dtype), strip_lines(v, n.dtype)
            with w.loop("flip", "0", count, str(lines), nonempty=True) as loop:
                at = w.add(f"mul i64 {loop.counter}, {v.lanes}")
                where = w.add(f"getelementptr {element}, ptr {self.products[id(n)]}, i64 {at}")
                to = self._flipped_slot(n, p, "0", loop.counter)
                step = self._stride(p) * max(1, n.dtype.itemsize)
                source = where, str(v.lanes * max(1, n.dtype.itemsize))
                self._strip(n, lines, source, (to, step), str(v.lanes))
        for n in p.row_values:
            value = self._memory_form(rows.value(n), n.dtype)
            kind = vector_type(in_memory(n.dtype), v.lanes)
            w.do(f"store {kind} {value}, ptr {self.row_values[id(n)]}")

    def _flipped_slot(self, n: Scalar, p: Pass, lane: str, column: str) -> str:
        w = self.w
        at = w.add(f"add i64 {w.add(f'mul i64 {lane}, {self._stride(p)}')}, {column}")
        return w.add(f"getelementptr {in_memory(n.dtype)}, ptr {self.flipped[id(n)]}, i64 {at}")

    def _stride(self, p: Pass) -> int:
        """Columns of a line that has been transposed: whole vectors, and off the powers of 2."""
        return -(-p.tile // self.v.lanes) * self.v.lanes + 16

    def _allocate_crosswise(self) -> None:
        for p in self.plan.passes:
            for n in p.flipped:
                self.flipped[id(n)] = self._array(n.dtype, self.v.lanes * self._stride(p), False)
            for n in p.row_values:
                if id(n) not in self.row_values:
                    self.row_values[id(n)] = self._array(n.dtype, 1, True)

    # -------------------------------------------------------------- sums

    def _cross_slot(self, acc: Accumulator, vector: str, e: str) -> str:
        w, kind = self.w, self.v.type(acc.dtypes[0])
        line = w.add(f"mul i64 {vector}, {self._padded(self._feature(acc))}")
        at = w.add(f"add i64 {line}, {e}")
        return w.add(f"getelementptr {kind}, ptr {self.cross_sums[id(acc)]}, i64 {at}")

    def _clear_crosswise(self, p: Pass, count: str) -> None:
        w, v = self.w, self.v
        for acc in p.crosswise:
            vectors = self._vectors_of(count)
            slots = w.add(f"mul i64 {vectors}, {self._padded(self._feature(acc))}")
            with w.loop("clear", "0", slots, "1") as loop:
                where = self._cross_slot(acc, "0", loop.counter)
                zero = v.constant(0, acc.dtypes[0])
                w.do(f"store {v.type(acc.dtypes[0])} {zero}, ptr {where}")

    def _vectors_of(self, count: str) -> str:
        more = self.w.add(f"add i64 {count}, {self.v.lanes - 1}")
        return self.w.add(f"sdiv i64 {more}, {self.v.lanes}")

    def _cross_tile(
        self, rows: Scope, p: Pass, base: str, count: str, row: str, local: str
    ) -> None:
        """Add one vector of rows to the crosswise sums of a tile of columns."""
        if not p.crosswise:
            return
        w, v, outer = self.w, self.v, self.kernel.outer
        inner = self.kernel.inner[-1]
        self._flip(rows, p, count)
        first = w.add(f"mul i64 {row}, {v.lanes}")
        size_of_rows = self.arguments[f"size:{outer}"]
        some = self._smaller(w.add(f"sub i64 {size_of_rows}, {first}"), str(v.lanes))
        last_column = w.add(f"sub i64 {self.arguments[f'size:{inner}']}, 1")
        outside = {k: i for k, i in rows.indices.items() if k != outer}
        for acc in p.crosswise:
            name, dtype, body = self._feature(acc), acc.dtypes[0], acc.args[0]
            kind, size = v.type(dtype), self.arguments[f"size:{name}"]
            tile = self.plan.tiles[name]
            last = w.add(f"sub i64 {size}, 1")
            with w.loop("vector", "0", self._vectors_of(count), "1") as vector:
                column = w.add(f"mul i64 {vector.counter}, {v.lanes}")
                lanes = Lanes(w.add(f"add i64 {base}, {column}"), last_column)
                columns = Scope(v, None, self.arguments, self.plan.free, {**outside, inner: lanes})
                with w.loop("features", "0", size, str(tile)) as features:
                    places = [w.add(f"add i64 {features.counter}, {k}") for k in range(tile)]
                    known = [columns.inner({name: self._smaller(e, last)}) for e in places]
                    for scope in known:
                        for n in p.column_values:
                            if name in self.plan.free[id(n)] or n.op == "reduce":
                                scope.value(n)
                    start = [(kind, v.constant(0, dtype))] * tile
                    with w.loop("lane", "0", some, "1", start, nonempty=True) as lane:
                        i = w.add(f"add i64 {first}, {lane.counter}")
                        shared = self._of_lane(p, lane.counter, column)
                        for k, (scope, total) in enumerate(zip(known, lane.carried, strict=True)):
                            inside = scope.inner({outer: i})
                            for n, value in shared.items():
                                inside.bind(n, value)
                            for n in p.row_panels:
                                if name in self.plan.free[id(n)]:
                                    where = self._row_panel_slot(
                                        n, local, features.counter, lane.counter, str(k)
                                    )
                                    inside.bind(n, self._broadcast(n, where))
                            term = inside.value(body)
                            lane.next.append(v.primitive("add", dtype, dtype, [total, term]))
                    for e, total in zip(places, lane.results, strict=True):
                        where = self._cross_slot(acc, vector.counter, e)
                        old = w.add(f"load {kind}, ptr {where}")
                        new = v.primitive("add", dtype, dtype, [old, total])
                        w.do(f"store {kind} {new}, ptr {where}")

    def _of_lane(self, p: Pass, lane: str, column: str) -> dict[Scalar, str]:
        """What has been transposed of a row, for a vector of columns, and what the row decides."""
        w, v = self.w, self.v
        found = {}
        for n in p.flipped:
            kind = vector_type(in_memory(n.dtype), v.lanes)
            where = self._flipped_slot(n, p, lane, column)
            raw = w.add(f"load {kind}, ptr {where}, align {max(1, n.dtype.itemsize)}")
            found[n] = v.cast(raw, BYTE, BOOL) if n.dtype == BOOL else raw
        for n in p.row_values:
            element = in_memory(n.dtype)
            where = w.add(f"getelementptr {element}, ptr {self.row_values[id(n)]}, i64 {lane}")
            found[n] = self._broadcast(n, where)
        return found

    def _broadcast(self, n: Scalar, where: str) -> str:
        one = Vectors(self.w, 1, self.target)
        raw = self.w.add(f"load {in_memory(n.dtype)}, ptr {where}")
        return self.v.splat(one.cast(raw, BYTE, BOOL) if n.dtype == BOOL else raw, n.dtype)

    # -------------------------------------------------------------- partial results of groups

    def _cross_partial(self, acc: Accumulator, group: str, column: str, e: str) -> str:
        """Where a group's sum is: after those of columns without features, [group][column][e]."""
        w, a = self.w, self.arguments
        groups = a["groups_per_batch"]
        for name in self.kernel.batch:
            groups = w.add(f"mul i64 {groups}, {a[f'size:{name}']}")
        whole = w.add(f"mul i64 {groups}, {a[f'size:{self.kernel.inner[-1]}']}")
        before = str(sum(len(c.wide) for c in self.plan.columns))
        for other in self.plan.crosswise:
            if other is acc:
                break
            before = w.add(f"add i64 {before}, {a[f'size:{self._feature(other)}']}")
        start = w.add(f"mul i64 {whole}, {before}")
        line = w.add(f"mul i64 {group}, {a[f'size:{self.kernel.inner[-1]}']}")
        line = w.add(f"add i64 {line}, {column}")
        at = w.add(f"mul i64 {line}, {a[f'size:{self._feature(acc)}']}")
        at = w.add(f"add i64 {w.add(f'add i64 {at}, {e}')}, {start}")
        return w.add(f"getelementptr i64, ptr {a['columns']}, i64 {at}")

    def _clear_group(self, acc: Accumulator, group: str) -> None:
        w, one = self.w, Vectors(self.w, 1, self.target)
        columns = self.arguments[f"size:{self.kernel.inner[-1]}"]
        slots = w.add(f"mul i64 {columns}, {self.arguments[f'size:{self._feature(acc)}']}")
        with w.loop("clear", "0", slots, "1") as loop:
            where = self._cross_partial(acc, group, "0", loop.counter)
            self._write_slots([where], acc.wide, [one.constant(0, acc.wide[0])])

    def _add_crosswise(self, p: Pass, group: str, base: str, count: str) -> None:
        """The sums of a tile join those of the group."""
        w, one = self.w, Vectors(self.w, 1, self.target)
        for acc in p.crosswise:
            size, element = self.arguments[f"size:{self._feature(acc)}"], in_memory(acc.dtypes[0])
            with w.loop("column", "0", count, "1") as column:
                vector = w.add(f"sdiv i64 {column.counter}, {self.v.lanes}")
                lane = w.add(f"srem i64 {column.counter}, {self.v.lanes}")
                j = w.add(f"add i64 {base}, {column.counter}")
                with w.loop("features", "0", size, "1") as loop:
                    sums = self._cross_slot(acc, vector, loop.counter)
                    where = w.add(f"getelementptr {element}, ptr {sums}, i64 {lane}")
                    part = [w.add(f"load {element}, ptr {where}")]
                    slots = [self._cross_partial(acc, group, j, loop.counter)]
                    old = self._read_slots(slots, acc.wide)
                    new = acc.merge(one, old, acc.widen(one, part), wide=True)
                    self._write_slots(slots, acc.wide, new)

    def _combine_crosswise(
        self, scope: Scope, acc: Accumulator, first: str, last: str, column: str, e: str
    ) -> None:
        """All groups' sums of a column and a feature."""
        w, one = self.w, self.v
        start = [(one.type(acc.wide[0]), one.constant(0, acc.wide[0]))]
        with w.loop("part", first, last, "1", start) as part:
            new = self._read_slots([self._cross_partial(acc, part.counter, column, e)], acc.wide)
            part.next = acc.merge(one, part.carried, new, wide=True)
        for n in acc.nodes:
            scope.bind(n, acc.finish(one, n, part.results, wide=True))
