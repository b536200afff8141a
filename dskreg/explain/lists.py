"""Lists of recommendations: one user's, filtered, diversified and with reasons, and those of all users."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
import torch
from scipy import sparse

from dskreg.errors import InputError
from dskreg.evaluation.metrics import top_items
from dskreg.evaluation.ranking import Scorer, rankings, require_length
from dskreg.explain.attribution import history_contributions
from dskreg.explain.pairs import via_words
from dskreg.explain.reasons import by_popularity, reasons
from dskreg.model.aggregation import neighbour_share
from dskreg.model.dskreg import UNKNOWN_USER
from dskreg.serving.directory import Profile
from dskreg.serving.diversity import POOL, WIDE, mmr
from dskreg.serving.histories import Histories
from dskreg.serving.trained import TrainedModel, as_batch


def recommend(
    core: TrainedModel,
    profile: Profile,
    top: int,
    genres: Iterable[str],
    types: Iterable[str],
    most_likes: int | None,
    diversity: float,
) -> pd.DataFrame:
    """The list of `Explorer.recommend`."""
    require_length(top)
    _require_likes(most_likes)
    if not 0 <= diversity <= 1:
        raise InputError(f"diversity: expected 0 to 1 (got {diversity})")
    score = core.scores(profile)
    by = core.order(profile, score)
    hidden = core.hidden(profile, genres, types, most_likes)
    pool = max(POOL, WIDE * top) if diversity else top
    ranked = top_items(by[None], sparse.csr_matrix(hidden[None]), min(pool, len(by)))[0]
    ranked = ranked[ranked >= 0]
    chosen = np.arange(len(ranked))
    if diversity:
        chosen = mmr(by[ranked], core.representations[1][ranked], top, diversity)
    return listing(core, profile, ranked[chosen], score[ranked[chosen]], chosen + 1)


def listing(
    core: TrainedModel, profile: Profile, listed: np.ndarray, score: np.ndarray, score_rank: np.ndarray
) -> pd.DataFrame:
    """The columns of `Explorer.recommend` for the items `listed` `[N]`, in this order."""
    seen, held_out = core.positions(profile.seen), core.held_out(profile)[listed]
    share, why, because = _explained(core, profile, listed)
    rows = core.rows(listed)
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(listed) + 1),
            **{name: rows[name].array for name in rows},
            "score": score,
            "score_rank": score_rank,
            "neighbour_share": share,
            "seen": np.isin(listed, seen),
            "held_out": held_out,
            "reason": pd.array(why, dtype="str"),
            "because": pd.Series(because, dtype=object),
        }
    )


def _explained(
    core: TrainedModel, profile: Profile, listed: np.ndarray
) -> tuple[np.ndarray, list[str], list[object]]:
    """(the neighbours' share of each item's score `[N]`, the reason for it, the id of the liked title with
    the largest contribution to it or None).
    """
    if not len(listed) or not profile.history:
        why = [by_popularity(int(likes)) for likes in core.directory.likes[listed]]
        return np.zeros(len(listed)), why, [None] * len(listed)
    user, history = core.history(profile)
    items = torch.from_numpy(listed)
    trace = core.model(torch.tensor([user]), as_batch(history), items)
    added = history_contributions(core.model, trace, items, torch.from_numpy(history)).numpy()
    share = neighbour_share(trace.item.contribution, trace.item.pre_activation)[:, 0].numpy()
    why = reasons(core.directory, core.graph, trace, listed, history, added, profile.called)
    first, ids = added.argmax(0), core.directory.item_ids
    because = [ids[history[h]] if added[h, n] > 0 else None for n, h in enumerate(first)]
    return share, why, because


@torch.no_grad()
def sampled(core: TrainedModel, profile: Profile, item_ids: Iterable[object]) -> pd.DataFrame:
    """The rows of `Explorer.sampled`."""
    user, history = core.history(profile)
    items = core.positions(item_ids)
    hop = core.model(torch.tensor([user]), as_batch(history), torch.tensor(items)).item
    directory, graph, rows = core.directory, core.graph, []
    for n, item in enumerate(items):
        picked = hop.draw.picked[n]
        neighbour, relation = hop.neighbour[n][picked].numpy(), hop.relation[n][picked].numpy()
        via = via_words(directory, graph, item, neighbour, relation)
        added = hop.contribution[n, picked, 0].tolist()
        for j, r, words, contribution in zip(neighbour, relation, via, added, strict=True):
            edge = (directory.item_ids[item], directory.item_ids[j], directory.titles[j], graph.relations[r])
            rows.append((*edge, words, contribution))
    return pd.DataFrame(rows, columns=["item_id", "neighbour_id", "title", "relation", "via", "contribution"])


def left_out(core: TrainedModel, profile: Profile) -> dict[str, int]:
    """The counts of `Explorer.left_out`."""
    known = {*profile.history, *profile.disliked}
    further = np.array(core.positions(set(profile.seen) - known), dtype=int)[: None if core.hide_seen else 0]
    return {
        "history": len(profile.history),
        "seen": len(further),
        "held_out": int(core.held_out(profile)[further].sum()),
        "disliked": len(profile.disliked),
    }


def of_all_users(
    core: TrainedModel, top: int, exclude: str, most_likes: int | None = None
) -> Iterator[pd.DataFrame]:
    """The lists of `Explorer.lists`, a chunk of users at a time."""
    core, directory = _of_few_likes(core, most_likes), core.directory
    known = directory.history
    without = directory.seen if exclude == "seen" else known
    return _lists(core, core.scorer(), core.artifact.dataset.user_ids, known, without, top)


def of_histories(
    core: TrainedModel, people: Histories, top: int, most_likes: int | None = None
) -> Iterator[pd.DataFrame]:
    """user_id, rank, item_id, score of the best items of users who are not in the data, as `recommend` gives
    them for a custom profile, a chunk of users at a time.
    """
    core = _of_few_likes(core, most_likes)
    score = core.scorer()

    def unknown(users: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
        return score(np.full(len(users), UNKNOWN_USER), history)

    return _lists(core, unknown, people.user_ids, people.likes, people.seen, top)


def _of_few_likes(core: TrainedModel, most_likes: int | None) -> TrainedModel:
    """The same model that also keeps items with more likes out of lists; InputError below 0."""
    _require_likes(most_likes)
    if most_likes is None:
        return core
    other = copy.copy(core)
    other.kept_out = core.kept_out | (core.directory.likes > most_likes)
    return other


def _lists(
    core: TrainedModel,
    scorer: Scorer,
    user_ids: np.ndarray,
    known: sparse.csr_matrix,
    without: sparse.csr_matrix,
    top: int,
) -> Iterator[pd.DataFrame]:
    """The lists of users `[U]` with the histories `known` `[U, I]`; `without` `[U, I]` is left out."""
    require_length(top)
    ids, users = np.array(core.directory.item_ids), np.arange(len(user_ids))
    for who, ranked, score in rankings(scorer, users, known, without, min(top, len(ids))):
        rank = np.broadcast_to(np.arange(1, ranked.shape[1] + 1), ranked.shape)
        there = ranked >= 0
        score[np.diff(known[who].indptr) == 0] = 0  # listed by popularity
        score[core.unscored[np.maximum(ranked, 0)]] = 0
        user = np.repeat(user_ids[who], there.sum(1))
        yield pd.DataFrame(
            {"user_id": user, "rank": rank[there], "item_id": ids[ranked[there]], "score": score[there]}
        )


def _require_likes(most_likes: int | None) -> None:
    if most_likes is not None and most_likes < 0:
        raise InputError(f"most_likes: expected at least 0 (got {most_likes})")
