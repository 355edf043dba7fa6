"""Sums, extrema, moments and norms over axes.

In rules, `g` and `y` come with the reduced axes of size 1, so that they broadcast with the input.
"""

from math import inf

from pullback.op import Dim, Dims, composite, opaque, reduction


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
def prod_function(xp, input, dim: Dim = None, keepdim: bool = False, *, dtype=None):
    r"""Product over one axis, or all. Its gradient is exact where factors are 0."""
    return xp.prod(input, dim, keepdim, dtype=dtype)


@composite(public=False)
def product_of_others(xp, input, dim: Dims):
    r"""For each element, the product of all others along the axes: no division, so zeros count.

    Products from the left times products from the right, by doubling: log2(n) passes.
    """
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


@reduction(identity=False)
def amax(xp, input, dim):
    r"""Largest element over axes; NaN if there is one. Equal maxima share the gradient."""
    return xp.amax(input, dim, keepdim=True)


@amax.combine
def _(xp, a, b):
    return xp.maximum(a, b)


@reduction(identity=False)
def amin(xp, input, dim):
    r"""Smallest element over axes; NaN if there is one. Equal minima share the gradient."""
    return xp.amin(input, dim, keepdim=True)


@amin.combine
def _(xp, a, b):
    return xp.minimum(a, b)


@reduction(identity=False, public=False, node="Max", overload=lambda *args: 1)
def max_all(xp, input, dim):
    r"""Largest element."""
    return xp.amax(input, dim, keepdim=True)


@reduction(identity=False, public=False, node="Min", overload=lambda *args: 1)
def min_all(xp, input, dim):
    r"""Smallest element."""
    return xp.amin(input, dim, keepdim=True)


@amax.backward("input")
@amin.backward("input")
@max_all.backward("input")
@min_all.backward("input")
def _(xp, g, y, input, dim):
    ties = xp.eq(input, y)
    ties = xp.logical_or(ties, xp.logical_and(xp.isnan(input), xp.isnan(y)))
    return xp.where(ties, g / xp.sum(ties, dim, keepdim=True), 0)


def _extreme(name, value, better, node):
    """The reduction that gives an extreme value and its first index along one axis."""

    @reduction(
        name=f"{name}_dim", outputs="values indices", integer_outputs="indices", node=node,
        state="values indices", single_dim=True, optional_dim=False, identity=False, public=False,
    )  # fmt: skip
    def with_index(xp, input, dim):
        return getattr(xp, f"a{name}")(input, dim, keepdim=True), getattr(xp, f"arg{name}")(
            input, dim, keepdim=True
        )

    @with_index.combine
    def _(xp, a, b):
        # NaN wins, and the first index wins among equals.
        second = xp.logical_and(
            xp.logical_or(getattr(xp, better)(b.values, a.values), xp.isnan(b.values)),
            xp.logical_not(xp.isnan(a.values)),
        )
        return xp.where(second, b.values, a.values), xp.where(second, b.indices, a.indices)

    @with_index.backward("input")
    def _(xp, g, indices, input_shape, dim):
        return xp.scatter_zeros(g, dim[0], indices, input_shape) if dim else g

    @reduction(
        name=f"arg{name}", state="values indices", single_dim=True, result="index", identity=False
    )
    def index(xp, input, dim):
        return with_index.forward(xp, input, dim)

    index.combine(with_index.combine_function)

    @index.finish
    def _(xp, indices):
        return indices

    index.doc = (
        f"Index of the {value} element along one axis, the first among equals; NaN counts as "
        f"{value}. Without `dim`: the index into the flattened tensor. int64."
    )

    @composite(name=f"{name}_function", public_name=name)
    def function(xp, input, dim=None, keepdim: bool = False):
        if dim is None:
            return getattr(xp, f"{name}_all")(input)
        if hasattr(dim, "shape"):
            return getattr(xp, f"{name}imum")(input, dim)
        return getattr(xp, f"{name}_dim")(input, dim, keepdim)

    function.doc = (
        f"`{name}(input)`: the {value} element, equal ones sharing the gradient.\n\n"
        f"`{name}(input, dim, keepdim=False)`: named tuple (values, indices) along one axis, the "
        f"first index among equals.\n`{name}(input, other)`: `{name}imum`, element by element.\n"
        f"NaN is returned if there is one. IndexError over no elements."
    )


_extreme("max", "largest", "gt", "Max")
_extreme("min", "smallest", "lt", "Min")


@reduction(result="bool")
def any(xp, input, dim):
    r"""Whether any element over the axes is non-zero."""
    return xp.any(input, dim, keepdim=True)


@any.combine
def _(xp, a, b):
    return xp.logical_or(a, b)


@reduction(result="bool")
def all(xp, input, dim):
    r"""Whether all elements over the axes are non-zero."""
    return xp.all(input, dim, keepdim=True)


@all.combine
def _(xp, a, b):
    return xp.logical_and(a, b)


@reduction(result="index")
def count_nonzero(xp, input, dim):
    r"""The number of non-zero elements over axes."""
    return xp.sum(xp.ne(input, 0), dim, keepdim=True)


@count_nonzero.combine
def _(xp, a, b):
    return a + b


@reduction(state="m s", floating=True, samples=(-4.0, 4.0), optional_dim=False)
def logsumexp(xp, input, dim):
    r"""$\log \sum_i e^{x_i}$ over axes, without overflow; exact for infinite elements."""
    m = xp.amax(input, dim, keepdim=True) if 0 not in input.shape else xp.max_or(input, dim, -inf)
    return m, xp.sum(xp.exp(input - xp.finite_or_zero(m)), dim, keepdim=True)


@logsumexp.combine
def _(xp, a, b):
    m = xp.maximum(a.m, b.m)
    c = xp.finite_or_zero(m)
    return m, a.s * xp.exp(a.m - c) + b.s * xp.exp(b.m - c)


@logsumexp.finish
def _(xp, m, s):
    return xp.finite_or_zero(m) + xp.log(s)


@logsumexp.backward("input")
def _(xp, g, y, input):
    return g * xp.exp(input - xp.finite_or_zero(y))


@reduction(
    state="n mean m2", floating=True, holomorphic=False, result="real", public=False, node="Var"
)
def variance(xp, input, dim, correction=1):
    r"""$\frac{1}{n - \text{correction}} \sum_i |x_i - \bar x|^2$."""
    n = 1
    for d in dim:
        n *= input.shape[d]
    mean = xp.sum(input, dim, keepdim=True) / max(n, 1)
    gap = xp.abs(input - mean)
    return n, mean, xp.sum(gap * gap, dim, keepdim=True)


@variance.combine
def _(xp, a, b):
    # Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance", eq. 2.1
    n = a.n + b.n
    gap = b.mean - a.mean
    share = b.n / max(n, 1)
    size = xp.abs(gap)
    return n, a.mean + gap * share, a.m2 + b.m2 + size * size * (a.n * share)


@variance.finish
def _(xp, m2, count, correction):
    freedom = max(count - correction, 0)
    return m2 / freedom if freedom else m2 * float("inf") if count else m2 * float("nan")


@variance.backward("input")
def _(xp, g, input, dim, correction):
    count = 1
    for d in dim:
        count *= input.shape[d]
    freedom = count - correction
    scale = 2.0 / freedom if freedom > 0 else float("inf")
    return (g * scale) * (input - xp.sum(input, dim, keepdim=True) / max(count, 1))


def _correction(dim, unbiased, correction):
    """(dim, correction) from PyTorch's two ways to say it, one of them with `unbiased` first."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    return dim, correction


@composite()
def var(xp, input, dim=None, unbiased=None, keepdim: bool = False, *, correction=None):
    r"""Variance over axes: $\frac{1}{n - \text{correction}} \sum_i |x_i - \bar x|^2$.

    `correction` is 1 unless given; `unbiased=False` means 0. RuntimeError for integers.
    """
    dim, correction = _correction(dim, unbiased, correction)
    return xp.variance(input, dim, keepdim, correction)


@composite()
def std(xp, input, dim=None, unbiased=None, keepdim: bool = False, *, correction=None):
    r"""Standard deviation: the square root of `var`."""
    dim, correction = _correction(dim, unbiased, correction)
    return xp.sqrt(xp.variance(input, dim, keepdim, correction))


@reduction(public=False, floating=True, holomorphic=False, result="real", node="LinalgVectorNorm")
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
def vector_norm(xp, x, ord=2, dim=None, keepdim: bool = False, *, dtype=None):
    r"""$(\sum_i |x_i|^\text{ord})^{1/\text{ord}}$ over axes; ord may be 0, inf or -inf."""
    if dtype is not None:
        x = x.to(dtype)
    if ord == 2:
        return xp.norm2(x, dim, keepdim)
    size = xp.abs(x)
    if ord == inf:
        return xp.amax(size, dim, keepdim)
    if ord == -inf:
        return xp.amin(size, dim, keepdim)
    if ord == 0:
        return xp.sum(xp.cast(xp.ne(size, 0), size.dtype.numpy), dim, keepdim)
    if ord == 1:
        return xp.sum(size, dim, keepdim)
    return xp.pow(xp.sum(xp.pow(size, ord), dim, keepdim), 1 / ord)


@composite()
def norm(xp, input, p="fro", dim=None, keepdim: bool = False, *, dtype=None):
    r"""Vector norm over axes, or of all elements; "fro" and None mean 2."""
    order = 2 if p is None or p == "fro" else float(p)
    return xp.vector_norm(input, order, dim, keepdim, dtype=dtype)


@composite()
def softmax(xp, input, dim: Dim, *, dtype=None):
    r"""$e^{x_i} / \sum_j e^{x_j}$ along one axis."""
    x = input if dtype is None else input.to(dtype)
    return xp.exp(xp.log_softmax(x, dim))


@composite()
def log_softmax(xp, input, dim: Dim, *, dtype=None):
    r"""$x_i - \log \sum_j e^{x_j}$ along one axis."""
    x = input if dtype is None else input.to(dtype)
    return x - xp.logsumexp(x, dim, keepdim=True)


@opaque()
def cumsum(xp, input, dim: Dim, *, dtype=None):
    r"""Running sum along one axis."""
    return xp.cumulate("sum", input if dtype is None else xp.cast(input, dtype.numpy), dim)


@cumsum.backward("input")
def _(xp, g, dim):
    return xp.flip(xp.cumsum(xp.flip(g, dim), dim), dim)


@opaque(outputs="values indices", integer_outputs="indices")
def sort(xp, input, dim: Dim = -1, descending: bool = False, *, stable: bool = False):
    r"""Elements in order along one axis, and where they came from; NaN counts as largest."""
    indices = xp.argsort_array(input, dim, descending)
    return xp.gather_array(input, dim, indices), indices


@opaque(outputs="values indices", integer_outputs="indices")
def topk(xp, input, k: int, dim: Dim = -1, largest: bool = True, sorted: bool = True):
    r"""The k largest (or smallest) elements along one axis, in order, and their indices."""
    size = input.shape[dim] if input.shape else 1
    if not 0 <= k <= size:
        raise RuntimeError(f"topk: k={k} is out of range for dimension {dim} of size {size}")
    if not input.shape:
        return input, xp.argsort_array(input, dim, False)
    indices = xp.slice(xp.argsort_array(input, dim, largest), dim, 0, k, 1)
    return xp.gather_array(input, dim, indices), indices


@sort.backward("input")
@topk.backward("input")
def _(xp, g, indices, input_shape, dim):
    return xp.scatter_zeros(g, dim, indices, input_shape)


@composite()
def argsort(xp, input, dim: Dim = -1, descending: bool = False, stable: bool = False):
    r"""The indices that sort along one axis."""
    return xp.sort(input, dim, descending, stable=stable).indices
