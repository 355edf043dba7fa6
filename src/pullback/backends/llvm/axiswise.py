"""Reductions and scans of arrays along an axis, in machine code.

Memory is in order, (outer, n, inner) with the axis in the middle. Every function goes through some
tasks, `name(arguments, first, last)`, so that a `team` can share them; what is a task depends on
sizes alone. For a dtype,

    rows       inner is 1: parts of rows are reduced along memory, in several vectors
    columns    blocks of the axis are reduced element by element, eight at a time
    scan       what is known of all elements up to each: eight rows at a time, or vectors of columns

A `Scan` says what is carried and what is written. Sums and products of float32 are carried in
float64, as PyTorch does.
"""

from __future__ import annotations

import ctypes
import functools
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .compile import library
from .target import Target, host
from .team import share
from .text import Writer, literal, scalar_type, vector_type

DType = np.dtype[Any]
F4, F8, I8 = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int64)
SUMS = 4  # vectors that a row is reduced to
ROWS = 8  # rows of a scan at a time
STRIP = 8  # vectors of columns of a scan at a time
TALL = 8  # elements of a column that are combined at a time


class Function:
    """Machine code `name(arguments, first task, last task)`."""

    def __init__(self, address: int):
        self.address = address
        self.call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(address)

    def __call__(self, arguments: Sequence[int], tasks: int, size: int = 1) -> None:
        """All tasks, as many at a time."""
        block = array("q", arguments)
        share(self.call, self.address, block.buffer_info()[0], tasks, size)


@functools.cache
def reductions(kind: str, dtype: DType, target: Target | None = None) -> tuple[Function, Function]:
    """`rows` and `columns` of a kind: sum, prod, max or min; or squares, which are added up."""
    target = target or host()
    printer = _Reduction(kind, dtype, target)
    keep, address = library("\n\n".join((printer.rows(), printer.columns())), target)
    functions = Function(address("rows")), Function(address("columns"))
    _loaded.append(keep)
    return functions


@functools.cache
def scan(kind: str, dtype: DType, target: Target | None = None) -> tuple[Function, Function, int]:
    """The two functions of a scan, for rows and for columns, and how many columns are a task."""
    target = target or host()
    printer = _ScanPrinter(SCANS[kind](dtype), target.lanes_of(dtype))
    keep, address = library("\n\n".join((printer.rows(), printer.columns())), target)
    _loaded.append(keep)
    return Function(address("rows")), Function(address("columns")), STRIP * printer.lanes


_loaded: list[Any] = []  # what owns the machine code


class _Printer:
    """Lines for vectors, or single numbers, of some dtypes."""

    def __init__(self) -> None:
        self.w = Writer()

    def begin(self, *names: str) -> None:
        """A function's arguments: words at the start of a block, pointers if they end with a
        capital."""
        self.w = Writer()
        for k, name in enumerate(names):
            at = self.w.add(f"getelementptr i64, ptr %arguments, i64 {k}")
            kind = "ptr" if name[-1].isupper() else "i64"
            self.w.do(f"%{name} = load {kind}, ptr {at}, align 8")

    def end(self, name: str) -> str:
        """The text of the function."""
        head = f"define void @{name}(ptr %arguments, i64 %first, i64 %last) {{"
        return "\n".join([head, "entry:", *self.w.lines, "  ret void", "}"])

    def at(self, pointer: str, index: str, dtype: DType) -> str:
        return self.w.add(
            f"getelementptr inbounds {scalar_type(dtype)}, ptr {pointer}, i64 {index}", "p"
        )

    def load(self, pointer: str, dtype: DType, lanes: int) -> str:
        kind = vector_type(scalar_type(dtype), lanes)
        return self.w.add(f"load {kind}, ptr {pointer}, align {dtype.itemsize}", "x")

    def store(self, value: str, pointer: str, dtype: DType, lanes: int) -> None:
        kind = vector_type(scalar_type(dtype), lanes)
        self.w.do(f"store {kind} {value}, ptr {pointer}, align {dtype.itemsize}")

    def mul(self, a: str, b: str) -> str:
        return self.w.add(f"mul i64 {a}, {b}")

    def plus(self, a: str, b: str) -> str:
        return self.w.add(f"add i64 {a}, {b}")

    def smaller(self, a: str, b: str) -> str:
        less = self.w.add(f"icmp slt i64 {a}, {b}")
        return self.w.add(f"select i1 {less}, i64 {a}, i64 {b}")

    def divided(self, a: str, b: str) -> tuple[str, str]:
        return self.w.add(f"sdiv i64 {a}, {b}"), self.w.add(f"srem i64 {a}, {b}")

    def whole(self, count: str, step: int) -> str:
        """The largest multiple that is not larger."""
        return self.mul(self.w.add(f"sdiv i64 {count}, {step}"), str(step))


# ---------------------------------------------------------------------------------- reductions


class _Reduction(_Printer):
    def __init__(self, kind: str, dtype: DType, target: Target):
        super().__init__()
        self.kind, self.dtype, self.lanes = kind, dtype, target.lanes_of(dtype)
        self.floating = dtype.kind == "f"
        self.start = literal(_identity(kind, dtype), dtype)

    def kind_of(self, lanes: int) -> str:
        return vector_type(scalar_type(self.dtype), lanes)

    def taken(self, pointer: str, lanes: int) -> str:
        """An element as it is added to others."""
        x = self.load(pointer, self.dtype, lanes)
        if self.kind != "squares":
            return x
        word = "fmul" if self.floating else "mul"
        return self.w.add(f"{word} {self.kind_of(lanes)} {x}, {x}")

    def combine(self, a: str, b: str, lanes: int) -> str:
        kind = self.kind_of(lanes)
        word = {"sum": "add", "squares": "add", "prod": "mul"}.get(self.kind)
        if word:
            return self.w.add(f"{'f' * self.floating}{word} {kind} {a}, {b}")
        # The new element comes second: a NaN there wins, and one in the first is never replaced.
        test = f"{'fcmp o' if self.floating else 'icmp s'}{'g' if self.kind == 'max' else 'l'}t"
        flags = vector_type("i1", lanes)
        better = self.w.add(f"{test} {kind} {b}, {a}")
        if self.floating:
            better = self.w.add(f"or {flags} {better}, {self.w.add(f'fcmp uno {kind} {b}, {b}')}")
        return self.w.add(f"select {flags} {better}, {kind} {b}, {kind} {a}")

    def splat(self) -> str:
        return self.w.splat(scalar_type(self.dtype), self.start, self.lanes)

    def across(self, vector: str) -> str:
        """The lanes of a vector together, halves first."""
        lanes = self.lanes
        while lanes > 1:
            half = lanes // 2
            kind = self.kind_of(lanes)
            parts = []
            for offset in (0, half):
                mask = ", ".join(f"i32 {offset + k}" for k in range(half))
                place = f"<{half} x i32> <{mask}>"
                if half == 1:
                    parts.append(self.w.add(f"extractelement {kind} {vector}, i64 {offset}"))
                else:
                    parts.append(
                        self.w.add(f"shufflevector {kind} {vector}, {kind} poison, {place}")
                    )
            vector = self.combine(parts[0], parts[1], half)
            lanes = half
        return vector

    def rows(self) -> str:
        """Arguments: from, to, the length of rows, parts of a row, the length of parts."""
        self.begin("X", "Y", "n", "parts", "length")
        w, dtype, lanes = self.w, self.dtype, self.lanes
        vector, start = self.kind_of(lanes), self.splat()
        with w.loop("t", "%first", "%last", "1") as t:
            row, part = self.divided(t.counter, "%parts")
            begin = self.mul(part, "%length")
            count = self.smaller("%length", w.add(f"sub i64 %n, {begin}"))
            x = self.at("%X", self.plus(self.mul(row, "%n"), begin), dtype)
            wide, whole = self.whole(count, SUMS * lanes), self.whole(count, lanes)
            with w.loop("i", "0", wide, str(SUMS * lanes), [(vector, start)] * SUMS) as i:
                here = self.at(x, i.counter, dtype)
                for k in range(SUMS):
                    new = self.taken(self.at(here, str(k * lanes), dtype), lanes)
                    i.next.append(self.combine(i.carried[k], new, lanes))
            with w.loop("i", wide, whole, str(lanes), [(vector, i.results[0])]) as j:
                new = self.taken(self.at(x, j.counter, dtype), lanes)
                j.next.append(self.combine(j.carried[0], new, lanes))
            found = [j.results[0], *i.results[1:]]
            total = self.across(self.together(found, lanes))
            with w.loop("i", whole, count, "1", [(self.kind_of(1), total)]) as i:
                new = self.taken(self.at(x, i.counter, dtype), 1)
                i.next.append(self.combine(i.carried[0], new, 1))
            self.store(i.results[0], self.at("%Y", t.counter, dtype), dtype, 1)
        return self.end("rows")

    def columns(self) -> str:
        """Arguments: from, to, the axis' length, inner, blocks, length of blocks, strips, their
        width."""
        self.begin("X", "Y", "n", "inner", "blocks", "length", "strips", "width")
        w, dtype = self.w, self.dtype
        per_outer = self.mul("%blocks", "%strips")
        with w.loop("t", "%first", "%last", "1") as t:
            outer, rest = self.divided(t.counter, per_outer)
            block, strip = self.divided(rest, "%strips")
            begin, left = self.mul(block, "%length"), self.mul(strip, "%width")
            end = self.smaller("%n", self.plus(begin, "%length"))
            width = self.smaller("%width", w.add(f"sub i64 %inner, {left}"))
            first = self.plus(self.mul(outer, "%n"), begin)
            x = self.at("%X", self.plus(self.mul(first, "%inner"), left), dtype)
            line = self.plus(self.mul(outer, "%blocks"), block)
            y = self.at("%Y", self.plus(self.mul(line, "%inner"), left), dtype)
            count = w.add(f"sub i64 {end}, {begin}")
            tall = self.whole(count, TALL)
            self.along(width, lambda i, lanes: self.clear(y, i, lanes))
            for start, stop, height in (("0", tall, TALL), (tall, count, 1)):
                with w.loop("k", start, stop, str(height)) as k:
                    here = self.at(x, self.mul(k.counter, "%inner"), dtype)
                    lines = [here]
                    for _ in range(height - 1):
                        lines.append(self.at(lines[-1], "%inner", dtype))
                    self.along(width, functools.partial(self.fold, y, lines))
        return self.end("columns")

    def along(self, width: str, body: Callable[[str, int], None]) -> None:
        """Columns in vectors, and one by one."""
        whole = self.whole(width, self.lanes)
        with self.w.loop("i", "0", whole, str(self.lanes)) as i:
            body(i.counter, self.lanes)
        with self.w.loop("i", whole, width, "1") as i:
            body(i.counter, 1)

    def clear(self, y: str, i: str, lanes: int) -> None:
        start = self.splat() if lanes > 1 else self.start
        self.store(start, self.at(y, i, self.dtype), self.dtype, lanes)

    def fold(self, y: str, lines: Sequence[str], i: str, lanes: int) -> None:
        """Elements of some lines join what is there."""
        place = self.at(y, i, self.dtype)
        found = [self.taken(self.at(line, i, self.dtype), lanes) for line in lines]
        old = self.load(place, self.dtype, lanes)
        new = self.combine(old, self.together(found, lanes), lanes)
        self.store(new, place, self.dtype, lanes)

    def together(self, found: list[str], lanes: int) -> str:
        """Several values, in pairs."""
        while len(found) > 1:
            pairs = zip(found[::2], found[1::2], strict=True)
            found = [self.combine(a, b, lanes) for a, b in pairs]
        return found[0]


def _identity(kind: str, dtype: DType) -> Any:
    if kind in ("sum", "squares", "prod"):
        return 1 if kind == "prod" else -0.0 if dtype.kind == "f" else 0
    if dtype.kind == "f":
        return -np.inf if kind == "max" else np.inf
    return np.iinfo(dtype).min if kind == "max" else np.iinfo(dtype).max


# --------------------------------------------------------------------------------------- scans


@dataclass
class Scan:
    """What is carried along an axis: values of some dtypes, from their starts; from the end if
    backwards. `step` gives the new ones, and what is written."""

    reads: list[DType]
    writes: list[DType]
    carries: list[tuple[DType, Any]]
    step: Callable[[Steps, str, list[str], list[str]], tuple[list[str], list[str]]]
    backwards: bool = False


class Steps:
    """Arithmetic for `Scan.step`, on as many lanes as are gone through at once."""

    def __init__(self, w: Writer, lanes: int):
        self.w, self.lanes = w, lanes

    def kind(self, dtype: DType) -> str:
        return vector_type(scalar_type(dtype), self.lanes)

    def cast(self, x: str, old: DType, new: DType) -> str:
        if old == new:
            return x
        word = "fpext" if new.itemsize > old.itemsize else "fptrunc"
        return self.w.add(f"{word} {self.kind(old)} {x} to {self.kind(new)}")

    def do(self, word: str, dtype: DType, a: str, b: str) -> str:
        return self.w.add(f"{word} {self.kind(dtype)} {a}, {b}")

    def choose(self, condition: str, dtype: DType, a: str, b: str) -> str:
        flags = vector_type("i1", self.lanes)
        kind = self.kind(dtype)
        return self.w.add(f"select {flags} {condition}, {kind} {a}, {kind} {b}")

    def either(self, a: str, b: str) -> str:
        return self.w.add(f"or {vector_type('i1', self.lanes)} {a}, {b}")

    def splat(self, value: str, dtype: DType) -> str:
        return self.w.splat(scalar_type(dtype), value, self.lanes)


def _running(word: str, start: int, dtype: DType, backwards: bool = False) -> Scan:
    """Running sums or products."""
    wide = F8 if dtype == F4 else dtype
    word = "f" * (dtype.kind == "f") + word

    def step(s: Steps, k: str, xs: list[str], state: list[str]) -> tuple[list[str], list[str]]:
        new = s.do(word, wide, state[0], s.cast(xs[0], dtype, wide))
        return [new], [s.cast(new, wide, dtype)]

    return Scan([dtype], [dtype], [(wide, start)], step, backwards)


def _extreme(largest: bool, dtype: DType) -> Scan:
    """Running extremes and where they are: the last among equals, and a NaN wins."""
    floating = dtype.kind == "f"
    start = _identity("max" if largest else "min", dtype)
    test = f"{'fcmp o' if floating else 'icmp s'}{'g' if largest else 'l'}e"

    def step(s: Steps, k: str, xs: list[str], state: list[str]) -> tuple[list[str], list[str]]:
        better = s.do(test, dtype, xs[0], state[0])
        if floating:
            better = s.either(better, s.do("fcmp uno", dtype, xs[0], xs[0]))
        value = s.choose(better, dtype, xs[0], state[0])
        place = s.choose(better, I8, s.splat(k, I8), state[1])
        return [value, place], [value, place]

    return Scan([dtype], [dtype, I8], [(dtype, start), (I8, 0)], step)


def _recurrence(dtype: DType) -> Scan:
    """s[k] = g[k] + c[k] s[k + 1], from the end."""
    wide = F8 if dtype == F4 else dtype

    def step(s: Steps, k: str, xs: list[str], state: list[str]) -> tuple[list[str], list[str]]:
        g, c = (s.cast(x, dtype, wide) for x in xs)
        new = s.do("fadd contract", wide, s.do("fmul contract", wide, c, state[0]), g)
        return [new], [s.cast(new, wide, dtype)]

    return Scan([dtype, dtype], [dtype], [(wide, 0)], step, backwards=True)


SCANS: dict[str, Callable[[DType], Scan]] = {
    "sum": lambda dtype: _running("add", 0, dtype),
    "sum from the end": lambda dtype: _running("add", 0, dtype, backwards=True),
    "prod": lambda dtype: _running("mul", 1, dtype),
    "max": lambda dtype: _extreme(True, dtype),
    "min": lambda dtype: _extreme(False, dtype),
    "recurrence": _recurrence,
}


class _ScanPrinter(_Printer):
    """Both functions take: what is read, what is written, outer, the axis' length, inner."""

    def __init__(self, made: Scan, lanes: int):
        super().__init__()
        self.scan, self.lanes = made, lanes

    def open(self) -> None:
        reads = [f"x{k}.A" for k in range(len(self.scan.reads))]
        writes = [f"y{k}.A" for k in range(len(self.scan.writes))]
        self.begin(*reads, *writes, "outer", "n", "inner")

    def starts(self, lanes: int, times: int) -> list[tuple[str, str]]:
        found = []
        for dtype, start in self.scan.carries:
            element = scalar_type(dtype)
            value = self.w.splat(element, literal(start, dtype), lanes)
            found.append((vector_type(element, lanes), value))
        return found * times

    def each(self, firsts: Sequence[str], step: str, lanes: int) -> None:
        """Go along the axis from several first elements, `step` apart."""
        w, made = self.w, self.scan
        carried = len(made.carries)
        with w.loop("k", "0", "%n", "1", self.starts(lanes, len(firsts))) as k:
            place = k.counter
            if made.backwards:
                last = w.add("sub i64 %n, 1")
                place = w.add(f"sub i64 {last}, {place}")
            offset = self.mul(place, step)
            steps = Steps(w, lanes)
            for number, first in enumerate(firsts):
                here = self.plus(first, offset)
                xs = [
                    self.load(self.at(f"%x{a}.A", here, dtype), dtype, lanes)
                    for a, dtype in enumerate(made.reads)
                ]
                state = k.carried[number * carried : (number + 1) * carried]
                new, written = made.step(steps, place, xs, state)
                for a, (dtype, value) in enumerate(zip(made.writes, written, strict=True)):
                    self.store(value, self.at(f"%y{a}.A", here, dtype), dtype, lanes)
                k.next += new

    def rows(self) -> str:
        """A task is `ROWS` rows."""
        self.open()
        w = self.w
        with w.loop("t", "%first", "%last", "1") as t:
            top = self.mul(t.counter, str(ROWS))
            bottom = self.smaller(self.plus(top, str(ROWS)), "%outer")
            full = self.plus(top, self.whole(w.add(f"sub i64 {bottom}, {top}"), ROWS))
            for start, stop, count in ((top, full, ROWS), (full, bottom, 1)):
                with w.loop("r", start, stop, str(count)) as r:
                    firsts = [self.mul(r.counter, "%n")]
                    for _ in range(count - 1):
                        firsts.append(self.plus(firsts[-1], "%n"))
                    self.each(firsts, "1", 1)
        return self.end("rows")

    def columns(self) -> str:
        """A task is a strip of columns."""
        self.open()
        w, wide = self.w, STRIP * self.lanes
        strips = w.add(f"sdiv i64 {self.plus('%inner', str(wide - 1))}, {wide}")
        size = self.mul("%n", "%inner")
        with w.loop("t", "%first", "%last", "1") as t:
            outer, strip = self.divided(t.counter, strips)
            left = self.mul(strip, str(wide))
            right = self.smaller(self.plus(left, str(wide)), "%inner")
            count = w.add(f"sub i64 {right}, {left}")
            base = self.mul(outer, size)
            start = left
            for vectors, lanes in ((STRIP, self.lanes), (1, self.lanes), (1, 1)):
                stop = self.plus(left, self.whole(count, vectors * lanes))
                with w.loop("i", start, stop, str(vectors * lanes)) as i:
                    first = self.plus(base, i.counter)
                    firsts = [self.plus(first, str(v * lanes)) for v in range(vectors)]
                    self.each(firsts, "%inner", lanes)
                start = stop
        return self.end("columns")
