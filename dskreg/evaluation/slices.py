"""Slices of a test: the same lists, told apart by users' activity, by items' likes and by genre, and how
unevenly they show the catalogue. Torch-free.

    recall, ndcg, hit @k    means over the users of a slice, as in metrics.py
    recall of items         held-out likes of the slice's items that are in a list / all of them
    held_out_share          held-out likes of the slice's items / all held-out likes
    list_share              places of all lists that go to the slice's items / all places
    coverage                items of the slice that are in at least one list / its items
    gini                    of the number of lists that hold each item: 0 where all are in equally many

Lists without popularity bias would have a list share near the share of the held-out likes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dskreg.evaluation.metrics import Csr, hit_rate, hits, ndcg, recall

GROUPS = 5  # of users, of about equal size
COLD = "0 (new)"
LIKES = {
    COLD: 0,
    "1-2": 1,
    "3-5": 3,
    "6-10": 6,
    "11-20": 11,
    "21-50": 21,
    "51-100": 51,
    "over 100": 101,
}
"""Names of the slices of items and the fewest likes of an item in each."""
HEAD = 0.2  # of the items with likes: the most liked ones
NORMAL = 1.96  # standard errors on each side of a 95 % interval


class Slices:
    """Collects the lists of test users, chunk by chunk; what is kept grows with users and items only."""

    def __init__(self, items: int, k: int = 20) -> None:
        self.k = k
        self.listed, self.held_out, self.found = (np.zeros(items, dtype=np.int64) for _ in range(3))
        self._users: list[np.ndarray] = []  # [4, B]: history length, recall, NDCG, hit

    def add(self, ranked: np.ndarray, relevant: Csr, length: np.ndarray) -> None:
        """One more chunk.

        Args:
            ranked: `[B, K]` lists, best first, -1 for filler; places beyond `k` are ignored.
            relevant: `[B, I]` held-out likes, at least one in each row.
            length: `[B]` likes in the history.
        """
        ranked, items = ranked[:, : self.k], len(self.listed)
        hit, total = hits(ranked, relevant), np.diff(relevant.indptr)
        self.listed += np.bincount(ranked[ranked >= 0], minlength=items)
        self.found += np.bincount(ranked[hit], minlength=items)
        self.held_out += np.bincount(relevant.indices, minlength=items)
        self._users.append(np.stack([length, *(m(hit, total, self.k) for m in (recall, ndcg, hit_rate))]))

    def by_activity(self) -> list[dict[str, Any]]:
        """slice, users, recall, ndcg, hit, within (half the 95 % interval of NDCG) of GROUPS groups by the
        length of the history; equal lengths stay together, and a slice is named by its lengths.
        """
        if not self._users:
            return []
        users = np.concatenate(self._users, axis=1)
        length = users[0].astype(np.int64)
        parts = np.arange(1, GROUPS) / GROUPS
        edges = np.unique(np.quantile(length, parts, method="lower"))
        place, found = np.searchsorted(edges, length, side="left"), []
        for n in np.unique(place):
            low, high = length[place == n].min(), length[place == n].max()
            found.append(_of_users(f"{low}" if low == high else f"{low}-{high}", users[1:, place == n]))
        return found

    def overall(self) -> dict[str, Any]:
        """The same of all users."""
        return _of_users("all", np.concatenate(self._users, axis=1)[1:] if self._users else np.zeros((3, 0)))

    def by_likes(self, likes: np.ndarray) -> list[dict[str, Any]]:
        """slice, items, held_out (likes), recall, held_out_share, list_share, coverage for each of LIKES that
        has items; `likes` `[I]`.
        """
        place = np.searchsorted(list(LIKES.values()), likes, side="right") - 1
        return [self._of_items(name, place == n) for n, name in enumerate(LIKES) if (place == n).any()]

    def by_genre(self, names: list[str], carried: np.ndarray) -> list[dict[str, Any]]:
        """The same for each genre; `carried` `[I, G]`. An item of several genres counts in each."""
        return [self._of_items(name, carried[:, n] > 0) for n, name in enumerate(names)]

    def _of_items(self, name: str, mine: np.ndarray) -> dict[str, Any]:
        held_out = int(self.held_out[mine].sum())
        return {
            "slice": name,
            "items": int(mine.sum()),
            "held_out": held_out,
            "recall": _ratio(int(self.found[mine].sum()), held_out),
            "held_out_share": _ratio(held_out, int(self.held_out.sum())),
            "list_share": _ratio(int(self.listed[mine].sum()), int(self.listed.sum())),
            "coverage": _ratio(int((self.listed[mine] > 0).sum()), int(mine.sum())),
        }

    def bias(self, likes: np.ndarray) -> dict[str, Any]:
        """How the lists treat popular items.

        Returns:
            coverage; gini;
            mean_likes_recommended, mean_likes_held_out: likes of the item at a place of a list, and of a
            held-out like, on average;
            head_recommended, head_held_out: the share that goes to the HEAD of the items with likes, equal
            likes by position.
        """
        liked = np.flatnonzero(likes)
        order = liked[np.argsort(-likes[liked], kind="stable")]
        head = order[: max(1, round(HEAD * len(order)))]
        places, held_out = int(self.listed.sum()), int(self.held_out.sum())
        return {
            "coverage": _ratio(int((self.listed > 0).sum()), len(self.listed)),
            "gini": gini(self.listed),
            "mean_likes_recommended": _ratio(float(self.listed @ likes), places),
            "mean_likes_held_out": _ratio(float(self.held_out @ likes), held_out),
            "head_recommended": _ratio(int(self.listed[head].sum()), places),
            "head_held_out": _ratio(int(self.held_out[head].sum()), held_out),
        }


def _of_users(name: str, values: np.ndarray) -> dict[str, Any]:
    """Of recall, NDCG and hit `[3, C]`."""
    count = values.shape[1]
    means = values.mean(1).tolist() if count else [None] * 3
    within = float(NORMAL * values[1].std(ddof=1) / count**0.5) if count > 1 else None
    return {
        "slice": name,
        "users": count,
        "recall": means[0],
        "ndcg": means[1],
        "hit": means[2],
        "within": within,
    }


def without_items(rows: list[dict[str, Any]]) -> str:
    """The slices of LIKES that `by_likes` leaves out, in a sentence; "" for none."""
    left_out = [name.removesuffix(" (new)") for name in LIKES if name not in {row["slice"] for row in rows}]
    if not left_out:
        return ""
    *most, last = left_out
    return f"No item has {', '.join(most)}{' or ' * bool(most)}{last} likes."


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def gini(values: np.ndarray) -> float:
    """The Gini coefficient of values >= 0: half the mean difference of two of them, over their mean.

    0 where all are equal, or there are none.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n, total = len(ordered), ordered.sum()
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total)) if total > 0 else 0.0
