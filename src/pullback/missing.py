"""What to say about a name that pullback does not have.

Every module ``__getattr__`` of the package ends with ``raise missing_attribute(...)``, so that a
script that asks for something of PyTorch's that is not here yet is told so in one line, with the
nearest names that are.
"""

from __future__ import annotations

from collections.abc import Iterable

_SPARSE = (
    "pullback's tensors are dense; what is large and never stored is a formula here, such as "
    "exp(-(x[:, None] - y) ** 2) of many points"
)
_QUANTIZED = "pullback has no quantized tensors: compute with floating-point numbers"
_PROCESSES = "pullback computes in one process: run the script without the launcher"
_DEVICES = "pullback computes on the CPU and has no other device"
_COMPILED = "pullback runs Python as it is, and compiles what is large by itself"
_REMOVED = "PyTorch removed it too: use "
_SMALL = (
    "there are no floating-point numbers of 8 bits, no integers of fewer, and no complex numbers "
    "of 32: use float16 or bfloat16, int8 and complex64"
)

# What is not there on purpose, and what to do instead, by the name below `torch`.
ADVICE: dict[str, str] = {
    **dict.fromkeys(
        ("distributed.init_process_group", "distributed.get_rank", "distributed.get_world_size",
         "nn.SyncBatchNorm",
         "utils.data.distributed", "utils.data.DistributedSampler", "Tensor.share_memory_"),
        _PROCESSES,
    ),
    **dict.fromkeys(
        ("quantization", "ao", "quantize_per_tensor", "quantize_per_channel", "dequantize",
         "quantize_per_tensor_dynamic", "fake_quantize_per_tensor_affine", "qint8", "quint8",
         "qint32", "nn.quantized", "nn.intrinsic", "nn.qat", "Tensor.dequantize", "Tensor.int_repr",
         "Tensor.q_scale", "Tensor.q_zero_point", "Tensor.qscheme"),
        _QUANTIZED,
    ),
    **dict.fromkeys(
        ("sparse", "sparse_coo_tensor", "sparse_csr_tensor", "sparse_csc_tensor",
         "sparse_bsr_tensor", "sparse_bsc_tensor", "sparse_compressed_tensor", "smm", "sspaddmm",
         "hspmm", "spmm", "dsmm", "hsmm", "saddmm", "optim.SparseAdam", "nested",
         "Tensor.to_sparse", "Tensor.to_sparse_coo", "Tensor.to_sparse_csr",
         "Tensor.to_sparse_csc", "Tensor.to_sparse_bsr", "Tensor.to_sparse_bsc",
         "Tensor.coalesce", "Tensor.is_coalesced", "Tensor.indices", "Tensor.values",
         "Tensor.crow_indices", "Tensor.col_indices", "Tensor.sparse_mask",
         "masked.MaskedTensor", "masked.masked_tensor", "masked.as_masked_tensor"),
        _SPARSE,
    ),
    **dict.fromkeys(
        ("mps", "xpu", "mtia", "accelerator", "Stream", "Event", "cuda.Stream", "cuda.Event",
         "cuda.CUDAGraph", "cuda.graph", "cuda.stream", "Tensor.xpu",
         "Tensor.ipu", "Tensor.mtia", "Tensor.pin_memory", "Tensor.record_stream"),
        _DEVICES,
    ),
    **dict.fromkeys(
        ("fx", "jit.load", "jit.save", "jit.ScriptModule", "jit.ScriptFunction", "export", "onnx",
         "package", "library", "cond", "while_loop", "overrides", "utils.mobile_optimizer",
         "Tensor.as_subclass"),
        _COMPILED,
    ),
    **dict.fromkeys(
        ("complex32", "chalf", "Tensor.chalf", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2",
         "float8_e5m2fnuz", "float8_e8m0fnu", "float4_e2m1fn_x2",
         *(f"{u}int{n}" for u in ("", "u") for n in range(1, 8)),
         "bit", "bits1x8", "bits2x4", "bits4x2", "bits8", "bits16"),
        _SMALL,
    ),
    **dict.fromkeys(
        ("profiler.profile", "autograd.profiler.profile", "autograd.profiler.emit_nvtx",
         "profiler.schedule", "profiler.tensorboard_trace_handler"),
        "measure with Python's cProfile; torch.explain and `pullback graph` show what is computed",
    ),
    **dict.fromkeys(
        ("utils.checkpoint.create_selective_checkpoint_contexts",
         "utils.checkpoint.CheckpointPolicy", "utils.checkpoint.SelectiveCheckpointContext",
         "utils.checkpoint.SAC_IGNORED_OPS"),
        "its policies are about PyTorch's kernels (torch.ops.aten): put what is to be computed "
        "again into checkpoint(...), and leave what is to be kept outside",
    ),
    **dict.fromkeys(
        ("utils.cpp_extension.CppExtension", "utils.cpp_extension.BuildExtension",
         "utils.cpp_extension.CUDAExtension"),
        "extensions are compiled when they are first used, by load() and load_inline(), and kept",
    ),
    "nn.CrossMapLRN2d": "use LocalResponseNorm",
    "nn.Container": "use Sequential, ModuleList or ModuleDict",
    "utils.tensorboard": "write numbers to a file, and draw them with Matplotlib",
    "utils.model_zoo": "pullback downloads nothing: load weights with torch.load",
    **dict.fromkeys(
        ("utils.data.IterDataPipe", "utils.data.MapDataPipe", "utils.data.DFIterDataPipe",
         "utils.data.datapipes"),
        "use a Dataset or an IterableDataset",
    ),
    "return_types": "results with names are named tuples: ask for their fields",
    "hub": "pullback downloads nothing: build the model, and load its weights with torch.load",
    "matrix_rank": _REMOVED + "torch.linalg.matrix_rank",
    "lstsq": _REMOVED + "torch.linalg.lstsq",
    "solve": _REMOVED + "torch.linalg.solve(A, B), its arguments in the other order",
    "eig": _REMOVED + "torch.linalg.eig",
    "symeig": _REMOVED + "torch.linalg.eigh",
    "Tensor.lstsq": _REMOVED + "torch.linalg.lstsq",
    "Tensor.solve": _REMOVED + "torch.linalg.solve(A, B), its arguments in the other order",
    "Tensor.eig": _REMOVED + "torch.linalg.eig",
    "Tensor.symeig": _REMOVED + "torch.linalg.eigh",
    "Tensor.reinforce": _REMOVED + "the log_prob of a distribution",
    "Tensor.volatile": _REMOVED + "`with torch.no_grad():`",
    "Tensor.resize": "use resize_, or reshape for a tensor of as many elements",
    "Tensor.resize_as": "use resize_as_, or reshape_as for a tensor of as many elements",
}  # fmt: skip


def advice(module: str, name: str) -> str:
    """What to do without a name that is not there on purpose; "" for any other name."""
    home = module.partition(".")[2]
    return ADVICE.get(f"{home}.{name}".removeprefix("."), "")


class _NoNames:
    """The ``obj`` of our AttributeErrors: it has no attribute to propose.

    Python completes an AttributeError that carries no ``obj`` with the object that was asked, and
    appends its own "Did you mean: 'Y'?" to the printed traceback. Ours already names the nearest
    names, in the message, where ``str(error)`` and logs have them too: one suggestion is enough.
    """

    def __dir__(self) -> list[str]:
        return []


def nearest_names(name: str, available: Iterable[str], count: int = 3) -> list[str]:
    """The ``count`` names of ``available`` that resemble ``name`` most, the nearest first.

    Capitals and underscores are not differences (``relu`` is next to ``ReLU``); private names are
    never proposed, nor is ``name`` itself.
    """
    by_key: dict[str, list[str]] = {}
    for candidate in sorted(set(available)):
        if not candidate.startswith("_") and candidate != name:
            by_key.setdefault(_key(candidate), []).append(candidate)
    key = _key(name)
    # difflib looks at every pair of letters: lengths that cannot reach the cutoff
    # (ratio = 2 × matches / total length ≤ 2 × shorter / total) are dropped before it does.
    cutoff = 0.6
    possible = [k for k in by_key if 2 * min(len(k), len(key)) >= cutoff * (len(k) + len(key))]
    import difflib

    close = difflib.get_close_matches(key, possible, n=count, cutoff=cutoff)
    return [candidate for k in close for candidate in by_key[k]][:count]


def _key(name: str) -> str:
    return name.replace("_", "").lower()


def missing_attribute(module_name: str, name: str, available: Iterable[str]) -> AttributeError:
    """The error for ``module_name.name``, which does not exist: to be raised by the caller.

    ``available`` holds the names that the module does have; it is only read for public names.
    Private and dunder names are probes of the import system, of ``copy``, of debuggers: they get
    the plain error, at once.
    """
    message = f"module {module_name!r} has no attribute {name!r}"
    if name.startswith("_"):
        return AttributeError(message)
    said = advice(module_name, name)
    near = [] if said else nearest_names(name, available)
    if said:
        message += f": {said}."
    elif near:
        word = "name" if len(near) == 1 else "names"
        message += f". Nearest {word}: {', '.join(map(repr, near))}."
    else:
        message += ", nor any name like it."
    return AttributeError(message, name=name, obj=_NoNames())
