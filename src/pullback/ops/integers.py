"""Integers: common divisors and multiples, shifts."""

from pullback.op import call, pointwise


@pointwise(derivative=False, dtypes="i", domain=None)
def gcd(xp, input, other):
    r"""The greatest common divisor of integers, not negative; gcd(0, 0) = 0."""
    return xp.gcd_array(input, other)


@pointwise(derivative=False, dtypes="i", domain=None)
def lcm(xp, input, other):
    r"""The least common multiple of integers, not negative; 0 if one is."""
    return xp.lcm_array(input, other)


@pointwise(derivative=False, dtypes="i", domain=None)
def bitwise_left_shift(xp, input, other):
    r"""Bits moved left: $\text{input} \cdot 2^\text{other}$ without what no longer fits.

    0 for negative shifts, and for shifts by as many bits as there are or more.
    """
    bits = 8 * input.dtype.itemsize
    fits = xp.logical_and(xp.ge(other, 0), xp.lt(other, bits))
    return xp.where(fits, xp.bitwise_left_shift(input, xp.where(fits, other, 0)), 0)


@pointwise(derivative=False, dtypes="i", domain=None)
def bitwise_right_shift(xp, input, other):
    r"""Bits moved right: $\lfloor \text{input} / 2^\text{other} \rfloor$.

    Negative shifts, and those by as many bits as there are or more, leave the sign: 0 or -1.
    """
    bits = 8 * input.dtype.itemsize
    fits = xp.logical_and(xp.ge(other, 0), xp.lt(other, bits))
    y = xp.bitwise_right_shift(input, xp.where(fits, other, bits - 1))
    return xp.where(fits, y, 0) if input.dtype.kind == "u" else y


@gcd.samples
@lcm.samples
def _(r):
    yield call(r.integers(-9, 9, 3, 4), r.integers(-9, 9, 4))
    yield call(r.integers(1, 99, 3, 1), r.integers(1, 99, 4))


@bitwise_left_shift.samples
@bitwise_right_shift.samples
def _(r):
    yield call(r.integers(-9, 9, 3, 4), r.integers(0, 5, 4))
    yield call(r.integers(-9, 9, 3), 2)
    yield call(5, r.integers(0, 5, 3))


@gcd.reference
def _(np, input, other):
    return np.gcd(input, other)


@lcm.reference
def _(np, input, other):
    return np.lcm(input, other)
