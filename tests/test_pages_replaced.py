"""An artifact that is replaced on disk while people look at it."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from test_pages import DEMO, fine, recommended, said, visit

from dskreg.storage import artifact as artifacts
from dskreg.storage import folders
from dskreg.ui.common import cache
from tests.reliability.size import times

pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")
VISITS = times(60, 8)


def renamed(demo: artifacts.Artifact, mark: str) -> artifacts.Artifact:
    """The demo with a mark behind every title."""
    return replace(
        demo,
        dataset=replace(
            demo.dataset, items=demo.dataset.items.assign(title=demo.dataset.items["title"] + mark)
        ),
    )


def test_who_is_looking_and_who_comes_see_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = artifacts.load(DEMO)
    artifacts.save(renamed(demo, " (old)"), tmp_path / "demo")
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(tmp_path))
    app = fine(visit(user="34"))
    before = cache.open_explorer(tmp_path / "demo")
    assert recommended(app)["title"].str.endswith(" (old)").all()
    artifacts.save(renamed(demo, " (new)"), tmp_path / "demo")
    for looking in (app.run(), visit(user="34")):
        assert recommended(fine(looking))["title"].str.endswith(" (new)").all() and "user 34" in said(looking)
    # Whoever still holds the old one can finish with it: it lies in memory, whole.
    assert before.recommend(before.profile(34))["title"].str.endswith(" (old)").all()


def test_it_is_listed_while_it_is_away_and_where_its_saver_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo, real, listed = artifacts.load(DEMO), os.replace, []
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(tmp_path))
    artifacts.save(demo, tmp_path / "demo")

    def moved(*arguments: Path) -> None:
        real(*arguments)
        listed.append(cache.artifact_names())

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", moved)
        artifacts.save(demo, tmp_path / "demo")
    assert listed == [["demo"], ["demo"]], "between the two renames, and after them"
    # One listing that fell between the renames, when what was taken away is cleared away already.
    with monkeypatch.context() as patch:
        listings = iter([set(), {"demo"}])
        patch.setattr(folders, "_listed", lambda *_: next(listings))
        assert cache.artifact_names() == ["demo"]
    (tmp_path / "demo").rename(tmp_path / ".demo.0123abcd.old")
    assert cache.artifact_names() == ["demo"]
    assert recommended(fine(visit(user="34")))["title"].notna().all() and [
        path.name for path in tmp_path.iterdir()
    ] == ["demo"]


def test_replaced_again_and_again_it_is_always_the_one_or_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = artifacts.load(DEMO)
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(tmp_path))
    artifacts.save(renamed(demo, " #0"), tmp_path / "demo")
    over, failed = threading.Event(), []

    def replacing() -> None:
        for n in count(1):
            if over.is_set():
                return
            try:
                artifacts.save(renamed(demo, f" #{n}"), tmp_path / "demo")
            except Exception as error:
                failed.append(error)

    at_it = threading.Thread(target=replacing)
    at_it.start()
    try:
        seen = set()
        for _ in range(VISITS):
            app = fine(visit(user="34"))
            assert not app.error and [title.value for title in app.title] == ["Recommendations for user 34"]
            marks = recommended(app)["title"].str.extract(r" (#\d+)$")[0]
            assert marks.notna().all() and marks.nunique() == 1, "one artifact, not parts of two"
            seen |= set(marks)
    finally:
        over.set()
        at_it.join()
    assert not failed and len(seen) > 1
