"""The one door: every operation enters here.

For each call: are the arguments sound? compute, and does a gradient need recording? Declarations
stay free of these chores.

    functions    public functions and methods, made out of declarations; `xp` for tensors
    door         the door itself: check, compute, record
    promotion    … common dtypes and shapes
    record       … tensors for the results, with a node
    inplace      … results written over tensors
    values       `xp` for arrays and formulas: rules of a first-order backward pass
    lift         the door once more, for tensors with tangents (`forward`) or hidden axes (`batch`)

The same results sooner, for calls such as were met before:

    fast         small pointwise operations
    known        any call on arrays, told apart by its `keys`; what was `met` before, and its nodes
    creations    … or calls without tensors
    rules        … and backward passes through them, as the NumPy calls that their rules come to
    looped       … and as compiled loops, where arrays have some thousand elements
    through      composites, as the NumPy calls that their bodies come to (`straight`), each of the
                 operations inside with its own body and roundings (`composed`); primitives
                 that are several calls of NumPy's as these (`written_out`)
    again        operations that stay formulas: their keys, and the `recipes` of what comes out
    replay       backward passes through formulas, told apart by `guards`
    writing      methods in place, of what is not recorded
"""

from pullback import ops as ops  # importing it fills the registry
from pullback.dispatch.composed import OPERATORS
from pullback.dispatch.door import apply
from pullback.dispatch.functions import TENSORS, bind, bind_in_place, operator

from pullback.dispatch import lift as lift  # isort: skip  # it tells the door of itself
from pullback.dispatch.promotion import broadcast_shapes, result_type
from pullback.dispatch.values import VALUES

from pullback.dispatch import replay as replay  # isort: skip  # it tells the engine of itself

__all__ = [
    "OPERATORS",
    "TENSORS",
    "VALUES",
    "apply",
    "bind",
    "bind_in_place",
    "broadcast_shapes",
    "operator",
    "result_type",
]
