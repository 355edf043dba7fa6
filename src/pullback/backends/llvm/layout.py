"""The argument block of a compiled kernel: one 64-bit slot per run-time parameter."""

from __future__ import annotations

from dataclasses import dataclass

from ..loops import Kernel


@dataclass(frozen=True)
class Layout:
    """Which slot holds what. Strides are in bytes; a free variable keeps its own type."""

    names: tuple[str, ...]
    slots: dict[str, int]


def layout(kernel: Kernel) -> Layout:
    """The slots of a kernel, in an order that depends on its structure only."""
    names = ["vectors_per_task", "tasks_per_batch", "tasks_per_group", "groups_per_batch"]
    names += ["partials", "columns", "stop"]
    names += ["turns"] * kernel.square
    names += [f"size:{loop.name}" for loop in kernel.loops]
    for buffer in kernel.buffers:
        names.append(f"data:{buffer.name}")
        names += [f"stride:{buffer.name}:{k}" for k in range(buffer.rank)]
    names += [f"scalar:{n.data}" for n in kernel.scalars]
    return Layout(tuple(names), {name: k for k, name in enumerate(names)})
