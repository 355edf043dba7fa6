"""GPUs, as `torch.cuda`: none are used yet, and scripts that ask are told so."""

from __future__ import annotations

from typing import Any

from pullback.construct import TensorType, tensor_types
from pullback.errors import OutOfMemoryError as OutOfMemoryError


def is_available() -> bool:
    """Whether tensors can be made on an NVIDIA GPU."""
    return False


def device_count() -> int:
    """The number of GPUs that tensors can be made on."""
    return 0


def is_initialized() -> bool:
    """Whether the GPU was used."""
    return False


def synchronize(device: Any = None) -> None:
    """Wait for the GPU: nothing is ever pending without one."""


def empty_cache() -> None:
    """Give unused GPU memory back: there is none."""


def manual_seed(seed: int) -> None:
    """Seed the GPU's generator: there is none."""


def manual_seed_all(seed: int) -> None:
    """Seed all GPUs' generators: there are none."""


class _CudaTensorType(TensorType):
    """`torch.cuda.FloatTensor`: named in many scripts, made by none without a GPU."""

    def __instancecheck__(self, instance: Any) -> bool:
        return False  # no tensor lives there

    def __call__(self, *args: Any, **options: Any) -> Any:
        raise RuntimeError(
            f"torch.cuda.{self.__name__}: pullback computes on the CPU here. Test "
            f"torch.cuda.is_available() before"
        )

    def __repr__(self) -> str:
        return f"<class 'torch.cuda.{self.__name__}'>"


globals().update(
    {n: _CudaTensorType(n, (), {"dtype": t.dtype, "__module__": "torch.cuda"})
     for n, t in tensor_types().items()}
)  # fmt: skip


def __getattr__(name: str) -> object:
    from pullback.missing import missing_attribute

    raise missing_attribute(__name__, name, [n for n in globals() if not n.startswith("_")])
