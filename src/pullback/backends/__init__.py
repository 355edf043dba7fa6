"""Backends: what computes. NumPy arrays, and the scalar expressions that compilers print.

Arrays: `arrays` is their vocabulary, and takes its functions from files by theme (`array_functions`
`alignment` `along` `array_special` `array_statistics` `axiswise` `class_losses` `correlation`
`direct` `draws` `einsum` `fourier` `grids` `lapack` `normalising` `ordering` `pair_distances`
`pooling` `ranks` `recurrence` `resampling` `scattering` `searching` `shares` `strides`
`surroundings`
`tables`). Some of these are `prepared` for shapes first. `generator` draws random numbers, `memory`
knows who owns an array's, and `moving` copies and fills large ones.

Loops: from the bottom,

    scalar      expressions of numbers without a value; `symbols` is their vocabulary
    loops       kernels: loops around such expressions, with reductions
    interpret   what a kernel means: a slow, obvious interpreter, which tests compare with
    simplify    named passes over a kernel (`passes`), written with `rewrite`; `describe` prints it
    llvm        machine code for it, and `tiles`, NumPy's way where there is no LLVM
    elementwise one primitive of an array, as a loop, where NumPy has none
    in_place    updates of optimisers, as one loop over what they write
    progress    a bar for long runs
    collector   bursts of objects without garbage collections

Scripts know `torch.backends` as the place of switches: `switches` has them.
"""

from pullback.backends.switches import (
    cpu,
    cuda,
    cudnn,
    cusparselt,
    mkl,
    mkldnn,
    mps,
    nnpack,
    openmp,
    opt_einsum,
)

__all__ = [
    "cpu", "cuda", "cudnn", "cusparselt", "mkl", "mkldnn", "mps", "nnpack", "openmp", "opt_einsum",
]  # fmt: skip
