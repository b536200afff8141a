"""Runs: real processes that are started, watched, stopped, killed and continued, and the journal by which they are followed."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from dskreg import artifact as artifacts
from dskreg import detached
from dskreg.errors import InputError
from dskreg.journal import journal, read
from dskreg.runs import MOST, Request, Run, Runs
from tests.test_artifact import DEMO
from tests.test_cli import tiny_data

SMALL = ("model.width=8", "graph.min_items=2", "train.patience=100000", "projection.iterations=10")
SHORT = Request("board", "made", epochs=2, settings=SMALL, baselines=False)
LONG = replace(SHORT, epochs=100)  # seconds: time enough to interfere
ENDLESS = replace(SHORT, epochs=10_000)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    (tmp_path / "data").mkdir()
    tiny_data(tmp_path / "data" / "board")
    made = Runs(tmp_path / "runs", tmp_path / "data", tmp_path / "artifacts")
    yield made
    for run in made.all():
        made.stop(run.id)


def until(runs: Runs, run: Run, reached: Callable[[Run], bool]) -> Run:
    deadline = time.monotonic() + 60
    while not reached(run) and time.monotonic() < deadline:
        time.sleep(0.05)
        run = runs.get(run.id)
    assert reached(run), (run, runs.tail(run.id))
    return run


def ended(run: Run) -> bool:
    return run.state != "running"


def learning(run: Run) -> bool:
    return len(run.told.epochs) > 3


def pid_of(runs: Runs, run: Run) -> int:
    return json.loads((runs.folder / run.id / "process.json").read_text())["pid"]


# A run from beginning to end


def test_a_run_tells_its_epochs_and_leaves_an_artifact(runs: Runs) -> None:
    run = runs.start(SHORT)
    assert run.state == "running" and not run.resumable
    assert os.getsid(pid_of(runs, run)) == pid_of(runs, run), "a session of its own: it does not end with whoever started it"
    with pytest.raises(InputError, match="at this moment"):
        runs.start(SHORT)
    run = until(runs, run, ended)
    assert run.state == "finished" and not run.resumable
    assert [row["epoch"] for row in run.told.epochs] == [0, 1, 2]
    made = artifacts.load(runs.artifacts / "made")
    assert [row["ndcg"] for row in run.told.epochs] == [row["ndcg"] for row in made.history]
    assert run.told.end["metrics"]["ndcg@20"] == made.metrics["metrics"]["ndcg@20"]
    assert run.best["epoch"] == made.metrics["best_epoch"]
    assert run.told.start["epochs"] == SHORT.epochs
    assert "test users" in runs.tail(run.id) and "\r" not in runs.tail(run.id)
    with pytest.raises(InputError, match="exists already"):
        runs.start(SHORT)
    with pytest.raises(InputError, match="cannot be continued"):
        runs.resume(run.id)
    process = pid_of(runs, run)  # it says that it is done a moment before it ends
    for _ in range(300):
        if runs.get(run.id).state != "finished" or not psutil.pid_exists(process):
            break
        time.sleep(0.1)
    assert not psutil.pid_exists(process), "no zombie is left"


def test_a_run_that_fails_says_why(runs: Runs) -> None:
    (runs.data / "board" / "train.txt").write_text("0 one\n")
    run = until(runs, runs.start(SHORT), ended)
    assert run.state == "failed" and "train.txt, line 1" in run.message
    assert not (runs.artifacts / "made").exists()


def test_a_run_whose_arguments_are_refused_says_why(runs: Runs) -> None:
    run = until(runs, runs.start(replace(SHORT, settings=("model.widht=8",))), ended)
    assert run.state == "failed" and "model.width" in run.message


# Interrupted runs


def test_a_stopped_run_is_continued_to_the_same_artifact(runs: Runs) -> None:
    run = until(runs, runs.start(LONG), learning)
    stopped = runs.stop(run.id)
    assert stopped.state == "stopped" and stopped.resumable
    assert not (runs.artifacts / "made").exists()
    runs = Runs(runs.folder, runs.data, runs.artifacts)  # as another server would see it
    assert runs.get(run.id) == stopped
    assert runs.resume(run.id).state == "running"
    run = until(runs, runs.get(run.id), ended)
    assert run.state == "finished", runs.tail(run.id)
    whole = until(runs, runs.start(replace(LONG, out="whole")), ended)
    assert [row["ndcg"] for row in run.told.epochs] == [row["ndcg"] for row in whole.told.epochs]
    one, other = (artifacts.load(runs.artifacts / name).manifest for name in ("made", "whole"))
    assert one and other and one["content"] == other["content"]


def test_a_killed_run_is_lost_and_can_be_continued(runs: Runs) -> None:
    run = until(runs, runs.start(ENDLESS), learning)
    os.kill(pid_of(runs, run), signal.SIGKILL)
    run = until(runs, run, ended)
    assert run.state == "lost" and run.resumable and not run.message
    assert runs.resume(run.id).state == "running"
    again = until(runs, runs.get(run.id), lambda now: len(now.told.epochs) > len(run.told.epochs) + 3)
    assert again.told.start["resume"]
    assert [row["epoch"] for row in again.told.epochs] == list(range(len(again.told.epochs)))
    assert runs.stop(run.id).state == "stopped"


def test_only_the_latest_run_of_a_name_can_be_continued(runs: Runs) -> None:
    first = runs.stop(runs.start(ENDLESS).id)
    second = runs.stop(runs.start(ENDLESS).id)
    assert [run.id for run in runs.all()] == [second.id, first.id]
    assert [run.resumable for run in runs.all()] == [True, False]
    with pytest.raises(InputError, match="later run"):
        runs.resume(first.id)


def test_no_more_than_so_many_at_once(runs: Runs) -> None:
    started = [runs.start(replace(ENDLESS, out=f"made{n}")) for n in range(MOST)]
    with pytest.raises(InputError, match="under way"):
        runs.start(replace(ENDLESS, out="another"))
    assert runs.stop(started[0].id).state == "stopped"
    assert [runs.get(run.id).state for run in started[1:]] == ["running"] * (MOST - 1)
    assert runs.start(replace(ENDLESS, out="another")).state == "running"
    with pytest.raises(InputError, match="under way"):
        runs.resume(started[0].id)


# Whose process is it?


@pytest.mark.parametrize("birth", [0.0, 1.0])
def test_a_pid_that_was_given_to_another_process_is_nobody_of_ours(birth: float, runs: Runs) -> None:
    run = runs.stop(runs.start(ENDLESS).id)
    mine = psutil.Process()
    detached.write(runs.folder / run.id / "process.json", {"pid": mine.pid, "born": birth * mine.create_time()})
    (runs.folder / run.id / "stopped").unlink()
    assert runs.get(run.id).state == "lost"
    assert runs.stop(run.id).state == "lost" and mine.is_running()


def test_a_process_is_known_by_its_birth_and_its_words(tmp_path: Path) -> None:
    record, mine = tmp_path / "process.json", psutil.Process()
    word = mine.cmdline()[-1]
    detached.write(record, {"pid": mine.pid, "born": mine.create_time()})
    assert detached.living(record, word) == mine
    assert detached.living(record, "no such word") is None
    detached.write(record, {"pid": mine.pid, "born": mine.create_time() - 60})
    assert detached.living(record, word) is None


# What is refused


@pytest.mark.parametrize(
    "wrong",
    [{"out": out} for out in ("", ".", "..", ".hidden", "../made", "a/b", "/made", "a\\b", "a b", "ä", "x" * 65, "a\n", "--help\0")]
    + [{"preset": "better"}, {"device": "cuda; rm"}, {"device": "--help"}, {"epochs": 0}, {"epochs": 10**6}, {"epochs": True}, {"seed": -1}, {"seed": 2**32}],
    ids=str,
)
def test_a_request_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match="expected"):
        Request(**{"data": "demo", "out": "made"} | wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("data", ["", ".", "..", "../data/board", "/", "board/", "unknown", "empty", "file.txt", "--help"])
def test_only_data_that_are_offered_are_trained_on(data: str, runs: Runs) -> None:
    (runs.data / "empty").mkdir()
    (runs.data / "file.txt").touch()
    assert runs.sources() == ["demo", "board"]
    with pytest.raises(InputError, match="data: expected one of demo, board"):
        runs.start(replace(SHORT, data=data))
    assert runs.all() == [] and not runs.folder.exists()


def test_what_is_there_is_not_overwritten_unasked(runs: Runs) -> None:
    shutil.copytree(DEMO, runs.artifacts / "taken")
    (runs.artifacts / "foreign").mkdir()
    with pytest.raises(InputError, match="exists already"):
        runs.start(replace(SHORT, out="taken"))
    with pytest.raises(InputError, match="no artifact"):
        runs.start(replace(SHORT, out="foreign", replace=True))
    run = until(runs, runs.start(replace(SHORT, out="taken", replace=True)), ended)
    assert run.state == "finished" and artifacts.load(runs.artifacts / "taken").dataset.name == "board"


@pytest.mark.parametrize("name", ["", "..", "no-such-run", "../runs", "\0"])
def test_an_unknown_run_is_an_input_error(name: str, runs: Runs) -> None:
    for ask in (runs.get, runs.stop, runs.resume, runs.tail):
        with pytest.raises(InputError, match="unknown run"):
            ask(name)


def test_damaged_records_hide_one_run_and_not_the_others(runs: Runs) -> None:
    run = runs.stop(runs.start(ENDLESS).id)
    for name, text in {"one": "{", "two": "[]", "three": json.dumps({"data": "demo", "out": "../x", "asked": 1, "settings": []})}.items():
        (runs.folder / name).mkdir()
        (runs.folder / name / "request.json").write_text(text)
    assert [found.id for found in runs.all()] == [run.id]


# The journal


def test_a_journal_that_is_being_written_is_read_at_every_length(tmp_path: Path) -> None:
    whole, part = tmp_path / "whole", tmp_path / "part"
    with journal(whole) as told:
        told.write("start", epochs=3, patience=2, resume=False)
        told.saying(lambda message: None)("getting ready – ä")
        assert list(told.counting(lambda steps, count, label: steps)(iter("ab"), 2, "epoch 1")) == ["a", "b"]
        told.write("epoch", epoch=1, loss=float("nan"), ndcg=0.5)
        told.done(Path("made"), {"users": 3, "metrics": {"ndcg@20": 0.25, "mrr@10": 1.0}})
    content = whole.read_bytes()
    for length in range(len(content) + 1):
        part.write_bytes(content[:length])
        assert len(read(part).epochs) == (content[:length].count(b'"ndcg": 0.5}') > 0)
    told_all = read(whole)
    assert told_all.stage == "getting ready – ä" and told_all.epochs[0]["loss"] is None
    assert told_all.end["metrics"] == {"ndcg@20": 0.25} and not told_all.step
    assert read(tmp_path / "none") == read(tmp_path) and read(tmp_path).start == {}


def test_lines_that_are_not_ours_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b'\xff\xfe\n[]\n{}\n{"time": "now", "event": "done"}\n{"time": 1, "event": "epoch", "epoch": "x"}\n{"time": 2, "event": "new"}\n')
    told = read(path)
    assert (told.epochs, told.end, told.time) == ((), {}, 2)


def test_steps_are_told_sparingly_and_the_last_of_a_long_journal_counts(tmp_path: Path) -> None:
    with journal(tmp_path / "log") as told:
        assert sum(1 for _ in told.counting(lambda steps, count, label: steps)(iter(range(1000)), 1000, "epoch 1")) == 1000
    assert (tmp_path / "log").read_text().count("\n") < 10
    with journal(tmp_path / "log") as told:
        for step in range(1000):
            told.write("step", label="epoch 1", step=step, steps=1000)
    assert read(tmp_path / "log").step["step"] == 999


def test_an_error_is_told_and_goes_on_its_way(tmp_path: Path) -> None:
    for error in (InputError("two\nlines"), RuntimeError("two\nlines")):
        with pytest.raises(type(error)), journal(tmp_path / "log"):
            raise error
        assert read(tmp_path / "log").end["message"].endswith("two lines")
    with journal(tmp_path / "log") as told:
        told.write("start", epochs=1, patience=1, resume=True)
    assert not read(tmp_path / "log").end, "a new beginning forgets the old end"
    with pytest.raises(InputError, match="--log"), journal(tmp_path / "no" / "folder"):
        pass
