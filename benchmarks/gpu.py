"""Everything there is to run on a CUDA card, in one call: `python benchmarks/gpu.py [DATA] --out gpu.json`.

First tests/test_gpu.py (scores equal to the CPU's, training learns), none of which may be skipped; then
epochs and ranking of the default preset, beside the CPU of the same machine. DATA is a folder or the word
`demo`. The JSON names card, driver and versions.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from dskreg.config import PRESETS, Config
from dskreg.console import silent
from dskreg.data.dataset import Dataset
from dskreg.data.interactions import train_matrix
from dskreg.data.readers.load import load
from dskreg.data.split import split
from dskreg.evaluation.ranking import model_scorer, rankings
from dskreg.graph.candidates import CandidateGraph, build
from dskreg.model.evidence import model_of
from dskreg.training.trainer import _begin, _optimiser, _run, _task

EPOCHS = 4  # the first warms up and is not counted


@dataclass(frozen=True)
class Speed:
    """The default preset on one device."""

    device: str
    epoch_s: float  # median
    pairs_per_s: float
    users_per_s: float  # all users against all items, best 20
    peak_mb: float  # of the card; 0 for a CPU


def measure(dataset: Dataset, graph: CandidateGraph, config: Config) -> Speed:
    """Epochs and ranking on the device of `config.train`."""
    device = torch.device(config.train.device)
    torch.manual_seed(config.seed)
    model = model_of(config.model, graph, len(dataset.user_ids)).to(device)
    _begin(model, dataset, config, None, silent)
    batches, objective = _task(dataset, model, config, device, None)
    optimiser, _ = _optimiser(model, config.train)
    likes, people = train_matrix(dataset), np.arange(len(dataset.user_ids))
    wait: Callable[[], object] = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    epochs = [
        _seconds(lambda n=n: list(_run(objective, optimiser, batches.epoch(n, graph.shape[1]))), wait)
        for n in range(EPOCHS)
    ]
    epoch = statistics.median(epochs[1:])
    scorer = model_scorer(model.eval())
    ranking = min(
        _seconds(lambda: list(rankings(scorer, people, likes, likes, 20, chunk=1024)), wait) for _ in range(2)
    )
    peak = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else 0.0
    return Speed(
        str(device),
        epoch,
        likes.nnz / epoch,
        len(people) / ranking,
        peak,
    )


def _seconds(act: Callable[[], object], wait: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    wait()
    return time.perf_counter() - began


def tested() -> str:
    """The last line of the GPU tests; raises SystemExit when one failed or was skipped."""
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/test_gpu.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    last = ended.stdout.strip().splitlines()[-1]
    if ended.returncode or "skipped" in last or "passed" not in last:
        raise SystemExit(f"{ended.stdout}\n{ended.stderr}\nthe tests on the card did not all pass: {last}")
    return last


def main() -> None:
    """Test, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", default="demo", help="a data folder, or demo")
    parser.add_argument("--out", type=Path, help="a JSON file")
    given = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit(
            "no CUDA card is usable here: run this on a machine that has one, with a CUDA build of torch"
        )
    verdict = tested()
    print(verdict)
    config = PRESETS["default"]
    dataset = split(load(given.data, config.data), config.data)
    graph = build(dataset, config.graph, config.seed)
    rows = []
    for device in ("cuda", "cpu"):
        rows.append(measure(dataset, graph, replace(config, train=replace(config.train, device=device))))
        row = rows[-1]
        rate = f"{row.epoch_s:8.2f} s an epoch{row.users_per_s:10,.0f} users/s{row.peak_mb:8,.0f} MB"
        print(f"{row.device:5s}{rate}", flush=True)
    document = {
        "tests": verdict,
        "data": Path(given.data).name,
        "rows": [asdict(row) for row in rows],
        "card": torch.cuda.get_device_name(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {"python": platform.python_version(), "cuda": torch.version.cuda}
        | {name: version(name) for name in ("torch", "numpy")},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if given.out:
        given.out.write_text(json.dumps(document, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
