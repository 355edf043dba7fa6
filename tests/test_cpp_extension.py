"""Functions of the user's own in C++: what they get, give and refuse; building and keeping."""

from __future__ import annotations

import gc
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback as torch
from pullback.config import config
from pullback.utils import compiler, cpp_extension
from pullback.utils.cpp_extension import CompilationError, include_paths, load, load_inline

SOURCE = r"""
#include <chrono>
#include <thread>

using pullback::Array;
using pullback::New;

void scale(Array<const double> x, double factor, Array<double> y) {
    for (int64_t i = 0; i < x.numel(); ++i) y[i] = factor * x[i];
}

double trace(Array<const double, 2> x) {
    double total = 0;
    for (int64_t i = 0; i < x.size(0); ++i) total += x(i, i);
    return total;
}

std::tuple<New<float>, int64_t, bool, double, std::complex<double>> several(
    int n, const Array<const float>& a, std::complex<double> z, bool b) {
    New<float> made({n, 2});
    for (int64_t i = 0; i < a.numel(); ++i) made[i] = 2 * a[i];
    return {std::move(made), n + 1, !b, z.real(), z * z};
}

int64_t describe(Array<const int32_t> x, Array<int64_t, 1> facts) {
    facts(0) = x.ndim();
    facts(1) = x.is_contiguous();
    facts(2) = x.ndim() ? x.size(-1) : -1;
    facts(3) = x.ndim() ? x.stride(0) : -1;
    int64_t weighted = 0;
    for (int64_t i = 0; i < x.numel(); ++i) weighted += (i + 1) * x[i];
    return weighted;
}

New<bool> flags(Array<const bool, 1> x, Array<const std::complex<float>, 1> z) {
    New<bool> made(std::vector<int64_t>{x.size(0)});
    for (int64_t i = 0; i < x.size(0); ++i) made[i] = !x(i) && z(i).imag() > 0;
    return made;
}

New<double> empty() { return New<double>({0, 3}); }
void nothing() {}
int64_t add(int64_t a, int b) { return a + b; }
void wait(double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}
void fail(int kind) {
    if (kind == 1) throw std::runtime_error("it rains");
    if (kind == 2) throw std::invalid_argument("that is no size");
    if (kind == 3) throw std::out_of_range("too far");
    if (kind == 4) throw std::bad_alloc();
    throw 5;
}
double pick(Array<const double> x, int64_t i) { return x(i); }
"""
NAMES = [
    "scale", "trace", "several", "describe", "flags", "empty", "nothing", "add", "wait", "fail",
    "pick",
]  # fmt: skip
DOUBLE = torch.float64


@pytest.fixture(scope="module")
def module() -> Any:
    return load_inline("tested", SOURCE, functions=NAMES)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("PULLBACK_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "extensions"


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that are run, without those that ask for a version."""
    commands: list[list[str]] = []
    run = compiler._run

    def noted(command: list[str]) -> Any:
        if "--version" not in command:
            commands.append(command)
        return run(command)

    monkeypatch.setattr(compiler, "_run", noted)
    return commands


TINY = "double {name}(double x) {{ return x * {factor}; }}"


def tiny(name: str = "f", factor: str = "2", **options: Any) -> Any:
    return load_inline("tiny", TINY.format(name=name, factor=factor), functions=[name], **options)


def has_compiler() -> bool:
    try:
        compiler.compiler()
    except RuntimeError:
        return False
    return True


pytestmark = pytest.mark.skipif(not has_compiler(), reason="needs C++: pip install pullback[cpp]")


# ------------------------------------------------------------------------------ arguments


def test_arrays_are_read_and_written_where_they_are(module: Any) -> None:
    x = torch.arange(6.0, dtype=DOUBLE).reshape(2, 3)
    y = torch.zeros(3, 2, dtype=DOUBLE)
    version = y._version
    assert module.scale(x, 2.0, y.T) is None
    assert y.tolist() == [[0, 6], [2, 8], [4, 10]]
    assert y._version == version + 1
    out = np.zeros((2, 3))
    module.scale(x, 1, out)
    assert out.tolist() == x.tolist()
    assert module.trace(torch.eye(3, dtype=DOUBLE)) == 3.0
    assert module.trace(torch.ones(1, 1, dtype=DOUBLE).expand(4, 4)) == 4.0


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x,
        lambda x: x[::2],
        lambda x: x.T,
        lambda x: x[1:, 2],
        lambda x: x[0, 0],
        lambda x: x.flip(0)[:, None],
        lambda x: x[:, 1:1],
        lambda x: x.reshape(2, 2, 3).permute(2, 0, 1),
        lambda x: np.flip(x.numpy(), 1),
    ],
)
def test_views_have_their_strides(view: Any, module: Any) -> None:
    x = view(torch.arange(12, dtype=torch.int32).reshape(4, 3))
    array = np.asarray(x)
    facts = torch.zeros(4, dtype=torch.int64)
    weighted = module.describe(x, facts)
    assert weighted == (np.arange(1, array.size + 1) * array.reshape(-1)).sum()
    ndim, contiguous, last, stride = facts.tolist()
    assert ndim == array.ndim and last == (array.shape[-1] if array.ndim else -1)
    assert contiguous == bool(array.size == 0 or array.flags.c_contiguous) or array.size == 0
    assert stride == (array.strides[0] // 4 if array.ndim else -1)


def test_numbers_and_several_results(module: Any) -> None:
    a = torch.tensor([0.5, 1.5])
    made, n, b, x, z = module.several(3, a, 1 + 2j, True)
    assert made.dtype is torch.float32 and made.tolist() == [[1, 3], [0, 0], [0, 0]]
    assert (n, b, x, z) == (4, False, 1.0, -3 + 4j)
    assert type(n) is int and type(b) is bool and type(x) is float
    *_, z = module.several(np.int64(1), a[:0], torch.tensor(2.0), False)
    assert z == 4
    assert module.add(torch.tensor(3), 4) == 7
    assert module.nothing() is None
    found = module.flags(torch.tensor([True, False]), torch.tensor([1j, 2j], dtype=torch.complex64))
    assert found.dtype is torch.bool and found.tolist() == [False, True]


def test_what_c_makes_is_a_tensor_like_any(module: Any) -> None:
    made = module.several(1000, torch.ones(2000), 0j, True)[0]
    view = made[1:]
    del made
    gc.collect()
    view.mul_(2)
    assert view.sum().item() == 2 * 2 * 1998
    assert module.empty().shape == (0, 3)
    view.requires_grad_().sum().backward()
    assert view.grad.shape == (999, 2)


def test_formulas_are_computed_first(module: Any) -> None:
    with config(defer_elements=5):
        x = torch.arange(9.0, dtype=DOUBLE).reshape(3, 3) * 2
        assert x._is_formula
        assert module.trace(x) == 24
        y = torch.zeros(3, 3, dtype=DOUBLE) + 1
        z = y * 3  # has captured y
        module.scale(x, 0.5, y)
        assert y[2, 2].item() == 8 and z[2, 2].item() == 3


@pytest.mark.parametrize(
    ("act", "kind", "message"),
    [
        (lambda m: m.scale(torch.ones(2), 1.0, torch.ones(2)), TypeError,
         r"scale\(\): argument 0 must be a tensor of float64, but it is torch.float32 of shape "
         r"\[2\]: convert it with .to\(torch.float64\)"),
        (lambda m: m.trace(torch.ones(2, dtype=DOUBLE)), TypeError,
         r"must be a tensor of float64 with 2 axes, but it is torch.float64 of shape \[2\]$"),
        (lambda m: m.trace([[1.0]]), TypeError, "argument 0 must be a tensor.*, not list"),
        (lambda m: m.trace(), TypeError, r"takes 1 arguments, but 0 were given.*trace\(a tensor"),
        (lambda m: m.add(1, 2.0), TypeError, "argument 1 must be int, not float"),
        (lambda m: m.add(True, 2), TypeError, "argument 0 must be int, not bool"),
        (lambda m: m.add(1 << 64, 2), OverflowError, "does not fit into 64 bits"),
        (lambda m: m.scale(torch.ones(2, dtype=DOUBLE), "x", torch.ones(2, dtype=DOUBLE)),
         TypeError, "argument 1 must be float, not str"),
        (lambda m: m.fail(1), RuntimeError, r"fail\(\): it rains"),
        (lambda m: m.fail(2), ValueError, "that is no size"),
        (lambda m: m.fail(3), IndexError, "too far"),
        (lambda m: m.fail(4), MemoryError, "bad_alloc"),
        (lambda m: m.fail(0), RuntimeError, "no std::exception"),
        (lambda m: m.scale(torch.ones(2, dtype=DOUBLE), 1.0, np.broadcast_to(1.0, 2)), ValueError,
         "argument 2 is written, but its memory is read-only"),
        (lambda m: m.scale(torch.ones(2, dtype=DOUBLE), 1.0, torch.ones(1, dtype=DOUBLE).expand(2)),
         RuntimeError, "more than one element of the written-to tensor"),
        (lambda m: m.trace(np.zeros(3, "f8,f4")["f0"][:, None]), ValueError,
         "argument 0 do not lie at multiples"),
        (lambda m: m.trace(torch.ones(2, 2, dtype=DOUBLE).requires_grad_()), RuntimeError,
         r"argument 0, of shape \[2, 2\], requires grad.*autograd.Function"),
        (lambda m: m.scale(torch.ones(2, dtype=DOUBLE), 1.0,
                           torch.ones(2, dtype=DOUBLE).requires_grad_() * 1), RuntimeError,
         "argument 2, of shape .* requires grad"),
        (lambda m: m.missing, AttributeError, "missing"),
    ],
)  # fmt: skip
def test_what_is_refused(act: Any, kind: type[Exception], message: str, module: Any) -> None:
    with pytest.raises(kind, match=message):
        act(module)


def test_without_recording_leaves_are_fine(module: Any) -> None:
    x = torch.ones(2, 2, dtype=DOUBLE).requires_grad_()
    with torch.no_grad():
        assert module.trace(x) == 2
    assert module.trace(x.detach()) == 2


def test_tangents_and_hidden_axes_are_not_lost(module: Any) -> None:
    x = torch.ones(2, 2, dtype=DOUBLE)
    with pytest.raises(RuntimeError, match=r"argument 0 is one of forward-mode.*`jvp` or `vmap`"):
        torch.func.jvp(module.trace, (x,), (x,))
    with pytest.raises(RuntimeError, match=r"argument 0 is one of forward-mode.*`jvp` or `vmap`"):
        torch.func.vmap(module.trace)(torch.ones(3, 2, 2, dtype=DOUBLE))


def test_overwritten_values_are_noticed(module: Any) -> None:
    x = torch.ones(3, dtype=DOUBLE).requires_grad_()
    c = torch.ones(3, dtype=DOUBLE)
    y = (x * c).sum()
    module.scale(c, 2.0, c)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_functions_say_what_they_are(module: Any) -> None:
    assert repr(module.scale) == (
        "<C++ function scale(a tensor of float64, float, a tensor of float64)>"
    )
    assert module.scale.__name__ == module.scale.__doc__ == "scale"
    assert module.__name__ == "tested" and Path(module.__file__).exists()


def test_other_threads_run_meanwhile(module: Any) -> None:
    threads = [threading.Thread(target=module.wait, args=(0.4,)) for _ in range(4)]
    start = time.perf_counter()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert time.perf_counter() - start < 1.2  # one after the other they would take 1.6


def test_indices_can_be_checked() -> None:
    checked = load_inline(
        "checked", SOURCE, functions=["pick", "trace"], extra_cflags=["-DPULLBACK_BOUNDS"]
    )
    x = torch.arange(3.0, dtype=DOUBLE)
    assert checked.pick(x, 2) == 2
    with pytest.raises(IndexError, match=r"pick\(\): index 3 of an axis of size 3"):
        checked.pick(x, 3)
    with pytest.raises(IndexError, match="1 indices for an array of 2 axes"):
        checked.pick(x[None], 0)
    with pytest.raises(IndexError, match="index 1 of an axis of size 1"):
        checked.trace(x[:, None])


# ------------------------------------------------------------------------------ building


def test_what_was_built_is_kept(folder: Path, builds: list[Any]) -> None:
    assert tiny().f(3.0) == 6
    assert len(builds) == 2  # compiled, and linked
    assert tiny().f(3.0) == 6
    assert len(builds) == 2
    assert tiny(factor="3").f(3.0) == 9
    assert tiny("g").g(3.0) == 6
    assert tiny(extra_cflags=["-DX"]).f(3.0) == 6
    assert len(builds) == 8
    assert tiny(extra_ldflags=["-lm"]).f(3.0) == 6
    assert len(builds) == 10
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(folder.parent).st_mode) == 0o700
    assert not list(folder.glob(".new*"))


def test_another_process_finds_it(folder: Path, builds: list[Any]) -> None:
    tiny()
    script = (
        "from pullback.utils import compiler, cpp_extension\n"
        "compiler._compile = None\n"
        f"m = cpp_extension.load_inline('tiny', {TINY.format(name='f', factor='2')!r}, "
        "functions=['f'])\nprint(m.f(4.0))"
    )
    source = str(Path(torch.__file__).parents[1])
    answer = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": source},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert answer.stdout == "8.0\n"


def test_a_cache_that_is_open_to_others_is_not_used(folder: Path, builds: list[Any]) -> None:
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    folder.chmod(0o777)
    module = tiny()
    assert module.f(1.0) == 2 and not list(folder.iterdir())
    path = Path(module.__file__)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    folder.chmod(0o700)
    library = folder / Path(tiny().__file__).name
    assert library.exists()
    before = len(builds)
    library.chmod(0o777)  # somebody may have written it
    assert tiny().f(1.0) == 2 and len(builds) == before + 2


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"library": "../evil.so", "headers": {}}'])
def test_damaged_notes_are_built_anew(damage: str, folder: Path, builds: list[Any]) -> None:
    tiny()
    (note,) = folder.glob("*.json")
    note.write_text(damage)
    assert tiny().f(1.0) == 2 and len(builds) == 4


def test_a_folder_of_the_user_s_choice(folder: Path, tmp_path: Path) -> None:
    module = tiny(build_directory=tmp_path / "mine" / "here")
    assert Path(module.__file__).parent == tmp_path / "mine" / "here"
    assert not folder.exists()


def test_threads_build_together(folder: Path) -> None:
    found: list[float] = []
    threads = [threading.Thread(target=lambda: found.append(tiny().f(1.0))) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == [2.0] * 4


def test_files_and_their_headers(folder: Path, tmp_path: Path, builds: list[Any]) -> None:
    header = tmp_path / "include" / "factor.h"
    header.parent.mkdir()
    header.write_text("inline double factor() { return 2; }")
    one, two = tmp_path / "one.cpp", tmp_path / "two.cpp"
    one.write_text(
        "#include <pullback/extension.h>\n#include <factor.h>\n"
        "double twice(double x) { return factor() * x; }\nPULLBACK_EXPORT(twice)\n"
    )
    two.write_text(
        "#include <pullback/extension.h>\ndouble twice(double);\n"
        "double more(double x) { return twice(x) + 1; }\nPULLBACK_EXPORT(more)\n"
    )

    def loaded() -> Any:
        return load("files", [one, str(two)], extra_include_paths=[str(header.parent)])

    module = loaded()
    assert (module.twice(2.0), module.more(2.0)) == (4, 5)
    loaded()
    assert len(builds) == 4
    header.write_text("inline double factor() { return 3; }")
    assert loaded().more(2.0) == 7  # what is loaded already stays what it was
    assert module.more(2.0) == 5
    path = load("single", two.parent / "one.cpp", extra_include_paths=[str(header.parent)],
                is_python_module=False)  # fmt: skip
    assert Path(path).exists()
    with pytest.raises(FileNotFoundError):
        load("files", tmp_path / "three.cpp")


def test_libraries_do_not_see_one_another(folder: Path) -> None:
    first, second = tiny("f"), tiny("g", "5")
    assert not hasattr(first, "g") and not hasattr(second, "f")
    assert (first.f(1.0), second.g(1.0)) == (2, 5)


def test_the_cache_can_be_emptied(folder: Path) -> None:
    from pullback.backends.llvm import cache

    tiny()
    tiny("g")
    assert len(cache.sizes()) == 2 and min(cache.sizes()) > 1000
    assert cache.clear() == 2
    assert not list(folder.iterdir()) and cache.sizes() == []
    assert tiny().f(1.0) == 2


def test_documentation_and_names(folder: Path) -> None:
    source = TINY.format(name="f", factor="2")
    assert load_inline("m", source, functions={"f": "Doubles."}).f.__doc__ == "Doubles."
    assert load_inline("m", [source], functions="f").f(1.0) == 2
    assert load_inline("m", source + "\nPULLBACK_EXPORT(f)").f(1.0) == 2
    with pytest.raises(ValueError, match="'f;g' is not the name of a C"):
        load_inline("m", source, functions=["f;g"])
    with pytest.raises(ValueError, match="cannot be the name of a module"):
        load_inline("m/../n", source, functions=["f"])
    with pytest.raises(
        RuntimeError, match=r"exports no function: name some with functions=\[...\]"
    ):
        load_inline("m", source)


def test_errors_show_the_compiler_s_message(folder: Path) -> None:
    source = "\ndouble f(double x) {\n  return undeclared * x;\n}\n"
    with pytest.raises(CompilationError) as caught:
        load_inline("broken", source, functions=["f"])
    message = str(caught.value)
    assert message.startswith("Error building extension 'broken': the compiler says")
    assert (
        "cpp_sources[0]:3" in message and "undeclared" in message and "The command was" in message
    )
    with pytest.raises(CompilationError, match="a function takes pullback::Array, or numbers"):
        load_inline("broken", "void f(const char*) {}", functions=["f"])
    with pytest.raises(CompilationError, match="g"):
        load_inline("broken", TINY.format(name="f", factor="2"), functions=["g"])
    with pytest.raises(CompilationError, match=r"undefined|unresolved|nowhere"):
        load_inline("broken", "double nowhere(); double f() { return nowhere(); }",
                    functions=["f"], extra_ldflags=["-Wl,-z,defs"])  # fmt: skip
    assert issubclass(CompilationError, RuntimeError)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: load_inline("m", "#include <torch/extension.h>"),
         r"cpp_sources\[0\] includes torch/extension.h, which is PyTorch's own.*pullback::Array"),
        (lambda: load_inline("m", "", cuda_sources="x"), "for the CPU: it has no CUDA"),
        (lambda: load_inline("m", "", with_cuda=True), "for the CPU: it has no CUDA"),
        (lambda: load("m", ["kernel.cu"]), "for the CPU: it has no CUDA"),
        (lambda: load("m", [], is_standalone=True), "programs of their own are not built"),
    ],
)  # fmt: skip
def test_what_is_not_built(act: Any, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        act()


def test_verbose_shows_what_is_done(folder: Path, capfd: Any) -> None:
    tiny(verbose=True)
    out = capfd.readouterr().out
    assert "-std=c++17" in out and "-shared" in out
    tiny(verbose=True)
    assert "is up to date" in capfd.readouterr().out


def test_include_paths() -> None:
    (path,) = include_paths()
    assert (Path(path) / "pullback" / "extension.h").exists()


# ------------------------------------------------------------------------------ compilers


def test_the_compiler_of_the_environment(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, builds: list[Any]
) -> None:
    real = compiler.compiler()
    script = tmp_path / "my compiler"
    script.write_text(f'#!/bin/sh\nexec {" ".join(real)} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("CXX", f"'{script}' -DMINE")
    assert tiny().f(1.0) == 2
    assert builds[0][:2] == [str(script), "-DMINE"]
    monkeypatch.setenv("CXX", "no-such-compiler -O3")
    with pytest.raises(RuntimeError, match=r"CXX names the compiler 'no-such-compiler -O3', which"):
        tiny(factor="9")
    monkeypatch.setenv("CXX", shutil.which("false") or "/bin/false")
    with pytest.raises(RuntimeError, match=r"the C.. compiler does not run: .*false --version"):
        tiny(factor="9")


def test_without_any_compiler(folder: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "ziglang", None)
    monkeypatch.setattr(compiler.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match=r"no C.. compiler was found.*pip install ziglang"):
        tiny()


def test_the_one_that_pip_installs(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(compiler.importlib.util, "find_spec", lambda name: object())
    assert compiler.compiler() == (sys.executable, "-m", "ziglang", "c++")


def test_the_module_is_found_under_its_name() -> None:
    assert torch.utils.cpp_extension is cpp_extension


# ------------------------------------------------------------------------------ the example


def test_soft_dtw(capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "examples"))
    import soft_dtw

    soft_dtw.main(20)
    assert capsys.readouterr().out.startswith("gradcheck: passed")
    d = np.random.default_rng(0).uniform(size=(1, 3, 4))
    best = min(costs(d[0], 0, 0))
    value = soft_dtw.SoftDTW.apply(torch.tensor(d), 1e-3).item()
    assert abs(value - best) < 1e-2


def costs(d: Any, i: int, j: int) -> list[float]:
    """The cost of every alignment."""
    if (i, j) == (d.shape[0] - 1, d.shape[1] - 1):
        return [d[i, j]]
    steps = [(i + 1, j), (i, j + 1), (i + 1, j + 1)]
    return [
        d[i, j] + rest
        for k, n in steps if k < d.shape[0] and n < d.shape[1]
        for rest in costs(d, k, n)
    ]  # fmt: skip
