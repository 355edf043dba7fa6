"""What optimisers share: groups of parameters, their state, and the step around an update.

An update works on NumPy arrays, in place: a step records nothing and makes few temporaries.
"""

from __future__ import annotations

import copy
import itertools
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.autograd.modes import mode
from pullback.autograd.versions import wrote
from pullback.autograd.views import join
from pullback.construct import from_numpy
from pullback.dtypes import is_narrow
from pullback.formula import before_write
from pullback.tensor import Tensor

required = object()  # a group must say it
NUMBERS = ("step", "mu_product", "eta", "mu")  # in the state, float32 whatever the parameter is


def _checked(name: str, value: Any, low: float, high: float = float("inf")) -> None:
    """ValueError, in PyTorch's words, for a number outside [low, high)."""
    number = value.item() if isinstance(value, Tensor) else value
    if not low <= number < high:
        raise ValueError(f"Invalid {name}: {value}")


def check_numbers(**numbers: Any) -> None:
    """ValueError for negative numbers."""
    for name, value in numbers.items():
        _checked(name.replace("_", " ") + (" value" if name in ("weight_decay",) else ""), value, 0)


def check_betas(betas: Any) -> None:
    """ValueError for decay rates outside [0, 1)."""
    for k, beta in enumerate(betas):
        _checked(f"beta parameter at index {k}", beta, 0, 1)


def check_flags(differentiable: bool) -> None:
    """NotImplementedError for steps that should be recorded: update the parameters yourself."""
    if differentiable:
        raise NotImplementedError(
            "differentiable=True: a step writes over its parameters and is not recorded. Write the "
            "update with tensors, for instance p - lr * g"
        )


class Optimizer:
    """Base of all optimisers; a subclass defines `_update`.

    `params` is an iterable of tensors, of (name, tensor) pairs, or of dictionaries: groups of
    tensors with options of their own.
    """

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                "but got torch.Tensor"
            )
        self.defaults = defaults
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._hooks: dict[str, OrderedDict[int, Any]] = {}
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """More tensors to optimise, with options that default to the optimiser's."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group).__name__}")
        given = param_group["params"]
        if isinstance(given, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the "
                "ordering of tensors in sets will change between runs. Please use a list instead."
            )
        found = [given] if isinstance(given, Tensor) else list(given)
        names = [p[0] for p in found if isinstance(p, tuple)]
        tensors = [p[1] if isinstance(p, tuple) else p for p in found]
        if names and len(names) < len(found):
            raise ValueError("all optimizer params should be with/without names.")
        group = {**param_group, "params": tensors}
        if names:
            group["param_names"] = names
        for p in tensors:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one is {type(p)}")
            if not (p.is_leaf or getattr(p, "retains_grad", False)):
                raise ValueError(
                    f"can't optimize a non-leaf Tensor: one of shape {list(p.shape)} was computed "
                    f"from others. Pass those, or .detach().requires_grad_() as a start"
                )
        for name, default in self.defaults.items():
            if default is required and name not in group:
                raise ValueError(
                    f"parameter group didn't specify a value of required optimization parameter "
                    f"{name}"
                )
            group.setdefault(name, default)
        ours = {id(p) for p in tensors}
        if any(id(p) in ours for other in self.param_groups for p in other["params"]):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or set them to zero."""
        for group in self.param_groups:
            for p in group["params"]:
                if p._grad is not None:
                    if set_to_none:
                        p._grad = None
                    else:
                        p.grad = p.grad.detach()
                        p.grad.zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters from their gradients; with a closure, call it for them first."""
        for hook in (*_HOOKS.get("before", {}).values(), *self._listed("before")):
            changed = hook(self, (closure,), {})
            if changed is not None:
                closure = _closure(*changed)
        loss = None
        recorded = mode.enabled
        try:
            if closure is not None:
                mode.switch(True)
                loss = closure()
            mode.switch(False)
            for group in self.param_groups:
                for p in group["params"]:
                    if p._grad is not None:
                        self._step_one(p, group)
        finally:
            mode.enabled = recorded  # before any call: Ctrl-C may come as one begins
            mode.switch(recorded)
        for hook in (*self._listed("after"), *_HOOKS.get("after", {}).values()):
            hook(self, (closure,), {})
        return loss

    def _step_one(self, p: Tensor, group: dict[str, Any]) -> None:
        target = writable(p)
        x, g = real(target), real(p._grad._array)  # type: ignore[union-attr]  # it has one
        if group.get("maximize", False):
            g = -g
        if is_narrow(x.dtype):
            self._update_narrow(x, g, self.state[p], group)
        else:
            self._update(x, g, self.state[p], group)
        wrote(target)

    def _update_narrow(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """`_update` for numbers of 16 bits: computed in float32, and rounded at the end."""
        wide = {name: v.float() if isinstance(v, Tensor) else v for name, v in state.items()}
        numbers = x.astype(np.float32)
        self._update(numbers, g.astype(np.float32), wide, group)
        x[...] = numbers
        for name, v in wide.items():
            rounds = isinstance(v, Tensor) and name not in NUMBERS
            state[name] = from_numpy(v._array.astype(x.dtype)) if rounds else v

    def _update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Write a step over the array `x`, given the gradient `g`; `g` is left alone."""
        raise NotImplementedError(f"{type(self).__name__} defines no update")

    # ------------------------------------------------------------------------------------ state

    def state_dict(self) -> dict[str, Any]:
        """The state by the numbers of the parameters, and the groups' options."""
        for hook in self._listed("saving"):
            hook(self)
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
            packed = {k: v for k, v in group.items() if k != "params"}
            groups.append({**packed, "params": [numbers[id(p)] for p in group["params"]]})
        state = {numbers[id(p)] if isinstance(p, Tensor) else p: s for p, s in self.state.items()}
        found = {"state": state, "param_groups": groups}
        for hook in self._listed("saved"):
            changed = hook(self, found)
            found = found if changed is None else changed
        return found

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """What `state_dict` gave, for the same parameters in the same order."""
        for hook in self._listed("loading"):
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        groups = copy.deepcopy(state_dict["param_groups"])
        if len(groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        sizes = zip(groups, self.param_groups, strict=True)
        if any(len(a["params"]) != len(b["params"]) for a, b in sizes):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of "
                "optimizer's group"
            )
        owners: dict[Any, Any] = {}
        for saved, own in zip(groups, self.param_groups, strict=True):
            owners.update(zip(saved["params"], own["params"], strict=True))
            own.update({k: v for k, v in saved.items() if k != "params"})
        self.state = defaultdict(dict)
        for key, values in state_dict["state"].items():
            p = owners.get(key, key)
            self.state[p] = {n: _fitted(n, copy.deepcopy(v), p) for n, v in values.items()}
        for hook in self._listed("loaded"):
            hook(self)

    # ------------------------------------------------------------------------------------ hooks

    def _listed(self, kind: str) -> list[Any]:
        return list(self._hooks.get(kind, {}).values())

    def register_step_pre_hook(self, hook: Any) -> Any:
        """Call `hook(optimizer, args, kwargs)` before each step; it may give others of these."""
        return _Removable(self._hooks, "before", hook)

    def register_step_post_hook(self, hook: Any) -> Any:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return _Removable(self._hooks, "after", hook)

    def register_state_dict_pre_hook(self, hook: Any, prepend: bool = False) -> Any:
        """Call `hook(optimizer)` before `state_dict()`."""
        return _Removable(self._hooks, "saving", hook, prepend)

    def register_state_dict_post_hook(self, hook: Any, prepend: bool = False) -> Any:
        """Call `hook(optimizer, state_dict)` after `state_dict()`; it may give another one."""
        return _Removable(self._hooks, "saved", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Any, prepend: bool = False) -> Any:
        """Call `hook(optimizer, state_dict)` before loading; it may give another one."""
        return _Removable(self._hooks, "loading", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Any, prepend: bool = False) -> Any:
        """Call `hook(optimizer)` after loading."""
        return _Removable(self._hooks, "loaded", hook, prepend)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for k, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {k}")
            lines += [f"    {n}: {group[n]}" for n in sorted(group) if n != "params"]
        return "\n".join([*lines, ")"])


_HOOKS: dict[str, OrderedDict[int, Any]] = {}  # of all optimisers
_numbers = itertools.count()


def register_optimizer_step_pre_hook(hook: Any) -> Any:
    """Call `hook(optimizer, args, kwargs)` before each step of every optimiser."""
    return _Removable(_HOOKS, "before", hook)


def register_optimizer_step_post_hook(hook: Any) -> Any:
    """Call `hook(optimizer, args, kwargs)` after each step of every optimiser."""
    return _Removable(_HOOKS, "after", hook)


def _closure(args: Any, keywords: Any) -> Any:
    """The closure among the arguments that a hook gives for those of a step."""
    return args[0] if args else keywords.get("closure")


class _Removable:
    """Removes a hook."""

    def __init__(
        self, hooks: dict[str, OrderedDict[int, Any]], kind: str, hook: Any, first: bool = False
    ):
        self._hooks = hooks.setdefault(kind, OrderedDict())
        self._number = next(_numbers)
        self._hooks[self._number] = hook
        if first:
            self._hooks.move_to_end(self._number, last=False)

    def remove(self) -> None:
        """Call the hook no longer."""
        self._hooks.pop(self._number, None)


def _fitted(name: str, value: Any, p: Any) -> Any:
    """A loaded tensor in the parameter's dtype, as its own would be; numbers as they are."""
    floating = isinstance(value, Tensor) and value.dtype.is_floating_point
    if floating and name not in NUMBERS and isinstance(p, Tensor) and p.dtype.is_floating_point:
        return value.to(p.dtype)
    return value


def writable(p: Tensor) -> Any:
    """The array of a tensor that is about to be written over."""
    array = join(p)
    before_write(array)
    return array


def real(array: Any) -> Any:
    """Complex numbers as pairs of real ones, in the same memory; real ones as they are."""
    return array[..., None].view(array.real.dtype) if array.dtype.kind == "c" else array


def stored(state: dict[str, Any], name: str, x: Any, value: float = 0.0) -> Any:
    """The array of a state tensor shaped as the parameter; made at the first step."""
    found = state.get(name)
    if found is None:
        found = state[name] = from_numpy(np.full(x.shape, value, x.dtype))
    return found._array


def number(state: dict[str, Any], name: str, value: float = 0.0) -> Any:
    """The array of a number in the state, as `step`."""
    found = state.get(name)
    if not isinstance(found, Tensor):
        first = value if found is None else found
        found = state[name] = from_numpy(np.array(first, np.float32))
    return found._array


def count(state: dict[str, Any]) -> int:
    """One more step; how many there were."""
    steps = number(state, "step")
    steps += 1
    return int(steps)


def decayed(x: Any, g: Any, group: dict[str, Any]) -> Any:
    """The gradient of the loss with a penalty on large parameters.

    Parameters whose decay is decoupled from the gradient shrink here, in place.
    """
    decay = float(group["weight_decay"])
    if group.get("decoupled_weight_decay"):
        x *= 1 - float(group["lr"]) * decay
        return g
    return g + decay * x if decay else g


def mix(average: Any, g: Any, decay: float) -> None:
    """average ← decay average + (1 - decay) g, in place."""
    average *= decay
    average += (1 - decay) * g
