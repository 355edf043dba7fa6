"""SciPy's special functions in machine code: C functions of double precision, one lane at a time.

`scipy.special.cython_special` exports them for other extensions, as capsules whose names are their
C signatures. Code refers to them by name, and the names get their addresses when it is loaded, so
that objects on disk stay valid. They need neither Python nor its lock.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Iterable, Iterator
from typing import Any

from ..loops import Kernel
from ..scalar import walk
from ..symbols import Library
from .text import vector_type

# Of functions for real and for complex numbers, the one for doubles.
_SPECIALISED = ("", "__pyx_fuse_0", "__pyx_fuse_1")


def has_code(kernel: Kernel) -> bool:
    """Whether every function that a kernel calls is one of these."""
    return all(
        isinstance(f, Library) and (found := exported(f.name)) is not None
        and found[2] == (f.part is not None)
        for f in _called(kernel)
    )  # fmt: skip


def bind(kernel: Kernel) -> None:
    """Give the names that a kernel's code refers to their addresses."""
    import llvmlite.binding as binding

    for function in _called(kernel):
        found = exported(function.name)
        assert found is not None
        binding.add_symbol(_external(function.name), found[0])


def _called(kernel: Kernel) -> Iterator[Any]:
    return (n.data for n in walk(*kernel.roots()) if n.op == "call")


@functools.cache
def exported(name: str) -> tuple[int, int, bool] | None:
    """Of SciPy's function of this name: its address, its number of arguments, and whether it
    writes its results through pointers; None if it has none of real numbers."""
    try:
        from scipy.special.cython_special import __pyx_capi__ as capsules
    except ImportError:
        return None
    for prefix in _SPECIALISED:
        capsule = capsules.get(prefix + name)
        if capsule is None:
            continue
        signature = _capsule_name(capsule)
        result, _, given = signature.decode().removesuffix(")").partition(" (")
        kinds = [k.removesuffix("__pyx_skip_dispatch").strip() for k in given.split(",")]
        count = kinds.count("double")
        if result == "double" and kinds == ["double"] * count + ["int"]:
            return _capsule_pointer(capsule, signature), count, False
        if result == "void" and kinds == ["double"] * count + ["double *"] * RESULTS:
            return _capsule_pointer(capsule, signature), count, True
    return None


RESULTS = 4  # of functions that write them: those of Airy


def _capsule_name(capsule: Any) -> bytes:
    function = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)
    return function(("PyCapsule_GetName", ctypes.pythonapi))(capsule) or b""


def _capsule_pointer(capsule: Any, name: bytes) -> int:
    function = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    return function(("PyCapsule_GetPointer", ctypes.pythonapi))(capsule, name) or 0


def _external(name: str) -> str:
    return f"pb_scipy_{name}"


def symbol(function: Library, lanes: int) -> str:
    """The LLVM name of a function of vectors of doubles."""
    return f"@pb.{function!r}.x{lanes}"


def declarations(functions: Iterable[Library]) -> list[str]:
    """Those of the C functions, each once."""
    lines = []
    for name in sorted({f.name for f in functions}):
        found = exported(name)
        assert found is not None
        _, count, writes = found
        kinds = ", ".join(["double"] * count + (["ptr"] * RESULTS if writes else ["i32"]))
        lines.append(
            f"declare {'void' if writes else 'double'} @{_external(name)}({kinds}) nounwind"
        )
    return lines


def definition(function: Library, lanes: int) -> str:
    """The text of a function of vectors: every lane by itself."""
    found = exported(function.name)
    assert found is not None
    _, count, writes = found
    name, vector = _external(function.name), vector_type("double", lanes)
    lines = []
    if writes:
        lines += [f"  %r{k} = alloca double" for k in range(RESULTS)]
        rest = ", ".join(f"ptr %r{k}" for k in range(RESULTS))
    else:
        rest = "i32 0"
    result = "poison"
    for lane in range(lanes):
        given = []
        for k in range(count):
            element = f"%x{k}"
            if lanes > 1:
                element = f"%x{k}.{lane}"
                lines.append(f"  {element} = extractelement {vector} %x{k}, i64 {lane}")
            given.append(f"double {element}")
        call = f"@{name}({', '.join([*given, rest])})"
        if writes:
            lines.append(f"  call void {call}")
            lines.append(f"  %y{lane} = load double, ptr %r{function.part}")
        else:
            lines.append(f"  %y{lane} = call double {call}")
        if lanes == 1:
            result = f"%y{lane}"
        else:
            place = f"double %y{lane}, i64 {lane}"
            lines.append(f"  %v{lane} = insertelement {vector} {result}, {place}")
            result = f"%v{lane}"
    parameters = ", ".join(f"{vector} %x{k}" for k in range(count))
    head = f"define internal {vector} {symbol(function, lanes)}({parameters}) noinline nounwind {{"
    return "\n".join([head, *lines, f"  ret {vector} {result}", "}"])
