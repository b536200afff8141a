"""The sampler at every epoch of a training run: a small file each while it trains, one of the artifact then.

A snapshot holds what the logits of all items follow from (dskreg/model/snapshots.py), so that the
probabilities of any item at any epoch are the model's own. Of a long run on a large catalogue, every second,
third ... epoch is kept, counted from the last. Torch-free.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from dskreg.errors import InputError
from dskreg.storage import folders

MOST = 2_000_000  # numbers that an artifact keeps: 8 MB


class Snapshots:
    """The files of one run, beside its checkpoint, so that a run that is resumed has them all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, epoch: int, entropy: float, state: Mapping[str, np.ndarray]) -> None:
        """Write the snapshot of an epoch, in the place of an earlier one; InputError where that fails."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            found = {"entropy": np.array(entropy, dtype=np.float32), **state}
            folders.save_tensors(found, self._path(epoch))
        except OSError as error:
            raise InputError(f"{self.folder}: cannot be written ({error.strerror or error})") from None

    def read(self, last: int, best: int) -> dict[str, np.ndarray] | None:
        """{epoch `[E]`, entropy `[E]`, state by name `[E, ...]`} up to the epoch `last`; None without any.
        The epoch `best` is always kept.

        An epoch whose file is missing or damaged is left out: a model is worth more than its snapshots.
        """
        found: dict[int, dict[str, np.ndarray]] = {}
        step = 1
        for epoch in range(last, -1, -1):
            if (last - epoch) % step and epoch != best:
                continue
            with suppress(OSError, SafetensorError):
                found[epoch] = load_file(self._path(epoch))
            if epoch == last and found:
                numbers = sum(array.size for array in found[last].values())
                step = max(1, -(-numbers * (last + 1) // MOST))
        if not found:
            return None
        epochs = sorted(found)
        arrays = {name: np.stack([found[epoch][name] for epoch in epochs]) for name in found[epochs[-1]]}
        return {"epoch": np.array(epochs, dtype=np.int32), **arrays}

    def clear(self) -> None:
        """Remove the files."""
        folders.remove(self.folder)

    def _path(self, epoch: int) -> Path:
        return self.folder / f"{epoch}.safetensors"
