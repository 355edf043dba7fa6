"""How results lie in memory, where it is not row by row: what `view` and `stride` show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import pullback as torch

F64 = torch.float64


def _hermitian(dtype: Any = F64) -> Any:
    x = torch.randn(3, 4, 4, dtype=dtype)
    return x @ x.mH + 4 * torch.eye(4, dtype=dtype)


COLUMNS: dict[str, Callable[[], Any]] = {
    "cholesky": lambda: torch.linalg.cholesky(_hermitian()),
    "cholesky, upper": lambda: torch.linalg.cholesky(_hermitian(torch.complex128), upper=True),
    "inv": lambda: torch.linalg.inv(_hermitian()),
    "solve": lambda: torch.linalg.solve(_hermitian(), torch.ones(3, 4, 2, dtype=F64)),
    "solve_triangular": lambda: torch.linalg.solve_triangular(
        _hermitian(), torch.ones(3, 4, 2, dtype=F64), upper=True
    ),
    "cholesky_solve": lambda: torch.cholesky_solve(torch.ones(3, 4, 2, dtype=F64), _hermitian()),
    "lu_factor": lambda: torch.linalg.lu_factor(torch.randn(3, 4, 2))[0],
    "qr": lambda: torch.linalg.qr(torch.randn(3, 4, 2)).Q,
    "qr, R": lambda: torch.linalg.qr(torch.randn(3, 4, 2)).R,
    "geqrf": lambda: torch.geqrf(torch.randn(3, 4, 2)).a,
    "eigh": lambda: torch.linalg.eigh(_hermitian()).eigenvectors,
    "eig": lambda: torch.linalg.eig(_hermitian()).eigenvectors,
    "svd": lambda: torch.linalg.svd(torch.randn(3, 4, 2)).U,
    "svd, Vh": lambda: torch.linalg.svd(torch.randn(3, 4, 2)).Vh,
    "solve_triangular from the right": lambda: torch.linalg.solve_triangular(
        _hermitian(), torch.ones(3, 2, 4, dtype=F64), upper=True, left=False
    ),
    "triangular_solve, the matrix": lambda: torch.triangular_solve(
        torch.ones(3, 4, 2, dtype=F64), _hermitian()
    )[1],
    "lu_solve, adjoint": lambda: torch.linalg.lu_solve(
        *torch.linalg.lu_factor(_hermitian()), torch.ones(3, 4, 2, dtype=F64), adjoint=True
    ),
    "householder_product": lambda: torch.linalg.householder_product(
        *torch.geqrf(torch.randn(3, 4, 2))
    ),
    "ormqr": lambda: torch.ormqr(*torch.geqrf(torch.randn(3, 4, 2)), torch.randn(3, 4, 3)),
    "ldl_factor": lambda: torch.linalg.ldl_factor(_hermitian()).LD,
}


@pytest.mark.parametrize("name", COLUMNS)
def test_matrices_of_lapack_lie_column_by_column(name: str) -> None:
    made = COLUMNS[name]()
    assert not made.is_contiguous()
    assert made.stride()[-2:] == (1, made.shape[-2])
    with pytest.raises(RuntimeError, match="view size is not compatible"):
        made.view(-1)
    assert torch.equal(made.mT.view(-1), made.mT.reshape(-1))


def test_upper_cholesky_factors_of_complex_matrices() -> None:
    a = _hermitian(torch.complex128)
    u = torch.linalg.cholesky(a, upper=True)
    torch.testing.assert_close(u.mH @ u, a)
    torch.testing.assert_close(torch.linalg.cholesky(a), u.mH)


@pytest.mark.parametrize(
    ("dim", "order"),
    [((0,), (1, 2, 3, 0)), ((1, 0), (2, 3, 0, 1)), ((3, 1), (0, 2, 1, 3)), ((2, 3), (0, 1, 2, 3))],
)
def test_transformed_axes_are_the_last_in_memory(dim: Any, order: Any) -> None:
    x = torch.randn(4, 5, 6, 7, dtype=torch.complex128)
    y = torch.fft.fftn(x, dim=dim)
    assert y.permute(order).is_contiguous()
    torch.testing.assert_close(torch.fft.ifftn(y, dim=dim), x)
    turned = torch.fft.fftn(x.permute(order), dim=[order.index(d) for d in dim])
    torch.testing.assert_close(y, turned.permute([order.index(d) for d in range(4)]))


def test_half_of_a_transform_keeps_its_axis_last() -> None:
    y = torch.fft.rfftn(torch.randn(4, 5, 6, 7), dim=(1, 3, 0))
    assert y.permute(2, 1, 3, 0).is_contiguous()  # the first half is along axis 0
    assert torch.fft.irfftn(y, dim=(1, 3, 0)).permute(2, 1, 3, 0).shape == (6, 5, 7, 4)


def test_rearranged_elements_keep_the_order_of_axes_in_memory() -> None:
    x = torch.randn(2, 3, 4).transpose(0, 2)
    assert x.flip(0).stride() == x.stride() == (1, 4, 12)
    assert torch.rot90(torch.randn(2, 3)).stride() == (1, 3)
    assert torch.randn(2, 3, 2, 3).half().float(memory_format=torch.channels_last).stride() == (
        18, 1, 9, 3,
    )  # fmt: skip
