"""Maxima of windows by compiled loops: as NumPy finds them, places included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.backends import pooling
from pullback.backends.llvm.pools import maxima, spread
from pullback.backends.llvm.target import host


def with_numpy(function: Callable[..., Any], *args: Any) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pooling, "_compiled", lambda dtype, products: False)
        return function(*args)


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few windows as well."""
    monkeypatch.setattr(pooling, "WORTH", 0)


def problem(rng: np.random.Generator) -> tuple[Any, list[tuple[int, ...]]]:
    """Images with NaN, infinities and equal numbers, and windows over them."""
    windows, size = [], []
    for _ in range(rng.integers(1, 4)):
        kernel, stride, dilation = rng.integers(1, 6), rng.integers(1, 5), rng.integers(1, 4)
        padding = rng.integers(0, kernel // 2 + 1)
        n = max(1, dilation * (kernel - 1) + 1 - 2 * padding) + rng.integers(0, 40)
        room = n + 2 * padding - dilation * (kernel - 1) - 1
        count = room // stride + 1
        if room % stride and count * stride < n + padding:
            count += rng.integers(0, 2)  # a last window that ends outside
        windows.append(tuple(map(int, (kernel, stride, padding, dilation, count))))
        size.append(int(n))
    x = rng.standard_normal((2, 3, *size)).astype(rng.choice(["f4", "f8"]))
    for value, share in ((np.nan, 0.05), (-np.inf, 0.2), (0.5, 0.2)):
        x[rng.random(x.shape) < share] = value
    return x, windows


@pytest.mark.parametrize("seed", range(40))
def test_maxima_and_the_way_back_are_numpys(seed: int, always: None) -> None:
    rng = np.random.default_rng(seed)
    x, windows = problem(rng)
    found, expected = pooling.pool_max(x, windows), with_numpy(pooling.pool_max, x, windows)
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    y = rng.standard_normal(found[0].shape).astype(x.dtype)
    back = (pooling.pool_spread, y, found[1], x.shape, windows)
    np.testing.assert_array_equal(  # places are added in one order
        pooling.pool_sum(x, windows), with_numpy(pooling.pool_sum, x, windows)
    )
    close = {"rtol": 1e-4, "atol": 1e-5} if x.dtype == "f4" else {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(back[0](*back[1:]), with_numpy(*back), **close)


def test_windows_of_many_numbers_and_none(always: None) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 40, 40))
    for windows in (((17, 1, 0, 1, 24),) * 2, ((2, 1, 1, 41, 1), (2, 2, 0, 1, 20))):
        found, expected = pooling.pool_max(x, windows), with_numpy(pooling.pool_max, x, windows)
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])
        back = (pooling.pool_spread, found[0], found[1], x.shape, windows)
        np.testing.assert_allclose(back[0](*back[1:]), with_numpy(*back), rtol=1e-12)


@pytest.mark.parametrize("lanes", [2, 4, 16])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_the_machine_code_for_other_machines(lanes: int, stride: int) -> None:
    rng = np.random.default_rng(lanes)
    x = rng.standard_normal((2, 7, 23)).astype("f4")
    windows = ((3, 2, 1, 1, 4), (3, stride, 1, 1, (22 // stride) + 1))
    expected, code = with_numpy(pooling.pool_max, x, windows)
    y, places = np.empty_like(expected), np.empty_like(code)
    geometry = np.array([1, 1, 0, 1, 1, 1, *windows[0], 7, *windows[1], 23])
    maxima(x.dtype, stride, 1, host(lanes))(x, y, places, geometry, 0, 2)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(places, code)
    back, offsets = np.zeros_like(x), pooling._offsets((7, 23), windows)
    spread(x.dtype, 1, host(lanes))(y, places, back, offsets, geometry, 0, 2)
    np.testing.assert_allclose(
        back, with_numpy(pooling.pool_spread, y, code, x.shape, windows), rtol=1e-5
    )


def test_large_images_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    original = pooling._over_planes

    def watched(*args: Any) -> Any:
        asked.append("planes")
        return original(*args)

    monkeypatch.setattr(pooling, "_over_planes", watched)
    x = torch.randn(2, 8, 64, 64, requires_grad=True)
    y = torch.nn.functional.max_pool2d(x.transpose(2, 3), 2)
    y.sum().backward()
    assert asked == ["planes"] * 2
    assert x.grad.count_nonzero() == y.numel()
    torch.nn.functional.max_pool2d(torch.randn(1, 1, 4, 4), 2)
    assert len(asked) == 2
