"""Factorisations of square matrices, and rectangular ones: Cholesky, LU.

Derivatives: I. Murray, Differentiation of the Cholesky decomposition (2016); M. Seeger and others,
Auto-differentiating linear algebra (2017); S. F. Walter and L. Lehmann, Algorithmic
differentiation of linear algebra functions (2010); F. R. de Hoog and others, The derivatives of
LU factorisations (2011).
"""

from pullback.op import Array, call, composite, matrices, opaque

_t, _h = matrices.transposed, matrices.adjoint


def _symmetric(torch, function, A, *args, **keywords):
    """Tests: a positive definite matrix made of any."""
    n = A.shape[-1]
    return function(A @ A.mH + n * torch.eye(n, dtype=A.dtype), *args, **keywords)


def _symmetric_array(np, A):
    return A @ A.conj().swapaxes(-1, -2) + A.shape[-1] * np.eye(A.shape[-1])


# --------------------------------------------------------------------------------- Cholesky


def _indefinite(info):
    return (
        f"The factorization could not be completed because the input is not positive-definite "
        f"(the leading minor of order {info} is not positive-definite)."
    )


@opaque(
    namespace="linalg", method=False, dtypes="fc", half=False, holomorphic=False,
    outputs="L info", integer_outputs="info", in_order=False,
)  # fmt: skip
def cholesky_ex(xp, A, *, upper: bool = False, check_errors: bool = False):
    r"""Lower L with $A = L L^H$ (or upper with $L^H L$), and info (…): 0, or the bad minor.

    Of Hermitian positive definite matrices (…, n, n), of which one half is looked at.
    """
    matrices.check_square("linalg.cholesky", A)
    factor, info = xp.lapack("cholesky", A, upper)
    if check_errors:
        xp.lapack("check_info", info, "linalg.cholesky", _indefinite)
    return factor, info


@cholesky_ex.backward("A")
def _(xp, g, L, upper):
    if upper:
        L, g = _h(xp, L), _h(xp, g)
    turned = _h(xp, L)
    product = xp.matmul(turned, g)
    half = xp.tril(product) - matrices.diagonal_matrices(xp, matrices.diagonal_of(xp, product)) / 2
    found = xp.linalg_solve_half(turned, half, True, False)
    found = _h(xp, xp.linalg_solve_half(turned, _h(xp, found), True, False))
    return (found + _h(xp, found)) / 2


@cholesky_ex.examples
def _(xp, A, upper, check_errors):
    return xp.linalg_cholesky_ex(A, upper=upper, check_errors=check_errors)


@composite(namespace="linalg", method=False)
def cholesky(xp, A, *, upper: bool = False):
    r"""Lower L with $A = L L^H$, or upper with $L^H L$. LinAlgError if A is not positive definite.

    Of Hermitian positive definite matrices (…, n, n), of which one half is looked at.
    """
    matrices.check_floating("linalg.cholesky", A)
    return xp.linalg_cholesky_ex(A, upper=upper, check_errors=True)[0]


@composite(name="cholesky")
def cholesky_function(xp, input, upper: bool = False):
    r"""`linalg.cholesky`, under its older name."""
    return xp.linalg_cholesky(input, upper=upper)


@cholesky_function.samples
def _(r):
    yield call(r(3, 3))
    yield call(r(2, 2, 2), True)


@cholesky.samples
def _(r):
    yield call(r(3, 3))
    yield call(r(2, 2, 2), upper=True)
    yield call(r(0, 0))


@cholesky_ex.samples
def _(r):
    yield call(r(3, 3))
    yield call(r(2, 2, 2), upper=True, check_errors=True)


def _cholesky_reference(np, A, upper):
    factor = np.linalg.cholesky(_symmetric_array(np, A))
    return factor.conj().swapaxes(-1, -2) if upper else factor


@cholesky_function.reference
def _(np, A, upper=False):
    return _cholesky_reference(np, A, upper)


@cholesky.reference
def _(np, A, *, upper=False):
    return _cholesky_reference(np, A, upper)


@cholesky_ex.reference
def _(np, A, *, upper=False, check_errors=False):
    return _cholesky_reference(np, A, upper), np.zeros(A.shape[:-2], np.int32)


for _op in (cholesky, cholesky_ex, cholesky_function):
    _op.tried(_symmetric)


# --------------------------------------------------------------------------------------- LU


def _zero_pivot(info):
    return (
        f"U[{info},{info}] is zero and using it on lu_solve would result in a division by zero. "
        f"If you still want to perform the factorization, consider calling linalg.lu(A, pivot) or "
        f"linalg.lu_factor_ex(A, pivot)"
    )


@opaque(
    namespace="linalg", method=False, dtypes="fc", half=False, outputs="LU pivots info",
    integer_outputs="pivots info", in_order=False,
)  # fmt: skip
def lu_factor_ex(xp, A, *, pivot: bool = True, check_errors: bool = False):
    r"""L and U in one matrix (…, m, n), the exchanges of rows (…, min(m, n)), and info (…)."""
    matrices.check_matrices("linalg.lu_factor", A)
    if not pivot:
        raise RuntimeError(
            "linalg.lu_factor: LU without pivoting is not implemented on the CPU: say pivot=True"
        )
    packed, pivots, info = xp.lapack("lu_factor", A)
    if check_errors:
        xp.lapack("check_info", info, "linalg.lu_factor", _zero_pivot)
    return packed, pivots, info


@lu_factor_ex.backward("A")
def _(xp, g, LU, pivots):
    m, n = LU.shape[-2:]
    k = min(m, n)
    last = len(LU.shape) - 1
    square = xp.slice(xp.slice(LU, last, 0, k, 1), last - 1, 0, k, 1)
    ones = matrices.identity(xp, k, LU)
    lower, upper = _t(xp, xp.tril(square, -1) + ones), _t(xp, xp.triu(square))
    part = xp.slice(xp.slice(g, last, 0, k, 1), last - 1, 0, k, 1)
    to_lower, to_upper, others = xp.tril(part, -1), xp.triu(part), []
    if m > n:
        rest = xp.slice(LU, last - 1, k, m, 1)
        more = _right(xp, upper, xp.slice(g, last - 1, k, m, 1))
        to_upper = to_upper - xp.matmul(_t(xp, rest), more)
        others, axis = [more], last - 1
    elif m < n:
        rest = xp.slice(LU, last, k, n, 1)
        more = xp.linalg_solve_half(lower, xp.slice(g, last, k, n, 1), True, True)
        to_lower = to_lower - xp.matmul(more, _t(xp, rest))
        others, axis = [more], last
    middle = xp.tril(xp.matmul(lower, to_lower), -1)
    middle = middle + xp.triu(xp.matmul(xp.triu(to_upper), upper))
    found = _right(xp, upper, xp.linalg_solve_half(lower, middle, True, True))
    if others:
        found = xp.cat([found, *others], axis)
    return xp.matmul(xp.linalg_permutations(pivots, m, LU), found)


def _right(xp, lower, B):
    """X of X A = B for lower triangular A."""
    return _t(xp, xp.linalg_solve_half(_t(xp, lower), _t(xp, B), True, False))


@lu_factor_ex.examples
def _(xp, A, pivot, check_errors):
    return xp.linalg_lu_factor_ex(A, pivot=pivot, check_errors=check_errors)


@opaque(namespace="linalg", public=False, derivative=False, leading=True)
def permutations(xp, pivots, rows: int, like: Array):
    r"""The permutation matrices of exchanges of rows."""
    return xp.lapack("permutations", pivots, rows, like.dtype)


@permutations.samples
def _(r):
    yield call(r.integers(2, 3, 2).astype("int32"), 2, r(1))


@composite(
    namespace="linalg", method=False, outputs="LU pivots", integer_outputs="pivots"
)  # fmt: skip
def lu_factor(xp, A, *, pivot: bool = True):
    r"""L and U in one matrix (…, m, n), and the exchanges of rows. LinAlgError for a zero pivot."""
    matrices.check_floating("linalg.lu_factor", A)
    return tuple(xp.linalg_lu_factor_ex(A, pivot=pivot, check_errors=True)[:2])


@composite(namespace="linalg", method=False, outputs="P L U")
def lu(xp, A, *, pivot: bool = True):
    r"""Permutation, unit lower and upper triangular matrices with A = P L U."""
    matrices.check_floating("linalg.lu", A)
    packed, pivots, _ = xp.linalg_lu_factor_ex(A, pivot=pivot)
    return tuple(xp.lu_unpack(packed, pivots))


@composite(method=False, outputs="P L U")
def lu_unpack(xp, LU_data, LU_pivots: Array, unpack_data: bool = True, unpack_pivots: bool = True):
    r"""P, L and U of `linalg.lu_factor`'s results; those not asked for are empty."""
    if LU_pivots.dtype.name != "int32":
        raise RuntimeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype."
        )
    if len(LU_data.shape) < 2 or not LU_pivots.shape:
        raise RuntimeError(
            f"torch.lu_unpack: LU_data holds matrices and LU_pivots vectors, not shapes "
            f"{list(LU_data.shape)} and {list(LU_pivots.shape)}"
        )
    m, n = LU_data.shape[-2:]
    k = min(m, n)
    last = len(LU_data.shape) - 1
    permutation = lower = upper = xp.filled((0,), 0, LU_data)
    if unpack_pivots:
        permutation = xp.linalg_permutations(LU_pivots, m, LU_data)
    if unpack_data:
        lower = xp.tril(xp.narrow(LU_data, last, 0, k), -1)
        lower = lower + xp.tril(xp.triu(xp.filled((m, k), 1, LU_data)))
        upper = xp.triu(xp.narrow(LU_data, last - 1, 0, k))
    return permutation, lower, upper


@composite(name="lu")
def lu_function(xp, A, pivot: bool = True, get_infos: bool = False):
    r"""`linalg.lu_factor`'s L and U in one matrix, and pivots; with info where `get_infos`."""
    factor = xp.linalg_lu_factor_ex if get_infos else xp.linalg_lu_factor
    return factor(A, pivot=pivot)


def _rows_apart(torch, function, A, *args, **keywords):
    """Tests: matrices whose pivots are clear."""
    n = min(A.shape[-2:])
    rows = torch.arange(A.shape[-2]) - n
    made = function(A + 9 * torch.eye(*A.shape[-2:], dtype=A.dtype)[rows], *args, **keywords)
    if function is not torch.linalg.lu:
        return made
    return made[0].bool(), *made[1:]  # permutations have no derivative


def _rows_apart_array(np, A):
    m, n = A.shape[-2:]
    return A + 9 * np.eye(m, n)[np.arange(m) - min(m, n)]


@lu_factor_ex.samples
def _(r):
    yield call(r(3, 3))
    yield call(r(2, 2, 2), check_errors=True, pivot=bool(1))
    yield call(r(4, 2))
    yield call(r(2, 3))


@lu_factor.samples
@lu.samples
def _(r):
    yield call(r(3, 3))
    yield call(r(2, 2, 3), pivot=bool(1))
    yield call(r(3, 2))


def _lu_reference(np, A):
    from scipy.linalg import lu as factors

    matrix = _rows_apart_array(np, A)
    made = [factors(x) for x in matrix.reshape(-1, *A.shape[-2:])]
    return [
        np.stack(parts).reshape(*A.shape[:-2], *parts[0].shape) for parts in zip(*made, strict=True)
    ]


def _packed_reference(np, A):
    from scipy.linalg.lapack import get_lapack_funcs

    matrix = _rows_apart_array(np, A)
    (getrf,) = get_lapack_funcs(("getrf",), (matrix,))
    made = [getrf(x) for x in matrix.reshape(-1, *A.shape[-2:])]
    packed = np.stack([x[0] for x in made]).reshape(A.shape)
    pivots = np.stack([x[1] + 1 for x in made]).reshape(*A.shape[:-2], -1)
    return packed, pivots


@lu.reference
def _(np, A, *, pivot=True):
    return tuple(_lu_reference(np, A))


@lu_factor.reference
def _(np, A, *, pivot=True):
    return _packed_reference(np, A)


@lu_function.samples
def _(r):
    yield call(r(3, 3))
    yield call(r(2, 3, 2), bool(1), True)


@lu_function.reference
def _(np, A, pivot=True, get_infos=False):
    return *_packed_reference(np, A), *(np.zeros(A.shape[:-2], np.int32),)[:get_infos]


@lu_factor_ex.reference
def _(np, A, *, pivot=True, check_errors=False):
    return *_packed_reference(np, A), np.zeros(A.shape[:-2], np.int32)


for _op in (lu, lu_factor, lu_factor_ex, lu_function):
    _op.tried(_rows_apart)


def _with_pivots(torch, function, *args, **keywords):
    """Tests: pivots as LAPACK's 32-bit integers."""
    args = [a.int() if getattr(a, "dtype", None) is torch.int64 else a for a in args]
    made = function(*args, **keywords)
    if function is not torch.lu_unpack:
        return made
    return tuple(x for x in (made[0].bool(), *made[1:]) if x.numel())


@lu_unpack.samples
def _(r):
    yield call(r(3, 3), r.integers(3, 4, 3).astype("int32"))
    yield call(r(2, 4, 2), r.integers(2, 4, 2, 2).astype("int32"), True, False)
    yield call(r(2, 3), r.integers(2, 3, 2).astype("int32"), False, True)


@lu_unpack.reference
def _(np, LU_data, LU_pivots, unpack_data=True, unpack_pivots=True):
    m, n = LU_data.shape[-2:]
    k = min(m, n)
    P = L = U = np.zeros(0)
    if unpack_data:
        L = np.tril(LU_data[..., :k], -1) + np.eye(m, k)
        U = np.triu(LU_data[..., :k, :])
    if unpack_pivots:
        P = _permutation(np, LU_pivots, m)
    return tuple(x for x in (P != 0, L, U) if x.size)


def _permutation(np, pivots, m):
    made = []
    for p in pivots.reshape(-1, pivots.shape[-1]):
        order = np.arange(m)
        for i, j in enumerate(p):
            order[[i, j - 1]] = order[[j - 1, i]]
        made.append(np.eye(m)[:, order])
    return np.stack(made).reshape(*pivots.shape[:-1], m, m)


@composite(namespace="linalg", method=False, dtypes="fc", half=False)
def lu_solve(xp, LU, pivots: Array, B: Array, *, left: bool = True, adjoint: bool = False):
    r"""Solutions of A X = B (X A = B where not `left`, $A^H$ if `adjoint`) by `lu_factor`'s LU."""
    matrices.check_square("linalg.lu_solve", LU, "LU")
    matrices.check_matrices("linalg.lu_solve", B, "B")
    if pivots.dtype.name != "int32":
        raise RuntimeError("linalg.lu_solve: pivots should be a Tensor of scalar type torch.int32")
    if LU.dtype != B.dtype:
        raise RuntimeError(
            f"linalg.lu_solve: Expected LU and B to have the same dtype, but found LU of type "
            f"{LU.dtype} and B of type {B.dtype} instead"
        )
    if B.shape[-2 if left else -1] != LU.shape[-1]:
        raise RuntimeError(
            f"linalg.lu_solve: Incompatible shapes of A and B for the equation "
            f"{'AX = B' if left else 'XA = B'} ({LU.shape[-2]}x{LU.shape[-1]} and "
            f"{B.shape[-2]}x{B.shape[-1]})"
        )
    if tuple(pivots.shape) != tuple(LU.shape[:-1]):
        raise RuntimeError(
            f"linalg.lu_solve: Number of pivots per batch should be same as the dimension of the "
            f"matrix: pivots of shape {list(pivots.shape)} do not belong to LU of shape "
            f"{list(LU.shape)}"
        )
    if not left:
        return _h(xp, xp.linalg_lu_solve(LU, pivots, _h(xp, B), adjoint=not adjoint))
    rows = xp.linalg_permutations(pivots, LU.shape[-1], LU)
    if adjoint:
        turned = _h(xp, LU)
        half = xp.linalg_solve_half(turned, B, False, False)
        found = xp.matmul(rows, xp.linalg_solve_half(turned, half, True, True))
        return matrices.by_columns(xp, found)
    half = xp.linalg_solve_half(LU, xp.matmul(_t(xp, rows), B), False, True)
    return xp.linalg_solve_half(LU, half, True, False)


@composite(name="lu_solve")
def lu_solve_function(xp, input, LU_data: Array, LU_pivots: Array):
    r"""`linalg.lu_solve`, with the right-hand side first."""
    return xp.linalg_lu_solve(LU_data, LU_pivots, input)


@lu_solve_function.samples
def _(r):
    yield call(r(3, 2), r.nonzero(3, 3), r.integers(3, 4, 3).astype("int32"))


@lu_solve.samples
def _(r):
    yield call(r.nonzero(3, 3), r.integers(3, 4, 3).astype("int32"), r(3, 2))
    yield call(r.nonzero(2, 3, 3), r.integers(3, 4, 2, 3).astype("int32"), r(2, 2, 3), left=False)
    yield call(r.nonzero(3, 3), r.integers(3, 4, 3).astype("int32"), r(3, 2), adjoint=True)


@lu_solve.reference
def _(np, LU, pivots, B, *, left=True, adjoint=False):
    n = LU.shape[-1]
    A = _permutation(np, pivots, n) @ (np.tril(LU, -1) + np.eye(n)) @ np.triu(LU)
    A = A.conj().swapaxes(-1, -2) if adjoint else A
    if left:
        return np.linalg.solve(A, B)
    return np.linalg.solve(A.swapaxes(-1, -2), B.swapaxes(-1, -2)).swapaxes(-1, -2)


@lu_solve_function.reference
def _(np, input, LU, pivots):
    n = LU.shape[-1]
    A = _permutation(np, pivots, n) @ (np.tril(LU, -1) + np.eye(n)) @ np.triu(LU)
    return np.linalg.solve(A, input)


for _op in (lu_unpack, lu_solve, lu_solve_function):
    _op.tried(_with_pivots)
