"""The text format of KGAT, DSKReG and their kin: `train.txt` and `test.txt` (a user and the items, per line), `kg_final.txt` (head, relation, tail, per line).

Items are the entities below the item count. `item_list.txt`, `relation_list.txt` and `entity_list.txt` are optional. The test split is the data's own.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from dskreg.data.dataset import TEST, UNASSIGNED, Dataset
from dskreg.data.kaggle import counted
from dskreg.data.reading import whole_numbers
from dskreg.data.relations import fold_triples
from dskreg.data.sources import Source, open_source

TRAINING, TESTING, GRAPH = "train.txt", "test.txt", "kg_final.txt"
SPARSEST = 100  # items numbered per item that occurs; an id far beyond is a mistake, and every number up to it would be a title
ITEMS, RELATIONS, ENTITIES = "item_list.txt", "relation_list.txt", "entity_list.txt"


def recognises(path: Path) -> bool:
    """Whether the folder `path` looks like this format."""
    return (path / TRAINING).is_file() or (path / GRAPH).is_file()


def read(folder: Path | str) -> Dataset:
    """Read the folder; raises InputError, one line naming file and line, for what is missing or malformed."""
    folder = Path(folder)
    train, test = (_pairs(source) for source in (open_source(folder / TRAINING), open_source(folder / TESTING)))
    item_count = _item_count(folder, train, test)
    pairs = pd.concat([train[0].assign(fold=UNASSIGNED), test[0].assign(fold=TEST)], ignore_index=True)
    distinct = pairs.drop_duplicates(["user", "item"])  # train comes first, so it is kept where a pair is in both
    both = len(pairs) - len(distinct) - sum(int(part[0].duplicated().sum()) for part in (train, test))
    user_ids = np.unique(np.concatenate([train[1], test[1]]))
    items = pd.DataFrame({"item_id": np.arange(item_count), "title": [f"item {n}" for n in range(item_count)]})
    positions, triples = pd.Series(np.arange(item_count)), _triples(open_source(folder / GRAPH))
    graph = fold_triples(triples, positions, list(items["title"]), _names(folder / RELATIONS), _names(folder / ENTITIES), GRAPH)
    never = item_count - distinct["item"].nunique()
    return Dataset(
        name=folder.resolve().name,
        format="text",
        items=items,
        user_ids=user_ids,
        user=np.searchsorted(user_ids, distinct["user"]).astype(np.int32),
        item=distinct["item"].to_numpy().astype(np.int32),
        liked=np.ones(len(distinct), bool),
        fold=distinct["fold"].to_numpy().astype(np.int8),
        **graph.fields(),
        notes=(
            *counted(
                (both, f"pairs in both {TRAINING} and {TESTING}: kept as training pairs"),
                (len(pairs) - len(distinct) - both, "pairs repeated within a file: dropped"),
                (never, "items in no interaction: kept"),
            ),
            *graph.notes,
        ),
    )


def _pairs(source: Source) -> tuple[pd.DataFrame, np.ndarray, Source, np.ndarray]:
    """(columns user and item, the users with or without items, the source, the line of each pair)."""
    values, lines = whole_numbers(source)
    first = np.diff(lines, prepend=0) > 0
    user = values[first][np.cumsum(first) - 1]
    return pd.DataFrame({"user": user[~first], "item": values[~first]}), values[first], source, lines[~first]


def _item_count(folder: Path, *parts: tuple[pd.DataFrame, np.ndarray, Source, np.ndarray]) -> int:
    """From `item_list.txt`, else one more than the largest item of an interaction."""
    if not (folder / ITEMS).exists():
        met = len(np.unique(np.concatenate([part[0]["item"] for part in parts])))
        most = met * SPARSEST + 10_000
        for pairs, _, source, lines in parts:
            if len(pairs) and (largest := int(pairs["item"].max())) >= most:
                at = int(np.argmax(pairs["item"].to_numpy()))
                source.fail(int(lines[at]), "", f"items numbered from 0 without great gaps: below {most:,} for the {met:,} that occur", largest)
        return max((int(part[0]["item"].max()) + 1 for part in parts if len(part[0])), default=0)
    count = _listed_items(open_source(folder / ITEMS))
    for pairs, _, source, lines in parts:
        unknown = pairs["item"].to_numpy() >= count
        if unknown.any():
            at = int(np.argmax(unknown))
            source.fail(int(lines[at]), "", f"an item below {count:,}, the number of items in {ITEMS}", int(pairs["item"].iloc[at]))
    return count


def _listed_items(source: Source) -> int:
    rows = _rows(source)
    _, names = rows[0]
    # The DSKReG files number the interactions' items by satori_id and count remap_id from 1; KGAT's have remap_id only.
    wanted = next((name for name in ("satori_id", "remap_id") if name in names), None)
    if wanted is None:
        source.fail(1, "", "a column satori_id or remap_id", " ".join(names))
    column, ids = names.index(wanted), set()
    for line, fields in rows[1:]:
        if len(fields) != len(names):
            source.fail(line, "", f"{len(names)} fields", str(len(fields)))
        ids.add(_whole(source, line, wanted, fields[column]))
    if ids != set(range(len(ids))):
        gap = min(set(range(len(ids))) - ids)
        source.fail(0, wanted, f"the ids 0 to {len(ids) - 1} without a gap", f"no {gap}")
    return len(ids)


def _rows(source: Source) -> list[tuple[int, list[str]]]:
    """(line, its words) of every line that is not blank."""
    return [(line, words) for line, text in enumerate(source.data.decode().split("\n"), 1) if (words := text.split())]


def _whole(source: Source, line: int, column: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        source.fail(line, column, "a whole number >= 0", text)
    return int(text)


def _names(path: Path) -> dict[object, str]:
    """Name by id from lines `name id` below a header; empty where the file is missing, and without names that are numbers themselves."""
    if not path.exists():
        return {}
    source = open_source(path)
    names: dict[object, str] = {}
    for line, words in _rows(source)[1:]:
        if len(words) < 2:
            source.fail(line, "", "a name and an id", " ".join(words))
        names[_whole(source, line, "remap_id", words[-1])] = " ".join(words[:-1])
    return {id_: name for id_, name in names.items() if not name.isdecimal()}


def _triples(source: Source) -> pd.DataFrame:
    values, lines = whole_numbers(source)
    per_line = np.bincount(lines)
    wrong = np.flatnonzero((per_line != 3) & (per_line != 0))
    if len(wrong):
        source.fail(int(wrong[0]), "", "three numbers: head, relation, tail", f"{per_line[wrong[0]]} numbers")
    return pd.DataFrame(values.reshape(-1, 3), columns=["head", "relation", "tail"])
