"""The picture of the reference scenario against its hand-made figure, names, formulas and folds."""

import json
import random
import re
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import pullback as torch
from pullback.graph import Box, Graph, Kind, make_dot, trace
from pullback.graph.dot import BLUE, GREEN, PALE, RED, WHITE, draw
from pullback.graph.fold import MAX_BOXES, fold
from sampling import PUBLIC, calls, outputs, public

N, D = 1000, 3


def scenario(n: int = N, sigma_too: bool = False) -> tuple[Graph, str]:
    """The reference script, as a function; the graph, and the DOT text."""
    q = torch.rand(n, D)
    p = torch.rand(n, D)
    s = torch.Tensor([2.5])
    q.requires_grad = True
    p.requires_grad = True
    s.requires_grad = sigma_too
    q_i = q[:, None, :]
    q_j = q[None, :, :]
    D_ij = ((q_i - q_j) ** 2).sum(dim=2)
    K_ij = (-D_ij / (2 * s**2)).exp()
    v = K_ij @ p
    H = 0.5 * torch.dot(p.view(-1), v.view(-1))
    return trace(H, {"q": q, "p": p}, sys._getframe()), make_dot(H, {"q": q, "p": p}).source


def formula_of(box: Box) -> tuple[str, tuple[int, ...] | None]:
    return box.formula or ", ".join(box.names), box.shape


# The hand-made figure: its white, red and blue boxes and all of its arrows. Where PyTorch has
# changed since it was drawn, the line says what is there today, and why.
FIGURE_WHITE = [
    "∂Mul",  # the figure's ∂MulConstant: one operation today. Green: the covariable of H.
    "∂Dot",
    "∂View",
    "∂View",
    "∂Mm",  # the figure's ∂Addmm: K @ p adds nothing
    "∂Exp",
    "∂Div",
    "∂Neg",  # the figure's ∂Negate
    "∂Sum",
    "∂Pow",  # the figure's ∂PowConstant; its other one led nowhere: s needs no gradient
    "∂Sub",
    "∂Unsqueeze",
    "∂Unsqueeze",
]
FIGURE_RED = [("q", (N, D)), ("p", (N, D))]
FIGURE_BLUE = [
    ("p", (N * D,)),
    ("K_ij @ p", (N * D,)),
    ("p", (N, D)),
    # The figure has K for ∂Addmm, and exp's argument for ∂Exp, which saves its result today.
    ("exp(-|q_i - q_j|² / (2 s²))", (N, N)),
    ("2 s²", (1,)),
    ("q_i - q_j", (N, N, D)),
    # -|q_i - q_j|² is saved by ∂Div where s needs a gradient: the next test.
]
FIGURE_ARROWS = [
    "∂Mul -> ∂Dot",
    f"p({N * D},) -> ∂Dot",
    f"K_ij @ p({N * D},) -> ∂Dot",
    "∂Dot -> ∂View",
    "∂Dot -> ∂View",
    f"∂View -> p({N}, {D})",
    "∂View -> ∂Mm",
    f"p({N}, {D}) -> ∂Mm",
    f"exp(-|q_i - q_j|² / (2 s²))({N}, {N}) -> ∂Mm",
    f"∂Mm -> p({N}, {D})",
    "∂Mm -> ∂Exp",
    f"exp(-|q_i - q_j|² / (2 s²))({N}, {N}) -> ∂Exp",
    "∂Exp -> ∂Div",
    "2 s²(1,) -> ∂Div",
    "∂Div -> ∂Neg",
    "∂Neg -> ∂Sum",
    "∂Sum -> ∂Pow",
    f"q_i - q_j({N}, {N}, {D}) -> ∂Pow",
    "∂Pow -> ∂Sub",
    "∂Sub -> ∂Unsqueeze",
    "∂Sub -> ∂Unsqueeze",
    f"∂Unsqueeze -> q({N}, {D})",
    f"∂Unsqueeze -> q({N}, {D})",
]


def test_the_reference_script_draws_the_figure() -> None:
    graph, _ = scenario()
    of = {kind: [b for b in graph.boxes if b.kind is kind] for kind in Kind}
    assert Counter(b.title for b in of[Kind.OPERATOR]) == Counter(FIGURE_WHITE)
    assert [b.title for b in of[Kind.OPERATOR] if b.is_output] == ["∂Mul"]
    assert Counter((", ".join(b.names), b.shape) for b in of[Kind.INPUT]) == Counter(FIGURE_RED)
    assert Counter(map(formula_of, of[Kind.STORED])) == Counter(FIGURE_BLUE)
    title = {
        b.key: b.title if b.kind is Kind.OPERATOR else "{}{}".format(*formula_of(b))
        for b in graph.boxes
    }
    arrows = Counter(f"{title[a.tail]} -> {title[a.head]}" for a in graph.arrows)
    assert arrows == Counter(FIGURE_ARROWS)


def test_the_colours_and_labels_of_the_figure() -> None:
    _, source = scenario()
    labels = re.findall(
        r'^\t(\w+) \[label="?(.*?)"? class="?.*?"? fillcolor="(#\w+)"', source, re.M
    )
    look = {label: colour for _, label, colour in labels}
    assert look["∂Mul\\nH"] == GREEN
    assert look["∂Exp\\nK_ij"] == look["∂Mm\\nv"] == look["∂Sum\\nD_ij"] == look["∂Sub"] == WHITE
    assert look[f"q\\n({N}, {D})"] == RED
    assert look["2 s²\\n(1)"] == look[f"K_ij @ p\\n({N * D})"] == BLUE
    kernel = f"K_ij = exp(-|q_i - q_j|² / (2 s²))\\n({N}, {N})\\nrecomputed, saves 4.0 MB"
    assert look[kernel] == PALE
    assert look[f"q_i - q_j\\n({N}, {N}, {D})\\nrecomputed, saves 12.0 MB"] == PALE
    assert source.count('style="filled,dashed"') == 2
    assert "recomputed, never stored (16.0 MB saved)" in source
    assert "stored value (24.0 kB in all)" in source  # p, and K_ij @ p; p.view(-1) is p


def test_with_a_gradient_for_sigma_the_quotient_keeps_its_numerator() -> None:
    graph, _ = scenario(sigma_too=True)
    stored = {formula_of(b): b for b in graph.boxes if b.kind is Kind.STORED}
    numerator = stored["-|q_i - q_j|²", (N, N)]
    assert numerator.recomputed
    heads = [graph.box(a.head).title for a in graph.arrows if a.tail == numerator.key]
    assert heads == ["∂Div"]


def test_small_values_are_stored() -> None:
    graph, source = scenario(20)
    assert not any(b.recomputed for b in graph.boxes)
    assert "dashed" not in source
    assert ("exp(-|q_i - q_j|² / (2 s²))", (20, 20)) in map(formula_of, graph.boxes)


def test_explain_agrees_on_what_is_never_stored() -> None:
    q = torch.rand(N, D, requires_grad=True)
    k = (-((q[:, None] - q[None]) ** 2).sum(2)).exp()
    h = (k @ q).sum()
    graph = trace(h, {"q": q})
    told = torch.explain(h)
    never = {(group.shape, group.dtype) for group in told.never_stored}
    recomputed = [b for b in graph.boxes if b.recomputed]
    assert recomputed
    assert {(b.shape, b.dtype) for b in recomputed} <= never
    kernels = {n for b in graph.boxes for n in b.kernels if not n.startswith("NumPy")}
    assert kernels == {work.name for work in told.kernels}
    assert h._is_formula, "drawing computed something"


# ---- formulas ------------------------------------------------------------------------------------


def drawn(y: torch.Tensor, **names: torch.Tensor) -> str:
    """The formula of the last operation."""
    return trace(y, names).boxes[0].formula


def test_formulas_read_as_mathematics() -> None:
    x, w, b = (torch.rand(3, 3, requires_grad=True) for _ in range(3))
    known = {"x": x, "w": w, "b": b}
    for y, text in [
        (x * w + b, "x · w + b"),
        ((x + w) * b, "(x + w) · b"),
        (x - (w - b), "x - (w - b)"),
        (2 - x, "… - x"),  # nothing keeps the 2
        (-(x * w), "-(x · w)"),
        (x / (w * b), "x / (w · b)"),
        (x / w / b, "x / w / b"),
        (x**2, "x²"),
        (x**-3, "x⁻³"),
        (x**0.5, "√x"),
        (3.5 * x, "3.5 x"),
        (x * x, "x²"),
        ((x - w).square().sum(), "|x - w|²"),
        ((x**2).sum(1).sqrt(), "|x|"),
        ((x + w).abs(), "|x + w|"),
        (x @ (w + b), "x @ (w + b)"),
        (x.t() @ w, "x.T @ w"),
        (torch.addmm(b, x, w), "b + x @ w"),
        (x.reshape(9).exp(), "exp(x)"),
        (torch.cat([x, w, b]), "cat(x, w, b)"),
        (x.log(), "log(x)"),
    ]:
        assert drawn(y, **known) == text


def test_what_nothing_keeps_is_read_from_the_source() -> None:
    x = torch.rand(3, requires_grad=True)
    shift = torch.ones(3)
    y = 2 - (x + 3 * shift)
    assert trace(y, {}, sys._getframe()).boxes[0].formula == "2 - (x + 3 shift)"


def test_every_operation_can_be_drawn() -> None:
    """All samples of the registry: no formula fails, and all agree in DOT, JSON and the model."""
    drawn_operations = set()
    for op in PUBLIC:
        if not op.derivative or op.result in ("bool", "index"):
            continue
        for call in calls(op)[:4]:
            args, keywords = call.converted(
                torch,
                lambda a: torch.from_numpy(a).requires_grad_() if a.dtype.kind == "f" else a,
            )
            results = outputs(public(torch, op)(*args, **keywords))
            known = [r for r in results if getattr(r, "requires_grad", False)]
            if not known:
                continue
            graph = trace(known, {f"result{k}": r for k, r in enumerate(known)})
            read = json.loads(graph.to_json())
            assert len(read["boxes"]) == len(graph.boxes)
            for box in graph.boxes:
                assert box.title or box.kind is Kind.INPUT
                assert len(box.formula) <= 60
                if box.operation:
                    assert box.formula, f"{op.name}: nothing says what {box.operator} computed"
            assert graph.boxes[0].key in draw(graph).source
            drawn_operations.add(op.name)
    assert len(drawn_operations) > 150


def test_functions_of_the_users_have_their_name() -> None:
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, g):
            return 2 * g

    x = torch.rand(3, requires_grad=True)
    y = Twice.apply(x)
    assert drawn(y, x=x) == "Twice(x)"
    assert "∂Twice" in [b.title for b in trace(y.exp(), {"x": x}).boxes]


def test_anomaly_detection_knows_the_lines() -> None:
    x = torch.rand(3, requires_grad=True)
    with torch.autograd.set_detect_anomaly(True):
        root = [x][0].exp()
    (line,) = (b.line for b in trace(root).boxes if b.operation == "exp" and b.operator)
    assert line is not None
    assert (line.file, line.text) == (__file__, "root = [x][0].exp()")


def test_a_value_that_was_written_in_place_is_not_read_from_its_assignment() -> None:
    x = torch.rand(3, requires_grad=True)
    w = torch.rand(3)
    y = x * (w + 1)
    assert trace(y, {}, sys._getframe()).boxes[0].formula == "x · (w + 1)"
    y.mul_(torch.full((3,), 5.0))
    assert trace(y, {}, sys._getframe()).boxes[0].formula == "x · … · …"


def test_a_file_that_was_edited_since_is_not_believed(tmp_path: Path) -> None:
    script = tmp_path / "edited.py"
    script.write_text(
        textwrap.dedent("""
        import sys, torch
        from pullback.graph import trace
        x = torch.rand(3, requires_grad=True)
        c = torch.rand(3)
        y = x * (c + 4)
        if len(sys.argv) > 1:
            text = open(__file__).read()
            open(__file__, "w").write(text.replace("c + 4)", sys.argv[1] + ")"))
        print(trace(y, {}, sys._getframe()).boxes[0].formula)
        """)
    )

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "pullback", "run", script, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
        return done.stdout.strip()

    before = script.read_text()
    assert run() == "x · (c + 4)"
    for change in ("c + 7", "d + 4", "c + 4 + c", "c - 4"):  # the last leaves all in its place
        script.write_text(before)
        assert run(change) == "x · …", change


def test_a_long_formula_is_cut() -> None:
    x = torch.rand(3, requires_grad=True)
    y = x
    for _ in range(50):
        y = (y * x + x).sin()
    (root, *_) = trace(y, {"x": x}).boxes
    assert len(root.formula) <= 60
    assert "…" in root.formula


# ---- the export ----------------------------------------------------------------------------------


def test_the_export_is_versioned_and_says_what_the_picture_says() -> None:
    graph, _ = scenario()
    read = json.loads(graph.to_json())
    assert (read["format"], read["version"]) == ("pullback.graph", 2)
    assert len(read["boxes"]) == len(graph.boxes)
    kernel = next(b for b in read["boxes"] if b.get("names") == ["K_ij"] and b["kind"] == "stored")
    assert kernel["recomputed"] is True
    assert (kernel["shape"], kernel["nbytes"], kernel["dtype"]) == ([N, N], 4 * N * N, "float32")
    assert kernel["line"]["text"] == "K_ij = (-D_ij / (2 * s**2)).exp()"
    assert kernel["kernels"] == ["kernel 1"]
    keys = {b["key"] for b in read["boxes"]}
    assert all(a["tail"] in keys and a["head"] in keys for a in read["arrows"])


def test_an_attribute_that_cannot_be_printed_is_named_by_its_type() -> None:
    class Odd:
        def __str__(self) -> str:
            raise ValueError("no")

    box = Box("a", Kind.OPERATOR, attributes={"odd": Odd()})
    text = Graph((box,), ()).to_json()
    assert "Odd: ValueError" in text


# ---- large graphs --------------------------------------------------------------------------------


def chain(length: int) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.rand(10, requires_grad=True)
    y = x
    for _ in range(length):
        y = (y * 1.01).sin()
    return x, y


def check_folded(graph: Graph, folded: Graph, most: int) -> None:
    assert len(folded.boxes) <= most + 20
    operators = sum(b.kind is Kind.OPERATOR for b in graph.boxes)
    assert operators == sum(b.count for b in folded.boxes if b.kind in (Kind.OPERATOR, Kind.FOLD))
    assert folded.operators == operators
    for recomputed in (False, True):
        assert folded.bytes_of(recomputed=recomputed) == graph.bytes_of(recomputed=recomputed)
    keys = {b.key for b in folded.boxes}
    waiting = dict.fromkeys(keys, 0)
    for arrow in folded.arrows:
        waiting[arrow.head] += 1
    heads: dict[str, list[str]] = {}
    for arrow in folded.arrows:
        heads.setdefault(arrow.tail, []).append(arrow.head)
    ready = [k for k, count in waiting.items() if not count]
    done = 0
    while ready:
        done += 1
        for head in heads.get(ready.pop(), ()):
            waiting[head] -= 1
            if not waiting[head]:
                ready.append(head)
    assert done == len(keys), "the folded graph has a circle"


def test_a_repeated_pattern_is_one_box() -> None:
    x, y = chain(2000)
    graph = trace(y.sum(), {"x": x})
    folded = fold(graph)
    check_folded(graph, folded, 10)
    (repeated,) = (b for b in folded.boxes if b.kind is Kind.FOLD)
    assert repeated.pattern == ("∂Sin", "∂Mul")
    assert repeated.repeats == 2000
    assert repeated.values == 2000
    assert repeated.nbytes == 2000 * 40


def test_recomputed_values_are_counted_in_a_fold() -> None:
    x = torch.rand(N, requires_grad=True)
    y = x[:, None] * x[None, :]
    for _ in range(120):
        y = (y * 1.01).sin()
    graph = trace(y.sum(), {"x": x})
    folded = fold(graph, 50)
    check_folded(graph, folded, 50)
    (box,) = (b for b in folded.boxes if b.kind is Kind.FOLD)
    assert box.saved >= 118 * 4 * N * N
    assert "recomputed" in make_dot(y.sum(), {"x": x}, max_boxes=50).source


def test_small_graphs_are_drawn_whole() -> None:
    graph, _ = scenario(10)
    assert fold(graph) is graph


def test_layers_are_folded_with_their_modules() -> None:
    weights = {f"layers.{k}.weight": torch.rand(4, 4, requires_grad=True) for k in range(200)}
    h = torch.rand(2, 4)
    for weight in weights.values():
        h = (h @ weight).tanh()
    graph = trace(h.sum(), weights)
    folded = fold(graph)
    check_folded(graph, folded, 10)
    (repeated,) = (b for b in folded.boxes if b.kind is Kind.FOLD)
    assert repeated.pattern == ("∂Tanh", "∂Mm")
    assert repeated.names[0].startswith("layers.") and "…" in repeated.names[0]
    assert repeated.inputs >= 198


def test_modules_that_differ_are_folded_each() -> None:
    torch.manual_seed(1)
    pick = random.Random(1)
    steps = [torch.tanh, torch.sin, torch.exp, torch.sigmoid, torch.sqrt, torch.abs]
    params, h = {}, torch.rand(4, 4)
    for stage in range(12):
        for k in range(6):
            weight = params[f"net.stage{stage}.{k}.weight"] = torch.rand(4, 4, requires_grad=True)
            h = h @ weight
            for _ in range(pick.randrange(2, 8)):
                h = pick.choice(steps)(h)
    graph = trace(h.sum(), params)
    folded = fold(graph, 60)
    check_folded(graph, folded, 60)
    names = {name for b in folded.boxes if b.kind is Kind.FOLD for name in b.names}
    assert any(name.startswith("net.stage3") for name in names)


@pytest.mark.parametrize("most", [30, 300])
def test_a_graph_without_any_order_is_folded_too(most: int) -> None:
    pick = random.Random(0)
    x = torch.rand(3, requires_grad=True)
    values = [x]
    for _ in range(3000):
        a, b = pick.choice(values[-5:]), pick.choice(values)
        f = pick.choice([torch.add, torch.mul, torch.sub, lambda a, b: a.sin(), torch.div])
        values.append(f(a, b))
    graph = trace(values[-1].sum(), {"x": x})
    folded = fold(graph, most)
    check_folded(graph, folded, most)
    assert len(folded.arrows) <= 3 * most


def test_twenty_thousand_operators_are_drawn_in_seconds() -> None:
    x, y = chain(10_000)
    start = time.perf_counter()
    picture = make_dot(y.sum(), {"x": x})
    svg = picture.pipe()
    # Some 4 s on one core of 2020: a bound that only a quadratic step would miss.
    assert time.perf_counter() - start < 60
    assert svg.count(b'class="node') <= MAX_BOXES
    assert "9,999 × (∂Mul, ∂Sin)" in picture.source or "10,000 × (∂Sin, ∂Mul)" in picture.source


# ---- hostile names -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["<b>x</b>", '"]; evil [label="', "a\nb\\l\\N", "&lt;script&gt;", "l" * 10_000, "\ud800", "<>"],
)
def test_hostile_names_in_formulas_and_tooltips_are_text(name: str) -> None:
    x = torch.rand(4, requires_grad=True)
    y = (x * 2).exp() @ x.sin()
    svg = make_dot(y, {name: x}).pipe(encoding="utf-8")
    tags = set(re.findall(r"<(?![/!?])([a-zA-Z]+)", svg))
    assert tags <= {"svg", "g", "title", "polygon", "path", "text", "a", "polyline"}
    assert "href=" not in svg
    assert len(svg) < 60_000
    json.loads(trace(y, {name: x}).to_json())


def test_the_script_of_the_scenario_names_everything(tmp_path: Path) -> None:
    script = tmp_path / "s.py"
    script.write_text(
        textwrap.dedent("""
        import torch
        from torchviz import make_dot
        q = torch.rand(1000, 3, requires_grad=True)
        p = torch.rand(1000, 3, requires_grad=True)
        s = torch.Tensor([2.5])
        q_i  = q[:,None,:]
        q_j  = q[None,:,:]
        D_ij  = ((q_i - q_j) ** 2).sum(dim=2)
        K_ij = (- D_ij / (2 * s**2) ).exp()
        v    = K_ij@p
        H = .5 * torch.dot( p.view(-1), v.view(-1) )
        print(make_dot(H, {'q':q, 'p':p}).source)
        """)
    )
    run = [sys.executable, "-m", "pullback", "run", script]
    done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=300)
    for text in ("K_ij = exp(-|q_i - q_j|² / (2 s²))", '"q_i - q_j', '"2 s²', '"K_ij @ p'):
        assert text in done.stdout


def test_a_loaded_array_is_named_by_its_variable() -> None:
    points = torch.from_numpy(np.ones((5, 2)))
    w = torch.ones(5, 2, dtype=torch.float64, requires_grad=True)
    stored = trace((w * points).sum(), {}, sys._getframe()).boxes
    assert ("points",) in [b.names for b in stored if b.kind is Kind.STORED]
