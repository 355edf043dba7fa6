"""Is this backward pass like one that was met? Asked of the graph by compiled checks.

Whether a pass is like another is decided by its nodes, by what they saved, by the formulas below
that, and by which of all of these are the same. `replay` writes all of it down as a key, which
takes longer than most of what is left to do. A `Guard` is the answer for one such key: a Python
function that walks the way through the graph that the pass had, compares what it meets with what
was there, and has in its hands what the program needs when it comes to the end.

It is written for passes that end in leaves: everything below their roots is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.autograd.graph import AccumulateGrad
from pullback.autograd.operation_node import OperationNode, steps
from pullback.autograd.versions import Latest
from pullback.backends.memory import address
from pullback.dispatch.again import belongs
from pullback.formula import Formula, source
from pullback.formula.node import Source, Value, kind_of
from pullback.formula.vocabulary import plain_key

ndarray = np.ndarray
MAX_LINES = 1000
CONSTANTS = (int, float, bool, str, type(None))


class NotGuarded(Exception):
    """A pass that is not looked through by a compiled check."""


class At(int):
    """The number of an operand, among plain arguments."""


class NumberAt(int):
    """The number of an operand that is a number of the user's, in float64."""


def placed(value: Value) -> tuple[int, int]:
    """How the numbers of a computed value lie in memory, and where."""
    if type(value) is Source:
        return value.layout, value.address
    array = value.array
    return kind_of(array.shape, array.dtype, array.strides), address(array)


def number_source(number: Any) -> Any:
    """The value for a number of the user's; None for another one."""
    if (type(number) is not float and type(number) is not int) or belongs(number):
        return None
    return source(np.full((), number))


NAMES = {
    "AccumulateGrad": AccumulateGrad, "Formula": Formula, "Latest": Latest, "Source": Source,
    "ndarray": ndarray, "number_source": number_source, "placed": placed, "plain_key": plain_key,
    "source": source,
}  # fmt: skip


def check_of(
    part: Any,
    start: Sequence[Any],
    targets: Sequence[Any] | None,
    others: Sequence[Formula],
    wanted: tuple[Sequence[Formula], Sequence[Value], Sequence[int]],
) -> Callable[..., Any]:
    """The check for passes like one whose nodes are all in a part (`replay`).

    A function of its roots, its targets, and the results that others wait for. It gives the
    formulas and the sources that are wanted, the operands of these numbers, the leaves in the order
    of the part's places, and the nodes whose values the pass frees; or None. NotGuarded if there is
    no such check.
    """
    writer = Writer()
    nodes = writer.graph(part, start)
    for k, node in enumerate(start):
        at = part.starts[part.number[node]]
        writer.operand(part.originals[at], part.operands[at], f"roots[{k}][2]")
    for node, saved in zip(part.nodes, part.saved, strict=True):
        writer.saved(part, node, saved)
    writer.refuse(f"len(others) != {len(others)}")
    for k, other in enumerate(others):
        writer.value(other, f"others[{k}]")
    leaves = [node for node, _ in part.places]
    writer.targets(targets, nodes)
    given, read, used = wanted
    freed = [node for node in part.nodes if node.values and steps.of(node.op, node.plan).saves]
    return writer.compiled(given, read, [part.originals[at] for at in used], leaves, freed)


def _is_simple(value: Any) -> bool:
    """Whether a plain argument may be kept: it holds nothing of the user's."""
    if type(value) is tuple or type(value) is list:
        return all(map(_is_simple, value))
    return type(value) in CONSTANTS


class Writer:
    """Source of a check, a line at a time, while the graph of the pass is walked."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._constants: dict[str, Any] = {}
        self._names: dict[int, str] = {}  # of the objects that have been met, by identity
        self._keep: list[Any] = []  # the identities stay theirs
        # What objects that might be one and the same look like, and their names.
        self._alike: dict[Any, list[str]] = {}
        self._values: list[tuple[Any, str]] = []  # that are to be looked through
        self._places: dict[int, list[str]] = {}  # names of the sources that begin at an address

    def line(self, text: str) -> None:
        if len(self._lines) == MAX_LINES:
            raise NotGuarded
        self._lines.append(text)

    def refuse(self, condition: str) -> None:
        self.line(f"if {condition}: return None")

    def constant(self, value: Any) -> str:
        name = f"c{len(self._constants)}"
        self._constants[name] = value
        return name

    def name(self, thing: Any) -> str:
        """The name of something that was met; NotGuarded if it was not."""
        found = self._names.get(id(thing))
        if found is None:
            raise NotGuarded
        return found

    def meet(self, thing: Any, text: str, letter: str) -> bool:
        """Something that the check finds with an expression: whether it is met for the first time.

        Otherwise it has to be the same.
        """
        known = self._names.get(id(thing))
        if known is not None:
            self.refuse(f"{text} is not {known}")
            return False
        name = self._names[id(thing)] = f"{letter}{len(self._keep)}"
        self._keep.append(thing)
        self.line(f"{name} = {text}")
        return True

    def could_be(self, look: Any, thing: Any) -> None:
        """Note something that only those of the same look could be confused with."""
        self._alike.setdefault(look, []).append(self.name(thing))

    # ------------------------------------------------------------------------------ the graph

    def graph(self, part: Any, start: Sequence[Any]) -> list[Any]:
        """All nodes below the roots: those of the part, others that the pass does not reach, and
        leaves, which are given. NotGuarded if the pass goes on to other nodes."""
        leaves: list[Any] = []
        stack = []
        for k, node in enumerate(start):
            if part.starts[part.number[node]] is None or not self.meet(node, f"roots[{k}][0]", "n"):
                raise NotGuarded  # twice a root
            self.refuse(f"roots[{k}][1] != 0")
            stack.append(node)
        while stack:
            node = stack.pop()
            if node.accumulates:
                self.leaf(node)
                leaves.append(node)
                continue
            inside = node in part.number
            if not inside and (part.reached is None or node in part.reached):
                raise NotGuarded
            for below, text in self._node(node, inside):
                if self.meet(below, text, "n"):
                    stack.append(below)
        return leaves

    def targets(self, targets: Sequence[Any] | None, leaves: Sequence[Any]) -> None:
        """Which of the leaves are asked for; others that are not below the roots may be as well."""
        for k, (node, _) in enumerate(targets or ()):
            if node in leaves:
                self.refuse(f"targets[{k}][0] is not {self.name(node)}")
            elif node.accumulates:
                names = "".join(f"{self.name(leaf)}, " for leaf in leaves)
                self.refuse(f"not targets[{k}][0].accumulates or targets[{k}][0] in ({names})")
            else:
                raise NotGuarded

    def _node(self, node: Any, inside: bool) -> list[tuple[Any, str]]:
        """One node; gives the nodes that follow, with how they are found.

        Of a node that is not visited, only the edges are of interest.
        """
        name = self.name(node)
        self.could_be(OperationNode, node)
        kind = self.constant(type(node))
        self.refuse(f"type({name}) is not {kind}")
        if inside:
            plan, metas = self.constant(node.plan), self.constant(node.metas)
            self.refuse(
                f"{name}.plan is not {plan} or {name}.hooks is not None or {name}.packed "
                f"or {name}._narrow or write > {name}.time"
            )
            self.refuse(f"{name}._metas is not {metas} and {name}._metas != {metas}")
        edges = f"e{name}"
        self.line(f"{edges} = {name}.edges")
        self.refuse(f"len({edges}) != {len(node.edges)}")
        found = []
        for k, edge in enumerate(node.edges):
            if edge is None:
                self.refuse(f"{edges}[{k}] is not None")
            else:
                self.refuse(f"{edges}[{k}] is None")
                found.append((edge[0], f"{edges}[{k}][0]"))
        return found

    def leaf(self, node: Any) -> None:
        """The end of a path."""
        name = self.name(node)
        self.could_be(AccumulateGrad, node)
        self.refuse(f"type({name}) is not AccumulateGrad or {name}.hooks is not None")

    # ----------------------------------------------------------------------------- the values

    def saved(self, part: Any, node: Any, saved: Sequence[Any]) -> None:
        """What a node of the part saved."""
        name = f"s{self.name(node)}"
        self.line(f"{name} = {self.name(node)}.values")
        self.refuse(f"{name} is None")
        values = node.values
        if values is None:  # another pass has freed them
            raise NotGuarded
        for k, (value, at) in enumerate(zip(values, saved, strict=True)):
            text = f"{name}[{k}]"
            if type(at) is At:
                self.operand(value, part.operands[at], text)
            elif type(at) is NumberAt:
                self.value(part.operands[at], f"number_source({text})")
            else:
                self.plain(value, text)

    def plain(self, value: Any, text: str) -> None:
        """A plain argument."""
        if value is None:
            self.refuse(f"{text} is not None")
            return
        key = self.constant(plain_key(value))
        same = f"{text} is not {self.constant(value)} and " if _is_simple(value) else ""
        self.refuse(f"{same}plain_key({text}) != {key}")

    def operand(self, given: Any, value: Value, text: str) -> None:
        """An array, or a formula, that a node saved or that is a cotangent."""
        if type(given) is Formula:
            self.value(given, text)
        elif self.meet(given, text, "x"):
            name = self.name(given)
            self.refuse(f"type({name}) is not ndarray")
            self.value(value, f"source({name})")

    def value(self, value: Value, text: str) -> None:
        """A value, of which everything below is looked at as well."""
        if self.meet(value, text, "f"):
            self._values.append((value, self.name(value)))
        while self._values:
            self._look(*self._values.pop())

    def _look(self, value: Any, name: str) -> None:
        if value.array is not None:
            layout, start = placed(value)
            self.could_be(layout, value)
            where = self._places.setdefault(start, [])
            where.append(f"w{name}")
            if type(value) is Source:
                self.refuse(f"type({name}) is not Source or {name}.layout != {layout}")
                self.line(f"w{name} = {name}.address")
            else:
                self.refuse(f"type({name}) is not Formula or {name}.array is None")
                self.line(f"l{name}, w{name} = placed({name})")
                self.refuse(f"l{name} != {layout}")
            if len(where) > 1:
                self.refuse(f"w{name} != {where[0]}")
            return
        template = self.constant(value.template)
        self.could_be(value.template, value)
        self.refuse(
            f"type({name}) is not Formula or {name}.array is not None "
            f"or {name}.template is not {template}"
        )
        arguments = f"a{name}"
        self.line(f"{arguments} = {name}.arguments")
        self.refuse(f"len({arguments}) != {len(value.arguments)}")
        for k, a in enumerate(value.arguments):
            if self.meet(a, f"{arguments}[{k}]", "f"):
                self._values.append((a, self.name(a)))

    # -------------------------------------------------------------------------------- the end

    def compiled(self, *results: Sequence[Any]) -> Callable[..., Any]:
        """The check as a function that gives these objects of a pass like this, or None."""
        for names in (*self._alike.values(), [where[0] for where in self._places.values()]):
            if len(names) == 2:
                self.refuse(f"{names[0]} == {names[1]}" if names[0][0] == "w" else
                            f"{names[0]} is {names[1]}")  # fmt: skip
            elif len(names) > 2:
                ids = names if names[0][0] == "w" else [f"id({n})" for n in names]
                self.refuse(f"len({{{', '.join(ids)}}}) != {len(names)}")
        parts = ["".join(f"{self.name(x)}, " for x in result) for result in results]
        lines = [
            "def check(roots, targets, others):",
            "write = Latest.write",
            *self._lines,
            f"return {', '.join(f'({part})' for part in parts)}",
        ]
        made: dict[str, Any] = {}
        code = compile("\n    ".join(lines), "<check of a backward pass>", "exec")
        exec(code, NAMES | self._constants, made)
        check: Callable[..., Any] = made["check"]
        return check
