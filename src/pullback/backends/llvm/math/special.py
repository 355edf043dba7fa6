"""erf, erfc, lgamma, digamma."""

from __future__ import annotations

from pullback.backends.llvm.math import coefficients, constants
from pullback.backends.llvm.math.builder import FLOAT64, Builder, Value
from pullback.backends.llvm.math.exponent import power_of_two, scale
from pullback.backends.llvm.math.logarithm import log_of_double

LOG2, LOG2E, PI = (float(v) for v in (constants.LOG2, constants.LOG2E, constants.PI))


def erf(c: Builder, x: Value) -> Value:
    """x + x P(x²) for |x| < 0.86, 1 - erfc |x| from there on; error below 2 ulp.

    In float32, log₂ erfc is a polynomial.
    """
    f = c.format
    a = c.abs(x)
    u = a * a
    small = c.mad(a, c.polynomial(u, coefficients.ERF[f.name]), a)
    if f is FLOAT64:
        large = 1.0 - erfc_of_double(c, c.smaller(a, 6.0), coefficients.ERFC["float64"])
    else:
        e = c.polynomial(c.smaller(a, 4.1), coefficients.LOG2_ERFC["float32"])
        n = c.round(e)
        p = c.polynomial(e - n, (1.0, *coefficients.EXP2["float32"]))
        large = 1.0 - p * power_of_two(c, n)
    return c.copysign(c.select(a > 0.855, large, small), x)


def erfc(c: Builder, x: Value) -> Value:
    """1 - erf x, error below 2 ulp down to the smallest numbers; in float64 for float32."""
    if c.format is not FLOAT64:
        wide = c.to_double(x)
        y = erfc_of_double(c, c.smaller(c.abs(wide), 11.0), coefficients.ERFC_WIDE["float64"])
        return c.from_double(c.select(wide < 0.0, 2.0 - y, y))
    a = c.abs(x)
    small = (1.0 - x) - x * c.polynomial(x * x, coefficients.ERF["float64"])
    y = erfc_of_double(c, c.smaller(a, 28.0), coefficients.ERFC["float64"], careful=True)
    return c.select(a < 0.8, small, c.select(x < 0.0, 2.0 - y, y))


def erfc_of_double(c: Builder, a: Value, table: tuple[float, ...], careful: bool = False) -> Value:
    """erfc a = e^(-a²) v Q(t), v = 3 / (a + 3), t = 3/4 - 2v, for a ≥ 0.8.

    The substitution makes e^(a²) erfc a a smooth function on a short interval (M. Shepherd and
    J. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x²) erfc x in 0 ≤ x < ∞", Mathematics
    of Computation 36, 1981); with 3/4, little cancels in Q.  If `careful`, every factor carries
    what its rounding left, and the error is below 2 ulp; else a few.
    """
    d = a + 3.0
    v = 3.0 / d
    t = c.mad(v, -2.0, 0.75)
    part = t * c.polynomial(t, table[1:])
    q = part + table[0]
    h = v * q
    if careful:
        v_rest = (c.fma(-v, d, 3.0) - v * (a - (d - 3.0))) * v * (1 / 3)
        t_rest = (0.75 - c.mad(v, 2.0, t)) - 2.0 * v_rest
        slope = c.polynomial(t, coefficients.ERFC_SLOPE["float64"])
        q_rest = c.mad(slope, t_rest, part - (q - table[0])) + coefficients.ERFC_REST["float64"][0]
        h_rest = c.fma(v, q, -h) + c.mad(v, q_rest, v_rest * q)
    # e^(-a²) = 2^n (1 + w)
    square = a * a
    log2 = constants.short(FLOAT64, constants.LOG2)
    n = c.round(square * -LOG2E)
    r = c.mad(n, -log2[0], -square) - c.mad(n, log2[1], c.fma(a, a, -square))
    w = c.mad(r * r, c.polynomial(r, coefficients.EXP["float64"]), r)
    # h (1 + w) is between 2^-6 and 2
    return scale(c, h + (c.mad(h, w, c.mad(h_rest, w, h_rest)) if careful else h * w), n)


def lgamma(c: Builder, x: Value) -> Value:
    """log |Γ(x)|, error below 4 ulp but near the zeros on the negative axis; in float64.

    Negative numbers take a branch: lgamma x = log(π / |x sin πx|) - lgamma |x|.
    """
    wide = c.to_double(x)
    a = c.abs(wide)
    y = lgamma_of_positive(c, a)
    negative = wide < 0.0

    def rare() -> list[Value]:
        return c.call_cold("lgamma.reflected", [a, y], reflected, ["double"])

    (y,) = c.rarely(negative, [y], rare)
    return c.from_double(y)


def reflected(c: Builder, a: Value, y: Value) -> list[Value]:
    """lgamma(-a) from y = lgamma(a)."""
    half_turns = c.intrinsic("rint", a)
    r = (a - half_turns) * PI
    u = r * r
    sine = c.abs(c.mad(r * u, c.polynomial(u, coefficients.SIN["float64"]), r))
    tiny = a < 2.0**-60  # the product would underflow, and lgamma is -log a
    product = c.select(tiny, a, a * sine * (1 / PI))
    log = -log_of_double(c, product)
    result = c.select(tiny, log, log - y)
    return [c.select(sine.equals(0.0) | (a >= 2.0**52), float("inf"), result)]


def lgamma_of_positive(c: Builder, x: Value) -> Value:
    """log Γ(x) for x ≥ 0, in float64, with one logarithm.

    From 8 on, Stirling's series (a minimax polynomial in 1/x²).  Below, Γ is moved to the interval
    [5/4, 5/2] around its zero 2, where log Γ(2 + f) = f P(f), with its functional equation:
    from above with a product of (x - k), from below by 1 / x (the zero at 1 is a zero of both
    terms then, so that the relative error stays small) or 1 / (x (x + 1)).
    """
    short = c.format is not FLOAT64
    far = x >= 8.0
    product = c.number_like(x, 1.0)
    f = x
    for k in range(1, 7):
        step = x >= k + 1.5
        product = c.select(step, product * (x - float(k)), product)
        f = c.select(step, x - float(k), f)
    f = f - 2.0  # exact
    below, lowest = x < 1.25, x < 0.5
    f = c.select(below, c.select(lowest, x, x - 1.0), f)
    product = c.select(below, c.select(lowest, c.mad(x, x, x), x), product)
    log = log_of_double(c, c.select(far, x, product), short)
    table = coefficients.LGAMMA_WIDE if short else coefficients.LGAMMA
    near = c.mad(f, c.polynomial(f, table["float64"]), c.select(below, -log, log))
    inverse = 1.0 / x
    rest = c.polynomial(inverse * inverse, coefficients.STIRLING["float64"]) * inverse
    rest = rest + float((constants.LOG2 + constants.LOG_PI - 1) / 2)
    stirling = c.mad(x - 0.5, log - 1.0, rest)
    return c.select(far & (x < float("inf")), stirling, c.select(far, x, near))


PSI_ROOT, PSI_ROOT_REST = 1.4616321449683622, 9.549995429965697e-17  # the zero of digamma above 0
PSI_MIDDLE = 5 / 3


def digamma(c: Builder, x: Value) -> Value:
    """ψ = Γ'/Γ, error below 4 ulp of 0.1 + |ψ|, and of ψ above 0; in float64.

    Negative numbers take a branch: ψ(-a) = ψ(1 + a) + π cot πa. ∓infinite at ±0, NaN at the poles.
    """
    wide = c.to_double(x)
    a = c.abs(wide)
    y = digamma_of_positive(c, c.select(wide < 0.0, 1.0 + a, a))
    negative = wide < 0.0

    def rare() -> list[Value]:
        return c.call_cold("digamma.reflected", [a, y], digamma_reflected, ["double"])

    (y,) = c.rarely(negative, [y], rare)
    return c.from_double(c.select(wide.equals(0.0), -1.0 / wide, y))


def digamma_reflected(c: Builder, a: Value, y: Value) -> list[Value]:
    """ψ(-a) from y = ψ(1 + a)."""
    turns = a - c.intrinsic("rint", a)
    sine, cosine = (
        c.mad(r * r * r, c.polynomial(r * r, coefficients.SIN["float64"]), r)
        for r in (turns * PI, (0.5 - c.abs(turns)) * PI)
    )
    pole = turns.equals(0.0)
    return [c.select(pole, float("nan"), c.mad(cosine / sine, PI, y))]


def digamma_of_positive(c: Builder, x: Value) -> Value:
    """ψ(x) for x > 0, in float64.

    From 3 on, log x less a minimax polynomial's part of its asymptotic series; on [1, 3] x minus
    the zero, times a smooth function; below, ψ(x) = ψ(1 + x) - 1 / x.
    """
    below = x < 1.0
    z = c.smaller(c.select(below, 1.0 + x, x), 3.0)
    t = (z - PSI_MIDDLE) / (z + 1.0)
    near = ((z - PSI_ROOT) - PSI_ROOT_REST) * c.polynomial(t, coefficients.DIGAMMA["float64"])
    inverse = 1.0 / x
    u = c.smaller(inverse, 1.0 / 3.0)
    rest = c.mad(u, c.polynomial(u * u, coefficients.DIGAMMA_FAR["float64"]), -0.5) * u
    far = log_of_double(c, x, c.format is not FLOAT64) + rest
    return c.select(x > 3.0, far, c.select(below, near - inverse, near))
