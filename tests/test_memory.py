"""Long, wide and deep graphs; and when the memory of a graph goes."""

from __future__ import annotations

import gc
import sys
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.backends.moving import copied

grad = torch.autograd.grad


def leaf(n: int = 4) -> Any:
    return torch.ones(n).requires_grad_()


# ------------------------------------------------------------------------------- iteration


def in_a_small_stack(work: Callable[[], None]) -> None:
    """Run in a thread whose stack is small, with Python's usual limit of recursion."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    before = threading.stack_size(512 * 1024)
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    if errors:
        raise errors[0]


def chain(x: Any, length: int) -> Any:
    y = x
    for _ in range(length // 2):
        y = y * 1.0 + 1.0
    return y


def walk_a_chain(length: int) -> None:
    x = leaf(1)
    y = chain(x, length)
    y.backward()
    assert x.grad.tolist() == [1]
    reference = weakref.ref(y.grad_fn)
    del y
    assert reference() is None


@pytest.mark.usefixtures("no_collector")
def test_a_million_operations() -> None:
    assert sys.getrecursionlimit() <= 1000
    walk_a_chain(1_000_000)


@pytest.mark.usefixtures("no_collector")
def test_a_million_operations_in_a_small_stack() -> None:
    in_a_small_stack(lambda: walk_a_chain(1_000_000))


@pytest.mark.usefixtures("no_collector")
def test_long_chains_of_every_kind() -> None:
    """With records, targets, writes, views, several outputs and hooks on the way."""

    def work() -> None:
        length = 20_000
        x = leaf(2)
        y = chain(x, length)
        (g,) = grad(y.sum(), x)
        assert g.tolist() == [1, 1]
        (g,) = grad(chain(x, length).sum(), x, create_graph=True)
        assert g.tolist() == [1, 1]
        del g
        z = x * 1
        for _ in range(length):
            z.mul_(1.0)
        for _ in range(length // 4):
            z[0] *= 1.0
        for _ in range(length // 4):
            z = torch.stack(z.unbind(0))
        for _ in range(length // 4):
            z = z.view(2, 1).view(2)
        for _ in range(length // 4):
            z = z * 1.0
            z.register_hook(lambda g: g * 1.0)
        z.sum().backward()
        assert x.grad.tolist() == [1, 1]
        del y, z

    in_a_small_stack(work)


def test_chains_of_gradients_are_released() -> None:
    """Second-order graphs of long chains: the record of a backward pass is a chain as well."""

    def work() -> None:
        x = leaf(1)
        y = x
        for _ in range(20_000):
            y = y * x
        (g,) = grad(y.sum(), x, create_graph=True)
        assert g.item() == 20_001
        (second,) = grad(g.sum(), x)
        assert second.item() == pytest.approx(20_001 * 20_000, rel=1e-4)
        del y, g

    in_a_small_stack(work)


def test_a_node_with_many_consumers() -> None:
    x = leaf()
    y = x * 1.0
    total = torch.stack([y * 1.0 for _ in range(100_000)]).sum()
    total.backward()
    assert x.grad.tolist() == [100_000] * 4


def test_a_leaf_with_many_consumers() -> None:
    x = leaf()
    total = torch.stack([x * 2.0 for _ in range(100_000)]).sum()
    total.backward(retain_graph=True)
    (g,) = grad(total, x)
    assert x.grad.tolist() == g.tolist() == [200_000] * 4


@pytest.mark.parametrize("create_graph", [False, True])
def test_diamonds(create_graph: bool) -> None:
    """2⁶⁰ paths, of 60 diamonds: each node is visited once."""
    x = leaf()
    y = x
    calls: list[int] = []
    for _ in range(60):
        y = y * 0.5 + y * 0.5
        y.register_hook(lambda g: calls.append(1))
    (g,) = grad(y.sum(), x, create_graph=create_graph)
    assert g.tolist() == [1] * 4
    assert len(calls) == 60


def test_a_long_bypass() -> None:
    """A short and a long path between two nodes: the older waits for the younger."""
    x = leaf()
    y = x * 1.0
    z = y + chain(y, 10_000) + y
    for _ in range(2):
        z.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [6] * 4


def test_an_old_node_with_young_consumers() -> None:
    """Visiting by age is right for leaves and tensors that are older than the rest."""
    w, x = leaf(), leaf()
    old = w * 2.0
    y = x
    for _ in range(100):
        y = y * 1.0 + old
    gw, gx = grad(y.sum(), [w, x])
    assert gw.tolist() == [200] * 4 and gx.tolist() == [1] * 4


# --------------------------------------------------------------------------------- release

N = 60_000  # elements: their arrays tower above everything else that is allocated


def forward_only(x: Any) -> Any:
    return (x * x).exp().sum()


def after_backward(x: Any) -> Any:
    y = (x * x).exp().sum()
    y.backward()
    return y


def after_backward_that_retains(x: Any) -> Any:
    y = (x * x).exp().sum()
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    return y


def after_create_graph(x: Any) -> Any:
    y = (x * x).exp().sum()
    (g,) = grad(y, x, create_graph=True)
    return (g * g).sum()


def after_two_orders(x: Any) -> Any:
    y = (x * x).exp().sum()
    (g,) = grad(y, x, create_graph=True)
    (h,) = grad((g * g).sum(), x, create_graph=True)
    return h.sum() + y


def with_hooks(x: Any) -> Any:
    y = x * x
    z = y.exp()
    y.register_hook(lambda g: g * 2)
    z.grad_fn.register_hook(lambda i, o: None)
    z.grad_fn.register_prehook(lambda o: None)
    z.sum().backward(retain_graph=True)
    return z


def with_retained_gradients(x: Any) -> Any:
    y = x * x
    y.retain_grad()
    z = y.exp()
    z.retain_grad()
    z.sum().backward(retain_graph=True)
    return z


def with_views(x: Any) -> Any:
    y = x * 1.0
    rows = y.view(100, -1)
    parts = rows.unbind(0)
    return torch.stack([p * p for p in parts]).sum() + rows.t()[0].sum() + y.detach().sum()


def with_writes(x: Any) -> Any:
    y = x * 1.0
    v, w = y[: N // 2], y[N // 4 :]
    v.mul_(v)
    w.sin_()
    y.add_(1.0)
    y.sum().backward(retain_graph=True)
    return y.sum() + v.sum() + w.sum()


def with_several_outputs(x: Any) -> Any:
    values, _ = x.view(100, -1).max(1)
    ordered, _ = x.sort()
    return values.sum() + (ordered * ordered).sum()


def after_an_error(x: Any) -> Any:
    y = (x * x).exp()
    z = y * 2.0
    y.mul_(2.0)
    with pytest.raises(RuntimeError):
        z.sum().backward()
    return z


def with_batches(x: Any) -> Any:
    y = x.view(2, -1).sum(1)
    grad(y * y, x, torch.eye(2), is_grads_batched=True, retain_graph=True)
    return y


PROGRAMS = [
    forward_only, after_backward, after_backward_that_retains, after_create_graph, after_two_orders,
    with_hooks, with_retained_gradients, with_views, with_writes, with_several_outputs,
    after_an_error, with_batches,
]  # fmt: skip


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("program", PROGRAMS)
def test_everything_goes_with_the_last_tensor(program: Any) -> None:
    program(torch.ones(N).requires_grad_())  # caches are filled
    gc.collect()
    gc.disable()  # pytest.raises and others may have enabled it
    tracemalloc.start()
    try:
        x = torch.ones(N).requires_grad_()
        x.sum().backward()
        before, _ = tracemalloc.get_traced_memory()
        y = program(x)
        node = weakref.ref(y.grad_fn)
        during, _ = tracemalloc.get_traced_memory()
        del y
        after, _ = tracemalloc.get_traced_memory()
        assert node() is None
        assert during - before > 4 * N or program is after_backward or program is with_batches
        assert after - before < N  # an array has 4 N bytes
        del x
        end, _ = tracemalloc.get_traced_memory()
        assert before - end > 7 * N  # the leaf and its gradient
    finally:
        tracemalloc.stop()


@pytest.mark.usefixtures("no_collector")
def test_a_backward_pass_frees_saved_values() -> None:
    x = leaf(N)
    y = (x * x).exp()
    saved = weakref.ref(y._value)
    z = (y * 2.0).sum()
    node = y.grad_fn
    del y
    assert saved() is not None
    z.backward(retain_graph=True)
    assert saved() is not None
    z.backward()
    assert saved() is None and node.released
    assert not z.grad_fn.released  # it had saved nothing


@pytest.mark.usefixtures("no_collector")
def test_a_backward_pass_keeps_no_cotangents() -> None:
    """Walking a long chain of large arrays needs the memory of a few."""
    x = leaf(N)
    y = chain(x, 200)
    del x  # nobody wants its gradient: it needs no memory either
    z = y.sum()
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        z.backward()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 5 * 4 * N


@pytest.mark.usefixtures("no_collector")
def test_sums_of_many_cotangents_need_one_array() -> None:
    x = leaf(N)
    y = x * 1.0
    z = torch.stack([y[None].view(-1) for _ in range(50)]).sum(0).sum()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        (y * 1.0 + y * 1.0 + y * 1.0).sum().backward()
        assert z.grad_fn is not None
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 1.5 * 4 * N  # the gradient of x


@pytest.mark.usefixtures("no_collector")
def test_leaves_and_nodes_do_not_keep_each_other() -> None:
    x = leaf()
    y = x * 2.0
    end = y.grad_fn.next_functions[0][0]
    there = weakref.ref(x)
    del x
    assert there() is None and end.variable is None
    y.sum().backward()  # nobody can see the result: no error
    array = weakref.ref(y._value)
    del y
    assert array() is None


@pytest.mark.usefixtures("no_collector")
def test_views_keep_their_base_and_bases_not_their_views() -> None:
    base = torch.zeros(10)
    view = base[2:5]
    memory = weakref.ref(base._value)
    there = weakref.ref(view)
    del view
    assert there() is None
    view = base[2:5]
    del base
    assert memory() is not None
    del view
    assert memory() is None


@pytest.mark.usefixtures("no_collector")
def test_hooks_keep_what_they_refer_to_only_while_the_graph_lives() -> None:
    class Thing:
        pass

    thing = Thing()
    there = weakref.ref(thing)
    x = leaf()
    y = x * 2.0

    def hook(g: Any, kept: Any = thing) -> None:
        pass

    handle = y.register_hook(hook)
    del hook, thing
    assert there() is not None
    handle.remove()
    assert there() is None


@pytest.mark.usefixtures("no_collector")
def test_writes_are_forgotten_with_their_memory() -> None:
    from pullback.autograd import versions

    before = len(versions._written)
    tensors = [torch.zeros(3).add_(1) for _ in range(100)]
    assert len(versions._written) == before + 100
    del tensors
    assert len(versions._written) == before


@pytest.mark.usefixtures("no_collector")
def test_a_training_loop_does_not_grow() -> None:
    w = torch.ones(N).requires_grad_()
    x = torch.linspace(0, 1, N)
    tracemalloc.start()
    try:
        sizes = []
        for step in range(60):
            loss = ((w * x).exp() - 1).square().mean()
            loss.backward()
            with torch.no_grad():
                w -= 0.1 * w.grad
            w.grad.zero_()
            if step >= 20:
                sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert np.ptp(sizes) < 4 * N


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "i1"])
@pytest.mark.parametrize("shape", [(512, 256), (1024, 100), (128, 256), (3, 4096), (7, 5), (4,)])
def test_copies_have_their_elements_in_order(shape: tuple[int, ...], dtype: str) -> None:
    numbers = np.arange(np.prod(shape)).astype(dtype).reshape(shape)
    for array in (numbers, numbers.T, numbers.T.copy().T[..., ::2], numbers[1:].T):
        found = copied(array)
        assert found.flags.c_contiguous and found.flags.owndata and found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)


def test_gradients_of_weights_are_in_order() -> None:
    layer = torch.nn.Linear(256, 512)
    x = torch.randn(8, 256)
    layer(x).sum().backward()
    assert layer.weight.grad.is_contiguous()
    expected = np.broadcast_to(x.numpy().sum(0), (512, 256))
    np.testing.assert_allclose(layer.weight.grad.numpy(), expected, rtol=1e-4, atol=1e-5)
