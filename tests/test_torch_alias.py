"""`install_as_torch`: every test is a script in a fresh interpreter, for the alias is forever."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest


def run(code: str, cwd: Path) -> str:
    """What ``code`` prints; it must succeed and write nothing on stderr, not even a warning."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


INSTALL = """
import pullback
pullback.install_as_torch()
"""


def alias(code: str, cwd: Path) -> str:
    return run(INSTALL + textwrap.dedent(code), cwd)


def test_torch_and_its_modules_are_pullbacks(tmp_path: Path) -> None:
    alias(
        """
        import sys
        import torch
        import torch.nn.functional as F
        import torch.nn as nn
        import torch.autograd, torch.cuda
        from torch.autograd import grad, no_grad
        from torch import nn as nn_again
        assert torch is pullback is sys.modules["torch"]
        assert F is sys.modules["pullback.nn.functional"] is torch.nn.functional
        assert F is sys.modules["torch.nn.functional"]
        assert nn is nn_again is pullback.nn is sys.modules["torch.nn"]
        assert torch.autograd is pullback.autograd and torch.cuda is pullback.cuda
        assert grad is pullback.autograd.grad and no_grad is pullback.autograd.no_grad
        assert not torch.cuda.is_available()
        """,
        tmp_path,
    )


def test_modules_keep_their_own_names(tmp_path: Path) -> None:
    alias(
        """
        import importlib, importlib.util, sys
        before = {name: (m.__name__, m.__spec__, m.__loader__, m.__package__)
                  for name, m in sys.modules.items() if name.startswith("pullback")}
        import torch.nn.functional, torch.graph, torch.cuda
        for name, attributes in before.items():
            m = sys.modules[name]
            assert attributes == (m.__name__, m.__spec__, m.__loader__, m.__package__), name
        for name in ("torch", "torch.nn", "torch.nn.functional", "torch.graph", "torch.cuda"):
            module = importlib.import_module(name)
            own = "pullback" + name.removeprefix("torch")
            assert module.__name__ == ("torch" if name == "torch" else own)
            assert module.__spec__.name == own and module.__spec__.loader is module.__loader__
            assert not getattr(module.__spec__, "_initializing", False)
            assert importlib.util.find_spec(name) is module.__spec__
        """,
        tmp_path,
    )


def test_nothing_is_executed_twice(tmp_path: Path) -> None:
    package(tmp_path, probe="print('executed', __name__)")
    printed = alias(
        """
        pullback.__path__.append("extra")
        import torch.probe, pullback.probe
        import torch.probe as again
        from torch import probe
        assert torch is pullback and probe is again is pullback.probe
        """,
        tmp_path,
    )
    assert printed == "executed pullback.probe\n"


def package(folder: Path, **files: str) -> None:
    """Modules to be found below pullback, in a folder that the test appends to its path."""
    for name, source in files.items():
        path = folder / "extra" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source), encoding="utf-8")


def test_imports_are_lazy(tmp_path: Path) -> None:
    package(tmp_path, probe="print('executed')")
    printed = alias(
        """
        import importlib.util, sys
        pullback.__path__.append("extra")
        import torch
        assert importlib.util.find_spec("torch.probe").name == "torch.probe"
        assert "pullback.probe" not in sys.modules
        """,
        tmp_path,
    )
    assert printed == ""


def test_modules_that_are_attributes_not_files(tmp_path: Path) -> None:
    alias(
        """
        import types
        pullback.made = types.ModuleType("pullback.made")
        pullback.made.x = 1
        pullback.space = types.SimpleNamespace(y=2)
        import torch.made, torch.space as space
        from torch.made import x
        from torch.space import y
        assert torch.made is pullback.made and space is torch.space is pullback.space
        assert (x, y) == (1, 2)
        assert type(pullback.space) is types.SimpleNamespace and vars(space) == {"y": 2}
        """,
        tmp_path,
    )


def test_pytorchs_paths_lead_to_what_lies_elsewhere(tmp_path: Path) -> None:
    alias(
        """
        import torch
        import torch.nn.modules.batchnorm
        from torch.distributions.kl import kl_divergence
        from torch.distributions.multivariate_normal import MultivariateNormal
        from torch.nn.modules.pooling import MaxPool2d
        from torch.nn.utils.weight_norm import weight_norm
        from torch.optim.adamw import AdamW
        from torch.utils.data.dataset import TensorDataset
        from pullback.optim.adamw import AdamW as again
        assert MultivariateNormal is torch.distributions.MultivariateNormal
        assert MaxPool2d is torch.nn.MaxPool2d and AdamW is again is torch.optim.AdamW
        assert torch.nn.modules.batchnorm.BatchNorm1d is torch.nn.BatchNorm1d
        assert torch.nn.utils.weight_norm is weight_norm
        assert torch.distributions.normal.Normal is torch.distributions.Normal
        try:
            torch.optim.adamw.AdamV
        except AttributeError as error:
            assert "Adam" in str(error)
        else:
            assert False
        """,
        tmp_path,
    )


def test_modules_that_a_module_getattr_makes(tmp_path: Path) -> None:
    source = """
        import types
        _later = types.ModuleType("later")
        def __getattr__(name):
            if name == "later":
                return _later
            raise AttributeError(name)
        """
    package(tmp_path, **{"lazy/__init__": source})
    alias(
        """
        pullback.__path__.append("extra")
        import torch.lazy.later as later
        assert later is pullback.lazy._later
        """,
        tmp_path,
    )


@pytest.mark.parametrize("loaded", ["before", "after"])
def test_a_function_named_as_its_module_stays_a_function(loaded: str, tmp_path: Path) -> None:
    """As `torch.autograd.gradcheck`: a module, and the function that its package shows instead."""
    eagerly = "from pullback.check.measure import measure"
    lazily = """
        def __getattr__(name):
            if name == "measure":
                from pullback.check.measure import measure
                globals()["measure"] = measure
                return measure
            raise AttributeError(name)
        """
    init = eagerly if loaded == "before" else lazily
    measure = "def measure(): return 'measured'"
    package(tmp_path, **{"check/__init__": init, "check/measure": measure})
    alias(
        """
        import types
        pullback.__path__.append("extra")
        import torch.check
        assert torch.check.measure() == "measured"
        from torch.check.measure import measure
        import torch.check.measure
        assert measure() == torch.check.measure() == pullback.check.measure() == "measured"
        assert type(pullback.check) is types.ModuleType
        pullback.check.other = types.ModuleType("other")  # ordinary assignments work again
        pullback.check.measure = pullback.check.other
        assert pullback.check.measure is pullback.check.other
        """,
        tmp_path,
    )


def test_calling_twice_and_from_many_threads(tmp_path: Path) -> None:
    alias(
        """
        import sys, threading
        import torch
        finders = list(sys.meta_path)
        pullback.install_as_torch()
        assert sys.meta_path == finders and sys.modules["torch"] is pullback
        assert len([f for f in finders if type(f).__module__ == "pullback.torch_alias"]) == 2
        """,
        tmp_path,
    )
    package(tmp_path, slow="import time; time.sleep(0.1); done = True; print('executed')")
    printed = run(
        """
        import importlib, sys, threading
        import pullback
        pullback.__path__.append("extra")
        results = []
        barrier = threading.Barrier(8)
        def work(i):
            barrier.wait()
            pullback.install_as_torch()
            name = "torch.slow" if i % 2 else "pullback.slow"
            results.append(importlib.import_module(name).done)
        threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert results == [True] * 8
        assert len([f for f in sys.meta_path if type(f).__module__ == "pullback.torch_alias"]) == 2
        """,
        tmp_path,
    )
    assert printed == "executed\n"


def test_the_real_torch_is_refused_once_it_is_imported(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("")
    run(
        """
        import sys
        sys.path.insert(0, "")
        import torch, pullback
        finders = list(sys.meta_path)
        try:
            pullback.install_as_torch()
        except RuntimeError as error:
            message = str(error)
        assert "already imported" in message and torch.__file__ in message
        assert "pullback run" in message and "before the first `import torch`" in message
        assert sys.modules["torch"] is torch and sys.meta_path == finders
        """,
        tmp_path,
    )


def test_an_installed_torch_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise SystemExit('imported')")
    alias("import sys; sys.path.insert(0, ''); import torch; assert torch is pullback", tmp_path)


def test_a_deleted_alias_comes_back(tmp_path: Path) -> None:
    alias("import sys; del sys.modules['torch']; import torch; assert torch is pullback", tmp_path)


def test_missing_modules_are_named_with_their_nearest(tmp_path: Path) -> None:
    package(tmp_path, broken="import absent_dependency")
    alias(
        """
        import importlib
        pullback.__path__.append("extra")
        pullback.certain_function = lambda: None

        def message(name):
            try:
                importlib.import_module(name)
            except ModuleNotFoundError as error:
                assert error.name == name, error.name
                return str(error)

        assert message("torch.nn.functionnal") == (
            "No module named 'torch.nn.functionnal': pullback has no module "
            "'pullback.nn.functionnal'. Nearest: 'torch.nn.functional'."
        )
        assert message("torch.zzzzz") == (
            "No module named 'torch.zzzzz': pullback has no module 'pullback.zzzzz'."
        )
        assert message("torch.certain_function") == (
            "No module named 'torch.certain_function': pullback has no module "
            "'pullback.certain_function' (pullback.certain_function is a function: "
            "write `from torch import certain_function`)."
        )
        assert "'torch.nn'" in message("torch.nnn")

        # An import that fails *inside* a module of ours is not a missing module of ours.
        try:
            import torch.broken
        except ModuleNotFoundError as error:
            assert error.name == "absent_dependency"
        """,
        tmp_path,
    )


def test_other_imports_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "torchlike.py").write_text("x = 1")
    alias(
        """
        import importlib.metadata, importlib.util, sys
        sys.path.insert(0, "")
        import torchlike
        assert torchlike.x == 1
        assert importlib.util.find_spec("torch_geometric_absent") is None
        try:
            version = importlib.metadata.version("torch")
        except importlib.metadata.PackageNotFoundError:
            version = None
        assert version != pullback.__version__
        """,
        tmp_path,
    )


def test_torchviz_where_it_is_not_installed(tmp_path: Path) -> None:
    alias(
        """
        import torchviz
        from torchviz import make_dot
        assert make_dot is torchviz.make_dot is pullback.graph.make_dot
        assert torchviz.__name__ == torchviz.__spec__.name == "torchviz"
        try:
            torchviz.make_dott
        except AttributeError as error:
            message = str(error)
        assert message.endswith("has no attribute 'make_dott'. Nearest name: 'make_dot'.")
        names = {}
        exec("from torchviz import *", names)
        assert names["make_dot"] is make_dot
        """,
        tmp_path,
    )


def test_torchviz_where_it_is_installed(tmp_path: Path) -> None:
    (tmp_path / "torchviz.py").write_text("import torch\ndef make_dot(): return torch.__name__")
    alias(
        """
        import sys
        sys.path.insert(0, "")
        from torchviz import make_dot
        assert make_dot() == "torch"
        """,
        tmp_path,
    )
