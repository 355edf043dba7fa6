"""Values that are not stored: formulas over arrays, and the loops that evaluate them."""

from pullback.formula.evaluate import array_of, evaluate, limit, operand
from pullback.formula.node import BLOWN, Formula, Source, before_give, before_write, source
from pullback.formula.unstored import Unstored, is_stored
from pullback.formula.vocabulary import FORMULAS, NotLowerable, build, cast

__all__ = [
    "BLOWN", "FORMULAS", "Formula", "NotLowerable", "Source", "Unstored", "array_of",
    "before_give", "before_write", "build", "cast", "evaluate", "is_stored", "limit", "operand",
    "source",
]  # fmt: skip
