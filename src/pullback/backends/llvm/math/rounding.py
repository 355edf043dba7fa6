"""Functions that are one instruction: rounding to integers, and signs.  All are exact."""

from __future__ import annotations

from pullback.backends.llvm.math.builder import Builder, Value


def floor(c: Builder, x: Value) -> Value:
    """The largest integer below."""
    return c.intrinsic("floor", x)


def ceil(c: Builder, x: Value) -> Value:
    """The smallest integer above."""
    return c.intrinsic("ceil", x)


def trunc(c: Builder, x: Value) -> Value:
    """The next integer towards zero."""
    return c.intrinsic("trunc", x)


def round(c: Builder, x: Value) -> Value:
    """The nearest integer, an even one for halves."""
    return c.intrinsic("rint", x)


def abs(c: Builder, x: Value) -> Value:
    """|x|"""
    return c.abs(x)


def copysign(c: Builder, x: Value, sign: Value) -> Value:
    """|x| with the sign of `sign`."""
    return c.copysign(x, sign)
