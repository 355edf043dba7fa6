"""What libraries ask PyTorch's machinery: whether something else than running Python goes on."""

from __future__ import annotations

from typing import Any


def _get_tracing_state() -> None:
    """What writes the computation down instead of running it: nothing does."""


def _log_api_usage_once(event: Any) -> None:
    """Note the use of an interface: nothing is noted."""
