"""Ids, names and profiles: users and items as they are looked up. Torch-free."""

from __future__ import annotations

import copy
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from dskreg.data.dataset import TRAIN, Dataset
from dskreg.data.readers.tables import whole_text
from dskreg.errors import InputError
from dskreg.graph.entities import carriers
from dskreg.serving.describing import ADULT, descriptive
from dskreg.text import legible

VEILED = "(adult item)"
NAMELESS = "(adult)"
"""What stands in the place of the name of an entity that adult items alone carry."""


@dataclass(frozen=True)
class Profile:
    """A user as the model sees it: items liked, items seen."""

    user_id: int | str | None  # None: a custom profile
    history: tuple[Any, ...]  # item ids
    seen: tuple[Any, ...]
    label: str
    liked: tuple[Any, ...] = ()  # of the history: added to a dataset user
    disliked: tuple[Any, ...] = ()  # removed from the history, and never recommended

    @property
    def edited(self) -> bool:
        """Does the profile differ from the user in the data?"""
        return bool(self.liked or self.disliked)

    @property
    def called(self) -> str:
        """The user in a sentence: "user 34", with added likes "user 34 (edited)"; a custom profile: "you"."""
        if self.user_id is None:
            return "you"
        return f"user {legible(str(self.user_id))}{' (edited)' * bool(self.liked)}"


def folded(text: str) -> str:
    """Without case and diacritics, for searching."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()


def to_python(value: Any) -> Any:
    """A numpy scalar as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


class Directory:
    """Ids to positions and back, and everything that is looked up by name.

    `folds`: whose likes the model was made from.
    """

    def __init__(self, dataset: Dataset, max_share: float = 1.0, folds: tuple[int, ...] = (TRAIN,)) -> None:
        self.dataset, self._max_share, self.folds = dataset, max_share, folds
        self._carriers: dict[str, sparse.csr_matrix] = {}
        self._user_position = {str(u): n for n, u in enumerate(dataset.user_ids)}
        self._item_position = {str(i): n for n, i in enumerate(dataset.items["item_id"])}
        self.item_ids = [to_python(i) for i in dataset.items["item_id"]]
        self.titles = dataset.items["title"].astype(str).to_numpy()
        self._unfindable = np.zeros(len(self.titles), dtype=bool)
        self.entities = dataset.entities  # [E] labels
        self.nameless = np.zeros(len(dataset.entities), dtype=bool)
        self.history = dataset.folds.known
        self.held_out = dataset.folds.test
        ones = np.ones(len(dataset.user), dtype=np.float32)
        self.seen = sparse.csr_matrix((ones, (dataset.user, dataset.item)), shape=dataset.shape)
        self._training = dataset.folds.likes(*folds).tocsc()
        self.likes = np.diff(self._training.indptr)

    def veiled(self) -> Directory:
        """The same directory in which adult items have no name and cannot be found, nor has what would name
        them: adult genres, their franchises.
        """
        other = copy.copy(self)
        other.genres = [[g for g in row if g.casefold() not in ADULT] for row in self.genres]
        other.adult, other._unfindable = self.adult, self.adult
        other.titles = np.where(self.adult, VEILED, self.titles)
        other.nameless = self._of_adults_alone()
        other.entities = np.where(other.nameless, NAMELESS, self.entities)
        for name in ("genre_names", "genre_matrix", "_folded_titles"):
            other.__dict__.pop(name, None)
        return other

    def _of_adults_alone(self) -> np.ndarray:
        """`[E]` bool: entities that are an adult item or an adult genre, or that adult items alone carry."""
        data, count = self.dataset, len(self.entities)
        carried, decent = (
            np.bincount(tail, minlength=count) for tail in (data.tail, data.tail[~self.adult[data.head]])
        )
        is_adult = (data.entity_item >= 0) & self.adult[np.maximum(data.entity_item, 0)]
        genre = np.array([str(label).casefold() in ADULT for label in self.entities], dtype=bool)
        return genre | is_adult | ((carried > 0) & (decent == 0) & (data.entity_item < 0))

    def user(self, user_id: object) -> int:
        """The position of a user's id; InputError for an unknown id."""
        if str(user_id) not in self._user_position:
            raise InputError(
                f"unknown user {user_id}: the data hold {len(self.dataset.user_ids):,} users, such as "
                f"{self.dataset.user_ids[0]}"
            )
        return self._user_position[str(user_id)]

    def item(self, item_id: object) -> int:
        """The position of an item's id; InputError for an unknown one."""
        if str(item_id) not in self._item_position:
            raise InputError(
                f"unknown item {item_id}: the catalogue holds {len(self.item_ids):,} items, such as "
                f"{self.item_ids[0]} ({self.titles[0][:80]})"
            )
        return self._item_position[str(item_id)]

    def position(self, text: str) -> int:
        """The position of an item by its id as text, 12.0 for 12 too; -1 for an unknown one."""
        found = self._item_position.get(text, self._item_position.get(whole_text(text), -1))
        return int(found)

    def profile(self, user_id: object) -> Profile:
        """The profile of a dataset user."""
        u = self.user(user_id)
        ids = self.item_ids
        history, seen = (tuple(ids[i] for i in matrix[u].indices) for matrix in (self.history, self.seen))
        return Profile(
            to_python(self.dataset.user_ids[u]),
            history,
            seen,
            f"user {legible(str(self.dataset.user_ids[u]))}",
        )

    def profile_of(self, item_ids: Iterable[object]) -> Profile:
        """A custom profile that likes these items. InputError names the unknown ones."""
        given = list(dict.fromkeys(str(i).strip() for i in item_ids))
        unknown = [i for i in given if i not in self._item_position]
        if unknown:
            raise InputError(
                f"unknown item{'s' if len(unknown) > 1 else ''} "
                f"{', '.join(unknown[:5])}{' ...' if len(unknown) > 5 else ''} in the history"
            )
        chosen = tuple(self.item_ids[self._item_position[i]] for i in given)
        return Profile(
            None, chosen, chosen, f"custom profile ({len(chosen)} item{'' if len(chosen) == 1 else 's'})"
        )

    def edited(
        self, profile: Profile, liked: Iterable[object] = (), disliked: Iterable[object] = ()
    ) -> Profile:
        """The profile with items added to its history and others taken out of it; InputError for an unknown
        item. An item in both is disliked.

        The model learns from likes alone: a disliked item leaves the history and the lists, and says nothing
        else about the user.
        """
        out = tuple(dict.fromkeys(self.item_ids[self.item(i)] for i in disliked))
        new = tuple(
            i
            for i in dict.fromkeys(self.item_ids[self.item(i)] for i in liked)
            if i not in out and i not in profile.history
        )
        if not new and not out:
            return profile
        history = (*(i for i in profile.history if i not in out), *new)
        if profile.user_id is None:
            return replace(self.profile_of(history), disliked=out)
        changes = [f"+{len(new)}"] * bool(new) + [f"\u2212{len(out)}"] * bool(out)
        label = f"{profile.label}, edited ({', '.join(changes)})"
        seen = tuple(dict.fromkeys((*profile.seen, *new)))
        return replace(profile, history=history, seen=seen, liked=new, disliked=out, label=label)

    # Items

    def carriers(self, relation: str) -> sparse.csr_matrix:
        """0/1 `[I, E]`: the entities by which the relation connects items."""
        if relation not in self._carriers:
            self._carriers[relation] = carriers(
                self.dataset, self.dataset.relations.index(relation), self._max_share
            )
        return self._carriers[relation]

    def liked_together(self, item: int, others: np.ndarray) -> list[int]:
        """How many users' likes, of those that the model was made from, hold `item` and each of `others`."""
        fans = self._training[:, [item]]
        return [int(n) for n in np.asarray(self._training[:, others].multiply(fans).sum(0)).ravel()]

    @cached_property
    def genres(self) -> list[list[str]]:
        """The genres of every item, or what stands for them (dskreg/serving/describing.py)."""
        return self._described[1]

    @property
    def described_by(self) -> str:
        """What `genres` are: genre, or the relation that stands for it."""
        return self._described[0]

    @cached_property
    def _described(self) -> tuple[str, list[list[str]]]:
        return descriptive(self.dataset)

    @cached_property
    def genre_names(self) -> list[str]:
        """All genres, the most frequent first."""
        return [name for name, _ in Counter(g for row in self.genres for g in row).most_common()]

    @cached_property
    def adult(self) -> np.ndarray:
        """`[I]` bool: items of an adult genre."""
        return np.array([any(g.casefold() in ADULT for g in row) for row in self.genres], dtype=bool)

    @cached_property
    def genre_matrix(self) -> np.ndarray:
        """0/1 `[I, G]`: which item carries which of `genre_names`."""
        column = {name: n for n, name in enumerate(self.genre_names)}
        matrix = np.zeros((len(self.titles), len(column)), dtype=np.float32)
        for i, row in enumerate(self.genres):
            matrix[i, [column[g] for g in row]] = 1
        return matrix

    @cached_property
    def _folded_titles(self) -> list[str]:
        return [folded(t) for t in self.titles]

    def find_items(self, text: str, limit: int) -> np.ndarray:
        """Positions of the items that contain `text` (or carry it as id), those that begin with it first,
        then by likes.
        """
        wanted = folded(text.strip())
        found = [n for n, t in enumerate(self._folded_titles) if wanted in t and not self._unfindable[n]]
        found.sort(key=lambda n: (not self._folded_titles[n].startswith(wanted), -self.likes[n], n))
        by_id = [n for n in (self._item_position.get(wanted),) if n is not None and not self._unfindable[n]]
        return np.array(list(dict.fromkeys(by_id + found))[:limit], dtype=int)
