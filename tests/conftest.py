"""One thread: on a shared machine more of them only wait for each other, and on tiny worlds they gain
nothing.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is imported, and for the processes of the tests

import torch

torch.set_num_threads(1)
