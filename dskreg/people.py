"""People and titles looked up by a person: searches, profiles, tastes. Torch-free."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from dskreg.data.dataset import OUTSIDE, TEST, TRAIN, VALIDATION, Dataset
from dskreg.errors import InputError
from dskreg.graph import carriers, train_matrix

KNOWN = (TRAIN, VALIDATION, OUTSIDE)
"""The folds of a person's history as it is served."""


@dataclass(frozen=True)
class Profile:
    """A person as the model sees one: titles liked, titles seen."""

    user_id: int | str | None  # None: made by hand
    history: tuple[Any, ...]  # title ids
    seen: tuple[Any, ...]
    label: str


def folded(text: str) -> str:
    """Without case and diacritics, for searching."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()


def plain(value: Any) -> Any:
    """A numpy scalar as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


class Directory:
    """Ids to positions and back, and everything that is looked up by name."""

    def __init__(self, dataset: Dataset, max_share: float = 1.0) -> None:
        self.dataset, self._max_share = dataset, max_share
        self._carriers: dict[str, sparse.csr_matrix] = {}
        self._user_position = {str(u): n for n, u in enumerate(dataset.user_ids)}
        self._item_position = {str(i): n for n, i in enumerate(dataset.items["item_id"])}
        self.item_ids = [plain(i) for i in dataset.items["item_id"]]
        self.titles = dataset.items["title"].astype(str).to_numpy()
        self.history = train_matrix(dataset, KNOWN)
        self.held_out = train_matrix(dataset, (TEST,))
        ones = np.ones(len(dataset.user), dtype=np.float32)
        self.seen = sparse.csr_matrix((ones, (dataset.user, dataset.item)), shape=dataset.shape)
        self._training = train_matrix(dataset).tocsc()
        self.likes = np.diff(self._training.indptr)

    def user(self, user_id: object) -> int:
        """The position of a person's id; InputError for an unknown one."""
        if str(user_id) not in self._user_position:
            raise InputError(f"unknown user {user_id}: the data hold {len(self.dataset.user_ids):,} users, such as {self.dataset.user_ids[0]}")
        return self._user_position[str(user_id)]

    def item(self, item_id: object) -> int:
        """The position of a title's id; InputError for an unknown one."""
        if str(item_id) not in self._item_position:
            raise InputError(f"unknown title {item_id}: the catalogue holds {len(self.item_ids):,} titles, such as {self.item_ids[0]} ({self.titles[0]})")
        return self._item_position[str(item_id)]

    def profile(self, user_id: object) -> Profile:
        """The profile of somebody in the data."""
        u = self.user(user_id)
        ids = self.item_ids
        history, seen = (tuple(ids[i] for i in matrix[u].indices) for matrix in (self.history, self.seen))
        return Profile(plain(self.dataset.user_ids[u]), history, seen, f"viewer {self.dataset.user_ids[u]}")

    def profile_of(self, item_ids: Iterable[object]) -> Profile:
        """A profile made by hand: whoever likes these titles. InputError names the unknown ones."""
        given = list(dict.fromkeys(str(i).strip() for i in item_ids))
        unknown = [i for i in given if i not in self._item_position]
        if unknown:
            raise InputError(f"unknown title{'s' if len(unknown) > 1 else ''} {', '.join(unknown[:5])}{' ...' if len(unknown) > 5 else ''} in the history")
        chosen = tuple(self.item_ids[self._item_position[i]] for i in given)
        return Profile(None, chosen, chosen, f"my own profile ({len(chosen)} title{'' if len(chosen) == 1 else 's'})")

    # Titles

    def carriers(self, relation: str) -> sparse.csr_matrix:
        """0/1 `[I, E]`: the entities by which the relation connects titles."""
        if relation not in self._carriers:
            self._carriers[relation] = carriers(self.dataset, self.dataset.relations.index(relation), self._max_share)
        return self._carriers[relation]

    def liked_together(self, item: int, others: np.ndarray) -> list[int]:
        """How many people's training likes hold `item` and each of `others`."""
        fans = self._training[:, [item]]
        return [int(n) for n in np.asarray(self._training[:, others].multiply(fans).sum(0)).ravel()]

    @cached_property
    def genres(self) -> list[list[str]]:
        """The genres of every title."""
        if "genres" not in self.dataset.items:
            return [[] for _ in self.titles]
        return [[g for g in str(text).split(", ") if g] for text in self.dataset.items["genres"].fillna("")]

    @cached_property
    def genre_names(self) -> list[str]:
        """All genres, the most frequent first."""
        return [name for name, _ in Counter(g for row in self.genres for g in row).most_common()]

    @cached_property
    def _genre_matrix(self) -> np.ndarray:
        column = {name: n for n, name in enumerate(self.genre_names)}
        matrix = np.zeros((len(self.titles), len(column)), dtype=np.float32)
        for i, row in enumerate(self.genres):
            matrix[i, [column[g] for g in row]] = 1
        return matrix

    @cached_property
    def _folded_titles(self) -> list[str]:
        return [folded(t) for t in self.titles]

    def find_items(self, text: str, limit: int) -> np.ndarray:
        """Positions of the titles that contain `text` (or carry it as id), those that begin with it first, then by likes."""
        wanted = folded(text.strip())
        found = [n for n, t in enumerate(self._folded_titles) if wanted in t]
        found.sort(key=lambda n: (not self._folded_titles[n].startswith(wanted), -self.likes[n], n))
        by_id = [self._item_position[wanted]] if wanted in self._item_position else []
        return np.array(list(dict.fromkeys(by_id + found))[:limit], dtype=int)

    # People

    @cached_property
    def _liked_genres(self) -> np.ndarray:
        """How many titles of each genre each person likes, `[U, G]`."""
        return self.history @ self._genre_matrix

    @cached_property
    def _everybody(self) -> np.ndarray:
        """Each genre's share of all training likes, `[G]`."""
        return (self.likes @ self._genre_matrix) / max(self.likes.sum(), 1)

    def favourites(self, user: int, count: int = 3) -> str:
        """The genres that stand out in the person's likes (share less everybody's share; of two likes or more), joined."""
        if not self.genre_names:
            return ""
        row = self._liked_genres[user]
        excess = np.where(row >= 2, row / max(self.history.indptr[user + 1] - self.history.indptr[user], 1) - self._everybody, -np.inf)
        return ", ".join(self.genre_names[g] for g in np.argsort(-excess, kind="stable")[:count] if excess[g] > 0)

    def find_users(self, text: str, genre: str | None, limit: int) -> pd.DataFrame:
        """People whose id begins with `text`; with `genre` those among whose likes it has the largest share (of ten likes or more) first."""
        users = np.array([n for n, u in enumerate(self.dataset.user_ids) if str(u).startswith(text.strip())], dtype=int)
        liked, seen = np.diff(self.history.indptr), np.diff(self.seen.indptr)
        if genre is not None and genre in self.genre_names:
            share = self._liked_genres[users, self.genre_names.index(genre)] / np.maximum(liked[users], 10)
            users = users[np.argsort(-share, kind="stable")]
        users = users[:limit]
        rows = [(plain(self.dataset.user_ids[u]), int(liked[u]), int(seen[u]), self.favourites(u)) for u in users]
        return pd.DataFrame(rows, columns=["user_id", "liked", "seen", "favourites"])

    def taste(self, profile: Profile) -> pd.DataFrame:
        """genre, liked, share of the profile's titles, lift over the share among everybody's training likes; the most liked first."""
        positions = [self.item(i) for i in profile.history]
        liked = self._genre_matrix[positions].sum(0)
        everybody = self._everybody
        share = liked / max(len(positions), 1)
        lift = np.divide(share, everybody, out=np.full(len(share), np.nan), where=everybody > 0)
        frame = pd.DataFrame({"genre": self.genre_names, "liked": liked.astype(int), "share": share, "lift": lift})
        return frame[frame["liked"] > 0].sort_values(["liked", "genre"], ascending=[False, True], ignore_index=True)
