"""The code of docs/extending.md runs as it stands, from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pullback.utils import compiler

PAGE = Path(__file__).parent.parent / "docs" / "extending.md"


def test_every_block_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 4
    namespace: dict[str, object] = {}
    for number, block in enumerate(blocks):
        if "load_inline" in block:
            try:
                compiler.compiler()
            except RuntimeError as error:
                pytest.skip(str(error))
        exec(compile(block, f"extending.md, block {number}", "exec"), namespace)


def test_files_that_it_names_exist() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((\.\./[^)]+)\)", text):
        assert (PAGE.parent / link).exists(), link
    for example in re.findall(r"examples/\w+\.py", text):
        assert (PAGE.parent.parent / example).exists(), example
