"""The runs page: the form, the runs, the table of models; its processes are replaced where a test is not
about them.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button
from test_pages import DEMO, fine, said, visit

from dskreg.runs import process
from dskreg.ui.runs import form, progress
from tests.reliability.broken_runs import cases, whole

pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An artifacts folder of one's own, and children that do nothing."""
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


def runs_page(**parameters: str | list[str]) -> AppTest:
    app = visit()
    app.switch_page("pages/runs.py")
    for key, value in parameters.items():
        app.query_params[key] = value
    return fine(app.run())


def start(app: AppTest, name: str) -> AppTest:
    app.text_input(key="train_name").set_value(name)
    button(app, "Start training").click()
    return fine(app.run())


def button(app: AppTest, label: str) -> Button:
    return next(found for found in app.button if found.label == label)


def labels(app: AppTest) -> set[str]:
    return {found.label for found in app.button}


def tell(run_id: str, *events: dict) -> None:
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


def test_a_run_is_started_with_what_the_form_says(folder: Path) -> None:
    app = runs_page()
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


def test_progress_curves_and_the_table_of_epochs() -> None:
    app = start(runs_page(), "fresh")
    run_id = app.session_state["run"]
    assert not app.get("vega_lite_chart")
    tell(run_id, BEGUN, {"event": "step", "label": "gates", "step": 5, "steps": 10})
    assert progress.position(form.runs().get(run_id)) == (0.0, "Choosing the start: 5 of at most 10 tried")
    tell(
        run_id,
        BEGUN,
        {"event": "stage", "text": "training"},
        *EPOCHS,
        {"event": "step", "label": "epoch 3", "step": 5, "steps": 10},
    )
    app = fine(app.run())
    assert "epoch 2, validation NDCG@20 **0.1200**" in said(app)
    assert len(app.get("vega_lite_chart")) == 3
    assert next(table.value for table in app.dataframe if "loss" in table.value.columns)[
        "epoch"
    ].tolist() == [0, 1, 2]
    part, words = progress.position(form.runs().get(run_id))
    assert part == (2 + 5 / 10) / 4 and words == "Epoch 3 of at most 4, step 5 of 10"


def test_a_run_is_stopped_and_continued_from_the_page() -> None:
    app = start(runs_page(), "fresh")
    button(app, "Stop training").click()
    app = fine(app.run())
    assert form.runs().all()[0].state == "stopped" and "Somebody stopped the run" in said(app)
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
def test_a_name_that_cannot_be_is_refused_in_words(name: str, words: str) -> None:
    app = start(runs_page(), name)
    assert words in app.error[0].value.replace("\\", "").lower()
    assert form.runs().all() == []


def test_a_finished_run_is_opened(folder: Path) -> None:
    app = start(runs_page(), "fresh")
    run_id = app.session_state["run"]
    shutil.copytree(folder / "demo", folder / "fresh")
    tell(run_id, BEGUN, *EPOCHS, {"event": "done", "artifact": "fresh", "users": 1, "metrics": {}})
    form.runs().stop(run_id)
    app = fine(app.run())
    button(app, "Open the model").click()
    app = fine(app.run())
    assert app.session_state["selection"].explorer.name == "fresh"
    assert app.title[0].value.startswith("Recommendations")


def test_an_error_is_shown_and_never_read_as_markdown() -> None:
    app = start(runs_page(), "fresh")
    run_id = app.session_state["run"]
    form.runs().stop(run_id)
    tell(run_id, BEGUN, {"event": "error", "message": "**bad** file <b>"})
    (form.runs().folder / run_id / "stopped").unlink()
    app = fine(app.run())
    assert r"\*\*bad\*\* file \<b\>" in app.error[0].value
    assert "Continue" in labels(app)


def test_a_server_may_be_told_not_to_train(monkeypatch: pytest.MonkeyPatch) -> None:
    app = start(runs_page(), "fresh")
    run_id = app.session_state["run"]
    monkeypatch.setenv("DSKREG_RUNS", "off")
    button(app, "Stop training").click()  # a page that was drawn before
    app = fine(app.run())
    assert "switched off" in said(app) and form.runs().get(run_id).state == "running"
    assert not labels(app) & {"Start training", "Stop training", "Continue"}
    assert any("ndcg@20" in table.value.columns for table in app.dataframe)


def test_a_link_to_an_unknown_run_says_so() -> None:
    assert "There is no run “<b>gone**”" in said(runs_page(run="<b>gone**"))
    app = start(runs_page(), "fresh")
    app.text_input(key="run").set_value("gone")
    assert "You see the latest one" in said(fine(app.run()))


def test_runs_that_cannot_be_read_are_rows_with_their_reason_and_the_others_as_usual() -> None:
    app = start(runs_page(), "fresh")
    run_id = app.session_state["run"]
    tell(run_id, BEGUN, *EPOCHS)
    bad = [broken for broken in cases(16, 10_000) if broken.file][::37][:10]
    for n, broken in enumerate(bad):
        broken.lay(form.runs().folder / f"bad{n}")
    os.rename(whole(form.runs().folder / "other"), os.path.join(os.fsencode(form.runs().folder), b"\xff<b>"))
    app = visit()
    app.switch_page("pages/runs.py")
    app.query_params["run"] = run_id
    begun = time.perf_counter()
    app = fine(app.run())
    assert time.perf_counter() - begun < 3
    table = next(table.value for table in app.dataframe if "problem" in table.value.columns)
    assert table["model"].tolist() == ["fresh", *(f"bad{n}" for n in range(len(bad))), "⟨U+DCFF⟩<b>"]
    assert table["state"].tolist() == ["running", *["unreadable"] * (len(bad) + 1)]
    for broken, problem in zip(bad, table["problem"][1:], strict=False):
        assert broken.file in problem and broken.field in problem
    assert "epoch 2, validation NDCG@20 **0.1200**" in said(app) and "Stop training" in labels(app)
    app.text_input(key="run").set_value("bad3")
    assert "The run “bad3” cannot be read" in said(fine(app.run()))


def test_a_folder_with_nothing_but_runs_that_cannot_be_read(folder: Path) -> None:
    form.runs().folder.mkdir()
    (form.runs().folder / "bad").mkdir()
    app = runs_page()
    assert next(table.value for table in app.dataframe if "problem" in table.value.columns)["problem"][
        0
    ].endswith("request.json: missing")
    assert labels(start(app, "fresh")) >= {"Stop training"}


def test_an_output_that_cannot_be_read_is_a_sentence() -> None:
    app = start(runs_page(), "fresh")
    output = form.runs().folder / app.session_state["run"] / "output.txt"
    output.unlink()
    os.mkfifo(output)
    assert "output.txt: expected a regular file" in said(fine(app.run()))


@pytest.mark.parametrize("step", [-7200.0, 7200.0])
def test_a_step_of_the_clock_changes_nothing_that_is_shown(
    step: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = start(runs_page(), "fresh")
    tell(app.session_state["run"], BEGUN, *EPOCHS)
    now, booted = time.time, psutil.boot_time()
    monkeypatch.setattr(time, "time", lambda: now() + step)
    monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: booted + step)
    app = fine(app.run())
    assert "Stop training" in labels(app) and form.runs().all()[0].state == "running"
    button(app, "Stop training").click()
    assert "Somebody stopped the run" in said(fine(app.run()))


# The models


def test_a_broken_artifact_is_a_row_and_a_sentence(folder: Path) -> None:
    (folder / "broken").mkdir()
    app = runs_page()
    assert "broken** cannot be used" in said(app)
    assert next(table.value for table in app.dataframe if "ndcg@20" in table.value.columns)[
        "name"
    ].tolist() == ["broken", "demo"]
    app.multiselect(key="models").set_value(["broken"])
    assert "Open broken" not in labels(fine(app.run()))


def test_one_model_is_opened_and_two_are_compared(folder: Path) -> None:
    shutil.copytree(folder / "demo", folder / "other")
    app = runs_page()
    app.multiselect(key="models").set_value(["demo", "other"])
    app = fine(app.run())
    assert "Both rank the hidden titles equally well" in said(app)
    pair = next(table.value for table in app.dataframe if {"demo", "other"} <= set(table.value.columns))
    assert (pair["demo"] == pair["other"]).all()
    button(app, "Open other").click()
    assert fine(app.run()).session_state["selection"].explorer.name == "other"


def test_figures_of_different_data_are_not_compared(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dskreg.ui.runs import models

    table = models.summaries(folder)
    foreign = table.assign(name="foreign", dataset="films", titles=12)
    monkeypatch.setattr(models, "summaries", lambda root: pd.concat([table, foreign], ignore_index=True))
    app = runs_page()
    app.multiselect(key="models").set_value(["demo", "foreign"])
    words = said(fine(app.run()))
    assert "tested on different data and titles" in words and "better, by" not in words
