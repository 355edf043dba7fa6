"""The example of geodesic shooting: it matches, in O(N) memory, and draws what it did."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path

EXAMPLE = Path(__file__).parent.parent / "examples" / "lddmm.py"


def test_the_surfaces_are_matched(tmp_path: Path) -> None:
    picture = tmp_path / "flow.svg"
    command = [sys.executable, "-m", "pullback", "run", str(EXAMPLE), "--points", "5000",
               "--steps", "4", "--iterations", "4", "--picture", str(picture)]  # fmt: skip
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    before, after = map(float, re.search(r"mismatch  (\S+) -> (\S+)", said).groups())  # type: ignore[union-attr]
    assert after < before / 2
    apart, moved = map(float, re.search(r"distance  (\S+) -> (\S+)", said).groups())  # type: ignore[union-attr]
    assert moved < apart
    memory = float(re.search(r"peak memory: (\S+) GB", said).group(1))  # type: ignore[union-attr]
    assert memory < 0.6  # one matrix of 5,000 x 5,000 has 0.1 GB, PyTorch would store a hundred
    shapes = [e.tag.split("}")[1] for e in xml.etree.ElementTree.parse(picture).iter()]
    assert shapes.count("polygon") > 6000
    assert shapes.count("polyline") > 100
    assert shapes.count("text") == 3
