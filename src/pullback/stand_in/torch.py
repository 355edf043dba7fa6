"""The `torch` of a process that a script run by ``pullback run`` has started.

``multiprocessing`` may start a fresh interpreter, which knows of its parent little more than
``sys.path``, and imports the script again. ``pullback run`` therefore puts this folder on
``sys.path``: the new process's first ``import torch`` comes here, and is handed to pullback.
"""

import sys

from pullback.torch_alias import install_as_torch

del sys.modules["torch"]  # this very module steps aside
install_as_torch()
