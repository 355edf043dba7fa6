"""Sliding blocks of images as columns, and back.

Source: K. Chellapilla, S. Puri and P. Simard, IWFHR 2006.
"""

import math

from pullback.op import Plain, call, composite, opaque, per_axis

HOME = {"namespace": "nn.functional", "method": False}

# kernel, stride, dilation: integers for each axis; padding: (before, after) for each axis.


@opaque(public=False, leading=True, node="Im2Col", dtypes="bfc")
def blocks_to_columns(
    xp, input, kernel: Plain, stride: Plain, padding: Plain, dilation: Plain
):  # fmt: skip
    r"""The windows of images (…, c, h, w) as columns (…, c kh kw, count)."""
    return xp.image_columns(input, kernel, stride, padding, dilation)


@opaque(public=False, leading=True, node="Col2Im", dtypes="bfc")
def columns_to_blocks(
    xp, input, size: Plain, kernel: Plain, stride: Plain, padding: Plain, dilation: Plain
):  # fmt: skip
    r"""The transpose of `blocks_to_columns`: columns added where they were read."""
    return xp.columns_image(input, size, kernel, stride, padding, dilation)


@blocks_to_columns.backward("input")
def _(xp, g, input_shape, kernel, stride, padding, dilation):
    size = tuple(input_shape[-2:])
    return xp.columns_to_blocks(g, size, kernel, stride, padding, dilation)


@columns_to_blocks.backward("input")
def _(xp, g, kernel, stride, padding, dilation):
    return xp.blocks_to_columns(g, kernel, stride, padding, dilation)


GEOMETRY = ((2, 3), (1, 2), ((1, 1), (0, 0)), (2, 1))


@blocks_to_columns.samples
def _(r):
    yield call(r(2, 3, 4, 5), *GEOMETRY)


@columns_to_blocks.samples
def _(r):
    yield call(r(2, 18, 8), (4, 5), *GEOMETRY)


def _pair(name, what, value, least):
    """Two integers, from one or two of them."""
    if isinstance(value, (tuple, list)) and len(value) > 2:
        raise RuntimeError(f"It is expected {what} equals to 2, but got size {len(value)}")
    return per_axis(name, what, value, 2, least)


def _geometry(name, kernel_size, dilation, padding, stride):
    return (
        _pair(name, "kernel_size", kernel_size, 1),
        _pair(name, "dilation", dilation, 1),
        _pair(name, "padding", padding, 0),
        _pair(name, "stride", stride, 1),
    )


def _counts(size, kernel, dilation, padding, stride):
    """How many blocks there are along each axis."""
    axes = zip(size, kernel, dilation, padding, stride, strict=True)
    return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, d, p, s in axes)


@composite(**HOME)
def unfold(
    xp, input, kernel_size: Plain, dilation: Plain = 1, padding: Plain = 0, stride: Plain = 1
):
    r"""The sliding blocks of images (b, c, h, w) or (c, h, w) as columns, (b, c kh kw, count).

    Blocks are in the order of rows; `padding` is of zeros. RuntimeError for sizes that do not fit.
    """
    kernel, dilation, padding, stride = _geometry("unfold", kernel_size, dilation, padding, stride)
    rank = len(input.shape)
    if rank < 3:
        raise IndexError(
            f"unfold: Dimension out of range: expected an input (b, c, h, w) or (c, h, w), not "
            f"of shape {list(input.shape)}"
        )
    if rank > 4 or not all(input.shape[rank - 3 :]):
        raise RuntimeError(
            f"unfold: Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other "
            f"non-zero dimensions for input, but got: {list(input.shape)}"
        )
    counts = _counts(input.shape[-2:], kernel, dilation, padding, stride)
    if min(counts) < 1:
        raise RuntimeError(
            f"unfold: Given input with spatial size {tuple(input.shape[-2:])}, "
            f"kernel_size={kernel}, dilation={dilation}, padding={padding}, calculated shape of "
            f"the array of sliding blocks as {counts}, but its components must be at least one."
        )
    return xp.blocks_to_columns(input, kernel, stride, tuple((p, p) for p in padding), dilation)


@composite(**HOME)
def fold(
    xp, input, output_size: Plain, kernel_size: Plain, dilation: Plain = 1, padding: Plain = 0,
    stride: Plain = 1,
):  # fmt: skip
    r"""The transpose of `unfold`: columns (b, c kh kw, count) added up to images (b, c, h, w).

    Without a batch, (c kh kw, count) gives (c, h, w). RuntimeError for sizes that are not those
    of `unfold`'s result.
    """
    size = _pair("fold", "output_size", output_size, 0)
    kernel, dilation, padding, stride = _geometry("fold", kernel_size, dilation, padding, stride)
    shape = list(input.shape)
    if len(shape) not in (2, 3) or not all(shape[-2:]):
        raise RuntimeError(
            f"fold: Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and "
            f"non-zero dimensions for input, but got: {shape}"
        )
    if shape[-2] % math.prod(kernel):
        raise RuntimeError(
            f"fold: Expected size of input's dimension {len(shape) - 2} to be divisible by the "
            f"product of kernel_size, but got an input of shape {shape} and kernel_size={kernel}."
        )
    counts = _counts(size, kernel, dilation, padding, stride)
    if min(counts) < 1 or math.prod(counts) != shape[-1]:
        raise RuntimeError(
            f"fold: Given output_size={size}, kernel_size={kernel}, dilation={dilation}, "
            f"padding={padding}, stride={stride}, expected size of input's dimension "
            f"{len(shape) - 1} to match the calculated number of sliding blocks {counts[0]} * "
            f"{counts[1]} = {math.prod(counts)}, but got an input of shape {shape}."
        )
    margins = tuple((p, p) for p in padding)
    return xp.columns_to_blocks(input, size, kernel, stride, margins, dilation)


@unfold.samples
def _(r):
    yield call(r(2, 3, 4, 5), 2)
    yield call(r(2, 5, 4), (2, 3), (2, 1), (1, 0), (1, 2))
    yield call(r(0, 2, 3, 3), [2], stride=2)
    yield call(r(1, 2, 3, 2), 1, padding=1)


@fold.samples
def _(r):
    yield call(r(2, 12, 12), (4, 5), 2)
    yield call(r(12, 5), (5, 4), (2, 3), (2, 1), (1, 0), (1, 2))
    yield call(r(0, 8, 1), 3, [2], stride=2)
    yield call(r(1, 2, 20), (3, 2), 1, padding=1)


def _places(np, size, kernel, dilation, padding, stride):
    """(row of the columns, column, height, width) of all that is inside the image."""
    kernel, dilation, padding, stride = (
        np.broadcast_to(v, 2) for v in (kernel, dilation, padding, stride)
    )
    counts = (np.array(size) + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    for row, place in enumerate(np.ndindex(*kernel)):
        for column, start in enumerate(np.ndindex(*counts)):
            at = np.array(start) * stride + np.array(place) * dilation - padding
            if np.all(at >= 0) and np.all(at < size):
                yield row, column, *at
    yield int(np.prod(kernel)), int(np.prod(counts)), None, None


@unfold.reference
def _(np, input, kernel_size, dilation=1, padding=0, stride=1):
    *lead, channels, height, width = input.shape
    *places, (rows, columns, *_) = _places(
        np, (height, width), kernel_size, dilation, padding, stride
    )
    y = np.zeros((*lead, channels, rows, columns), input.dtype)
    for row, column, i, j in places:
        y[..., row, column] = input[..., i, j]
    return y.reshape(*lead, channels * rows, columns)


@fold.reference
def _(np, input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    size = tuple(np.broadcast_to(output_size, 2))
    *places, (rows, columns, *_) = _places(np, size, kernel_size, dilation, padding, stride)
    *lead, total, _ = input.shape
    x = input.reshape(*lead, total // rows, rows, columns)
    y = np.zeros((*x.shape[:-2], *size), input.dtype)
    for row, column, i, j in places:
        y[..., i, j] += x[..., row, column]
    return y
