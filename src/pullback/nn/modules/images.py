"""Layers of images: blocks, pixels and channels, other sizes."""

from __future__ import annotations

from typing import Any

from pullback.nn.modules.layers import _Options


class Fold(_Options):
    """Columns added up to images: `functional.fold`."""

    _function = "fold"
    _names = _shown = ("output_size", "kernel_size", "dilation", "padding", "stride")

    def __init__(
        self, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0,
        stride: Any = 1,
    ) -> None:  # fmt: skip
        super().__init__()
        self._set(output_size=output_size, kernel_size=kernel_size, dilation=dilation,
                  padding=padding, stride=stride)  # fmt: skip


class Unfold(_Options):
    """The sliding blocks of images as columns: `functional.unfold`."""

    _function = "unfold"
    _names = _shown = ("kernel_size", "dilation", "padding", "stride")

    def __init__(
        self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        super().__init__()
        self._set(kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)


class PixelShuffle(_Options):
    """Channels as pixels of larger images: `functional.pixel_shuffle`."""

    _function = "pixel_shuffle"
    _names = _shown = ("upscale_factor",)

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor


class PixelUnshuffle(_Options):
    """The inverse of `PixelShuffle`."""

    _function = "pixel_unshuffle"
    _names = _shown = ("downscale_factor",)

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor


class ChannelShuffle(_Options):
    """Channels in another order: `functional.channel_shuffle`."""

    _function = "channel_shuffle"
    _names = _shown = ("groups",)

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups
