"""Settings of the test run."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from pullback import config

# The same examples every time where a machine decides (CI); new ones where a person can look.
settings.register_profile("steady", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("searching", deadline=None)
settings.load_profile("steady" if os.environ.get("CI") else "searching")


@pytest.fixture(autouse=True)
def _formulas_are_on_in_their_tests(request: pytest.FixtureRequest) -> Iterator[None]:
    """They are off by default; the tests of formulas turn them on."""
    if request.module.__name__ in ("test_formula", "test_explain", "test_progress"):
        with config(defer_elements=1 << 16):
            yield
    else:
        yield
