"""Diagonals and triangles: read, built, written; block diagonals."""

from pullback.op import (
    Arrays,
    Dim,
    NewDim,
    Number,
    call,
    composite,
    copied,
    creation,
    opaque,
    scattered,
    view,
)


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


diagonal_copy = copied(diagonal)
diagonal_scatter = scattered(diagonal)


def _embedded_shape(input, offset, dim1, dim2):
    if dim1 == dim2:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    size = input.shape[-1] + abs(offset)
    shape = list(input.shape[:-1])
    for d in sorted((dim1, dim2)):
        shape.insert(d, size)
    return tuple(shape)


@opaque()
def diag_embed(xp, input, offset: int = 0, dim1: NewDim = -2, dim2: NewDim = -1):
    r"""The last axis as diagonals of two new axes, zeros elsewhere: the adjoint of `diagonal`."""
    if not input.shape:
        raise RuntimeError("diag_embed() needs at least one axis: the tensor has no dimensions")
    shape = _embedded_shape(input, offset, dim1, dim2)
    return xp.view_adjoint(input, diagonal, (offset, dim1, dim2), shape)


@diag_embed.examples
def _(xp, input, offset, dim1, dim2):
    if len(input.shape) == 1:
        raise RuntimeError("diag_embed() needs at least one axis: the tensor has no dimensions")
    return xp.diag_embed(input, offset, dim1 + 1, dim2 + 1)


@diag_embed.grows
def _(xp, input, offset, dim1, dim2):
    return _embedded_shape(input, offset, dim1, dim2)


@diag_embed.formula
def _(xp, input, offset, dim1, dim2):
    shape = _embedded_shape(input, offset, dim1, dim2)
    return xp.view_adjoint(input, diagonal, (offset, dim1, dim2), shape)


@diag_embed.backward("input")
def _(xp, g, offset, dim1, dim2):
    return xp.diagonal(g, offset, dim1, dim2)


@diag_embed.samples
def _(r):
    yield call(r(3))
    yield call(r(2, 3), 1)
    yield call(r(2, 3), -2, 0, -1)
    yield call(r(2, 3), dim1=2, dim2=0)
    yield call(r(0))


@diag_embed.reference
def _(np, input, offset=0, dim1=-2, dim2=-1):
    size = input.shape[-1] + abs(offset)
    result = np.zeros((*input.shape[:-1], size, size), input.dtype)
    for k in range(input.shape[-1]):
        result[..., k + max(0, -offset), k + max(0, offset)] = input[..., k]
    return np.moveaxis(result, (-2, -1), (dim1, dim2))


@composite()
def diag(xp, input, diagonal: int = 0):
    r"""The matrix with a given diagonal, or the diagonal of a matrix, copied."""
    if len(input.shape) == 1:
        return xp.diag_embed(input, diagonal)
    if len(input.shape) != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {len(input.shape)}D")
    return xp.diagonal_copy(input, diagonal)


@diag.samples
def _(r):
    yield call(r(3))
    yield call(r(3), -1)
    yield call(r(3, 4), diagonal=1)


@diag.reference
def _(np, input, diagonal=0):
    return np.diag(input, diagonal)


@composite()
def diagflat(xp, input, offset: int = 0):
    r"""The matrix with all elements of the input on a diagonal."""
    return xp.diag_embed(xp.reshape(input, -1), offset)


@diagflat.samples
def _(r):
    yield call(r(2, 2))
    yield call(r(3), 1)
    yield call(r(), offset=-1)


@diagflat.reference
def _(np, input, offset=0):
    return np.diagflat(input, offset)


@opaque(dtypes="ifc")
def trace(xp, input):
    r"""The sum of the diagonal of a matrix; of integers in int64."""
    if len(input.shape) != 2:
        raise RuntimeError(
            f"trace: expected a matrix, but got tensor with dim {len(input.shape)}, of shape "
            f"{list(input.shape)}"
        )
    return xp.trace_array(input)


@trace.examples
def _(xp, input):
    if len(input.shape) != 3:
        raise RuntimeError(
            f"trace: expected a matrix, but got tensor with dim {len(input.shape) - 1}, of shape "
            f"{list(input.shape[1:])}"
        )
    return xp.sum(xp.diagonal(input, 0, 1, 2), 1)


@trace.formula
def _(xp, input):
    return xp.sum(xp.diagonal(input))


@trace.backward("input")
def _(xp, g, input_shape):
    size = min(input_shape)
    return xp.view_adjoint(xp.expand(g, size), diagonal, (0, 0, 1), tuple(input_shape))


@trace.samples
def _(r):
    yield call(r(3, 4))
    yield call(r.integers(0, 9, 3, 3))
    yield call(r(0, 2))


@trace.reference
def _(np, input):
    return np.trace(input)


def _check_matrix(name, input):
    if len(input.shape) < 2:
        raise RuntimeError(
            f"{name}: input tensor must have at least 2 dimensions, not the shape "
            f"{list(input.shape)}"
        )


@opaque(inplace=True)
def tril(xp, input, diagonal: int = 0):
    r"""The lower triangle of matrices; zeros above the given diagonal."""
    _check_matrix("tril", input)
    return xp.triangle(input, diagonal, True)


@tril.examples
def _(xp, input, diagonal):
    return xp.tril(input, diagonal)


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


@opaque(inplace=True)
def triu(xp, input, diagonal: int = 0):
    r"""The upper triangle of matrices; zeros below the given diagonal."""
    _check_matrix("triu", input)
    return xp.triangle(input, diagonal, False)


@triu.examples
def _(xp, input, diagonal):
    return xp.triu(input, diagonal)


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


def _triangle_indices(name):
    @creation(name=name, default="int")
    def indices(xp, row: int, col: int, offset: int = 0, *, dtype):
        if row < 0 or col < 0:
            raise RuntimeError(f"{name}: row and col must be non-negative, got {row} and {col}")
        if dtype.name not in ("int32", "int64"):
            raise NotImplementedError(f"{name}: indices are int32 or int64, not {dtype}")
        return xp.triangle_indices(row, col, offset, name == "tril_indices", dtype)

    @indices.samples
    def _(r):
        yield call(3, 4)
        yield call(3, 3, 1)
        yield call(4, 2, offset=-1, dtype=r.int32)
        yield call(0, 2)

    @indices.reference
    def _(np, row, col, offset=0, *, dtype=None):
        return np.stack(getattr(np, name)(row, offset, col)).astype(dtype or np.int64)

    side = "lower" if name == "tril_indices" else "upper"
    indices.doc = f"Where the {side} triangle of a matrix is: rows above columns, (2, n)."


_triangle_indices("tril_indices")
_triangle_indices("triu_indices")


# ------------------------------------------------------------------------------------- blocks


def _as_matrix(xp, x):
    if len(x.shape) > 2:
        raise RuntimeError(
            "torch.block_diag: Input tensors must have 2 or fewer dimensions, not the shape "
            f"{list(x.shape)}"
        )
    return x if len(x.shape) == 2 else xp.reshape(x, 1, -1)


@opaque(public=False, node="BlockDiag", promote=True)
def block_diag_list(xp, tensors: Arrays):
    r"""Matrices along the diagonal of a larger one."""
    tensors = [_as_matrix(xp, x) for x in tensors]
    rows, columns = sum(x.shape[0] for x in tensors), sum(x.shape[1] for x in tensors)
    result, row, column = None, 0, 0
    for x in tensors:
        n, m = x.shape
        pad = (column, columns - column - m, row, rows - row - n)
        part = xp.constant_pad_nd(x, pad, 0)
        result = part if result is None else xp.add(result, part)
        row, column = row + n, column + m
    return result


@block_diag_list.backward("tensors")
def _(xp, g, tensors_shape):
    parts, row, column = [], 0, 0
    for shape in tensors_shape:
        n, m = shape if len(shape) == 2 else (1, shape[0] if len(shape) else 1)
        part = xp.narrow(xp.narrow(g, 0, row, n), 1, column, m)
        parts.append(xp.reshape(part, *shape))
        row, column = row + n, column + m
    return parts


@block_diag_list.samples
def _(r):
    yield call([r(2, 3), r(2)])


@composite(method=False)
def block_diag(xp, *tensors):
    r"""Matrices along the diagonal of a larger one; 1-D tensors are rows, dtypes promote."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    for x in tensors:
        if not hasattr(type(x), "dtype"):
            raise TypeError(f"block_diag(): expected Tensors, not {type(x).__name__}")
    return xp.block_diag_list(list(tensors)) if tensors else xp.zeros(1, 0)


@block_diag.samples
def _(r):
    yield call(r(2, 3), r(2), r())
    yield call(r(1, 2))


@block_diag.reference
def _(np, *tensors):
    tensors = [np.atleast_2d(x) for x in tensors]
    result = np.zeros(
        [sum(x.shape[k] for x in tensors) for k in range(2)], np.result_type(*tensors)
    )
    row = column = 0
    for x in tensors:
        result[row : row + x.shape[0], column : column + x.shape[1]] = x
        row, column = row + x.shape[0], column + x.shape[1]
    return result


@opaque(public=False, inplace=True, holomorphic=False, affine=True, in_order=False)
def fill_diagonal(xp, input, fill_value: Number, wrap: bool = False):
    r"""`input.fill_diagonal_(fill_value)`: one number written where all indices are equal.

    For two axes of any size, or more of one size. `wrap`: the diagonal of a matrix with more rows
    than columns begins anew after each square and an empty row.
    """
    shape = list(input.shape)
    if len(shape) < 2:
        raise RuntimeError(
            f"fill_diagonal_: dimensions must be larger than 1, but the shape is {shape}"
        )
    if len(shape) > 2 and len(set(shape)) > 1:
        raise RuntimeError(
            f"fill_diagonal_: all dimensions of input must be of equal length, but the shape is "
            f"{shape}"
        )
    return xp.with_diagonal(input, fill_value, wrap)


@fill_diagonal.formula
def _(xp, input, fill_value, wrap):
    shape = input.shape
    at = [xp.positions(size, k, len(shape)) for k, size in enumerate(shape)]
    if wrap and len(shape) == 2:
        place = at[0] * xp.number(shape[1]) + at[1]
        there = xp.eq(xp.remainder(place, xp.number(shape[1] + 1)), 0)
    else:
        there = xp.eq(at[0], at[1])
        for other in at[2:]:
            there = xp.logical_and(there, xp.eq(at[0], other))
    return xp.where(there, xp.number(fill_value, input), input)


@fill_diagonal.examples
def _(xp, input, fill_value, wrap):
    there = xp.fill_diagonal(xp.filled(input.shape[1:], 0, input), 1, wrap)
    return xp.where(xp.ne(there, 0), fill_value, input)


@fill_diagonal.backward("input")
def _(xp, g, wrap):
    return xp.fill_diagonal(g, 0, wrap)


@fill_diagonal.samples
def _(r):
    yield call(r(3, 3), 1.5)
    yield call(r(7, 2), 2, True)
    yield call(r(5, 2), 2)
    yield call(r(2, 4), -1, wrap=True)
    yield call(r(2, 2, 2), 0.5)
    yield call(r(0, 2), 0.5)


@fill_diagonal.reference
def _(np, input, fill_value, wrap=False):
    made = np.array(input)
    if made.size:
        np.fill_diagonal(made, fill_value, wrap)
    return made
