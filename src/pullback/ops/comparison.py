"""Comparisons, tests and logic: boolean results, no derivative."""

from pullback.op import Array, call, composite, opaque, pointwise


@pointwise(result="bool", inplace=True)
def eq(xp, input, other):
    r"""Whether `input` is equal to `other`, element by element; dtypes promote before."""
    return xp.eq(input, other)


@pointwise(result="bool", inplace=True, aliases=("not_equal",))
def ne(xp, input, other):
    r"""Whether `input` is different from `other`, element by element; dtypes promote before."""
    return xp.ne(input, other)


@pointwise(result="bool", inplace=True, aliases=("less",), dtypes="bif")
def lt(xp, input, other):
    r"""Whether `input` is less than `other`, element by element; dtypes promote before."""
    return xp.lt(input, other)


@pointwise(result="bool", inplace=True, aliases=("less_equal",), dtypes="bif")
def le(xp, input, other):
    r"""Whether `input` is at most `other`, element by element; dtypes promote before."""
    return xp.le(input, other)


@pointwise(result="bool", inplace=True, aliases=("greater",), dtypes="bif")
def gt(xp, input, other):
    r"""Whether `input` is greater than `other`, element by element; dtypes promote before."""
    return xp.gt(input, other)


@pointwise(result="bool", inplace=True, aliases=("greater_equal",), dtypes="bif")
def ge(xp, input, other):
    r"""Whether `input` is at least `other`, element by element; dtypes promote before."""
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


@pointwise(result="bool", dtypes="bif")
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


@pointwise(domain=None, dtypes="bi")
def bitwise_and(xp, input, other):
    r"""Bit by bit and of integers or booleans."""
    return xp.bitwise_and(input, other)


@pointwise(domain=None, dtypes="bi")
def bitwise_or(xp, input, other):
    r"""Bit by bit or of integers or booleans."""
    return xp.bitwise_or(input, other)


@pointwise(domain=None, dtypes="bi")
def bitwise_xor(xp, input, other):
    r"""Bit by bit exclusive or of integers or booleans."""
    return xp.bitwise_xor(input, other)


@bitwise_and.samples
@bitwise_or.samples
@bitwise_xor.samples
def _(r):
    yield call(r.integers(-9, 9, 3, 4), r.integers(-9, 9, 4))
    yield call(r.integers(-9, 9, 3), 5)
    yield call(r.booleans(3, 1), r.booleans(4))


@pointwise(domain=None, dtypes="bi")
def bitwise_not(xp, input):
    r"""Every bit of integers flipped; logical not of booleans."""
    return xp.bitwise_not(input)


@bitwise_not.samples
def _(r):
    yield call(r.integers(-9, 9, 3, 4))
    yield call(r.booleans(4))


@composite(inplace=False, derivative=False)
def isclose(xp, input, other, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False):
    r"""Whether $|\text{input} - \text{other}| \le \text{atol} + \text{rtol}\,|\text{other}|$."""
    if input.dtype != other.dtype:
        raise RuntimeError(
            f"isclose: {input.dtype} did not match {other.dtype}: convert one of them with .to()"
        )
    close = xp.eq(input, other)
    if input.dtype.kind == "b":
        return close
    if equal_nan and (input.dtype.is_floating_point or input.dtype.is_complex):
        close = xp.logical_or(close, xp.logical_and(xp.isnan(input), xp.isnan(other)))
    if rtol == 0 and atol == 0:
        return close
    rtol, atol = float(rtol), float(atol)  # an integer need not fit the tensors' dtype
    error = xp.abs(input - other)
    near = xp.logical_and(xp.isfinite(error), xp.le(error, atol + xp.abs(other) * rtol))
    return xp.logical_or(close, near)


@composite(inplace=False, derivative=False)
def allclose(xp, input, other, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False):
    r"""Whether all elements are close, as a Python bool; see `isclose`."""
    return bool(xp.all(xp.isclose(input, other, rtol, atol, equal_nan)))


@isclose.samples
@allclose.samples
def _(r):
    x = r(3, 4)
    yield call(x, x * (1 + 1e-5 * r(3, 4)))
    yield call(x, r(4))
    yield call(x, x + 0.5, 0.01, 0.4)
    yield call(x, x, rtol=0.0, atol=0.0)
    yield call(x * float("nan"), x * float("nan"), equal_nan=True)
    yield call(r.integers(0, 3, 4), r.integers(0, 3, 4), atol=1.0)


@allclose.reference
def _(np, input, other, *options, **named):
    return np.allclose(input, other, *options, **named)


@isclose.reference
def _(np, input, other, *options, **named):
    return np.isclose(input, other, *options, **named)


@composite(inplace=False, derivative=False)
def equal(xp, input, other):
    r"""Whether two tensors have the same shape and the same elements, as a Python bool."""
    return input.shape == other.shape and bool(xp.all(xp.eq(input, other)))


@equal.samples
def _(r):
    x = r(3, 4)
    yield call(x, x)
    yield call(r(3), r(3))
    yield call(r(3), r(4))
    yield call(r.integers(0, 1, 3), r.integers(0, 1, 3))


@equal.reference
def _(np, input, other):
    return np.array_equal(input, other)


@composite(method=False, numbers="elements test_elements")
def isin(xp, elements, test_elements: Array, *, assume_unique: bool = False, invert: bool = False):
    r"""Whether each of `elements` is among `test_elements`; whether it is not, with `invert`.

    Either may be a number, not both.
    """
    if not hasattr(elements, "dtype") and not hasattr(test_elements, "dtype"):
        raise TypeError(
            "isin(): one of elements and test_elements must be Tensor, not numbers both"
        )
    if not hasattr(elements, "dtype"):
        elements = xp.full((), elements)
    if not hasattr(test_elements, "dtype"):
        test_elements = xp.full((), test_elements)
    for x in (elements, test_elements):
        if x.dtype.kind in "bc":
            raise RuntimeError(
                f"isin() is defined for integers and floating-point numbers, not for {x.dtype}: "
                f"convert the tensor of shape {list(x.shape)} with .to()"
            )
    return xp.is_among(elements, test_elements, invert)


@isin.samples
def _(r):
    yield call(r.integers(0, 6, 3, 4), r.integers(0, 6, 3))
    yield call(r.integers(0, 6, 3), 2)
    yield call(r.integers(0, 6, 3), r.integers(0, 6, 2), invert=True)
    yield call(r.order(4), r.order(3), assume_unique=True)


@isin.reference
def _(np, elements, test_elements, *, assume_unique=False, invert=False):
    return np.isin(elements, test_elements, invert=invert)


@opaque(public=False, promote=True, derivative=False)
def is_among(xp, input, other: Array, invert: bool):
    r"""Whether each element is among those of the other tensor, or is not."""
    return xp.isin_array(input, other, invert)


@is_among.formula
def _(xp, input, other, invert):
    if input.dtype.kind not in "iuf":
        return xp.not_lowerable("no order")
    ordered = xp.sort(xp.reshape(other, -1), 0)[0]
    place = xp.places_among(ordered, input, False)
    last = xp.number(ordered.shape[0] - 1)
    found = xp.eq(xp.elements(ordered, [xp.minimum(place, last)]), input)
    return xp.logical_not(found) if invert else found


@is_among.samples
def _(r):
    yield call(r.integers(0, 6, 3, 4), r.integers(0, 6, 3), False)
