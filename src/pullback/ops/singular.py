"""Singular values and vectors, all of them or the largest.

Derivatives: J. Townsend, Differentiating the singular value decomposition (2016).
"""

from math import inf

from pullback.op import Plain, call, composite, matrices, opaque

_h = matrices.adjoint


@opaque(
    namespace="linalg", method=False, dtypes="fc", half=False, holomorphic=False,
    outputs="U S Vh", in_order=False,
)  # fmt: skip
def svd(xp, A, full_matrices: bool = True, *, driver: Plain = None):
    r"""$A = U \operatorname{diag}(S) V^H$ of matrices (…, m, n), S descending.

    U (…, m, m) and Vh (…, n, n), or with `full_matrices=False` (…, m, k) and (…, k, n),
    k = min(m, n). The derivative exists where it does not depend on phases and added columns.
    """
    matrices.check_matrices("linalg.svd", A)
    if driver is not None:
        raise RuntimeError(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs"
        )
    return xp.lapack("svd", A, full_matrices)


@svd.backward("A")
def _(xp, g_U, g_S, g_Vh, U, S, Vh):
    k, last = S.shape[-1], len(U.shape) - 1
    m, n = U.shape[-2], Vh.shape[-1]
    U, g_U = xp.slice(U, last, 0, k, 1), xp.slice(g_U, last, 0, k, 1)
    Vh, g_Vh = xp.slice(Vh, last - 1, 0, k, 1), xp.slice(g_Vh, last - 1, 0, k, 1)
    left, right = xp.matmul(_h(xp, U), g_U), xp.matmul(Vh, _h(xp, g_Vh))
    left, right = left - _h(xp, left), right - _h(xp, right)
    row, column = xp.unsqueeze(S, -2), xp.unsqueeze(S, -1)
    gaps = (row - column) * (row + column)
    diagonal = xp.unsqueeze(g_S, -1) * matrices.one_like(xp, left)
    if U.dtype.kind == "c":
        diagonal = diagonal + xp.unsqueeze(matrices.diagonal_of(xp, left), -1) / (2 * column)
    middle = matrices.off_diagonal_over(xp, left * row + column * right, gaps, diagonal)
    if m >= n:
        found = xp.matmul(U, middle)
        if m > n:
            found = found + (g_U - xp.matmul(U, xp.matmul(_h(xp, U), g_U))) / row
        return xp.matmul(found, Vh)
    found = xp.matmul(middle, Vh)
    return xp.matmul(U, found + (g_Vh - xp.matmul(xp.matmul(g_Vh, _h(xp, Vh)), Vh)) / column)


@svd.examples
def _(xp, A, full_matrices, driver):
    return xp.linalg_svd(A, full_matrices, driver=driver)


@opaque(
    namespace="linalg", public=False, node="LinalgSvd", dtypes="fc", half=False, holomorphic=False
)  # fmt: skip
def singular_values(xp, A):
    r"""Singular values, descending."""
    return xp.lapack("svdvals", A)


@singular_values.backward("A")
def _(xp, g, A):
    U, _, Vh = xp.linalg_svd(A, False)
    return xp.matmul(U * xp.unsqueeze(g, -2), Vh)


@singular_values.examples
def _(xp, A):
    return xp.linalg_singular_values(A)


@singular_values.samples
def _(r):
    yield call(r(3, 2))


@composite(namespace="linalg", method=False)
def svdvals(xp, A, *, driver: Plain = None):
    r"""Singular values of matrices (…, m, n), descending."""
    matrices.check_floating("linalg.svdvals", A)
    matrices.check_matrices("linalg.svdvals", A)
    if driver is not None:
        raise RuntimeError(
            "torch.linalg.svdvals: keyword argument `driver=` is only supported on CUDA inputs"
        )
    return xp.linalg_singular_values(A)


@composite(name="svd", outputs="U S V")
def svd_function(xp, input, some: bool = True, compute_uv: bool = True):
    r"""`linalg.svd` with V instead of $V^H$; U and V are zeros where not `compute_uv`."""
    matrices.check_floating("svd", input)
    if compute_uv:
        U, S, Vh = xp.linalg_svd(input, not some)
        return U, S, _h(xp, Vh)
    S = xp.linalg_svdvals(input)
    batch, (m, n) = input.shape[:-2], input.shape[-2:]
    return xp.filled((*batch, m, m), 0, input), S, xp.filled((*batch, n, n), 0, input)


def _svd_products(torch, function, A, *args, **keywords):
    """Tests: what does not depend on phases and added columns."""
    made = function(A, *args, **keywords)
    if not isinstance(made, tuple):
        return made
    U, S, V = made
    if args[1:] == (False,):
        return S, (U == 0).all(), (V == 0).all()
    V = V.mH if function.__name__ == "svd" and function is not torch.svd else V
    k = S.shape[-1]
    U, V = U[..., :k], V[..., :k]
    weights = torch.arange(1, k + 1).to(S.dtype)
    return (U * weights) @ U.mH, S, (V * weights) @ V.mH, (U * weights) @ V.mH


def _svd_products_array(np, A, compute_uv=True):
    U, S, Vh = np.linalg.svd(A, False)
    weights = np.arange(1, S.shape[-1] + 1)
    if not compute_uv:
        return S, np.bool_(True), np.bool_(True)
    V, turned = Vh.conj().swapaxes(-1, -2), U.conj().swapaxes(-1, -2)
    return (U * weights) @ turned, S, (V * weights) @ Vh, (U * weights) @ Vh


svd.tried(_svd_products)
svd_function.tried(_svd_products)


@svd.samples
def _(r):
    yield call(r(3, 3))
    yield call(r(2, 4, 2), False)
    yield call(r(2, 3), driver=None)


@svd_function.samples
def _(r):
    yield call(r(3, 2))
    yield call(r(2, 2, 3), False)
    yield call(r(2, 2), True, False)


@svdvals.samples
def _(r):
    yield call(r(3, 2))
    yield call(r(2, 2, 3), driver=None)


@svd.reference
def _(np, A, full_matrices=True, *, driver=None):
    return _svd_products_array(np, A)


@svd_function.reference
def _(np, A, some=True, compute_uv=True):
    return _svd_products_array(np, A, compute_uv)


@svdvals.reference
def _(np, A, *, driver=None):
    return np.linalg.svd(A, compute_uv=False)


# ------------------------------------------------------------------------------- randomised


def _range_of(xp, A, q, niter):
    """Orthonormal columns that nearly span A's: N. Halko and others (2009), algorithm 4.4."""
    turned = _h(xp, A)
    noise = xp.randn(A.shape[-1], q, dtype=A.dtype)
    Q = xp.linalg_qr(xp.matmul(A, noise))[0]
    for _ in range(niter):
        Q = xp.linalg_qr(xp.matmul(turned, Q))[0]
        Q = xp.linalg_qr(xp.matmul(A, Q))[0]
    return Q


@composite(method=False, random=True, outputs="U S V")
def svd_lowrank(xp, A, q: int = 6, niter: int = 2, M: Plain = None):
    r"""The q largest singular values of A - M and their vectors, nearly: (…, m, q), (…, n, q).

    By subspace iteration from random vectors: N. Halko and others, Finding structure with
    randomness (2009), algorithm 5.1.
    """
    if M is not None and not hasattr(type(M), "dtype"):
        raise TypeError(f"svd_lowrank(): argument 'M' must be Tensor, not {type(M).__name__}")
    A = A if M is None else A - M
    wide = A.shape[-2] < A.shape[-1]
    A = _h(xp, A) if wide else A
    Q = _range_of(xp, A, q, niter)
    U, S, Vh = xp.linalg_svd(xp.matmul(_h(xp, Q), A), False)
    U, V = xp.matmul(Q, U), _h(xp, Vh)
    return (V, S, U) if wide else (U, S, V)


@composite(method=False, random=True, outputs="U S V")
def pca_lowrank(xp, A, q: int | None = None, center: bool = True, niter: int = 2):
    r"""`svd_lowrank` of A with the mean of each column taken away: principal components."""
    m, n = A.shape[-2:]
    q = min(6, m, n) if q is None else q
    if not 0 <= q <= min(m, n):
        raise ValueError(
            f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}"
        )
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return xp.svd_lowrank(A - xp.mean(A, -2, True) if center else A, q, niter)


@svd_lowrank.samples
def _(r):
    yield call(r(4, 3), 2)
    yield call(r(3, 4), 2, 1, r(3, 4))


@pca_lowrank.samples
def _(r):
    yield call(r(4, 3), 2)
    yield call(r(4, 3), 2, False, 1)


@composite(namespace="linalg", method=False)
def cond(xp, A, p: Plain = None):
    r"""Condition numbers ‖A‖ ‖A⁻¹‖; by singular values for p None, 2 and -2."""
    matrices.check_floating("linalg.cond", A)
    matrices.check_matrices("linalg.cond", A)
    if p is None or p in (2, -2):
        s = xp.linalg_svdvals(A)
        big, small = xp.select(s, -1, 0), xp.select(s, -1, -1)
        return small / big if p == -2 else big / small
    matrices.check_square("linalg.cond", A)
    if not isinstance(p, str) and p not in (1, -1, inf, -inf):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p}")
    inverse, info = xp.linalg_inv_ex(A)
    size = xp.linalg_matrix_norm(A, p) * xp.linalg_matrix_norm(inverse, p)
    return xp.where(xp.eq(info, 0), size, inf)


@cond.samples
def _(r):
    yield call(r(3, 2))
    yield call(r(2, 3, 3), "fro")
    yield call(r(3, 3), 1)


@cond.reference
def _(np, A, p=None):
    return np.linalg.cond(A, p)
