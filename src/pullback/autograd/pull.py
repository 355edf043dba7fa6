"""Gradients of tensors with tangents or hidden axes (`levels`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pullback.autograd import graph
from pullback.autograd.around import accumulate
from pullback.autograd.engine import as_tuple, grad
from pullback.autograd.graph import AccumulateGrad
from pullback.autograd.levels import (
    BatchLevel,
    hidden,
    hide,
    is_hidden,
    payload,
    plain_parts,
    split,
    top,
    whole,
    with_tangent,
    within,
)
from pullback.autograd.modes import mode
from pullback.autograd.visit import reachable, run
from pullback.tensor import Tensor, wrap


def pull(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], cotangents: Sequence[Tensor], record: bool
) -> list[Tensor | None]:
    """The gradients of ⟨cotangents, outputs⟩ in the inputs, for tensors with tangents or hidden
    axes too. Formulas among them stay formulas; the graph is kept.

    A gradient's tangent is the gradient of the outputs' tangents: derivatives in two directions
    commute. With a hidden axis, the examples are apart in the graph of the whole, as long as the
    inputs have the axis as well.
    """
    level = top(outputs)
    if level is None:
        roots = [(*t._edge, g) for t, g in zip(outputs, cotangents, strict=True) if t._edge]
        if not roots:
            return [None] * len(inputs)
        tensors = record or top(cotangents) is not None
        if not tensors:
            roots = [(node, number, g._value) for node, number, g in roots]
        edges = [x._edge for x in inputs]
        found = run(roots, [e for e in edges if e is not None], True, record, tensors)
        made = [found.get(e) if e is not None else None for e in edges]
        return [g if g is None or tensors else wrap(g) for g in made]
    if isinstance(level, BatchLevel):
        return _pull_examples(level, outputs, inputs, cotangents, record)
    inputs = [split(x, level)[0] for x in inputs]
    parts = [split(y, level) for y in outputs]
    results = pull([p for p, _ in parts], inputs, cotangents, record)
    pairs = [(t, split(g, level)[0]) for (_, t), g in zip(parts, cotangents, strict=True)
             if t is not None]  # fmt: skip
    more = pull([t for t, _ in pairs], inputs, [g for _, g in pairs], record)
    both: list[Tensor | None] = []
    for g, t in zip(results, more, strict=True):
        if t is not None:
            g, have = (graph.TENSORS.zeros_like(t), None) if g is None else split(g, level)
            g = with_tangent(g, level, t if have is None else graph.TENSORS.add(have, t))
        both.append(g)
    return both


def _pull_examples(
    level: BatchLevel, outputs: Sequence[Tensor], inputs: Sequence[Tensor],
    cotangents: Sequence[Tensor], record: bool,
) -> list[Tensor | None]:  # fmt: skip
    """`pull` of outputs some of which have the hidden axis of a level."""
    pairs = list(zip(outputs, cotangents, strict=True))
    apart = [(payload(y), whole(g, level)) for y, g in pairs if is_hidden(y, level)]
    same = [(y, g) for y, g in pairs if not is_hidden(y, level)]
    own = [payload(x) if is_hidden(x, level) else x for x in inputs]
    results = pull([y for y, _ in apart], own, [g for _, g in apart], record)
    for k, (x, g) in enumerate(zip(inputs, results, strict=True)):
        if g is not None and not is_hidden(x, level):
            raise RuntimeError(
                f"vmap: the gradient, for each of {level.size} examples, in a tensor of shape "
                f"{list(x.shape)} that they share was asked for. Use func.grad or func.vjp inside "
                f"vmap, which make a variable for each example"
            )
        results[k] = None if g is None else hide(g, level)
    if same:
        more = pull([y for y, _ in same], inputs, [g for _, g in same], record)
        add = graph.TENSORS.add
        results = [a if b is None else b if a is None else add(a, b)
                   for a, b in zip(results, more, strict=True)]  # fmt: skip
    return results


def backward_lifted(
    outputs: Sequence[Tensor], cotangents: Sequence[Tensor], record: bool, inputs: Any
) -> None:
    """`backward` of tensors with tangents: the leaves' gradients have tangents as well."""
    if inputs is None:
        starts = [part._edge[0] for y in outputs for part in plain_parts(y) if part._edge]
        nodes = [node for node in reachable(starts, 0) if isinstance(node, AccumulateGrad)]
        leaves = [leaf for leaf in (node.variable for node in nodes) if leaf is not None]
    else:
        leaves = list(as_tuple(inputs))
    for leaf, g in zip(leaves, pull(outputs, leaves, cotangents, record), strict=True):
        if g is None:
            continue
        node = leaf._edge[0] if leaf._edge is not None else None
        if not isinstance(node, AccumulateGrad):
            raise RuntimeError("backward() through tensors with tangents takes leaves as `inputs`")
        recorded = mode.enabled
        try:
            mode.switch(record)
            accumulate(node, g, True)
        finally:
            mode.enabled = recorded  # before any call: Ctrl-C may come as one begins
            mode.switch(recorded)


def batched(
    outputs: tuple[Any, ...], inputs: tuple[Any, ...], cotangents: Any, retain: bool | None,
    create: bool, unused: bool | None, materialize: bool,
) -> tuple[Tensor | None, ...]:  # fmt: skip
    """One backward pass for all the cotangents: their first axis is hidden from it."""
    batches = as_tuple(cotangents)
    lengths = {g.shape[0] for g in batches if g is not None and g.ndim}
    if len(lengths) != 1:
        raise RuntimeError("is_grads_batched=True needs grad_outputs with a common first axis")
    (count,) = lengths
    if count == 0:
        raise RuntimeError("is_grads_batched=True needs at least one cotangent, but got none")

    def pulled(level: BatchLevel) -> tuple[Tensor | None, ...]:
        given = [None if g is None else hidden(g, level) for g in batches]
        made = grad(
            outputs, inputs, given, retain, create, allow_unused=unused,
            materialize_grads=materialize,
        )  # fmt: skip
        return tuple(None if g is None else whole(g, level) for g in made)

    found: tuple[Tensor | None, ...] = within(BatchLevel(count, "same"), pulled)
    return found
