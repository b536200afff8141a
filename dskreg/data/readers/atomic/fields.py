"""The tables of RecBole's atomic format: tab-separated, with a header of `name:type`."""

from __future__ import annotations

import pandas as pd

from dskreg.data.readers.files import Files, Source, some
from dskreg.data.readers.tables import Kind, header, table, whole_text
from dskreg.errors import InputError


def one(files: Files, suffix: str) -> Source | None:
    """The one file of the suffix, None without any; InputError for several."""
    found = files.named(f"*.{suffix}")
    if len(found) > 1:
        raise InputError(
            f"{files.chosen or files.path}: expected one file *.{suffix}, found {len(found)} "
            f"({some(found, 3)}); put the rows of all into one file"
        )
    return files.open(found[0]) if found else None


def fields(source: Source) -> dict[str, str]:
    """Type by column name."""
    types = {}
    for field in header(source, "\t"):
        name, _, kind = field.rpartition(":")
        if not name or kind not in ("token", "token_seq", "float", "float_seq"):
            source.fail(
                1, "", "fields name:type (token, token_seq, float or float_seq), separated by tabs", field
            )
        types[name] = kind
    return types


def columns(
    source: Source, wanted: tuple[str, ...], optional: tuple[str, ...] = (), skipped: list[str] | None = None
) -> pd.DataFrame:
    """The columns by their plain names; tokens and sequences as text, floats as numbers, an id 5.0 as 5.

    `skipped`: see `table`.
    """
    types = fields(source)
    for name in wanted:
        if name not in types:
            source.fail(1, "", f"the column {name}", ", ".join(types))
        if types[name] != "token":
            source.fail(1, "", f"{name}:token", f"{name}:{types[name]}")
    taken = {name: types[name] for name in (*wanted, *optional) if name in types}
    kinds: dict[str, Kind] = {
        f"{name}:{kind}": "number" if kind == "float" or name == "label" else "text"
        for name, kind in taken.items()
    }
    rows = table(source, kinds, "\t", skipped).set_axis(list(taken), axis=1)
    for name in wanted:
        if rows[name].str.endswith(".0").any():
            rows[name] = rows[name].map(whole_text)
    return rows
