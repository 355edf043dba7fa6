"""Real constants as sums of floats, from their digits.

The digits are of π, 1/π, log 2 and log₁₀ 2: to be found in any table, or `mpmath.mp.pi` and so on.
"""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from fractions import Fraction

from pullback.backends.llvm.math.builder import Format

FIXED = 1400  # binary digits behind the point, enough for the smallest part of any constant


def fraction(digits: str) -> Fraction:
    """The number that has these decimal digits."""
    with localcontext() as context:
        context.prec = 400
        return Fraction(Decimal(digits.replace(" ", "")))


LOG2 = fraction(
    "0.693147180559945309417232121458176568075500134360255254120680009493393621969694716"
)
LOG2E = 1 / LOG2
LOG10 = fraction("2.302585092994045684017991454684364207601101488628772976033327900967572609677352")
PI = fraction("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")
LOG_PI = fraction(
    "1.14472988584940017414342735135305871164729481291531157151362307147213776988482608"
)
# enough digits of 1/π for the largest float64: 1024 + 216 bits
INVERSE_PI = fraction(
    "0.31830988618379067153776752674502872406891929148091289749533468811779359526845307018022"
    "7605532506171912145685453515916073785823692229157305755934821463399678458479933874818155"
    "1461554927938506153774347857924347953233867247804834472580236647602284453995114318809237"
    "8017380534791224097882187387568817105744619989288680049734469547891922179664619356614981"
    "23339729256093988973043757631495731"
)


def parts(x: Fraction, bits: list[int]) -> list[float]:
    """x as a sum of floats of the given numbers of bits, each cut off towards zero.

    All parts have the sign of x: a product of -0 with every one of them is a zero of one sign,
    and a product of an infinity an infinity of one sign.
    """
    sign = -1 if x < 0 else 1
    fixed = abs(x.numerator) * 2**FIXED // x.denominator
    result = []
    for count in bits:
        drop = max(0, fixed.bit_length() - count)
        cut = (fixed >> drop) << drop
        result.append(sign * math.ldexp(cut >> drop, drop - FIXED))
        fixed -= cut
    return result


def split(f: Format, x: Fraction, count: int) -> list[float]:
    """x as a sum of `count` floats of full precision."""
    return parts(x, [f.mantissa_bits + 1] * count)


def short(f: Format, x: Fraction) -> list[float]:
    """x as two floats, the first so short that its product with an exponent is exact."""
    return parts(x, [15, 24] if f.width == 32 else [41, 53])
