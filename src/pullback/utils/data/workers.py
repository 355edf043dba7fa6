"""Workers that fetch samples in turn, in one thread, each with a number and random numbers."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.backends.generator import default_generator
from pullback.dispatch import TENSORS

__all__ = ["Team", "WorkerInfo", "get_worker_info"]


@dataclass
class WorkerInfo:
    """Which worker this is: its number `id`, how many there are, its seed, and its data set."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_working: list[WorkerInfo] = []  # the worker whose turn it is, the innermost last


def get_worker_info() -> WorkerInfo | None:
    """The worker whose turn it is; None outside of workers."""
    return _working[-1] if _working else None


def _states() -> tuple[Any, Any, Any]:
    """Where the random numbers of Python, NumPy and pullback are."""
    return random.getstate(), np.random.get_state(), default_generator.get_state()


def _restore(states: tuple[Any, Any, Any]) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])
    default_generator.set_state(states[2])


class _Worker:
    """A worker: random numbers go on where they were at the end of its last turn."""

    def __init__(self, info: WorkerInfo, start: Callable[[int], Any] | None):
        self.info = info
        before = _states()
        random.seed(info.seed)
        np.random.seed(info.seed % 2**32)
        default_generator.manual_seed(info.seed)
        self._states = _states()
        _restore(before)
        if start is not None:
            with self.turn():
                start(info.id)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """What is called inside is called by this worker."""
        before = _states()
        _restore(self._states)
        _working.append(self.info)
        try:
            yield
        finally:
            _working.pop()
            self._states = _states()
            _restore(before)


class Team:
    """The workers of one pass through a data set."""

    def __init__(self, count: int, dataset: Any, start: Any, generator: Any):
        base = int(TENSORS.randint(0, 2**62, (), generator=generator).item())
        self._count, self._base, self._dataset, self._start = count, base, dataset, start

    def _workers(self, copied: bool) -> list[_Worker]:
        return [
            _Worker(
                WorkerInfo(k, self._count, self._base + k,
                           copy.copy(self._dataset) if copied else self._dataset),
                self._start,
            )
            for k in range(self._count)
        ]  # fmt: skip

    def streams(self, read: Callable[[Any], Iterator[Any]]) -> Iterator[Any]:
        """`read(dataset)` of each worker's copy, one batch from each in turn."""
        team = [(w, read(w.info.dataset)) for w in self._workers(copied=True)]
        while team:
            left = []
            for worker, stream in team:
                with worker.turn():
                    batch = next(stream, _END)
                if batch is not _END:
                    left.append((worker, stream))
                    yield batch
            team = left

    def fetches(self, places: Iterable[Any], fetch: Callable[[Any], Any]) -> Iterator[Any]:
        """`fetch(place)` of all places, by one worker after the other."""
        workers = self._workers(copied=False)
        for k, place in enumerate(places):
            with workers[k % self._count].turn():
                found = fetch(place)
            yield found


_END = object()
