"""What type checkers and editors know: stubs made from the registry, and types of users' code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pullback import stubs

FOLDER = Path(stubs.__file__).parent / "signatures"


def test_the_stubs_are_up_to_date() -> None:
    made = stubs.files()
    assert sorted(made) == sorted(path.name for path in FOLDER.iterdir())
    for name, text in made.items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, (
            f"signatures/{name} is stale: run `python -m pullback.operations_page`"
        )


SCRIPT = """
import pullback as torch
import pullback.nn.functional as F
from pullback import Tensor

x = torch.rand(3, 4, dtype=torch.float, requires_grad=True)
weight = torch.nn.Parameter(torch.ones(4))

def loss(x: Tensor) -> Tensor:
    y = torch.softmax((x * weight + 1).exp(), dim=-1)
    return -torch.linalg.vector_norm(F.relu(y)).add_(1)

found: list[object] = [
    reveal_type(loss(x)),
    reveal_type(x.sum(axis=1)),
    reveal_type(x.t().shape),
    reveal_type(torch.topk(x, 2).values),
    reveal_type(x.split(2)),
    reveal_type(torch.equal(x, x)),
    reveal_type(x.median()),
    reveal_type(x.median(1).indices),
    reveal_type(x.median(dim=1)),
    reveal_type(F.max_pool2d(x, 2)),
    reveal_type(x.grad),
    reveal_type(2 * x < 1),
    reveal_type(torch.fft.fft(x).real),
    reveal_type(weight),
    reveal_type(torch.linalg.qr(x)),
]
"""

REVEALED = [
    "pullback.tensor.Tensor",
    "pullback.tensor.Tensor",
    "pullback.tensor.Size",
    "pullback.tensor.Tensor",
    "tuple[pullback.tensor.Tensor, ...]",
    "bool",
    "pullback.tensor.Tensor",
    "pullback.tensor.Tensor",
    "return_types.median",
    "pullback.tensor.Tensor",
    "pullback.tensor.Tensor | None",
    "pullback.tensor.Tensor",
    "pullback.tensor.Tensor",
    "pullback.nn.parameter.Parameter",
    "return_types.qr",
]

MISTAKES = {
    "torch.expp(x)": "attr-defined",
    "torch.exp(x, 3)": "call-arg",
    "torch.sum(x, dim='rows')": "arg-type",
    "x.cumsumm(0)": "attr-defined",
    "x.reshape(3, sizes=2)": "call-arg",
    "torch.topk(x, 2).value": "attr-defined",
    "torch.linalg.cholesky([[1.0]])": "arg-type",
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What mypy says of a script of a user's."""
    pytest.importorskip("mypy", reason="the types are mypy's to read: install pullback[dev]")
    folder = tmp_path_factory.mktemp("types")
    script = folder / "script.py"
    script.write_text(SCRIPT + "\n".join(MISTAKES) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder / "cache")]
    done = subprocess.run(
        [*command, "--follow-imports", "silent", "--config-file", "", str(script)],
        capture_output=True, text=True, cwd=folder,
    )  # fmt: skip
    assert not done.stderr
    return done.stdout.splitlines()


def test_results_have_types(said: list[str]) -> None:
    revealed = [line.rpartition("Revealed type is ")[2] for line in said if "Revealed" in line]
    assert len(revealed) == len(REVEALED)
    for found, wanted in zip(revealed, REVEALED, strict=True):
        assert wanted in found


def test_mistakes_are_seen(said: list[str]) -> None:
    first = SCRIPT.count("\n") + 1
    errors: dict[int, str] = {}
    for line in said:
        if ": error:" in line:
            number = int(line.split(":")[1])
            errors[number] = errors.get(number, "") + line
    assert sorted(errors) == [*range(first, first + len(MISTAKES))], said
    for number, (line, code) in enumerate(MISTAKES.items(), first):
        assert code in errors[number], f"{line}: {errors[number]}"
