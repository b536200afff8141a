"""Killed at any moment, training goes on to the weights of an uninterrupted run, and what is on disk is
whole, old or absent.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from dskreg import pipeline
from dskreg.config import PRESETS, Config
from dskreg.errors import InputError
from dskreg.storage import artifact as artifacts
from dskreg.storage import folders
from tests import processes
from tests.command_line import tiny_data
from tests.reliability.size import times

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "artifacts" / "demo"
NOBODY = 65534
KILLS, IN_SAVING = times(25, 2), times(15, 1)


def settings(seed: int = 0) -> Config:
    base = PRESETS["default"]
    return replace(
        base,
        seed=seed,
        graph=replace(base.graph, min_items=2),
        model=replace(base.model, width=8),
        train=replace(base.train, epochs=6, patience=6, learning_rate=1e-2, device="cpu"),
        projection=replace(base.projection, iterations=10),
    )


def nothing(*_: object) -> None: ...


def make(data: Path, out: Path, resume: bool, saving: Path, seed: int = 0) -> None:
    """A whole run; `saving` appears when it begins to save."""

    def say(line: str) -> None:
        if line.startswith("t-SNE map of") and line.endswith("users"):
            saving.touch()

    pipeline.run(
        str(data), out, settings(seed), resume, False, say, lambda steps, count, label: steps, nothing
    )


start = partial(processes.start, make)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, float, float]:
    """(the data, the digest of an uninterrupted run, how long it takes, how long from the beginning of
    saving).
    """
    folder = tmp_path_factory.mktemp("crash")
    data, out, saving = tiny_data(folder / "data"), folder / "whole", folder / "saving"
    warm = start(folder / "no data", folder / "warm", False, folder / "warm.saving")
    warm.join()  # the server of processes has imported its modules, and training begins at once
    began = time.monotonic()
    process = start(data, out, False, saving)
    while not saving.exists() and process.is_alive():
        time.sleep(0.002)
    seen = time.monotonic()
    process.join()
    manifest = artifacts.load(out).manifest
    assert manifest is not None
    return data, manifest["content"], time.monotonic() - began, time.monotonic() - seen


def whole_or_absent(out: Path) -> str | None:
    """The digest of what lies at `out`; None where nothing does. A folder that is there must load."""
    if not out.exists():
        return None
    manifest = artifacts.load(out).manifest
    assert manifest is not None
    return str(manifest["content"])


def kill_while_saving(number: int, data: Path, out: Path, tail: float) -> None:
    saving = out.with_name("saving")
    process = start(data, out, False, saving)
    while not saving.exists() and process.is_alive():
        time.sleep(0.001)
    time.sleep(random.Random(number).uniform(0, tail))
    process.kill()
    process.join()


@pytest.mark.parametrize("number", range(KILLS))
def test_killed_at_a_random_moment_and_resumed(
    number: int, world: tuple[Path, str, float, float], tmp_path: Path
) -> None:
    data, expected, duration, _ = world
    out = tmp_path / "made"
    process = start(data, out, False, tmp_path / "saving")
    time.sleep(random.Random(number).uniform(0, duration))
    process.kill()
    process.join()
    assert whole_or_absent(out) in (None, expected)
    again = start(data, out, True, tmp_path / "saving again")
    again.join()
    assert again.exitcode == 0 and whole_or_absent(out) == expected
    assert not list(tmp_path.glob(".made*")), "checkpoints, locks and half-written folders are gone"


@pytest.mark.parametrize("number", range(IN_SAVING))
def test_killed_while_saving_over_an_older_artifact(
    number: int, world: tuple[Path, str, float, float], tmp_path: Path
) -> None:
    """The older one or the newer one is there and whole; never neither, never half of each."""
    data, expected, _, tail = world
    out = tmp_path / "made"
    first = start(data, out, False, tmp_path / "first", 1)
    first.join()
    old = whole_or_absent(out)
    kill_while_saving(number, data, out, tail)
    artifacts.recover(out)
    assert whole_or_absent(out) in (old, expected) and old != expected


def test_an_old_artifact_comes_back_when_it_is_looked_at_but_not_while_one_saves(tmp_path: Path) -> None:
    """As a process leaves it that dies between the two renames."""
    out = tmp_path / "made"
    artifacts.save(artifacts.load(DEMO), tmp_path / ".made.0123abcd.old")
    with folders.alone(out, "a training run"), pytest.raises(InputError, match="no such folder"):
        artifacts.load(out)
    assert artifacts.load(out).manifest == artifacts.load(DEMO).manifest and [
        path.name for path in tmp_path.iterdir()
    ] == ["made"]


@pytest.mark.parametrize("number", range(IN_SAVING))
def test_resumed_after_it_was_killed_while_saving(
    number: int, world: tuple[Path, str, float, float], tmp_path: Path
) -> None:
    data, expected, _, tail = world
    out = tmp_path / "made"
    kill_while_saving(number, data, out, tail)
    again = start(data, out, True, tmp_path / "again")
    again.join()
    assert again.exitcode == 0 and whole_or_absent(out) == expected


def test_a_full_disk_leaves_the_old_artifact(
    world: tuple[Path, str, float, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every write that saving makes fails once with "No space left on device"."""
    out = tmp_path / "made"
    demo = artifacts.load(DEMO)
    artifacts.save(demo, out)
    before = whole_or_absent(out)
    real, left = artifacts.save_tensors, 0

    def full(*arguments: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(28, "No space left on device")
        real(*arguments)

    monkeypatch.setattr(artifacts, "save_tensors", full)
    for fits in (0, 1, 2):
        left = fits
        with pytest.raises(InputError, match="No space left on device"):
            artifacts.save(demo, out)
        assert whole_or_absent(out) == before and [path.name for path in tmp_path.iterdir()] == ["made"]


FILLED = """
import sys
from pathlib import Path
from types import ModuleType
from dskreg.errors import InputError
from dskreg.storage import artifact
demo, out = artifact.load(Path(sys.argv[1])), Path(sys.argv[2]) / "made"
artifact.save(demo, out)
before = artifact.load(out).manifest
try:
    artifact.save(demo, out)
except InputError as error:
    assert "No space left on device" in str(error), error
else:
    sys.exit("the second artifact fitted")
assert artifact.load(out).manifest == before and [path.name for path in out.parent.iterdir()] == ["made"]
print("kept")
"""


def test_a_disk_that_is_really_full_leaves_the_old_artifact(tmp_path: Path) -> None:
    """A disk of memory that one artifact fits on, and two do not."""
    size = sum(path.stat().st_size for path in DEMO.iterdir())
    mount = (
        f"mount -t tmpfs -o size={int(size * 1.5) // 4096 * 4096} none {tmp_path} && exec "
        f"{sys.executable} -c '{FILLED}' {DEMO} {tmp_path}"
    )
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", mount], capture_output=True, text=True, cwd=ROOT
    )
    if done.returncode and ("unshare" in done.stderr or "mount:" in done.stderr):
        pytest.skip(f"no disk of memory here: {done.stderr.strip()[:80]}")
    assert done.stdout == "kept\n", done.stderr


def test_a_read_only_folder_is_said_before_training(world: tuple[Path, str, float, float]) -> None:
    """Root may write anywhere, so it becomes the user `nobody` for this."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        child = os.fork()
        if not child:
            try:
                if os.geteuid() == 0:
                    os.setgid(NOBODY)
                    os.setuid(NOBODY)
                with pytest.raises(InputError, match="cannot be written"):
                    make(world[0], folder / "made", False, folder / "saving")
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 and not list(folder.iterdir())
        folder.chmod(0o755)


def cramped(data: Path, out: Path, told: Path) -> None:
    """A run in a process whose files may not grow beyond 3 kB."""
    with told.open("w") as file:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, 3_000))
        try:
            make(data, out, False, out.with_name("saving"))
        except InputError as error:
            file.write(str(error))


def test_a_disk_that_fills_up_while_training_ends_the_run_in_words(
    world: tuple[Path, str, float, float], tmp_path: Path
) -> None:
    """The first checkpoint does not fit."""
    process = processes.start(cramped, world[0], tmp_path / "made", tmp_path / "told")
    process.join()
    at = tmp_path / ".made.training"
    told = f"{at}: cannot be written (File too large); choose another --out"
    assert (process.exitcode, (tmp_path / "told").read_text()) == (0, told)
    assert not (tmp_path / "made").exists()
