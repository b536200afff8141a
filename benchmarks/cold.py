"""Items without likes: what sampling and the boost are worth, beside untrained baselines:
`python benchmarks/cold.py` (settings and packages of benchmarks/accuracy.py).

A tenth of the items loses every like before the test (assess.chilled). On the same split and users:

    sampling   the default model as trained, by strength alone, and at random
    boost      what neighbours of items without likes weigh: a curve
    baselines  EASE, content-kNN, and EASE's columns of the KG neighbours over (gamma, kappa)

Every row has NDCG@20 of all test likes, of warm and cold ones with every item ranked, of cold ones among
themselves, and the recall of the likes in the rarest fifths. Resumable: what benchmarks/cold.json holds is
not done again. Writes benchmarks/cold.json and benchmarks/results/cold.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.accuracy import MODELS, Plan, prepared, settings_of
from benchmarks.assess import assess, chilled
from benchmarks.recommenders import RIVALS, content_knn, ease_columns, fitted
from benchmarks.sets import DATA, there
from benchmarks.significance import interval
from dskreg.config import PRESETS
from dskreg.data.dataset import Dataset
from dskreg.evaluation.ranking import Scorer, model_scorer
from dskreg.evaluation.resets import STRENGTH, UNIFORM, drawn, restored
from dskreg.model.evidence import EvidenceDSKReG
from dskreg.model.scoring import Catalogue
from dskreg.pipeline import hardware, versions
from dskreg.training.trainer import known

DATASETS = ("anime", "dskreg-lastfm")
BOOSTS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 13.0)
BALANCES = ((0.0, 0.15), (1.0, 0.05), (1.0, 0.15), (1.0, 0.3), (3.0, 0.05), (3.0, 0.1), (3.0, 0.2))
"""(gamma, kappa) of the rival's curve."""
VIEWS = ("all", "warm", "cold", "cold among cold")
Figures = dict[str, Any]


def measured(scorer: Scorer, dataset: Dataset, cold: np.ndarray) -> Figures:
    """The figures of a row; `cold` `[I]` bool."""
    arguments = ({}, {"targets": ~cold}, {"targets": cold}, {"targets": cold, "among": cold})
    row: Figures = {}
    for view, of_view in zip(VIEWS, arguments, strict=True):
        means, per = assess(scorer, dataset, **of_view)  # type: ignore[arg-type]
        row[view] = {"ndcg": means["ndcg@20"], "within": interval(per["ndcg"])}
        if view == "all":
            row["recall by popularity"] = means["recall@20 by popularity"]
    return row


def of_model(model: EvidenceDSKReG, seed: int) -> Iterator[tuple[str, Callable[[], Scorer]]]:
    """(name, what makes the scorer): the draws, then the boosts; the model is as before after each."""

    @torch.no_grad()
    def sampled(part: str) -> Scorer:
        items = torch.arange(len(model.item_embedding))
        return model_scorer(model, Catalogue.of(model, items, drawn(model, items, part, seed)))

    @torch.no_grad()
    def boosted(boost: float) -> Scorer:
        with restored(model):
            model.evidence[2] = boost
            return model_scorer(model)

    yield "sampling: learnt", lambda: sampled("")
    yield "sampling: by strength", lambda: sampled(STRENGTH)
    yield "sampling: at random", lambda: sampled(UNIFORM)
    for boost in BOOSTS:
        yield f"boost {boost:g}", lambda boost=boost: boosted(boost)  # type: ignore[misc]


def rivals(dataset: Dataset, regularisation: float, seed: int) -> Iterator[tuple[str, Callable[[], Scorer]]]:
    """(name, what makes the scorer); they learn from everything known before the test."""
    before = known(dataset)
    settings = {"regularisation": regularisation}
    yield "EASE", lambda: RIVALS["EASE"].fit(before, dict(settings), seed)
    yield "content-kNN", lambda: content_knn(before, {}, seed)
    for gamma, kappa in BALANCES:
        chosen = settings | {"gamma": gamma, "kappa": kappa}
        yield (
            f"EASE columns of KG neighbours, gamma {gamma:g}, kappa {kappa:g}",
            lambda chosen=chosen: ease_columns(before, chosen, seed),  # type: ignore[misc]
        )


def one(dataset: Dataset, cold: np.ndarray, settings: Figures, regularisation: float, seed: int) -> Figures:
    """Every row of a data set and seed, by name."""
    rows, chosen = {}, dict(settings)
    model = fitted(PRESETS["default"], dataset, chosen, seed)
    assert isinstance(model, EvidenceDSKReG)
    for parts in (of_model(model, seed), rivals(dataset, regularisation, seed)):
        for name, scorer in parts:
            rows[name] = measured(scorer(), dataset, cold)
            figures = " ".join(f"{view} {rows[name][view]['ndcg']:.4f}" for view in VIEWS)
            print(f"    {name:60s}{figures}", flush=True)
    return {"settings": chosen, "rows": rows}


def written(document: dict[str, Any]) -> str:
    """The page: means over the seeds."""
    lines = [
        "# Items without likes",
        "",
        "Generated by `python benchmarks/cold.py` from `benchmarks/cold.json`. [Protocol](../README.md).",
        "",
        "A tenth of the items loses every like before the test. NDCG@20; ± is the standard deviation over",
        "the seeds. *Rarest*: recall@20 of the test likes in the rarest and the second rarest fifth of the",
        'items with likes. The boost of "sampling" is the one chosen on validation.',
    ]
    for name, found in document.items():
        seeds = list(found["seeds"].values())
        boosts = ", ".join(f"{seed['settings']['boost']:g}" for seed in seeds)
        lines += ["", f"## {name}", "", f"{found['made']}; {len(seeds)} seeds; chosen boosts: {boosts}.", ""]
        lines += ["| | all | warm | cold among all | cold among cold | rarest |", "|---|---|---|---|---|---|"]
        for row in [row for row in seeds[0]["rows"] if all(row in seed["rows"] for seed in seeds)]:
            of_row = [seed["rows"][row] for seed in seeds]
            cells = [_mean([each[view]["ndcg"] for each in of_row]) for view in VIEWS]
            rare = [
                _mean([each["recall by popularity"][fifth] or 0.0 for each in of_row]) for fifth in (0, 1)
            ]
            lines.append(f"| {row} | " + " | ".join([*cells, " · ".join(rare)]) + " |")
    return "\n".join(lines) + "\n"


def _mean(values: list[float]) -> str:
    spread = f" ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else ""
    return f"{np.mean(values):.4f}{spread}"


def keep(out: Path, name: str, seed: int, found: Figures) -> None:
    """Add a seed's figures to cold.json and to results/cold.md, read afresh."""
    document = recorded(out)
    of, day = versions(), time.strftime("%Y-%m-%d", time.gmtime())
    made = f"{day}, {hardware(torch.device('cpu'))}, torch {of['torch']}, numpy {of['numpy']}"
    document.setdefault(name, {"seeds": {}})["made"] = made
    document[name]["seeds"][str(seed)] = found
    (out / "results").mkdir(parents=True, exist_ok=True)
    (out / "cold.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    (out / "results" / "cold.md").write_text(written(document), "utf-8")


def recorded(out: Path) -> dict[str, Any]:
    """What cold.json says."""
    path = out / "cold.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def main() -> None:
    """Measure what is not recorded yet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="holds a folder for each data set")
    parser.add_argument("--work", type=Path, default=ROOT / ".accuracy", help="tuned settings")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks")
    parser.add_argument("--datasets", nargs="+", default=DATASETS)
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    accuracy = ROOT / "benchmarks" / "accuracy.json"
    plan = Plan(given.data, given.work, seeds=1, trials=12, seconds=240.0, recorded=accuracy)
    for folder in there(given.data, given.datasets):
        for seed in range(given.seeds):
            if str(seed) in recorded(given.out).get(folder.name, {}).get("seeds", {}):
                continue
            print(f"{folder.name}, seed {seed}", flush=True)
            settings = settings_of("DSKReG", MODELS["DSKReG"], folder, plan)
            regularisation = settings_of("EASE", MODELS["EASE"], folder, plan)["regularisation"]
            dataset, cold = chilled(prepared(folder, seed), seed)
            keep(given.out, folder.name, seed, one(dataset, cold, settings, regularisation, seed))


if __name__ == "__main__":
    main()
