"""The text format of KGAT, DSKReG and their kin: `train.txt` and `test.txt` (a user and the items, per line),
`kg_final.txt` (head, relation, tail, per line); `valid.txt` is optional.

Items are the entities below the item count. `item_list.txt`, `user_list.txt`, `relation_list.txt` and
`entity_list.txt` are optional: they give the original ids and names, as far as they can be read. The
split is the data's own. Every file may be gzipped or lie in a zip.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from dskreg.data import own_split
from dskreg.data.dataset import Dataset, counted
from dskreg.data.readers.files import Files, Folder, Source, files_at
from dskreg.data.readers.tables import ids, whole_numbers, whole_text
from dskreg.data.readers.triples import fold_triples
from dskreg.errors import InputError
from dskreg.text import last_part

TRAINING, VALIDATING, TESTING, GRAPH = "train.txt", "valid.txt", "test.txt", "kg_final.txt"
# Items numbered per item that occurs; an id far beyond is a mistake, and every number up to it would be a
# item
SPARSEST = 100
ITEMS, USERS, RELATIONS, ENTITIES = "item_list.txt", "user_list.txt", "relation_list.txt", "entity_list.txt"

Pairs = tuple[pd.DataFrame, np.ndarray, Source, np.ndarray]
"""(columns user and item, the users with or without items, the source, the line of each pair)."""


def recognises(path: Folder) -> bool:
    """Whether the folder, or the zip, at `path` looks like this format."""
    return not {TRAINING, GRAPH}.isdisjoint(files_at(path).places)


def read(folder: Folder) -> Dataset:
    """Read the folder, or the zip, at `folder`; raises InputError, one line naming file and line, for what is
    missing or malformed.
    """
    files = files_at(folder)
    names = [TRAINING, *([VALIDATING] if VALIDATING in files else []), TESTING]
    folds = own_split.folds(own_split.parts(names))
    parts = [_pairs(files.open(name)) for name in folds]
    triples = threes(files.open(GRAPH), "head", "relation", "tail")
    listed, notes = _lists(files)
    item_count, beyond = count_of_items(parts, listed[ITEMS])
    if not item_count:
        raise InputError(f"{', '.join(folds)}: expected at least one item, found none")
    pairs = pd.concat(
        [part[0].assign(fold=fold) for part, fold in zip(parts, folds.values(), strict=True)],
        ignore_index=True,
    )
    # Train comes first, so it is kept where a pair is in several
    distinct = pairs.drop_duplicates(["user", "item"])
    both = len(pairs) - len(distinct) - sum(int(part[0].duplicated().sum()) for part in parts)
    users = np.unique(np.concatenate([part[1] for part in parts]))
    user_ids, of_users = _original(users, listed[USERS], USERS, "user")
    items, of_items = items_of(item_count, listed[ITEMS])
    called: list[dict[object, str]] = [
        {id_: name for id_, name in listed[file].items() if not name.isdecimal()}
        for file in (RELATIONS, ENTITIES)
    ]
    graph = fold_triples(
        triples, pd.Series(np.arange(item_count)), list(items["title"]), called[0], called[1], GRAPH
    )
    return Dataset(
        name=files.path.resolve().name.removesuffix(".zip"),
        format="text",
        items=items,
        user_ids=user_ids.to_numpy(),
        user=np.searchsorted(users, distinct["user"]).astype(np.int32),
        item=distinct["item"].to_numpy().astype(np.int32),
        liked=np.ones(len(distinct), bool),
        fold=distinct["fold"].to_numpy().astype(np.int8),
        **graph.fields(),
        notes=(
            *counted(
                (both, "pair", f"in several of {', '.join(folds)}: kept in the first"),
                (len(pairs) - len(distinct) - both, "pair", "repeated within a file: dropped"),
                (item_count - distinct["item"].nunique(), "item", "in no interaction: kept"),
            ),
            *notes,
            *beyond,
            *of_items,
            *of_users,
            *graph.notes,
        ),
        numbered=True,
    )


def _pairs(source: Source) -> Pairs:
    values, lines = whole_numbers(source)
    first = np.diff(lines, prepend=0) > 0
    user = values[first][np.cumsum(first) - 1]
    return pd.DataFrame({"user": user[~first], "item": values[~first]}), values[first], source, lines[~first]


def count_of_items(parts: list[Pairs], listed: dict[int, str]) -> tuple[int, list[str]]:
    """One more than the largest item of an interaction, or all of a list from 0 without a gap; and what of
    the list is not used.

    Raises:
        InputError: An item far beyond all others.
    """
    met = len(np.unique(np.concatenate([part[0]["item"] for part in parts])))
    most, count = max(met, len(listed)) * SPARSEST + 10_000, 0
    for pairs, _, source, lines in parts:
        if len(pairs) and (largest := int(pairs["item"].max())) >= most:
            at = int(np.argmax(pairs["item"].to_numpy()))
            source.fail(
                int(lines[at]),
                "",
                f"items numbered from 0 without great gaps: below {most:,} for the {met:,} that occur",
                largest,
            )
        count = max(count, int(pairs["item"].max()) + 1 if len(pairs) else 0)
    if max(listed, default=-1) + 1 == len(listed):
        count = max(count, len(listed))
    return count, counted(
        (
            sum(n >= count for n in listed),
            "row",
            f"of {ITEMS} with a number beyond those of the interactions, after a gap: not used",
        )
    )


def items_of(count: int, listed: dict[int, str], file: str = ITEMS) -> tuple[pd.DataFrame, list[str]]:
    """The catalogue and notes.

    An original id of letters is the title too, of a whole URI its last part; where some hold blanks or
    commas, all are names and no ids.
    """
    numbers = np.arange(count)
    named = any(re.search(r"[\s,]", listed.get(n, "")) for n in range(count))
    own, notes = _original(numbers, {} if named else listed, file, "item")
    called = [last_part(listed.get(n) or id_) for n, id_ in enumerate(own.astype(str))]
    items = pd.DataFrame(
        {"item_id": own, "title": [f"item {name}" if name.isdecimal() else name for name in called]}
    )
    items["title"] = items["title"].where(
        ~items["title"].duplicated(keep=False), items["title"] + " (" + items["item_id"].astype(str) + ")"
    )
    return items, [
        f"{file} holds names (with blanks or commas): used as titles, the ids are the numbers"
    ] if named else notes


def _original(
    numbers: np.ndarray, listed: dict[int, str], file: str, noun: str
) -> tuple[pd.Series, list[str]]:
    """The original id of each number, or the number itself where the list has none of its own for it; and
    notes.
    """
    if not listed:
        return pd.Series(numbers), []
    given = pd.Series([listed.get(n, "") for n in numbers.tolist()], dtype=object)
    missing = given == ""
    repeated = given.duplicated(keep=False) & ~missing
    own = given.where(~missing & ~repeated, pd.Series(numbers).astype(str))
    if own.duplicated().any():
        return pd.Series(numbers), [
            f"{file}: some {noun}s have no original id of their own, and their number is another one's: all "
            "are called by number"
        ]
    return ids(own), counted(
        (int(missing.sum()), noun, f"without an original id in {file}: called by number"),
        (int(repeated.sum()), noun, f"with the original id of another one in {file}: called by number"),
    )


def _lists(files: Files) -> tuple[dict[str, dict[int, str]], list[str]]:
    """The optional files by name, each {number: original id or name}, as far as they can be read; and notes
    on what cannot.
    """
    listed: dict[str, dict[int, str]] = {}
    notes: list[str] = []
    for file in (ITEMS, USERS, RELATIONS, ENTITIES):
        listed[file] = {}
        if file in files:
            try:
                listed[file], told = _listed(files.open(file))
                notes += told
            except InputError as error:
                notes.append(f"{file} is not used: {error}")
    return listed, notes


def _listed(source: Source) -> tuple[dict[int, str], list[str]]:
    """What the rows below the header give each number (the last row where several do), and notes on the rows
    that cannot be read.
    """
    lines = [(line, text) for line, text in enumerate(source.data.decode().split("\n"), 1) if text.strip()]
    names = lines[0][1].split()
    # The DSKReG files number the interactions' items by satori_id and count remap_id from 1; KGAT's have
    # remap_id only.
    number = next((name for name in ("satori_id", "remap_id") if name in names), None)
    if number is None or len(names) < 2:
        source.fail(lines[0][0], "", "a name and a column satori_id or remap_id", " ".join(names))
    column, name = (
        names.index(number),
        names.index("org_id") if "org_id" in names else int(names[0] == number),
    )
    found: dict[int, str] = {}
    wrong, again = [], 0
    for line, text in lines[1:]:
        try:
            fields = _fields(text, len(names), name)
            if len(fields) != len(names):
                source.fail(line, "", f"{len(names)} fields", str(len(fields)))
            id_ = _whole(source, line, number, fields[column])
            again += id_ in found
            found[id_] = fields[name]
        except InputError as error:
            wrong.append(error)
    return found, [
        *counted(
            (len(wrong), "row", f"of {source.name} not read: {next(iter(wrong), '')}"),
            (again, "row", f"of {source.name} with a number that comes again: the last is kept"),
        ),
    ]


def _fields(text: str, count: int, name: int) -> list[str]:
    """The fields of a line: between tabs, where that gives `count` of them, else between blanks, those too
    many part of the field `name`.
    """
    if "\t" in text and len(parts := text.rstrip("\r").split("\t")) == count:
        return [part.strip() for part in parts]
    words = text.split()
    more = max(0, len(words) - count)
    return [*words[:name], " ".join(words[name : name + more + 1]), *words[name + more + 1 :]]


def _whole(source: Source, line: int, column: str, text: str) -> int:
    text = whole_text(text)
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        source.fail(line, column, "a whole number >= 0", text)
    return int(text)


def threes(source: Source, *columns: str) -> pd.DataFrame:
    """The rows of a file with three whole numbers >= 0 on each line."""
    values, lines = whole_numbers(source)
    per_line = np.bincount(lines)
    wrong = np.flatnonzero((per_line != 3) & (per_line != 0))
    if len(wrong):
        found = f"{per_line[wrong[0]]} numbers"
        source.fail(int(wrong[0]), "", f"three numbers: {', '.join(columns)}", found)
    return pd.DataFrame(values.reshape(-1, 3), columns=list(columns), index=lines[::3])
