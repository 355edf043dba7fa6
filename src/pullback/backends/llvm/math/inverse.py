"""asin, acos, atan, atan2 and asinh, acosh, atanh: minimax polynomials near 0, and elsewhere
identities that lead back there, or to a logarithm.
"""

from __future__ import annotations

from fractions import Fraction

from pullback.backends.llvm.math import coefficients, constants
from pullback.backends.llvm.math.builder import Builder, Value
from pullback.backends.llvm.math.logarithm import from_parts, log, sum_parts

PI = float(constants.PI)


def odd_polynomial(c: Builder, x: Value, table: dict[str, tuple[float, ...]]) -> Value:
    """x + x³ P(x²)"""
    u = x * x
    return c.mad(x * u, c.polynomial(u, table[c.format.name]), x)


def asin_reduced(c: Builder, a: Value) -> tuple[Value, Value, Value]:
    """Is a > 1/2?  And asin √((1 - a) / 2) if it is, asin a otherwise, as a sum.

    asin a = π/2 - 2 asin √((1 - a) / 2); the difference 1 - a is exact.
    """
    far = a > 0.5
    u = c.select(far, 0.5 - 0.5 * a, a * a)
    s = c.select(far, c.sqrt(u), a)
    return far, s, (s * u) * c.polynomial(u, coefficients.ASIN[c.format.name])


def asin(c: Builder, x: Value) -> Value:
    """Error below 2 ulp, NaN for |x| > 1."""
    far, s, t = asin_reduced(c, c.abs(x))
    # π/2 - 1 first, so that nothing is above 1 (with a larger rounding error) before the sum is;
    # half of what it lacks, since all of it would round asin 1 to the wrong side
    high = c.format.round(PI / 2) - 1.0
    low = float(constants.PI / 2 - 1 - Fraction(high)) / 2
    large = (c.mad(s, -2.0, high) + c.mad(t, -2.0, low)) + 1.0
    return c.copysign(c.select(far, large, s + t), x)


def acos(c: Builder, x: Value) -> Value:
    """π/2 - asin x, or twice the reduced asin near 1, from π near -1; error below 2 ulp."""
    far, s, t = asin_reduced(c, c.abs(x))
    base = c.select(far, c.select(x < -0.5, PI, c.number(0.0)), PI / 2)
    # ±y is subtracted near 0, 2y added near 1, subtracted near -1
    z = c.copysign(s + t, x)
    return base + c.select(far, z + z, -z)


def atan(c: Builder, x: Value) -> Value:
    """π/2 - atan 1/|x| for |x| > 1; error below 2 ulp."""
    a = c.abs(x)
    far = a > 1.0
    t = c.smaller(a, 1.0) / c.larger(a, 1.0)
    high, low = constants.split(c.format, constants.PI / 2, 2)
    zero = c.number(0.0)
    return c.copysign(angle(c, t, far, c.select(far, high, zero), c.select(far, low, zero)), x)


def angle(c: Builder, t: Value, minus: Value, start: Value, rest: Value) -> Value:
    """start + rest ± atan t for t ≤ 1; the small `rest` goes to the small part of atan t."""
    u = t * t
    t = c.select(minus, -t, t)
    return (start + t) + c.mad(t * u, c.polynomial(u, coefficients.ATAN[c.format.name]), rest)


def atan2(c: Builder, y: Value, x: Value) -> Value:
    """The angle of the point (x, y), from the quotient that is at most 1; error below 2 ulp.

    Signs of zeros count, quotients of infinities are ±1: C99, annex F.9.1.4.
    """
    a, b = c.abs(y), c.abs(x)
    swap = a > b
    small, large = c.select(swap, b, a), c.select(swap, a, b)
    # 0 / 0 is 0 here; 1, and inf / inf, are 1
    same = small.equals(large)
    t = c.select(same, c.select(small > 0.0, c.number(1.0), small), small / large)
    left = c.bits(x) < 0
    start, rest = (
        c.select(swap, whole / 2, c.select(left, whole, c.number(0.0)))
        for whole in constants.split(c.format, constants.PI, 2)
    )
    return c.copysign(angle(c, t, swap ^ left, start, rest), y)


def asinh(c: Builder, x: Value) -> Value:
    """log(|x| + √(x² + 1)) for |x| > 1; error below 2 ulp."""
    a = c.abs(x)
    huge = a > 2.0 ** (c.format.mantissa_bits + 2)  # the root is |x|; add log 2 instead
    root = c.sqrt(c.mad(a, a, 1.0))
    f, n = sum_parts(c, c.select(huge, a, root), c.select(huge, 0.0, a))
    large = from_parts(c, f, c.select(huge, n + 1.0, n))
    return c.copysign(c.select(a > 1.0, large, odd_polynomial(c, a, coefficients.ASINH)), x)


def acosh(c: Builder, x: Value) -> Value:
    """log(x + √((x - 1) (x + 1))), error below 2 ulp, NaN for x < 1.

    The sum is not rounded before 1 is subtracted from it, so that nothing is lost near x = 1.
    """
    x = c.select(x < 1.0, float("nan"), x)
    huge = x > 2.0 ** (c.format.mantissa_bits + 2)
    t = x - 1.0
    square = c.fma(t, t, t + t)
    root = c.sqrt(square)
    # what the two roundings left
    residual = c.fma(-root, root, square) + c.fma(t, t, (t + t) - square)
    rest = residual * 0.5 * c.rsqrt_estimate(square)
    f, n = sum_parts(c, x, c.select(huge, 0.0, root), rest)
    return from_parts(c, f, c.select(huge, n + 1.0, n))


def atanh(c: Builder, x: Value) -> Value:
    """log((1 + |x|) / (1 - |x|)) / 2 for |x| > 1/2, where 1 - |x| is exact; error below 2 ulp.

    The quotient is 2 / (1 - |x|) - 1.
    """
    a = c.abs(x)
    large = 0.5 * log(c, 2.0 / (1.0 - a) - 1.0)
    return c.copysign(c.select(a > 0.5, large, odd_polynomial(c, a, coefficients.ATANH)), x)
