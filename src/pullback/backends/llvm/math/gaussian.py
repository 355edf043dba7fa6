"""The scaled error function, the inverse of the error function, and the normal distribution's.

All in float64, float32 as well: results are rounded once.
"""

from __future__ import annotations

from pullback.backends.llvm.math import coefficients, constants
from pullback.backends.llvm.math.builder import FLOAT64, Builder, Value
from pullback.backends.llvm.math.exponent import scale
from pullback.backends.llvm.math.logarithm import log_of_double

LOG2E = float(constants.LOG2E)
SQRT_2, SQRT_HALF = 1.4142135623730951, 0.7071067811865476
# Where the pieces of the inverse have the middle of their substitution: tools/fit_polynomials.py.
MIDDLE, FAR_MIDDLE = 1.90996640537514, 10.231638418079095


def exp_of_double(c: Builder, x: Value, rest: Value | float = 0.0) -> tuple[Value, Value]:
    """(w, n) with e^(x + rest) = 2^n (1 + w), where n is an exponent, or twice one, and rest is
    small."""
    high, low = constants.short(FLOAT64, constants.LOG2)
    n = c.round(x * LOG2E)
    r = c.mad(n, -low, c.mad(n, -high, x) + rest)
    return c.mad(r * r, c.polynomial(r, coefficients.EXP["float64"]), r), n


def erfcx_of_positive(c: Builder, a: Value) -> Value:
    """e^(a²) erfc a for a ≥ 0: see `special.erfc_of_double`."""
    v = 3.0 / (a + 3.0)
    return v * c.polynomial(c.mad(v, -2.0, 0.75), coefficients.ERFCX["float64"])


def erfcx(c: Builder, x: Value) -> Value:
    """e^(x²) erfc x, error below 4 ulp: near 0 from erf, below as 2 e^(x²) - erfcx |x|, which
    overflows soon."""
    wide = c.to_double(x)
    bounded = c.larger(c.smaller(wide, 1.0), -27.0)
    square = bounded * bounded
    w, n = exp_of_double(c, square, c.fma(bounded, bounded, -square))
    power = scale(c, 1.0 + w, n)
    near = (1.0 - wide) - wide * c.polynomial(square, coefficients.ERF["float64"])
    y = erfcx_of_positive(c, c.abs(wide))
    y = c.select(wide < 0.0, 2.0 * power - y, y)
    return c.from_double(c.select(c.abs(wide) < 0.8, near * power, y))


def log_ndtr(c: Builder, x: Value) -> Value:
    """log((1 + erf(x / √2)) / 2), error below 4 ulp.

    Below -1 the logarithm of erfcx(-x / √2) / 2, less x² / 2; above, log(1 - p) with the other
    tail p = erfc(x / √2) / 2, where u = 1 - p is not rounded for nothing: log u + (1 - u - p) / u.
    """
    wide = c.to_double(x)
    a = c.abs(wide) * SQRT_HALF
    half = wide * wide * 0.5
    scaled = erfcx_of_positive(c, a) * 0.5
    bounded = c.smaller(c.abs(wide), 40.0)
    square = bounded * bounded * -0.5
    w, n = exp_of_double(c, square, c.fma(bounded, bounded * -0.5, -square))
    tail = scale(c, scaled * 2.0 * (1.0 + w), n) * 0.5
    p = c.select(wide < 0.0, 1.0 - tail, tail)
    far = wide < -1.0
    u = 1.0 - p
    log = log_of_double(c, c.select(far, scaled, u))
    # of -inf, erfcx is 0 and its logarithm infinite, as the square
    above = c.select(u.equals(1.0), -p, log + ((1.0 - u) - p) / u)
    return c.from_double(c.select(far, log - half, above))


def inverse(c: Builder, x: Value, q: Value, far: bool) -> Value:
    """erfinv x, from |x| or from q = 1 - |x|, whichever is small; q down to the smallest numbers if
    `far`.

    From s = √(-log q), of which it is nearly a multiple (J. Blair, C. Edwards and J. Johnson,
    "Rational Chebyshev approximations for the inverse of the error function", Mathematics of
    Computation 30, 1976, use a series in 1 / s), with a substitution that makes it smooth.
    """
    s = c.sqrt(-log_of_double(c, q))
    t = (s - MIDDLE) / (s + 1.0)
    y = c.polynomial(t, coefficients.ERFCINV["float64"])
    if far:
        t = (s - FAR_MIDDLE) / (s + 1.0)
        y = c.select(s > 6.05, c.polynomial(t, coefficients.ERFCINV_FAR["float64"]), y)
    y = c.select(q.equals(0.0), float("inf"), s * y)
    near = x * c.polynomial(x * x, coefficients.ERFINV["float64"])
    return c.select(q > 0.5, near, c.copysign(y, x))


def erfinv(c: Builder, x: Value) -> Value:
    """The inverse of erf, error below 4 ulp; NaN beyond ±1."""
    wide = c.to_double(x)
    return c.from_double(inverse(c, wide, 1.0 - c.abs(wide), far=False))


def ndtri(c: Builder, p: Value) -> Value:
    """The inverse of ndtr, √2 erfinv(2p - 1), error below 4 ulp; NaN outside [0, 1]."""
    wide = c.to_double(p)
    x = c.mad(wide, 2.0, -1.0)  # exact where it is used, near 1/2; its sign everywhere
    q = c.smaller(wide, 1.0 - wide) * 2.0
    return c.from_double(inverse(c, x, q, far=True) * SQRT_2)
