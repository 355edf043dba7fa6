"""What pullback was made with, as `torch.__config__`."""

from __future__ import annotations

from pullback.config import config
from pullback.version import __version__


def show() -> str:
    """The versions of what computes, as text."""
    from importlib.metadata import version

    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "llvmlite"))
    return f"pullback {__version__} over {libraries}"


def parallel_info() -> str:
    """On how many threads kernels run, as text."""
    return f"threads of pullback's kernels: {config.num_threads}"
