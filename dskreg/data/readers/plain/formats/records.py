"""Tables that are no text with separators: what a reader of one gives, and values of any kind as text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Protocol

import pandas as pd

from dskreg.data.readers.files import Place
from dskreg.data.readers.tables import whole_text


class Records(Protocol):
    """A table of which columns are read block by block."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names."""
        ...

    @property
    def label(self) -> str:
        """The file's name in messages."""
        ...

    @property
    def row(self) -> str:
        """What a row is called in messages."""
        ...

    def blocks(self, columns: list[str]) -> Iterator[pd.DataFrame]:
        """The columns, with values as the file has them; raises InputError for a damaged file."""
        ...


def label(place: Place) -> str:
    """The name of a file in messages, that of its zip before it."""
    return f"{place.path.name}/{place.member}" if place.member else place.path.name


def text(value: object) -> str:
    """The value as a cell: lists joined by "|", 12.0 as 12, "" for what is missing."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    if hasattr(value, "__iter__"):
        return "|".join(filter(None, map(text, value)))
    return "" if value is None or value != value or value is pd.NaT else whole_text(str(value))
