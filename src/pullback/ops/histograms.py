"""Counts of values in bins. Counting has no derivative."""

from pullback.op import Array, Number, Plain, call, composite, opaque


@opaque(derivative=False, dtypes="f")
def histc(xp, input, bins: int = 100, min: Number = 0, max: Number = 0):
    r"""The number of elements in each of `bins` equal parts of [min, max]; others are left out.

    Between the smallest and the largest element if both are 0. RuntimeError for an infinite range.
    """
    if bins <= 0:
        raise RuntimeError(f"torch.histc(): bins must be > 0, but got {bins}")
    return xp.histc_array(input, bins, min, max)


@histc.streamed
def _(xp, pieces, input, bins=100, low=0, high=0):
    if bins <= 0:
        return None
    if low == high == 0:
        ends = [(xp.amin(x), xp.amax(x)) for x in pieces(input)]
        low, high = float(min(e[0] for e in ends)), float(max(e[1] for e in ends))
        if any(e[0] != e[0] for e in ends):
            low = high = float("nan")
    return sum(xp.histc_array(x, bins, low, high) for x in pieces(input))


@histc.samples
def _(r):
    yield call(r(3, 4))
    yield call(r(30), 5)
    yield call(r(30), 4, -1, 2)
    yield call(r(30), bins=7, min=-2.5, max=2.5)
    yield call(r(0), 3)


@histc.reference
def _(np, input, bins=100, min=0, max=0):
    if not input.size:
        return np.zeros(bins)
    extent = (min, max) if min or max else (input.min(), input.max())
    return np.histogram(input, bins, extent)[0]


@opaque(
    public=False, derivative=False, dtypes="f", outputs="hist bin_edges", promote=True,
    public_name="histogram",
)  # fmt: skip
def histogram_(xp, input, edges, weight: Array = None, density: bool = False):
    r"""The weight of the elements between edges, and the edges."""
    hist = xp.histogram_array(
        xp.reshape(input, -1, 1), [edges], None if weight is None else xp.reshape(weight, -1),
        density,
    )  # fmt: skip
    return hist, xp.copy(edges)


@histogram_.streamed
def _(xp, pieces, input, edges, weight, density):
    edges = xp.cat(list(pieces(edges)), 0)
    return _streamed(xp, pieces, input, [edges], weight, density, 1), edges


def _streamed(xp, pieces, input, edges, weight, density, count):
    """The histogram of points that come in parts."""
    hist = 0
    for part in pieces(input) if weight is None else pieces(input, weight):
        x, w = (part, None) if weight is None else part
        w = None if w is None else xp.reshape(w, -1)
        hist = hist + xp.cast(
            xp.histogram_array(xp.reshape(x, -1, count), edges, w, False), "float64"
        )
    return xp.cast(xp.densities(hist, edges) if density else hist, input.dtype)


@histogram_.samples
def _(r):
    yield call(r(9), r(4).cumsum() ** 3, r(9), False)


@opaque(public=False, derivative=False, dtypes="f")
def bin_edges(xp, input, bins: int, range: Plain):
    r"""bins + 1 numbers, evenly spaced over a range, or over the elements'."""
    return xp.bin_edges_array(input, bins, range)


@bin_edges.streamed
def _(xp, pieces, input, bins, range):
    if range is not None:
        return xp.bin_edges_array(xp.filled((1,), 0, input), bins, range)
    ends = [end(x) for x in pieces(input) for end in (xp.amin, xp.amax)]
    return xp.bin_edges_array(xp.stack(ends), bins, None)


@bin_edges.samples
def _(r):
    yield call(r(3, 4), 5, None)
    yield call(r(3, 4), 5, (-1, 2))


def _check(name, input, weight, shape):
    if input.dtype.kind != "f" or input.dtype.itemsize < 4:
        raise NotImplementedError(
            f'"{name}" not implemented for {input.dtype}: convert the tensor of shape '
            f"{list(input.shape)} with .float()"
        )
    if weight is not None:
        if weight.dtype is not input.dtype:
            raise RuntimeError(
                f"torch.{name}: if weight tensor is provided, input tensor and weight tensor "
                f"should have the same dtype, but got {input.dtype} and {weight.dtype}"
            )
        if tuple(weight.shape) != tuple(shape):
            raise RuntimeError(
                f"torch.{name}: if weight tensor is provided it should have the shape "
                f"{list(shape)}, but got {list(weight.shape)}"
            )


def _range(name, range, count):
    if range is None:
        return None
    if not isinstance(range, (tuple, list)) or len(range) != 2 * count:
        raise RuntimeError(
            f"torch.{name}: for a {count}-dimensional histogram range should have {2 * count} "
            f"elements, but got {range}"
        )
    return tuple(range)


@composite(derivative=False)
def histogram(
    xp, input, bins: Plain, *, range: Plain = None, weight: Array = None, density: bool = False
):
    r"""Named tuple (hist, bin_edges): the number, or weight, of elements in each bin.

    `bins` is a number of equal bins over `range` (over the elements if that is missing), or the
    vector of their edges; the last bin is closed. With `density` the integral is 1.
    """
    _check("histogram", input, weight, input.shape)
    if hasattr(bins, "shape"):
        if len(bins.shape) != 1 or bins.shape[0] < 2:
            raise RuntimeError(
                f"torch.histogramdd: bins tensor should have one dimension and at least two "
                f"edges, but got the shape {list(bins.shape)}"
            )
        edges = bins
    elif isinstance(bins, int) and not isinstance(bins, bool):
        if bins <= 0:
            raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins}")
        edges = xp.bin_edges(input, bins, _range("histogram", range, 1))
    else:
        raise TypeError(f"histogram(): argument 'bins' must be int or Tensor, not {bins!r}")
    return xp.histogram_(input, edges, weight, density)


@histogram.samples
def _(r):
    yield call(r(30), 5)
    yield call(r(5, 6), 4, range=(-1.0, 2.0))
    yield call(r(30), r.distinct(6) * 0 + [-2, -1, -0.5, 0, 1, 2.5])
    yield call(r(30), 5, weight=r(30, low=0.0), density=True)


@histogram.reference
def _(np, input, bins, *, range=None, weight=None, density=False):
    return np.histogram(input, bins, range, density, weight)


@composite(method=False, derivative=False, outputs="hist bin_edges")
def histogramdd(
    xp, input, bins: Plain, range: Plain = None, weight: Array = None, density: bool = False
):
    r"""A tuple (hist, bin_edges): counts of points, whose coordinates are the last axis.

    `bins` is a number of bins, one for each coordinate, or the vectors of edges.
    """
    if len(input.shape) < 2:
        raise RuntimeError(
            f"torch.histogramdd: input tensor should have at least 2 dimensions, but got the "
            f"shape {list(input.shape)}"
        )
    _check("histogramdd", input, weight, input.shape[:-1])
    count = input.shape[-1]
    if isinstance(bins, int):
        bins = [bins] * count
    if len(bins) != count:
        raise RuntimeError(
            f"torch.histogramdd: expected {count} sequences of bin edges for a {count}-dimensional "
            f"histogram but got {len(bins)}"
        )
    given = _range("histogramdd", range, count)
    points = xp.reshape(input, -1, count)
    edges = [
        b if hasattr(b, "shape")
        else xp.bin_edges(xp.select(points, 1, k), b, given and given[2 * k : 2 * k + 2])
        for k, b in enumerate(bins)
    ]  # fmt: skip
    flat = None if weight is None else xp.reshape(weight, -1)
    return xp.histogramdd_(points, edges, flat, density), tuple(edges)


@opaque(public=False, derivative=False, dtypes="f")
def histogramdd_(xp, input, edges: Plain, weight: Array = None, density: bool = False):
    r"""The weight of points, which are rows, between edges of each coordinate."""
    return xp.histogram_array(input, edges, weight, density)


@histogramdd_.streamed
def _(xp, pieces, input, edges, weight, density):
    if weight is not None:  # of another shape
        return None
    return _streamed(xp, pieces, input, edges, None, density, input.shape[-1])


@histogramdd_.samples
def _(r):
    yield call(r(9, 2), [[-2.0, 0.0, 2.0], [-2.0, 1.0, 2.0]], r(9))


@histogramdd.samples
def _(r):
    yield call(r(30, 2), 3)
    yield call(r(30, 2), [4, 4], range=(-1.0, 2.0, -2.0, 1.0))
    yield call(r(30, 2), [4, 4], weight=r(30, low=0.0), density=True)


@histogramdd.reference
def _(np, input, bins, range=None, weight=None, density=False):
    count = input.shape[-1]
    extent = None if range is None else np.reshape(range, (count, 2))
    hist, edges = np.histogramdd(input.reshape(-1, count), bins, extent, density, weight)
    return hist, edges


@opaque(derivative=False, dtypes="i")
def bincount(xp, input, weights: Array = None, minlength: int = 0):
    r"""The number of times that each of 0, 1, … occurs in a vector; or the sums of weights.

    The result has max + 1 elements, at least `minlength`: int64, or float64 for weights (float32
    for those). RuntimeError for negative numbers.
    """
    if len(input.shape) != 1:
        raise RuntimeError(
            f"bincount only supports 1-d non-negative integral inputs, not the shape "
            f"{list(input.shape)}"
        )
    if minlength < 0:
        raise RuntimeError(f"minlength should be >= 0, and it is {minlength}")
    if weights is not None and tuple(weights.shape) != tuple(input.shape):
        raise RuntimeError(
            f"weights should be 1-d and have the same length as input: the shapes are "
            f"{list(weights.shape)} and {list(input.shape)}"
        )
    return xp.bincount_array(input, weights, minlength)


@bincount.streamed
def _(xp, pieces, input, weights=None, minlength=0):
    if len(input.shape) != 1 or (weights is not None and weights.shape != input.shape):
        return None
    count = None
    for part in pieces(input) if weights is None else pieces(input, weights):
        x, w = (part, None) if weights is None else part
        found = xp.bincount_array(x, w, minlength if count is None else count.shape[0])
        if count is not None:
            found[: count.shape[0]] += count
        count = found
    return count


@bincount.samples
def _(r):
    yield call(r.integers(0, 5, 9))
    yield call(r.integers(0, 5, 9), r(9))
    yield call(r.integers(0, 5, 9), minlength=7)
    yield call(r.integers(0, 5, 0))


@bincount.reference
def _(np, input, weights=None, minlength=0):
    return np.bincount(input, None if weights is None else np.real(weights), minlength)
