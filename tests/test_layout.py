"""The layout of the page: whose it is, and what it looks like in a real browser."""

import hashlib
import importlib.util
import io
import re
import tarfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import pullback as torch
from browsing import loaded, picture, requests, run, settled
from pullback.graph import explore
from test_folds import GRAPHS, network
from test_page import scenario

ROOT = Path(__file__).parents[1]
VENDOR = files("pullback.graph").joinpath("page", "vendor")


@pytest.fixture(scope="module")
def tool() -> Any:
    spec = importlib.util.spec_from_file_location("vendor_layout", ROOT / "tools/vendor_layout.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---- the library ---------------------------------------------------------------------------------


def test_the_library_is_the_one_that_the_tool_downloads(tool: Any) -> None:
    data = VENDOR.joinpath("viz-global.js").read_bytes()
    assert hashlib.sha256(data).hexdigest() == tool.SHA256
    assert VENDOR.joinpath("VERSION").read_text("utf-8") == tool.note()
    assert f"Viz.js {tool.VERSION}" in data[:100].decode()


def test_the_licences_of_all_parts_are_there(tool: Any) -> None:
    head = VENDOR.joinpath("viz-global.js").read_text("utf-8").partition("*/")[0]
    named = re.findall(r"^(?:(\S+) https|(Viz\.js) )", head, re.M)
    assert {a or b for a, b in named} == set(tool.PARTS)
    licence = VENDOR.joinpath("LICENSE").read_text("utf-8")
    for part in tool.PARTS:
        assert f"==== {part}: " in licence
    assert "Eclipse Public License - v 2.0" in licence
    assert "page/vendor/LICENSE" in (ROOT / "pyproject.toml").read_text("utf-8")


def test_the_tool_refuses_what_is_not_the_library(tool: Any, monkeypatch: Any) -> None:
    def archive(text: bytes) -> bytes:
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w:gz") as opened:
            info = tarfile.TarInfo(tool.MEMBER)
            info.size = len(text)
            opened.addfile(info, io.BytesIO(text))
        return file.getvalue()

    other = archive(b"/* Viz.js */")
    with pytest.raises(SystemExit, match="is not what was chosen"):
        tool.member(other)
    monkeypatch.setattr(tool, "INTEGRITY", tool.integrity(other))
    with pytest.raises(SystemExit, match="has the SHA-256"):
        tool.member(other)
    monkeypatch.setattr(tool, "SHA256", hashlib.sha256(b"/* Viz.js */").hexdigest())
    with pytest.raises(SystemExit, match="has other parts now"):
        tool.member(other)


# ---- in a browser --------------------------------------------------------------------------------


def training_step() -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The loss of a small convolutional network."""
    nn = torch.nn
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(8 * 4 * 4, 10),
    )  # fmt: skip
    labels = torch.randint(0, 10, (4,))
    loss = nn.functional.cross_entropy(net(torch.rand(4, 1, 16, 16)), labels)
    return loss, dict(net.named_parameters())


def attention() -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The loss of a Transformer of two layers."""
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, batch_first=True)
    net = torch.nn.TransformerEncoder(layer, 2)
    return net(torch.rand(2, 5, 16)).square().mean(), dict(net.named_parameters())


def reference() -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    known = scenario()
    return known["H"], known


# Points of every line, a pixel apart, that are inside of a box that the line does not touch.
ACROSS = """
    const {edges, places, svg} = graphs[0], found = new Set(), near = new Map();
    for (const [key, lines] of edges) for (const line of lines) {
      near.set(line, [...near.get(line) ?? [], key]);
    }
    const boxes = [...places].filter(([, place]) => !place.open);
    for (const line of svg.querySelectorAll(".edge")) {
      const path = line.querySelector("path"), length = path.getTotalLength();
      const {x, y, width, height} = path.getBBox();
      const others = boxes.filter(([key, p]) => !near.get(line).includes(key) && p.x < x + width
        && x < p.x + p.width && p.y < y + height && y < p.y + p.height);
      for (let at = 0; others.length && at < length; at += 2) {
        const point = path.getPointAtLength(at);
        for (const [key, p] of others) {
          const dx = Math.min(point.x - p.x, p.x + p.width - point.x);
          const dy = Math.min(point.y - p.y, p.y + p.height - point.y);
          if (dx > 1 && dy > 1) found.add(`${near.get(line)} ${key}`);
        }
      }
    }
    return [...found];
"""
# How far the ends of the lines are from the boxes that they lead from and to.
LOOSE = """
    const {edges, places, svg} = graphs[0], ends = new Map();
    for (const [key, lines] of edges) if (!places.get(key).open) for (const line of lines) {
      ends.set(line, [...ends.get(line) ?? [], places.get(key)]);
    }
    const away = ({x, y}, p) => Math.hypot(Math.max(p.x - x, 0, x - p.x - p.width),
      Math.max(p.y - y, 0, y - p.y - p.height));
    let tips = 0, starts = 0;
    for (const [line, boxes] of ends) {
      const tip = line.querySelector(".head");
      if (!tip || boxes.length !== 2) continue;
      const [x, y] = tip.getAttribute("d").match(/-?[\\d.]+/g).map(Number);
      const start = line.querySelector("path").getPointAtLength(0);
      tips = Math.max(tips, Math.min(...boxes.map((p) => away({x, y}, p))));
      starts = Math.max(starts, Math.min(...boxes.map((p) => away(start, p))));
    }
    return [tips, starts, ends.size];
"""


@pytest.mark.parametrize("make", [reference, training_step, attention])
def test_lines_end_at_their_boxes_and_cross_no_other(
    make: Any, chromium: Any, tmp_path: Path
) -> None:
    loaded(chromium, explore(*make(), tmp_path / "g.html", view=False))
    picture(chromium, f"page-{make.__name__}")
    assert chromium.execute_script(ACROSS) == []
    tips, starts, lines = chromium.execute_script(LOOSE)
    assert lines > 20 and tips < 2 and starts < 2


def test_lines_cross_no_box_where_folds_are_open(chromium: Any, tmp_path: Path) -> None:
    loaded(chromium, explore(*network(30), tmp_path / "g.html", view=False))
    run(chromium, "await openAll()")
    assert chromium.execute_script("return graphs[0].open.size") > 10
    assert chromium.execute_script(ACROSS) == []
    tips, _, lines = chromium.execute_script(LOOSE)  # others start at the frame of a fold
    assert lines > 500 and tips < 2


def test_the_page_is_alive_while_it_is_laid_out(chromium: Any, tmp_path: Path) -> None:
    from pullback.graph.exploring import page

    (tmp_path / "g.html").write_text(page([("", GRAPHS["tangle"]())], max_boxes=60), "utf-8")
    loaded(chromium, tmp_path / "g.html")
    worked, longest, views = run(
        chromium,
        """
        const start = performance.now(), before = view.x;
        let last = start, longest = 0, done = false, views = new Set();
        const opened = refold((open) => {
          for (const key of [...graphs[0].inside.keys()].slice(1, 40)) open.add(key);
        }).then(() => { done = true; });
        let worked = 0;
        while (!done) {
          await new Promise((next) => setTimeout(next, 5));
          if (done) break;
          const now = performance.now();
          longest = Math.max(longest, now - last);
          last = now;
          worked = now - start;
          pan(1, 0);
          views.add(view.x);
        }
        await opened;
        return [worked, longest, views.size];
        """,
    )
    print(f"laid out in {worked:.0f} ms, in which the page never stood still for {longest:.0f} ms")
    assert views > 5 and longest < worked / 2


def test_what_cannot_be_laid_out_is_told_and_the_drawing_stays(
    chromium: Any, tmp_path: Path
) -> None:
    loaded(chromium, explore(*network(40), tmp_path / "g.html", view=False))
    before = chromium.execute_script("return canvas.innerHTML.length")
    key = chromium.execute_script("""
        worker.postMessage = () => worker.onmessage({data: {error: "out of memory"}});
        return [...graphs[0].nodes].find(([, n]) => n.ariaExpanded === "false")[0];
    """)
    run(chromium, "await toggle(given[0])", key)
    panel = chromium.find_element("id", "panel").text
    assert "This cannot be drawn" in panel and "out of memory" in panel
    assert chromium.execute_script("return graphs[0].open.size") == 0
    after = chromium.execute_script("return canvas.innerHTML.length")
    assert abs(after - before) < 50, "the drawing is another"
    # With a new Worker, it can be opened.
    run(chromium, "await toggle(given[0])", key)
    assert chromium.execute_script("return graphs[0].open.size") == 1
    settled(chromium)
    assert chromium.get_log("browser") == [] == requests(chromium)
