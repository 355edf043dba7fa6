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


# ---------------------------------------------------------------------------------- other sizes


def test_layers_of_other_sizes() -> None:
    x = torch.rand(1, 2, 3, 4)
    layers = [
        nn.Upsample(scale_factor=2), nn.Upsample((3, 4), mode="bilinear"),
        nn.UpsamplingNearest2d(5), nn.UpsamplingBilinear2d(scale_factor=(2, 1.5)),
    ]  # fmt: skip
    assert [str(layer) for layer in layers] == [
        "Upsample(scale_factor=2.0, mode='nearest')", "Upsample(size=(3, 4), mode='bilinear')",
        "UpsamplingNearest2d(size=5, mode='nearest')",
        "UpsamplingBilinear2d(scale_factor=(2.0, 1.5), mode='bilinear')",
    ]  # fmt: skip
    shapes = [(6, 8), (3, 4), (5, 5), (6, 6)]
    assert [tuple(layer(x).shape[2:]) for layer in layers] == shapes
    assert torch.equal(layers[1](x), x)  # nothing is to be done
    corners = layers[3](x)[:, :, :: 6 - 1, :: 6 - 1]
    np.testing.assert_allclose(corners, x[:, :, ::2, ::3], rtol=1e-6)


NODES = {
    "nearest": "UpsampleNearest2D", "nearest-exact": "UpsampleNearestExact2D",
    "bilinear": "UpsampleBilinear2D", "bicubic": "UpsampleBicubic2D", "area": "AdaptiveAvgPool2D",
}  # fmt: skip


@pytest.mark.parametrize("mode", NODES)
def test_nodes_of_interpolation(mode: str) -> None:
    x = torch.rand(1, 2, 3, 4).requires_grad_()
    assert F.interpolate(x, 5, mode=mode).grad_fn.name() == f"{NODES[mode]}Backward0"
    if mode in ("bilinear", "bicubic"):
        y = F.interpolate(x, 2, mode=mode, antialias=True)
        assert y.grad_fn.name() == f"{NODES[mode]}AaBackward0"


@pytest.mark.parametrize(
    "mode, antialias",
    [("nearest", False), ("bilinear", False), ("bicubic", False), ("area", False),
     ("bilinear", True), ("bicubic", True), ("lanczos", True)],
)  # fmt: skip
@pytest.mark.parametrize("sizes", [(300, 200), (200, 300), (40, 2000), (2000, 11)])
def test_large_axes(mode: str, antialias: bool, sizes: tuple[int, int]) -> None:
    """Long axes are mapped in parts: the results, and the transpose, are those of short ones."""
    n, m = sizes
    x = torch.rand(1, 1, 2, n, dtype=torch.float64).requires_grad_()
    y = F.interpolate(x, (2, m), mode=mode, antialias=antialias)
    # The map as a matrix: its rows are the images of the unit vectors, one at a time.
    picked = [0, 1, n // 3, n - 2, n - 1]
    units = torch.zeros(len(picked), 1, 2, n, dtype=torch.float64)
    units[range(len(picked)), 0, 1, picked] = 1
    columns = F.interpolate(units, (2, m), mode=mode, antialias=antialias)[:, 0, 1]
    g = torch.rand_like(y)
    (back,) = torch.autograd.grad(y, x, g)
    np.testing.assert_allclose(back[0, 0, 1, picked], columns @ g[0, 0, 1], atol=1e-12)
    constant = F.interpolate(torch.ones_like(x), (2, m), mode=mode, antialias=antialias)
    np.testing.assert_allclose(constant.detach(), 1, rtol=1e-12)


def test_chosen_neighbours() -> None:
    """PyTorch's, half-way between two as well, in either precision."""
    x = torch.tensor([[[0.0, 1.0]]])
    for dtype in (torch.float16, torch.float32, torch.float64):
        y = F.interpolate(x.to(dtype), 41, mode="nearest-exact")
        assert y[0, 0].tolist() == [0] * 20 + [1] * 21
        y = F.interpolate(x.to(dtype), 41, mode="nearest")
        assert y[0, 0].tolist() == [0] * 21 + [1] * 20


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "area"])
def test_missing_elements_stay_where_they_are(mode: str, bad: float) -> None:
    x = torch.rand(1, 1, 9, 9)
    usual = F.interpolate(x, 18, mode=mode)
    x[0, 0, 4, 4] = bad
    y = F.interpolate(x, 18, mode=mode)
    wrong = ~torch.isfinite(y[0, 0])
    assert wrong[8:10, 8:10].all() and not wrong[:4].any() and not wrong[:, 14:].any()
    np.testing.assert_allclose(y[0, 0][~wrong], usual[0, 0][~wrong], rtol=1e-5)


def test_images_of_bytes() -> None:
    """Rounded after each axis, the last one first, as PyTorch does."""
    x = torch.tensor([[[[0, 255, 17], [3, 40, 250]]]], dtype=torch.uint8)
    assert F.interpolate(x, (1, 2), mode="bilinear")[0, 0].tolist() == [[38, 138]]
    assert F.interpolate(x, (3, 3), mode="bilinear")[0, 0].tolist() == [
        [0, 255, 17], [2, 148, 134], [3, 40, 250],
    ]  # fmt: skip
    assert F.interpolate(x, 4, mode="bicubic").dtype is torch.uint8
    with pytest.raises(
        NotImplementedError, match=r"mode 'area' is not implemented for torch\.uint8"
    ):
        F.interpolate(x, 2, mode="area")
