"""Writing over tensors: in-place methods, and `out=`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.autograd import graph
from pullback.autograd.levels import Levels, top
from pullback.autograd.modes import mode
from pullback.autograd.operation_node import OperationNode
from pullback.autograd.rebase import check_history, check_writable, rebase
from pullback.autograd.unread import unstored, view_again, views_of, written_through
from pullback.autograd.versions import tick, wrote, wrote_formula
from pullback.autograd.views import become, before, join
from pullback.backends.memory import check_memory, shares_memory
from pullback.dispatch import door
from pullback.dispatch.door import apply
from pullback.dispatch.writing import learn
from pullback.formula import Formula, before_write
from pullback.op import Composite, Op
from pullback.tensor import Tensor, wrap

ndarray, copyto = np.ndarray, np.copyto


def apply_in_place(op: Op, args: Sequence[Any]) -> Tensor:
    """`tensor.op_(…)`: the result written over the tensor, and recorded as if it were new."""
    if Levels.count:
        level = top(args)
        if level is not None or (mode.levels and op.draws):
            written: Tensor = door.transforms.apply_in_place(level, op, args)
            return written
    return write_now(op, args)


def write_now(op: Op, args: Sequence[Any]) -> Tensor:
    """`apply_in_place` for tensors without tangents and hidden axes."""
    target: Tensor = args[0]
    if not isinstance(target, Tensor):
        raise TypeError(
            f"{op.public_name}(): argument {op.parameters[0].name!r} must be Tensor, not "
            f"{type(target).__name__}"
        )
    if op.gives_view:
        return become_view(target, op, args)
    line = unstored(target) if target._is_formula else []
    if line:
        return _write_formula(op, line, args)
    array = writable(op, target)
    if mode.enabled and (isinstance(op, Composite) or mode.enabled is not True):
        # Nodes inside may save, and hooks may keep, what is overwritten.
        args = [wrap(x._value.copy(), x._edge) if _overlaps(x, array) else x for x in args]
    return write(op, target, array, apply(op, args))


def writable(op: Op, target: Tensor) -> Any:
    """The array that an in-place method writes. RuntimeError where it must not."""
    name = f"{op.name}_"
    array = join(target)
    _check_target(op, target)
    check_memory(name, array)
    return array


def _check_target(op: Op, target: Tensor) -> None:
    check_writable(target, f"{op.name}_")
    if op.result == "real" and target._value.dtype.kind == "c":
        raise RuntimeError(
            f"In-place {op.name} is not supported for complex tensors: the result is real"
        )


def _write_formula(op: Op, line: list[Tensor], args: Sequence[Any]) -> Tensor:
    """A result in the place of a formula, or of a part of one, that nobody has asked for the
    numbers of: nothing is stored."""
    target, whole = line[0], line[-1]
    views = views_of(whole)[1:]
    for tensor in {id(t): t for t in (target, whole)}.values():
        _check_target(op, tensor)
    result = apply(op, args)
    name = f"{op.name}_"
    _check_result(name, result, target)
    old = whole._value
    if result._value.dtype != old.dtype:
        result = graph.TENSORS.cast(result, old.dtype)
    made = written_through(line, result)
    new = made._value
    forgets = mode.enabled and made._edge is None and whole._edge is not None
    if type(new) is not Formula or not new.is_pending or new is old or forgets:
        return write(op, target, join(target), result)
    node = None
    if made._edge is not None:
        node = made._edge[0]
        check_history(whole, name)
    wrote_formula(old, new)
    whole._value = new
    if node is not None:
        node.time = tick()
    rebase(whole, node)
    view_again(views)
    return target


def write_over(
    op: Op, target: Tensor, array: Any, result: Tensor, key: Any, args: Sequence[Any]
) -> Tensor:
    """A result copied into the array of a tensor, where neither has a history to be told; calls
    with this key are counted (`writing`)."""
    value = result._value
    if key is not None:
        learn(key, op, args, result)
    if type(value) is not ndarray or value.shape != array.shape or value.dtype is not array.dtype:
        return write(op, target, array, result)
    before_write(array)
    copyto(array, value)
    wrote(array)
    return target


def write(op: Op, target: Tensor, array: Any, result: Tensor) -> Tensor:
    """A result written over a tensor, which has its history from then on."""
    name = f"{op.name}_"
    _check_result(name, result, target)
    node = None
    if result._edge is not None:
        node = result._edge[0]
        check_history(target, name)
    if isinstance(node, OperationNode) and node.values:
        # What was saved of the arguments must outlive the write; a saved result moves with it.
        node.values = tuple(_kept(v, result._value, array) for v in node.values)
    numbers = result._array
    before_write(array)
    np.copyto(array, numbers, casting="unsafe")
    wrote(array)
    if node is not None:
        node.time = tick()
        if result._value.dtype != array.dtype:
            node = graph.TENSORS.cast(result, array.dtype)._edge[0]
    rebase(target, node)
    return target


def become_view(target: Tensor, op: Op, args: Sequence[Any]) -> Tensor:
    """`tensor.t_()`: the tensor becomes the view of itself that the operation gives.

    Its memory counts as written, as in PyTorch: what was saved of it had another shape.
    """
    check_writable(target, op.inplace_name)
    old = before(target)
    edge = target._edge
    computed = edge is not None and not edge[0].accumulates
    # Under no_grad as well: the history of a result has to fit its shape.
    recorded = mode.enabled
    try:
        mode.switch(recorded or computed)
        become(target, old, apply(op, (old, *args[1:])))
    finally:
        mode.enabled = recorded  # before any call: Ctrl-C may come as one begins
        mode.switch(recorded)
    if not target._is_formula:
        wrote(target._array)
    return target


def _overlaps(argument: Any, array: Any) -> bool:
    return isinstance(argument, Tensor) and shares_memory(argument._array, array)


def _kept(saved: Any, result: Any, written: Any) -> Any:
    if saved is result and saved.dtype == written.dtype:
        return written
    if isinstance(saved, list):
        return [_kept(v, result, written) for v in saved]
    memory = saved.memory if type(saved) is Formula else saved
    if type(memory) is ndarray and shares_memory(memory, written):
        return memory.copy()
    return saved


def _check_result(name: str, result: Tensor, target: Tensor) -> None:
    if result._value.shape != target._value.shape:
        raise RuntimeError(
            f"{name}: output with shape {list(target.shape)} doesn't match the broadcast shape "
            f"{list(result.shape)}"
        )
    if not dtypes.can_cast(result.dtype, target.dtype):
        raise RuntimeError(
            f"{name}: result type {dtypes.SCALAR_NAMES[result.dtype]} can't be cast to the desired "
            f"output type {dtypes.SCALAR_NAMES[target.dtype]}"
        )


def write_out(op: Op, result: Any, out: Any) -> Any:
    """`out=`: copy the result into given tensors, resized as PyTorch does. No gradients."""
    values = result if type(result) is tuple or isinstance(result, tuple) else (result,)
    targets = out if isinstance(out, (tuple, list)) else (out,)
    if len(values) != len(targets) or not all(isinstance(v, Tensor) for v in values):
        raise TypeError(
            f"{op.public_name}(): argument 'out' must be as many Tensors as there are results"
        )
    for value, target in zip(values, targets, strict=True):
        if not isinstance(target, Tensor):
            raise TypeError(
                f"{op.name}(): argument 'out' must be Tensor, not {type(target).__name__}"
            )
        if value._is_lifted or target._is_lifted:
            raise RuntimeError(
                f"{op.name}(): functions with out=... arguments don't support forward mode and "
                f"vmap: write the result in place, or use it as it is"
            )
        base = target if target._base is None else target._base
        if mode.enabled and any(x._edge is not None for x in (value, target, base)):
            raise RuntimeError(
                f"{op.name}(): functions with out=... arguments don't support automatic "
                f"differentiation, but one of the arguments requires grad."
            )
        if not dtypes.can_cast(value.dtype, target.dtype):
            raise RuntimeError(
                f"result type {dtypes.SCALAR_NAMES[value.dtype]} can't be cast to the desired "
                f"output type {dtypes.SCALAR_NAMES[target.dtype]}"
            )
        array = join(target)
        if array.shape != value._value.shape:
            target._value = array = np.empty(value._value.shape, array.dtype)
        check_memory(op.name, array)
        before_write(array)
        np.copyto(array, value._array, casting="unsafe")
        wrote(array)
    return out
