"""Formulas as a mathematician writes them: `-|q_i - q_j|²`, `exp(-|q_i - q_j|² / (2 s²))`.

Expressions come from the recorded graph, from formulas that are not computed yet, and from the
user's source; this file knows how they are written, `history.py` how they are read.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass

MAX_CHARS = 60
"""A formula longer than this ends in `…`; the arguments' own boxes say the rest."""
SHORT = 16
"""A name is replaced by what it stands for if that is at most so long: `D_ij` by `|q_i - q_j|²`."""

# How tightly things hold together.
SUM, PRODUCT, SIGN, POWER, ATOM = 1, 2, 3, 4, 5
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@dataclass(frozen=True)
class Term:
    """A piece of text and how tightly it holds together; `square` is the root of a square."""

    text: str
    rank: int = ATOM
    square: "Term | None" = None
    is_number: bool = False

    def inside(self, rank: int) -> str:
        """The text as a part of something that holds with `rank`."""
        return self.text if self.rank >= rank else f"({self.text})"


MORE = Term("…")


def number(value: object) -> Term:
    """A number, in as few digits as tell it apart at single precision."""
    if isinstance(value, bool) or not isinstance(value, int | float) or isinstance(value, int):
        text = str(value)
    else:
        text = f"{value:.7g}"
    return Term(text, SIGN if text.startswith("-") else ATOM, is_number=True)


def write(operation: str, terms: list[Term], plain: dict[str, object], called: str = "") -> Term:
    """The text of an operation on these arguments; `plain` are those that are no tensors.

    `called` is its public name, where the registry has several operations under one.
    """
    writer = _WRITERS.get(operation)
    if writer is not None:
        found = writer(terms, plain)
        if found is not None:
            return cut(found)
    if operation in SAME:
        return terms[0] if terms else MORE
    name = (called or operation).rstrip("_")
    return cut(Term(f"{name}({', '.join(t.text for t in terms)})"))


def cut(term: Term) -> Term:
    """The term, or its beginning."""
    if len(term.text) <= MAX_CHARS:
        return term
    return Term(term.text[: MAX_CHARS - 1] + "…", ATOM)


# Numbers in another arrangement: the shape beside the formula says which.
SAME = frozenset(
    (
        "reshape", "view", "view_as_shape", "view_as", "view_method", "flatten", "ravel", "squeeze",
        "expand", "expand_as", "broadcast_to", "contiguous", "clone", "detach", "cast", "to",
        "alias",
    )
)  # fmt: skip

Writer = Callable[[list[Term], dict[str, object]], Term | None]


def _sum(symbol: str) -> Writer:
    def writer(terms: list[Term], plain: dict[str, object]) -> Term | None:
        if len(terms) < 2:
            return None
        a, b = terms[:2]
        alpha = plain.get("alpha", 1)
        right = b.inside(SUM if symbol == "+" else PRODUCT)
        if alpha != 1:
            right = f"{alpha} {b.inside(SIGN)}"
        return Term(f"{a.inside(SUM)} {symbol} {right}", SUM)

    return writer


def _times(terms: list[Term], plain: dict[str, object]) -> Term | None:
    if len(terms) < 2:
        return None
    a, b = terms[:2]
    if b.is_number and not a.is_number:
        a, b = b, a
    if a.is_number and a.text in ("1", "1.0"):
        return b
    if a.is_number and not b.is_number and b.text[:1].isalpha():
        return Term(f"{a.text} {b.inside(POWER)}", PRODUCT)
    if a.text == b.text and "…" not in a.text:  # what is left out may differ
        return _square(a)
    return Term(f"{a.inside(PRODUCT)} · {b.inside(SIGN)}", PRODUCT)


def _over(terms: list[Term], plain: dict[str, object]) -> Term | None:
    if len(terms) < 2:
        return None
    a, b = terms[:2]
    return Term(f"{a.inside(PRODUCT)} / {b.inside(SIGN)}", PRODUCT)


def _product(terms: list[Term], plain: dict[str, object]) -> Term | None:
    if len(terms) < 2:
        return None
    a, b = terms[:2]
    return Term(f"{a.inside(PRODUCT)} @ {b.inside(SIGN)}", PRODUCT)


def _square(base: Term) -> Term:
    return Term(f"{base.inside(ATOM)}²", POWER, square=base)


def _power(terms: list[Term], plain: dict[str, object]) -> Term | None:
    if len(terms) < 2:
        return None
    base, exponent = terms[:2]
    if exponent.text in ("2", "2.0"):
        return _square(base)
    if exponent.text in ("0.5",):
        return Term(f"√{base.inside(ATOM)}", SIGN)
    if exponent.is_number and exponent.text.removeprefix("-").isdigit():
        return Term(base.inside(ATOM) + exponent.text.translate(_SUPERSCRIPTS), POWER)
    return Term(f"{base.inside(ATOM)} ** {exponent.inside(POWER)}", POWER)


def _total(terms: list[Term], plain: dict[str, object]) -> Term | None:
    if not terms:
        return None
    if terms[0].square is not None:  # the sum of squares
        return Term(f"|{terms[0].square.text}|²", POWER)
    return Term(f"sum({terms[0].text})")


def _addmm(terms: list[Term], plain: dict[str, object]) -> Term | None:
    if len(terms) < 3:
        return None
    product = _product(terms[1:3], plain)
    assert product is not None
    return Term(f"{terms[0].inside(SUM)} + {product.text}", SUM)


def _root(terms: list[Term], plain: dict[str, object]) -> Term | None:
    if len(terms) != 1:
        return None
    inner = terms[0]
    if inner.text.startswith("|") and inner.text.endswith("|²") and "|" not in inner.text[1:-2]:
        return Term(inner.text[:-1])  # the root of |x|²
    return Term(f"√{inner.inside(ATOM)}", SIGN)


def _indexed(terms: list[Term], plain: dict[str, object]) -> Term | None:
    return Term(f"{terms[0].inside(ATOM)}[…]") if terms else None


def _transposed(terms: list[Term], plain: dict[str, object]) -> Term | None:
    return Term(f"{terms[0].inside(ATOM)}.T") if terms else None


_WRITERS: dict[str, Writer] = {
    "add": _sum("+"),
    "sub": _sum("-"),
    "rsub": lambda t, p: _sum("-")(t[1::-1], p),
    "mul": _times,
    "div": _over,
    "neg": lambda t, p: Term(f"-{t[0].inside(SIGN)}", SIGN) if t else None,
    "pow": _power,
    "square": lambda t, p: _square(t[0]) if t else None,
    "sqrt": _root,
    "abs": lambda t, p: Term(f"|{t[0].text}|") if t else None,
    "reciprocal": lambda t, p: Term(f"1 / {t[0].inside(SIGN)}", PRODUCT) if t else None,
    "sum": _total,
    "addmm": _addmm,
    "t": _transposed,
    "unsqueeze": _indexed,
    "select": _indexed,
    "slice": _indexed,
    "slice_": _indexed,
    "index": _indexed,
    "getitem": _indexed,
    **dict.fromkeys(("mm", "mv", "bmm", "matmul", "matmul_batched"), _product),
}


# ---- the user's own text -------------------------------------------------------------------------

_BINARY = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow",
    ast.MatMult: "matmul",
}  # fmt: skip


def of_source(expression: ast.expr, depth: int = 8) -> Term:
    """An expression of the user's, written in the same way."""
    if depth == 0:
        return MORE
    if isinstance(expression, ast.Name):
        return Term(expression.id)
    if isinstance(expression, ast.Constant):
        return number(expression.value)
    if isinstance(expression, ast.BinOp) and type(expression.op) in _BINARY:
        pair = [of_source(e, depth - 1) for e in (expression.left, expression.right)]
        return write(_BINARY[type(expression.op)], pair, {})
    if isinstance(expression, ast.UnaryOp) and isinstance(expression.op, ast.USub):
        return write("neg", [of_source(expression.operand, depth - 1)], {})
    try:
        return cut(Term(ast.unparse(expression)))
    except RecursionError:
        return MORE
