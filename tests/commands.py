"""Commands run in this process, and settings with which `train` takes a moment."""

from __future__ import annotations

import sys

import pytest

from dskreg.cli import main

SMALL = (
    "--set",
    "model.width=8",
    "--set",
    "graph.min_items=2",
    "--set",
    "train.patience=50",
    "--no-baselines",
)


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["dskreg", *arguments])
    code = main()
    out, err = capsys.readouterr()
    return code, out, err
