"""Weights of which a part is zero, as `torch.nn.utils.prune`.

A pruned parameter `weight` is computed before each call: `weight_orig`, which is trained, times
`weight_mask`, a buffer of ones and zeros. Pruning again takes away from what is left. `remove`
makes it a parameter again, with the zeros.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from math import inf
from typing import Any

from pullback.dispatch import TENSORS
from pullback.nn.modules.module import Module
from pullback.tensor import Tensor

__all__ = [
    "BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured",
    "PruningContainer", "RandomStructured", "RandomUnstructured", "custom_from_mask",
    "global_unstructured", "identity", "is_pruned", "l1_unstructured", "ln_structured",
    "random_structured", "random_unstructured", "remove",
]  # fmt: skip


def _known(module: Any) -> dict[str, tuple[Any, Any]]:
    """(method, the handle of its hook) of the pruned tensors of a module, by name."""
    found: dict[str, tuple[Any, Any]] = module.__dict__.get("_pruned", {})
    return found


class BasePruningMethod(ABC):
    """A way of choosing what is pruned: a subclass says it by `compute_mask`.

    `PRUNING_TYPE`: "unstructured" for single elements, "structured" for slices along `dim`,
    "global" for a mask of the whole tensor. It decides what a second pruning looks at.
    """

    _tensor_name: str
    PRUNING_TYPE = "unstructured"

    @abstractmethod
    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask, of the shape of t, whose importance counts; `default_mask`: what is left."""

    def apply_mask(self, module: Any) -> Any:
        """The tensor times its mask."""
        name = self._tensor_name
        mask, original = getattr(module, f"{name}_mask"), getattr(module, f"{name}_orig")
        return mask.to(original.dtype) * original

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @classmethod
    def apply(
        cls, module: Any, name: str, *args: Any, importance_scores: Any = None, **kwargs: Any
    ) -> Any:
        """Prune a parameter of a module; gives the method, a container from the second one on.

        `importance_scores`, of the parameter's shape, count instead of its values.
        """
        method: Any = cls(*args, **kwargs)
        method._tensor_name = name
        before = _known(module).get(name)
        original = getattr(module, name)  # pruned already, if this is not the first time
        scores = original if importance_scores is None else importance_scores
        if scores.shape != original.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name}: "
                f"{list(scores.shape)} and {list(original.shape)}"
            )
        if before is None:
            left = TENSORS.ones_like(original.detach())
        else:
            left = getattr(module, f"{name}_mask").detach().clone()
            old, handle = before
            handle.remove()
            container = old if isinstance(old, PruningContainer) else PruningContainer(old)
            container.add_pruning_method(method)
            method = container
        mask = method.compute_mask(scores.detach(), left)
        if before is None:
            delattr(module, name)
            module.register_parameter(f"{name}_orig", original)
        module.register_buffer(f"{name}_mask", mask.to(original.dtype))
        setattr(module, name, method.apply_mask(module))
        handle = module.register_forward_pre_hook(method)
        module.__dict__["_pruned"] = {**_known(module), name: (method, handle)}
        return method

    def prune(self, t: Any, default_mask: Any = None, importance_scores: Any = None) -> Any:
        """A pruned copy of a tensor."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError("importance_scores should have the same shape as tensor t")
        left = TENSORS.ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, left)

    def remove(self, module: Any) -> None:
        """Make the tensor a parameter again, the same object, with the zeros."""
        name = self._tensor_name
        weight = self.apply_mask(module).detach()
        original = module._parameters[f"{name}_orig"]
        delattr(module, name)
        delattr(module, f"{name}_orig")
        delattr(module, f"{name}_mask")
        original.data = weight
        module.register_parameter(name, original)


class PruningContainer(BasePruningMethod):
    """Several methods, one after the other, of the same tensor."""

    def __init__(self, *args: Any):
        self._methods: tuple[Any, ...] = ()
        methods = args[0] if len(args) == 1 and isinstance(args[0], Iterable) else args
        for method in methods:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """One more. TypeError for what is no method, ValueError for one of another tensor."""
        if not isinstance(method, BasePruningMethod) and method is not None:
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is None:
            return
        if self._methods and self._tensor_name != method._tensor_name:
            raise ValueError(
                f"Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        if not self._methods:
            self._tensor_name = getattr(method, "_tensor_name", "")
        self._methods += (method,)

    def __len__(self) -> int:
        return len(self._methods)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._methods)

    def __getitem__(self, k: Any) -> Any:
        return self._methods[k]

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask by the latest method, of what is left."""
        method = self._methods[-1]
        default_mask = default_mask.to(t.dtype)
        if method.PRUNING_TYPE == "global":
            return default_mask * method.compute_mask(t, default_mask)
        if method.PRUNING_TYPE == "unstructured":
            where: Any = default_mask == 1
        elif method.PRUNING_TYPE == "structured":
            dim = method.dim % t.dim()
            others = [d for d in range(t.dim()) if d != dim]
            kept = (default_mask != 0).sum(others) != 0 if others else default_mask != 0
            where = (slice(None),) * dim + (kept,)
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        mask = default_mask.clone()
        mask[where] = method.compute_mask(t[where], default_mask[where]).to(mask.dtype)
        return mask


def _check_amount(amount: Any) -> None:
    if not isinstance(amount, (int, float)):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if amount < 0 or (isinstance(amount, float) and amount > 1):
        raise ValueError(
            f"amount={amount} should either be a float in the range [0, 1] or a non-negative "
            f"integer"
        )


def _count(amount: Any, size: int) -> int:
    """How many of so many are pruned."""
    if isinstance(amount, int):
        if amount > size:
            raise ValueError(
                f"amount={amount} should be smaller than the number of parameters to prune={size}"
            )
        return amount
    return round(float(amount) * size)


class Identity(BasePruningMethod):
    """Nothing is pruned; the parameter is `weight_orig` times a mask of ones."""

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """What is left."""
        return default_mask


class _OfAmount(BasePruningMethod):
    def __init__(self, amount: Any):
        _check_amount(amount)
        self.amount = amount

    def _without(self, importance: Any, default_mask: Any) -> Any:
        """The mask without the least important elements."""
        count = _count(self.amount, importance.numel())
        mask = default_mask.clone()
        if count:
            flat = mask.reshape(-1).clone()
            flat[TENSORS.topk(importance.reshape(-1), count, largest=False).indices] = 0
            mask = flat.reshape(mask.shape)
        return mask


class RandomUnstructured(_OfAmount):
    """Elements chosen at random: `amount` of them, or that part of them."""

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask without them."""
        return self._without(TENSORS.rand(t.shape), default_mask)


class L1Unstructured(_OfAmount):
    """The elements of the least magnitude: `amount` of them, or that part of them."""

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask without them."""
        return self._without(t.abs(), default_mask)


class _OfSlices(BasePruningMethod):
    PRUNING_TYPE = "structured"

    def __init__(self, amount: Any, dim: int = -1):
        _check_amount(amount)
        self.amount, self.dim = amount, dim

    def _without(self, t: Any, importance: Any, default_mask: Any) -> Any:
        """The mask without the least important slices along the axis."""
        size = t.shape[self.dim]
        count = _count(self.amount, size)
        kept = TENSORS.ones(size, dtype=default_mask.dtype)
        if count:
            kept[TENSORS.topk(importance, count, largest=False).indices] = 0
        shape = [1] * t.dim()
        shape[self.dim] = size
        return default_mask * kept.reshape(shape)

    def _check(self, t: Any) -> None:
        if t.dim() <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. Found tensor "
                f"of shape {list(t.shape)} with {t.dim()} dims"
            )
        if not -t.dim() <= self.dim < t.dim():
            raise IndexError(f"Invalid index {self.dim} for tensor of size {list(t.shape)}")


class RandomStructured(_OfSlices):
    """Slices along an axis chosen at random: `amount` of them, or that part of them."""

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask without them."""
        self._check(t)
        return self._without(t, TENSORS.rand(t.shape[self.dim]), default_mask)


class LnStructured(_OfSlices):
    """The slices along an axis of the least n-norm: `amount` of them, or that part of them."""

    def __init__(self, amount: Any, n: Any, dim: int = -1):
        super().__init__(amount, dim)
        self.n = n

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask without them."""
        self._check(t)
        others = [d for d in range(t.dim()) if d != self.dim % t.dim()]
        order = {"fro": 2, inf: inf}.get(self.n, self.n)
        return self._without(t, TENSORS.linalg_vector_norm(t, order, others), default_mask)


class CustomFromMask(BasePruningMethod):
    """What a given mask says."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Any):
        self.mask = mask

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """What is left, times the mask."""
        if self.mask.shape != default_mask.shape:
            raise AssertionError(
                f"the mask of shape {list(self.mask.shape)} is for a tensor of shape "
                f"{list(default_mask.shape)}"
            )
        return default_mask * self.mask.to(default_mask.dtype)


# ------------------------------------------------------------------------------------ functions


def identity(module: Any, name: str) -> Any:
    """Prune nothing of a parameter, as `Identity`; gives the module."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Any, name: str, amount: Any) -> Any:
    """Prune elements of a parameter at random, as `RandomUnstructured`; gives the module."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Any, name: str, amount: Any, importance_scores: Any = None) -> Any:
    """Prune the elements of least magnitude, as `L1Unstructured`; gives the module."""
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: Any, name: str, amount: Any, dim: int) -> Any:
    """Prune slices along an axis at random, as `RandomStructured`; gives the module."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Any, name: str, amount: Any, n: Any, dim: int, importance_scores: Any = None
) -> Any:
    """Prune the slices along an axis of the least n-norm, as `LnStructured`; gives the module."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Any, name: str, mask: Any) -> Any:
    """Prune what a mask says, as `CustomFromMask`; gives the module."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Any, pruning_method: Any, importance_scores: Any = None, **kwargs: Any
) -> None:
    """Prune several parameters as if they were one: (module, name) of each.

    `importance_scores` has tensors by the same pairs. TypeError for structured methods.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    pairs = list(parameters)
    given = importance_scores or {}
    method = PruningContainer()
    method._tensor_name = "temp"
    added: Any = pruning_method(**kwargs)
    added._tensor_name = "temp"
    if added.PRUNING_TYPE != "unstructured":
        raise TypeError(
            f"Only 'unstructured' PRUNING_TYPE supported for the `pruning_method`. Found method "
            f"{pruning_method} of type {added.PRUNING_TYPE}"
        )
    method.add_pruning_method(added)
    scores = [given.get((m, n), getattr(m, n)).detach().reshape(-1) for m, n in pairs]
    masks = [
        getattr(m, f"{n}_mask", TENSORS.ones_like(getattr(m, n).detach())).reshape(-1)
        for m, n in pairs
    ]
    whole = method.compute_mask(TENSORS.cat(scores), TENSORS.cat(masks))
    place = 0
    for module, name in pairs:
        tensor: Tensor = getattr(module, name)
        count = tensor.shape.numel()
        custom_from_mask(module, name, whole[place : place + count].reshape(tensor.shape))
        place += count


def remove(module: Any, name: str) -> Any:
    """Make a pruned tensor a parameter again, with the zeros; gives the module.

    ValueError where nothing is pruned.
    """
    known = _known(module)
    if name not in known:
        raise ValueError(
            f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed"
        )
    method, handle = known[name]
    method.remove(module)
    handle.remove()
    module.__dict__["_pruned"] = {n: v for n, v in known.items() if n != name}
    return module


def is_pruned(module: Module) -> bool:
    """Whether a module, or one inside it, has a pruned parameter."""
    return any(_known(m) for m in module.modules())
