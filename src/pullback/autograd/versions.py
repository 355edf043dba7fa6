"""Who wrote where, and when: one clock orders the nodes of all graphs and the writes in place.

A node takes the clock's next tick when it is made, and so does a write. A value that a node saved
was overwritten if, and only if, its memory was written after the node was made: nothing has to be
stored with each saved value, and nothing is looked up while nobody writes in place.

Writes through `tensor.data` are counted apart, as in PyTorch: the array that it has is one of the
same memory whose base is no array.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.formula import Formula
from pullback.locks import LOCK

tick = itertools.count(1).__next__


class _Memory:
    """The writes into one allocation."""

    __slots__ = ("count", "reference", "time", "watchers")

    def __init__(self, array: Any):
        key = id(array)
        self.watchers: tuple[Any, ...] = ()  # weak references to who wants to hear of writes
        self.count = 0
        self.time = 0
        self.reference = weakref.ref(array, lambda _: _written.pop(key, None))


class _Counted:
    """What lies between an array that counts its own writes and the one whose memory it has."""

    __slots__ = ("__array_interface__", "base")

    def __init__(self, array: Any):
        # Of a dtype that the interface has no name for, such as bfloat16, the bits.
        bits = array.view(f"u{array.itemsize}") if array.dtype.kind == "V" else array
        self.__array_interface__ = bits.__array_interface__
        self.base = array


def counted_apart(array: Any) -> Any:
    """The same memory; writes through this array and its views are not seen elsewhere."""
    made = np.asarray(_Counted(array))
    return made if made.dtype == array.dtype else made.view(array.dtype)


def _counter(array: Any) -> Any:
    """The array by which writes through a view are counted: the memory's owner, or one apart."""
    base = array.base
    while base is not None and type(base) is not _Counted:
        if isinstance(base, np.ndarray):
            array = base
        base = getattr(base, "base", None)
    return array


class Latest:
    """The time of the last write anywhere: nodes made since need no check."""

    write = 0


_written: dict[int, _Memory] = {}


class Watchers:
    """What is done for a watcher when its memory was written: set by `views`."""

    tell: Callable[[Any], None]


def watch_writes(array: Any, watcher: Any) -> None:
    """Have a watcher told of each write into the memory of an array, while both live."""
    base = _counter(array)
    memory = _written.get(id(base))
    if memory is not None:
        for reference in memory.watchers:
            if reference() is watcher:
                return
    with LOCK:
        memory = _written.get(id(base))
        if memory is None:
            memory = _written[id(base)] = _Memory(base)
        living = [r for r in memory.watchers if r() is not None]
        if all(r() is not watcher for r in living):
            memory.watchers = (*living, weakref.ref(watcher))


def wrote(array: Any) -> None:
    """Note a write into the memory of an array."""
    base = array if array.base is None else _counter(array)
    key = id(base)
    with LOCK:
        memory = _written.get(key)
        if memory is None:
            memory = _written[key] = _Memory(base)
        memory.count += 1
        memory.time = Latest.write = tick()
        watchers = memory.watchers
    if watchers:
        for reference in watchers:
            watcher = reference()
            if watcher is not None:
                Watchers.tell(watcher)


def version(value: Any) -> int:
    """How many times the memory of an array, or of a formula's tensors, was written in place."""
    memory = _memory_of(value)
    before = value.writes if type(value) is Formula else 0
    return before if memory is None else before + memory.count


def written_since(value: Any, time: int) -> bool:
    """Whether the memory of an array, or of a formula's tensors, was written after a tick."""
    memory = _memory_of(value)
    if memory is not None and memory.time > time:
        return True
    return type(value) is Formula and value.written > time


def wrote_formula(old: Formula, new: Formula) -> None:
    """Note that a tensor was written before its formula was computed, and has another one now."""
    with LOCK:
        new.writes = old.writes + 1
        old.written = Latest.write = tick()


def _memory_of(value: Any) -> _Memory | None:
    array = value.memory if type(value) is Formula else value
    return None if array is None else _written.get(id(_counter(array)))
