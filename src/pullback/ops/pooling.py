"""Pooling: maxima, means and norms of windows, and the way back.

Sources: D. Scherer, A. Müller and S. Behnke, ICANN 2010; B. Graham, arXiv 1412.6071 (fractional);
M. Zeiler and R. Fergus, ECCV 2014 (unpooling).
"""

import math

from pullback.op import Plain, call, composite, opaque, per_axis

HOME = {"namespace": "nn.functional", "method": False}

# `windows`: for each axis (kernel, stride, padding before, dilation, count of windows).


def _windows(name, input, rank, kernel, stride, padding, dilation, ceil_mode):
    """The geometry; RuntimeError for sizes that do not fit."""
    if len(input.shape) not in (rank + 1, rank + 2):
        raise RuntimeError(
            f"{name}() Expected {rank + 1}D or {rank + 2}D input, but got input of size: "
            f"{list(input.shape)}"
        )
    if not all(input.shape[1:]) or (len(input.shape) == rank + 1 and not input.shape[0]):
        raise RuntimeError(
            f"{name}(): Expected {rank + 2}D tensor with optional 0 dim batch size for input, but "
            f"got: {list(input.shape)}"
        )
    kernel = per_axis(name, "kernel_size", kernel, rank)
    empty = stride is None or (isinstance(stride, (tuple, list)) and not stride)
    stride = kernel if empty else per_axis(name, "stride", stride, rank)
    padding = per_axis(name, "padding", padding, rank, 0)
    dilation = per_axis(name, "dilation", dilation, rank)
    made = []
    geometry = zip(input.shape[-rank:], kernel, stride, padding, dilation, strict=True)
    for n, k, s, p, d in geometry:
        if 2 * p > k:
            raise RuntimeError(
                f"{name}(): pad should be at most half of effective kernel size, but got pad={p}, "
                f"kernel_size={k} and dilation={d}"
            )
        room = n + 2 * p - d * (k - 1) - 1
        count = room // s + 1
        if ceil_mode and room % s and count * s < n + p:
            count += 1  # a last window that begins inside, and ends outside
        if count < 1 or (room < 0 and not ceil_mode):
            raise RuntimeError(
                f"{name}(): Given input size: {list(input.shape)} and kernel {kernel}, the output "
                f"size is too small"
            )
        made.append((k, s, p, d, count))
    return tuple(made)


# -------------------------------------------------------------------------------- the largest


@opaque(public=False, node="MaxPool2DWithIndices", outputs="output code", integer_outputs="code",
        dtypes="if", leading=True, flat=True)  # fmt: skip
def window_maximum(xp, input, windows: Plain):
    r"""The largest element of each window, and its number there; NaN is largest."""
    return xp.pool_max(input, windows)


@opaque(public=False, node="MaxPool3DWithIndices", outputs="output code", integer_outputs="code",
        dtypes="if", leading=True, flat=True)  # fmt: skip
def window_maximum3(xp, input, windows: Plain):
    r"""The same, for windows in three dimensions."""
    return xp.pool_max(input, windows)


@window_maximum.backward("input")
@window_maximum3.backward("input")
def _(xp, g, code, input_shape, windows):
    return xp.window_spread(g, code, input_shape, windows)


@opaque(public=False, leading="shape")
def window_spread(xp, input, code, shape: Plain, windows: Plain):
    r"""Elements added where windows had their largest ones."""
    return xp.pool_spread(input, code, shape, windows)


@window_spread.backward("input")
def _(xp, g, code, windows):
    return xp.window_pick(g, code, windows)


@opaque(public=False, leading=True)
def window_pick(xp, input, code, windows: Plain):
    r"""The elements where windows had their largest ones in another image."""
    return xp.pool_pick(input, code, windows)


@window_pick.backward("input")
def _(xp, g, code, input_shape, windows):
    return xp.window_spread(g, code, input_shape, windows)


@opaque(public=False, derivative=False, leading=True)
def window_places(xp, input, size: Plain, windows: Plain):
    r"""Positions in the flattened images, from numbers in windows."""
    return xp.pool_places(input, size, windows)


SQUARES = ((2, 1, 1, 1, 4), (2, 2, 0, 1, 2))


@window_maximum.samples
def _(r):
    yield call(r.distinct(2, 3, 4), SQUARES)


@window_maximum3.samples
def _(r):
    yield call(r.distinct(2, 2, 3, 4), ((2, 1, 0, 1, 1), *SQUARES))


@window_pick.samples
def _(r):
    yield call(r(2, 3, 4), r.integers(2, 4, 2, 4, 2), SQUARES)


@window_spread.samples
def _(r):
    yield call(r(2, 4, 2), r.integers(2, 4, 2, 4, 2), (2, 3, 4), SQUARES)


@window_places.samples
def _(r):
    yield call(r.integers(2, 4, 2, 4, 2), (3, 4), SQUARES)


def _max_pool(xp, rank, input, kernel, stride, padding, dilation, ceil_mode, return_indices):
    name = f"max_pool{rank}d"
    if rank == 1 and input.dtype.kind in "biu" and not return_indices:
        raise NotImplementedError(f'"max_pool1d_impl" not implemented for {input.dtype}')
    windows = _windows(name, input, rank, kernel, stride, padding, dilation, ceil_mode)
    x = input
    if rank == 1:  # as PyTorch does it
        x, windows = xp.unsqueeze(x, -2), ((1, 1, 0, 1, 1), *windows)
    found = (xp.window_maximum3 if rank == 3 else xp.window_maximum)(x, windows)
    y = found[0]
    places = None
    if return_indices:
        places = xp.window_places(found[1], tuple(x.shape[-len(windows) :]), windows)
    if rank == 1:
        y = xp.squeeze(y, -2)
        places = None if places is None else xp.squeeze(places, -2)
    return y if places is None else (y, places)


@composite(**HOME)
def max_pool1d(
    xp, input, kernel_size: Plain, stride: Plain = None, padding: Plain = 0, dilation: Plain = 1,
    ceil_mode: bool = False, return_indices: bool = False,
):  # fmt: skip
    r"""The largest elements of windows of (b, c, n) or (c, n); see `max_pool2d`."""
    return _max_pool(
        xp, 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


@composite(**HOME)
def max_pool2d(
    xp, input, kernel_size: Plain, stride: Plain = None, padding: Plain = 0, dilation: Plain = 1,
    ceil_mode: bool = False, return_indices: bool = False,
):  # fmt: skip
    r"""The largest elements of windows of (b, c, h, w) or (c, h, w).

    `stride` is the kernel's size unless given; `padding` is outside, smaller than any number;
    `ceil_mode` keeps windows that end outside; `return_indices` gives positions in the flattened
    images as well. RuntimeError for sizes that do not fit.
    """
    return _max_pool(
        xp, 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


@composite(**HOME)
def max_pool3d(
    xp, input, kernel_size: Plain, stride: Plain = None, padding: Plain = 0, dilation: Plain = 1,
    ceil_mode: bool = False, return_indices: bool = False,
):  # fmt: skip
    r"""The largest elements of windows of (b, c, d, h, w) or (c, d, h, w); see `max_pool2d`."""
    return _max_pool(
        xp, 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def _with_indices(rank):
    def function(
        xp, input, kernel_size: Plain, stride: Plain = None, padding: Plain = 0,
        dilation: Plain = 1, ceil_mode: bool = False, return_indices: bool = False,
    ):  # fmt: skip
        return _max_pool(xp, rank, input, kernel_size, stride, padding, dilation, ceil_mode, True)

    function.__doc__ = f"`max_pool{rank}d` with the positions in the flattened images."
    made = composite(**HOME, name=f"max_pool{rank}d_with_indices")(function)

    @made.samples
    def _(r):
        shape = (2, 4, 5, 4)[: rank + 1]
        yield call(r.distinct(*shape), 2)
        yield call(r.distinct(1, *shape), (2,), 1, 1, 2, True, True)

    @made.reference
    def _(np, input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
          return_indices=True):  # fmt: skip
        return _reference(np, rank, input, kernel_size, stride, padding, dilation, ceil_mode, True)

    return made


@max_pool1d.samples
def _(r):
    yield call(r.distinct(2, 3, 6), 2)
    yield call(r.distinct(3, 7), 3, 2, 1, 2, True)
    yield call(r.distinct(1, 2, 5), 2, return_indices=True)


@max_pool2d.samples
def _(r):
    yield call(r.distinct(2, 3, 4, 6), 2)
    yield call(r.distinct(2, 5, 6), (3, 2), (2, 1), (1, 0), (1, 2), True)
    yield call(r.distinct(1, 2, 5, 4), 2, return_indices=True)
    yield call(r.distinct(0, 2, 4, 4), 2)


@max_pool3d.samples
def _(r):
    yield call(r.distinct(1, 2, 2, 4, 3), 2)
    yield call(r.distinct(2, 3, 4, 3), (1, 3, 2), 2, (0, 1, 1), (1, 1, 2), True)
    yield call(r.distinct(1, 1, 2, 3, 2), 2, 1, return_indices=True)


def _reference(np, rank, x, kernel, stride, padding, dilation, ceil_mode, indices):
    stride = kernel if stride is None else stride
    kernel, stride, padding, dilation = (
        np.broadcast_to(v, rank) for v in (kernel, stride, padding, dilation)
    )
    size = np.array(x.shape[-rank:])
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    counts = -(-room // stride) + 1 if ceil_mode else room // stride + 1
    counts = np.where((counts - 1) * stride >= size + padding, counts - 1, counts)
    lead = x.shape[:-rank]
    y = np.full((*lead, *counts), -np.inf)
    at = np.zeros(y.shape, np.int64)
    for spot in np.ndindex(y.shape):
        start = np.array(spot[len(lead) :]) * stride - padding
        for place in np.ndindex(*kernel):
            where = start + np.array(place) * dilation
            if np.all(where >= 0) and np.all(where < size):
                value = x[(*spot[: len(lead)], *where)]
                if value > y[spot]:
                    y[spot], at[spot] = value, np.ravel_multi_index(where, size)
    return (y, at) if indices else y


@max_pool1d.reference
def _(np, input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
      return_indices=False):  # fmt: skip
    rest = (kernel_size, stride, padding, dilation, ceil_mode, return_indices)
    return _reference(np, 1, input, *rest)


@max_pool2d.reference
def _(np, input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
      return_indices=False):  # fmt: skip
    rest = (kernel_size, stride, padding, dilation, ceil_mode, return_indices)
    return _reference(np, 2, input, *rest)


@max_pool3d.reference
def _(np, input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
      return_indices=False):  # fmt: skip
    rest = (kernel_size, stride, padding, dilation, ceil_mode, return_indices)
    return _reference(np, 3, input, *rest)


max_pool1d_with_indices, max_pool2d_with_indices, max_pool3d_with_indices = map(
    _with_indices, (1, 2, 3)
)


# ------------------------------------------------------------------------------- the way back


def _unpool(xp, rank, input, indices, kernel_size, stride, padding, output_size):
    name = f"max_unpool{rank}d"
    if input.dtype.kind != "f":
        raise NotImplementedError(f'"{name}" not implemented for {input.dtype}')
    if len(input.shape) not in (rank + 1, rank + 2):
        raise RuntimeError(
            f"{name}(): Input to {name} should be a {rank + 1}d or {rank + 2}d Tensor, but got a "
            f"tensor of shape {list(input.shape)}"
        )
    if input.shape != indices.shape:
        raise RuntimeError(
            f"{name}(): Expected shape of indices to be same as that of the input tensor "
            f"({list(input.shape)}) but got indices tensor with shape: {list(indices.shape)}"
        )
    if indices.dtype.name != "int64":
        raise RuntimeError(f"{name}(): elements in indices should be type int64 but got: "
                           f"{indices.dtype}")  # fmt: skip
    kernel = per_axis(name, "kernel_size", kernel_size, rank)
    stride = kernel if stride is None else per_axis(name, "stride", stride, rank)
    padding = per_axis(name, "padding", padding, rank, 0)
    geometry = zip(input.shape[-rank:], stride, kernel, padding, strict=True)
    usual = [(n - 1) * s + k - 2 * p for n, s, k, p in geometry]
    size = usual
    if output_size is not None:
        if not isinstance(output_size, (tuple, list)):
            raise TypeError(f"{name}(): argument 'output_size' must be tuple of ints, not "
                            f"{type(output_size).__name__}")  # fmt: skip
        size = list(per_axis(name, "output_size", tuple(output_size)[-rank:], rank))
        for n, u, s in zip(size, usual, stride, strict=True):
            if not u - s < n < u + s:
                raise ValueError(
                    f"invalid output_size {output_size!r} (each size lies between its usual one, "
                    f"{usual}, minus and plus the stride {list(stride)})"
                )
    lead = input.shape[:-rank]
    flat = math.prod(size)
    place = xp.reshape(indices, *lead, -1)
    wrong = xp.first_outside(place, 0, flat)
    if wrong is not None:
        raise RuntimeError(
            f"{name}(): found an invalid max index {wrong} for the output size {size}"
        )
    y = xp.put_places(xp.reshape(input, *lead, -1), place, (*lead, flat))
    return xp.reshape(y, *lead, *size)


@opaque(public=False, node="MaxUnpool2D", leading="shape")
def put_places(xp, input, place, shape: Plain):
    r"""Zeros with elements written at places along the last axis; of equal places, one."""
    return xp.put_last(input, place, shape)


@put_places.backward("input")
def _(xp, g, place):
    return xp.gather(g, -1, place)


@put_places.samples
def _(r):
    yield call(r(2, 3), r.integers(0, 1, 2, 3) + r.order(3), (2, 5))


@composite(**HOME)
def max_unpool1d(
    xp, input, indices, kernel_size: Plain, stride: Plain = None, padding: Plain = 0,
    output_size: Plain = None,
):  # fmt: skip
    r"""The maxima back in their places among zeros; see `max_unpool2d`."""
    return _unpool(xp, 1, input, indices, kernel_size, stride, padding, output_size)


@composite(**HOME)
def max_unpool2d(
    xp, input, indices, kernel_size: Plain, stride: Plain = None, padding: Plain = 0,
    output_size: Plain = None,
):  # fmt: skip
    r"""The maxima that `max_pool2d(…, return_indices=True)` gave, in their places among zeros.

    `output_size` chooses among the sizes that the stride brings to one.
    """
    return _unpool(xp, 2, input, indices, kernel_size, stride, padding, output_size)


@composite(**HOME)
def max_unpool3d(
    xp, input, indices, kernel_size: Plain, stride: Plain = None, padding: Plain = 0,
    output_size: Plain = None,
):  # fmt: skip
    r"""The maxima back in their places among zeros; see `max_unpool2d`."""
    return _unpool(xp, 3, input, indices, kernel_size, stride, padding, output_size)


def _unpool_samples(rank):
    def samples(r):
        shape, size = (1, 2, *(2,) * rank), 4**rank
        places = r.order(size)[: 2**rank].reshape(1, 1, *(2,) * rank)
        both = r.integers(0, 1, *shape) + places
        yield call(r(*shape), both, 2)
        yield call(r(*shape), both, 3, 2, 0, (5,) * rank)
        yield call(r(*shape)[0], both[0], 4, 2, 1, output_size=(5,) * rank)

    return samples


def _unpool_reference(rank):
    def reference(np, input, indices, kernel_size, stride=None, padding=0, output_size=None):
        stride = kernel_size if stride is None else stride
        n = input.shape[-1]
        size = output_size or (((n - 1) * stride + kernel_size - 2 * padding),) * rank
        lead = input.shape[:-rank]
        y = np.zeros((math.prod(lead), math.prod(size)))
        pairs = zip(input.reshape(len(y), -1), indices.reshape(len(y), -1), strict=True)
        for row, (values, places) in zip(y, pairs, strict=True):
            row[places] = values
        return y.reshape(*lead, *size)

    return reference


for _rank, _op in ((1, max_unpool1d), (2, max_unpool2d), (3, max_unpool3d)):
    _op.samples(_unpool_samples(_rank))
    _op.reference(_unpool_reference(_rank))
