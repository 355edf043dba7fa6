"""Random numbers: a counter-based generator with a state that can be saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.devices import CPU, device
from pullback.locks import LOCK

# What a saved state holds, as 64-bit numbers: the seed, then Philox's counter (4), key (2), buffer
# (4), place in the buffer, and a spare half of a number.
_COUNTER, _KEY, _BUFFER = slice(1, 5), slice(5, 7), slice(7, 11)
_PLACE, _HAS_HALF, _HALF = 11, 12, 13
_STATE_BYTES = 14 * 8


class Generator:
    """A stream of random numbers, as `torch.Generator`: NumPy's Philox, seeded."""

    # Set by `methods`, as tensors are above this floor: what wraps the bytes of a state.
    as_tensor: Callable[[Any], Any] = staticmethod(lambda array: array)

    def __init__(self, device: Any = "cpu"):
        where = _device(device)
        if where.type != "cpu":
            raise RuntimeError(f"pullback has no generator for the device {where}: use 'cpu'")
        self.device = CPU
        self.manual_seed(0x5EED)

    def manual_seed(self, seed: Any) -> Generator:
        """Start the stream that belongs to a seed, -2⁶³ ≤ seed < 2⁶⁴. Gives itself."""
        number = int(seed)
        if not -(2**63) <= number < 2**64:
            raise ValueError(f"Overflow when unpacking long long: {number} is no 64-bit seed")
        self._seed = number % 2**64
        self._source: np.random.Generator | None = None
        return self

    @property
    def source(self) -> np.random.Generator:
        """NumPy's generator; made when first needed, as importing numpy.random takes 15 ms."""
        source = self._source
        if source is None:
            with LOCK:  # a stream is started once, whichever thread asks first
                source = self._source
                if source is None:
                    source = self._source = np.random.Generator(np.random.Philox(self._seed))
        return source

    def seed(self) -> int:
        """Start a stream that cannot be foreseen; gives its seed."""
        import secrets  # 2 ms

        self.manual_seed(secrets.randbits(63))
        return self._seed

    def initial_seed(self) -> int:
        """The seed that the stream was started with."""
        return self._seed

    def get_state(self) -> Any:
        """The place in the stream, as a 1-D tensor of bytes."""
        return type(self).as_tensor(np.frombuffer(self._state(), np.uint8).copy())

    def _state(self) -> bytes:
        place: Any = self.source.bit_generator.state
        numbers = np.zeros(_STATE_BYTES // 8, np.uint64)
        numbers[0] = self._seed
        numbers[_COUNTER], numbers[_KEY] = place["state"]["counter"], place["state"]["key"]
        numbers[_BUFFER] = place["buffer"]
        numbers[_PLACE] = place["buffer_pos"]
        numbers[_HAS_HALF], numbers[_HALF] = place["has_uint32"], place["uinteger"]
        return numbers.tobytes()

    def set_state(self, new_state: Any) -> None:
        """Go to a place that `get_state` gave.

        TypeError for anything but a tensor of bytes, RuntimeError for one of another length.
        """
        if getattr(getattr(new_state, "dtype", None), "itemsize", 0) != 1:
            raise TypeError(f"RNG state must be a torch.ByteTensor, not {type(new_state).__name__}")
        data = np.asarray(new_state).tobytes()
        if len(data) != _STATE_BYTES:
            raise RuntimeError(
                f"Expected the state of a generator, of size {_STATE_BYTES}, but found the input "
                f"RNG state size to be {len(data)}"
            )
        self._restore(data)

    def _restore(self, data: bytes) -> None:
        numbers = np.frombuffer(data, np.uint64)
        self.manual_seed(int(numbers[0]))
        self.source.bit_generator.state = {
            "bit_generator": "Philox",
            "state": {"counter": numbers[_COUNTER].copy(), "key": numbers[_KEY].copy()},
            "buffer": numbers[_BUFFER].copy(),
            "buffer_pos": int(numbers[_PLACE]),
            "has_uint32": int(numbers[_HAS_HALF]),
            "uinteger": int(numbers[_HALF]),
        }

    def stream(self) -> tuple[Any, ...]:
        """The stream itself, for `resume`: until then, this generator goes on with it."""
        return self._seed, self.source

    def resume(self, stream: tuple[Any, ...]) -> None:
        """Go on with a stream that `stream` gave, at the place where it is."""
        self._seed, self._source = stream

    def clone_state(self) -> Generator:
        """Another generator at the same place of the same stream."""
        return _rebuild(self._state())

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._state(),)


def _device(where: Any) -> device:
    return where if isinstance(where, device) else device(where)


def _rebuild(data: bytes) -> Generator:
    made = Generator()
    made._restore(data)
    return made


default_generator = Generator()
