"""One thread: on a shared machine more of them only wait for each other, and on tiny worlds they gain
nothing.
"""

from __future__ import annotations

import pytest
import torch

torch.set_num_threads(1)


def pytest_configure(config: pytest.Config) -> None:
    """The browser tests, which take longest, stay first; pytest-xdist would put them after longer files."""
    if config.pluginmanager.hasplugin("xdist"):
        config.option.loadscopereorder = False
