"""Workers that fetch samples in turn, in one thread, each with a number and random numbers."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.backends.generator import Generator, default_generator
from pullback.dispatch import TENSORS

__all__ = ["Team", "WorkerInfo", "get_worker_info"]


@dataclass
class WorkerInfo:
    """Which worker this is: its number `id`, how many there are, its seed, and its data set."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


RANDOM: Any = np.random  # NumPy's stubs do not know how its stream is exchanged
_working: list[WorkerInfo] = []  # the worker whose turn it is, the innermost last


def get_worker_info() -> WorkerInfo | None:
    """The worker whose turn it is; None outside of workers."""
    return _working[-1] if _working else None


def _streams() -> tuple[Any, Any, Any]:
    """The random numbers of Python, NumPy and pullback, where they are.

    The streams of the last two are exchanged as a whole: copying their states takes longer than
    most batches.
    """
    return random.getstate(), RANDOM.get_bit_generator(), default_generator.stream()


def _resume(streams: tuple[Any, Any, Any]) -> None:
    random.setstate(streams[0])
    RANDOM.set_bit_generator(streams[1])
    default_generator.resume(streams[2])


class _Worker:
    """A worker: random numbers go on where they were at the end of its last turn."""

    def __init__(self, info: WorkerInfo, start: Callable[[int], Any] | None):
        self.info = info
        own = Generator().manual_seed(info.seed).stream()
        python = random.Random(info.seed).getstate()
        self._streams: tuple[Any, Any, Any] = python, np.random.MT19937(info.seed), own
        if start is not None:
            with self.turn():
                start(info.id)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """What is called inside is called by this worker."""
        before = _streams()
        _resume(self._streams)
        _working.append(self.info)
        try:
            yield
        finally:
            _working.pop()
            self._streams = _streams()
            _resume(before)


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
