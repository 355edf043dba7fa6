"""Factorisations of symmetric indefinite matrices (J. R. Bunch and L. Kaufman, 1977)."""

from pullback.op import Array, call, composite, matrices, opaque, visible_axes


def _failed(info):
    return (
        f"The factorization could not be completed because the input is singular "
        f"(D[{info},{info}] is exactly zero)."
    )


@opaque(
    namespace="linalg", method=False, derivative=False, dtypes="fc", half=False,
    outputs="LD pivots info", integer_outputs="pivots info", leading=True,
    in_order=False,
)  # fmt: skip
def ldl_factor_ex(xp, A, *, hermitian: bool = False, check_errors: bool = False):
    r"""L and D of $A = L D L^T$ in one matrix, of symmetric (or Hermitian) A; without derivative.

    `pivots` are LAPACK's exchanges; a pair of equal negative ones is a block of D of size 2.
    """
    matrices.check_square("linalg.ldl_factor_ex", A)
    packed, pivots, info = xp.lapack("ldl_factor", A, hermitian)
    if check_errors:
        xp.lapack("check_info", info, "linalg.ldl_factor_ex", _failed)
    return packed, pivots, info


@composite(
    namespace="linalg", method=False, outputs="LD pivots", derivative=False
)  # fmt: skip
def ldl_factor(xp, A, *, hermitian: bool = False):
    r"""L and D of $A = L D L^T$ in one matrix, and pivots. LinAlgError where D is singular."""
    matrices.check_floating("linalg.ldl_factor", A)
    return tuple(xp.linalg_ldl_factor_ex(A, hermitian=hermitian, check_errors=True)[:2])


@opaque(
    namespace="linalg", method=False, derivative=False, dtypes="fc", half=False, in_order=False
)  # fmt: skip
def ldl_solve(xp, LD, pivots, B: Array, *, hermitian: bool = False):
    r"""Solutions of A X = B by `ldl_factor`'s results; without derivative."""
    matrices.check_square("linalg.ldl_solve", LD, "LD")
    matrices.check_matrices("linalg.ldl_solve", B, "B")
    if pivots.dtype.name != "int32":
        raise RuntimeError("linalg.ldl_solve: Expected pivots to be an integer tensor of 32 bits")
    if LD.dtype != B.dtype or LD.shape[-1] != B.shape[-2]:
        raise RuntimeError(
            f"linalg.ldl_solve: LD of shape {list(LD.shape)} and type {LD.dtype} does not fit B "
            f"of shape {list(B.shape)} and type {B.dtype}"
        )
    return xp.lapack("ldl_solve", LD, pivots, B, hermitian)


@ldl_solve.examples
def _(xp, LD, pivots, B, hermitian):
    rank = max(len(LD.shape), len(B.shape)) - 1
    LD, B = visible_axes(xp, LD, rank), visible_axes(xp, B, rank)
    return xp.linalg_ldl_solve(LD, visible_axes(xp, pivots, rank - 1), B, hermitian=hermitian)


def _solved(torch, function, A, *args, **keywords):
    """Tests: what does not depend on LAPACK's choices."""
    A = A + A.mH
    if args:
        LD, pivots, _ = torch.linalg.ldl_factor_ex(A, hermitian=True)
        return function(LD, pivots, args[1], hermitian=True)
    made = function(A, hermitian=True)
    one = torch.eye(A.shape[-1], dtype=A.dtype).expand(A.shape)
    return torch.linalg.ldl_solve(made[0], made[1], one, hermitian=True)


for _op in (ldl_factor, ldl_factor_ex, ldl_solve):
    _op.tried(_solved)


@ldl_factor.samples
def _(r):
    yield call(r(3, 3))
    yield call(r(2, 2, 2), hermitian=True)


@ldl_factor_ex.samples
def _(r):
    yield call(r(3, 3))
    yield call(r(2, 2, 2), hermitian=True, check_errors=True)


@ldl_solve.samples
def _(r):
    yield call(r(3, 3), r.integers(1, 4, 3).astype("int32"), r(3, 2))
    yield call(r(3, 3), r.integers(1, 4, 3).astype("int32"), r(3, 2), hermitian=True)


def _inverse(np, A):
    return np.linalg.inv(A + A.conj().swapaxes(-1, -2))


@ldl_factor.reference
@ldl_factor_ex.reference
def _(np, A, **options):
    return _inverse(np, A)


@ldl_solve.reference
def _(np, A, pivots, B, *, hermitian=False):
    return _inverse(np, A) @ B
