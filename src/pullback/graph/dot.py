"""`make_dot`: a computation as a DOT graph, with torchviz's signature and the colours of the page
this package is held to: white operators, green covariable of the output, red covariables to be
computed, blue stored values, dashed where they are recomputed instead.
"""

from collections.abc import Iterable, Mapping
from html import escape

from pullback.graph import recording
from pullback.graph.fold import MAX_BOXES, spans
from pullback.graph.model import Box, Graph, Kind, attribute_text, bytes_text
from pullback.graph.names import caller
from pullback.graph.render import Picture
from pullback.graph.walk import Tensor, as_tensors, trace

WHITE, GREEN, RED, BLUE = "#ffffff", "#e5ffe5", "#ffe5e5", "#e5e5ff"
PALE, GREY = "#f4f4ff", "#eeeeee"

MAX_NAME_CHARS = 80
"""Longer names lose their middle: the head and the tail of `encoder.layers.0.weight` both count."""

# Courier and Helvetica are the two families whose widths every build of Graphviz knows, with or
# without a font library: a box drawn on one machine still holds its text on another.
_GRAPH = {"rankdir": "BT", "ranksep": "0.35", "nodesep": "0.3", "fontname": "Helvetica"}
# For graphs with so many rows of arrows that the best layout would take minutes.
QUICK_SPAN = 3000
_QUICK = {"splines": "line", "nslimit": "0.1", "nslimit1": "1", "mclimit": "0.01"}
_NODE = {
    "shape": "box",
    "style": "filled",
    "fillcolor": WHITE,
    "fontname": "Helvetica",
    "fontsize": "11",
    "height": "0.3",
    "margin": "0.12,0.07",
    "penwidth": "0.8",
}
_EDGE = {"arrowsize": "0.6", "penwidth": "0.8"}


def make_dot(
    var: Tensor | Iterable[Tensor],
    params: Mapping[str, Tensor] | None = None,
    show_attrs: bool = False,
    show_saved: bool = False,
    max_attr_chars: int = 50,
    *,
    max_boxes: int = MAX_BOXES,
) -> Picture:
    """The graph that a backward pass from `var` (a tensor, or a tuple of them) would walk.

    `params` names tensors, as in `{"q": q, "p": p}` or `dict(model.named_parameters())`; the others
    have the names of the variables that hold them where `make_dot` is called. `show_attrs` lists
    what each operator keeps beside tensors (`dim`, `exponent`, …), each value cut at
    `max_attr_chars`, and names operators as PyTorch does (`ExpBackward0`); `show_saved` adds dtype,
    size and version to the stored values. A graph of more than `max_boxes` boxes is folded.

    >>> make_dot(H, {"q": q, "p": p}).render(view=True)
    """
    if recording.active is not None:
        recording.active.asked(as_tensors(var), params)
    return draw(
        trace(var, params, caller(), max_boxes),
        show_attrs=show_attrs,
        show_saved=show_saved,
        max_attr_chars=max_attr_chars,
    )


def draw(
    graph: Graph,
    *,
    show_attrs: bool = False,
    show_saved: bool = False,
    max_attr_chars: int = 50,
) -> Picture:
    """The model, printed as DOT."""
    picture = Picture(graph_attr=_GRAPH, node_attr=_NODE, edge_attr=_EDGE)
    for box in graph.boxes:
        lines = lines_of(box, show_saved, show_attrs)
        table = _table(box, len(lines[0]), max_attr_chars) if show_attrs else []
        look = _look(box, bool(table))
        picture.node(box.key, _label(lines, table), **look)
    for arrow in graph.arrows:
        picture.edge(arrow.tail, arrow.head)
    if spans(graph) > QUICK_SPAN:
        picture.graph_attr.update(_QUICK)
    picture.graph_attr["label"] = _legend(graph)
    return resize_graph(picture)


def _look(box: Box, table: bool) -> dict[str, str]:
    look = {"fillcolor": _colour(box), "class": css_class(box)}
    if table:
        look["fontname"] = "Courier"
    if box.recomputed or box.kind is Kind.FOLD:
        look["style"] = "filled,dashed" if box.recomputed else "filled,rounded"
    told = box.formula if box.kind is not Kind.STORED else ""
    if told:
        look["tooltip"] = _escaped(plain(told))
    return look


def css_class(box: Box) -> str:
    """What a style sheet may call the box."""
    if box.is_output:
        return f"{box.kind.value} root"
    return "recomputed" if box.recomputed else box.kind.value


def _legend(graph: Graph) -> str:
    """The colours that are there, and what the values take: an HTML-like label."""
    boxes = graph.boxes
    stored = bytes_text(graph.bytes_of(recomputed=False))
    saved = bytes_text(graph.bytes_of(recomputed=True))
    rows = {
        (GREEN, "solid"): any(b.is_output for b in boxes) and "where the backward pass starts",
        (WHITE, "solid"): any(b.kind is Kind.OPERATOR for b in boxes) and "backward operator",
        (RED, "solid"): any(b.kind is Kind.INPUT for b in boxes) and "gradient to be computed",
        (BLUE, "solid"): any(b.kind is Kind.STORED and not b.recomputed for b in boxes)
        and f"stored value ({stored} in all)",
        (PALE, "dashed"): any(b.recomputed for b in boxes)
        and f"recomputed, never stored ({saved} saved)",
        (GREY, "rounded"): any(b.kind is Kind.FOLD for b in boxes) and "several operators",
    }
    cells = "".join(
        f'<tr><td bgcolor="{colour}" border="1" style="{style}" width="14" height="12"></td>'
        f'<td align="left">{escape(text)}</td></tr>'
        for (colour, style), text in rows.items()
        if text
    )
    table = f'<table border="0" cellspacing="3" cellpadding="2">{cells}</table>'
    return f'<<font point-size="9">{table}</font>>'


def resize_graph(picture: Picture, size_per_element: float = 0.5, min_size: float = 12) -> Picture:
    """Bound the picture's size, in inches, by its number of statements: torchviz's rule."""
    side = max(min_size, len(picture.body) * size_per_element)
    picture.graph_attr["size"] = f"{side:g},{side:g}"
    return picture


def _colour(box: Box) -> str:
    if box.is_output:
        return GREEN
    if box.recomputed:
        return PALE
    return {Kind.INPUT: RED, Kind.STORED: BLUE, Kind.FOLD: GREY}.get(box.kind, WHITE)


def lines_of(box: Box, show_saved: bool = False, full: bool = False) -> list[str]:
    """The lines of text in a box."""
    if box.kind is Kind.FOLD:
        return fold_lines(box)
    lines = []
    if box.operator:
        lines.append(plain(box.operator if full else box.title))
        if box.names:
            lines.append(plain(", ".join(box.names)))
        return lines
    if box.title:
        lines.append(plain(box.title))
    if box.shape is not None:
        lines.append(shape_text(box.shape))
    if box.recomputed and box.nbytes is not None:
        lines.append(f"recomputed, saves {bytes_text(box.nbytes)}")
    if show_saved and box.kind is Kind.STORED and box.nbytes is not None:
        lines.append(f"{box.dtype}, {bytes_text(box.nbytes)}")
        lines.append(f"version {box.version}")
    return lines or [box.kind.value]


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as the figures of papers have it."""
    return f"({', '.join(map(str, shape))})"


def fold_lines(box: Box) -> list[str]:
    """What a fold stands for."""
    lines = [plain(", ".join(box.names))] if box.names else []
    pattern = ", ".join(box.pattern)
    times = f"{box.repeats:,} × " if box.repeats > 1 else ""
    several = len(box.pattern) > 1 and box.repeats > 1
    lines.append(plain(f"{times}({pattern})" if several else f"{times}{pattern}"))
    hidden = [f"{box.count:,} operators"]
    if box.values:
        hidden.append(f"{box.values:,} values, {bytes_text(box.nbytes or 0)}")
    if box.saved:
        hidden.append(f"{bytes_text(box.saved)} recomputed")
    if box.inputs:
        hidden.append(f"{box.inputs:,} gradients")
    return [*lines, "; ".join(hidden)]


def _table(box: Box, width: int, max_chars: int) -> list[str]:
    """The attributes as aligned rows under a rule, or nothing where there are none."""
    if not box.attributes:
        return []
    rows = {
        plain(str(name)): plain(attribute_text(value), max(max_chars, 3), "end")
        for name, value in sorted(box.attributes.items())
    }
    left, right = max(map(len, rows)), max(map(len, rows.values()))
    rule = "-" * max(left + 2 + right, width)
    return [rule, *(f"{name:<{left}}: {value:>{right}}" for name, value in rows.items())]


def plain(text: str, limit: int = MAX_NAME_CHARS, cut: str = "middle") -> str:
    r"""Text that shows as it is: one line, control characters spelled (`\n`), cut to `limit`."""
    text = text[: 4 * limit] + text[-limit:] if len(text) > 5 * limit else text
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    if len(text) <= limit:
        return text
    if cut == "end":
        return text[: limit - 3] + "..."
    head = (limit - 1) // 2
    return text[:head] + "…" + text[len(text) - (limit - 1 - head) :]


def _escaped(line: str) -> str:
    # Never an empty line: Graphviz 14.1 with Pango reads freed memory when labels have some.
    return (line or " ").replace("\\", "\\\\").replace("&", "&amp;").replace('"', '\\"')


def _label(centred: list[str], left: list[str]) -> str:
    r"""A DOT label. What DOT or HTML would read as markup is escaped; `\n` and `\l` are ours."""
    from graphviz import nohtml

    text = "\\n".join(map(_escaped, centred))
    if left:
        text += "\\n" + "".join(f"{_escaped(line)}\\l" for line in left)
    label: str = nohtml(text)
    return label
