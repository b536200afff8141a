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
from dskreg.data.times import format_of, parsed, seconds
from dskreg.errors import InputError


@dataclass(frozen=True)
class Pairs:
    """One row per user and item, the latest: positions in `users` and `items`, the rating or NaN, and the
    time in seconds since 1970 or NaN.
    """

    users: list[str]
    items: list[str]
    user: np.ndarray  # [N] int32
    item: np.ndarray  # [N] int32
    rating: np.ndarray | None  # [N] float32
    time: np.ndarray | None  # [N] float64
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
    form = _form(plan, when) if when else ""
    if when and form is None:
        notes.append(f"{sheet.name}: {listed([when])} holds no times: of equal pairs the last is kept")
        when = None
    kinds: dict[str, Kind] = {roles["user"]: "text", roles["item"]: "text"}
    kinds |= {rating: "number"} if rating else {}
    kinds |= {when: "text" if form else "number"} if when else {}
    users, items = _Codes(), _Codes()
    parts: list[tuple[np.ndarray, ...]] = []
    unrated = 0
    for before, block in sheet.blocks(kinds):
        for role in ("user", "item"):
            block[roles[role]] = block[roles[role]].str.strip()
            sheet.require(block[roles[role]] != "", roles[role], "an id", before)
        value = block[rating].to_numpy(np.float32) if rating else np.empty(0, np.float32)
        if rating:
            sheet.require(~np.isinf(block[rating]), rating, "a finite number", before)
            unrated += int(np.isnan(value).sum())
        time = np.empty(0)
        if when:
            time = parsed(block[when], form) if form else block[when].to_numpy(np.float64)
        parts.append((users(block[roles["user"]]), items(block[roles["item"]]), value, time))
    if not parts or not sum(len(part[0]) for part in parts):
        raise InputError(f"{sheet.name}: expected at least one row, found none")
    user, item, value, time = (np.concatenate([part[n] for part in parts]) for n in range(4))
    del parts
    times = (time if form else seconds(time)) if when else None
    kept = _latest(user, item, len(items.of), times)
    timeless = 0 if times is None else int(np.isnan(times).sum())
    notes += counted(
        (
            len(user) - len(kept),
            f"rows of {sheet.name} with a user and item that come again: dropped, the latest is kept",
        ),
        (unrated, f"rows of {sheet.name} without a rating: seen, not liked"),
        (timeless, f"rows of {sheet.name} without a time in {listed([when or ''])}"),
    )
    return Pairs(
        list(users.of),
        list(items.of),
        user[kept],
        item[kept],
        value[kept] if rating else None,
        None if times is None or timeless == len(times) else times[kept],
        tuple(notes),
    )


def _form(plan: Plan, column: str) -> str | None:
    """How the column's first filled cell tells the time: "" as a number, else a form of dates; None: not."""
    for _, block in plan.interactions.blocks({column: "text"}):
        there = block[column].str.strip()
        there = there[there != ""]
        if len(there):
            number = pd.to_numeric(there.iloc[:1], errors="coerce").notna().all()
            return "" if number else format_of(there.iloc[0])
    return ""


def _latest(user: np.ndarray, item: np.ndarray, items: int, time: np.ndarray | None) -> np.ndarray:
    """The rows to keep, rising: of each pair the one of the latest time, of equal ones the last."""
    pair = user.astype(np.int64) * items + item
    ordered = np.sort(pair)
    if not (ordered[1:] == ordered[:-1]).any():
        return np.arange(len(pair))
    del ordered
    order = (
        np.lexsort((np.nan_to_num(time, nan=-np.inf), pair))
        if time is not None
        else np.argsort(pair, kind="stable")
    )
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
