"""Values at positions in the flattened tensor, and where a mask is True."""

import math

from pullback.op import Array, Plain, all_examples, call, opaque


def _same_dtype(name, input, src):
    if input.dtype != src.dtype:
        raise RuntimeError(
            f"{name}(): Expected self.dtype to be equal to src.dtype, not {input.dtype} and "
            f"{src.dtype}"
        )


def _check_long(name, index):
    if index.dtype.name != "int64":
        raise RuntimeError(f"{name}(): Expected a long tensor for index, but got {index.dtype}")


def _flat_places(xp, name, input, index):
    """Positions counted from the beginning, checked."""
    _check_long(name, index)
    count = math.prod(input.shape)
    index = xp.where(xp.lt(index, 0), index + count, index)
    xp.check_position(name, xp.reshape(input, -1), 0, index)
    return index


@opaque(name="take_function", public_name="take", node="Take")
def take(xp, input, index: Array):
    r"""The elements at positions in the flattened input; the shape is the index's."""
    _check_long("take", index)
    return xp.taken(input, index)


@take.formula
def _(xp, input, index):
    index = _flat_places(xp, "take", input, index)
    return xp.elements(xp.reshape(input, -1), [index])


@take.examples
def _(xp, input, index):
    input, index = all_examples(xp, [input, index])
    size = input.shape[0]
    offset = _offsets(xp, "take", input, index)
    found = xp.take_function(input, xp.reshape(index, size, -1) + offset)
    return xp.reshape(found, *index.shape)


def _offsets(xp, name, input, index):
    """Where each example begins in the flattened tensor, added to positions in one of them.

    IndexError for positions that an example does not have.
    """
    size, count = input.shape[0], math.prod(input.shape[1:])
    wrong = xp.first_outside(index, -count, count)
    if wrong is not None:
        raise IndexError(
            f"{name}(): index {wrong} is out of range for the {count} elements of a tensor of "
            f"shape {list(input.shape[1:])}"
        )
    flat = xp.reshape(index, index.shape[0], -1)
    return xp.where(xp.lt(flat, 0), count, 0) + xp.unsqueeze(xp.arange(size), 1) * count


@take.backward("input")
def _(xp, g, index, input_shape):
    flat = xp.index_adjoint(g, [index], (math.prod(input_shape),))
    return xp.reshape(flat, *input_shape)


@take.samples
def _(r):
    yield call(r(3, 4), r.integers(-12, 12, 2, 3))
    yield call(r(), r.integers(0, 1))
    yield call(r(3), r.integers(0, 3, 0))


@take.reference
def _(np, input, index):
    return np.take(input, index)


def _check_elements(index, source):
    if math.prod(index) != math.prod(source):
        raise IndexError(
            f"put_(): Expected source and index to have the same number of elements, but their "
            f"shapes are {list(source)} and {list(index)}"
        )


@opaque(name="put_function", public_name="put", node="Put", inplace=True)
def put(xp, input, index: Array, source: Array, accumulate: bool = False):
    r"""The input with values written, or added, at positions in the flattened tensor."""
    _same_dtype("put_", input, source)
    _check_elements(index.shape, source.shape)
    shape = input.shape
    index = xp.reshape(_flat_places(xp, "put_", input, index), -1)
    how = "sum" if accumulate else ""
    flat = xp.scatter_array(xp.reshape(input, -1), 0, index, xp.reshape(source, -1), how)
    return xp.reshape(flat, *shape)


@put.examples
def _(xp, input, index, source, accumulate):
    input, index, source = all_examples(xp, [input, index, source])
    size = input.shape[0]
    _check_elements(index.shape[1:], source.shape[1:])
    places = xp.reshape(index, size, -1) + _offsets(xp, "put_", input, index)
    return xp.put_function(input, places, xp.reshape(source, *places.shape), accumulate)


@put.backward("input")
def _(xp, g, index, accumulate):
    return g if accumulate else xp.put_function(g, index, xp.filled(index.shape, 0, g))


@put.backward("source")
def _(xp, g, index, source_shape):
    return xp.reshape(xp.take_function(g, index), *source_shape)


@put.samples
def _(r):
    yield call(r(3, 4), r.order(12)[:4] - 6, r(2, 2))
    yield call(r(3, 4), r.integers(0, 12, 9), r(9), True)
    yield call(r(), r.integers(0, 1, 1), r(1))


@put.reference
def _(np, input, index, source, accumulate=False):
    result = np.array(input).reshape(-1)
    for i, value in zip(index.reshape(-1), source.reshape(-1), strict=True):
        result[i] = value + (result[i] if accumulate else 0)
    return result.reshape(input.shape)


@opaque(inplace=True)
def masked_scatter(xp, input, mask: Array, source: Array):
    r"""The input with the first elements of `source`, in order, where the mask is True.

    RuntimeError for a mask of other numbers, two dtypes, and a source with too few elements.
    """
    if mask.dtype.kind != "b":
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, not {mask.dtype}")
    _same_dtype("masked_scatter", input, source)
    shape = xp.broadcast_shape(input.shape, mask.shape)
    return xp.masked_fill_from(xp.expand(input, *shape), xp.expand(mask, *shape), source)


@masked_scatter.backward("input")
def _(xp, g, mask):
    return xp.where(mask, 0, g)


@masked_scatter.backward("source")
def _(xp, g, mask, source_shape):
    return xp.masked_elements(g, xp.expand(mask, *g.shape), tuple(source_shape))


@masked_scatter.samples
def _(r):
    yield call(r(3, 4), r.booleans(3, 4), r(3, 5))
    yield call(r(3, 1), r.booleans(4), r(12))
    yield call(r(), r.booleans(), r(1))


@masked_scatter.reference
def _(np, input, mask, source):
    input, mask = (np.array(a) for a in np.broadcast_arrays(input, mask))
    input[mask] = source.reshape(-1)[: mask.sum()]
    return input


@opaque(public=False)
def masked_elements(xp, input, mask: Array, shape: Plain):
    r"""The elements where the mask is True, then zeros, in a shape: `masked_scatter`'s adjoint."""
    return xp.masked_elements_array(input, mask, shape)


@masked_elements.backward("input")
def _(xp, g, mask):
    return xp.masked_scatter(xp.filled(mask.shape, 0, g), mask, g)


@masked_elements.samples
def _(r):
    yield call(r(3, 4), r.booleans(3, 4), (2, 6))
