"""The function that is being printed: arguments, memory on the stack, scopes of rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..loops import INT, Kernel
from ..scalar import Scalar, walk
from ..symbols import Library
from .accumulate import Accumulator, Values
from .layout import layout
from .plan import Plan, plan
from .scope import Lanes, Scope
from .strips import Strip
from .target import Target
from .text import Writer, scalar_type, vector_type
from .vector import BOOL, DType, Vectors

BYTE = np.dtype(np.uint8)


def inline(v: Vectors, roots: Sequence[Scalar], values: dict[Scalar, str]) -> Values:
    """Print expressions of free variables that stand for values: the bodies of `State`s."""
    scope = Scope(v, None, {}, {id(n): frozenset() for n in walk(*roots)})
    for n, value in values.items():
        scope.bind(n, value)
    return [scope.value(root) for root in roots]


class Frame:
    """What all parts of the printer share; `emit.py` shows how they fit together."""

    def __init__(self, kernel: Kernel, target: Target):
        self.kernel = kernel
        self.target = target
        self.plan: Plan = plan(kernel, target, inline)
        self.layout = layout(kernel)
        self.functions: set[tuple[str, str, int]] = set()
        self.calls: set[tuple[Library, int]] = set()
        self.strips: set[Strip] = set()
        # of the function that is being printed
        self.arguments: dict[str, str] = {}
        self.w = Writer()
        self.v = Vectors(self.w, self.plan.lanes, target)
        self.vectors, self.full, self.last_row = "", "", ""  # of rows: all, whole ones, the last
        # memory on the stack: accumulators of rows, what is packed, accumulators of columns
        self.scratch: dict[int, list[str]] = {}
        self.pack: dict[int, str] = {}
        self.column_sums: dict[int, list[tuple[str, int]]] = {}  # where, and the first place there
        self.products: dict[int, str] = {}
        self.stage = ""  # vectors that wait to be transposed
        self.transposed: dict[int, str] = {}
        self.wide_sums: dict[int, str] = {}
        self.panels: dict[int, str] = {}
        self.row_panels: dict[int, str] = {}
        self.row_values: dict[int, str] = {}
        self.flipped: dict[int, str] = {}
        self.cross_sums: dict[int, str] = {}

    def _begin(self) -> tuple[Writer, Vectors]:
        writer = Writer(self.target.indexed)
        v = Vectors(writer, self.plan.lanes, self.target)
        writer.begin("entry")
        self.arguments = {}
        for name, slot in self.layout.slots.items():
            kind = "i64"
            if name.startswith("data:") or name in ("partials", "columns", "stop", "turns"):
                kind = "ptr"
            elif name.startswith("scalar:"):
                dtype = next(n.dtype for n in self.kernel.scalars if f"scalar:{n.data}" == name)
                kind = scalar_type(dtype)
            where = writer.add(f"getelementptr i64, ptr %arguments, i64 {slot}", "a")
            if kind == "i1":
                byte = writer.add(f"load i8, ptr {where}, align 8")
                self.arguments[name] = writer.add(f"icmp ne i8 {byte}, 0")
            else:
                hint = "".join(c if c.isalnum() else "_" for c in name)
                self.arguments[name] = writer.add(f"load {kind}, ptr {where}, align 8", hint)
        return writer, v

    def _collect(self, v: Vectors) -> None:
        self.functions |= v.functions
        self.calls |= v.calls

    def _fixed(self, n: Scalar, *names: str) -> bool:
        """Whether a node depends neither on these indices nor on contracted ones."""
        return self.plan.free[id(n)].isdisjoint(
            {*names, *self.kernel.named("contracted"), *self.kernel.named("feature")}
        )

    def _smaller(self, a: str, b: str) -> str:
        return self.w.add(f"call i64 @llvm.smin.i64(i64 {a}, i64 {b})")

    def _batch_indices(self, linear: str) -> dict[str, str]:
        """The batch indices from a linear one, the last running fastest."""
        found: dict[str, str] = {}
        for name in reversed(self.kernel.batch):
            size = self.arguments[f"size:{name}"]
            found[name] = self.w.add(f"srem i64 {linear}, {size}", name)
            linear = self.w.add(f"sdiv i64 {linear}, {size}")
        return found

    def _row_scope(self, scope: Scope, row: str, full: bool = False) -> Scope:
        base = self.w.add(f"mul i64 {row}, {self.v.lanes}", "base")
        always = full or self.v.lanes == 1
        return scope.inner({self.kernel.outer: Lanes(base, None if always else self.last_row)})

    def _inside(self, row: str) -> str | None:
        """The lanes that hold a row."""
        v, w = self.v, self.w
        if v.lanes == 1:
            return None
        base = w.add(f"mul i64 {row}, {v.lanes}")
        index = v.binary("add", INT, v.splat(base, INT), w.iota(v.lanes))
        return v.compare("le", INT, index, v.splat(self.last_row, INT))

    def _array(self, dtype: DType, length: int, vectors: bool) -> str:
        element = in_memory(dtype)
        kind = vector_type(element, self.plan.lanes) if vectors else element
        return self.w.add(f"alloca [{length} x {kind}], align 64", "memory")

    def _memory_form(self, value: str, dtype: DType) -> str:
        return self.v.cast(value, BOOL, BYTE) if dtype == BOOL else value

    def _slot(self, arrays: list[str], dtypes: list[DType], at: str) -> list[tuple[str, str]]:
        kinds = [vector_type(in_memory(d), self.plan.lanes) for d in dtypes]
        return [
            (k, self.w.add(f"getelementptr {k}, ptr {a}, i64 {at}"))
            for a, k in zip(arrays, kinds, strict=True)
        ]

    def _read(self, arrays: list[str], dtypes: list[DType], at: str) -> Values:
        raw = [self.w.add(f"load {k}, ptr {where}") for k, where in self._slot(arrays, dtypes, at)]
        return [
            self.v.cast(r, BYTE, BOOL) if d == BOOL else r for r, d in zip(raw, dtypes, strict=True)
        ]

    def _write(self, arrays: list[str], dtypes: list[DType], at: str, values: Values) -> None:
        for (k, where), value, d in zip(
            self._slot(arrays, dtypes, at), values, dtypes, strict=True
        ):
            self.w.do(f"store {k} {self._memory_form(value, d)}, ptr {where}")

    def _get(self, acc: Accumulator, local: str) -> Values:
        return self._read(self.scratch[id(acc)], acc.dtypes, local)

    def _put(self, acc: Accumulator, local: str, values: Values) -> None:
        self._write(self.scratch[id(acc)], acc.dtypes, local, values)

    def _column_places(self, acc: Accumulator, at: str) -> list[str]:
        kinds = [vector_type(in_memory(d), self.plan.lanes) for d in acc.dtypes]
        return [
            self.w.add(
                f"getelementptr {k}, ptr {self.w.add(f'getelementptr {k}, ptr {a}, i64 {at}')}, "
                f"i64 {first}"
            )
            for (a, first), k in zip(self.column_sums[id(acc)], kinds, strict=True)
        ]

    def _get_column(self, acc: Accumulator, at: str) -> Values:
        return self._read(self._column_places(acc, at), acc.dtypes, "0")

    def _put_column(self, acc: Accumulator, at: str, values: Values) -> None:
        self._write(self._column_places(acc, at), acc.dtypes, "0", values)

    def _read_slots(self, slots: list[str], dtypes: list[DType]) -> Values:
        one = Vectors(self.w, 1, self.target)
        values = []
        for where, d in zip(slots, dtypes, strict=True):
            raw = self.w.add(f"load {in_memory(d)}, ptr {where}, align 8")
            values.append(one.cast(raw, BYTE, BOOL) if d == BOOL else raw)
        return values

    def _write_slots(self, slots: list[str], dtypes: list[DType], values: Values) -> None:
        one = Vectors(self.w, 1, self.target)
        for where, d, value in zip(slots, dtypes, values, strict=True):
            raw = one.cast(value, BOOL, BYTE) if d == BOOL else value
            self.w.do(f"store {in_memory(d)} {raw}, ptr {where}, align 8")


def positional(acc: Accumulator) -> bool:
    return acc.kind in ("argmax", "argmin")


def in_memory(dtype: DType) -> str:
    """The type of one number in memory: booleans take a byte."""
    return "i8" if dtype == BOOL else scalar_type(dtype)
