"""Nearest columns by quantised distances, in machine code.

    nearest(words, first, last)     rows first … last - 1; 0 if they were not done

Both sides of a pair are rounded to multiples of one step, a and b in -127 … 127, of which G = a·b -
⌊|b|²/2⌋ takes one instruction for four terms, exactly. |a - b|² is |a|² - 2G or one more, and by
the triangle inequality the distance of a pair is within w of |a - b| steps, w being how far its row
and any column were moved. So a column can only win if its G comes up to a threshold, which follows
from the largest G of its row. The few that do are computed as the kernel computes all of them: a
sum of squared differences in its own precision, in the order of the long index.

For each `2 · lanes` rows: quantise them, [word of 4 codes][row]; for each tile of columns, G in
register tiles, then a list of those that come up to the threshold so far; at the end, what is left
of the list under the last threshold.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .target import Target
from .text import Writer, literal, scalar_type, vector_type

WORDS = (
    "rows", "row_step", "columns", "column_step", "dimension", "count", "panels", "starts",
    "center", "numbers", "most", "values", "value_step", "indices", "index_step", "stop",
)  # fmt: skip
POINTERS = ("rows", "columns", "panels", "starts", "center", "numbers", "values", "indices", "stop")
TILE = 1024  # columns
LIST = 2048  # candidates of the rows that are together
ALONG = 16  # of the long index, when rows are quantised
CHAINS = 8  # candidates whose sums run beside each other
FARTHEST = 8192.0  # steps that a row may be moved
BEYOND = -(1 << 30)  # G of no column


def panel_of(target: Target) -> int:
    """Columns of a register tile."""
    return 8 if target.registers >= 32 else 4


class Nearest:
    """The text for one element type."""

    def __init__(self, dtype: np.dtype[np.generic], root: bool, target: Target):
        self.w = Writer()
        self.dtype, self.root, self.target = dtype, root, target
        self.element = scalar_type(dtype)
        self.lanes = target.lanes_of(np.dtype(np.int32))
        self.rows = 2 * self.lanes
        self.panel = panel_of(target)

    # -------------------------------------------------------------- text

    def module(self) -> str:
        """The function and what it calls."""
        body = self._function()
        declared = dict.fromkeys(self._declarations())  # some are the same for some lanes
        return "\n".join([*declared, "", *self._dot(), "", *body])

    def _declarations(self) -> list[str]:
        e, along = self.element, vector_type(self.element, ALONG)
        kind = f"v{ALONG}f{8 * self.dtype.itemsize}"
        plain = f"f{8 * self.dtype.itemsize}"
        whole, some = vector_type("i32", self.rows), vector_type("float", self.rows)
        return [
            "declare ptr @malloc(i64)", "declare void @free(ptr)",
            f"declare {along} @llvm.masked.load.{kind}.p0(ptr, i32, <{ALONG} x i1>, {along})",
            f"declare {along} @llvm.roundeven.{kind}({along})",
            f"declare {along} @llvm.maxnum.{kind}({along}, {along})",
            f"declare {along} @llvm.minnum.{kind}({along}, {along})",
            f"declare {e} @llvm.vector.reduce.fadd.{kind}({e}, {along})",
            f"declare {e} @llvm.sqrt.{plain}({e})",
            f"declare {some} @llvm.sqrt.v{self.rows}f32({some})",
            f"declare {some} @llvm.maxnum.v{self.rows}f32({some}, {some})",
            f"declare {whole} @llvm.smax.v{self.rows}i32({whole}, {whole})",
            f"declare {self._codes()} @llvm.smax.v{self.lanes}i32({self._codes()}, {self._codes()})"
            if self.lanes > 1
            else "declare i32 @llvm.smax.i32(i32, i32)",
            "declare i64 @llvm.smin.i64(i64, i64)",
            f"declare i{self.rows} @llvm.cttz.i{self.rows}(i{self.rows}, i1)",
        ]  # fmt: skip

    def _codes(self) -> str:
        return vector_type("i32", self.lanes)

    def _dot(self) -> list[str]:
        """total + Σ of four products, of unsigned bytes of a with signed ones of b."""
        kind, lanes = self._codes(), self.lanes
        head = f"define internal {kind} @dot({kind} %t, {kind} %a, {kind} %b) alwaysinline {{"
        if has_dot(self.target) and lanes >= 4:
            name = f"@llvm.x86.avx512.vpdpbusd.{32 * lanes}"
            call = f"call {kind} {name}({kind} %t, {kind} %a, {kind} %b)"
            declared = f"declare {kind} {name}({kind}, {kind}, {kind})"
            return [declared, head, "entry:", f"  %r = {call}", f"  ret {kind} %r", "}"]
        w, total = Writer(), "%t"

        def all_lanes(number: int) -> str:
            return w.splat("i32", str(number), lanes)

        for k in range(4):
            a = w.add(f"lshr {kind} %a, {all_lanes(8 * k)}")
            a = w.add(f"and {kind} {a}, {all_lanes(255)}")
            b = w.add(f"shl {kind} %b, {all_lanes(24 - 8 * k)}")
            b = w.add(f"ashr {kind} {b}, {all_lanes(24)}")
            total = w.add(f"add {kind} {total}, {w.add(f'mul {kind} {a}, {b}')}")
        return [head, "entry:", *w.lines, f"  ret {kind} {total}", "}"]

    def _function(self) -> list[str]:
        w, rows = self.w, self.rows
        self.a = {}
        for k, name in enumerate(WORDS):
            place = w.add(f"getelementptr i64, ptr %words, i64 {k}")
            self.a[name] = w.add(f"load i64, ptr {place}", name)
        self.p = {n: w.add(f"inttoptr i64 {self.a[n]} to ptr", n) for n in POINTERS}
        self.inverse, self.delta, self.grow = (
            self._load("float", self.p["numbers"], str(k)) for k in range(3)
        )
        self._allocate()
        with w.loop("block", "%first", "%last", str(rows), [("i1", "true")]) as block:
            left = w.add(f"sub i64 %last, {block.counter}")
            some = self._smaller(left, str(rows))
            fits = self._quantise(block.counter, some)
            go = w.add(f"and i1 {block.carried[0]}, {fits}")
            with w.when(go, "go") as branch:
                size = self._search()
                enough = w.add(f"icmp sle i64 {size}, {self.a['most']}")
                with w.when(enough, "few"):
                    self._evaluate(block.counter, some, size)
                    self._write(block.counter, some)
            block.next = [w.either(branch, "i1", enough, "false")]
        w.do(f"call void @free(ptr {self.heap})")
        w.do(f"ret i64 {w.add(f'zext i1 {block.results[0]} to i64')}")
        return ["define i64 @nearest(ptr %words, i64 %first, i64 %last) {", "entry:", *w.lines, "}"]

    def _allocate(self) -> None:
        """G and the codes of rows on the heap; the rest on the stack."""
        w, rows, e = self.w, self.rows, self.element
        terms = self.a["dimension"]
        self.whole = w.add(f"and i64 {w.add(f'add i64 {terms}, {ALONG - 1}')}, {-ALONG}", "whole")
        self.words = w.add(f"sdiv i64 {w.add(f'add i64 {terms}, 3')}, 4", "words")
        tile = 4 * TILE * rows
        size = w.add(f"add i64 {w.add(f'mul i64 {self.whole}, {rows}')}, {tile + 64}")
        heap = self.heap = w.add(f"call ptr @malloc(i64 {size})", "memory")
        at = w.add(f"add i64 {w.add(f'ptrtoint ptr {heap} to i64')}, 63")
        products = w.add(f"inttoptr i64 {w.add(f'and i64 {at}, -64')} to ptr", "products")
        self.codes = w.add(f"getelementptr i8, ptr {products}, i64 {tile}", "codes")
        arrays = {
            "tops": ("i32", TILE // self.panel * rows),
            "moved": ("float", rows), "length": ("float", rows), "threshold": ("i32", rows),
            "lane": ("i32", LIST + 1), "column": ("i64", LIST + 1), "product": ("i32", LIST + 1),
            "best": (e, rows), "place": ("i64", rows),
        }  # fmt: skip
        self.memory = {
            name: w.add(f"alloca {kind}, i64 {count + CHAINS}, align 64", name)
            for name, (kind, count) in arrays.items()
        }
        self.memory["products"] = products

    # -------------------------------------------------------------- memory

    def _at(self, kind: str, pointer: str, place: str) -> str:
        return self.w.add(f"getelementptr {kind}, ptr {pointer}, i64 {place}")

    def _load(self, kind: str, pointer: str, place: str, element: str = "", align: int = 4) -> str:
        where = self._at(element or kind, pointer, place)
        return self.w.add(f"load {kind}, ptr {where}, align {align}")

    def _store(self, kind: str, value: str, pointer: str, place: str, element: str = "") -> None:
        where = self._at(element or kind, pointer, place)
        self.w.do(f"store {kind} {value}, ptr {where}, align 4")

    def _smaller(self, x: str, y: str) -> str:
        return self.w.add(f"call i64 @llvm.smin.i64(i64 {x}, i64 {y})")

    def _row_of(self, side: str, i: str) -> str:
        """Where a row or a column starts."""
        w = self.w
        step = self.a["row_step" if side == "rows" else "column_step"]
        return w.add(f"getelementptr i8, ptr {self.p[side]}, i64 {w.add(f'mul i64 {i}, {step}')}")

    # -------------------------------------------------------------- rows

    def _quantise(self, first: str, some: str) -> str:
        """Codes of some rows, how far they were moved and |a|²; whether they could be moved."""
        w, e, rows = self.w, self.element, self.rows
        kind, bits = vector_type(e, ALONG), f"v{ALONG}f{8 * self.dtype.itemsize}"
        last = w.add(f"sub i64 {some}, 1")
        inverse, delta = self.inverse, self.delta
        if e != "float":
            inverse = w.add(f"fpext float {inverse} to {e}")
        scale = w.splat(e, inverse, ALONG)
        top, low = (w.splat(e, literal(x, self.dtype), ALONG) for x in (127.0, -127.0))
        zero = f"{e} {literal(0, self.dtype)}"

        def call(name: str, *args: str) -> str:
            given = ", ".join(f"{kind} {a}" for a in args)
            return w.add(f"call {kind} @llvm.{name}.{bits}({given})")

        with w.loop("row", "0", str(rows), "1", [("i1", "true")], nonempty=True) as row:
            source = self._row_of(
                "rows", w.add(f"add i64 {first}, {self._smaller(row.counter, last)}")
            )
            start = [(kind, "zeroinitializer")] * 2
            with w.loop("along", "0", self.whole, str(ALONG), start, nonempty=True) as loop:
                left = w.add(f"sub i64 {self.a['dimension']}, {loop.counter}")
                places = "<" + ", ".join(f"i64 {k}" for k in range(ALONG)) + ">"
                mask = w.add(f"icmp slt <{ALONG} x i64> {places}, {w.splat('i64', left, ALONG)}")
                where = self._at(e, source, loop.counter)
                x = w.add(
                    f"call {kind} @llvm.masked.load.{bits}.p0(ptr {where}, i32 "
                    f"{self.dtype.itemsize}, <{ALONG} x i1> {mask}, {kind} zeroinitializer)"
                )
                middle = self._load(kind, self.p["center"], loop.counter, e)
                x = w.add(f"fmul {kind} {w.add(f'fsub {kind} {x}, {middle}')}, {scale}")
                a = call("roundeven", call("maxnum", call("minnum", x, top), low))
                rest = w.add(f"fsub {kind} {x}, {a}")
                loop.next = [
                    w.add(f"fadd contract {kind} {old}, {w.add(f'fmul contract {kind} {v}, {v}')}")
                    for old, v in zip(loop.carried, (rest, a), strict=True)
                ]
                code = w.add(f"fptosi {kind} {a} to <{ALONG} x i8>")
                code = w.add(f"xor <{ALONG} x i8> {code}, {w.splat('i8', '-128', ALONG)}")
                four = w.add(f"bitcast <{ALONG} x i8> {code} to <{ALONG // 4} x i32>")
                at = w.add(f"mul i64 {w.add(f'lshr i64 {loop.counter}, 2')}, {rows}")
                at = w.add(f"add i64 {at}, {row.counter}")
                for k in range(ALONG // 4):
                    word = w.add(f"extractelement <{ALONG // 4} x i32> {four}, i64 {k}")
                    self._store("i32", word, self.codes, w.add(f"add i64 {at}, {k * rows}"))
            sums = [
                w.add(f"call reassoc {e} @llvm.vector.reduce.fadd.{bits}({zero}, {kind} {s})")
                for s in loop.results
            ]
            sums[0] = w.add(f"call {e} @llvm.sqrt.f{8 * self.dtype.itemsize}({e} {sums[0]})")
            if e != "float":
                sums = [w.add(f"fptrunc {e} {s} to float") for s in sums]
            up = literal(1.001, np.dtype(np.float32))
            moved = w.add(f"fadd float {w.add(f'fmul float {sums[0]}, {up}')}, {delta}")
            self._store("float", moved, self.memory["moved"], row.counter)
            self._store("float", sums[1], self.memory["length"], row.counter)
            near = w.add(f"fcmp olt float {moved}, {literal(FARTHEST, np.dtype(np.float32))}")
            row.next = [w.add(f"and i1 {row.carried[0]}, {near}")]
        return row.results[0]

    # -------------------------------------------------------------- pairs

    def _search(self) -> str:
        """The list of candidates; gives its length."""
        w, kind = self.w, vector_type("i32", self.rows)
        lowest = w.splat("i32", str(-(1 << 31)), self.rows)
        start = [(kind, lowest), ("i64", "0")]
        with w.loop("tile", "0", self.a["count"], str(TILE), start, nonempty=True) as tile:
            flag = w.add(f"load volatile i64, ptr {self.p['stop']}, align 8")
            left = w.add(f"sub i64 {self.a['count']}, {tile.counter}")
            none = w.add(f"icmp ne i64 {flag}, 0")
            left = w.add(f"select i1 {none}, i64 0, i64 {left}")
            count = self._smaller(left, str(TILE))
            top = self._products(tile.counter, count, tile.carried[0])
            self._thresholds(top)
            size = self._collect(tile.counter, count, tile.carried[1])
            tile.next = [top, size]
        return self._prune(tile.results[1])

    def _products(self, base: str, count: str, top: str) -> str:
        """G of a tile, and its largest so far."""
        w, kind, lanes, panel = self.w, self._codes(), self.lanes, self.panel
        whole = vector_type("i32", self.rows)
        depth = w.add(f"mul i64 {self.words}, {panel}")
        with w.loop("panel", "0", count, str(panel), [(whole, top)]) as columns:
            first = w.add(f"add i64 {base}, {columns.counter}")
            number = w.add(f"sdiv i64 {first}, {panel}")
            codes = self._at("i32", self.p["panels"], w.add(f"mul i64 {number}, {depth}"))
            starts = []
            for k in range(panel):
                one = self._load("i32", self.p["starts"], w.add(f"add i64 {first}, {k}"))
                starts += [(kind, w.splat("i32", one, lanes))] * 2
            with w.loop("word", "0", self.words, "1", starts, nonempty=True) as word:
                at = w.add(f"mul i64 {word.counter}, {self.rows}")
                sides = [
                    self._load(kind, self.codes, w.add(f"add i64 {at}, {half * lanes}"), "i32")
                    for half in range(2)
                ]
                at = w.add(f"mul i64 {word.counter}, {panel}")
                for k in range(panel):
                    one = self._load("i32", codes, w.add(f"add i64 {at}, {k}"))
                    one = w.splat("i32", one, lanes)
                    for half, side in enumerate(sides):
                        total = word.carried[2 * k + half]
                        given = f"{kind} {total}, {kind} {side}, {kind} {one}"
                        word.next.append(w.add(f"call {kind} @dot({given})"))
            tops = []
            name = f"v{lanes}i32" if lanes > 1 else "i32"
            for half in range(2):
                best = word.results[half]
                for k in range(1, panel):
                    pair = f"{kind} {best}, {kind} {word.results[2 * k + half]}"
                    best = w.add(f"call {kind} @llvm.smax.{name}({pair})")
                tops.append(best)
            for k in range(panel):
                at = w.add(f"mul i64 {w.add(f'add i64 {columns.counter}, {k}')}, {self.rows}")
                for half in range(2):
                    place = w.add(f"add i64 {at}, {half * lanes}")
                    value = word.results[2 * k + half]
                    self._store(kind, value, self.memory["products"], place, "i32")
            at = w.add(f"mul i64 {w.add(f'sdiv i64 {columns.counter}, {panel}')}, {self.rows}")
            for half, best in enumerate(tops):
                place = w.add(f"add i64 {at}, {half * lanes}")
                self._store(kind, best, self.memory["tops"], place, "i32")
            both = self._load(whole, self.memory["tops"], at, "i32")
            columns.next = [
                w.add(
                    f"call {whole} @llvm.smax.v{self.rows}i32({whole} {columns.carried[0]}, "
                    f"{whole} {both})"
                )
            ]
        return columns.results[0]

    def _thresholds(self, top: str) -> None:
        """What G must come up to, from the largest so far: see above; roundings are added."""
        w, rows = self.w, self.rows
        kind, whole = vector_type("float", rows), vector_type("i32", rows)

        def number(x: float) -> str:
            return w.splat("float", literal(x, np.dtype(np.float32)), rows)

        def op(name: str, x: str, y: str) -> str:
            return w.add(f"{name} {kind} {x}, {y}")

        moved = self._load(kind, self.memory["moved"], "0")
        length = self._load(kind, self.memory["length"], "0")
        product = w.add(f"sitofp {whole} {top} to {kind}")
        square = op("fsub", op("fmul", length, number(1 + 4e-6)), op("fadd", product, product))
        square = op("fadd", square, number(2))
        zero = number(0)
        square = w.add(f"call {kind} @llvm.maxnum.v{rows}f32({kind} {square}, {kind} {zero})")
        root = w.add(f"call {kind} @llvm.sqrt.v{rows}f32({kind} {square})")
        reach = op("fmul", op("fadd", root, moved), w.splat("float", self.grow, rows))
        reach = op("fadd", reach, moved)
        reach = op("fmul", reach, reach)
        gap = op("fmul", op("fsub", length, reach), number(0.5))
        slack = op("fadd", op("fmul", op("fadd", length, reach), number(2e-6)), number(2))
        least = w.add(f"fptosi {kind} {op('fsub', gap, slack)} to {whole}")
        self._store(whole, least, self.memory["threshold"], "0")

    def _collect(self, base: str, count: str, size: str) -> str:
        """Put those of a tile that come up to the thresholds on the list."""
        w, rows = self.w, self.rows
        whole, stack = vector_type("i32", rows), self.memory
        least = self._load(whole, stack["threshold"], "0")

        def reaches(memory: str, line: str) -> str:
            found = self._load(whole, memory, w.add(f"mul i64 {line}, {rows}"), "i32")
            mask = w.add(f"icmp sge {whole} {found}, {least}")
            return w.add(f"bitcast <{rows} x i1> {mask} to i{rows}")

        with w.loop("panel", "0", count, str(self.panel), [("i64", size)]) as columns:
            mask = reaches(stack["tops"], w.add(f"sdiv i64 {columns.counter}, {self.panel}"))
            before = columns.carried[0]
            with w.when(w.add(f"icmp ne i{rows} {mask}, 0"), "some") as branch:
                end = w.add(f"add i64 {columns.counter}, {self.panel}")
                start = [("i64", before)]
                with w.loop("column", columns.counter, end, "1", start, nonempty=True) as column:
                    mask = reaches(stack["products"], column.counter)
                    found = column.carried[0]
                    with w.when(w.add(f"icmp ne i{rows} {mask}, 0"), "found") as inner:
                        after = self._append(mask, found, base, column.counter)
                    column.next = [w.either(inner, "i64", after, found)]
            columns.next = [w.either(branch, "i64", column.results[0], before)]
        return columns.results[0]

    def _append(self, mask: str, size: str, base: str, column: str) -> str:
        """Add the rows of a mask to the list; beyond its end, it only gets longer."""
        w, bits = self.w, f"i{self.rows}"
        j = w.add(f"add i64 {base}, {column}")
        line = w.add(f"mul i64 {column}, {self.rows}")
        with w.repeat("bit", [(bits, mask), ("i64", size)]) as bit:
            left, found = bit.carried
            lane = w.add(f"call {bits} @llvm.cttz.{bits}({bits} {left}, i1 true)")
            lane = w.add(f"{'zext' if self.rows < 64 else 'bitcast'} {bits} {lane} to i64")
            short = w.add(f"trunc i64 {lane} to i32")
            place = self._smaller(found, str(LIST))
            product = self._load("i32", self.memory["products"], w.add(f"add i64 {line}, {lane}"))
            self._store("i32", short, self.memory["lane"], place)
            self._store("i64", j, self.memory["column"], place)
            self._store("i32", product, self.memory["product"], place)
            rest = w.add(f"and {bits} {left}, {w.add(f'sub {bits} {left}, 1')}")
            more = w.add(f"add i64 {found}, 1")
            bit.next = [rest, more]
            bit.again = w.add(f"icmp ne {bits} {rest}, 0")
        return more

    def _prune(self, size: str) -> str:
        """Keep what comes up to the last threshold; a list that was too long stays so."""
        w, stack = self.w, self.memory
        short = w.add(f"icmp sle i64 {size}, {LIST}")
        end = w.add(f"select i1 {short}, i64 {size}, i64 0")
        with w.loop("prune", "0", end, "1", [("i64", "0")]) as loop:
            kept = loop.carried[0]
            lane = self._load("i32", stack["lane"], loop.counter)
            product = self._load("i32", stack["product"], loop.counter)
            column = self._load("i64", stack["column"], loop.counter)
            self._store("i32", lane, stack["lane"], kept)
            self._store("i64", column, stack["column"], kept)
            wide = w.add(f"zext i32 {lane} to i64")
            least = self._load("i32", stack["threshold"], wide)
            stays = w.add(f"icmp sge i32 {product}, {least}")
            loop.next = [w.add(f"add i64 {kept}, {w.add(f'zext i1 {stays} to i64')}")]
        return w.add(f"select i1 {short}, i64 {loop.results[0]}, i64 {LIST + 1}")

    # -------------------------------------------------------------- candidates

    def _evaluate(self, first: str, some: str, size: str) -> None:
        """The kernel's own value of each candidate; of equal ones the first column stays."""
        w, e, stack = self.w, self.element, self.memory
        infinite = literal(np.inf, self.dtype)
        with w.loop("clear", "0", str(self.rows), "1", nonempty=True) as row:
            self._store(e, infinite, stack["best"], row.counter)
            self._store("i64", "0", stack["place"], row.counter)
        last, last_row = w.add(f"sub i64 {size}, 1"), w.add(f"sub i64 {some}, 1")
        with w.loop("group", "0", size, str(CHAINS)) as group:
            lanes, columns, sides = [], [], []
            for k in range(CHAINS):
                at = self._smaller(w.add(f"add i64 {group.counter}, {k}"), last)
                lane = w.add(f"zext i32 {self._load('i32', stack['lane'], at)} to i64")
                lanes.append(lane)
                columns.append(self._load("i64", stack["column"], at))
                i = w.add(f"add i64 {first}, {self._smaller(lane, last_row)}")
                sides.append((self._row_of("rows", i), self._row_of("columns", columns[-1])))
            start = [(e, literal(0, self.dtype))] * CHAINS
            size_of = self.dtype.itemsize
            with w.loop("term", "0", self.a["dimension"], "1", start, nonempty=True) as term:
                for (x, y), total in zip(sides, term.carried, strict=True):
                    x, y = (self._load(e, p, term.counter, align=size_of) for p in (x, y))
                    gap = w.add(f"fsub {e} {y}, {x}")
                    square = w.add(f"fmul contract {e} {gap}, {gap}")
                    term.next.append(w.add(f"fadd contract {e} {total}, {square}"))
            for lane, column, value in zip(lanes, columns, term.results, strict=True):
                if self.root:
                    value = w.add(f"call {e} @llvm.sqrt.f{8 * size_of}({e} {value})")
                old = self._load(e, stack["best"], lane)
                place = self._load("i64", stack["place"], lane)
                less = w.add(f"fcmp olt {e} {value}, {old}")
                value = w.add(f"select i1 {less}, {e} {value}, {e} {old}")
                column = w.add(f"select i1 {less}, i64 {column}, i64 {place}")
                self._store(e, value, stack["best"], lane)
                self._store("i64", column, stack["place"], lane)

    def _write(self, first: str, some: str) -> None:
        """The results that are asked for."""
        w = self.w
        results: Sequence[tuple[str, str, str, str]] = (
            ("values", "value_step", "best", self.element),
            ("indices", "index_step", "place", "i64"),
        )
        for name, step, memory, kind in results:
            with (
                w.when(w.add(f"icmp ne i64 {self.a[name]}, 0"), name),
                w.loop("row", "0", some, "1") as row,
            ):
                i = w.add(f"add i64 {first}, {row.counter}")
                offset = w.add(f"mul i64 {i}, {self.a[step]}")
                value = self._load(kind, self.memory[memory], row.counter)
                where = w.add(f"getelementptr i8, ptr {self.p[name]}, i64 {offset}")
                w.do(f"store {kind} {value}, ptr {where}")


def has_dot(target: Target) -> bool:
    """Whether the machine multiplies four pairs of bytes and adds them in one instruction."""
    return target.has("avx512vnni", "avx512vl") or target.has("avxvnni")
