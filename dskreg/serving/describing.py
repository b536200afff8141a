"""What describes an item in a line: its genres, or where the data have none, what stands for them.

1. The column `genres` of the items, where any item has one that is no mark of adult items.
2. Else the relation called like the first of NAMED that there is, in the plural or behind other words too,
   if it has at most MOST_NAMED labels.
3. Else, of the relations with at most MOST different labels that at least half of the items have, and of
   which none is that of more than half of them, the one that most items have; of several the first.

Labels are words: a relation whose labels mostly have digits, or are items, describes nothing.
"""

from __future__ import annotations

import re

import numpy as np

from dskreg.data.dataset import Dataset

ADULT = frozenset({"hentai", "erotica", "adult"})
"""Genres, in lower case, whose items the app names only on request."""
GENRE = "genre"
NAMED = (GENRE, "category", "subject", "theme", "topic")
MOST, MOST_NAMED = 200, 1000  # labels: a table of users and labels is kept, and a filter offers them
COMMON = 0.5  # the share of the items that have a label, at least; and that share one, at most


def descriptive(data: Dataset) -> tuple[str, list[list[str]]]:
    """(what the descriptions are called, such as genre, or the name of a relation; those of every item
    `[I]`).
    """
    own: list[list[str]] = [[] for _ in range(len(data.items))]
    if "genres" in data.items:
        own = [[g for g in str(text).split(", ") if g] for text in data.items["genres"].fillna("")]
    if any(label.casefold() not in ADULT for row in own for label in row):
        return GENRE, own
    relation = _chosen(data)
    if relation is None:
        return GENRE, own
    found: list[list[str]] = [[] for _ in own]
    at = data.relation == relation
    for head, tail in zip(data.head[at].tolist(), data.tail[at].tolist(), strict=True):
        found[head].append(str(data.entities[tail]).replace(",", ""))
    name = GENRE if _word(data.relations[relation]) == GENRE else data.relations[relation]
    return name, [list(dict.fromkeys([*row, *marks])) for row, marks in zip(found, own, strict=True)]


def _chosen(data: Dataset) -> int | None:
    """The relation that stands for genres, by the rule above."""
    items, named = len(data.items), dict[str, int]()
    best, most = None, 0.0
    for r, name in enumerate(data.relations):
        at = data.relation == r
        entities, count = np.unique(data.tail[at], return_counts=True)
        if not len(entities) or not _words(data, entities):
            continue
        if len(entities) <= MOST_NAMED:
            named.setdefault(_word(name), r)
        share = len(np.unique(data.head[at])) / items
        told = name == "type" and "type" in data.items  # each item is shown with it already
        if len(entities) <= MOST and count.max() <= COMMON * items and share >= COMMON and not told:
            best, most = (r, share) if share > most else (best, most)
    return next((named[name] for name in NAMED if name in named), best)


def _words(data: Dataset, entities: np.ndarray) -> bool:
    """Are the entities words, and no items?"""
    digits = [bool(re.search(r"\d", str(label))) for label in data.entities[entities]]
    return bool((data.entity_item[entities] < 0).all() and np.mean(digits) <= COMMON)


def _word(relation: str) -> str:
    """The last word of a relation's name, in the singular: `film.film.genres` is a genre."""
    words = re.findall(r"[a-z]+", relation.casefold())
    last = words[-1] if words else ""
    return f"{last[:-3]}y" if last.endswith("ies") else last.removesuffix("s")
