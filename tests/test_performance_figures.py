"""benchmarks/figures.py and benchmarks/all.py: verdicts follow from values, pages from documents, and what is
done is not done again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import all as everything
from benchmarks import figures, load


def test_a_verdict_follows_from_the_value() -> None:
    assert [figures.at_most("x", value, "s", 2).verdict for value in (2.0, 2.01)] == ["met", "missed"]
    assert [figures.at_least("x", value, "", 2).met for value in (1.99, 2.0)] == [False, True]
    less, more = (figures.beside("x", 3, "s", ("y", 2), 1.5, most=most) for most in (True, False))
    assert less.met and more.met and less.times == 1.5 and more.target == ">= 1.5 times"
    assert not figures.beside("x", 3.1, "s", ("y", 2), 1.5, most=True).met


def test_a_page_shows_what_the_documents_hold(tmp_path: Path) -> None:
    rows = [
        figures.Row("pages", 3507, ""),
        figures.beside("a", 0.5, "s", ("import torch", 2), 0.2, most=True),
    ]
    document = figures.save(tmp_path / "load.json", rows, ("torch",), about="Two visitors")
    assert json.loads((tmp_path / "load.json").read_text()) == document
    text = figures.page({"load": document})
    assert "| pages | 3,507 |  |  |  |" in text and "Two visitors." in text
    assert "| a | 0.50 s | 0.25 × import torch | <= 0.2 times | missed |" in text


def test_the_repository_s_page_is_that_of_its_documents() -> None:
    found = figures.read()
    if found:
        assert (figures.RESULTS / "performance.md").read_text() == figures.page(found), (
            "run python benchmarks/figures.py"
        )


def test_a_visit_of_many_is_judged_by_its_bounds() -> None:
    outcome = load.Outcome(asked=3, sessions=2, seconds=[0.1, 0.2, 9.0])
    for half, end, wrong in (
        (100, 111, {"memory of the server at the end"}),
        (88, 109, {"growth from half time to the end"}),
        (89, 109, set()),
    ):
        rows = load.figures(outcome, {"first_minute_mb": 100, "half_mb": half, "end_mb": end})
        assert {row.what for row in rows if row.met is False} == wrong
    outcome.seconds += [9.0] * 60
    outcome.strangers.append("x")
    rows = load.figures(outcome, {"first_minute_mb": 100, "half_mb": 100, "end_mb": 100})
    missed = {row.what for row in rows if row.met is False}
    assert missed == {"pages with another visitor's profile", "a page, median", "a page, 95th percentile"}


def test_what_is_done_is_not_done_again_and_a_failure_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = {"one": [["one.py"]], "two": [["two.py"]], "pages": [["pages.py"]]}
    (tmp_path / "benchmarks").mkdir()
    for name in steps:
        (tmp_path / "benchmarks" / f"{name}.py").write_text(f"print('ran {name}')\n")
    (tmp_path / "benchmarks" / "two.py").write_text("raise SystemExit(3)\n")
    monkeypatch.setattr(everything, "ROOT", tmp_path)
    monkeypatch.setattr(everything, "commands", lambda *_: steps)
    monkeypatch.setattr(sys, "argv", ["all.py", "--work", str(tmp_path / "work")])
    with pytest.raises(SystemExit, match=r"two failed: two.py ended with 3"):
        everything.main()
    (tmp_path / "benchmarks" / "two.py").write_text("")
    capsys.readouterr()
    everything.main()
    said = capsys.readouterr().out
    assert "one: done" in said and "two: done" not in said
    assert sorted(path.stem for path in (tmp_path / "work").iterdir()) == sorted(steps)
