"""The page that explains pictures has today's picture, and what notebooks show of them."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pullback as torch
from pullback.graph import make_dot, record, trace

DOCS = Path(__file__).parents[1] / "docs"


def texts(svg: str) -> Counter[str]:
    """What is written in a drawing."""
    return Counter(re.findall(r"<text[^>]*>(.*?)</text>", svg))


def test_the_image_of_the_page_is_what_its_script_draws(tmp_path: Path) -> None:
    """To renew it: run the script of docs/pictures.md, and copy kernel_norm.svg."""
    script = re.search(r"```python\n(.*?)```", (DOCS / "pictures.md").read_text("utf-8"), re.S)
    assert script
    (tmp_path / "script.py").write_text(script[1], "utf-8")
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "kernel_norm.html" in done.stdout
    drawn = texts((tmp_path / "kernel_norm.svg").read_text("utf-8"))
    assert drawn == texts((DOCS / "images" / "kernel_norm.svg").read_text("utf-8"))
    assert drawn["recomputed, saves 12.0 MB"] == 1 and drawn["K_ij @ p"] == 1


def test_notebooks_draw_graphs_and_recordings() -> None:
    x = torch.rand(3, requires_grad=True)
    with record() as recording:
        assert "0 graphs" in repr(recording) and recording._repr_html_().startswith("<p>")
        y = (x * 2).exp().sum()
        y.backward(retain_graph=True)
    graph = trace(y, {"<x>": x})
    assert repr(graph) == f"Graph({len(graph.boxes)} boxes, {len(graph.arrows)} arrows, 0 kernels)"
    for svg in (graph._repr_svg_(), make_dot(y, {"<x>": x})._repr_svg_()):
        assert "∂Exp" in texts(svg) and "&lt;x&gt;" in texts(svg)
    html = recording._repr_html_()
    assert "1 graph;" in repr(recording)
    assert html.startswith("<h4>test_picture_docs.py, line") and html.count("<svg") == 1
    assert "∂Exp" in texts(html)


def test_a_large_graph_is_folded_in_a_notebook_and_short_in_a_terminal() -> None:
    y = x = torch.rand(3, requires_grad=True)
    for _ in range(1000):
        y = (y * 1.5).sin()
    graph = trace(y.sum(), {"x": x})
    assert len(repr(graph)) < 100
    assert graph._repr_svg_().count('class="node') < 10
