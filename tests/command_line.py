"""The command line in tests: run in this process or in a shell, and a small data folder to train on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dskreg.cli import main

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "artifacts" / "demo"
SMALL = tuple("--set model.width=8 --set graph.min_items=2 --set train.patience=50 --no-baselines".split())
"""Options of `train` for `tiny_data`."""


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> tuple[int, str, str]:
    """The exit code, stdout and stderr of `dskreg` with these arguments."""
    monkeypatch.setattr(sys, "argv", ["dskreg", *arguments])
    code = main()
    out, err = capsys.readouterr()
    return code, out, err


def tiny_data(folder: Path) -> Path:
    """A checkerboard: even users like even items, odd users odd ones, each all but two."""
    folder.mkdir()
    train = [
        [u, *[i for i in range(20) if i % 2 == u % 2 and i != u % 20 and i != (u + 2) % 20]]
        for u in range(24)
    ]
    (folder / "train.txt").write_text("".join(" ".join(map(str, row)) + "\n" for row in train))
    (folder / "test.txt").write_text("".join(f"{u} {u % 20}\n" for u in range(24)))
    (folder / "kg_final.txt").write_text(
        "".join(f"{i}\t0\t{20 + i % 2}\n{i}\t1\t{22 + i % 3}\n" for i in range(20))
    )
    return folder


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """A line of bash in which $DSKREG is the command line and $DEMO the demo; its streams have buffers, as a
    user's have.
    """
    script = line.replace("$DSKREG", f"{sys.executable} -m dskreg").replace("$DEMO", str(DEMO))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = ["bash", "-o", "pipefail", "-c", script]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
