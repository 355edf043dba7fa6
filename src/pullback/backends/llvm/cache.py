"""Compiled objects on disk, shared by processes.

Machine code is trusted as far as its directory: it must belong to the user, be open to nobody
else, and not be a link. An entry is a checksum and the object; what is damaged, foreign or
unreadable counts as absent, and a disk that cannot be written costs the cache, not the run.
A process that stores an object looks once whether there are too many, and removes those that
nobody has used for the longest time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
import tempfile
import time
from pathlib import Path

FORMAT = b"pullback-object-1\n"
SUFFIX = ".pbo"
LIMIT = 512_000_000  # bytes of objects
KEPT = 0.75  # the share of them that stays when there are more
USED = 24 * 3600.0  # seconds after which a use is written down again

_looked: set[Path] = set()  # the directories whose size this process has looked at


def directory() -> Path:
    """Where objects are kept: PULLBACK_CACHE_DIR, or the platform's directory for caches."""
    if given := os.environ.get("PULLBACK_CACHE_DIR"):
        return Path(given)
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "pullback"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "pullback"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "pullback"


def extensions() -> Path:
    """Where the libraries of C++ extensions are kept."""
    return directory() / "extensions"


def refusal(path: Path) -> str | None:
    """Why a directory is not used, or None if it is sound."""
    try:
        status = os.lstat(path)
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    if not stat.S_ISDIR(status.st_mode):
        return f"{path} is not a directory (links are not followed)"
    if hasattr(os, "getuid"):
        if status.st_uid != os.getuid():
            return f"{path} belongs to another user"
        if status.st_mode & 0o077:
            return f"{path} is open to other users: chmod 700 it"
    return None


def key(*parts: str) -> str:
    """The name of an entry: a digest of everything that decides the object."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "little"))
        digest.update(encoded)
    return digest.hexdigest()[:40]


def get(name: str) -> bytes | None:
    """The object stored under a name, if there is a sound one."""
    folder = directory()
    if refusal(folder) is not None:
        return None
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(folder / (name + SUFFIX), flags)
    except OSError:
        return None
    try:
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(file.fileno())
            if hasattr(os, "getuid") and status.st_uid != os.getuid():
                return None
            if time.time() - status.st_mtime > USED:
                _touch(file.fileno())
            data = file.read()
    except OSError:
        return None
    head, checksum, payload = (
        data[: len(FORMAT)],
        data[len(FORMAT) :][:32],
        data[len(FORMAT) + 32 :],
    )
    if head != FORMAT or _checksum(name, payload) != checksum:
        return None
    return payload


def put(name: str, payload: bytes) -> bool:
    """Store an object; False if that was not possible. Writers never disturb one another."""
    folder = directory()
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)
        if refusal(folder) is not None:
            return False
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".new-")
        with os.fdopen(handle, "wb") as file:
            file.write(FORMAT + _checksum(name, payload) + payload)
        os.replace(temporary, folder / (name + SUFFIX))
        if folder not in _looked:
            _looked.add(folder)
            prune()
        return True
    except OSError:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        return False


def prune(limit: int = LIMIT) -> int:
    """Remove the objects that were not used for longest, if all take more than `limit` bytes.

    Gives the number of those removed. Another process may have loaded them: it keeps its copy.
    """
    found = []
    for path in directory().glob("*" + SUFFIX):
        with contextlib.suppress(OSError):  # removed by another process since
            status = path.lstat()
            found.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in found)
    if total <= limit:
        return 0
    removed = 0
    for _, size, path in sorted(found):
        if total <= KEPT * limit:
            break
        with contextlib.suppress(OSError):
            path.unlink()
            removed += 1
        total -= size
    return removed


def _touch(handle: int) -> None:
    """Write down that an object was used now, where the file system lets us."""
    if os.utime in os.supports_fd:
        with contextlib.suppress(OSError):
            os.utime(handle)


def sizes() -> list[int]:
    """The bytes of every entry."""
    found = []
    for path in _entries():
        with contextlib.suppress(OSError):  # removed by another process since
            found.append(path.lstat().st_size)
    return found


def clear() -> int:
    """Remove every entry; gives their number."""
    removed = 0
    for path in _entries():
        with contextlib.suppress(OSError):
            path.unlink()
            removed += 1
    if refusal(directory()) is None:
        for path in directory().glob(".new-*"):
            with contextlib.suppress(OSError):
                path.unlink()
        if refusal(extensions()) is None:
            for path in extensions().glob("*.json"):  # what the libraries were built of
                with contextlib.suppress(OSError):
                    path.unlink()
    return removed


def _entries() -> list[Path]:
    if refusal(directory()) is not None:
        return []
    found = list(directory().glob("*" + SUFFIX))
    if refusal(extensions()) is None:
        found += [p for p in extensions().iterdir() if p.suffix in (".so", ".dylib", ".dll")]
    return found


def _checksum(name: str, payload: bytes) -> bytes:
    return hashlib.sha256(name.encode() + payload).digest()
