"""The model beside popularity, item-kNN and EASE for one person: lists, ranks of the hidden titles, and what
the lists are worth.

A full ranking hides the history alone, as `evaluation.py` does, so the person's test titles can be found. The
figures of a person are those that `evaluation.evaluate` averages over everybody.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy import sparse

from dskreg.errors import InputError
from dskreg.evaluation.metrics import hit_rate, hits, mrr, ndcg, recall, top_items
from dskreg.serving.baselines import NAMES
from dskreg.serving.directory import Profile
from dskreg.serving.trained import TrainedModel

MODEL = "DSKReG"
ALL = (MODEL, *NAMES)
MEASURES = {"recall": recall, "ndcg": ndcg, "hit": hit_rate, "mrr": mrr}
CUTOFFS = (10, 20)


class Rivals:
    """The recommenders `ALL` on the same likes, for an opened artifact."""

    def __init__(self, core: TrainedModel) -> None:
        self.core, self.baselines, self.names = core, core.baselines, NAMES
        self.note = core.baselines.note

    def ready(self, name: str) -> bool:
        """Can it answer at once? A baseline is fitted when it is first asked for."""
        return name == MODEL or self.baselines.ready(name)

    def refusal(self, name: str) -> str:
        """Why the recommender must be asked for with `large`, or ""."""
        return "" if name == MODEL else self.baselines.refusal(name)

    def settings(self, name: str) -> dict[str, float]:
        """A baseline's settings by name."""
        return self.baselines.settings(name)

    # Lists

    def scores(self, name: str, profile: Profile, large: bool = False) -> np.ndarray:
        """What the recommender ranks the whole catalogue by, `[I]`. Raises InputError."""
        if name == MODEL or not profile.history:  # without a like no other recommender knows anything either
            return self.core.order(profile, self.core.scores(profile))
        history = np.sort(self.core.history(profile)[1])
        row = sparse.csr_matrix(
            (np.ones(len(history), dtype=np.float32), history, [0, len(history)]),
            shape=(1, len(self.core.items)),
        )
        return self.baselines.get(name, large).scores(row)[0]

    def recommend(
        self,
        name: str,
        profile: Profile,
        top: int = 10,
        hide_seen: bool = True,
        genres: Iterable[str] = (),
        types: Iterable[str] = (),
        large: bool = False,
    ) -> pd.DataFrame:
        """rank, item_id, title, type, genres, likes, score, score_rank, seen, held_out of the recommender's
        best titles.

        Without `hide_seen` only the history, and what was disliked by hand, stays out: so titles hidden from
        training can be found. Raises InputError.
        """
        if top < 1:
            raise InputError(f"top: expected at least 1 (got {top})")
        score, core = self.scores(name, profile, large), self.core
        hidden = core.hidden(profile, hide_seen, genres, types)
        hidden[core.positions(profile.history)] = True
        ranked = top_items(score[None], sparse.csr_matrix(hidden[None]), min(top, len(score)))[0]
        ranked = ranked[ranked >= 0]
        seen = np.zeros(len(score), dtype=bool)
        seen[core.positions(profile.seen)] = True
        frame, place = core.rows(ranked), np.arange(1, len(ranked) + 1)
        frame.insert(0, "rank", place)
        return frame.assign(
            score=score[ranked], score_rank=place, seen=seen[ranked], held_out=core.held_out(profile)[ranked]
        )

    # Held-out titles

    def untestable(self, profile: Profile) -> str:
        """Why nothing can be tested for this person, or ""."""
        if profile.user_id is None:
            return (
                "A profile made by hand has no hidden titles: nobody knows what else this person would like."
            )
        if profile.edited:
            return "An edited profile is nobody's true history, so the titles hidden from training cannot test it."
        if not profile.history:
            return "No like of this person is known beside the titles hidden from training, so there is nothing to test with."
        if not self.core.held_out(profile).any():
            return "No liked title of this person was hidden from training, so there is nothing to test with."
        return ""

    def ranks(self, name: str, profile: Profile, large: bool = False) -> np.ndarray:
        """`[I]` int: every title's rank in the full ranking, 0 for the history; the whole catalogue competes,
        as in the test.
        """
        rank = np.zeros(len(self.core.items), dtype=np.int64)
        ranked = self._ranked(name, profile, len(rank), large)
        rank[ranked[ranked >= 0]] = np.arange(1, (ranked >= 0).sum() + 1)
        return rank

    def held_out(self, profile: Profile, names: Iterable[str] = ALL, large: bool = False) -> pd.DataFrame:
        """item_id, title and a column per recommender with the rank of every title hidden from training; no
        row where `untestable`.
        """
        wanted = (
            np.array([], dtype=int)
            if self.untestable(profile)
            else np.flatnonzero(self.core.held_out(profile))
        )
        frame = self.core.rows(wanted)[["item_id", "title"]]
        return frame.assign(
            **{name: self.ranks(name, profile, large)[wanted] if len(wanted) else wanted for name in names}
        )

    def metrics(self, profile: Profile, names: Iterable[str] = ALL, large: bool = False) -> pd.DataFrame:
        """A row per recommender; recall@k, ndcg@k, hit@k and mrr@k for k = 10, 20 on the hidden titles; no
        row where `untestable`.
        """
        columns = [f"{measure}@{k}" for k in CUTOFFS for measure in MEASURES]
        if self.untestable(profile):
            return pd.DataFrame(columns=columns, dtype=float)
        relevant = sparse.csr_matrix(self.core.held_out(profile)[None])
        total, rows = np.diff(relevant.indptr), {}
        for name in names:
            hit = hits(self._ranked(name, profile, max(CUTOFFS), large)[None], relevant)
            rows[name] = [float(measure(hit, total, k)[0]) for k in CUTOFFS for measure in MEASURES.values()]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns)

    def _ranked(self, name: str, profile: Profile, n: int, large: bool) -> np.ndarray:
        """The best `n` titles, best first, without the history; -1 fills."""
        score, known = self.scores(name, profile, large), np.zeros((1, len(self.core.items)), dtype=bool)
        known[0, self.core.positions(profile.history)] = True
        return top_items(score[None], sparse.csr_matrix(known), n)[0]
