"""Processes, as `torch.multiprocessing`: Python's own, to which tensors are sent by their numbers.

Nothing is shared between them: a tensor that another process changes stays as it is in this one.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any

__all__ = ["get_all_sharing_strategies", "get_sharing_strategy", "set_sharing_strategy", "spawn"]


def get_all_sharing_strategies() -> set[str]:
    """The ways in which tensors are sent."""
    return {"file_system"}


def get_sharing_strategy() -> str:
    """The way in which tensors are sent."""
    return "file_system"


def set_sharing_strategy(new_strategy: str) -> None:
    """Choose a way. Noted only, as none shares memory."""


def spawn(
    fn: Callable[..., Any], args: tuple[Any, ...] = (), nprocs: int = 1, join: bool = True,
    daemon: bool = False, start_method: str = "spawn",
) -> Any:  # fmt: skip
    """Call `fn(k, *args)` in processes k = 0, …, nprocs - 1.

    With `join`, wait for them; else gives the list of processes. RuntimeError if one fails.
    """
    context = multiprocessing.get_context(start_method)
    processes = [
        context.Process(target=fn, args=(k, *args), daemon=daemon)  # type: ignore[attr-defined]  # of its base
        for k in range(nprocs)
    ]
    for process in processes:
        process.start()
    if not join:
        return processes
    for process in processes:
        process.join()
    for k, process in enumerate(processes):
        if process.exitcode:
            raise RuntimeError(f"spawn: process {k} ended with exit code {process.exitcode}")
    return None


def __getattr__(name: str) -> Any:
    return getattr(multiprocessing, name)


def __dir__() -> list[str]:
    return sorted({*__all__, *multiprocessing.__all__})
