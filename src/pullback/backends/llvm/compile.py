"""From LLVM IR to machine code, in process."""

from __future__ import annotations

import threading

import llvmlite.binding as binding

from .target import Target

_lock = threading.Lock()
_ready = False


def initialize() -> None:
    """Set LLVM up, once."""
    global _ready
    with _lock:
        if not _ready:
            binding.initialize_native_target()
            binding.initialize_native_asmprinter()
            _ready = True


def machine(target: Target) -> binding.TargetMachine:
    return binding.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.feature_string, opt=2, jit=True, codemodel="jitdefault"
    )


def optimize(text: str, tm: binding.TargetMachine):
    module = binding.parse_assembly(text)
    module.triple = tm.triple
    module.data_layout = str(tm.target_data)
    module.verify()
    options = binding.create_pipeline_tuning_options(speed_level=1)
    options.loop_vectorization = False
    options.slp_vectorization = False
    options.loop_unrolling = False
    builder = binding.create_pass_builder(tm, options)
    manager = builder.getModulePassManager()
    manager.run(module, builder)
    return module
