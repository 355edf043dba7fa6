"""Steps that NumPy computes, over and over: what is left of them.

Bodies ask their operands for shapes and dtypes alone, and a step is for operands of one layout. So
when it has run a few times, it is read once more, by the reader of straight lines (`dispatch`), and
becomes one Python function of arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.backends.arrays import QUIET, quiet_reset, quiet_set
from pullback.config import config
from pullback.formula.node import Formula, Value
from pullback.formula.plan import Step
from pullback.op import Op, Pointwise

OFTEN = 3  # runs after which a step is read once more
# Reads a body as a straight line of NumPy's calls: `straightened` in `dispatch.straight`.
straightened: Any = None


def outside(nodes: Sequence[Formula]) -> list[Value]:
    """The values that a step takes, each once, in the order in which its formulas do."""
    found: dict[int, Value] = {id(n): n for n in nodes}
    for node in nodes:
        for v in node.values:
            for x in v if isinstance(v, list) else (v,):
                if isinstance(x, Value):
                    found.setdefault(id(x), x)
    return list(found.values())[len(nodes) :]


def operands(op: Op, dtype: Any, values: list[Any]) -> list[Any]:
    """What an operation's body is given: numbers are arrays of the operands' dtype, as eagerly."""
    if isinstance(op, Pointwise):
        places = [k for k in op.tensors if op.parameters[k].name not in op.keep_dtype]
        found = (getattr(values[k], "dtype", None) for k in places)
        dtype = next((d for d in found if d is not None), dtype)
        for k in places:
            if isinstance(values[k], (int, float, complex)):
                values[k] = np.array(values[k]).astype(dtype)
    return values


class Failed(Exception):
    """A line that does not come to its end: the definitions give the results, or say why not."""


def run(step: Step, arrays: Sequence[Any]) -> Any:
    """The results of a step with a line, from what is `outside` of it."""
    config.check_memory(*step.largest)
    token = quiet_set(QUIET)
    try:
        return step.line(*arrays)
    except Exception as error:
        raise Failed from error
    finally:
        quiet_reset(token)


def ran(step: Step, nodes: Sequence[Formula]) -> None:
    """Note that a step without a line has run; it may get one."""
    step.runs += 1
    if step.runs == OFTEN:
        largest = max(nodes, key=lambda node: node.nbytes)
        step.largest = largest.shape, largest.nbytes
        step.line = _line(nodes) or False


def _line(nodes: Sequence[Formula]) -> Callable[..., Any] | None:
    """The results of a step that has run, as a function of the arrays it takes; or None."""
    taken = outside(nodes)
    arrays = [v.array for v in taken]
    place = {id(v): k for k, v in enumerate(taken)}

    def body(xp: Any, given: Sequence[Any]) -> tuple[Any, ...]:
        have = {key: given[k] for key, k in place.items()}

        def value(v: Any) -> Any:
            if isinstance(v, list):
                return [value(x) for x in v]
            return have[id(v)] if isinstance(v, Value) else v

        for node in nodes:
            values = operands(node.op, node.dtype, [value(v) for v in node.values])
            have[id(node)] = _in_order(xp, node, node.op.compute(xp, values))
        return tuple(have[id(node)] for node in nodes)

    expected = tuple(node.array for node in nodes)
    made: Callable[..., Any] | None
    made = straightened("a step", body, arrays, range(len(arrays)), expected)
    return made


def _in_order(xp: Any, node: Formula, result: Any) -> Any:
    """A result as formulas have it: an array of their dtype, its elements in order."""
    array = getattr(result, "value", result)
    if type(array) is not np.ndarray:
        result = xp.called(np.asarray, (result,))
    if array.dtype != node.dtype or array.shape != node.shape or not array.flags.c_contiguous:
        result = xp.called(np.ascontiguousarray, (result, node.dtype))
        result = xp.method("reshape", result, node.shape)
    return result
