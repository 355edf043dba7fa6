"""Calls that are made often, on some thousand elements, become loops (`dispatch/looped.py`)."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.config import config
from pullback.dispatch import looped
from pullback.op import REGISTRY

F = torch.nn.functional
SIZE = 5_000
BODIES: dict[str, Callable[[Any, Any], Any]] = {
    "elu": lambda x, y: F.elu(x),
    "entr": lambda x, y: torch.special.entr(x),
    "fmax": torch.fmax,
    "fmod": torch.fmod,
    "hardswish": lambda x, y: F.hardswish(x),
    "hypot": torch.hypot,
    "lerp": lambda x, y: torch.lerp(x, y, 0.3),
    "logaddexp": torch.logaddexp,
    "nan_to_num": lambda x, y: x.nan_to_num(),
    "relu6": lambda x, y: F.relu6(x),
    "remainder": torch.remainder,
    "remainder of a number": lambda x, y: x % 0.75,
    "sigmoid": lambda x, y: x.sigmoid(),
    "sign": lambda x, y: x.sign(),
    "where": lambda x, y: torch.where(x > y, x, y),
}


@pytest.fixture(autouse=True)
def loops(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The titles of the loops that a test makes."""
    made: list[str] = []
    search = looped.looped

    def found(title: str, *args: Any, **keywords: Any) -> Any:
        function = search(title, *args, **keywords)
        if function is not None:
            made.append(title)
        return function

    for op in REGISTRY.values():
        op.calls.clear()
    monkeypatch.setattr(looped, "looped", found)
    monkeypatch.setattr(looped, "OFTEN", 2)
    yield made
    for op in REGISTRY.values():
        op.calls.clear()


def numbers(dtype: Any, seed: int) -> Any:
    x = np.random.default_rng(seed).standard_normal(SIZE).astype(dtype)
    x[:6] = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0]
    return np.roll(x, 3 * seed)


def outcome(body: Callable[[Any, Any], Any], x: Any, y: Any) -> list[Any]:
    """The result, and the gradients."""
    a, b = torch.tensor(x, requires_grad=True), torch.tensor(y, requires_grad=True)
    result = body(a, b)
    grads = torch.autograd.grad(result, (a, b), torch.ones_like(result), allow_unused=True)
    return [t if t is None else t.detach().numpy() for t in (result, *grads)]


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_of_large_formulas(
    name: str, dtype: Any, loops: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = BODIES[name]
    monkeypatch.setattr(looped, "pays", lambda roots, size: True)
    for seed in range(14):
        outcome(body, numbers(dtype, seed), numbers(dtype, seed + 1))
    assert loops
    x, y = numbers(dtype, 1), numbers(dtype, 3)
    found = outcome(body, x, y)
    monkeypatch.setattr(config, "defer_elements", 1)
    for ours, formula in zip(found, outcome(body, x, y), strict=True):
        np.testing.assert_array_equal(ours, formula)
        if ours is not None:
            assert ours.dtype == dtype
            np.testing.assert_array_equal(np.signbit(ours), np.signbit(formula))


def repeat(function: Callable[[], Any]) -> Any:
    for _ in range(14):
        result = function()
    return result


def test_one_tensor_twice_is_two_operands(loops: list[str]) -> None:
    x, y = torch.rand(SIZE) + 1, torch.rand(SIZE) + 2
    repeat(lambda: torch.fmod(x, x))
    assert loops == ["fmod"]
    np.testing.assert_array_equal(torch.fmod(x, y).numpy(), np.fmod(x.numpy(), y.numpy()))


def test_numbers_may_change(loops: list[str]) -> None:
    x, y = torch.rand(SIZE), torch.rand(SIZE)
    repeat(lambda: torch.lerp(x, y, 0.3))
    assert loops == ["lerp"]
    np.testing.assert_allclose(
        torch.lerp(x, y, 0.75).numpy(), 0.25 * x.numpy() + 0.75 * y.numpy(), rtol=1e-6
    )


def test_other_layouts_are_computed_as_before(loops: list[str]) -> None:
    x = torch.randn(50, 100)
    repeat(lambda: F.hardswish(x))
    assert loops == ["nn.functional.hardswish"]
    turned = torch.randn(100, 50).t()
    found = F.hardswish(turned)
    np.testing.assert_allclose(found.numpy(), F.hardswish(turned.contiguous()).numpy(), rtol=1e-6)
    assert found.stride() == turned.stride()


def test_results_are_memory_of_their_own(loops: list[str]) -> None:
    x = torch.randn(SIZE)
    first = repeat(lambda: F.hardswish(x))
    before = first.clone()
    second = F.hardswish(x.neg())
    assert second.data_ptr() != first.data_ptr() and torch.equal(first, before)


def test_small_arrays_and_single_functions_stay_with_numpy(loops: list[str]) -> None:
    x, small = torch.rand(SIZE, requires_grad=True), torch.rand(100)
    for _ in range(20):
        F.hardswish(small), x + x, x.exp(), x > 0.5
    assert not loops


def test_nothing_is_held(loops: list[str]) -> None:
    x = torch.randn(SIZE, requires_grad=True)
    for _ in range(14):
        torch.autograd.grad(F.elu(x).sum(), x)  # the cotangent is one number everywhere
    assert len(loops) == 2  # the body and the rule
    array = weakref.ref(x._value)
    del x
    gc.collect()
    assert array() is None
