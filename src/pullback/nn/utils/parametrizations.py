"""Weights of unit norm, of unit spectral norm, and orthogonal ones."""

from __future__ import annotations

from typing import Any

import pullback.nn.functional as F
from pullback.autograd import no_grad
from pullback.dispatch import TENSORS
from pullback.nn.modules.module import Module
from pullback.nn.utils.parametrize import register_parametrization
from pullback.tensor import Tensor

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def norm_except(weight: Any, dim: int | None) -> Any:
    """The Euclidean norm over all axes but one, with axes of size 1; over all of them for None."""
    if dim is None or dim == -1:
        return TENSORS.linalg_vector_norm(weight)
    axes = tuple(k for k in range(weight.ndim) if k != dim % weight.ndim)
    return TENSORS.linalg_vector_norm(weight, dim=axes, keepdim=True) if axes else weight.abs()


class _WeightNorm(Module):
    """g v / |v|: T. Salimans and D. Kingma, "Weight normalization", 2016."""

    def __init__(self, dim: int | None = 0):
        super().__init__()
        self.dim = dim

    def forward(self, weight_g: Any, weight_v: Any) -> Any:
        return weight_v * (weight_g / norm_except(weight_v, self.dim))

    def right_inverse(self, weight: Any) -> Any:
        """Norm and direction of a weight."""
        return norm_except(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int = 0) -> Module:
    """Learn the norm of a weight apart from its direction: `original0` and `original1`.

    The norms are over all axes but `dim`; over all of them for -1.
    """
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


def as_matrix(weight: Any, dim: int) -> Any:
    """The axis in front, the others together."""
    return weight.movedim(dim, 0).flatten(1) if weight.ndim > 1 else weight


def power_iteration(matrix: Any, u: Any, v: Any, count: int, eps: float) -> None:
    """Towards the largest singular value's vectors, in place and not recorded."""
    with no_grad():
        for _ in range(count):
            u.copy_(F.normalize(matrix.mv(v), dim=0, eps=eps))
            v.copy_(F.normalize(matrix.mH.mv(u), dim=0, eps=eps))


def start_vectors(matrix: Any, count: int, eps: float) -> tuple[Any, Any]:
    """Random unit vectors after some iterations."""
    with no_grad():
        rows, columns = matrix.shape
        u, v = (F.normalize(matrix.new_empty(n).normal_(0, 1), dim=0, eps=eps)
                for n in (rows, columns))  # fmt: skip
        power_iteration(matrix, u, v, count, eps)
    return u, v


class _SpectralNorm(Module):
    """W over its largest singular value, estimated by power iteration while training: T. Miyato,
    T. Kataoka, M. Koyama and Y. Yoshida, "Spectral normalization for GANs", 2018."""

    def __init__(self, weight: Any, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12):
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{weight.ndim}, "
                f"{weight.ndim - 1}] but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.dim, self.eps, self.n_power_iterations = dim, eps, n_power_iterations
        if weight.ndim > 1:
            u, v = start_vectors(as_matrix(weight.detach(), dim), 15, eps)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)

    def forward(self, weight: Any) -> Any:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            power_iteration(matrix, self._u, self._v, self.n_power_iterations, self.eps)
        # Copies: the next iteration writes over the buffers before the backward pass reads them.
        u, v = self._u.clone(), self._v.clone()
        return weight / u.conj().dot(matrix.mv(v))

    def right_inverse(self, value: Any) -> Any:
        """Any weight may be assigned."""
        return value


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12,
    dim: int | None = None,
) -> Module:  # fmt: skip
    """Divide a weight by its largest singular value, as a matrix whose rows are the axis `dim`
    (1 for transposed convolutions, else 0)."""
    weight = _weight(module, name)
    axis = rows_of(module) if dim is None else dim
    return register_parametrization(
        module, name, _SpectralNorm(weight, n_power_iterations, axis, eps)
    )


def _weight(module: Module, name: str) -> Any:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


def rows_of(module: Module) -> int:
    """The axis of a weight that is an output's."""
    return int(type(module).__name__.startswith("ConvTranspose"))


class _Orthogonal(Module):
    """Orthogonal matrices from any: exp or Cayley's transform of a skew one, or reflections.

    With trivialisations, a `base` is kept, near which the map is smooth: M. Lezcano-Casado,
    "Trivializations for gradient-based optimization on manifolds", 2019.
    """

    def __init__(self, weight: Any, kind: str, use_trivialization: bool):
        super().__init__()
        if weight.is_complex() and kind == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape, self.kind = weight.shape, kind
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Any) -> Any:
        rows, columns = x.shape[-2:]
        wide = rows < columns
        a = x.mT if wide else x
        n, k = max(rows, columns), min(rows, columns)
        if self.kind == "householder":
            low = a.tril(-1)
            q = TENSORS.linalg_householder_product(low, 2 / (1 + low.square().sum(-2)))
            # Signs, which are not learnt.
            q = q * a.detach().diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)
        else:
            a = a.tril()
            if n != k:
                a = TENSORS.cat([a, a.new_zeros((*a.shape[:-2], n, n - k))], -1)
            skew = a - a.mH
            if self.kind == "matrix_exp":
                q = TENSORS.linalg_matrix_exp(skew)
            else:
                eye = TENSORS.eye(n, dtype=skew.dtype)
                q = TENSORS.linalg_solve(eye + skew * 0.5, eye - skew * 0.5)
            q = q[..., :k] if n != k else q
        base = self._buffers.get("base")
        if base is not None:
            q = base @ q
        return q.mT if wide else q

    def right_inverse(self, q: Any) -> Any:
        """What gives this orthogonal matrix: itself as a base, or reflections."""
        if q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {tuple(self.shape)}. "
                f"Got a tensor of shape {tuple(q.shape)}."
            )
        wide = q.shape[-2] < q.shape[-1]
        tall = q.mT if wide else q
        n, k = tall.shape[-2:]
        if "base" not in self._buffers:
            if self.kind != "householder":
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley "
                    "parametrizations when use_trivialization=False."
                )
            a, tau = TENSORS.geqrf(tall)
            diagonal = a.diagonal(dim1=-2, dim2=-1)
            diagonal.copy_(TENSORS.where(tau == 0, -diagonal.sign(), diagonal.sign()))
            return a.mT if wide else a
        if n != k:  # completed to a square matrix by random directions
            more = tall.new_empty((*tall.shape[:-1], n - k)).normal_(0, 1)
            tall = TENSORS.cat([tall, more], -1)
        factor, upper = TENSORS.linalg_qr(tall)
        self.base = factor * upper.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)
        start = TENSORS.zeros_like(q)
        start.diagonal(dim1=-2, dim2=-1).fill_(-1.0)  # the identity, in all three kinds
        return start


def orthogonal(
    module: Module, name: str = "weight", orthogonal_map: str | None = None, *,
    use_trivialization: bool = True,
) -> Module:  # fmt: skip
    """Keep a weight orthogonal: `matrix_exp`, `cayley`, or `householder`.

    A weight with more rows than columns has orthonormal columns, else orthonormal rows.
    """
    weight = _weight(module, name)
    if weight.ndim < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions."
        )
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1] or weight.is_complex()
        orthogonal_map = "matrix_exp" if square else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". '
            f"Got: {orthogonal_map}"
        )
    return register_parametrization(
        module, name, _Orthogonal(weight, orthogonal_map, use_trivialization), unsafe=True
    )
