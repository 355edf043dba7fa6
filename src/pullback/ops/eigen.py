"""Eigenvalues and singular values, and what is made of them: pseudo-inverses, least squares, ranks.

Derivatives: M. B. Giles (2008), C. Boeddeker and others, On the computation of complex-valued
gradients (2017); singular values: J. Townsend, Differentiating the singular value decomposition
(2016); pseudo-inverses: G. H. Golub and V. Pereyra (1973).
"""

from math import inf

from pullback.op import Array, Plain, call, composite, matrices, opaque, visible_axes

_t, _h = matrices.transposed, matrices.adjoint


def _off_diagonal_over(xp, x, gaps, diagonal):
    """x / gaps off the diagonal (0 / 0 = 0: vectors that nobody asks for), another diagonal."""
    one = xp.gt(xp.real(matrices.identity(xp, x.shape[-1], gaps)), 0)
    nothing = xp.logical_or(one, xp.logical_and(xp.eq(gaps, 0), xp.eq(x, 0)))
    return xp.where(one, diagonal, x / xp.where(nothing, 1, gaps))


# ------------------------------------------------------------------------------ eigenvalues


def _check_half(UPLO):
    if UPLO not in ("L", "U", "l", "u"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO!r}")


@opaque(
    namespace="linalg", method=False, dtypes="fc", half=False, holomorphic=False,
    outputs="eigenvalues eigenvectors",
)  # fmt: skip
def eigh(xp, A, UPLO: Plain = "L"):
    r"""Eigenvalues, ascending, and orthonormal eigenvectors of Hermitian matrices (…, n, n).

    The half of A that UPLO names is looked at. LinAlgError if LAPACK does not converge.
    """
    matrices.check_square("linalg.eigh", A)
    _check_half(UPLO)
    return xp.lapack("eigh", A, UPLO.upper())


@eigh.backward("A")
def _(xp, g_eigenvalues, g_eigenvectors, eigenvalues, eigenvectors):
    turned = _h(xp, eigenvectors)
    product = xp.matmul(turned, g_eigenvectors)
    gaps = xp.unsqueeze(eigenvalues, -2) - xp.unsqueeze(eigenvalues, -1)
    middle = _off_diagonal_over(
        xp, product, gaps, xp.unsqueeze(g_eigenvalues, -1) * _like(xp, product)
    )
    return xp.matmul(xp.matmul(eigenvectors, middle), turned)


def _like(xp, x):
    """1 with the dtype of x."""
    return xp.filled((), 1, x)


@eigh.examples
def _(xp, A, UPLO):
    return xp.linalg_eigh(A, UPLO)


@opaque(
    namespace="linalg", public=False, node="LinalgEigh", dtypes="fc", half=False, holomorphic=False
)  # fmt: skip
def values_of_hermitian(xp, A, UPLO: Plain):
    r"""Eigenvalues of Hermitian matrices, ascending."""
    return xp.lapack("eigvalsh", A, UPLO.upper())


@values_of_hermitian.backward("A")
def _(xp, g, A, UPLO):
    vectors = xp.linalg_eigh(A, UPLO)[1]
    return xp.matmul(vectors * xp.unsqueeze(g, -2), _h(xp, vectors))


@values_of_hermitian.examples
def _(xp, A, UPLO):
    return xp.linalg_values_of_hermitian(A, UPLO)


@values_of_hermitian.samples
def _(r):
    yield call(r(3, 3), "L")


@composite(namespace="linalg", method=False)
def eigvalsh(xp, A, UPLO: Plain = "L"):
    r"""Eigenvalues of Hermitian matrices (…, n, n), ascending."""
    matrices.check_floating("linalg.eigvalsh", A)
    matrices.check_square("linalg.eigvalsh", A)
    _check_half(UPLO)
    return xp.linalg_values_of_hermitian(A, UPLO)


def _hermitian(torch, function, A, *args, **keywords):
    """Tests: of A + A^H; eigenvectors by their projections."""
    made = function(A + A.mH, *args, **keywords)
    if not isinstance(made, tuple):
        return made
    values, vectors = made
    weights = torch.arange(1, values.shape[-1] + 1).to(values.dtype).unsqueeze(-1)
    return values, vectors @ (weights * vectors.mH)


def _hermitian_array(np, A):
    values, vectors = np.linalg.eigh(A + A.conj().swapaxes(-1, -2))
    weights = np.arange(1, values.shape[-1] + 1)[:, None]
    return values, vectors @ (weights * vectors.conj().swapaxes(-1, -2))


eigh.tried(_hermitian)
eigvalsh.tried(_hermitian)


@eigh.samples
@eigvalsh.samples
def _(r):
    yield call(r(3, 3))
    yield call(r(2, 2, 2), "U")


@eigh.reference
def _(np, A, UPLO="L"):
    return _hermitian_array(np, A)


@eigvalsh.reference
def _(np, A, UPLO="L"):
    return _hermitian_array(np, A)[0]


@opaque(
    namespace="linalg", method=False, dtypes="fc", half=False, holomorphic=False,
    outputs="eigenvalues eigenvectors",
)  # fmt: skip
def eig(xp, A):
    r"""Complex eigenvalues, in no order, and eigenvectors of norm 1 of matrices (…, n, n)."""
    matrices.check_square("linalg.eig", A)
    return xp.lapack("eig", A)


@eig.backward("A")
def _(xp, g_eigenvalues, g_eigenvectors, eigenvalues, eigenvectors):
    turned = _h(xp, eigenvectors)
    product = xp.matmul(turned, g_eigenvectors)
    along = xp.unsqueeze(xp.real(matrices.diagonal_of(xp, product)), -2)
    middle = product - xp.matmul(turned, eigenvectors * along)
    conjugate = xp.conj(eigenvalues)
    gaps = xp.unsqueeze(conjugate, -2) - xp.unsqueeze(conjugate, -1)
    middle = _off_diagonal_over(xp, middle, gaps, xp.unsqueeze(g_eigenvalues, -1))
    return xp.linalg_solve_matrices(turned, xp.matmul(middle, turned))[0]


@eig.examples
def _(xp, A):
    return xp.linalg_eig(A)


@opaque(
    namespace="linalg", public=False, node="LinalgEig", dtypes="fc", half=False, holomorphic=False
)  # fmt: skip
def values_of_general(xp, A):
    r"""Eigenvalues, in no order."""
    return xp.lapack("eigvals", A)


@values_of_general.backward("A")
def _(xp, g, A):
    vectors = _h(xp, xp.linalg_eig(A)[1])
    return xp.linalg_solve_matrices(vectors, xp.unsqueeze(g, -1) * vectors)[0]


@values_of_general.examples
def _(xp, A):
    return xp.linalg_values_of_general(A)


@values_of_general.samples
def _(r):
    yield call(r(3, 3))


@composite(namespace="linalg", method=False)
def eigvals(xp, A):
    r"""Complex eigenvalues of matrices (…, n, n), in no order."""
    matrices.check_floating("linalg.eigvals", A)
    matrices.check_square("linalg.eigvals", A)
    return xp.linalg_values_of_general(A)


def _eigen_sums(torch, function, A):
    """Tests: what does not depend on order and phase."""
    made = function(A)
    values, vectors = made if isinstance(made, tuple) else (made, None)
    powers = torch.stack([values.sum(-1), (values * values).sum(-1), (values**3).sum(-1)])
    if vectors is None:
        return powers
    return powers, vectors @ (values.exp().unsqueeze(-1) * torch.linalg.inv(vectors))


def _eigen_sums_array(np, A):
    values, vectors = np.linalg.eig(A + 0j)
    powers = np.stack([(values**k).sum(-1) for k in (1, 2, 3)])
    return powers, vectors @ (np.exp(values)[..., None] * np.linalg.inv(vectors))


eig.tried(_eigen_sums)
eigvals.tried(_eigen_sums)


@eig.samples
@eigvals.samples
def _(r):
    yield call(r(3, 3))
    yield call(r(2, 2, 2))


@eig.reference
def _(np, A):
    return _eigen_sums_array(np, A)


@eigvals.reference
def _(np, A):
    return _eigen_sums_array(np, A)[0]


# -------------------------------------------------------------------------- singular values


@opaque(
    namespace="linalg", method=False, dtypes="fc", half=False, holomorphic=False,
    outputs="U S Vh",
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
    diagonal = xp.unsqueeze(g_S, -1) * _like(xp, left)
    if U.dtype.kind == "c":
        diagonal = diagonal + xp.unsqueeze(matrices.diagonal_of(xp, left), -1) / (2 * column)
    middle = _off_diagonal_over(xp, left * row + column * right, gaps, diagonal)
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


# -------------------------------------------------------------------- ranks, pseudo-inverses


def _tolerance(xp, A, s, atol, rtol):
    """max(atol, rtol × the largest), with PyTorch's defaults; s has its magnitudes last."""
    eps = 2.0**-52 if A.dtype.itemsize == (16 if A.dtype.kind == "c" else 8) else 2.0**-23
    if rtol is None:
        usual = max(A.shape[-2:]) * eps
        if atol is None:
            rtol = usual
        elif hasattr(atol, "shape"):
            rtol = xp.where(xp.gt(atol, 0), 0.0, usual)
        else:
            rtol = 0.0 if atol > 0 else usual
    atol = 0.0 if atol is None else atol
    largest = xp.amax(s, -1, True)
    rtol, atol = (xp.unsqueeze(x, -1) if hasattr(x, "shape") else x for x in (rtol, atol))
    bound = largest * rtol
    return xp.maximum(bound, atol if hasattr(atol, "shape") else xp.filled((), atol, bound))


@composite(namespace="linalg", method=False, derivative=False)
def matrix_rank(
    xp, A, tol: Plain = None, hermitian: bool = False, *, atol: Plain = None, rtol: Plain = None
):
    r"""How many singular values are above max(atol, rtol × the largest); tol is an old atol."""
    matrices.check_floating("linalg.matrix_rank", A)
    matrices.check_matrices("linalg.matrix_rank", A)
    if not min(A.shape[-2:]):
        return xp.sum(xp.ne(xp.reshape(A, *A.shape[:-2], 0), 0), -1)
    A = A.detach() if hasattr(A, "detach") else A
    s = xp.abs(xp.linalg_eigvalsh(A)) if hermitian else xp.linalg_svdvals(A)
    if tol is not None:
        atol, rtol = tol, 0.0
    return xp.sum(xp.gt(s, _tolerance(xp, A, s, atol, rtol)), -1)


@matrix_rank.samples
def _(r):
    yield call(r(3, 3))
    yield call(r(2, 2, 3), atol=2.0)
    yield call(r(3, 2), rtol=0.5)
    yield call(r(3, 2), 1.0)
    yield call(r(3, 3), hermitian=True)


@matrix_rank.reference
def _(np, A, tol=None, hermitian=False, *, atol=None, rtol=None):
    if hermitian:
        low = np.tril(A)
        A = low + np.tril(A, -1).conj().swapaxes(-1, -2)
    s = np.linalg.svd(A, compute_uv=False)
    least = rtol * s.max(-1) if rtol else tol or atol or 1e-9
    return (s > np.asarray(least)[..., None]).sum(-1)


@opaque(
    namespace="linalg", public=False, node="LinalgPinv", dtypes="fc", half=False,
    holomorphic=False,
)  # fmt: skip
def pseudo_inverse(xp, A, tolerance: Array):
    r"""Pseudo-inverses (Moore and Penrose), singular values up to a tolerance counting as 0."""
    U, S, Vh = xp.lapack("svd", A, False)
    keep = xp.gt(S, tolerance)
    inverse = xp.where(keep, 1 / xp.where(keep, S, 1), 0)
    return xp.cast(xp.matmul(_h(xp, Vh) * xp.unsqueeze(inverse, -2), _h(xp, U)), A.dtype)


@pseudo_inverse.examples
def _(xp, A, tolerance):
    return xp.linalg_pseudo_inverse(A, visible_axes(xp, tolerance, len(A.shape) - 2))


@pseudo_inverse.backward("A")
def _(xp, g, A, y):
    return _pinv_adjoint(xp, g, A, y)


@pseudo_inverse.backward("tolerance")
def _(xp, g):
    return None


@pseudo_inverse.samples
def _(r):
    yield call(r(3, 2), r(1, low=0.0, high=0.1))


def _pinv_adjoint(xp, g, A, P):
    turned, g_turned = _h(xp, P), _h(xp, g)
    found = -xp.matmul(xp.matmul(turned, g), turned)
    if A.shape[-2] > A.shape[-1]:  # P^H P g^H (1 - P A) + (1 - A P) g^H P P^H, thin ones first
        first = xp.matmul(turned, xp.matmul(P, g_turned))
        second = xp.matmul(xp.matmul(g_turned, P), turned)
    else:
        first = xp.matmul(turned, xp.matmul(P, g_turned))
        second = xp.matmul(g_turned, xp.matmul(P, turned))
    first = first - xp.matmul(xp.matmul(first, P), A)
    second = second - xp.matmul(A, xp.matmul(P, second))
    return found + first + second


@composite(namespace="linalg", method=False)
def pinv(
    xp, A, rcond: Plain = None, hermitian: bool = False, *, atol: Plain = None, rtol: Plain = None
):
    r"""Pseudo-inverses (…, n, m) of (…, m, n); singular values up to max(atol, rtol σ₁) are 0.

    rtol: max(m, n) ε where neither is given; rcond is an old rtol.
    """
    matrices.check_floating("linalg.pinv", A)
    matrices.check_matrices("linalg.pinv", A)
    if rcond is not None:
        rtol = rcond
        atol = 0.0 if atol is None else atol
    if not A.shape[-1] or not A.shape[-2] or 0 in A.shape:
        return xp.filled((*A.shape[:-2], A.shape[-1], A.shape[-2]), 0, A) + xp.sum(A) * 0
    if hermitian:
        values, vectors = xp.linalg_eigh(A)
        size = xp.abs(values)
        keep = xp.gt(size, _tolerance(xp, A, size, atol, rtol))
        inverse = xp.where(keep, 1 / xp.where(keep, values, 1), 0)
        return xp.matmul(vectors * xp.unsqueeze(inverse, -2), _h(xp, vectors))
    plain = A.detach() if hasattr(A, "detach") else A
    s = xp.linalg_svd(plain, False)[1]  # the very numbers that are compared with it
    return xp.linalg_pseudo_inverse(A, _tolerance(xp, A, s, atol, rtol))


@composite()
def pinverse(xp, input, rcond: Plain = 1e-15):
    r"""`linalg.pinv` with the tolerance relative to the largest singular value."""
    return xp.linalg_pinv(input, rcond)


def _maybe_hermitian(torch, function, A, *args, **keywords):
    return function(A + A.mH if keywords.get("hermitian") else A, *args, **keywords)


pinv.tried(_maybe_hermitian)


@pinv.samples
def _(r):
    yield call(r(3, 3))
    yield call(r(2, 4, 2), rtol=1e-3)
    yield call(r(2, 3), atol=1e-2)
    yield call(r(2, 3), 1e-3)
    yield call(r(3, 3), hermitian=True)


@pinverse.samples
def _(r):
    yield call(r(3, 2))
    yield call(r(2, 3), 1e-3)


@pinv.reference
def _(np, A, rcond=None, hermitian=False, *, atol=None, rtol=None):
    return np.linalg.pinv(A + A.conj().swapaxes(-1, -2) if hermitian else A)


@pinverse.reference
def _(np, A, rcond=None):
    return np.linalg.pinv(A)


@opaque(
    namespace="linalg", public=False, node="LinalgLstsq", dtypes="fc", half=False,
    holomorphic=False, outputs="solution rank singular_values",
    integer_outputs="rank singular_values",
)  # fmt: skip
def least_squares(xp, A, B, rcond: Plain, driver: Plain):
    r"""Solutions of smallest norm of $\min \|A X - B\|$, ranks, and singular values."""
    return xp.lapack("least_squares", A, B, rcond, driver)


@least_squares.backward("A")
def _(xp, g, A, B):
    return _pinv_adjoint(xp, xp.matmul(g, _h(xp, B)), A, xp.linalg_pinv(A))


@least_squares.backward("B")
def _(xp, g, A):
    return xp.matmul(_h(xp, xp.linalg_pinv(A)), g)


@least_squares.samples
def _(r):
    yield call(r(4, 2), r(4, 3), None, "gelsy")


@composite(
    namespace="linalg", method=False, outputs="solution residuals rank singular_values",
    integer_outputs="rank",
)  # fmt: skip
def lstsq(xp, A, B: Array, rcond: Plain = None, *, driver: Plain = None):
    r"""X of least $\|A X - B\|$, of least norm where there are several; squares that remain.

    A (…, m, n), B (…, m, k) or vectors (…, m). The residuals are empty unless m > n and A has
    full rank; `driver` is LAPACK's: "gelsy" (usual), "gels", "gelsd", "gelss".
    """
    matrices.check_floating("torch.linalg.lstsq", A)
    matrices.check_matrices("torch.linalg.lstsq", A, "input")
    driver = "gelsy" if driver is None else driver
    if driver not in ("gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(
            f"torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), "
            f"not {driver!r}"
        )
    if A.dtype != B.dtype:
        raise RuntimeError(
            f"torch.linalg.lstsq: Expected input and other to have the same dtype, but got "
            f"{A.dtype} and {B.dtype}"
        )
    vector = len(B.shape) == 1 or (
        len(A.shape) - 1 == len(B.shape) and tuple(B.shape) == tuple(A.shape[:-1])
    )
    right = xp.unsqueeze(B, -1) if vector else B
    if len(right.shape) < 2 or right.shape[-2] != A.shape[-2]:
        raise RuntimeError(
            f"torch.linalg.lstsq: input.size(-2) should match other.size(-2), but got "
            f"{list(A.shape)} and {list(B.shape)}"
        )
    batch = xp.broadcast_shape(A.shape[:-2], right.shape[:-2])
    m, n = A.shape[-2:]
    left = xp.expand(A, *batch, m, n)
    right = xp.expand(right, *batch, *right.shape[-2:])
    solution, rank, s = xp.linalg_least_squares(left, right, rcond, driver)
    residuals = xp.narrow(xp.real(xp.reshape(solution, -1)), 0, 0, 0)
    if (
        m > n
        and driver != "gelsy"
        and (driver == "gels" or xp.first_where(xp.ne(rank, n), rank) is None)
    ):
        gap = xp.abs(xp.matmul(left, solution) - right)
        residuals = xp.sum(gap * gap, -2)
    return xp.squeeze(solution, -1) if vector else solution, residuals, rank, s


def _without_ranks(torch, function, *args, **keywords):
    """Tests: what has a derivative."""
    return function(*args, **keywords)[:2]


lstsq.tried(_without_ranks)


@lstsq.samples
def _(r):
    yield call(r(4, 2), r(4, 3))
    yield call(r(2, 3), r(2, 1), driver="gelsd")
    yield call(r(2, 3, 3), r(2, 3, 1), 1e-9, driver="gelss")


@lstsq.reference
def _(np, A, B, rcond=None, *, driver=None):
    return np.linalg.pinv(A) @ B, np.zeros(0)


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
