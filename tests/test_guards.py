"""Whole backward passes that are met again, found by compiled checks."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import pullback as torch
from concurrently import in_threads
from pullback.backends.collector import uncollected
from pullback.dispatch import replay
from replay_problems import FULL, Build, kernel, leaf, norm, numbers, points, transport

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
def looked_through(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The passes whose nodes are written down to find out what they are."""
    found: list[Any] = []
    monkeypatch.setattr(replay, "_programs", {})
    monkeypatch.setattr(replay, "_guards", {})
    plain = replay._Part.results

    def noted(self: Any) -> Any:
        found.append(self)
        return plain(self)

    monkeypatch.setattr(replay._Part, "results", noted)
    return found


@pytest.mark.parametrize("build", [norm, transport])
def test_a_third_pass_is_found_at_once(build: Build, looked_through: list[Any]) -> None:
    for seed in range(5):
        q, p = leaf(30, 3, seed=seed), leaf(30, 3, seed=seed + 9)
        found, exact = numbers(build, q, p), numbers(build, q, p, FULL)
        for a, b in zip(found, exact, strict=True):
            np.testing.assert_allclose(a, b, 1e-10, 1e-10 * np.abs(b).max())
    assert len(looked_through) == 2


def clouds(x: Any, y: Any, w: Any) -> Any:
    return (kernel(x, y) @ w).square().sum()


def twice(x: Any, y: Any, w: Any) -> Any:
    k = kernel(x, y)
    return (k @ w).square().sum() + (k.sum(0) * w[:, 0]).sum()


def computed_before(x: Any, y: Any, w: Any) -> Any:
    rows = kernel(x, y).sum(1)
    rows.tolist()
    return (rows[:, None] * (x[:, None] - y[None]).square().sum(2)).sum()


def hooked(x: Any, y: Any, w: Any) -> Any:
    k = kernel(x, y)
    k.register_hook(lambda g: 3 * g)
    return (k @ w).square().sum()


SQUARES = [np.random.default_rng(k).normal(size=(30, 30)) for k in range(3)]


def weighted(number: int, other: int, turned: bool = False) -> Build:
    """With a constant matrix of two arrays, or of one and its transpose."""
    a, b = (torch.from_numpy(SQUARES[k]) for k in (number, other))
    b = torch.from_numpy(SQUARES[other].T.copy().T) if turned else b
    return lambda x, y, w: (kernel(x, y) * (a - b.t()).sin()).sum(1).square().sum()


KINDS: list[Any] = [
    weighted(0, 0),
    weighted(0, 1),
    weighted(0, 1, True),
    lambda x, y, w: (kernel(x, y).detach().sin() * w[:, 0]).sum(1).square().sum(),
    lambda x, y, w: (kernel(x, y).detach().cos() * w[:, 0]).sum(1).square().sum(),
    clouds,
    twice,
    computed_before,
    hooked,
    lambda x, y, w: clouds(x, x, w),
    lambda x, y, w: clouds(y, x, w),
    lambda x, y, w: clouds(x, y, x),
    lambda x, y, w: clouds(x.detach(), y, w),
    lambda x, y, w: clouds(x, y, w.detach()),
    lambda x, y, w: (kernel(x, y) * 0.37).sum(1).square().sum(),
    lambda x, y, w: (kernel(x, y) * 1.7).sum(1).square().sum(),
    lambda x, y, w: (kernel(x, y) * 2).sum(1).square().sum(),
    lambda x, y, w: kernel(x, y).sum(0).square().sum(),
]


def test_passes_are_told_apart() -> None:
    """Which arrays are the same, what is asked for, and what somebody does with it."""
    draw = np.random.default_rng(0)
    points_ = [draw.normal(size=(30, 3)) for _ in range(3)]
    for _ in range(400):
        build = KINDS[draw.integers(len(KINDS))]
        asked = [k for k in range(3) if draw.random() < 0.7] or [0]
        retain, backward, held = draw.random(3) < 0.3
        found = []
        for elements in (200, FULL):
            with torch.config(defer_elements=elements):
                tensors = [torch.tensor(a, requires_grad=True) for a in points_]
                value = build(*tensors)
                kept = kernel(*tensors[:2]).sum(1) if held else None
                if backward:
                    for _ in range(1 + retain):
                        value.backward(retain_graph=True)
                    got = [t.grad for t in tensors]
                else:
                    inputs = [tensors[k] for k in asked]
                    for _ in range(1 + retain):
                        got = torch.autograd.grad(
                            value, inputs, retain_graph=bool(retain), allow_unused=True
                        )
                found.append([value, *got, kept])
        for lazy, eager in zip(*found, strict=True):
            assert (lazy is None) == (eager is None)
            if lazy is not None:
                np.testing.assert_allclose(lazy.tolist(), eager.tolist(), 1e-9, 1e-12)


def test_what_was_overwritten_is_refused_by_a_check(looked_through: list[Any]) -> None:
    q, p = leaf(30, 3), leaf(30, 3, seed=1)

    def value() -> Any:
        found = norm(q, p)
        found.item()  # so that no formula has kept the numbers of p
        return found

    for _ in range(4):
        value().backward()
    known = len(looked_through)
    value().backward()
    assert len(looked_through) == known  # found by its check
    last = value()
    with torch.no_grad():
        p.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        last.backward()


def test_what_a_check_cannot_see_to() -> None:
    """Hooks on leaves, writes in place, anomalies and used up graphs, after passes without them."""
    q, p = leaf(30, 3), leaf(30, 3, seed=1)
    _, by_q, _ = numbers(norm, q, p, FULL)
    for _ in range(4):
        numbers(norm, q, p)
    handle = q.register_hook(lambda g: 2 * g)
    np.testing.assert_allclose(numbers(norm, q, p)[1], 2 * by_q, 1e-10)
    handle.remove()
    value = norm(q, p)
    torch.autograd.grad(value, [q, p])
    with pytest.raises(RuntimeError, match="a second time"):
        torch.autograd.grad(value, [q, p])
    value = norm(q, p)
    with torch.no_grad():
        p.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()
    with torch.no_grad():
        q[0, 0] = float("nan")
    value = norm(q, p)
    with (
        torch.autograd.set_detect_anomaly(True),
        pytest.warns(UserWarning, match="Error detected"),
        pytest.raises(RuntimeError, match="nan"),
    ):
        value.backward()


def test_gradients_are_nobody_elses() -> None:
    """A cotangent that goes to a leaf as it is, and one array for two leaves."""
    for _ in range(4):
        x, y = leaf(300), leaf(300, seed=1)
        weights = points(300, seed=2)
        (x + y).backward(weights)
        assert x.grad is not None and y.grad is not None
        y.grad.add_(1)
        np.testing.assert_array_equal(x.grad.numpy(), weights.numpy())


def test_derivatives_of_derivatives() -> None:
    q, p = leaf(20, 3), leaf(20, 3, seed=1)
    for _ in range(2):
        found = []
        for elements in (200, FULL):
            with torch.config(defer_elements=elements):
                g = torch.autograd.grad(norm(q, p), [q, p], create_graph=True)
                total = sum((x**2).sum() for x in g)
                found.append([h.numpy() for h in torch.autograd.grad(total, [q, p])])
        for a, b in zip(*found, strict=True):
            np.testing.assert_allclose(a, b, 1e-8, 1e-10)


def test_threads_share_formulas() -> None:
    """Backward passes through the same formula at once."""
    q, p = leaf(60, 3), leaf(60, 3, seed=1)
    _, by_q, by_p = numbers(norm, q, p, FULL)
    for _ in range(5):
        value = norm(q, p)
        results: list[Any] = []

        def work(k: int, value: Any = value, results: Any = results) -> None:
            results.append(torch.autograd.grad(value, [q, p], retain_graph=True))

        in_threads(4, work)
        assert len(results) == 4
        for a, b in results:
            np.testing.assert_allclose(a.numpy(), by_q, 1e-10)
            np.testing.assert_allclose(b.numpy(), by_p, 1e-10)


PLACES: dict[str, Any] = {
    "gather": lambda x: x.gather(0, torch.tensor([3, 0, 0])),
    "index": lambda x: x[torch.tensor([3, 0, 0])],
    "flip": lambda x: x.flip(0),
    "max": lambda x: x.max(0).values,
    "sort": lambda x: x.sort().values,
}


@pytest.mark.parametrize("name", PLACES)
def test_two_leaves_with_the_same_gradient(name: str) -> None:
    """What is added to the gradient of one, in its memory, is not added to the other's."""
    draw = np.random.default_rng(0)
    a, b = (draw.normal(size=5) for _ in range(2))
    found = []
    for elements in (0, 10**9):
        with torch.config(defer_elements=elements):
            x, y = torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)
            total = (x + y).sin().sum() + PLACES[name](y).cos().sum()
            found.append(torch.autograd.grad(total, (x, y)))
            total = (x + y).sin().sum()
            total.backward()
            assert x.grad is not None and y.grad is not None
            y.grad.add_(100)
            np.testing.assert_allclose(x.grad.numpy(), np.cos(a + b), 1e-12)
    for lazy, eager in zip(*found, strict=True):
        np.testing.assert_allclose(lazy.numpy(), eager.numpy(), 1e-12)


def test_a_first_pass_is_planned_once(
    programs: dict[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the gradients and for the value, which somebody holds; without collections meanwhile."""
    collecting: list[bool] = []
    plain = evaluation.make_plan

    def noted(*args: Any) -> Any:
        collecting.append(gc.isenabled())
        return plain(*args)

    monkeypatch.setattr(evaluation, "make_plan", noted)
    monkeypatch.setattr(evaluation, "_plans", {})
    monkeypatch.setattr(evaluation, "_joining", {})
    q, p = leaf(37, 3), leaf(37, 3, seed=1)
    value = norm(q, p)
    found = [*torch.autograd.grad(value, [q, p]), value]
    assert collecting == [False]
    assert gc.isenabled()
    expected = numbers(norm, q, p, FULL)
    for a, b in zip(found, [*expected[1:], expected[0]], strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b, rtol=1e-10, atol=1e-12)


def test_collections_are_as_they_were() -> None:
    """After errors, and where there were none."""
    seen: list[bool] = []

    @uncollected
    def planning(fails: bool) -> None:
        seen.append(gc.isenabled())
        if fails:
            raise KeyError

    planning(False)
    with pytest.raises(KeyError):
        planning(True)
    assert gc.isenabled()
    gc.disable()
    try:
        planning(False)
        assert not gc.isenabled()
    finally:
        gc.enable()
    assert seen == [False] * 3
