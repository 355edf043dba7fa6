"""Eigenvalues and eigenvectors.

Derivatives: M. B. Giles (2008), C. Boeddeker and others, On the computation of complex-valued
gradients (2017).
"""

from pullback.op import Plain, call, composite, matrices, opaque

_t, _h = matrices.transposed, matrices.adjoint


def _check_half(UPLO):
    if UPLO not in ("L", "U", "l", "u"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO!r}")


@opaque(
    namespace="linalg", method=False, dtypes="fc", half=False, holomorphic=False,
    outputs="eigenvalues eigenvectors", in_order=False,
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
    middle = matrices.off_diagonal_over(
        xp, product, gaps, xp.unsqueeze(g_eigenvalues, -1) * matrices.one_like(xp, product)
    )
    return xp.matmul(xp.matmul(eigenvectors, middle), turned)


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
    outputs="eigenvalues eigenvectors", in_order=False,
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
    middle = matrices.off_diagonal_over(xp, middle, gaps, xp.unsqueeze(g_eigenvalues, -1))
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
