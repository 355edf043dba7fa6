"""Channels exchanged for pixels, and among each other.

Sources: W. Shi et al., CVPR 2016 (pixels); X. Zhang et al., CVPR 2018 (channels).
"""

from pullback.op import call, opaque


def _check_factor(name, what, factor, input):
    if len(input.shape) < 3:
        raise RuntimeError(
            f"{name} expects input to have at least 3 dimensions, but got input with "
            f"{len(input.shape)} dimension(s): {list(input.shape)}"
        )
    if factor <= 0:
        raise RuntimeError(f"{name} expects a positive {what}, but got {factor}")


def _shuffled(xp, input, factor):
    *lead, channels, height, width = input.shape
    _check_factor("pixel_shuffle", "upscale_factor", factor, input)
    if channels % factor**2:
        raise RuntimeError(
            f"pixel_shuffle expects its input's 'channel' dimension to be divisible by the square "
            f"of upscale_factor, but input.size(-3)={channels} is not divisible by {factor**2}"
        )
    left, k = channels // factor**2, len(lead)
    x = xp.reshape(input, *lead, left, factor, factor, height, width)
    x = xp.permute(x, *range(k), k, k + 3, k + 1, k + 4, k + 2)
    return xp.reshape(x, *lead, left, height * factor, width * factor)


def _unshuffled(xp, input, factor):
    *lead, channels, height, width = input.shape
    _check_factor("pixel_unshuffle", "downscale_factor", factor, input)
    for what, axis, size in (("height", -2, height), ("width", -1, width)):
        if size % factor:
            raise RuntimeError(
                f"pixel_unshuffle expects {what} to be divisible by downscale_factor, but "
                f"input.size({axis})={size} is not divisible by {factor}"
            )
    k = len(lead)
    x = xp.reshape(input, *lead, channels, height // factor, factor, width // factor, factor)
    x = xp.permute(x, *range(k), k, k + 2, k + 4, k + 1, k + 3)
    return xp.reshape(x, *lead, channels * factor**2, height // factor, width // factor)


@opaque(aliases=("nn.functional.pixel_shuffle",), method=False, leading=True)
def pixel_shuffle(xp, input, upscale_factor: int):
    r"""Images (…, c r², h, w) as larger ones with fewer channels, (…, c, h r, w r).

    Channel $c r^2 + i r + j$ has the pixels at (i, j) of all r × r squares of channel c.
    RuntimeError for fewer than three axes, or channels that r² does not divide.
    """
    return _shuffled(xp, input, upscale_factor)


@opaque(aliases=("nn.functional.pixel_unshuffle",), method=False, leading=True)
def pixel_unshuffle(xp, input, downscale_factor: int):
    r"""The inverse of `pixel_shuffle`: (…, c, h r, w r) as (…, c r², h, w).

    RuntimeError for fewer than three axes, or sizes that r does not divide.
    """
    return _unshuffled(xp, input, downscale_factor)


@pixel_shuffle.formula
def _(xp, input, upscale_factor):
    return _shuffled(xp, input, upscale_factor)


@pixel_unshuffle.formula
def _(xp, input, downscale_factor):
    return _unshuffled(xp, input, downscale_factor)


@pixel_shuffle.backward("input")
def _(xp, g, upscale_factor):
    return xp.pixel_unshuffle(g, upscale_factor)


@pixel_unshuffle.backward("input")
def _(xp, g, downscale_factor):
    return xp.pixel_shuffle(g, downscale_factor)


@pixel_shuffle.samples
def _(r):
    yield call(r(2, 8, 2, 3), 2)
    yield call(r(9, 1, 2), upscale_factor=3)
    yield call(r(3, 2, 1, 4, 2, 2), 1)


@pixel_unshuffle.samples
def _(r):
    yield call(r(2, 3, 4, 2), 2)
    yield call(r(1, 3, 6), downscale_factor=3)
    yield call(r(3, 2, 1, 4, 2, 2), 1)


@pixel_shuffle.reference
def _(np, input, upscale_factor):
    r = upscale_factor
    *lead, channels, height, width = input.shape
    y = np.zeros((*lead, channels // r**2, height * r, width * r), input.dtype)
    for c, i, j in np.ndindex(y.shape[-3:]):
        y[..., c, i, j] = input[..., (c * r + i % r) * r + j % r, i // r, j // r]
    return y


@pixel_unshuffle.reference
def _(np, input, downscale_factor):
    r = downscale_factor
    *lead, channels, height, width = input.shape
    y = np.zeros((*lead, channels * r**2, height // r, width // r), input.dtype)
    for c, i, j in np.ndindex(input.shape[-3:]):
        y[..., (c * r + i % r) * r + j % r, i // r, j // r] = input[..., c, i, j]
    return y


# ------------------------------------------------------------------------------------ channels


def _dealt(xp, input, groups, axis):
    """The channels along an axis, the first ones of each group, then the second ones…"""
    *lead, channels = input.shape[: axis + 1]
    rest = input.shape[axis + 1 :]
    x = xp.reshape(input, *lead, groups, channels // groups, *rest)
    x = xp.permute(x, *range(axis), axis + 1, axis, *range(axis + 2, len(input.shape) + 1))
    return xp.reshape(x, *input.shape)


@opaque(
    aliases=(
        "native_channel_shuffle", "nn.functional.channel_shuffle",
        "nn.functional.native_channel_shuffle",
    ),
    method=False,
)  # fmt: skip
def channel_shuffle(xp, input, groups: int):
    r"""The channels of (b, c, …) in another order: the first of each group, then the second, ….

    RuntimeError for fewer than three axes, or channels that `groups` does not divide.
    """
    if len(input.shape) < 3:
        raise RuntimeError(
            f"channel_shuffle expects input with > 2 dims, but got input with sizes "
            f"{list(input.shape)}"
        )
    if groups <= 0:
        raise RuntimeError(
            f"channel_shuffle: Number of groups to divide channels in must be positive. Value of "
            f"groups:{groups}"
        )
    if input.shape[1] % groups:
        raise RuntimeError(
            f"channel_shuffle: Number of channels must be divisible by groups. Got "
            f"{input.shape[1]} channels and {groups} groups, for an input of shape "
            f"{list(input.shape)}"
        )
    return _dealt(xp, input, groups, 1)


@channel_shuffle.formula
def _(xp, input, groups):
    return _dealt(xp, input, groups, 1)


@channel_shuffle.examples
def _(xp, input, groups):
    return _dealt(xp, input, groups, 2)


@channel_shuffle.backward("input")
def _(xp, g, groups):
    return xp.channel_shuffle(g, g.shape[1] // groups) if g.shape[1] else g


@channel_shuffle.samples
def _(r):
    yield call(r(2, 6, 2, 1), 3)
    yield call(r(1, 4, 3), groups=2)
    yield call(r(2, 3, 1, 2, 2), 1)


@channel_shuffle.reference
def _(np, input, groups):
    order = np.arange(input.shape[1]).reshape(groups, -1).T.reshape(-1)
    return input[:, order]
