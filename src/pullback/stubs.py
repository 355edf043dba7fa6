"""What type checkers and editors know of operations: `signatures/*.pyi`, made, never edited.

    python -m pullback.operations_page    # writes them, and the page of operations

Functions and methods are made from declarations when they are first used, where no type checker
sees them. Their signatures are therefore asked of them and written down, and what they give is
seen by calling their samples. `tests/test_types.py` says when the files are stale.
"""

from __future__ import annotations

import ast
import builtins
import functools
import importlib
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pullback
from pullback import arguments, dtypes, layouts, namespaces, samples
from pullback.dispatch import OPERATORS, TENSORS, bind, bind_in_place
from pullback.methods.registered import METHODS, AbsentMethod
from pullback.op import REGISTRY, Op, Pointwise
from pullback.tensor import Tensor

FOLDER = Path(__file__).parent / "signatures"

# The namespaces that are made of operations: the stub, and the module that takes it in.
NAMESPACES = {
    "functions": "pullback",
    "fft": "pullback.fft",
    "linalg": "pullback.linalg",
    "masked": "pullback.masked",
    "nn_functional": "pullback.nn.functional",
    "signal_windows": "pullback.signal.windows",
    "special": "pullback.special",
}

HEAD = '''\
"""{title}

Made by `python -m pullback.operations_page`: not to be edited.
"""

from builtins import bool as _bool, complex as _complex, dict as _dict, float as _float, int as _int
from builtins import list as _list, object as _object, str as _str, tuple as _tuple, type as _type
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, overload

from pullback.devices import device as _device
from pullback.dtypes import dtype as _dtype
from pullback.layouts import layout as _layout, memory_format as _memory_format
from pullback.tensor import Size as _Size, Tensor

_Out = Tensor | _tuple[Tensor, ...] | None
'''

# How the arguments of declarations are typed. A tensor without axes passes for a number.
WRITTEN: dict[Any, str] = {
    arguments.Array: "Tensor", arguments.MaybeArray: "Tensor | None",
    arguments.Arrays: "Sequence[Tensor]", arguments.SomeArrays: "Sequence[Tensor | None]",
    arguments.Dim: "_int", arguments.NewDim: "_int",
    arguments.Dims: "_int | Sequence[_int] | None",
    arguments.DimSet: "_int | Sequence[_int] | None", arguments.Ints: "_int | Sequence[_int]",
    arguments.Number: "_complex | Tensor", arguments.Dtype: "_dtype | _type | None",
    arguments.Format: "_memory_format", arguments.Plain: "Any",
    bool: "_bool", int: "_int", float: "_float | Tensor", int | None: "_int | None",
    float | None: "_float | None", bool | None: "_bool | None",
}  # fmt: skip

# Those that every function has from its kind.
SUPPLIED = {
    "out": "_Out", "inplace": "_bool", "layout": "_layout | None",
    "device": "_device | _str | _int | None", "requires_grad": "_bool", "pin_memory": "_bool",
    "dtype": "_dtype | _type | None",
}  # fmt: skip
OTHER_NAMES = {"axis": "dim", "keepdims": "keepdim"}


# ------------------------------------------------------------------------------ operations


def parameters(op: Op, function: Callable[..., Any]) -> Iterator[inspect.Parameter]:
    """The parameters of an operation's function with their types as text."""
    empty = inspect.Parameter.empty
    shown = inspect.signature(function).parameters
    # Arguments that may come under another name: they have a default, and so has the other name.
    other = {n: m for n, m in (OTHER_NAMES | op.keywords).items() if m in shown}
    renamed = set(other.values())
    optional = False
    for p in shown.values():
        default = p.default
        may_follow = p.kind is p.POSITIONAL_OR_KEYWORD
        if default is empty and may_follow and (p.name in renamed or optional):
            default = ...
        optional |= may_follow and default is not empty
        yield p.replace(annotation=_written(op, p.name), default=default)
    for name, meant in other.items():
        yield inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=..., annotation=_written(op, meant)
        )


def _written(op: Op, name: str) -> str:
    """The type of a parameter."""
    k = op.positions.get(name)
    if k is None:  # a sequence by keyword, or what the kind supplies
        return SUPPLIED.get(name, "Any")
    p = op.parameters[k]
    if p.is_tensor:
        takes_numbers = isinstance(op, Pointwise) or name in getattr(op, "numbers", ())
        wanted = WRITTEN.get(p.annotation, "Tensor")
        if takes_numbers and len(op.tensors) > 1:
            wanted = f"{wanted} | _complex"
    else:
        wanted = WRITTEN.get(p.annotation, "Any")
    optional = p.default is None and wanted != "Any" and "None" not in wanted
    return f"{wanted} | None" if optional else wanted


@functools.cache
def results(op: Op) -> tuple[tuple[str, str], ...]:
    """The types of what an operation gives, seen from its samples, as `(argument, type)`.

    One pair with "" for an argument if there is one type; two if the type depends on whether a
    single argument is given, first without and then with it; `(("", "Any"),)` otherwise.
    """
    seen = [(call.bound(), _type_of(_result(call))) for call in samples.calls(op)]
    if len(types := {gives for _, gives in seen}) == 1:
        return (("", types.pop()),)
    for p in op.parameters:
        if p.default is None or p.default is False:
            without, given = (
                {gives for arguments, gives in seen
                 if (arguments.get(p.name, p.default) is p.default) is absent}
                for absent in (True, False)
            )  # fmt: skip
            if len(without) == len(given) == 1:
                return (("", without.pop()), (p.name, given.pop()))
    return (("", "Any"),)


def _result(call: samples.Call) -> Any:
    """What a call gives; of an operation without a function, what rules get."""
    if samples.is_public(call.op) and not samples.is_in_place_only(call.op):
        return call.on(pullback)
    args, keywords = call.converted(pullback)
    return getattr(TENSORS, call.op.key)(*args, **keywords)


def _type_of(value: Any) -> str:
    if isinstance(value, Tensor):
        return "Tensor"
    if hasattr(value, "_fields"):
        return f"return_types.{type(value).__name__}"
    if type(value) is tuple and all(isinstance(v, Tensor) for v in value):
        return "_tuple[Tensor, ...]"
    return f"_{type(value).__name__}" if type(value) in (bool, int, float) else "Any"


def _signature(made: Sequence[inspect.Parameter]) -> str:
    """Parameters as source."""
    parts: list[str] = []
    star = False
    for p in made:
        if p.kind is p.VAR_POSITIONAL:
            star = True
        elif p.kind is p.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        typed = p.name if p.annotation is p.empty else f"{p.name}: {p.annotation}"
        stars = "*" * (p.kind is p.VAR_POSITIONAL) + "**" * (p.kind is p.VAR_KEYWORD)
        parts.append(stars + typed + _default(p))
    return ", ".join(parts)


def _default(p: inspect.Parameter) -> str:
    if p.default is p.empty:
        return ""
    plain = p.default is None or type(p.default) in (bool, int, str)
    return f" = {p.default!r}" if plain else " = ..."


def _summary(doc: str | None) -> str:
    """The first sentence of a docstring, as the body of a function."""
    text = " ".join((doc or "").partition("\n\n")[0].split()).replace("\\", "\\\\")
    return f'"""{text}"""' if text else "..."


def function_stub(name: str, op: Op, function: Callable[..., Any], gives: str = "") -> str:
    """The function of an operation; what it gives is asked of the samples where it is not said."""
    return _definitions(name, op, function, list(parameters(op, function)), gives)


def method_stub(name: str, op: Op, function: Callable[..., Any], gives: str = "") -> str:
    """The method: the first argument is the tensor."""
    _, *rest = parameters(op, function)
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return textwrap.indent(_definitions(name, op, function, [own, *rest], gives), "    ")


def _definitions(
    name: str, op: Op, function: Callable[..., Any], made: list[inspect.Parameter], gives: str
) -> str:
    """One definition, or overloads where one argument decides what comes."""
    body = _summary(function.__doc__)
    known = [("", gives)] if gives else list(results(op))
    if len(known) == 1:
        return f"def {name}({_signature(made)}) -> {known[0][1]}:\n    {body}\n"
    (_, plain), (argument, other) = known
    forms = [(_without(made, argument), plain), (_given(made, argument), other), (made, "Any")]
    return "".join(
        f"@overload\ndef {name}({_signature(form)}) -> {type}:\n    {body}\n"
        for form, type in forms
    )


def _without(made: list[inspect.Parameter], argument: str) -> list[inspect.Parameter]:
    """The parameters, one of which has its default."""
    return [
        p.replace(annotation=f"Literal[{p.default!r}]") if p.name == argument else p for p in made
    ]


def _given(made: list[inspect.Parameter], argument: str) -> list[inspect.Parameter]:
    """The parameters, one of which is given: by keyword if it is not the first optional one."""
    k = next(k for k, p in enumerate(made) if p.name == argument)
    p = made[k]
    wanted = "Literal[True]" if p.default is False else p.annotation.removesuffix(" | None")
    first = not any(q.default is not q.empty for q in made[:k])
    kind = p.kind if first else p.KEYWORD_ONLY
    given = p.replace(annotation=wanted, default=p.empty, kind=kind)
    after = made[k + 1 :] if first else [q.replace(kind=kind) for q in made[k + 1 :]]
    return [*made[:k], given, *after]


# ------------------------------------------------------------------------------- the files


def namespace_stub(module: str) -> str:
    """The functions of a namespace."""
    namespace = module.removeprefix("pullback").removeprefix(".")
    home = importlib.import_module(module)
    operations = namespaces.functions(namespace) | namespaces.in_place_functions(namespace)
    written = [HEAD.format(title=f"The operations of `{module.replace('pullback', 'torch', 1)}`.")]
    written.append("from pullback.signatures import return_types as return_types\n\n")
    public: list[str] = []
    for name in home.__all__ if module != "pullback" else sorted(operations):
        op = operations.get(name) or _variant(name, operations)
        if op is None:
            continue
        function = getattr(home, name)
        gives = "Tensor" if name.endswith("_") else ""
        if name.endswith("_with_indices"):
            gives = "_tuple[Tensor, ...]"
        written.append(function_stub(name, op, function, gives))
        public.append(name)
    if module == "pullback":
        rest = _rest_of_torch()
        written.append("from pullback.construct import TensorType as _TensorType")
        written += [*rest.values(), ""]
        public += rest
    return "\n".join([*written, f"__all__ = {public}", ""])


def _variant(name: str, operations: Mapping[str, Op]) -> Op | None:
    """The operation behind a name of `nn.functional` that sets one of its arguments."""
    plain = name.removesuffix("_with_indices").removesuffix("_")
    return operations.get(plain) or namespaces.functions("").get(plain)


def _rest_of_torch() -> dict[str, str]:
    """The other names of `torch` that are found when they are asked for, and their source."""
    found = {name: f"import pullback.{name} as {name}" for name in pullback._SUBMODULES}
    for name, where in pullback._FUNCTIONS.items():
        home = importlib.import_module(f"pullback.{where}")
        there = name in vars(home)
        found[name] = (
            f"from pullback.{where} import {name} as {name}" if there
            else f"{name}: Callable[..., Any]"
        )  # fmt: skip
    found |= {name: f"{name}: _dtype" for name in [*dtypes.ALIASES, "bool"]}
    found |= {name: f"{name}: _layout" for name in layouts.SPARSE}
    for name in dtypes.LEGACY_NAMES.values():
        found[name] = f"{name}: _type[_TensorType]"
    return found


def tensor_stub() -> str:
    """The attributes and methods that are attached to tensors."""
    imports: set[str] = set()
    body: list[str] = []
    operators = _operators()
    for name, value in vars(Tensor).items():
        if name in operators:
            body.append(operators[name])
        elif isinstance(value, AbsentMethod):
            continue
        elif name in METHODS:
            body.append(_registered(name, METHODS[name]))
        elif isinstance(value, property) and value.fget is not None:
            if value.fget.__module__ != "pullback.tensor":
                body.append(_property(name, value, imports))
        elif inspect.isfunction(value) and value.__module__ != "pullback.tensor":
            body.append(_attached(name, value, imports))
    title = "The attributes and methods that are attached to `Tensor`."
    head = [HEAD.format(title=title), *sorted(imports)]
    head += ["from pullback.signatures import return_types", "", "class Attached:"]
    return "\n".join([*head, *body])


def _registered(name: str, op: Op) -> str:
    in_place = name.endswith("_") and name != op.public_name
    function = getattr(Tensor, name)
    return method_stub(name, op, function, "Tensor" if in_place else "")


def _operators() -> dict[str, str]:
    """Python's operators: those of two operands take NumPy's arrays as well."""
    made: dict[str, str] = {}
    for name, (function, _) in OPERATORS.items():
        kept = "  # type: ignore[override]" if name in ("eq", "ne") else ""
        for form in (f"__{name}__", f"__i{name}__", f"__r{name}__"):
            if form in vars(Tensor):
                made[form] = f"    def {form}(self, other: Any) -> Tensor: ...{kept}\n"
        assert function in REGISTRY
    for name in ("__neg__", "__abs__"):
        made[name] = f"    def {name}(self) -> Tensor: ...\n"
    made["__rdiv__"] = "    def __rdiv__(self, other: Any) -> Tensor: ...\n"
    return made


def _property(name: str, value: property, imports: set[str]) -> str:
    assert value.fget is not None
    gives = _annotation(value.fget, value.fget.__annotations__.get("return", "Any"), imports)
    if value.fset is not None:
        return f"    {name}: {gives}\n"
    summary = _summary(value.fget.__doc__)
    return f"    @property\n    def {name}(self) -> {gives}:\n        {summary}\n"


def _attached(name: str, function: Callable[..., Any], imports: set[str]) -> str:
    """A method that is written by hand, with its own annotations."""
    signature = inspect.signature(function)
    first, *rest = signature.parameters.values()
    made = [first.replace(name="self", annotation=inspect.Parameter.empty)]
    made += [p.replace(annotation=_annotation(function, p.annotation, imports)) for p in rest]
    gives = _annotation(function, signature.return_annotation, imports)
    return f"    def {name}({_signature(made)}) -> {gives}:\n        {_summary(function.__doc__)}\n"


def _annotation(function: Any, text: Any, imports: set[str]) -> str:
    """An annotation as it was written, its names replaced by those of a stub."""
    if not isinstance(text, str):
        return "Any"

    class Names(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            if node.id in ("Any", "Callable", "Iterator", "Sequence", "Tensor"):
                return node
            found = function.__globals__.get(node.id, getattr(builtins, node.id, None))
            home = getattr(found, "__module__", None)
            name = found.__name__ if inspect.ismodule(found) or inspect.isclass(found) else node.id
            if inspect.ismodule(found):
                imports.add(f"import {name} as _{node.id}")
            elif home not in (None, "builtins", "typing"):
                imports.add(f"from {home} import {name} as _{node.id}")
            return ast.Name(f"_{node.id}")

    return ast.unparse(Names().visit(ast.parse(text, mode="eval")))


def vocabulary_stub() -> str:
    """All operations by their names in the registry, and what writes over a tensor."""
    head = HEAD.format(title="The operations as the vocabulary of tensors has them.")
    body = [head, "from pullback.signatures import return_types", "", "class Operations:"]
    for op in REGISTRY.values():
        body.append(_of_vocabulary(op.key, op, bind(op)))
        if op.inplace_name:
            body.append(_of_vocabulary(f"{op.key}_", op, bind_in_place(op), "Tensor"))
    return "\n".join([*body, ""])


def _of_vocabulary(name: str, op: Op, function: Callable[..., Any], gives: str = "") -> str:
    made = list(parameters(op, function))
    types = [gives] if gives else [type for _, type in results(op)]
    return (
        f"    @staticmethod\n"
        f"    def {name}({_signature(made)}) -> {types[0] if len(types) == 1 else 'Any'}: ..."
    )


def return_types_stub() -> str:
    """The named tuples of operations with several results."""
    written = [HEAD.format(title="The named results of operations, as `torch.return_types`.")]
    seen: set[str] = set()
    for op in REGISTRY.values():
        if not op.outputs:
            continue
        bind(op)
        name = op.tuple_class.__name__
        if name not in seen:
            seen.add(name)
            fields = "".join(f"    {n}: Tensor\n" for n in op.outputs)
            written.append(f"class {name}(NamedTuple):\n{fields}")
    return "\n".join(written)


def files() -> dict[str, str]:
    """All stubs by the names of their files."""
    made = {name: namespace_stub(module) for name, module in NAMESPACES.items()}
    made |= {"tensor": tensor_stub(), "vocabulary": vocabulary_stub()}
    made["return_types"] = return_types_stub()
    made["__init__"] = '"""Types of what is made from declarations, for type checkers alone."""\n'
    return {f"{name}.pyi": text for name, text in made.items()}


def write() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
