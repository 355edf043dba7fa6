"""The memory of formulas: writes, views, aliases and life times are those of arrays."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import pullback as torch
from pullback import config
from pullback.errors import OutOfMemoryError

EAGER = 2**62
X = np.random.default_rng(0).normal(size=(5, 4))


def run(program: Callable[[], list[Any]], elements: int) -> list[Any]:
    with config(defer_elements=elements):
        return [np.array(r.detach().numpy()) for r in program()]


def same(program: Callable[[], list[Any]]) -> None:
    lazy, eager = run(program, 0), run(program, EAGER)
    for k, (a, b) in enumerate(zip(lazy, eager, strict=True)):
        np.testing.assert_allclose(a, b, 1e-10, 1e-10, err_msg=f"result {k}")


VIEWS: dict[str, Callable[[Any], Any]] = {
    "detach": lambda k: k.detach(),
    "data": lambda k: k.data,
    "row": lambda k: k[1],
    "slice": lambda k: k[1:4, ::2],
    "t": lambda k: k.t(),
    "view": lambda k: k.view(-1),
    "view of detach": lambda k: k.detach()[1:3],
    "detach of view": lambda k: k[1:3].detach(),
    "view of view": lambda k: k.t()[1:][0],
    "reshape that copies": lambda k: k.t().reshape(-1),
    "chunk": lambda k: k.chunk(2)[1],
}


@pytest.mark.parametrize("read", [False, True])
@pytest.mark.parametrize("name", VIEWS)
def test_a_write_is_seen_by_all_that_share_memory(name: str, read: bool) -> None:
    def program(through: str) -> list[Any]:
        k = torch.tensor(X) * 2 + 1
        before = k.sin()  # of the numbers before the write
        v, w = VIEWS[name](k), k[0:2]
        if read:  # a view that was computed on its own
            v.sum().item()
        with torch.no_grad():
            if through == "base":
                k.mul_(3)
            else:
                v.add_(5)
        w[0] = 7
        return [k, v, w, before, k + v.sum(), k.t()]

    same(lambda: program("base"))
    same(lambda: program("view"))


def test_gradients_through_writes_into_views() -> None:
    def program() -> list[Any]:
        x = torch.tensor(X, requires_grad=True)
        k = x * x + 1
        v = k[1:3]
        v.mul_(x[0])
        k.t()[2].add_(x[:, 0])
        k[0] = x[4] * 2
        r = (k.sin() * v.sum()).sum()
        (g,) = torch.autograd.grad(r, x, create_graph=True)
        (h,) = torch.autograd.grad((g * g).sum(), x)
        return [r, g, h, v, k]

    same(program)


def test_gradients_have_memory_of_their_own() -> None:
    with config(defer_elements=0):
        x, y = (torch.tensor(X, requires_grad=True) for _ in range(2))
        c = torch.tensor(X) * 2
        (x + y).backward(c)
        x.grad.zero_()
        np.testing.assert_array_equal(y.grad.numpy(), 2 * X)
        np.testing.assert_array_equal(c.numpy(), 2 * X)


def test_results_that_equal_an_operand_are_no_views_of_it() -> None:
    def program() -> list[Any]:
        x = torch.tensor(X.reshape(-1))
        k = x[:, None] + x  # far larger than x: library calls stay formulas as well
        copies = [k.clone(), torch.cat([k]), k.roll(0, 0), k.flip(()), k.repeat(1, 1)]
        copies += [k.tril(30), k.index_select(0, torch.arange(20))]
        k.zero_()
        return [k, *copies]

    same(program)


def test_an_array_given_to_numpy_is_not_read_later() -> None:
    with config(defer_elements=0):
        a = torch.tensor(X)
        k = a * 2
        view = k[1:]
        a.numpy()[:] = 0
        np.testing.assert_array_equal(k.numpy(), 2 * X)
        k.numpy()[:] = 9
        assert (view.numpy() == 9).all()


def test_a_write_that_would_store_what_does_not_fit_raises_first() -> None:
    with config(defer_elements=100, memory_budget=10_000):
        x = torch.zeros(200)
        k = x[:, None] + x
        row = k[3]
        assert row.numpy().tolist() == [0.0] * 200  # without the rest
        with pytest.raises(OutOfMemoryError, match=r"\[200, 200\]"):
            row.add_(1)
        assert row.sum().item() == 0 and k.sum().item() == 0


def test_memory_goes_with_the_last_tensor(no_collector: None) -> None:
    """Also of the first computation of its kind, whose plan is kept."""
    with config(defer_elements=0):
        x = torch.tensor(np.random.default_rng(1).normal(size=(7, 3)), requires_grad=True)
        k = (-((x[:, None] - x) ** 2).sum(-1)).exp()
        view = k[1:]
        (g,) = torch.autograd.grad((k @ x).sum(), x, create_graph=True)
        (h,) = torch.autograd.grad((g * g).sum() + view.sum(), x)
        h.numpy()
        gone = [weakref.ref(t._value) for t in (x, k, view, g, h)]
        del x, k, view, g, h
        assert [r() for r in gone] == [None] * 5


def test_threads_share_one_formula() -> None:
    with config(defer_elements=0):
        for _ in range(10):
            k = (torch.tensor(X) * 2).exp()
            parts = [k, k[1:], k.sum(0), k + 1]
            found: dict[int, Any] = {}

            def work(i: int, parts: Any = parts, found: Any = found) -> None:
                found[i] = parts[i].numpy()

            threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
            for t in threads:
                t.start()
            for t in threads:
                t.join(30)
            e = np.exp(2 * X)
            for i, want in enumerate((e, e[1:], e.sum(0), e + 1)):
                np.testing.assert_allclose(found[i], want, 1e-12)


# ----------------------------------------------------------------------------- random programs

UNARY = ["sin", "tanh", "exp", "detach", "clone", "square", "contiguous"]
MOVES = ["t", "slice", "flat", "unsqueeze", "flip", "expand", "alike"]
FOLDS = ["sum", "mean", "amax", "logsumexp", "softmax", "norm"]
STEP = st.tuples(
    st.sampled_from(["unary", "binary", "move", "fold", "write", "set", "fill", "read", "drop",
                     "grad"]),
    st.integers(0, 40), st.integers(0, 40),
)  # fmt: skip


def moved(x: Any, which: str) -> Any:
    if which == "t":
        return x.transpose(0, -1)
    if which == "slice":
        return x[1:] if x.shape[0] > 1 else x[:]
    if which == "flat":
        return x.reshape(-1)
    if which == "unsqueeze":
        return x.unsqueeze(0) if x.ndim < 3 else x.squeeze()
    if which == "flip":
        return x.flip(0)
    return x[None].expand(2, *x.shape) if which == "expand" and x.ndim < 3 else x.view_as(x)


def folded(x: Any, which: str, dim: int) -> Any:
    if which == "softmax":
        return x.softmax(dim)
    if which == "norm":
        return (x + 3).norm(dim=dim, keepdim=True)
    return getattr(x, which)(dim, keepdim=True)


def execute(steps: list[tuple[str, int, int]]) -> list[Any]:
    """The numbers that a program has seen and left, with the errors that it met."""
    a = torch.tensor(X[:3, :3], requires_grad=True)
    b = torch.tensor(X[3:, :3], requires_grad=True)
    live: list[Any] = [a * 0.5, b[:, None] * a[None], torch.tensor(X[:3, :3])]
    seen: list[Any] = []
    for what, i, j in steps:
        x, y = live[i % len(live)], live[j % len(live)]
        try:
            if what == "unary":
                name = UNARY[j % len(UNARY)]
                made = (x * 0.3).exp() if name == "exp" else getattr(x, name)()
            elif what == "binary":
                made = (x + y, x * y, x - y, torch.maximum(x, y + 0.25))[(i + j) % 4]
            elif what == "move":
                made = moved(x, MOVES[j % len(MOVES)])
            elif what == "fold":
                made = folded(x, FOLDS[j % len(FOLDS)], (i + j) % x.ndim)
            elif what == "write":
                made = (x.add_, x.mul_, x.copy_)[(i + j) % 3](y.sin())
            elif what == "set":
                x[..., :1] = y.sum() * 0.1
                continue
            elif what == "fill":
                x[0] = 0.5
                continue
            elif what == "read":
                seen.append(x.detach().numpy().copy())
                continue
            elif what == "drop":
                del live[i % len(live)]
                if not live:
                    live.append(a + 1)
                continue
            else:
                gradients(x, (a, b), seen)
                continue
        except RuntimeError:
            seen.append(f"refused {what}")
            continue
        if made.numel() < 400:
            live.append(made)
    total = sum((x.sin().sum() for x in live), start=a.sum() * 0)
    try:
        gradients(total, (a, b), seen)
    except RuntimeError:
        seen.append("refused the last gradient")
    seen += [x.detach().numpy().copy() for x in live]
    return seen


def gradients(x: Any, leaves: Any, seen: list[Any]) -> None:
    """Those of first and second order."""
    if not x.requires_grad:
        return
    given = torch.autograd.grad(
        x.sin().sum(), leaves, create_graph=True, allow_unused=True, retain_graph=True
    )
    found = [g for g in given if g is not None]
    seen += [g.detach().numpy().copy() for g in found]
    second = sum((g * g).sum() for g in found if g.requires_grad)
    if getattr(second, "requires_grad", False):
        found = torch.autograd.grad(second, leaves, allow_unused=True, retain_graph=True)
        seen += [g.numpy().copy() for g in found if g is not None]


@given(st.lists(STEP, max_size=12))
@settings(
    max_examples=15, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
def test_random_programs(steps: list[tuple[str, int, int]]) -> None:
    check_program(steps)


def check_program(steps: list[tuple[str, int, int]]) -> None:
    with config(defer_elements=EAGER):
        eager = execute(steps)
    if any(isinstance(e, str) for e in eager):
        return  # what is refused is the matter of test_inplace.py
    with config(defer_elements=0):
        lazy = execute(steps)
    assert len(lazy) == len(eager), (lazy, eager)
    for k, (a, b) in enumerate(zip(lazy, eager, strict=True)):
        assert not isinstance(a, str), (k, a)
        assert a.shape == b.shape, (k, a.shape, b.shape)
        np.testing.assert_allclose(a, b, 1e-7, 1e-7, err_msg=f"number {k}")


# ------------------------------------------------------------------------ what was overwritten

OVERWRITTEN: dict[str, Callable[[Any, Any], Any]] = {
    "an argument": lambda k, x: k.sin().sum(),
    "a result": lambda k, x: (k * 0.1).exp(),
    "a product's factor": lambda k, x: (k * x).sum(),
}


@pytest.mark.parametrize("elements", [0, EAGER])
@pytest.mark.parametrize("through", ["itself", "a view", "detach"])
@pytest.mark.parametrize("name", OVERWRITTEN)
def test_a_saved_value_that_was_overwritten(name: str, through: str, elements: int) -> None:
    """As in PyTorch: the backward pass raises, of a formula as of an array."""
    with config(defer_elements=elements):
        x = torch.tensor(X, requires_grad=True)
        k = x * 2 + 1
        y = OVERWRITTEN[name](k, x)
        target = y if name == "a result" else k
        with torch.no_grad():
            {"itself": target, "a view": target[1:], "detach": target.detach()}[through].mul_(2)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            torch.autograd.grad(y.sum(), x)


@pytest.mark.parametrize("elements", [0, EAGER])
def test_what_a_write_saves_itself_outlives_it(elements: int) -> None:
    with config(defer_elements=elements):
        x = torch.tensor(X, requires_grad=True)
        y = torch.tensor(X[:1] + 2, requires_grad=True)
        k = x * 2 + 1
        k.mul_(y)
        k.exp_()
        gx, gy = torch.autograd.grad(k.sum(), [x, y])
        e = np.exp((2 * X + 1) * (X[:1] + 2))
        np.testing.assert_allclose(gx.numpy(), e * 2 * (X[:1] + 2), 1e-10)
        np.testing.assert_allclose(gy.numpy(), (e * (2 * X + 1)).sum(0, keepdims=True), 1e-10)


def test_numbers_for_kinds_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from pullback.formula import node

    monkeypatch.setattr(node, "MAX_KINDS", 20)
    with config(defer_elements=0):
        for n in range(1, 60):
            x = torch.ones(n, 3)
            assert (x * 2 + 1).sum().item() == 9 * n
    assert len(node._kinds) <= 20


def _kernel_written_in_place(count: int) -> tuple[Any, Any, int]:
    x = torch.linspace(0, 2, count).reshape(count, 1).requires_grad_()
    k = ((x - torch.linspace(1, 3, count)) ** 2) * 1
    k.clamp_min_(1e-3)
    k *= -2
    k.add_(x, alpha=0.5).exp_()
    (slope,) = torch.autograd.grad(k.sum(1).mean(), x)
    return k.sum(), slope, k._version


def test_a_write_over_a_formula_is_a_formula() -> None:
    """Nothing is stored, and everything is as where it is."""
    with config(defer_elements=10**6):
        value, slope, version = _kernel_written_in_place(300)
    with config(defer_elements=100, memory_budget=10_000):
        found = _kernel_written_in_place(300)
    np.testing.assert_allclose(found[0].item(), value.item(), 1e-5)
    np.testing.assert_allclose(found[1].numpy(), slope.numpy(), 1e-4, 1e-6)
    assert found[2] == version == 4


def test_a_formula_that_others_hold_is_written_in_memory() -> None:
    def program() -> list[Any]:
        x = torch.tensor(X.reshape(-1))
        k = x[:, None] + x
        alias = k.detach()
        k.mul_(2)
        j = x[:, None] * x
        view = j[3:5]
        j.add_(1)
        view.mul_(3)
        old = x[:, None] - x
        made = old.exp()  # of the numbers before the write
        old.zero_()
        return [k, alias, j, view, old, made]

    same(program)


def test_a_result_that_was_saved_and_written_as_a_formula_is_refused() -> None:
    x = torch.linspace(0, 1, 50, requires_grad=True)
    with config(defer_elements=100):
        k = (x[:, None] - x).exp()
        k.mul_(2)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            torch.autograd.grad(k.sum(), x)
        leaf = (x[:, None] - x).detach().requires_grad_()
        with pytest.raises(RuntimeError, match="leaf Variable"):
            leaf.mul_(2)


def test_masks_and_numbers_are_never_stored() -> None:
    x = torch.linspace(0, 1, 300, requires_grad=True)
    expected = []
    stored, not_stored = (
        {"defer_elements": 10**6},
        {"defer_elements": 1000, "memory_budget": 20_000},
    )
    for chosen in (stored, not_stored):
        with config(**chosen):
            k = x[:, None] - x
            k = k.masked_fill(k > 0.5, -2.0)
            k.masked_fill_(k < -0.9, 3)
            (slope,) = torch.autograd.grad((k * k).sum(), x)
            counts = (x[:, None] > x).long().masked_fill(x[:, None] > 0.5, 7).sum(1)
            expected.append((k.exp().sum().item(), slope.numpy(), counts.tolist()))
    np.testing.assert_allclose(expected[0][0], expected[1][0], 1e-5)
    np.testing.assert_allclose(expected[0][1], expected[1][1], 1e-3, 1e-3)
    assert expected[0][2] == expected[1][2]


PLACES = torch.tensor([4, 9, 30, 9, 50, 4, 17])
PARTS = {
    "diagonal": lambda k, x: k.diagonal().fill_(0.5),
    "diagonal, added to": lambda k, x: k.diagonal().add_(x[0]),
    "row": lambda k, x: k[3].zero_(),
    "column": lambda k, x: k.__setitem__((slice(None), 2), x[1]),
    "rows": lambda k, x: k[1:8:2].mul_(2),
    "part of a row": lambda k, x: k[4][3:9].copy_(x[3:9, 0]),
    "number": lambda k, x: k.__setitem__((1, 2), 7.0),
    "mask": lambda k, x: k.__setitem__(k > 0.2, 0.25),
    "places": lambda k, x: k.__setitem__((PLACES, PLACES.flip(0)), x[:7, 0]),
    "places in a row": lambda k, x: k.__setitem__((3, PLACES), 2.0),
    "rows by number": lambda k, x: k.__setitem__(PLACES[:, None], x[:7, None]),
    "all": lambda k, x: k.mul_(0).copy_(x[:, 0]),
    "a number": lambda k, x: k.mul_(1).fill_(0.75),
    "zeros": lambda k, x: k.mul_(1).zero_(),
    "the diagonal": lambda k, x: k.fill_diagonal_(3.0),
    "the diagonal of a part": lambda k, x: k[:50, :5].fill_diagonal_(3.0, wrap=True),
    "added at places": lambda k, x: k.index_put_((PLACES, PLACES), x[:7, 0], accumulate=True),
    "columns": lambda k, x: k.index_fill_(1, PLACES, 0.5),
    "columns, of a tensor": lambda k, x: k.index_fill_(1, PLACES - 9, x[3, 0]),
    "rows, copied": lambda k, x: k.index_copy_(0, PLACES[2:], x[:5].expand(5, 60)),
    "scattered": lambda k, x: k.scatter_(1, PLACES.repeat(60, 1), x.expand(60, 7)),
    "a number, scattered": lambda k, x: k.scatter_(0, PLACES[:, None].repeat(1, 60), 1.5),
    "a view that lives on": lambda k, x: [v := k[2:5], v.mul_(3), k.add_(1), v.sub_(1)][0],
}  # fmt: skip


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("name", PARTS)
def test_parts_of_a_formula_are_written_without_storing_it(name: str, recorded: bool) -> None:
    found = []
    stored, not_stored = {"defer_elements": 10**6}, {"defer_elements": 200, "memory_budget": 5000}
    for chosen in (stored, not_stored):
        with config(**chosen):
            x = torch.linspace(0, 1, 60).reshape(60, 1).requires_grad_(recorded)
            k = (x - x.detach().T) * 1
            view = PARTS[name](k, x)
            total = (k * k + k.sin()).sum(1)
            values = [total, k[3].clone(), k.sum()]
            if isinstance(view, torch.Tensor):
                values.append(view.sum())
            if recorded:
                (slope,) = torch.autograd.grad(total.sum() + k[2].sum(), x)
                values.append(slope)
            found.append([v.detach().numpy() for v in values])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-4)


def test_a_computed_view_that_a_kernel_reads() -> None:
    """It lies in the memory of what it looks at, in another order."""
    values = np.random.default_rng(0).uniform(1, 2, size=(5, 1, 5))

    def gradient(elements: int) -> Any:
        with torch.config(defer_elements=elements):
            x = torch.tensor(values, requires_grad=True)
            y = (x + 3).log()
            k = y.mT @ y
            v = k.swapaxes(0, -1)
            total = (k * 0.37).sin().sum() + (v * 0.37).sin().sum()
            (g,) = torch.autograd.grad(total, x, create_graph=True)
            np.testing.assert_array_equal(k.detach().numpy().swapaxes(0, -1), v.detach().numpy())
            return g.detach().numpy()

    np.testing.assert_allclose(gradient(0), gradient(10**9), 1e-12)


def test_copies_of_constants_and_of_others() -> None:
    """How a copy of a row is made does not depend on what the first row was made of."""
    rows = []
    with config(defer_elements=200, memory_budget=5000):
        for write in (lambda k: k.zero_(), lambda k: k.fill_diagonal_(3.0)):
            x = torch.linspace(0, 1, 60).reshape(60, 1)
            k = (x - x.T) * 1
            write(k)
            rows.append(k[3].clone().numpy())
    assert not rows[0].any() and rows[1][3] == 3 and rows[1].all()


WRITES = {
    "an axis too many": lambda k: k.__setitem__(0, torch.ones(1, 30)),
    "another shape": lambda k: k.__setitem__(0, torch.ones(3)),
    "more rows": lambda k: k.__setitem__((slice(0, 2),), torch.ones(3, 30)),
    "a copy of another shape": lambda k: k.copy_(torch.ones(3)),
    "integers": lambda k: k.__setitem__(0, torch.arange(30)),
    "complex": lambda k: k.__setitem__(0, torch.ones(30, dtype=torch.complex64)),
    "a mask of rows": lambda k: k.__setitem__(k[:, 0] > 0.1, 1.0),
    "a list": lambda k: k.__setitem__(1, [1.0] * 30),
    "places": lambda k: k.__setitem__((torch.tensor([1, 2]), torch.tensor([1, 2])), 5.0),
    "no such row": lambda k: k.__setitem__(50, 5.0),
    "no such place": lambda k: k.__setitem__((torch.tensor([1, 30]), torch.tensor([1, 2])), 5.0),
    "more places": lambda k: k.__setitem__(torch.tensor([1, 2]), torch.ones(3, 30)),
    "places, integers": lambda k: k.__setitem__(torch.tensor([1, 2]), torch.arange(30)),
    "columns that are not there": lambda k: k.index_fill_(1, torch.tensor([30]), 0.5),
    "too short": lambda k: k.index_copy_(0, torch.tensor([3, 4]), torch.ones(1, 30)),
    "fill_ by a vector": lambda k: k.fill_(torch.ones(3)),
    "a row of the transpose": lambda k: k.t()[0].zero_(),
    "what has no gradient": lambda k: k.eq_(0.0),
    "a shape that grows": lambda k: k.mul_(torch.ones(2, 30, 30)),
    "itself": lambda k: k[1:].add_(k[:-1]),
}  # fmt: skip


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("name", WRITES)
def test_writes_are_as_where_the_numbers_are_stored(name: str, recorded: bool) -> None:
    found: list[Any] = []
    for elements in (10**6, 100):
        with config(defer_elements=elements):
            x = torch.linspace(0, 1, 30, requires_grad=recorded)
            k = (x[:, None] - x.detach()) * 1
            row = k[3]
            try:
                WRITES[name](k)
            except Exception as error:
                found.append([type(error), str(error)])
                continue
            parts = [k, row]
            if recorded:
                parts += torch.autograd.grad((k * k).sum() + row.sum(), x)
            found.append([k._version, *(p.detach().numpy() for p in parts)])
    stored, not_stored = found
    assert stored[0] == not_stored[0]
    for a, b in zip(stored[1:], not_stored[1:], strict=True):
        if isinstance(a, str):
            assert a == b
        else:
            np.testing.assert_allclose(a, b, 1e-5, 1e-5)
