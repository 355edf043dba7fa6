"""The module: parameters, buffers and modules inside, and its call.

What it keeps in `state_dict` is in `state.py`, what is called around it in `hooks.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pullback import layouts
from pullback.autograd import no_grad
from pullback.dispatch import TENSORS
from pullback.dtypes import dtype as Dtype
from pullback.nn.modules.hooks import around_backward
from pullback.nn.modules.state import Stateful
from pullback.nn.parameter import Parameter, is_lazy
from pullback.tensor import Tensor


def _indented(text: str, spaces: int) -> str:
    first, *rest = text.split("\n")
    return "\n".join([first, *(" " * spaces + line for line in rest)])


class Module(Stateful):
    """A function with a state: subclass it, assign parameters and modules, define `forward`.

    Assigned parameters, modules and buffers are registered under the attribute's name; then
    `parameters()`, `state_dict()`, `to()`, `train()` and `eval()` find them, however deep.
    """

    training: bool
    dump_patches = False
    _version = 1
    call_super_init = False

    def __init__(self, *args: Any, **keywords: Any) -> None:
        if not self.call_super_init and (args or keywords):
            raise TypeError(
                f"{type(self).__name__}.__init__() takes no arguments beyond its own, but got "
                f"{len(args)} and {list(keywords)}"
            )
        setting = super().__setattr__
        setting("training", True)
        setting("_parameters", {})
        setting("_buffers", {})
        setting("_non_persistent_buffers_set", set())
        setting("_modules", {})
        setting("_hooks", {})
        if self.call_super_init:
            super().__init__(*args, **keywords)

    def forward(self, *input: Any, **keywords: Any) -> Any:
        """What the module computes; every subclass defines it."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    # -------------------------------------------------------------------------- attributes

    def __getattr__(self, name: str) -> Any:
        for store in ("_parameters", "_buffers", "_modules"):
            found = self.__dict__.get(store)
            if found is not None and name in found:
                return found[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        stores = self.__dict__
        parameters = stores.get("_parameters")
        if isinstance(value, Parameter):
            if parameters is None:
                raise AttributeError(
                    "cannot assign parameters before Module.__init__() call: begin with "
                    "super().__init__()"
                )
            self._forget(name, "_parameters")
            self.register_parameter(name, value)
            return
        if parameters is not None and name in parameters:
            if value is not None:
                raise TypeError(
                    f"cannot assign {type(value).__name__!r} as parameter {name!r} "
                    f"(torch.nn.Parameter or None expected)"
                )
            parameters[name] = None
            return
        modules = stores.get("_modules")
        if isinstance(value, Module):
            if modules is None:
                raise AttributeError(
                    "cannot assign module before Module.__init__() call: begin with "
                    "super().__init__()"
                )
            self._forget(name, "_modules")
            modules[name] = value
            return
        if modules is not None and name in modules:
            if value is not None:
                raise TypeError(
                    f"cannot assign {type(value).__name__!r} as child module {name!r} "
                    f"(torch.nn.Module or None expected)"
                )
            modules[name] = None
            return
        buffers = stores.get("_buffers")
        marked = isinstance(value, Tensor) and "_is_buffer" in value.__dict__
        if buffers is not None and (name in buffers or marked):
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"cannot assign {type(value).__name__!r} as buffer {name!r} "
                    f"(torch.nn.Buffer, torch.Tensor or None expected)"
                )
            if marked and name not in buffers:
                self._forget(name, "_buffers")
                self.register_buffer(name, value, value.__dict__["_is_buffer"])
            else:
                buffers[name] = value
            return
        super().__setattr__(name, value)

    def _forget(self, name: str, kept: str) -> None:
        """Remove an attribute from wherever it is but one store."""
        for store in ("_parameters", "_buffers", "_modules"):
            if store != kept:
                self.__dict__[store].pop(name, None)
        self.__dict__.pop(name, None)
        self.__dict__["_non_persistent_buffers_set"].discard(name)

    def __delattr__(self, name: str) -> None:
        for store in ("_parameters", "_buffers", "_modules"):
            if name in self.__dict__.get(store, ()):
                del self.__dict__[store][name]
                self._non_persistent_buffers_set.discard(name)
                return
        super().__delattr__(name)

    def __dir__(self) -> list[str]:
        names = {*dir(type(self)), *self.__dict__, *self._parameters, *self._buffers}
        return sorted(n for n in names | set(self._modules) if not n[:1].isdigit())

    def _check_name(self, what: str, name: Any, store: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{what} name can\'t contain ".": {name!r}')
        if not name:
            raise KeyError(f'{what} name can\'t be empty string ""')
        if hasattr(self, name) and name not in self.__dict__[store]:
            raise KeyError(f"attribute {name!r} already exists")

    def register_parameter(self, name: str, param: Any) -> None:
        """Add a parameter, or None in the place of one."""
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_name("parameter", name, "_parameters")
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign {type(param).__name__!r} object to parameter {name!r} "
                    f"(torch.nn.Parameter or None required)"
                )
            if param.grad_fn is not None:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter {name!r}. Model parameters must "
                    f"be created explicitly."
                )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """Add a tensor of the state that is not learned; part of `state_dict` if persistent."""
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name("buffer", name, "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign {type(tensor).__name__!r} object to buffer {name!r} "
                f"(torch Tensor or None required)"
            )
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Any) -> None:
        """Add a module inside, or None in the place of one."""
        if not isinstance(module, Module) and module is not None:
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._check_name("module", name, "_modules")
        self._modules[name] = module

    register_module = add_module

    # ---------------------------------------------------------------------------- what is inside

    def get_submodule(self, target: str) -> Any:
        """The module at a path such as "layers.0"; AttributeError where there is none."""
        found: Any = self
        for name in target.split(".") if target else ():
            if not hasattr(found, name):
                raise AttributeError(f"{type(found).__name__} has no attribute `{name}`")
            found = getattr(found, name)
            if not isinstance(found, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return found

    def set_submodule(self, target: str, module: Any, strict: bool = False) -> None:
        """Put a module at a path."""
        path, _, name = target.rpartition(".")
        if not name:
            raise ValueError("Cannot set the submodule without a target name!")
        home = self.get_submodule(path)
        if strict and not hasattr(home, name):
            raise AttributeError(f"{type(home).__name__} has no attribute `{name}`")
        setattr(home, name, module)

    def _held(self, target: str, store: str, what: str) -> Any:
        path, _, name = target.rpartition(".")
        home = self.get_submodule(path)
        if name not in home.__dict__[store]:
            raise AttributeError(f"{type(home).__name__}.{name} is not {what}")
        return home.__dict__[store][name]

    def get_parameter(self, target: str) -> Any:
        """The parameter at a path."""
        return self._held(target, "_parameters", "an nn.Parameter")

    def get_buffer(self, target: str) -> Any:
        """The buffer at a path."""
        return self._held(target, "_buffers", "a buffer")

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """All modules, this one first, with their paths."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                path = f"{prefix}.{name}" if prefix else name
                yield from module.named_modules(memo, path, remove_duplicate)

    def _named_members(
        self, get_members_fn: Callable[[Any], Iterable[tuple[str, Any]]], prefix: str = "",
        recurse: bool = True, remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, Any]]:  # fmt: skip
        seen: set[int] = set()
        modules: Any = [(prefix, self)]
        if recurse:
            modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        for path, module in modules:
            for name, value in get_members_fn(module):
                if value is None or id(value) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(value))
                yield f"{path}.{name}" if path else name, value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """All parameters with their paths; each once."""
        return self._named_members(
            lambda module: module._parameters.items(), prefix, recurse, remove_duplicate
        )

    def parameters(self, recurse: bool = True) -> Iterator[Any]:
        """All parameters, for an optimiser."""
        return (value for _, value in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """All buffers with their paths; each once."""
        return self._named_members(
            lambda module: module._buffers.items(), prefix, recurse, remove_duplicate
        )

    def buffers(self, recurse: bool = True) -> Iterator[Any]:
        """All buffers."""
        return (value for _, value in self.named_buffers(recurse=recurse))

    def named_children(self) -> Iterator[tuple[str, Any]]:
        """The modules directly inside, with their names; each once."""
        seen: set[int] = set()
        for name, module in self._modules.items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Any]:
        """The modules directly inside."""
        return (module for _, module in self.named_children())

    def modules(self, remove_duplicate: bool = True) -> Iterator[Any]:
        """All modules, this one first."""
        return (m for _, m in self.named_modules(remove_duplicate=remove_duplicate))

    # --------------------------------------------------------------------------- modes and moves

    def train(self, mode: bool = True) -> Any:
        """Training mode, for dropout and batch normalisation, of this module and all inside."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Any:
        """Evaluation mode."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Ask for gradients of all parameters, or no longer."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to zero."""
        for p in self.parameters():
            if p.grad is not None:
                if set_to_none:
                    p.grad = None
                else:
                    p.grad = p.grad.detach()
                    p.grad.zero_()

    def apply(self, fn: Callable[[Any], Any]) -> Any:
        """Call `fn` with every module inside and this one; for initialisation."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn: Callable[[Any], Any], recurse: bool = True) -> Any:
        """Change the values of all parameters, gradients and buffers."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for p in self._parameters.values():
            if p is None:
                continue
            with no_grad():
                gradient = None if p.grad is None else fn(p.grad)
                p.grad = None
                p.data = fn(p.data)
            if gradient is not None:
                p.grad = gradient
        for name, b in self._buffers.items():
            if b is not None:
                self._buffers[name] = fn(b)
        return self

    def to(self, *args: Any, **keywords: Any) -> Any:
        """Another dtype for the floating-point parameters and buffers, or another device."""
        chosen = [*args, *keywords.values()]
        if not chosen:
            raise TypeError("to() received an invalid combination of arguments: none")
        wanted = next((a.dtype if isinstance(a, Tensor) else a for a in chosen
                       if isinstance(a, (Tensor, Dtype))), None)  # fmt: skip
        if wanted is not None and not (wanted.is_floating_point or wanted.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired "
                f"dtype={wanted}"
            )

        axes = layouts.CHANNELS_LAST.get(keywords.get("memory_format"))
        others = {k: v for k, v in keywords.items() if k != "memory_format"}

        def convert(t: Tensor) -> Tensor:
            if wanted is not None and not (t.dtype.is_floating_point or t.dtype.is_complex):
                return t
            if axes is None or is_lazy(t) or t.ndim == len(axes):
                return t.to(*args, **keywords)
            # That order in memory is of images or volumes alone.
            return t.to(*args, **others) if args or others else t

        return self._apply(convert)

    def type(self, dst_type: Any) -> Any:
        """Another dtype for all parameters and buffers."""
        return self._apply(lambda t: t.type(dst_type))

    def _floating(self, name: str) -> Any:
        return self._apply(lambda t: getattr(t, name)() if t.dtype.is_floating_point else t)

    def float(self) -> Any:
        """float32 for the floating-point parameters and buffers."""
        return self._floating("float")

    def double(self) -> Any:
        """float64 for the floating-point parameters and buffers."""
        return self._floating("double")

    def half(self) -> Any:
        """float16 for the floating-point parameters and buffers."""
        return self._floating("half")

    def bfloat16(self) -> Any:
        """bfloat16 for the floating-point parameters and buffers."""
        return self._floating("bfloat16")

    def to_empty(self, *, device: Any, recurse: bool = True) -> Any:
        """New memory for all parameters and buffers, whose values mean nothing."""
        return self._apply(lambda t: TENSORS.empty_like(t, device=device), recurse)

    def compile(self, *args: Any, **keywords: Any) -> None:
        """`torch.compile` of the call: nothing to do, as what is large is compiled by itself."""

    def cpu(self) -> Any:
        """All parameters and buffers on the CPU, where they are."""
        return self._apply(lambda t: t.cpu())

    def cuda(self, device: Any = None) -> Any:
        """All parameters and buffers on a GPU."""
        return self._apply(lambda t: t.cuda(device))

    def share_memory(self) -> Any:
        """For threads, memory is shared as it is."""
        return self

    # --------------------------------------------------------------------------------------- call

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        hooks = self.__dict__.get("_hooks")
        if hooks is None:
            raise AttributeError(
                f"{type(self).__name__}: super().__init__() was not called in __init__()"
            )
        if not hooks:
            return self.forward(*args, **keywords)
        return self._call_with_hooks(args, keywords)

    def _call_with_hooks(self, args: Any, keywords: dict[str, Any]) -> Any:
        for hook, with_keywords in self._hook_list("forward_pre"):
            found = hook(self, args, keywords) if with_keywords else hook(self, args)
            if found is None:
                continue
            if with_keywords:
                args, keywords = found
            else:
                args = found if isinstance(found, tuple) else (found,)
        before, after = self._hook_list("backward_pre"), self._hook_list("backward")
        finish = None
        if before or after:
            args, finish = around_backward(self, args, before, after)
        try:
            result = self.forward(*args, **keywords)
        except BaseException:
            for hook, with_keywords, always in self._hook_list("forward"):
                if always:
                    hook(self, args, keywords, None) if with_keywords else hook(self, args, None)
            raise
        for hook, with_keywords, _ in self._hook_list("forward"):
            found = (
                hook(self, args, keywords, result) if with_keywords else hook(self, args, result)
            )
            result = result if found is None else found
        return result if finish is None else finish(result)

    # -------------------------------------------------------------------------------------- text

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands in the parentheses of the module's text; subclasses define it."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr().split("\n") if self.extra_repr() else []
        children = [f"({n}): {_indented(repr(m), 2)}" for n, m in self._modules.items()]
        if len(extra) == 1 and not children:
            return f"{self._get_name()}({extra[0]})"
        lines = extra + children
        if not lines:
            return f"{self._get_name()}()"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__.copy()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
