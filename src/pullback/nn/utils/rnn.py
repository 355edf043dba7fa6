"""Sequences of different lengths in one tensor, as `torch.nn.utils.rnn`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pullback.dispatch import TENSORS
from pullback.tensor import Tensor


def pad_sequence(
    sequences: Sequence[Any], batch_first: bool = False, padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:  # fmt: skip
    """Sequences (length, …) as one tensor (longest, batch, …), or (batch, longest, …)."""
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"pad_sequence: padding_side is 'left' or 'right', not {padding_side!r}")
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
