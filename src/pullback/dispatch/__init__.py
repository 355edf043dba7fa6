"""The one door: every operation enters here.

For each call: are the arguments sound? compute, and does a gradient need recording? Declarations
stay free of these chores. `door` does it; `fast` has shorter ways for small pointwise operations;
`functions` makes the public functions and methods out of declarations; `values` is for rules that
meet formulas.
"""

from pullback import ops as ops  # importing it fills the registry
from pullback.dispatch.door import apply
from pullback.dispatch.functions import TENSORS, bind, bind_in_place, operator

from pullback.dispatch import lift as lift  # isort: skip  # it tells the door of itself
from pullback.dispatch.promotion import broadcast_shapes, result_type
from pullback.dispatch.values import VALUES

from pullback.dispatch import replay as replay  # isort: skip  # it tells the engine of itself

__all__ = [
    "TENSORS",
    "VALUES",
    "apply",
    "bind",
    "bind_in_place",
    "broadcast_shapes",
    "operator",
    "result_type",
]
