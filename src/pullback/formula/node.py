"""Formulas: a DAG of operations over arrays, with known shapes and dtypes.

Making a node is on the path of every deferred operation, so what depends on the operation, its
plain arguments, and the shapes and dtypes of its operands alone is kept in a `Template`, found with
one look-up. Equal formulas need not be one object: loops are made of hash-consed scalars.
"""

from __future__ import annotations

import itertools
import math
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.backends.memory import address, owner
from pullback.config import config
from pullback.formula import turns
from pullback.locks import LOCK
from pullback.op import REGISTRY, Op, Pointwise

_kinds: dict[Any, int] = {}
_number = itertools.count().__next__
MAX_KINDS = 100_000


def kind_of(*what: Any) -> int:
    """A number for what a value is: no other one has it, and equal ones do while it is known.

    What is found by such numbers, and was forgotten or renumbered, is only found out again.
    """
    found = _kinds.get(what)
    if found is None:
        if len(_kinds) >= MAX_KINDS:
            _kinds.clear()
        found = _kinds.setdefault(what, _number())
    return found


class Value:
    """What formulas are made of: has a shape and a dtype, as an array has.

    `kind` is a number for them. `leaf` is the size of the largest array below.
    """

    __slots__ = ("__weakref__", "array", "dtype", "heavy", "kind", "leaf", "nodes", "shape", "size")

    # NumPy's arrays leave mixed arithmetic to the value.
    __array_ufunc__ = None

    array: Any
    dtype: np.dtype[Any]
    heavy: bool
    kind: int
    leaf: int
    nodes: int
    shape: tuple[int, ...]
    size: int
    if TYPE_CHECKING:  # operations, attached by the vocabulary

        def __getattr__(self, name: str) -> Any: ...

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

    __slots__ = ("address", "fixed", "layout")

    def __init__(self, array: Any, fixed: bool = False):
        self.fixed = fixed  # the numbers are the same for all operands of the same kinds
        self.move(array)
        self.shape = array.shape
        self.dtype = array.dtype
        self.size = array.size
        self.kind = kind_of(self.shape, self.dtype)
        self.leaf = self.size if 0 not in array.strides else array[_first(array)].size
        self.nodes = 0
        self.heavy = False

    def move(self, array: Any) -> None:
        """Read the same numbers from another array."""
        self.array = array
        # How the numbers lie in memory: kernels are made for it.
        self.layout = kind_of(array.shape, array.dtype, array.strides, self.fixed)
        self.address = address(array)

    is_pending = False


class Template:
    """What all formulas of an operation on operands of some kinds have in common."""

    __slots__ = ("code", "dtype", "kind", "nbytes", "op", "shape", "size")

    def __init__(self, op: Op, shape: Any, dtype: Any):
        self.op = op
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self.size = math.prod(self.shape)
        self.nbytes = self.size * self.dtype.itemsize
        self.kind = kind_of(self.shape, self.dtype)
        self.code = _number()  # of the operation in a plan's signature


class Formula(Value):
    """An operation on values, not computed yet; `array` holds the numbers once it is.

    Tensors that hold the same formula share memory, as those that hold the same array do: `memory`
    is the array that they have. Writing it in place changes the tensors, not the formula: then
    `array` is a copy of what the numbers were. `views` are the tensors that were made by view
    operations, to be cut out of the memory before anybody writes there. `shared` says whether a
    second tensor holds it. A tensor that holds it alone, and is written before it is computed,
    takes another formula: then `writes` and `written` are how often, and when, that happened.
    """

    __slots__ = (
        "arguments", "memory", "met", "others", "shared", "template", "values", "views", "writes",
        "written",
    )  # fmt: skip

    def __init__(self, template: Template, values: tuple[Any, ...], arguments: Sequence[Value]):
        self.template = template
        self.values = values  # in declared order: Value, number, None, or a plain argument
        self.arguments = arguments  # those that are values
        self.array = None
        self.others: tuple[weakref.ref[Formula], ...] = ()  # results of the same call
        self.memory: Any = None
        self.met = 0  # how often it was computed on the way to others
        self.views: list[weakref.ref[Any]] | None = None
        self.shared = False
        self.writes = self.written = 0
        self.shape = template.shape
        self.dtype = template.dtype
        size = self.size = template.size
        self.kind = template.kind
        # At most so many operations are pending below and here: shared ones are counted repeatedly.
        nodes, leaf, heavy = 1, 0, False
        for a in arguments:
            if a.array is None:
                nodes += a.nodes
                heavy = heavy or a.heavy
            if a.leaf > leaf:
                leaf = a.leaf
        self.nodes = nodes
        # Whether this, or something below, is far larger than the arrays below: such a value is
        # never stored, and what is computed from it waits.
        self.leaf = leaf
        self.heavy = heavy or (size > config.defer_elements and size > BLOWN * leaf)

    @property
    def op(self) -> Op:
        return self.template.op

    @property
    def is_large(self) -> bool:
        return self.size > config.defer_elements and self.size > BLOWN * self.leaf

    @property
    def is_pending(self) -> bool:
        return self.array is None

    @property
    def is_worth_memory(self) -> bool:
        """Whether it was computed again and again, and takes no more than what it is made of."""
        return (
            self.met > MET and self.size > 1 and not self.heavy and not self.is_large
            and isinstance(self.op, Pointwise)
        )  # fmt: skip

    def company(self) -> list[Formula]:
        """The other results of the call that this came from, if somebody has them still."""
        return [f for f in (other() for other in self.others) if f is not None]

    def forget(self) -> None:
        """Let go of what it was computed from, unless an evaluation looks at it."""
        if not turns.is_used(self):
            self.values = self.arguments = ()

    def take(self) -> Any:
        """The array of the tensors that hold this computed formula."""
        with LOCK:
            if self.memory is None:
                self.give(self.array)
            return self.memory

    def give(self, memory: Any) -> None:
        """Numbers that lie in memory that tensors have."""
        with LOCK:
            self.array = self.memory = memory
            _note(_results, memory, self)

    def twin(self) -> Any:
        """The same numbers for other memory."""
        with LOCK:
            if self.array is None:
                return Formula(self.template, self.values, self.arguments)
        return self.array.copy()

    def __repr__(self) -> str:
        return f"<formula {self.op.name}{list(self.shape)}>"


MET = 2  # times that a formula is computed on the way to others before it is stored
BLOWN = 4  # a result this many times larger than anything it is computed from is not stored


def _first(array: Any) -> Any:
    """A key that takes one element along the axes that are repeated without memory."""
    return tuple(slice(0, 1) if stride == 0 else slice(None) for stride in array.strides)


class _Readers:
    """Those who read a memory, as long as they live."""

    __slots__ = ("_limit", "_memory", "_references")

    def __init__(self, memory: weakref.ref[Any]):
        self._memory = memory  # kept for its callback
        self._references: list[weakref.ref[Any]] = []
        self._limit = 8

    def add(self, reader: Value) -> None:
        references = self._references
        references.append(weakref.ref(reader))
        if len(references) > self._limit:
            self._references = [r for r in references if r() is not None]
            self._limit = 2 * len(self._references) + 8

    def living(self) -> list[Any]:
        """All that live."""
        readers = [r() for r in self._references]
        return [reader for reader in readers if reader is not None]

    def are_gone(self) -> bool:
        """Whether nobody reads any more; what is found out is kept."""
        if not self._references:
            return True
        if self.living():
            return False
        with LOCK:
            self._references = [r for r in self._references if r() is not None]
        return not self._references

    def take(self) -> list[Any]:
        """All that live; they are readers no longer."""
        readers = self.living()
        self._references = []
        return readers


# Who reads a memory, by the identity of the array that owns it: computed formulas whose array is
# a tensor's as well, and sources.
_results: dict[int, _Readers] = {}
_captured: dict[int, _Readers] = {}
# By the identity of the array that they read.
_sources: dict[int, weakref.ref[Source]] = {}


def _note(readers: dict[int, _Readers], array: Any, reader: Value) -> None:
    """Remember who reads a memory, until the memory goes."""
    base = owner(array)
    key = id(base)
    found = readers.get(key)
    if found is None:
        found = readers[key] = _Readers(weakref.ref(base, lambda _: readers.pop(key, None)))
    found.add(reader)


def source(array: Any) -> Value:
    """The value that reads an array: one for each array object.

    An array that is another's memory in another shape is a reshape of it, so that both read the
    same elements in the eyes of the simplifier.
    """
    reference = _sources.get(id(array))
    if reference is not None:
        found = reference()
        if found is not None and found.array is array:
            return found
    base = owner(array)
    if (
        base is not array and base.size == array.size and base.dtype == array.dtype
        and base.shape != array.shape and base.ndim > 1
        and base.flags.c_contiguous and array.flags.c_contiguous
    ):  # fmt: skip
        shape = tuple(array.shape)
        below = source(base)
        key = ("reshape", below.kind, shape)
        template = _reshapes.get(key)
        if template is None:
            op = REGISTRY["reshape"]
            if len(_reshapes) >= MAX_KINDS:
                _reshapes.clear()
            template = _reshapes[key] = Template(op, shape, array.dtype)
        return Formula(template, (below, shape), (below,))
    with LOCK:
        number = id(array)
        reference = _sources.get(number)
        found = None if reference is None else reference()
        if found is None or found.array is not array:
            found = Source(array)
            _sources[number] = weakref.ref(found, lambda r: _forget_source(number, r))
            _note(_captured, array, found)
        return found


def _forget_source(number: int, reference: weakref.ref[Source]) -> None:
    if _sources.get(number) is reference:
        _sources.pop(number, None)


_reshapes: dict[Any, Template] = {}


# Set by `autograd.views`: cut the views of a formula's tensors out of its memory.
settle: Any = None


def before_write(array: Any) -> None:
    """Called before the memory of an array is written: formulas keep the numbers they captured."""
    memory = array if array.base is None else owner(array)
    key = id(memory)
    results, captured = _results.get(key), _captured.get(key)
    if (results is None or results.are_gone()) and (captured is None or captured.are_gone()):
        return  # the usual case, without a lock
    with LOCK:
        turns.wait_until_unread(memory)
        results, captured = _results.get(key), _captured.get(key)  # there may be more by now
        _settle_all(results)
        for result in results.take() if results else ():
            result.array = result.array.copy()
        if captured is not None:
            _keep(captured)


def before_give(array: Any) -> None:
    """Called before others get the memory of an array, who may write there unseen.

    What was captured until now keeps its numbers; what is captured later reads what is there when
    it is computed.
    """
    memory = array if array.base is None else owner(array)
    key = id(memory)
    results, captured = _results.get(key), _captured.get(key)
    if (captured is None or captured.are_gone()) and (
        results is None or results.are_gone() or not any(r.views for r in results.living())
    ):
        return  # the usual case, without a lock
    with LOCK:
        if key in _captured:
            turns.wait_until_unread(memory)
        _settle_all(_results.get(key))
        if key in _captured:
            _keep(_captured[key])


def _settle_all(results: _Readers | None) -> None:
    for result in results.living() if results is not None else ():
        if result.views:
            settle(result)


def _keep(captured: _Readers) -> None:
    for reader in captured.take():
        _sources.pop(id(reader.array), None)
        reader.move(own(reader.array))


def own(array: Any) -> Any:
    """The same numbers in memory of their own; repeated axes stay repeated."""
    if 0 not in array.strides:
        return array.copy()
    return np.broadcast_to(array[_first(array)].copy(), array.shape)
