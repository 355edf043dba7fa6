"""Reductions and scans of large arrays along an axis, against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as torch
from pullback.backends import axiswise
from pullback.backends.array_statistics import cumulative_extreme, cumulative_logsumexp
from pullback.config import config

pytest.importorskip("llvmlite")
# (shape, axes): long rows in parts, columns in blocks, leftovers of vectors, axes in the middle.
CASES = [
    ((300, 301), (0,)), ((300, 301), (1,)), ((300, 301), (0, 1)), ((37, 61, 45), (1,)),
    ((3, 30_001), (1,)), ((2001, 33), (0,)), ((5, 3, 5001, 1), (0, 1, 2)), ((70_003,), (0,)),
]  # fmt: skip
DTYPES = [np.float32, np.float64, np.int64]


def numbers(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    return (3 * np.random.default_rng(0).standard_normal(shape)).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape, axes", CASES)
def test_reductions(shape: tuple[int, ...], axes: tuple[int, ...], dtype: type) -> None:
    x = numbers(shape, dtype)
    for ufunc in (np.add, np.maximum, np.minimum, np.multiply):
        # factors near 1: neither under- nor overflow
        given = (1 + x / 2**14).astype(dtype) if ufunc is np.multiply else x
        found = axiswise.reduced(ufunc, given, axes, True)
        assert found is not None
        exact = given.astype(np.longdouble) if dtype != np.int64 else given
        expected = ufunc.reduce(exact, axes, keepdims=True)
        assert found.shape == expected.shape
        assert found.dtype == dtype
        scale = np.abs(exact).sum(axes, keepdims=True) if ufunc is np.add else np.abs(expected)
        steps = 0 if dtype == np.int64 or ufunc in (np.maximum, np.minimum) else 60
        if ufunc is np.multiply:
            steps *= 50
        assert (np.abs(found - expected) <= steps * np.spacing(1, dtype=float) * scale
                * (2.0**29 if dtype == np.float32 else 1)).all()  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape, axes", CASES)
def test_norms(shape: tuple[int, ...], axes: tuple[int, ...], dtype: type) -> None:
    x = numbers(shape, dtype)
    assert axiswise._reduced("squares", x, axes, True) is not None
    found = torch.linalg.vector_norm(torch.from_numpy(x), dim=axes).numpy()
    expected = np.sqrt((x.astype(np.longdouble) ** 2).sum(axes))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=1e-13 if dtype == np.float64 else 1e-5)


@pytest.mark.parametrize("ufunc", [np.maximum, np.minimum])
def test_a_nan_is_the_extreme(ufunc: np.ufunc) -> None:
    x = numbers((300, 301), np.float32)
    x[3, 5], x[299, 300], x[0, 0] = np.nan, np.nan, np.inf
    for axis in (0, 1):
        np.testing.assert_array_equal(
            axiswise.reduced(ufunc, x, axis, False), ufunc.reduce(x, axis)
        )
    assert np.isnan(axiswise.reduced(ufunc, x, None, False))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape, dim", [((301, 300), 0), ((301, 300), 1), ((37, 61, 45), 1)])
def test_scans(shape: tuple[int, ...], dim: int, dtype: type) -> None:
    x = numbers(shape, dtype)
    wide = x.astype(np.int64 if dtype == np.int64 else float)
    close = {"rtol": 1e-6, "atol": 1e-4 if dtype == np.float32 else 1e-11}

    (found,) = axiswise.scanned("sum", [x], dim, [dtype])
    np.testing.assert_allclose(found, np.cumsum(wide, dim), **close)
    (found,) = axiswise.scanned("sum from the end", [x], dim, [dtype])
    np.testing.assert_allclose(found, np.flip(np.cumsum(np.flip(wide, dim), dim), dim), **close)
    signs = np.where(x > 0, 1, -1).astype(dtype)
    (found,) = axiswise.scanned("prod", [signs], dim, [dtype])
    np.testing.assert_array_equal(found, np.cumprod(signs, dim))
    if dtype != np.int64:
        c = np.random.default_rng(1).random(shape).astype(dtype)
        (found,) = axiswise.scanned("recurrence", [x, c], dim, [dtype])
        s, g, c = (np.moveaxis(a, dim, 0).astype(float) for a in (found, x, c))
        np.testing.assert_allclose(s[:-1], g[:-1] + c[:-1] * s[1:], **close)
        np.testing.assert_array_equal(s[-1], g[-1])
        x.reshape(-1)[[3, 70, 500, 20_003]] = np.nan
    for largest, name in ((True, "max"), (False, "min")):
        values, places = axiswise.scanned(name, [x], dim, [dtype, np.int64])
        accumulate = (np.maximum if largest else np.minimum).accumulate
        np.testing.assert_array_equal(values, accumulate(x, dim))
        expected = cumulative_extreme(np.moveaxis(x, dim, 0)[:, :9], 0, largest)[1]
        np.testing.assert_array_equal(np.moveaxis(places, dim, 0)[:, :9], expected)


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_running_logarithms_of_sums(dtype: type, dim: int) -> None:
    """Within a few units of the last digit, also where sums overflow; infinities and NaN as one by
    one."""
    rng = np.random.default_rng(0)
    for scale in (1, 100, 1e4):
        x = (rng.normal(size=(300, 400)) * scale).astype(dtype)
        exact = np.logaddexp.accumulate(x.astype(np.longdouble), dim)
        error = np.abs(cumulative_logsumexp(x, dim) - exact) / np.maximum(1, np.abs(exact))
        assert error.max() < 4 * np.finfo(dtype).eps
    special = np.array([0, -np.inf, np.inf, np.nan, 1e4, -1e4, 3.0])
    places = rng.choice(7, (300, 400), p=[0.2, 0.3, 0.02, 0.02, 0.15, 0.15, 0.16])
    x = special[places].astype(dtype)
    x[x.shape[0] // 2 :] = np.where(np.isnan(x[150:]) | (x[150:] > 1e4), -np.inf, x[150:])
    with np.errstate(all="ignore"):
        expected = np.logaddexp.accumulate(x, dim)
        np.testing.assert_allclose(cumulative_logsumexp(x, dim), expected, 1e-6)


def test_not_what_is_laid_out_otherwise() -> None:
    x = numbers((300, 301), np.float32)
    assert axiswise.reduced(np.add, x.T, 0, False) is None
    assert axiswise.reduced(np.add, x[:, None].repeat(2, 1), (0, 2), False) is None
    assert axiswise.reduced(np.add, x.reshape(-1, 7), 0, False) is None  # few columns
    assert axiswise.reduced(np.logical_or, x, 0, False) is None


def test_threads_do_not_change_results() -> None:
    x = torch.from_numpy(1 + numbers((400, 500), np.float32) / 128).requires_grad_()

    def results() -> list[torch.Tensor]:
        found = [x.sum(0), x.sum(1), x.sum(), x.prod(1), x.cumsum(0), x.cumprod(1), x.amax(0)]
        return [*found, *torch.autograd.grad([f.sum() for f in found], x)]

    with config(num_threads=1):
        alone = results()
    with config(num_threads=3):
        together = results()
    assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))


def test_gradients_of_large_tensors() -> None:
    """The same as those of small ones: ties share, zeros count."""
    x = torch.from_numpy(np.random.default_rng(0).integers(0, 2000, (300, 301)) / 1024)
    small = [x[k : k + 100].clone().requires_grad_() for k in range(0, 300, 100)]
    x.requires_grad_()
    for f in (
        lambda x: x.amax(1), lambda x: x.min(), lambda x: x.prod(1), lambda x: x.cumprod(1),
        lambda x: x.cumsum(1) * x.cummax(1).values,
    ):  # fmt: skip
        if f(x).ndim == 0:
            (found,) = torch.autograd.grad(f(x), x)
            ties = (x == x.min()).double()
            torch.testing.assert_close(found, ties / ties.sum())
            continue
        g = torch.autograd.grad(f(x).cos().sum(), x)[0]
        parts = [torch.autograd.grad(f(s).cos().sum(), s)[0] for s in small]
        torch.testing.assert_close(g, torch.cat(parts))
