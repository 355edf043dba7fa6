"""Sums, products, quotients and powers."""

from pullback.op import Array, Number, call, composite, pointwise


def _times(xp, x, alpha, like):
    """alpha x; for integers, alpha is one."""
    if not hasattr(x, "dtype"):
        x = xp.filled((), x, like)
    if x.dtype.kind in "bui" and not isinstance(alpha, int):
        raise RuntimeError(
            f"For integral input tensors, argument alpha must not be a floating point number: "
            f"alpha={alpha!r} for {x.dtype} of shape {list(x.shape)}"
        )
    return xp.mul(x, alpha)


@pointwise(factors="alpha")
def add(xp, input, other, *, alpha: Number = 1):
    r"""Sum: $y = \text{input} + \alpha\,\text{other}$. Shapes broadcast, dtypes promote."""
    return xp.add(input, other if alpha == 1 else _times(xp, other, alpha, input))


@add.backward("input")
def _(xp, g):
    return g


@add.backward("other")
def _(xp, g, alpha):
    return g if alpha == 1 else g * alpha


@add.samples
def _(r):
    yield call(r(3, 4), r(4), alpha=2.5)
    yield call(r(2), 3, alpha=-2)


@add.reference
def _(np, input, other, *, alpha=1):
    return input + alpha * other


@pointwise(aliases=("subtract",), booleans=False, factors="alpha")
def sub(xp, input, other, *, alpha: Number = 1):
    r"""Difference: $y = \text{input} - \alpha\,\text{other}$. Shapes broadcast, dtypes promote."""
    return xp.sub(input, other if alpha == 1 else _times(xp, other, alpha, input))


@sub.backward("input")
def _(xp, g):
    return g


@sub.backward("other")
def _(xp, g, alpha):
    return -g if alpha == 1 else g * -alpha


@sub.samples
def _(r):
    yield call(r(3, 4), r(4), alpha=2.5)
    yield call(r(2), 3, alpha=-2)


@sub.reference
def _(np, input, other, *, alpha=1):
    return input - alpha * other


@pointwise(inplace=False, method=False, overloads={"other": 1, "": 0}, booleans=False)
def rsub(xp, input, other, *, alpha: Number = 1):
    r"""Difference the other way round: $y = \text{other} - \alpha\,\text{input}$."""
    return xp.sub(other, input if alpha == 1 else _times(xp, input, alpha, other))


@rsub.backward("input")
def _(xp, g, alpha):
    return -g if alpha == 1 else g * -alpha


@rsub.backward("other")
def _(xp, g):
    return g


@rsub.samples
def _(r):
    yield call(r(3, 4), r(4), alpha=2.5)
    yield call(r(2), 3, alpha=-2)


@rsub.reference
def _(np, input, other, *, alpha=1):
    return other - alpha * input


@pointwise(aliases=("multiply",), exact_numbers=True)
def mul(xp, input, other):
    r"""Product: $y = \text{input} \cdot \text{other}$. Shapes broadcast, dtypes promote."""
    return xp.mul(input, other)


@mul.backward("input")
def _(xp, g, other):
    return g * other


@mul.backward("other")
def _(xp, g, input):
    return g * input


@pointwise(
    floating=lambda rounding_mode: rounding_mode is None,
    aliases=("divide",),
    domain=(0.3, 3.0),
    exact_numbers=True,
)
def div(xp, input, other, *, rounding_mode=None):
    r"""Quotient: $y = \text{input} / \text{other}$.

    Integers give the default floating dtype, unless `rounding_mode` is "floor" (towards minus
    infinity) or "trunc" (towards zero): then the dtype is the inputs'.
    """
    if rounding_mode is None:
        return xp.div(input, other)
    if input.dtype.kind == "c":
        raise NotImplementedError('"div" with rounding_mode is not implemented for complex numbers')
    if rounding_mode == "floor":
        return xp.floor_divide(input, other)
    if rounding_mode != "trunc":
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
            f"{rounding_mode!r}"
        )
    if input.dtype.kind in "bui":
        return xp.floor_divide(input - xp.fmod(input, other), other)
    return xp.trunc(xp.div(input, other))


@div.backward("input")
def _(xp, g, other, rounding_mode):
    return g / other if rounding_mode is None else g * 0


@div.backward("other")
def _(xp, g, input, other, rounding_mode):
    return -g * ((input / other) / other) if rounding_mode is None else g * 0


@div.samples
def _(r):
    yield call(r(3, 4), r.nonzero(4))
    yield call(r(3), -2)
    yield call(r(3, 4), r.nonzero(4), rounding_mode="floor")
    yield call(r(3, 4), r.nonzero(4), rounding_mode="trunc")


@div.reference
def _(np, input, other, *, rounding_mode=None):

    y = np.true_divide(input, other)
    return y if rounding_mode is None else {"floor": np.floor, "trunc": np.trunc}[rounding_mode](y)


@composite(public=False, numbers="input other")
def rdiv(xp, input, other):
    r"""Quotient the other way round: $y = \text{other} / \text{input}$."""
    return xp.mul(xp.reciprocal(input), other)


@rdiv.samples
def _(r):
    yield call(r.nonzero(3, 4), r(4))
    yield call(r.nonzero(3), 2.5)


@composite(inplace=True, numbers="input other")
def true_divide(xp, input, other):
    r"""Quotient: the same as `div` without rounding."""
    return xp.div(input, other)


@true_divide.samples
def _(r):
    yield call(r(3, 4), r.nonzero(4))
    yield call(r(3), -2)


@true_divide.reference
def _(np, input, other):
    return np.true_divide(input, other)


@pointwise(domain=(0.3, 3.0), derivative=False, dtypes="if", exact_numbers=True)
def floor_divide(xp, input, other):
    r"""Quotient rounded down: $y = \lfloor \text{input} / \text{other} \rfloor$."""
    return xp.floor_divide(input, other)


@floor_divide.samples
def _(r):
    yield call(r(3, 4), r.nonzero(4))
    yield call(r(3), -2)


@pointwise(overloads={"other": 0, "": 1}, domain=(0.3, 3.0), dtypes="if")
def remainder(xp, input, other):
    r"""What floor division leaves over, with the sign of `other`, as Python's `%`."""
    return xp.remainder(input, other)


@remainder.backward("input")
def _(xp, g):
    return g


@remainder.backward("other")
def _(xp, g, input, other):
    return -g * xp.floor(input / other)


@remainder.samples
def _(r):
    yield call(r(3, 4), r.nonzero(4))
    yield call(r(3), -2)


@pointwise(overloads={"other": 0, "": 1}, domain=(0.3, 3.0), dtypes="if")
def fmod(xp, input, other):
    r"""What truncated division leaves over, with the sign of `input`, as C's `fmod`."""
    return xp.fmod(input, other)


@fmod.backward("input")
def _(xp, g):
    return g


@fmod.backward("other")
def _(xp, g, input, other):
    return -g * xp.trunc(input / other)


@div.check
@floor_divide.check
@remainder.check
@fmod.check
def _(xp, input, other, rounding_mode=None):
    xp.check_divisor(input, other)


@fmod.samples
def _(r):
    yield call(r(3, 4), r.nonzero(4))
    yield call(r(3), -2)


@pointwise(aliases=("negative",), dtypes="ifc")
def neg(xp, input):
    r"""Opposite: $y = -\text{input}$."""
    return xp.neg(input)


@neg.backward("input")
def _(xp, g):
    return -g


@composite(dtypes="ifc")
def positive(xp, input):
    r"""The input itself: $y = +\text{input}$."""
    return input


@positive.samples
def _(r):
    yield call(r(3, 4))
    yield call(r.integers(-3, 3, 4))


@positive.reference
def _(np, input):
    return input


@pointwise(floating=True, domain=(0.3, 3.0))
def reciprocal(xp, input):
    r"""Inverse: $y = 1 / \text{input}$."""
    return 1 / input


@reciprocal.backward("input")
def _(xp, g, y):
    return -g * (y * y)


@pointwise(overloads={"exponent": 0, "input": 2, "": 1}, domain=(0.3, 3.0))
def pow(xp, input, exponent):
    r"""Power: $y = \text{input}^\text{exponent}$. Either may be a number.

    $0^0 = 1$, and the derivative in the exponent where input is 0 is 0 for exponents ≥ 0.
    RuntimeError for integers to negative integer powers. Booleans have True and False for powers.
    """
    if xp.is_eager and hasattr(input, "dtype") and input.dtype.kind == "b":  # no number
        if exponent.shape:
            raise NotImplementedError(
                f"\"pow\" not implemented for 'Bool': convert the tensor of shape "
                f"{list(exponent.shape)} with .to()"
            )
        return xp.logical_or(input, xp.logical_not(exponent))
    return xp.pow(input, exponent)


@pow.backward("input")
def _(xp, g, input, exponent):
    if isinstance(exponent, (int, float, complex)):
        if exponent == 2:
            return g * (input * 2)
        return g * (exponent * xp.pow(input, exponent - 1)) if exponent != 0 else g * 0
    slope = exponent * xp.pow(input, exponent - 1)
    return g * xp.where(xp.eq(exponent, 0), 0, slope)


@pow.backward("exponent")
def _(xp, g, input, exponent, y):
    if isinstance(input, (int, float, complex)):
        base = xp.filled((), input, y)
        return (
            g * (y * xp.log(base))
            if input != 0
            else xp.where(xp.ge(xp.real(exponent), 0), 0, g * y)
        )
    at_zero = xp.logical_and(xp.eq(input, 0), xp.ge(xp.real(exponent), 0))
    return g * xp.where(at_zero, 0, y * xp.log(xp.where(at_zero, 1, input)))


@pow.samples
def _(r):
    for n in (0, 1, 2, 3, -1, 4):
        yield call(r.nonzero(3, 2), n)
    yield call(r(3, low=0.3), -1.5)
    yield call(2.5, r(3))
    yield call(0, r(3, low=0.5))


@composite(inplace=True)
def square(xp, input):
    r"""Square: $y = \text{input}^2$."""
    return xp.pow(input, 2)


@square.samples
def _(r):
    yield call(r(3, 4))
    yield call(r())
    yield call(r.integers(-9, 9, 4))


@square.reference
def _(np, input):
    return input * input


@pointwise(floating=True, domain=(0.1, 3.0))
def sqrt(xp, input):
    r"""Square root: $y = \sqrt{\text{input}}$, NaN below 0."""
    return xp.sqrt(input)


@sqrt.backward("input")
def _(xp, g, y):
    return g / (2 * y)


@pointwise(floating=True, domain=(0.1, 3.0))
def rsqrt(xp, input):
    r"""Inverse square root: $y = 1 / \sqrt{\text{input}}$."""
    return xp.rsqrt(input)


@rsqrt.backward("input")
def _(xp, g, y):
    return -0.5 * g * (y * y * y)


@rsqrt.reference
def _(np, input):
    return 1 / np.sqrt(input)


@pointwise(result="real", holomorphic=False, aliases=("absolute",), dtypes="ifc", inplace=True)
def abs(xp, input):
    r"""Absolute value or modulus: $y = |\text{input}|$; real for complex inputs."""
    return xp.abs(input)


@abs.backward("input")
def _(xp, g, input):
    return g * xp.sgn(input)


@pointwise(dtypes="bif")
def sign(xp, input):
    r"""-1, 0 or 1; 0 for NaN."""
    return xp.sign(input)


@sign.backward("input")
def _(xp, g):
    return g * 0


@pointwise(holomorphic=False)
def sgn(xp, input):
    r"""Sign of real numbers; $z / |z|$ of complex ones, and 0 at 0."""
    return xp.sign(input)


@sgn.backward("input")
def _(xp, g, input, y):
    if g.dtype.kind != "c":
        return g * 0
    size = xp.abs(input)
    slope = (g - y * xp.real(y * xp.conj(g))) / xp.where(xp.eq(size, 0), 1, size)
    return xp.where(xp.eq(size, 0), 0, slope)


@pointwise(overloads={"weight": 0, "": 1}, dtypes="fc", exact_numbers=True)
def lerp(xp, input, end, weight: Array):
    r"""Interpolation: $y = \text{input} + \text{weight}\,(\text{end} - \text{input})$."""
    gap = end - input  # from the nearer end: both ends are met exactly
    return xp.where(xp.lt(xp.abs(weight), 0.5), input + weight * gap, end - gap * (1 - weight))


@lerp.backward("input")
def _(xp, g, weight):
    return g * (1 - weight)


@lerp.backward("end")
def _(xp, g, weight):
    return g * weight


@lerp.backward("weight")
def _(xp, g, input, end):
    return g * (end - input)


@lerp.samples
def _(r):
    yield call(r(3, 4), r(4), 0.3)
    yield call(r(2), r(2), -1.5)


@lerp.reference
def _(np, input, end, weight):
    return (1 - weight) * input + weight * end


@pointwise(dtypes="ifc", factors="value")
def addcmul(xp, input, tensor1, tensor2, *, value: Number = 1):
    r"""$y = \text{input} + \text{value} \cdot \text{tensor1} \cdot \text{tensor2}$."""
    product = tensor1 * tensor2
    return input + (product if value == 1 else product * value)


@addcmul.backward("input")
def _(xp, g):
    return g


@addcmul.backward("tensor1")
def _(xp, g, tensor2, value):
    return g * tensor2 * value


@addcmul.backward("tensor2")
def _(xp, g, tensor1, value):
    return g * tensor1 * value


@pointwise(dtypes="fc", domain=(0.3, 3.0), factors="value")
def addcdiv(xp, input, tensor1, tensor2, *, value: Number = 1):
    r"""$y = \text{input} + \text{value} \cdot \text{tensor1} / \text{tensor2}$; not of integers."""
    ratio = tensor1 / tensor2
    return input + (ratio if value == 1 else ratio * value)


@addcdiv.backward("input")
def _(xp, g):
    return g


@addcdiv.backward("tensor1")
def _(xp, g, tensor2, value):
    return g * (value / tensor2)


@addcdiv.backward("tensor2")
def _(xp, g, tensor1, tensor2, value):
    return -g * (value * (tensor1 / (tensor2 * tensor2)))


@addcmul.samples
@addcdiv.samples
def _(r):
    yield call(r(3, 4), r(4), r.nonzero(3, 1), value=0.5)
    yield call(r(3), r(3), r.nonzero(3), value=-2)
