"""The recursions of CTC in machine code: sums over the alignments of sequences with labels.

    losses   α[t, n, k] = s + log Σ exp of α[t - 1, n] at k, k - 1, and k - 2 where it is passed,
             with s = x[t, n, label of k]; and minus the logarithm of what ends where paths end
    sums     y[t] = x[t] + A[t] y[t - 1], in place, or backwards y[t - 1] = x[t - 1] + A[t]ᵀ y[t]

for all times t of n sequences with k states each: a vector holds neighbouring states.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .arrays import functions
from .math.registry import definitions, symbol
from .rows import RowPrinter
from .target import Target, host
from .text import Writer, literal

ROWS = 4  # of memory to work in: scores, what is passed, and two times


@functools.cache
def losses(dtype: np.dtype[Any], target: Target | None = None) -> tuple[Callable[..., None], int]:
    """The function (x, labels, passes, ends, within, last, losses, α, memory, times, sequences,
    classes, states, width), and how many numbers more than states a row of memory has, at least.

    A row of memory has `width` numbers, `ROWS` of them.
    """
    target = target or host()
    printer = _Printer(dtype, target)
    (function,) = functions(printer.losses(), target, losses="aaaaaaaaaiiiii")
    return function, 2 + printer.lanes


@functools.cache
def sums(dtype: np.dtype[Any], target: Target | None = None) -> Callable[..., None]:
    """The function (y, staying, moving, passing, times, sequences, states, backwards)."""
    target = target or host()
    return functions(_Printer(dtype, target).sums_of_paths(), target, sums="aaaaiiii")[0]


class _Printer(RowPrinter):
    """The text for one element type."""

    def __init__(self, dtype: np.dtype[Any], target: Target):
        super().__init__(dtype, target)
        self.dtype, self.features = dtype, target.features
        self.lowest = literal(-np.inf, dtype)

    def call(self, w: Writer, name: str, x: str, lanes: int) -> str:
        kind = self.of(lanes)
        return w.add(f"call {kind} {symbol(name, self.dtype.name, lanes)}({kind} {x})")

    def either(self, w: Writer, mask: str, a: str, b: str, lanes: int = 1) -> str:
        condition = "i1" if lanes == 1 else f"<{lanes} x i1>"
        return w.add(f"select {condition} {mask}, {self.of(lanes)} {a}, {self.of(lanes)} {b}")

    def compare(self, w: Writer, how: str, a: str, b: str, lanes: int = 1) -> str:
        return w.add(f"fcmp {how} {self.of(lanes)} {a}, {b}")

    def flag(self, w: Writer, array: str, index: str) -> str:
        """A number of an array of booleans."""
        byte = w.add(f"load i8, ptr {self.at(w, array, index, 'i8')}, align 1")
        return w.add(f"icmp ne i8 {byte}, 0")

    def finite_top(self, w: Writer, top: str, lanes: int = 1) -> str:
        """0 for the logarithm of nothing."""
        none = self.compare(w, "oeq", top, self.spread(w, self.lowest, lanes), lanes)
        return self.either(w, none, self.spread(w, literal(0, self.dtype), lanes), top, lanes)

    # ----------------------------------------------------------------------------------- losses

    def losses(self) -> str:
        """`losses`."""
        w = Writer()
        scores, closed, *times = (
            self.at(w, "%memory", self.whole(w, "mul", "%width", str(k))) for k in range(ROWS)
        )
        with w.loop("n", "0", "%sequences", "1") as n:
            first = self.whole(w, "mul", n.counter, "%states")
            everything = self.whole(w, "mul", "%width", str(ROWS))
            with w.loop("i", "0", everything, "1") as i:
                self.store(w, self.lowest, "%memory", i.counter)
            with w.loop("k", "0", "%states", "1") as k:
                passes = self.flag(w, "%passes", self.whole(w, "add", first, k.counter))
                self.store(w, self.either(w, passes, literal(0, self.dtype), self.lowest), closed,
                           k.counter)  # fmt: skip
            carried = [("ptr", pointer) for pointer in times]
            with w.loop("t", "0", "%times", "1", carried) as t:
                old, new = t.carried
                place = self.whole(w, "mul", t.counter, "%sequences")
                place = self.whole(w, "add", place, n.counter)
                self.gather(w, place, first, scores)
                self.step(w, t.counter, old, new, scores, closed)
                begins = self.whole(w, "mul", place, "%states")
                with w.loop("k", "0", "%states", "1") as k:
                    number = self.load(w, new, self.whole(w, "add", k.counter, "2"))
                    self.store(w, number, "%alpha", self.whole(w, "add", begins, k.counter))
                t.next = [new, old]
            self.finish(w, n.counter, first)
        parts = [
            definitions(["exp", "log"], self.dtype.name, lanes, self.features)
            for lanes in sorted({1, self.lanes})
        ]
        names = "x labels passes ends within last losses alpha memory"
        given = ", ".join(f"ptr %{p}" for p in names.split())
        sizes = ("times", "sequences", "classes", "states", "width")
        words = ", ".join(f"i64 %{p}" for p in sizes)
        return "\n".join([*parts, f"define void @losses({given}, {words}) {{", "entry:", *w.lines,
                          "  ret void", "}"])  # fmt: skip

    def gather(self, w: Writer, place: str, first: str, scores: str) -> None:
        """What each state contributes at a time; nothing after the end."""
        within = self.flag(w, "%within", place)
        row = self.at(w, "%x", self.whole(w, "mul", place, "%classes"))
        with w.loop("k", "0", "%states", "1") as k:
            label = self.at(w, "%labels", self.whole(w, "add", first, k.counter), "i64")
            score = self.load(w, row, w.add(f"load i64, ptr {label}, align 8"))
            self.store(w, self.either(w, within, score, self.lowest), scores, k.counter)

    def step(self, w: Writer, t: str, old: str, new: str, scores: str, closed: str) -> None:
        """All states at a time; two numbers stand before them."""
        lanes = self.lanes
        with w.when(w.add(f"icmp eq i64 {t}, 0")):  # paths begin at one of the first two
            for begin in range(2):
                self.store(w, self.load(w, scores, str(begin)), new, str(begin + 2))
        with (
            w.when(w.add(f"icmp ne i64 {t}, 0")),
            w.loop("k", "0", "%states", str(lanes)) as k,
        ):
            ways = [
                self.load(w, old, self.whole(w, "add", k.counter, str(2 - n)), lanes)
                for n in range(3)
            ]
            ways[2] = self.op(w, "fadd", ways[2], self.load(w, closed, k.counter, lanes), lanes)
            top = ways[0]
            for way in ways[1:]:
                top = self.either(w, self.compare(w, "ogt", way, top, lanes), way, top, lanes)
            top = self.finite_top(w, top, lanes)
            total = ""
            for way in ways:
                part = self.call(w, "exp", self.op(w, "fsub", way, top, lanes), lanes)
                total = self.op(w, "fadd", total, part, lanes) if total else part
            found = self.op(w, "fadd", self.call(w, "log", total, lanes), top, lanes)
            found = self.op(w, "fadd", found, self.load(w, scores, k.counter, lanes), lanes)
            self.store(w, found, new, self.whole(w, "add", k.counter, "2"), lanes)

    def finish(self, w: Writer, n: str, first: str) -> None:
        """Minus the logarithm of what ends where paths end."""
        last = w.add(f"load i64, ptr {self.at(w, '%last', first, 'i64')}, align 8")
        place = self.whole(w, "mul", last, "%sequences")
        place = self.whole(w, "mul", self.whole(w, "add", place, n), "%states")
        row = self.at(w, "%alpha", place)

        def number(k: str) -> str:
            ends = self.flag(w, "%ends", self.whole(w, "add", first, k))
            return self.either(w, ends, self.load(w, row, k), self.lowest)

        with w.loop("k", "0", "%states", "1", [(self.element, self.lowest)]) as k:
            way = number(k.counter)
            k.next = [self.either(w, self.compare(w, "ogt", way, k.carried[0]), way, k.carried[0])]
        top = self.finite_top(w, k.results[0])
        with w.loop("k", "0", "%states", "1", [(self.element, literal(0, self.dtype))]) as k:
            part = self.call(w, "exp", self.op(w, "fsub", number(k.counter), top), 1)
            k.next = [self.op(w, "fadd", k.carried[0], part)]
        found = self.op(w, "fadd", self.call(w, "log", k.results[0], 1), top)
        found = w.add(f"fneg {self.element} {found}")
        # Without any time, there is the one path of no label.
        never = w.add(f"xor i1 {self.flag(w, '%within', n)}, true")
        silent = w.add(f"and i1 {self.flag(w, '%ends', first)}, {never}")
        self.store(w, self.either(w, silent, literal(0, self.dtype), found), "%losses", n)

    # ------------------------------------------------------------------------------------- sums

    def sums_of_paths(self) -> str:
        """`sums`, one number after the other."""
        w = Writer()
        step = self.whole(w, "mul", "%sequences", "%states")
        back = w.add("icmp ne i64 %backwards, 0")
        with w.loop("turn", "1", "%times", "1") as turn:
            end = self.whole(w, "sub", "%times", turn.counter)
            t = w.add(f"select i1 {back}, i64 {end}, i64 {turn.counter}")
            later = self.whole(w, "mul", t, step)
            earlier = self.whole(w, "sub", later, step)
            source = w.add(f"select i1 {back}, i64 {later}, i64 {earlier}")
            goal = w.add(f"select i1 {back}, i64 {earlier}, i64 {later}")
            with w.loop("n", "0", "%sequences", "1") as n:
                row = self.whole(w, "mul", n.counter, "%states")
                for shift, name in enumerate(("%staying", "%moving", "%passing")):
                    with w.loop("k", str(shift), "%states", "1") as k:
                        here = self.whole(w, "add", row, k.counter)
                        there = self.whole(w, "sub", here, str(shift))
                        weight = self.load(w, name, self.whole(w, "add", later, here))
                        given = w.add(f"select i1 {back}, i64 {here}, i64 {there}")
                        taken = w.add(f"select i1 {back}, i64 {there}, i64 {here}")
                        old = self.load(w, "%y", self.whole(w, "add", source, given))
                        to = self.whole(w, "add", goal, taken)
                        more = self.op(w, "fmul", weight, old)
                        self.store(w, self.op(w, "fadd", self.load(w, "%y", to), more), "%y", to)
        given = ", ".join(f"ptr noalias %{p}" for p in ("y", "staying", "moving", "passing"))
        words = ", ".join(f"i64 %{p}" for p in ("times", "sequences", "states", "backwards"))
        return "\n".join([f"define void @sums({given}, {words}) {{", "entry:", *w.lines,
                          "  ret void", "}"])  # fmt: skip
