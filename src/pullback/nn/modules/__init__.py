"""The modules, as `torch.nn.modules`."""

from pullback.nn.modules import (
    activation,
    container,
    conv,
    images,
    layers,
    lazy,
    linear,
    loss,
    normalization,
)
from pullback.nn.modules.module import Module


def _classes() -> dict[str, type]:
    homes = (activation, container, conv, images, layers, lazy, linear, loss, normalization)
    return {
        name: value for home in homes for name, value in vars(home).items()
        if isinstance(value, type) and issubclass(value, Module) and not name.startswith("_")
        and value.__module__ == home.__name__
    }  # fmt: skip


globals().update(_classes())

__all__ = ["Module", *_classes()]
