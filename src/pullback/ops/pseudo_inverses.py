"""Ranks, pseudo-inverses and least squares of matrices of any rank.

Derivatives: G. H. Golub and V. Pereyra (1973).
"""

from pullback.op import Array, Plain, call, composite, matrices, opaque, visible_axes

_h = matrices.adjoint


def _tolerance(xp, A, s, atol, rtol):
    """max(atol, rtol × the largest), with PyTorch's defaults; s has its magnitudes last."""
    for what, value in (("atol", atol), ("rtol", rtol)):
        if not (value is None or hasattr(value, "shape") or isinstance(value, (int, float))):
            raise TypeError(
                f"argument {what!r} must be float or Tensor, not {type(value).__name__}"
            )
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
def pseudo_inverse(xp, A, tolerance: Array = None, atol: Plain = None, rtol: Plain = None):
    r"""Pseudo-inverses (Moore and Penrose), singular values up to a tolerance counting as 0.

    What is no tensor of it is made of the largest one: max(atol, rtol σ₁).
    """
    U, S, Vh = xp.lapack("svd", A, False)
    if tolerance is None:
        tolerance = _tolerance(xp, A, S, atol, rtol)
    keep = xp.gt(S, tolerance)
    inverse = xp.where(keep, 1 / xp.where(keep, S, 1), 0)
    return xp.cast(xp.matmul(_h(xp, Vh) * xp.unsqueeze(inverse, -2), _h(xp, U)), A.dtype)


@pseudo_inverse.examples
def _(xp, A, tolerance, atol, rtol):
    if tolerance is not None:
        tolerance = visible_axes(xp, tolerance, len(A.shape) - 2)
    return xp.linalg_pseudo_inverse(A, tolerance, atol, rtol)


@pseudo_inverse.backward("A")
def _(xp, g, A, y):
    return _pinv_adjoint(xp, g, A, y)


@pseudo_inverse.backward("tolerance")
def _(xp, g):
    return None


@pseudo_inverse.samples
def _(r):
    yield call(r(3, 2), r(1, low=0.0, high=0.1))
    yield call(r(2, 3), None, 1e-3, None)


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
    if not any(hasattr(x, "shape") for x in (atol, rtol)):
        return xp.linalg_pseudo_inverse(A, None, atol, rtol)
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
    integer_outputs="rank singular_values", in_order=False,
)  # fmt: skip
def least_squares(xp, A, B, rcond: Plain, driver: Plain):
    r"""Solutions of smallest norm of $\min \|A X - B\|$, ranks, and singular values."""
    return xp.lapack("least_squares", A, B, rcond, driver)


@least_squares.backward("A")
def _(xp, g, A, B):
    return _pinv_adjoint(xp, xp.matmul(g, _h(xp, B)), A, xp.linalg_pinv(A))


@least_squares.backward("B")
def _(xp, g, A):
    eps = 2.0**-52 if A.dtype.itemsize == (16 if A.dtype.kind == "c" else 8) else 2.0**-23
    return xp.linalg_least_squares(_h(xp, A), g, max(A.shape[-2:]) * eps, "gelsy")[0]


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
