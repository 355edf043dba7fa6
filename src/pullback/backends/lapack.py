"""LAPACK on stacks of matrices: through NumPy where it takes stacks, else SciPy, one by one.

A function that may fail gives `info` as LAPACK does, an int32 for each matrix: 0, or where it broke
down, counted from 1. `scipy.linalg` is imported when it is first needed.

Matrices that LAPACK makes lie column by column, as it writes them: `factor.mT.view(-1)` is a view.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.errors import LinAlgError

Function = Callable[..., Any]


def check_info(info: Any, name: str, reason: Callable[[int], str]) -> None:
    """LinAlgError for the first matrix that failed, with its place among the others."""
    failed = np.flatnonzero(info)
    if failed.size:
        where = f"(Batch element {failed[0]}): " if info.ndim else ""
        raise LinAlgError(f"{name}: {where}{reason(int(info.flat[failed[0]]))}")


def _columns(x: Any) -> Any:
    """A stack of matrices, each column by column in memory."""
    return np.ascontiguousarray(x.swapaxes(-2, -1)).swapaxes(-2, -1)


def _each(
    function: Function, stacks: Sequence[Any], made: Sequence[tuple[tuple[int, ...], Any]]
) -> list[Any]:
    """`function(matrix, …)` for each place of stacks that broadcast.

    `made`: the shape of a result for one matrix, and its dtype.
    """
    if all(s.ndim == 2 for s in stacks) and all(s.size for s in stacks):
        return [
            _as(part, shape, dtype)
            for part, (shape, dtype) in zip(function(*stacks), made, strict=True)
        ]
    batch = np.broadcast_shapes(*(s.shape[:-2] for s in stacks))
    stacks = [np.broadcast_to(s, batch + s.shape[-2:]) for s in stacks]
    results = [
        np.zeros(batch + shape[::-1], dtype).swapaxes(-2, -1)
        if len(shape) == 2 else np.zeros(batch + shape, dtype)
        for shape, dtype in made
    ]  # fmt: skip
    if all(s.size for s in stacks):
        for place in np.ndindex(batch):
            for result, part in zip(results, function(*(s[place] for s in stacks)), strict=True):
                result[place] = part
    return results


def _as(part: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """A result of LAPACK's in memory of its own: matrices column by column."""
    part = np.asarray(part, dtype)
    if part.shape != shape or not part.flags.f_contiguous or part.base is not None:
        part = np.array(part.reshape(shape), order="F")
    return part


def _routines(names: tuple[str, ...], *arrays: Any) -> Any:
    return _found(names, tuple([a.dtype for a in arrays]))


@functools.lru_cache(256)
def _found(names: tuple[str, ...], dtypes: tuple[Any, ...]) -> Any:
    from scipy.linalg.lapack import get_lapack_funcs

    return get_lapack_funcs(names, [np.empty(0, d) for d in dtypes])


@functools.lru_cache(16)
def _trsm(dtype: Any) -> Any:
    from scipy.linalg.blas import get_blas_funcs

    return get_blas_funcs(("trsm",), [np.empty(0, dtype)])[0]


@functools.lru_cache(1024)
def _work(name: str, dtype: Any, *sizes: Any) -> int:
    """How many numbers of memory a routine wants to work with."""
    return int(np.real(_found((f"{name}_lwork",), (dtype,))[0](*sizes)[0]))


def _pivots_of(a: Any) -> Any:
    """Where elimination meets a zero pivot, for each matrix."""
    (info,) = _each(lambda x: (_routines(("getrf",), x)[0](x)[2],), [a], [((), np.int32)])
    return info


def inverse(a: Any) -> Any:
    """Inverses and info; NaN where there is none."""
    try:
        return _columns(np.linalg.inv(a)), np.zeros(a.shape[:-2], np.int32)
    except np.linalg.LinAlgError:
        info = _pivots_of(a)
        safe = np.where((info == 0)[..., None, None], a, np.eye(a.shape[-1], dtype=a.dtype))
        return _columns(
            np.where((info == 0)[..., None, None], np.linalg.inv(safe), a.dtype.type(np.nan))
        ), info


def solve(a: Any, b: Any) -> Any:
    """Solutions of A X = B; of one matrix, the factors of its transpose and their pivots; info.

    NaN where there is no solution. Of stacks, and of what is singular, the factors are empty.
    """
    info = np.zeros(a.shape[:-2], np.int32)
    if a.ndim == b.ndim == 2 and a.size and b.size:
        getrf, getrs = _routines(("getrf", "getrs"), a)
        factors, pivots, failed = getrf(a.T)  # rows are what LAPACK calls columns
        if not failed:
            x = getrs(factors, pivots, b, trans=1)[0]
            return _as(x, b.shape, a.dtype), factors, pivots, info
    none = np.empty((*info.shape, 0), a.dtype), np.empty((*info.shape, 0), np.int32)
    try:
        return _columns(np.linalg.solve(a, b)), *none, info
    except np.linalg.LinAlgError:
        info = _pivots_of(a)
        fine = (info == 0)[..., None, None]
        safe = np.where(fine, a, np.eye(a.shape[-1], dtype=a.dtype))
        found = np.where(fine, np.linalg.solve(safe, b), a.dtype.type(np.nan))
        return _columns(found), *none, info


def solve_transposed(factors: Any, pivots: Any, b: Any) -> Any:
    """Solutions of A^T X = B, from the factors that `solve` gives."""
    x = _routines(("getrs",), factors)[0](factors, pivots, b)[0]
    return _as(x, b.shape, factors.dtype)


def solve_triangular(a: Any, b: Any, upper: bool, unit: bool) -> Any:
    """Solutions of A X = B for triangular A, of which the other half is not looked at."""
    trsm = _trsm(a.dtype)
    one = a.dtype.type(1)
    (x,) = _each(
        lambda a, b: (trsm(one, a, b, lower=not upper, diag=unit),),
        [a, b], [((a.shape[-1], b.shape[-1]), a.dtype)],
    )  # fmt: skip
    return x


def solve_by_factor(b: Any, factor: Any, upper: bool) -> Any:
    """Solutions of A X = B, from the Cholesky factors of A."""
    potrs = _routines(("potrs",), factor)[0]
    (x,) = _each(
        lambda b, factor: (potrs(factor, b, lower=not upper)[0],), [b, factor],
        [(b.shape[-2:], b.dtype)],
    )  # fmt: skip
    return x


def cholesky(a: Any, upper: bool) -> Any:
    """Factors, from that half of the matrices, and info; NaN where there is none."""
    if upper:
        factor, info = cholesky(a.conj().swapaxes(-2, -1), False)
        return _columns(factor.conj().swapaxes(-2, -1)), info
    info = np.zeros(a.shape[:-2], np.int32)
    try:  # L of A is the transpose of U of the transpose, and is made in columns that way
        return np.linalg.cholesky(a.swapaxes(-2, -1), upper=True).swapaxes(-2, -1), info
    except np.linalg.LinAlgError:
        n = a.shape[-1]
        potrf = _routines(("potrf",), a)[0]
        factor, info = _each(
            lambda x: potrf(x, lower=True, clean=True), [a], [((n, n), a.dtype), ((), np.int32)]
        )
        return _columns(np.where((info == 0)[..., None, None], factor, a.dtype.type(np.nan))), info


def lu_factor(a: Any) -> Any:
    """L and U in one matrix, pivots counted from 1, and info."""
    getrf = _routines(("getrf",), a)[0]
    m, n = a.shape[-2:]
    k = min(m, n)

    def factor(x: Any) -> Any:
        packed, pivots, info = getrf(x)
        return packed, pivots + 1, info

    return tuple(_each(factor, [a], [((m, n), a.dtype), ((k,), np.int32), ((), np.int32)]))


def permutations(pivots: Any, rows: int, dtype: Any) -> Any:
    """The matrices P of A = P L U, from LAPACK's exchanges of rows."""
    if pivots.ndim == 1:
        places = list(range(rows))
        for k, other in enumerate(pivots.tolist()):
            places[k], places[other - 1] = places[other - 1], places[k]
        made = np.zeros((rows, rows), dtype)
        made[places, range(rows)] = 1
        return made
    order = np.broadcast_to(np.arange(rows), (*pivots.shape[:-1], rows)).copy()
    for k in range(pivots.shape[-1]):
        other = pivots[..., k, None].astype(np.int64) - 1
        here = order[..., k, None].copy()
        order[..., k, None] = np.take_along_axis(order, other, -1)
        np.put_along_axis(order, other, here, -1)
    return np.swapaxes(np.eye(rows, dtype=dtype)[order], -2, -1)


def geqrf(a: Any) -> Any:
    """Householder vectors under R, and their factors."""
    m, n = a.shape[-2:]
    routine = _routines(("geqrf",), a)[0]
    return tuple(_each(lambda x: routine(x)[:2], [a], [((m, n), a.dtype), ((min(m, n),), a.dtype)]))


def qr(a: Any, mode: Any) -> Any:
    """Q and R. NumPy computes in float64, and LAPACK what it is given: one matrix is its."""
    if a.ndim == 2 and a.size and mode != "complete" and a.dtype.char in "fF":
        return _qr_of_one(a)
    return tuple(map(_columns, np.linalg.qr(a, "reduced" if mode == "r" else mode)))


def _qr_of_one(a: Any) -> Any:
    m, n = a.shape
    k = min(m, n)
    name = "orgqr" if a.dtype.kind == "f" else "ungqr"
    geqrf, orgqr = _routines(("geqrf", name), a)
    packed, tau, _, _ = geqrf(a, lwork=_work("geqrf", a.dtype, m, n))
    q, _, _ = orgqr(packed[:, :k], tau, lwork=_work_of_q(name, a.dtype, m, k))
    r = packed[:k].copy("F")
    r[_below_diagonal(k, n) if k * n <= KEPT else np.tri(k, n, -1, bool)] = 0
    return _as(q, (m, k), a.dtype), r


KEPT = 1024  # elements of a mask that is kept


@functools.lru_cache(256)
def _below_diagonal(m: int, n: int) -> Any:
    return np.tri(m, n, -1, bool)


@functools.lru_cache(1024)
def _work_of_q(name: str, dtype: Any, m: int, k: int) -> int:
    """`_work` of a routine that is asked for it by calling it."""
    routine = _found((name,), (dtype,))[0]
    return int(routine(np.zeros((m, k), dtype, "F"), np.zeros(k, dtype), lwork=-1)[1][0].real)


def eigh(a: Any, uplo: Any) -> Any:
    """Eigenvalues in ascending order and eigenvectors of Hermitian matrices."""
    values, vectors = _converged(lambda: np.linalg.eigh(a, uplo), "linalg.eigh")
    return values, _columns(vectors)


def eig(a: Any) -> Any:
    """Eigenvalues and eigenvectors, complex ones."""
    if not np.isfinite(a).all():
        raise RuntimeError("linalg.eig: input tensor should not contain infs or NaNs.")
    values, vectors = _converged(lambda: np.linalg.eig(a), "linalg.eig")
    made = np.result_type(a.dtype, np.complex64)
    return values.astype(made), _columns(vectors.astype(made))


def svd(a: Any, full_matrices: bool) -> Any:
    """U, S and V^H."""
    u, s, vh = _converged(lambda: np.linalg.svd(a, full_matrices), "linalg.svd")
    return _columns(u), s, _columns(vh)


def eigvalsh(a: Any, uplo: Any) -> Any:
    """Eigenvalues of Hermitian matrices alone."""
    return _converged(lambda: np.linalg.eigvalsh(a, uplo), "linalg.eigvalsh")


def eigvals(a: Any) -> Any:
    """Eigenvalues alone, complex ones."""
    if not np.isfinite(a).all():
        raise RuntimeError("linalg.eigvals: input tensor should not contain infs or NaNs.")
    found = _converged(lambda: np.linalg.eigvals(a), "linalg.eigvals")
    return found.astype(np.result_type(a.dtype, np.complex64))


def svdvals(a: Any) -> Any:
    """Singular values alone."""
    return _converged(lambda: np.linalg.svd(a, compute_uv=False), "linalg.svdvals")


def _converged(compute: Callable[[], Any], name: str) -> Any:
    try:
        return compute()
    except np.linalg.LinAlgError:
        raise LinAlgError(
            f"{name}: The algorithm failed to converge because the input matrix is "
            f"ill-conditioned, or has infinities or NaNs"
        ) from None


def least_squares(a: Any, b: Any, rcond: Any, driver: str) -> Any:
    """Solutions, ranks, and singular values where the driver finds them."""
    m, n = a.shape[-2:]
    columns = b.shape[-1]
    real = a.real.dtype
    bound = np.finfo(a.dtype).eps if rcond is None else rcond
    none = np.zeros(min(m, n), real)
    (routine,) = _routines((driver,), a)

    def one(a: Any, b: Any) -> Any:
        if m < n:
            b = np.concatenate([b, np.zeros((n - m, columns), b.dtype)])
        if driver == "gels":
            work = _work(driver, a.dtype, m, n, columns)
            _, solution, info = routine(a, b, lwork=work)
            if info > 0:
                raise LinAlgError(
                    f"linalg.lstsq: The least squares solution could not be computed because the "
                    f"input matrix does not have full rank (error code: {info})."
                )
            return solution[:n], min(m, n), none
        if driver == "gelsy":
            work = _work(driver, a.dtype, m, n, columns, bound)
            order = np.zeros(n, np.int32)
            _, x, _, rank, info = routine(a, b, order, bound, work, False, False)
            return x[:n], rank, none
        from scipy.linalg import lstsq

        x, _, rank, s = lstsq(a, b[:m], cond=rcond, lapack_driver=driver)
        return x, rank, s

    x, rank, s = _each(
        one, [a, b],
        [((n, columns), a.dtype), ((), np.int64), ((min(m, n),), real)],
    )  # fmt: skip
    return (
        x,
        np.zeros((0,), np.int64) if driver == "gels" else rank,
        s if driver in ("gelsd", "gelss") else np.zeros((0,), real),
    )


def ldl_factor(a: Any, hermitian: bool) -> Any:
    """L and D in one matrix, pivots as LAPACK has them, and info."""
    n = a.shape[-1]
    name = "hetrf" if hermitian and a.dtype.kind == "c" else "sytrf"
    routine, size = _routines((name, f"{name}_lwork"), a)

    def factor(x: Any) -> Any:
        work = int(np.real(size(n, lower=1)[0]))
        packed, pivots, info = routine(x, lwork=work, lower=1)
        return np.tril(packed), pivots, info

    return tuple(_each(factor, [a], [((n, n), a.dtype), ((n,), np.int32), ((), np.int32)]))


def ldl_solve(packed: Any, pivots: Any, b: Any, hermitian: bool) -> Any:
    """Solutions by the factors that `ldl_factor` gave."""
    n = packed.shape[-1]
    conjugate = np.conj if hermitian else np.asarray

    def one(packed: Any, pivots: Any, b: Any) -> Any:
        x, pivots = b.copy(), pivots[0]
        k, steps = 0, []
        while k < n:  # P and L from the left, block by block
            size = 1 if pivots[k] > 0 else 2
            steps.append((k, size))
            row, other = k + size - 1, abs(int(pivots[k + size - 1])) - 1
            x[[row, other]] = x[[other, row]]
            x[k + size :] -= packed[k + size :, k : k + size] @ x[k : k + size]
            k += size
        for k, size in steps:  # D: of a singular block infinite or NaN, as LAPACK has it
            if size == 1:
                x[k] /= packed[k, k]
                continue
            low = packed[k + 1, k]
            high = conjugate(low)
            first, last = packed[k, k] / high, packed[k + 1, k + 1] / low
            above, below = x[k] / high, x[k + 1] / low
            scale = first * last - 1
            x[k], x[k + 1] = (last * above - below) / scale, (first * below - above) / scale
        for k, size in reversed(steps):
            x[k : k + size] -= conjugate(packed[k + size :, k : k + size]).T @ x[k + size :]
            row, other = k + size - 1, abs(int(pivots[k + size - 1])) - 1
            x[[row, other]] = x[[other, row]]
        return (x,)

    (x,) = _each(one, [packed, pivots[..., None, :], b], [((n, b.shape[-1]), b.dtype)])
    return x


def matrix_exp(a: Any) -> Any:
    """Exponentials (Al-Mohy and Higham, 2009)."""
    from scipy.linalg import expm

    wide = a.astype(np.float32) if a.dtype == np.float16 else a
    return expm(wide).astype(a.dtype, copy=False) if a.size else a.copy()


def determinant(a: Any) -> Any:
    """Determinants."""
    return np.asarray(np.linalg.det(a)).astype(a.dtype, copy=False)


def log_determinant(a: Any) -> Any:
    """Signs and logarithms of the moduli of determinants."""
    sign, value = np.linalg.slogdet(a)
    return np.asarray(sign, a.dtype), np.asarray(value, a.real.dtype)


def cofactors(a: Any) -> Any:
    """The matrices of cofactors, transposes of the adjugates: of singular matrices too.

    They are det(A) A⁻ᵀ; where that loses half of the digits, or there is no inverse, with
    A = U S V^H, they are det(U V^H) conj(U) diag(products of the other s) V^T.
    """
    found = _cofactors_by_inverse(a)
    if found is not None:
        return found
    n = a.shape[-1]
    u, s, vh = np.linalg.svd(a)
    others = np.where(np.eye(n, dtype=bool), 1, s[..., None, :]).prod(-1)
    phase = np.linalg.det(u) * np.linalg.det(vh)
    return (phase[..., None, None] * (u.conj() * others[..., None, :]) @ vh.conj()).astype(a.dtype)


def _cofactors_by_inverse(a: Any) -> Any:
    """det(A) A⁻ᵀ, a tenth of the work; None unless all of the matrices are well conditioned."""
    try:
        inverse = np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return None
    condition = np.linalg.norm(a, 1, (-2, -1)) * np.linalg.norm(inverse, 1, (-2, -1))
    limits = np.finfo(a.dtype)
    if not (condition < limits.eps**-0.5).all():
        return None
    once, again = np.linalg.det(a), np.ones((), a.real.dtype)
    size = np.abs(once)
    if not (np.isfinite(size) & (size > limits.tiny)).all():  # its root may be a number
        sign, value = np.linalg.slogdet(a)
        again = np.exp(value / 2)
        once = sign * again
    scaled = once[..., None, None] * inverse.swapaxes(-2, -1) * again[..., None, None]
    return scaled.astype(a.dtype, copy=False)


FUNCTIONS: dict[str, Function] = {
    f.__name__: f
    for f in (
        check_info, inverse, solve, solve_transposed, solve_triangular, solve_by_factor, cholesky,
        lu_factor, permutations, geqrf, qr,
        eigh, eig, eigvalsh, eigvals, svdvals, svd, least_squares, ldl_factor, ldl_solve,
        matrix_exp, determinant, log_determinant, cofactors,
    )
}  # fmt: skip
