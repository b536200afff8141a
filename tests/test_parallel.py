"""Two and three processes over gloo: the same training as one, and a run may change their number."""

from __future__ import annotations

import math
import os
import socket
import subprocess
import sys
from dataclasses import astuple
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file

from dskreg.config import Config
from dskreg.training import distributed
from dskreg.training.trainer import Trained, train
from tests import processes
from tests.tiny_runs import settings, small

ROOT = Path(__file__).parents[1]
WORK = """
import sys
from pathlib import Path
from tests.test_parallel import work

preset, epochs, folder, out = sys.argv[1:]
work(preset, int(epochs), Path(folder), Path(out))
"""


def task(preset: str, epochs: int) -> Config:
    return settings(preset, epochs=epochs, patience=50, learning_rate=0.01, sampler_learning_rate=0.01)


def figures(trained: Trained) -> dict[str, torch.Tensor]:
    """The weights, and what was measured at each epoch, without how long it took."""
    rows = torch.tensor(
        [[math.nan if v is None else v for v in astuple(epoch)[1:6]] for epoch in trained.history],
        dtype=torch.float64,
    )
    return {
        "epochs": rows,
        **{name: value.contiguous() for name, value in trained.model.state_dict().items()},
    }


@cache
def alone(preset: str, epochs: int) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in figures(train(*small(), task(preset, epochs))).items()}


def work(preset: str, epochs: int, folder: Path, out: Path) -> None:
    """What each process does."""
    torch.set_num_threads(1)
    with distributed.joined("cpu"):
        trained = train(*small(), task(preset, epochs), folder, resume=True)
        if distributed.leads():
            save_file(figures(trained), out)
    os._exit(0)  # as dskreg.cli.main does, and why


def ranked(rank: int, environment: dict[str, str], *arguments: Any) -> None:
    os.environ.update(environment, RANK=str(rank), LOCAL_RANK=str(rank))
    work(*arguments)


def together(count: int, preset: str, epochs: int, folder: Path) -> dict[str, np.ndarray]:
    """A run of several processes, as torchrun starts them, that goes on from `folder`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {"TORCHELASTIC_RUN_ID": "test", "WORLD_SIZE": str(count)}
    environment |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    out = folder.with_suffix(".safetensors")
    started = [
        processes.start(ranked, rank, environment, preset, epochs, folder, out) for rank in range(count)
    ]
    for process in started:
        process.join(300)
    assert [process.exitcode for process in started] == [0] * count
    return load_file(out)


def launched(processes: int, preset: str, epochs: int, folder: Path) -> dict[str, np.ndarray]:
    """A run of several processes that torchrun starts."""
    script, out = folder.with_suffix(".py"), folder.with_suffix(".safetensors")
    script.write_text(WORK)
    launch = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        str(processes),
    ]
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
    command = [*launch, str(script), preset, str(epochs), str(folder), str(out)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, env=environment)
    assert told.returncode == 0, told.stderr[-2000:]
    return load_file(out)


def assert_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    """To the rounding of float32 sums in another order."""
    assert one.keys() == other.keys() and len(one["epochs"]) == len(other["epochs"]) > 2
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=2e-3, atol=2e-4, err_msg=name)


def test_torchrun_trains_what_one_process_trains(tmp_path: Path) -> None:
    assert_same(alone("paper", 2), launched(2, "paper", 2, tmp_path / "run"))


def test_a_run_goes_on_with_another_number_of_processes(tmp_path: Path) -> None:
    train(*small(), task("default", 1), tmp_path / "run")
    together(2, "default", 2, tmp_path / "run")
    together(3, "default", 3, tmp_path / "run")
    last = train(*small(), task("default", 4), tmp_path / "run", resume=True)
    assert_same(alone("default", 4), {name: value.numpy() for name, value in figures(last).items()})
