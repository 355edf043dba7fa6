"""log, log2, log10, log1p.

x = 2^n m with 3/4 ≤ m < 3/2 and f = m - 1, which is exact: log x = n log 2 + f + f² P(f) with a
minimax polynomial P.  Where n = 0, no digit of f is lost; where it is not, |log x| > 0.28 and
the error of the sum is that of its larger term.
"""

from __future__ import annotations

from fractions import Fraction

from pullback.backends.llvm.math import coefficients, constants
from pullback.backends.llvm.math.builder import FLOAT64, Builder, Value
from pullback.backends.llvm.math.exponent import unscale, unscale_by


def log(c: Builder, x: Value) -> Value:
    """The natural logarithm, error below 2 ulp."""
    m, n = unscale(c, x)
    return from_parts(c, m - 1.0, n)


def from_parts(c: Builder, f: Value, n: Value) -> Value:
    """log(2^n (1 + f)) for -1/4 ≤ f < 1/2."""
    high, low = constants.short(c.format, constants.LOG2)
    y = c.mad(f * f, c.polynomial(f, coefficients.LOG1P[c.format.name]), f)
    return c.mad(n, high, c.mad(n, low, y))


def log2(c: Builder, x: Value) -> Value:
    """log x / log 2, error below 2 ulp: the products with 1 / log 2 are folded in P."""
    m, n = unscale(c, x)
    return n + scaled_log1p(c, m - 1.0, constants.LOG2E)


def scaled_log1p(c: Builder, f: Value, factor: Fraction) -> Value:
    """factor log(1 + f) for -1/4 ≤ f < 1/2."""
    high, low = constants.short(c.format, factor)
    p = [a * float(factor) for a in coefficients.LOG1P[c.format.name]]
    return c.mad(f, high, c.mad(f * f, c.polynomial(f, p), f * low))


def log10(c: Builder, x: Value) -> Value:
    """log x / log 10, error below 2 ulp."""
    m, n = unscale(c, x)
    high, low = constants.short(c.format, constants.LOG2 / constants.LOG10)
    y = scaled_log1p(c, m - 1.0, 1 / constants.LOG10)
    return c.mad(n, high, c.mad(n, low, y))


def sum_parts(c: Builder, a: Value, b: Value, rest: Value | None = None) -> tuple[Value, Value]:
    """f and n such that a + b = 2^n (1 + f), f rounded once, for a > |b| or a = 1.

    A `rest` that is much smaller can be added.

    a + b = u + d, where d is the rounding error of the sum; for u = 2^n m, f = (m - 1) + 2^-n d.
    """
    u = a + b
    d = b - (u - a)
    if rest is not None:
        d = d + rest
    m, n = unscale(c, u)
    d = unscale_by(c, d, n)
    return (m - 1.0) + c.select(d.is_nan(), 0.0, d), n  # NaN for infinities and zeros


def log1p(c: Builder, x: Value) -> Value:
    """log(1 + x), error below 2 ulp: near 0, n = 0 and f = x."""
    return c.copysign(from_parts(c, *sum_parts(c, c.number(1.0), x)), x)


def log_of_double(c: Builder, x: Value, short: bool = False) -> Value:
    """log x in float64; `short` is enough for a result in float32."""
    m, n = unscale(c, x)
    f = m - 1.0
    table = coefficients.LOG1P_WIDE if short else coefficients.LOG1P
    high, low = constants.short(FLOAT64, constants.LOG2)
    y = c.mad(f * f, c.polynomial(f, table["float64"]), f)
    return c.mad(n, high, c.mad(n, low, y))
