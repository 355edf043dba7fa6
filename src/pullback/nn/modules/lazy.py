"""Layers that take the size of their input from the first batch."""

from __future__ import annotations

from typing import Any

from pullback.dispatch import TENSORS
from pullback.nn.modules import conv, linear, normalization
from pullback.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy


class LazyModuleMixin:
    """What makes a class of modules lazy: to be put before it among the bases.

    `initialize_parameters(*inputs)` is called before the first call, and gives shapes to the
    parameters. The module then becomes one of `cls_to_become`.
    """

    cls_to_become: Any = None

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        module: Any = self
        module.__dict__["_first_call"] = module.register_forward_pre_hook(_infer_parameters)

    def initialize_parameters(self, *args: Any, **keywords: Any) -> None:
        """Give shapes to the parameters, by the arguments of the first call."""
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {type(self).__name__}"
        )

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer of this module has no shape yet."""
        stores = self.__dict__
        return any(
            is_lazy(x) for name in ("_parameters", "_buffers") for x in stores[name].values()
        )


def _infer_parameters(module: Any, args: Any) -> None:
    module.initialize_parameters(*args)
    if module.has_uninitialized_params():
        raise RuntimeError(
            f"module {type(module).__name__} has not been fully initialized: "
            f"initialize_parameters left parameters without a shape"
        )
    module.__dict__.pop("_first_call").remove()
    if module.cls_to_become is not None:
        module.__class__ = module.cls_to_become


class LazyLinear(LazyModuleMixin, linear.Linear):
    """`Linear` whose `in_features` is the size of the last axis of the first input."""

    cls_to_become = linear.Linear

    def __init__(
        self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(0, 0, False)
        self.out_features = out_features
        options = {"device": device, "dtype": dtype}
        self.weight = UninitializedParameter(**options)
        if bias:
            self.bias = UninitializedParameter(**options)

    def reset_parameters(self) -> None:
        """Draw the parameters anew, if they are there."""
        if self.in_features and not self.has_uninitialized_params():
            super().reset_parameters()

    def initialize_parameters(self, input: Any) -> None:
        """Give shapes to the weight and the bias."""
        self.in_features = input.shape[-1]
        if self.has_uninitialized_params():  # otherwise they were loaded
            self.weight.materialize((self.out_features, self.in_features))
            if self.bias is not None:
                self.bias.materialize((self.out_features,))
            self.reset_parameters()


class _LazyConvolution(LazyModuleMixin):
    in_channels: int
    weight: Any
    bias: Any

    def __init__(
        self, out_channels: int, kernel_size: Any, *args: Any, bias: bool = True,
        device: Any = None, dtype: Any = None, **keywords: Any,
    ) -> None:  # fmt: skip
        super().__init__(0, 0, kernel_size, *args, bias=False, **keywords)
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw the parameters anew, if they are there."""
        if self.in_channels and not self.has_uninitialized_params():
            super().reset_parameters()  # type: ignore[misc]  # of the convolution

    def initialize_parameters(self, input: Any, *args: Any, **keywords: Any) -> None:
        """Give shapes to the weight and the bias."""
        module: Any = self
        rank = module._rank
        if input.dim() not in (rank + 1, rank + 2):
            raise RuntimeError(
                f"Expected {rank + 1}D (unbatched) or {rank + 2}D (batched) input to "
                f"{type(self).__name__}, but got input of size: {list(input.shape)}"
            )
        channels = input.shape[-rank - 1]
        if self.has_uninitialized_params():
            if channels % module.groups or module.out_channels % module.groups:
                raise ValueError(
                    f"{type(self).__name__}: {channels} and {module.out_channels} channels must "
                    f"be divisible by groups, {module.groups}"
                )
            pair = (module.out_channels, channels // module.groups)
            if module._transposed:
                pair = (channels, module.out_channels // module.groups)
            self.weight.materialize((*pair, *module.kernel_size))
            if self.bias is not None:
                self.bias.materialize((module.out_channels,))
            self.in_channels = channels
            self.reset_parameters()
        self.in_channels = channels


class _LazyNorm(LazyModuleMixin):
    num_features: int

    def __init__(
        self, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, device: Any = None, dtype: Any = None, *,
        bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(0, eps, momentum, False, False)
        self.affine, self.track_running_stats = affine, track_running_stats
        options = {"device": device, "dtype": dtype}
        if affine:
            self.weight = UninitializedParameter(**options)
            if bias:
                self.bias = UninitializedParameter(**options)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(**options)
            self.running_var = UninitializedBuffer(**options)
            self.num_batches_tracked = TENSORS.zeros((), dtype=int)

    def reset_parameters(self) -> None:
        """The identity map, and no statistics, if they are there."""
        if self.num_features and not self.has_uninitialized_params():
            super().reset_parameters()  # type: ignore[misc]  # of the normalisation

    def initialize_parameters(self, input: Any) -> None:
        """Give shapes to the parameters and the statistics."""
        if self.has_uninitialized_params():
            for name in ("weight", "bias", "running_mean", "running_var"):
                value = getattr(self, name)
                if is_lazy(value):
                    value.materialize((input.shape[1],))
            self.num_features = input.shape[1]
            self.reset_parameters()
        self.num_features = input.shape[1]


def _lazily(mixin: type, plain: type, what: str) -> Any:
    doc = f"`{plain.__name__}` that takes its {what} from the first batch."
    body = {"cls_to_become": plain, "__module__": __name__, "__doc__": doc}
    return type(f"Lazy{plain.__name__}", (mixin, plain), body)


globals().update({
    f"Lazy{plain.__name__}": _lazily(mixin, plain, "number of channels")
    for mixin, kinds in (
        (_LazyConvolution, (conv.Conv1d, conv.Conv2d, conv.Conv3d, conv.ConvTranspose1d,
                            conv.ConvTranspose2d, conv.ConvTranspose3d)),
        (_LazyNorm, (normalization.BatchNorm1d, normalization.BatchNorm2d,
                     normalization.BatchNorm3d, normalization.InstanceNorm1d,
                     normalization.InstanceNorm2d, normalization.InstanceNorm3d)),
    )
    for plain in kinds
})  # fmt: skip
