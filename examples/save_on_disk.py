"""What the backward pass needs, kept on disk: memory for the time of reading it again.

    python examples/save_on_disk.py [steps] [numbers]

Hooks on saved tensors see every tensor that an operation keeps for the backward pass. Here those
of more than a thousand numbers are written to files, which live as long as the graph needs them.
The gradients are compared with those of the same computation in memory.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import pullback as torch
from pullback.autograd.graph import saved_tensors_hooks


class File:
    """A tensor in a file, which goes when nobody needs it any more."""

    def __init__(self, tensor: Any, folder: Path):
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".npy", delete=False) as file:
            np.save(file, tensor.numpy())
            self.path = Path(file.name)

    def read(self) -> Any:
        """The tensor."""
        return torch.from_numpy(np.load(self.path))

    def __del__(self) -> None:
        self.path.unlink(missing_ok=True)


class save_on_disk(saved_tensors_hooks):
    """Within a `with` block, saved tensors of at least so many elements go to a folder."""

    def __init__(self, folder: str | Path, at_least: int = 1_000):
        def pack(tensor: Any) -> Any:
            return tensor if tensor.numel() < at_least else File(tensor, Path(folder))

        def unpack(packed: Any) -> Any:
            return packed.read() if isinstance(packed, File) else packed

        super().__init__(pack, unpack)


def flow(x: Any, steps: int) -> Any:
    """A long computation: so many explicit Euler steps of x' = sin(x)."""
    for _ in range(steps):
        x = x + 0.1 * torch.sin(x)
    return (x * x).sum()


def main(steps: int = 20, numbers: int = 50_000) -> None:
    x = torch.linspace(0, 3, numbers, dtype=torch.float64).requires_grad_()
    (expected,) = torch.autograd.grad(flow(x, steps), x)
    with tempfile.TemporaryDirectory() as folder:
        with save_on_disk(folder):
            loss = flow(x, steps)
        files = list(Path(folder).iterdir())
        size = sum(f.stat().st_size for f in files)
        print(f"{len(files)} saved tensors on disk, {size / 1e6:.1f} MB")
        (gradient,) = torch.autograd.grad(loss, x)
        print(f"{len(list(Path(folder).iterdir()))} files after the backward pass")
    print(f"largest difference of the gradients: {(gradient - expected).abs().max().item()}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
