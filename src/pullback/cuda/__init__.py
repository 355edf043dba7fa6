"""GPUs, as `torch.cuda`: none are used yet, and scripts that ask are told so."""

from __future__ import annotations

from importlib import import_module
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


def memory_allocated(device: Any = None) -> int:
    """How many bytes of a GPU tensors occupy: none."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """The most that they occupied."""
    return 0


def memory_reserved(device: Any = None) -> int:
    """How many bytes of a GPU are held for tensors: none."""
    return 0


def max_memory_reserved(device: Any = None) -> int:
    """The most that was held."""
    return 0


def reset_peak_memory_stats(device: Any = None) -> None:
    """Begin anew with the most that was occupied."""


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether a GPU computes in bfloat16: there is none."""
    return False


def get_rng_state_all() -> list[Any]:
    """The state of the generator of each GPU: there are none."""
    return []


def set_rng_state_all(new_states: Any) -> None:
    """Set the state of the generator of each GPU: there are none."""


def _none_there(name: str) -> Any:
    def function(*args: Any, **options: Any) -> Any:
        raise RuntimeError(
            f"torch.cuda.{name}(): pullback computes on the CPU here, there is no GPU. Test "
            f"torch.cuda.is_available() before"
        )

    function.__name__ = function.__qualname__ = name
    function.__doc__ = "RuntimeError: there is no GPU."
    return function


globals().update({n: _none_there(n) for n in (
    "current_device", "current_stream", "get_device_capability", "get_device_name",
    "get_device_properties", "mem_get_info", "memory_stats", "memory_summary", "set_device",
)})  # fmt: skip


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
    if name == "amp":
        return import_module("pullback.cuda.amp")
    from pullback.missing import missing_attribute

    raise missing_attribute(__name__, name, [n for n in globals() if not n.startswith("_")])
