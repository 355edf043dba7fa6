"""Large graphs made readable: repeated sub-graphs, modules and long stretches become one box each.

Every fold is a stretch of the operators in the order of the backward pass. What lies between two
operators of a stretch in that order cannot lead out of it and back in, so that the folded graph has
no circles either.
"""

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pullback.graph.model import Arrow, Box, Graph, Kind

MAX_BOXES = 300
"""A picture of more boxes than this is folded."""
MAX_PERIOD = 256
"""Operators of the longest pattern that is looked for."""
MAX_SPAN = 30
"""Rows that the arrows may cross, for each box of the limit."""
FEW = 4
"""So many covariables to be computed are drawn beside a fold; more are counted in it."""


@dataclass(frozen=True)
class _Stretch:
    """Operators that follow each other; `pattern` is one of its `repeats`."""

    members: tuple[str, ...]
    pattern: tuple[str, ...]
    repeats: int = 1
    names: tuple[str, ...] = ()


def fold(graph: Graph, max_boxes: int = MAX_BOXES) -> Graph:
    """The graph itself if it is small enough, else one of at most about `max_boxes` boxes."""
    max_boxes = max(int(max_boxes), 3)
    if _fits(graph, max_boxes):
        return graph
    boxes = {box.key: box for box in graph.boxes}
    order = _order(graph)
    modules = _modules(graph, boxes, order)
    stretches = _repeats(graph, boxes, order)
    folded = _folded(graph, boxes, stretches, modules)
    if _fits(folded, max_boxes):
        return folded
    if modules:
        deepest = max(module.count(".") for module in set(modules.values()) if module) + 1
        for depth in range(deepest, 0, -1):
            by_module = _by_module(stretches, modules, depth)
            folded = _folded(graph, boxes, by_module, modules)
            if _fits(folded, max_boxes):
                return folded
        stretches = by_module
    for share in (2, 4, 8):
        pieces = _evenly(stretches, boxes, max_boxes // share)
        folded = _folded(graph, boxes, pieces, modules)
        if _fits(folded, max_boxes):
            return folded
    # So few that even arrows between all of them can be followed.
    pieces = _evenly(stretches, boxes, math.isqrt(max_boxes))
    return _folded(graph, boxes, pieces, modules, hide_shared=True)


def _fits(graph: Graph, max_boxes: int) -> bool:
    """Whether it can be read, and laid out in seconds: long arrows cost as much as boxes do."""
    return (
        len(graph.boxes) <= max_boxes
        and len(graph.arrows) <= 3 * max_boxes
        and spans(graph) <= MAX_SPAN * max_boxes
    )


def spans(graph: Graph) -> int:
    """The lengths of all arrows, in rows of the picture: what a layout's time grows with."""
    waiting = dict.fromkeys((box.key for box in graph.boxes), 0)
    heads: dict[str, list[str]] = {}
    for arrow in graph.arrows:
        waiting[arrow.head] += 1
        heads.setdefault(arrow.tail, []).append(arrow.head)
    rows = dict.fromkeys(waiting, 0)
    ready = [key for key, count in waiting.items() if not count]
    while ready:
        key = ready.pop()
        for head in heads.get(key, ()):
            rows[head] = max(rows[head], rows[key] + 1)
            waiting[head] -= 1
            if not waiting[head]:
                ready.append(head)
    # What has no arrow into it is drawn beside what it points to.
    entered = {arrow.head for arrow in graph.arrows}
    first = {a.tail: min(rows[h] for h in heads[a.tail]) - 1 for a in graph.arrows}
    start = {key: row if key in entered else first.get(key, row) for key, row in rows.items()}
    return sum(rows[arrow.head] - start[arrow.tail] for arrow in graph.arrows)


def _order(graph: Graph) -> list[str]:
    """The operators, each before those that it hands its results to; the youngest first."""
    moments = {b.key: b.moment for b in graph.boxes if b.kind is Kind.OPERATOR}
    waiting = dict.fromkeys(moments, 0)
    targets: dict[str, list[str]] = {key: [] for key in moments}
    for arrow in graph.arrows:
        if arrow.tail in moments and arrow.head in moments:
            targets[arrow.tail].append(arrow.head)
            waiting[arrow.head] += 1
    heap = [(-moments[key], key) for key, count in waiting.items() if count == 0]
    heapq.heapify(heap)
    found = []
    while heap:
        _, key = heapq.heappop(heap)
        found.append(key)
        for target in targets[key]:
            waiting[target] -= 1
            if waiting[target] == 0:
                heapq.heappush(heap, (-moments[target], target))
    return found


# ---- repeated sub-graphs -------------------------------------------------------------------------


def _repeats(graph: Graph, boxes: dict[str, Box], order: Sequence[str]) -> list[_Stretch]:
    """Stretches whose operators repeat at least three times in a row; the others alone."""
    saved: dict[str, list[object]] = {}
    for arrow in graph.arrows:
        tail = boxes[arrow.tail]
        if tail.kind is Kind.STORED:
            saved.setdefault(arrow.head, []).append((arrow.name, tail.shape, tail.dtype))
    landmarks = sum(bool(boxes[key].names) for key in order)
    numbers: dict[object, int] = {}
    marks = []
    for key in order:
        box = boxes[key]
        what: object = (box.operator, tuple(map(str, saved.get(key, ()))))
        if box.is_output or (box.names and landmarks <= 50):
            what = key  # a landmark: like no other
        marks.append(numbers.setdefault(what, len(numbers)))
    found: list[_Stretch] = []
    done = 0
    for start, period, repeats in _runs(np.array(marks)):
        found += [_alone(boxes[key]) for key in order[done:start]]
        done = start + period * repeats
        members = tuple(order[start:done])
        pattern = _pattern(boxes[key].title for key in members[:period])
        found.append(_Stretch(members, pattern, repeats))
    return found + [_alone(boxes[key]) for key in order[done:]]


def _alone(box: Box) -> _Stretch:
    return _Stretch((box.key,), (box.title,))


def _pattern(titles: Iterable[str]) -> tuple[str, ...]:
    """Titles in a row, equal neighbours counted."""
    runs: list[tuple[str, int]] = []
    for title in titles:
        if runs and runs[-1][0] == title:
            runs[-1] = title, runs[-1][1] + 1
        else:
            runs.append((title, 1))
    texts = [f"{count} × {title}" if count > 1 else title for title, count in runs]
    return tuple(texts) if len(texts) <= 8 else (*texts[:7], "…")


def _runs(marks: np.ndarray) -> list[tuple[int, int, int]]:
    """(start, period, repeats) of stretches that repeat, apart from each other, in order."""
    count = len(marks)
    candidates: list[tuple[int, int, int]] = []  # (-covered, period, start)
    for period in range(1, min(MAX_PERIOD, count // 3) + 1):
        same = np.concatenate(([0], marks[period:] == marks[:-period], [0])).astype(np.int8)
        edges = np.flatnonzero(np.diff(same))
        for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            repeats = (end - start) // period + 1
            if repeats >= 3 and repeats * period >= 6:
                candidates.append((-repeats * period, period, start))
    taken = np.zeros(count, bool)
    chosen = []
    for covered, period, start in sorted(candidates):
        end = start - covered
        if not taken[start:end].any():
            taken[start:end] = True
            chosen.append((start, period, -covered // period))
    return sorted(chosen)


# ---- modules -------------------------------------------------------------------------------------


def _modules(graph: Graph, boxes: dict[str, Box], order: Sequence[str]) -> dict[str, str]:
    """The module of each operator, by the dotted names of the parameters that it reads.

    An operator without parameters belongs to the module that ran before it.
    """
    own: dict[str, str] = {}
    for arrow in graph.arrows:
        for parameter, operator in ((arrow.tail, arrow.head), (arrow.head, arrow.tail)):
            box = boxes[parameter]
            if box.kind is Kind.OPERATOR or operator in own:
                continue
            dotted = next((n for n in box.names if "." in n.removesuffix(".T")), "")
            if dotted:
                own[operator] = dotted.removesuffix(".T").rpartition(".")[0]
    if not own:
        return {}
    found, current = {}, ""
    for key in reversed(order):
        current = own.get(key, current)
        found[key] = current
    return found


def _by_module(
    stretches: Sequence[_Stretch], modules: dict[str, str], depth: int
) -> list[_Stretch]:
    """Neighbours of one module, down to a depth of its name, together."""
    found: list[_Stretch] = []
    before: str | None = None
    for stretch in stretches:
        module = ".".join(modules.get(stretch.members[0], "").split(".")[:depth])
        if module and module == before:
            found[-1] = _joined([found[-1], stretch])
        else:
            found.append(stretch)
        before = module
    return found


def _joined(stretches: Sequence[_Stretch]) -> _Stretch:
    members = tuple(key for s in stretches for key in s.members)
    if len(stretches) == 1:
        return stretches[0]
    texts = [f"{s.repeats} × ({', '.join(s.pattern)})" if s.repeats > 1 else ", ".join(s.pattern)
             for s in stretches]  # fmt: skip
    return _Stretch(members, _pattern(texts))


def _evenly(stretches: Sequence[_Stretch], boxes: dict[str, Box], count: int) -> list[_Stretch]:
    """About `count` pieces of the same length; an output stays alone."""
    size = -(-len(stretches) // max(count, 1))
    found: list[_Stretch] = []
    group: list[_Stretch] = []
    for stretch in stretches:
        if boxes[stretch.members[0]].is_output:
            found += [*([_joined(group)] if group else []), stretch]
            group = []
            continue
        group.append(stretch)
        if len(group) == size:
            found.append(_joined(group))
            group = []
    return found + ([_joined(group)] if group else [])


# ---- the folded graph ----------------------------------------------------------------------------


def _folded(
    graph: Graph,
    boxes: dict[str, Box],
    stretches: Sequence[_Stretch],
    modules: dict[str, str],
    hide_shared: bool = False,
) -> Graph:
    """The graph with every stretch of several operators as one box."""
    home: dict[str, str] = {}  # the fold of a box
    folds: dict[str, Box] = {}
    for number, stretch in enumerate(s for s in stretches if len(s.members) > 1):
        key = f"fold{number}"
        members = [boxes[m] for m in stretch.members]
        home |= dict.fromkeys(stretch.members, key)
        folds[key] = Box(
            key, Kind.FOLD, _span(modules, stretch.members),
            is_output=any(m.is_output for m in members),
            kernels=tuple(dict.fromkeys(k for m in members for k in m.kernels)),
            moment=min(m.moment for m in members), line=members[-1].line,
            count=len(members), repeats=stretch.repeats, pattern=stretch.pattern,
        )  # fmt: skip
    _hide(graph, boxes, home, folds, hide_shared)
    kept = [box for box in graph.boxes if box.key not in home]
    seen: set[object] = set()
    arrows = []
    for arrow in graph.arrows:
        tail, head = home.get(arrow.tail, arrow.tail), home.get(arrow.head, arrow.head)
        if (tail, head) == (arrow.tail, arrow.head):
            arrows.append(arrow)
        elif tail != head and (tail, head) not in seen:
            seen.add((tail, head))
            arrows.append(Arrow(tail, head))
    return replace(graph, boxes=(*kept, *folds.values()), arrows=tuple(arrows))


def _span(modules: dict[str, str], members: Sequence[str]) -> tuple[str, ...]:
    """The modules that a fold covers: the first and the last, in the order of the program."""
    found = list(dict.fromkeys(m for key in reversed(members) if (m := modules.get(key))))
    if len(found) > 2:
        return (f"{found[0]} … {found[-1]}",)
    return tuple(found)


def _hide(
    graph: Graph,
    boxes: dict[str, Box],
    home: dict[str, str],
    folds: dict[str, Box],
    hide_shared: bool,
) -> None:
    """Put the values and covariables that belong to one fold into it."""
    order = {key: number for number, key in enumerate(folds)}
    around: dict[str, set[str]] = {}
    for arrow in graph.arrows:
        for value, operator in ((arrow.tail, arrow.head), (arrow.head, arrow.tail)):
            if boxes[value].kind in (Kind.STORED, Kind.INPUT):
                around.setdefault(value, set()).add(home.get(operator, operator))
    inputs: Counter[str] = Counter()
    inside: list[tuple[Box, str]] = []
    for key, places in around.items():
        if not places <= folds.keys() or (len(places) > 1 and not hide_shared):
            continue
        # Before all that read a value, after all that a covariable is the end of: no circles.
        first = boxes[key].kind is Kind.STORED
        chosen = (min if first else max)(places, key=lambda fold_key: order[fold_key])
        inside.append((boxes[key], chosen))
        inputs[chosen] += not first
    values: Counter[str] = Counter()
    size: Counter[str] = Counter()
    saved: Counter[str] = Counter()
    for box, fold_key in inside:
        if box.kind is Kind.INPUT:
            if inputs[fold_key] <= FEW:
                continue
        else:
            values[fold_key] += 1
            if not box.view_of:
                (saved if box.recomputed else size)[fold_key] += box.nbytes or 0
        home[box.key] = fold_key
    for key, box in folds.items():
        hidden = inputs[key] if inputs[key] > FEW else 0
        nbytes = size[key] if values[key] else None
        folds[key] = replace(
            box, values=values[key], inputs=hidden, nbytes=nbytes, saved=saved[key]
        )
