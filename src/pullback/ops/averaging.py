"""Means and norms of windows, and pooling to a given size.

Sources: Ç. Gülçehre et al., ECML 2014 (norms); B. Graham, arXiv 1412.6071 (fractional); K. He et
al., ECCV 2014 (adaptive).
"""

import math

from pullback.op import Array, Plain, call, composite, opaque, per_axis

HOME = {"namespace": "nn.functional", "method": False}


def _check_rank(name, input, rank):
    if len(input.shape) not in (rank + 1, rank + 2) or not all(input.shape[-rank - 1 :]):
        raise RuntimeError(
            f"{name}(): Expected {rank + 1}D or {rank + 2}D (batch mode) tensor, but got: "
            f"{list(input.shape)}"
        )


# ------------------------------------------------------------------------------------ means


@opaque(public=False, node="AvgPool2D", dtypes="if", leading=True, flat=True)
def window_sum(xp, input, windows: Plain):
    r"""The sums of windows."""
    return xp.pool_sum(input, windows)


@window_sum.backward("input")
def _(xp, g, input_shape, windows):
    return xp.window_sum_back(g, input_shape, windows)


@opaque(public=False, leading="shape")
def window_sum_back(xp, input, shape: Plain, windows: Plain):
    r"""The transpose of `window_sum`."""
    return xp.pool_sum_back(input, shape, windows)


@window_sum_back.backward("input")
def _(xp, g, windows):
    return xp.window_sum(g, windows)


SQUARES = ((2, 1, 1, 1, 4), (2, 2, 0, 1, 2))


@window_sum.samples
def _(r):
    yield call(r(2, 3, 4), SQUARES)


@window_sum_back.samples
def _(r):
    yield call(r(2, 4, 2), (2, 3, 4), SQUARES)


@opaque(public=False, derivative=False)
def window_counts(xp, input, windows: Plain, pads: Plain, dtype: Plain):
    r"""How many elements the windows of images of the input's shape have."""
    return xp.pool_counts(input.shape[-len(windows) :], windows, pads, input.dtype)


@window_counts.examples
def _(xp, input, windows, pads, dtype):
    return xp.unsqueeze(xp.window_counts(input[0], windows, pads, dtype), 0)


@window_counts.samples
def _(r):
    yield call(r(2, 3, 4), SQUARES, True, None)


def _average(
    xp, rank, input, kernel, stride, padding, ceil_mode, count_include_pad, divisor
):  # fmt: skip
    name = f"avg_pool{rank}d"
    _check_rank(name, input, rank)
    kernel = per_axis(name, "kernel_size", kernel, rank)
    empty = stride is None or (isinstance(stride, (tuple, list)) and not stride)
    stride = kernel if empty else per_axis(name, "stride", stride, rank)
    padding = per_axis(name, "padding", padding, rank, 0)
    if input.dtype.kind in "biu" and input.dtype.name != "int64":
        raise NotImplementedError(f'"{name}" not implemented for {input.dtype}')
    if rank == 3 and input.dtype.itemsize < 4:
        raise NotImplementedError("\"avg_pool3d_out_frame\" not implemented for 'Half'")
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")
    windows = []
    for n, k, s, p in zip(input.shape[-rank:], kernel, stride, padding, strict=True):
        if 2 * p > k:
            raise RuntimeError(
                f"{name}(): pad should be at most half of effective kernel size, but got pad={p}, "
                f"kernel_size={k}"
            )
        room = n + 2 * p - k
        count = room // s + 1
        if ceil_mode and room % s and count * s < n + p:
            count += 1
        if count < 1:
            raise RuntimeError(
                f"{name}(): Given input size: {list(input.shape)} and kernel {kernel}, the output "
                f"size is too small"
            )
        windows.append((k, s, p, 1, count))
    y = xp.window_sum(input, tuple(windows))
    if divisor is None:
        divisor = math.prod(kernel)
        if any(padding) or ceil_mode:
            divisor = xp.window_counts(input, tuple(windows), count_include_pad, None)
    return y / divisor if input.dtype.kind != "i" else xp.div(y, divisor, rounding_mode="trunc")


@composite(aliases=("nn.functional.avg_pool1d",), method=False, one_rounding=True)
def avg_pool1d(
    xp, input, kernel_size: Plain, stride: Plain = None, padding: Plain = 0,
    ceil_mode: bool = False, count_include_pad: bool = True,
):  # fmt: skip
    r"""The means of windows of (b, c, n) or (c, n); see `avg_pool2d`."""
    return _average(xp, 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


@composite(**HOME, one_rounding=True)
def avg_pool2d(
    xp, input, kernel_size: Plain, stride: Plain = None, padding: Plain = 0,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
):  # fmt: skip
    r"""The means of windows of (b, c, h, w) or (c, h, w).

    Zeros of the padding count unless `count_include_pad=False`; `divisor_override` divides the sum
    in any case.
    """
    return _average(
        xp, 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


@composite(**HOME)
def avg_pool3d(
    xp, input, kernel_size: Plain, stride: Plain = None, padding: Plain = 0,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
):  # fmt: skip
    r"""The means of windows of (b, c, d, h, w) or (c, d, h, w); see `avg_pool2d`."""
    return _average(
        xp, 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


@avg_pool1d.samples
def _(r):
    yield call(r(2, 3, 6), 2)
    yield call(r(3, 7), 3, 2, 1, True, False)


@avg_pool2d.samples
def _(r):
    yield call(r(2, 3, 4, 6), 2)
    yield call(r(2, 5, 6), (3, 2), (2, 1), (1, 0), True, False)
    yield call(r(1, 2, 5, 4), 2, 1, divisor_override=3)


@avg_pool3d.samples
def _(r):
    yield call(r(1, 2, 2, 4, 3), 2)
    yield call(r(2, 3, 4, 3), (1, 3, 2), 2, (0, 1, 1), True, False)
    yield call(r(1, 1, 2, 3, 2), 2, 1, divisor_override=3)


@avg_pool1d.reference
@avg_pool2d.reference
@avg_pool3d.reference
def _(np, input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
      divisor_override=None):  # fmt: skip
    rank = {2: 1, 3: 1, 4: 2, 5: 3}[input.ndim]
    if input.ndim in (3, 4) and np.size(kernel_size) == input.ndim - 1:
        rank = input.ndim - 1
    stride = kernel_size if stride is None else stride
    kernel, stride, padding = (np.broadcast_to(v, rank) for v in (kernel_size, stride, padding))
    size = np.array(input.shape[-rank:])
    room = size + 2 * padding - kernel
    counts = -(-room // stride) + 1 if ceil_mode else room // stride + 1
    counts = np.where((counts - 1) * stride >= size + padding, counts - 1, counts)
    lead = input.shape[:-rank]
    y = np.zeros((*lead, *counts))
    for spot in np.ndindex(*counts):
        start = np.array(spot) * stride - padding
        end = np.minimum(start + kernel, size + padding)
        inside = [slice(max(a, 0), min(b, n)) for a, b, n in zip(start, end, size, strict=True)]
        part = input[(..., *inside)]
        axes = tuple(range(len(lead), input.ndim))
        count = np.prod(end - start) if count_include_pad else np.prod(part.shape[len(lead) :])
        y[(..., *spot)] = np.sum(part, axis=axes) / (divisor_override or count)
    return y


# --------------------------------------------------------------------------- to a given size


def _bins(n, m):
    """Where the m parts of n elements begin and end; they overlap where m does not divide n."""
    return [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]


def _sizes(name, input, output_size, rank):
    values = output_size
    if hasattr(type(values), "__index__") or values is None:
        values = (values,) * rank
    if not isinstance(values, (tuple, list)) or len(values) not in (1, rank):
        raise TypeError(
            f"{name}(): argument 'output_size' must be tuple of {rank} ints, not {output_size!r}"
        )
    values = (*values,) * (rank if len(values) == 1 else 1)
    _check_rank(name, input, rank)
    sizes = tuple(n if v is None else v for v, n in zip(values, input.shape[-rank:], strict=True))
    if not all(hasattr(type(v), "__index__") for v in sizes):
        raise TypeError(
            f"{name}(): argument 'output_size' must be tuple of ints, not {output_size!r}"
        )
    if min(sizes) < 0:
        raise RuntimeError(f"{name}(): elements of output_size must be greater than or equal to 0")
    if math.prod(sizes) >= 2**31:
        raise RuntimeError(f"{name}(): there is no memory for an output of size {list(sizes)}")
    return sizes


@opaque(public=False, node="AdaptiveAvgPool2D", dtypes="f", leading=True, flat=True)
def part_means(xp, input, maps: Plain):
    r"""The means of parts of the last axes: ("mean", from, to, None, False) for each."""
    return xp.resample(input, maps, False)


@part_means.backward("input")
def _(xp, g, maps):
    return xp.resampled_back(g, maps)


MAP = ("mean", 3, 2, None, False)


@part_means.samples
def _(r):
    yield call(r(2, 3), (MAP,))


def _adaptive_average(xp, rank, input, output_size):
    sizes = _sizes(f"adaptive_avg_pool{rank}d", input, output_size, rank)
    shape = input.shape[-rank:]
    maps = tuple(("mean", n, m, None, False) for n, m in zip(shape, sizes, strict=True))
    return xp.part_means(input, maps)


def _adaptive_maximum(xp, rank, input, output_size, return_indices):
    """By a table of the elements of each part, padded by repeating its first one."""
    sizes = _sizes(f"adaptive_max_pool{rank}d", input, output_size, rank)
    x = input
    lead = tuple(x.shape[:-rank])
    whole = tuple(x.shape[-rank:])
    parts = [_bins(n, m) for n, m in zip(whole, sizes, strict=True)]
    return _table_maximum(xp, x, lead, whole, parts, sizes, return_indices)


def _table_maximum(xp, x, lead, whole, parts, sizes, return_indices):
    rows = [()]
    for bins in parts:
        rows = [(*row, bin_) for row in rows for bin_ in bins]
    table = []
    most = max((math.prod(b - a for a, b in row) for row in rows), default=1)
    for row in rows:
        places = [0]
        for n, (a, b) in zip(whole, row, strict=True):
            places = [p * n + k for p in places for k in range(a, b)]
        table.append(places + places[:1] * (most - len(places)))
    flat = xp.reshape(x, *lead, math.prod(whole))
    found = xp.table_maximum(flat, tuple(map(tuple, table)))
    y = xp.reshape(found[0], *lead, *sizes)
    return (y, xp.reshape(found[1], *lead, *sizes)) if return_indices else y


@opaque(public=False, node="AdaptiveMaxPool2D", outputs="output indices",
        integer_outputs="indices", dtypes="f", leading=True, flat=True)  # fmt: skip
def table_maximum(xp, input, table: Plain):
    r"""The largest of the elements that each row of a table names, and its place."""
    return xp.maximum_by_table(input, table)


@table_maximum.backward("input")
def _(xp, g, indices, input_shape):
    return xp.scatter_zeros(g, len(input_shape) - 1, indices, input_shape)


@table_maximum.samples
def _(r):
    yield call(r.distinct(2, 5), ((0, 1), (1, 3), (4, 4)))


@composite(aliases=("nn.functional.adaptive_avg_pool1d",), method=False)
def adaptive_avg_pool1d(xp, input, output_size: Plain):
    r"""The means of `output_size` parts of (b, c, n) or (c, n)."""
    return _adaptive_average(xp, 1, input, output_size)


@composite(**HOME)
def adaptive_avg_pool2d(xp, input, output_size: Plain):
    r"""The means of as many parts of images (b, c, h, w) or (c, h, w); None keeps a size."""
    return _adaptive_average(xp, 2, input, output_size)


@composite(**HOME)
def adaptive_avg_pool3d(xp, input, output_size: Plain):
    r"""The means of as many parts of (b, c, d, h, w) or (c, d, h, w); None keeps a size."""
    return _adaptive_average(xp, 3, input, output_size)


@composite(**HOME)
def adaptive_max_pool1d(xp, input, output_size: Plain, return_indices: bool = False):
    r"""The largest elements of `output_size` parts of (b, c, n) or (c, n)."""
    return _adaptive_maximum(xp, 1, input, output_size, return_indices)


@composite(**HOME)
def adaptive_max_pool2d(xp, input, output_size: Plain, return_indices: bool = False):
    r"""The largest elements of as many parts of images (b, c, h, w) or (c, h, w)."""
    return _adaptive_maximum(xp, 2, input, output_size, return_indices)


@composite(**HOME)
def adaptive_max_pool3d(xp, input, output_size: Plain, return_indices: bool = False):
    r"""The largest elements of as many parts of (b, c, d, h, w) or (c, d, h, w)."""
    return _adaptive_maximum(xp, 3, input, output_size, return_indices)


def _adaptive_samples(rank, maximum):
    def samples(r):
        shape = (5, 4, 3)[:rank]
        yield call(r.distinct(2, 3, *shape), 2 if rank == 1 else (2, 3, 1)[:rank])
        yield call(r.distinct(2, *shape), 3, *([True] if maximum else []))

    return samples


def _adaptive_reference(rank, maximum):
    def reference(np, input, output_size, return_indices=False):
        sizes = np.broadcast_to(output_size, rank)
        whole = input.shape[-rank:]
        lead = input.shape[:-rank]
        y, at = np.zeros((*lead, *sizes)), np.zeros((*lead, *sizes), np.int64)
        for spot in np.ndindex(*sizes):
            where = [slice(i * n // m, -(-(i + 1) * n // m))
                     for i, n, m in zip(spot, whole, sizes, strict=True)]  # fmt: skip
            part = input[(..., *where)].reshape(*lead, -1)
            places = np.arange(np.prod(whole)).reshape(whole)[tuple(where)].reshape(-1)
            y[(..., *spot)] = np.max(part, -1) if maximum else np.mean(part, -1)
            at[(..., *spot)] = places[np.argmax(part, -1)]
        return (y, at) if return_indices else y

    return reference


for _rank, _mean, _max in (
    (1, adaptive_avg_pool1d, adaptive_max_pool1d),
    (2, adaptive_avg_pool2d, adaptive_max_pool2d),
    (3, adaptive_avg_pool3d, adaptive_max_pool3d),
):
    for _op, _is_max in ((_mean, False), (_max, True)):
        _op.samples(_adaptive_samples(_rank, _is_max))
        _op.reference(_adaptive_reference(_rank, _is_max))


# ------------------------------------------------------------------------------- fractional


def _fractional(xp, rank, input, kernel, output_size, output_ratio, return_indices, samples):
    name = f"fractional_max_pool{rank}d"
    _check_rank(name, input, rank)
    kernel = per_axis(name, "kernel_size", kernel, rank)
    whole = tuple(input.shape[-rank:])
    if (output_size is None) == (output_ratio is None):
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if output_size is None:
        ratios = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * rank
        if not all(isinstance(q, (int, float)) and 0 < q < 1 for q in ratios):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")
        output_size = tuple(int(n * q) for n, q in zip(whole, ratios, strict=True))
    sizes = per_axis(name, "output_size", output_size, rank)
    for n, k, m in zip(whole, kernel, sizes, strict=True):
        if m + k - 1 > n:
            raise RuntimeError(f"{name}(): pool size {k} too large relative to input size {n}")
    batch = input.shape[0] if len(input.shape) == rank + 2 else 1
    channels = input.shape[-rank - 1]
    if samples is None:
        samples = xp.rand(batch, channels, rank, dtype=input.dtype)
    elif tuple(samples.shape) != (batch, channels, rank):
        raise RuntimeError(
            f"{name}(): Expect _random_samples of shape {[batch, channels, rank]} for an input of "
            f"shape {list(input.shape)}, not {list(samples.shape)}"
        )
    steps = [math.prod(whole[axis + 1 :]) for axis in range(rank)]
    places = 0
    for axis, (n, k, m, step) in enumerate(zip(whole, kernel, sizes, steps, strict=True)):
        # In two dimensions the last number is for the rows, as in PyTorch.
        u = xp.select(samples, 2, rank - 1 - axis if rank == 2 else axis)
        start = xp.reshape(
            _starts(xp, u, n, k, m), batch, channels, *(m if a == axis else 1 for a in range(rank)),
            *(1,) * rank,
        )  # fmt: skip
        inside = xp.reshape(xp.arange(k), *(k if a == axis else 1 for a in range(rank)))
        places = places + (start + inside) * step
    places = xp.reshape(places, batch, channels, math.prod(sizes), math.prod(kernel))
    found = xp.maximum_at(xp.reshape(input, batch, channels, math.prod(whole)), places)
    shape = (*input.shape[:-rank], *sizes)
    y = xp.reshape(found[0], *shape)
    return (y, xp.reshape(found[1], *shape)) if return_indices else y


def _starts(xp, u, n, k, m):
    """Where m windows of k elements begin among n: steps of two sizes, by one random number."""
    last = xp.full((*u.shape, 1), n - k)
    if m == 1:
        return last
    alpha = (n - k) / (m - 1)
    u = xp.unsqueeze(u, -1)
    places = xp.floor((xp.arange(m - 1) + u) * alpha) - xp.floor(u * alpha)
    return xp.cat([places.long(), last], -1)


@opaque(public=False, node="FractionalMaxPool2D", outputs="output indices",
        integer_outputs="indices", dtypes="f", leading=True, flat=True)  # fmt: skip
def maximum_at(xp, input, places: Array):
    r"""The largest of the elements at places (…, m, k) along the last axis of (…, n); its place."""
    return xp.maximum_of_places(input, places)


@maximum_at.backward("input")
def _(xp, g, indices, input_shape):
    return xp.scatter_zeros(g, len(input_shape) - 1, indices, input_shape)


@maximum_at.samples
def _(r):
    yield call(r.distinct(2, 5), r.integers(0, 5, 2, 3, 2))
    yield call(r(0, 5), r.integers(0, 5, 0, 3, 2))


@composite(**HOME)
def fractional_max_pool2d(
    xp, input, kernel_size: Plain, output_size: Plain = None, output_ratio: Plain = None,
    return_indices: bool = False, _random_samples: Array = None,
):  # fmt: skip
    r"""The largest elements of windows of (b, c, h, w) or (c, h, w) at irregular steps.

    As many as `output_size` says, or `output_ratio` times the sizes.
    """
    return _fractional(
        xp, 2, input, kernel_size, output_size, output_ratio, return_indices, _random_samples
    )


@composite(**HOME)
def fractional_max_pool3d(
    xp, input, kernel_size: Plain, output_size: Plain = None, output_ratio: Plain = None,
    return_indices: bool = False, _random_samples: Array = None,
):  # fmt: skip
    r"""The largest elements of windows of (b, c, d, h, w) or (c, d, h, w) at irregular steps."""
    return _fractional(
        xp, 3, input, kernel_size, output_size, output_ratio, return_indices, _random_samples
    )


# ------------------------------------------------------------------------------------- norms


def _norms(xp, rank, input, norm_type, kernel_size, stride, ceil_mode):
    if norm_type == 0:
        raise RuntimeError(f"ZeroDivisionError: lp_pool{rank}d() takes no root of order 0")
    kernel = per_axis(f"lp_pool{rank}d", "kernel_size", kernel_size, rank)
    powers = xp.pow(input, norm_type)
    mean = _average(xp, rank, powers, kernel, stride, 0, ceil_mode, True, None)
    total = xp.sign(mean) * xp.relu(xp.abs(mean)) * math.prod(kernel)
    return xp.pow(total, 1.0 / norm_type)


@composite(**HOME)
def lp_pool1d(
    xp, input, norm_type: float, kernel_size: Plain, stride: Plain = None, ceil_mode: bool = False
):  # fmt: skip
    r"""$(\sum x^p)^{1/p}$ of windows of (b, c, n) or (c, n)."""
    return _norms(xp, 1, input, norm_type, kernel_size, stride, ceil_mode)


@composite(**HOME)
def lp_pool2d(
    xp, input, norm_type: float, kernel_size: Plain, stride: Plain = None, ceil_mode: bool = False
):  # fmt: skip
    r"""$(\sum x^p)^{1/p}$ of windows of (b, c, h, w) or (c, h, w)."""
    return _norms(xp, 2, input, norm_type, kernel_size, stride, ceil_mode)


@composite(**HOME)
def lp_pool3d(
    xp, input, norm_type: float, kernel_size: Plain, stride: Plain = None, ceil_mode: bool = False
):  # fmt: skip
    r"""$(\sum x^p)^{1/p}$ of windows of (b, c, d, h, w) or (c, d, h, w)."""
    return _norms(xp, 3, input, norm_type, kernel_size, stride, ceil_mode)


for _rank, _op in ((1, lp_pool1d), (2, lp_pool2d), (3, lp_pool3d)):

    def _norm_samples(r, rank=_rank):
        shape = (4, 5, 3)[:rank]
        yield call(r(2, 3, *shape, low=0.2), 2.0, 2)
        yield call(r(3, *shape, low=0.2), 3.0, 2, 1, True)

    def _norm_reference(np, input, norm_type, kernel_size, stride=None, ceil_mode=False,
                        rank=_rank):  # fmt: skip
        mean = avg_pool2d.reference_function(
            np, input.reshape(-1, 1, *input.shape[-rank:]) ** norm_type, (kernel_size,) * rank,
            stride,
        )  # fmt: skip
        y = (mean * kernel_size**rank) ** (1 / norm_type)
        return y.reshape(*input.shape[:-rank], *y.shape[2:])

    _op.samples(_norm_samples)
    _op.reference(_norm_reference)


@fractional_max_pool2d.samples
def _(r):
    yield call(r.distinct(2, 1, 5, 4), 2, 2, _random_samples=r(2, 1, 2, low=0, high=0.9))
    yield call(r.distinct(2, 5, 4), (2, 1), None, 0.6, True, r(1, 2, 2, low=0, high=0.9))
    yield call(r(0, 1, 5, 4), 2, 2, _random_samples=r(0, 1, 2))


@fractional_max_pool3d.samples
def _(r):
    yield call(r.distinct(1, 1, 5, 4, 4), 2, 2, _random_samples=r(1, 1, 3, low=0, high=0.9))
    yield call(r.distinct(1, 5, 4, 3), 1, None, 0.7, True, r(1, 1, 3, low=0, high=0.9))


@fractional_max_pool2d.reference
@fractional_max_pool3d.reference
def _(np, input, kernel_size, output_size=None, output_ratio=None, return_indices=False,
      _random_samples=None):  # fmt: skip
    rank = _random_samples.shape[2]
    whole = input.shape[-rank:]
    kernel = np.broadcast_to(kernel_size, rank)
    if output_size is None:
        sizes = [int(n * output_ratio) for n in whole]
    else:
        sizes = np.broadcast_to(output_size, rank)
    images = input.reshape(-1, *whole)
    y = np.zeros((len(images), *sizes))
    at = np.zeros(y.shape, np.int64)
    order = (1, 0) if rank == 2 else (0, 1, 2)
    for image, u, row, places in zip(images, _random_samples.reshape(-1, rank), y, at, strict=True):
        for spot in np.ndindex(*sizes):
            start = []
            for axis, i in enumerate(spot):
                n, k, m, s = whole[axis], kernel[axis], sizes[axis], u[order[axis]]
                step = (n - k) / max(m - 1, 1)
                start.append(n - k if i == m - 1 else int((i + s) * step) - int(s * step))
            where = tuple(slice(a, a + k) for a, k in zip(start, kernel, strict=True))
            numbers = np.arange(image.size).reshape(whole)[where]
            row[spot] = np.max(image[where])
            places[spot] = numbers.reshape(-1)[np.argmax(image[where])]
    shape = (*input.shape[:-rank], *sizes)
    return (y.reshape(shape), at.reshape(shape)) if return_indices else y.reshape(shape)
