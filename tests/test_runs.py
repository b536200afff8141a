"""Runs: real processes that are started, watched, stopped, killed and continued, and the journal by which
they are followed.
"""

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

from dskreg.errors import InputError
from dskreg.runs import process as detached
from dskreg.runs.journal import Done, Failed, RunStatus, journal, read
from dskreg.runs.manager import MOST, Request, Run, Runs
from dskreg.storage import artifact as artifacts
from tests.command_line import tiny_data
from tests.test_artifact import DEMO

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
    assert os.getsid(pid_of(runs, run)) == pid_of(runs, run), (
        "a session of its own: it does not end with whoever started it"
    )
    with pytest.raises(InputError, match="at this moment"):
        runs.start(SHORT)
    run = until(runs, run, ended)
    assert run.state == "finished" and not run.resumable
    assert [row.epoch for row in run.told.epochs] == [0, 1, 2]
    made = artifacts.load(runs.artifacts / "made")
    assert [row.ndcg for row in run.told.epochs] == [row["ndcg"] for row in made.history]
    assert (
        isinstance(run.told.end, Done)
        and run.told.end.metrics["ndcg@20"] == made.metrics["metrics"]["ndcg@20"]
    )
    assert run.best and run.best.epoch == made.metrics["best_epoch"]
    assert run.told.start and run.told.start.epochs == SHORT.epochs
    assert "test users" in runs.tail(run.id)
    assert "\r" not in (runs.folder / run.id / "output.txt").read_text(), "no bars of progress go into a file"
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
    assert [row.ndcg for row in run.told.epochs] == [row.ndcg for row in whole.told.epochs]
    one, other = (artifacts.load(runs.artifacts / name).manifest for name in ("made", "whole"))
    assert one and other and one["content"] == other["content"]


def test_a_killed_run_is_lost_and_can_be_continued(runs: Runs) -> None:
    run = until(runs, runs.start(ENDLESS), learning)
    os.kill(pid_of(runs, run), signal.SIGKILL)
    run = until(runs, run, ended)
    assert run.state == "lost" and run.resumable and not run.message
    assert runs.resume(run.id).state == "running"
    again = until(runs, runs.get(run.id), lambda now: len(now.told.epochs) > len(run.told.epochs) + 3)
    assert again.told.start and again.told.start.resume
    assert [row.epoch for row in again.told.epochs] == list(range(len(again.told.epochs)))
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


HOURS = 7200.0


def born(process: psutil.Process, clock: str) -> dict[str, object]:
    return {"pid": process.pid, "born": detached.birth(process, clock), "clock": clock}


@pytest.mark.parametrize("shift", [-HOURS, 0.0])
def test_a_pid_that_was_given_to_another_process_is_nobody_of_ours(shift: float, runs: Runs) -> None:
    run = runs.stop(runs.start(ENDLESS).id)
    mine = psutil.Process()
    detached.write(
        runs.folder / run.id / "process.json", {"pid": mine.pid, "born": mine.create_time() + shift}
    )
    (runs.folder / run.id / "stopped").unlink()
    assert runs.get(run.id).state == "lost"
    assert runs.stop(run.id).state == "lost" and mine.is_running()


@pytest.mark.parametrize("clock", ["", detached.boot()])
def test_a_process_is_known_by_its_birth_and_its_words(clock: str, tmp_path: Path) -> None:
    record, mine = tmp_path / "process.json", psutil.Process()
    word = mine.cmdline()[-1]
    assert detached.living(record, word) is None
    who = born(mine, clock)
    detached.write(record, who)
    assert detached.living(record, word) == mine
    assert detached.living(record, "no such word") is None
    for wrong in ({"born": detached.birth(mine, clock) + 60}, {"clock": "another boot"}, {"pid": 2**31 - 1}):
        detached.write(record, who | wrong)
        assert detached.living(record, word) is None


def test_a_record_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    record, mine = tmp_path / "process.json", psutil.Process()
    detached.write(record, {"pid": mine.pid, "born": mine.create_time()})
    assert detached.living(record, mine.cmdline()[-1]) == mine


@pytest.mark.skipif(not detached.boot(), reason="births are told by the clock here")
@pytest.mark.parametrize("step", [-HOURS, HOURS])
def test_a_step_of_the_clock_loses_no_run_and_stop_ends_it(
    step: float, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs.start(ENDLESS)
    process = psutil.Process(pid_of(runs, run))
    before, now, booted = process.create_time(), time.time, psutil.boot_time()
    monkeypatch.setattr(time, "time", lambda: now() + step)
    monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: booted + step)
    assert abs(psutil.Process(process.pid).create_time() - before) > HOURS / 2
    assert runs.get(run.id).state == "running"
    assert runs.stop(run.id).state == "stopped" and not process.is_running()


def test_a_request_from_the_future_does_not_hold_a_place(runs: Runs) -> None:
    run = runs.stop(runs.start(ENDLESS).id)
    folder = runs.folder / run.id
    (folder / "process.json").unlink()
    for moment, state in (
        (time.time(), "running"),
        (time.time() + HOURS, "stopped"),
        (time.time() - HOURS, "stopped"),
    ):
        detached.write(
            folder / "request.json", json.loads((folder / "request.json").read_text()) | {"asked": moment}
        )
        assert runs.get(run.id).state == state


# What is refused


@pytest.mark.parametrize(
    "wrong",
    [
        {"out": out}
        for out in (
            3,
            "",
            ".",
            "..",
            ".hidden",
            "../made",
            "a/b",
            "/made",
            "a\\b",
            "a b",
            "ä",
            "x" * 65,
            "a\n",
            "--help\0",
        )
    ]
    + [
        {"preset": "better"},
        {"device": "cuda; rm"},
        {"device": "--help"},
        {"epochs": 0},
        {"epochs": 10**6},
        {"epochs": True},
        {"seed": -1},
        {"seed": 2**32},
    ]
    + [
        {"settings": ["a=b"]},
        {"settings": ("x" * 1001,)},
        {"replace": 1},
        {"data": "x" * 256},
        {"data": None},
        {"epoch": 3},
    ],
    ids=str,
)
def test_a_request_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    field = next(iter(wrong))
    with pytest.raises(
        InputError, match=f"{'name' if field == 'out' else field}.*: (expected|Tuple|String|unknown)"
    ):
        Request.of(**{"data": "demo", "out": "made"} | wrong)


@pytest.mark.parametrize(
    "data", ["", ".", "..", "../data/board", "/", "board/", "unknown", "empty", "file.txt", "--help"]
)
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


# The journal


def test_a_journal_that_is_being_written_is_read_at_every_length(tmp_path: Path) -> None:
    whole, part = tmp_path / "whole", tmp_path / "part"
    with journal(whole) as told:
        told.write("start", epochs=3, patience=2, resume=False)
        told.saying(lambda message: None)("getting ready – ä")
        assert list(told.counting(lambda steps, count, label: steps)(iter("ab"), 2, "epoch 1")) == ["a", "b"]
        told.write("epoch", epoch=1, loss=float("inf"), ndcg=0.5)
        told.done(Path("made"), {"users": 3, "metrics": {"ndcg@20": 0.25, "mrr@10": 1.0}})
    content = whole.read_bytes()
    for length in range(len(content) + 1):
        part.write_bytes(content[:length])
        assert len(read(part).epochs) == (content[:length].count(b'"ndcg": 0.5}') > 0)
    told_all = read(whole)
    assert told_all.stage == "getting ready – ä" and told_all.epochs[0].loss is None
    assert isinstance(told_all.end, Done) and told_all.end.metrics == {"ndcg@20": 0.25} and not told_all.step
    assert read(tmp_path / "none") == RunStatus()


EPOCH = {"time": 1, "event": "epoch", "epoch": 1, "loss": 0.5, "ndcg": 0.25, "recall": 0.5, "entropy": 1}
WRONG = ("now", "<b>", True, [], {}, -1, 1e300, float("nan"), 10**30)
LINES = [
    b"\xff\xfe",
    b"[]",
    b"{}",
    b"[" * 100_000,
    b"\0" * 100,
    b'{"time": 2, "event": "new"}',
    b'{"time": 1, "event": "stage", "text": "\\ud800"}',
]
LINES += [json.dumps({"time": wrong, "event": "done"}).encode() for wrong in WRONG]
ANY = (("loss", -1), ("loss", 1e300), ("loss", 10**30))  # a loss may be any number
LINES += [
    json.dumps(EPOCH | {name: wrong}).encode()
    for name in EPOCH
    for wrong in WRONG
    if (name, wrong) not in ANY
]
STEP = {"time": 1, "event": "step", "step": 1, "steps": 2}
START = {"time": 1, "event": "start", "epochs": 2, "resume": False}
OTHERS = ((STEP, "step"), (STEP, "steps"), (START, "epochs"))
LINES += [json.dumps(event | {name: wrong}).encode() for event, name in OTHERS for wrong in WRONG]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[-60:].decode("latin1"))
def test_lines_that_are_not_ours_are_passed_over(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(line + b"\n")
    assert read(path) == RunStatus()
    path.write_bytes(line + b"\n" + json.dumps(EPOCH).encode() + b"\n" + line)
    assert [row.loss for row in read(path).epochs] == [0.5]


def test_a_journal_as_long_as_a_disk_is_read_from_its_end(tmp_path: Path) -> None:
    path, line = tmp_path / "log", json.dumps(EPOCH).encode() + b"\n"
    contents = {
        "long": line * 100_000,
        "wrong": line.replace(b"0.5", b'"x"') * 100_000 + line,
        "one line": b"{" * (1 << 25),
        "empty": b"\n" * (1 << 25),
    }
    for name, content in contents.items():
        path.write_bytes(content)
        took = []
        for _ in range(3):
            begun = time.perf_counter()
            assert len(read(path).epochs) == (name in ("long", "wrong"))
            took.append(time.perf_counter() - begun)
        assert min(took) < 0.5, name
    with path.open("wb") as file:
        file.truncate(5 << 30)  # takes no place
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + line)
    assert len(read(path).epochs) == 1


def test_steps_are_told_sparingly_and_the_last_of_a_long_journal_counts(tmp_path: Path) -> None:
    with journal(tmp_path / "log") as told:
        assert (
            sum(
                1
                for _ in told.counting(lambda steps, count, label: steps)(iter(range(1000)), 1000, "epoch 1")
            )
            == 1000
        )
    assert (tmp_path / "log").read_text().count("\n") < 10
    with journal(tmp_path / "log") as told:
        for step in range(1000):
            told.write("step", label="epoch 1", step=step, steps=1000)
    step = read(tmp_path / "log").step
    assert step and step.step == 999


def test_an_error_is_told_and_goes_on_its_way(tmp_path: Path) -> None:
    for error in (InputError("two\nlines"), RuntimeError("two\nlines")):
        with pytest.raises(type(error)), journal(tmp_path / "log"):
            raise error
        end = read(tmp_path / "log").end
        assert isinstance(end, Failed) and end.message.endswith("two lines")
    with journal(tmp_path / "log") as told:
        told.write("start", epochs=1, patience=1, resume=True)
    assert not read(tmp_path / "log").end, "a new beginning forgets the old end"


def test_a_log_that_cannot_be_written_is_refused_at_its_first_line(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (
        tmp_path / "no" / "folder",
        tmp_path,
        tmp_path / "pipe",
        tmp_path / "nul\0",
        Path("/dev/full"),
    ):
        with pytest.raises(InputError, match=r"--log: .* cannot be written"), journal(place) as told:
            told.write("start", epochs=1, patience=1, resume=False)


def test_a_log_that_fails_later_does_not_end_the_training_and_heals(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b'{"time": 1, "event": "sta')  # whoever wrote it was killed
    with journal(tmp_path / "log") as told:
        told.write("start", epochs=1, patience=1, resume=True)
        file, told.file = told.file, open("/dev/full", "ab", buffering=0)
        told.write("stage", text="lost")
        told.file.close()
        told.file = file
        told.write("stage", text="kept")
    assert read(tmp_path / "log").start and read(tmp_path / "log").stage == "kept"
    reader, writer = os.pipe()
    with journal(Path(f"/dev/fd/{writer}")) as told:  # a pipe with a reader, as >(...) makes it
        told.write("stage", text="through")
        assert b"through" in os.read(reader, 1000)
        os.close(reader)
        told.write("stage", text="nobody listens")
    os.close(writer)
