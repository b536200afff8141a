"""The vectors of items and users in files that other tools read: a folder with a folder for each side.

    items-before   e_i                    users-before   e_u, in the evidence form e_hat_u
    items-after    e_hat_i                users-after    e_hat_u

In the evidence form the graph changes items alone: a score is the inner product of a row of `users-after`
and one of `items-after`, and with `items-before` it is what the item's own embedding contributes. In the
paper's form e_hat_i depends on the user; `items-after` is for a user without preference among relations.

Each folder holds the same rows twice: `vectors.parquet` (ids, names and a column `vector`), and the pair that
the TensorBoard embedding projector loads, `vectors.tsv` (numbers alone) with `metadata.tsv` (its columns
named in the first row).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from dskreg.console import Progress, silent
from dskreg.embedding.users import user_vectors
from dskreg.errors import InputError
from dskreg.serving.trained import TrainedModel
from dskreg.storage import folders
from dskreg.text import harmless, legible

SETS = ("items-before", "items-after", "users-before", "users-after")
FILES = ("vectors.parquet", "vectors.tsv", "metadata.tsv")
ROWS = 512  # vectors held and written at once
_NUMBERS = pyarrow.csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
_DESCRIBING = ("item_id", "title", "type", "genres", "likes")

Vectors = Callable[[np.ndarray], np.ndarray]
"""(positions `[n]`) -> their vectors `[n, D]`."""


def refuse_other(folder: Path) -> None:
    """Raise InputError where `folder` holds anything but such vectors: it is never replaced."""
    if folder.exists() and (not folder.is_dir() or {path.name for path in folder.iterdir()} - set(SETS)):
        raise InputError(f"{folder}: exists and holds other files; choose another --vectors")


def write_vectors(core: TrainedModel, folder: Path, progress: Progress = silent) -> dict[str, int]:
    """Write the four sets to `folder`, whole or not at all; {set: rows}. Items that the model keeps out of
    lists are left out.

    Raises:
        InputError: The folder holds something else, or cannot be written.
    """
    refuse_other(folder)
    before, after = core.representations
    items, users = np.flatnonzero(~core.kept_out), np.arange(len(core.artifact.dataset.user_ids))
    columns = [name for name in _DESCRIBING if name != "type" or core.items["type"].any()]
    of_items = core.items[columns].iloc[items].reset_index(drop=True)
    of_users = pd.DataFrame(
        {
            "user_id": core.artifact.dataset.user_ids,
            "likes": np.diff(core.directory.history.indptr),
        }
    )
    found: dict[str, tuple[pd.DataFrame, np.ndarray, Vectors]] = {
        "items-before": (of_items, items, lambda rows: before[rows]),
        "items-after": (of_items, items, lambda rows: after[rows]),
        "users-before": (of_users, users, _before(core)),
        "users-after": (of_users, users, _after(core)),
    }
    with folders.replacing(folder, "--vectors") as new:
        for name, (described, positions, vectors) in found.items():
            (new / name).mkdir()
            steps = _write(new / name, described, positions, vectors)
            for _ in progress(steps, -(-len(positions) // ROWS), name):
                pass
    return {name: len(positions) for name, (_, positions, _) in found.items()}


def _after(core: TrainedModel) -> Vectors:
    """e_hat_u as it is served: 0 of a user without a like."""
    history = core.directory.history
    known = np.diff(history.indptr) > 0
    return lambda rows: user_vectors(core.model, rows, history) * known[rows, None]


def _before(core: TrainedModel) -> Vectors:
    """e_u; in the evidence form, which has none, e_hat_u."""
    if core.all_liked:
        return _after(core)
    embedding = core.model.user_embedding.numpy()
    return lambda rows: embedding[rows]


def _write(folder: Path, described: pd.DataFrame, positions: np.ndarray, vectors: Vectors) -> Iterator[int]:
    """Write the three files block by block; the number of rows of each block."""
    shown = described.assign(**{name: described[name].astype(str) for name in _texts(described)})
    with ExitStack() as stack:
        plain = stack.enter_context((folder / FILES[1]).open("wb"))
        named = stack.enter_context((folder / FILES[2]).open("w", encoding="utf-8", newline=""))
        writer = None
        named.write(_rows(pd.DataFrame([list(shown)])))
        for start in range(0, max(len(positions), 1), ROWS):
            at = slice(start, start + ROWS)
            block = np.ascontiguousarray(vectors(positions[at]), dtype=np.float32)
            table = pa.Table.from_pandas(shown[at], preserve_index=False).append_column(
                "vector", pa.FixedSizeListArray.from_arrays(pa.array(block.ravel()), block.shape[1])
            )
            if writer is None:
                writer = stack.enter_context(pq.ParquetWriter(folder / FILES[0], table.schema))
            writer.write_table(table)
            numbers = pa.table({str(n): column for n, column in enumerate(block.T)})
            pyarrow.csv.write_csv(numbers, plain, _NUMBERS)
            named.write(_rows(shown[at]))
            yield len(block)


def _texts(table: pd.DataFrame) -> list[str]:
    return [str(name) for name in table if not pd.api.types.is_numeric_dtype(table[name])]


def _rows(table: pd.DataFrame) -> str:
    """The rows between tabs, each text on one line; there are no quotes in such a file."""
    safe = harmless(table.apply(lambda column: [legible(str(cell)) for cell in column]))
    return "".join("\t".join(row) + "\n" for row in safe.itertuples(index=False))
