"""The slices of dskreg/evaluation/slices.py for an opened artifact: the test as training measured it, on
the same split, for the model or a baseline.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from dskreg.console import Progress, silent
from dskreg.data.interactions import evenly
from dskreg.evaluation.ranking import Scorer, model_scorer, rankings
from dskreg.evaluation.slices import Slices, without_items
from dskreg.serving.trained import TrainedModel

CHUNK = 128  # users
K = 20


def slices(
    core: TrainedModel,
    scorer: Scorer | None = None,
    users: int | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """The test by slices.

    Args:
        core: The model and its data.
        scorer: Whose lists; None: the model's.
        users: Of the test users, at most so many evenly spaced ones; None: all.
        progress: Counts chunks of users.

    Returns:
        k; users (asked); of (test users); all, activity, likes, genres and bias: `Slices`; described_by: what
        `genres` are; without_items: the slices by likes that are left out, in words. Plain values.
    """
    folds, directory = core.artifact.dataset.folds, core.directory
    known, test = folds.known, folds.test
    tested = np.flatnonzero((np.diff(test.indptr) > 0) & (np.diff(known.indptr) > 0))
    asked = tested if users is None else evenly(tested, users)
    found, length = Slices(len(core.items), K), np.diff(known.indptr)
    chunks = rankings(scorer or model_scorer(core.model, core.catalogue), asked, known, known, K, CHUNK)
    for who, ranked, _ in progress(chunks, -(-len(asked) // CHUNK), "test users, chunks"):
        found.add(ranked, test[who], length[who])
    genres, likes = directory.genre_names, found.by_likes(directory.likes)
    return {
        "k": K,
        "users": len(asked),
        "of": len(tested),
        "all": found.overall(),
        "activity": found.by_activity(),
        "likes": likes,
        "genres": found.by_genre(genres, directory.genre_matrix) if genres else [],
        "described_by": directory.described_by,
        "without_items": without_items(likes),
        "bias": found.bias(directory.likes),
    }


def baseline_scorer(core: TrainedModel, name: str, large: bool = False) -> Scorer:
    """The scores of a baseline; InputError where it is too large without `large`."""
    fitted = core.baselines.get(name, large)

    def scores(users: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
        return fitted.scores(history)

    return scores
