"""What to say about a name that pullback does not have.

Every module ``__getattr__`` of the package ends with ``raise missing_attribute(...)``, so that a
script that asks for something of PyTorch's that is not here yet is told so in one line, with the
nearest names that are.
"""

from __future__ import annotations

from collections.abc import Iterable


class _NoNames:
    """The ``obj`` of our AttributeErrors: it has no attribute to propose.

    Python completes an AttributeError that carries no ``obj`` with the object that was asked, and
    appends its own "Did you mean: 'Y'?" to the printed traceback. Ours already names the nearest
    names, in the message, where ``str(error)`` and logs have them too: one suggestion is enough.
    """

    def __dir__(self) -> list[str]:
        return []


def nearest_names(name: str, available: Iterable[str], count: int = 3) -> list[str]:
    """The ``count`` names of ``available`` that resemble ``name`` most, the nearest first.

    Capitals and underscores are not differences (``relu`` is next to ``ReLU``); private names are
    never proposed, nor is ``name`` itself.
    """
    by_key: dict[str, list[str]] = {}
    for candidate in sorted(set(available)):
        if not candidate.startswith("_") and candidate != name:
            by_key.setdefault(_key(candidate), []).append(candidate)
    key = _key(name)
    # difflib looks at every pair of letters: lengths that cannot reach the cutoff
    # (ratio = 2 × matches / total length ≤ 2 × shorter / total) are dropped before it does.
    cutoff = 0.6
    possible = [k for k in by_key if 2 * min(len(k), len(key)) >= cutoff * (len(k) + len(key))]
    import difflib

    close = difflib.get_close_matches(key, possible, n=count, cutoff=cutoff)
    return [candidate for k in close for candidate in by_key[k]][:count]


def _key(name: str) -> str:
    return name.replace("_", "").lower()


def missing_attribute(module_name: str, name: str, available: Iterable[str]) -> AttributeError:
    """The error for ``module_name.name``, which does not exist: to be raised by the caller.

    ``available`` holds the names that the module does have; it is only read for public names.
    Private and dunder names are probes of the import system, of ``copy``, of debuggers: they get
    the plain error, at once.
    """
    message = f"module {module_name!r} has no attribute {name!r}"
    if name.startswith("_"):
        return AttributeError(message)
    near = nearest_names(name, available)
    if near:
        word = "name" if len(near) == 1 else "names"
        message += f". Nearest {word}: {', '.join(map(repr, near))}."
    else:
        message += ", nor any name like it."
    return AttributeError(message, name=name, obj=_NoNames())
