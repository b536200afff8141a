"""Folders that one process at a time makes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dskreg.cli import main
from dskreg.errors import InputError
from dskreg.storage import folders

ROOT = Path(__file__).parents[1]


HOLD = """
import sys
from pathlib import Path
from dskreg.storage import folders
with folders.alone(Path(sys.argv[1]), "a run"):
    print("ready", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that makes `folder`, until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stdout.readline() == b"ready\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_maker_is_refused_until_the_first_has_left(tmp_path: Path) -> None:
    out = tmp_path / "artifact"
    with held(out) as first:
        with (
            pytest.raises(InputError, match="a second run is writing it"),
            folders.alone(out, "a second run"),
        ):
            pass
        first.communicate()
        with folders.alone(out, "a third run"):
            pass
    assert not list(tmp_path.iterdir())


def test_a_killed_maker_holds_nothing(tmp_path: Path) -> None:
    out = tmp_path / "artifact"
    with held(out) as first:
        first.kill()
        first.wait()
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
    with (
        pytest.raises(InputError, match="cannot be written"),
        folders.alone(tmp_path / "file" / "artifact", "a run"),
    ):
        pass


def test_what_was_there_comes_back_when_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, real = tmp_path / "artifact", os.replace
    out.mkdir()
    (out / "old").touch()

    def replace(source: Path, target: Path) -> None:
        if source.name.endswith(".new"):
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(InputError, match="No space left"), folders.replacing(out) as new:
        (new / "new").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["artifact"] and (out / "old").exists()


def replaced(folder: Path, text: str) -> None:
    with folders.replacing(folder) as new:
        (new / "text").write_text(text)


def test_a_folder_that_is_replaced_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    out, calls = tmp_path / "artifact", 0
    replaced(out, "first")

    def read() -> str:
        nonlocal calls
        calls += 1
        before = (out / "text").read_text()
        if calls < 4:
            replaced(out, f"{calls}")
        if before != (out / "text").read_text():
            raise InputError("parts of two")
        return before

    assert (folders.settled(out, read), calls) == ("3", 4)


def test_a_folder_that_stays_as_it_was_is_read_once(tmp_path: Path) -> None:
    out, calls = tmp_path / "artifact", 0

    def read() -> None:
        nonlocal calls
        calls += 1
        raise InputError("damaged")

    for _ in range(2):
        with pytest.raises(InputError, match="damaged"):
            folders.settled(out, read)
        replaced(out, "damaged")
    assert calls == 2


def test_what_never_settles_ends_with_what_its_reader_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, calls = tmp_path / "artifact", 0
    monkeypatch.setattr(folders, "PAUSE", 0.0)

    def read() -> None:
        nonlocal calls
        calls += 1
        replaced(out, f"{calls}")
        raise InputError(f"parts of two, {calls}")

    with pytest.raises(InputError, match=f"parts of two, {folders.TRIES}"):
        folders.settled(out, read)
