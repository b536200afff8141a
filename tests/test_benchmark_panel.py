"""The benchmarks on the Model page: the tables are the file's, the sentences follow from the numbers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from dskreg.ui.model import ablation, benchmark
from dskreg.ui.model.scoreboard import MODEL


def rows(**others: tuple[float, float]) -> list[dict]:
    """DSKReG at .3 and others by (difference, p)."""
    ours = {"model": MODEL, "ndcg@20": 0.3, "recall@20": 0.4, "coverage@20": 0.2, "seeds": 5}
    return [
        ours,
        *(
            {"model": name, "ndcg@20": 0.3 - d, "seeds": 5, "DSKReG minus it": d, "p (Holm)": p}
            for name, (d, p) in others.items()
        ),
    ]


def test_the_verdict_follows_from_difference_and_significance() -> None:
    table = pd.DataFrame(rows(kNN=(0.1, 1e-9), EASE=(-0.001, 0.4), iALS=(-0.02, 0.001)))
    assert (
        benchmark.verdict(table)
        == "DSKReG is ahead of kNN, level with EASE (no significant difference) and behind iALS."
    )
    assert benchmark.verdict(pd.DataFrame(rows())) == "There is no other recommender to compare with."
    untested = pd.DataFrame([*rows(kNN=(0.1, 0.01)), {"model": "BPR", "ndcg@20": 0.01}])
    said = "DSKReG is ahead of kNN. The difference to BPR was not tested."
    assert benchmark.verdict(untested) == said
    assert "behind" not in benchmark.verdict(pd.DataFrame(rows(kNN=(0.1, 0.01))))


def test_the_verdict_leaves_out_variants_of_the_model() -> None:
    variants = {f"{MODEL}, paper preset": (0.2, 1e-9), f"{MODEL}, another": (-0.2, 1e-9)}
    assert benchmark.verdict(pd.DataFrame(rows(kNN=(0.1, 1e-9), **variants))) == "DSKReG is ahead of kNN."
    assert (
        benchmark.verdict(pd.DataFrame(rows(**variants))) == "There is no other recommender to compare with."
    )
    for section, table in benchmark.tables(benchmark.read()).items():
        assert MODEL not in benchmark.verdict(table).removeprefix(f"{MODEL} is "), section


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0, "< 1e-300"),
        (3e-308, "< 1e-300"),
        (2e-300, "2e-300"),
        (0.0412, "0.04"),
        (1.0, "1"),
        (float("nan"), None),
    ],
)
def test_a_p_value_is_never_shown_as_zero(p: float, text: str | None) -> None:
    assert benchmark.p_in_words(p) == text
    shown = benchmark.shown(pd.DataFrame(rows(kNN=(0.1, p))))
    assert shown["p (Holm)"].tolist()[1:] == [text] and shown["p (Holm)"].isna()[0]
    assert "p (Holm)" not in benchmark.shown(pd.DataFrame(rows()))


def test_there_is_a_table_for_the_test_and_for_cold_items() -> None:
    document = {
        "date": "2020-01-01",
        "machine": {},
        "x: test": rows(kNN=(0.1, 0.01)),
        "x.cold: among the cold": rows(),
        "x.cold: warm": rows(),
        "x.share: warm": rows(),
    }
    found = benchmark.tables(document)
    assert [benchmark.heading(section) for section in found] == [
        "x: all items",
        "x: cold items",
    ]
    assert found["x: test"]["ndcg@20"].tolist() == [0.3, pytest.approx(0.2)]


def test_the_caption_names_command_date_hardware_and_tuning() -> None:
    machine = {
        "hardware": "x86_64, 1 threads",
        "versions": {"torch": "2.13.0", "scipy": "1"},
        "trials": 12,
        "seconds": 240.0,
    }
    said = benchmark.made_by({"made": {"x: test": {"date": "2020-01-01", "machine": machine}}}, "x: test")
    assert all(
        part in said
        for part in (f"`{benchmark.COMMAND}`", "2020-01-01", "x86_64", "torch 2.13.0", "12 trials", "240 s")
    )
    searched = benchmark.made_by(
        {"made": {"x: test": {"date": "2020-01-01", "machine": machine | {"searched": ["kNN", "EASE"]}}}},
        "x: test",
    )
    assert "240 s, kNN and EASE by a search on logarithmic axes." in searched and "logarithmic" not in said
    cold = benchmark.made_by(
        {"made": {"x.cold: among all": {"date": "2020-01-01", "machine": machine}}}, "x.cold: among all"
    )
    assert f"`{benchmark.COMMAND} --part cold`, 2020-01-01" in cold and "tuned" not in cold


def test_a_run_of_an_earlier_model_says_so() -> None:
    made: dict = {"date": "2020-01-01", "machine": {"hardware": "x86_64"}}
    said = benchmark.made_by({"made": {"x: test": made}}, "x: test")
    assert "an earlier model, not the present one" in said
    made["machine"] = {"form": "evidence"}
    assert "earlier" not in benchmark.made_by({"made": {"x: test": made}}, "x: test")


@pytest.mark.parametrize("content", [None, "", "[1]", '{"x: test"'])
def test_a_missing_or_broken_file_gives_no_benchmarks(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "benchmarks").mkdir()
        (tmp_path / "benchmarks" / "accuracy.json").write_text(content)
    assert benchmark.read(tmp_path) == {}


def test_the_file_of_the_repository_is_read() -> None:
    document = benchmark.read()
    found = benchmark.tables(document)
    assert len(found) >= 4 and all(MODEL in table["model"].tolist() for table in found.values())
    for section in found:
        made = document["made"][section]
        assert made["date"] in benchmark.made_by(document, section) and made["machine"][
            "hardware"
        ] in benchmark.made_by(document, section)


def part(name: str, ndcg: float, *change: float) -> dict:
    return {"model": name, "ndcg@20": ndcg, "seeds": 1} | dict(zip(("gain", "within"), change, strict=False))


def test_the_summary_of_ablations_names_significant_losses_and_gains() -> None:
    warm = [
        part("default", 0.3),
        part("no prior", 0.301, 0.003, 0.01),
        part("no gates", 0.27, -0.1, 0.02),
        part("a_b", 0.33, 0.1, 0.01),
    ]
    cold = [part("no gates", 0.1, -0.5, 0.1), part("default", 0.2), part("no prior", 0.199, -0.005, 0.01)]
    found = ablation.tables(
        {
            "x.share: among the cold": cold,
            "x.share: warm": warm,
            "x: test": rows(),
            "old.share: warm": [part("default", 0.3)],
        }
    )
    assert list(found) == ["x"], "variants that were not compared by user have no table"
    table = found["x"]
    assert table["model"].tolist() == ["default", "no gates", "no prior", "a_b"] and table[
        "ndcg@20 among the cold"
    ].tolist()[:3] == [0.2, 0.1, 0.199]
    assert set(table) <= set(ablation.COLUMNS)
    said = "significantly worse: *no gates* (−10.0%); significantly better: *a\\_b* (+10.0%)"
    assert (
        ablation.summary(table, "warm")
        == f"All items as candidates: {said}; not significant: 1 of 3 variants."
    )
    calm = ablation.summary(table[table["model"] != "no gates"], "among the cold")
    assert calm.endswith("candidates: no variant is significantly worse; not significant: 1 of 1 variants.")
    many = ablation.tables(
        {
            "x.share: warm": [
                part("default", 1.0),
                *(part(f"p{n}", 1 - n / 10, -n / 10, 0.01) for n in range(1, 7)),
            ]
        }
    )["x"]
    assert ablation.summary(many, "warm").endswith(
        "worse: *p6* (−60.0%), *p5* (−50.0%), *p4* (−40.0%), *p3* (−30.0%), and 2 more."
    ) and not ablation.summary(many, "among the cold")
