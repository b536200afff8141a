"""One thread: on a shared machine more of them only wait for each other, and on tiny worlds they gain
nothing.
"""

from __future__ import annotations

import torch

torch.set_num_threads(1)
