"""Integers: divisors, multiples and shifts."""

from pullback.op import call, pointwise


@pointwise(dtypes="i", derivative=False, domain=None)
def gcd(xp, input, other):
    r"""The greatest common divisor, at least 0."""
    return xp.gcd(input, other)


@pointwise(dtypes="i", derivative=False, domain=None)
def lcm(xp, input, other):
    r"""The least common multiple, at least 0."""
    return xp.lcm(input, other)


@pointwise(dtypes="i", derivative=False, domain=None)
def bitwise_left_shift(xp, input, other):
    r"""$y = \text{input} \cdot 2^\text{other}$, bits that do not fit dropped."""
    return xp.bitwise_left_shift(input, other)


@pointwise(dtypes="i", derivative=False, domain=None)
def bitwise_right_shift(xp, input, other):
    r"""$y = \lfloor \text{input} / 2^\text{other} \rfloor$."""
    return xp.bitwise_right_shift(input, other)


@gcd.reference
def _(np, input, other):
    return np.gcd(input, other)


@lcm.reference
def _(np, input, other):
    return np.lcm(input, other)


@gcd.samples
@lcm.samples
def _(r):
    yield call(r.integers(-20, 20, 3, 4), r.integers(-20, 20, 4))
    yield call(r.integers(1, 20, 3), r.integers(1, 20, 3))


@bitwise_left_shift.samples
@bitwise_right_shift.samples
def _(r):
    yield call(r.integers(-20, 20, 3, 4), r.integers(0, 5, 4))
    yield call(r.integers(-20, 20, 3), 2)
