"""Losses between numbers: squares, absolute values, what lies between; likelihoods.

Sources: P. Huber, Ann. Math. Stat., 1964; R. Girshick, ICCV 2015 (smooth L1); D. Nix and A.
Weigend, ICNN 1994 (Gaussian); S. Kullback and R. Leibler, Ann. Math. Stat., 1951.
"""

import math

from pullback.op import Array, Plain, call, composite, loss_reduction

HOME = {"namespace": "nn.functional", "method": False}


@composite(public=False)
def reduced(xp, loss, reduction: Plain):
    r"""The elements of a loss, their sum or their mean."""
    if reduction == "none":
        return loss
    return xp.mean(loss) if reduction == "mean" else xp.sum(loss)


@reduced.samples
def _(r):
    yield call(r(3), "mean")


@composite(public=False)
def loss_cotangent(xp, g, reduction: Plain, shape: Plain, other: Plain = ()):
    r"""The cotangent of each element of a loss, given that of what they are reduced to."""
    if reduction != "mean":
        return g
    count = math.prod(xp.broadcast_shape(shape, other))
    return g / count if count else g


@loss_cotangent.samples
def _(r):
    yield call(r(), "mean", (3, 1), (4,))


@composite(public=False)
def weighted(xp, loss, weight, reduction: Plain):
    r"""The elements of a loss with weights; their mean is divided by the sum of the weights."""
    if weight.shape != loss.shape:
        raise ValueError(
            f"Inputs and weight must have the same size, not {list(loss.shape)} and "
            f"{list(weight.shape)}"
        )
    if reduction != "mean":
        return xp.reduced(loss * weight, reduction)
    return xp.sum(loss * weight) / xp.sum(weight)


@weighted.samples
def _(r):
    yield call(r(3), r(3, low=0.1), "mean")


def _floating(name, *tensors):
    if not any(x.dtype.kind in "fc" for x in tensors) or any(x.dtype.kind == "c" for x in tensors):
        found = " and ".join(str(x.dtype) for x in tensors)
        raise NotImplementedError(f'"{name}" not implemented for {found}: use .float()')


# ---------------------------------------------------------------------------------- squares


@composite(public=False, node="MseLoss", promote=True)
def square_error(xp, input, target, reduction: Plain):
    r"""$(\text{input} - \text{target})^2$, and the sum or the mean of it."""
    difference = input - target
    return xp.reduced(difference * difference, reduction)


@square_error.backward("input")
def _(xp, g, input, target, input_shape, target_shape, reduction):
    g = xp.loss_cotangent(g, reduction, input_shape, target_shape)
    return g * (2 * (input - target))


@square_error.backward("target")
def _(xp, g, input, target, input_shape, target_shape, reduction):
    g = xp.loss_cotangent(g, reduction, input_shape, target_shape)
    return g * (2 * (target - input))


@square_error.samples
def _(r):
    yield call(r(3, 4), r(4), "none")


@composite(**HOME)
def mse_loss(
    xp, input, target, size_average: Plain = None, reduce: Plain = None,
    reduction: Plain = "mean", weight: Array = None,
):  # fmt: skip
    r"""$(\text{input} - \text{target})^2$: the mean, `reduction="sum"` or `"none"`.

    RuntimeError for shapes that do not broadcast.
    """
    reduction = loss_reduction(size_average, reduce, reduction)
    if weight is None:
        _floating("mse_cpu", input, target)
        return xp.square_error(input, target, reduction)
    return xp.weighted(xp.square_error(input, target, "none"), weight, reduction)


def _two(r):
    """Calls of a loss of two tensors, with every reduction."""
    yield call(r(3, 4), r(3, 4))
    yield call(r(3, 4), r(3, 4), reduction="sum")
    yield call(r(3), r(3), True, False)
    yield call(r(), r())


@mse_loss.samples
def _(r):
    yield from _two(r)
    yield call(r(3), r(3), weight=r(3, low=0.1))


def _reference(np, loss, size_average, reduce, reduction, weight=None):
    reduction = loss_reduction(size_average, reduce, reduction)
    loss = loss if weight is None else loss * weight
    if reduction == "none":
        return loss
    return np.sum(loss) / (1 if reduction == "sum" else
                           loss.size if weight is None else np.sum(weight))  # fmt: skip


@mse_loss.reference
def _(np, input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    return _reference(np, (input - target) ** 2, size_average, reduce, reduction, weight)


@composite(**HOME)
def l1_loss(
    xp, input, target, size_average: Plain = None, reduce: Plain = None,
    reduction: Plain = "mean", weight: Array = None,
):  # fmt: skip
    r"""$|\text{input} - \text{target}|$: the mean, `reduction="sum"` or `"none"`."""
    reduction = loss_reduction(size_average, reduce, reduction)
    loss = xp.abs(input - target)
    if weight is None:
        return xp.reduced(loss, reduction)
    return xp.weighted(loss, weight, reduction)


@l1_loss.samples
def _(r):
    yield from _two(r)
    yield call(r(3), r(3), weight=r(3, low=0.1))


@l1_loss.reference
def _(np, input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    return _reference(np, np.abs(input - target), size_average, reduce, reduction, weight)


# ------------------------------------------------------- squares near 0, absolute values beyond


@composite(public=False, node="SmoothL1Loss", promote=True)
def smooth_error(xp, input, target, reduction: Plain, beta: float):
    r"""Half a square below beta, over beta; less half of beta above."""
    size = xp.abs(input - target)
    near = size * size * (0.5 / beta)
    return xp.reduced(xp.where(xp.lt(size, beta), near, size - 0.5 * beta), reduction)


def _smooth_slope(xp, difference, beta):
    near = xp.lt(xp.abs(difference), beta)
    return xp.where(near, difference / beta, xp.sign(difference))


@smooth_error.backward("input")
def _(xp, g, input, target, input_shape, target_shape, reduction, beta):
    g = xp.loss_cotangent(g, reduction, input_shape, target_shape)
    return g * _smooth_slope(xp, input - target, beta)


@smooth_error.backward("target")
def _(xp, g, input, target, input_shape, target_shape, reduction, beta):
    g = xp.loss_cotangent(g, reduction, input_shape, target_shape)
    return g * _smooth_slope(xp, target - input, beta)


@smooth_error.samples
def _(r):
    yield call(r(3, 4), r(4), "none", 0.7)


@composite(**HOME)
def smooth_l1_loss(
    xp, input, target, size_average: Plain = None, reduce: Plain = None,
    reduction: Plain = "mean", beta: float = 1.0,
):  # fmt: skip
    r"""$d^2 / 2\beta$ where $d = |\text{input} - \text{target}| < \beta$, else $d - \beta/2$."""
    reduction = loss_reduction(size_average, reduce, reduction)
    if beta == 0:
        return xp.reduced(xp.abs(input - target), reduction)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    _floating("smooth_l1_cpu", input, target)
    return xp.smooth_error(input, target, reduction, beta)


@smooth_l1_loss.samples
def _(r):
    yield from _two(r)
    yield call(r(3, 4), r(3, 4), beta=2.0)
    yield call(r(3, 4), r(3, 4), beta=0.0)


@smooth_l1_loss.reference
def _(np, input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    d = np.abs(input - target)
    loss = np.where(d < beta, d**2 / (2 * beta or 1), d - beta / 2)
    return _reference(np, loss, size_average, reduce, reduction)


@composite(public=False, node="HuberLoss", promote=True)
def huber_error(xp, input, target, reduction: Plain, delta: float):
    r"""Half a square below delta; linear above, with the slope that it has there."""
    size = xp.abs(input - target)
    far = delta * (size - 0.5 * delta)
    return xp.reduced(xp.where(xp.le(size, delta), size * size * 0.5, far), reduction)


@huber_error.backward("input")
def _(xp, g, input, target, input_shape, target_shape, reduction, delta):
    g = xp.loss_cotangent(g, reduction, input_shape, target_shape)
    return g * xp.clamp(input - target, -delta, delta)


@huber_error.backward("target")
def _(xp, g, input, target, input_shape, target_shape, reduction, delta):
    g = xp.loss_cotangent(g, reduction, input_shape, target_shape)
    return g * xp.clamp(target - input, -delta, delta)


@huber_error.samples
def _(r):
    yield call(r(3, 4), r(4), "none", 0.7)


@composite(**HOME)
def huber_loss(
    xp, input, target, reduction: Plain = "mean", delta: float = 1.0, weight: Array = None
):  # fmt: skip
    r"""$d^2 / 2$ where $d = |x - t| \le \delta$, else $\delta (d - \delta/2)$."""
    reduction = loss_reduction(None, None, reduction)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    _floating("huber_cpu", input)
    if weight is None:
        return xp.huber_error(input, target, reduction, delta)
    if weight.shape != input.shape:
        raise ValueError(
            f"Inputs and weight must have the same size, not {list(input.shape)} and "
            f"{list(weight.shape)}"
        )
    # Unlike that of other losses, the mean is over the elements, whatever the weights sum to.
    return xp.reduced(xp.huber_error(input, target, "none", delta) * weight, reduction)


@huber_loss.samples
def _(r):
    yield call(r(3, 4), r(3, 4))
    yield call(r(3, 4), r(3, 4), "sum", 0.5)
    yield call(r(3, 4), r(3, 4), "none", 2.0)
    yield call(r(3), r(3), weight=r(3, low=0.1))


@huber_loss.reference
def _(np, input, target, reduction="mean", delta=1.0, weight=None):
    d = np.abs(input - target)
    loss = np.where(d <= delta, d**2 / 2, delta * (d - delta / 2))
    return _reference(np, loss if weight is None else loss * weight, None, None, reduction)


# ------------------------------------------------------------------------------ likelihoods


@composite(**HOME)
def kl_div(
    xp, input, target, size_average: Plain = None, reduce: Plain = None,
    reduction: Plain = "mean", log_target: bool = False,
):  # fmt: skip
    r"""$t\,(\log t - \text{input})$: the divergence of $e^\text{input}$ from the target t.

    `log_target`: the target is a logarithm too. `reduction="batchmean"`: the sum over the number
    of rows, which is the divergence.
    """
    if input.dtype.kind in "bui" or target.dtype.kind in "bui":
        raise RuntimeError(
            f"kl_div: Integral inputs not supported: they are {input.dtype} and {target.dtype}"
        )
    mean_of_rows = reduction == "batchmean" and size_average is None and reduce is None
    reduction = "sum" if mean_of_rows else loss_reduction(size_average, reduce, reduction)
    if log_target:
        loss = xp.exp(target) * (target - input)
    else:
        safe = xp.where_function(xp.gt(target, 0), target, xp.ones_like(target))
        loss = target * xp.log(safe) - target * input
    loss = xp.reduced(loss, reduction)
    return loss / input.shape[0] if mean_of_rows and len(input.shape) else loss


@kl_div.samples
def _(r):
    yield call(r(3, 4), r(3, 4, low=0.1))
    yield call(r(3, 4), r(3, 4, low=0.1), reduction="batchmean")
    yield call(r(3), r(3), True, False, log_target=True)
    yield call(r(3, 4), r(3, 4), reduction="sum", log_target=True)


@kl_div.reference
def _(np, input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    logarithm = target if log_target else np.log(target)
    loss = np.exp(logarithm) * (logarithm - input)
    if reduction == "batchmean":
        return np.sum(loss) / len(input)
    return _reference(np, loss, size_average, reduce, reduction)


@composite(**HOME)
def poisson_nll_loss(
    xp, input, target, log_input: bool = True, full: bool = False, size_average: Plain = None,
    eps: float = 1e-8, reduce: Plain = None, reduction: Plain = "mean",
):  # fmt: skip
    r"""$e^x - t x$ for counts t of rate $e^x$, or $x - t \log x$ for the rate x.

    `full` adds Stirling's approximation of $\log t!$ where t > 1.
    """
    reduction = loss_reduction(size_average, reduce, reduction)
    if log_input:
        loss = xp.exp(input) - target * input
    else:
        loss = input - target * xp.log(input + eps)
    if full:
        many = xp.gt(target, 1)
        t = xp.where_function(many, target, xp.ones_like(target))
        stirling = t * xp.log(t) - t + 0.5 * xp.log(2 * math.pi * t)
        loss = loss + xp.where_function(many, stirling, xp.zeros_like(stirling))
    return xp.reduced(loss, reduction)


@poisson_nll_loss.samples
def _(r):
    yield call(r(3, 4), r(3, 4, low=0.1))
    yield call(r(3, 4, low=0.1), r(3, 4, low=0.1), False, True, eps=1e-6)
    yield call(r(3), r(3, low=1.5), True, True, True, 1e-8, False)
    yield call(r(3), r(3, low=0.1), reduction="sum")


@poisson_nll_loss.reference
def _(np, input, target, log_input=True, full=False, size_average=None, eps=1e-8, reduce=None,
      reduction="mean"):  # fmt: skip
    loss = np.exp(input) - target * input if log_input else input - target * np.log(input + eps)
    if full:
        stirling = target * np.log(target) - target + np.log(2 * np.pi * target) / 2
        loss = loss + np.where(target > 1, stirling, 0)
    return _reference(np, loss, size_average, reduce, reduction)


@composite(**HOME, numbers="var")
def gaussian_nll_loss(
    xp, input, target, var, full: bool = False, eps: float = 1e-6,
    reduction: Plain = "mean",
):  # fmt: skip
    r"""$\frac12 (\log v + (x - t)^2 / v)$ for the variance v, at least `eps`.

    `var` has the shape of the input, or has size 1 or nothing for its last axis; or is a number.
    The gradient in it passes `eps`. `full` adds $\frac12 \log 2\pi$.
    """
    if isinstance(var, (int, float)):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = xp.full_like(input, var)
    if var.shape != input.shape:
        if input.shape[:-1] == var.shape:
            var = xp.unsqueeze(var, -1)
        elif not (
            (len(input.shape) == len(var.shape) and input.shape[:-1] == var.shape[:-1]
             and var.shape[-1] == 1)
            or math.prod(var.shape) == 1
        ):  # fmt: skip
            raise ValueError(f"var is of incorrect size {list(var.shape)}")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    if input.dtype.kind not in "fc":
        raise RuntimeError(f"gaussian_nll_loss: no result can be cast to {input.dtype}")
    wrong = xp.first_where(xp.lt(var, 0), var)
    if wrong is not None:
        raise ValueError(f"var has negative entry/entries: {wrong}, of shape {list(var.shape)}")
    held = var.detach()
    var = var + (xp.clamp_min(held, eps) - held)  # the gradient does not see the bound
    difference = input - target
    loss = 0.5 * (xp.log(var) + difference * difference / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return xp.reduced(loss, reduction)


@gaussian_nll_loss.samples
def _(r):
    yield call(r(3, 4), r(3, 4), r(3, 4, low=0.1))
    yield call(r(3, 4), r(3, 4), r(3, low=0.1), True, 1e-4, "sum")
    yield call(r(3, 4), r(3, 4), 0.7)


@gaussian_nll_loss.reference
def _(np, input, target, var, full=False, eps=1e-6, reduction="mean"):
    var = np.asarray(var)
    var = np.maximum(var[..., None] if var.shape == input.shape[:-1] and var.ndim else var, eps)
    loss = (np.log(var) + (input - target) ** 2 / var) / 2 + full * np.log(2 * np.pi) / 2
    return _reference(np, loss, None, None, reduction)
