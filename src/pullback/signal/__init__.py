"""Signal processing, as `torch.signal`."""

from pullback.signal import windows as windows

__all__ = ["windows"]
