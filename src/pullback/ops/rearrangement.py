"""The same elements elsewhere: reversed, rolled, padded, side by side."""

from pullback.op import Ints, Number, Plain, call, composite, opaque, visible_axes, wrap_dim


@opaque(in_order=False)
def flip(xp, input, *dims: Ints):
    r"""Elements in reverse order along the axes: a copy."""
    rank = len(input.shape)
    order = [wrap_dim(d, rank, "flip") for d in dims]
    if len(set(order)) != len(order):
        raise RuntimeError(f"flip: dim {dims} has an axis several times")
    return xp.flip(input, *(order if rank else ()))


@flip.examples
def _(xp, input, dims):
    rank = len(input.shape) - 1
    return xp.flip(input, tuple(d % rank + 1 for d in dims)) if rank else xp.clone(input)


@flip.formula
def _(xp, input, dims):
    rank = len(input.shape)
    for d in dims:
        size = input.shape[d]
        input = xp.moved(input, d % rank, xp.number(size - 1) - xp.positions(size, d % rank, rank))
    return input


@flip.backward("input")
def _(xp, g, dims):
    return xp.flip(g, *dims)


@flip.samples
def _(r):
    yield call(r(2, 3), 0)
    yield call(r(2, 3), (0, -1))
    yield call(r(3), 0)
    yield call(r(0, 2), 0)


@flip.reference
def _(np, input, *dims):
    return np.flip(input, dims[0])


@composite()
def fliplr(xp, input):
    r"""`flip` of axis 1."""
    if len(input.shape) < 2:
        raise RuntimeError(f"Input must be >= 2-d, not of shape {list(input.shape)}")
    return xp.flip(input, 1)


@composite()
def flipud(xp, input):
    r"""`flip` of axis 0."""
    if not input.shape:
        raise RuntimeError("Input must be >= 1-d, not of shape []")
    return xp.flip(input, 0)


@fliplr.samples
@flipud.samples
def _(r):
    yield call(r(2, 3))
    yield call(r(2, 3, 2))


@fliplr.reference
def _(np, input):
    return np.fliplr(input)


@flipud.reference
def _(np, input):
    return np.flipud(input)


def _turned(xp, input, k, dims):
    first, second = dims
    if k % 4 == 0:
        return xp.clone(input)
    if k % 4 == 2:
        return xp.flip(input, first, second)
    return xp.transpose(xp.flip(input, second if k % 4 == 1 else first), first, second)


@opaque(in_order=False)
def rot90(xp, input, k: int = 1, dims: Ints = (0, 1)):
    r"""The plane of two axes turned by k quarters of a circle, from the first to the second."""
    rank = len(input.shape)
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if rank < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {rank}")
    first, second = dims
    if first == second or abs(first - second) == rank:
        raise RuntimeError(
            f"expected rotation dims to be different, but got dim0 = {first} and dim1 = {second}"
        )
    wrap_dim(first, rank, "rot90"), wrap_dim(second, rank, "rot90")
    return _turned(xp, input, k, dims)


@rot90.examples
def _(xp, input, k, dims):
    rank = len(input.shape) - 1
    if rank < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {rank}")
    return xp.rot90(input, k, tuple(wrap_dim(d, rank, "rot90") + 1 for d in dims))


@rot90.formula
def _(xp, input, k, dims):
    return _turned(xp, input, k, dims)


@rot90.backward("input")
def _(xp, g, k, dims):
    return xp.rot90(g, -k, dims)


@rot90.samples
def _(r):
    yield call(r(2, 3))
    yield call(r(2, 3), 2)
    yield call(r(2, 3, 2), -1, [1, -1])
    yield call(r(2, 3), 4, dims=(1, 0))


@rot90.reference
def _(np, input, k=1, dims=(0, 1)):
    return np.rot90(input, k, dims)


@opaque()
def roll(xp, input, shifts: Plain, dims=None):
    r"""Elements moved along axes, those that leave coming back at the other end."""
    shifts = shifts if isinstance(shifts, (tuple, list)) else (shifts,)
    if not all(hasattr(s, "__index__") for s in shifts):
        raise TypeError(f"roll(): argument 'shifts' must be tuple of ints, not {shifts!r}")
    if dims is None or dims == ():
        if len(shifts) != 1:
            raise RuntimeError(f"roll: {len(shifts)} shifts {shifts} for the flattened tensor")
        return xp.roll_array(input, shifts[0], None)
    dims = dims if isinstance(dims, (tuple, list)) else (dims,)
    dims = tuple(wrap_dim(d, len(input.shape), "roll") for d in dims)
    if len(shifts) != len(dims):
        raise RuntimeError(
            f"roll: shifts and dimensions must align. shifts: {len(shifts)}, dims: {len(dims)}"
        )
    return xp.roll_array(input, shifts, dims) if input.shape else xp.copy(input)


@roll.examples
def _(xp, input, shifts, dims=None):
    shifts = shifts if isinstance(shifts, (tuple, list)) else (shifts,)
    if dims is None or dims == ():
        return xp.reshape(xp.roll(xp.flatten(input, 1), shifts, 1), *input.shape)
    rank = len(input.shape) - 1
    dims = dims if isinstance(dims, (tuple, list)) else (dims,)
    return xp.roll(input, shifts, tuple(d % rank + 1 for d in dims))


@roll.formula
def _(xp, input, shifts, dims=None):
    rank = len(input.shape)
    shifts = shifts if isinstance(shifts, (tuple, list)) else (shifts,)
    if dims is None or dims == ():
        return xp.reshape(xp.roll(xp.reshape(input, -1), shifts, (0,)), *input.shape)
    for shift, d in zip(shifts, dims if isinstance(dims, (tuple, list)) else (dims,), strict=True):
        d %= rank
        size = input.shape[d]
        at = xp.positions(size, d, rank) + xp.number(size - shift % size)
        input = xp.moved(input, d, xp.remainder(at, xp.number(size)))
    return input


@roll.backward("input")
def _(xp, g, shifts, dims):
    back = tuple(-s for s in shifts) if isinstance(shifts, (tuple, list)) else -shifts
    return xp.roll(g, back, dims)


@roll.samples
def _(r):
    yield call(r(2, 3), 1)
    yield call(r(2, 3), (1, -2), (0, 1))
    yield call(r(2, 3), -1, 1)
    yield call(r(2, 3), shifts=5, dims=0)


@roll.reference
def _(np, input, shifts, dims=None):
    return np.roll(input, shifts, dims)


def _margins(input, pad):
    """(before, after) for each axis; RuntimeError for paddings that do not fit."""
    rank = len(input.shape)
    if len(pad) % 2:
        raise RuntimeError(f"Length of pad must be even but instead it equals {len(pad)}")
    if len(pad) > 2 * rank:
        raise RuntimeError(
            "Length of pad should be no more than twice the number of dimensions of the input. "
            f"Pad length is {len(pad)} while the input has {rank} dimensions."
        )
    margins = [(0, 0)] * (rank - len(pad) // 2)
    margins += [(pad[k], pad[k + 1]) for k in range(len(pad) - 2, -1, -2)]
    for k, (size, (before, after)) in enumerate(zip(input.shape, margins, strict=True)):
        if size + before + after < 0:
            raise RuntimeError(
                f"The input size {size}, plus negative padding {before} and {after}, resulted in "
                f"a negative output size, which is invalid. Check dimension {k} of your input."
            )
    return margins


@opaque(method=False, affine=True)
def constant_pad_nd(xp, input, pad: Ints, value: Number = 0):
    r"""The tensor with a margin of one value.

    `pad` is (before, after) for the last axis, then for the one before it, and so on; negative
    numbers cut off. RuntimeError for an odd number of them, more than there are axes, and cuts
    that are larger than the axis.
    """
    return xp.pad_constant(input, _margins(input, pad), value)


@constant_pad_nd.examples
def _(xp, input, pad, value):
    return xp.constant_pad_nd(input, pad, value)


@constant_pad_nd.grows
def _(xp, input, pad, value):
    margins = _margins(input, pad)
    return tuple(a + s + b for s, (a, b) in zip(input.shape, margins, strict=True))


@constant_pad_nd.formula
def _(xp, input, pad, value):
    rank = len(input.shape)
    inside = None
    for k, (before, after) in enumerate(_margins(input, pad)):
        size = input.shape[k]
        if not before and not after:
            continue
        if not before + size + after:
            return xp.not_lowerable("nothing to compute")
        at = xp.positions(before + size + after, k, rank) - xp.number(before)
        if before > 0 or after > 0:
            own = xp.logical_and(xp.ge(at, xp.number(0)), xp.lt(at, xp.number(size)))
            inside = own if inside is None else xp.logical_and(inside, own)
            at = xp.minimum(xp.maximum(at, xp.number(0)), xp.number(size - 1))
        input = xp.moved(input, k, at)
    return input if inside is None else xp.where(inside, input, value)


@constant_pad_nd.backward("input")
def _(xp, g, pad):
    return xp.constant_pad_nd(g, tuple(-n for n in pad), 0)


@constant_pad_nd.samples
def _(r):
    yield call(r(2, 3), (1, 2), 0.5)
    yield call(r(2, 3), [1, -1, 0, 2])
    yield call(r(2, 3), (-1, -1), 2)
    yield call(r(3, 0, 2), (0, 1, 2, 1), value=1.5)
    yield call(r(2), ())


@constant_pad_nd.reference
def _(np, input, pad, value=0):
    margins = [(0, 0)] * (input.ndim - len(pad) // 2)
    margins += [(pad[k], pad[k + 1]) for k in range(len(pad) - 2, -1, -2)]
    result = np.full([a + s + b for s, (a, b) in zip(input.shape, margins, strict=True)], value)
    result = result.astype(input.dtype)
    for place in np.ndindex(result.shape):
        source = tuple(i - a for i, (a, _) in zip(place, margins, strict=True))
        if all(0 <= i < s for i, s in zip(source, input.shape, strict=True)):
            result[place] = input[source]
    return result


@opaque(function=False)
def repeat(xp, input, *repeats: Ints):
    r"""Copies side by side, so many along each axis; new axes come first."""
    _check_repeats(input, repeats)
    return xp.tile_array(input, repeats)


def _check_repeats(input, repeats):
    if len(repeats) < len(input.shape):
        raise RuntimeError(
            "repeat(): Number of dimensions of repeat dims can not be smaller than number of "
            f"dimensions of tensor: {len(repeats)} < {len(input.shape)}, the shape is "
            f"{list(input.shape)}"
        )


@repeat.examples
def _(xp, input, repeats):
    return xp.repeat(visible_axes(xp, input, len(repeats)), 1, *repeats)


@repeat.grows
def _(xp, input, repeats):
    _check_repeats(input, repeats)
    shape = (1,) * (len(repeats) - len(input.shape)) + tuple(input.shape)
    return tuple(a * b for a, b in zip(repeats, shape, strict=True))


@repeat.formula
def _(xp, input, repeats):
    shape = (1,) * (len(repeats) - len(input.shape)) + tuple(input.shape)
    if 0 in repeats:
        return xp.not_lowerable("nothing to compute")
    ones, wide, whole = [], [], []
    for times, size in zip(repeats, shape, strict=True):
        ones += [1, size]
        wide += [times, size]
        whole.append(times * size)
    return xp.reshape(xp.expand(xp.reshape(input, *ones), *wide), *whole)


@repeat.backward("input")
def _(xp, g, input_shape, repeats):
    new = len(repeats) - len(input_shape)
    shape, summed = [], []
    for k, times in enumerate(repeats):
        summed.append(len(shape))
        shape += [times, input_shape[k - new] if k >= new else 1]
    return xp.reshape(xp.sum(xp.reshape(g, *shape), tuple(summed)), *input_shape)


@repeat.samples
def _(r):
    yield call(r(2, 3), 2, 1)
    yield call(r(3), (2, 2))
    yield call(r(2), 0)
    yield call(r(), 2, 2)


@repeat.reference
def _(np, input, *repeats):
    return np.tile(input, repeats[0] if isinstance(repeats[0], tuple) else repeats)


@composite()
def tile(xp, input, *dims: Ints):
    r"""Copies side by side; missing counts are 1."""
    return xp.repeat(input, *((1,) * (len(input.shape) - len(dims)) + dims))


@tile.samples
def _(r):
    yield call(r(2, 3), (2,))
    yield call(r(2, 3), (2, 1, 2))
    yield call(r(), (2,))


@tile.reference
def _(np, input, dims):
    return np.tile(input, dims)
