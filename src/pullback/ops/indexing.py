"""Elements by position: indices for all axes or for one, and masks."""

from pullback.op import (
    Array,
    Dim,
    Plain,
    SomeArrays,
    all_examples,
    call,
    composite,
    opaque,
    visible_axes,
)


def _key(indices):
    """NumPy's key for PyTorch's list, in which None stands for a whole axis."""
    return tuple(slice(None) if i is None else i for i in indices)


@opaque(public=False, look_up=True)
def elements(xp, input, indices: SomeArrays):
    r"""`input[i, j, …]` with int64 indices for all axes, not checked; they broadcast."""
    return xp.take(input, tuple(indices))


def _places(xp, indices):
    """The indices, with the places where a mask is True instead of the mask."""
    found = []
    for i in indices:
        masks = i is not None and i.dtype.kind == "b"
        found += xp.nonzero(i, as_tuple=True) if masks else [i]
    return found


def _without_masks(xp, indices):
    """Masks that all examples share, as the places where they are True."""
    found = []
    for i in indices:
        if i is None or i.dtype.kind != "b":
            found.append(i)
            continue
        if i.shape[0] > 1:
            raise RuntimeError(
                "vmap: masks that differ between the examples select different numbers of "
                "elements: use torch.where"
            )
        found += [xp.unsqueeze(p, 0) for p in _places(xp, [xp.squeeze(i, 0)])]
    return found


def _example_key(xp, indices, size):
    """Keys with the example's own number for the first axis; where their common axes go.

    Those come after the first axis in `input[key]`, and belong at that place among the visible.
    """
    indices = _without_masks(xp, indices)
    given = [k for k, i in enumerate(indices) if i is not None]
    rank = max(len(indices[k].shape) for k in given) - 1
    first = xp.reshape(xp.arange(size), size, *(1,) * rank)
    key = [None if i is None else visible_axes(xp, i, rank) for i in indices]
    adjacent = given[-1] - given[0] + 1 == len(given)
    return [first, *key], given[0] if adjacent else 0, rank


@elements.examples
def _(xp, input, indices):
    return _examples_at(xp, xp.elements, input, indices)


def _examples_at(xp, look_up, input, indices):
    size = max(x.shape[0] for x in (input, *indices) if x is not None)
    (input,) = all_examples(xp, [input], size)
    key, place, rank = _example_key(xp, indices, size)
    found = look_up(input, key)
    if not place or not rank:
        return found
    return xp.movedim(found, tuple(range(1, rank + 1)), tuple(range(place + 1, place + rank + 1)))


@elements.samples
def _(r):
    yield call(r(3, 4), [r.integers(0, 3, 2, 1), r.integers(0, 4, 5)])


@elements.backward("input")
def _(xp, g, indices, input_shape):
    return xp.index_adjoint(g, indices, input_shape)


def _layout(rank, indices, common):
    """Where axes are in `input[i, :, j]`: (of the result, at which the indices begin, the rest).

    Indices side by side are replaced by the axes that they share; those apart put these in front.
    """
    given = [k for k, i in enumerate(indices) if i is not None]
    whole = [k for k in range(rank) if k not in given]
    begin = given[0] if given[-1] - given[0] == len(given) - 1 else 0
    places = {k: n if n < begin else n + common for n, k in enumerate(whole)}
    return len(whole) + common, begin, places


def _whole(xp, i, size):
    """Indices as int64, negative ones counted from the end."""
    i = xp.cast(i, xp.positions(1).dtype)
    return xp.where(xp.lt(i, 0), i + xp.number(size), i)


@opaque(public=False)
def index(xp, input, indices: SomeArrays):
    r"""`input[i, :, j]` with integer tensors, None for a whole axis: a copy."""
    return xp.take(input, _key(indices))


@index.examples
def _(xp, input, indices):
    return _examples_at(xp, xp.index, input, indices)


@index.grows
def _(xp, input, indices):
    given = [i for i in indices if i is not None]
    axes = [s for k, s in enumerate(input.shape) if k >= len(indices) or indices[k] is None]
    return (*xp.broadcast_shape(*(i.shape for i in given)), *axes)


@index.check
def _(xp, input, indices):
    xp.check_indices(input, indices)


@index.formula
def _(xp, input, indices):
    shape = input.shape
    common = len(xp.broadcast_shape(*(i.shape for i in indices if i is not None)))
    rank, begin, places = _layout(len(shape), indices, common)
    axes = []
    for k, size in enumerate(shape):
        if k in places:
            axes.append(xp.positions(size, places[k], rank))
        else:
            i = _whole(xp, indices[k], size)
            after = rank - begin - common
            axes.append(xp.reshape(i, *i.shape, *(1,) * after) if after else i)
    return xp.elements(input, axes)


@index.samples
def _(r):
    yield call(r(3, 4), [r.integers(0, 3, 2), None])
    yield call(r(3, 4), [r.integers(0, 3, 2, 1), r.integers(0, 4, 5)])


@index.backward("input")
def _(xp, g, indices, input_shape):
    return xp.index_adjoint(g, indices, input_shape)


@opaque(public=False)
def index_adjoint(xp, input, indices: SomeArrays, shape: Plain):
    r"""Zeros of a shape to which the input is added at the indices: the transpose of `index`."""
    return xp.put(xp.filled(shape, 0, input), _key(indices), input, True)


@index_adjoint.examples
def _(xp, input, indices, shape):
    size = max(x.shape[0] for x in (input, *indices) if x is not None)
    (input,) = all_examples(xp, [input], size)
    key, place, rank = _example_key(xp, indices, size)
    return xp.index_adjoint(_common_first(xp, input, place, rank), key, (size, *shape))


def _common_first(xp, values, place, rank):
    if not place or not rank:
        return values
    return xp.movedim(values, tuple(range(place + 1, place + rank + 1)), tuple(range(1, rank + 1)))


@index_adjoint.grows
def _(xp, input, indices, shape):
    return shape


@index_adjoint.formula
def _(xp, input, indices, shape):
    given = [k for k, i in enumerate(indices) if i is not None]
    common = xp.broadcast_shape(*(indices[k].shape for k in given))
    _, begin, places = _layout(len(shape), indices, len(common))
    # The axes that the indices share first, the whole ones behind.
    order = [*range(begin, begin + len(common)), *(places[k] for k in sorted(places))]
    g = xp.permute(input, *order)
    indices = {k: _whole(xp, indices[k], shape[k]) for k in given}
    # One after the other: each index takes the axes that no later one has.
    for n, k in enumerate(given):
        i = indices[k]
        own = [d for d in range(len(common)) if _runs(i, d, len(common)) and g.shape[d] > 1
               and not any(_runs(indices[j], d, len(common)) for j in given[n + 1 :])]  # fmt: skip
        g = _gathered(xp, g, i, own, len(common), shape[k])
    g = xp.reshape(g, *g.shape[len(common) :])
    # Now the axes are the whole ones, and then the indexed ones, in this order.
    now = [*sorted(places), *given]
    return xp.permute(g, *sorted(range(len(now)), key=now.__getitem__))


def _runs(i, d, rank):
    """Whether an index differs along an axis of those that the indices share."""
    d -= rank - len(i.shape)
    return d >= 0 and i.shape[d] != 1


def _gathered(xp, g, i, own, common, size):
    """A new last axis for the numbers that i can have, and g summed over the axes of its own.

    Where i is one number for all elements that are summed, they are found by it: sorted once, and
    then a short sum for each. Otherwise the elements are compared.
    """
    i = xp.reshape(i, *(1,) * (common - len(i.shape)), *i.shape)
    rank = len(g.shape)
    numbers = xp.positions(size, rank, rank + 1)
    alone = all(d in own for d in range(common) if i.shape[d] != 1)
    if not own or not alone or xp.is_pending(i):
        i = xp.reshape(i, *i.shape, *(1,) * (rank + 1 - common))
        spread = xp.where(xp.eq(i, numbers), xp.unsqueeze(g, rank), 0)
        return xp.sum(spread, tuple(own), keepdim=True) if own else spread
    count = 1
    for d in own:
        count *= i.shape[d]
    order, begin, counts, most = xp.buckets(xp.reshape(i, count), size)
    # The axes (…, number, which of its elements)
    which = xp.positions(most, rank + 1, rank + 2)

    def shaped(x):
        return xp.reshape(x, *(1,) * rank, size, 1)

    inside = xp.lt(which, shaped(counts))
    at = xp.minimum(shaped(begin) + which, xp.number(count - 1))
    place = xp.elements(order, [at])
    axes = []
    for d, s in enumerate(g.shape):
        if d in own:
            inner = 1
            for e in own:
                inner *= i.shape[e] if e > d else 1
            part = xp.floor_divide(place, xp.number(inner)) if inner > 1 else place
            axes.append(xp.remainder(part, xp.number(s)) if d != own[0] else part)
        else:
            axes.append(xp.positions(s, d, rank + 2))
    spread = xp.where(inside, xp.elements(g, axes), 0)
    return xp.reshape(xp.sum(spread, rank + 1), *(1 if d in own else s for d, s in
                      enumerate(g.shape)), size)  # fmt: skip


@index_adjoint.samples
def _(r):
    yield call(r(2, 4), [r.integers(0, 3, 2), None], (3, 4))


@index_adjoint.backward("input")
def _(xp, g, indices):
    return xp.index(g, indices)


@opaque(inplace=True)
def index_put(xp, input, indices: SomeArrays, values: Array, accumulate: bool = False):
    r"""The input with values written, or added, at `input[indices]`."""
    return xp.put(input, _key(indices), values, accumulate)


@index_put.check
def _(xp, input, indices, values, accumulate):
    if not any(i is not None and i.dtype.kind == "b" for i in indices):
        xp.check_indices(input, indices)


@index_put.formula
def _(xp, input, indices, values, accumulate):
    given = [i for i in indices if i is not None]
    if any(i.dtype.kind == "b" or not i.size for i in given):
        return xp.not_lowerable("masks among indices")
    shape = tuple(input.shape)
    common = xp.broadcast_shape(*(i.shape for i in given))
    rank, begin, places = _layout(len(shape), indices, len(common))
    sizes = [0] * rank
    sizes[begin : begin + len(common)] = common
    for k, place in places.items():
        sizes[place] = shape[k]
    xp.check_fits("index_put", input, values, sizes)
    values = xp.cast(xp.expand(values, *sizes), input.dtype)
    if accumulate:
        return input + xp.index_adjoint(values, indices, shape)
    # Of several that are written at one place, the last one stays.
    last = xp.last_of(given, [s for k, s in enumerate(shape) if k not in places])
    last = xp.reshape(last, *common, *(1,) * (rank - begin - len(common)))
    written = xp.index_adjoint(xp.cast(xp.expand(last, *sizes), "int64"), indices, shape)
    values = xp.index_adjoint(xp.where(last, values, 0), indices, shape)
    return xp.where(xp.gt(written, 0), values, input)


@index_put.examples
def _(xp, input, indices, values, accumulate):
    size = max(x.shape[0] for x in (input, values, *indices) if x is not None)
    (input,) = all_examples(xp, [input], size)
    key, place, rank = _example_key(xp, indices, size)
    visible = len(input.shape) - len([i for i in key if i is not None]) + rank
    if place and rank:
        values = visible_axes(xp, values, visible)
        values = _common_first(xp, values, place, rank)
    else:
        values = visible_axes(xp, values, visible)
    return xp.index_put(input, key, values, accumulate)


@index_put.backward("input")
def _(xp, g, indices, accumulate):
    if accumulate:
        return g
    indices = _places(xp, indices)
    written = xp.filled(xp.index(g, indices).shape, 1, g)
    return xp.where(xp.eq(xp.index_adjoint(written, indices, g.shape), 0), g, 0)


@index_put.backward("values")
def _(xp, g, indices):
    return xp.index(g, _places(xp, indices))


@index_put.samples
def _(r):
    yield call(r(4, 3), [r.integers(0, 4, 2)], r(2, 3), True)
    yield call(r(4, 3), (r.integers(0, 4, 5), r.integers(0, 3, 5)), r(5), accumulate=True)
    yield call(r(4), [r.order(4)], r(4))
    yield call(r(4, 3), [r.integers(0, 4, 1)], r(3))
    yield call(r(3, 4), (r.booleans(3, 4),), r())


@index_put.reference
def _(np, input, indices, values, accumulate=False):

    result = np.array(input)
    if accumulate:
        np.add.at(result, tuple(indices), values)
    else:
        result[tuple(indices)] = values
    return result


@opaque()
def index_select(xp, input, dim: Dim, index: Array):
    r"""The positions of an axis that a 1-D integer tensor lists."""
    if index.dtype.kind not in "iu":
        raise RuntimeError(
            f"index_select(): Expected dtype int32 or int64 for index: {index.dtype}"
        )
    if len(index.shape) > 1:
        raise IndexError(
            f"index_select(): Index is supposed to be a vector, not of shape {list(index.shape)}"
        )
    xp.check_position("index_select", input, dim, index)
    if not input.shape:
        return xp.reshape(xp.take(xp.reshape(input, 1), (index,)))
    return xp.take(input, (slice(None),) * dim + (index,))


@index_select.examples
def _(xp, input, dim, index):
    if index.shape[0] == 1 and len(input.shape) > 1:
        return xp.index_select(input, dim + 1, xp.squeeze(index, 0))
    input, index = all_examples(xp, [input, index])
    rank = len(input.shape) - 1
    if not rank:
        return xp.reshape(xp.gather(xp.unsqueeze(input, 1), 1, xp.reshape(index, -1, 1)), -1)
    if len(index.shape) == 1:
        index = xp.unsqueeze(index, 1)
    ones = [index.shape[1] if d == dim else 1 for d in range(rank)]
    sizes = [index.shape[1] if d == dim else s for d, s in enumerate(input.shape[1:])]
    index = xp.expand(xp.reshape(index, index.shape[0], *ones), index.shape[0], *sizes)
    return xp.gather(input, dim + 1, index)


@index_select.check
def _(xp, input, dim, index):
    xp.check_position("index_select", input, dim, index)


@index_select.formula
def _(xp, input, dim, index):
    if not input.shape or not index.shape:
        return xp.not_lowerable("a single number")
    return xp.index(input, [None] * dim + [index])


@index_select.backward("input")
def _(xp, g, dim, index, input_shape):
    if not len(input_shape):
        return g
    return xp.index_adjoint(g, [None] * dim + [index], input_shape)


@index_select.samples
def _(r):
    yield call(r(3, 4), 0, r.integers(0, 3, 5))
    yield call(r(3, 4), -1, r.integers(0, 4, 2))
    yield call(r(3, 2), 0, r.integers(0, 3, 0))
    yield call(r(), 0, r.integers(0, 1, 1))


@index_select.reference
def _(np, input, dim, index):
    return np.take(input, index, dim) if input.ndim else input


@composite()
def masked_select(xp, input, mask: Array):
    r"""The elements where the mask is True, in one axis."""
    if mask.dtype.kind != "b":
        raise RuntimeError(f"masked_select: expected BoolTensor for mask, not {mask.dtype}")
    shape = xp.broadcast_shape(input.shape, mask.shape)
    return xp.expand(input, *shape)[xp.expand(mask, *shape)]


@masked_select.samples
def _(r):
    yield call(r(3, 4), r.booleans(3, 4))
    yield call(r(3, 1), r.booleans(4))
    yield call(r(), r.booleans(2))


@masked_select.reference
def _(np, input, mask):
    input, mask = np.broadcast_arrays(input, mask)
    return input[mask]
