"""How long a large data set takes and how much memory: `python benchmarks/large.py FOLDER`, for a folder made
by `benchmarks/grow.py`.

Stages run one after another in one process; each passes on what it made. Peak RSS is the process's so far, so
a stage's own need shows where it rises.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from dskreg.config import PRESETS, Config
from dskreg.data.dataset import TEST, Dataset
from dskreg.data.readers.load import load
from dskreg.data.split import split
from dskreg.evaluation.evaluate import evaluate
from dskreg.evaluation.ranking import model_scorer
from dskreg.graph.candidates import CandidateGraph, build
from dskreg.training.trainer import Trained, train


@dataclass
class State:
    """What the stages have made so far."""

    folder: Path
    config: Config = field(default_factory=lambda: PRESETS["default"])
    dataset: Dataset | None = None
    graph: CandidateGraph | None = None
    trained: Trained | None = None


@dataclass(frozen=True)
class Figure:
    """One stage's cost."""

    stage: str
    seconds: float
    cpu_seconds: float
    peak_mb: int  # of the process since its start
    size: str


def _read(state: State) -> str:
    state.dataset = load(state.folder, state.config.data)
    users, items = state.dataset.shape
    return f"{len(state.dataset.user):,} rows, {users:,} users, {items:,} items"


def _split(state: State) -> str:
    assert state.dataset is not None
    state.dataset = split(state.dataset, state.config.data)
    return f"{int((state.dataset.fold == 0).sum()):,} training likes"


def _graph(state: State) -> str:
    assert state.dataset is not None
    state.graph = build(state.dataset, state.config.graph, state.config.seed)
    return f"{int((state.graph.neighbour >= 0).sum()):,} candidates, {len(state.graph.relations)} relations"


def _train(state: State) -> str:
    assert state.dataset is not None and state.graph is not None
    config = replace(state.config, train=replace(state.config.train, epochs=1))
    state.trained = train(state.dataset, state.graph, config)
    start, epoch = state.trained.history
    checks = start.evaluation_seconds + epoch.evaluation_seconds
    steps = f"the start, then one epoch of {epoch.seconds:.1f} s"
    return f"{steps} and two validations of {checks:.1f} s; loss {epoch.loss:.3f}"


def _evaluate(state: State) -> str:
    assert state.dataset is not None and state.trained is not None
    ranking = evaluate(model_scorer(state.trained.model), state.dataset, TEST)
    asked = f"{len(ranking.counted):,} users against {len(state.dataset.items):,} items"
    return f"{asked}: ndcg@20 {ranking.results()['ndcg@20']:.4f}"


STAGES: list[tuple[str, Callable[[State], str]]] = [
    ("read", _read),
    ("split", _split),
    ("graph", _graph),
    ("train", _train),
    ("evaluate", _evaluate),
]
"""Name and function; a function changes the state and says how much it made."""


def measure(folder: Path, names: list[str]) -> list[Figure]:
    """Run the stages called `names`, in the order of `STAGES`."""
    state, figures = State(folder), []
    for name, stage in STAGES:
        if name in names:
            begun, worked = time.perf_counter(), time.process_time()
            size = stage(state)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            spent, worked = time.perf_counter() - begun, time.process_time() - worked
            figures.append(Figure(name, round(spent, 2), round(worked, 2), peak, size))
            print(f"{name:12s}{figures[-1].seconds:10.1f} s{peak:10,} MB   {size}", flush=True)
    return figures


def main() -> None:
    """Read the arguments, measure, print and write."""
    known = [name for name, _ in STAGES]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--stages", nargs="+", choices=known, default=known)
    parser.add_argument("--out", type=Path, help="a JSON file")
    given = parser.parse_args()
    figures = measure(given.folder, given.stages)
    if given.out:
        document: dict[str, Any] = {
            "folder": given.folder.name,
            "figures": [asdict(figure) for figure in figures],
        }
        given.out.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
