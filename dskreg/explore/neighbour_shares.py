"""How much of a score comes from the drawn neighbours, over the number of likes of the item.

    share = sum_j contribution_j / score           before the activation, without noise

Of the evidence form it falls with the likes by design (model/evidence.py); here it is counted, for what is
recommended and for pairs of a user and an item at random.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from dskreg.embedding.users import user_vectors
from dskreg.evaluation.ranking import rankings
from dskreg.evaluation.slices import LIKES as BINS
from dskreg.model.aggregation import Picks, neighbour_share
from dskreg.serving.trained import TrainedModel

LISTED, AT_RANDOM = "recommended", "at random"
CHUNK = 512  # pairs at a time: each holds K vectors


def neighbour_shares(core: TrainedModel, users: int = 200, top: int = 20, seed: int = 0) -> pd.DataFrame:
    """The share by bins of the item's likes.

    Of a seeded sample of `users` with a history: their `top` best unseen items, and as many pairs of one of
    them and any shown item.

    Returns:
        pairs: LISTED or AT_RANDOM; likes: the bin, every one of them; count; low, median, high: the
        quartiles of the share, missing where the bin is empty.
    """
    directory, rng = core.directory, np.random.default_rng(seed)
    active = np.flatnonzero(np.diff(directory.history.indptr))
    who = np.sort(rng.permutation(active)[:users])
    people, items = [who[:0]], [who[:0]]
    for part, ranked, _ in rankings(core.scorer(), who, directory.history, directory.seen, top):
        people.append(np.repeat(part, (ranked >= 0).sum(1)))
        items.append(ranked[ranked >= 0])
    user, item = np.concatenate(people), np.concatenate(items)
    shown = np.flatnonzero(~core.kept_out)
    pairs = {LISTED: (user, item), AT_RANDOM: (user, rng.choice(shown, len(user)) if len(user) else item)}
    vectors = torch.from_numpy(user_vectors(core.model, who, directory.history))
    rows = []
    for name, (user, item) in pairs.items():
        share = _shares(core, vectors[np.searchsorted(who, user)], item)
        place = np.searchsorted(list(BINS.values()), directory.likes[item], side="right") - 1
        for n, likes in enumerate(BINS):
            mine = share[place == n]
            low, median, high = np.quantile(mine, (0.25, 0.5, 0.75)) if len(mine) else (np.nan,) * 3
            rows.append((name, likes, len(mine), low, median, high))
    return pd.DataFrame(rows, columns=["pairs", "likes", "count", "low", "median", "high"])


@torch.no_grad()
def _shares(core: TrainedModel, user: torch.Tensor, items: np.ndarray) -> np.ndarray:
    """`[P]` of the pairs of `user` `[P, D]` = e_hat_u and `items` `[P]`."""
    picks, found = core.catalogue.picks, [np.zeros(0)]
    for start in range(0, len(items), CHUNK):
        place = torch.from_numpy(items[start : start + CHUNK])
        drawn = Picks(picks.neighbour[place], picks.relation[place], picks.weight[place])
        hop = core.model.by_slot(user[start : start + CHUNK], place, drawn, paired=True)
        contribution, pre_activation = hop[1], hop[4]
        found.append(neighbour_share(contribution, pre_activation)[:, 0].double().numpy())
    return np.concatenate(found)
