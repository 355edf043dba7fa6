"""The modules, as `torch.nn.modules`."""

from pullback.nn.modules import (
    activation,
    adaptive,
    attention,
    container,
    conv,
    images,
    layers,
    lazy,
    linear,
    loss,
    normalization,
    rnn,
    transformer,
    utils as utils,
)
from pullback.nn.modules.module import Module
from pullback.paths import lead_here


def _classes() -> dict[str, type]:
    homes = (
        activation, adaptive, attention, container, conv, images, layers, lazy, linear, loss,
        normalization, rnn, transformer,
    )  # fmt: skip
    return {
        name: value for home in homes for name, value in vars(home).items()
        if isinstance(value, type) and issubclass(value, Module) and not name.startswith("_")
        and value.__module__ == home.__name__
    }  # fmt: skip


globals().update(_classes())
LinearCrossEntropyOptions = adaptive.LinearCrossEntropyOptions

__all__ = ["LinearCrossEntropyOptions", "Module", *_classes()]

lead_here(
    __name__,
    "batchnorm channelshuffle distance dropout flatten fold instancenorm padding "
    "pixelshuffle pooling sparse upsampling",
)
