"""The same elements in another shape: reshaped, repeated without a copy, axes of size 1."""

from pullback.op import (
    Array,
    Dim,
    DimSet,
    Dtype,
    Ints,
    NewDim,
    Plain,
    as_ints,
    call,
    composite,
    copied,
    view,
)


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


@composite(
    name="view_method", public_name="view", function=False,
    keywords={"size": "shape_", "dtype": "shape_"},
)  # fmt: skip
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
def expand(xp, input, *size: Ints, implicit: bool = False):
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
    yield call(r(1, 2), (3, 2), implicit=True)


@expand.reference
def _(np, input, *size, implicit=False):

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


@composite()
def broadcast_to(xp, input, *size: Ints):
    r"""`expand` under NumPy's name: axes of size 1 repeated without a copy."""
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


@view(inplace=True)
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


@view(
    inplace=True,
    overload=lambda input, dim=None: 0 if dim is None else 1 + isinstance(dim, (tuple, list)),
)
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


# ------------------------------------------------------------------------------------- copies


@view(public=False)
def alias(xp, input):
    r"""The same elements in the same memory."""
    return xp.reshape_view(input, *input.shape)


@alias.samples
def _(r):
    yield call(r(2, 3))


@alias.reference
def _(np, input):
    return np.asarray(input)


@view_as_shape.reference
def _(np, input, *shape):
    return np.reshape(input, shape[0] if isinstance(shape[0], tuple) else shape)


alias_copy = copied(alias)
expand_copy = copied(expand)
squeeze_copy = copied(squeeze)
unsqueeze_copy = copied(unsqueeze)
view_shape_copy = copied(view_as_shape, name="view_shape_copy", public=False)
view_dtype_copy = copied(view_dtype, name="view_dtype_copy", public=False)


@composite(method=False)
def view_copy(xp, input, size: Plain):
    r"""The elements in another shape, or the bits as another dtype, copied."""
    if type(size).__name__ in ("dtype", "type"):
        return xp.view_dtype_copy(input, size)
    return xp.view_shape_copy(input, as_ints(size, "view_copy", "size"))


@view_copy.samples
def _(r):
    yield call(r(2, 6), (3, 4))
    yield call(r(2, 6), [-1, 2])
    yield call(r(2, 2), r.int64)


@view_copy.reference
def _(np, input, size):
    return input.view(size) if isinstance(size, np.dtype) else np.reshape(input, size)


@composite(function=False)
def sum_to_size(xp, input, *size: Ints):
    r"""Sums over the axes that broadcasting to the input's shape would repeat."""
    shape = tuple(input.shape)
    new = len(shape) - len(size)
    if new < 0 or any(s not in (1, n) for s, n in zip(size, shape[new:], strict=True)):
        raise RuntimeError(
            f"sum_to_size: size {{{list(size)}}} is not expandable to size {{{list(shape)}}}."
        )
    return xp.sum_to(input, tuple(size))


@sum_to_size.samples
def _(r):
    yield call(r(2, 3, 4), 3, 1)
    yield call(r(3, 4), (3, 4))
    yield call(r(3, 4), (1, 4))


@sum_to_size.reference
def _(np, input, *size):
    size = size[0] if isinstance(size[0], tuple) else size
    new = input.ndim - len(size)
    ones = tuple(k for k in range(input.ndim) if k < new or size[k - new] != input.shape[k])
    return np.sum(input, ones, keepdims=True).reshape(size)


def _at_least(rank, lift):
    @composite(name=f"atleast_{rank}d", method=False)
    def at_least(xp, *tensors):
        if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
            tensors = tuple(tensors[0])
        elif len(tensors) == 1:
            return lift(xp, tensors[0])
        return tuple(lift(xp, x) for x in tensors)

    @at_least.samples
    def _(r):
        yield call(r())
        yield call(r(2), r(2, 3))
        yield call([r(2, 3), r(2, 3, 2)])

    @at_least.reference
    def _(np, *tensors):
        return getattr(np, f"atleast_{rank}d")(
            *(tensors[0] if isinstance(tensors[0], list) else tensors)
        )

    at_least.doc = f"Tensors with at least {rank} axes: new ones of size 1 where there are fewer."


def _matrix(xp, x):
    rank = len(x.shape)
    return xp.reshape(x, 1, 1) if not rank else xp.unsqueeze(x, 0) if rank == 1 else x


def _cube(xp, x):
    rank = len(x.shape)
    if rank == 0:
        return xp.reshape(x, 1, 1, 1)
    x = xp.unsqueeze(x, 0) if rank == 1 else x
    return xp.unsqueeze(x, -1) if rank < 3 else x


_at_least(1, lambda xp, x: x if x.shape else xp.reshape(x, 1))
_at_least(2, _matrix)
_at_least(3, _cube)
