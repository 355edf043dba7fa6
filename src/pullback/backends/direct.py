"""Convolutions of arrays by compiled loops, without columns.

Some images at a time are laid out with their margins, numbers that a stride keeps apart in planes
of their own ("phases"), so that each number of a window is found at one offset from where the
window starts, for all windows alike. `llvm.windows` multiplies what is there; positions between the
ends of rows are computed as well and left out. The transpose in the input is the same with the
weights turned, once for each phase of the result.

(Measured on two cores, for 32 images of 16 x 28 x 28 and 32 x 16 x 3 x 3 weights: columns of some
images at a time and BLAS take three times as long, and far longer on a busy machine, where BLAS's
threads wait for one another.)

What is added in which order depends on the sizes alone, not on the number of threads.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pullback.backends.memory import address

WORTH = 1 << 19  # products from which loops of our own are looked for
IMAGE_BYTES = 1 << 19  # of the images that are laid out at a time: they stay in the cache
TASK = 1 << 20  # products that are worth a task
PARTIAL_BYTES = 1 << 25  # of sums over some of the images
PARTIALS = 8


def worth(problem: Problem, dtype: Any) -> bool:
    """Whether a convolution is computed here."""
    if dtype not in (np.float32, np.float64) or _products(problem) < WORTH:
        return False
    return _functions(dtype) is not None


@functools.lru_cache(1024)
def _products(problem: Problem) -> int:
    return problem.shape[0] * problem.products


@functools.cache
def _functions(dtype: Any) -> Any:
    """The machine code; None without LLVM."""
    try:
        from .llvm.windows import windows
    except ImportError:
        return None
    return windows(np.dtype(dtype))


class Layout:
    """How images with margins lie in memory: (channels, phases…, images, slots…).

    A number at i of an axis, i + before = stride slot + phase, is in that slot of that phase. Of
    the first axis, `rows` slots are there at a time, and as many more as windows reach.
    """

    def __init__(
        self, image: Sequence[int], before: Sequence[int], slots: Sequence[int],
        stride: Sequence[int], reach: int, channels: int, batch: int, itemsize: int, products: int,
    ) -> None:  # fmt: skip
        self.image, self.before, self.stride = image, before, stride
        plane = math.prod(slots[1:])
        row = channels * math.prod(stride) * plane * itemsize
        self.total = slots[0] - reach  # rows of windows
        most = max(4, IMAGE_BYTES // max(1, row) - reach)
        bands = -(-self.total // most)
        self.rows = -(-self.total // bands)
        self.slots = (self.rows + reach, *slots[1:])
        size = math.prod(self.slots)
        self.images = 1
        if bands == 1:
            few = max(-(-batch // 8), -(-TASK // products))
            self.images = max(1, min(IMAGE_BYTES // (self.slots[0] * row), few, batch))
        self.size = self.images * size  # of a phase
        self.channel = math.prod(stride) * self.size
        self.shape = (channels, *stride, self.images, *self.slots)
        self.pitches = [math.prod(self.slots[k + 1 :]) for k in range(len(slots))]
        self.positions = (self.images - 1) * size + self.rows * plane
        blocks = range(0, batch, self.images)
        self.tasks = [
            (slice(b, min(b + self.images, batch)), first)
            for b in blocks for first in range(0, self.total, self.rows)
        ]  # fmt: skip

    def offset(self, place: Sequence[int]) -> int:
        """Where a channel's number at a place of a window is, from where the window starts."""
        phase = 0
        for p, s in zip(place, self.stride, strict=True):
            phase = phase * s + p % s
        steps = zip(place, self.stride, self.pitches, strict=True)
        return phase * self.size + sum(p // s * pitch for p, s, pitch in steps)

    def memory(self, dtype: Any, lanes: int) -> tuple[Any, Any]:
        """Zeros for a task's images, with as many more as vectors may reach: (flat, shaped)."""
        size = math.prod(self.shape)
        flat = np.zeros(size + self.slots[-1] + 4 * lanes, dtype)
        return flat, flat[:size].reshape(self.shape)

    def fill(self, memory: Any, x: Any, first: int) -> None:
        """Lay out images (b, channels, …) from a row of slots on; margins are zeros already."""
        count = len(x)
        x = x.swapaxes(0, 1)
        for phases in itertools.product(*map(range, self.stride)):
            here, there = [], []
            axes = zip(self.image, self.before, self.stride, phases, self.slots, strict=True)
            for axis, (n, p, s, r, slots) in enumerate(axes):
                start = (r - p) % s
                slot = (start + p) // s
                if axis == 0:
                    slot -= first
                    if slot < 0:
                        start, slot = start - slot * s, 0
                held = max(0, min(-(-(n - start) // s), slots - slot))  # none, where all is margin
                here.append(slice(slot, slot + held))
                there.append(slice(start, start + held * s, s))
            target = memory[(slice(None), *phases, slice(count))]
            if self.rows < self.total:  # the margins of one part are inside of another
                target[:, :, : here[0].start] = 0
                target[:, :, here[0].stop :] = 0
            target[(slice(None), slice(None), *here)] = x[(slice(None), slice(None), *there)]


class Part:
    """Windows over a layout that give one part of a result: every `step`-th number of an axis.

    The result of the window at m of an axis is at start + step m, if the axis has that.
    """

    def __init__(
        self, layout: Layout, channels: int, places: Sequence[Sequence[int]],
        start: Sequence[int], step: Sequence[int], size: Sequence[int],
    ) -> None:  # fmt: skip
        inside = [layout.offset(place) for place in places]
        self.offsets = np.array(
            [c * layout.channel + at for c in range(channels) for at in inside], np.int64
        )
        self.layout = layout
        self.axes = list(zip(start, step, size, strict=True))

    def places(self, task: tuple[slice, int]) -> tuple[Any, Any]:
        """Where a task's results are, among (images, slots…) and in the result."""
        images, first = task
        layout = self.layout
        inside, outside = [slice(images.stop - images.start)], [images, slice(None)]
        for axis, (start, step, size) in enumerate(self.axes):
            low = max(first if axis == 0 else 0, -(start // step))
            high = max(low, -((start - size) // step))
            if axis == 0:
                high = max(low, min(high, first + layout.rows))
                inside.append(slice(low - first, high - first))
            else:
                inside.append(slice(low, high))
            outside.append(slice(start + step * low, start + step * high, step))
        return (slice(None), *inside), tuple(outside)


class Problem(NamedTuple):
    """A correlation: all that a plan depends on."""

    shape: tuple[int, ...]  # (b, c, …)
    weight: tuple[int, ...]  # (o, c / groups, …)
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int
    itemsize: int

    @property
    def padded(self) -> list[int]:
        return [n + a + b for n, (a, b) in zip(self.shape[2:], self.padding, strict=True)]

    @property
    def counts(self) -> tuple[int, ...]:
        """How many windows there are along each axis."""
        axes = zip(self.padded, self.weight[2:], self.stride, self.dilation, strict=True)
        return tuple((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in axes)

    @property
    def reach(self) -> list[int]:
        """How many slots a window reaches beyond its first one."""
        axes = zip(self.weight[2:], self.stride, self.dilation, strict=True)
        return [d * (k - 1) // s for k, s, d in axes]

    @property
    def windows(self) -> list[tuple[int, ...]]:
        """The places in a window."""
        return list(itertools.product(*map(range, self.weight[2:])))

    @property
    def products(self) -> int:
        """Multiplications for one image."""
        return math.prod(self.weight) * math.prod(self.counts)


class Plan:
    """How a correlation or its transpose is computed: a layout, and the parts of the result."""

    layout: Layout
    parts: list[tuple[Part, Any]]  # with the places in a window that they are made of


class Correlation(Plan):
    """The plan of a correlation: one part."""

    def __init__(self, p: Problem) -> None:
        channels, counts, reach = p.shape[1], p.counts, p.reach
        slots = [n + r for n, r in zip(counts, reach, strict=True)]
        before = [a for a, _ in p.padding]
        self.layout = Layout(
            p.shape[2:], before, slots, p.stride, reach[0], channels, p.shape[0], p.itemsize,
            p.products,
        )  # fmt: skip
        places = [[u * d for u, d in zip(w, p.dilation, strict=True)] for w in p.windows]
        none, ones = [0] * len(slots), [1] * len(slots)
        part = Part(self.layout, channels // p.groups, places, none, ones, counts)
        self.parts = [(part, slice(None))]


class Transpose(Plan):
    """The plan of the transpose of a correlation in its input.

    The number at i gets w[u] y[m] where i + before = stride m + dilation u: for each remainder of
    i + before by the stride, a correlation with some of the weights, backwards.
    """

    def __init__(self, p: Problem) -> None:
        outputs, reach = p.weight[0], p.reach
        slots = [-(-n // s) + r for n, s, r in zip(p.padded, p.stride, reach, strict=True)]
        self.layout = Layout(
            p.counts, reach, slots, [1] * len(slots), reach[0], outputs, p.shape[0], p.itemsize,
            p.products,
        )  # fmt: skip
        self.parts = []
        for phases in itertools.product(*map(range, p.stride)):
            places, chosen = [], []
            for number, window in enumerate(p.windows):
                steps = [u * d - r for u, d, r in zip(window, p.dilation, phases, strict=True)]
                if not any(e % s for e, s in zip(steps, p.stride, strict=True)):
                    chosen.append(number)
                    axes = zip(reach, steps, p.stride, strict=True)
                    places.append([h - e // s for h, e, s in axes])
            start = [r - a for r, (a, _) in zip(phases, p.padding, strict=True)]
            part = Part(self.layout, outputs // p.groups, places, start, p.stride, p.shape[2:])
            self.parts.append((part, chosen))


_correlation = functools.lru_cache(256)(Correlation)
_transpose = functools.lru_cache(256)(Transpose)


def correlate(x: Any, weight: Any, bias: Any, problem: Problem) -> Any:
    """(b, c, …) with (o, c / groups, …), and a number for each output, as (b, o, counts…)."""
    plan, groups = _correlation(problem), problem.groups
    outputs, channels, *_ = weight.shape
    result = np.empty((len(x), outputs, *problem.counts), x.dtype)
    weight = weight.reshape(groups, outputs // groups, channels, -1)
    _multiply(plan, x, weight, bias, result)
    return result


def correlate_input(y: Any, weight: Any, bias: Any, problem: Problem) -> Any:
    """The transpose of `correlate` in its input, plus a number for each channel."""
    plan, groups = _transpose(problem), problem.groups
    outputs, channels, *_ = weight.shape
    result = np.empty(problem.shape, y.dtype)
    weight = weight.reshape(groups, outputs // groups, channels, -1).swapaxes(1, 2)
    _multiply(plan, y, weight, bias, result)
    return result


def _multiply(plan: Plan, x: Any, weight: Any, bias: Any, result: Any) -> None:
    """Write the products of weights (groups, rows, channels, places) and windows."""
    layout, machine = plan.layout, _functions(x.dtype)
    groups, rows, channels, _ = weight.shape
    pitch = _rounded(layout.size, machine.lanes)
    positions = _rounded(layout.positions, machine.lanes)
    parts = []
    for part, chosen in plan.parts:
        w = weight[..., chosen].reshape(groups, rows, -1)
        parts.append((part, _tiled(w, machine.height)))
    if bias is None:
        bias = np.zeros(groups * rows, x.dtype)
    bias = np.ascontiguousarray(bias, x.dtype)
    spare: list[Any] = []

    def work(number: int) -> None:
        task = layout.tasks[number]
        try:
            memory = spare.pop()
        except IndexError:  # no thread has given its memory back
            memory = (
                *layout.memory(x.dtype, machine.lanes),
                np.empty((groups * rows, pitch), x.dtype),
            )
        flat, images, products = memory
        layout.fill(images, x[task[0]], task[1])
        shaped = products[:, : layout.size].reshape(-1, layout.images, *layout.slots)
        for part, w in parts:
            inside, outside = part.places(task)
            machine.product(
                address(w), address(flat), address(part.offsets), address(products),
                address(bias), len(part.offsets), positions, rows, pitch, groups,
                channels * layout.channel, rows * pitch,
            )  # fmt: skip
            result[outside].swapaxes(0, 1)[...] = shaped[inside]
        spare.append(memory)

    _share(work, len(layout.tasks))


def correlate_weight(y: Any, x: Any, problem: Problem) -> Any:
    """The transpose of `correlate` in its weights; None for images that are not finite.

    What lies between the ends of rows is multiplied by zero, which is zero for finite numbers only.
    """
    plan, shape, groups = _correlation(problem), problem.weight, problem.groups
    layout, machine, (part, _) = plan.layout, _functions(x.dtype), plan.parts[0]
    outputs, tasks = shape[0], layout.tasks
    taps, rows = len(part.offsets), outputs // groups
    pitch = _rounded(layout.size, machine.lanes)
    positions = _rounded(layout.positions, machine.lanes)
    most = PARTIAL_BYTES // max(1, math.prod(shape) * x.itemsize)
    chunks = max(1, min(len(tasks), PARTIALS, most))
    sums = np.zeros((chunks, outputs, taps), x.dtype)
    ends = [len(tasks) * k // chunks for k in range(chunks + 1)]

    def work(chunk: int) -> None:
        flat, images = layout.memory(x.dtype, machine.lanes)
        rises = np.zeros((outputs, pitch), x.dtype)
        shaped = rises[:, : layout.size].reshape(-1, layout.images, *layout.slots)
        for task in tasks[ends[chunk] : ends[chunk + 1]]:
            layout.fill(images, x[task[0]], task[1])
            inside, outside = part.places(task)
            if shaped[inside].shape[1] < layout.images or layout.rows < layout.total:
                rises[...] = 0
            shaped[inside] = y[outside].swapaxes(0, 1)
            machine.dots(
                address(rises), address(flat), address(part.offsets), address(sums[chunk]),
                taps, positions, rows, pitch, groups,
                shape[1] * layout.channel, rows * pitch,
            )  # fmt: skip

    _share(work, chunks)
    result = sums.sum(0).reshape(shape)
    return result if np.isfinite(result).all() else None


def _rounded(n: int, lanes: int) -> int:
    return -(-n // lanes) * lanes


def _tiled(a: Any, height: int) -> Any:
    """Weights (groups, rows, taps) in the order of the tiles of rows."""
    from .llvm.windows import tiles

    groups, rows, taps = a.shape
    result = np.empty((groups, rows * taps), a.dtype)
    for first, count in tiles(rows, height):
        tile = result[:, first * taps : (first + count) * taps].reshape(groups, taps, count)
        tile[...] = a[:, first : first + count].swapaxes(1, 2)
    return result


def _share(work: Callable[[int], None], tasks: int) -> None:
    from .llvm.threads import pool

    pool.run(work, tasks, lambda: None)
