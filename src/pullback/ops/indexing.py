"""Elements by position: select, slice, index with tensors, gather and scatter."""

from pullback.op import Array, Arrays, Dim, Plain, as_ints, call, composite, opaque, view, wrap_dim


@view()
def select(xp, input, dim: Dim, index: int):
    r"""One position of an axis, which goes: a view. IndexError out of range."""
    if not input.shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    size = input.shape[dim]
    if not -size <= index < size:
        raise IndexError(
            f"index {index} is out of bounds for dimension {dim} with size {size} "
            f"(tensor of shape {list(input.shape)})"
        )
    start = index % size
    return xp.drop(xp.slice(input, dim, start, start + 1, 1), (dim,))


@select.samples
def _(r):
    yield call(r(3, 4), 0, 1)
    yield call(r(3, 4), -1, -2)
    yield call(r(2), 0, 1)


@select.reference
def _(np, input, dim, index):
    return np.take(input, index, dim)


@view(public=False, name="slice")
def slice_(xp, input, dim: Dim, start: int, end: int, step: int):
    r"""The positions start, start + step, … below end of an axis: a view."""
    return xp.slice(input, dim, start, end, step)


@slice_.samples
def _(r):
    yield call(r(3, 4), 1, 0, 4, 2)
    yield call(r(3, 4), -2, 1, 3, 1)


@composite()
def narrow(xp, input, dim: Dim, start: int, length: int):
    r"""`length` positions of an axis from `start`: a view."""
    size = input.shape[dim] if input.shape else 0
    if start < 0:
        start += size
    if length < 0 or not 0 <= start <= size or start + length > size:
        raise RuntimeError(
            f"narrow: start ({start}) + length ({length}) exceeds dimension size ({size})."
        )
    return xp.slice(input, dim, start, start + length, 1)


@narrow.samples
def _(r):
    yield call(r(3, 4), 1, 1, 2)
    yield call(r(3, 4), -1, -3, 2)
    yield call(r(3), 0, 3, 0)


@narrow.reference
def _(np, input, dim, start, length):
    return np.take(input, np.arange(start, start + length), dim)


@view(many=True)
def unbind(xp, input, dim: Dim = 0):
    r"""A tuple of the positions of an axis: views."""
    if not input.shape:
        raise IndexError("unbind(): Dimension specified as 0 but tensor has no dimensions")
    return tuple(
        xp.drop(xp.slice(input, dim, k, k + 1, 1), (dim,)) for k in range(input.shape[dim])
    )


@unbind.backward("input")
def _(xp, g, dim):
    return xp.stack(g, dim)


@unbind.samples
def _(r):
    yield call(r(3, 2))
    yield call(r(3, 2), -1)


@unbind.reference
def _(np, input, dim=0):
    return tuple(np.moveaxis(input, dim, 0))


@view(many=True)
def split(xp, input, split_size_or_sections: Plain, dim: Dim = 0):
    r"""A tuple of pieces of an axis, of one size (the last may be smaller) or of given sizes."""
    size = input.shape[dim]
    if isinstance(split_size_or_sections, int):
        step = split_size_or_sections
        if step < 0 or (step == 0 and size):
            raise RuntimeError(f"split expects split_size be non-negative, but got {step}")
        sizes = [min(step, size - k) for k in range(0, size, step)] if size else [0]
    else:
        sizes = list(as_ints(split_size_or_sections, "split", "split_size"))
        if sum(sizes) != size:
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's "
                f"size at dimension {dim}), but got split_sizes={sizes}"
            )
    ends = [sum(sizes[: k + 1]) for k in range(len(sizes))]
    return tuple(xp.slice(input, dim, e - s, e, 1) for s, e in zip(sizes, ends, strict=True))


@split.backward("input")
def _(xp, g, dim):
    return xp.cat(list(g), dim)


@split.samples
def _(r):
    yield call(r(5, 2), 2)
    yield call(r(2, 5), [1, 4], 1)
    yield call(r(2, 3), (0, 3), -1)
    yield call(r(0, 2), 3)


@split.reference
def _(np, input, split_size_or_sections, dim=0):

    cuts = split_size_or_sections
    if isinstance(cuts, int):
        return np.split(input, range(cuts, input.shape[dim], cuts), dim)
    return np.split(input, np.cumsum(cuts)[:-1], dim)


@composite()
def chunk(xp, input, chunks: int, dim: Dim = 0):
    r"""At most `chunks` pieces of an axis, of one size but for the last: views."""
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    return xp.split(input, max(1, -(-input.shape[dim] // chunks)), dim)


@chunk.samples
def _(r):
    yield call(r(5, 2), 2)
    yield call(r(2, 5), 3, 1)
    yield call(r(2, 4), 9, -1)


@chunk.reference
def _(np, input, chunks, dim=0):

    step = -(-input.shape[dim] // chunks)
    return np.split(input, range(step, input.shape[dim], step), dim)


def _key(indices):
    """NumPy's key for PyTorch's list, in which None stands for a whole axis."""
    return tuple(slice(None) if i is None else i for i in indices)


@opaque(public=False)
def index(xp, input, indices: Arrays):
    r"""`input[i, :, j]` with integer tensors, None for a whole axis: a copy."""
    return xp.take(input, _key(indices))


@index.samples
def _(r):
    yield call(r(3, 4), [r.integers(0, 3, 2), None])
    yield call(r(3, 4), [r.integers(0, 3, 2, 1), r.integers(0, 4, 5)])


@index.backward("input")
def _(xp, g, indices, input_shape):
    return xp.index_adjoint(g, indices, input_shape)


@opaque(public=False)
def index_adjoint(xp, input, indices: Arrays, shape: Plain):
    r"""Zeros of a shape to which the input is added at the indices: the transpose of `index`."""
    return xp.put(xp.filled(shape, 0, input), _key(indices), input, True)


@index_adjoint.samples
def _(r):
    yield call(r(2, 4), [r.integers(0, 3, 2), None], (3, 4))


@index_adjoint.backward("input")
def _(xp, g, indices):
    return xp.index(g, indices)


@opaque(inplace=True)
def index_put(xp, input, indices: Arrays, values: Array, accumulate: bool = False):
    r"""The input with values written, or added, at `input[indices]`."""
    return xp.put(input, _key(indices), values, accumulate)


@index_put.backward("input")
def _(xp, g, indices, accumulate):
    if accumulate:
        return g
    written = xp.filled(xp.index(g, indices).shape, 1, g)
    return xp.where(xp.eq(xp.index_adjoint(written, indices, g.shape), 0), g, 0)


@index_put.backward("values")
def _(xp, g, indices):
    return xp.index(g, indices)


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
def gather(xp, input, dim: Dim, index: Array, *, sparse_grad: bool = False):
    r"""$y_{ij} = \text{input}_{\text{index}_{ij} j}$ for dim 0, and so on along any axis."""
    return xp.gather_array(input, dim, index)


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
    return xp.scatter_array(zeros, dim, index, input, True) if 0 not in index.shape else zeros


@scatter_zeros.samples
def _(r):
    yield call(r(3, 1), 1, r.integers(0, 4, 3, 1), (3, 4))
    yield call(r(3, 2), 1, r.integers(0, 4, 3, 2), (3, 4))


@scatter_zeros.formula
def _(xp, input, dim, index, shape):
    if index.shape[dim] != 1 or any(
        a != b for k, (a, b) in enumerate(zip(index.shape, shape, strict=True)) if k != dim
    ):
        return xp.not_lowerable("a scatter to several places of an axis")
    places = xp.reshape(
        xp.positions(shape[dim]), *(-1 if k == dim else 1 for k in range(len(shape)))
    )
    return xp.where(xp.eq(places, index), input, 0)


@scatter_zeros.backward("input")
def _(xp, g, dim, index):
    return xp.gather(g, dim, index)


@opaque(inplace=True)
def scatter_add(xp, input, dim: Dim, index: Array, src: Array):
    r"""The input with `src` added where `gather` would read. RuntimeError for two dtypes."""
    if input.dtype != src.dtype:
        raise RuntimeError(
            f"scatter_add(): Expected self.dtype to be equal to src.dtype, not {input.dtype} and "
            f"{src.dtype}"
        )
    return xp.scatter_array(input, dim, index, src, True)


@scatter_add.backward("input")
def _(xp, g):
    return g


@scatter_add.backward("src")
def _(xp, g, dim, index, src_shape):
    part = xp.gather(g, dim, index)
    for k, size in enumerate(index.shape):  # what lies beyond the index was not read
        if size != src_shape[k]:
            shape = (*part.shape[:k], src_shape[k], *part.shape[k + 1 :])
            part = xp.view_adjoint(part, slice_, (k, 0, size, 1), shape)
    return part


@scatter_add.samples
def _(r):
    yield call(r(3, 4), 0, r.integers(0, 3, 2, 4), r(2, 4))
    yield call(r(3, 4), -1, r.integers(0, 4, 2, 5), r(3, 6))
    yield call(r(3), 0, r.integers(0, 3, 0), r(2))
    yield call(r(), 0, r.integers(0, 1), r())


@scatter_add.reference
def _(np, input, dim, index, src):

    result = np.array(input)
    for place in np.ndindex(index.shape):
        target = list(place)
        if target:
            target[dim] = index[place]
        result[tuple(target)] += src[place]
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
    size = input.shape[dim] if input.shape else 1
    if not xp.all(xp.logical_and(xp.ge(index, 0), xp.lt(index, size))):
        raise IndexError(
            f"index_select(): index out of range in self: dimension {dim} of the shape "
            f"{list(input.shape)} has size {size}"
        )
    if not input.shape:
        return xp.reshape(xp.take(xp.reshape(input, 1), (index,)))
    return xp.take(input, (slice(None),) * dim + (index,))


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


@opaque(public=False, derivative=False)
def nonzero_indices(xp, input):
    r"""The positions of non-zero elements, a row each."""
    return xp.nonzero_array(input)


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
