"""Versions, as `torch.version`: there is no CUDA, nor anything else that was compiled in."""

from __future__ import annotations

__version__ = "0.1.0"
cuda: str | None = None
hip: str | None = None
xpu: str | None = None
git_version = "unknown"
debug = False
