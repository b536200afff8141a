"""Writing safetensors files; a disk that is full is the OSError that it is for every other file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import save_file


def save_tensors(tensors: Mapping[str, np.ndarray], path: Path) -> None:
    """Write the arrays. Raises OSError, where safetensors has an error of its own."""
    try:
        save_file({name: np.asarray(array, order="C") for name, array in tensors.items()}, path)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        raise (OSError(int(number[1]), os.strerror(int(number[1]))) if number else OSError(str(error))) from None
