"""The default stream of random numbers, as `torch.random`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from pullback.backends.generator import Generator, default_generator

__all__ = [
    "default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed",
    "set_rng_state",
]  # fmt: skip


def manual_seed(seed: int) -> Generator:
    """Start the default stream of random numbers from a seed."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start the default stream of random numbers anew; gives the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default stream was started from."""
    return default_generator.initial_seed()


def get_rng_state() -> Any:
    """The place in the default stream of random numbers, as bytes."""
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    """Go to a place in the default stream that `get_rng_state` gave."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(
    devices: Iterable[Any] | None = None, enabled: bool = True, device_type: str = "cuda"
) -> Iterator[None]:
    """A block after which the default stream is where it was before.

    There is no stream but the CPU's: `devices` and `device_type` make no difference.
    """
    if not enabled:
        yield
        return
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)
