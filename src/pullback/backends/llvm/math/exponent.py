"""Take a float apart into mantissa and exponent, and put it together again."""

from __future__ import annotations

from pullback.backends.llvm.math.builder import Builder, Value


def power_of_two(c: Builder, n: Value, times: float = 1.0) -> Value:
    """times 2^n for an integer n that leaves it a normal number; `times` is a power of two.

    Added to the magic constant, n stands in the low bits, whence it is shifted to the exponent.
    """
    f = c.format_of(n)
    return c.from_bits((c.bits(n + f.magic) << f.mantissa_bits) + f.bits(times))


def scale_normal(c: Builder, p: Value, n: Value) -> Value:
    """p 2^n for an integer n such that 2^n is a normal number."""
    return c.avx512("mask.scalef", p, n) if c.fills_avx512(p) else p * power_of_two(c, n)


def scale(c: Builder, p: Value, n: Value) -> Value:
    """p 2^n for 0.5 ≤ p ≤ 2 and integers n down to twice the smallest exponent and up to twice
    the largest: overflows, and underflows with one rounding.

    In two steps of half the exponent.
    """
    if c.fills_avx512(p):
        return c.avx512("mask.scalef", p, n)
    f = c.format_of(p)
    n_bits = c.bits(n + f.magic)
    half = n_bits >> 1
    for k in (half, n_bits - half):
        p = p * c.from_bits((k << f.mantissa_bits) + f.bits(1.0))
    return p


def unscale(c: Builder, x: Value) -> tuple[Value, Value]:
    """m in [3/4, 3/2) and n with x = m 2^n, for x > 0.

    x = +-0 gives (1, -inf), x = inf gives (1, inf), and NaN or x < 0 give NaN for one of them:
    just what a logarithm wants.
    """
    if c.fills_avx512(x):
        m = c.avx512("mask.getmant", x, 0b1011)  # in [3/4, 3/2), NaN for x < 0
        return m, c.avx512("mask.getexp", x) - c.avx512("mask.getexp", m)
    f = c.format_of(x)
    subnormal = x < f.tiny
    up = 2.0 ** (f.mantissa_bits + 1)
    bits = c.bits(c.select(subnormal, x * up, x)) - f.bits(0.75)
    m = c.from_bits((bits & ((1 << f.mantissa_bits) - 1)) + f.bits(0.75))
    # the exponent, made positive, in the low bits of 2^p
    biased = (bits + f.bits(1.0)) >> f.mantissa_bits
    offset = 2.0**f.mantissa_bits
    n = c.from_bits(biased | f.bits(offset)) - c.select(
        subnormal, offset + f.bias + f.mantissa_bits + 1, c.number_like(x, offset + f.bias)
    )
    regular = (x > 0.0) & (x < float("inf"))
    special = c.select(x.equals(0.0), -float("inf"), c.select(x < 0.0, float("nan"), x))
    return c.select(regular, m, c.number_like(x, 1.0)), c.select(regular, n, special)


def unscale_by(c: Builder, x: Value, n: Value) -> Value:
    """2^-n x for a small x; it may be NaN where n is infinite."""
    if c.fills_avx512(x):
        return c.avx512("mask.scalef", x, -n)
    return x * power_of_two(c, c.smaller(c.larger(-n, -100.0), 100.0))
