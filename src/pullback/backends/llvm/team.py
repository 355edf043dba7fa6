"""Threads that run a kernel's tasks without Python: for runs so short that its lock would decide.

A worker never comes back from machine code. It looks for the next run for as long as it takes a
program to get there, some 100 µs, and then sleeps on a condition variable. Which tasks make up a
chunk depends on sizes alone, so results never depend on who runs which. A run cannot be
interrupted: `run.py` sees to it that it is over in a fraction of a second.

Each thread has a share of the chunks, the same one in all loops over arrays of a size, which are
then in the caches of its processor; whoever is through with his own helps with those of others.
So chunks are taken from a counter for each share. Tasks that wait for others (`mirrored.py`) are
one share.

What threads share is one block of memory. Its first word says it all, as in a ticket lock: the
number of the run, whether it can be joined, and how many workers have. A worker joins by changing
that word, and the caller waits for those who have joined, not for those that the system has not
woken up yet.
"""

from __future__ import annotations

import _thread
import atexit
import ctypes
import functools
import os
import threading
from collections.abc import Callable
from typing import Any

from pullback.config import config

from .compile import library
from .target import Target, host, pause

SPINS = 5_000  # looks of a worker for the next run before it sleeps
LINE = 64  # bytes that a cache moves at once
SHARES = 64  # at most; more threads than that have some in common
# Where things are in the block, in words: each of the first three has a cache line of its own, and
# so has the counter of each share.
STATE, SLEEPERS, JOB, CALLS, MUTEX, CONDITION, NEXT = 0, 8, 16, 24, 32, 48, 64
WORDS = NEXT + LINE // 8 * SHARES
CALLED = (
    "pthread_mutex_lock", "pthread_mutex_unlock", "pthread_cond_wait", "pthread_cond_broadcast",
    "sched_yield",
)  # fmt: skip
PLACES = (("sleepers", SLEEPERS), ("mutex", MUTEX), ("condition", CONDITION))
FIELDS = ("main", "where", "chunks", "per_batch", "size", "tasks", "helpers", "shares")


class Team:
    """The workers of this process, and the memory that they share with callers."""

    def __init__(self, target: Target):
        self._keep, address = library(module(target), target)
        word, pointer = ctypes.c_int64, ctypes.c_void_p
        self._run = ctypes.CFUNCTYPE(None, pointer, pointer, pointer, *(word,) * 6)(address("run"))
        self._serve = ctypes.CFUNCTYPE(None, pointer, word)(address("serve"))
        self._stop = ctypes.CFUNCTYPE(None, pointer)(address("stop"))
        self._block = (word * (WORDS + LINE // 8))()
        start = ctypes.addressof(self._block)
        self._shared = start + -start % LINE
        words = (word * WORDS).from_address(self._shared)
        libc = ctypes.CDLL(None)
        for k, name in enumerate(CALLED):
            words[CALLS + k] = ctypes.cast(getattr(libc, name), pointer).value or 0
        libc.pthread_mutex_init(pointer(self._shared + 8 * MUTEX), None)
        libc.pthread_cond_init(pointer(self._shared + 8 * CONDITION), None)
        self._workers: list[threading.Thread] = []
        self._busy = _thread.allocate_lock()

    def run(
        self, main: int, where: int, chunks: int, per_batch: int, size: int, tasks: int,
        in_order: bool = False,
    ) -> bool:  # fmt: skip
        """Run chunks of `size` tasks, `per_batch` of each batch of `tasks`; False if the workers
        are at work for somebody else. Those that wait for each other begin in order."""
        if not self._busy.acquire(blocking=False):
            return False
        try:
            helpers = min(config.num_threads, chunks) - 1
            while len(self._workers) < helpers:
                number = 1 + len(self._workers)  # the caller is number 0
                worker = threading.Thread(
                    target=self._serve, args=(self._shared, number), name="pullback", daemon=True
                )
                worker.start()
                self._workers.append(worker)
            shares = 1 if in_order else min(helpers + 1, SHARES)
            self._run(self._shared, main, where, chunks, per_batch, size, tasks, helpers, shares)
        finally:
            self._busy.release()
        return True

    def stop(self) -> None:
        """Let the workers end: their code goes with the interpreter."""
        with self._busy:
            self._stop(self._shared)
            for worker in self._workers:
                worker.join()
            self._workers.clear()


_teams: list[Team] = []  # one, once it is needed
_making = threading.Lock()


def team() -> Team | None:
    """The team of this process; None where threads are not POSIX's."""
    if not _teams and _is_posix():
        with _making:
            if not _teams:
                found = Team(host())
                atexit.register(found.stop)
                _teams.append(found)
    return _teams[0] if _teams else None


@functools.cache
def _is_posix() -> bool:
    try:
        libc: Any = ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows has no such library
        return False
    return all(hasattr(libc, name) for name in CALLED)


def share(call: Callable[..., None], main: int, where: int, tasks: int, size: int = 1) -> None:
    """All tasks of a function and its arguments, as many at a time, on the threads there are."""
    chunks = -(-tasks // size)
    if chunks > 1 and config.num_threads > 1:
        workers = team()
        if workers is not None and workers.run(main, where, chunks, chunks, size, tasks):
            return
    call(where, 0, tasks)


def _after_fork() -> None:
    """A forked child has no threads but its own."""
    global _making
    _making = threading.Lock()
    for found in _teams:
        atexit.unregister(found.stop)
    _teams.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


# ----------------------------------------------------------------------------- the machine code


def module(target: Target) -> str:
    """LLVM IR of `run`, which a caller calls, `serve`, which is a worker's life, and `stop`."""
    fields = "\n".join(_field(k, name) for k, name in enumerate(FIELDS))
    places = "\n".join(
        f"  %{name} = getelementptr i64, ptr %team, i64 {place}" for name, place in PLACES
    )
    calls = "\n".join(
        f"  %{name}.at = getelementptr i64, ptr %team, i64 {CALLS + k}\n"
        f"  %{name} = load ptr, ptr %{name}.at"
        for k, name in enumerate(CALLED)
    )
    write = "\n".join(
        f"  %{name}.at = getelementptr i64, ptr %team, i64 {JOB + k}\n"
        f"  store {_kind(name)} %{name}, ptr %{name}.at"
        for k, name in enumerate(FIELDS)
    )
    rest, declared = pause(target)
    return TEXT.format(
        fields=fields, places=places, calls=calls, write=write, declared=declared,
        look_yield=_look_again(rest, "yield", "later"),
        look_sleep=_look_again(rest, "sleep", "look"),
        helpers=JOB + FIELDS.index("helpers"), next=NEXT, line=LINE // 8,
    )  # fmt: skip


def _look_again(rest: str, tired: str, rested: str) -> str:
    """A short rest, and one more look; after too many of them, something else."""
    return f"""  {rest}
  %more = add i64 %looks, 1
  %long = icmp sgt i64 %more, {SPINS}
  br i1 %long, label %{tired}, label %{rested}"""


def _kind(field: str) -> str:
    return "ptr" if field in ("main", "where") else "i64"


def _field(k: int, name: str) -> str:
    return (
        f"  %{name}.at = getelementptr i64, ptr %team, i64 {JOB + k}\n"
        f"  %{name} = load {_kind(name)}, ptr %{name}.at"
    )


# The state: the number of the run times 2^16, 2^15 while it can be joined, and who has joined it.
# Number 0 is the state before the first run; a run of number -1 is the end.
TEXT = """
{declared}

; Take chunks and run them, until none is left: first those of one's own share.
define internal void @work(ptr %team, i64 %own) noinline {{
entry:
{fields}
  %counters = getelementptr i64, ptr %team, i64 {next}
  br label %visit
visit:
  %visited = phi i64 [ 0, %entry ], [ %following, %through ]
  %sum = add i64 %own, %visited
  %share = urem i64 %sum, %shares
  %cut.from = mul i64 %share, %chunks
  %from = udiv i64 %cut.from, %shares
  %cut.to = add i64 %cut.from, %chunks
  %to = udiv i64 %cut.to, %shares
  %line = mul i64 %share, {line}
  %next = getelementptr i64, ptr %counters, i64 %line
  br label %take
through:
  %following = add i64 %visited, 1
  %others = icmp ult i64 %following, %shares
  br i1 %others, label %visit, label %over
take:
  %taken = atomicrmw add ptr %next, i64 1 monotonic
  %chunk = add i64 %from, %taken
  %some = icmp slt i64 %chunk, %to
  br i1 %some, label %go, label %through
go:
  %batch = sdiv i64 %chunk, %per_batch
  %group = srem i64 %chunk, %per_batch
  %base = mul i64 %batch, %tasks
  %end = add i64 %base, %tasks
  %offset = mul i64 %group, %size
  %first = add i64 %base, %offset
  %beyond = add i64 %first, %size
  %cut = icmp slt i64 %beyond, %end
  %last = select i1 %cut, i64 %beyond, i64 %end
  call void %main(ptr %where, i64 %first, i64 %last)
  br label %take
over:
  ret void
}}

define void @run(ptr %team, ptr %main, ptr %where, i64 %chunks, i64 %per_batch, i64 %size,
                 i64 %tasks, i64 %helpers, i64 %shares) {{
entry:
{places}
{calls}
{write}
  %counters = getelementptr i64, ptr %team, i64 {next}
  br label %reset
reset:
  %share = phi i64 [ 0, %entry ], [ %further, %reset ]
  %line = mul i64 %share, {line}
  %next = getelementptr i64, ptr %counters, i64 %line
  store atomic i64 0, ptr %next monotonic, align 8
  %further = add i64 %share, 1
  %more.of.them = icmp ult i64 %further, %shares
  br i1 %more.of.them, label %reset, label %publish
publish:
  %before = load atomic i64, ptr %team monotonic, align 8
  %number = lshr i64 %before, 16
  %following = add i64 %number, 1
  %shifted = shl i64 %following, 16
  %open = or i64 %shifted, 32768
  store atomic i64 %open, ptr %team seq_cst, align 8
  %asleep = load atomic i64, ptr %sleepers seq_cst, align 8
  %any = icmp ne i64 %asleep, 0
  br i1 %any, label %wake, label %begin
wake:
  call i32 %pthread_mutex_lock(ptr %mutex)
  call i32 %pthread_cond_broadcast(ptr %condition)
  call i32 %pthread_mutex_unlock(ptr %mutex)
  br label %begin
begin:
  call void @work(ptr %team, i64 0)
  %closed = atomicrmw and ptr %team, i64 -32769 acq_rel
  br label %wait
wait:
  %looks = phi i64 [ 0, %begin ], [ %more, %later ]
  %state = load atomic i64, ptr %team acquire, align 8
  %inside = and i64 %state, 32767
  %done = icmp eq i64 %inside, 0
  br i1 %done, label %over, label %again
again:
{look_yield}
yield:
  call i32 %sched_yield()
  br label %later
later:
  br label %wait
over:
  ret void
}}

define void @serve(ptr %team, i64 %own) {{
entry:
{places}
{calls}
  %helpers = getelementptr i64, ptr %team, i64 {helpers}
  br label %idle
idle:
  %seen = phi i64 [ 0, %entry ], [ %number, %missed ], [ %number, %leave ]
  br label %look
look:
  %looks = phi i64 [ 0, %idle ], [ %more, %again ]
  %found = load atomic i64, ptr %team acquire, align 8
  %run = lshr i64 %found, 16
  %new = icmp ne i64 %run, %seen
  br i1 %new, label %join, label %again
again:
{look_sleep}
sleep:
  call i32 %pthread_mutex_lock(ptr %mutex)
  %one = atomicrmw add ptr %sleepers, i64 1 seq_cst
  br label %nap
nap:
  %then = load atomic i64, ptr %team seq_cst, align 8
  %its = lshr i64 %then, 16
  %changed = icmp ne i64 %its, %seen
  br i1 %changed, label %awake, label %rest
rest:
  call i32 %pthread_cond_wait(ptr %condition, ptr %mutex)
  br label %nap
awake:
  %less = atomicrmw sub ptr %sleepers, i64 1 seq_cst
  call i32 %pthread_mutex_unlock(ptr %mutex)
  br label %join
join:
  %state = phi i64 [ %found, %look ], [ %then, %awake ], [ %now, %try ]
  %number = lshr i64 %state, 16
  %ends = icmp eq i64 %number, 281474976710655
  br i1 %ends, label %over, label %ask
ask:
  %bit = and i64 %state, 32768
  %joinable = icmp ne i64 %bit, 0
  %inside = and i64 %state, 32767
  %most = load atomic i64, ptr %helpers monotonic, align 8
  %room = icmp slt i64 %inside, %most
  %may = and i1 %joinable, %room
  br i1 %may, label %try, label %missed
missed:
  br label %idle
try:
  %mine = add i64 %state, 1
  %pair = cmpxchg ptr %team, i64 %state, i64 %mine acq_rel acquire
  %now = extractvalue {{ i64, i1 }} %pair, 0
  %joined = extractvalue {{ i64, i1 }} %pair, 1
  br i1 %joined, label %leave, label %join
leave:
  call void @work(ptr %team, i64 %own)
  %left = atomicrmw sub ptr %team, i64 1 acq_rel
  br label %idle
over:
  ret void
}}

define void @stop(ptr %team) {{
entry:
{places}
{calls}
  call i32 %pthread_mutex_lock(ptr %mutex)
  store atomic i64 -65536, ptr %team seq_cst, align 8
  call i32 %pthread_cond_broadcast(ptr %condition)
  call i32 %pthread_mutex_unlock(ptr %mutex)
  ret void
}}
"""
