"""Large graphs made readable: repeated sub-graphs, modules and long stretches become one box each.

Every fold is a stretch of the operators in the order of the backward pass, and so is every fold
inside of it. What lies between two operators of a stretch in that order cannot lead out of it and
back in, so that the graph has no circles, whichever of its folds are open.
"""

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pullback.graph.model import Arrow, Box, Graph, Kind

MAX_BOXES = 300
"""A picture of more boxes than this is folded."""
MAX_PERIOD = 256
"""Operators of the longest pattern that is looked for."""
MAX_SPAN = 30
"""Rows that the arrows may cross, for each box of the limit."""
MAX_DEPTH = 12
"""Dots in the names of modules that are told apart."""
FEW = 4
"""So many covariables to be computed are drawn beside a fold; more are counted in it."""
MAX_INSIDE = 40
"""A fold of more operators than this has folds inside."""
PIECES = 20
"""About so many of them."""


@dataclass(frozen=True)
class _Stretch:
    """Operators that follow each other; `pattern` is one of its `repeats`."""

    members: tuple[str, ...]
    pattern: tuple[str, ...]
    repeats: int = 1
    parts: tuple["_Stretch", ...] = ()
    """The stretches that it was joined from."""


def fold(graph: Graph, max_boxes: int = MAX_BOXES) -> Graph:
    """The graph itself if it is small enough, else one of at most about `max_boxes` boxes."""
    return closed(nested(graph, max_boxes))


def nested(graph: Graph, max_boxes: int = MAX_BOXES) -> Graph:
    """The same with all that the folds hide: every box names the fold that it is in.

    The arrows are those between the boxes that are no folds. At most about `max_boxes` boxes are
    in no fold at all.
    """
    max_boxes = max(int(max_boxes), 3)
    found = graph
    if not _fits(graph, max_boxes):
        for found in _ways(graph, max_boxes):
            if _fits(closed(found), max_boxes):
                break
    return found


def closed(graph: Graph) -> Graph:
    """A nested graph with all of its folds closed: what they hide is left out."""
    around = {box.key: box.fold for box in graph.boxes}
    if not any(around.values()):
        return graph
    top: dict[str, str] = {}
    for key in around:
        path = [key]
        while path[-1] not in top and around[path[-1]]:
            path.append(around[path[-1]])
        top |= dict.fromkeys(path, top.get(path[-1], path[-1]))
    seen: set[object] = set()
    arrows = []
    for arrow in graph.arrows:
        tail, head = top[arrow.tail], top[arrow.head]
        if (tail, head) == (arrow.tail, arrow.head):
            arrows.append(arrow)
        elif tail != head and (tail, head) not in seen:
            seen.add((tail, head))
            arrows.append(Arrow(tail, head))
    boxes = tuple(box for box in graph.boxes if not box.fold)
    return replace(graph, boxes=boxes, arrows=tuple(arrows))


def _ways(graph: Graph, max_boxes: int) -> Iterator[Graph]:
    """The graph folded in several ways, from the one that hides least."""
    boxes = {box.key: box for box in graph.boxes}
    order = _order(graph)
    modules = _modules(graph, boxes, order)
    stretches = _repeats(graph, boxes, order)
    yield _folded(graph, boxes, stretches, modules)
    if modules.own:
        deepest = max(module.count(".") for module in set(modules.own.values())) + 1
        for depth in range(min(deepest, MAX_DEPTH), 0, -1):
            stretches = _by_module(stretches, modules, depth)
            yield _folded(graph, boxes, stretches, modules)
    for share in (2, 4, 8):
        pieces = _evenly(stretches, boxes, max_boxes // share)
        yield _folded(graph, boxes, pieces, modules)
    # So few that even arrows between all of them can be followed.
    pieces = _evenly(stretches, boxes, math.isqrt(max_boxes))
    yield _folded(graph, boxes, pieces, modules, hide_shared=True)


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


@dataclass(frozen=True)
class _Modules:
    """The modules of the operators, by the dotted names of the parameters that they read."""

    own: dict[str, str]
    """Those of the operators that read parameters."""
    of: dict[str, str]
    """Of all: an operator without parameters belongs to the module that ran before it."""

    def names(self, stretch: _Stretch) -> tuple[str, ...]:
        """What a fold is called: the modules that it covers, in the order of the program."""
        members = stretch.members[::-1]
        found = list(dict.fromkeys(self.own[key] for key in members if key in self.own))
        if not found:
            found = list(dict.fromkeys(m for key in members if (m := self.of.get(key))))
        if len(found) <= 2:
            return tuple(found)
        paths = [name.split(".") for name in found]
        common = [parts[0] for parts in zip(*paths, strict=False) if len(set(parts)) == 1]
        if common and stretch.repeats == 1:
            return (".".join(common),)
        first, last = (".".join(path[: len(common) + 1]) for path in (paths[0], paths[-1]))
        return (f"{first} … {last}",) if first != last else (first,)


def _modules(graph: Graph, boxes: dict[str, Box], order: Sequence[str]) -> _Modules:
    own: dict[str, str] = {}
    for arrow in graph.arrows:
        for parameter, operator in ((arrow.tail, arrow.head), (arrow.head, arrow.tail)):
            box = boxes[parameter]
            if box.kind is Kind.OPERATOR or operator in own:
                continue
            dotted = next((n for n in box.names if "." in n.removesuffix(".T")), "")
            if dotted:
                own[operator] = dotted.removesuffix(".T").rpartition(".")[0]
    found, current = {}, ""
    for key in reversed(order) if own else ():
        current = own.get(key, current)
        found[key] = current
    return _Modules(own, found)


def _by_module(stretches: Sequence[_Stretch], modules: _Modules, depth: int) -> list[_Stretch]:
    """Neighbours of one module, down to a depth of its name, together."""
    groups: list[list[_Stretch]] = []
    before: str | None = None
    for stretch in stretches:
        module = ".".join(modules.of.get(stretch.members[0], "").split(".")[:depth])
        if module and module == before:
            groups[-1].append(stretch)
        else:
            groups.append([stretch])
        before = module
    return list(map(_joined, groups))


def _joined(stretches: Sequence[_Stretch]) -> _Stretch:
    if len(stretches) == 1:
        return stretches[0]
    members = tuple(key for s in stretches for key in s.members)
    texts = [f"{s.repeats} × ({', '.join(s.pattern)})" if s.repeats > 1 else ", ".join(s.pattern)
             for s in stretches]  # fmt: skip
    return _Stretch(members, _pattern(texts), parts=tuple(stretches))


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
    modules: _Modules,
    hide_shared: bool = False,
) -> Graph:
    """The graph with a fold for every stretch of several operators, and folds inside of it."""
    home: dict[str, str] = {}  # the fold that a box, or a fold, is in
    folds: dict[str, Box] = {}
    waiting = [(stretch, "") for stretch in reversed(stretches)]
    while waiting:
        stretch, outer = waiting.pop()
        if len(stretch.members) == 1:
            home[stretch.members[0]] = outer
            continue
        key = f"fold{len(folds)}"
        members = [boxes[m] for m in stretch.members]
        folds[key] = Box(
            key, Kind.FOLD, modules.names(stretch),
            is_output=any(m.is_output for m in members),
            kernels=tuple(dict.fromkeys(k for m in members for k in m.kernels)),
            moment=min(m.moment for m in members), line=members[-1].line,
            count=len(members), repeats=stretch.repeats, pattern=stretch.pattern, fold=outer,
        )  # fmt: skip
        waiting += [(part, key) for part in reversed(_parts(stretch, boxes))]
    _hide(graph, boxes, home, folds, hide_shared)
    inside = [replace(box, fold=home[box.key]) if home.get(box.key) else box for box in graph.boxes]
    return replace(graph, boxes=(*inside, *folds.values()))


def _parts(stretch: _Stretch, boxes: dict[str, Box]) -> list[_Stretch]:
    """What is seen in a fold that is open."""
    count = len(stretch.members)
    if stretch.parts:
        parts = [*stretch.parts]
    elif stretch.repeats > 1 and count > MAX_INSIDE:
        period = count // stretch.repeats
        few = stretch.repeats <= MAX_INSIDE
        times = 1 if few else _round(stretch.repeats / PIECES)
        size = times * period
        cuts = [stretch.members[k : k + size] for k in range(0, count, size)]
        parts = [_Stretch(cut, stretch.pattern, len(cut) // period) for cut in cuts]
    else:
        parts = [_alone(boxes[key]) for key in stretch.members]
    return parts if len(parts) <= MAX_INSIDE else _evenly(parts, boxes, PIECES)


def _round(number: float) -> int:
    """The next round number: 1, 2, 5, 10, 20, 50, …"""
    power: int = 10 ** max(math.ceil(math.log10(number)) - 1, 0)
    return next(step * power for step in (1, 2, 5, 10) if step * power >= number)


def _hide(
    graph: Graph,
    boxes: dict[str, Box],
    home: dict[str, str],
    folds: dict[str, Box],
    hide_shared: bool,
) -> None:
    """Put the values and covariables that belong to one fold into it."""
    order = {key: number for number, key in enumerate(folds)}
    paths: dict[str, tuple[str, ...]] = {"": ("",)}  # of a fold: from the outside to itself
    for key, box in folds.items():
        paths[key] = (*paths[box.fold], key)
    around: dict[str, set[str]] = {}
    for arrow in graph.arrows:
        for value, operator in ((arrow.tail, arrow.head), (arrow.head, arrow.tail)):
            if boxes[value].kind in (Kind.STORED, Kind.INPUT):
                around.setdefault(value, set()).add(home.get(operator, ""))
    inputs: Counter[str] = Counter()
    for key, places in around.items():
        several = [paths[place] for place in places]
        common = [p[0] for p in zip(*several, strict=False) if len(set(p)) == 1]
        if len(common) == 1 and hide_shared and "" not in places:
            # Before all that read a value, after all that a covariable is the end of: no circles.
            first = boxes[key].kind is Kind.STORED
            tops = {path[1] for path in several}
            common.append((min if first else max)(tops, key=lambda top: order[top]))
        home[key] = common[-1]
        if boxes[key].kind is Kind.INPUT:
            inputs.update(common)
    hidden = {key: Counter[str]() for key in folds}
    for key in around:
        box = boxes[key]
        while box.kind is Kind.INPUT and home[key] and inputs[home[key]] <= FEW:
            home[key] = folds[home[key]].fold
        for fold_key in paths[home[key]][1:]:
            count = hidden[fold_key]
            if box.kind is Kind.INPUT:
                count["inputs"] += 1
                continue
            count["values"] += 1
            if not box.view_of:
                count["saved" if box.recomputed else "nbytes"] += box.nbytes or 0
    for key, box in folds.items():
        count = hidden[key]
        folds[key] = replace(
            box, values=count["values"], inputs=count["inputs"], saved=count["saved"],
            nbytes=count["nbytes"] if count["values"] else None,
        )  # fmt: skip
