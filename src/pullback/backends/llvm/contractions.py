"""Long sums: Σ_d x_id y_jd inside each pair, and Σ_j w_ij v_je for each value of a feature index.

Both are products of small matrices, computed for one vector of rows and a tile of the inner index
at a time with a tile of sums in registers. What depends on the row and the long index is
stored once per block as vectors along the rows, [row][d]; what depends on the inner and the long
index is copied once per tile in the order in which it is used, and broadcast:

    a contracted index d    panels of columns, [columns / tile][d][tile]
    a feature index e       panels of features, [features / tile][column][tile]

What lies in memory along the long index is read in vectors, and transposed in registers.

The sums of a contraction are stored and read by the loop over the pairs; what a wide sum needs of a
pair is stored by that loop. A tile of either stays in the first-level cache.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..scalar import Scalar, walk
from .accumulate import Accumulator
from .extremes import Extremes
from .frame import BYTE, in_memory
from .plan import Pass
from .scope import Lanes, Scope
from .strips import Strip, square_side, strip_lines
from .text import vector_type
from .vector import BOOL, Vectors

STAGE_BYTES = 1024  # of vectors that wait to be transposed: a square of the widest


@dataclass(frozen=True)
class Side:
    """Places side by side along an index; those beyond the last one repeat it."""

    index: str
    first: str
    last: str
    length: int


class Contractions(Extremes):
    """Tiles of long sums."""

    # -------------------------------------------------------------- memory

    def _regions(self) -> list[tuple[dict[int, str], int, str, str]]:
        """Memory whose size depends on the extents of long indices: where the pointer is kept,
        under which key, the type and how many."""
        w = self.w
        rows = self.arguments["vectors_per_task"]
        regions: list[tuple[dict[int, str], int, str, str]] = []
        for p in self.plan.passes:
            for n in p.transposed:
                kind = vector_type(in_memory(n.dtype), self.v.lanes)
                size = self.arguments[f"size:{self._long_index(n)}"]
                regions.append((self.transposed, id(n), kind, w.add(f"mul i64 {size}, {rows}")))
            for acc in p.wide:
                count = w.add(f"mul i64 {self._padded(self._feature(acc))}, {rows}")
                regions.append((self.wide_sums, id(acc), self.v.type(acc.dtypes[0]), count))
            for n in p.panels:
                tile = max(q.tile for q in self.plan.passes if any(m is n for m in q.panels))
                count = w.add(f"mul i64 {self._padded(self._long_index(n))}, {tile}")
                regions.append((self.panels, id(n), in_memory(n.dtype), count))
        return regions

    def _allocate_long(self) -> str:
        """Allocate the regions together; gives what is to be freed, or nothing."""
        w = self.w
        regions = self._regions()
        if not regions:
            return ""
        self.stage = w.add(f"alloca [{STAGE_BYTES} x i8], align 64", "memory")
        known: set[tuple[int, int]] = set()
        offset, starts = "64", []
        for where, key, kind, count in regions:
            if (id(where), key) in known:
                continue
            known.add((id(where), key))
            starts.append((where, key, offset))
            end = w.add(f"getelementptr {kind}, ptr null, i64 {count}")
            bytes_ = w.add(f"ptrtoint ptr {end} to i64")
            whole = w.add(f"and i64 {w.add(f'add i64 {bytes_}, 63')}, -64")
            offset = w.add(f"add i64 {offset}, {whole}")
        memory = w.add(f"call ptr @malloc(i64 {offset})", "memory")
        address = w.add(f"and i64 {w.add(f'ptrtoint ptr {memory} to i64')}, -64")
        for where, key, start in starts:
            at = w.add(f"add i64 {address}, {start}")
            where[key] = w.add(f"inttoptr i64 {at} to ptr", "memory")
        return memory

    def _long_index(self, n: Scalar) -> str:
        """The contracted or feature index that a node depends on."""
        long = {*self.kernel.named("contracted"), *self.kernel.named("feature")}
        (name,) = self.plan.free[id(n)] & long
        return name

    def _padded(self, name: str) -> str:
        """The extent of a long index, rounded up to whole register tiles."""
        tile = self.plan.tiles[name]
        more = self.w.add(f"add i64 {self.arguments[f'size:{name}']}, {tile - 1}")
        return self.w.add(f"and i64 {more}, {-tile}")

    def _feature(self, acc: Accumulator) -> str:
        return self._long_index(acc.args[0])

    # -------------------------------------------------------------- operands

    def _transpose(self, scope: Scope, p: Pass, begin: str, end: str) -> None:
        """Store what long sums need of the rows of a block: [row][d], vectors of rows."""
        w = self.w
        for n in p.transposed:
            name = self._long_index(n)
            size = self.arguments[f"size:{name}"]
            with w.loop("transpose", begin, end, "1") as row:
                local = w.add(f"sub i64 {row.counter}, {begin}")
                if self._lies_along(n, name):
                    self._transpose_rows(scope, n, row.counter, local)
                    continue
                rows = self._row_scope(scope, row.counter)
                with w.loop(name, "0", size, "1") as loop:
                    value = self._memory_form(rows.inner({name: loop.counter}).value(n), n.dtype)
                    kind, where = self._transposed_slot(n, local, loop.counter)
                    w.do(f"store {kind} {value}, ptr {where}")

    def _lies_along(self, n: Scalar, name: str) -> bool:
        """Whether the memory of what is transposed runs along the long index."""
        if self.v.lanes == 1 or n.dtype.kind != "f" or n.dtype.itemsize < 4:
            return False
        for m in walk(n):
            if m.op == "reduce":
                return False
            if m.op == "load" and name in self.plan.free[id(m)]:
                last = m.args[-1]
                others = (self.plan.free[id(i)] for i in m.args[:-1])
                runs = last.op == "index" and last.data == name and m.data.unit
                if not runs or any(name in free for free in others):
                    return False
        return True

    def _transpose_rows(self, scope: Scope, n: Scalar, row: str, local: str) -> None:
        """A vector of rows whose memory runs along the long index."""
        w, lanes = self.w, self.v.lanes
        lines = strip_lines(self.v, n.dtype)
        base = w.add(f"mul i64 {row}, {lanes}")
        _, slot = self._transposed_slot(n, local, "0")
        with w.loop("strip", "0", str(lanes), str(lines), nonempty=True) as strip:
            first = w.add(f"add i64 {base}, {strip.counter}")
            to = w.add(f"getelementptr {in_memory(n.dtype)}, ptr {slot}, i64 {strip.counter}")
            side = Side(self.kernel.outer, first, self.last_row, lines)
            along = self._long_index(n), "0", self.arguments[f"size:{self._long_index(n)}"]
            begin = self._in_registers(scope, n, side, to, lanes)
            self._across(scope, n, side, along, to, lanes, begin)

    def _across(
        self, scope: Scope, n: Scalar, side: Side, along: tuple[str, str, str], to: str, step: int,
        begin: str = "0",
    ) -> None:  # fmt: skip
        """What is side by side along one index, for each place along another, `step` numbers on:
        (index, its first value, how many)."""
        w, element, (index, first, count) = self.w, in_memory(n.dtype), along
        with (
            w.loop("along", begin, count, "1") as loop,
            w.loop("side", "0", str(side.length), "1", nonempty=True) as k,
        ):
            place = self._smaller(w.add(f"add i64 {side.first}, {k.counter}"), side.last)
            here = w.add(f"add i64 {first}, {loop.counter}")
            value = scope.inner({side.index: place, index: here}).scalar(n)
            value = Vectors(w, 1, self.target).cast(value, BOOL, BYTE) if n.dtype == BOOL else value
            at = w.add(f"add i64 {w.add(f'mul i64 {loop.counter}, {step}')}, {k.counter}")
            where = w.add(f"getelementptr {element}, ptr {to}, i64 {at}")
            w.do(f"store {element} {value}, ptr {where}")

    def _in_registers(self, scope: Scope, n: Scalar, side: Side, to: str, step: int) -> str:
        """The same for a long index, in vectors along it; gives the first value that is left.

        What is read as it is goes from memory to memory; what is computed, or ends inside of the
        strip, is written down in between, a square at a time.
        """
        w, name = self.w, self._long_index(n)
        size = self.arguments[f"size:{name}"]
        along = self._along(strip_lines(self.v, n.dtype))
        kind, bytes_ = along.type(n.dtype), n.dtype.itemsize
        whole = w.add(f"and i64 {size}, {-along.lanes}")
        begin, rest = "0", whole
        if distance := self._distance(n, side.index):
            far = w.add(f"add i64 {side.first}, {side.length - 1}")
            inside = w.add(f"icmp sle i64 {far}, {side.last}")
            squares = w.add(f"and i64 {size}, {-square_side(side.length, bytes_)}")
            with w.when(inside, "direct"):
                start = scope.inner({side.index: side.first, name: "0"}).address(n.data, n.args)
                self._strip(n, side.length, (start[0], distance), (to, step * bytes_), squares)
            begin = w.add(f"select i1 {inside}, i64 {whole}, i64 0")
            rest = w.add(f"select i1 {inside}, i64 {squares}, i64 {whole}")
        with w.loop("square", begin, whole, str(along.lanes)) as square:
            with w.loop("stage", "0", str(side.length), "1", nonempty=True) as k:
                place = self._smaller(w.add(f"add i64 {side.first}, {k.counter}"), side.last)
                line = self._line(scope, along, n, {side.index: place}, square.counter)
                where = w.add(f"getelementptr {kind}, ptr {self.stage}, i64 {k.counter}")
                w.do(f"store {kind} {line}, ptr {where}, align {bytes_}")
            at = w.add(f"mul i64 {square.counter}, {step}")
            there = w.add(f"getelementptr {in_memory(n.dtype)}, ptr {to}, i64 {at}")
            source = self.stage, str(along.lanes * bytes_)
            self._strip(n, side.length, source, (there, step * bytes_), str(along.lanes))
        return rest

    def _distance(self, n: Scalar, index: str) -> str:
        """The bytes from one place along an index to the next, of what is read as it is."""
        if n.op != "load" or n.data.storage:
            return ""
        axes = [k for k, i in enumerate(n.args) if index in self.plan.free[id(i)]]
        plain = len(axes) == 1 and n.args[axes[0]].op == "index"
        return self.arguments[f"stride:{n.data.name}:{axes[0]}"] if plain else ""

    def _strip(
        self, n: Scalar, lines: int, source: tuple[str, str], to: tuple[str, int], count: str
    ) -> None:
        """Transpose a strip: where it is and the bytes from line to line, and the same of its
        transpose, which has `count` lines."""
        strip = Strip(in_memory(n.dtype), max(1, n.dtype.itemsize), lines)
        self.strips.add(strip)
        places = f"ptr {source[0]}, i64 {source[1]}, ptr {to[0]}, i64 {to[1]}"
        self.w.do(f"call void {strip.symbol}({places}, i64 {count})")

    def _transposed_slot(self, n: Scalar, local: str, d: str) -> tuple[str, str]:
        w = self.w
        size = self.arguments[f"size:{self._long_index(n)}"]
        kind = vector_type(in_memory(n.dtype), self.v.lanes)
        at = w.add(f"add i64 {w.add(f'mul i64 {local}, {size}')}, {d}")
        return kind, w.add(f"getelementptr {kind}, ptr {self.transposed[id(n)]}, i64 {at}")

    def _of_rows(self, p: Pass, name: str, local: str, d: str) -> dict[Scalar, str]:
        """What has been stored of a vector of rows for a value of a long index."""
        found = {}
        for n in p.transposed:
            if name in self.plan.free[id(n)]:
                kind, where = self._transposed_slot(n, local, d)
                raw = self.w.add(f"load {kind}, ptr {where}")
                found[n] = self.v.cast(raw, BYTE, BOOL) if n.dtype == BOOL else raw
        return found

    def _pack_panels(self, scope: Scope, p: Pass, base: str, count: str) -> None:
        """Copy what long sums need of a tile of the inner index, in the order they use it."""
        w, a = self.w, self.arguments
        for n in p.panels:
            name = self._long_index(n)
            tile = self.plan.tiles[name]
            contracted = name in self.kernel.named("contracted")
            # the index that lies side by side in a panel, and the one that runs along it
            side, along = (count, a[f"size:{name}"]) if contracted else (a[f"size:{name}"], count)
            vectors = self._lies_along(n, name)
            done = "0"
            if vectors and not contracted:
                done = w.add(f"and i64 {side}, {-tile}")
                self._pack_lines(scope, n, base, count, done)
            last = w.add(f"sub i64 {side}, 1")
            with w.loop("panel", done, side, str(tile)) as panel:
                _, to = self._panel_slot(n, panel.counter, along, "0")
                if contracted:
                    first, end = (w.add(f"add i64 {base}, {k}") for k in (panel.counter, last))
                    columns = Side(self.kernel.inner[-1], first, end, tile)
                    begin = self._in_registers(scope, n, columns, to, tile) if vectors else "0"
                    self._across(scope, n, columns, (name, "0", along), to, tile, begin)
                else:
                    features = Side(name, panel.counter, last, tile)
                    columns_of = self.kernel.inner[-1], base, count
                    self._across(scope, n, features, columns_of, to, tile)

    def _pack_lines(self, scope: Scope, n: Scalar, base: str, count: str, whole: str) -> None:
        """Panels of features whose memory is side by side already."""
        w, along = self.w, self._along(self.plan.tiles[self._long_index(n)])
        kind, step = along.type(n.dtype), str(along.lanes)
        with (
            w.loop("panel", "0", whole, step) as panel,
            w.loop("column", "0", count, "1") as loop,
        ):
            j = w.add(f"add i64 {base}, {loop.counter}")
            line = self._line(scope, along, n, {self.kernel.inner[-1]: j}, panel.counter)
            _, where = self._panel_slot(n, panel.counter, count, loop.counter)
            w.do(f"store {kind} {line}, ptr {where}, align {n.dtype.itemsize}")

    def _along(self, lanes: int) -> Vectors:
        """A printer of vectors along a long index."""
        along = Vectors(self.w, lanes, self.target)
        along.functions = self.v.functions
        return along

    def _line(
        self, scope: Scope, along: Vectors, n: Scalar, places: dict[str, str], first: str
    ) -> str:
        """Neighbours along a long index, of one row or one column."""
        lanes = {**scope.indices, **places, self._long_index(n): Lanes(first, None)}
        return Scope(along, None, self.arguments, self.plan.free, lanes).value(n)

    def _panel_slot(
        self, n: Scalar, first: str, along: str, position: str, k: str = "0"
    ) -> tuple[str, str]:
        """Element k of the panel that starts at `first`, at a position along it."""
        w, kind = self.w, in_memory(n.dtype)
        line = w.add(f"mul i64 {first}, {along}")
        step = w.add(f"mul i64 {position}, {self.plan.tiles[self._long_index(n)]}")
        at = w.add(f"add i64 {line}, {step}")
        start = w.add(f"getelementptr {kind}, ptr {self.panels[id(n)]}, i64 {at}")
        return kind, w.add(f"getelementptr {kind}, ptr {start}, i64 {k}") if k != "0" else start

    def _of_columns(
        self, p: Pass, name: str, first: str, along: str, position: str
    ) -> list[dict[Scalar, str]]:
        """What has been packed for a register tile, in every lane."""
        found: list[dict[Scalar, str]] = [{} for _ in range(self.plan.tiles[name])]
        one = Vectors(self.w, 1, self.target)
        for n in p.panels:
            if name in self.plan.free[id(n)]:
                for k, values in enumerate(found):
                    kind, where = self._panel_slot(n, first, along, position, str(k))
                    raw = self.w.add(f"load {kind}, ptr {where}")
                    raw = one.cast(raw, BYTE, BOOL) if n.dtype == BOOL else raw
                    values[n] = self.v.splat(raw, n.dtype)
        return found

    # -------------------------------------------------------------- contractions

    def _contract_tile(self, rows: Scope, p: Pass, base: str, count: str, local: str) -> None:
        """The long sums of one vector of rows with a tile of columns."""
        w, v = self.w, self.v
        last = w.add(f"sub i64 {count}, 1")
        for n in p.contractions:
            (name,) = n.data.over
            tile = self.plan.tiles[name]
            (body,) = n.args
            dtype, kind = n.dtype, v.type(n.dtype)
            size = self.arguments[f"size:{name}"]
            with w.loop("columns", "0", count, str(tile), nonempty=True) as columns:
                places = [w.add(f"add i64 {columns.counter}, {k}") for k in range(tile)]
                scopes = [
                    self._pair_scope(rows, p, self._smaller(place, last), base, known=False)
                    for place in places
                ]
                with w.loop(name, "0", size, "1", [(kind, v.constant(0, dtype))] * tile) as loop:
                    of_rows = self._of_rows(p, name, local, loop.counter)
                    of_columns = self._of_columns(p, name, columns.counter, size, loop.counter)
                    alone = self._of_index(rows.inner({name: loop.counter}), body, name)
                    for scope, mine, total in zip(scopes, of_columns, loop.carried, strict=True):
                        inside = scope.inner({name: loop.counter})
                        for m, value in (of_rows | mine | alone).items():
                            inside.bind(m, value)
                        term = inside.value(body)
                        loop.next.append(v.primitive("add", dtype, dtype, [total, term]))
                for place, total in zip(places, loop.results, strict=True):
                    at = w.add(f"getelementptr {kind}, ptr {self.products[id(n)]}, i64 {place}")
                    w.do(f"store {kind} {total}, ptr {at}")

    def _of_index(self, scope: Scope, body: Scalar, name: str) -> dict[Scalar, str]:
        """What depends on a long index but on neither side of the pair."""
        sides = {self.kernel.outer, self.kernel.inner[-1]}
        mine = [
            m
            for m in walk(body)
            if name in self.plan.free[id(m)] and self.plan.free[id(m)].isdisjoint(sides)
        ]
        return {m: scope.value(m) for m in mine}

    # -------------------------------------------------------------- wide sums

    def _wide_slot(self, acc: Accumulator, local: str, e: str) -> str:
        w, kind = self.w, self.v.type(acc.dtypes[0])
        line = w.add(f"mul i64 {local}, {self._padded(self._feature(acc))}")
        at = w.add(f"add i64 {line}, {e}")
        return w.add(f"getelementptr {kind}, ptr {self.wide_sums[id(acc)]}, i64 {at}")

    def _wide_value(self, acc: Accumulator, local: str, e: str) -> str:
        return self.w.add(
            f"load {self.v.type(acc.dtypes[0])}, ptr {self._wide_slot(acc, local, e)}"
        )

    def _clear_wide(self, p: Pass, local: str) -> None:
        v = self.v
        for acc in p.wide:
            with self.w.loop("clear", "0", self._padded(self._feature(acc)), "1") as loop:
                where = self._wide_slot(acc, local, loop.counter)
                zero = v.constant(0, acc.dtypes[0])
                self.w.do(f"store {v.type(acc.dtypes[0])} {zero}, ptr {where}")

    def _scale_wide(self, acc: Accumulator, local: str, factor: str) -> None:
        """Multiply the wide sums of a vector of rows."""
        w, v, dtype = self.w, self.v, acc.dtypes[0]
        kind = v.type(dtype)
        with w.loop("scale", "0", self.arguments[f"size:{self._feature(acc)}"], "1") as loop:
            where = self._wide_slot(acc, local, loop.counter)
            old = w.add(f"load {kind}, ptr {where}")
            w.do(f"store {kind} {v.binary('fmul', dtype, old, factor)}, ptr {where}")

    def _wide_tile(self, rows: Scope, p: Pass, base: str, count: str, local: str) -> None:
        """Add a tile of columns to the wide sums of one vector of rows."""
        w, v = self.w, self.v
        for acc in p.wide:
            name, dtype, body = self._feature(acc), acc.dtypes[0], acc.args[0]
            tile = self.plan.tiles[name]
            kind, size = v.type(dtype), self.arguments[f"size:{name}"]
            last = w.add(f"sub i64 {size}, 1")
            with w.loop("features", "0", size, str(tile)) as features:
                places = [w.add(f"add i64 {features.counter}, {k}") for k in range(tile)]
                scopes = []
                for place in places:
                    e = self._smaller(place, last)
                    scope = rows.inner({name: e})
                    mine = self._of_rows(p, name, local, e) | self._of_index(scope, body, name)
                    for m, value in mine.items():
                        scope.bind(m, value)
                    scopes.append((scope, mine))
                start = [(kind, v.constant(0, dtype))] * tile
                with w.loop("pair", "0", count, "1", start, nonempty=True) as pair:
                    shared = self._pair_scope(rows, p, pair.counter, base, known=False)
                    for m in p.pairwise:
                        stored = vector_type(in_memory(m.dtype), v.lanes)
                        pairs = f"{stored}, ptr {self.products[id(m)]}"
                        at = w.add(f"getelementptr {pairs}, i64 {pair.counter}")
                        raw = w.add(f"load {stored}, ptr {at}")
                        shared.bind(m, v.cast(raw, BYTE, BOOL) if m.dtype == BOOL else raw)
                    of_columns = self._of_columns(p, name, features.counter, count, pair.counter)
                    for (scope, known), mine, total in zip(
                        scopes, of_columns, pair.carried, strict=True
                    ):
                        inside = shared.inner(scope.indices | shared.indices)
                        for m, value in (known | mine).items():
                            inside.bind(m, value)
                        term = inside.value(body)
                        pair.next.append(v.primitive("add", dtype, dtype, [total, term]))
                for place, total in zip(places, pair.results, strict=True):
                    where = self._wide_slot(acc, local, place)
                    old = w.add(f"load {kind}, ptr {where}")
                    new = v.primitive("add", dtype, dtype, [old, total])
                    w.do(f"store {kind} {new}, ptr {where}")
