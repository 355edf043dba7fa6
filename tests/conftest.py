"""Settings of the test run."""

import os

from hypothesis import settings

# The same examples every time where a machine decides (CI); new ones where a person can look.
settings.register_profile("steady", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("searching", deadline=None)
settings.load_profile("steady" if os.environ.get("CI") else "searching")
