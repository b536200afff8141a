"""The Kaggle set CooperUnion/anime-recommendations-database: `anime.csv` (the catalogue) and `rating.csv`
(who saw what), plain, gzipped or inside a zip.

A rating of -1 means watched but not rated: seen, never liked.
"""

from __future__ import annotations

import html

import numpy as np
import pandas as pd

from dskreg.data.dataset import UNASSIGNED, Dataset, counted
from dskreg.data.readers.files import Folder, Source, files_at
from dskreg.data.readers.ratings import likes
from dskreg.data.readers.tables import (
    Kind,
    blocks,
    header,
    image_column,
    images,
    require,
    table,
    unread,
    whole_text,
)
from dskreg.data.readers.triples import relations_of_titles

CATALOGUE, RATINGS = "anime.csv", "rating.csv"
_CATALOGUE_KINDS: dict[str, Kind] = {
    "anime_id": "whole",
    "name": "text",
    "genre": "text",
    "type": "text",
    "episodes": "text",
    "rating": "number",
    "members": "number",
}
_RATING_KINDS: dict[str, Kind] = {"user_id": "whole", "anime_id": "whole", "rating": "number"}


def recognises(path: Folder) -> bool:
    """Whether the folder, or the zip, at `path` holds one of the two files."""
    return not {CATALOGUE, RATINGS}.isdisjoint(files_at(path).places)


def read(folder: Folder, like_threshold: float | None) -> Dataset:
    """Read the folder, or the zip, at `folder`.

    Args:
        folder: Where the two files are.
        like_threshold: A rating of at least this is a like; None: by the scale, 7 where ratings of 7
            and more occur.

    Raises:
        InputError: A file or column is missing, empty, damaged or not UTF-8, a value is not what its column
            holds, or no rating reaches the threshold; one line, naming the place.
    """
    files = files_at(folder)
    items, notes = _catalogue(files.open(CATALOGUE))
    ratings = files.open(RATINGS)
    user_ids, user, item, rating, dropped = _ratings(ratings, items["item_id"])
    liked = rating > 0
    unrated = int((~liked).sum())
    liked[liked], told = likes(ratings, "rating", rating[liked], like_threshold)
    never_rated = int((np.bincount(item, minlength=len(items)) == 0).sum())
    graph = relations_of_titles(items)
    return Dataset(
        name=files.path.resolve().name.removesuffix(".zip"),
        format="kaggle",
        items=items,
        user_ids=user_ids,
        user=user,
        item=item,
        liked=liked,
        fold=np.full(len(user), UNASSIGNED, np.int8),
        **graph.fields(),
        notes=(
            *notes,
            *dropped,
            *unread(ratings, _RATING_KINDS),
            *counted(
                (
                    unrated,
                    "row",
                    f"of {ratings.name} with the rating -1 (watched, not rated): seen, not liked",
                )
            ),
            *told,
            *counted((never_rated, "item", "without a rating: kept")),
        ),
    )


def _catalogue(source: Source) -> tuple[pd.DataFrame, list[str]]:
    """The items, one row each, and what was mended."""
    image = image_column(header(source))
    raw = table(source, _CATALOGUE_KINDS | ({image: "text"} if image else {}))
    require(source, raw["anime_id"] >= 0, "anime_id", "an id >= 0")
    require(source, ~np.isinf(raw["rating"]), "rating", "a number")
    episodes = _episodes(source, raw["episodes"])
    whole = raw["members"].isna() | (
        (raw["members"] >= 0) & (raw["members"] < 2**53) & (raw["members"] % 1 == 0)
    )
    require(source, whole, "members", "a whole number >= 0")
    names = raw["name"].map(_decoded).str.strip()
    items = pd.DataFrame(
        {
            "item_id": raw["anime_id"],
            "title": names.where(names != "", "title " + raw["anime_id"].astype(str)),
            "type": raw["type"].map(_decoded).str.strip(),
            "genres": raw["genre"].map(_genres),
            "episodes": episodes,
            "mean_rating": raw["rating"].astype(float),
            "members": raw["members"].astype("Int64"),
        }
    )
    told: list[str] = []
    if image:
        items["image"], told = images(raw[image])
    repeated = items["item_id"].duplicated()
    items, named, blank = items[~repeated].reset_index(drop=True), names != raw["name"], names == ""
    items["title"], same = distinct_titles(items)
    return items, told + counted(
        (int(repeated.sum()), "row", f"of {source.name} with an anime_id that came before: dropped"),
        (int(named.sum()), "title", "with HTML entities or outer blanks: decoded"),
        (int(blank.sum()), "item", "without a name: called by id"),
        (same, "item", "with the title of another one: told apart by type or id"),
        (int((items["genres"] == "").sum()), "item", "without genre"),
        (int((items["type"] == "").sum()), "item", "without type"),
        (int(items["episodes"].isna().sum()), "item", "with an unknown number of episodes"),
        (int(items["mean_rating"].isna().sum()), "item", "without a mean rating"),
    )


def _decoded(text: str) -> str:
    """HTML entities as the characters that they mean."""
    try:
        return html.unescape(text)
    except ValueError:  # a number of thousands of digits, which means none
        return text


def _genres(text: str) -> str:
    return ", ".join(dict.fromkeys(genre for part in _decoded(text).split(",") if (genre := part.strip())))


def _episodes(source: Source, column: pd.Series) -> pd.Series:
    """Numbers of episodes; missing for `Unknown` and the empty field."""
    column = column.str.strip().map(whole_text)
    known = ~column.isin(["", "Unknown"])
    require(source, ~known | column.str.fullmatch("[0-9]{1,9}"), "episodes", "a whole number or Unknown")
    return pd.to_numeric(column.where(known)).astype("Int64")


def distinct_titles(items: pd.DataFrame) -> tuple[pd.Series, int]:
    """Items with " (type)" after those that several items share, " (id)" where the type does not tell them
    apart; and how many were changed.
    """
    titles = items["title"].copy()
    shared = titles.duplicated(keep=False)
    if "type" in items:
        typed = titles.where(~(shared & (items["type"] != "")), titles + " (" + items["type"] + ")")
        titles = titles.where(typed.duplicated(keep=False), typed)
    again = titles.duplicated(keep=False)
    return titles.where(~again, titles + " (" + items["item_id"].astype(str) + ")"), int(shared.sum())


def _ratings(
    source: Source, item_ids: pd.Series
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """(user ids `[U]`, user `[N]`, item `[N]`, rating `[N]`, what was dropped); one row per pair, the last
    one.
    """
    index, parts, unknown = pd.Index(item_ids), [], 0
    for before, raw in blocks(source, _RATING_KINDS):
        require(source, raw["user_id"] >= 0, "user_id", "an id >= 0", before=before)
        require(source, raw["anime_id"] >= 0, "anime_id", "an id >= 0", before=before)
        value = raw["rating"].to_numpy()
        allowed = (value >= -1) & (value <= 10) & (value != 0) & (value == np.rint(value))
        require(source, allowed, "rating", "-1 or a whole number from 1 to 10", before=before)
        at = index.get_indexer(raw["anime_id"])
        known = at >= 0
        unknown += int((~known).sum())
        parts.append(
            (
                _narrow(raw["user_id"].to_numpy()[known]),
                at[known].astype(np.int32),
                value[known].astype(np.int8),
            )
        )
    nothing = np.empty(0, np.int8)  # takes the type of what it is put before
    ids, item, rating = (np.concatenate([nothing, *(part[column] for part in parts)]) for column in range(3))
    del parts
    user_ids, user = _positions(ids)
    del ids
    repeated = _repeated(user, item, len(item_ids))
    if len(repeated):
        user, item, rating = (np.delete(column, repeated) for column in (user, item, rating))
    return (
        user_ids,
        user,
        item,
        rating,
        counted(
            (unknown, "row", f"of {source.name} with an anime_id that {CATALOGUE} lacks: dropped"),
            (
                len(repeated),
                "row",
                f"of {source.name} with a user and item that come again: dropped, the last is kept",
            ),
        ),
    )


def _narrow(ids: np.ndarray) -> np.ndarray:
    """The ids `>= 0` as int32 where all of them fit."""
    return ids.astype(np.int32) if ids.max(initial=0) < 2**31 else ids


def _positions(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct ids, sorted, as int64, and the position of each id among them as int32."""
    if ids.max(initial=0) >= max(4 * len(ids), 1 << 20):  # too sparse for a table
        distinct, position = np.unique(ids, return_inverse=True)
        return distinct.astype(np.int64), position.astype(np.int32)
    there = np.zeros(int(ids.max(initial=0)) + 1, bool)
    there[ids] = True
    return np.flatnonzero(there) if len(ids) else np.empty(0, np.int64), (
        np.cumsum(there, dtype=np.int32) - 1
    )[ids]


def _repeated(user: np.ndarray, item: np.ndarray, items: int) -> np.ndarray:
    """The rows whose pair comes again later."""
    pair = user.astype(np.int64) * items + item
    ordered = np.sort(pair)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    del ordered
    rows = np.flatnonzero(np.isin(pair, twice)) if len(twice) else np.empty(0, np.int64)
    return rows[pd.Series(pair[rows]).duplicated(keep="last").to_numpy()]
