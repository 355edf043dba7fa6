"""What declarations about matrices share: checks of shapes, transposes, diagonals."""

from __future__ import annotations

from typing import Any


def check_matrices(name: str, x: Any, argument: str = "A") -> None:
    """RuntimeError for a tensor with fewer than two axes."""
    if len(x.shape) < 2:
        raise RuntimeError(
            f"{name}: The input tensor {argument} must have at least 2 dimensions, not the shape "
            f"{list(x.shape)}"
        )


def check_square(name: str, x: Any, argument: str = "A") -> None:
    """RuntimeError for a tensor whose last two axes differ in size."""
    check_matrices(name, x, argument)
    if x.shape[-1] != x.shape[-2]:
        raise RuntimeError(
            f"{name}: {argument} must be batches of square matrices, but they are "
            f"{x.shape[-2]} by {x.shape[-1]} matrices"
        )


def check_floating(name: str, x: Any) -> None:
    """RuntimeError for integers, where they are not converted."""
    if x.dtype.kind not in "fc":
        raise RuntimeError(
            f"{name}: Expected a floating point or complex tensor as input. Got {x.dtype} of "
            f"shape {list(x.shape)}"
        )


def transposed(xp: Any, x: Any) -> Any:
    """Matrices with rows and columns exchanged."""
    return xp.transpose(x, -2, -1)


def adjoint(xp: Any, x: Any) -> Any:
    """The conjugate transposes."""
    return xp.conj(xp.transpose(x, -2, -1))


def by_columns(xp: Any, x: Any) -> Any:
    """Matrices that lie column by column in memory, as those of LAPACK do."""
    return transposed(xp, xp.contiguous(transposed(xp, x)))


def identity(xp: Any, n: int, like: Any) -> Any:
    """The identity matrix, with the dtype of another tensor."""
    return xp.tril(xp.triu(xp.filled((n, n), 1, like)))


def diagonal_matrices(xp: Any, d: Any) -> Any:
    """Matrices with these diagonals."""
    return xp.unsqueeze(d, -1) * identity(xp, d.shape[-1], d)


def diagonal_of(xp: Any, x: Any) -> Any:
    """The diagonals of matrices."""
    return xp.diagonal(x, 0, -2, -1)


def off_diagonal_over(xp: Any, x: Any, gaps: Any, diagonal: Any) -> Any:
    """x / gaps off the diagonal (0 / 0 = 0: vectors that nobody asks for), another diagonal."""
    one = xp.gt(xp.real(identity(xp, x.shape[-1], gaps)), 0)
    nothing = xp.logical_or(one, xp.logical_and(xp.eq(gaps, 0), xp.eq(x, 0)))
    return xp.where(one, diagonal, x / xp.where(nothing, 1, gaps))


def one_like(xp: Any, x: Any) -> Any:
    """1 with the dtype of x."""
    return xp.filled((), 1, x)
