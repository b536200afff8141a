"""The models of benchmarks/accuracy.py: each a space of settings for the tuner, and a fit on the training
fold that gives a scorer.

popularity, item-kNN, EASE      dskreg/evaluation/baselines.py, tuned by dskreg/evaluation/tuning.py
RP3beta      P_ui^a P_iu^a / n_i^b, the k largest per item                     (Paudel et al., TiiS 2017)
iALS, BPR-MF `implicit`        LightGCN `torch_geometric` (benchmarks/cost.py)
content-kNN  the idf-weighted cosine of two items' entities: the graph's share for items without likes
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import sparse

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.cost import IALSSettings, LightGCNSettings, ials, lightgcn
from dskreg.config import PRESETS, Config
from dskreg.data.dataset import VALIDATION, Dataset
from dskreg.data.interactions import seen_matrix, train_matrix
from dskreg.evaluation.baselines import EASE, Baseline, CoLikes, ItemKNN, Popularity
from dskreg.evaluation.metrics import top_items
from dskreg.evaluation.ranking import Scorer, model_scorer
from dskreg.evaluation.tuning import chosen as best_settings
from dskreg.graph.candidates import build
from dskreg.graph.entities import carriers, choose_relations, idf
from dskreg.model.dskreg import DSKReG
from dskreg.training import closed_form
from dskreg.training.closed_form import Start
from dskreg.training.trainer import refit, train

if TYPE_CHECKING:
    from optuna import Trial

Settings = dict[str, Any]
SEEN_TOO = "EASE, seen too"
STRONGEST = 8  # neighbours that lend a title without likes their columns


@dataclass(frozen=True)
class Recommender:
    """`fit(dataset, settings, seed)` learns from the training fold.

    Without `space`, `tune` and `choose` there is nothing to tune.
    """

    fit: Callable[[Dataset, Settings, int], Scorer]
    space: Callable[[Trial], Settings] | None = None
    """Settings for a trial of Optuna."""
    tune: Callable[[Dataset], Settings] | None = None
    """A search of its own on validation, in the place of Optuna's."""
    choose: Callable[[Dataset, Settings], Settings] | None = None
    """Its own look at validation, begun from some settings; after it the recommender fits again by itself."""


def _history(baseline: Baseline, dataset: Dataset) -> Scorer:
    fitted = baseline.fit(train_matrix(dataset))
    return lambda who, history: fitted.scores(history)


def rp3beta(dataset: Dataset, settings: Settings, seed: int) -> Scorer:
    """Three steps from an item over its users to another one, popular ends made less likely."""
    likes = train_matrix(dataset)
    people, titles = (np.maximum(np.asarray(likes.sum(axis)).ravel(), 1) for axis in (1, 0))
    towards = (sparse.diags(people**-1.0) @ likes).power(settings["alpha"])
    back = (sparse.diags(titles**-1.0) @ likes.T).tocsr().power(settings["alpha"])
    penalty = sparse.diags(titles ** -settings["beta"])
    parts = []
    for start in range(0, likes.shape[1], 512):
        block = (back[start : start + 512] @ towards @ penalty).toarray()
        block[np.arange(len(block)), np.arange(start, start + len(block))] = 0
        best = top_items(block, None, settings["k"])
        rows = np.repeat(np.arange(len(block)), best.shape[1])
        value = block[rows, best.ravel()] * (best.ravel() >= 0)
        parts.append(sparse.csr_matrix((value, (rows, np.maximum(best.ravel(), 0))), shape=block.shape))
    walk = sparse.vstack(parts).tocsr()
    return lambda who, history: (history @ walk).toarray()


def _tuned(
    name: str, rows: Callable[[Dataset], sparse.csr_matrix] = train_matrix
) -> Callable[[Dataset], Settings]:
    """The search of dskreg/evaluation/tuning.py for one of its baselines that learns from `rows` `[.., I]` of
    the data.
    """

    def tune(dataset: Dataset) -> Settings:
        likes, validation = CoLikes.of(rows(dataset)), train_matrix(dataset, (VALIDATION,))
        return dict(best_settings(name, likes, train_matrix(dataset), validation))

    return tune


def with_seen(dataset: Dataset) -> sparse.csr_matrix:
    """Training likes, and below them what a user saw and did not like as one more user's list, as
    DSKReG's closed form takes it (closed_form.py).
    """
    return sparse.vstack([train_matrix(dataset), seen_matrix(dataset)]).tocsr()


def ease_seen(dataset: Dataset, settings: Settings, seed: int) -> Scorer:
    """EASE that learns from `with_seen`."""
    fitted = EASE(**settings).fit(with_seen(dataset))
    return lambda who, history: fitted.scores(history)


def _ials(dataset: Dataset, settings: Settings, seed: int) -> Scorer:
    kept = IALSSettings(settings["factors"], settings["regularization"], settings["alpha"])
    return next(ials(dataset, kept, seed, settings["sweeps"]))


def _lightgcn(dataset: Dataset, settings: Settings, seed: int) -> Scorer:
    kept = LightGCNSettings(
        settings["width"], settings["layers"], 4096, settings["learning_rate"], settings["l2"]
    )
    return next(lightgcn(dataset, kept, seed, settings["epochs"]))


def bpr_mf(dataset: Dataset, settings: Settings, seed: int) -> Scorer:
    """`implicit`'s BPR matrix factorisation."""
    from implicit.bpr import BayesianPersonalizedRanking
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        model = BayesianPersonalizedRanking(
            **settings, num_threads=torch.get_num_threads(), random_state=seed
        )
        model.fit(train_matrix(dataset).tocsr(), show_progress=False)
    return lambda who, history: model.user_factors[who] @ model.item_factors.T


def content_knn(dataset: Dataset, settings: Settings, seed: int) -> Scorer:
    """Sum over the history of the cosine of the titles' entities, weighted by idf."""
    config = PRESETS["default"].graph
    parts = []
    for relation in choose_relations(dataset, config):
        carried = carriers(dataset, relation, config.max_share)
        parts.append(carried @ sparse.diags(idf(carried)))
    features = sparse.hstack(parts).tocsr()
    length = np.sqrt(np.asarray(features.multiply(features).sum(1)).ravel())
    features = sparse.diags(1 / np.maximum(length, 1e-12)) @ features
    return lambda who, history: ((history @ features) @ features.T).toarray()


def ease_columns(dataset: Dataset, settings: Settings, seed: int) -> Scorer:
    """EASE, and for every title without likes the mean column of the likes' map over its strongest
    neighbours in the graph: kappa mean_j (B[:, j] + gamma e_j). Nothing is trained.

    gamma brings in the direct link, "liked a neighbour of it", which a zero diagonal removes.
    """
    likes = train_matrix(dataset)
    fitted = EASE(settings["regularisation"]).fit(likes)
    silent = np.asarray(likes.sum(0)).ravel() == 0
    mean = strongest_neighbours(dataset, seed, silent)
    gamma, kappa = settings["gamma"], settings["kappa"]

    def scores(who: np.ndarray, history: sparse.csr_matrix) -> np.ndarray:
        known = fitted.scores(history)
        return known + kappa * ((known + gamma * history.toarray()) @ mean.T)

    return scores


def strongest_neighbours(dataset: Dataset, seed: int, rows: np.ndarray) -> sparse.csr_matrix:
    """`[I, I]`: of the titles `rows` `[I]` bool the STRONGEST neighbours of the largest strength, summed over
    the relations, with equal weights that sum to 1.
    """
    graph = build(dataset, PRESETS["default"].graph, seed)
    strength, entries = graph.strengths.sum(2), ([], [], [])
    for i in np.flatnonzero(rows):
        there = graph.neighbour[i] >= 0
        neighbour, first = np.unique(graph.neighbour[i][there], return_index=True)
        best = neighbour[np.argsort(-strength[i][there][first], kind="stable")[:STRONGEST]]
        for part, values in zip(
            entries, (np.full(len(best), i), best, np.full(len(best), 1 / max(len(best), 1))), strict=True
        ):
            part.append(values)
    at = [np.concatenate([np.zeros(0), *part]) for part in entries]
    return sparse.csr_matrix(
        (at[2].astype(np.float32), (at[0].astype(int), at[1].astype(int))), shape=(len(rows), len(rows))
    )


def dskreg(config: Config) -> Recommender:
    """DSKReG, which does its own choosing on validation: the closed form (once per data set, as rivals are
    tuned), the epoch and what neighbours weigh. `fit` adds what it chose.
    """

    def choose(dataset: Dataset, settings: Settings) -> Settings:
        if config.model.form == "paper":
            return {}
        users = config.train.validation_users
        return {"start": closed_form.choose(dataset.folds, config.model.width, users, config.seed).to_json()}

    def fit(dataset: Dataset, settings: Settings, seed: int) -> Scorer:
        return model_scorer(fitted(config, dataset, settings, seed))

    return Recommender(fit, choose=choose)


def fitted(config: Config, dataset: Dataset, settings: Settings, seed: int) -> DSKReG:
    """The model of everything known before the test; `settings` get what it chose."""
    chosen = replace(config, seed=seed)
    start = Start.from_json(settings["start"]) if "start" in settings else None
    found = train(dataset, build(dataset, chosen.graph, seed), chosen, start=start)
    final = refit(dataset, chosen, found)[1] if config.train.refit else found
    settings |= {
        "best_epoch": found.best_epoch,
        "validation ndcg@20": max(epoch.ndcg for epoch in found.history),
    }
    if found.start is not None and found.evidence is not None:
        settings |= {"start": found.start.to_json()}
        settings |= {name: found.evidence[name] for name in ("kappa", "scale", "boost")}
    return final.model.eval()


RIVALS: dict[str, Recommender] = {
    "popularity": Recommender(lambda data, settings, seed: _history(Popularity(), data)),
    "item-kNN": Recommender(
        lambda data, settings, seed: _history(ItemKNN(**settings), data), tune=_tuned("item-kNN")
    ),
    "RP3beta": Recommender(
        rp3beta,
        lambda trial: {
            "alpha": trial.suggest_float("alpha", 0.3, 1.5),
            "beta": trial.suggest_float("beta", 0.0, 1.0),
            "k": trial.suggest_int("k", 20, 1000, log=True),
        },
    ),
    "EASE": Recommender(lambda data, settings, seed: _history(EASE(**settings), data), tune=_tuned("EASE")),
    SEEN_TOO: Recommender(ease_seen, tune=_tuned("EASE", with_seen)),
    "iALS": Recommender(
        _ials,
        lambda trial: {
            "factors": trial.suggest_categorical("factors", [32, 64, 128, 256]),
            "regularization": trial.suggest_float("regularization", 1, 300, log=True),
            "alpha": trial.suggest_float("alpha", 1, 50, log=True),
            "sweeps": 15,
        },
    ),
    "BPR-MF": Recommender(
        bpr_mf,
        lambda trial: {
            "factors": trial.suggest_categorical("factors", [32, 64, 128]),
            "learning_rate": trial.suggest_float("learning_rate", 0.005, 0.1, log=True),
            "regularization": trial.suggest_float("regularization", 1e-4, 0.1, log=True),
            "iterations": trial.suggest_categorical("iterations", [50, 100, 200]),
        },
    ),
    "LightGCN": Recommender(
        _lightgcn,
        lambda trial: {
            "width": 64,
            "layers": trial.suggest_int("layers", 1, 3),
            "learning_rate": trial.suggest_float("learning_rate", 1e-3, 2e-2, log=True),
            "l2": trial.suggest_float("l2", 1e-6, 1e-3, log=True),
            "epochs": trial.suggest_categorical("epochs", [10, 20, 40]),
        },
    ),
}
