"""The same elements elsewhere: views, copies, shapes, conversions."""

from pullback.op import (
    Array,
    Dim,
    DimSet,
    Dtype,
    Format,
    Ints,
    NewDim,
    Plain,
    call,
    composite,
    contiguous_format,
    opaque,
    pointwise,
    view,
    wrap_dim,
)


@opaque(public=False)
def view_adjoint(xp, input, view: Plain, plain, shape):
    """Zeros of a shape with the input where a view of it looks: the transpose of any view."""
    return xp.put_view(input, view, plain, shape)


@view_adjoint.grows
def _(xp, input, view, plain, shape):
    return shape


@view_adjoint.formula
def _(xp, input, view, plain, shape):
    return xp.transposed(input, view, plain, shape)


@view_adjoint.backward("input")
def _(xp, g, view, plain):
    return xp.apply(view, (g, *plain))


@view()
def permute(xp, input, *dims: Ints):
    r"""Axes in another order: a view."""
    rank = len(input.shape)
    if len(dims) == rank:
        order = tuple(wrap_dim(d, rank, "permute") for d in dims)
    else:
        order = dims
    if sorted(order) != list(range(rank)):
        raise RuntimeError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the "
            f"length of the desired ordering of dimensions i.e. input.dim() = {rank} is not equal "
            f"to len(dims) = {len(dims)}"
            if len(dims) != rank
            else f"permute(): {dims} is not a permutation of the {rank} axes"
        )
    return xp.permute(input, *order)


@permute.backward("input")
def _(xp, g, dims):
    rank = len(dims)
    order = [d % rank for d in dims]
    return xp.permute(g, *sorted(range(rank), key=order.__getitem__))


@permute.samples
def _(r):
    yield call(r(2, 3, 4), 2, 0, 1)
    yield call(r(2, 3), (-1, 0))
    yield call(r(), ())


@view_adjoint.samples
def _(r):
    yield call(r(4, 3), permute, [(1, 0)], (3, 4))


@permute.reference
def _(np, input, *dims):
    return np.transpose(input, dims[0] if dims and isinstance(dims[0], tuple) else dims)


@view(aliases=("swapaxes", "swapdims"))
def transpose(xp, input, dim0: Dim, dim1: Dim):
    r"""Two axes exchanged: a view."""
    order = list(range(len(input.shape)))
    if order:
        order[dim0], order[dim1] = order[dim1], order[dim0]
    return xp.permute(input, *order)


@transpose.backward("input")
def _(xp, g, dim0, dim1):
    return xp.transpose(g, dim0, dim1)


@transpose.samples
def _(r):
    yield call(r(2, 3, 4), 0, 2)
    yield call(r(2, 3), -1, -2)
    yield call(r(), 0, -1)


@transpose.reference
def _(np, input, dim0, dim1):
    return np.swapaxes(input, dim0, dim1) if input.ndim else input


@view()
def t(xp, input):
    r"""The transposed matrix: a view. RuntimeError above two axes."""
    rank = len(input.shape)
    if rank > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {rank}D")
    return xp.permute(input, *reversed(range(rank)))


@t.backward("input")
def _(xp, g):
    return xp.t(g)


@t.samples
def _(r):
    yield call(r(2, 3))
    yield call(r(3))
    yield call(r())


@t.reference
def _(np, input):
    return np.transpose(input)


def _fill_shape(name, shape, count):
    """A shape with its -1 replaced; RuntimeError where it does not have `count` elements."""
    known = 1
    for size in shape:
        known *= size if size != -1 else 1
        if size < -1:
            raise RuntimeError(f"invalid shape dimension {size} in {name}({list(shape)})")
    if -1 in shape:
        if list(shape).count(-1) > 1:
            raise RuntimeError(f"{name}({list(shape)}): only one dimension can be inferred")
        if known == 0:
            raise RuntimeError(
                f"cannot reshape tensor of {count} elements into shape {list(shape)} because the "
                f"unspecified dimension size -1 can be any value and is ambiguous"
            )
        if count % known == 0:
            shape = tuple(count // known if size == -1 else size for size in shape)
            known = count
    if known != count:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {count} ({name})")
    return shape


def _count(shape):
    count = 1
    for size in shape:
        count *= size
    return count


@view(node="View")
def reshape(xp, input, *shape: Ints):
    r"""The elements in another shape, a view where memory allows; one size may be -1."""
    return xp.reshape(input, *_fill_shape("reshape", shape, _count(input.shape)))


@view(name="view_as_shape", node="View", public=False)
def view_as_shape(xp, input, *shape: Ints):
    r"""The elements in another shape, never copied."""
    return xp.reshape_view(input, *_fill_shape("view", shape, _count(input.shape)))


@reshape.backward("input")
@view_as_shape.backward("input")
def _(xp, g, input_shape):
    return xp.reshape(g, *input_shape)


@view_as_shape.samples
def _(r):
    yield call(r(2, 6), 3, 4)
    yield call(r(2, 6), (-1,))


@reshape.samples
def _(r):
    yield call(r(2, 6), 3, 4)
    yield call(r(2, 6), (-1, 2))
    yield call(r(2, 0), 0, 5)
    yield call(r(), 1, 1)
    yield call(r(1), ())


@reshape.reference
def _(np, input, *shape):
    return np.reshape(input, shape[0] if isinstance(shape[0], tuple) else shape)


@composite(name="view_method", public_name="view", function=False)
def view_method(xp, input, *shape: Plain):
    r"""The elements in another shape, never copied; or, for a dtype, the bits as another type.

    RuntimeError where the memory layout does not allow it: use `reshape`.
    """
    if len(shape) == 1 and type(shape[0]).__name__ in ("dtype", "type"):  # or Python's float
        return xp.view_dtype(input, shape[0])
    return xp.view_as_shape(input, *shape)


@view_method.samples
def _(r):
    yield call(r(2, 6), 3, 4)
    yield call(r(2, 6), (-1, 2))
    yield call(r(), 1, 1)
    yield call(r(2, 2), r.int64)


@view_method.reference
def _(np, input, *shape):

    if isinstance(shape[0], np.dtype):
        return input.view(shape[0])
    return np.reshape(input, shape[0] if isinstance(shape[0], tuple) else shape)


@view(public=False, holomorphic=False, derivative=False)
def view_dtype(xp, input, dtype: Dtype):
    r"""The same bits as elements of another type."""
    return xp.bitcast(input, dtype.numpy)


@view_dtype.samples
def _(r):
    yield call(r(3, 4), r.int64)


@view(function=False)
def expand(xp, input, *size: Ints):
    r"""Axes of size 1 repeated without a copy: a view; -1 keeps a size, new axes come first."""
    shape = input.shape
    new = len(size) - len(shape)
    if new < 0:
        raise RuntimeError(
            f"expand(size={list(size)}): the number of sizes provided ({len(size)}) must be "
            f"greater or equal to the number of dimensions in the tensor ({len(shape)})"
        )
    target = list(size)
    for k, want in enumerate(size):
        have = shape[k - new] if k >= new else None
        if want == -1:
            if have is None:
                raise RuntimeError(
                    f"expand(size={list(size)}): -1 is not allowed in a leading, non-existing "
                    f"dimension {k}"
                )
            target[k] = have
        elif have not in (None, 1, want):
            raise RuntimeError(
                f"The expanded size of the tensor ({want}) must match the existing size ({have}) "
                f"at non-singleton dimension {k}.  Target sizes: {list(size)}.  Tensor sizes: "
                f"{list(shape)}"
            )
    return xp.expand(input, *target)


@expand.backward("input")
def _(xp, g, input_shape):
    return xp.sum_to(g, input_shape)


@expand.samples
def _(r):
    yield call(r(3, 1), 3, 4)
    yield call(r(3, 1), (2, -1, 4))
    yield call(r(), 2, 2)
    yield call(r(1, 2), 0, 2)


@expand.reference
def _(np, input, *size):

    size = size[0] if isinstance(size[0], tuple) else size
    own = (0,) * (len(size) - input.ndim) + input.shape
    return np.broadcast_to(input, [n if s == -1 else s for n, s in zip(own, size, strict=True)])


@composite(public=False)
def sum_to(xp, input, shape: Plain):
    r"""Sums over the axes that broadcasting to the input's shape would repeat."""
    new = len(input.shape) - len(shape)
    ones = tuple(
        k for k, s in enumerate(input.shape) if k < new or (shape[k - new] == 1 and s != 1)
    )
    if ones:
        input = xp.sum(input, ones, keepdim=True)
    return xp.reshape(input, *shape) if new else input


@sum_to.samples
def _(r):
    yield call(r(2, 3, 4), (3, 1))
    yield call(r(3, 4), (3, 4))


@composite(method=False)
def broadcast_to(xp, input, *size: Ints):
    r"""`expand` as a function."""
    return xp.expand(input, *size)


@broadcast_to.samples
def _(r):
    yield call(r(3, 1), (2, 3, 4))
    yield call(r(), (2,))


@broadcast_to.reference
def _(np, input, size):
    return np.broadcast_to(input, size)


@composite(function=False)
def expand_as(xp, input, other: Array):
    r"""`expand` to the shape of another tensor."""
    return xp.expand(input, *other.shape)


@expand_as.samples
def _(r):
    yield call(r(3, 1), r(2, 3, 4))


@expand_as.reference
def _(np, input, other):
    return np.broadcast_to(input, other.shape)


@composite(function=False)
def view_as(xp, input, other: Array):
    r"""`view` with the shape of another tensor."""
    return xp.view_as_shape(input, *other.shape)


@composite(function=False)
def reshape_as(xp, input, other: Array):
    r"""`reshape` to the shape of another tensor."""
    return xp.reshape(input, *other.shape)


@view_as.samples
@reshape_as.samples
def _(r):
    yield call(r(2, 6), r(3, 4))
    yield call(r(1), r())


@view_as.reference
@reshape_as.reference
def _(np, input, other):
    return np.reshape(input, other.shape)


@view()
def unsqueeze(xp, input, dim: NewDim):
    r"""A new axis of size 1: a view."""
    return xp.reshape(input, *input.shape[:dim], 1, *input.shape[dim:])


@unsqueeze.backward("input")
def _(xp, g, input_shape):
    return xp.reshape(g, *input_shape)


@unsqueeze.samples
def _(r):
    yield call(r(2, 3), 0)
    yield call(r(2, 3), -1)
    yield call(r(2, 3), 1)
    yield call(r(), 0)


@unsqueeze.reference
def _(np, input, dim):
    return np.expand_dims(input, dim)


@view(overload=lambda input, dim=None: 0 if dim is None else 1)
def squeeze(xp, input, dim: DimSet = None):
    r"""Without axes of size 1, or without those of `dim` that have size 1: a view."""
    kept = [s for k, s in enumerate(input.shape) if s != 1 or k not in dim]
    return xp.reshape(input, *kept)


@squeeze.backward("input")
def _(xp, g, input_shape):
    return xp.reshape(g, *input_shape)


@squeeze.samples
def _(r):
    yield call(r(1, 3, 1))
    yield call(r(1, 3, 1), 0)
    yield call(r(1, 3, 1), 1)
    yield call(r(1, 3, 1), dim=(0, 1, -1))
    yield call(r(), 0)


@squeeze.reference
def _(np, input, dim=None):

    every = range(input.ndim) if dim is None else dim if isinstance(dim, tuple) else (dim,)
    return np.squeeze(input, tuple(d for d in every if input.ndim and input.shape[d] == 1))


@composite()
def flatten(xp, input, start_dim: Dim = 0, end_dim: Dim = -1):
    r"""Axes start_dim to end_dim as one."""
    shape = input.shape
    if not shape:
        return xp.reshape(input, 1)
    if start_dim > end_dim:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if start_dim == end_dim:
        return input
    merged = _count(shape[start_dim : end_dim + 1])
    return xp.reshape(input, *shape[:start_dim], merged, *shape[end_dim + 1 :])


@flatten.samples
def _(r):
    yield call(r(2, 3, 2))
    yield call(r(2, 3, 2), 1)
    yield call(r(2, 3, 2), -3, -2)
    yield call(r())
    yield call(r(2, 3), 1, 1)


@flatten.reference
def _(np, input, start_dim=0, end_dim=-1):

    if not input.ndim:
        return input.reshape(1)
    start, end = start_dim % input.ndim, end_dim % input.ndim + 1
    return input.reshape(*input.shape[:start], -1, *input.shape[end:])


@composite()
def unflatten(xp, input, dim: Dim, sizes: Ints):
    r"""One axis as several."""
    sizes = _fill_shape("unflatten", sizes, input.shape[dim])
    return xp.reshape(input, *input.shape[:dim], *sizes, *input.shape[dim + 1 :])


@unflatten.samples
def _(r):
    yield call(r(2, 6), 1, (3, 2))
    yield call(r(6, 2), 0, (-1, 2))
    yield call(r(6), -1, [2, 3])


@unflatten.reference
def _(np, input, dim, sizes):
    k = dim % input.ndim
    return input.reshape(*input.shape[:k], *sizes, *input.shape[k + 1 :])


@composite()
def ravel(xp, input):
    r"""All elements in one axis."""
    return xp.reshape(input, -1)


@ravel.samples
def _(r):
    yield call(r(2, 3))
    yield call(r())
    yield call(r(0, 2))


@ravel.reference
def _(np, input):
    return np.ravel(input)


@composite(aliases=("moveaxis",))
def movedim(xp, input, source: Ints, destination: Ints):
    r"""Axes moved to other places, the rest in order: a view."""
    rank = len(input.shape)
    if len(source) != len(destination):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({source}) should contain the "
            f"same number of dims as destination ({destination})"
        )
    sources = [wrap_dim(d, rank, "movedim") for d in source]
    places = [wrap_dim(d, rank, "movedim") for d in destination]
    for what, found in (("source", sources), ("destination", places)):
        if len(set(found)) != len(found):
            raise RuntimeError(f"movedim: repeated dim in `{what}` ({found})")
    if not rank:
        return input
    target = dict(zip(places, sources, strict=True))
    rest = iter(d for d in range(rank) if d not in target.values())
    return xp.permute(input, *(target[k] if k in target else next(rest) for k in range(rank)))


@movedim.samples
def _(r):
    yield call(r(2, 3, 4), 0, 2)
    yield call(r(2, 3, 4), (0, 1), (-1, -2))
    yield call(r(2, 3), 1, 0)


@movedim.reference
def _(np, input, source, destination):
    return np.moveaxis(input, source, destination)


@opaque()
def flip(xp, input, *dims: Ints):
    r"""Elements in reverse order along the axes: a copy."""
    rank = len(input.shape)
    order = [wrap_dim(d, rank, "flip") for d in dims]
    if len(set(order)) != len(order):
        raise RuntimeError(f"flip: dim {dims} has an axis several times")
    return xp.flip(input, *(order if rank else ()))


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


@view()
def diagonal(xp, input, offset: int = 0, dim1: Dim = 0, dim2: Dim = 1):
    r"""The elements (i, i + offset) of two axes, as the last axis: a view."""
    return xp.diagonal_view(input, offset, dim1, dim2)


@diagonal.samples
def _(r):
    yield call(r(3, 4))
    yield call(r(3, 4), 1)
    yield call(r(3, 4), -2)
    yield call(r(2, 3, 4), 1, -1, 0)
    yield call(r(2, 3), 5)


@diagonal.reference
def _(np, input, offset=0, dim1=0, dim2=1):
    return np.diagonal(input, offset, dim1, dim2)


@view(injective=False, function=False)
def unfold(xp, input, dimension: Dim, size: int, step: int):
    r"""Windows of a size along one axis, their elements as the last axis: a view."""
    if size > (input.shape[dimension] if input.shape else 1) or step <= 0:
        raise RuntimeError(
            f"unfold: maximum size for tensor at dimension {dimension} is "
            f"{input.shape[dimension]} but size is {size}, with step {step}"
        )
    return xp.windows(input, dimension, size, step)


@unfold.samples
def _(r):
    yield call(r(7), 0, 3, 2)
    yield call(r(2, 5), -1, 2, 1)
    yield call(r(5, 2), 0, 2, 3)
    yield call(r(4), 0, 4, 1)


@unfold.reference
def _(np, input, dimension, size, step):

    windows = np.lib.stride_tricks.sliding_window_view(input, size, dimension)
    k = dimension % input.ndim
    return np.take(windows, range(0, windows.shape[k], step), k)


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


def _check_matrix(name, input):
    if len(input.shape) < 2:
        raise RuntimeError(
            f"{name}: input tensor must have at least 2 dimensions, not the shape "
            f"{list(input.shape)}"
        )


@opaque()
def tril(xp, input, diagonal: int = 0):
    r"""The lower triangle of matrices; zeros above the given diagonal."""
    _check_matrix("tril", input)
    return xp.triangle(input, diagonal, True)


@tril.formula
def _(xp, input, diagonal):
    rank = len(input.shape)
    row = xp.positions(input.shape[-2], rank - 2, rank)
    column = xp.positions(input.shape[-1], rank - 1, rank)
    return xp.where(xp.le(column - row, xp.number(diagonal)), input, 0)


@tril.backward("input")
def _(xp, g, diagonal):
    return xp.tril(g, diagonal)


@tril.samples
def _(r):
    yield call(r(3, 4))
    yield call(r(2, 3, 3), 1)
    yield call(r(3, 3), -1)


@tril.reference
def _(np, input, diagonal=0):
    return np.tril(input, diagonal)


@opaque()
def triu(xp, input, diagonal: int = 0):
    r"""The upper triangle of matrices; zeros below the given diagonal."""
    _check_matrix("triu", input)
    return xp.triangle(input, diagonal, False)


@triu.formula
def _(xp, input, diagonal):
    rank = len(input.shape)
    row = xp.positions(input.shape[-2], rank - 2, rank)
    column = xp.positions(input.shape[-1], rank - 1, rank)
    return xp.where(xp.ge(column - row, xp.number(diagonal)), input, 0)


@triu.backward("input")
def _(xp, g, diagonal):
    return xp.triu(g, diagonal)


@triu.samples
def _(r):
    yield call(r(3, 4))
    yield call(r(2, 3, 3), 1)
    yield call(r(3, 3), diagonal=-1)


@triu.reference
def _(np, input, diagonal=0):
    return np.triu(input, diagonal)


@opaque()
def clone(xp, input, *, memory_format: Format = None):
    r"""A copy, through which gradients flow; its axes lie in memory as the input's."""
    return xp.copy(input, memory_format)


@opaque(public=False, derivative=False)
def arranged(xp, input, like, order: Format = None):
    r"""The values in memory as those of another tensor of the same shape."""
    return xp.arranged(input, like, order)


@arranged.samples
def _(r):
    yield call(r(2, 3), r(2, 3))


@clone.formula
def _(xp, input, memory_format):
    return input


@clone.backward("input")
def _(xp, g):
    return g


@composite(function=False)
def contiguous(xp, input, *, memory_format: Format = None):
    r"""The tensor itself if its elements lie in order, else a copy."""
    order = memory_format or contiguous_format
    return input if input.is_contiguous(order) else xp.clone(input, memory_format=order)


@clone.samples
@contiguous.samples
def _(r):
    yield call(r(2, 3))
    yield call(r())
    yield call(r(0, 2))


@clone.reference
@contiguous.reference
def _(np, input):
    return np.copy(input)


@pointwise(name="cast", node="ToCopy", public=False, keep_dtype="input", inplace=False,
           domain=None)  # fmt: skip
def cast(xp, input, dtype: Plain):
    r"""The values in another dtype, given as NumPy's."""
    return xp.cast(input, dtype)


@cast.backward("input")
def _(xp, g, input_dtype):
    return xp.cast(g, input_dtype)


@cast.samples
def _(r):
    yield call(r(3, 4), r.integers(0, 9).dtype)
    yield call(r.integers(0, 9, 3), r(1).dtype)


@opaque(public=False, inplace=True, node="Copy", holomorphic=False)
def copy(xp, input, src, non_blocking: bool = False):
    r"""`input.copy_(src)`: the values of `src`, broadcast and converted, written over the input."""
    return xp.cast(xp.expand(src, *input.shape), input.dtype)


@copy.backward("input")
def _(xp, g):
    return xp.filled(g.shape, 0, g)


@copy.backward("src")
def _(xp, g):
    return g


@copy.samples
def _(r):
    yield call(r(2, 3), r(2, 3))
    yield call(r(2, 3), r(3))
    yield call(r(2, 3), r())
    yield call(r(2), r.integers(0, 3, 2))


@copy.reference
def _(np, input, src):
    return np.broadcast_to(src, input.shape)


@opaque(
    public=False, inplace=True, numbers="value", overloads={"value": 2, "": 3}, holomorphic=False
)
def fill(xp, input, value):
    r"""`input.fill_(value)`: one value, a number or a 0-d tensor, written everywhere."""
    return xp.filled(input.shape, value, input)


@fill.backward("input")
def _(xp, g):
    return xp.filled(g.shape, 0, g)


@fill.backward("value")
def _(xp, g):
    return g


@fill.samples
def _(r):
    yield call(r(2, 3), 1.5)
    yield call(r(), -1)
    yield call(r(2, 3), r())


@fill.reference
def _(np, input, value):
    return np.full(input.shape, value)


@opaque(public=False, inplace=True, holomorphic=False)
def zero(xp, input):
    r"""`input.zero_()`: zeros written everywhere."""
    return xp.filled(input.shape, 0, input)


@zero.backward("input")
def _(xp, g):
    return xp.filled(g.shape, 0, g)


@zero.samples
def _(r):
    yield call(r(2, 3))
    yield call(r())


@zero.reference
def _(np, input):
    return np.zeros(input.shape)
