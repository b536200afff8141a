"""Tables of users who are not in the data, with the items that they like or have seen: CSV, TSV or parquet,
the columns `user` and `item` (or `user_id` and `item_id`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import sparse

from dskreg.data.readers.files import SHOWN, open_source, short
from dskreg.data.readers.tables import header, ids, table, unread, whole_text
from dskreg.errors import InputError
from dskreg.serving.directory import Directory

FORMATS = (".csv", ".tsv", ".parquet")
COLUMNS = {"user": ("user", "user_id"), "item": ("item", "item_id")}
NAMED = 5  # unknown items in a note


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
            notes.append(f"{count:,} users of {seen.name} that {path.name} lacks: not used")
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
    named = [short(token, SHOWN) for token in unknown.unique()[: NAMED + 1]]
    if not named:
        return found, []
    listed = ", ".join(named[:NAMED]) + (", ..." if len(named) > NAMED else "")
    return found, [
        f"{unknown.nunique():,} unknown items in {len(unknown):,} rows of {name}, not used: {listed}"
    ]


def _pairs(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """The columns user and item as text, and a note on further columns."""
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if suffix not in FORMATS or (path.suffix == ".gz" and suffix == ".parquet"):
        raise InputError(f"{path}: expected a file ending in {', '.join(FORMATS)}")
    notes: list[str] = []
    if suffix == ".parquet":
        try:
            rows = pq.read_table(path).to_pandas()
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{path}: cannot be read as parquet ({str(error).splitlines()[0]})") from None
        columns = _columns(path, [str(name) for name in rows])
        pairs = pd.DataFrame({name: rows[column] for name, column in columns.items()})
        pairs = pairs.astype(object).where(pairs.notna(), "").map(str)
    else:
        source, delimiter = open_source(path), "," if suffix == ".csv" else "\t"
        columns = _columns(path, header(source, delimiter))
        pairs = table(source, dict.fromkeys(columns.values(), "text"), delimiter)
        pairs = pairs.set_axis(list(columns), axis=1).astype(object)
        notes = unread(source, list(columns.values()), delimiter)
    pairs = pairs.map(str.strip).assign(user=pairs["user"].map(whole_text))
    for name in pairs:
        if (pairs[name] == "").any():
            row = int(np.argmax(pairs[name] == "")) + 1
            raise InputError(
                f"{path.name}, row {row}, column {columns[str(name)]}: expected an id, found none"
            )
    if not len(pairs):
        raise InputError(f"{path.name}: expected at least one row, found none")
    return pairs, notes


def _columns(path: Path, names: list[str]) -> dict[str, str]:
    """{user or item: what the table calls it}."""
    found = {}
    for wanted, forms in COLUMNS.items():
        alike = [name for form in forms for name in names if name.strip().casefold() == form]
        if not alike:
            raise InputError(
                f"{path.name}: expected a column {wanted!r}, found {short(', '.join(names) or 'none')}"
            )
        found[wanted] = alike[0]
    return found
