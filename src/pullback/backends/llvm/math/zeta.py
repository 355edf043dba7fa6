"""The Hurwitz zeta function."""

from __future__ import annotations

from fractions import Fraction
from math import factorial

from pullback.backends.llvm.math.builder import Builder, Value
from pullback.backends.llvm.math.power import from_double_double

INF, NAN = float("inf"), float("nan")
TERMS = 10
# Bernoulli's numbers of even index.
_BERNOULLI = (
    (1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66), (-691, 2730), (7, 6), (-3617, 510),
    (43867, 798), (-174611, 330), (854513, 138),
)  # fmt: skip
_SERIES = [
    float(Fraction(*b) / factorial(2 * k)) for k, b in enumerate(_BERNOULLI, start=1)
]  # fmt: skip


def zeta(c: Builder, s: Value, q: Value) -> Value:
    """Σ (k + q)^-s over k ≥ 0, error below 4 ulp for q > 0; in float64.

    Infinite at s = 1 and at the poles q = 0, -1, …; NaN for s < 1, and where powers of negative
    numbers are not real.
    """
    s, q = c.to_double(s), c.to_double(q)
    s = c.smaller(s, 1e300)
    y = _of_positive(c, s, q)
    usual = (q > 0.0) & (q < INF) & (s > 1.0)
    (y,) = c.rarely(
        ~usual, [y], lambda: c.call_cold("zeta.special", [s, q, y], _special, ["double"])
    )
    return c.from_double(y)


def _of_positive(c: Builder, s: Value, q: Value) -> Value:
    return c.call_apart("zeta.positive", [s, q], _positive, ["double"])[0]


def _positive(c: Builder, s: Value, q: Value) -> list[Value]:
    """A few terms, and the others by the formula of Euler and Maclaurin.

    NIST Digital Library of Mathematical Functions, 25.11.5.
    """
    power = -s
    terms = [from_double_double(c, q + float(k), power) for k in range(TERMS)]
    a = q + float(TERMS)
    rest = from_double_double(c, a, 1.0 - s)
    b = rest / a
    inverse = 1.0 / a
    square = inverse * inverse
    factor = s * inverse
    series = c.number_like(a, 0.5)
    for k, coefficient in enumerate(_SERIES):
        series = c.mad(factor, coefficient, series)
        factor = factor * (s + float(2 * k + 1)) * (s + float(2 * k + 2)) * square
    # Where s is so large that the series does not fall, nothing of it is seen; it may be infinite.
    total = c.select(b > 0.0, b * series, 0.0) + rest / (s - 1.0)
    for term in reversed(terms):
        total = total + term
    return [total]


def _special(c: Builder, s: Value, q: Value, y: Value) -> list[Value]:
    """The sum over all integers is one of two positive arguments, of which the terms before q, in
    turn one of a positive argument, are taken away."""
    below, above = q - c.intrinsic("floor", q), c.intrinsic("ceil", q) - q
    half = s * 0.5
    whole = c.intrinsic("rint", s).equals(s)
    even = c.intrinsic("rint", half).equals(half)
    sign = c.select(even, c.number_like(s, 1.0), -1.0)
    first, second, before = (_of_positive(c, s, at) for at in (below, above, 1.0 - q))
    found = first + sign * (second - before)
    pole = above.equals(0.0) | q.equals(-INF)
    found = c.select(pole, INF, c.select(whole, found, NAN))
    y = c.select(q > 0.0, c.select(q.equals(INF), 0.0, y), found)
    y = c.select(q.is_nan(), NAN, y)
    return [c.select(s > 1.0, y, c.select(s.equals(1.0), c.number_like(s, INF), NAN))]
