"""A pool of threads that run ranges of tasks; the calling thread is one of them.

Machine code is called through ctypes, which releases the interpreter lock. Tasks are handed out in
increasing order and in chunks; results never depend on who runs which.
"""

from __future__ import annotations

import _thread
import os
import threading
from collections.abc import Callable
from itertools import count

from pullback.config import config, processors as available

Progress = Callable[[int, int], None]  # (tasks done, tasks in all), called by the calling thread


class Job:
    """A range of chunks that threads take one after the other, until none is left or it stops."""

    def __init__(self, work: Callable[[int], None], chunks: int):
        self.work = work
        self.chunks = chunks
        self.stopped = False
        self.error: BaseException | None = None
        # By worker: who came first, the worker to begin or the caller to go on without it.
        self.first: dict[Worker, str] = {}
        self._next = count().__next__  # atomic under the interpreter lock

    def run(self, progress: Progress | None = None) -> None:
        """Take chunks."""
        chunks, take, work = self.chunks, self._next, self.work
        while not self.stopped and (chunk := take()) < chunks:
            work(chunk)
            if progress is not None:
                progress(min(chunk + 1, chunks), chunks)

    def run_quietly(self) -> None:
        """In a worker: an error is kept for the calling thread."""
        try:
            self.run()
        except BaseException as error:
            self.error = error
            self.stopped = True


class Worker:
    """A thread that waits for jobs."""

    def __init__(self) -> None:
        self._wake, self._done = _thread.allocate_lock(), _thread.allocate_lock()
        self._wake.acquire()
        self._done.acquire()
        self._job: Job | None = None
        threading.Thread(target=self._loop, name="pullback", daemon=True).start()

    def _loop(self) -> None:
        before = None
        while True:
            self._wake.acquire()
            job = self._job
            if job is None:
                return
            if job is not before and job.first.setdefault(self, "worker") == "worker":
                before = job
                job.run_quietly()
                self._done.release()

    def start(self, job: Job | None) -> None:
        self._job = job
        if self._wake.locked():  # else it is about to wake up for an earlier job, and finds this
            self._wake.release()

    def wait(self, job: Job, is_over: bool) -> None:
        """Until the job is over. In short waits: a signal is heard whichever thread it reaches.

        If it is over before the thread has woken up (BLAS's own threads, or other processes, have
        the processor), nobody waits for that.
        """
        if is_over and job.first.setdefault(self, "caller") == "caller":
            return
        while not self._done.acquire(timeout=0.1):
            pass


class Pool:
    """The threads of this process."""

    def __init__(self) -> None:
        self._workers: list[Worker] = []
        self._busy = _thread.allocate_lock()

    def run(
        self,
        work: Callable[[int], None],
        chunks: int,
        stop: Callable[[], None],
        take_part: bool = True,
        progress: Progress | None = None,
    ) -> None:
        """Run `work(0)` … `work(chunks - 1)`. On an error or Ctrl-C `stop` is called, and the
        error is raised when no thread is inside `work` any more."""
        helpers = min(config.num_threads - take_part, chunks - take_part)
        free = helpers > 0 and self._busy.acquire(blocking=False)
        if not free and take_part:
            # one thread, or a pool that works for another thread: this one does it all
            Job(work, chunks).run(progress)
            return
        try:
            while free and len(self._workers) < helpers:
                self._workers.append(Worker())
            workers = self._workers[:helpers] if free else [Worker()]
            _work(Job(work, chunks), workers, stop, take_part, progress)
            if not free:
                workers[0].start(None)
        finally:
            if free:
                self._busy.release()


def _work(
    job: Job,
    working: list[Worker],
    stop: Callable[[], None],
    take_part: bool,
    progress: Progress | None,
) -> None:
    """A job on some workers, and in this thread."""
    for worker in working:
        worker.start(job)
    try:
        if take_part:
            job.run(progress)
        for worker in working:
            worker.wait(job, take_part)
            working = working[1:]
    except BaseException:
        job.stopped = True
        stop()
        for worker in working:
            _wait_for_certain(worker, job)
        raise
    if job.error is not None:
        raise job.error


def _wait_for_certain(worker: Worker, job: Job) -> None:
    """Wait although Ctrl-C is pressed again: the thread uses our memory."""
    while True:
        try:
            worker.wait(job, True)
            return
        except KeyboardInterrupt:
            continue


pool = Pool()


def set_num_threads(n: int) -> None:
    """How many threads a kernel uses, from the next one on."""
    config.num_threads = n


def get_num_threads() -> int:
    return config.num_threads


def _after_fork() -> None:
    """A forked child has no threads but its own."""
    global pool
    pool = Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


__all__ = ["Job", "Pool", "Progress", "available", "get_num_threads", "pool", "set_num_threads"]
