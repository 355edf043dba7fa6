"""How a tensor prints: PyTorch's form, character for character, from a NumPy array.

A tensor is printed in two passes. The first looks at the numbers that will be shown and settles
one `_Style` for all of them (how many decimals, scientific or not, how wide a column); the second
lays the columns out in lines of at most `linewidth` characters, brackets and indents around them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Profile = Literal["default", "short", "full"]


@dataclass(frozen=True, slots=True)
class PrintOptions:
    """What `set_printoptions` sets."""

    precision: int = 4
    """Digits after the point."""
    threshold: float = 1000
    """A tensor of more elements is summarised."""
    edgeitems: int = 3
    """How many items a summary keeps at both ends of a dimension."""
    linewidth: int = 80
    sci_mode: bool | None = None
    """Scientific notation: always, never, or (None) where the numbers ask for it."""


_PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=inf),
}

_options = PrintOptions()


def get_printoptions() -> PrintOptions:
    """The options in force."""
    return _options


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: Profile | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print, as `torch.set_printoptions` does.

    A `profile` ("default", "short" or "full") sets the first four, then each given argument
    overrides it. As in PyTorch, `sci_mode` goes back to automatic in every call that does not
    set it, and a profile of another name changes nothing.
    """
    global _options
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    start = _PROFILES.get(profile or "", _options)
    for name, value in given.items():
        if value is not None and not (isinstance(value, int | float) and value >= 0):
            raise ValueError(f"set_printoptions: {name} must be a number ≥ 0, not {value!r}")
    changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    _options = replace(start, **changes, sci_mode=sci_mode)


def tensor_repr(
    array: Array, *, dtype_name: str, default_dtype: bool, suffix: Sequence[str] = ()
) -> str:
    """`tensor([1., 2.], dtype=torch.float64, requires_grad=True)`.

    `dtype_name` is shown unless `default_dtype`: its dtype is what `torch.tensor` would give such
    numbers. `suffix` holds what follows the numbers, such as `requires_grad=True`.
    """
    prefix = "tensor("
    notes = []
    show_dtype = not default_dtype
    if array.size == 0:
        numbers = "[]"
        # Without numbers to tell an integer or a bool by, only the default float goes unsaid.
        show_dtype = show_dtype or array.dtype.kind in "iubc"
    else:
        numbers = _numbers(array, len(prefix), _options)
    # The brackets do not tell the shape of an empty tensor, nor of one summarised to nothing.
    if array.ndim != 1 if array.size == 0 else _options.edgeitems == 0:
        notes.append(f"size={array.shape}")
    if show_dtype:
        notes.append(f"dtype={dtype_name}")
    return _wrapped(prefix + numbers, [*notes, *suffix], len(prefix), _options.linewidth) + ")"


def _wrapped(text: str, notes: Iterable[str], indent: int, linewidth: int) -> str:
    """The notes after the numbers, each on a new line where it would run over the end."""
    # PyTorch counts the last line two characters too long where it is the first one, one too
    # long elsewhere; the line breaks must fall in the same places.
    column = len(text) - text.rfind("\n") + 1
    for note in notes:
        if column + len(note) + 2 > linewidth:
            text += ",\n" + " " * indent + note
            column = indent + len(note)
        else:
            text += ", " + note
            column += len(note) + 2
    return text


def _numbers(array: Array, indent: int, options: PrintOptions) -> str:
    edge = options.edgeitems
    # Where a dimension is cut, `shown` keeps its two ends and the dots go between them.
    cuts = [array.size > options.threshold and size > 2 * edge for size in array.shape]
    ends = [*range(edge), *range(-edge, 0)]
    kept = [ends if cut else range(size) for cut, size in zip(cuts, array.shape, strict=True)]
    shown = array[np.ix_(*kept)] if any(cuts) else array[...]
    if shown.dtype.kind == "V":  # bfloat16 of ml_dtypes: NumPy does not know it for a float
        shown = shown.astype(np.float32)
    show, width = _formatter(shown, options)
    return _nested(shown, indent, [edge if cut else None for cut in cuts], show, width, options)


def _nested(
    shown: Array,
    indent: int,
    dots: Sequence[int | None],
    show: Callable[[Any], str],
    width: int,
    options: PrintOptions,
) -> str:
    """Brackets within brackets; a recursion as deep as the array has dimensions.

    `dots` has for each dimension the position of its three dots, or None.
    """
    if shown.ndim == 0:
        return show(shown.item())
    at = dots[0]
    if shown.ndim == 1:
        items = [show(x) for x in shown.tolist()]
        if at is not None:
            items.insert(at, " ..." if at else "...")
        per_line = max(1, (options.linewidth - indent) // (width + 2))
        lines = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
    else:
        lines = [_nested(row, indent + 1, dots[1:], show, width, options) for row in shown]
        if at is not None:
            lines.insert(at, "...")
    gap = max(1, shown.ndim - 1)
    return "[" + ("," + "\n" * gap + " " * (indent + 1)).join(lines) + "]"


def _formatter(shown: Array, options: PrintOptions) -> tuple[Callable[[Any], str], int]:
    """How to write one number of these, and how wide that is."""
    kind = shown.dtype.kind
    if kind == "c":
        real, imag = _Style.of(shown.real, options), _Style.of(shown.imag, options)

        def show(z: complex) -> str:
            part = imag.show(z.imag).lstrip() + "j"
            return real.show(z.real) + (part if part[0] in "+-" else "+" + part)

        return show, real.width + imag.width + 1
    if kind in "iub":
        width = max((len(str(x)) for x in shown.ravel().tolist()), default=1)
        return lambda x: str(x).rjust(width), width
    style = _Style.of(shown, options)
    return style.show, style.width


@dataclass(frozen=True, slots=True)
class _Style:
    """One way to write all real numbers of a tensor."""

    precision: int
    whole: bool
    """Every number is an integer: `1.` instead of `1.0000`."""
    scientific: bool
    width: int

    @staticmethod
    def of(shown: Array, options: PrintOptions) -> "_Style":
        # Zeros, infinities and NaN fit any style; they neither choose one nor widen the column.
        values = shown.astype(np.float64).ravel()
        values = values[np.isfinite(values) & (values != 0)]
        if values.size == 0:
            return _Style(options.precision, True, False, 1)
        sizes = np.abs(values)
        largest, smallest = float(sizes.max()), float(sizes.min())
        whole = bool((values == np.ceil(values)).all())
        scientific = options.sci_mode
        if scientific is None:
            far = largest / smallest > 1000 or largest > 1e8
            scientific = far or (not whole and smallest < 1e-4)
        style = _Style(options.precision, whole, scientific, 0)
        return replace(style, width=max(len(style.show(x)) for x in values.tolist()))

    def show(self, x: float) -> str:
        if self.scientific:
            text = f"{x:.{self.precision}e}"
        elif self.whole:
            text = f"{x:.0f}" + ("." if isfinite(x) else "")
        else:
            text = f"{x:.{self.precision}f}"
        return text.rjust(self.width)
