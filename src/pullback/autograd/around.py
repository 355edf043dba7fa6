"""The hooks around a node, as the backward pass calls them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pullback.autograd import graph
from pullback.autograd.graph import AccumulateGrad, Node
from pullback.backends.moving import copied
from pullback.formula import Formula
from pullback.tensor import Tensor, wrap


def own(g: Any) -> Any:
    """The same numbers in memory of their own."""
    return g.twin() if type(g) is Formula else copied(g)


def _as_tuple(grads: Any) -> tuple[Any, ...]:
    return tuple(grads) if isinstance(grads, Sequence) else (grads,)


def tensor_hooks(node: Node, arrived: Any, tensors: bool) -> Any:
    """The hooks on the outputs' cotangents; then tensors that keep their gradient get it."""
    hooks = node.hooks
    assert hooks is not None
    if not hooks.on_tensor and not hooks.retained:
        return arrived
    grads = list(arrived) if type(arrived) is list else [arrived]
    if not tensors:
        grads = [None if g is None else wrap(g) for g in grads]
    for number, hook in list(hooks.on_tensor.values()):
        if grads[number] is not None:
            grads[number] = _replaced(hook, hook(grads[number]), grads[number])
    for number, reference in list(hooks.retained.items()):
        tensor, g = reference(), grads[number]
        if tensor is not None and g is not None:
            have = tensor._grad
            tensor._grad = graph.TENSORS.clone(g) if have is None else graph.TENSORS.add(have, g)
    if not tensors:  # the hooks may have kept the arrays: a leaf must have its own
        grads = [None if g is None else g._value for g in grads]
        if node.accumulates:
            grads = [own(grads[0])]
    return grads if type(arrived) is list else grads[0]


def before(node: Node, cotangents: tuple[Any, ...], tensors: bool) -> tuple[Any, ...]:
    """The node's pre-hooks."""
    assert node.hooks is not None
    if not node.hooks.before:
        return cotangents
    grads = tuple(g if g is None or tensors else wrap(g) for g in cotangents)
    for hook in list(node.hooks.before.values()):
        result = hook(grads)
        if result is not None:
            grads = _as_tuple(result)
            _check_count("pre-hook", len(grads), len(cotangents))
    return tuple(g if g is None or tensors else g._value for g in grads)


def _check_count(what: str, have: int, want: int) -> None:
    if have != want:
        raise RuntimeError(f"a {what} must give {want} gradients or None, but it gave {have}")


def _replaced(hook: Any, result: Any, g: Any) -> Any:
    if result is None:
        return g
    if not isinstance(result, Tensor):
        raise TypeError(
            f"expected Variable, but hook returned '{type(result).__name__}': a hook gives another "
            f"gradient, or None"
        )
    name = getattr(hook, "__name__", type(hook).__name__)
    if result.shape != g.shape:
        raise RuntimeError(
            f"hook '{name}' has changed the size of value: the gradient had the shape "
            f"{list(g.shape)}, and what it returned has {list(result.shape)}"
        )
    if result.dtype is not g.dtype:
        raise RuntimeError(
            f"hook '{name}' has changed the type of value (was {g.dtype} got {result.dtype}): "
            f"convert what it returns with .to({g.dtype})"
        )
    return result


def after(node: Node, results: Any, cotangents: tuple[Any, ...], tensors: bool) -> Any:
    """The node's hooks on the inputs' cotangents."""
    assert node.hooks is not None
    if not node.hooks.after:
        return results

    def public(grads: Any) -> tuple[Any, ...]:
        return tuple(g if g is None or tensors else wrap(g) for g in grads)

    grads = public(results)
    for hook in list(node.hooks.after.values()):
        replaced = hook(grads, public(cotangents))
        if replaced is not None:
            grads = _as_tuple(replaced)
            _check_count("hook", len(grads), len(results))
    return [g if g is None or tensors else g._value for g in grads]


def accumulate(node: AccumulateGrad, cotangent: Tensor, record: bool) -> None:
    """Add a cotangent to a leaf's gradient, with the node's own hooks around."""
    hooks = node.hooks
    if hooks is None or not (hooks.before or hooks.after):
        node.accumulate(cotangent, record)
        return
    (given,) = before(node, (cotangent,), True)
    if given is None:
        return
    # The hooks may have kept the array: a leaf must have its own.
    node.accumulate(given if record else wrap(own(given._value)), record)
    after(node, (), (given,), True)
