"""Losses of classes: cross entropies, and margins between scores."""

import math

from pullback.op import Array, Plain, all_examples, call, composite, loss_reduction, opaque

HOME = {"namespace": "nn.functional", "method": False}

# ---------------------------------------------------------------------------- one class of many


def _class_weights(xp, input, target, weight, ignore_index):
    """(targets that can be looked up, the weight of each)."""
    counts = xp.ne(target, ignore_index)
    place = xp.where(counts, target, 0)
    if weight is None:
        return place, xp.where(counts, xp.filled(target.shape, 1, input), 0)
    found = xp.reshape(xp.index_select(weight, 0, xp.reshape(place, -1)), *target.shape)
    return place, xp.where(counts, found, 0)


@opaque(public=False, node="NllLoss", flat=True)
def class_loss(
    xp, input, target, weight: Array = None, reduction: Plain = "mean", ignore_index: int = -100
):  # fmt: skip
    r"""$-w_{t_i}\,x_{i t_i}$ for x of (n, c, …) and t of (n, …); the mean is over the weights."""
    return xp.class_losses(input, target, weight, reduction, ignore_index)


@class_loss.formula
def _(xp, input, target, weight, reduction, ignore_index):
    """The same of formulas: the scores of the classes are looked up."""
    place, w = _class_weights(xp, input, target, weight, ignore_index)
    found = xp.squeeze(xp.gather(input, 1, xp.unsqueeze(place, 1)), 1)
    loss = xp.where(xp.eq(w, 0), 0, xp.mul(xp.neg(found), w))
    if reduction == "none":
        return loss
    return xp.div(xp.sum(loss), xp.sum(w)) if reduction == "mean" else xp.sum(loss)


@class_loss.backward("input")
def _(xp, g, input_shape, target, weight, reduction, ignore_index):
    place, w = _class_weights(xp, g, target, weight, ignore_index)
    if reduction == "mean":
        g = g / xp.sum(w)
    return xp.scatter_zeros(xp.unsqueeze(-(g * w), 1), 1, xp.unsqueeze(place, 1), input_shape)


@class_loss.backward("weight")
def _(xp, g, y, input, target, weight, reduction, ignore_index):
    place, w = _class_weights(xp, g, target, weight, ignore_index)
    found = xp.squeeze(xp.gather(input, 1, xp.unsqueeze(place, 1)), 1)
    each = -g * found if reduction != "mean" else g * (-found - y) / xp.sum(w)
    each = xp.where(xp.ne(target, ignore_index), each, 0)
    flat = xp.reshape(xp.expand(each, *target.shape), -1)
    return xp.scatter_zeros(flat, 0, xp.reshape(place, -1), weight.shape)


@class_loss.examples
def _(xp, input, target, weight, reduction, ignore_index):
    given = [input, target] + ([] if weight is None else [weight])
    input, target, *own = all_examples(xp, given)
    counts = xp.ne(target, ignore_index)
    place = xp.where(counts, target, 0)
    if weight is None:
        w = xp.where(counts, xp.filled(target.shape, 1, input), 0)
    else:
        size = place.shape[0]
        found = xp.gather(own[0], 1, xp.reshape(place, size, -1))
        w = xp.where(counts, xp.reshape(found, *place.shape), 0)
    found = xp.squeeze(xp.gather(input, 2, xp.unsqueeze(place, 2)), 2)
    loss = xp.where(xp.eq(w, 0), 0, -found * w)
    if reduction == "none":
        return loss
    axes = tuple(range(1, len(loss.shape)))
    return xp.sum(loss, axes) / xp.sum(w, axes) if reduction == "mean" else xp.sum(loss, axes)


@class_loss.samples
def _(r):
    yield call(r(3, 4), r.integers(0, 4, 3), r(4, low=0.1), "mean", 1)


def _check_classes(xp, name, input, target, weight, ignore_index):
    """Errors of PyTorch's for targets that are no classes."""
    rank = len(input.shape)
    if target.dtype.name not in ("int64", "uint8"):
        raise RuntimeError(
            f'expected scalar type Long but found {target.dtype}: "{name}" takes classes as int64'
        )
    if input.dtype.kind != "f":
        raise NotImplementedError(f'"{name}" not implemented for {input.dtype}')
    if not rank or len(target.shape) != rank - 1:
        raise RuntimeError(
            f"{name}: an input of shape {list(input.shape)} needs a target with one axis less, not "
            f"of shape {list(target.shape)}"
        )
    if rank > 1 and (target.shape[0] != input.shape[0]):
        raise ValueError(
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size "
            f"({target.shape[0]})."
        )
    if rank > 1 and tuple(target.shape[1:]) != tuple(input.shape[2:]):
        raise RuntimeError(
            f"size mismatch (got input: {list(input.shape)} , target: {list(target.shape)})"
        )
    classes = input.shape[1] if rank > 1 else input.shape[0]
    if weight is not None and tuple(weight.shape) != (classes,):
        raise RuntimeError(
            f"{name}: weight tensor should be defined either for all {classes} classes or no "
            f"classes but got weight tensor of shape: {list(weight.shape)}"
        )
    worst = xp.first_outside(target, 0, classes, ignore_index)
    if worst is not None:
        raise IndexError(f"Target {worst} is out of bounds: there are {classes} classes.")


@composite(**HOME)
def nll_loss(
    xp, input, target, weight: Array = None, size_average: Plain = None, ignore_index: int = -100,
    reduce: Plain = None, reduction: Plain = "mean",
):  # fmt: skip
    r"""$-w_{t_i}\,x_{i t_i}$ for log-probabilities x of (n, c, …) or (c) and classes t of (n, …).

    The mean is divided by the sum of the weights. Targets equal to `ignore_index` do not count.
    IndexError for other targets outside 0 to c - 1.
    """
    reduction = loss_reduction(size_average, reduce, reduction)
    _check_classes(xp, "nll_loss", input, target, weight, ignore_index)
    if len(input.shape) == 1:
        loss = xp.class_loss(
            xp.unsqueeze(input, 0), xp.unsqueeze(target, 0), weight, reduction, ignore_index
        )
        return xp.squeeze(loss, 0) if reduction == "none" else loss
    return xp.class_loss(input, target, weight, reduction, ignore_index)


@nll_loss.samples
def _(r):
    yield call(r(3, 4), r.integers(0, 4, 3))
    yield call(r(3, 4), r.integers(0, 4, 3), r(4, low=0.1), None, 1)
    yield call(r(2, 3, 2), r.integers(0, 3, 2, 2), None, True, 2, False)
    yield call(r(4), r.integers(0, 4), reduction="sum")


def _nll(np, x, target, weight, ignore_index):
    """(losses, weights) of log-probabilities with the classes last."""
    w = np.ones(x.shape[-1]) if weight is None else weight
    w = np.where(target == ignore_index, 0, w[target])
    return -w * np.take_along_axis(x, target[..., None], -1)[..., 0], w


def _finish(np, losses, w, size_average, reduce, reduction):
    reduction = loss_reduction(size_average, reduce, reduction)
    if reduction == "none":
        return losses
    return np.sum(losses) / (np.sum(w) if reduction == "mean" else 1)


@nll_loss.reference
def _(np, input, target, weight=None, size_average=None, ignore_index=-100, reduce=None,
      reduction="mean"):  # fmt: skip
    x = np.moveaxis(input, 1, -1) if input.ndim > 1 else input
    found = _nll(np, x, target, weight, ignore_index)
    return _finish(np, *found, size_average, reduce, reduction)


@composite(**HOME)
def cross_entropy(
    xp, input, target, weight: Array = None, size_average: Plain = None, ignore_index: int = -100,
    reduce: Plain = None, reduction: Plain = "mean", label_smoothing: float = 0.0,
):  # fmt: skip
    r"""$-\sum_c w_c\,t_c \log \operatorname{softmax}(x)_c$ for scores x of (n, c, …) or (c).

    The target is the class of each (n, …), or the probability of each class (n, c, …).
    `label_smoothing` mixes the targets with even ones (C. Szegedy et al., CVPR 2016).
    """
    reduction = loss_reduction(size_average, reduce, reduction)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if not len(input.shape):
        raise RuntimeError("cross_entropy: the input has no axis of classes")
    axis = 0 if len(input.shape) == 1 else 1
    classes = input.shape[axis]
    if input.shape == target.shape:
        if target.dtype.kind not in "fc":
            raise RuntimeError(
                "Expected floating point type for target with class probabilities, got "
                f"{target.dtype}"
            )
        if ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
        if label_smoothing:
            target = target * (1 - label_smoothing) + label_smoothing / classes
        shares = target * xp.log_softmax(input, axis)
        if weight is not None:
            shares = shares * _along(xp, weight, axis, len(input.shape))
        loss = -xp.sum(shares, axis)
        if reduction == "mean":
            count = math.prod(input.shape) // classes if classes else 0
            return xp.sum(loss) / max(count, 1)
        return loss if reduction == "none" else xp.sum(loss)
    scores = xp.log_softmax(input, axis)
    loss = xp.nn_functional_nll_loss(
        scores, target, weight, ignore_index=ignore_index, reduction=reduction
    )
    if not label_smoothing:
        return loss
    if weight is not None:
        scores = scores * _along(xp, weight, axis, len(input.shape))
    even = -xp.sum(scores, axis)
    counts = xp.ne(target, ignore_index)
    even = xp.where_function(counts, even, xp.zeros_like(even))
    if reduction == "mean":
        if weight is None:
            total = xp.sum(xp.cast(counts, input.dtype.numpy))
        else:
            place = xp.where_function(counts, target, xp.zeros_like(target))
            found = xp.index_select(weight, 0, xp.reshape(place, -1))
            total = xp.sum(found * xp.cast(xp.reshape(counts, -1), input.dtype.numpy))
        even = xp.sum(even) / total
    elif reduction == "sum":
        even = xp.sum(even)
    return loss * (1 - label_smoothing) + even * (label_smoothing / classes)


def _along(xp, weight, axis, rank):
    return xp.reshape(weight, *(-1 if k == axis else 1 for k in range(rank)))


@cross_entropy.samples
def _(r):
    yield call(r(3, 4), r.integers(0, 4, 3))
    yield call(r(3, 4), r.integers(0, 4, 3), r(4, low=0.1), None, 1, label_smoothing=0.2)
    yield call(r(2, 3, 2), r.integers(0, 3, 2, 2), None, True, 2, False)
    yield call(r(3, 4), r(3, 4, low=0), r(4, low=0.1), reduction="sum", label_smoothing=0.1)
    yield call(r(4), r.integers(0, 4), label_smoothing=0.5)
    yield call(r(2, 3, 2), r(2, 3, 2, low=0))


@cross_entropy.reference
def _(np, input, target, weight=None, size_average=None, ignore_index=-100, reduce=None,
      reduction="mean", label_smoothing=0.0):  # fmt: skip
    x = np.moveaxis(input, 1, -1) if input.ndim > 1 else input
    x = x - np.log(np.sum(np.exp(x), -1, keepdims=True))
    classes = x.shape[-1]
    w = np.ones(classes) if weight is None else weight
    if target.shape == input.shape:
        t = np.moveaxis(target, 1, -1) if input.ndim > 1 else target
        losses = -np.sum((t * (1 - label_smoothing) + label_smoothing / classes) * w * x, -1)
        return _finish(np, losses, np.ones(losses.shape), size_average, reduce, reduction)
    losses, found = _nll(np, x, target, weight, ignore_index)
    even = np.where(target == ignore_index, 0, -np.sum(w * x, -1)) / classes
    losses = losses * (1 - label_smoothing) + even * label_smoothing
    return _finish(np, losses, found, size_average, reduce, reduction)


@composite(**HOME)
def linear_cross_entropy(
    xp, input, linear_weight, target, weight: Array = None, *, linear_bias: Array = None,
    reduction: Plain = "mean", ignore_index: int | None = None, label_smoothing: float = 0.0,
    options: Plain = None,
):  # fmt: skip
    r"""`cross_entropy(linear(input, linear_weight, linear_bias), …)`, the classes last.

    A weight of shape (c, d1, …, n) gives scores (…, c, d1, …). None for `ignore_index` is -100.
    """
    several = linear_weight.shape[:-1]  # (classes, d1, …): as many scores for each input
    if len(several) > 1:
        flat = xp.reshape(linear_weight, -1, linear_weight.shape[-1])
        bias = None if linear_bias is None else xp.reshape(linear_bias, -1)
        scores = xp.nn_functional_linear(input, flat, bias)
        scores = xp.reshape(scores, *input.shape[:-1], *several)
    else:
        scores = xp.nn_functional_linear(input, linear_weight, linear_bias)
    if len(several) == 1 and len(scores.shape) > 2:
        scores = xp.movedim(scores, -1, 1)
        if target.dtype.kind in "fc" and len(target.shape) == len(scores.shape):
            target = xp.movedim(target, -1, 1)
    return xp.nn_functional_cross_entropy(
        scores, target, weight, reduction=reduction, label_smoothing=label_smoothing,
        ignore_index=-100 if ignore_index is None else ignore_index,
    )  # fmt: skip


@linear_cross_entropy.samples
def _(r):
    yield call(r(3, 2), r(4, 2), r.integers(0, 4, 3))
    yield call(r(3, 2), r(4, 2), r.integers(0, 4, 3), r(4, low=0.1), linear_bias=r(4),
               reduction="sum", ignore_index=1, label_smoothing=0.1)  # fmt: skip
    yield call(r(3, 2), r(4, 2), r(3, 4), options={})


@linear_cross_entropy.reference
def _(np, input, linear_weight, target, weight=None, *, linear_bias=None, reduction="mean",
      ignore_index=None, label_smoothing=0.0, options=None):  # fmt: skip
    scores = input @ linear_weight.T + (0 if linear_bias is None else linear_bias)
    return cross_entropy.reference_function(
        np, scores, target, weight, None, -100 if ignore_index is None else ignore_index, None,
        reduction, label_smoothing,
    )  # fmt: skip


# ------------------------------------------------------------------------- yes or no for each


def _bounded_log(xp, x):
    return xp.maximum(xp.log(x), -100)


@composite(public=False, node="BinaryCrossEntropy")
def binary_entropy(xp, input, target, reduction: Plain):
    r"""$-t \log x - (1 - t) \log(1 - x)$, the logarithms at least -100."""
    y = -target * _bounded_log(xp, input) - (1 - target) * _bounded_log(xp, 1 - input)
    return xp.reduced(y, reduction)


@binary_entropy.backward("input")
def _(xp, g, input, target, input_shape, reduction):
    g = xp.loss_cotangent(g, reduction, input_shape)
    return g * ((input - target) / xp.maximum((1 - input) * input, 1e-12))


@binary_entropy.backward("target")
def _(xp, g, input, input_shape, reduction):
    g = xp.loss_cotangent(g, reduction, input_shape)
    return g * (_bounded_log(xp, 1 - input) - _bounded_log(xp, input))


@binary_entropy.samples
def _(r):
    yield call(r(3, 4, low=0.1, high=0.9), r(3, 4, low=0, high=1), "none")


@composite(**HOME)
def binary_cross_entropy(
    xp, input, target, weight: Array = None, size_average: Plain = None, reduce: Plain = None,
    reduction: Plain = "mean",
):  # fmt: skip
    r"""$-w\,(t \log x + (1 - t) \log(1 - x))$ for probabilities x; the logarithms at least -100.

    ValueError for other shapes of the target, RuntimeError for numbers outside [0, 1].
    """
    reduction = loss_reduction(size_average, reduce, reduction)
    if input.shape != target.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}) is deprecated. Please ensure they have the same size."
        )
    if input.dtype != target.dtype:
        raise RuntimeError(f"Found dtype {target.dtype} but expected {input.dtype}")
    if input.dtype.kind != "f":
        raise NotImplementedError(f'"binary_cross_entropy" not implemented for {input.dtype}')
    wrong = xp.first_where(xp.logical_or(xp.lt(input, 0), xp.gt(input, 1)), input)
    if wrong is not None:
        raise RuntimeError(
            f"binary_cross_entropy: all elements of input should be between 0 and 1, not {wrong}"
        )
    if weight is None:
        return xp.binary_entropy(input, target, reduction)
    return xp.reduced(xp.binary_entropy(input, target, "none") * weight, reduction)


@binary_cross_entropy.samples
def _(r):
    def probabilities(*shape):
        return r(*shape, low=0.1, high=0.9)

    yield call(probabilities(3, 4), probabilities(3, 4))
    yield call(probabilities(3, 4), probabilities(3, 4), r(4, low=0.1), True, False)
    yield call(probabilities(3), probabilities(3), reduction="sum")


@binary_cross_entropy.reference
def _(np, input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    loss = -target * np.log(input) - (1 - target) * np.log(1 - input)
    loss = loss * (1 if weight is None else weight)
    return _finish(np, loss, np.ones(loss.shape), size_average, reduce, reduction)


@composite(public=False, node="BinaryCrossEntropyWithLogits", promote=True)
def logit_entropy(xp, input, target, reduction: Plain):
    r"""$\log(1 + e^x) - t x$, without overflow."""
    y = xp.maximum(input, 0) - input * target + xp.log1p(xp.exp(-xp.abs(input)))
    return xp.reduced(y, reduction)


@logit_entropy.backward("input")
def _(xp, g, input, target, input_shape, reduction):
    return xp.loss_cotangent(g, reduction, input_shape) * (xp.sigmoid(input) - target)


@logit_entropy.backward("target")
def _(xp, g, input, input_shape, reduction):
    return xp.loss_cotangent(g, reduction, input_shape) * -input


@logit_entropy.samples
def _(r):
    yield call(r(3, 4), r(3, 4, low=0, high=1), "none")


@composite(**HOME)
def binary_cross_entropy_with_logits(
    xp, input, target, weight: Array = None, size_average: Plain = None, reduce: Plain = None,
    reduction: Plain = "mean", pos_weight: Array = None,
):  # fmt: skip
    r"""$-w\,(p\,t \log \sigma(x) + (1 - t) \log(1 - \sigma(x)))$, without overflow.

    `pos_weight` is p. ValueError for other shapes of the target.
    """
    reduction = loss_reduction(size_average, reduce, reduction)
    if input.shape != target.shape:
        raise ValueError(
            f"Target size ({target.shape}) must be the same as input size ({input.shape})"
        )
    if input.dtype.kind not in "fc":
        raise NotImplementedError(
            f"binary_cross_entropy_with_logits: the loss can't be cast to {input.dtype}: use "
            f".float()"
        )
    if input.dtype.kind == "c":
        raise NotImplementedError(
            f'"binary_cross_entropy_with_logits" not implemented for {input.dtype}'
        )
    if weight is None and pos_weight is None and input.dtype.kind == "f":
        return xp.logit_entropy(input, target, reduction)
    if pos_weight is None:
        loss = xp.logit_entropy(input, target, "none")
    else:
        no = xp.nn_functional_softplus(input, threshold=math.inf)
        yes = no - input  # -log sigma(x)
        loss = pos_weight * target * yes + (1 - target) * no
    return xp.reduced(loss if weight is None else loss * weight, reduction)


@binary_cross_entropy_with_logits.samples
def _(r):
    yield call(r(3, 4), r(3, 4, low=0, high=1))
    yield call(r(3, 4), r(3, 4, low=0, high=1), r(4, low=0.1), True, False)
    yield call(r(3, 4), r(3, 4), reduction="sum", pos_weight=r(4, low=0.1))


@binary_cross_entropy_with_logits.reference
def _(np, input, target, weight=None, size_average=None, reduce=None, reduction="mean",
      pos_weight=None):  # fmt: skip
    yes, no = np.log1p(np.exp(-input)), np.log1p(np.exp(input))
    loss = (1 if pos_weight is None else pos_weight) * target * yes + (1 - target) * no
    loss = loss * (1 if weight is None else weight)
    return _finish(np, loss, np.ones(loss.shape), size_average, reduce, reduction)
