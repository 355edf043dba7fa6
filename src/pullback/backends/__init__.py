"""Backends: what computes. NumPy arrays, and the scalar expressions that compilers print.

Scripts know `torch.backends` as the place of switches: `cudnn` takes any setting, and is off.
"""

from types import SimpleNamespace

cudnn = SimpleNamespace(
    enabled=False, benchmark=False, deterministic=False, allow_tf32=False,
    is_available=lambda: False, version=lambda: None,
)  # fmt: skip
