"""Comparisons, tests and logic: boolean results, no derivative."""

from pullback.op import composite, pointwise


@pointwise(result="bool")
def eq(xp, input, other):
    r"""Whether `input` is equal to `other`, element by element; dtypes promote before."""
    return xp.eq(input, other)


@pointwise(result="bool", aliases=("not_equal",))
def ne(xp, input, other):
    r"""Whether `input` is different from `other`, element by element; dtypes promote before."""
    return xp.ne(input, other)


@pointwise(result="bool", aliases=("less",))
def lt(xp, input, other):
    r"""Whether `input` is less than `other`, element by element; dtypes promote before."""
    return xp.lt(input, other)


@pointwise(result="bool", aliases=("less_equal",))
def le(xp, input, other):
    r"""Whether `input` is less than or equal to `other`, element by element; dtypes promote before."""
    return xp.le(input, other)


@pointwise(result="bool", aliases=("greater",))
def gt(xp, input, other):
    r"""Whether `input` is greater than `other`, element by element; dtypes promote before."""
    return xp.gt(input, other)


@pointwise(result="bool", aliases=("greater_equal",))
def ge(xp, input, other):
    r"""Whether `input` is greater than or equal to `other`, element by element; dtypes promote before."""
    return xp.ge(input, other)


@pointwise(result="bool")
def isnan(xp, input):
    r"""Whether each element is NaN."""
    return xp.isnan(input)


@pointwise(result="bool")
def isinf(xp, input):
    r"""Whether each element is infinite."""
    return xp.isinf(input)


@pointwise(result="bool")
def isfinite(xp, input):
    r"""Whether each element is neither infinite nor NaN."""
    return xp.isfinite(input)


@pointwise(result="bool")
def signbit(xp, input):
    r"""Whether each element has its sign bit set, as -0.0 has."""
    return xp.signbit(input)


@pointwise(result="bool", inplace=True)
def logical_and(xp, input, other):
    r"""Both are non-zero, element by element."""
    return xp.logical_and(input, other)


@pointwise(result="bool", inplace=True)
def logical_or(xp, input, other):
    r"""At least one is non-zero, element by element."""
    return xp.logical_or(input, other)


@pointwise(result="bool", inplace=True)
def logical_xor(xp, input, other):
    r"""Exactly one is non-zero, element by element."""
    return xp.logical_xor(input, other)


@pointwise(result="bool", inplace=True)
def logical_not(xp, input):
    r"""Whether each element is zero."""
    return xp.logical_not(input)


@pointwise()
def bitwise_and(xp, input, other):
    r"""Bit by bit and of integers or booleans."""
    return xp.bitwise_and(input, other)


@pointwise()
def bitwise_or(xp, input, other):
    r"""Bit by bit or of integers or booleans."""
    return xp.bitwise_or(input, other)


@pointwise()
def bitwise_xor(xp, input, other):
    r"""Bit by bit exclusive or of integers or booleans."""
    return xp.bitwise_xor(input, other)


@pointwise()
def bitwise_not(xp, input):
    r"""Every bit of integers flipped; logical not of booleans."""
    return xp.bitwise_not(input)


@composite(inplace=False)
def isclose(xp, input, other, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False):
    r"""Whether $|\text{input} - \text{other}| \le \text{atol} + \text{rtol}\,|\text{other}|$."""
    close = xp.eq(input, other)
    if equal_nan and (input.dtype.is_floating_point or input.dtype.is_complex):
        close = xp.logical_or(close, xp.logical_and(xp.isnan(input), xp.isnan(other)))
    if rtol == 0 and atol == 0:
        return close
    error = xp.abs(input - other)
    near = xp.logical_and(xp.isfinite(error), xp.le(error, atol + xp.abs(other) * rtol))
    return xp.logical_or(close, near)


@composite(inplace=False)
def allclose(xp, input, other, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False):
    r"""Whether all elements are close, as a Python bool; see `isclose`."""
    return bool(xp.all(xp.isclose(input, other, rtol, atol, equal_nan)))


@composite(inplace=False)
def equal(xp, input, other):
    r"""Whether two tensors have the same shape and the same elements, as a Python bool."""
    return input.shape == other.shape and bool(xp.all(xp.eq(input, other)))
