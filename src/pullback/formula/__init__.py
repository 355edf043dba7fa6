"""Values that are not stored: formulas over arrays, and the loops that evaluate them."""

from pullback.formula.evaluate import array_of, evaluate, limit, operand
from pullback.formula.node import BLOWN, Formula, Source, before_give, before_write, source
from pullback.formula.vocabulary import FORMULAS, NotLowerable, build, cast

__all__ = [
    "BLOWN", "FORMULAS", "Formula", "NotLowerable", "Source", "array_of", "before_give",
    "before_write", "build", "cast", "evaluate", "limit", "operand", "source",
]  # fmt: skip
