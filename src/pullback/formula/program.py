"""What was planned once, run again on formulas of the same structure.

A `Program` is a plan for results that are written with formulas that exist already. Running it
makes none of the formulas in between: first only those that NumPy computes, and the results; and
when all of its steps are functions of arrays, only arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any, NamedTuple

from pullback.backends import progress
from pullback.backends.memory import address
from pullback.config import config
from pullback.formula import lines
from pullback.formula.evaluate import empty, is_lone, planned, run_steps
from pullback.formula.node import Formula, Source, Template, Value
from pullback.formula.plan import Step
from pullback.locks import LOCK

# Where a value is found: ("given", its number in the structure), ("read", that of a source),
# ("made", its place in the order) or ("fixed", itself).
Where = tuple[str, Any]


class Begun(NamedTuple):
    """A run of a program."""

    order: list[Any] | None  # formulas by their place; None where arrays are enough
    given: Sequence[Formula]
    read: Sequence[Value]
    sources: list[Value]
    made: list[Formula]  # what gets numbers


class Program:
    """Results, made of the formulas of a structure (`plan.structure`), and how to get them."""

    __slots__ = (
        "_given", "_kernels", "_length", "_made", "_results", "_sources", "_steps", "_taken",
        "_templates",
    )  # fmt: skip

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._length = 0
        self._given: list[tuple[int, int]] = []  # (place in the order, number in the structure)
        # (place, template, values with holes, what goes where in them)
        self._made: list[tuple[int, Template, list[Any], list[tuple[int, Any]]]] = []
        self._sources: list[Where] = []
        self._results: list[int] = []
        self._taken: list[list[int]] = []  # the places of what the steps of NumPy take
        self._templates: dict[int, Template] = {}  # of what kernels compute, by place
        # Kernels as functions of arrays, and None for the other steps, once all steps are some.
        self._kernels: list[_Kernel | None] = []

    @classmethod
    def of(
        cls, results: Sequence[Formula], given: Sequence[Formula], read: Sequence[Value]
    ) -> Program | None:
        """The program for results that were written with a structure's formulas and sources.

        None if one of them is not to be stored, or is not computed by kernels and NumPy alone.
        """
        if any(not _is_plain(r) for r in results):
            return None
        order, sources, steps = planned(list(dict.fromkeys(results)))
        program = cls()
        program._steps, program._length = steps, len(order)
        where: dict[int, Where] = {id(f): ("given", k) for k, f in enumerate(given)}
        where |= {id(s): ("read", k) for k, s in enumerate(read)}
        place = {id(f): k for k, f in enumerate(order)}
        by_numpy = {p for step in steps for p in step.numpy}
        for k in sorted(_used(steps)):
            node = order[k]
            if id(node) in where:
                program._given.append((k, where[id(node)][1]))
                continue
            values, holes = [], []
            for n, v in enumerate(node.values if k in by_numpy else ()):
                hole = _hole(v, where, place)
                if hole is not None:
                    holes.append((n, hole))
                values.append(None if hole is not None else v)
            program._made.append((k, node.template, values, holes))
        for s in sources:
            found = where.get(id(s)) or (("fixed", s) if _is_fixed(s) else None)
            if found is None:
                return None
            program._sources.append(found)
        by_kernels = {p for step in steps for _, p, _ in step.results}
        program._results = [place.get(id(r), -1) for r in results]
        reads = [h for _, _, _, holes in program._made for _, h in holes]
        if any(step.slabs for step in steps) or not (by_numpy | by_kernels).issuperset(
            program._results
        ):
            return None
        program._templates = {p: order[p].template for p in by_kernels}
        place |= {id(s): -1 - k for k, s in enumerate(sources)}
        for step in steps:
            taken = lines.outside([order[p] for p in step.numpy])
            program._taken.append([place.get(id(v), program._length) for v in taken])
        return program if all(map(_is_found, reads)) else None

    def begin(self, given: Sequence[Formula], read: Sequence[Value]) -> Begun:
        """A run on a structure of the same kind, with what it needs."""
        sources = [_value(where, (), given, read) for where in self._sources]
        if self._kernels:
            return Begun(None, given, read, sources, [given[n] for _, n in self._given])
        order = self._order(given, read)
        return Begun(order, given, read, sources, [f for f in order if f is not None])

    def run(self, begun: Begun) -> list[Any]:
        """The arrays of the results."""
        order, given, read, sources, _ = begun
        if order is None:
            try:
                return self._run_on_arrays(given, sources)
            except lines.Failed:
                order = self._order(given, read)
        run_steps(self._steps, order, sources)
        if not self._kernels and all(step.line or step.launch for step in self._steps):
            self._kernels = [
                _Kernel(step, self._templates) if step.call else None for step in self._steps
            ]
        return [order[place].array for place in self._results]

    def _order(self, given: Sequence[Formula], read: Sequence[Value]) -> list[Any]:
        """What the steps look at."""
        order: list[Any] = [None] * self._length
        for place, number in self._given:
            order[place] = given[number]
        for place, template, plain, holes in self._made:
            values = plain[:]
            for n, hole in holes:
                values[n] = _value(hole, order, given, read)
            order[place] = Formula(template, tuple(values), ())
        return order

    def _run_on_arrays(self, given: Sequence[Formula], sources: Sequence[Value]) -> list[Any]:
        """Arrays by their place; those of sources have negative ones."""
        slots: list[Any] = [None] * self._length
        slots += [s.array for s in reversed(sources)]
        for step, kernel, taken in zip(self._steps, self._kernels, self._taken, strict=True):
            start = perf_counter()
            if kernel is None:
                found = lines.run(step, [slots[p] for p in taken])
                for place, array in zip(step.numpy, found, strict=True):
                    slots[place] = array
            else:
                kernel.run(slots, sources)
            step.compiled, step.seconds = False, perf_counter() - start
        with LOCK:
            for place, number in self._given:
                formula = given[number]
                if formula.array is None:
                    formula.array = slots[place]
        return [slots[place] for place in self._results]


class _Kernel:
    """A step with a compiled kernel, as a function of arrays in their places."""

    __slots__ = ("_arrays", "_results", "_scalars", "_step")

    def __init__(self, step: Step, templates: dict[int, Template]):
        self._step = step
        self._arrays = [(name, place) for name, place, _ in step.arrays]
        self._scalars = [(name, place) for name, place, number in step.scalars if number is None]
        self._results = [(name, place, templates[place]) for name, place, _ in step.results]

    def run(self, slots: list[Any], sources: Sequence[Value]) -> None:
        """Compute the results, and put them in their places."""
        step = self._step
        scalars = {name: number for name, _, number in step.scalars}
        for name, place in self._scalars:
            scalars[name] = slots[place].item(0)
        addresses = {}
        for name, place in self._arrays:
            source = sources[-1 - place] if place < 0 else None
            addresses[name] = source.address if type(source) is Source else address(slots[place])
        for name, place, template in self._results:
            config.check_memory(template.shape, template.nbytes)
            array = slots[place] = empty(template)
            addresses[name] = address(array)
        launch = step.launch
        if launch.is_short:
            launch(addresses, scalars)
        else:
            with progress.shown(step.title) as report:
                launch(addresses, scalars, report)


def _is_plain(result: Any) -> bool:
    return (
        type(result) is Formula and result.array is None and not result.is_large
        and result.nodes <= config.max_formula_nodes and not result.others
        and not (result.size == 1 and result.heavy and is_lone(result))
    )  # fmt: skip


def _is_fixed(value: Any) -> bool:
    return isinstance(value, Source) and value.fixed


def _used(steps: Sequence[Step]) -> set[int]:
    """The places of the formulas that steps refer to."""
    used = {p for step in steps for p in step.numpy}
    for step in steps:
        used |= {p for _, p, _ in step.results}
        used |= {p for _, p, _ in step.arrays}
        used |= {p for _, p, number in step.scalars if number is None}
    return {p for p in used if p >= 0}


def _hole(value: Any, where: dict[int, Where], place: dict[int, int]) -> Any:
    """Where a value, or each of a list of them, is found; None for plain arguments."""
    if isinstance(value, list):
        return [_hole(v, where, place) for v in value]
    if not isinstance(value, Value):
        return None
    found = where.get(id(value))
    if found is None and _is_fixed(value):
        found = ("fixed", value)
    return found or ("made", place.get(id(value), -1))


def _is_found(hole: Any) -> bool:
    if isinstance(hole, list):
        return all(map(_is_found, hole))
    return bool(hole != ("made", -1))


def _value(hole: Any, order: Sequence[Any], given: Sequence[Any], read: Sequence[Any]) -> Any:
    if isinstance(hole, list):
        return [_value(h, order, given, read) for h in hole]
    kind, which = hole
    if kind == "fixed":
        return which
    return (order if kind == "made" else given if kind == "given" else read)[which]
