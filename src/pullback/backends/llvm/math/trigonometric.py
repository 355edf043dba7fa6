"""sin, cos, tan.

|x| = n π + r (sin, cos) or n π/2 + r (tan) with |r| at most half the step, then minimax polynomials
in r².  π is subtracted in three parts of full precision; with a fused multiply-add the first step
is exact and the second loses nothing when it cancels, so that r has a small *relative* error
(W. Cody and W. Waite, "Software Manual for the Elementary Functions", 1980; for the fused form
J.-M. Muller, "Elementary Functions", 2016, chapter 11).  This depends on the fusion.

Vectors with a lane beyond the reach of this, |x| > 2^16 (float32) or 2^40 (float64), take a branch
to an out-of-line function that works for every x (M. Payne and R. Hanek, "Radian reduction for
trigonometric functions", SIGNUM Newsletter 18, 1983).
"""

from __future__ import annotations

import functools
from fractions import Fraction

from pullback.backends.llvm.math import coefficients, constants
from pullback.backends.llvm.math.builder import FLOAT64, Builder, Value

FIXED = 1300  # binary digits of 1/π
ROW = 16  # the table of 1/π has a row for every 16 binary digits
PARTS = 4  # and every row has 4 × 53 bits


def reduce(
    c: Builder, a: Value, step: Fraction, offset: Fraction, rounding: bool = False
) -> tuple[Value, Value, Value]:
    """n, r and a tiny rest such that a = (n + offset) step π + r + rest, for a ≥ 0.

    With `rounding`, the rest has the rounding error of r as well.
    """
    f = c.format
    period = step * constants.PI
    t = c.mad(a, float(1 / period), -float(offset))
    n = (t + f.magic) - f.magic
    k = -(n + float(offset) if offset else n)
    first, second, third = constants.split(f, period, 3)
    near = c.fma(k, first, a)
    r = c.fma(k, second, near)
    rest = k * third
    if (
        rounding
    ):  # the difference is exact, as k second is less than 2^-8 here; it counts nowhere else
        rest = rest + c.select(c.abs(r) > 2.0**-6, c.fma(k, second, near - r), 0.0)
    large = a > (2.0**16 if f.width == 32 else 2.0**40)

    def body(code: Builder, x: Value) -> list[Value]:
        return reduce_large(code, x, step, offset)

    def rare() -> list[Value]:
        name = f"reduce.{step.denominator}.{offset.denominator}"
        return c.call_cold(name, [a], body, [f.kind] * 3)

    n, r, rest = c.rarely(large, [n, r, rest], rare)
    return n, r, rest


def reduce_large(c: Builder, a: Value, step: Fraction, offset: Fraction) -> list[Value]:
    """`reduce` for every a, in double-double arithmetic (of float64 for float32 as well).

    a / π modulo 2 is what is asked for.  With 2^(16k) the unit in the last place of a, or less,
    a = b 2^(16k) for an integer b, so that the integers of 2^(16k) / π, and all that is a multiple
    of 2, can be left out of the table beforehand.
    """
    x = c.to_double(a)
    rows = 1 + ((FLOAT64.bias if c.format is FLOAT64 else 127) - 52) // ROW
    table = c.module.table("inverse_pi", "double", inverse_pi_table(rows))
    k = (c.bits(x) >> 52) - (FLOAT64.bias + 52)
    k = c.select(k > 0, k, 0) >> 4
    k = c.select(k < rows, k, rows - 1)  # infinity
    b = c.from_bits(c.bits(x) - (k << 56))
    high, low = [], []
    for i in range(PARTS):
        part = c.gather(table, rows * PARTS, k * PARTS + i)
        high.append(b * part)
        low.append(c.fma(b, part, -high[i]))

    def modulo_two(v: Value) -> Value:
        return v - c.intrinsic("rint", v * 0.5) * 2.0

    def two_sum(u: Value, v: Value) -> tuple[Value, Value]:
        s = u + v
        w = s - u
        return s, (u - (s - w)) + (v - w)

    # the sum of the products, the largest first; what is large is reduced at once, without error
    s, e1 = two_sum(modulo_two(high[0]), modulo_two(low[0]))
    s, e2 = two_sum(s, modulo_two(high[1]))
    turns = float(step)
    n = c.intrinsic("rint", (s - float(offset * step)) * (1 / turns))
    s = s - (n + float(offset)) * turns
    t, e3 = two_sum(low[1], high[2])
    s, e4 = two_sum(s, t)
    rest = e1 + e2 + e3 + e4 + (low[2] + high[3])
    top = s + rest
    bottom = (s - top) + rest
    pi = constants.split(FLOAT64, constants.PI, 2)
    r = top * pi[0]
    rest = c.fma(top, pi[0], -r) + (top * pi[1] + bottom * pi[0]) + (x - x)  # NaN for infinity
    short = c.from_double(r + rest)
    return [c.from_double(n), short, c.from_double((r - c.to_double(short)) + rest)]


@functools.cache
def inverse_pi_table(rows: int) -> list[float]:
    """2^(16k) / π modulo 2 as four floats, for k = 0, 1, …"""
    bits = constants.INVERSE_PI.numerator * 2**FIXED // constants.INVERSE_PI.denominator
    result: list[float] = []
    for k in range(rows):
        rest = (bits << (ROW * k)) & (2 ** (FIXED + 1) - 1)
        result += constants.split(FLOAT64, Fraction(rest, 2**FIXED), PARTS)
    return result


def signed(c: Builder, y: Value, n: Value, x: Value | None) -> Value:
    """(-1)^n y, with the sign of x in addition."""
    f = c.format
    sign = c.bits(n + f.magic) << (f.width - 1)
    if x is not None:
        sign = sign ^ (c.bits(x) & -(1 << (f.width - 1)))
    return c.from_bits(c.bits(y) ^ sign)


def sin_half_turn(c: Builder, r: Value) -> Value:
    """sin r for |r| ≤ π / 2."""
    u = r * r
    p = c.polynomial(u, coefficients.SIN[c.format.name])
    if c.format is not FLOAT64:
        return c.mad(r * u, p, r)
    # near π/2, the rounding error of r² counts: -0.12 r is the derivative by r² there
    return c.mad(r * u, p, (r * -0.12) * c.fma(r, r, -u)) + r


def sin(c: Builder, x: Value) -> Value:
    """sin x = (-1)^n sin r, error below 2 ulp for every x."""
    n, r, rest = reduce(c, c.abs(x), Fraction(1), Fraction(0))
    return signed(c, sin_half_turn(c, r + rest), n, x)


def cos(c: Builder, x: Value) -> Value:
    """cos x = (-1)^(n+1) sin r where |x| = (n + 1/2) π + r, error below 2 ulp for every x."""
    n, r, rest = reduce(c, c.abs(x), Fraction(1), Fraction(1, 2))
    return signed(c, sin_half_turn(c, r + rest), n + 1.0, None)


def tan(c: Builder, x: Value) -> Value:
    """tan r, or -1 / tan r for an odd n; error below 2 ulp for every x.

    The rounding error of r would count for 1 ulp near π/4, where the slope is 2: it is part of the
    rest, whose effect is (1 + tan² r) rest. The inverse is corrected for the rounding of tan r and
    of the division.
    """
    f = c.format
    n, r, rest = reduce(c, c.abs(x), Fraction(1, 2), Fraction(0), rounding=True)
    u = r * r
    t = (r * u) * c.polynomial(u, coefficients.TAN[f.name])
    y = r + t
    t = t + c.mad(rest * y, y, rest)
    y = r + t
    q = 1.0 / y
    residual = c.mad(-q, t - (y - r), c.fma(-q, y, 1.0))
    inverse = c.mad(q, residual, q)
    odd = (c.bits(n + f.magic) & 1).equals(1)
    return signed(c, c.select(odd, inverse, y), n, x)
