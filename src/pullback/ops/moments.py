"""Variances and standard deviations over axes, and means beside them.

In rules, `g` and `y` come with the reduced axes of size 1, so that they broadcast with the input.
"""

from math import inf

from pullback.op import Number, Plain, call, composite, reduction


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
    gap = xp.abs(gap) if gap.dtype.kind == "c" else gap
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


@composite(method=False)
def var_mean(
    xp,
    input,
    dim: Plain = None,
    unbiased: Plain = None,
    keepdim: bool = False,
    *,
    correction: Number = None,
):
    r"""A tuple of the variance and the mean over axes, or of all elements; see `var`."""
    dim, correction = _correction(dim, unbiased, correction)
    return xp.variance(input, dim, keepdim, correction), xp.mean(input, dim, keepdim)


@composite(method=False)
def std_mean(
    xp,
    input,
    dim: Plain = None,
    unbiased: Plain = None,
    keepdim: bool = False,
    *,
    correction: Number = None,
):
    r"""A tuple of the standard deviation and the mean over axes, or of all elements; see `std`."""
    dim, correction = _correction(dim, unbiased, correction)
    return xp.deviation(input, dim, keepdim, correction), xp.mean(input, dim, keepdim)


@var.samples
@std.samples
@var_mean.samples
@std_mean.samples
def _(r):
    yield call(r(3, 4))
    yield call(r(3, 4), 0)
    yield call(r(2, 3, 2), (0, -1), keepdim=True)
    yield call(r(3, 4), 1, False)
    yield call(r(3, 4), 0, correction=2)
    yield call(r(3, 4), False)
    yield call(r(3, 4), dim=1, unbiased=True)


@var.reference
def _(np, input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    dim, correction = _correction(dim, unbiased, correction)
    return np.var(input, axis=dim, ddof=correction, keepdims=keepdim)


@std.reference
def _(np, input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    dim, correction = _correction(dim, unbiased, correction)
    return np.std(input, axis=dim, ddof=correction, keepdims=keepdim)


@var_mean.reference
def _(np, input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    dim, correction = _correction(dim, unbiased, correction)
    kept = {"axis": dim, "keepdims": keepdim}
    return np.var(input, ddof=correction, **kept), np.mean(input, **kept)


@std_mean.reference
def _(np, input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    dim, correction = _correction(dim, unbiased, correction)
    kept = {"axis": dim, "keepdims": keepdim}
    return np.std(input, ddof=correction, **kept), np.mean(input, **kept)
