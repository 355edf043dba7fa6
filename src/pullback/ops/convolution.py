"""Convolution: three operations, each the transpose of another, so that derivatives close."""

from pullback.op import Array, Plain, call, composite, opaque


def _pair(name, value, least):
    """Two integers from one or two, each at least so large."""
    values = (value, value) if hasattr(value, "__index__") else value
    if not isinstance(values, (tuple, list)) or not all(hasattr(v, "__index__") for v in values):
        raise TypeError(f"conv2d(): argument {name!r} must be tuple of ints, not {value!r}")
    if len(values) == 1:
        values = (*values, *values)
    if len(values) != 2 or min(values) < least:
        raise RuntimeError(
            f"conv2d(): {name} {value!r} should be two integers, each at least {least}"
        )
    return tuple(int(v) for v in values)


@opaque(public=False, node="Convolution", dtypes="ifc")
def convolution2d(xp, input, weight, stride: Plain, padding, dilation, groups):
    r"""Cross-correlation of (b, c, h, w) with (o, c / groups, kh, kw), as windows times weights."""
    windows = xp.image_windows(xp.pad_last(input, padding), weight.shape[2:], stride, dilation)
    b, c, h, w, kh, kw = windows.shape
    o = weight.shape[0]
    windows = xp.reshape(windows, b, groups, c // groups, h, w, kh, kw)
    weight = xp.reshape(weight, groups, o // groups, c // groups, kh, kw)
    y = xp.einsum_array("bgcyxhw,gochw->bgoyx", [windows, weight])
    return xp.reshape(y, b, o, h, w)


@convolution2d.samples
def _(r):
    yield call(r(2, 4, 5, 6), r(6, 2, 3, 2), (1, 2), [(1, 1), (0, 0)], (1, 1), 2)


@convolution2d.backward("input")
def _(xp, g, weight, input_shape, stride, padding, dilation, groups):
    return xp.convolution2d_input(g, weight, input_shape, stride, padding, dilation, groups)


@convolution2d.backward("weight")
def _(xp, g, input, weight_shape, stride, padding, dilation, groups):
    return xp.convolution2d_weight(g, input, weight_shape, stride, padding, dilation, groups)


@opaque(public=False)
def convolution2d_input(xp, input, weight, shape: Plain, stride, padding, dilation, groups):
    r"""The transpose of `convolution2d` in its input: weights spread over windows, and added."""
    b, o, h, w = input.shape
    g = xp.reshape(input, b, groups, o // groups, h, w)
    weight = xp.reshape(weight, groups, o // groups, *weight.shape[1:])
    windows = xp.einsum_array("bgoyx,gochw->bgcyxhw", [g, weight])
    windows = xp.reshape(windows, b, shape[1], h, w, *weight.shape[-2:])
    return xp.add_image_windows(windows, shape, stride, padding, dilation)


@convolution2d_input.samples
def _(r):
    yield call(r(2, 6, 5, 3), r(6, 2, 3, 2), (2, 4, 5, 6), (1, 2), [(1, 1), (0, 0)], (1, 1), 2)


@convolution2d_input.backward("input")
def _(xp, g, weight, stride, padding, dilation, groups):
    return xp.convolution2d(g, weight, stride, padding, dilation, groups)


@convolution2d_input.backward("weight")
def _(xp, g, input, weight_shape, stride, padding, dilation, groups):
    return xp.convolution2d_weight(input, g, weight_shape, stride, padding, dilation, groups)


@opaque(public=False)
def convolution2d_weight(xp, input, image, shape: Plain, stride, padding, dilation, groups):
    r"""The transpose of `convolution2d` in its weights; `input` is the cotangent."""
    windows = xp.image_windows(xp.pad_last(image, padding), shape[2:], stride, dilation)
    b, o, h, w = input.shape
    windows = xp.reshape(windows, b, groups, shape[1], h, w, *shape[2:])
    g = xp.reshape(input, b, groups, o // groups, h, w)
    weight = xp.einsum_array("bgoyx,bgcyxhw->gochw", [g, windows])
    return xp.reshape(weight, *shape)


@convolution2d_weight.samples
def _(r):
    yield call(r(2, 6, 5, 3), r(2, 4, 5, 6), (6, 2, 3, 2), (1, 2), [(1, 1), (0, 0)], (1, 1), 2)


@convolution2d_weight.backward("input")
def _(xp, g, image, stride, padding, dilation, groups):
    return xp.convolution2d(image, g, stride, padding, dilation, groups)


@convolution2d_weight.backward("image")
def _(xp, g, input, image_shape, stride, padding, dilation, groups):
    return xp.convolution2d_input(input, g, image_shape, stride, padding, dilation, groups)


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
    if len(input.shape) not in (3, 4):
        raise RuntimeError(
            f"Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: "
            f"{list(input.shape)}"
        )
    if len(weight.shape) != 4:
        raise RuntimeError(f"conv2d: the weight must be 4D, not of size {list(weight.shape)}")
    x = xp.unsqueeze(input, 0) if len(input.shape) == 3 else input
    stride, dilation = _pair("stride", stride, 1), _pair("dilation", dilation, 1)
    if padding == "valid":
        padding = 0
    if padding == "same":
        if stride != (1, 1):
            raise RuntimeError("conv2d: padding='same' is not supported for strided convolutions")
        total = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
        padding = tuple((t // 2, t - t // 2) for t in total)
    else:
        if isinstance(padding, str):
            raise RuntimeError(f"conv2d(): padding is 'same', 'valid' or integers, not {padding!r}")
        padding = tuple((p, p) for p in _pair("padding", padding, 0))
    if groups <= 0 or x.shape[1] != weight.shape[1] * groups or weight.shape[0] % groups:
        raise RuntimeError(
            f"conv2d: Given groups={groups}, weight of size {list(weight.shape)}, expected input"
            f"{list(input.shape)} to have {weight.shape[1] * groups} channels, but got "
            f"{x.shape[1]} channels instead"
        )
    for size, (before, after), d, k in zip(
        x.shape[2:], padding, dilation, weight.shape[2:], strict=True
    ):
        if size + before + after < d * (k - 1) + 1:
            raise RuntimeError(
                f"conv2d: Calculated padded input size per channel: ({size + before + after}). "
                f"Kernel size: ({d * (k - 1) + 1}). Kernel size can't be greater than actual "
                f"input size"
            )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise RuntimeError(
            f"conv2d(): expected bias to be 1-dimensional with {weight.shape[0]} elements, but got "
            f"bias of size {list(bias.shape)} for a weight of size {list(weight.shape)}"
        )
    y = xp.convolution2d(x, weight, stride, padding, dilation, groups)
    if bias is not None:
        y = y + xp.reshape(bias, 1, -1, 1, 1)
    return xp.squeeze(y, 0) if len(input.shape) == 3 else y


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


@conv2d.reference
def _(np, input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):

    images = input if input.ndim == 4 else input[None]
    outputs, channels, *size = weight.shape
    (sy, sx), (dy, dx) = np.broadcast_to(stride, 2), np.broadcast_to(dilation, 2)
    reach = [d * (k - 1) for d, k in zip((dy, dx), size, strict=True)]
    if padding == "same":
        margins = [(n // 2, n - n // 2) for n in reach]
    else:
        margins = [(p, p) for p in np.broadcast_to(0 if padding == "valid" else padding, 2)]
    images = np.pad(images, [(0, 0), (0, 0), *margins])
    _, _, height, width = images.shape
    rows, columns = (height - reach[0] - 1) // sy + 1, (width - reach[1] - 1) // sx + 1
    y = np.zeros((len(images), outputs, rows, columns), input.dtype)
    for b, o, i, j in np.ndindex(y.shape):
        first = o // (outputs // groups) * channels  # the group's first channel
        for c, u, v in np.ndindex(*weight.shape[1:]):
            pixel = images[b, first + c, i * sy + u * dy, j * sx + v * dx]
            y[b, o, i, j] += pixel * weight[o, c, u, v]
    y = y if bias is None else y + bias[:, None, None]
    return y if input.ndim == 4 else y[0]
