"""Sums, products and truth over axes.

In rules, `g` and `y` come with the reduced axes of size 1, so that they broadcast with the input.
"""

from pullback.op import Dim, Dims, Dtype, call, composite, reduction


def _with_dim(input, dim, *rest):
    return 0 if dim is None else 1


@reduction(dtype_argument=True, accumulate="integer", overload=_with_dim)
def sum(xp, input, dim):
    r"""Sum over axes. Integers and booleans are summed in int64; `dtype` converts first."""
    return xp.sum(input, dim, keepdim=True)


@sum.combine
def _(xp, a, b):
    return a + b


@sum.backward("input")
def _(xp, g, input_shape):
    return xp.expand(g, *input_shape)


@sum.samples
def _(r):
    yield call(r(3, 4))
    yield call(r(3, 4), 0)
    yield call(r(2, 3, 2), (0, -1), True)
    yield call(r(3, 4), dim=1, keepdim=True)
    yield call(r(), 0)
    yield call(r(0, 3), 0)
    yield call(r.booleans(3, 4))
    yield call(r.integers(0, 9, 3), dtype=r.float64)


@sum.reference
def _(np, input, dim=None, keepdim=False, *, dtype=None):
    return np.sum(input, axis=dim, keepdims=keepdim, dtype=dtype)


@reduction(dtype_argument=True, floating=True, overload=_with_dim)
def mean(xp, input, dim):
    r"""Mean over axes: $\frac1n \sum_i x_i$; NaN over no elements. RuntimeError for integers."""
    return xp.sum(input, dim, keepdim=True)


@mean.combine
def _(xp, a, b):
    return a + b


@mean.finish
def _(xp, s, count):
    return s / count if count else s * float("nan")


@mean.backward("input")
def _(xp, g, input_shape, dim):
    count = 1
    for d in dim:
        count *= input_shape[d]
    return xp.expand(g / max(count, 1), *input_shape)


@mean.samples
def _(r):
    yield call(r(3, 4))
    yield call(r(3, 4), 0)
    yield call(r(2, 3, 2), (0, -1), True)
    yield call(r(3, 4), dim=1, keepdim=True)
    yield call(r(), 0)
    yield call(r.integers(0, 9, 3), dtype=r.float64)


@mean.reference
def _(np, input, dim=None, keepdim=False, *, dtype=None):
    total = np.sum(input, axis=dim, keepdims=keepdim, dtype=dtype)
    return total * (total.size / input.size)


@reduction(dtype_argument=True, accumulate="integer", overload=_with_dim, public=False, name="prod")
def prod_(xp, input, dim):
    r"""Product over axes."""
    return xp.prod(input, dim, keepdim=True)


@prod_.combine
def _(xp, a, b):
    return a * b


@prod_.backward("input")
def _(xp, g, input, dim):
    return g * xp.product_of_others(input, dim)


@composite(name="prod_function", public_name="prod")
def prod_function(xp, input, dim: Dim = None, keepdim: bool = False, *, dtype: Dtype = None):
    r"""Product over one axis, or all. Its gradient is exact where factors are 0."""
    one = dim if isinstance(dim, int) else None  # a missing axis has become all axes
    return xp.prod(input, one, keepdim, dtype=dtype)


@prod_function.samples
def _(r):
    yield call(r(3, 4))
    yield call(r(3, 4), 0)
    yield call(r(2, 3), -1, True)
    yield call(r.integers(0, 2, 3, 4) * r(3, 4), 1)
    yield call(r(), 0)
    yield call(r(0, 3), 0)
    yield call(r.integers(1, 4, 3), dtype=r.float64)


@prod_function.reference
def _(np, input, dim=None, keepdim=False, *, dtype=None):
    return np.prod(input, axis=dim, keepdims=keepdim, dtype=dtype)


@composite(public=False)
def product_of_others(xp, input, dim: Dims):
    r"""For each element, the product of all others along the axes: no division, so zeros count.

    Products from the left times products from the right. What is never stored is divided by, apart
    from zeros: products without them, and how many there are.
    """
    if xp.divides(input):
        zero = xp.eq(input, 0)
        others = xp.where(zero, 1, input)
        product = xp.prod(others, dim, keepdim=True)
        zeros = xp.sum(xp.where(zero, xp.filled((), 1, input), 0), dim, keepdim=True)
        alone = xp.where(xp.logical_and(zero, xp.eq(zeros, 1)), product, 0)
        return xp.where(xp.eq(zeros, 0), product / others, alone)
    order = [d for d in range(len(input.shape)) if d not in dim] + list(dim)
    moved = xp.permute(input, *order)
    kept = moved.shape[: len(order) - len(dim)]
    count = 1
    for d in dim:
        count *= input.shape[d]
    flat = xp.reshape(moved, *kept, count)
    if count:
        ones = xp.filled((*kept, 1), 1, input)
        axis = len(kept)
        left = xp.cat([ones, xp.slice(flat, axis, 0, count - 1, 1)], axis)
        right = xp.cat([xp.slice(flat, axis, 1, count, 1), ones], axis)
        behind = xp.flip(xp.cumprod(xp.flip(right, axis), axis), axis)
        flat = xp.cumprod(left, axis) * behind
    back = sorted(range(len(order)), key=order.__getitem__)
    return xp.permute(xp.reshape(flat, *moved.shape), *back)


@product_of_others.samples
def _(r):
    yield call(r(3, 4), 1)
    yield call(r(2, 3, 2), (0, 2))


def _truth(xp, y, input):
    """PyTorch's result for bytes, which were its booleans once, is bytes."""
    return xp.cast(y, input.dtype) if input.dtype.name == "uint8" else y


def _truth_of_bytes(xp, reduce, input, dim, keepdim):
    """The same of a formula; None for other dtypes: the reduction itself is one."""
    if input.dtype.name != "uint8":
        return None
    return xp.cast(reduce(xp.ne(input, 0), dim, keepdim), input.dtype)


@reduction(result="bool")
def any(xp, input, dim):
    r"""Whether any element over the axes is non-zero."""
    return _truth(xp, xp.any(input, dim, keepdim=True), input)


@any.formula
def _(xp, input, dim, keepdim):
    return _truth_of_bytes(xp, xp.any, input, dim, keepdim)


@any.combine
def _(xp, a, b):
    return xp.bitwise_or(a, b)


@any.reference
def _(np, input, dim=None, keepdim=False):
    return np.any(input, axis=dim, keepdims=keepdim)


@reduction(result="bool")
def all(xp, input, dim):
    r"""Whether all elements over the axes are non-zero."""
    return _truth(xp, xp.all(input, dim, keepdim=True), input)


@all.formula
def _(xp, input, dim, keepdim):
    return _truth_of_bytes(xp, xp.all, input, dim, keepdim)


@all.combine
def _(xp, a, b):
    return xp.bitwise_and(a, b)


@any.samples
@all.samples
def _(r):
    yield call(r.booleans(3, 4))
    yield call(r.booleans(3, 4), 0)
    yield call(r.booleans(2, 3, 2), (0, -1), True)
    yield call(r.integers(0, 2, 3, 2), 1)
    yield call(r.booleans(0, 2), 0)


@all.reference
def _(np, input, dim=None, keepdim=False):
    return np.all(input, axis=dim, keepdims=keepdim)


@reduction(result="index")
def count_nonzero(xp, input, dim):
    r"""The number of non-zero elements over axes."""
    return xp.nonzeros(input, dim)


@count_nonzero.combine
def _(xp, a, b):
    return a + b


@count_nonzero.samples
def _(r):
    yield call(r.integers(0, 2, 3, 4))
    yield call(r.integers(0, 2, 3, 4), 0)
    yield call(r.booleans(2, 3, 2), (0, -1))
    yield call(r(3), 0)
    yield call(r(3, 2), 0, True)


@count_nonzero.reference
def _(np, input, dim=None, keepdim=False):
    return np.count_nonzero(input, axis=dim, keepdims=keepdim)
