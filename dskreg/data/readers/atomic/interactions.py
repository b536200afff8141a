"""The interactions of RecBole's atomic format: one file, or one for each fold."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from dskreg.data.dataset import UNASSIGNED, counted
from dskreg.data.own_split import base, folds, parts
from dskreg.data.readers.atomic.fields import columns, fields, one
from dskreg.data.readers.files import Files, Source
from dskreg.data.readers.ratings import likes
from dskreg.data.readers.tables import require, unread

COLUMNS = ("rating", "label", "timestamp")


@dataclass(frozen=True)
class Interactions:
    """What the one file, or the parts of a set, hold."""

    name: str  # of the set
    source: Source  # the file, or the first of the parts under the name of all
    pairs: pd.DataFrame  # [N] user_id, item_id, fold, and any of COLUMNS
    notes: list[str]


def interactions(files: Files) -> Interactions:
    """The interactions; InputError for none, or those of several sets."""
    split = _parts(files.named("*.inter"))
    if not split:
        source = one(files, "inter")
        if source is None:
            raise files.lacks("one file *.inter", ".inter")
        pairs, notes = _pairs(source)
        name = files.named("*.inter")[0].removesuffix(".inter")
        return Interactions(name, source, pairs.assign(fold=UNASSIGNED), notes)
    found, notes = list[pd.DataFrame](), list[str]()
    for part, fold in split.items():
        source = files.open(part)
        pairs, told = _pairs(source)
        if found and set(pairs) != set(found[0].columns) - {"fold"}:
            source.fail(1, "", f"the columns of {next(iter(split))} among {', '.join(COLUMNS)}")
        found.append(pairs.assign(fold=fold))
        notes += told
    pairs = pd.concat(found, ignore_index=True)
    # Training comes first, so it is kept where a pair is in several
    once = pairs.drop_duplicates(["user_id", "item_id"]).reset_index(drop=True)
    name = base(next(iter(split)))
    again = len(pairs) - len(once)
    left = [other for other in files.named("*.inter") if other not in split]
    return Interactions(
        name or files.path.resolve().name.removesuffix(".zip"),
        replace(files.open(next(iter(split))), name=f"{name}.*.inter".removeprefix(".")),
        once,
        [
            *notes,
            *counted((again, "pair", f"in several of {', '.join(split)}: kept in the first")),
            *[f"{other} is not used: {', '.join(split)} are there" for other in left],
        ],
    )


def _parts(names: list[str]) -> dict[str, int]:
    """The files of a set that its owner has split, training first, with their folds; none where other sets
    lie beside it.
    """
    found = folds(parts(names))
    if not found or set(names) - {f"{base(next(iter(found)))}.inter", *found}:
        return {}
    return found


def _pairs(source: Source) -> tuple[pd.DataFrame, list[str]]:
    """One row per user and item: the latest (by timestamp where there is one, else the last in the file)."""
    rows = columns(source, ("user_id", "item_id"), COLUMNS)
    types = fields(source)
    for name in ("user_id", "item_id"):
        require(source, rows[name] != "", f"{name}:token", "an id", "\t")
    for name in ("rating", "timestamp"):
        if name in rows and types[name] != "float":
            source.fail(1, "", f"{name}:float", f"{name}:{types[name]}")
    if "rating" in rows:
        require(source, np.isfinite(rows["rating"]), "rating:float", "a number", "\t")
    elif "label" in rows:
        require(source, rows["label"].isin((0, 1)), f"label:{types['label']}", "0 or 1", "\t")
    ordered = rows
    if "timestamp" in rows:
        ordered = rows.sort_values("timestamp", kind="stable", na_position="first")
    pairs = ordered.drop_duplicates(["user_id", "item_id"], keep="last").sort_index()
    known = [f"{name}:{types[name]}" for name in rows if not (name == "label" and "rating" in rows)]
    return pairs, [
        *counted(
            (
                len(rows) - len(pairs),
                "row",
                f"of {source.name} with a user and item that come again: dropped, the latest is kept",
            )
        ),
        *unread(source, known, "\t"),
    ]


def liked_of(source: Source, pairs: pd.DataFrame, threshold: float | None) -> tuple[np.ndarray, list[str]]:
    """Which of the pairs are likes, by rating or label, `[N]` bool, and notes."""
    if "rating" in pairs:
        return likes(source, "rating", pairs["rating"].to_numpy(), threshold)
    if "label" in pairs:
        liked = pairs["label"].to_numpy() > 0
        return liked, counted(
            (int((~liked).sum()), "row", f"of {source.name} with the label 0: seen, not liked")
        )
    return np.ones(len(pairs), bool), [
        f"{source.name} has neither a column rating nor label: every row is a like"
    ]
