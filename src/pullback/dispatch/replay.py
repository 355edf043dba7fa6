"""Backward passes through formulas, without working them out again.

A pass from a number down to the arrays that a kernel matrix is made of visits a dozen nodes, whose
rules write three times as many formulas, to find in the end a kernel that was compiled long ago.
All of that depends on the nodes' operations and on the kinds of what they saved. So the part of a
pass that is made of formulas is one `Program`, written down by reading the rules once with formulas
for all values, and found again by what decides it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.autograd import graph
from pullback.autograd.operation_node import OperationNode, number_of
from pullback.autograd.versions import Latest
from pullback.backends.collector import uncollected
from pullback.backends.memory import owner
from pullback.config import config
from pullback.dispatch.door import blows_up, heavy
from pullback.dispatch.guards import At, NotGuarded, NumberAt, check_of
from pullback.dispatch.straight import straightened
from pullback.dispatch.values import ValueVocabulary, varies
from pullback.errors import OutOfMemoryError
from pullback.formula import (
    FORMULAS,
    Formula,
    NotLowerable,
    build,
    cast,
    lines,
    source,
    turns,
    waiting,
)
from pullback.formula.evaluate import is_observed
from pullback.formula.node import Value
from pullback.formula.plan import structure
from pullback.formula.program import Begun, Program
from pullback.formula.vocabulary import plain_key
from pullback.locks import LOCK
from pullback.op import REGISTRY, Composite, Op, Opaque, View

ndarray = np.ndarray

# A program with what leaves the part, or None for parts that have none.
_programs: dict[Any, Any] = {}
# Whole passes that were met before, by the little that is known of one at once.
_guards: dict[Any, list[Guard]] = {}
MAX_GUARDS = 4  # of passes that are the same in this little
MAX_PROGRAMS = 1000
MAX_VISITED = 1000  # nodes that are looked at to find the part that is made of formulas


class _Met:
    """What is done in a part such as was met before."""

    __slots__ = ("guarded", "leaving", "program")

    def __init__(self, program: Program, leaving: Sequence[tuple[int, Any, bool]]):
        self.program = program
        # The number of a place, that of the result or of the operand, and which of the two it is.
        self.leaving = leaving
        self.guarded = False  # whether it was tried to find it by a compiled check


class Guard:
    """What tells passes that end in leaves from others, and what is done in them."""

    __slots__ = ("check", "leaving", "program", "shared")

    def __init__(self, check: Callable[..., Any], program: Program, leaving: Any):
        self.check = check
        self.program = program
        self.leaving = leaving
        self.shared: list[bool] | None = None  # the same for all passes, found out in the first one


def repeat(roots: Any, targets: Any, retain: bool) -> list[tuple[Any, Any, bool]] | None:
    """The cotangents of the leaves, if the whole pass is like one that was met before: leaf, array,
    and whether somebody else may have it. None if it has to be looked at more closely."""
    guards = _guards.get(_look_of(roots, targets))
    if guards is None or is_observed():
        return None
    ran = _in_turn(_found, guards, roots, targets)
    if ran is None:
        return None
    guard, (given, _, passed, leaves, nodes), begun, arrays = ran
    _end(given)
    if not retain:
        for node in nodes:
            node.values = None
    found = [(leaves[p], passed[at] if is_passed else arrays[at])
             for p, at, is_passed in guard.leaving]  # fmt: skip
    shared = guard.shared
    if shared is None:
        shared = guard.shared = _shared(guard.leaving, found, (*begun.sources, *given))
    return [(leaf, g, s) for (leaf, g), s in zip(found, shared, strict=True)]


def _found(turn: turns.Turn, guards: Sequence[Guard], roots: Any, targets: Any) -> Any:
    """The guard that knows the pass, what it found, and the beginning of its program; or None."""
    others = waiting.pending()
    for guard in guards:
        found = guard.check(roots, targets, others)
        if found is not None:
            given, read = found[:2]
            if turns.computed_by_others(given):
                return None
            return guard, found, _begin(turn, guard.program, given, read)
    return None


def _in_turn(prepare: Callable[..., Any], *arguments: Any) -> Any:
    """What `prepare` gives in a turn, with the results of the program that it has begun.

    It is called with the lock, and gives something that has a program, more, and a beginning. None
    if it gives nothing, or if the memory is not enough.
    """
    turn = turns.Turn()
    try:
        with LOCK:
            found = prepare(turn, *arguments)
        if found is None:
            return None
        holder, more, begun = found
        return holder, more, begun, holder.program.run(begun)
    except OutOfMemoryError:
        return None  # perhaps for a result that nobody asked for
    finally:
        if turn in turns.running:  # no line of Python between this and the next, for Ctrl-C
            turns.running.discard(turn)
            turns.tell()


def _look_of(roots: Any, targets: Any) -> Any:
    return (
        getattr(roots[0][0], "plan", None), len(roots), -1 if targets is None else len(targets),
        config.defer_elements, config.summation, config.max_formula_nodes,
    )  # fmt: skip


def _begin(
    turn: turns.Turn, program: Program, given: Sequence[Formula], read: Sequence[Value]
) -> Begun:
    """What a program takes, from now on in this turn. Called with the lock."""
    begun = program.begin(given, read)
    turn.begin((*given, *begun.made), begun.made, [s.array for s in begun.sources])
    return begun


def _end(given: Sequence[Formula]) -> None:
    with LOCK:  # nobody is planning
        alone = not turns.running
        for f in given:
            if f.array is not None:
                if alone:
                    f.values = f.arguments = ()
                else:
                    f.forget()


def _shared(leaving: Any, found: Sequence[tuple[Any, Any]], seen: Sequence[Value]) -> list[bool]:
    """Of each cotangent that leaves, whether somebody else may have the same memory.

    Two places may get the same array, or one a part of what the program reads.
    """
    memory = {id(owner(v.array)) for v in seen if v.array is not None}
    results = []
    for (_, g), (_, _, passed) in zip(found, leaving, strict=True):
        results.append(passed or id(owner(g)) in memory)
        memory.add(id(owner(g)))
    return results


def replay(running: Any) -> None:
    """Go through the formulas at the beginning of a pass, if there are any, at once.

    Their cotangents are sent on, and their nodes are not visited any more.
    """
    nodes = _part(running)
    if not nodes:
        return
    found = _Part(running, nodes).results()
    if found is None:
        return
    covered = set(nodes)
    running.heap[:] = [entry for entry in running.heap if entry[1] not in covered]
    heapq.heapify(running.heap)
    for node in nodes:
        running.pending.pop(node, None)
        if not running.retain:
            node.release()
    for (target, number), g, shared in found:
        running.send(target, number, g, shared)


def _part(running: Any) -> list[OperationNode]:
    """The nodes that saved formulas, and views, from the youngest, until others lie in between."""
    reached, wanted = running.reached, running.wanted
    heap = list(running.heap)
    outside: set[Any] = set()  # what is, or lies below, another kind of node
    seen = {node for _, node in heap}
    covered: list[OperationNode] = []
    hope = len(heap)
    while hope and heap:
        node = heapq.heappop(heap)[1]
        inside = node not in outside
        if inside:
            hope -= 1
            inside = _is_plain(node) and node not in wanted
            if inside:
                covered.append(node)
        for edge in node.edges:
            if edge is None or edge[0].accumulates:
                continue
            target = edge[0]
            if reached is not None and target not in reached:
                continue
            if target not in seen:
                seen.add(target)
                heapq.heappush(heap, (-target.time, target))
                hope += 1
            if not inside and target not in outside:
                outside.add(target)
                hope -= 1
        if len(seen) > MAX_VISITED:
            return []
    return covered


def _is_plain(node: Any) -> bool:
    return (
        isinstance(node, OperationNode) and node.hooks is None
        and (node._deferred or isinstance(node.op, View))
        and node.outputs == 1 and not node.packed and not node._narrow
        and node.values is not None and node._output_metas is None
        and len(node.edges) == len(node.op.edges)
    )  # fmt: skip


class _Part:
    """Nodes of a pass, and what decides what their rules write."""

    def __init__(self, running: Any, nodes: Sequence[OperationNode]):
        self.running = running
        self.nodes = nodes
        self.reached = running.reached
        self.number: dict[Any, int] = {node: k for k, node in enumerate(nodes)}
        self.places: dict[Any, int] = {}  # what cotangents leave the part for, and their numbers
        self.operands: list[Value] = []
        self.originals: list[Any] = []  # the operands as they were given
        self.starts: list[int | None] = []  # the cotangent of each node that comes from outside
        self.saved: list[list[Any]] = []  # the values of each node, operands as `At`
        self._found: dict[int, At] = {}
        self.key: list[Any] = [config.defer_elements, config.summation, config.max_formula_nodes]
        self.fits = all(self._note(node, running.pending.get(node)) for node in nodes)

    def _note(self, node: OperationNode, start: Any) -> bool:
        number: int
        if Latest.write > node.time:
            node.check_versions()
        key, found = self.key, self._found
        key.append(node.number or number_of(node))
        reached, numbers = self.reached, self.number
        for edge in node.edges:
            if edge is None or (reached is not None and edge[0] not in reached):
                key.append(None)
            elif edge[0] in numbers:
                key.append(numbers[edge[0]])
            else:
                key.append(-1 - self.places.setdefault(edge, len(self.places)))
        self.starts.append(None if start is None else self._operand(start))
        key.append(self.starts[-1])
        saved = node.values
        if saved is None:  # another pass has freed them
            return False
        values: list[Any] = []
        for n, v in enumerate(saved):
            kind = type(v)
            if kind is ndarray or kind is Formula:
                number = found.get(id(v)) or self._operand(v)
                key.append(number)
                values.append(number)
            elif varies(node, n, v):
                number = NumberAt(self._operand(np.full((), v)))
                key.append(number)
                values.append(number)
            elif kind is list:
                return False
            else:
                key.append(None if v is None else plain_key(v))
                values.append(v)
        self.saved.append(values)
        return True

    def _is_reached(self, node: Any) -> bool:
        return self.reached is None or node in self.reached

    def _operand(self, value: Any) -> At:
        """The number of an operand: the same one for the same object."""
        number = self._found.get(id(value))
        if number is None:
            number = self._found[id(value)] = At(len(self.operands))  # 0 is looked up twice
            self.originals.append(value)  # so that the identity stays its own
            self.operands.append(value if type(value) is Formula else source(value))
        return number

    def results(self) -> list[tuple[Any, Any, bool]] | None:
        """The cotangents that leave the part: where they go, arrays, and whether they are shared.

        None if the pass has to visit the nodes one by one.
        """
        if not self.fits or is_observed():
            return None
        ran = _in_turn(self._planned)
        if ran is None:
            return None
        met, given, begun, arrays = ran
        _end(given)
        places = list(self.places)
        leave = [(places[p], self.originals[at] if passed else arrays[at])
                 for p, at, passed in met.leaving]  # fmt: skip
        shared = _shared(met.leaving, leave, (*begun.sources, *given))
        return [(place, g, s) for (place, g), s in zip(leave, shared, strict=True)]

    def _planned(self, turn: turns.Turn) -> Any:
        """What is done in a part like this, the formulas it takes, and the program's beginning."""
        others = waiting.pending()  # some of them come out of the same loops
        if sum(f.nodes for f in others) > waiting.MAX_TOGETHER:
            return None
        given, read, parts = structure([*self.operands, *others])
        if turns.computed_by_others(given):
            return None
        key = (*self.key, parts)
        found = _programs.get(key, self)
        if found is self:
            if len(_programs) > MAX_PROGRAMS:
                _programs.clear()
            found = _programs[key] = self._written(given, read)
        elif found is not None and not found.guarded:
            found.guarded = True
            self._guard(found, others, given, read)
        if found is None:
            return None
        return found, given, _begin(turn, found.program, given, read)

    @uncollected
    def _written(self, given: Sequence[Formula], read: Sequence[Value]) -> Any:
        """The program for what leaves the part; and of each, the number of its place, that of the
        result or of the operand, and which of the two it is."""
        try:
            leaving = self._read_rules()
        except (NotLowerable, NotImplementedError):
            return None
        passed = {id(v): k for k, v in enumerate(self.operands)}
        results = [v for v in leaving.values() if id(v) not in passed]
        if not results or not all(isinstance(v, Formula) for v in results):
            return None
        program = Program.of(results, given, read)
        if program is None:
            return None
        number = {id(v): k for k, v in enumerate(results)}
        return _Met(program, [
            (place, passed.get(id(v), number.get(id(v))), id(v) in passed)
            for place, v in leaving.items()
        ])  # fmt: skip

    def _guard(
        self, met: _Met, others: Sequence[Formula], given: Sequence[Formula], read: Sequence[Value]
    ) -> None:
        """Have passes like this found by a compiled check from now on, if all of it is here."""
        running = self.running
        start, targets = running.start, running.targets
        whole = len(running.heap) == len(start) and not running.leaves
        if not whole or not self.number.keys() >= {*start}:
            return
        used = sorted({at for _, at, passed in met.leaving if passed})
        try:
            check = check_of(self, start, targets, others, (given, read, used))
        except NotGuarded:
            return
        leaving = [(p, used.index(at) if passed else at, passed) for p, at, passed in met.leaving]
        look = _look_of([(node,) for node in start], targets)
        if len(_guards) > MAX_PROGRAMS:
            _guards.clear()
        guard = Guard(check, met.program, leaving)
        _guards[look] = [guard, *_guards.get(look, ())][:MAX_GUARDS]

    def _read_rules(self) -> dict[int, Any]:
        """What the rules write for each place outside."""
        got: list[Any] = [None if at is None else self.operands[at] for at in self.starts]
        leaving: dict[int, Any] = {}
        for k, node in enumerate(self.nodes):
            if got[k] is None:
                continue
            values = tuple(self._value(v, got[k].dtype) for v in self.saved[k])
            results = node.results(WRITTEN, (got[k],), values, self.reached)
            for edge, g in zip(node.edges, results, strict=True):
                if edge is None or g is None or not self._is_reached(edge[0]):
                    continue
                inside = edge[0] in self.number
                place = self.number[edge[0]] if inside else self.places[edge]
                have = got[place] if inside else leaving.get(place)
                into: Any = got if inside else leaving
                into[place] = g if have is None else FORMULAS.add(have, g)
        return leaving

    def _value(self, saved: Any, dtype: np.dtype[Any]) -> Any:
        if type(saved) is NumberAt:
            return cast(self.operands[saved], dtype)
        return self.operands[saved] if type(saved) is At else saved


class _Written(ValueVocabulary):
    """`xp` for rules that are only written down: nothing is computed, small as it may be."""

    def _function(self, op: Op) -> Callable[..., Any]:
        return lambda *args, **keywords: self.apply(op, op.arguments(args, keywords))

    @staticmethod
    def filled(shape: Sequence[int], value: Any, like: Any) -> Any:
        """A constant with the dtype of another."""
        return build(REGISTRY["expand"], [FORMULAS.number(value, like), tuple(shape), False])

    @staticmethod
    def apply(op: Op, args: Sequence[Any]) -> Any:
        """An operation given by its declaration, arguments normalised."""
        if isinstance(op, Composite):
            return op.compute(WRITTEN, list(args))
        if isinstance(op, Opaque) and not _is_for_loops(op, args):
            raise NotLowerable(f"{op.name} is better left to a library")
        return build(op, args)


def _is_for_loops(op: Opaque, args: Sequence[Any]) -> bool:
    sizes = [args[k].size for k in op.tensors if isinstance(args[k], Value)]
    return heavy(op, args) or blows_up(op, args, max(sizes, default=0))


WRITTEN = _Written()
graph.REPLAY, graph.REPEAT = replay, repeat
lines.straightened = straightened
