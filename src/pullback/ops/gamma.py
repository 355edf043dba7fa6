"""The gamma function's family and the Hurwitz zeta function.

Derivatives: NIST Digital Library of Mathematical Functions, chapters 5, 8 and 25.11.
"""

import math
from math import factorial, lgamma as log_gamma

from pullback.op import Array, call, composite, pointwise


@pointwise(floating=True, dtypes="bif", aliases=("special.gammaln",), domain=(0.3, 3.0))
def lgamma(xp, input):
    r"""$y = \log |\Gamma(\text{input})|$; inf at 0 and at negative integers."""
    return xp.lgamma(input)


@lgamma.backward("input")
def _(xp, g, input):
    return g * xp.digamma(input)


@pointwise(
    floating=True, dtypes="bif", aliases=("special.digamma", "special.psi"), domain=(0.3, 3.0)
)
def digamma(xp, input):
    r"""$\psi = \Gamma' / \Gamma$; -inf at 0, NaN at negative integers."""
    return xp.digamma(input)


@digamma.backward("input")
def _(xp, g, input):
    return g * xp.polygamma_function(1, input)


# Bernoulli's numbers B_2, B_4, …: the asymptotic series of trigamma, to 16 digits from 10 on.
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)


def _trigamma(xp, x):
    """The derivative of `digamma`: M. Abramowitz and I. Stegun, 6.4.6, 6.4.7 and 6.4.12.

    Plain arithmetic, which loops have, where the zeta function is a library's.
    """
    low = x < 0.5
    at = xp.where(low, 1 - x, x)
    total = 0
    for _ in range(10):  # to where the series is good
        total = total + 1 / (at * at)
        at = at + 1
    inverse = 1 / at
    square = inverse * inverse
    series = 0
    for b in reversed(_BERNOULLI):
        series = (series + b) * square
    total = total + inverse * (1 + inverse / 2 + series)
    sine = xp.sin(math.pi * (x - xp.floor(x + 0.5)))
    return xp.where(low, math.pi**2 / (sine * sine) - total, total)


@pointwise(floating=True, dtypes="bif", public=False, node="Polygamma", domain=None)
def polygamma_value(xp, input, n: int):
    r"""The n-th derivative of `digamma`."""
    if n < 0:
        raise RuntimeError(f"polygamma(n, x) does not support negative n, and n is {n}")
    if n == 0:
        return xp.digamma(input)
    if n == 1:
        return _trigamma(xp, input)
    sign = 1.0 if n % 2 else -1.0
    count = factorial(n) if n <= 170 else math.inf  # what no float64 holds
    return xp.zeta(input * 0 + (n + 1), input) * (sign * count)


@polygamma_value.backward("input")
def _(xp, g, input, n):
    return g * xp.polygamma_function(n + 1, input)


@polygamma_value.samples
def _(r):
    yield call(r(3, 4, low=0.3), 1)
    yield call(r(3, low=0.5), 0)


@composite(
    name="polygamma_function", public_name="polygamma", aliases=("special.polygamma",), method=False
)
def polygamma_function(xp, n: int, input: Array):
    r"""The n-th derivative of `digamma`, n ≥ 0. RuntimeError for a negative n."""
    return xp.polygamma_value(input, n)


@composite(name="polygamma_method", public_name="polygamma", function=False, inplace=True)
def polygamma_method(xp, input, n: int):
    r"""The n-th derivative of `digamma`, n ≥ 0. RuntimeError for a negative n."""
    return xp.polygamma_value(input, n)


@polygamma_function.samples
def _(r):
    yield call(1, r(3, 4, low=0.3))
    yield call(0, r(3, low=0.3))
    yield call(4, r(3, low=0.3))


def _polygamma(np, x, n):
    """A sum, and its tail by the formula of Euler and Maclaurin."""
    terms = np.asarray(x)[..., None] + np.arange(20_000)
    end = np.asarray(x) + 20_000
    if n == 0:
        tail = np.log(end) - 1 / (2 * end) - 1 / (12 * end**2)
        return tail - np.sum(1 / terms, -1)
    tail = end**-n / n + end ** (-n - 1) / 2 + (n + 1) * end ** (-n - 2) / 12
    return (-1.0) ** (n + 1) * factorial(n) * (np.sum(terms ** (-n - 1), -1) + tail)


@polygamma_function.reference
def _(np, n, input):
    return _polygamma(np, input, n)


@polygamma_method.samples
def _(r):
    yield call(r(3, 4, low=0.3), 2)


@polygamma_method.reference
def _(np, input, n):
    return _polygamma(np, input, n)


@composite(inplace=True, aliases=("special.multigammaln",))
def mvlgamma(xp, input, p: int):
    r"""$\frac{p(p-1)}{4} \log\pi + \sum_{j<p} \log\Gamma(x - j/2)$, for p ≥ 1."""
    if p < 1:
        raise RuntimeError(f"mvlgamma: p has to be greater than or equal to 1, not {p}")
    if input.dtype.kind == "b":
        raise RuntimeError("mvlgamma is defined for numbers, not for booleans: convert with .to()")
    y = xp.lgamma(input) + 0.25 * p * (p - 1) * 1.1447298858494002  # log pi
    for j in range(1, p):
        y = y + xp.lgamma(input - 0.5 * j)
    return y


@mvlgamma.samples
def _(r):
    yield call(r(3, 4, low=1.2), 1)
    yield call(r(3, 4, low=1.2), 3)


@mvlgamma.reference
def _(np, input, p):
    terms = np.vectorize(log_gamma, otypes=[float])(input[..., None] - np.arange(p) / 2)
    return np.sum(terms, -1) + p * (p - 1) / 4 * np.log(np.pi)


@pointwise(dtypes="f", namespace="", aliases=("special.gammainc",), domain=None, node="Igamma")
def igamma(xp, input, other):
    r"""Regularised lower incomplete gamma function P(input, other), of other ≥ 0.

    Differentiable in `other`; NotImplementedError for the derivative in `input`.
    """
    return _at_edges(xp, input, other, 0, 1, xp.scipy("gammainc", input, other))


@pointwise(dtypes="f", namespace="", aliases=("special.gammaincc",), domain=None, node="Igammac")
def igammac(xp, input, other):
    r"""Regularised upper incomplete gamma function: 1 - P(input, other).

    Differentiable in `other`; NotImplementedError for the derivative in `input`.
    """
    return _at_edges(xp, input, other, 1, 0, xp.scipy("gammaincc", input, other))


def _at_edges(xp, a, x, low, high, y):
    """The values at 0 and at infinity, where PyTorch asks for one argument at a time."""
    nan = float("nan")
    y = xp.where(xp.isinf(x), high, y)
    y = xp.where(xp.isinf(a), low, y)
    y = xp.where(xp.logical_and(xp.isinf(a), xp.isinf(x)), nan, y)
    y = xp.where(xp.eq(x, 0), low, y)
    y = xp.where(xp.eq(a, 0), high, y)
    y = xp.where(xp.logical_and(xp.eq(a, 0), xp.logical_not(xp.gt(x, 0))), nan, y)
    return xp.where(xp.logical_or(xp.lt(a, 0), xp.lt(x, 0)), nan, y)


def _density(xp, input, other, dtype):
    input = xp.cast(input, dtype)
    return xp.exp((input - 1) * xp.log(other) - other - xp.lgamma(input))


@igamma.backward("other")
def _(xp, g, input, other, other_dtype):
    return g * _density(xp, input, other, other_dtype)


@igammac.backward("other")
def _(xp, g, input, other, other_dtype):
    return -g * _density(xp, input, other, other_dtype)


@igamma.backward("input")
@igammac.backward("input")
def _(xp, g):
    raise NotImplementedError(
        "the derivative of the incomplete gamma function in its first argument is not known in "
        "closed form: detach() it"
    )


@igamma.samples
@igammac.samples
def _(r):
    yield call(r.integers(1, 5, 3, 4), r(4, low=0.3))


@pointwise(
    namespace="special", method=False, inplace=False, floating=True, dtypes="bif", half=False,
    domain=None,
)  # fmt: skip
def zeta(xp, input, other):
    r"""Hurwitz zeta function $\sum_k (k + \text{other})^{-\text{input}}$, of input > 1.

    Differentiable in `other`; NotImplementedError for the derivative in `input`.
    """
    return xp.zeta(input, other)


@zeta.backward("other")
def _(xp, g, input, other):
    return -g * (input * xp.special_zeta(input + 1, other))


@zeta.backward("input")
def _(xp, g):
    raise NotImplementedError(
        "the derivative of the zeta function in its first argument is not known in closed form: "
        "detach() it"
    )


@zeta.samples
def _(r):
    yield call(2.5, r(3, 4, low=0.3))
    yield call(3, r(3, low=0.3))
