"""Backward passes through formulas that are met again, as one program."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.autograd.operation_node import OperationNode
from pullback.backends.llvm import compile
from pullback.backends.llvm.run import Launch
from pullback.dispatch import replay
from replay_problems import FULL, PROBLEMS, Build, kernel, leaf, norm, numbers, points

evaluation = importlib.import_module("pullback.formula.evaluate")


@pytest.fixture(autouse=True)
def small() -> Iterator[None]:
    with torch.config(defer_elements=200):
        yield


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> dict[Any, Any]:
    """What is found out in a test."""
    found: dict[Any, Any] = {}
    monkeypatch.setattr(replay, "_programs", found)
    monkeypatch.setattr(replay, "_guards", {})
    return found


@pytest.fixture
def expanded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The nodes that are visited one by one although they saved a formula."""
    found: list[str] = []
    plain = OperationNode.run

    def noted(self: Any, *args: Any) -> Any:
        if self.deferred:
            found.append(self.name())
        return plain(self, *args)

    monkeypatch.setattr(OperationNode, "run", noted)
    return found


@pytest.mark.parametrize("build", PROBLEMS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_other_numbers(build: Build, dtype: Any, programs: dict[Any, Any]) -> None:
    """The first pass and those after it, at other points and other numbers of them."""
    digits = 2e-4 if dtype == np.float32 else 1e-10
    for seed, n in ((0, 30), (1, 30), (2, 30), (3, 41), (4, 30)):
        q, p = leaf(n, 3, seed=seed, dtype=dtype), leaf(n, 3, seed=seed + 100, dtype=dtype)
        found, exact = numbers(build, q, p), numbers(build, q, p, FULL)
        for a, b in zip(found, exact, strict=True):
            np.testing.assert_allclose(a, b, digits, digits * np.abs(b).max())
    assert programs


def test_nodes_are_visited_once(programs: dict[Any, Any], expanded: list[str]) -> None:
    """A pass that was met before visits no node of a formula; nor does one of other numbers."""
    for seed in range(3):
        numbers(norm, leaf(30, 3, seed=seed), leaf(30, 3, seed=seed + 9))
    assert len(programs) == 1 and not expanded


def test_which_arrays_are_the_same(programs: dict[Any, Any]) -> None:
    """A kernel of a cloud with itself is not that of two clouds of the same shape."""
    x, y, p = leaf(30, 3), leaf(30, 3, seed=1), points(30, 3, seed=2)
    for a, b in ((x, x), (x, y), (y, x), (x, x)):
        for elements in (200, FULL):
            with torch.config(defer_elements=elements):
                total = (kernel(a, b) @ p).square().sum()
                got = torch.autograd.grad(total, [x, y], allow_unused=True)
            if elements == 200:
                lazy = got
        for g, h in zip(lazy, got, strict=True):
            assert (g is None) == (h is None)
            if g is not None:
                np.testing.assert_allclose(g.numpy(), h.numpy(), 1e-10, 1e-10)
    assert len(programs) == 2


def test_which_arrays_share_memory(programs: dict[Any, Any]) -> None:
    """A matrix beside its own transpose is read from one place, beside another's from two."""
    a, b, w = points(40, 40), points(40, 40, seed=1), leaf(40, seed=2)
    for right in (a, b, a):
        found = []
        for elements in (200, FULL):
            with torch.config(defer_elements=elements):
                total = ((a - right.t()).sin() * w).sum(1).square().sum()
                (g,) = torch.autograd.grad(total, w)
                found.append([total.item(), g.numpy()])
        for lazy, eager in zip(*found, strict=True):
            np.testing.assert_allclose(lazy, eager, 1e-9, 1e-12)
    assert len(programs) == 2


def test_numbers_that_vary_compile_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bandwidth that a loop changes is a parameter of the kernels, backward as well."""
    compiled: list[str] = []
    build = compile.build

    def noted(kernel: Any, *args: Any) -> Any:
        compiled.append(kernel.name)
        return build(kernel, *args)

    monkeypatch.setattr(compile, "build", noted)
    q = leaf(30, 3)
    for k, width in enumerate((0.37, 0.51, 1.7, 130.0)):
        d = ((q[:, None] - q[None]) ** 2).sum(2)
        total = ((-d / (2 * width**2)).exp() * width).sum(1).div(width).square().sum()
        (g,) = torch.autograd.grad(total, q)
        exact = q.detach().numpy()
        kernel_ = np.exp(-((exact[:, None] - exact[None]) ** 2).sum(2) / (2 * width**2))
        weights = 2 * (kernel_.sum(1)[:, None] + kernel_.sum(1)[None]) * kernel_ / width**2
        by_hand = -(weights[..., None] * (exact[:, None] - exact[None])).sum(1)
        np.testing.assert_allclose(g.numpy(), by_hand, 1e-9, 1e-12)
        if k == 0:
            first = len(compiled)
    assert first and len(compiled) == first


def test_some_of_the_inputs(programs: dict[Any, Any]) -> None:
    q, p = leaf(30, 3), leaf(30, 3, seed=1)
    _, by_q, by_p = numbers(norm, q, p, FULL)
    for _ in range(2):
        np.testing.assert_allclose(torch.autograd.grad(norm(q, p), q)[0].numpy(), by_q, 1e-10)
        np.testing.assert_allclose(torch.autograd.grad(norm(q, p), p)[0].numpy(), by_p, 1e-10)
    assert len(programs) == 2


def test_gradients_accumulate() -> None:
    q, p = leaf(30, 3), leaf(30, 3, seed=1)
    _, by_q, by_p = numbers(norm, q, p, FULL)
    for count in (1, 2, 3):
        norm(q, p).backward()
        np.testing.assert_allclose(q.grad.numpy(), count * by_q, 1e-10)
        np.testing.assert_allclose(p.grad.numpy(), count * by_p, 1e-10)


def test_a_graph_is_used_up() -> None:
    q, p = leaf(30, 3), leaf(30, 3, seed=1)
    for _ in range(2):
        value = norm(q, p)
        kept = torch.autograd.grad(value, [q, p], retain_graph=True)
        again = torch.autograd.grad(value, [q, p])
        for a, b in zip(kept, again, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
        with pytest.raises(RuntimeError, match="a second time"):
            torch.autograd.grad(value, [q, p])


def test_what_was_overwritten_is_refused() -> None:
    q, p = leaf(30, 3), leaf(30, 3, seed=1)
    for _ in range(2):
        value = norm(q, p)
        with torch.no_grad():
            p.mul_(2)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            value.backward()


def test_hooks_are_called(programs: dict[Any, Any]) -> None:
    """On leaves, and on a formula in between, which is then visited by itself."""
    q, p = leaf(30, 3), leaf(30, 3, seed=1)
    numbers(norm, q, p)
    seen: list[Any] = []
    handle = q.register_hook(lambda g: seen.append(g.clone()))
    (g,) = torch.autograd.grad(norm(q, p), q)
    np.testing.assert_array_equal(seen[0].numpy(), g.numpy())
    handle.remove()
    d = ((q[:, None] - q[None]) ** 2).sum(2)
    d.register_hook(lambda g: 2 * g)
    (twice,) = torch.autograd.grad(0.5 * ((-d / 2).exp() @ p * p).sum(), q)
    np.testing.assert_allclose(twice.numpy(), 2 * g.numpy(), 1e-10)


def test_values_come_out_of_the_same_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """One kernel for the value and the gradients; what is dropped is not computed."""
    launched: list[Any] = []
    launch = Launch.__call__

    def noted(self: Any, *args: Any) -> None:
        launched.append(self)
        launch(self, *args)

    monkeypatch.setattr(Launch, "__call__", noted)
    q, p = leaf(30, 3), leaf(30, 3, seed=1)
    for _ in range(5):
        value, other = norm(q, p), kernel(q, q).sum(0)
        launched.clear()
        torch.autograd.grad(value, [q, p])
        assert not value._value.is_pending
        assert len(launched) == 1
        value.item(), other.sum().item()
        del value, other
        launched.clear()
        torch.autograd.grad(norm(q, p), [q, p])
        assert len(launched) == 1


# ---- steps of NumPy, as straight lines -----------------------------------------------------------


@pytest.fixture
def defined(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The steps that NumPy computes by the definitions of their operations."""
    found: list[Any] = []
    plain = evaluation._by_numpy

    def noted(nodes: Any) -> None:
        found.append(nodes)
        plain(nodes)

    monkeypatch.setattr(evaluation, "_by_numpy", noted)
    monkeypatch.setattr(evaluation, "_plans", {})
    monkeypatch.setattr(evaluation, "_joining", {})
    return found


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_steps_become_lines(
    gradients: bool, dtype: Any, defined: list[Any], programs: dict[Any, Any]
) -> None:
    """The same numbers to the last bit, and numbers for whoever holds a formula of a step."""
    q, p = leaf(30, 3, dtype=dtype), leaf(30, 3, seed=1, dtype=dtype)
    found = []
    for _ in range(6):
        before = len(defined)
        v = (kernel(q, q) @ p).reshape(-1)
        half = (p.reshape(-1) * v).sum() * 0.5
        value = (half + 3).sin()
        got = list(torch.autograd.grad(value, [q, p])) if gradients else []
        found.append([x.detach().numpy().tobytes() for x in (value, half, v, *got)])
        steps = len(defined) - before
    assert defined and not steps
    assert found[1:] == found[:-1]


def test_lines_that_fail(defined: list[Any]) -> None:
    """What a line cannot do is done by definition."""

    def value(q: Any) -> Any:
        return (kernel(q, q).sum() * 0.5).sin().item()

    q = points(30, 3)
    *_, exact = (value(q) for _ in range(5))
    (plan,) = (plan for plan in evaluation._plans.values() if any(s.line for s in plan))

    def line(*arrays: Any) -> Any:
        raise ValueError

    for step in plan:
        step.line = step.line and line
    defined.clear()
    assert value(q) == exact and defined


def test_lines_and_the_memory_budget(defined: list[Any]) -> None:
    def value(q: Any) -> Any:
        return torch.linalg.norm(kernel(q, q) @ q)

    q = points(50, 3)
    for _ in range(5):
        value(q).item()
    with torch.config(memory_budget=100), pytest.raises(torch.OutOfMemoryError):
        value(q).item()


def test_two_roots_and_their_cotangents() -> None:
    x, y = leaf(30, 3), leaf(25, 3, seed=1)

    def both(elements: int, weights: Any) -> list[Any]:
        with torch.config(defer_elements=elements):
            k = kernel(x, y)
            rows, columns = k.sum(1), k.sum(0)
            found = torch.autograd.grad([rows, columns], [x, y], weights)
            return [g.numpy() for g in found]

    for seed in range(3):
        weights = [points(30, seed=seed), points(25, seed=seed + 5)]
        for a, b in zip(both(200, weights), both(FULL, weights), strict=True):
            np.testing.assert_allclose(a, b, 1e-10, 1e-12)
