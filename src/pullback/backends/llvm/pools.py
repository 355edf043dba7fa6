"""Pooling windows of images in machine code: maxima with their places, and the way back.

    maxima   y[o], code[o] = the largest number of window o, and its place in the window
    totals   y[o] = the sum of the numbers of window o
    spread   x[place of code[o] in window o] += y[o]

for planes of up to three axes. `geometry` has six words for each axis: kernel, stride, padding
before, dilation, windows, size. Numbers outside of the image are not in a window. A vector holds
neighbouring windows; how their numbers are loaded depends on the last axis's stride.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .arrays import functions
from .target import Target, host
from .text import Carried, Writer, literal, scalar_type

WORDS = ("kernel", "stride", "padding", "dilation", "windows", "size")


@functools.cache
def maxima(
    dtype: np.dtype[Any], stride: int, code: int, target: Target | None = None
) -> Callable[..., None]:
    """The function of arrays (x, y, code, geometry, first plane, last plane).

    For a stride of the last axis (3 for all from 3 on), and codes of so many bytes.
    """
    target = target or host()
    text = _Printer(dtype, code, target).maxima(stride)
    return functions(text, target, maxima="aaaaii")[0]


@functools.cache
def totals(dtype: np.dtype[Any], stride: int, target: Target | None = None) -> Callable[..., None]:
    """The function of arrays (x, y, geometry, first plane, last plane), for a stride likewise."""
    target = target or host()
    return functions(_Printer(dtype, 1, target).totals(stride), target, totals="aaaii")[0]


@functools.cache
def spread(dtype: np.dtype[Any], code: int, target: Target | None = None) -> Callable[..., None]:
    """The function of arrays (y, code, x, offsets, geometry, first plane, last plane).

    `offsets` tells where in a plane the place of a code is, from where its window starts.
    """
    target = target or host()
    text = _Printer(dtype, code, target).spread()
    return functions(text, target, spread="aaaaaii")[0]


class _Printer:
    """The text for one dtype, and a width of codes."""

    def __init__(self, dtype: np.dtype[Any], code: int, target: Target):
        self.dtype, self.element = dtype, scalar_type(dtype)
        self.lanes = max(2, target.lanes_of(dtype))  # what is masked is a vector
        self.code, self.code_bytes = f"i{8 * code}", code

    def of(self, element: str) -> str:
        return f"<{self.lanes} x {element}>"

    def mangled(self, element: str) -> str:
        names = {"float": "f32", "double": "f64"}
        return f"v{self.lanes}{names.get(element, element)}"

    def read_geometry(self, w: Writer) -> list[dict[str, str]]:
        axes = []
        for axis in range(3):
            words = {}
            for k, name in enumerate(WORDS):
                words[name] = self.word(w, 6 * axis + k, name)
            axes.append(words)
        return axes

    def word(self, w: Writer, number: int, name: str) -> str:
        """One word of the geometry."""
        place = w.add(f"getelementptr inbounds i64, ptr %geometry, i64 {number}")
        return w.add(f"load i64, ptr {place}, align 8", name)

    def planes(self, w: Writer, axes: list[dict[str, str]]) -> tuple[str, str]:
        """Numbers of a plane, and windows."""
        sizes = []
        for name in ("size", "windows"):
            two = self.times(w, axes[0][name], axes[1][name])
            sizes.append(self.times(w, two, axes[2][name]))
        return sizes[0], sizes[1]

    def times(self, w: Writer, a: str, b: str) -> str:
        return w.add(f"mul i64 {a}, {b}")

    def plus(self, w: Writer, a: str, b: str) -> str:
        return w.add(f"add i64 {a}, {b}")

    def start(self, w: Writer, axis: dict[str, str], window: str) -> str:
        """Where a window starts."""
        return w.add(f"sub i64 {self.times(w, window, axis['stride'])}, {axis['padding']}")

    def at(self, w: Writer, pointer: str, index: str, element: str | None = None) -> str:
        return w.add(f"getelementptr {element or self.element}, ptr {pointer}, i64 {index}", "p")

    # ----------------------------------------------------------------------------------- maxima

    def through(
        self, w: Writer, stride: int, carried: Carried,
        visit: Callable[[Sequence[str], str, str, str], list[str]],
        finish: Callable[[Sequence[str], str, str], None],
    ) -> None:  # fmt: skip
        """All windows, a vector of neighbours at a time.

        `visit(what is carried, numbers, which are there, place in the window)` for each place, and
        `finish(what is carried, where the windows are, which are windows)`.
        """
        axes = self.read_geometry(w)
        depth, row, column = axes
        whole, windows = self.planes(w, axes)
        kinds = [kind for kind, _ in carried]
        with (
            w.loop("plane", "%first", "%last", "1") as plane,
            w.loop("d", "0", depth["windows"], "1") as d,
            w.loop("i", "0", row["windows"], "1") as i,
        ):
            image = self.at(w, "%x", self.times(w, plane.counter, whole))
            line = self.plus(w, self.times(w, d.counter, row["windows"]), i.counter)
            line = self.times(w, line, column["windows"])
            line = self.plus(w, line, self.times(w, plane.counter, windows))
            top, left = self.start(w, depth, d.counter), self.start(w, row, i.counter)
            with w.loop("j", "0", column["windows"], str(self.lanes)) as j:
                live = self.below(w, j.counter, 1, column["windows"])
                begin = self.start(w, column, j.counter)
                with w.loop("t", "0", depth["kernel"], "1", carried, True) as t:
                    z, inside = self.place(w, depth, top, t.counter)
                    so_far = list(zip(kinds, t.carried, strict=True))
                    with w.loop("u", "0", row["kernel"], "1", so_far, True) as u:
                        y, within = self.place(w, row, left, u.counter)
                        within = w.add(f"and i1 {inside}, {within}")
                        base = self.plus(w, self.times(w, z, row["size"]), y)
                        at = self.at(w, image, self.times(w, base, column["size"]))
                        first = self.plus(w, self.times(w, t.counter, row["kernel"]), u.counter)
                        first = self.times(w, first, column["kernel"])
                        there = w.splat("i1", within, self.lanes)
                        seen = w.add(f"and {self.of('i1')} {live}, {there}")
                        so_far = list(zip(kinds, u.carried, strict=True))
                        with w.loop("v", "0", column["kernel"], "1", so_far, True) as v:
                            x = self.plus(w, begin, self.times(w, v.counter, column["dilation"]))
                            new, valid = self.load(w, at, x, seen, within, column, stride)
                            place = self.plus(w, first, v.counter)
                            v.next = visit(v.carried, new, valid, place)
                        u.next = v.results
                    t.next = u.results
                finish(t.results, self.plus(w, line, j.counter), live)

    def unset(self, w: Writer) -> str:
        """The name of no place in a window: how many there are."""
        words = [self.word(w, 6 * axis, "kernel") for axis in range(3)]
        places = functools.reduce(lambda a, b: self.times(w, a, b), words)
        return w.splat("i32", w.add(f"trunc i64 {places} to i32"), self.lanes)

    def maxima(self, stride: int) -> str:
        """`maxima` for a stride."""
        number, code = self.of(self.element), self.of("i32")
        w = Writer()
        unset = self.unset(w)
        lowest = f"splat ({self.element} {literal(-np.inf, self.dtype)})"

        def visit(carried: Sequence[str], new: str, valid: str, place: str) -> list[str]:
            best, name = carried
            better = self.better(w, new, best, name, unset, valid)
            names = w.splat("i32", w.add(f"trunc i64 {place} to i32"), self.lanes)
            return [
                self.select(w, better, number, new, best),
                self.select(w, better, code, names, name),
            ]

        def finish(carried: Sequence[str], out: str, live: str) -> None:
            best, found = carried
            self.store(w, self.element, best, self.at(w, "%y", out), live, self.dtype.itemsize)
            if self.code_bytes < 4:
                found = w.add(f"trunc {code} {found} to {self.of(self.code)}")
            self.store(w, self.code, found, self.at(w, "%code", out, self.code), live,
                       self.code_bytes)  # fmt: skip

        self.through(w, stride, [(number, lowest), (code, unset)], visit, finish)
        parameters = "ptr noalias %x, ptr noalias %y, ptr noalias %code, ptr noalias %geometry"
        return self.whole(
            f"void @maxima({parameters}, i64 %first, i64 %last)", w,
            *self.declared(self.element, self.code),
        )  # fmt: skip

    def totals(self, stride: int) -> str:
        """`totals` for a stride: what is not there is loaded as 0."""
        number = self.of(self.element)
        w = Writer()

        def visit(carried: Sequence[str], new: str, valid: str, place: str) -> list[str]:
            return [w.add(f"fadd {number} {carried[0]}, {new}")]

        def finish(carried: Sequence[str], out: str, live: str) -> None:
            to = self.at(w, "%y", out)
            self.store(w, self.element, carried[0], to, live, self.dtype.itemsize)

        self.through(w, stride, [(number, "zeroinitializer")], visit, finish)
        parameters = "ptr noalias %x, ptr noalias %y, ptr noalias %geometry"
        return self.whole(
            f"void @totals({parameters}, i64 %first, i64 %last)", w, *self.declared(self.element)
        )

    def declared(self, *stored: str) -> list[str]:
        """What loads and stores with a mask are, for these kinds of numbers."""
        number, mask = self.of(self.element), self.of("i1")
        name = self.mangled(self.element)
        return [
            f"declare {number} @llvm.masked.load.{name}.p0(ptr, i32, {mask}, {number})",
            f"declare {number} @llvm.masked.gather.{name}.v{self.lanes}p0("
            f"{self.of('ptr')}, i32, {mask}, {number})",
            *(
                f"declare void @llvm.masked.store.{self.mangled(e)}.p0({self.of(e)}, ptr, i32, "
                f"{mask})"
                for e in stored
            ),
        ]

    def place(self, w: Writer, axis: dict[str, str], start: str, step: str) -> tuple[str, str]:
        """A place of a window along an axis, and whether it is in the image."""
        at = self.plus(w, start, self.times(w, step, axis["dilation"]))
        return at, w.add(f"icmp ult i64 {at}, {axis['size']}")

    def below(self, w: Writer, first: str, step: int, size: str) -> str:
        """Of first, first + step, …: which are at least 0 and less than a size."""
        steps = ", ".join(f"i32 {k * step}" for k in range(self.lanes))
        start = w.splat("i32", w.add(f"trunc i64 {first} to i32"), self.lanes)
        numbers = w.add(f"add {self.of('i32')} {start}, <{steps}>")
        limit = w.splat("i32", w.add(f"trunc i64 {size} to i32"), self.lanes)
        return w.add(f"icmp ult {self.of('i32')} {numbers}, {limit}")

    def load(
        self, w: Writer, row: str, first: str, seen: str, within: str, column: dict[str, str],
        stride: int,
    ) -> tuple[str, str]:  # fmt: skip
        """The numbers of neighbouring windows, from a row; and which of them are there."""
        mask, number = self.of("i1"), self.of(self.element)
        if stride < 3:
            valid = w.add(f"and {mask} {seen}, {self.below(w, first, stride, column['size'])}")
            if stride == 1:
                return self.masked(w, self.at(w, row, first), valid), valid
            here = w.splat("i1", within, self.lanes)
            parts = []
            for k in range(2):
                start = self.plus(w, first, str(k * self.lanes))
                there = w.add(f"and {mask} {here}, {self.below(w, start, 1, column['size'])}")
                parts.append(self.masked(w, self.at(w, row, start), there))
            even = ", ".join(f"i32 {2 * k}" for k in range(self.lanes))
            both = f"{number} {parts[0]}, {number} {parts[1]}"
            return w.add(f"shufflevector {both}, <{self.lanes} x i32> <{even}>"), valid
        lanes = ", ".join(f"i32 {k}" for k in range(self.lanes))
        step = w.splat("i32", w.add(f"trunc i64 {column['stride']} to i32"), self.lanes)
        start = w.splat("i32", w.add(f"trunc i64 {first} to i32"), self.lanes)
        places = w.add(f"mul {self.of('i32')} {step}, <{lanes}>")
        places = w.add(f"add {self.of('i32')} {places}, {start}")
        limit = w.splat("i32", w.add(f"trunc i64 {column['size']} to i32"), self.lanes)
        inside = w.add(f"icmp ult {self.of('i32')} {places}, {limit}")
        valid = w.add(f"and {mask} {seen}, {inside}")
        wide = w.add(f"sext {self.of('i32')} {places} to {self.of('i64')}")
        pointers = w.add(f"getelementptr {self.element}, ptr {row}, {self.of('i64')} {wide}")
        gather = f"@llvm.masked.gather.{self.mangled(self.element)}.v{self.lanes}p0"
        return w.add(
            f"call {number} {gather}({self.of('ptr')} {pointers}, i32 {self.dtype.itemsize}, "
            f"{mask} {valid}, {number} zeroinitializer)"
        ), valid

    def masked(self, w: Writer, pointer: str, mask: str) -> str:
        number = self.of(self.element)
        return w.add(
            f"call {number} @llvm.masked.load.{self.mangled(self.element)}.p0(ptr {pointer}, "
            f"i32 {self.dtype.itemsize}, {self.of('i1')} {mask}, {number} zeroinitializer)"
        )

    def better(self, w: Writer, new: str, best: str, code: str, unset: str, valid: str) -> str:
        """Which numbers take the place of the best so far: NaN does, and so does the first."""
        number, mask = self.of(self.element), self.of("i1")
        larger = w.add(f"fcmp ogt {number} {new}, {best}")
        strange = w.add(f"fcmp uno {number} {new}, {new}")
        none = w.add(f"icmp eq {self.of('i32')} {code}, {unset}")
        either = w.add(f"or {mask} {larger}, {strange}")
        either = w.add(f"or {mask} {either}, {none}")
        return w.add(f"and {mask} {either}, {valid}")

    def select(self, w: Writer, mask: str, kind: str, yes: str, no: str) -> str:
        return w.add(f"select {self.of('i1')} {mask}, {kind} {yes}, {kind} {no}")

    def store(self, w: Writer, element: str, value: str, to: str, mask: str, align: int) -> None:
        w.do(
            f"call void @llvm.masked.store.{self.mangled(element)}.p0({self.of(element)} {value}, "
            f"ptr {to}, i32 {align}, {self.of('i1')} {mask})"
        )

    # ----------------------------------------------------------------------------------- spread

    def spread(self) -> str:
        """`spread`, one number after the other: windows that overlap add."""
        w = Writer()
        axes = self.read_geometry(w)
        depth, row, column = axes
        whole, windows = self.planes(w, axes)
        places = self.times(w, depth["kernel"], row["kernel"])
        places = self.times(w, places, column["kernel"])
        with (
            w.loop("plane", "%first", "%last", "1") as plane,
            w.loop("d", "0", depth["windows"], "1") as d,
            w.loop("i", "0", row["windows"], "1") as i,
        ):
            line = self.plus(w, self.times(w, d.counter, row["windows"]), i.counter)
            line = self.times(w, line, column["windows"])
            line = self.plus(w, line, self.times(w, plane.counter, windows))
            base = self.times(w, self.start(w, depth, d.counter), row["size"])
            base = self.plus(w, base, self.start(w, row, i.counter))
            base = self.times(w, base, column["size"])
            base = self.plus(w, base, self.times(w, plane.counter, whole))
            with w.loop("j", "0", column["windows"], "1") as j:
                at = self.plus(w, line, j.counter)
                code = w.add(
                    f"load {self.code}, ptr {self.at(w, '%code', at, self.code)}, "
                    f"align {self.code_bytes}"
                )
                code = w.add(f"zext {self.code} {code} to i64")
                with w.when(w.add(f"icmp ult i64 {code}, {places}")):  # else: an empty window
                    y = w.add(
                        f"load {self.element}, ptr {self.at(w, '%y', at)}, "
                        f"align {self.dtype.itemsize}"
                    )
                    offset = w.add(f"load i64, ptr {self.at(w, '%offsets', code, 'i64')}, align 8")
                    offset = self.plus(w, offset, self.start(w, column, j.counter))
                    cell = self.at(w, "%x", self.plus(w, base, offset))
                    before = w.add(f"load {self.element}, ptr {cell}, align {self.dtype.itemsize}")
                    after = w.add(f"fadd {self.element} {before}, {y}")
                    w.do(f"store {self.element} {after}, ptr {cell}, align {self.dtype.itemsize}")
        parameters = (
            "ptr noalias %y, ptr noalias %code, ptr noalias %x, ptr noalias %offsets, "
            "ptr noalias %geometry"
        )
        return self.whole(f"void @spread({parameters}, i64 %first, i64 %last)", w)

    @staticmethod
    def whole(head: str, w: Writer, *declarations: str) -> str:
        lines = [*declarations, f"define {head} {{", "entry:", *w.lines, "  ret void", "}"]
        return "\n".join(lines)
