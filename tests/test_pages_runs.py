"""The runs page: the form, the training runs and the table of models. The processes do nothing."""

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest
from streamlit.testing.v1 import AppTest

from dskreg.runs import process
from dskreg.ui.runs import form, progress
from tests.reliability.broken_runs import cases, whole
from tests.visits import DEMO, button, fine, said, table_with, visit

pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An artifacts folder for the test, and training processes that only sleep."""
    shutil.copytree(DEMO, tmp_path / "demo")
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(tmp_path))
    monkeypatch.setenv("DSKREG_DATA", str(tmp_path / "data"))
    spawn = process.spawn

    def idle(command: list[str], *places: Path) -> None:
        spawn([command[0], "-c", "import time; time.sleep(300)", *command[1:]], *places)

    monkeypatch.setattr(process, "spawn", idle)
    yield tmp_path
    for run in form.runs().all():
        form.runs().stop(run.id)


def start(app: AppTest, name: str) -> AppTest:
    app.text_input(key="train_name").set_value(name)
    button(app, "Start training").click()
    return fine(app.run())


def labels(app: AppTest) -> set[str]:
    return {found.label for found in app.button}


def log(run_id: str, *events: dict) -> None:
    with (form.runs().folder / run_id / "journal.jsonl").open("a") as file:
        file.writelines(json.dumps({"time": time.time()} | event) + "\n" for event in events)


BEGUN = {"event": "start", "epochs": 4, "patience": 2, "resume": False}
EPOCHS = [
    {
        "event": "epoch",
        "epoch": n,
        "loss": None if n == 0 else 6.0 - n,
        "ndcg": 0.1 + n / 100,
        "recall": 0.2,
        "entropy": 0.9,
    }
    for n in range(3)
]


def test_the_form_starts_a_run_with_its_settings(folder: Path) -> None:
    app = visit("runs")
    app.number_input(key="train_epochs").set_value(3)
    app.number_input(key="train_seed").set_value(7)
    app = start(app, "fresh")
    [run] = form.runs().all()
    asked = run.request
    assert (asked.data, asked.out, asked.preset, asked.epochs, asked.seed, asked.device, asked.replace) == (
        "demo",
        "fresh",
        "default",
        3,
        7,
        "auto",
        False,
    )
    assert app.session_state["run"] == run.id and run.state == "running"
    assert "Stop training" in labels(app) and "Continue" not in labels(app)
    assert "at most 3 epochs, seed 7" in said(app)


def test_the_form_says_how_long_the_run_will_take_and_the_sidebar_has_no_user() -> None:
    app = visit("runs")
    assert not app.sidebar.children

    def expected() -> str:
        return next(line for line in said(app).splitlines() if line.startswith("**Estimated time"))

    short = expected()
    assert "since the training of “demo” took" in short
    app.number_input(key="train_epochs").set_value(10_000)
    app = fine(app.run())
    assert expected() != short and re.search(r"(min|h|days)\*\*", expected())
    app.button_group(key="train_preset").set_value("paper")
    app = fine(app.run())
    assert "unknown" in expected() and "paper" in expected()


def test_a_run_shows_its_progress_curves_and_epochs() -> None:
    app = start(visit("runs"), "fresh")
    run_id = app.session_state["run"]
    assert not app.get("plotly_chart")
    log(run_id, BEGUN, {"event": "step", "label": "gates", "step": 5, "steps": 10})
    assert progress.position(form.runs().get(run_id)) == (
        0.0,
        "Choosing the initialisation: candidate 5 of at most 10",
    )
    log(
        run_id,
        BEGUN,
        {"event": "stage", "text": "training"},
        *EPOCHS,
        {"event": "step", "label": "epoch 3", "step": 5, "steps": 10},
    )
    app = fine(app.run())
    assert "epoch 2, validation NDCG@20 **0.1200**" in said(app)
    assert len(app.get("plotly_chart")) == 3
    assert table_with(app, "loss")["epoch"].tolist() == [0, 1, 2]
    part, words = progress.position(form.runs().get(run_id))
    assert part == (2 + 5 / 10) / 4 and words == "Epoch 3 of at most 4, step 5 of 10"


def test_a_run_is_stopped_and_continued_from_the_page() -> None:
    app = start(visit("runs"), "fresh")
    button(app, "Stop training").click()
    app = fine(app.run())
    assert form.runs().all()[0].state == "stopped" and "The run was stopped" in said(app)
    button(app, "Continue").click()
    app = fine(app.run())
    assert form.runs().all()[0].state == "running" and "Stop training" in labels(app)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../demo", "name: expected letters"),
        ("", "name: expected letters"),
        ("demo", "exists already"),
        (".runs", "name: expected letters"),
    ],
)
def test_an_invalid_or_taken_model_name_is_refused_with_the_reason(name: str, words: str) -> None:
    app = start(visit("runs"), name)
    assert words in app.error[0].value.replace("\\", "").lower()
    assert form.runs().all() == []


def test_the_model_of_a_finished_run_can_be_opened(folder: Path) -> None:
    app = start(visit("runs"), "fresh")
    run_id = app.session_state["run"]
    shutil.copytree(folder / "demo", folder / "fresh")
    log(run_id, BEGUN, *EPOCHS, {"event": "done", "artifact": "fresh", "users": 1, "metrics": {}})
    form.runs().stop(run_id)
    app = fine(app.run())
    button(app, "Open model").click()
    app = fine(app.run())
    assert app.session_state["selection"].explorer.name == "fresh"
    assert app.title[0].value.startswith("Recommendations")


def test_the_error_of_a_run_is_shown_without_its_markdown() -> None:
    app = start(visit("runs"), "fresh")
    run_id = app.session_state["run"]
    form.runs().stop(run_id)
    log(run_id, BEGUN, {"event": "error", "message": "**bad** file <b>"})
    (form.runs().folder / run_id / "stopped").unlink()
    app = fine(app.run())
    assert r"\*\*bad\*\* file \<b\>" in app.error[0].value
    assert "Continue" in labels(app)


def test_a_server_with_training_switched_off_starts_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = start(visit("runs"), "fresh")
    run_id = app.session_state["run"]
    monkeypatch.setenv("DSKREG_RUNS", "off")
    button(app, "Stop training").click()  # on a page that was drawn before
    app = fine(app.run())
    assert "does not train" in said(app) and form.runs().get(run_id).state == "running"
    assert not labels(app) & {"Start training", "Stop training", "Continue"}
    assert any("ndcg@20" in table.value.columns for table in app.dataframe)


def test_a_link_to_an_unknown_run_shows_a_warning() -> None:
    assert "There is no run “<b>gone**”" in said(visit("runs", run="<b>gone**"))
    app = start(visit("runs"), "fresh")
    app.text_input(key="run").set_value("gone")
    assert "You see the latest run" in said(fine(app.run()))


def test_unreadable_runs_are_listed_with_their_problem_beside_the_readable_ones() -> None:
    app = start(visit("runs"), "fresh")
    run_id = app.session_state["run"]
    log(run_id, BEGUN, *EPOCHS)
    bad = [broken for broken in cases(16, 10_000) if broken.file][::37][:10]
    for n, broken in enumerate(bad):
        broken.lay(form.runs().folder / f"bad{n}")
    os.rename(whole(form.runs().folder / "other"), os.path.join(os.fsencode(form.runs().folder), b"\xff<b>"))
    app = visit("runs", run=run_id)
    begun = time.perf_counter()
    app = fine(app.run())
    assert time.perf_counter() - begun < 3
    table = table_with(app, "problem")
    assert table["model"].tolist() == ["fresh", *(f"bad{n}" for n in range(len(bad))), "⟨U+DCFF⟩<b>"]
    assert table["state"].tolist() == ["running", *["unreadable"] * (len(bad) + 1)]
    for broken, problem in zip(bad, table["problem"][1:], strict=False):
        assert broken.file in problem and broken.field in problem
    assert "epoch 2, validation NDCG@20 **0.1200**" in said(app) and "Stop training" in labels(app)
    app.text_input(key="run").set_value("bad3")
    assert "The run “bad3” cannot be read" in said(fine(app.run()))


def test_a_folder_of_unreadable_runs_only_is_listed(folder: Path) -> None:
    form.runs().folder.mkdir()
    (form.runs().folder / "bad").mkdir()
    app = visit("runs")
    assert table_with(app, "problem")["problem"][0].endswith("request.json: missing")
    assert labels(start(app, "fresh")) >= {"Stop training"}


def test_an_unreadable_output_is_reported() -> None:
    app = start(visit("runs"), "fresh")
    output = form.runs().folder / app.session_state["run"] / "output.txt"
    output.unlink()
    os.mkfifo(output)
    assert "output.txt: expected a regular file" in said(fine(app.run()))


@pytest.mark.parametrize("step", [-7200.0, 7200.0])
def test_a_change_of_the_clock_changes_nothing_on_the_page(
    step: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = start(visit("runs"), "fresh")
    log(app.session_state["run"], BEGUN, *EPOCHS)
    now, booted = time.time, psutil.boot_time()
    monkeypatch.setattr(time, "time", lambda: now() + step)
    monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: booted + step)
    app = fine(app.run())
    assert "Stop training" in labels(app) and form.runs().all()[0].state == "running"
    button(app, "Stop training").click()
    assert "The run was stopped" in said(fine(app.run()))


# The models


def test_a_broken_artifact_is_listed_with_a_warning_and_cannot_be_opened(folder: Path) -> None:
    (folder / "broken").mkdir()
    app = visit("runs")
    assert "broken** cannot be used" in said(app)
    assert table_with(app, "ndcg@20")["name"].tolist() == ["broken", "demo"]
    app.multiselect(key="models").set_value(["broken"])
    assert "Open broken" not in labels(fine(app.run()))


def test_two_models_are_compared_and_either_can_be_opened(folder: Path) -> None:
    shutil.copytree(folder / "demo", folder / "other")
    app = visit("runs")
    app.multiselect(key="models").set_value(["demo", "other"])
    app = fine(app.run())
    assert "Both rank the held-out items equally well" in said(app)
    pair = table_with(app, "demo", "other")
    assert (pair["demo"] == pair["other"]).all()
    button(app, "Open other").click()
    assert fine(app.run()).session_state["selection"].explorer.name == "other"


def test_metrics_on_different_datasets_are_not_compared(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dskreg.ui.runs import models

    table = models.summaries(folder)
    foreign = table.assign(name="foreign", dataset="films", items=12)
    monkeypatch.setattr(models, "summaries", lambda root: pd.concat([table, foreign], ignore_index=True))
    app = visit("runs")
    app.multiselect(key="models").set_value(["demo", "foreign"])
    words = said(fine(app.run()))
    assert "tested on different datasets and items" in words and "better, by" not in words
