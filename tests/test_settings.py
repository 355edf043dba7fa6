"""`pullback.config`, what it refuses, and that it reaches the loops."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback import config
from pullback.backends.llvm import run as run_module, threads
from pullback.config import free_memory, keep_memory
from pullback.errors import OutOfMemoryError

NAMES = ("defer_elements", "kept_memory", "max_formula_nodes", "memory_budget", "num_threads",
         "progress", "summation", "tile_bytes")  # fmt: skip


def state() -> dict[str, Any]:
    return {name: getattr(config, name) for name in NAMES}


def test_defaults() -> None:
    assert state() == {
        "defer_elements": 1 << 16, "max_formula_nodes": 2000, "tile_bytes": 1 << 26,
        "memory_budget": None, "kept_memory": 1 << 29,
        "num_threads": threads.available(), "progress": True, "summation": "blocked",
    }  # fmt: skip


def test_assignment_and_context() -> None:
    before = state()
    with torch.config(defer_elements=10, summation="kahan") as inside:
        assert inside is config and config.defer_elements == 10
        with torch.config(defer_elements=np.int64(20)):
            assert config.defer_elements == 20 and type(config.defer_elements) is int
            assert config.summation == "kahan"
        assert config.defer_elements == 10
        config.num_threads = before["num_threads"]  # a setting that the block does not name stays
    assert state() == before


def test_context_restores_after_an_error() -> None:
    before = state()
    with pytest.raises(ZeroDivisionError), torch.config(memory_budget=5, progress=False):
        1 // 0  # noqa: B018
    assert state() == before


def test_context_entered_twice() -> None:
    again = torch.config(defer_elements=3)
    before = config.defer_elements
    with again, again:
        assert config.defer_elements == 3
    assert config.defer_elements == before
    with again:
        assert config.defer_elements == 3
    assert config.defer_elements == before


def test_all_threads_see_a_change() -> None:
    seen = []
    with torch.config(defer_elements=7):
        thread = threading.Thread(target=lambda: seen.append(config.defer_elements))
        thread.start()
        thread.join()
    assert seen == [7]


BAD = [
    ("defer_elements", -1, ValueError, "at least 0, not -1"),
    ("defer_elements", 2.0, TypeError, "an int, not 2.0. Write 2"),
    ("defer_elements", True, TypeError, "an int, not True"),
    ("max_formula_nodes", 0, ValueError, "at least 1"),
    ("memory_budget", "2 GB", TypeError, "bytes"),
    ("memory_budget", 2e9, TypeError, "Write 2_000_000_000"),
    ("memory_budget", -5, ValueError, "at least 0"),
    ("num_threads", 0, ValueError, "at least 1"),
    ("num_threads", None, TypeError, "number of threads"),
    ("summation", "Kahan", ValueError, "'blocked' or 'kahan', not 'Kahan'"),
    ("summation", 1, TypeError, "'blocked' or 'kahan'"),
    ("progress", 1, TypeError, "True or False"),
]


@pytest.mark.parametrize(("name", "value", "error", "message"), BAD)
def test_unsound_values(name: str, value: Any, error: type[Exception], message: str) -> None:
    before = state()
    with pytest.raises(error) as assigned:
        setattr(config, name, value)
    with pytest.raises(error) as called:
        torch.config(**{name: value})
    for raised in (assigned, called):
        assert message in str(raised.value) and f"pullback.config.{name}" in str(raised.value)
    assert state() == before


def test_one_unsound_value_changes_nothing() -> None:
    before = state()
    with pytest.raises(ValueError), torch.config(defer_elements=5, num_threads=0):
        pass
    assert state() == before


def test_unknown_names() -> None:
    with pytest.raises(AttributeError, match="Did you mean 'num_threads'"):
        config.num_thread = 2
    with pytest.raises(TypeError, match="Did you mean 'defer_elements'"):
        torch.config(defer_element=2)
    with pytest.raises(AttributeError, match="not deleted"):
        del config.progress


def test_repr_shows_every_setting() -> None:
    for name, value in state().items():
        assert f"{name}={value!r}" in repr(config)


def test_every_setting_is_documented() -> None:
    page = (Path(__file__).parent.parent / "docs" / "settings.md").read_text()
    for name in NAMES:
        assert f"`{name}`" in page
    assert set(NAMES) == set(config.__slots__)


# ---- threads -------------------------------------------------------------------------------------


def test_torchs_functions() -> None:
    with torch.config(num_threads=3):
        assert torch.get_num_threads() == threads.get_num_threads() == 3
        torch.set_num_threads(1)
        assert config.num_threads == 1
        for bad in (0, -2, 1.5, True):
            with pytest.raises(RuntimeError, match="expects a positive integer"):
                torch.set_num_threads(bad)  # type: ignore[arg-type]
        assert config.num_threads == 1


@pytest.mark.parametrize("count", [1, 2, 3])
def test_threads_that_run(count: int) -> None:
    """As many threads as asked for take part in a run; the number may grow and shrink."""
    seen: set[int] = set()
    barrier = threading.Barrier(count, timeout=20)

    def work(chunk: int) -> None:
        if threading.get_ident() not in seen:
            seen.add(threading.get_ident())
            barrier.wait()

    for _ in range(2):
        seen.clear()
        with torch.config(num_threads=count):
            threads.pool.run(work, 50, lambda: None)
        assert len(seen) == count


# ---- sums ----------------------------------------------------------------------------------------


def spread(n: int) -> tuple[Any, float]:
    """Numbers whose sum in float32 depends on how they are added, and the exact sum."""
    values = np.random.default_rng(0).standard_normal(n).astype(np.float32)
    values *= np.float32(10) ** np.random.default_rng(1).integers(-3, 4, n)
    exact = float(values.astype(np.float64).sum())
    return torch.from_numpy(values), exact


def test_summation_reaches_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    original = run_module.Launch.__call__

    def spy(launch: Any, *args: Any, **keywords: Any) -> None:
        asked.append(launch.program.kernel.summation)
        original(launch, *args, **keywords)

    monkeypatch.setattr(run_module.Launch, "__call__", spy)
    x, exact = spread(200_000)
    results = []
    for summation in ("blocked", "kahan", "blocked"):  # the plan is not the one of before
        with torch.config(summation=summation, defer_elements=1 << 16):
            results.append((x * 1.0).sum().item())
    assert asked == ["blocked", "kahan", "blocked"]
    assert results[0] == results[2]
    scale = float(x.abs().sum().item())
    assert abs(results[1] - exact) <= 1e-7 * scale


# ---- memory --------------------------------------------------------------------------------------


def test_memory_budget_is_kept() -> None:
    x = torch.rand(500)
    with torch.config(defer_elements=100):
        products = x[:, None] * x[None, :]
        with torch.config(memory_budget=999_999), pytest.raises(OutOfMemoryError) as raised:
            products.numpy()
        for part in ("[500, 500]", "1.0 MiB", "reduce it", "config.memory_budget"):
            assert part in str(raised.value)
        with torch.config(memory_budget=1_000_000):
            assert products.numpy().shape == (500, 500)


def write(folder: Path, **files: str) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


def test_free_memory(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 9000 kB\nMemAvailable:    4000 kB\n")
    assert free_memory(meminfo, nowhere) == 4000 * 1024
    limited = write(
        tmp_path / "limited", memory_max="1000000\n", memory_current="300000\n",
        memory_stat="anon 250000\ninactive_file 50000\n",
    )  # fmt: skip
    assert free_memory(meminfo, limited) == 750_000
    free = write(tmp_path / "free", memory_max="max\n", memory_current="3\n", memory_stat="anon 1")
    assert free_memory(meminfo, free) == 4000 * 1024
    full = write(
        tmp_path / "full", memory_max="1000\n", memory_current="2000\n", memory_stat="anon 1\n"
    )
    assert free_memory(meminfo, full) == 0
    machine = free_memory(nowhere, nowhere)
    assert machine is None or machine > 1 << 20


# ---- imports -------------------------------------------------------------------------------------


def test_import_leaves_compilers_and_bars_alone() -> None:
    code = (
        "import sys, pullback; pullback.config.num_threads = 1; pullback.rand(3).exp();"
        "print([m for m in ('llvmlite', 'tqdm', 'scipy') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


KEPT = """
import resource, sys
import pullback as torch

torch.config.kept_memory = int(sys.argv[1])
x = torch.randn(1_000_000)
faults = []
for _ in range(20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    both = [x.detach().clone() for _ in range(3)]  # 12 MB, of which no array is left
    del both
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(faults[-1])
"""


@pytest.mark.skipif(not keep_memory(config.kept_memory), reason="another allocator than glibc's")
def test_freed_memory_is_used_again() -> None:
    pages = {
        kept: int(subprocess.run([sys.executable, "-c", KEPT, str(kept)], check=True,
                                 capture_output=True, text=True).stdout)
        for kept in (0, 1 << 29)
    }  # fmt: skip
    assert pages[1 << 29] < 100 < pages[0]


def test_the_environment_decides_about_memory() -> None:
    code = "import pullback; print(pullback.config.kept_memory)"
    found = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True,
        env={**os.environ, "MALLOC_TRIM_THRESHOLD_": "1000000"},
    )  # fmt: skip
    assert found.stdout.strip() == "0"
