"""The ``pullback`` program: ``pullback run SCRIPT``, ``pullback info`` and ``pullback cache``.

``pullback run`` behaves as ``python`` does, except that ``import torch`` gives pullback: same
``sys.argv``, ``sys.path``, ``__file__``, exit status and traceback. ``runpy`` would leave its
frames in the traceback, and clears the script's names when it is done: it is not used.
"""

from __future__ import annotations

import argparse
import atexit
import importlib
import importlib.machinery
import importlib.util
import linecache
import os
import pkgutil
import platform
import signal
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any

from pullback.torch_alias import install_as_torch

USAGE = 2  # the exit status of a command that could not be understood, or started
FAILURE = 1
INTERRUPTED = 128 + signal.SIGINT


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit status (a script's ``SystemExit`` is let through)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    arguments, script_arguments = _split(arguments)
    options = _parser().parse_args(arguments)
    if options.command == "info":
        return _operations() if options.ops else _info()
    if options.command == "cache":
        return _cache(options.clear)
    if options.command == "graph":
        return _graph(options, script_arguments)
    if options.module is not None:
        return _run(lambda: _find_module(options.module), script_arguments)
    return _run(lambda: _find_script(options.script), script_arguments)


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Cut ``run [-m] TARGET ARGS…`` after TARGET: what follows is the script's, even ``--help``."""
    if arguments[:1] not in (["run"], ["graph"]):
        return arguments, []
    value = False  # whether this is the value of the option before
    for i, argument in enumerate(arguments[1:], start=1):
        if value:
            value = False
            continue
        value = arguments[0] == "graph" and argument in ("-o", "--output")
        if argument in ("-m", "--"):
            return arguments[: i + 2], arguments[i + 2 :]
        if argument == "-" or argument.startswith("-m") or not argument.startswith("-"):
            return arguments[: i + 1], arguments[i + 1 :]
    return arguments, []


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pullback", description="PyTorch's tensors and autograd in pure Python."
    )
    parser.add_argument("--version", action="version", version=f"pullback {_version('pullback')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run",
        help="run a PyTorch script on pullback",
        usage="pullback run [-m MODULE | SCRIPT | -] [ARGS ...]",
        description="Run a Python script in which `import torch` gives pullback.",
        epilog="What follows SCRIPT or MODULE is handed to it as its own arguments.",
    )
    target = run.add_mutually_exclusive_group(required=True)
    target.add_argument(
        "script",
        nargs="?",
        metavar="SCRIPT",
        help="a Python file, a folder or zip file with a __main__.py, or - for standard input",
    )
    target.add_argument("-m", dest="module", metavar="MODULE", help="run a module, as python -m")
    graph = commands.add_parser(
        "graph",
        help="run a script, and write a page that shows its graphs",
        usage="pullback graph [-o FILE] [--no-open] SCRIPT [ARGS ...]",
        description="Run a Python script as `pullback run` does, and write a page that shows the "
        "graphs of its backward passes and pictures: what is stored, what is recomputed, by which "
        "kernels, and from which lines.",
    )
    graph.add_argument("script", metavar="SCRIPT", help="a Python file, or - for standard input")
    graph.add_argument(
        "-o", "--output", metavar="FILE", default="graph.html",
        help="where the page goes (graph.html)",
    )  # fmt: skip
    graph.add_argument("--no-open", action="store_true", help="do not open the page in the browser")
    info = commands.add_parser(
        "info", help="print the versions of what matters, for a bug report; or the operations"
    )
    info.add_argument(
        "--ops", action="store_true",
        help="print all operations: gradients, whether they fuse, dtypes (docs/operations.md)",
    )  # fmt: skip
    cache = commands.add_parser(
        "cache",
        help="say where compiled code is kept, and how much there is",
        description="The directory of compiled code, the number of its entries and their size.",
        epilog="PULLBACK_CACHE_DIR names another directory.",
    )
    cache.add_argument("--clear", action="store_true", help="remove all entries")
    return parser


# ---- pullback info -------------------------------------------------------------------------------


def _info() -> int:
    from pullback import config

    lines = {
        "pullback": f"{_version('pullback')} ({os.path.dirname(os.path.abspath(__file__))})",
        "python": f"{platform.python_version()} ({sys.executable})",
        **{name: _version(name) for name in ("numpy", "scipy", "llvmlite", "ml_dtypes")},
        "platform": platform.platform(),
        "threads": str(config.num_threads),
    }
    if importlib.util.find_spec("pullback.op") is not None:
        registry = getattr(importlib.import_module("pullback.op"), "REGISTRY", None)
        if registry is not None:
            lines["operations"] = str(len(registry))
    return _print(lines)


def _operations() -> int:
    from pullback import operations_page

    return _write(operations_page.terminal())


def _print(lines: dict[str, str]) -> int:
    """Print names and values side by side; returns the exit status."""
    return _write("\n".join(f"{name + ':':12}{value}" for name, value in lines.items()))


def _write(text: str) -> int:
    """Print a text; returns the exit status."""
    try:
        print(text)
        sys.stdout.flush()
    except BrokenPipeError:  # `pullback info | head -1`: nobody reads the rest
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    return 0


def _version(module: str) -> str:
    return str(getattr(importlib.import_module(module), "__version__", "unknown"))


# ---- pullback cache ------------------------------------------------------------------------------


def _cache(clear: bool) -> int:
    from pullback.backends.llvm import cache

    folder = cache.directory()
    lines = {"directory": str(folder)}
    reason = cache.refusal(folder) if os.path.lexists(folder) else None
    if reason is not None:  # nothing is read there or removed: it may be somebody else's
        lines["not used"] = reason
        return _print(lines) or FAILURE
    sizes = cache.sizes()
    if clear:
        lines["removed"] = f"{cache.clear()} of {len(sizes)} entries, {sum(sizes) / 1e6:.1f} MB"
    else:
        lines["entries"] = str(len(sizes))
        lines["size"] = f"{sum(sizes) / 1e6:.1f} MB"
    return _print(lines)


# ---- pullback run --------------------------------------------------------------------------------


class _Program:
    """A script that was found: its code, and the ``__main__`` module in which it will run."""

    def __init__(self, code: CodeType, main: ModuleType, argv0: str) -> None:
        self.code = code
        self.main = main
        self.argv0 = argv0


class _CannotStartError(Exception):
    """There is nothing to run: the message for the user, and the exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def _run(find: Callable[[], _Program], arguments: list[str]) -> int:
    """Find a program, run it as ``__main__``, and return its exit status.

    ``SystemExit`` is not caught: the interpreter gives every kind of exit code its meaning.
    """
    # Registered before the script runs, to be called after the script's own exit handlers.
    interrupted: list[KeyboardInterrupt] = []
    atexit.register(_end_as_interrupted, interrupted)
    try:
        install_as_torch()
        sys.argv[1:] = arguments
        program = find()
        sys.argv[0] = program.argv0
        sys.modules["__main__"] = program.main
        exec(program.code, program.main.__dict__)
    except SystemExit:
        raise
    except _CannotStartError as error:
        print(f"pullback run: {error}", file=sys.stderr)
        return error.status
    except BaseException as error:
        uncaught = error
    else:
        return 0
    # Out of the except clause: an error in the script's own hook is not a consequence of ours.
    _report(uncaught)
    if isinstance(uncaught, KeyboardInterrupt):
        interrupted.append(uncaught)
        return INTERRUPTED
    return FAILURE


def _find_script(script: str) -> _Program:
    """The program in a file, a folder, a zip file, or on standard input (``-``)."""
    if script == "-":
        return _read_stdin()
    # As python writes it. Not normalized: after a symbolic link, `..` is not one folder less.
    path = os.path.join(os.getcwd(), script)
    if pkgutil.get_importer(path) is not None:  # something that holds modules: a folder, a zip file
        return _find_in_container(script, path)
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        message = f"can't open file {path!r}: [Errno {error.errno}] {error.strerror}"
        raise _CannotStartError(message, USAGE) from error
    _set_first_path(os.path.dirname(os.path.realpath(path)))
    main = ModuleType("__main__")
    main.__file__ = path
    main.__loader__ = SourceFileLoader("__main__", path)
    main.__dict__["__cached__"] = None
    return _Program(_compile(source, path), main, script)


def _find_in_container(script: str, path: str) -> _Program:
    """The ``__main__.py`` of a folder or of a zip file, which come first on ``sys.path``."""
    spec = importlib.machinery.PathFinder.find_spec("__main__", [path])
    if spec is None or spec.loader is None:
        raise _CannotStartError(f"can't find '__main__' module in {path!r}", FAILURE)
    _set_first_path(path)
    return _from_spec(spec, script)


def _find_module(name: str) -> _Program:
    """The module ``name``, or its ``__main__`` where it is a package, as ``python -m`` does."""
    _set_first_path(os.getcwd())
    sys.argv[0] = "-m"  # what the packages that are imported on the way see
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            package, name = name, f"{name}.__main__"
            spec = importlib.util.find_spec(name)
            if spec is None:
                message = f"{package!r} is a package and cannot be directly executed"
                raise _CannotStartError(f"No module named {name}; {message}", FAILURE)
    except ModuleNotFoundError as error:
        # The parent package is missing; an import that fails inside it is its own affair.
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise _CannotStartError(str(error), FAILURE) from error
    if spec is None or spec.loader is None:
        raise _CannotStartError(f"No module named {name}", FAILURE)
    return _from_spec(spec, spec.origin or name)


def _from_spec(spec: ModuleSpec, argv0: str) -> _Program:
    loader: Any = spec.loader
    code = loader.get_code(spec.name)
    if code is None:
        raise _CannotStartError(f"No code object available for {spec.name}", FAILURE)
    main = ModuleType("__main__")
    main.__spec__ = spec
    main.__loader__ = loader
    main.__package__ = spec.parent
    main.__file__ = spec.origin
    main.__dict__["__cached__"] = spec.cached
    return _Program(code, main, argv0)


def _read_stdin() -> _Program:
    source = sys.stdin.buffer.read()
    _set_first_path("")
    name = "<stdin>"
    code = _compile(source, name)
    # No file to read the lines from again: give them to the tracebacks and warnings to come.
    lines = importlib.util.decode_source(source).splitlines(keepends=True)
    linecache.cache[name] = (len(source), None, lines, name)
    return _Program(code, ModuleType("__main__"), "-")


def _compile(source: bytes, name: str) -> CodeType:
    """Compile bytes, so that an encoding cookie counts; our own ``__future__`` is not inherited."""
    return compile(source, name, "exec", dont_inherit=True)


def _set_first_path(folder: str) -> None:
    """Put ``folder`` where the interpreter put that of this program: first on ``sys.path``.

    The stand-in for processes that the script starts comes next (see ``stand_in/torch.py``).
    Under ``python -P``, scripts have no folder of their own on the path.
    """
    if not sys.flags.safe_path:
        sys.path[:1] = [folder]
    stand_in = os.path.join(os.path.dirname(os.path.abspath(__file__)), "stand_in")
    sys.path.insert(0 if sys.flags.safe_path else 1, stand_in)


# ---- pullback graph ------------------------------------------------------------------------------


def _graph(options: argparse.Namespace, arguments: list[str]) -> int:
    """Run a script, and write the page of its graphs however it ends; the script's exit status."""
    from pullback.graph import explore, record

    # Before the script can change the folder.
    path = os.path.abspath(options.output)
    ended: SystemExit | None = None
    with record() as recording:
        try:
            status = _run(lambda: _find_script(options.script), arguments)
        except SystemExit as error:
            ended, status = error, FAILURE
        recording.look_in(sys.modules["__main__"].__dict__)
    graphs = recording.graphs
    if graphs:
        title = os.path.basename(options.script)
        explore(recording, path=path, title=title, view=not options.no_open)
        count = f"{len(graphs)} graph{'s' * (len(graphs) != 1)}"
        print(f"pullback graph: {count} in {path}", file=sys.stderr)
    else:
        print("pullback graph: nothing that requires a gradient was computed", file=sys.stderr)
        status = status or FAILURE
    if ended is not None:  # the script's own end: the interpreter knows what it means
        raise ended
    return status


# ---- how a script ends ---------------------------------------------------------------------------


def _report(error: BaseException) -> None:
    """Print an uncaught exception, through the script's ``sys.excepthook`` if it has set one."""
    _drop_own_frames(error)
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except SystemExit:
        raise
    except BaseException as hook_error:
        _drop_own_frames(hook_error)
        print("Error in sys.excepthook:", file=sys.stderr)
        sys.__excepthook__(type(hook_error), hook_error, hook_error.__traceback__)
        print("\nOriginal exception was:", file=sys.stderr)
        sys.__excepthook__(type(error), error, error.__traceback__)


def _drop_own_frames(error: BaseException) -> None:
    """Cut off the first frames of the traceback, ours and the import system's."""
    trace = error.__traceback__
    while trace is not None:
        names = trace.tb_frame.f_globals
        if names is not globals() and not str(names.get("__name__")).startswith("importlib."):
            break
        trace = trace.tb_next
    error.__traceback__ = trace


def _end_as_interrupted(interrupted: list[KeyboardInterrupt]) -> None:
    """If the script was interrupted, end this process by SIGINT: the shell shows a status of 130.

    As python does after Ctrl-C: a shell that runs us in a loop then knows to stop the loop.
    """
    if interrupted and os.name == "posix":
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
