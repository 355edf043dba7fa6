"""Timing several functions in turns, so that a noisy machine disturbs them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any


def in_turns(functions: Sequence[Callable[[], Any]], seconds: float) -> list[list[float]]:
    """The times of each function, in seconds: three calls at a time, at least three."""
    times: list[list[float]] = [[] for _ in functions]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[-1]) < 3:
        for f, found in zip(functions, times, strict=True):
            for _ in range(3):
                start = time.perf_counter()
                f()
                found.append(time.perf_counter() - start)
    return times
