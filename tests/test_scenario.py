"""The reference scenario: its two code blocks, joined verbatim in one file, run unchanged."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

EXCERPT = Path(__file__).parent / "data" / "scenario.txt"  # not .py: formatters keep off
DOCUMENT = "high_level_frameworks.rst"


def code_blocks(document: str) -> list[str]:
    """The contents of the ``code-block:: python`` blocks of a reStructuredText document."""
    blocks = re.findall(r"^\.\. code-block:: python\n\n((?: {4}.*\n|\n)+)", document, re.MULTILINE)
    return [textwrap.dedent(block).strip("\n") + "\n" for block in blocks]


def documents() -> list[Path]:
    """The reference document, where this machine has it; PULLBACK_SEED is its path."""
    beside = Path(__file__).parents[2] / "shared" / "seed" / DOCUMENT
    named = os.environ.get("PULLBACK_SEED")
    if named:
        assert Path(named).is_file(), f"PULLBACK_SEED={named} is not a file"
    return [path for path in (Path(named) if named else beside,) if path.is_file()]


def test_code_blocks_are_extracted_verbatim() -> None:
    document = (
        "Text\n\n.. code-block:: python\n\n    a = 1  # one\n\n    if a:\n        b\n\nText\n"
    )
    assert code_blocks(document) == ["a = 1  # one\n\nif a:\n    b\n"]


def test_the_excerpt_is_the_documents_two_blocks() -> None:
    script = EXCERPT.read_text(encoding="utf-8")
    assert script.count("make_dot(H, {'q':q, 'p':p}).render(view=True)\n") == 1
    assert script.endswith("torch.autograd.grad( H, [q, p] )  # pair of (N,D) tensors\n")
    for document in documents():
        blocks = code_blocks(document.read_text(encoding="utf-8"))
        assert len(blocks) == 2
        assert script == "\n".join(blocks)


def test_the_scenario_runs_unchanged(tmp_path: Path) -> None:
    script, folder = tmp_path / "scenario.py", tmp_path / "empty"
    script.write_bytes(EXCERPT.read_bytes())
    folder.mkdir()
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    done = subprocess.run(
        [sys.executable, "-m", "pullback", "run", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    pictures = [path for path in folder.iterdir() if path.suffix in (".svg", ".pdf")]
    assert len(pictures) == 1, sorted(folder.iterdir())
    assert pictures[0].stat().st_size > 1000


def test_the_scenarios_values(tmp_path: Path) -> None:
    """The numbers of the same script, against float64 NumPy."""
    script = tmp_path / "scenario.py"
    check = """
    import numpy as np
    x, m = (t.detach().numpy().astype(float) for t in (q, p))
    d = x[:, None] - x
    k = np.exp(-(d**2).sum(-1) / (2 * 2.5**2))
    v = k @ m
    assert abs(H.item() - 0.5 * (m * v).sum()) <= 1e-5 * abs(H.item())
    pull = -((k * (m @ m.T))[:, :, None] * d).sum(1) / 2.5**2
    for found, expected in ((grad_q, pull), (grad_p, v)):
        assert found.shape == (N, D) and found.dtype == torch.float32
        error = np.linalg.norm(found.numpy() - expected)
        assert error <= 1e-5 * np.linalg.norm(expected), error / np.linalg.norm(expected)
    print("checked")
    """
    script.write_text(EXCERPT.read_text(encoding="utf-8") + textwrap.dedent(check), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pullback", "run", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "checked"


def test_the_example_runs_and_draws(tmp_path: Path) -> None:
    example = Path(__file__).parents[1] / "examples" / "kernel_norm.py"
    done = subprocess.run(
        [sys.executable, "-m", "pullback", "run", example],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    numbers = dict(re.findall(r"^(\S+) += ([-\d.e]+)", done.stdout, re.MULTILINE))
    # The values that PyTorch 2.13 and a float64 NumPy computation give.
    expected = {"N": 2930, "H(q,p)": 0.984159, "|dH/dq|": 0.063232, "|dH/dp|": 10.688654}
    for name, value in expected.items():
        assert abs(float(numbers[name]) - value) <= 1e-5 * value + 1e-6, (name, numbers)
    assert (tmp_path / "kernel_norm.svg").stat().st_size > 1000


def test_the_readmes_tour_runs(tmp_path: Path) -> None:
    """Its Python blocks, one after the other in one file; the comments give the values."""
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", readme, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == 4
    check = """
    assert x.grad.tolist() == [2.0, 4.0, 6.0]
    expected = 2 * x.cos() - x * x.sin()
    assert (h - expected).abs().max().item() < 1e-6
    assert (slope - (2 * ones).sin()).abs().max().item() < 1e-6
    assert (bend - 2 * (2 * ones).cos()).abs().max().item() < 1e-6
    assert rows.shape == (10, 3)
    """
    (tmp_path / "tour.py").write_text("".join(blocks) + textwrap.dedent(check), "utf-8")
    done = subprocess.run(
        [sys.executable, "tour.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "y.svg").stat().st_size > 1000
