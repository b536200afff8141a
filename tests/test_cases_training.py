"""Small inputs that once ended a training in a traceback: unusual figures, and steps too long."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from dskreg.cli import main
from dskreg.explorer import Explorer
from dskreg.storage import artifact as artifacts
from tests.visits import visit

ROOT = Path(__file__).parents[1]
PAGES = [path.stem for path in sorted((ROOT / "pages").glob("*.py"))]
QUICK = ("--set", "model.width=8", "--set", "projection.iterations=50")


def dskreg(*arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["dskreg", *arguments])
        return main()


def trained(data: Path, out: Path, *options: str) -> artifacts.Artifact:
    assert dskreg("train", str(data), "--out", str(out), "--epochs", "1", *QUICK, *options) == 0
    return artifacts.load(out)


def no_validation(folder: Path) -> Path:
    """Two training likes each: too few to give one up for validation; one test like each."""
    folder.mkdir()
    (folder / "train.txt").write_text("".join(f"{u} {u % 20} {(7 * u + 3) % 20}\n" for u in range(30)))
    (folder / "test.txt").write_text("".join(f"{u} {(11 * u + 5) % 20}\n" for u in range(30)))
    (folder / "kg_final.txt").write_text("".join(f"{i} 0 {20 + i % 4}\n" for i in range(20)))
    return folder


def no_test(folder: Path, items: int) -> Path:
    """One like each: nothing is left to hide."""
    folder.mkdir()
    (folder / "x.inter").write_text(
        "user_id:token\titem_id:token\trating:float\n" + "".join(f"u{u}\ti{u % items}\t8\n" for u in range(6))
    )
    (folder / "x.kg").write_text(
        "head_id:token\trelation_id:token\ttail_id:token\n"
        + "".join(f"m{i}\tr\tg{i // 2}\n" for i in range(items))
    )
    (folder / "x.link").write_text(
        "item_id:token\tentity_id:token\n" + "".join(f"i{i}\tm{i}\n" for i in range(items))
    )
    (folder / "x.item").write_text(
        "item_id:token\ttitle:token_seq\n" + "".join(f"i{i}\tTitle {i}\n" for i in range(items))
    )
    return folder


ALONE = ("--preset", "paper", "--set", "data.core=1", "--set", "graph.min_items=1")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artifacts in which some figures are undefined: no validation items; no test items; the same with a
    single item.
    """
    folder = tmp_path_factory.mktemp("shelf")
    trained(
        no_validation(folder / ".data"),
        folder / "unvalidated",
        "--set",
        "train.refit=false",
        "--no-baselines",
    )
    trained(no_test(folder / ".three", 3), folder / "untested", *ALONE)
    trained(no_test(folder / ".one", 1), folder / "one title", *ALONE, "--no-baselines")
    return folder


def test_without_validation_items_their_figures_are_null(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = trained(
        no_validation(tmp_path / "data"), tmp_path / "made", "--set", "train.refit=false", "--no-baselines"
    )
    rows = json.loads((tmp_path / "made" / "history.json").read_text(encoding="utf-8"))
    assert [(row["epoch"], row["ndcg"], row["recall"]) for row in rows] == [(0, None, None), (1, None, None)]
    assert any(note.startswith("no user has a validation item") for note in made.dataset.notes)
    assert "note: no user has a validation item" in capsys.readouterr().err
    assert made.metrics["users"] == 30 and made.metrics["metrics"]["recall@20"] > 0, (
        "the test figures are there"
    )


@pytest.mark.parametrize("preset", ["default", "paper"])
def test_without_a_relation_a_model_is_trained_and_lists(
    preset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--preset", preset, "--set", "graph.max_relations=0", "--no-baselines")
    made = trained(no_validation(tmp_path / "data"), tmp_path / "made", *options)
    assert not made.graph.relations and (made.picks["neighbour"] == -1).all()
    capsys.readouterr()
    assert dskreg("recommend", str(tmp_path / "made"), "--user", "3", "--top", "5", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["items"]) == 5


def test_a_split_set_of_interactions_alone_keeps_its_validation_out_of_the_model(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    parts: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    for user in range(20):
        for n, item in enumerate(range(user % 2, 16, 2)):
            part = ("valid", "test")[n - user % 7] if 0 <= n - user % 7 < 2 else "train"
            parts[part].append(f"u{user}\ti{item}\n")
    for part, rows in parts.items():
        (data / f"x.{part}.inter").write_text("user_id:token\titem_id:token\n" + "".join(rows))
    made = trained(data, tmp_path / "made", "--set", "train.refit=false", "--no-baselines")
    assert np.bincount(made.dataset.fold).tolist() == [len(rows) for rows in parts.values()] == [120, 20, 20]
    assert made.weights["likes"].sum() == 120 and made.metrics["users"] == 20
    assert not made.dataset.relations and not len(made.dataset.entities)


@pytest.mark.parametrize("items", [3, 1])
def test_without_test_items_their_figures_are_null(
    items: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = trained(no_test(tmp_path / "data", items), tmp_path / "made", *ALONE)
    assert {
        value
        for figures in (made.metrics["metrics"], *made.metrics["baselines"].values())
        for value in figures.values()
    } == {None}
    assert made.metrics["users"] == 0 and any(
        note.startswith("no user has a test item") for note in made.dataset.notes
    )
    assert (made.metrics["maps"]["titles"]["trustworthiness"] is None) == (items < 3)
    assert "note: no user has a test item" in capsys.readouterr().err
    assert dskreg("evaluate", str(tmp_path / "made"), "--json") == 0
    assert set(json.loads(capsys.readouterr().out)["metrics"].values()) == {None}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", ["unvalidated", "untested", "one title"])
def test_every_page_shows_an_artifact_with_undefined_figures(
    page: str, name: str, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(shelf))
    app = visit(page, artifact=name, user=Explorer.open(shelf / name).user_ids[0])
    assert not app.error, app.error[0].value
    if page == "model":
        text = "\n".join(str(element.value) for element in (*app.info, *app.caption, *app.markdown))
        assert ("No user has a held-out test item" in text) == (name != "unvalidated")
        assert "No user has a validation item" in text and "best on validation" not in text


def test_two_artifacts_with_undefined_figures_stand_side_by_side(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(shelf))
    app = visit("compare", artifact="untested", what="models", other_model="unvalidated")
    assert app.title


DIVERGING = ("--set", "train.learning_rate=1e3", "--epochs", "50")


def test_a_training_that_diverges_ends_in_one_line_and_what_it_had_learnt_can_be_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = no_validation(tmp_path / "data"), tmp_path / "made"
    command = ("train", str(data), "--out", str(out), *QUICK, "--no-baselines", *DIVERGING)
    assert dskreg(*command) == 2
    said = capsys.readouterr().err.splitlines()[-1].rpartition("\r")[2]
    assert (
        "error: training diverged at epoch " in said and "lower train.learning_rate (1000), or keep" in said
    )
    assert not out.exists()
    last = said.rpartition("--epochs ")[2].split()[0]
    assert said.endswith(f"--epochs {last} --resume")
    assert dskreg(*command[:-1], last, "--resume", "--set", "train.refit=false") == 0
    assert artifacts.load(out).metrics["best_epoch"] == int(last)


@pytest.mark.parametrize("rate", ["1e8", "1e20"])
def test_a_learning_rate_out_of_sense_is_refused_before_training(
    rate: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        dskreg(
            "train",
            str(no_validation(tmp_path / "data")),
            "--out",
            str(tmp_path / "made"),
            "--set",
            f"train.learning_rate={rate}",
        )
        == 2
    )
    said = capsys.readouterr().err
    assert said == f"error: setting train.learning_rate: expected at most 1000 (got {float(rate)!r})\n"
