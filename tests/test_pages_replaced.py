"""An artifact that is replaced on disk while the app shows it."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from itertools import count
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dskreg.storage import artifact as artifacts
from dskreg.storage import folders
from dskreg.ui.common import cache
from tests.reliability.size import times
from tests.visits import DEMO, fine, said, table_with
from tests.visits import visit as visit_page

pytestmark = pytest.mark.skipif(not (DEMO / "manifest.json").is_file(), reason="artifacts/demo is not built")
VISITS = times(60, 5)
USER = 34


def visit() -> AppTest:
    """The recommendations of one user as a table."""
    return visit_page(user=USER, view="table")


def recommended(app: AppTest) -> pd.DataFrame:
    return table_with(app, "rank")


def renamed(demo: artifacts.Artifact, mark: str) -> artifacts.Artifact:
    """The demo with a mark behind every title."""
    return replace(
        demo,
        dataset=replace(
            demo.dataset, items=demo.dataset.items.assign(title=demo.dataset.items["title"] + mark)
        ),
    )


def test_existing_and_new_sessions_both_see_the_replacement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = artifacts.load(DEMO)
    artifacts.save(renamed(demo, " (old)"), tmp_path / "demo")
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(tmp_path))
    app = fine(visit())
    before = cache.open_explorer(tmp_path / "demo")
    assert recommended(app)["title"].str.endswith(" (old)").all()
    artifacts.save(renamed(demo, " (new)"), tmp_path / "demo")
    for session in (app.run(), visit()):
        assert recommended(fine(session))["title"].str.endswith(" (new)").all()
        assert before.profile(USER).label in said(session)
    # An explorer that is still open keeps the old artifact in memory, whole
    assert before.recommend(before.profile(USER))["title"].str.endswith(" (old)").all()


def test_an_artifact_is_listed_during_its_replacement_and_after_a_crash(
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
    # A listing between the renames, when the old folder is already removed
    with monkeypatch.context() as patch:
        listings = iter([set(), {"demo"}])
        patch.setattr(folders, "_listed", lambda *_: next(listings))
        assert cache.artifact_names() == ["demo"]
    (tmp_path / "demo").rename(tmp_path / ".demo.0123abcd.old")
    assert cache.artifact_names() == ["demo"]
    assert recommended(fine(visit()))["title"].notna().all() and [
        path.name for path in tmp_path.iterdir()
    ] == ["demo"]


def test_a_page_shows_one_artifact_and_never_parts_of_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = artifacts.load(DEMO)
    monkeypatch.setenv("DSKREG_ARTIFACTS", str(tmp_path))
    artifacts.save(renamed(demo, " #0"), tmp_path / "demo")
    label = cache.open_explorer(tmp_path / "demo").profile(USER).label
    over, failed = threading.Event(), []

    def replacing() -> None:
        for n in count(1):
            if over.is_set():
                return
            try:
                artifacts.save(renamed(demo, f" #{n}"), tmp_path / "demo")
            except Exception as error:
                failed.append(error)

    writer = threading.Thread(target=replacing)
    writer.start()
    try:
        seen = set()
        for _ in range(VISITS):
            app = fine(visit())
            assert not app.error and [title.value for title in app.title] == [f"Recommendations for {label}"]
            marks = recommended(app)["title"].str.extract(r" (#\d+)$")[0]
            assert marks.notna().all() and marks.nunique() == 1, "one artifact, not parts of two"
            seen |= set(marks)
    finally:
        over.set()
        writer.join()
    assert not failed and len(seen) > 1
