"""The lock of what threads share, in processes that are forked, interrupted and collected anywhere.

There is one, so that no two threads can wait for each other. It can be taken again by whoever has
it: a garbage collection inside of it may call a finalizer of the user's that computes. A fork waits
for it, so that no child is left with a lock that a thread which it has not got was holding.
"""

from __future__ import annotations

import os
import threading
from typing import Any


def lasting_lock() -> Any:
    """A lock that is free in a forked child, and what it guards is whole there."""
    lock = threading.RLock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
        )
    return lock


# Held for moments; `with LOCK`, as Ctrl-C cannot fall between taking it and the block.
LOCK = lasting_lock()
