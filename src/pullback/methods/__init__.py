"""What tensors do besides the registry's operations, and the registry's operations as methods.

Each module attaches its functions to `Tensor` when it is imported; `registered` comes last, as it
takes only the names that are still free.
"""

from pullback.methods import (
    attributes as attributes,
    conversions as conversions,
    copying as copying,
    history as history,
    interchange as interchange,
    memory as memory,
    operators as operators,
    random as random,
    registered as registered,
)
