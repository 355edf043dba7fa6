"""PyTorch's tensors and automatic differentiation in pure Python: `import pullback as torch`.

The operations are declared in `pullback.ops`; the names of this module, the tensor's methods, the
tests and the documentation come from those declarations.
"""

import builtins as _builtins
import math as _math
import typing as _typing
from importlib import import_module as _import_module
from typing import Any as _Any

# First: `from pullback import config` means the settings everywhere, not the module they are in.
from pullback.config import config as config

# isort: split
from pullback.backends.collector import settled as _settled

with _settled():  # most of the library
    from pullback import (
        autograd as autograd,
        backends as backends,
        construct as construct,
        cuda as cuda,
        dtypes as dtypes,
        layouts as layouts,
        methods as methods,
        namespaces as namespaces,
        ops as ops,
    )

from pullback.autograd import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    is_anomaly_check_nan_enabled as is_anomaly_check_nan_enabled,
    is_anomaly_enabled as is_anomaly_enabled,
    is_grad_enabled as is_grad_enabled,
    is_inference_mode_enabled as is_inference_mode_enabled,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from pullback.backends.generator import (
    Generator as Generator,
    default_generator as default_generator,
)
from pullback.construct import (
    as_tensor as as_tensor,
    asarray as asarray,
    from_dlpack as from_dlpack,
    from_numpy as from_numpy,
    frombuffer as frombuffer,
    scalar_tensor as scalar_tensor,
    set_default_tensor_type as set_default_tensor_type,
    tensor as tensor,
)
from pullback.devices import (
    device as device,
)
from pullback.dispatch import (
    result_type as result_type,
)
from pullback.dtypes import (
    bfloat16 as bfloat16,
    complex64 as complex64,
    complex128 as complex128,
    dtype as dtype,
    float16 as float16,
    float32 as float32,
    float64 as float64,
    get_default_dtype as get_default_dtype,
    int8 as int8,
    int16 as int16,
    int32 as int32,
    int64 as int64,
    promote_types as promote_types,
    set_default_dtype as set_default_dtype,
    uint8 as uint8,
    uint16 as uint16,
    uint32 as uint32,
    uint64 as uint64,
)
from pullback.errors import (
    OutOfMemoryError as OutOfMemoryError,
)
from pullback.layouts import (
    channels_last as channels_last,
    channels_last_3d as channels_last_3d,
    contiguous_format as contiguous_format,
    layout as layout,
    memory_format as memory_format,
    preserve_format as preserve_format,
    strided as strided,
)
from pullback.paths import lead_here as _lead_here
from pullback.tensor import (
    Size as Size,
    Tensor as Tensor,
)
from pullback.torch_alias import (
    install_as_torch as install_as_torch,
)
from pullback.version import __version__ as __version__

inf, nan, pi, e = _math.inf, _math.nan, _math.pi, _math.e
newaxis = None

globals().update(dtypes.ALIASES)
globals().update(layouts.SPARSE)
globals()["bool"] = dtypes.bool_
globals().update(construct.tensor_types())


def is_tensor(obj: _Any, /) -> _builtins.bool:
    """Whether an object is a tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> _builtins.bool:
    """Whether the elements are real floating-point numbers."""
    return input.dtype.is_floating_point


def is_complex(input: Tensor) -> _builtins.bool:
    """Whether the elements are complex numbers."""
    return input.dtype.is_complex


def numel(input: Tensor) -> _builtins.int:
    """The number of elements."""
    return input.shape.numel()


def can_cast(from_: dtype, to: dtype) -> _builtins.bool:
    """Whether results of the first dtype are converted to the second silently."""
    return dtypes.can_cast(from_, to)


def broadcast_shapes(*shapes: _Any) -> Size:
    """The shape that tensors of these shapes broadcast to; an integer is a shape of one axis.

    RuntimeError where there is none, or for what is no shape; ValueError for negative sizes.
    """
    known = [(s,) if isinstance(s, _builtins.int) else s for s in shapes]
    for s in known:
        if not isinstance(s, (tuple, list)):
            raise RuntimeError(
                f"broadcast_shapes(): shapes are integers, or tuples or lists of them, not {s!r}"
            )
        if _builtins.any(size < 0 for size in Size(s)):
            raise ValueError(f"broadcast_shapes(): the shape {list(s)} has a negative size")
    return Size(backends.arrays.ARRAYS.broadcast_shape(*known))


def manual_seed(seed: _builtins.int) -> Generator:
    """Start the default stream of random numbers from a seed."""
    return default_generator.manual_seed(seed)


def seed() -> _builtins.int:
    """Start the default stream of random numbers anew; gives the seed."""
    return default_generator.seed()


def initial_seed() -> _builtins.int:
    """The seed that the default stream was started from."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The place in the default stream of random numbers, as bytes."""
    state: Tensor = default_generator.get_state()
    return state


def set_rng_state(new_state: Tensor) -> None:
    """Go to a place in the default stream that `get_rng_state` gave."""
    default_generator.set_state(new_state)


def set_num_threads(int: _builtins.int) -> None:
    """How many threads compiled loops run on: `config.num_threads`."""
    if type(int) is not _builtins.int or int < 1:
        raise RuntimeError(f"set_num_threads expects a positive integer, not {int!r}")
    config.num_threads = int


def get_num_threads() -> _builtins.int:
    """How many threads compiled loops run on."""
    return config.num_threads


def vmap(
    func: _Any, in_dims: _Any = 0, out_dims: _Any = 0, randomness: str = "error", *,
    chunk_size: _builtins.int | None = None,
) -> _Any:  # fmt: skip
    """A function that maps `func` over an axis of its tensors: `func.vmap`."""
    from pullback.func.batching import vmap as mapped

    return mapped(func, in_dims, out_dims, randomness, chunk_size=chunk_size)


def set_printoptions(*options: _Any, **named: _Any) -> None:
    """How tensors are printed: precision, threshold, edgeitems, linewidth, profile, sci_mode."""
    from pullback.printing import (
        set_printoptions as set_printoptions,
    )

    set_printoptions(*options, **named)


def save(obj: _Any, f: _Any, *options: _Any, **named: _Any) -> None:
    """Write tensors, and nests of them, to a file that holds no code: see `serialization`."""
    from pullback import serialization

    serialization.save(obj, f, *options, **named)


def load(f: _Any, *options: _Any, **named: _Any) -> _Any:
    """Read what `save` wrote, or a .safetensors file."""
    from pullback import serialization

    return serialization.load(f, *options, **named)


# Imported when they are first used: whatever is not needed to make a tensor.
_SUBMODULES = (
    "_C",
    "__config__",
    "_dynamo",
    "amp",
    "compiler",
    "array_api",
    "distributed",
    "distributions",
    "fft",
    "func",
    "futures",
    "graph",
    "jit",
    "linalg",
    "masked",
    "multiprocessing",
    "nn",
    "optim",
    "profiler",
    "quasirandom",
    "random",
    "serialization",
    "signal",
    "special",
    "testing",
    "types",
    "utils",
    "version",
)

_PLAIN = """
are_deterministic_algorithms_enabled compiled_with_cxx11_abi detach detach_ get_default_device
get_deterministic_debug_mode get_device get_float32_matmul_precision get_num_interop_threads
has_lapack has_mkl has_openmp has_spectral is_conj is_deterministic_algorithms_warn_only_enabled
is_distributed is_inference is_neg is_nonzero is_same_size is_signed is_storage
is_warn_always_enabled resize_as_ resolve_conj resolve_neg set_default_device
set_deterministic_debug_mode set_float32_matmul_precision set_flush_denormal
set_num_interop_threads set_warn_always sym_float sym_int sym_ite sym_max sym_min sym_not sym_sqrt
sym_sum typename use_deterministic_algorithms
"""

_NETWORKS = """
adaptive_max_pool1d alpha_dropout alpha_dropout_ batch_norm binary_cross_entropy_with_logits celu_
conv_tbc convolution cosine_embedding_loss dropout dropout_ embedding feature_alpha_dropout
feature_alpha_dropout_ feature_dropout feature_dropout_ group_norm gru hinge_embedding_loss
instance_norm kl_div layer_norm lstm margin_ranking_loss max_pool1d max_pool2d max_pool3d
norm_except_dim poisson_nll_loss rnn_relu rnn_tanh rrelu_ selu_ threshold_ triplet_margin_loss
"""

_AUTOCAST = """
GradScaler autocast clear_autocast_cache get_autocast_cpu_dtype get_autocast_dtype
get_autocast_gpu_dtype is_autocast_cache_enabled is_autocast_cpu_enabled is_autocast_enabled
set_autocast_cache_enabled set_autocast_cpu_dtype set_autocast_cpu_enabled set_autocast_dtype
set_autocast_enabled set_autocast_gpu_dtype
"""

_FUNCTIONS = {
    "elementwise": "scalars",
    "explain": "graph.explaining",
    "Future": "futures",
    "SymBool": "plain",
    "SymFloat": "plain",
    "SymInt": "plain",
    "TypedStorage": "methods.memory",
    "UntypedStorage": "methods.memory",
    "compile": "compiler",
    "finfo": "limits",
    "iinfo": "limits",
    "lobpcg": "eigenpairs",
    "to_dlpack": "utils.dlpack",
    **dict.fromkeys(_AUTOCAST.split(), "amp"),
    **dict.fromkeys(_PLAIN.split(), "plain"),
    **dict.fromkeys(_NETWORKS.split(), "nn.under_torch"),
}  # likewise; names: the modules they are in

_operation, _names, _operations = namespaces.lazy(__name__, globals())


if _typing.TYPE_CHECKING:
    from pullback.signatures.functions import *  # noqa: F403  # every operation
else:

    def __getattr__(name: str) -> _Any:
        if name in _SUBMODULES:
            return _import_module(f"pullback.{name}")
        if name in _FUNCTIONS:
            return getattr(_import_module(f"pullback.{_FUNCTIONS[name]}"), name)
        return _operation(name)


def __dir__() -> list[str]:
    return sorted({*_names(), *_SUBMODULES, *_FUNCTIONS})


_lead_here(__name__, "functional storage")

__all__ = [
    *(n for n in globals() if not n.startswith("_") and n not in ("construct", "methods", "ops")),
    *_operations,
    *_FUNCTIONS,
]
