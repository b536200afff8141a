"""The interactions of RecBole's atomic format: one file, or one for each fold."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from dskreg.data.dataset import TEST, TRAIN, UNASSIGNED, VALIDATION, counted
from dskreg.data.readers.atomic.fields import columns, fields, one
from dskreg.data.readers.files import Files, Source
from dskreg.data.readers.ratings import likes
from dskreg.data.readers.tables import require, unread

COLUMNS = ("rating", "label", "timestamp")
_FOLDS = {
    "train": UNASSIGNED,
    **dict.fromkeys(("valid", "validation", "val", "dev"), VALIDATION),
    "test": TEST,
}
"""What the parts of a split set are called, and their folds."""


@dataclass(frozen=True)
class Interactions:
    """What the one file, or the parts of a set, hold."""

    name: str  # of the set
    source: Source  # the file, or the first of the parts under the name of all
    pairs: pd.DataFrame  # [N] user_id, item_id, fold, and any of COLUMNS
    notes: list[str]


def interactions(files: Files) -> Interactions:
    """The interactions; InputError for none, or those of several sets."""
    parts = _parts(files.named("*.inter"))
    if not parts:
        source = one(files, "inter")
        if source is None:
            raise files.lacks("one file *.inter", ".inter")
        pairs, notes = _pairs(source)
        name = files.named("*.inter")[0].removesuffix(".inter")
        return Interactions(name, source, pairs.assign(fold=UNASSIGNED), notes)
    found, notes = list[pd.DataFrame](), list[str]()
    for name, fold in parts.items():
        source = files.open(name)
        pairs, told = _pairs(source)
        if found and set(pairs) != set(found[0].columns) - {"fold"}:
            source.fail(1, "", f"the columns of {next(iter(parts))} among {', '.join(COLUMNS)}")
        whole = fold == UNASSIGNED and VALIDATION in parts.values()
        found.append(pairs.assign(fold=TRAIN if whole else fold))
        notes += told
    pairs = pd.concat(found, ignore_index=True)
    # Training comes first, so it is kept where a pair is in several
    once = pairs.drop_duplicates(["user_id", "item_id"]).reset_index(drop=True)
    base = next(iter(parts)).removesuffix(".inter").rpartition(".")[0]
    left = [name for name in files.named("*.inter") if name not in parts]
    return Interactions(
        base,
        replace(files.open(next(iter(parts))), name=f"{base}.*.inter"),
        once,
        [
            *notes,
            *counted((len(pairs) - len(once), f"pairs in several of {', '.join(parts)}: kept in the first")),
            *[f"{name} is not used: {', '.join(parts)} are there" for name in left],
        ],
    )


def _parts(names: list[str]) -> dict[str, int]:
    """The files of a set that its owner has split, training first, with their folds; none where it is whole,
    or where there are several.
    """
    found: dict[str, dict[int, str]] = {}
    for name in names:
        base, _, part = name.removesuffix(".inter").rpartition(".")
        if base and part.casefold() in _FOLDS:
            found.setdefault(base, {})[_FOLDS[part.casefold()]] = name
    split = {base: parts for base, parts in found.items() if UNASSIGNED in parts and len(parts) > 1}
    if len(split) != 1:
        return {}
    ((base, parts),) = split.items()
    if set(names) - {f"{base}.inter", *parts.values()}:
        return {}
    return {parts[fold]: fold for fold in (UNASSIGNED, VALIDATION, TEST) if fold in parts}


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
    ordered = rows.sort_values("timestamp", kind="stable") if "timestamp" in rows else rows
    pairs = ordered.drop_duplicates(["user_id", "item_id"], keep="last").sort_index()
    known = [f"{name}:{types[name]}" for name in rows if not (name == "label" and "rating" in rows)]
    return pairs, [
        *counted(
            (
                len(rows) - len(pairs),
                f"rows of {source.name} with a user and item that come again: dropped, the latest is kept",
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
            (int((~liked).sum()), f"rows of {source.name} with the label 0: seen, not liked")
        )
    return np.ones(len(pairs), bool), [
        f"{source.name} has neither a column rating nor label: every row is a like"
    ]
