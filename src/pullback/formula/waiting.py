"""Results that somebody holds and that are not computed yet.

When a formula is computed, so are those of them that its loops give on the way: `grad`, and then
the value; or several losses of one kernel matrix, read one after the other. What is dropped is
never computed, nor is what would need loops of its own.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Collection, Sequence
from typing import Any

from pullback.backends.memory import owner
from pullback.formula.node import Formula, Source, Value
from pullback.formula.plan import Step
from pullback.formula.slabs import is_along
from pullback.op import Reduction

MAX_WAITING = 256  # the youngest results
MAX_TOGETHER = 300  # operations of one evaluation that others join

_waiting: deque[weakref.ref[Any]] = deque(maxlen=MAX_WAITING)


def note(tensor: Any) -> None:
    """Remember a tensor with a formula: a result if it is much smaller than what it is made of."""
    value = tensor._value
    if (value.heavy and not value.is_large) or isinstance(value.template.op, Reduction):
        _waiting.append(weakref.ref(tensor))


def note_gradient(tensor: Any) -> None:
    """Remember a tensor with a formula that was asked for: a result of any size that is stored."""
    if not tensor._value.is_large:
        _waiting.append(weakref.ref(tensor))


def sharing(order: Sequence[Formula], sources: Sequence[Value]) -> list[Formula]:
    """The results that are made of the same as the formulas in `order`, the youngest first."""
    if not _waiting or any(map(is_along, order)):
        return []
    known = {id(n) for n in order}
    read = {id(owner(s.array)) for s in sources if s.size > 1}
    room = MAX_TOGETHER - len(order)
    found: dict[int, Formula] = {}
    alive = []
    for reference in reversed(list(_waiting)):
        tensor = reference()
        value = None if tensor is None else tensor._value
        if type(value) is not Formula or value.array is not None:
            continue
        alive.append(reference)
        if id(value) in known or id(value) in found:
            continue
        more = _below(value, known, read, room)
        if more is not None:
            found[id(value)] = value
            room -= more
    alive.reverse()
    _forget_others(alive)
    return list(found.values())


def _forget_others(alive: Sequence[weakref.ref[Any]]) -> None:
    """Keep those that are waiting still, once the others are more."""
    if len(alive) < len(_waiting) // 2:
        _waiting.clear()
        _waiting.extend(alive)


def pending() -> list[Formula]:
    """The results that somebody holds and that are not computed yet."""
    found = []
    alive = []
    for reference in list(_waiting):
        tensor = reference()
        value = None if tensor is None else tensor._value
        if type(value) is Formula and value.array is None:
            found.append(value)
            alive.append(reference)
    _forget_others(alive)
    return found


def _below(value: Formula, known: Collection[int], read: Collection[int], room: int) -> int | None:
    """How many formulas a result adds to those that are known; None for one that does not fit.

    It fits if it is made of a known formula of several elements, or reads no other memory.
    """
    seen: set[int] = set()
    stack: list[Any] = [value]
    shares, foreign, reads = False, False, False
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.array is not None:
            if node.size > 1 and not (type(node) is Source and node.fixed):
                reads = True
                foreign = foreign or id(owner(node.array)) not in read
        elif id(node) in known:
            shares = shares or node.size > 1
        else:
            if is_along(node) or len(seen) > room:
                return None
            stack += node.arguments
    return len(seen) if shares or (reads and not foreign) else None


def on_the_way(
    order: Sequence[Formula],
    roots: Sequence[Formula],
    more: Sequence[Formula],
    steps: Sequence[Step],
) -> tuple[int, ...]:
    """Which of `more`, by number, come out of the kernels that the roots need anyway."""
    place = {id(n): k for k, n in enumerate(order)}
    maker: dict[int, int] = {}
    needs: list[set[int]] = []
    for k, step in enumerate(steps):
        made = step.numpy or [p for _, p, _ in step.results]
        for p in made:
            maker.setdefault(p, k)
        if step.call is None:
            below = {place[id(a)] for p in made for a in order[p].arguments if id(a) in place}
        else:
            below = {p for _, p, _ in step.arrays} | {p for _, p, v in step.scalars if v is None}
        needs.append({p for p in below - set(made) if p >= 0})

    def kernels(node: Formula) -> set[int]:
        found: set[int] = set()
        stack = [place[id(node)]]
        while stack:
            k = maker[stack.pop()]
            if k not in found:
                found.add(k)
                stack += needs[k]
        return {k for k in found if steps[k].call is not None}

    asked = {id(r) for r in roots}
    if any(order[p].is_large and id(order[p]) not in asked
           for step in steps for _, p, _ in step.results):  # fmt: skip
        return ()  # together, they would store what is never stored
    anyway = set().union(*map(kernels, roots))
    return tuple(k for k, node in enumerate(more) if kernels(node) <= anyway)
