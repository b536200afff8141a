"""Folders of RippleNet, KGCN and MKR, which lead from items to entities by `item_index2entity_id*.txt` (item,
entity; one line per item).

As published they hold a table of ratings, read as a plain table, and triples of entities in `kg*.txt`. After
the projects' `preprocess.py` they hold numbers: `ratings_final.txt` (user, item, label) and `kg_final.txt`,
where the item on line n of the index is the entity n. Where both are there the numbers are read.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from dskreg.config import DataConfig
from dskreg.data.dataset import UNASSIGNED, Dataset, counted
from dskreg.data.readers.files import Files, files_at
from dskreg.data.readers.kgat import GRAPH, count_of_items, items_of, threes
from dskreg.data.readers.plain.plan import plan
from dskreg.data.readers.plain.reader import dataset_of
from dskreg.data.readers.plain.sheets import Sheet
from dskreg.data.readers.tables import whole_text
from dskreg.data.readers.triples import Triples, fold_triples

RATINGS, INDEX = "ratings_final.txt", "item_index2entity_id*.txt"
_TRIPLES = "kg*.txt"


def recognises(path: Path) -> bool:
    """Whether the folder, or the zip, at `path` looks like this format."""
    files = files_at(path)
    return RATINGS in files.openers or bool(files.named(INDEX))


def read(folder: Path, config: DataConfig, columns: str | None = None) -> Dataset:
    """Read the folder, or the zip, at `folder`; `columns` are those of `--columns` for the table of ratings.

    Raises InputError, one line naming file and line, for what is missing or malformed.
    """
    files = files_at(folder)
    if RATINGS in files and not columns:
        return _numbers(folder, files)
    found = plan(folder, columns)
    found = replace(found, settings=replace(found.settings, relations=()), triples=None)
    return _linked(dataset_of(found, config), files)


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


def _numbers(folder: Path, files: Files) -> Dataset:
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
        name=folder.resolve().name.removesuffix(".zip"),
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
                    f"rows of {RATINGS} with the label 0 (sampled negatives, no interactions): dropped",
                ),
                (len(liked) - len(pairs), f"repeated rows of {RATINGS}: dropped"),
            ),
            *of_items,
            *graph.notes,
        ),
        numbered=True,
    )


def _linked(data: Dataset, files: Files) -> Dataset:
    """The data with the triples that the index leads to."""
    name, index = _index(files)
    ids = data.items["item_id"].astype(str)
    position = pd.Series(np.arange(len(ids)), index=ids)
    unknown, shared = ~index["item"].isin(ids), index["entity"].duplicated()
    known = index[~unknown & ~shared]
    item_of = pd.Series(position[known["item"]].to_numpy(), index=known["entity"])
    graph = _graph(files, item_of, list(data.items["title"]))
    return replace(
        data,
        **graph.fields(),
        notes=(
            *data.notes,
            *counted(
                (int(unknown.sum()), f"rows of {name} with an item in no interaction: not used"),
                (int((shared & ~unknown).sum()), f"rows of {name} with an entity that came before: dropped"),
                (len(set(ids) - set(known["item"])), f"items that {name} gives no entity: kept"),
            ),
            *graph.notes,
        ),
    )


def _graph(files: Files, item_of: pd.Series, titles: list[str]) -> Triples:
    names = [name for name in files.named(_TRIPLES) if name != GRAPH]
    if not names:
        raise files.lacks("kg.txt (head, relation, tail)", "kg.txt")
    columns = ("head", "relation", "tail")
    triples = pd.concat([_rows(files, name, columns) for name in names], ignore_index=True)
    named = {
        column: {text: text for text in triples[column].unique() if not whole_text(text).isdecimal()}
        for column in columns
    }
    return fold_triples(triples, item_of, titles, named["relation"], named["head"] | named["tail"], names[0])
