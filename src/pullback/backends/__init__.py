"""Backends: what computes. NumPy arrays, and the scalar expressions that compilers print.

Arrays: `arrays` is their vocabulary, and takes its functions from files by theme (`array_functions`
`array_special` `array_statistics` `along` `alignment` `correlation` `direct` `draws` `einsum`
`fourier` `grids` `lapack` `pooling` `recurrence` `resampling` `scattering` `searching` `strides`
`tables`). `generator` draws random numbers, `memory` knows who owns an array's.

Loops: from the bottom,

    scalar      expressions of numbers without a value; `symbols` is their vocabulary
    loops       kernels: loops around such expressions, with reductions
    interpret   what a kernel means: a slow, obvious interpreter, which tests compare with
    simplify    named passes over a kernel (`passes`), written with `rewrite`; `describe` prints it
    llvm        machine code for it, and `tiles`, NumPy's way where there is no LLVM
    in_place    updates of optimisers, as one loop over what they write
    progress    a bar for long runs

Scripts know `torch.backends` as the place of switches: `cudnn` takes any setting, and is off.
"""

from types import SimpleNamespace

cudnn = SimpleNamespace(
    enabled=False, benchmark=False, deterministic=False, allow_tf32=False,
    is_available=lambda: False, version=lambda: None,
)  # fmt: skip
