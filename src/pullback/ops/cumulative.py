"""Running sums, products, extremes and logarithms of sums along one axis.

Their derivatives are linear recurrences from the end of the axis, $s_i = g_i + c_i s_{i+1}$: no
division, so that zeros count as what they are, and derivatives of any order are right there too.
(Blelloch 1990, "Prefix sums and their applications", section 1.4.)
"""

from pullback.op import Array, Dim, Dtype, all_examples, along_axis, call, opaque


def _later(xp, x, dim, step, otherwise):
    """x some places further along an axis; beyond its end another value."""
    size = x.shape[dim]
    shape = [step if k == dim else s for k, s in enumerate(x.shape)]
    rest = xp.filled(shape, otherwise, x)
    return xp.cat([xp.slice(x, dim, step, size, 1), rest], dim)


@opaque(public=False, along="dim", dtypes="fc")
def recurrence(xp, input, factors: Array, dim: int):
    r"""$s_i = g_i + c_i s_{i + 1}$ along an axis, for g the input and c the factors of one shape.

    It is not for formulas: loops would compute the same numbers n times.
    """
    return xp.recur(input, factors, dim)


@recurrence.backward("input")
def _(xp, g, factors, dim):
    return _from_the_left(xp, g, factors, dim)


@recurrence.backward("factors")
def _(xp, g, y, factors, dim):
    return _from_the_left(xp, g, factors, dim) * _later(xp, y, dim, 1, 0)


def _from_the_left(xp, g, factors, dim):
    """u with u[i] = g[i] + factors[i - 1] u[i - 1], the transpose."""
    before = _later(xp, xp.flip(factors, dim), dim, 1, 0)
    return xp.flip(xp.recurrence(xp.flip(g, dim), before, dim), dim)


@recurrence.examples
def _(xp, input, factors, dim):
    input, factors = all_examples(xp, [input, factors])
    return xp.recurrence(input, factors, dim + 1)


@recurrence.samples
def _(r):
    yield call(r(3, 4), r(3, 4), 1)
    yield call(r(5, 2), r(5, 2), 0)


@opaque(along="dim", inplace=True)
def cumsum(xp, input, dim: Dim, *, dtype: Dtype = None):
    r"""Running sum along one axis."""
    if dtype is None:
        return xp.cumulate("sum", input, dim)
    return xp.cumulate("sum", xp.cast(input, dtype.numpy), dim, dtype.numpy)


@cumsum.backward("input")
def _(xp, g, dim):
    return xp.rest_sum(g, dim) if len(g.shape) else g


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


@opaque(public=False, along="dim")
def rest_sum(xp, input, dim: Dim):
    r"""Running sum from the end of one axis: the transpose of `cumsum`."""
    return xp.cumulate("sum from the end", input, dim)


@rest_sum.backward("input")
def _(xp, g, dim):
    return xp.cumsum(g, dim)


@rest_sum.samples
def _(r):
    yield call(r(3, 4), 0)
    yield call(r(2, 0), 1)


@rest_sum.reference
def _(np, input, dim):
    return np.flip(np.cumsum(np.flip(input, dim), dim), dim)


@opaque(along="dim", inplace=True)
def cumprod(xp, input, dim: Dim, *, dtype: Dtype = None):
    r"""Running product along one axis. Integers and booleans are multiplied in int64.

    The shape is the input's. Its gradient is exact where factors are 0.
    """
    if dtype is None:
        return xp.cumulate("prod", input, dim)
    return xp.cumulate("prod", xp.cast(input, dtype.numpy), dim, dtype.numpy)


@cumprod.backward("input")
def _(xp, g, input, y, dim):
    if not len(g.shape) or 0 in g.shape:
        return g
    s = xp.recurrence(g, _later(xp, input, dim, 1, 0), dim)
    size = y.shape[dim]
    ones = xp.filled([1 if k == dim else s for k, s in enumerate(y.shape)], 1, y)
    before = xp.cat([ones, xp.slice(y, dim, 0, size - 1, 1)], dim)
    return before * s


@cumprod.examples
def _(xp, input, dim, dtype):
    return along_axis(xp, lambda x, d: xp.cumprod(x, d, dtype=dtype), input, dim)


@cumprod.samples
def _(r):
    yield call(r(3, 4), 0)
    yield call(r(3, 5), -1)
    yield call(r.integers(0, 2, 3, 4) * r(3, 4), 1)
    yield call(r(), 0)
    yield call(r(0, 2), 1)
    yield call(r.integers(1, 4, 3), 0, dtype=r.float64)


@cumprod.reference
def _(np, input, dim, *, dtype=None):
    return np.cumprod(input, dim, dtype) if input.ndim else input


@opaque(public=False, derivative=False, along="dim", dtypes="bif")
def running_place(xp, input, dim: int, largest: bool):
    r"""Where the largest, or smallest, element up to each place of one axis is."""
    return xp.cumulative_extreme(input, dim, largest)[1]


@running_place.samples
def _(r):
    yield call(r.distinct(3, 4), 0, True)
    yield call(r.integers(0, 3, 9), 0, False)


def _extreme(name, what):
    """The running maximum or minimum."""

    @opaque(name=name, outputs="values indices", integer_outputs="indices", dtypes="bif")
    def function(xp, input, dim: Dim):
        return xp.cumulative_extreme(input, dim, name == "cummax")

    function.doc = (
        f"Running {what} along one axis, and where it is: named tuple (values, indices).\n\n"
        f"The last index among equals; NaN wins. Both have the shape of the input, indices are "
        f"int64."
    )

    @function.formula
    def _(xp, input, dim):
        places = xp.running_place(input, dim, name == "cummax")
        return xp.moved(input, dim, places), places

    @function.backward("input")
    def _(xp, g, indices, input_shape, dim):
        return xp.scatter_zeros(g, dim, indices, input_shape) if len(g.shape) else g

    @function.examples
    def _(xp, input, dim):
        return along_axis(xp, lambda x, d: getattr(xp, name)(x, d), input, dim)

    @function.samples
    def _(r):
        yield call(r.distinct(3, 4), 0)
        yield call(r.distinct(3, 4), -1)
        yield call(r.integers(0, 3, 9), 0)
        yield call(r(0, 2), 1)

    @function.reference
    def _(np, input, dim):
        values = getattr(np, f"{name[3:]}imum").accumulate(input, dim)
        shape = [-1 if k == dim % input.ndim else 1 for k in range(input.ndim)]
        places = np.arange(input.shape[dim]).reshape(shape)
        return values, np.maximum.accumulate(np.where(input == values, places, 0), dim)


_extreme("cummax", "maximum")
_extreme("cummin", "minimum")


@opaque(along="dim", dtypes="fc")
def logcumsumexp(xp, input, dim: Dim):
    r"""$\log \sum_{j \le i} e^{x_j}$ along one axis, without overflow. The shape is the input's."""
    return xp.cumulative_logsumexp(input, dim)


@logcumsumexp.backward("input")
def _(xp, g, input, y, dim):
    if not len(g.shape) or 0 in g.shape:
        return g
    # e^(x[i] - y[k]) as a product of factors of at most 1, from i to k
    size = y.shape[dim]
    later = xp.cat([xp.slice(y, dim, 1, size, 1), xp.slice(y, dim, size - 1, size, 1)], dim)
    s = xp.recurrence(g, xp.exp(y - xp.finite_or_zero(later)), dim)
    return xp.exp(input - xp.finite_or_zero(y)) * s


@logcumsumexp.examples
def _(xp, input, dim):
    return along_axis(xp, xp.logcumsumexp, input, dim)


@logcumsumexp.samples
def _(r):
    yield call(r(3, 4), 0)
    yield call(100 * r(3, 4), -1)
    yield call(r(), 0)
    yield call(r(0, 2), 1)


@logcumsumexp.reference
def _(np, input, dim):
    if not input.ndim:
        return input
    if input.dtype.kind == "c":
        y = np.moveaxis(input.copy(), dim, 0)
        for k in range(1, len(y)):
            first = y[k].real > y[k - 1].real
            top, low = np.where(first, y[k - 1 : k + 1][::-1], y[k - 1 : k + 1])
            y[k] = top + np.log(1 + np.exp(low - top))
        return np.moveaxis(y, 0, dim)
    return np.logaddexp.accumulate(input, dim)
