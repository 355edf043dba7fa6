"""The older `weight_norm` and `spectral_norm`, which compute a weight before each call.

Their tensors have the names that many checkpoints have: `weight_g` and `weight_v`, `weight_orig`
and `weight_u`. `parametrizations` has the newer ones.
"""

from __future__ import annotations

from typing import Any

from pullback.autograd import no_grad
from pullback.nn import functional as F
from pullback.nn.parameter import Parameter
from pullback.nn.utils.parametrizations import flattened, iterate, norms
from pullback.tensor import Tensor

__all__ = ["remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm"]


def _hooks(module: Any) -> list[tuple[Any, Any]]:
    """(what removes it, the hook) of the hooks before calls."""
    return list(module.__dict__.get("_reparametrised", ()))


def _attach(module: Any, hook: Any) -> None:
    for _, known in _hooks(module):
        if type(known) is type(hook) and known.name == hook.name:
            raise RuntimeError(
                f"Cannot register two {hook.what} hooks on the same parameter {hook.name}"
            )
    handle = module.register_forward_pre_hook(hook)
    module.__dict__["_reparametrised"] = [*_hooks(module), (handle, hook)]


def _detach(module: Any, kind: Any, name: str) -> None:
    hooks = _hooks(module)
    for k, (handle, hook) in enumerate(hooks):
        if type(hook) is kind and hook.name == name:
            hook.finish(module)
            handle.remove()
            module.__dict__["_reparametrised"] = hooks[:k] + hooks[k + 1 :]
            return
    raise ValueError(f"{kind.what} of '{name}' not found in {module}")


class _WeightNorm:
    what = "weight_norm"

    def __init__(self, name: str, dim: int):
        self.name, self.dim = name, dim

    def weight(self, module: Any) -> Tensor:
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return v * (g / norms(v, self.dim))  # type: ignore[no-any-return]

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.weight(module))

    def finish(self, module: Any) -> None:
        weight = self.weight(module).detach()
        delattr(module, self.name)
        for part in "gv":
            delattr(module, f"{self.name}_{part}")
        setattr(module, self.name, Parameter(weight))


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Let a weight be its norms `weight_g` times its directions `weight_v`; gives the module.

    The norms are of the slices along `dim`; of all for None. Computed before each call.
    RuntimeError for a second time.
    """
    hook = _WeightNorm(name, -1 if dim is None else dim)
    weight = getattr(module, name)
    _attach(module, hook)
    delattr(module, name)
    module.register_parameter(f"{name}_g", Parameter(norms(weight, hook.dim).detach()))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    setattr(module, name, hook.weight(module))
    return module


def remove_weight_norm(module: Any, name: str = "weight") -> Any:
    """Make the weight a parameter again; gives the module. ValueError where there is none."""
    _detach(module, _WeightNorm, name)
    return module


class _SpectralNorm:
    what = "spectral_norm"

    def __init__(self, name: str, steps: int, dim: int, eps: float):
        self.name, self.steps, self.dim, self.eps = name, steps, dim, eps

    def weight(self, module: Any, training: bool) -> Tensor:
        original = getattr(module, f"{self.name}_orig")
        u, v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
        matrix = flattened(original, self.dim)
        if training:
            iterate(matrix.detach().t(), v, u, self.steps, self.eps)  # v first
            u, v = u.clone(), v.clone()  # a second call writes over them
        return original / u.dot(matrix.mv(v))  # type: ignore[no-any-return]

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.weight(module, module.training))

    def finish(self, module: Any) -> None:
        with no_grad():
            weight = self.weight(module, False)
        delattr(module, self.name)
        for part in ("u", "v", "orig"):
            delattr(module, f"{self.name}_{part}")
        module.register_parameter(self.name, Parameter(weight.detach()))


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12,
    dim: int | None = None,
) -> Any:  # fmt: skip
    """Let a weight be `weight_orig` over its largest singular value; gives the module.

    As a matrix whose first axis is `dim`: 1 for transposed convolutions, 0 for others. Each call in
    training makes `n_power_iterations` steps of the power method on `weight_u` and `weight_v`.
    """
    if n_power_iterations <= 0:
        raise ValueError(
            f"Expected n_power_iterations to be positive, but got "
            f"n_power_iterations={n_power_iterations}"
        )
    if dim is None:
        dim = int("ConvTranspose" in type(module).__name__)
    hook = _SpectralNorm(name, n_power_iterations, dim, eps)
    weight = module._parameters.get(name)
    if weight is None:
        raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
    _attach(module, hook)
    with no_grad():
        h, w = flattened(weight, dim).shape
        u = F.normalize(weight.new_empty(h).normal_(0, 1), dim=0, eps=eps)
        v = F.normalize(weight.new_empty(w).normal_(0, 1), dim=0, eps=eps)
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.detach())
    module.register_buffer(f"{name}_u", u)
    module.register_buffer(f"{name}_v", v)
    return module


def remove_spectral_norm(module: Any, name: str = "weight") -> Any:
    """Make the weight a parameter again; gives the module. ValueError where there is none."""
    _detach(module, _SpectralNorm, name)
    return module
