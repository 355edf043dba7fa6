"""Kernels as text: what the header of generated code and the dumps of passes show."""

from __future__ import annotations

from collections import Counter

from .loops import Kernel
from .scalar import Scalar, walk

INFIX = {"add": "+", "sub": "-", "mul": "·", "div": "/", "lt": "<", "le": "<=", "gt": ">",
         "ge": ">=", "eq": "==", "ne": "!=", "logical_and": "and", "logical_or": "or"}  # fmt: skip
LEAVES = {"input", "const", "index", "extent", "load"}


def describe(kernel: Kernel) -> list[str]:
    """One line per output; what is used more than once has a name and a line of its own."""
    roots = [s for o in kernel.outputs for s in (*o.indices, o.value)]
    nodes = list(walk(*roots))
    uses = Counter(id(a) for n in nodes for a in n.args)
    for root in roots:
        uses[id(root)] += 1
    text: dict[int, str] = {}
    lines: list[str] = []
    names = 0
    for n in nodes:
        text[id(n)] = _text(n, [text[id(a)] for a in n.args])
        if uses[id(n)] > 1 and n.op not in LEAVES:
            names += 1
            lines.append(f"t{names} = {_bare(text[id(n)])}")
            text[id(n)] = f"t{names}"
    for o in kernel.outputs:
        where = ", ".join(text[id(i)] for i in o.indices)
        lines.append(f"{o.buffer.name}[{where}] = {_bare(text[id(o.value)])}")
    return lines


def _text(n: Scalar, args: list[str]) -> str:
    if n.op in ("input", "const", "index"):
        return str(n.data)
    if n.op == "extent":
        return f"|{n.data}|"
    if n.op == "load":
        return f"{n.data.name}[{', '.join(map(_bare, args))}]"
    if n.op == "reduce" and n.data.kind == "mirrored":
        (name,) = n.data.over
        return f"sum_{name}({_bare(args[0])}; to {name}: {_bare(args[1])})"
    if n.op == "reduce":
        kind = n.data.kind if isinstance(n.data.kind, str) else n.data.kind.name
        return f"{kind}_{''.join(n.data.over)}({', '.join(map(_bare, args))})"
    if n.op == "call":
        return f"{n.data}({', '.join(map(_bare, args))})"
    if n.op == "cast":
        return f"{n.dtype.name}({_bare(args[0])})"
    if n.op == "neg":
        return f"(-{args[0]})"
    if n.op in INFIX:
        return f"({args[0]} {INFIX[n.op]} {args[1]})"
    return f"{n.op}({', '.join(map(_bare, args))})"


def _bare(text: str) -> str:
    """Without parentheses around the whole."""
    if not text.startswith("("):
        return text
    depth = 0
    for k, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0 and k < len(text) - 1:
            return text
    return text[1:-1]
