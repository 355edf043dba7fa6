"""Several tensors as one."""

from pullback.op import Arrays, all_examples, call, composite, opaque, wrap_dim


@opaque(aliases=("concat", "concatenate"), method=False, promote=True)
def cat(xp, tensors: Arrays, dim: int = 0):
    r"""Tensors one after the other along an axis; dtypes promote, other sizes must agree."""
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    tensors = [x for x in tensors if x.shape != (0,)] or tensors[:1]  # legacy empty tensors
    first = tensors[0].shape
    if not first:
        raise RuntimeError("zero-dimensional tensor (at position 0) cannot be concatenated")
    if not -len(first) <= dim < len(first):
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-len(first)}, "
            f"{len(first) - 1}], but got {dim})"
        )
    dim %= len(first)
    for k, x in enumerate(tensors):
        same = len(x.shape) == len(first) and all(
            a == b for d, (a, b) in enumerate(zip(x.shape, first, strict=True)) if d != dim
        )
        if not same:
            raise RuntimeError(
                f"Sizes of tensors must match except in dimension {dim}. Got {list(x.shape)} "
                f"for tensor number {k} in the list, and {list(first)} for the first."
            )
    return xp.cat(tensors, dim)


@cat.examples
def _(xp, tensors, dim):
    tensors = all_examples(xp, [x for x in tensors if x.shape[1:] != (0,)] or tensors[:1])
    rank = len(tensors[0].shape) - 1
    if not rank:
        raise RuntimeError("zero-dimensional tensor (at position 0) cannot be concatenated")
    return xp.cat(tensors, wrap_dim(dim, rank) + 1)


@cat.formula
def _(xp, tensors, dim):
    tensors = [x for x in tensors if 0 not in x.shape]
    rank = len(tensors[0].shape)
    dim %= rank
    total = 0
    for x in tensors:
        total += x.shape[dim]
    at = xp.positions(total, dim, rank)
    result, start = None, 0
    for x in tensors:
        size = x.shape[dim]
        own = xp.minimum(xp.maximum(at - xp.number(start), 0), xp.number(size - 1))
        part = xp.moved(x, dim, own)
        result = part if result is None else xp.where(xp.lt(at, xp.number(start)), result, part)
        start += size
    return result


@cat.backward("tensors")
def _(xp, g, tensors_shape, dim):
    axis = dim % len(g.shape)
    pieces, start = [], 0
    for shape in tensors_shape:
        if shape == (0,) and len(g.shape) > 1:
            pieces.append(xp.filled(shape, 0, g))
            continue
        pieces.append(xp.slice(g, axis, start, start + shape[axis], 1))
        start += shape[axis]
    return pieces


@cat.samples
def _(r):
    yield call([r(2, 3), r(1, 3)])
    yield call([r(2, 3), r(2, 1), r(2, 0)], 1)
    yield call((r(3), r(0), r(2)), dim=-1)
    yield call([r(2, 2)])


@cat.reference
def _(np, tensors, dim=0):
    return np.concatenate(tensors, dim)


@opaque(method=False, promote=True)
def stack(xp, tensors: Arrays, dim: int = 0):
    r"""Tensors of one shape along a new axis; dtypes promote."""
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    first = tensors[0].shape
    for k, x in enumerate(tensors):
        if x.shape != first:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(first)} at entry 0 "
                f"and {list(x.shape)} at entry {k}"
            )
    rank = len(first) + 1
    if not -rank <= dim < rank:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got "
            f"{dim})"
        )
    dim %= rank
    return xp.cat([xp.reshape(x, *first[:dim], 1, *first[dim:]) for x in tensors], dim)


@stack.examples
def _(xp, tensors, dim):
    return xp.stack(all_examples(xp, tensors), wrap_dim(dim, len(tensors[0].shape)) + 1)


@stack.formula
def _(xp, tensors, dim):
    return xp.cat([xp.unsqueeze(x, dim) for x in tensors], dim)


@stack.backward("tensors")
def _(xp, g, dim):
    return list(xp.unbind(g, dim))


@stack.samples
def _(r):
    yield call([r(2, 3), r(2, 3)])
    yield call([r(2, 3), r(2, 3)], -1)
    yield call((r(), r(), r()))
    yield call([r(0, 2)], dim=1)


@stack.reference
def _(np, tensors, dim=0):
    return np.stack(tensors, dim)


@composite(method=False)
def hstack(xp, tensors: Arrays):
    r"""Side by side: along axis 1, or axis 0 of 1-D tensors."""
    if not tensors:
        raise RuntimeError("hstack expects a non-empty list of Tensors")
    tensors = [xp.reshape(x, -1) if not x.shape else x for x in tensors]
    return xp.cat(tensors, 0 if len(tensors[0].shape) == 1 else 1)


@hstack.samples
def _(r):
    yield call([r(2, 3), r(2, 1)])
    yield call([r(2), r(3)])
    yield call((r(), r()))


@hstack.reference
def _(np, tensors):
    return np.hstack(tensors)


def _lifted(name, function, tensors):
    if not tensors:
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    return function(list(tensors))


@composite(method=False, aliases=("row_stack",))
def vstack(xp, tensors: Arrays):
    r"""On top of each other: along axis 0 of at least 2-D tensors."""
    return xp.cat(_lifted("vstack", xp.atleast_2d, tensors), 0)


@composite(method=False)
def dstack(xp, tensors: Arrays):
    r"""Behind each other: along axis 2 of at least 3-D tensors."""
    return xp.cat(_lifted("dstack", xp.atleast_3d, tensors), 2)


@composite(method=False)
def column_stack(xp, tensors: Arrays):
    r"""Side by side: 1-D and 0-d tensors as columns, others along axis 1."""
    if not tensors:
        raise RuntimeError("column_stack expects a non-empty TensorList")
    return xp.cat([x if len(x.shape) > 1 else xp.reshape(x, -1, 1) for x in tensors], 1)


@dstack.samples
@column_stack.samples
def _(r):
    yield call([r(2, 3), r(2, 3)])
    yield call((r(2), r(2)))
    yield call((r(), r()))


@dstack.reference
def _(np, tensors):
    return np.dstack(tensors)


@column_stack.reference
def _(np, tensors):
    return np.column_stack(tensors)


@vstack.samples
def _(r):
    yield call([r(2, 3), r(1, 3)])
    yield call([r(3), r(3)])
    yield call((r(), r()))


@vstack.reference
def _(np, tensors):
    return np.vstack(tensors)


@composite(method=False)
def meshgrid(xp, *tensors, indexing="ij"):
    r"""Coordinate grids of 1-D tensors, matrix ("ij") or Cartesian ("xy") order: views."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'meshgrid: indexing must be "xy" or "ij", but received: {indexing}')
    swap = indexing == "xy" and len(tensors) > 1
    order = [1, 0, *range(2, len(tensors))] if swap else list(range(len(tensors)))
    lengths = [_length(x) for x in tensors]
    sizes = [lengths[k] for k in order]
    ones = [1] * len(tensors)
    grids = []
    for k, x in enumerate(tensors):
        place = order.index(k)
        shape = (*ones[:place], lengths[k], *ones[place + 1 :])
        grids.append(xp.expand(xp.reshape(x, *shape), *sizes))
    return tuple(grids)


@meshgrid.samples
def _(r):
    yield call(r(2), r(3), indexing="ij")
    yield call(r(2), r(3), r(2), indexing="xy")
    yield call([r(2), r(0)], indexing="ij")
    yield call(r(), r(2), indexing="ij")


@meshgrid.reference
def _(np, *tensors, indexing="ij"):

    tensors = tensors[0] if isinstance(tensors[0], list) else tensors
    return np.meshgrid(*tensors, indexing=indexing)


def _length(x):
    return x.shape[0] if x.shape else 1


@composite(method=False)
def broadcast_tensors(xp, *tensors):
    r"""The tensors expanded to their common shape: views."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    shape = xp.broadcast_shape(*(x.shape for x in tensors))
    return tuple(xp.expand(x, *shape) for x in tensors)


@broadcast_tensors.samples
def _(r):
    yield call(r(2, 1), r(3))
    yield call(r(), r(2), r(2, 2))
    yield call([r(2), r(1)])


@broadcast_tensors.reference
def _(np, *tensors):
    return np.broadcast_arrays(*(tensors[0] if isinstance(tensors[0], list) else tensors))


@composite(method=False)
def cartesian_prod(xp, *tensors):
    r"""All tuples of elements of 1-D tensors, a row each; of one tensor, itself."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    if not tensors:
        raise RuntimeError("cartesian_prod expects at least one tensor")
    for x in tensors:
        if len(x.shape) != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(x.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    grids = xp.meshgrid(*tensors, indexing="ij")
    return xp.stack([xp.reshape(grid, -1) for grid in grids], 1)


@cartesian_prod.samples
def _(r):
    yield call(r(2), r(3))
    yield call(r(2), r(1), r(2))
    yield call(r(3))


@cartesian_prod.reference
def _(np, *tensors):
    if len(tensors) == 1:
        return tensors[0]
    return np.stack([x.reshape(-1) for x in np.meshgrid(*tensors, indexing="ij")], 1)


@composite(method=False)
def combinations(xp, input, r: int = 2, with_replacement: bool = False):
    r"""All combinations of r elements of a 1-D tensor, in order, a row each."""
    if len(input.shape) != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return xp.filled((0,), 0, input)
    rows = xp.combination_indices(input.shape[0], r, with_replacement)
    chosen = xp.index_select(input, 0, xp.reshape(rows, -1))
    return xp.reshape(chosen, rows.shape[0], r)


@combinations.samples
def _(r):
    yield call(r(4))
    yield call(r(3), 3)
    yield call(r(3), r=2, with_replacement=True)


@combinations.reference
def _(np, input, r=2, with_replacement=False):
    least = 0 if with_replacement else 1
    rows = [i for i in np.ndindex(*(len(input),) * r) if (np.diff(i) >= least).all()]
    return input[np.array(rows, np.int64).reshape(-1, r)]
