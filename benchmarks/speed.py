"""How fast the package is, beside a dense implementation of the paper in the same run: `python
benchmarks/speed.py --artifact artifacts/anime`.

    `paper` preset on dskreg-lastfm: training pairs/s and users ranked/s, the fast path and
    benchmarks/reference.py in turn; `default` preset on the anime sample: the graph, an epoch, ranking all
    users, one epoch in one process and in two; one user on a trained artifact: opening it, recommend,
    explain with and without the exact probabilities

Ratios are of medians of alternating rounds: machines are noisy. Prints a table with the targets and writes
JSON with machine and versions.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import reference
from benchmarks.figures import Row, at_least, at_most, beside, save
from benchmarks.sets import DATA, there
from dskreg.config import PRESETS, Config
from dskreg.console import silent
from dskreg.data.dataset import Dataset
from dskreg.data.interactions import train_matrix
from dskreg.data.readers.load import load
from dskreg.data.split import split
from dskreg.evaluation.ranking import model_scorer, rankings
from dskreg.explain import explanation
from dskreg.explorer import Explorer
from dskreg.graph.candidates import CandidateGraph, build
from dskreg.model.dskreg import DSKReG
from dskreg.model.evidence import model_of
from dskreg.model.sampling import probability_of
from dskreg.serving.directory import Profile
from dskreg.training.trainer import _begin, _optimiser, _run, _task

ROUNDS = 3
PEOPLE = 25  # of the one-user latencies


def seconds(act: Callable[[], Any]) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def milliseconds(act: Callable[[Any], Any], over: list[Any]) -> float:
    """The median of one call for each of `over`, after one uncounted."""
    act(over[0])
    return 1000 * statistics.median(seconds(lambda one=one: act(one)) for one in over)


def prepared(folder: Path, config: Config) -> tuple[Dataset, CandidateGraph, float]:
    """The data, split; its graph; how long that took."""
    data = split(load(folder, config.data), config.data)
    began = time.perf_counter()
    graph = build(data, config.graph, config.seed)
    return data, graph, time.perf_counter() - began


def paper(folder: Path, steps: int = 20, users: int = 8) -> list[Row]:
    """The paper's settings on Last.FM, fast and dense in turn."""
    config = PRESETS["paper"]
    data, graph, _ = prepared(folder / "dskreg-lastfm", config)
    torch.manual_seed(0)
    model = DSKReG(config.model, graph, len(data.user_ids))
    dense = reference.Reference.of(model)
    everybody = np.arange(len(data.user_ids))
    reference.fast_steps(model, data, config, 10)
    reference.train_steps(dense, data, config, 2)
    rates: dict[str, list[float]] = {name: [] for name in ("train", "dense train", "rank", "dense rank")}
    for _ in range(ROUNDS):
        rates["train"].append(reference.fast_steps(model, data, config, 8 * steps).per_second)
        rates["dense train"].append(reference.train_steps(dense, data, config, steps).per_second)
        rates["rank"].append(reference.score_users(model_scorer(model.eval()), data, everybody).per_second)
        rates["dense rank"].append(
            reference.score_users(reference.scorer(dense.eval()), data, everybody[:users]).per_second
        )
        model.train()
        dense.train()
    middle = {name: statistics.median(values) for name, values in rates.items()}
    return [
        beside(
            "`paper` preset, dskreg-lastfm: training",
            middle["train"],
            "pairs/s",
            ("dense", middle["dense train"]),
            20,
            most=False,
        ),
        beside(
            "`paper` preset, dskreg-lastfm: full ranking",
            middle["rank"],
            "users/s",
            ("dense", middle["dense rank"]),
            300,
            most=False,
        ),
    ]


def default(folder: Path) -> list[Row]:
    """The default preset on the anime sample."""
    config = PRESETS["default"]
    data, graph, building = prepared(folder / "anime", config)
    torch.manual_seed(0)
    model = model_of(config.model, graph, len(data.user_ids))
    began = time.perf_counter()
    _begin(model, data, config, None, silent)
    starting = time.perf_counter() - began
    batches, objective = _task(data, model, config, model.item_embedding.device, None)
    optimiser, _ = _optimiser(model, config.train)

    def epoch(number: int) -> float:
        return seconds(lambda: list(_run(objective, optimiser, batches.epoch(number, graph.shape[1]))))

    steps = statistics.median(epoch(number) for number in range(ROUNDS))
    pairs, likes = train_matrix(data).nnz, train_matrix(data)
    scorer, people = model_scorer(model.eval()), np.arange(len(data.user_ids))
    ranking = statistics.median(
        seconds(lambda: list(rankings(scorer, people, likes, likes, 20))) for _ in range(ROUNDS)
    )
    rate = len(people) / ranking
    return [
        Row("`default` preset, anime: candidate graph", building, "s"),
        Row("`default` preset, anime: closed form, chosen on validation", starting, "s"),
        at_most(f"`default` preset, anime: an epoch of {pairs:,} pairs", steps, "s", 20),
        Row("`default` preset, anime: training", pairs / steps, "pairs/s"),
        at_least(
            f"`default` preset, anime: all users against {len(data.items):,} items", rate, "users/s", 2000
        ),
        Row(
            "peak memory of these steps", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2, "GiB"
        ),
    ]


EPOCHS = """
import sys, time
from pathlib import Path
import torch
sys.path.insert(0, sys.argv[1])
from benchmarks.speed import prepared
from dskreg.config import PRESETS
from dskreg.console import silent
from dskreg.model.evidence import model_of
from dskreg.model.sampling import probability_of
from dskreg.serving.directory import Profile
from dskreg.training import distributed
from dskreg.training.closed_form import Start
from dskreg.training.trainer import _begin, _optimiser, _run, _task
START = Start(exponent=0.25, ridge=10.0, head=0.0)
torch.set_num_threads(1)
with distributed.joined("cpu"):
    config = PRESETS["default"]
    data, graph, _ = prepared(Path(sys.argv[2]) / "anime", config)
    torch.manual_seed(0)
    model = model_of(config.model, graph, len(data.user_ids))
    _begin(model, data, config, START, silent)
    batches, objective = _task(data, model, config, torch.device("cpu"), None)
    shared = distributed.share(objective)
    optimiser, _ = _optimiser(model, config.train)
    for number in range(3):
        distributed.wait()
        began = time.perf_counter()
        for _ in _run(shared, optimiser, batches.epoch(number, graph.shape[1])):
            pass
        distributed.wait()
        if distributed.leads():
            print(time.perf_counter() - began, flush=True)
"""


def processes(folder: Path) -> list[Row]:
    """An epoch in one process and in two, one thread each."""
    middle = []
    for count in (1, 2):
        launch = (
            ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"] if count == 2 else []
        )
        script = Path(os.environ.get("TMPDIR", "/tmp")) / f"dskreg-epochs-{os.getpid()}.py"
        script.write_text(EPOCHS)
        ended = subprocess.run(
            [sys.executable, *launch, str(script), str(ROOT), str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        script.unlink()
        if ended.returncode:
            raise RuntimeError(ended.stderr[-1000:])
        middle.append(statistics.median(float(line) for line in ended.stdout.split()[1:]))
    ratio = middle[0] / middle[1]
    return [
        Row("`default` preset, anime: an epoch, 1 process of 1 thread", middle[0], "s"),
        Row("`default` preset, anime: an epoch, 2 processes of 1 thread", middle[1], "s"),
        at_least("two processes beside one", ratio, "times", 1.6),
    ]


def person(path: Path) -> list[Row]:
    """One user on a trained artifact, model loaded; explanations open the first recommendation."""
    opening = statistics.median(seconds(lambda: Explorer.open(path)) for _ in range(ROUNDS))
    explorer = Explorer.open(path)
    people = [explorer.profile(explorer.random_user(seed)) for seed in range(PEOPLE)]
    pairs = [(who, explorer.recommend(who, 1)["item_id"].iloc[0]) for who in people]
    recommending = milliseconds(lambda who: explorer.recommend(who, 10), people)

    def explain(pair: tuple[Profile, int | str]) -> None:
        probability_of.cache_clear()  # none is known from an earlier explanation
        explorer.explain(*pair, seed=1)

    whole = milliseconds(explain, pairs)
    with patch.object(explanation, "probability_of", lambda logit, k: np.zeros(len(logit) // 8)):
        besides = milliseconds(explain, pairs)
    name = path.name
    return [
        Row(f"{name}: open and verify", opening, "s"),
        at_most(f"{name}: recommend 10, with reasons", recommending, "ms", 5),
        Row(f"{name}: explain without the exact probabilities", besides, "ms"),
        at_most(f"{name}: explain with them", whole, "ms", 20),
    ]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="holds dskreg-lastfm and anime")
    parser.add_argument("--artifact", type=Path, default=ROOT / "artifacts" / "demo")
    parser.add_argument("--out", type=Path, help="a JSON file")
    arguments = parser.parse_args()
    there(arguments.data, ("dskreg-lastfm", "anime"))
    rows: list[Row] = []
    for part in (
        lambda: paper(arguments.data),
        lambda: default(arguments.data),
        lambda: processes(arguments.data),
        lambda: person(arguments.artifact),
    ):
        for row in part():
            print(row, flush=True)
            rows.append(row)
    about = f"One-user figures: the artifact {arguments.artifact.name}"
    save(arguments.out, rows, ("torch", "numpy", "scipy"), about=about)


if __name__ == "__main__":
    main()
