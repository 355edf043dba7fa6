"""A C++ compiler: found on the machine or installed with pip; what it built is kept.

Libraries are kept in pullback's cache directory, which must belong to the user and be open to
nobody else (`backends.llvm.cache`), under a name that is a digest of all that decides them: the
sources, the headers they include, the flags, the compiler's version, the processor.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import json
import os
import platform
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pullback.backends.llvm import cache
from pullback.config import config

INCLUDE = Path(__file__).parent / "include"
LIBRARY = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
FLAGS = ("-std=c++17", "-O3", "-fPIC", "-fvisibility=hidden")
LONGEST = 12_000  # characters of a compiler's message that an error shows

_lock = threading.Lock()
_temporary: list[tempfile.TemporaryDirectory[str]] = []


class CompilationError(RuntimeError):
    """The compiler refused: the message is the compiler's."""


def compiler() -> tuple[str, ...]:
    """The command that compiles C++: CXX, c++, g++, clang++, or the `ziglang` package's.

    RuntimeError if there is none.
    """
    given = os.environ.get("CXX")
    if given:
        command = tuple(shlex.split(given))
        if shutil.which(command[0]) is None:
            raise RuntimeError(
                f"the environment variable CXX names the compiler {given!r}, which is not found: "
                f"correct it, or unset it to use any that is"
            )
        return command
    for name in ("c++", "g++", "clang++"):
        found = shutil.which(name)
        if found is not None:
            return (found,)
    if importlib.util.find_spec("ziglang") is not None:
        return (sys.executable, "-m", "ziglang", "c++")
    raise RuntimeError(
        "no C++ compiler was found: neither c++, g++ nor clang++ is on the PATH, and CXX is not "
        "set. `pip install ziglang` installs one, in this Python alone"
    )


@functools.cache
def version(command: tuple[str, ...]) -> str:
    """What a compiler says of itself."""
    answer = _run([*command, "--version"])
    if answer.returncode:
        raise RuntimeError(
            f"the C++ compiler does not run: {shlex.join(command)} --version says\n{answer.stdout}"
        )
    return answer.stdout


def build(
    name: str,
    sources: Mapping[str, str],
    flags: Sequence[str],
    link_flags: Sequence[str],
    includes: Sequence[str],
    folder: Path | None,
    verbose: bool,
) -> Path:
    """The shared library of some sources, {file name or path: text}; built unless it is kept.

    `folder` is where to keep it, instead of the cache. CompilationError with the compiler's words.
    """
    command = compiler()
    if not INCLUDE.is_dir():
        raise RuntimeError(
            f"pullback was imported from a zip file, in which no compiler finds {INCLUDE}: install "
            f"it as a folder (`pip install`) to build extensions"
        )
    include = [f"-I{INCLUDE}", *(f"-I{path}" for path in includes)]
    key = cache.key(
        "library 1", version(command), shlex.join(command), platform.machine(), _processor(),
        *FLAGS, *flags, "link", *link_flags, *include, *(t for s in sources.items() for t in s),
    )  # fmt: skip
    with _lock:
        place = _place(folder)
        kept = _kept(place, key)
        if kept is not None:
            if verbose:
                print(f"{name}: {kept} is up to date")
            return kept
        with tempfile.TemporaryDirectory(dir=place, prefix=".new-") as work:
            library, headers = _compile(
                name, sources, [*command, *FLAGS, *include, *flags], [*command, "-shared"],
                link_flags, Path(work), verbose,
            )  # fmt: skip
            digest = cache.key(key, *headers, *headers.values())
            final = place / f"{name}-{digest[:20]}{LIBRARY}"
            os.replace(library, final)
            note = Path(work) / "note"
            note.write_text(json.dumps({"library": final.name, "headers": headers}))
            os.replace(note, place / f"{key}.json")
        return final


def _compile(
    name: str, sources: Mapping[str, str], command: list[str], linker: list[str],
    link_flags: Sequence[str], work: Path, verbose: bool,
) -> tuple[Path, dict[str, str]]:  # fmt: skip
    """The library, and the digests of the headers that were read."""

    def compile_one(item: tuple[int, tuple[str, str]]) -> Path:
        number, (path, text) = item
        source = Path(path)
        if not source.is_absolute():  # it has no file
            source = work / path
            source.write_text(text, encoding="utf-8")
        target = work / f"{number}.o"
        depends = ["-MMD", "-MF", str(target.with_suffix(".d"))]
        _check(name, [*command, *depends, "-c", str(source), "-o", str(target)], verbose)
        return target

    with ThreadPoolExecutor(config.num_threads) as pool:
        objects = list(pool.map(compile_one, enumerate(sources.items())))
    library = work / f"library{LIBRARY}"
    _check(name, [*linker, *map(str, objects), "-o", str(library), *link_flags], verbose)
    headers = {}
    for target in objects:
        for path in _dependencies(target.with_suffix(".d")):
            if work not in path.parents:
                headers[str(path)] = _digest(path)
    return library, dict(sorted(headers.items()))


def _dependencies(file: Path) -> list[Path]:
    """The files of a makefile's rule."""
    text = file.read_text(encoding="utf-8").replace("\\\n", " ")
    found = shlex.split(text.partition(": ")[2])
    return [Path(path).absolute() for path in found]


def _check(name: str, command: list[str], verbose: bool) -> None:
    if verbose:
        print(shlex.join(command), flush=True)
    answer = _run(command)
    if verbose and answer.stdout:
        print(answer.stdout, end="", flush=True)
    if answer.returncode:
        message = answer.stdout.strip()
        if len(message) > LONGEST:
            message = f"{message[:LONGEST]}\n... and {len(message) - LONGEST} characters more"
        raise CompilationError(
            f"Error building extension {name!r}: the compiler says\n\n{message}\n\n"
            f"The command was: {shlex.join(command)}"
        )


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        check=False, encoding="utf-8", errors="replace",
    )  # fmt: skip


@functools.cache
def _processor() -> str:
    """Code is made for it where flags say so, and by compilers that do so unasked."""
    import llvmlite.binding

    return str(llvmlite.binding.get_host_cpu_name())


def _place(folder: Path | None) -> Path:
    """Where libraries are kept: the cache, if it is sound, or else until the process ends."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        return folder.absolute()
    place = cache.extensions()
    with contextlib.suppress(OSError):
        cache.directory().parent.mkdir(parents=True, exist_ok=True)
        for path in (cache.directory(), place):
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, 0o700)
        if not any(map(cache.refusal, (cache.directory(), place))) and os.access(place, os.W_OK):
            return place
    if not _temporary:
        _temporary.append(tempfile.TemporaryDirectory(prefix="pullback-extensions-"))
    return Path(_temporary[0].name)


def _kept(place: Path, key: str) -> Path | None:
    """The library that was built with the same key, if its headers are what they were."""
    try:
        note = json.loads((place / f"{key}.json").read_text())
        library = place / Path(note["library"]).name
        status = os.lstat(library)
        if any(_digest(Path(path)) != digest for path, digest in note["headers"].items()):
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
        return None
    return library


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
