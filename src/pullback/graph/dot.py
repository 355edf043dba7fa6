"""`make_dot`: a computation as a DOT graph, with torchviz's signature and the colours of the page
this package is held to: white operators, green covariable of the output, red covariables to be
computed, blue stored values.
"""

from collections.abc import Iterable, Mapping

from pullback.graph.model import Box, Graph, Kind
from pullback.graph.render import Picture
from pullback.graph.walk import Tensor, trace

WHITE, GREEN, RED, BLUE = "#ffffff", "#e5ffe5", "#ffe5e5", "#e5e5ff"

MAX_NAME_CHARS = 80
"""Longer names lose their middle: the head and the tail of `encoder.layers.0.weight` both count."""

# Courier and Helvetica are the two families whose widths every build of Graphviz knows, with or
# without a font library: a box drawn on one machine still holds its text on another.
_GRAPH = {"rankdir": "BT", "ranksep": "0.35", "nodesep": "0.3", "fontname": "Helvetica"}
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
) -> Picture:
    """The graph that a backward pass from `var` (a tensor, or a tuple of them) would walk.

    `params` names tensors, as in `{"q": q, "p": p}` or `dict(model.named_parameters())`.
    `show_attrs` lists what each operator keeps beside tensors (`dim`, `exponent`, …), each value
    cut at `max_attr_chars`; `show_saved` adds dtype, size and version to the stored values.

    >>> make_dot(H, {"q": q, "p": p}).render(view=True)
    """
    return draw(
        trace(var, params),
        show_attrs=show_attrs,
        show_saved=show_saved,
        max_attr_chars=max_attr_chars,
    )


def draw(
    graph: Graph, *, show_attrs: bool = False, show_saved: bool = False, max_attr_chars: int = 50
) -> Picture:
    """The model, printed as DOT."""
    picture = Picture(graph_attr=_GRAPH, node_attr=_NODE, edge_attr=_EDGE)
    for box in graph.boxes:
        lines = _lines(box, show_saved)
        table = _table(box, len(lines[0]), max_attr_chars) if show_attrs else []
        look = {"fillcolor": _colour(box)}
        if table:
            look["fontname"] = "Courier"
        picture.node(box.key, _label(lines, table), **look)
    for arrow in graph.arrows:
        picture.edge(arrow.tail, arrow.head)
    return resize_graph(picture)


def resize_graph(picture: Picture, size_per_element: float = 0.5, min_size: float = 12) -> Picture:
    """Bound the picture's size, in inches, by its number of statements: torchviz's rule."""
    side = max(min_size, len(picture.body) * size_per_element)
    picture.graph_attr["size"] = f"{side:g},{side:g}"
    return picture


def _colour(box: Box) -> str:
    if box.is_output:
        return GREEN
    return {Kind.INPUT: RED, Kind.STORED: BLUE}.get(box.kind, WHITE)


def _lines(box: Box, show_saved: bool) -> list[str]:
    lines = []
    if box.operator:
        lines.append(plain(box.operator))
    if box.names:
        lines.append(plain(", ".join(box.names)))
    if box.shape is not None:
        lines.append(f"({', '.join(map(str, box.shape))})")
    if show_saved and box.kind is Kind.STORED and box.nbytes is not None:
        lines.append(f"{box.dtype}, {bytes_text(box.nbytes)}")
        lines.append(f"version {box.version}")
    return lines or [box.kind.value]


def _table(box: Box, width: int, max_chars: int) -> list[str]:
    """The attributes as aligned rows under a rule, or nothing where there are none."""
    if not box.attributes:
        return []
    rows = {
        plain(str(name)): plain(str(value), max(max_chars, 3), "end")
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


def _label(centred: list[str], left: list[str]) -> str:
    r"""A DOT label. What DOT or HTML would read as markup is escaped; `\n` and `\l` are ours."""
    from graphviz import nohtml

    def escaped(line: str) -> str:
        # Never an empty line: Graphviz 14.1 with Pango reads freed memory when labels have some.
        return (line or " ").replace("\\", "\\\\").replace("&", "&amp;").replace('"', '\\"')

    text = "\\n".join(map(escaped, centred))
    if left:
        text += "\\n" + "".join(f"{escaped(line)}\\l" for line in left)
    label: str = nohtml(text)
    return label


def bytes_text(count: int) -> str:
    """A size to read: 12 B, 12.0 kB, 4.0 GB."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            break
        size /= 1000
    return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
