"""Inverses and linear systems.

Derivatives: M. B. Giles, Collected matrix derivative results for forward and reverse mode
algorithmic differentiation (2008); of pseudo-inverses: G. H. Golub and V. Pereyra, The
differentiation of pseudo-inverses and nonlinear least squares problems (1973).
"""

from pullback.op import (
    Array,
    Plain,
    as_ints,
    call,
    composite,
    contiguous_format,
    matrices,
    opaque,
    wrap_dim,
)

_t, _h = matrices.transposed, matrices.adjoint


def _singular(info):
    return (
        f"The diagonal element {info} is zero, the inversion could not be completed because the "
        f"input matrix is singular."
    )


def _unsolvable(info):
    return "The solver failed because the input matrix is singular."


@opaque(
    namespace="linalg", method=False, dtypes="fc", half=False, outputs="inverse info",
    integer_outputs="info", in_order=False,
)  # fmt: skip
def inv_ex(xp, A, *, check_errors: bool = False):
    r"""Inverses of square matrices (…, n, n), and info (…): 0, or the zero pivot's number.

    Where there is no inverse it is NaN, or LinAlgError with `check_errors`.
    """
    matrices.check_square("linalg.inv", A)
    inverse, info = xp.lapack("inverse", A)
    if check_errors:
        xp.lapack("check_info", info, "linalg.inv", _singular)
    return inverse, info


@inv_ex.backward("A")
def _(xp, g, inverse):
    turned = _t(xp, inverse)
    return -xp.matmul(xp.matmul(turned, g), turned)


@inv_ex.examples
def _(xp, A, check_errors):
    matrices.check_square("linalg.inv", A[0])
    return xp.linalg_inv_ex(A, check_errors=check_errors)


@composite(namespace="linalg", method=False)
def inv(xp, A):
    r"""Inverses of square matrices (…, n, n). LinAlgError where there is none."""
    matrices.check_floating("linalg.inv", A)
    return xp.linalg_inv_ex(A, check_errors=True)[0]


@composite()
def inverse(xp, input):
    r"""Inverses of square matrices (…, n, n). LinAlgError where there is none."""
    return xp.linalg_inv(input)


@inv.samples
@inverse.samples
def _(r):
    yield call(r(1, 3, 3))
    yield call(r(1, 2, 2, 2))
    yield call(r(0, 0))


@inv.reference
@inverse.reference
def _(np, A):
    return np.linalg.inv(A)


@inv_ex.samples
def _(r):
    yield call(r(1, 3, 3))
    yield call(r(1, 2, 2, 2), check_errors=True)


@inv_ex.reference
def _(np, A, *, check_errors=False):
    return np.linalg.inv(A), np.zeros(A.shape[:-2], np.int32)


# ---------------------------------------------------------------------------------- systems


@opaque(
    namespace="linalg", public=False, node="LinalgSolveEx", dtypes="fc", half=False,
    outputs="result LU pivots info", integer_outputs="LU pivots info", in_order=False,
)  # fmt: skip
def solve_matrices(xp, A, B, check_errors: bool = False):
    r"""Solutions X of A X = B, batch axes broadcasting; the factors of one matrix; and info."""
    result, LU, pivots, info = xp.lapack("solve", A, B)
    if check_errors:
        xp.lapack("check_info", info, "linalg.solve", _unsolvable)
    return result, LU, pivots, info


def _solve_transposed(xp, g, A, LU, pivots):
    """Solutions of A^T X = g: by the factors, where no derivative of theirs is asked for."""
    if xp.is_eager and LU.size:
        return xp.lapack("solve_transposed", LU, pivots, g)
    return xp.linalg_solve_matrices(_t(xp, A), g)[0]


@solve_matrices.backward("A")
def _(xp, g, A, result, LU, pivots):
    return -xp.matmul(_solve_transposed(xp, g, A, LU, pivots), _t(xp, result))


@solve_matrices.backward("B")
def _(xp, g, A, LU, pivots):
    return _solve_transposed(xp, g, A, LU, pivots)


@solve_matrices.samples
def _(r):
    yield call(r(3, 3), r(3, 2))
    yield call(r(2, 1, 2, 2), r(3, 2, 1))


@solve_matrices.examples
def _(xp, A, B, check_errors):
    return xp.linalg_solve_matrices(*_same_rank(xp, A, B), check_errors)


def _same_rank(xp, *stacks):
    rank = max(len(x.shape) for x in stacks)
    return [xp.reshape(x, x.shape[0], *(1,) * (rank - len(x.shape)), *x.shape[1:]) for x in stacks]


def _is_vector(A, B):
    return len(B.shape) == 1 or (
        len(A.shape) - 1 == len(B.shape) and tuple(B.shape) == tuple(A.shape[:-1])
    )


def _check_system(name, A, B, left=True, vector=False):
    matrices.check_square(name, A)
    if not B.shape:
        raise RuntimeError(f"{name}: The input tensor B must have at least 1 dimension")
    if A.dtype != B.dtype:
        raise RuntimeError(
            f"{name}: Expected A and B to have the same dtype, but found A of type {A.dtype} and "
            f"B of type {B.dtype} instead"
        )
    rows = B.shape[-1] if vector or not left or len(B.shape) == 1 else B.shape[-2]
    if rows != A.shape[-1]:
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation "
            f"{'AX = B' if left else 'XA = B'} ({A.shape[-2]}x{A.shape[-1]} and "
            f"{list(B.shape)})"
        )


@composite(
    namespace="linalg", method=False, dtypes="fc", half=False, outputs="result info",
    integer_outputs="info",
)  # fmt: skip
def solve_ex(xp, A, B, *, left: bool = True, check_errors: bool = False):
    r"""Solutions of A X = B (X A = B where not `left`), and info (…): 0, or the zero pivot.

    A (…, n, n); B (…, n, k), or vectors (…, n) of the same batch as A, or (n).
    """
    vector = _is_vector(A, B)
    _check_system("linalg.solve", A, B, left, vector)
    if vector:
        B = xp.unsqueeze(B, -1)
        left = True
    if not left:
        A, B = _t(xp, A), _t(xp, B)
    xp.broadcast_shape(A.shape[:-2], B.shape[:-2])
    result, _, _, info = xp.linalg_solve_matrices(A, B, check_errors)
    result = xp.squeeze(result, -1) if vector else result if left else _t(xp, result)
    return result, info


@composite(namespace="linalg", method=False)
def solve(xp, A, B, *, left: bool = True):
    r"""Solutions of A X = B (X A = B where not `left`). LinAlgError where A is singular.

    A (…, n, n); B (…, n, k), or vectors (…, n) of the same batch as A, or (n).
    """
    matrices.check_floating("linalg.solve", A)
    return xp.linalg_solve_ex(A, B, left=left, check_errors=True)[0]


@solve.samples
def _(r):
    yield call(r(1, 3, 3), r(3, 2))
    yield call(r(1, 3, 3), r(3))
    yield call(r(1, 2, 2), r(1, 2))
    yield call(r(1, 2, 2, 2), r(3, 1, 2, 1))
    yield call(r(1, 3, 3), r(2, 3), left=False)
    yield call(r(0, 0), r(0, 2))


@solve_ex.samples
def _(r):
    yield call(r(1, 3, 3), r(3, 2))
    yield call(r(1, 3, 3), r(2, 3), left=False, check_errors=True)


def _solve_reference(np, A, B, left=True):
    if B.ndim == 1 or (A.ndim - 1 == B.ndim and B.shape == A.shape[:-1]):
        return np.linalg.solve(A, B[..., None])[..., 0]
    if left:
        return np.linalg.solve(A, B)
    return np.linalg.solve(A.swapaxes(-1, -2), B.swapaxes(-1, -2)).swapaxes(-1, -2)


@solve.reference
def _(np, A, B, *, left=True):
    return _solve_reference(np, A, B, left)


@solve_ex.reference
def _(np, A, B, *, left=True, check_errors=False):
    return _solve_reference(np, A, B, left), np.zeros(A.shape[:-2], np.int32)


# ------------------------------------------------------------------------- triangular systems


@opaque(
    namespace="linalg", public=False, node="LinalgSolveTriangular", dtypes="fc", half=False,
    in_order=False,
)  # fmt: skip
def solve_half(xp, A, B, upper: bool, unit: bool):
    r"""Solutions of A X = B where one half of A counts, batch axes broadcasting."""
    return xp.lapack("solve_triangular", A, B, upper, unit)


@solve_half.backward("A")
def _(xp, g, A, y, upper, unit):
    found = -xp.matmul(xp.linalg_solve_half(_t(xp, A), g, not upper, unit), _t(xp, y))
    return xp.triu(found, int(unit)) if upper else xp.tril(found, -int(unit))


@solve_half.backward("B")
def _(xp, g, A, upper, unit):
    return xp.linalg_solve_half(_t(xp, A), g, not upper, unit)


@solve_half.examples
def _(xp, A, B, upper, unit):
    return xp.linalg_solve_half(*_same_rank(xp, A, B), upper, unit)


@solve_half.samples
def _(r):
    yield call(r.nonzero(3, 3), r(3, 2), True, False)
    yield call(r.nonzero(2, 3, 3), r(3, 1), False, True)


@composite(namespace="linalg", method=False, dtypes="fc", half=False)
def solve_triangular(
    xp, A, B: Array, *, upper: bool, left: bool = True, unitriangular: bool = False
):
    r"""Solutions of A X = B (X A = B where not `left`) for triangular A (…, n, n), B (…, n, k).

    Only the half that `upper` says is looked at, and not its diagonal if `unitriangular`.
    Infinite or NaN where A is singular.
    """
    matrices.check_matrices("linalg.solve_triangular", B, "B")
    _check_system("linalg.solve_triangular", A, B, left)
    xp.broadcast_shape(A.shape[:-2], B.shape[:-2])
    if left:
        return xp.linalg_solve_half(A, B, upper, unitriangular)
    turned = xp.linalg_solve_half(_t(xp, A), _t(xp, B), not upper, unitriangular)
    return matrices.by_columns(xp, _t(xp, turned))


@solve_triangular.samples
def _(r):
    yield call(r.nonzero(3, 3), r(3, 2), upper=True)
    yield call(r.nonzero(2, 1, 3, 3), r(3, 3, 1), upper=False)
    yield call(r.nonzero(3, 3), r(2, 3), upper=False, left=False)
    yield call(r.nonzero(3, 3), r(3, 2), upper=True, unitriangular=True)


def _half(np, A, upper, unit):
    A = np.triu(A) if upper else np.tril(A)
    return np.where(np.eye(A.shape[-1], dtype=bool), 1, A) if unit else A


@solve_triangular.reference
def _(np, A, B, *, upper, left=True, unitriangular=False):
    return _solve_reference(np, _half(np, A, upper, unitriangular), B, left)


@composite(outputs="solution cloned_coefficient", dtypes="fc", half=False)
def triangular_solve(
    xp, input, A: Array, upper: bool = True, transpose: bool = False, unitriangular: bool = False
):
    r"""Solutions of A X = input for triangular A, or of its transpose, and A itself."""
    matrices.check_matrices("triangular_solve", input, "b")
    _check_system("triangular_solve", A, input)
    xp.broadcast_shape(A.shape[:-2], input.shape[:-2])
    matrix = _t(xp, A) if transpose else A
    solution = xp.linalg_solve_half(matrix, input, upper != transpose, unitriangular)
    batch = solution.shape[:-2]
    turned = _t(xp, xp.expand(A, *batch, *A.shape[-2:]))
    return solution, _t(xp, xp.clone(turned, memory_format=contiguous_format))


@triangular_solve.samples
def _(r):
    yield call(r(3, 2), r.nonzero(3, 3))
    yield call(r(3, 2), r.nonzero(2, 3, 3), False, True, True)


@triangular_solve.reference
def _(np, input, A, upper=True, transpose=False, unitriangular=False):
    half = _half(np, A, upper, unitriangular)
    half = half.swapaxes(-1, -2) if transpose else half
    x = np.linalg.solve(half, input)
    return x, np.broadcast_to(A, x.shape[:-2] + A.shape[-2:])


# ----------------------------------------------------------------------- from Cholesky factors


@opaque(public=False, node="CholeskySolve", dtypes="fc", half=False, holomorphic=False,
        in_order=False)  # fmt: skip
def solve_by_factor(xp, input, L, upper: bool):
    r"""`cholesky_solve` of stacks whose batch axes broadcast."""
    return xp.lapack("solve_by_factor", input, L, upper)


@solve_by_factor.backward("input")
def _(xp, g, L, upper):
    return xp.solve_by_factor(g, L, upper)


@solve_by_factor.backward("L")
def _(xp, g, y, L, upper):
    back, half = xp.solve_by_factor(g, L, upper), xp.triu(L) if upper else xp.tril(L)
    if upper:  # -U (A⁻¹ g Y^H + Y g^H A⁻¹), thin ones first
        found = xp.matmul(xp.matmul(half, back), _h(xp, y))
        return -xp.triu(found + xp.matmul(xp.matmul(half, y), _h(xp, back)))
    found = xp.matmul(back, xp.matmul(_h(xp, y), half))
    return -xp.tril(found + xp.matmul(y, xp.matmul(_h(xp, back), half)))


@solve_by_factor.examples
def _(xp, input, L, upper):
    return xp.solve_by_factor(*_same_rank(xp, input, L), upper)


@solve_by_factor.samples
def _(r):
    yield call(r(3, 2), r.nonzero(3, 3), False)
    yield call(r(2, 3, 1), r.nonzero(3, 3), True)


@composite(dtypes="fc", half=False)
def cholesky_solve(xp, input, L: Array, upper: bool = False):
    r"""Solutions of A X = input, given the Cholesky factor of A: $L L^H$, or $L^H L$ if `upper`."""
    matrices.check_matrices("cholesky_solve", input, "b")
    _check_system("cholesky_solve", L, input)
    xp.broadcast_shape(L.shape[:-2], input.shape[:-2])
    return xp.solve_by_factor(input, L, upper)


@cholesky_solve.samples
def _(r):
    yield call(r(3, 2), r.nonzero(3, 3))
    yield call(r(2, 3, 1), r.nonzero(3, 3), True)


def _product(np, L, upper):
    L = np.triu(L) if upper else np.tril(L)
    turned = L.conj().swapaxes(-1, -2)
    return turned @ L if upper else L @ turned


@cholesky_solve.reference
def _(np, input, L, upper=False):
    return np.linalg.solve(_product(np, L, upper), input)


@composite(dtypes="fc", half=False)
def cholesky_inverse(xp, input, upper: bool = False):
    r"""The inverse of A, given its Cholesky factor: $L L^H$, or $L^H L$ if `upper`."""
    matrices.check_square("cholesky_inverse", input)
    one = matrices.identity(xp, input.shape[-1], input)
    return xp.cholesky_solve(xp.expand(one, *input.shape), input, upper)


@cholesky_inverse.samples
def _(r):
    yield call(r.nonzero(3, 3))
    yield call(r.nonzero(2, 3, 3), True)


@cholesky_inverse.reference
def _(np, input, upper=False):
    return np.linalg.inv(_product(np, input, upper))


# ------------------------------------------------------------------------------------- tensors


@composite(namespace="linalg", method=False)
def tensorinv(xp, A, ind: int = 2):
    r"""The inverse for `tensordot`: of A, seen as a matrix with the first `ind` axes as rows."""
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', not {ind}")
    left, right = A.shape[:ind], A.shape[ind:]
    rows, columns = _count(left), _count(right)
    if rows != columns:
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[ind:]) == "
            f"prod(self.shape[:ind]), but got {columns} != {rows}"
        )
    return xp.reshape(xp.linalg_inv(xp.reshape(A, rows, columns)), *right, *left)


@tensorinv.samples
def _(r):
    yield call(r(1, 6, 6))
    yield call(r(1, 1, 1), 1)


@tensorinv.reference
def _(np, A, ind=2):
    return np.linalg.tensorinv(A, ind)


def _count(sizes):
    count = 1
    for s in sizes:
        count *= s
    return count


@composite(namespace="linalg", method=False)
def tensorsolve(xp, A, B: Array, dims: Plain = None):
    r"""X with `tensordot(A, X, X.ndim) == B`; the axes `dims` of A are moved to its end first."""
    rank = len(A.shape)
    if dims is not None:
        moved = [wrap_dim(d, rank, "tensorsolve") for d in as_ints(dims, "tensorsolve", "dims")]
        if not rank or len(set(moved)) != len(moved):
            raise RuntimeError(f"tensorsolve: dims {dims} are no axes of {list(A.shape)}")
        A = xp.permute(A, *(d for d in range(rank) if d not in moved), *moved)
    shape = A.shape[len(B.shape) :]
    if _count(shape) != _count(B.shape):
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {_count(shape)} != {_count(B.shape)}"
        )
    n = _count(shape)
    found = xp.linalg_solve(xp.reshape(A, n, n), xp.reshape(B, n))
    return xp.reshape(found, *shape)


@tensorsolve.samples
def _(r):
    yield call(r(1, 6, 6), r(1, 6))
    yield call(r(1, 6, 6), r(6), (0,))


@tensorsolve.reference
def _(np, A, B, dims=None):
    return np.linalg.tensorsolve(A, B, dims)
