"""A few eigenpairs of a large symmetric matrix, of which only products are needed: `torch.lobpcg`.

A. Knyazev, "Toward the optimal preconditioned eigensolver: locally optimal block preconditioned
conjugate gradient method", SIAM J. Sci. Comput., 2001; bases are made orthonormal as by
A. Stathopoulos and K. Wu, "A block orthogonalization procedure with constant synchronization
requirements", SIAM J. Sci. Comput., 2002.
"""

from __future__ import annotations

from typing import Any

from pullback.autograd import Function, no_grad
from pullback.dispatch import TENSORS
from pullback.limits import finfo

__all__ = ["lobpcg"]

T: Any = TENSORS


def lobpcg(
    A: Any, k: int | None = None, B: Any = None, X: Any = None, n: int | None = None,
    iK: Any = None, niter: int | None = None, tol: float | None = None,
    largest: bool | None = None, method: str | None = None, tracker: Any = None,
    ortho_iparams: Any = None, ortho_fparams: Any = None, ortho_bparams: Any = None,
) -> tuple[Any, Any]:  # fmt: skip
    r"""The k largest (or smallest) λ with $A x = \lambda B x$, and their x: (E, X).

    A (…, m, m) is symmetric; B, by default the identity, positive definite. E is (…, k), the
    extreme one first, and X (…, m, k), orthonormal with respect to B. X gives first vectors, n how
    many are iterated if there are none; iK ≈ A⁻¹ is a preconditioner. Iterations end when all
    residuals are below `tol` relative to A and B, or after `niter` ones. A may be a formula: it is
    only multiplied. Both results are differentiable in A and B, any number of times; a derivative
    of X solves one dense system of size m + 1 for each x.

    `method` and the `ortho_` parameters are accepted: there is one method. ValueError for matrices
    that are not square, and for m < 3n, where `torch.linalg.eigh` is as good;
    NotImplementedError for a `tracker`.
    """
    if tracker is not None:
        raise NotImplementedError("lobpcg(): there is no tracker= here: look at the results")
    if method not in (None, "basic", "ortho"):
        raise ValueError(f"lobpcg(): method is 'basic' or 'ortho', not {method!r}")
    m = A.shape[-1]
    if A.dim() < 2 or A.shape[-2] != m or not A.dtype.is_floating_point:
        raise ValueError(
            f"lobpcg(): A is a square matrix of real numbers, or a batch of them, not of shape "
            f"{list(A.shape)} and {A.dtype}"
        )
    k = (1 if X is None else X.shape[-1]) if k is None else k
    n = (k if n is None else n) if X is None else X.shape[-1]
    if m < 3 * n:
        raise ValueError(
            f"LPBPCG algorithm is not applicable when the number of A rows (={m}) is smaller than "
            f"3 x the number of requested eigenpairs (={n}): use torch.linalg.eigh"
        )
    tol = finfo(A.dtype).eps ** 0.5 if tol is None else tol
    settings: Any = (k, 1000 if niter is None else niter, tol, largest is None or largest)
    with no_grad():
        first = T.randn((*A.shape[:-1], n), dtype=A.dtype) if X is None else X.detach()
        if A.dim() == 2:
            found = _one(A.detach(), B, first, iK, *settings)
        else:
            found = _batch(A.detach(), B, first, iK, settings)
    values, vectors = _Eigenpairs.apply(A, B, *found)
    return values, vectors


def _batch(A: Any, B: Any, X: Any, iK: Any, settings: Any) -> Any:
    """The results for each matrix of a batch."""
    batch = A.shape[:-2]
    given = [None if v is None else v.expand(*batch, *v.shape[-2:]) for v in (A, B, X, iK)]
    flat: Any = [None if v is None else v.reshape(-1, *v.shape[-2:]) for v in given]
    pairs = []
    for place in range(batch.numel()):
        a, b, x, ik = (None if v is None else v[place] for v in flat)
        pairs.append(_one(a, b, x, ik, *settings))
    values, vectors = (T.stack(list(part), 0) for part in zip(*pairs, strict=True))
    return values.reshape(*batch, -1), vectors.reshape(*batch, *vectors.shape[-2:])


def _one(A: Any, B: Any, X: Any, iK: Any, k: int, niter: int, tol: float, largest: bool) -> Any:
    """Of one matrix, without gradients."""

    def weigh(v: Any) -> Any:
        return v if B is None else B @ v

    n = X.shape[-1]
    X = _orthonormal(X, weigh, X.new_zeros((A.shape[-1], 0)))
    values, X, AX = _ritz(X, A @ X, n, largest)
    P = X[:, :0]
    scale = None
    for _ in range(niter if niter >= 0 else 1 << 62):
        BX = weigh(X)
        R = AX - BX * values
        # The norms of A and B, from below, by what they do to the vectors.
        sizes = AX.norm(dim=0).max(), BX.norm(dim=0).max()
        scale = sizes if scale is None else tuple(map(T.maximum, scale, sizes))
        error = R.norm(dim=0) / (X.norm(dim=0) * (scale[0] + values.abs() * scale[1]))
        if bool((error[:k] <= tol).all()):
            break
        W = R if iK is None else iK @ R
        basis = _orthonormal(T.cat([W, P], 1), weigh, X)
        whole = T.cat([X, basis], 1), T.cat([AX, A @ basis], 1)
        values, new, AX = _ritz(*whole, n, largest)
        P = new - X @ (BX.mT @ new)
        X = new
    return values[:k], X[:, :k]


def _ritz(S: Any, AS: Any, n: int, largest: bool) -> Any:
    """The best n pairs in the span of S, whose columns are orthonormal, and A times the vectors."""
    small = S.mT @ AS
    values, rotation = T.linalg_eigh((small + small.mT) / 2)
    if largest:
        values, rotation = values.flip(0), rotation.flip(1)
    return values[:n], S @ rotation[:, :n], AS @ rotation[:, :n]


def _orthonormal(V: Any, weigh: Any, X: Any) -> Any:
    """An orthonormal basis of what V spans beyond X; directions that are noise are left out."""
    eps = finfo(V.dtype).eps
    for _ in range(3):
        V = V - X @ (weigh(X).mT @ V)
        lengths = V.norm(dim=0)
        V = V[:, lengths > 0] / lengths[lengths > 0]
        if not V.shape[1]:
            break
        gram = V.mT @ weigh(V)
        diagonal = gram.diagonal().rsqrt()
        values, rotation = T.linalg_eigh(gram * diagonal * diagonal.unsqueeze(1))
        kept = values > values.max() * eps * V.shape[1] * 10
        V = (V * diagonal) @ (rotation[:, kept] / values[kept].sqrt())
    return V


class _Eigenpairs(Function):
    r"""Eigenpairs that are known, as functions of A and B.

    From $(A - \lambda B) x = 0$ and $x^T B x = 1$: with (u, s) the solution of the bordered system
    of $\begin{pmatrix} A - \lambda B & -Bx \\ -(Bx)^T & 0 \end{pmatrix}$ for the cotangents of x
    and λ, those of A and B are $-u x^T$ and $\lambda u x^T + \frac{s}{2} x x^T$. For the cotangent
    of λ alone, u = -x times it, and s = 0.
    """

    @staticmethod
    def forward(ctx: Any, A: Any, B: Any, values: Any, vectors: Any) -> Any:
        """The pairs as they are."""
        values, vectors = values.clone(), vectors.clone()
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(A, B, values, vectors)
        return values, vectors

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """The cotangents of A and B."""
        to_values, to_vectors = gradients
        A, B, values, vectors = ctx.saved_tensors
        if to_values is None and to_vectors is None:
            return None, None, None, None
        if to_vectors is None:
            u, s = -vectors * to_values.unsqueeze(-2), None
        else:
            if to_values is None:
                to_values = T.zeros_like(values)
            u, s = _bordered(A, B, values, vectors, to_vectors, to_values)
        across = vectors.mT
        to_A = -(u @ across)
        if B is None or not ctx.needs_input_grad[1]:
            return to_A, None, None, None
        to_B = (u * values.unsqueeze(-2)) @ across
        if s is not None:
            to_B = to_B + (vectors * (s / 2).unsqueeze(-2)) @ across
        return to_A, to_B, None, None


def _bordered(A: Any, B: Any, values: Any, X: Any, to_x: Any, to_value: Any) -> Any:
    """(u, s) for each pair: (…, m, k) and (…, k)."""
    weight = T.eye(A.shape[-1], dtype=A.dtype) if B is None else B
    BX = weight @ X
    us, ss = [], []
    for place in range(X.shape[-1]):
        inner = A - values[..., place, None, None] * weight
        border = -BX[..., place : place + 1]
        corner = T.zeros_like(values[..., :1, None])
        upper, lower = T.cat([inner, border], -1), T.cat([border.mT, corner], -1)
        right = T.cat([to_x[..., place], to_value[..., place : place + 1]], -1)
        found = T.linalg_solve(T.cat([upper, lower], -2), right.unsqueeze(-1)).squeeze(-1)
        us.append(found[..., :-1])
        ss.append(found[..., -1])
    return T.stack(us, -1), T.stack(ss, -1)
