"""Folders that one process at a time makes."""

import multiprocessing
import os
import signal
import sys
from pathlib import Path

import pytest

from dskreg import folders
from dskreg.cli import main
from dskreg.errors import InputError


def hold(folder: Path, ready, leave) -> None:  # type: ignore[no-untyped-def]
    with folders.alone(folder, "a run"):
        ready.set()
        leave.wait()


def test_a_second_maker_is_refused_until_the_first_has_left(tmp_path: Path) -> None:
    out = tmp_path / "artifact"
    context = multiprocessing.get_context("spawn")
    ready, leave = context.Event(), context.Event()
    first = context.Process(target=hold, args=(out, ready, leave))
    first.start()
    assert ready.wait(60)
    with pytest.raises(InputError, match="a second run is writing it"), folders.alone(out, "a second run"):
        pass
    leave.set()
    first.join(60)
    with folders.alone(out, "a third run"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_killed_maker_holds_nothing(tmp_path: Path) -> None:
    out = tmp_path / "artifact"
    context = multiprocessing.get_context("spawn")
    ready, leave = context.Event(), context.Event()
    first = context.Process(target=hold, args=(out, ready, leave))
    first.start()
    assert ready.wait(60) and first.pid
    os.kill(first.pid, signal.SIGKILL)
    first.join(60)
    with folders.alone(out, "the next run"):
        pass
    assert not list(tmp_path.iterdir())


def test_two_trainings_into_one_folder_the_second_refuses(tmp_path: Path, capsys, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "artifact"
    with folders.alone(out, "another training run"):
        monkeypatch.setattr(sys, "argv", ["dskreg", "train", "demo", "--out", str(out), "--epochs", "0"])
        assert main() == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1 and "another training run is writing it" in told[0] and not out.exists()


def test_an_unwritable_place_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be written"), folders.alone(tmp_path / "file" / "artifact", "a run"):
        pass
