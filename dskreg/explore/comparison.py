"""DSKReG compared with popularity, item-kNN and EASE for one user: lists, held-out ranks and metrics.

A full ranking excludes only the history, as dskreg/evaluation/evaluate.py does, so that the user's held-out
items can appear in it. A user's metrics are those that the evaluation averages over all users.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from dskreg.console import Progress, silent
from dskreg.evaluation.metrics import hit_rate, hits, mrr, ndcg, recall, top_items
from dskreg.evaluation.ranking import require_length
from dskreg.explore.slices import baseline_scorer, slices
from dskreg.serving.baselines import NAMES
from dskreg.serving.directory import Profile
from dskreg.serving.trained import TrainedModel

MODEL = "DSKReG"
ALL = (MODEL, *NAMES)
MEASURES = {"recall": recall, "ndcg": ndcg, "hit": hit_rate, "mrr": mrr}
CUTOFFS = (10, 20)


class Comparison:
    """The recommenders `ALL`, on the same likes, for an opened artifact."""

    def __init__(self, core: TrainedModel) -> None:
        self.core, self.baselines, self.names = core, core.baselines, NAMES
        self.note = core.baselines.note

    def ready(self, name: str) -> bool:
        """Whether it answers at once: a baseline is fitted when it is first used."""
        return name == MODEL or self.baselines.ready(name)

    def refusal(self, name: str) -> str:
        """Why the recommender runs only with `large=True`; "" where it runs at once."""
        return "" if name == MODEL else self.baselines.refusal(name)

    def settings(self, name: str) -> dict[str, float]:
        """The settings of a baseline, by name."""
        return self.baselines.settings(name)

    # Lists

    def scores(self, name: str, profile: Profile, large: bool = False) -> np.ndarray:
        """The scores by which the recommender ranks the whole catalogue, `[I]`.

        Raises:
            InputError: The recommender is unknown, or too large to run without `large`.
        """
        if name == MODEL or not profile.history:  # without a like, every recommender lists by popularity
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
        genres: Iterable[str] = (),
        types: Iterable[str] = (),
        large: bool = False,
    ) -> pd.DataFrame:
        """rank, item_id, title, type, genres, likes, score, score_rank, seen, held_out of the recommender's
        top items; `with_seen` decides what is left out, as for `Explorer.recommend`.

        Raises:
            InputError: `top` is below 1, or the recommender cannot run.
        """
        require_length(top)
        score, core = self.scores(name, profile, large), self.core
        hidden = core.hidden(profile, genres, types)
        ranked = top_items(score[None], sparse.csr_matrix(hidden[None]), min(top, len(score)))[0]
        ranked = ranked[ranked >= 0]
        seen = np.zeros(len(score), dtype=bool)
        seen[core.positions(profile.seen)] = True
        frame, place = core.rows(ranked), np.arange(1, len(ranked) + 1)
        frame.insert(0, "rank", place)
        return frame.assign(
            score=score[ranked], score_rank=place, seen=seen[ranked], held_out=core.held_out(profile)[ranked]
        )

    # Held-out items

    def slices(
        self, name: str = MODEL, users: int | None = None, large: bool = False, progress: Progress = silent
    ) -> dict[str, Any]:
        """The recommender's test by users' activity, items' likes and genre, its coverage and popularity bias
        (dskreg/explore/slices.py); InputError as `scores`.
        """
        scorer = None if name == MODEL else baseline_scorer(self.core, name, large)
        return slices(self.core, scorer, users, progress)

    def untestable(self, profile: Profile) -> str:
        """Why this profile has no metrics; "" where it has."""
        if profile.user_id is None:
            return "A custom profile has no held-out items, so no metrics can be computed."
        if profile.edited:
            return "An edited profile differs from the user's history, so the held-out items cannot test it."
        if not profile.history:
            return "This user has no likes besides the held-out items, so no metrics can be computed."
        if not self.core.held_out(profile).any():
            return "This user has no held-out items, so no metrics can be computed."
        return ""

    def ranks(self, name: str, profile: Profile, large: bool = False) -> np.ndarray:
        """Every item's rank in the full ranking of the catalogue, `[I]`; 0 for the history."""
        rank = np.zeros(len(self.core.items), dtype=np.int64)
        ranked = self._ranked(name, profile, len(rank), large)
        rank[ranked[ranked >= 0]] = np.arange(1, (ranked >= 0).sum() + 1)
        return rank

    def held_out(self, profile: Profile, names: Iterable[str] = ALL, large: bool = False) -> pd.DataFrame:
        """item_id, title, and the rank of every held-out item in a column per recommender.

        There is no row for a profile that is `untestable`.
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
        """recall@k, ndcg@k, hit@k and mrr@k on the held-out items for k = 10, 20, a row per recommender.

        There is no row for a profile that is `untestable`.
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
        """The top `n` items, best first, without the history; -1 fills the rest."""
        score, known = self.scores(name, profile, large), np.zeros((1, len(self.core.items)), dtype=bool)
        known[0, self.core.positions(profile.history)] = True
        return top_items(score[None], sparse.csr_matrix(known), n)[0]
