"""What would run to compute some tensors: their loops, their work, what is stored and what is not.

Nothing is evaluated by explaining. The plan that is shown is the one that evaluating would follow:
it comes from the same function, and waits for it. What is found is a `model.Graph`, as of pictures.
"""

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pullback.config import config
from pullback.errors import OutOfMemoryError
from pullback.formula import Formula
from pullback.formula.evaluate import planned
from pullback.graph.kernels import Book, is_pending, members, titles
from pullback.graph.model import Array, Arrow, Box, Graph, Kernel, Kind
from pullback.graph.names import Names, Variables, caller
from pullback.locks import LOCK
from pullback.op import View
from pullback.tensor import Tensor

WIDTH = 100


@dataclass(frozen=True, repr=False)
class Explanation:
    """What would run. `print` it, or read its fields; `graph` is all that is known.

    The boxes of the graph are the values, arrays and formulas: what is not stored is `recomputed`.
    """

    graph: Graph
    asked: tuple[str, ...]
    """The boxes of the tensors that were asked for, by their keys, in their order."""
    show_source: bool

    @property
    def tensors(self) -> tuple[str, ...]:
        """One line for each tensor that was asked for."""
        boxes = {box.key: box for box in self.graph.boxes}
        return tuple(_asked_line(k, boxes[key]) for k, key in enumerate(self.asked, start=1))

    @property
    def steps(self) -> tuple[Kernel, ...]:
        """What runs, in order: compiled loops, and operations on small arrays by NumPy."""
        return self.graph.kernels

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The compiled loops among the steps."""
        return tuple(step for step in self.steps if not step.is_numpy)

    @property
    def arrays(self) -> tuple[Array, ...]:
        """What the steps read and write, in the order in which it is met."""
        both = [array for step in self.steps for array in (*step.reads, *step.writes)]
        return tuple(dict.fromkeys(both))

    @property
    def never_stored(self) -> tuple[Box, ...]:
        """Formulas that only exist inside loops, the largest first. Views take no memory."""
        found = [box for box in self.graph.boxes if box.recomputed and not box.view_of]
        return tuple(sorted(found, key=lambda box: -(box.nbytes or 0)))

    @property
    def bytes_saved(self) -> int:
        """What the formulas that are never stored would take."""
        return self.graph.bytes_of(recomputed=True)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader should know."""
        return self.graph.notes

    def to_dict(self) -> dict[str, Any]:
        """The graph's export: numbers, texts, lists and dicts."""
        return self.graph.to_dict()

    def to_json(self, indent: int | None = None) -> str:
        """The export as JSON text."""
        return self.graph.to_json(indent)

    def __str__(self) -> str:
        return _text(self)

    __repr__ = __str__


def explain(tensors: Tensor | Sequence[Tensor], source: bool = False) -> Explanation:
    """What would run to compute a tensor, or several ones together; nothing is computed.

    Shows the arrays that are read and written, under the names of the variables that hold them, the
    formulas that are never stored, and the compiled loops: their indices, operations per pair, and
    whether the code is compiled already. With `source`, the LLVM IR as well. The gradients of a
    tensor are part of it if they were asked for:

        gq, gp = torch.autograd.grad(h, [q, p], create_graph=True)
        print(torch.explain([h, gq, gp]))
    """
    given = [tensors] if isinstance(tensors, Tensor) else tensors
    if not isinstance(given, (list, tuple)):
        raise _not_tensors(given)
    for tensor in given:
        if not isinstance(tensor, Tensor):
            raise _not_tensors(tensor)
    names = Names({}, Variables.of(caller()).tensors)
    with LOCK:  # no other thread computes what is looked at
        return _explained(given, names, source)


def _explained(given: Sequence[Tensor], names: Names, source: bool) -> Explanation:
    values = [t._value for t in given]  # naming a tensor may give it an array
    pending = list(dict.fromkeys(v for v in values if is_pending(v)))
    boxes: dict[int, Box] = {}  # by the identity of the value
    arrows: list[Arrow] = []
    kernels: tuple[Kernel, ...] = ()
    if pending:
        boxes, arrows, kernels = _planned(pending, names)
    for tensor, value in zip(given, values, strict=True):
        if id(value) not in boxes:
            boxes[id(value)] = _box(f"z{len(boxes) + 1}", value, names.of_value(tensor))
        boxes[id(value)] = replace(boxes[id(value)], is_output=True)
    graph = Graph(tuple(boxes.values()), tuple(arrows), kernels, _notes(given, pending))
    return Explanation(graph, tuple(boxes[id(v)].key for v in values), source)


def _not_tensors(value: Any) -> TypeError:
    return TypeError(
        f"explain(): expected a tensor or a list of tensors, not {type(value).__name__}. Write "
        f"explain(h), or explain([h, gq, gp]) for what is computed together"
    )


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


# ---- reading the plan ----------------------------------------------------------------------------


def _planned(
    pending: list[Formula], names: Names
) -> tuple[dict[int, Box], list[Arrow], tuple[Kernel, ...]]:
    """The values of a plan as boxes, by identity, who is computed from whom, and the steps."""
    order, sources, steps = planned(pending)
    book = Book(order, sources, set(map(id, pending)), names.of_kernel)
    kernels = tuple(
        book.kernel(step, title) for title, step in zip(titles(steps), steps, strict=True)
    )
    computed: dict[int, list[str]] = {}
    for formula, title in members(order, steps):
        computed.setdefault(id(formula), []).append(title)
    stored = {id(order[k]) for step in steps for k in step.numpy}
    boxes: dict[int, Box] = {}
    for value, array in book.arrays:
        stored.add(id(value))
        boxes[id(value)] = _box(array.name, value, array.names, computed.get(id(value), ()))
    arrows = []
    for k, node in enumerate(order):
        if id(node) not in boxes:
            of = boxes.get(id(node.arguments[0])) if isinstance(node.op, View) else None
            boxes[id(node)] = _box(
                f"f{k + 1}", node, names.of_kernel(node), computed.get(id(node), ()),
                recomputed=id(node) not in stored, view_of="" if of is None else of.key,
            )  # fmt: skip
        for slot, argument in enumerate(node.arguments):
            if id(argument) in boxes:
                arrows.append(Arrow(boxes[id(argument)].key, boxes[id(node)].key, slot))
    return boxes, arrows, kernels


def _box(
    key: str, value: Any, names: tuple[str, ...], kernels: Sequence[str] = (), **more: Any
) -> Box:
    return Box(
        key, Kind.STORED, names, shape=value.shape, dtype=value.dtype.name, nbytes=value.nbytes,
        operation=value.op.name if is_pending(value) else "", kernels=tuple(kernels), **more,
    )  # fmt: skip


# ---- printing ------------------------------------------------------------------------------------


def _text(e: Explanation) -> str:
    lines = [*e.tensors]
    if e.steps:
        kernels = f"{len(e.kernels)} kernel{'s' * (len(e.kernels) != 1)}"
        lines += ["", f"{kernels}; {_bytes(e.bytes_saved)} of formulas never stored"]
        lines += ["", "arrays", *_table(_array_row(a) for a in e.arrays)]
    if e.never_stored:
        lines += ["", "formulas that are never stored", *_table(_group_rows(e.never_stored))]
    for step in e.steps:
        lines += ["", *(_numpy(step) if step.is_numpy else _loops(step, e.show_source))]
    for note in e.notes:
        lines += ["", *textwrap.wrap(note, WIDTH)]
    return "\n".join(lines)


def _asked_line(number: int, box: Box) -> str:
    what = f"{box.dtype} {list(box.shape or ())}, {_bytes(box.nbytes or 0)}"
    if box.kernels:
        return f"tensor {number}  {what}: a formula, not computed yet: {box.key}"
    return f"tensor {number}  {what}: stored already, nothing would run for it"


def _array_row(a: Array) -> tuple[str, ...]:
    made = f"computed by {a.made_by}" if a.made_by else "stored already"
    wanted = ", asked for" if a.wanted else ""
    user = ", ".join(a.names[:3])
    name = f"{a.name} = {user} " if user and len(user) < WIDTH // 4 else f"{a.name} "
    return name, f"{a.dtype} {list(a.shape)}", _bytes(a.nbytes), made + wanted


def _group_rows(boxes: Iterable[Box]) -> list[tuple[str, ...]]:
    """One row for the formulas of one shape and dtype."""
    groups: dict[Any, list[Box]] = {}
    for box in boxes:
        groups.setdefault((box.shape, box.dtype, box.nbytes), []).append(box)
    rows: list[tuple[str, ...]] = []
    for (shape, dtype, nbytes), group in groups.items():
        counts = Counter(_named(box) for box in group)
        operations = ", ".join(f"{name} ×{n}" if n > 1 else name for name, n in counts.items())
        rows.append((f"{dtype} {list(shape)}", f"{len(group)} × {_bytes(nbytes)}", operations))
    return rows


def _named(box: Box) -> str:
    """The operation, under the user's name of its result: `K_ij = exp`."""
    if not box.names or len(box.names[0]) > WIDTH // 4:
        return box.operation
    return f"{box.names[0]} = {box.operation}"


def _table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Columns side by side; the last one is wrapped."""
    table = list(rows)
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)][:-1]
    lines = []
    for *cells, last in table:
        head = "    " + "".join(f"{c:{w}}   " for c, w in zip(cells, widths, strict=True))
        lines += textwrap.wrap(last, WIDTH, initial_indent=head, subsequent_indent=" " * len(head))
    return lines


def _loops(k: Kernel, show_source: bool) -> list[str]:
    ranges = [p for p in k.loops if p.role in ("batch", "outer", "inner")]
    sizes = " × ".join(f"{p.size:,}" for p in ranges)
    what = "pairs" if len(ranges) == 2 else "tuples" if len(ranges) > 2 else "elements"
    lines = [f"{k.name}: {sizes}{f' = {_count(k.pairs)}' * (len(ranges) > 1)} {what}"]
    lines += _table((f"{p.role} {p.index}", f"{p.size:>10,}", p.how) for p in k.loops)
    reads, writes = (", ".join(array.name for array in some) for some in (k.reads, k.writes))
    total = {"flops": k.flops, **k.calls}
    lines += [
        f"    for each {what[:-1]} {_operations(k.per_pair)}; in all {_operations(total)}",
        *textwrap.wrap(
            f"reads {reads or 'nothing'}, writes {writes}; code {k.state}",
            WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 8,
        ),
        "",
    ]  # fmt: skip
    for line in k.body:
        lines += textwrap.wrap(
            line, WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 12,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    if show_source:
        lines += ["", *(f"        {line}".rstrip() for line in k.code.splitlines())]
    return lines


def _numpy(k: Kernel) -> list[str]:
    text = f"{k.name}, for {', '.join(a.name for a in k.writes)}: {', '.join(k.body)}"
    return textwrap.wrap(text, WIDTH, subsequent_indent="    ", break_on_hyphens=False)


def _operations(counts: Mapping[str, int]) -> str:
    flops = counts.get("flops", 0)
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
