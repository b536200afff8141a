"""Accuracy of DSKReG and of tuned baselines under one protocol: `python benchmarks/accuracy.py` (packages of
requirements-bench.txt; benchmarks/README.md has the protocol).

Every model on every data set and seed; baselines are tuned on validation at seed 0 (EASE and item-kNN as
dskreg/evaluation/tuning.py does, the others by Optuna within one budget), then fitted on everything known
before the test, as DSKReG is.

Resumable: what is done lies under --work and is not done again. `--tables` writes benchmarks/accuracy.json
and benchmarks/results/ from it and leaves the tables of other runs. `--recorded` takes the settings
from benchmarks/accuracy.json where it has them, and tunes what it lacks; EASE, item-kNN and DSKReG choose
anew in any case.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.assess import assess
from benchmarks.recommenders import (
    RIVALS,
    SEEN_TOO,
    Recommender,
    Settings,
    dskreg,
)
from benchmarks.sets import DATA, there
from dskreg.config import PRESETS
from dskreg.data.dataset import VALIDATION, Dataset
from dskreg.data.interactions import seen_matrix
from dskreg.data.readers.load import load
from dskreg.data.split import split
from dskreg.evaluation.evaluate import evaluate
from dskreg.evaluation.ranking import Scorer
from dskreg.pipeline import hardware, versions
from dskreg.training.trainer import known

DATASETS = ("dskreg-lastfm", "anime", "dskreg-book")
MODELS = {"DSKReG": dskreg(PRESETS["default"]), **RIVALS, "DSKReG, paper preset": dskreg(PRESETS["paper"])}


@dataclass(frozen=True)
class Plan:
    """Where the data are, where results go, and what a model may spend on tuning."""

    data: Path
    work: Path
    seeds: int
    trials: int
    seconds: float
    recorded: Path | None = None
    """The document of an earlier run whose settings are kept."""


def prepared(folder: Path, seed: int) -> Dataset:
    """The data set with the split of this seed; where it has a test split of its own, that stays and the
    validation likes change.
    """
    config = replace(PRESETS["default"].data, split_seed=seed)
    return split(load(folder, config), config)


def tuned(name: str, model: Recommender, dataset: Dataset, plan: Plan) -> tuple[Settings, dict[str, Any]]:
    """The settings of the best validation NDCG@20, and how they were found."""
    if model.choose is not None:
        return model.choose(dataset, {}), {"trials": 0}
    if model.tune is not None:
        return model.tune(dataset), {"trials": 0}
    space = model.space
    if space is None:
        return {}, {"trials": 0}
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def quality(trial: optuna.Trial) -> float:
        settings = space(trial)
        trial.set_user_attr("settings", settings)
        scorer = model.fit(dataset, dict(settings), 0)
        return evaluate(scorer, dataset, VALIDATION, PRESETS["default"].train.validation_users).results()[
            "ndcg@20"
        ]

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(quality, n_trials=plan.trials, timeout=plan.seconds)
    best = study.best_trial
    return dict(best.user_attrs["settings"]), {"trials": len(study.trials), "validation ndcg@20": best.value}


def fitted_before_test(model: Recommender, dataset: Dataset, settings: Settings, seed: int) -> Scorer:
    """The model made from everything known before the test; who chooses by itself finds the validation likes
    apart.
    """
    return model.fit(dataset if model.choose else known(dataset), settings, seed)


def one(
    path: Path,
    model: Recommender,
    settings: Settings,
    dataset: Dataset,
    seed: int,
) -> None:
    """Fit and assess, and write the outcome as `path`; figures per user beside it."""
    began = time.perf_counter()
    chosen = dict(settings)
    scorer = fitted_before_test(model, dataset, chosen, seed)
    seconds = time.perf_counter() - began
    outcome: dict[str, Any] = {"settings": chosen, "seed": seed, "fit seconds": round(seconds, 1)}
    outcome["test"], per = assess(scorer, dataset)
    np.savez(path.with_name(f"{path.stem}.test.npz"), **per)
    path.with_suffix(".part").write_text(json.dumps(outcome, indent=1), "utf-8")
    path.with_suffix(".part").rename(path)
    metrics = ("ndcg@20", "recall@20", "coverage@20")
    figures = " ".join(f"{outcome['test'][m]:.4f}" for m in metrics)
    print(f"{path.parent.name:28s}{path.stem:28s}{figures}   {seconds:.0f} s", flush=True)


def found_before(name: str, dataset: str, plan: Plan) -> tuple[Settings, dict[str, Any]] | None:
    """The settings that the document of an earlier run tells, if it is asked and knows this model."""
    rows = json.loads(plan.recorded.read_text("utf-8")).get(f"{dataset}: test", []) if plan.recorded else []
    for row in rows:
        if row["model"] == name:
            return row["settings"], {"trials": 0}
    return None


def settings_of(name: str, model: Recommender, folder: Path, plan: Plan) -> Settings:
    """Tuned once per data set, at seed 0, and kept."""
    kept = plan.work / folder.name / f"{name}.tuned"
    if not kept.exists():
        before = None if model.tune or model.choose else found_before(name, folder.name, plan)
        settings, how = before or tuned(name, model, prepared(folder, 0), plan)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps({"settings": settings} | how), "utf-8")
    return json.loads(kept.read_text("utf-8"))["settings"]


def measure(folder: Path, names: list[str], plan: Plan) -> None:
    """Every model, every seed."""
    for seed in range(plan.seeds):
        dataset = None
        for name in names:
            path = plan.work / folder.name / f"{name}-{seed}.json"
            if not path.exists():
                dataset = dataset or prepared(folder, seed)
                if name == SEEN_TOO and not seen_matrix(dataset).nnz:
                    continue  # nothing but EASE once more
                one(
                    path,
                    MODELS[name],
                    settings_of(name, MODELS[name], folder, plan),
                    dataset,
                    seed,
                )


def main() -> None:
    """Read the arguments and do what is not done yet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="holds a folder for each data set")
    parser.add_argument(
        "--work", type=Path, default=ROOT / ".accuracy", help="results, figures alone; git-ignored"
    )
    parser.add_argument("--datasets", nargs="+", default=DATASETS)
    parser.add_argument("--models", nargs="+", help="these alone")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=12, help="per model and data set")
    parser.add_argument(
        "--seconds", type=float, default=240.0, help="per model and data set; whichever is spent first"
    )
    parser.add_argument(
        "--recorded", action="store_true", help="keep the settings of benchmarks/accuracy.json"
    )
    parser.add_argument("--tables", action="store_true", help="only write the tables")
    given = parser.parse_args()
    plan = Plan(
        given.data,
        given.work,
        given.seeds,
        given.trials,
        given.seconds,
        ROOT / "benchmarks" / "accuracy.json" if given.recorded else None,
    )
    if given.tables:
        from benchmarks.tables import write

        write(plan.work, ROOT / "benchmarks")
        return
    folders = there(plan.data, given.datasets)
    (plan.work / "machine.json").parent.mkdir(parents=True, exist_ok=True)
    machine = {
        "hardware": hardware(torch.device("cpu")),
        "versions": versions(),
        "trials": plan.trials,
        "seconds": plan.seconds,
    }
    machine["form"] = PRESETS["default"].model.form
    machine["searched"] = [name for name, model in MODELS.items() if model.tune]
    (plan.work / "machine.json").write_text(json.dumps(machine), "utf-8")
    for folder in folders:
        measure(folder, given.models or list(MODELS), plan)


if __name__ == "__main__":
    main()
