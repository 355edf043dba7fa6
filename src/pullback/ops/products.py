"""Products and quotients added to something; powers in double precision."""

from pullback.op import Number, call, composite, pointwise


@pointwise(dtypes="ifc")
def addcmul(xp, input, tensor1, tensor2, *, value: Number = 1):
    r"""$y = \text{input} + \text{value} \cdot \text{tensor1} \cdot \text{tensor2}$."""
    return input + _scaled("addcmul", tensor1, value) * tensor2


@addcmul.backward("input")
def _(xp, g):
    return g


@addcmul.backward("tensor1")
def _(xp, g, tensor2, value):
    return g * (tensor2 * value)


@addcmul.backward("tensor2")
def _(xp, g, tensor1, value):
    return g * (tensor1 * value)


@pointwise()
def addcdiv(xp, input, tensor1, tensor2, *, value: Number = 1):
    r"""$y = \text{input} + \text{value} \cdot \text{tensor1} / \text{tensor2}$.

    RuntimeError for integers.
    """
    if tensor2.dtype.kind not in "fc":
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported: write input + value * "
            "torch.trunc(tensor1 / tensor2)"
        )
    return input + tensor1 * value / tensor2


@addcdiv.backward("input")
def _(xp, g):
    return g


@addcdiv.backward("tensor1")
def _(xp, g, tensor2, value):
    return g * (value / tensor2)


@addcdiv.backward("tensor2")
def _(xp, g, tensor1, tensor2, value):
    return -g * (tensor1 * value / (tensor2 * tensor2))


def _scaled(name, x, value):
    """A multiple; of integers, by an integer."""
    if x.dtype.kind in "bui" and not isinstance(value, int):
        raise RuntimeError(
            f"For integral input tensors, argument value must not be a floating point number: "
            f"{name} of {x.dtype} with value={value!r}"
        )
    return x if value == 1 else x * value


@addcmul.samples
def _(r):
    yield call(r(3, 4), r(3, 1), r(4), value=2.5)


@addcdiv.samples
def _(r):
    yield call(r(3, 4), r(3, 1), r.nonzero(4), value=2.5)


@composite(numbers="input exponent", inplace=True)
def float_power(xp, input, exponent):
    r"""`pow` in float64, or complex128: both are converted first. Either may be a number."""
    tensors = [x for x in (input, exponent) if hasattr(x, "shape")]
    if not tensors:
        raise TypeError("float_power(): argument 'input' or 'exponent' must be Tensor")
    wide = any(
        isinstance(x, complex) or getattr(x, "is_complex", bool)() for x in (input, exponent)
    )
    dtype = tensors[0].double().dtype
    if wide:
        dtype = dtype.to_complex()
    return xp.pow(*(x.to(dtype) if hasattr(x, "shape") else x for x in (input, exponent)))


@float_power.samples
def _(r):
    yield call(r(3, 4, low=0.3), r(4))
    yield call(r.nonzero(3), 3)
    yield call(2, r(3))


@float_power.reference
def _(np, input, exponent):
    return np.power(input, exponent)
