"""The vocabulary of values: arrays and formulas, computed or kept, not recorded.

Rules are read with it where a backward pass meets formulas and nobody asks for a graph of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.autograd import graph
from pullback.autograd.operation_node import OperationNode
from pullback.backends.arrays import ARRAYS
from pullback.config import config
from pullback.dispatch import again
from pullback.dispatch.door import keep
from pullback.formula import Formula, build, narrow, source
from pullback.formula.macro import Macro
from pullback.formula.node import Value
from pullback.formula.vocabulary import plain_key
from pullback.op import REGISTRY, Composite, Op, Vocabulary

ndarray = np.ndarray


class ValueVocabulary(Vocabulary):
    """`xp` for arrays and formulas."""

    def _function(self, op: Op) -> Callable[..., Any]:
        return lambda *args, **keywords: compute(op, op.arguments(args, keywords))

    broadcast_shape = staticmethod(ARRAYS.broadcast_shape)

    @staticmethod
    def added(fresh: Any, x: Any) -> Any:
        """fresh + x; arrays may do it in the memory of the first one, which nobody else has."""
        return fresh + x

    @staticmethod
    def divides(x: Any) -> bool:
        """Whether the products of all but one are quotients: of what is never stored."""
        return VALUES.is_pending(x)

    @staticmethod
    def is_pending(x: Any) -> bool:
        """Whether the numbers are not known yet, and not worth knowing for their own sake."""
        return type(x) is Formula and x.array is None and x.heavy

    @staticmethod
    def filled(shape: Sequence[int], value: Any, like: Any) -> Any:
        """A constant with the dtype of another: a formula, if it is large."""
        if math.prod(shape) <= config.defer_elements:
            return ARRAYS.filled(shape, value, like)
        return build(REGISTRY["expand"], [np.full((), value, like.dtype), tuple(shape), False])

    @staticmethod
    def run(
        node: OperationNode, cotangents: tuple[Any, ...], values: tuple[Any, ...], reached: Any
    ) -> Sequence[Any]:
        """The cotangents of a node's inputs; such as were met before are not worked out again."""
        return run(node, cotangents, values, reached)

    @staticmethod
    def apply(op: Op, args: Sequence[Any]) -> Any:
        """An operation given by its declaration, arguments normalised."""
        return compute(op, list(args))


def compute(op: Op, values: list[Any]) -> Any:
    """The result as an array or a formula; plain arguments are normalised already."""
    if isinstance(op, Composite):
        return op.compute(VALUES, values)
    for k in op.tensors:
        values[k] = _current(values[k])
    kept = keep(op, values, values, small=True)
    if kept is not None:
        return kept
    result = narrow.computed(op, values)
    return result if isinstance(result, tuple) else np.asarray(result)


def _current(value: Any) -> Any:
    """The array, or a formula that is still one."""
    if type(value) is Formula:
        return value if value.array is None else value.array
    if isinstance(value, np.generic):  # what NumPy gives for 0-d arrays: no number of the rule's
        return np.asarray(value)
    return [_current(v) for v in value] if isinstance(value, (list, tuple)) else value


_macros: dict[Any, Macro | None] = {}
MAX_MACROS = 10_000


def run(
    node: OperationNode, cotangents: tuple[Any, ...], values: tuple[Any, ...], reached: Any
) -> Sequence[Any]:
    values = _parameters(node, values, next(g.dtype for g in cotangents if g is not None))
    given = [_readable(v) for v in (*cotangents, *values)]
    cotangents, values = tuple(given[: len(cotangents)]), tuple(given[len(cotangents) :])
    needed = tuple([e is not None and (reached is None or e[0] in reached) for e in node.edges])
    key: list[Any] = [node.plan, needed, node.metas, config.defer_elements]
    operands: list[Value] = []
    for v in given:
        several = isinstance(v, list)
        if several:
            key.append(len(v))
        for x in v if several else (v,):
            if type(x) is ndarray:
                x = source(x)
            if isinstance(x, Value):
                operands.append(x)
                key += (x.kind, x.array is None, x.heavy)
            else:
                key.append(plain_key(x))
    found = tuple(key)
    if found in _macros:
        macro = _macros[found]
        if macro is not None:
            results: Sequence[Any] = macro.expand(operands)
            return results
        return node.results(VALUES, cotangents, values, reached)
    results = node.results(VALUES, cotangents, values, reached)
    if len(_macros) > MAX_MACROS:
        _macros.clear()
    _macros[found] = Macro.of(tuple(results), operands)
    return results


def varies(node: OperationNode, n: int, value: Any) -> bool:
    """Whether what a node saved is a number of the user's that may be another one next time."""
    if (type(value) is not float and type(value) is not int) or again.belongs(value):
        return False
    what, k = node.plan.sources[n]
    return what == "argument" and node.op.parameters[k].is_tensor


def _parameters(node: OperationNode, values: tuple[Any, ...], dtype: Any) -> tuple[Any, ...]:
    """What a node saved, with arrays for numbers that vary."""
    if not any(varies(node, n, v) for n, v in enumerate(values)):
        return values
    return tuple(np.full((), v, dtype) if varies(node, n, v) else v for n, v in enumerate(values))


def _readable(value: Any) -> Any:
    """An array that is another's memory in another shape, as the formula of that."""
    if type(value) is list:
        return [_readable(v) for v in value]
    if type(value) is not ndarray:
        return value
    read = source(value)
    return read if type(read) is Formula else value


VALUES = graph.VALUES = ValueVocabulary()
