"""What a picture of a computation shows, before anyone decides how it is printed.

A `Graph` is a list of boxes and a list of arrows, plain data: DOT, SVG and whatever comes later
read the same one. Arrows point the way gradients flow, from the output to the inputs, and from
a stored value to the operator that reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """What a box stands for."""

    OPERATOR = "operator"
    """A backward operator, from the covariable of its output to those of its inputs."""
    OUTPUT = "output"
    """The covariable of an output that no operator made: a leaf, or a constant."""
    INPUT = "input"
    """A covariable to be computed: the gradient of a leaf."""
    STORED = "stored"
    """A value of the forward pass, kept for the backward pass."""


@dataclass(frozen=True, slots=True)
class Box:
    """A node of the picture; `key` is unique in its graph and the same in every run."""

    key: str
    kind: Kind
    names: tuple[str, ...] = ()
    """The names of the value (for an operator: of its result), in the user's words if known."""
    operator: str = ""
    """PyTorch's name of the backward operator, such as `ExpBackward0`."""
    is_output: bool = False
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    nbytes: int | None = None
    version: int | None = None
    """How often the stored value has been written in place."""
    attributes: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    """What the operator keeps that is not a tensor: `dim`, `keepdim`, `exponent`, …"""


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge: `slot` is the position of the input, `name` the role of a stored value."""

    tail: str
    head: str
    slot: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Boxes in the order of a walk from the outputs, and the arrows between them."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]

    def box(self, key: str) -> Box:
        """The box of that key (a search: meant for tests and for small graphs)."""
        return next(box for box in self.boxes if box.key == key)
