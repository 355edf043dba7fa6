"""Progress bars for long runs, where a person is watching."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pullback.config import config

PATIENCE = 2.0  # seconds that a run may take before it shows a bar
REFRESH = 0.1  # seconds between two drawings


class Bar:
    """Is told the number of tasks done and of all tasks; shows a bar once that takes long.

    Whether anybody is watching is asked then, as most runs are over before.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._watched: bool | None = None
        self._start = time.monotonic()
        self._next = self._start + PATIENCE
        self._bar: Any = None

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + REFRESH
        if self._watched is None:
            self._watched = watched()
        if not self._watched:
            return
        if self._bar is None:
            self._bar = _tqdm()(
                total=total, desc=self._title, leave=False, delay=1e-9,  # draw when told to
                file=None if _in_notebook() else sys.stderr,
                bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}",
            )  # fmt: skip
            # The time that is left comes from the average rate since the run began.
            self._bar.start_t -= now - self._start
        self._bar.n = done
        self._bar.refresh()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


@contextmanager
def shown(title: str) -> Iterator[Callable[[int, int], None] | None]:
    """What a run reports to: a bar, or None if none is wanted."""
    if not config.progress:
        yield None
        return
    bar = Bar(title)
    try:
        yield bar
    finally:
        bar.close()


def watched() -> bool:
    """Whether a person sees standard error: it is a terminal, or this is a notebook."""
    isatty = getattr(sys.stderr, "isatty", None)
    return _in_notebook() or (isatty is not None and isatty())


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    if ipython is None:
        return False
    shell = ipython.get_ipython()
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


def _tqdm() -> Any:
    """tqdm, imported by the first run that is long enough."""
    if not _in_notebook():
        from tqdm import tqdm

        return tqdm
    with warnings.catch_warnings():  # without ipywidgets it draws with text, and says so
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm as tqdm_of_notebooks
    return tqdm_of_notebooks
