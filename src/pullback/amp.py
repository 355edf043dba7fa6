"""Mixed precision, as `torch.amp`: nothing is converted, and gradients may be scaled.

On a CPU, computing in 16 bits saves nothing: inside `autocast`, operations keep the dtypes of their
tensors, whose results are at least as precise.
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable
from contextlib import ContextDecorator
from typing import Any

import numpy as np

from pullback import dtypes
from pullback.dispatch import TENSORS
from pullback.tensor import Tensor

__all__ = [
    "GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available",
]  # fmt: skip

_DEVICES = ("cpu", "cuda", "mps", "xpu", "meta")


class _State(threading.local):
    """What is asked for in this thread, by device: nothing depends on it but the questions."""

    def __init__(self) -> None:
        self.enabled: dict[str, bool] = {}
        self.dtype: dict[str, Any] = {}
        self.cached = True


_state = _State()


def _check(device_type: Any) -> str:
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if device_type not in _DEVICES:
        raise RuntimeError(
            f"User specified an unsupported autocast device_type '{device_type}': expected one of "
            f"{', '.join(_DEVICES)}"
        )
    return device_type


class autocast(ContextDecorator):
    """A block, or a function, in which PyTorch computes in 16 bits; here as everywhere else."""

    def __init__(
        self, device_type: str, dtype: Any = None, enabled: bool = True,
        cache_enabled: bool | None = None,
    ):  # fmt: skip
        self.device = _check(device_type)
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        self.enabled = bool(enabled) and device_type == "cpu"  # there is no other device
        self._before: list[tuple[bool, Any]] = []

    def __enter__(self) -> autocast:
        before = is_autocast_enabled(self.device), get_autocast_dtype(self.device)
        self._before.append(before)
        _state.enabled[self.device] = self.enabled
        _state.dtype[self.device] = self.fast_dtype
        return self

    def __exit__(self, *error: object) -> None:
        _state.enabled[self.device], _state.dtype[self.device] = self._before.pop()


def is_autocast_available(device_type: str) -> bool:
    """Whether `autocast` may be used for a device."""
    return _check(device_type) == "cpu"


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether an `autocast` block is open."""
    return _state.enabled.get(_check(device_type), False)


def is_autocast_cpu_enabled() -> bool:
    """Whether an `autocast` block for the CPU is open."""
    return is_autocast_enabled("cpu")


def set_autocast_enabled(device_type: str, enabled: bool) -> None:
    """Whether `is_autocast_enabled` says so from now on."""
    _state.enabled[_check(device_type)] = bool(enabled)


def get_autocast_dtype(device_type: str) -> Any:
    """The dtype that an `autocast` block was opened with; bfloat16 on a CPU, float16 on others."""
    default = dtypes.bfloat16 if _check(device_type) == "cpu" else dtypes.float16
    return _state.dtype.get(device_type, default)


def set_autocast_dtype(device_type: str, dtype: Any) -> None:
    """What `get_autocast_dtype` gives from now on."""
    _state.dtype[_check(device_type)] = dtype


def is_autocast_cache_enabled() -> bool:
    """Whether conversions are kept in an `autocast` block: there are none to keep."""
    return _state.cached


def set_autocast_cache_enabled(enabled: bool) -> None:
    """What `is_autocast_cache_enabled` says from now on."""
    _state.cached = bool(enabled)


def clear_autocast_cache() -> None:
    """Forget conversions: there are none."""


def get_autocast_cpu_dtype() -> Any:
    """`get_autocast_dtype("cpu")`."""
    return get_autocast_dtype("cpu")


def get_autocast_gpu_dtype() -> Any:
    """`get_autocast_dtype("cuda")`."""
    return get_autocast_dtype("cuda")


def set_autocast_cpu_dtype(dtype: Any) -> None:
    """`set_autocast_dtype("cpu", dtype)`."""
    set_autocast_dtype("cpu", dtype)


def set_autocast_gpu_dtype(dtype: Any) -> None:
    """`set_autocast_dtype("cuda", dtype)`."""
    set_autocast_dtype("cuda", dtype)


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """`set_autocast_enabled("cpu", enabled)`."""
    set_autocast_enabled("cpu", enabled)


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: Any = None
) -> Any:
    """The function itself: a decorator of `forward` of custom functions."""
    _check(device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)
    return fwd


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Any:
    """The function itself: a decorator of `backward` of custom functions."""
    _check(device_type)
    return functools.partial(custom_bwd, device_type=device_type) if bwd is None else bwd


class GradScaler:
    """Scales a loss, so that gradients in float16 do not vanish, and its gradients back.

    Steps with infinite or NaN gradients are left out; the scale then shrinks by `backoff_factor`,
    and after `growth_interval` good steps it grows by `growth_factor`. (P. Micikevicius et al.,
    ICLR 2018.) With enabled=False, and on "cuda", it does nothing but call the optimiser.
    """

    def __init__(
        self, device: str = "cuda", init_scale: float = 2.0**16, growth_factor: float = 2.0,
        backoff_factor: float = 0.5, growth_interval: int = 2000, enabled: bool = True,
    ):  # fmt: skip
        self._device = _check(device)
        self._enabled = bool(enabled) and device == "cpu"
        if growth_factor <= 1.0:
            raise AssertionError("The growth factor must be > 1.0.")
        if backoff_factor >= 1.0:
            raise AssertionError("The backoff factor must be < 1.0.")
        self._scale = float(init_scale)
        self._growth_factor, self._backoff_factor = float(growth_factor), float(backoff_factor)
        self._growth_interval, self._growth_tracker = int(growth_interval), 0
        # What each optimiser did since the last `update`: "unscaled", "stepped"; and whether its
        # gradients were not finite.
        self._stages: dict[int, str] = {}
        self._infinite: dict[int, bool] = {}

    def scale(self, outputs: Any) -> Any:
        """A loss, or a nest of losses, times the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            return TENSORS.mul(outputs, self._scale)
        if isinstance(outputs, (list, tuple)):
            made = [self.scale(x) for x in outputs]
            return type(outputs)(*made) if hasattr(outputs, "_fields") else type(outputs)(made)
        if hasattr(outputs, "__iter__"):
            return map(self.scale, outputs)
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimiser's parameters by the scale, before they are clipped.

        RuntimeError for a second time since the last `update`.
        """
        if not self._enabled:
            return
        stage = self._stages.get(id(optimizer))
        if stage == "unscaled":
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        if stage == "stepped":
            raise RuntimeError("unscale_() is being called after step().")
        found = False
        for group in optimizer.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    array = p.grad._array
                    found = found or not bool(np.isfinite(array.astype(np.complex128)).all())
                    p.grad.data.mul_(1.0 / self._scale)
        self._infinite[id(optimizer)] = found
        self._stages[id(optimizer)] = "unscaled"

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """A step of the optimiser with gradients that are scaled back, unless some are not finite.

        RuntimeError for a second time since the last `update`, and for a closure.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError(
                "Closure use is not currently supported if GradScaler is enabled."
            )  # fmt: skip
        if self._stages.get(id(optimizer)) == "stepped":
            raise RuntimeError("step() has already been called since the last update().")
        if self._stages.get(id(optimizer)) is None:
            self.unscale_(optimizer)
        self._stages[id(optimizer)] = "stepped"
        if self._infinite[id(optimizer)]:
            return None
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """The scale for the next steps: by what the gradients were, or a given one."""
        if not self._enabled:
            return
        if new_scale is not None:
            self._scale = float(new_scale.item() if isinstance(new_scale, Tensor) else new_scale)
        elif not self._infinite:
            raise AssertionError("No inf checks were recorded prior to update.")
        elif any(self._infinite.values()):
            self._scale *= self._backoff_factor
            self._growth_tracker = 0
        else:
            self._growth_tracker += 1
            if self._growth_tracker == self._growth_interval:
                grown = self._scale * self._growth_factor
                self._scale = grown if math.isfinite(grown) else self._scale
                self._growth_tracker = 0
        self._stages.clear()
        self._infinite.clear()

    def get_scale(self) -> float:
        """The scale; 1 where the scaler does nothing."""
        return self._scale if self._enabled else 1.0

    def is_enabled(self) -> bool:
        """Whether the scaler does anything."""
        return self._enabled

    def get_growth_factor(self) -> float:
        """What the scale grows by."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Another factor for the scale to grow by."""
        self._growth_factor = float(new_factor)

    def get_backoff_factor(self) -> float:
        """What the scale shrinks by."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Another factor for the scale to shrink by."""
        self._backoff_factor = float(new_factor)

    def get_growth_interval(self) -> int:
        """After how many good steps the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Another number of good steps after which the scale grows."""
        self._growth_interval = int(new_interval)

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` goes on with; empty where the scaler does nothing."""
        if not self._enabled:
            return {}
        return {
            "scale": self._scale, "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor, "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth_tracker,
        }  # fmt: skip

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken. RuntimeError for an empty one."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled "
                "instance of GradScaler."
            )
        self._scale = float(state_dict["scale"])
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth_tracker = state_dict["_growth_tracker"]
