"""Order statistics: medians, ranks, the most frequent value, quantiles."""

from pullback.op import (
    Array,
    Dim,
    Plain,
    all_examples,
    along_axis,
    call,
    composite,
    opaque,
    visible_axes,
)


def _check_axis(name, input, dim):
    """IndexError where there is nothing to choose from."""
    if input.shape and not input.shape[dim]:
        raise IndexError(
            f"{name}(): Expected reduction dim {dim} to have non-zero size: the tensor has the "
            f"shape {list(input.shape)}"
        )


def _chosen(xp, input, dim, keepdim, places):
    """The elements at places along an axis, and the places; the axis goes unless it is kept."""
    values = xp.elements_at(input, dim, places)
    if keepdim or not input.shape:
        return values, places
    return xp.drop(values, (dim,)), xp.drop(places, (dim,))


def _back(xp, g, indices, shape, dim, keepdim):
    """The cotangents at the places where the elements came from."""
    if not shape:
        return g
    if not keepdim:
        g, indices = xp.unsqueeze(g, dim), xp.unsqueeze(indices, dim)
    return xp.scatter_zeros(g, dim, indices, shape)


def _with_places(name, node, overload=0):
    return opaque(
        name=name, outputs="values indices", integer_outputs="indices", dtypes="if", public=False,
        node=node, overload=lambda *args: overload, public_name=name.removesuffix("_dim"),
    )  # fmt: skip


def _rules(op, function, places):
    """The transposed derivative of what chooses one element along an axis, its examples, and the
    formula: the element at `places(xp, input, dim, …)`."""

    @op.formula
    def _(xp, input, *options):
        *options, dim, keepdim = options
        at = places(xp, input, *options, dim)
        values = xp.moved(input, dim, at)
        return (values, at) if keepdim else (xp.drop(values, (dim,)), xp.drop(at, (dim,)))

    @op.backward("input")
    def _(xp, g, indices, input_shape, dim, keepdim):
        return _back(xp, g, indices, input_shape, dim, keepdim)

    @op.examples
    def _(xp, input, *options):
        dim = options[-2]
        return along_axis(xp, lambda x, d: function(xp, x, *options[:-2], d, options[-1]), input,
                          dim)  # fmt: skip


@opaque(public=False, derivative=False, along="dim", dtypes="bif")
def middle_place(xp, input, dim: int, skip_nan: bool):
    r"""The place of the lower median along one axis, kept."""
    return xp.middle_places(input, dim, skip_nan)


@middle_place.streamed
def _(xp, pieces, input, dim, skip_nan):
    def ranks(count, nans):
        some = nans if skip_nan and nans < count else 0
        return [count - 1 if nans and not some else (count - some - 1) // 2]

    return xp.ranked_places(lambda: pieces(input), ranks)


@middle_place.samples
def _(r):
    yield call(r.distinct(3, 4), 1, False)
    yield call(r.distinct(3, 4), 0, True)


@opaque(public=False, derivative=False, along="dim", dtypes="bif")
def rank_place(xp, input, k: int, dim: int):
    r"""The place of the k-th smallest element, from 0, along one axis, kept."""
    return xp.rank_places(input, k, dim)


@rank_place.streamed
def _(xp, pieces, input, k, dim):
    return xp.ranked_places(lambda: pieces(input), lambda count, nans: [k])


@rank_place.samples
def _(r):
    yield call(r.distinct(3, 4), 2, 1)
    yield call(r.integers(0, 3, 9), 4, 0)


@opaque(public=False, derivative=False, dtypes="bif")
def ranked_place(xp, input, ranks: Array):
    r"""The places in a vector of its elements of some ranks, from 0; the first of equal ones."""
    return xp.ranked_places(lambda: [input], lambda count, nans: ranks.tolist())


@ranked_place.streamed
def _(xp, pieces, input, ranks):
    asked = [int(k) for part in pieces(ranks) for k in part]
    return xp.ranked_places(lambda: pieces(input), lambda count, nans: asked)


@ranked_place.samples
def _(r):
    yield call(r.distinct(9), r.integers(0, 9, 4))


@opaque(public=False, derivative=False, along="dim", dtypes="bif")
def frequent_place(xp, input, dim: int):
    r"""The last place of the most frequent value along one axis, kept."""
    return xp.mode_places(input, dim)


@frequent_place.samples
def _(r):
    yield call(r.integers(0, 3, 9), 0)
    yield call(r.integers(0, 3, 3, 5), 1)


@_with_places("median_dim", "Median", 1)
def median_dim(xp, input, dim: Dim, keepdim: bool = False):
    r"""The lower median along one axis, and where it is."""
    _check_axis("median", input, dim)
    return _chosen(xp, input, dim, keepdim, xp.middle_places(input, dim, False))


@_with_places("nanmedian_dim", "Nanmedian", 1)
def nanmedian_dim(xp, input, dim: Dim, keepdim: bool = False):
    r"""The lower median of what is not NaN along one axis, and where it is."""
    _check_axis("nanmedian", input, dim)
    return _chosen(xp, input, dim, keepdim, xp.middle_places(input, dim, True))


_rules(
    median_dim, lambda xp, x, d, keep: xp.median_dim(x, d, keep),
    lambda xp, x, d: xp.middle_place(x, d, False),
)  # fmt: skip
_rules(
    nanmedian_dim, lambda xp, x, d, keep: xp.nanmedian_dim(x, d, keep),
    lambda xp, x, d: xp.middle_place(x, d, True),
)  # fmt: skip


@median_dim.samples
@nanmedian_dim.samples
def _(r):
    yield call(r.distinct(3, 4), 1, False)
    yield call(r.distinct(3, 4), 0, True)


@opaque(public=False)
def to_median(xp, input, values: Array, median: Array, skip_nan: bool):
    r"""A number at the median of values among zeros; all that are equal to it share it."""
    equal = xp.logical_or(xp.eq(values, median), xp.logical_and(xp.isnan(values), xp.isnan(median)))
    count = xp.cast(xp.sum(equal), values.dtype)
    return xp.where(equal, input / count, 0)


@to_median.formula
def _(xp, input, values, median, skip_nan):
    """At its first place: numbers are not the same in all loops."""
    size = 1
    for s in values.shape:
        size *= s
    place = xp.middle_place(xp.reshape(values, -1), 0, skip_nan)
    there = xp.eq(xp.positions(size), place)
    return xp.reshape(xp.where(there, input, 0), *values.shape)


@to_median.backward("input")
def _(xp, g, values, median, skip_nan):
    return xp.sum(g * xp.to_median(xp.filled((), 1, g), values, median, skip_nan))


@to_median.backward("values")
def _(xp, g):
    return xp.filled(g.shape, 0, g)


@to_median.backward("median")
def _(xp, g):
    return xp.filled((), 0, g)


@to_median.examples
def _(xp, input, values, median, skip_nan):
    input, values, median = all_examples(xp, [input, values, median])
    median, input = (visible_axes(xp, x, len(values.shape) - 1) for x in (median, input))
    equal = xp.logical_or(xp.eq(values, median), xp.logical_and(xp.isnan(values), xp.isnan(median)))
    axes = tuple(range(1, len(values.shape)))
    count = xp.sum(equal, axes, keepdim=True) if axes else xp.cast(equal, "int64")
    return xp.where(equal, input / count, 0)


@to_median.samples
def _(r):
    yield call(r(), r.distinct(3, 3), r(), False)


def _median(name, skip_nan, doc):
    """The median of all elements, and the function of both."""

    @opaque(name=f"{name}_all", public=False, node=name.capitalize(), dtypes="if", public_name=name)
    def of_all(xp, input):
        if 0 in input.shape:
            return xp.filled((), float("nan") if input.dtype.kind == "f" else -(2**63), input)
        flat = xp.reshape(input, -1)
        return xp.drop(xp.elements_at(flat, 0, xp.middle_places(flat, 0, skip_nan)), (0,))

    of_all.doc = "The lower median of all elements."

    @of_all.formula
    def _(xp, input):
        flat = xp.reshape(input, -1)
        return xp.reshape(xp.elements(flat, [xp.middle_place(flat, 0, skip_nan)]))

    @of_all.backward("input")
    def _(xp, g, input, y):
        return xp.to_median(g, input, y, skip_nan)

    @of_all.samples
    def _(r):
        yield call(r.distinct(3, 4))
        yield call(r())

    @composite(name=f"{name}_function", public_name=name)
    def function(xp, input, dim: Dim = None, keepdim: bool = False):
        if not isinstance(dim, int):
            return getattr(xp, f"{name}_all")(input)
        return getattr(xp, f"{name}_dim")(input, dim, keepdim)

    function.doc = doc

    @function.samples
    def _(r):
        yield call(r.distinct(3, 4))
        yield call(r.distinct(3, 5), 1)
        yield call(r.distinct(3, 4), 0, True)
        yield call(r(), 0)
        yield call(r.integers(0, 99, 3))

    @function.reference
    def _(np, input, dim=None, keepdim=False):
        if dim is None or not input.ndim:
            flat = np.sort(input.reshape(-1))
            middle = flat[(flat.size - 1) // 2]
            return middle if dim is None else (middle, np.zeros((), int))
        order = np.argsort(input, axis=dim, kind="stable")
        places = np.take(order, [(input.shape[dim] - 1) // 2], dim)
        values = np.take_along_axis(input, places, dim)
        if keepdim:
            return values, places
        return np.squeeze(values, dim), np.squeeze(places, dim)


_median(
    "median", False,
    "The lower median of all elements; along one axis, named tuple (values, indices).\n\n"
    "Of an even number of elements, the smaller of the two in the middle. NaN if there is one.",
)  # fmt: skip
_median(
    "nanmedian", True,
    "`median` of the elements that are not NaN; NaN if there are none.",
)  # fmt: skip


@opaque(outputs="values indices", integer_outputs="indices", dtypes="if")
def kthvalue(xp, input, k: int, dim: Dim = -1, keepdim: bool = False):
    r"""The k-th smallest element along one axis, from 1, and where it is; NaN is largest."""
    size = input.shape[dim] if input.shape else 1
    if not 1 <= k <= size:
        raise RuntimeError(
            f"kthvalue(): selected number k out of range for dimension {dim}: k = {k}, and the "
            f"tensor has the shape {list(input.shape)}"
        )
    return _chosen(xp, input, dim, keepdim, xp.rank_places(input, k - 1, dim))


_rules(
    kthvalue, lambda xp, x, k, d, keep: xp.kthvalue(x, k, d, keep),
    lambda xp, x, k, d: xp.rank_place(x, k - 1, d),
)  # fmt: skip


@kthvalue.samples
def _(r):
    yield call(r.distinct(3, 4), 2)
    yield call(r.distinct(3, 4), 1, 0)
    yield call(r.distinct(3, 4), 4, -1, True)


@kthvalue.reference
def _(np, input, k, dim=-1, keepdim=False):
    places = np.take(np.argsort(input, axis=dim, kind="stable"), [k - 1], dim)
    values = np.take_along_axis(input, places, dim)
    return (values, places) if keepdim else (np.squeeze(values, dim), np.squeeze(places, dim))


@opaque(outputs="values indices", integer_outputs="indices", dtypes="bif")
def mode(xp, input, dim: Dim = -1, keepdim: bool = False):
    r"""The most frequent value along one axis, the smallest of several, and its last place."""
    _check_axis("mode", input, dim)
    return _chosen(xp, input, dim, keepdim, xp.mode_places(input, dim))


_rules(mode, lambda xp, x, d, keep: xp.mode(x, d, keep), lambda xp, x, d: xp.frequent_place(x, d))


@mode.samples
def _(r):
    yield call(r.distinct(3, 4))
    yield call(r.integers(0, 3, 3, 5), 0)
    yield call(r.integers(0, 3, 3, 5), -1, True)


@mode.reference
def _(np, input, dim=-1, keepdim=False):
    def place(x):
        values, counts = np.unique(x, return_counts=True)
        return np.flatnonzero(x == values[np.argmax(counts)])[-1]

    places = np.expand_dims(np.apply_along_axis(place, dim, input), dim)
    values = np.take_along_axis(input, places, dim)
    return (values, places) if keepdim else (np.squeeze(values, dim), np.squeeze(places, dim))


@composite()
def msort(xp, input):
    r"""The elements in order along the first axis."""
    return xp.sort(input, 0).values


@msort.samples
def _(r):
    yield call(r.distinct(3, 4))
    yield call(r())
    yield call(r.integers(0, 5, 7))


@msort.reference
def _(np, input):
    return np.sort(input, 0) if input.ndim else input


INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(xp, name, input, q, dim, keepdim, interpolation, skip_nan):
    if not input.dtype.is_floating_point or input.dtype.itemsize < 4:
        raise RuntimeError(
            f"{name}() input tensor must be either float or double dtype, not {input.dtype}: "
            f"convert with .float()"
        )
    if interpolation not in INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, "
            f"but got {interpolation!r}"
        )
    if isinstance(q, (int, float)) and not isinstance(q, bool):
        if not 0 <= q <= 1:
            raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q}")
        q = xp.filled((), q, input)
    elif isinstance(q, (bool, complex)):
        raise TypeError(f"{name}(): argument 'q' must be Tensor, not {type(q).__name__}")
    if len(q.shape) > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor, not {list(q.shape)}")
    if q.dtype is not input.dtype:
        raise RuntimeError(
            f"{name}() q tensor must be same dtype as the input tensor: {q.dtype}, {input.dtype}"
        )
    rank = len(input.shape)
    kept = [1] * rank
    if not isinstance(dim, int):  # None has become all axes
        x, axis = xp.reshape(input, -1), 0
    elif not rank:
        x, axis = xp.reshape(input, 1), 0
    else:
        kept = [1 if k == dim else s for k, s in enumerate(input.shape)]
        x, axis = xp.movedim(input, dim, -1), rank - 1
    size = x.shape[-1]
    if not size or not input.numel():
        raise RuntimeError(
            f"{name}() input tensor must be non-empty, and its shape is {list(input.shape)}"
        )
    unstored = len(x.shape) == 1 and xp.is_pending(x)
    ordered = x if unstored else xp.sort(x, axis).values

    def of_rank(ranks):
        return xp.gather(ordered, axis, xp.ranked_place(x, ranks) if unstored else ranks)

    nan = xp.isnan(x)
    ranks = xp.reshape(q, -1, *(1,) * (len(x.shape) - 1))  # (q, 1, …): one row for each
    if skip_nan:
        count = xp.sum(xp.logical_not(nan), -1)
        ranks = ranks * xp.clamp(count - 1, min=0).to(input.dtype)
    else:
        ranks = ranks * (size - 1)
        ranks = xp.expand(ranks, -1, *x.shape[:-1])
        ranks = xp.where(xp.any(nan, -1), xp.filled((), size - 1, input), ranks)
    if interpolation == "lower":
        ranks = xp.floor(ranks)
    elif interpolation == "higher":
        ranks = xp.ceil(ranks)
    elif interpolation == "nearest":
        ranks = xp.round(ranks)
    ranks = xp.movedim(ranks, 0, -1)  # (…, q)
    below = xp.floor(ranks).long()
    y = of_rank(below)
    if interpolation in ("linear", "midpoint"):
        above = of_rank(xp.ceil(ranks).long())
        weight = ranks - below.to(ranks.dtype) if interpolation == "linear" else 0.5
        y = xp.lerp(y, above, weight)
    y = xp.movedim(y, -1, 0)
    y = xp.reshape(y, -1, *(kept if keepdim else y.shape[1:]))
    return y if len(q.shape) else xp.squeeze(y, 0)


@composite(numbers="q")
def quantile(
    xp, input, q, dim: Dim = None, keepdim: bool = False, *, interpolation: Plain = "linear"
):
    r"""The quantiles q, in [0, 1], of all elements or along one axis; NaN if there is one.

    q is a number or a vector, whose axis comes first in the result. Between two elements,
    `interpolation` is "linear", "lower", "higher", "midpoint" or "nearest". RuntimeError for no
    elements, and for dtypes other than float32 and float64.
    """
    return _quantile(xp, "quantile", input, q, dim, keepdim, interpolation, False)


@composite(numbers="q")
def nanquantile(
    xp, input, q, dim: Dim = None, keepdim: bool = False, *, interpolation: Plain = "linear"
):
    r"""`quantile` of the elements that are not NaN; NaN where there are none."""
    return _quantile(xp, "nanquantile", input, q, dim, keepdim, interpolation, True)


@quantile.samples
@nanquantile.samples
def _(r):
    yield call(r.distinct(3, 4), 0.3)
    yield call(r.distinct(3, 4), 0.75, 1)
    yield call(r.distinct(3, 4), 1.0, 0, True)
    yield call(r.distinct(3, 5), 0.45, 1, interpolation="lower")
    yield call(r.distinct(3, 5), 0.45, 1, interpolation="higher")
    yield call(r.distinct(3, 4), 0.5, 1, interpolation="midpoint")
    yield call(r.distinct(3, 5), 0.4, -1, interpolation="nearest")
    yield call(r.distinct(3, 4), r(2, low=0.1, high=0.9), 1, True)
    yield call(r(), 0.5, 0)


@quantile.reference
@nanquantile.reference
def _(np, input, q, dim=None, keepdim=False, *, interpolation="linear"):
    if not input.ndim:
        return input
    return np.quantile(input, q, axis=dim, keepdims=keepdim, method=interpolation)
