"""Squares of numbers that are transposed in registers."""

from __future__ import annotations

from .text import Writer
from .vector import DType, Vectors


def square_side(v: Vectors, dtype: DType) -> int:
    """The side of the squares: no longer than a register."""
    return min(v.lanes, max(1, v.target.vector_bytes // max(4, dtype.itemsize)))


def transposed_square(w: Writer, block: list[str], kind: str) -> list[str]:
    """The transpose of a square of vectors: in each step, smaller squares change places."""
    side, step = len(block), len(block) // 2
    while step:
        low = [k if not k & step else k - step + side for k in range(side)]
        high = [k + step if not k & step else k + side for k in range(side)]
        for k in range(side):
            if not k & step:
                a, b = block[k], block[k + step]
                block[k] = _shuffle(w, kind, a, b, low)
                block[k + step] = _shuffle(w, kind, a, b, high)
        step //= 2
    return block


def _shuffle(w: Writer, kind: str, a: str, b: str, order: list[int]) -> str:
    places = ", ".join(f"i32 {k}" for k in order)
    return w.add(f"shufflevector {kind} {a}, {kind} {b}, <{len(order)} x i32> <{places}>")
