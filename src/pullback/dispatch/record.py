"""Results as tensors, with a node if a gradient may be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.autograd.graph import Meta
from pullback.autograd.modes import mode
from pullback.autograd.operation_node import OperationNode, node_class
from pullback.autograd.views import note_apart, note_view
from pullback.autograd.watch import watch
from pullback.backends.memory import owner, shares_memory
from pullback.formula import Formula
from pullback.formula.narrow import has_narrow
from pullback.formula.waiting import note
from pullback.op import Op, View
from pullback.tensor import Tensor, wrap

ndarray = np.ndarray


def record(op: Op, args: Sequence[Any], values: Sequence[Any], result: Any, metas: Any) -> Any:
    """Wrap the result, with a node if a gradient may be asked for."""
    several = type(result) is tuple
    is_view = isinstance(op, View)
    if several:
        if not result:  # the parts along an axis of size 0
            return ()
        arrays = tuple(_as_array(r) for r in result)
        if not is_view:
            arrays = tuple(own(op, a, values) for a in arrays)
    else:
        array = _as_array(result)
        arrays = (array if is_view else own(op, array, values),)
    edges = _edges(op, args) if mode.enabled and op.rules else None
    node = None
    if edges is not None and dtypes.kind(arrays[0].dtype) in "fc":
        node = _make_node(op, args, values, arrays, edges, metas)
        if mode.enabled is not True:
            watch(node)
    if several:
        outputs = _wrap_outputs(op, arrays, node)
    else:
        outputs = (wrap(arrays[0], None if node is None else (node, 0)),)
    if type(arrays[0]) is Formula:
        for output in outputs:
            note(output)
    if is_view:
        source = args[0]
        plain = tuple(values[1:])
        for k, output in enumerate(outputs):
            step = (op, plain, k if several else None)
            if type(output._value) is Formula:
                if type(values[0]) is Formula:
                    note_apart(output, source, values[0], step)
            elif not output._value.size and type(source._value) is Formula:
                continue  # no elements of what may never be stored
            elif shares_memory(output._value, source._array):
                note_view(output, source, step)
    return (
        op.tuple_class(*outputs) if several and op.outputs else outputs if several else outputs[0]
    )


def _as_array(value: Any) -> Any:
    return value if type(value) is ndarray or type(value) is Formula else np.asarray(value)


def own(op: Op, array: Any, values: Sequence[Any]) -> Any:
    """A result that is no view in memory of its own: NumPy may give a part of an argument."""
    if type(array) is Formula:  # each tensor takes its numbers in memory of its own
        return array
    if op.in_order and not array.flags.c_contiguous:
        return np.ascontiguousarray(array)
    memory = getattr(array, "base", None)
    if memory is None:
        memory = array
    elif type(memory) is not ndarray:
        memory = owner(array)
    for k in op.tensors:
        value = values[k]
        if type(value) is list:
            for v in value:
                if v is memory or (type(v) is ndarray and owner(v) is memory):
                    return array.copy("K")
        elif value is memory or (type(value) is ndarray and owner(value) is memory):
            return array.copy("K")
    return array


def _edges(op: Op, args: Sequence[Any]) -> tuple[Any, ...] | None:
    """The edges of the differentiable arguments; None if no gradient is needed."""
    edges: list[Any] = []
    needed = False
    for k in op.edges:
        value = args[k]
        for x in value if op.parameters[k].is_list else (value,):
            edge = x._edge if isinstance(x, Tensor) else None
            needed = needed or edge is not None
            edges.append(edge)
    return tuple(edges) if needed else None


def _make_node(
    op: Op, args: Sequence[Any], values: Sequence[Any], outputs: tuple[Any, ...],
    edges: tuple[Any, ...], metas: Any,
) -> OperationNode:  # fmt: skip
    needs = tuple(
        any(isinstance(x, Tensor) and x._edge is not None for x in args[k])
        if op.parameters[k].is_list
        else isinstance(args[k], Tensor) and args[k]._edge is not None
        for k in op.edges
    )
    plan = op.plan(needs)
    kept = []
    for what, k in plan.sources:
        if what == "output":
            kept.append(outputs[k])
        elif what == "kept shape":
            kept.append((saved(op, what, k, args, values), plan.saved_outputs))
        else:
            kept.append(saved(op, what, k, args, values))
    overload = op.overload(*args) if op.overload is not None else 0
    output_metas = metas_of_outputs(op, outputs)
    node = node_class(op, overload)(edges, plan, tuple(kept))
    if any(type(v) is Formula for v in (*outputs, *values, *kept)):
        node.deferred = True
    if metas is not None:
        node.metas = metas
    if has_narrow((*outputs, *values)):
        node.narrow = True
    if output_metas is not None:
        node.output_metas = output_metas
        node.outputs = len(output_metas)
    return node


def saved(op: Op, what: str, k: int, args: Sequence[Any], values: Sequence[Any]) -> Any:
    """What a rule asks for, unless it is an output."""
    value = values[k]
    if what == "shape":
        return [v.shape for v in value] if isinstance(value, list) else value.shape
    if what == "dtype":
        return _original(args[k], value).dtype
    if what == "kept shape":
        dims = values[1]
        return tuple(1 if d in dims else s for d, s in enumerate(values[0].shape))
    return _original(args[k], value) if k in op.tensors else value


def metas_of_outputs(op: Op, outputs: Sequence[Any]) -> tuple[Meta, ...] | None:
    """Shape and dtype of the differentiable outputs, if there are several."""
    if len(outputs) == 1 and not op.many:
        return None
    metas = tuple(
        (a.shape, a.dtype) for k, a in enumerate(outputs)
        if not op.outputs or op.outputs[k] not in op.integer_outputs
    )  # fmt: skip
    return None if len(metas) == 1 and not op.many else metas


def _original(argument: Any, value: Any) -> Any:
    """What a rule sees of an argument: before promotion, and numbers as numbers."""
    if isinstance(argument, Tensor):
        return argument._value
    return value if isinstance(argument, (list, tuple)) else argument


def _wrap_outputs(op: Op, arrays: tuple[Any, ...], node: OperationNode | None) -> tuple[Any, ...]:
    outputs, number = [], 0
    for k, array in enumerate(arrays):
        integer = bool(op.outputs) and op.outputs[k] in op.integer_outputs
        outputs.append(wrap(array, None if node is None or integer else (node, number)))
        number += not integer
    return tuple(outputs)


def metas_of(op: Op, args: Sequence[Any]) -> tuple[Meta | None, ...]:
    """What the cotangents of all arguments that may have one are brought back to."""
    metas: list[Meta | None] = []
    for k in op.edges:
        metas += map(meta_of, args[k]) if op.parameters[k].is_list else [meta_of(args[k])]
    return tuple(metas)


def meta_of(x: Any) -> Meta | None:
    return (x._value.shape, x._value.dtype) if isinstance(x, Tensor) else None
