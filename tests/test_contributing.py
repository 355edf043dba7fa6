"""The ten lines of CONTRIBUTING.md are all that a new operation takes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pullback

PAGE = Path(__file__).parent.parent / "CONTRIBUTING.md"

# What must follow from the declaration alone; run on a copy of the package.
CONSEQUENCES = """
import numpy as np
import pullback as torch
from pullback.autograd import gradcheck, gradgradcheck
from pullback.backends import scalar
from pullback.backends.symbols import SYMBOLS

x = torch.tensor([-800.0, -1.0, 0.0, 2.0, 800.0], dtype=torch.float64, requires_grad=True)
y = torch.softplus(x)
assert np.allclose(y.detach(), np.logaddexp(0, x.detach().numpy()))
assert y.grad_fn.name() == "SoftplusBackward0" and (y.grad_fn._saved_self == x).all()
assert torch.softplus(torch.tensor([1, 2])).dtype == torch.float32
z = torch.tensor([-1.0, 0.5, 2.0], dtype=torch.float64, requires_grad=True)
assert gradcheck(torch.softplus, z) and gradgradcheck(lambda v: v.softplus(), z)
w = z.detach().clone()
assert w.softplus_() is w and torch.equal(w, z.detach().softplus())
out = torch.empty(3, dtype=torch.float64)
assert torch.softplus(z.detach(), out=out) is out and torch.equal(out, w)
body = SYMBOLS.softplus(scalar.scalar_input("x", "float64"))
assert np.allclose(scalar.evaluate(body, {"x": z.detach().numpy()}), w.numpy())
"""


def test_the_example_is_a_whole_operation(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (example,) = [b for b in blocks if "def softplus" in b]
    assert len([line for line in example.splitlines() if line.strip()]) <= 10
    shutil.copytree(Path(pullback.__file__).parent, tmp_path / "pullback")
    with open(tmp_path / "pullback" / "ops" / "exponential.py", "a") as family:
        family.write("\n\n" + example)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(CONSEQUENCES)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
