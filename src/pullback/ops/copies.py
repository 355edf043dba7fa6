"""Copies, conversions, and what is written over a tensor."""

from pullback.op import (
    Format,
    Plain,
    call,
    composite,
    contiguous_format,
    opaque,
    pointwise,
    visible_axes,
)


@opaque(in_order=False)
def clone(xp, input, *, memory_format: Format = None):
    r"""A copy, through which gradients flow; its axes lie in memory as the input's."""
    return xp.copy(input, memory_format)


@opaque(public=False, derivative=False, in_order=False)
def arranged(xp, input, like, order: Format = None):
    r"""The values in memory as those of another tensor of the same shape."""
    return xp.arranged(input, like, order)


@arranged.samples
def _(r):
    yield call(r(2, 3), r(2, 3))


@pointwise(public=False, domain=None)
def flat_in(xp, input, other):
    r"""The input, as a function of another tensor of its shape, in which its derivative is 0."""
    return input


@flat_in.samples
def _(r):
    yield call(r(2, 3), r(2, 3))


@flat_in.backward("input")
def _(xp, g):
    return g


@flat_in.backward("other")
def _(xp, g):
    return g * 0


@clone.examples
def _(xp, input, memory_format):
    return xp.clone(input)


@clone.formula
def _(xp, input, memory_format):
    return input


@clone.backward("input")
def _(xp, g):
    return g


@composite(function=False, asks_order=True)
def contiguous(xp, input, *, memory_format: Format = None):
    r"""The tensor itself if its elements lie in order, else a copy."""
    order = memory_format or contiguous_format
    return input if input.is_contiguous(order) else xp.clone(input, memory_format=order)


@contiguous.unchanged
def _(input, memory_format):
    flags = getattr(getattr(input, "_value", None), "flags", None)
    return memory_format is None and flags is not None and flags.c_contiguous


@clone.samples
@contiguous.samples
def _(r):
    yield call(r(2, 3))
    yield call(r())
    yield call(r(0, 2))


@clone.reference
@contiguous.reference
def _(np, input):
    return np.copy(input)


@pointwise(name="cast", node="ToCopy", public=False, keep_dtype="input", inplace=False,
           widens=False, domain=None)  # fmt: skip
def cast(xp, input, dtype: Plain):
    r"""The values in another dtype, given as NumPy's."""
    return xp.cast(input, dtype)


@cast.backward("input")
def _(xp, g, input_dtype):
    return xp.cast(g, input_dtype)


@cast.samples
def _(r):
    yield call(r(3, 4), r.integers(0, 9).dtype)
    yield call(r.integers(0, 9, 3), r(1).dtype)


@opaque(public=False, inplace=True, node="Copy", holomorphic=False, widens=False, in_order=False)
def copy(xp, input, src, non_blocking: bool = False):
    r"""`input.copy_(src)`: the values of `src`, broadcast and converted, written over the input."""
    return xp.cast(xp.expand(src, *input.shape), input.dtype)


@copy.formula
def _(xp, input, src, non_blocking):
    xp.check_fits("Copy", input, src, input.shape)
    return xp.cast(xp.expand(src, *input.shape), input.dtype)


@copy.examples
def _(xp, input, src, non_blocking):
    size = max(input.shape[0], src.shape[0])
    return xp.copy(
        xp.expand(input, size, *input.shape[1:]), visible_axes(xp, src, len(input.shape) - 1)
    )


@copy.backward("input")
def _(xp, g):
    return xp.filled(g.shape, 0, g)


@copy.backward("src")
def _(xp, g):
    return g


@copy.samples
def _(r):
    yield call(r(2, 3), r(2, 3))
    yield call(r(2, 3), r(3))
    yield call(r(2, 3), r())
    yield call(r(2), r.integers(0, 3, 2))


@copy.reference
def _(np, input, src):
    return np.broadcast_to(src, input.shape)


@opaque(
    public=False,
    inplace=True,
    numbers="value",
    overloads={"value": 2, "": 3},
    holomorphic=False,
    in_order=False,
)
def fill(xp, input, value):
    r"""`input.fill_(value)`: one value, a number or a 0-d tensor, written everywhere."""
    return xp.filled(input.shape, value, input)


@fill.formula
def _(xp, input, value):
    if hasattr(value, "dtype"):
        return xp.cast(xp.expand(value, *input.shape), input.dtype)
    return xp.filled(input.shape, value, input)


@fill.examples
def _(xp, input, value):
    if hasattr(value, "dtype"):
        value = xp.cast(visible_axes(xp, value, len(input.shape) - 1), input.dtype.numpy)
        size = max(input.shape[0], value.shape[0])
        return xp.clone(xp.expand(value, size, *input.shape[1:]))
    return xp.fill(input, value)


@composite(name="fill_function", public_name="fill", method=False, numbers="value")
def fill_function(xp, input, value):
    r"""A new tensor like the input, with one value everywhere: a number or a 0-d tensor."""
    if hasattr(value, "shape") and len(value.shape):
        raise RuntimeError(
            f"fill only supports 0-dimension value tensor but got tensor with "
            f"{len(value.shape)} dimensions: the shape is {list(value.shape)}"
        )
    return xp.fill(input, value)


@fill.backward("input")
def _(xp, g):
    return xp.filled(g.shape, 0, g)


@fill.backward("value")
def _(xp, g):
    return g


@fill.samples
@fill_function.samples
def _(r):
    yield call(r(2, 3), 1.5)
    yield call(r(), -1)
    yield call(r(2, 3), r())


@fill.reference
@fill_function.reference
def _(np, input, value):
    return np.full(input.shape, value)


@opaque(public=False, inplace=True, holomorphic=False, in_order=False)
def zero(xp, input):
    r"""`input.zero_()`: zeros written everywhere."""
    return xp.filled(input.shape, 0, input)


@zero.formula
def _(xp, input):
    return xp.filled(input.shape, 0, input)


@zero.examples
def _(xp, input):
    return xp.zeros_like(input)


@zero.backward("input")
def _(xp, g):
    return xp.filled(g.shape, 0, g)


@zero.samples
def _(r):
    yield call(r(2, 3))
    yield call(r())


@zero.reference
def _(np, input):
    return np.zeros(input.shape)
