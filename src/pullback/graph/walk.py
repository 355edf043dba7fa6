"""Walk the recorded graph of some tensors and write down what is there, as a `model.Graph`."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import FrameType, MappingProxyType
from typing import Any, Protocol

from pullback.autograd.graph import Node as RecordedNode
from pullback.graph.fold import fold
from pullback.graph.history import History, saved_edges
from pullback.graph.kernels import is_pending
from pullback.graph.model import Arrow, Box, Graph, Kind, Line
from pullback.graph.names import Names, Variables, extent_of, memory_of
from pullback.graph.source import Source
from pullback.graph.speed import Speed
from pullback.graph.storage import Storage, arguments_below
from pullback.locks import LOCK


class Tensor(Protocol):
    """The part of a tensor that a picture needs."""

    @property
    def grad_fn(self) -> "Node | None": ...
    @property
    def requires_grad(self) -> bool: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> Any: ...
    @property
    def nbytes(self) -> int: ...
    def data_ptr(self) -> int: ...
    def stride(self) -> tuple[int, ...]: ...


class Node(Protocol):
    """The part of a backward operator that a picture needs."""

    @property
    def next_functions(self) -> "tuple[tuple[Node | None, int], ...]": ...
    @property
    def released(self) -> bool: ...
    def name(self) -> str: ...
    def saved(self) -> Sequence[tuple[str, Tensor | None]]: ...
    def attributes(self) -> Mapping[str, object]: ...


def trace(
    outputs: Tensor | Iterable[Tensor],
    params: Mapping[str, Tensor] | None = None,
    frame: FrameType | None = None,
    max_boxes: int | None = None,
) -> Graph:
    """The graph that computes the gradients of `outputs`; `params` gives names to tensors.

    What `params` does not name is named by the variables of `frame`, and by its source. A graph of
    more than `max_boxes` boxes is folded.
    """
    with LOCK:  # no other thread computes what is looked at
        return Walk(as_tensors(outputs), params or {}, frame).graph(None, max_boxes)


def as_tensors(outputs: Any) -> list[Any]:
    """One tensor, or several, as a list."""
    return [*outputs] if isinstance(outputs, tuple | list) else [outputs]


def _check(tensors: list[Any], params: Mapping[str, Any]) -> None:
    if not isinstance(params, Mapping):
        raise TypeError(
            "make_dot: `params` is a dict of names and tensors, such as dict(model."
            f"named_parameters()); it was given a {type(params).__name__}"
        )
    named = [(f"params[{name!r}]", value) for name, value in params.items()]
    for place, value in [*((f"var[{i}]", value) for i, value in enumerate(tensors)), *named]:
        if not hasattr(value, "grad_fn"):
            raise TypeError(f"make_dot: {place} is not a tensor but a {type(value).__name__}")


class Walk:
    """A depth-first walk without recursion: a chain of a million operators is a deep graph."""

    def __init__(
        self,
        tensors: list[Any],
        params: Mapping[str, Tensor],
        frame: FrameType | None,
        gradients: Sequence[Any] = (),
    ) -> None:
        _check(tensors, params)
        seen = Variables.of(frame)
        found = seen.tensors
        self._names = Names(params, found)
        self._history = History(self._names, Source(frame, seen.modules))
        for name, tensor in found.items():
            # What was written in place is not what it was assigned.
            if tensor.grad_fn is not None and not tensor._version:
                self._history.read_source(name, tensor.grad_fn)
        self._storage = Storage([*tensors, *gradients])
        self._keys: dict[object, str] = {}
        self._boxes: dict[str, dict[str, Any]] = {}
        self._arrows: list[Arrow] = []
        self._stack: list[Node] = []
        self._outputs: set[str] = set()
        self._roles: dict[str, list[str]] = {}
        self._nodes: dict[str, Any] = {}
        self._extents: dict[object, str] = {}
        # What is known of results: (shape, dtype, bytes, value) of (node, number of the result).
        self._results: dict[tuple[int, int], dict[str, Any]] = {}
        self._values: dict[tuple[int, int], Any] = {}
        self._titles: dict[str, tuple[Any, Any, tuple[Any, int] | None]] = {}
        # Identities are memory addresses: valid only while whatever lives there stays alive.
        self._alive: list[object] = [found]
        for tensor in (*params.values(), *found.values()):
            self._learn(tensor, getattr(tensor, "_edge", None))
        for tensor in tensors:
            self._start(tensor)
        self._run()

    def _start(self, tensor: Tensor) -> None:
        """Make `tensor` an output."""
        self._learn(tensor, getattr(tensor, "_edge", None))
        if tensor.grad_fn is not None:
            self._outputs.add(self._operator(tensor.grad_fn))
            return
        key, fresh = self._key(("output", id(tensor)), "output", tensor)
        if fresh:
            names = self._names.of_tensor(tensor)
            self._boxes[key] = _given(Kind.OUTPUT, names, is_output=True, **_facts(tensor))
            if tensor.requires_grad:
                self._arrows.append(Arrow(key, self._input(tensor), slot=0))

    def _run(self) -> None:
        """Visit every operator that can be reached."""
        while self._stack:
            node: Any = self._stack.pop()
            key = self._keys[id(node)]
            if not node.released:
                saved = node.saved()
                edges = saved_edges(node)
                if len(edges) != len(saved):
                    edges = [None] * len(saved)
                for (role, value), edge in zip(saved, edges, strict=True):
                    if value is not None:
                        stored = self._stored(role, value, node, edge)
                        self._arrows.append(Arrow(stored, key, name=role))
            for slot, (target, _) in enumerate(node.next_functions):
                if target is not None:
                    self._arrows.append(Arrow(key, self._operator(target), slot=slot))

    def formulas(self) -> dict[str, Any]:
        """The pending formulas among the values, by the keys of their boxes."""
        held = {key: self._values.get((id(node), 0)) for key, node in self._nodes.items()}
        held |= {key: getattr(t[0], "_value", None) for key, t in self._titles.items()}
        return {key: value for key, value in held.items() if is_pending(value)}

    def graph(self, speed: Speed | None = None, max_boxes: int | None = None) -> Graph:
        """What was found, folded if `max_boxes` is given; with the machine's speed, the kernels.

        Formulas and lines are looked for last: only those that will be drawn.
        """
        times = [
            (getattr(node, "time", -k), key) for k, (key, node) in enumerate(self._nodes.items())
        ]
        moments = {key: k for k, (_, key) in enumerate(sorted(times))}
        for node in self._nodes.values():
            # A formula that is not computed yet knows its arguments: those are results as well.
            arguments_below(node, self._values.get((id(node), 0)), self._learn)
        boxes = tuple(self._bare(key, given, moments) for key, given in self._boxes.items())
        kernels = () if speed is None else self._storage.described(self._names.of_kernel, speed)
        graph = Graph(boxes, tuple(self._arrows), kernels)
        if max_boxes is not None:
            graph = fold(graph, max_boxes)
        return replace(graph, boxes=tuple(map(self._written, graph.boxes)))

    def _bare(self, key: str, given: dict[str, Any], moments: Mapping[str, int]) -> Box:
        """A box without its formula and its line."""
        if given["kind"] is Kind.OPERATOR:
            node = self._nodes[key]
            known = self._results.get((id(node), 0), {})
            return Box(
                key,
                **given,
                **{k: v for k, v in known.items() if k != "version"},
                is_output=key in self._outputs,
                operation=getattr(getattr(node, "op", None), "name", ""),
                kernels=self._storage.kernels_of(self._values.get((id(node), 0))),
                moment=moments[key],
            )
        if given["kind"] is Kind.STORED:
            value, _, edge = self._titles[key]
            held = getattr(value, "_value", None)
            made = edge[0] if edge is not None else None
            return Box(
                key,
                **given,
                roles=tuple(self._roles[key]),
                recomputed=not self._storage.is_stored(held),
                kernels=self._storage.kernels_of(held),
                operation=getattr(getattr(made, "op", None), "name", ""),
            )
        return Box(key, **given)

    def _written(self, box: Box) -> Box:
        """A box with its formula and its line."""
        if box.kind is Kind.OPERATOR:
            node = self._nodes[box.key]
            if not isinstance(node, RecordedNode):
                return box
            value = self._values.get((id(node), 0))
            text = self._history.of_result(node, 0, value).text
            return replace(box, formula=text, line=self._line(node))
        if box.kind is not Kind.STORED:
            return box
        value, reader, edge = self._titles[box.key]
        term = self._history.of_value(value, edge)
        if term is None and edge is None and hasattr(reader, "plan"):
            positions = (self._position(reader, role) for role in box.roles)
            position = next((p for p in positions if p is not None), None)
            if position is not None:
                term = self._history.of_constant(reader, position)
        line = self._line(reader if edge is None else edge[0])
        return replace(box, formula="" if term is None else term.text, line=line)

    @staticmethod
    def _position(reader: Any, role: str) -> int | None:
        positions: Mapping[str, int] = reader.op.positions
        return positions.get("input" if role == "self" else role)

    def _line(self, node: Any) -> Line | None:
        place = self._history.place_of(node)
        return None if place is None else place.line

    def _learn(self, tensor: Any, edge: tuple[Any, int] | None) -> None:
        """Remember what is known of the result at an edge."""
        if edge is None or edge[0].accumulates:
            return
        key = (id(edge[0]), edge[1])
        if key not in self._results:
            self._results[key] = _facts(tensor)
            self._values[key] = getattr(tensor, "_value", None)
            self._alive.append(tensor)

    def _operator(self, node: Node) -> str:
        """The key of a node; one seen for the first time is put on the list of those to visit."""
        if type(node).__name__ == "AccumulateGrad":
            leaf = node.variable  # type: ignore[attr-defined]  # known by its name
            return self._lost(node) if leaf is None else self._input(leaf)
        key, fresh = self._key(id(node), "operator", node)
        if fresh:
            self._stack.append(node)
            self._nodes[key] = node
            attributes = MappingProxyType(dict(node.attributes()))
            names = self._names.of_results(node, getattr(node, "outputs", 1))
            self._boxes[key] = _given(
                Kind.OPERATOR, names, operator=node.name(), attributes=attributes
            )
        return key

    def _input(self, leaf: Tensor) -> str:
        key, fresh = self._key(("input", id(leaf)), "input", leaf)
        if fresh:
            self._boxes[key] = _given(Kind.INPUT, self._names.of_tensor(leaf), **_facts(leaf))
        return key

    def _lost(self, end: Any) -> str:
        """The key of a leaf that nobody holds any more: its node remembers what it looked like."""
        key, fresh = self._key(("lost", id(end)), "input", end)
        if fresh:
            shape = tuple(int(size) for size in end.shape)
            nbytes = math.prod(shape) * end.dtype.itemsize
            name = str(end.dtype).rpartition(".")[2]
            self._boxes[key] = _given(Kind.INPUT, (), shape=shape, dtype=name, nbytes=nbytes)
        return key

    def _stored(self, role: str, value: Tensor, reader: Any, edge: tuple[Any, int] | None) -> str:
        key, fresh = self._key(memory_of(value), "stored", value)
        self._learn(value, edge)
        if fresh:
            names = self._names.of_value(value)
            if not names and edge is not None and not edge[0].accumulates:
                names = self._names.of_result(*edge)
            extent = extent_of(value)
            owner = self._extents.setdefault(extent, key) if extent is not None else key
            view_of = "" if owner == key else owner
            self._boxes[key] = _given(Kind.STORED, names, view_of=view_of, **_facts(value))
        if fresh or (self._titles[key][2] is None and edge is not None):
            self._titles[key] = value, reader, edge
        roles = self._roles.setdefault(key, [])
        if role not in roles:
            roles.append(role)
        return key

    def _key(self, identity: object, prefix: str, owner: object) -> tuple[str, bool]:
        """The key of an identity, and whether it is new. Numbered: the same text in every run."""
        if identity in self._keys:
            return self._keys[identity], False
        self._alive.append(owner)
        return self._keys.setdefault(identity, f"{prefix}{len(self._keys)}"), True


def _given(kind: Kind, names: tuple[str, ...], **more: Any) -> dict[str, Any]:
    """What is known of a box when it is met."""
    return {"kind": kind, "names": names, **more}


def _facts(tensor: Any) -> dict[str, Any]:
    return {
        "shape": tuple(int(size) for size in tensor.shape),
        "dtype": str(tensor.dtype).rpartition(".")[2],
        "nbytes": int(tensor.nbytes),
        "version": int(getattr(tensor, "_version", 0)),
    }
