"""The operations of `torch.linalg`.

Made by `python -m pullback.operations_page`: not to be edited.
"""

from builtins import bool as _bool, complex as _complex, dict as _dict, float as _float, int as _int
from builtins import list as _list, object as _object, str as _str, tuple as _tuple, type as _type
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, overload

from pullback.devices import device as _device
from pullback.dtypes import dtype as _dtype
from pullback.layouts import layout as _layout, memory_format as _memory_format
from pullback.tensor import Size as _Size, Tensor

_Out = Tensor | _tuple[Tensor, ...] | None

from pullback.signatures import return_types as return_types


def cholesky(A: Tensor, *, upper: _bool = False, out: _Out = None) -> Tensor:
    """Lower L with $A = L L^H$, or upper with $L^H L$. LinAlgError if A is not positive definite."""

def cholesky_ex(A: Tensor, *, upper: _bool = False, check_errors: _bool = False, out: _Out = None) -> return_types.cholesky_ex:
    """Lower L with $A = L L^H$ (or upper with $L^H L$), and info (…): 0, or the bad minor."""

def cond(A: Tensor, p: Any = None, *, out: _Out = None) -> Tensor:
    """Condition numbers ‖A‖ ‖A⁻¹‖; by singular values for p None, 2 and -2."""

def cross(input: Tensor, other: Tensor, *, dim: _int = -1, out: _Out = None, axis: _int = ...) -> Tensor:
    """$a \\times b$ of the vectors along one axis, of size 3; the other axes broadcast."""

def det(A: Tensor, *, out: _Out = None) -> Tensor:
    """Determinants of square matrices (…, n, n)."""

def diagonal(A: Tensor, *, offset: _int = 0, dim1: _int = -2, dim2: _int = -1, out: _Out = None) -> Tensor:
    """`torch.diagonal` of the last two axes."""

def eig(A: Tensor, *, out: _Out = None) -> _tuple[Tensor, ...]:
    """Complex eigenvalues, in no order, and eigenvectors of norm 1 of matrices (…, n, n)."""

def eigh(A: Tensor, UPLO: Any = 'L', *, out: _Out = None) -> _tuple[Tensor, ...]:
    """Eigenvalues, ascending, and orthonormal eigenvectors of Hermitian matrices (…, n, n)."""

def eigvals(A: Tensor, *, out: _Out = None) -> Tensor:
    """Complex eigenvalues of matrices (…, n, n), in no order."""

def eigvalsh(A: Tensor, UPLO: Any = 'L', *, out: _Out = None) -> Tensor:
    """Eigenvalues of Hermitian matrices (…, n, n), ascending."""

def householder_product(A: Tensor, tau: Tensor, *, out: _Out = None) -> Tensor:
    """The first n columns of $H_1 H_2 \\dots H_k$, $H_i = 1 - \\tau_i v_i v_i^H$."""

def inv(A: Tensor, *, out: _Out = None) -> Tensor:
    """Inverses of square matrices (…, n, n). LinAlgError where there is none."""

def inv_ex(A: Tensor, *, check_errors: _bool = False, out: _Out = None) -> return_types.inv_ex:
    """Inverses of square matrices (…, n, n), and info (…): 0, or the zero pivot's number."""

def ldl_factor(A: Tensor, *, hermitian: _bool = False, out: _Out = None) -> Tensor:
    """L and D of $A = L D L^T$ in one matrix, and pivots. LinAlgError where D is singular."""

def ldl_factor_ex(A: Tensor, *, hermitian: _bool = False, check_errors: _bool = False, out: _Out = None) -> Tensor:
    """L and D of $A = L D L^T$ in one matrix, of symmetric (or Hermitian) A; without derivative."""

def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: _bool = False, out: _Out = None) -> Tensor:
    """Solutions of A X = B by `ldl_factor`'s results; without derivative."""

def lstsq(A: Tensor, B: Tensor, rcond: Any = None, *, driver: Any = None, out: _Out = None) -> _tuple[Tensor, ...]:
    """X of least $\\|A X - B\\|$, of least norm where there are several; squares that remain."""

def lu(A: Tensor, *, pivot: _bool = True, out: _Out = None) -> _tuple[Tensor, ...]:
    """Permutation, unit lower and upper triangular matrices with A = P L U."""

def lu_factor(A: Tensor, *, pivot: _bool = True, out: _Out = None) -> return_types.lu_factor:
    """L and U in one matrix (…, m, n), and the exchanges of rows. LinAlgError for a zero pivot."""

def lu_factor_ex(A: Tensor, *, pivot: _bool = True, check_errors: _bool = False, out: _Out = None) -> return_types.lu_factor_ex:
    """L and U in one matrix (…, m, n), the exchanges of rows (…, min(m, n)), and info (…)."""

def lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, *, left: _bool = True, adjoint: _bool = False, out: _Out = None) -> Tensor:
    """Solutions of A X = B (X A = B where not `left`, $A^H$ if `adjoint`) by `lu_factor`'s LU."""

def matmul(input: Tensor, other: Tensor, *, out: _Out = None) -> Tensor:
    """Matrix product: of vectors, matrices, or stacks of matrices that broadcast."""

def matrix_exp(A: Tensor, *, out: _Out = None) -> Tensor:
    """Exponentials of square matrices (…, n, n) (SciPy: A. H. Al-Mohy and N. J. Higham, 2009)."""

def matrix_norm(A: Tensor, ord: Any = 'fro', dim: Any = ..., keepdim: _bool = False, *, dtype: _dtype | _type | None = None, out: _Out = None, axis: Any = ..., keepdims: _bool = ...) -> Tensor:
    """Norms of matrices: "fro", "nuc" (sum of singular values), 2, 1, inf, and their opposites."""

def matrix_power(A: Tensor, n: _int, *, out: _Out = None) -> Tensor:
    """A multiplied by itself n times, by repeated squaring; of the inverse for negative n."""

def matrix_rank(A: Tensor, tol: Any = None, hermitian: _bool = False, *, atol: Any = None, rtol: Any = None, out: _Out = None) -> Tensor:
    """How many singular values are above max(atol, rtol × the largest); tol is an old atol."""

def multi_dot(tensors: Sequence[Tensor], *, out: _Out = None) -> Tensor:
    """The product of two or more matrices, in the cheapest order; the ends may be vectors."""

def norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: _bool = False, *, dtype: _dtype | _type | None = None, out: _Out = None, axis: Any = ..., keepdims: _bool = ...) -> Tensor:
    """Vector norm over one axis (or all, without `ord`), matrix norm over two."""

def pinv(A: Tensor, rcond: Any = None, hermitian: _bool = False, *, atol: Any = None, rtol: Any = None, out: _Out = None) -> Tensor:
    """Pseudo-inverses (…, n, m) of (…, m, n); singular values up to max(atol, rtol σ₁) are 0."""

def qr(A: Tensor, mode: Any = 'reduced', *, out: _Out = None) -> return_types.qr:
    """Orthonormal columns Q and upper triangular R with A = Q R, of matrices (…, m, n)."""

def slogdet(A: Tensor, *, out: _Out = None) -> return_types.slogdet:
    """Signs of determinants (of modulus 1, or 0), and the logarithms of their moduli."""

def solve(A: Tensor, B: Tensor, *, left: _bool = True, out: _Out = None) -> Tensor:
    """Solutions of A X = B (X A = B where not `left`). LinAlgError where A is singular."""

def solve_ex(A: Tensor, B: Tensor, *, left: _bool = True, check_errors: _bool = False, out: _Out = None) -> return_types.solve_ex:
    """Solutions of A X = B (X A = B where not `left`), and info (…): 0, or the zero pivot."""

def solve_triangular(A: Tensor, B: Tensor, *, upper: _bool, left: _bool = True, unitriangular: _bool = False, out: _Out = None) -> Tensor:
    """Solutions of A X = B (X A = B where not `left`) for triangular A (…, n, n), B (…, n, k)."""

def svd(A: Tensor, full_matrices: _bool = True, *, driver: Any = None, out: _Out = None) -> _tuple[Tensor, ...]:
    """$A = U \\operatorname{diag}(S) V^H$ of matrices (…, m, n), S descending."""

def svdvals(A: Tensor, *, driver: Any = None, out: _Out = None) -> Tensor:
    """Singular values of matrices (…, m, n), descending."""

def tensorinv(A: Tensor, ind: _int = 2, *, out: _Out = None) -> Tensor:
    """The inverse for `tensordot`: of A, seen as a matrix with the first `ind` axes as rows."""

def tensorsolve(A: Tensor, B: Tensor, dims: Any = None, *, out: _Out = None) -> Tensor:
    """X with `tensordot(A, X, X.ndim) == B`; the axes `dims` of A are moved to its end first."""

def vander(x: Tensor, N: _int | None = None, *, out: _Out = None) -> Tensor:
    """Powers 0, 1, …, N - 1 of each number, in rows; N is the number of numbers by default."""

def vecdot(x: Tensor, y: Tensor, *, dim: _int = -1, out: _Out = None, axis: _int = ...) -> Tensor:
    """$\\sum_i \\overline{x_i} y_i$ along an axis; the others broadcast."""

def vector_norm(x: Tensor, ord: _complex | Tensor = 2, dim: Any = None, keepdim: _bool = False, *, dtype: _dtype | _type | None = None, out: _Out = None, axis: Any = ..., keepdims: _bool = ...) -> Tensor:
    """$(\\sum_i |x_i|^\\text{ord})^{1/\\text{ord}}$ over axes; ord may be 0, inf or -inf."""

__all__ = ['cholesky', 'cholesky_ex', 'cond', 'cross', 'det', 'diagonal', 'eig', 'eigh', 'eigvals', 'eigvalsh', 'householder_product', 'inv', 'inv_ex', 'ldl_factor', 'ldl_factor_ex', 'ldl_solve', 'lstsq', 'lu', 'lu_factor', 'lu_factor_ex', 'lu_solve', 'matmul', 'matrix_exp', 'matrix_norm', 'matrix_power', 'matrix_rank', 'multi_dot', 'norm', 'pinv', 'qr', 'slogdet', 'solve', 'solve_ex', 'solve_triangular', 'svd', 'svdvals', 'tensorinv', 'tensorsolve', 'vander', 'vecdot', 'vector_norm']
