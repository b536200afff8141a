"""The interactions table: who saw what, block by block, and which ratings are likes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dskreg.data.dataset import counted
from dskreg.data.readers.plain.columns import listed
from dskreg.data.readers.plain.plan import Plan
from dskreg.data.readers.plain.settings import FILE
from dskreg.data.readers.plain.sheets import Sheet
from dskreg.data.readers.ratings import CHOSEN, reaching, usual_threshold
from dskreg.data.readers.tables import Kind
from dskreg.data.times import format_of, parsed, seconds
from dskreg.errors import InputError

FEW = 0.1  # the share of likes below which ratings may be counts


@dataclass(frozen=True)
class Pairs:
    """One row per user and item, the latest: positions in `users` and `items`, the rating or NaN, the time in
    seconds since 1970 or NaN, and the fold of the table.
    """

    users: list[str]
    items: list[str]
    user: np.ndarray  # [N] int32
    item: np.ndarray  # [N] int32
    rating: np.ndarray | None  # [N] float32
    time: np.ndarray | None  # [N] float64
    fold: np.ndarray  # [N] int8
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
    """The rows of the interactions tables; raises InputError for an empty id, or a rating that is none."""
    roles = plan.roles
    rating, when = roles.get("rating"), roles.get("timestamp")
    notes = [note for sheet, _ in plan.parts for note in sheet.notes]
    form = _form(plan, when) if when else ""
    if when and form is None:
        name = plan.interactions.name
        notes.append(f"{name}: {listed([when])} holds no times: of equal pairs the last is kept")
        when = None
    worded = bool(rating) and _is_worded(plan, str(rating))
    users, items = _Codes(), _Codes()
    blocks: list[tuple[np.ndarray, ...]] = []
    for part, (sheet, _) in enumerate(plan.parts):
        before = len(blocks)
        for user, item, value, time in _rows(sheet, roles, worded, when, form):
            blocks.append((users(user), items(item), value, time, np.full(len(user), part, np.int8)))
        if not sum(len(block[0]) for block in blocks[before:]):
            raise InputError(f"{sheet.name}: expected at least one row, found none")
    user, item, value, time, part_of = (np.concatenate([block[n] for block in blocks]) for n in range(5))
    del blocks
    times = (time if form else seconds(time)) if when else None
    kept, again, several = _latest(user, item, len(items.of), times, part_of)
    names = ", ".join(sheet.name for sheet, _ in plan.parts)
    notes += counted(
        (again, "row", f"of {names} with a user and item that come again: dropped, the latest is kept"),
        (several, "pair", f"in several of {names}: kept in the first"),
        (int(np.isnan(value).sum()), "row", f"of {names} without a rating: seen, not liked"),
        (
            0 if times is None else int(np.isnan(times).sum()),
            "row",
            f"of {names} without a time in {listed([when or ''])}",
        ),
    )
    folds = np.array([fold for _, fold in plan.parts], np.int8)
    return Pairs(
        list(users.of),
        list(items.of),
        user[kept],
        item[kept],
        value[kept] if rating else None,
        None if times is None or np.isnan(times).all() else times[kept],
        folds[part_of[kept]],
        tuple(notes),
    )


def _rows(
    sheet: Sheet, roles: dict[str, str], worded: bool, when: str | None, form: str | None
) -> Iterator[tuple[pd.Series, pd.Series, np.ndarray, np.ndarray]]:
    """Block by block the users, items, ratings and times; the last two are empty where there are none."""
    rating = roles.get("rating")
    kinds: dict[str, Kind] = {roles["user"]: "text", roles["item"]: "text"}
    kinds |= {rating: "text" if worded else "number"} if rating else {}
    kinds |= {when: "text" if form else "number"} if when else {}
    for before, block in sheet.blocks(kinds):
        for role in ("user", "item"):
            block[roles[role]] = block[roles[role]].str.strip()
            sheet.require(block[roles[role]] != "", roles[role], "an id", before)
        value, time = np.empty(0, np.float32), np.empty(0)
        if rating and worded:
            text, block[rating] = block[rating], _figures(block[rating])
            sheet.require(block[rating].notna() | (text.str.strip() == ""), rating, "a number", before)
        if rating:
            sheet.require(~np.isinf(block[rating]), rating, "a finite number", before)
            value = block[rating].to_numpy(np.float32)
        if when:
            time = parsed(block[when], form) if form else block[when].to_numpy(np.float64)
        yield block[roles["user"]], block[roles["item"]], value, time


def _first(plan: Plan, column: str) -> pd.Series:
    """The filled cells of the column's first block that has some."""
    for _, block in plan.interactions.blocks({column: "text"}):
        there = block[column].str.strip()
        if (there != "").any():
            return there[there != ""]
    return pd.Series([], dtype=str)


def _form(plan: Plan, column: str) -> str | None:
    """How the column's first filled cell tells the time: "" as a number, else a form of dates; None: not."""
    cell = _first(plan, column)[:1]
    number = pd.to_numeric(cell, errors="coerce").notna().all()
    return "" if number else format_of(cell.iloc[0])


_WORDS = {"true": "1", "yes": "1", "false": "0", "no": "0"}


def _is_worded(plan: Plan, column: str) -> bool:
    """Whether ratings are written with a decimal comma, or as true and false."""
    cells = _first(plan, column)
    return bool((cells.str.fullmatch(r"-?\d+,\d+") | cells.str.casefold().isin(_WORDS)).any())


def _figures(cells: pd.Series) -> pd.Series:
    """The ratings as numbers, NaN for what is none."""
    text = cells.str.strip().str.casefold().str.replace(",", ".", regex=False).replace(_WORDS)
    return pd.to_numeric(text, errors="coerce").astype(float)


def _latest(
    user: np.ndarray, item: np.ndarray, items: int, time: np.ndarray | None, part: np.ndarray
) -> tuple[np.ndarray, int, int]:
    """(the rows to keep, rising; how many come again within a part; how many in a later part).

    Of each pair the row of the first part is kept, in it that of the latest time, of equal ones the last.
    """
    pair = user.astype(np.int64) * items + item
    ordered = np.sort(pair)
    if not (ordered[1:] == ordered[:-1]).any():
        return np.arange(len(pair)), 0, 0
    del ordered
    times = () if time is None else (np.nan_to_num(time, nan=-np.inf),)
    order = np.lexsort((*times, -part, pair))
    last = np.append(pair[order][1:] != pair[order][:-1], True)
    again = ~last & np.append(part[order][1:] == part[order][:-1], False)
    kept = np.sort(order[last])
    return kept, int(again.sum()), len(pair) - len(kept) - int(again.sum())


def threshold_of(plan: Plan, rating: np.ndarray, asked: float | None = None) -> tuple[float, str]:
    """(the rating from which on an item is liked, where it is from): `asked` by a setting, else told by
    `dataset.toml`, else chosen by the scale of the ratings `[N]`, of which NaN is none.
    """
    if asked is not None:
        return asked, "as asked"
    if plan.settings.threshold is not None:
        return plan.settings.threshold, f"of {FILE}"
    return usual_threshold(float(np.nanmax(rating, initial=-np.inf))), CHOSEN


def likes_of(plan: Plan, pairs: Pairs, asked: float | None) -> tuple[np.ndarray, list[str]]:
    """`[N]` bool, and notes: the threshold and where it is from.

    Args:
        plan: Its settings may give a threshold.
        pairs: The interactions.
        asked: The threshold that a setting asks for, or None.

    Raises:
        InputError: No rating reaches it.
    """
    name = ", ".join(sheet.name for sheet, _ in plan.parts)
    if pairs.rating is None:
        return np.ones(len(pairs.user), bool), [f"{name} has no column of ratings: every row is a like"]
    rating, column = pairs.rating, listed([plan.roles["rating"]])
    there = ~np.isnan(rating)
    if not there.any():
        raise InputError(f"{name}: expected ratings in {column}, found none")
    threshold, origin = threshold_of(plan, rating, asked)
    unrated = (rating == -1) & (np.nanmax(rating) > 1)
    rated, liked = there & ~unrated, np.zeros(len(rating), bool)
    liked[rated], notes = reaching(name, column, rating[rated], threshold, origin)
    if origin == CHOSEN and liked.sum() < FEW * rated.sum():
        notes.append(
            f"only {int(liked.sum()):,} of {int(rated.sum()):,} ratings are likes: where {column} counts "
            f'something, --columns "{column}=none" makes every row a like'
        )
    unrated_rows = (int(unrated.sum()), "rating", f"of {name} equal to -1 (not rated): seen, not liked")
    return liked, [*notes, *counted(unrated_rows)]
