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
    """Write the arrays to a file that whoever may read new files of this process may read.

    Raises OSError, where safetensors has an error of its own.
    """
    path.touch()
    mode = path.stat().st_mode
    try:
        save_file({name: np.asarray(array, order="C") for name, array in tensors.items()}, path)
        path.chmod(mode)  # safetensors renames a private temporary file, which nobody else could read
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        raise (
            OSError(int(number[1]), os.strerror(int(number[1]))) if number else OSError(str(error))
        ) from None
