"""Steps of recurrent layers in machine code: what is left when states were multiplied by weights.

    lstm   of z = W h before and the inputs of gates: i, f, g, o, in place of z; the cells, and the
           outputs o tanh(c)
    gru    of m = W h before, a bias and the inputs of gates: r, z, n and the last part of m, and h
    lstm_back  of what the states and cells get, and of what they got from the step behind (in
           `flow_h` and `flow_c`): what the gates get before their activations, and in `flow_c`
           what the cells before get

for so many rows from a first one on; `old` is the first row of the states before.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .arrays import functions
from .math.registry import definitions, symbol
from .rows import RowPrinter
from .target import Target, host
from .text import Writer

POINTERS = {
    "lstm": ("inputs", "gates", "before", "cells", "outputs"),
    "gru": ("inputs", "made", "bias", "before", "parts", "states"),
    "lstm_back": ("gates", "cells", "before", "of_h", "of_c", "flow_h", "flow_c", "parts"),
}
WORDS = ("first", "rows", "old", "to", "size")


@functools.cache
def step(kind: str, dtype: np.dtype[Any], target: Target | None = None) -> Callable[..., None]:
    """The function of arrays (…, first, rows, old, to, size), the arrays as in `POINTERS`.

    Outputs of an LSTM are written from the row `to` on.
    """
    target = target or host()
    text = _Printer(dtype, target).module(kind)
    return functions(text, target, **{kind: "a" * len(POINTERS[kind]) + "i" * len(WORDS)})[0]


class _Printer(RowPrinter):
    """The text for one element type."""

    def __init__(self, dtype: np.dtype[Any], target: Target):
        super().__init__(dtype, target)
        self.dtype, self.features = dtype, target.features

    def module(self, kind: str) -> str:
        """One function, and what it calls."""
        parts = [
            definitions(["sigmoid", "tanh"], self.dtype.name, lanes, self.features)
            for lanes in sorted({1, self.lanes})
        ]
        w = Writer()
        getattr(self, kind)(w)
        # The states before may be rows of those that are written.
        given = ", ".join(f"ptr %{p}" for p in POINTERS[kind])
        words = ", ".join(f"i64 %{n}" for n in WORDS)
        return "\n".join([*parts, f"define void @{kind}({given}, {words}) {{", "entry:", *w.lines,
                          "  ret void", "}"])  # fmt: skip

    def call(self, w: Writer, name: str, x: str, lanes: int) -> str:
        kind = self.of(lanes)
        return w.add(f"call {kind} {symbol(name, self.dtype.name, lanes)}({kind} {x})")

    def row(self, w: Writer, array: str, row: str, parts: int = 1) -> list[str]:
        """Where the parts of a row are, each of `size` numbers."""
        start = self.whole(w, "mul", row, "%size")
        if parts > 1:
            start = self.whole(w, "mul", start, str(parts))
        found = [self.at(w, f"%{array}", start)]
        for _ in range(parts - 1):
            found.append(self.at(w, found[-1], "%size"))
        return found

    def lstm(self, w: Writer) -> None:
        with w.loop("row", "0", "%rows", "1") as row:
            at = self.whole(w, "add", "%first", row.counter)
            inputs, gates = (self.row(w, name, at, 4) for name in ("inputs", "gates"))
            (before,) = self.row(w, "before", self.whole(w, "add", "%old", row.counter))
            (cells,) = self.row(w, "cells", at)
            (outputs,) = self.row(w, "outputs", self.whole(w, "add", "%to", row.counter))

            def body(k: str, lanes: int, _: Sequence[str]) -> list[str]:
                active = []
                for n, (x, z) in enumerate(zip(inputs, gates, strict=True)):
                    both = self.op(w, "fadd", self.load(w, z, k, lanes),
                                   self.load(w, x, k, lanes), lanes)  # fmt: skip
                    active.append(self.call(w, "tanh" if n == 2 else "sigmoid", both, lanes))
                    self.store(w, active[-1], z, k, lanes)
                i, f, g, o = active
                kept = self.op(w, "fmul", f, self.load(w, before, k, lanes), lanes)
                cell = self.op(w, "fadd", kept, self.op(w, "fmul", i, g, lanes), lanes)
                self.store(w, cell, cells, k, lanes)
                output = self.op(w, "fmul", o, self.call(w, "tanh", cell, lanes), lanes)
                self.store(w, output, outputs, k, lanes)
                return []

            self.sweep(w, "0", "%size", 0, body)

    def lstm_back(self, w: Writer) -> None:
        with w.loop("row", "0", "%rows", "1") as row:
            at = self.whole(w, "add", "%first", row.counter)
            gates, parts = (self.row(w, name, at, 4) for name in ("gates", "parts"))
            cells, of_h, of_c = (self.row(w, name, at)[0] for name in ("cells", "of_h", "of_c"))
            (before,) = self.row(w, "before", self.whole(w, "add", "%old", row.counter))
            flows = [self.row(w, name, row.counter)[0] for name in ("flow_h", "flow_c")]

            def body(k: str, lanes: int, _: Sequence[str]) -> list[str]:
                one = self.spread(w, "1.0", lanes)

                def load(pointer: str) -> str:
                    return self.load(w, pointer, k, lanes)

                def times(*factors: str) -> str:
                    return functools.reduce(lambda a, b: self.op(w, "fmul", a, b, lanes), factors)

                def plus(a: str, b: str) -> str:
                    return self.op(w, "fadd", a, b, lanes)

                def rest(a: str) -> str:
                    return self.op(w, "fsub", one, a, lanes)

                i, f, g, o = map(load, gates)
                t = self.call(w, "tanh", load(cells), lanes)
                state = plus(load(of_h), load(flows[0]))
                cell = plus(load(of_c), load(flows[1]))
                cell = plus(cell, times(state, o, rest(times(t, t))))
                made = (
                    times(cell, g, i, rest(i)), times(cell, load(before), f, rest(f)),
                    times(cell, i, rest(times(g, g))), times(state, t, o, rest(o)),
                )  # fmt: skip
                for part, value in zip(parts, made, strict=True):
                    self.store(w, value, part, k, lanes)
                self.store(w, times(cell, f), flows[1], k, lanes)
                return []

            self.sweep(w, "0", "%size", 0, body)

    def gru(self, w: Writer) -> None:
        bias = self.row(w, "bias", "0", 3)
        with w.loop("row", "0", "%rows", "1") as row:
            at = self.whole(w, "add", "%first", row.counter)
            inputs = self.row(w, "inputs", at, 3)
            made = self.row(w, "made", row.counter, 3)
            (before,) = self.row(w, "before", self.whole(w, "add", "%old", row.counter))
            parts = self.row(w, "parts", at, 4)
            (states,) = self.row(w, "states", at)

            def body(k: str, lanes: int, _: Sequence[str]) -> list[str]:
                r, z, inner = (
                    self.op(w, "fadd", self.load(w, m, k, lanes), self.load(w, b, k, lanes), lanes)
                    for m, b in zip(made, bias, strict=True)
                )
                x_r, x_z, x_n = (self.load(w, x, k, lanes) for x in inputs)
                r = self.call(w, "sigmoid", self.op(w, "fadd", r, x_r, lanes), lanes)
                z = self.call(w, "sigmoid", self.op(w, "fadd", z, x_z, lanes), lanes)
                n = self.op(w, "fadd", self.op(w, "fmul", r, inner, lanes), x_n, lanes)
                n = self.call(w, "tanh", n, lanes)
                for part, value in zip(parts, (r, z, n, inner), strict=True):
                    self.store(w, value, part, k, lanes)
                gap = self.op(w, "fsub", self.load(w, before, k, lanes), n, lanes)
                state = self.op(w, "fadd", self.op(w, "fmul", gap, z, lanes), n, lanes)
                self.store(w, state, states, k, lanes)
                return []

            self.sweep(w, "0", "%size", 0, body)
