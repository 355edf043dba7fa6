"""Hooks of tensors and nodes, of leaves after accumulation; gradients that are kept."""

from __future__ import annotations

from typing import Any

import pytest

import pullback as torch
from pullback.autograd.graph import RemovableHandle, retain_grad

grad = torch.autograd.grad


def leaf(n: int = 4, **options: Any) -> Any:
    return torch.arange(1.0, n + 1, **options).requires_grad_()


def test_tensor_hooks_see_and_replace_gradients() -> None:
    x = leaf()
    seen: list[Any] = []
    y = x * 2
    first = y.register_hook(lambda g: seen.append(g.tolist()))
    second = y.register_hook(lambda g: g * 10)
    y.sum().backward(retain_graph=True)
    assert seen == [[1] * 4]
    assert x.grad.tolist() == [20] * 4
    second.remove()
    second.remove()
    y.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [22] * 4
    with first:
        pass
    y.sum().backward()
    assert len(seen) == 2


def test_tensor_hooks_get_the_whole_gradient_once() -> None:
    x = leaf()
    seen: list[Any] = []
    x.register_hook(lambda g: seen.append(g.tolist()))
    (x + x * 2 + x.sum()).sum().backward()
    assert seen == [[7] * 4]


def test_hooks_on_leaves_run_for_grad_too() -> None:
    x = leaf()
    x.register_hook(lambda g: g * 3)
    assert grad(x.sum(), x)[0].tolist() == [3] * 4


def test_arrays_that_hooks_hold_are_theirs() -> None:
    x = leaf()
    mine, kept = torch.full((4,), 7.0), []
    handle = x.register_hook(lambda g: mine)
    x.sum().backward()
    x.sum().backward()
    assert mine.tolist() == [7] * 4 and x.grad.tolist() == [14] * 4
    handle.remove()
    x.grad = None
    x.register_hook(kept.append)
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    assert [g.tolist() for g in kept] == [[2] * 4] * 2 and x.grad.tolist() == [4] * 4


def test_arrays_that_node_hooks_hold_are_theirs() -> None:
    x = leaf()
    kept: list[Any] = []
    for _ in range(2):
        y = x * 2
        y.grad_fn.register_hook(lambda inputs, outputs: kept.append(inputs[0]))
        y.sum().backward()
    assert [g.tolist() for g in kept] == [[2] * 4] * 2 and x.grad.tolist() == [4] * 4


def test_node_hooks() -> None:
    x = leaf()
    log: list[Any] = []
    y = x * 2
    y.register_hook(lambda g: log.append("tensor"))
    y.grad_fn.register_prehook(lambda outputs: log.append(("pre", outputs[0].tolist())))
    y.grad_fn.register_hook(
        lambda inputs, outputs: log.append(
            ("post", inputs[0].tolist(), inputs[1], outputs[0].tolist())
        )
    )
    y.sum().backward()
    assert log == ["tensor", ("pre", [1] * 4), ("post", [2] * 4, None, [1] * 4)]


def test_node_hooks_replace_gradients() -> None:
    x = leaf()
    y = x * 2
    y.grad_fn.register_prehook(lambda outputs: (outputs[0] * 10,))
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] + 1, None))
    y.sum().backward()
    assert x.grad.tolist() == [21] * 4


def test_hooks_of_a_node_that_is_only_an_input() -> None:
    """Tensor hooks change the gradient that is asked for; the node's own do not run."""
    log: list[str] = []
    y = leaf() * 2
    y.grad_fn.register_prehook(lambda g: log.append("pre"))
    y.grad_fn.register_hook(lambda i, o: log.append("post"))
    y.register_hook(lambda g: g * 2)
    assert grad((y * 3).sum(), y)[0].tolist() == [6] * 4
    assert log == []


def test_hooks_can_be_recorded() -> None:
    x = leaf(3, dtype=torch.float64)
    y = x * x
    with y.register_hook(lambda g: g * y):
        (g,) = grad(y.sum(), x, create_graph=True)  # x² · 2x
    assert g.tolist() == [2, 16, 54]
    assert grad(g.sum(), x)[0].tolist() == [6, 24, 54]


def test_post_accumulate_hooks() -> None:
    x = leaf()
    seen: list[Any] = []
    handle = x.register_post_accumulate_grad_hook(lambda t: seen.append((t is x, t.grad.tolist())))
    grad(x.sum(), x)
    assert seen == []
    x.sum().backward()
    x.sum().backward()
    assert seen == [(True, [1] * 4), (True, [2] * 4)]
    handle.remove()
    x.sum().backward()
    assert len(seen) == 2


def test_a_hook_can_run_a_backward_pass() -> None:
    x, w = leaf(), leaf()
    y = x * 2

    def hook(g: Any) -> None:
        with torch.enable_grad():
            (w * g).sum().backward()

    y.register_hook(hook)
    y.sum().backward()
    assert x.grad.tolist() == [2] * 4 and w.grad.tolist() == [1] * 4


def test_retain_grad() -> None:
    x = leaf()
    y = x * 2
    y.retain_grad()
    y.retain_grad()
    z = y * y
    z.sum().backward(retain_graph=True)
    assert y.grad.tolist() == [4, 8, 12, 16]
    z.sum().backward()
    assert y.grad.tolist() == [8, 16, 24, 32]
    x.retain_grad()  # nothing to do
    assert (x * 1).grad is None


def test_kept_gradients_see_all_hooks_and_follow_writes() -> None:
    """As in PyTorch: they come after all tensor hooks, and move on with the tensor."""
    x = leaf()
    y = x * 2
    retain_grad(y)
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert y.grad.tolist() == [10] * 4
    z = x * 2
    retain_grad(z)
    old = z.grad_fn
    z.mul_(3)
    assert old.hooks.retained == {}
    z.sum().backward()
    assert z.grad.tolist() == [1] * 4


def test_hooks_before_an_in_place_write_belong_to_the_old_value() -> None:
    x = leaf()
    seen: list[Any] = []
    y = x * 2
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.mul_(3)
    y.sum().backward()
    assert seen == [[3] * 4]


def test_handles() -> None:
    hooks: dict[int, Any] = {}
    first, second = RemovableHandle(hooks, 1), RemovableHandle(hooks, 2)
    assert first.id != second.id and len(hooks) == 2
    first.remove()
    assert hooks == {second.id: 2}


@pytest.mark.parametrize("way", ["backward", "create_graph", "inputs"])
def test_hooks_of_the_node_that_accumulates(way: str) -> None:
    x = leaf(2)
    y = x * 3
    node = y.grad_fn.next_functions[0][0]
    log: list[Any] = []

    def before(gs: Any) -> Any:
        log.append(gs[0].tolist())
        return (gs[0] * 2,)

    node.register_prehook(before)
    handle = node.register_hook(lambda inputs, outputs: log.append((inputs, outputs[0].tolist())))
    x.register_post_accumulate_grad_hook(lambda x: log.append(x.grad.tolist()))
    options = {"create_graph": way == "create_graph", "inputs": [x] if way == "inputs" else None}
    y.sum().backward(retain_graph=True, **options)
    assert log == [[3, 3], [6, 6], ((), [6, 6])]
    assert x.grad.tolist() == [6, 6]
    handle.remove()
    y.sum().backward(retain_graph=True)
    assert log[3:] == [[3, 3], [12, 12]]
    assert grad(y.sum(), x)[0].tolist() == [3, 3]  # nothing is accumulated
    assert len(log) == 5


def test_gradients_that_hooks_of_the_node_kept_are_theirs() -> None:
    x = leaf(2)
    y = x * 3
    kept: list[Any] = []
    y.grad_fn.next_functions[0][0].register_prehook(lambda gs: kept.append(gs[0]))
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    assert kept[0].tolist() == [3, 3]
    assert x.grad.tolist() == [6, 6]
