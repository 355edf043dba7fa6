"""Rows of numbers brought to mean 0 and variance 1, in machine code, and the way back.

    standard   y = (x - m) r w + b,  with m the mean of a row's x, r = 1 / sqrt(variance + eps)
    back       x' = r (g w - mean(g w) - (x - m) r² mean(g w (x - m))),
               and of each segment, Σ g and r Σ g (x - m)

A row is a number of segments, each of numbers that are neighbours in memory. w and b are those of a
segment, or of the numbers of all segments (`each`). `geometry` has five words: segments, numbers of
one, from row to row, from segment to segment of x, and from row to row of w and b. Sums are those
of pieces of some thousand numbers, added up in float64.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .arrays import functions
from .target import Target, host
from .text import Writer, scalar_type, vector_type

WORDS = ("segments", "length", "row", "segment", "weights")
PIECE = 4096  # numbers that are summed in their own precision
SUMS = 4  # vectors that are added to in turns


class Rows(NamedTuple):
    """The two functions for a dtype, with weights of segments or of each number."""

    standard: Callable[..., None]
    back: Callable[..., None]


@functools.cache
def rows(dtype: np.dtype[Any], each: bool, target: Target | None = None) -> Rows:
    """The functions of arrays, compiled or from disk."""
    target = target or host()
    text = _Printer(dtype, each, target).module()
    return Rows(*functions(text, target, standard="aaaaaaadii", back="aaaaaaaaaii"))


Body = Callable[[str, int, Sequence[str]], list[str]]


class RowPrinter:
    """Text about rows of numbers, for one element type."""

    def __init__(self, dtype: np.dtype[Any], target: Target):
        self.element, self.width = scalar_type(dtype), dtype.itemsize
        self.lanes = target.lanes_of(dtype)

    def sums(self) -> list[str]:
        """What `sweep` needs to be declared."""
        kinds = f"{self.element}, {self.of(self.lanes)}"
        return [f"declare {self.element} @llvm.vector.reduce.fadd({kinds})"] * (self.lanes > 1)

    def of(self, lanes: int) -> str:
        return vector_type(self.element, lanes)

    def at(self, w: Writer, pointer: str, index: str, element: str = "") -> str:
        return w.add(
            f"getelementptr inbounds {element or self.element}, ptr {pointer}, i64 {index}"
        )

    def load(self, w: Writer, pointer: str, index: str, lanes: int = 1) -> str:
        return w.add(f"load {self.of(lanes)}, ptr {self.at(w, pointer, index)}, align {self.width}")

    def store(self, w: Writer, value: str, pointer: str, index: str, lanes: int = 1) -> None:
        place = self.at(w, pointer, index)
        w.do(f"store {self.of(lanes)} {value}, ptr {place}, align {self.width}")

    def op(self, w: Writer, name: str, a: str, b: str, lanes: int = 1) -> str:
        return w.add(f"{name} contract {self.of(lanes)} {a}, {b}")

    def real(self, w: Writer, name: str, a: str, b: str) -> str:
        return w.add(f"{name} double {a}, {b}")

    def wide(self, w: Writer, value: str) -> str:
        return value if self.width == 8 else w.add(f"fpext {self.element} {value} to double")

    def narrow(self, w: Writer, value: str) -> str:
        return value if self.width == 8 else w.add(f"fptrunc double {value} to {self.element}")

    def spread(self, w: Writer, value: str, lanes: int) -> str:
        return w.splat(self.element, value, lanes)

    def whole(self, w: Writer, name: str, a: str, b: str) -> str:
        return w.add(f"{name} i64 {a}, {b}")

    def sweep(self, w: Writer, first: str, stop: str, sums: int, body: Body) -> list[str]:
        """Sums of what `body` adds for the numbers from first to stop: vectors, then one by one."""
        n, lanes, zero = SUMS if sums else 1, self.lanes, f"{self.of(self.lanes)} zeroinitializer"
        length = self.whole(w, "sub", stop, first)
        found: list[str] = ["0.0"] * sums
        if lanes > 1:
            kind, none = zero.split(" zero")[0], "zeroinitializer"
            many = self.whole(w, "and", length, str(-n * lanes))
            middle = self.whole(w, "add", first, many)
            with w.loop("i", first, middle, str(n * lanes), [(kind, none)] * (n * sums)) as i:
                made: list[str] = []
                for k in range(n):
                    at = self.whole(w, "add", i.counter, str(k * lanes)) if k else i.counter
                    made += body(at, lanes, i.carried[k * sums : (k + 1) * sums])
                i.next = made
            totals = []
            for s in range(sums):
                total = i.results[s]
                for k in range(1, n):
                    total = self.op(w, "fadd", total, i.results[k * sums + s], lanes)
                totals.append(total)
            if n > 1:
                ones = self.whole(w, "and", length, str(-lanes))
                end = self.whole(w, "add", first, ones)
                with w.loop("i", middle, end, str(lanes), [(kind, t) for t in totals]) as i:
                    i.next = body(i.counter, lanes, i.carried)
                middle, totals = end, i.results
            found = [
                w.add(
                    f"call reassoc {self.element} @llvm.vector.reduce.fadd({self.element} 0.0, "
                    f"{kind} {t})"
                )
                for t in totals
            ]
        else:
            middle = first
        with w.loop("i", middle, stop, "1", [(self.element, f) for f in found]) as i:
            i.next = body(i.counter, 1, i.carried)
        return i.results

    def pieces(self, w: Writer, length: str, sums: int, body: Body) -> list[str]:
        """`sweep` over all numbers of a segment, with sums in float64."""
        carried = [("double", "0.0")] * sums
        with w.loop("piece", "0", length, str(PIECE), carried) as p:
            end = self.whole(w, "add", p.counter, str(PIECE))
            beyond = w.add(f"icmp slt i64 {length}, {end}")
            end = w.add(f"select i1 {beyond}, i64 {length}, i64 {end}")
            found = self.sweep(w, p.counter, end, sums, body)
            p.next = [
                self.real(w, "fadd", c, self.wide(w, f))
                for c, f in zip(p.carried, found, strict=True)
            ]
        return p.results

    @staticmethod
    def function(name: str, pointers: str, more: str, w: Writer) -> str:
        given = ", ".join(f"ptr noalias %{p}" for p in pointers.split())
        head = f"define void @{name}({given}, {more}i64 %first, i64 %last) {{"
        return "\n".join([head, "entry:", *w.lines, "  ret void", "}"])


class _Printer(RowPrinter):
    """The text for one element type, and weights of segments or of each number."""

    def __init__(self, dtype: np.dtype[Any], each: bool, target: Target):
        super().__init__(dtype, target)
        self.each = each

    def module(self) -> str:
        """Both functions."""
        declared = [*self.sums(), "declare double @llvm.sqrt.f64(double)"]
        return "\n\n".join([*declared, self.standard(), self.back()])

    def start(self, w: Writer) -> tuple[dict[str, str], str]:
        """The geometry, and the numbers of a row as a real."""
        words = {}
        for k, name in enumerate(WORDS):
            place = self.at(w, "%geometry", str(k), "i64")
            words[name] = w.add(f"load i64, ptr {place}, align 8", name)
        total = self.whole(w, "mul", words["segments"], words["length"])
        return words, w.add(f"sitofp i64 {total} to double")

    # --------------------------------------------------------------------------------- standard

    def standard(self) -> str:
        """`standard`."""
        w = Writer()
        words, count = self.start(w)
        with w.loop("row", "%first", "%last", "1") as row:
            offset = self.whole(w, "mul", row.counter, words["row"])
            x, y = self.at(w, "%x", offset), self.at(w, "%y", offset)
            total = self.summed(w, words, x, lambda xs, i, lanes: self.load(w, xs, i, lanes))
            exact = self.real(w, "fdiv", total, count)
            mean = self.narrow(w, exact)

            def square(xs: str, i: str, lanes: int) -> str:
                gap = self.op(w, "fsub", self.load(w, xs, i, lanes), self.spread(w, mean, lanes),
                              lanes)  # fmt: skip
                return self.op(w, "fmul", gap, gap, lanes)

            variance = self.real(w, "fdiv", self.summed(w, words, x, square), count)
            root = w.add(
                f"call double @llvm.sqrt.f64(double {self.real(w, 'fadd', variance, '%eps')})"
            )
            scale = self.narrow(w, self.real(w, "fdiv", "1.0", root))
            self.store(w, mean, "%mean", row.counter)
            self.store(w, scale, "%scale", row.counter)
            first = self.whole(w, "mul", row.counter, words["weights"])
            with w.loop("segment", "0", words["segments"], "1") as s:
                inside = self.whole(w, "mul", s.counter, words["segment"])
                xs, ys = self.at(w, x, inside), self.at(w, y, inside)
                at = self.whole(w, "add", first, s.counter)
                factor, shift = self.load(w, "%w", at), self.load(w, "%b", at)
                if not self.each:
                    factor = self.op(w, "fmul", factor, scale)

                def write(i: str, lanes: int, _: Sequence[str]) -> list[str]:
                    gap = self.op(w, "fsub", self.load(w, xs, i, lanes),
                                  self.spread(w, mean, lanes), lanes)  # fmt: skip
                    if self.each:
                        gap = self.op(w, "fmul", gap, self.spread(w, scale, lanes), lanes)
                        gap = self.op(w, "fmul", gap, self.load(w, "%w", i, lanes), lanes)
                        gap = self.op(w, "fadd", gap, self.load(w, "%b", i, lanes), lanes)
                    else:
                        gap = self.op(w, "fmul", gap, self.spread(w, factor, lanes), lanes)
                        gap = self.op(w, "fadd", gap, self.spread(w, shift, lanes), lanes)
                    self.store(w, gap, ys, i, lanes)
                    return []

                self.sweep(w, "0", words["length"], 0, write)
        names = "x y w b mean scale geometry"
        return self.function("standard", names, "double %eps, ", w)

    def summed(
        self, w: Writer, words: dict[str, str], x: str, term: Callable[[str, str, int], str]
    ) -> str:
        """A sum over a row of `term(segment, place, lanes)`."""
        with w.loop("segment", "0", words["segments"], "1", [("double", "0.0")]) as s:
            xs = self.at(w, x, self.whole(w, "mul", s.counter, words["segment"]))

            def body(i: str, lanes: int, sums: Sequence[str]) -> list[str]:
                return [self.op(w, "fadd", sums[0], term(xs, i, lanes), lanes)]

            (found,) = self.pieces(w, words["length"], 1, body)
            s.next = [self.real(w, "fadd", s.carried[0], found)]
        return s.results[0]

    # ------------------------------------------------------------------------------------- back

    def back(self) -> str:
        """`back`."""
        w = Writer()
        words, count = self.start(w)
        with w.loop("row", "%first", "%last", "1") as row:
            offset = self.whole(w, "mul", row.counter, words["row"])
            g, x, to = (self.at(w, name, offset) for name in ("%g", "%x", "%to"))
            mean, scale = self.load(w, "%mean", row.counter), self.load(w, "%scale", row.counter)
            first = self.whole(w, "mul", row.counter, words["weights"])
            own = self.whole(w, "mul", row.counter, words["segments"])

            def parts(gs: str, xs: str, i: str, lanes: int) -> tuple[str, str]:
                """(g, or g w; x - m)."""
                gap = self.op(w, "fsub", self.load(w, xs, i, lanes), self.spread(w, mean, lanes),
                              lanes)  # fmt: skip
                rise = self.load(w, gs, i, lanes)
                if self.each:
                    rise = self.op(w, "fmul", rise, self.load(w, "%w", i, lanes), lanes)
                return rise, gap

            with w.loop("segment", "0", words["segments"], "1", [("double", "0.0")] * 2) as s:
                inside = self.whole(w, "mul", s.counter, words["segment"])
                gs, xs = self.at(w, g, inside), self.at(w, x, inside)

                def body(i: str, lanes: int, sums: Sequence[str]) -> list[str]:
                    rise, gap = parts(gs, xs, i, lanes)
                    product = self.op(w, "fmul", rise, gap, lanes)
                    return [self.op(w, "fadd", sums[0], rise, lanes),
                            self.op(w, "fadd", sums[1], product, lanes)]  # fmt: skip

                plain, slanted = self.pieces(w, words["length"], 2, body)
                place = self.whole(w, "add", own, s.counter)
                self.store(w, self.narrow(w, plain), "%sums", place)
                steep = self.real(w, "fmul", slanted, self.wide(w, scale))
                self.store(w, self.narrow(w, steep), "%slopes", place)
                if not self.each:
                    weight = self.load(w, "%w", self.whole(w, "add", first, s.counter))
                    weight = self.wide(w, weight)
                    plain = self.real(w, "fmul", plain, weight)
                    slanted = self.real(w, "fmul", slanted, weight)
                s.next = [
                    self.real(w, "fadd", s.carried[0], plain),
                    self.real(w, "fadd", s.carried[1], slanted),
                ]
            shift, slant = (self.real(w, "fdiv", total, count) for total in s.results)
            wide = self.wide(w, scale)
            slant = self.real(w, "fmul", self.real(w, "fmul", slant, wide), wide)
            shift, slant = self.narrow(w, shift), self.narrow(w, slant)
            with w.loop("segment", "0", words["segments"], "1") as s:
                inside = self.whole(w, "mul", s.counter, words["segment"])
                gs, xs, tos = (self.at(w, p, inside) for p in (g, x, to))
                weight = self.load(w, "%w", self.whole(w, "add", first, s.counter))

                def write(i: str, lanes: int, _: Sequence[str]) -> list[str]:
                    rise, gap = parts(gs, xs, i, lanes)
                    if not self.each:
                        rise = self.op(w, "fmul", rise, self.spread(w, weight, lanes), lanes)
                    rise = self.op(w, "fsub", rise, self.spread(w, shift, lanes), lanes)
                    gap = self.op(w, "fmul", gap, self.spread(w, slant, lanes), lanes)
                    rise = self.op(w, "fsub", rise, gap, lanes)
                    rise = self.op(w, "fmul", rise, self.spread(w, scale, lanes), lanes)
                    self.store(w, rise, tos, i, lanes)
                    return []

                self.sweep(w, "0", words["length"], 0, write)
        return self.function("back", "g x to w mean scale sums slopes geometry", "", w)
