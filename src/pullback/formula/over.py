"""A formula's kernel that writes its result over an array which it reads."""

from __future__ import annotations

from typing import Any, NamedTuple

from pullback.formula.evaluate import alone, launch_of
from pullback.formula.node import Formula, Source
from pullback.op import Pointwise


class Over(NamedTuple):
    """A kernel for arrays that lie in memory as those which it was found for."""

    launch: Any
    arrays: list[tuple[str, Any]]  # (name of the buffer, the array that it was found for)
    scalars: list[tuple[str, Any]]  # (name, a 0-d array or a number)
    result: str


def kernel_over(result: Formula) -> Over | None:
    """The one kernel of a formula that goes through arrays side by side; None if it does more.

    Each element of an array as large as the result is then read before the result's element in its
    place is written, and is not read again.
    """
    order, sources, plan = alone(result)
    for node in order:
        reshaped = node.op.name == "reshape" and type(node.arguments[0]) is Source
        if not (isinstance(node.op, Pointwise) or reshaped):
            return None
    if len(plan) != 1 or plan[0].call is None or len(plan[0].results) != 1:
        return None
    (step,) = plan

    def array(place: int) -> Any:
        return None if place >= 0 else sources[-1 - place].array

    read = {name: array(place) for name, place, _ in step.arrays}
    scalars = [(name, array(place) if v is None else v) for name, place, v in step.scalars]
    if any(a is None for a in read.values()) or any(v is None for _, v in scalars):
        return None
    launch = step.launch or launch_of(step, sources, result)
    if launch is None:
        return None
    return Over(launch, list(read.items()), scalars, step.results[0][0])
