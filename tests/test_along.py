"""Look-ups along an axis, axes moved and repeated, triangles, beside NumPy's own."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from pullback.backends import pooling
from pullback.backends.along import expand, move_axis, take_along
from pullback.backends.array_functions import triangle


@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4), (2, 1, 4), (40, 50, 3), (0, 3), (3, 0)])
def test_take_along(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).random(shape)
    for dim in range(-len(shape), len(shape)):
        for count in (1, 3, 7):
            whole = list(shape)
            whole[dim] = count if shape[dim] else 0
            index = np.random.default_rng(1).integers(0, max(1, shape[dim]), whole)
            np.testing.assert_array_equal(
                take_along(x, index, dim), np.take_along_axis(x, index, dim)
            )


def test_take_along_repeats_axes_of_size_one() -> None:
    x, index = np.arange(12.0).reshape(3, 4), np.array([[1, 0, 3]])
    np.testing.assert_array_equal(take_along(x, index, 1), np.take_along_axis(x, index, 1))


def test_move_axis() -> None:
    x = np.zeros((2, 3, 4, 5))
    for source in range(-4, 4):
        for target in range(-4, 4):
            assert move_axis(x, source, target).shape == np.moveaxis(x, source, target).shape


@pytest.mark.parametrize("dtype", [np.float32, bool, np.complex128, ml_dtypes.bfloat16])
def test_expand(dtype: type) -> None:
    x = np.ones((3, 1), dtype)
    for array in (x, x.T, x[::2], np.ones((), dtype), np.ones((0, 1), dtype)):
        for shape in ((2, *array.shape), (2, *(4 if s == 1 else s for s in array.shape))):
            made, wanted = expand(array, shape), np.broadcast_to(array, shape)
            np.testing.assert_array_equal(made, wanted)
            steps = zip(made.shape, made.strides, wanted.strides, strict=True)
            assert all(a == b for size, a, b in steps if size > 1) or not made.size
            assert made.dtype == dtype and made.flags.writeable
            assert np.shares_memory(made, array) or not made.size
    locked = np.ones(3)
    locked.flags.writeable = False
    assert not expand(locked, (2, 3)).flags.writeable
    with pytest.raises(ValueError):
        expand(x, (2, 2))
    with pytest.raises(ValueError):
        expand(x, (3,))


def test_small_pools_are_those_of_large_images(monkeypatch: pytest.MonkeyPatch) -> None:
    source = np.random.default_rng(0)
    for kind in ("random", "equal", "nan"):
        x = source.random((2, 7, 6)).astype(np.float32)
        if kind != "random":
            x = np.round(2 * x)
        if kind == "nan":
            x[0, 2:4, 1:4] = np.nan
        for windows in ([(2, 2, 0, 1, 3), (2, 2, 0, 1, 3)], [(3, 1, 0, 2, 3), (2, 1, 0, 1, 5)]):
            small = (*pooling.pool_max(x, windows), pooling.pool_sum(x, windows))
            monkeypatch.setattr(pooling, "MANY", 0)
            large = (*pooling.pool_max(x, windows), pooling.pool_sum(x, windows))
            monkeypatch.undo()
            for a, b in zip(small, large, strict=True):
                np.testing.assert_array_equal(a, b)
                assert a.dtype == b.dtype


@pytest.mark.parametrize("shape", [(300, 301), (700, 300), (2, 256, 701)])
def test_triangles_of_large_matrices(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).random(shape)
    for diagonal in (0, 1, -1, 64, -70, 130, -299, 299, -640, 640, 2000, -2000):
        np.testing.assert_array_equal(triangle(x, diagonal, True), np.tril(x, diagonal))
        np.testing.assert_array_equal(triangle(x, diagonal, False), np.triu(x, diagonal))
