"""Folders of RippleNet, KGCN and MKR after their `preprocess.py`: `ratings_final.txt` (user, item, label) and
`kg_final.txt` (head, relation, tail), numbers alone. The item on line n of `item_index2entity_id*.txt`, which
gives its original id, is the entity n. As published they are plain tables.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from dskreg.data.dataset import UNASSIGNED, Dataset, counted
from dskreg.data.readers.files import Files, Folder, files_at
from dskreg.data.readers.kgat import GRAPH, count_of_items, items_of, threes
from dskreg.data.readers.plain.sheets import Sheet
from dskreg.data.readers.triples import fold_triples

RATINGS, INDEX = "ratings_final.txt", "item_index2entity_id*.txt"


def recognises(path: Folder) -> bool:
    """Whether the folder, or the zip, at `path` looks like this format."""
    return RATINGS in files_at(path).places


def _index(files: Files) -> tuple[str, pd.DataFrame]:
    """The name of the index ("" without one), and its columns item and entity as text."""
    names = files.named(INDEX)
    if not names:
        return "", pd.DataFrame(columns=["item", "entity"], dtype=str)
    return names[-1], _rows(files, names[-1], ("item", "entity"))  # of two the one that was used last


def _rows(files: Files, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """The rows of a file without header, its fields between tabs, as text."""
    rows = Sheet(name, columns, "\t", columns, files).rows(list(columns))
    return rows.apply(lambda column: column.str.strip())


def read(folder: Folder) -> Dataset:
    """Read the folder, or the zip, at `folder`; raises InputError, one line naming file and line, for what is
    missing or malformed.
    """
    files = files_at(folder)
    source = files.open(RATINGS)
    rows = threes(source, "user", "item", "label")
    if (rows["label"] > 1).any():
        line = int((rows["label"] > 1).idxmax())
        source.fail(line, "", "a label 0 or 1", int(rows["label"].max()))
    name, index = _index(files)
    listed = dict(enumerate(index["item"]))
    liked = rows[rows["label"] == 1]
    pairs = liked.drop_duplicates(["user", "item"])
    triples = threes(files.open(GRAPH), "head", "relation", "tail")
    parts = (rows[["user", "item"]].reset_index(drop=True), np.empty(0, np.int64), source, rows.index.values)
    count, _ = count_of_items([parts], listed)
    items, of_items = items_of(count, listed, name)
    users, user = np.unique(pairs["user"], return_inverse=True)
    graph = fold_triples(triples, pd.Series(np.arange(count)), list(items["title"]), {}, {}, GRAPH)
    return Dataset(
        name=files.path.resolve().name.removesuffix(".zip"),
        format="text",
        items=items,
        user_ids=users,
        user=user.astype(np.int32),
        item=pairs["item"].to_numpy().astype(np.int32),
        liked=np.ones(len(pairs), bool),
        fold=np.full(len(pairs), UNASSIGNED, np.int8),
        **graph.fields(),
        notes=(
            *counted(
                (
                    len(rows) - len(liked),
                    "row",
                    f"of {RATINGS} with the label 0 (sampled negatives, no interactions): dropped",
                ),
                (len(liked) - len(pairs), "row", f"of {RATINGS} repeated: dropped"),
            ),
            *of_items,
            *graph.notes,
        ),
        numbered=True,
    )
