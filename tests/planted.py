"""The demo's planted truth as a yardstick for samplers: plain arrays in, plain numbers out.

The true correlation of two titles is Pearson's, over the simulated users, of their noise-free utility. Fame
is the same for all users and cancels. I titles in the demo's order, M candidates a title, K picks; -1: none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy import sparse
from scipy.stats import spearmanr

from dskreg.data.dataset import Dataset
from dskreg.data.readers import demo
from dskreg.evaluation.metrics import ndcg_of

CARRIERS = 8  # titles that share a random entity, on average


@lru_cache(maxsize=1)
def truth() -> demo.Truth:
    """The planted tastes, simulated once."""
    return demo.truth()


@lru_cache(maxsize=4)
def _correlations(follows: str | None) -> np.ndarray:
    """`[I, I]` over all users, or over those who follow one relation."""
    taste = truth().taste if follows is None else truth().taste[truth().follows == follows]
    centred = taste - taste.mean(0)
    centred /= np.maximum(np.linalg.norm(centred, axis=0), 1e-12)
    return centred.T @ centred


def correlation(i: np.ndarray, j: np.ndarray, follows: str | None = None) -> np.ndarray:
    """True correlation of the titles `i` and `j`, broadcast; NaN where `j` is -1. `follows`: among the users
    who follow this relation.
    """
    found = _correlations(follows)[i, np.maximum(j, 0)]
    return np.where(np.broadcast_to(j, found.shape) >= 0, found, np.nan)


def of_neighbours(neighbour: np.ndarray, follows: str | None = None) -> np.ndarray:
    """`[I, M]` true correlation of every title with its neighbours `[I, M]`."""
    return correlation(np.arange(len(neighbour))[:, None], neighbour, follows)


def of_picks(picks: np.ndarray) -> float:
    """Mean true correlation of the picks `[I, K]` with their titles."""
    return float(np.nanmean(of_neighbours(picks)))


def strongest(neighbour: np.ndarray, score: np.ndarray, k: int) -> np.ndarray:
    """Picks `[I, K]`: the K neighbours of the largest `score` `[I, M]`, the earlier of equals; -1 filled."""
    order = np.argsort(np.where(neighbour >= 0, -score, np.inf), axis=1, kind="stable")[:, :k]
    return np.take_along_axis(neighbour, order, axis=1)


def best(neighbour: np.ndarray, k: int) -> np.ndarray:
    """Picks `[I, K]` of the highest true correlation: what no sampler betters."""
    return strongest(neighbour, of_neighbours(neighbour), k)


def by_relation(neighbour: np.ndarray, relation: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """Mean true correlation of the candidates of each relation, `neighbour` and `relation` `[I, M]`."""
    true = of_neighbours(neighbour)
    return {name: float(np.nanmean(true[relation == r])) for r, name in enumerate(names)}


def mass_by_relation(
    neighbour: np.ndarray, relation: np.ndarray, probability: np.ndarray, names: Sequence[str]
) -> dict[str, float]:
    """The share of the `probability` `[I, M]` (inclusion probabilities or softmax shares) that each relation
    has; they sum to 1.
    """
    mass = np.where(neighbour >= 0, probability, 0.0)
    return {name: float(mass[relation == r].sum() / mass.sum()) for r, name in enumerate(names)}


def rank_correlation(neighbour: np.ndarray, probability: np.ndarray) -> float:
    """Spearman's correlation of `probability` `[I, M]` with the truth among a title's candidates, the mean
    over titles where both vary.
    """
    true, found = of_neighbours(neighbour), []
    for row, there in enumerate(neighbour >= 0):
        own, chance = true[row, there], probability[row, there]
        if len(own) > 1 and np.ptp(own) > 0 and np.ptp(chance) > 0:
            found.append(spearmanr(own, chance).statistic)
    return float(np.mean(found))


def hidden_ndcg(score: np.ndarray, k: int = 20) -> float:
    """NDCG@k of the hidden likes by `score` `[U, N]` of the new releases, ranked among themselves; the mean
    over the users who have any.
    """
    hidden = truth().liked[:, demo.new_releases()]
    users = hidden.any(1)
    wanted = sparse.csr_matrix(hidden[users].astype(np.float32))
    return float(ndcg_of(np.asarray(score)[users], None, wanted, k).mean())


def by_followed(weight: np.ndarray, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Users' weights `[U, R]` of the relations `names`: {relation followed: {relation: mean over its users}}.
    An attention that learns what the users follow is largest on the diagonal.
    """
    return {
        kind: dict(zip(names, weight[truth().follows == kind].mean(0).tolist(), strict=True))
        for kind in demo.RELEVANT
    }


def with_random_edges(dataset: Dataset, share: float, seed: int, relation: str = "random") -> Dataset:
    """The data set with random triples, `share` of those that it has (less repetitions).

    `relation` names one that is there, whose entities more titles then carry, each as often as before in
    proportion; or a new one, whose own entities some CARRIERS titles carry.
    """
    rng, count = np.random.default_rng(seed), round(share * len(dataset.head))
    entities = len(dataset.entities)
    if relation in dataset.relations:
        relations, labels = dataset.relations, []
        number = relations.index(relation)
        tail = rng.choice(dataset.tail[dataset.relation == number], size=count)
    else:
        relations, number = (*dataset.relations, relation), len(dataset.relations)
        labels = [f"{relation} {n}" for n in range(max(1, round(count / CARRIERS)))]
        tail = entities + rng.integers(len(labels), size=count)
    pair = np.unique(rng.integers(len(dataset.items), size=count) * (entities + len(labels)) + tail)
    own = dataset.relation == number
    old = dataset.head[own].astype(np.int64) * (entities + len(labels)) + dataset.tail[own]
    head, tail = np.divmod(pair[~np.isin(pair, old)], entities + len(labels))
    return replace(
        dataset,
        relations=relations,
        head=np.r_[dataset.head, head].astype(np.int32),
        relation=np.r_[dataset.relation, np.full(len(head), number)].astype(np.int16),
        tail=np.r_[dataset.tail, tail].astype(np.int32),
        entities=np.r_[dataset.entities, np.array(labels, dtype=object)],
        entity_item=np.r_[dataset.entity_item, np.full(len(labels), -1)].astype(np.int32),
    )
