"""Where elements are: positions of what is not zero, of values among others, and repeated ones."""

from pullback.op import Array, Plain, all_examples, call, composite, opaque, wrap_dim


@opaque(public=False, derivative=False, in_order=False)
def nonzero_indices(xp, input):
    r"""The positions of non-zero elements, a row each."""
    return xp.nonzero_array(input)


@nonzero_indices.streamed
def _(xp, pieces, input):
    return xp.nonzero_of_pieces(pieces(input), input.shape)


@nonzero_indices.samples
def _(r):
    yield call(r.integers(0, 2, 3, 4))


@composite(derivative=False)
def nonzero(xp, input, *, as_tuple: bool = False):
    r"""The positions of non-zero elements: a row each, or a tuple of one tensor per axis."""
    if as_tuple and not input.shape:
        input = xp.reshape(input, 1)
    rows = xp.nonzero_indices(input)
    return xp.unbind(rows, 1) if as_tuple else rows


@nonzero.samples
def _(r):
    yield call(r.integers(0, 2, 3, 4))
    yield call(r.integers(0, 2, 3, 4), as_tuple=True)
    yield call(r(2))
    yield call(r.booleans(3), as_tuple=True)


@nonzero.reference
def _(np, input, *, as_tuple=False):
    return np.nonzero(input) if as_tuple else np.argwhere(input)


@composite(derivative=False)
def argwhere(xp, input):
    r"""The positions of non-zero elements, a row each."""
    return xp.nonzero_indices(input)


@argwhere.samples
def _(r):
    yield call(r.integers(0, 2, 3, 4))
    yield call(r(2))


@argwhere.reference
def _(np, input):
    return np.argwhere(input)


@opaque(derivative=False, result="index")
def nonzero_static(xp, input, *, size: int, fill_value: int = -1):
    r"""The first positions of non-zero elements, a row each: as many as `size` says, (size, axes).

    Where there are fewer, the rest is `fill_value`.
    """
    if size < 0:
        raise RuntimeError(f"nonzero_static: 'size' must be a non-negative integer, not {size}")
    return xp.first_nonzero(input, size, fill_value)


@nonzero_static.streamed
def _(xp, pieces, input, size, fill_value):
    return xp.first_rows(xp.nonzero_of_pieces(pieces(input), input.shape), size, fill_value)


@nonzero_static.samples
def _(r):
    yield call(r.integers(0, 2, 3, 4), size=4)
    yield call(r.integers(0, 2, 3, 4), size=20, fill_value=7)
    yield call(r(2), size=3)
    yield call(r(), size=3)


@nonzero_static.reference
def _(np, input, *, size, fill_value=-1):
    made = np.full((size, input.ndim), fill_value)
    found = np.argwhere(input)[:size]
    made[: len(found)] = found
    return made


@composite(derivative=False, method=False)
def unravel_index(xp, indices, shape: Plain):
    r"""The coordinates, one tensor for each axis, of positions in a flattened tensor of a shape."""
    name = "unravel_index()"
    if indices.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected 'indices' to be integer dtype, but got {indices.dtype}")
    sizes = (shape,) if isinstance(shape, int) else shape
    if not isinstance(sizes, (tuple, list)):
        raise TypeError(f"{name}: expected 'shape' to be int or sequence of ints, not {shape!r}")
    if not all(isinstance(s, int) for s in sizes):
        raise TypeError(f"{name}: expected 'shape' to only contain ints, but got {shape!r}")
    if any(s < 0 for s in sizes):
        raise ValueError(f"{name}: 'shape' cannot have negative values, but got {shape!r}")
    if 0 in sizes:
        raise ZeroDivisionError(f"{name}: a tensor of shape {list(sizes)} has no elements")
    left = indices.long()
    found = []
    for size in reversed(sizes):
        found.append(xp.remainder(left, size))
        left = xp.floor_divide(left, size)
    return tuple(reversed(found))


@unravel_index.samples
def _(r):
    yield call(r.integers(0, 6, 4), (3, 2))
    yield call(r.integers(0, 6, 2, 2), 6)
    yield call(r.integers(0, 24, 2).astype("int32"), [2, 3, 4])


@unravel_index.reference
def _(np, indices, shape):
    return np.unravel_index(indices, shape)


@opaque(public=False, derivative=False)
def repeated_positions(xp, repeats):
    r"""0 so many times, 1 so many times, and so on."""
    return xp.repeated_array(repeats)


@repeated_positions.samples
def _(r):
    yield call(r.integers(0, 4, 5))


@composite()
def repeat_interleave(
    xp, input, repeats: Plain = None, dim: int | None = None, *, output_size: int | None = None
):
    r"""Each element, or each place of an axis, several times, one after the other.

    `repeats`: one number, or a tensor of them. Without `dim`, of the flattened input.
    `repeat_interleave(repeats)` gives the positions.
    """
    if repeats is None:
        return xp.repeated_positions(input)
    if dim is None:
        input, dim = xp.reshape(input, -1), 0
    elif not input.shape:
        input = xp.reshape(input, 1)
    dim = wrap_dim(dim, len(input.shape), "repeat_interleave")
    size = input.shape[dim]
    if hasattr(repeats, "dtype"):
        if len(repeats.shape) > 1 or (repeats.shape and repeats.shape[0] not in (1, size)):
            raise RuntimeError(
                f"repeat_interleave: repeats must have the same size as input along dim, but got "
                f"repeats of shape {list(repeats.shape)} and {size}"
            )
        if repeats.dtype.name not in ("int32", "int64"):
            raise RuntimeError(f"repeats has to be Long or Int tensor, not {repeats.dtype}")
        repeats = xp.expand(xp.reshape(repeats, -1), size)
        return xp.index_select(input, dim, xp.repeated_positions(repeats))
    if not hasattr(repeats, "__index__"):
        raise TypeError(
            f"repeat_interleave(): argument 'repeats' must be Tensor or int, not "
            f"{type(repeats).__name__}"
        )
    if repeats < 0:
        raise RuntimeError(f"Repeats must be non-negative, not {repeats}")
    shape = list(input.shape)
    wide = xp.expand(xp.unsqueeze(input, dim + 1), *shape[: dim + 1], repeats, *shape[dim + 1 :])
    shape[dim] = size * repeats
    return xp.reshape(xp.clone(wide), *shape)


@repeat_interleave.samples
def _(r):
    yield call(r(2, 3), 2)
    yield call(r(2, 3), 2, 1)
    yield call(r(3, 2), r.integers(0, 4, 3), dim=0)
    yield call(r(3, 2), r.integers(2, 3, 1), -1, output_size=4)


@repeat_interleave.reference
def _(np, input, repeats=None, dim=None, *, output_size=None):
    return np.repeat(input, repeats, dim)


# ---------------------------------------------------------------------------- among boundaries


@opaque(public=False, derivative=False, promote=True, numbers="input", dtypes="if")
def places_among(xp, sorted_sequence, input, right: bool):
    r"""How many numbers of a sorted last axis are less than each value, or not greater.

    A sequence of one axis is for all values; of several, they share all axes but the last.
    """
    return xp.search_sorted(sorted_sequence, input, right)


@places_among.examples
def _(xp, sorted_sequence, input, right):
    if not hasattr(input, "dtype"):
        input = xp.filled((1,), input, sorted_sequence)
    sequence, input = all_examples(xp, [sorted_sequence, input])
    if len(sequence.shape) > 2:
        return xp.places_among(sequence, input, right)
    found = xp.places_among(sequence, xp.reshape(input, input.shape[0], -1), right)
    return xp.reshape(found, *input.shape)


@places_among.formula
def _(xp, sorted_sequence, input, right):
    if not hasattr(input, "dtype"):
        return xp.not_lowerable("one number")
    size, rank = sorted_sequence.shape[-1], len(input.shape)
    rows = [xp.positions(s, k, rank) for k, s in enumerate(input.shape[:-1])]
    if len(sorted_sequence.shape) == 1:
        rows = []
    low = xp.filled(input.shape, 0, xp.positions(1))
    high = low + xp.number(size)
    for _ in range(int(size).bit_length()):  # of [low, high), half is kept
        middle = xp.floor_divide(low + high, xp.number(2))
        there = [*rows, xp.minimum(middle, xp.number(size - 1))]
        found = xp.elements(sorted_sequence, there)
        behind = xp.gt(found, input) if right else xp.ge(found, input)
        before = xp.logical_and(xp.logical_not(behind), xp.lt(low, high))
        low, high = xp.where(before, middle + xp.number(1), low), xp.where(before, high, middle)
    return low


@places_among.samples
def _(r):
    yield call(r.ordered(5), r(2, 3), False)
    yield call(r.ordered(2, 5), r(2, 3), True)


def _found(xp, sorted_sequence, input, out_int32, right):
    if isinstance(input, complex):
        raise NotImplementedError("searchsorted: complex numbers are in no order")
    found = xp.places_among(sorted_sequence, input, right)
    return found.int() if out_int32 else found


@composite(derivative=False, method=False, numbers="input")
def searchsorted(
    xp, sorted_sequence, input, *, out_int32: bool = False, right: bool = False,
    side: Plain = None, sorter: Array = None,
):  # fmt: skip
    r"""Where values would be put into a sorted last axis: before equals, or, `right`, after them.

    A sequence of one axis is for values of any shape, or a number; one of shape (…, n) for values
    of shape (…, m). `sorter` are the positions that sort it. `side="right"` is `right=True`. The
    result has the values' shape, int64, or int32 by `out_int32`. Where numbers are not in order,
    or NaN among them, it is what a bisection finds.
    """
    shape, name = list(sorted_sequence.shape), "searchsorted()"
    if side not in (None, "left", "right"):
        raise RuntimeError(f"{name}: side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(f"{name}: side and right can't be set to opposites: leave one of them")
    if not shape:
        raise RuntimeError(f"{name}: the sorted sequence must have at least one axis, but is 0-d")
    given = list(getattr(input, "shape", ()))
    if len(shape) > 1 and (not given or given[:-1] != shape[:-1]):
        raise RuntimeError(
            f"{name}: the sorted sequence should have one axis, or the same axes as the values but "
            f"for the last, but their shapes are {shape} and {given}"
        )
    if sorter is not None:
        if list(sorter.shape) != shape:
            raise RuntimeError(
                f"{name}: the sorted sequence and the sorter must have the same size, not {shape} "
                f"and {list(sorter.shape)}"
            )
        if sorter.dtype.name != "int64":
            raise RuntimeError(f"{name}: sorter must be of dtype int64, not {sorter.dtype}")
        sorted_sequence = xp.gather(sorted_sequence, -1, sorter)
    return _found(xp, sorted_sequence, input, out_int32, right or side == "right")


@composite(derivative=False, method=False, numbers="input")
def bucketize(xp, input, boundaries, *, out_int32: bool = False, right: bool = False):
    r"""The number of the bucket of each value: k where boundaries[k - 1] < value <= boundaries[k].

    With `right`, where boundaries[k - 1] <= value < boundaries[k]. Boundaries are in order, of
    shape (n); values have any shape, or are a number. int64, or int32 by `out_int32`.
    """
    if len(boundaries.shape) != 1:
        raise RuntimeError(
            f"bucketize(): boundaries must have one axis, but their shape is "
            f"{list(boundaries.shape)}"
        )
    return _found(xp, boundaries, input, out_int32, right)


@searchsorted.samples
def _(r):
    yield call(r.ordered(6), r(3, 4))
    yield call(r.ordered(6), 0.5, out_int32=True)
    yield call(r.ordered(2, 6), r(2, 3), right=True)
    yield call(r.ordered(9).round(), r(5).round(), side="right")
    mixed = r(3)
    yield call(mixed, r(4), sorter=mixed.argsort())
    yield call(r.ordered(0), r(3))


@bucketize.samples
def _(r):
    yield call(r(3, 4), r.ordered(6))
    yield call(0.5, r.ordered(6), out_int32=True)
    yield call(r(5).round(), r.ordered(9).round(), right=True)
    yield call(r(), r.ordered(3))


@searchsorted.reference
def _(np, sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None):
    side = "right" if right else side or "left"
    if sorted_sequence.ndim == 1:
        return np.asarray(np.searchsorted(sorted_sequence, input, side, sorter))
    return np.stack(
        [np.searchsorted(*both, side) for both in zip(sorted_sequence, input, strict=True)]
    )


@bucketize.reference
def _(np, input, boundaries, *, out_int32=False, right=False):
    return np.asarray(np.digitize(input, boundaries, not right))
