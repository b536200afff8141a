"""One pass of the model for one user and one item, with names: the candidates, which of
them were sampled, and what each contributes.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import torch

from dskreg.explain.attribution import LIKED, history_contributions, own_terms
from dskreg.explain.pairs import via_words
from dskreg.explain.report import html_report
from dskreg.explain.report import terms as reported
from dskreg.graph.candidates import CandidateGraph
from dskreg.model.aggregation import Trace
from dskreg.model.sampling import PRUNE, Draw, DrawSettings, probability_of, relaxed_top_k
from dskreg.serving.directory import Directory, Profile
from dskreg.serving.trained import TrainedModel


@dataclass(frozen=True)
class Explanation:
    """Self contribution + bias + the item neighbours' contributions = the score before the activation (the
    score itself where it is linear).

    In the evidence form nothing is drawn among the liked items: all are picked, with an inclusion
    probability of 1, and their attention is their normalised weight.
    """

    user: Any  # id, or None for a custom profile
    item_id: Any
    title: str
    score: float
    activation: str
    self_contribution: float
    bias: float
    pre_activation_score: float
    seed: int | None
    picks: int
    user_picks: int
    temperature: float
    user_neighbours: pd.DataFrame = field(repr=False)  # a row per candidate, the largest key first
    item_neighbours: pd.DataFrame = field(repr=False)
    relations: pd.DataFrame = field(repr=False)  # the item side by relation
    own: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)  # source, contribution (own_terms)
    who: str = ""  # the user, as the app names the profile
    samples_likes: bool = False  # of the paper's form, which samples among the user's likes

    def _repr_html_(self) -> str:
        return html_report.output(self)

    @property
    def terms(self) -> pd.DataFrame:
        """group, term, relation, contribution, share (NaN where the sum is not above 0): the score before the
        activation as a sum over the own embedding by liked item, the sampled neighbours, and the bias.
        """
        return reported.decomposition(self)

    @property
    def bars(self) -> pd.DataFrame:
        """label, note, contribution, share, group, head: the groups of `terms`, each with its largest terms
        and the sum of the others.
        """
        return reported.bars(self.terms)

    @property
    def basis(self) -> str:
        """What sorts the user's lists: the model, or popularity where the history is empty."""
        return "model" if len(self.user_neighbours) else "popularity"

    @property
    def neighbour_contribution(self) -> float:
        """What the sampled neighbours add to the score before the activation."""
        return float(self.item_neighbours["contribution"].sum())

    @property
    def neighbour_share(self) -> float:
        """Their share of the score before the activation; 0 where that is 0.

        Below 0 or above 1 where they and the item's own embedding pull apart.
        """
        whole = self.pre_activation_score
        return self.neighbour_contribution / whole if whole else 0.0

    @property
    def expected_overlap(self) -> float:
        """sum_j pi_j^2: how many neighbours two independent draws have in common, on average."""
        return float((self.item_neighbours["inclusion_probability"] ** 2).sum())

    @property
    def uniform_overlap(self) -> float:
        """`expected_overlap` if the K of C candidates were drawn uniformly: K^2 / C, or C where C <= K."""
        count = len(self.item_neighbours)
        return min(self.picks, count) ** 2 / count if count else 0.0

    @property
    def agreement(self) -> float | None:
        """Cohen's kappa of two independent draws of K from C candidates, in expectation.

            (sum_j pi_j^2 - K^2 / C) / (K - K^2 / C)

        0: they agree as uniform draws do; 1: they are the same. None where there is no choice, C <= K.
        """
        chance = self.uniform_overlap
        if len(self.item_neighbours) <= self.picks:
            return None
        return (self.expected_overlap - chance) / (self.picks - chance)

    @property
    def effective_candidates(self) -> float:
        """exp(entropy of softmax(s)): among so many equally likely candidates a first pick would be as
        uncertain; 0 without a candidate.
        """
        share = self.item_neighbours["share"].to_numpy()
        share = share[share > 0]
        return float(np.exp(-(share * np.log(share)).sum())) if len(share) else 0.0

    @property
    def liked(self) -> pd.DataFrame:
        """item_id, title, contribution: the score by liked item, the largest first; through the item's own
        embedding and its neighbours together.
        """
        frame = self.user_neighbours[["item_id", "title", "contribution"]]
        return frame.sort_values("contribution", ascending=False, kind="stable", ignore_index=True)

    @property
    def common(self) -> float:
        """The part of the score that is the same for every user, where the activation is linear."""
        return self.score - float(self.user_neighbours["contribution"].sum())

    @property
    def probability(self) -> float:
        """sigmoid(score)."""
        return 1 / (1 + math.exp(-self.score)) if self.score > -700 else 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain values, the frames as lists of rows."""
        names = ["user", "item_id", "title", "score", "activation", "self_contribution", "bias"]
        names += ["pre_activation_score", "seed", "picks", "user_picks", "temperature"]
        document = {name: getattr(self, name) for name in names}
        document["item"] = document.pop("item_id")
        return document | {
            "basis": self.basis,
            "probability": self.probability,
            "own_contribution": self.self_contribution,
            "neighbour_contribution": self.neighbour_contribution,
            "neighbour_share": self.neighbour_share,
            "expected_overlap": self.expected_overlap,
            "uniform_overlap": self.uniform_overlap,
            "agreement": self.agreement,
            "effective_candidates": self.effective_candidates,
            "liked": self.liked.to_dict("records"),
            "common": self.common,
            "user_neighbours": self.user_neighbours.to_dict("records"),
            "item_neighbours": self.item_neighbours.to_dict("records"),
        }


def candidates_frame(
    directory: Directory,
    drawn: Draw,
    neighbour: np.ndarray,
    relation: list[str],
    via: list[list[str]],
    attention: np.ndarray,
    contribution: np.ndarray,
    picks: int,
    temperature: float,
) -> pd.DataFrame:
    """One node's draw (N = 1) as a table, a row per candidate, the largest key first.

    `neighbour`, `relation` and `via` `[C]` describe the C candidates, which hold the first slots; `attention`
    and `contribution` `[S]` belong to `drawn.slot`. `lift` is the inclusion probability over that of a draw
    at random, K / C; 1 where all are drawn.
    """
    count = len(neighbour)
    logit, noise, key = (x[0, :count].double().numpy() for x in (drawn.logit, drawn.noise, drawn.key))
    slot, picked_slot = drawn.slot[0].numpy(), drawn.picked[0].numpy()
    picked, alpha, gain = np.zeros(count, dtype=bool), np.zeros(count), np.zeros(count)
    chosen = slot[picked_slot]
    picked[chosen], alpha[chosen], gain[chosen] = True, attention[picked_slot], contribution[picked_slot]
    weight = np.exp(logit - logit.max()) if count else logit
    relaxed = np.ones(count)
    if count > picks:
        largest = np.argsort(-key, kind="stable")[: PRUNE * picks]  # the others weigh 0, as in training
        relaxed = np.zeros(count)
        relaxed[largest] = relaxed_top_k(torch.from_numpy(key[largest])[None], picks, temperature)[0].numpy()
    probability = probability_of(logit.tobytes(), picks)
    order = np.lexsort((np.arange(count), ~picked, -key))  # the draw's own choice among equal keys
    columns = {
        "logit": logit,
        "share": weight / weight.sum() if count else weight,
        "noise": noise,
        "key": key,
        "rank": np.argsort(order) + 1,
        "picked": picked,
        "relaxed": relaxed,
        "inclusion_probability": probability,
        "lift": probability * max(1.0, count / picks) if picks else probability,
        "attention": alpha,
        "contribution": gain,
    }
    return pd.DataFrame(
        {
            "item_id": [directory.item_ids[j] for j in neighbour[order]],
            "title": directory.titles[neighbour[order]],
            "relation": [relation[c] for c in order],
            "via": [via[c] for c in order],
            **{name: values[order] for name, values in columns.items()},
        }
    )


def by_relation(frame: pd.DataFrame, relations: tuple[str, ...]) -> pd.DataFrame:
    """relation, candidates, share, expected_picks, drawn, attention, contribution: sums over the candidates
    of each relation present.
    """
    position = {name: r for r, name in enumerate(relations)}
    code = np.array([position[name] for name in frame["relation"]], dtype=np.int64)
    count = np.bincount(code, minlength=len(relations))
    there = np.flatnonzero(count)

    def total(column: str) -> np.ndarray:
        return np.bincount(code, frame[column].to_numpy(float), len(relations))[there]

    return pd.DataFrame(
        {
            "relation": [relations[r] for r in there],
            "candidates": count[there],
            "share": total("share"),
            "expected_picks": total("inclusion_probability"),
            "drawn": total("picked").astype(int),
            "attention": total("attention"),
            "contribution": total("contribution"),
        }
    )


def explain(
    core: TrainedModel,
    profile: Profile,
    item: int,
    trace: Trace,
    settings: DrawSettings,
    graph: CandidateGraph | None = None,
) -> Explanation:
    """The explanation of a trace with B = N = 1; `graph`: its candidate table, if not the model's own."""
    graph, directory = graph or core.graph, core.directory
    history = core.history(profile)[1]
    if core.all_liked:
        settings = replace(settings, user_picks=len(history))
    liked = history_contributions(core.model, trace, torch.tensor([item]), torch.from_numpy(history))[:, 0]
    u, i = trace.user, trace.item
    neighbour, relation = graph.neighbour[item], graph.relation[item]
    there = neighbour >= 0  # the candidates come first
    neighbour, relation = neighbour[there], relation[there]
    item_frame = candidates_frame(
        directory,
        i.draw,
        neighbour,
        [graph.relations[r] for r in relation],
        via_words(directory, graph, item, neighbour, relation),
        i.attention[0, :, 0].numpy(),
        i.contribution[0, :, 0].numpy(),
        settings.picks,
        settings.temperature,
    )
    user_frame = candidates_frame(
        directory,
        u.draw,
        history,
        [LIKED] * len(history),
        [[] for _ in history],
        u.attention[0].numpy(),
        liked[u.draw.slot[0]].numpy() if len(history) else np.zeros(u.draw.slot.shape[1]),
        settings.user_picks,
        settings.temperature,
    )
    return Explanation(
        user=profile.user_id,
        item_id=directory.item_ids[item],
        title=str(directory.titles[item]),
        score=float(trace.score[0, 0]),
        activation=core.model.activation,
        self_contribution=float(i.self_contribution[0, 0]),
        bias=float(i.bias[0]),
        pre_activation_score=float(i.pre_activation[0, 0]),
        user_neighbours=user_frame,
        item_neighbours=item_frame,
        relations=by_relation(item_frame, graph.relations),
        own=own_terms(core, trace, history, item),
        who=profile.label,
        samples_likes=not core.all_liked,
        **asdict(settings),
    )
