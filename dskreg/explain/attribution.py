"""Attribution of a score to pairs (liked item, term of the score); the pairs add up to the whole score.

    e_hat_u = act(sum_h x_h)
        x_h = w_h e_h / sqrt(H)                            per liked item; of the paper's form W_u beta_h e_h
              (beta 0 where not picked), W_u e_u and b_u
    W_i (...) + b_i = sum_j y_j
        y_j = e_i, k_i alpha_j g_r e_j                     own embedding, picks; of the paper's form W_i e_i,
              alpha_j W_i e_j and b_i
    score before the item's activation = e_hat_u . sum_j y_j = sum_h sum_j (f x_h) . y_j

f is 1 where the activation is linear. Where it is tanh, f = tanh(x) / x for x = sum_h x_h, dimension by
dimension: the factor is the same for every part, so that the parts still add up to e_hat_u. Then sum_h
gives each pick its contribution of the Explanation in every preset.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from dskreg.model.aggregation import Trace
from dskreg.model.dskreg import DSKReG
from dskreg.model.sampling import DrawSettings
from dskreg.serving.directory import Profile
from dskreg.serving.trained import TrainedModel

LIKED = "liked"
"""The relation of the user side."""
OWN, GLOBAL = "user's own embedding", "global term"  # the second is the same for all users
ITSELF, BIAS = "own embedding", "bias"


@torch.no_grad()
def flow(core: TrainedModel, profile: Profile, item_id: object, settings: DrawSettings) -> pd.DataFrame:
    """The score before the item's activation, pair by pair.

    Returns:
        source_id, source: a liked item, or None and OWN (a free e_u), or None and GLOBAL (b_u);
        target_id, target: a pick, or None and ITSELF, or None and BIAS;
        relation: the pick's, "" otherwise;
        contribution: they sum to `Explanation.pre_activation_score`; over the sources of one pick, to its
            contribution. A part that is zero for everyone has no rows: an unpicked liked item under a free
            e_u, a bias of zero. A user without a like has no rows at all.
    """
    user, history = core.history(profile)
    item = core.directory.item(item_id)
    trace = core.trace(user, history, item, settings)
    user_parts, sources = _user_parts(core, trace, history)
    item_parts, targets = _item_parts(core, trace, item)
    of_user, of_item = user_parts.abs().sum(1).numpy() > 0, item_parts.abs().sum(1).numpy() > 0
    table = (user_parts @ item_parts.T).double().numpy()[of_user][:, of_item]
    rows = [(*sources[s], *targets[t]) for s in np.flatnonzero(of_user) for t in np.flatnonzero(of_item)]
    frame = pd.DataFrame(
        rows, columns=["source_id", "source", "target_id", "target", "relation"], dtype=object
    )
    return frame.assign(contribution=table.ravel())


@torch.no_grad()
def history_contributions(model: DSKReG, trace: Trace, items: Tensor, history: Tensor) -> Tensor:
    """`[H, N]`: what each of one user's liked items adds to the scores of `items` `[N]`, before the user
    tower's activation (B = 1).
    """
    weighed = model.weighed(items, trace.item.attention)
    seen = model.item_vectors(items, trace.item.neighbour, weighed)[:, 0]  # e_hat_i|u
    return model.user_terms(trace.user, history)[: len(history)] @ seen.T


@torch.no_grad()
def own_terms(core: TrainedModel, trace: Trace, history: np.ndarray, item: int) -> pd.DataFrame:
    """source, contribution: the rows of `flow` whose target is the item's own embedding."""
    user_parts, sources = _user_parts(core, trace, history)
    added = (user_parts @ core.model.item_terms(trace.item, item)[0]).double().numpy()
    there = np.flatnonzero((user_parts.abs().sum(1).numpy() > 0) & added.any())
    names = [sources[s][1] for s in there]
    return pd.DataFrame({"source": np.array(names, dtype=object), "contribution": added[there]})


def _user_parts(
    core: TrainedModel, trace: Trace, history: np.ndarray
) -> tuple[Tensor, list[tuple[Any, str]]]:
    """f x_h `[H + 2, D]` and (id, name) of each."""
    model, hop = core.model, trace.user
    if not len(history):  # nothing is known of the user, e_hat_u is 0
        return torch.zeros(0, model.config.width), []
    parts = model.user_terms(hop, torch.from_numpy(history))
    names = [(core.directory.item_ids[h], str(core.directory.titles[h])) for h in history]
    return _nonlinear(parts, model.activation), [*names, (None, OWN), (None, GLOBAL)]


def _nonlinear(parts: Tensor, activation: str) -> Tensor:
    """Parts `[P, D]` times f."""
    if activation == "linear":
        return parts
    whole = parts.double().sum(0)
    # Tanh(x) / x tends to 1 at 0
    return (parts * torch.where(whole.abs() > 1e-8, torch.tanh(whole) / whole, 1.0)).to(parts.dtype)


def _item_parts(core: TrainedModel, trace: Trace, item: int) -> tuple[Tensor, list[tuple[Any, str, str]]]:
    """y_j `[1 + K + 1, D]` and (id, name, relation) of each."""
    model, hop = core.model, trace.item
    picked = hop.draw.picked[0]
    neighbour, relation = hop.neighbour[0][picked], hop.relation[0][picked]
    names = [
        (core.directory.item_ids[j], str(core.directory.titles[j]), core.graph.relations[r])
        for j, r in zip(neighbour.tolist(), relation.tolist(), strict=True)
    ]
    return model.item_terms(hop, item), [(None, ITSELF, ""), *names, (None, BIAS, "")]


def strongest(frame: pd.DataFrame, sources: int) -> pd.DataFrame:
    """The flow with the weaker sources together as one ("12 more"): `sources` items keep their names, and so
    do OWN and GLOBAL.

    Strength: the sum of absolute contributions.
    """
    titles = frame[frame["source_id"].notna()]
    strength = (
        titles["contribution"]
        .abs()
        .groupby(titles["source_id"].astype(str), sort=False)
        .sum()
        .sort_values(ascending=False, kind="stable")
    )
    rest = frame["source_id"].notna() & frame["source_id"].astype(str).isin(strength.index[sources:])
    if not rest.any():
        return frame
    weaker = frame[rest]
    place = weaker.groupby(
        [weaker[name].map(repr) for name in ("target_id", "target", "relation")], sort=False
    ).ngroup()
    merged = (
        weaker.groupby(place, sort=False)
        .head(1)
        .assign(contribution=weaker["contribution"].groupby(place, sort=False).sum().to_numpy())
    )
    merged = merged.assign(source_id=None, source=f"{len(strength) - sources} more {LIKED} items")
    return pd.concat([frame[~rest], merged], ignore_index=True)
