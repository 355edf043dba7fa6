"""Modules on several devices, as `torch.nn.parallel`: there is one, which runs them as they are.

scatter_gather  batches in parts, one for each device, and together again
"""

from __future__ import annotations

from typing import Any

from pullback.missing import missing_attribute
from pullback.nn.modules.module import Module

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel"]


class DataParallel(Module):
    """A module, as `.module`, run as it is: PyTorch does so without GPUs."""

    def __init__(
        self, module: Any, device_ids: Any = None, output_device: Any = None, dim: int = 0
    ) -> None:
        super().__init__()
        self.module = module
        self.dim, self.output_device = dim, None
        self.device_ids: list[Any] = []

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """What the module gives."""
        return self.module(*inputs, **named)


class DistributedDataParallel(Module):
    """A module that computes with those of other processes: there are none, so nothing is one."""

    def __init__(self, module: Any, *options: Any, **named: Any) -> None:
        raise ValueError(
            "Default process group has not been initialized, please make sure to call "
            "init_process_group: pullback computes in one process, where the module is used as it "
            "is"
        )


def data_parallel(
    module: Any, inputs: Any, device_ids: Any = None, output_device: Any = None, dim: int = 0,
    module_kwargs: dict[str, Any] | None = None,
) -> Any:  # fmt: skip
    """What the module gives for a tuple of inputs."""
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    return module(*inputs, **(module_kwargs or {}))


def __getattr__(name: str) -> Any:
    raise missing_attribute(__name__, name, __all__)
