"""Users' tastes and the search for users by them: genres, activity, rarity. Torch-free.

lift of a genre  its share of the user's likes / its share of all training likes
rarity           mean over the liked items of log2(users / users who like the item in training), in bits:
                 the mean self-information of a like
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from dskreg.serving.directory import Directory, Profile, to_python

ORDERS = ("id", "most likes", "fewest likes", "most unusual", "most typical")
"""The orders in which `Tastes.find` sorts users."""
FEW, MANY = 8, 60  # likes of a profile that is easy to read
PAIRS = (  # (loves, avoids): tastes for which good recommendations are obvious
    ("Mecha", "Romance"),
    ("Romance", "Mecha"),
    ("Sports", "Horror"),
    ("Horror", "Sports"),
    ("Slice of Life", "Action"),
    ("Music", "Ecchi"),
    ("Mystery", "Comedy"),
    ("Kids", "Horror"),
)


class Tastes:
    """The tastes of all users, from the histories that the model serves."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.liked, self.seen = np.diff(directory.history.indptr), np.diff(directory.seen.indptr)

    @cached_property
    def by_genre(self) -> np.ndarray:
        """Liked items per user and genre, `[U, G]`."""
        return self.directory.history @ self.directory.genre_matrix

    @cached_property
    def overall(self) -> np.ndarray:
        """Each genre's share of all training likes, `[G]`."""
        return (self.directory.likes @ self.directory.genre_matrix) / max(self.directory.likes.sum(), 1)

    @cached_property
    def rarity(self) -> np.ndarray:
        """`[U]` bits; 0 for a user without likes."""
        bits = np.log2(max(len(self.liked), 1) / np.maximum(self.directory.likes, 1))
        return (self.directory.history @ bits) / np.maximum(self.liked, 1)

    def favourites(self, user: int, count: int = 3) -> str:
        """The genres of two likes or more whose share most exceeds the overall share, joined."""
        names = self.directory.genre_names
        if not names:
            return ""
        row = self.by_genre[user]
        excess = np.where(row >= 2, row / max(self.liked[user], 1) - self.overall, -np.inf)
        return ", ".join(names[g] for g in np.argsort(-excess, kind="stable")[:count] if excess[g] > 0)

    def share(self, genre: str, users: np.ndarray) -> np.ndarray:
        """The genre's share of each user's likes, taken as at least ten; 0 for an unknown genre."""
        if genre not in self.directory.genre_names:
            return np.zeros(len(users))
        return self.by_genre[users, self.directory.genre_names.index(genre)] / np.maximum(
            self.liked[users], 10
        )

    def find(
        self,
        text: str = "",
        loves: str | None = None,
        avoids: str | None = None,
        least: int = 0,
        most: int | None = None,
        order: str = "id",
        limit: int = 50,
    ) -> pd.DataFrame:
        """user_id, liked, seen, rarity, favourites of the matching users.

        Args:
            text: the beginning of the id.
            loves: a genre; users with its largest share of likes come first, whatever `order`.
            avoids: a genre that none of the user's liked items has.
            least, most: the number of liked items.
            order: one of `ORDERS`.
        """
        users = np.arange(len(self.liked))
        if beginning := text.strip():
            users = users[
                np.array([str(u).startswith(beginning) for u in self.directory.dataset.user_ids], dtype=bool)
            ]
        users = users[
            (self.liked[users] >= least) & (self.liked[users] <= (np.inf if most is None else most))
        ]
        if avoids is not None and avoids in self.directory.genre_names:
            users = users[self.share(avoids, users) == 0]
        keys = {
            "most likes": -self.liked,
            "fewest likes": self.liked,
            "most unusual": -self.rarity,
            "most typical": self.rarity,
        }
        if order in keys:
            users = users[np.argsort(keys[order][users], kind="stable")]
        if loves is not None and loves in self.directory.genre_names:
            share = self.share(loves, users)
            users = users[np.argsort(-share, kind="stable")][: int((share > 0).sum())]
        rows = [self._row(u) for u in users[:limit]]
        return pd.DataFrame(rows, columns=["user_id", "liked", "seen", "rarity", "favourites"])

    def _row(self, user: int) -> tuple[Any, ...]:
        return (
            to_python(self.directory.dataset.user_ids[user]),
            int(self.liked[user]),
            int(self.seen[user]),
            float(self.rarity[user]),
            self.favourites(user),
        )

    def presets(self) -> pd.DataFrame:
        """name, description, user_id of users selected by fixed rules, each user at most once."""
        rules: list[tuple[str, str, dict[str, Any]]] = [
            (
                f"Loves {loves}, avoids {avoids}",
                f"mostly {loves}, and no liked item of {avoids}",
                {"loves": loves, "avoids": avoids},
            )
            for loves, avoids in PAIRS
            if {loves, avoids} <= set(self.directory.genre_names)
        ]
        rules += [
            ("Most unusual taste", "items that few other users like", {"order": "most unusual"}),
            ("Most typical taste", "items that most users like", {"order": "most typical"}),
            ("Most active", "the largest number of likes", {"order": "most likes", "least": 1, "most": None}),
            ("New user", "only a few likes", {"order": "fewest likes", "least": 3}),
        ]
        rows: list[tuple[str, str, Any]] = []
        for name, description, rule in rules:
            found = self.find(limit=len(rows) + 1, **({"least": FEW, "most": MANY} | rule))[
                "user_id"
            ].tolist()
            fresh = [user for user in found if user not in [row[2] for row in rows]]
            if fresh:
                rows.append((name, description, fresh[0]))
        return pd.DataFrame(rows, columns=["name", "description", "user_id"])

    def step(self, user_id: object, by: int) -> Any:
        """The user `by` places further in the data's order, cyclically, among the users with a like."""
        active = np.flatnonzero(self.liked)
        if not len(active):
            return user_id
        place = int(np.searchsorted(active, self.directory.user(user_id)))
        if by > 0 and (place >= len(active) or active[place] != self.directory.user(user_id)):
            by -= 1  # a user without likes is between two others
        return to_python(self.directory.dataset.user_ids[active[(place + by) % len(active)]])

    def taste(self, profile: Profile) -> pd.DataFrame:
        """genre, liked, share of the profile's items, lift over the overall share; the most liked first."""
        positions = [self.directory.item(i) for i in profile.history]
        liked = self.directory.genre_matrix[positions].sum(0)
        share = liked / max(len(positions), 1)
        lift = np.divide(share, self.overall, out=np.full(len(share), np.nan), where=self.overall > 0)
        frame = pd.DataFrame(
            {"genre": self.directory.genre_names, "liked": liked.astype(int), "share": share, "lift": lift}
        )
        return frame[frame["liked"] > 0].sort_values(
            ["liked", "genre"], ascending=[False, True], ignore_index=True
        )
