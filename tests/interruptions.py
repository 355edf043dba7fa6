"""Ctrl-C at every place of a function, one after the other."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pullback

OURS = (os.path.dirname(pullback.__file__), "<pullback")  # files, and code that was made


class Interrupted(BaseException):
    """Ctrl-C, at a certain place."""


def interrupted(
    function: Callable[[], Any], number: int, counts: Callable[[FrameType], bool]
) -> int:
    """Call a function, and interrupt it at a numbered call inside of pullback; gives their count.

    Python looks for signals where a function begins, and where one of C has ended; `counts` says
    of a frame of ours whether such places in it are among these.
    """
    count = 0

    def look(frame: FrameType, event: str, _: Any) -> None:
        nonlocal count
        ours = frame.f_code.co_filename.startswith(OURS)
        if event in ("call", "c_return") and ours and counts(frame):
            count += 1
            if count == number:
                sys.setprofile(None)
                raise Interrupted

    sys.setprofile(look)
    try:
        function()
    except Interrupted:
        pass
    finally:
        sys.setprofile(None)
    return count
