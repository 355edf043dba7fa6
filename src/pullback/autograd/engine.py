"""The backward pass: `backward` and `grad`.

Cotangents are arrays, and rules run on arrays, unless `create_graph` asks for a record of the
backward pass itself: then they are tensors. Nodes are visited from the youngest to the oldest, each
after everything that contributes to it, without recursion.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pullback.autograd import graph
from pullback.autograd.graph import AccumulateGrad, Node
from pullback.autograd.modes import mode
from pullback.backends.arrays import QUIET, quiet_reset, quiet_set
from pullback.formula import Formula, evaluate
from pullback.tensor import Tensor, wrap


def _as_tuple(tensors: Any) -> tuple[Any, ...]:
    return (tensors,) if isinstance(tensors, Tensor) or tensors is None else tuple(tensors)


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add to the `.grad` of the leaves the gradients of the sum of ⟨grad_tensors, tensors⟩.

    `grad_tensors` may be left out for tensors of one element. `inputs` restricts the leaves.
    RuntimeError for a tensor that requires no gradient, for a missing or misshapen cotangent, and
    for a second pass through freed values.
    """
    roots = _roots(_as_tuple(tensors), grad_tensors, create_graph)
    retain = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        _run(roots, None, retain, create_graph)
        if not create_graph:
            _compute(_as_tuple(tensors), leaves_of(roots))
        return
    targets = _as_tuple(inputs)
    if not targets:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    edges = [_target_edge(t, k) for k, t in enumerate(targets)]
    results = _run(roots, edges, retain, create_graph)
    for target, edge in zip(targets, edges, strict=True):
        result = results.get(edge)
        if result is None:
            continue
        tensor = result if create_graph else wrap(_own(result))
        if edge[0].accumulates:
            edge[0].accumulate(tensor, create_graph)
        else:
            target._grad = (
                tensor if target._grad is None else graph.TENSORS.add(target._grad, tensor)
            )


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of the sum of ⟨grad_outputs, outputs⟩ with respect to the inputs.

    One per input, of its shape. `create_graph` records the backward pass, so that the gradients
    can be differentiated again. An input that the outputs do not depend on raises, unless
    `allow_unused` (its gradient is None) or `materialize_grads` (zeros). With `is_grads_batched`,
    each of `grad_outputs` has a first axis over several cotangents, and so have the results.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, "
            "but got: allow_unused=False."
        )
    targets = _as_tuple(inputs)
    sources = _as_tuple(outputs)
    if is_grads_batched:
        return _batched(sources, targets, grad_outputs, retain_graph, create_graph,
                        allow_unused, materialize_grads)  # fmt: skip
    if not targets:
        raise ValueError("grad requires non-empty inputs.")
    edges = [_target_edge(t, k) for k, t in enumerate(targets)]
    roots = _roots(sources, grad_outputs, create_graph)
    retain = create_graph if retain_graph is None else retain_graph
    found = _run(roots, edges, retain, create_graph)
    if not create_graph:
        _compute(sources, [found[e] for e in edges if e in found])
    results: list[Tensor | None] = []
    for k, (target, edge) in enumerate(zip(targets, edges, strict=True)):
        result = found.get(edge)
        if result is not None:
            results.append(result if create_graph else wrap(_numbers(result)))
        elif materialize_grads:
            results.append(wrap(np.zeros(target.shape, target._value.dtype)))
        elif allow_unused:
            results.append(None)
        else:
            raise RuntimeError(
                f"One of the differentiated Tensors appears to not have been used in the graph: "
                f"inputs[{k}], of shape {list(target.shape)}. Set allow_unused=True if this is "
                f"the desired behavior: its gradient is then None, or zeros with "
                f"materialize_grads=True."
            )
    return tuple(results)


def _compute(outputs: Iterable[Tensor], gradients: Iterable[Any]) -> None:
    """Formulas among results and gradients, evaluated together: they share their loops."""
    pending = [g for g in (*gradients, *(t._value for t in outputs))
               if type(g) is Formula and g.is_pending and not (g.heavy and g.is_large)]  # fmt: skip
    if pending:
        evaluate(pending)


def leaves_of(roots: Any) -> list[Any]:
    """The gradients that the leaves below the roots have now."""
    found = []
    for node in _reachable((node for node, _, _ in roots), 0):
        if node.accumulates:
            leaf = node.reference()  # type: ignore[attr-defined]  # an AccumulateGrad
            if leaf is not None and leaf._grad is not None:
                found.append(leaf._grad._value)
    return found


def _batched(
    outputs: tuple[Any, ...], inputs: tuple[Any, ...], cotangents: Any, retain: bool | None,
    create: bool, unused: bool | None, materialize: bool,
) -> tuple[Tensor | None, ...]:  # fmt: skip
    """One backward pass per cotangent, stacked."""
    batches = [None if g is None else list(g) for g in _as_tuple(cotangents)]
    lengths = {len(b) for b in batches if b is not None}
    if len(lengths) != 1:
        raise RuntimeError("is_grads_batched=True needs grad_outputs with a common first axis")
    (count,) = lengths
    rows = []
    for i in range(count):
        keep = True if i < count - 1 else retain
        row = [None if b is None else b[i] for b in batches]
        rows.append(grad(outputs, inputs, row, keep, create, unused, False, materialize))
    stack = graph.TENSORS.stack
    return tuple(None if any(p is None for p in parts) else stack(list(parts))
                 for parts in zip(*rows, strict=True))  # fmt: skip


def _target_edge(target: Any, k: int) -> tuple[Node, int]:
    if not isinstance(target, Tensor):
        raise TypeError(f"inputs[{k}] must be a Tensor, not {type(target).__name__}")
    if target._edge is None:
        raise RuntimeError(
            f"One of the differentiated Tensors does not require grad: inputs[{k}], of shape "
            f"{list(target.shape)}. Call .requires_grad_() on it before it is used."
        )
    return target._edge


def _roots(
    tensors: tuple[Any, ...], cotangents: Any, create_graph: bool
) -> list[tuple[Node, int, Any]]:
    """The edges where the backward pass starts, with their cotangents."""
    given = _as_tuple(cotangents) if cotangents is not None else (None,) * len(tensors)
    if len(given) != len(tensors):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(given)} gradients")
    roots = []
    for k, (tensor, g) in enumerate(zip(tensors, given, strict=True)):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"element {k} must be a Tensor, not {type(tensor).__name__}")
        if tensor._edge is None:
            raise RuntimeError(
                f"element {k} of tensors does not require grad and does not have a grad_fn"
            )
        value = tensor._value
        if g is None:
            if value.size != 1:
                raise RuntimeError(
                    f"grad can be implicitly created only for scalar outputs, not for shape "
                    f"{list(value.shape)}: pass a gradient of that shape, or reduce with .sum()"
                )
            if value.dtype.kind == "c":
                raise RuntimeError(
                    "grad can be implicitly created only for real scalar outputs but got "
                    f"{tensor.dtype}: take the .real part, or pass a gradient"
                )
            g = wrap(np.ones(value.shape, value.dtype))
        elif not isinstance(g, Tensor):
            raise TypeError(f"gradients can be either Tensors or Nones, not {type(g).__name__}")
        elif g._value.shape != value.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{k}] has a shape of {g.shape} and output[{k}] "
                f"has a shape of {tensor.shape}."
            )
        elif g._value.dtype != value.dtype:
            if g._value.dtype.kind == "c" and value.dtype.kind != "c":
                raise RuntimeError(
                    f"For real Tensor outputs the gradient must be real, but grad_output[{k}] "
                    f"is {g.dtype} and output[{k}] is {tensor.dtype}"
                )
            g = graph.TENSORS.cast(g, value.dtype)
        roots.append((*tensor._edge, g if create_graph else g._value))
    return roots


def _reachable(roots: Iterable[Node], oldest: int) -> list[Node]:
    """The nodes below the roots that are not older than a time, from the oldest."""
    found: list[Node] = []
    seen: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node in seen or node.time < oldest:
            continue
        seen.add(node)
        found.append(node)
        for edge in node.edges:
            if edge is not None:
                stack.append(edge[0])
    found.sort(key=lambda node: node.time)
    return found


def _needed(roots: list[tuple[Node, int, Any]], targets: list[tuple[Node, int]]) -> set[Node]:
    """The nodes from which a target can be reached, targets that nothing else needs excluded."""
    goals = {node for node, _ in targets}
    oldest = min(node.time for node in goals)
    needed: set[Node] = set()
    for node in _reachable((node for node, _, _ in roots), oldest):
        for edge in node.edges:
            if edge is not None and (edge[0] in goals or edge[0] in needed):
                needed.add(node)
                break
    return needed


def _numbers(value: Any) -> Any:
    """The array of a computed formula."""
    return value.take() if type(value) is Formula and not value.is_pending else value


def _own(array: Any) -> Any:
    """An array that nothing else reads."""
    return array.copy()


def _run(
    roots: list[tuple[Node, int, Any]],
    targets: list[tuple[Node, int]] | None,
    retain: bool,
    record: bool,
) -> dict[tuple[Node, int], Any]:
    """The backward pass. Gives the cotangents that arrive at the targets, if there are any."""
    was_recording = mode.enabled
    mode.enabled = record
    token = quiet_set(QUIET)
    try:
        return _visit(roots, targets, retain, record)
    finally:
        quiet_reset(token)
        mode.enabled = was_recording


def _visit(
    roots: list[tuple[Node, int, Any]],
    targets: list[tuple[Node, int]] | None,
    retain: bool,
    tensors: bool,
) -> dict[tuple[Node, int], Any]:
    needed = None if targets is None else _needed(roots, targets)
    wanted: dict[Node, list[int]] = {}
    for node, number in targets or ():
        wanted.setdefault(node, []).append(number)
    captured: dict[tuple[Node, int], Any] = {}
    add = graph.TENSORS.add if tensors else _add
    pending: dict[Node, Any] = {}  # the cotangent, or a list of them for several outputs
    heap: list[tuple[int, Node]] = []
    push, pop = heapq.heappush, heapq.heappop

    for node, number, g in roots:
        if node.accumulates and not tensors and type(g) is np.ndarray:
            g = g.copy()  # it will be the leaf's own, and written in place
        _deliver(node, number, g, pending, heap, add)

    ahead: Node | None = None  # the next node, where it is the only one: no heap is needed
    while heap or ahead is not None:
        if ahead is None:
            node = pop(heap)[1]
        else:
            node, ahead = ahead, None
        arrived = pending.pop(node)
        if node.hooks is not None:
            arrived = _before(node, arrived, tensors)
        if wanted and node in wanted:
            for number in wanted[node]:
                g = arrived[number] if type(arrived) is list else arrived
                if g is not None:
                    captured[node, number] = g
        if node.accumulates:
            if targets is None:
                assert isinstance(node, AccumulateGrad)
                node.accumulate(arrived if tensors else wrap(arrived), tensors)
            continue
        if needed is not None and node not in needed:
            continue
        cotangents = tuple(arrived) if type(arrived) is list else (arrived,)
        results = node.run(cotangents, tensors)
        if node.hooks is not None:
            results = _after(node, results, cotangents, tensors)
        if not retain:
            node.release()
        k = -1
        for edge in node.edges:
            k += 1
            if edge is None:
                continue
            g = results[k]
            if g is None:
                continue
            target, number = edge
            if needed is not None and target not in needed and target not in wanted:
                continue
            if target in pending or target.outputs != 1:
                if ahead is not None:
                    push(heap, (-ahead.time, ahead))
                    ahead = None
                _deliver(target, number, g, pending, heap, add)
                continue
            if target.accumulates and not tensors and _is_shared(g, node, cotangents):
                g = g.copy()  # it will be the leaf's own, and written in place
            pending[target] = g
            if heap:
                push(heap, (-target.time, target))
            elif ahead is None:
                ahead = target
            else:
                push(heap, (-ahead.time, ahead))
                push(heap, (-target.time, target))
                ahead = None
    return captured


def _add(a: Any, b: Any) -> Any:
    if type(a) is np.ndarray and type(b) is np.ndarray:
        return np.add(a, b)
    return graph.TENSORS.add(wrap(a), wrap(b))._value


def _deliver(node: Node, number: int, g: Any, pending: Any, heap: Any, add: Any) -> None:
    """Add a cotangent to what has arrived for an output of a node."""
    if node not in pending:
        heapq.heappush(heap, (-node.time, node))
        pending[node] = None if node.outputs == 1 else [None] * node.outputs
    if node.outputs == 1:
        have = pending[node]
        pending[node] = g if have is None else add(have, g)
    else:
        have = pending[node][number]
        pending[node][number] = g if have is None else add(have, g)


def _is_shared(g: Any, node: Node, cotangents: tuple[Any, ...]) -> bool:
    """Whether a cotangent is, or may be, somebody else's array as well."""
    if type(g) is not np.ndarray:  # a formula has numbers of its own
        return False
    if g.base is not None or any(g is c for c in cotangents):
        return True
    values = getattr(node, "values", None) or ()
    return any(g is v for v in values)


def _before(node: Node, arrived: Any, tensors: bool) -> Any:
    """Hooks on the outputs' cotangents, then the node's pre-hooks."""
    assert node.hooks is not None
    grads = list(arrived) if type(arrived) is list else [arrived]
    if not tensors:
        grads = [None if g is None else wrap(g) for g in grads]
    for number, hook in list(node.hooks.on_tensor.values()):
        if grads[number] is not None:
            grads[number] = _replaced(hook(grads[number]), grads[number])
    for hook in list(node.hooks.before.values()):
        result = hook(tuple(grads))
        if result is not None:
            grads = list(_as_tuple(result))
    if not tensors:
        grads = [None if g is None else g._value for g in grads]
    return grads if type(arrived) is list else grads[0]


def _replaced(result: Any, g: Any) -> Any:
    if result is None:
        return g
    if not isinstance(result, Tensor):
        raise TypeError(f"a hook must return None or a Tensor, not {type(result).__name__}")
    if result.shape != g.shape:
        raise RuntimeError(
            f"a hook has changed the size of the gradient: from {list(g.shape)} to "
            f"{list(result.shape)}"
        )
    return result


def _after(node: Node, results: Any, cotangents: tuple[Any, ...], tensors: bool) -> Any:
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
    return [g if g is None or tensors else g._value for g in grads]
