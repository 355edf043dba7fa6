"""Operations written with others, expanded without running their definition again.

A definition that has been read once on formulas has left a DAG above its operands. What it looks
like depends on the operands' kinds alone, unless it reads numbers; so it is written down as a list
of steps, and applied to other operands of these kinds: by `expand`, or as lines of Python
(`written`) among those of a recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pullback.formula.node import Formula, Source, Template, Value


class Macro:
    """The formulas that a definition builds on its operands, as a list of steps.

    Values are numbered: the operands, fixed arrays that the definition reads, then the steps.
    """

    __slots__ = ("_constants", "_outputs", "_several", "_steps")

    def __init__(self) -> None:
        self._constants: list[Source] = []
        # Template; its values with holes; what goes where in them; the arguments.
        self._steps: list[tuple[Template, list[Any], list[tuple[int, Any]], list[int]]] = []
        self._outputs: list[int | None] = []  # None for a result that is missing
        self._several = False

    @classmethod
    def of(cls, result: Any, operands: Sequence[Value]) -> Macro | None:
        """The macro that gives this result from these operands.

        None if it is no formula, or reads what may depend on the operands' numbers.
        """
        macro = cls()
        macro._several = isinstance(result, tuple)
        results = [r for r in (result if macro._several else (result,)) if r is not None]
        if not all(isinstance(r, Formula) and r.array is None for r in results):
            return None
        if len({id(x) for x in operands}) < len(operands):
            return None  # which of the equal operands was meant?
        below = {id(x.arguments) for x in operands if isinstance(x, Formula)}
        if any(id(r.arguments) in below for r in results):
            return None  # a twin of an operand, which is made of what that is made of
        place = {id(x): k for k, x in enumerate(operands)}
        order: list[Formula] = []
        stack: list[Any] = list(results)
        while stack:
            node = stack[-1]
            if id(node) in place:
                stack.pop()
            elif node.array is not None:
                if not (isinstance(node, Source) and node.fixed):
                    return None
                place[id(node)] = len(operands) + len(macro._constants)
                macro._constants.append(node)
            elif missing := [a for a in node.arguments if id(a) not in place]:
                stack += missing
            else:
                place[id(node)] = -1 - len(order)  # its number is known when all constants are
                order.append(node)
        base = len(operands) + len(macro._constants)
        place = {key: k if k >= 0 else base - 1 - k for key, k in place.items()}
        for node in order:
            values = [None if isinstance(v, (Value, list)) else v for v in node.values]
            fills: list[tuple[int, Any]] = []
            for k, v in enumerate(node.values):
                if isinstance(v, Value):
                    fills.append((k, place[id(v)]))
                elif isinstance(v, list):
                    if not all(isinstance(e, Value) for e in v):
                        return None
                    fills.append((k, [place[id(e)] for e in v]))
            macro._steps.append(
                (node.template, values, fills, [place[id(a)] for a in node.arguments])
            )
        macro._outputs = [
            None if r is None else place[id(r)] for r in (result if macro._several else (result,))
        ]
        return macro

    def expand(self, operands: Sequence[Value]) -> Any:
        """The result for other operands of the same kinds."""
        pool = [*operands, *self._constants]
        for template, plain, fills, arguments in self._steps:
            values = plain[:]
            for k, number in fills:
                values[k] = [pool[n] for n in number] if type(number) is list else pool[number]
            pool.append(Formula(template, tuple(values), [pool[n] for n in arguments]))
        if self._several:
            return tuple([None if n is None else pool[n] for n in self._outputs])
        return pool[self._outputs[0] or 0]

    def written(
        self, operands: Sequence[str], name: Callable[[Any], str]
    ) -> tuple[list[str], str] | None:
        """`expand` as lines of Python, and the name of the result; None for several results.

        `name` gives names to constants.
        """
        if self._several:
            return None
        pool = [*operands, *map(name, self._constants)]
        lines = []
        for template, plain, fills, arguments in self._steps:
            values = list(map(name, plain))
            for k, number in fills:
                several = type(number) is list
                values[k] = f"[{', '.join(pool[n] for n in number)}]" if several else pool[number]
            made = f"f{len(pool)}"
            given = ", ".join((name(template), _tuple(values), _tuple(pool[n] for n in arguments)))
            lines.append(f"{made} = Formula({given})")
            pool.append(made)
        return lines, pool[self._outputs[0] or 0]


def _tuple(items: Iterable[str]) -> str:
    return f"({''.join(f'{item}, ' for item in items)})"
