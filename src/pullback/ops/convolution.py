"""Convolutions in one to three dimensions: correlation with weights, and its transposes.

Three operations, each the transpose of the others, so that derivatives close: V. Dumoulin and F.
Visin, arXiv 1603.07285, has the geometry.
"""

from pullback.op import Array, Plain, all_examples, call, composite, opaque, per_axis

# stride, dilation: integers for each axis; padding: (before, after) for each axis.


@opaque(public=False, node="Convolution", dtypes="ifc")
def convolution_(xp, input, weight, bias: Array = None, stride: Plain = (), padding: Plain = (),
                 dilation: Plain = (), groups: Plain = 1):  # fmt: skip
    r"""Correlation of (b, c, …) with (o, c / groups, …), plus a number for each output."""
    return xp.correlate(input, weight, bias, stride, padding, dilation, groups)


@opaque(public=False, node="Convolution", dtypes="ifc")
def convolution_transposed(
    xp, input, weight, bias: Array = None, shape: Plain = (), stride: Plain = (),
    padding: Plain = (), dilation: Plain = (), groups: Plain = 1,
):  # fmt: skip
    r"""The transpose of `convolution_` in its input, plus a number for each output."""
    return xp.correlate_input(input, weight, bias, shape, stride, padding, dilation, groups)


@opaque(public=False)
def convolution_weight(
    xp, input, image, shape: Plain, stride: Plain, padding: Plain, dilation: Plain, groups: Plain
):  # fmt: skip
    r"""The transpose of `convolution_` in its weights; `input` is the cotangent."""
    return xp.correlate_weight(input, image, shape, stride, padding, dilation, groups)


# Inside vmap, examples are more images if they share the weights, more outputs if they share the
# images, and otherwise groups of their own.


def _folded(xp, x, axis):
    """Examples (e, …) as a part of another axis, which they come before."""
    y = xp.movedim(x, 0, axis)
    shape = y.shape
    return xp.reshape(y, *shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :])


def _unfolded(xp, y, axis, size):
    shape = y.shape
    y = xp.reshape(y, *shape[:axis], size, shape[axis] // max(size, 1), *shape[axis + 1 :])
    return xp.movedim(y, axis, 0)


def _with_bias(xp, y, bias):
    """Examples (e, n, o, …) plus numbers (e, o)."""
    if bias is None:
        return y
    return y + xp.reshape(bias, bias.shape[0], 1, -1, *(1,) * (len(y.shape) - 3))


@convolution_.examples
def _(xp, input, weight, bias, stride, padding, dilation, groups):
    def convolve(x, w, b, groups):
        return xp.convolution_(x, w, b, stride, padding, dilation, groups)

    if weight.shape[0] == 1:
        own = bias[0] if bias is not None and bias.shape[0] == 1 else None
        y = convolve(_folded(xp, input, 0), weight[0], own, groups)
        y = _unfolded(xp, y, 0, input.shape[0])
        return y if own is not None else _with_bias(xp, y, bias)
    size = weight.shape[0]
    if input.shape[0] == 1 and groups == 1:
        y = convolve(input[0], _folded(xp, weight, 0), None, 1)
    else:
        (input,) = all_examples(xp, [input], size)
        y = convolve(_folded(xp, input, 1), _folded(xp, weight, 0), None, size * groups)
    return _with_bias(xp, _unfolded(xp, y, 1, size), bias)


@convolution_transposed.examples
def _(xp, input, weight, bias, shape, stride, padding, dilation, groups):
    batch, channels, *rest = shape

    def convolve(x, w, b, batch, channels, groups):
        shape = (batch, channels, *rest)
        return xp.convolution_transposed(x, w, b, shape, stride, padding, dilation, groups)

    size = input.shape[0]
    if weight.shape[0] == 1:
        own = bias[0] if bias is not None and bias.shape[0] == 1 else None
        y = convolve(_folded(xp, input, 0), weight[0], own, size * batch, channels, groups)
        y = _unfolded(xp, y, 0, size)
        return y if own is not None else _with_bias(xp, y, bias)
    size = weight.shape[0]
    if input.shape[0] == 1 and groups == 1:  # the weights' second axis is that of the result
        y = convolve(input[0], _folded(xp, weight, 1), None, batch, size * channels, 1)
    else:
        (input,) = all_examples(xp, [input], size)
        y = convolve(_folded(xp, input, 1), _folded(xp, weight, 0), None, batch, size * channels,
                     size * groups)  # fmt: skip
    return _with_bias(xp, _unfolded(xp, y, 1, size), bias)


@convolution_weight.examples
def _(xp, input, image, shape, stride, padding, dilation, groups):
    size = max(input.shape[0], image.shape[0])
    outputs, channels, *rest = shape
    if image.shape[0] == 1 and groups == 1:
        image, count, groups = image[0], size * outputs, 1
        input = _folded(xp, input, 1)
    elif input.shape[0] == 1 and groups == 1:  # more channels of the images
        y = xp.convolution_weight(
            input[0], _folded(xp, image, 1), (outputs, size * channels, *rest), stride, padding,
            dilation, 1,
        )  # fmt: skip
        return _unfolded(xp, y, 1, size)
    else:
        input, image = (_folded(xp, x, 1) for x in all_examples(xp, [input, image]))
        count, groups = size * outputs, size * groups
    y = xp.convolution_weight(
        input, image, (count, channels, *rest), stride, padding, dilation, groups
    )
    return _unfolded(xp, y, 0, size)


def _each_output(xp, g):
    return xp.sum(g, (0, *range(2, len(g.shape))))


@convolution_.backward("input")
def _(xp, g, weight, input_shape, stride, padding, dilation, groups):
    return xp.convolution_transposed(
        g, weight, None, input_shape, stride, padding, dilation, groups
    )


@convolution_.backward("weight")
def _(xp, g, input, weight_shape, stride, padding, dilation, groups):
    return xp.convolution_weight(g, input, weight_shape, stride, padding, dilation, groups)


@convolution_.backward("bias")
@convolution_transposed.backward("bias")
def _(xp, g):
    return _each_output(xp, g)


@convolution_transposed.backward("input")
def _(xp, g, weight, stride, padding, dilation, groups):
    return xp.convolution_(g, weight, None, stride, padding, dilation, groups)


@convolution_transposed.backward("weight")
def _(xp, g, input, weight_shape, stride, padding, dilation, groups):
    return xp.convolution_weight(input, g, weight_shape, stride, padding, dilation, groups)


@convolution_weight.backward("input")
def _(xp, g, image, stride, padding, dilation, groups):
    return xp.convolution_(image, g, None, stride, padding, dilation, groups)


@convolution_weight.backward("image")
def _(xp, g, input, image_shape, stride, padding, dilation, groups):
    return xp.convolution_transposed(input, g, None, image_shape, stride, padding, dilation, groups)


GEOMETRY = ((1, 2), ((1, 1), (0, 0)), (1, 1), 2)


@convolution_.samples
def _(r):
    yield call(r(2, 4, 5, 6), r(6, 2, 3, 2), r(6), *GEOMETRY)


@convolution_transposed.samples
def _(r):
    yield call(r(2, 6, 5, 3), r(6, 2, 3, 2), r(4), (2, 4, 5, 6), *GEOMETRY)


@convolution_weight.samples
def _(r):
    yield call(r(2, 6, 5, 3), r(2, 4, 5, 6), (6, 2, 3, 2), *GEOMETRY)


# ----------------------------------------------------------------------------- public functions


def _batched(xp, name, input, weight, rank):
    """The images with a batch axis, and whether they had one."""
    if len(weight.shape) != rank + 2:
        raise RuntimeError(
            f"{name}: the weight must be {rank + 2}D, not of size {list(weight.shape)}"
        )
    if input.dtype != weight.dtype:
        raise RuntimeError(
            f"{name}: Input type ({input.dtype}) and weight type ({weight.dtype}) should be the "
            f"same"
        )
    if len(input.shape) not in (rank + 1, rank + 2):
        raise RuntimeError(
            f"Expected {rank + 1}D (unbatched) or {rank + 2}D (batched) input to {name}, but got "
            f"input of size: {list(input.shape)}"
        )
    single = len(input.shape) == rank + 1
    return (xp.unsqueeze(input, 0) if single else input), not single


def _check_bias(name, bias, outputs, weight):
    if bias is not None and tuple(bias.shape) != (outputs,):
        raise RuntimeError(
            f"{name}(): expected bias to be 1-dimensional with {outputs} elements, but got "
            f"bias of size {list(bias.shape)} for a weight of size {list(weight.shape)}"
        )
    if bias is not None and bias.dtype != weight.dtype:
        raise RuntimeError(
            f"{name}: Input type ({weight.dtype}) and bias type ({bias.dtype}) should be the "
            f"same: convert one of them with .to()"
        )


def _margins(name, padding, stride, dilation, kernel):
    if padding == "valid":
        padding = 0
    if padding == "same":
        if any(s != 1 for s in stride):
            raise RuntimeError(f"{name}: padding='same' is not supported for strided convolutions")
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return tuple((t // 2, t - t // 2) for t in total)
    if isinstance(padding, str):
        raise RuntimeError(f"{name}(): padding is 'same', 'valid' or integers, not {padding!r}")
    return tuple((p, p) for p in per_axis(name, "padding", padding, len(kernel), 0))


def _convolve(xp, name, rank, input, weight, bias, stride, padding, dilation, groups):
    x, batched = _batched(xp, name, input, weight, rank)
    kernel = tuple(weight.shape[2:])
    stride = per_axis(name, "stride", stride, rank, 1)
    dilation = per_axis(name, "dilation", dilation, rank, 1)
    padding = _margins(name, padding, stride, dilation, kernel)
    if groups <= 0 or x.shape[1] != weight.shape[1] * groups or weight.shape[0] % groups:
        raise RuntimeError(
            f"{name}: Given groups={groups}, weight of size {list(weight.shape)}, expected input"
            f"{list(input.shape)} to have {weight.shape[1] * groups} channels, but got "
            f"{x.shape[1]} channels instead"
        )
    for size, (before, after), d, k in zip(x.shape[2:], padding, dilation, kernel, strict=True):
        if size + before + after < d * (k - 1) + 1:
            raise RuntimeError(
                f"{name}: Calculated padded input size per channel: ({size + before + after}). "
                f"Kernel size: ({d * (k - 1) + 1}). Kernel size can't be greater than actual "
                f"input size"
            )
    _check_bias(name, bias, weight.shape[0], weight)
    y = xp.convolution_(x, weight, bias, stride, padding, dilation, groups)
    return y if batched else xp.squeeze(y, 0)


def _convolve_back(
    xp, name, rank, input, weight, bias, stride, padding, output_padding, groups, dilation
):  # fmt: skip
    x, batched = _batched(xp, name, input, weight, rank)
    if input.dtype.kind in "biu" and input.dtype.name != "int64":
        raise NotImplementedError(f'"{name}" not implemented for {input.dtype}')
    kernel = tuple(weight.shape[2:])
    stride = per_axis(name, "stride", stride, rank, 1)
    dilation = per_axis(name, "dilation", dilation, rank, 1)
    padding = per_axis(name, "padding", padding, rank, 0)
    extra = per_axis(name, "output_padding", output_padding, rank, 0)
    if groups <= 0 or x.shape[1] != weight.shape[0] or weight.shape[0] % groups:
        raise RuntimeError(
            f"{name}: Given transposed=1, weight of size {list(weight.shape)} and groups={groups}, "
            f"expected input{list(input.shape)} to have {weight.shape[0]} channels, but got "
            f"{x.shape[1]} channels instead"
        )
    for e, s, d in zip(extra, stride, dilation, strict=True):
        if e >= max(s, d):
            raise RuntimeError(
                f"{name}: output padding must be smaller than either stride or dilation, but got "
                f"output_padding {extra} for stride {stride} and dilation {dilation}"
            )
    outputs = weight.shape[1] * groups
    _check_bias(name, bias, outputs, weight)
    geometry = zip(x.shape[2:], stride, padding, dilation, kernel, extra, strict=True)
    size = [(n - 1) * s - 2 * p + d * (k - 1) + e + 1 for n, s, p, d, k, e in geometry]
    if any(n <= 0 for n in size) or not all(x.shape[1:]):
        raise RuntimeError(
            f"{name}: Given input size per channel: {list(x.shape[2:])}. Calculated output size "
            f"per channel: {size}. Output size is too small"
        )
    # Rows and columns that no window reaches have no numbers but the bias.
    margins = tuple((p, p - e) for p, e in zip(padding, extra, strict=True))
    cut = tuple((a, max(b, 0)) for a, b in margins)
    more = tuple(max(-b, 0) for _, b in margins)
    shape = (x.shape[0], outputs, *(n - m for n, m in zip(size, more, strict=True)))
    whole = not any(more)
    y = xp.convolution_transposed(
        x, weight, bias if whole else None, shape, stride, cut, dilation, groups
    )
    if not whole:
        sides = [side for m in reversed(more) for side in (0, m)]
        y = xp.constant_pad_nd(y, tuple(sides), 0)
        if bias is not None:
            y = y + xp.reshape(bias, -1, *(1,) * rank)
    return y if batched else xp.squeeze(y, 0)


@composite(aliases=("nn.functional.conv1d",), method=False)
def conv1d(
    xp, input, weight, bias: Array = None, stride: Plain = 1, padding: Plain = 0,
    dilation: Plain = 1, groups: int = 1,
):  # fmt: skip
    r"""1-D cross-correlation of (b, c, n) or (c, n) with (o, c / groups, k); see `conv2d`."""
    return _convolve(xp, "conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


@composite(aliases=("nn.functional.conv2d",), method=False)
def conv2d(
    xp, input, weight, bias: Array = None, stride: Plain = 1, padding: Plain = 0,
    dilation: Plain = 1, groups: int = 1,
):  # fmt: skip
    r"""2-D cross-correlation of images (b, c, h, w) or (c, h, w) with (o, c / groups, kh, kw).

    $y_{b o i j} = \text{bias}_o + \sum_{c, u, v} w_{o c u v}\, x_{b, c, i s + u d, j s + v d}$ with
    stride s, dilation d and zero padding; "valid" and "same" paddings are understood.
    RuntimeError for sizes that do not fit.
    """
    return _convolve(xp, "conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


@composite(aliases=("nn.functional.conv3d",), method=False)
def conv3d(
    xp, input, weight, bias: Array = None, stride: Plain = 1, padding: Plain = 0,
    dilation: Plain = 1, groups: int = 1,
):  # fmt: skip
    r"""3-D cross-correlation of (b, c, d, h, w) with (o, c / groups, kd, kh, kw); see `conv2d`."""
    return _convolve(xp, "conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


@composite(aliases=("nn.functional.conv_transpose1d",), method=False)
def conv_transpose1d(
    xp, input, weight, bias: Array = None, stride: Plain = 1, padding: Plain = 0,
    output_padding: Plain = 0, groups: int = 1, dilation: Plain = 1,
):  # fmt: skip
    r"""The transpose of `conv1d` in its input; see `conv_transpose2d`."""
    return _convolve_back(
        xp, "conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip


@composite(aliases=("nn.functional.conv_transpose2d",), method=False)
def conv_transpose2d(
    xp, input, weight, bias: Array = None, stride: Plain = 1, padding: Plain = 0,
    output_padding: Plain = 0, groups: int = 1, dilation: Plain = 1,
):  # fmt: skip
    r"""The transpose of `conv2d` in its input: (b, c, h, w) with a weight (c, o / groups, kh, kw).

    The result's sizes are $(n - 1) s - 2p + d (k - 1) + e + 1$, with `output_padding` e choosing
    among those that the stride brings to one size. RuntimeError for sizes that do not fit.
    """
    return _convolve_back(
        xp, "conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip


@composite(aliases=("nn.functional.conv_transpose3d",), method=False)
def conv_transpose3d(
    xp, input, weight, bias: Array = None, stride: Plain = 1, padding: Plain = 0,
    output_padding: Plain = 0, groups: int = 1, dilation: Plain = 1,
):  # fmt: skip
    r"""The transpose of `conv3d` in its input; see `conv_transpose2d`."""
    return _convolve_back(
        xp, "conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip


@conv1d.samples
def _(r):
    yield call(r(2, 3, 5), r(2, 3, 3))
    yield call(r(4, 6), r(4, 2, 3), r(4), 2, 1, 2, 2)
    yield call(r(1, 2, 6), r(3, 2, 2), padding="same")


@conv2d.samples
def _(r):
    yield call(r(2, 3, 5, 4), r(2, 3, 3, 2))
    yield call(r(2, 5, 4), r(3, 2, 2, 2), r(3))
    yield call(r(1, 2, 6, 5), r(2, 2, 2, 3), None, 2)
    yield call(r(1, 2, 5, 6), r(3, 2, 3, 2), r(3), (2, 1), (1, 2), (1, 3))
    yield call(r(1, 4, 4, 4), r(6, 2, 2, 2), r(6), padding="same", groups=2)
    yield call(r(2, 3, 4, 4), r(3, 1, 2, 2), padding="valid", dilation=2, groups=3)
    yield call(r(0, 2, 4, 4), r(3, 2, 2, 2), r(3))
    yield call(r(1, 2, 7, 7), r(2, 2, 2, 2), None, 3, 1)
    yield call(r(2, 3, 4, 4), r(2, 3, 1, 1), r(2))


@conv3d.samples
def _(r):
    yield call(r(1, 2, 3, 4, 3), r(2, 2, 2, 2, 2), r(2))
    yield call(r(2, 3, 4, 3), r(2, 1, 2, 2, 2), r(2), (1, 2, 1), 1, (2, 1, 1), 2)


@conv_transpose1d.samples
def _(r):
    yield call(r(2, 3, 4), r(3, 2, 3))
    yield call(r(4, 3), r(4, 2, 2), r(4), 2, 1, 1, 2, 2)


@conv_transpose2d.samples
def _(r):
    yield call(r(2, 3, 3, 2), r(3, 2, 2, 3))
    yield call(r(1, 4, 3, 2), r(4, 1, 2, 2), r(2), (2, 3), (1, 0), (0, 2), 2, (1, 2))
    yield call(r(3, 3, 2), r(3, 2, 1, 1), r(2), 2, 0, 1)


@conv_transpose3d.samples
def _(r):
    yield call(r(1, 2, 2, 3, 2), r(2, 2, 2, 2, 2), r(2))
    yield call(r(2, 2, 2, 2), r(2, 1, 2, 2, 1), r(2), 2, 1, 1, 2, (1, 2, 1))


@conv1d.reference
@conv2d.reference
@conv3d.reference
def _(np, input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):

    rank = weight.ndim - 2
    images = input if input.ndim == rank + 2 else input[None]
    size, outputs = weight.shape[2:], weight.shape[0]
    stride, dilation = np.broadcast_to(stride, rank), np.broadcast_to(dilation, rank)
    reach = [d * (k - 1) for d, k in zip(dilation, size, strict=True)]
    if padding == "same":
        margins = [(n // 2, n - n // 2) for n in reach]
    else:
        margins = [(p, p) for p in np.broadcast_to(0 if padding == "valid" else padding, rank)]
    images = np.pad(images, [(0, 0), (0, 0), *margins])
    counts = [(n - e - 1) // s + 1
              for n, e, s in zip(images.shape[2:], reach, stride, strict=True)]  # fmt: skip
    y = np.zeros((len(images), outputs, *counts), input.dtype)
    for b, o, *at in np.ndindex(y.shape):
        first = o // (outputs // groups) * weight.shape[1]  # the group's first channel
        for c, *place in np.ndindex(*weight.shape[1:]):
            spot = np.array(at) * stride + np.array(place) * dilation
            y[(b, o, *at)] += images[(b, first + c, *spot)] * weight[(o, c, *place)]
    y = y if bias is None else y + bias.reshape(-1, *(1,) * rank)
    return y if input.ndim == rank + 2 else y[0]


@conv_transpose1d.reference
@conv_transpose2d.reference
@conv_transpose3d.reference
def _(np, input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):

    rank = weight.ndim - 2
    images = input if input.ndim == rank + 2 else input[None]
    size, per_group = weight.shape[2:], weight.shape[1]
    stride, dilation, padding, extra = (
        np.broadcast_to(v, rank) for v in (stride, dilation, padding, output_padding)
    )
    reach = dilation * (np.array(size) - 1)
    full = [(n - 1) * s + r + 1 for n, s, r in zip(images.shape[2:], stride, reach, strict=True)]
    full = [n + e for n, e in zip(full, extra, strict=True)]
    y = np.zeros((len(images), per_group * groups, *full), input.dtype)
    for b, c, *at in np.ndindex(images.shape):
        first = c // (weight.shape[0] // groups) * per_group
        for o, *place in np.ndindex(*weight.shape[1:]):
            spot = np.array(at) * stride + np.array(place) * dilation
            y[(b, first + o, *spot)] += images[(b, c, *at)] * weight[(c, o, *place)]
    y = y[(..., *(slice(p, n - p) for p, n in zip(padding, full, strict=True)))]
    y = y if bias is None else y + bias.reshape(-1, *(1,) * rank)
    return y if input.ndim == rank + 2 else y[0]
