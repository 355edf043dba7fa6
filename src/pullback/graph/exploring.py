"""`explore`: a page of one file that shows a graph, and everything that is known of its nodes.

The page loads nothing: the drawing is Graphviz's SVG, laid out here, so that it needs no layout
library in the browser; the script is some 300 lines of its own. A content security policy lets that
script alone run, and refuses the network.
"""

import base64
import hashlib
import inspect
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from html import escape
from importlib.resources import files
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from pullback.graph.dot import draw, plain
from pullback.graph.fold import fold
from pullback.graph.gradients import pending_gradients
from pullback.graph.model import Graph, Kind
from pullback.graph.names import caller
from pullback.graph.recording import Recording
from pullback.graph.speed import speed
from pullback.graph.viewer import show
from pullback.graph.walk import Tensor, Walk, as_tensors
from pullback.op import REGISTRY

MAX_BOXES = 2000
"""A page with more boxes than this is folded."""
MAX_CODE = 200_000
"""Characters of a kernel's LLVM code that the page has."""

_KINDS = {
    Kind.OPERATOR: "backward operator",
    Kind.OUTPUT: "covariable of the output",
    Kind.INPUT: "gradient to be computed",
    Kind.STORED: "value of the forward pass",
    Kind.FOLD: "several operators",
}


def explore(
    var: Tensor | Iterable[Tensor] | Recording,
    params: Mapping[str, Tensor] | None = None,
    path: str | PathLike[str] = "graph.html",
    *,
    title: str = "",
    max_boxes: int = MAX_BOXES,
    view: bool = True,
) -> str:
    """Write a page that shows the graph of `var`, and open it if there is a display; its path.

    `var` is a tensor, several, or what `record()` gave. A click on a node, or Enter, shows its
    shape, dtype, memory, source line and formula, the operation's forward and backward code, and
    the kernels that compute it, with their predicted time and, after a run, the measured one. Where
    `var` is not computed yet, the kernels are those of the value and its gradients; nothing of it
    is computed for the page.
    """
    if isinstance(var, Recording):
        graphs = list(var.graphs)
    else:
        graphs = [("", explored(var, params, max_boxes))]
    text = page(graphs, title=title, max_boxes=max_boxes)
    target = Path(path)
    target.write_text(text, encoding="utf-8")
    if view:
        show(target)
    return fspath(target)


def explored(
    var: Tensor | Iterable[Tensor],
    params: Mapping[str, Tensor] | None = None,
    max_boxes: int = MAX_BOXES,
) -> Graph:
    """The graph of `var` with the kernels that would compute it and its gradients."""
    tensors = as_tensors(var)
    gradients, note = pending_gradients(tensors)
    graph = Walk(tensors, params or {}, caller(), gradients).graph(speed(), max_boxes)
    if not note and not graph.kernels and any(box.recomputed for box in graph.boxes):
        note = (
            "It is computed already. The kernels that did it are known inside of record(), or "
            "before its numbers are asked for."
        )
    return replace(graph, notes=(*graph.notes, note)) if note else graph


# ---- the page ------------------------------------------------------------------------------------


def page(
    graphs: Iterable[tuple[str, Graph]], *, title: str = "", max_boxes: int = MAX_BOXES
) -> str:
    """The HTML text of a page that shows some graphs, each under its title."""
    told, drawings, used = [], [], set()
    for number, (name, graph) in enumerate(graphs):
        folded = fold(graph, max_boxes)
        drawings.append(_drawing(folded, number))
        told.append(_told(folded, name or _outputs(graph)))
        used |= {box.operation for box in folded.boxes}
    data = {"graphs": told, "operations": {name: beside(name) for name in sorted(used) if name}}
    script, style, frame = (
        files("pullback.graph").joinpath("page", f"page.{kind}").read_text("utf-8")
        for kind in ("js", "css", "html")
    )
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    name = title or (told[0]["title"] if len(told) == 1 else "Graphs")
    parts = {
        "SCRIPT_HASH": f"sha256-{digest}",
        "TITLE": escape(plain(name, 200)),
        "STYLE": style,
        "SCRIPT": script,
        "DATA": _inert(json.dumps(data, ensure_ascii=True, allow_nan=False)),
        "GRAPHS": "\n".join(drawings),
    }
    # One pass: what is put in is not searched for the other marks.
    return re.sub("@([A-Z_]+)@", lambda m: parts.get(m[1], m[0]), frame)


def _inert(text: str) -> str:
    """JSON that no HTML parser takes for the end of the script."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _drawing(graph: Graph, number: int) -> str:
    """The SVG in a place that is not shown: the script takes it from there."""
    svg: str = draw(graph, prefix=f"g{number}-").pipe(format="svg", encoding="utf-8")
    svg = svg[svg.index("<svg") :]
    return f'<div id="graph-{number}" hidden>{svg}</div>'


def _outputs(graph: Graph) -> str:
    """The names of the outputs."""
    names = [name for box in graph.boxes if box.is_output for name in box.names]
    return ", ".join(names[:4]) or "The graph"


def _told(folded: Graph, title: str) -> dict[str, Any]:
    found = folded.to_dict()
    for box, told in zip(folded.boxes, found["boxes"], strict=True):
        told["title"] = box.title if box.kind is not Kind.FOLD else _fold_title(box.pattern, box)
        told["kindText"] = _KINDS[box.kind]
    for kernel in found["kernels"]:
        code = kernel.get("code", "")
        if len(code) > MAX_CODE:
            kernel["code"] = f"{code[:MAX_CODE]}\n… {len(code) - MAX_CODE:,} more characters"
    found["title"] = title
    found["operators"] = folded.operators
    found["stored"] = folded.bytes_of(recomputed=False)
    found["saved"] = folded.bytes_of(recomputed=True)
    return found


def _fold_title(pattern: tuple[str, ...], box: Any) -> str:
    names = f"{', '.join(box.names)}: " if box.names else ""
    return f"{names}{box.repeats:,} × ({', '.join(pattern)})"


def beside(operation: str) -> dict[str, str]:
    """The source of an operation: its forward, and beside it the rules of its derivative."""
    op = REGISTRY.get(operation)
    if op is None:
        return {"forward": "", "backward": ""}
    rules = []
    for name in op.differentiable:
        rule = op.rules[name]
        source = _source(rule.function)
        if source not in rules:
            rules.append(source)
    return {
        "forward": _source(op.forward),
        "backward": "\n\n".join(rules) or "There is no rule: it has no derivative.",
    }


def _source(function: Any) -> str:
    try:
        return inspect.cleandoc(inspect.getsource(function)).rstrip()
    except (OSError, TypeError):
        return f"# the source of {getattr(function, '__name__', 'it')} is not here"
