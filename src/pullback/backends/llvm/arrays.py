"""Functions in machine code that take NumPy's arrays themselves.

Asking an array for the address of its numbers takes Python 1 µs, longer than a small kernel runs.
These functions are given the objects, and read there where the numbers are: the first word behind
what all objects begin with, as NumPy's C interface has it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from .compile import library
from .target import Target

BEHIND = object.__basicsize__  # what every object begins with
# How a parameter is said: an array, an integer, a real number.
KINDS = {
    "a": ("ptr", ctypes.py_object), "i": ("i64", ctypes.c_int64), "d": ("double", ctypes.c_double)
}  # fmt: skip


def functions(text: str, target: Target, **kinds: str) -> list[Callable[..., None]]:
    """Functions of a module that return nothing, by their names; `kinds` of their parameters.

    `add="aai"` is a function of the module that takes two addresses and an integer; what is given
    back takes two arrays for these, which are to be in order in memory, and releases the
    interpreter's lock.
    """
    parts = [text, *(_wrapper(name, given) for name, given in kinds.items())]
    owner, address = library("\n\n".join(parts), target)
    made: list[Callable[..., None]] = []
    for name, given in kinds.items():
        parameters: list[Any] = [KINDS[k][1] for k in given]
        function = ctypes.CFUNCTYPE(None, *parameters)(address(f"{name}.of"))
        function.owner = owner  # type: ignore[attr-defined]  # the machine code lives as long
        made.append(function)
    return made


def _wrapper(name: str, given: str) -> str:
    """A function that finds the addresses."""
    parameters = [f"{KINDS[k][0]} %p{n}" for n, k in enumerate(given)]
    lines, passed = [], []
    for n, k in enumerate(given):
        value = f"%p{n}"
        if k == "a":
            lines += [f"  %at{n} = getelementptr i8, ptr {value}, i64 {BEHIND}",
                      f"  %numbers{n} = load ptr, ptr %at{n}, align 8"]  # fmt: skip
            value = f"%numbers{n}"
        passed.append(f"{KINDS[k][0]} {value}")
    head = f"define void @{name}.of({', '.join(parameters)}) {{"
    call = f"  call void @{name}({', '.join(passed)})"
    return "\n".join([head, "entry:", *lines, call, "  ret void", "}"])


def _addressed(array: Any) -> Any:
    return ctypes.c_void_p.from_address(id(array) + BEHIND).value


_probe = np.empty(1)
if _addressed(_probe) != _probe.ctypes.data:
    raise ImportError("the arrays of this Python are laid out in another way")
