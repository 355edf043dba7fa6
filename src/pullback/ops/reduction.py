"""Sums, moments and norms over axes.

In rules, `g` and `y` come with the reduced axes of size 1, so that they broadcast with the input.
"""

from math import inf

from pullback.op import Dim, Dims, Dtype, Number, Plain, call, composite, opaque, reduction


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

    Products from the left times products from the right, by doubling: log2(n) passes. What is never
    stored is divided by, apart from zeros: products without them, and how many there are.
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
    ones = xp.filled((*kept, 1), 1, input)
    left = right = None
    axis = len(kept)
    if count:
        left = xp.cat([ones, xp.slice(flat, axis, 0, count - 1, 1)], axis)
        right = xp.cat([xp.slice(flat, axis, 1, count, 1), ones], axis)
        step = 1
        while step < count:
            pad = xp.filled((*kept, step), 1, input)
            left = left * xp.cat([pad, xp.slice(left, axis, 0, count - step, 1)], axis)
            right = right * xp.cat([xp.slice(right, axis, step, count, 1), pad], axis)
            step *= 2
        flat = left * right
    back = sorted(range(len(order)), key=order.__getitem__)
    return xp.permute(xp.reshape(flat, *moved.shape), *back)


@product_of_others.samples
def _(r):
    yield call(r(3, 4), 1)
    yield call(r(2, 3, 2), (0, 2))


def _truth(xp, y, input):
    """PyTorch's result for bytes, which were its booleans once, is bytes."""
    return xp.cast(y, input.dtype) if input.dtype.name == "uint8" else y


@reduction(result="bool")
def any(xp, input, dim):
    r"""Whether any element over the axes is non-zero."""
    return _truth(xp, xp.any(input, dim, keepdim=True), input)


@any.combine
def _(xp, a, b):
    return xp.bitwise_or(a, b)


@any.samples
def _(r):
    yield call(r.booleans(3, 4))
    yield call(r.booleans(3, 4), 0)
    yield call(r.booleans(2, 3, 2), (0, -1), True)
    yield call(r.integers(0, 2, 3, 2), 1)
    yield call(r.booleans(0, 2), 0)


@any.reference
def _(np, input, dim=None, keepdim=False):
    return np.any(input, axis=dim, keepdims=keepdim)


@reduction(result="bool")
def all(xp, input, dim):
    r"""Whether all elements over the axes are non-zero."""
    return _truth(xp, xp.all(input, dim, keepdim=True), input)


@all.combine
def _(xp, a, b):
    return xp.bitwise_and(a, b)


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
    return xp.sum(xp.ne(input, 0), dim, keepdim=True)


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


ALONE = 16  # other axes of at most this size are no loops beside a long one


@reduction(state="m s", floating=True, optional_dim=False, public=False)
def logsumexp(xp, input, dim):
    r"""$\log \sum_i e^{x_i}$ over axes, without overflow; exact for infinite elements."""
    size = xp.real(input)
    m = xp.amax(size, dim, keepdim=True) if 0 not in input.shape else xp.max_or(size, dim, -inf)
    return m, xp.sum(xp.exp(input - xp.finite_or_zero(m)), dim, keepdim=True)


@logsumexp.combine
def _(xp, a, b):
    m = xp.maximum(a.m, b.m)
    c = xp.finite_or_zero(m)
    return m, a.s * xp.exp(a.m - c) + b.s * xp.exp(b.m - c)


@logsumexp.finish
def _(xp, m, s):
    return xp.finite_or_zero(m) + xp.log(s)


@logsumexp.formula
def _(xp, input, dim, keepdim):
    long = [d for d in dim if input.shape[d] > 1]
    if len(long) <= 1:
        rest = [s for k, s in enumerate(input.shape) if k not in long]
        if max(rest, default=1) > ALONE or not long or input.shape[long[0]] <= ALONE:
            return None
        # The axis is the only loop: its largest element comes first, in a pass of its own.
        largest = xp.finite_or_zero(xp.amax(input, long, True))
        y = xp.log(xp.sum(xp.exp(input - largest), long, True)) + largest
        return y if keepdim else xp.squeeze(y, tuple(dim))
    for d in long:  # one axis after the other
        input = xp.logsumexp(input, d, True)
    return input if keepdim else xp.squeeze(input, tuple(dim))


@logsumexp.backward("input")
def _(xp, g, y, input):
    return g * xp.exp(input - xp.finite_or_zero(y))


@composite(name="logsumexp_function", public_name="logsumexp", aliases=("special.logsumexp",))
def logsumexp_function(xp, input, dim: Dims, keepdim: bool = False):
    r"""$\log \sum_i e^{x_i}$ over axes, without overflow; exact for infinite elements."""
    return xp.logsumexp(input * 1.0 if input.dtype.kind in "bui" else input, dim, keepdim)


@logsumexp_function.samples
def _(r):
    yield call(r(3, 4), 0)
    yield call(r(2, 3, 2), (0, -1), True)
    yield call(100 * r(3, 4), dim=1, keepdim=True)
    yield call(r(), 0)
    yield call(r(0, 3), 0)


@logsumexp_function.reference
def _(np, input, dim, keepdim=False):
    if not input.ndim:
        return input
    top = np.max(input.real, axis=dim, keepdims=True, initial=-inf)
    top = np.where(np.isfinite(top), top, 0)
    y = top + np.log(np.sum(np.exp(input - top), axis=dim, keepdims=True))
    return y if keepdim else np.squeeze(y, dim)


def _moments(public_name, node):
    """The kind of a reduction of counts, means and sums of squared deviations."""
    return reduction(
        state="n mean m2",
        floating=True,
        holomorphic=False,
        result="real",
        public=False,
        node=node,
        public_name=public_name,
    )


def _spread(xp, input, dim):
    """The state of a tile: how many elements, their mean, and the sum of squares around it."""
    n = _count(input, dim)
    mean = xp.sum(input, dim, keepdim=True) / max(n, 1)
    gap = xp.abs(input - mean)
    m2 = xp.sum(gap * gap, dim, keepdim=True)
    return xp.filled(m2.shape, n, m2), mean, m2


def _count(input, dim):
    """The number of elements that each result is made of."""
    n = 1
    for d in dim:
        n *= input.shape[d]
    return n


@_moments("var", "Var")
def variance(xp, input, dim, correction=1):
    r"""$\frac{1}{n - \text{correction}} \sum_i |x_i - \bar x|^2$."""
    return _spread(xp, input, dim)


@_moments("std", "Std")
def deviation(xp, input, dim, correction=1):
    r"""The square root of the variance; the gradient at 0 is 0."""
    return _spread(xp, input, dim)


@variance.combine
@deviation.combine
def _(xp, a, b):
    # Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance", eq. 2.1
    n = a.n + b.n
    gap = b.mean - a.mean
    share = b.n / xp.maximum(n, 1)
    size = xp.abs(gap)
    return n, a.mean + gap * share, a.m2 + b.m2 + size * size * (a.n * share)


@variance.finish
def _(xp, m2, count, correction):
    freedom = max(count - correction, 0)
    return m2 / freedom if freedom else m2 * float("inf") if count else m2 * float("nan")


@deviation.finish
def _(xp, m2, count, correction):
    freedom = max(count - correction, 0)
    return xp.sqrt(m2 / freedom if freedom else m2 * float("inf") if count else m2 * float("nan"))


@variance.formula
def _(xp, input, dim, keepdim, correction):
    freedom = max(_count(input, dim) - correction, 0)
    gap = input - xp.mean(input, dim, True)
    m2 = xp.sum(gap * gap, dim, keepdim)
    return m2 / xp.number(freedom, m2) if freedom else m2 * xp.number(inf, m2)


@deviation.formula
def _(xp, input, dim, keepdim, correction):
    return xp.sqrt(xp.variance(input, dim, keepdim, correction))


@variance.backward("input")
def _(xp, g, input, dim, correction):
    count = _count(input, dim)
    freedom = count - correction
    scale = 2.0 / freedom if freedom > 0 else float("inf")
    return (g * scale) * (input - xp.sum(input, dim, keepdim=True) / max(count, 1))


@deviation.backward("input")
def _(xp, g, y, input, dim, correction):
    count = _count(input, dim)
    freedom = count - correction
    slope = xp.where(xp.eq(y, 0), 0, g / y)
    scale = 1.0 / freedom if freedom > 0 else float("inf")
    return (slope * scale) * (input - xp.sum(input, dim, keepdim=True) / max(count, 1))


def _correction(dim, unbiased, correction):
    """(dim, correction) from PyTorch's two ways to say it, one of them with `unbiased` first."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    return dim, correction


@composite()
def var(
    xp,
    input,
    dim: Plain = None,
    unbiased: Plain = None,
    keepdim: bool = False,
    *,
    correction: Number = None,
):
    r"""Variance over axes: $\frac{1}{n - \text{correction}} \sum_i |x_i - \bar x|^2$.

    `correction` is 1 unless given; `unbiased=False` means 0. RuntimeError for integers.
    """
    dim, correction = _correction(dim, unbiased, correction)
    return xp.variance(input, dim, keepdim, correction)


@composite()
def std(
    xp,
    input,
    dim: Plain = None,
    unbiased: Plain = None,
    keepdim: bool = False,
    *,
    correction: Number = None,
):
    r"""Standard deviation: the square root of `var`."""
    dim, correction = _correction(dim, unbiased, correction)
    return xp.deviation(input, dim, keepdim, correction)


@var.samples
@std.samples
def _(r):
    yield call(r(3, 4))
    yield call(r(3, 4), 0)
    yield call(r(2, 3, 2), (0, -1), keepdim=True)
    yield call(r(3, 4), 1, False)
    yield call(r(3, 4), 0, correction=2)
    yield call(r(3, 4), False)
    yield call(r(3, 4), dim=1, unbiased=True)


@std.reference
def _(np, input, dim=None, unbiased=None, keepdim=False, *, correction=None):

    dim, correction = _correction(dim, unbiased, correction)
    return np.std(input, axis=dim, ddof=correction, keepdims=keepdim)


@var.reference
def _(np, input, dim=None, unbiased=None, keepdim=False, *, correction=None):

    dim, correction = _correction(dim, unbiased, correction)
    return np.var(input, axis=dim, ddof=correction, keepdims=keepdim)


@reduction(
    public=False,
    floating=True,
    holomorphic=False,
    result="real",
    node="LinalgVectorNorm",
    public_name="norm",
)
def norm2(xp, input, dim):
    r"""Euclidean norm over axes; the gradient at 0 is 0."""
    size = xp.abs(input)
    return xp.sum(size * size, dim, keepdim=True)


@norm2.combine
def _(xp, a, b):
    return a + b


@norm2.finish
def _(xp, s):
    return xp.sqrt(s)


@norm2.backward("input")
def _(xp, g, y, input):
    return input * xp.where(xp.eq(y, 0), 0, g / xp.where(xp.eq(y, 0), 1, y))


@composite(namespace="linalg", method=False)
def vector_norm(
    xp, x, ord: Number = 2, dim: Plain = None, keepdim: bool = False, *, dtype: Dtype = None
):
    r"""$(\sum_i |x_i|^\text{ord})^{1/\text{ord}}$ over axes; ord may be 0, inf or -inf."""
    if dtype is not None:
        x = x.to(dtype)
    if x.dtype.kind not in "fc":
        raise RuntimeError(
            f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
            f"{x.dtype} of shape {list(x.shape)}"
        )
    if ord == 2:
        return xp.norm2(x, dim, keepdim)
    size = xp.abs(x)
    if ord == inf:
        return xp.amax(size, dim, keepdim)
    if ord == -inf:
        return xp.amin(size, dim, keepdim)
    if ord == 0:
        return xp.sum(xp.sign(size), dim, keepdim)
    if ord == 1:
        return xp.sum(size, dim, keepdim)
    if ord < 0:  # 0 if one number is, with a gradient of 0
        zero = xp.eq(xp.amin(size, dim, keepdim), 0)
        total = xp.sum(xp.pow(xp.where(xp.eq(size, 0), 1, size), ord), dim, keepdim)
        return xp.where(zero, 0, xp.pow(total, 1 / ord))
    total = xp.sum(xp.pow(size, ord), dim, keepdim)
    zero = xp.eq(total, 0)  # where the gradient is 0 as well
    return xp.where(zero, 0, xp.pow(xp.where(zero, 1, total), 1 / ord))


@vector_norm.samples
def _(r):
    yield call(r(3, 4))
    yield call(r(3, 4), 1, 0)
    yield call(r(3, 4), inf, (0, 1), True)
    yield call(r(3, 4), -inf, 1)
    yield call(r(3, 4), 3.5, -1)
    yield call(r(3, 4), 0)
    yield call(r.nonzero(3), -1.5)
    yield call(r(3), dtype=r.float64)


@composite()
def norm(
    xp, input, p: Plain = "fro", dim: Plain = None, keepdim: bool = False, *, dtype: Dtype = None
):
    r"""Vector norm over axes, or of all elements; "fro" and None mean 2."""
    order = 2 if p is None or p == "fro" else p
    if isinstance(order, str):
        raise RuntimeError(f"norm: p is a number or 'fro', not {p!r}")
    return xp.linalg_vector_norm(input, order, dim, keepdim, dtype=dtype)


@norm.samples
def _(r):
    yield call(r(3, 4))
    yield call(r(3, 4), 1, 0)
    yield call(r(3, 4), inf, (0, 1), True)
    yield call(r(3, 4), 3.5, -1)
    yield call(r(3, 4), "fro", 1)
    yield call(r(3), dtype=r.float64)


@vector_norm.reference
@norm.reference
def _(np, input, ord=2, dim=None, keepdim=False, *, dtype=None):

    size = np.abs(input)
    if ord in (inf, -inf):
        return (np.max if ord > 0 else np.min)(size, axis=dim, keepdims=keepdim)
    if ord == 0:
        return np.count_nonzero(input, axis=dim, keepdims=keepdim)
    ord = 2 if ord == "fro" else ord
    return np.sum(size**ord, axis=dim, keepdims=keepdim) ** (1 / ord)


def _floating(xp, name, input, dtype):
    x = input if dtype is None else xp.cast(input, dtype.numpy)
    if x.dtype.kind != "f":
        raise NotImplementedError(
            f'"{name}" not implemented for {x.dtype}: convert the tensor of shape '
            f"{list(x.shape)} with .float(), or say dtype="
        )
    return x


def _log_softmax(xp, name, input, dim, dtype):
    x = _floating(xp, name, input, dtype)
    if not xp.is_eager:
        return x - xp.logsumexp(x, dim, keepdim=True)
    return xp.log_softmax_array(x, dim)


@composite(aliases=("special.softmax",))
def softmax(xp, input, dim: Dim, *, dtype: Dtype = None):
    r"""$e^{x_i} / \sum_j e^{x_j}$ along one axis."""
    if not xp.is_eager:  # one loop finds the sum, however large the tensor; what uses it, the rest
        return xp.exp(_log_softmax(xp, "softmax", input, dim, dtype))
    return xp.softmax_array(_floating(xp, "softmax", input, dtype), dim)


@softmax.backward("input")
def _(xp, g, y, dim):
    product = g * y
    return product - y * xp.sum(product, dim, keepdim=True)


@softmax.samples
def _(r):
    yield call(r(3, 4), 0)
    yield call(100 * r(3, 4), -1)
    yield call(r(), 0)
    yield call(r(3), 0, dtype=r.float64)


@softmax.reference
def _(np, input, dim, *, dtype=None):
    return np.exp(input) / np.sum(np.exp(input), axis=dim, keepdims=True)


@composite(aliases=("special.log_softmax",))
def log_softmax(xp, input, dim: Dim, *, dtype: Dtype = None):
    r"""$x_i - \log \sum_j e^{x_j}$ along one axis."""
    return _log_softmax(xp, "log_softmax", input, dim, dtype)


@log_softmax.backward("input")
def _(xp, g, y, dim):
    return g - xp.exp(y) * xp.sum(g, dim, keepdim=True)


@log_softmax.samples
def _(r):
    yield call(r(3, 4), 0)
    yield call(100 * r(3, 4), -1)
    yield call(r(), 0)
    yield call(r(3), 0, dtype=r.float64)


@log_softmax.reference
def _(np, input, dim, *, dtype=None):
    return input - np.log(np.sum(np.exp(input), axis=dim, keepdims=True))


@opaque(along="dim")
def cumsum(xp, input, dim: Dim, *, dtype: Dtype = None):
    r"""Running sum along one axis."""
    if dtype is None:
        return xp.cumulate("sum", input, dim)
    return xp.cumulate("sum", xp.cast(input, dtype.numpy), dim, dtype.numpy)


@cumsum.backward("input")
def _(xp, g, dim):
    return xp.flip(xp.cumsum(xp.flip(g, dim), dim), dim) if len(g.shape) else g


@cumsum.samples
def _(r):
    yield call(r(3, 4), 0)
    yield call(r(3, 4), -1)
    yield call(r(), 0)
    yield call(r(0, 2), 1)
    yield call(r.booleans(3), 0)
    yield call(r.integers(0, 9, 3), 0, dtype=r.float64)


@cumsum.reference
def _(np, input, dim, *, dtype=None):
    return np.cumsum(input, dim, dtype) if input.ndim else input
