"""Views of other axes: permuted, diagonal, in windows; and the transpose of any view."""

from pullback.op import Dim, Ints, Plain, call, composite, copied, opaque, view, wrap_dim


@opaque(public=False)
def view_adjoint(xp, input, view: Plain, plain, shape):
    """Zeros of a shape with the input where a view of it looks: the transpose of any view."""
    return xp.put_view(input, view, plain, shape)


@view_adjoint.examples
def _(xp, input, view, plain, shape):
    shape = (input.shape[0], *shape)
    if len(shape) == 1:  # views of numbers have axes of their own
        return xp.reshape(xp.sum(xp.flatten(xp.unsqueeze(input, 1), 1), 1), *shape)
    return xp.view_adjoint(input, view, view.moved(plain), shape)


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
            f"permute: number of dimensions in the tensor input does not match the "
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


@view(aliases=("swapaxes", "swapdims"), inplace=True, keywords={"axis0": "dim0", "axis1": "dim1"})
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


@composite()
def adjoint(xp, input):
    r"""The conjugate transpose of the last two axes; a number's conjugate."""
    rank = len(input.shape)
    if rank == 1:
        raise RuntimeError(
            f"adjoint() is only supported on matrices or batches of matrices, not on a tensor of "
            f"shape {list(input.shape)}"
        )
    y = xp.transpose(input, -2, -1) if rank else input
    return xp.conj(y) if input.dtype.kind == "c" else y


@adjoint.samples
def _(r):
    yield call(r(2, 3))
    yield call(r.complex(2, 3, 4))
    yield call(r())


@adjoint.reference
def _(np, input):
    return np.conj(np.swapaxes(input, -1, -2)) if input.ndim else np.conj(input)


@view(inplace=True)
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


@view(injective=False, function=False)
def unfold(xp, input, dimension: Dim, size: int, step: int):
    r"""Windows of a size along one axis, their elements as the last axis: a view."""
    most = input.shape[dimension] if input.shape else 1
    if not 0 <= size <= most or step <= 0:
        raise RuntimeError(
            f"unfold: maximum size for tensor at dimension {dimension} is {most} but size is "
            f"{size}, with step {step}; the size is at least 0, the step at least 1"
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


unfold_copy = copied(unfold)
permute_copy = copied(permute)
transpose_copy = copied(transpose)
t_copy = copied(t)
