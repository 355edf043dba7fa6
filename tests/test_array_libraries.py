"""Libraries written for the array API standard: SciPy; and the code of docs/array_api.md."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "array_api.md"


def run(*arguments: str) -> str:
    """What a Python process of its own prints, where SciPy computes with arrays of any library."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        env=os.environ | {"SCIPY_ARRAY_API": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def answers() -> dict[str, str]:
    found: dict[str, str] = json.loads(run(str(HERE / "scipy_calls.py")))
    return found


def test_scipy_computes_with_tensors(answers: dict[str, str]) -> None:
    assert len(answers) > 70
    assert {name: wrong for name, wrong in answers.items() if wrong} == {}


def test_scipy_takes_it_for_pytorch_where_it_stands_in_for_it(tmp_path: Path) -> None:
    """`pullback run`: SciPy then calls PyTorch's own functions, `torch.special.erf` and so on."""
    script = tmp_path / "script.py"
    script.write_text(
        "import torch\n"
        "from scipy import fft, special, stats\n"
        "x = torch.linspace(0.1, 1, 6, dtype=torch.float64, requires_grad=True)\n"
        "for f in (special.erf, special.logsumexp, stats.skew, lambda x: fft.rfft(x).real):\n"
        "    assert torch.autograd.gradcheck(f, (x,))\n"
        "print(torch.__name__)\n"
    )
    assert run("-m", "pullback", "run", str(script)) == "torch\n"


def test_the_page_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    run("-c", "\n".join(blocks))


def test_files_that_the_page_names_exist() -> None:
    for link in re.findall(r"\]\((\.\./[^)]+)\)", PAGE.read_text(encoding="utf-8")):
        assert (PAGE.parent / link).exists(), link


def test_every_skip_of_the_suite_has_a_reason() -> None:
    """A comment stands above each group of tests of the standard's suite that are left out."""
    reason, count = "", 0
    for line in (HERE / "array_api_skips.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            reason = line
        elif line:
            assert line.startswith("array_api_tests/") and "::" in line, line
            assert reason, f"no reason for {line}"
            count += 1
        else:
            reason = ""
    assert count
