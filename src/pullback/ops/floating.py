"""Floating-point numbers taken apart, and what becomes of NaN and infinity."""

from pullback.op import Array, Number, call, composite, opaque, pointwise

LARGEST = {
    "float16": 65504.0, "bfloat16": 3.3895313892515355e38, "float32": 3.4028234663852886e38,
    "float64": 1.7976931348623157e308, "complex64": 3.4028234663852886e38,
    "complex128": 1.7976931348623157e308,
}  # fmt: skip

FEW = 512  # elements up to which one call of NumPy's is better than several of its vector loops


@pointwise(dtypes="f")
def frac(xp, input):
    r"""The fractional part, with the sign of the input."""
    return input - xp.trunc(input)


@frac.backward("input")
def _(xp, g):
    return g


@pointwise(floating=True, dtypes="bif", overloads={"other": 1, "": 0})
def copysign(xp, input, other):
    r"""The magnitude of the input with the sign of other, which zeros have too."""
    return xp.copysign(input, other)


@copysign.backward("input")
def _(xp, g, y, input):
    zero = xp.eq(input, 0)
    return xp.where(zero, 0, g * (y / xp.where(zero, 1, input)))


@copysign.backward("other")
def _(xp, g):
    return g * 0


@pointwise(inplace=False, dtypes="bif")
def fmax(xp, input, other):
    r"""The larger of two; the number, if one is NaN."""
    return xp.where(xp.logical_or(xp.ge(input, other), xp.ne(other, other)), input, other)


@fmax.backward("input")
def _(xp, g, input, other):
    return xp.where(xp.logical_or(xp.ge(input, other), xp.ne(other, other)), g, 0)


@fmax.backward("other")
def _(xp, g, input, other):
    return xp.where(xp.logical_or(xp.ge(input, other), xp.ne(other, other)), 0, g)


@pointwise(inplace=False, dtypes="bif")
def fmin(xp, input, other):
    r"""The smaller of two; the number, if one is NaN."""
    return xp.where(xp.logical_or(xp.le(input, other), xp.ne(other, other)), input, other)


@fmin.backward("input")
def _(xp, g, input, other):
    return xp.where(xp.logical_or(xp.le(input, other), xp.ne(other, other)), g, 0)


@fmin.backward("other")
def _(xp, g, input, other):
    return xp.where(xp.logical_or(xp.le(input, other), xp.ne(other, other)), 0, g)


@pointwise(dtypes="f", widens=False)
def nextafter(xp, input, other):
    r"""The number next to the input in the direction of other."""
    return xp.nextafter(input, other)


@nextafter.backward("input")
def _(xp, g, input, other):
    return xp.where(xp.eq(input, other), 0, g)


@nextafter.backward("other")
def _(xp, g):
    return g * 0


@opaque(
    outputs="mantissa exponent",
    integer_outputs="exponent",
    dtypes="f",
    leading=True,
    in_order=False,
)
def frexp(xp, input):
    r"""Mantissa in [0.5, 1) and exponent (int32): $\text{mantissa} \cdot 2^\text{exponent}$."""
    return xp.frexp_array(input)


@frexp.backward("input")
def _(xp, g, exponent, input_dtype):
    return g / xp.exp2(xp.cast(exponent, input_dtype))


@frexp.samples
def _(r):
    yield call(r(3, 4))
    yield call(r())
    yield call(r(0, 2))


@frexp.reference
def _(np, input):
    return np.frexp(input)


@composite(inplace=True)
def ldexp(xp, input, other: Array):
    r"""$y = \text{input} \cdot 2^\text{other}$."""
    floating = input.dtype.is_floating_point
    if other.dtype.kind == "b" and floating:
        raise NotImplementedError("\"ldexp\" not implemented for 'Bool': convert with .long()")
    power = xp.pow(2.0, other)
    if floating and other.dtype.kind in "iu":  # integers do not widen the result
        power = xp.cast(power, input.dtype.numpy)
    return input * power


@ldexp.samples
def _(r):
    yield call(r(3, 4), r(4))
    yield call(r(3), r.integers(-3, 3, 3))


@ldexp.reference
def _(np, input, other):
    return input * 2.0**other


@composite(inplace=True)
def nan_to_num(xp, input, nan: Number = 0.0, posinf: Number = None, neginf: Number = None):
    r"""NaN and infinities replaced: by `nan`, `posinf` and `neginf`.

    Without `posinf` and `neginf`: by the largest and the smallest number of the dtype.
    """
    largest = LARGEST.get(input.dtype.name)
    if largest is None:  # integers are what they are
        return xp.clone(input)
    posinf = largest if posinf is None else posinf
    return xp.non_finite_replaced(input, nan or 0.0, posinf, -largest if neginf is None else neginf)


@pointwise(public=False, node="NanToNum", holomorphic=False)
def non_finite_replaced(xp, input, nan: Number = 0.0, posinf: Number = 0.0, neginf: Number = 0.0):
    r"""NaN, ∞ and -∞ replaced by numbers."""
    if input.dtype.kind == "c":
        parts = [_replaced(xp, x, nan, posinf, neginf) for x in (xp.real(input), xp.imag(input))]
        parts = [xp.cast(x, input.dtype) for x in parts]
        return parts[0] + parts[1] * 1j
    return _replaced(xp, input, nan, posinf, neginf)


def _replaced(xp, x, nan, posinf, neginf):
    infinite = float("inf")
    y = xp.where(xp.isnan(x), nan, x)
    return xp.where(xp.eq(x, infinite), posinf, xp.where(xp.eq(x, -infinite), neginf, y))


@non_finite_replaced.backward("input")
def _(xp, g, input):
    return xp.where(xp.isfinite(input), g, 0)


@non_finite_replaced.samples
def _(r):
    yield call(r(3, 4), 1.5, 2.5, -2.5)


@non_finite_replaced.reference
def _(np, input, nan, posinf, neginf):
    return np.nan_to_num(input, nan=nan, posinf=posinf, neginf=neginf)


@nan_to_num.samples
def _(r):
    yield call(r(3, 4), 1.5, 2.5, -2.5)
    yield call(r(3), nan=2.0)


@nan_to_num.reference
def _(np, input, nan=0.0, posinf=None, neginf=None):
    return np.nan_to_num(input, nan=nan, posinf=posinf, neginf=neginf)


@composite(inplace=True, numbers="input exponent")
def float_power(xp, input, exponent: Array):
    r"""Power in double precision: float64, or complex128 if either is complex."""
    is_complex = any(
        x.dtype.kind == "c" if hasattr(x, "dtype") else isinstance(x, complex)
        for x in (input, exponent)
    )
    if hasattr(input, "dtype"):
        input = input.cdouble() if is_complex else input.double()
    if hasattr(exponent, "dtype"):
        exponent = exponent.cdouble() if is_complex else exponent.double()
    return xp.pow(input, exponent)


@float_power.samples
def _(r):
    yield call(r(3, 4, low=0.3), r(4))
    yield call(r(3, low=0.3), 2)
    yield call(2.5, r(3))


@float_power.reference
def _(np, input, exponent):
    return np.float_power(input, exponent)


@pointwise(dtypes="bif", derivative=False, inplace=True, promotes=False)
def heaviside(xp, input, values):
    r"""0 where the input is negative, 1 where it is positive, and `values` where it is 0."""
    y = xp.where(xp.eq(input, 0), values, xp.cast(xp.gt(input, 0), input.dtype))
    return xp.where(xp.ne(input, input), 0, y) if input.dtype.kind == "f" else y


@pointwise(floating=False, dtypes="f")
def hypot(xp, input, other):
    r"""$y = \sqrt{\text{input}^2 + \text{other}^2}$, without overflow."""
    if xp.is_eager and max(input.size, other.size) <= FEW:
        return xp.hypot_array(input, other)
    a, b = xp.abs(input), xp.abs(other)
    large, small = xp.maximum(a, b), xp.minimum(a, b)
    zero = xp.eq(large, 0)
    ratio = small / xp.where(zero, 1, large)
    y = large * xp.sqrt(ratio * ratio + 1)
    return xp.where(xp.logical_or(xp.isinf(a), xp.isinf(b)), float("inf"), y)


@hypot.backward("input")
def _(xp, g, y, input):
    return g * (input / y)


@hypot.backward("other")
def _(xp, g, y, other):
    return g * (other / y)


@pointwise(node="Deg2Rad", floating=True, dtypes="bif")
def deg2rad(xp, input):
    r"""Degrees as radians."""
    return input * 0.017453292519943295


@deg2rad.backward("input")
def _(xp, g):
    return g * 0.017453292519943295


@pointwise(node="Rad2Deg", floating=True, dtypes="bif")
def rad2deg(xp, input):
    r"""Radians as degrees."""
    return input * 57.29577951308232


@rad2deg.backward("input")
def _(xp, g):
    return g * 57.29577951308232


@pointwise(result="bool", dtypes="bif")
def isposinf(xp, input):
    r"""Whether each element is positive infinity."""
    return xp.logical_and(xp.isinf(input), xp.gt(input, 0))


@pointwise(result="bool", dtypes="bif")
def isneginf(xp, input):
    r"""Whether each element is negative infinity."""
    return xp.logical_and(xp.isinf(input), xp.lt(input, 0))


@pointwise(inplace=False, dtypes="f")
def logaddexp2(xp, input, other):
    r"""$y = \log_2(2^\text{input} + 2^\text{other})$, without overflow."""
    if xp.is_eager and max(input.size, other.size) <= FEW:
        return xp.logaddexp2_array(input, other)
    top, low = xp.maximum(input, other), xp.minimum(input, other)
    y = top + xp.log1p(xp.exp2(low - top)) * 1.4426950408889634
    return xp.where(xp.eq(input, other), input + 1, y)  # inf - inf


@logaddexp2.backward("input")
def _(xp, g, input, other):
    return g * xp.sigmoid((input - other) * 0.6931471805599453)


@logaddexp2.backward("other")
def _(xp, g, input, other):
    return g * xp.sigmoid((other - input) * 0.6931471805599453)
