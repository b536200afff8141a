"""The interactions table: who saw what, block by block, and which ratings are likes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dskreg.data.dataset import counted
from dskreg.data.readers.plain.columns import listed
from dskreg.data.readers.plain.plan import Plan
from dskreg.data.readers.ratings import usual_threshold
from dskreg.data.readers.tables import Kind
from dskreg.errors import InputError


@dataclass(frozen=True)
class Pairs:
    """One row per user and item, the latest: positions in `users` and `items`, and the rating or NaN."""

    users: list[str]
    items: list[str]
    user: np.ndarray  # [N] int32
    item: np.ndarray  # [N] int32
    rating: np.ndarray | None  # [N] float32
    notes: tuple[str, ...]


class _Codes:
    """Positions of tokens, in the order in which they come."""

    def __init__(self) -> None:
        self.of: dict[str, int] = {}

    def __call__(self, tokens: pd.Series) -> np.ndarray:
        code, distinct = pd.factorize(tokens)
        places = [self.of.setdefault(token, len(self.of)) for token in distinct]
        return np.array(places, np.int32)[code] if len(places) else np.empty(0, np.int32)


def pairs_of(plan: Plan) -> Pairs:
    """The rows of the interactions table; raises InputError where an id is empty or a rating is no number."""
    sheet, roles = plan.interactions, plan.roles
    rating, when = roles.get("rating"), roles.get("timestamp")
    notes = list(sheet.notes)
    if when and not _is_number(plan, when):
        notes.append(f"{sheet.name}: {listed([when])} holds no numbers: of equal pairs the last is kept")
        when = None
    kinds: dict[str, Kind] = {roles["user"]: "text", roles["item"]: "text"}
    kinds |= {name: "number" for name in (rating, when) if name}
    worded = rating if rating and _is_worded(plan, rating) else None
    if worded:
        kinds[worded] = "text"
    users, items = _Codes(), _Codes()
    parts: list[tuple[np.ndarray, ...]] = []
    unrated = 0
    for before, block in sheet.blocks(kinds):
        for role in ("user", "item"):
            block[roles[role]] = block[roles[role]].str.strip()
            sheet.require(block[roles[role]] != "", roles[role], "an id", before)
        if worded:
            text, block[worded] = block[worded], _figures(block[worded])
            sheet.require(block[worded].notna() | (text.str.strip() == ""), worded, "a number", before)
        value = block[rating].to_numpy(np.float32) if rating else np.empty(0, np.float32)
        if rating:
            sheet.require(~np.isinf(block[rating]), rating, "a finite number", before)
            unrated += int(np.isnan(value).sum())
        time = block[when].fillna(-np.inf).to_numpy() if when else np.empty(0)
        parts.append((users(block[roles["user"]]), items(block[roles["item"]]), value, time))
    if not parts or not sum(len(part[0]) for part in parts):
        raise InputError(f"{sheet.name}: expected at least one row, found none")
    user, item, value, time = (np.concatenate([part[n] for part in parts]) for n in range(4))
    del parts
    kept = _latest(user, item, len(items.of), time if when else None)
    notes += counted(
        (
            len(user) - len(kept),
            f"rows of {sheet.name} with a user and item that come again: dropped, the latest is kept",
        ),
        (unrated, f"rows of {sheet.name} without a rating: seen, not liked"),
    )
    return Pairs(
        list(users.of), list(items.of), user[kept], item[kept], value[kept] if rating else None, tuple(notes)
    )


def _first(plan: Plan, column: str) -> pd.Series:
    """The filled cells of the column's first block that has some."""
    for _, block in plan.interactions.blocks({column: "text"}):
        there = block[column].str.strip()
        if (there != "").any():
            return there[there != ""]
    return pd.Series([], dtype=str)


def _is_number(plan: Plan, column: str) -> bool:
    """Whether the first filled cell of the column is a number."""
    return bool(pd.to_numeric(_first(plan, column)[:1], errors="coerce").notna().all())


_WORDS = {"true": "1", "yes": "1", "false": "0", "no": "0"}


def _is_worded(plan: Plan, column: str) -> bool:
    """Whether ratings are written with a decimal comma, or as true and false."""
    cells = _first(plan, column)
    return bool((cells.str.fullmatch(r"-?\d+,\d+") | cells.str.casefold().isin(_WORDS)).any())


def _figures(cells: pd.Series) -> pd.Series:
    """The ratings as numbers, NaN for what is none."""
    text = cells.str.strip().str.casefold().str.replace(",", ".", regex=False).replace(_WORDS)
    return pd.to_numeric(text, errors="coerce").astype(float)


def _latest(user: np.ndarray, item: np.ndarray, items: int, time: np.ndarray | None) -> np.ndarray:
    """The rows to keep, rising: of each pair the one of the latest time, of equal ones the last."""
    pair = user.astype(np.int64) * items + item
    ordered = np.sort(pair)
    if not (ordered[1:] == ordered[:-1]).any():
        return np.arange(len(pair))
    del ordered
    order = np.lexsort((time, pair)) if time is not None else np.argsort(pair, kind="stable")
    last = np.append(pair[order][1:] != pair[order][:-1], True)
    return np.sort(order[last])


def threshold_of(rating: np.ndarray) -> float:
    """The rating from which on an item is liked, by the scale of the ratings; NaN is none."""
    return usual_threshold(float(np.nanmax(rating, initial=-np.inf)))


def likes_of(plan: Plan, pairs: Pairs, asked: float | None) -> tuple[np.ndarray, list[str]]:
    """`[N]` bool, and notes: the threshold and where it is from.

    Args:
        plan: Its settings may give a threshold.
        pairs: The interactions.
        asked: The threshold that a setting asks for, or None.

    Raises:
        InputError: No rating reaches it.
    """
    name = plan.interactions.name
    if pairs.rating is None:
        return np.ones(len(pairs.user), bool), [f"{name} has no column of ratings: every row is a like"]
    rating, column = pairs.rating, plan.roles["rating"]
    there = rating[~np.isnan(rating)]
    told = plan.settings.threshold
    if asked is not None:
        threshold, origin = asked, "as asked"
    elif told is not None:
        threshold, origin = told, "of dataset.toml"
    else:
        threshold, origin = threshold_of(rating), "chosen from the scale"
    if not len(there):
        raise InputError(f"{name}: expected ratings in {listed([column])}, found none")
    scale = f"{name}: {listed([column])} from {float(there.min()):g} to {float(there.max()):g}"
    liked = rating >= threshold
    if not liked.any():
        raise InputError(f"{scale}, but a like needs {threshold:g} ({origin}): lower the threshold")
    notes = [f"{scale}: a rating of at least {threshold:g} is a like ({origin})"]
    if liked.all():
        notes.append(f"{scale}: every rating is a like")
    unrated = int((there == -1).sum()) if there.max() > 1 else 0
    notes += counted(
        (unrated, f"ratings of {name} are -1 (not rated): seen, not liked"),
        (int((there < threshold).sum()) - unrated, f"ratings of {name} below {threshold:g}: seen, not liked"),
    )
    return liked, notes
