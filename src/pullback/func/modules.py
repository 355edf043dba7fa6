"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pullback.dispatch import TENSORS
from pullback.tensor import Tensor


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with tensors in the place of its parameters and buffers, by their names.

    What is not named stays the module's own, and names that the module does not have are ignored;
    `strict` refuses both, with a RuntimeError. With `tie_weights`, a parameter that the module has
    under several names is replaced under all of them. The module is unchanged afterwards.
    ValueError for a name in several of the dictionaries.
    """
    if isinstance(parameter_and_buffer_dicts, Mapping):
        given = dict(parameter_and_buffer_dicts)
    elif isinstance(parameter_and_buffer_dicts, Sequence):
        given = {}
        for part in parameter_and_buffer_dicts:
            if not isinstance(part, Mapping):
                raise ValueError(
                    f"Expected all elements of parameter_and_buffer_dicts to be dictionaries, but "
                    f"got {type(part).__name__}"
                )
            repeated = sorted(set(part) & set(given))
            if repeated:
                raise ValueError(
                    f"{repeated} appeared in multiple dictionaries; behavior of functional call is "
                    f"ambiguous"
                )
            given |= part
    else:
        raise ValueError(
            f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(parameter_and_buffer_dicts)}"
        )
    places = _places(module)
    unknown = sorted(set(given) - set(places))
    missing = sorted(set(places) - set(given))
    if strict and (unknown or missing):
        wrong = [
            f"{what} key(s): {', '.join(map(repr, names))}"
            for what, names in (("Unexpected", unknown), ("Missing", missing))
            if names
        ]
        raise RuntimeError(
            f"Error(s) in reparametrizing for {type(module).__name__}: {'; '.join(wrong)}"
        )
    given = {name: given[name] for name in given if name in places}
    new = dict(given)
    if tie_weights:
        twins: dict[int, list[str]] = {}
        for name, (store, key) in places.items():
            if store[key] is not None:
                twins.setdefault(id(store[key]), []).append(name)
        for names in twins.values():
            named = [n for n in names if n in given]
            if len(named) > 1 and any(given[n] is not given[named[0]] for n in named):
                raise ValueError(
                    f"functional_call got multiple values for keys {sorted(named)}, which are "
                    f"tied. Consider using tie_weights=False"
                )
            for n in names if named else ():
                new[n] = given[named[0]]
    before = {name: places[name][0][places[name][1]] for name in new}
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    try:
        for name, tensor in new.items():
            store, key = places[name]
            store[key] = tensor
        return module(*arguments, **(kwargs or {}))
    finally:
        for name, tensor in before.items():
            store, key = places[name]
            store[key] = tensor


def _places(module: Any, prefix: str = "") -> dict[str, tuple[dict[str, Any], str]]:
    """Where each parameter and buffer is kept, by its name."""
    found = {
        f"{prefix}{key}": (store, key)
        for store in (module._parameters, module._buffers)
        for key in store
    }
    for name, inner in module._modules.items():
        if inner is not None:
            found |= _places(inner, f"{prefix}{name}.")
    return found


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """`(parameters, buffers)` of several modules of one class, stacked along a new first axis.

    For `vmap` over an ensemble, with `functional_call`. The parameters are leaves.
    """
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if any(m.training != models[0].training for m in models):
        raise RuntimeError(
            "stack_module_state: Expected all models to have the same training/eval mode."
        )
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    return (
        _stacked([dict(m.named_parameters()) for m in models]),
        _stacked([dict(m.named_buffers()) for m in models]),
    )


def replace_all_batch_norm_modules_(root: Any) -> Any:
    """Batch norms everywhere in a module made to forget: without running means and variances.

    In place; gives the module. Running statistics are shared by all examples, which `vmap` cannot
    write.
    """
    for module in root.modules():
        forget = getattr(module, "_forget_statistics", None)  # a batch norm's
        if forget is not None:
            forget()
    return root


def _stacked(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    made = {}
    for name, first in states[0].items():
        stacked = TENSORS.stack([state[name].detach() for state in states])
        made[name] = stacked.requires_grad_() if first.requires_grad else stacked
    return made
