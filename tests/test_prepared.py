"""Primitives that are found for shapes first, and machine code that takes arrays as they are."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.backends import class_losses, normalising, resampling, shares
from pullback.backends.arrays import ARRAYS
from pullback.backends.llvm.arrays import functions
from pullback.backends.llvm.target import host
from pullback.backends.prepared import Prepared, prepared
from pullback.op import REGISTRY

F = torch.nn.functional
STEP = """
define void @step(ptr %x, ptr %y, double %d, i64 %n) {
entry:
  %place = getelementptr double, ptr %x, i64 %n
  %old = load double, ptr %place, align 8
  %new = fadd double %old, %d
  store double %new, ptr %y, align 8
  ret void
}
"""


def test_machine_code_takes_arrays() -> None:
    (step,) = functions(STEP, host(), step="aadi")
    x, y = np.arange(5.0), np.zeros(1)
    step(x, y, 0.5, 3)
    assert y == 3.5
    step(x[1:], y, 0.5, 3)  # a view's numbers begin elsewhere
    assert y == 4.5
    with pytest.raises(Exception, match="argument 3"):
        step(x, y, "0.5", 3)


def test_repeated_calls_do_not_plan_again(monkeypatch: pytest.MonkeyPatch) -> None:
    plans = []

    def plan(x: Any, dim: int) -> Any:
        plans.append(x.shape)
        return lambda x: np.add.reduce(x, dim)

    monkeypatch.setattr(type(ARRAYS), "softmax_array", prepared()(plan))
    REGISTRY["softmax"].calls.clear()
    try:
        for k in range(20):
            x = torch.full((2, 3), k)
            assert torch.softmax(x.double(), 0)[0] == 2 * k
        made = len(plans)
        for k in range(20):
            assert torch.softmax(torch.full((2, 3), k).double(), 0)[0] == 2 * k
        assert len(plans) == made < 20
        torch.softmax(torch.ones(4, 3).double(), 0)
        assert plans[-1] == (4, 3)
    finally:
        REGISTRY["softmax"].calls.clear()


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "layer_norm"])
def test_rules_that_ask_whether_they_are_recorded_become_lines(name: str) -> None:
    x = torch.randn(3, 7, requires_grad=True)
    for _ in range(20):
        y = F.layer_norm(x, (7,)) if name == "layer_norm" else getattr(x, name)(1)
        node = y.grad_fn
        torch.autograd.grad(y, x, x.detach())
    assert node.rules.function


def by_numpy(monkeypatch: pytest.MonkeyPatch, module: Any, function: Prepared, *args: Any) -> Any:
    with monkeypatch.context() as patch, np.errstate(all="ignore"):
        patch.setattr(module, "WORTH", 1 << 40)
        return function(*args)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_small_shares_are_compiled(dtype: str, dim: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(dim)
    x, g = (rng.standard_normal((3, 7, 13)).astype(dtype) for _ in range(2))
    close = {"rtol": 1e-5, "atol": 1e-6} if dtype == "f4" else {"rtol": 1e-13, "atol": 1e-14}
    for whole in (x, x.swapaxes(0, 1)):
        for name in ("softmax_array", "log_softmax_array"):
            function = getattr(shares, name)
            y = function(whole, dim)
            np.testing.assert_allclose(y, by_numpy(monkeypatch, shares, function, whole, dim),
                                       **close)  # fmt: skip
            back = getattr(shares, name.replace("_array", "_back_array"))
            given = (g.reshape(whole.shape), y, dim)
            np.testing.assert_allclose(back(*given), by_numpy(monkeypatch, shares, back, *given),
                                       **close)  # fmt: skip


@pytest.mark.parametrize(
    "dims, shape, weights",
    [((0, 2), (7, 1), (7,)), ((1, 2), (7, 13), (7, 13)), ((2,), (13,), (13,)), ((1, 2), (), ())],
)
def test_small_rows_are_compiled(
    dims: Any, shape: Any, weights: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    whole, g = (rng.standard_normal((3, 7, 13)) for _ in range(2))
    weight, bias = (rng.standard_normal(weights) for _ in range(2))
    for x in (whole, whole.swapaxes(0, 2).copy().swapaxes(0, 2)):
        for w, b in ((weight, bias), (None, bias), (weight, None), (None, None)):
            function, args = normalising.normalised_array, (x, w, b, dims, shape, 0.1, True)
            found = function(*args)
            for a, e in zip(
                found, by_numpy(monkeypatch, normalising, function, *args), strict=True
            ):
                np.testing.assert_allclose(a, e, rtol=1e-12, atol=1e-13)
            back = (normalising.normalised_back_array, g, x, w, b, *found[1:], dims, shape)
            for a, e in zip(back[0](*back[1:]), by_numpy(monkeypatch, normalising, *back),
                            strict=True):  # fmt: skip
                np.testing.assert_allclose(a, e, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_losses_of_classes_are_compiled(
    dtype: str, reduction: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    for shape in ((16, 5), (3, 5, 4, 2)):
        x = rng.standard_normal(shape).astype(dtype)
        x[0, 0] = np.inf
        target = rng.integers(0, 5, (shape[0], *shape[2:]))
        weight = rng.random(5).astype(dtype)
        weight[0] = 0
        gaps, short = np.repeat(target, 2, 0)[::2], target.astype(np.uint8)
        for t, w in itertools.product((target, gaps, short), (None, weight)):
            for ignored in (-100, 2, 300):
                args = (class_losses.class_losses, x[..., ::-1], t, w, reduction, ignored)
                with np.errstate(all="ignore"):
                    found = args[0](*args[1:])
                expected = by_numpy(monkeypatch, class_losses, *args)
                assert found.dtype == x.dtype
                np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype == "f4" else 1e-12)
    with np.errstate(all="ignore"):
        # A weight of 0 is nothing, whatever it is of.
        one = class_losses.class_losses(
            np.full((16, 5), np.inf, dtype), np.zeros(16, int), weight, reduction, -100
        )
        assert np.isnan(one) if reduction == "mean" else (one == 0).all()
        nobody = class_losses.class_losses(x, np.full_like(target, 9), None, "mean", 9)
    assert np.isnan(nobody)


def test_large_operands_of_library_calls_are_met_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call is a line of NumPy's although it reads more than formulas begin with."""
    x, places = torch.randn(4, 40_000), torch.arange(4)
    expected = [F.nll_loss(x, places).item() for _ in range(20)]
    body = []
    monkeypatch.setattr(REGISTRY["nn_functional_nll_loss"], "call", lambda *_: body.append(1))
    assert F.nll_loss(x, places).item() == expected[0]
    assert not body and len(set(expected)) == 1


def test_large_pointwise_operations_are_formulas_at_every_call() -> None:
    x = torch.randn(300, 300)
    for _ in range(20):
        y = F.pairwise_distance(x, x + 1)
    assert y.shape == (300,)
    for _ in range(20):
        z = torch.nn.functional.softsign(x)
        assert type(z._value) is not np.ndarray


@pytest.mark.parametrize("kind", ["linear", "cubic", "mean", "filtered linear"])
def test_few_numbers_are_resampled_along_all_axes_at_once(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    axes = ((kind, 5, 3, None, False), (kind, 4, 6, None, False))
    for transposed in (False, True):
        whole = rng.standard_normal((2, 3, *([3, 6] if transposed else [5, 4])))
        for x in (whole, np.where(whole > 1, np.inf, whole), whole.swapaxes(0, 1)):
            with np.errstate(all="ignore"):
                found = resampling.resample(x, axes, transposed)
            with monkeypatch.context() as patch, np.errstate(all="ignore"):
                patch.setattr(resampling, "AT_ONCE", 0)
                expected = resampling.resample(x, axes, transposed)
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
            assert found.flags.c_contiguous
