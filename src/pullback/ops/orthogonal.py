"""Orthogonal factors: QR, and products of Householder's reflections.

Derivatives: S. F. Walter and L. Lehmann, Algorithmic differentiation of linear algebra functions
(2010).
"""

from pullback.op import Array, Plain, call, composite, matrices, opaque

_h = matrices.adjoint


@opaque(
    namespace="linalg", method=False, dtypes="fc", half=False, holomorphic=False, outputs="Q R",
    in_order=False,
)  # fmt: skip
def qr(xp, A, mode: Plain = "reduced"):
    r"""Orthonormal columns Q and upper triangular R with A = Q R, of matrices (…, m, n).

    mode "reduced": (…, m, k) and (…, k, n), k = min(m, n); "complete": (…, m, m) and (…, m, n);
    "r": an empty Q.
    """
    matrices.check_matrices("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), "
            f"'r', or 'complete'"
        )
    q, r = xp.lapack("qr", A, mode)
    return (xp.filled((0,), 0, A), r) if mode == "r" else (q, r)


@qr.backward("A")
def _(xp, g_Q, g_R, Q, R, mode):
    if mode == "r":
        raise RuntimeError(
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. "
            "Please use linalg.qr(A, mode='reduced') if you are going to require gradients"
        )
    m, n = Q.shape[-2], R.shape[-1]
    if mode == "complete" and m > n:
        raise RuntimeError(
            "The QR decomposition is not differentiable when mode='complete' and nrows > ncols"
        )
    last = len(R.shape) - 1
    more = None
    if m < n:
        rest = xp.matmul(Q, xp.slice(R, last, m, n, 1))
        more = xp.slice(g_R, last, m, n, 1)
        g_Q = g_Q + xp.matmul(rest, _h(xp, more))
        R, g_R = xp.slice(R, last, 0, m, 1), xp.slice(g_R, last, 0, m, 1)
    middle = xp.triu(xp.matmul(g_R, _h(xp, R)) - xp.matmul(_h(xp, Q), g_Q))
    diagonal = matrices.diagonal_matrices(xp, matrices.diagonal_of(xp, middle))
    middle = middle - diagonal / 2
    total = xp.matmul(Q, middle + _h(xp, middle)) + g_Q
    found = _h(xp, xp.linalg_solve_half(R, _h(xp, total), True, False))
    return found if more is None else xp.cat([found, xp.matmul(Q, more)], last)


@qr.examples
def _(xp, A, mode):
    Q, R = xp.linalg_qr(A, mode)
    return (xp.filled((A.shape[0], 0), 0, A), R) if mode == "r" else (Q, R)


@composite(name="qr", outputs="Q R")
def qr_function(xp, input, some: bool = True):
    r"""`linalg.qr`, "complete" where not `some`."""
    return tuple(xp.linalg_qr(input, "reduced" if some else "complete"))


@qr.samples
def _(r):
    yield call(r(3, 3))
    yield call(r(2, 4, 2))
    yield call(r(2, 3), "complete")


@qr_function.samples
def _(r):
    yield call(r(4, 2))
    yield call(r(2, 3), False)


@qr.reference
def _(np, A, mode="reduced"):
    return tuple(np.linalg.qr(A, mode))


@qr_function.reference
def _(np, A, some=True):
    return tuple(np.linalg.qr(A, "reduced" if some else "complete"))


# ------------------------------------------------------------------------------- Householder


@opaque(
    derivative=False, dtypes="fc", half=False, outputs="a tau", leading=True, in_order=False
)  # fmt: skip
def geqrf(xp, input):
    r"""Householder vectors below R, and their factors τ, as LAPACK's geqrf; without derivative."""
    matrices.check_matrices("torch.geqrf", input, "input")
    return xp.lapack("geqrf", input)


@geqrf.samples
def _(r):
    yield call(r(4, 2))
    yield call(r(2, 2, 3))


@geqrf.reference
def _(np, input):
    from scipy.linalg import qr as factors

    made = [factors(x, mode="raw")[0] for x in input.reshape(-1, *input.shape[-2:])]
    a = np.stack([x[0] for x in made]).reshape(input.shape)
    return a, np.stack([x[1] for x in made]).reshape(*input.shape[:-2], -1)


def _reflect(xp, A, tau, x, backwards, conjugate):
    """x with reflections 1 - τ v v^H applied from the left, the last one first if `backwards`."""
    m, k = A.shape[-2], tau.shape[-1]
    last = len(A.shape) - 1
    vectors = xp.tril(xp.narrow(A, last, 0, k), -1)
    vectors = vectors + xp.tril(xp.triu(xp.filled((m, k), 1, A)))
    tau = xp.conj(tau) if conjugate else tau
    for j in range(k)[:: -1 if backwards else 1]:
        v = xp.narrow(vectors, last, j, 1)
        factor = xp.unsqueeze(xp.narrow(tau, len(tau.shape) - 1, j, 1), -1)
        x = x - factor * xp.matmul(v, xp.matmul(_h(xp, v), x))
    return x


@composite(namespace="linalg", method=False, dtypes="fc", half=False)
def householder_product(xp, A, tau):
    r"""The first n columns of $H_1 H_2 \dots H_k$, $H_i = 1 - \tau_i v_i v_i^H$.

    A (…, m, n) has the vectors below its diagonal, as `geqrf` gives them; tau (…, k), k ≤ n ≤ m.
    """
    matrices.check_matrices("linalg.householder_product", A, "input")
    m, n = A.shape[-2:]
    if m < n:
        raise RuntimeError(
            "linalg.householder_product: input.shape[-2] must be greater than or equal to "
            f"input.shape[-1], but the shape is {list(A.shape)}"
        )
    if not tau.shape or tau.shape[-1] > n or tau.shape[:-1] != A.shape[:-2]:
        raise RuntimeError(
            "linalg.householder_product: input.shape[-1] must be greater than or equal to "
            f"tau.shape[-1], and the batches equal, but got {list(A.shape)} and {list(tau.shape)}"
        )
    if A.dtype != tau.dtype:
        raise RuntimeError(
            f"linalg.householder_product: tau dtype {tau.dtype} does not match input dtype "
            f"{A.dtype}"
        )
    start = xp.tril(xp.triu(xp.filled((*A.shape[:-2], m, n), 1, A)))
    if not tau.shape[-1]:  # 0, with a history
        start = start + xp.sum(tau) + xp.sum(xp.narrow(A, len(A.shape) - 1, 0, 0))
    return matrices.by_columns(xp, _reflect(xp, A, tau, start, True, False))


@composite(dtypes="fc", half=False)
def ormqr(xp, input, tau, other: Array, left: bool = True, transpose: bool = False):
    r"""The product of all of Q (m × m), as `geqrf` gives it, and another matrix.

    Q C, or C Q where not `left`; of $Q^H$ if `transpose`.
    """
    matrices.check_matrices("torch.ormqr", input, "input")
    matrices.check_matrices("torch.ormqr", other, "other")
    rows = other.shape[-2 if left else -1]
    if rows != input.shape[-2] or not tau.shape or tau.shape[-1] > input.shape[-1]:
        raise RuntimeError(
            f"torch.ormqr: other.shape[{-2 if left else -1}] must be equal to input.shape[-2], "
            f"but got {list(input.shape)}, tau {list(tau.shape)} and {list(other.shape)}"
        )
    if left:
        return matrices.by_columns(xp, _reflect(xp, input, tau, other, not transpose, transpose))
    turned = _reflect(xp, input, tau, _h(xp, other), transpose, not transpose)
    return _h(xp, turned)


@composite()
def orgqr(xp, input, input2):
    r"""`linalg.householder_product`."""
    return xp.linalg_householder_product(input, input2)


@orgqr.samples
@householder_product.samples
def _(r):
    yield call(r(4, 3), r(3))
    yield call(r(2, 3, 3), r(2, 2))


@ormqr.samples
def _(r):
    yield call(r(4, 2), r(2), r(4, 3))
    yield call(r(2, 3, 3), r(2, 2), r(2, 2, 3), False, True)


def _orthogonal(np, A, tau):
    """The whole product, (…, m, m)."""
    m, k = A.shape[-2], tau.shape[-1]
    q = np.broadcast_to(np.eye(m), (*A.shape[:-2], m, m))
    for j in range(k):
        v = np.tril(A, -1)[..., j, None] + np.eye(m)[:, j, None]
        q = q @ (np.eye(m) - tau[..., j, None, None] * v @ v.conj().swapaxes(-1, -2))
    return q


@orgqr.reference
@householder_product.reference
def _(np, A, tau):
    return _orthogonal(np, A, tau)[..., : A.shape[-1]]


@ormqr.reference
def _(np, input, tau, other, left=True, transpose=False):
    q = _orthogonal(np, input, tau)
    q = q.conj().swapaxes(-1, -2) if transpose else q
    return q @ other if left else other @ q
