"""Orthogonal polynomials of any degree, by their recurrences.

NIST Digital Library of Mathematical Functions, 18.9. Degrees are numbers or tensors; negative ones
give 0. Differentiable in the variable, to any order; there is no derivative in the degree.
"""

from pullback.op import Array, Plain, call, composite, pointwise


@pointwise(
    public=False, floating=True, dtypes="bif", half=False, domain=None, node="OrthogonalPolynomial"
)
def orthogonal(xp, input, n, family: Plain, order: Plain):
    r"""The derivative of some order of the polynomials of degrees n of a family."""
    return xp.polynomial(input, n, family, order)


@orthogonal.backward("input")
def _(xp, g, input, n, family, order):
    return g * xp.orthogonal(input, n, family, order + 1)


@orthogonal.samples
def _(r):
    yield call(r(3, 4), 3, "legendre_p", 0)
    yield call(r(3, 4), 4, "hermite_h", 1)


def _degrees(r):
    yield call(r(3, 4), 3)
    yield call(r(2, 4), r.integers(0, 6, 4))
    yield call(r(3), 0)
    yield call(0.5, r.integers(-1, 4, 5))


def _declare(name, family, title, shifted=False):
    def function(xp, input, n: Array):
        return xp.orthogonal(input * 2 - 1 if shifted else input, n, family, 0)

    function.__name__ = name
    function.__doc__ = f"{title}, of degree n{', at 2x - 1' * shifted}."
    op = composite(namespace="special", method=False, numbers="input n")(function)
    op.samples(_degrees)

    @op.reference
    def _(np, input, n):
        x, n = np.broadcast_arrays(2 * input - 1 if shifted else input, n)
        value = REFERENCES[family](np, x, np.maximum(n, 0))
        return np.where(n < 0, 0, value)

    return op


def _by_coefficients(module, function):
    """The values of a series whose only coefficient is the last."""

    def reference(np, x, n):
        value = getattr(getattr(np.polynomial, module), function)
        return np.vectorize(lambda x, n: value(x, [0.0] * int(n) + [1.0]), otypes=[float])(x, n)

    return reference


def _by_angles(numerator, denominator):
    """Chebyshev's polynomials at cos θ, complex where x is beyond 1."""

    def reference(np, x, n):
        angle = np.arccos(x + 0j)
        return np.real(numerator(np, n, angle) / denominator(np, angle))

    return reference


# NIST Digital Library of Mathematical Functions, 18.5.1 to 18.5.4.
REFERENCES = {
    "chebyshev_t": _by_angles(lambda np, n, t: np.cos(n * t), lambda np, t: 1),
    "chebyshev_u": _by_angles(lambda np, n, t: np.sin((n + 1) * t), lambda np, t: np.sin(t)),
    "chebyshev_v": _by_angles(lambda np, n, t: np.cos((n + 0.5) * t), lambda np, t: np.cos(t / 2)),
    "chebyshev_w": _by_angles(lambda np, n, t: np.sin((n + 0.5) * t), lambda np, t: np.sin(t / 2)),
    "hermite_h": _by_coefficients("hermite", "hermval"),
    "hermite_he": _by_coefficients("hermite_e", "hermeval"),
    "laguerre_l": _by_coefficients("laguerre", "lagval"),
    "legendre_p": _by_coefficients("legendre", "legval"),
}

chebyshev_polynomial_t = _declare(
    "chebyshev_polynomial_t", "chebyshev_t", "Chebyshev polynomial of the first kind", False
)
chebyshev_polynomial_u = _declare(
    "chebyshev_polynomial_u", "chebyshev_u", "Chebyshev polynomial of the second kind", False
)
chebyshev_polynomial_v = _declare(
    "chebyshev_polynomial_v", "chebyshev_v", "Chebyshev polynomial of the third kind", False
)
chebyshev_polynomial_w = _declare(
    "chebyshev_polynomial_w", "chebyshev_w", "Chebyshev polynomial of the fourth kind", False
)
shifted_chebyshev_polynomial_t = _declare(
    "shifted_chebyshev_polynomial_t", "chebyshev_t", "Chebyshev polynomial of the first kind", True
)
shifted_chebyshev_polynomial_u = _declare(
    "shifted_chebyshev_polynomial_u", "chebyshev_u", "Chebyshev polynomial of the second kind", True
)
shifted_chebyshev_polynomial_v = _declare(
    "shifted_chebyshev_polynomial_v", "chebyshev_v", "Chebyshev polynomial of the third kind", True
)
shifted_chebyshev_polynomial_w = _declare(
    "shifted_chebyshev_polynomial_w", "chebyshev_w", "Chebyshev polynomial of the fourth kind", True
)
hermite_polynomial_h = _declare(
    "hermite_polynomial_h", "hermite_h", "Hermite polynomial (physicists')"
)
hermite_polynomial_he = _declare(
    "hermite_polynomial_he", "hermite_he", "Hermite polynomial (probabilists')"
)
laguerre_polynomial_l = _declare("laguerre_polynomial_l", "laguerre_l", "Laguerre polynomial")
legendre_polynomial_p = _declare("legendre_polynomial_p", "legendre_p", "Legendre polynomial")
