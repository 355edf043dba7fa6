"""``pullback run`` against ``python``: the same script must print, and end, in the same way."""

import os
import pickle
import re
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import pytest

PYTHON = [sys.executable]
PULLBACK_RUN = [sys.executable, "-m", "pullback", "run"]


def start(
    command: list[str], *arguments: str | Path, cwd: Path, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


def pullback(
    *arguments: str | Path, cwd: Path, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    return start([sys.executable, "-m", "pullback"], *arguments, cwd=cwd, stdin=stdin)


def write(path: Path, source: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(source), encoding="utf-8")
    return path


# ---- parity with python --------------------------------------------------------------------------

SCRIPTS = {
    "main module": """
        import sys, __main__
        print(__name__, __file__, __package__, __spec__, __doc__, __cached__)
        print(type(__loader__).__name__, __loader__.name, __loader__.path)
        print(__main__.__dict__ is globals(), sys.modules["__main__"] is __main__)
        print(sys.argv)
        """,
    "docstring": '''
        """A script."""
        print(__doc__)
        ''',
    "guard": """
        if __name__ == "__main__":
            print("as main")
        """,
    "sys.path": """
        import sys
        print([p for p in sys.path if not p.endswith("stand_in")])
        """,
    "neighbour": """
        import neighbour
        print(neighbour.value, neighbour.__file__)
        """,
    "no inherited future": """
        def f(x: 1 + 1): pass
        print(f.__annotations__)
        """,
    "own future": """
        from __future__ import annotations
        def f(x: 1 + 1): pass
        print(f.__annotations__)
        """,
    "pickle": """
        import pickle
        class Point:
            def __init__(self, x): self.x = x
        print(Point.__module__, pickle.loads(pickle.dumps(Point(3))).x)
        """,
    "inspect": """
        import inspect
        def f(x):
            return x + 1
        print(inspect.getsource(f), inspect.getfile(f))
        """,
    "warning": """
        import warnings
        warnings.warn("careful")
        warnings.warn("old", DeprecationWarning)
        """,
    "chdir": """
        import os, sys
        os.mkdir("elsewhere_" + str(os.getpid()))
        os.chdir("elsewhere_" + str(os.getpid()))
        print(os.path.exists(__file__))
        raise ValueError("the source line is still found")
        """,
    "unicode": """
        print("σ = ½")
        """,
    "stdin": """
        print(input().upper())
        """,
    "exit 0": "raise SystemExit",
    "exit none": "import sys; sys.exit(None)",
    "exit 3": "import sys; sys.exit(3)",
    "exit text": "import sys; sys.exit('it went wrong')",
    "exit true": "import sys; sys.exit(True)",
    "exit object": "import sys; sys.exit([1, 2])",
    "exit 300": "import sys; sys.exit(300)",
    "os._exit": "import os; os._exit(7)",
    "exception": """
        def f(x):
            return 1 / x
        f(0)
        """,
    "exception in neighbour": """
        import neighbour
        neighbour.fail()
        """,
    "chained": """
        try:
            {}["a"]
        except KeyError as error:
            raise ValueError("no a") from error
        """,
    "context": """
        try:
            {}["a"]
        except KeyError:
            undefined
        """,
    "group": "raise ExceptionGroup('both', [ValueError(1), TypeError(2)])",
    "syntax error": """
        x = 1
        y = (
        """,
    "import error": "from neighbour import missing",
    "excepthook": """
        import sys, traceback
        def hook(kind, error, trace):
            print("hook", kind.__name__, traceback.extract_tb(trace)[0].name)
        sys.excepthook = hook
        1 / 0
        """,
    "exit in excepthook": """
        import sys
        def hook(kind, error, trace):
            sys.exit(5)
        sys.excepthook = hook
        1 / 0
        """,
    "atexit after exception": """
        import atexit
        atexit.register(print, "at exit")
        1 / 0
        """,
    "thread outlives main": """
        import threading, time
        def work():
            time.sleep(0.1)
            print("done", __name__)
        threading.Thread(target=work).start()
        """,
    "thread fails": """
        import threading
        def work():
            raise ValueError("in a thread")
        thread = threading.Thread(target=work, name="worker")
        thread.start()
        thread.join()
        """,
    "destructor at the end": """
        class Noisy:
            def __del__(self): print("gone")
        noisy = Noisy()
        """,
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_python(name: str, tmp_path: Path) -> None:
    write(tmp_path / "neighbour.py", "value = 1\ndef fail():\n    raise OSError('far away')\n")
    script = write(tmp_path / "script.py", SCRIPTS[name])
    arguments = (script, "--help", "-m", "x", "--", "é")
    expected = start(PYTHON, *arguments, cwd=tmp_path, stdin="hello\n")
    found = start(PULLBACK_RUN, *arguments, cwd=tmp_path, stdin="hello\n")
    assert found.stdout == expected.stdout
    assert unmarked(found.stderr) == unmarked(expected.stderr)
    assert found.returncode == expected.returncode


def unmarked(stderr: str) -> str:
    """Addresses and thread identifiers differ between any two runs."""
    return re.sub(r"0x[0-9a-f]+|elsewhere_\d+", "…", stderr)


def test_script_named_from_another_folder_or_through_a_link(tmp_path: Path) -> None:
    write(tmp_path / "real" / "neighbour.py", "")
    script = write(
        tmp_path / "real" / "script.py",
        """
        import sys, neighbour
        print(sys.argv, __file__, [p for p in sys.path if not p.endswith("stand_in")])
        1 / 0
        """,
    )
    (tmp_path / "cwd").mkdir()
    (tmp_path / "cwd" / "link.py").symlink_to(script)
    for name in ("../real/script.py", "link.py"):
        expected = start(PYTHON, name, cwd=tmp_path / "cwd")
        found = start(PULLBACK_RUN, name, cwd=tmp_path / "cwd")
        assert found.stdout == expected.stdout != ""
        assert found.stderr == expected.stderr
        assert found.returncode == expected.returncode == 1


def test_safe_path(tmp_path: Path) -> None:
    source = "import sys; print([p for p in sys.path if not p.endswith('stand_in')])"
    script = write(tmp_path / "script.py", source)
    expected = start([*PYTHON, "-P"], script, cwd=tmp_path)
    found = start([sys.executable, "-P", "-m", "pullback", "run"], script, cwd=tmp_path)
    assert found.stdout == expected.stdout
    assert str(tmp_path) not in found.stdout


def test_encoding_cookie(tmp_path: Path) -> None:
    script = tmp_path / "latin.py"
    script.write_bytes("# -*- coding: latin-1 -*-\nprint(ascii('café'))\n".encode("latin-1"))
    assert start(PULLBACK_RUN, script, cwd=tmp_path).stdout == "'caf\\xe9'\n"
    script.write_bytes("print('café')\n".encode("latin-1"))
    found, expected = (start(c, script, cwd=tmp_path) for c in (PULLBACK_RUN, PYTHON))
    assert found.returncode == expected.returncode == 1
    assert "SyntaxError" in found.stderr
    assert "cli.py" not in found.stderr


@pytest.mark.parametrize("hook_error", ["ValueError('in the hook')", "KeyboardInterrupt()"])
def test_excepthook_that_fails(hook_error: str, tmp_path: Path) -> None:
    script = write(
        tmp_path / "script.py",
        f"""
        import sys
        def hook(*error):
            raise {hook_error}
        sys.excepthook = hook
        1 / 0
        """,
    )
    found, expected = (start(c, script, cwd=tmp_path) for c in (PULLBACK_RUN, PYTHON))
    assert found.stderr.split() == expected.stderr.split()
    assert found.returncode == expected.returncode == 1


# ---- signals and pipes ---------------------------------------------------------------------------


@pytest.mark.parametrize("command", [PYTHON, PULLBACK_RUN], ids=["python", "pullback"])
def test_interrupt(command: list[str], tmp_path: Path) -> None:
    """After Ctrl-C: the traceback, the exit handlers, and death by SIGINT (130 in a shell)."""
    script = write(
        tmp_path / "script.py",
        """
        import atexit, time
        atexit.register(print, "at exit")
        print("ready", flush=True)
        time.sleep(60)
        """,
    )
    process = subprocess.Popen(
        [*command, str(script)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell gives its background jobs an ignored SIGINT, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert out == "at exit\n"
    lines = err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == f'  File "{script}", line 5, in <module>'
    assert lines[-1] == "KeyboardInterrupt"
    assert process.returncode == -signal.SIGINT


def test_interrupt_status_in_a_shell(tmp_path: Path) -> None:
    script = write(tmp_path / "script.py", "raise KeyboardInterrupt")
    command = f"{sys.executable} -m pullback run {script}; echo $?"
    done = start(["bash", "-c", command], cwd=tmp_path)
    assert done.stdout == "130\n"


@pytest.mark.parametrize("script", ["print('x' * 100_000)", "print('x')"])
def test_broken_pipe(script: str, tmp_path: Path) -> None:
    write(tmp_path / "script.py", script)
    results = []
    for command in (PYTHON, PULLBACK_RUN):
        read, written = os.pipe()
        os.close(read)
        done = subprocess.run(
            [*command, "script.py"], cwd=tmp_path, stdout=written, stderr=subprocess.PIPE
        )
        os.close(written)
        results.append((done.returncode, done.stderr))
    assert results[0] == results[1]
    assert b"BrokenPipeError" in results[0][1]


# ---- other ways to name a program ----------------------------------------------------------------

SHOW = """
    import sys
    print(__name__, __package__, __spec__ and __spec__.name, sys.argv[1:])
    """


def test_module_as_python_m(tmp_path: Path) -> None:
    write(tmp_path / "tools" / "__init__.py", "import sys; print('package', sys.argv)")
    write(tmp_path / "tools" / "show.py", SHOW + "\n    print(sys.argv[0] == __file__)")
    write(tmp_path / "tools" / "inner" / "__init__.py", "")
    write(tmp_path / "tools" / "inner" / "__main__.py", SHOW)
    write(tmp_path / "single.py", SHOW + "\n    print(sys.path[0])")
    for name in ("tools.show", "tools.inner", "single"):
        expected = start([*PYTHON, "-m"], name, "--help", "-m", cwd=tmp_path)
        assert expected.returncode == 0
        for found in (
            start([*PULLBACK_RUN, "-m"], name, "--help", "-m", cwd=tmp_path),
            start(PULLBACK_RUN, f"-m{name}", "--help", "-m", cwd=tmp_path),
        ):
            assert found.stdout == expected.stdout
            assert found.stderr == ""
            assert found.returncode == 0


def test_module_whose_code_fails(tmp_path: Path) -> None:
    module = write(tmp_path / "broken.py", "import absent_dependency")
    package = write(tmp_path / "package" / "__init__.py", "import absent_dependency")
    write(tmp_path / "package" / "part.py", "")
    for name, file in (("broken", module), ("package.part", package)):
        done = start([*PULLBACK_RUN, "-m"], name, cwd=tmp_path)
        assert done.returncode == 1
        assert done.stderr.splitlines() == [
            "Traceback (most recent call last):",
            f'  File "{file}", line 1, in <module>',
            "    import absent_dependency",
            "ModuleNotFoundError: No module named 'absent_dependency'",
        ]


def test_module_that_cannot_be_run(tmp_path: Path) -> None:
    write(tmp_path / "package" / "__init__.py", "")
    messages = {
        "absent": "pullback run: No module named absent",
        "absent.part": "pullback run: No module named 'absent'",
        "package.absent": "pullback run: No module named package.absent",
        "package": "pullback run: No module named package.__main__; "
        "'package' is a package and cannot be directly executed",
    }
    for name, message in messages.items():
        done = start([*PULLBACK_RUN, "-m"], name, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", message + "\n")


def test_folder_and_zip_file(tmp_path: Path) -> None:
    write(tmp_path / "app" / "part.py", "value = 7")
    main = write(
        tmp_path / "app" / "__main__.py",
        """
        import sys, part
        print(__name__, repr(__package__), __spec__.name, sys.argv, part.value)
        1 / 0
        """,
    )
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.write(main, "__main__.py")
        archive.write(tmp_path / "app" / "part.py", "part.py")
    for name in ("app", "app.zip"):
        expected = start(PYTHON, name, "a", cwd=tmp_path)
        found = start(PULLBACK_RUN, name, "a", cwd=tmp_path)
        assert found.stdout == expected.stdout != ""
        assert found.returncode == expected.returncode == 1
        assert found.stderr.splitlines()[1].endswith('__main__.py", line 4, in <module>')
    (tmp_path / "empty").mkdir()
    done = start(PULLBACK_RUN, "empty", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == f"pullback run: can't find '__main__' module in '{tmp_path / 'empty'}'\n"


def test_standard_input(tmp_path: Path) -> None:
    source = textwrap.dedent(
        """
        import sys, warnings
        import torch
        print(__name__, sys.argv, sys.path[0] == "", "__file__" in globals(), torch.__name__)
        warnings.warn("careful")
        """
    )
    done = start(PULLBACK_RUN, "-", "--help", cwd=tmp_path, stdin=source)
    assert done.stdout == "__main__ ['-', '--help'] True False torch\n"
    assert done.stderr == '<stdin>:5: UserWarning: careful\n  warnings.warn("careful")\n'
    done = start(PULLBACK_RUN, "-", cwd=tmp_path, stdin="def f():\n    1 / 0\nf()\n")
    assert done.returncode == 1
    frames = [line for line in done.stderr.splitlines() if "File" in line]
    assert frames == ['  File "<stdin>", line 3, in <module>', '  File "<stdin>", line 2, in f']


# ---- torch inside the script ---------------------------------------------------------------------


def test_torch_is_pullback_even_where_a_real_one_is_first_on_the_path(tmp_path: Path) -> None:
    write(tmp_path / "torch" / "__init__.py", "raise SystemExit('the real torch was imported')")
    script = write(
        tmp_path / "script.py",
        """
        import torch, torch.autograd
        import pullback
        print(torch is pullback, torch.autograd is pullback.autograd)
        """,
    )
    done = start(PULLBACK_RUN, script, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True True\n", "")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method: str, tmp_path: Path) -> None:
    """Every start method finds the script's functions, and the same torch."""
    write(tmp_path / "elsewhere" / "torch.py", "raise SystemExit('the real torch was imported')")
    script = write(
        tmp_path / "script.py",
        f"""
        import multiprocessing, sys
        sys.path.append("elsewhere")
        import torch.autograd
        import torch.nn as nn

        def work(x):
            return x + 1, torch.__name__, torch.autograd.__name__, nn.__name__, __name__

        if __name__ == "__main__":
            multiprocessing.set_start_method({method!r})
            with multiprocessing.Pool(1) as pool:
                print(*pool.map(work, [1]))
        """,
    )
    done = start(PULLBACK_RUN, script, cwd=tmp_path)
    name = "__main__" if method == "fork" else "__mp_main__"
    expected = f"(2, 'torch', 'pullback.autograd', 'pullback.nn', '{name}')\n"
    assert (done.returncode, done.stdout) == (0, expected), done.stderr


def test_pickled_by_one_run_and_read_by_another(tmp_path: Path) -> None:
    script = write(
        tmp_path / "script.py",
        """
        import pickle, sys
        class Point:
            x = 5
        if sys.argv[1] == "write":
            pickle.dump(Point(), open("point.pickle", "wb"))
        else:
            print(pickle.load(open("point.pickle", "rb")).x)
        """,
    )
    assert start(PULLBACK_RUN, script, "write", cwd=tmp_path).returncode == 0
    assert start(PYTHON, script, "read", cwd=tmp_path).stdout == "5\n"
    assert b"__main__" in (tmp_path / "point.pickle").read_bytes()
    with pytest.raises(AttributeError):  # the class is the script's, not pullback's
        pickle.loads((tmp_path / "point.pickle").read_bytes())


# ---- the command line ----------------------------------------------------------------------------


def test_script_that_cannot_be_opened(tmp_path: Path) -> None:
    done = pullback("run", "absent.py", cwd=tmp_path)
    path = tmp_path / "absent.py"
    message = f"pullback run: can't open file '{path}': [Errno 2] No such file or directory\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


@pytest.mark.parametrize(
    "arguments", [(), ("run",), ("run", "-m"), ("walk",), ("run", "--fast", "x")]
)
def test_usage_errors(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = pullback(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("usage: pullback")


def test_help_and_double_dash(tmp_path: Path) -> None:
    write(tmp_path / "-script.py", "import sys; print(sys.argv)")
    assert "SCRIPT" in pullback("run", "--help", cwd=tmp_path).stdout
    done = pullback("run", "--", "-script.py", "-m", "--", cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("['-script.py', '-m', '--']\n", "")


def test_info_and_version(tmp_path: Path) -> None:
    import llvmlite
    import numpy

    done = pullback("info", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = dict(re.split(r": +", line, maxsplit=1) for line in done.stdout.splitlines())
    version = lines["pullback"].split()[0]
    assert lines["numpy"] == numpy.__version__
    assert lines["llvmlite"] == llvmlite.__version__
    assert int(lines["threads"]) >= 1
    assert lines["python"].startswith(".".join(map(str, sys.version_info[:3])))
    assert pullback("--version", cwd=tmp_path).stdout == f"pullback {version}\n"


def test_info_into_a_closed_pipe(tmp_path: Path) -> None:
    read, written = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "pullback", "info"]
    done = subprocess.run(command, cwd=tmp_path, stdout=written, stderr=subprocess.PIPE)
    os.close(written)
    assert (done.returncode, done.stderr) == (1, b"")


# ---- pullback cache ------------------------------------------------------------------------------


def test_cache_says_where_and_how_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "objects"
    monkeypatch.setenv("PULLBACK_CACHE_DIR", str(folder))
    assert pullback("cache", cwd=tmp_path).stdout.split("\n")[:3] == [
        f"directory:  {folder}", "entries:    0", "size:       0.0 MB",
    ]  # fmt: skip
    assert not folder.exists()
    folder.mkdir(mode=0o700)
    for k in range(3):
        (folder / f"{k}.pbo").write_bytes(bytes(500_000))
    (folder / "note.txt").write_text("not an entry")
    ran = pullback("cache", cwd=tmp_path)
    assert ran.returncode == 0
    assert "entries:    3\n" in ran.stdout and "size:       1.5 MB\n" in ran.stdout
    ran = pullback("cache", "--clear", cwd=tmp_path)
    assert ran.returncode == 0 and "removed:    3 of 3 entries, 1.5 MB\n" in ran.stdout
    assert [path.name for path in folder.iterdir()] == ["note.txt"]


def test_cache_of_others_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "objects"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "1.pbo").write_bytes(b"code")
    monkeypatch.setenv("PULLBACK_CACHE_DIR", str(folder))
    ran = pullback("cache", "--clear", cwd=tmp_path)
    assert ran.returncode == 1 and "chmod 700" in ran.stdout
    assert (folder / "1.pbo").exists()
