"""What is computed together, what beside each other in threads, and what Ctrl-C leaves behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.backends.llvm.run import Launch

N, M = 300, 290


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the kernels that ran."""
    names: list[str] = []
    call = Launch.__call__

    def counted(self: Launch, *args: Any) -> None:
        names.append(self.program.kernel.name)
        call(self, *args)

    monkeypatch.setattr(Launch, "__call__", counted)
    yield names


@pytest.fixture(autouse=True)
def formulas() -> Iterator[None]:
    with torch.config(defer_elements=2000):
        yield


def points(n: int, seed: int) -> Any:
    return torch.tensor(np.random.default_rng(seed).normal(size=(n, 3)), requires_grad=True)


def kernel(x: Any, y: Any) -> Any:
    return (-((x[:, None] - y) ** 2).sum(-1)).exp()


def dense(x: Any, y: Any) -> Any:
    x, y = x.detach().numpy(), y.detach().numpy()
    return np.exp(-((x[:, None] - y) ** 2).sum(-1))


def norm(q: Any, p: Any) -> Any:
    return 0.5 * (p * (kernel(q, q) @ p)).sum()


@pytest.mark.parametrize("first", ["value", "gradient", "other gradient"])
def test_a_value_and_its_gradients_are_one_pass(launched: list[str], first: str) -> None:
    q, p = points(N, 0), points(N, 1)
    h = norm(q, p)
    gq, gp = torch.autograd.grad(h, [q, p], create_graph=True)
    order = {"value": [h, gq, gp], "gradient": [gq, h, gp], "other gradient": [gp, gq, h]}[first]
    for tensor in order:
        tensor.detach().numpy()
    assert len(launched) == 1
    k, w = dense(q, q), p.detach().numpy()
    assert float(h) == pytest.approx(0.5 * (w * (k @ w)).sum())
    np.testing.assert_allclose(gp.detach().numpy(), k @ w, 1e-10)
    x = q.detach().numpy()
    exact = -2 * ((k * (w @ w.T))[..., None] * (x[:, None] - x)).sum(1)
    np.testing.assert_allclose(gq.detach().numpy(), exact, 1e-9, 1e-9)


def test_the_value_after_gradients_without_a_graph(launched: list[str]) -> None:
    q, p = points(N, 0), points(N, 1)
    h = norm(q, p)
    torch.autograd.grad(h, [q, p])
    h.item()
    assert len(launched) == 1


def test_a_value_that_is_read_first_is_a_pass_of_its_own(launched: list[str]) -> None:
    """Its gradients do not exist yet; they are one more pass together."""
    q, p = points(N, 0), points(N, 1)
    h = norm(q, p)
    h.item()
    torch.autograd.grad(h, [q, p])
    assert len(launched) == 2


def test_several_losses_of_one_kernel_matrix_are_one_pass(launched: list[str]) -> None:
    x, y = points(N, 0), points(M, 1)
    k = kernel(x, y)
    losses = [k.sum(), (k**2).mean(), k.logsumexp(1).sum(), k.amax(), k.sum(0)]
    found = [loss.detach().numpy() for loss in losses]
    assert len(launched) == 1
    e = dense(x, y)
    exact = [e.sum(), (e**2).mean(), np.log(np.exp(e).sum(1)).sum(), e.max(), e.sum(0)]
    for a, b in zip(found, exact, strict=True):
        np.testing.assert_allclose(a, b, 1e-10)


def test_the_same_points_in_another_formula(launched: list[str]) -> None:
    x, y = points(N, 0), points(M, 1)
    a, b = kernel(x, y).sum(), (x @ y.T).cos().sum()
    c = (x[:, None, 0] * y[:, 0]).sin().sum()
    a.item(), b.item(), c.item()
    assert len(launched) == 1


def test_what_needs_loops_of_its_own_or_is_dropped_is_not_computed(launched: list[str]) -> None:
    x, y, z = points(N, 0), points(M, 1), points(M, 2)
    k = kernel(x, y)
    kept, other, rows = k.sum(), kernel(x, z).sum(), kernel(y, z).sum(1)
    dropped = (k * 2).sum(0)
    value = dropped._value
    del dropped
    kept.item()
    assert len(launched) == 1
    assert value.is_pending and k._is_formula and other._is_formula and rows._is_formula


def test_results_that_do_not_fit_are_left_alone() -> None:
    x = torch.tensor(np.random.default_rng(0).normal(size=20_000), requires_grad=True)
    with torch.config(memory_budget=100_000):
        y = (x.sin() * x.exp()).sum()
        (g,) = torch.autograd.grad(y, x, create_graph=True)
        assert np.isfinite(y.item())
        with pytest.raises(torch.OutOfMemoryError):
            g.detach().numpy()


def test_a_chain_and_its_gradient_are_one_pass(launched: list[str]) -> None:
    x = torch.tensor(np.random.default_rng(0).normal(size=20_000), requires_grad=True)
    y = (x.sin() * x.exp() + x.tanh()).sum()
    (g,) = torch.autograd.grad(y, x, create_graph=True)
    y.item()
    a = x.detach().numpy()
    exact = np.exp(a) * (np.sin(a) + np.cos(a)) + 1 - np.tanh(a) ** 2
    np.testing.assert_allclose(g.detach().numpy(), exact, 1e-10)
    assert len(launched) == 1


# ------------------------------------------------------------------------------------- threads


def started(*work: Any) -> list[threading.Thread]:
    threads = [threading.Thread(target=w, daemon=True) for w in work]
    for t in threads:
        t.start()
    return threads


def joined(threads: list[threading.Thread]) -> None:
    for t in threads:
        t.join(60)
        assert not t.is_alive()


def test_different_formulas_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both threads are inside a kernel before either is done."""
    meet = threading.Barrier(2, timeout=30)
    call = Launch.__call__

    def met(self: Launch, *args: Any) -> None:
        meet.wait()
        call(self, *args)

    monkeypatch.setattr(Launch, "__call__", met)
    x, y, z = points(N, 0), points(M, 1), points(M, 2)
    a, b = kernel(x, y).sum(1), kernel(y, z).sin().sum(1)
    found: dict[str, Any] = {}
    joined(started(lambda: found.update(a=a.detach().numpy()),
                   lambda: found.update(b=b.detach().numpy())))  # fmt: skip
    np.testing.assert_allclose(found["a"], dense(x, y).sum(1), 1e-10)
    np.testing.assert_allclose(found["b"], np.sin(dense(y, z)).sum(1), 1e-10)


def test_one_formula_for_several_threads_is_computed_once(
    monkeypatch: pytest.MonkeyPatch, launched: list[str]
) -> None:
    call = Launch.__call__

    def slow(self: Launch, *args: Any) -> None:
        time.sleep(0.3)  # the others ask meanwhile
        call(self, *args)

    monkeypatch.setattr(Launch, "__call__", slow)
    x, y = points(N, 0), points(M, 1)
    k = kernel(x, y)
    s = k.sum(1)
    above = s.exp() + 1
    found: list[Any] = []
    joined(started(*(lambda t=t: found.append(t.detach().numpy())
                     for t in (s, s, above, s.detach()))))  # fmt: skip
    rows = dense(x, y).sum(1)
    assert len(found) == 4
    for a in found:
        wanted = rows if abs(a[0] - rows[0]) < 1e-6 else np.exp(rows) + 1
        np.testing.assert_allclose(a, wanted, 1e-10)
    assert len(launched) == 1


def test_memory_is_not_written_while_a_kernel_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, wrote = threading.Event(), threading.Event()
    call = Launch.__call__

    def slow(self: Launch, *args: Any) -> None:
        inside.set()
        assert not wrote.wait(0.3)
        call(self, *args)

    monkeypatch.setattr(Launch, "__call__", slow)
    x, y = points(N, 0).detach(), points(M, 1).detach()
    exact = dense(x, y).sum(1)
    s = kernel(x, y).sum(1)
    found: list[Any] = []

    def write() -> None:
        assert inside.wait(30)
        x.add_(1)
        wrote.set()

    joined(started(lambda: found.append(s.numpy()), write))
    np.testing.assert_allclose(found[0], exact, 1e-10)
    assert wrote.is_set()


def test_many_threads_and_writes() -> None:
    """Formulas of shared points, written between, by all threads: every one its own numbers."""
    shared = points(N, 0).detach()
    e = dense(shared, shared)
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            own = points(N, seed).detach()
            for turn in range(8):
                k = kernel(shared, own)
                results = [k.sum(0), k.amax(1), kernel(shared, shared).sum(1), k @ own]
                exact = dense(shared, own)
                kept = own.numpy().copy()
                own.mul_(0.9)
                found = [r.numpy() for r in (results if turn % 2 else reversed(results))]
                wanted = [exact.sum(0), exact.max(1), e.sum(1), exact @ kept]
                for a, b in zip(found, wanted if turn % 2 else reversed(wanted), strict=True):
                    np.testing.assert_allclose(a, b, 1e-9)
        except BaseException as error:
            errors.append(error)

    joined(started(*(lambda s=s: work(s) for s in range(1, 5))))
    assert not errors, errors


# -------------------------------------------------------------------------------------- Ctrl-C

SCRIPT = """
import signal, sys, threading, time
import numpy as np
import pullback as torch

torch.set_num_threads({threads})
x = torch.tensor(np.random.default_rng(0).normal(size=(400_000, 3)).astype("f4"))
small = x[:500]
def f(x): return (-((x[:, None] - x) ** 2).sum(-1)).exp().sin().tanh().sum(1).log().sum()
expected = f(small).item()
if {beside}:  # the pool belongs to another thread
    threading.Thread(target=lambda: f(x).item(), daemon=True).start()
    time.sleep(0.5)
h = f(x + 1 if {beside} else x)
print("ready", flush=True)
try:
    h.item()
    print("finished?", flush=True)
except KeyboardInterrupt:
    print("stopped", flush=True)
assert h._is_formula
assert f(small).item() == expected, (f(small).item(), expected)
g = (x[:1000, 0] * 2).sum()
assert np.isfinite(float(g))
print("usable", flush=True)
sys.stdout.flush()
import os; os._exit(0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(("threads", "beside"), [(1, False), (2, False), (2, True)])
def test_an_interrupt_stops_within_a_second(threads: int, beside: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(threads=threads, beside=beside)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None and process.stderr is not None
            assert process.stdout.readline() == "ready\n", process.stderr.read()
            time.sleep(1.5)
            start = time.monotonic()
            process.send_signal(signal.SIGINT)
            line = process.stdout.readline()
            took = time.monotonic() - start
            rest, errors = process.stdout.read(), process.stderr.read()
        finally:
            process.kill()
    assert line == "stopped\n", (line, errors)
    assert rest == "usable\n", (rest, errors)
    assert took < 1


def test_what_is_computed_again_and_again_is_stored() -> None:
    """A result that somebody holds and that many others are made of, one after the other."""
    x = torch.arange(100_000.0)
    k = (x * 3).remainder(7.0)
    for step in range(4):
        assert k._is_formula == (step < 3)
        np.testing.assert_array_equal((k + step).numpy(), np.remainder(3 * x.numpy(), 7) + step)
    y = x * 2  # what is asked for itself is stored as ever
    y.numpy()
    assert not y._is_formula
