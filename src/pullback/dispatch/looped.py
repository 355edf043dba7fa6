"""Bodies and rules as one compiled loop, for calls on arrays of some thousand elements.

NumPy goes through memory once for each function of a body; a loop goes once, and costs two
microseconds beside that. What a body, or the rules of a node, give for operands of known kinds is
written with formulas and planned as large formulas are, so that the numbers are theirs. `known` and
`rules` ask for it when such a call has been made often, and where it pays.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.backends.collector import uncollected
from pullback.backends.memory import address
from pullback.backends.scalar import scalar_input, walk
from pullback.backends.symbols import traced
from pullback.formula import Formula, NotLowerable, turns
from pullback.formula.evaluate import prepared
from pullback.formula.node import Source, Value, own
from pullback.formula.plan import Step, make_plan, structure
from pullback.op import Pointwise

ndarray = np.ndarray
Function = Callable[..., Any]
WORTH = 1 << 12  # elements from which a loop is looked for
OFTEN = 100  # calls after which it is compiled: that takes as long as some hundred

# Nanoseconds per element of float32 that NumPy takes longer for a primitive than a loop does, which
# holds the operands already; of those that are not listed, `PASS`.
GAINS = {
    "where": 0.9, "maximum": 0.35, "minimum": 0.35, "sigmoid": 0.6, "fmod": 4.0, "remainder": 6.0,
    "floor_divide": 9.0, "sign": 0.5, "copysign": 0.45, "rsqrt": 0.4, "sqrt": 0.1, "erf": 0.6,
    "erfc": 0.5, "acosh": 2.2, "lgamma": 2.0, "atan2": 0.2, "sin": 0.2, "cos": 0.2, "expm1": 0.0,
    "log1p": 0.0, "tanh": -0.1, "sinh": -0.1, "cosh": -0.1, "asin": 0.0, "acos": 0.0, "atan": 0.0,
    "asinh": 0.0, "atanh": 0.0, "tan": -0.3, "log2": 0.0, "log10": -0.2, "pow": -0.4, "call": 0.0,
    "digamma": 0.0, "erfinv": 0.0, "erfcx": 0.0, "ndtri": -1.6, "log_ndtr": -0.8, "real": 0.0,
}  # fmt: skip
PASS = 0.12
CALL = 300  # nanoseconds of a call of NumPy's
LOOP = 2_500  # of a call of a loop
FREE = frozenset(("load", "index", "const", "input"))
# Primitives that cost a loop no more than some additions; of the others, as many evaluations are
# worth a second thread: 10 µs.
LIGHT = FREE | {
    "cast", "add", "sub", "mul", "div", "neg", "abs", "where", "maximum", "minimum", "eq", "ne",
    "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_not", "logical_xor", "isnan",
    "isinf", "isfinite", "floor", "ceil", "trunc", "round", "sign", "copysign", "real", "sqrt",
    "rsqrt",
}  # fmt: skip
TOGETHER = 1 << 15


def pays(roots: Sequence[Any], size: int) -> bool:
    """Whether a loop that computes scalar expressions for so many elements is faster than NumPy."""
    gain = -LOOP - PASS * size
    for n in walk(*roots):
        if n.op in FREE:
            continue
        if n.op == "reduce" or n.dtype.kind not in "fb":
            return False
        gain += CALL + GAINS.get(n.op, PASS) * size * max(1, n.dtype.itemsize // 4)
    return gain > 0


@functools.cache
def may_loop(op: Pointwise) -> bool:
    """Whether loops of an operation on floating tensors ever pay where nothing is deferred."""
    operands = [scalar_input(p.name, np.float32) for p in op.parameters if p.is_tensor]
    plain = [p.default for p in op.parameters if not p.is_tensor]
    try:
        return pays([traced(op, [*operands, *plain])], 1 << 16)
    except (NotLowerable, NotImplementedError):
        return False


@uncollected
def looped(
    title: str, body: Callable[[Any, list[Any]], Any], values: Sequence[Any],
    places: Sequence[int], expected: Any, otherwise: Function,
    *, packed: bool = False, taken: Sequence[int] | None = None,
) -> Function | None:  # fmt: skip
    """A function of the arrays at these places, fresh results each time; None where there is no
    such loop, or it does not pay.

    `expected` is what the body gives for the arrays. `otherwise` takes the same arguments, and is
    called for arrays of other shapes, or that lie in memory in another way. With `packed`, both
    take the list of all arguments; with `taken`, the arguments at these places.
    """
    several = isinstance(expected, tuple)
    wanted = list(expected) if several else [expected]
    given = list(values)
    for k in places:
        array = values[k]
        if type(array) is not ndarray or dtypes.kind(array.dtype) not in "fb":
            return None
        # Each in memory of its own: what is one array now may be two next time.
        mine = own(array)
        if mine.strides != array.strides:
            return None
        given[k] = Source(mine)
    try:
        written = _written(body, given, several)
        if not _is_like(written, wanted):
            return None
        made: list[Any] = [r for r in written if type(r) is Formula]
        with turns.changed:
            order, sources, _ = structure(made)
            steps = make_plan(order, made, sources, small=0)
    except (NotLowerable, NotImplementedError):
        return None
    step, *others = steps
    if others or step.call is None:
        return None
    roots, size = step.call.kernel.roots(), max(r.size for r in made)
    if not pays(roots, size):
        return None
    functions = sum(n.op not in LIGHT for n in walk(*roots))
    ready = prepared(step, order, sources, functions * size >= TOGETHER)
    if ready is None:
        return None
    operand = {id(given[k]): f"a{k}" for k in places}
    if any(id(s) not in operand and not _is_fixed(s) for s in sources):
        return None
    fixed = {f"c{n}": s.array for n, s in enumerate(sources) if id(s) not in operand}
    read = [operand.get(id(s), f"c{n}") for n, s in enumerate(sources)]
    lines, names = _lines(step, order, read, ready)
    outputs = {id(order[place]): f"y{n}" for n, (_, place, _) in enumerate(step.results)}
    returned = [operand.get(id(r)) or outputs[id(r)] for r in written]
    tests = [
        f"a{k}.strides != {values[k].strides} or a{k}.shape != {values[k].shape}" for k in places
    ]
    operands = "".join(f"a{k}, " for k in (places if taken is None else taken))
    head = "values" if packed else operands
    unpack = [f"{operands} = {''.join(f'values[{k}], ' for k in places)}"] if packed else []
    source = "\n    ".join([
        f"def line({head}):", *unpack, f"if {' or '.join(tests)}: return otherwise({head})",
        *lines, f"return {''.join(f'{r}, ' for r in returned) if several else returned[0]}",
    ])  # fmt: skip
    names |= fixed | {"otherwise": otherwise, "empty": np.empty, "address": address}
    exec(compile(source, f"<the loop of {title}>", "exec"), names)
    function: Function = names["line"]
    return function


class Counted:
    """A function that looks for a loop once it has been called often, and gives it to `better`."""

    __slots__ = ("better", "calls", "function", "search")

    def __init__(
        self, function: Function, search: Callable[..., Any], better: Callable[[Function], None]
    ) -> None:
        self.function, self.search, self.better = function, search, better
        self.calls = 0

    def __call__(self, *args: Any) -> Any:
        result = self.function(*args)
        self.calls += 1
        if self.calls == OFTEN:
            self.better(self.search(self.function, args, result) or self.function)
        return result


def _is_fixed(value: Value) -> bool:
    return type(value) is Source and value.fixed


def _written(body: Callable[[Any, list[Any]], Any], given: list[Any], several: bool) -> list[Any]:
    from pullback.dispatch.replay import WRITTEN

    written = body(WRITTEN, given)
    return list(written) if several else [written]


def _is_like(written: Sequence[Any], wanted: Sequence[Any]) -> bool:
    """Whether these are formulas, each of its own, and operands, of the same kinds as some arrays
    in order."""
    made = [r for r in written if type(r) is Formula]
    return (
        all(isinstance(r, Value) for r in written)
        and 0 < len(set(map(id, made))) == len(made) and all(r.array is None for r in made)
        and all(
            r.shape == w.shape and r.dtype == w.dtype and w.flags.c_contiguous
            for r, w in zip(written, wanted, strict=True)
        )
    )  # fmt: skip


def _lines(
    step: Step, order: Sequence[Any], sources: Sequence[str], ready: Any
) -> tuple[list[str], dict[str, Any]]:
    """Source that runs a kernel on arrays of these names: its results are y0, y1, …"""
    names: dict[str, Any] = {"block": ready.block, "run": ready.run}
    lines = ["words = block[:]"]
    for name, place, _ in step.arrays:
        if name in ready.data:  # the simplifier may have found that it is not needed
            lines.append(f"words[{ready.data[name]}] = address({sources[-1 - place]})")
    for name, place, number in step.scalars:
        if name not in ready.scalars:
            continue
        names[f"bits_{name}"], slot = ready.scalars[name]
        value = f"{sources[-1 - place]}.item(0)" if number is None else repr(number)
        lines.append(f"words[{slot}] = bits_{name}({value})")
    for n, (name, place, _) in enumerate(step.results):
        names[f"dtype{n}"] = order[place].dtype
        lines.append(f"y{n} = empty({order[place].shape}, dtype{n})")
        lines.append(f"words[{ready.data[name]}] = address(y{n})")
    return [*lines, "run(words.buffer_info()[0])"], names
