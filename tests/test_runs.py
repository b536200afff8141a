"""Runs: real processes that are started, monitored, stopped, killed and continued, and their journal."""

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

from dskreg import pipeline
from dskreg.arguments import configuration
from dskreg.console import silent
from dskreg.errors import InputError
from dskreg.runs import process as processes
from dskreg.runs.journal import Done, Failed, RunStatus, journal, read
from dskreg.runs.manager import MOST, Request, Run, Runs
from dskreg.storage import artifact as artifacts
from tests.command_line import tiny_data
from tests.small import DEMO

SMALL = ("model.width=8", "graph.min_items=2", "train.patience=100000", "projection.iterations=10")
SHORT = Request("board", "made", epochs=2, settings=SMALL, baselines=False)
LONG = replace(SHORT, epochs=40)  # takes some seconds, time enough to interfere
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
    return len(run.status.epochs) > 3


def pid_of(runs: Runs, run: Run) -> int:
    return json.loads((runs.folder / run.id / "process.json").read_text())["pid"]


# A run from beginning to end


def test_a_run_logs_its_epochs_and_replaces_an_artifact_only_on_request(runs: Runs) -> None:
    shutil.copytree(DEMO, runs.artifacts / "made")
    (runs.artifacts / "foreign").mkdir()
    with pytest.raises(InputError, match="exists already"):
        runs.start(SHORT)
    with pytest.raises(InputError, match="not an artifact"):
        runs.start(replace(SHORT, out="foreign", replace=True))
    replacing = replace(SHORT, replace=True)
    run = runs.start(replacing)
    assert run.state == "running" and not run.resumable
    assert os.getsid(pid_of(runs, run)) == pid_of(runs, run), (
        "a session of its own, so it does not end with its parent"
    )
    with pytest.raises(InputError, match="already being trained by another run"):
        runs.start(replacing)
    run = until(runs, run, ended)
    assert run.state == "finished" and not run.resumable
    assert [row.epoch for row in run.status.epochs] == [0, 1, 2]
    made = artifacts.load(runs.artifacts / "made")
    assert made.dataset.name == "board"
    assert [row.ndcg for row in run.status.epochs] == [row["ndcg"] for row in made.history]
    assert (
        isinstance(run.status.end, Done)
        and run.status.end.metrics["ndcg@20"] == made.metrics["metrics"]["ndcg@20"]
    )
    assert run.best and run.best.epoch == made.metrics["best_epoch"]
    assert run.status.start and run.status.start.epochs == SHORT.epochs
    assert "test users" in runs.tail(run.id)
    assert "\r" not in (runs.folder / run.id / "output.txt").read_text(), "no bars of progress go into a file"
    with pytest.raises(InputError, match="exists already"):
        runs.start(SHORT)
    with pytest.raises(InputError, match="cannot be continued"):
        runs.resume(run.id)
    process = pid_of(runs, run)  # it logs its end a moment before it ends
    for _ in range(300):
        if runs.get(run.id).state != "finished" or not psutil.pid_exists(process):
            break
        time.sleep(0.1)
    assert not psutil.pid_exists(process), "no zombie is left"


def test_a_failed_run_reports_the_error_of_its_data(runs: Runs) -> None:
    (runs.data / "board" / "train.txt").write_text("0 one\n")
    run = until(runs, runs.start(SHORT), ended)
    assert run.state == "failed" and "train.txt, line 1" in run.message
    assert not (runs.artifacts / "made").exists()


def test_a_run_with_an_unknown_setting_reports_it(runs: Runs) -> None:
    run = until(runs, runs.start(replace(SHORT, settings=("model.widht=8",))), ended)
    assert run.state == "failed" and "model.width" in run.message


# Interrupted runs


def test_a_run_that_is_killed_and_later_stopped_is_continued_to_the_same_artifact(runs: Runs) -> None:
    run = until(runs, runs.start(LONG), learning)
    os.kill(pid_of(runs, run), signal.SIGKILL)
    run = until(runs, run, ended)
    assert run.state == "lost" and run.resumable and not run.message
    assert runs.resume(run.id).state == "running"
    before = len(run.status.epochs)
    run = until(runs, runs.get(run.id), lambda now: len(now.status.epochs) > before)
    assert run.status.start and run.status.start.resume
    assert [row.epoch for row in run.status.epochs] == list(range(len(run.status.epochs)))
    stopped = runs.stop(run.id)
    assert stopped.state == "stopped" and stopped.resumable
    assert not (runs.artifacts / "made").exists()
    runs = Runs(runs.folder, runs.data, runs.artifacts)  # as another server would see it
    assert runs.get(run.id) == stopped
    assert runs.resume(run.id).state == "running"
    run = until(runs, runs.get(run.id), ended)
    assert run.state == "finished", runs.tail(run.id)
    config = configuration("board", LONG.preset, {"train.epochs": LONG.epochs, "seed": LONG.seed}, [*SMALL])
    source, out = str(runs.data / "board"), runs.artifacts / "whole"
    whole = pipeline.run(source, out, config, False, False, print, silent, print)
    assert whole and [row.ndcg for row in run.status.epochs] == [row["ndcg"] for row in whole.history]
    one, other = (artifacts.load(runs.artifacts / name).manifest for name in ("made", "whole"))
    assert one and other and one["content"] == other["content"]


def test_only_the_latest_run_of_a_name_can_be_continued(runs: Runs) -> None:
    first = runs.stop(runs.start(ENDLESS).id)
    second = runs.stop(runs.start(ENDLESS).id)
    assert [run.id for run in runs.all()] == [second.id, first.id]
    assert [run.resumable for run in runs.all()] == [True, False]
    with pytest.raises(InputError, match="later run"):
        runs.resume(first.id)


def test_at_most_two_runs_are_active_at_a_time(runs: Runs) -> None:
    started = [runs.start(replace(ENDLESS, out=f"made{n}")) for n in range(MOST)]
    with pytest.raises(InputError, match="runs are active"):
        runs.start(replace(ENDLESS, out="another"))
    assert runs.stop(started[0].id).state == "stopped"
    assert [runs.get(run.id).state for run in started[1:]] == ["running"] * (MOST - 1)
    assert runs.start(replace(ENDLESS, out="another")).state == "running"
    with pytest.raises(InputError, match="runs are active"):
        runs.resume(started[0].id)


# The identity of a process


HOURS = 7200.0


def born(process: psutil.Process, clock: str) -> dict[str, object]:
    return {"pid": process.pid, "born": processes.birth(process, clock), "clock": clock}


@pytest.mark.parametrize("shift", [-HOURS, 0.0])
def test_a_reused_pid_is_not_taken_for_the_run_and_is_not_stopped(shift: float, runs: Runs) -> None:
    run = runs.stop(runs.start(ENDLESS).id)
    mine = psutil.Process()
    processes.write(
        runs.folder / run.id / "process.json", {"pid": mine.pid, "born": mine.create_time() + shift}
    )
    (runs.folder / run.id / "stopped").unlink()
    assert runs.get(run.id).state == "lost"
    assert runs.stop(run.id).state == "lost" and mine.is_running()


@pytest.mark.parametrize("clock", ["", processes.boot()])
def test_a_process_is_identified_by_pid_start_time_boot_and_argument(clock: str, tmp_path: Path) -> None:
    record, mine = tmp_path / "process.json", psutil.Process()
    word = mine.cmdline()[-1]
    assert processes.living(record, word) is None
    who = born(mine, clock)
    processes.write(record, who)
    assert processes.living(record, word) == mine
    assert processes.living(record, "no such word") is None
    for wrong in ({"born": processes.birth(mine, clock) + 60}, {"clock": "another boot"}, {"pid": 2**31 - 1}):
        processes.write(record, who | wrong)
        assert processes.living(record, word) is None


def test_a_process_record_without_a_boot_id_is_read(tmp_path: Path) -> None:
    record, mine = tmp_path / "process.json", psutil.Process()
    processes.write(record, {"pid": mine.pid, "born": mine.create_time()})
    assert processes.living(record, mine.cmdline()[-1]) == mine


@pytest.mark.skipif(not processes.boot(), reason="start times depend on the clock here")
@pytest.mark.parametrize("step", [-HOURS, HOURS])
def test_a_run_survives_a_change_of_the_clock_and_can_be_stopped(
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


def test_a_request_with_a_wrong_time_does_not_count_as_active(runs: Runs) -> None:
    run = runs.stop(runs.start(ENDLESS).id)
    folder = runs.folder / run.id
    (folder / "process.json").unlink()
    for moment, state in (
        (time.time(), "running"),
        (time.time() + HOURS, "stopped"),
        (time.time() - HOURS, "stopped"),
    ):
        processes.write(
            folder / "request.json", json.loads((folder / "request.json").read_text()) | {"asked": moment}
        )
        assert runs.get(run.id).state == state


# Refused requests


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
def test_an_invalid_request_is_refused_and_its_field_is_named(wrong: dict[str, object]) -> None:
    field = next(iter(wrong))
    with pytest.raises(
        InputError, match=f"{'name' if field == 'out' else field}.*: (expected|Tuple|String|unknown)"
    ):
        Request.of(**{"data": "demo", "out": "made"} | wrong)


@pytest.mark.parametrize(
    "data", ["", ".", "..", "../data/board", "/", "board/", "unknown", "empty", "file.txt", "--help"]
)
def test_a_run_accepts_only_the_listed_data_sets(data: str, runs: Runs) -> None:
    (runs.data / "empty").mkdir()
    (runs.data / "file.txt").touch()
    assert runs.sources() == ["demo", "board"]
    with pytest.raises(InputError, match="data: expected one of demo, board"):
        runs.start(replace(SHORT, data=data))
    assert runs.all() == [] and not runs.folder.exists()


@pytest.mark.parametrize("name", ["", "..", "no-such-run", "../runs", "\0"])
def test_an_unknown_run_is_an_input_error(name: str, runs: Runs) -> None:
    for ask in (runs.get, runs.stop, runs.resume, runs.tail):
        with pytest.raises(InputError, match="unknown run"):
            ask(name)


# The journal


def steps_alone(steps: Iterator, count: int, label: str) -> Iterator:
    """Progress that shows nothing."""
    return steps


def test_a_journal_can_be_read_while_it_is_written_cut_at_any_byte(tmp_path: Path) -> None:
    whole, part = tmp_path / "whole", tmp_path / "part"
    with journal(whole) as log:
        log.write("start", epochs=3, patience=2, resume=False)
        log.log_stage(lambda message: None)("getting ready – ä")
        assert list(log.log_steps(steps_alone)(iter("ab"), 2, "epoch 1")) == ["a", "b"]
        log.write("epoch", epoch=1, loss=float("inf"), ndcg=0.5)
        log.done(Path("made"), {"users": 3, "metrics": {"ndcg@20": 0.25, "mrr@10": 1.0}})
    content = whole.read_bytes()
    for length in range(len(content) + 1):
        part.write_bytes(content[:length])
        assert len(read(part).epochs) == (content[:length].count(b'"ndcg": 0.5}') > 0)
    status = read(whole)
    assert status.stage == "getting ready – ä" and status.epochs[0].loss is None
    assert isinstance(status.end, Done) and status.end.metrics == {"ndcg@20": 0.25} and not status.step
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
def test_invalid_lines_of_a_journal_are_skipped(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(line + b"\n")
    assert read(path) == RunStatus()
    path.write_bytes(line + b"\n" + json.dumps(EPOCH).encode() + b"\n" + line)
    assert [row.loss for row in read(path).epochs] == [0.5]


def test_a_huge_journal_is_read_from_its_end_within_half_a_second(tmp_path: Path) -> None:
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
        file.truncate(5 << 30)  # takes no space on the disk
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + line)
    assert len(read(path).epochs) == 1


def test_steps_are_logged_sparingly_and_the_last_step_of_a_long_journal_counts(tmp_path: Path) -> None:
    with journal(tmp_path / "log") as log:
        assert len(list(log.log_steps(steps_alone)(iter(range(1000)), 1000, "epoch 1"))) == 1000
    assert (tmp_path / "log").read_text().count("\n") < 10
    with journal(tmp_path / "log") as log:
        for step in range(1000):
            log.write("step", label="epoch 1", step=step, steps=1000)
    step = read(tmp_path / "log").step
    assert step and step.step == 999


def test_an_exception_is_logged_and_raised_again(tmp_path: Path) -> None:
    for error in (InputError("two\nlines"), RuntimeError("two\nlines")):
        with pytest.raises(type(error)), journal(tmp_path / "log"):
            raise error
        end = read(tmp_path / "log").end
        assert isinstance(end, Failed) and end.message.endswith("two lines")
    with journal(tmp_path / "log") as log:
        log.write("start", epochs=1, patience=1, resume=True)
    assert not read(tmp_path / "log").end, "a new start clears the previous end"


def test_an_unwritable_log_is_reported_at_its_first_line(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (
        tmp_path / "no" / "folder",
        tmp_path,
        tmp_path / "pipe",
        tmp_path / "nul\0",
        Path("/dev/full"),
    ):
        with pytest.raises(InputError, match=r"--log: .* cannot be written"), journal(place) as log:
            log.write("start", epochs=1, patience=1, resume=False)


def test_a_log_that_becomes_unwritable_does_not_end_the_training(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b'{"time": 1, "event": "sta')  # its writer was killed
    with journal(tmp_path / "log") as log:
        log.write("start", epochs=1, patience=1, resume=True)
        file, log.file = log.file, open("/dev/full", "ab", buffering=0)
        log.write("stage", text="lost")
        log.file.close()
        log.file = file
        log.write("stage", text="kept")
    assert read(tmp_path / "log").start and read(tmp_path / "log").stage == "kept"
    reader, writer = os.pipe()
    with journal(Path(f"/dev/fd/{writer}")) as log:  # a pipe with a reader, as >(...) makes it
        log.write("stage", text="through")
        assert b"through" in os.read(reader, 1000)
        os.close(reader)
        log.write("stage", text="without a reader")
    os.close(writer)
