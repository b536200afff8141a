"""What if something were removed or added: recomputed by the same model, never approximated.

Items change the user's history; one neighbour changes one item's draw; an entity or a relation changes
the candidate table (edits.py) and with it the draws of all items that it touches: in the evidence form the
logit of a candidate depends on all that the pair has in common, so that a relation that goes also moves
candidates of other relations. Then every score is computed again by the model, without noise.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch

from dskreg.errors import InputError
from dskreg.evaluation.ranking import ranks, require_length
from dskreg.explain.counterfactual import Counterfactual, smallest_removal
from dskreg.explain.edits import GraphEdit, all_entities, cut, entities_of
from dskreg.explain.explanation import Explanation, explain
from dskreg.graph.candidates import CandidateGraph
from dskreg.model.aggregation import Trace
from dskreg.model.dskreg import DSKReG
from dskreg.model.sampling import Draw, DrawSettings
from dskreg.serving.directory import Profile
from dskreg.serving.trained import TrainedModel

# Added to the keys of the candidates drawn before: equal keys differ by rounding, by less than this
NUDGE = 1e-5

CHANGES = {(False, True): "came", (True, False): "left", (True, True): "stayed"}  # drawn before, after
__all__ = ["Change", "Counterfactual", "WhatIf", "entities", "smallest_removal", "what_if"]


@dataclass(frozen=True)
class Change:
    """What is removed, and what is added."""

    without_titles: tuple[Any, ...] = ()  # of the user's history
    with_titles: tuple[Any, ...] = ()  # added to the history
    # (item id, relation): candidates of the selected item
    without_neighbours: tuple[tuple[Any, str], ...] = ()
    without_entities: tuple[tuple[str, str], ...] = ()  # (relation, entity), everywhere in the graph
    without_relations: tuple[str, ...] = ()  # everywhere in the graph

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True)
class WhatIf:
    """Before and after a change. A rank is a place among the items that the user may be shown; None
    where the item is filtered out.

    An item taken out of the history was still seen, and one that is added is then seen: neither is shown.
    """

    before: Explanation
    after: Explanation
    rank_before: int | None
    rank_after: int | None
    ranked_before: int  # items that may be shown
    ranked_after: int
    touched: int  # items whose own candidates changed
    moves: pd.DataFrame
    """item_id, title, rank_before, rank_after, score_before, score_after, move (places up) of both lists'
    items: the new list, then what fell out of it.
    """

    @cached_property
    def neighbours(self) -> pd.DataFrame:
        """item_id, title, relation, change (came, left, stayed), contribution_before, contribution_after of
        whatever is drawn before or after.
        """
        then, now = (_drawn(each.item_neighbours) for each in (self.before, self.after))
        rows = [
            (*key, CHANGES[key in then, key in now], then.get(key, 0.0), now.get(key, 0.0))
            for key in {**then, **now}
        ]
        order = {"came": 0, "left": 1, "stayed": 2}
        rows.sort(key=lambda row: (order[row[3]], -max(abs(row[4]), abs(row[5]))))
        columns = ["item_id", "relation", "title", "change", "contribution_before", "contribution_after"]
        return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[4:], float))


def _drawn(frame: pd.DataFrame) -> dict[tuple[Any, str, str], float]:
    """{(item_id, relation, title): contribution} of the drawn neighbours."""
    chosen = frame[frame["picked"]]
    names = ("item_id", "relation", "title", "contribution")
    return {tuple(row[:3]): row[3] for row in zip(*(chosen[name].tolist() for name in names), strict=True)}


def what_if(core: TrainedModel, profile: Profile, item_id: object, change: Change, top: int) -> WhatIf:
    """The change's effect on one item and on the user's `top` best.

    Raises InputError for what is not there to be removed, or is there already.
    """
    require_length(top)
    item, then = core.directory.item(item_id), _changed(core, profile, change)
    ties = cut(core.graph, core.directory, change.without_relations, change.without_entities)
    for other, relation in change.without_neighbours:
        ties.gone[item, _slot(core, item, other, relation)] = True
    edited = _edited(core, ties)
    own, hidden = core.scores(profile), core.hidden(profile)
    score = own, edited.scores(then) if change else own
    shown = ~hidden, ~(hidden | core.hidden(then))
    by = core.order(profile, score[0]), core.order(then, score[1])
    rank = ranks(by[0], shown[0]) * shown[0], ranks(by[1], shown[1]) * shown[1]  # 0: not shown
    untouched = GraphEdit(np.zeros_like(ties.gone), core.graph.strengths, np.zeros_like(ties.gone))
    before = _explained(core, profile, item, untouched)
    return WhatIf(
        before=before,
        after=_without_words(_explained(edited, then, item, ties), set(change.without_entities))
        if change
        else before,
        rank_before=int(rank[0][item]) or None,
        rank_after=int(rank[1][item]) or None,
        ranked_before=int(shown[0].sum()),
        ranked_after=int(shown[1].sum()),
        touched=len(ties.touched),
        moves=_moves(core, score, rank, top),
    )


def entities(core: TrainedModel, item_id: object = None) -> pd.DataFrame:
    """relation, entity, titles (that carry it), candidates (of this item through it); InputError for an
    unknown item.

    Without an item every entity of the graph, and no `candidates`.
    """
    if item_id is None:
        return all_entities(core.graph, core.directory)
    return entities_of(core.graph, core.directory, core.directory.item(item_id))


def _changed(core: TrainedModel, profile: Profile, change: Change) -> Profile:
    """The profile with another history; what was seen stays seen."""
    ids = core.directory.item_ids
    out, new = (
        [ids[core.directory.item(i)] for i in those] for those in (change.without_titles, change.with_titles)
    )
    for wrong in [i for i in out if i not in profile.history]:
        raise InputError(f"item {wrong} is not in the history: it cannot be taken out")
    for wrong in [i for i in new if i in profile.history]:
        raise InputError(f"item {wrong} is in the history already")
    new = list(dict.fromkeys(new))
    history = (*(i for i in profile.history if i not in out), *new)
    return replace(profile, history=history, seen=tuple(dict.fromkeys((*profile.seen, *out, *new))))


def _slot(core: TrainedModel, item: int, other: object, relation: str) -> int:
    graph = core.graph
    number = graph.relations.index(relation) if relation in graph.relations else -1
    slot = np.flatnonzero(
        (graph.neighbour[item] == core.directory.item(other)) & (graph.relation[item] == number)
    )
    if not len(slot):
        raise InputError(
            f"item {other} is not a candidate of {core.directory.item_ids[item]} under {relation}"
        )
    return int(slot[0])


def _edited(core: TrainedModel, ties: GraphEdit) -> TrainedModel:
    """The model on the changed candidates, with the same parameters."""
    if not len(ties.touched):
        return core
    model = copy.copy(core.model)
    model._buffers = core.model._buffers | {"strengths": torch.from_numpy(ties.strengths)}
    return core.over(model, _redrawn(model, core.drawn, ties), torch.from_numpy(ties.touched))


def _redrawn(model: DSKReG, before: Draw, ties: GraphEdit) -> Draw:
    """The draw of all items with the changed candidates; items that the change does not touch keep theirs.

    Among equals it is chance who is drawn, and another table would be another chance: those drawn before go
    first, so that only the change moves anything.
    """
    rows = torch.from_numpy(ties.touched)
    old = before.of(rows)
    first = torch.zeros_like(old.key).scatter(1, old.slot, old.picked * NUDGE)
    new = model.draw_items(rows, first, without=torch.from_numpy(ties.gone[ties.touched]))
    new = replace(new, noise=torch.zeros_like(first), key=new.logit)
    whole = {field.name: getattr(before, field.name).clone() for field in fields(Draw)}
    for name, tensor in whole.items():
        tensor[rows] = getattr(new, name)
    return Draw(**whole)


def _moves(
    core: TrainedModel, score: tuple[np.ndarray, np.ndarray], rank: tuple[np.ndarray, np.ndarray], top: int
) -> pd.DataFrame:
    listed = [np.flatnonzero((places > 0) & (places <= top)) for places in rank]
    new = listed[1][np.argsort(rank[1][listed[1]])]
    out = np.setdiff1d(listed[0], new)
    chosen = np.concatenate([new, out[np.argsort(rank[0][out])]])
    before, after = (
        pd.array(np.where(places[chosen] > 0, places[chosen], 0), dtype="Int64") for places in rank
    )
    before[before == 0], after[after == 0] = pd.NA, pd.NA
    return pd.DataFrame(
        {
            **{name: core.items[name].array.take(chosen) for name in ("item_id", "title")},
            "rank_before": before,
            "rank_after": after,
            "score_before": score[0][chosen],
            "score_after": score[1][chosen],
            "move": before - after,
        }
    )


def _explained(core: TrainedModel, profile: Profile, item: int, ties: GraphEdit) -> Explanation:
    """The pass for one item with the model's draw of all items, with names."""
    user, history = core.history(profile)
    items, model = torch.tensor([item]), core.model
    hop = core.user_hop(user, history)
    item_hop = model.item_hop(hop.output, items, core.drawn.of(items))
    trace = Trace(hop, item_hop, item_hop.score.T)
    config = model.config
    settings = DrawSettings(None, config.picks, config.user_picks, config.temperature)
    graph, trace = _candidates_first(core.graph, trace, item, ties.gone[item])
    return explain(core, profile, item, trace, settings, graph)


def _candidates_first(
    graph: CandidateGraph, trace: Trace, item: int, gone: np.ndarray
) -> tuple[CandidateGraph, Trace]:
    """The item's row without what is gone: an explanation wants the candidates in the first slots."""
    if not gone.any():
        return graph, trace
    gone = gone | (graph.neighbour[item] < 0)
    order = np.argsort(gone, kind="stable")
    neighbour, relation = graph.neighbour.copy(), graph.relation.copy()
    neighbour[item], relation[item] = (
        np.where(gone, -1, graph.neighbour[item])[order],
        graph.relation[item][order],
    )
    place, draw = torch.from_numpy(np.argsort(order)), trace.item.draw
    logit, noise, key = (x[:, torch.from_numpy(order)] for x in (draw.logit, draw.noise, draw.key))
    moved = replace(draw, logit=logit, noise=noise, key=key, slot=place[draw.slot])
    return replace(graph, neighbour=neighbour, relation=relation), replace(
        trace, item=replace(trace.item, draw=moved)
    )


def _without_words(explanation: Explanation, gone: set[tuple[str, str]]) -> Explanation:
    """The explanation in which no candidate is named as connected by an entity that is gone."""
    if not gone:
        return explanation
    rows = explanation.item_neighbours
    via = [
        [word for word in words if (relation, word) not in gone]
        for relation, words in zip(rows["relation"], rows["via"], strict=True)
    ]
    return replace(explanation, item_neighbours=rows.assign(via=via))
