"""One lever at a time, on validation: `python benchmarks/levers.py` (packages of requirements-bench.txt; see benchmarks/README.md).

Every row is the default preset with one thing changed, trained at seed 0 from the start that the default chose, or from one of its own where the change
concerns the start. A fifth of the titles lose their likes first. Looked at is validation NDCG@20, before the first step and at the best epoch, and how
that epoch ranks the fifth among itself, for the people who like some of it. No test like is asked. This is how the default was put together, and how
another lever would have to earn its place. Resumable: what benchmarks/levers.json holds is not done again without `--again`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import sparse

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.accuracy import DATASETS, MODELS, Plan, prepared, settings_of  # noqa: E402
from benchmarks.changes import DRAWS, DROPPED, averaged, corrected, dropping, falling, of_ease, two_hops  # noqa: E402
from benchmarks.tables import replaced  # noqa: E402
from benchmarks.variants import setting  # noqa: E402
from dskreg import graph, training  # noqa: E402
from dskreg.config import PRESETS, Config  # noqa: E402
from dskreg.data.dataset import OUTSIDE, TRAIN, VALIDATION, Dataset  # noqa: E402
from dskreg.evaluation import evaluate  # noqa: E402
from dskreg.graph import choose_relations, train_matrix  # noqa: E402
from dskreg.metrics import hits, ndcg, top_items  # noqa: E402
from dskreg.model import DSKReG  # noqa: E402
from dskreg.pipeline import hardware, versions  # noqa: E402
from dskreg.serving import Scorer, model_scorer  # noqa: E402
from dskreg.spectra import Start  # noqa: E402

BEGIN, END = "<!-- levers: written by benchmarks/levers.py -->", "<!-- end of the levers -->"
WITHHELD, ASKED = 0.2, 2000  # share of the titles; people asked about them
Context = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Lever:
    """A changed configuration, a change of the code while it trains, another start or another way to score."""

    config: Config = PRESETS["default"]
    around: Context = nullcontext
    start: Callable[[Start], Start | None] = lambda start: start
    scorer: Callable[[DSKReG], Scorer] | None = None


def fresh(start: Start) -> None:
    """The lever chooses a start of its own."""


def without_gates(start: Start) -> Start:
    """The default's kernels; gates of the lever's own."""
    return replace(start, gates=(), user_gate=None)


def levers(dataset: Dataset, regularisation: float) -> dict[str, Lever]:
    """By name; the default first. `regularisation`: EASE's."""

    def first_only(start: Start) -> Start:
        return replace(start, kernels=(replace(start.kernels[0], share=1.0),))

    def plain(start: Start) -> Start:
        return replace(first_only(start), kernels=(replace(start.kernels[0], ridge=float("inf"), knowledge=False, seen=False, share=1.0),))

    relations = [dataset.relations[r] for r in choose_relations(dataset, PRESETS["default"].graph)]
    found = {
        "default": Lever(),
        "not trained": Lever(setting(train__epochs=0)),
        "the backbone alone: no graph": Lever(setting(graph__without=",".join([*relations, "co-liked"])), start=without_gates),
        "start: first kernel alone": Lever(start=first_only),
        "start: plain truncated SVD": Lever(start=plain),
        "start: popularity plays no part (q = h = 0)": Lever(start=lambda start: replace(start, popularity=0.0, discount=0.0)),
        "start: at random, learning rate 1e-3": Lever(setting(train__start="random", train__learning_rate=1e-3)),
        "width 256": Lever(setting(model__width=256), start=fresh),
        "a free vector for every person": Lever(setting(model__user="free", train__learning_rate=1e-3)),
        "BPR in the place of the masked softmax": Lever(setting(train__objective="bpr", train__batch=4096)),
        "softmax corrected by popularity": Lever(around=partial(corrected, dataset)),
        "softmax over a sample of 1,024 titles": Lever(setting(train__alternatives=1024)),
        "10 to 30 % of a history hidden": Lever(setting(train__hide_least=0.1, train__hide_most=0.3)),
        "50 to 70 % of a history hidden": Lever(setting(train__hide_most=0.7, train__hide_least=0.5)),
        f"{DROPPED:.0%} of the candidates dropped in each step": Lever(around=dropping),
        "learning rate 2e-4": Lever(setting(train__learning_rate=2e-4)),
        "learning rate 2e-4, falling": Lever(setting(train__learning_rate=2e-4), falling),
        "the sampler's learning rate 3e-3": Lever(setting(train__sampler_learning_rate=3e-3)),
        "sampler fixed": Lever(setting(train__sampler_learning_rate=1e-12)),
        "embeddings and towers fixed": Lever(setting(train__learning_rate=1e-12)),
        "decoupled weight decay 10": Lever(setting(train__weight_decay=10)),
        "decoupled weight decay 100": Lever(setting(train__weight_decay=100)),
        "EASE's weights as co-liked strengths": Lever(around=partial(of_ease, regularisation), start=without_gates),
        "two hops": Lever(around=two_hops),
        f"mean of {DRAWS} noisy draws": Lever(scorer=averaged),
        "gates chosen where all titles compete": Lever(setting(train__gates_by="all"), start=without_gates),
        "all gates .1, not chosen": Lever(start=lambda start: replace(start, gates=(0.1,) * len(start.gates), user_gate=0.1)),
        "no prior": Lever(setting(model__prior="false"), start=without_gates),
    }
    return found | {f"K = {k} on the person's side": Lever(setting(model__user_picks=k)) for k in (2, 32)}


@dataclass(frozen=True)
class Withheld:
    """The data without the likes of some titles; `likes` `[U, n]` of these titles `[n]`, train and validation, test never."""

    dataset: Dataset
    titles: np.ndarray
    likes: sparse.csr_matrix

    @classmethod
    def of(cls, dataset: Dataset, seed: int = 0) -> Withheld:
        """A seeded WITHHELD of the titles that somebody likes; who else saw them is not known either."""
        likes = train_matrix(dataset, (TRAIN, VALIDATION))
        liked = np.random.default_rng([seed, 3]).permutation(np.flatnonzero(np.asarray(likes.sum(0)).ravel()))
        titles = liked[: round(WITHHELD * len(liked))]
        kept = ~np.isin(dataset.item, titles)
        columns = {name: getattr(dataset, name)[kept] for name in ("user", "item", "liked", "fold")}
        return cls(replace(dataset, **columns), titles, likes[:, titles])

    def ndcg(self, scorer: Scorer) -> float:
        """NDCG@20 of the titles among themselves, in no order of their own."""
        history = train_matrix(self.dataset, (TRAIN, OUTSIDE))
        people = np.flatnonzero(np.diff(self.likes.indptr) * np.diff(history.indptr))
        people = people[np.linspace(0, len(people) - 1, min(len(people), ASKED)).astype(int)]
        found = []
        for who in np.array_split(people, 1 + len(people) // 128):
            ranked = top_items(scorer(who, history[who])[:, self.titles], None, 20)
            found.append(ndcg(hits(ranked, self.likes[who]), np.diff(self.likes[who].indptr), 20))
        return float(np.concatenate(found).mean())


def tried(lever: Lever, withheld: Withheld, start: Start) -> dict[str, Any]:
    """Validation NDCG@20 `before` the first step and at the `best` epoch; the withheld titles' at that epoch is `cold`."""
    began, config, dataset = time.perf_counter(), lever.config, withheld.dataset
    with lever.around():
        candidates = graph.build(dataset, config.graph, config.seed)
        found = training.train(dataset, candidates, config, start=lever.start(start))
    best, scorer = max(epoch.ndcg for epoch in found.history), (lever.scorer or model_scorer)(found.model.eval())
    if lever.scorer is not None:
        best = evaluate(scorer, dataset, VALIDATION, config.train.validation_users).results()["ndcg@20"]
    seconds = round(time.perf_counter() - began, 1)
    return {"before": found.history[0].ndcg, "best": best, "epoch": found.best_epoch, "cold": withheld.ndcg(scorer), "seconds": seconds}


def written(document: dict[str, Any]) -> list[str]:
    """The table: a row per lever, a pair of columns per data set."""
    names = [name for name in DATASETS if name in document]
    lines = ["| lever | " + " | ".join(f"{name}: untrained | best (epoch) | withheld titles" for name in names) + " |", "|---|" + "---|---|---|" * len(names)]
    for lever in dict.fromkeys(lever for name in names for lever in document[name]["levers"]):
        cells = []
        for name in names:
            found = document[name]["levers"].get(lever)
            default = document[name]["levers"].get("default", {}).get("best")
            times = f", {found['best'] / default - 1:+.1%}" if found and default and lever != "default" else ""
            cells += [f"{found['before']:.4f}", f"{found['best']:.4f} ({found['epoch']}{times})", f"{found['cold']:.4f}"] if found else [""] * 3
        lines.append(f"| {lever} | " + " | ".join(cells) + " |")
    made = [f"{name}: {document[name]['date']}, {document[name]['machine']}" for name in names]
    return ["", *lines, "", "; ".join(made) + "; seed 0.", ""]


def keep(out: Path, name: str, lever: str, found: dict[str, Any]) -> None:
    """Add a lever's figures to levers.json and to the table of README.md. Read afresh: another process may work on another data set."""
    document = recorded(out)
    parts = versions()
    machine = f"{hardware(torch.device('cpu'))}, torch {parts['torch']}, numpy {parts['numpy']}, Python {parts['python']}"
    of_data = document.setdefault(name, {"levers": {}})
    of_data |= {"date": time.strftime("%Y-%m-%d", time.gmtime()), "machine": machine}
    of_data["levers"][lever] = found
    (out / "levers.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    readme = out / "README.md"
    readme.write_text(replaced(readme.read_text("utf-8"), BEGIN, END, written(document)), "utf-8")


def recorded(out: Path) -> dict[str, Any]:
    """What levers.json says."""
    path = out / "levers.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def main() -> None:
    """Try what was not tried yet; levers.json and the table grow with each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--work", type=Path, default=ROOT / ".accuracy")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks", help="where levers.json and README.md are")
    parser.add_argument("--datasets", nargs="+", default=DATASETS)
    parser.add_argument("--only", nargs="+", help="these levers alone")
    parser.add_argument("--again", action="store_true", help="also what was done before")
    given = parser.parse_args()
    plan = Plan(given.data, given.work, seeds=1, trials=12, seconds=240.0, recorded=ROOT / "benchmarks" / "accuracy.json")
    for name in given.datasets:
        folder, withheld = given.data / name, Withheld.of(prepared(given.data / name, 0))
        start = Start.from_json(settings_of("DSKReG", MODELS["DSKReG"], folder, plan)["start"])
        done = {} if given.again else recorded(given.out).get(name, {}).get("levers", {})
        for lever, what in levers(withheld.dataset, settings_of("EASE", MODELS["EASE"], folder, plan)["regularisation"]).items():
            if lever not in done and (not given.only or lever in given.only):
                found = tried(what, withheld, start)
                keep(given.out, name, lever, found)
                print(
                    f"{name:16s}{lever:60s}{found['before']:.4f} {found['best']:.4f} ({found['epoch']}) {found['cold']:.4f}   {found['seconds']:.0f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
