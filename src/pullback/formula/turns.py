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

    __slots__ = ("_arrays", "_formulas", "_identities", "_results", "_thread")

    def __init__(self) -> None:
        self._formulas: Collection[Any] = ()
        self._results: Collection[Any] = ()
        self._arrays: Collection[Any] = ()
        self._identities: tuple[Collection[int], ...] = ()
        self._thread = 0

    def begin(
        self, formulas: Collection[Any], results: Collection[Any], arrays: Collection[Any]
    ) -> None:
        """The formulas it looks at, those that it gives numbers to, and the arrays it reads.

        Called with the lock; none of these is changed afterwards.
        """
        self._formulas, self._results, self._arrays = formulas, results, arrays
        self._thread = threading.get_ident()
        running.add(self)

    def identities(self) -> tuple[Collection[int], ...]:
        """Of its formulas, of its results, and of the owners of the memory it reads: written down
        when another thread asks for them first."""
        if not self._identities:
            self._identities = (
                set(map(id, self._formulas)), set(map(id, self._results)),
                {id(owner(a)) for a in self._arrays},
            )  # fmt: skip
        return self._identities


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
    return any(id(f) in turn.identities()[1] for turn in running.copy() for f in formulas)


def is_used(formula: Any) -> bool:
    """Whether an evaluation looks at what a formula is made of."""
    return any(id(formula) in turn.identities()[0] for turn in running.copy())


def wait_until_unread(memory: Any) -> None:
    """Until no kernel of another thread reads a memory; called with the lock."""
    me = threading.get_ident()
    while any(turn._thread != me and id(memory) in turn.identities()[2] for turn in running.copy()):
        changed.wait(WAIT)


def _after_fork() -> None:
    """A forked child has one thread, and none of the evaluations of the others."""
    global changed
    changed = threading.Condition(LOCK)
    running.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
