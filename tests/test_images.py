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
    np.testing.assert_allclose(y[0, 0][~wrong], usual[0, 0][~wrong], rtol=1e-5, atol=1e-6)


def test_images_of_bytes() -> None:
    """Rounded after each axis, the last one first, as PyTorch does."""
    x = torch.tensor([[[[0, 255, 17], [3, 40, 250]]]], dtype=torch.uint8)
    assert F.interpolate(x, (1, 2), mode="bilinear")[0, 0].tolist() == [[38, 138]]
    assert F.interpolate(x, (3, 3), mode="bilinear")[0, 0].tolist() == [
        [0, 255, 17], [2, 148, 134], [3, 40, 250],
    ]  # fmt: skip
    assert F.interpolate(x, 4, mode="bicubic").dtype is torch.uint8
    # PyTorch's, whose weights are integers of 16 bits.
    x = torch.tensor([[[[0, 255, 17, 90], [3, 40, 250, 8], [200, 1, 128, 77]]]]).byte()
    found = [
        F.interpolate(x, (5, 3), mode="bilinear"),
        F.interpolate(x, (4, 7), mode="bilinear", align_corners=True),
        F.interpolate(x, (2, 3), mode="bilinear", antialias=True),
        F.interpolate(x, (5, 6), mode="bicubic"),
        F.interpolate(x, (2, 2), mode="bicubic", antialias=True),
    ]
    assert [y[0, 0].tolist() for y in found] == [
        [[42, 136, 78], [29, 140, 66], [9, 145, 48], [104, 97, 70], [167, 65, 85]],
        [[0, 128, 255, 136, 17, 54, 90], [2, 57, 112, 142, 172, 104, 35],
         [69, 48, 27, 118, 209, 120, 31], [200, 101, 1, 65, 128, 103, 77]],
        [[53, 139, 73], [93, 95, 88]],
        [[0, 164, 255, 30, 20, 105], [0, 86, 184, 133, 79, 53], [0, 2, 78, 242, 149, 0],
         [133, 45, 20, 176, 136, 38], [238, 97, 0, 98, 111, 80]],
        [[90, 96], [83, 101]],
    ]  # fmt: skip
    with pytest.raises(
        NotImplementedError, match=r"mode 'area' is not implemented for torch\.uint8"
    ):
        F.interpolate(x, 2, mode="area")


# ---------------------------------------------------------------------------- points of grids


def points(*coordinates: float) -> Any:
    """A grid of points on the middle line of an image."""
    x = torch.tensor(coordinates, dtype=torch.float64)
    return torch.stack([x, torch.zeros_like(x)], -1)[None, None].requires_grad_()


LINE = [-3.2, -1.0, -0.75, 0.0, 1.0, 1.25, 2.6]
# PyTorch's values and slopes of the line 1, 4, 7, 10 at LINE, where edges and ties are as well.
ON_A_LINE = {
    ("bilinear", "zeros", False): ([0, 0.5, 1, 5.5, 5, 0, 0], [0, 2, 6, 6, -20, 0, 0]),
    ("bilinear", "border", False): ([1, 1, 1, 5.5, 10, 10, 10], [0, 0, 0, 6, 0, 0, 0]),
    ("bilinear", "border", True): ([1, 1, 2.125, 5.5, 10, 10, 10], [0, 0, 4.5, 4.5, 0, 0, 0]),
    ("bilinear", "reflection", True): (
        [9.1, 1, 2.125, 5.5, 10, 8.875, 2.8], [4.5, 0, 4.5, 4.5, 0, -4.5, -4.5],
    ),
    ("nearest", "reflection", False): ([10, 1, 1, 7, 10, 10, 1], [0, 0, 0, 0, 0, 0, 0]),
    ("nearest", "zeros", True): ([0, 1, 1, 7, 10, 10, 0], [0, 0, 0, 0, 0, 0, 0]),
    ("bicubic", "zeros", False): (
        [0, 0.219, 1, 5.5, 5.281, 0, 0], [0, 1.125, 6, 4.5, -23.625, -15, 0],
    ),
    ("bicubic", "reflection", False): (
        [10.203, 0.438, 1, 5.5, 10.562, 10, 1.695], [3.6, 0, 4.5, 4.5, 0, -4.5, -4.905],
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", ON_A_LINE)
def test_edges_and_ties(how: tuple[str, str, bool]) -> None:
    values, slopes = ON_A_LINE[how]
    x = torch.tensor([1.0, 4, 7, 10], dtype=torch.float64).reshape(1, 1, 1, 4)
    grid = points(*LINE)
    y = F.grid_sample(x, grid, *how)
    np.testing.assert_allclose(y.detach().reshape(-1), values, atol=6e-4)
    (g,) = torch.autograd.grad(y.sum(), grid)
    np.testing.assert_allclose(g[0, 0, :, 0], slopes, atol=6e-4)


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_many_points_are_few_points(mode: str, padding: str) -> None:
    """Sparse matrices give what sums over the elements of single points give, gradients too."""
    torch.manual_seed(0)
    x = torch.randn(2, 3, 5, 4, dtype=torch.float64).requires_grad_()
    grid = (3 * torch.rand(2, 20, 30, 2, dtype=torch.float64) - 1.5).requires_grad_()
    weights = torch.randn(2, 3, 20, 30, dtype=torch.float64)
    whole = F.grid_sample(x, grid, mode, padding, False)
    parts = [F.grid_sample(x, row, mode, padding, False) for row in grid.split(1, 1)]
    np.testing.assert_allclose(whole.detach(), torch.cat(parts, 2).detach(), atol=1e-12)
    gradients = torch.autograd.grad((whole * weights).sum(), [x, grid])
    split = sum((p * w).sum() for p, w in zip(parts, weights.split(1, 2), strict=True))
    for a, b in zip(gradients, torch.autograd.grad(split, [x, grid]), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-11)


def test_points_that_are_no_numbers() -> None:
    """As in PyTorch: NaN without a margin, the first element with one."""
    x = torch.arange(1.0, 17.0).reshape(1, 1, 4, 4)
    nan = torch.full((1, 1, 1, 2), float("nan"))
    assert torch.isnan(F.grid_sample(x, nan)).all()
    assert F.grid_sample(x, nan, "nearest").item() == 0
    for padding in ("border", "reflection"):
        assert F.grid_sample(x, nan, padding_mode=padding).item() == 1
    far = torch.full((1, 1, 1, 2), 1e30)
    assert F.grid_sample(x, far).item() == 0
    assert F.grid_sample(x, far, padding_mode="border").item() == 16


def test_missing_elements_are_not_read() -> None:
    x = torch.full((1, 1, 3, 3), float("nan"))
    x[0, 0, 1, 1] = 2
    grid = torch.tensor([[[[0.0, 0.0], [3.0, 3.0]]]])
    assert F.grid_sample(x, grid, "nearest", align_corners=True).tolist() == [[[[2, 0]]]]


def test_identity_of_grids() -> None:
    x = torch.rand(2, 3, 4, 5, dtype=torch.float64)
    theta = torch.eye(2, 3, dtype=torch.float64).expand(2, 2, 3).contiguous().requires_grad_()
    for align in (False, True):
        grid = F.affine_grid(theta, x.shape, align)
        assert grid.grad_fn.name() == "AffineGridGeneratorBackward0"
        y = F.grid_sample(x, grid, align_corners=align)
        assert y.grad_fn.name() == "GridSampler2DBackward0"
        np.testing.assert_allclose(y.detach(), x, atol=1e-14)
    volume = x[None].movedim(1, 2)
    grid = F.affine_grid(torch.eye(3, 4, dtype=torch.float64)[None], volume.shape, True)
    np.testing.assert_allclose(F.grid_sample(volume, grid, align_corners=True), volume, atol=1e-14)
    assert F.grid_sample(x[:, :0], torch.zeros(2, 1, 2, 2).double()).shape == (2, 0, 1, 2)
