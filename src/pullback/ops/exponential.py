"""Exponentials, logarithms, and what is made of them."""

from pullback.op import pointwise

FEW = 512  # elements up to which one call of NumPy's is better than several of its vector loops


@pointwise(floating=True)
def exp(xp, input):
    r"""Exponential: $y = e^\text{input}$."""
    return xp.exp(input)


@exp.backward("input")
def _(xp, g, y):
    return g * y


@pointwise(floating=True, aliases=("special.exp2",))
def exp2(xp, input):
    r"""Power of two: $y = 2^\text{input}$."""
    return xp.exp2(input)


@exp2.backward("input")
def _(xp, g, y):
    return g * (y * 0.6931471805599453)  # log 2


@pointwise(floating=True, aliases=("special.expm1",))
def expm1(xp, input):
    r"""$y = e^\text{input} - 1$, accurate near 0."""
    return xp.expm1(input)


@expm1.backward("input")
def _(xp, g, y):
    return g * (y + 1)


@pointwise(floating=True, domain=(0.1, 3.0))
def log(xp, input):
    r"""Natural logarithm: $y = \log \text{input}$; -inf at 0, NaN below."""
    return xp.log(input)


@log.backward("input")
def _(xp, g, input):
    return g / input


@pointwise(floating=True, domain=(0.1, 3.0))
def log2(xp, input):
    r"""Logarithm in base 2."""
    return xp.log2(input)


@log2.backward("input")
def _(xp, g, input):
    return g / (input * 0.6931471805599453)  # log 2


@pointwise(floating=True, domain=(0.1, 3.0))
def log10(xp, input):
    r"""Logarithm in base 10."""
    return xp.log10(input)


@log10.backward("input")
def _(xp, g, input):
    return g / (input * 2.302585092994046)  # log 10


@pointwise(node="Log1P", floating=True, aliases=("special.log1p",), domain=(-0.8, 3.0))
def log1p(xp, input):
    r"""$y = \log(1 + \text{input})$, accurate near 0."""
    return xp.log1p(input)


@log1p.backward("input")
def _(xp, g, input):
    return g / (input + 1)


@pointwise(floating=True, aliases=("special.expit",))
def sigmoid(xp, input):
    r"""Logistic function: $y = 1 / (1 + e^{-\text{input}})$, without overflow."""
    return xp.sigmoid(input)


@sigmoid.backward("input")
def _(xp, g, y):
    return g * (y * (1 - y))


@sigmoid.reference
def _(np, input):
    return 1 / (1 + np.exp(-input))


@pointwise(inplace_argument=True, dtypes="if", flat=True)
def relu(xp, input):
    r"""Positive part: $y = \max(\text{input}, 0)$; NaN stays NaN."""
    return xp.maximum(input, 0)


@relu.backward("input")
def _(xp, g, y):
    return xp.where(xp.gt(y, 0), g, 0)


@relu.reference
def _(np, input):
    return np.where(input > 0, input, 0)


@pointwise(inplace=False, dtypes="fc")
def logaddexp(xp, input, other):
    r"""$y = \log(e^\text{input} + e^\text{other})$, without overflow."""
    if xp.is_eager and input.dtype.kind == "f" and max(input.size, other.size) <= FEW:
        return xp.logaddexp_array(input, other)
    first = xp.ge(xp.real(input), xp.real(other))  # complex numbers: by their moduli's exponents
    top, low = xp.where(first, input, other), xp.where(first, other, input)
    y = top + xp.log1p(xp.exp(low - top))
    return xp.where(xp.eq(input, other), input + 0.6931471805599453, y)  # inf - inf: log 2


@logaddexp.backward("input")
def _(xp, g, input, other):
    return g * xp.sigmoid(input - other)


@logaddexp.backward("other")
def _(xp, g, input, other):
    return g * xp.sigmoid(other - input)


@logaddexp.reference
def _(np, input, other):
    if input.dtype.kind != "c":
        return np.logaddexp(input, other)
    first = input.real >= other.real
    top, low = np.where(first, input, other), np.where(first, other, input)
    return top + np.log1p(np.exp(low - top))


@pointwise(floating=True, dtypes="bif", aliases=("special.erf",))
def erf(xp, input):
    r"""Error function: $y = \frac{2}{\sqrt\pi} \int_0^\text{input} e^{-t^2} dt$."""
    return xp.erf(input)


@erf.backward("input")
def _(xp, g, input):
    return g * (1.1283791670955126 * xp.exp(-(input * input)))  # 2 / sqrt(pi)
