"""Explanations of many recommendations as one long table: a row per term of a score, streamed in chunks.

    neighbours   score = own embedding + sampled neighbours + bias   (before the activation)
    liked        score = liked items + rest

The terms of a recommendation add up to its score; in the paper's form the first sum is the score before the
activation. Noise is off, as in the lists themselves. What does not depend on the user (who is sampled, how
probable that is, through which entities) is computed once per item.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy import sparse

from dskreg.errors import InputError
from dskreg.evaluation.metrics import top_items
from dskreg.evaluation.ranking import rankings, require_length
from dskreg.explain.attribution import history_contributions
from dskreg.explain.pairs import via_words
from dskreg.model.aggregation import Trace
from dskreg.model.sampling import inclusion_probability
from dskreg.serving.directory import Profile
from dskreg.serving.trained import TrainedModel

OWN, NEIGHBOUR, BIAS, LIKED, REST = "own embedding", "neighbour", "bias", "liked item", "rest"
ITEMS = 256  # of one user at a time

Terms = Callable[[Trace, np.ndarray, np.ndarray], list[dict[str, Any]]]
"""(the pass for one user and items `[N]`, the history `[H]`, items `[N]`) -> the columns of each item's
terms, with one entry per term.
"""


def of_user(core: TrainedModel, profile: Profile, by: str, top: int | None = None) -> Iterator[pd.DataFrame]:
    """The terms of everything that can be recommended to one user, or of the `top` best, the best first.

    Columns as `of_all_users`; a chunk holds whole items.
    """
    if top is not None:
        require_length(top)
    terms = _terms(core, by)
    user, history = core.history(profile)
    by_score, hidden = core.order(profile, core.scores(profile)), core.hidden(profile)
    ranked = top_items(by_score[None], sparse.csr_matrix(hidden[None]), top or len(by_score))[0]
    ranked = ranked[ranked >= 0]
    for start in range(0, max(len(ranked), 1), ITEMS):
        items = ranked[start : start + ITEMS]
        yield _frame(core, [_of(core, terms, user, history, items, start, profile.user_id)], by)


def of_all_users(core: TrainedModel, by: str, top: int) -> Iterator[pd.DataFrame]:
    """The terms of the `top` recommendations of all users, a chunk of users at a time.

    Returns:
        user_id, rank, item_id, title, score, term, term_id, term_title, contribution; by `neighbours` also
        relation, via (the shared entities), logit, inclusion_probability, attention of a sampled neighbour.
    """
    require_length(top)
    terms, directory, user_ids = _terms(core, by), core.directory, core.artifact.dataset.user_ids
    users = np.arange(len(user_ids))
    for who, ranked, _ in rankings(core.scorer(), users, directory.history, directory.seen, top):
        rows = []
        for user, listed in zip(who, ranked, strict=True):
            history = directory.history[user].indices.astype(np.int64)
            items = listed[listed >= 0]
            rows.append(_of(core, terms, int(user), history, items, 0, user_ids[user]))
        yield _frame(core, rows, by)


@torch.no_grad()
def _of(
    core: TrainedModel,
    terms: Terms,
    user: int,
    history: np.ndarray,
    items: np.ndarray,
    before: int,
    user_id: Any,
) -> list[dict[str, Any]]:
    """The columns of each item's terms, for one user; `before`: how many items rank higher."""
    hop, places = core.user_hop(user, history), torch.from_numpy(items)
    item_hop = core.model.item_hop(hop.output, places, core.drawn.of(places))
    trace = Trace(hop, item_hop, item_hop.score.T)
    found = terms(trace, history, items)
    for n, columns in enumerate(found):
        columns |= {"user_id": user_id, "rank": before + n + 1, "item": items[n]}
        columns["score"] = float(trace.score[0, n])
    return found


def _terms(core: TrainedModel, by: str) -> Terms:
    if by == "neighbours":
        return _Neighbours(core)
    if by == "liked":
        return _liked(core)
    raise InputError(f"by: expected neighbours or liked (got {by})")


class _Neighbours:
    """An item's own embedding, its sampled neighbours, and the bias of the form that has one."""

    def __init__(self, core: TrainedModel) -> None:
        self.core, self.biased = core, not core.all_liked
        self._known: dict[int, tuple[np.ndarray, dict[str, Any]]] = {}

    def __call__(self, trace: Trace, history: np.ndarray, items: np.ndarray) -> list[dict[str, Any]]:
        hop, found = trace.item, []
        attention, added = hop.attention[..., 0].numpy(), hop.contribution[..., 0].numpy()
        for n, item in enumerate(items):
            slots, columns = self._of_item(int(item))
            ends = [float(hop.bias[0])] if self.biased else []
            of_term = np.r_[float(hop.self_contribution[n, 0]), added[n, slots], ends]
            weight = np.r_[np.nan, attention[n, slots], [np.nan] * len(ends)]
            found.append(columns | {"attention": weight, "contribution": of_term})
        return found

    def _of_item(self, item: int) -> tuple[np.ndarray, dict[str, Any]]:
        """(the slots that were picked `[K]`, the largest logit first; the columns that no user changes)."""
        if item in self._known:
            return self._known[item]
        core, drawn = self.core, self.core.drawn
        chosen = np.flatnonzero(drawn.picked[item].numpy())
        place, logit = drawn.slot[item].numpy(), drawn.logit[item].double().numpy()
        place = place[chosen]
        neighbour, relation = core.graph.neighbour[item][place], core.graph.relation[item][place]
        probability = inclusion_probability(logit, core.model.config.picks)
        via = via_words(core.directory, core.graph, item, neighbour, relation)
        ends, names = [None] * self.biased, [BIAS] * self.biased
        gap = [np.nan] * self.biased
        columns = {
            "term": [OWN, *[NEIGHBOUR] * len(chosen), *names],
            "term_item": [-1, *neighbour.tolist(), *[-1] * self.biased],
            "relation": [None, *[core.graph.relations[r] for r in relation], *ends],
            "via": [None, *[", ".join(words) for words in via], *ends],
            "logit": np.r_[np.nan, logit[place], gap],
            "inclusion_probability": np.r_[np.nan, probability[place], gap],
        }
        self._known[item] = chosen, columns
        return self._known[item]


def _liked(core: TrainedModel) -> Terms:
    """The liked items, and what is left: the same for everybody where the activation is linear."""

    def terms(trace: Trace, history: np.ndarray, items: np.ndarray) -> list[dict[str, Any]]:
        added = history_contributions(
            core.model, trace, torch.from_numpy(items), torch.from_numpy(history)
        ).double()
        score = trace.score[0].double()
        rest = (score - added.sum(0)).numpy()
        names, places = [*[LIKED] * len(history), REST], [*history.tolist(), -1]
        return [
            {"term": names, "term_item": places, "contribution": np.r_[added[:, n].numpy(), rest[n]]}
            for n in range(len(items))
        ]

    return terms


def _frame(core: TrainedModel, users: list[list[dict[str, Any]]], by: str) -> pd.DataFrame:
    """The columns of all items one below the other, with ids and titles."""
    found = [columns for items in users for columns in items]
    count = [len(columns["term"]) for columns in found]

    def once(name: str) -> np.ndarray:
        values = np.array([columns[name] for columns in found], dtype=object)
        return np.repeat(values, count) if found else values

    def each(name: str) -> list[Any]:
        return [value for columns in found for value in columns[name]]

    directory, user_ids = core.directory, core.artifact.dataset.user_ids
    custom = any(columns["user_id"] is None for columns in found)
    numbered = np.issubdtype(user_ids.dtype, np.integer) and not custom
    # The last entry, at position -1, is that of no item
    ids = np.array([*directory.item_ids, None], dtype=object)
    titles = np.array([*directory.titles, None], dtype=object)
    item = once("item").astype(np.int64)
    term_item = np.array(each("term_item"), dtype=np.int64)
    frame = pd.DataFrame(
        {
            "user_id": pd.array(once("user_id"), dtype="Int64" if numbered else "string"),
            "rank": once("rank").astype(np.int64),
            "item_id": _ids(core, ids[item]),
            "title": pd.array(titles[item], dtype="string"),
            "score": once("score").astype(np.float64),
            "term": pd.array(each("term"), dtype="string"),
            "term_id": _ids(core, ids[term_item]),
            "term_title": pd.array(titles[term_item], dtype="string"),
        }
    )
    if by == "neighbours":
        frame["relation"] = pd.array(each("relation"), dtype="string")
        frame["via"] = pd.array(each("via"), dtype="string")
        for name in ("logit", "inclusion_probability", "attention"):
            frame[name] = np.array(each(name), dtype=np.float64)
    return frame.assign(contribution=np.array(each("contribution"), dtype=np.float64))


def _ids(core: TrainedModel, values: np.ndarray) -> Any:
    """Item ids with gaps, as numbers where the data have numbers."""
    numbers = all(isinstance(i, int) for i in core.directory.item_ids)
    return pd.array(values, dtype="Int64" if numbers else "string")
