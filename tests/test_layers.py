"""The house's floors: imports point down."""

from __future__ import annotations

import ast
import itertools
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "pullback"

# From the ground up; a package stands for all of its modules. `__init__` is the package's own.
FLOORS = [
    {"signatures"},  # for type checkers alone
    {
        "dtypes",
        "devices",
        "layouts",
        "locks",
        "errors",
        "matrices",
        "meeting",
        "missing",
        "paths",
        "printing",
        "version",
    },
    {"arguments", "limits"},
    {"config"},
    {"operation"},
    {"kinds"},
    {"view_functions"},
    {"op"},
    {"ops", "tensor", "backends", "samples"},
    {"formula"},
    {"autograd"},
    {"dispatch"},
    {"namespaces"},
    {"amp", "construct", "scalars", "types"},
    {"indexing"},
    {"methods"},
    {"graph", "cuda", "func"},
    {
        "compiler",
        "distributed",
        "eigenpairs",
        "fft",
        "futures",
        "jit",
        "linalg",
        "masked",
        "multiprocessing",
        "nn",
        "plain",
        "profiler",
        "random",
        "signal",
        "special",
        "testing",
        "torch_alias",
        "utils",
    },
    {"optim", "pytorch_files"},
    {"serialization"},
    {"__init__", "_C", "__config__", "_dynamo"},
    {"array_api", "distributions", "quasirandom", "stubs"},
    {"operations_page"},
    {"cli", "stand_in"},
    {"__main__"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def room(module: str) -> str:
    """The room of a module: `pullback.ops.reduction` is in `ops`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports(path: Path) -> set[str]:
    """The pullback modules that a file imports, lazily or not."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "pullback":
                for alias in node.names:
                    inside = (SOURCE / alias.name).is_dir() or (
                        SOURCE / f"{alias.name}.py"
                    ).exists()
                    found.add(f"pullback.{alias.name}" if inside else "pullback")
            else:
                found.add(node.module)
    return {name for name in found if name.split(".")[0] == "pullback"}


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_the_page_has_the_floors() -> None:
    """docs/architecture.md draws every room, and none above one that may import it."""
    page = (SOURCE.parent.parent / "docs" / "architecture.md").read_text()
    lines = page.split("```")[1].splitlines()
    at = {
        name: k
        for k, line in enumerate(lines)
        for name in re.findall(r"\w+(?=\.py\b|/)", line)
        if name in FLOOR
    }
    assert at.keys() == FLOOR.keys()
    for low, high in itertools.product(FLOOR, FLOOR):
        assert FLOOR[low] >= FLOOR[high] or at[low] > at[high], f"{low} is drawn above {high}"


FILES = sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: module_name(p))
def test_imports_point_down(path: Path) -> None:
    here = room(module_name(path))
    assert here in FLOOR, f"{path} is in no room: give it a floor, here and in docs/architecture.md"
    for target in imports(path):
        there = room(target)
        assert there == here or FLOOR[there] < FLOOR[here], (
            f"{module_name(path)} imports {target}, which is not below it"
        )


@pytest.mark.parametrize("path", sorted((SOURCE / "ops").glob("*.py")), ids=lambda p: p.stem)
def test_declarations_are_inert(path: Path) -> None:
    """A declaration imports `pullback.op` and nothing else of pullback, nor NumPy."""
    allowed = {"pullback.op"} if path.stem != "__init__" else {"pullback.ops"}
    assert imports(path) <= allowed
    names = {
        n.name.split(".")[0]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import)
        for n in node.names
    }
    assert names <= {"math"}


TOURS = ("autograd", "backends", "backends/llvm", "backends/passes", "dispatch", "formula")


@pytest.mark.parametrize("place", TOURS)
def test_tours_name_every_file(place: str) -> None:
    """Who opens a room finds all that is in it, in an order to read it in."""
    tour = ast.get_docstring(ast.parse((SOURCE / place / "__init__.py").read_text())) or ""
    words = set(re.findall(r"\w+", tour))
    inside = {p.stem for p in (SOURCE / place).iterdir() if p.suffix == ".py" or p.is_dir()}
    missing = inside - words - {"__init__", "__pycache__"}
    assert not missing, (
        f"{place}/__init__.py does not say what {sorted(missing)} is for: add a line"
    )


def test_no_import_cycles() -> None:
    """Within a room as well, modules import each other in one direction (lazy imports apart)."""
    graph = {}
    for path in FILES:
        tree = ast.parse(path.read_text())
        top = ast.Module([n for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom))], [])
        own = module_name(path)
        direct = set()
        for node in top.body:
            if (
                isinstance(node, ast.ImportFrom)
                and node.module
                and node.module.startswith("pullback")
            ):
                for alias in node.names:
                    name = f"{node.module}.{alias.name}"
                    where = SOURCE.parent / Path(*name.split("."))
                    is_module = where.is_dir() or where.with_suffix(".py").exists()
                    direct.add(name if is_module else node.module)
        graph[own] = direct - {own}
    # A package's __init__ stands above its modules: they do not import names through it.
    done: set[str] = set()
    path_now: list[str] = []

    def visit(name: str) -> None:
        assert name not in path_now, f"an import cycle: {' -> '.join([*path_now, name])}"
        if name in done:
            return
        path_now.append(name)
        for target in sorted(graph.get(name, ())):
            visit(target)
        path_now.pop()
        done.add(name)

    for name in sorted(graph):
        visit(name)
