"""Writing LLVM IR as text: lines, fresh names, blocks and counted loops."""

from __future__ import annotations

import re
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


# Instructions that give the same for the same operands; of these, integers by themselves are
# computed before the loops that they do not change in. Addresses are a part of what reads there.
_REPEATABLE = {
    "add", "sub", "mul", "and", "or", "xor", "shl", "getelementptr", "insertelement",
    "shufflevector",
}  # fmt: skip
_SMALLER = "call i64 @llvm.smin.i64("
_NAME = re.compile(r"%[\w.]+")


@dataclass
class _Place:
    """A function, a loop in it, or lines that run only sometimes."""

    depth: int
    lines: list[str]
    is_loop: bool
    known: list[str] = field(default_factory=list)  # what was first written here


class Writer:
    """One function being written.

    Where addresses may be a base and an index, `indexed` hides from LLVM that counters count:
    turning them into pointers takes a third of the time that it needs for a kernel. What that
    would have gained is done here: an instruction is written once, before the loops in which it
    gives the same.
    """

    def __init__(self, indexed: bool = False) -> None:
        self.lines: list[str] = []
        self.block = "entry"
        self._count = 0
        self._indexed = indexed
        self._places = [_Place(0, self.lines, False)]
        self._depths: dict[str, int] = {}  # of the place where a value is known
        self._known: dict[str, str] = {}  # the value of an instruction

    def fresh(self, hint: str = "v") -> str:
        self._count += 1
        name = f"%{hint}.{self._count}"
        self._depths[name] = len(self._places) - 1
        return name

    def add(self, instruction: str, hint: str = "v") -> str:
        """An instruction with a result; gives its name."""
        if self._indexed and (
            instruction[: instruction.find(" ")] in _REPEATABLE or instruction.startswith(_SMALLER)
        ):
            return self._once(instruction, hint)
        name = self.fresh(hint)
        self.lines.append(f"  {name} = {instruction}")
        return name

    def _once(self, instruction: str, hint: str) -> str:
        """The value of an instruction that may have been written before."""
        is_vector = "<" in instruction
        key = f"{self.block} {instruction}" if is_vector else instruction  # they are large
        found = self._known.get(key)
        if found is not None:
            return found
        place = self._places[-1]
        if not is_vector and not instruction.startswith("getelementptr"):
            here = place.depth
            needed = max([self._depths.get(n, here) for n in _NAME.findall(instruction)], default=0)
            while place.is_loop and needed < place.depth:
                place = self._places[place.depth - 1]
        name = self._known[key] = self.fresh(hint)
        self._depths[name] = place.depth
        place.known.append(key)
        place.lines.append(f"  {name} = {instruction}")
        return name

    def _enter(self, is_loop: bool) -> None:
        if is_loop:
            self.lines = []
        self._places.append(_Place(len(self._places), self.lines, is_loop))

    def _leave(self) -> None:
        for key in self._places.pop().known:
            del self._known[key]
        self.lines = self._places[-1].lines

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
        self._enter(is_loop=True)
        self.block = head
        counter = self.fresh(name)
        inside = [self.fresh("c") for _ in carried]
        handle = LoopHandle(counter, inside)
        yield handle
        latch = self.block
        now = self.add(f"freeze i64 {counter}") if self._indexed else counter
        following = self.add(f"add nsw i64 {now}, {step}")
        again = self.add(f"icmp slt i64 {following}, {stop}")
        self.do(f"br i1 {again}, label %{head}, label %{done}")
        body = self.lines
        self._leave()
        if not nonempty:
            some = self.add(f"icmp slt i64 {start}, {stop}")
            self.do(f"br i1 {some}, label %{head}, label %{done}")
        else:
            self.do(f"br label %{head}")
        self.lines.append(f"{head}:")
        self.lines.append(
            f"  {counter} = phi i64 [ {start}, %{before} ], [ {following}, %{latch} ]"
        )
        for (kind, init), phi, new in zip(carried, inside, handle.next, strict=True):
            self.do(f"{phi} = phi {kind} [ {init}, %{before} ], [ {new}, %{latch} ]")
        self.lines += body
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
        self._enter(is_loop=False)
        handle = RepeatHandle([self.fresh("c") for _ in carried])
        mark = len(self.lines)
        yield handle
        self._leave()
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
        self._enter(is_loop=False)
        yield handle
        self._leave()
        handle.inside = self.block
        self.do(f"br label %{after}")
        self.begin(after)

    def either(self, branch: WhenHandle, kind: str, inside: str, before: str) -> str:
        """After `when`: one value if its lines ran, the other if not."""
        return self.add(
            f"phi {kind} [ {inside}, %{branch.inside} ], [ {before}, %{branch.before} ]"
        )
