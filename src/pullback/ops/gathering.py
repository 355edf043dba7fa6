"""One element for each position along an axis: `gather`, and its transpose."""

from pullback.op import Array, Dim, Plain, all_examples, call, composite, opaque, wrap_dim


@opaque()
def gather(xp, input, dim: Dim, index: Array, *, sparse_grad: bool = False):
    r"""$y_{ij} = \text{input}_{\text{index}_{ij} j}$ for dim 0, and so on along any axis."""
    return xp.gather_array(input, dim, index)


@gather.examples
def _(xp, input, dim, index, sparse_grad):
    input, index = all_examples(xp, [input, index])
    if len(input.shape) == 1 or len(index.shape) == 1:  # numbers count as vectors
        whole = [x if len(x.shape) > 1 else xp.unsqueeze(x, 1) for x in (input, index)]
        return xp.reshape(xp.gather(whole[0], 1, whole[1]), *index.shape)
    return xp.gather(input, dim + 1, index)


@gather.check
def _(xp, input, dim, index, sparse_grad):
    xp.check_index("gather", input, dim, index)


@gather.formula
def _(xp, input, dim, index, sparse_grad):
    rank = len(input.shape)
    if not rank or not len(index.shape):
        return xp.not_lowerable("a single number")
    for k, (a, b) in enumerate(zip(index.shape, input.shape, strict=True)):
        if k != dim and a > b:
            return xp.not_lowerable("an error")
    index = xp.cast(index, xp.positions(1).dtype)
    axes = [index if k == dim else xp.positions(s, k, rank) for k, s in enumerate(index.shape)]
    return xp.elements(input, axes)


@gather.backward("input")
def _(xp, g, dim, index, input_shape):
    return xp.scatter_zeros(g, dim, index, input_shape)


@gather.samples
def _(r):
    yield call(r(3, 4), 0, r.integers(0, 3, 2, 4))
    yield call(r(3, 4), -1, r.integers(0, 4, 2, 5))
    yield call(r(), 0, r.integers(0, 1))
    yield call(r(3), 0, r.integers(0, 3, 0))


@gather.reference
def _(np, input, dim, index):
    result = np.empty(index.shape, input.dtype)
    for place in np.ndindex(index.shape):
        source = list(place)
        if source:
            source[dim] = index[place]
        result[place] = input[tuple(source)]
    return result


@opaque(public=False)
def scatter_zeros(xp, input, dim: int, index: Array, shape):
    r"""Zeros of a shape to which the input is added where `gather` would read: its transpose."""
    zeros = xp.filled(shape, 0, input)
    return xp.scatter_array(zeros, dim, index, input, "sum") if 0 not in index.shape else zeros


@scatter_zeros.examples
def _(xp, input, dim, index, shape):
    input, index = all_examples(xp, [input, index])
    if not shape:
        return xp.reshape(input, input.shape[0])
    if len(input.shape) == 1:
        input, index = xp.unsqueeze(input, 1), xp.unsqueeze(index, 1)
    return xp.scatter_zeros(input, dim + 1, index, (input.shape[0], *shape))


@scatter_zeros.samples
def _(r):
    yield call(r(3, 1), 1, r.integers(0, 4, 3, 1), (3, 4))
    yield call(r(3, 2), 1, r.integers(0, 4, 3, 2), (3, 4))


@scatter_zeros.grows
def _(xp, input, dim, index, shape):
    return shape


@scatter_zeros.formula
def _(xp, input, dim, index, shape):
    rank = len(shape)
    if not rank or not len(index.shape):
        return xp.not_lowerable("a single number")
    if any(a > b for a, b in zip(index.shape, input.shape, strict=True)):
        return xp.not_lowerable("an error")
    if index.shape[dim] > FEW_PLACES:
        return _scatter_rows(xp, input, dim, index, shape)
    own = xp.positions(shape[dim], dim, rank)
    same = all(a == b for k, (a, b) in enumerate(zip(index.shape, shape, strict=True)) if k != dim)
    if index.shape[dim] == 1 and same and input.shape == index.shape:
        return xp.where(xp.eq(own, index), input, 0)
    # One more axis: which of the places along `dim` an element comes from.
    have = [*index.shape, index.shape[dim]]
    axes, inside = _within(xp, have, [*shape, index.shape[dim]], dim)
    axes[dim] = axes.pop()
    meant = xp.eq(xp.unsqueeze(own, rank), xp.elements(index, axes))
    inside = meant if inside is None else xp.logical_and(inside, meant)
    return xp.sum(xp.where(inside, xp.elements(input, axes), 0), rank)


# Places along an axis that are compared with every element's own, rather than written to.
FEW_PLACES = 16


def _within(xp, have, shape, dim):
    """The places along the axes of a shape, none beyond what there is; and where that is."""
    inside = None
    axes = []
    for k, (known, size) in enumerate(zip(have, shape, strict=True)):
        at = xp.positions(size, k, len(shape))
        if k != dim and known != size:
            here = xp.lt(at, xp.number(known))
            inside = here if inside is None else xp.logical_and(inside, here)
            at = xp.minimum(at, xp.number(known - 1))
        axes.append(at)
    return axes, inside


def _scatter_rows(xp, input, dim, index, shape):
    """`scatter_zeros` that needs whole rows at once."""
    for k, size in enumerate(index.shape):
        if input.shape[k] != size:
            input = xp.slice(input, k, 0, size, 1)
    found = xp.scatter_along(input, index, dim, shape[dim])
    axes, inside = _within(xp, found.shape, shape, dim)
    return found if inside is None else xp.where(inside, xp.elements(found, axes), 0)


@opaque(public=False, derivative=False, along="dim")
def scatter_along(xp, input, index: Array, dim: int, size: int):
    r"""`scatter_zeros` of an input and places of one shape, along an axis of another size."""
    shape = [size if k == dim else s for k, s in enumerate(input.shape)]
    return xp.scatter_array(xp.filled(shape, 0, input), dim, index, input, "sum")


@scatter_along.examples
def _(xp, input, index, dim, size):
    input, index = all_examples(xp, [input, index])
    return xp.scatter_along(input, index, dim + 1, size)


@scatter_along.samples
def _(r):
    yield call(r(3, 4), r.integers(0, 5, 3, 4), 1, 5)
    yield call(r(3, 4), r.integers(0, 2, 3, 4), 0, 2)


@scatter_zeros.backward("input")
def _(xp, g, dim, index):
    return xp.gather(g, dim, index)


@composite()
def take_along_dim(xp, input, indices: Array, dim: Plain = None):
    r"""Elements along one axis by their indices, as `argsort` gives them; shapes broadcast."""
    if dim is None:
        return xp.gather(xp.reshape(input, -1), 0, xp.reshape(indices, -1))
    rank = len(input.shape)
    dim = wrap_dim(dim, rank, "take_along_dim")
    if rank != len(indices.shape):
        raise RuntimeError(
            f"take_along_dim(): input and indices should have the same number of dimensions, but "
            f"their shapes are {list(input.shape)} and {list(indices.shape)}"
        )
    if indices.dtype.kind not in "iu":
        raise RuntimeError(f"take_along_dim(): indices must be integers, not {indices.dtype}")
    if not rank:
        return xp.gather(input, 0, indices)
    indices = xp.where(xp.lt(indices, 0), indices + input.shape[dim], indices)
    around = [s if k != dim else 1 for k, s in enumerate(indices.shape)]
    own = [s if k != dim else 1 for k, s in enumerate(input.shape)]
    shape = list(xp.broadcast_shape(around, own))
    left, right = shape.copy(), shape.copy()
    left[dim], right[dim] = input.shape[dim], indices.shape[dim]
    return xp.gather(xp.expand(input, *left), dim, xp.expand(indices, *right))


@take_along_dim.samples
def _(r):
    yield call(r(3, 4), r.integers(0, 3, 2, 4), 0)
    yield call(r(3, 4), r.integers(0, 12, 5))
    yield call(r(3, 1), r.integers(0, 3, 2, 4), dim=0)


@take_along_dim.reference
def _(np, input, indices, dim=None):
    if dim is not None and input.shape[1] != indices.shape[1]:
        input = np.repeat(input, indices.shape[1], 1)
    return np.take_along_axis(input, indices, dim)
