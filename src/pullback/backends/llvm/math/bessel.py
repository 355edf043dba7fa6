"""Modified Bessel functions of the first kind, I₀ and I₁, and e^(-|x|) times them.

In three pieces: below 8 a minimax polynomial in x², and times √x e^(-x) polynomials in 1/x from
there to 25 and from 25 on, the kind of pieces of J. Blair and C. Edwards, "Stable rational minimax
approximations to the modified Bessel functions I₀(x) and I₁(x)", AECL-4928, 1974. In float64,
float32 as well.
"""

from __future__ import annotations

from pullback.backends.llvm.math import coefficients
from pullback.backends.llvm.math.builder import Builder, Value
from pullback.backends.llvm.math.exponent import scale
from pullback.backends.llvm.math.gaussian import exp_of_double

MIDDLE = 33 / 400  # of [1/25, 1/8]


def _of_order(c: Builder, order: int, x: Value, scaled: bool) -> Value:
    """I_0 or I_1 of x, times e^(-|x|) if `scaled`; else NaN for ±∞, as PyTorch has it."""
    tables = [
        getattr(coefficients, f"I{order}{piece}")["float64"] for piece in ("", "_MIDDLE", "_FAR")
    ]
    wide = c.to_double(x)
    a = c.abs(wide)
    near = c.polynomial(c.smaller(a * a, 64.0), tables[0])
    near = near * c.smaller(a, 8.0) if order else near
    inverse = 1.0 / c.larger(a, 8.0)
    far = c.select(
        a > 25.0, c.polynomial(inverse, tables[2]), c.polynomial(inverse - MIDDLE, tables[1])
    )
    far = far * c.sqrt(inverse)
    small = a < 8.0
    w, n = exp_of_double(c, c.smaller(a, 1400.0) * (-1.0 if scaled else 1.0))
    if scaled:
        near = scale(c, near * (1.0 + w), n)
    else:  # the product of a small number and a power that alone would overflow
        far = c.select(a < float("inf"), scale(c, far * (1.0 + w), n), float("nan"))
    y = c.select(small, near, far)
    return c.from_double(c.select(wide < 0.0, -y, y) if order else y)


def i0(c: Builder, x: Value) -> Value:
    """I₀(x), error below 4 ulp."""
    return _of_order(c, 0, x, scaled=False)


def i1(c: Builder, x: Value) -> Value:
    """I₁(x), error below 4 ulp."""
    return _of_order(c, 1, x, scaled=False)


def i0e(c: Builder, x: Value) -> Value:
    """e^(-|x|) I₀(x), error below 4 ulp."""
    return _of_order(c, 0, x, scaled=True)


def i1e(c: Builder, x: Value) -> Value:
    """e^(-|x|) I₁(x), error below 4 ulp."""
    return _of_order(c, 1, x, scaled=True)
