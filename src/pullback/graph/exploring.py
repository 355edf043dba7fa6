"""`explore`: a page of one file that shows a graph, and everything that is known of its nodes.

The page loads nothing: its data are the JSON export, with the lines of text in each box, and its
script draws them, and draws them again when a fold is opened. The layout is Graphviz's, built for
WebAssembly (`page/vendor/`), which `page/layout.js` asks in a Worker. A content security policy
lets these scripts alone run, and refuses the network.
"""

import base64
import gzip
import hashlib
import inspect
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from html import escape
from importlib.resources import files
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from pullback.graph.dot import css_class, lines_of, plain
from pullback.graph.fold import MAX_BOXES, nested
from pullback.graph.gradients import pending_gradients
from pullback.graph.model import Box, Graph, Kind
from pullback.graph.names import caller
from pullback.graph.recording import Recording
from pullback.graph.speed import speed
from pullback.graph.viewer import show
from pullback.graph.walk import Tensor, Walk, as_tensors
from pullback.locks import LOCK
from pullback.op import REGISTRY

MAX_CODE = 200_000
"""Characters of a kernel's LLVM code that the page has."""
MAX_PLAIN = 500_000
"""Characters of data that the page has as they are; more are packed."""
SCRIPTS = ("drawing.js", "panel.js", "page.js")
WORKER = ("vendor/viz-global.js", "layout.js")


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
    the kernels that compute it, with their predicted time and, after a run, the measured one. A
    graph of more than `max_boxes` boxes is folded; a click on a fold opens it in its place. Where
    `var` is not computed yet, the kernels are those of the value and its gradients; nothing of it
    is computed for the page.
    """
    if isinstance(var, Recording):
        graphs = list(var.graphs)
    else:
        graphs = [("", explored(var, params))]
    text = page(graphs, title=title, max_boxes=max_boxes)
    target = Path(path)
    target.write_text(text, encoding="utf-8")
    if view:
        show(target)
    return fspath(target)


def explored(var: Tensor | Iterable[Tensor], params: Mapping[str, Tensor] | None = None) -> Graph:
    """The graph of `var` with the kernels that would compute it and its gradients."""
    tensors = as_tensors(var)
    gradients, note = pending_gradients(tensors)
    measured = speed()
    with LOCK:  # no other thread computes what is looked at
        graph = Walk(tensors, params or {}, caller(), gradients).graph(measured)
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
    told, used = [], set()
    for name, graph in graphs:
        found = nested(graph, max_boxes)
        told.append(_told(found, name or _outputs(graph)))
        used |= {box.operation for box in found.boxes}
    data = {"graphs": told, "operations": {name: beside(name) for name in sorted(used) if name}}
    text = json.dumps(data, ensure_ascii=True, allow_nan=False)
    packed = len(text) > MAX_PLAIN
    script = _files(*SCRIPTS)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    name = title or (told[0]["title"] if len(told) == 1 else "Graphs")
    parts = {
        "SCRIPT_HASH": f"sha256-{digest}",
        "TITLE": escape(plain(name, 200)),
        "STYLE": _files("page.css"),
        "SCRIPT": script,
        "LAYOUT": _worker(),
        "DATA_TYPE": "gzip;base64" if packed else "json",
        "DATA": _packed(text) if packed else _inert(text),
    }
    # One pass: what is put in is not searched for the other marks.
    return re.sub("@([A-Z_]+)@", lambda m: parts.get(m[1], m[0]), _files("page.html"))


def _files(*names: str) -> str:
    folder = files("pullback.graph").joinpath("page")
    return "\n".join(folder.joinpath(name).read_text("utf-8") for name in names)


@cache
def _worker() -> str:
    """What computes the layout, packed: 1.3 MB are 0.6."""
    return _packed(_files(*WORKER))


def _inert(text: str) -> str:
    """JSON that no HTML parser takes for the end of the script."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _packed(text: str) -> str:
    """JSON compressed, the same in every run; in letters."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _outputs(graph: Graph) -> str:
    """The names of the outputs."""
    names = [name for box in graph.boxes if box.is_output for name in box.names]
    return ", ".join(names[:4]) or "The graph"


def _told(graph: Graph, title: str) -> dict[str, Any]:
    """The export, with what the page writes into the boxes."""
    found = graph.to_dict()
    for box, told in zip(graph.boxes, found["boxes"], strict=True):
        told["lines"] = lines_of(box)
        told["look"] = css_class(box)
        whole = box.title if box.kind is not Kind.FOLD else _fold_title(box)
        if whole != told["lines"][0]:
            told["title"] = whole
    for kernel in found["kernels"]:
        code = kernel.get("code", "")
        if len(code) > MAX_CODE:
            kernel["code"] = f"{code[:MAX_CODE]}\n… {len(code) - MAX_CODE:,} more characters"
    found["title"] = title
    found["operators"] = graph.operators
    found["stored"] = graph.bytes_of(recomputed=False)
    found["saved"] = graph.bytes_of(recomputed=True)
    return found


def _fold_title(box: Box) -> str:
    names = f"{', '.join(box.names)}: " if box.names else ""
    times = f"{box.repeats:,} × " if box.repeats > 1 else ""
    return f"{names}{times}({', '.join(box.pattern)})"


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
