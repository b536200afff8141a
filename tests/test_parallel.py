"""Two and four processes over gloo: the same training as one, and a run may change their number."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

ROOT = Path(__file__).parents[1]
WORK = """
import sys
from dataclasses import replace
from pathlib import Path
import torch
from safetensors.torch import save_file
from dskreg import parallel
from dskreg.training import train
from tests.tiny_runs import settings, small

preset, epochs, shard, folder, out = sys.argv[1:]
torch.set_num_threads(1)
config = settings(preset, epochs=int(epochs), patience=50, shard=shard == "shard", learning_rate=0.01, sampler_learning_rate=0.01)
with parallel.joined("cpu") as part:
    trained = train(*small(), config, Path(folder), resume=True)
    if part.rank == 0:
        figures = torch.tensor([[e.loss, e.ndcg, e.recall] for e in trained.history], dtype=torch.float64)
        save_file({"figures": figures, **{k: v.contiguous() for k, v in trained.model.state_dict().items()}}, out)
"""


def run(processes: int, preset: str, epochs: int, folder: Path, out: Path, shard: bool = False) -> dict[str, np.ndarray]:
    """The weights and the figures of each epoch after a run that resumes from `folder`."""
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)] if processes > 1 else []
    script = out.with_suffix(".py")
    script.write_text(WORK)
    command = [sys.executable, *launch, str(script), preset, str(epochs), "shard" if shard else "whole", str(folder), str(out)]
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, env=environment)
    assert told.returncode == 0, told.stderr[-9000:]
    return load_file(out)


def assert_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    """To the rounding of float32 sums in another order."""
    assert one.keys() == other.keys() and len(one["figures"]) == len(other["figures"]) > 1
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=2e-3, atol=2e-4, err_msg=name)


@pytest.mark.parametrize(
    ("preset", "processes", "shard"), [("default", 2, False), ("default", 4, False), ("default", 2, True), ("paper", 2, False), ("paper", 2, True)]
)
def test_several_processes_train_what_one_trains(preset: str, processes: int, shard: bool, tmp_path: Path) -> None:
    alone = run(1, preset, 3, tmp_path / "a", tmp_path / "alone.safetensors")
    together = run(processes, preset, 3, tmp_path / "b", tmp_path / "together.safetensors", shard)
    assert_same(alone, together)


@pytest.mark.parametrize("shard", [False, True], ids=["whole", "sharded"])
def test_a_run_goes_on_with_another_number_of_processes(shard: bool, tmp_path: Path) -> None:
    alone = run(1, "default", 4, tmp_path / "a", tmp_path / "alone.safetensors")
    run(2, "default", 2, tmp_path / "b", tmp_path / "first.safetensors", shard)
    resumed = run(4, "default", 3, tmp_path / "b", tmp_path / "second.safetensors", shard)
    assert len(resumed["figures"]) == 4
    assert_same(alone, run(1, "default", 4, tmp_path / "b", tmp_path / "third.safetensors"))
