"""The extension of linear algebra, and the functions of it that are in the main namespace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pullback as torch
from pullback.array_api.promotion import binary, promoted, unary
from pullback.array_api.reductions import sum

__all__ = [
    "cholesky", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "inv", "matmul",
    "matrix_norm", "matrix_power", "matrix_rank", "matrix_transpose", "outer", "pinv", "qr",
    "slogdet", "solve", "svd", "svdvals", "tensordot", "trace", "vecdot", "vector_norm",
]  # fmt: skip


class eig_result(NamedTuple):
    """The result of `eig`."""

    eigenvalues: Any
    eigenvectors: Any


class eigh_result(NamedTuple):
    """The result of `eigh`."""

    eigenvalues: Any
    eigenvectors: Any


class qr_result(NamedTuple):
    """The result of `qr`."""

    Q: Any
    R: Any


class slogdet_result(NamedTuple):
    """The result of `slogdet`."""

    sign: Any
    logabsdet: Any


class svd_result(NamedTuple):
    """The result of `svd`."""

    U: Any
    S: Any
    Vh: Any


det = unary(torch.linalg.det, "det")
eigvals = unary(torch.linalg.eigvals, "eigvals")
eigvalsh = unary(torch.linalg.eigvalsh, "eigvalsh")
inv = unary(torch.linalg.inv, "inv")
svdvals = unary(torch.linalg.svdvals, "svdvals")
matmul = binary(torch.matmul, "matmul")
outer = binary(torch.outer, "outer")


def cholesky(x: Any, /, *, upper: bool = False) -> Any:
    """The triangular factor of positive definite matrices: x = L Lᴴ, or Uᴴ U if `upper`."""
    return torch.linalg.cholesky(x, upper=upper)


def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """Cross products of vectors of 3 along an axis; the other axes broadcast."""
    _check_vectors("cross", x1, x2, axis)
    if x1.shape[axis] != 3:
        raise ValueError(f"cross(): vectors have 3 elements, not {x1.shape[axis]}")
    x1, x2 = torch.broadcast_tensors(*promoted((x1, x2)))
    return torch.linalg.cross(x1, x2, dim=axis)


def _check_vectors(name: str, x1: Any, x2: Any, axis: int) -> None:
    """ValueError for vectors of different lengths: those do not broadcast."""
    if x1.shape[axis] != x2.shape[axis]:
        raise ValueError(
            f"{name}(): arrays of shapes {list(x1.shape)} and {list(x2.shape)} hold vectors of "
            f"different lengths along the axis {axis}"
        )


def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """Diagonals of matrices: the main one, or that many above it. A view."""
    return torch.linalg.diagonal(x, offset=offset)


def eig(x: Any, /) -> eig_result:
    """Eigenvalues and right eigenvectors of square matrices: complex."""
    return eig_result(*torch.linalg.eig(x))


def eigh(x: Any, /) -> eigh_result:
    """Eigenvalues, which ascend, and eigenvectors of Hermitian matrices."""
    return eigh_result(*torch.linalg.eigh(x))


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Norms of matrices (…, m, n): 'fro', 'nuc', 1, 2, inf, and their negatives."""
    return torch.linalg.matrix_norm(x, ord, (-2, -1), keepdims)


def matrix_power(x: Any, n: int, /) -> Any:
    """Integer powers of square matrices; of the inverse if negative."""
    return torch.linalg.matrix_power(x, n)


def matrix_rank(x: Any, /, *, rtol: Any = None) -> Any:
    """How many singular values are above a tolerance relative to the largest."""
    return torch.linalg.matrix_rank(x, rtol=rtol)


def matrix_transpose(x: Any, /) -> Any:
    """The last two axes exchanged: a view."""
    return x.mT


def pinv(x: Any, /, *, rtol: Any = None) -> Any:
    """Moore-Penrose inverses; singular values below a relative tolerance count as 0."""
    return torch.linalg.pinv(x, rtol=rtol)


def qr(x: Any, /, *, mode: str = "reduced") -> qr_result:
    """Matrices with orthonormal columns times triangular ones; square ones for "complete"."""
    return qr_result(*torch.linalg.qr(x, mode))


def slogdet(x: Any, /) -> slogdet_result:
    """The sign of determinants, and the logarithm of their modulus."""
    return slogdet_result(*torch.linalg.slogdet(x))


def solve(x1: Any, x2: Any, /) -> Any:
    """y with x1 y = x2: for a vector if x2 is 1-D, for matrices (…, m, k) otherwise.

    PyTorch takes a batch of vectors where the shapes allow it; the standard does not.
    """
    x1, x2 = promoted((x1, x2))
    if x2.ndim == 1:
        return torch.linalg.solve(x1, x2.unsqueeze(-1)).squeeze(-1)
    batch = torch.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    x1 = torch.broadcast_to(x1, (*batch, *x1.shape[-2:]))
    return torch.linalg.solve(x1, torch.broadcast_to(x2, (*batch, *x2.shape[-2:])))


def svd(x: Any, /, *, full_matrices: bool = True) -> svd_result:
    """Singular values, which descend, between two orthogonal matrices: x = U diag(S) Vh."""
    return svd_result(*torch.linalg.svd(x, full_matrices))


def tensordot(x1: Any, x2: Any, /, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Any:
    """Sums of products over axes: the last of x1 with the first of x2, or pairs of axes."""
    x1, x2 = promoted((x1, x2))
    return torch.tensordot(x1, x2, axes)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """Sums of diagonals of matrices (…, m, n)."""
    return sum(diagonal(x, offset=offset), axis=-1, dtype=dtype)


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """Dot products along an axis; the first vector is conjugated, other axes broadcast."""
    _check_vectors("vecdot", x1, x2, axis)
    x1, x2 = promoted((x1, x2))
    if x1.dtype.kind not in "fc":
        return torch.sum(x1 * x2, axis, dtype=x1.dtype)
    return torch.linalg.vecdot(x1, x2, dim=axis)


def vector_norm(
    x: Any, /, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False, ord: Any = 2
) -> Any:
    """The p-norm of vectors along axes, by default of all elements; p may be 0 or infinite."""
    if axis == ():
        return torch.linalg.vector_norm(x.unsqueeze(-1), ord, -1)
    return torch.linalg.vector_norm(x, ord, axis, keepdims)
