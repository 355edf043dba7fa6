"""Progress bars: only for long runs, and only where a person is watching."""

from __future__ import annotations

import io
import re
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.backends import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Somebody watches, and has no patience."""
    screen = Terminal()
    # Not the true one: pytest gives each phase of a test another.
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=screen, modules=sys.modules))
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(progress, "REFRESH", 0.0)
    monkeypatch.setenv("COLUMNS", "100")
    yield screen


def norm(n: int) -> float:
    x: Any = torch.from_numpy(np.linspace(0, 1, n, dtype=np.float32))
    return float((-((x[:, None] - x[None, :]) ** 2)).exp().sum().item())


def test_a_bar_with_sizes_and_percentages(terminal: Terminal) -> None:
    with torch.config(num_threads=1):  # every task is reported by the thread that waits for all
        norm(3000)
    shown = terminal.getvalue()
    shown_percentages = [int(p) for p in re.findall(r"3,000 × 3,000: +(\d+)%", shown)]
    assert len(shown_percentages) > 1 and shown_percentages[0] > 0
    assert shown_percentages[-1] == 100
    assert shown_percentages == sorted(shown_percentages)
    assert shown.endswith("\r")  # and it is wiped off at the end


def test_short_runs_show_nothing(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 1000.0)
    norm(3000)
    assert terminal.getvalue() == ""


def test_switched_off(terminal: Terminal) -> None:
    with torch.config(progress=False):
        norm(3000)
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("stream", [io.StringIO(), None, object()])
def test_nobody_watches(stream: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    assert not progress.watched()
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    with progress.shown("3 × 3") as report:
        assert report is not None
        report(1, 3)
    assert not isinstance(stream, io.StringIO) or stream.getvalue() == ""


def test_a_notebook_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())

    class ZMQInteractiveShell: ...

    class TerminalInteractiveShell: ...

    for shell, watched in ((ZMQInteractiveShell(), True), (TerminalInteractiveShell(), False)):
        ipython = SimpleNamespace(get_ipython=lambda shell=shell: shell)
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        assert progress.watched() is watched


def test_the_bar_closes_after_an_error(terminal: Terminal) -> None:
    with pytest.raises(ZeroDivisionError), progress.shown("2 × 2") as report:
        assert report is not None
        report(1, 4)
        assert " 25%" in terminal.getvalue()
        1 // 0  # noqa: B018
    assert terminal.getvalue().endswith("\r")


def test_time_left_counts_from_the_start_of_the_run(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(progress, "PATIENCE", 2.0)
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    with progress.shown("2 × 2") as report:
        assert report is not None
        clock.now = 101.0
        report(1, 40)
        assert terminal.getvalue() == ""
        clock.now = 110.0
        report(10, 40)
    line = terminal.getvalue().split("\r")[1]
    assert "25%" in line and "00:10<00:30" in line
