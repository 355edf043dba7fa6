"""Backward passes through formulas that are met again, as one program."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import pullback as torch
from concurrently import in_threads
from pullback.autograd.graph import OperationNode
from pullback.backends.collector import uncollected
from pullback.backends.llvm import compile
from pullback.backends.llvm.run import Launch
from pullback.dispatch import replay

evaluation = importlib.import_module("pullback.formula.evaluate")
FULL = 10**12
Build = Callable[..., Any]


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


def points(*shape: int, seed: int = 0, dtype: Any = np.float64) -> Any:
    return torch.tensor(np.random.default_rng(seed).normal(size=shape).astype(dtype))


def leaf(*shape: int, seed: int = 0, dtype: Any = np.float64) -> Any:
    return points(*shape, seed=seed, dtype=dtype).requires_grad_()


def kernel(x: Any, y: Any) -> Any:
    return (-((x[:, None] - y[None]) ** 2).sum(2) / 2).exp()


def norm(q: Any, p: Any) -> Any:
    return 0.5 * torch.dot(p.view(-1), (kernel(q, q) @ p).view(-1))


def energies(q: Any, p: Any) -> Any:
    return (kernel(q, q).sum(1) + 1).log().sum() + (p * 3).square().sum()


def softened(q: Any, p: Any) -> Any:
    d = ((q[:, None] - p[None]) ** 2).sum(2)
    return ((d + 0.1).rsqrt().sum(1) * q[:, 0].exp()).mean()


def upstream(q: Any, p: Any) -> Any:
    """What the kernel is made of is computed from the leaves, by other kinds of nodes."""
    moved = torch.tanh(q @ torch.eye(3, dtype=q.dtype) + 0.1 * q.mean(0))
    return (kernel(moved, p) @ p.detach()).square().sum() + 0.01 * (q**2).sum()


def transport(q: Any, p: Any) -> Any:
    cost = ((q[:, None] - p[None]) ** 2).sum(2)
    f = torch.zeros(len(q), dtype=q.dtype)
    for _ in range(2):
        g = -torch.logsumexp(f[:, None] - cost, 0)
        f = -torch.logsumexp(g[None] - cost, 1)
    return f.sum() + g.sum()


PROBLEMS = [norm, energies, softened, upstream, transport]


def numbers(build: Build, q: Any, p: Any, elements: int | None = None) -> list[Any]:
    """The value and the gradients."""
    with torch.config(defer_elements=200 if elements is None else elements):
        value = build(q, p)
        return [value.item(), *(g.numpy() for g in torch.autograd.grad(value, [q, p]))]


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


# ---- whole passes, found by compiled checks ------------------------------------------------------


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
