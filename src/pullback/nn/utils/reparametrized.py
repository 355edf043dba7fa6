"""`weight_norm` and `spectral_norm` as hooks before the forward pass, with PyTorch's older names.

New code has the same in `parametrizations`, where the parameter may be assigned as well.
"""

from __future__ import annotations

from typing import Any

from pullback.autograd import no_grad
from pullback.nn.modules.module import Module
from pullback.nn.parameter import Parameter
from pullback.nn.utils.parametrizations import (
    as_matrix,
    norm_except,
    power_iteration,
    rows_of,
    start_vectors,
)

__all__ = ["remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm"]


class _Hook:
    """Computes a weight before each forward pass."""

    def __init__(self, name: str):
        self.name = name

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute(module, module.training))

    def compute(self, module: Module, iterate: bool) -> Any:
        """The weight; with another step of an iteration, if there is one."""
        raise NotImplementedError(f"{type(self).__name__} computes nothing")


class _WeightNorm(_Hook):
    """g v / |v|."""

    def __init__(self, name: str, dim: int):
        super().__init__(name)
        self.dim = dim

    def compute(self, module: Module, iterate: bool) -> Any:
        size, direction = (getattr(module, f"{self.name}_{part}") for part in "gv")
        return direction * (size / norm_except(direction, self.dim))


class _SpectralNorm(_Hook):
    """W over its largest singular value."""

    def __init__(self, name: str, count: int, eps: float, dim: int):
        super().__init__(name)
        self.count, self.eps, self.dim = count, eps, dim

    def compute(self, module: Module, iterate: bool) -> Any:
        weight = getattr(module, f"{self.name}_orig")
        u, v = (getattr(module, f"{self.name}_{part}") for part in "uv")
        matrix = as_matrix(weight, self.dim)
        if iterate:
            power_iteration(matrix.mH, v, u, self.count, self.eps)  # v first, as PyTorch does
            u, v = u.clone(), v.clone()
        return weight / u.dot(matrix.mv(v))


def _hooks(module: Module) -> list[tuple[int, _Hook]]:
    """Those of ours, with their numbers."""
    found: Any = module._hooks.get("forward_pre", {})
    return [(key, hook) for key, (hook, _) in found.items() if isinstance(hook, _Hook)]


def _attach(module: Module, hook: _Hook) -> None:
    for _, other in _hooks(module):
        if other.name == hook.name:
            raise RuntimeError(
                f"Cannot register two {type(hook).__name__.strip('_')} hooks on the same "
                f"parameter {hook.name}"
            )
    module.register_forward_pre_hook(hook)


def _remove(module: Module, kind: type[_Hook], name: str, parts: tuple[str, ...]) -> Module:
    for key, hook in _hooks(module):
        if isinstance(hook, kind) and hook.name == name:
            with no_grad():
                weight = hook.compute(module, False).detach()
            delattr(module, name)
            for part in parts:
                delattr(module, f"{name}_{part}")
            del module._hooks["forward_pre"][key]
            module.register_parameter(name, Parameter(weight))
            return module
    raise ValueError(f"{kind.__name__.strip('_')} of '{name}' not found in {module}")


def weight_norm(module: Module, name: str = "weight", dim: int = 0) -> Module:
    """Learn the norm `weight_g` of a weight apart from its direction `weight_v`."""
    weight = getattr(module, name)
    hook = _WeightNorm(name, dim)
    _attach(module, hook)
    del module._parameters[name]
    module.register_parameter(f"{name}_g", Parameter(norm_except(weight, dim).detach()))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    hook(module, ())
    return module


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """The weight as one parameter again. ValueError if there is no such hook."""
    return _remove(module, _WeightNorm, name, ("g", "v"))


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12,
    dim: int | None = None,
) -> Module:  # fmt: skip
    """Divide a weight, `weight_orig`, by its largest singular value."""
    if n_power_iterations <= 0:
        raise ValueError(
            f"Expected n_power_iterations to be positive, but got n_power_iterations="
            f"{n_power_iterations}"
        )
    weight = module._parameters.get(name)
    if weight is None:
        raise ValueError(f"`SpectralNorm` cannot be applied: {module} has no parameter {name!r}")
    axis = rows_of(module) if dim is None else dim
    hook = _SpectralNorm(name, n_power_iterations, eps, axis)
    _attach(module, hook)
    u, v = start_vectors(as_matrix(weight.detach(), axis), 0, eps)
    del module._parameters[name]
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.detach())
    module.register_buffer(f"{name}_u", u)
    module.register_buffer(f"{name}_v", v)
    return module


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """The weight as one parameter again. ValueError if there is no such hook."""
    return _remove(module, _SpectralNorm, name, ("orig", "u", "v"))
