"""Walk the recorded graph of some tensors and write down what is there, as a `model.Graph`."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol

from pullback.graph.model import Arrow, Box, Graph, Kind


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


def trace(outputs: Tensor | Iterable[Tensor], params: Mapping[str, Tensor] | None = None) -> Graph:
    """The graph that computes the gradients of `outputs`; `params` gives names to tensors."""
    tensors: list[Any] = [*outputs] if isinstance(outputs, tuple | list) else [outputs]
    _check(tensors, params or {})
    walk = _Walk(params or {})
    for tensor in tensors:
        walk.start(tensor)
    walk.run()
    return walk.graph()


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


class _Names:
    """The user's names, looked up by tensor, by operator and by the memory of a value."""

    def __init__(self, params: Mapping[str, Tensor]) -> None:
        self._by_id: dict[int, list[str]] = {}
        self._by_memory: dict[object, list[str]] = {}
        for name, tensor in params.items():
            owners: list[object] = [tensor]
            if tensor.grad_fn is not None:
                owners.append(tensor.grad_fn)
            for owner in owners:
                self._by_id.setdefault(id(owner), []).append(str(name))
            for place in {_memory(tensor), _extent(tensor)} - {None}:
                self._by_memory.setdefault(place, []).append(str(name))
            # What a linear layer stores is its weight, transposed.
            turned = _memory(tensor, turned=True)
            if len(tensor.shape) == 2 and turned != _memory(tensor):
                self._by_memory.setdefault(turned, []).append(f"{name}.T")

    def of(self, owner: object) -> tuple[str, ...]:
        """Names of a tensor, or of the result of an operator."""
        return tuple(self._by_id.get(id(owner), ()))

    def of_value(self, tensor: Tensor) -> tuple[str, ...]:
        """Names of a stored value: it *is* a named tensor, or the same numbers reshaped."""
        for place in (_memory(tensor), _extent(tensor)):
            if place is not None and place in self._by_memory:
                return tuple(self._by_memory[place])
        return ()


def _memory(tensor: Tensor, turned: bool = False) -> tuple[object, ...]:
    """Equal for two tensors that are the same array (`turned`: one and the other's transpose)."""
    shape, stride = tuple(tensor.shape), tuple(tensor.stride())
    if turned:
        shape, stride = shape[::-1], stride[::-1]
    return ("array", *_start(tensor), shape, stride)


def _extent(tensor: Tensor) -> tuple[object, ...] | None:
    """Equal for two tensors that list the same numbers in the same order (`p` and `p.view(-1)`).

    None where that is not plain to see: a transposed or strided view lists them otherwise.
    """
    step = 1
    for size, stride in zip(reversed(tensor.shape), reversed(tensor.stride()), strict=True):
        if size != 1 and stride != step:
            return None
        step *= size
    return ("extent", *_start(tensor), step)


def _start(tensor: Tensor) -> tuple[int, str]:
    value = getattr(tensor, "_value", None)
    if getattr(tensor, "_is_formula", False):  # nothing is computed for a picture
        return id(value), "formula"
    return tensor.data_ptr(), str(tensor.dtype)


class _Walk:
    """A depth-first walk without recursion: a chain of a million operators is a deep graph."""

    def __init__(self, params: Mapping[str, Tensor]) -> None:
        self._names = _Names(params)
        self._keys: dict[object, str] = {}
        self._boxes: dict[str, Box] = {}
        self._arrows: list[Arrow] = []
        self._stack: list[Node] = []
        self._outputs: set[str] = set()
        self._roles: dict[str, list[str]] = {}
        # Identities are memory addresses: valid only while whatever lives there stays alive.
        self._alive: list[object] = []

    def start(self, tensor: Tensor) -> None:
        """Make `tensor` an output."""
        if tensor.grad_fn is not None:
            self._outputs.add(self._operator(tensor.grad_fn))
            return
        key, fresh = self._key(("output", id(tensor)), "output", tensor)
        if fresh:
            self._boxes[key] = Box(
                key, Kind.OUTPUT, self._names.of(tensor), is_output=True, **_facts(tensor)
            )
            if tensor.requires_grad:
                self._arrows.append(Arrow(key, self._input(tensor), slot=0))

    def run(self) -> None:
        """Visit every operator that can be reached."""
        while self._stack:
            node = self._stack.pop()
            key = self._keys[id(node)]
            if not node.released:
                for role, value in node.saved():
                    if value is not None:
                        self._arrows.append(Arrow(self._stored(role, value), key, name=role))
            for slot, (target, _) in enumerate(node.next_functions):
                if target is not None:
                    self._arrows.append(Arrow(key, self._operator(target), slot=slot))

    def graph(self) -> Graph:
        """What was found."""
        return Graph(
            tuple(self._finished(box) for box in self._boxes.values()), tuple(self._arrows)
        )

    def _finished(self, box: Box) -> Box:
        if box.key in self._outputs:
            return replace(box, is_output=True)
        if box.kind is Kind.STORED and not box.names:
            return replace(box, names=tuple(self._roles[box.key]))
        return box

    def _operator(self, node: Node) -> str:
        """The key of a node; one seen for the first time is put on the list of those to visit."""
        if type(node).__name__ == "AccumulateGrad":
            leaf = node.variable  # type: ignore[attr-defined]
            return self._lost(node) if leaf is None else self._input(leaf)
        key, fresh = self._key(id(node), "operator", node)
        if fresh:
            self._stack.append(node)
            attributes = MappingProxyType(dict(node.attributes()))
            self._boxes[key] = Box(
                key, Kind.OPERATOR, self._names.of(node), node.name(), attributes=attributes
            )
        return key

    def _input(self, leaf: Tensor) -> str:
        key, fresh = self._key(("input", id(leaf)), "input", leaf)
        if fresh:
            self._boxes[key] = Box(key, Kind.INPUT, self._names.of(leaf), **_facts(leaf))
        return key

    def _lost(self, end: Any) -> str:
        """The key of a leaf that nobody holds any more: its node remembers what it looked like."""
        key, fresh = self._key(("lost", id(end)), "input", end)
        if fresh:
            shape = tuple(int(size) for size in end.shape)
            nbytes = math.prod(shape) * end.dtype.itemsize
            name = str(end.dtype).rpartition(".")[2]
            self._boxes[key] = Box(key, Kind.INPUT, shape=shape, dtype=name, nbytes=nbytes)
        return key

    def _stored(self, role: str, value: Tensor) -> str:
        key, fresh = self._key(_memory(value), "stored", value)
        if fresh:
            self._boxes[key] = Box(key, Kind.STORED, self._names.of_value(value), **_facts(value))
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


def _facts(tensor: Tensor) -> dict[str, Any]:
    return {
        "shape": tuple(int(size) for size in tensor.shape),
        "dtype": str(tensor.dtype).rpartition(".")[2],
        "nbytes": int(tensor.nbytes),
        "version": int(getattr(tensor, "_version", 0)),
    }
