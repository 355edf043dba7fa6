"""Shorter ways for the common calls of pointwise operations.

Floating tensors of one dtype, or one with a real number: nothing to check, promote or convert.
This is the hot path of every small computation: `benchmarks/chain.py` watches its cost.

A node is made before the tensor that holds it: most tensors are gone long before their nodes,
and what lives would lie among holes, which the next nodes fill in no order. Python's garbage
collector goes through all that lives, node after node, and took 2.7 times as long for 10⁶ of them.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.autograd.modes import mode
from pullback.autograd.operation_node import node_class
from pullback.autograd.versions import tick
from pullback.backends.arrays import ARRAYS
from pullback.backends.scalar import PRIMITIVES, scalar_input, walk
from pullback.backends.symbols import SYMBOLS
from pullback.config import config
from pullback.dispatch.again import repeated
from pullback.dispatch.looped import WORTH, may_loop
from pullback.dispatch.promotion import number_array, numbers_of
from pullback.dispatch.record import meta_of
from pullback.dispatch.written_out import WRITTEN_OUT
from pullback.formula import NotLowerable
from pullback.op import Op, Pointwise
from pullback.operation import Plan
from pullback.tensor import Tensor, wrap

ndarray = np.ndarray
new = object.__new__
FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def _is_one_call(op: Pointwise) -> bool:
    """Whether a body is no more than a call of NumPy's, which a straight line is no better for."""
    inputs = [scalar_input(p.name, np.float32) for p in op.parameters if p.is_tensor]
    plain = [p.default for p in op.parameters if not p.is_tensor]
    if inspect.Parameter.empty in plain:
        return False
    try:
        traced = op.compute(SYMBOLS, [*inputs, *plain])
    except (NotLowerable, NotImplementedError):
        return False
    return sum(n.op not in ("input", "const") for n in walk(traced)) <= 1 and not (
        traced.op in PRIMITIVES and PRIMITIVES[traced.op].compute in WRITTEN_OUT
    )


def _direct(op: Pointwise) -> Callable[..., Any]:
    """The forward on arrays: the primitive itself, where the declaration is just that."""
    native = getattr(type(ARRAYS), op.name, None)
    if native is not None:
        inputs = [scalar_input(p.name, np.float32) for p in op.parameters if p.is_tensor]
        plain = [p.default for p in op.parameters if not p.is_tensor]
        traced = op.compute(SYMBOLS, [*inputs, *plain])
        if traced.op == op.name and list(traced.args) == inputs:
            function: Callable[..., Any] = getattr(ARRAYS, op.name)
            return function
    defaults = [p.default for p in op.parameters if not p.is_tensor]
    if op.kinds and "f" not in op.kinds:
        return lambda *arrays: op.compute(ARRAYS, (*arrays, *defaults))
    tensors = [None] * (len(op.parameters) - len(defaults))
    plain = [*tensors, *defaults]
    op.normalise(plain, 0)
    rest = plain[len(tensors) :]
    call, forward = op.call, op.forward
    if rest:
        return lambda *arrays: call(ARRAYS, (*arrays, *rest))
    return functools.partial(forward, ARRAYS)


def fast_path(op: Op, general: Callable[..., Any]) -> Callable[..., Any] | None:
    """A shorter way for the common calls of a pointwise operation; None if it has none.

    `general` takes all other calls.
    """
    if not isinstance(op, Pointwise) or op.result != "same" or op.keep_dtype:
        return None
    tensors = [p for p in op.parameters if p.is_tensor and p.default is inspect.Parameter.empty]
    plain = [p.default for p in op.parameters if not p.is_tensor]
    if len(tensors) + len(plain) != len(op.parameters) or len(op.rules) not in (0, len(tensors)):
        return None
    if not _is_one_call(op):
        return None
    if len(tensors) == 1 and not plain and op.overload is None:
        return _fast_unary(op, general)
    return _fast_binary(op, plain, general) if len(tensors) == 2 else None


def _fast_unary(op: Pointwise, general: Callable[..., Any]) -> Callable[..., Any] | None:
    """For one floating tensor: nothing to check, promote or broadcast."""
    compute = _direct(op)
    cls = node_class(op)
    plan = op.plan((True,)) if op.rules else None
    save = None if plan is None else _saver(plan, "a", [])
    if plan is not None and save is None:
        return None
    again = repeated(op, lambda _, args: general(*args))

    def fast(x: Any) -> Any:
        if type(x) is not Tensor:
            return general(x)
        value = x._value
        dtype = value.dtype
        if dtype is not FLOAT32 and dtype is not FLOAT64:
            return general(x)
        size = value.size
        if size > config.defer_elements or type(value) is not ndarray:
            return again(x)
        if size >= WORTH and may_loop(op):
            return general(x)  # which knows calls that it has met
        try:
            result = mode.quietly(compute, value)
        except RuntimeError:  # called back from within NumPy
            return general(x)
        if type(result) is not ndarray:
            result = np.asarray(result)
        edge = x._edge
        if edge is not None and save is not None and mode.enabled is True:
            node: Any = new(cls)
            node.edges = (edge,)
            node.plan = plan
            node.values = save(result, value)
            node.time = tick()
            tensor = new(Tensor)  # after what outlives it
            tensor._value = result
            tensor._edge = (node, 0)
            return tensor
        if edge is not None and mode.enabled and op.rules:  # somebody watches
            return general(x)
        return wrap(result)

    return fast


def _fast_binary(
    op: Pointwise, plain: list[Any], general: Callable[..., Any]
) -> Callable[..., Any] | None:
    """For two floating tensors of one dtype, or one and a real number."""
    compute = _direct(op)
    overload = op.overload
    cls = node_class(op)
    plans = {n: op.plan(n) for n in ((True, True), (True, False), (False, True)) if op.rules}
    steps = {}
    for needs, plan in plans.items():
        save = _saver(plan, "a, b", plain)
        if save is None:
            return None
        steps[needs] = (plan, save)
    left, right, both = (steps.get(n) for n in ((True, False), (False, True), (True, True)))
    again = repeated(op, lambda _, args: general(*args[:2]))
    numbers32, numbers64 = numbers_of(FLOAT32), numbers_of(FLOAT64)

    def fast(x: Any, y: Any) -> Any:
        if type(x) is not Tensor:
            return general(x, y)
        a = x._value
        dtype = a.dtype
        if dtype is FLOAT32:
            known = numbers32
        elif dtype is FLOAT64:
            known = numbers64
        else:
            return general(x, y)
        metas = None
        if type(y) is Tensor:
            b = saved = y._value
            if type(a) is not ndarray or type(b) is not ndarray:
                return again(x, y, *plain)
            if b.dtype is not dtype:
                return general(x, y)
            y_edge = y._edge
            size = a.size
            if a.shape != b.shape:
                size *= b.size  # at least that of the result
                metas = (meta_of(x), meta_of(y))
            if size > config.defer_elements:
                return again(x, y, *plain)
            if size >= WORTH and may_loop(op):
                return general(x, y)
        elif type(y) is float or type(y) is int:
            saved, y_edge = y, None
            if type(a) is not ndarray or a.size > config.defer_elements:
                return again(x, y, *plain)
            if a.size >= WORTH and may_loop(op):
                return general(x, y)
            b = known.get(y)
            if b is None:
                b = number_array(y, dtype)
        else:
            return general(x, y)
        try:
            result = mode.quietly(compute, a, b)
        except (
            RuntimeError,
            ValueError,
        ):  # shapes that do not match, or a call from NumPy's inside
            return general(x, y)
        if type(result) is not ndarray:
            result = np.asarray(result)
        x_edge = x._edge
        if x_edge is None:
            if y_edge is None:
                return wrap(result)
            step = right
        else:
            step = left if y_edge is None else both
        if step is None or mode.enabled is not True:
            return general(x, y) if mode.enabled and step is not None else wrap(result)
        plan, save = step
        node: Any = new(cls if overload is None else node_class(op, overload(x, y)))
        node.edges = (x_edge, y_edge)
        node.plan = plan
        node.values = save(result, a, saved)
        node.time = tick()
        if metas is not None:
            node.metas = metas
        tensor = new(Tensor)  # after what outlives it
        tensor._value = result
        tensor._edge = (node, 0)
        return tensor

    return fast


def _saver(plan: Plan, arguments: str, plain: list[Any]) -> Callable[..., Any] | None:
    """A function of (y, arguments…) that gives the saved values; None if metadata are needed.

    It is compiled: picking them out of a tuple of everything takes three times as long.
    """
    if any(what not in ("argument", "output") for what, _ in plan.sources):
        return None
    names = [*arguments.split(", "), *(f"plain[{k}]" for k in range(len(plain)))]
    saved = ["y" if what == "output" else names[k] for what, k in plan.sources]
    code = f"lambda y, {arguments}: ({''.join(f'{name}, ' for name in saved)})"
    function: Callable[..., Any] = eval(code, {"plain": plain})
    return function
