"""The notes on a model's recommendations and neighbours as a table, and how a note is made
(dskreg/storage/notes.py).
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from dskreg.documents import problem
from dskreg.errors import InputError
from dskreg.serving.directory import Profile, to_python
from dskreg.serving.table_files import writing
from dskreg.serving.trained import TrainedModel
from dskreg.storage import notes
from dskreg.storage.notes import LONGEST, MARKS, Note, remove
from dskreg.text import harmless, legible

__all__ = [
    "LONGEST",
    "MARKS",
    "Notebook",
    "Subject",
    "chosen",
    "exported",
    "keep",
    "records",
    "remove",
    "write",
]

COLUMNS: tuple[str, ...] = (
    *("time", "mark", "item_id", "item", "neighbour_id", "neighbour", "relation", "text"),
    *("user_id", "likes", "removed", "rank", "score", "seed", "model", "id"),
)
FORMATS = (".csv", ".json")


@dataclass(frozen=True)
class Subject:
    """What a note is about, as it is shown: plain values, so that a page can keep it.

    path:      the artifact                       content:  its digest
    profile:   for whom the item is scored; the likes of a custom profile and edits are kept
    item_id:   the item
    rank:      of the item in the list, from 1; None where it is not in it
    score:     of the item
    neighbour: the id of the candidate that is meant, None for the item itself
    relation:  of the neighbour
    seed:      of the sample, None as served
    """

    path: Path
    content: str
    profile: Profile
    item_id: Any
    rank: int | None = None
    score: float | None = None
    neighbour: Any = None
    relation: str | None = None
    seed: int | None = None


def keep(about: Subject, mark: str, text: str = "") -> None:
    """Add a note to those of the artifact; blanks around the text are dropped.

    Raises:
        InputError: No mark of MARKS, more than LONGEST characters, or a file that cannot be written.
    """
    profile, score = about.profile, about.score
    custom = profile.user_id is None
    try:
        note = Note(
            mark=mark,  # type: ignore[arg-type]
            item=to_python(about.item_id),
            content=about.content,
            user=profile.user_id,
            likes=tuple(profile.history if custom else profile.liked),
            removed=tuple(profile.disliked),
            neighbour=to_python(about.neighbour),
            relation=about.relation,
            seed=about.seed,
            text=text.strip(),
            rank=to_python(about.rank),
            score=float(score) if score is not None and math.isfinite(score) else None,
        )
    except ValidationError as error:
        raise InputError(f"note: {problem(error)}") from None
    notes.add(about.path, note)


class Notebook:
    """The notes that lie beside an artifact."""

    def __init__(self, core: TrainedModel) -> None:
        manifest = core.artifact.manifest
        assert manifest is not None
        self.path, self.content, self._directory = core.path, str(manifest["content"]), core.directory
        self.file = notes.beside(core.path)

    def about(self, profile: Profile, item_id: Any, **shown: Any) -> Subject:
        """The subject of a note on this artifact."""
        return Subject(self.path, self.content, profile, item_id, **shown)

    def read(self) -> tuple[pd.DataFrame, tuple[str, ...]]:
        """(a row per note with COLUMNS, the latest first; a message per damaged line).

        `user_id` is None for a custom profile, whose likes are in `likes`; `model` is the content digest of
        the artifact that was open; items that the catalogue lacks have no name.
        """
        found = notes.read(self.path)
        rows = [
            {
                "time": note.time,
                "mark": note.mark,
                "item_id": note.item,
                "item": self._name(note.item),
                "neighbour_id": note.neighbour,
                "neighbour": self._name(note.neighbour),
                "relation": note.relation or "",
                "text": note.text,
                "user_id": note.user,
                "likes": list(note.likes),
                "removed": list(note.removed),
                "rank": note.rank,
                "score": note.score,
                "seed": note.seed,
                "model": note.content,
                "id": note.id,
            }
            for note in reversed(found.notes)
        ]
        table = pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)
        whole = {name: table[name].astype("Int64") for name in ("rank", "seed")}
        return table.assign(**whole, score=table["score"].astype(float)), found.damaged

    def _name(self, item_id: Any) -> str:
        try:
            return "" if item_id is None else str(self._directory.titles[self._directory.item(item_id)])
        except InputError:
            return ""


def chosen(
    table: pd.DataFrame,
    marks: Collection[str] = (),
    user: str = "",
    item: str = "",
    neighbour: str = "",
    model: str = "",
) -> pd.DataFrame:
    """The notes that fit: one of the marks, this user's id, an id or a part of the name of the item and of
    the neighbour, the beginning of the model's digest. What is empty fits every note.
    """
    fits = pd.Series(True, index=table.index)
    if marks:
        fits &= table["mark"].isin(list(marks))
    if user:
        fits &= table["user_id"].map(str) == user
    for name, wanted in (("item", item), ("neighbour", neighbour)):
        if wanted:
            same = table[f"{name}_id"].map(str) == wanted
            fits &= same | table[name].str.contains(wanted, case=False, regex=False).astype(bool)
    return table[fits & table["model"].str.startswith(model).astype(bool)]


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The notes for a JSON document; null where a value is missing."""
    rows: list[dict[str, Any]] = table.astype(object).where(table.notna(), None).to_dict("records")
    return rows


def exported(table: pd.DataFrame, suffix: str) -> bytes:
    """The notes as a file: `.json`, or `.csv` in which no text is a formula."""
    if suffix == ".json":
        return (json.dumps({"notes": records(table)}, ensure_ascii=False, indent=1) + "\n").encode()
    ids = {name: [",".join(map(str, row)) for row in table[name]] for name in ("likes", "removed")}
    text = {name: table[name].map(legible) for name in ("item", "neighbour", "relation", "text")}
    return harmless(table.assign(**ids, **text)).to_csv(index=False).encode("utf-8-sig")


def write(table: pd.DataFrame, out: Path) -> None:
    """Write the notes to a .csv or .json file, whole or not at all.

    Raises:
        InputError: Another ending, or the file cannot be written.
    """
    if out.suffix not in FORMATS:
        raise InputError(f"--out: expected a file ending in .csv or .json (got {out.name})")
    with writing(out) as part:
        part.write_bytes(exported(table, out.suffix))
