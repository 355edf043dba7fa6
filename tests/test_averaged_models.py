"""Means of models, and the switches of `torch.backends`."""

from __future__ import annotations

import importlib
import math
from typing import Any

import pytest

import pullback as torch
from pullback.optim import swa_utils


def _model() -> Any:
    made = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    with torch.no_grad():
        for p in made.parameters():
            p.zero_()
    return made


def _run(average: Any, model: Any, values: list[float]) -> None:
    for value in values:
        with torch.no_grad():
            for p in model.parameters():
                p.fill_(value)
        average.update_parameters(model)


def test_parameters_are_means_with_equal_weights() -> None:
    model = _model()
    average = swa_utils.AveragedModel(model)
    _run(average, model, [1.0, 2.0, 6.0])
    assert [p.unique().tolist() for p in average.parameters()] == [[3.0]] * 4
    assert average.n_averaged == 3
    assert list(average.state_dict())[:2] == ["n_averaged", "module.0.weight"]
    x = torch.ones(3, 2)
    assert torch.equal(average(x), average.module(x))


@pytest.mark.parametrize("name", ["avg_fn", "multi_avg_fn"])
def test_parameters_are_exponential_means(name: str) -> None:
    model = _model()
    made = {
        "avg_fn": swa_utils.get_ema_avg_fn(0.5),
        "multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.5),
    }
    average = swa_utils.AveragedModel(model, **{name: made[name]})
    _run(average, model, [1.0, 2.0, 6.0])
    assert average.module[0].weight.unique().tolist() == [3.75]


def test_buffers_are_the_latest_or_means() -> None:
    for use_buffers, expected in ((False, 4.0), (True, 3.0)):
        model = _model()
        average = swa_utils.AveragedModel(model, use_buffers=use_buffers)
        for mean in (2.0, 4.0):
            model[1].running_mean.fill_(mean)
            model[1].num_batches_tracked += 1
            average.update_parameters(model)
        assert average.module[1].running_mean.tolist() == [expected] * 2
        assert average.module[1].num_batches_tracked == 2  # a counter has no mean


def test_update_bn_finds_statistics_anew() -> None:
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(2)).eval()
    swa_utils.update_bn([torch.ones(3, 2), (3 * torch.ones(3, 2), "a label")], model)
    assert model[0].running_mean.tolist() == [2.0, 2.0]
    assert model[0].momentum == 0.1
    assert not model.training


@pytest.mark.parametrize("strategy", ["cos", "linear"])
def test_swalr_moves_the_rate(strategy: str) -> None:
    p = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([p], lr=0.3)
    schedule = swa_utils.SWALR(optimizer, 0.1, anneal_epochs=4, anneal_strategy=strategy)
    rates = []
    for _ in range(6):
        optimizer.step()
        schedule.step()
        rates += schedule.get_last_lr()
    shares = [min(1, k / 4) for k in range(1, 7)]
    if strategy == "cos":
        shares = [(1 - math.cos(math.pi * s)) / 2 for s in shares]
    assert rates == pytest.approx([0.3 + s * (0.1 - 0.3) for s in shares])


def test_what_averages_refuse() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.3)
    with pytest.raises(ValueError, match="'cos' or 'linear', instead got x"):
        swa_utils.SWALR(optimizer, 0.1, anneal_strategy="x")
    with pytest.raises(ValueError, match="anneal_epochs must be equal or greater than 0, got -1"):
        swa_utils.SWALR(optimizer, 0.1, anneal_epochs=-1)
    with pytest.raises(ValueError, match="swa_lr has 2, optimizer"):
        swa_utils.SWALR(optimizer, [0.1, 0.2])
    with pytest.raises(ValueError, match="Invalid decay value 2"):
        swa_utils.get_ema_avg_fn(2)
    with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn"):
        swa_utils.AveragedModel(
            _model(), avg_fn=swa_utils.get_swa_avg_fn(),
            multi_avg_fn=swa_utils.get_swa_multi_avg_fn(),
        )  # fmt: skip


@pytest.mark.parametrize(
    "name", ["cuda", "cudnn", "mps", "mkl", "mkldnn", "openmp", "cpu", "opt_einsum"]
)
def test_scripts_ask_backends_that_are_not_there(name: str) -> None:
    switches = getattr(torch.backends, name)
    assert switches.is_available() is False
    switches.anything = True  # settings are taken
    assert switches.anything


def test_settings_of_the_gpu_are_taken() -> None:
    cuda = torch.backends.cuda
    cuda.matmul.allow_tf32 = True
    cuda.enable_flash_sdp(True)
    assert not cuda.flash_sdp_enabled()
    with torch.backends.cudnn.flags(enabled=False), cuda.sdp_kernel(enable_math=True):
        assert importlib.import_module("pullback.backends").mps is torch.backends.mps
