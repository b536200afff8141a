"""The command line's contract: JSON fields, exit codes, one-line errors, nothing half-written, the same
weights for the same seed.
"""

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from dskreg import __version__, console
from dskreg.arguments import Preset, configuration
from dskreg.cli import main
from dskreg.config import PRESETS, preset
from dskreg.storage import artifact as artifacts
from tests.command_line import DEMO, ROOT, SMALL, run, shell, tiny_data
from tests.reliability.size import LONG

Command = Callable[..., tuple[int, str, str]]
CONTRACT = ROOT.parent / "shared" / "checks" / "contract.py"


@pytest.fixture
def dskreg(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """`dskreg(*words)` runs the command line: exit code, stdout, stderr."""
    return lambda *words: run(capsys, monkeypatch, *words)


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
        ("recommend", str(DEMO), "--user", "1", "--most-likes", "-1"),
        ("recommend", str(DEMO), "--user", "1", "--cold-boost", "-0.5"),
        ("recommend", str(DEMO), "--user", "1", "--cold-boost", "nan"),
        ("recommend", str(DEMO), "--user", "1", "--cold-boost", "1001"),
        ("recommend", str(DEMO), "--user", "1", "--index", "x", "--cold-boost", "1"),
        ("recommend", str(DEMO), "--all-users", "--out", "lists.csv", "--cold-boost", "inf"),
        ("explain", str(DEMO), "--user", "1", "--item", "1", "--cold-boost", "many"),
        ("resets", str(DEMO), "--users", "0"),
        ("add", str(DEMO), "no/such/file.csv", "--out", "x"),
        ("add", str(DEMO), str(DEMO / "manifest.json"), "--out", "x"),
        ("add", str(DEMO), str(DEMO / "items.parquet"), "--out", "x"),
        ("add", "nosuchname", str(DEMO / "items.parquet"), "--out", "x"),
        ("explain", str(DEMO), "--user", "1", "--item", "99999999"),
        ("explain", str(DEMO), "--user", "1", "--item", "1", "--seed", "-1"),
        ("info", "no/such/folder"),
        ("info", "nosuchname"),
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
        ("app", "--port", "0"),
        ("app", "--port", "many"),
        ("app", "--address", "no such address"),
        ("app", "--artifacts", str(DEMO / "manifest.json")),
        ("juggle",),
        (),
    ],
)
def test_bad_input_gives_one_error_line_and_exit_code_2(
    arguments: tuple[str, ...], dskreg: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = dskreg(*arguments)
    assert code == 2 and out == ""
    assert err.startswith("error: ") and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_recommend_and_explain_give_the_same_score(dskreg: Command) -> None:
    _, out, _ = dskreg("recommend", str(DEMO), "--user", "17", "--top", "3", "--json")
    listed = json.loads(out)
    assert listed["user"] == 17 and [row["rank"] for row in listed["items"]] == [1, 2, 3]
    item = listed["items"][0]
    _, out, _ = dskreg("explain", str(DEMO), "--user", "17", "--item", str(item["item_id"]), "--json")
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
        assert explained[side] and all(wanted <= set(row) for row in explained[side])
    assert {"activation", "self_contribution", "bias", "pre_activation_score"} <= set(explained)


def test_info_lists_every_file_of_the_artifact(dskreg: Command) -> None:
    _, out, _ = dskreg("info", str(DEMO), "--json")
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


def test_evaluate_opens_the_artifact_once_and_repeats_the_metrics_of_training(
    dskreg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    real = artifacts.load
    monkeypatch.setattr(artifacts, "load", lambda path: opened.append(path) or real(path))
    code, out, _ = dskreg("evaluate", str(DEMO), "--json")
    kept = json.loads((DEMO / "metrics.json").read_text())
    assert code == 0 and len(opened) == 1
    document = json.loads(out)
    assert document["users"] == kept["users"] and document["metrics"] == pytest.approx(
        kept["metrics"], rel=1e-3
    )


def test_resets_measures_again_what_training_measured(dskreg: Command) -> None:
    code, out, _ = dskreg("resets", str(DEMO), "--json")
    kept = json.loads((DEMO / "metrics.json").read_text())["resets"]
    rows = json.loads(out)["resets"]
    assert code == 0 and [row["part"] for row in rows] == [row["part"] for row in kept]
    for row, before in zip(rows, kept, strict=True):
        for name in ("all", "rare", "cold"):
            assert row[name]["ndcg"] == pytest.approx(before[name]["ndcg"], rel=1e-2)
            assert row[name]["users"] == before[name]["users"]
    _, text, _ = dskreg("resets", str(DEMO), "--users", "50")
    lines = text.splitlines()
    assert (
        lines[0].split() == ["all", "change", "rare", "change", "cold", "change"]
        and len(lines) == len(rows) + 1
    )
    assert all(
        row["part"] in line and line.count("\u00b1") == 3 for row, line in zip(rows, lines[1:], strict=True)
    )


def test_most_likes_and_all_users_go_together(dskreg: Command, tmp_path: Path) -> None:
    out = tmp_path / "lists.csv"
    words = ("recommend", str(DEMO), "--all-users", "--out", str(out), "--top", "2", "--most-likes", "0")
    assert dskreg(*words)[0] == 0
    listed = pd.read_csv(out)["item_id"].unique()
    items = pd.read_parquet(DEMO / "items.parquet")["item_id"]
    likes = pd.read_parquet(DEMO / "interactions.parquet").query("liked")["item"].value_counts()
    # Test likes are not the model's
    assert likes.reindex(items[items.isin(listed)].index).fillna(0).max() <= 1 and len(listed) > 5


def test_the_lists_of_all_users_are_the_same_as_csv_and_as_parquet(dskreg: Command, tmp_path: Path) -> None:
    for name in ("lists.csv", "lists.parquet"):
        code, _, _ = dskreg(
            "recommend", str(DEMO), "--all-users", "--out", str(tmp_path / name), "--top", "3"
        )
        assert code == 0
    csv, parquet = pd.read_csv(tmp_path / "lists.csv"), pd.read_parquet(tmp_path / "lists.parquet")
    assert len(csv) == 3 * 2000 and csv[["user_id", "rank", "item_id"]].equals(
        parquet[["user_id", "rank", "item_id"]]
    )
    assert {p.name for p in tmp_path.iterdir()} == {"lists.csv", "lists.parquet"}


def test_the_same_seed_trains_the_same_artifact_and_another_seed_another(
    dskreg: Command, tmp_path: Path
) -> None:
    data = str(tiny_data(tmp_path / "data"))
    manifests = {}
    for name in ("one", "two"):
        code, _, err = dskreg("train", data, "--out", str(tmp_path / name), "--epochs", "4", *SMALL)
        assert code == 0, err
        manifests[name] = artifacts.load(tmp_path / name).manifest
    assert manifests["one"]["content"] == manifests["two"]["content"]
    assert not list(tmp_path.glob(".*")), "checkpoints and temporary folders are gone"
    other, _, _ = dskreg(
        "train", data, "--out", str(tmp_path / "other"), "--epochs", "4", "--seed", "1", *SMALL
    )
    assert (
        other == 0
        and artifacts.load(tmp_path / "other").manifest["files"]["history.json"]
        != manifests["one"]["files"]["history.json"]
    )


def test_a_model_trained_on_a_checkerboard_ranks_the_right_colour_first(
    dskreg: Command, tmp_path: Path
) -> None:
    data = str(tiny_data(tmp_path / "data"))
    code, out, err = dskreg("train", data, "--out", str(tmp_path / "made"), "--epochs", "10", *SMALL)
    assert code == 0, err
    _, out, _ = dskreg("evaluate", str(tmp_path / "made"), "--json")
    # At most 2 titles of the right colour are left to rank
    assert json.loads(out)["metrics"]["recall@10"] == 1.0


def test_the_log_holds_the_same_epochs_and_stages_as_stderr(dskreg: Command, tmp_path: Path) -> None:
    data, out, log = tiny_data(tmp_path / "data"), tmp_path / "made", tmp_path / "log"
    code, stdout, err = dskreg(
        "train", str(data), "--out", str(out), "--epochs", "2", *SMALL, "--log", str(log)
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
    code, _, err = dskreg("train", str(tmp_path / "nothing"), "--out", str(out), "--log", str(log))
    assert code == 2 and err == f"error: {json.loads(log.read_text().splitlines()[-1])['message']}\n"


def test_the_version_is_printed(dskreg: Command) -> None:
    assert dskreg("--version") == (0, f"dskreg {__version__}\n", "")


def test_help_texts_name_the_command_dskreg(dskreg: Command) -> None:
    code, text, _ = dskreg("--help")
    commands = re.findall(r"^[│|\s]+([a-z]+)  ", text, re.MULTILINE)
    assert code == 0 and "Usage: dskreg " in text and {"app", "train", "recommend", "info"} <= {*commands}
    for command in commands:
        _, text, _ = dskreg(command, "--help")
        assert f"Usage: dskreg {command} " in text and "python -m" not in text


def test_an_artifact_is_found_by_its_name_from_any_folder(
    dskreg: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(tmp_path / "models"))
    shutil.copytree(DEMO, tmp_path / "models" / "mine")
    for words, name in ((["demo"], "demo"), (["mine"], "mine"), ([str(DEMO)], "demo")):
        code, out, err = dskreg("info", *words, "--json")
        assert code == 0, err
        assert json.loads(out)["name"] == name
    for command in (
        ["recommend", "mine", "--user", "17"],
        ["explain", "mine", "--user", "17", "--item", "1"],
    ):
        assert dskreg(*command)[0] == 0
    code, _, err = dskreg("info", "yours")
    assert code == 2
    assert err == "error: yours: no such folder, and no artifact of that name; there are: demo, mine\n"


def test_a_folder_here_goes_before_an_artifact_of_the_same_name(
    dskreg: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(DEMO, tmp_path / "demo")
    (tmp_path / "demo" / "weights.safetensors").write_bytes(b"")
    code, _, err = dskreg("info", "demo")
    assert code == 2 and err.startswith("error: demo/weights.safetensors: ")


def test_the_demo_is_trained_with_its_own_preset_unless_another_is_named() -> None:
    assert configuration("demo", None, {}, []) == configuration(["demo"], None, {}, []) == preset("demo")
    assert configuration("demo", "default", {}, []) == preset("default")
    assert configuration("data/anime", None, {"seed": 3, "train.epochs": None}, []).seed == 3
    assert configuration("data/anime", None, {}, ["model.width=8"]).model.width == 8
    assert configuration("data/anime", None, {}, []) == preset("default")
    assert {*Preset} == {*PRESETS}


# Streams


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("$DSKREG info $DEMO > /dev/full", 2, "error: stdout: cannot be written (No space left on device)\n"),
        ("$DSKREG --help > /dev/full", 2, "error: [Errno 28] No space left on device\n"),
        ("$DSKREG juggle 2>/dev/full", 2, ""),
        (
            "$DSKREG info $DEMO --json >&-",
            2,
            "error: stdout: expected a place for the result (got a closed stream)\n",
        ),
        ("$DSKREG recommend $DEMO --user 1 --top 500 --json | head -c 1", 0, ""),
    ],
)
def test_a_result_that_cannot_be_written_gives_one_error_line(line: str, code: int, error: str) -> None:
    done = shell(line)
    assert (done.returncode, done.stderr) == (code, error)


def training(folder: Path) -> list[str]:
    """The words that train for one epoch and write `folder`/made."""
    data, made = str(tiny_data(folder / "data")), str(folder / "made")
    return ["train", data, "--out", made, "--epochs", "1", *SMALL]


def test_closed_streams_do_not_stop_training(tmp_path: Path) -> None:
    done = shell(f"$DSKREG {shlex.join(training(tmp_path))} 0<&- 2>&-")
    assert (done.returncode, done.stderr) == (0, "") and "test users" in done.stdout
    assert artifacts.load(tmp_path / "made").history[-1]["epoch"] == 1


def test_messages_that_cannot_be_written_do_not_stop_training(
    dskreg: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with open("/dev/full", "w", buffering=1) as full:
        monkeypatch.setattr(sys, "stderr", full)
        code, out, _ = dskreg(*training(tmp_path))
        monkeypatch.undo()
    assert code == 0 and "test users" in out
    assert artifacts.load(tmp_path / "made").history[-1]["epoch"] == 1


def test_a_file_gets_no_progress_bar_and_a_full_disk_does_not_lose_the_artifact(
    dskreg: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        code, _, err = dskreg(*training(tmp_path))
        monkeypatch.undo()
    assert code == 2 and "\r" not in err and "Traceback" not in err
    last = "\nerror: stdout: cannot be written (No space left on device)\n"
    assert err.endswith(last) and "epoch 1: loss" in err
    assert artifacts.load(tmp_path / "made").history[-1]["epoch"] == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_without_some_characters_still_gets_the_answer(
    encoding: str, dskreg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = ("recommend", str(DEMO), "--history", "1,5", "--top", "700")
    answers = {}
    for form in ("--json", None):
        _, expected, _ = dskreg(*question, *([form] if form else []))
        terminal = io.TextIOWrapper(written := io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", terminal)
        code, _, err = dskreg(*question, *([form] if form else []))
        monkeypatch.undo()
        answers[form] = (code, err, written.getvalue().decode(encoding), expected)
    code, err, text, expected = answers["--json"]
    assert (code, err) == (0, "") and json.loads(text) == json.loads(expected) and not expected.isascii()
    code, err, text, expected = answers[None]
    assert (code, err) == (0, "") and text == expected.encode(encoding, "backslashreplace").decode(encoding)


def test_an_error_is_escaped_for_a_terminal_that_lacks_its_characters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        sys, "stderr", io.TextIOWrapper(written := io.BytesIO(), encoding="ascii", write_through=True)
    )
    monkeypatch.setattr(sys, "argv", ["dskreg", "recommend", str(DEMO), "--history", "“\udcff"])
    assert main() == 2
    assert written.getvalue() == b"error: unknown item \\u201c\\u27e8U+DCFF\\u27e9 in the history\n"


@pytest.mark.parametrize("log", ["", "/dev/full", "pipe", "made.log/log"])
def test_a_log_that_cannot_be_written_is_refused_before_training(
    log: str, dskreg: Command, tmp_path: Path
) -> None:
    data, folder = str(tiny_data(tmp_path / "data")), tmp_path / "logs"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    begun = time.monotonic()
    code, out, err = dskreg(
        "train", data, "--out", str(tmp_path / "made"), *SMALL, "--log", str(folder / log)
    )
    assert (
        (code, out) == (2, "")
        and err.startswith("error: --log: ")
        and "cannot be written" in err
        and err.count("\n") == 1
    )
    assert not (tmp_path / "made").exists() and time.monotonic() - begun < 10


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0

    def steps() -> Iterator[int]:
        nonlocal now
        for _ in range(100):
            now += 1.0
            yield 10

    monkeypatch.setattr(sys, "stderr", file := io.StringIO())
    assert sum(console.progress(steps(), 1000, "users", size=int, clock=lambda: now)) == 1000
    assert file.getvalue() == "users: 300 of 1,000\nusers: 600 of 1,000\nusers: 900 of 1,000\n"
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    assert sum(console.progress(steps(), 1000, "users", size=int, clock=lambda: now)) == 1000
    assert "users:" in terminal.getvalue() and "\r" in terminal.getvalue() and "\n" not in terminal.getvalue()


@pytest.mark.skipif(not CONTRACT.is_file(), reason="the checks of the contract are not on this machine")
@pytest.mark.skipif(not LONG, reason="DSKREG_LONG=1 runs the contract's checks, which take minutes")
def test_the_demo_passes_the_checks_of_the_contract() -> None:
    done = subprocess.run(
        [sys.executable, str(CONTRACT), str(DEMO), "--users", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
