"""The baselines' settings, chosen on validation: a rival that was not tuned proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from dskreg.baselines import CHUNK, EASE, Baseline, CoLikes, Csr, ItemKNN, Popularity
from dskreg.metrics import hits, ndcg, top_items

TUNING_USERS = 5000  # enough to tell settings apart; more only costs time
FEW_TITLES = 8000  # above, fewer settings are tried: at 14,000 titles one takes 6 (item-kNN) or 20 seconds (EASE)


def tuned(train: Csr, validation: Csr, refit: Csr | None = None) -> dict[str, Baseline]:
    """The baselines with the settings of the best NDCG@20 on `validation`, all titles ranked that are not in the person's `train`.

    Which settings won stands in each one's `settings`; `baselines` builds them again from there.

    Args:
        train: `[U, I]` likes to fit each setting on; also the histories.
        validation: `[U, I]` held-out likes. At most 5,000 evenly spaced people with such likes are asked; without any, the first setting wins.
        refit: `[U, I]` likes to fit the winners on; None: `train` again.
    """
    asked = np.flatnonzero(np.diff(validation.indptr))
    asked = asked[np.linspace(0, len(asked) - 1, min(len(asked), TUNING_USERS)).astype(int)]
    likes = CoLikes.of(train)
    winners = {name: _best(grid, likes, train[asked], validation[asked]) for name, grid in _grids(len(likes.titles)).items()}
    if refit is not None:
        likes = CoLikes.of(refit)
    return {name: build().fit_co_likes(likes) for name, build in winners.items()}


def _grids(titles: int) -> dict[str, list[Callable[[], Baseline]]]:
    """The settings to try, as builders: a fitted EASE may take a gigabyte, so only one lives at a time."""
    few = titles <= FEW_TITLES
    nearest, shrinks = ((20, 100, 500, 2000), (0.0, 10.0, 50.0)) if few else ((100, 500), (10.0, 50.0))
    penalties = (20.0, 100.0, 200.0, 500.0, 1000.0) if few else (100.0, 300.0)
    return {
        "popularity": [Popularity],
        "item-kNN": [partial(ItemKNN, k, shrink) for k in nearest for shrink in shrinks],
        "EASE": [partial(EASE, penalty) for penalty in penalties],
    }


def _best(grid: list[Callable[[], Baseline]], likes: CoLikes, history: Csr, relevant: Csr) -> Callable[[], Baseline]:
    """The builder of the setting with the best NDCG@20; the earlier of equals."""
    if len(grid) == 1:
        return grid[0]
    quality = [_ndcg20(build().fit_co_likes(likes), history, relevant) for build in grid]
    return grid[int(np.argmax(quality))]


def _ndcg20(baseline: Baseline, history: Csr, relevant: Csr) -> float:
    """Mean NDCG@20 with the histories excluded; 0 over nobody."""
    values = [np.zeros(0)]
    for start in range(0, history.shape[0], CHUNK):
        seen, wanted = history[start : start + CHUNK], relevant[start : start + CHUNK]
        ranked = top_items(baseline.scores(seen), seen, 20)
        values.append(ndcg(hits(ranked, wanted), np.diff(wanted.indptr), 20))
    return float(np.concatenate(values).sum() / max(history.shape[0], 1))
