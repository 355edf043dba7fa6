"""Numbers for formulas: find or make the plan, and run its steps."""

from __future__ import annotations

import contextlib
import threading
import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.backends import progress, tiles
from pullback.backends.arrays import ARRAYS, QUIET, quiet_reset, quiet_set
from pullback.config import config
from pullback.errors import OutOfMemoryError
from pullback.formula import slabs
from pullback.formula.node import Formula, Source, Value, address_of
from pullback.formula.plan import Step, in_order, make_plan, structure
from pullback.formula.vocabulary import FORMULAS, NotLowerable
from pullback.op import Reduction, View

_lock = threading.RLock()
# Told of (formulas, values that they read, steps, roots) before the steps run, if it is set.
observer: Any = None


def set_observer(function: Any) -> None:
    """Tell `function`, or nobody, of every evaluation before it starts."""
    global observer
    observer = function


_plans: dict[Any, list[Step]] = {}


def forget() -> None:
    """Empty the cache of plans; those in use stay valid."""
    with _lock:
        _plans.clear()


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
    """The array of a value for one use: a view of an array is a view, and need not be kept."""
    if (
        type(value) is Formula and value.array is None and isinstance(value.op, View)
        and all(a.array is not None for a in value.arguments)
    ):  # fmt: skip
        return value.op.compute(ARRAYS, [_numbers(v) for v in value.values])
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
    """Compute formulas together: results that share their loops come out of one pass."""
    with _lock:
        roots = [r for r in dict.fromkeys(roots) if r.array is None]
        if not roots:
            return
        company = [f for r in roots if r.others for f in r.company() if not f.is_large]
        roots = [r for r in dict.fromkeys((*roots, *company)) if r.array is None]
        for root in roots:
            config.check_memory(root.shape, root.nbytes)
        twins = {r: _twin(r) for r in roots if r.size == 1 and r.heavy and _is_lone(r)}
        order, sources, plan = planned([twins.get(r, r) for r in roots])
        if observer is not None:
            observer(order, sources, plan, roots)
        for step in plan:
            step.compiled = step.call is not None and step.launch is None
            start = time.perf_counter()
            _run(step, order, sources)
            step.seconds = time.perf_counter() - start
        for root, twin in twins.items():
            if twin.array is not None:
                root.array = twin.array[:1].reshape(root.shape)
                root.forget()
        for node in order:
            if node.array is not None:
                node.forget()
        evaluate(roots)  # what waited for slabs


def _is_lone(node: Formula) -> bool:
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

    The plan is found again for the same structure under the same settings.
    """
    with _lock:
        order, sources, parts = structure(roots)
        key = (parts, config.defer_elements, config.summation)
        plan = _plans.get(key)
        if plan is None:
            if len(_plans) > 1000:
                _plans.clear()
            plan = _plans[key] = _plan(order, roots, sources)
        return order, sources, plan


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


def _run(step: Step, order: Sequence[Formula], sources: Sequence[Value]) -> None:
    def value(place: int) -> Any:
        return order[place] if place >= 0 else sources[-1 - place]

    if step.slabs:
        node = order[step.numpy[0]]
        try:
            node.array = slabs.compute(node, array_of)
        except NotLowerable:
            _by_numpy(in_order([node]))
        return
    if step.call is None:
        _by_numpy([order[k] for k in step.numpy])
        return
    scalars = {n: value(place).array.item(0) if v is None else v for n, place, v in step.scalars}
    read = {name: value(place) for name, place, _ in step.arrays}
    results = {}
    for name, place, _ in step.results:
        node = order[place]
        config.check_memory(node.shape, node.nbytes)
        results[name] = node, np.empty(node.shape, node.dtype)
    with progress.shown(step.title) as report:
        launch = step.launch or _launch(step, read, results)
        if launch is not None:
            addresses = {n: x.address if type(x) is Source else address_of(x.array)
                         for n, x in read.items()}  # fmt: skip
            addresses |= {n: address_of(array) for n, (_, array) in results.items()}
            launch(addresses, scalars, report)
        else:
            tiles.run(step.call.kernel, step.call.sizes, _arrays(step, read, results), scalars,
                      config.tile_bytes)  # fmt: skip
    for node, array in results.values():
        node.array = array


def _arrays(step: Step, read: dict[str, Value], results: dict[str, Any]) -> dict[str, Any]:
    """The kernel's arrays by name, with the axes that it sees."""
    arrays = {name: _thin(read[name].array, axes) for name, _, axes in step.arrays}
    return arrays | {name: _thin(results[name][1], axes) for name, _, axes in step.results}


_warned = False


def _launch(step: Step, read: dict[str, Value], results: dict[str, Any]) -> Any:
    """The compiled kernel of a step; None where that cannot be had, and NumPy computes in tiles."""
    assert step.call is not None
    try:
        from pullback.backends.llvm.compile import program
        from pullback.backends.llvm.run import Launch, Placed

        compiled = program(step.call.kernel)
    except Exception as error:  # whatever the compiler says: the numbers do not depend on it
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


def _thin(array: Any, axes: tuple[int, ...]) -> Any:
    """The given axes in the given order; the others have, or repeat, one element."""
    if len(axes) == array.ndim and axes == tuple(range(array.ndim)):
        return array
    kept = sorted(axes)
    thin = array[tuple(slice(None) if k in kept else slice(0, 1) for k in range(array.ndim))]
    order = [*axes, *(k for k in range(array.ndim) if k not in kept)]
    thin = thin.transpose(order)
    return thin[(..., *(0 for _ in range(array.ndim - len(axes))))]


def _by_numpy(nodes: Sequence[Formula]) -> None:
    """The definition: every operation's body on arrays."""
    token = quiet_set(QUIET)
    try:
        for node in nodes:
            config.check_memory(node.shape, node.nbytes)
            result = np.asarray(node.op.compute(ARRAYS, [_numbers(v) for v in node.values]))
            node.array = np.ascontiguousarray(result, node.dtype).reshape(node.shape)
    finally:
        quiet_reset(token)


def _numbers(value: Any) -> Any:
    if isinstance(value, Value):
        return value.array
    return [_numbers(v) for v in value] if isinstance(value, list) else value
