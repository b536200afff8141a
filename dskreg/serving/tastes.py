"""What people like, and how to find somebody by it: genres, activity, oddness of taste. Torch-free.

lift of a genre  its share of a person's likes / its share of everybody's training likes
oddness          mean over the liked titles of log2(people / people who like the title in training), in bits: what a like of hers tells on average
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from dskreg.serving.directory import Directory, Profile, to_python

ORDERS = ("id", "most liked", "fewest liked", "oddest", "most typical")
"""How found people may be sorted."""
FEW, MANY = 8, 60  # likes of a profile that is easy to read
PAIRS = (  # (loves, avoids): tastes that say at once what a recommender should do
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
    """Everybody's taste, by the histories that the model is served with."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.liked, self.seen = np.diff(directory.history.indptr), np.diff(directory.seen.indptr)

    @cached_property
    def by_genre(self) -> np.ndarray:
        """How many titles of each genre each person likes, `[U, G]`."""
        return self.directory.history @ self.directory.genre_matrix

    @cached_property
    def everybody(self) -> np.ndarray:
        """Each genre's share of all training likes, `[G]`."""
        return (self.directory.likes @ self.directory.genre_matrix) / max(self.directory.likes.sum(), 1)

    @cached_property
    def oddness(self) -> np.ndarray:
        """`[U]` bits; 0 for somebody without a like."""
        bits = np.log2(max(len(self.liked), 1) / np.maximum(self.directory.likes, 1))
        return (self.directory.history @ bits) / np.maximum(self.liked, 1)

    def favourites(self, user: int, count: int = 3) -> str:
        """The genres that stand out in the person's likes (share less everybody's share; of two likes or
        more), joined.
        """
        names = self.directory.genre_names
        if not names:
            return ""
        row = self.by_genre[user]
        excess = np.where(row >= 2, row / max(self.liked[user], 1) - self.everybody, -np.inf)
        return ", ".join(names[g] for g in np.argsort(-excess, kind="stable")[:count] if excess[g] > 0)

    def share(self, genre: str, users: np.ndarray) -> np.ndarray:
        """The genre's share of each person's likes, of ten likes or more; 0 for an unknown genre."""
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
        """user_id, liked, seen, oddness, favourites of people.

        Args:
            text: what their id begins with.
            loves: a genre; those with its largest share among their likes come first, whatever `order`.
            avoids: a genre that none of their liked titles has.
            least, most: how many titles they like.
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
            "most liked": -self.liked,
            "fewest liked": self.liked,
            "oddest": -self.oddness,
            "most typical": self.oddness,
        }
        if order in keys:
            users = users[np.argsort(keys[order][users], kind="stable")]
        if loves is not None and loves in self.directory.genre_names:
            share = self.share(loves, users)
            users = users[np.argsort(-share, kind="stable")][: int((share > 0).sum())]
        rows = [self._row(u) for u in users[:limit]]
        return pd.DataFrame(rows, columns=["user_id", "liked", "seen", "oddness", "favourites"])

    def _row(self, user: int) -> tuple[Any, ...]:
        return (
            to_python(self.directory.dataset.user_ids[user]),
            int(self.liked[user]),
            int(self.seen[user]),
            float(self.oddness[user]),
            self.favourites(user),
        )

    def presets(self) -> pd.DataFrame:
        """name, description, user_id: people worth a look, found in these data by rule.

        Each person at most once.
        """
        rules: list[tuple[str, str, dict[str, Any]]] = [
            (
                f"Loves {loves}, avoids {avoids}",
                f"{loves} above all, and not one liked title of {avoids}",
                {"loves": loves, "avoids": avoids},
            )
            for loves, avoids in PAIRS
            if {loves, avoids} <= set(self.directory.genre_names)
        ]
        rules += [
            ("The oddest taste", "the likes of few others", {"order": "oddest"}),
            ("The most typical taste", "what nearly everybody likes", {"order": "most typical"}),
            ("The most active", "more likes than anybody", {"order": "most liked", "least": 1, "most": None}),
            ("A newcomer", "hardly known to the model", {"order": "fewest liked", "least": 3}),
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
        """The person `by` places further in the data's order, round and round, among those with a like."""
        active = np.flatnonzero(self.liked)
        if not len(active):
            return user_id
        place = int(np.searchsorted(active, self.directory.user(user_id)))
        if by > 0 and (place >= len(active) or active[place] != self.directory.user(user_id)):
            by -= 1  # a person without a like stands between two others
        return to_python(self.directory.dataset.user_ids[active[(place + by) % len(active)]])

    def taste(self, profile: Profile) -> pd.DataFrame:
        """genre, liked, share of the profile's titles, lift over the share among everybody's training likes;
        the most liked first.
        """
        positions = [self.directory.item(i) for i in profile.history]
        liked = self.directory.genre_matrix[positions].sum(0)
        share = liked / max(len(positions), 1)
        lift = np.divide(share, self.everybody, out=np.full(len(share), np.nan), where=self.everybody > 0)
        frame = pd.DataFrame(
            {"genre": self.directory.genre_names, "liked": liked.astype(int), "share": share, "lift": lift}
        )
        return frame[frame["liked"] > 0].sort_values(
            ["liked", "genre"], ascending=[False, True], ignore_index=True
        )
