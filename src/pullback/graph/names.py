"""The user's names of tensors, operators' results and saved values.

They come from the `params` argument, and from the variables of the code that asked for the picture,
with the tensors in modules (`model.layers.0.weight`), lists and dicts (`weights[2]`). Dictionaries
are read, nothing of the user's is called.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from pullback.tensor import Tensor, wrap

PACKAGE = str(Path(__file__).parents[1]) + os.sep
MAX_VARIABLES = 20_000
"""A scope with more variables than this is a data base, not a computation's names."""
MAX_ITEMS = 1000
"""The same for a list or a dict."""
_PLAIN = (str, bytes, int, float, complex, type(None))


def caller() -> FrameType | None:
    """The innermost frame that is not pullback's own: the code that asked for a picture."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_ours(frame):
        frame = frame.f_back
    return frame


def _is_ours(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return file.startswith((PACKAGE, "<pullback."))  # made by `dispatch`


@dataclass
class Variables:
    """What a frame sees, by name; its own variables before the module's."""

    tensors: dict[str, Any] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, frame: FrameType | None) -> "Variables":
        """Those of a frame; of none, none."""
        found = cls()
        if frame is None:
            return found
        own = frame.f_locals
        found._collect(own)
        if type(own) is dict and own is not frame.f_globals and sys.getrefcount(own) <= 3:
            # Python 3.11 and 3.12 keep this copy of a function's variables until the function
            # ends, and it would keep the tensors alive. (Counted: the frame, `own`, the call. More
            # than that is somebody who called `locals()`, and has it still.)
            own.clear()
        found._collect(frame.f_globals)
        return found

    def _collect(self, scope: Mapping[str, Any]) -> None:
        if len(scope) > MAX_VARIABLES:
            return
        for name, value in list(scope.items()):  # other threads may add some
            # `_`, `__`, `_3`: what a notebook calls the last results.
            if not isinstance(name, str) or name.startswith("_"):
                continue
            if issubclass(type(value), ModuleType):
                self.modules.add(name)
            else:
                for longer, tensor in _tensors_in(name, value):
                    if len(self.tensors) < MAX_VARIABLES:
                        self.tensors.setdefault(longer, tensor)


def _tensors_in(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The tensors in a variable, by the expressions that a person would write for them.

    For `self`, what is in its attributes as well.
    """
    waiting = [(name, value)]
    seen = set()
    while waiting:
        name, value = waiting.pop()
        kind = type(value)
        if issubclass(kind, Tensor):
            yield name, value
            continue
        if id(value) in seen or issubclass(kind, _PLAIN):
            continue
        seen.add(id(value))
        inside: list[tuple[str, Any]] = []
        if kind in (list, tuple) and len(value) <= MAX_ITEMS:
            inside = [(f"{name}[{k}]", item) for k, item in enumerate(value)]
        elif kind is dict and len(value) <= MAX_ITEMS:
            inside = [(f"{name}[{k!r}]", v) for k, v in list(value.items()) if type(k) is str]
        else:
            own = _attributes(value)
            stores = [
                own[s] for s in ("_parameters", "_buffers", "_modules") if type(own.get(s)) is dict
            ]
            if len(stores) == 3:  # a module
                found = [(f"{name}.{k}", v) for store in stores for k, v in list(store.items())]
                waiting += reversed(found)
            elif name == "self":
                waiting += [(f"self.{k}", v) for k, v in list(own.items())]
            continue
        # Lists of lists are data.
        waiting += reversed([(n, v) for n, v in inside if type(v) not in (list, tuple, dict)])


def _attributes(value: Any) -> dict[str, Any]:
    """An object's own dictionary; of what has none, an empty one."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found if type(found) is dict else {}


class Names:
    """The user's names, looked up by tensor, by operator and by the memory of a value."""

    def __init__(
        self, params: Mapping[str, Any], variables: Mapping[str, Any] | None = None
    ) -> None:
        self._by_id: dict[object, list[str]] = {}
        self._by_memory: dict[object, list[str]] = {}
        # Identities are memory addresses: valid only while whatever lives there stays alive.
        self._alive: list[object] = [dict(params), dict(variables or {})]
        for name, tensor in params.items():
            for place in self._places(tensor):
                place[0].setdefault(place[1], []).append(f"{name}{place[2]}")
        # A variable is the name of what has no better one.
        new_ids: dict[object, list[str]] = {}
        new_memory: dict[object, list[str]] = {}
        for name, tensor in (variables or {}).items():
            for table, key, suffix in self._places(tensor):
                if key not in table:
                    fresh = new_ids if table is self._by_id else new_memory
                    fresh.setdefault(key, [f"{name}{suffix}"])
        self._by_id |= new_ids
        self._by_memory |= new_memory
        self._all = {name for names in self._by_id.values() for name in names}

    def _places(self, tensor: Any) -> list[tuple[dict[object, list[str]], object, str]]:
        """(table, key, what to add to the name) for all that a tensor's name is a name of."""
        owners: list[object] = [id(tensor)]
        if tensor.grad_fn is not None:
            edge = getattr(tensor, "_edge", None)
            owners.append((id(tensor.grad_fn), edge[1] if edge else 0))
        places = [(self._by_id, owner, "") for owner in owners]
        places += [
            (self._by_memory, place, "")
            for place in dict.fromkeys((memory_of(tensor), extent_of(tensor)))
            if place is not None
        ]
        # What a linear layer stores is its weight, transposed.
        turned = memory_of(tensor, turned=True)
        if len(tensor.shape) == 2 and turned != memory_of(tensor):
            places.append((self._by_memory, turned, ".T"))
        return places

    def __contains__(self, name: str) -> bool:
        return name in self._all

    def of_tensor(self, tensor: object) -> tuple[str, ...]:
        """Names of a tensor itself."""
        return tuple(self._by_id.get(id(tensor), ()))

    def of_result(self, node: object, number: int = 0) -> tuple[str, ...]:
        """Names of one result of the operation that an operator belongs to."""
        return tuple(self._by_id.get((id(node), number), ()))

    def of_results(self, node: object, count: int) -> tuple[str, ...]:
        """Names of all its results."""
        return tuple(name for k in range(count) for name in self.of_result(node, k))

    def of_value(self, tensor: Any) -> tuple[str, ...]:
        """Names of a stored value: it *is* a named tensor, or the same numbers reshaped."""
        for place in (memory_of(tensor), extent_of(tensor)):
            if place is not None and place in self._by_memory:
                return tuple(self._by_memory[place])
        return ()

    def of_kernel(self, value: Any) -> tuple[str, ...]:
        """Names of an array that a kernel reads, or of a formula that it computes."""
        held = value if getattr(value, "is_pending", False) else value.array
        return () if held is None else self.of_value(wrap(held))


def memory_of(tensor: Any, turned: bool = False) -> tuple[object, ...]:
    """Equal for two tensors that are the same array (`turned`: one and the other's transpose)."""
    shape, stride = tuple(tensor.shape), tuple(tensor.stride())
    if turned:
        shape, stride = shape[::-1], stride[::-1]
    return ("array", *_start(tensor), shape, stride)


def extent_of(tensor: Any) -> tuple[object, ...] | None:
    """Equal for two tensors that list the same numbers in the same order (`p` and `p.view(-1)`).

    None where that is not plain to see: a transposed or strided view lists them otherwise.
    """
    step = 1
    for size, stride in zip(reversed(tensor.shape), reversed(tensor.stride()), strict=True):
        if size != 1 and stride != step:
            return None
        step *= size
    return ("extent", *_start(tensor), step)


def _start(tensor: Any) -> tuple[int, str]:
    value = getattr(tensor, "_value", None)
    if getattr(tensor, "_is_formula", False):  # nothing is computed for a picture
        return id(value), "formula"
    return tensor.data_ptr(), str(tensor.dtype)
