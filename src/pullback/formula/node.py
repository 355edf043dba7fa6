"""Formulas: a hash-consed DAG of operations over arrays, with known shapes and dtypes."""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.backends.memory import owner
from pullback.config import config
from pullback.op import REGISTRY, Op

_lock = threading.RLock()


class Value:
    """What formulas are made of: has a shape and a dtype, as an array has."""

    __slots__ = ("__weakref__", "dtype", "shape", "size")

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    size: int
    if TYPE_CHECKING:  # of both kinds, each in its own way

        def __getattr__(self, name: str) -> Any: ...

    def _describe(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self.size = math.prod(self.shape)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize


class Source(Value):
    """An array that formulas read."""

    __slots__ = ("array",)

    def __init__(self, array: Any):
        self.array = array
        self._describe(array.shape, array.dtype)

    @property
    def leaf(self) -> int:
        return self.size if 0 not in self.array.strides else self.array[_first(self.array)].size

    is_pending = heavy = False
    nodes = 0


class Formula(Value):
    """An operation on values, not computed yet; `array` holds the numbers once it is."""

    __slots__ = ("array", "heavy", "key", "leaf", "nodes", "op", "part", "taken", "values")

    def __init__(self, op: Op, values: tuple[Any, ...], shape: Any, dtype: Any, part: int | None):
        self.op = op
        self.values = values  # in declared order: Value, number, None, or a plain argument
        self.part = part  # which result, for operations with several
        self.key: Any = None
        self.array: Any = None
        self.taken = False
        self._describe(shape, dtype)
        # At most so many operations are pending below and here: shared ones are counted repeatedly.
        self.nodes = 1 + sum(a.nodes for a in self.arguments if a.is_pending)
        # The largest array below, and whether something below is far larger than that: such a
        # value is never stored, and what is computed from it waits.
        self.leaf = max((a.leaf for a in self.arguments), default=0)
        blown = self.size > config.defer_elements and self.size > BLOWN * self.leaf
        self.heavy = blown or any(a.is_pending and a.heavy for a in self.arguments)

    @property
    def is_large(self) -> bool:
        return self.size > config.defer_elements and self.size > BLOWN * self.leaf

    @property
    def is_pending(self) -> bool:
        return self.array is None

    def forget(self) -> None:
        """Let go of what it was computed from, which others may then take the identities of."""
        with _lock:
            if _formulas.get(self.key) is self:
                del _formulas[self.key]
            self.values = ()

    def take(self) -> Any:
        """The computed array, for a tensor of its own: it may be written in place."""
        with _lock:
            if self.taken:
                return self.array.copy()
            self.taken = True
            _note(_results, self.array, self)
            return self.array

    @property
    def arguments(self) -> Iterator[Value]:
        """The values that this one is computed from."""
        for value in self.values:
            if isinstance(value, Value):
                yield value
            elif isinstance(value, list):
                yield from value

    def __repr__(self) -> str:
        return f"<formula {self.op.name}{list(self.shape)}>"


BLOWN = 4  # a result this many times larger than anything it is computed from is not stored


def _first(array: Any) -> Any:
    """A key that takes one element along the axes that are repeated without memory."""
    return tuple(slice(0, 1) if stride == 0 else slice(None) for stride in array.strides)


# Who reads a memory, by the identity of the array that owns it: computed formulas whose array is
# a tensor's as well, and sources.
_results: dict[int, weakref.WeakSet[Any]] = {}
_formulas: weakref.WeakValueDictionary[Any, Formula] = weakref.WeakValueDictionary()
_sources: weakref.WeakValueDictionary[int, Source] = weakref.WeakValueDictionary()
_captured: dict[int, weakref.WeakSet[Any]] = {}


def _note(readers: dict[int, weakref.WeakSet[Any]], array: Any, reader: Value) -> None:
    """Remember who reads a memory, until the memory goes."""
    base = owner(array)
    key = id(base)
    if key not in readers:
        readers[key] = weakref.WeakSet()
        weakref.finalize(base, readers.pop, key, None).atexit = False
    readers[key].add(reader)


def source(array: Any) -> Value:
    """The value that reads an array: one for each array object.

    An array that is another's memory in another shape is a reshape of it, so that both read the
    same elements in the eyes of the simplifier.
    """
    base = owner(array)
    if (
        base is not array and base.size == array.size and base.dtype == array.dtype
        and base.shape != array.shape and base.ndim > 1
        and base.flags.c_contiguous and array.flags.c_contiguous
    ):  # fmt: skip
        return formula(REGISTRY["reshape"], (source(base), tuple(array.shape)), array.shape,
                       array.dtype, None)  # fmt: skip
    with _lock:
        found = _sources.get(id(array))
        if found is None or found.array is not array:
            found = Source(array)
            _sources[id(array)] = found
            _note(_captured, array, found)
        return found


def before_write(array: Any) -> None:
    """Called before the memory of an array is written: formulas keep the numbers they captured."""
    key = id(owner(array))
    with _lock:
        for result in list(_results.get(key, ())):
            result.array = result.array.copy()
            result.taken = False
        if key in _results:
            _results[key].clear()
        readers = _captured.get(key)
        if readers:
            for reader in list(readers):
                _sources.pop(id(reader.array), None)
                reader.array = _own(reader.array)
            readers.clear()


def _own(array: Any) -> Any:
    """The same numbers in memory of their own; repeated axes stay repeated."""
    if 0 not in array.strides:
        return array.copy()
    return np.broadcast_to(array[_first(array)].copy(), array.shape)


def formula(op: Op, values: tuple[Any, ...], shape: Any, dtype: Any, part: int | None) -> Formula:
    """The one formula with this operation and these arguments."""
    key = (id(op), tuple(map(_key, values)), part)
    with _lock:
        found = _formulas.get(key)
        if found is None:
            found = _formulas[key] = Formula(op, values, shape, dtype, part)
            found.key = key
        return found


def _key(value: Any) -> Any:
    if isinstance(value, Value):
        return id(value)
    if isinstance(value, list):
        return tuple(map(_key, value))
    if isinstance(value, (int, float, complex, bool)):
        return type(value), repr(value)
    return repr(value)
