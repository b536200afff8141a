"""Settings and checkpoints that were broken on purpose: one sentence each, before anything is computed
from them (all with DSKREG_LONG=1).
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from dskreg.arguments import configuration
from dskreg.cli import main
from dskreg.config import Config, setting_paths
from dskreg.errors import InputError
from dskreg.training import trainer
from dskreg.training.trainer import train
from tests.command_line import SMALL, tiny_data
from tests.reliability import broken_settings as broken
from tests.reliability.size import times
from tests.tiny_runs import settings, small

SETTINGS = list(broken.settings())


def test_every_setting_is_broken_in_at_least_four_ways() -> None:
    count = {path: sum(case.path == path for case in SETTINGS) for path in setting_paths()}
    assert min(count.values()) >= 4 and len(SETTINGS) >= 1000, count


def test_broken_settings_are_refused_in_one_line_that_names_them() -> None:
    for case in broken.some(SETTINGS, times(len(SETTINGS), 600)):
        with pytest.raises(InputError, match=case.path.rpartition(".")[2]) as error:
            accepted = (
                configuration("demo", "default", {}, [f"{case.path}={case.value}"])
                if case.text
                else Config.from_json(case.document())
            )
            pytest.fail(f"{case} was accepted: {accepted}")
        assert broken.lines_of(error.value), str(error.value)


def test_the_command_line_refuses_them_before_it_begins(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = [case for case in SETTINGS if case.text and "\ud800" not in case.value]
    for case in broken.some(texts, times(len(texts), 40)):
        monkeypatch.setattr(
            sys, "argv", ["dskreg", "train", "demo", "--out", "made", "--set", f"{case.path}={case.value}"]
        )
        assert main() == 2
        out, err = capsys.readouterr()
        assert (
            out == ""
            and err.startswith("error: setting ")
            and err.count("\n") == 1
            and not list(tmp_path.iterdir())
        )


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of one epoch."""
    folder = tmp_path_factory.mktemp("checkpoint") / "run"
    train(*small(), settings("default", epochs=1), folder)
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file() and path.stat().st_size < 10**8
    }


def test_broken_checkpoints_are_refused_in_one_line_that_names_the_file(
    begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "_begin", lambda *_: pytest.fail("the checkpoint was passed over"))
    (data, graph), config, folder = small(), settings("default", epochs=1), tmp_path / "run"
    cases = broken.checkpoints(begun)
    assert len(cases) >= 1000
    always = [
        case
        for case in cases
        if case[0] in {name for name, _ in broken.files()} or case[0].endswith("negative")
    ]
    for name, breaks in [*always, *broken.some(cases, times(len(cases), 200))]:
        shutil.copytree(begun, folder)
        breaks(folder)
        before = digests(folder) if "device" not in name else {}
        with pytest.raises(InputError, match="run") as error:
            train(
                data,
                graph,
                config,
                folder,
                resume=True,
                report=lambda *_, name=name: pytest.fail(f"{name} was accepted"),
            )
            pytest.fail(f"{name} was accepted")
        assert broken.lines_of(error.value), f"{name}: {error.value}"
        # Moments are the other file's tensors
        named = name.split()[0] in str(error.value) or "moments" in name or " other " in str(error.value)
        tensor = (
            name.split()[1]
            if name.startswith("state.safetensors") and len(name.split()) == 3 and "." in name.split()[1]
            else ""
        )
        assert tensor in str(error.value), f"another tensor is named: {name}: {error.value}"
        assert named and "train without --resume" in str(error.value), (name, error.value)
        assert not before or digests(folder) == before, "the checkpoint is as it was"
        shutil.rmtree(folder)


def test_the_sound_checkpoint_that_they_were_made_from_is_resumed(begun: Path, tmp_path: Path) -> None:
    data, graph = small()
    shutil.copytree(begun, tmp_path / "run")
    assert train(data, graph, settings("default", epochs=1), tmp_path / "run", resume=True).best_epoch in (
        0,
        1,
    )


def test_a_broken_checkpoint_leaves_the_older_artifact(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data, out, checkpoint = tiny_data(tmp_path / "data"), tmp_path / "made", tmp_path / ".made.training"

    def run(*more: Any) -> int:
        monkeypatch.setattr(
            sys, "argv", ["dskreg", "train", str(data), "--out", str(out), "--epochs", "1", *SMALL, *more]
        )
        return main()

    assert run() == 0
    before = digests(out)
    capsys.readouterr()
    for name, breaks in broken.some(list(broken.files()), times(40, 6), seed=1):
        train(*small(), settings("default", epochs=0), checkpoint)
        breaks(checkpoint)
        assert run("--resume") == 2, name
        assert f"error: {checkpoint}" in capsys.readouterr().err.splitlines()[-1] and digests(out) == before
        shutil.rmtree(checkpoint)
