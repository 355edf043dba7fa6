"""Open a file for the person at the screen, or say where it is when nobody can see one."""

import os
import subprocess
import sys
import threading
from pathlib import Path


def show(path: str | os.PathLike[str]) -> bool:
    """Open `path` with the desktop's program for it; True if that worked.

    Anything else (a server, a container, no opener, one that fails) prints the absolute path:
    a picture that was drawn is never lost to the lack of a screen.
    """
    place = Path(path).resolve()
    reason = _open(place)
    if reason:
        print(f"{reason}; the picture is in {place}")
    return not reason


def _open(place: Path) -> str:
    """Open it; what went wrong, or an empty string."""
    if sys.platform == "win32":
        try:
            os.startfile(place)
        except OSError as error:
            return f"Windows could not open the file ({error})"
        return ""
    if sys.platform == "darwin":
        command = "open"
    elif os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        command = "xdg-open"
    else:
        return "There is no display here"
    quiet = subprocess.DEVNULL
    try:
        opener = subprocess.Popen(
            [command, place],
            stdin=quiet,
            stdout=quiet,
            stderr=quiet,
            start_new_session=True,  # Ctrl-C in the script must not close the picture
        )
    except OSError:
        return f"There is no `{command}` program here"
    try:
        status = opener.wait(timeout=OPENER_SECONDS)
    except subprocess.TimeoutExpired:
        # Some openers stay for as long as the window does; the thread only collects the process.
        threading.Thread(target=opener.wait, daemon=True).start()
        return ""
    return f"`{command}` failed with status {status}" if status else ""


OPENER_SECONDS = 3.0
