"""What a module keeps: its parameters and buffers by their paths, written down and read back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

from pullback.autograd import no_grad
from pullback.nn.modules.hooks import Hooked
from pullback.nn.parameter import Parameter, is_lazy
from pullback.tensor import Tensor


class IncompatibleKeys(
    NamedTuple("IncompatibleKeys", [("missing_keys", list[str]), ("unexpected_keys", list[str])])
):
    """What `load_state_dict` found no place for, and no values for."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_{super().__repr__()}"  # as PyTorch prints it

    __str__ = __repr__


class Stateful(Hooked):
    """A module's `state_dict` and `load_state_dict`."""

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]

    def state_dict(
        self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> Any:
        """Parameters and persistent buffers by their paths, sharing memory with the module."""
        for value, name in zip(args, ("destination", "prefix", "keep_vars"), strict=False):
            destination = value if name == "destination" else destination
            prefix = value if name == "prefix" else prefix
            keep_vars = value if name == "keep_vars" else keep_vars
        if destination is None:
            destination = OrderedDict()
        for hook in self._hook_list("state_dict_pre"):
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(
                    destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars
                )
        for hook in self._hook_list("state_dict"):
            changed = hook(self, destination, prefix, {})
            destination = destination if changed is None else changed
        return destination

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        for name, value in self._state().items():
            destination[prefix + name] = value if keep_vars else value.detach()
        if self._has_extra_state():
            destination[prefix + "_extra_state"] = self.get_extra_state()

    def _state(self) -> dict[str, Any]:
        """The parameters and persistent buffers of this module alone, by name."""
        hidden = self._non_persistent_buffers_set
        buffers = {n: b for n, b in self._buffers.items() if n not in hidden}
        return {n: v for n, v in {**self._parameters, **buffers}.items() if v is not None}

    def get_extra_state(self) -> Any:
        """More for `state_dict`; subclasses may define it, with `set_extra_state`."""
        raise RuntimeError("get_extra_state(): to be defined with set_extra_state()")

    def set_extra_state(self, state: Any) -> None:
        """What `load_state_dict` does with the extra state."""
        raise RuntimeError("set_extra_state(): to be defined with get_extra_state()")

    def _has_extra_state(self) -> bool:
        return type(self).get_extra_state is not Stateful.get_extra_state

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy values into parameters and buffers by their paths, or put the tensors there.

        RuntimeError for shapes that differ, and if `strict` for keys that are missing or unknown.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(
                f"Expected state_dict to be dict-like, got {type(state_dict).__name__}."
            )
        missing: list[str] = []
        unexpected: list[str] = []
        errors: list[str] = []
        known: set[str] = set()
        state = OrderedDict(state_dict)

        def load(module: Any, prefix: str) -> None:
            for hook in module._hook_list("load_state_dict_pre"):
                hook(module, state, prefix, {}, strict, missing, unexpected, errors)
            module._load_from_state_dict(state, prefix, known, missing, errors, assign)
            for name, child in module._modules.items():
                if child is not None:
                    load(child, f"{prefix}{name}.")
            found = IncompatibleKeys(missing, unexpected)
            for hook in module._hook_list("load_state_dict_post"):
                hook(module, found)

        load(self, "")
        unexpected += [key for key in state if key not in known]
        if strict:
            for what, keys in (("Unexpected", unexpected), ("Missing", missing)):
                if keys:
                    quoted = ", ".join(f'"{k}"' for k in keys)
                    errors.insert(0, f"{what} key(s) in state_dict: {quoted}. ")
        if errors:
            listed = "\n\t".join(errors)
            raise RuntimeError(
                f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{listed}"
            )
        return IncompatibleKeys(missing, unexpected)

    def _load_from_state_dict(
        self, state: dict[str, Any], prefix: str, known: set[str], missing: list[str],
        errors: list[str], assign: bool,
    ) -> None:  # fmt: skip
        for name, own in self._state().items():
            key = prefix + name
            known.add(key)
            if key not in state:
                missing.append(key)
                continue
            value = state[key]
            if not isinstance(value, Tensor):
                errors.append(
                    f'While copying the parameter named "{key}", expected torch.Tensor or '
                    f"Tensor-like object from checkpoint but received {type(value).__name__}"
                )
            elif is_lazy(value) and is_lazy(own):
                continue
            elif is_lazy(value):
                errors.append(f"{key} has no shape in the checkpoint, that of a lazy module")
            elif not is_lazy(own) and value.shape != own.shape:
                errors.append(
                    f"size mismatch for {key}: copying a param with shape {value.shape} from "
                    f"checkpoint, the shape in current model is {own.shape}."
                )
            elif assign:
                parameter = name in self._parameters
                made = value
                if parameter and not isinstance(value, Parameter):
                    made = Parameter(value, own.requires_grad)
                (self._parameters if parameter else self._buffers)[name] = made
            else:
                if is_lazy(own):
                    own.materialize(value.shape)
                with no_grad():
                    own.copy_(value)
        if self._has_extra_state():
            key = prefix + "_extra_state"
            known.add(key)
            if key in state:
                self.set_extra_state(state[key])
            else:
                missing.append(key)
