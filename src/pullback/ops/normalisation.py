"""Normalisation: activations of mean 0 and variance 1, over the batch, the layer or groups.

Sources: S. Ioffe and C. Szegedy, ICML 2015 (batch); J. Ba et al., arXiv 1607.06450 (layer); Y. Wu
and K. He, ECCV 2018 (group); D. Ulyanov et al., arXiv 1607.08022 (instance); B. Zhang and R.
Sennrich, NeurIPS 2019 (rms); A. Krizhevsky et al., NeurIPS 2012 (local response).
"""

import math

from pullback.op import Array, Number, Plain, as_ints, call, composite

HOME = {"namespace": "nn.functional", "method": False}


@composite(public=False)
def standardised(xp, input, dims: Plain, eps: float):
    r"""(the input with mean 0 and variance 1 over axes, the mean, one over the deviation)."""
    mean = xp.mean(input, dims, True)
    centred = input - mean
    variance = xp.mean(centred * centred, dims, True)
    rstd = xp.rsqrt(variance + eps)
    return centred * rstd, mean, rstd


@standardised.samples
def _(r):
    yield call(r(3, 4), (1,), 1e-5)


def _check_optional(name, **tensors):
    """TypeError for what is neither a tensor nor None."""
    for what, x in tensors.items():
        if x is not None and not hasattr(x, "dtype"):
            raise TypeError(f"{name}(): argument {what!r} must be Tensor, not {type(x).__name__}")


def _floating(name, input):
    if input.dtype.kind != "f":
        raise NotImplementedError(
            f'"{name}" not implemented for {input.dtype}: convert the tensor of shape '
            f"{list(input.shape)} with .float()"
        )


def _affine(xp, y, weight, bias, shape):
    """y times a weight plus a bias, each reshaped."""
    if weight is not None:
        y = y * xp.reshape(weight, *shape)
    return y if bias is None else y + xp.reshape(bias, *shape)


def _in_order(xp, y):
    """The result with its elements in order in memory; images may have their channels last."""
    return y if len(y.shape) == 4 else xp.contiguous(y)


def _layer(xp, name, input, normalized_shape, weight, bias, eps):
    """(output, mean, rstd) and the checks of PyTorch."""
    _check_optional(name, weight=weight, bias=bias)
    _floating(name, input)
    given = as_ints(normalized_shape, name, "normalized_shape")
    count = len(given)
    if not count or tuple(input.shape[-count:]) != given:
        raise RuntimeError(
            f"Given normalized_shape={list(given)}, expected input with shape "
            f"[*, {', '.join(map(str, given))}], but got input of size{list(input.shape)}"
        )
    for what, x in (("weight", weight), ("bias", bias)):
        if x is not None and tuple(x.shape) != given:
            raise RuntimeError(
                f"Expected {what} to be of same shape as normalized_shape, but got {what} of shape "
                f"{list(x.shape)} and normalized_shape = {list(given)}"
            )
    rank = len(input.shape)
    y, mean, rstd = xp.standardised(input, tuple(range(rank - count, rank)), eps)
    return xp.contiguous(_affine(xp, y, weight, bias, given)), mean, rstd


@composite(**HOME, one_rounding=True)
def layer_norm(
    xp, input, normalized_shape: Plain, weight: Array = None, bias: Array = None,
    eps: float = 1e-5,
):  # fmt: skip
    r"""$w\,(x - \bar x) / \sqrt{\operatorname{var} x + \epsilon} + b$ over the last axes.

    `normalized_shape` is their shape, and that of `weight` and `bias`.
    """
    return _layer(xp, "layer_norm", input, normalized_shape, weight, bias, eps)[0]


@composite(method=False, one_rounding=True)
def native_layer_norm(
    xp, input, normalized_shape: Plain, weight: Plain, bias: Plain, eps: float
):  # fmt: skip
    r"""(`layer_norm`, the means, one over the deviations)."""
    return _layer(xp, "native_layer_norm", input, normalized_shape, weight, bias, eps)


def _standard(np, x, axes, eps):
    mean = np.mean(x, axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(np.var(x, axis=axes, keepdims=True) + eps)


@layer_norm.samples
def _(r):
    yield call(r(3, 4), (4,))
    yield call(r(2, 3, 4), [3, 4], r(3, 4), r(3, 4), 0.1)


@native_layer_norm.samples
def _(r):
    yield call(r(3, 4), (4,), r(4), r(4), 1e-5)


@layer_norm.reference
def _(np, input, normalized_shape, weight=None, bias=None, eps=1e-5):
    axes = tuple(range(-len(normalized_shape), 0))
    y = _standard(np, input, axes, eps)
    return y * (1 if weight is None else weight) + (0 if bias is None else bias)


@native_layer_norm.reference
def _(np, input, normalized_shape, weight, bias, eps):
    axes = tuple(range(-len(normalized_shape), 0))
    mean = np.mean(input, axis=axes, keepdims=True)
    rstd = 1 / np.sqrt(np.var(input, axis=axes, keepdims=True) + eps)
    return (input - mean) * rstd * weight + bias, mean, rstd


@composite(aliases=("nn.functional.rms_norm",), method=False, one_rounding=True)
def rms_norm(
    xp, input, normalized_shape: Plain, weight: Array = None, eps: Number = None
):  # fmt: skip
    r"""$w\,x / \sqrt{\overline{x^2} + \epsilon}$ over the last axes; epsilon of the dtype."""
    given = as_ints(normalized_shape, "rms_norm", "normalized_shape")
    count = len(given)
    if not count or tuple(input.shape[-count:]) != given:
        raise RuntimeError(
            f"Given normalized_shape={list(given)}, expected input with shape "
            f"[*, {', '.join(map(str, given))}], but got input of size{list(input.shape)}"
        )
    if input.dtype.kind not in "fc":
        raise NotImplementedError(f'"rms_norm" not implemented for {input.dtype}')
    if eps is None:
        eps = {2: 2.0**-23, 4: 2.0**-23, 8: 2.0**-52}[
            input.dtype.itemsize // (2 if input.dtype.kind == "c" else 1)
        ]
    dims = tuple(range(len(input.shape) - count, len(input.shape)))
    y = input * xp.rsqrt(xp.mean(input * input, dims, True) + eps)
    return xp.contiguous(y if weight is None else y * weight)


@rms_norm.samples
def _(r):
    yield call(r(3, 4), (4,))
    yield call(r(2, 3, 4), [3, 4], r(3, 4), 0.1)


@rms_norm.reference
def _(np, input, normalized_shape, weight=None, eps=None):
    axes = tuple(range(-len(normalized_shape), 0))
    eps = 2.0**-52 if eps is None else eps
    y = input / np.sqrt(np.mean(input**2, axis=axes, keepdims=True) + eps)
    return y if weight is None else y * weight


# ------------------------------------------------------------------------------------- groups


def _grouped(xp, name, input, groups, eps):
    _floating(name, input)
    if len(input.shape) < 2:
        raise RuntimeError(
            f"Expected at least 2 dimensions for input tensor but received {len(input.shape)}"
        )
    channels = input.shape[1]
    if groups <= 0 or channels % groups:
        raise RuntimeError(
            f"Expected number of channels in input to be divisible by num_groups, but got input of "
            f"shape {list(input.shape)} and num_groups={groups}"
        )
    size = math.prod(input.shape[1:]) // groups
    parts = xp.reshape(input, input.shape[0], groups, size)
    y, mean, rstd = xp.standardised(parts, (2,), eps)
    return xp.reshape(y, *input.shape), mean, rstd


@composite(**HOME, one_rounding=True)
def group_norm(
    xp, input, num_groups: int, weight: Array = None, bias: Array = None, eps: float = 1e-5
):  # fmt: skip
    r"""Mean 0 and variance 1 in groups of channels of (b, c, …); then an affine map per channel."""
    channels = input.shape[1] if len(input.shape) > 1 else 0
    for what, x in (("weight", weight), ("bias", bias)):
        if x is not None and tuple(x.shape) != (channels,):
            raise RuntimeError(
                f"Expected {what} to be a vector of size equal to the number of channels in input, "
                f"but got {what} of shape {list(x.shape)} and input of shape {list(input.shape)}"
            )
    y = _grouped(xp, "group_norm", input, num_groups, eps)[0]
    return _affine(xp, y, weight, bias, (-1, *(1,) * (len(input.shape) - 2)))


@composite(method=False, one_rounding=True)
def native_group_norm(
    xp, input, weight: Plain, bias: Plain, N: int, C: int, HxW: int, group: int, eps: float
):  # fmt: skip
    r"""(`group_norm`, the means (b, groups), one over the deviations)."""
    _check_optional("native_group_norm", weight=weight, bias=bias)
    y, mean, rstd = _grouped(xp, "native_group_norm", xp.reshape(input, N, C, HxW), group, eps)
    y = xp.reshape(_affine(xp, y, weight, bias, (-1, 1)), *input.shape)
    return y, xp.reshape(mean, N, group), xp.reshape(rstd, N, group)


@group_norm.samples
def _(r):
    yield call(r(2, 4, 3), 2)
    yield call(r(2, 4, 3, 2), 4, r(4), r(4), 0.1)


@native_group_norm.samples
def _(r):
    yield call(r(2, 4, 3), r(4), r(4), 2, 4, 3, 2, 1e-5)


@group_norm.reference
def _(np, input, num_groups, weight=None, bias=None, eps=1e-5):
    parts = input.reshape(len(input), num_groups, -1)
    y = _standard(np, parts, -1, eps).reshape(input.shape)
    shape = (-1, *(1,) * (input.ndim - 2))
    y = y * (1 if weight is None else weight.reshape(shape))
    return y + (0 if bias is None else bias.reshape(shape))


@native_group_norm.reference
def _(np, input, weight, bias, N, C, HxW, group, eps):
    parts = input.reshape(N, group, -1)
    y = _standard(np, parts, -1, eps).reshape(N, C, HxW)
    y = y * weight.reshape(-1, 1) + bias.reshape(-1, 1)
    rstd = 1 / np.sqrt(np.var(parts, -1) + eps)
    return y.reshape(input.shape), np.mean(parts, -1), rstd


# -------------------------------------------------------------------------------------- batch


def _update(xp, running, value, momentum):
    """A running mean of statistics, written over."""
    running.copy_(running * (1 - momentum) + xp.cast(value, running.dtype.numpy) * momentum)


def _batch(xp, name, input, weight, bias, running_mean, running_var, training, momentum, eps):
    """(output, mean, one over the deviation) of each channel."""
    named = {"weight": weight, "bias": bias, "running_mean": running_mean,
             "running_var": running_var}  # fmt: skip
    _check_optional(name, **named)
    _floating(name, input)
    if not math.prod(input.shape):
        none = xp.reshape(input.detach(), -1)
        return input * 1, none, none
    if len(input.shape) < 2:
        raise RuntimeError(f"{name}: expected at least 2-D input, not {list(input.shape)}")
    channels = input.shape[1]
    for what, x in named.items():
        if x is not None and tuple(x.shape) != (channels,):
            raise RuntimeError(
                f"{what} should contain {channels} elements not {math.prod(x.shape)}"
            )
    shape = (-1, *(1,) * (len(input.shape) - 2))
    dims = (0, *range(2, len(input.shape)))
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError(f"{name}: expected running_mean and running_var in evaluation mode")
        mean, rstd = running_mean, xp.rsqrt(running_var + eps)
        y = (input - xp.reshape(mean, *shape)) * xp.reshape(rstd, *shape)
        return _in_order(xp, _affine(xp, y, weight, bias, shape)), mean, rstd
    y, mean, rstd = xp.standardised(input, dims, eps)
    mean, rstd = xp.reshape(mean, channels), xp.reshape(rstd, channels)
    count = math.prod(input.shape) // channels if channels else 0
    if running_mean is not None:
        _update(xp, running_mean, mean.detach(), momentum)
    if running_var is not None:
        variance = 1 / (rstd.detach() * rstd.detach()) - eps
        if count > 1:
            variance = variance * (count / (count - 1))
        _update(xp, running_var, variance, momentum)
    return _in_order(xp, _affine(xp, y, weight, bias, shape)), mean, rstd


@composite(**HOME)
def batch_norm(
    xp, input, running_mean: Plain, running_var: Plain, weight: Array = None, bias: Array = None,
    training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
):  # fmt: skip
    r"""Mean 0 and variance 1 of each channel of (b, c, …) over the batch; then an affine map.

    In training the running statistics are updated in place; otherwise they are used.
    ValueError for one value per channel in training.
    """
    if training and len(input.shape) > 1:
        size = math.prod(input.shape) // max(input.shape[1], 1)
        if size == 1:
            raise ValueError(
                f"Expected more than 1 value per channel when training, got input size "
                f"{input.shape}"
            )
    rest = (weight, bias, running_mean, running_var, training, momentum, eps)
    return _batch(xp, "batch_norm", input, *rest)[0]


@composite(method=False)
def native_batch_norm(
    xp, input, weight: Plain, bias: Plain, running_mean: Plain, running_var: Plain,
    training: bool, momentum: float, eps: float,
):  # fmt: skip
    r"""(`batch_norm`, the means, one over the deviations); these are empty in evaluation."""
    rest = (weight, bias, running_mean, running_var, training, momentum, eps)
    y, mean, rstd = _batch(xp, "native_batch_norm", input, *rest)
    if not training:
        mean, rstd = (xp.zeros(0, dtype=mean.dtype) for _ in range(2))
    return y, mean, rstd


@batch_norm.samples
def _(r):
    yield call(r(3, 2), None, None, training=True)
    yield call(r(3, 2, 4), r(2), r(2, low=0.1), r(2), r(2), False, 0.2, 0.1)


@native_batch_norm.samples
def _(r):
    yield call(r(3, 2), r(2), r(2), None, None, True, 0.1, 1e-5)
    yield call(r(3, 2, 4), None, None, None, None, True, 0.1, 1e-5)


@batch_norm.reference
def _(np, input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1,
      eps=1e-5):  # fmt: skip
    shape = (-1, *(1,) * (input.ndim - 2))
    if training:
        y = _standard(np, input, (0, *range(2, input.ndim)), eps)
    else:
        y = (input - running_mean.reshape(shape)) / np.sqrt(running_var.reshape(shape) + eps)
    y = y * (1 if weight is None else weight.reshape(shape))
    return y + (0 if bias is None else bias.reshape(shape))


@native_batch_norm.reference
def _(np, input, weight, bias, running_mean, running_var, training, momentum, eps):
    y = batch_norm.reference_function(
        np, input, running_mean, running_var, weight, bias, training, momentum, eps
    )
    axes = (0, *range(2, input.ndim))
    rstd = 1 / np.sqrt(np.var(input, axis=axes) + eps)
    none = np.zeros(0)
    return (y, np.mean(input, axis=axes), rstd) if training else (y, none, none)


@composite(**HOME)
def instance_norm(
    xp, input, running_mean: Array = None, running_var: Array = None, weight: Array = None,
    bias: Array = None, use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
):  # fmt: skip
    r"""Mean 0 and variance 1 of each channel of each sample of (b, c, …); then an affine map.

    The running statistics are those of the samples on average.
    """
    _floating("instance_norm", input)
    shape = (-1, *(1,) * (len(input.shape) - 2))
    if not use_input_stats:
        rest = (weight, bias, running_mean, running_var, False, momentum, eps)
        return _batch(xp, "instance_norm", input, *rest)[0]
    dims = tuple(range(2, len(input.shape)))
    if math.prod(input.shape[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 spatial element when training, got input size {input.shape}"
        )
    y, mean, rstd = xp.standardised(input, dims, eps)
    if running_mean is not None:
        value = xp.mean(xp.reshape(mean.detach(), *input.shape[:2]), 0)
        _update(xp, running_mean, value, momentum)
    if running_var is not None:
        count = math.prod(input.shape[2:])
        variance = 1 / (rstd.detach() * rstd.detach()) - eps
        variance = xp.reshape(variance, *input.shape[:2]) * (count / max(count - 1, 1))
        _update(xp, running_var, xp.mean(variance, 0), momentum)
    return _in_order(xp, _affine(xp, y, weight, bias, shape))


@instance_norm.samples
def _(r):
    yield call(r(2, 3, 4))
    yield call(r(2, 3, 4), r(3), r(3, low=0.1), r(3), r(3), False, 0.2, 0.1)


@instance_norm.reference
def _(np, input, running_mean=None, running_var=None, weight=None, bias=None,
      use_input_stats=True, momentum=0.1, eps=1e-5):  # fmt: skip
    if not use_input_stats:
        return batch_norm.reference_function(
            np, input, running_mean, running_var, weight, bias, False, momentum, eps
        )
    shape = (-1, *(1,) * (input.ndim - 2))
    y = _standard(np, input, tuple(range(2, input.ndim)), eps)
    y = y if weight is None else y * weight.reshape(shape)
    return y if bias is None else y + bias.reshape(shape)


@composite(**HOME)
def local_response_norm(
    xp, input, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
):  # fmt: skip
    r"""$x_c / (k + \frac{\alpha}{n} \sum x_{c'}^2)^\beta$ over n neighbouring channels."""
    rank = len(input.shape)
    if input.dtype.name != "int64":
        _floating("avg_pool3d_out_frame", input)
    if rank < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality                          input "
            f"(got {rank} dimensions)"
        )
    if not math.prod(input.shape):
        return input
    channels = input.shape[1]
    squares = input * input
    total = 0
    for shift in range(-(size // 2), (size - 1) // 2 + 1):  # of the channel that is added
        first, last = max(0, -shift), min(channels, channels - shift)
        if first >= last:
            continue
        part = xp.slice(squares, 1, first + shift, last + shift, 1)
        sides = [0, 0] * (rank - 2) + [first, channels - last]
        part = xp.constant_pad_nd(part, tuple(sides), 0)
        total = total + part
    return input / xp.pow(total * (alpha / size) + k, beta)


@local_response_norm.samples
def _(r):
    yield call(r(2, 5, 3), 3)
    yield call(r(2, 5, 3, 2), 2, 0.5, 0.3, 2.0)


@local_response_norm.reference
def _(np, input, size, alpha=1e-4, beta=0.75, k=1.0):
    total = np.zeros(input.shape)
    for c in range(input.shape[1]):
        near = input[:, max(0, c - size // 2) : c + (size - 1) // 2 + 1]
        total[:, c] = np.sum(near**2, axis=1)
    return input / (k + alpha * total / size) ** beta
