"""Modules around tensors that scripts and libraries import: processes, futures, Sobol sequences."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

import pullback as torch
from test_torch_alias import run


def test_there_is_one_process() -> None:
    assert not torch.distributed.is_available() and not torch.distributed.is_initialized()
    with pytest.raises(AttributeError, match="one process"):
        print(torch.distributed.init_process_group)
    layer = torch.nn.Linear(2, 1)
    x = torch.ones(3, 2)
    model = torch.nn.DataParallel(layer)
    assert torch.equal(model(x), layer(x)) and model.module is layer
    assert list(model.state_dict()) == ["module.weight", "module.bias"]
    assert torch.equal(torch.nn.parallel.data_parallel(layer, (x,)), layer(x))
    assert not isinstance(model, torch.nn.parallel.DistributedDataParallel)
    with pytest.raises(ValueError, match=r"process group has not been initialized.*one process"):
        torch.nn.parallel.DistributedDataParallel(layer)
    assert torch.Future is torch.futures.Future
    state = model.state_dict()
    torch.nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
    assert list(state) == ["weight", "bias"]
    layer.load_state_dict(state)
    assert torch.nn.modules.utils._pair(3) == (3, 3)
    assert torch.nn.modules.utils._triple((1, 2, 3)) == (1, 2, 3)
    assert torch.nn.modules.utils._reverse_repeat_tuple((1, 2), 2) == (2, 2, 1, 1)
    assert "numpy" in torch.__config__.show() and "threads" in torch.__config__.parallel_info()


def test_nothing_but_python_runs() -> None:
    assert torch._C._get_tracing_state() is None and torch._C._log_api_usage_once("x") is None


def test_numbers_of_variables_are_given_where_nothing_is_recorded() -> None:
    x = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="requires grad"):
        x.numpy()
    with torch.no_grad():
        assert x.numpy().tolist() == [1, 1] and np.asarray(x).tolist() == [1, 1]


def test_processes_take_and_give_tensors(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("""
import pullback as torch
import pullback.multiprocessing as mp

def work(rank, queue, x):
    queue.put((rank, (x * rank).numpy()))

def fail(rank):
    raise SystemExit(3)

if __name__ == "__main__":
    queue = mp.get_context("spawn").Queue()
    mp.spawn(work, (queue, torch.ones(3)), nprocs=2)
    print(sorted((rank, float(x.sum())) for rank, x in (queue.get(), queue.get())))
    try:
        mp.spawn(fail)
    except RuntimeError as error:
        print(error)
""")
    found = run(f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')", tmp_path)
    assert found.splitlines() == [
        "[(0, 0.0), (1, 3.0)]", "spawn: process 0 ended with exit code 3"
    ]  # fmt: skip


def test_futures_wait_for_their_results() -> None:
    future = torch.futures.Future()
    doubled = future.then(lambda f: f.value() * 2)
    failing = future.then(lambda f: f.value() / 0)
    assert not future.done()
    with pytest.raises(RuntimeError, match="no result yet"):
        future.value()
    heard = []
    future.add_done_callback(lambda f: heard.append(f.value()))
    thread = threading.Timer(0.01, future.set_result, [21])
    thread.start()
    assert doubled.wait() == 42 and heard == [21]
    with pytest.raises(ZeroDivisionError):
        failing.wait()
    thread.join()
    assert torch.futures.wait_all([future, doubled]) == [21, 42]
    together = torch.futures.collect_all([future, doubled])
    assert [f.value() for f in together.wait()] == [21, 42]
    assert torch.futures.collect_all([]).wait() == []


def test_sobol_sequences_fill_the_cube() -> None:
    engine = torch.quasirandom.SobolEngine(3)
    points = engine.draw(4)
    # PyTorch 2.13's first points.
    expected = [[0, 0, 0], [0.5, 0.5, 0.5], [0.75, 0.25, 0.25], [0.25, 0.75, 0.75]]
    assert points.tolist() == expected and points.dtype == torch.float32
    assert engine.num_generated == 4
    again = torch.quasirandom.SobolEngine(3).fast_forward(2).draw(2, dtype=torch.float64)
    assert again.dtype == torch.float64 and again.tolist() == expected[2:]
    assert engine.reset().draw_base2(2).tolist() == expected
    engine.draw(1)
    with pytest.raises(ValueError, match="power of 2"):
        engine.draw_base2(2)
    with pytest.raises(ValueError, match="dimension"):
        torch.quasirandom.SobolEngine(0)
    out = torch.empty(0)
    torch.quasirandom.SobolEngine(2).draw(3, out=out)
    assert out.shape == (3, 2)


def test_scrambled_sobol_sequences_are_random_and_even() -> None:
    torch.manual_seed(3)
    a = torch.quasirandom.SobolEngine(2, scramble=True).draw(256)
    b = torch.quasirandom.SobolEngine(2, scramble=True).draw(256)
    torch.manual_seed(3)
    c = torch.quasirandom.SobolEngine(2, scramble=True)
    assert torch.equal(a, c.draw(256)) and not torch.equal(a, b)
    assert torch.equal(c.reset().draw(256), a)
    known = torch.quasirandom.SobolEngine(2, scramble=True, seed=5)
    assert "scramble=True, seed=5" in repr(known)
    for column in a.numpy().T:  # one point in each of 256 intervals
        assert np.array_equal(np.sort((column * 256).astype(int)), np.arange(256))
