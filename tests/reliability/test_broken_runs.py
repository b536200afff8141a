"""Whatever a run's folder contains, the list shows the other runs within a second and says what is wrong."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from dskreg.errors import InputError
from dskreg.runs.manager import Run, Runs
from tests.reliability.broken_runs import NAMES, Broken, cases, whole
from tests.reliability.size import times

SEED = 16
LONGEST = 1000  # characters of a reason
WITHIN = 1.0  # seconds


def beside(folder: Path) -> Runs:
    whole(folder / "runs" / "fine")
    return Runs(folder / "runs", folder / "data", folder / "artifacts")


def read_through(runs: Runs, run: Run) -> None:
    """Everything that the page reads of a run has the declared type."""
    from dskreg.ui.runs.progress import position

    part, words = position(run)
    assert 0 <= part <= 1 and words
    table = pd.DataFrame(run.status.epochs)
    assert all(
        pd.api.types.is_numeric_dtype(pd.to_numeric(table[name])) for name in table.columns if name != "event"
    )
    assert pd.Timestamp(run.request.asked, unit="s", tz="UTC") and (
        run.best is None or f"{run.best.ndcg:.4f}"
    )
    try:
        assert isinstance(runs.tail(run.id), str)
    except InputError as error:
        assert "output.txt" in str(error)


def outcome(runs: Runs, name: str) -> str:
    """The reason why `name` is not shown; "" where it is shown."""
    found, unreadable = runs.listing()
    shown = {run.id: run for run in found}
    assert shown.keys() | {bad.id for bad in unreadable} == {"fine", name}
    assert (
        shown["fine"].state == "failed"
        and shown["fine"].message == "no space"
        and shown["fine"].status.epochs[0].ndcg == 0.25
    )
    if name in shown:
        read_through(runs, shown[name])
        return ""
    [bad] = unreadable
    assert len(bad.problem) < LONGEST and "\n" not in bad.problem
    for ask in (runs.get, runs.stop, runs.resume, runs.tail):
        refused: Callable[[str], object] = ask
        with pytest.raises(InputError):
            refused(name)
    return bad.problem


@pytest.mark.parametrize("broken", cases(SEED, times(10_000, 90)), ids=lambda broken: broken.name)
def test_a_broken_run_is_listed_with_its_problem_and_the_others_are_unchanged(
    broken: Broken, tmp_path: Path
) -> None:
    runs = beside(tmp_path)
    broken.lay(runs.folder / "broken")
    begun = time.perf_counter()
    problem = outcome(runs, "broken")
    assert time.perf_counter() - begun < 6 * WITHIN, "the runs are listed six times"
    assert broken.file in problem and broken.field in problem
    assert bool(problem) or not broken.file


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_run_with_a_hostile_name_does_not_hide_the_others(name: bytes, tmp_path: Path) -> None:
    runs = beside(tmp_path)
    os.rename(whole(runs.folder / "other"), os.path.join(os.fsencode(runs.folder), name))
    found, unreadable = runs.listing()
    assert len(found) + len(unreadable) == 2 and "fine" in {run.id for run in found}
    assert all(run.id.encode() for run in found) and all(bad.id.encode() for bad in unreadable)
    assert [bad.problem.endswith("expected a name in UTF-8") for bad in unreadable] == [True] * (
        b"\xff" in name
    )


def test_hundreds_of_broken_runs_are_listed_within_a_second(tmp_path: Path) -> None:
    runs = beside(tmp_path)
    made = [broken for broken in cases(SEED, times(10_000, 300)) if broken.name != "folder empty"]
    for n, broken in enumerate(made):
        broken.lay(runs.folder / f"broken{n}")
    opened = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    took = []
    for _ in range(2):  # the shorter time: on a shared machine either may have had to wait
        begun = time.perf_counter()
        found, unreadable = runs.listing()
        took.append(time.perf_counter() - begun)
    assert len(found) + len(unreadable) == len(made) + 1 and "fine" in {run.id for run in found}
    assert min(took) < WITHIN, took
    assert not opened or len(os.listdir("/proc/self/fd")) <= opened, "no file is left open"
