"""How a value was computed, read off the recorded graph, and off formulas that are pending."""

import re
from collections.abc import Iterator
from typing import Any

from pullback.formula import Formula
from pullback.graph.names import Names
from pullback.graph.source import Place, Source, place_in
from pullback.graph.words import MAX_CHARS, MORE, SAME, SHORT, Term, number, of_source, write
from pullback.op import View
from pullback.tensor import Tensor, wrap

DEPTHS = (2, 4, 8)
"""Unnamed operations inside each other that one formula writes out: as many as can be read."""
NAMES = 50
"""Names inside each other that may be replaced by what they stand for."""
READABLE = 44
"""Characters of a formula that leaves something out."""
ARGUMENTS = 4
"""Tensors of a list (`cat`, `stack`) that a formula writes out."""

MADE_AT = "made_at_"
"""In a node's metadata: the code and the instruction that made it (`record.py`)."""

Edge = tuple[Any, int] | None


def arguments(node: Any) -> Iterator[tuple[int, Edge, Any]]:
    """(position, edge, what was saved of it or None) for the tensor arguments of an operation."""
    op, edges = node.op, node.edges
    saved = {}
    if node.values is not None:
        for (what, k), value in zip(node.plan.sources, node.values, strict=True):
            if what == "argument":
                saved[k] = value
    for k in op.tensors:
        place = op.edges.index(k) if k in op.edges else None
        if op.parameters[k].is_list:
            several = saved.get(k) or []
            for i, edge in enumerate(edges[place:] if place is not None else [None] * len(several)):
                yield k, edge, several[i] if i < len(several) else None
        else:
            yield k, None if place is None else edges[place], saved.get(k)


def saved_edges(node: Any) -> list[Edge]:
    """Where in the graph the values come from that `node.saved()` lists, in its order."""
    if not hasattr(node, "plan") or node.values is None:
        return []
    op = node.op
    found: list[Edge] = []
    for (what, k), value in zip(node.plan.sources, node.values, strict=True):
        several = value if isinstance(value, list | tuple) else [value]
        if what == "output":
            found += [(node, k if op.outputs else 0) for v in several if hasattr(v, "dtype")]
        elif what == "argument" and op.parameters[k].is_tensor:
            place = op.edges.index(k) if k in op.edges else None
            for i, v in enumerate(several):
                if hasattr(v, "dtype"):
                    found.append(None if place is None else node.edges[place + i])
    return found


def below(node: Any) -> Iterator[tuple[int, Any]]:
    """(position, node) of the arguments that operations made."""
    if hasattr(node, "plan"):
        for k, edge, _ in arguments(node):
            if edge is not None and not edge[0].accumulates:
                yield k, edge[0]


class History:
    """Writes how values were computed; one for each picture."""

    def __init__(self, names: Names, source: Source) -> None:
        self._names = names
        self._source = source
        self._places: dict[int, Place] = {}
        self._written: dict[tuple[int, int], Term] = {}
        self._nested = 0  # names inside each other, that are replaced by what they stand for

    def read_source(self, name: str, node: Any) -> None:
        """Find the user's words for the operation that made a variable, and for those below."""
        for found, place in self._source.over(name, node, below):
            self._places.setdefault(id(found), place)

    def place_of(self, node: Any) -> Place | None:
        """Where the user wrote an operation."""
        found = self._places.get(id(node))
        if found is None:
            metadata = getattr(node, "metadata_", None) or {}
            made_at = metadata.get(MADE_AT)
            if made_at is not None:
                found = self._source.place_at(*made_at)
            elif metadata.get("traceback_"):  # anomaly detection was on
                found = place_in(metadata["traceback_"])
            if found is not None:
                self._places[id(node)] = found
        return found

    def of_result(self, node: Any, number: int = 0, value: Any = None) -> Term:
        """How a result was computed: its name is not used, those of the arguments are."""
        key = (id(node), number)
        if key not in self._written:
            self._written[key] = MORE  # not met again below: graphs have no circles
            self._nested += 1
            self._written[key] = self._deepest(node, value)
            self._nested -= 1
        return self._written[key]

    def of_value(self, value: Tensor, edge: Edge) -> Term | None:
        """How a saved value was computed; None where nothing is known of it."""
        if edge is not None and not edge[0].accumulates:
            return self.of_result(*edge, value._value if isinstance(value, Tensor) else None)
        pending = getattr(value, "_value", None)
        if type(pending) is Formula and pending.is_pending:
            return self._formula(pending, DEPTHS[-1])
        return None

    def of_constant(self, node: Any, k: int) -> Term | None:
        """The user's words for an argument that nothing is recorded of, such as `2 * s**2`."""
        place = self.place_of(node)
        if place is None:
            return None
        operands = self._source.operands(place.expression, getattr(node, "op", None)) or {}
        return of_source(operands[k]) if k in operands else None

    # -- terms --

    def _deepest(self, node: Any, value: Any) -> Term:
        """An operation written out as deep as can be read."""
        best = MORE
        for depth in DEPTHS:
            term = self._operation(node, value, depth)
            whole = "…" not in term.text
            if best is MORE or (whole and len(term.text) < MAX_CHARS) or len(term.text) <= READABLE:
                best = term
            if whole or len(term.text) > READABLE:
                break
        return best

    def _operation(self, node: Any, value: Any, depth: int) -> Term:
        """An operation written out."""
        if not hasattr(node, "plan"):
            return self._custom(node, depth)
        op = node.op
        pending = None
        if type(value) is Formula and value.is_pending and value.op is op:
            pending = value.values
        terms: list[Term] = []
        edges: list[Edge] = []
        listed = 0
        for k, edge, saved in arguments(node):
            parameter = op.parameters[k]
            if parameter.is_list:
                listed += 1
                if listed > ARGUMENTS:
                    if listed == ARGUMENTS + 1:
                        terms.append(MORE)
                    continue
            known = saved
            if pending is not None and not parameter.is_list and not hasattr(saved, "dtype"):
                known = pending[k]
            term = self._argument(node, k, edge, known, depth - 1)
            if term is not None:
                terms.append(term)
                edges.append(edge)
        if op.name == "mul" and len(edges) == 2 and edges[0] == edges[1] is not None:
            return write("square", terms[:1], {})
        plain = {}
        if node.values is not None:
            for (what, k), value in zip(node.plan.sources, node.values, strict=True):
                if what == "argument" and not op.parameters[k].is_tensor:
                    plain[op.parameters[k].name] = value
        term = write(op.name, terms, plain, _public(op))
        place = self.place_of(node)
        if (
            place is not None and place.expression is not None and term.text.endswith("[…]")
        ):  # the user's words say more
            return of_source(place.expression)
        return term

    def _argument(self, node: Any, k: int, edge: Edge, known: Any, depth: int) -> Term | None:
        parameter = node.op.parameters[k]
        if edge is not None:
            return self._result(edge, known, depth)
        if isinstance(known, bool | int | float | complex):
            return number(known)
        if hasattr(known, "dtype"):
            found = self._known(known, depth)
            if found is not None:
                return found
        words = self.of_constant(node, k)
        if words is not None:
            return words
        if hasattr(known, "dtype"):
            return _one_number(known) or MORE
        return None if parameter.default is None else MORE

    def _result(self, edge: tuple[Any, int], known: Any, depth: int) -> Term:
        """A result by its name, by what it stands for if that is short, or written out."""
        node, k = edge
        if node.accumulates:
            leaf = node.variable
            names = () if leaf is None else self._names.of_tensor(leaf)
            return Term(names[0]) if names else MORE
        names = self._names.of_result(node, k)
        if not names:
            module = self._module(node, depth)
            if module is not None:
                return module
            if depth <= 0 and not self._parameter(edge):
                return MORE
            return self._operation(node, known, depth)
        op = getattr(node, "op", None)
        rearranged = isinstance(op, View) or getattr(op, "name", "") in SAME
        if op is not None and not rearranged and self._nested < NAMES:
            term = self.of_result(node, k, known)
            if len(term.text) <= SHORT and "…" not in term.text:
                return term
        return Term(names[0])

    def _module(self, node: Any, depth: int) -> Term | None:
        """`fc1(x)` for what is made of `fc1.weight` and `fc1.bias`, by their names."""
        if not hasattr(node, "plan"):
            return None
        found, others = {}, []
        for k, edge, saved in arguments(node):
            prefix, _, last = self._parameter(edge).rpartition(".")
            if prefix and last in ("weight", "bias"):
                found[last] = prefix
            else:
                others.append((k, edge, saved))
        prefix = found.get("bias") or found.get("weight", "")
        if not prefix or not others or ("bias" not in found and f"{prefix}.bias" in self._names):
            return None
        k, edge, saved = others[0]
        weight = f"{prefix}.weight"
        if found.get("weight") == prefix:
            inner = self._argument(node, k, edge, saved, depth - 1) if depth > 0 else MORE
        elif edge is not None and any(self._parameter(e) == weight for e in _edges_of(edge[0])):
            inner = MORE  # of a normalisation: its input is further below
        else:
            return None
        return Term(f"{prefix}({(inner or MORE).text})")

    def _parameter(self, edge: Edge) -> str:
        """The name of a variable that an argument is, or is a view of; nothing for others."""
        while edge is not None and not edge[0].accumulates:
            if not isinstance(getattr(edge[0], "op", None), View):
                return ""
            edge = next(iter(_edges_of(edge[0])), None)
        leaf = None if edge is None else edge[0].variable
        names = () if leaf is None else self._names.of_tensor(leaf)
        return names[0] if names else ""

    def _known(self, value: Any, depth: int) -> Term | None:
        """A value without a place in the graph: by the name of its memory, or as a formula."""
        if type(value) is Formula and value.is_pending:
            names = self._names.of_value(wrap(value))
            return Term(names[0]) if names else self._formula(value, depth)
        array = getattr(value, "array", value)  # of a source, or of a computed formula
        if array is None or not hasattr(array, "strides"):
            return None
        names = self._names.of_value(wrap(array))
        return Term(names[0]) if names else None

    def _formula(self, formula: Any, depth: int) -> Term:
        """A formula that is not computed yet."""
        if depth <= 0:
            return MORE
        terms, plain = [], {}
        for parameter, value in zip(formula.op.parameters, formula.values, strict=False):
            if not parameter.is_tensor:
                plain[parameter.name] = value
                continue
            for v in value[:ARGUMENTS] if isinstance(value, list | tuple) else [value]:
                if isinstance(v, bool | int | float | complex):
                    terms.append(number(v))
                elif v is not None:
                    array = getattr(v, "array", v)
                    terms.append(self._known(v, depth - 1) or _one_number(array) or MORE)
        return write(formula.op.name, terms, plain, _public(formula.op))

    def _custom(self, node: Any, depth: int) -> Term:
        """A Function of the user's, or an operator that pullback knows by its name alone."""
        name = node.name().rpartition("::")[2].rstrip("0123456789").removesuffix("Backward")
        terms = []
        for target, k in node.next_functions[:ARGUMENTS]:
            if target is None:
                terms.append(MORE)
            elif type(target).__name__ == "AccumulateGrad" or hasattr(target, "accumulates"):
                terms.append(self._result((target, k), None, depth - 1))
            else:
                terms.append(MORE)
        return Term(f"{name}({', '.join(t.text for t in terms)})")


def _edges_of(node: Any) -> list[Edge]:
    return [edge for _, edge, _ in arguments(node)] if hasattr(node, "plan") else []


def _public(op: Any) -> str:
    """What the user calls an operation: `max` where the registry has `max_dim` as well.

    What has no public name is called as its backward operator is: `max_pool2d`.
    """
    if not (op.is_function or op.is_method):
        spaced = re.sub(r"(?<=[a-z\d])(?=[A-Z])", "_", re.sub(r"(\d)D", r"\1d", str(op.node)))
        return spaced.lower().removesuffix("_with_indices")
    node = str(op.node).lower()
    return node if op.name.startswith(f"{node}_") else op.public_name


def _one_number(value: Any) -> Term | None:
    """The number in an array of one element."""
    if getattr(value, "size", 0) != 1 or not hasattr(value, "item"):
        return None
    return number(value.item())
