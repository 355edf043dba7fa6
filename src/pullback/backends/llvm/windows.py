"""Products with the windows of images, in machine code: what convolutions are made of.

The windows of an image that is laid out with its margins are rows that start at some offsets: with
`off` telling where each number of a window is found for the first window, the image's columns need
never be written down. Two functions for each floating dtype:

    product   y[o, p] = start[o] + Σ_k a[k, o] x[off[k] + p]    a in tiles of outputs: `tiles`
    dots      y[o, k] += Σ_p g[o, p] x[off[k] + p]

for a number of groups one after the other, that share `off`. Register tiles as in K. Goto and
R. van de Geijn, ACM TOMS 34 (2008); the rows without columns are those of M. Dukhan, arXiv
1907.02129.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .compile import library
from .target import Target, host
from .text import Writer, scalar_type, vector_type

VECTORS = 3  # of positions in a tile of `product`
TAPS = 6  # numbers of a window in a tile of `dots`


def height(target: Target) -> int:
    """Rows of the largest tile of `product`: its sums fill the registers."""
    return 8 if target.registers >= 32 else 4


def tiles(rows: int, largest: int) -> Iterator[tuple[int, int]]:
    """(first row, rows) of the tiles that rows are cut into: the largest, then powers of two."""
    first = 0
    while first < rows:
        while largest > rows - first:
            largest //= 2
        yield first, largest
        first += largest


class Windows:
    """The two functions for a dtype."""

    def __init__(self, dtype: np.dtype[Any], target: Target):
        self.lanes = target.lanes_of(dtype)
        self.height = height(target)
        pointer, word = ctypes.c_void_p, ctypes.c_int64
        engine, address = library(module(dtype, target), target)
        self._keep = engine
        sizes = (word,) * 7
        product = ctypes.CFUNCTYPE(None, *(pointer,) * 5, *sizes)
        self.product: Callable[..., None] = product(address("product"))
        dots = ctypes.CFUNCTYPE(None, *(pointer,) * 4, *sizes)
        self.dots: Callable[..., None] = dots(address("dots"))


@functools.cache
def windows(dtype: np.dtype[Any], target: Target | None = None) -> Windows:
    """The functions for a dtype, compiled or from disk."""
    return Windows(dtype, target or host())


def module(dtype: np.dtype[Any], target: Target) -> str:
    """LLVM IR of both functions."""
    element, lanes = scalar_type(dtype), target.lanes_of(dtype)
    printer = _Printer(element, lanes, dtype.itemsize, height(target))
    return printer.module()


# Of both: the numbers of a window, positions (whole vectors), rows, from row to row of
# what has positions, groups, and from group to group of the image and of what has rows.
SIZES = (
    "i64 %taps, i64 %positions, i64 %rows, i64 %pitch, i64 %groups, i64 %x.group, i64 %rows.group"
)


class _Printer:
    """The text for one element type."""

    def __init__(self, element: str, lanes: int, width: int, tallest: int):
        self.element, self.lanes, self.width = element, lanes, width
        self.vector = vector_type(element, lanes)
        self.heights = [h for h in (8, 4, 2, 1) if h <= tallest]

    def module(self) -> str:
        """All functions."""
        parts = [f"declare {self.element} @llvm.vector.reduce.fadd({self.element}, {self.vector})"]
        if self.lanes == 1:
            parts = []
        for h in self.heights:
            parts += [self.product_tile(h, v) for v in (VECTORS, 1)]
        parts.append(self.product())
        heights = [h for h in self.heights if h <= 4]
        parts += [self.dots_tile(h, t) for h in heights for t in (TAPS, 1)]
        parts.append(self.dots(heights))
        return "\n\n".join(parts)

    # ------------------------------------------------------------------------------ small parts

    def at(self, w: Writer, pointer: str, index: str) -> str:
        return w.add(f"getelementptr inbounds {self.element}, ptr {pointer}, i64 {index}", "p")

    def load(self, w: Writer, pointer: str, kind: str | None = None) -> str:
        return w.add(f"load {kind or self.vector}, ptr {pointer}, align {self.width}", "l")

    def fused(self, w: Writer, a: str, b: str, c: str) -> str:
        product = w.add(f"fmul contract {self.vector} {a}, {b}")
        return w.add(f"fadd contract {self.vector} {product}, {c}")

    def offset(self, w: Writer, index: str) -> str:
        place = w.add(f"getelementptr inbounds i64, ptr %off, i64 {index}")
        return w.add(f"load i64, ptr {place}, align 8", "off")

    # ---------------------------------------------------------------------------------- product

    def product_tile(self, rows: int, vectors: int) -> str:
        """y[rows, vectors] = start[rows] + Σ a x, with the sums in registers."""
        w = Writer()
        sums = []
        for r in range(rows):
            start = self.load(w, self.at(w, "%start", str(r)), self.element)
            sums += [(self.vector, w.splat(self.element, start, self.lanes))] * vectors
        with w.loop("k", "0", "%taps", "1", sums) as k:
            start = self.at(w, "%x", self.offset(w, k.counter))
            xs = [self.load(w, self.at(w, start, str(v * self.lanes))) for v in range(vectors)]
            first = self.at(w, "%a", w.add(f"mul i64 {k.counter}, {rows}"))
            for r in range(rows):
                weight = self.load(w, self.at(w, first, str(r)), self.element)
                splat = w.splat(self.element, weight, self.lanes)
                for v in range(vectors):
                    k.next.append(self.fused(w, splat, xs[v], k.carried[r * vectors + v]))
        results = iter(k.results)
        for r in range(rows):
            row = self.at(w, "%y", w.add(f"mul i64 %pitch, {r}"))
            for v in range(vectors):
                cell = self.at(w, row, str(v * self.lanes))
                w.do(f"store {self.vector} {next(results)}, ptr {cell}, align {self.width}")
        return _function(
            f"internal void @product.{rows}.{vectors}(ptr noalias %a, ptr noalias %x, "
            "ptr noalias %off, ptr noalias %y, ptr noalias %start, i64 %taps, i64 %pitch) noinline",
            w,
        )

    def product(self) -> str:
        w = Writer()
        wide = VECTORS * self.lanes
        whole = w.add(f"sdiv i64 %positions, {wide}")
        whole = w.add(f"mul i64 {whole}, {wide}")
        weights = w.add("mul i64 %rows, %taps")
        with w.loop("g", "0", "%groups", "1") as g:
            a = self.at(w, "%a", w.add(f"mul i64 {g.counter}, {weights}"))
            x = self.at(w, "%x", w.add(f"mul i64 {g.counter}, %x.group"))
            y = self.at(w, "%y", w.add(f"mul i64 {g.counter}, %rows.group"))
            starts = self.at(w, "%start", w.add(f"mul i64 {g.counter}, %rows"))
            for vectors, start, stop in ((VECTORS, "0", whole), (1, whole, "%positions")):
                with w.loop("p", start, stop, str(vectors * self.lanes)) as p:
                    xp, yp = self.at(w, x, p.counter), self.at(w, y, p.counter)

                    def tile(h: int, o: str, xp: str = xp, yp: str = yp, n: int = vectors) -> None:
                        ao = self.at(w, a, w.add(f"mul i64 {o}, %taps"))
                        yo = self.at(w, yp, w.add(f"mul i64 {o}, %pitch"))
                        so = self.at(w, starts, o)
                        w.do(
                            f"call void @product.{h}.{n}(ptr {ao}, ptr {xp}, ptr %off, ptr {yo}, "
                            f"ptr {so}, i64 %taps, i64 %pitch)"
                        )

                    self.over_rows(w, self.heights, tile)
        return _function(f"void @product(ptr %a, ptr %x, ptr %off, ptr %y, ptr %start, {SIZES})", w)

    def over_rows(self, w: Writer, heights: list[int], tile: Callable[[int, str], None]) -> None:
        """The tiles of `tiles`: as many of the largest as there are, and one of each that is left.

        `tile(h, o)` writes the call for h rows from row o.
        """
        start = "0"
        for h in heights:
            left = w.add(f"sub i64 %rows, {start}")
            count = w.add(f"sdiv i64 {left}, {h}")
            stop = w.add(f"add i64 {start}, {w.add(f'mul i64 {count}, {h}')}")
            with w.loop("o", start, stop, str(h)) as o:
                tile(h, o.counter)
            start = stop

    # ------------------------------------------------------------------------------------- dots

    def dots_tile(self, rows: int, taps: int) -> str:
        """y[rows, taps] += Σ_p g x, with a vector of sums for each."""
        w = Writer()
        starts = [self.at(w, "%x", self.offset(w, str(t))) for t in range(taps)]
        lines = [self.at(w, "%g", w.add(f"mul i64 %pitch, {r}")) for r in range(rows)]
        zero = "zeroinitializer" if self.lanes > 1 else "0.0"
        sums = [(self.vector, zero)] * (rows * taps)
        with w.loop("p", "0", "%positions", str(self.lanes), sums) as p:
            gs = [self.load(w, self.at(w, line, p.counter)) for line in lines]
            for t, start in enumerate(starts):
                x = self.load(w, self.at(w, start, p.counter))
                for r, g in enumerate(gs):
                    p.next.append(self.fused(w, g, x, p.carried[t * rows + r]))
        results = iter(p.results)
        for t in range(taps):
            for r in range(rows):
                total = next(results)
                if self.lanes > 1:
                    total = w.add(
                        f"call reassoc {self.element} @llvm.vector.reduce.fadd("
                        f"{self.element} 0.0, {self.vector} {total})"
                    )
                row = self.at(w, "%y", w.add(f"mul i64 %row, {r}"))
                cell = self.at(w, row, str(t))
                before = self.load(w, cell, self.element)
                after = w.add(f"fadd {self.element} {before}, {total}")
                w.do(f"store {self.element} {after}, ptr {cell}, align {self.width}")
        return _function(
            f"internal void @dots.{rows}.{taps}(ptr noalias %g, ptr noalias %x, ptr noalias %off, "
            "ptr noalias %y, i64 %positions, i64 %pitch, i64 %row) noinline",
            w,
        )

    def dots(self, heights: list[int]) -> str:
        w = Writer()
        whole = w.add(f"sdiv i64 %taps, {TAPS}")
        whole = w.add(f"mul i64 {whole}, {TAPS}")
        weights = w.add("mul i64 %rows, %taps")
        with w.loop("b", "0", "%groups", "1") as b:
            g = self.at(w, "%g", w.add(f"mul i64 {b.counter}, %rows.group"))
            x = self.at(w, "%x", w.add(f"mul i64 {b.counter}, %x.group"))
            y = self.at(w, "%y", w.add(f"mul i64 {b.counter}, {weights}"))

            def tile(h: int, o: str) -> None:
                go = self.at(w, g, w.add(f"mul i64 {o}, %pitch"))
                yo = self.at(w, y, w.add(f"mul i64 {o}, %taps"))
                for taps, start, stop in ((TAPS, "0", whole), (1, whole, "%taps")):
                    with w.loop("k", start, stop, str(taps)) as k:
                        off = w.add(f"getelementptr inbounds i64, ptr %off, i64 {k.counter}")
                        yk = self.at(w, yo, k.counter)
                        w.do(
                            f"call void @dots.{h}.{taps}(ptr {go}, ptr {x}, ptr {off}, ptr {yk}, "
                            "i64 %positions, i64 %pitch, i64 %taps)"
                        )

            self.over_rows(w, heights, tile)
        return _function(f"void @dots(ptr %g, ptr %x, ptr %off, ptr %y, {SIZES})", w)


def _function(head: str, w: Writer) -> str:
    return "\n".join([f"define {head} {{", "entry:", *w.lines, "  ret void", "}"])
