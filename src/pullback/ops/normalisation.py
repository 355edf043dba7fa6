"""Normalisation: activations of mean 0 and variance 1, over the batch, the layer or groups.

Sources: S. Ioffe and C. Szegedy, ICML 2015 (batch); J. Ba et al., arXiv 1607.06450 (layer); Y. Wu
and K. He, ECCV 2018 (group); D. Ulyanov et al., arXiv 1607.08022 (instance); B. Zhang and R.
Sennrich, NeurIPS 2019 (rms); A. Krizhevsky et al., NeurIPS 2012 (local response).
"""

import math

from pullback.op import Array, Arrays, Number, Plain, as_ints, call, composite, opaque

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


def _affine(xp, y, weight, bias, shape):
    """y times a weight plus a bias, each reshaped."""
    if weight is not None:
        y = y * xp.reshape(weight, *shape)
    return y if bias is None else y + xp.reshape(bias, *shape)


def _named(inputs, given):
    """(input, weight or None, bias or None)."""
    input, *others = inputs
    return (input, *(others.pop(0) if there else None for there in given))


@opaque(public=False, outputs="result mean rstd", integer_outputs="mean rstd", in_order=False)
def normalised(
    xp, inputs: Arrays, given: Plain, dims: Plain, shape: Plain, eps: float, ordered: bool
):  # fmt: skip
    r"""$w\,(x - \bar x) / \sqrt{\operatorname{var} x + \epsilon} + b$, $\bar x$, one over the root.

    `inputs` are x, and those of w and b that are `given`; in `shape` they broadcast with x.
    """
    return xp.normalised_array(*_named(inputs, given), dims, shape, eps, ordered)


@normalised.formula
def _(xp, inputs, given, dims, shape, eps, ordered):
    input, weight, bias = _named(inputs, given)
    y, mean, rstd = xp.standardised(input, dims, eps)
    return _affine(xp, y, weight, bias, shape), mean, rstd


@normalised.examples
def _(xp, inputs, given, dims, shape, eps, ordered):
    input, weight, bias = _named(inputs, given)
    dims = tuple(d + 1 for d in dims)
    y, mean, rstd = xp.standardised(input, dims, eps)
    rank = len(input.shape) - 1
    sizes = (1,) * (rank - len(shape)) + tuple(shape)
    weight, bias = (
        None if a is None else xp.reshape(a, a.shape[0], *sizes) for a in (weight, bias)
    )
    y = y if weight is None else y * weight
    return y if bias is None else y + bias, mean, rstd


@normalised.backward("inputs")
def _(xp, g, inputs, mean, rstd, given, dims, shape, eps):
    input, weight, bias = _named(inputs, given)
    if not (xp.records or xp.divides(input)):
        found = xp.normalised_back(g, inputs, mean, rstd, given, dims, shape)
        return [f for f, there in zip(found, (True, *given), strict=True) if there]
    y, _, rstd = xp.standardised(input, dims, eps)
    rise = g if weight is None else g * xp.reshape(weight, *shape)
    slant = xp.mean(rise * y, dims, True)
    found = [(rise - xp.mean(rise, dims, True) - y * slant) * rstd]
    for a, part in ((weight, g * y), (bias, g)):
        if a is not None:
            broadcast = xp.reshape(a, *shape)
            found.append(xp.reshape(xp.sum_to_size(part, *broadcast.shape), *a.shape))
    return found


@opaque(public=False, derivative=False, outputs="input weight bias")
def normalised_back(
    xp, input, inputs: Arrays, mean: Array, rstd: Array, given: Plain, dims: Plain, shape: Plain
):  # fmt: skip
    r"""The cotangents of all inputs of `normalised`; of those that are missing, 0."""
    return xp.normalised_back_array(input, *_named(inputs, given), mean, rstd, dims, shape)


def _given(weight, bias):
    return weight is not None, bias is not None


def _inputs(*tensors):
    return [x for x in tensors if x is not None]


@normalised.samples
def _(r):
    yield call([r(3, 4)], (False, False), (1,), (), 1e-5, True)
    yield call([r(2, 3, 4), r(3), r(3)], (True, True), (0, 2), (3, 1), 0.1, True)
    yield call([r(3, 4), r(4)], (False, True), (1,), (4,), 0.1, False)


@normalised_back.samples
def _(r):
    yield call(r(3, 4), [r(3, 4), r(4)], r(3, 1), r(3, 1), (True, False), (1,), (4,))


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


def _in_order(xp, y):
    """The result with its elements in order in memory; images may have their channels last."""
    return y if len(y.shape) == 4 else xp.contiguous(y)


def _check_layer(name, input, normalized_shape, weight, bias):
    """The shape of a layer, and its axes, with the checks of PyTorch."""
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
    return given, tuple(range(rank - count, rank))


@composite(**HOME, one_rounding=True)
def layer_norm(
    xp, input, normalized_shape: Plain, weight: Array = None, bias: Array = None,
    eps: float = 1e-5,
):  # fmt: skip
    r"""$w\,(x - \bar x) / \sqrt{\operatorname{var} x + \epsilon} + b$ over the last axes.

    `normalized_shape` is their shape, and that of `weight` and `bias`.
    """
    shape, dims = _check_layer("layer_norm", input, normalized_shape, weight, bias)
    given = _given(weight, bias)
    return xp.normalised(_inputs(input, weight, bias), given, dims, shape, eps, True)[0]


@composite(method=False, one_rounding=True)
def native_layer_norm(
    xp, input, normalized_shape: Plain, weight: Plain, bias: Plain, eps: float
):  # fmt: skip
    r"""(`layer_norm`, the means, one over the deviations)."""
    shape, dims = _check_layer("native_layer_norm", input, normalized_shape, weight, bias)
    y, mean, rstd = xp.standardised(input, dims, eps)
    return xp.contiguous(_affine(xp, y, weight, bias, shape)), mean, rstd


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


def _check_groups(name, input, groups):
    """The numbers of a group."""
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
    return math.prod(input.shape[1:]) // groups


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
    size = _check_groups("group_norm", input, num_groups)
    each = channels // num_groups
    parts = xp.reshape(input, input.shape[0], num_groups, each, size // max(each, 1))
    inputs, shape = _inputs(parts, weight, bias), (num_groups, each, 1)
    y = xp.normalised(inputs, _given(weight, bias), (2, 3), shape, eps, True)[0]
    return xp.reshape(y, *input.shape)


@composite(method=False, one_rounding=True)
def native_group_norm(
    xp, input, weight: Plain, bias: Plain, N: int, C: int, HxW: int, group: int, eps: float
):  # fmt: skip
    r"""(`group_norm`, the means (b, groups), one over the deviations)."""
    _check_optional("native_group_norm", weight=weight, bias=bias)
    size = _check_groups("native_group_norm", xp.reshape(input, N, C, HxW), group)
    y, mean, rstd = xp.standardised(xp.reshape(input, N, group, size), (2,), eps)
    y = _affine(xp, xp.reshape(y, N, C, HxW), weight, bias, (-1, 1))
    y = xp.reshape(y, *input.shape)
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


@composite(public=False, derivative=False)
def moved_mean(xp, input, mean, momentum: Plain):
    r"""A running mean, moved to the mean of the channels or examples."""
    mean = xp.reshape(mean, -1, *input.shape)
    mean = xp.mean(mean, 0) if mean.shape[0] > 1 else xp.reshape(mean, *input.shape)
    return input * (1 - momentum) + mean * momentum


@composite(public=False, derivative=False)
def moved_variance(xp, input, rstd, momentum: Plain, eps: float, count: int):
    r"""A running variance, moved to that of `count` numbers with this one over the deviation."""
    variance = 1 / (rstd * rstd) - eps
    if count > 1:
        variance = variance * (count / (count - 1))
    return xp.moved_mean(input, variance, momentum)


@moved_mean.samples
def _(r):
    yield call(r(3), r(2, 3, 1), 0.1)


@moved_variance.samples
def _(r):
    yield call(r(3), r(2, 3, 1, low=0.1), 0.1, 0.01, 4)


def _update(xp, running_mean, running_var, mean, rstd, momentum, eps, count):
    """Running statistics, written over. They are no part of a graph."""
    if mean.requires_grad:
        mean, rstd = mean.detach(), rstd.detach()
    if running_mean is not None:
        running_mean.copy_(xp.moved_mean(running_mean, mean, momentum))
    if running_var is not None:
        running_var.copy_(xp.moved_variance(running_var, rstd, momentum, eps, count))


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
    if name == "native_batch_norm":  # whose statistics have derivatives
        y, mean, rstd = xp.standardised(input, dims, eps)
        y = _in_order(xp, _affine(xp, y, weight, bias, shape))
    else:
        sizes = (channels, *shape[1:])
        inputs, ordered = _inputs(input, weight, bias), len(input.shape) != 4
        y, mean, rstd = xp.normalised(inputs, _given(weight, bias), dims, sizes, eps, ordered)
    if running_mean is not None or running_var is not None:
        count = math.prod(input.shape) // channels if channels else 0
        _update(xp, running_mean, running_var, mean, rstd, momentum, eps, count)
    return y, mean, rstd


@composite(**HOME, one_rounding=True)
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
        return y, xp.zeros(0, dtype=mean.dtype), xp.zeros(0, dtype=mean.dtype)
    return y, xp.reshape(mean, -1), xp.reshape(rstd, -1)


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


@composite(**HOME, one_rounding=True)
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
    if any(x is not None and tuple(x.shape) != input.shape[1:2] for x in (weight, bias)):
        y, mean, rstd = xp.standardised(input, dims, eps)
        y = _in_order(xp, _affine(xp, y, weight, bias, shape))
    else:
        inputs, ordered = _inputs(input, weight, bias), len(input.shape) != 4
        sizes = (*input.shape[1:2], *shape[1:])
        y, mean, rstd = xp.normalised(inputs, _given(weight, bias), dims, sizes, eps, ordered)
    if running_mean is not None or running_var is not None:
        count = math.prod(input.shape[2:])
        _update(xp, running_mean, running_var, mean, rstd, momentum, eps, count)
    return y


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
