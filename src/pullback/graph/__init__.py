"""Pictures of a computation: what is differentiated, by which operators, from which stored values.

Loaded on first use: `import pullback` must not pay for graphviz, so nothing is imported here.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pullback.graph.dot import make_dot
    from pullback.graph.exploring import explore
    from pullback.graph.model import Arrow, Box, Graph, Kernel, Kind, Line
    from pullback.graph.recording import Recording, record
    from pullback.graph.render import Picture
    from pullback.graph.walk import trace

__all__ = [
    "Arrow", "Box", "Graph", "Kernel", "Kind", "Line", "Picture", "Recording", "explore",
    "make_dot", "record", "trace",
]  # fmt: skip

_HOME = {
    "Arrow": "model",
    "Box": "model",
    "Graph": "model",
    "Kernel": "model",
    "Kind": "model",
    "Line": "model",
    "Picture": "render",
    "Recording": "recording",
    "explore": "exploring",
    "make_dot": "dot",
    "record": "recording",
    "trace": "walk",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
