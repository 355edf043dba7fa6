"""What would run to compute some tensors: their loops, their work, what is stored and what is not.

Nothing is evaluated by explaining. The plan that is shown is the one that evaluating would follow:
it comes from the same function, and waits for it.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pullback.config import config
from pullback.errors import OutOfMemoryError
from pullback.formula import Formula
from pullback.formula.evaluate import planned
from pullback.formula.node import Value
from pullback.formula.plan import Step
from pullback.op import View
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backends.loops import Kernel
    from pullback.backends.loops import Loop as LoopOfKernel

WIDTH = 100
LETTERS = "x", "y"  # in the names of arrays that are there, and of those that will be computed


@dataclass(frozen=True)
class Array:
    """An array that is there already, or that will be: an argument or a result of kernels."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    made_by: str = ""
    """Empty for what is stored already."""
    wanted: bool = False
    """Whether it is the value of a tensor that was asked for."""


@dataclass(frozen=True)
class Group:
    """Formulas of one shape and dtype that are never stored, by the names of their operations."""

    shape: tuple[int, ...]
    dtype: str
    operations: tuple[str, ...]
    nbytes: int
    """Of each of them."""


@dataclass(frozen=True)
class Loop:
    """A loop of a kernel; `how` says what a machine makes of it."""

    index: str
    size: int
    role: str
    how: str


@dataclass(frozen=True)
class Work:
    """Loops that are compiled and run together."""

    name: str
    loops: tuple[Loop, ...]
    pairs: int
    """Values of all batch, outer and inner indices."""
    per_pair: Counter[str]
    """Floating-point operations ("flops") and calls of elementary functions for each of them."""
    total: Counter[str]
    """The same in all."""
    body: tuple[str, ...]
    """What is computed, simplified; one line for each output and each common subexpression."""
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    code: str
    """`in memory`, `on disk` or `not compiled yet`."""
    source: str = field(repr=False)
    """The LLVM IR."""

    @property
    def flops_per_pair(self) -> int:
        return self.per_pair["flops"]

    @property
    def flops(self) -> int:
        return self.total["flops"]


@dataclass(frozen=True)
class Small:
    """Operations on small arrays, computed by NumPy one after the other."""

    operations: tuple[str, ...]
    writes: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Explanation:
    """What would run. `print` it, or read its fields."""

    tensors: tuple[str, ...]
    """One line for each tensor that was asked for."""
    arrays: tuple[Array, ...]
    never_stored: tuple[Group, ...]
    steps: tuple[Work | Small, ...]
    notes: tuple[str, ...]
    show_source: bool

    @property
    def kernels(self) -> tuple[Work, ...]:
        """The compiled loops among the steps."""
        return tuple(step for step in self.steps if isinstance(step, Work))

    @property
    def bytes_saved(self) -> int:
        """What the formulas that are never stored would take."""
        return sum(group.nbytes * len(group.operations) for group in self.never_stored)

    def __str__(self) -> str:
        return _text(self)

    __repr__ = __str__


def explain(tensors: Tensor | Sequence[Tensor], source: bool = False) -> Explanation:
    """What would run to compute a tensor, or several ones together; nothing is computed.

    Shows the arrays that are read and written, the formulas that are never stored, and the compiled
    loops: their indices, operations per pair, and whether the code is compiled already. With
    `source`, the LLVM IR as well. The gradients of a tensor are part of it if they were asked for:

        gq, gp = torch.autograd.grad(h, [q, p], create_graph=True)
        print(torch.explain([h, gq, gp]))
    """
    given = [tensors] if isinstance(tensors, Tensor) else tensors
    if not isinstance(given, (list, tuple)):
        raise _not_tensors(given)
    for tensor in given:
        if not isinstance(tensor, Tensor):
            raise _not_tensors(tensor)
    pending = [t._value for t in given if _is_pending(t._value)]
    notes = _notes(given, pending)
    if not pending:
        return Explanation(_lines(given, {}), (), (), (), notes, source)
    order, sources, steps = planned(list(dict.fromkeys(pending)))
    book = Book(order, sources, {id(v) for v in pending})
    done = tuple(book.step(step) for step in steps)
    names = {id(v): name for v, name in book.values()}
    return Explanation(
        _lines(given, names), tuple(book.arrays), book.never_stored(), done, notes, source
    )


def _not_tensors(value: Any) -> TypeError:
    return TypeError(
        f"explain(): expected a tensor or a list of tensors, not {type(value).__name__}. Write "
        f"explain(h), or explain([h, gq, gp]) for what is computed together"
    )


def _is_pending(value: Any) -> bool:
    return isinstance(value, Formula) and value.is_pending


def _notes(tensors: Sequence[Tensor], pending: Sequence[Formula]) -> tuple[str, ...]:
    notes = []
    for value in pending:
        try:
            config.check_memory(value.shape, value.nbytes)
        except OutOfMemoryError as error:
            notes.append(f"It cannot be stored: {error}.")
    if len(tensors) == 1 and pending and tensors[0].requires_grad:
        notes.append(
            "This is the value alone. With gradients: gs = torch.autograd.grad(y, xs, "
            "create_graph=True), then explain([y, *gs])."
        )
    return tuple(dict.fromkeys(notes))


def _lines(tensors: Sequence[Tensor], names: dict[int, str]) -> tuple[str, ...]:
    lines = []
    for k, tensor in enumerate(tensors, start=1):
        value = tensor._value
        what = f"{value.dtype.name} {list(value.shape)}, {_bytes(value.nbytes)}"
        if _is_pending(value):
            made = f"a formula, not computed yet: {names[id(value)]}"
        else:
            made = "stored already, nothing would run for it"
        lines.append(f"tensor {k}  {what}: {made}")
    return tuple(lines)


# ---- reading the plan ----------------------------------------------------------------------------


class Book:
    """Names for the values of a plan, in the order in which they appear, and its steps in words."""

    def __init__(
        self, order: Sequence[Formula], sources: Sequence[Value], wanted: set[int]
    ) -> None:
        self._order = order
        self._sources = sources
        self._wanted = wanted
        self._names: dict[int, str] = {}  # by place in the plan
        self._stored: set[int] = set()
        self._kernels = 0
        self.arrays: list[Array] = []

    def value(self, place: int) -> Value:
        """Where a plan refers to: places from 0 are formulas, negative ones what is there."""
        return self._order[place] if place >= 0 else self._sources[-1 - place]

    def values(self) -> list[tuple[Value, str]]:
        return [(self.value(place), name) for place, name in self._names.items()]

    def name(self, place: int, made_by: str = "") -> str:
        found = self._names.get(place)
        if found is None:
            letter = LETTERS[bool(made_by)]
            taken = sum(name.startswith(letter) for name in self._names.values())
            found = self._names[place] = f"{letter}{taken + 1}"
            v = self.value(place)
            wanted = id(v) in self._wanted
            self.arrays.append(Array(found, v.shape, v.dtype.name, v.nbytes, made_by, wanted))
        return found

    def step(self, step: Step) -> Work | Small:
        """One step of the plan."""
        if step.call is not None:
            self._kernels += 1
            return self._work(step, f"kernel {self._kernels}")
        self._stored |= set(step.numpy)
        names = tuple(f"{self._order[k].op.name} {list(self._order[k].shape)}" for k in step.numpy)
        return Small(names, (self.name(step.numpy[-1], "NumPy"),))

    def _work(self, step: Step, title: str) -> Work:
        from pullback.backends.describe import describe
        from pullback.backends.llvm.outlook import outlook

        assert step.call is not None
        kernel, sizes = step.call.kernel, step.call.sizes
        found = outlook(kernel)
        local: dict[str, str] = {}  # the kernel's own names for what it reads and writes
        for name, place, _ in step.arrays:
            local[name] = self.name(place)
        for name, place, number in step.scalars:
            local[name] = self.name(place) if number is None else f"{number:,}"
        reads = tuple(dict.fromkeys(local[n] for n, *_ in (*step.arrays, *step.scalars)))
        for name, place, _ in step.results:
            local[name] = self.name(place, title)
            self._stored.add(place)
        words = re.compile(r"\b(" + "|".join(map(re.escape, local)) + r")\b")
        body = tuple(words.sub(lambda m: local[m[0]], line) for line in describe(found.kernel))
        pairs = math.prod(sizes[i] for i in (*kernel.batch, kernel.outer, *kernel.inner))
        return Work(
            title, _loops(kernel, sizes, found.lanes, found.tiles), pairs, found.per_pair(sizes),
            found.total(sizes), body, reads, tuple(local[n] for n, *_ in step.results), found.code,
            found.text,
        )  # fmt: skip

    def never_stored(self) -> tuple[Group, ...]:
        """Formulas that only exist inside loops, the largest first. Views take no memory."""
        groups: dict[tuple[tuple[int, ...], str], list[Formula]] = {}
        for k, node in enumerate(self._order):
            if k not in self._stored and not isinstance(node.op, View):
                groups.setdefault((node.shape, node.dtype.name), []).append(node)
        found = [
            Group(shape, dtype, tuple(n.op.name for n in nodes), nodes[0].nbytes)
            for (shape, dtype), nodes in groups.items()
        ]
        return tuple(sorted(found, key=lambda g: -g.nbytes))


def _loops(
    kernel: Kernel, sizes: dict[str, int], lanes: int, tiles: Sequence[int]
) -> tuple[Loop, ...]:
    """The loops from the outside in."""

    def how(loop: LoopOfKernel) -> str:
        if loop.role == "outer":
            threads = f"{config.num_threads} thread{'s' * (config.num_threads > 1)}"
            return f"{lanes} at a time in vectors, blocks of them on {threads}"
        if loop.role == "inner" and loop.name == kernel.inner[-1] and tiles:
            passes = f", {len(tiles)} passes" if len(tiles) > 1 else ""
            return f"one after the other, in tiles of {max(tiles)}{passes}"
        return {
            "batch": "independent problems",
            "inner": "one after the other",
            "unrolled": "written out in the code",
            "contracted": "a long sum inside each pair, in register tiles",
            "feature": "a long axis of results, in register tiles",
        }[loop.role]

    ranks = ["batch", "outer", "inner", "contracted", "feature", "unrolled"]
    ordered = sorted(kernel.loops, key=lambda loop: ranks.index(loop.role))
    return tuple(
        Loop(p.name, p.extent if p.extent is not None else sizes[p.name], p.role, how(p))
        for p in ordered
    )


# ---- printing ------------------------------------------------------------------------------------


def _text(e: Explanation) -> str:
    lines = list(e.tensors)
    if e.steps:
        kernels = f"{len(e.kernels)} kernel{'s' * (len(e.kernels) != 1)}"
        lines += ["", f"{kernels}; {_bytes(e.bytes_saved)} of formulas never stored"]
        lines += ["", "arrays", *_table(_array_row(a) for a in e.arrays)]
    if e.never_stored:
        lines += ["", "formulas that are never stored", *_table(map(_group_row, e.never_stored))]
    for step in e.steps:
        lines += ["", *(_work(step, e.show_source) if isinstance(step, Work) else _small(step))]
    for note in e.notes:
        lines += ["", *textwrap.wrap(note, WIDTH)]
    return "\n".join(lines)


def _array_row(a: Array) -> tuple[str, ...]:
    made = f"computed by {a.made_by}" if a.made_by else "stored already"
    wanted = ", asked for" if a.wanted else ""
    return f"{a.name} ", f"{a.dtype} {list(a.shape)}", _bytes(a.nbytes), made + wanted


def _group_row(g: Group) -> tuple[str, ...]:
    counts = Counter(g.operations)
    names = ", ".join(f"{name} ×{n}" if n > 1 else name for name, n in counts.items())
    size = _bytes(g.nbytes)
    return f"{g.dtype} {list(g.shape)}", f"{len(g.operations)} × {size}", names


def _table(rows: Any) -> list[str]:
    """Columns side by side; the last one is wrapped."""
    table = [tuple(row) for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)][:-1]
    lines = []
    for *cells, last in table:
        head = "    " + "".join(f"{c:{w}}   " for c, w in zip(cells, widths, strict=True))
        lines += textwrap.wrap(last, WIDTH, initial_indent=head, subsequent_indent=" " * len(head))
    return lines


def _work(w: Work, show_source: bool) -> list[str]:
    ranges = [p for p in w.loops if p.role in ("batch", "outer", "inner")]
    sizes = " × ".join(f"{p.size:,}" for p in ranges)
    what = "pairs" if len(ranges) == 2 else "tuples" if len(ranges) > 2 else "elements"
    lines = [f"{w.name}: {sizes}{f' = {_count(w.pairs)}' * (len(ranges) > 1)} {what}"]
    lines += _table(
        (f"{p.role} {p.index}", f"{p.size:>10,}", p.how) for p in w.loops
    )  # fmt: skip
    lines += [
        f"    for each {what[:-1]} {_operations(w.per_pair)}; in all {_operations(w.total)}",
        f"    reads {', '.join(w.reads) or 'nothing'}, writes {', '.join(w.writes)}; "
        f"code {w.code}",
        "",
    ]  # fmt: skip
    for line in w.body:
        lines += textwrap.wrap(
            line, WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 12,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    if show_source:
        lines += ["", *(f"        {line}".rstrip() for line in w.source.splitlines())]
    return lines


def _small(s: Small) -> list[str]:
    text = f"NumPy, for {', '.join(s.writes)}: {', '.join(s.operations)}"
    return textwrap.wrap(text, WIDTH, subsequent_indent="    ", break_on_hyphens=False)


def _operations(counts: Counter[str]) -> str:
    flops = counts["flops"]
    rest = [f"{_count(n)} {name}" for name, n in sorted(counts.items()) if name != "flops" and n]
    return " and ".join([f"{_count(flops)} flop{'s' * (flops != 1)}", *rest])


def _count(n: int) -> str:
    return f"{n:,}" if n < 1_000_000 else f"{n:.3g}".replace("e+0", "e").replace("e+", "e")


def _bytes(n: int) -> str:
    amount = float(n)
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if amount < 1000 or unit == "TB":
            break
        amount /= 1000
    return f"{n} bytes" if unit == "bytes" else f"{amount:.3g} {unit}"
