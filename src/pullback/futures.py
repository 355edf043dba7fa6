"""Results that are not there yet, as `torch.futures`."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

__all__ = ["Future", "collect_all", "wait_all"]

T = TypeVar("T")


class Future(Generic[T]):
    """A result that some thread will set."""

    def __init__(self, *, devices: Any = None):
        self._future: concurrent.futures.Future[Any] = concurrent.futures.Future()

    def done(self) -> bool:
        """Whether there is a result, or an error."""
        return self._future.done()

    def wait(self) -> Any:
        """The result, when it is there; its error is raised."""
        return self._future.result()

    def value(self) -> Any:
        """The result. RuntimeError if it is not there."""
        if not self.done():
            raise RuntimeError("Future.value(): the future has no result yet; wait() waits for it")
        return self._future.result()

    def set_result(self, result: Any) -> None:
        """Give the result, once."""
        self._future.set_result(result)

    def set_exception(self, result: BaseException) -> None:
        """Give an error in place of the result."""
        self._future.set_exception(result)

    def add_done_callback(self, callback: Callable[[Any], Any]) -> None:
        """Call `callback(self)` when the result is there."""
        self._future.add_done_callback(lambda _: callback(self))

    def then(self, callback: Callable[[Any], Any]) -> Any:
        """A future of what `callback(self)` gives when the result is there."""
        following: Any = Future()

        def run(_: Any) -> None:
            try:
                following.set_result(callback(self))
            except Exception as error:
                following.set_exception(error)

        self._future.add_done_callback(run)
        return following


def collect_all(futures: Sequence[Any]) -> Any:
    """A future of the list of the futures, all done."""
    together: Any = Future()
    left = len(futures)
    if not left:
        together.set_result([])

    def one_done(_: Any) -> None:
        nonlocal left
        left -= 1
        if not left:
            together.set_result(list(futures))

    for future in futures:
        future.add_done_callback(one_done)
    return together


def wait_all(futures: Sequence[Any]) -> list[Any]:
    """The results of all futures."""
    return [future.wait() for future in futures]
