"""The benchmark's tables: their statistics are the textbook's, they name every model, and rows of other runs
stay what they are.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmarks import accuracy, significance, tables
from benchmarks.accuracy import Plan
from benchmarks.assess import assess
from benchmarks.recommenders import RIVALS, Recommender
from dskreg.data.dataset import Dataset
from dskreg.evaluation.ranking import Scorer
from tests.tiny_runs import fixed_scorer, noisy


def test_holm_correction_and_paired_test_agree_with_the_textbook_formulas() -> None:
    assert significance.holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx(
        {"a": 0.03, "c": 0.06, "b": 0.06}
    )
    rng = np.random.default_rng(0)
    ours, theirs = rng.random(50), rng.random(50)
    difference, p = significance.paired(dict(enumerate(ours)), dict(enumerate(theirs)) | {99: 1.0})
    assert difference == pytest.approx((ours - theirs).mean()) and p == pytest.approx(
        stats.ttest_rel(ours, theirs).pvalue
    )
    assert significance.paired({1: 0.5, 2: 0.1}, {1: 0.5, 2: 0.1}) == (0.0, 1.0)
    far = significance.paired(dict(enumerate(100 + ours)), dict(enumerate(theirs)))[1]
    many = dict(enumerate(np.tile(10 + 1e-3 * ours, 100)))
    least = significance.paired(many, dict.fromkeys(many, 0.0))[1]
    assert 0 < least < 1e-300 < far and tables.comparison_cells(
        {"DSKReG minus it": 1.0, "p (Holm)": least}
    ) == [
        "+1.0000",
        "< 1e-300",
    ]
    assert tables.comparison_cells({"DSKReG minus it": 1.0, "p (Holm)": 1.2e-299})[1] == "1e-299"
    assert significance.interval(np.array([1.0, 0, 1])) == pytest.approx(
        1.96 * np.std([1, 0, 1], ddof=1) / 3**0.5
    )


def test_a_run_is_resumed_and_its_tables_name_every_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits: list[int] = []

    def fit(data: Dataset, settings: dict, seed: int) -> Scorer:
        fits.append(seed)
        return fixed_scorer(seed + 5)

    models = {"DSKReG": Recommender(fit), "popularity": RIVALS["popularity"]}
    monkeypatch.setattr(accuracy, "MODELS", models)
    monkeypatch.setattr(accuracy, "prepared", lambda folder, seed: noisy())
    plan = Plan(tmp_path, tmp_path / "work", seeds=2, trials=1, seconds=1)
    for _ in range(2):
        accuracy.measure(tmp_path / "tiny", list(models), plan)
    assert fits == [0, 1]
    (plan.work / "machine.json").write_text(
        json.dumps(
            {
                "hardware": "h",
                "versions": {"torch": "t", "numpy": "n", "python": "p"},
                "trials": 1,
                "seconds": 1,
            }
        )
    )
    tables.write(plan.work, tmp_path)
    written = (tmp_path / "results" / "tiny.md").read_text()
    assert written.startswith("# Results: tiny\n")
    assert "| **DSKReG** |" in written and "| popularity |" in written
    rows = json.loads((tmp_path / "accuracy.json").read_text())["tiny: test"]
    ours = next(row for row in rows if row["model"] == "DSKReG")
    assert ours["ndcg@20"] == pytest.approx(
        np.mean([assess(fixed_scorer(seed + 5), noisy())[0]["ndcg@20"] for seed in (0, 1)])
    )


def test_models_are_compared_over_the_seeds_that_both_have(tmp_path: Path) -> None:
    def fit(data: Dataset, settings: dict, seed: int) -> Scorer:
        return fixed_scorer(9 * seed)

    for name, seeds in (("DSKReG", (0, 1, 2)), ("popularity", (1,))):
        for seed in seeds:
            accuracy.one(tmp_path / f"{name}-{seed}.json", Recommender(fit), {}, noisy(), seed)
    rows = {row["model"]: row for row in tables.summarised(tmp_path)}
    assert rows["popularity"]["DSKReG minus it"] == 0 and rows["popularity"]["p (Holm)"] == 1, (
        "the same scores at the same seed"
    )
    assert rows["DSKReG"]["ndcg@20"] != rows["popularity"]["ndcg@20"] and rows["DSKReG"]["seeds"] == 3


def test_tables_of_other_runs_stay_with_the_day_and_the_machine_that_made_them(tmp_path: Path) -> None:
    for day, name in enumerate(("one", "two", "one")):
        work = tmp_path / f"work {day}"
        (work / name).mkdir(parents=True)
        accuracy.one(work / name / f"popularity-{day}.json", RIVALS["popularity"], {}, noisy(), day)
        machine = {
            "hardware": f"h{day}",
            "versions": {"torch": "t", "numpy": "n", "python": "p"},
            "trials": 1,
            "seconds": 1,
        }
        (work / "machine.json").write_text(json.dumps(machine))
        tables.write(work, tmp_path)
    document = json.loads((tmp_path / "accuracy.json").read_text())
    by = {key: made["machine"]["hardware"] for key, made in document["made"].items()}
    assert {key.partition(":")[0]: hardware for key, hardware in by.items()} == {
        "one": "h2",
        "two": "h1",
    }
    assert [row["seeds"] for row in document["one: test"]] == [1]
    pages = {path.stem: path.read_text() for path in (tmp_path / "results").iterdir()}
    assert {name: text.count("\n## ") for name, text in pages.items()} == {"one": 1, "two": 1}
    assert pages["one"].count(", h2,") == 1 and pages["two"].count(", h1,") == 1
    assert ", h0," not in pages["one"]


@pytest.fixture
def tables_of(tmp_path: Path) -> Callable[..., dict]:
    """Write the tables of a run, by folder and model its seed; the document."""
    days = itertools.count()

    def write(runs: dict[str, dict[str, int]], date: str | None = None) -> dict:
        work, known = tmp_path / f"work {next(days)}", tmp_path / "accuracy.json"
        for folder, models in runs.items():
            (work / folder).mkdir(parents=True)
            for name, seed in models.items():
                accuracy.one(
                    work / folder / f"{name}-0.json",
                    Recommender(lambda *_, seed=seed: fixed_scorer(seed)),
                    {},
                    noisy(),
                    0,
                )
        machine = {
            "hardware": "h",
            "versions": {"torch": "t", "numpy": "n", "python": "p"},
            "trials": 1,
            "seconds": 1,
        }
        (work / "machine.json").write_text(json.dumps(machine))
        tables.write(work, tmp_path)
        document = json.loads(known.read_text())
        for made in document["made"].values():
            made["date"] = date or made["date"]
        known.write_text(json.dumps(document))
        return document

    return write


def test_the_repository_s_own_p_values_are_above_0() -> None:
    """Each model that was measured beside DSKReG has one; the others' pages name the day of another run."""
    folder = Path(tables.__file__).parent
    document = json.loads((folder / "accuracy.json").read_text())
    for name in ("anime", "dskreg-book", "dskreg-lastfm"):
        found = {row["model"]: row["p (Holm)"] for row in document[f"{name}: test"] if "p (Holm)" in row}
        ranking = (folder / "results" / f"{name}.md").read_text().split("\n\n")[4].splitlines()[2:]
        beside = [line for line in ranking if "**DSKReG**" not in line and "(run of " not in line]
        assert len(found) == len(beside) >= 3 and 0 < min(found.values()) and max(found.values()) <= 1


def test_the_line_above_a_table_names_the_models_that_were_tuned_by_a_search() -> None:
    machine = {
        "hardware": "h",
        "versions": {"torch": "t", "numpy": "n", "python": "p"},
        "trials": 3,
        "seconds": 4.0,
        "form": "evidence",
    }
    made = {"date": "2020-01-01", "machine": machine}
    assert tables.made_by(made).endswith("; tuning: 3 trials or 4 s per model and data set.")
    made["machine"] = machine | {"searched": ["EASE", "item-kNN"]}
    assert tables.made_by(made).endswith(
        "tuning: EASE, item-kNN by dskreg/evaluation/tuning.py; "
        "the others 3 trials or 4 s per model and data set."
    )
    del made["machine"]["form"]
    assert tables.made_by(made).endswith(" DSKReG is an earlier model, not the present one.")


def by_model(rows: list[dict]) -> dict[str, dict]:
    return {row["model"]: row for row in rows}


def test_a_model_that_was_not_run_again_keeps_its_row_without_a_significance_test(
    tables_of: Callable[..., dict], tmp_path: Path
) -> None:
    first = by_model(
        tables_of(
            {"one": {"DSKReG": 0, "popularity": 1, "slow": 2}},
            "2020-01-01",
        )["one: test"]
    )
    document = tables_of({"one": {"DSKReG": 9, "popularity": 10}})
    rows = by_model(document["one: test"])
    assert [row["ndcg@20"] for row in document["one: test"]] == sorted(
        (row["ndcg@20"] for row in rows.values()), reverse=True
    )
    assert rows["slow"] == {
        name: value for name, value in first["slow"].items() if name not in tables.COMPARED
    } | {"apart": "2020-01-01"}
    assert (
        set(tables.COMPARED) <= first["slow"].keys() & rows["popularity"].keys()
        and rows["DSKReG"]["ndcg@20"] != first["DSKReG"]["ndcg@20"]
    )
    shown = (tmp_path / "results" / "one.md").read_text()
    assert "| slow (run of 2020-01-01) | " in shown and shown.count("(run of") == 1
    third = by_model(tables_of({"one": {"DSKReG": 3}})["one: test"])
    assert third["slow"]["apart"] == "2020-01-01" != third["popularity"]["apart"], (
        "the day of its own run, not of the last table"
    )


def test_a_model_from_a_run_of_its_own_joins_the_table_without_a_significance_test(
    tables_of: Callable[..., dict],
) -> None:
    before = tables_of({"one": {"DSKReG": 0, "popularity": 1, "old": 2}}, "2020-01-01")
    document = tables_of({"one": {"late": 3, "old": 4}})
    rows, first = by_model(document["one: test"]), by_model(before["one: test"])
    assert all(rows[name] == first[name] for name in ("DSKReG", "popularity")), (
        "these were run together, and stay tested"
    )
    assert (
        not set(tables.COMPARED) & (rows["late"].keys() | rows["old"].keys())
        and rows["old"]["ndcg@20"] != first["old"]["ndcg@20"]
    )
    assert (
        document["made"]["one: test"]["date"] == "2020-01-01" < rows["late"]["apart"] == rows["old"]["apart"]
    )


def test_the_pages_of_results_are_those_of_the_repository_s_document() -> None:
    folder = Path(tables.__file__).parent
    document = json.loads((folder / "accuracy.json").read_text())
    for name, text in tables.pages(document).items():
        assert (folder / "results" / name).read_text() == text, f"{name}: run python benchmarks/tables.py"


def test_every_figure_of_accuracy_in_the_readme_stands_in_a_page_of_results_or_in_the_demo() -> None:
    root = Path(tables.__file__).parents[1]
    pages = "\n".join(path.read_text() for path in sorted((root / "benchmarks" / "results").glob("*.md")))
    known = {f"{float(number):.3f}" for number in re.findall(r"\d+\.\d{3,}", pages)}
    for path in ("artifacts/demo/metrics.json", "benchmarks/accuracy.json"):
        known |= {f"{value:.3f}" for value in numbers(json.loads((root / path).read_text()))}
    claimed = re.findall(r"\b0\.\d{3}\b", (root / "README.md").read_text())
    assert len(claimed) > 30 and not set(claimed) - known


def numbers(document: object) -> list[float]:
    """All numbers in a JSON document."""
    if isinstance(document, dict | list):
        parts = document.values() if isinstance(document, dict) else document
        return [number for part in parts for number in numbers(part)]
    return [document] if isinstance(document, float) else []
