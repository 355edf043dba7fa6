"""Parametrizations of weights: norms apart, spectral norms of 1, orthogonal matrices.

Sources: T. Salimans and D. P. Kingma, NeurIPS 2016 (weight norm); T. Miyato et al., ICLR 2018
(spectral norm); M. Lezcano-Casado, NeurIPS 2019 (orthogonal matrices, trivialisations).
"""

from __future__ import annotations

from typing import Any

from pullback.autograd import no_grad
from pullback.dispatch import TENSORS
from pullback.nn import functional as F
from pullback.nn.modules.module import Module
from pullback.nn.utils import parametrize
from pullback.tensor import Tensor

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def norms(v: Any, dim: int) -> Any:
    """The norms of the slices along one axis, kept with size 1; of all for -1."""
    if dim == -1:
        return v.norm()
    others = [d for d in range(v.ndim) if d != dim % v.ndim]
    return v.norm(2, others, True) if others else v.abs()


class _WeightNorm(Module):
    """g v / ‖v‖: the norms and the directions of slices."""

    def __init__(self, dim: int | None = 0):
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Any, weight_v: Any) -> Any:
        return weight_v * (weight_g / norms(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norms(weight, self.dim), weight


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Let a weight be its norms times its directions, which are trained apart; gives the module.

    The norms, `parametrizations.weight.original0`, are of the slices along `dim`; of all for None.
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    return module


def flattened(weight: Tensor, dim: int) -> Tensor:
    """A weight as a matrix, one axis in front."""
    if dim:
        weight = weight.permute(dim, *(d for d in range(weight.ndim) if d != dim))
    return weight.flatten(1)  # type: ignore[no-any-return]


def iterate(matrix: Tensor, u: Tensor, v: Tensor, steps: int, eps: float) -> None:
    """Steps of the power method, towards the first singular vectors, written over them."""
    with no_grad():
        for _ in range(steps):
            u.copy_(F.normalize(matrix.mv(v), dim=0, eps=eps))
            v.copy_(F.normalize(matrix.t().mv(u), dim=0, eps=eps))


class _SpectralNorm(Module):
    """A weight over its largest singular value, which the power method follows."""

    def __init__(
        self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ):
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
        self.dim, self.eps = dim % weight.ndim, eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = flattened(weight.detach(), self.dim)
            h, w = matrix.shape
            u, v = matrix.new_empty(h).normal_(0, 1), matrix.new_empty(w).normal_(0, 1)
            self.register_buffer("_u", F.normalize(u, dim=0, eps=eps))
            self.register_buffer("_v", F.normalize(v, dim=0, eps=eps))
            iterate(matrix, self._u, self._v, 15, eps)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)  # type: ignore[no-any-return]
        matrix = flattened(weight, self.dim)
        if self.training:
            iterate(matrix.detach(), self._u, self._v, self.n_power_iterations, self.eps)
        u, v = self._u.clone(), self._v.clone()  # a second call writes over them
        return weight / u.dot(matrix.mv(v))  # type: ignore[no-any-return]

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12,
    dim: int | None = None,
) -> Any:  # fmt: skip
    """Let a weight be divided by its largest singular value; gives the module.

    As a matrix whose first axis is `dim`: 1 for transposed convolutions, 0 for others. Each call in
    training makes `n_power_iterations` steps of the power method. ValueError for no such tensor.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if dim is None:
        dim = int("ConvTranspose" in parametrize.type_before_parametrizations(module).__name__)
    made = _SpectralNorm(weight, n_power_iterations, dim, eps)
    parametrize.register_parametrization(module, name, made)
    return module


class _Orthogonal(Module):
    """A matrix with orthonormal columns (or rows, if it is wide), from one without conditions."""

    def __init__(self, weight: Tensor, orthogonal_map: str, use_trivialization: bool):
        super().__init__()
        if weight.dtype.is_complex and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Any) -> Any:
        n, k = X.shape[-2:]
        wide = n < k
        if wide:
            X, n, k = X.mT, k, n
        if self.orthogonal_map == "householder":
            tau = 2.0 / (1.0 + (X * X).tril(-1).sum(-2))
            Q = TENSORS.linalg_householder_product(X, tau)
            Q = Q * X.diagonal(0, -2, -1).detach().sgn().unsqueeze(-2)
        else:
            X = X.tril()
            if n != k:  # the other columns of a square matrix are zero
                X = TENSORS.cat([X, X.new_zeros((*X.shape[:-2], n, n - k))], -1)
            A = X - X.mH
            if self.orthogonal_map == "matrix_exp":
                Q = TENSORS.matrix_exp(A)
            else:
                one = TENSORS.eye(n, dtype=A.dtype)
                Q = TENSORS.linalg_solve(one + A * -0.5, one + A * 0.5)
            Q = Q[..., :k]
        base = self._buffers.get("base")
        if base is not None:
            Q = base @ Q
        return Q.mT if wide else Q

    def right_inverse(self, Q: Tensor) -> Tensor:
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {list(self.shape)}. Got a tensor "
                f"of shape {list(Q.shape)}."
            )
        given = Q
        n, k = Q.shape[-2:]
        wide = n < k
        if wide:
            Q, n, k = Q.mT, k, n
        if "base" not in self._buffers:
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley "
                    "parametrizations when use_trivialization=False."
                )
            A, tau = TENSORS.geqrf(Q)
            # The signs of a triangular factor of an orthogonal matrix, kept on the diagonal.
            A.diagonal(0, -2, -1).copy_(A.diagonal(0, -2, -1).sgn())
            A.diagonal(0, -2, -1)[tau == 0] *= -1
            return A.mT if wide else A  # type: ignore[no-any-return]
        if n == k:
            Q, R = TENSORS.linalg_qr(Q)
            # The nearest signs, so that an orthogonal matrix is its own base.
            Q = Q * R.diagonal(0, -2, -1).sgn().unsqueeze(-2)
            self.base = Q
        else:  # a tall matrix, completed to a square one by random columns
            rest = Q.new_empty((*Q.shape[:-2], n, n - k)).normal_()
            whole, R = TENSORS.linalg_qr(TENSORS.cat([Q, rest], -1))
            self.base = whole * R.diagonal(0, -2, -1).sgn().unsqueeze(-2)
        # What all maps take to the identity: the reflections have the signs of the diagonal.
        start = TENSORS.zeros_like(given)
        start.diagonal(0, -2, -1).fill_(-1)
        return start  # type: ignore[no-any-return]


def orthogonal(
    module: Any, name: str = "weight", orthogonal_map: str | None = None, *,
    use_trivialization: bool = True,
) -> Any:  # fmt: skip
    """Let a weight (…, n, k) have orthonormal columns, or rows if it is wide; gives the module.

    `orthogonal_map`: "matrix_exp", "cayley" or "householder"; by default the first for square and
    for complex matrices, the last for others. With `use_trivialization`, relative to the matrix
    that the weight begins with, or is assigned.
    ValueError for no such tensor, fewer than two axes, and other maps.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions."
        )
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1] or weight.dtype.is_complex
        orthogonal_map = "matrix_exp" if square else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: '
            f"{orthogonal_map}"
        )
    made = _Orthogonal(weight, orthogonal_map, use_trivialization)
    parametrize.register_parametrization(module, name, made, unsafe=True)
    return module
