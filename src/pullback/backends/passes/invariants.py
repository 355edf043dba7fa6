"""What changes where: which nodes stay inside the innermost loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..loops import Kernel, add_free_indices
from ..scalar import Scalar

Test = Callable[[Scalar], bool]


class Dependence:
    """Answers about nodes of a kernel, including nodes made after it was asked first."""

    def __init__(self, kernel: Kernel):
        self.outer = kernel.outer
        self.inner = frozenset(kernel.inner)
        self.features = frozenset(kernel.named("feature"))
        self._free: dict[int, frozenset[str]] = {}
        self._keep: list[Scalar] = []  # ids stay valid while the nodes live

    def free(self, n: Scalar) -> frozenset[str]:
        """The indices that a node depends on."""
        found = self._free.get(id(n))
        if found is None:
            self._keep.append(n)
            add_free_indices(self._free, n)
            found = self._free[id(n)]
        return found

    def varies(self, n: Scalar) -> bool:
        """Whether the node is computed once per pair (or per element, if there are no pairs)."""
        free = self.free(n)
        return self.outer in free and (not self.inner or bool(free & self.inner))

    def uniform(self, n: Scalar) -> bool:
        """Whether the node is the same for every outer and inner index."""
        free = self.free(n)
        return self.outer not in free and not free & self.inner

    def without(self, over: Sequence[str]) -> Test:
        """The test for nodes that a reduction over these indices leaves alone."""
        names = frozenset(over)
        return lambda n: not self.free(n) & names
