"""Calls such as were met before, on arrays: nothing is asked twice.

Checks, promotion, the normal form of plain arguments, and what a node saves depend on the tensors'
shapes and dtypes and on the plain arguments alone. `door` finds them out when an operation is first
called so, and a function is kept that does what is left: the numbers, and the node. Whatever it
meets that is not as it was (an error, a smaller `config.defer_elements`), it leaves to the door.
`again` is the same for calls that give formulas.

The functions hold no tensor of the call that they were learned from. `benchmarks/operations.py`
measures what they are for.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.autograd.modes import mode
from pullback.autograd.views import Step, note_made, note_parts
from pullback.backends.arrays import ARRAYS
from pullback.backends.memory import shares_memory
from pullback.config import config
from pullback.dispatch import looped
from pullback.dispatch.met import Converted, Met, Record, fills_of, limit_of
from pullback.dispatch.promotion import number_array
from pullback.dispatch.record import own, record
from pullback.dispatch.straight import straight
from pullback.formula import narrow
from pullback.op import Op, Pointwise, Reduction, View
from pullback.tensor import Tensor

ndarray = np.ndarray
new = object.__new__
MAX_CALLS = 1_000  # of one operation
OFTEN = 8  # calls after which a body is made a straight line: that takes as long as some of them
Apply = Callable[[Op, Sequence[Any]], Any]


def may_learn(args: Sequence[Any]) -> bool:
    """Whether tensors have arrays now; a formula may be one when the call is done."""
    for a in args:
        for x in a if isinstance(a, (list, tuple)) else (a,):
            if isinstance(x, np.generic) or (type(x) is Tensor and type(x._value) is not ndarray):
                return False
    return True


def learn(key: Any, met: Met, apply: Apply) -> None:
    """Keep a function that repeats a call, if there is one."""
    op = met.op
    fills = fills_of(met)
    if fills is None:
        return
    calls = op.calls
    if len(calls) >= MAX_CALLS:
        calls.clear()
    single = not isinstance(met.result, tuple)
    plainly = all(how is None for _, how in fills)  # a dtype would be equal to None, as float64
    if plainly and len(fills) == 2 and single and not isinstance(op, View):
        made = _of_two_tensors(met, fills, apply)
    elif not plainly or [k for k, _ in fills] != [0] or len(op.edges) > 1:  # others are None
        made = _of_any(met, fills, apply)
    elif not single:
        made = _of_several(met, fills, apply)
    else:
        made = _of_one_tensor(met, fills, apply)
    calls[key] = made


def _straightening(
    met: Met, places: Sequence[int], compute: Callable[..., Any],
    better: Callable[[Callable[..., Any]], None], packed: bool = False,
) -> Callable[..., Any]:  # fmt: skip
    """`compute` that gives `better` a straight line instead, when it has often been called."""
    op, dtype = met.op, met.narrow
    if op.random:
        return met.rounding(compute)
    constants = list(met.operands)
    plain_values = list(met.values)
    for k in places:
        constants[k] = plain_values[k] = None
    calls = 0

    def counted(*given: Any) -> Any:
        nonlocal calls
        result = compute(*given)
        calls += 1
        if calls == OFTEN:
            values = list(given[0]) if packed else constants[:]
            if not packed:
                for k, array in zip(places, given, strict=True):
                    values[k] = array
            found = straight(op, values, places, result, packed=packed)
            line = compute if found is None else found
            if dtype is not None:
                line = narrow.rounding(op, plain_values, line, dtype)
            elif isinstance(op, Pointwise) and np.size(result) >= looped.WORTH:
                line = looped.Counted(line, loop, better)
            better(line)
        return result

    def loop(line: Callable[..., Any], given: Any, result: Any) -> Any:
        """A loop for a line that has been called often."""
        values = list(given[0]) if packed else constants[:]
        if not packed:
            for k, array in zip(places, given, strict=True):
                values[k] = array
        return looped.looped(
            op.qualified_name, lambda xp, values: xp.apply(op, values), values, places, result,
            line, packed=packed,
        )  # fmt: skip

    return met.rounding(counted)


def _of_one_tensor(met: Met, fills: list[tuple[int, Any]], apply: Apply) -> Callable[..., Any]:
    """The call of an operation on one array, its first argument, with one result."""
    op, limit = met.op, limit_of(met)
    recorded = Record(met, fills)
    differentiable, node = recorded.differentiable, recorded.node

    compute = _compute_of_one(op, list(met.operands[1:]), met.operands[0])

    def better(function: Callable[..., Any]) -> None:
        nonlocal compute
        compute = function

    compute = _straightening(met, (0,), compute, better)
    is_view = isinstance(op, View)
    step = (op, tuple(met.values[1:]), None, True, None)
    silent = (*step[:3], False, None)
    in_order = op.in_order

    def call(*args: Any) -> Any:
        if limit > config.defer_elements:
            return apply(op, args)
        x = args[0]
        value = x._value
        try:  # views are no floating-point operations: nothing is to be silenced
            result = compute(value) if is_view else mode.quietly(compute, value)
        except Exception:  # the door says it in full, or does what cannot be nested
            return apply(op, args)
        if type(result) is not ndarray:
            result = np.asarray(result)
        base = result.base
        shares = is_view and (
            result is value or (
                base is not None
                and (base is value or base is value.base or shares_memory(result, value))
            )
        )  # fmt: skip
        if not is_view and (
            result is value or (in_order and not result.flags.c_contiguous)
            or (base is not None and (
                base is value or value.base is not None or type(base) is not ndarray
                or base.base is not None
            ))
        ):  # it may be a part of the argument  # fmt: skip
            result = own(op, result, (value,))
        edge = x._edge
        if edge is not None and differentiable and mode.enabled:
            edge = node((True,), (edge,), result, args), 0
        else:
            edge = None
        tensor = new(Tensor)  # after what outlives it
        tensor._value = result
        if edge is not None:
            tensor._edge = edge
        if shares:
            # Of its own: views are told apart by their steps. Step(…) takes 0.15 µs longer.
            note_made(tensor, x, tuple.__new__(Step, step if mode.enabled else silent))
        return tensor

    return call


def _of_several(met: Met, fills: list[tuple[int, Any]], apply: Apply) -> Callable[..., Any]:
    """The call of an operation on one array, its first argument, with several results."""
    op = met.op
    plain_values = tuple(met.values[1:])
    recorded = Record(met, fills)
    compute = _compute_of_one(op, list(met.operands[1:]), met.operands[0])

    def better(function: Callable[..., Any]) -> None:
        nonlocal compute
        compute = function

    compute = _straightening(met, (0,), compute, better)
    wrapped = _outputs(op, met.result)
    in_order = op.in_order
    differentiable = recorded.differentiable
    is_view = isinstance(op, View)

    def call(*args: Any) -> Any:
        x = args[0]
        value = x._value
        try:
            results = compute(value) if is_view else mode.quietly(compute, value)
        except Exception:  # the door says it in full, or does what cannot be nested
            return apply(op, args)
        arrays = [r if type(r) is ndarray else np.asarray(r) for r in results]
        if not is_view:
            arrays = [
                a
                if a is not value and (not in_order or a.flags.c_contiguous) and (
                    (base := a.base) is None
                    or (
                        value.base is None and base is not value and type(base) is ndarray
                        and base.base is None
                    )
                )
                else own(op, a, (value,))
                for a in arrays
            ]  # fmt: skip
        edge = x._edge
        node = None
        if edge is not None and differentiable and mode.enabled:
            node = recorded.node((True,), (edge,), arrays, args)
        outputs = wrapped(arrays, node)
        if is_view:
            memory = value if value.base is None else value.base
            views = [
                (k, tensor) for k, tensor in enumerate(outputs)
                if tensor._value.base is memory or shares_memory(tensor._value, value)
            ]  # fmt: skip
            note_parts(views, x, op, plain_values)
        return outputs

    return call


def _outputs(op: Op, met: Sequence[Any]) -> Callable[[list[Any], Any], Any]:
    """A function of (arrays, node or None) that gives the tuple of results."""
    integer = [bool(op.outputs) and n in op.integer_outputs for n in op.outputs or met]
    counted = accumulate(not i for i in integer)
    numbers = [None if i else n - 1 for i, n in zip(integer, counted, strict=True)]
    tuple_class = op.tuple_class if op.outputs else None

    def wrapped(arrays: list[Any], node: Any) -> Any:
        outputs = []
        for array, number in zip(arrays, numbers, strict=True):
            tensor = new(Tensor)
            tensor._value = array
            if node is not None and number is not None:
                tensor._edge = (node, number)
            outputs.append(tensor)
        return tuple(outputs) if tuple_class is None else tuple_class(*outputs)

    return wrapped


def _reduce(
    op: Reduction, rest: list[Any], shape: tuple[int, ...], dtype: Any
) -> Callable[[Any], Any]:
    """`op.compute` for arrays of one shape."""
    dims, keepdim = rest[:2]
    options = rest[2 : 2 + len(op.options)]
    finish = op.finish_function
    if op.key in vars(type(ARRAYS)) and finish is None:
        reduce = getattr(ARRAYS, op.key)
        one = np.ones((1,) * len(shape), dtype)
        whole = np.asarray(op.compute(ARRAYS, (one, *rest)))
        if np.asarray(reduce(one, dims, keepdim, *options)).dtype == whole.dtype:
            return lambda x: reduce(x, dims, keepdim, *options)  # else it converts: any() of uint8
    forward = op.forward
    start = {"start": 0} if op.takes_start else {}
    many = len(op.states) > 1
    known = {"count": math.prod(shape[d] for d in dims)} | dict(
        zip(op.options, options, strict=True)
    )
    # What `finish` takes: parts of the state by their place, and what is known.
    wanted = [] if finish is None else [
        (op.states.index(n), None) if n in op.states else (-1, known[n]) for n in op.finish_names
    ]  # fmt: skip
    kept = [n for d, n in enumerate(shape) if d not in dims]

    def compute(x: Any) -> Any:
        state = forward(ARRAYS, x, dims, *options, **start)
        if not many:
            state = (state,)
        if finish is None:
            result = state if many else state[0]
        else:
            result = finish(ARRAYS, *[state[k] if k >= 0 else v for k, v in wanted])
        if keepdim:
            return result
        if isinstance(result, tuple):
            return tuple([part.reshape(kept) for part in result])
        return result.reshape(kept)

    return compute


def _compute_of_one(op: Op, rest: list[Any], like: Any) -> Callable[[Any], Any]:
    """The forward on one array, with the plain arguments as they are known."""
    if isinstance(op, Reduction):
        return _reduce(op, rest, like.shape, like.dtype)
    if isinstance(op, Pointwise) and op.converters:  # that kind's normal forms come last
        return lambda x: op.compute(ARRAYS, (x, *rest))
    if any(p.kind is not p.kind.POSITIONAL_OR_KEYWORD for p in op.parameters):
        call = op.call
        return lambda x: call(ARRAYS, (x, *rest))
    forward = op.forward
    if not rest:
        return lambda x: forward(ARRAYS, x)
    if len(rest) == 1:
        (only,) = rest
        return lambda x: forward(ARRAYS, x, only)
    return lambda x: forward(ARRAYS, x, *rest)


def _of_two_tensors(met: Met, fills: list[tuple[int, Any]], apply: Apply) -> Callable[..., Any]:
    """The call of an operation on two arrays, with one result."""
    op, limit = met.op, limit_of(met)
    (i, _), (j, _) = fills
    in_order = op.in_order
    constants = list(met.operands)
    constants[i] = constants[j] = None
    rest = constants[2:]
    plainly = all(p.kind is p.kind.POSITIONAL_OR_KEYWORD for p in op.parameters)
    if (i, j) == (0, 1) and plainly and not (isinstance(op, Pointwise) and op.converters):
        forward = op.forward

        def compute(a: Any, b: Any) -> Any:
            return forward(ARRAYS, a, b, *rest)

    else:

        def compute(a: Any, b: Any) -> Any:
            values = constants[:]
            values[i], values[j] = a, b
            return op.compute(ARRAYS, values)

    def better(function: Callable[..., Any]) -> None:
        nonlocal compute
        compute = function

    compute = _straightening(met, (i, j), compute, better)
    recorded = Record(met, fills)
    differentiable, node_of = recorded.differentiable, recorded.node_of

    def call(*args: Any) -> Any:
        if limit > config.defer_elements:
            return apply(op, args)
        x, y = args[i], args[j]
        a, b = x._value, y._value
        try:
            result = mode.quietly(compute, a, b)
        except Exception:  # the door says it in full, or does what cannot be nested
            return apply(op, args)
        if type(result) is not ndarray:
            result = np.asarray(result)
        base = result.base
        if (
            result is a or result is b or (in_order and not result.flags.c_contiguous)
            or (base is not None and (
                base is a or base is b or a.base is not None or b.base is not None
                or type(base) is not ndarray or base.base is not None
            ))
        ):  # it may be a part of an argument  # fmt: skip
            values = constants[:]
            values[i], values[j] = a, b
            result = own(op, result, values)
        node = None
        if differentiable and (x._edge is not None or y._edge is not None) and mode.enabled:
            node = node_of(result, args)
        tensor = new(Tensor)  # after what outlives it
        tensor._value = result
        if node is not None:
            tensor._edge = (node, 0)
        return tensor

    return call


def _of_any(met: Met, fills: list[tuple[int, Any]], apply: Apply) -> Callable[..., Any]:
    """The call of any other operation."""
    op, limit = met.op, limit_of(met)
    constants = list(met.operands)
    for k, _ in fills:
        constants[k] = None
    whole = isinstance(op, Reduction) or (isinstance(op, Pointwise) and op.converters)
    plain_compute = functools.partial(op.compute if whole else op.call, ARRAYS)
    recorded = Record(met, fills)
    differentiable, node_of = recorded.differentiable, recorded.node_of
    metas = met.metas
    cast = ARRAYS.cast
    in_order = op.in_order
    default = dtypes.get_default_dtype()
    converts = any(how.__class__ is Converted for _, how in fills)  # maybe to the default dtype
    several = type(met.result) is tuple
    wrapped = _outputs(op, met.result) if several else None
    is_view = isinstance(op, View)
    compute = met.rounding(plain_compute)
    if not any(how.__class__ is type and how is not list for _, how in fills):

        def better(function: Callable[..., Any]) -> None:
            nonlocal compute
            compute = function

        compute = _straightening(met, [k for k, _ in fills], plain_compute, better, packed=True)

    def call(*args: Any) -> Any:
        if limit > config.defer_elements or (
            converts and dtypes.get_default_dtype() is not default
        ):
            return apply(op, args)
        values = constants[:]
        try:
            for k, how in fills:
                if how is None:
                    values[k] = args[k]._value
                elif how is list:
                    values[k] = [None if t is None else t._value for t in args[k]]
                elif how.__class__ is Converted:
                    values[k] = cast(args[k]._value, how.dtype)
                elif how.__class__ is type:  # a number that the operation takes as one
                    values[k] = args[k]
                else:
                    values[k] = number_array(args[k], how)
            result = mode.quietly(compute, values)
        except Exception:  # the door says it in full, or does what cannot be nested
            return apply(op, args)
        if is_view:
            return record(op, args, values, result, metas)
        if wrapped is not None:
            arrays = [own(op, np.asarray(r), values) for r in result]
            recording = differentiable and mode.enabled
            return wrapped(arrays, node_of(arrays, args) if recording else None)
        if type(result) is not ndarray:
            result = np.asarray(result)
        mine = result.base is None and (not in_order or result.flags.c_contiguous)
        if mine:
            for v in values:
                if v is result or type(v) is list:
                    mine = False
        if not mine:
            result = own(op, result, values)
        node = node_of(result, args) if differentiable and mode.enabled else None
        tensor = new(Tensor)  # after what outlives it
        tensor._value = result
        if node is not None:
            tensor._edge = (node, 0)
        return tensor

    return call
