"""Composites such as were met before: what is left of their bodies.

Many only call another operation, with arguments in another form (`view`, `movedim`): then that
operation's own repeated call is the answer. Where nothing is recorded, the body of any other is
read as a straight line of calls of NumPy (`straight`). What is neither is read again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from pullback.autograd import graph
from pullback.autograd.modes import mode
from pullback.backends.memory import shares_memory
from pullback.config import config
from pullback.dispatch import again, known
from pullback.dispatch.composed import composed
from pullback.dispatch.keys import key_of
from pullback.dispatch.straight import flat
from pullback.op import REGISTRY, Composite, Creation, Op
from pullback.tensor import Tensor

ndarray = np.ndarray
new = object.__new__


class Watched:
    """The vocabulary of tensors, which remembers what was asked of it."""

    is_eager = False

    def __init__(self) -> None:
        self.calls: list[tuple[Op, tuple[Any, ...], dict[str, Any], Any]] = []
        self.only_calls = True

    def __getattr__(self, name: str) -> Any:
        function = getattr(graph.TENSORS, name)
        op = REGISTRY.get(name)
        if op is None:
            self.only_calls = False
            return function

        def called(*args: Any, **keywords: Any) -> Any:
            result = function(*args, **keywords)
            self.calls.append((op, args, keywords, result))
            return result

        return called


def own_memory(result: Any, args: Sequence[Any]) -> Any:
    """The result of a body: what is a view of something that only the body knew is no view."""
    if type(result) is not Tensor or result._base is None:
        return result
    base = result._base
    for a in args:
        for x in a if isinstance(a, (list, tuple)) else (a,):
            if isinstance(x, Tensor) and (x is base or x._base is base):
                return result
    result._base, result._made_by = None, ()
    return result


def learn_formula(
    key: Any, op: Composite, args: Sequence[Any], values: Sequence[Any], apply: known.Apply
) -> Any:
    """The result for formulas; calls like this are those of the one operation that the body calls.

    Which operation that is depends on shapes and dtypes alone, as the key does.
    """
    if len(op.calls) >= known.MAX_CALLS:
        op.calls.clear()
    op.calls[key] = lambda *args: apply(op, args)
    if not _told_apart(args, op.tensors) or _asks_more(
        op.forward.__code__, op.forward.__globals__, set()
    ):
        return op.compute(graph.TENSORS, values)
    watched = Watched()
    result = op.compute(watched, values)
    other = _forwarded(op, args, watched, result, lambda inner, _: again.repeated(inner, apply))
    if other is not None:
        op.calls[key] = other
    return result


def learn_composite(key: Any, op: Composite, values: Sequence[Any]) -> None:
    """Keep the plain arguments of a composite in their normal form, and later more than that."""
    constants = list(values)
    places = op.tensors
    for k in places:
        constants[k] = None
    if len(op.calls) >= known.MAX_CALLS:
        op.calls.clear()
    calls = 0
    plain = not (op.kinds or op.one_rounding or op.outputs)  # all of `compute` is the body
    read = functools.partial(op.call if plain else op.compute, graph.TENSORS)
    watching = not _asks_more(op.forward.__code__, op.forward.__globals__, set(), op.asks_order)

    def call(*args: Any) -> Any:
        nonlocal calls, watching
        values = constants[:]
        for k in places:
            values[k] = args[k]
        calls += 1
        if watching and _told_apart(args, places):
            watching = False
            watched = Watched()
            result = own_memory(op.compute(watched, values), args)
            other = _forwarded(op, args, watched, result, _known)
            if other is not None:
                op.calls[key] = other
            return result
        result = read(values)
        if type(result) is Tensor and result._base is not None:
            result = own_memory(result, args)
        if calls == known.OFTEN:
            other = _straightened(op, args, values, result, call)
            if other is not None:
                op.calls[key] = other
        return result

    op.calls[key] = call


# What a body may ask a tensor for that is not told by shapes and dtypes.
MORE = frozenset({
    "_array", "_base", "_edge", "_value", "data_ptr", "grad_fn", "is_contiguous", "is_leaf", "item",
    "numpy", "requires_grad", "storage_offset", "stride", "tolist",
})  # fmt: skip


def _asks_more(
    code: CodeType, around: dict[str, Any], seen: set[CodeType], order_is_known: bool = False
) -> bool:
    """Whether a body, or a function of the declarations that it calls, names one of these."""
    if code in seen:
        return False
    seen.add(code)
    asked = MORE.intersection(code.co_names)
    if asked and not (order_is_known and asked == {"is_contiguous"}):
        return True
    inner = [(c, around) for c in code.co_consts if isinstance(c, CodeType)]
    for name in code.co_names:
        found = around.get(name)
        several = [found]
        if isinstance(found, ModuleType):
            several = [vars(found).get(n) for n in code.co_names]
        for f in several:
            if isinstance(f, FunctionType) and f.__module__.startswith("pullback."):
                inner.append((f.__code__, f.__globals__))
    return any(_asks_more(c, g, seen, order_is_known) for c, g in inner)


def _told_apart(args: Sequence[Any], places: Sequence[int]) -> bool:
    """Whether no operand is given twice."""
    given = [id(args[k]) for k in places if args[k] is not None]
    return len(set(given)) == len(given)


def _forwarded(
    op: Composite, args: Sequence[Any], watched: Watched, result: Any, repeated: Callable[..., Any]
) -> Callable[..., Any] | None:
    """The repeated call of the one operation that a body calls, for the composite's arguments.

    `repeated` finds it for that operation and its arguments.
    """
    if not watched.only_calls or len(watched.calls) != 1:
        return None
    ((inner, positional, keywords, answer),) = watched.calls
    if answer is not result or inner.draws or isinstance(inner, Creation):
        return None
    given = inner.bind(positional, keywords)
    parts = []
    names: dict[str, Any] = {}
    for n, value in enumerate(given):
        k = next((k for k in op.tensors if args[k] is value), None)
        if k is not None and (isinstance(value, (Tensor, tuple, list))):
            parts.append(f"args[{k}]")
        elif isinstance(value, Tensor) or (
            isinstance(value, (tuple, list)) and any(isinstance(v, Tensor) for v in value)
        ):
            return None
        else:
            names[f"c{n}"] = value
            parts.append(f"c{n}")
    if any(isinstance(args[k], (int, float, complex)) for k in op.tensors):
        return None  # numbers are not told apart
    repeat = repeated(inner, given)
    if repeat is None:
        return None
    function: Callable[..., Any] = eval(
        f"lambda *args: repeat({', '.join(parts)})", names | {"repeat": repeat}
    )
    return function


def _known(op: Op, args: Sequence[Any]) -> Any:
    return op.calls.get(key_of(op, args))


def _straightened(
    op: Composite, args: Sequence[Any], values: list[Any], result: Any, general: Callable[..., Any]
) -> Callable[..., Any] | None:
    """The call without the body, where nothing is recorded; `general` is called elsewhere."""
    places = [k for k in op.tensors if args[k] is not None]
    given = values[:]
    for k in places:
        if isinstance(args[k], (list, tuple)):
            if not all(type(t) is Tensor and type(t._value) is ndarray for t in args[k]):
                return None
            given[k] = [t._value for t in args[k]]
        elif type(args[k]) is Tensor and type(args[k]._value) is ndarray:
            given[k] = args[k]._value
        else:
            return None
    several = isinstance(result, tuple)
    results = result if several else (result,)
    arrays = flat([given[k] for k in places])
    for r in results:
        if type(r) is not Tensor or type(r._value) is not ndarray or r._base is not None:
            return None
        if any(shares_memory(r._value, a) for a in arrays):
            return None
    expected = tuple(r._value for r in results) if several else result._value
    found = composed(op, given, places, expected)
    if found is None:
        return None
    line, limit = found
    if limit > config.defer_elements:
        return None
    constants = values[:]
    for k in places:
        constants[k] = None
    kind = type(result)  # a named tuple may be that of an operation inside
    lists = frozenset(k for k in places if type(given[k]) is list)

    def call(*args: Any) -> Any:
        recording = mode.enabled
        values = constants[:]
        for k in places:
            if k in lists:
                values[k] = [t._value for t in args[k]]
                if recording and any(t._edge is not None for t in args[k]):
                    return general(*args)
            else:
                x = args[k]
                if recording and x._edge is not None:
                    return general(*args)
                values[k] = x._value
        if limit > config.defer_elements:
            return general(*args)
        try:
            result = mode.quietly(line, values)
        except Exception:  # the body says it in full, or does what cannot be nested
            return general(*args)
        if not several:
            tensor = new(Tensor)
            tensor._value = result if type(result) is ndarray else np.asarray(result)
            return tensor
        tensors = []
        for part in result:
            tensor = new(Tensor)
            tensor._value = part if type(part) is ndarray else np.asarray(part)
            tensors.append(tensor)
        return tuple(tensors) if kind is tuple else kind(*tensors)

    return call
