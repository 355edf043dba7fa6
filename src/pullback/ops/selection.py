"""Choosing between values: where, maximum, clamp, rounding; real and imaginary parts."""

from pullback.op import Array, call, composite, copied, opaque, pointwise, view, visible_axes


@pointwise(name="where", public=False, keep_dtype="condition", inplace=False)
def where_(xp, condition, input, other):
    r"""$y = \text{input}$ where the condition holds, else $\text{other}$."""
    return xp.where(condition, input, other)


@where_.backward("input")
def _(xp, g, condition):
    return xp.where(condition, g, 0)


@where_.backward("other")
def _(xp, g, condition):
    return xp.where(condition, 0, g)


@composite(name="where_function", public_name="where", method=False, numbers="input other")
def where_function(xp, condition, input=None, other=None):
    r"""`where(condition, input, other)`: input where the condition holds, else other.

    Shapes broadcast, dtypes of input and other promote; either may be a number.
    `where(condition)` is `nonzero(condition, as_tuple=True)`.
    """
    if input is None and other is None:
        return xp.nonzero(condition, as_tuple=True)
    if condition.dtype.name not in ("bool", "uint8"):
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype "
            f"{condition.dtype}: write condition != 0"
        )
    return xp.where(condition, input, other)


@where_function.samples
def _(r):
    yield call(r.booleans(3, 4), r(3, 4), r(3, 4))
    yield call(r.booleans(3, 1), r(4), r(1, 4))
    yield call(r.booleans(3), r(3), 2.0)
    yield call(r.booleans(3), 1.5, r(3))
    yield call(r.booleans(3), 1.5, 2.0)
    yield call(r.booleans(3, 4))
    yield call(r.booleans(0), r(0), r())


@where_function.reference
def _(np, condition, *values):
    return np.where(condition, *values)


@composite(name="where_method", public_name="where", function=False, numbers="other")
def where_method(xp, input, condition, other: Array):
    r"""`input.where(condition, other)`: input where the condition holds, else other."""
    return xp.where_function(condition, input, other)


@where_method.samples
def _(r):
    yield call(r(3, 4), r.booleans(3, 4), r(3, 4))
    yield call(r(4), r.booleans(3, 1), r(3, 4))
    yield call(r(3), r.booleans(3), 2.0)


@where_method.reference
def _(np, input, condition, other):
    return np.where(condition, input, other)


@pointwise(inplace=False, dtypes="bif")
def maximum(xp, input, other):
    r"""The larger of two; NaN if either is. Equal elements share the gradient."""
    return xp.maximum(input, other)


@maximum.backward("input")
def _(xp, g, input, other):
    return xp.where(xp.eq(input, other), g / 2, xp.where(xp.lt(input, other), 0, g))


@maximum.backward("other")
def _(xp, g, input, other):
    return xp.where(xp.eq(input, other), g / 2, xp.where(xp.gt(input, other), 0, g))


@pointwise(inplace=False, dtypes="bif")
def minimum(xp, input, other):
    r"""The smaller of two; NaN if either is. Equal elements share the gradient."""
    return xp.minimum(input, other)


@minimum.backward("input")
def _(xp, g, input, other):
    return xp.where(xp.eq(input, other), g / 2, xp.where(xp.gt(input, other), 0, g))


@minimum.backward("other")
def _(xp, g, input, other):
    return xp.where(xp.eq(input, other), g / 2, xp.where(xp.lt(input, other), 0, g))


@pointwise(overloads={"min": 1, "max": 1, "": 0}, aliases=("clip",), domain=None, dtypes="bif")
def clamp(xp, input, min=None, max=None):
    r"""$y = \min(\max(\text{input}, \text{min}), \text{max})$; either bound may be missing.

    Bounds are numbers or tensors. The gradient is 1 inside and on the bounds, 0 outside.
    RuntimeError if both bounds are missing.
    """
    if min is None and max is None:
        raise RuntimeError("clamp: At least one of 'min' or 'max' must not be None")
    if xp.is_eager and min is not None and max is not None:
        return xp.clipped(input, min, max)
    y = input
    if min is not None:
        y = xp.maximum(y, min)
    if max is not None:
        y = xp.minimum(y, max)
    return y


@clamp.backward("input")
def _(xp, g, input, min, max):
    if min is not None:
        g = xp.where(xp.ge(input, min), g, 0)
    if max is not None:
        g = xp.where(xp.le(input, max), g, 0)
    return g


@clamp.backward("min")
def _(xp, g, input, min, max):
    g = xp.where(xp.lt(input, min), g, 0)
    return g if max is None else xp.where(xp.lt(min, max), g, 0)


@clamp.backward("max")
def _(xp, g, input, min, max):
    outside = xp.gt(input, max)
    if min is not None:
        outside = xp.logical_or(outside, xp.lt(max, min))
    return xp.where(outside, g, 0)


@clamp.samples
def _(r):
    yield call(r(3, 4), -1.0, 1.5)
    yield call(r(3, 4), -1)
    yield call(r(3, 4), None, 1.5)
    yield call(r(3, 4), r(4), r(3, 1))
    yield call(r(3, 4), r(3, 4))
    yield call(r(4), None, r(3, 4))
    yield call(r(), r(), r())
    yield call(r(0, 3), r(3))


@clamp.reference
def _(np, input, min=None, max=None):
    return np.clip(input, min, max)


@pointwise(dtypes="bif", overloads={"min": 0, "": 1})
def clamp_min(xp, input, min: Array):
    r"""$y = \max(\text{input}, \text{min})$."""
    return xp.maximum(input, min)


@clamp_min.backward("input")
def _(xp, g, input, min):
    return xp.where(xp.ge(input, min), g, 0)


@clamp_min.backward("min")
def _(xp, g, input, min):
    return xp.where(xp.lt(input, min), g, 0)


@clamp_min.samples
def _(r):
    yield call(r(3, 4), -1.0)
    yield call(r(3, 4), r(4))


@clamp_min.reference
def _(np, input, min):
    return np.maximum(input, min)


@pointwise(dtypes="bif", overloads={"max": 0, "": 1})
def clamp_max(xp, input, max: Array):
    r"""$y = \min(\text{input}, \text{max})$."""
    return xp.minimum(input, max)


@clamp_max.backward("input")
def _(xp, g, input, max):
    return xp.where(xp.le(input, max), g, 0)


@clamp_max.backward("max")
def _(xp, g, input, max):
    return xp.where(xp.gt(input, max), g, 0)


@clamp_max.samples
def _(r):
    yield call(r(3, 4), 1.0)
    yield call(r(3, 4), r(4))


@clamp_max.reference
def _(np, input, max):
    return np.minimum(input, max)


@pointwise(overloads={"value": 0, "": 1}, keep_dtype="mask value", domain=None)
def masked_fill(xp, input, mask, value: Array):
    r"""The input with `value`, a number or 0-d tensor, where the mask is True."""
    if not hasattr(mask, "dtype"):
        raise TypeError(f"masked_fill(): argument 'mask' must be Tensor, not {mask!r}")
    if mask.dtype.kind != "b":
        raise RuntimeError(
            f"masked_fill only supports boolean masks, but got mask with dtype {mask.dtype}: "
            f"write mask != 0"
        )
    if getattr(value, "shape", ()) != ():
        raise RuntimeError(
            f"masked_fill only supports a 0-dimensional value tensor, but got one of shape "
            f"{list(value.shape)}"
        )
    if hasattr(value, "dtype"):
        return xp.where(mask, xp.cast(value, input.dtype), input)
    return xp.where(mask, xp.filled((), value, input), input)


@masked_fill.examples
def _(xp, input, mask, value):
    rank = max(len(input.shape), len(mask.shape)) - 1
    if hasattr(value, "dtype"):
        value = visible_axes(xp, value, rank).to(input.dtype)
    else:
        value = xp.filled((), value, input)
    return xp.where(visible_axes(xp, mask, rank), value, visible_axes(xp, input, rank))


@masked_fill.backward("input")
def _(xp, g, mask):
    return xp.where(mask, 0, g)


@masked_fill.backward("value")
def _(xp, g, mask, value_dtype):
    return xp.cast(xp.where(mask, g, 0), value_dtype)


@masked_fill.samples
def _(r):
    yield call(r(3, 4), r.booleans(3, 4), 2.5)
    yield call(r(3, 4), r.booleans(4), r())
    yield call(r(0, 4), r.booleans(4), -1)
    yield call(r(), r.booleans(), 7.5)


@masked_fill.reference
def _(np, input, mask, value):
    return np.where(mask, value, input)


@pointwise(dtypes="if")
def floor(xp, input):
    r"""The largest integer that is not larger."""
    return xp.floor(input)


@pointwise(dtypes="if")
def ceil(xp, input):
    r"""The smallest integer that is not smaller."""
    return xp.ceil(input)


@pointwise(aliases=("fix",), dtypes="if")
def trunc(xp, input):
    r"""The integer part, towards zero."""
    return xp.trunc(input)


@pointwise(
    dtypes="if", overload=lambda input, decimals: int(decimals != 0), aliases=("special.round",)
)
def round(xp, input, *, decimals: int = 0):
    r"""The nearest integer, or multiple of $10^{-\text{decimals}}$; halves to even."""
    if decimals == 0:
        return xp.round(input)
    scale = 10.0 ** abs(decimals)
    return xp.round(input * scale) / scale if decimals > 0 else xp.round(input / scale) * scale


@floor.backward("input")
@ceil.backward("input")
@trunc.backward("input")
@round.backward("input")
def _(xp, g):
    return g * 0


@round.samples
def _(r):
    yield call(r(3, 4), decimals=1)
    yield call(100 * r(3, 4), decimals=-1)


@round.reference
def _(np, input, *, decimals=0):
    return np.round(input, decimals)


@pointwise(holomorphic=False, public=False)
def conj(xp, input):
    r"""Complex conjugate."""
    return xp.conj(input)


@conj.backward("input")
def _(xp, g):
    return xp.conj(g)


@composite(name="conj_function", public_name="conj")
def conj_function(xp, input):
    r"""Complex conjugate; a real tensor is its own."""
    return xp.conj(input) if input.dtype.kind == "c" else input


@conj_function.samples
def _(r):
    yield call(r(3, 4))
    yield call(r.complex(3, 4))
    yield call(r.complex())


@conj_function.reference
def _(np, input):
    return np.conj(input)


@view(holomorphic=False, method=False)
def view_as_real(xp, input):
    r"""Complex numbers as pairs of real ones along a new last axis: a view."""
    _check_complex("view_as_real", input)
    return xp.real_pairs(input)


@view_as_real.backward("input")
def _(xp, g):
    return xp.join_pairs(g)


@view_as_real.formula
def _(xp, input):
    return xp.stack((xp.real(input), xp.imag(input)), -1)


@view(holomorphic=False, method=False)
def view_as_complex(xp, input):
    r"""Pairs of real numbers along the last axis as complex numbers: a view."""
    if input.dtype.kind != "f":
        raise RuntimeError(
            f"view_as_complex is only supported for floating-point tensors, not {input.dtype}"
        )
    if input.dtype.itemsize == 2:
        raise RuntimeError("view_as_complex: there is no complex32; convert with .float() first")
    if not input.shape or input.shape[-1] != 2:
        raise RuntimeError(
            f"view_as_complex: Tensor must have a last dimension of size 2, not the shape "
            f"{list(input.shape)}"
        )
    return xp.complex_view(input)


@view_as_complex.backward("input")
def _(xp, g):
    return xp.view_as_real(g)


@view_as_real.samples
def _(r):
    yield call(r.complex(3, 4))
    yield call(r.complex())
    yield call(r.complex(0, 2))


@view_as_real.reference
def _(np, input):
    return np.stack([input.real, input.imag], -1)


@opaque(public=False, holomorphic=False)
def join_pairs(xp, input):
    r"""`view_as_complex` of pairs that may lie anywhere: a copy."""
    return xp.complex_view(xp.copy(input))


@join_pairs.examples
def _(xp, input):
    return xp.join_pairs(input)


@join_pairs.backward("input")
def _(xp, g):
    return xp.view_as_real(g)


@view_as_complex.formula
@join_pairs.formula
def _(xp, input):
    dtype = f"c{2 * input.dtype.itemsize}"
    real, imag = (xp.cast(xp.select(input, -1, k), dtype) for k in (0, 1))
    return real + imag * 1j


@view_as_complex.samples
@join_pairs.samples
def _(r):
    yield call(r(3, 4, 2))
    yield call(r(2))
    yield call(r(0, 2))


@view_as_complex.reference
@join_pairs.reference
def _(np, input):
    return input[..., 0] + 1j * input[..., 1]


def _check_complex(name, input):
    if input.dtype.kind != "c":
        raise RuntimeError(
            f"{name} is not implemented for tensors with non-complex dtypes: this one is "
            f"{input.dtype}"
        )


@composite(name="real_function", public_name="real", method=False)
def real_function(xp, input):
    r"""The real part: a view of the complex numbers; a real tensor is its own."""
    return xp.select(xp.view_as_real(input), -1, 0) if input.dtype.kind == "c" else input


@composite(name="imag_function", public_name="imag", method=False)
def imag_function(xp, input):
    r"""The imaginary part: a view of the complex numbers. RuntimeError for real numbers."""
    _check_complex("imag", input)
    return xp.select(xp.view_as_real(input), -1, 1)


@real_function.samples
@imag_function.samples
def _(r):
    yield call(r.complex(3, 4))
    yield call(r.complex())
    yield call(r.complex(0, 2))


@real_function.reference
def _(np, input):
    return np.real(input)


@imag_function.reference
def _(np, input):
    return np.imag(input)


@pointwise(result="real", holomorphic=False, public=False)
def real(xp, input):
    r"""The real part, in its own memory: what rules are written with."""
    return xp.real(input)


@real.backward("input")
def _(xp, g, input_dtype):
    return xp.cast(g, input_dtype)


@pointwise(result="real", holomorphic=False, public=False)
def imag(xp, input):
    r"""The imaginary part of a complex number, in its own memory."""
    return xp.imag(input)


@imag.backward("input")
def _(xp, g, input_dtype):
    return xp.cast(g, input_dtype) * 1j


@pointwise(public=False)
def finite_or_zero(xp, input):
    r"""The input where it is finite, else 0: a shift that keeps infinities out of differences."""
    return xp.where(xp.isfinite(input), input, 0)


@finite_or_zero.backward("input")
def _(xp, g, input):
    return xp.where(xp.isfinite(input), g, 0)


view_as_real_copy = copied(view_as_real)
view_as_complex_copy = copied(view_as_complex)
