"""Random numbers: a counter-based generator with a state that can be saved."""

from __future__ import annotations

import json
import secrets
from typing import Any

import numpy as np


class Generator:
    """A stream of random numbers, as `torch.Generator`: NumPy's Philox, seeded."""

    def __init__(self, device: Any = "cpu"):
        if str(device) != "cpu":
            raise RuntimeError(f"pullback has no generator for the device {device}: use 'cpu'")
        self.device = device
        self.manual_seed(0x5EED)

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream that belongs to a seed. Gives itself."""
        self._seed = int(seed) % 2**64
        self._source: np.random.Generator | None = None
        return self

    @property
    def source(self) -> np.random.Generator:
        """NumPy's generator; made when first needed, as importing numpy.random takes 15 ms."""
        if self._source is None:
            self._source = np.random.Generator(np.random.Philox(self._seed))
        return self._source

    def seed(self) -> int:
        """Start a stream that cannot be foreseen; gives its seed."""
        self.manual_seed(secrets.randbits(63))
        return self._seed

    def initial_seed(self) -> int:
        """The seed that the stream was started with."""
        return self._seed

    def get_state(self) -> Any:
        """The place in the stream, as a 1-D array of bytes."""
        place = json.dumps([self._seed, self.source.bit_generator.state], default=_plain)
        return np.frombuffer(place.encode(), np.uint8).copy()

    def set_state(self, state: Any) -> None:
        """Go to a place that `get_state` gave."""
        seed, place = json.loads(np.asarray(state).tobytes())
        self.manual_seed(seed)
        for name, values in place["state"].items():
            place["state"][name] = np.array(values, np.uint64)
        place["buffer"] = np.array(place["buffer"], np.uint64)
        self.source.bit_generator.state = place


def _plain(value: Any) -> Any:
    """NumPy's arrays and numbers as JSON has them."""
    return value.tolist()


default_generator = Generator()
