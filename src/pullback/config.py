"""Settings of the process, documented in `docs/settings.md`.

`pullback.config` is an object, and reading a setting is one attribute load: the hot path of every
small operation does it. `with pullback.config(...)` changes settings for a while.
"""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from pullback.errors import OutOfMemoryError

if TYPE_CHECKING:
    from pathlib import Path

# Half of the memory that is free: what is computed next needs some as well.
FREE_FRACTION = 2
# Results of fewer bytes are stored without asking the system how much memory is free.
ALWAYS_FITS = 1 << 28


class Config:
    """The settings. They belong to the process, and hold in all of its threads."""

    __slots__ = (
        "defer_elements", "kept_memory", "max_formula_nodes", "memory_budget", "num_threads",
        "progress", "summation", "tile_bytes",
    )  # fmt: skip

    defer_elements: int
    """Results of more elements than this stay formulas, if loops can express them."""
    kept_memory: int
    """Bytes of freed memory that the process keeps for its next arrays, where glibc allocates."""
    max_formula_nodes: int
    """A formula that has grown past this many operations is evaluated."""
    memory_budget: int | None
    """Bytes that one stored result may take; None: half of the memory that is free."""
    num_threads: int
    """How many threads a compiled loop runs on."""
    summation: Literal["blocked", "kahan"]
    """How compiled loops add: in blocks, or with a correction that costs three more additions."""
    tile_bytes: int
    """Bytes of one tile where NumPy computes formulas, on machines without LLVM."""
    progress: bool
    """Whether long runs show a progress bar where a person is watching."""

    def __init__(self) -> None:
        self.defer_elements = 1 << 16
        if "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", "") or any(
            name in os.environ for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")
        ):
            object.__setattr__(self, "kept_memory", 0)  # somebody has decided for the process
        else:
            self.kept_memory = 1 << 29
        self.max_formula_nodes = 2000
        self.memory_budget = None
        self.num_threads = processors()
        self.summation = "blocked"
        self.tile_bytes = 1 << 26
        self.progress = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _CHECKS:
            raise AttributeError(_unknown(name))
        object.__setattr__(self, name, _CHECKS[name](name, value))
        if name == "kept_memory":
            keep_memory(self.kept_memory)

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"pullback.config.{name} can be set, not deleted")

    def __call__(self, **settings: Any) -> _Changed:
        """A context manager: `with pullback.config(num_threads=1): …`."""
        for name in settings:
            if name not in _CHECKS:
                raise TypeError(_unknown(name))
        return _Changed(self, {n: _CHECKS[n](n, value) for n, value in settings.items()})

    def __repr__(self) -> str:
        lines = (f"    {name}={getattr(self, name)!r},\n" for name in self.__slots__)
        return f"pullback.config(\n{''.join(lines)})"

    def check_memory(self, shape: Sequence[int], nbytes: int) -> None:
        """OutOfMemoryError, before anything is allocated, for a result that does not fit."""
        budget = self.memory_budget
        if budget is None:
            free = free_memory() if nbytes >= ALWAYS_FITS else None
            if free is None:
                return
            budget = free // FREE_FRACTION
        if nbytes > budget:
            raise refusal(shape, nbytes, f"{_size(budget)} may be used")


def refusal(shape: Sequence[int], nbytes: int, room: str) -> OutOfMemoryError:
    """What is said of a formula that cannot be stored."""
    return OutOfMemoryError(
        f"the numbers of a formula of shape {list(shape)} take {_size(nbytes)}, and {room}. It was "
        f"not stored: reduce it (.sum(dim), K @ p, .logsumexp(dim), …), read a part of it, or "
        f"raise config.memory_budget"
    )


class _Changed:
    """Other values on entry, the previous ones on exit; can be entered again, and nested."""

    def __init__(self, config: Config, settings: dict[str, Any]) -> None:
        self._config = config
        self._settings = settings
        self._previous: list[dict[str, Any]] = []

    def __enter__(self) -> Config:
        self._previous.append({name: getattr(self._config, name) for name in self._settings})
        for name, value in self._settings.items():
            setattr(self._config, name, value)
        return self._config

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name, value in self._previous.pop().items():
            setattr(self._config, name, value)


# ---- what values are sound -----------------------------------------------------------------------


def _integer(least: int, unit: str) -> Callable[[str, Any], int]:
    def check(name: str, value: Any) -> int:
        try:
            if isinstance(value, bool):
                raise TypeError
            number = operator.index(value)
        except TypeError:
            hint = ""
            if isinstance(value, float) and value.is_integer():
                hint = f". Write {int(value):_}"
            raise TypeError(
                f"pullback.config.{name} is a number of {unit}, an int, not {value!r}{hint}"
            ) from None
        if number < least:
            raise ValueError(
                f"pullback.config.{name} is a number of {unit}, at least {least}, not {number}"
            )
        return number

    return check


_bytes = _integer(0, "bytes (None: half of the free memory)")


def _budget(name: str, value: Any) -> int | None:
    return None if value is None else _bytes(name, value)


def _choice(*words: str) -> Callable[[str, Any], str]:
    known = " or ".join(map(repr, words))

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError(f"pullback.config.{name} is {known}, not {value!r}")
        if value not in words:
            raise ValueError(f"pullback.config.{name} is {known}, not {value!r}")
        return value

    return check


def _switch(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"pullback.config.{name} is True or False, not {value!r}")
    return value


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "defer_elements": _integer(0, "elements"),
    "kept_memory": _bytes,
    "max_formula_nodes": _integer(1, "operations"),
    "memory_budget": _budget,
    "num_threads": _integer(1, "threads"),
    "progress": _switch,
    "summation": _choice("blocked", "kahan"),
    "tile_bytes": _integer(1, "bytes"),
}


def _unknown(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, _CHECKS, n=1)
    guess = f"Did you mean {near[0]!r}? " if near else ""
    return f"pullback.config has no setting {name!r}. {guess}It has: {', '.join(_CHECKS)}"


# ---- what the machine has ------------------------------------------------------------------------


def processors() -> int:
    """The number of processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of mallopt(3)
LEAST_KEPT = 1 << 17  # what glibc does by itself
LARGEST_REUSED = 1 << 25  # glibc takes no more: larger arrays are always new pages


def keep_memory(nbytes: int) -> bool:
    """Have the allocator keep so many bytes that were freed; False where there is no way to ask.

    A page that comes from the system costs as much as computing a thousand numbers, and an
    allocator that gives the memory of each large array back takes the pages of the next one anew.
    """
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # another C library
        return False
    kept = min(max(nbytes, LEAST_KEPT), (1 << 31) - 1)  # an int
    reused = min(kept, LARGEST_REUSED)
    return bool(mallopt(TRIM_THRESHOLD, kept) and mallopt(MMAP_THRESHOLD, reused))


def free_memory(
    meminfo: str | Path = "/proc/meminfo", cgroup: str | Path = "/sys/fs/cgroup"
) -> int | None:
    """Bytes of memory that this process may still take; None where the system does not tell."""
    from pathlib import Path  # 4 ms

    free = _free_of_machine(Path(meminfo))
    limit = _free_of_container(Path(cgroup))
    return limit if free is None else free if limit is None else min(free, limit)


def _free_of_machine(meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:  # not Linux: all of the memory, where that is known
        if sys.platform == "win32":
            return None
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else None


def _free_of_container(cgroup: Path) -> int | None:
    """What a container's limit leaves; pages of files, which the kernel takes back, are free."""
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
        kinds = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # no container, or none with a limit of its own
        return None
    if limit == "max":
        return None
    return max(0, int(limit) - used + int(kinds.get("inactive_file", 0)))


def _size(nbytes: int) -> str:
    return f"{nbytes / 2**30:.1f} GiB" if nbytes >= 1 << 30 else f"{nbytes / 2**20:.1f} MiB"


config = Config()
