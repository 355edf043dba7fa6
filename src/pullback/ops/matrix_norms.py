"""Norms of matrices, and of what may be vectors or matrices."""

from math import inf

from pullback.op import Dtype, Ints, Plain, call, composite, matrices, wrap_dim


@composite(namespace="linalg", method=False)
def matrix_norm(
    xp, A, ord: Plain = "fro", dim: Plain = (-2, -1), keepdim: bool = False, *, dtype: Dtype = None
):
    r"""Norms of matrices: "fro", "nuc" (sum of singular values), 2, 1, inf, and their opposites.

    2 and -2: the largest and the least singular value; 1 and -1: the largest and least sum of a
    column's moduli; inf and -inf: of a row's.
    """
    name = "linalg.matrix_norm"
    if dtype is not None:
        A = A.to(dtype)
    matrices.check_floating(name, A)
    matrices.check_matrices(name, A)
    if not isinstance(dim, (tuple, list)) or len(dim) != 2:
        raise RuntimeError(f"{name}: dim must be a 2-tuple. Got {dim}")
    rank = len(A.shape)
    rows, columns = (wrap_dim(d, rank, name) for d in dim)
    if rows == columns:
        raise RuntimeError(f"{name}: dims must be different. Got ({dim[0]}, {dim[1]})")
    if isinstance(ord, str):
        if ord not in ("fro", "nuc"):
            raise RuntimeError(f"{name}: Order {ord} not supported.")
        if ord == "fro":
            return xp.linalg_vector_norm(A, 2, (rows, columns), keepdim)
    elif ord not in (1, -1, 2, -2, inf, -inf):
        raise RuntimeError(f"{name}: Order {ord} not supported.")
    if ord in ("nuc", 2, -2):
        kept = [d for d in range(rank) if d not in (rows, columns)]
        s = xp.linalg_svdvals(xp.permute(A, *kept, rows, columns))
        if ord == "nuc":
            found = xp.sum(s, -1)
        else:
            found = xp.amax(s, -1) if ord == 2 else xp.amin(s, -1)
        if keepdim:
            shape = [1 if d in (rows, columns) else A.shape[d] for d in range(rank)]
            found = xp.reshape(found, *shape)
        return found
    summed, compared = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = xp.linalg_vector_norm(A, 1, summed, True)
    extreme = xp.amax if ord > 0 else xp.amin
    if keepdim:
        return extreme(sums, compared, True)
    return xp.squeeze(extreme(sums, compared, True), (rows, columns))


@composite(namespace="linalg", method=False)
def norm(
    xp, A, ord: Plain = None, dim: Plain = None, keepdim: bool = False, *, dtype: Dtype = None
):
    r"""Vector norm over one axis (or all, without `ord`), matrix norm over two.

    Without `dim`, an `ord` asks for a tensor with one axis or two.
    """
    if ord is None:
        return xp.linalg_vector_norm(A, 2, dim, keepdim, dtype=dtype)
    if dim is None:
        if len(A.shape) not in (1, 2):
            raise RuntimeError(
                f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. "
                f"Got {len(A.shape)}D."
            )
        dim = tuple(range(len(A.shape)))
    if not isinstance(dim, (tuple, list)):
        dim = (dim,)
    if len(dim) not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dim)}"
        )
    if len(dim) == 2:
        return xp.linalg_matrix_norm(A, ord, dim, keepdim, dtype=dtype)
    if isinstance(ord, str):
        raise RuntimeError(
            f"linalg.norm: If ord is a string, the input must be 2D, or dim have two axes; got "
            f"{ord!r} for the shape {list(A.shape)}"
        )
    return xp.linalg_vector_norm(A, ord, dim[0], keepdim, dtype=dtype)


@composite(method=False)
def frobenius_norm(xp, input, dim: Ints, keepdim: bool = False):
    r"""The root of the sum of squared moduli over at most two axes, () for all: use `norm`."""
    if len(dim) > 2:
        raise RuntimeError(f"frobenius_norm: dim is at most two axes, not {list(dim)}")
    return xp.linalg_vector_norm(input, 2, dim or None, keepdim)


@composite(method=False)
def nuclear_norm(xp, input, dim: Plain = None, keepdim: bool = False):
    r"""The sum of the singular values of matrices, of two axes: use `linalg.matrix_norm`."""
    if isinstance(dim, bool):  # nuclear_norm(input, keepdim)
        dim, keepdim = None, dim
    if dim is None:
        if len(input.shape) != 2:
            raise RuntimeError(
                f"nuclear_norm: expected a matrix, or dim=, for the shape {list(input.shape)}"
            )
        dim = (0, 1)
    return xp.linalg_matrix_norm(input, "nuc", dim, keepdim)


@frobenius_norm.samples
def _(r):
    yield call(r(2, 3, 4), (0, 2))
    yield call(r(3, 4), 1, True)
    yield call(r(3, 4), ())


@nuclear_norm.samples
def _(r):
    yield call(r(3, 2))
    yield call(r(3, 2), True)
    yield call(r(2, 3, 4), (2, 0), keepdim=True)


@frobenius_norm.reference
def _(np, input, dim, keepdim=False):
    dim = dim if isinstance(dim, tuple) else (dim,)
    return np.sqrt(np.sum(np.abs(input) ** 2, axis=dim or None, keepdims=keepdim))


@nuclear_norm.reference
def _(np, input, dim=None, keepdim=False):
    if isinstance(dim, bool):
        dim, keepdim = None, dim
    return np.linalg.norm(input, "nuc", dim or (0, 1), keepdim)


@matrix_norm.samples
def _(r):
    yield call(r(2, 3, 4))
    yield call(r(3, 2), "nuc")
    yield call(r(2, 3, 2), 2, (0, 1), True)
    yield call(r(3, 2), 1)
    yield call(r(3, 2), -inf, keepdim=True)
    yield call(r(3, 2), -2)
    yield call(r(3, 2), dtype=r.float64)


@norm.samples
def _(r):
    yield call(r(2, 3, 4))
    yield call(r(3, 2), "nuc")
    yield call(r(3, 2), 3, 0, True)
    yield call(r(3), 1)
    yield call(r(3, 2), inf, (0, 1))
    yield call(r(3), dtype=r.float64)


@matrix_norm.reference
def _(np, A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None):
    return np.linalg.norm(A, ord, dim, keepdim)


@norm.reference
def _(np, A, ord=None, dim=None, keepdim=False, *, dtype=None):
    if ord is None and dim is None:
        return np.linalg.norm(A.reshape(-1))
    return np.linalg.norm(A, ord, dim, keepdim)
