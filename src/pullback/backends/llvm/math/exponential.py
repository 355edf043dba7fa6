"""e^x, 2^x, e^x - 1, the logistic function and the hyperbolic functions.

All write x = n log 2 + r with an integer n, evaluate a minimax polynomial in r, and multiply by
2^n.  log 2 is subtracted in two parts, the first so short that its product with n is exact (W. Cody
and W. Waite, "Software Manual for the Elementary Functions", 1980).
"""

from __future__ import annotations

from collections.abc import Sequence

from pullback.backends.llvm.math import coefficients, constants
from pullback.backends.llvm.math.builder import Builder, Value
from pullback.backends.llvm.math.exponent import power_of_two, scale, scale_normal

LOG2E = float(constants.LOG2E)


def largest_exponent(c: Builder, x: Value) -> float:
    """e^x overflows beyond."""
    return (c.format_of(x).bias + 1) * float(constants.LOG2)


def exp(c: Builder, x: Value) -> Value:
    """e^x, error below 2 ulp: |r| ≤ log 2 / 2, polynomial of degree 5 (float32) or 11 (float64).

    With AVX-512, 11 operations for float32: `scalef` gives infinity, 0 and NaN where n is too
    large and r is rubbish; `range` keeps the rubbish finite and the polynomial positive.
    """
    polynomial = (1.0, *coefficients.EXP_FAST[c.format.name])
    log2 = constants.short(c.format, constants.LOG2)
    if c.fills_avx512(x, "avx512dq"):
        n = c.intrinsic("rint", x * LOG2E)
        r = c.mad(n, -log2[1], c.mad(n, -log2[0], x))
        r = c.avx512("mask.range", r, c.number(0.5), 0b0110)  # |r| ≤ 1/2, with the sign of r
        return c.avx512("mask.scalef", c.polynomial(r, polynomial), n)
    n, r = reduce(c, clamp_exponent(c, x))
    return scale(c, c.polynomial(r, polynomial), n)


def clamp_exponent(c: Builder, x: Value, unit: float = 1 / LOG2E) -> Value:
    """x where 2^(x/unit) neither overflows nor underflows, else a bound where it does."""
    f = c.format_of(x)
    lowest = -(f.bias + f.mantissa_bits + 2.0)
    return c.larger(c.smaller(x, (f.bias + 2) * unit), lowest * unit)


def exp2(c: Builder, x: Value) -> Value:
    """2^x, error below 2 ulp, exact for integers: as `exp`; 8 operations with AVX-512."""
    return exp2_of(c, x, coefficients.EXP2[c.format.name])


def exp2_of(c: Builder, x: Value, table: Sequence[float], rest: Value | None = None) -> Value:
    """2^(x + rest) of any type with the polynomial (2^r - 1) / r; the rest is tiny."""
    direct = c.fills_avx512(x, "avx512dq")
    if direct:
        r = c.avx512("mask.reduce", x, 0b1000)  # x - rint(x), 0 for infinities
        n = x - r
    else:
        x = clamp_exponent(c, x, 1.0)
        n = c.round(x)
        r = x - n
    p = c.polynomial(r if rest is None else r + rest, (1.0, *table))
    return c.avx512("mask.scalef", p, n) if direct else scale(c, p, n)


def reduce(c: Builder, x: Value) -> tuple[Value, Value]:
    """n and r with x = n log 2 + r, |r| ≤ log 2 / 2."""
    log2 = constants.short(c.format, constants.LOG2)
    n = c.mad(x, LOG2E, c.format.magic) - c.format.magic
    return n, c.mad(n, -log2[1], c.mad(n, -log2[0], x))


def expm1_reduced(c: Builder, r: Value) -> Value:
    """e^r - 1 for |r| ≤ log 2 / 2."""
    return c.mad(r * r, c.polynomial(r, coefficients.EXP[c.format.name]), r)


def expm1(c: Builder, x: Value) -> Value:
    """e^x - 1 = 2^n (e^r - 1) + (2^n - 1), error below 2 ulp."""
    f = c.format
    n, r = reduce(c, c.larger(c.smaller(x, largest_exponent(c, x) + 0.3), -2.0 * f.mantissa_bits))
    most = float(f.bias)
    s = power_of_two(c, c.smaller(n, most))
    y = c.mad(s, expm1_reduced(c, r), s - 1.0)
    return c.copysign(c.select(n > most, y * 2.0, y), x)


def sigmoid(c: Builder, x: Value) -> Value:
    """1 / (1 + e^-x), error below 2 ulp: e^-x = 2^n (1 + w) is not rounded before 1 is added."""
    f = c.format
    n, r = reduce(c, -clamp_exponent(c, x))
    w = expm1_reduced(c, r)
    most = float(f.bias - 1)
    large = n > most  # 2^n overflows, or its inverse is subnormal
    s = power_of_two(c, c.larger(c.select(large, n - most / 2, n), -most))
    below = n < float(f.mantissa_bits)
    d = c.select(below, c.mad(s, w, s + 1.0), c.mad(s, w, 1.0) + s)
    return c.select(large, 2.0 ** -(most / 2), c.number(1.0)) / d


def tanh(c: Builder, x: Value) -> Value:
    """Error below 2 ulp: a polynomial to 0.55, 1 - 2 / (e^2|x| + 1) from there on."""
    f = c.format
    y = c.smaller(c.abs(x), 10.0 if f.width == 32 else 20.0)
    u = y * y
    small = c.mad(y * u, c.polynomial(u, coefficients.TANH[f.name]), y)
    n, r = reduce(c, y + y)
    e = scale_normal(c, expm1_reduced(c, r) + 1.0, n)
    large = 1.0 - 2.0 / (e + 1.0)
    return c.copysign(c.select(y > 0.55, large, small), x)


def hyperbolic(c: Builder, x: Value) -> tuple[Value, Value]:
    """sinh x for x ≥ 1 and cosh x for x ≥ 0, by the addition theorems

    sinh(r + n log 2) = sinh r cosh(n log 2) + cosh r sinh(n log 2), and the same for cosh.  Twice
    the hyperbolic functions of n log 2 are 2^n +- 2^-n: no division.  The largest term comes last.
    """
    f = c.format
    n, r = reduce(c, c.smaller(x, largest_exponent(c, x) + 1.0))
    large = n > (f.bias + 1) / 2  # 2^n may overflow before the result does
    up = power_of_two(c, c.select(large, n - 4.0, n), 0.5)
    down = c.from_bits(-c.bits(up) + 2 * f.bits(0.5))
    plus, minus = up + down, up - down
    u = r * r
    sinh = c.mad(r * u, c.polynomial(u, coefficients.SINH[f.name]), r)
    cosh_minus_one = u * c.polynomial(u, coefficients.COSH[f.name])
    factor = c.select(large, 16.0, c.number(1.0))
    return (
        (minus + c.mad(minus, cosh_minus_one, plus * sinh)) * factor,
        (plus + c.mad(plus, cosh_minus_one, minus * sinh)) * factor,
    )


def sinh(c: Builder, x: Value) -> Value:
    """Error below 2 ulp: a polynomial for |x| < 1."""
    a = c.abs(x)
    u = a * a
    small = c.mad(a * u, c.polynomial(u, coefficients.SINH_ONE[c.format.name]), a)
    return c.copysign(c.select(a < 1.0, small, hyperbolic(c, a)[0]), x)


def cosh(c: Builder, x: Value) -> Value:
    """Error below 2 ulp."""
    return hyperbolic(c, c.abs(x))[1]
