"""Activations: functions of single numbers between the layers of a network.

Sources: D.-A. Clevert et al., ICLR 2016 (elu); J. Barron, arXiv 1704.07483 (celu); G. Klambauer et
al., NeurIPS 2017 (selu); D. Hendrycks and K. Gimpel, arXiv 1606.08415 (gelu); D. Misra, BMVC 2020
(mish); A. Howard et al., ICCV 2019 (hardswish); K. He et al., ICCV 2015 (prelu); B. Xu et al.,
arXiv 1505.00853 (rrelu); Y. Dauphin et al., ICML 2017 (glu).
"""

import math

from pullback.op import Dim, Dtype, Plain, call, composite, opaque, pointwise

HOME = {"namespace": "nn.functional", "method": False, "inplace": False}


def _negative(xp, input):
    """The smaller of the input and 0; -0.0 stays what it is."""
    return xp.where(xp.gt(input, 0), 0, input)


def _exponential_unit(xp, input, slope, alpha, rate):
    """slope x above 0, slope alpha (e^(rate x) - 1) below."""
    below = xp.expm1(_negative(xp, input) * rate) * (slope * alpha)
    return xp.where(xp.gt(input, 0), input * slope, below)


def _exponential_slope(xp, input, slope, alpha, rate):
    below = xp.exp(_negative(xp, input) * rate) * (slope * alpha * rate)
    return xp.where(xp.gt(input, 0), slope, below)


@pointwise(**HOME, inplace_argument=True, dtypes="f")
def elu(xp, input, alpha: float = 1.0):
    r"""$x$ above 0, $\alpha\,(e^x - 1)$ below."""
    return _exponential_unit(xp, input, 1.0, alpha, 1.0)


@elu.backward("input")
def _(xp, g, input, alpha):
    return g * _exponential_slope(xp, input, 1.0, alpha, 1.0)


@elu.samples
def _(r):
    yield call(r(3, 4), 0.7)
    yield call(r(3), alpha=2)


@pointwise(
    aliases=("nn.functional.celu",), method=False, inplace=False, inplace_argument=True, dtypes="f"
)
def celu(xp, input, alpha: float = 1.0):
    r"""$\max(0, x) + \min(0, \alpha\,(e^{x/\alpha} - 1))$. RuntimeError for alpha = 0."""
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _exponential_unit(xp, input, 1.0, alpha, 1 / alpha)


@celu.backward("input")
def _(xp, g, input, alpha):
    return g * _exponential_slope(xp, input, 1.0, alpha, 1 / alpha)


@celu.samples
def _(r):
    yield call(r(3, 4), 0.7)
    yield call(r(3), alpha=2)


# The fixed point of mean 0 and variance 1: equation 14 of the paper.
SELU = (1.0507009873554804934193349852946, 1.6732632423543772848170429916717, 1.0)


@pointwise(
    node="Elu", aliases=("nn.functional.selu",), method=False, inplace=False,
    inplace_argument=True, dtypes="f",
)  # fmt: skip
def selu(xp, input):
    r"""$s x$ above 0, $s \alpha\,(e^x - 1)$ below: keeps mean 0 and variance 1."""
    return _exponential_unit(xp, input, *SELU)


@selu.backward("input")
def _(xp, g, input):
    return g * _exponential_slope(xp, input, *SELU)


@pointwise(**HOME, inplace_argument=True, dtypes="if", flat=True)
def hardtanh(xp, input, min_val: float = -1.0, max_val: float = 1.0):
    r"""The input cut off at two values; its slope at them is 0."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    if input.dtype.kind == "u" and min_val < 0:
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
    if input.dtype.kind in "iu":
        min_val, max_val = int(min_val), int(max_val)
    return xp.minimum(xp.maximum(input, min_val), max_val)


@hardtanh.backward("input")
def _(xp, g, input, min_val, max_val):
    outside = xp.logical_or(xp.le(input, min_val), xp.ge(input, max_val))
    return xp.where(outside, 0, g)


@hardtanh.samples
def _(r):
    yield call(r(3, 4), -0.5, 2.0)
    yield call(r(3), max_val=1.5)


@pointwise(**HOME, inplace_argument=True, node="Hardtanh", dtypes="if", flat=True)
def relu6(xp, input):
    r"""The input between 0 and 6."""
    return xp.minimum(xp.maximum(input, 0), 6)


@relu6.backward("input")
def _(xp, g, input):
    return xp.where(xp.logical_or(xp.le(input, 0), xp.ge(input, 6)), 0, g)


@relu6.samples
def _(r):
    yield call(r(3, 4) * 3)


@pointwise(**HOME, inplace_argument=True, dtypes="f", flat=True)
def leaky_relu(xp, input, negative_slope: float = 0.01):
    r"""$x$ above 0, a small slope below."""
    return xp.where(xp.gt(input, 0), input, input * negative_slope)


@leaky_relu.backward("input")
def _(xp, g, input, negative_slope):
    return xp.where(xp.gt(input, 0), g, g * negative_slope)


@leaky_relu.samples
def _(r):
    yield call(r(3, 4), 0.2)


@pointwise(public=False, node="PreluKernel", dtypes="f", flat=True)
def prelu_kernel(xp, input, weight):
    r"""$x$ above 0, a learned slope below."""
    return xp.where(xp.gt(input, 0), input, weight * input)


@prelu_kernel.backward("input")
def _(xp, g, input, weight):
    return xp.where(xp.gt(input, 0), g, g * weight)


@prelu_kernel.backward("weight")
def _(xp, g, input):
    return xp.where(xp.gt(input, 0), 0, g * input)


@composite(aliases=("nn.functional.prelu",))
def prelu(xp, input, weight):
    r"""$x$ above 0, a learned slope below: one, or one for each channel (axis 1).

    RuntimeError for another number of slopes, or another dtype.
    """
    if input.dtype != weight.dtype:
        raise RuntimeError(
            f"prelu: Type promoting not supported. Got {input.dtype} and {weight.dtype}"
        )
    channels = input.shape[1] if len(input.shape) > 1 else 1
    count = 1
    for n in weight.shape:
        count *= n
    if len(weight.shape) > 1 or (count != 1 and count != channels):
        raise RuntimeError(
            f"Mismatch of parameter numbers and input channel size. Found parameter numbers = "
            f"{list(weight.shape)} and channel size = {channels}."
        )
    if len(weight.shape) and len(input.shape) > 1:
        weight = xp.reshape(weight, *(count if k == 1 else 1 for k in range(len(input.shape))))
    elif len(weight.shape) and not len(input.shape):
        weight = xp.reshape(weight)
    return xp.prelu_kernel(input, weight)


@prelu.samples
def _(r):
    yield call(r(3, 4), r(4))
    yield call(r(2, 3, 2), r(1))
    yield call(r(3), r())


@prelu.reference
def _(np, input, weight):
    shape = [-1 if k == 1 else 1 for k in range(input.ndim)] if input.ndim > 1 else [-1]
    return np.where(input > 0, input, weight.reshape(shape) * input)


@opaque(public=False, random=True, derivative=False, leading=True)
def random_slopes(xp, input, lower: float, upper: float):
    r"""Uniform numbers where the input is not above 0, ones elsewhere."""
    drawn = xp.draw_uniform(input.shape, input.dtype, None) * (upper - lower) + lower
    return xp.cast(xp.where(xp.gt(input, 0), 1, drawn), input.dtype)


@random_slopes.samples
def _(r):
    yield call(r(3, 4), 0.1, 0.3)


@pointwise(public=False, node="RreluWithNoise", dtypes="f", flat=True)
def sloped(xp, input, slope):
    r"""The input times slopes that are constants."""
    return input * slope


@sloped.backward("input")
def _(xp, g, slope):
    return g * slope


@sloped.backward("slope")
def _(xp, g):
    return g * 0


@composite(
    aliases=("nn.functional.rrelu",), method=False, inplace_argument=True, random=True, dtypes="f"
)
def rrelu(
    xp, input, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False,
):  # fmt: skip
    r"""$x$ above 0; a slope below that is drawn for each number in training, the mean otherwise."""
    if not lower <= upper:
        raise RuntimeError(
            f"rrelu: Lower bound should be less than or equal to the upper bound, not {lower} and "
            f"{upper}"
        )
    if not training:
        return xp.nn_functional_leaky_relu(input, (lower + upper) / 2)
    if input.dtype.name == "float16":
        raise NotImplementedError("\"rrelu_with_noise_out_cpu\" not implemented for 'Half'")
    return xp.sloped(input, xp.random_slopes(input, lower, upper))


@rrelu.samples
def _(r):
    yield call(r(3, 4), 0.1, 0.3, True)


@composite(**HOME, node="Glu", dtypes="f")
def glu(xp, input, dim: Dim = -1):
    r"""$a\,\sigma(b)$ for the halves a and b of an axis. RuntimeError if its size is odd."""
    a, b = _halves(xp, input, dim)
    return a * xp.sigmoid(b)


def _halves(xp, input, dim):
    if not len(input.shape):
        raise RuntimeError("glu does not support 0-dimensional tensors")
    size = input.shape[dim]
    if size % 2:
        raise RuntimeError(
            f"Halving dimension must be even, but dimension {dim} is size {size} in the shape "
            f"{list(input.shape)}"
        )
    return xp.slice(input, dim, 0, size // 2, 1), xp.slice(input, dim, size // 2, size, 1)


@glu.backward("input")
def _(xp, g, input, dim):
    a, b = _halves(xp, input, dim)
    s = xp.sigmoid(b)
    return xp.cat([g * s, g * (a * (s * (1 - s)))], dim)


@glu.samples
def _(r):
    yield call(r(3, 4))
    yield call(r(2, 3), 0)


@glu.reference
def _(np, input, dim=-1):
    a, b = np.split(input, 2, dim)
    return a / (1 + np.exp(-b))


@pointwise(**HOME, dtypes="f")
def gelu(xp, input, *, approximate: Plain = "none"):
    r"""$x\,\Phi(x)$, with the normal distribution function; `approximate="tanh"`: close to it."""
    if approximate == "tanh":
        return input * (0.5 * (1 + xp.tanh(_gelu_inside(input))))
    if approximate != "none":
        raise RuntimeError(f"approximate argument must be either none or tanh, not {approximate!r}")
    return input * (0.5 * (1 + xp.erf(input * 0.7071067811865476)))  # 1 / sqrt 2


def _gelu_inside(x):
    return (x + x * x * x * 0.044715) * 0.7978845608028654  # sqrt(2 / pi)


@gelu.backward("input")
def _(xp, g, input, approximate):
    if approximate == "tanh":
        t = xp.tanh(_gelu_inside(input))
        slope = (input * input * 0.134145 + 1) * 0.7978845608028654
        return g * (0.5 * (1 + t) + input * (0.5 * ((1 - t * t) * slope)))
    normal = xp.exp(input * input * -0.5) * 0.3989422804014327  # 1 / sqrt(2 pi)
    return g * (0.5 * (1 + xp.erf(input * 0.7071067811865476)) + input * normal)


@gelu.samples
def _(r):
    yield call(r(3, 4), approximate="tanh")


@gelu.reference
def _(np, input, *, approximate="none"):
    if approximate == "tanh":
        inside = np.sqrt(2 / np.pi) * (input + 0.044715 * input**3)
        return 0.5 * input * (1 + np.tanh(inside))
    return 0.5 * input * (1 + np.vectorize(math.erf, otypes=[float])(input / np.sqrt(2)))


@pointwise(**HOME, inplace_argument=True, dtypes="fc")
def silu(xp, input):
    r"""$x\,\sigma(x)$; also called swish."""
    return input * xp.sigmoid(input)


@silu.backward("input")
def _(xp, g, input):
    s = xp.sigmoid(input)
    return g * (s * (1 + input * (1 - s)))


def _softplus(xp, x):
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x)))


@pointwise(**HOME, inplace_argument=True, dtypes="f")
def mish(xp, input):
    r"""$x \tanh(\log(1 + e^x))$."""
    return input * xp.tanh(_softplus(xp, input))


@mish.backward("input")
def _(xp, g, input):
    t = xp.tanh(_softplus(xp, input))
    return g * (t + input * ((1 - t * t) * xp.sigmoid(input)))


@pointwise(**HOME, inplace_argument=True, dtypes="f")
def hardswish(xp, input):
    r"""$x \min(\max(x + 3, 0), 6) / 6$."""
    return input * xp.minimum(xp.maximum(input + 3, 0), 6) / 6


@hardswish.backward("input")
def _(xp, g, input):
    middle = g * (input / 3 + 0.5)
    return xp.where(xp.le(input, -3), 0, xp.where(xp.lt(input, 3), middle, g))


@hardswish.samples
def _(r):
    yield call(r(3, 4) * 2)


@pointwise(**HOME, inplace_argument=True, dtypes="f")
def hardsigmoid(xp, input):
    r"""$\min(\max(x + 3, 0), 6) / 6$."""
    return xp.minimum(xp.maximum(input + 3, 0), 6) / 6


@hardsigmoid.backward("input")
def _(xp, g, input):
    inside = xp.logical_and(xp.gt(input, -3), xp.lt(input, 3))
    return xp.where(inside, g / 6, 0)


@hardsigmoid.samples
def _(r):
    yield call(r(3, 4) * 2)


@pointwise(**HOME, node="LogSigmoid", dtypes="f")
def logsigmoid(xp, input):
    r"""$\log \sigma(x) = -\log(1 + e^{-x})$, without overflow."""
    return xp.minimum(input, 0) - xp.log1p(xp.exp(-xp.abs(input)))


@logsigmoid.backward("input")
def _(xp, g, input):
    return g * xp.sigmoid(-input)


@pointwise(**HOME, dtypes="f")
def softplus(xp, input, beta: float = 1.0, threshold: float = 20.0):
    r"""$\log(1 + e^{\beta x}) / \beta$; $x$ where $\beta x$ is above the threshold."""
    scaled = input if beta == 1 else input * beta
    y = _softplus(xp, scaled)
    return xp.where(xp.gt(scaled, threshold), input, y if beta == 1 else y / beta)


@softplus.backward("input")
def _(xp, g, input, beta, threshold):
    scaled = input * beta
    return xp.where(xp.gt(scaled, threshold), g, g * xp.sigmoid(scaled))


@softplus.samples
def _(r):
    yield call(r(3, 4), 2.0)
    yield call(r(3, 4), 0.5, 1.0)


@composite(**HOME)
def softsign(xp, input):
    r"""$x / (1 + |x|)$."""
    return input / (xp.abs(input) + 1)


@softsign.samples
def _(r):
    yield call(r(3, 4))


@softsign.reference
def _(np, input):
    return input / (1 + np.abs(input))


@composite(**HOME)
def tanhshrink(xp, input):
    r"""$x - \tanh x$."""
    return input - xp.tanh(input)


@tanhshrink.samples
def _(r):
    yield call(r(3, 4))


@tanhshrink.reference
def _(np, input):
    return input - np.tanh(input)


@pointwise(**HOME, dtypes="f", flat=True)
def softshrink(xp, input, lambd: float = 0.5):
    r"""The input moved towards 0 by `lambd`, not past it. RuntimeError for a negative one."""
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}")
    moved = xp.where(xp.lt(input, -lambd), input + lambd, input * 0)
    return xp.where(xp.gt(input, lambd), input - lambd, moved)


@softshrink.backward("input")
def _(xp, g, input, lambd):
    inside = xp.logical_and(xp.ge(input, -lambd), xp.le(input, lambd))
    return xp.where(inside, 0, g)


@softshrink.samples
def _(r):
    yield call(r(3, 4), 1.0)


@pointwise(aliases=("nn.functional.hardshrink",), inplace=False, dtypes="f", flat=True)
def hardshrink(xp, input, lambd: float = 0.5):
    r"""0 between ±`lambd`, the input elsewhere."""
    inside = xp.logical_and(xp.ge(input, -lambd), xp.le(input, lambd))
    return xp.where(inside, 0, input)


@hardshrink.backward("input")
def _(xp, g, input, lambd):
    inside = xp.logical_and(xp.ge(input, -lambd), xp.le(input, lambd))
    return xp.where(inside, 0, g)


@hardshrink.samples
def _(r):
    yield call(r(3, 4), 1.0)


@pointwise(
    aliases=("nn.functional.threshold",), method=False, inplace=False, inplace_argument=True,
    dtypes="if", domain=None, flat=True,
)  # fmt: skip
def threshold(xp, input, threshold: float, value: float):
    r"""The input where it is above a threshold, a value elsewhere."""
    if input.dtype.kind in "iu":
        threshold, value = int(threshold), int(value)
        if input.dtype.kind == "u" and value < 0:
            raise RuntimeError(
                f"threshold: value cannot be converted to type {input.dtype} without overflow: "
                f"{value}"
            )
    return xp.where(xp.le(input, threshold), value, input)


@threshold.backward("input")
def _(xp, g, input, threshold):
    return xp.where(xp.le(input, threshold), 0, g)


@threshold.samples
def _(r):
    yield call(r(3, 4), 0.5, -1.0)


def _last_or_first(name, dim, rank):
    """The axis that is meant where none is said: as PyTorch guesses it."""
    return (0 if rank in (0, 1, 3) else 1) if dim is None else dim


@composite(**HOME, name="softmax_of_layers", public_name="softmax")
def softmax_of_layers(
    xp, input, dim: Plain = None, _stacklevel: int = 3, dtype: Dtype = None
):  # fmt: skip
    r"""$e^{x_i} / \sum_j e^{x_j}$ along one axis."""
    dim = _last_or_first("softmax", dim, len(input.shape))
    return xp.softmax(input, dim, dtype=dtype)


@composite(**HOME, name="log_softmax_of_layers", public_name="log_softmax")
def log_softmax_of_layers(
    xp, input, dim: Plain = None, _stacklevel: int = 3, dtype: Dtype = None
):  # fmt: skip
    r"""$x_i - \log \sum_j e^{x_j}$ along one axis."""
    dim = _last_or_first("log_softmax", dim, len(input.shape))
    return xp.log_softmax(input, dim, dtype=dtype)


@composite(**HOME)
def softmin(xp, input, dim: Plain = None, _stacklevel: int = 3, dtype: Dtype = None):
    r"""$e^{-x_i} / \sum_j e^{-x_j}$ along one axis."""
    dim = _last_or_first("softmin", dim, len(input.shape))
    return xp.softmax(-input, dim, dtype=dtype)


@softmax_of_layers.samples
@log_softmax_of_layers.samples
@softmin.samples
def _(r):
    yield call(r(3, 4), 1)
    yield call(r(2, 3, 2), -1, 5, r.float64)
    yield call(r(2, 3))


@softmax_of_layers.reference
def _(np, input, dim=1, _stacklevel=3, dtype=None):
    return np.exp(input) / np.sum(np.exp(input), axis=dim, keepdims=True)


@log_softmax_of_layers.reference
def _(np, input, dim=1, _stacklevel=3, dtype=None):
    return input - np.log(np.sum(np.exp(input), axis=dim, keepdims=True))


@softmin.reference
def _(np, input, dim=1, _stacklevel=3, dtype=None):
    return np.exp(-input) / np.sum(np.exp(-input), axis=dim, keepdims=True)


@composite(**HOME, random=True, dtypes="f")
def gumbel_softmax(
    xp, logits, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: Dim = -1,
):  # fmt: skip
    r"""Draws from a distribution by its logits, softened: E. Jang et al., ICLR 2017.

    `hard`: one-hot vectors, with the gradient of the softened ones.
    """
    noise = -xp.log(-xp.log1p(-xp.rand(*logits.shape, dtype=logits.dtype)))
    soft = xp.softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    first = xp.argmax(soft.detach(), dim, keepdim=True)
    ones = xp.ones(*first.shape, dtype=soft.dtype)
    return xp.scatter_zeros(ones, dim, first, tuple(soft.shape)) - soft.detach() + soft


@gumbel_softmax.samples
def _(r):
    yield call(r(3, 4), 0.5, dim=0)
    yield call(r(3, 4), hard=False, eps=1e-9)
    yield call(r(5, 3), 1.0, True)
