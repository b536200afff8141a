"""Full-ranking evaluation: every item competes except those the user is known to have liked, and noise is
off.

Validation: history = train, target = validation. Test: history = train and validation, target = test; likes
outside the core are in both histories. The baselines get the same. A user without a history (a split that
came with the data may have such users) is not counted: no recommender knows anything of their taste.
"""

from __future__ import annotations

import numpy as np

from dskreg.data.dataset import VALIDATION, Dataset
from dskreg.data.interactions import evenly
from dskreg.evaluation.metrics import Ranking
from dskreg.evaluation.ranking import Scorer, rankings

LONGEST = 50  # the deepest cut-off that is reported


def evaluate(
    scorer: Scorer, dataset: Dataset, fold: int, most: int | None = None, select: slice = slice(None)
) -> Ranking:
    """The metrics of the scorer on the validation or the test fold; of `most` evenly spaced users at most,
    and of these the `select`ed.
    """
    folds = dataset.folds
    history, target = (folds.shown, folds.validation) if fold == VALIDATION else (folds.known, folds.test)
    users = np.flatnonzero((np.diff(target.indptr) > 0) & (np.diff(history.indptr) > 0))
    users = (users if most is None else evenly(users, most))[select]
    ranking = Ranking(np.asarray(folds.train.sum(0)).ravel(), len(dataset.user_ids))
    for who, ranked, _ in rankings(scorer, users, history, history, LONGEST):
        ranking.add(ranked, target[who])
    return ranking


def validation_ndcg(scorer: Scorer, dataset: Dataset, most: int) -> float:
    """Mean validation NDCG@20 over `most` evenly spaced users at most; 0 without a validation item."""
    return evaluate(scorer, dataset, VALIDATION, most).results()["ndcg@20"] or 0.0
