"""`dskreg notes`: the notes that lie beside an artifact, on stdout or in a file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dskreg import arguments as given
from dskreg.console import say, show, tell
from dskreg.errors import InputError
from dskreg.results import opened
from dskreg.text import legible

if TYPE_CHECKING:
    import pandas as pd


class Mark(StrEnum):
    """The marks of a note (dskreg/storage/notes.py)."""

    good = "good"
    bad = "bad"
    odd = "odd"


def notes(
    artifact: given.ArtifactPath,
    out: Annotated[Path | None, typer.Option(help="A .csv or .json file.")] = None,
    mark: Annotated[list[Mark] | None, typer.Option(help="Only this mark; may be repeated.")] = None,
    user: Annotated[str, typer.Option(help="Only this user's recommendations, by id.")] = "",
    item: Annotated[str, typer.Option(help="Only this item, by id or part of the name.")] = "",
    neighbour: Annotated[str, typer.Option(help="Only this neighbour, by id or part of the name.")] = "",
    model: Annotated[
        str, typer.Option(metavar="DIGEST", help="Only the model whose content digest begins with this text.")
    ] = "",
    adult: given.Adult = False,
    json: given.Json = False,
) -> None:
    """The notes on recommendations and neighbours that were made in the app."""
    from dskreg.explore.notes import chosen, records, write

    if out is not None and json:
        raise InputError("--json: prints the notes (got --out)")
    notebook = opened(artifact, adult).notebook
    table, damaged = notebook.read()
    table = chosen(table, [name.value for name in mark or ()], user, item, neighbour, model)
    if out is None:
        show({"notes": records(table)}, json, "\n".join(map(line, table.itertuples())) or "no notes")
    else:
        write(table, out)
        tell(f"{out}: {len(table):,} notes")
    for message in damaged:
        say(f"note: {notebook.file.name}, {message}; the line is left out and stays in the file")


def line(row: pd.Series) -> str:
    """One note as a line."""
    who = "custom profile" if row.user_id is None else f"user {row.user_id}"
    about = f"{row.item} [{row.item_id}]"
    if row.neighbour_id is not None:
        about += f" <- {row.neighbour} [{row.neighbour_id}], {row.relation}"
    said = f": {row.text}" if row.text else ""
    return legible(f"{row.time}  {row.mark:4}  {who}, {about}{said}")
