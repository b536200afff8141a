"""Lists through an engine: a shortlist of the items that it proposes, with the model's scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from dskreg.evaluation.metrics import top_items
from dskreg.evaluation.ranking import require_length
from dskreg.explorer import Explorer
from dskreg.model.aggregation import Picks
from dskreg.retrieval.engines import Engine
from dskreg.serving.directory import Profile
from dskreg.serving.trained import TrainedModel


@dataclass(frozen=True)
class Index:
    """An engine that holds the items of one artifact.

    `least`: how many unseen items a shortlist has in the paper's form; None for the whole catalogue. In the
    evidence form, where the engine's products are the scores, it has as many as are wanted.
    """

    engine: Engine
    least: int | None

    def ranked(
        self, core: TrainedModel, user: Tensor, hidden: np.ndarray, top: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """(positions `[n]` of the best items that are not `hidden` `[I]`, their scores `[n]`) for `user`
        `[1, D]` = e_hat_u; n is at most `top`.
        """
        items = None
        if self.least is not None:
            items = self._shortlist(user, hidden, top if core.all_liked else max(self.least, 10 * top))
        left = len(hidden) - int(hidden.sum())
        if items is None or len(items) < min(top, left):  # the walk may have ended early
            items = np.flatnonzero(~hidden)
            score = core.catalogue.scores(user)[:, 0].numpy()[items]
        else:
            score = scores_of(core, user, items)
        order = top_items(score[None], None, min(top, len(items)))[0]
        order = order[order >= 0]
        return items[order], score[order]

    def _shortlist(self, user: Tensor, hidden: np.ndarray, unseen: int) -> np.ndarray | None:
        """Positions that are not hidden, rising, so that equal scores are listed by position; None for all.

        As many more are asked for as are hidden.
        """
        count = unseen + int(hidden.sum())
        if count >= len(hidden):
            return None
        found = np.sort(self.engine.search(user[0].numpy(), count))
        return found[~hidden[found]]

    def recommend(self, explorer: Explorer, profile: Profile, top: int = 10) -> pd.DataFrame:
        """`Explorer.recommend` without filters, among the items that the engine proposes.

        Raises InputError when `top` is below 1.
        """
        require_length(top)
        if not profile.history:  # by popularity: no vector to search with
            return explorer.recommend(profile, top)
        core = explorer.core
        listed, score = self.ranked(
            core, core.user_hop(*core.history(profile)).output, core.hidden(profile), top
        )
        return explorer.listing(profile, listed, score, np.arange(1, len(listed) + 1))


@torch.no_grad()
def scores_of(core: TrainedModel, user: Tensor, items: np.ndarray) -> np.ndarray:
    """The model's noise-free scores `[n]` of the items `items` `[n]` for `user` `[1, D]`, from the picks that
    the artifact keeps.

    In the paper's form pair by pair, since otherwise the whole table would be multiplied.
    """
    if core.all_liked:
        return (core.catalogue.vectors[items] @ user[0]).numpy()
    place, picks = torch.from_numpy(items), core.catalogue.picks
    taken = Picks(*(part.index_select(0, place) for part in (picks.neighbour, picks.relation, picks.weight)))
    return core.model.by_slot(user.expand(len(items), -1), place, taken, paired=True)[-1][:, 0].numpy()
