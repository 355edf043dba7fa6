"""Sequences of different lengths in one tensor, as `torch.nn.utils.rnn`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby, pairwise
from typing import Any, NamedTuple

import numpy as np

from pullback import dtypes
from pullback.dispatch import TENSORS
from pullback.tensor import Tensor, wrap

__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence",
    "pad_packed_sequence", "pad_sequence", "unpack_sequence", "unpad_sequence",
]  # fmt: skip


class _Packed(NamedTuple):
    data: Any
    batch_sizes: Any
    sorted_indices: Any
    unsorted_indices: Any


class PackedSequence(_Packed):
    """Sequences without padding: what `pack_padded_sequence` and `pack_sequence` make.

    `data` has the elements of all sequences at the first time, then those at the second one, and so
    on; `batch_sizes` says how many sequences still run at each time. They are sorted, the longest
    first, by `sorted_indices`, and put back by `unsorted_indices`.
    """

    __slots__ = ()

    def __new__(
        cls, data: Any, batch_sizes: Any = None, sorted_indices: Any = None,
        unsorted_indices: Any = None,
    ) -> PackedSequence:  # fmt: skip
        """`data` may be a pair of it and `batch_sizes`."""
        if batch_sizes is None:
            if not isinstance(data, (list, tuple)) or len(data) != 2:
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **keywords: Any) -> PackedSequence:
        """The same with its data in another dtype."""
        data = self.data.to(*args, **keywords)
        return self if data is self.data else type(self)(data, *self[1:])

    def double(self) -> PackedSequence:
        """In float64."""
        return self.to(dtypes.float64)

    def float(self) -> PackedSequence:
        """In float32."""
        return self.to(dtypes.float32)

    def half(self) -> PackedSequence:
        """In float16."""
        return self.to(dtypes.float16)

    def long(self) -> PackedSequence:
        """In int64."""
        return self.to(dtypes.int64)

    def int(self) -> PackedSequence:
        """In int32."""
        return self.to(dtypes.int32)

    def short(self) -> PackedSequence:
        """In int16."""
        return self.to(dtypes.int16)

    def char(self) -> PackedSequence:
        """In int8."""
        return self.to(dtypes.int8)

    def byte(self) -> PackedSequence:
        """In uint8."""
        return self.to(dtypes.uint8)

    def cpu(self) -> PackedSequence:
        """Itself: there is no other device."""
        return self

    def pin_memory(self) -> PackedSequence:
        """Itself."""
        return self

    def is_pinned(self) -> bool:
        """False."""
        return False

    @property
    def is_cuda(self) -> bool:
        """False."""
        return False


def invert_permutation(permutation: Any) -> Any:
    """The permutation that undoes another; None of None."""
    if permutation is None:
        return None
    places = TENSORS.arange(len(permutation), dtype=permutation.dtype)
    return TENSORS.scatter(TENSORS.zeros_like(permutation), 0, permutation, places)


def _as_lengths(lengths: Any) -> list[int]:
    if isinstance(lengths, Tensor):
        if lengths.dim() != 1:
            raise RuntimeError(
                f"pack_padded_sequence: 'lengths' argument should be a 1D CPU int64 tensor, but "
                f"got {lengths.dim()}D {lengths.dtype} tensor"
            )
        lengths = lengths.tolist()
    return [int(n) for n in lengths]


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """The sequences of a padded tensor (longest, batch, …), or (batch, longest, …), packed.

    `lengths`, a tensor or a list, must be in decreasing order unless `enforce_sorted` is False.
    RuntimeError for lengths that do not fit.
    """
    found = _as_lengths(lengths)
    order = None
    if not enforce_sorted:
        sorting = sorted(range(len(found)), key=lambda k: -found[k])
        order = TENSORS.argsort(_integers(found), stable=True, descending=True)
        found = [found[k] for k in sorting]
        input = input.index_select(0 if batch_first else 1, order)
    x = input.transpose(0, 1) if batch_first else input
    if len(found) != x.shape[1]:
        raise RuntimeError(
            f"pack_padded_sequence: Expected `len(lengths)` to be equal to batch_size, but got "
            f"{len(found)} (batch_size={x.shape[1]})"
        )
    if not found:
        raise RuntimeError("pack_padded_sequence: Cannot pack empty tensors.")
    if min(found) <= 0:
        raise RuntimeError(
            "pack_padded_sequence: Length of all samples has to be greater than 0, but found an "
            "element in 'lengths' that is <= 0"
        )
    if any(a < b for a, b in pairwise(found)):
        raise RuntimeError(
            "pack_padded_sequence: `lengths` array must be sorted in decreasing order when "
            "`enforce_sorted` is True. Pass `enforce_sorted=False` to have it sorted"
        )
    if found[0] > x.shape[0]:
        raise RuntimeError(
            f"pack_padded_sequence: a length of {found[0]}, but the input has {x.shape[0]} times"
        )
    sizes = [sum(n > t for n in found) for t in range(found[0])]
    parts = []
    for start, stop, size in _runs(sizes):
        part = x[start:stop, :size]
        parts.append(part.reshape((stop - start) * size, *x.shape[2:]))
    data = TENSORS.cat(parts) if len(parts) > 1 else parts[0]
    return PackedSequence(data, _integers(sizes), order)


def _runs(sizes: list[int]) -> Iterable[tuple[int, int, int]]:
    """(first time, the one after the last, size) of neighbours of the same size."""
    start = 0
    for size, group in groupby(sizes):
        stop = start + len(list(group))
        yield start, stop, size
        start = stop


def _integers(values: list[int]) -> Tensor:
    return wrap(np.array(values, np.int64))


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The padded tensor (longest, batch, …), or (batch, longest, …), and the lengths.

    `total_length` is how long it is made. ValueError if that is too short.
    """
    sizes = sequence.batch_sizes.tolist()
    longest, count = len(sizes), sizes[0]
    if total_length is not None and total_length < longest:
        raise ValueError(
            f"pad_packed_sequence: Expected total_length to be at least the length of the longest "
            f"sequence in input, but got total_length={total_length} and max sequence length being "
            f"{longest}"
        )
    rest = tuple(sequence.data.shape[1:])
    around = (0, 0) * len(rest)
    parts, place = [], 0
    for start, stop, size in _runs(sizes):
        rows = (stop - start) * size
        part = sequence.data[place : place + rows].reshape(stop - start, size, *rest)
        place += rows
        if size < count:
            part = TENSORS.constant_pad_nd(part, (*around, 0, count - size), padding_value)
        parts.append(part)
    y = TENSORS.cat(parts) if len(parts) > 1 else parts[0]
    if total_length is not None and total_length > longest:
        y = TENSORS.constant_pad_nd(y, (*around, 0, 0, 0, total_length - longest), padding_value)
    lengths = _integers([sum(size > k for size in sizes) for k in range(count)])
    if batch_first:
        y = y.transpose(0, 1)
    if sequence.unsorted_indices is not None:
        y = y.index_select(0 if batch_first else 1, sequence.unsorted_indices)
        lengths = lengths.index_select(0, sequence.unsorted_indices)
    return y, lengths


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:  # fmt: skip
    """Sequences (length, …) as one tensor (longest, batch, …), or (batch, longest, …)."""
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"pad_sequence: padding_side is 'left' or 'right', not {padding_side!r}")
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences)}"
        )
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("pad_sequence: received an empty list of sequences")
    longest = max(s.shape[0] for s in sequences)
    padded = []
    for s in sequences:
        missing = (longest - s.shape[0], *s.shape[1:])
        filler = TENSORS.full(missing, padding_value, dtype=s.dtype)
        padded.append(TENSORS.cat([s, filler] if padding_side == "right" else [filler, s]))
    stacked: Tensor = TENSORS.stack(padded, 0 if batch_first else 1)
    return stacked


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Any]:
    """The sequences of a padded tensor."""
    batch = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [batch[k, : int(n)] for k, n in enumerate(lengths)]


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Sequences (length, …) packed."""
    lengths = [int(s.shape[0]) for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Any]:
    """The sequences of a packed one."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
