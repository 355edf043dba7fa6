"""The backward pass: `backward` and `grad`, what they are given and what they give.

The pass itself is in `visit`. Formulas among results and gradients are computed together here.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.autograd import graph
from pullback.autograd.around import accumulate
from pullback.autograd.edges import GradientEdge
from pullback.autograd.graph import AccumulateGrad, Node
from pullback.autograd.levels import Levels, top
from pullback.autograd.visit import reachable, run
from pullback.formula import FORMULAS, Formula, evaluate
from pullback.formula.waiting import note_gradient
from pullback.tensor import Tensor, as_size, wrap

ndarray = np.ndarray
FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
REAL = (FLOAT32, FLOAT64)


def as_tuple(tensors: Any) -> tuple[Any, ...]:
    if type(tensors) is tuple:
        return tensors
    if type(tensors) is list:
        return tuple(tensors)
    if isinstance(tensors, (Tensor, GradientEdge)) or not isinstance(tensors, Iterable):
        return (tensors,)  # what is no tensor either is refused with its place
    return tuple(tensors)


Place = Tensor | GradientEdge
# Told of the outputs of every backward pass before it starts, if it is set.
before_pass: Any = None


def backward(
    tensors: Place | Sequence[Place],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Tensor | Sequence[Tensor | None] | None = None,
    inputs: Place | Sequence[Place] | None = None,
) -> None:
    """Add to the `.grad` of the leaves the gradients of the sum of ⟨grad_tensors, tensors⟩.

    `grad_tensors` may be left out for tensors of one element. `inputs` restricts the leaves.
    For a tensor, its `graph.GradientEdge` may be given. `grad_variables` is an old name of
    `grad_tensors`.
    RuntimeError for a tensor that requires no gradient, for a missing or misshapen cotangent, and
    for a second pass through freed values.
    """
    if grad_variables is not None:
        warnings.warn(
            "`grad_variables` is deprecated. Use `grad_tensors` instead.",
            FutureWarning, stacklevel=2,
        )  # fmt: skip
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to "
                "backward(). Please only use `grad_tensors`."
            )
        grad_tensors = grad_variables
    if Levels.count and top((*as_tuple(tensors), *as_tuple(grad_tensors))) is not None:
        from pullback.autograd.pull import backward_lifted  # which needs this module

        roots = _roots(as_tuple(tensors), grad_tensors, True)
        backward_lifted(as_tuple(tensors), [g for _, _, g in roots], create_graph, inputs)
        return
    roots = _roots(as_tuple(tensors), grad_tensors, create_graph)
    if before_pass is not None:
        before_pass(as_tuple(tensors))
    retain = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        run(roots, None, retain, create_graph)
        if not create_graph:
            _compute(as_tuple(tensors), _gradients_below(roots))
        return
    targets = as_tuple(inputs)
    if not targets:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    edges = [_target_edge(t, k) for k, t in enumerate(targets)]
    for target in targets:
        if isinstance(target, Tensor) and not target.is_leaf:
            graph.retain_grad(target)
    results = run(roots, edges, retain, create_graph)
    if not create_graph:
        _compute(as_tuple(tensors), results.values())
        results = {edge: _numbers(g, False) for edge, g in results.items()}
    for edge, result in results.items():
        node = edge[0]
        if isinstance(node, AccumulateGrad):
            accumulate(node, result if create_graph else wrap(result), create_graph)


def grad(
    outputs: Place | Sequence[Place],
    inputs: Place | Sequence[Place] | Mapping[Any, Place],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> Any:
    """The gradients of the sum of ⟨grad_outputs, outputs⟩ with respect to the inputs.

    A tuple, one per input and of its shape, or a dictionary like the inputs'. `create_graph`
    records the backward pass, so that the gradients can be differentiated again. An input that the
    outputs do not depend on raises, unless `allow_unused` (its gradient is None) or
    `materialize_grads` (zeros). With `is_grads_batched`, each of `grad_outputs` has a first axis
    over several cotangents, and so have the results.
    `only_inputs` has no meaning any more.
    """
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To "
            "accumulate gradient for other parts of the graph, please use torch.autograd.backward.",
            FutureWarning, stacklevel=2,
        )  # fmt: skip
    if type(inputs) is not list and isinstance(inputs, Mapping):
        found = grad(
            outputs, tuple(inputs.values()), grad_outputs, retain_graph, create_graph,
            allow_unused=allow_unused, is_grads_batched=is_grads_batched,
            materialize_grads=materialize_grads,
        )  # fmt: skip
        return dict(zip(inputs, found, strict=True))
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, "
            "but got: allow_unused=False."
        )
    targets = as_tuple(inputs)
    sources = as_tuple(outputs)
    if is_grads_batched:
        from pullback.autograd.pull import batched  # which needs this module

        return batched(sources, targets, grad_outputs, retain_graph, create_graph,
                        allow_unused, materialize_grads)  # fmt: skip
    if not targets:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    edges = []
    for k, target in enumerate(targets):
        edge = target._edge if type(target) is Tensor else None
        edges.append(_target_edge(target, k) if edge is None else edge)
    lifted = Levels.count and top((*sources, *as_tuple(grad_outputs))) is not None
    roots = _roots(sources, grad_outputs, create_graph or bool(lifted))
    if before_pass is not None:
        before_pass(sources)
    retain = create_graph if retain_graph is None else retain_graph
    if lifted:
        from pullback.autograd.pull import pull  # which needs this module

        made = pull(sources, targets, [g for _, _, g in roots], create_graph)
        create_graph = True  # they are tensors
        found = {e: g for e, g in zip(edges, made, strict=True) if g is not None}
    else:
        found = run(roots, edges, retain, create_graph)
    if not create_graph:
        _compute(sources, [found[e] for e in edges if e in found])
    results: list[Tensor | None] = []
    given: set[tuple[Node, int]] = set()
    for k, (target, edge) in enumerate(zip(targets, edges, strict=True)):
        result = found.get(edge)
        if result is not None:
            if not create_graph:
                if type(result) is not ndarray or edge in given:
                    result = _numbers(result, edge in given)
                result = wrap(result)
                given.add(edge)
            elif type(result._value) is Formula:
                note_gradient(result)
            results.append(result)
        elif materialize_grads:
            results.append(wrap(np.zeros(*_meta(target, f"inputs[{k}]"))))
        elif allow_unused:
            results.append(None)
        else:
            shape = f", of shape {list(target.shape)}" if isinstance(target, Tensor) else ""
            raise RuntimeError(
                f"One of the differentiated Tensors appears to not have been used in the graph: "
                f"inputs[{k}]{shape}. Set allow_unused=True if this is "
                f"the desired behavior: its gradient is then None, or zeros with "
                f"materialize_grads=True."
            )
    return tuple(results)


def _compute(outputs: Iterable[Tensor], gradients: Iterable[Any]) -> None:
    """Formulas among results and gradients, evaluated together: they share their loops."""
    pending = []
    for g in gradients:
        if type(g) is Formula and g.is_pending and not g.is_large:
            pending.append(g)
    for t in outputs:
        if isinstance(t, Tensor):
            value = t._value
            if type(value) is Formula and value.is_pending and not value.is_large:
                pending.append(value)
    if pending:
        evaluate(pending)


def _gradients_below(roots: Iterable[tuple[Node, int, Any]]) -> list[Any]:
    """The gradients that the leaves below the roots have now."""
    found = []
    for node in reachable((node for node, _, _ in roots), 0):
        if isinstance(node, AccumulateGrad):
            leaf = node.variable
            if leaf is not None and leaf._grad is not None:
                found.append(leaf._grad._value)
    return found


def _target_edge(target: Any, k: int) -> tuple[Node, int]:
    if isinstance(target, GradientEdge):
        return target.node, target.output_nr
    if not isinstance(target, Tensor):
        raise TypeError(f"inputs[{k}] must be a Tensor, not {type(target).__name__}")
    if target._edge is None:
        raise RuntimeError(
            f"One of the differentiated Tensors does not require grad: inputs[{k}], of shape "
            f"{list(target.shape)}. Call .requires_grad_() on it before it is used."
        )
    return target._edge


def _one(node: Node, array: Any) -> Tensor:
    """The cotangent 1 where a recorded pass starts: loops need not multiply by it."""
    return wrap(FORMULAS.pow(array, 0) if node._deferred else array)


def _meta(place: Place, what: str) -> graph.Meta:
    """Shape and dtype of a tensor or of a place in the graph."""
    meta = place.meta if isinstance(place, GradientEdge) else (place.shape, place._value.dtype)
    if meta is None:
        raise RuntimeError(
            f"{what}: the shape of this GradientEdge is not known, since it was made by hand: use "
            f"get_gradient_edge(tensor), or pass the gradient"
        )
    return meta


def _roots(
    tensors: tuple[Any, ...], cotangents: Any, create_graph: bool
) -> list[tuple[Node, int, Any]]:
    """The edges where the backward pass starts, with their cotangents."""
    given = as_tuple(cotangents) if cotangents is not None else (None,) * len(tensors)
    if len(given) != len(tensors):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(given)} gradients")
    roots = []
    for k, (tensor, g) in enumerate(zip(tensors, given, strict=True)):
        if type(tensor) is Tensor and tensor._edge is not None:  # as usual
            value = tensor._value
            if type(g) is Tensor:
                cotangent = g._value
                if value.shape == cotangent.shape and value.dtype == cotangent.dtype:
                    roots.append((*tensor._edge, g if create_graph else cotangent))
                    continue
            elif g is None and value.size == 1 and value.dtype in REAL:
                ones = np.ones(value.shape, value.dtype)
                node, number = tensor._edge
                roots.append((node, number, _one(node, ones) if create_graph else ones))
                continue
        if isinstance(tensor, GradientEdge):
            edge: Any = (tensor.node, tensor.output_nr)
            if g is not None and tensor.meta is None:  # made by hand: nothing to compare with
                roots.append((*edge, g if create_graph else g._value))
                continue
            shape, dtype = _meta(tensor, f"element {k} of tensors")
        elif not isinstance(tensor, Tensor):
            raise TypeError(f"element {k} must be a Tensor, not {type(tensor).__name__}")
        else:
            edge = tensor._edge
            shape, dtype = tensor._value.shape, tensor._value.dtype
        if edge is None:
            raise RuntimeError(
                f"element {k} of tensors does not require grad and does not have a grad_fn: what "
                f"it was computed from was made without requires_grad=True, detached, or used "
                f"under torch.no_grad()"
            )
        if g is None:
            if math.prod(shape) != 1:
                raise RuntimeError(
                    f"grad can be implicitly created only for scalar outputs, not for shape "
                    f"{list(shape)}: pass a gradient of that shape, or reduce with .sum()"
                )
            if dtype.kind == "c":
                raise RuntimeError(
                    "grad can be implicitly created only for real scalar outputs but got "
                    f"{dtypes.from_numpy(dtype)}: take the .real part, or pass a gradient"
                )
            g = wrap(np.ones(shape, dtype))
        elif not isinstance(g, Tensor):
            raise TypeError(f"gradients can be either Tensors or Nones, not {type(g).__name__}")
        elif g._value.shape != shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{k}] has a shape of {g.shape} and output[{k}] "
                f"has a shape of {as_size(shape)}."
            )
        elif g._value.dtype != dtype:
            if g._value.dtype.kind == "c" and dtype.kind != "c":
                raise RuntimeError(
                    f"For real Tensor outputs the gradient must be real, but grad_output[{k}] "
                    f"is {g.dtype} and output[{k}] is {dtypes.from_numpy(dtype)}"
                )
            g = graph.TENSORS.cast(g, dtype)
        roots.append((*edge, g if create_graph else g._value))
    return roots


def _numbers(value: Any, copy: bool) -> Any:
    """The array of a computed formula."""
    if type(value) is Formula:
        if value.is_pending:
            return value.twin() if copy else value
        value = value.take()
    return value.copy() if copy else value
