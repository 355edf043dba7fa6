"""The elementary functions on NumPy arrays, one thread: for tests and benchmarks."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pullback.backends.llvm.math.builder import FORMATS
from pullback.backends.llvm.math.registry import FUNCTIONS, definitions, symbol

LOOP = """
define void @kernel(i64 %n, ptr noalias %y, {pointers}) {{
entry:
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%next, %loop]
{loads}
  %r = call {vector} {symbol}({arguments})
  %to = getelementptr {kind}, ptr %y, i64 %i
  store {vector} %r, ptr %to, align {align}
  %next = add i64 %i, {lanes}
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %end
end:
  ret void
}}
"""


def loop(name: str, dtype: str, lanes: int, features: Iterable[str] = frozenset()) -> str:
    """LLVM IR of `kernel(n, y, x0, …)`, which applies a function to whole vectors of arrays."""
    f = FORMATS[dtype]
    vector = f.kind if lanes == 1 else f"<{lanes} x {f.kind}>"
    count, align = range(FUNCTIONS[name]), f.width // 8
    loads = "\n".join(
        f"  %p{k} = getelementptr {f.kind}, ptr %x{k}, i64 %i\n"
        f"  %a{k} = load {vector}, ptr %p{k}, align {align}"
        for k in count
    )
    return definitions([name], dtype, lanes, features) + LOOP.format(
        pointers=", ".join(f"ptr noalias %x{k}" for k in count),
        arguments=", ".join(f"{vector} %a{k}" for k in count),
        symbol=symbol(name, dtype, lanes),
        loads=loads,
        vector=vector,
        kind=f.kind,
        align=align,
        lanes=lanes,
    )


@dataclass(frozen=True)
class ArrayFunction:
    """A compiled function; it is called like a NumPy ufunc."""

    dtype: str
    lanes: int
    address: int
    engine: Any  # owns the machine code

    @classmethod
    def compile(
        cls,
        name: str,
        dtype: str,
        lanes: int,
        features: Iterable[str] = frozenset(),
        cpu: str | None = None,
    ) -> ArrayFunction:
        """For this machine, or for a CPU that is named as LLVM does."""
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        module = llvm.parse_assembly(loop(name, dtype, lanes, features))
        module.verify()
        machine = llvm.Target.from_default_triple().create_target_machine(
            cpu=cpu or llvm.get_host_cpu_name(),
            features="" if cpu else llvm.get_host_cpu_features().flatten(),
            opt=3,
        )
        options = llvm.create_pipeline_tuning_options(speed_level=3)
        builder = llvm.create_pass_builder(machine, options)
        builder.getModulePassManager().run(module, builder)
        engine = llvm.create_mcjit_compiler(module, machine)
        engine.finalize_object()
        return cls(dtype, lanes, engine.get_function_address("kernel"), engine)

    def __call__(self, *xs: npt.ArrayLike) -> npt.NDArray[Any]:
        """Of flat arrays of one length."""
        arrays = [np.ascontiguousarray(x, self.dtype) for x in xs]
        size = arrays[0].size
        padding = np.ones(-size % self.lanes, self.dtype)
        arrays = [np.concatenate([x, padding]) for x in arrays]
        y = np.empty_like(arrays[0])
        self.bind(y, *arrays)()
        return y[:size]

    def bind(self, y: npt.NDArray[Any], *xs: npt.NDArray[Any]) -> Callable[[], None]:
        """A call that reads these arrays and writes y; their size is a multiple of the lanes."""
        pointers = [a.ctypes.data for a in (y, *xs)]
        types = [ctypes.c_int64] + [ctypes.c_void_p] * len(pointers)
        function = ctypes.CFUNCTYPE(None, *types)(self.address)
        return functools.partial(function, y.size, *pointers)
