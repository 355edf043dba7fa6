"""Modules made without their initial values, and weights in another order in memory."""

from __future__ import annotations

from typing import Any

from pullback import layouts
from pullback.nn.modules import conv
from pullback.nn.modules.module import Module

__all__ = [
    "convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format", "skip_init",
]  # fmt: skip


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Any:
    """A module whose parameters are to be loaded. TypeError for what is no class of modules.

    Their values mean nothing: here they are the initial ones.
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    return module_cls(*args, **kwargs)


def _convert(module: Module, kinds: Any, memory_format: Any) -> Module:
    for part in module.modules():
        if isinstance(part, kinds):
            part.weight.data = part.weight.detach().clone(memory_format=memory_format)
    return module


def convert_conv2d_weight_memory_format(module: Module, memory_format: Any) -> Module:
    """The weights of two-dimensional convolutions in another order in memory; gives the module."""
    layouts.given("convert_conv2d_weight_memory_format", memory_format, 4)
    return _convert(module, (conv.Conv2d, conv.ConvTranspose2d), memory_format)


def convert_conv3d_weight_memory_format(module: Module, memory_format: Any) -> Module:
    """The weights of three-dimensional convolutions in another order in memory."""
    layouts.given("convert_conv3d_weight_memory_format", memory_format, 5)
    return _convert(module, (conv.Conv3d, conv.ConvTranspose3d), memory_format)
