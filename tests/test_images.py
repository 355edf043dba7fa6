"""Operations and layers of images: what the registry's own tests do not ask."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback import nn

F: Any = nn.functional


@pytest.mark.parametrize(
    "layer, text, shape",
    [
        (nn.Unfold(2), "Unfold(kernel_size=2, dilation=1, padding=0, stride=1)", (2, 32, 9)),
        (nn.PixelShuffle(2), "PixelShuffle(upscale_factor=2)", (2, 2, 8, 8)),
        (nn.PixelUnshuffle(2), "PixelUnshuffle(downscale_factor=2)", (2, 32, 2, 2)),
        (nn.ChannelShuffle(2), "ChannelShuffle(groups=2)", (2, 8, 4, 4)),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_layers(layer: Any, text: str, shape: tuple[int, ...]) -> None:
    assert str(layer) == text
    assert layer(torch.rand(2, 8, 4, 4)).shape == shape


def test_fold_adds_what_unfold_reads() -> None:
    x = torch.rand(2, 3, 6, 5, dtype=torch.float64)
    options: dict[str, Any] = {"kernel_size": (3, 2), "padding": 1, "stride": (2, 1)}
    layer = nn.Fold((6, 5), **options)
    shown = "output_size=(6, 5), kernel_size=(3, 2), dilation=1, padding=1, stride=(2, 1)"
    assert str(layer) == f"Fold({shown})"
    unfold = nn.Unfold(**options)
    counts = layer(unfold(torch.ones_like(x)))
    np.testing.assert_allclose(layer(unfold(x)), x * counts, rtol=1e-14)


def test_nodes_of_rearrangements() -> None:
    x = torch.rand(1, 4, 4, 4).requires_grad_()
    columns = F.unfold(x, 2)
    made = [F.pixel_shuffle(x, 2), F.pixel_unshuffle(x, 2), F.channel_shuffle(x, 2), columns,
            F.fold(columns, (4, 4), 2)]  # fmt: skip
    assert [y.grad_fn.name() for y in made] == [
        "PixelShuffleBackward0", "PixelUnshuffleBackward0", "ChannelShuffleBackward0",
        "Im2ColBackward0", "Col2ImBackward0",
    ]  # fmt: skip
