"""Places of elements in order: found by sorting keys, they are those of a stable sort."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.backends import ordering
from pullback.backends.array_statistics import nonzeros, unique_arrays, value_counts_array


def stable_order(row: list[Any], descending: bool) -> list[int]:
    """By definition: Python's sort is stable; NaN counts as largest."""

    def key(k: int) -> tuple[bool, Any]:
        nan = row[k] != row[k]
        return nan is not descending, 0 if nan else -row[k] if descending else row[k]

    return sorted(range(len(row)), key=key)


def numbers(dtype: Any, shape: tuple[int, ...]) -> Any:
    """With many equal ones, and of floats all that is special."""
    x = np.round(3 * np.random.default_rng(0).standard_normal(shape)).astype(dtype)
    if x.dtype.kind == "f":
        x.flat[::7] = np.nan
        x.flat[3::11] = -np.nan
        x.flat[1::13] = -0.0
        x.flat[2::17], x.flat[4::19] = np.inf, -np.inf
    else:
        x.flat[0], x.flat[-1] = np.iinfo(dtype).min + 1, np.iinfo(dtype).max
    return x


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64])
@pytest.mark.parametrize(("shape", "dim"), [((20, 60), 1), ((60, 20), 0), ((1_500,), 0)])
@pytest.mark.parametrize("descending", [False, True])
def test_places_are_those_of_a_stable_sort(
    dtype: Any, shape: tuple[int, ...], dim: int, descending: bool
) -> None:
    x = numbers(dtype, shape)
    assert x.size >= ordering.KEYED
    rows = np.moveaxis(x, dim, -1).reshape(-1, x.shape[dim])
    order = np.array([stable_order(r.tolist(), descending) for r in rows])
    found = np.moveaxis(ordering.argsort_array(x, dim, descending), dim, -1)
    np.testing.assert_array_equal(found.reshape(rows.shape), order)
    for k in (1, 3, x.shape[dim] // 4):
        places = np.moveaxis(ordering.argpartition_array(x, k, dim, descending), dim, -1)
        np.testing.assert_array_equal(places.reshape(-1, k), order[:, :k])


@pytest.mark.parametrize("x", [[True, False, True], [True, True], [False], []])
def test_different_truth_values(x: list[bool]) -> None:
    array = np.array(x, bool)
    values, counts = value_counts_array(array)
    expected = np.unique(array, return_inverse=True, return_counts=True)
    np.testing.assert_array_equal(values, expected[0])
    np.testing.assert_array_equal(counts, expected[2])
    np.testing.assert_array_equal(unique_arrays(array, None)[1], expected[1])


def test_nonzeros_are_counted() -> None:
    for x in (numbers(np.float32, (4, 5)), numbers(np.float32, (4, 5)) > 0):
        for dim in ((0,), (1,), (0, 1)):
            expected = np.count_nonzero(x, dim, keepdims=True)
            np.testing.assert_array_equal(nonzeros(x, dim), expected)


def test_sums_of_numbers() -> None:
    """What is not NaN is added, whether there are any or infinities make one."""
    x = torch.tensor([[1.0, np.nan], [2.0, 4.0]], requires_grad=True)
    assert x.nansum().item() == 7 and x.nansum(1).tolist() == [1, 6]
    (grad,) = torch.autograd.grad(x.nansum(), x)
    assert grad.tolist() == [[1, 0], [1, 1]]
    assert torch.tensor([np.inf, -np.inf]).nansum().isnan()
    assert x.nansum().grad_fn.name() == "NansumBackward0"
