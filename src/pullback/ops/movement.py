"""The same elements elsewhere: views, copies, shapes, conversions."""

from pullback.op import Array, Dim, Dims, Ints, NewDim, Plain, composite, opaque, pointwise, view


@opaque(public=False)
def view_adjoint(xp, input, view: Plain, plain, shape):
    """Zeros of a shape with the input where a view of it looks: the transpose of any view."""
    return xp.put_view(input, view, plain, shape)


@view_adjoint.backward("input")
def _(xp, g, view, plain):
    return xp.apply(view, (g, *plain))


@view()
def permute(xp, input, *dims: Ints):
    r"""Axes in another order: a view."""
    rank = len(input.shape)
    order = tuple(d % rank if -rank <= d < rank else d for d in dims)
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


@composite(name="view_method", public_name="view", function=False)
def view_method(xp, input, *shape):
    r"""The elements in another shape, never copied; or, for a dtype, the bits as another type.

    RuntimeError where the memory layout does not allow it: use `reshape`.
    """
    if len(shape) == 1 and hasattr(shape[0], "is_floating_point"):
        return xp.view_dtype(input, shape[0])
    return xp.view_as_shape(input, *shape)


@view(public=False)
def view_dtype(xp, input, dtype: Plain):
    r"""The same bits as elements of another type."""
    return xp.bitcast(input, dtype.numpy)


@view_dtype.backward("input")
def _(xp, g, input_shape):
    return None


@view()
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


@composite(method=False)
def broadcast_to(xp, input, *size: Ints):
    r"""`expand` as a function."""
    return xp.expand(input, *size)


@composite()
def expand_as(xp, input, other: Array):
    r"""`expand` to the shape of another tensor."""
    return xp.expand(input, *other.shape)


@composite()
def view_as(xp, input, other: Array):
    r"""`view` with the shape of another tensor."""
    return xp.view_as_shape(input, *other.shape)


@composite()
def reshape_as(xp, input, other: Array):
    r"""`reshape` to the shape of another tensor."""
    return xp.reshape(input, *other.shape)


@view()
def unsqueeze(xp, input, dim: NewDim):
    r"""A new axis of size 1: a view."""
    return xp.reshape(input, *input.shape[:dim], 1, *input.shape[dim:])


@unsqueeze.backward("input")
def _(xp, g, input_shape):
    return xp.reshape(g, *input_shape)


@view(overload=lambda input, dim=None: 0 if dim is None else 1)
def squeeze(xp, input, dim: Dims = None):
    r"""Without axes of size 1, or without those of `dim` that have size 1: a view."""
    kept = [s for k, s in enumerate(input.shape) if s != 1 or k not in dim]
    return xp.reshape(input, *kept)


@squeeze.backward("input")
def _(xp, g, input_shape):
    return xp.reshape(g, *input_shape)


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


@composite()
def unflatten(xp, input, dim: Dim, sizes):
    r"""One axis as several."""
    sizes = _fill_shape("unflatten", tuple(sizes), input.shape[dim])
    return xp.reshape(input, *input.shape[:dim], *sizes, *input.shape[dim + 1 :])


@composite()
def ravel(xp, input):
    r"""All elements in one axis."""
    return xp.reshape(input, -1)


@composite(aliases=("moveaxis",))
def movedim(xp, input, source: Plain, destination):
    r"""Axes moved to other places, the rest in order: a view."""
    rank = len(input.shape)
    sources = [source] if isinstance(source, int) else list(source)
    places = [destination] if isinstance(destination, int) else list(destination)
    if len(sources) != len(places):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({sources}) should contain the "
            f"same number of dims as destination ({places})"
        )
    target = {p % rank: s % rank for s, p in zip(sources, places, strict=True)}
    rest = iter(d for d in range(rank) if d not in target.values())
    return xp.permute(input, *(target[k] if k in target else next(rest) for k in range(rank)))


@opaque()
def flip(xp, input, *dims: Ints):
    r"""Elements in reverse order along the axes: a copy."""
    return xp.flip(input, *dims)


@flip.backward("input")
def _(xp, g, dims):
    return xp.flip(g, *dims)


@opaque()
def roll(xp, input, shifts: Plain, dims=None):
    r"""Elements moved along axes, those that leave coming back at the other end."""
    return xp.roll_array(input, shifts, dims)


@roll.backward("input")
def _(xp, g, shifts, dims):
    back = tuple(-s for s in shifts) if isinstance(shifts, (tuple, list)) else -shifts
    return xp.roll(g, back, dims)


@view()
def diagonal(xp, input, offset: int = 0, dim1: Dim = 0, dim2: Dim = 1):
    r"""The elements (i, i + offset) of two axes, as the last axis: a view."""
    return xp.diagonal_view(input, offset, dim1, dim2)


@view(injective=False)
def unfold(xp, input, dimension: Dim, size: int, step: int):
    r"""Windows of a size along one axis, their elements as the last axis: a view."""
    if size > (input.shape[dimension] if input.shape else 1) or step <= 0:
        raise RuntimeError(
            f"unfold: maximum size for tensor at dimension {dimension} is "
            f"{input.shape[dimension]} but size is {size}, with step {step}"
        )
    return xp.windows(input, dimension, size, step)


@opaque()
def repeat(xp, input, *repeats: Ints):
    r"""Copies side by side, so many along each axis; new axes come first."""
    if len(repeats) < len(input.shape):
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions "
            f"of tensor: {len(repeats)} < {len(input.shape)}"
        )
    return xp.tile_array(input, repeats)


@repeat.backward("input")
def _(xp, g, input_shape, repeats):
    new = len(repeats) - len(input_shape)
    shape, summed = [], []
    for k, times in enumerate(repeats):
        summed.append(len(shape))
        shape += [times, input_shape[k - new] if k >= new else 1]
    return xp.reshape(xp.sum(xp.reshape(g, *shape), tuple(summed)), *input_shape)


@composite()
def tile(xp, input, *dims: Ints):
    r"""Copies side by side; missing counts are 1."""
    return xp.repeat(input, *((1,) * (len(input.shape) - len(dims)) + dims))


@opaque()
def tril(xp, input, diagonal: int = 0):
    r"""The lower triangle of matrices; zeros above the given diagonal."""
    return xp.triangle(input, diagonal, True)


@tril.backward("input")
def _(xp, g, diagonal):
    return xp.tril(g, diagonal)


@opaque()
def triu(xp, input, diagonal: int = 0):
    r"""The upper triangle of matrices; zeros below the given diagonal."""
    return xp.triangle(input, diagonal, False)


@triu.backward("input")
def _(xp, g, diagonal):
    return xp.triu(g, diagonal)


@opaque()
def clone(xp, input, *, memory_format=None):
    r"""A copy, through which gradients flow."""
    return xp.copy(input)


@clone.backward("input")
def _(xp, g):
    return g


@composite()
def contiguous(xp, input, *, memory_format=None):
    r"""The tensor itself if its elements lie in order, else a copy."""
    return input if input.is_contiguous() else xp.clone(input)


@pointwise(name="cast", node="ToCopy", public=False, keep_dtype="input", inplace=False)
def cast(xp, input, dtype: Plain):
    r"""The values in another dtype, given as NumPy's."""
    return xp.cast(input, dtype)


@cast.backward("input")
def _(xp, g, input_dtype):
    return xp.cast(g, input_dtype)


@opaque(public=False, inplace=True, node="Copy")
def copy(xp, input, src, non_blocking: bool = False):
    r"""`input.copy_(src)`: the values of `src`, broadcast and converted, written over the input."""
    return xp.cast(xp.expand(src, *input.shape), input.dtype)


@copy.backward("input")
def _(xp, g):
    return None


@copy.backward("src")
def _(xp, g):
    return g


@opaque(public=False, inplace=True)
def fill(xp, input, value):
    r"""`input.fill_(value)`: one value, a number or a 0-d tensor, written everywhere."""
    return xp.filled(input.shape, value, input)


@fill.backward("input")
def _(xp, g):
    return None


@composite(public=False, inplace=True)
def zero(xp, input):
    r"""`input.zero_()`: zeros written everywhere."""
    return xp.fill(input, 0)
