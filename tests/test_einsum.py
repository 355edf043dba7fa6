"""Einstein's sums of two arrays, as products of matrices or of numbers."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as torch
from pullback.backends.einsum import einsum_array

EQUATIONS = [
    "ij,jk->ik", "ij,jk->ki", "ij,kj->ik", "ji,jk->ik", "i,j->ij", "i,j->ji", "i,i->", "i,i->i",
    "ij,ij->i", "ij,ij->ij", "ij,ij->", "ij,j->i", "ij,i->j", "ij,i->ji", ",ij->ji", "ij,->i",
    "bij,bjk->bik", "bij,bjk->ikb", "bij,bj->bi", "abij,cjb->caib", "ij,kl->jl", "ij,kl->",
    "ijk,jil->kl", "abc,cd->dba", "ij,k->k", "abcd,cdef->abef", "ab,ab->ba", "aij,k->jk",
]  # fmt: skip
SIZES = dict(zip("abcdefijkl", (2, 3, 4, 2, 3, 2, 5, 3, 4, 2), strict=True))


@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize("dtype", ["f8", "c16", "i8"])
def test_two_operands(equation: str, dtype: str) -> None:
    rng = np.random.default_rng(0)
    inputs = equation.split("->")[0].split(",")
    arrays = [
        (10 * rng.standard_normal([SIZES[c] for c in letters])).astype(dtype) for letters in inputs
    ]
    if dtype == "c16":
        arrays = [a * (1 - 0.5j) for a in arrays]
    found, expected = einsum_array(equation, arrays), np.einsum(equation, *arrays)
    assert found.dtype == expected.dtype and found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_sizes_of_zero() -> None:
    x, y = np.ones((2, 0)), np.ones((0, 3))
    np.testing.assert_array_equal(einsum_array("ij,jk->ik", [x, y]), np.zeros((2, 3)))
    assert einsum_array("ji,jk->ik", [y, y[:, :2]]).shape == (3, 2)
    assert einsum_array("ij,k->ijk", [x, np.ones(2)]).shape == (2, 0, 2)


def test_three_operands_and_repeated_letters() -> None:
    a, b, c = torch.randn(3, 4), torch.randn(4, 4), torch.randn(4, 2)
    found = torch.einsum("ab,bb,bd->ad", a, b, c)
    expected = np.einsum("ab,bb,bd->ad", a.numpy(), b.numpy(), c.numpy())
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-5)
