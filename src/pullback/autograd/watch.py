"""What is done with each node that is made while somebody watches: see `modes.WATCHED`."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Collection, Sequence
from typing import Any

from pullback import dtypes
from pullback.autograd import graph
from pullback.autograd.graph import Node
from pullback.autograd.modes import WATCHED, mode, no_grad
from pullback.autograd.operation_node import OperationNode
from pullback.autograd.saved import pack_values
from pullback.tensor import wrap

PACKAGE = os.path.dirname(os.path.dirname(__file__))  # pathlib takes 4 ms to import


class Anomaly:
    """Whether anomalies are watched for: of the process, as in PyTorch."""

    enabled = False
    check_nan = True


_recorder: Callable[[Node], None] | None = None


def set_recorder(recorder: Callable[[Node], None] | None) -> None:
    """Call `recorder` with every node that is made, in all threads; or stop."""
    global _recorder
    _recorder = recorder
    _set(Anomaly.enabled, Anomaly.check_nan)


def watch(node: Node) -> None:
    """Give what a node saved to the hooks in force; remember where it was made."""
    if _recorder is not None:
        _recorder(node)
    if Anomaly.enabled:
        _remember(node)
    if mode.saved_hooks and isinstance(node, OperationNode) and node.values:
        parameters = node.op.parameters
        places = [
            place for place, (what, k) in enumerate(node.plan.sources)
            if what == "output" or (what == "argument" and parameters[k].is_tensor)
        ]  # fmt: skip
        packed = pack_values(node.values, places)
        if places and packed is not None:
            node.values = packed
            node.packed = node.lends = True
            node.way = 0


# ------------------------------------------------------------------------------- anomalies


def _remember(node: Node) -> None:
    node.metadata["traceback_"] = user_stack()
    if mode.evaluating is not None:
        node.metadata["parent_"] = mode.evaluating


def user_stack() -> list[str]:
    """The user's part of the stack, as text, the innermost last."""
    import traceback

    frames = traceback.extract_stack(sys._getframe(1))
    while frames and (
        frames[-1].filename.startswith(PACKAGE) or frames[-1].filename.startswith("<pullback.")
    ):
        frames.pop()
    return traceback.format_list(frames)


class set_detect_anomaly:
    """Watch for anomalies, or stop: for debugging, since everything takes much longer.

    Nodes then remember the line that made them, and an error in the backward pass shows it. With
    `check_nan`, a gradient that is NaN is such an error. It holds in all threads, in those that
    run already from the next change of their grad mode on. Also a context manager.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = (Anomaly.enabled, Anomaly.check_nan)
        _set(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        _set(*self._before)


def _set(enabled: bool, check_nan: bool) -> None:
    Anomaly.enabled, Anomaly.check_nan = bool(enabled), bool(check_nan)
    type(mode).on = WATCHED if enabled or _recorder is not None else True
    mode.watch()


class detect_anomaly:
    """Within a `with` block, anomalies are watched for: see `set_detect_anomaly`.

    Example:
        >>> with pullback.autograd.detect_anomaly():
        ...     (x - 1).sqrt().sum().backward()
        RuntimeError: Function 'SqrtBackward0' returned nan values in its 0th output. ...
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        self._before: list[tuple[bool, bool]] = []
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should "
            "only be enabled for debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self._before.append((Anomaly.enabled, Anomaly.check_nan))
        _set(True, self.check_nan)

    def __exit__(self, *error: object) -> None:
        _set(*self._before.pop())


def is_anomaly_enabled() -> bool:
    """Whether anomalies are watched for."""
    return Anomaly.enabled


def is_anomaly_check_nan_enabled() -> bool:
    """Whether a gradient that is NaN is an anomaly."""
    return Anomaly.check_nan


def run_watched(
    node: Node, cotangents: tuple[Any, ...], tensors: bool, reached: Collection[Node] | None
) -> Sequence[Any]:
    """`node.run`, whose errors say where the node was made. RuntimeError for NaN."""
    before, mode.evaluating = mode.evaluating, node
    try:
        results = node.run(cotangents, tensors, reached)
    except Exception as error:
        _warn(node)
        error.add_note(_where(node))
        raise
    finally:
        mode.evaluating = before
    if Anomaly.check_nan:
        for k, g in enumerate(results):
            if g is not None and _has_nan(g if tensors else wrap(g)):
                _warn(node)
                raise RuntimeError(
                    f"Function {node.name()!r} returned nan values in its {k}th output. "
                    f"{_where(node)}"
                )
    return results


def _has_nan(g: Any) -> bool:
    if dtypes.kind(g._value.dtype) not in "fc":
        return False
    with no_grad():
        return bool(graph.TENSORS.any(graph.TENSORS.isnan(g)))


def _where(node: Node) -> str:
    lines = node.metadata.get("traceback_")
    if not lines:
        return f"{node.name()} was made before anomaly detection was enabled."
    return f"{node.name()} was made here:\n{lines[-1].rstrip()}"


def _warn(node: Node) -> None:
    warnings.warn(f"Error detected in {node.name()}. {_story(node)}", stacklevel=2)
    above = node.metadata.get("parent_")
    while above is not None:
        warnings.warn(
            f"Previous calculation was induced by {above.name()}. {_story(above)}", stacklevel=2
        )
        above = above.metadata.get("parent_")


def _story(node: Node) -> str:
    lines = node.metadata.get("traceback_")
    if not lines:
        return (
            "No forward pass information available. Enable detect anomaly during forward pass for "
            "more information."
        )
    return f"Traceback of forward call that caused the error:\n{''.join(lines)}"
