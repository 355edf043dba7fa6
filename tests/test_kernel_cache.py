"""Compiled kernels on disk: who reads them, who does not, what happens to damaged ones."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loop_kernels import sum_kernel, sums
from pullback.backends.llvm import cache, compile
from pullback.backends.llvm.compile import program
from pullback.backends.llvm.target import host


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "objects"
    monkeypatch.setenv("PULLBACK_CACHE_DIR", str(path))
    compile.forget()
    return path


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*" + cache.SUFFIX))


def test_cache_serves_another_process(folder: Path) -> None:
    assert not program(sum_kernel()).from_disk
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    compile.forget()
    assert program(sum_kernel()).from_disk
    sums(50, 60)
    compile.forget()
    assert not program(sum_kernel(), host(4)).from_disk  # another target
    assert len(entries(folder)) == 2
    assert cache.clear() == 2 and not entries(folder)


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "rename", "garbage"])
def test_damaged_entries_are_ignored(folder: Path, damage: str) -> None:
    program(sum_kernel())
    (entry,) = entries(folder)
    data = bytearray(entry.read_bytes())
    if damage == "truncate":
        data = data[: len(data) // 2]
    elif damage == "flip":
        data[-100] ^= 1
    elif damage == "empty":
        data = bytearray()
    elif damage == "garbage":
        data = bytearray(os.urandom(5000))
    entry.write_bytes(data)
    if damage == "rename":  # a sound object under another kernel's name
        program(sum_kernel(), host(4))
        other = next(e for e in entries(folder) if e != entry)
        entry.write_bytes(other.read_bytes())
    compile.forget()
    assert not program(sum_kernel()).from_disk
    sums(50, 60)
    compile.forget()
    assert program(sum_kernel()).from_disk  # and it has been replaced


def test_directories_open_to_others_are_refused(folder: Path) -> None:
    program(sum_kernel())
    folder.chmod(0o755)
    assert "chmod" in (cache.refusal(folder) or "")
    compile.forget()
    assert not program(sum_kernel()).from_disk
    folder.chmod(0o700)
    compile.forget()
    assert program(sum_kernel()).from_disk


def test_links_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(sum_kernel())
    link = folder.parent / "link"
    link.symlink_to(folder)
    monkeypatch.setenv("PULLBACK_CACHE_DIR", str(link))
    compile.forget()
    assert not program(sum_kernel()).from_disk
    monkeypatch.setenv("PULLBACK_CACHE_DIR", str(folder))
    (entry,) = entries(folder)
    moved = entry.rename(folder.parent / "moved")
    entry.symlink_to(moved)
    compile.forget()
    assert not program(sum_kernel()).from_disk


def test_entries_of_other_users_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(sum_kernel())
    me = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: me + 1)
    assert "another user" in (cache.refusal(folder) or "")
    compile.forget()
    assert not program(sum_kernel()).from_disk


def test_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*args: Any, **keywords: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", no_space)
    assert not program(sum_kernel()).from_disk
    sums(50, 60)
    assert not list(folder.iterdir())  # nothing half-written stays


def test_what_was_not_used_for_longest_goes_first(folder: Path) -> None:
    for n, name in enumerate(["old", "new", "used"]):
        assert cache.put(name, bytes(1000))
        os.utime(folder / (name + cache.SUFFIX), (n, n))
    os.utime(folder / ("used" + cache.SUFFIX), (0, 0))
    assert cache.get("used") == bytes(1000)  # which writes down that it was
    assert cache.prune(4000) == 0
    assert cache.prune(3000) == 1
    assert [e.stem for e in entries(folder)] == ["new", "used"]


def test_a_process_looks_once_whether_there_is_too_much(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    monkeypatch.setattr(cache, "prune", lambda: looks.append(1))
    for name in "abc":
        assert cache.put(name, b"object")
    assert looks == [1]


def test_concurrent_writers(folder: Path) -> None:
    code = "import sys; sys.path.insert(0, 'tests'); from loop_kernels import sums; sums(50, 60)"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code], cwd=Path(__file__).parent.parent,
            env={**os.environ, "PYTHONPATH": "src"},
        )
        for _ in range(4)
    ]  # fmt: skip
    assert [p.wait(timeout=100) for p in processes] == [0] * 4
    assert len(list(folder.iterdir())) == 1
    compile.forget()
    assert program(sum_kernel()).from_disk
