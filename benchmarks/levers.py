"""One lever at a time, on validation: `python benchmarks/levers.py` (packages of requirements-bench.txt; see
benchmarks/README.md).

Every row is the default preset as it was before the last lever that paid, weight decay, with one thing
changed; what else might pay is tried on top of weight decay too. Trained at seed 0 from the start that the
default chose, or from one of its own where the change concerns the start. A fifth of the titles lose their
likes first. Looked at is validation NDCG@20, before the first step and carried over (trials.py), and how the
best epoch ranks the fifth among itself, for the people who like some of it. No test like is asked. This is
how the default was put together, and how another lever would have to earn its place. Resumable: what
benchmarks/levers.json holds is not done again without `--again`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.accuracy import DATASETS, MODELS, Plan, prepared, settings_of
from benchmarks.changes import DRAWS, DROPPED, averaged, corrected, dropping, falling, of_ease, two_hops
from benchmarks.sets import DATA, there
from benchmarks.significance import compared
from benchmarks.trials import Lever, Withheld, before, tried
from benchmarks.variants import setting
from dskreg.config import PRESETS
from dskreg.data.dataset import Dataset
from dskreg.graph.entities import choose_relations
from dskreg.pipeline import hardware, versions
from dskreg.training.start import Start

BEFORE, DECAY = (
    "the default without weight decay",
    f"weight decay {PRESETS['default'].train.weight_decay:g}, the default",
)


def fresh(start: Start) -> None:
    """The lever chooses a start of its own."""


def without_gates(start: Start) -> Start:
    """The default's kernels; gates of the lever's own."""
    return replace(start, gates=(), user_gate=None)


def levers(dataset: Dataset, regularisation: float) -> dict[str, Lever]:
    """By name; what all are measured by first. `regularisation`: EASE's."""

    def first_only(start: Start) -> Start:
        return replace(start, kernels=(replace(start.kernels[0], share=1.0),))

    def plain(start: Start) -> Start:
        return replace(
            first_only(start),
            kernels=(replace(start.kernels[0], ridge=float("inf"), knowledge=False, seen=False, share=1.0),),
        )

    relations = [dataset.relations[r] for r in choose_relations(dataset, PRESETS["default"].graph)]
    found = {
        BEFORE: Lever(),
        "not trained": Lever(before(train__epochs=0)),
        "no graph": Lever(before(graph__without=",".join([*relations, "co-liked"])), start=without_gates),
        "start: first kernel alone": Lever(start=first_only),
        "start: plain truncated SVD": Lever(start=plain),
        "start: no popularity (q = h = 0)": Lever(
            start=lambda start: replace(start, popularity=0.0, discount=0.0)
        ),
        "start: random, learning rate 1e-3": Lever(before(train__start="random", train__learning_rate=1e-3)),
        "width 256": Lever(before(model__width=256), start=fresh),
        "a free vector per user": Lever(before(model__user="free", train__learning_rate=1e-3)),
        "BPR instead of the masked softmax": Lever(before(train__objective="bpr", train__batch=4096)),
        "softmax corrected by popularity": Lever(around=partial(corrected, dataset)),
        "softmax over 1,024 sampled items": Lever(before(train__alternatives=1024)),
        "10 to 30 % of a history hidden": Lever(before(train__hide_least=0.1, train__hide_most=0.3)),
        "50 to 70 % of a history hidden": Lever(before(train__hide_most=0.7, train__hide_least=0.5)),
        f"{DROPPED:.0%} of the candidates dropped in each step": Lever(around=dropping),
        "learning rate 2e-4": Lever(before(train__learning_rate=2e-4)),
        "learning rate 2e-4, falling": Lever(before(train__learning_rate=2e-4), falling),
        "the sampler's learning rate 3e-3": Lever(before(train__sampler_learning_rate=3e-3)),
        "sampler fixed": Lever(before(train__sampler_learning_rate=1e-12)),
        "embeddings and towers fixed": Lever(before(train__learning_rate=1e-12)),
        "EASE's weights as co-liked strengths": Lever(
            around=partial(of_ease, regularisation), start=without_gates
        ),
        "two hops": Lever(around=two_hops),
        f"mean of {DRAWS} noisy samples": Lever(scorer=averaged),
        "gates chosen on all items": Lever(before(train__gates_by="all"), start=without_gates),
        "all gates .1, not chosen": Lever(
            start=lambda start: replace(start, gates=(0.1,) * len(start.gates), user_gate=0.1)
        ),
        "no prior": Lever(before(model__prior="false"), start=without_gates),
    }
    found |= {
        f"weight decay {share:g}": Lever(setting(train__weight_decay=share))
        for share in (0.0005, 0.0015, 0.015, 0.05)
    }
    found |= {
        DECAY: Lever(PRESETS["default"]),
        f"{DECAY}, softmax over 1,024 sampled items": Lever(setting(train__alternatives=1024)),
        f"{DECAY}, 50 to 70 % of a history hidden": Lever(
            setting(train__hide_most=0.7, train__hide_least=0.5)
        ),
        f"{DECAY}, both changes": Lever(
            setting(train__hide_most=0.7, train__hide_least=0.5, train__alternatives=1024)
        ),
        f"{DECAY}, {DROPPED:.0%} of the candidates dropped in each step": Lever(PRESETS["default"], dropping),
        f"{DECAY}, learning rate 2.5e-5": Lever(setting(train__learning_rate=2.5e-5)),
        "weight decay 0.01, learning rate 1e-4": Lever(
            setting(train__weight_decay=0.01, train__learning_rate=1e-4)
        ),
    }
    return found | {f"K_u = {k}": Lever(before(model__user_picks=k)) for k in (2, 32)}


def reached(found: dict[str, Any], compare: bool) -> str:
    """A lever's figure that is carried over; of an old record that has none, the best epoch's, in italics."""
    if "carried" not in found:
        return f"*{found['best']:.4f}* ({found['epoch']})"
    gain = f" {found['gain']:+.1%} ± {found['within']:.1%}" if compare else ""
    return f"{found['carried']:.4f}{gain} ({found['epoch']})"


HEADING = """# Hyper-parameter sensitivity

Generated by `python benchmarks/levers.py` from `benchmarks/levers.json`. [Protocol](../README.md).

Each row is the default preset without weight decay, with one change. Rows named "the default" have it.
The figures are validation NDCG@20 at seed 0. A fifth of the items lose their likes. No test like is read.

- **untrained**: before the first step.
- **cross-fitted ± 95 % (epoch)**: half of the users choose the epoch for the other half, and vice versa.
  The mean of 20 splits, its relative change to the first row, and half the interval over users.
- **withheld items**: how the best epoch ranks the withheld fifth among itself.
- *In italics*: the best epoch's own figure, from an earlier run without cross-fitting.

A change becomes the default only where it gains on more than one data set. Only weight decay did.
Most other changes were tried on dskreg-lastfm alone.
"""


def written(document: dict[str, Any]) -> str:
    """The page: a row per lever, three columns per data set."""
    names = [name for name in DATASETS if name in document]
    columns = [f"{name}: untrained | cross-fitted ± 95 % (epoch) | withheld items" for name in names]
    lines = ["| change | " + " | ".join(columns) + " |", "|---|" + "---|---|---|" * len(names)]
    for lever in dict.fromkeys(lever for name in names for lever in document[name]["levers"]):
        cells = []
        for name in names:
            found = document[name]["levers"].get(lever)
            cells += (
                [f"{found['before']:.4f}", reached(found, lever != BEFORE), f"{found['cold']:.4f}"]
                if found
                else [""] * 3
            )
        lines.append(f"| {lever} | " + " | ".join(cells) + " |")
    made = [f"{name}: {document[name]['date']}, {document[name]['machine']}" for name in names]
    return "\n".join([HEADING, *lines, "", *(f"- {each}" for each in made)]) + "\n"


def keep(out: Path, name: str, lever: str, found: dict[str, Any]) -> None:
    """Add a lever's figures to levers.json and to results/levers.md.

    Read afresh: another process may work on another data set.
    """
    document = recorded(out)
    of = versions()
    libraries = f"torch {of['torch']}, numpy {of['numpy']}, Python {of['python']}"
    machine = f"{hardware(torch.device('cpu'))}, {libraries}"
    of_data = document.setdefault(name, {"levers": {}})
    of_data |= {"date": time.strftime("%Y-%m-%d", time.gmtime()), "machine": machine}
    of_data["levers"][lever] = found
    (out / "levers.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    (out / "results").mkdir(exist_ok=True)
    (out / "results" / "levers.md").write_text(written(document), "utf-8")


def recorded(out: Path) -> dict[str, Any]:
    """What levers.json says."""
    path = out / "levers.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def main() -> None:
    """Try what was not tried yet; levers.json and the table grow with each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="holds a folder for each data set")
    parser.add_argument("--work", type=Path, default=ROOT / ".accuracy")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "benchmarks", help="where levers.json and results/ are"
    )
    parser.add_argument("--datasets", nargs="+", default=DATASETS)
    parser.add_argument("--only", nargs="+", help="these levers alone")
    parser.add_argument("--again", action="store_true", help="also what was done before")
    given = parser.parse_args()
    plan = Plan(
        given.data,
        given.work,
        seeds=1,
        trials=12,
        seconds=240.0,
        recorded=ROOT / "benchmarks" / "accuracy.json",
    )
    for folder in there(given.data, given.datasets):
        name, withheld = folder.name, Withheld.of(prepared(folder, 0))
        start = Start.from_json(settings_of("DSKReG", MODELS["DSKReG"], folder, plan)["start"])
        kept, todo = (
            plan.work / name / "levers.npy",
            levers(withheld.dataset, settings_of("EASE", MODELS["EASE"], folder, plan)["regularisation"]),
        )
        done = {} if given.again else recorded(given.out).get(name, {}).get("levers", {})
        for lever, what in todo.items():
            missing = "carried" not in done.get(lever, {}) or (lever == BEFORE and not kept.exists())
            if missing and (not given.only or lever in (BEFORE, *given.only)):
                found, people = tried(what, withheld, start)
                if lever == BEFORE:
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    np.save(kept, people)
                found |= compared(people, np.load(kept))
                keep(given.out, name, lever, found)
                figures = f"{found['before']:.4f} {reached(found, True)} {found['cold']:.4f}"
                print(f"{name:16s}{lever:60s}{figures}   {found['seconds']:.0f} s", flush=True)


if __name__ == "__main__":
    main()
