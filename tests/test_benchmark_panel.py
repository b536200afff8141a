"""The benchmarks on the Model page: the tables are the file's, the sentences follow from the numbers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from dskreg.ui.model import benchmark
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


def test_every_dataset_has_a_table() -> None:
    document = {"date": "2020-01-01", "machine": {}, "x: test": rows(kNN=(0.1, 0.01)), "y: test": rows()}
    found = benchmark.tables(document)
    assert list(found) == ["x", "y"]
    assert found["x"]["ndcg@20"].tolist() == [0.3, pytest.approx(0.2)]


def test_the_caption_names_command_date_hardware_and_tuning() -> None:
    machine = {
        "hardware": "x86_64, 1 threads",
        "versions": {"torch": "2.13.0", "scipy": "1"},
        "trials": 12,
        "seconds": 240.0,
    }
    said = benchmark.made_by({"made": {"x: test": {"date": "2020-01-01", "machine": machine}}}, "x")
    assert all(
        part in said
        for part in (f"`{benchmark.COMMAND}`", "2020-01-01", "x86_64", "torch 2.13.0", "12 trials", "240 s")
    )
    searched = benchmark.made_by(
        {"made": {"x: test": {"date": "2020-01-01", "machine": machine | {"searched": ["kNN", "EASE"]}}}},
        "x",
    )
    assert "240 s, kNN and EASE by a search on logarithmic axes." in searched and "logarithmic" not in said


def test_a_run_of_an_earlier_model_says_so() -> None:
    made: dict = {"date": "2020-01-01", "machine": {"hardware": "x86_64"}}
    said = benchmark.made_by({"made": {"x: test": made}}, "x")
    assert "an earlier model, not the present one" in said
    made["machine"] = {"form": "evidence"}
    assert "earlier" not in benchmark.made_by({"made": {"x: test": made}}, "x")


@pytest.mark.parametrize("content", [None, "", "[1]", '{"x: test"'])
def test_a_missing_or_broken_file_gives_no_benchmarks(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "benchmarks").mkdir()
        (tmp_path / "benchmarks" / "accuracy.json").write_text(content)
    assert benchmark.read(tmp_path) == {}


def test_the_file_of_the_repository_is_read() -> None:
    document = benchmark.read()
    found = benchmark.tables(document)
    assert len(found) >= 3 and all(MODEL in table["model"].tolist() for table in found.values())
    for section in found:
        made = document["made"][f"{section}: test"]
        assert made["date"] in benchmark.made_by(document, section) and made["machine"][
            "hardware"
        ] in benchmark.made_by(document, section)
