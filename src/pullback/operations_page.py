"""The page of operations, `docs/operations.md`: made from the registry, never edited.

    python -m pullback.operations_page [FILE]    # writes the page, and the stubs of types
    pullback info --ops                          # prints the same for a terminal

What it says is asked of the code. Whether an operation fuses is found by calling it on formulas
where nothing may be stored; its dtypes by calling it with them; how often it can be differentiated
by reading which operations its rules are written with.
"""

from __future__ import annotations

import functools
import importlib
import re
import shutil
import sys
import textwrap
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import pullback
from pullback import samples, stubs
from pullback.devices import check_device
from pullback.dispatch import TENSORS
from pullback.errors import OutOfMemoryError
from pullback.formula import BLOWN, Formula
from pullback.op import REGISTRY, Composite, Creation, Op, Pointwise
from pullback.samples import Call
from pullback.tensor import Tensor

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
REFUSALS = (AssertionError, RuntimeError, TypeError, ValueError, IndexError)


@dataclass(frozen=True)
class Entry:
    """What the page says of one operation."""

    names: tuple[str, ...]  # of the functions, the method and the in-place method
    kind: str
    gradient: str  # arguments that have rules; "body": it differentiates through its body
    order: str  # how often it can be differentiated: "any", "1", or "-"
    fuses: str  # inside formulas: "yes", "forward", "partly", "-"
    dtypes: str
    summary: str


# ------------------------------------------------------------------------- asked of the code


def entry(op: Op) -> Entry:
    """What the page says of an operation."""
    differentiable = order(op)
    gradient = ", ".join(op.differentiable)
    if isinstance(op, Composite):
        gradient = "body"
    return Entry(
        names=tuple(names(op)),
        kind=op.kind,
        gradient=gradient if differentiable != "-" else "-",
        order=differentiable,
        fuses=fuses(op),
        dtypes=dtypes(op),
        summary=" ".join(op.doc.partition("\n\n")[0].split()),
    )


def names(op: Op) -> Iterator[str]:
    """The names that users call it by; of an internal one, the name that rules know it by."""
    if op.is_function:
        yield op.qualified_name
        for alias in op.aliases:
            yield alias if "." in alias else f"{op.namespace}.{alias}".removeprefix(".")
    elif op.is_method:
        yield from (f"Tensor.{name}" for name in (op.public_name, *op.aliases))
    if op.inplace_name:
        yield op.inplace_name if op.is_function else f"Tensor.{op.inplace_name}"
    if not samples.is_public(op):
        yield op.key


def order(op: Op) -> str:
    """How often an operation can be differentiated: "any", "1" if its rules end it, or "-"."""
    if not differentiable(op):
        return "-"
    if not isinstance(op, Composite) and not op.rules:
        return "-"
    return "any" if op.key in closed() else "1"


def differentiable(op: Op) -> bool:
    """Whether it has a derivative at all: its result is not discrete, nor drawn, nor new."""
    return op.derivative and op.result not in ("bool", "index") and not isinstance(op, Creation)


@functools.cache
def closed() -> frozenset[str]:
    """The operations that can be differentiated for ever.

    That is the largest set whose rules, and bodies of composites, are written with nothing but
    operations of the set and discrete ones.
    """
    needed = {key: needs(op) for key, op in REGISTRY.items()}
    found = {k for k, op in REGISTRY.items() if not differentiable(op) or _has_rules(op)}
    while True:
        left = {k for k in found if needed[k] <= found}
        if left == found:
            return frozenset(found)
        found = left


def _has_rules(op: Op) -> bool:
    return isinstance(op, Composite) or bool(op.rules)


def needs(op: Op) -> set[str]:
    """The registered operations that an operation's rules, or its composite body, name."""
    if not differentiable(op):
        return set()
    functions = [op.forward] if isinstance(op, Composite) else []
    functions += [rule.function for rule in op.rules.values()]
    found: set[str] = set()
    for function in functions:
        found |= set(_names_in(function))
    return {name for name in found if name in REGISTRY}


def _names_in(function: Callable[..., Any]) -> Iterator[str]:
    """The names that a function asks for, and those that its module's helpers ask for."""
    seen: set[Any] = set()
    stack: list[Any] = [function]
    while stack:
        current = stack.pop()
        code = getattr(current, "__code__", current)
        if code in seen:
            continue
        seen.add(code)
        yield from code.co_names
        stack += [c for c in code.co_consts if isinstance(c, types.CodeType)]
        scope = getattr(current, "__globals__", {})
        for name in code.co_names:
            helper = scope.get(name)
            if isinstance(helper, types.FunctionType) and helper.__module__ == current.__module__:
                stack.append(helper)


def fuses(op: Op) -> str:
    """Whether it is computed inside formulas: called on formulas where nothing may be stored.

    "yes": its gradient as well; "forward": its gradient is not; "partly": with some arguments.
    """
    forward: list[bool] = []
    gradient: list[bool] = []
    unclear = False
    for call in samples.calls(op):
        # Small values are stored by library calls, which are better at them: they prove nothing.
        small = any(a.size <= BLOWN for a in call.arrays())
        results, fused = _deferred_gradients(call)
        if results is None:
            continue
        stays = all(map(_is_pending, results))
        if stays or not small:
            forward.append(stays)
        if stays and fused is not None:
            if fused or min(r.numel() for r in results) > BLOWN:
                gradient.append(fused)
            else:
                unclear = True
    if not any(forward):
        return "-"
    if not all(forward):
        return "partly"
    return "yes" if all(gradient) and (gradient or not unclear) else "forward"


def _function(op: Op) -> Any:
    """The operation as rules call it; for arguments with a structure, as tests do."""
    if op.tried_function is None or not samples.is_public(op):
        return getattr(TENSORS, op.key)
    return samples.public(pullback, op)


def _deferred_gradients(call: Call) -> tuple[list[Any] | None, bool | None]:
    """The results for formulas, and whether their gradients are formulas; None: there are none.

    Results of an operation that stores something on its way are given as [None].
    """
    formulas = _formula_arguments(call)
    if not formulas:
        return None, None
    made = samples.walk((call.args, call.keywords), lambda a: formula_tensor(a)
                        if id(a) in formulas else pullback.from_numpy(a))  # fmt: skip
    args, keywords = samples.convert_dtypes(made, lambda name: getattr(pullback, name))
    leaves = [a for a in _tensors((args, keywords)) if a.requires_grad]
    with pullback.config(defer_elements=0, memory_budget=1):
        try:
            results = samples.outputs(_function(call.op)(*args, **keywords))
        except OutOfMemoryError:
            return [None], None
        tracked = [r for r in results if _is_pending(r) and r.requires_grad]
        if not leaves or not tracked:
            return results, None
        try:
            gradients = pullback.autograd.grad(
                tracked, leaves, [formula_tensor(r) for r in tracked],
                create_graph=True, allow_unused=True,
            )  # fmt: skip
        except OutOfMemoryError:
            return results, False
    return results, all(g is None or _is_pending(g) for g in gradients)


def _formula_arguments(call: Call) -> set[int]:
    """Which arrays of a call are given as formulas; of library calls, not the positions."""
    arrays = [a for a in call.arrays() if a.size > 1 and a.dtype.kind != "c"]
    if not isinstance(call.op, Pointwise):
        arrays = [a for a in arrays if a.dtype.kind == "f"] or arrays
    return {id(a) for a in arrays}


def formula_tensor(like: Any) -> Tensor:
    """A tensor whose numbers, all the same, are not stored, in the shape and dtype of another.

    It is far larger than what it is computed from, as what formulas are for.
    """
    kind = like.dtype.kind
    with pullback.config(defer_elements=0):
        asks = kind == "f" and not isinstance(like, Tensor)
        number = pullback.zeros((), dtype=pullback.float64, requires_grad=asks)
        made = number.exp().expand(*like.shape)
        if kind != "f":
            return made.gt(0) if kind == "b" else made.long()
        return made if asks else made.to(like.dtype)


def _is_pending(result: Any) -> bool:
    value = result._value if isinstance(result, Tensor) else None
    return isinstance(value, Formula) and value.is_pending


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    elif isinstance(value, (tuple, list)):
        for v in value:
            yield from _tensors(v)


GROUPS = {
    "bool": ("bool",), "integer": ("uint8", *samples.SIGNED), "float": samples.FLOATS,
    "complex": samples.COMPLEX,
}  # fmt: skip


def dtypes(op: Op) -> str:
    """The dtypes that a sample can be computed in: groups where all of one can."""
    calls = [c for c in samples.calls(op) if c.arrays() or isinstance(op, Creation)]
    plain = [c for c in calls if not c.dtypes()] or calls
    taken = {
        d for d in samples.DTYPES if any(_takes(samples.in_dtype(call, d)) for call in plain)
    }  # fmt: skip
    if len(taken) == len(samples.DTYPES):
        return "any"
    parts: list[str] = []
    for group, members in GROUPS.items():
        have = [d for d in members if d in taken]
        parts += [group] if len(have) == len(members) else have
    return " ".join(parts)


def _takes(call: Call) -> bool:
    args, keywords = samples.convert((call.args, call.keywords), pullback, np.copy)
    try:
        _function(call.op)(*args, **keywords)
    except REFUSALS:
        return False
    return True


# ------------------------------------------------------------------------------- the pages


def families() -> Iterator[tuple[str, str, list[Op]]]:
    """File, title and operations of each family, in the order of the files' names."""
    found: dict[str, list[Op]] = {}
    for op in REGISTRY.values():
        found.setdefault(op.forward.__module__, []).append(op)
    for module in sorted(found):
        doc = importlib.import_module(module).__doc__ or ""
        title = " ".join(doc.partition("\n\n")[0].split()).rstrip(".")
        public = [op for op in found[module] if samples.is_public(op)]
        inside = [op for op in found[module] if not samples.is_public(op)]
        yield module.rpartition(".")[2], title, public + inside


def devices() -> str:
    """The devices that operations compute on."""
    return ", ".join(name for name in ("cpu", "cuda", "mps") if _has(name))


def _has(name: str) -> bool:
    try:
        check_device(name)
    except RuntimeError:
        return False
    return True


LEGEND = {
    "gradient": "the arguments that have a rule, body where it differentiates through its body, or "
    "- where there is none: the result is discrete, or does not depend on the arguments.",
    "order": "how often it can be differentiated.",
    "fuses": "whether, inside formulas, it is computed in loops and its result need not be stored: "
    "yes, and its gradient as well; forward, but its gradient is stored; partly, with some "
    "arguments; or -, it takes and gives stored arrays.",
    "dtypes": "; ".join(f"{g} is {', '.join(m)}" for g, m in GROUPS.items() if len(m) > 1) + ".",
}


def markdown() -> str:
    """The page."""
    count = sum(map(samples.is_public, REGISTRY.values()))
    lines = [
        "# Operations", "",
        "<!-- Made by `python -m pullback.operations_page`: not to be edited. -->", "",
        f"{count} public operations, and {len(REGISTRY) - count} that they and their rules are "
        f"written with (in italics). All of them compute on these devices: {devices()}.", "",
        *(f"* *{word}*: {meaning}" for word, meaning in LEGEND.items()), "",
    ]  # fmt: skip
    for family, title, operations in families():
        lines += [f"## {title}", "", f"`ops/{family}.py`", "",
                  "| operation | kind | gradient | order | fuses | dtypes | what it does |",
                  "|---|---|---|---|---|---|---|"]  # fmt: skip
        for op in operations:
            e = entry(op)
            mark = "`{}`" if samples.is_public(op) else "*{}*"
            cells = [", ".join(map(mark.format, e.names)), e.kind, e.gradient, e.order, e.fuses,
                     e.dtypes, e.summary.replace("|", "\\|")]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


LONGEST = 33  # of the names that leave room for the facts beside them


def terminal(width: int | None = None) -> str:
    """The page for a terminal: facts in columns, and what each operation does below them."""
    width = min(width or shutil.get_terminal_size((100, 24)).columns, 120)
    columns = ("operation", "kind", "gradient", "order", "fuses", "dtypes")
    blocks = []
    for family, title, operations in families():
        entries = [entry(op) for op in operations]
        rows = [
            (e.names[0] if samples.is_public(op) else f"({e.names[0]})", e.kind, e.gradient,
             e.order, e.fuses, e.dtypes)
            for op, e in zip(operations, entries, strict=True)
        ]  # fmt: skip
        sizes = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
        sizes[0] = min(sizes[0], LONGEST)
        lines = [*_wrapped(f"{title} (ops/{family}.py)", width, ""), "", _row(columns, sizes)]
        for e, row in zip(entries, rows, strict=True):
            also = f" Also {', '.join(e.names[1:])}." if len(e.names) > 1 else ""
            if len(row[0]) > LONGEST:  # its facts are on the next line
                lines.append(f"  {row[0]}")
                row = ("", *row[1:])
            lines += [_row(row, sizes), *_wrapped(_plain(e.summary) + also, width, "      ")]
        blocks.append("\n".join(lines))
    legend = [f"Devices: {devices()}. Operations in (brackets) are not public.", ""]
    for word, meaning in LEGEND.items():
        legend += _wrapped(f"{word}: {meaning}", width, "  ")
    return "\n\n\n".join([*blocks, "\n".join(legend)])


def _plain(formula: str) -> str:
    """LaTeX in a sentence without what only typesetting needs."""
    for written, read in {
        r"\text": "", r"\cdot": "*", r"\,": " ", r"\alpha": "alpha", r"\beta": "beta", "$": "",
        "`": "",
    }.items():  # fmt: skip
        formula = formula.replace(written, read)
    return re.sub(r"(?<![_^}])\{(\w+)\}", r"\1", formula)


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent)


def _row(cells: Sequence[str], sizes: Sequence[int]) -> str:
    padded = (cell.ljust(size) for cell, size in zip(cells, sizes, strict=True))
    return ("  " + "  ".join(padded)).rstrip()


def main(arguments: Sequence[str] = ()) -> int:
    """Write the page, to a file or to its place in the checkout."""
    target = Path(arguments[0]) if arguments else PAGE
    if not target.parent.is_dir():
        print(f"there is no folder {target.parent}: name a file to write to", file=sys.stderr)
        return 2
    target.write_text(markdown(), encoding="utf-8")
    print(f"{target}: {len(REGISTRY)} operations")
    if target == PAGE:  # what else is made from the registry
        stubs.write()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
