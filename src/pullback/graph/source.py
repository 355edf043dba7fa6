"""Where the user wrote an operation: the statement and the expression, found without running it.

A variable that is assigned once, in the straight part of a module or function, was computed by the
expression on the right. That expression is laid over the recorded graph, operator by operator; it
goes as deep as both agree. What does not agree has no line and no text: nothing is guessed.
"""

import ast
import dis
import inspect
import linecache
import re
import sys
import types
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

from pullback.graph.model import Line

MAX_SOURCE = 2_000_000
"""Characters of a file that is read; a longer one is generated, and nobody's words."""

_OPERATORS: dict[type[ast.AST], tuple[str, ...]] = {
    ast.Add: ("add",),
    ast.Sub: ("sub", "rsub"),
    ast.Mult: ("mul",),
    ast.Div: ("div",),
    ast.Pow: ("pow",),
    ast.MatMult: ("mm", "mv", "dot", "bmm", "matmul"),
    ast.USub: ("neg",),
}


_SYMBOLS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.MatMult: "@",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """An expression of the user's, where it is known, and its line."""

    expression: ast.expr | None
    line: Line


class Source:
    """The statements that a frame can have run, as far as reading alone says so."""

    def __init__(self, frame: FrameType | None, modules: Collection[str]) -> None:
        self._modules = modules
        self._assigned: dict[str, Place] = {}
        self._compiled: dict[int, _Compiled] = {}
        self._expressions: dict[str, dict[tuple[int | None, ...], ast.expr]] = {}
        if frame is None:
            return
        tree, file = _tree_of(frame.f_code)
        if tree is not None:
            seen = _Compiled(frame.f_code)
            self._assigned = {
                name: place
                for name, place in _assigned_once(tree, frame, file)
                if place.expression is not None and seen.has(place.expression)
            }

    def place_at(self, code: CodeType, instruction: int) -> Place | None:
        """The expression that an instruction of a running function computes."""
        seen = self._compiled.get(id(code))
        if seen is None:
            seen = self._compiled[id(code)] = _Compiled(code)
        place = seen.positions[instruction // 2]
        if place[0] is None:
            return None
        file = code.co_filename
        line = Line(file, place[0], linecache.getline(file, place[0]).strip())
        if file not in self._expressions:
            self._expressions[file] = _expressions_of(file)
        expression = self._expressions[file].get(place)
        if expression is not None and not seen.has(expression):
            expression = None
        return Place(expression, line)

    def over(self, name: str, node: Any, edges_of: Any) -> Iterator[tuple[Any, Place]]:
        """The expression of variable `name` laid over the operators below `node`.

        `edges_of(node)` lists (position among the operation's arguments, node of the argument).
        """
        place = self._assigned.get(name)
        if place is None:
            return
        stack = [(node, place)]
        while stack:
            node, place = stack.pop()
            operands = self.operands(place.expression, getattr(node, "op", None))
            if operands is None:
                continue
            yield node, place
            for k, below in edges_of(node):
                expression = operands.get(k)
                # A name is another statement's.
                if expression is not None and not isinstance(expression, ast.Name):
                    stack.append((below, Place(expression, place.line)))

    def operands(self, expression: ast.expr | None, op: Any) -> dict[int, ast.expr] | None:
        """The operation's arguments, by position, as the expression writes them.

        None if the expression is not a call of the operation.
        """
        if op is None:
            return None
        if isinstance(expression, ast.BinOp):
            names = _OPERATORS.get(type(expression.op), ())
            if op.name not in names:
                return None
            pair = [expression.left, expression.right]
            # `2 * x` is recorded as `x * 2`, and `2 - x` as rsub(x, 2).
            number = isinstance(expression.left, ast.Constant)
            if op.name == "rsub" or (number and op.name in ("mul", "add")):
                pair.reverse()
            return dict(enumerate(pair))
        if isinstance(expression, ast.UnaryOp):
            named = op.name in _OPERATORS.get(type(expression.op), ())
            return {0: expression.operand} if named else None
        if isinstance(expression, ast.Subscript):
            return {0: expression.value} if type(op).__name__ == "View" else None
        if not isinstance(expression, ast.Call) or not isinstance(expression.func, ast.Attribute):
            return None
        called = expression.func.attr.rstrip("_")
        known = {op.name, op.public_name, op.name.rstrip("_"), str(op.node).lower(), *op.aliases}
        if called not in known or any(isinstance(a, ast.Starred) for a in expression.args):
            return None
        given = list(expression.args)
        if not self._is_module(expression.func.value):
            given.insert(0, expression.func.value)
        found = dict(enumerate(given))
        for keyword in expression.keywords:
            if keyword.arg in op.positions:
                found[op.positions[keyword.arg]] = keyword.value
        return found

    def _is_module(self, expression: ast.expr) -> bool:
        while isinstance(expression, ast.Attribute):  # torch.nn.functional
            expression = expression.value
        return isinstance(expression, ast.Name) and expression.id in self._modules


class _Compiled:
    """What a code object was compiled from, as far as it remembers: places and constants.

    A file may have been edited since it was read.
    """

    def __init__(self, code: CodeType) -> None:
        self.code = code  # kept, so that its identity stays its own
        self.positions = list(code.co_positions())
        self._places = set(self.positions)
        self._operators = {
            tuple(i.positions): i.argrepr
            for i in dis.get_instructions(code)
            if i.opname == "BINARY_OP" and i.positions is not None
        }
        self._constants: set[tuple[type, object]] = set()
        self._names = {*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars}
        for constant in code.co_consts:
            for value in constant if isinstance(constant, tuple) else (constant,):
                if isinstance(value, int | float | complex | str | bytes):
                    self._constants.add((type(value), value))

    def has(self, expression: ast.expr) -> bool:
        """Whether the expression is where the code has it, with the same names and numbers."""
        for node in ast.walk(expression):
            if isinstance(node, ast.BinOp | ast.Call | ast.Subscript):
                place = (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset)
                if place not in self._places:
                    return False
                symbol = _SYMBOLS.get(type(getattr(node, "op", None)))
                if symbol is not None and self._operators.get(place) != symbol:
                    return False
            elif isinstance(node, ast.Name | ast.Attribute):
                if (node.id if isinstance(node, ast.Name) else node.attr) not in self._names:
                    return False
            elif isinstance(node, ast.Constant) and not self._knows(node.value):
                return False
        return True

    def _knows(self, value: object) -> bool:
        # None, Ellipsis and, since Python 3.14, small integers are in the instructions themselves.
        if value is None or isinstance(value, bool | types.EllipsisType):
            return True
        if sys.version_info >= (3, 14) and isinstance(value, int) and 0 <= value < 256:
            return True
        negative = (type(value), -value) if isinstance(value, int | float) else None
        return bool({(type(value), value), negative} & self._constants)


def place_in(stack: list[str]) -> Place | None:
    """The line that a stack printed by `traceback` ends in."""
    found = re.match(r'\s*File "(.*)", line (\d+), in .*\n\s*(.*)', stack[-1])
    return None if found is None else Place(None, Line(found[1], int(found[2]), found[3]))


def _parsed(file: str) -> ast.Module | None:
    text = "".join(linecache.getlines(file))
    if not text or len(text) > MAX_SOURCE:
        return None
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _expressions_of(file: str) -> dict[tuple[int | None, ...], ast.expr]:
    """The operations that a file writes, by (line, last line, column, last column)."""
    module = _parsed(file)
    if module is None:
        return {}
    kinds = ast.BinOp | ast.UnaryOp | ast.Call | ast.Subscript
    return {
        (e.lineno, e.end_lineno or 0, e.col_offset, e.end_col_offset or 0): e
        for e in ast.walk(module)
        if isinstance(e, kinds)
    }


def _tree_of(code: CodeType) -> tuple[ast.AST | None, str]:
    """The syntax tree of a frame's module or function."""
    file = code.co_filename
    module = _parsed(file)
    if module is None:
        return None, file
    if code.co_name == "<module>":
        return module, file
    if not code.co_flags & inspect.CO_OPTIMIZED:  # the body of a class
        return None, file
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == code.co_firstlineno:
                return node, file
    return None, file


def _assigned_once(tree: Any, frame: FrameType, file: str) -> Iterator[tuple[str, Place]]:
    """The plain assignments before the current line to names that nothing else binds."""
    now = frame.f_lineno
    bound: dict[str, int] = {}
    for node in ast.walk(tree):
        for name in _binds(node):
            bound[name] = bound.get(name, 0) + 1
    for statement in tree.body:
        if (
            isinstance(statement, ast.Assign)
            and statement.lineno <= now
            and len(statement.targets) == 1
            and isinstance(statement.targets[0], ast.Name)
            and bound.get(statement.targets[0].id) == 1
        ):
            text = linecache.getline(file, statement.lineno).strip()
            line = Line(file, statement.lineno, text)
            yield statement.targets[0].id, Place(statement.value, line)


def _binds(node: ast.AST) -> list[str]:
    """The names that a node of the tree gives a value."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
        return [node.id]
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    if isinstance(node, ast.arg):
        return [node.arg]
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.alias):
        return [(node.asname or node.name).partition(".")[0]]
    if isinstance(node, ast.Global | ast.Nonlocal):
        return [*node.names, *node.names]  # others may write them: never counted as one
    if isinstance(node, ast.ExceptHandler) and node.name:
        return [node.name]
    return []
