"""How long statements take, as `torch.utils.benchmark`: timers, measurements, tables of them."""

from __future__ import annotations

import itertools
import statistics
import sys
import textwrap
import timeit
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pullback.config import config

__all__ = ["Compare", "Measurement", "TaskSpec", "Timer", "select_unit"]

UNITS = (("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("s", 1.0))


def select_unit(t: float) -> tuple[str, float]:
    """The unit in which a number of seconds is at least 1, and its size: ("us", 1e-6)."""
    name, size = UNITS[0]
    for unit, seconds in UNITS:
        if t >= seconds:
            name, size = unit, seconds
    return name, size


@dataclass(frozen=True)
class TaskSpec:
    """What was measured, in words and code."""

    stmt: str
    setup: str = "pass"
    global_setup: str = ""
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        """The label and the second one, or the statement."""
        if self.label is not None:
            return self.label + (f": {self.sub_label}" if self.sub_label else "")
        return self.stmt if "\n" not in self.stmt else "several lines"

    def summarize(self) -> str:
        """The title, the description and the setup, one below the other."""
        setup = "" if self.setup in ("", "pass") else f"setup:\n{textwrap.indent(self.setup, '  ')}"
        return "\n".join(p for p in (self.title, self.description, setup) if p)


@dataclass
class Measurement:
    """Times of several measurements: `raw_times` are of `number_per_run` runs each."""

    number_per_run: int
    raw_times: list[float]
    task_spec: TaskSpec
    metadata: dict[Any, Any] | None = field(default=None)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.__dict__["task_spec"], name)

    @property
    def times(self) -> list[float]:
        """Seconds of one run, of each measurement."""
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def median(self) -> float:
        """The median of one run, in seconds."""
        return statistics.median(self.times)

    @property
    def mean(self) -> float:
        """The mean of one run, in seconds."""
        return statistics.fmean(self.times)

    def _quarters(self) -> tuple[float, float]:
        times = self.times
        if len(times) < 2:
            return times[0], times[0]
        low, _, high = statistics.quantiles(times, n=4, method="inclusive")
        return low, high

    @property
    def iqr(self) -> float:
        """From the first to the third quartile."""
        low, high = self._quarters()
        return high - low

    @property
    def has_warnings(self) -> bool:
        """Whether the measurements differ by more than a tenth."""
        return not self.meets_confidence()

    def meets_confidence(self, threshold: float = 0.1) -> bool:
        """Whether the quartiles lie within a share of the median from each other."""
        return self.iqr / self.median < threshold

    @property
    def title(self) -> str:
        """What was measured."""
        return self.task_spec.title

    @property
    def as_row_name(self) -> str:
        """Its name in a table."""
        return self.task_spec.sub_label or self.task_spec.stmt or "[Unknown]"

    def __repr__(self) -> str:
        unit, size = select_unit(self.median)
        count = len(self.raw_times)
        lines = [object.__repr__(self), self.task_spec.summarize()]
        lines.append(f"  {'Median: ' if count > 1 else ''}{self.median / size:.2f} {unit}")
        if count >= 4:
            low, high = self._quarters()
            lines.append(
                f"  IQR:    {self.iqr / size:.2f} {unit} ({low / size:.2f} to {high / size:.2f})"
            )
        threads = self.task_spec.num_threads
        lines.append(
            f"  {count} measurement{'s' * (count > 1)}, {self.number_per_run} runs "
            f"{'per measurement' * (count > 1)}, {threads} thread{'s' * (threads > 1)}"
        )
        if count >= 4 and self.has_warnings:
            share = 100 * self.iqr / self.median
            lines.append(
                f"  WARNING: Interquartile range is {share:.1f}% of the median measurement."
            )
        return "\n".join(lines)

    @staticmethod
    def merge(measurements: Iterable[Measurement]) -> list[Measurement]:
        """Measurements of one task as one."""
        groups: dict[TaskSpec, list[Measurement]] = {}
        for m in measurements:
            groups.setdefault(m.task_spec, []).append(m)
        return [
            Measurement(1, list(itertools.chain(*(m.times for m in group))), task)
            for task, group in groups.items()
        ]


@contextmanager
def _threads(count: int) -> Iterator[None]:
    with config(num_threads=count):
        yield


class Timer:
    """Measures a statement, with some threads: Python's `timeit`, which gives `Measurement`s.

    `stmt` and `setup` are Python code, which knows the names in `globals` and `torch`; `label`,
    `sub_label` and `description` say where a `Compare` puts it. NotImplementedError for C++.
    """

    def __init__(
        self, stmt: str = "pass", setup: str = "pass", global_setup: str = "",
        timer: Callable[[], float] = timeit.default_timer, globals: dict[str, Any] | None = None,
        label: str | None = None, sub_label: str | None = None, description: str | None = None,
        env: str | None = None, num_threads: int = 1, language: Any = "python",
    ) -> None:  # fmt: skip
        if not isinstance(stmt, str):
            raise ValueError("Currently only a `str` stmt is supported.")
        if str(getattr(language, "value", language)).lower() not in ("py", "python", "0"):
            raise NotImplementedError(f"Timer: statements are Python, not {language!r}")
        known = {"torch": sys.modules["pullback"], **(globals or {})}
        stmt, setup = (textwrap.dedent(code).strip() for code in (stmt, setup))
        self._timer = timeit.Timer(stmt, setup, timer, known)
        self._task_spec = TaskSpec(
            stmt, setup, global_setup, label, sub_label, description, env, num_threads
        )

    def _seconds(self, number: int) -> float:
        return max(self._timer.timeit(number), 1e-9)

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """One measurement of so many runs, after a hundredth of them to warm up."""
        with _threads(self._task_spec.num_threads):
            self._seconds(max(number // 100, 2))
            return Measurement(number, [self._seconds(number)], self._task_spec)

    def _block(self, least: float) -> int:
        """How many runs take long enough for the clock not to matter."""
        number = 1
        while self._seconds(number) < min(least / 1000, 1e-4) and number < 10**8:
            number *= 10
        return number

    def _repeat(self, least: float, enough: Callable[[list[float]], bool]) -> Measurement:
        with _threads(self._task_spec.num_threads):
            number = self._block(least)
            times = [self._seconds(number)]
            while not enough(times):
                times.append(self._seconds(number))
        return Measurement(number, times, self._task_spec)

    def blocked_autorange(
        self, callback: Callable[[int, float], Any] | None = None, min_run_time: float = 0.2
    ) -> Measurement:
        """Measurements of equal numbers of runs, until they took so long together."""

        def enough(times: list[float]) -> bool:
            if callback is not None:
                callback(len(times), times[-1])
            return sum(times) >= min_run_time

        return self._repeat(min_run_time, enough)

    def adaptive_autorange(
        self, threshold: float = 0.1, *, min_run_time: float = 0.01, max_run_time: float = 10.0,
        callback: Callable[[int, float], Any] | None = None,
    ) -> Measurement:  # fmt: skip
        """Measurements until their quartiles are within a share of the median, or for so long."""

        def enough(times: list[float]) -> bool:
            if callback is not None:
                callback(len(times), times[-1])
            total = sum(times)
            if total < min_run_time or (len(times) < 4 and total < max_run_time):
                return False
            so_far = Measurement(1, times, self._task_spec)
            return total >= max_run_time or so_far.meets_confidence(threshold)

        return self._repeat(min_run_time, enough)


class Compare:
    """Medians in a table for each label: a row for each `sub_label`, and number of threads, a
    column for each `description`."""

    def __init__(self, results: Iterable[Measurement]) -> None:
        self._results: list[Measurement] = []
        self._digits = 4
        self.extend_results(results)

    def extend_results(self, results: Iterable[Measurement]) -> None:
        """More measurements. ValueError for anything else."""
        given = list(results)
        for r in given:
            if not isinstance(r, Measurement):
                raise ValueError(f"Expected an instance of `Measurement`, got {type(r)} instead.")
        self._results += given

    def trim_significant_figures(self) -> None:
        """Two digits less, where measurements do not tell them."""
        self._digits = 2

    def colorize(self, rowwise: bool = False) -> None:
        """Tables are plain text: nothing changes."""

    def highlight_warnings(self) -> None:
        """Tables are plain text: nothing changes."""

    def print(self) -> None:
        """Print the tables."""
        print(self)

    def __str__(self) -> str:
        merged = Measurement.merge(self._results)
        labels = dict.fromkeys(m.task_spec.label for m in merged)
        return "\n".join(
            self._table(label, [m for m in merged if m.task_spec.label == label])
            for label in labels
        )

    def _table(self, label: str | None, group: list[Measurement]) -> str:
        unit, size = select_unit(min(m.median for m in group))
        columns = list(dict.fromkeys(m.task_spec.description or "" for m in group))
        threads = sorted({m.task_spec.num_threads for m in group})
        table: list[list[str]] = [["", *columns]]
        for count in threads:
            table.append([f"{count} threads:"])
            here = [m for m in group if m.task_spec.num_threads == count]
            for row in dict.fromkeys(m.as_row_name for m in here):
                found = {m.task_spec.description or "": m for m in here if m.as_row_name == row}
                cells = [self._cell(found[c].median / size) if c in found else "" for c in columns]
                table.append([f"  {row}", *cells])
        widths = [max(len(r[k]) for r in table if k < len(r)) for k in range(len(columns) + 1)]
        lines = [f"[{f' {label} ' if label else ''}]".center(sum(widths) + 5 * len(columns), "-")]
        for row_cells in table:
            first, *rest = row_cells
            text = [first.ljust(widths[0])]
            text += [c.rjust(w) for c, w in zip(rest, widths[1:], strict=False)]
            lines.append("  |  ".join(text).rstrip() if rest else first)
        names = {"ns": "nano", "us": "micro", "ms": "milli", "s": ""}
        return "\n".join([*lines, "", f"Times are in {names[unit]}seconds ({unit})."])

    def _cell(self, value: float) -> str:
        if self._digits > 2:
            return f"{value:.1f}"
        return f"{float(f'{value:.{self._digits}g}'):g}"


def __getattr__(name: str) -> object:
    from pullback.missing import missing_attribute

    raise missing_attribute(__name__, name, __all__)
