"""The gradients of a tensor that is not computed yet, as formulas: what a backward pass runs."""

from collections.abc import Sequence
from typing import Any

from pullback.autograd import engine
from pullback.autograd.graph import AccumulateGrad
from pullback.autograd.operation_node import OperationNode
from pullback.graph.kernels import is_pending
from pullback.op import Opaque
from pullback.tensor import Tensor

MAX_OPERATORS = 1000
"""Writing down the gradients of a larger graph takes longer than anybody waits for a page."""


def pending_gradients(tensors: Sequence[Any]) -> tuple[list[Tensor], str]:
    """The gradients of the leaves, not computed, and what to tell the reader if there are none.

    They are made only where that runs nothing of the user's and computes nothing large.
    """
    roots = [t for t in tensors if isinstance(t, Tensor) and t.grad_fn is not None]
    if not roots or not any(is_pending(t._value) for t in roots):
        return [], ""
    reason, leaves = _look(roots)
    if reason:
        return [], f"The kernels are those of the value alone: {reason}."
    given, engine.before_pass = engine.before_pass, None
    try:
        found = engine.grad(roots, leaves, create_graph=True, allow_unused=True)
    finally:
        engine.before_pass = given
    return [g for g in found if g is not None], ""


def _look(roots: Sequence[Tensor]) -> tuple[str, list[Tensor]]:
    """Why the gradients are better not written down, or nothing; and the leaves."""
    if any(t._value.size != 1 for t in roots):
        return "it is not one number, so that its gradient depends on another value", []
    leaves: dict[int, Tensor] = {}
    seen: set[int] = set()
    stack: list[Any] = [t.grad_fn for t in roots]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if len(seen) > MAX_OPERATORS:
            return f"its graph has more than {MAX_OPERATORS:,} operators", []
        if node.hooks is not None:
            return f"{node.name()} has hooks, which would be called", []
        if isinstance(node, AccumulateGrad):
            leaf = node.variable
            if leaf is not None:
                leaves[id(leaf)] = leaf
            continue
        if not isinstance(node, OperationNode):
            return f"{node.name()} runs code of its own", []
        if node.released:
            return f"{node.name()} has let go of what it saved", []
        if isinstance(node.op, Opaque) and not node.deferred:
            return f"{node.name()} would be computed by a library, at once", []
        stack += [target for target, _ in node.next_functions if target is not None]
    return ("", list(leaves.values())) if leaves else ("nobody holds its leaves any more", [])
