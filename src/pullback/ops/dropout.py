"""Dropout: elements, or whole channels, set to zero at random.

Sources: N. Srivastava et al., JMLR 2014; J. Tompson et al., CVPR 2015 (channels); G. Klambauer et
al., NeurIPS 2017 (alpha).
"""

import math

from pullback.op import call, composite

HOME = {"namespace": "nn.functional", "method": False, "inplace_argument": True, "random": True}


def _check(p):
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _kept(xp, input, p, channels):
    """Ones with probability 1 - p, for elements or for channels (the first two axes)."""
    shape = input.shape
    if channels:
        shape = (*shape[:2], *(1,) * (len(shape) - 2))
    return xp.bernoulli(xp.full(tuple(shape), 1 - p, dtype=input.dtype))


@composite(public=False, random=True)
def drop_(xp, input, p: float, channels: bool):
    r"""The input with elements set to zero, divided by what is left."""
    if p == 0:
        return input * 1
    if p == 1:
        return input * xp.zeros_like(input)
    return input * (_kept(xp, input, p, channels) / (1 - p))


@drop_.samples
def _(r):
    yield call(r(3, 4), 0.3, False)


# Of the normalised saturation of selu, -scale times alpha.
SATURATION = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717


@composite(public=False, random=True)
def drop_to_saturation(xp, input, p: float, channels: bool):
    r"""Elements set to selu's saturation, and an affine map that keeps mean and variance."""
    if p == 0:
        return input * 1
    if p == 1:
        return input * xp.zeros_like(input)
    a = 1 / math.sqrt((1 - p) * (1 + p * SATURATION**2))
    kept = _kept(xp, input, p, channels)
    return input * (kept * a) + ((1 - kept) * (a * SATURATION) - a * SATURATION * p)


@drop_to_saturation.samples
def _(r):
    yield call(r(3, 4), 0.3, False)


def _floating(input):
    if input.dtype.kind not in "fc":
        raise RuntimeError(f"dropout: result type Float can't be cast to {input.dtype}")


@composite(**HOME)
def dropout(xp, input, p: float = 0.5, training: bool = True):
    r"""In training, elements are zero with probability p, the others divided by 1 - p."""
    _check(p)
    if not training:
        return input
    _floating(input)
    return xp.drop_(input, p, False)


def _channels(xp, name, input, p, training, ranks):
    _check(p)
    if len(input.shape) not in ranks:
        raise RuntimeError(
            f"{name}: Expected {' or '.join(map(str, ranks))}-D input, but received a "
            f"{len(input.shape)}-D input"
        )
    if not training:
        return input
    _floating(input)
    single = len(input.shape) == ranks[0] and name == "dropout1d"
    if not single:
        return xp.drop_(input, p, True)
    return xp.squeeze(xp.drop_(xp.unsqueeze(input, 0), p, True), 0)


@composite(**HOME)
def dropout1d(xp, input, p: float = 0.5, training: bool = True):
    r"""In training, whole channels of (b, c, n) or (c, n) are zero with probability p."""
    return _channels(xp, "dropout1d", input, p, training, (2, 3))


@composite(**HOME)
def dropout2d(xp, input, p: float = 0.5, training: bool = True):
    r"""In training, whole channels of (b, c, h, w) are zero with probability p."""
    return _channels(xp, "dropout2d", input, p, training, (3, 4))


@composite(**HOME)
def dropout3d(xp, input, p: float = 0.5, training: bool = True):
    r"""In training, whole channels of (b, c, d, h, w) are zero with probability p."""
    return _channels(xp, "dropout3d", input, p, training, (4, 5))


@composite(**HOME)
def alpha_dropout(xp, input, p: float = 0.5, training: bool = False):
    r"""Dropout that keeps mean and variance, for layers with `selu`."""
    _check(p)
    if not training:
        return input
    _floating(input)
    return xp.drop_to_saturation(input, p, False)


@composite(**HOME)
def feature_alpha_dropout(xp, input, p: float = 0.5, training: bool = False):
    r"""`alpha_dropout` of whole channels."""
    _check(p)
    if not training:
        return input
    _floating(input)
    if len(input.shape) < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return xp.drop_to_saturation(input, p, True)


@dropout.samples
def _(r):
    yield call(r(3, 4), 0.3, True)
    yield call(r(2), 0.3, False)


@alpha_dropout.samples
def _(r):
    yield call(r(3, 4), 0.3, True)


@dropout1d.samples
@feature_alpha_dropout.samples
def _(r):
    yield call(r(8, 9, 2), 0.3, True)
    yield call(r(1, 1, 2), 0.3, False)


@dropout2d.samples
def _(r):
    yield call(r(8, 9, 2, 2), 0.3, True)
    yield call(r(1, 1, 1, 2), 0.3, False)


@dropout3d.samples
def _(r):
    yield call(r(8, 9, 2, 1, 2), 0.3, True)
    yield call(r(1, 1, 1, 1, 2), 0.3, False)
