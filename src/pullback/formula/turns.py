"""Evaluations that run at the same time: what each of them uses, so that the others keep off.

Kernels run outside of every lock. What must not happen meanwhile is known by identity: that a
second thread computes the same formula, that a formula forgets what it is made of while it is
looked at, and that memory is written while a kernel reads it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterable
from typing import Any

from pullback.backends.memory import owner
from pullback.locks import LOCK

# The lock is held while evaluations are planned, begin and end; told when one has ended.
changed = threading.Condition(LOCK)
WAIT = 0.1  # seconds after which a waiting thread looks again

running: set[Turn] = set()  # looked at through copies: turns end at any time


class Turn:
    """One evaluation: among the `running` from `begin` on, until whoever began takes it away."""

    __slots__ = ("_formulas", "_keep", "_memories", "_results", "_thread")

    def __init__(self) -> None:
        self._formulas: Collection[int] = ()
        self._results: Collection[int] = ()
        self._memories: Collection[int] = ()
        self._keep: Any = None
        self._thread = 0

    def begin(self, formulas: Iterable[Any], results: Iterable[Any], arrays: Iterable[Any]) -> None:
        """The formulas it looks at, those that it gives numbers to, and the arrays it reads.

        Called with the lock.
        """
        owners = [owner(a) for a in arrays]
        self._keep = formulas = list(formulas), owners  # identities stay theirs
        self._formulas = set(map(id, formulas[0]))
        self._results = set(map(id, results))
        self._memories = set(map(id, owners))
        self._thread = threading.get_ident()
        running.add(self)


def tell() -> None:
    """Wake those who wait for a turn that is not among the `running` any more."""
    with LOCK:
        changed.notify_all()


def is_inside() -> bool:
    """Whether this thread is in the middle of an evaluation: it must not wait for others then."""
    me = threading.get_ident()
    return any(turn._thread == me for turn in running.copy())


def computed_by_others(formulas: Iterable[Any]) -> bool:
    """Whether some of the formulas are about to be given numbers."""
    return any(id(f) in turn._results for turn in running.copy() for f in formulas)


def is_used(formula: Any) -> bool:
    """Whether an evaluation looks at what a formula is made of."""
    return any(id(formula) in turn._formulas for turn in running.copy())


def wait_until_unread(memory: Any) -> None:
    """Until no kernel of another thread reads a memory; called with the lock."""
    me = threading.get_ident()
    while any(id(memory) in turn._memories and turn._thread != me for turn in running.copy()):
        changed.wait(WAIT)


def _after_fork() -> None:
    """A forked child has one thread, and none of the evaluations of the others."""
    global changed
    changed = threading.Condition(LOCK)
    running.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
