"""Reading images at the points of grids in machine code: as NumPy reads them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from pullback.backends import grids

HOWS = [
    (rank, (mode, padding, align))
    for rank in (2, 3)
    for mode, padding, align in itertools.product((0, 1, 2), (0, 1, 2), (False, True))
    if mode < 2 or rank == 2
]


@pytest.mark.parametrize("rank, how", HOWS)
def test_all_ways_are_numpys(rank: int, how: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Points far outside, at edges and NaN among them; derivatives of some orders."""
    assert grids._machine() is not None
    rng = np.random.default_rng(0)
    for dtype, close in (("f4", 2e-4), ("f8", 1e-11)):
        for size in ((5, 4, 3), (1, 7, 2)):
            shape, points = (3, 5, *size[:rank]), (6, 4, 2)[:rank]
            x = rng.standard_normal(shape).astype(dtype)
            grid = rng.uniform(-2.3, 2.3, (3, *points, rank)).astype(dtype)
            grid[0, 0, 0], grid[1, 0, 1], grid[1, 1, 1] = np.nan, np.inf, -1e9
            grid[2, 0], grid[2, 1] = 1, -1
            y = rng.standard_normal((3, 5, *points)).astype(dtype)
            for orders in {(0,) * rank, (1, 0, 0)[:rank], (2, 1, 0)[:rank]}:
                for function, args in (
                    (grids.grid_read, (x, grid)),
                    (grids.grid_read, (x[..., ::-1], grid)),
                    (grids.grid_spread_array, (y, grid, shape)),
                    (grids.grid_slopes_array, (y, x, grid)),
                ):
                    with np.errstate(all="ignore"), monkeypatch.context() as patch:
                        found = function(*args, how, orders)
                        patch.setattr(grids, "WORTH", 1 << 40)
                        expected = function(*args, how, orders)
                    least = close * np.abs(expected[np.isfinite(expected)]).max(initial=1)
                    np.testing.assert_allclose(found, expected, rtol=close, atol=least)


def test_threads_share_points(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    x, grid = rng.standard_normal((2, 3, 9, 8)), rng.uniform(-1, 1, (2, 13, 11, 2))
    y, how, orders = rng.standard_normal((2, 3, 13, 11)), (0, 0, False), (0, 0)
    for function, args in (
        (grids.grid_read, (x, grid)),
        (grids.grid_spread_array, (y, grid, x.shape)),
        (grids.grid_slopes_array, (y, x, grid)),
    ):
        expected = function(*args, how, orders)
        with monkeypatch.context() as patch:
            patch.setattr(grids, "SHARED", 0)
            np.testing.assert_array_equal(function(*args, how, orders), expected)


@pytest.mark.parametrize("worth", [0, 1 << 40], ids=["compiled", "numpy"])
@pytest.mark.parametrize("padding", [1, 2], ids=["border", "reflection"])
def test_the_last_place_of_a_long_axis(
    padding: int, worth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a float32 it is the place after it."""
    length = 2**24 + 4
    assert np.float32(length - 1) == length
    monkeypatch.setattr(grids, "WORTH", worth)
    base = np.zeros((1, 1, length + 8), np.float32)
    base[..., length:] = np.nan  # what is read beyond the end
    x = base[..., :length]
    x[..., -1] = 5
    grid, how = np.ones((1, 64, 1), np.float32), (grids.CUBIC, padding, True)
    assert (grids.grid_read(x, grid, how, (0,)) == 5).all()
    spread = grids.grid_spread_array(np.ones((1, 1, 64), np.float32), grid, x.shape, how, (0,))
    assert spread[0, 0, -1] == 64 and spread.sum() == 64
