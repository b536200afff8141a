"""How far likes carry at all: DSKReG and its rivals blended, `python benchmarks/blends.py` (settings and
packages of benchmarks/accuracy.py).

A blend's score is the mean of its members' scores, each user's brought to mean 0 and deviation 1: nothing
is fitted, so nothing is tuned on the test. All pairs, all triples and all members together are listed; the
best of so many, picked by the test, errs upwards. It is a bound, not a recommender.
"""

from __future__ import annotations

import argparse
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.accuracy import MODELS, Plan, fitted_before_test, prepared, settings_of
from benchmarks.assess import assess
from benchmarks.sets import DATA, there
from dskreg.data.dataset import (
    KNOWN,
    TEST,
)
from dskreg.data.interactions import train_matrix
from dskreg.evaluation.ranking import Scorer
from dskreg.pipeline import hardware, versions

MEMBERS = ("DSKReG", "EASE", "iALS", "item-kNN", "RP3beta", "LightGCN")


def standard(score: np.ndarray) -> np.ndarray:
    """Each row of `[B, I]` with mean 0 and deviation 1."""
    return (score - score.mean(1, keepdims=True)) / np.maximum(score.std(1, keepdims=True), 1e-12)


def blend(scores: dict[str, np.ndarray], names: tuple[str, ...], row: np.ndarray) -> Scorer:
    """The mean over `names` of `scores` `[users, I]`, of which a user's row is `row[user]`."""
    return lambda who, history: sum(scores[name][row[who]] for name in names) / len(names)  # type: ignore[return-value]


def main() -> None:
    """Fit the members, print all blends, best first."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="holds a folder for each data set")
    parser.add_argument("--dataset", default="dskreg-lastfm")
    parser.add_argument("--work", type=Path, default=ROOT / ".accuracy")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--members", nargs="+", default=MEMBERS, choices=list(MODELS))
    given = parser.parse_args()
    plan = Plan(
        given.data,
        given.work,
        seeds=1,
        trials=12,
        seconds=240.0,
        recorded=ROOT / "benchmarks" / "accuracy.json",
    )
    folder = there(given.data, [given.dataset])[0]
    dataset = prepared(folder, given.seed)
    history, people = (
        train_matrix(dataset, KNOWN),
        np.flatnonzero(np.diff(train_matrix(dataset, (TEST,)).indptr)),
    )
    row = np.full(history.shape[0], -1)
    row[people] = np.arange(len(people))
    scores = {}
    for name in given.members:
        model = MODELS[name]
        scorer = fitted_before_test(model, dataset, settings_of(name, model, folder, plan), given.seed)
        parts = [
            standard(np.asarray(scorer(who, history[who]), dtype=np.float32))
            for who in np.array_split(people, 1 + len(people) // 256)
        ]
        scores[name] = np.vstack(parts)
        print(f"fitted {name}", file=sys.stderr)
    sizes = sorted({1, 2, 3, len(scores)} & set(range(len(scores) + 1)))
    found = {
        names: assess(blend(scores, names, row), dataset)[0]
        for size in sizes
        for names in combinations(scores, size)
    }
    print(
        f"{given.dataset}, seed {given.seed}, {hardware(torch.device('cpu'))}, torch "
        f"{versions()['torch']}\n\n| blend | ndcg@20 | recall@20 |\n|---|---|---|"
    )
    for names, means in sorted(found.items(), key=lambda item: -item[1]["ndcg@20"]):
        print(f"| {' + '.join(names)} | {means['ndcg@20']:.4f} | {means['recall@20']:.4f} |")


if __name__ == "__main__":
    main()
