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
from pullback.autograd.operation_node import node_class
from pullback.autograd.versions import tick
from pullback.autograd.views import Step, note_made, note_parts
from pullback.autograd.watch import watch
from pullback.backends.arrays import ARRAYS
from pullback.backends.memory import shares_memory
from pullback.config import config
from pullback.dispatch import looped
from pullback.dispatch.promotion import number_array
from pullback.dispatch.record import metas_of_outputs, own, record, saved
from pullback.dispatch.rules import Rules
from pullback.dispatch.straight import straight
from pullback.formula import narrow
from pullback.op import Composite, Op, Opaque, Pointwise, Reduction, View
from pullback.operation import Plan
from pullback.tensor import Tensor

ndarray = np.ndarray
new = object.__new__
MAX_CALLS = 1_000  # of one operation
OFTEN = 8  # calls after which a body is made a straight line: that takes as long as some of them
Apply = Callable[[Op, Sequence[Any]], Any]


# -------------------------------------------------------------------------------- what is learned


class Met:
    """A call that the door has answered."""

    __slots__ = ("args", "metas", "narrow", "op", "operands", "result", "values")

    def __init__(
        self, op: Op, args: Sequence[Any], values: Sequence[Any], result: Any, metas: Any
    ) -> None:
        self.op = op
        self.args = args
        self.values = values
        self.result = result
        self.metas = metas
        self.narrow = narrow.narrow_type(op, values)
        # What the declaration is read with.
        self.operands = values if self.narrow is None else narrow.widened(op, values)

    def rounding(self, compute: Callable[..., Any]) -> Callable[..., Any]:
        """A function of operands, for those of the call, which may have numbers of 16 bits."""
        if self.narrow is None:
            return compute
        return narrow.rounding(self.op, self.values, compute, self.narrow)


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
    fills = _fills(met)
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


class Converted:
    """How an operand is filled in that is converted to another dtype first."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype


def _fills(met: Met) -> list[tuple[int, Any]] | None:
    """Where arguments that vary go: (position, dtype of a number, or list, or Converted, or None).

    None where an argument became something else: that is not repeated here.
    """
    found: list[tuple[int, Any]] = []
    for k in met.op.tensors:
        argument, value = met.args[k], met.values[k]
        if type(argument) is Tensor:
            if type(value) is not ndarray or type(argument._value) is not ndarray:
                return None
            if value is argument._value:
                found.append((k, None))
            elif value.shape == argument._value.shape and value.dtype != argument._value.dtype:
                found.append((k, Converted(value.dtype)))
            else:
                return None
        elif isinstance(argument, (list, tuple)):
            for a, v in zip(argument, value, strict=True):
                if a is None and v is None:
                    continue
                if type(a) is not Tensor or v is not a._value or type(v) is not ndarray:
                    return None
            found.append((k, list))
        elif type(argument) in (int, float, complex, bool):
            found.append((k, value.dtype if type(value) is ndarray else type(argument)))
        elif argument is not None:
            return None
    return found


def _limit(met: Met) -> int:
    """Elements for which the size rule would have to be asked again."""
    op = met.op
    sizes = [v.size for v in met.values if type(v) is ndarray]
    if isinstance(op, Pointwise):
        return max([int(met.result.size), *sizes])
    if isinstance(op, Composite):
        return max(sizes, default=0)
    grows = isinstance(op, Opaque) and op.grows_function is not None
    return int(met.result.size) if grows else 0


class _Record:
    """How the node of a repeated call is made, for each choice of arguments with gradients."""

    def __init__(self, met: Met, fills: list[tuple[int, Any]]):
        self.op = op = met.op
        results = list(map(np.asarray, met.result if type(met.result) is tuple else (met.result,)))
        self.differentiable = bool(op.rules and results) and dtypes.kind(results[0].dtype) in "fc"
        self.overload = op.overload(*met.args) if op.overload is not None else 0
        self.metas = met.metas
        self.several = isinstance(met.result, tuple)
        self.output_metas = metas_of_outputs(op, results)
        self.narrow = narrow.has_narrow((*results, *met.values))
        # As the setters of the node have it.
        general = self.narrow or self.output_metas is not None
        self.way = 0 if general else 1 if met.metas is None else 2
        self.steps: dict[Any, Any] = {}
        self.varying = dict(fills)
        self.lists = frozenset(k for k, how in fills if how is list)
        # What rules may ask for that is the same at every call.
        self.constants: dict[tuple[str, int], Any] = {}
        if self.differentiable:
            rules = [
                rule for rule in op.rules.values()
                if isinstance(met.args[op.positions[rule.target]], (Tensor, list, tuple))
            ]  # fmt: skip
            names = {n for rule in rules for n in rule.names} | set(op.always_saved)
            for what, k in (op.source(n) for n in names if not op.is_cotangent(n)):
                if what != "output" and not (what == "argument" and k in self.varying):
                    self.constants[what, k] = saved(op, what, k, met.args, met.values)

    def step(self, needs: tuple[bool, ...], key: Any) -> tuple[Any, Plan, Callable[..., Any], Any]:
        """(class of the node, plan, function of (result, arguments) that gives what is saved, the
        rules); kept under a key, which says for each tensor of a list whether it has a gradient."""
        op = self.op
        plan = op.plan(needs)
        parts: list[str] = []
        names: dict[str, Any] = {}
        several = self.several
        rules = None if self.narrow else Rules()
        for n, (what, k) in enumerate(plan.sources):
            if what == "kept shape":
                names[f"c{n}"] = (self.constants[what, k], plan.saved_outputs)
                parts.append(f"c{n}")
            elif what == "output":
                parts.append(f"y[{k}]" if several else "y")
            elif what == "argument" and k in self.varying:
                how = self.varying[k]
                if not (how is None or how is list or type(how) is Converted):
                    rules = None  # a number, which may be another one
                parts.append(
                    f"args[{k}]._value" if how is None or type(how) is Converted
                    else f"[None if t is None else t._value for t in args[{k}]]" if how is list
                    else f"args[{k}]"
                )  # fmt: skip
            else:
                names[f"c{n}"] = self.constants[what, k]
                parts.append(f"c{n}")
        save = eval(f"lambda y, args: ({''.join(part + ', ' for part in parts)})", names)
        found = self.steps[key] = (node_class(op, self.overload), plan, save, rules)
        return found

    def node(
        self, needs: tuple[bool, ...], edges: tuple[Any, ...], y: Any, args: Any, key: Any = None
    ) -> Any:
        """The node of a call with this result, where gradients are recorded."""
        cls, plan, save, rules = self.steps.get(key or needs) or self.step(needs, key or needs)
        node = new(cls)
        node.edges = edges
        node.plan = plan
        node.values = save(y, args)
        node.time = tick()
        if rules is not None:
            node.rules = rules
        if self.way != 1:  # what is rare
            node.way = self.way
            node._metas = self.metas
            node._narrow = self.narrow
            if self.output_metas is not None:
                node._output_metas = self.output_metas
                node.outputs = len(self.output_metas)
        if mode.enabled is not True:
            watch(node)
        return node

    def node_of(self, y: Any, args: Any) -> Any:
        """The node, if one of the arguments has a gradient."""
        if not self.lists:
            edges = tuple([getattr(args[k], "_edge", None) for k in self.op.edges])
            needs = tuple([edge is not None for edge in edges])
            return self.node(needs, edges, y, args) if True in needs else None
        several: list[Any] = []
        found: list[bool] = []
        for k in self.op.edges:
            if k in self.lists:
                of_list = [None if t is None else t._edge for t in args[k]]
                several += of_list
                found.append(of_list.count(None) < len(of_list))
            else:
                edge = getattr(args[k], "_edge", None)
                several.append(edge)
                found.append(edge is not None)
        if True not in found:
            return None
        which = tuple([edge is not None for edge in several])
        return self.node(tuple(found), tuple(several), y, args, which)


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
    op, limit = met.op, _limit(met)
    recorded = _Record(met, fills)
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
        tensor = new(Tensor)
        tensor._value = result
        base = result.base
        if is_view:
            if result is value or (
                base is not None
                and (base is value or base is value.base or shares_memory(result, value))
            ):
                # Of its own: views are told apart by their steps. Step(…) takes 0.15 µs longer.
                note_made(tensor, x, tuple.__new__(Step, step if mode.enabled else silent))
        elif (
            result is value or (in_order and not result.flags.c_contiguous)
            or (base is not None and (
                base is value or value.base is not None or type(base) is not ndarray
                or base.base is not None
            ))
        ):  # it may be a part of the argument  # fmt: skip
            tensor._value = result = own(op, result, (value,))
        edge = x._edge
        if edge is not None and differentiable and mode.enabled:
            tensor._edge = (node((True,), (edge,), result, args), 0)
        return tensor

    return call


def _of_several(met: Met, fills: list[tuple[int, Any]], apply: Apply) -> Callable[..., Any]:
    """The call of an operation on one array, its first argument, with several results."""
    op = met.op
    plain_values = tuple(met.values[1:])
    recorded = _Record(met, fills)
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
    op, limit = met.op, _limit(met)
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
    recorded = _Record(met, fills)
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
        tensor = new(Tensor)
        tensor._value = result
        if differentiable and (x._edge is not None or y._edge is not None) and mode.enabled:
            node = node_of(result, args)
            if node is not None:
                tensor._edge = (node, 0)
        return tensor

    return call


def _of_any(met: Met, fills: list[tuple[int, Any]], apply: Apply) -> Callable[..., Any]:
    """The call of any other operation."""
    op, limit = met.op, _limit(met)
    constants = list(met.operands)
    for k, _ in fills:
        constants[k] = None
    whole = isinstance(op, Reduction) or (isinstance(op, Pointwise) and op.converters)
    plain_compute = functools.partial(op.compute if whole else op.call, ARRAYS)
    recorded = _Record(met, fills)
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
        tensor = new(Tensor)
        tensor._value = result
        if differentiable and mode.enabled:
            node = node_of(result, args)
            if node is not None:
                tensor._edge = (node, 0)
        return tensor

    return call
