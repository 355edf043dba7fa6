"""Strips of numbers, transposed by functions beside the kernel that are printed once.

A strip is some lines side by side, as long as one likes; its transpose are lines as long as a
register. Squares of a few numbers are transposed where they lie in registers, one in each 16 bytes.
"""

from __future__ import annotations

from typing import NamedTuple

from .text import Writer, vector_type
from .vector import DType, Vectors

SQUARE_BYTES = 16  # of a line of the squares: registers are shuffled in parts of this size


class Strip(NamedTuple):
    """What a function transposes."""

    element: str  # the type of a number
    itemsize: int
    lines: int

    @property
    def symbol(self) -> str:
        return f"@strip.{self.element}.{self.lines}"


def strip_lines(v: Vectors, dtype: DType) -> int:
    """The lines of a strip: a register of its transpose has a number of each."""
    return min(v.lanes, max(1, v.target.vector_bytes // max(4, dtype.itemsize)))


def square_side(lines: int, itemsize: int) -> int:
    """The side of the squares: the transpose has a multiple of it as lines."""
    return min(lines, SQUARE_BYTES // max(4, itemsize))


def definition(strip: Strip) -> str:
    """void strip(ptr from, i64 distance, ptr to, i64 step, i64 count): bytes from line to line,
    and the same of the transpose, which has `count` lines."""
    w = Writer()
    w.begin("entry")
    side = square_side(strip.lines, strip.itemsize)
    kind, whole = (vector_type(strip.element, n) for n in (side, strip.lines))
    align = f"align {strip.itemsize}"
    with w.loop("line", "0", "%count", str(side)) as loop:
        where = w.add(f"getelementptr {strip.element}, ptr %from, i64 {loop.counter}")
        parts = []
        for k in range(strip.lines):
            where = w.add(f"getelementptr i8, ptr {where}, i64 %distance") if k else where
            parts.append(w.add(f"load {kind}, ptr {where}, {align}"))
        square = [_joined(w, strip.element, side, parts[j::side]) for j in range(side)]
        at = w.add(f"mul i64 {loop.counter}, %step")
        where = w.add(f"getelementptr i8, ptr %to, i64 {at}")
        for j, line in enumerate(_transposed(w, square, whole, strip.lines)):
            where = w.add(f"getelementptr i8, ptr {where}, i64 %step") if j else where
            w.do(f"store {whole} {line}, ptr {where}, {align}")
    w.do("ret void")
    places = "ptr %from, i64 %distance, ptr %to, i64 %step, i64 %count"
    head = f"define internal void {strip.symbol}({places}) noinline nounwind {{"
    return "\n".join([head, *w.lines, "}"])


def _joined(w: Writer, element: str, length: int, parts: list[str]) -> str:
    """Short vectors one behind the other."""
    while len(parts) > 1:
        kind = vector_type(element, length)
        pairs = zip(parts[::2], parts[1::2], strict=True)
        parts = [_shuffle(w, kind, a, b, list(range(2 * length))) for a, b in pairs]
        length *= 2
    return parts[0]


def _transposed(w: Writer, square: list[str], kind: str, lanes: int) -> list[str]:
    """Squares side by side in the lanes of vectors, each transposed."""
    side, grain = len(square), 1
    while grain < side:  # interleave lines, by longer and longer parts
        found: dict[int, str] = {}
        for k in range(side):
            if not k & grain:
                a, b = square[k], square[k + grain]
                for half in (0, 1):
                    order = []
                    for lane in range(lanes):
                        part, place = lane % side // grain, lane % grain
                        at = lane // side * side + half * side // 2 + part // 2 * grain + place
                        order.append(at + part % 2 * lanes)
                    found[k + half * grain] = _shuffle(w, kind, a, b, order)
        square = [found[k] for k in range(side)]
        grain *= 2
    return _in_order(square)


def _in_order(lines: list[str]) -> list[str]:
    """What comes out of the interleaving: halves before quarters, as bits in reverse."""
    if len(lines) <= 2:
        return lines
    half = len(lines) // 2
    return [x for pair in zip(lines[:half], lines[half:], strict=True) for x in pair]


def _shuffle(w: Writer, kind: str, a: str, b: str, order: list[int]) -> str:
    places = ", ".join(f"i32 {k}" for k in order)
    return w.add(f"shufflevector {kind} {a}, {kind} {b}, <{len(order)} x i32> <{places}>")
