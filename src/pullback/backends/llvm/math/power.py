"""sqrt, rsqrt, pow."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

from pullback.backends.llvm.math import coefficients, constants
from pullback.backends.llvm.math.builder import FLOAT64, Builder, Value
from pullback.backends.llvm.math.exponent import unscale
from pullback.backends.llvm.math.exponential import exp2_of


def sqrt(c: Builder, x: Value) -> Value:
    """Correctly rounded."""
    return c.sqrt(x)


def rsqrt(c: Builder, x: Value) -> Value:
    """1 / √x, error below 1.5 ulp: inf for zeros, with their sign.

    AVX-512 has an estimate of 14 bits, to which Newton's iteration adds as many as it has.
    """
    if not c.fills_avx512(x):
        return 1.0 / c.sqrt(x)
    y = c.avx512("rsqrt14", x)
    start = y
    for _ in range(1 if c.format.width == 32 else 2):
        e = c.fma(-(x * y), y, 1.0)
        y = c.fma(y * 0.5, e, y)
    return c.select(y.is_nan(), start, y)  # infinite where x is 0, 0 where it is infinite


def pow(c: Builder, x: Value, y: Value) -> Value:
    """x^y = 2^(y log₂ |x|), with the sign of (-1)^y; error below 4 ulp.

    The special values are those of C99, annex F.9.4.4; most come out of the formula.
    """
    power = (from_double_double if c.format is FLOAT64 else in_double)(c, c.abs(x), y)
    usual = (x > 0.0) & (x < float("inf")) & (c.abs(y) < float("inf"))
    return c.rarely(~usual, [power], lambda: [special_power(c, x, y, power)])[0]


def special_power(c: Builder, x: Value, y: Value, power: Value) -> Value:
    """x^y from |x|^y."""
    integer = c.intrinsic("rint", y).equals(y)
    half = y * 0.5
    odd = integer & ~c.intrinsic("rint", half).equals(half)
    power = c.select(odd, c.copysign(power, x), power)
    power = c.select((x < 0.0) & (x > -float("inf")) & ~integer, float("nan"), power)
    endless = c.abs(x).equals(1.0) & c.abs(y).equals(float("inf"))
    return c.select(x.equals(1.0) | y.equals(0.0) | endless, 1.0, power)


def in_double(c: Builder, a: Value, y: Value) -> Value:
    """a^y in float32, computed in float64 once the exponent is taken out."""
    m, n = unscale(c, a)
    f = c.to_double(m - 1.0)
    p = [k * float(constants.LOG2E) for k in coefficients.LOG1P_WIDE["float64"]]
    log2 = c.mad(f * f, c.polynomial(f, p), c.mad(f, float(constants.LOG2E), c.to_double(n)))
    return c.from_double(exp2_of(c, c.to_double(y) * log2, coefficients.EXP2_WIDE["float64"]))


def from_double_double(c: Builder, a: Value, y: Value) -> Value:
    """a^y in float64, from log₂ a as the sum of two numbers, with an error of about 2^-64."""
    by_table = c.fills_avx512(a) and c.lanes % 8 == 0
    log, log_rest = (log2_by_table if by_table else log2_by_quotient)(c, a)
    e = y * log
    e_rest = c.fma(y, log, -e) + y * log_rest
    e_rest = c.select(c.abs(e) < 2000.0, e_rest, 0.0)  # NaN or infinite beside infinities
    return exp2_of(c, e, coefficients.EXP2["float64"], e_rest)


def add_logarithm(
    c: Builder, n: Value, h: Value, h_rest: Value, factor: Fraction
) -> tuple[Value, Value]:
    """n + factor (h + h_rest) as a sum of two numbers, where n is 0 or the largest of all."""
    high, low = constants.split(FLOAT64, factor, 2)
    u = h * high
    u_rest = c.fma(h, high, -u) + c.mad(h, low, h_rest * high)
    log = n + u
    return log, (n - log) + u + u_rest


def log2_by_table(c: Builder, a: Value) -> tuple[Value, Value]:
    """log₂ a for m = 1/k (1 + r) with k from a table of sixteenths, |r| ≤ 1/16.

    k has so few bits that r is exact (P. Tang, "Table-driven implementation of the logarithm
    function in IEEE floating-point arithmetic", ACM TOMS 16, 1990); r and r²/2 are kept in full.
    """
    m, n = unscale(c, a)
    index = c.bits(m) >> 48  # the leading bits of the mantissa tell the sixteenth
    r = c.fma(m, c.permute(index, INVERSES), -1.0)
    q = r * r
    h = c.fma(q, -0.5, r)
    p = c.mad(r * q, c.polynomial(r, coefficients.LOG1P_NEAR["float64"]), c.fma(r, r, -q) * -0.5)
    rest = c.fma(q, -0.5, r - h) + p
    top = h + rest
    h_rest = (h - top) + rest
    n = n + c.permute(index, LOGARITHMS)  # exact
    log, rest = add_logarithm(c, n, top, h_rest, constants.LOG2E)
    return log, rest + c.permute(index, LOGARITHM_RESTS)


def _nearest_inverse(i: int) -> float:
    """A multiple of 1/16 close to 1/m for all m in [3/4, 3/2) with leading bits i; 1 around 1."""
    low = (1 + i / 16) / (2 if i >= 8 else 1)
    high = (1 + (i + 1) / 16) / (2 if i >= 8 else 1)
    return min(
        (k / 16 for k in range(10, 22)), key=lambda k: max(abs(low * k - 1), abs(high * k - 1))
    )


INVERSES = [1.0 if i in (0, 15) else _nearest_inverse(i) for i in range(16)]
with localcontext() as _context:
    _context.prec = 60
    _LOGARITHMS = [-Fraction(Decimal(k).ln() / Decimal(2).ln()) for k in INVERSES]
LOGARITHMS = [round(x * 2**40) / 2**40 for x in _LOGARITHMS]  # short: sums with exponents are exact
LOGARITHM_RESTS = [float(x - Fraction(y)) for x, y in zip(_LOGARITHMS, LOGARITHMS, strict=True)]


def log2_by_quotient(c: Builder, a: Value) -> tuple[Value, Value]:
    """log₂ a for s = (m - 1) / (m + 1), |s| ≤ 1/5, log m = 2 (s + s³/3 + s⁵ P(s²)).

    s and s³/3 are sums of two numbers as well (T. Dekker, "A floating-point technique for extending
    the available precision", Numerische Mathematik 18, 1971).
    """
    m, n = unscale(c, a)
    f = m - 1.0
    d = f + 2.0
    inverse = 1.0 / d
    s = f * inverse
    s_rest = (c.fma(-s, d, f) - s * (f - (d - 2.0))) * inverse
    z = s * s
    z_rest = c.fma(s, s, -z) + 2.0 * s * s_rest
    # w = z/3 + z² P(z), so that log m = 2 (s + s w)
    third = constants.split(FLOAT64, Fraction(1, 3), 2)
    t = z * third[0]
    t_rest = c.fma(z, third[0], -t) + c.mad(z_rest, third[0], z * third[1])
    t_rest = c.mad(z * z, c.polynomial(z, coefficients.LOG_TAIL["float64"]), t_rest)
    w = t + t_rest
    w_rest = (t - w) + t_rest
    p = s * w
    p_rest = c.fma(s, w, -p) + c.mad(s, w_rest, s_rest * w)
    h = s + p
    h_rest = ((s - h) + p) + (p_rest + s_rest)
    return add_logarithm(c, n, h, h_rest, 2 * constants.LOG2E)
