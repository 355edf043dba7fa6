"""Images read at the points of grids, in machine code, and what is made of their derivatives.

    read     y[b, c, p] = Σ_t w_t x[b, c, place_t]     with the elements t that point p is made of
    spread   x[b, c, place_t] += w_t y[b, c, p]
    slopes   g[b, p, k] = Σ_t w_t' Σ_c y[b, c, p] x[b, c, place_t],  w' the derivative along k

Printed for a dtype, a number of axes, and how grids are read (`backends.grids`); `geometry` has the
numbers of channels, points, and elements along each axis. What is outside of the image is read at,
or written to, a number of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .arrays import functions
from .rows import RowPrinter
from .target import Target, host
from .text import Writer, literal

LINEAR, NEAREST, CUBIC = 0, 1, 2
ZEROS, _, REFLECTION = 0, 1, 2
SHIFTS = {LINEAR: (0, 1), NEAREST: (0,), CUBIC: (-1, 0, 1, 2)}
CALLED = ("floor", "rint", "fabs")
How = tuple[int, int, bool]  # mode, padding, align


@functools.cache
def sampling(
    what: str, dtype: np.dtype[Any], how: How, orders: tuple[int, ...], factor: float,
    target: Target | None = None,
) -> Callable[..., None]:  # fmt: skip
    """The function (x, grid, y, [slopes,] geometry, first image, last image, first point, last).

    `what` is read, spread or slopes; cubic kernels are those of a factor.
    """
    target = target or host()
    text = _Printer(dtype, how, orders, factor, target).function_of(what)
    return functions(text, target, **{what: "a" * (5 if what == "slopes" else 4) + "iiii"})[0]


class Taps(NamedTuple):
    """The elements of one axis that a point is made of."""

    places: list[str]
    inside: list[str] | None  # whether they are in the image; None if all are
    part: str  # how far the point is behind the first one
    slope: str  # of the place, by the coordinate


class _Printer(RowPrinter):
    """The text for one element type, and a way to read grids."""

    def __init__(
        self, dtype: np.dtype[Any], how: How, orders: tuple[int, ...], factor: float, target: Target
    ):
        super().__init__(dtype, target)
        self.dtype, self.orders, self.factor = dtype, orders, factor
        self.mode, self.padding, self.align = how
        self.rank = len(orders)

    def number(self, value: float) -> str:
        return literal(value, self.dtype)

    def plain(self, w: Writer, name: str, a: str, b: str) -> str:
        """An operation that rounds as NumPy's does: it decides which elements are read."""
        return w.add(f"{name} {self.element} {a}, {b}")

    def call(self, w: Writer, name: str, *args: str) -> str:
        given = ", ".join(f"{self.element} {a}" for a in args)
        kind = "f32" if self.width == 4 else "f64"
        return w.add(f"call {self.element} @llvm.{name}.{kind}({given})")

    def either(self, w: Writer, condition: str, a: str, b: str) -> str:
        return w.add(f"select i1 {condition}, {self.element} {a}, {self.element} {b}")

    def compare(self, w: Writer, how: str, a: str, b: str) -> str:
        return w.add(f"fcmp {how} {self.element} {a}, {b}")

    def clipped(self, w: Writer, at: str, low: str, high: str) -> str:
        """NaN becomes the lower end."""
        return self.call(w, "minnum", self.call(w, "maxnum", at, low), high)

    # ------------------------------------------------------------------------------ one axis

    def reflected(self, w: Writer, at: str, n: str) -> tuple[str, str]:
        """(a place brought back into the image by reflections at its edges, the slope)."""
        zero, one = self.number(0), self.number(1)
        low = self.number(0 if self.align else -0.5)
        span = self.plain(w, "fsub", n, one) if self.align else n
        distance = self.call(w, "fabs", self.plain(w, "fsub", at, low))
        turns = self.call(w, "floor", self.plain(w, "fdiv", distance, span))
        rest = self.call(w, "fma", w.add(f"fneg {self.element} {turns}"), span, distance)
        half = self.plain(w, "fmul", turns, self.number(0.5))
        even = self.compare(w, "oeq", half, self.call(w, "floor", half))
        below = self.compare(w, "olt", at, low)
        slope = self.either(w, w.add(f"icmp eq i1 {below}, {even}"), self.number(-1), one)
        made = self.either(w, even, rest, self.plain(w, "fsub", span, rest))
        made = self.plain(w, "fadd", made, low)
        if self.align:  # an image of one element
            none = self.compare(w, "oeq", span, zero)
            made, slope = self.either(w, none, zero, made), self.either(w, none, zero, slope)
        return made, slope

    def taps(self, w: Writer, coordinate: str, n: str) -> Taps:
        """The elements of an axis of n."""
        zero, half = self.number(0), self.number(0.5)
        real = w.add(f"sitofp i64 {n} to {self.element}")
        last = self.plain(w, "fsub", real, self.number(1))
        slope = self.plain(w, "fmul", last if self.align else real, half)
        at = self.plain(w, "fadd", coordinate, self.number(1))
        at = self.plain(w, "fmul", at, slope)
        if not self.align:
            at = self.plain(w, "fsub", at, half)
        if self.mode != CUBIC and self.padding != ZEROS:
            if self.padding == REFLECTION:
                at, turned = self.reflected(w, at, real)
                slope = self.plain(w, "fmul", slope, turned)
            within = w.add(f"and i1 {self.compare(w, 'ogt', at, zero)}, "
                           f"{self.compare(w, 'olt', at, last)}")  # fmt: skip
            slope = self.either(w, within, slope, zero)
            at = self.clipped(w, at, zero, last)
        first = self.call(w, "rint" if self.mode == NEAREST else "floor", at)
        part = self.plain(w, "fsub", at, first)
        shifts = SHIFTS[self.mode]
        places: list[str] = []
        if self.mode == CUBIC and self.padding != ZEROS:
            for shift in shifts:
                number = self.plain(w, "fadd", first, self.number(shift))
                if self.padding == REFLECTION:
                    number, _ = self.reflected(w, number, real)
                number = self.clipped(w, number, zero, last)
                place = w.add(f"fptosi {self.element} {number} to i64")
                # A float32 may round the last place of a long axis up, to one that is none.
                inside = w.add(f"icmp slt i64 {place}, {n}")
                end = self.whole(w, "sub", n, "1")
                places.append(w.add(f"select i1 {inside}, i64 {place}, i64 {end}"))
            return Taps(places, None, part, slope)
        # What is far outside, NaN as well, is just outside.
        beyond = self.plain(w, "fadd", real, self.number(1))
        near = self.clipped(w, first, self.number(-len(shifts)), beyond)
        start = w.add(f"fptosi {self.element} {near} to i64")
        places = [self.whole(w, "add", start, str(shift)) for shift in shifts]
        return Taps(places, [w.add(f"icmp ult i64 {p}, {n}") for p in places], part, slope)

    def weights(self, w: Writer, taps: Taps, order: int) -> list[str]:
        """Of the elements along an axis, in a derivative of some order."""
        part, one = taps.part, self.number(1)
        if self.mode == NEAREST:
            made = [self.number(order == 0)]
        elif self.mode == LINEAR:
            if order == 0:
                made = [self.plain(w, "fsub", one, part), part]
            else:
                made = [self.number(-1), one] if order == 1 else [self.number(0)] * 2
        else:
            behind = self.plain(w, "fsub", one, part)
            made = [
                self.cubic(w, self.plain(w, "fadd", one, part), order, False, 1),
                self.cubic(w, part, order, True, 1),
                self.cubic(w, behind, order, True, (-1) ** order),
                self.cubic(w, self.plain(w, "fadd", one, behind), order, False, (-1) ** order),
            ]
        for _ in range(order):
            made = [self.plain(w, "fmul", m, taps.slope) for m in made]
        return made

    def cubic(self, w: Writer, x: str, order: int, near: bool, sign: int) -> str:
        """Keys' cubic kernel, or its derivative of some order, between two elements."""
        a = self.factor
        factors = [a + 2, -(a + 3), 0.0, 1.0] if near else [a, -5 * a, 8 * a, -4 * a]
        for _ in range(order):
            factors = [f * (len(factors) - 1 - k) for k, f in enumerate(factors[:-1])]
        made = self.number(0)
        for f in factors:
            made = self.op(w, "fmul", made, x)
            made = self.op(w, "fadd", made, self.number(sign * f))
        return made

    # ----------------------------------------------------------------------------- a point

    def function_of(self, what: str) -> str:
        """One function, with what it calls."""
        kind = "f32" if self.width == 4 else "f64"
        one, two = self.element, f"{self.element}, {self.element}"
        declared = [f"declare {one} @llvm.{name}.{kind}({one})" for name in CALLED]
        declared += [f"declare {one} @llvm.{n}.{kind}({two})" for n in ("minnum", "maxnum")]
        declared.append(f"declare {one} @llvm.fma.{kind}({two}, {one})")
        w = Writer()
        w.do(f"%cell = alloca {self.element}, align {self.width}")
        w.do(f"store {self.element} {self.number(0)}, ptr %cell, align {self.width}")
        channels, points, *sizes = (
            w.add(f"load i64, ptr {self.at(w, '%geometry', str(k), 'i64')}, align 8")
            for k in range(2 + self.rank)
        )
        plane = functools.reduce(lambda a, b: self.whole(w, "mul", a, b), sizes)
        with (
            w.loop("image", "%first", "%last", "1") as image,
            w.loop("point", "%from", "%to", "1") as point,
        ):
            row = self.whole(w, "mul", image.counter, points)
            row = self.whole(w, "mul", self.whole(w, "add", row, point.counter), str(self.rank))
            axes = []
            for k, n in enumerate(sizes):
                place = self.whole(w, "add", row, str(self.rank - 1 - k))
                axes.append(self.taps(w, self.load(w, "%grid", place), n))
            start = self.whole(w, "mul", image.counter, channels)
            picture = self.at(w, "%x", self.whole(w, "mul", start, plane))
            pointers, steps = self.pointers(w, picture, axes, sizes, plane)
            out = self.whole(w, "add", self.whole(w, "mul", start, points), point.counter)
            out = self.at(w, "%y", out)
            if what == "slopes":
                sums = self.products(w, pointers, steps, out, channels, points)
                for k in range(self.rank):
                    orders = [o + (j == k) for j, o in enumerate(self.orders)]
                    total = self.combined(w, self.products_of_axes(w, axes, orders), sums)
                    place = self.whole(w, "add", row, str(self.rank - 1 - k))
                    self.store(w, total, "%slopes", place)
            else:
                weights = self.products_of_axes(w, axes, self.orders)
                body = self.read if what == "read" else self.spread_one
                carried = [("ptr", p) for p in (*pointers, out)]
                with w.loop("channel", "0", channels, "1", carried) as channel:
                    *given, there = channel.carried
                    body(w, given, weights, there)
                    channel.next = [
                        *(self.at(w, p, s) for p, s in zip(given, steps, strict=True)),
                        self.at(w, there, points),
                    ]
        names = ["x", "grid", "y", *(["slopes"] if what == "slopes" else []), "geometry"]
        head = ", ".join(f"ptr noalias %{n}" for n in names)
        words = ", ".join(f"i64 %{n}" for n in ("first", "last", "from", "to"))
        return "\n".join([*declared, f"define void @{what}({head}, {words}) {{", "entry:",
                          *w.lines, "  ret void", "}"])  # fmt: skip

    def pointers(
        self, w: Writer, picture: str, axes: Sequence[Taps], sizes: Sequence[str], plane: str
    ) -> tuple[list[str], list[str]]:
        """Where the elements are in the first channel, and how far it is to the next one."""
        places, inside = ["0"], [""]
        for taps, n in zip(axes, sizes, strict=True):
            rows = [self.whole(w, "mul", p, n) for p in places]
            places = [self.whole(w, "add", r, p) for r in rows for p in taps.places]
            own = taps.inside or [""] * len(taps.places)
            inside = [w.add(f"and i1 {a}, {b}") if a and b else a or b for a in inside for b in own]
        pointers, steps = [], []
        for place, there in zip(places, inside, strict=True):
            pointer, step = self.at(w, picture, place), plane
            if there:
                pointer = w.add(f"select i1 {there}, ptr {pointer}, ptr %cell")
                step = w.add(f"select i1 {there}, i64 {plane}, i64 0")
            pointers.append(pointer)
            steps.append(step)
        return pointers, steps

    def products_of_axes(self, w: Writer, axes: Sequence[Taps], orders: Sequence[int]) -> list[str]:
        """The weights of all elements."""
        made = [self.number(1)]
        for k, (taps, order) in enumerate(zip(axes, orders, strict=True)):
            own = self.weights(w, taps, order)
            made = [self.plain(w, "fmul", a, b) for a in made for b in own] if k else own
        return made

    def combined(self, w: Writer, weights: Sequence[str], numbers: Sequence[str]) -> str:
        total = ""
        for a, b in zip(weights, numbers, strict=True):
            product = self.op(w, "fmul", a, b)
            total = self.op(w, "fadd", total, product) if total else product
        return total

    def read(self, w: Writer, pointers: Sequence[str], weights: Sequence[str], out: str) -> None:
        numbers = [self.load(w, p, "0") for p in pointers]
        self.store(w, self.combined(w, weights, numbers), out, "0")

    def spread_one(
        self, w: Writer, pointers: Sequence[str], weights: Sequence[str], out: str
    ) -> None:
        """One after the other: two elements may be one place."""
        number = self.load(w, out, "0")
        for pointer, weight in zip(pointers, weights, strict=True):
            more = self.op(w, "fmul", weight, number)
            self.store(w, self.op(w, "fadd", self.load(w, pointer, "0"), more), pointer, "0")

    def products(
        self, w: Writer, pointers: Sequence[str], steps: Sequence[str], out: str, channels: str,
        points: str,
    ) -> list[str]:  # fmt: skip
        """Σ_c y x for each element."""
        carried = [("ptr", p) for p in (*pointers, out)]
        carried += [(self.element, self.number(0))] * len(pointers)
        with w.loop("channel", "0", channels, "1", carried) as channel:
            count = len(pointers)
            given, there, sums = (
                channel.carried[:count], channel.carried[count], channel.carried[count + 1 :]
            )  # fmt: skip
            number = self.load(w, there, "0")
            more = [self.op(w, "fmul", number, self.load(w, p, "0")) for p in given]
            channel.next = [
                *(self.at(w, p, s) for p, s in zip(given, steps, strict=True)),
                self.at(w, there, points),
                *(self.op(w, "fadd", s, m) for s, m in zip(sums, more, strict=True)),
            ]
        return channel.results[count + 1 :]
