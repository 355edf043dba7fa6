"""Bursts of small objects, without the garbage collector in between.

Planning and compiling make tens of thousands of objects that are let go of a moment later, without
cycles. So many at one time have the collector look through everything in the process: 20 ms with
NumPy and this library in memory, in the middle of a first call of 30.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def uncollected(function: Callable[P, T]) -> Callable[P, T]:
    """A function that runs without collections; a process that has none is left so."""

    @functools.wraps(function)
    def run(*args: P.args, **keywords: P.kwargs) -> T:
        if not gc.isenabled():
            return function(*args, **keywords)
        try:
            gc.disable()
            return function(*args, **keywords)
        finally:
            gc.enable()

    return run


@contextmanager
def settled() -> Iterator[None]:
    """Without collections until the end; what is there then is taken for old, by a single one.

    For modules, which stay. Made with the usual collections, they are gone through a few times
    over, and have all of the process gone through soon after.
    """
    if not gc.isenabled():
        yield
        return
    try:
        gc.disable()
        yield
        gc.collect(1)
    finally:
        gc.enable()
