"""The catalogue of artifacts: its figures are those of the artifacts, and a broken folder is a row with its
problem.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from dskreg.explorer import Explorer
from dskreg.storage import artifact as artifacts
from dskreg.storage.catalogue import COLUMNS, summaries
from tests.small import DEMO


def test_a_row_holds_the_figures_of_the_opened_artifact() -> None:
    table = summaries(DEMO.parent)
    row = table[table["name"] == "demo"].iloc[0]
    explorer = Explorer.open(DEMO)
    info, measured = explorer.info(), explorer.metrics()
    assert (row["dataset"], row["users"], row["items"]) == (info["dataset"], info["users"], info["items"])
    assert (row["preset"], row["seed"]) == (info["config"]["preset"], info["config"]["seed"])
    assert row["created"] == pd.Timestamp(info["created"])
    assert row["size"] == pytest.approx(sum((DEMO / name).stat().st_size for name in artifacts.FILES) / 1e6)
    for name in ("ndcg@20", "recall@20", "coverage@20"):
        assert row[name] == measured["metrics"][name]
    assert all(values["ndcg@20"] <= row["baseline ndcg@20"] for values in measured["baselines"].values())
    assert measured["baselines"][row["baseline"]]["ndcg@20"] == row["baseline ndcg@20"]
    assert row["problem"] == ""


def rewritten(file: str, /, **changed: object) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        document = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps(document | changed))

    return damage


def emptied(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(b"")


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "manifest.json is missing"),
    "a manifest of another version": (rewritten("manifest.json", format=99), "format version 99"),
    "an altered manifest": (rewritten("manifest.json", name="other"), "altered"),
    "no weights": (lambda folder: (folder / "weights.safetensors").unlink(), "weights.safetensors: missing"),
    "empty metrics": (emptied("metrics.json"), "metrics.json: damaged"),
    "a run's record of another kind": (
        lambda folder: (folder / "run.json").write_text("[]"),
        "run.json: expected",
    ),
    "metrics without baselines": (
        rewritten("metrics.json", baselines=3),
        "metrics.json: baselines: expected",
    ),
    "an empty table": (emptied("users.parquet"), "users.parquet: damaged"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_broken_folder_is_a_row_that_says_what_is_wrong(damage: str, tmp_path: Path) -> None:
    for name in ("broken", "sound"):
        shutil.copytree(DEMO, tmp_path / name)
    DAMAGE[damage][0](tmp_path / "broken")
    table = summaries(tmp_path).set_index("name")
    assert list(table.index) == ["broken", "sound"]
    assert DAMAGE[damage][1] in table.loc["broken", "problem"]
    assert table.loc["broken"].drop("problem").isna().all()
    assert table.loc["sound", "problem"] == "" and table.loc["sound", "items"] > 0


def test_an_artifact_without_baselines_has_none_in_its_row(tmp_path: Path) -> None:
    shutil.copytree(DEMO, tmp_path / "alone")
    rewritten("metrics.json", baselines={})(tmp_path / "alone")
    row = summaries(tmp_path).iloc[0]
    assert row["problem"] == "" and row["ndcg@20"] > 0
    assert pd.isna(row["baseline"]) and pd.isna(row["baseline ndcg@20"])


def test_hidden_folders_and_files_are_no_artifacts(tmp_path: Path) -> None:
    assert list(summaries(tmp_path / "nowhere").columns) == list(COLUMNS)
    (tmp_path / ".made.training").mkdir()
    (tmp_path / "file").touch()
    assert summaries(tmp_path).empty
    (tmp_path / "empty").mkdir()
    assert summaries(tmp_path)["problem"].str.contains("manifest").tolist() == [True]
