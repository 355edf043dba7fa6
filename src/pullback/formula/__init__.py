"""Values that are not stored: formulas over arrays, and the loops that evaluate them.

The room in the order of what happens; `torch.explain(tensor)` shows it for a formula at hand.

    node          a `Formula` is an operation on `Value`s: arrays (`Source`) and other formulas
    vocabulary    `build` makes one, as the door or a rule asks for it
    over          a formula's kernel that writes over an array it reads: methods in place
    macro         … again: what an operation written with others is made of, without its definition
    evaluate      somebody asks for numbers: the plan is found or made, and its steps are run
    program       … again, for a plan that was made: without the formulas in between
    lines         … steps of NumPy, again: the calls that their operations' bodies come to
    waiting       … together with what else is held and comes out of the same loops
    turns         … while other threads compute other formulas
    plan          what is stored, what is computed again, and which results share their loops
    roles         for one kernel: which axis is which loop
    lower         its expressions, as `pull(node, indices)`: an element of a formula as a scalar
    maps          … views, as arithmetic on the indices
    orient        … sums over rows and sums over columns of the same pairs
    merge         fewer loops, where arrays are gone through as they lie in memory

Then `backends` has it: a `loops.Kernel` is simplified, compiled and run. Five themes have a file of
their own, outside of that order:

    narrow        numbers of 16 bits
    slabs         what needs a whole axis at once: sorts, running sums; histograms, part by part
    shortcuts     a sort of which only the front is looked at
    transposes    gradients of views
    unstored      the few numbers of what is never stored that are shown
"""

from pullback.formula.evaluate import array_of, evaluate, limit, operand
from pullback.formula.node import BLOWN, Formula, Source, before_give, before_write, source
from pullback.formula.slabs import streamed
from pullback.formula.unstored import Unstored, is_stored
from pullback.formula.vocabulary import (
    FORMULAS,
    NotLowerable,
    as_formula,
    build,
    cast,
    lasting_maker,
)

__all__ = [
    "BLOWN", "FORMULAS", "Formula", "NotLowerable", "Source", "Unstored", "array_of", "as_formula",
    "before_give", "before_write", "build", "cast", "evaluate", "is_stored", "lasting_maker",
    "limit", "operand", "source", "streamed",
]  # fmt: skip
