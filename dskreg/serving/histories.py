"""Tables of users who are not in the data, with the items that they like or have seen: read as plain tables,
their columns recognised by the same names.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from dskreg.data.readers.files import some
from dskreg.data.readers.plain.columns import listed, roles_of
from dskreg.data.readers.plain.sheets import ENDINGS, files_of, names_of, sheet
from dskreg.data.readers.tables import ids, unread, whole_text
from dskreg.errors import InputError
from dskreg.serving.directory import Directory
from dskreg.text import many


@dataclass(frozen=True)
class Histories:
    """P users who are not in the data, in the order of the table, and I items."""

    user_ids: np.ndarray  # [P] int64 or str
    likes: sparse.csr_matrix  # [P, I] 0/1
    seen: sparse.csr_matrix  # [P, I] 0/1: what lists leave out, the likes among it
    notes: tuple[str, ...] = ()


def read(directory: Directory, path: Path, seen: Path | None = None) -> Histories:
    """Read the likes at `path` and what else was seen at `seen`; ids are those of the data, as text.

    Raises:
        InputError: A table that cannot be read, a row without an id, or no item that the data know; one line.
    """
    pairs, notes = _pairs(path)
    users = pd.Index(pairs["user"].unique())
    likes, told = _matrix(directory, pairs, users, path.name)
    if not likes.nnz:
        raise InputError(f"{path.name}: expected items of the catalogue, found none; {told[0]}")
    notes += told
    met = likes
    if seen is not None:
        pairs, of_seen = _pairs(seen)
        others = ~pairs["user"].isin(users)
        further, told = _matrix(directory, pairs[~others], users, seen.name)
        met = likes.maximum(further).tocsr()
        notes += [*of_seen, *told]
        if count := pairs["user"][others].nunique():
            notes.append(f"{many(count, 'user')} of {seen.name} that {path.name} lacks: not used")
    return Histories(ids(pd.Series(users)).to_numpy(), likes, met, tuple(notes))


def _matrix(
    directory: Directory, pairs: pd.DataFrame, users: pd.Index, name: str
) -> tuple[sparse.csr_matrix, list[str]]:
    """0/1 `[P, I]` of the pairs with a known item, and a note on the others."""
    item = pairs["item"].map({token: directory.position(token) for token in pairs["item"].unique()})
    known = item >= 0
    row, column = users.get_indexer(pairs["user"][known]), item[known].to_numpy().astype(np.int64)
    shape = (len(users), len(directory.item_ids))
    found = sparse.csr_matrix((np.ones(len(row), np.float32), (row, column)), shape=shape)
    found.sum_duplicates()
    found.data[:] = 1
    unknown = pairs["item"][~known]
    if unknown.empty:
        return found, []
    items, rows = many(unknown.nunique(), "unknown item"), many(len(unknown), "row")
    return found, [f"{items} in {rows} of {name}, not used: {some(unknown.unique())}"]


def _pairs(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """The columns user and item as text, and notes on the table."""
    if not path.is_file():
        raise InputError(f"{path}: expected a file, found none")
    files = files_of(path)
    names = names_of(files)
    if len(names) != 1:
        raise InputError(f"{path}: expected one table ({', '.join(ENDINGS)}, also .gz or in a zip)")
    found = sheet(files, names[0])
    roles = {name: column for name, column in roles_of(found.columns, {}).items() if name in ("user", "item")}
    if len(roles) < 2:
        raise InputError(
            f"{path.name}: expected columns of users and items, such as user and item, found "
            f"{listed(found.columns)}"
        )
    pairs = found.rows(list(roles.values())).set_axis(list(roles), axis=1).astype(object).map(str.strip)
    pairs["user"] = pairs["user"].map(whole_text)
    for name, column in roles.items():
        found.require(pairs[name] != "", column, "an id", 0)
    if not len(pairs):
        raise InputError(f"{path.name}: expected at least one row, found none")
    return pairs, [*found.notes, *(unread(found.source, roles.values(), found.mark) if found.source else ())]
