"""The parts of floating-point numbers, their neighbours, and what replaces NaN and infinity."""

from math import inf

from pullback.op import call, opaque, pointwise

# The largest finite numbers, by dtype.
LARGEST = {
    "float16": 65504.0,
    "bfloat16": 3.3895313892515355e38,
    "float32": 3.4028234663852886e38,
    "float64": 1.7976931348623157e308,
}


@pointwise(dtypes="f")
def frac(xp, input):
    r"""What the integer part leaves over, with the sign of the input."""
    return input - xp.trunc(input)


@frac.backward("input")
def _(xp, g):
    return g


@opaque(outputs="mantissa exponent", integer_outputs="exponent", dtypes="f")
def frexp(xp, input):
    r"""Named tuple (mantissa, exponent): $\text{input} = m \cdot 2^e$ with $0.5 \le |m| < 1$.

    Both have the input's shape; exponents are int32.
    """
    return xp.frexp_array(input)


@frexp.backward("input")
def _(xp, g, exponent, input_dtype):
    return g / xp.exp2(xp.cast(exponent, input_dtype))


@frexp.examples
def _(xp, input):
    return xp.frexp(input)


@frexp.samples
def _(r):
    yield call(r(3, 4))
    yield call(r())
    yield call(r(0, 3))


@frexp.reference
def _(np, input):
    return np.frexp(input)


@pointwise(floating=True)
def ldexp(xp, input, other):
    r"""$y = \text{input} \cdot 2^\text{other}$."""
    return input * xp.exp2(other)


@ldexp.backward("input")
def _(xp, g, other):
    return g * xp.exp2(other)


@ldexp.backward("other")
def _(xp, g, y):
    return g * (y * 0.6931471805599453)  # log 2


@ldexp.samples
def _(r):
    yield call(r(3, 4), r.integers(-3, 3, 4))


@ldexp.reference
def _(np, input, other):
    return input * 2.0**other


@pointwise(dtypes="f")
def nextafter(xp, input, other):
    r"""The next number after `input` in the direction of `other`."""
    return xp.nextafter_array(input, other)


@nextafter.backward("input")
def _(xp, g, input, other):
    return xp.where(xp.eq(input, other), 0, g)


@nextafter.backward("other")
def _(xp, g):
    return g * 0


@nextafter.reference
def _(np, input, other):
    return np.nextafter(input, other)


@pointwise(floating=True, dtypes="bif", overloads={"other": 1, "": 0})
def copysign(xp, input, other):
    r"""The size of `input` with the sign of `other`, that of -0.0 included."""
    return xp.copysign(input, other)


@copysign.backward("input")
def _(xp, g, input, y):
    return g * (xp.sign(y) * xp.sign(input))


@copysign.backward("other")
def _(xp, g):
    return g * 0


@copysign.samples
def _(r):
    yield call(r(3, 4), -2.0)
    yield call(r(3), 1)


@pointwise(derivative=False, dtypes="bif")
def heaviside(xp, input, values):
    r"""0 below 0, 1 above, and `values` at 0. RuntimeError for tensors of two dtypes."""
    step = xp.cast(xp.gt(input, 0), input.dtype)
    return xp.where(xp.eq(input, 0), values, step)


@pointwise(inplace=False, dtypes="bif")
def fmax(xp, input, other):
    r"""The larger of two; of a number and NaN, the number.

    Of equal elements, `input` has the gradient.
    """
    y = xp.maximum(input, other)
    return xp.where(xp.isnan(other), input, xp.where(xp.isnan(input), other, y))


@pointwise(inplace=False, dtypes="bif")
def fmin(xp, input, other):
    r"""The smaller of two; of a number and NaN, the number.

    Of equal elements, `input` has the gradient.
    """
    y = xp.minimum(input, other)
    return xp.where(xp.isnan(other), input, xp.where(xp.isnan(input), other, y))


@fmax.backward("input")
def _(xp, g, input, other):
    return xp.where(xp.logical_or(xp.ge(input, other), xp.isnan(other)), g, 0)


@fmax.backward("other")
def _(xp, g, input, other):
    return xp.where(xp.logical_or(xp.ge(input, other), xp.isnan(other)), 0, g)


@fmin.backward("input")
def _(xp, g, input, other):
    return xp.where(xp.logical_or(xp.le(input, other), xp.isnan(other)), g, 0)


@fmin.backward("other")
def _(xp, g, input, other):
    return xp.where(xp.logical_or(xp.le(input, other), xp.isnan(other)), 0, g)


@pointwise(holomorphic=False)
def nan_to_num(
    xp,
    input,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
):
    r"""The input with `nan` (0) for NaN, `posinf` and `neginf` for infinities.

    These are the largest and smallest finite numbers unless given. Integers stay what they are.
    """
    if input.dtype.kind in "bui":
        return xp.where(xp.eq(input, input), input, input)
    if input.dtype.kind == "c":
        real, imag = xp.real(input), xp.imag(input)
        return xp.complex(
            xp.nan_to_num(real, nan, posinf, neginf), xp.nan_to_num(imag, nan, posinf, neginf)
        )
    largest = LARGEST[input.dtype.name]
    y = xp.where(xp.isnan(input), 0.0 if nan is None else nan, input)
    y = xp.where(xp.eq(input, inf), largest if posinf is None else posinf, y)
    return xp.where(xp.eq(input, -inf), -largest if neginf is None else neginf, y)


@nan_to_num.backward("input")
def _(xp, g, input):
    if input.dtype.kind != "c":
        return xp.where(xp.isfinite(input), g, 0)
    real, imag = xp.real(input), xp.imag(input)
    return xp.complex(
        xp.where(xp.isfinite(real), xp.real(g), 0), xp.where(xp.isfinite(imag), xp.imag(g), 0)
    )


@nan_to_num.samples
def _(r):
    x = r(3, 4) * [inf, 1, -inf, float("nan")]
    yield call(x, 1.0, 2.0, -3.0)
    yield call(r(3) * inf, posinf=5)


@nan_to_num.reference
def _(np, input, nan=None, posinf=None, neginf=None):
    return np.nan_to_num(input, True, 0.0 if nan is None else nan, posinf, neginf)


@pointwise(result="bool", dtypes="bif")
def isposinf(xp, input):
    r"""Whether each element is positive infinity."""
    return xp.ne(input, input) if input.dtype.kind in "bui" else xp.eq(input, inf)


@pointwise(result="bool", dtypes="bif")
def isneginf(xp, input):
    r"""Whether each element is negative infinity."""
    return xp.ne(input, input) if input.dtype.kind in "bui" else xp.eq(input, -inf)
