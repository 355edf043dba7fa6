"""What scripts ask of `torch.backends`, and set there: libraries that pullback does without.

None is available, and settings are taken as they come: they would change speed, or rounding on
hardware that is not there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any


def _absent(name: str, **settings: Any) -> ModuleType:
    """A module of that name, so that `import torch.backends.cudnn as cudnn` finds one."""
    made = ModuleType(f"pullback.backends.{name}", f"`torch.backends.{name}`: settings only.")
    functions = {"is_available": lambda: False, "is_built": lambda: False}
    vars(made).update(functions | settings)
    return made


@contextlib.contextmanager
def _flags(**settings: Any) -> Iterator[None]:
    """Settings for a while: taken, and without effect."""
    yield


@contextlib.contextmanager
def _sdp_kernel(**settings: Any) -> Iterator[None]:
    """Kernels that attention may choose from: pullback has one."""
    yield


cudnn = _absent(
    "cudnn", enabled=False, benchmark=False, benchmark_limit=None, deterministic=False,
    allow_tf32=False, version=lambda: None, flags=_flags, is_acceptable=lambda tensor: False,
)  # fmt: skip
_matmul = _absent(
    "cuda.matmul", allow_tf32=False, allow_fp16_reduced_precision_reduction=True,
    allow_bf16_reduced_precision_reduction=True,
)  # fmt: skip
_chosen = {
    f"{name}_enabled": lambda: False for name in ("flash_sdp", "mem_efficient_sdp", "cudnn_sdp")
}
_choose = {
    f"enable_{name}": lambda enabled: None
    for name in ("flash_sdp", "mem_efficient_sdp", "cudnn_sdp", "math_sdp")
}
cuda = _absent(
    "cuda", matmul=_matmul, sdp_kernel=_sdp_kernel, math_sdp_enabled=lambda: True, **_chosen,
    **_choose,
)  # fmt: skip
mps, mkl, openmp = (_absent(name) for name in ("mps", "mkl", "openmp"))
mkldnn = _absent("mkldnn", enabled=False, flags=_flags)
nnpack, cusparselt = _absent("nnpack", flags=_flags), _absent("cusparselt")
cpu = _absent("cpu", get_cpu_capability=lambda: "DEFAULT")
opt_einsum = _absent("opt_einsum", enabled=False, strategy=None)
