"""The page of operations is made from the registry, and up to date; what it says is true."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import pullback
from pullback import operations_page, samples
from pullback.cli import main
from pullback.dispatch import TENSORS
from pullback.op import REGISTRY, Op, pointwise, reduction
from sampling import PUBLIC, key

PAGE = Path(__file__).parent.parent / "docs" / "operations.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == operations_page.markdown(), (
        "docs/operations.md is stale: run `python -m pullback.operations_page`"
    )


def test_the_page_is_written(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "pullback.operations_page"]
    done = subprocess.run([*command, str(tmp_path / "page.md")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")
    done = subprocess.run([*command, str(tmp_path / "no" / "page.md")], capture_output=True)
    assert done.returncode == 2
    assert b"there is no folder" in done.stderr


@pytest.mark.parametrize("op", PUBLIC, ids=key)
def test_every_name_is_on_the_page(op: Op) -> None:
    """Each name of the page is one that users can call, and no name is missing."""
    names = list(operations_page.names(op))
    for name in names:
        home = pullback
        for part in name.split("."):
            home = getattr(home, part)
        assert callable(home)
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    line = next(x for x in lines if x.startswith(f"| `{names[0]}`"))
    assert all(f"`{name}`" in line for name in names)


def test_the_terminal_page(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
                           ) -> None:  # fmt: skip
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["info", "--ops"]) == 0
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100  # facts are not cut, sentences are wrapped
    assert [line.split() for line in lines if line.startswith("  logaddexp ")] == [
        ["logaddexp", "pointwise", "input,", "other", "any", "yes", "float", "complex"]
    ]
    for op in REGISTRY.values():
        assert next(operations_page.names(op)) in text


@pytest.mark.parametrize("op", [o for o in REGISTRY.values() if o.rules], ids=key)
def test_order_of_differentiability(op: Op) -> None:
    """Three derivatives in a row can be taken of what the page says has any number of them."""
    assert operations_page.order(op) == "any"
    call = samples.calls(op)[0]
    args, keywords = call.converted(
        pullback, lambda a: pullback.from_numpy(a).requires_grad_() if a.dtype.kind == "f" else a
    )
    leaves = [a for a in args if isinstance(a, pullback.Tensor) and a.requires_grad]
    results = samples.outputs(getattr(TENSORS, op.key)(*args, **keywords))
    for _ in range(3):
        tracked = [r for r in results if getattr(r, "requires_grad", False)]
        if not tracked or not leaves:
            break
        total = sum((r * r.conj()).real.sum() for r in tracked)
        found = pullback.autograd.grad(total, leaves, create_graph=True, allow_unused=True)
        results = [g for g in found if g is not None]


def test_what_is_asked_of_a_declaration() -> None:
    """An operation whose rule ends in one without a derivative, or that has no loop, is told."""
    before = set(REGISTRY)
    try:

        @pointwise(public=False)
        def dead_end(xp, input):  # type: ignore[no-untyped-def]
            """No rule, though it says that it has a derivative."""
            return xp.exp(input)

        @reduction(public=False, state="s", dtypes="f")
        def oddity(xp, input, dim):  # type: ignore[no-untyped-def]
            """A reduction that loops do not have."""
            return xp.sum(input, dim, keepdim=True)

        @oddity.combine
        def _(xp, a, b):  # type: ignore[no-untyped-def]
            return a + b

        @oddity.backward("input")
        def _(xp, g, input):  # type: ignore[no-untyped-def]
            return g * xp.dead_end(input)

        operations_page.closed.cache_clear()
        found = operations_page.entry(oddity)
        assert (found.gradient, found.order, found.fuses) == ("input", "1", "-")
        assert found.dtypes == "float"
        assert found.summary == "A reduction that loops do not have."
        found = operations_page.entry(dead_end)
        assert (found.order, found.fuses, found.dtypes) == ("-", "yes", "any")
    finally:
        for name in set(REGISTRY) - before:
            del REGISTRY[name]
        operations_page.closed.cache_clear()
