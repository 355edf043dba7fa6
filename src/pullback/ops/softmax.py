"""Sums of exponentials, and what they are the measure of: logsumexp, softmax.

In rules, `g` and `y` come with the reduced axes of size 1, so that they broadcast with the input.
"""

from math import inf

from pullback.op import Dim, Dims, Dtype, all_examples, call, composite, opaque, reduction

ALONE = 16  # other axes of at most this size are no loops beside a long one


@reduction(state="m s", floating=True, optional_dim=False, public=False)
def logsumexp(xp, input, dim):
    r"""$\log \sum_i e^{x_i}$ over axes, without overflow; exact for infinite elements."""
    size = xp.real(input)
    m = xp.amax(size, dim, keepdim=True) if 0 not in input.shape else xp.max_or(size, dim, -inf)
    return m, xp.sum(xp.exp(input - xp.finite_or_zero(m)), dim, keepdim=True)


@logsumexp.combine
def _(xp, a, b):
    m = xp.maximum(a.m, b.m)
    c = xp.finite_or_zero(m)
    return m, a.s * xp.exp(a.m - c) + b.s * xp.exp(b.m - c)


@logsumexp.finish
def _(xp, m, s):
    return xp.finite_or_zero(m) + xp.log(s)


@logsumexp.formula
def _(xp, input, dim, keepdim):
    long = [d for d in dim if input.shape[d] > 1]
    if len(long) <= 1:
        rest = [s for k, s in enumerate(input.shape) if k not in long]
        others = max(rest, default=1)
        if others > ALONE or not long or (others > 1 and input.shape[long[0]] <= ALONE):
            return None
        # The axis is the only loop: its largest element comes first, in a pass of its own.
        largest = xp.finite_or_zero(xp.amax(input, long, True))
        y = xp.log(xp.sum(xp.exp(input - largest), long, True)) + largest
        return y if keepdim else xp.squeeze(y, tuple(dim))
    for d in long:  # one axis after the other
        input = xp.logsumexp(input, d, True)
    return input if keepdim else xp.squeeze(input, tuple(dim))


@logsumexp.backward("input")
def _(xp, g, y, input):
    return g * xp.exp(input - xp.finite_or_zero(y))


@composite(name="logsumexp_function", public_name="logsumexp", aliases=("special.logsumexp",))
def logsumexp_function(xp, input, dim: Dims, keepdim: bool = False):
    r"""$\log \sum_i e^{x_i}$ over axes, without overflow; exact for infinite elements."""
    return xp.logsumexp(input * 1.0 if input.dtype.kind in "bui" else input, dim, keepdim)


@logsumexp_function.samples
def _(r):
    yield call(r(3, 4), 0)
    yield call(r(2, 3, 2), (0, -1), True)
    yield call(100 * r(3, 4), dim=1, keepdim=True)
    yield call(r(), 0)
    yield call(r(0, 3), 0)


@logsumexp_function.reference
def _(np, input, dim, keepdim=False):
    if not input.ndim:
        return input
    top = np.max(input.real, axis=dim, keepdims=True, initial=-inf)
    top = np.where(np.isfinite(top), top, 0)
    y = top + np.log(np.sum(np.exp(input - top), axis=dim, keepdims=True))
    return y if keepdim else np.squeeze(y, dim)


def _floating(xp, name, input, dtype):
    x = input if dtype is None else xp.cast(input, dtype.numpy)
    if x.dtype.kind != "f":
        raise NotImplementedError(
            f'"{name}" not implemented for {x.dtype}: convert the tensor of shape '
            f"{list(x.shape)} with .float(), or say dtype="
        )
    return x


def _log_softmax(xp, name, input, dim, dtype):
    x = _floating(xp, name, input, dtype)
    if not xp.is_eager:
        return x - xp.logsumexp(x, dim, keepdim=True)
    return xp.log_softmax_array(x, dim)


@composite(aliases=("special.softmax",), in_order=True, library=True)
def softmax(xp, input, dim: Dim, *, dtype: Dtype = None):
    r"""$e^{x_i} / \sum_j e^{x_j}$ along one axis."""
    if not xp.is_eager:  # one loop finds the sum, however large the tensor; what uses it, the rest
        return xp.exp(_log_softmax(xp, "softmax", input, dim, dtype))
    return xp.softmax_array(_floating(xp, "softmax", input, dtype), dim)


@softmax.backward("input")
def _(xp, g, y, dim):
    if not (xp.records or xp.divides(y)):
        return xp.softmax_back(g, y, dim)
    product = g * y
    return product - y * xp.sum(product, dim, keepdim=True)


@softmax.samples
def _(r):
    yield call(r(3, 4), 0)
    yield call(100 * r(3, 4), -1)
    yield call(r(), 0)
    yield call(r(3), 0, dtype=r.float64)


@softmax.reference
def _(np, input, dim, *, dtype=None):
    return np.exp(input) / np.sum(np.exp(input), axis=dim, keepdims=True)


@composite(aliases=("special.log_softmax",), in_order=True, library=True)
def log_softmax(xp, input, dim: Dim, *, dtype: Dtype = None):
    r"""$x_i - \log \sum_j e^{x_j}$ along one axis."""
    return _log_softmax(xp, "log_softmax", input, dim, dtype)


@log_softmax.backward("input")
def _(xp, g, y, dim):
    if not (xp.records or xp.divides(y)):
        return xp.log_softmax_back(g, y, dim)
    return g - xp.exp(y) * xp.sum(g, dim, keepdim=True)


@log_softmax.samples
def _(r):
    yield call(r(3, 4), 0)
    yield call(100 * r(3, 4), -1)
    yield call(r(), 0)
    yield call(r(3), 0, dtype=r.float64)


@log_softmax.reference
def _(np, input, dim, *, dtype=None):
    return input - np.log(np.sum(np.exp(input), axis=dim, keepdims=True))


# ----------------------------------------------------------------------- what rules give arrays


@opaque(public=False, derivative=False)
def softmax_back(xp, input, y, dim: Dim):
    r"""The cotangent of softmax's argument, from its result y."""
    return xp.softmax_back_array(input, y, dim)


@opaque(public=False, derivative=False)
def log_softmax_back(xp, input, y, dim: Dim):
    r"""The same of log-softmax."""
    return xp.log_softmax_back_array(input, y, dim)


@softmax_back.examples
def _(xp, input, y, dim):
    return xp.softmax_back(*all_examples(xp, [input, y]), dim + 1)


@log_softmax_back.examples
def _(xp, input, y, dim):
    return xp.log_softmax_back(*all_examples(xp, [input, y]), dim + 1)


@softmax_back.samples
@log_softmax_back.samples
def _(r):
    yield call(r(3, 4), r(3, 4), 1)
