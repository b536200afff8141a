"""`dataset.toml`: what a person corrects about how plain tables are read. Every key may be left out."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from dskreg.data.readers.files import SHOWN, Files, Folder, short
from dskreg.documents import read_bytes
from dskreg.errors import InputError

FILE = "dataset.toml"
LARGEST = 1 << 20  # bytes


@dataclass(frozen=True)
class Settings:
    """The keys of `dataset.toml`; None: found from the files.

    interactions, items, triples: names of the tables' files (items, triples = "": none)
    validation, test: names of the files of a split, whose training file is interactions ("": none)
    separator: of the fields in all tables but the triples
    threshold: a rating of at least this is a like
    user, item, rating, timestamp: columns of the interactions table (rating = "": every row is a like)
    item_id, title, year, poster, adult: columns of the items table ("": none)
    head, relation, tail: columns of the table of triples
    relations: the columns of the items table that become relations, and no others
    lists: by column, the separator of lists within a cell
    """

    interactions: str | None = None
    validation: str | None = None
    test: str | None = None
    items: str | None = None
    triples: str | None = None
    separator: str | None = None
    threshold: float | None = None
    user: str | None = None
    item: str | None = None
    rating: str | None = None
    timestamp: str | None = None
    item_id: str | None = None
    title: str | None = None
    year: str | None = None
    poster: str | None = None
    adult: str | None = None
    head: str | None = None
    relation: str | None = None
    tail: str | None = None
    relations: tuple[str, ...] | None = None
    lists: dict[str, str] = field(default_factory=dict)


KEYS = tuple(found.name for found in fields(Settings))


def file_in(folder: Folder) -> Path | None:
    """The folder's `dataset.toml`, if there is one."""
    if isinstance(folder, Files):
        place = folder.places.get(FILE)
        return place.path if place and place.plain else None
    return folder / FILE if (folder / FILE).exists() else None


def read(folder: Folder) -> Settings:
    """The settings of a folder, or none; raises InputError for what is no TOML, an unknown key or a value of
    another kind.
    """
    file = file_in(folder)
    if file is None:
        return Settings()
    try:
        document = tomllib.loads(read_bytes(file, largest=LARGEST).decode())
    except (ValueError, RecursionError) as error:  # of an impossible date too
        raise InputError(f"{FILE}: expected TOML ({short(str(error))})") from None
    for key in document:
        if key not in KEYS:
            raise InputError(f"{FILE}: unknown key {short(key, SHOWN)}: expected one of {', '.join(KEYS)}")
    return Settings(**{key: _checked(key, value) for key, value in document.items()})


def _checked(key: str, value: Any) -> Any:
    if key == "threshold":
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e9:
            raise _wrong(key, "a number", value)
        return float(value)
    if key == "relations":
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise _wrong(key, "a list of columns", value)
        return tuple(value)
    if key == "lists":
        if not isinstance(value, dict) or not all(isinstance(mark, str) for mark in value.values()):
            raise _wrong(key, "separators by column", value)
        return value
    if not isinstance(value, str):
        raise _wrong(key, "text", value)
    if key == "separator" and value not in (",", ";", "|", "\t", "::"):
        raise _wrong(key, "one of , ; | :: and the tab", value)
    return value


def _wrong(key: str, expected: str, value: object) -> InputError:
    return InputError(f"{FILE}: {key}: expected {expected} (got {short(value)})")


def written(settings: Settings) -> str:
    """The settings as TOML, with a line of explanation; None is left out."""
    lines = ["# How `dskreg train` reads this folder. Every line may be changed or deleted: docs/data.md"]
    for name in KEYS[:-1]:
        value = getattr(settings, name)
        if value is not None:
            lines.append(f"{name} = {_quoted(value)}")
    if settings.lists:
        lines += ["", "[lists]  # separators within a cell"]
        lines += [f"{_quoted(column)} = {_quoted(mark)}" for column, mark in settings.lists.items()]
    return "\n".join([*lines, ""])


def _quoted(value: str | float | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_quoted, value))}]"
    # TOML has JSON's escapes, but for DEL and characters outside the first plane
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else f"{value:g}"
    return text.replace("\x7f", "\\u007f")
