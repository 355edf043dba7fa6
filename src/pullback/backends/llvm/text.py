"""Writing LLVM IR as text: lines, fresh names, blocks and counted loops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Carried = Sequence[tuple[str, str]]  # (type, value) of what a loop carries from turn to turn

_TYPES = {"f2": "half", "f4": "float", "f8": "double", "b1": "i1"}


def scalar_type(dtype: np.dtype[np.generic]) -> str:
    """The LLVM type of one number."""
    code = f"{dtype.kind}{dtype.itemsize}"
    if dtype.kind in "iu":
        return f"i{8 * dtype.itemsize}"
    if code not in _TYPES:
        raise NotImplementedError(f"no vector code for {dtype}: compute it on arrays")
    return _TYPES[code]


def vector_type(element: str, lanes: int) -> str:
    """The type of a vector; one lane is a plain scalar."""
    return element if lanes == 1 else f"<{lanes} x {element}>"


def literal(value: Any, dtype: np.dtype[np.generic]) -> str:
    """A number as LLVM writes it: floats by the bits of their double."""
    if dtype.kind == "b":
        return "true" if value else "false"
    if dtype.kind in "iu":
        bits = int(value)
        return str(bits - (1 << 64) if bits >= 1 << 63 else bits)
    if dtype.itemsize == 2:
        return f"0xH{np.asarray(value, dtype).view(np.uint16).item():04X}"
    rounded = np.asarray(value, dtype).astype(np.float64)
    return f"0x{rounded.view(np.uint64).item():016X}"


@dataclass
class LoopHandle:
    """What the body of a loop sees: its counter and what it carries; it must set `next`."""

    counter: str
    carried: list[str]
    next: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)


@dataclass
class WhenHandle:
    """The blocks that come together after conditional lines."""

    before: str
    inside: str = ""


@dataclass
class RepeatHandle:
    """What a repeated part sees; it must set `next` and `again`."""

    carried: list[str]
    next: list[str] = field(default_factory=list)
    again: str = ""


class Writer:
    """One function being written."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.block = "entry"
        self._count = 0

    def fresh(self, hint: str = "v") -> str:
        self._count += 1
        return f"%{hint}.{self._count}"

    def add(self, instruction: str, hint: str = "v") -> str:
        """An instruction with a result; gives its name."""
        name = self.fresh(hint)
        self.lines.append(f"  {name} = {instruction}")
        return name

    def do(self, instruction: str) -> None:
        """An instruction without a result."""
        self.lines.append(f"  {instruction}")

    def label(self, hint: str) -> str:
        self._count += 1
        return f"{hint}.{self._count}"

    def begin(self, label: str) -> None:
        self.lines.append(f"{label}:")
        self.block = label

    # -------------------------------------------------------------- vectors

    def splat(self, element: str, value: str, lanes: int) -> str:
        """A scalar in every lane."""
        if lanes == 1:
            return value
        vector = vector_type(element, lanes)
        if not value.startswith("%"):
            return f"splat ({element} {value})"
        first = self.add(f"insertelement {vector} poison, {element} {value}, i64 0", "s")
        return self.add(
            f"shufflevector {vector} {first}, {vector} poison, <{lanes} x i32> zeroinitializer", "s"
        )

    def iota(self, lanes: int) -> str:
        """0, 1, 2, ... as 64-bit integers."""
        if lanes == 1:
            return "0"
        return "<" + ", ".join(f"i64 {k}" for k in range(lanes)) + ">"

    # -------------------------------------------------------------- control

    @contextmanager
    def loop(
        self,
        name: str,
        start: str,
        stop: str,
        step: str,
        carried: Carried = (),
        nonempty: bool = False,
    ) -> Iterator[LoopHandle]:
        """for counter in range(start, stop, step), carrying values; `nonempty` saves the test."""
        head, done = self.label(f"{name}.loop"), self.label(f"{name}.done")
        before = self.block
        if not nonempty:
            some = self.add(f"icmp slt i64 {start}, {stop}")
            self.do(f"br i1 {some}, label %{head}, label %{done}")
        else:
            self.do(f"br label %{head}")
        self.begin(head)
        counter = self.fresh(name)
        inside = [self.fresh("c") for _ in carried]
        mark = len(self.lines)
        handle = LoopHandle(counter, inside)
        yield handle
        latch = self.block
        following = self.add(f"add nsw i64 {counter}, {step}")
        again = self.add(f"icmp slt i64 {following}, {stop}")
        self.do(f"br i1 {again}, label %{head}, label %{done}")
        phis = [f"  {counter} = phi i64 [ {start}, %{before} ], [ {following}, %{latch} ]"]
        for (kind, init), phi, new in zip(carried, inside, handle.next, strict=True):
            phis.append(f"  {phi} = phi {kind} [ {init}, %{before} ], [ {new}, %{latch} ]")
        self.lines[mark:mark] = phis
        self.begin(done)
        for (kind, init), new in zip(carried, handle.next, strict=True):
            skip = "" if nonempty else f", [ {init}, %{before} ]"
            handle.results.append(self.add(f"phi {kind} [ {new}, %{latch} ]{skip}"))

    @contextmanager
    def repeat(self, name: str, carried: Carried) -> Iterator[RepeatHandle]:
        """Lines that run again as long as they say so, carrying values."""
        head, done = self.label(f"{name}.again"), self.label(f"{name}.done")
        before = self.block
        self.do(f"br label %{head}")
        self.begin(head)
        handle = RepeatHandle([self.fresh("c") for _ in carried])
        mark = len(self.lines)
        yield handle
        latch = self.block
        self.do(f"br i1 {handle.again}, label %{head}, label %{done}")
        self.lines[mark:mark] = [
            f"  {phi} = phi {kind} [ {start}, %{before} ], [ {new}, %{latch} ]"
            for (kind, start), phi, new in zip(carried, handle.carried, handle.next, strict=True)
        ]
        self.begin(done)

    @contextmanager
    def when(self, condition: str, name: str = "if") -> Iterator[WhenHandle]:
        """Lines that run only if a condition holds."""
        then, after = self.label(f"{name}.then"), self.label(f"{name}.end")
        handle = WhenHandle(self.block)
        self.do(f"br i1 {condition}, label %{then}, label %{after}")
        self.begin(then)
        yield handle
        handle.inside = self.block
        self.do(f"br label %{after}")
        self.begin(after)

    def either(self, branch: WhenHandle, kind: str, inside: str, before: str) -> str:
        """After `when`: one value if its lines ran, the other if not."""
        return self.add(
            f"phi {kind} [ {inside}, %{branch.inside} ], [ {before}, %{branch.before} ]"
        )
