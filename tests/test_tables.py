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


def test_holm_and_the_paired_test_are_the_textbooks() -> None:
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
    assert 0 < least < 1e-300 < far and tables.shown_apart({"DSKReG minus it": 1.0, "p (Holm)": least}) == [
        "+1.0000",
        "< 1e-300",
    ]
    assert tables.shown_apart({"DSKReG minus it": 1.0, "p (Holm)": 1.2e-299})[1] == "1e-299"
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
        accuracy.warm(tmp_path / "tiny", list(models), plan)
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
    (tmp_path / "README.md").write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n")
    tables.write(plan.work, tmp_path)
    written = (tmp_path / "README.md").read_text()
    assert written.startswith("before\n") and written.endswith("after\n") and "old" not in written
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
            accuracy.one(tmp_path / f"{name}-{seed}.json", Recommender(fit), {}, noisy(), seed, {"test": {}})
    rows = {row["model"]: row for row in tables.summarised(tmp_path, "test")}
    assert rows["popularity"]["DSKReG minus it"] == 0 and rows["popularity"]["p (Holm)"] == 1, (
        "the same scores at the same seed"
    )
    assert rows["DSKReG"]["ndcg@20"] != rows["popularity"]["ndcg@20"] and rows["DSKReG"]["seeds"] == 3


def test_tables_of_other_runs_stay_with_the_day_and_the_machine_that_made_them(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(f"{tables.BEGIN}\n{tables.END}")
    for day, name in enumerate(("one", "two", "one")):
        work = tmp_path / f"work {day}"
        for folder in (name, f"{name}.share"):
            (work / folder).mkdir(parents=True)
            views = {view: {} for view in tables.VIEWS[folder.partition(".")[2]]}
            accuracy.one(
                work / folder / f"popularity-{day}.json", RIVALS["popularity"], {}, noisy(), day, views
            )
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
        "one.share": "h2",
        "two": "h1",
        "two.share": "h1",
    }
    assert [row["seeds"] for row in document["one: test"]] == [1]
    shown = (tmp_path / "README.md").read_text()
    assert (
        shown.count(", h2,") == 3
        and shown.count(", h1,") == 3
        and shown.count("### ") == 6
        and ", h0," not in shown
    )


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., dict]:
    """Write the tables of a run, by folder and model its seed; the document."""
    days = itertools.count()

    def tell(runs: dict[str, dict[str, int]], date: str | None = None) -> dict:
        work, known = tmp_path / f"work {next(days)}", tmp_path / "accuracy.json"
        for folder, models in runs.items():
            (work / folder).mkdir(parents=True)
            views = {view: {} for view in tables.VIEWS[folder.partition(".")[2]]}
            for name, seed in models.items():
                accuracy.one(
                    work / folder / f"{name}-0.json",
                    Recommender(lambda *_, seed=seed: fixed_scorer(seed)),
                    {},
                    noisy(),
                    0,
                    views,
                )
        machine = {
            "hardware": "h",
            "versions": {"torch": "t", "numpy": "n", "python": "p"},
            "trials": 1,
            "seconds": 1,
        }
        (work / "machine.json").write_text(json.dumps(machine))
        (tmp_path / "README.md").write_text(f"{tables.BEGIN}\n{tables.END}")
        tables.write(work, tmp_path)
        document = json.loads(known.read_text())
        for made in document["made"].values():
            made["date"] = date or made["date"]
        known.write_text(json.dumps(document))
        return document

    return tell


def test_the_repository_s_own_p_values_are_above_0() -> None:
    document = json.loads((Path(tables.__file__).parent / "accuracy.json").read_text())
    found = [
        row["p (Holm)"]
        for rows in document.values()
        if isinstance(rows, list)
        for row in rows
        if "p (Holm)" in row
    ]
    assert len(found) > 20 and 0 < min(found) and max(found) <= 1


def test_who_searched_for_settings_by_itself_is_told() -> None:
    machine = {
        "hardware": "h",
        "versions": {"torch": "t", "numpy": "n", "python": "p"},
        "trials": 3,
        "seconds": 4.0,
    }
    made = {"date": "2020-01-01", "machine": machine}
    assert tables.by_whom(made).endswith("; tuning: 3 trials or 4 s per model and data set.")
    made["machine"] = machine | {"searched": ["EASE", "item-kNN"]}
    assert tables.by_whom(made).endswith(
        "tuning: EASE, item-kNN by dskreg/evaluation/tuning.py; the others 3 trials or 4 s per model and data set."
    )


def by_model(rows: list[dict]) -> dict[str, dict]:
    return {row["model"]: row for row in rows}


def test_a_model_that_was_not_run_again_keeps_its_row_without_a_test(
    told: Callable[..., dict], tmp_path: Path
) -> None:
    first = by_model(
        told(
            {"one": {"DSKReG": 0, "popularity": 1, "slow": 2}, "one.share": {"default": 0, "slow": 2}},
            "2020-01-01",
        )["one: test"]
    )
    document = told({"one": {"DSKReG": 9, "popularity": 10}, "one.share": {"default": 9}})
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
    assert by_model(document["one.share: warm"]).keys() == {"default"}, "parts are measured beside each other"
    shown = (tmp_path / "README.md").read_text()
    assert "| slow (run of 2020-01-01) | " in shown and shown.count("(run of") == 1
    third = by_model(told({"one": {"DSKReG": 3}})["one: test"])
    assert third["slow"]["apart"] == "2020-01-01" != third["popularity"]["apart"], (
        "the day of its own run, not of the last table"
    )


def test_a_model_run_by_itself_joins_the_table_without_a_test(told: Callable[..., dict]) -> None:
    before = told({"one": {"DSKReG": 0, "popularity": 1, "old": 2}}, "2020-01-01")
    document = told({"one": {"late": 3, "old": 4}})
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


def test_parts_stand_beside_the_whole_person_by_person(told: Callable[..., dict], tmp_path: Path) -> None:
    rows = by_model(told({"one.share": {"default": 0, "no gates": 1, "no prior": 0}})["one.share: warm"])
    people = [
        significance.per_person([tmp_path / "work 0" / "one.share" / f"{name}-0.json"], "warm")
        for name in ("no gates", "default")
    ]
    difference = np.array(list(people[0].values())) - np.array(list(people[1].values()))
    whole = np.mean(list(people[1].values()))
    assert (
        rows["no gates"]["gain"]
        == pytest.approx(difference.mean() / whole)
        == pytest.approx(rows["no gates"]["ndcg@20"] / whole - 1)
    )
    assert (
        rows["no gates"]["within"]
        == pytest.approx(1.96 * difference.std(ddof=1) / len(difference) ** 0.5 / whole)
        and "gain" not in rows["default"]
    )
    assert rows["no prior"]["gain"] == rows["no prior"]["within"] == 0
    assert (
        f"| {rows['no gates']['gain']:+.1%} ± {rows['no gates']['within']:.1%} |"
        in (tmp_path / "README.md").read_text()
    )


SECTIONS = {
    "Kaggle anime": "anime: test",
    "dskreg-lastfm": "dskreg-lastfm: test",
    "dskreg-book": "dskreg-book: test",
    "anime, titles that nobody has liked": "anime.cold: among the cold",
}
REPOSITORY = Path(tables.__file__).parents[1]


def cells(line: str) -> list[str]:
    return [cell.strip().replace("**", "") for cell in line.strip("|").split("|")]


def readme_table(first: str) -> list[dict[str, str]]:
    """The rows of the README's table whose head begins with `first`, by column."""
    lines = (REPOSITORY / "README.md").read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(first))
    head, rows = (
        cells(lines[start]),
        itertools.takewhile(lambda line: line.startswith("|"), lines[start + 2 :]),
    )
    return [dict(zip(head, cells(row), strict=True)) for row in rows]


def section_of(row: dict[str, str]) -> dict[str, dict]:
    """The document's rows by model for a row of the README: the section that its first cell begins with, the
    longest such name.
    """
    document = json.loads((REPOSITORY / "benchmarks" / "accuracy.json").read_text())
    name = max((name for name in SECTIONS if row[""].startswith(name)), key=len)
    return by_model(document[SECTIONS[name]])


def test_the_readme_s_results_are_those_of_the_document() -> None:
    compared = 0
    for row in readme_table("| | DSKReG `default` |"):
        if row[""].startswith("demo"):
            metrics = json.loads((REPOSITORY / "artifacts" / "demo" / "metrics.json").read_text())["metrics"]
            assert row["DSKReG `default`"] == f"{metrics['ndcg@20']:.3f} ({metrics['recall@20']:.3f})"
            continue
        for column in set(row) - {""}:
            found = section_of(row).get(column.removesuffix(" `default`"))
            figures = re.findall(r"\d\.\d{3}", row[column])
            if figures:
                assert (
                    found is not None
                    and figures == [f"{found[name]:.3f}" for name in ("ndcg@20", "recall@20")][: len(figures)]
                ), (row[""], column)
                compared += 1
    assert compared >= 15


def test_the_readme_s_differences_and_p_values_are_those_of_the_document() -> None:
    told = readme_table("| | rival |")
    assert len(told) >= 4
    for row in told:
        found = section_of(row)[row["rival"]]
        assert [row["DSKReG minus it"], row["p"]] == (tables.shown_apart(found) or ["", "not tested"]), row
