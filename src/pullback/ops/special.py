"""Error functions and the normal distribution; logits; x log y.

Derivatives: NIST Digital Library of Mathematical Functions, chapter 7.
"""

from pullback.op import Number, call, pointwise

SQRT_HALF = 0.7071067811865476
SQRT_PI_HALF = 0.886226925452758  # sqrt(pi) / 2
TWO_OVER_SQRT_PI = 1.1283791670955126
ONE_OVER_SQRT_2PI = 0.3989422804014327
SQRT_2_OVER_PI = 0.7978845608028654


@pointwise(floating=True, dtypes="bif", aliases=("special.erfc",))
def erfc(xp, input):
    r"""$y = 1 - \operatorname{erf}(\text{input})$, accurate where that is small."""
    return xp.erfc(input)


@erfc.backward("input")
def _(xp, g, input):
    return g * (-TWO_OVER_SQRT_PI * xp.exp(-(input * input)))


@pointwise(floating=True, dtypes="bif", aliases=("special.erfinv",), domain=(-0.9, 0.9))
def erfinv(xp, input):
    r"""Inverse of `erf` on (-1, 1); infinite at the ends, NaN beyond."""
    return xp.erfinv(input)


@erfinv.backward("input")
def _(xp, g, y):
    return g * (SQRT_PI_HALF * xp.exp(y * y))


@pointwise(
    namespace="special", method=False, floating=True, dtypes="bif", half=False, inplace=False
)
def erfcx(xp, input):
    r"""$y = e^{\text{input}^2} \operatorname{erfc}(\text{input})$, which does not underflow."""
    return xp.erfcx(input)


@erfcx.backward("input")
def _(xp, g, y, input):
    return g * (2 * input * y - TWO_OVER_SQRT_PI)


@pointwise(namespace="special", method=False, floating=True, dtypes="bif", inplace=False)
def ndtr(xp, input):
    r"""Distribution function of the normal distribution."""
    return xp.erfc(input * -SQRT_HALF) * 0.5


@ndtr.backward("input")
def _(xp, g, input):
    return g * (ONE_OVER_SQRT_2PI * xp.exp(input * input * -0.5))


@pointwise(
    namespace="special", method=False, floating=True, dtypes="bif", half=False, inplace=False
)
def log_ndtr(xp, input):
    r"""Logarithm of `ndtr`, accurate far to the left."""
    return xp.log_ndtr(input)


@log_ndtr.backward("input")
def _(xp, g, input):
    return g * (SQRT_2_OVER_PI / xp.special_erfcx(input * -SQRT_HALF))


@pointwise(
    namespace="special", method=False, floating=True, dtypes="bif", half=False, inplace=False,
    domain=(0.1, 0.9),
)  # fmt: skip
def ndtri(xp, input):
    r"""Inverse of `ndtr` on (0, 1); infinite at the ends, NaN beyond."""
    return xp.ndtri(input)


@ndtri.backward("input")
def _(xp, g, y):
    return g * (xp.exp(y * y * 0.5) / ONE_OVER_SQRT_2PI)


@pointwise(
    namespace="special", method=False, floating=True, dtypes="bif", inplace=False, domain=(0.1, 3.0)
)
def entr(xp, input):
    r"""Entropy: $y = -x \log x$; 0 at 0, -inf below."""
    y = xp.where(xp.eq(input, 0), 0, -input * xp.log(input))
    return xp.where(xp.lt(input, 0), float("-inf"), y)


@entr.backward("input")
def _(xp, g, input):
    return g * (-1 - xp.log(input))


@pointwise(floating=True, dtypes="bif", aliases=("special.logit",), domain=(0.1, 0.9))
def logit(xp, input, eps: Number = None):
    r"""$y = \log(x / (1 - x))$, of x brought into [eps, 1 - eps] if `eps` is given."""
    x = input if eps is None else xp.minimum(xp.maximum(input, eps), 1 - eps)
    return xp.log(x / (1 - x))


@logit.backward("input")
def _(xp, g, input, eps):
    slope = g / (input * (1 - input))
    if eps is None:
        inside = xp.logical_and(xp.ge(input, 0), xp.le(input, 1))
        return xp.where(inside, slope, float("nan"))
    inside = xp.logical_and(xp.ge(input, eps), xp.le(input, 1 - eps))
    return xp.where(inside, slope, 0)


@logit.samples
def _(r):
    yield call(r(3, 4, low=0.1, high=0.9), 0.2)
    yield call(r(3, low=0.1, high=0.9), eps=1e-6)


@pointwise(
    floating=True, dtypes="bif", overloads={"input": 1, "other": 2, "": 0},
    aliases=("special.xlogy",), domain=(0.3, 3.0),
)  # fmt: skip
def xlogy(xp, input, other):
    r"""$y = x \log \text{other}$; 0 where x is 0, unless other is NaN."""
    zero = xp.logical_and(xp.eq(input, 0), xp.logical_not(xp.isnan(other)))
    return xp.where(zero, 0, input * xp.log(other))


@xlogy.backward("input")
def _(xp, g, input, other):
    if isinstance(other, (int, float)):
        other = xp.filled((), other, input)
    zero = xp.logical_and(xp.eq(input, 0), xp.le(other, 0))
    return xp.where(zero, 0, g * xp.log(other))


@xlogy.backward("other")
def _(xp, g, input, other):
    return g * (input / other)


@pointwise(
    namespace="special", method=False, inplace=False, floating=True, dtypes="bif",
    overloads={"input": 1, "other": 2, "": 0}, domain=(0.3, 3.0),
)  # fmt: skip
def xlog1py(xp, input, other):
    r"""$y = x \log(1 + \text{other})$; 0 where x is 0, unless other is NaN."""
    zero = xp.logical_and(xp.eq(input, 0), xp.logical_not(xp.isnan(other)))
    return xp.where(zero, 0, input * xp.log1p(other))


@xlog1py.backward("input")
def _(xp, g, input, other):
    if isinstance(other, (int, float)):
        other = xp.filled((), other, input)
    zero = xp.logical_and(xp.eq(input, 0), xp.le(other, -1))
    return xp.where(zero, 0, g * xp.log1p(other))


@xlog1py.backward("other")
def _(xp, g, input, other):
    return g * (input / (other + 1))


@xlogy.samples
@xlog1py.samples
def _(r):
    yield call(r(3, 4), 2.5)
    yield call(2, r(3, 4, low=0.3))


@pointwise(floating=True, aliases=("special.sinc",))
def sinc(xp, input):
    r"""$y = \sin(\pi x) / (\pi x)$, and 1 at 0."""
    x = input * 3.141592653589793
    return xp.where(xp.eq(input, 0), 1, xp.sin(x) / x)


@sinc.backward("input")
def _(xp, g, y, input):
    zero = xp.eq(input, 0)
    x = xp.where(zero, 1, input)
    return xp.where(zero, 0, g * ((xp.cos(input * 3.141592653589793) - y) / x))
