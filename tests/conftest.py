"""Settings of the test run."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from browsing import browser

# The same examples every time where a machine decides (CI); new ones where a person can look.
settings.register_profile("steady", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("searching", deadline=None)
settings.load_profile("steady" if os.environ.get("CI") else "searching")


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Without Python's cycle collector: what is released is released by reference counts."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The tests of a file compile into a directory of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULLBACK_CACHE_DIR", str(tmp_path_factory.mktemp("cache") / "objects"))
        yield


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Any]:
    """A browser, for the pages of graphs."""
    window = browser(tmp_path)
    yield window
    window.quit()
