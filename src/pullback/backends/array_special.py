"""Functions of arrays that have no loop body: NumPy's, and SciPy's, imported when needed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

__all__ = [
    "frexp_array", "gamma_slope", "hypot_array", "isin_array", "logaddexp2_array",
    "logaddexp_array", "polynomial", "polynomials", "scipy",
]  # fmt: skip

# One call each, where bodies are ten; but no vector loops.
hypot_array, logaddexp_array, logaddexp2_array = np.hypot, np.logaddexp, np.logaddexp2


def scipy(name: str, *arrays: Any, part: int | None = None) -> Any:
    """A function of `scipy.special` by its name, or one of its results; 16-bit numbers are
    computed with in 32."""
    import scipy.special

    function: Callable[..., Any] = getattr(scipy.special, name)
    dtype = np.result_type(*arrays)
    if dtype.itemsize == 2:
        arrays = tuple(np.asarray(a, np.float32) for a in arrays)
    result = function(*arrays)
    return np.asarray(result if part is None else result[part]).astype(dtype, copy=False)


def gamma_slope(alpha: Any, x: Any) -> Any:
    """How gamma numbers x move with their shape alpha: -∂F/∂alpha / p, with F or 1 - F.

    SciPy has no such derivative: it is the five-point difference quotient, whose error is of the
    fourth order in a thousandth of alpha.
    """
    from scipy.special import gammainc, gammaincc, gammaln, xlogy

    a, y = np.float64(alpha), np.float64(x)
    step = 1e-3 * np.minimum(a, 1 + np.sqrt(a))
    upper = y > a

    def tail(a: Any) -> Any:
        return np.where(upper, -gammaincc(a, y), gammainc(a, y))

    rise = 8 * (tail(a + step) - tail(a - step)) - (tail(a + 2 * step) - tail(a - 2 * step))
    density = np.exp(xlogy(a - 1, y) - y - gammaln(a))
    return np.asarray(-rise / (12 * step) / density).astype(alpha.dtype)


def isin_array(elements: Any, among: Any, invert: bool) -> Any:
    """Whether each element is among others."""
    return np.isin(elements, among, invert=invert)


def frexp_array(x: Any) -> Any:
    """Mantissas in [0.5, 1) and exponents of 2."""
    mantissa, exponent = np.frexp(x)
    return mantissa, np.asarray(exponent, np.int32)


# How each family of orthogonal polynomials goes on, P[m+1] = (a x + b) P[m] - c P[m-1], as
# (a, b, c) of m, and how it begins, P[0] = 1 and P[1] = s x + t, as (s, t).
# NIST Digital Library of Mathematical Functions, 18.9.1 and table 18.9.1.
_FAMILIES: dict[str, tuple[Callable[[int], tuple[float, float, float]], tuple[float, float]]] = {
    "chebyshev_t": (lambda m: (2, 0, 1), (1, 0)),
    "chebyshev_u": (lambda m: (2, 0, 1), (2, 0)),
    "chebyshev_v": (lambda m: (2, 0, 1), (2, -1)),
    "chebyshev_w": (lambda m: (2, 0, 1), (2, 1)),
    "hermite_h": (lambda m: (2, 0, 2 * m), (2, 0)),
    "hermite_he": (lambda m: (1, 0, m), (1, 0)),
    "laguerre_l": (lambda m: (-1 / (m + 1), (2 * m + 1) / (m + 1), m / (m + 1)), (-1, 1)),
    "legendre_p": (lambda m: ((2 * m + 1) / (m + 1), 0, m / (m + 1)), (1, 0)),
}


MAX_DEGREE = 100_000


def polynomials(x: Any, zero: Any, one: Any, family: str, order: int) -> Iterator[Any]:
    """The derivatives of some order of a family's polynomials of degrees 0, 1, …, at x."""
    step, (s, t) = _FAMILIES[family]
    # The derivatives of orders 0 to `order` of P[m-1] and P[m].
    before = [zero] * (order + 1)
    now = [one] + [zero] * order
    for m in itertools.count():
        yield now[order]
        a, b, c = step(m) if m else (s, t, 0.0)
        line = a * x + b
        after = [
            line * now[k] - c * before[k] + (k * a * now[k - 1] if k else 0)
            for k in range(order + 1)
        ]
        before, now = now, after


def polynomial(x: Any, degree: Any, family: str, order: int) -> Any:
    """The derivative of some order of the orthogonal polynomials of these degrees, at x.

    Zero for negative degrees. In double precision: what is subtracted is large.
    """
    x, degree = np.asarray(x), np.asarray(degree)
    shape = np.broadcast_shapes(x.shape, degree.shape)
    dtype = x.dtype
    x = np.asarray(x, np.float64)
    degree = np.trunc(np.broadcast_to(degree, shape))
    if np.any(degree > MAX_DEGREE):
        raise RuntimeError(
            f"a polynomial of degree {degree.max():.0f} would take as many steps: at most "
            f"{MAX_DEGREE} are done"
        )
    result = np.zeros(shape)
    top = int(np.max(degree, initial=-1))
    values = polynomials(x, np.zeros_like(x), np.ones_like(x), family, order)
    for m, value in zip(range(top + 1), values, strict=False):
        here = degree == m
        if here.any():
            result[here] = np.broadcast_to(value, shape)[here]
    return result.astype(dtype, copy=False)
