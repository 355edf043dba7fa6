"""Normalisation layers."""

from __future__ import annotations

from typing import Any

from pullback.dispatch import TENSORS
from pullback.nn import functional, init
from pullback.nn.modules.module import Module
from pullback.nn.parameter import Parameter

F: Any = functional


def _affine_parameters(module: Any, count: int, affine: bool, bias: bool, dtype: Any) -> None:
    """A weight and a bias of each channel, as far as there are any."""
    weight = Parameter(TENSORS.ones(count, dtype=dtype)) if affine else None
    module.register_parameter("weight", weight)
    shift = Parameter(TENSORS.zeros(count, dtype=dtype)) if affine and bias else None
    module.register_parameter("bias", shift)


def _identity_map(module: Any) -> None:
    """Weight 1 and bias 0, as far as there are any."""
    if module.weight is not None:
        init.ones_(module.weight)
    if getattr(module, "bias", None) is not None:
        init.zeros_(module.bias)


class _Statistics(Module):
    """An affine map per channel, and running statistics."""

    running_mean: Any
    running_var: Any
    num_batches_tracked: Any

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1,
        affine: bool = True, track_running_stats: bool = True, device: Any = None,
        dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        _affine_parameters(self, num_features, affine, bias, dtype)
        if track_running_stats:
            self.register_buffer("running_mean", TENSORS.zeros(num_features, dtype=dtype))
            self.register_buffer("running_var", TENSORS.ones(num_features, dtype=dtype))
            self.register_buffer("num_batches_tracked", TENSORS.zeros((), dtype=int))
        else:
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                self.register_buffer(name, None)

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        # Checkpoints from before batches were counted, and of other frameworks, have no count.
        if self.track_running_stats:
            state.setdefault(f"{prefix}num_batches_tracked", self.num_batches_tracked)
        super()._load_from_state_dict(state, prefix, *rest)

    def reset_running_stats(self) -> None:
        """Mean 0 and variance 1, of no batches."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """The identity map, and no statistics."""
        self.reset_running_stats()
        _identity_map(self)

    _ranks: tuple[int, ...] = ()

    def _check(self, input: Any) -> None:
        if self._ranks and input.dim() not in self._ranks:
            listed = " or ".join(f"{r}D" for r in self._ranks)
            raise ValueError(f"expected {listed} input (got {input.dim()}D input)")

    def extra_repr(self) -> str:
        """The number of channels and the options."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_Statistics):
    def forward(self, input: Any) -> Any:
        """Mean 0 and variance 1 of each channel over the batch, or by the running statistics."""
        self._check(input)
        factor = 0.0 if self.momentum is None else self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # the mean over all batches
                factor = 1.0 / float(self.num_batches_tracked)
        training = self.training or self.running_mean is None
        use = not self.training or self.track_running_stats
        return F.batch_norm(
            input, self.running_mean if use else None, self.running_var if use else None,
            self.weight, self.bias, training, factor, self.eps,
        )  # fmt: skip

    def _forget_statistics(self) -> None:
        """Without running statistics from now on: `func.replace_all_batch_norm_modules_`."""
        self.running_mean = self.running_var = self.num_batches_tracked = None
        self.track_running_stats = False


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (b, c) or (b, c, n)."""

    _ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of (b, c, h, w)."""

    _ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of (b, c, d, h, w)."""

    _ranks = (5,)


class _InstanceNorm(_Statistics):
    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = False,
        track_running_stats: bool = False, device: Any = None, dtype: Any = None, *,
        bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )

    def forward(self, input: Any) -> Any:
        """Mean 0 and variance 1 of each channel of each sample."""
        self._check(input)
        single = input.dim() == min(self._ranks)
        x = input.unsqueeze(0) if single else input
        if self.num_features != x.shape[1] and self.affine:
            raise ValueError(
                f"expected input's size at dim={1 - single} to match num_features "
                f"({self.num_features}), but got: {x.shape[1]}."
            )
        y = F.instance_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias,
            self.training or not self.track_running_stats, self.momentum or 0.0, self.eps,
        )  # fmt: skip
        return y.squeeze(0) if single else y


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of (b, c, n) or (c, n)."""

    _ranks = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of (b, c, h, w) or (c, h, w)."""

    _ranks = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of (b, c, d, h, w) or (c, d, h, w)."""

    _ranks = (4, 5)


class _OverLastAxes(Module):
    """What is normalised over the last axes, of a given shape, with a weight per element."""

    def __init__(self, normalized_shape: Any, eps: Any, elementwise_affine: bool, dtype: Any):
        super().__init__()
        given = normalized_shape
        self.normalized_shape = (given,) if isinstance(given, int) else tuple(given)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        ones = TENSORS.ones(*self.normalized_shape, dtype=dtype)
        self.register_parameter("weight", Parameter(ones) if elementwise_affine else None)

    def reset_parameters(self) -> None:
        """The identity map."""
        _identity_map(self)

    def extra_repr(self) -> str:
        """The shape and the options."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class LayerNorm(_OverLastAxes):
    """Mean 0 and variance 1 over the last axes, then an affine map."""

    def __init__(
        self, normalized_shape: Any, eps: float = 1e-5, elementwise_affine: bool = True,
        bias: bool = True, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(normalized_shape, eps, elementwise_affine, dtype)
        zeros = TENSORS.zeros(*self.normalized_shape, dtype=dtype)
        self.register_parameter("bias", Parameter(zeros) if elementwise_affine and bias else None)

    def forward(self, input: Any) -> Any:
        """The normalised input."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The shape and the options."""
        return f"{super().extra_repr()}, bias={self.bias is not None}"


class RMSNorm(_OverLastAxes):
    """Mean square 1 over the last axes, then a weight."""

    def __init__(
        self, normalized_shape: Any, eps: float | None = None, elementwise_affine: bool = True,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(normalized_shape, eps, elementwise_affine, dtype)

    def forward(self, input: Any) -> Any:
        """The normalised input."""
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)


class GroupNorm(Module):
    """Mean 0 and variance 1 in groups of channels, then an affine map per channel."""

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True,
        device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        if num_channels % num_groups:
            raise ValueError("num_channels must be divisible by num_groups")
        self.num_groups, self.num_channels = num_groups, num_channels
        self.eps, self.affine = eps, affine
        _affine_parameters(self, num_channels, affine, bias, dtype)

    def reset_parameters(self) -> None:
        """The identity map."""
        _identity_map(self)

    def forward(self, input: Any) -> Any:
        """The normalised input."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The numbers and the options."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """Channels divided by their neighbours' sizes."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Any) -> Any:
        """The normalised input."""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """The options."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
