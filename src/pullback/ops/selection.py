"""Choosing between values: where, maximum, clamp, rounding; real and imaginary parts."""

from pullback.op import Array, composite, pointwise


@pointwise(name="where", public=False, number_first=True, keep_dtype="condition", inplace=False)
def where_(xp, condition, input, other):
    r"""$y = \text{input}$ where the condition holds, else $\text{other}$."""
    return xp.where(condition, input, other)


@where_.backward("input")
def _(xp, g, condition):
    return xp.where(condition, g, 0)


@where_.backward("other")
def _(xp, g, condition):
    return xp.where(condition, 0, g)


@composite(name="where_function", public_name="where", method=False)
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


@composite(name="where_method", public_name="where", function=False)
def where_method(xp, input, condition, other: Array):
    r"""`input.where(condition, other)`: input where the condition holds, else other."""
    return xp.where_function(condition, input, other)


@pointwise()
def maximum(xp, input, other):
    r"""The larger of two; NaN if either is. Equal elements share the gradient."""
    return xp.maximum(input, other)


@maximum.backward("input")
def _(xp, g, input, other):
    return xp.where(xp.eq(input, other), g / 2, xp.where(xp.lt(input, other), 0, g))


@maximum.backward("other")
def _(xp, g, input, other):
    return xp.where(xp.eq(input, other), g / 2, xp.where(xp.gt(input, other), 0, g))


@pointwise()
def minimum(xp, input, other):
    r"""The smaller of two; NaN if either is. Equal elements share the gradient."""
    return xp.minimum(input, other)


@minimum.backward("input")
def _(xp, g, input, other):
    return xp.where(xp.eq(input, other), g / 2, xp.where(xp.gt(input, other), 0, g))


@minimum.backward("other")
def _(xp, g, input, other):
    return xp.where(xp.eq(input, other), g / 2, xp.where(xp.lt(input, other), 0, g))


def _clamp_overload(input, min, max):
    numbers = (int, float, type(None))
    return 1 if isinstance(min, numbers) and isinstance(max, numbers) else 0


@pointwise(overload=_clamp_overload, aliases=("clip",))
def clamp(xp, input, min=None, max=None):
    r"""$y = \min(\max(\text{input}, \text{min}), \text{max})$; either bound may be missing.

    Bounds are numbers or tensors. The gradient is 1 inside and on the bounds, 0 outside.
    RuntimeError if both bounds are missing.
    """
    if min is None and max is None:
        raise RuntimeError("clamp: At least one of 'min' or 'max' must not be None")
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


@composite(inplace=True)
def clamp_min(xp, input, min: Array):
    r"""$y = \max(\text{input}, \text{min})$."""
    return xp.clamp(input, min)


@composite(inplace=True)
def clamp_max(xp, input, max: Array):
    r"""$y = \min(\text{input}, \text{max})$."""
    return xp.clamp(input, None, max)


@pointwise(keep_dtype="mask")
def masked_fill(xp, input, mask, value: Array):
    r"""The input with `value`, a number or 0-d tensor, where the mask is True."""
    return xp.where(mask, value, input)


@masked_fill.backward("input")
def _(xp, g, mask):
    return xp.where(mask, 0, g)


@masked_fill.backward("value")
def _(xp, g, mask):
    return xp.where(mask, g, 0)


@pointwise()
def floor(xp, input):
    r"""The largest integer that is not larger."""
    return xp.floor(input)


@pointwise()
def ceil(xp, input):
    r"""The smallest integer that is not smaller."""
    return xp.ceil(input)


@pointwise(aliases=("fix",))
def trunc(xp, input):
    r"""The integer part, towards zero."""
    return xp.trunc(input)


@pointwise()
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


@pointwise(holomorphic=False)
def conj(xp, input):
    r"""Complex conjugate; real numbers stay as they are."""
    return xp.conj(input)


@conj.backward("input")
def _(xp, g):
    return xp.conj(g)


@pointwise(result="real", holomorphic=False)
def real(xp, input):
    r"""Real part."""
    return xp.real(input)


@real.backward("input")
def _(xp, g):
    return g


@pointwise(result="real", holomorphic=False)
def imag(xp, input):
    r"""Imaginary part."""
    return xp.imag(input)


@imag.backward("input")
def _(xp, g):
    return g * 1j


@pointwise(public=False)
def finite_or_zero(xp, input):
    r"""The input where it is finite, else 0: a shift that keeps infinities out of differences."""
    return xp.where(xp.isfinite(input), input, 0)


@finite_or_zero.backward("input")
def _(xp, g, input):
    return xp.where(xp.isfinite(input), g, 0)
