"""pullback imported from a zip file."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pullback
from pullback.backends.llvm import compile

PACKAGE = Path(pullback.__file__).parent

CODE = """
import pullback as torch
from pullback.backends.llvm import compile
from pullback.graph import explore, make_dot
from pullback.utils.cpp_extension import load_inline

assert ".zip" in torch.__file__
print(compile._generator())
x = torch.rand(300, 3, requires_grad=True)
with torch.config(defer_elements=1000):
    energy = (-((x[:, None] - x[None]) ** 2).sum(-1)).exp().sum()
    energy.backward()
assert abs(x.grad.sum()) < 1
make_dot(x.sum(), {"x": x}).render("picture", format="svg")
explore(x.sum(), path="page.html", view=False)
try:
    load_inline("seven", "int seven() { return 7; }", functions=["seven"])
except RuntimeError as error:
    assert "zip file" in str(error), error
else:
    raise AssertionError("a header was read from a zip file")
"""


def test_a_zip_file_is_a_whole_pullback(tmp_path: Path) -> None:
    """Same kernels in the cache as the folder's, pictures, pages; no extensions, and it says so."""
    archive = tmp_path / "pullback.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in PACKAGE.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                file.write(path, path.relative_to(PACKAGE.parent))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CODE], cwd=tmp_path, check=False,
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(archive)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[0] == compile._generator()
    assert "<svg" in (tmp_path / "picture.svg").read_text(encoding="utf-8")
    assert "<html" in (tmp_path / "page.html").read_text(encoding="utf-8")
