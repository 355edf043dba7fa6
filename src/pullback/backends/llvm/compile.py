"""From a kernel to machine code in this process, with a cache in memory and one on disk."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import llvmlite
import llvmlite.binding as binding

from ...locks import lasting_lock
from ..collector import uncollected
from ..loops import Kernel, verify
from . import cache, calls
from .facts import Facts
from .target import Target, host

if TYPE_CHECKING:
    from .emit import Emitter

_lock = lasting_lock()  # a fork waits for LLVM as well
_programs: dict[tuple[str, Target], Program] = {}
_initialized = False


@dataclass(frozen=True)
class Program:
    """A kernel as machine code, and what is needed to call it."""

    kernel: Kernel  # as it was given
    target: Target
    facts: Facts
    main: Callable[[int, int, int], None]
    finish: Callable[[int], None] | None
    from_disk: bool
    keep: list[Any] = field(repr=False)  # owns the code

    @property
    def text(self) -> str:
        """The LLVM IR."""
        return source(self.kernel, self.target)


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
    return emitter(kernel, target or host()).module()


def emitter(kernel: Kernel, target: Target) -> Emitter:
    """The printer of a kernel. It is imported by those who print: cached code needs none."""
    from ..simplify import simplify
    from .emit import Emitter

    return Emitter(simplify(kernel), target)


@uncollected
def build(kernel: Kernel, target: Target) -> Program:
    """The machine code of a kernel from disk; or verify, simplify, print and compile it."""
    initialize()
    name = entry(kernel, target)
    dump = bool(os.environ.get("PULLBACK_DUMP"))  # what is on disk has nothing to print
    stored = None if dump else cache.get(name)
    if stored is None:
        facts, code = compiled(kernel, target)
        head = facts.dump()
        cache.put(name, len(head).to_bytes(8, "little") + head + code)
    else:
        size = int.from_bytes(stored[:8], "little")
        facts, code = Facts.load(stored[8 : 8 + size]), stored[8 + size :]
    calls.bind(kernel)
    engine = _loaded(code, target)
    word, pointer = ctypes.c_int64, ctypes.c_void_p
    main = ctypes.CFUNCTYPE(None, pointer, word, word)(engine.get_function_address("kernel"))
    finish = None
    if facts.has_finish:
        address = engine.get_function_address("kernel.finish")
        finish = ctypes.CFUNCTYPE(None, pointer)(address)
    return Program(kernel, target, facts, main, finish, stored is not None, [engine, code])


def library(text: str, target: Target) -> tuple[Any, Callable[[str], int]]:
    """Functions written as LLVM IR: (what owns the machine code, the address of one by name)."""
    initialize()
    name = cache.key(text, *_versions(target))
    code = cache.get(name)
    if code is None:
        code = compile_text(text, target)
        cache.put(name, code)
    engine = _loaded(code, target)
    return (engine, code), engine.get_function_address


def _loaded(code: bytes, target: Target) -> Any:
    """An object in this process."""
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _machine(target))
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine


def compiled(kernel: Kernel, target: Target) -> tuple[Facts, bytes]:
    """A kernel's object, and how to call it."""
    verify(kernel)
    printer = emitter(kernel, target)
    text = printer.module()
    if "ir" in os.environ.get("PULLBACK_DUMP", "").split(","):
        print(text, file=sys.stderr)
    return Facts.of(printer), compile_text(text, target)


def entry(kernel: Kernel, target: Target) -> str:
    """The name of a kernel's object on disk."""
    return cache.key(kernel.key, _generator(), *_versions(target))


def _versions(target: Target) -> tuple[str, ...]:
    """What decides the machine code of a text."""
    return (
        target.triple, target.cpu, target.feature_string, str(target.lanes),
        llvmlite.__version__, str(binding.llvm_version_info),
    )  # fmt: skip


@functools.cache
def _generator() -> str:
    """A digest of the code in this folder and above: what it compiles may change with it."""
    from importlib.resources import files

    digest = hashlib.blake2b(digest_size=16)
    backends = files("pullback.backends")  # which may be in a zip file
    for folder in (backends, backends / "passes", backends / "llvm", backends / "llvm" / "math"):
        for file in sorted(folder.iterdir(), key=lambda file: file.name):
            if file.name.endswith(".py"):
                digest.update(file.name.encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()


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
