"""From a kernel to machine code in this process, with a cache in memory and one on disk."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import llvmlite
import llvmlite.binding as binding

from ..loops import Kernel, verify
from ..simplify import simplify
from . import cache
from .emit import Emitter
from .layout import Layout
from .plan import Plan
from .target import Target, host

PIPELINE = "1"  # to be changed with `compile_text`: what is on disk came out of it

_lock = threading.RLock()
_programs: dict[tuple[str, Target], Program] = {}
_initialized = False


@dataclass(frozen=True)
class Program:
    """A kernel as machine code, and what is needed to call it."""

    kernel: Kernel  # as it was given
    plan: Plan
    layout: Layout
    text: str
    main: Callable[[int, int, int], None]
    finish: Callable[[int], None] | None
    from_disk: bool
    keep: list[Any] = field(repr=False)  # owns the code


def program(kernel: Kernel, target: Target | None = None) -> Program:
    """The compiled form of a kernel: from memory, from disk, or compiled now."""
    target = target or host()
    key = (kernel.key, target)
    found = _programs.get(key)
    if found is not None:
        return found
    with _lock:
        found = _programs.get(key)
        if found is None:
            found = _programs[key] = build(kernel, target)
    return found


def in_memory(kernel: Kernel, target: Target | None = None) -> bool:
    """Whether a kernel's program is there already; it is not compiled by asking."""
    return (kernel.key, target or host()) in _programs


def forget() -> None:
    """Empty the cache in memory; programs in use stay valid."""
    with _lock:
        _programs.clear()


def source(kernel: Kernel, target: Target | None = None) -> str:
    """The LLVM IR of a kernel."""
    return Emitter(simplify(kernel), target or host()).module()


def build(kernel: Kernel, target: Target) -> Program:
    """Verify, simplify, print, compile and load a kernel."""
    verify(kernel)
    emitter = Emitter(simplify(kernel), target)
    text = emitter.module()
    if "ir" in os.environ.get("PULLBACK_DUMP", "").split(","):
        print(text, file=sys.stderr)
    initialize()
    name = entry(text, target)
    machine = _machine(target)
    code = cache.get(name)
    from_disk = code is not None
    if code is None:
        code = compile_text(text, target)
        cache.put(name, code)
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    word, pointer = ctypes.c_int64, ctypes.c_void_p
    main = ctypes.CFUNCTYPE(None, pointer, word, word)(engine.get_function_address("kernel"))
    finish = None
    if emitter.plan.has_finish:
        address = engine.get_function_address("kernel.finish")
        finish = ctypes.CFUNCTYPE(None, pointer)(address)
    return Program(
        kernel, emitter.plan, emitter.layout, text, main, finish, from_disk, [engine, code]
    )


def entry(text: str, target: Target) -> str:
    """The name of a module's object on disk."""
    versions = f"{PIPELINE} {llvmlite.__version__} {binding.llvm_version_info}"
    return cache.key(text, target.triple, target.cpu, target.feature_string, versions)


def compile_text(text: str, target: Target) -> bytes:
    """Optimise a module and compile it to an object.

    The text comes out of the printer with loops rotated, invariants hoisted and accumulators in
    registers; inlining the elementary functions is all that is left. (Value numbering would drop
    the flags that let products and sums contract.)
    """
    return bytes(_machine(target).emit_object(_optimised(text, target)))


def assembly(text: str, target: Target) -> str:
    """The machine code of a module, to be read."""
    module = _optimised(text, target)
    machine = _machine(target)
    machine.set_asm_verbosity(False)
    return str(machine.emit_assembly(module))


def _optimised(text: str, target: Target) -> binding.ModuleRef:
    initialize()
    machine = _machine(target)
    module = binding.parse_assembly(text)
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    module.verify()
    builder = binding.create_pass_builder(machine, binding.create_pipeline_tuning_options())
    passes = binding.create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    passes.add_dead_code_elimination_pass()
    passes.run(module, builder)
    return module


def initialize() -> None:
    """Set LLVM up, once."""
    global _initialized
    with _lock:
        if not _initialized:
            binding.initialize_native_target()
            binding.initialize_native_asmprinter()
            _initialized = True


def _machine(target: Target) -> binding.TargetMachine:
    return binding.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.feature_string, opt=2, jit=True, codemodel="jitdefault"
    )
