"""`dskreg inspect`: what is recognised in data, and a draft of its `dataset.toml`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from dskreg import arguments as given
from dskreg.config import DataConfig
from dskreg.console import say, show
from dskreg.data.readers import load
from dskreg.data.readers.plain import reader
from dskreg.data.readers.plain.inspection import inspected
from dskreg.data.readers.plain.settings import FILE, written
from dskreg.errors import InputError


def inspect(
    data: given.Data,
    columns: given.Columns = None,
    write: Annotated[
        bool,
        typer.Option("--write", help=f"Write {FILE} to the folder, a draft to correct."),
    ] = False,
    json: given.Json = False,
) -> None:
    """What is recognised in data: tables, columns, threshold, relations; what is left out."""
    config = DataConfig()
    named = ", ".join(data)
    if load.is_demo(data) or not (columns or load.reader_of(load.there(data)) is reader.read):
        if write:
            raise InputError(f"--write: goes with plain tables; the format of {named} is fixed")
        found = load.load(data, config)
        document: dict[str, Any] = {
            "data": named,
            "format": found.format,
            "users": len(found.user_ids),
            "items": len(found.items),
        }
        document |= {"interactions": len(found.user), "likes": int(found.liked.sum())}
        document |= {
            "relations": [{"relation": name} for name in found.relations],
            "notes": list(found.notes),
        }
        show(document, json, text(document))
        return
    path = load.there(data)
    folder = path if isinstance(path, Path) and path.is_dir() else None
    if write and folder is None:
        raise InputError(f"--write: expected a folder for {FILE} (got {named})")
    rest, draft = inspected(path, config, columns)
    document = {"data": named, **rest}
    show(document, json, text(document))
    if write and folder is not None:
        _write(folder / FILE, written(draft))


def _write(path: Path, content: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError:
        raise InputError(f"{path}: is there already; delete it to have it written anew") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
    say(f"{path}: written; dskreg train reads the folder by it")


def text(document: dict[str, Any]) -> str:
    """The document as lines."""
    lines = [
        f"{document['data']}: format {document['format']}, {document['users']:,} users, "
        f"{document['items']:,} items, {document['interactions']:,} interactions, {document['likes']:,} likes"
    ]
    for table in document.get("tables", ()):
        lines.append(f"\n{table['file']}: {table['use']}")
        if "roles" in table:
            separator = f"separated by {table['separator']!r}; " if table["separator"] else ""
            roles = ", ".join(f"{role} = {column}" for role, column in table["roles"].items())
            lines.append(f"  {separator}{roles}")
    if document["relations"]:
        lines.append("\nrelations")
    for row in document["relations"]:
        rule = f" from {row['column']}: {row['rule']}, {row['items']:,} items" if "rule" in row else ""
        lines.append(f"  {row['relation']}{rule}")
    if document.get("left_out"):
        lines.append("\nleft out")
        lines += [f"  {column}: {why}" for column, why in document["left_out"].items()]
    lines.append("\nnotes")
    lines += [f"  {note}" for note in document["notes"]]
    return "\n".join(lines)
