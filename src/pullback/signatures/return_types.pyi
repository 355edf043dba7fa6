"""The named results of operations, as `torch.return_types`.

Made by `python -m pullback.operations_page`: not to be edited.
"""

from builtins import bool as _bool, complex as _complex, dict as _dict, float as _float, int as _int
from builtins import list as _list, object as _object, str as _str, tuple as _tuple, type as _type
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, overload

from pullback.devices import device as _device
from pullback.dtypes import dtype as _dtype
from pullback.layouts import layout as _layout, memory_format as _memory_format
from pullback.tensor import Size as _Size, Tensor

_Out = Tensor | _tuple[Tensor, ...] | None

class ctcstates(NamedTuple):
    labels: Tensor
    passes: Tensor
    ends: Tensor
    within: Tensor
    last_time: Tensor
    lengths: Tensor

class ctcloss(NamedTuple):
    losses: Tensor
    log_alpha: Tensor

class adaptivemaxpool2d(NamedTuple):
    output: Tensor
    indices: Tensor

class fractionalmaxpool2d(NamedTuple):
    output: Tensor
    indices: Tensor

class cummax(NamedTuple):
    values: Tensor
    indices: Tensor

class cummin(NamedTuple):
    values: Tensor
    indices: Tensor

class linalgslogdet(NamedTuple):
    sign: Tensor
    logabsdet: Tensor

class slogdet(NamedTuple):
    sign: Tensor
    logabsdet: Tensor

class eigh(NamedTuple):
    eigenvalues: Tensor
    eigenvectors: Tensor

class eig(NamedTuple):
    eigenvalues: Tensor
    eigenvectors: Tensor

class max(NamedTuple):
    values: Tensor
    indices: Tensor

class min(NamedTuple):
    values: Tensor
    indices: Tensor

class cholesky_ex(NamedTuple):
    L: Tensor
    info: Tensor

class lu_factor_ex(NamedTuple):
    LU: Tensor
    pivots: Tensor
    info: Tensor

class lu_factor(NamedTuple):
    LU: Tensor
    pivots: Tensor

class lu(NamedTuple):
    P: Tensor
    L: Tensor
    U: Tensor

class lu_unpack(NamedTuple):
    P: Tensor
    L: Tensor
    U: Tensor

class frexp(NamedTuple):
    mantissa: Tensor
    exponent: Tensor

class histogram(NamedTuple):
    hist: Tensor
    bin_edges: Tensor

class histogramdd(NamedTuple):
    hist: Tensor
    bin_edges: Tensor

class ldl_factor_ex(NamedTuple):
    LD: Tensor
    pivots: Tensor
    info: Tensor

class ldl_factor(NamedTuple):
    LD: Tensor
    pivots: Tensor

class normalised(NamedTuple):
    result: Tensor
    mean: Tensor
    rstd: Tensor

class normalisedback(NamedTuple):
    input: Tensor
    weight: Tensor
    bias: Tensor

class sort(NamedTuple):
    values: Tensor
    indices: Tensor

class topk(NamedTuple):
    values: Tensor
    indices: Tensor

class qr(NamedTuple):
    Q: Tensor
    R: Tensor

class geqrf(NamedTuple):
    a: Tensor
    tau: Tensor

class maxpool2dwithindices(NamedTuple):
    output: Tensor
    code: Tensor

class maxpool3dwithindices(NamedTuple):
    output: Tensor
    code: Tensor

class linalglstsq(NamedTuple):
    solution: Tensor
    rank: Tensor
    singular_values: Tensor

class lstsq(NamedTuple):
    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor

class median(NamedTuple):
    values: Tensor
    indices: Tensor

class nanmedian(NamedTuple):
    values: Tensor
    indices: Tensor

class kthvalue(NamedTuple):
    values: Tensor
    indices: Tensor

class mode(NamedTuple):
    values: Tensor
    indices: Tensor

class lstmsteps(NamedTuple):
    h: Tensor
    c: Tensor
    gates: Tensor

class grusteps(NamedTuple):
    h: Tensor
    parts: Tensor

class unique(NamedTuple):
    values: Tensor
    inverse: Tensor
    counts: Tensor

class uniquecounts(NamedTuple):
    values: Tensor
    counts: Tensor

class svd(NamedTuple):
    U: Tensor
    S: Tensor
    Vh: Tensor

class svd_lowrank(NamedTuple):
    U: Tensor
    S: Tensor
    V: Tensor

class pca_lowrank(NamedTuple):
    U: Tensor
    S: Tensor
    V: Tensor

class inv_ex(NamedTuple):
    inverse: Tensor
    info: Tensor

class linalgsolveex(NamedTuple):
    result: Tensor
    LU: Tensor
    pivots: Tensor
    info: Tensor

class solve_ex(NamedTuple):
    result: Tensor
    info: Tensor

class triangular_solve(NamedTuple):
    solution: Tensor
    cloned_coefficient: Tensor

class aminmax(NamedTuple):
    min: Tensor
    max: Tensor
