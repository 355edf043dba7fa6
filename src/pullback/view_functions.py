"""Functions that come with a declared view: its copy, and writing where it looks."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.arguments import (
    Parameter,
)
from pullback.kinds import Opaque, View
from pullback.operation import Function, Op, p_variadic


class ViewCopy(Opaque):
    """What a view shows, in its own memory: `permute_copy`, from the declaration of `permute`."""

    def __init__(self, view: View, *, name: str = "", node: str = "", **options: Any):
        options = {"method": False, "holomorphic": view.holomorphic} | options
        super().__init__(
            view.forward,
            name=name or f"{view.public_name}_copy",
            node=node or view.node,
            overload=view.given_overload,
            derivative=view.derivative,
            widens=False,
            **options,
        )
        self.view = view
        self.many = view.many
        self.node_suffix = "" if node else "_copy"
        self.doc = f"`{view.public_name}`, copied."
        self.sample_function = lambda r: map(self._packed, _samples_of(view, r))
        self.reference_function = lambda np, *args, **keywords: _reference_of(view)(
            np, *args, **keywords
        )
        if not view.many:
            self.formula_function = lambda xp, *args: xp.apply(view, args)

    def _packed(self, made: tuple[tuple[Any, ...], dict[str, Any]]) -> Any:
        """A call with its integers as one sequence: there is no method."""
        args, keywords = made
        for k, p in enumerate(self.view.parameters):
            if p.kind is p_variadic and not (len(args) == k + 1 and isinstance(args[k], tuple)):
                args = (*args[:k], args[k:])
        return args, keywords

    def _read_parameters(self, forward: Function) -> tuple[Parameter, ...]:
        made = super()._read_parameters(forward)
        for p in made:
            if p.kind is p_variadic:
                p.kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return made

    def _default_rules(self) -> dict[str, tuple[Function, tuple[str, ...] | None]]:
        return {target: (rule.function, rule.names) for target, rule in self.view.rules.items()}

    def compute(self, xp: Any, args: Sequence[Any]) -> Any:
        return self.view.compute(xp, args)  # what is recorded is never an argument's memory


class ViewScatter(Opaque):
    """The input with other values where a view of it looks: `select_scatter`, from `select`."""

    def __init__(self, view: View, *, name: str = "", **options: Any):
        name = name or f"{view.public_name}_scatter"
        super().__init__(view.forward, name=name, widens=False, **options)
        self.view = view
        self.doc = f"The input with `src` written where `{view.public_name}` looks, in a copy."
        self.sample_function = self._samples
        self.reference_function = self._reference
        self.formula_function = self._formula

    def _read_parameters(self, forward: Function) -> tuple[Parameter, ...]:
        input, *plain = super()._read_parameters(forward)
        src = inspect.Parameter("src", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return (input, Parameter(src, True), *plain)

    def _default_rules(self) -> dict[str, tuple[Function, tuple[str, ...] | None]]:
        def to_input(xp: Any, g: Any, shape: Any, *plain: Any) -> Any:
            return xp.apply(self, (g, xp.filled(shape, 0, g), *plain))

        def to_src(xp: Any, g: Any, *plain: Any) -> Any:
            return xp.apply(self.view, (g, *plain))

        input, src, *plain = (p.name for p in self.parameters)
        return {input: (to_input, ("g", f"{src}_shape", *plain)), src: (to_src, ("g", *plain))}

    def compute(self, xp: Any, args: Sequence[Any]) -> Any:
        input, src, *plain = args
        return xp.write_view(self.public_name, input, src, self.view, plain)

    def _formula(self, xp: Any, input: Any, src: Any, *plain: Any) -> Any:
        if src.dtype != input.dtype or xp.apply(self.view, (input, *plain)).shape != src.shape:
            return xp.not_lowerable("an error, or a conversion")
        ones = xp.expand(xp.number(1), *src.shape)
        there = xp.transposed(ones, self.view, plain, input.shape)
        return xp.where(xp.ne(there, 0), xp.transposed(src, self.view, plain, input.shape), input)

    def _samples(self, r: Any) -> Any:
        for (input, *plain), keywords in _samples_of(self.view, r):
            part = _reference_of(self.view)(np, input, *plain, **keywords)
            yield (input, r(*part.shape), *plain), keywords

    def _reference(self, np: Any, input: Any, src: Any, *plain: Any, **keywords: Any) -> Any:
        places = np.arange(input.size).reshape(input.shape)
        result = np.array(input)
        result.reshape(-1)[_reference_of(self.view)(np, places, *plain, **keywords)] = src
        return result


def _samples_of(op: Op, r: Any) -> Any:
    assert op.sample_function is not None
    return op.sample_function(r)


def _reference_of(op: Op) -> Function:
    assert op.reference_function is not None
    return op.reference_function
