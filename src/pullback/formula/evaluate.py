"""Numbers for formulas: find or make the plan, and run its steps.

`evaluate` is one turn after the other: under the lock, `planned` writes down the structure below
the roots, with what else is held and comes out of the same loops, and finds the plan for it; then,
without the lock, the steps are run, by compiled kernels (`_launch`), NumPy in tiles, or slab by
slab; at last the formulas let go of what they were made of. A single element of what is never
stored is asked for twice (`_twin`), since a kernel needs a loop.
"""

from __future__ import annotations

import contextlib
import math
import time
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pullback.backends import progress, tiles
from pullback.backends.arrays import ARRAYS, QUIET, quiet_reset, quiet_set
from pullback.backends.collector import uncollected
from pullback.backends.memory import address
from pullback.config import config, refusal
from pullback.errors import OutOfMemoryError
from pullback.formula import lines, slabs, turns, waiting
from pullback.formula.lower import Axes
from pullback.formula.node import MET, Formula, Source, Template, Value
from pullback.formula.plan import Step, in_order, make_plan, structure
from pullback.formula.vocabulary import FORMULAS, NotLowerable
from pullback.locks import LOCK
from pullback.op import Reduction, View

# Told of (formulas, values that they read, steps, roots) before the steps run, if it is set.
observer: Any = None


def set_observer(function: Any) -> None:
    """Tell `function`, or nobody, of every evaluation before it starts."""
    global observer
    observer = function


def is_observed() -> bool:
    """Whether somebody is told of evaluations."""
    return observer is not None


_plans: dict[Any, list[Step]] = {}
_joining: dict[Any, tuple[int, ...]] = {}
MAX_PLANS = 1000


def forget() -> None:
    """Empty the cache of plans; those in use stay valid."""
    with LOCK:
        _plans.clear()
        _joining.clear()


def array_of(value: Any) -> Any:
    """The array of a value, computed if need be."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, Source):
        return value.array
    if value.array is None:
        evaluate([value])
    return value.array


def operand(value: Any) -> Any:
    """The array of a value for one use: a view of an array is a view, and need not be kept.

    So is one of a formula that has as many elements: the formula is computed where it stands.
    """
    if type(value) is Formula and isinstance(value.op, View):
        with LOCK:
            values, arguments = value.values, value.arguments
        for whole in arguments if value.array is None else ():
            if isinstance(whole, Formula) and not whole.heavy and whole.size == value.size:
                evaluate([whole])
            if whole.array is not None:
                return value.op.compute(ARRAYS, [_numbers(v) for v in values])
    return array_of(value)


def limit(result: Any) -> None:
    """Compute a formula that has grown past `config.max_formula_nodes`, if it can be stored."""
    for node in result if isinstance(result, tuple) else (result,):
        if not isinstance(node, Formula) or node.nodes <= config.max_formula_nodes:
            continue
        node.nodes = len(in_order([node]))  # `nodes` was an upper bound
        if node.nodes > config.max_formula_nodes:
            # Where the numbers do not fit, it stays a formula.
            with contextlib.suppress(OutOfMemoryError):
                evaluate([node])


def evaluate(roots: Sequence[Formula]) -> None:
    """Compute formulas together: results that share their loops come out of one pass.

    So do other results of these loops that somebody holds (`waiting.py`). Threads compute different
    formulas at the same time; what another thread computes already is waited for.
    """
    roots = list(dict.fromkeys(roots))
    while True:
        turn = turns.Turn()
        try:
            with LOCK:
                roots = [r for r in roots if r.array is None]
                if not roots:
                    return
                run = _Evaluation(roots)
                if turns.computed_by_others(run.order) and not turns.is_inside():
                    turns.changed.wait(turns.WAIT)
                    continue
                turn.begin(run.order, run.results(), [s.array for s in run.sources])
            run.steps()
        finally:
            if turn in turns.running:  # no line of Python between this and the next, for Ctrl-C
                turns.running.discard(turn)
                turns.tell()
        run.finish()  # the next round is for what waited for slabs


class _Evaluation:
    """Formulas that are computed together, and how."""

    def __init__(self, roots: Sequence[Formula]):
        company = [f for r in roots if r.others for f in r.company() if not f.is_large]
        self.roots = [r for r in dict.fromkeys((*roots, *company)) if r.array is None]
        for root in self.roots:
            config.check_memory(root.shape, root.nbytes)
        self.twins = {r: _twin(r) for r in self.roots if r.size == 1 and r.heavy and is_lone(r)}
        given = [self.twins.get(r, r) for r in self.roots]
        self.order, self.sources, self.plan = planned(given)
        if kept := _met_again(self.order, given):
            self.order, self.sources, self.plan = planned([*given, *kept])

    def results(self) -> list[Formula]:
        """What is given numbers."""
        places = [p for s in self.plan for p in (*s.numpy, *(p for _, p, _ in s.results))]
        return [*self.twins, *(self.order[p] for p in places)]

    def steps(self) -> None:
        """Compute them."""
        if observer is not None:
            observer(self.order, self.sources, self.plan, self.roots)
        run_steps(self.plan, self.order, self.sources)
        for root, twin in self.twins.items():
            if twin.array is not None:
                _give(root, twin.array[:1].reshape(root.shape))

    def finish(self) -> None:
        """Let go of what the results were computed from."""
        with LOCK:  # nobody is planning
            for node in (*self.twins, *self.order):
                if node.array is not None:
                    node.forget()


def _met_again(order: Sequence[Formula], given: Sequence[Formula]) -> list[Formula]:
    """What is better stored now, as it was computed on the way to others before; not what only
    others of these are made of."""
    found = []
    for node in order:
        node.met += 1
        if node.met > MET and node.is_worth_memory:
            found.append(node)
    if not found:
        return found
    below = {id(a) for node in found for a in node.arguments}
    below.update(map(id, given))
    return [node for node in found if id(node) not in below]


def is_lone(node: Formula) -> bool:
    """Whether one number is an element of what is never stored: there is no loop that gives it."""
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current.op, Reduction) and current.arguments[0].size > 1:
            continue
        for a in current.arguments:
            if isinstance(a, Formula) and a.array is None:
                if a.size > config.defer_elements:
                    return True
                stack.append(a)
    return False


def _twin(node: Formula) -> Any:
    """The same number twice: a loop."""
    return FORMULAS.expand(FORMULAS.reshape(node, 1), 2)


def planned(roots: Sequence[Formula]) -> tuple[list[Formula], list[Value], list[Step]]:
    """The pending formulas below the roots, the values that they read, and what computes them.

    With other results that come out of the same loops. The plan is found again for the same
    structure under the same settings.
    """
    with LOCK:
        order, sources, parts = structure(roots)
        more = [f for f in waiting.sharing(order, sources) if _fits(f)]
        if more:
            joined = [*roots, *more]
            together = structure(joined)
            settings = (config.defer_elements, config.summation)
            joint = (together[2], len(roots), *settings)
            numbers = _joining.get(joint)
            if numbers is None:
                numbers, plan = _join(*together[:2], roots, more)
                _make_room(_joining)[joint] = numbers
                if len(numbers) == len(more) and not slabs.results(together[0], joined):
                    _make_room(_plans)[together[2], *settings] = plan
            if numbers:
                joined = [*roots, *(more[k] for k in numbers)]
                if len(numbers) < len(more):
                    together = structure(joined)
                roots, (order, sources, parts) = joined, together
        key = (parts, config.defer_elements, config.summation)
        plan = _plans.get(key, [])
        if not plan:
            plan = _make_room(_plans)[key] = _plan(order, roots, sources)
        return order, sources, plan


def alone(root: Formula) -> tuple[list[Formula], list[Value], list[Step]]:
    """`planned` of one formula, whatever else could come out of its loops."""
    with LOCK:
        order, sources, parts = structure([root])
        key = (parts, config.defer_elements, config.summation)
        plan = _plans.get(key, [])
        if not plan:
            plan = _make_room(_plans)[key] = _plan(order, [root], sources)
        return order, sources, plan


def _make_room(cache: dict[Any, Any]) -> dict[Any, Any]:
    if len(cache) > MAX_PLANS:
        cache.clear()
    return cache


def _fits(result: Formula) -> bool:
    """Whether a result that nobody asked for yet can be stored, by a loop."""
    if result.size == 1 and result.heavy and is_lone(result):
        return False
    try:
        config.check_memory(result.shape, result.nbytes)
    except OutOfMemoryError:
        return False
    return True


@uncollected
def _join(
    order: Sequence[Formula],
    sources: Sequence[Value],
    roots: Sequence[Formula],
    more: Sequence[Formula],
) -> tuple[tuple[int, ...], list[Step]]:
    """Which of `more`, by number, come out of the loops that the roots need; the plan for all."""
    try:
        plan = make_plan(order, [*roots, *more], sources)
    except NotLowerable:
        return (), []
    return waiting.on_the_way(order, roots, more, plan), plan


@uncollected
def _plan(
    order: Sequence[Formula], roots: Sequence[Formula], sources: Sequence[Value]
) -> list[Step]:
    """The plan of loops; or everything by its definition, where loops cannot express it.

    What needs slabs comes first, and the rest is planned when they are there.
    """
    first = slabs.results(order, roots)
    if first:
        return [Step([k], slabs=True) for k, n in enumerate(order) if n in first]
    try:
        return make_plan(order, roots, sources)
    except NotLowerable:
        return [Step(list(range(len(order))))]


def run_steps(steps: Iterable[Step], order: Sequence[Formula], sources: Sequence[Value]) -> None:
    """Give numbers to the formulas that the steps compute; of `order`, only these are looked at."""
    for step in steps:
        step.compiled = step.call is not None and step.launch is None
        start = time.perf_counter()
        _run(step, order, sources)
        step.seconds = time.perf_counter() - start


def _run(step: Step, order: Sequence[Formula], sources: Sequence[Value]) -> None:
    def value(place: int) -> Any:
        return order[place] if place >= 0 else sources[-1 - place]

    if step.slabs:
        node = order[step.numpy[0]]
        try:
            _give(node, slabs.compute(node, array_of))
        except NotLowerable:
            _by_numpy(in_order([node]))
        return
    if step.call is None:
        _numpy_step(step, [order[k] for k in step.numpy])
        return
    scalars = {n: value(place).array.item(0) if v is None else v for n, place, v in step.scalars}
    read = {name: value(place) for name, place, _ in step.arrays}
    results = {}
    for name, place, _ in step.results:
        node = order[place]
        config.check_memory(node.shape, node.template.nbytes)
        results[name] = node, empty(node)
    launch = step.launch or _launch(step, read, results)
    if launch is not None:
        addresses = {n: x.address if type(x) is Source else address(x.array)
                     for n, x in read.items()}  # fmt: skip
        for name, (_, array) in results.items():
            addresses[name] = address(array)
        if launch.is_short:
            launch(addresses, scalars)
        else:
            with progress.shown(step.title) as report:
                launch(addresses, scalars, report)
    else:
        with progress.shown(step.title):
            tiles.run(step.call.kernel, step.call.sizes, _arrays(step, read, results), scalars,
                      config.tile_bytes)  # fmt: skip
    for node, array in results.values():
        _give(node, array)


def empty(node: Formula | Template) -> Any:
    """An array for a result."""
    try:
        return np.empty(node.shape, node.dtype)
    except MemoryError as error:
        raise refusal(node.shape, node.nbytes, "the system gives less") from error


def _give(node: Formula, array: Any) -> None:
    """Numbers for a formula that has none yet: those who read them keep the same ones.

    While a thread plans, no formula that it looks at becomes an array.
    """
    with LOCK:
        if node.array is None:
            node.array = array


def _arrays(step: Step, read: dict[str, Value], results: dict[str, Any]) -> dict[str, Any]:
    """The kernel's arrays by name, with the axes that it sees."""
    arrays = {name: _thin(read[name].array, axes) for name, _, axes in step.arrays}
    return arrays | {name: _thin(results[name][1], axes) for name, _, axes in step.results}


def _pairs(array: Any) -> Any:
    """The memory of complex numbers as pairs of real ones."""
    real = array.real
    return np.lib.stride_tricks.as_strided(
        real, (*real.shape, 2), (*real.strides, real.itemsize), writeable=array.flags.writeable
    )


def prepared(step: Step, order: Sequence[Formula], sources: Sequence[Value], together: bool) -> Any:
    """The compiled kernel of a step that reads these sources alone, to be called with addresses
    (`Launch.prepared`); None where there is none."""
    if step.call is None or any(place >= 0 for _, place, _ in step.arrays):
        return None
    read = {name: sources[-1 - place] for name, place, _ in step.arrays}
    nodes = [(name, order[place]) for name, place, _ in step.results]
    results = {name: (node, np.empty(node.shape, node.dtype)) for name, node in nodes}
    launch = _launch(step, read, results, told=False)
    return None if launch is None else launch.prepared(together)


def launch_of(step: Step, sources: Sequence[Value], result: Formula) -> Any:
    """`_launch` of the only step of a formula, which reads arrays and is not to be computed."""
    read = {name: sources[-1 - place] for name, place, _ in step.arrays}
    like = np.broadcast_to(np.empty((), result.dtype), result.shape)
    ((name, _, _),) = step.results
    return _launch(step, read, {name: (result, np.empty_like(like, order="C", subok=False))})


_warned = False


def _launch(step: Step, read: dict[str, Value], results: dict[str, Any], told: bool = True) -> Any:
    """The compiled kernel of a step; None where that cannot be had, and NumPy computes in tiles.

    The user is `told` why."""
    assert step.call is not None
    try:
        from pullback.backends.llvm import calls
        from pullback.backends.llvm.compile import program
        from pullback.backends.llvm.run import Launch, Placed

        if not calls.has_code(step.call.kernel):
            return None
        compiled = program(step.call.kernel)
    except Exception as error:  # whatever the compiler says: the numbers do not depend on it
        if told:
            _warn_once(error)
        return None
    placed = {n: Placed.of(a) for n, a in _arrays(step, read, results).items()}
    step.launch = Launch(compiled, step.call.sizes, placed)
    return step.launch


def _warn_once(error: Exception) -> None:
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            f"formulas are computed by NumPy in tiles, which is slow: LLVM did not compile a "
            f"kernel ({type(error).__name__}: {error}). `pip install llvmlite` if it is missing",
            RuntimeWarning,
            stacklevel=2,
        )


def _thin(array: Any, axes: Axes) -> Any:
    """The given axes in the given order; the others have, or repeat, one element.

    Axes that are one index lie in memory as one.

    Complex numbers are two real ones, along a last axis, and bfloat16 is its bits.
    """
    if array.dtype.kind == "c":
        array, axes = _pairs(array), (*axes, array.ndim)
    elif array.dtype.kind == "V":
        array = array.view(np.uint16)
    if len(axes) == array.ndim and axes == tuple(range(array.ndim)):
        return array
    groups = [axis if isinstance(axis, tuple) else (axis,) for axis in axes]
    if len(groups) < sum(map(len, groups)):
        thin = _thin(array, tuple(axis for group in groups for axis in group))
        sizes = iter(thin.shape)
        return thin.reshape([math.prod(next(sizes) for _ in group) for group in groups])
    kept = sorted(axes)
    thin = array[tuple(slice(None) if k in kept else slice(0, 1) for k in range(array.ndim))]
    order = [*axes, *(k for k in range(array.ndim) if k not in kept)]
    thin = thin.transpose(order)
    return thin[(..., *(0 for _ in range(array.ndim - len(axes))))]


def _numpy_step(step: Step, nodes: Sequence[Formula]) -> None:
    """The formulas of a step; as a straight line, if there is one."""
    if step.line:
        try:
            arrays = lines.run(step, [v.array for v in lines.outside(nodes)])
        except lines.Failed:
            _by_numpy(nodes)
            return
        with LOCK:
            for node, array in zip(nodes, arrays, strict=True):
                _give(node, array)
        return
    _by_numpy(nodes)
    if step.line is None:
        lines.ran(step, nodes)


def _by_numpy(nodes: Sequence[Formula]) -> None:
    """The definition: every operation's body on arrays."""
    token = quiet_set(QUIET)
    try:
        for node in nodes:
            if node.array is not None:  # by an evaluation inside this one, or beside it
                continue
            template = node.template
            config.check_memory(template.shape, template.nbytes)
            result = template.op.compute(
                ARRAYS, lines.operands(template.op, node.dtype, list(map(_numbers, node.values)))
            )
            if (
                type(result) is not np.ndarray or result.dtype != template.dtype
                or result.shape != template.shape or not result.flags.c_contiguous
            ):  # fmt: skip
                result = np.ascontiguousarray(result, template.dtype).reshape(template.shape)
            _give(node, result)
    finally:
        quiet_reset(token)


def _numbers(value: Any) -> Any:
    if isinstance(value, Value):
        return value.array
    return [_numbers(v) for v in value] if isinstance(value, list) else value
