"""Names that scripts use around computing: comparisons, mixed precision, compilers, GPUs."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback import amp, compiler, jit, testing

T = torch.tensor
NAN = math.nan


# ------------------------------------------------------------------------------------ assert_close


@pytest.mark.parametrize(
    ("actual", "expected", "options"),
    [
        (T([1.0, 2.0]), T([1.0, 2.0 + 1e-6]), {}),
        (1.0, 1.0 + 1e-9, {}),
        (None, None, {}),
        ([], [], {}),
        (T([]), T([]), {}),
        (T(NAN), T(NAN), {"equal_nan": True}),
        (T([1.0]), T([1.0]).double(), {"check_dtype": False}),
        (1, 1.0, {"check_dtype": False}),
        (T(1.0), T(2.0), {"rtol": 1, "atol": 0}),
        (T([math.inf]), T([math.inf]), {}),
        ({"a": [T(1), (2.0, True)]}, {"a": [T(1), (2.0, True)]}, {}),
        (np.array([1.0]), np.array([1.0]), {}),
        (T([1.0, 2.0]).half(), T([1.0, 2.001]).half(), {}),
        (T([1.0]).requires_grad_(), T([1.0]), {}),
        (T([2**62 + 1]), T([2**62 + 1]), {}),
    ],
)
def test_what_is_close(actual: Any, expected: Any, options: Any) -> None:
    testing.assert_close(actual, expected, **options)


# PyTorch 2.13's messages.
@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        (T([1.0, 2, 3]), T([1.0, 2, 4]), "Tensor-likes are not close!\n\n"
         "Mismatched elements: 1 / 3 (33.3%)\n"
         "Greatest absolute difference: 1.0 at index (2,) (up to 1e-05 allowed)\n"
         "Greatest relative difference: 0.25 at index (2,) (up to 1.3e-06 allowed)"),
        (T([[1, 2], [3, 4]]), T([[1, 2], [3, 6]]), "Tensor-likes are not equal!\n\n"
         "Mismatched elements: 1 / 4 (25.0%)\n"
         "Greatest absolute difference: 2 at index (1, 1)\n"
         "Greatest relative difference: 0.3333333333333333 at index (1, 1)"),
        (T([2**62]), T([2**62 + 1]), "Tensor-likes are not equal!\n\n"
         "Mismatched elements: 1 / 1 (100.0%)\n"
         "Greatest absolute difference: 1 at index (0,)\n"
         "Greatest relative difference: 2.168404344971009e-19 at index (0,)"),
        (1, 2, "Scalars are not equal!\n\nExpected 2 but got 1.\n"
         "Absolute difference: 1\nRelative difference: 0.5"),
        ([T(1.0), T(2.0)], [T(1.0), T(4.0)], "Scalars are not close!\n\n"
         "Expected 4.0 but got 2.0.\nAbsolute difference: 2.0 (up to 1e-05 allowed)\n"
         "Relative difference: 0.5 (up to 1.3e-06 allowed)\n\nThe failure occurred for item [1]"),
        ({"a": [1]}, {"a": [2]}, "Scalars are not equal!\n\nExpected 2 but got 1.\n"
         "Absolute difference: 1\nRelative difference: 0.5\n\n"
         "The failure occurred for item ['a'][0]"),
        ({"a": 1}, {"b": 1}, "The keys of the mappings do not match:\n"
         "Missing keys in the actual mapping: ['b']\n"
         "Additional keys in the actual mapping: ['a']"),
        ([1], [1, 2], "The length of the sequences mismatch: 1 != 2"),
        (T([1.0]), T([1.0]).double(),
         "The values for attribute 'dtype' do not match: torch.float32 != torch.float64."),
        (T([1.0]), T([1.0, 2.0]),
         "The values for attribute 'shape' do not match: torch.Size([1]) != torch.Size([2])."),
        (True, False, "Booleans mismatch: True is not False"),
        (None, 1, "None mismatch: None is not 1"),
    ],
)  # fmt: skip
def test_what_is_not_close(actual: Any, expected: Any, message: str) -> None:
    with pytest.raises(AssertionError) as caught:
        testing.assert_close(actual, expected)
    assert str(caught.value) == message


def test_assert_allclose() -> None:
    close = torch.testing.assert_allclose
    close([1.0, float("nan")], torch.tensor([1.0, float("nan")], dtype=torch.float64))
    close(torch.tensor([1.0]), [1.05], rtol=0.1, atol=0.0)
    with pytest.raises(AssertionError, match="other"):
        close(torch.tensor([1.0]), torch.tensor([2.0]), msg="other")


def test_options_of_assert_close() -> None:
    x = T([[1.0, 2], [3, 4]])
    with pytest.raises(AssertionError, match=r"'stride\(\)' do not match: \(1, 2\) != \(2, 1\)"):
        testing.assert_close(x.t(), x, check_stride=True)
    with pytest.raises(AssertionError, match=r"^look$"):
        testing.assert_close(x, x + 1, msg="look")
    with pytest.raises(AssertionError, match=r"^look: Tensor-likes"):
        testing.assert_close(x, x + 1, msg=lambda m: f"look: {m}")
    with pytest.raises(ValueError, match="got no atol"):
        testing.assert_close(x, x, rtol=1)
    for a, b in (("a", "a"), (x, 1.0), (x, x.numpy())):
        with pytest.raises(TypeError, match="No comparison pair"):
            testing.assert_close(a, b)
    with pytest.raises(TypeError, match="types must be the same"):
        testing.assert_close(1, 1.0, allow_subclasses=False)


def test_make_tensor() -> None:
    torch.manual_seed(0)
    x = testing.make_tensor((200, 3), dtype=torch.float32, device="cpu")
    assert x.shape == (200, 3)
    assert -9 <= x.min() < -8
    assert 8 < x.max() < 9
    x = testing.make_tensor(100, dtype=torch.int64, device="cpu", low=-1, high=2)
    assert sorted(x.unique().tolist()) == [-1, 0, 1]
    assert testing.make_tensor(9, dtype=torch.bool, device="cpu").dtype is torch.bool
    assert testing.make_tensor(9, dtype=torch.uint8, device="cpu").max() <= 9
    x = testing.make_tensor(4, 6, dtype=torch.complex64, device="cpu", noncontiguous=True)
    assert not x.is_contiguous()
    assert x.shape == (4, 6)
    x = testing.make_tensor(99, dtype=torch.int32, device="cpu", high=2, low=0, exclude_zero=True)
    assert x.tolist() == [1] * 99
    assert testing.make_tensor(2, dtype=torch.float64, requires_grad=True).requires_grad
    image = testing.make_tensor(1, 2, 3, 4, dtype=torch.float32, memory_format=torch.channels_last)
    assert image.is_contiguous(memory_format=torch.channels_last)
    for options in (
        {"dtype": torch.float32, "low": 3, "high": 1},
        {"dtype": torch.int64, "requires_grad": True},
        {"dtype": torch.float32, "noncontiguous": True, "memory_format": torch.channels_last},
    ):
        with pytest.raises(ValueError):
            testing.make_tensor(2, **options)


# --------------------------------------------------------------------------------- mixed precision


def test_autocast_says_what_it_was_asked_for() -> None:
    w = torch.ones(2, 2)
    assert not torch.is_autocast_enabled("cpu")
    with torch.autocast("cpu") as block:
        assert isinstance(block, amp.autocast)
        assert torch.is_autocast_cpu_enabled()
        assert torch.get_autocast_dtype("cpu") is torch.bfloat16
        assert (w @ w).dtype is torch.float32  # nothing is converted
        with torch.autocast("cpu", dtype=torch.float16, enabled=False):
            assert not torch.is_autocast_enabled("cpu")
            assert torch.get_autocast_dtype("cpu") is torch.float16
        assert torch.is_autocast_enabled("cpu")
    assert not torch.is_autocast_enabled("cpu")
    with torch.cuda.amp.autocast():
        assert not torch.is_autocast_enabled()

    @torch.autocast("cpu")
    def asked() -> bool:
        return torch.is_autocast_enabled("cpu")

    assert asked()
    assert amp.is_autocast_available("cpu")
    assert not amp.is_autocast_available("cuda")
    try:
        torch.set_autocast_enabled("cpu", True)
        torch.set_autocast_dtype("cpu", torch.float16)
        assert torch.is_autocast_enabled("cpu")
        assert torch.get_autocast_dtype("cpu") is torch.float16
        torch.set_autocast_cpu_enabled(False)
        torch.set_autocast_cpu_dtype(torch.bfloat16)
        assert not torch.is_autocast_enabled("cpu")
        assert torch.get_autocast_cpu_dtype() is torch.bfloat16
        torch.set_autocast_gpu_dtype(torch.bfloat16)
        assert torch.get_autocast_gpu_dtype() is torch.get_autocast_dtype("cuda") is torch.bfloat16
        assert torch.is_autocast_cache_enabled() and torch.clear_autocast_cache() is None
        torch.set_autocast_cache_enabled(False)
        assert not torch.is_autocast_cache_enabled()
    finally:
        torch.set_autocast_cache_enabled(True)
        torch.set_autocast_gpu_dtype(torch.float16)
        torch.set_autocast_enabled("cpu", False)
        torch.set_autocast_dtype("cpu", torch.bfloat16)
    with pytest.raises(ValueError, match="device_type"):
        torch.autocast(3)
    with pytest.raises(RuntimeError, match="'tpu'"):
        torch.autocast("tpu")

    class Twice(torch.autograd.Function):
        @staticmethod
        @amp.custom_fwd(device_type="cpu")
        def forward(ctx: Any, x: Any) -> Any:
            return 2 * x

        @staticmethod
        @torch.cuda.amp.custom_bwd
        def backward(ctx: Any, g: Any) -> Any:
            return 2 * g

    x = torch.ones(1, requires_grad=True)
    Twice.apply(x).backward()
    assert x.grad.item() == 2


def test_a_scaler_scales_and_leaves_bad_steps_out() -> None:
    w = torch.ones(2, requires_grad=True)
    optimiser = torch.optim.SGD([w], lr=1.0)
    scaler = torch.GradScaler("cpu", growth_interval=1)
    scaler.scale((w * w).sum()).backward()
    assert w.grad.tolist() == [2.0**17] * 2
    scaler.unscale_(optimiser)
    assert w.grad.tolist() == [2, 2]
    with pytest.raises(RuntimeError, match="already been called"):
        scaler.unscale_(optimiser)
    scaler.step(optimiser)
    with pytest.raises(RuntimeError, match="already been called"):
        scaler.step(optimiser)
    with pytest.raises(RuntimeError, match="after step"):
        scaler.unscale_(optimiser)
    assert w.tolist() == [-1, -1]
    scaler.update()
    assert scaler.get_scale() == 2.0**17
    w.grad = T([math.inf, 1.0])
    scaler.step(optimiser)
    assert w.tolist() == [-1, -1]
    scaler.update()
    assert scaler.get_scale() == 2.0**16
    with pytest.raises(AssertionError, match="inf checks"):
        scaler.update()
    scaler.update(new_scale=8.0)
    assert [x.item() for x in scaler.scale([T(1.0), T(2.0)])] == [8, 16]
    other = torch.GradScaler("cpu")
    other.load_state_dict(scaler.state_dict())
    assert other.state_dict() == scaler.state_dict()
    assert other.get_growth_interval() == 1
    with pytest.raises(RuntimeError, match="empty"):
        other.load_state_dict({})
    with pytest.raises(AssertionError, match="growth factor"):
        torch.GradScaler("cpu", growth_factor=0.5)


def test_a_scaler_without_a_gpu_does_nothing() -> None:
    w = torch.ones(1, requires_grad=True)
    optimiser = torch.optim.SGD([w], lr=1.0)
    for scaler in (torch.cuda.amp.GradScaler(), torch.GradScaler("cpu", enabled=False)):
        assert not scaler.is_enabled()
        assert scaler.scale(3) == 3
        w.grad = torch.ones(1)
        scaler.unscale_(optimiser)
        scaler.step(optimiser)
        scaler.update()
        assert scaler.get_scale() == 1
        assert scaler.state_dict() == {}
    assert w.item() == -1


# ------------------------------------------------------------------------------------- the rest


def test_the_older_path_of_compilers() -> None:
    from pullback import _dynamo

    def f(x: int) -> int:
        return x + 1

    assert _dynamo.disable(f) is f and _dynamo.optimize("eager", nopython=True)(f) is f
    _dynamo.config.suppress_errors = True
    assert torch._dynamo.config.suppress_errors and not torch._dynamo.is_compiling()
    _dynamo.mark_dynamic(torch.ones(2), 0)
    with pytest.raises(AttributeError, match="Nearest names: 'mark_static'"):
        _ = _dynamo.mark_statics


def test_compilers_give_back_what_they_are_given() -> None:
    model = torch.nn.Linear(1, 1)
    assert torch.compile(model, mode="max-autotune", fullgraph=True) is model
    assert jit.script(model) is model
    assert jit.trace(model, torch.ones(1, 1)) is model

    @torch.compile(dynamic=True)
    @jit.script
    @jit.ignore
    @compiler.disable
    def twice(x: int) -> int:
        return 2 * x

    @jit.ignore(drop=True)
    @compiler.disable(recursive=False)
    def thrice(x: int) -> int:
        return 3 * x

    assert (twice(2), thrice(2)) == (4, 6)
    assert not compiler.is_compiling()
    assert not jit.is_scripting()
    assert jit.annotate(int, 3) == 3
    assert jit.isinstance(3, int)
    with pytest.raises(AttributeError, match=r"'load': pullback runs Python as it is"):
        _ = jit.load


def test_labels() -> None:
    with torch.profiler.record_function("step"), torch.autograd.profiler.record_function("part"):
        pass

    @torch.profiler.record_function("f")
    def f() -> int:
        return 3

    assert f() == 3
    with pytest.raises(AttributeError, match="cProfile"):
        _ = torch.profiler.profile


def test_there_is_no_gpu() -> None:
    assert torch.cuda.memory_allocated() == torch.cuda.max_memory_reserved() == 0
    torch.cuda.reset_peak_memory_stats()
    torch.cuda.set_rng_state_all(torch.cuda.get_rng_state_all())
    assert not torch.cuda.is_bf16_supported()
    with pytest.raises(RuntimeError, match=r"torch\.cuda\.get_device_name\(\).*no GPU"):
        torch.cuda.get_device_name(0)
    assert torch.version.cuda is None
    assert torch.version.__version__ == torch.__version__


def test_other_names_of_arguments() -> None:
    """Those that PyTorch's parsers take beside the usual ones."""
    x = torch.arange(6.0).reshape(2, 3)
    assert [p.tolist() for p in torch.split(tensor=x, split_size_or_sections=1)] == [
        [[0, 1, 2]], [[3, 4, 5]],
    ]  # fmt: skip
    assert x.swapaxes(axis0=0, axis1=1).shape == torch.swapaxes(x, axis0=1, axis1=0).shape
    assert x.view(size=(3, 2)).tolist() == x.view(3, 2).tolist()
    assert torch.equal(x.view(dtype=torch.int32), x.view(torch.int32))
    made = x.new_zeros((2,), layout=torch.strided, pin_memory=False)
    assert made.tolist() == [0, 0] and x.new_full((1,), 3.0, layout=torch.strided).item() == 3
    assert torch.arange(end=3).tolist() == torch.arange(end=3, start=0).tolist() == [0, 1, 2]
    with pytest.raises(TypeError, match="'end'"):
        torch.arange(step=2)
    images = torch.empty(2, 3, 4, 5, memory_format=torch.channels_last)
    assert images.stride() == (60, 1, 15, 3)


def test_the_kernel_of_attention_may_be_chosen() -> None:
    from pullback.nn.attention import SDPBackend, sdpa_kernel

    x = torch.rand(1, 2, 3, 4)
    expected = torch.nn.functional.scaled_dot_product_attention(x, x, x)
    with torch.nn.attention.sdpa_kernel(SDPBackend.MATH):
        assert torch.equal(torch.nn.functional.scaled_dot_product_attention(x, x, x), expected)

    @sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.MATH])
    def f() -> int:
        return 3

    assert f() == 3
    with pytest.raises(AssertionError, match="SDPBackend"), sdpa_kernel("math"):  # type: ignore[arg-type]
        pass


def test_mixed_precision_under_its_older_names() -> None:
    from pullback.cuda.amp import GradScaler, autocast, custom_bwd, custom_fwd

    assert torch.cuda.amp.autocast is autocast
    with autocast(enabled=True, dtype=torch.bfloat16):
        assert not torch.is_autocast_enabled()  # there is no GPU

    @autocast()
    def f() -> int:
        return 3

    assert f() == 3 and isinstance(GradScaler(), torch.amp.GradScaler)
    assert not GradScaler(init_scale=2.0).is_enabled()
    assert custom_fwd(f)() == custom_bwd(f)() == custom_fwd(cast_inputs=torch.float16)(f)() == 3


def test_timers() -> None:
    from pullback.utils import benchmark

    ticks = iter(range(10**6))

    def clock() -> float:  # each measurement takes one second, whatever is run
        return float(next(ticks))

    kept: list[Any] = []
    options: Any = {"timer": clock, "globals": {"kept": kept}, "label": "adding"}
    timer = benchmark.Timer("kept.append(x)", "x = torch.ones(2)", sub_label="two", **options)
    once = timer.timeit(200)
    assert len(kept) == 202 and torch.equal(kept[0], torch.ones(2))
    assert once.median == once.mean == 1 / 200 and once.times == [1 / 200]
    assert "adding: two" in repr(once) and "5.00 ms" in repr(once)
    several = timer.blocked_autorange(min_run_time=5)
    assert several.number_per_run == 1 and several.raw_times == [1] * 5 and not several.has_warnings
    assert "Median: 1.00 s" in repr(several) and "5 measurements" in repr(several)
    assert timer.adaptive_autorange(min_run_time=2).raw_times == [1] * 4
    other = benchmark.Timer("pass", sub_label="two", description="none", num_threads=2, **options)
    before = torch.get_num_threads()
    table = str(benchmark.Compare([several, several, other.timeit(1000)]))
    assert torch.get_num_threads() == before
    assert "adding" in table and "2 threads:" in table and "Times are in milliseconds" in table
    assert [line.split("|")[-1].strip() for line in table.splitlines()][-3] == "1.0"
    with pytest.raises(NotImplementedError, match="Python"):
        benchmark.Timer("x;", language="c++")
    with pytest.raises(ValueError, match="Measurement"):
        benchmark.Compare([1])  # type: ignore[list-item]


def test_shared_with_other_libraries() -> None:
    x = torch.arange(3)
    y = torch.utils.dlpack.from_dlpack(torch.to_dlpack(x))
    x[0] = 7
    assert y.tolist() == [7, 1, 2]
    assert torch.utils.data.get_worker_info() is None
    assert torch.types.Device
    assert pickle.loads(pickle.dumps(torch.GradScaler("cpu"))).is_enabled()


def test_batches_in_parts() -> None:
    from pullback.nn.parallel.scatter_gather import gather, scatter

    x = torch.arange(6.0).reshape(3, 2)
    first, second = scatter((x, {"n": 3, "x": [x]}), ["cpu", "cpu"])
    assert first[0].tolist() == [[0, 1], [2, 3]] and second[0].tolist() == [[4, 5]]
    assert first[1]["n"] == second[1]["n"] == 3 and second[1]["x"][0].tolist() == [[4, 5]]
    together = gather([(first[0], None), (second[0], None)], "cpu")
    assert together[0].tolist() == x.tolist() and together[1] is None
    assert gather([torch.tensor(1.0), torch.tensor(2.0)], "cpu").tolist() == [1, 2]
    with pytest.raises(RuntimeError, match="on the CPU"):
        scatter(x, [0, 1])
