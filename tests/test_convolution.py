"""Convolutions by compiled loops: as by columns, for all geometries, on any number of threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.backends import correlation, direct
from pullback.backends.llvm.target import host
from pullback.backends.llvm.windows import Windows, tiles


def by_columns(function: Callable[..., Any], *args: Any) -> Any:
    """What NumPy and BLAS say."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(direct, "worth", lambda problem, dtype: False)
        return function(*args)


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small problems as well."""
    monkeypatch.setattr(direct, "WORTH", 0)


def problem(rng: np.random.Generator) -> tuple[Any, ...]:
    """Images, weights, a bias for each side, and a geometry."""
    rank, groups = rng.choice([1, 2, 2, 3]), int(rng.integers(1, 4))
    kernel, stride, dilation = (
        rng.integers(1, 5, rank),
        rng.integers(1, 4, rank),
        rng.integers(1, 3, rank),
    )
    margins = rng.integers(0, 4, (rank, 2))
    least = np.maximum(1, dilation * (kernel - 1) + 1 - margins.sum(1))
    size = least + rng.integers(0, 12, rank)
    batch, per, outs = rng.integers(1, 20), rng.integers(1, 6), rng.integers(1, 20)
    dtype = rng.choice(["f4", "f8"])
    x = rng.standard_normal((batch, groups * per, *size)).astype(dtype)
    w = rng.standard_normal((groups * outs, per, *kernel)).astype(dtype)
    one = rng.standard_normal(groups * outs).astype(dtype) if rng.random() < 0.5 else None
    two = rng.standard_normal(groups * per).astype(dtype) if rng.random() < 0.5 else None
    padding = tuple((int(a), int(b)) for a, b in margins)
    return x, w, one, two, (stride.tolist(), padding, dilation.tolist(), groups)


@pytest.mark.parametrize("seed", range(40))
def test_all_three_are_what_columns_give(
    seed: int, always: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(seed)
    # Little memory: some rows of the images at a time.
    monkeypatch.setattr(direct, "IMAGE_BYTES", (1 << 10, 1 << 13, 1 << 19)[seed % 3])
    direct._correlation.cache_clear()
    direct._transpose.cache_clear()
    x, w, one, two, geometry = problem(rng)
    forward = correlation.correlate(x, w, one, *geometry)
    close = {"rtol": 1e-4, "atol": 1e-4} if x.dtype == "f4" else {"rtol": 1e-11, "atol": 1e-11}
    np.testing.assert_allclose(
        forward, by_columns(correlation.correlate, x, w, one, *geometry), **close
    )
    y = rng.standard_normal(forward.shape).astype(x.dtype)
    back = (correlation.correlate_input, y, w, two, x.shape, *geometry)
    np.testing.assert_allclose(back[0](*back[1:]), by_columns(*back), **close)
    weights = (correlation.correlate_weight, y, x, w.shape, *geometry)
    np.testing.assert_allclose(weights[0](*weights[1:]), by_columns(*weights), **close)
    direct._correlation.cache_clear()
    direct._transpose.cache_clear()


GEOMETRY = ((1, 1), ((1, 1), (1, 1)), (1, 1), 1)


def test_large_convolutions_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    for name in ("correlate", "correlate_input", "correlate_weight"):
        original = getattr(direct, name)

        def watched(*args: Any, name: str = name, original: Any = original) -> Any:
            asked.append(name)
            return original(*args)

        monkeypatch.setattr(direct, name, watched)
    x = torch.randn(4, 8, 32, 32, requires_grad=True)
    layer = torch.nn.Conv2d(8, 16, 3, padding=1)
    layer(x).sum().backward()
    assert sorted(asked) == ["correlate", "correlate_input", "correlate_weight"]
    asked.clear()
    torch.nn.functional.conv2d(torch.randn(1, 1, 5, 5), torch.randn(1, 1, 3, 3))
    assert asked == []


def test_infinities_stay_in_their_windows(always: None) -> None:
    """What is computed between the ends of rows is not seen."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 6, 7)).astype("f4")
    x[0, 1, 2, 0], x[1, 2, 3, -1] = np.inf, np.nan
    y = rng.standard_normal((2, 4, 6, 7)).astype("f4")
    w = rng.standard_normal((4, 3, 3, 3)).astype("f4")
    for function, *args in (
        (correlation.correlate, x, w, None),
        (correlation.correlate_weight, y, x, w.shape),
        (correlation.correlate_input, y, w, None, x.shape),
    ):
        expected = by_columns(function, *args, *GEOMETRY)
        found = function(*args, *GEOMETRY)
        np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_threads_do_not_change_a_bit() -> None:
    x, w = torch.randn(9, 6, 40, 40, requires_grad=True), torch.randn(5, 6, 3, 3)
    w.requires_grad_()
    found = []
    for threads in (1, 2, 5):
        with torch.config(num_threads=threads):
            y = torch.nn.functional.conv2d(x, w, stride=2, padding=1)
            found.append([y, *torch.autograd.grad(y.square().sum(), (x, w))])
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


@pytest.mark.parametrize("lanes", [1, 4, 16])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_machine_code_for_other_machines(lanes: int, dtype: str) -> None:
    rng = np.random.default_rng(lanes)
    machine = Windows(np.dtype(dtype), host(lanes))
    groups, rows, taps, positions = 2, 13, 8, 5 * lanes
    image = rng.standard_normal(400).astype(dtype)
    offsets = rng.integers(0, 90, taps)
    weights = rng.standard_normal((groups, rows, taps)).astype(dtype)
    start = rng.standard_normal((groups, rows)).astype(dtype)
    windows = np.stack([  # (groups, taps, positions)
        np.stack([image[100 * g + o : 100 * g + o + positions] for o in offsets])
        for g in range(groups)
    ])  # fmt: skip
    tiled = direct._tiled(weights, machine.height)
    y = np.empty((groups, rows, positions), dtype)
    sizes = (taps, positions, rows, positions, groups, 100, rows * positions)
    where = [a.ctypes.data for a in (tiled, image, offsets, y, start)]
    machine.product(*where, *sizes)
    np.testing.assert_allclose(y, weights @ windows + start[..., None], rtol=1e-4, atol=1e-5)
    sums = np.ones((groups, rows, taps), dtype)
    machine.dots(*[a.ctypes.data for a in (y, image, offsets, sums)], *sizes)
    np.testing.assert_allclose(sums, 1 + y @ windows.swapaxes(1, 2), rtol=1e-4, atol=1e-4)


def test_tiles_cover_all_rows() -> None:
    for rows in range(40):
        covered = [r for first, count in tiles(rows, 8) for r in range(first, first + count)]
        assert covered == list(range(rows))


@pytest.mark.parametrize("padding", [1, 9, 30])
def test_parts_that_are_nothing_but_margin(padding: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "IMAGE_BYTES", 1 << 9)
    monkeypatch.setattr(direct, "worth", lambda *_: True)
    draw = np.random.default_rng(0)
    x, w = (torch.tensor(draw.normal(size=s)) for s in ((1, 2, 3, 4), (2, 2, 2, 2)))
    conv2d = torch.nn.functional.conv2d
    found = conv2d(x, w, padding=padding).numpy()
    padded = torch.nn.functional.pad(x, (padding,) * 4)
    monkeypatch.setattr(direct, "worth", lambda *_: False)
    np.testing.assert_allclose(found, conv2d(padded, w).numpy(), 1e-12, 1e-14)


def test_margins_that_no_memory_holds() -> None:
    with pytest.raises(torch.OutOfMemoryError, match="padding"):
        torch.nn.functional.conv1d(torch.ones(1, 1, 4), torch.ones(1, 1, 2), padding=10**15)
