"""What a picture of a computation shows, before anyone decides how it is printed.

A `Graph` is a list of boxes, a list of arrows between them and the kernels that they run in, plain
data: DOT, SVG, the page and the JSON export read the same one. Arrows point the way gradients flow,
from the output to the inputs, and from a saved value to the operator that reads it.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

FORMAT = "pullback.graph"
VERSION = 2
"""Of the JSON export: a reader of version 2 reads every later file of version 2; fields may be
added, and a change of what one means is version 3 (docs/pictures.md)."""


class Kind(StrEnum):
    """What a box stands for."""

    OPERATOR = "operator"
    """A backward operator, from the covariable of its output to those of its inputs."""
    OUTPUT = "output"
    """The covariable of an output that no operator made: a leaf, or a constant."""
    INPUT = "input"
    """A covariable to be computed: the gradient of a leaf."""
    STORED = "stored"
    """A value of the forward pass that the backward pass reads: kept in memory, or recomputed."""
    FOLD = "fold"
    """Several boxes drawn as one: a repeated sub-graph, a module, a stretch of the program."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the user's source."""

    file: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Box:
    """A node of the picture; `key` is unique in its graph and the same in every run."""

    key: str
    kind: Kind
    names: tuple[str, ...] = ()
    """The user's names of the value (for an operator: of its result), where they are known."""
    operator: str = ""
    """PyTorch's name of the backward operator, such as `ExpBackward0`."""
    is_output: bool = False
    shape: tuple[int, ...] | None = None
    """Of the value; for an operator, of its result, where that is known."""
    dtype: str | None = None
    nbytes: int | None = None
    version: int | None = None
    """How often the stored value has been written in place."""
    attributes: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    """What the operator keeps that is not a tensor: `dim`, `keepdim`, `exponent`, …"""
    roles: tuple[str, ...] = ()
    """What the operators that read a stored value call it: `self`, `result`, `mat2`, …"""
    formula: str = ""
    """How the value (for an operator: its result) is computed, in the user's names."""
    view_of: str = ""
    """The key of the stored value that has the same memory, if this one takes none of its own."""
    recomputed: bool = False
    """A stored value that is not in memory: it is computed again by the loops that need it."""
    line: Line | None = None
    """Where the user wrote the operation."""
    kernels: tuple[str, ...] = ()
    """The names of the kernels that compute it, in `Graph.kernels`."""
    moment: int = 0
    """The place among the operators of the graph, by the time at which they were recorded."""
    operation: str = ""
    """The name of the forward operation in pullback's registry, such as `exp`."""
    fold: str = ""
    """The key of the fold that the box is in, where the graph has what its folds hide."""
    count: int = 1
    """For a fold: how many operators it stands for."""
    repeats: int = 1
    """For a fold: how often its pattern is repeated."""
    pattern: tuple[str, ...] = ()
    """For a fold: the operators of one repetition."""
    values: int = 0
    """For a fold: how many saved values are hidden in it; `nbytes` is what they take."""
    saved: int = 0
    """For a fold: what the hidden values that are recomputed would take."""
    inputs: int = 0
    """For a fold: how many covariables to be computed are hidden in it."""

    @property
    def title(self) -> str:
        """One line for the box: the operator, or what the value is called or computed by."""
        if self.operator:
            return short_operator(self.operator)
        if self.names and self.formula and self.formula not in self.names:
            return f"{', '.join(self.names)} = {self.formula}"
        return ", ".join(self.names) or self.formula or ", ".join(self.roles)


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge: `slot` is the position of the input, `name` the role of a stored value."""

    tail: str
    head: str
    slot: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Array:
    """An array that a kernel reads or writes."""

    name: str
    """What the bodies of kernels call it: `x1` if it was there, `y1` if one of them makes it."""
    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    names: tuple[str, ...] = ()
    """The user's names of it, where they are known."""
    made_by: str = ""
    """The kernel that computes it; empty for what is stored already."""
    wanted: bool = False
    """Whether it is the value of a tensor that was asked for."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop of a kernel."""

    index: str
    size: int
    role: str
    """`batch`, `outer`, `inner`, `contracted`, `feature` or `unrolled`: from the outside in."""
    how: str
    """What a machine makes of it, in words."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """Loops that are compiled and run together, or operations that NumPy runs one by one."""

    name: str
    summary: str
    """Its loops in a few words."""
    reads: tuple[Array, ...] = ()
    writes: tuple[Array, ...] = ()
    body: tuple[str, ...] = ()
    """What is computed, simplified; one line for each result and each common subexpression. For
    NumPy: the operations."""
    loops: tuple[Loop, ...] = ()
    """From the outside in; none for NumPy."""
    pairs: int = 0
    """Values of all batch, outer and inner indices; of a set with itself, each pair once."""
    per_pair: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """For each of them: floating-point operations ("flops"), calls of elementary functions."""
    flops: int = 0
    """Floating-point operations in all."""
    calls: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Calls of elementary functions, in all."""
    state: str = ""
    """`in memory`, `on disk` or `not compiled yet`; empty for NumPy."""
    code: str = ""
    """The LLVM IR."""
    predicted: float | None = None
    """Seconds, from the operations counted and the speed of this machine."""
    measured: float | None = None
    """Seconds that its last run took."""
    compiled: bool = False
    """Whether that run had to compile it, or to load its code, first."""

    @property
    def is_numpy(self) -> bool:
        """Whether NumPy runs it: operations on small arrays, one after the other."""
        return not self.loops

    @property
    def flops_per_pair(self) -> int:
        """Floating-point operations for each value of all batch, outer and inner indices."""
        return self.per_pair.get("flops", 0)


@dataclass(frozen=True, slots=True, repr=False)
class Graph:
    """Boxes in the order of a walk from the outputs, and the arrows between them."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    kernels: tuple[Kernel, ...] = ()
    notes: tuple[str, ...] = ()
    """What the reader should know: what could not be found out, and why."""

    def __repr__(self) -> str:
        counts = {"boxes": self.boxes, "arrows": self.arrows, "kernels": self.kernels}
        return f"Graph({', '.join(f'{len(of):,} {name}' for name, of in counts.items())})"

    def _repr_svg_(self) -> str:
        """The picture, folded if it is large, for notebooks."""
        from pullback.graph.dot import draw
        from pullback.graph.fold import fold

        return draw(fold(self))._repr_svg_()

    def box(self, key: str) -> Box:
        """The box of that key (a search: meant for tests and for small graphs)."""
        return next(box for box in self.boxes if box.key == key)

    @property
    def _wholes(self) -> list[Box]:
        """Every box once: of folds, those whose inside the graph does not have."""
        opened = {box.fold for box in self.boxes}
        return [box for box in self.boxes if box.key not in opened]

    def bytes_of(self, *, recomputed: bool) -> int:
        """What the saved values take in memory; or what those that are not stored would take."""
        folds = [b for b in self._wholes if b.kind is Kind.FOLD]
        hidden = sum(b.saved if recomputed else b.nbytes or 0 for b in folds)
        stored = [b for b in self.boxes if b.kind is Kind.STORED and b.recomputed == recomputed]
        return hidden + sum(b.nbytes or 0 for b in stored if not b.view_of)

    @property
    def operators(self) -> int:
        """The number of operators, those inside of folds as well."""
        return sum(b.count for b in self._wholes if b.kind in (Kind.OPERATOR, Kind.FOLD))

    def to_dict(self) -> dict[str, Any]:
        """The export: numbers, texts, lists and dicts (docs/pictures.md has its fields)."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "boxes": [_plain(box) for box in self.boxes],
            "arrows": [_plain(arrow) for arrow in self.arrows],
            "kernels": [_plain(kernel) for kernel in self.kernels],
            "notes": list(self.notes),
        }

    def to_json(self, indent: int | None = None) -> str:
        """The export as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=True, allow_nan=False)


def _plain(thing: Any) -> dict[str, Any]:
    """The fields of a dataclass that say something: those that have their default are left out."""
    found = {}
    for spec in thing.__dataclass_fields__.values():  # as dataclasses.fields, in half the time
        value = getattr(thing, spec.name)
        if spec.default is not dataclasses.MISSING and value == spec.default:
            continue
        if isinstance(value, Mapping):
            if not value:
                continue
            numbers = spec.name in ("calls", "per_pair")
            value = {str(k): int(v) if numbers else attribute_text(v) for k, v in value.items()}
        elif isinstance(value, Line):
            value = _plain(value)
        elif isinstance(value, tuple):
            value = [_plain(v) if dataclasses.is_dataclass(v) else v for v in value]
        found[spec.name] = value
    return found


def attribute_text(value: object) -> str:
    """An attribute as text; what cannot be printed is named by its type."""
    try:
        text = str(value)
    except Exception as error:  # a user's object, with a user's __str__
        return f"<{type(value).__name__}: {type(error).__name__} in __str__>"
    return text if len(text) <= 1000 else text[:1000] + "…"


def short_operator(name: str) -> str:
    """`∂Exp` for `ExpBackward0`: the operator that the operation's derivative is."""
    own = name.rpartition("::")[2]
    head = own.rstrip("0123456789")
    if not head.endswith("Backward"):
        return own or name
    return f"∂{head.removesuffix('Backward')}"


def bytes_text(count: int) -> str:
    """A size to read: 12 B, 12.0 kB, 4.0 GB."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            break
        size /= 1000
    return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
