"""Sums over the pairs of a set with itself, from half of the pairs.

The rows are cut into an even number of blocks. A task is a pair of blocks (A, B): its rows are
those of A, its inner indices those of B, and each pair gives to both sums (`passes/mirror.py`).
Where a tile of columns meets its own rows, all pairs are visited, and each gives to its row alone.

The sums of all rows lie in memory as float64, a task adds to those of A and B, and no other task
does so meanwhile: tasks go in turns as players of a tournament do. In each turn every block is in
one task; in turn 0 with itself, in turn t with the block opposite on a circle that has moved on by
one (block n - 1 stays in the middle). A task waits until both blocks have had the turns before, so
the order in which a row's sums grow depends on sizes alone, and since tasks begin in the order of
their turns, somebody always can go on. In the last turn the rows are complete, and outputs are
written.
"""

from __future__ import annotations

from itertools import groupby

from .accumulate import Mirrored
from .pairs import Pairs
from .partials import APART
from .plan import Pass
from .scope import Scope
from .target import pause
from .vector import DType, Vectors

PART = 16  # bytes of a vector that most shuffles stay in


class Mirrors(Pairs):
    """Tasks of kernels that visit half of the pairs."""

    def _allocate_mirrored(self, p: Pass) -> None:
        """Sums of the columns of a tile, side by side, and what is known of the rows of a block."""
        for dtype, sums in self._by_dtype():
            line = p.tile + APART
            array = self._array(dtype, len(sums) * line, True)
            for k, acc in enumerate(sums):
                self.column_sums[id(acc)] = [(array, k * line)]
        for n in p.hoisted:
            if self.kernel.outer in self.plan.free[id(n)]:
                self.row_values[id(n)] = self._array(n.dtype, self.plan.block + APART, True)

    def _by_dtype(self) -> list[tuple[DType, list[Mirrored]]]:
        by_name = sorted(self.plan.mirrored, key=lambda acc: acc.dtypes[0].str)
        return [(d, list(sums)) for d, sums in groupby(by_name, lambda acc: acc.dtypes[0])]

    def _players(self, task: str) -> tuple[str, str, str]:
        """The turn of a task, and its blocks of rows and of columns: the smaller one and the other.

        As the last block is never that of rows beside another one, the rows are there in all lanes.
        """
        w, blocks = self.w, self.arguments["groups_per_batch"]
        tables, circle = w.add(f"sdiv i64 {blocks}, 2"), w.add(f"sub i64 {blocks}, 1")
        later = w.add(f"sub i64 {task}, {blocks}")
        alone = w.add(f"icmp slt i64 {later}, 0")
        moved, table = w.add(f"sdiv i64 {later}, {tables}"), w.add(f"srem i64 {later}, {tables}")
        on = w.add(f"srem i64 {w.add(f'add i64 {moved}, {table}')}, {circle}")
        back = w.add(f"add i64 {w.add(f'sub i64 {moved}, {table}')}, {circle}")
        opposite = w.add(f"srem i64 {back}, {circle}")
        middle = w.add(f"icmp eq i64 {table}, 0")
        one = w.add(f"select i1 {middle}, i64 {circle}, i64 {on}")
        one = w.add(f"select i1 {alone}, i64 {task}, i64 {one}")
        other = w.add(f"select i1 {alone}, i64 {task}, i64 {opposite}")
        turn = w.add(f"select i1 {alone}, i64 0, i64 {w.add(f'add i64 {moved}, 1')}", "turn")
        larger = w.add(f"call i64 @llvm.smax.i64(i64 {one}, i64 {other})", "columns")
        return turn, self._smaller(one, other), larger

    def _wait_for(self, counters: list[str], turn: str) -> str:
        """Until both blocks have had all turns before; false if the run has been stopped."""
        w = self.w
        with w.repeat("wait", []) as attempt:
            both = "true"
            for counter in counters:
                had = w.add(f"load atomic i64, ptr {counter} acquire, align 8")
                both = w.add(f"and i1 {both}, {w.add(f'icmp eq i64 {had}, {turn}')}")
            flag = w.add(f"load volatile i64, ptr {self.arguments['stop']}, align 8")
            stopped = w.add(f"icmp ne i64 {flag}, 0")
            w.do(pause(self.target)[0])
            attempt.again = w.add(f"xor i1 {w.add(f'or i1 {both}, {stopped}')}, true")
        return both

    def _range(self, block: str) -> tuple[str, str]:
        """The vectors of rows of a block."""
        w, size = self.w, self.arguments["vectors_per_task"]
        begin = self._smaller(w.add(f"mul i64 {block}, {size}"), self.vectors)
        return begin, self._smaller(w.add(f"add i64 {begin}, {size}"), self.vectors)

    def _visit(self, scope: Scope, batch: str, rows: str, columns: str) -> None:
        """The pairs of two blocks."""
        w, v = self.w, self.v
        p = self.plan.passes[0]
        begin, end = self._range(rows)
        start, stop = (w.add(f"mul i64 {at}, {v.lanes}") for at in self._range(columns))
        stop = self._smaller(stop, self.arguments[f"size:{self.kernel.inner[0]}"])
        apart = w.add(f"icmp ne i64 {rows}, {columns}", "apart")
        self._begin_block(scope, p, batch, begin, end, apart)
        self._transpose(scope, p, begin, end)
        with w.loop("tile", start, stop, str(p.tile)) as tile:
            flag = w.add(f"load volatile i64, ptr {self.arguments['stop']}, align 8")
            with w.when(w.add(f"icmp eq i64 {flag}, 0"), "go"):
                count = self._smaller(w.add(f"sub i64 {stop}, {tile.counter}"), str(p.tile))
                self._pack(scope, p, tile.counter, count)
                self._pack_panels(scope, p, tile.counter, count)
                whole = w.add(f"and i64 {w.add(f'add i64 {count}, {v.lanes - 1}')}, {-v.lanes}")
                # on the diagonal: rows before the tile, and then those that are its columns
                here = w.add(f"sdiv i64 {tile.counter}, {v.lanes}")
                past = w.add(f"add i64 {here}, {w.add(f'sdiv i64 {whole}, {v.lanes}')}")
                middle = w.add(f"select i1 {apart}, i64 {end}, i64 {here}")
                past = w.add(f"select i1 {apart}, i64 {end}, i64 {past}")
                with w.loop("part", "0", "2", "1", nonempty=True) as part:
                    both = w.add(f"icmp eq i64 {part.counter}, 0")
                    first = w.add(f"select i1 {both}, i64 {begin}, i64 {middle}")
                    last = w.add(f"select i1 {both}, i64 {middle}, i64 {past}")
                    self._visit_tile(scope, p, (first, last, begin), tile.counter, count, whole)
                    with w.when(both, "both"):
                        self._add_mirrored(batch, tile.counter, whole, p.tile + APART)
        with w.loop("sums", begin, end, "1") as row:
            local = w.add(f"sub i64 {row.counter}, {begin}")
            first = w.add(f"mul i64 {row.counter}, {v.lanes}")
            for acc, k in self._numbered():
                (sums,), (wide,) = acc.widen(v, self._get(acc, local)), acc.wide
                self._add_to_sums(batch, str(k), first, wide, sums)

    def _begin_block(
        self, scope: Scope, p: Pass, batch: str, begin: str, end: str, apart: str
    ) -> None:
        """No sums yet, and what is known of the rows; sums in memory are cleared in turn 0."""
        w, v = self.w, self.v
        with w.loop("block", begin, end, "1") as row:
            local = w.add(f"sub i64 {row.counter}, {begin}")
            for acc in p.rows:
                self._put(acc, local, acc.identity(v))
            here = self._row_scope(scope, row.counter)
            for n in p.hoisted:
                if id(n) in self.row_values:
                    self._write([self.row_values[id(n)]], [n.dtype], local, [here.value(n)])
            with w.when(w.add(f"xor i1 {apart}, true"), "clear"):
                first = w.add(f"mul i64 {row.counter}, {v.lanes}")
                for acc, k in self._numbered():
                    kind, where = self._sums(batch, str(k), first, acc.wide[0])
                    w.do(f"store {kind} {v.constant(0, acc.wide[0])}, ptr {where}, align 8")

    def _visit_tile(
        self, scope: Scope, p: Pass, rows: tuple[str, str, str], base: str, count: str, whole: str
    ) -> None:
        """A tile against rows from the first of three to the second, in a block from the third."""
        w = self.w
        first, last, begin = rows
        with w.loop("clear", "0", whole, "1", nonempty=True) as column:
            for acc in p.mirrored:
                self._put_column(acc, column.counter, acc.identity(self.v))
        with w.loop("row", first, last, "1") as row:
            self._row(scope, p, row.counter, begin, base, count)

    def _numbered(self) -> list[tuple[Mirrored, int]]:
        """The sums in the order in which they lie in memory."""
        return [(acc, k) for k, acc in enumerate(a for _, sums in self._by_dtype() for a in sums)]

    def _sums(self, batch: str, number: str, row: str, wide: DType) -> tuple[str, str]:
        """A vector of the sums of rows in memory, [batch][number][row]: its type and its place."""
        w, a, v = self.w, self.arguments, self.v
        rows = w.add(f"mul i64 {a['groups_per_batch']}, {a['vectors_per_task']}")
        line = w.add(f"mul i64 {batch}, {len(self.plan.mirrored)}")
        line = w.add(f"mul i64 {w.add(f'add i64 {line}, {number}')}, {rows}")
        at = w.add(f"add i64 {w.add(f'mul i64 {line}, {v.lanes}')}, {row}")
        return v.type(wide), w.add(f"getelementptr i64, ptr {a['columns']}, i64 {at}")

    def _add_to_sums(self, batch: str, number: str, row: str, wide: DType, part: str) -> None:
        kind, where = self._sums(batch, number, row, wide)
        old = self.w.add(f"load {kind}, ptr {where}, align 8")
        new = self.v.binary("fadd", wide, old, part)
        self.w.do(f"store {kind} {new}, ptr {where}, align 8")

    def _add_mirrored(self, batch: str, base: str, count: str, line: int) -> None:
        """What the columns of a tile were given joins their sums, a vector of columns at a time."""
        w, v = self.w, self.v
        before = 0
        for dtype, sums in self._by_dtype():
            kind, (wide,) = v.type(dtype), sums[0].wide
            first, _ = self.column_sums[id(sums[0])][0]
            with w.loop("sum", "0", str(len(sums)), "1", nonempty=True) as number:
                start = w.add(f"mul i64 {number.counter}, {line}")
                which = w.add(f"add i64 {number.counter}, {before}")
                with w.loop("column", "0", count, str(v.lanes), nonempty=True) as column:
                    at = w.add(f"add i64 {start}, {column.counter}")
                    here = w.add(f"getelementptr {kind}, ptr {first}, i64 {at}")
                    places = [
                        w.add(f"getelementptr {kind}, ptr {here}, i64 {k}") for k in range(v.lanes)
                    ]
                    lines = [w.add(f"load {kind}, ptr {place}") for place in places]
                    part = v.cast(_sums_of_lines(v, lines, dtype), dtype, wide)
                    row = w.add(f"add i64 {base}, {column.counter}")
                    self._add_to_sums(batch, which, row, wide, part)
            before += len(sums)


def _sums_of_lines(v: Vectors, lines: list[str], dtype: DType) -> str:
    """The sums of as many vectors as there are lanes, one in each lane.

    Two vectors become one, again and again: first within parts of 16 bytes, and then by parts, as
    there are instructions for both.
    """
    kind, lanes = v.type(dtype), v.lanes
    part = min(lanes, max(1, PART // dtype.itemsize))
    while len(lines) > 1:
        within = lanes // len(lines) < part
        unit, size = (1, part) if within else (part, lanes)
        orders = [
            [
                vector * lanes + start + k + j
                for start in range(0, lanes, size)
                for vector in (0, 1)
                for k in range(odd * unit, size, 2 * unit)
                for j in range(unit)
            ]
            for odd in (0, 1)
        ]
        masks = [", ".join(f"i32 {k}" for k in order) for order in orders]
        lines = [
            v.binary("fadd", dtype, *(
                v.w.add(f"shufflevector {kind} {a}, {kind} {b}, <{lanes} x i32> <{mask}>")
                for mask in masks
            ))
            for a, b in zip(lines[::2], lines[1::2], strict=True)
        ]  # fmt: skip
    return lines[0]
