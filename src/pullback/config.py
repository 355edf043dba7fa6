"""Settings, documented in `docs/settings.md`; `with pullback.config(...)` changes them for a while."""

from __future__ import annotations

import os
from typing import Any

from pullback.errors import OutOfMemoryError

# Results of more elements than this stay formulas, if loops can express them.
defer_elements: int = 1 << 16
# A formula that has grown past this many operations is evaluated.
max_formula_nodes: int = 2000
# Bytes that one stored result may take; None: half of the memory that is free.
memory_budget: int | None = None
# Bytes of one tile where NumPy computes formulas, on machines without LLVM.
tile_bytes: int = 1 << 26


def check_memory(shape: Any, nbytes: int) -> None:
    """OutOfMemoryError, before anything is allocated, for a result that does not fit."""
    budget = memory_budget
    if budget is None:
        if nbytes < 1 << 28:
            return
        budget = free_memory() // 2
    if nbytes > budget:
        raise OutOfMemoryError(
            f"the numbers of a formula of shape {list(shape)} take {nbytes / 2**30:.1f} GiB, and "
            f"{budget / 2**30:.1f} GiB may be used. It was not stored: reduce it (.sum(dim), "
            f"K @ p, .logsumexp(dim), …), read a part of it, or raise config.memory_budget"
        )


def free_memory() -> int:
    """Bytes of memory that are free, as the system tells."""
    try:
        with open("/proc/meminfo") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
