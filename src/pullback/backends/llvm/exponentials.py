"""Shares of exponentials along rows of numbers, in machine code, and the way back.

    share       y = exp(x - m) / s,       with m the largest x and s the sum of the exponentials
    share_back  x' = y (g - Σ g y)
    log         y = x - m - log(s)
    log_back    x' = g - exp(y) Σ g

`along`: a row's numbers are neighbours in memory. `across`: rows are beside each other, `inner` of
them, and a vector has a number of each.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .arrays import functions
from .math.registry import definitions, symbol
from .rows import RowPrinter
from .target import Target, host
from .text import Writer, literal

Function = Callable[..., None]


@functools.cache
def exponentials(
    dtype: np.dtype[Any], target: Target | None = None
) -> dict[tuple[str, bool], Function]:
    """The functions for a dtype, by name and whether they are `across`.

    Along rows they take (arrays, count, first row, last row), and across them (arrays, count,
    inner, first column, last column, first block, last block).
    """
    target = target or host()
    kinds = {
        (name, across): "a" * arrays + "i" * (6 if across else 3)
        for name, arrays in (("share", 2), ("log", 2), ("share_back", 3), ("log_back", 3))
        for across in (False, True)
    }
    named = {f"{n}_{'across' if across else 'along'}": k for (n, across), k in kinds.items()}
    made = functions(_Printer(dtype, target).module(), target, **named)
    return dict(zip(kinds, made, strict=True))


class _Printer(RowPrinter):
    """The text for one element type."""

    def __init__(self, dtype: np.dtype[Any], target: Target):
        super().__init__(dtype, target)
        self.dtype, self.features = dtype, target.features

    def module(self) -> str:
        """All functions."""
        parts = self.sums()
        if self.lanes > 1:
            kinds = f"{self.element} @llvm.vector.reduce.fmax"
            parts.append(f"declare {kinds}({self.of(self.lanes)})")
        for lanes in sorted({1, self.lanes}):
            parts.append(definitions(["exp", "log"], self.dtype.name, lanes, self.features))
        for log in (False, True):
            parts += [self.along(log), self.across(log), self.along_back(log),
                      self.across_back(log)]  # fmt: skip
        return "\n\n".join(parts)

    def call(self, w: Writer, name: str, x: str, lanes: int) -> str:
        kind = self.of(lanes)
        return w.add(f"call {kind} {symbol(name, self.dtype.name, lanes)}({kind} {x})")

    def larger(self, w: Writer, a: str, b: str, lanes: int) -> str:
        mask = "i1" if lanes == 1 else f"<{lanes} x i1>"
        better = w.add(f"fcmp ogt {self.of(lanes)} {a}, {b}")
        return w.add(f"select {mask} {better}, {self.of(lanes)} {a}, {self.of(lanes)} {b}")

    # ------------------------------------------------------------------------------------ along

    def largest(self, w: Writer, x: str) -> str:
        """The largest number of a row."""
        lowest = literal(-np.inf, self.dtype)
        whole = self.whole(w, "and", "%count", str(-self.lanes))
        best = lowest
        if self.lanes > 1:
            kind = self.of(self.lanes)
            start = f"splat ({self.element} {lowest})"
            with w.loop("i", "0", whole, str(self.lanes), [(kind, start)]) as i:
                new = self.load(w, x, i.counter, self.lanes)
                i.next = [self.larger(w, new, i.carried[0], self.lanes)]
            reduce = f"{self.element} @llvm.vector.reduce.fmax"
            best = w.add(f"call {reduce}({kind} {i.results[0]})")
        with w.loop("i", whole, "%count", "1", [(self.element, best)]) as i:
            i.next = [self.larger(w, self.load(w, x, i.counter), i.carried[0], 1)]
        return i.results[0]

    @contextmanager
    def rows(self, w: Writer, names: str) -> Iterator[list[str]]:
        """A loop over rows, and where each array's row starts."""
        with w.loop("row", "%first", "%last", "1") as row:
            offset = self.whole(w, "mul", row.counter, "%count")
            yield [self.at(w, f"%{n}", offset) for n in names.split()]

    def along(self, log: bool) -> str:
        """`share` or `log`, of numbers that are neighbours."""
        w = Writer()
        with self.rows(w, "x y") as (x, y):
            top = self.largest(w, x)

            def add(i: str, lanes: int, sums: Sequence[str]) -> list[str]:
                gap = self.op(
                    w, "fsub", self.load(w, x, i, lanes), self.spread(w, top, lanes), lanes
                )
                power = self.call(w, "exp", gap, lanes)
                if not log:
                    self.store(w, power, y, i, lanes)
                return [self.op(w, "fadd", sums[0], power, lanes)]

            (total,) = self.pieces(w, "%count", 1, add)
            if log:
                down = self.call(w, "log", self.narrow(w, total), 1)
            else:
                factor = self.narrow(w, self.real(w, "fdiv", "1.0", total))

            def write(i: str, lanes: int, _: Sequence[str]) -> list[str]:
                if log:
                    made = self.load(w, x, i, lanes)
                    for part in (top, down):
                        made = self.op(w, "fsub", made, self.spread(w, part, lanes), lanes)
                else:
                    made = self.load(w, y, i, lanes)
                    made = self.op(w, "fmul", made, self.spread(w, factor, lanes), lanes)
                self.store(w, made, y, i, lanes)
                return []

            self.sweep(w, "0", "%count", 0, write)
        name = "log_along" if log else "share_along"
        return self.function(name, "x y", "i64 %count, ", w)

    def along_back(self, log: bool) -> str:
        """`share_back` or `log_back`, of numbers that are neighbours."""
        w = Writer()
        with self.rows(w, "g y to") as (g, y, to):

            def add(i: str, lanes: int, sums: Sequence[str]) -> list[str]:
                rise = self.load(w, g, i, lanes)
                if not log:
                    rise = self.op(w, "fmul", rise, self.load(w, y, i, lanes), lanes)
                return [self.op(w, "fadd", sums[0], rise, lanes)]

            (total,) = self.pieces(w, "%count", 1, add)
            total = self.narrow(w, total)

            def write(i: str, lanes: int, _: Sequence[str]) -> list[str]:
                rise, share = self.load(w, g, i, lanes), self.load(w, y, i, lanes)
                made = self.back(w, log, rise, share, self.spread(w, total, lanes), lanes)
                self.store(w, made, to, i, lanes)
                return []

            self.sweep(w, "0", "%count", 0, write)
        name = "log_back_along" if log else "share_back_along"
        return self.function(name, "g y to", "i64 %count, ", w)

    def back(self, w: Writer, log: bool, g: str, y: str, total: str, lanes: int) -> str:
        if log:
            power = self.op(w, "fmul", self.call(w, "exp", y, lanes), total, lanes)
            return self.op(w, "fsub", g, power, lanes)
        return self.op(w, "fmul", y, self.op(w, "fsub", g, total, lanes), lanes)

    # ----------------------------------------------------------------------------------- across

    def columns(self, w: Writer, body: Callable[[str, int], None]) -> None:
        """`body(where a column starts, lanes)` for the columns of blocks."""
        size = self.whole(w, "mul", "%count", "%inner")
        with w.loop("block", "%first", "%last", "1") as block:
            base = self.whole(w, "mul", block.counter, size)
            length = self.whole(w, "sub", "%to", "%from")
            middle = self.whole(w, "add", "%from", self.whole(w, "and", length, str(-self.lanes)))
            if self.lanes > 1:
                with w.loop("j", "%from", middle, str(self.lanes)) as j:
                    body(self.whole(w, "add", base, j.counter), self.lanes)
            else:
                middle = "%from"
            with w.loop("j", middle, "%to", "1") as j:
                body(self.whole(w, "add", base, j.counter), 1)

    def place(self, w: Writer, start: str, k: str) -> str:
        return self.whole(w, "add", start, self.whole(w, "mul", k, "%inner"))

    def across(self, log: bool) -> str:
        """`share` or `log`, of numbers that are `inner` apart."""
        w = Writer()

        def body(start: str, lanes: int) -> None:
            kind = self.of(lanes)
            lowest = self.spread(w, literal(-np.inf, self.dtype), lanes)
            with w.loop("k", "0", "%count", "1", [(kind, lowest)]) as k:
                new = self.load(w, "%x", self.place(w, start, k.counter), lanes)
                k.next = [self.larger(w, new, k.carried[0], lanes)]
            (top,) = k.results
            zero = "0.0" if lanes == 1 else "zeroinitializer"
            with w.loop("k", "0", "%count", "1", [(kind, zero)]) as k:
                at = self.place(w, start, k.counter)
                gap = self.op(w, "fsub", self.load(w, "%x", at, lanes), top, lanes)
                power = self.call(w, "exp", gap, lanes)
                if not log:
                    self.store(w, power, "%y", at, lanes)
                k.next = [self.op(w, "fadd", k.carried[0], power, lanes)]
            (total,) = k.results
            if log:
                down = self.call(w, "log", total, lanes)
            with w.loop("k", "0", "%count", "1") as k:
                at = self.place(w, start, k.counter)
                if log:
                    made = self.op(w, "fsub", self.load(w, "%x", at, lanes), top, lanes)
                    made = self.op(w, "fsub", made, down, lanes)
                else:
                    made = self.op(w, "fdiv", self.load(w, "%y", at, lanes), total, lanes)
                self.store(w, made, "%y", at, lanes)

        self.columns(w, body)
        return self.function("log_across" if log else "share_across", "x y", SIZES, w)

    def across_back(self, log: bool) -> str:
        """`share_back` or `log_back`, of numbers that are `inner` apart."""
        w = Writer()

        def body(start: str, lanes: int) -> None:
            zero = "0.0" if lanes == 1 else "zeroinitializer"
            with w.loop("k", "0", "%count", "1", [(self.of(lanes), zero)]) as k:
                at = self.place(w, start, k.counter)
                rise = self.load(w, "%g", at, lanes)
                if not log:
                    rise = self.op(w, "fmul", rise, self.load(w, "%y", at, lanes), lanes)
                k.next = [self.op(w, "fadd", k.carried[0], rise, lanes)]
            (total,) = k.results
            with w.loop("k", "0", "%count", "1") as k:
                at = self.place(w, start, k.counter)
                rise, share = (self.load(w, p, at, lanes) for p in ("%g", "%y"))
                made = self.back(w, log, rise, share, total, lanes)
                self.store(w, made, "%made", at, lanes)

        self.columns(w, body)
        name = "log_back_across" if log else "share_back_across"
        return self.function(name, "g y made", SIZES, w)


SIZES = "i64 %count, i64 %inner, i64 %from, i64 %to, "
