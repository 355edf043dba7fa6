"""Scopes: where in the loops a scalar expression is printed, and what its leaves are there.

A scope knows how each index runs (a scalar counter, or one value per lane) and remembers what has
been printed; scopes nest as loops do, and a value printed in an outer one is used as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..loops import INT, Buffer
from ..scalar import Scalar, const, walk
from .text import scalar_type, vector_type
from .vector import BOOL, DType, Vectors

BITS16 = np.dtype(np.uint16)
BITS32 = np.dtype(np.uint32)
FLOAT32 = np.dtype(np.float32)


@dataclass(frozen=True)
class Lanes:
    """An index with one value per lane: base, base + 1, …; `last` stops those beyond the end."""

    base: str
    last: str | None  # None when every lane is inside


@dataclass(frozen=True)
class Each:
    """An index with any value per lane."""

    values: str


Index = str | Lanes | Each


class Scope:
    """The values that are known at one place of the function."""

    def __init__(
        self,
        v: Vectors,
        parent: Scope | None,
        arguments: Mapping[str, str],
        free: Mapping[int, frozenset[str]],
        indices: Mapping[str, Index] | None = None,
    ):
        self.v = v
        self.parent = parent
        self.arguments = arguments  # names of slots to scalar values
        self.free = free
        self.indices: dict[str, Index] = {**(parent.indices if parent else {}), **(indices or {})}
        self.lane_names = frozenset(n for n, i in self.indices.items() if not isinstance(i, str))
        self._values: dict[int, str] = {}
        self._scalars: dict[int, str] = {}
        self._pairs: dict[object, tuple[str, str]] = {}

    def inner(self, indices: Mapping[str, Index] | None = None) -> Scope:
        """A scope inside this one."""
        return Scope(self.v, self, self.arguments, self.free, indices)

    def bind(self, n: Scalar, value: str) -> None:
        """Say what the value of a node is here."""
        self._values[id(n)] = value

    def find(self, n: Scalar) -> str | None:
        """The value of a node, if it has been printed here or outside."""
        scope: Scope | None = self
        while scope is not None:
            if (found := scope._values.get(id(n))) is not None:
                return found
            scope = scope.parent
        return None

    def value(self, root: Scalar) -> str:
        """The vector of a node's values, printing what is missing."""
        stack: list[tuple[Scalar, bool]] = [(root, False)]
        while stack:
            n, ready = stack.pop()
            if self.find(n) is not None:
                continue
            if ready or n.op == "load":
                self._values[id(n)] = self._print(n)
            elif n.op == "reduce":
                self._values[id(n)] = self._contract(n)
            else:
                stack.append((n, True))
                stack += [(a, False) for a in n.args]
        found = self.find(root)
        assert found is not None
        return found

    def _print(self, n: Scalar) -> str:
        v = self.v
        if n.op == "const":
            return v.constant(n.data.value, n.dtype)
        if n.op == "input":
            return v.splat(self.arguments[f"scalar:{n.data}"], n.dtype)
        if n.op == "index":
            return self._index(n)
        if n.op == "extent":
            return v.splat(self.arguments[f"size:{n.data}"], INT)
        if n.op == "load":
            return self._load(n)
        args = [self.find(a) or "" for a in n.args]
        if n.op == "cast":
            return v.cast(args[0], n.args[0].dtype, n.dtype)
        if n.op == "call":
            return v.call(n.data, n.dtype, args)
        return v.primitive(n.op, n.dtype, n.args[-1].dtype, args)

    def _contract(self, n: Scalar) -> str:
        """A sum over a contracted index, right here."""
        (name,), (body,) = n.data.over, n.args
        assert name not in self.indices, f"a reduction is used before it is known: {n!r}"
        for m in walk(body):
            if name not in self.free[id(m)]:
                self.value(m)
        v = self.v
        start = [(v.type(n.dtype), v.constant(0, n.dtype))]
        with v.w.loop(name, "0", self.arguments[f"size:{name}"], "1", start) as loop:
            term = self.inner({name: loop.counter}).value(body)
            loop.next = [v.primitive("add", n.dtype, n.dtype, [loop.carried[0], term])]
        return loop.results[0]

    def _index(self, n: Scalar) -> str:
        v, where = self.v, self.indices[n.data]
        if isinstance(where, str):
            return v.splat(where, INT)
        if isinstance(where, Each):
            return where.values
        values = v.binary("add", INT, v.splat(where.base, INT), v.w.iota(v.lanes))
        if where.last is None:
            return values
        return v.intrinsic("smin", INT, values, v.splat(where.last, INT))

    # -------------------------------------------------------------- addresses

    def varies(self, n: Scalar) -> bool:
        """Whether a node differs from lane to lane."""
        return bool(self.free[id(n)] & self.lane_names)

    def scalar(self, root: Scalar) -> str:
        """The value of an expression that is the same in every lane, as a scalar."""
        one = Vectors(self.v.w, 1, self.v.target)
        one.functions, one.calls = self.v.functions, self.v.calls
        stack: list[tuple[Scalar, bool]] = [(root, False)]
        while stack:
            n, ready = stack.pop()
            if id(n) in self._scalars:
                continue
            if not ready and n.op != "load":
                stack.append((n, True))
                stack += [(a, False) for a in n.args]
                continue
            args = [self._scalars.get(id(a), "") for a in n.args]
            if n.op == "const":
                value = one.constant(n.data.value, n.dtype)
            elif n.op == "input":
                value = self.arguments[f"scalar:{n.data}"]
            elif n.op == "extent":
                value = self.arguments[f"size:{n.data}"]
            elif n.op == "index":
                where = self.indices[n.data]
                assert isinstance(where, str)
                value = where
            elif n.op == "load":
                offset, _, _ = self.address(n.data, n.args)
                value = self._read(n.data, offset, one)
            elif n.op == "cast":
                value = one.cast(args[0], n.args[0].dtype, n.dtype)
            elif n.op == "call":
                value = one.call(n.data, n.dtype, args)
            else:
                value = one.primitive(n.op, n.dtype, n.args[-1].dtype, args)
            self._scalars[id(n)] = value
        return self._scalars[id(root)]

    def address(self, buffer: Buffer, indices: Sequence[Scalar]) -> tuple[str, str | None, bool]:
        """A pointer, the lanes' byte offsets from it (if any), and whether lanes are contiguous."""
        v, w = self.v, self.v.w
        pointer = self.arguments[f"data:{buffer.name}"]
        varying = [k for k, i in enumerate(indices) if self.varies(i)]
        contiguous = len(varying) == 1 and self._runs(buffer, indices, varying[0])
        offsets: str | None = None
        for k, i in enumerate(indices):
            unit = buffer.unit and k == buffer.rank - 1
            stride = str(buffer.itemsize) if unit else self.arguments[f"stride:{buffer.name}:{k}"]
            if k in varying and not contiguous:
                lanes = v.binary("mul", INT, self.value(i), v.splat(stride, INT))
                offsets = lanes if offsets is None else v.binary("add", INT, offsets, lanes)
                continue
            first = self._first(i) if k in varying else self.scalar(i)
            if first != "0":
                step = w.add(f"mul i64 {first}, {stride}")
                pointer = w.add(f"getelementptr i8, ptr {pointer}, i64 {step}", "p")
        return pointer, offsets, contiguous

    def _runs(self, buffer: Buffer, indices: Sequence[Scalar], k: int) -> bool:
        """Whether lanes read neighbours: index = lane + what is the same in all lanes."""
        if k != buffer.along or (buffer.paired and indices[-1].op != "const"):
            return False
        n = indices[k]
        while n.op in ("add", "sub"):
            a, b = n.args
            if not self.varies(b):
                n = a
            elif n.op == "add" and not self.varies(a):
                n = b
            else:
                return False
        where = self.indices.get(n.data) if n.op == "index" else None
        return isinstance(where, Lanes) and where.last is None

    def _first(self, n: Scalar) -> str:
        """The index of the first lane, for an index that `_runs`."""
        where = self.indices.get(n.data) if n.op == "index" else None
        if isinstance(where, Lanes):
            return where.base
        if not self.varies(n):
            return self.scalar(n)
        a, b = map(self._first, n.args)
        return self.v.w.add(f"{n.op} i64 {a}, {b}")

    # -------------------------------------------------------------- loads and stores

    def _load(self, n: Scalar) -> str:
        buffer: Buffer = n.data
        v = self.v
        pointer, offsets, contiguous = self.address(buffer, n.args)
        if contiguous and buffer.paired and v.lanes > 1:
            return self._both(buffer, n.args)[int(n.args[-1].data.value)]
        if contiguous:
            return self._read(buffer, pointer, v)
        if offsets is None:
            one = Vectors(v.w, 1, v.target)
            return v.splat(self._read(buffer, pointer, one), buffer.dtype)
        if v.lanes == 1:
            address = v.w.add(f"getelementptr i8, ptr {pointer}, i64 {offsets}", "p")
            return self._read(buffer, address, v)
        element = "i8" if buffer.stored == BOOL else scalar_type(buffer.stored)
        kind, addresses = vector_type(element, v.lanes), self._pointers(pointer, offsets)
        mask = f"<{v.lanes} x i1> splat (i1 true)"
        raw = v.w.add(
            f"call {kind} @llvm.masked.gather.{self._gather_suffix(element)}(<{v.lanes} x ptr> "
            f"align {buffer.itemsize} {addresses}, {mask}, {kind} poison)"
        )
        return self._from_storage(buffer, raw, v)

    def _both(self, buffer: Buffer, indices: Sequence[Scalar]) -> tuple[str, str]:
        """The first numbers of neighbouring pairs, and the second ones: read together."""
        v, w = self.v, self.v.w
        key = (buffer.name, tuple(map(id, indices[:-1])))
        found = self._pairs.get(key)
        if found is None:
            pointer, _, _ = self.address(buffer, (*indices[:-1], const(0, INT)))
            kind = vector_type(scalar_type(buffer.stored), 2 * v.lanes)
            raw = w.add(f"load {kind}, ptr {pointer}, align {buffer.itemsize}")
            first, second = (
                w.add(
                    f"shufflevector {kind} {raw}, {kind} poison, {_mask(range(k, 2 * v.lanes, 2))}"
                )
                for k in (0, 1)
            )
            found = self._pairs[key] = first, second
        return found

    def store_both(
        self, buffer: Buffer, indices: Sequence[Scalar], first: str, second: str
    ) -> bool:
        """Write pairs into whole vectors of neighbours; False where they are not such."""
        v, w = self.v, self.v.w
        indices = (*indices[:-1], const(0, INT))
        pointer, _, contiguous = self.address(buffer, indices)
        if not contiguous or v.lanes == 1:
            return False
        element = scalar_type(buffer.stored)
        half, kind = vector_type(element, v.lanes), vector_type(element, 2 * v.lanes)
        order = [k + part for k in range(v.lanes) for part in (0, v.lanes)]
        both = w.add(f"shufflevector {half} {first}, {half} {second}, {_mask(order)}")
        w.do(f"store {kind} {both}, ptr {pointer}, align {buffer.itemsize}")
        return True

    def _pointers(self, pointer: str, offsets: str) -> str:
        v = self.v
        return v.w.add(f"getelementptr i8, ptr {pointer}, <{v.lanes} x i64> {offsets}", "p")

    def _gather_suffix(self, element: str) -> str:
        short = {"float": "f32", "double": "f64", "half": "f16"}.get(element, element)
        return f"v{self.v.lanes}{short}.v{self.v.lanes}p0"

    def _read(self, buffer: Buffer, pointer: str, v: Vectors) -> str:
        element = "i8" if buffer.stored == BOOL else scalar_type(buffer.stored)
        kind = vector_type(element, v.lanes)
        raw = v.w.add(f"load {kind}, ptr {pointer}, align {buffer.itemsize}")
        return self._from_storage(buffer, raw, v)

    def _from_storage(self, buffer: Buffer, raw: str, v: Vectors) -> str:
        if buffer.storage == "bfloat16":
            bits = v.binary("shl", BITS32, v.cast(raw, BITS16, BITS32), v.constant(16, BITS32))
            return v.w.add(f"bitcast {v.type(BITS32)} {bits} to {v.type(FLOAT32)}")
        if buffer.stored == BOOL:
            zero = "0" if v.lanes == 1 else "zeroinitializer"
            return v.w.add(f"icmp ne {vector_type('i8', v.lanes)} {raw}, {zero}")
        return raw

    def store(
        self, buffer: Buffer, indices: Sequence[Scalar], value: str, mask: str | None
    ) -> None:
        """Write a vector, in the lanes of the mask."""
        v, w = self.v, self.v.w
        pointer, offsets, contiguous = self.address(buffer, indices)
        if contiguous and buffer.paired and v.lanes > 1:  # every other number
            steps = v.constant(2 * buffer.itemsize, INT)
            offsets, contiguous = v.binary("mul", INT, w.iota(v.lanes), steps), False
        element, value = self._to_storage(buffer, value)
        kind = vector_type(element, v.lanes)
        if contiguous and mask is None:
            w.do(f"store {kind} {value}, ptr {pointer}, align {buffer.itemsize}")
            return
        if offsets is None and not contiguous:  # the same address in all lanes
            first = value
            if v.lanes > 1:
                first = w.add(f"extractelement {kind} {value}, i64 0")
            w.do(f"store {element} {first}, ptr {pointer}, align {buffer.itemsize}")
            return
        if v.lanes == 1:
            if offsets is not None:
                pointer = w.add(f"getelementptr i8, ptr {pointer}, i64 {offsets}", "p")
            w.do(f"store {kind} {value}, ptr {pointer}, align {buffer.itemsize}")
            return
        assert offsets is not None
        addresses = self._pointers(pointer, offsets)
        w.do(
            f"call void @llvm.masked.scatter.{self._gather_suffix(element)}({kind} {value}, "
            f"<{v.lanes} x ptr> align {buffer.itemsize} {addresses}, "
            f"<{v.lanes} x i1> {mask or 'splat (i1 true)'})"
        )

    def _to_storage(self, buffer: Buffer, value: str) -> tuple[str, str]:
        v = self.v
        if buffer.storage == "bfloat16":
            return "i16", self._round_to_bfloat16(value)
        if buffer.stored == BOOL:
            return "i8", v.w.add(f"zext {v.type(BOOL)} {value} to {vector_type('i8', v.lanes)}")
        return scalar_type(buffer.stored), value

    def _round_to_bfloat16(self, value: str) -> str:
        """The upper half, rounded to nearest even; NaNs stay NaNs."""
        v = self.v
        bits = v.w.add(f"bitcast {v.type(FLOAT32)} {value} to {v.type(BITS32)}")
        odd = v.binary(
            "and",
            BITS32,
            v.binary("lshr", BITS32, bits, v.constant(16, BITS32)),
            v.constant(1, BITS32),
        )
        bias = v.binary("add", BITS32, odd, v.constant(0x7FFF, BITS32))
        rounded = v.binary("add", BITS32, bits, bias)
        quiet = v.binary("or", BITS32, bits, v.constant(0x400000, BITS32))
        nan = v.binary("fcmp uno", FLOAT32, value, value)
        chosen = v.select(nan, BITS32, quiet, rounded)
        return v.cast(v.binary("lshr", BITS32, chosen, v.constant(16, BITS32)), BITS32, BITS16)


def _mask(lanes: Iterable[int]) -> str:
    """Which lanes a shuffle takes."""
    numbers = ", ".join(f"i32 {k}" for k in lanes)
    return f"<{numbers.count('i32')} x i32> <{numbers}>"


def printed(scope: Scope, nodes: Iterable[Scalar]) -> list[str]:
    """The values of several nodes."""
    return [scope.value(n) for n in nodes]


__all__ = ["DType", "Each", "Index", "Lanes", "Scope", "printed"]
