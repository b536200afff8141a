"""The command line's contract: JSON fields, exit codes, one-line errors, nothing half-written, the same
weights for the same seed.
"""

import io
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from dskreg import console
from dskreg.cli import main
from dskreg.storage import artifact as artifacts
from tests.commands import SMALL, run
from tests.small import DEMO
from tests.tiny_runs import tiny_data

ROOT = Path(__file__).parents[1]
CONTRACT = ROOT.parent / "shared" / "checks" / "contract.py"


@pytest.mark.parametrize(
    "arguments",
    [
        ("recommend", str(DEMO), "--user", "99999999"),
        ("recommend", str(DEMO), "--history", "1,99999999"),
        ("recommend", str(DEMO), "--history", ","),
        ("recommend", str(DEMO), "--user", "1", "--top", "0"),
        ("recommend", str(DEMO), "--user", "1", "--top", "many"),
        ("recommend", str(DEMO), "--user", "1", "--history", "2"),
        ("recommend", str(DEMO), "--all-users"),
        ("recommend", str(DEMO), "--all-users", "--out", "lists.txt"),
        ("recommend", str(DEMO), "--user", "1", "--exclude", "train"),
        ("recommend", str(DEMO), "--user", "1", "--out", "lists.csv"),
        ("recommend", str(DEMO), "--all-users", "--out", "/dev/null/lists.csv"),
        ("explain", str(DEMO), "--user", "1", "--item", "99999999"),
        ("explain", str(DEMO), "--user", "1", "--item", "1", "--seed", "-1"),
        ("info", "no/such/folder"),
        ("info", str(ROOT)),
        ("train", "no/such/folder", "--out", "x"),
        ("train", "demo", "--out", str(ROOT)),
        ("train", "demo", "--out", "x", "--set", "model.widht=3"),
        ("train", "demo", "--out", "x", "--set", "model.width=wide"),
        ("train", "demo", "--out", "x", "--set", "model.width"),
        ("train", "demo", "--out", "x", "--device", "abacus"),
        ("train", "demo", "--out", "x", "--preset", "better"),
        ("train", "demo", "--out", "x", "--log", "no/such/folder/log"),
        ("download", "films", "--to", "x"),
        ("juggle",),
        (),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], capsys, monkeypatch, tmp_path
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, monkeypatch, *arguments)
    assert code == 2 and out == ""
    assert err.startswith("error: ") and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_recommend_and_explain_agree(capsys, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    _, out, _ = run(capsys, monkeypatch, "recommend", str(DEMO), "--user", "17", "--top", "3", "--json")
    listed = json.loads(out)
    assert listed["user"] == 17 and [row["rank"] for row in listed["items"]] == [1, 2, 3]
    item = listed["items"][0]
    _, out, _ = run(
        capsys, monkeypatch, "explain", str(DEMO), "--user", "17", "--item", str(item["item_id"]), "--json"
    )
    explained = json.loads(out)
    assert explained["item"] == item["item_id"] and explained["score"] == pytest.approx(
        item["score"], rel=1e-5
    )
    wanted = {
        "item_id",
        "title",
        "relation",
        "via",
        "logit",
        "noise",
        "key",
        "picked",
        "inclusion_probability",
        "attention",
        "contribution",
    }
    for side in ("user_neighbours", "item_neighbours"):
        assert all(wanted <= set(row) for row in explained[side])
    assert {"activation", "self_contribution", "bias", "pre_activation_score"} <= set(explained)


def test_info_lists_every_file(capsys, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    _, out, _ = run(capsys, monkeypatch, "info", str(DEMO), "--json")
    document = json.loads(out)
    assert set(document["files"]) == set(artifacts.FILES) and document["valid"] is True
    assert {
        "name",
        "dataset",
        "users",
        "user_ids",
        "items",
        "relations",
        "config",
        "created",
        "versions",
    } <= set(document)


def test_evaluate_opens_the_artifact_once_and_finds_what_training_measured(capsys, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    opened = []
    real = artifacts.load
    monkeypatch.setattr(artifacts, "load", lambda path: opened.append(path) or real(path))
    code, out, _ = run(capsys, monkeypatch, "evaluate", str(DEMO), "--json")
    kept = json.loads((DEMO / "metrics.json").read_text())
    assert code == 0 and len(opened) == 1
    document = json.loads(out)
    assert document["users"] == kept["users"] and document["metrics"] == pytest.approx(
        kept["metrics"], rel=1e-3
    )


def test_everybodys_lists_are_written_whole(capsys, monkeypatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    for name in ("lists.csv", "lists.parquet"):
        code, _, _ = run(
            capsys,
            monkeypatch,
            "recommend",
            str(DEMO),
            "--all-users",
            "--out",
            str(tmp_path / name),
            "--top",
            "3",
        )
        assert code == 0
    csv, parquet = pd.read_csv(tmp_path / "lists.csv"), pd.read_parquet(tmp_path / "lists.parquet")
    assert len(csv) == 3 * 2000 and csv[["user_id", "rank", "item_id"]].equals(
        parquet[["user_id", "rank", "item_id"]]
    )
    assert {p.name for p in tmp_path.iterdir()} == {"lists.csv", "lists.parquet"}


def test_two_runs_of_a_seed_are_the_same_artifact_and_a_resumed_one_too(
    capsys, monkeypatch, tmp_path
) -> None:  # type: ignore[no-untyped-def]
    data = str(tiny_data(tmp_path / "data"))
    manifests = {}
    for name in ("one", "two"):
        code, _, err = run(
            capsys, monkeypatch, "train", data, "--out", str(tmp_path / name), "--epochs", "4", *SMALL
        )
        assert code == 0, err
        manifests[name] = artifacts.load(tmp_path / name).manifest
    assert manifests["one"]["content"] == manifests["two"]["content"]
    assert not list(tmp_path.glob(".*")), "checkpoints and temporary folders are gone"
    other, _, _ = run(
        capsys,
        monkeypatch,
        "train",
        data,
        "--out",
        str(tmp_path / "other"),
        "--epochs",
        "4",
        "--seed",
        "1",
        *SMALL,
    )
    assert (
        other == 0
        and artifacts.load(tmp_path / "other").manifest["files"]["weights.safetensors"]
        != manifests["one"]["files"]["weights.safetensors"]
    )


def test_the_trained_checkerboard_ranks_the_right_colour_first(capsys, monkeypatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    data = str(tiny_data(tmp_path / "data"))
    code, out, err = run(
        capsys, monkeypatch, "train", data, "--out", str(tmp_path / "made"), "--epochs", "10", *SMALL
    )
    assert code == 0, err
    _, out, _ = run(capsys, monkeypatch, "evaluate", str(tmp_path / "made"), "--json")
    # At most 2 titles of the right colour are left to rank
    assert json.loads(out)["metrics"]["recall@10"] == 1.0


def test_a_log_tells_machines_what_the_terminal_tells_people(capsys, monkeypatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    data, out, log = tiny_data(tmp_path / "data"), tmp_path / "made", tmp_path / "log"
    code, stdout, err = run(
        capsys, monkeypatch, "train", str(data), "--out", str(out), "--epochs", "2", *SMALL, "--log", str(log)
    )
    assert code == 0, err
    told = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["event"] for line in told if line["event"] not in ("stage", "step")] == [
        "start",
        "epoch",
        "epoch",
        "epoch",
        "done",
    ]
    assert [line["time"] for line in told] == sorted(line["time"] for line in told)
    for line in told:
        if line["event"] == "stage":
            assert line["text"] in err
    history = artifacts.load(out).history
    assert [{k: line[k] for k in history[0]} for line in told if line["event"] == "epoch"] == history
    assert f"{out}: " in stdout and "epoch 2: loss" in err and '"event"' not in stdout + err
    code, _, err = run(
        capsys, monkeypatch, "train", str(tmp_path / "nothing"), "--out", str(out), "--log", str(log)
    )
    assert code == 2 and err == f"error: {json.loads(log.read_text().splitlines()[-1])['message']}\n"


# Streams


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """A line of bash in which $DSKREG is the command line and $DEMO the demo; its streams have buffers, as a
    user's have.
    """
    script = line.replace("$DSKREG", f"{sys.executable} -m dskreg").replace("$DEMO", str(DEMO))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = ["bash", "-o", "pipefail", "-c", script]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("$DSKREG info $DEMO > /dev/full", 2, "error: stdout: cannot be written (No space left on device)\n"),
        ("$DSKREG --help > /dev/full", 2, "error: [Errno 28] No space left on device\n"),
        ("$DSKREG info no/such/folder 2>/dev/full", 2, ""),
        (
            "$DSKREG info $DEMO --json >&-",
            2,
            "error: stdout: expected a place for the result (got a closed stream)\n",
        ),
        ("$DSKREG recommend $DEMO --user 1 --top 500 --json | head -c 1", 0, ""),
    ],
)
def test_a_result_that_cannot_be_written_is_one_line(line: str, code: int, error: str) -> None:
    done = shell(line)
    assert (done.returncode, done.stderr) == (code, error)


@pytest.mark.parametrize("stderr", ["2>/dev/full", "0<&- 2>&-"])
def test_messages_that_cannot_be_written_do_not_cost_the_result(stderr: str, tmp_path: Path) -> None:
    words = [
        "train",
        str(tiny_data(tmp_path / "data")),
        "--out",
        str(tmp_path / "made"),
        "--epochs",
        "1",
        *SMALL,
    ]
    done = shell(f"$DSKREG {shlex.join(words)} {stderr}")
    assert (done.returncode, done.stderr) == (0, "") and "test users" in done.stdout
    assert artifacts.load(tmp_path / "made").history[-1]["epoch"] == 1


def test_no_bar_of_progress_goes_into_a_file_and_a_full_disk_costs_the_last_line_alone(
    tmp_path: Path,
) -> None:
    words = [
        "train",
        str(tiny_data(tmp_path / "data")),
        "--out",
        str(tmp_path / "made"),
        "--epochs",
        "1",
        *SMALL,
    ]
    done = shell(f"$DSKREG {shlex.join(words)} > /dev/full")
    assert done.returncode == 2 and "\r" not in done.stderr and "Traceback" not in done.stderr
    assert (
        done.stderr.endswith("\nerror: stdout: cannot be written (No space left on device)\n")
        and "epoch 1: loss" in done.stderr
    )
    assert artifacts.load(tmp_path / "made").history[-1]["epoch"] == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_loses_characters_and_not_the_answer(encoding: str, capsys, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    question = ("recommend", str(DEMO), "--history", "1,5", "--top", "700")
    answers = {}
    for form in ("--json", None):
        _, expected, _ = run(capsys, monkeypatch, *question, *([form] if form else []))
        terminal = io.TextIOWrapper(written := io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", terminal)
        code, _, err = run(capsys, monkeypatch, *question, *([form] if form else []))
        monkeypatch.undo()
        answers[form] = (code, err, written.getvalue().decode(encoding), expected)
    code, err, text, expected = answers["--json"]
    assert (code, err) == (0, "") and json.loads(text) == json.loads(expected) and not expected.isascii()
    code, err, text, expected = answers[None]
    assert (code, err) == (0, "") and text == expected.encode(encoding, "backslashreplace").decode(encoding)


def test_an_error_reaches_a_terminal_that_lacks_its_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys, "stderr", io.TextIOWrapper(written := io.BytesIO(), encoding="ascii", write_through=True)
    )
    monkeypatch.setattr(sys, "argv", ["dskreg", "recommend", str(DEMO), "--history", "“\udcff"])
    assert main() == 2
    assert written.getvalue() == b"error: unknown title \\u201c\\u27e8U+DCFF\\u27e9 in the history\n"


@pytest.mark.parametrize("log", ["", "/dev/full", "pipe", "made.log/log"])
def test_a_log_that_cannot_be_written_is_refused_before_training(
    log: str, capsys, monkeypatch, tmp_path
) -> None:  # type: ignore[no-untyped-def]
    data, folder = str(tiny_data(tmp_path / "data")), tmp_path / "logs"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    begun = time.monotonic()
    code, out, err = run(
        capsys,
        monkeypatch,
        "train",
        data,
        "--out",
        str(tmp_path / "made"),
        *SMALL,
        "--log",
        str(folder / log),
    )
    assert (
        (code, out) == (2, "")
        and err.startswith("error: --log: ")
        and "cannot be written" in err
        and err.count("\n") == 1
    )
    assert not (tmp_path / "made").exists() and time.monotonic() - begun < 10


class Terminal(io.StringIO):
    """A stream that says that it is one."""

    def isatty(self) -> bool:
        return True


def test_progress_is_a_bar_on_a_terminal_and_a_line_now_and_then_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0

    def steps() -> Iterator[int]:
        nonlocal now
        for _ in range(100):
            now += 1.0
            yield 10

    monkeypatch.setattr(console.time, "monotonic", lambda: now)
    monkeypatch.setattr(sys, "stderr", file := io.StringIO())
    assert sum(console.progress(steps(), 1000, "users", size=int)) == 1000
    assert file.getvalue() == "users: 300 of 1,000\nusers: 600 of 1,000\nusers: 900 of 1,000\n"
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    assert sum(console.progress(steps(), 1000, "users", size=int)) == 1000
    assert "users:" in terminal.getvalue() and "\r" in terminal.getvalue() and "\n" not in terminal.getvalue()


@pytest.mark.skipif(not CONTRACT.is_file(), reason="the contract's checks lie outside the repository")
def test_the_contract_holds_for_the_demo() -> None:
    done = subprocess.run(
        [sys.executable, str(CONTRACT), str(DEMO), "--users", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
