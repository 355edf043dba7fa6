"""What tensors do besides the registry's operations, and the registry's operations as methods.

Each module attaches its functions to `Tensor` when it is imported; `registered` comes last, as it
takes only the names that are still free.
"""

from pullback.methods import (
    attributes as attributes,
)
from pullback.methods import (
    conversions as conversions,
)
from pullback.methods import (
    copying as copying,
)
from pullback.methods import (
    history as history,
)
from pullback.methods import (
    interchange as interchange,
)
from pullback.methods import (
    memory as memory,
)
from pullback.methods import (
    operators as operators,
)
from pullback.methods import (
    random as random,
)
from pullback.methods import (
    registered as registered,
)
