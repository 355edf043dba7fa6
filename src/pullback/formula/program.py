"""What was planned once, run again on formulas of the same structure.

A `Program` is a plan for results that are written with formulas that exist already. Running it
makes none of the formulas in between: only those that NumPy computes, and the results.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pullback.config import config
from pullback.formula.evaluate import is_lone, planned, run_steps
from pullback.formula.node import Formula, Source, Template, Value
from pullback.formula.plan import Step

# Where a value is found: ("given", its number in the structure), ("read", that of a source),
# ("made", its place in the order) or ("fixed", itself).
Where = tuple[str, Any]


class Program:
    """Results, made of the formulas of a structure (`plan.structure`), and how to get them."""

    __slots__ = ("_given", "_length", "_made", "_results", "_sources", "_steps")

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._length = 0
        self._given: list[tuple[int, int]] = []  # (place in the order, number in the structure)
        # (place, template, values with holes, what goes where in them)
        self._made: list[tuple[int, Template, list[Any], list[tuple[int, Any]]]] = []
        self._sources: list[Where] = []
        self._results: list[int] = []

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
        known = by_numpy | {p for step in steps for _, p, _ in step.results}
        program._results = [place.get(id(r), -1) for r in results]
        reads = [h for _, _, _, holes in program._made for _, h in holes]
        if any(step.slabs for step in steps) or not known.issuperset(program._results):
            return None
        return program if all(map(_is_found, reads)) else None

    def filled(
        self, given: Sequence[Formula], read: Sequence[Value]
    ) -> tuple[list[Any], list[Value]]:
        """What the steps look at, on a structure of the same kind."""
        order: list[Any] = [None] * self._length
        for place, number in self._given:
            order[place] = given[number]
        for place, template, plain, holes in self._made:
            values = plain[:]
            for n, hole in holes:
                values[n] = _value(hole, order, given, read)
            order[place] = Formula(template, tuple(values), ())
        return order, [_value(where, order, given, read) for where in self._sources]

    def run(self, order: Sequence[Any], sources: Sequence[Value]) -> list[Any]:
        """The arrays of the results."""
        run_steps(self._steps, order, sources)
        return [order[place].array for place in self._results]


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
