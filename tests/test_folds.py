"""Folds: what is in them, and that a person can open and close them in the page."""

import itertools
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import pullback as torch
from browsing import loaded, picture, requests, run, settled
from pullback.graph import Graph, Kind, explore, trace
from pullback.graph.fold import FEW, MAX_INSIDE, closed, fold, nested


def chain(length: int) -> Graph:
    """The same two operators over and over."""
    x = torch.rand(10, requires_grad=True)
    y = x
    for _ in range(length):
        y = (y * 1.01).sin()
    return trace(y.sum(), {"x": x})


def network(layers: int) -> tuple[Any, dict[str, Any]]:
    """A loss, and the parameters of the modules that it came from."""
    torch.manual_seed(0)
    blocks = [
        torch.nn.Sequential(
            torch.nn.LayerNorm(8), torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 8)
        )
        for _ in range(layers)
    ]
    model = torch.nn.Sequential(*blocks, torch.nn.Linear(8, 3))
    x = torch.rand(5, 8)
    loss = torch.nn.functional.cross_entropy(model(x), torch.randint(0, 3, (5,)))
    return loss, dict(model.named_parameters())


def tangle(size: int) -> Graph:
    """Operators without any order."""
    pick = random.Random(0)
    x = torch.rand(3, requires_grad=True)
    values = [x]
    for _ in range(size):
        a, b = pick.choice(values[-5:]), pick.choice(values)
        values.append(pick.choice([torch.add, torch.mul, torch.sub, torch.div])(a, b))
    return trace(values[-1].sum(), {"x": x})


GRAPHS = {
    "chain": lambda: chain(2000),
    "network": lambda: trace(*network(40)),
    "tangle": lambda: tangle(1500),
}


@pytest.fixture(params=GRAPHS)
def graph(request: pytest.FixtureRequest) -> Graph:
    return GRAPHS[request.param]()


# ---- the tree ------------------------------------------------------------------------------------


def test_every_box_is_there_once_and_in_a_fold_that_is_there(graph: Graph) -> None:
    found = nested(graph, 50)
    boxes = {box.key: box for box in found.boxes}
    assert len(boxes) == len(found.boxes)
    assert {b.key for b in graph.boxes} == {k for k, b in boxes.items() if b.kind is not Kind.FOLD}
    assert all(boxes[box.fold].kind is Kind.FOLD for box in found.boxes if box.fold)
    assert found.arrows == graph.arrows
    assert closed(found) == fold(graph, 50)
    assert found.operators == graph.operators
    for recomputed in (False, True):
        assert found.bytes_of(recomputed=recomputed) == graph.bytes_of(recomputed=recomputed)


def test_an_open_fold_has_few_parts(graph: Graph) -> None:
    found = nested(graph, 50)
    parts = Counter(box.fold for box in found.boxes if box.kind in (Kind.OPERATOR, Kind.FOLD))
    del parts[""]
    assert parts and max(parts.values()) <= MAX_INSIDE


def test_a_fold_counts_what_is_inside(graph: Graph) -> None:
    found = nested(graph, 50)
    boxes = {box.key: box for box in found.boxes}
    counts: dict[str, Counter[str]] = {k: Counter() for k, b in boxes.items() if b.kind == "fold"}
    for box in found.boxes:
        around = box.fold
        while around and box.kind is not Kind.FOLD:
            counts[around][box.kind] += 1
            around = boxes[around].fold
    for key, count in counts.items():
        told = boxes[key]
        assert (told.count, told.values, told.inputs) == (
            count["operator"], count["stored"], count["input"],
        )  # fmt: skip
        assert not told.inputs or told.inputs > FEW


def test_there_are_no_circles_whichever_folds_are_open(graph: Graph) -> None:
    found = nested(graph, 50)
    boxes = {box.key: box for box in found.boxes}
    folds = [key for key, box in boxes.items() if box.kind is Kind.FOLD]
    pick = random.Random(1)
    for share in (0.1, 0.5, 0.9):
        opened = {key for key in folds if pick.random() < share}

        def path(key: str, opened: set[str] = opened) -> list[str]:
            """The folds around what is seen of a box, and that itself."""
            around = [key]
            while boxes[around[-1]].fold:
                around.append(boxes[around[-1]].fold)
            around.reverse()
            shut = next((i for i, k in enumerate(around) if k in folds and k not in opened), None)
            return around if shut is None else around[: shut + 1]

        seen = {box.key: path(box.key) for box in graph.boxes}
        # In every open fold, between its parts: an arrow is between the first that differ.
        below: dict[str, set[str]] = {}
        for arrow in graph.arrows:
            pairs = zip(seen[arrow.tail], seen[arrow.head], strict=False)
            apart = next(((a, b) for a, b in pairs if a != b), None)
            if apart:
                below.setdefault(apart[0], set()).add(apart[1])
        waiting = Counter(itertools.chain.from_iterable(below.values()))
        ready = [key for key in below if not waiting[key]]
        while ready:
            for head in below.get(ready.pop(), ()):
                waiting[head] -= 1
                if not waiting[head]:
                    ready.append(head)
        assert not any(waiting.values())


def test_folds_have_the_names_of_their_modules() -> None:
    found = nested(trace(*network(40)), 50)
    names = [name for box in found.boxes if box.kind is Kind.FOLD for name in box.names]
    assert "0 … 39" in names
    assert {"7", "23"} <= set(names)


# ---- in a browser --------------------------------------------------------------------------------

OVERLAPS = """
    const nodes = [...graphs[0].places].filter(([, place]) => !place.open);
    const found = [];
    for (const [a, p] of nodes) for (const [b, q] of nodes) {
      if (a < b && p.x < q.x + q.width - 0.5 && q.x < p.x + p.width - 0.5
          && p.y < q.y + q.height - 0.5 && q.y < p.y + p.height - 0.5) found.push(`${a} ${b}`);
    }
    return found;
"""
OUTSIDE = """
    const {places, boxes} = graphs[0];
    return [...places].filter(([key, p]) => {
      const frame = places.get(boxes.get(key).fold);
      return frame && (p.x < frame.x || p.y < frame.y || p.x + p.width > frame.x + frame.width
        || p.y + p.height > frame.y + frame.height - 22);
    }).map(([key]) => key);
"""


def test_a_click_and_a_key_open_and_close_a_fold(chromium: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    path = explore(*network(40), tmp_path / "net.html", view=False)
    loaded(chromium, path)

    def find(place: str) -> Any:
        return chromium.find_element(By.CSS_SELECTOR, place)

    def folds(opened: bool) -> list[Any]:
        place = f"svg .node.fold[aria-expanded='{str(opened).lower()}']"
        return chromium.find_elements(By.CSS_SELECTOR, place)

    (outer,) = folds(opened=False)
    before = len(chromium.find_elements(By.CSS_SELECTOR, "svg .node"))
    outer.click()
    settled(chromium)
    (frame,) = folds(opened=True)
    assert "0 … 39" in frame.get_attribute("aria-label")
    inner = folds(opened=False)
    assert len(inner) >= 10
    assert chromium.execute_script(OVERLAPS) == [] == chromium.execute_script(OUTSIDE)
    # The panel tells what is inside, under the modules' names.
    panel = find("#panel").text
    for text in ("What is inside", "× ∂Addmm", "40 × ∂Tanh", "0 … 39", "gradients", "stored"):
        assert text in panel, text
    picture(chromium, "page-fold-opened")
    # By keyboard: from the frame to a part, which Enter opens; `c` closes it, then the outer one.
    frame.send_keys(Keys.ARROW_DOWN)
    part = chromium.switch_to.active_element
    assert part.get_attribute("aria-expanded") == "false"
    key = part.get_attribute("data-key")
    part.send_keys(Keys.ENTER)
    settled(chromium)
    assert len(folds(opened=True)) == 2
    focused = chromium.switch_to.active_element
    assert (focused.get_attribute("data-key"), focused.get_attribute("aria-expanded")) == (
        key, "true",
    )  # fmt: skip
    assert chromium.execute_script(OVERLAPS) == [] == chromium.execute_script(OUTSIDE)
    picture(chromium, "page-fold-inside")
    focused.send_keys(Keys.ENTER)
    settled(chromium)
    assert len(folds(opened=True)) == 1
    chromium.switch_to.active_element.send_keys("c")
    settled(chromium)
    assert len(folds(opened=True)) == 0
    assert len(chromium.find_elements(By.CSS_SELECTOR, "svg .node")) == before
    # The title of a frame closes it by a click as well.
    folds(opened=False)[0].click()
    settled(chromium)
    folds(opened=True)[0].click()
    settled(chromium)
    assert folds(opened=True) == []
    assert chromium.get_log("browser") == [] == requests(chromium)


def test_the_fold_that_is_opened_stays_in_view(chromium: Any, tmp_path: Path) -> None:
    loaded(chromium, explore(*network(40), tmp_path / "net.html", view=False))
    for _ in range(3):
        script = """
            const shut = [...graphs[0].nodes].filter(([, n]) => n.ariaExpanded === "false");
            if (shut.length) await toggle(shut[Math.floor(shut.length / 2)][0]);
        """
        run(chromium, script)
        frame = chromium.execute_script("""
            const {places} = graphs[0], place = places.get(chosen), unit = scale();
            const top = view.y + view.height / 2 - canvas.clientHeight * unit / 2;
            const left = view.x + view.width / 2 - canvas.clientWidth * unit / 2;
            const x = (place.x + place.width / 2 - left) / unit;
            const y = (place.y + place.height - top) / unit;
            return [x, y, canvas.clientWidth, canvas.clientHeight];
        """)
        assert 0 < frame[0] < frame[2] and 0 < frame[1] <= frame[3]


def test_search_finds_what_folds_hide(chromium: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    loaded(chromium, explore(*network(40), tmp_path / "net.html", view=False))
    shown = """
        const {boxes, nodes} = graphs[0];
        return nodes.has([...boxes.values()].find((b) => b.names?.includes("17.1.bias")).key);
    """
    assert not chromium.execute_script(shown)
    chromium.find_element(By.ID, "search").send_keys("17.1.bias", Keys.ENTER)
    settled(chromium)
    assert chromium.find_element(By.CSS_SELECTOR, "#panel h2").text == "17.1.bias"
    assert chromium.execute_script(shown)
    assert "17.1.bias" in chromium.switch_to.active_element.get_attribute("aria-label")
    assert "Inside of" in chromium.find_element(By.ID, "panel").text


@pytest.mark.parametrize("name", ["network", "tangle"])
def test_nothing_overlaps_whatever_is_open(name: str, chromium: Any, tmp_path: Path) -> None:
    from pullback.graph.exploring import page

    (tmp_path / "g.html").write_text(page([("", GRAPHS[name]())], max_boxes=60), "utf-8")
    loaded(chromium, tmp_path / "g.html")
    for share in (0, 0.2, 0.7):
        run(
            chromium,
            """
            const share = given[0];
            let seed = 7;
            await refold((open) => {
              open.clear();
              for (const key of graphs[0].inside.keys()) {
                seed = (seed * 16807) % 2147483647;
                if (key && seed / 2147483647 < share) open.add(key);
              }
            });
            """,
            share,
        )
        assert chromium.execute_script(OVERLAPS) == []
        assert chromium.execute_script(OUTSIDE) == []
        # Every arrow between two boxes that are seen is drawn, up from one to the other.
        wrong = chromium.execute_script("""
            const {ahead, edges, places} = graphs[0], wrong = [];
            for (const [tail, heads] of ahead) for (const head of heads) {
              const drawn = edges.get(tail).filter((line) => edges.get(head).includes(line));
              const up = places.get(tail).y > places.get(head).y;
              if (!drawn.length || !up) wrong.push(`${tail} ${head}`);
            }
            return wrong;
        """)
        assert wrong == []


def test_two_thousand_boxes_can_be_opened(chromium: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By

    path = explore(*network(120), tmp_path / "net.html", view=False)
    loaded(chromium, path)
    start = time.perf_counter()
    chromium.find_element(By.ID, "canvas").send_keys("o")
    settled(chromium)
    everything = time.perf_counter() - start
    nodes = chromium.execute_script("return graphs[0].nodes.size")
    assert 1500 < nodes <= 2200
    start = time.perf_counter()
    run(chromium, "await toggle([...graphs[0].open].at(-1))")
    one = time.perf_counter() - start
    chromium.find_element(By.ID, "close").click()
    settled(chromium)
    assert chromium.execute_script("return graphs[0].nodes.size") < 60
    print(f"{nodes} nodes: all opened in {everything:.2f} s, one closed in {one:.2f} s")
    assert everything < 20 and one < 20
    assert chromium.get_log("browser") == []


def test_twenty_thousand_operators_make_a_page_that_can_be_opened(
    chromium: Any, tmp_path: Path
) -> None:
    from pullback.graph.exploring import page

    text = page([("", chain(10_000))])
    assert len(text) < 2_000_000, "the data are not packed"
    (tmp_path / "chain.html").write_text(text, "utf-8")
    start = time.perf_counter()
    loaded(chromium, tmp_path / "chain.html")
    assert time.perf_counter() - start < 30
    for _ in range(6):
        script = """
            const shut = [...graphs[0].nodes].find(([, n]) => n.ariaExpanded === "false");
            if (shut) await toggle(shut[0]);
        """
        run(chromium, script)
    assert chromium.execute_script("return graphs[0].open.size") >= 4
    assert chromium.execute_script(OVERLAPS) == []
    assert chromium.get_log("browser") == []
