"""How a recommender is assessed on a test split: full ranking of everything, of some items, and with some
items that no user has liked.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from dskreg.data.dataset import (
    KNOWN,
    OUTSIDE,
    SEEN,
    TEST,
    TRAIN,
    VALIDATION,
    Dataset,
)
from dskreg.data.interactions import train_matrix
from dskreg.evaluation.metrics import hits, ndcg, recall, top_items
from dskreg.evaluation.ranking import Scorer

COLD = 0.1
Assessed = tuple[dict[str, Any], dict[str, np.ndarray]]
K, CHUNK = 20, 64


def assess(
    scorer: Scorer, dataset: Dataset, among: np.ndarray | None = None, targets: np.ndarray | None = None
) -> Assessed:
    """Full ranking of the test likes: (means, per user `user`, `ndcg`, `recall`).

    `among` `[I]` bool: only these items are ranked; `targets` `[I]` bool: only these test likes count.
    """
    history, target = train_matrix(dataset, KNOWN), train_matrix(dataset, (TEST,))
    count = np.asarray(history.sum(0)).ravel()
    if targets is not None:
        target = (target.multiply(targets)).tocsr()
        target.eliminate_zeros()
    users = np.flatnonzero(np.diff(target.indptr))
    fifth = np.full(len(count), -1)
    liked = np.flatnonzero(count)
    fifth[liked] = (
        np.argsort(np.argsort(count[liked], kind="stable"), kind="stable") * 5 // max(1, len(liked))
    )
    rng = np.random.default_rng(0)
    rows: dict[str, list[np.ndarray]] = {"ndcg": [], "recall": []}
    shown, found, wanted = np.zeros(len(count), bool), np.zeros(5), np.zeros(5)
    for start in range(0, len(users), CHUNK):
        who = users[start : start + CHUNK]
        # Files are often sorted by fame, and equal scores are listed by position: dealt out at random,
        # positions say nothing.
        dealt = rng.permutation(len(count))
        score = scorer(who, history[who]).astype(np.float32)
        if among is not None:
            score[:, ~among] = -np.inf
        ranked = top_items(score[:, dealt], history[who][:, dealt], K)
        ranked = np.where(ranked >= 0, dealt[ranked], -1)
        relevant = target[who]
        hit, total = hits(ranked, relevant), np.diff(relevant.indptr)
        rows["ndcg"].append(ndcg(hit, total, K))
        rows["recall"].append(recall(hit, total, K))
        shown[ranked[ranked >= 0]] = True
        found += np.bincount(fifth[ranked[hit]][fifth[ranked[hit]] >= 0], minlength=5)
        wanted += np.bincount(fifth[relevant.indices][fifth[relevant.indices] >= 0], minlength=5)
    per = {name: np.concatenate(parts) for name, parts in rows.items()}
    length = np.diff(history.indptr)[users]
    of_user = np.argsort(np.argsort(length, kind="stable"), kind="stable") * 5 // len(users)
    means = {f"{name}@{K}": float(values.mean()) for name, values in per.items()} | {
        "coverage@20": float(shown.sum() / (len(count) if among is None else among.sum()))
    }
    means["ndcg@20 by history"] = [float(per["ndcg"][of_user == q].mean()) for q in range(5)]
    means["recall@20 by popularity"] = [
        float(f / w) if w else None for f, w in zip(found, wanted, strict=True)
    ]
    return means, {"user": users} | per


def chilled(dataset: Dataset, seed: int) -> tuple[Dataset, np.ndarray]:
    """(the data set in which a tenth of the items with training likes have none, which `[I]` bool).

    All their likes in the core become test likes; who else saw them is not known either.
    """
    titles = np.flatnonzero(np.asarray(train_matrix(dataset).sum(0)).ravel())
    cold = np.zeros(len(dataset.items), bool)
    cold[np.random.default_rng([seed, 1]).permutation(titles)[: round(COLD * len(titles))]] = True
    fold, gone = dataset.fold.copy(), cold[dataset.item]
    fold[gone & np.isin(fold, (TRAIN, VALIDATION))] = TEST
    kept = ~(gone & np.isin(fold, (OUTSIDE, SEEN)))
    columns = {name: getattr(dataset, name)[kept] for name in ("user", "item", "liked")}
    return replace(dataset, fold=fold[kept], **columns), cold
