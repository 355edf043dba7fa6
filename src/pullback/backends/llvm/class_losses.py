"""Losses of classes in machine code: what is looked up for each, and their sums.

    losses   each[i, k] = -w[t] x[i, t, k] with t = t[i, k], or nothing;
             total[0] and total[1] are the sums of these and of the weights

for x of (rows, classes, inner). Classes equal to `ignored` count nothing; weights are 1 where there
are none. `each` is not written if nobody asks for it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .arrays import functions
from .rows import RowPrinter
from .target import Target, host
from .text import Writer


@functools.cache
def losses(
    dtype: np.dtype[Any], weighted: bool, each: bool, target: Target | None = None
) -> Callable[..., None]:
    """The function of arrays (x, t, w, each, total, rows, classes, inner, ignored)."""
    target = target or host()
    text = _Printer(dtype, target).losses(weighted, each)
    return functions(text, target, losses="aaaaaiiii")[0]


class _Printer(RowPrinter):
    """The text for one element type."""

    def losses(self, weighted: bool, each: bool) -> str:
        """`losses`, with weights or without, which writes each or not."""
        w = Writer()
        zeros = [("double", "0.0")] * 2
        with w.loop("row", "0", "%rows", "1", zeros) as row:
            first = self.whole(w, "mul", row.counter, "%inner")
            start = self.whole(w, "mul", first, "%classes")
            sums = [("double", c) for c in row.carried]
            with w.loop("k", "0", "%inner", "1", sums) as k:
                place = self.whole(w, "add", first, k.counter)
                label = w.add(f"load i64, ptr {self.at(w, '%t', place, 'i64')}, align 8")
                counts = w.add(f"icmp ne i64 {label}, %ignored")
                with w.when(counts) as inside:
                    at = self.whole(w, "mul", label, "%inner")
                    at = self.whole(w, "add", self.whole(w, "add", start, at), k.counter)
                    weight = self.load(w, "%w", label) if weighted else "1.0"
                    found = w.add(f"fneg {self.element} {self.load(w, '%x', at)}")
                    if weighted:
                        found = w.add(f"fmul {self.element} {found}, {weight}")
                        # A weight of 0 is nothing, whatever it is of.
                        none = w.add(f"fcmp oeq {self.element} {weight}, 0.0")
                        kind = self.element
                        found = w.add(f"select i1 {none}, {kind} 0.0, {kind} {found}")
                    if each:
                        self.store(w, found, "%each", place)
                    wide = [self.wide(w, found), self.wide(w, weight) if weighted else "1.0"]
                    more = [
                        self.real(w, "fadd", c, v) for c, v in zip(k.carried, wide, strict=True)
                    ]
                k.next = [
                    w.either(inside, "double", m, c) for m, c in zip(more, k.carried, strict=True)
                ]
            row.next = k.results
        for n, value in enumerate(row.results):
            self.store(w, self.narrow(w, value), "%total", str(n))
        parameters = ", ".join(f"ptr noalias %{p}" for p in ("x", "t", "w", "each", "total"))
        words = "i64 %rows, i64 %classes, i64 %inner, i64 %ignored"
        return "\n".join([f"define void @losses({parameters}, {words}) {{", "entry:", *w.lines,
                          "  ret void", "}"])  # fmt: skip
