"""Stand in for PyTorch: ``import torch`` gives pullback.

After :func:`install_as_torch`, ``sys.modules["torch"]`` *is* ``sys.modules["pullback"]``, and every
submodule ``torch.a.b`` is ``pullback.a.b``: the same module object, imported once, on first use,
under its own name (``torch.nn.__name__ == "pullback.nn"``). The package itself says that it is
called ``torch``, as libraries ask for that. Nothing else changes: the installed distributions are
what they were (``importlib.metadata.version("torch")`` is not faked).

How: two finders on ``sys.meta_path``. The first in line answers for ``torch`` and what is below it.
The last in line answers for ``torchviz``, so that it is asked only when nobody else has one. Their
loaders put the true module in ``sys.modules`` *while the import is under way*, as the import
protocol allows, so that no attribute of that module (``__spec__``, ``__loader__``) is touched.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from pullback.missing import advice, missing_attribute, nearest_names

if TYPE_CHECKING:
    from importlib.abc import Loader, MetaPathFinder
else:  # the import system asks for methods, not for its abstract classes, which take 5 ms
    Loader = MetaPathFinder = object

_LOCK = threading.Lock()


def install_as_torch() -> None:
    """Make ``import torch`` give pullback, for the rest of the process.

    To be called before the first ``import torch``::

        import pullback
        pullback.install_as_torch()

        import torch                       # this is pullback
        import torch.nn.functional as F    # this is pullback.nn.functional

    ``torchviz`` is provided as well where it is not installed. Calling twice does nothing more.

    Raises:
        RuntimeError: PyTorch itself is already imported; its tensors are not pullback's, and a
            process that held both under one name would mix them.
    """
    pullback = importlib.import_module("pullback")
    with _LOCK:
        present = sys.modules.get("torch")
        if present is not None and present is not pullback:
            origin = getattr(present, "__file__", None) or "an unknown place"
            raise RuntimeError(
                f"install_as_torch: PyTorch is already imported in this process (from {origin}), "
                "and pullback cannot take its name any more. Call pullback.install_as_torch() "
                "before the first `import torch`, or start the script with "
                "`pullback run SCRIPT`, which does so."
            )
        if not any(isinstance(finder, _TorchFinder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _TorchFinder())
        if not any(isinstance(finder, _TorchvizFinder) for finder in sys.meta_path):
            sys.meta_path.append(_TorchvizFinder())
        sys.modules["torch"] = vars(pullback)["torch"] = pullback  # as PyTorch has a torch.torch
        pullback.__name__ = "torch"


def _own_name(alias: str) -> str:
    """``torch.nn.functional`` -> ``pullback.nn.functional``."""
    return "pullback" + alias.removeprefix("torch")


class _TorchFinder(MetaPathFinder):
    """Finds ``torch`` and ``torch.a.b``: modules of pullback, under their second name."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A spec that leads to pullback's module; None for any other name.

        Raises:
            ModuleNotFoundError: pullback has no such module; the nearest ones are named.
        """
        if fullname != "torch" and not fullname.startswith("torch."):
            return None
        if not _exists(fullname):
            raise _no_such_module(fullname)
        return ModuleSpec(fullname, _TorchLoader(), origin=_own_name(fullname))


class _TorchLoader(Loader):
    """Replaces the module being imported by pullback's own."""

    def create_module(self, spec: ModuleSpec) -> None:
        """The import system makes an empty module, which `exec_module` throws away."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Put pullback's module at this name; the import system takes what it finds there."""
        alias = module.__name__
        own = _module(alias)
        parent, _, child = alias.rpartition(".")
        if parent:
            present = vars(sys.modules[parent]).get(child)
            if present is not None and present is not own:
                _keep_attribute(sys.modules[parent], child)
        sys.modules[alias] = own


def _exists(alias: str) -> bool:
    """Whether `_module` will find something at ``alias``, whose parent is imported."""
    if alias == "torch" or _own_name(alias) in sys.modules or _held(alias) is not None:
        return True
    return importlib.util.find_spec(_own_name(alias)) is not None or _given(alias) is not None


def _module(alias: str) -> ModuleType:
    """The module of pullback that answers to ``alias``, imported now if it was not."""
    held = _held(alias)
    if held is not None:
        return held
    own = _own_name(alias)
    if own in sys.modules or importlib.util.find_spec(own) is not None:
        return importlib.import_module(own)
    given = _given(alias)
    if given is None:
        raise _no_such_module(alias)
    return given


def _held(alias: str) -> ModuleType | None:
    """The module that the parent of ``alias`` holds as an attribute, if it does.

    A module need not be a file: one made by code, or a ``SimpleNamespace``, is good as well.
    """
    parent, _, child = alias.rpartition(".")
    value = vars(sys.modules[parent]).get(child) if parent else None
    return cast(ModuleType, value) if isinstance(value, ModuleType | SimpleNamespace) else None


def _given(alias: str) -> ModuleType | None:
    """The same for an attribute that the parent's ``__getattr__`` makes when it is asked."""
    parent, _, child = alias.rpartition(".")
    value = getattr(sys.modules[parent], child, None)
    return cast(ModuleType, value) if isinstance(value, ModuleType | SimpleNamespace) else None


def _keep_attribute(parent: ModuleType, child: str) -> None:
    """Let the import system's coming ``parent.child = module`` pass without effect.

    It is for a package that holds a function under the name of the module that defines it, as
    ``torch.autograd.gradcheck`` does: ``from torch.autograd.gradcheck import gradcheck`` must not
    turn the function into a module. The assignment is the import's last step, where no hook
    remains: the parent's class is replaced until it happens.
    """
    kind = type(parent)

    def setattr_once(self: ModuleType, name: str, value: object) -> None:
        if name == child and isinstance(value, ModuleType):
            self.__class__ = kind
        else:
            kind.__setattr__(self, name, value)

    parent.__class__ = type(kind.__name__, (kind,), {"__setattr__": setattr_once})


def _no_such_module(alias: str) -> ModuleNotFoundError:
    """The error for ``import torch.a.b`` where pullback has no module ``a.b``."""
    parent, _, child = alias.rpartition(".")
    package = sys.modules[parent]
    message = f"No module named {alias!r}: pullback has no module {_own_name(alias)!r}"
    value = vars(package).get(child)
    if value is not None:
        kind = "class" if isinstance(value, type) else type(value).__name__
        message += f" ({_own_name(alias)} is a {kind}: write `from {parent} import {child}`)"
    import pkgutil  # as all errors' work: when there is one

    siblings = {entry.name for entry in pkgutil.iter_modules(getattr(package, "__path__", []))}
    siblings |= {name for name in vars(package) if _held(f"{parent}.{name}") is not None}
    said = advice(_own_name(parent), child)
    near = [] if said or value is not None else nearest_names(child, siblings)
    if said:
        message += f": {said}"
    elif near:
        message += ". Nearest: " + ", ".join(f"'{parent}.{name}'" for name in near)
    return ModuleNotFoundError(message + ".", name=alias)


class _TorchvizFinder(MetaPathFinder):
    """Finds ``torchviz`` where it is not installed: last in line on ``sys.meta_path``."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A spec for the module that `_TorchvizLoader` fills; None for any other name."""
        if fullname != "torchviz":
            return None
        return ModuleSpec(fullname, _TorchvizLoader(), origin="pullback.graph")


class _TorchvizLoader(Loader):
    """Makes a ``torchviz`` that draws with :func:`pullback.graph.make_dot`."""

    def create_module(self, spec: ModuleSpec) -> None:
        """The import system's empty module will do."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Fill the module with torchviz's one documented function."""

        def module_getattr(name: str) -> Any:
            raise missing_attribute("torchviz", name, ["make_dot"])

        module.__doc__ = "pullback's stand-in for torchviz, which is not installed."
        module.__dict__.update(
            __all__=["make_dot"],
            __getattr__=module_getattr,
            make_dot=importlib.import_module("pullback.graph").make_dot,
        )
