"""The machine that code is compiled for: its vector width and its features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import llvmlite.binding as binding
import numpy as np

# the first feature that the machine has decides; bytes of its vectors
VECTOR_BYTES = (("avx512f", 64), ("avx2", 32), ("avx", 32), ("sse2", 16), ("neon", 16))
FORCED_LANES = (1, 2, 4, 8, 16)
X86 = ("x86_64", "i686")


@dataclass(frozen=True)
class Target:
    """A CPU as LLVM names it; `lanes` forces the number of lanes whatever the dtype."""

    triple: str
    cpu: str
    features: tuple[str, ...]
    lanes: int | None = None

    def has(self, *features: str) -> bool:
        return all(f in self.features for f in features)

    @property
    def vector_bytes(self) -> int:
        return next((n for f, n in VECTOR_BYTES if self.has(f)), 16)

    @property
    def registers(self) -> int:
        """How many vector registers there are."""
        return 32 if self.has("avx512f") or self.has("neon") else 16

    @property
    def indexed(self) -> bool:
        """Whether an address in an instruction may be a base, a scaled index and a constant."""
        return self.triple.startswith(X86)

    def lanes_of(self, dtype: np.dtype[np.generic]) -> int:
        """How many numbers of a dtype a vector holds."""
        return self.lanes or max(1, self.vector_bytes // dtype.itemsize)

    @property
    def feature_string(self) -> str:
        return ",".join(f"+{f}" for f in self.features)


def pause(target: Target) -> tuple[str, str]:
    """What tells a processor that a loop waits, and its declaration; empty where nothing does."""
    if target.triple.startswith(X86):
        return "call void @llvm.x86.sse2.pause()", "declare void @llvm.x86.sse2.pause()"
    if target.triple.startswith(("aarch64", "arm64")):
        return "call void @llvm.aarch64.hint(i32 1)", "declare void @llvm.aarch64.hint(i32)"
    return "", ""


@cache
def host(lanes: int | None = None) -> Target:
    """This machine, or this machine made to use another number of lanes."""
    if lanes is not None and lanes not in FORCED_LANES:
        raise ValueError(f"lanes must be one of {FORCED_LANES}, not {lanes}")
    found = binding.get_host_cpu_features()
    features = tuple(sorted(name for name, present in found.items() if present))
    triple = binding.get_process_triple()
    return Target(triple, binding.get_host_cpu_name(), features, lanes)
