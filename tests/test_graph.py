"""The picture of a computation: its content, its DOT text, and the file on a bare machine."""

import gc
import os
import re
import stat
import subprocess
import sys
import threading
import weakref
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import graphviz
import numpy as np
import pygraphviz
import pytest
from hypothesis import given, settings, strategies as st

import pullback
from fake_autograd import Node, Tensor, kernel_norm, leaf
from pullback.graph import Box, Graph, Kind, make_dot, trace, viewer as viewer_module
from pullback.graph.dot import BLUE, GREEN, RED, WHITE, bytes_text, plain

SOURCE = str(Path(__file__).parents[1] / "src")
HOSTILE = [
    'say "hi"',
    "<b>bold</b>",
    "<script>alert(1)</script>",
    "a\nb\r\n\tc",
    "back\\slash\\n\\l\\N\\",
    "&lt;tag&gt; &amp; &#65;",
    "\0\x1b[31m\u202eevil\ud800",
    "}; digraph { x -> y }",
    "q_é_σ_数_🙂",
    "long " * 2000,
    "",
]


@pytest.fixture
def no_dot(monkeypatch, tmp_path):
    """A machine without the `dot` program."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


@pytest.fixture
def no_library(monkeypatch, tmp_path):
    """A machine where pygraphviz cannot be imported."""
    package = tmp_path / "broken"
    package.mkdir()
    (package / "pygraphviz.py").write_text("raise ImportError('not here')")
    monkeypatch.setenv("PYTHONPATH", str(package))


def install_program(monkeypatch, folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!{sys.executable}\n{script}")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder))


def lines(box: Box) -> tuple[object, ...]:
    return (box.kind, box.operator or box.names or box.roles, box.shape)


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


# ---- content ------------------------------------------------------------------------------------


def test_the_scenario_has_the_boxes_of_the_figure():
    h, q, p = kernel_norm(1000, 3)
    graph = trace(h, {"q": q, "p": p})
    assert Counter(map(lines, graph.boxes)) == Counter(
        [
            (Kind.OPERATOR, "MulBackward0", None),
            (Kind.OPERATOR, "DotBackward0", None),
            (Kind.OPERATOR, "ViewBackward0", None),
            (Kind.OPERATOR, "ViewBackward0", None),
            (Kind.OPERATOR, "MmBackward0", None),
            (Kind.OPERATOR, "ExpBackward0", None),
            (Kind.OPERATOR, "DivBackward0", None),
            (Kind.OPERATOR, "NegBackward0", None),
            (Kind.OPERATOR, "SumBackward1", None),
            (Kind.OPERATOR, "PowBackward0", None),
            (Kind.OPERATOR, "SubBackward0", None),
            (Kind.OPERATOR, "UnsqueezeBackward0", None),
            (Kind.OPERATOR, "UnsqueezeBackward0", None),
            (Kind.INPUT, ("q",), (1000, 3)),
            (Kind.INPUT, ("p",), (1000, 3)),
            (Kind.STORED, ("p",), (3000,)),
            (Kind.STORED, ("tensor",), (3000,)),
            (Kind.STORED, ("p",), (1000, 3)),
            (Kind.STORED, ("self", "result"), (1000, 1000)),
            (Kind.STORED, ("other",), (1,)),
            (Kind.STORED, ("self",), (1000, 1000, 3)),
        ]
    )


def test_the_scenario_has_the_arrows_of_the_figure():
    h, q, p = kernel_norm(5, 3)
    graph = trace(h, {"q": q, "p": p})
    title = {
        box.key: f"{box.operator or ','.join(box.names or box.roles)}{box.shape or ''}"
        for box in graph.boxes
    }
    found = Counter(f"{title[arrow.tail]} -> {title[arrow.head]}" for arrow in graph.arrows)
    assert found == Counter(
        [
            "MulBackward0 -> DotBackward0",
            "p(15,) -> DotBackward0",
            "tensor(15,) -> DotBackward0",
            "DotBackward0 -> ViewBackward0",
            "DotBackward0 -> ViewBackward0",
            "ViewBackward0 -> p(5, 3)",
            "ViewBackward0 -> MmBackward0",
            "MmBackward0 -> p(5, 3)",
            "MmBackward0 -> ExpBackward0",
            "p(5, 3) -> MmBackward0",
            "self,result(5, 5) -> MmBackward0",
            "self,result(5, 5) -> ExpBackward0",
            "ExpBackward0 -> DivBackward0",
            "other(1,) -> DivBackward0",
            "DivBackward0 -> NegBackward0",
            "NegBackward0 -> SumBackward1",
            "SumBackward1 -> PowBackward0",
            "self(5, 5, 3) -> PowBackward0",
            "PowBackward0 -> SubBackward0",
            "SubBackward0 -> UnsqueezeBackward0",
            "SubBackward0 -> UnsqueezeBackward0",
            "UnsqueezeBackward0 -> q(5, 3)",
            "UnsqueezeBackward0 -> q(5, 3)",
        ]
    )
    assert [graph.box(a.head).kind for a in graph.arrows if a.name == "result"] == [Kind.OPERATOR]


def test_colours():
    h, q, p = kernel_norm(5)
    source = make_dot(h, {"q": q, "p": p}).source
    colour = dict(re.findall(r"(\w+) \[label=.*fillcolor=\"(#\w+)\"", source))
    kinds = {"operator": WHITE, "input": RED, "stored": BLUE}
    assert colour.pop("operator0") == GREEN
    assert colour == {key: kinds[re.sub(r"\d", "", key)] for key in colour}
    assert len(colour) == 20


def test_without_params_leaves_have_their_shape_only():
    h, _, _ = kernel_norm(4, 3)
    source = make_dot(h).source
    assert source.count('label="(4, 3)"') == 2
    assert 'label="mat2\\n(4, 3)"' in source


def test_value_saved_by_two_operators_is_one_box_with_two_arrows():
    h, _, _ = kernel_norm(4)
    graph = trace(h)
    (kernel,) = [box for box in graph.boxes if box.roles == ("self", "result")]
    heads = [graph.box(a.head).operator for a in graph.arrows if a.tail == kernel.key]
    assert sorted(heads) == ["ExpBackward0", "MmBackward0"]


def test_views_of_one_array_are_different_values():
    x = leaf(3, 3)
    views = {"mat2": x.array.T, "row": x.array[0], "flat": x.array.reshape(9)}
    saved = {"self": x.array, "same": x.array, **views, "column": x.array[:, 0]}
    y = Tensor(np.ones(()), Node("MmBackward0", [x], saved))
    stored = [box for box in trace(y, {"x": x}).boxes if box.kind is Kind.STORED]
    assert [box.names or box.roles for box in stored] == [
        ("x",),
        ("x.T",),
        ("row",),
        ("x",),
        ("column",),
    ]
    assert [box.view_of for box in stored] == ["", "", "", "stored1", ""]
    assert [box.roles for box in trace(y).boxes if box.kind is Kind.STORED] == [
        ("self", "same"),
        ("mat2",),
        ("row",),
        ("flat",),
        ("column",),
    ]


def test_one_number_is_its_own_transpose():
    x = leaf(1, 1)
    y = Tensor(np.ones(()), Node("MmBackward0", [x], {"mat2": x.array.T}))
    assert [box.names for box in trace(y, {"x": x}).boxes] == [(), ("x",), ("x",)]


def test_an_operator_that_takes_a_value_twice_has_two_arrows():
    x = leaf(3)
    y = Tensor(x.array**2, Node("MulBackward0", [x, x], {"self": x.array, "other": x.array}))
    graph = trace(y, {"x": x})
    assert sorted((a.name, a.slot) for a in graph.arrows if a.slot is None) == [
        ("other", None),
        ("self", None),
    ]
    assert [a.slot for a in graph.arrows if a.slot is not None] == [0, 1]
    assert len(graph.boxes) == 3


def test_released_values_are_not_shown():
    h, _, _ = kernel_norm(4)
    h.grad_fn.released = True  # the root of the scenario stores nothing
    assert len(trace(h).boxes) == 21
    dot = h.grad_fn.next_functions[0][0]
    dot.released = True
    assert len(trace(h).boxes) == 19


def test_names_reach_results_and_their_stored_values():
    x = leaf(3)
    values = np.exp(x.array)
    y = Tensor(values, Node("ExpBackward0", [x], {"result": values}))
    z = Tensor(values.sum(), Node("SumBackward0", [y]))
    source = make_dot(z, {"x": x, "y": y, "z": z, "again": x}).source
    assert 'label="∂Sum\\nz"' in source
    assert 'label="∂Exp\\ny"' in source
    assert 'label="y\\n(3)"' in source
    assert 'label="x, again\\n(3)"' in source


def test_an_output_without_operators():
    x, constant = leaf(2), Tensor(np.ones(3))
    graph = trace((x, constant), {"x": x})
    assert [(b.kind, b.names, b.shape, b.is_output) for b in graph.boxes] == [
        (Kind.OUTPUT, ("x",), (2,), True),
        (Kind.INPUT, ("x",), (2,), False),
        (Kind.OUTPUT, (), (3,), True),
    ]
    assert [(a.tail, a.head) for a in graph.arrows] == [(graph.boxes[0].key, graph.boxes[1].key)]
    assert make_dot(constant).source.count(f'fillcolor="{GREEN}"') == 1


def test_a_leaf_that_nobody_holds_is_drawn_from_its_node():
    def computed():
        w = pullback.ones(2, 3, dtype=pullback.float64, requires_grad=True)
        v = pullback.ones(3, requires_grad=True)
        v.data = pullback.ones(2, 1)
        return w.exp() + w * v

    inputs = [box for box in trace(computed(), {}).boxes if box.kind is Kind.INPUT]
    assert sorted((box.shape, box.dtype, box.nbytes) for box in inputs) == [
        ((2, 1), "float32", 8),
        ((2, 3), "float64", 48),
    ]
    assert "(2, 3)" in make_dot(computed()).source


def test_several_outputs_share_their_graph():
    x = leaf(3)
    y = Tensor(np.exp(x.array), Node("ExpBackward0", [x]))
    z = Tensor(-y.array, Node("NegBackward0", [y]))
    graph = trace([z, y, z])
    assert [(b.operator, b.is_output) for b in graph.boxes] == [
        ("NegBackward0", True),
        ("ExpBackward0", True),
        ("", False),
    ]


@pytest.mark.parametrize("var", [3, None, {"loss": leaf(2)}, [leaf(2), "x"]])
def test_what_is_not_a_tensor_is_refused(var):
    with pytest.raises(TypeError, match=r"var\[\d\] is not a tensor but a"):
        make_dot(var)


def test_params_that_are_not_a_dict_of_tensors_are_refused():
    with pytest.raises(TypeError, match=r"params\['n'\] is not a tensor but a int"):
        make_dot(leaf(2), {"n": 3})
    with pytest.raises(TypeError, match=r"dict\(model.named_parameters\(\)\)"):
        make_dot(leaf(2), [("x", leaf(2))])


def test_the_same_computation_gives_the_same_text():
    assert make_dot(kernel_norm(4)[0]).source == make_dot(kernel_norm(4)[0]).source


def test_a_deep_graph_does_not_recurse():
    x = leaf(1)
    y = x
    for _ in range(100_000):
        y = Tensor(x.array, Node("NegBackward0", [y]))
    depth = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        graph = trace(y)
    finally:
        sys.setrecursionlimit(depth)
    assert (len(graph.boxes), len(graph.arrows)) == (100_001, 100_000)
    node = y.grad_fn
    del y
    while isinstance(node, Node):  # a front-to-back walk: the fakes would be freed by recursion
        node = node.next_functions[0][0]


def test_the_picture_keeps_nothing_alive():
    h, q, p = kernel_norm(4)
    watch = weakref.ref(q)
    picture = make_dot(h, {"q": q, "p": p})
    del h, q, p
    gc.collect()  # the fake leaf and its AccumulateGrad hold each other
    assert watch() is None
    assert "∂Mul" in picture.source


# ---- text ---------------------------------------------------------------------------------------


def test_show_attrs_lists_what_is_not_a_tensor():
    h, _, _ = kernel_norm(4)
    source = make_dot(h, show_attrs=True).source
    assert 'label="SumBackward1\\n--------------\\ldim    :  (2,)\\lkeepdim: False\\l"' in source
    assert "label=NegBackward0" in source
    assert "keepdim" not in make_dot(h).source


@pytest.mark.parametrize(("width", "text"), [(50, "[0, 1, 2, 3, 4]"), (8, "[0, 1..."), (0, "...")])
def test_attributes_are_cut(width, text):
    y = Tensor(np.ones(()), Node("SumBackward1", [leaf(2)], {}, {"dim": [0, 1, 2, 3, 4]}))
    assert f"dim: {text}\\l" in make_dot(y, show_attrs=True, max_attr_chars=width).source


def test_show_saved_adds_dtype_size_and_version():
    h, _, _ = kernel_norm(4)
    assert "(4, 4)\\nfloat32, 64 B\\nversion 0" in make_dot(h, show_saved=True).source
    assert "float32" not in make_dot(h).source


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (4_000_000, "4.0 MB"),
        (12 * 10**15, "12000.0 TB"),
    ],
)
def test_sizes_are_readable(count, text):
    assert bytes_text(count) == text


def test_size_grows_as_in_torchviz():
    assert make_dot(Tensor(np.ones(2))).graph_attr["size"] == "12,12"
    h, _, _ = kernel_norm(4)  # 21 boxes and 23 arrows, half an inch each
    assert make_dot(h).graph_attr["size"] == "22,22"


@given(st.text(max_size=300), st.integers(3, 90), st.sampled_from(["middle", "end"]))
def test_plain_text_is_one_printable_line_within_its_limit(text, limit, cut):
    shown = plain(text, limit, cut)
    assert len(shown) <= limit
    assert shown.isprintable()
    if text.isprintable() and len(text) <= limit:
        assert shown == text


def test_plain_text_keeps_both_ends_of_a_long_name():
    name = "encoder." + "layers." * 1000 + "weight"
    assert plain(name).startswith("encoder.layers.")
    assert plain(name).endswith("layers.weight")
    assert len(plain(name)) == 80


def hostile_picture(name: str):
    x = leaf(2, 3)
    operator = Node(name, [x], {name: np.ones(3), "x": x.array}, {name: name})
    y = Tensor(np.ones(2), operator)
    return make_dot((y, x), {name: x}, show_attrs=True)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_shown_as_text(name, no_dot):
    svg = hostile_picture(name).pipe(encoding="utf-8")
    shown = Counter(text.replace("\xa0", " ").strip() for text in texts(svg))
    # The operator, the output, the input and the two stored values, one of them by its role.
    assert shown[plain(name).strip() or "(2, 3)"] == (5 if name else 3)
    tags = {node.tag.rpartition("}")[2] for node in ET.fromstring(svg).iter()}
    assert tags <= {"svg", "g", "title", "polygon", "text", "path"}


def test_a_crash_in_the_library_is_an_error_not_the_end(no_dot, monkeypatch, tmp_path):
    (tmp_path / "pygraphviz.py").write_text(
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"crashed \(signal 11\)"):
        make_dot(leaf(2)).pipe()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=[])), min_size=1, max_size=20))
def test_no_name_breaks_the_text(names):
    leaves = {f"{name}{i}": leaf(1) for i, name in enumerate(names)}
    y = Tensor(np.ones(1), Node("StackBackward0", [*leaves.values()]))
    graph = pygraphviz.AGraph(string=make_dot(y, leaves).source)
    assert graph.number_of_nodes() == len(leaves) + 1
    assert graph.number_of_edges() == len(leaves)


# ---- files --------------------------------------------------------------------------------------


def test_without_the_program_a_file_is_written(no_dot, tmp_path):
    h, q, p = kernel_norm(5)
    picture = make_dot(h, {"q": q, "p": p})
    assert isinstance(picture, graphviz.Digraph)
    path = picture.render(tmp_path / "H.gv")
    assert path == str(tmp_path / "H.gv.svg")
    assert (tmp_path / "H.gv").read_text() == picture.source
    svg = Path(path).read_text()
    shown = Counter(texts(svg))
    assert shown["∂Exp"] == 1
    assert shown["(5, 3)"] == 3
    assert shown["q"] == 1
    assert shown["p"] == 3
    assert svg.count('class="edge"') == 23
    for colour, count in {GREEN: 1, RED: 2, BLUE: 6, WHITE: 12}.items():
        assert svg.count(f'fill="{colour}"') == count + 1  # and once in the legend
    assert picture._repr_svg_() == svg
    assert svg[svg.index("<svg") :] in picture._repr_html_()
    assert picture._repr_mimebundle_() == {"image/svg+xml": svg}


def test_names_of_files(no_dot, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture = make_dot(leaf(2))
    assert picture.render() == "Digraph.gv.svg"
    assert picture.render("a", "sub", cleanup=True) == os.path.join("sub", "a.svg")
    assert picture.render("b", format="png") == os.path.join("sub", "b.png")
    assert picture.render(outfile="c.png", directory=".") == "c.png"
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "Digraph.gv", "Digraph.gv.svg", "c.gv", "c.png", "sub",
    ]  # fmt: skip
    assert sorted(p.name for p in (tmp_path / "sub").iterdir()) == ["a.svg", "b", "b.png"]
    assert (tmp_path / "c.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(FileExistsError, match="exists"):
        picture.render(outfile="c.png", directory=".", raise_if_result_exists=True)
    with pytest.raises(ValueError, match="DOT text"):
        picture.render(outfile="c.gv", directory=".")


def test_a_format_that_the_library_lacks_says_what_to_install(no_dot):
    with pytest.raises(RuntimeError, match=r"'webp'.*Install Graphviz"):
        make_dot(leaf(2)).pipe("webp")
    with pytest.raises(RuntimeError, match="neato_no_op"):
        make_dot(leaf(2)).pipe("svg", neato_no_op=True)


def test_without_any_graphviz_text_works_and_pictures_say_what_to_install(
    no_dot, no_library, tmp_path
):
    picture = make_dot(leaf(2), {"x": leaf(2)})
    assert picture.pipe("gv", encoding="utf-8") == picture.source
    assert Path(picture.render(tmp_path / "x", format="dot")).read_text() == picture.source
    with pytest.raises(RuntimeError, match="pip install pygraphviz"):
        picture.render(tmp_path / "y")
    assert not (tmp_path / "y").exists()


def test_the_program_is_used_where_it_is_installed(monkeypatch, tmp_path):
    install_program(
        monkeypatch,
        tmp_path / "bin",
        "dot",
        "import pathlib, sys\n"
        "if '-O' in sys.argv:\n"
        "    pathlib.Path(sys.argv[-1] + '.svg').write_text('drawn by the program')\n"
        "else:\n"
        "    sys.stdin.read(), print('piped by the program', *sys.argv[1:])\n",
    )
    picture = make_dot(leaf(2))
    path = picture.render(tmp_path / "x.gv")
    assert Path(path).read_text() == "drawn by the program"
    assert picture.pipe("pdf", encoding="utf-8") == "piped by the program -Kdot -Tpdf\n"
    assert picture._repr_svg_() == "piped by the program -Kdot -Tsvg\n"


def test_threads_may_draw_together(no_dot):
    pictures = [make_dot(kernel_norm(n)[0]) for n in (3, 4, 5)]
    drawn: dict[int, bytes] = {}
    threads = [
        threading.Thread(target=lambda i=i: drawn.update({i: pictures[i].pipe()})) for i in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [drawn[i] for i in range(3)] == [picture.pipe() for picture in pictures]


def test_a_file_called_pygraphviz_in_the_working_folder_is_not_run(no_dot, tmp_path, monkeypatch):
    (tmp_path / "pygraphviz.py").write_text("raise SystemExit('ran a file of the user')")
    monkeypatch.chdir(tmp_path)
    assert b"<svg" in make_dot(leaf(2)).pipe()


# ---- a person at a screen, or none --------------------------------------------------------------


@pytest.fixture
def linux(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


def test_without_a_display_the_place_is_printed(linux, monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("DISPLAY")
    monkeypatch.chdir(tmp_path)
    assert make_dot(leaf(2)).render(view=True) == "Digraph.gv.svg"
    assert capsys.readouterr().out == (
        f"There is no display here; the picture is in {tmp_path / 'Digraph.gv.svg'}\n"
    )
    make_dot(leaf(2)).view("b")
    assert str(tmp_path / "b.svg") in capsys.readouterr().out


def test_without_an_opener_the_place_is_printed(linux, tmp_path, capsys):
    make_dot(leaf(2)).render(tmp_path / "x", view=True)
    out = capsys.readouterr().out
    assert out.startswith("There is no `xdg-open` program here; ")
    assert out.endswith(f"{tmp_path / 'x.svg'}\n")


def test_a_failing_opener_prints_the_place(linux, monkeypatch, tmp_path, capsys):
    install_program(monkeypatch, tmp_path / "bin", "xdg-open", "raise SystemExit(3)")
    make_dot(leaf(2)).render(tmp_path / "x", view=True)
    assert "failed with status 3; the picture is in" in capsys.readouterr().out


def test_an_opener_is_given_the_file(linux, monkeypatch, tmp_path, capsys):
    script = f"import sys; open({str(tmp_path / 'seen')!r}, 'w').write(sys.argv[1])"
    install_program(monkeypatch, tmp_path / "bin", "xdg-open", script)
    make_dot(leaf(2)).render(tmp_path / "x", view=True)
    assert (tmp_path / "seen").read_text() == str(tmp_path / "x.svg")
    assert capsys.readouterr().out == ""


def test_an_opener_that_stays_is_left_alone(linux, monkeypatch, tmp_path, capsys):
    others = set(threading.enumerate())  # the pool of compiled loops, for instance
    install_program(monkeypatch, tmp_path / "bin", "xdg-open", "import time; time.sleep(1)")
    monkeypatch.setattr(viewer_module, "OPENER_SECONDS", 0.05)
    make_dot(leaf(2)).render(tmp_path / "x", view=True)
    assert capsys.readouterr().out == ""
    for thread in set(threading.enumerate()) - others:
        thread.join(5)
        assert not thread.is_alive()


def test_the_opener_of_macos(linux, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.delenv("DISPLAY")
    make_dot(leaf(2)).render(tmp_path / "x", view=True)
    assert capsys.readouterr().out.startswith("There is no `open` program here; ")


# ---- imports ------------------------------------------------------------------------------------


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, pullback, pullback.graph; "
        "print([m for m in ('graphviz', 'pygraphviz') if m in sys.modules]); "
        "print(pullback.graph.make_dot.__name__, 'make_dot' in dir(pullback.graph)); "
        "print('graphviz' in sys.modules, 'pygraphviz' in sys.modules)"
    )
    env = os.environ | {"PYTHONPATH": SOURCE}
    out = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert out.stdout == "[]\nmake_dot True\nTrue False\n"


def test_an_unknown_name_is_an_attribute_error():
    import pullback.graph

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = pullback.graph.nothing


def test_the_model_is_plain_data():
    h, _, _ = kernel_norm(4)
    graph = trace(h)
    assert isinstance(graph, Graph)
    assert len({box.key for box in graph.boxes}) == len(graph.boxes)
    keys = {box.key for box in graph.boxes}
    assert all(arrow.tail in keys and arrow.head in keys for arrow in graph.arrows)
